/*
 * h1: HTTP/1.x on bytes, both directions: a strict incremental parser and a writer.
 *
 * A pure codec (RFC 9112): no socket, no clock, no allocation of its own but the head buffer.
 * It takes any cut of the bytes and keeps what it lacks.
 *
 *   h1_parser_feed(bytes) ─► H1_MORE                      wants more, all was kept
 *                         ├► H1_HEAD   (once a message)   see h1_parser_head
 *                         ├► H1_BODY   (repeated)         see h1_parser_body
 *                         ├► H1_DONE                      message over; call h1_parser_next
 *                         └► H1_FAILED                    parser->err says why, for good
 *
 * Each call takes bytes off *in and returns at the first of these; call again with the rest.
 * Slices in head and body borrow from *in or from the parser's head buffer: heads stay valid
 * until h1_parser_next or h1_parser_forget_head, body pieces until the next call. A head that came
 * in one piece lies in *in alone: who needs it after *in is gone calls h1_parser_keep_head.
 *
 * H1_DONE needs no more bytes: feed an empty slice after H1_HEAD and it comes at once when there is
 * no body. It comes after the H1_BODY whose piece says `end`; messages without body (framing NONE,
 * or LENGTH of 0) have no H1_BODY. What is good before a bad byte of a body is handed up before
 * H1_FAILED. After that the head holds what could be read of it.
 *
 * What is forwarded of an odd request (desync monitor mode) is unambiguous: one framing is decided,
 * fields that only look like framing fields are dropped, and HTTP_FLAG_KEEP_ALIVE is off where
 * somebody else could see the message end elsewhere.
 */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "http/desync.h"
#include "base/text.h"
#include "http/message.h"

enum {
	H1_REQUEST_LINE_MAX = 16 * 1024, /* reference/alb.md §5.1 */
	H1_FIELD_LINE_MAX = 16 * 1024,
	H1_REQUEST_HEAD_MAX = 64 * 1024,
	H1_RESPONSE_HEAD_MAX = 32 * 1024,
	H1_TRAILERS_MAX = 8 * 1024,
	H1_CHUNK_LINE_MAX = 4 * 1024, /* size and extensions */
};

enum h1_result { H1_MORE, H1_HEAD, H1_BODY, H1_DONE, H1_FAILED };

#include "http/h1_parser.h"

/* `responses` reads responses, else requests. Nothing is allocated before the first byte. */
void h1_parser_init(struct h1_parser *parser, bool responses);
void h1_parser_fini(struct h1_parser *parser);

/* For responses: what the request was: HEAD and CONNECT change the framing (RFC 9112 §6.3). */
void h1_parser_expect(struct h1_parser *parser, bool head_request, bool connect_request);

enum h1_result h1_parser_feed(struct h1_parser *parser, struct bytes *in);

/* The peer closed: H1_DONE ends a body of HTTP_BODY_CLOSE, H1_MORE when idle, else H1_FAILED. */
enum h1_result h1_parser_eof(struct h1_parser *parser);

/* After H1_DONE: ready for another message. What h1_parser_expect said holds on, for 1xx. */
void h1_parser_next(struct h1_parser *parser);
/* Copies the head's bytes, so that it outlives *in; slices taken before point to the old place. */
err_t h1_parser_keep_head(struct h1_parser *parser);  /* ERR_NOMEM */
void h1_parser_forget_head(struct h1_parser *parser); /* gives the head's memory back early */
bool h1_parser_idle(const struct h1_parser *parser);  /* between messages, nothing begun */

/* ---- Writer ---- */

/*
 * Appends a head. Fields are written as given, in order, with nothing added but the framing
 * fields: Content-Length for LENGTH (and for HTTP_FLAG_HAS_LENGTH in responses without body),
 * "Transfer-Encoding: chunked" for CHUNKED. Names and values must be clean (asserted: no CR, LF,
 * NUL). Lines end in CRLF. The version written is HTTP/1.1 but for HTTP_1_0.
 */
void h1_write_request(struct text *out, const struct http_head *head);
void h1_write_response(struct text *out, const struct http_head *head);

/* "1a\r\n" before a chunk's data; "\r\n" follows it. Returns the length. */
enum { H1_CHUNK_HEAD_BYTES = 18 };
size_t h1_chunk_head(char out[H1_CHUNK_HEAD_BYTES], uint64_t data_bytes);
/*
 * The last chunk with trailers that came otherwise (HTTP/2). What speaks about framing, or would
 * not be a line, is left out, and all of them above H1_TRAILERS_MAX.
 */
void h1_write_last_chunk(struct text *out, const struct http_field *trailers, unsigned count);
#define H1_CHUNK_TAIL BYTES("\r\n")
#define H1_LAST_CHUNK BYTES("0\r\n\r\n")

#endif
