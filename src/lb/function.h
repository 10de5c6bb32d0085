/*
 * function: targets that are functions instead of addresses. The balancer makes an event of a
 * request and a response of the answer (function_event.h); who runs functions is somebody else,
 * whom the app brings as a `struct lb_invoker`.
 *
 *   invoke ─► on_piece … ─► on_done          cancel: neither comes any more
 *
 * All of it on the control loop's thread.
 */
#ifndef LB_FUNCTION_H
#define LB_FUNCTION_H

#include "base/bytes.h"
#include "telemetry/end_reason.h"

enum function_outcome {
	FUNCTION_ANSWERED,
#define OUTCOME(id, error_reason, whose, end) FUNCTION_##id,
#include "lb/function.def"
#undef OUTCOME
	FUNCTION_OUTCOMES,
};

struct function_outcome_row {
	const char *error_reason;
	bool service; /* the service's doing, not the function's or the request's */
	enum end_reason end;
};
const struct function_outcome_row *function_outcome_row(enum function_outcome outcome);

/* One call; the asker's memory from invoke to on_done or cancel. */
struct lb_invocation {
	struct bytes function_arn, group_arn; /* borrowed, as what follows */
	struct bytes event;		      /* JSON */
	struct bytes trace_id;		      /* X-Amzn-Trace-Id; may be empty */
	/*
	 * Whether an answer that the function streams is told piece by piece, in the form
	 * application/vnd.awslambda.http-integration-response: a JSON prelude, eight NULs, the
	 * body. Other answers come whole with on_done all the same.
	 */
	bool streams;
	/* False: no more until `resume`. May cancel. */
	bool (*on_piece)(struct lb_invocation *invocation, struct bytes data);
	/* Once, never inside invoke. `answer` is the function's JSON, gone when this returns; it is
	 * empty after pieces. */
	void (*on_done)(struct lb_invocation *invocation, enum function_outcome outcome,
			struct bytes answer);
	void *run; /* the invoker's */
};

struct lb_invoker {
	/* FUNCTION_ANSWERED: on_done comes, later. Else why not, and nothing comes. */
	enum function_outcome (*invoke)(void *owner, struct lb_invocation *invocation);
	/* Whoever asked has left. */
	void (*cancel)(void *owner, struct lb_invocation *invocation);
	void (*resume)(void *owner, struct lb_invocation *invocation);
};

#endif
