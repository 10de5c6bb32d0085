/* Answers that take their time: passed at once, kept alive, held back, cut where they may be. */
#include <stdio.h>

#include "tests/scenario/balancer/world.h"

#define SSE_HEAD \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define GET "GET /chat HTTP/1.1\r\nHost: a\r\n\r\n"

static void with_heartbeats(struct world *w)
{
	w->groups[0].config.stream.heartbeat_ms = 15 * 1000;
}

/* The body the client has got: what follows the head. */
static struct bytes body_of(struct fake_peer *client)
{
	struct bytes all = fake_received(client);
	size_t at = bytes_find(all, BYTES("\r\n\r\n"));

	CHECK(at != SIZE_MAX, "no whole head yet");
	return bytes_from(all, at + 4);
}

/* Takes chunk framing off; what is not whole chunks is left out. Ends with a NUL. */
static void dechunk(struct bytes in, char *out, bool *ret_ended)
{
	*ret_ended = false;
	for (;;) {
		size_t line = bytes_find(in, BYTES("\r\n"));
		unsigned long len;

		if (line == SIZE_MAX)
			break;
		len = strtoul(in.at, NULL, 16);
		if (len == 0) {
			*ret_ended = true;
			break;
		}
		if (in.len < line + 2 + len + 2)
			break;
		memcpy(out, in.at + line + 2, len);
		out += len;
		in = bytes_from(in, line + 2 + len + 2);
	}
	*out = '\0';
}

TEST(head_and_pieces_pass_in_the_turn_they_come)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	fake_send(served, SSE_HEAD);
	fake_run_ms(w->net, 0);
	CHECK(world_has(fake_received(client), "\r\n\r\n"), "the head waits for nothing");
	for (unsigned i = 0; i < 5; i++) {
		fake_run_ms(w->net, 100);
		fake_take(client);
		fake_send(served, "9\r\ndata: x\n\n\r\n");
		fake_run_ms(w->net, 0);
		CHECK_BYTES(fake_take(client), "9\r\ndata: x\n\n\r\n", "piece %u, as it came", i);
	}
	fake_send(served, "0\r\n\r\n");
	fake_run_ms(w->net, 1);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK_EQ(world_ended(w, 0)->events, 5);
	CHECK(world_ended(w, 0)->streaming);
	CHECK(fake_is_open(client), "the connection lives on");
	CHECK_EQ(world_counter(w, COUNTER_STREAMS), 1);
	CHECK_EQ(world_counter(w, COUNTER_STREAM_SUCCESS), 1);
	CHECK_EQ(world_group_counter(w, COUNTER_STREAM_EVENTS), 5);
	CHECK_EQ(world_observed(w, HISTOGRAM_TARGET_RESPONSE_TIME), 1);
	CHECK_EQ(world_observed(w, HISTOGRAM_FIRST_EVENT), 1);
	world_close(w);
}

TEST(other_types_stream_like_event_streams)
{
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: "
		"chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: "
		"gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
	};

	for (size_t i = 0; i < COUNT(heads); i++) {
		struct world *w = world_open(with_heartbeats);
		struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

		fake_send(served, heads[i]);
		fake_run_ms(w->net, 0);
		fake_take(client);
		fake_send(served, "3\r\n{}\n\r\n");
		fake_run_ms(w->net, 0);
		CHECK_BYTES(fake_take(client), "3\r\n{}\n\r\n", "case %zu", i);
		fake_run_ms(w->net, 40 * 1000);
		CHECK_EQ(fake_take(client).len, 0, "case %zu: no heartbeat in there", i);
		fake_send(served, "0\r\n\r\n");
		fake_run_ms(w->net, 1);
		CHECK(world_ended(w, 0)->streaming);
		CHECK_EQ(world_ended(w, 0)->heartbeats, 0);
		world_close(w);
	}
}

TEST(a_two_hour_stream_lives_by_heartbeats)
{
	struct world *w = world_open(with_heartbeats);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);
	enum { ROUNDS = 123 };
	unsigned beats = 0;

	fake_send(served, SSE_HEAD);
	/* A token every 59 s is within the idle timeout of 60 s, only just. */
	for (unsigned i = 0; i < ROUNDS; i++) {
		fake_run_ms(w->net, 58 * 1000);
		beats += world_count(fake_take(client), "7\r\n: ping\n\r\n");
		fake_send(served, "9\r\ndata: x\n\n\r\n");
		fake_run_ms(w->net, 1000);
		CHECK_BYTES(fake_take(client), "9\r\ndata: x\n\n\r\n", "round %u", i);
	}
	fake_send(served, "0\r\n\r\n");
	fake_run_ms(w->net, 1);
	CHECK_BYTES(fake_take(client), "0\r\n\r\n", "the end is the target's own");
	CHECK_EQ(beats, 3 * ROUNDS, "at 15, 30 and 45 s of each silence");
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK_EQ(world_ended(w, 0)->events, ROUNDS);
	CHECK_EQ(world_ended(w, 0)->heartbeats, beats);
	CHECK_EQ(world_counter(w, COUNTER_HEARTBEATS), beats);
	CHECK_EQ(w->start_count, 1);
	CHECK_EQ(w->progress_count, ROUNDS * 59 / 10, "one every 10 s");
	world_close(w);
}

TEST(a_heartbeat_is_no_progress)
{
	struct world *w = world_open(with_heartbeats);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	fake_send(served, SSE_HEAD "9\r\ndata: x\n\n\r\n");
	fake_run_ms(w->net, 59 * 1000);
	CHECK(fake_is_open(client));
	fake_run_ms(w->net, 2 * 1000);
	CHECK_EQ(world_ended(w, 0)->reason, END_IDLE_TIMEOUT);
	CHECK_EQ(world_ended(w, 0)->heartbeats, 3);
	CHECK_EQ(world_ended(w, 0)->elb_status, 200, "a head that was sent keeps its status");
	CHECK(fake_ended(client) != ERR_OK, "the client's connection is cut");
	CHECK(fake_ended(served) != ERR_OK, "the target's too");
	CHECK(!world_has(body_of(client), "0\r\n\r\n"), "no last chunk");
	world_close(w);
}

TEST(heartbeats_stand_at_event_boundaries_wherever_the_bytes_are_cut)
{
	static const char stream[] = "b\r\ndata: one\n\n\r\n"
				     "8\r\ndata: tw\r\n3\r\no\n\n\r\n"
				     "10\r\nid: 7\r\ndata: x\r\n\r\n"
				     "2\r\n\r\n\r\n";
	static const char plain[] = "data: one\n\ndata: two\n\nid: 7\r\ndata: x\r\n\r\n";

	for (size_t cut = 0; cut < sizeof stream; cut++) {
		struct world *w = world_open(with_heartbeats);
		struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);
		char text[1024], *beat;
		bool ended;

		fake_send(served, SSE_HEAD);
		fake_send_bytes(served, bytes_make(stream, cut));
		fake_run_ms(w->net, 20 * 1000);
		fake_send_bytes(served, bytes_make(stream + cut, sizeof stream - 1 - cut));
		fake_send(served, "0\r\n\r\n");
		fake_run_ms(w->net, 1);
		dechunk(body_of(client), text, &ended);
		CHECK(ended, "cut at %zu", cut);
		beat = strstr(text, ": ping\n");
		if (beat) {
			CHECK(beat == text || beat[-1] == '\n', "cut at %zu: %s", cut, text);
			CHECK(beat == text || beat[-2] == '\n' || beat[-2] == '\r',
			      "cut at %zu, after an empty line: %s", cut, text);
			memmove(beat, beat + 7, strlen(beat + 7) + 1);
		}
		CHECK_STR(text, plain, "cut at %zu", cut);
		CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE, "cut at %zu", cut);
		CHECK_EQ(world_ended(w, 0)->heartbeats, beat ? 1 : 0);
		CHECK_EQ(world_ended(w, 0)->events, 3, "cut at %zu", cut);
		world_close(w);
	}
}

static const struct {
	const char *name, *head;
} unbeaten[] = {
	{ "another status", "HTTP/1.1 201 Created\r\nContent-Type: text/event-stream\r\n"
			    "Transfer-Encoding: chunked\r\n\r\n" },
	{ "a length", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		      "Content-Length: 100\r\n\r\n" },
	{ "a coding", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		      "Content-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n" },
	{ "another type", "HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n" },
};

TEST(answers_that_cannot_carry_a_heartbeat_get_none)
{
	for (size_t i = 0; i < COUNT(unbeaten); i++) {
		struct world *w = world_open(with_heartbeats);
		struct fake_peer *client = world_ask(w, GET);

		fake_send(world_served(w, 0, 0), unbeaten[i].head);
		fake_run_ms(w->net, 59 * 1000);
		CHECK_EQ(body_of(client).len, 0, "%s", unbeaten[i].name);
		world_close(w);
	}
}

TEST(a_close_delimited_event_stream_beats_too_and_its_end_is_a_last_chunk)
{
	struct world *w = world_open(with_heartbeats);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);
	char text[256];
	bool ended;

	fake_send(served,
		  "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
		  "data: x\n\n");
	fake_run_ms(w->net, 16 * 1000);
	fake_finish(served);
	fake_run_ms(w->net, 5);
	dechunk(body_of(client), text, &ended);
	CHECK_STR(text, "data: x\n\n: ping\n");
	CHECK(ended);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	world_close(w);
}

TEST(a_slow_reader_holds_its_sender_and_no_memory)
{
	static const struct fake_options options = { .window_bytes = 64 * 1024 };
	struct world *w = world_open_with(&options, NULL);
	struct fake_peer *client = world_ask(w, GET), *served;
	struct text piece = TEXT_INIT(64 * 1024);
	uint64_t sent = 0;

	served = world_served(w, 0, 0);
	fake_stop_reading(client);
	fake_send(served, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	text_add_str(&piece, "1000\r\n");
	for (unsigned i = 0; i < 0x1000; i++)
		text_add_char(&piece, (char)('a' + i % 26));
	text_add_str(&piece, "\r\n");
	for (unsigned i = 0; i < 256; i++) {
		fake_send_bytes(served, text_bytes(&piece));
		sent += piece.len;
		fake_run_ms(w->net, 10);
	}
	/* The client's window and the target's; ours between them is what is bounded. */
	CHECK(fake_unread_bytes(client) <= 64 * 1024);
	CHECK(world_counter(w, COUNTER_PROCESSED_BYTES) <= 64 * 1024 + 32 * 1024 + 1024,
	      "%" PRIu64 " bytes were taken", world_counter(w, COUNTER_PROCESSED_BYTES));
	CHECK_EQ(w->end_count, 0);

	/* It reads a little now and then for five minutes: slow is not idle. */
	for (unsigned i = 0; i < 10; i++) {
		fake_run_ms(w->net, 30 * 1000);
		fake_read(client, 64 * 1024);
	}
	CHECK_EQ(w->end_count, 0, "a paused target is not silent, a slow client is not idle");
	fake_resume_reading(client);
	fake_run_ms(w->net, 100);
	fake_send(served, "0\r\n\r\n");
	fake_run_ms(w->net, 100);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK_EQ(body_of(client).len, sent + 5, "nothing missing, nothing twice");
	text_fini(&piece);
	world_close(w);
}

TEST(a_client_that_never_reads_is_cut_after_the_idle_timeout)
{
	static const struct fake_options options = { .window_bytes = 4096 };
	struct world *w = world_open_with(&options, NULL);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);
	char piece[4096];

	fake_stop_reading(client);
	fake_send(served, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
	memset(piece, 'x', sizeof piece);
	for (unsigned i = 0; i < 30; i++)
		fake_send_bytes(served, bytes_make(piece, sizeof piece));
	fake_run_ms(w->net, 59 * 1000);
	CHECK_EQ(w->end_count, 0);
	fake_run_ms(w->net, 62 * 1000);
	CHECK_EQ(world_ended(w, 0)->reason, END_CLIENT_IDLE_TIMEOUT);
	CHECK(fake_ended(served) != ERR_OK);
	world_close(w);
}

struct rows {
	struct stream_row row;
	unsigned count, calls;
};

static void on_rows(void *owner, const struct stream_row *rows, unsigned count)
{
	struct rows *seen = owner;

	seen->calls++;
	seen->count = count;
	if (count)
		seen->row = rows[0];
}

TEST(the_live_table_shows_what_runs)
{
	struct world *w = world_open(with_heartbeats);
	struct rows rows = { .calls = 0 };

	world_ask(w, GET);
	CHECK_EQ(lb_open_streams(w->lb), 1);
	CHECK_EQ(world_gauge(w, GAUGE_STREAMS_ACTIVE), 1);
	CHECK_EQ(world_status(w, 0, 0).requests_in_flight, 1);
	lb_streams(w->lb, 10, on_rows, &rows);
	fake_run_ms(w->net, 0);
	CHECK_EQ(rows.calls, 1);
	CHECK_EQ(rows.count, 1);
	CHECK_STR(rows.row.stage, "waiting");
	CHECK_STR(rows.row.request, "GET /chat");
	CHECK_STR(rows.row.target, "10.0.0.0:8000");
	CHECK_STR(rows.row.load_balancer, "app/first/1");

	fake_send(world_served(w, 0, 0), SSE_HEAD "9\r\ndata: x\n\n\r\n");
	fake_run_ms(w->net, 20 * 1000);
	lb_streams(w->lb, 10, on_rows, &rows);
	fake_run_ms(w->net, 0);
	CHECK_STR(rows.row.stage, "streaming");
	CHECK_EQ(rows.row.status, 200);
	CHECK_EQ(rows.row.events, 1);
	CHECK_EQ(rows.row.heartbeats, 1);
	CHECK_EQ(rows.row.idle_ms, 20 * 1000);
	world_close(w);
}

TEST(a_large_body_is_received_as_the_client_takes_it)
{
	static const struct fake_options options = { .window_bytes = 256 * 1024 };
	enum { PIECE = 64 * 1024, PIECES = 32 };
	struct world *w = world_open_with(&options, NULL);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);
	char *piece = malloc(PIECE);
	uint64_t taken;

	memset(piece, 'x', PIECE);
	fake_stop_reading(client);
	fake_send(served, "HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n");
	for (unsigned i = 0; i < PIECES; i++)
		fake_send_bytes(served, bytes_make(piece, PIECE));
	fake_run_ms(w->net, 11 * 1000); /* over a progress record, which counts bytes */
	taken = world_counter(w, COUNTER_PROCESSED_BYTES);
	CHECK(taken <= 256 * 1024 + 32 * 1024 + 1024, "%" PRIu64 " bytes were taken", taken);
	fake_resume_reading(client);
	fake_run_ms(w->net, 1000);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	CHECK_EQ(body_of(client).len, PIECE * PIECES);
	free(piece);
	world_close(w);
}

TEST(fast_streams_pass_whatever_their_pace)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, GET), *served = world_served(w, 0, 0);

	fake_send(served, SSE_HEAD);
	for (unsigned i = 0; i < 400; i++) {
		fake_send(served, "9\r\ndata: x\n\n\r\n");
		fake_run_ms(w->net, i < 200 ? 10 : 50);
	}
	fake_send(served, "0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK_EQ(world_ended(w, 0)->events, 400);
	CHECK_EQ(world_count(body_of(client), "data: x\n\n"), 400);
	world_close(w);
}

TEST(any_cut_of_the_bytes_and_any_order_of_sockets_gives_the_same)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct fake_options options = { .cut_bytes = (uint32_t)(seed % 9 + 1),
						.seed = seed,
						.latency_ms = (uint32_t)(seed % 3),
						.window_bytes = 512 };
		struct world *w = world_open_with(&options, with_heartbeats);
		struct fake_peer *stream = world_ask(w, GET), *upload, *served;
		char text[4096];
		bool ended;

		fake_run_ms(w->net, 500);
		served = world_served(w, 0, 0);
		upload = world_ask(w,
				   "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n");
		for (unsigned i = 0; i < 200; i++)
			fake_send(upload, "0123456789");
		for (unsigned i = 0; i < 20; i++) {
			fake_send(served, i ? "9\r\ndata: x\n\n\r\n" : SSE_HEAD);
			fake_run_ms(w->net, seed % 2 ? 100 : 16 * 1000);
		}
		fake_send(served, "0\r\n\r\n");
		fake_run_ms(w->net, 1000);
		dechunk(body_of(stream), text, &ended);
		CHECK(ended, "seed %" PRIu64, seed);
		CHECK_EQ(world_count(bytes_of(text), "data: x\n\n"), 19, "seed %" PRIu64, seed);
		CHECK_EQ(strlen(text), 19 * 9 + 7 * world_count(bytes_of(text), ": ping\n"));
		served = world_served(w, 0, 1);
		CHECK_EQ(world_count(fake_received(served), "0123456789"), 200, "seed %" PRIu64,
			 seed);
		fake_send(served, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		fake_run_ms(w->net, 1000);
		if (seed % 2) /* else its own clock ran out long ago, as it should */
			CHECK(bytes_ends(fake_received(upload), BYTES("ok")));
		world_close(w);
	}
}
