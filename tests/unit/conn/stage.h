/*
 * stage: a server that answers by its request's path, on the fake network, and writes down what it
 * hears. One line per callback; pieces of a body are joined, so that cuts do not show:
 *
 *     exchange POST /echo LENGTH     on_exchange: method, target, framing
 *     body hello                     all of it, when its end came
 *     body hel~                      what had come when the exchange ended otherwise
 *     failed CLOSED                  on_failed
 *     rejected BAD_MESSAGE           on_rejected (answered with 400, which closes)
 *     drained                        on_drained
 *     closed                         on_closed
 *
 * Paths: see the table in stage.c.
 */
#ifndef TESTS_UNIT_CONN_STAGE_H
#define TESTS_UNIT_CONN_STAGE_H

#include "base/text.h"
#include "conn/conn.h"
#include "tests/scenario/fake_net.h"

struct stage {
	struct fake_net *net;
	struct loop *loop;
	struct acceptor *acceptor;
	uint32_t idle_ms;
	uint64_t keep_alive_ms;
	struct text log, body;
	struct conn *conn;  /* the last one; NULL once closed */
	struct exchange *x; /* the running one; NULL */
	const struct path *path;
	const struct http_head *head; /* of the running one */
	struct timer timer;	      /* a path's own */
	struct fake_peer *client;
	size_t sent_bytes; /* of a large answer */
	size_t queued_most;
	size_t piece_most;	  /* of the request's bodies: the largest piece */
	bool destroy_in_callback; /* conn_destroy at the first on_body */
};

/* With a client connected from 192.0.2.1:5000 to 10.0.0.1:80. `options` may be NULL. */
void stage_open(struct stage *stage, const struct fake_options *options);
void stage_connect(struct stage *stage); /* another client */
/* Ends all; checks that nothing is left. */
void stage_close(struct stage *stage);

/* What was written down so far. */
const char *stage_log(const struct stage *stage);

#define LARGE_BYTES (8u << 20) /* of the answer to /large */

#endif
