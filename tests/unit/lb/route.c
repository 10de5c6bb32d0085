#include "lb/route.h"

#include "base/rng.h"
#include "tests/check.h"
#include "tests/unit/lb/fixture.h"

/* ---- Wildcards ---- */

/* The definition, word for word: slow, and easy to believe. No escapes. */
static bool naive(const char *p, size_t p_len, const char *t, size_t t_len, bool nocase)
{
	if (p_len == 0)
		return t_len == 0;
	if (*p == '*') {
		for (size_t took = 0; took <= t_len; took++) {
			if (naive(p + 1, p_len - 1, t + took, t_len - took, nocase))
				return true;
			if (took < t_len && ((unsigned char)t[took] < 0x20 || t[took] == 0x7f))
				return false;
		}
		return false;
	}
	if (t_len == 0)
		return false;
	if (*p == '?' ? (unsigned char)*t < 0x20 || *t == 0x7f
		      : (nocase ? ascii_lower(*p) != ascii_lower(*t) : *p != *t))
		return false;
	return naive(p + 1, p_len - 1, t + 1, t_len - 1, nocase);
}

TEST(wildcards_match_what_the_definition_matches)
{
	static const char pattern_bytes[] = "ab*?A", text_bytes[] = "abA\x01";
	struct rng rng;
	unsigned matched = 0;

	rng_seed(&rng, 1);
	for (int i = 0; i < 200000; i++) {
		char pattern[8], text[10];
		size_t p_len = rng_below(&rng, sizeof pattern + 1);
		size_t t_len = rng_below(&rng, sizeof text + 1);
		bool nocase = rng_below(&rng, 2), want;

		for (size_t k = 0; k < p_len; k++)
			pattern[k] = pattern_bytes[rng_below(&rng, 5)];
		for (size_t k = 0; k < t_len; k++)
			text[k] = text_bytes[rng_below(&rng, i % 8 ? 3 : 4)];
		want = naive(pattern, p_len, text, t_len, nocase);
		matched += want;
		CHECK_EQ(wildcard_matches(bytes_make(pattern, p_len), bytes_make(text, t_len),
					  nocase ? WILDCARD_NOCASE : 0),
			 want, "'%.*s' on '%.*s'", (int)p_len, pattern, (int)t_len, text);
	}
	CHECK(matched > 10000, "only %u of them matched", matched);
}

static const struct {
	const char *pattern, *text;
	unsigned flags;
	bool matches;
} wildcards[] = {
	{ "*.example.com", "test.example.com", 0, true },
	{ "*.example.com", "example.com", 0, false },
	{ "/img/*", "/img/a/b", 0, true },
	{ "/img/*", "/img/", 0, true },
	{ "/img/*", "/img", 0, false },
	{ "/a?c", "/abc", 0, true },
	{ "/a?c", "/ac", 0, false },
	{ "", "", 0, true },
	{ "*", "", 0, true },
	{ "**", "x", 0, true },
	{ "?", "", 0, false },
	{ "*a*b*", "xxaxxbxx", 0, true },
	{ "*ab", "aab", 0, true },
	{ "A", "a", 0, false },
	{ "A", "a", WILDCARD_NOCASE, true },
	{ "\\*", "*", WILDCARD_ESCAPES, true },
	{ "\\*", "x", WILDCARD_ESCAPES, false },
	{ "a\\?b*", "a?bc", WILDCARD_ESCAPES, true },
	{ "a\\?b*", "axbc", WILDCARD_ESCAPES, false },
	{ "\\\\*", "\\anything", WILDCARD_ESCAPES, true },
	{ "\\a", "\\a", WILDCARD_ESCAPES, true },
	{ "a\\", "a\\", WILDCARD_ESCAPES, true },
	{ "\\*", "\\x", 0, true },
	{ "caf*", "caf\xc3\xa9", 0, true },
};

TEST(wildcards_match_as_the_guide_says)
{
	for (size_t i = 0; i < COUNT(wildcards); i++)
		CHECK_EQ(wildcard_matches(bytes_of(wildcards[i].pattern),
					  bytes_of(wildcards[i].text), wildcards[i].flags),
			 wildcards[i].matches, "'%s' on '%s'", wildcards[i].pattern,
			 wildcards[i].text);
}

/* ---- Rules ---- */

/* Matches one condition against one request head: true when the rule was chosen. */
static struct route_result match(struct fixture *f, const char *head_text, const char *client)
{
	struct arena arena;
	struct http_head head;
	struct route_facts facts;
	struct route_result result;
	struct address address;

	arena_init(&arena, 65536);
	head = fixture_head(&arena, head_text);
	CHECK_OK(address_parse_ip(bytes_of(client), 1234, &address));
	CHECK_OK(route_facts_of(&head, &address, BYTES(FIXTURE_DNS), &facts), "%s", head_text);
	result = route_match(fixture_listener(f), &facts, f->scratch);
	arena_fini(&arena);
	return result;
}

static bool condition_matches(const struct condition_config *condition, const char *head_text,
			      const char *client)
{
	struct fixture f;
	struct route_result result;
	bool chosen;

	fixture_init(&f);
	f.rules[1] = f.rules[0];
	f.rules[1].priority = 10;
	f.rules[1].conditions = condition;
	f.rules[1].condition_count = 1;
	f.listener.rule_count = 2;
	fixture_compile(&f);
	result = match(&f, head_text, client);
	CHECK(result.rule != NULL);
	CHECK_EQ(result.evaluations, 1);
	chosen = result.rule->priority == 10;
	fixture_fini(&f);
	return chosen;
}

#define GET  "GET / HTTP/1.1\n"
#define HOST "Host: h.example\n"

static const struct {
	enum condition_kind kind;
	const char *header, *key, *value;
	bool is_regex;
	const char *head, *client; /* NULL: 192.0.2.1 */
	bool matches;
} conditions[] = {
	{ CONDITION_HOST_HEADER, 0, 0, "*.example.com", 0, GET "Host: test.example.com\n", 0, 1 },
	{ CONDITION_HOST_HEADER, 0, 0, "*.example.com", 0, GET "Host: TEST.Example.COM\n", 0, 1 },
	{ CONDITION_HOST_HEADER, 0, 0, "*.EXAMPLE.com", 0, GET "Host: a.example.com:8080\n", 0, 1 },
	{ CONDITION_HOST_HEADER, 0, 0, "*.example.com", 0, GET "Host: example.com\n", 0, 0 },
	{ CONDITION_HOST_HEADER, 0, 0, "a.b", 0, GET "Host: a.b\nHost: c.d\n", 0, 1 },
	{ CONDITION_HOST_HEADER, 0, 0, "c.d", 0, GET "Host: a.b\nHost: c.d\n", 0, 0 },
	{ CONDITION_HOST_HEADER, 0, 0, "a.b", 0, "GET http://a.b/ HTTP/1.1\nHost: c.d\n", 0, 1 },
	{ CONDITION_HOST_HEADER, 0, 0, "c.d", 0, "GET http://a.b/ HTTP/1.1\nHost: c.d\n", 0, 0 },
	{ CONDITION_HOST_HEADER, 0, 0, FIXTURE_DNS, 0, "GET / HTTP/1.0\n", 0, 1 },
	{ CONDITION_HOST_HEADER, 0, 0, "^API[0-9]+\\.", 1, GET "Host: api42.example\n", 0, 1 },
	{ CONDITION_HOST_HEADER, 0, 0, "^api[0-9]+\\.", 1, GET "Host: api.example\n", 0, 0 },
	{ CONDITION_HOST_HEADER, 0, 0, "example$", 1, GET "Host: h.example:80\n", 0, 1 },

	{ CONDITION_PATH_PATTERN, 0, 0, "/img/*", 0, "GET /img/a/b HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/img/*", 0, "GET /IMG/a HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/img/*", 0, "GET /img HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/a", 0, "GET /a?b=/c HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/a*b=c", 0, "GET /a?b=c HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/secret", 0, "GET /a/../secret HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/a/*", 0, "GET /a/../secret HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/a/b", 0, "GET /./a/./b HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/a", 0, "GET /%61 HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/a/b", 0, "GET /a//b HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/p", 0, "GET http://x.y/p?q HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/", 0, "GET http://x.y HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_PATH_PATTERN, 0, 0, "^/v[12]/", 1, "GET /v2/x HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_PATH_PATTERN, 0, 0, "/v[12]/", 1, "GET /api/v2/x HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_PATH_PATTERN, 0, 0, "^/V2", 1, "GET /v2/x HTTP/1.1\n" HOST, 0, 0 },

	{ CONDITION_HTTP_HEADER, "User-Agent", 0, "*Chrome*", 0,
	  GET HOST "user-agent: Mozilla chrome/1\n", 0, 1 },
	{ CONDITION_HTTP_HEADER, "User-Agent", 0, "*Chrome*", 0, GET HOST, 0, 0 },
	{ CONDITION_HTTP_HEADER, "X-A", 0, "two", 0, GET HOST "x-a: one\nx-A: TWO\n", 0, 1 },
	{ CONDITION_HTTP_HEADER, "X-A", 0, "three", 0, GET HOST "x-a: one\nx-A: TWO\n", 0, 0 },
	{ CONDITION_HTTP_HEADER, "X-A", 0, "", 0, GET HOST "x-a:\n", 0, 1 },
	{ CONDITION_HTTP_HEADER, "X-A", 0, "^v[0-9]$", 1, GET HOST "x-a: V7\n", 0, 1 },
	{ CONDITION_HTTP_HEADER, "X-A", 0, "*", 0, GET HOST "x-ab: 1\n", 0, 0 },

	{ CONDITION_METHOD, 0, 0, "GET", 0, GET HOST, 0, 1 },
	{ CONDITION_METHOD, 0, 0, "GET", 0, "HEAD / HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_METHOD, 0, 0, "GET", 0, "get / HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_METHOD, 0, 0, "*", 0, GET HOST, 0, 0 },

	{ CONDITION_QUERY_STRING, 0, "version", "v1", 0, "GET /?version=v1 HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_QUERY_STRING, 0, "version", "v1", 0, "GET /?VERSION=V1 HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_QUERY_STRING, 0, "version", "v1", 0, "GET /?a=1&version=v1 HTTP/1.1\n" HOST, 0,
	  1 },
	{ CONDITION_QUERY_STRING, 0, "version", "v1", 0, "GET /?version=v2 HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_QUERY_STRING, 0, "version", "v1", 0, GET HOST, 0, 0 },
	{ CONDITION_QUERY_STRING, 0, 0, "*example*", 0, "GET /?x=an-example-1 HTTP/1.1\n" HOST, 0,
	  1 },
	{ CONDITION_QUERY_STRING, 0, 0, "*example*", 0, "GET /?example=1 HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_QUERY_STRING, 0, "a", "b=c", 0, "GET /?a=b=c HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_QUERY_STRING, 0, "a", "\\*", 0, "GET /?a=* HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_QUERY_STRING, 0, "a", "\\*", 0, "GET /?a=b HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_QUERY_STRING, 0, "a?", "1", 0, "GET /?ab=1 HTTP/1.1\n" HOST, 0, 1 },
	{ CONDITION_QUERY_STRING, 0, "a", "b c", 0, "GET /?a=b%20c HTTP/1.1\n" HOST, 0, 0 },
	{ CONDITION_QUERY_STRING, 0, "flag", "", 0, "GET /?flag HTTP/1.1\n" HOST, 0, 1 },

	{ CONDITION_SOURCE_IP, 0, 0, "192.0.2.0/24", 0, GET HOST, "192.0.2.200", 1 },
	{ CONDITION_SOURCE_IP, 0, 0, "192.0.2.0/24", 0, GET HOST, "192.0.3.1", 0 },
	{ CONDITION_SOURCE_IP, 0, 0, "192.0.2.7/32", 0, GET HOST, "192.0.2.7", 1 },
	{ CONDITION_SOURCE_IP, 0, 0, "0.0.0.0/0", 0, GET HOST, "2001:db8::1", 0 },
	{ CONDITION_SOURCE_IP, 0, 0, "2001:db8::/32", 0, GET HOST, "2001:db8:1::1", 1 },
	{ CONDITION_SOURCE_IP, 0, 0, "10.0.0.0/8", 0, GET HOST "X-Forwarded-For: 10.1.1.1\n",
	  "192.0.2.1", 0 },
};

TEST(each_kind_of_condition_matches_as_the_reference_says)
{
	for (size_t i = 0; i < COUNT(conditions); i++) {
		struct condition_value value = {
			.key = bytes_of(conditions[i].key),
			.value = bytes_of(conditions[i].value),
			.is_regex = conditions[i].is_regex,
		};
		struct condition_config condition = {
			.kind = conditions[i].kind,
			.header_name = bytes_of(conditions[i].header),
			.values = &value,
			.value_count = 1,
		};
		const char *client = conditions[i].client ? conditions[i].client : "192.0.2.1";

		CHECK_EQ(condition_matches(&condition, conditions[i].head, client),
			 conditions[i].matches, "case %zu: '%s' on %s", i, conditions[i].value,
			 conditions[i].head);
	}
}

TEST(values_are_alternatives_and_conditions_add_up)
{
	struct condition_value paths[] = { { .value = BYTES("/a") }, { .value = BYTES("/b") } };
	struct condition_value methods[] = { { .value = BYTES("POST") } };
	struct condition_config both[] = { { CONDITION_PATH_PATTERN, BYTES_NONE, paths, 2 },
					   { CONDITION_METHOD, BYTES_NONE, methods, 1 } };
	struct fixture f;

	fixture_init(&f);
	f.rules[1] = f.rules[0];
	f.rules[1].priority = 5;
	f.rules[1].conditions = both;
	f.rules[1].condition_count = 2;
	f.listener.rule_count = 2;
	fixture_compile(&f);
	CHECK_EQ(match(&f, "POST /a HTTP/1.1\n" HOST, "192.0.2.1").rule->priority, 5);
	CHECK_EQ(match(&f, "POST /b HTTP/1.1\n" HOST, "192.0.2.1").rule->priority, 5);
	CHECK_EQ(match(&f, "POST /c HTTP/1.1\n" HOST, "192.0.2.1").rule->priority, 0);
	CHECK_EQ(match(&f, "GET /a HTTP/1.1\n" HOST, "192.0.2.1").rule->priority, 0);
	fixture_fini(&f);
}

TEST(the_lowest_priority_number_wins_and_the_default_rule_is_last)
{
	static const uint32_t priorities[] = { 0, 50000, 7, 100 }; /* as given */
	struct condition_value values[] = { { .value = BYTES("/only-this") },
					    { .value = BYTES("/*") } };
	struct condition_config narrow = { CONDITION_PATH_PATTERN, BYTES_NONE, values, 1 };
	struct condition_config wide = { CONDITION_PATH_PATTERN, BYTES_NONE, values + 1, 1 };
	struct route_result result;
	struct fixture f;

	fixture_init(&f);
	for (unsigned i = 1; i < COUNT(priorities); i++) {
		f.rules[i] = f.rules[0];
		f.rules[i].priority = priorities[i];
		f.rules[i].conditions = priorities[i] == 7 ? &narrow : &wide;
		f.rules[i].condition_count = 1;
	}
	f.listener.rule_count = COUNT(priorities);
	fixture_compile(&f);
	result = match(&f, "GET /only-this HTTP/1.1\n" HOST, "192.0.2.1");
	CHECK_EQ(result.rule->priority, 7);
	CHECK_EQ(result.evaluations, 1);
	result = match(&f, "GET /else HTTP/1.1\n" HOST, "192.0.2.1");
	CHECK_EQ(result.rule->priority, 100);
	CHECK_EQ(result.evaluations, 2);
	result = match(&f, "OPTIONS * HTTP/1.1\n" HOST, "192.0.2.1");
	CHECK_EQ(result.rule->priority, 0);
	CHECK_EQ(result.evaluations, 3, "the default rule does not count");
	fixture_fini(&f);
}

TEST(a_regular_expression_that_runs_away_fails_the_request)
{
	struct condition_value value = { .value = BYTES("^/(a+)+$"), .is_regex = true };
	struct condition_config condition = { CONDITION_PATH_PATTERN, BYTES_NONE, &value, 1 };
	struct fixture f;

	fixture_init(&f);
	f.rules[1] = f.rules[0];
	f.rules[1].priority = 1;
	f.rules[1].conditions = &condition;
	f.rules[1].condition_count = 1;
	f.listener.rule_count = 2;
	fixture_compile(&f);
	CHECK(match(&f,
		    "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! "
		    "HTTP/1.1\n" HOST,
		    "192.0.2.1")
		      .rule == NULL);
	CHECK_EQ(match(&f, "GET /aaa HTTP/1.1\n" HOST, "192.0.2.1").rule->priority, 1);
	fixture_fini(&f);
}

/* ---- Facts ---- */

static const struct {
	const char *head;
	err_t err;
	const char *host, *path, *query; /* query NULL: none */
} facts_cases[] = {
	{ "GET /a?b=c HTTP/1.1\nHost: h\n", ERR_OK, "h", "/a", "b=c" },
	{ "GET /a? HTTP/1.1\nHost: h:8080\n", ERR_OK, "h:8080", "/a", "" },
	{ "GET / HTTP/1.1\nHost: [::1]:80\n", ERR_OK, "[::1]:80", "/", NULL },
	{ "GET / HTTP/1.1\n", ERR_BAD_MESSAGE, NULL, NULL, NULL },
	{ "GET / HTTP/1.1\nHost:\n", ERR_BAD_MESSAGE, NULL, NULL, NULL },
	{ "GET / HTTP/1.1\nHost: a b\n", ERR_BAD_MESSAGE, NULL, NULL, NULL },
	{ "GET / HTTP/1.1\nHost: a/b\n", ERR_BAD_MESSAGE, NULL, NULL, NULL },
	{ "GET / HTTP/1.1\nHost: a:b:c\n", ERR_BAD_MESSAGE, NULL, NULL, NULL },
	{ "GET http://h/ HTTP/1.1\n", ERR_BAD_MESSAGE, NULL, NULL, NULL },
	{ "GET / HTTP/1.0\n", ERR_OK, FIXTURE_DNS, "/", NULL },
	{ "GET / HTTP/1.0\nHost:\n", ERR_OK, FIXTURE_DNS, "/", NULL },
	{ "GET / HTTP/1.0\nHost: x\n", ERR_OK, "x", "/", NULL },
	{ "OPTIONS * HTTP/1.1\nHost: h\n", ERR_OK, "h", "*", NULL },
	{ "GET nonsense HTTP/1.1\nHost: h\n", ERR_BAD_MESSAGE, NULL, NULL, NULL },
};

TEST(facts_come_from_the_head_or_the_request_is_bad)
{
	for (size_t i = 0; i < COUNT(facts_cases); i++) {
		struct address client = { .family = 4 };
		struct route_facts facts;
		struct http_head head;
		struct arena arena;

		arena_init(&arena, 65536);
		head = fixture_head(&arena, facts_cases[i].head);
		CHECK_ERR(route_facts_of(&head, &client, BYTES(FIXTURE_DNS), &facts),
			  facts_cases[i].err, "%s", facts_cases[i].head);
		if (!facts_cases[i].err) {
			CHECK_BYTES(facts.host, facts_cases[i].host);
			CHECK_BYTES(facts.path, facts_cases[i].path);
			CHECK_EQ(facts.query.at != NULL, facts_cases[i].query != NULL, "%s",
				 facts_cases[i].head);
			CHECK_BYTES(facts.query, facts_cases[i].query);
		}
		arena_fini(&arena);
	}
}

TEST(a_port_is_taken_off_a_host)
{
	CHECK_BYTES(host_without_port(BYTES("h:80")), "h");
	CHECK_BYTES(host_without_port(BYTES("h")), "h");
	CHECK_BYTES(host_without_port(BYTES("[::1]:80")), "[::1]");
	CHECK_BYTES(host_without_port(BYTES("[::1]")), "[::1]");
	CHECK_BYTES(host_without_port(BYTES("[::1")), "[::1");
	CHECK_BYTES(host_without_port(BYTES("")), "");
}
