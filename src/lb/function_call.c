#include "lb/function_call.h"

#include <stdlib.h>

#include "base/log.h"

struct function_call {
	_Atomic uint32_t refs; /* the worker's, the control thread's, one a job under way */
	_Atomic size_t unread; /* bytes of pieces told, and not read by the worker */
	struct worker *worker;
	const struct lb_invoker *invoker;
	void *invoker_owner;

	/* The worker's thread. */
	const struct function_call_events *events;
	void *owner; /* NULL: it ended */

	/* The control thread's. */
	struct lb_invocation invocation;
	bool running;	 /* invoked, and neither done nor cancelled */
	bool piece_lost; /* for want of memory: what was heard is not whole */

	struct loop_job start, cancel, resume;
	atomic_bool resume_posted;
	char *event;  /* malloc'ed */
	char words[]; /* the ARNs and the trace id */
};

/* What the control thread tells the worker. */
struct note {
	struct loop_job job;
	struct function_call *call; /* a reference */
	bool done;
	enum function_outcome outcome;
	size_t len;
	char data[];
};

static struct function_call *ref(struct function_call *call)
{
	atomic_fetch_add_explicit(&call->refs, 1, memory_order_relaxed);
	return call;
}

static void unref(struct function_call *call)
{
	if (atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel) > 1)
		return;
	free(call->event);
	free(call);
}

/* ---- Control to worker ---- */

static void run_note(struct loop_job *job)
{
	struct note *note = container_of(job, struct note, job);
	struct function_call *call = note->call;
	struct bytes data = bytes_make(note->data, note->len);

	if (call->owner && note->done)
		call->events->on_done(call->owner, note->outcome, data);
	else if (call->owner)
		call->events->on_piece(call->owner, data);
	unref(call);
	free(note);
}

/* False: no memory for it. */
static bool tell(struct function_call *call, bool done, enum function_outcome outcome,
		 struct bytes data)
{
	struct note *note = calloc(1, sizeof *note + data.len);

	if (!note)
		return false;
	note->job.run = run_note;
	note->call = ref(call);
	note->done = done;
	note->outcome = outcome;
	note->len = data.len;
	if (data.len)
		memcpy(note->data, data.at, data.len);
	loop_post(call->worker->loop, &note->job);
	return true;
}

static bool on_piece(struct lb_invocation *invocation, struct bytes data)
{
	struct function_call *call = container_of(invocation, struct function_call, invocation);
	size_t before = atomic_fetch_add(&call->unread, data.len);

	if (!call->piece_lost && !tell(call, false, FUNCTION_ANSWERED, data))
		call->piece_lost = true;
	return before + data.len < FUNCTION_UNREAD_MAX;
}

static void finish(struct function_call *call, enum function_outcome outcome, struct bytes answer)
{
	call->running = false;
	if (call->piece_lost)
		outcome = FUNCTION_SERVICE_FAILED;
	if (!tell(call, true, outcome, answer) &&
	    !tell(call, true, FUNCTION_SERVICE_FAILED, BYTES_NONE))
		log_error("lb", "out of memory: a request waits for an answer that is lost");
	unref(call);
}

static void on_done(struct lb_invocation *invocation, enum function_outcome outcome,
		    struct bytes answer)
{
	finish(container_of(invocation, struct function_call, invocation), outcome, answer);
}

/* ---- Worker to control ---- */

static void run_start(struct loop_job *job)
{
	struct function_call *call = container_of(job, struct function_call, start);
	enum function_outcome outcome = FUNCTION_SERVICE_FAILED;

	call->running = true;
	if (call->invoker)
		outcome = call->invoker->invoke(call->invoker_owner, &call->invocation);
	if (outcome != FUNCTION_ANSWERED)
		finish(call, outcome, BYTES_NONE);
}

static void run_cancel(struct loop_job *job)
{
	struct function_call *call = container_of(job, struct function_call, cancel);

	if (call->running) {
		call->running = false;
		call->invoker->cancel(call->invoker_owner, &call->invocation);
		unref(call);
	}
	unref(call);
}

static void run_resume(struct loop_job *job)
{
	struct function_call *call = container_of(job, struct function_call, resume);

	atomic_store(&call->resume_posted, false);
	if (call->running)
		call->invoker->resume(call->invoker_owner, &call->invocation);
	unref(call);
}

/* ---- The worker's calls ---- */

static struct bytes keep(char **at, struct bytes text)
{
	struct bytes kept = bytes_make(*at, text.len);

	if (text.len)
		memcpy(*at, text.at, text.len);
	*at += text.len;
	return kept;
}

err_t function_call_begin(const struct function_call_options *options, struct text *event,
			  struct function_call **ret_call)
{
	struct function_call *call = calloc(1, sizeof *call + options->function_arn.len +
						       options->group_arn.len +
						       options->trace_id.len);
	char *at;

	if (!call)
		return ERR_NOMEM;
	at = call->words;
	call->refs = 2; /* ours, and the control thread's until it is done */
	call->worker = options->worker;
	call->invoker = options->worker->invoker;
	call->invoker_owner = options->worker->events_owner;
	call->events = options->events;
	call->owner = options->owner;
	call->invocation = (struct lb_invocation){
		.function_arn = keep(&at, options->function_arn),
		.group_arn = keep(&at, options->group_arn),
		.trace_id = keep(&at, options->trace_id),
		.streams = options->streams,
		.on_piece = on_piece,
		.on_done = on_done,
	};
	call->invocation.event.len = event->len;
	call->invocation.event.at = call->event = text_take(event);
	call->start.run = run_start;
	call->cancel.run = run_cancel;
	call->resume.run = run_resume;
	loop_post(options->worker->control, &call->start);
	*ret_call = call;
	return ERR_OK;
}

void function_call_read(struct function_call *call, size_t bytes)
{
	size_t before = atomic_fetch_sub(&call->unread, bytes);

	assert(before >= bytes);
	if (before < FUNCTION_UNREAD_MAX || before - bytes >= FUNCTION_UNREAD_MAX)
		return;
	if (!atomic_exchange(&call->resume_posted, true)) {
		ref(call);
		loop_post(call->worker->control, &call->resume);
	}
}

void function_call_end(struct function_call *call)
{
	if (!call)
		return;
	call->owner = NULL;
	loop_post(call->worker->control, &call->cancel); /* with our reference */
}
