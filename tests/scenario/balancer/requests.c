/* What becomes of a request: judged, routed, answered here or forwarded. */
#include <stdio.h>

#include "tests/scenario/balancer/world.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

TEST(a_request_reaches_its_target_with_the_fields_of_a_load_balancer)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, "GET /a?b=c HTTP/1.1\r\nHost: Example.com\r\n"
						"Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\n"
						"Upgrade: h2c\r\nAccept: */*\r\n\r\n");
	struct bytes head = fake_received(world_served(w, 0, 0));

	CHECK(bytes_starts(head, BYTES("GET /a?b=c HTTP/1.1\r\n")));
	CHECK(world_has(head, "Host: example.com\r\n"));
	CHECK(world_has(head, "X-Forwarded-For: 192.0.2.9\r\n"));
	CHECK(world_has(head, "X-Forwarded-Proto: http\r\n"));
	CHECK(world_has(head, "X-Forwarded-Port: 80\r\n"));
	CHECK(world_has(head, "X-Amzn-Trace-Id: Root=1-"));
	CHECK(!world_has(head, "X-Mine"), "hop by hop");
	CHECK(!world_has(head, "Upgrade"));
	fake_send(world_served(w, 0, 0), OK);
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("ok")));
	CHECK(world_has(bytes_of(world_ended(w, 0)->line),
			"\"GET http://Example.com:80/a?b=c HTTP/1.1\""),
	      "%s", world_ended(w, 0)->line);
	CHECK_EQ(world_counter(w, COUNTER_REQUESTS), 1);
	CHECK_EQ(world_group_counter(w, COUNTER_TARGET_2XX), 1);
	CHECK_EQ(world_counter(w, COUNTER_NEW_CONNECTIONS), 2, "both sides");
	CHECK_EQ(world_gauge(w, GAUGE_ACTIVE_CONNECTIONS), 2);
	CHECK_EQ(world_gauge(w, GAUGE_STREAMS_ACTIVE), 0);
	world_close(w);
}

static const struct {
	const char *name, *request, *status;
	enum end_reason reason;
	bool closes;
} refused[] = {
	{ "TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405 Not Allowed\r\n",
	  END_METHOD_REFUSED, false },
	{ "CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405 Not Allowed\r\n",
	  END_METHOD_REFUSED, false },
	{ "no Host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", END_BAD_REQUEST,
	  true },
	{ "no request line", "hello\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", END_BAD_REQUEST,
	  true },
	{ "a version of the future", "GET / HTTP/3.7\r\nHost: a\r\n\r\n",
	  "HTTP/1.1 505 HTTP Version Not Supported\r\n", END_BAD_VERSION, true },
	{ "another coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
	  "HTTP/1.1 501 Not Implemented\r\n", END_BAD_CODING, true },
	{ "a coding nobody knows",
	  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
	  "HTTP/1.1 400 Bad Request\r\n", END_DESYNC_BLOCKED, true },
	{ "two lengths",
	  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
	  "Content-Length: 2\r\n\r\nx",
	  "HTTP/1.1 400 Bad Request\r\n", END_BAD_REQUEST, true },
};

TEST(what_cannot_be_forwarded_gets_its_page)
{
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct world *w = world_open(NULL);
		struct fake_peer *client = world_ask(w, refused[i].request);

		CHECK(bytes_starts(fake_received(client), bytes_of(refused[i].status)), "%s: %.*s",
		      refused[i].name, BYTES_ARG(fake_received(client)));
		CHECK_EQ(world_ended(w, 0)->reason, refused[i].reason, "%s", refused[i].name);
		CHECK_EQ(world_has(fake_received(client), "Connection: close\r\n"),
			 refused[i].closes, "%s", refused[i].name);
		CHECK_EQ(world_counter(w, COUNTER_REQUESTS), 0, "no target was chosen");
		CHECK_EQ(world_served_count(w, 0), 0);
		world_close(w);
	}
}

TEST(a_request_line_beyond_16_kib_is_414)
{
	struct world *w = world_open(NULL);
	struct text request = TEXT_INIT(32 * 1024);
	struct fake_peer *client = world_connect(w);

	text_add_str(&request, "GET /");
	for (unsigned i = 0; i < 17 * 1024; i++)
		text_add_char(&request, 'a');
	text_add_str(&request, " HTTP/1.1\r\nHost: a\r\n\r\n");
	fake_send(client, text_str(&request));
	fake_run_ms(w->net, 5);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 414 Request-URI Too Large\r\n")));
	CHECK_EQ(world_ended(w, 0)->reason, END_URI_TOO_LARGE);
	text_fini(&request);
	world_close(w);
}

TEST(more_than_thirty_forwarded_addresses_are_463)
{
	struct world *w = world_open(NULL);
	struct text request = TEXT_INIT(4096);
	struct fake_peer *client;

	text_add_str(&request, "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1");
	for (unsigned i = 0; i < 30; i++)
		text_add_str(&request, ", 10.0.0.1");
	text_add_str(&request, "\r\n\r\n");
	client = world_ask(w, text_str(&request));
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 463 ")));
	CHECK_EQ(world_ended(w, 0)->reason, END_XFF_TOO_LONG);
	CHECK_EQ(world_counter(w, COUNTER_ELB_4XX), 1);
	text_fini(&request);
	world_close(w);
}

/* ---- Desync ---- */

static enum desync_mode mode;

static void with_mode(struct world *w)
{
	w->balancers[0].desync_mode = mode;
}

#define ACCEPTABLE "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
#define AMBIGUOUS                                                                               \
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" \
	"0\r\n\r\n"

static const struct {
	enum desync_mode mode;
	const char *request;
	/* CLOSES_CLIENT: RFC 9112 §6.1 wants that of two framings in any mode. */
	enum { PASSES, CLOSES_CLIENT, CLOSES_BOTH, BLOCKED } outcome;
} desyncs[] = {
	{ DESYNC_MODE_MONITOR, ACCEPTABLE, PASSES },
	{ DESYNC_MODE_DEFENSIVE, ACCEPTABLE, PASSES },
	{ DESYNC_MODE_STRICTEST, ACCEPTABLE, BLOCKED },
	{ DESYNC_MODE_MONITOR, AMBIGUOUS, CLOSES_CLIENT },
	{ DESYNC_MODE_DEFENSIVE, AMBIGUOUS, CLOSES_BOTH },
	{ DESYNC_MODE_STRICTEST, AMBIGUOUS, BLOCKED },
	{ DESYNC_MODE_STRICTEST, GET, PASSES },
};

TEST(ambiguous_requests_are_judged_by_the_mode)
{
	for (size_t i = 0; i < COUNT(desyncs); i++) {
		struct world *w;
		struct fake_peer *client;

		mode = desyncs[i].mode;
		w = world_open(with_mode);
		client = world_ask(w, desyncs[i].request);
		if (desyncs[i].outcome == BLOCKED) {
			CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 400")), "%zu", i);
			CHECK(!fake_is_open(client) ||
				      world_has(fake_received(client), "Connection: close"),
			      "%zu", i);
			CHECK_EQ(world_ended(w, 0)->reason, END_DESYNC_BLOCKED, "%zu", i);
			CHECK_EQ(world_served_count(w, 0), 0);
		} else {
			bool closes = desyncs[i].outcome != PASSES;

			fake_send(world_served(w, 0, 0), OK);
			fake_run_ms(w->net, 5);
			CHECK(bytes_ends(fake_received(client), BYTES("ok")), "%zu", i);
			CHECK_EQ(fake_is_open(client), !closes, "%zu", i);
			CHECK_EQ(fake_is_open(world_served(w, 0, 0)),
				 desyncs[i].outcome != CLOSES_BOTH, "%zu", i);
			CHECK_EQ(world_has(fake_received(client), "Connection: close"), closes,
				 "%zu", i);
			CHECK(world_count(fake_received(world_served(w, 0, 0)), "Content-Length") +
					      world_count(fake_received(world_served(w, 0, 0)),
							  "Transfer-Encoding") <=
				      1,
			      "%zu: one framing only", i);
		}
		CHECK_EQ(world_counter(w, COUNTER_DESYNC), strcmp(desyncs[i].request, GET) != 0);
		world_close(w);
	}
}

/* ---- Connections ---- */

/* All that target 0 was sent, over whatever connections. */
static unsigned requests_seen(struct world *w)
{
	unsigned count = 0;

	for (unsigned i = 0; i < world_served_count(w, 0); i++)
		count += world_count(fake_received(world_served(w, 0, i)), "GET /");
	return count;
}

/* The target's connection that still waits for an answer: the one asked last. */
static struct fake_peer *asked_for(struct world *w, const char *what)
{
	for (unsigned i = 0; i < world_served_count(w, 0); i++)
		if (world_has(fake_received(world_served(w, 0, i)), what))
			return world_served(w, 0, i);
	CHECK(false, "nobody asked for %s", what);
	return NULL;
}

TEST(requests_in_a_heap_are_answered_one_by_one_and_in_order)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
						"GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
						"GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");

	for (unsigned i = 1; i <= 3; i++) {
		char path[16], body[64];

		CHECK_EQ(requests_seen(w), i, "one at a time");
		snprintf(path, sizeof path, "GET /%u ", i);
		snprintf(body, sizeof body, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%u", i);
		fake_send(asked_for(w, path), body);
		fake_run_ms(w->net, 5);
		CHECK(bytes_ends(fake_received(client), bytes_of(body + strlen(body) - 1)));
		CHECK_EQ(world_count(fake_received(client), "HTTP/1.1 200 OK"), i);
	}
	world_close(w);
}

TEST(requests_in_a_row_share_two_connections)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	for (unsigned i = 1; i <= 5; i++) {
		fake_send(served, OK);
		fake_run_ms(w->net, 5);
		CHECK_EQ(world_count(fake_received(client), "HTTP/1.1 200 OK"), i);
		fake_send(client, GET);
		fake_run_ms(w->net, 5);
	}
	CHECK_EQ(world_served_count(w, 0), 1);
	CHECK_EQ(world_counter(w, COUNTER_NEW_CONNECTIONS), 2);
	world_close(w);
}

TEST(expect_100_is_answered_here)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w,
					     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
					     "Expect: 100-continue\r\n\r\n");
	struct fake_peer *served;

	CHECK_BYTES(fake_take(client), "HTTP/1.1 100 Continue\r\n\r\n");
	fake_send(client, "hi");
	fake_run_ms(w->net, 5);
	served = world_served(w, 0, 0);
	CHECK(!world_has(fake_received(served), "Expect"));
	CHECK(bytes_ends(fake_received(served), BYTES("hi")));
	fake_send(served, "HTTP/1.1 100 Continue\r\n\r\n" OK);
	fake_run_ms(w->net, 5);
	CHECK(bytes_starts(fake_take(client), BYTES("HTTP/1.1 200")),
	      "the target's own is dropped");
	world_close(w);
}

TEST(an_http_1_0_client_gets_a_body_that_ends_with_the_connection)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, "GET / HTTP/1.0\r\n\r\n");
	struct fake_peer *served = world_served(w, 0, 0);

	CHECK(world_has(fake_received(served), "Host: first-1.us-east-1.elb.localhost\r\n"));
	fake_send(served, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
	fake_run_ms(w->net, 1);
	CHECK(bytes_ends(fake_received(client), BYTES("\r\n\r\nok")), "at once");
	fake_send(served, "0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("\r\n\r\nok")));
	CHECK(!world_has(fake_received(client), "chunked"));
	CHECK_EQ(fake_ended(client), ERR_CLOSED);
	CHECK(fake_is_open(served));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	world_close(w);
}

TEST(ab_s_keep_alive_gets_its_way)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(
		w, "GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n");

	fake_send(world_served(w, 0, 0), OK);
	fake_run_ms(w->net, 5);
	CHECK(fake_is_open(client));
	CHECK(world_has(fake_received(client), "Connection: keep-alive\r\n"));
	world_close(w);
}

static void with_short_life(struct world *w)
{
	w->balancers[0].client_keep_alive_ms = 60 * 1000;
}

TEST(client_keep_alive_ends_a_connection_with_its_next_answer)
{
	struct world *w = world_open(with_short_life);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	fake_send(served, OK);
	fake_run_ms(w->net, 40 * 1000);
	CHECK(!world_has(fake_take(client), "close"));
	fake_send(client, GET);
	fake_run_ms(w->net, 5);
	fake_send(served, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (unsigned i = 0; i < 10; i++) {
		fake_send(served, "1\r\nx\r\n");
		fake_run_ms(w->net, 10 * 1000);
		CHECK(fake_is_open(client), "never in an answer");
	}
	fake_send(served, "0\r\n\r\n");
	fake_run_ms(w->net, 5);
	fake_take(client);
	fake_send(client, GET);
	fake_run_ms(w->net, 5);
	fake_send(served, OK);
	fake_run_ms(w->net, 5);
	CHECK(world_has(fake_take(client), "Connection: close\r\n"));
	CHECK_EQ(fake_ended(client), ERR_CLOSED);
	world_close(w);
}

TEST(a_head_request_has_no_body)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");

	fake_send(world_served(w, 0, 0), "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK(world_has(fake_received(client), "Content-Length: 500\r\n"));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK(fake_is_open(client) && fake_is_open(world_served(w, 0, 0)));
	world_close(w);
}

/* ---- Actions ---- */

static void with_actions(struct world *w)
{
	static const struct condition_value old = { .value = { "/old*", 5 } };
	static const struct condition_value fixed = { .value = { "/fixed", 6 } };
	static const struct condition_config to_old = { .kind = CONDITION_PATH_PATTERN,
							.values = &old,
							.value_count = 1 };
	static const struct condition_config to_fixed = { .kind = CONDITION_PATH_PATTERN,
							  .values = &fixed,
							  .value_count = 1 };

	w->listeners[0].rule_count = 3;
	w->rules[0][1] = (struct rule_config){
		.arn = BYTES("arn:rule/old"),
		.priority = 10,
		.conditions = &to_old,
		.condition_count = 1,
		.action = { .kind = ACTION_REDIRECT,
			    .protocol = BYTES("HTTPS"),
			    .host = BYTES("#{host}"),
			    .port = BYTES("443"),
			    .path = BYTES("/new/#{path}"),
			    .query = BYTES("#{query}"),
			    .status = 301 },
	};
	w->rules[0][2] = (struct rule_config){
		.arn = BYTES("arn:rule/fixed"),
		.priority = 20,
		.conditions = &to_fixed,
		.condition_count = 1,
		.action = { .kind = ACTION_FIXED_RESPONSE,
			    .status = 503,
			    .content_type = BYTES("application/json"),
			    .body = BYTES("{\"busy\":true}") },
	};
}

TEST(redirects_and_fixed_responses_are_answered_here)
{
	struct world *w = world_open(with_actions);
	struct fake_peer *client = world_ask(w, "GET /old/a?b HTTP/1.1\r\nHost: x.org\r\n\r\n");

	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 301 Moved Permanently\r\n")));
	CHECK(world_has(fake_received(client), "Location: https://x.org:443/new/old/a?b\r\n"),
	      "%.*s", BYTES_ARG(fake_received(client)));
	fake_take(client);
	CHECK_EQ(world_ended(w, 0)->reason, END_REDIRECT);
	CHECK(world_has(bytes_of(world_ended(w, 0)->line), " 10 "));
	CHECK(world_has(bytes_of(world_ended(w, 0)->line),
			"\"redirect\" \"https://x.org:443/new/old/a?b\""));

	fake_send(client, "POST /fixed HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
	fake_run_ms(w->net, 5);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 301")));
	CHECK(bytes_ends(fake_take(client), BYTES("\r\n\r\n{\"busy\":true}")));
	CHECK_EQ(world_ended(w, 1)->reason, END_FIXED);
	CHECK_EQ(world_ended(w, 1)->elb_status, 503);
	CHECK(fake_is_open(client), "its small body was read past");
	CHECK_EQ(world_counter(w, COUNTER_FIXED_RESPONSES), 1);
	CHECK_EQ(world_counter(w, COUNTER_REDIRECTS), 1);
	CHECK_EQ(world_counter(w, COUNTER_REQUESTS), 0);
	CHECK_EQ(world_counter(w, COUNTER_RULE_EVALUATIONS), 3);

	fake_send(client, GET);
	fake_run_ms(w->net, 5);
	fake_send(world_served(w, 0, 0), OK);
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("ok")));
	world_close(w);
}

static void without_targets(struct world *w)
{
	w->groups[0].config.target_count = 0;
}

TEST(no_targets_and_no_weight_are_503)
{
	struct world *w = world_open(without_targets);
	struct fake_peer *client = world_ask(w, GET);

	CHECK(bytes_starts(fake_received(client),
			   BYTES("HTTP/1.1 503 Service Temporarily Unavailable\r\n")));
	CHECK_EQ(world_ended(w, 0)->reason, END_NO_TARGETS);
	w->groups[0].config.target_count = 1;
	w->forwards[0][0].weight = 0;
	world_apply(w);
	fake_take(client);
	fake_send(client, GET);
	fake_run_ms(w->net, 5);
	CHECK(bytes_starts(fake_take(client), BYTES("HTTP/1.1 503")));
	CHECK_EQ(world_ended(w, 1)->reason, END_ZERO_WEIGHTS);
	CHECK_EQ(world_counter(w, COUNTER_ELB_503), 2);
	CHECK_EQ(world_counter(w, COUNTER_REQUESTS), 0);
	world_close(w);
}

static void two_groups(struct world *w)
{
	w->group_count = 2;
	w->rules[0][0].action.group_count = 2;
	w->forwards[0][0].weight = 9;
	w->forwards[0][1].weight = 1;
}

TEST(weights_share_requests_between_groups)
{
	struct world *w = world_open(two_groups);
	unsigned first;

	for (unsigned i = 0; i < 200; i++)
		world_ask(w, GET);
	first = world_served_count(w, 0);
	CHECK(first > 160 && first < 198, "%u of 200", first);
	CHECK_EQ(world_group_counter(w, COUNTER_REQUESTS), first);
	world_close(w);
}

static void three_targets(struct world *w)
{
	w->groups[0].config.target_count = 3;
}

TEST(round_robin_takes_turns)
{
	struct world *w = world_open(three_targets);

	for (unsigned i = 0; i < 30; i++)
		world_ask(w, GET);
	for (unsigned t = 0; t < 3; t++)
		CHECK_EQ(world_served_count(w, t), 10, "target %u", t);
	world_close(w);
}

static void least_outstanding(struct world *w)
{
	three_targets(w);
	w->groups[0].config.algorithm = LEAST_OUTSTANDING_REQUESTS;
}

TEST(least_outstanding_counts_streams_from_the_moment_they_are_given)
{
	struct world *w = world_open(least_outstanding);

	for (unsigned i = 0; i < 9; i++)
		world_ask(w, GET);
	for (unsigned t = 0; t < 3; t++)
		CHECK_EQ(world_status(w, 0, t).requests_in_flight, 3, "target %u", t);
	world_close(w);
}

static void sticky(struct world *w)
{
	three_targets(w);
	w->groups[0].config.stickiness = STICKINESS_LB_COOKIE;
}

/* "AWSALB=…" of the last answer, with a NUL. */
static void cookie_of(struct fake_peer *client, char out[512])
{
	struct bytes all = fake_received(client);
	size_t at = bytes_find(all, BYTES("Set-Cookie: AWSALB="));
	struct bytes value;

	CHECK(at != SIZE_MAX, "no cookie in %.*s", BYTES_ARG(all));
	value = bytes_from(all, at + strlen("Set-Cookie: "));
	value = bytes_upto(value, bytes_index(value, ';'));
	CHECK(value.len < 512);
	memcpy(out, value.at, value.len);
	out[value.len] = '\0';
}

TEST(a_cookie_brings_a_client_back_to_its_target)
{
	struct world *w = world_open(sticky);
	struct fake_peer *client = world_ask(w, GET);
	unsigned t = world_served_count(w, 0) ? 0 : world_served_count(w, 1) ? 1 : 2, others = 0;
	char cookie[512], request[1024];

	fake_send(world_served(w, t, 0), OK);
	fake_run_ms(w->net, 5);
	cookie_of(client, cookie);
	CHECK_EQ(world_counter(w, COUNTER_NON_STICKY_REQUESTS), 1, "a first visit");
	snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: a\r\nCookie: x=y; %s\r\n\r\n",
		 cookie);
	for (unsigned i = 0; i < 5; i++)
		world_ask(w, request);
	for (unsigned other = 0; other < 3; other++)
		others += other == t ? 0 : world_served_count(w, other);
	CHECK_EQ(others, 0);
	CHECK_EQ(world_counter(w, COUNTER_NON_STICKY_REQUESTS), 1);

	w->groups[0].targets[t].draining_until_unix_ms = 1;
	world_apply(w);
	world_ask(w, request);
	CHECK_EQ(world_counter(w, COUNTER_NON_STICKY_REQUESTS), 2, "it was stuck to one that left");
	world_close(w);
}

TEST(what_a_target_may_not_say_is_502)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, GET);

	fake_send(world_served(w, 0, 0),
		  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 502")));
	CHECK_EQ(world_ended(w, 0)->reason, END_TARGET_MALFORMED);
	world_close(w);
}
