#include "functions/answer.h"

#include <stdlib.h>

#include "base/encode.h"

json_t *answer_request(const json_t *event, struct text *why)
{
	const json_t *body = json_object_get(event, "body");
	struct text plain = TEXT_INIT(HTTP_ANSWER_BYTES_MAX);
	struct bytes words;
	json_t *request = NULL;

	if (!json_is_string(body)) {
		if (json_is_object(event))
			return json_incref((json_t *)event);
		text_add_str(why, "the event is no JSON object");
		return NULL;
	}
	words = bytes_of(json_string_value(body));
	if (json_is_true(json_object_get(event, "isBase64Encoded")))
		words = decode_base64(&plain, words) ? BYTES_NONE : text_bytes(&plain);
	if (words.len)
		request = json_loadb(words.at, words.len, 0, NULL);
	if (!json_is_object(request)) {
		json_decref(request);
		request = NULL;
		text_add_str(why, "the body is no JSON object");
	}
	text_fini(&plain);
	return request;
}

static json_t *answer(int status, json_t *body)
{
	return json_pack("{s:i, s:{s:s}, s:o, s:b}", "statusCode", status, "headers",
			 "Content-Type", "application/json", "body", body, "isBase64Encoded", 0);
}

json_t *answer_error(int status, const char *code, const char *words)
{
	json_t *value = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", words);
	char *dumped = value ? json_dumps(value, JSON_COMPACT) : NULL;
	json_t *body = json_string(dumped ? dumped : "{}");

	free(dumped);
	json_decref(value);
	return answer(status, body);
}

json_t *answer_told(const struct http_told *told)
{
	json_t *body = json_stringn(told->body.len ? told->body.at : "", told->body.len);

	if (!body)
		return answer_error(502, "bad_answer", "The server's answer is not UTF-8");
	return answer((int)told->status, body);
}
