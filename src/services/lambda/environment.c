#include <signal.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "services/lambda/environment_internal.h"

enum { DRAIN_BYTES = 1024 * 1024 }; /* of output still in the pipe when an invocation ends */

static void obey(struct environment *e, enum sandbox_event event);

/* ---- The program ---- */

static void on_exit_of_child(void *owner, int code, int signal)
{
	struct environment *e = owner;

	e->report.code = code;
	e->report.signal = signal;
	obey(e, SANDBOX_EXIT);
}

static const struct child_events child_events = { environment_on_output, on_exit_of_child };

static void on_stillborn(struct timer *timer)
{
	obey(container_of(timer, struct environment, stillborn), SANDBOX_EXIT);
}

/* A program that cannot be started counts as one that ended at once. */
static void launch(struct environment *e)
{
	uint64_t limit = e->sandbox.starts == 1 ? ENVIRONMENT_INIT_MS : e->program->timeout_ms;

	e->init_started_us = now_us(e);
	timer_set(e->loop, &e->deadline, now_ms(e) + limit);
	e->start_err = environment_spawn(e, &child_events);
	if (e->start_err)
		timer_set(e->loop, &e->stillborn, now_ms(e));
}

/* ---- An invocation ---- */

static void deliver(struct environment *e)
{
	struct runtime_request *next = e->next;
	const struct invocation *invocation = e->invocation;
	struct runtime_work work = {
		.request_id = bytes_of(e->request_id),
		.function_arn = bytes_of(invocation->function_arn),
		.trace_id = invocation->trace_id,
		.client_context = invocation->client_context,
		.payload = invocation->payload,
	};

	e->deliver = next == NULL;
	if (e->deliver)
		return;
	e->next = NULL;
	work.deadline_unix_ms = e->invoked_us / 1000 + e->program->timeout_ms;
	runtime_api_give(next, &work);
}

static void begin_work(struct environment *e)
{
	e->report.init_us = e->init_us;
	e->init_us = 0;
	if (!e->invoked_us) {
		e->invoked_us = now_us(e);
		timer_set(e->loop, &e->deadline, now_ms(e) + e->program->timeout_ms);
	}
	timer_set(e->loop, &e->sample, now_ms(e) + ENVIRONMENT_SAMPLE_MS);
	timer_cancel(&e->rest);
	deliver(e);
}

/* The last lines of the invocation; what the program wrote before comes first. */
static void close_log(struct environment *e)
{
	if (!e->log_open)
		return;
	e->log_open = false;
	if (e->child) {
		child_drain(e->child, DRAIN_BYTES);
		environment_take_sample(e);
	}
	if (e->report.outcome > LAMBDA_ERROR)
		environment_say_failure(e);
	environment_say(e, words_end);
	environment_say(e, words_report);
	environment_flush_soon(e);
}

/*
 * The answer, to whoever waits. A caller that wants the log's tail waits for the log; else the log
 * is closed when the runtime is through.
 */
static void finish(struct environment *e, struct invocation_result *result)
{
	struct invocation *invocation = e->invocation;
	struct text error = TEXT_INIT(1024);

	e->invocation = NULL;
	e->report.outcome = result->outcome;
	e->report.duration_us = e->invoked_us ? now_us(e) - e->invoked_us : 0;
	if (result->outcome > LAMBDA_ERROR) {
		words_error(&error, &e->report);
		result->payload = text_bytes(&error);
	}
	if (invocation->wants_tail || result->outcome > LAMBDA_ERROR)
		close_log(e);
	result->streamed = e->streaming;
	result->version = e->program->version;
	result->duration_us = e->report.duration_us;
	result->billed_ms = words_billed_ms(&e->report);
	result->log_tail = output_tail(&e->output);
	invocation->environment = NULL;
	e->events->on_result(e->owner, result);
	invocation->on_done(invocation, result);
	text_fini(&error);
}

/* The runtime is through with it, or gone. */
static void leave_invocation(struct environment *e)
{
	close_log(e);
	timer_cancel(&e->deadline);
	timer_cancel(&e->sample);
	text_clear(&e->collected);
	e->report.memory_bytes = 0;
	e->report.init_us = 0;
	e->invoked_us = 0;
	e->streaming = false;
	e->events->on_released(e->owner, e);
}

/* The end came before an answer. */
static void fail(struct environment *e, enum lambda_outcome outcome)
{
	struct invocation_result result = { .outcome = outcome };

	if (outcome == LAMBDA_EXIT && e->start_err)
		result.outcome = LAMBDA_ENTRY;
	if (outcome == LAMBDA_EXIT && e->init_error.len) {
		result.outcome = LAMBDA_ERROR;
		result.payload = text_bytes(&e->init_error);
	}
	e->report.start = e->start_err;
	finish(e, &result);
	leave_invocation(e);
}

/* ---- Orders ---- */

static void kill_child(struct environment *e)
{
	if (e->child)
		child_signal(e->child, SIGKILL);
}

/* Nothing of it runs any more; the fleet may free it inside. */
static void bury(struct environment *e)
{
	timer_cancel(&e->deadline);
	timer_cancel(&e->rest);
	timer_cancel(&e->sample);
	e->events->on_ended(e->owner, e);
}

static bool is_old(const struct environment *e)
{
	return now_ms(e) >= e->started_ms + ENVIRONMENT_AGE_MS;
}

static void be_free(struct environment *e)
{
	timer_cancel(&e->deadline);
	if (is_old(e)) {
		environment_retire(e);
		return;
	}
	if (e->sandbox.state == SANDBOX_IDLE)
		timer_set(e->loop, &e->rest, now_ms(e) + ENVIRONMENT_REST_MS);
	e->events->on_free(e->owner, e);
}

static void start_again(struct environment *e, enum sandbox_event why)
{
	environment_say_init_failed(e, why == SANDBOX_DEADLINE);
	text_clear(&e->init_error);
	child_destroy(e->child);
	e->child = NULL;
	e->init_us = 0;
	sandbox_restarted(&e->sandbox);
	e->invoked_us = now_us(e);
	launch(e);
}

static void freeze(struct environment *e)
{
	uint64_t age = e->started_ms + ENVIRONMENT_AGE_MS, idle = now_ms(e) + ENVIRONMENT_IDLE_MS;

	child_signal(e->child, SIGSTOP);
	timer_set(e->loop, &e->rest, e->program->keep || age < idle ? age : idle);
}

/* Does what the machine said to the event. After an end the environment may be gone. */
static void obey(struct environment *e, enum sandbox_event event)
{
	switch (sandbox_step(&e->sandbox, event)) {
	case SANDBOX_WAIT:
	case SANDBOX_NOTE_ERROR:
	case SANDBOX_REFUSE:
	case SANDBOX_ANSWER:
	case SANDBOX_FAIL: return; /* those who brought the event act */
	case SANDBOX_HOLD: be_free(e); return;
	case SANDBOX_THAW:
		child_signal(e->child, SIGCONT);
		begin_work(e);
		return;
	case SANDBOX_DELIVER: begin_work(e); return;
	case SANDBOX_FREEZE: freeze(e); return;
	case SANDBOX_FINISH:
		leave_invocation(e);
		be_free(e);
		return;
	case SANDBOX_FINISH_END:
		leave_invocation(e);
		kill_child(e);
		if (event == SANDBOX_EXIT)
			bury(e);
		return;
	case SANDBOX_FAIL_EXIT:
		fail(e, LAMBDA_EXIT);
		bury(e);
		return;
	case SANDBOX_FAIL_TIME:
		kill_child(e);
		fail(e, LAMBDA_TIMEOUT);
		return;
	case SANDBOX_AGAIN: start_again(e, event); return;
	case SANDBOX_KILL:
		if (event == SANDBOX_DEADLINE)
			environment_say_init_failed(e, true);
		kill_child(e);
		return;
	case SANDBOX_BURY: bury(e); return;
	case SANDBOX_NOTHING: break;
	}
	assert(false && "the machine knows no such order");
}

/* ---- What the runtime asks and says ---- */

static void on_next(void *owner, struct runtime_request *next)
{
	struct environment *e = owner;

	if (e->sandbox.state == SANDBOX_ENDED ||
	    (e->sandbox.state == SANDBOX_INVOKING && !e->deliver)) {
		runtime_api_refuse(next);
		return;
	}
	if (e->next)
		runtime_api_refuse(e->next); /* a connection that it has given up */
	e->next = next;
	if (e->init_started_us && e->sandbox.starts == 1)
		e->init_us = now_us(e) - e->init_started_us;
	e->init_started_us = 0;
	if (e->deliver)
		deliver(e);
	else
		obey(e, SANDBOX_NEXT);
}

static void on_lost(void *owner, struct runtime_request *next)
{
	struct environment *e = owner;

	if (e->next == next)
		e->next = NULL;
}

static err_t on_answer(void *owner, struct bytes request_id)
{
	const struct environment *e = owner;

	if (!bytes_eq_str(request_id, e->request_id))
		return ERR_NOT_FOUND;
	return e->sandbox.state == SANDBOX_INVOKING && !e->deliver && !e->streaming ? ERR_OK
										    : ERR_CONFLICT;
}

static bool on_piece(void *owner, struct bytes content_type, struct bytes data)
{
	struct environment *e = owner;
	struct invocation *invocation = e->invocation;

	if (e->sandbox.state != SANDBOX_INVOKING || !invocation)
		return true; /* its time was over meanwhile */
	if (!invocation->takes_stream) {
		text_add(&e->collected, data);
		return true;
	}
	e->streaming = true;
	return invocation->on_piece(invocation, content_type, data);
}

static void on_response(void *owner, err_t err, struct bytes content_type, struct bytes body)
{
	struct environment *e = owner;
	struct invocation_result result = {
		.outcome = err || text_err(&e->collected) ? LAMBDA_SIZE : LAMBDA_OK,
		.content_type = content_type,
		.payload = e->collected.len ? text_bytes(&e->collected) : body,
	};

	if (e->sandbox.state != SANDBOX_INVOKING)
		return; /* its time was over while it came in */
	obey(e, SANDBOX_RESPONSE);
	finish(e, &result);
}

static void on_error(void *owner, struct bytes body)
{
	struct environment *e = owner;
	struct invocation_result result = { .outcome = LAMBDA_ERROR, .payload = body };

	if (e->sandbox.state != SANDBOX_INVOKING)
		return;
	obey(e, SANDBOX_ERROR);
	finish(e, &result);
}

static void on_init_error(void *owner, struct bytes body)
{
	struct environment *e = owner;

	if (sandbox_step(&e->sandbox, SANDBOX_INIT_ERROR) != SANDBOX_NOTE_ERROR)
		return;
	text_clear(&e->init_error);
	text_add(&e->init_error, body);
	kill_child(e);
}

/* ---- Clocks ---- */

static void on_deadline(struct timer *timer)
{
	obey(container_of(timer, struct environment, deadline), SANDBOX_DEADLINE);
}

static void on_rest(struct timer *timer)
{
	struct environment *e = container_of(timer, struct environment, rest);

	if (e->sandbox.state == SANDBOX_IDLE)
		obey(e, SANDBOX_REST);
	else
		environment_retire(e);
}

/* ---- Life ---- */

static err_t open_output(struct environment *e)
{
	struct text stream = TEXT_INIT(256);
	char hex[33];
	err_t err;

	random_hex(hex, 32);
	words_stream(&stream, now_us(e) / 1000, e->program->version, hex);
	err = text_err(&stream);
	if (!err)
		err = output_init(&e->output, e->program->log_group, text_str(&stream),
				  e->events->write, e->owner);
	text_fini(&stream);
	return err;
}

static void set_up(struct environment *e)
{
	e->sandbox = (struct sandbox)SANDBOX_OF_NEW_PROGRAM;
	e->started_ms = now_ms(e);
	e->report = (struct lambda_report){
		.request_id = e->request_id,
		.version = e->program->version,
		.memory_mib = e->program->memory_mib,
		.timeout_ms = e->program->timeout_ms,
	};
	list_init(&e->link);
	text_init(&e->init_error, RUNTIME_ERROR_BYTES_MAX);
	text_init(&e->collected, RUNTIME_PAYLOAD_BYTES_MAX);
	e->deadline.on_expired = on_deadline;
	e->rest.on_expired = on_rest;
	e->sample.on_expired = environment_on_sample;
	e->flush.on_expired = environment_on_flush;
	e->stillborn.on_expired = on_stillborn;
}

static err_t keep_keys(struct environment *e, const char *const keys[ENVIRONMENT_KEYS])
{
	for (size_t i = 0; i < ENVIRONMENT_KEYS; i++) {
		e->keys[i] = bytes_dup(bytes_of(keys[i]));
		if (!e->keys[i])
			return ERR_NOMEM;
	}
	return ERR_OK;
}

err_t environment_start(struct loop *loop, const struct environment_program *program,
			const char *const keys[ENVIRONMENT_KEYS],
			const struct environment_events *events, void *owner,
			struct environment **ret_environment)
{
	static const struct runtime_api_events api_events = {
		on_next, on_lost, on_answer, on_piece, on_response, on_error, on_init_error,
	};
	struct environment *e = calloc(1, sizeof *e);
	err_t err;

	if (!e)
		return ERR_NOMEM;
	e->loop = loop;
	e->program = program;
	e->events = events;
	e->owner = owner;
	set_up(e);
	err = keep_keys(e, keys);
	if (!err)
		err = open_output(e);
	if (!err)
		err = runtime_api_create(loop, &api_events, e, &e->api);
	if (err) {
		environment_destroy(e);
		return err;
	}
	launch(e);
	*ret_environment = e;
	return ERR_OK;
}

void environment_invoke(struct environment *e, struct invocation *invocation)
{
	struct text start = TEXT_INIT(256);

	assert(sandbox_is_free(&e->sandbox) && !e->invocation);
	e->invocation = invocation;
	invocation->environment = e;
	memcpy(e->request_id, invocation->request_id, sizeof e->request_id);
	e->log_open = true;
	output_tail_clear(&e->output);
	words_start(&start, &e->report);
	output_line(&e->output, text_bytes(&start), now_us(e) / 1000);
	text_fini(&start);
	environment_flush_soon(e);
	obey(e, SANDBOX_INVOKE);
}

void environment_resume(struct environment *e)
{
	runtime_api_resume(e->api);
}

void environment_abandon(struct environment *e)
{
	struct invocation_result result = { .outcome = LAMBDA_OK };

	if (!e->streaming || e->sandbox.state != SANDBOX_INVOKING)
		return;
	runtime_api_cut(e->api);
	obey(e, SANDBOX_RESPONSE);
	finish(e, &result);
}

void environment_retire(struct environment *e)
{
	obey(e, SANDBOX_RETIRE);
}

void environment_destroy(struct environment *e)
{
	if (!e)
		return;
	timer_cancel(&e->deadline);
	timer_cancel(&e->rest);
	timer_cancel(&e->sample);
	timer_cancel(&e->flush);
	timer_cancel(&e->stillborn);
	list_remove(&e->link);
	child_destroy(e->child);
	runtime_api_destroy(e->api);
	output_fini(&e->output);
	text_fini(&e->init_error);
	text_fini(&e->collected);
	for (size_t i = 0; i < ENVIRONMENT_KEYS; i++)
		free(e->keys[i]);
	free(e);
}

const struct sandbox *environment_sandbox(const struct environment *e)
{
	return &e->sandbox;
}

struct list_node *environment_link(struct environment *e)
{
	return &e->link;
}

struct environment *environment_of_link(struct list_node *link)
{
	return container_of(link, struct environment, link);
}
