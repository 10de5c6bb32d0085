#include "lb/forward.h"

#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/lb/fixture.h"

/* One forwarding, with everything it stands on. */
struct run {
	struct fixture f;
	struct arena arena;
	struct http_head head;
	struct route_facts facts;
	struct forwarded out;
	bool tls;
	const char *client;
};

static void run_init(struct run *run)
{
	*run = (struct run){ .client = "192.0.2.7" };
	arena_init(&run->arena, 1 << 20);
	fixture_init(&run->f);
}

static void run_fini(struct run *run)
{
	fixture_fini(&run->f);
	arena_fini(&run->arena);
}

static err_t run_forward(struct run *run, const char *head_text)
{
	struct forward_options options = { .tls = run->tls, .trace_id = BYTES("Root=1-2-3") };

	fixture_compile(&run->f);
	run->head = fixture_head(&run->arena, head_text);
	CHECK_OK(address_parse_ip(bytes_of(run->client), 5678, &options.client));
	CHECK_OK(route_facts_of(&run->head, &options.client, BYTES(FIXTURE_DNS), &run->facts));
	options.listener = fixture_listener(&run->f);
	options.rule = &options.listener->rules[0];
	options.scratch = run->f.scratch;
	return forward_request(&run->head, &run->facts, &options, &run->arena, &run->out);
}

static const char *lines(struct arena *arena, const struct http_head *head)
{
	const char *text = "";

	for (unsigned i = 0; i < head->field_count; i++)
		text = arena_printf(arena, "%s%.*s: %.*s\n", text, BYTES_ARG(head->fields[i].name),
				    BYTES_ARG(head->fields[i].value));
	return text;
}

#define XFF   "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: http\nX-Forwarded-Port: 80\n"
#define TRACE "X-Amzn-Trace-Id: Root=1-2-3\n"

/* Under the attributes' defaults, on port 80. */
static const struct {
	const char *head, *target, *fields;
} requests[] = {
	{ "GET / HTTP/1.1\nHost: h\n", "/", XFF "Host: h\n" TRACE },
	{ "GET /a?b HTTP/1.1\nHost: h\nAccept: */*\nx-Case: Kept\n", "/a?b",
	  XFF "Host: h\n" TRACE "Accept: */*\nx-Case: Kept\n" },
	/* What belongs to the connection stays with it. */
	{ "GET / HTTP/1.1\nHost: h\nConnection: close\nKeep-Alive: 5\nProxy-Connection: x\nTE: gzip\n",
	  "/", XFF "Host: h\n" TRACE },
	{ "GET / HTTP/1.1\nHost: h\nConnection: X-Secret, keep-alive\nX-Secret: 1\nX-Open: 2\n",
	  "/", XFF "Host: h\n" TRACE "X-Open: 2\n" },
	{ "GET / HTTP/1.1\nHost: h\nConnection: Host, X-Forwarded-For, X-Amzn-Trace-Id\n", "/",
	  XFF "Host: h\n" TRACE },
	{ "POST / HTTP/1.1\nHost: h\nExpect: 100-continue\nContent-Length: 3\n", "/",
	  XFF "Host: h\n" TRACE "Content-Length: 3\n" },
	{ "GET / HTTP/1.1\nHost: h\nUpgrade: h2c\nConnection: Upgrade, HTTP2-Settings\n"
	  "HTTP2-Settings: x\n",
	  "/", XFF "Host: h\n" TRACE },
	/* What the balancer says of the client is its own. */
	{ "GET / HTTP/1.1\nHost: h\nX-Forwarded-Proto: https\nx-forwarded-port: 1\n"
	  "X-Amzn-Trace-Id: forged\n",
	  "/", XFF "Host: h\n" TRACE },
	{ "GET / HTTP/1.1\nHost: h\nX-Forwarded-For: 10.0.0.1\n", "/",
	  "X-Forwarded-For: 10.0.0.1, 192.0.2.7\nX-Forwarded-Proto: http\nX-Forwarded-Port: 80\n"
	  "Host: h\n" TRACE },
	{ "GET / HTTP/1.1\nHost: h\nX-Forwarded-For: a, b\nx-forwarded-for:\nX-Forwarded-For: c\n",
	  "/",
	  "X-Forwarded-For: a, b, c, 192.0.2.7\nX-Forwarded-Proto: http\n"
	  "X-Forwarded-Port: 80\nHost: h\n" TRACE },
	/* Not added, and not taken away. */
	{ "GET / HTTP/1.1\nHost: h\nForwarded: for=x\nVia: 1.1 p\nX-Forwarded-Host: y\n", "/",
	  XFF "Host: h\n" TRACE "Forwarded: for=x\nVia: 1.1 p\nX-Forwarded-Host: y\n" },
	{ "GET / HTTP/1.1\nHost: h\nA: 1\nB: 2\nA: 3\n", "/",
	  XFF "Host: h\n" TRACE "A: 1\nB: 2\nA: 3\n" },
	/* Host: port 80 takes the port away, and letters are small. */
	{ "GET / HTTP/1.1\nHost: Example.COM:80\n", "/", XFF "Host: example.com\n" TRACE },
	{ "GET / HTTP/1.1\nHost: h:9999\n", "/", XFF "Host: h\n" TRACE },
	{ "GET / HTTP/1.1\nHost: a\nHost: b\n", "/", XFF "Host: a\n" TRACE },
	{ "GET http://Other:81/p?q HTTP/1.1\nHost: h\n", "/p?q", XFF "Host: other\n" TRACE },
	{ "GET http://other HTTP/1.1\nHost: h\n", "/", XFF "Host: other\n" TRACE },
	{ "GET / HTTP/1.0\n", "/", XFF "Host: " FIXTURE_DNS "\n" TRACE },
	{ "OPTIONS * HTTP/1.1\nHost: h\n", "*", XFF "Host: h\n" TRACE },
};

TEST(a_request_is_forwarded_as_alb_would)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct run run;

		run_init(&run);
		CHECK_OK(run_forward(&run, requests[i].head));
		CHECK_BYTES(run.out.head.target, requests[i].target, "%s", requests[i].head);
		CHECK_STR(lines(&run.arena, &run.out.head), requests[i].fields, "%s",
			  requests[i].head);
		CHECK_EQ(run.out.head.version, HTTP_1_1);
		CHECK_EQ(run.out.head.flags & HTTP_FLAG_UPGRADE, 0);
		CHECK_EQ(run.out.transform, TRANSFORM_NONE);
		run_fini(&run);
	}
}

static const struct {
	uint16_t port;
	bool tls, preserve;
	const char *head;
	const char *host; /* all Host values, joined by "|" */
} hosts[] = {
	{ 8080, false, false, "GET / HTTP/1.1\nHost: H\n", "h:8080" },
	{ 8080, false, false, "GET / HTTP/1.1\nHost: h:8080\n", "h:8080" },
	{ 8080, false, false, "GET / HTTP/1.1\nHost: h:1\n", "h:1" },
	{ 8080, false, false, "GET / HTTP/1.1\nHost: h:\n", "h:8080" },
	{ 8080, false, false, "GET / HTTP/1.1\nHost: [::1]\n", "[::1]:8080" },
	{ 8080, false, false, "GET / HTTP/1.0\n", FIXTURE_DNS ":8080" },
	{ 443, true, false, "GET / HTTP/1.1\nHost: h:443\n", "h" },
	{ 443, false, false, "GET / HTTP/1.1\nHost: h\n", "h:443" },
	{ 80, true, false, "GET / HTTP/1.1\nHost: h\n", "h:80" },
	{ 80, false, true, "GET / HTTP/1.1\nHost: H:80\n", "H:80" },
	{ 8080, false, true, "GET / HTTP/1.1\nHost: H\n", "H" },
	{ 80, false, true, "GET / HTTP/1.1\nHost: a\nHost: b\n", "a|b" },
	{ 80, false, true, "GET http://C:9/ HTTP/1.1\nHost: a\n", "C:9" },
	{ 80, false, true, "GET / HTTP/1.0\n", FIXTURE_DNS },
};

static const char *all_hosts(struct arena *arena, const struct http_head *head)
{
	const char *text = NULL;

	for (unsigned i = 0; i < head->field_count; i++)
		if (bytes_eq_nocase(head->fields[i].name, BYTES("host")))
			text = arena_printf(arena, "%s%s%.*s", text ? text : "", text ? "|" : "",
					    BYTES_ARG(head->fields[i].value));
	return text;
}

TEST(host_follows_listener_port_and_attribute)
{
	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct run run;

		run_init(&run);
		run.f.listener.port = hosts[i].port;
		run.f.lb.preserve_host = hosts[i].preserve;
		run.tls = hosts[i].tls;
		CHECK_OK(run_forward(&run, hosts[i].head));
		CHECK_STR(all_hosts(&run.arena, &run.out.head), hosts[i].host, "case %zu", i);
		run_fini(&run);
	}
}

static const struct {
	enum xff_mode mode;
	bool port;
	const char *client, *sent, *want; /* NULL: no such field */
} xffs[] = {
	{ XFF_APPEND, true, "192.0.2.7", NULL, "192.0.2.7:5678" },
	{ XFF_APPEND, true, "2001:db8::1", NULL, "[2001:db8::1]:5678" },
	{ XFF_APPEND, false, "2001:db8::1", "x", "x, 2001:db8::1" },
	{ XFF_APPEND, false, "192.0.2.7", "not an address", "not an address, 192.0.2.7" },
	{ XFF_PRESERVE, false, "192.0.2.7", "10.0.0.1", "10.0.0.1" },
	{ XFF_PRESERVE, true, "192.0.2.7", NULL, NULL },
	{ XFF_REMOVE, false, "192.0.2.7", "10.0.0.1", NULL },
	{ XFF_REMOVE, false, "192.0.2.7", NULL, NULL },
};

TEST(x_forwarded_for_follows_its_mode)
{
	for (size_t i = 0; i < COUNT(xffs); i++) {
		struct run run;
		const struct http_field *field;

		run_init(&run);
		run.f.lb.xff_mode = xffs[i].mode;
		run.f.lb.xff_client_port = xffs[i].port;
		run.client = xffs[i].client;
		CHECK_OK(run_forward(&run,
				     arena_printf(&run.arena, "GET / HTTP/1.1\nHost: h\n%s%s\n",
						  xffs[i].sent ? "X-Forwarded-For: " : "",
						  xffs[i].sent ? xffs[i].sent : "")));
		field = http_find(&run.out.head, BYTES("X-Forwarded-For"));
		CHECK_EQ(field != NULL, xffs[i].want != NULL, "case %zu", i);
		if (field)
			CHECK_BYTES(field->value, xffs[i].want, "case %zu", i);
		CHECK_BYTES(http_value(&run.out.head, BYTES("X-Forwarded-Proto")), "http");
		CHECK_BYTES(http_value(&run.out.head, BYTES("X-Forwarded-Port")), "80");
		run_fini(&run);
	}
}

TEST(more_than_thirty_forwarded_addresses_are_too_many)
{
	for (unsigned count = 0; count <= 62; count++) {
		struct arena arena;
		struct http_head head;
		const char *text = "GET / HTTP/1.1\n";

		arena_init(&arena, 1 << 20);
		for (unsigned i = 0; i < count; i++)
			text = arena_printf(&arena, "%s%s10.0.0.%u", text,
					    i == 0	     ? "X-Forwarded-For: "
					    : i == count / 2 ? "\nx-forwarded-for: "
							     : ", ",
					    i);
		head = fixture_head(&arena, text);
		CHECK_EQ(forward_xff_too_long(&head), count > XFF_ADDRESSES_MAX, "%u", count);
		arena_fini(&arena);
	}
}

TEST(fields_with_odd_names_are_dropped_when_asked_and_counted_either_way)
{
	static const char head[] = "GET / HTTP/1.1\nHost: h\nX_Y: 1\nX.Z: 2\nX-9: 3\n";
	struct run run;

	run_init(&run);
	CHECK_OK(run_forward(&run, head));
	CHECK_STR(lines(&run.arena, &run.out.head),
		  XFF "Host: h\n" TRACE "X_Y: 1\nX.Z: 2\nX-9: 3\n");
	CHECK(run.out.forwarded_invalid && !run.out.dropped_invalid);
	run.f.lb.drop_invalid_fields = true;
	CHECK_OK(run_forward(&run, head));
	CHECK_STR(lines(&run.arena, &run.out.head), XFF "Host: h\n" TRACE "X-9: 3\n");
	CHECK(!run.out.forwarded_invalid && run.out.dropped_invalid);
	run_fini(&run);
}

TEST(a_name_that_would_read_as_another_never_goes_out)
{
	struct run run;

	run_init(&run);
	CHECK_OK(run_forward(
		&run, "GET / HTTP/1.1\nHost: h\nTransfer-Encoding : chunked\n: x\nA\t: 1\n"));
	CHECK_STR(lines(&run.arena, &run.out.head), XFF "Host: h\n" TRACE);
	CHECK(run.out.dropped_invalid);
	run_fini(&run);
}

TEST(a_websocket_handshake_keeps_its_upgrade)
{
	struct run run;

	run_init(&run);
	CHECK_OK(run_forward(&run, "GET /ws HTTP/1.1\nHost: h\nConnection: Upgrade\n"
				   "Upgrade: WebSocket\nSec-WebSocket-Key: k\n"));
	CHECK_STR(lines(&run.arena, &run.out.head),
		  XFF "Host: h\n" TRACE "Upgrade: WebSocket\nSec-WebSocket-Key: k\n");
	CHECK(run.out.head.flags & HTTP_FLAG_UPGRADE);
	run_fini(&run);
}

TEST(framing_is_the_clients)
{
	struct run run;
	struct forward_options options = { .trace_id = BYTES("Root=1-2-3") };

	run_init(&run);
	fixture_compile(&run.f);
	run.head = fixture_head(&run.arena, "POST / HTTP/1.1\nHost: h\nContent-Length: 5\n");
	run.head.framing = HTTP_BODY_LENGTH;
	run.head.length = 5;
	options.listener = fixture_listener(&run.f);
	options.rule = &options.listener->rules[0];
	options.scratch = run.f.scratch;
	CHECK_OK(route_facts_of(&run.head, &options.client, BYTES(FIXTURE_DNS), &run.facts));
	CHECK_OK(forward_request(&run.head, &run.facts, &options, &run.arena, &run.out));
	CHECK_EQ(run.out.head.framing, HTTP_BODY_LENGTH);
	CHECK_EQ(run.out.head.length, 5);
	CHECK_BYTES(run.out.head.method, "POST");
	run_fini(&run);
}

/* ---- What TLS adds ---- */

TEST(facts_of_tls_go_under_the_listeners_names_and_no_client_forges_them)
{
	struct run run;
	struct forward_options options = { .trace_id = BYTES("Root=1-2-3"), .tls = true };
	struct plan_listener listener;

	run_init(&run);
	CHECK_OK(address_parse_ip(BYTES("192.0.2.7"), 5678, &options.client));
	fixture_compile(&run.f);
	listener = *fixture_listener(&run.f);
	listener.tls_fields[TLS_FIELD_VERSION] = BYTES("X-Version");
	listener.tls_fields[TLS_FIELD_CIPHER] = BYTES("X-Cipher");
	listener.tls_fields[TLS_FIELD_CLIENT_SUBJECT] = BYTES("X-Amzn-Mtls-Clientcert-Subject");
	run.head = fixture_head(&run.arena, "GET / HTTP/1.1\nHost: h\nx-version: forged\n"
					    "X-AMZN-MTLS-CLIENTCERT: forged\n"
					    "x-cipher: forged\nAccept: */*\n");
	options.listener = &listener;
	options.rule = &listener.rules[0];
	options.scratch = run.f.scratch;
	options.tls_values[TLS_FIELD_VERSION] = BYTES("TLSv1.3");
	options.tls_values[TLS_FIELD_CLIENT_SUBJECT] = BYTES("CN=a");
	options.tls_values[TLS_FIELD_CLIENT_ISSUER] = BYTES("nobody asked");
	CHECK_OK(route_facts_of(&run.head, &options.client, BYTES(FIXTURE_DNS), &run.facts));
	CHECK_OK(forward_request(&run.head, &run.facts, &options, &run.arena, &run.out));
	CHECK_STR(lines(&run.arena, &run.out.head),
		  "X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https\nX-Forwarded-Port: 80\n"
		  "Host: h:80\n" TRACE "X-Version: TLSv1.3\n"
		  "X-Amzn-Mtls-Clientcert-Subject: CN=a\nAccept: */*\n");
	run_fini(&run);
}

/* ---- Rewrites ---- */

static const struct {
	const char *host_regex, *host_replace, *url_regex, *url_replace;
	const char *head;
	err_t err;
	enum transform_status status;
	const char *host, *target;	/* as sent on */
	const char *new_host, *new_uri; /* as logged; NULL: "-" */
} rewrites[] = {
	{ NULL, NULL, "^/api/(.*)$", "/$1", "GET /api/v1/x?q=1 HTTP/1.1\nHost: h\n", ERR_OK,
	  TRANSFORM_SUCCESS, "h", "/v1/x?q=1", NULL, "/v1/x?q=1" },
	/* Matching the path alone leaves the query where it was. */
	{ NULL, NULL, "^/api", "/v2", "GET /api/x?q=1 HTTP/1.1\nHost: h\n", ERR_OK,
	  TRANSFORM_SUCCESS, "h", "/v2/x?q=1", NULL, "/v2/x?q=1" },
	{ NULL, NULL, "q=([0-9]+)", "id=$1", "GET /x?q=42&r HTTP/1.1\nHost: h\n", ERR_OK,
	  TRANSFORM_SUCCESS, "h", "/x?id=42&r", NULL, "/x?id=42&r" },
	{ NULL, NULL, "/a", "/b", "GET /a/a HTTP/1.1\nHost: h\n", ERR_OK, TRANSFORM_SUCCESS, "h",
	  "/b/a", NULL, "/b/a" },
	{ NULL, NULL, "^/(a)(b)?", "/$2$1$9-$$0", "GET /a HTTP/1.1\nHost: h\n", ERR_OK,
	  TRANSFORM_SUCCESS, "h", "/a-$$0", NULL, "/a-$$0" },
	{ NULL, NULL, "^/A", "/b", "GET /a HTTP/1.1\nHost: h\n", ERR_OK, TRANSFORM_NONE, "h", "/a",
	  NULL, NULL },
	{ NULL, NULL, "^http", "/x", "GET http://h/a HTTP/1.1\nHost: h\n", ERR_OK, TRANSFORM_NONE,
	  "h", "/a", NULL, NULL },
	{ "^(.+)\\.example\\.com$", "$1.internal", NULL, NULL,
	  "GET / HTTP/1.1\nHost: API.Example.COM\n", ERR_OK, TRANSFORM_SUCCESS, "API.internal", "/",
	  "API.internal", NULL },
	{ "h", "g", "^/", "/x/", "GET /a HTTP/1.1\nHost: h\n", ERR_OK, TRANSFORM_SUCCESS, "g",
	  "/x/a", "g", "/x/a" },
	{ NULL, NULL, "^/a", "", "GET /a HTTP/1.1\nHost: h\n", ERR_INVALID, TRANSFORM_INVALID_PATH,
	  NULL, NULL, NULL, NULL },
	{ NULL, NULL, "^/a", "http://evil", "GET /a HTTP/1.1\nHost: h\n", ERR_INVALID,
	  TRANSFORM_INVALID_PATH, NULL, NULL, NULL, NULL },
	{ NULL, NULL, "^/a", "/b c", "GET /a HTTP/1.1\nHost: h\n", ERR_INVALID,
	  TRANSFORM_INVALID_PATH, NULL, NULL, NULL, NULL },
	{ NULL, NULL, "^/a", "/b\r\nX: y", "GET /a HTTP/1.1\nHost: h\n", ERR_INVALID,
	  TRANSFORM_INVALID_PATH, NULL, NULL, NULL, NULL },
	{ "^.*$", "", NULL, NULL, "GET / HTTP/1.1\nHost: h\n", ERR_INVALID, TRANSFORM_INVALID_HOST,
	  NULL, NULL, NULL, NULL },
	{ "h", "a/b", NULL, NULL, "GET / HTTP/1.1\nHost: h\n", ERR_INVALID, TRANSFORM_INVALID_HOST,
	  NULL, NULL, NULL, NULL },
	{ NULL, NULL, "^/(a+)+$", "/b",
	  "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! HTTP/1.1\nHost: h\n",
	  ERR_INVALID, TRANSFORM_REPLACE_ERROR, NULL, NULL, NULL, NULL },
};

static struct rewrite_config rewrite_of(const char *regex, const char *replace)
{
	return (struct rewrite_config){ bytes_of(regex), bytes_of(replace) };
}

TEST(rewrites_change_host_and_url_after_the_rule_matched)
{
	for (size_t i = 0; i < COUNT(rewrites); i++) {
		struct run run;

		run_init(&run);
		run.f.rules[0].host_rewrite = rewrite_of(rewrites[i].host_regex,
							 rewrites[i].host_replace);
		run.f.rules[0].url_rewrite = rewrite_of(rewrites[i].url_regex,
							rewrites[i].url_replace);
		CHECK_ERR(run_forward(&run, rewrites[i].head), rewrites[i].err, "case %zu", i);
		CHECK_EQ(run.out.transform, rewrites[i].status, "case %zu", i);
		if (!rewrites[i].err) {
			CHECK_STR(all_hosts(&run.arena, &run.out.head), rewrites[i].host,
				  "case %zu", i);
			CHECK_BYTES(run.out.head.target, rewrites[i].target, "case %zu", i);
			CHECK_BYTES(run.out.transformed_host, rewrites[i].new_host, "case %zu", i);
			CHECK_BYTES(run.out.transformed_uri, rewrites[i].new_uri, "case %zu", i);
		}
		run_fini(&run);
	}
}

TEST(a_rewrite_that_grows_without_end_is_refused)
{
	struct run run;
	char replace[1025];

	run_init(&run);
	for (size_t i = 0; i < 1024; i += 2)
		memcpy(replace + i, "$1", 2);
	replace[1024] = '\0';
	replace[0] = '/';
	run.f.rules[0].url_rewrite = rewrite_of("^/(.*)", replace);
	CHECK_ERR(run_forward(&run, "GET /0123456789012345678901234567890123456789 HTTP/1.1\n"
				    "Host: h\n"),
		  ERR_INVALID);
	CHECK_EQ(run.out.transform, TRANSFORM_BUFFER_TOO_SMALL);
	CHECK_STR(transform_status_name(run.out.transform), "TransformBufferTooSmall");
	CHECK(transform_status_name(TRANSFORM_NONE) == NULL);
	run_fini(&run);
}

TEST(a_rewritten_host_overrides_preserving_it)
{
	struct run run;

	run_init(&run);
	run.f.lb.preserve_host = true;
	run.f.rules[0].host_rewrite = rewrite_of("^h$", "g:8080");
	CHECK_OK(run_forward(&run, "GET / HTTP/1.1\nHost: h\nHost: x\n"));
	CHECK_STR(all_hosts(&run.arena, &run.out.head), "g:8080");
	run_fini(&run);
}

/* ---- Trace ids ---- */

/* "R" a new Root, "S" a new Self, in what is sent on; other letters stand for themselves. */
static const struct {
	const char *sent, *want; /* sent NULL: none */
} traces[] = {
	{ NULL, "Root=#" },
	{ "", "Root=#" },
	{ "Root=1-67891233-abcdef012345678912345678",
	  "Self=#;Root=1-67891233-abcdef012345678912345678" },
	{ "Root=1-2-3;Self=1-old-1", "Root=1-2-3;Self=#" },
	{ "Self=1-old-1;Root=1-2-3", "Self=#;Root=1-2-3" },
	{ "Root=1-2-3;CalledFrom=app", "Self=#;Root=1-2-3;CalledFrom=app" },
	{ "Root=1-2-3;Self=x;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1",
	  "Root=1-2-3;Self=#;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1" },
	{ "CalledFrom=app", "Root=#;CalledFrom=app" },
	{ "Self=x;CalledFrom=app", "Root=#;Self=#;CalledFrom=app" },
	{ "NotRoot=1", "Root=#;NotRoot=1" },
	{ "Root=1-2-3; Self=x", "Root=1-2-3;Self=#" },
};

/* Equal when each "#" in `want` is a well-formed id of that second in `got`. */
static bool trace_fits(struct bytes got, const char *want, const char *seconds_hex)
{
	size_t at = 0;

	for (; *want; want++) {
		if (*want != '#') {
			if (at >= got.len || got.at[at++] != *want)
				return false;
			continue;
		}
		if (got.len - at < 35 || memcmp(got.at + at, "1-", 2) != 0 ||
		    memcmp(got.at + at + 2, seconds_hex, 8) != 0 || got.at[at + 10] != '-')
			return false;
		for (size_t i = 11; i < 35; i++)
			if (!strchr("0123456789abcdef", got.at[at + i]))
				return false;
		at += 35;
	}
	return at == got.len;
}

TEST(trace_ids_are_made_and_carried_on_as_alb_does)
{
	struct rng rng;

	rng_seed(&rng, 1);
	for (size_t i = 0; i < COUNT(traces); i++) {
		struct arena arena;
		struct http_head head;
		struct bytes got;

		arena_init(&arena, 65536);
		head = fixture_head(&arena, arena_printf(&arena, "GET / HTTP/1.1\nHost: h\n%s%s\n",
							 traces[i].sent ? "x-amzn-trace-id: " : "",
							 traces[i].sent ? traces[i].sent : ""));
		CHECK_OK(forward_trace_id(&head, 0x67891233 * 1000ull, &rng, &arena, &got));
		CHECK(trace_fits(got, traces[i].want, "67891233"), "%s gives %.*s",
		      traces[i].sent ? traces[i].sent : "(none)", BYTES_ARG(got));
		arena_fini(&arena);
	}
}

TEST(a_trace_header_over_7_kib_is_given_up)
{
	struct rng rng;
	char sent[7 * 1024 + 2];

	rng_seed(&rng, 1);
	for (size_t len = 7 * 1024; len <= 7 * 1024 + 1; len++) {
		struct http_field field = { BYTES("X-Amzn-Trace-Id"), bytes_make(sent, len) };
		struct http_head head = { .fields = &field, .field_count = 1 };
		struct arena arena;
		struct bytes got;

		memset(sent, 'x', sizeof sent);
		memcpy(sent, "Root=1-2-3;A=", 13);
		arena_init(&arena, 65536);
		CHECK_OK(forward_trace_id(&head, 1000, &rng, &arena, &got));
		CHECK_EQ(trace_fits(got, "Root=#", "00000001"), len > 7 * 1024, "%zu", len);
		arena_fini(&arena);
	}
}

TEST(trace_ids_differ)
{
	struct rng rng;
	struct arena arena;
	struct http_head head = { .fields = NULL };
	struct bytes first, second;

	rng_seed(&rng, 1);
	arena_init(&arena, 65536);
	CHECK_OK(forward_trace_id(&head, 1000, &rng, &arena, &first));
	CHECK_OK(forward_trace_id(&head, 1000, &rng, &arena, &second));
	CHECK(!bytes_eq(first, second));
	arena_fini(&arena);
}

/* ---- Responses ---- */

TEST(a_response_keeps_its_fields_and_gets_the_listeners)
{
	struct response_header_config headers[] = {
		{ BYTES("x-frame-options"), BYTES("DENY") },
		{ BYTES("access-control-allow-origin"), BYTES("*") },
	};
	struct bytes cookies[] = { BYTES("AWSALB=1"), BYTES("AWSALBCORS=1") };
	struct run run;
	struct http_head head, out;

	run_init(&run);
	run.f.listener.response_headers = headers;
	run.f.listener.response_header_count = 2;
	fixture_compile(&run.f);
	head = fixture_head(&run.arena, "- - -\nServer: mine\nX-Frame-Options: SAMEORIGIN\n"
					"Set-Cookie: a=1\nConnection: close, X-Hop\nX-Hop: 1\n"
					"Keep-Alive: timeout=5\nUpgrade: h2c\nContent-Length: 5\n"
					"Date: d\n");
	head.is_response = true;
	head.status = 200;
	head.framing = HTTP_BODY_LENGTH;
	head.length = 5;
	CHECK_OK(forward_response(&head, fixture_listener(&run.f), cookies, 2, &run.arena, &out));
	CHECK_STR(lines(&run.arena, &out), "Server: mine\nSet-Cookie: a=1\nContent-Length: 5\n"
					   "Date: d\nx-frame-options: DENY\n"
					   "access-control-allow-origin: *\n"
					   "Set-Cookie: AWSALB=1\nSet-Cookie: AWSALBCORS=1\n");
	CHECK_EQ(out.status, 200);
	CHECK_EQ(out.framing, HTTP_BODY_LENGTH);
	CHECK_EQ(out.length, 5);
	run_fini(&run);
}

TEST(a_101_keeps_its_upgrade)
{
	struct run run;
	struct http_head head, out;

	run_init(&run);
	fixture_compile(&run.f);
	head = fixture_head(&run.arena, "- - -\nUpgrade: websocket\nConnection: Upgrade\n");
	head.is_response = true;
	head.status = 101;
	CHECK_OK(forward_response(&head, fixture_listener(&run.f), NULL, 0, &run.arena, &out));
	CHECK_STR(lines(&run.arena, &out), "Upgrade: websocket\n");
	CHECK(out.flags & HTTP_FLAG_UPGRADE);
	run_fini(&run);
}

TEST(an_arena_that_runs_out_is_told)
{
	unsigned failures = 0;

	for (size_t max = 0; max < 4000; max += 40) {
		struct run run;
		struct arena scarce;
		err_t err;
		struct forward_options options = { .trace_id = BYTES("Root=1-2-3") };

		run_init(&run);
		run.f.rules[0].url_rewrite = rewrite_of("^/", "/x/");
		CHECK_OK(run_forward(&run, "GET http://o/a?b HTTP/1.1\nHost: h\nA: 1\n"));
		options.listener = fixture_listener(&run.f);
		options.rule = &options.listener->rules[0];
		options.scratch = run.f.scratch;
		arena_init(&scarce, max);
		err = forward_request(&run.head, &run.facts, &options, &scarce, &run.out);
		CHECK(err == ERR_OK || err == ERR_NOMEM);
		failures += err == ERR_NOMEM;
		arena_fini(&scarce);
		run_fini(&run);
	}
	CHECK(failures > 3 && failures < 90, "%u", failures);
}
