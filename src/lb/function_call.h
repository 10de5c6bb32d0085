/*
 * function_call: one call of a function, asked by a worker and made on the control thread.
 *
 *   worker    function_call_begin ─► on_piece … ─► on_done ─► function_call_end
 *   control          invoker->invoke ─► its on_piece, on_done ─► a note to the worker
 *
 * What the worker says goes by jobs in the control loop's mailbox, what it hears by jobs in its
 * own; each holds the call by a reference. At most FUNCTION_UNREAD_MAX bytes of pieces, and one
 * piece more, are on their way: then the function is paused until the worker has read some.
 */
#ifndef LB_FUNCTION_CALL_H
#define LB_FUNCTION_CALL_H

#include "base/text.h"
#include "lb/function.h"
#include "lb/worker.h"

enum { FUNCTION_UNREAD_MAX = 64 * 1024 };

struct function_call;

/* On the worker's thread; not after function_call_end. */
struct function_call_events {
	void (*on_piece)(void *owner, struct bytes data);
	void (*on_done)(void *owner, enum function_outcome outcome, struct bytes answer);
};

struct function_call_options {
	struct worker *worker;
	const struct function_call_events *events;
	void *owner;
	struct bytes function_arn, group_arn, trace_id; /* copied */
	bool streams;
};

/* Takes what is in `event` over. ERR_NOMEM: nothing was begun, the event is the caller's still. */
err_t function_call_begin(const struct function_call_options *options, struct text *event,
			  struct function_call **ret_call);

/* So much of the pieces has gone on: a function that was paused for it may go on too. */
void function_call_read(struct function_call *call, size_t bytes);

/* The worker is through with it: done, or nobody wants the answer any more. NULL is welcome. */
void function_call_end(struct function_call *call);

#endif
