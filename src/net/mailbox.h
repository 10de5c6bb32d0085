/*
 * mailbox: jobs that any thread puts in and one thread takes out, all at once. No locks.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <stdatomic.h>

#include "net/loop.h"

struct mailbox {
	_Atomic(struct loop_job *) newest; /* a stack: each job points at the one before it */
};

/*
 * Any thread. True when it was empty: then somebody has to wake the taker. What the taker did
 * before it emptied the box is then visible here, so that one wake-up job may serve many senders.
 */
static inline bool mailbox_put(struct mailbox *mailbox, struct loop_job *job)
{
	struct loop_job *newest = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

	do {
		job->next = newest;
	} while (!atomic_compare_exchange_weak_explicit(
		&mailbox->newest, &newest, job, memory_order_acq_rel, memory_order_relaxed));
	return newest == NULL;
}

/* The taker's thread. All of them, oldest first, linked by `next`; NULL when empty. */
static inline struct loop_job *mailbox_take(struct mailbox *mailbox)
{
	struct loop_job *job, *oldest = NULL;

	if (!atomic_load_explicit(&mailbox->newest, memory_order_relaxed))
		return NULL;
	job = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acq_rel);
	while (job) {
		struct loop_job *before = job->next;

		job->next = oldest;
		oldest = job;
		job = before;
	}
	return oldest;
}

#endif
