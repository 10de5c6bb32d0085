#include "lb/function_event.h"

#include <jansson.h>
#include <stdlib.h>

#include "tests/check.h"

/* ---- Events ---- */

static struct http_head head_of(const char *target, const struct http_field *fields, unsigned count)
{
	return (struct http_head){ .method = BYTES("POST"),
				   .target = bytes_of(target),
				   .fields = fields,
				   .field_count = count };
}

static json_t *event_of(const struct function_request *request)
{
	struct text out = TEXT_INIT(FUNCTION_EVENT_BYTES_MAX);
	json_t *event;

	CHECK_OK(function_event_write(request, &out));
	event = json_loadb(out.at, out.len, 0, NULL);
	CHECK(json_is_object(event), "%s", text_str(&out));
	text_fini(&out);
	return event;
}

static const char *at(const json_t *event, const char *map, const char *key)
{
	return json_string_value(json_object_get(json_object_get(event, map), key));
}

TEST(queries_stay_as_sent_and_the_last_of_a_name_counts)
{
	const struct http_field fields[] = { { BYTES("X-One"), BYTES("a") },
					     { BYTES("x-ONE"), BYTES("b") },
					     { BYTES("Transfer-Encoding"), BYTES("chunked") } };
	struct http_head head = head_of("/p%20q/?a=1&a=%32&flag&=x&&c=", fields, 3);
	struct function_request request = { .head = &head, .connection = BYTES("keep-alive") };
	json_t *event = event_of(&request);

	CHECK_STR(json_string_value(json_object_get(event, "path")), "/p%20q/");
	CHECK_STR(at(event, "queryStringParameters", "a"), "%32");
	CHECK_STR(at(event, "queryStringParameters", "flag"), "");
	CHECK_STR(at(event, "queryStringParameters", "c"), "");
	CHECK_EQ(json_object_size(json_object_get(event, "queryStringParameters")), 3);
	CHECK_STR(at(event, "headers", "x-one"), "b");
	CHECK_STR(at(event, "headers", "connection"), "keep-alive");
	CHECK_EQ(json_object_size(json_object_get(event, "headers")), 2, "no framing");
	json_decref(event);

	request.multi_value = true;
	event = event_of(&request);
	CHECK_EQ(json_array_size(
			 json_object_get(json_object_get(event, "multiValueHeaders"), "x-one")),
		 2);
	CHECK_EQ(json_array_size(json_object_get(
			 json_object_get(event, "multiValueQueryStringParameters"), "a")),
		 2);
	CHECK(!json_object_get(event, "headers") &&
	      !json_object_get(event, "queryStringParameters"));
	json_decref(event);
}

static const struct {
	const char *type, *encoding;
	bool base64;
} types[] = {
	{ "text/plain", NULL, false },
	{ "text/csv; charset=utf-8", NULL, false },
	{ "Application/JSON ; charset=utf-8", NULL, false },
	{ "application/javascript", NULL, false },
	{ "application/xml", NULL, false },
	{ "application/jsonx", NULL, true },
	{ "application/x-www-form-urlencoded", NULL, true },
	{ "image/png", NULL, true },
	{ "application/json", "gzip", true },
	{ "", NULL, true },
};

TEST(the_type_and_the_coding_of_a_body_say_whether_it_is_base64)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		const struct http_field fields[] = {
			{ BYTES("Content-Type"), bytes_of(types[i].type) },
			{ BYTES("Content-Encoding"), bytes_of(types[i].encoding) },
		};
		struct http_head head = head_of("/", fields, types[i].encoding ? 2 : 1);
		const struct function_request request = { .head = &head, .body = BYTES("abc") };
		json_t *event = event_of(&request);

		CHECK_EQ(json_is_true(json_object_get(event, "isBase64Encoded")), types[i].base64,
			 "%s", types[i].type);
		CHECK_STR(json_string_value(json_object_get(event, "body")),
			  types[i].base64 ? "YWJj" : "abc");
		json_decref(event);
	}
}

TEST(what_is_not_utf8_is_no_event)
{
	const struct http_field good = { BYTES("Content-Type"), BYTES("text/plain") };
	const struct http_field bad = { BYTES("X"), BYTES("\xff") };
	struct http_head heads[] = { head_of("/\xff", &good, 1), head_of("/?\xff=1", &good, 1),
				     head_of("/?a=\xc3", &good, 1), head_of("/", &bad, 1),
				     head_of("/", &good, 1) };

	for (size_t i = 0; i < COUNT(heads); i++) {
		const struct function_request request = { .head = &heads[i],
							  .body = BYTES("\xff") };
		struct text out = TEXT_INIT(64 * 1024);

		CHECK_ERR(function_event_write(&request, &out), ERR_INVALID, "head %zu", i);
		text_fini(&out);
	}
}

/* ---- Answers ---- */

static const struct {
	const char *json;
	bool multi;
	uint16_t status;
	const char *reason, *field, *body;
} answers[] = {
	{ "{\"statusCode\":200,\"headers\":{}}", false, 200, "", NULL, "" },
	{ "{\"statusCode\":201,\"statusDescription\":\"201 Made it\",\"headers\":{\"a\":\" b \"},\"body\":\"x\"}",
	  false, 201, "Made it", "b", "x" },
	{ "{\"statusCode\":200,\"statusDescription\":\"OK\",\"headers\":{\"a\":\"\"},\"body\":null}",
	  false, 200, "OK", "", "" },
	{ "{\"statusCode\":200,\"headers\":{},\"body\":\"eA==\",\"isBase64Encoded\":true}", false,
	  200, "", NULL, "x" },
	{ "{\"statusCode\":200,\"multiValueHeaders\":{\"a\":[\"b\",\"c\"]}}", true, 200, "", "b",
	  "" },
	{ "{\"statusCode\":200,\"headers\":{\"a\":5}}", true, 200, "", NULL, "" },
};

static const struct {
	const char *json;
	bool multi;
} no_answers[] = {
	{ "{\"statusCode\":200,\"multiValueHeaders\":{\"a\":\"b\"}}", true },
	{ "{\"statusCode\":200,\"multiValueHeaders\":{\"a\":[1]}}", true },
	{ "{\"statusCode\":200,\"multiValueHeaders\":[]}", true },
	{ "", false },
	{ "null", false },
	{ "[]", false },
	{ "{}", false },
	{ "{\"statusCode\":200}", false },
	{ "{\"statusCode\":200,\"headers\":null}", false },
	{ "{\"statusCode\":200.0,\"headers\":{}}", false },
	{ "{\"statusCode\":99,\"headers\":{}}", false },
	{ "{\"statusCode\":101,\"headers\":{}}", false },
	{ "{\"statusCode\":600,\"headers\":{}}", false },
	{ "{\"statusCode\":200,\"statusDescription\":\"a\\r\\nb\",\"headers\":{}}", false },
	{ "{\"statusCode\":200,\"headers\":{\"a b\":\"c\"}}", false },
	{ "{\"statusCode\":200,\"headers\":{\"a\":\"b\\nc\"}}", false },
	{ "{\"statusCode\":200,\"headers\":{},\"body\":{}}", false },
	{ "{\"statusCode\":200,\"headers\":{},\"body\":\"x\",\"isBase64Encoded\":\"true\"}",
	  false },
	{ "{\"statusCode\":200,\"headers\":{},\"body\":\"%\",\"isBase64Encoded\":true}", false },
};

TEST(answers_are_read_as_alb_reads_them)
{
	for (size_t i = 0; i < COUNT(answers); i++) {
		struct function_answer answer;
		struct arena arena;

		arena_init(&arena, FUNCTION_ARENA_BYTES);
		CHECK_OK(function_answer_read(bytes_of(answers[i].json), answers[i].multi, &arena,
					      &answer),
			 "%s", answers[i].json);
		CHECK_EQ(answer.status, answers[i].status, "%s", answers[i].json);
		CHECK_BYTES(answer.reason, answers[i].reason);
		CHECK_BYTES(answer.body, answers[i].body);
		CHECK_EQ(answer.field_count > 0, answers[i].field != NULL);
		if (answers[i].field)
			CHECK_BYTES(answer.fields[0].value, answers[i].field);
		arena_fini(&arena);
	}
}

TEST(what_is_no_answer_is_invalid)
{
	for (size_t i = 0; i < COUNT(no_answers); i++) {
		struct function_answer answer;
		struct arena arena;

		arena_init(&arena, FUNCTION_ARENA_BYTES);
		CHECK_ERR(function_answer_read(bytes_of(no_answers[i].json), no_answers[i].multi,
					       &arena, &answer),
			  ERR_INVALID, "%s", no_answers[i].json);
		arena_fini(&arena);
	}
}

TEST(a_prelude_may_leave_all_out_and_brings_cookies)
{
	struct function_answer answer;
	struct arena arena;

	arena_init(&arena, FUNCTION_ARENA_BYTES);
	CHECK_OK(function_prelude_read(BYTES("{}"), &arena, &answer));
	CHECK_EQ(answer.status, 200);
	CHECK_OK(function_prelude_read(BYTES("{\"statusCode\":201,\"headers\":{\"A\":\"b\"},"
					     "\"cookies\":[\"c=1\",\"d=2\"]}"),
				       &arena, &answer));
	CHECK_EQ(answer.status, 201);
	CHECK_EQ(answer.field_count, 3);
	CHECK(function_answer_has(&answer, BYTES("set-cookie")));
	CHECK_ERR(function_prelude_read(BYTES("{\"cookies\":[1]}"), &arena, &answer), ERR_INVALID);
	CHECK_ERR(function_prelude_read(BYTES("nothing"), &arena, &answer), ERR_INVALID);
	arena_fini(&arena);
}
