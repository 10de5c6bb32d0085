/*
 * connection: what is logged of a client's connection: a line of ALB's connection log
 * (reference/alb.md §7.4). And what its certificate adds to requests (§3.10). Pure.
 */
#ifndef LB_CONNECTION_H
#define LB_CONNECTION_H

#include "base/text.h"
#include "crypto/tls.h"
#include "lb/config.h"

/* Slices are borrowed for the call; an empty one is absent ("-"). */
struct connection_record {
	uint64_t time_unix_us; /* accepted, or the handshake's end */
	struct address client, local;
	uint16_t listener_port;
	struct bytes protocol, cipher, group;	/* of TLS */
	int64_t handshake_us;			/* negative: none, or none that ended well */
	struct bytes subject, validity, serial; /* of the client's certificate */
	struct bytes verify_status;		/* "Success", "Failed:…" */
	struct bytes conn_trace_id, load_balancer_id;
};

/* Appends the line with its LF. */
void connection_line(struct text *out, const struct connection_record *record);

/* A client's certificate, for as long as the connection. */
struct client_certificate {
	struct tls_client_certificate facts;
	struct bytes values[TLS_FIELDS]; /* of the fields that tell of it */
	struct arena arena;
};

/* ERR_NOT_FOUND: the client showed none; ERR_NOMEM, ERR_TOO_LARGE. */
err_t client_certificate_read(const struct tls *tls, struct client_certificate **ret_certificate);
void client_certificate_free(struct client_certificate *certificate); /* NULL is welcome */

#endif
