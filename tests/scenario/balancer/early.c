/* Answers that begin before the target says anything, for who asks for an event stream. */
#include "tests/scenario/balancer/world.h"

#define GET                                                                       \
	"GET /chat HTTP/1.1\r\nHost: a\r\nAccept: a/b, text/event-stream;q=1\r\n" \
	"Accept-Encoding: gzip\r\n\r\n"
#define HEAD \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

enum { BEAT_MS = 5000 };

static void early(struct world *w)
{
	w->groups[0].config.stream.early_response = true;
	w->groups[0].config.stream.heartbeat_ms = BEAT_MS;
}

static void early_and_empty(struct world *w)
{
	early(w);
	w->groups[0].config.target_count = 0;
	w->groups[0].config.stream.queue_max = 2;
	w->groups[0].config.stream.queue_wait_ms = 20 * 1000;
}

static bool has(struct fake_peer *client, const char *part)
{
	return world_has(fake_received(client), part);
}

TEST(who_waits_in_the_queue_hears_heartbeats_and_then_the_answer)
{
	struct world *w = world_open(early_and_empty);
	struct fake_peer *client = world_ask(w, GET), *served;

	CHECK_EQ(fake_received(client).len, 0, "an answer that comes soon is the target's own");
	fake_run_ms(w->net, BEAT_MS + 100);
	CHECK(has(client, "HTTP/1.1 200 OK\r\n") && has(client, "Content-Type: text/event-stream"));
	CHECK_EQ(world_count(fake_received(client), ": ping\n"), 1);
	fake_run_ms(w->net, BEAT_MS);
	CHECK_EQ(world_count(fake_received(client), ": ping\n"), 2);
	w->groups[0].config.target_count = 1;
	world_apply(w);
	fake_run_ms(w->net, 5);
	served = world_served(w, 0, 0);
	CHECK(!world_has(fake_received(served), "Accept-Encoding"), "a coding could not be joined");
	fake_send(served, HEAD "d\r\ndata: hello\n\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_count(fake_received(client), "HTTP/1.1"), 1, "one head");
	CHECK(has(client, "d\r\ndata: hello\n\n\r\n"));
	fake_send(served, "0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("0\r\n\r\n")));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK_EQ(world_ended(w, 0)->events, 1);
	CHECK_EQ(world_ended(w, 0)->heartbeats, 2);
	CHECK(fake_is_open(client), "the connection lives on");
	world_close(w);
}

TEST(a_target_that_thinks_is_waited_for_likewise)
{
	struct world *w = world_open(early);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	fake_run_ms(w->net, BEAT_MS + 100);
	CHECK(has(client, ": ping\n"));
	fake_send(served, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
			  "Content-Length: 9\r\n\r\ndata: x\n\n");
	fake_run_ms(w->net, 5);
	CHECK(has(client, "data: x\n\n") && bytes_ends(fake_received(client), BYTES("0\r\n\r\n")));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	world_close(w);
}

TEST(what_fails_after_that_is_told_by_an_event)
{
	struct world *w = world_open(early);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	fake_run_ms(w->net, BEAT_MS + 100);
	fake_send(served, "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno");
	fake_run_ms(w->net, 5);
	CHECK(has(client, "event: error\ndata: {\"error\":{\"code\":\"early_mismatch\","
			  "\"status\":500,"));
	CHECK(bytes_ends(fake_received(client), BYTES("0\r\n\r\n")), "the event says it all");
	CHECK_EQ(world_ended(w, 0)->reason, END_EARLY_MISMATCH);
	CHECK_EQ(world_ended(w, 0)->elb_status, 200);
	CHECK_EQ(world_ended(w, 0)->target_status, 500);

	client = world_ask(w, GET);
	fake_run_ms(w->net, BEAT_MS + 100);
	fake_reset(world_served(w, 0, 1));
	fake_run_ms(w->net, 5);
	CHECK(has(client, "\"code\":\"target_reset\",\"status\":502,"));
	world_close(w);
}

#define POST "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
#define CHAT "{\"messages\":[{\"role\":\"user\"}],\"stream\":true}"

static void come(struct world *w)
{
	w->groups[0].config.target_count = 1;
	world_apply(w);
	fake_run_ms(w->net, 5);
}

TEST(a_body_can_ask_for_a_stream_while_it_waits)
{
	struct world *w = world_open(early_and_empty);
	struct fake_peer *client = world_ask(w, POST "Accept-Encoding: gzip\r\n"
						     "Content-Length: 44\r\n\r\n" CHAT),
			 *served;

	fake_run_ms(w->net, BEAT_MS + 100);
	CHECK(has(client, "Content-Type: text/event-stream") && has(client, ": ping\n"));
	come(w);
	served = world_served(w, 0, 0);
	CHECK(world_has(fake_received(served), "Content-Length: 44\r\n"));
	CHECK(bytes_ends(fake_received(served), BYTES("\r\n\r\n" CHAT)), "the body, once");
	CHECK(!world_has(fake_received(served), "Accept-Encoding"), "a coding could not be joined");
	fake_send(served, HEAD "9\r\ndata: x\n\n\r\n0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK(has(client, "data: x\n\n"));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK(fake_is_open(client), "the connection lives on");
	world_close(w);
}

TEST(a_body_in_chunks_goes_on_whole_after_its_beginning_was_held)
{
	struct world *w = world_open(early_and_empty);
	struct fake_peer *client = world_ask(w, POST "Transfer-Encoding: chunked\r\n\r\n"
						     "11\r\n{\"stream\":true,\"a\r\n7\r\n\":["),
			 *served;

	fake_run_ms(w->net, BEAT_MS + 100);
	CHECK(has(client, ": ping\n"));
	come(w);
	served = world_served(w, 0, 0);
	fake_send(client, "1,2]\r\n1\r\n}\r\n0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK(world_has(fake_received(served), "{\"stream\":true,\"a\":["), "%.*s",
	      BYTES_ARG(fake_received(served)));
	CHECK(bytes_ends(fake_received(served), BYTES("\r\n1,2]\r\n1\r\n}\r\n0\r\n\r\n")) ||
		      bytes_ends(fake_received(served), BYTES("1,2]\r\n1\r\n}\r\n0\r\n\r\n")),
	      "framed anew: %.*s", BYTES_ARG(fake_received(served)));
	fake_send(served, HEAD "9\r\ndata: x\n\n\r\n0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	world_close(w);
}

TEST(a_body_that_went_to_a_target_which_thinks_asks_as_well)
{
	struct world *w = world_open(early);
	struct fake_peer *client = world_ask(w, POST "Content-Length: 44\r\n\r\n{\"messages\""),
			 *served = world_served(w, 0, 0);

	fake_run_ms(w->net, BEAT_MS + 100);
	CHECK_EQ(fake_received(client).len, 0, "half a body says nothing");
	fake_send(client, &CHAT[strlen("{\"messages\"")]);
	fake_run_ms(w->net, BEAT_MS + 100);
	CHECK(has(client, "Content-Type: text/event-stream") && has(client, ": ping\n"));
	CHECK(bytes_ends(fake_received(served), BYTES("\r\n\r\n" CHAT)));
	world_close(w);
}

TEST(a_body_that_asks_for_no_stream_waits_without_a_word)
{
	static const char body[] = "{\"stream\":false,\"a\":[true]}              \r\n ";
	struct world *w = world_open(early_and_empty);
	struct fake_peer *client = world_ask(w, POST "Content-Length: 44\r\n\r\n"), *served;

	fake_send(client, body);
	fake_run_ms(w->net, BEAT_MS * 2 + 100);
	CHECK_EQ(fake_received(client).len, 0);
	come(w);
	served = world_served(w, 0, 0);
	CHECK(world_has(fake_received(served), body));
	fake_send(served, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	fake_run_ms(w->net, 5);
	CHECK(bytes_ends(fake_received(client), BYTES("\r\n\r\nok")));
	world_close(w);
}

TEST(a_long_body_is_held_to_its_bound_and_arrives_whole)
{
	enum { TEXT = 300 * 1024 };
	struct world *w = world_open(early_and_empty);
	struct fake_peer *client = world_ask(w, POST "Content-Length: 307216\r\n\r\n"), *served;
	char *text = malloc(TEXT + 17);

	memset(text, 'x', TEXT + 16);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + TEXT, "\",\"stream\":true}", 16);
	text[TEXT + 16] = 0;
	fake_send(client, text);
	fake_run_ms(w->net, BEAT_MS * 2);
	CHECK_EQ(fake_received(client).len, 0, "what it says so late is not read yet");
	come(w);
	fake_run_ms(w->net, 50);
	served = world_served(w, 0, 0);
	CHECK(bytes_ends(fake_received(served), bytes_of(text)), "%zu bytes came",
	      fake_received(served).len);
	fake_run_ms(w->net, BEAT_MS + 100);
	CHECK(has(client, ": ping\n"), "now it is");
	free(text);
	world_close(w);
}

TEST(a_body_that_breaks_off_after_an_early_answer_ends_it)
{
	struct world *w = world_open(early_and_empty);
	struct fake_peer *client = world_ask(w, POST "Accept: text/event-stream\r\n"
						     "Transfer-Encoding: chunked\r\n\r\n1\r\n{");

	fake_run_ms(w->net, BEAT_MS + 100);
	CHECK(has(client, ": ping\n"));
	come(w);
	fake_send(client, "no chunk\r\n");
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->reason, END_BAD_REQUEST);
	CHECK(!bytes_ends(fake_received(client), BYTES("0\r\n\r\n")), "and looks cut");
	CHECK(!fake_is_open(client));
	world_close(w);
}

TEST(whose_time_in_the_queue_is_over_hears_so)
{
	struct world *w = world_open(early_and_empty);
	struct fake_peer *client = world_ask(w, GET);

	fake_run_ms(w->net, 21 * 1000);
	CHECK(has(client,
		  "event: error\ndata: {\"error\":{\"code\":\"queue_timeout\",\"status\":503"));
	CHECK_EQ(world_ended(w, 0)->reason, END_QUEUE_TIMEOUT);
	world_close(w);
}

TEST(who_does_not_ask_for_a_stream_gets_its_503_with_retry_after)
{
	struct world *w = world_open(early_and_empty);
	struct fake_peer *client = world_ask(w, "GET / HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n");
	struct fake_peer *others[2];

	for (unsigned i = 0; i < 2; i++)
		others[i] = world_ask(w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	CHECK(has(others[1], "HTTP/1.1 503 ") && has(others[1], "Retry-After: 10\r\n"));
	fake_run_ms(w->net, BEAT_MS * 2);
	CHECK_EQ(fake_received(client).len, 0);
	fake_run_ms(w->net, 20 * 1000);
	CHECK(has(client, "HTTP/1.1 503 ") && has(client, "Retry-After: 10\r\n"));
	world_close(w);
}

TEST(who_leaves_while_it_waits_is_forgotten)
{
	struct world *w = world_open(early_and_empty);
	struct fake_peer *client = world_ask(w, GET);

	fake_run_ms(w->net, BEAT_MS + 100);
	fake_close(client);
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->reason, END_CLIENT_ABORT);
	CHECK_EQ(world_ended(w, 0)->elb_status, 200, "which it has been sent");
	CHECK_EQ(lb_open_streams(w->lb), 0);
	world_close(w);
}

TEST(who_does_not_read_gets_no_more_heartbeats)
{
	struct world *w = world_open(early);
	struct fake_peer *client = world_ask(w, GET);

	w->groups[0].config.stream.first_byte_ms = 3600 * 1000;
	fake_stop_reading(client);
	fake_run_ms(w->net, 50 * 1000);
	fake_resume_reading(client);
	fake_send(world_served(w, 0, 0), HEAD "0\r\n\r\n");
	fake_run_ms(w->net, 50);
	CHECK(bytes_ends(fake_received(client), BYTES("0\r\n\r\n")));
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	world_close(w);
}
