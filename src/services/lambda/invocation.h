/*
 * invocation: one call of a function, from its acceptance to its answer. The maker's memory.
 *
 * The environment that runs it calls on_piece and on_done; the control thread. Between
 * environment_invoke (or fleet_invoke) and on_done the maker leaves it alone, but for `gone`.
 */
#ifndef SERVICES_LAMBDA_INVOCATION_H
#define SERVICES_LAMBDA_INVOCATION_H

#include "base/list.h"
#include "services/lambda/words.h"

struct invocation;
struct environment;

struct invocation_result {
	enum lambda_outcome outcome;
	bool streamed;		   /* the answer was told by on_piece; `payload` is empty */
	struct bytes payload;	   /* the answer, or the error's JSON */
	struct bytes content_type; /* of a streamed answer */
	struct bytes log_tail;	   /* with wants_tail */
	const char *version;	   /* which ran: "$LATEST", "3" */
	uint64_t duration_us, billed_ms;
};

struct invocation {
	char request_id[37];
	struct bytes payload;	     /* borrowed until on_done */
	const char *function_arn;    /* as asked for, with its qualifier; borrowed likewise */
	struct bytes client_context; /* its JSON; borrowed; may be empty */
	struct bytes trace_id;	     /* borrowed; may be empty */
	bool wants_tail;
	bool takes_stream; /* on_piece is there: a function that streams is passed on as it comes */

	/* A piece of a streamed answer. False: no room until environment_resume. */
	bool (*on_piece)(struct invocation *invocation, struct bytes content_type,
			 struct bytes data);
	/* Once, never inside environment_invoke. The result is gone when it returns. */
	void (*on_done)(struct invocation *invocation, const struct invocation_result *result);

	struct environment *environment; /* who runs it; NULL before and after */
	struct list_node link;		 /* the fleet's */
};

#endif
