/*
 * h2_internal: the parts of h2: h2.c the connection and what nghttp2 says, h2_stream.c streams and
 * what their owners hear and send, h2_head.c heads.
 */
#ifndef HTTP_H2_INTERNAL_H
#define HTTP_H2_INTERNAL_H

#include <nghttp2/nghttp2.h>

#include "http/h2.h"
#include "http/h2_guard.h"

struct h2 {
	struct h2_options options;
	nghttp2_session *session;
	struct list_node streams, due;
	struct h2_guard guard;
	uint64_t activity;
	unsigned live;
	unsigned open;	     /* streams that are not closed */
	uint32_t chunk_left; /* of the DATA frame being read; UINT32_MAX: padded, not known */
	uint8_t frames;	     /* of ours on the stack: not to be freed */
	uint8_t busy;	     /* nghttp2's: not to be called */
	bool dead : 1;	     /* h2_destroy while on the stack */
	bool broken : 1;     /* we ended it */
	bool shutting : 1;   /* notice given, PING under way */
	bool said_goodbye : 1;
	bool peer_goodbye : 1;
	/* What h2_send_data brings: taken before it returns, or kept. */
	struct {
		const struct h2_stream *s;
		const struct bytes *slices;
		unsigned count;
		size_t skip; /* of the first */
		size_t bytes;
	} offer;
};

static inline struct h2_stream *h2_stream_at(struct list_node *link)
{
	return container_of(link, struct h2_stream, link);
}

/* ---- h2.c ---- */

void h2_enter(struct h2 *h2);
void h2_exit(struct h2 *h2); /* may free it */
/* Too much of something: the connection ends. */
void h2_overrun(struct h2 *h2);
void h2_charge(struct h2 *h2, enum h2_guard_kind kind);

/* ---- h2_stream.c ---- */

struct h2_stream *h2_stream_create(struct h2 *h2, int32_t id); /* NULL: no memory */
void h2_stream_free(struct h2_stream *s);
void h2_stream_due(struct h2_stream *s);
void h2_stream_head(struct h2_stream *s, bool end); /* its head is complete */
void h2_stream_data(struct h2_stream *s, struct bytes data, bool end);
void h2_stream_ended(struct h2_stream *s);
void h2_stream_end_sent(struct h2_stream *s);
void h2_stream_closed(struct h2_stream *s, uint32_t code);
void h2_emit_data(struct h2_stream *s, struct bytes frame_head, size_t len);

ssize_t h2_read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
		     uint32_t *flags, nghttp2_data_source *source, void *owner);

/* ---- h2_head.c ---- */

struct h2_head *h2_head_create(size_t max_bytes);
void h2_head_free(struct h2_head *head); /* NULL is welcome */
/* False when it is so large that it is not worth an answer. */
bool h2_head_add(struct h2_head *head, struct bytes name, struct bytes value);

struct h2_head_kind {
	bool response;
	bool head_request;
	bool end; /* END_STREAM came with it */
};
/* What is wrong with it, or ERR_OK. */
err_t h2_head_finish(struct h2_head *head, struct h2_head_kind kind);
err_t h2_head_error(const struct h2_head *head);
const struct http_head *h2_head_of(const struct h2_head *head);
uint16_t h2_head_status(const struct h2_head *head); /* before it is finished */
/* A copy of the fields alone, for trailers. NULL: no memory, or too much. */
struct h2_head *h2_head_of_fields(const struct http_field *fields, unsigned count);
const struct http_field *h2_head_fields(const struct h2_head *head, unsigned *ret_count);

enum { H2_NV_MAX = HTTP_FIELDS_MAX + 48 };
/* What goes on the wire; borrows from `head` and `digits`. ERR_INVALID. */
err_t h2_nv_of(const struct http_head *head, bool secure, char digits[4], nghttp2_nv *nva,
	       size_t *ret_count);
size_t h2_nv_of_trailers(const struct http_field *fields, unsigned count, nghttp2_nv *nva);

#endif
