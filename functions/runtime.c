#include "functions/runtime.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "functions/http.h"

enum { EVENT_BYTES_MAX = 7 * 1024 * 1024, ID_BYTES = 64 };

static void url_of(struct text *url, const char *path)
{
	text_clear(url);
	text_printf(url, "http://%s/2018-06-01/runtime/%s", getenv("AWS_LAMBDA_RUNTIME_API"), path);
}

static err_t post(const char *id, const char *what, struct bytes body)
{
	static const char *const fields[] = { "Content-Type: application/json", NULL };
	struct text url = TEXT_INIT(512), why = TEXT_INIT(512);
	struct http_told told;
	char path[ID_BYTES + 64];
	err_t err;

	snprintf(path, sizeof path, "invocation/%s/%s", id, what);
	url_of(&url, path);
	http_told_init(&told);
	err = http_ask(&(struct http_ask){ "POST", text_str(&url), fields, body, 0 }, &told, &why);
	if (err)
		fprintf(stderr, "the answer did not reach the Runtime API: %s\n", text_str(&why));
	http_told_fini(&told);
	text_fini(&url);
	text_fini(&why);
	return err;
}

static err_t post_error(const char *id, const char *type, struct bytes words)
{
	struct text body = TEXT_INIT(64 * 1024);
	err_t err;

	text_add_str(&body, "{\"errorType\":\"");
	encode_json(&body, bytes_of(type));
	text_add_str(&body, "\",\"errorMessage\":\"");
	encode_json(&body, words);
	text_add_str(&body, "\"}");
	fprintf(stderr, "%s: %.*s\n", type, BYTES_ARG(words));
	err = post(id, "error", text_bytes(&body));
	text_fini(&body);
	return err;
}

static err_t work(const struct http_told *told, const char *id, runtime_handler handler)
{
	struct bytes deadline = http_told_field(told, "lambda-runtime-deadline-ms");
	json_t *event = json_loadb(told->body.at, told->body.len, JSON_DECODE_ANY, NULL);
	struct invocation invocation = { .request_id = id, .event = event };
	struct text why = TEXT_INIT(16 * 1024);
	const char *type = "Function.Error";
	json_t *answer = NULL;
	char *dumped;
	err_t err;

	if (!event || bytes_to_u64(deadline, UINT64_MAX, &invocation.deadline_ms))
		text_add_str(&why, "the event is no JSON, or has no deadline");
	else
		answer = handler(&invocation, &type, &why);
	dumped = answer ? json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	err = dumped ? post(id, "response", bytes_of(dumped))
		     : post_error(id, type, text_bytes(&why));
	free(dumped);
	json_decref(answer);
	json_decref(event);
	text_fini(&why);
	return err;
}

static err_t serve_one(runtime_handler handler)
{
	struct text url = TEXT_INIT(512), why = TEXT_INIT(512);
	struct http_told told;
	char id[ID_BYTES];
	err_t err;

	url_of(&url, "invocation/next");
	http_told_init(&told);
	text_fini(&told.body);
	text_init(&told.body, EVENT_BYTES_MAX);
	err = http_ask(&(struct http_ask){ "GET", text_str(&url), NULL, BYTES_NONE, 0 }, &told,
		       &why);
	if (!err && told.status != 200)
		err = ERR_SYSTEM;
	snprintf(id, sizeof id, "%.*s",
		 BYTES_ARG(http_told_field(&told, "lambda-runtime-aws-request-id")));
	if (err)
		fprintf(stderr, "the Runtime API gives no work: %s\n", text_str(&why));
	else
		err = work(&told, id, handler);
	fflush(stdout);
	http_told_fini(&told);
	text_fini(&url);
	text_fini(&why);
	return err;
}

int runtime_serve(runtime_handler handler)
{
	if (!getenv("AWS_LAMBDA_RUNTIME_API")) {
		fprintf(stderr, "this is a Lambda function: AWS_LAMBDA_RUNTIME_API is not set\n");
		return 2;
	}
	while (serve_one(handler) == ERR_OK)
		;
	return 1;
}
