/*
 * h1_head: what a head becomes on an HTTP/1.1 wire. Pure.
 *
 * The fields that tell about the connection or the framing are replaced by our own; all others
 * pass as they are, in their order.
 */
#ifndef CONN_H1_HEAD_H
#define CONN_H1_HEAD_H

#include "http/message.h"

enum {
	/* What a proxy may add to a full head, and the three that we write. */
	H1_OUT_FIELDS_MAX = HTTP_FIELDS_MAX + 32,
};

struct h1_out {
	/* Ready for h1_write_*: framing NONE, since the framing fields are among its fields. */
	struct http_head head;
	enum http_framing framing; /* of the body that follows on the wire */
	uint64_t length;	   /* for HTTP_BODY_LENGTH */
	bool close;		   /* the connection ends with this message, and the head says so */
	struct http_field fields[H1_OUT_FIELDS_MAX + 3];
	char digits[24];
};

/* The head itself and what it borrows stay the caller's. ERR_INVALID, ERR_FIELDS_TOO_LARGE. */
err_t h1_out_request(struct h1_out *out, const struct http_head *head);

struct h1_client {
	bool http10; /* or less */
	bool head_request;
	bool close; /* the connection is to end after this response */
};
err_t h1_out_response(struct h1_out *out, const struct http_head *head, struct h1_client client);

#endif
