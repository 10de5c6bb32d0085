/*
 * Server side, in time: idle clocks, hang-ups, slow readers, draining, and ends by halves.
 */
#include <stdio.h>

#include "conn/conn_internal.h"
#include "tests/check.h"
#include "tests/unit/conn/stage.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK_KEEP	  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"
#define OK_CLOSE  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

/* ---- Idle clocks ---- */

TEST(an_idle_connection_is_closed_without_a_word_when_its_time_is_over)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_run_ms(stage.net, 100);
	fake_send(stage.client, GET("/now"));
	fake_run_ms(stage.net, 59000);
	CHECK(fake_is_open(stage.client));
	fake_run_ms(stage.net, 1200);
	CHECK_EQ(fake_ended(stage.client), ERR_CLOSED);
	CHECK_EQ(fake_ended_ms(stage.client), 60100);
	CHECK_BYTES(fake_received(stage.client), OK_KEEP);
	stage_close(&stage);
}

TEST(a_connection_that_never_speaks_is_closed_too)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_run_ms(stage.net, 60010);
	CHECK_EQ(fake_ended(stage.client), ERR_CLOSED);
	CHECK_STR(stage_log(&stage), "closed\n");
	stage_close(&stage);
}

TEST(a_request_that_stalls_in_its_head_is_rejected_as_expired)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, "GET /now HTTP/1.1\r\nHo");
	fake_send_after(stage.client, 30000, "st:");
	fake_run_ms(stage.net, 89000);
	CHECK_STR(stage_log(&stage), "", "each byte gives it time");
	fake_run_ms(stage.net, 2000);
	CHECK(bytes_starts(fake_received(stage.client), BYTES("HTTP/1.1 408 ")));
	CHECK_STR(stage_log(&stage), "rejected EXPIRED\nclosed\n");
	CHECK_EQ(fake_ended(stage.client), ERR_CLOSED);
	stage_close(&stage);
}

TEST(a_request_that_stalls_in_its_body_is_not_the_conns_affair)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
	fake_run_ms(stage.net, 300000);
	CHECK(fake_is_open(stage.client));
	CHECK_STR(stage_log(&stage), "exchange POST /echo LENGTH\n");
	stage_close(&stage);
}

TEST(an_answer_that_takes_hours_is_not_idle)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, GET("/never"));
	fake_run_ms(stage.net, 7200000);
	CHECK(fake_is_open(stage.client));
	CHECK_STR(stage_log(&stage), "exchange GET /never NONE\nbody \n");
	stage_close(&stage);
}

TEST(a_new_idle_time_acts_at_once)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_run_ms(stage.net, 5000);
	conn_set_idle_ms(stage.conn, 6000);
	fake_run_ms(stage.net, 2000);
	CHECK_EQ(fake_ended(stage.client), ERR_CLOSED);
	CHECK_EQ(fake_ended_ms(stage.client), 6000);
	stage_close(&stage);
}

TEST(an_old_connection_says_goodbye_with_its_next_answer)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_close(stage.client);
	fake_run_ms(stage.net, 10);
	stage.keep_alive_ms = 20000;
	stage_connect(&stage);
	fake_send(stage.client, GET("/now"));
	fake_run_ms(stage.net, 19000);
	CHECK_BYTES(fake_take(stage.client), OK_KEEP);
	fake_run_ms(stage.net, 2000);
	CHECK(fake_is_open(stage.client));
	fake_send(stage.client, GET("/now"));
	fake_run_ms(stage.net, 10);
	CHECK_BYTES(fake_take(stage.client), OK_CLOSE);
	CHECK_EQ(fake_ended(stage.client), ERR_CLOSED);
	stage_close(&stage);
}

/* ---- Hang-ups ---- */

static void close_client(struct fake_peer *client)
{
	fake_close(client);
}

static const struct {
	const char *how;
	void (*leave)(struct fake_peer *client);
	const char *failed;
} departures[] = {
	{ "closing", close_client, "failed CLOSED\nclosed\n" },
	{ "half-closing", fake_finish, "failed CLOSED\nclosed\n" },
	{ "resetting", fake_reset, "failed RESET\nclosed\n" },
};

static const struct {
	const char *when, *request, *log;
	uint32_t after_ms;
} moments[] = {
	{ "while nothing is being sent", GET("/never"), "exchange GET /never NONE\nbody \n", 5 },
	{ "in the turn of the request", GET("/never"), "exchange GET /never NONE\nbody \n", 0 },
	{ "between two pieces of the answer", GET("/stream"), "exchange GET /stream NONE\nbody \n",
	  15 },
	{ "in the middle of the body",
	  "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
	  "exchange POST /echo LENGTH\nbody half~\n", 5 },
	{ "while paused with bytes unread",
	  "POST /pause HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf",
	  "exchange POST /pause LENGTH\n", 5 },
	{ "with the next request already there", GET("/never") GET("/now"),
	  "exchange GET /never NONE\nbody \n", 5 },
};

TEST(a_client_that_leaves_is_heard_at_once_whatever_goes_on)
{
	for (size_t i = 0; i < COUNT(moments); i++) {
		for (size_t k = 0; k < COUNT(departures); k++) {
			char want[200];
			struct stage stage;

			stage_open(&stage, NULL);
			fake_send(stage.client, moments[i].request);
			fake_run_ms(stage.net, moments[i].after_ms);
			departures[k].leave(stage.client);
			fake_run_ms(stage.net, 0);
			snprintf(want, sizeof want, "%s%s", moments[i].log, departures[k].failed);
			/* Unread bytes make a closing process send RST; either is its leaving. */
			if (moments[i].after_ms || departures[k].leave != fake_reset)
				CHECK_STR(stage_log(&stage), want, "%s %s", departures[k].how,
					  moments[i].when);
			stage_close(&stage);
		}
	}
}

TEST(a_client_that_leaves_between_requests_ends_the_connection_quietly)
{
	static const char *const begun[] = { "", "\r\n", "GET /now HT" };

	for (size_t i = 0; i < COUNT(begun); i++) {
		for (size_t k = 0; k < COUNT(departures); k++) {
			struct stage stage;

			stage_open(&stage, NULL);
			fake_send(stage.client, begun[i]);
			fake_run_ms(stage.net, 5);
			departures[k].leave(stage.client);
			fake_run_ms(stage.net, 0);
			CHECK_STR(stage_log(&stage), "closed\n", "%s after \"%s\"",
				  departures[k].how, begun[i]);
			stage_close(&stage);
		}
	}
}

TEST(a_client_that_closes_its_side_after_the_answer_was_sent_has_not_left)
{
	struct fake_options options = { .window_bytes = 4096 };
	struct stage stage;

	/* The answer is complete but for what the client has yet to read. */
	stage_open(&stage, &options);
	fake_stop_reading(stage.client);
	fake_send(stage.client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 16000\r\n\r\n");
	for (unsigned i = 0; i < 1000; i++)
		fake_send(stage.client, "sixteen bytes ok");
	fake_run_ms(stage.net, 100);
	CHECK(strstr(stage_log(&stage), "body sixteen") != NULL);
	fake_finish(stage.client);
	fake_run_ms(stage.net, 10);
	fake_resume_reading(stage.client);
	fake_run_ms(stage.net, 10);
	CHECK(bytes_ends(fake_received(stage.client), BYTES("sixteen bytes ok")));
	CHECK(!strstr(stage_log(&stage), "failed"));
	CHECK(strstr(stage_log(&stage), "closed") != NULL);
	stage_close(&stage);
}

/* ---- Slow readers ---- */

TEST(a_client_that_never_reads_holds_a_bounded_queue)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_stop_reading(stage.client);
	fake_send(stage.client, GET("/large"));
	fake_run_ms(stage.net, 10000);
	CHECK(stage.sent_bytes < LARGE_BYTES);
	CHECK(stage.queued_most > 0);
	CHECK(stage.queued_most <= 16 * 1024 + 100, "%zu bytes are kept", stage.queued_most);
	CHECK(stage.x != NULL);
	stage_close(&stage);
}

TEST(a_slow_reader_gets_everything)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_stop_reading(stage.client);
	fake_send(stage.client, GET("/large"));
	fake_run_ms(stage.net, 1);
	for (unsigned i = 0; i < 2000 && stage.x; i++) {
		fake_read(stage.client, 10000);
		fake_run_ms(stage.net, 1);
	}
	CHECK(!stage.x && fake_received(stage.client).len > LARGE_BYTES - 100000);
	CHECK(stage.queued_most <= 16 * 1024 + 100);
	fake_resume_reading(stage.client);
	fake_run_ms(stage.net, 1);
	CHECK(bytes_ends(fake_received(stage.client), BYTES("\r\n0\r\n\r\n")));
	CHECK(fake_received(stage.client).len > LARGE_BYTES);
	CHECK_STR(stage_log(&stage), "exchange GET /large NONE\nbody \n");
	stage_close(&stage);
}

TEST(an_answer_that_nobody_fetches_ends_with_the_idle_time)
{
	struct fake_options options = { .window_bytes = 1024 };
	struct stage stage;

	stage_open(&stage, &options);
	fake_stop_reading(stage.client);
	fake_send(stage.client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n");
	for (unsigned i = 0; i < 500; i++)
		fake_send(stage.client, "sixteen bytes ok");
	fake_run_ms(stage.net, 59000);
	CHECK(stage.conn != NULL && stage.x == NULL);
	fake_run_ms(stage.net, 2000);
	CHECK(!stage.conn, "the queue did not move for idle_ms");
	stage_close(&stage);
}

/* ---- Pipelining ---- */

TEST(early_requests_are_kept_within_bounds_and_all_answered)
{
	struct stage stage;
	unsigned answers = 0;
	struct bytes rest;

	stage_open(&stage, NULL);
	fake_send(stage.client, GET("/stream"));
	for (unsigned i = 0; i < 5000; i++)
		fake_send(stage.client, GET("/now"));
	fake_run_ms(stage.net, 5);
	CHECK_STR(stage_log(&stage), "exchange GET /stream NONE\nbody \n");
	fake_run_ms(stage.net, 1000);
	rest = fake_received(stage.client);
	for (size_t at; (at = bytes_find(rest, BYTES(OK_KEEP))) != SIZE_MAX; answers++)
		rest = bytes_from(rest, at + strlen(OK_KEEP));
	CHECK_EQ(answers, 5000);
	stage_close(&stage);
}

/* ---- Ends by halves ---- */

static void send_upload(struct stage *stage, const char *path, size_t length, size_t sent)
{
	char head[200];

	snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
		 path, length);
	fake_send(stage->client, head);
	for (size_t i = 0; i < sent; i += 16)
		fake_send(stage->client, "sixteen bytes ok");
}

TEST(an_early_answer_to_a_long_request_can_be_read_before_the_end)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_stay_open(stage.client);
	send_upload(&stage, "/now", 1 << 20, 100000);
	fake_run_ms(stage.net, 10);
	CHECK_BYTES(fake_received(stage.client), OK_CLOSE);
	CHECK_EQ(fake_ended(stage.client), ERR_CLOSED, "a FIN, no RST, though bytes were unread");
	CHECK_STR(stage_log(&stage), "exchange POST /now LENGTH\n");
	send_upload(&stage, "/now", 100, 100000);
	fake_run_ms(stage.net, 2000);
	CHECK(stage.conn != NULL, "it lingers");
	fake_run_ms(stage.net, 1010);
	CHECK(!stage.conn, "not for ever");
	stage_close(&stage);
}

TEST(a_client_that_has_read_its_early_answer_ends_the_lingering)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_stay_open(stage.client);
	send_upload(&stage, "/now", 1 << 20, 100000);
	fake_run_ms(stage.net, 10);
	fake_close(stage.client);
	fake_run_ms(stage.net, 1);
	CHECK(!stage.conn);
	stage_close(&stage);
}

TEST(a_client_that_has_said_its_last_word_need_not_be_waited_for)
{
	struct fake_options options = { .window_bytes = 1024 };
	struct stage stage;

	stage_open(&stage, &options);
	fake_stay_open(stage.client);
	fake_stop_reading(stage.client);
	send_upload(&stage, "/early", 1 << 20, 160);
	fake_run_ms(stage.net, 10);
	fake_finish(stage.client);
	fake_run_ms(stage.net, 10);
	CHECK(stage.conn != NULL, "the answer is not yet fetched");
	fake_resume_reading(stage.client);
	fake_run_ms(stage.net, 10);
	CHECK(fake_received(stage.client).len > 8000);
	CHECK(!stage.conn);
	stage_close(&stage);
}

TEST(a_short_unread_body_is_thrown_away_when_it_comes)
{
	struct stage stage;

	stage_open(&stage, NULL);
	send_upload(&stage, "/now", 4800, 1600);
	fake_run_ms(stage.net, 1000);
	CHECK_BYTES(fake_take(stage.client), OK_KEEP);
	for (unsigned i = 0; i < 200; i++)
		fake_send(stage.client, "sixteen bytes ok");
	fake_send(stage.client, GET("/now"));
	fake_run_ms(stage.net, 10);
	CHECK_BYTES(fake_take(stage.client), OK_KEEP);
	CHECK_STR(stage_log(&stage), "exchange POST /now LENGTH\nexchange GET /now NONE\n");
	stage_close(&stage);
}

TEST(an_unread_body_without_a_known_end_is_thrown_away_up_to_a_limit)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client,
		  "POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (unsigned i = 0; i < 20000; i++)
		fake_send(stage.client, "4\r\nbyte\r\n");
	fake_run_ms(stage.net, 100);
	CHECK_BYTES(fake_take(stage.client), OK_KEEP);
	CHECK_EQ(fake_ended(stage.client), ERR_CLOSED);
	stage_close(&stage);
}

/* ---- Draining and destroying ---- */

TEST(draining_closes_an_idle_connection_now)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, GET("/now"));
	fake_run_ms(stage.net, 10);
	conn_drain(stage.conn);
	CHECK_STR(stage_log(&stage), "exchange GET /now NONE\n", "not inside the call");
	fake_run_ms(stage.net, 0);
	CHECK_STR(stage_log(&stage), "exchange GET /now NONE\nclosed\n");
	CHECK_EQ(fake_ended(stage.client), ERR_CLOSED);
	stage_close(&stage);
}

TEST(draining_lets_a_running_answer_end_and_says_close)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\no");
	fake_run_ms(stage.net, 10);
	conn_drain(stage.conn);
	fake_send(stage.client, "k" GET("/now"));
	fake_run_ms(stage.net, 10);
	CHECK_BYTES(fake_received(stage.client), OK_CLOSE);
	CHECK_STR(stage_log(&stage), "exchange POST /echo LENGTH\nbody ok\nclosed\n");
	stage_close(&stage);
}

TEST(draining_answers_a_request_whose_head_has_begun)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, "GET /now HTTP/1.1\r\n");
	fake_run_ms(stage.net, 10);
	conn_drain(stage.conn);
	fake_run_ms(stage.net, 10);
	fake_send(stage.client, "Host: a\r\n\r\n");
	fake_run_ms(stage.net, 10);
	CHECK_BYTES(fake_received(stage.client), OK_CLOSE);
	stage_close(&stage);
}

TEST(a_connection_may_be_destroyed_inside_a_callback)
{
	struct stage stage;

	stage_open(&stage, NULL);
	stage.destroy_in_callback = true;
	fake_send(stage.client,
		  "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "1\r\na\r\n"
		  "1\r\nb\r\n");
	fake_run_ms(stage.net, 10);
	CHECK_STR(stage_log(&stage), "exchange POST /echo CHUNKED\nbody ab~\nfailed CANCELLED\n");
	CHECK(!fake_is_open(stage.client));
	stage_close(&stage);
}

TEST(destroying_in_the_middle_of_an_answer_looks_cut)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, GET("/stream"));
	fake_run_ms(stage.net, 15);
	conn_destroy(stage.conn);
	stage.conn = NULL;
	fake_run_ms(stage.net, 1);
	CHECK_EQ(fake_ended(stage.client), ERR_RESET);
	CHECK(strstr(stage_log(&stage), "failed CANCELLED\n") != NULL);
	stage_close(&stage);
}

/* ---- Tunnels ---- */

#define UPGRADE \
	"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"

TEST(a_tunnels_end_is_told_behind_its_last_bytes)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, UPGRADE);
	fake_run_ms(stage.net, 10);
	fake_take(stage.client);
	fake_send(stage.client, "ping");
	fake_finish(stage.client);
	fake_run_ms(stage.net, 10);
	CHECK_BYTES(fake_take(stage.client), "pingbye");
	CHECK_EQ(fake_ended(stage.client), ERR_CLOSED);
	CHECK_STR(stage_log(&stage), "exchange GET /tunnel NONE\nbody ping\nclosed\n");
	stage_close(&stage);
}

TEST(a_tunnel_hears_a_reset)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, UPGRADE);
	fake_run_ms(stage.net, 10);
	fake_reset(stage.client);
	fake_run_ms(stage.net, 10);
	CHECK_STR(stage_log(&stage), "exchange GET /tunnel NONE\nfailed RESET\nclosed\n");
	stage_close(&stage);
}

TEST(a_head_leaves_with_the_first_piece_and_a_lone_head_in_the_same_millisecond)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, GET("/stream"));
	fake_run_ms(stage.net, 1);
	CHECK(bytes_starts(fake_received(stage.client), BYTES("HTTP/1.1 200 OK\r\n")));
	CHECK_EQ(fake_received_ms(stage.client, 0), 0, "it did not wait for a body");
	stage_close(&stage);
}

/* ---- Memory and room ---- */

TEST(an_idle_stream_owns_nothing_but_its_connection)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client, GET("/stream"));
	fake_run_ms(stage.net, 15);
	CHECK(stage.x != NULL && bytes_ends(fake_received(stage.client), BYTES("tick\r\n")));
	CHECK(!stage.conn->queue && !stage.conn->kept);
	CHECK(!stage.conn->h1.parser.memory, "its head was forgotten");
	fake_run_ms(stage.net, 15);
	CHECK(!stage.x && !stage.conn->queue && !stage.conn->kept);
	CHECK(!stage.conn->h1.parser.memory, "nor between requests");
	stage_close(&stage);
}

TEST(a_hint_makes_receives_larger_within_what_the_body_has_left)
{
	static const struct {
		const char *head;
		uint32_t hint;
		size_t most;
	} hints[] = {
		{ "Content-Length: 1000000", 0, 16 * 1024 },
		{ "Content-Length: 1000000", 60000, 60000 },
		{ "Content-Length: 20000", 60000, 20000 },
		{ "Content-Length: 1000000", 1000, 16 * 1024 },
		{ "Transfer-Encoding: chunked", 60000, 32 * 1024 },
	};

	for (size_t i = 0; i < COUNT(hints); i++) {
		struct fake_options options = { .window_bytes = 200000 };
		struct stage stage;
		char request[200];

		stage_open(&stage, &options);
		snprintf(request, sizeof request, "POST /never HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
			 hints[i].head);
		fake_send(stage.client, request);
		fake_run_ms(stage.net, 5);
		exchange_receive_hint(stage.x, hints[i].hint);
		fake_send(stage.client, strstr(hints[i].head, "chunked") ? "186A0\r\n" : "");
		for (unsigned k = 0; k < 2500; k++)
			fake_send(stage.client, "sixteen bytes ok");
		fake_run_ms(stage.net, 5);
		CHECK_EQ(stage.piece_most, size_min(hints[i].most, 40000), "hint %zu", i);
		stage_close(&stage);
	}
}

TEST(bytes_of_ones_own_go_between_chunks_only)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client,
		  "POST /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	fake_run_ms(stage.net, 1);
	CHECK(exchange_can_insert(stage.x), "before the first");
	fake_send(stage.client, "5\r\nab");
	fake_run_ms(stage.net, 1);
	CHECK(!exchange_can_insert(stage.x));
	fake_send(stage.client, "cde\r\n");
	fake_run_ms(stage.net, 1);
	CHECK(exchange_can_insert(stage.x));
	CHECK_EQ(exchange_send_data(stage.x, BYTES(": ping\n"), false), CONN_OK);
	fake_send(stage.client, "0\r");
	fake_run_ms(stage.net, 1);
	CHECK(!exchange_can_insert(stage.x));
	fake_send(stage.client, "\n\r\n");
	fake_run_ms(stage.net, 1);
	CHECK(bytes_ends(fake_received(stage.client),
			 BYTES("\r\n\r\n5\r\nabcde\r\n7\r\n: ping\n\r\n0\r\n\r\n")));
	CHECK_STR(stage_log(&stage), "exchange POST /mirror CHUNKED\nbody abcde\n");
	stage_close(&stage);
}

TEST(an_end_in_the_middle_of_a_chunk_is_a_reset)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_send(stage.client,
		  "POST /mirror HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab");
	fake_run_ms(stage.net, 1);
	exchange_send_data(stage.x, BYTES_NONE, true);
	CHECK(stage.x != NULL, "not inside the call");
	fake_run_ms(stage.net, 1);
	CHECK_EQ(fake_ended(stage.client), ERR_RESET);
	CHECK(strstr(stage_log(&stage), "failed INVALID\nclosed\n") != NULL);
	stage_close(&stage);
}

TEST(room_is_what_would_pass_without_being_kept)
{
	struct fake_options options = { .window_bytes = 5000 };
	static const char block[6000];
	struct stage stage;
	size_t room;

	stage_open(&stage, &options);
	fake_stop_reading(stage.client);
	fake_send(stage.client, GET("/never"));
	fake_run_ms(stage.net, 5);
	CHECK_OK(exchange_send_head(stage.x, &(struct http_head){
						     .is_response = true,
						     .status = 200,
						     .framing = HTTP_BODY_LENGTH,
						     .length = sizeof block,
					     }));
	CHECK(!exchange_can_insert(stage.x), "its length is told");
	room = exchange_send_room(stage.x);
	CHECK(room > 4000 && room < 5000);
	CHECK_EQ(exchange_send_data(stage.x, bytes_make(block, room), false), CONN_OK);
	CHECK_EQ(exchange_queued_bytes(stage.x), 0);
	CHECK_EQ(exchange_send_room(stage.x), 0);
	CHECK_EQ(exchange_send_data(stage.x, bytes_make(block, 500), false), CONN_FULL);
	CHECK_EQ(exchange_queued_bytes(stage.x), 500);
	stage_close(&stage);
}
