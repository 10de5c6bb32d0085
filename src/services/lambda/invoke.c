/*
 * invoke: Invoke and its kin: find what is meant, hand it to what runs, answer when it is through.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "crypto/random.h"
#include "services/lambda/environment.h"
#include "services/lambda/eventstream.h"
#include "services/lambda/lambda_internal.h"

enum { PUSH_MAX = 64 * 1024 };

/* One that is being answered. Its memory ends with the answer. */
struct answer {
	struct api_later later;
	struct invocation invocation;
	struct lambda *lambda;
	struct list_node link; /* in lambda->answers */
	struct lambda_run *run;
	char arn[LAMBDA_ARN_BYTES];
	struct text payload, context;
	bool stream; /* InvokeWithResponseStream */
	bool begun, gone;
};

/* ---- What to run ---- */

static int64_t number_or(const json_t *value, int64_t otherwise)
{
	return value ? json_integer_value(value) : otherwise;
}

err_t lambda_run_of(struct api_call *call, const struct lambda_target *target,
		    struct lambda_run *ret_run)
{
	const json_t *configuration = json_object_get(target->version, "Configuration");
	const char *state = lambda_text(configuration, "State");
	char id[LAMBDA_ID_BYTES];
	json_t *warm = NULL;
	err_t err;

	if (!lambda_text(target->version, "Code"))
		return api_fault(call, "ResourceConflictException",
				 "The operation cannot be performed at this time. The function is "
				 "currently in the following state: %s",
				 state);
	*ret_run = (struct lambda_run){
		.name = target->name.name,
		.version = target->version_name,
		.configuration = configuration,
		.code = lambda_text(target->version, "Code"),
		.reserved = number_or(json_object_get(target->function, "Reserved"), -1),
	};
	if (strcmp(target->version_name, "$LATEST") == 0)
		return ERR_OK;
	snprintf(id, sizeof id, "%s:%s", target->name.name, target->version_name);
	err = lambda_get(call, LAMBDA_WARM, id, &warm);
	if (!err)
		ret_run->provisioned = number_or(json_object_get(warm, "Requested"), 0);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

struct kept_run {
	struct lambda_run run;
	json_t *configuration;
	char name[LAMBDA_NAME_BYTES_MAX + 1], version[32], code[SHA256_HEX_BYTES + 1];
};

struct lambda_run *lambda_keep_run(const struct lambda_run *run)
{
	struct kept_run *kept = calloc(1, sizeof *kept);

	if (!kept)
		return NULL;
	snprintf(kept->name, sizeof kept->name, "%s", run->name);
	snprintf(kept->version, sizeof kept->version, "%s", run->version);
	snprintf(kept->code, sizeof kept->code, "%s", run->code);
	kept->configuration = json_incref((json_t *)run->configuration);
	kept->run = *run;
	kept->run.name = kept->name;
	kept->run.version = kept->version;
	kept->run.code = kept->code;
	kept->run.configuration = kept->configuration;
	return &kept->run;
}

void lambda_free_run(struct lambda_run *run)
{
	struct kept_run *kept;

	if (!run)
		return;
	kept = container_of(run, struct kept_run, run);
	json_decref(kept->configuration);
	free(kept);
}

static void fault_of(err_t err, const char *reason, struct api_fault *fault)
{
	const char *code = "ServiceException", *words = "The request could not be processed";

	if (err == ERR_LIMIT) {
		code = "TooManyRequestsException";
		words = strstr(reason ? reason : "", "Reserved")
				? "Rate Exceeded. The function's reserved concurrency is in use."
				: "Rate Exceeded.";
	} else if (fault->code[0]) {
		/* Of sts: the role's trust has changed since the function was made. */
		code = "AccessDeniedException";
		words = "The role defined for the function cannot be assumed by Lambda.";
	}
	snprintf(fault->code, sizeof fault->code, "%s", code);
	snprintf(fault->message, sizeof fault->message, "%s", words);
	fault->status = err == ERR_LIMIT ? 429 : err == ERR_CANCELLED ? 503 : 500;
	if (strcmp(code, "AccessDeniedException") == 0)
		fault->status = 403;
}

/* ---- The answer ---- */

static void free_answer(struct answer *answer)
{
	list_remove(&answer->link);
	lambda_free_run(answer->run);
	text_fini(&answer->payload);
	text_fini(&answer->context);
	free(answer);
}

static json_t *base64_of(struct bytes data)
{
	struct text base64 = TEXT_INIT(data.len / 3 * 4 + 8);
	json_t *value;

	encode_base64(&base64, data);
	value = text_err(&base64) ? NULL : json_string(text_str(&base64));
	text_fini(&base64);
	return value;
}

static void on_done(struct invocation *invocation, const struct invocation_result *result)
{
	struct answer *answer = container_of(invocation, struct answer, invocation);
	json_t *output = json_pack("{s:i, s:s, s:o*}", "StatusCode", 200, "ExecutedVersion",
				   result->version, "Payload", base64_of(result->payload));

	if (output && result->outcome != LAMBDA_OK)
		json_object_set_new(output, "FunctionError", json_string("Unhandled"));
	if (output && invocation->wants_tail)
		json_object_set_new(output, "LogResult", base64_of(result->log_tail));
	answer->later.done(&answer->later, output, NULL);
	json_decref(output);
	free_answer(answer);
}

/* ---- Streamed answers: application/vnd.amazon.eventstream ---- */

static bool push_event(struct answer *answer, const char *type, struct bytes payload)
{
	struct text event = TEXT_INIT(payload.len + 512);
	bool room;

	eventstream_encode(&event, type, payload);
	room = !answer->gone && api_http_push(answer->later.request, text_bytes(&event));
	text_fini(&event);
	return room;
}

static void on_gone(struct api_http_request *request)
{
	((struct answer *)request->state)->gone = true;
}

static void begin_stream(struct answer *answer)
{
	if (answer->begun)
		return;
	answer->begun = true;
	answer->later.request->state = answer;
	if (api_http_begin(answer->later.request, 200, "application/vnd.amazon.eventstream",
			   on_gone))
		answer->gone = true;
}

static bool on_piece(struct invocation *invocation, struct bytes content_type, struct bytes data)
{
	struct answer *answer = container_of(invocation, struct answer, invocation);

	(void)content_type;
	begin_stream(answer);
	for (; data.len; data = bytes_from(data, size_min(data.len, PUSH_MAX)))
		push_event(answer, "PayloadChunk", bytes_upto(data, PUSH_MAX));
	return true;
}

static void on_stream_done(struct invocation *invocation, const struct invocation_result *result)
{
	struct answer *answer = container_of(invocation, struct answer, invocation);
	json_t *end = json_object();
	char *dumped;

	if (result->outcome == LAMBDA_OK && !result->streamed)
		on_piece(invocation, result->content_type, result->payload);
	begin_stream(answer);
	if (result->outcome != LAMBDA_OK) {
		json_object_set_new(end, "ErrorCode", json_string("Unhandled"));
		json_object_set_new(end, "ErrorDetails",
				    json_stringn(result->payload.at, result->payload.len));
	}
	if (invocation->wants_tail)
		json_object_set_new(end, "LogResult", base64_of(result->log_tail));
	dumped = json_dumps(end, JSON_COMPACT);
	push_event(answer, "InvokeComplete", bytes_of(dumped));
	free(dumped);
	json_decref(end);
	api_http_end(answer->later.request);
	free_answer(answer);
}

/* ---- Begin ---- */

static void begin(struct api_later *later)
{
	struct answer *answer = container_of(later, struct answer, later);
	struct api_fault fault = { .code = "" };
	const char *reason = NULL;
	err_t err;

	answer->invocation.on_done = answer->stream ? on_stream_done : on_done;
	err = live_invoke(answer->lambda, answer->run, &answer->invocation, &reason, &fault);
	if (!err)
		return;
	fault_of(err, reason, &fault);
	later->done(later, NULL, &fault);
	free_answer(answer);
}

static void drop(struct api_later *later)
{
	free_answer(container_of(later, struct answer, later));
}

static err_t fill_answer(struct api_call *call, struct answer *answer,
			 const struct lambda_target *target)
{
	const char *payload = lambda_text(call->input, "Payload");
	const char *context = lambda_text(call->input, "ClientContext");
	const char *tail = lambda_text(call->input, "LogType");
	struct lambda_run run;

	TRY(lambda_run_of(call, target, &run));
	answer->run = lambda_keep_run(&run);
	if (!answer->run)
		return ERR_NOMEM;
	snprintf(answer->arn, sizeof answer->arn, "%s", target->arn);
	if (payload && decode_base64(&answer->payload, bytes_of(payload)))
		return ERR_NOMEM;
	if (context && decode_base64(&answer->context, bytes_of(context)))
		return api_fault(call, "InvalidRequestContentException",
				 "Client context must be a valid Base64-encoded JSON object.");
	memcpy(answer->invocation.request_id, call->request_id, sizeof call->request_id);
	answer->invocation.payload = answer->payload.len ? text_bytes(&answer->payload)
							 : BYTES("{}");
	answer->invocation.client_context = text_bytes(&answer->context);
	answer->invocation.function_arn = answer->arn;
	answer->invocation.wants_tail = tail && strcmp(tail, "Tail") == 0;
	return ERR_OK;
}

static err_t answer_later(struct api_call *call, const struct lambda_target *target, bool stream)
{
	struct answer *answer = calloc(1, sizeof *answer);
	err_t err;

	if (!answer)
		return ERR_NOMEM;
	answer->lambda = lambda_of(call);
	answer->later.begin = begin;
	answer->later.drop = drop;
	answer->stream = stream;
	answer->invocation.takes_stream = stream;
	answer->invocation.on_piece = on_piece;
	text_init(&answer->payload, LAMBDA_PAYLOAD_BYTES_MAX + 1024);
	text_init(&answer->context, 8 * 1024);
	list_append(&answer->lambda->answers, &answer->link);
	err = fill_answer(call, answer, target);
	if (err) {
		free_answer(answer);
		return err;
	}
	call->later = &answer->later;
	return ERR_OK;
}

void invoke_fini(struct lambda *lambda)
{
	list_for_each_safe (&lambda->answers, node) {
		struct answer *answer = container_of(node, struct answer, link);
		struct api_fault fault = { .code = "ServiceException",
					   .message = "Weir is ending",
					   .status = 503 };

		if (answer->begun)
			api_http_end(answer->later.request);
		else if (answer->later.done)
			answer->later.done(&answer->later, NULL, &fault);
		free_answer(answer);
	}
}

/* ---- Operations ---- */

static err_t check_payload(struct api_call *call, size_t base64_bytes, size_t max)
{
	const char *payload = lambda_text(call->input, "Payload");
	struct text plain = TEXT_INIT(base64_bytes + 4);
	json_error_t error;
	json_t *value;
	err_t err;

	if (!payload || !payload[0])
		return ERR_OK;
	err = decode_base64(&plain, bytes_of(payload));
	if (!err && plain.len > max) {
		text_fini(&plain);
		return api_fault(call, "RequestTooLargeException",
				 "Request must be smaller than %zu bytes for the %s operation", max,
				 call->operation->name);
	}
	value = err ? NULL : json_loadb(plain.at, plain.len, JSON_DECODE_ANY, &error);
	text_fini(&plain);
	if (err == ERR_NOMEM)
		return err;
	if (!value)
		return api_fault(call, "InvalidRequestContentException",
				 "Could not parse request body into json: Could not parse payload "
				 "into json: %s",
				 err ? "it is not base64" : error.text);
	json_decref(value);
	return ERR_OK;
}

err_t lambda_invoke(struct api_call *call)
{
	const char *kind = lambda_text(call->input, "InvocationType");
	const char *payload = lambda_text(call->input, "Payload");
	bool event = kind && strcmp(kind, "Event") == 0;
	struct lambda_target target;
	struct lambda_run run;

	TRY(lambda_find(call, &target));
	TRY(check_payload(call, payload ? strlen(payload) : 0,
			  event ? LAMBDA_EVENT_BYTES_MAX : LAMBDA_PAYLOAD_BYTES_MAX));
	if (kind && strcmp(kind, "DryRun") == 0)
		return lambda_set(call->output, "StatusCode", json_integer(204));
	if (!event)
		return answer_later(call, &target, false);
	TRY(lambda_run_of(call, &target, &run));
	TRY(async_put(call, &target, payload));
	return lambda_set(call->output, "StatusCode", json_integer(202));
}

err_t lambda_invoke_async(struct api_call *call)
{
	const char *payload = lambda_text(call->input, "InvokeArgs");
	struct lambda_target target;

	TRY(lambda_find(call, &target));
	TRY(async_put(call, &target, payload));
	return lambda_set(call->output, "Status", json_integer(202));
}

err_t lambda_invoke_with_response_stream(struct api_call *call)
{
	const char *kind = lambda_text(call->input, "InvocationType");
	const char *payload = lambda_text(call->input, "Payload");
	struct lambda_target target;

	TRY(lambda_find(call, &target));
	TRY(check_payload(call, payload ? strlen(payload) : 0, LAMBDA_PAYLOAD_BYTES_MAX));
	if (kind && strcmp(kind, "DryRun") == 0)
		return lambda_set(call->output, "StatusCode", json_integer(204));
	return answer_later(call, &target, true);
}

/* ---- For the house ---- */

struct asking {
	const char *principal, *source_arn;
	const char *payload64; /* of an event to be put */
	struct lambda_run *run;
	err_t err; /* why not, where it is no fault of ours */
};

static err_t check_for(struct api_call *call, struct asking *asking, struct lambda_target *target)
{
	char id[LAMBDA_ID_BYTES];
	bool qualified;
	json_t *policy;
	err_t err;

	asking->err = ERR_NOT_FOUND;
	TRY(lambda_find(call, target));
	qualified = target->name.qualifier[0] != 0;
	snprintf(id, sizeof id, "%s%s%s", target->name.name, qualified ? ":" : "",
		 target->name.qualifier);
	err = lambda_get(call, LAMBDA_POLICY, id, &policy);
	asking->err = ERR_DENIED;
	if (err)
		return err;
	if (!lambda_policy_allows(
		    policy,
		    &(struct lambda_asker){ .principal = asking->principal,
					    .action = "lambda:InvokeFunction",
					    .source_arn = asking->source_arn,
					    .source_account = lambda_of(call)->options.account }))
		return ERR_DENIED;
	asking->err = ERR_OK;
	return ERR_OK;
}

static err_t find_allowed(struct api_call *call, void *owner)
{
	struct lambda_target target;

	return check_for(call, owner, &target);
}

static err_t find_for(struct api_call *call, void *owner)
{
	struct asking *asking = owner;
	struct lambda_target target;
	struct lambda_run run;

	TRY(check_for(call, asking, &target));
	asking->err = ERR_AGAIN;
	TRY(lambda_run_of(call, &target, &run));
	asking->run = lambda_keep_run(&run);
	asking->err = asking->run ? ERR_OK : ERR_NOMEM;
	return asking->err;
}

err_t lambda_may_invoke(struct lambda *lambda, const char *principal, const char *source_arn,
			const char *function_arn)
{
	struct asking asking = { .principal = principal, .source_arn = source_arn };
	err_t err = lambda_inside(lambda, json_pack("{s:s}", "FunctionName", function_arn),
				  find_allowed, &asking, NULL);

	return asking.err ? asking.err : err;
}

void lambda_abandon(struct invocation *invocation)
{
	if (invocation->environment)
		environment_abandon(invocation->environment);
}

void lambda_resume(struct invocation *invocation)
{
	if (invocation->environment)
		environment_resume(invocation->environment);
}

err_t lambda_invoke_for(struct lambda *lambda, const char *principal, const char *source_arn,
			struct invocation *invocation)
{
	struct asking asking = { .principal = principal, .source_arn = source_arn };
	struct api_fault fault = { .code = "" };
	const char *reason;
	err_t err = lambda_inside(lambda,
				  json_pack("{s:s}", "FunctionName", invocation->function_arn),
				  find_for, &asking, NULL);

	if (err)
		return asking.err ? asking.err : err;
	random_uuid(invocation->request_id);
	err = live_invoke(lambda, asking.run, invocation, &reason, &fault);
	lambda_free_run(asking.run);
	return err;
}

static err_t put_allowed(struct api_call *call, void *owner)
{
	struct asking *asking = owner;
	struct lambda_target target;

	TRY(check_for(call, asking, &target));
	return async_put(call, &target, asking->payload64);
}

err_t lambda_event_for(struct lambda *lambda, const char *principal, const char *source_arn,
		       const char *function_arn, const char *event)
{
	struct text base64 = TEXT_INIT(LAMBDA_EVENT_BYTES_MAX * 2);
	struct asking asking = { .principal = principal, .source_arn = source_arn };
	err_t err;

	encode_base64(&base64, bytes_of(event));
	err = text_err(&base64);
	asking.payload64 = text_str(&base64);
	if (!err)
		err = lambda_inside(lambda, json_pack("{s:s}", "FunctionName", function_arn),
				    put_allowed, &asking, NULL);
	text_fini(&base64);
	return asking.err ? asking.err : err;
}
