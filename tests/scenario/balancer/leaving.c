/* Clients that leave, stall, or answer back slowly: the target learns in the same turn. */
#include "tests/scenario/balancer/world.h"

#define GET	"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

enum { BY_CLOSE, BY_RESET, BY_HALF_CLOSE, WAYS };

static void leave(struct fake_peer *client, unsigned way)
{
	if (way == BY_CLOSE)
		fake_close(client);
	else if (way == BY_RESET)
		fake_reset(client);
	else
		fake_finish(client);
}

static void check_abort(struct world *w, uint16_t status, unsigned way)
{
	CHECK_EQ(world_ended(w, 0)->reason, END_CLIENT_ABORT, "way %u", way);
	CHECK_EQ(world_ended(w, 0)->elb_status, status, "way %u", way);
	CHECK_EQ(world_counter(w, COUNTER_CLIENT_ABORTS), 1);
	CHECK_EQ(world_observed(w, HISTOGRAM_ABORT_PROPAGATION), 1);
	CHECK_EQ(lb_open_streams(w->lb), 0);
	CHECK_EQ(world_status(w, 0, 0).requests_in_flight, 0);
}

TEST(leaving_while_connecting_gives_the_connect_up)
{
	for (unsigned way = 0; way < WAYS; way++) {
		struct world *w = world_open(NULL);
		struct fake_peer *client;
		size_t open;

		fake_set_mode(w->targets[0][0], FAKE_HANG);
		client = world_ask(w, GET);
		open = fake_open_count(w->net);
		leave(client, way);
		fake_run_ms(w->net, 0);
		check_abort(w, 460, way);
		CHECK_EQ(fake_open_count(w->net), open - 2, "both sockets are gone");
		CHECK(world_has(bytes_of(world_ended(w, 0)->line), " 460 - "));
		CHECK_EQ(world_counter(w, COUNTER_ELB_4XX), 1);
		world_close(w);
	}
}

TEST(leaving_while_waiting_resets_the_target)
{
	for (unsigned way = 0; way < WAYS; way++) {
		struct world *w = world_open(NULL);
		struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);
		uint64_t left_ms;

		fake_run_ms(w->net, 30 * 1000);
		leave(client, way);
		left_ms = fake_now_ms(w->net);
		fake_run_ms(w->net, 10);
		check_abort(w, 460, way);
		CHECK_EQ(fake_ended(served), ERR_RESET);
		CHECK_EQ(fake_ended_ms(served), left_ms, "in the same millisecond");
		world_close(w);
	}
}

TEST(leaving_in_the_middle_of_an_answer_resets_the_target)
{
	for (unsigned way = 0; way < WAYS; way++) {
		struct world *w = world_open(NULL);
		struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);
		uint64_t left_ms;

		fake_send(served, CHUNKED "1\r\nx\r\n");
		fake_run_ms(w->net, 30 * 1000);
		leave(client, way);
		left_ms = fake_now_ms(w->net);
		fake_run_ms(w->net, 10);
		check_abort(w, 200, way);
		CHECK_EQ(fake_ended(served), ERR_RESET);
		CHECK_EQ(fake_ended_ms(served), left_ms);
		world_close(w);
	}
}

TEST(leaving_is_heard_while_the_target_is_paused)
{
	static const struct fake_options options = { .window_bytes = 4096 };
	struct world *w = world_open_with(&options, NULL);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);
	char piece[4096];

	memset(piece, 'x', sizeof piece);
	fake_stop_reading(client);
	fake_send(served, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
	for (unsigned i = 0; i < 20; i++)
		fake_send_bytes(served, bytes_make(piece, sizeof piece));
	fake_run_ms(w->net, 1000);
	fake_reset(client);
	fake_run_ms(w->net, 1);
	check_abort(w, 200, 0);
	CHECK_EQ(fake_ended(served), ERR_RESET);
	world_close(w);
}

TEST(leaving_in_the_middle_of_the_request_is_logged_as_400)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(
		w, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");

	fake_close(client);
	fake_run_ms(w->net, 5);
	check_abort(w, 400, 0);
	CHECK_EQ(fake_ended(world_served(w, 0, 0)), ERR_RESET);
	world_close(w);
}

TEST(a_request_body_that_stalls_is_408)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(
		w, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");

	/* A byte now and then is not a stall. */
	fake_run_ms(w->net, 50 * 1000);
	fake_send(client, "x");
	fake_run_ms(w->net, 59 * 1000);
	CHECK_EQ(w->end_count, 0);
	fake_run_ms(w->net, 2 * 1000);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 408 Request Time-out\r\n")));
	CHECK_EQ(world_ended(w, 0)->reason, END_REQUEST_TIMEOUT);
	CHECK(fake_ended(world_served(w, 0, 0)) != ERR_OK);
	world_close(w);
}

TEST(a_request_head_that_stalls_is_408)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, "GET / HTTP/1.1\r\nHos");

	fake_run_ms(w->net, 61 * 1000);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 408 Request Time-out\r\n")));
	CHECK(world_has(fake_received(client), "Connection: close\r\n"));
	CHECK_EQ(world_ended(w, 0)->reason, END_REQUEST_TIMEOUT);
	world_close(w);
}

TEST(an_idle_connection_closes_without_a_word)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_connect(w);

	fake_run_ms(w->net, 61 * 1000);
	CHECK_EQ(fake_ended(client), ERR_CLOSED);
	CHECK_EQ(fake_received(client).len, 0);
	CHECK_EQ(w->end_count, 0);
	world_close(w);
}

static void send_lots(struct fake_peer *client, unsigned pieces)
{
	char piece[4096];

	memset(piece, 'x', sizeof piece);
	for (unsigned i = 0; i < pieces; i++)
		fake_send_bytes(client, bytes_make(piece, sizeof piece));
}

TEST(a_target_that_does_not_read_the_request_is_late_not_the_client)
{
	static const struct fake_options options = { .window_bytes = 4096 };
	struct world *w = world_open_with(&options, NULL);
	struct fake_peer *client = world_ask(
		w, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");

	fake_stop_reading(world_served(w, 0, 0));
	send_lots(client, 100);
	fake_run_ms(w->net, 62 * 1000);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 504")));
	CHECK_EQ(world_ended(w, 0)->reason, END_FIRST_BYTE_TIMEOUT);
	CHECK(world_ended(w, 0)->received_bytes < 64 * 1024, "the client was held back");
	world_close(w);
}

TEST(an_upload_passes_as_it_comes_and_whole)
{
	static const struct fake_options options = { .window_bytes = 16 * 1024 };
	struct world *w = world_open_with(&options, NULL);
	struct fake_peer *client = world_ask(
		w, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 819200\r\n\r\n");
	struct fake_peer *served = world_served(w, 0, 0);
	size_t head = fake_received(served).len;

	CHECK(world_has(fake_received(served), "\r\n\r\n"), "its head waited for no body");
	send_lots(client, 200);
	fake_run_ms(w->net, 1000);
	CHECK_EQ(fake_received(served).len - head, 819200);
	fake_send(served, "HTTP/1.1 204 No Content\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 204")));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK(fake_is_open(client) && fake_is_open(served), "both live on");
	world_close(w);
}

TEST(an_early_answer_passes_and_ends_both_connections)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(
		w, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc");
	struct fake_peer *served = world_served(w, 0, 0);

	fake_send(served, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno");
	fake_run_ms(w->net, 5);
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 413")));
	CHECK(bytes_ends(fake_received(client), BYTES("no")));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	fake_run_ms(w->net, 5000);
	CHECK(!fake_is_open(served), "its request was never finished");
	CHECK(!fake_is_open(client));
	world_close(w);
}

TEST(a_broken_request_body_is_400_in_the_log_and_never_reaches_its_end)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(
		w, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");

	fake_send(client, "zz\r\n");
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->reason, END_BAD_REQUEST);
	CHECK_EQ(world_ended(w, 0)->elb_status, 400);
	CHECK_EQ(fake_ended(world_served(w, 0, 0)), ERR_RESET);
	CHECK(fake_ended(client) != ERR_OK);
	world_close(w);
}
