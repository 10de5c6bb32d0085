/*
 * listener: one bound address on one worker, and the client connections that came in there.
 *
 *   listener_open ─► accept ─► conn_serve ─► on_exchange ─► stream_begin
 *   listener_close: accepts no more; connections end after the exchange they carry
 *
 * Which load balancer a request is for is settled per request, by Host (plan_listener_for); a
 * connection itself counts for the oldest listener of the address.
 */
#ifndef LB_LISTENER_H
#define LB_LISTENER_H

#include "lb/connection.h"
#include "lb/worker.h"

struct listener {
	struct worker *worker;
	struct address bound;
	const struct plan_address *address; /* in worker->hold's plan; NULL when it has none here */
	struct acceptor *acceptor;	    /* NULL once closed */
	struct list_node clients;
	struct list_node link; /* in worker->listeners */
};

/* A client's connection. Kept small: an idle stream has one. */
struct client {
	struct listener *listener;
	struct conn *conn;
	struct meter *meter; /* a reference to the load balancer's number: keeps `cell` */
	struct cell *cell;   /* what the connection is counted in */
	uint64_t trace_id;   /* TID_…, with the worker's seed */
	uint64_t accepted_unix_us;
	struct client_certificate *certificate; /* NULL: it showed none */
	struct list_node link;
};

enum { CONN_TRACE_ID_BYTES = 36 }; /* "TID_" and 32 hexadecimal digits */
void client_trace_id(const struct client *client, char out[CONN_TRACE_ID_BYTES + 1]);

/* Takes `fd` over, also on failure. */
err_t listener_open(struct worker *worker, const struct address *bound, int fd,
		    struct listener **ret_listener);

/*
 * Stops accepting: idle connections close, busy ones with the end of their exchange. The listener
 * frees itself after the last, maybe in here.
 */
void listener_close(struct listener *listener);

/* Whether the load balancer's security groups let this client in, as of now; counts if not. */
bool listener_admits(const struct client *client, const struct plan_listener *listener);

/* After listener_close: closes what connections are left at once; no stream runs on them. */
void listener_cut(struct listener *listener);

#endif
