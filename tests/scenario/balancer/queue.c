/* Requests that find no target and wait for one: all of them answered, or told why not. */
#include "tests/scenario/balancer/world.h"

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST "POST /chat HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

enum { CROWD = 100, WAIT_MS = 30 * 1000 };

static void nobody_is_there(struct world *w)
{
	w->groups[0].config.target_count = 0;
	w->groups[0].config.health.interval_ms = 5000;
	w->groups[0].config.stream.queue_max = CROWD;
	w->groups[0].config.stream.queue_wait_ms = WAIT_MS;
}

static void no_queue(struct world *w)
{
	w->groups[0].config.target_count = 0;
}

static void one_comes(struct world *w)
{
	w->groups[0].config.target_count = 1;
	world_apply(w);
	fake_run_ms(w->net, 5);
}

static bool is_status(struct fake_peer *client, const char *status)
{
	return world_has(fake_received(client), status);
}

TEST(without_a_queue_it_is_503_at_once)
{
	struct world *w = world_open(no_queue);
	struct fake_peer *client = world_ask(w, GET);

	CHECK(is_status(client, "HTTP/1.1 503 "));
	CHECK_EQ(world_ended(w, 0)->reason, END_NO_TARGETS);
	CHECK_EQ(w->wanted_count, 0);
	world_close(w);
}

TEST(a_crowd_waits_wakes_one_and_is_answered_in_order)
{
	struct world *w = world_open(nobody_is_there);
	struct fake_peer *clients[CROWD];

	for (unsigned i = 0; i < CROWD; i++)
		clients[i] = world_ask(w, GET);
	CHECK_EQ(w->wanted_count, 1, "one call for all of them");
	CHECK_EQ(w->end_count, 0);
	CHECK_EQ(world_gauge(w, GAUGE_REQUESTS_QUEUED), CROWD);
	fake_run_ms(w->net, 2000);
	one_comes(w);
	CHECK_EQ(world_served_count(w, 0), CROWD);
	for (unsigned i = 0; i < CROWD; i++)
		fake_send(world_served(w, 0, i), OK);
	fake_run_ms(w->net, 5);
	for (unsigned i = 0; i < CROWD; i++)
		CHECK(is_status(clients[i], "HTTP/1.1 200 "), "client %u", i);
	CHECK_EQ(world_observed(w, HISTOGRAM_COLD_START), CROWD);
	CHECK_EQ(world_gauge(w, GAUGE_REQUESTS_QUEUED), 0);
	CHECK_EQ(lb_open_streams(w->lb), 0);
	world_close(w);
}

TEST(a_target_that_only_starts_is_waited_for)
{
	struct world *w = world_open(nobody_is_there);
	struct fake_peer *client = world_ask(w, GET);

	fake_set_mode(w->targets[0][0], FAKE_REFUSE);
	one_comes(w);
	CHECK_EQ(world_served_count(w, 0), 0);
	CHECK_EQ(w->end_count, 0, "without a queue it would fail open");
	fake_set_mode(w->targets[0][0], FAKE_ACCEPT);
	for (unsigned i = 0; i < 200 && world_served_count(w, 0) == 0; i++)
		fake_run_ms(w->net, 100);
	CHECK_EQ(world_status(w, 0, 0).state, HEALTH_HEALTHY);
	fake_send(world_served(w, 0, 0), OK);
	fake_run_ms(w->net, 5);
	CHECK(is_status(client, "HTTP/1.1 200 "));
	world_close(w);
}

TEST(a_body_waits_with_its_client)
{
	struct world *w = world_open(nobody_is_there);
	struct fake_peer *client = world_ask(w, POST), *served;

	fake_send(client, "hello");
	fake_run_ms(w->net, 1000);
	one_comes(w);
	served = world_served(w, 0, 0);
	CHECK(world_has(fake_received(served), "\r\n\r\nhello"));
	fake_send(served, OK);
	fake_run_ms(w->net, 5);
	CHECK(is_status(client, "HTTP/1.1 200 "));
	world_close(w);
}

TEST(whose_time_is_over_gets_503_and_a_plan_without_targets_gives_no_more_time)
{
	struct world *w = world_open(nobody_is_there);
	struct fake_peer *client = world_ask(w, GET);

	fake_run_ms(w->net, WAIT_MS / 2);
	world_apply(w);
	fake_run_ms(w->net, WAIT_MS / 2 - 100);
	CHECK_EQ(w->end_count, 0);
	fake_run_ms(w->net, 200);
	CHECK(is_status(client, "HTTP/1.1 503 "));
	CHECK_EQ(world_ended(w, 0)->reason, END_QUEUE_TIMEOUT);
	world_close(w);
}

TEST(there_is_only_so_much_room)
{
	struct world *w = world_open(nobody_is_there);
	struct fake_peer *client;

	for (unsigned i = 0; i < CROWD; i++)
		world_ask(w, GET);
	client = world_ask(w, GET);
	CHECK(is_status(client, "HTTP/1.1 503 "));
	CHECK_EQ(world_ended(w, 0)->reason, END_QUEUE_FULL);
	world_close(w);
}

TEST(who_leaves_the_queue_makes_room_and_is_forgotten)
{
	struct world *w = world_open(nobody_is_there);
	struct fake_peer *client = world_ask(w, GET);

	fake_close(client);
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->reason, END_CLIENT_ABORT);
	for (unsigned i = 0; i < CROWD; i++)
		world_ask(w, GET);
	CHECK_EQ(w->end_count, 1, "all of the crowd waits");
	one_comes(w);
	CHECK_EQ(world_served_count(w, 0), CROWD);
	world_close(w);
}

TEST(others_that_come_later_call_again)
{
	struct world *w = world_open(nobody_is_there);

	world_ask(w, GET);
	world_ask(w, GET);
	CHECK_EQ(w->wanted_count, 1);
	fake_run_ms(w->net, 1500);
	world_ask(w, GET);
	CHECK_EQ(w->wanted_count, 2);
	world_close(w);
}

TEST(a_listener_that_goes_ends_those_that_wait)
{
	struct world *w = world_open(nobody_is_there);

	world_ask(w, GET);
	w->balancer_count = 0;
	world_apply(w);
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->reason, END_DELETED);
	world_close(w);
}
