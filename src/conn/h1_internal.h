/*
 * h1_internal: the two halves of the HTTP/1 codec. h1_conn.c reads and decides how exchanges end;
 * h1_send.c writes.
 */
#ifndef CONN_H1_INTERNAL_H
#define CONN_H1_INTERNAL_H

#include "conn/conn_internal.h"

static inline struct h1_conn *h1_of(const struct exchange *x)
{
	return &x->conn->h1;
}

/* "100 Continue" to a client that waits for it (RFC 9110 §10.1.1). */
void h1_send_continue(struct conn *conn);

/* Bytes of the peer's message that are known to come yet; UINT64_MAX when nobody knows. */
uint64_t h1_unread_bytes(const struct conn *conn);

err_t h1_send_head(struct exchange *x, const struct http_head *head);
enum conn_room h1_send_body(struct exchange *x, const struct http_body *body);
enum conn_room h1_send_data(struct exchange *x, struct bytes data, bool end);
bool h1_can_insert(const struct exchange *x);

#endif
