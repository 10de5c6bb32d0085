#include "services/lambda/url_cors.h"
#include "tests/check.h"

static struct arena arena;

static bool has(const struct url_answer *answer, const char *name, const char *value)
{
	for (unsigned i = 0; i < answer->field_count; i++)
		if (bytes_eq_str(answer->fields[i].name, name))
			return value && bytes_eq_str(answer->fields[i].value, value);
	return !value;
}

/* ---- Preludes ---- */

TEST(a_prelude_ends_where_eight_nuls_are_however_it_comes)
{
	static const char streamed[] = "{}\0\0\0{\0\0\0\0\0\0\0\0data";
	size_t len = sizeof streamed - 1, end = 6;

	for (size_t cut = 0; cut <= len; cut++) {
		size_t first = url_prelude_end(bytes_make(streamed, cut), 0);

		CHECK_EQ(first, cut < end + URL_PRELUDE_END_BYTES ? SIZE_MAX : end);
		if (first == SIZE_MAX)
			CHECK_EQ(url_prelude_end(bytes_make(streamed, len), cut), end);
	}
}

TEST(a_prelude_says_status_headers_and_cookies)
{
	struct url_answer answer;

	arena_init(&arena, 64 * 1024);
	CHECK_OK(url_prelude_read(
		BYTES("{\"statusCode\":418,\"headers\":{\"X-A\":\"b\"},\"cookies\":[\"c=1\"]}"),
		&arena, &answer));
	CHECK_EQ(answer.status, 418);
	CHECK(has(&answer, "X-A", "b") && has(&answer, "Set-Cookie", "c=1"));
	CHECK(has(&answer, "Content-Type", "application/octet-stream"));
	CHECK_OK(url_prelude_read(BYTES("{}"), &arena, &answer));
	CHECK_EQ(answer.status, 200);
	arena_fini(&arena);
}

TEST(what_no_head_could_be_made_of_is_no_prelude)
{
	static const char *const wrong[] = { "",
					     "[]",
					     "null",
					     "{\"statusCode\":\"200\"}",
					     "{\"statusCode\":101}",
					     "{\"headers\":{\"a b\":\"c\"}}",
					     "{\"headers\":{\"a\":\"b\\r\\nc: d\"}}",
					     "{\"cookies\":[1]}" };
	struct url_answer answer;

	arena_init(&arena, 64 * 1024);
	for (size_t i = 0; i < COUNT(wrong); i++)
		CHECK_ERR(url_prelude_read(bytes_of(wrong[i]), &arena, &answer), ERR_INVALID);
	CHECK_ERR(url_plain_answer(BYTES("a\nb"), &arena, &answer), ERR_INVALID);
	CHECK_OK(url_plain_answer(BYTES_NONE, &arena, &answer));
	CHECK(has(&answer, "Content-Type", "application/octet-stream"));
	arena_fini(&arena);
}

/* ---- Pages of other origins ---- */

static err_t check(const char *setting)
{
	json_t *cors = json_loads(setting, 0, NULL);
	struct url_cors_finding finding;
	err_t err = url_cors_check(cors, &finding);

	json_decref(cors);
	return err;
}

TEST(a_setting_that_could_not_act_is_found)
{
	static const char *const right[] = {
		"{}", "{\"AllowOrigins\":[\"*\",\"http://a\",\"https://a.b:80\",\"x-app://a\"]}",
		"{\"AllowMethods\":[\"GET\",\"PUT\",\"HEAD\",\"POST\",\"PATCH\",\"DELETE\",\"*\"]}",
		"{\"AllowHeaders\":[\"x-a\",\"*\"],\"ExposeHeaders\":[\"date\"]}"
	};
	static const char *const wrong[] = { "{\"AllowOrigins\":[\"a.b\"]}",
					     "{\"AllowOrigins\":[\"http://\"]}",
					     "{\"AllowOrigins\":[\"http://a/\"]}",
					     "{\"AllowOrigins\":[\"http://*.a\"]}",
					     "{\"AllowOrigins\":[\"http://a\\r\\nb: c\"]}",
					     "{\"AllowMethods\":[\"get\"]}",
					     "{\"AllowMethods\":[\"\"]}",
					     "{\"AllowHeaders\":[\"a,b\"]}",
					     "{\"ExposeHeaders\":[\"a: b\"]}" };

	for (size_t i = 0; i < COUNT(right); i++)
		CHECK_OK(check(right[i]));
	for (size_t i = 0; i < COUNT(wrong); i++)
		CHECK_ERR(check(wrong[i]), ERR_INVALID);
}

static void apply(const char *setting, const char *method, const char *origin,
		  struct url_answer *ret_answer)
{
	struct http_field fields[2] = { { BYTES("Origin"), bytes_of(origin) },
					{ BYTES("Access-Control-Request-Method"), BYTES("GET") } };
	struct http_head head = { .method = bytes_of(method), .fields = fields, .field_count = 2 };
	json_t *cors = setting ? json_loads(setting, 0, NULL) : NULL;

	*ret_answer = (struct url_answer){ .status = 200, .field_count = 2 };
	ret_answer->fields[0] = (struct http_field){ BYTES("access-control-max-age"), BYTES("9") };
	ret_answer->fields[1] = (struct http_field){ BYTES("X-Own"), BYTES("1") };
	CHECK_OK(url_cors_apply(cors, &head, &arena, ret_answer));
	json_decref(cors);
}

TEST(fields_are_said_to_origins_that_are_allowed)
{
	static const char setting[] = "{\"AllowOrigins\":[\"http://a\"],\"AllowMethods\":[\"*\"],"
				      "\"ExposeHeaders\":[\"b\",\"c\"],\"MaxAge\":0}";
	struct url_answer answer;

	arena_init(&arena, 64 * 1024);
	apply(setting, "OPTIONS", "http://a", &answer);
	CHECK(has(&answer, "Access-Control-Allow-Methods", "*"));
	CHECK(has(&answer, "Access-Control-Max-Age", "0"));
	CHECK(has(&answer, "Access-Control-Expose-Headers", NULL));
	CHECK(has(&answer, "access-control-max-age", NULL) && has(&answer, "X-Own", "1"));
	apply(setting, "GET", "http://a", &answer);
	CHECK(has(&answer, "Access-Control-Expose-Headers", "b,c"));
	CHECK(has(&answer, "Access-Control-Allow-Methods", NULL));
	CHECK(has(&answer, "Access-Control-Allow-Credentials", NULL));
	apply(setting, "GET", "http://ab", &answer);
	CHECK(has(&answer, "Access-Control-Allow-Origin", NULL) && has(&answer, "Vary", "Origin"));
	apply("{\"AllowOrigins\":[\"*\"]}", "GET", "null", &answer);
	CHECK(has(&answer, "Access-Control-Allow-Origin", "*") && has(&answer, "Vary", NULL));
	apply(NULL, "GET", "http://a", &answer);
	CHECK(answer.field_count == 2 && has(&answer, "access-control-max-age", "9"));
	arena_fini(&arena);
}
