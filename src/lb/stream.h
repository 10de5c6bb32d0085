/*
 * stream: one request, from its head to its end.
 *
 *   stream_begin ─► judge, route, choose ─┬► answered here: page, redirect, fixed response
 *                                         └► a target: take or connect ─► relay ─► end
 *
 * A stream is made for every request and frees itself when it ends: never twice, and always with
 * an access record and its numbers. stream.c chooses and ends; relay.c carries the bytes between.
 */
#ifndef LB_STREAM_H
#define LB_STREAM_H

#include "lb/listener.h"
#include "telemetry/end_reason.h"

/*
 * A request came in on `client`. `rejected` is ERR_OK, or why conn could not take it for one.
 * The stream holds on to `x` until it ends.
 */
void stream_begin(struct client *client, struct exchange *x, const struct http_head *head,
		  const struct desync_finding *finding, err_t rejected);

/* Ends it from outside: DRAIN_DEADLINE, DELETED, SHUTDOWN, ADMIN_KILL. It is freed in here. */
void stream_stop(struct stream *stream, enum end_reason reason);

/* Its limits changed. */
void stream_rearm(struct stream *stream);

bool stream_is_on(const struct stream *stream, const struct target *target);
bool stream_is_of(const struct stream *stream, struct bytes load_balancer_arn);
struct stream *stream_from_link(struct list_node *link); /* in worker->streams */

/* Its row in the live table. */
void stream_row(const struct stream *stream, struct stream_row *ret_row);

#endif
