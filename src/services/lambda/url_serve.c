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
#include "services/lambda/url_event.h"

enum { EVENT_BYTES_MAX = 12 * 1024 * 1024, SERVED_ARENA_BYTES = 32 * 1024 * 1024 };

/* One that waits for its function. */
struct served {
	struct invocation invocation;
	struct api_http_request *request;
	struct lambda *lambda;
	struct list_node link; /* in lambda->served */
	struct text event;
	struct arena arena;
	char arn[LAMBDA_ARN_BYTES];
};

static void free_served(struct served *served)
{
	list_remove(&served->link);
	text_fini(&served->event);
	arena_fini(&served->arena);
	free(served);
}

static void refuse(struct api_http_request *request, unsigned status, const char *words)
{
	char json[128];

	snprintf(json, sizeof json, "{\"Message\":\"%s\"}", words);
	api_http_reply(request, status, "application/json", bytes_of(json));
}

static void on_done(struct invocation *invocation, const struct invocation_result *result)
{
	struct served *served = container_of(invocation, struct served, invocation);
	struct url_answer answer;

	if (result->outcome != LAMBDA_OK ||
	    url_answer_read(result->payload, &served->arena, &answer))
		api_http_reply(served->request, 502, "application/json",
			       BYTES("Internal Server Error"));
	else
		api_http_reply_fields(served->request, answer.status, answer.fields,
				      answer.field_count, answer.body);
	free_served(served);
}

/* ---- Which function, and whether it may be asked ---- */

struct wanted {
	struct bytes id;
	const struct api_caller *caller;
	struct lambda_run *run;
	json_t *url;
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

	TRY(store_each(lambda_call_of(call)->txn, LAMBDA_URL, NULL, NULL, find_one, wanted));
	if (!lambda_hold(call, wanted->url))
		return ERR_NOT_FOUND;
	TRY(lambda_set(call->input, "FunctionName",
		       json_string(lambda_text(wanted->url, "FunctionArn"))));
	TRY(lambda_find(call, &target));
	if (strcmp(lambda_text(wanted->url, "AuthType"), "NONE") == 0)
		TRY(check_open(call, &target));
	else if (!wanted->caller->access_key)
		return ERR_DENIED;
	snprintf(wanted->arn, sizeof wanted->arn, "%s", target.arn);
	TRY(lambda_run_of(call, &target, &run));
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
	served->invocation.on_done = on_done;
	return live_invoke(served->lambda, wanted->run, &served->invocation, &reason, &fault);
}

static void answer_failure(struct api_http_request *request, err_t err)
{
	switch (err) {
	case ERR_NOT_FOUND:
	case ERR_DENIED: refuse(request, 403, "Forbidden"); return;
	case ERR_LIMIT: refuse(request, 429, "Too Many Requests"); return;
	case ERR_INVALID: refuse(request, 400, "Bad Request"); return;
	default: refuse(request, 502, "Internal Server Error"); return;
	}
}

void lambda_serve_url(void *owner, struct api_http_request *request)
{
	struct lambda *lambda = owner;
	struct bytes host = request->head->authority;
	struct wanted wanted = { .id = bytes_upto(host, bytes_index(host, '.')),
				 .caller = request->caller };
	struct served *served = calloc(1, sizeof *served);
	err_t err;

	if (!served || lambda->ending) {
		free(served);
		refuse(request, 503, "Service Unavailable");
		return;
	}
	served->lambda = lambda;
	served->request = request;
	text_init(&served->event, EVENT_BYTES_MAX);
	arena_init(&served->arena, SERVED_ARENA_BYTES);
	list_append(&lambda->served, &served->link);
	err = lambda_inside(lambda, json_object(), find_url, &wanted, NULL);
	if (!err)
		err = invoke(served, wanted.id, &wanted);
	lambda_free_run(wanted.run);
	if (err) {
		answer_failure(request, err);
		free_served(served);
	}
}

void url_fini(struct lambda *lambda)
{
	list_for_each_safe (&lambda->served, node) {
		struct served *served = container_of(node, struct served, link);

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
