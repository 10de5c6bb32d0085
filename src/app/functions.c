#include "app/functions.h"

#include <stdio.h>
#include <stdlib.h>

#include "lb/function_event.h"

/*
 * One call. Lambda holds it until on_done, the balancer until it is answered or cancelled: what is
 * left of it after a cancel only waits for on_done.
 */
struct function_run {
	struct invocation invocation;
	struct lb_invocation *asked; /* NULL: nobody waits any more */
	struct weir *weir;
	struct list_node link; /* in weir->function_runs */
	struct loop_job cut;   /* a stream that nobody hears is cut at the end of the turn */
	bool cut_soon;
	bool done;	       /* Lambda is through with it */
	struct text collected; /* a streamed answer in another form than the balancer passes on */
	char *words;	       /* the event, the trace id and the ARN, one after the other */
};

#define STREAMED_HTTP "application/vnd.awslambda.http-integration-response"

static void free_run(struct function_run *run)
{
	list_remove(&run->link);
	text_fini(&run->collected);
	free(run->words);
	free(run);
}

static void answer(struct function_run *run, enum function_outcome outcome, struct bytes json)
{
	struct lb_invocation *asked = run->asked;

	run->asked = NULL;
	if (asked)
		asked->on_done(asked, outcome, json);
}

/* ---- What the function says ---- */

static void cut(struct loop_job *job)
{
	struct function_run *run = container_of(job, struct function_run, cut);

	run->cut_soon = false;
	if (run->done)
		free_run(run); /* it ended in the same turn */
	else
		lambda_abandon(&run->invocation);
}

/* Lambda may stand on the connection now: it is cut when this turn is over. */
static void cut_soon(struct function_run *run)
{
	if (!run->cut_soon)
		loop_defer(run->weir->control, &run->cut);
	run->cut_soon = true;
}

static bool on_piece(struct invocation *invocation, struct bytes content_type, struct bytes data)
{
	struct function_run *run = container_of(invocation, struct function_run, invocation);

	if (!run->asked) {
		cut_soon(run);
		return true;
	}
	if (bytes_starts_nocase(content_type, BYTES(STREAMED_HTTP)))
		return run->asked->on_piece(run->asked, data);
	text_add(&run->collected, data);
	return true;
}

static enum function_outcome outcome_of(const struct function_run *run, enum lambda_outcome outcome)
{
	if (text_err(&run->collected) || outcome == LAMBDA_SIZE)
		return FUNCTION_ANSWER_TOO_LARGE;
	return outcome == LAMBDA_OK ? FUNCTION_ANSWERED : FUNCTION_UNHANDLED;
}

static void on_done(struct invocation *invocation, const struct invocation_result *result)
{
	struct function_run *run = container_of(invocation, struct function_run, invocation);

	run->done = true;
	answer(run, outcome_of(run, result->outcome),
	       run->collected.len ? text_bytes(&run->collected) : result->payload);
	if (!run->cut_soon)
		free_run(run);
}

/* ---- What the balancer says ---- */

static struct bytes keep(char **at, struct bytes text)
{
	struct bytes kept = bytes_make(*at, text.len);

	if (text.len)
		memcpy(*at, text.at, text.len);
	*at += text.len + 1; /* the NUL is there */
	return kept;
}

static struct function_run *make_run(struct weir *weir, struct lb_invocation *asked)
{
	struct function_run *run = calloc(1, sizeof *run);
	char *at;

	if (!run)
		return NULL;
	at = run->words = calloc(1, asked->event.len + asked->trace_id.len +
					    asked->function_arn.len + 3);
	if (!at) {
		free(run);
		return NULL;
	}
	run->weir = weir;
	run->asked = asked;
	run->cut.run = cut;
	text_init(&run->collected, FUNCTION_ANSWER_BYTES_MAX);
	run->invocation = (struct invocation){
		.payload = keep(&at, asked->event),
		.trace_id = keep(&at, asked->trace_id),
		.function_arn = keep(&at, asked->function_arn).at,
		.takes_stream = asked->streams,
		.on_piece = on_piece,
		.on_done = on_done,
	};
	list_append(&weir->function_runs, &run->link);
	return run;
}

static enum function_outcome refusal_of(err_t err)
{
	switch (err) {
	case ERR_OK: return FUNCTION_ANSWERED;
	case ERR_NOT_FOUND: return FUNCTION_NOT_FOUND;
	case ERR_DENIED: return FUNCTION_DENIED;
	case ERR_LIMIT: return FUNCTION_THROTTLED;
	default: return FUNCTION_SERVICE_FAILED;
	}
}

static enum function_outcome invoke(void *owner, struct lb_invocation *asked)
{
	struct weir *weir = owner;
	struct function_run *run = weir->lambda ? make_run(weir, asked) : NULL;
	char group_arn[512];
	err_t err;

	if (!run)
		return FUNCTION_SERVICE_FAILED;
	snprintf(group_arn, sizeof group_arn, "%.*s", BYTES_ARG(asked->group_arn));
	asked->run = run;
	err = lambda_invoke_for(weir->lambda, FUNCTION_PRINCIPAL, group_arn, &run->invocation);
	if (err)
		free_run(run);
	return refusal_of(err);
}

static void cancel(void *owner, struct lb_invocation *asked)
{
	struct function_run *run = asked->run;

	(void)owner;
	run->asked = NULL;
	if (run->invocation.takes_stream)
		cut_soon(run);
}

static void resume(void *owner, struct lb_invocation *asked)
{
	struct function_run *run = asked->run;

	(void)owner;
	lambda_resume(&run->invocation);
}

const struct lb_invoker function_invoker = { invoke, cancel, resume };

void functions_stop(struct weir *weir)
{
	list_for_each_safe (&weir->function_runs, node) {
		struct function_run *run = container_of(node, struct function_run, link);

		run->done = true;
		answer(run, FUNCTION_SERVICE_FAILED, BYTES_NONE);
		if (!run->cut_soon)
			free_run(run);
	}
}
