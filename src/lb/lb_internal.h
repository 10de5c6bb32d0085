/*
 * lb_internal: what the workers tell the control thread. Any thread; each is one job in the
 * control loop's mailbox.
 */
#ifndef LB_LB_INTERNAL_H
#define LB_LB_INTERNAL_H

#include "lb/lb.h"
#include "lb/target.h"

/* A worker's acceptor at `at` is closed: its share of the reservation ended. */
void lb_note_socket_closed(struct lb *lb, const struct address *at);

/* The last request of a draining target ended. */
void lb_note_drained(struct lb *lb, struct target *target);

/* A request waits for a target of this group. */
void lb_note_wanted(struct lb *lb, struct bytes group_arn);

/* A worker has nothing open any more, after worker_stop. */
void lb_note_stopped(struct lb *lb);

#endif
