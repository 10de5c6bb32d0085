/* Targets that are functions: events, answers, what goes wrong, who leaves, what streams. */
#include <stdlib.h>

#include "tests/scenario/balancer/world.h"

#define ARN "arn:aws:lambda:us-east-1:000000000000:function:hello"
#define GET "GET /a?b=%20c HTTP/1.1\r\nHost: a\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n"
#define OK  "{\"statusCode\":200,\"headers\":{\"Content-Type\":\"text/plain\"},\"body\":\"hi\"}"
#define HEAD \
	"{\"statusCode\":200,\"headers\":{\"Content-Type\":\"text/event-stream\"}}\0\0\0\0\0\0\0\0"

static void functions(struct world *w)
{
	w->groups[0].config.function = true;
	w->groups[0].config.health.disabled = true;
	w->groups[0].config.target_count = 0; /* world_listen wants addresses */
}

static void streaming(struct world *w)
{
	functions(w);
	w->groups[0].config.function_streams = true;
	w->groups[0].config.stream.heartbeat_ms = 15 * 1000;
}

static void multi_value(struct world *w)
{
	functions(w);
	w->groups[0].config.multi_value_headers = true;
}

static struct world *open_with(void (*change)(struct world *w))
{
	struct world *w = world_open(change);

	w->groups[0].targets[0].id = BYTES(ARN);
	w->groups[0].targets[0].address = (struct address){ .family = 0 };
	w->groups[0].config.target_count = 1;
	world_apply(w);
	return w;
}

static bool has(const struct world_call *call, const char *part)
{
	return world_has(bytes_of(call->event), part);
}

TEST(a_request_is_an_event_and_its_answer_a_response)
{
	struct world *w = open_with(functions);
	struct fake_peer *client = world_ask(w, GET);
	struct world_call *call = world_call(w, 0);

	CHECK_STR(call->function_arn, ARN);
	CHECK(has(call,
		  "{\"requestContext\":{\"elb\":{\"targetGroupArn\":\"arn:targetgroup/one\"}}"));
	CHECK(has(call, "\"httpMethod\":\"GET\",\"path\":\"/a\""));
	CHECK(has(call, "\"queryStringParameters\":{\"b\":\"%20c\"}"), "%s", call->event);
	CHECK(has(call, "\"x-two\":\"2\""), "the last of a name counts");
	CHECK(has(call, "\"x-forwarded-proto\":\"http\""));
	CHECK(has(call, "\"x-forwarded-port\":\"80\""));
	CHECK(has(call, "\"x-forwarded-for\":\"192.0.2.9\""));
	CHECK(has(call, "\"x-amzn-trace-id\":\"Root=1-"));
	CHECK(has(call, "\"body\":\"\",\"isBase64Encoded\":false}"));
	world_answer(w, call, FUNCTION_ANSWERED, OK);
	CHECK(world_has(fake_received(client), "HTTP/1.1 200 OK\r\n"));
	CHECK(world_has(fake_received(client), "Server: awselb/2.0\r\n"));
	CHECK(world_has(fake_received(client), "Content-Length: 2\r\n"));
	CHECK(bytes_ends(fake_received(client), BYTES("\r\n\r\nhi")));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK(world_has(bytes_of(world_ended(w, 0)->line), " - 0.000 0.00"), "no target:port");
	CHECK(world_has(bytes_of(world_ended(w, 0)->line), " 200 - "), "no target status: %s",
	      world_ended(w, 0)->line);
	CHECK_EQ(world_counter(w, COUNTER_TARGET_2XX), 1);
	CHECK_EQ(world_counter(w, COUNTER_LAMBDA_BYTES), strlen(call->event) + strlen(OK));
	CHECK(fake_is_open(client), "the connection lives on");
	world_close(w);
}

TEST(a_body_is_gathered_and_its_type_says_how_it_travels)
{
	struct world *w = open_with(functions);
	struct fake_peer *client = world_ask(w, "POST /up HTTP/1.1\r\nHost: a\r\nContent-Type: "
						"application/json; charset=utf-8\r\n"
						"Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n");

	CHECK_EQ(w->call_count, 0, "half a body");
	fake_send(client, "4\r\n\":1}\r\n0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK(has(world_call(w, 0), "\"body\":\"{\\\"a\\\":1}\",\"isBase64Encoded\":false"));
	CHECK(!has(world_call(w, 0), "transfer-encoding"));
	world_answer(w, world_call(w, 0), FUNCTION_ANSWERED, OK);
	world_ask(w, "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
	CHECK(has(world_call(w, 1), "\"body\":\"YWJj\",\"isBase64Encoded\":true"));
	CHECK(has(world_call(w, 1), "\"content-length\":\"3\""));
	world_close(w);
}

TEST(bodies_for_functions_are_bounded_in_total)
{
	enum { EACH = WORLD_HELD_BYTES / 4 };
	struct world *w = open_with(functions);
	char head[] = "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
	char *text = calloc(1, EACH + 1);
	struct fake_peer *clients[5];

	memset(text, 'x', EACH);
	for (unsigned i = 0; i < COUNT(clients); i++) {
		clients[i] = world_ask(w, head);
		fake_send(clients[i], text);
		fake_run_ms(w->net, 50);
	}
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(fake_received(clients[i]).len, 0, "client %u", i);
	CHECK(world_has(fake_received(clients[4]), "HTTP/1.1 503 "), "%.*s",
	      BYTES_ARG(fake_received(clients[4])));
	CHECK_EQ(world_ended(w, 0)->reason, END_FUNCTION_CROWDED);
	CHECK_EQ(world_counter(w, COUNTER_BODIES_REFUSED), 1);
	CHECK_EQ(world_counter(w, COUNTER_LAMBDA_INTERNAL_ERRORS), 1);
	fake_close(clients[0]);
	fake_run_ms(w->net, 50);
	fake_send(world_ask(w, head), text);
	fake_run_ms(w->net, 50);
	CHECK_EQ(w->end_count, 2, "one that leaves makes room");
	free(text);
	world_close(w);
}

TEST(multi_value_headers_are_lists_both_ways)
{
	struct world *w = open_with(multi_value);
	struct fake_peer *client = world_ask(w, GET);

	CHECK(has(world_call(w, 0), "\"multiValueHeaders\":{"));
	CHECK(has(world_call(w, 0), "\"x-two\":[\"1\",\"2\"]"));
	CHECK(has(world_call(w, 0), "\"multiValueQueryStringParameters\":{\"b\":[\"%20c\"]}"));
	CHECK(!has(world_call(w, 0), "\"headers\""));
	world_answer(w, world_call(w, 0), FUNCTION_ANSWERED,
		     "{\"statusCode\":404,\"statusDescription\":\"404 Nobody\",\"headers\":{\"x\":"
		     "\"no\"},\"multiValueHeaders\":{\"Set-Cookie\":[\"a=1\",\"b=2\"]},"
		     "\"body\":\"YQ==\",\"isBase64Encoded\":true}");
	CHECK(world_has(fake_received(client), "HTTP/1.1 404 Nobody\r\n"));
	CHECK(world_has(fake_received(client), "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n"));
	CHECK(!world_has(fake_received(client), "x: no"));
	CHECK(world_has(fake_received(client), "Content-Type: application/octet-stream\r\n"));
	CHECK(bytes_ends(fake_received(client), BYTES("\r\n\r\na")));
	world_close(w);
}

static const struct {
	enum function_outcome outcome;
	const char *json, *reason;
	bool service;
} failures[] = {
	{ FUNCTION_UNHANDLED, "{\"errorMessage\":\"x\"}", "LambdaUnhandled", false },
	{ FUNCTION_NOT_FOUND, "", "LambdaResourceNotFound", false },
	{ FUNCTION_SERVICE_FAILED, "", "LambdaServiceException", true },
	{ FUNCTION_ANSWERED, "\"hello\"", "LambdaInvalidResponse", false },
	{ FUNCTION_ANSWERED, "{\"statusCode\":\"200\",\"headers\":{}}", "LambdaInvalidResponse",
	  false },
	{ FUNCTION_ANSWERED, "{\"statusCode\":200}", "LambdaInvalidResponse", false },
	{ FUNCTION_ANSWERED, "{\"statusCode\":200,\"headers\":{\"a\":5}}", "LambdaInvalidResponse",
	  false },
	{ FUNCTION_ANSWERED, "{\"statusCode\":200,\"headers\":{\"a\":\"b\\r\\nc: d\"}}",
	  "LambdaInvalidResponse", false },
};

TEST(what_fails_is_502_with_its_reason)
{
	struct world *w = open_with(functions);

	for (unsigned i = 0; i < COUNT(failures); i++) {
		struct fake_peer *client = world_ask(w, GET);

		world_answer(w, world_call(w, i), failures[i].outcome, failures[i].json);
		CHECK(world_has(fake_received(client), "HTTP/1.1 502 Bad Gateway\r\n"),
		      "failure %u", i);
		CHECK_EQ(world_ended(w, i)->reason, END_FUNCTION_FAILED);
		CHECK(world_has(bytes_of(world_ended(w, i)->line), failures[i].reason), "%s",
		      world_ended(w, i)->line);
	}
	CHECK_EQ(world_group_counter(w, COUNTER_LAMBDA_INTERNAL_ERRORS), 1);
	CHECK_EQ(world_group_counter(w, COUNTER_LAMBDA_USER_ERRORS), COUNT(failures) - 1);
	CHECK_EQ(world_counter(w, COUNTER_ELB_502), COUNT(failures));
	world_close(w);
}

TEST(a_throttled_function_is_502_at_once)
{
	struct world *w = open_with(functions);
	struct fake_peer *client;

	w->refusal = FUNCTION_THROTTLED;
	client = world_ask(w, GET);
	CHECK(world_has(fake_received(client), "HTTP/1.1 502 "));
	CHECK(world_has(bytes_of(world_ended(w, 0)->line), "\"LambdaThrottling\""));
	world_close(w);
}

TEST(more_than_a_mebibyte_is_413_however_it_comes)
{
	struct world *w = open_with(functions);
	struct fake_peer *client = world_ask(w, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "
						"1048577\r\n\r\n");
	char *body = calloc(1, 1024 * 1024);
	struct bytes large = { body, 1024 * 1024 };

	CHECK(body != NULL);
	CHECK(world_has(fake_received(client), "HTTP/1.1 413 "), "nothing was read for it");
	client = world_ask(w, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
			      "100001\r\n");
	fake_send_bytes(client, large);
	fake_run_ms(w->net, 50);
	CHECK_EQ(w->end_count, 1);
	fake_send(client, "x\r\n");
	fake_run_ms(w->net, 50);
	CHECK(world_has(fake_received(client), "HTTP/1.1 413 "));
	CHECK(world_has(bytes_of(world_ended(w, 1)->line), "\"LambdaRequestTooLarge\""));
	CHECK_EQ(w->call_count, 0);
	free(body);
	world_close(w);
}

TEST(an_answer_of_more_than_a_mebibyte_is_502)
{
	struct world *w = open_with(functions);
	struct fake_peer *client = world_ask(w, GET);
	char *json = malloc(1024 * 1024 + 1 + sizeof OK);

	CHECK(json != NULL);
	memset(json, ' ', 1024 * 1024 + 1);
	strcpy(json + 1024 * 1024 + 1, OK);
	world_answer(w, world_call(w, 0), FUNCTION_ANSWERED, json);
	CHECK(world_has(fake_received(client), "HTTP/1.1 502 "));
	CHECK(world_has(bytes_of(world_ended(w, 0)->line), "\"LambdaResponseTooLarge\""));
	free(json);
	world_close(w);
}

TEST(a_websocket_is_400)
{
	struct world *w = open_with(functions);
	struct fake_peer *client = world_ask(
		w,
		"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

	CHECK(world_has(fake_received(client), "HTTP/1.1 400 "));
	CHECK(world_has(bytes_of(world_ended(w, 0)->line), "\"LambdaWebsocketNotSupported\""));
	CHECK_EQ(w->call_count, 0);
	world_close(w);
}

TEST(who_leaves_is_460_and_the_call_is_cancelled_at_once)
{
	struct world *w = open_with(functions);
	struct fake_peer *client = world_ask(w, GET);

	fake_close(client);
	fake_run_ms(w->net, 2);
	CHECK(world_call(w, 0)->cancelled);
	CHECK_EQ(world_ended(w, 0)->elb_status, 460);
	CHECK_EQ(lb_open_streams(w->lb), 0);
	world_close(w);
}

TEST(the_idle_timeout_does_not_bound_a_function_but_its_own_clock_does)
{
	struct world *w = open_with(functions);
	struct fake_peer *client = world_ask(w, GET);

	fake_run_ms(w->net, 600 * 1000);
	CHECK_EQ(w->end_count, 0);
	world_answer(w, world_call(w, 0), FUNCTION_ANSWERED, OK);
	CHECK(world_has(fake_received(client), "HTTP/1.1 200 "));
	w->groups[0].config.stream.first_byte_ms = 5000;
	world_apply(w);
	client = world_ask(w, GET);
	fake_run_ms(w->net, 6000);
	CHECK(world_has(fake_received(client), "HTTP/1.1 504 "));
	CHECK(world_call(w, 1)->cancelled);
	world_close(w);
}

TEST(a_stream_passes_piece_by_piece_with_heartbeats_between)
{
	struct world *w = open_with(streaming);
	struct fake_peer *client = world_ask(w, GET);
	struct world_call *call = world_call(w, 0);
	struct bytes head = { HEAD, sizeof HEAD - 1 };

	CHECK(call->invocation->streams);
	for (size_t i = 0; i < head.len; i++) /* its end may fall between any two bytes */
		CHECK(world_piece(w, call, bytes_make(head.at + i, 1)));
	CHECK(world_has(fake_received(client), "Content-Type: text/event-stream\r\n"));
	fake_take(client);
	CHECK(world_piece(w, call, BYTES("data: one\n\n")));
	CHECK_BYTES(fake_take(client), "b\r\ndata: one\n\n\r\n");
	fake_run_ms(w->net, 16 * 1000);
	CHECK(world_has(fake_take(client), ": ping\n"));
	CHECK(world_piece(w, call, BYTES("data: two\n\n")));
	world_answer(w, call, FUNCTION_ANSWERED, "");
	CHECK(bytes_ends(fake_received(client), BYTES("0\r\n\r\n")));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK_EQ(world_ended(w, 0)->events, 2);
	CHECK(world_ended(w, 0)->streaming);
	world_close(w);
}

TEST(a_function_that_does_not_stream_answers_whole_all_the_same)
{
	struct world *w = open_with(streaming);
	struct fake_peer *client = world_ask(w, GET);

	world_answer(w, world_call(w, 0), FUNCTION_ANSWERED, OK);
	CHECK(bytes_ends(fake_received(client), BYTES("\r\n\r\nhi")));
	world_close(w);
}

TEST(a_stream_that_fails_looks_cut)
{
	struct world *w = open_with(streaming);
	struct fake_peer *client = world_ask(w, GET);
	struct world_call *call = world_call(w, 0);

	world_piece(w, call, bytes_make(HEAD, sizeof HEAD - 1));
	world_piece(w, call, BYTES("data: one\n\n"));
	world_answer(w, call, FUNCTION_UNHANDLED, "{}");
	CHECK(!bytes_ends(fake_received(client), BYTES("0\r\n\r\n")));
	CHECK(!fake_is_open(client));
	CHECK(world_has(bytes_of(world_ended(w, 0)->line), "\"LambdaUnhandled\""));
	world_close(w);
}

TEST(a_slow_reader_pauses_the_function_and_loses_nothing)
{
	struct world *w = open_with(streaming);
	struct fake_peer *client = world_ask(w, GET);
	struct world_call *call = world_call(w, 0);
	static char piece[16 * 1024];
	struct bytes all;
	unsigned sent = 0;

	world_piece(w, call, bytes_make(HEAD, sizeof HEAD - 1));
	memset(piece, 'x', sizeof piece);
	fake_stop_reading(client);
	while (sent < 200 && world_piece(w, call, bytes_make(piece, sizeof piece)))
		sent++;
	CHECK(sent < 200, "a function that nobody reads was never held up");
	CHECK_EQ(call->resumed, 0);
	fake_resume_reading(client);
	fake_run_ms(w->net, 100);
	CHECK_EQ(call->resumed, 1);
	world_answer(w, call, FUNCTION_ANSWERED, "");
	fake_run_ms(w->net, 100);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	all = fake_received(client);
	CHECK(bytes_ends(all, BYTES("0\r\n\r\n")));
	CHECK_EQ(world_count(all, "xxxxxxxxxxxxxxxx\r\n") > 0, 1);
	CHECK(all.len > (sent + 1) * sizeof piece);
	world_close(w);
}

TEST(a_stream_whose_client_leaves_is_cancelled_while_it_is_held_up)
{
	struct world *w = open_with(streaming);
	struct fake_peer *client = world_ask(w, GET);
	struct world_call *call = world_call(w, 0);
	static char piece[16 * 1024];

	world_piece(w, call, bytes_make(HEAD, sizeof HEAD - 1));
	fake_stop_reading(client);
	while (world_piece(w, call, bytes_make(piece, sizeof piece)))
		;
	fake_reset(client);
	fake_run_ms(w->net, 5);
	CHECK(call->cancelled);
	CHECK_EQ(world_ended(w, 0)->reason, END_CLIENT_ABORT);
	world_close(w);
}

static struct world_call *last_check(struct world *w)
{
	for (unsigned i = w->call_count; i > 0; i--)
		if (world_has(bytes_of(w->calls[i - 1].event), "ELB-HealthChecker/2.0"))
			return &w->calls[i - 1];
	CHECK(false, "no health check yet");
	return NULL;
}

TEST(health_checks_are_events_and_off_unless_asked_for)
{
	struct world *w = open_with(functions);

	CHECK_EQ(world_status(w, 0, 0).state, HEALTH_UNAVAILABLE);
	CHECK_EQ(world_status(w, 0, 0).reason, HEALTH_HEALTH_CHECK_DISABLED);
	CHECK_EQ(w->call_count, 0);
	w->groups[0].config.health.disabled = false;
	world_apply(w);
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_status(w, 0, 0).state, HEALTH_INITIAL);
	CHECK_STR(last_check(w)->event,
		  "{\"requestContext\":{\"elb\":{\"targetGroupArn\":\"arn:targetgroup/one\"}},"
		  "\"httpMethod\":\"GET\",\"path\":\"/health\",\"queryStringParameters\":{},"
		  "\"headers\":{\"user-agent\":\"ELB-HealthChecker/2.0\"},\"body\":\"\","
		  "\"isBase64Encoded\":false}");
	world_answer(w, last_check(w), FUNCTION_ANSWERED, OK);
	CHECK_EQ(world_status(w, 0, 0).state, HEALTH_HEALTHY);
	for (unsigned i = 0; i < 2; i++) {
		fake_run_ms(w->net, 30 * 1000);
		world_answer(w, last_check(w), FUNCTION_UNHANDLED, "{}");
	}
	CHECK_EQ(world_status(w, 0, 0).state, HEALTH_UNHEALTHY);
	CHECK(world_has(bytes_of(w->probed), "lambda "), "%s", w->probed);
	CHECK(world_has(bytes_of(w->probed), ARN " group FAIL - TargetError"), "%s", w->probed);
	fake_run_ms(w->net, 36 * 1000);
	CHECK(last_check(w)->cancelled, "one that takes too long");
	CHECK_EQ(world_status(w, 0, 0).reason, HEALTH_TIMEOUT);
	world_close(w);
}
