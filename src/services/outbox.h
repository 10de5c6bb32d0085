/*
 * outbox: events on their way from one service to functions of Lambda. Each is a resource from the
 * change it tells of until Lambda has it in its own queue; what a crash interrupts is told after
 * the next start, perhaps twice, as AWS says. What a function may not be sent (any more), and what
 * comes while `max` wait already, is dropped, with a line in the log. The control loop's thread;
 * embedded in the service.
 */
#ifndef SERVICES_OUTBOX_H
#define SERVICES_OUTBOX_H

#include "net/loop.h"
#include "store/store.h"

enum { OUTBOX_MAX = 10000 };

struct outbox_options {
	struct loop *loop; /* borrowed, as the store */
	struct store *store;
	const char *kind;    /* of its resources; static, as the next */
	const char *service; /* "s3": who speaks in the log */
	uint32_t max;	     /* 0: OUTBOX_MAX */
	/* ERR_OK: it is kept there; ERR_NOT_FOUND, ERR_DENIED: never; else it is tried again. */
	err_t (*deliver)(void *owner, const char *source_arn, const char *function_arn,
			 const char *event);
	void *owner;
};

struct outbox {
	struct outbox_options options;
	struct timer timer;
	bool written;  /* in a transaction that is still open */
	uint64_t kept; /* at least as many as wait: what was rolled back counts until none do */
};

/* What is left of before is delivered soon. */
void outbox_open(struct outbox *outbox, const struct outbox_options *options);
void outbox_close(struct outbox *outbox); /* one that was never opened is welcome */

/* Rides on `txn`; `event` is borrowed. */
err_t outbox_put(struct outbox *outbox, struct store_txn *txn, const char *source_arn,
		 const char *function_arn, json_t *event);
/* After a commit: what was put is delivered in one of the next turns. */
void outbox_commit(struct outbox *outbox);

#endif
