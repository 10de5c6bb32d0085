/*
 * h2_internal: the two halves of the HTTP/2 codec. h2_conn.c reads, tells and ends; h2_send.c
 * writes.
 */
#ifndef CONN_H2_INTERNAL_H
#define CONN_H2_INTERNAL_H

#include "conn/conn_internal.h"
#include "http/h2.h"

enum {
	/* Frames of several streams leave together at the end of the turn; larger ones at once. */
	H2_GATHER_MAX = 4 * 1024,
	H2_OUT_MAX = 16 * 1024,
};

struct h2_exchange {
	struct h2_stream s;
	struct exchange x;
	uint64_t left_bytes;  /* LENGTH: still to be sent */
	uint8_t send_framing; /* enum http_framing */
	bool bodyless : 1;
};

struct h2_conn {
	struct h2 *h2;
	struct backlog *out; /* frames that leave at the end of the turn */
	uint64_t activity;   /* h2_activity when last looked */
	uint32_t exchanges;  /* ever */
	bool ended : 1;	     /* an exchange has, since it was last told */
	bool must_close : 1; /* client: no other one */
	bool peer_gone : 1;  /* client: what is complete is still being read */
};

static inline struct h2_exchange *h2_exchange_of(const struct exchange *x)
{
	return container_of((struct exchange *)(uintptr_t)x, struct h2_exchange, x);
}

static inline struct h2_exchange *h2_of_stream(struct h2_stream *s)
{
	return container_of(s, struct h2_exchange, s);
}

/* After an owner's call: what it caused is told, and sent, at the end of the turn. */
void h2_conn_touch(struct conn *conn);

void h2_emit(void *owner, const struct bytes *slices, unsigned count, bool soon);
bool h2_is_blocked(void *owner);
void h2_flush_out(struct conn *conn);

err_t h2_conn_send_head(struct exchange *x, const struct http_head *head);
enum conn_room h2_conn_send_body(struct exchange *x, const struct http_body *body);
enum conn_room h2_conn_send_data(struct exchange *x, struct bytes data, bool end);
bool h2_conn_can_insert(const struct exchange *x);
size_t h2_conn_send_room(const struct exchange *x, size_t room);

#endif
