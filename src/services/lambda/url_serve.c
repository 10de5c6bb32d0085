/*
 * url_serve: requests to function URLs, and for the packages that GetFunction points at.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "crypto/random.h"
#include "services/lambda/lambda_internal.h"
#include "services/lambda/url_cors.h"

enum { EVENT_BYTES_MAX = 12 * 1024 * 1024, SERVED_ARENA_BYTES = 32 * 1024 * 1024 };

#define STREAMED_HTTP "application/vnd.awslambda.http-integration-response"

/* One that waits for its function. */
struct served {
	struct invocation invocation;
	struct api_http_request *request; /* NULL: it was answered before the function ended */
	struct lambda *lambda;
	struct list_node link; /* in lambda->served */
	struct text event;
	struct arena arena;
	json_t *cors; /* the URL's; NULL: none */
	/* InvokeMode RESPONSE_STREAM: */
	struct text prelude; /* until it is whole */
	bool begun;	     /* the head went out */
	bool bodyless;	     /* to HEAD, or of a status that has no body */
	bool left;	     /* nobody hears what else the function says */
	struct timer cut;    /* so it is cut off, when nothing of it is on the stack */
	char arn[LAMBDA_ARN_BYTES];
};

static void free_served(struct served *served)
{
	timer_cancel(&served->cut);
	list_remove(&served->link);
	text_fini(&served->event);
	text_fini(&served->prelude);
	json_decref(served->cors);
	arena_fini(&served->arena);
	free(served);
}

static void refuse(struct api_http_request *request, unsigned status, const char *words)
{
	char json[128];

	snprintf(json, sizeof json, "{\"Message\":\"%s\"}", words);
	api_http_reply(request, status, "application/json", bytes_of(json));
}

/* The whole answer; what serves it lives on. */
static void reply(struct served *served, struct url_answer *answer)
{
	struct api_http_request *request = served->request;

	served->request = NULL;
	if (url_cors_apply(served->cors, request->head, &served->arena, answer))
		refuse(request, 503, "Service Unavailable");
	else
		api_http_reply_fields(request, answer->status, answer->fields, answer->field_count,
				      answer->body);
}

static void reply_json(struct served *served, uint16_t status, struct bytes body)
{
	struct url_answer answer = {
		.status = status,
		.fields = { { BYTES("Content-Type"), BYTES("application/json") } },
		.field_count = 1,
		.body = body,
	};

	reply(served, &answer);
}

static void reply_failed(struct served *served)
{
	reply_json(served, 502, BYTES("Internal Server Error"));
}

/* ---- Answers that are whole ---- */

static void on_done(struct invocation *invocation, const struct invocation_result *result)
{
	struct served *served = container_of(invocation, struct served, invocation);
	struct url_answer answer;

	if (result->outcome != LAMBDA_OK ||
	    url_answer_read(result->payload, &served->arena, &answer))
		reply_failed(served);
	else
		reply(served, &answer);
	free_served(served);
}

/* ---- Answers that are passed on as they come ---- */

static void on_cut(struct timer *timer)
{
	lambda_abandon(&container_of(timer, struct served, cut)->invocation);
}

/* Lambda may stand on the function's connection now: it is cut when that is over. */
static void leave(struct served *served)
{
	const struct lambda *lambda = served->lambda;

	served->left = true;
	timer_set(lambda->options.loop, &served->cut, loop_now_ms(lambda->options.loop));
}

static void on_gone(struct api_http_request *request)
{
	leave(request->state);
}

static void on_room(struct api_http_request *request)
{
	struct served *served = request->state;

	if (!served->left)
		lambda_resume(&served->invocation);
}

static void fail_stream(struct served *served)
{
	reply_failed(served);
	leave(served);
}

static void begin_stream(struct served *served, err_t err, struct url_answer *answer)
{
	static const struct api_http_stream_events events = { on_gone, on_room };
	struct api_http_request *request = served->request;

	if (!err)
		err = url_cors_apply(served->cors, request->head, &served->arena, answer);
	if (err) {
		fail_stream(served);
		return;
	}
	served->begun = true;
	served->bodyless = bytes_eq_str(request->head->method, "HEAD") || answer->status == 204 ||
			   answer->status == 304;
	request->state = served;
	if (api_http_begin_fields(request, answer->status, answer->fields, answer->field_count,
				  &events))
		leave(served);
}

/* The prelude may end anywhere in a piece, and begin in one before; *data is what follows it. */
static void take_prelude(struct served *served, struct bytes *data)
{
	size_t had = served->prelude.len, taken = size_min(data->len, URL_PRELUDE_BYTES_MAX - had);
	struct bytes gathered;
	struct url_answer answer;
	size_t end;
	err_t err;

	text_add(&served->prelude, bytes_upto(*data, taken));
	gathered = text_bytes(&served->prelude);
	end = url_prelude_end(gathered, had);
	if (end == SIZE_MAX) {
		*data = BYTES_NONE;
		if (text_err(&served->prelude) || gathered.len == URL_PRELUDE_BYTES_MAX)
			fail_stream(served);
		return;
	}
	*data = bytes_from(*data, end + URL_PRELUDE_END_BYTES - had);
	err = url_prelude_read(bytes_upto(gathered, end), &served->arena, &answer);
	begin_stream(served, err, &answer);
}

static bool on_piece(struct invocation *invocation, struct bytes content_type, struct bytes data)
{
	struct served *served = container_of(invocation, struct served, invocation);
	struct url_answer answer;

	if (!served->begun && !served->left) {
		if (bytes_starts_nocase(content_type, BYTES(STREAMED_HTTP)))
			take_prelude(served, &data);
		else
			begin_stream(served,
				     url_plain_answer(content_type, &served->arena, &answer),
				     &answer);
	}
	if (!served->begun || served->left)
		return true;
	if (data.len && !served->bodyless && !api_http_push(served->request, data))
		leave(served);
	return served->left || !api_http_is_full(served->request);
}

static void on_stream_done(struct invocation *invocation, const struct invocation_result *result)
{
	struct served *served = container_of(invocation, struct served, invocation);

	if (result->outcome == LAMBDA_OK && !result->streamed)
		on_piece(invocation, result->content_type, result->payload);
	if (served->begun && result->outcome == LAMBDA_OK)
		api_http_end(served->request);
	else if (served->begun)
		api_http_cut(served->request);
	else if (served->request)
		reply_failed(served);
	free_served(served);
}

/* ---- Which function, and whether it may be asked ---- */

struct wanted {
	struct bytes id;
	const struct api_caller *caller;
	bool preflight, streams;
	struct lambda_run *run; /* NULL: a preflight that the URL answers itself */
	json_t *url, *cors;	/* the latter a reference of its own */
	char arn[LAMBDA_ARN_BYTES];
};

static bool find_one(void *owner, const struct store_resource *resource)
{
	struct wanted *wanted = owner;

	if (!bytes_eq_str(wanted->id, lambda_text(resource->body, "UrlId")))
		return true;
	wanted->url = json_deep_copy(resource->body);
	return false;
}

/* Anybody where the policy says so; else who signs, and is allowed to by its own policies. */
static err_t check_open(struct api_call *call, const struct lambda_target *target)
{
	char id[LAMBDA_ID_BYTES];
	json_t *policy;

	snprintf(id, sizeof id, "%s%s%s", target->name.name, target->name.qualifier[0] ? ":" : "",
		 target->name.qualifier);
	if (lambda_get(call, LAMBDA_POLICY, id, &policy))
		return ERR_DENIED;
	return lambda_policy_allows(policy,
				    &(struct lambda_asker){ .principal = "*",
							    .action = "lambda:InvokeFunctionUrl",
							    .url_auth = "NONE" })
		       ? ERR_OK
		       : ERR_DENIED;
}

static err_t find_url(struct api_call *call, void *owner)
{
	struct wanted *wanted = owner;
	struct lambda_target target;
	struct lambda_run run;
	const char *mode;

	TRY(store_each(lambda_call_of(call)->txn, LAMBDA_URL, NULL, NULL, find_one, wanted));
	if (!lambda_hold(call, wanted->url))
		return ERR_NOT_FOUND;
	wanted->cors = json_incref(json_object_get(wanted->url, "Cors"));
	/* Browsers ask without a signature. */
	if (wanted->cors && wanted->preflight)
		return ERR_OK;
	TRY(lambda_set(call->input, "FunctionName",
		       json_string(lambda_text(wanted->url, "FunctionArn"))));
	TRY(lambda_find(call, &target));
	if (strcmp(lambda_text(wanted->url, "AuthType"), "NONE") == 0)
		TRY(check_open(call, &target));
	else if (!wanted->caller->access_key)
		return ERR_DENIED;
	snprintf(wanted->arn, sizeof wanted->arn, "%s", target.arn);
	TRY(lambda_run_of(call, &target, &run));
	mode = lambda_text(wanted->url, "InvokeMode");
	wanted->streams = mode && strcmp(mode, "RESPONSE_STREAM") == 0;
	wanted->run = lambda_keep_run(&run);
	return wanted->run ? ERR_OK : ERR_NOMEM;
}

/* The caller's own policies, where it signs. */
static err_t check_caller(struct lambda *lambda, const struct wanted *wanted)
{
	struct api_fault fault;
	json_t *input;
	err_t err;

	if (!wanted->caller->access_key)
		return ERR_OK;
	input = json_pack("{s:s}", "FunctionName", wanted->arn);
	if (!input)
		return ERR_NOMEM;
	err = api_may(lambda->options.api, wanted->caller, "lambda", "Invoke", input, &fault);
	json_decref(input);
	return err ? ERR_DENIED : ERR_OK;
}

static err_t write_event(struct served *served, struct bytes id, const struct wanted *wanted)
{
	const struct api_http_request *request = served->request;
	const char *host = arena_string(&served->arena, request->head->authority);
	const char *name = arena_string(&served->arena, id);
	const char *ip = request->caller->source_ip;
	const struct url_request url = {
		.head = request->head,
		.path = request->path,
		.query = request->query,
		.body = request->body,
		.url_id = name,
		.host = host,
		.source_ip = ip ? ip : "127.0.0.1",
		.account = wanted->caller->access_key ? served->lambda->options.account
						      : "anonymous",
		.request_id = served->invocation.request_id,
		.unix_ms = lambda_now_ms(served->lambda),
	};

	if (!host || !name)
		return ERR_NOMEM;
	return url_event_write(&url, &served->event);
}

static err_t invoke(struct served *served, struct bytes id, const struct wanted *wanted)
{
	struct api_fault fault = { .code = "" };
	const char *reason;

	random_uuid(served->invocation.request_id);
	TRY(check_caller(served->lambda, wanted));
	TRY(write_event(served, id, wanted));
	memcpy(served->arn, wanted->arn, sizeof served->arn);
	served->invocation.payload = text_bytes(&served->event);
	served->invocation.function_arn = served->arn;
	served->invocation.on_done = wanted->streams ? on_stream_done : on_done;
	served->invocation.takes_stream = wanted->streams;
	served->invocation.on_piece = on_piece;
	return live_invoke(served->lambda, wanted->run, &served->invocation, &reason, &fault);
}

static void answer_failure(struct served *served, err_t err)
{
	switch (err) {
	case ERR_NOT_FOUND:
	case ERR_DENIED: reply_json(served, 403, BYTES("{\"Message\":\"Forbidden\"}")); return;
	case ERR_LIMIT:
		reply_json(served, 429, BYTES("{\"Message\":\"Too Many Requests\"}"));
		return;
	case ERR_INVALID: reply_json(served, 400, BYTES("{\"Message\":\"Bad Request\"}")); return;
	default: reply_json(served, 502, BYTES("{\"Message\":\"Internal Server Error\"}")); return;
	}
}

static struct served *new_served(struct lambda *lambda, struct api_http_request *request)
{
	struct served *served = calloc(1, sizeof *served);

	if (!served)
		return NULL;
	served->lambda = lambda;
	served->request = request;
	served->cut.on_expired = on_cut;
	text_init(&served->event, EVENT_BYTES_MAX);
	text_init(&served->prelude, URL_PRELUDE_BYTES_MAX);
	arena_init(&served->arena, SERVED_ARENA_BYTES);
	list_append(&lambda->served, &served->link);
	return served;
}

void lambda_serve_url(void *owner, struct api_http_request *request)
{
	struct lambda *lambda = owner;
	struct bytes host = request->head->authority;
	struct wanted wanted = { .id = bytes_upto(host, bytes_index(host, '.')),
				 .caller = request->caller,
				 .preflight = url_cors_is_preflight(request->head) };
	struct served *served = lambda->ending ? NULL : new_served(lambda, request);
	err_t err;

	if (!served) {
		refuse(request, 503, "Service Unavailable");
		return;
	}
	err = lambda_inside(lambda, json_object(), find_url, &wanted, NULL);
	served->cors = wanted.cors;
	if (!err && wanted.run)
		err = invoke(served, wanted.id, &wanted);
	else if (!err)
		reply(served, &(struct url_answer){ .status = 200 });
	lambda_free_run(wanted.run);
	if (err)
		answer_failure(served, err);
	if (err || !wanted.run)
		free_served(served);
}

void url_fini(struct lambda *lambda)
{
	list_for_each_safe (&lambda->served, node) {
		struct served *served = container_of(node, struct served, link);

		if (served->begun)
			api_http_cut(served->request);
		else if (served->request)
			refuse(served->request, 503, "Service Unavailable");
		free_served(served);
	}
}

/* ---- Packages ---- */

static err_t read_file(const char *path, struct text *out)
{
	char piece[64 * 1024];
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return ERR_NOT_FOUND;
	while ((got = read(fd, piece, sizeof piece)) > 0)
		text_add(out, bytes_make(piece, (size_t)got));
	close(fd);
	return got < 0 ? ERR_SYSTEM : text_err(out);
}

void lambda_serve_code(void *owner, struct api_http_request *request)
{
	const struct lambda *lambda = owner;
	struct bytes rest = bytes_from(request->path, sizeof LAMBDA_CODE_PATH - 1);
	struct text zip = TEXT_INIT(64 * 1024 * 1024);
	char hex[SHA256_HEX_BYTES + 1], path[4096 + 8];

	if (!lambda_code_url_opens(lambda, rest, hex)) {
		refuse(request, 403, "This address does not hold, or no longer");
		return;
	}
	lambda_code_path(lambda, hex, path);
	snprintf(path + strlen(path), 8, ".zip");
	if (read_file(path, &zip))
		refuse(request, 404, "The package is gone");
	else
		api_http_reply(request, 200, "application/zip", text_bytes(&zip));
	text_fini(&zip);
}
