/*
 * queue: requests that found no target and wait for one, first come, first served.
 *
 *   choose: no target ─► queue_join ─► the control thread hears on_wanted, and starts one
 *   a plan with a target ─► queue_wake ─► each begins anew under that plan ─► queue_pass
 *
 * Off unless the group has weir.queue.max_length and weir.queue.max_wait_seconds. The room is
 * shared out evenly among the workers. Whose client leaves, leaves; whose time is over gets 503.
 * Internal to the data path; a worker's loop.
 */
#ifndef LB_QUEUE_H
#define LB_QUEUE_H

#include "lb/stream_internal.h"

/* END_COMPLETE: it waits (STREAM_QUEUED). Else why it may not. */
enum end_reason queue_join(struct stream *s);
/* Whether it waits for this target to become ready rather than be sent to it: one that starts, in a
 * group with a queue. It is given back then. */
bool queue_waits_for(struct stream *s, struct target *target);
/* It got a target: what it waited is counted, its clocks begin now. Harmless if it never waited. */
void queue_pass(struct stream *s);
/* What a client that was turned away is told to wait: Retry-After. */
uint32_t queue_retry_seconds(const struct stream *s);
void queue_leave(struct stream *s); /* harmless if it is not in */
/* After a new plan: all that wait try again. */
void queue_wake(struct worker *worker);

#endif
