/* The filter-pattern language: a table a form, and what is refused. */
#include <stdio.h>

#include "services/logs/pattern.h"
#include "services/logs/regex.h"
#include "tests/check.h"

/* The form of the first seed: fourteen fields, the last one a value alone. */
#define SEED(seconds)                                                                       \
	"[timestamp, request_id, client_ip, client_port, target_ip, target_port, "          \
	"request_processing_time, target_processing_time >= " seconds                       \
	", response_processing_time, elb_status_code, target_status_code, received_bytes, " \
	"sent_bytes, \"\\\"POST /chat HTTP/1.1\\\"\"]"
#define LINE(seconds, request)                                                               \
	"2026-11-21T10:00:00.000000Z Root=1-a-b 10.0.0.1 40000 10.0.0.2 8000 0.001 " seconds \
	" 0.000 200 200 120 4000 \"" request "\""

static const struct {
	const char *pattern, *message;
	bool matches;
} cases[] = {
	/* terms */
	{ "", "anything", true },
	{ " ", "", true },
	{ "ERROR", "[ERROR] 401", true },
	{ "ERROR", "error", false },
	{ "ERROR 401", "401 ERROR", true },
	{ "ERROR 401", "ERROR 400", false },
	{ "ERROR -EXIT", "ERROR x", true },
	{ "ERROR -EXIT", "ERROR EXIT", false },
	{ "-EXIT", "x", true },
	{ "?A ?B", "xBx", true },
	{ "?A ?B", "xCx", false },
	{ "?A B", "B", true },
	{ "?A B", "A", false },
	{ "?A ?B -C", "A C", false },
	{ "\"a b\"", "x a b y", true },
	{ "\"a b\"", "a  b", false },
	{ "-\"a b\"", "a b", false },
	{ "?\"a b\" ?c", "a b", true },
	{ "\"say \\\"x\\\"\"", "say \"x\"!", true },
	{ "%E[RS]+OR%", "ERROR", true },
	{ "%^E.*R$%", "xERR", false },
	/* JSON */
	{ "{ $.a = 1 }", "{\"a\": 1}", true },
	{ "{ $.a = 1 }", "{\"a\": \"1\"}", true },
	{ "{ $.a = 1 }", "{\"a\": 2}", false },
	{ "{ $.a = 1 }", "a = 1", false },
	{ "{ $.a = 1.5e1 }", "{\"a\": 15}", true },
	{ "{ $.a.b != \"x\" }", "{\"a\": {\"b\": \"y\"}}", true },
	{ "{ $.a.b != \"x\" }", "{\"a\": {}}", false },
	{ "{ $.a = \"x*z\" }", "{\"a\": \"xyz\"}", true },
	{ "{ $.a = x* }", "{\"a\": \"xyz\"}", true },
	{ "{ $.a = %^x.z$% }", "{\"a\": \"xyz\"}", true },
	{ "{ $.a[1] > 2 }", "{\"a\": [1, 3]}", true },
	{ "{ $.a[*].b >= 3 }", "{\"a\": [{\"b\": 1}, {\"b\": 3}]}", true },
	{ "{ $.a[*] < 1 }", "{\"a\": [1, 3]}", false },
	{ "{ $.*.b = 1 }", "{\"x\": {\"b\": 1}}", true },
	{ "{ $.['a.b'] = 1 }", "{\"a.b\": 1}", true },
	{ "{ $['a.b'] = 1 }", "{\"a.b\": 1}", true },
	{ "{ $.a IS NULL }", "{\"a\": null}", true },
	{ "{ $.a IS NULL }", "{}", false },
	{ "{ $.a IS TRUE }", "{\"a\": true}", true },
	{ "{ $.a is false }", "{\"a\": true}", false },
	{ "{ $.a EXISTS }", "{\"a\": null}", true },
	{ "{ $.a NOT EXISTS }", "{\"b\": 1}", true },
	{ "{ $.a NOT EXISTS }", "{\"a\": 1}", false },
	{ "{ $.a = 1 && $.b = 2 || $.c = 3 }", "{\"c\": 3}", true },
	{ "{ $.a = 1 && ($.b = 2 || $.c = 3) }", "{\"c\": 3}", false },
	{ "{ ($.a = 1) && ($.b = 2) }", "{\"a\": 1, \"b\": 2}", true },
	{ "{$.a=1&&$.b=x}", "{\"a\": 1, \"b\": \"x\"}", true },
	/* fields between blanks */
	{ "[a, b]", "x y", true },
	{ "[a, b]", "x y z", false },
	{ "[a, b]", "x", false },
	{ "[a, ..., b = z]", "x 1 2 3 z", true },
	{ "[..., b = z]", "z", true },
	{ "[a = x, ...]", "x", true },
	{ "[a, b >= 30]", "x 30", true },
	{ "[a, b >= 30]", "x 29.9", false },
	{ "[a, b >= 30]", "x -", false },
	{ "[a, b = 4*]", "x 404", true },
	{ "[a, b = 4* && b != 404]", "x 404", false },
	{ "[a = x || a = %^y%]", "yes", true },
	{ "[(a = x || a = y) && a != y]", "y", false },
	{ "[a, b = \"x y\"]", "1 \"x y\"", true },
	{ "[a, b = \"x y\"]", "1 [x y]", true },
	{ "[a, b = *.html*]", "1 \"GET /i.html HTTP/1.0\"", true },
	{ "[a, b < 5 || a = x]", "x 9", true },
	{ "[a != \"x\"]", "y", true },
	{ "[]", "", false },
	{ SEED("30"), LINE("31.500", "POST /chat HTTP/1.1"), true },
	{ SEED("30"), LINE("30", "POST /chat HTTP/1.1"), true },
	{ SEED("30"), LINE("29.999", "POST /chat HTTP/1.1"), false },
	{ SEED("30"), LINE("-1", "POST /chat HTTP/1.1"), false },
	{ SEED("30"), LINE("31.500", "GET /chat HTTP/1.1"), false },
	{ SEED("30"), LINE("31.500", "POST /chat HTTP/1.1") " more", false },
};

TEST(patterns_match_what_their_form_says)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		char why[PATTERN_WHY_BYTES];
		struct pattern *pattern;

		if (strcmp(cases[i].pattern, "[]") == 0) {
			CHECK_ERR(pattern_parse(BYTES("[]"), &pattern, why), ERR_SYNTAX);
			continue;
		}
		CHECK_OK(pattern_parse(bytes_of(cases[i].pattern), &pattern, why), "%s: %s",
			 cases[i].pattern, why);
		CHECK_EQ(pattern_matches(pattern, bytes_of(cases[i].message)), cases[i].matches,
			 "%s on %s", cases[i].pattern, cases[i].message);
		pattern_free(pattern);
	}
}

TEST(what_is_no_pattern_is_refused_with_a_sentence)
{
	static const char *const bad[] = {
		"a-b",
		"\"open",
		"?",
		"%[%",
		"%a",
		"%a(b)%",
		"%*%",
		"%a{2,1}%",
		"%a{101}%",
		"%[b-a]%",
		"%\\q%",
		"{ $.a }",
		"{ a = 1 }",
		"{ $.a = }",
		"{ $.a > x }",
		"{ $.a = 1",
		"{ $.a[x] = 1 }",
		"{ ($.a = 1 }",
		"{ $.a = 1 } x",
		"{ $ = 1 }",
		"[a, b",
		"[a, ..., ...]",
		"[a ! b]",
		"[a, b = 1 && c = 2]",
		"[a > x]",
		"[a b]",
		"[,]",
		"[a = ]",
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		char why[PATTERN_WHY_BYTES];
		struct pattern *pattern;

		CHECK_ERR(pattern_parse(bytes_of(bad[i]), &pattern, why), ERR_SYNTAX, "%s", bad[i]);
		CHECK(why[0], "%s says nothing", bad[i]);
	}
}

TEST(a_regular_expression_takes_its_quantities)
{
	static const struct {
		const char *regex, *text;
		bool finds;
	} rows[] = {
		{ "a{2,3}b", "ab", false },    { "a{2,3}b", "aaab", true },
		{ "^a{2}$", "aaa", false },    { "^a{2,}$", "aaaa", true },
		{ "a?b+c*", "xbbx", true },    { "^a?b+c*$", "bbd", false },
		{ "x|y", "zy", true },	       { "^x|y$", "xz", true },
		{ "^x|y$", "zx", false },      { "[^0-9]", "12", false },
		{ "\\d\\D", "1a", true },      { "\\x41", "A", true },
		{ "a.c", "a\nc", true },       { "[]x]", "]", true },
		{ "127\\.0", "12700", false }, { "[\\d.]+$", "1.2", true },
	};
	struct arena arena;

	arena_init(&arena, 8 * 1024 * 1024);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct regex *regex;
		const char *why = NULL;

		CHECK_OK(regex_parse(&arena, bytes_of(rows[i].regex), &regex, &why), "%s: %s",
			 rows[i].regex, why ? why : "");
		CHECK_EQ(regex_finds(regex, bytes_of(rows[i].text)), rows[i].finds, "%s on %s",
			 rows[i].regex, rows[i].text);
	}
	arena_fini(&arena);
}

TEST(no_expression_takes_long)
{
	char text[20001], why[PATTERN_WHY_BYTES];
	struct pattern *pattern;

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	CHECK_OK(pattern_parse(BYTES("%a*a*a*a*a*a*a*a*a*a*b%"), &pattern, why));
	CHECK(!pattern_matches(pattern, bytes_of(text)), "a backtracking matcher would never end");
	pattern_free(pattern);
}

struct found {
	char text[512];
};

static void note(void *owner, struct bytes name, struct bytes value)
{
	struct found *found = owner;
	size_t len = strlen(found->text);

	snprintf(found->text + len, sizeof found->text - len, "%.*s=%.*s;", BYTES_ARG(name),
		 BYTES_ARG(value));
}

TEST(names_stand_for_values)
{
	static const struct {
		const char *pattern, *message, *values;
	} rows[] = {
		{ "[ip, ..., status, \"x\"]", "1.2.3.4 a b 200 x",
		  "$ip=1.2.3.4;$status=200;$3=x;" },
		{ "{ $.a = 1 || $.b[0].c = * }", "{\"a\": 1, \"b\": [{\"c\": true}]}",
		  "$.a=1;$.b[0].c=true;" },
		{ "ERROR", "ERROR", "" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct found found = { "" };
		char why[PATTERN_WHY_BYTES];
		struct pattern *pattern;

		CHECK_OK(pattern_parse(bytes_of(rows[i].pattern), &pattern, why), "%s", why);
		pattern_extract(pattern, bytes_of(rows[i].message), note, &found);
		CHECK_STR(found.text, rows[i].values, "%s", rows[i].pattern);
		pattern_free(pattern);
	}
}
