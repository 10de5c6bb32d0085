/*
 * async: invocations that nobody waits for. Each is a resource of the store from its acceptance to
 * its end, so a crash repeats it rather than forgetting it, as AWS's queue does.
 *
 *   put ─► run ─► answered: OnSuccess, gone
 *            ├─► failed: again after one and two minutes, then OnFailure, gone
 *            └─► throttled: again, ever later, until it is too old; at once OnFailure, gone, where
 *                nothing is reserved, which is how users stop a function
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/when.h"
#include "crypto/random.h"
#include "services/lambda/lambda_internal.h"

enum {
	RETRIES_MAX = 2,	    /* AWS's default */
	AGE_SECONDS_MAX = 6 * 3600, /* AWS's default */
	BACKOFF_MS = 1000,	    /* of throttled ones, doubled each time */
	BACKOFF_MS_MAX = 300 * 1000,
};

struct event {
	struct invocation invocation;
	struct lambda *lambda;
	struct list_node link;
	struct timer timer;
	char id[37], name[LAMBDA_NAME_BYTES_MAX + 1], qualifier[LAMBDA_QUALIFIER_BYTES_MAX + 1];
	char arn[LAMBDA_ARN_BYTES];
	struct text payload;
	uint64_t queued_ms; /* Unix */
	unsigned failures, throttles;
	struct lambda_run *run;
	json_t *config; /* of LAMBDA_CONFIG, as it was when it ran; NULL: defaults */
	bool running;
};

/* ---- Putting ---- */

err_t async_put(struct api_call *call, const struct lambda_target *target, const char *payload64)
{
	struct lambda_call *self = lambda_call_of(call);
	json_t *body = lambda_hold(
		call, json_pack("{s:s, s:s, s:s, s:s, s:I}", "Name", target->name.name, "Qualifier",
				target->name.qualifier, "Arn", target->arn, "Payload",
				payload64 && payload64[0] ? payload64 : "e30=", "Queued",
				(json_int_t)lambda_now_ms(lambda_of(call))));

	if (!body)
		return ERR_NOMEM;
	if (call->request_id[0])
		memcpy(self->event, call->request_id, sizeof self->event);
	else
		random_uuid(self->event);
	metrics_add(lambda_of(call), target->name.name, METRIC_ASYNC_RECEIVED, 1);
	return lambda_insert(call, LAMBDA_EVENT, self->event, target->name.name, body);
}

/* ---- The end of one ---- */

static void free_event(struct event *event)
{
	timer_cancel(&event->timer);
	list_remove(&event->link);
	text_fini(&event->payload);
	lambda_free_run(event->run);
	json_decref(event->config);
	free(event);
}

static json_t *json_or_text(struct bytes data)
{
	json_t *value = json_loadb(data.at, data.len, JSON_DECODE_ANY, NULL);

	return value ? value : json_stringn(data.at, data.len);
}

/* docs.aws.amazon.com/lambda, "Capturing records of Lambda asynchronous invocations" */
static json_t *record_of(const struct event *event, const char *condition,
			 const struct invocation_result *result)
{
	char time[WHEN_ISO_BYTES + 1], arn[LAMBDA_ARN_BYTES];
	json_t *record;

	when_iso_ms(lambda_now_ms(event->lambda), time);
	lambda_arn(event->lambda, event->name, event->qualifier[0] ? event->qualifier : "$LATEST",
		   arn);
	record = json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:i}, s:o*}", "version", "1.0",
			   "timestamp", time, "requestContext", "requestId", event->id,
			   "functionArn", arn, "condition", condition, "approximateInvokeCount",
			   (int)event->failures + (strcmp(condition, "Success") == 0),
			   "requestPayload", json_or_text(text_bytes(&event->payload)));
	if (!record || !result)
		return record;
	json_object_set_new(record, "responseContext",
			    json_pack("{s:i, s:s, s:s*}", "statusCode", 200, "executedVersion",
				      result->version, "functionError",
				      result->outcome ? "Unhandled" : NULL));
	json_object_set_new(record, "responsePayload", json_or_text(result->payload));
	return record;
}

struct sending {
	const struct event *event;
	const char *destination, *payload64;
};

static err_t put_for_function(struct api_call *call, void *owner)
{
	const struct sending *sending = owner;
	struct lambda_target target;

	TRY(lambda_find(call, &target));
	return async_put(call, &target, sending->payload64);
}

static void send_to_function(const struct event *event, const char *arn, const char *dumped)
{
	struct sending sending = { .event = event, .destination = arn };
	struct text base64 = TEXT_INIT(8 * 1024 * 1024);

	encode_base64(&base64, bytes_of(dumped));
	sending.payload64 = text_str(&base64);
	if (lambda_inside(event->lambda, json_pack("{s:s}", "FunctionName", arn), put_for_function,
			  &sending, NULL))
		metrics_add(event->lambda, event->name, METRIC_DESTINATION_FAILURES, 1);
	text_fini(&base64);
}

static void send_to_bucket(const struct event *event, const char *arn, const char *dumped)
{
	const char *bucket = strrchr(arn, ':') + 1;
	struct text key = TEXT_INIT(512), base64 = TEXT_INIT(8 * 1024 * 1024);
	json_t *input, *output = NULL;
	struct api_fault fault;
	char t[WHEN_ISO_BYTES + 1];

	when_iso_ms(lambda_now_ms(event->lambda), t);
	text_printf(&key, "aws/lambda/async/%s/%.4s/%.2s/%.2s/%.13s.%.2s.%.2s-%s", event->name, t,
		    t + 5, t + 8, t, t + 14, t + 17, event->id);
	encode_base64(&base64, bytes_of(dumped));
	input = json_pack("{s:s, s:s, s:s, s:s}", "Bucket", bucket, "Key", text_str(&key), "Body",
			  text_str(&base64), "ContentType", "application/json");
	if (!input || api_call(event->lambda->options.api, event->lambda->options.root, "s3",
			       "PutObject", input, &output, &fault)) {
		log_warn("lambda", "the record of an invocation of %s did not reach %s",
			 event->name, arn);
		metrics_add(event->lambda, event->name, METRIC_DESTINATION_FAILURES, 1);
	}
	json_decref(input);
	json_decref(output);
	text_fini(&key);
	text_fini(&base64);
}

static void tell_destination(const struct event *event, const char *which, const char *condition,
			     const struct invocation_result *result)
{
	const json_t *destinations = json_object_get(event->config, "DestinationConfig");
	const char *arn = lambda_text(json_object_get(destinations, which), "Destination");
	json_t *record = arn && arn[0] ? record_of(event, condition, result) : NULL;
	char *dumped = record ? json_dumps(record, JSON_COMPACT) : NULL;

	if (dumped && strncmp(arn, "arn:aws:s3:", 11) == 0)
		send_to_bucket(event, arn, dumped);
	else if (dumped)
		send_to_function(event, arn, dumped);
	free(dumped);
	json_decref(record);
}

static err_t forget(struct api_call *call, void *owner)
{
	return lambda_delete(call, LAMBDA_EVENT, ((struct event *)owner)->id);
}

/* The destination first: a crash between the two tells it twice rather than never. */
static void end_event(struct event *event, const char *which, const char *condition,
		      const struct invocation_result *result)
{
	tell_destination(event, which, condition, result);
	if (strcmp(condition, "Success") != 0)
		metrics_add(event->lambda, event->name, METRIC_ASYNC_DROPPED, 1);
	lambda_inside(event->lambda, json_object(), forget, event, NULL);
	free_event(event);
}

/* ---- Running ---- */

static json_int_t setting(const struct event *event, const char *key, json_int_t otherwise)
{
	const json_t *value = json_object_get(event->config, key);

	return value ? json_integer_value(value) : otherwise;
}

static void later(struct event *event, uint64_t ms)
{
	struct loop *loop = event->lambda->options.loop;

	timer_set(loop, &event->timer, loop_now_ms(loop) + ms);
}

static bool is_too_old(const struct event *event)
{
	uint64_t age_ms = lambda_now_ms(event->lambda) - event->queued_ms;

	return age_ms >
	       (uint64_t)setting(event, "MaximumEventAgeInSeconds", AGE_SECONDS_MAX) * 1000;
}

static void on_done(struct invocation *invocation, const struct invocation_result *result)
{
	struct event *event = container_of(invocation, struct event, invocation);

	event->running = false;
	if (result->outcome == LAMBDA_OK) {
		end_event(event, "OnSuccess", "Success", result);
		return;
	}
	event->failures++;
	if (event->failures > (unsigned)setting(event, "MaximumRetryAttempts", RETRIES_MAX))
		end_event(event, "OnFailure", "RetriesExhausted", result);
	else if (is_too_old(event))
		end_event(event, "OnFailure", "EventAgeExceeded", result);
	else
		later(event, (uint64_t)event->lambda->options.retry_ms * event->failures);
}

static err_t find_run(struct api_call *call, void *owner)
{
	struct event *event = owner;
	struct lambda_target target;
	struct lambda_run run;
	char id[LAMBDA_ID_BYTES];
	json_t *config;
	err_t err;

	TRY(lambda_find(call, &target));
	snprintf(id, sizeof id, "%s:%s", event->name,
		 event->qualifier[0] ? event->qualifier : "$LATEST");
	err = lambda_get(call, LAMBDA_CONFIG, id, &config);
	if (err && err != ERR_NOT_FOUND)
		return err;
	json_decref(event->config);
	event->config = err ? NULL : json_incref(config);
	TRY(lambda_run_of(call, &target, &run));
	lambda_free_run(event->run);
	event->run = lambda_keep_run(&run);
	return event->run ? ERR_OK : ERR_NOMEM;
}

static void run_event(struct event *event)
{
	struct lambda *lambda = event->lambda;
	struct api_fault fault = { .code = "" };
	const char *reason;
	err_t err = lambda_inside(lambda, json_pack("{s:s}", "FunctionName", event->arn), find_run,
				  event, &fault);

	if (err && strcmp(fault.code, "ResourceNotFoundException") == 0) {
		end_event(event, "OnFailure", "RetriesExhausted", NULL);
		return;
	}
	if (is_too_old(event)) {
		end_event(event, "OnFailure", "EventAgeExceeded", NULL);
		return;
	}
	if (!err && event->run->reserved == 0) {
		end_event(event, "OnFailure", "ZeroReservedConcurrency", NULL);
		return;
	}
	if (!err)
		err = live_invoke(lambda, event->run, &event->invocation, &reason, &fault);
	event->running = !err;
	if (err)
		later(event, size_min(BACKOFF_MS_MAX,
				      (uint64_t)BACKOFF_MS << size_min(event->throttles++, 12)));
}

static void on_timer(struct timer *timer)
{
	run_event(container_of(timer, struct event, timer));
}

/* ---- Loading ---- */

static struct event *make_event(struct lambda *lambda, const char *id, const json_t *body)
{
	struct event *event = calloc(1, sizeof *event);

	if (!event)
		return NULL;
	event->lambda = lambda;
	snprintf(event->id, sizeof event->id, "%s", id);
	snprintf(event->name, sizeof event->name, "%s", lambda_text(body, "Name"));
	snprintf(event->qualifier, sizeof event->qualifier, "%s", lambda_text(body, "Qualifier"));
	snprintf(event->arn, sizeof event->arn, "%s", lambda_text(body, "Arn"));
	event->queued_ms = (uint64_t)json_integer_value(json_object_get(body, "Queued"));
	event->timer.on_expired = on_timer;
	text_init(&event->payload, LAMBDA_PAYLOAD_BYTES_MAX);
	decode_base64(&event->payload, bytes_of(lambda_text(body, "Payload")));
	snprintf(event->invocation.request_id, sizeof event->invocation.request_id, "%s", id);
	event->invocation.payload = text_bytes(&event->payload);
	event->invocation.function_arn = event->arn;
	event->invocation.on_done = on_done;
	list_append(&lambda->events, &event->link);
	later(event, 0);
	return event;
}

static bool load_one(void *owner, const struct store_resource *resource)
{
	if (!make_event(owner, resource->id, resource->body))
		log_error("lambda", "out of memory: an invocation waits for the next start");
	return true;
}

void async_load(struct lambda *lambda)
{
	struct store_txn *txn;

	if (store_begin(lambda->options.store, &txn))
		return;
	if (store_each(txn, LAMBDA_EVENT, NULL, NULL, load_one, lambda))
		log_error("lambda", "invocations that wait cannot be read");
	store_rollback(txn);
}

void async_add(struct lambda *lambda, const char *id)
{
	struct store_txn *txn;
	json_t *body = NULL;

	if (store_begin(lambda->options.store, &txn))
		return;
	if (store_get(txn, LAMBDA_EVENT, id, &body, NULL) == ERR_OK) {
		struct store_resource resource = { LAMBDA_EVENT, id, "", body, 0 };

		load_one(lambda, &resource);
		json_decref(body);
	}
	store_rollback(txn);
}

void async_fini(struct lambda *lambda)
{
	list_for_each_safe (&lambda->events, node)
		free_event(container_of(node, struct event, link));
}
