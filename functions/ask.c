#include "functions/ask.h"

#include <stdio.h>

#include "functions/answer.h"
#include "functions/server.h"

static const char *missing(const json_t *request, const char *const *wanted)
{
	const json_t *query = json_object_get(request, "query");

	if (!json_is_string(query) || json_string_length(query) == 0)
		return "query";
	for (; *wanted; wanted++)
		if (!json_object_get(request, *wanted))
			return *wanted;
	return NULL;
}

/* Whoever asked waits: what goes wrong is told, not raised. */
static json_t *ask(const struct invocation *invocation, const char *path, const json_t *request)
{
	struct text why = TEXT_INIT(4096);
	struct server server;
	struct http_told told;
	json_t *answer;
	err_t err = server_start(&server, invocation, &why);

	http_told_init(&told);
	if (!err) {
		err = server_post(&server, path, NULL, request, &told, &why);
		server_stop(&server);
	}
	if (err)
		fprintf(stderr, "%s\n", text_str(&why));
	answer = !err		      ? answer_told(&told)
		 : err == ERR_EXPIRED ? answer_error(504, "server_late", text_str(&why))
				      : answer_error(502, "server_unavailable", text_str(&why));
	http_told_fini(&told);
	text_fini(&why);
	return answer;
}

json_t *ask_server(const struct invocation *invocation, const char *path, const char *const *wanted)
{
	struct text why = TEXT_INIT(256);
	json_t *request = answer_request(invocation->event, &why), *answer;
	const char *lacks = request ? missing(request, wanted) : NULL;

	if (lacks)
		text_printf(&why, "the request has no \"%s\"", lacks);
	answer = why.len ? answer_error(400, "invalid_request", text_str(&why))
			 : ask(invocation, path, request);
	json_decref(request);
	text_fini(&why);
	return answer;
}
