/* h1's own: what its files share. */
#ifndef HTTP_H1_INTERNAL_H
#define HTTP_H1_INTERNAL_H

#include "http/h1.h"

enum {
	H1_FIELDS_FEW = 24, /* as many need no allocation of their own */
	H1_BLANKS_MAX = 16, /* bytes of empty lines before a request */
	H1_TRAILER_FIELDS_MAX = 64,
	H1_SPARE_LINES_BYTES = 2048, /* a buffer no larger stays with a spare memory */
};

enum h1_state {
	H1_STATE_START,	   /* before the first byte of a message; left_bytes is 1 after a lone CR */
	H1_STATE_HEAD,	   /* part of a head is in memory */
	H1_STATE_LENGTH,   /* left_bytes to go */
	H1_STATE_CLOSE,	   /* until end of file */
	H1_STATE_SIZE,	   /* in the digits of a chunk line; line_bytes of it were read */
	H1_STATE_SIZE_GAP, /* in blanks between size and ';' */
	H1_STATE_EXT,	   /* in chunk extensions */
	H1_STATE_SIZE_LF,  /* after the CR of a chunk line */
	H1_STATE_DATA,	   /* left_bytes of chunk data to go */
	H1_STATE_DATA_CR,  /* after chunk data */
	H1_STATE_DATA_LF,
	H1_STATE_TRAILER,  /* after the last chunk's line, nothing read yet */
	H1_STATE_TRAILERS, /* part of the trailers is in memory */
	H1_STATE_LAST_LF,  /* no trailers: the CR of the empty line was read */
	H1_STATE_DONE,
	H1_STATE_FAILED,
};

/* A malloc'ed buffer that lines are gathered in. */
struct h1_lines {
	char *at;
	uint32_t len, cap;
	uint32_t line_start; /* of the line being gathered */
};

struct h1_head_memory {
	struct http_head head;
	struct desync_finding finding;
	struct bytes raw;	   /* the head as it came: borrowed, or in `lines` */
	struct http_field *fields; /* `few`, or malloc'ed for HTTP_FIELDS_MAX */
	struct h1_lines lines, trailers;
	struct http_field few[H1_FIELDS_FEW];
};

/* NULL on no memory. Given back with h1_memory_put on the same thread or another. */
struct h1_head_memory *h1_memory_get(void);
void h1_memory_put(struct h1_head_memory *memory);

/*
 * Gathers whole lines from *in, through the empty line that ends a block, into lines->at.
 * False when more is needed. ERR_NOMEM, or `too_large` when lines pass their limits.
 */
struct h1_gather_limits {
	uint32_t first_line_max, line_max,
		block_max; /* lines without their ends, block with them */
	err_t first_line_err;
	bool stop_at_versionless; /* a first line without "HTTP/" ends the block: HTTP/0.9 */
};
err_t h1_gather(struct h1_lines *lines, const struct h1_gather_limits *limits, struct bytes *in,
		bool *ret_complete);

/* ---- h1_framing.c: what the fields mean for the message's end ---- */

struct h1_framing {
	uint64_t length;
	unsigned lengths, codings, hosts;
	bool chunked;
	bool bad_length;  /* not a number, or several that differ */
	bool bad_coding;  /* another coding than chunked and identity */
	bool bad_chunked; /* chunked twice, or not last */
	bool close, keep_alive, names_upgrade, has_upgrade, expects_continue;
	struct bytes host; /* the first */
	bool doubt;	   /* somebody else could see the end elsewhere: no second message then */
	bool odd;	   /* worth a look by desync_classify */
};

void h1_framing_note(struct h1_framing *framing, const struct http_field *field, bool response);

/* Sets framing, length and flags of the head. ERR_BAD_MESSAGE, ERR_BAD_CODING. */
err_t h1_framing_of_request(const struct h1_framing *framing, struct http_head *head);
err_t h1_framing_of_response(const struct h1_framing *framing, struct http_head *head,
			     bool head_request, bool connect_request);

/* ---- h1_head.c: a whole head, or nothing ---- */

struct h1_head_options {
	bool response, head_request, connect_request;
};

/*
 * Parses the head at the start of `in`. When it does not end there, and when anything is wrong
 * with it, or it must be changed (a folded Content-Type): ERR_AGAIN, gather it first.
 * `own` says that it was gathered: `in` is exactly memory->lines. Then errors are final.
 */
err_t h1_head_parse(struct h1_head_memory *memory, struct h1_head_options options, struct bytes in,
		    bool own);

/* What the first line of a head being gathered says, if it is there and well formed. */
void h1_head_glimpse(struct h1_head_memory *memory, bool response);

/* Whether the request line (without its end) names a version. */
bool h1_line_has_version(struct bytes line);

/* Strictly `name: value CRLF` lines and an empty one. ERR_BAD_MESSAGE, ERR_FIELDS_TOO_LARGE. */
err_t h1_trailers_parse(struct bytes block, struct http_field *fields, unsigned fields_max,
			unsigned *ret_count);

/* ---- h1_body.c ---- */

enum h1_result h1_body_feed(struct h1_parser *parser, struct bytes *in);
enum h1_result h1_fail(struct h1_parser *parser, err_t err);

#endif
