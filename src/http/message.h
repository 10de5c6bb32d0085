/*
 * message: what a request or response head says, whatever protocol carried it.
 *
 * All slices borrow from the bytes the head was parsed from; who keeps a head longer than its
 * callback copies it (http_head_copy).
 */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/arena.h"
#include "base/bytes.h"

struct http_field {
	struct bytes name, value; /* name as received; value without surrounding blanks */
};

enum { HTTP_FIELDS_MAX = 256 }; /* field lines of one head; more is ERR_FIELDS_TOO_LARGE */

enum http_version { HTTP_0_9 = 9, HTTP_1_0 = 10, HTTP_1_1 = 11, HTTP_2 = 20 };

/* How the body is delimited on the wire (RFC 9112 §6.3). */
enum http_framing {
	HTTP_BODY_NONE,	   /* no body follows */
	HTTP_BODY_LENGTH,  /* exactly `length` bytes */
	HTTP_BODY_CHUNKED, /* chunked transfer coding, trailers possible */
	HTTP_BODY_CLOSE,   /* until the connection closes (responses only) */
	HTTP_BODY_FRAMES,  /* HTTP/2 DATA frames */
};

/* RFC 9110 §7.8, §5.6.6 fields the codec already understood. */
enum {
	HTTP_FLAG_KEEP_ALIVE = 1 << 0,	    /* the connection may carry another message */
	HTTP_FLAG_EXPECT_CONTINUE = 1 << 1, /* Expect: 100-continue, HTTP/1.1 */
	HTTP_FLAG_UPGRADE = 1 << 2,	    /* Upgrade present and named by Connection */
	HTTP_FLAG_HAS_HOST = 1 << 3,
	/*
	 * Content-Length was there and counts: `length` is set whatever `framing` says. A response
	 * to HEAD and a 304 have it with HTTP_BODY_NONE, and the writer writes it.
	 */
	HTTP_FLAG_HAS_LENGTH = 1 << 4,
	HTTP_FLAG_CLOSE =
		1 << 5, /* of a head to be sent: the connection ends after this exchange */
	HTTP_FLAG_TE_TRAILERS = 1 << 6, /* request: who asked understands trailers (HTTP/2) */
};

struct http_head {
	bool is_response;
	enum http_version version;
	enum http_framing framing;
	uint32_t flags;
	uint64_t length; /* for HTTP_BODY_LENGTH */

	struct bytes method; /* request: a token */
	struct bytes target; /* request: as received: "/a?b", "http://h/a", "*", "h:443" */
	struct bytes
		authority; /* request: of the absolute form or :authority; else the first Host */

	uint16_t status;     /* response: 100-999 */
	struct bytes reason; /* response: may be empty */

	const struct http_field *fields; /* arrival order, framing fields included */
	unsigned field_count;
	uint32_t wire_bytes; /* the head as it came, for byte counts */
};

/* First field of that name (any case), NULL when absent. */
const struct http_field *http_find(const struct http_head *head, struct bytes name);
struct bytes http_value(const struct http_head *head, struct bytes name); /* BYTES_NONE */
bool http_has_token(const struct http_head *head, struct bytes name, struct bytes token); /* list */

/* A deep copy in `arena`. ERR_NOMEM. */
err_t http_head_copy(const struct http_head *head, struct arena *arena, struct http_head *ret_copy);

const char *http_reason(uint16_t status);	     /* RFC 9110 §15 phrase; "" when unknown */
bool http_is_token(struct bytes b);		     /* RFC 9110 §5.6.2, not empty */
bool http_method_is_idempotent(struct bytes method); /* RFC 9110 §9.2.2 */

/*
 * A piece of a body as it came: `wire` with its framing, and the payload slices inside it.
 * For LENGTH, CLOSE and FRAMES wire is the payload. A piece may hold no payload (a chunk head).
 */
enum { HTTP_SLICES_MAX = 16 };

struct http_body {
	enum http_framing framing;
	struct bytes wire;
	struct bytes data[HTTP_SLICES_MAX];
	unsigned data_count;
	bool end;      /* the message ends with this piece; last-chunk and trailers are in wire */
	bool boundary; /* chunked: wire ends between two chunks, so that another may be put there */
	const struct http_field *trailers; /* with end; borrowed like the rest */
	unsigned trailer_count;
};

#endif
