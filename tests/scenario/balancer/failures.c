/* Targets that refuse, hang, die or lie; what is tried again, and what is not. */
#include "tests/scenario/balancer/world.h"

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void check_page(struct fake_peer *client, const char *status, const char *why)
{
	CHECK(bytes_starts(fake_received(client), bytes_of(status)), "%s: %.*s", why,
	      BYTES_ARG(fake_received(client)));
	CHECK(world_has(fake_received(client), "Server: awselb/2.0\r\n"), "%s", why);
	CHECK(world_has(fake_received(client), "</html>\r\n"), "%s", why);
}

TEST(a_refused_connect_is_502_at_once)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client;

	fake_set_mode(w->targets[0][0], FAKE_REFUSE);
	client = world_ask(w, GET);
	check_page(client, "HTTP/1.1 502 Bad Gateway\r\n", "refused");
	CHECK(fake_is_open(client), "the client may ask again");
	CHECK_EQ(world_ended(w, 0)->reason, END_CONNECT_REFUSED);
	CHECK_EQ(world_ended(w, 0)->elb_status, 502);
	CHECK_EQ(world_ended(w, 0)->target_status, 0);
	CHECK_EQ(world_ended(w, 0)->request_us, ACCESS_NO_TIME);
	CHECK_EQ(world_counter(w, COUNTER_TARGET_CONNECTION_ERRORS), 1);
	CHECK_EQ(world_counter(w, COUNTER_ELB_502), 1);
	CHECK_EQ(world_counter(w, COUNTER_ELB_5XX), 1);
	CHECK_EQ(world_counter(w, COUNTER_REQUESTS), 1);
	CHECK_EQ(fake_connects(w->targets[0][0]), 2, "one health check, one try");
	world_close(w);
}

TEST(a_target_that_never_accepts_is_504_after_the_connect_timeout)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client;

	fake_set_mode(w->targets[0][0], FAKE_HANG);
	client = world_ask(w, POST);
	fake_run_ms(w->net, 9900);
	CHECK_EQ(fake_received(client).len, 0);
	fake_run_ms(w->net, 200);
	check_page(client, "HTTP/1.1 504 Gateway Time-out\r\n", "hangs");
	CHECK_EQ(world_ended(w, 0)->reason, END_CONNECT_TIMEOUT);
	CHECK_EQ(world_counter(w, COUNTER_ELB_504), 1);
	world_close(w);
}

TEST(a_target_that_never_answers_is_504_after_the_idle_timeout)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, POST);

	fake_run_ms(w->net, 59 * 1000);
	CHECK_EQ(fake_received(client).len, 0);
	fake_run_ms(w->net, 1100);
	check_page(client, "HTTP/1.1 504 Gateway Time-out\r\n", "silent");
	CHECK_EQ(world_ended(w, 0)->reason, END_FIRST_BYTE_TIMEOUT);
	CHECK(fake_ended(world_served(w, 0, 0)) != ERR_OK, "nobody works for no one");
	world_close(w);
}

static void with_clocks(struct world *w)
{
	w->groups[0].config.stream.first_byte_ms = 2000;
	w->groups[0].config.stream.first_event_ms = 4000;
	w->groups[0].config.stream.between_bytes_ms = 6000;
	w->groups[0].config.stream.total_ms = 30 * 1000;
}

TEST(five_clocks_end_with_reasons_of_their_own)
{
	struct world *w = world_open(with_clocks);
	struct fake_peer *client = world_ask(w, GET);

	fake_run_ms(w->net, 2100);
	check_page(client, "HTTP/1.1 504", "first byte");
	CHECK_EQ(world_ended(w, 0)->reason, END_FIRST_BYTE_TIMEOUT);

	client = world_ask(w, GET);
	fake_send(world_served(w, 0, 1), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	fake_run_ms(w->net, 3900);
	CHECK_EQ(w->end_count, 1);
	fake_run_ms(w->net, 200);
	CHECK_EQ(world_ended(w, 1)->reason, END_FIRST_EVENT_TIMEOUT);
	CHECK(fake_ended(client) != ERR_OK);

	client = world_ask(w, GET);
	fake_send(world_served(w, 0, 2),
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
	fake_run_ms(w->net, 5900);
	CHECK_EQ(w->end_count, 2);
	fake_run_ms(w->net, 200);
	CHECK_EQ(world_ended(w, 2)->reason, END_IDLE_TIMEOUT);

	client = world_ask(w, GET);
	fake_send(world_served(w, 0, 3), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (unsigned second = 0; second < 31 && w->end_count == 3; second++) {
		fake_send(world_served(w, 0, 3), "1\r\nx\r\n");
		fake_run_ms(w->net, 1000);
	}
	CHECK_EQ(world_ended(w, 3)->reason, END_TOTAL_TIMEOUT);
	CHECK(!world_has(fake_received(client), "0\r\n\r\n"), "cut");
	world_close(w);
}

/* What a target does instead of an answer, and what comes of it on a fresh connection. */
static const struct {
	const char *name, *says;
	bool resets;
	const char *status;
	enum end_reason reason;
} broken[] = {
	{ "closes", "", false, "HTTP/1.1 502", END_TARGET_CLOSED },
	{ "resets", "", true, "HTTP/1.1 502", END_TARGET_RESET },
	{ "closes in its head", "HTTP/1.1 200 OK\r\nA: b", false, "HTTP/1.1 502",
	  END_TARGET_CLOSED },
	{ "talks nonsense", "SSH-2.0-OpenSSH_9.2\r\n", false, "HTTP/1.1 502",
	  END_TARGET_MALFORMED },
	{ "has a broken length", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", false,
	  "HTTP/1.1 502", END_TARGET_MALFORMED },
};

TEST(a_target_that_dies_before_its_head_is_502)
{
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct world *w = world_open(NULL);
		struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

		fake_send(served, broken[i].says);
		fake_run_ms(w->net, 1);
		if (broken[i].resets)
			fake_reset(served);
		else
			fake_close(served);
		fake_run_ms(w->net, 5);
		check_page(client, broken[i].status, broken[i].name);
		CHECK_EQ(world_ended(w, 0)->reason, broken[i].reason, "%s", broken[i].name);
		CHECK_EQ(world_served_count(w, 0), 1, "%s: a fresh connection is not retried",
			 broken[i].name);
		world_close(w);
	}
}

TEST(a_response_head_beyond_32_kib_is_502)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	fake_send(served, "HTTP/1.1 200 OK\r\n");
	for (unsigned i = 0; i < 700; i++)
		fake_send(served, "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n");
	fake_run_ms(w->net, 5);
	check_page(client, "HTTP/1.1 502", "large head");
	CHECK_EQ(world_ended(w, 0)->reason, END_TARGET_HEAD_TOO_LARGE);
	world_close(w);
}

static const struct {
	const char *name, *head, *body;
} truncations[] = {
	{ "chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n" },
	{ "chunked, in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	  "5\r\nhe" },
	{ "length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "hello" },
	{ "before the body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "" },
};

TEST(a_truncated_answer_looks_truncated)
{
	for (size_t i = 0; i < COUNT(truncations); i++)
		for (unsigned resets = 0; resets < 2; resets++) {
			struct world *w = world_open(NULL);
			struct fake_peer *client = world_ask(w, GET),
					 *served = world_served(w, 0, 0);

			fake_send(served, truncations[i].head);
			fake_send(served, truncations[i].body);
			fake_run_ms(w->net, 1);
			if (resets)
				fake_reset(served);
			else
				fake_close(served);
			fake_run_ms(w->net, 5);
			CHECK(fake_ended(client) != ERR_OK, "%s", truncations[i].name);
			CHECK(!world_has(fake_received(client), "0\r\n\r\n"), "%s",
			      truncations[i].name);
			CHECK(world_has(fake_received(client), truncations[i].body),
			      "%s: what came is passed", truncations[i].name);
			CHECK_EQ(world_ended(w, 0)->reason, END_TARGET_TRUNCATED, "%s",
				 truncations[i].name);
			CHECK_EQ(world_ended(w, 0)->elb_status, 200);
			world_close(w);
		}
}

TEST(a_truncated_answer_to_http_1_0_is_reset)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, "GET / HTTP/1.0\r\n\r\n");
	struct fake_peer *served = world_served(w, 0, 0);

	fake_send(served, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
	fake_run_ms(w->net, 1);
	fake_close(served);
	fake_run_ms(w->net, 5);
	CHECK_EQ(fake_ended(client), ERR_RESET, "FIN would be a complete answer");
	world_close(w);
}

/* Leaves one warm connection, and gives the target's end of it. */
static struct fake_peer *warm_up(struct world *w)
{
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	fake_send(served, OK);
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("ok")));
	CHECK(fake_is_open(served), "kept warm");
	fake_take(served);
	return served;
}

TEST(a_warm_connection_is_used_again_and_closed_when_idle)
{
	struct world *w = world_open(NULL);
	struct fake_peer *served = warm_up(w), *client = world_ask(w, POST);

	CHECK_EQ(world_served_count(w, 0), 1);
	CHECK(world_has(fake_take(served), "POST / HTTP/1.1\r\n"));
	fake_send(served, OK);
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("ok")));
	fake_run_ms(w->net, 59 * 1000);
	CHECK(fake_is_open(served));
	fake_run_ms(w->net, 2 * 1000);
	CHECK(!fake_is_open(served), "after the idle timeout");
	world_close(w);
}

TEST(an_idempotent_request_on_a_stale_connection_is_tried_once_more)
{
	for (unsigned resets = 0; resets < 2; resets++) {
		struct world *w = world_open(NULL);
		struct fake_peer *stale = warm_up(w), *client = world_ask(w, GET), *fresh;

		CHECK(world_has(fake_take(stale), "GET / "));
		if (resets)
			fake_reset(stale);
		else
			fake_close(stale);
		fake_run_ms(w->net, 5);
		fresh = world_served(w, 0, 1);
		CHECK(world_has(fake_received(fresh), "GET / HTTP/1.1\r\n"));
		fake_send(fresh, OK);
		fake_run_ms(w->net, 5);
		CHECK(bytes_ends(fake_received(client), BYTES("ok")));
		CHECK_EQ(world_ended(w, 1)->attempt, 2);
		CHECK_EQ(world_ended(w, 1)->reason, END_COMPLETE);
		CHECK_EQ(world_counter(w, COUNTER_RETRIES), 1);

		/* The second connection is not tried a third time. */
		client = world_ask(w, GET);
		fake_close(fresh);
		fake_run_ms(w->net, 5);
		CHECK_EQ(world_served_count(w, 0), 3);
		fake_close(world_served(w, 0, 2));
		fake_run_ms(w->net, 5);
		check_page(client, "HTTP/1.1 502", "once");
		world_close(w);
	}
}

static void second_forwards_too(struct world *w)
{
	w->balancer_count = 2;
	w->rules[1][0] = w->rules[0][0];
	w->forwards[1][0] = w->forwards[0][0];
}

/* Of the plan that the request began under only the request itself is left then. */
TEST(a_retry_stands_on_the_plan_its_request_began_under)
{
	struct world *w = world_open(second_forwards_too);
	struct fake_peer *stale = warm_up(w), *client, *fresh;

	client = world_ask(w, "GET / HTTP/1.1\r\nHost: second-2.us-east-1.elb.localhost\r\n\r\n");
	CHECK(world_has(fake_take(stale), "GET / "));
	/* The first balancer is deleted and the group with it: the second has another index now. */
	w->balancers[0] = w->balancers[1];
	w->listeners[0] = w->listeners[1];
	w->rules[0][0].action = (struct action_config){ .kind = ACTION_FIXED_RESPONSE,
							.status = 200,
							.content_type = BYTES("text/plain"),
							.body = BYTES("new") };
	w->balancer_count = 1;
	w->group_count = 0;
	world_apply(w);
	fake_close(stale);
	fake_run_ms(w->net, 5);
	fresh = world_served(w, 0, 1);
	fake_send(fresh, OK);
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("ok")));
	world_close(w);
}

TEST(a_post_is_never_sent_twice)
{
	struct world *w = world_open(NULL);
	struct fake_peer *stale = warm_up(w), *client = world_ask(w, POST);

	fake_close(stale);
	fake_run_ms(w->net, 100);
	check_page(client, "HTTP/1.1 502", "not retried");
	CHECK_EQ(world_served_count(w, 0), 1);
	CHECK_EQ(world_ended(w, 1)->reason, END_TARGET_CLOSED);
	CHECK_EQ(world_counter(w, COUNTER_RETRIES), 0);
	world_close(w);
}

TEST(a_put_whose_body_was_taken_is_not_sent_twice)
{
	struct world *w = world_open(NULL);
	struct fake_peer *stale = warm_up(w);
	struct fake_peer *client = world_ask(
		w, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");

	fake_close(stale);
	fake_run_ms(w->net, 100);
	check_page(client, "HTTP/1.1 502", "its body is gone");
	CHECK_EQ(world_served_count(w, 0), 1);
	world_close(w);
}

TEST(a_begun_answer_is_not_tried_again)
{
	struct world *w = world_open(NULL);
	struct fake_peer *stale = warm_up(w), *client = world_ask(w, GET);

	fake_send(stale, "HTTP/1.1 20");
	fake_run_ms(w->net, 1);
	fake_close(stale);
	fake_run_ms(w->net, 5);
	check_page(client, "HTTP/1.1 502", "half a head");
	CHECK_EQ(world_served_count(w, 0), 1);
	world_close(w);
}

TEST(a_warm_connection_that_its_target_closed_meets_no_request)
{
	struct world *w = world_open(NULL);
	struct fake_peer *stale = warm_up(w), *client;

	fake_close(stale);
	fake_run_ms(w->net, 5);
	client = world_ask(w, POST);
	fake_send(world_served(w, 0, 1), OK);
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("ok")));
	world_close(w);
}

TEST(a_target_that_wants_to_close_gets_its_way)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, GET);

	fake_send(world_served(w, 0, 0),
		  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
	fake_run_ms(w->net, 5);
	CHECK(!fake_is_open(world_served(w, 0, 0)));
	CHECK(fake_is_open(client), "the client's connection is another matter");
	CHECK(!world_has(fake_received(client), "Connection: close"));
	world_close(w);
}
