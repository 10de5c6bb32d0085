/* Client side: between exchanges, ending early, holding back, what may not be sent. */
#include "tests/check.h"
#include "tests/unit/conn/client_stage.h"

/* ---- Between exchanges ---- */

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void ask_and_hear(struct client_stage *stage)
{
	ask(stage, "GET");
	fake_run_ms(stage->net, 1);
	fake_send(target_peer(stage), ok);
	fake_run_ms(stage->net, 1);
	CHECK_STR(text_str(&stage->log), "head 200\nbody ok\nidle reusable\n");
	text_clear(&stage->log);
}

TEST(a_connection_carries_one_exchange_after_another)
{
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	client_stage_connect(&stage);
	CHECK(!conn_was_used(stage.conn));
	ask_and_hear(&stage);
	CHECK_EQ(stage.received_bytes, sizeof ok - 1);
	CHECK(conn_was_used(stage.conn));
	for (unsigned i = 0; i < 10; i++)
		ask_and_hear(&stage);
	CHECK_EQ(fake_connects(stage.target), 1);
	client_stage_close(&stage);
}

TEST(one_exchange_at_a_time)
{
	struct exchange *other;
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	client_stage_connect(&stage);
	ask(&stage, "GET");
	CHECK(!conn_was_used(stage.conn));
	CHECK_ERR(exchange_open(stage.conn, &client_stage_events, &stage, &other), ERR_AGAIN);
	close_exchange(&stage);
	CHECK_ERR(exchange_open(stage.conn, &client_stage_events, &stage, &other), ERR_AGAIN);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "idle spent\n");
	client_stage_close(&stage);
}

TEST(an_idle_connection_that_its_target_leaves_is_told)
{
	for (enum ending ending = FIN; ending <= RST; ending++) {
		struct client_stage stage;

		client_stage_open(&stage, NULL);
		client_stage_connect(&stage);
		ask_and_hear(&stage);
		end_target(&stage, ending);
		fake_run_ms(stage.net, 0);
		CHECK_STR(text_str(&stage.log), "idle spent\n");
		CHECK(!stage.conn);
		client_stage_close(&stage);
	}
}

TEST(an_idle_connection_whose_target_speaks_unasked_is_spent)
{
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	client_stage_connect(&stage);
	ask_and_hear(&stage);
	fake_send(target_peer(&stage), ok);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "idle spent\n");
	client_stage_close(&stage);
}

TEST(bytes_behind_an_answer_spoil_the_connection_not_the_answer)
{
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	client_stage_connect(&stage);
	ask(&stage, "GET");
	fake_run_ms(stage.net, 1);
	fake_send(target_peer(&stage), ok);
	fake_send(target_peer(&stage), ok);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "head 200\nbody ok\nidle spent\n");
	client_stage_close(&stage);
}

TEST(a_target_that_left_while_idle_fails_the_next_request_as_used)
{
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	client_stage_connect(&stage);
	ask_and_hear(&stage);
	fake_finish(target_peer(&stage));
	ask(&stage, "GET"); /* before the FIN is heard */
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "failed CLOSED\nidle spent\n");
	client_stage_close(&stage);
}

TEST(an_idle_time_ends_an_unused_connection)
{
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	client_stage_connect(&stage);
	ask_and_hear(&stage);
	conn_set_idle_ms(stage.conn, 5000);
	fake_run_ms(stage.net, 4990);
	CHECK_STR(text_str(&stage.log), "");
	fake_run_ms(stage.net, 20);
	CHECK_STR(text_str(&stage.log), "idle spent\n");
	CHECK_EQ(fake_ended(target_peer(&stage)), ERR_CLOSED);
	client_stage_close(&stage);
}

/* ---- Ending early ---- */

TEST(closing_before_the_answer_is_complete_resets_the_target)
{
	static const char *const heard[] = { "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
					     "HTTP/1.1 200 OK\r\n\r\nhalf" };

	for (size_t i = 0; i < COUNT(heard); i++) {
		struct client_stage stage;

		client_stage_open(&stage, NULL);
		client_stage_connect(&stage);
		ask(&stage, "GET");
		fake_run_ms(stage.net, 1);
		fake_send(target_peer(&stage), heard[i]);
		fake_run_ms(stage.net, 1);
		close_exchange(&stage);
		fake_run_ms(stage.net, 0);
		CHECK_EQ(fake_ended(target_peer(&stage)), ERR_RESET);
		CHECK(bytes_ends(text_bytes(&stage.log), BYTES("idle spent\n")));
		client_stage_close(&stage);
	}
}

TEST(an_early_answer_ends_the_exchange_and_the_connection)
{
	struct http_head head = request("POST", HTTP_BODY_LENGTH, 100);
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	client_stage_connect(&stage);
	CHECK_OK(exchange_open(stage.conn, &client_stage_events, &stage, &stage.x));
	CHECK_OK(exchange_send_head(stage.x, &head));
	exchange_send_data(stage.x, BYTES("some"), false);
	fake_run_ms(stage.net, 1);
	fake_send(target_peer(&stage), ok);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "head 200\nbody ok\nidle spent\n");
	client_stage_close(&stage);
}

TEST(closing_inside_on_head_is_heard_by_nobody_else)
{
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	client_stage_connect(&stage);
	stage.close_at_head = true;
	ask(&stage, "GET");
	fake_run_ms(stage.net, 1);
	fake_send(target_peer(&stage), ok);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "head 200\nidle spent\n");
	client_stage_close(&stage);
}

/* ---- Holding back ---- */

TEST(a_paused_answer_waits_with_its_end)
{
	for (enum ending ending = STAYS; ending <= FIN; ending++) {
		struct client_stage stage;

		client_stage_open(&stage, NULL);
		client_stage_connect(&stage);
		stage.pause_at_head = true;
		ask(&stage, "GET");
		fake_run_ms(stage.net, 1);
		fake_send(target_peer(&stage), ok);
		end_target(&stage, ending);
		fake_run_ms(stage.net, 100);
		CHECK_STR(text_str(&stage.log), "head 200\n");
		exchange_resume(stage.x);
		fake_run_ms(stage.net, 1);
		CHECK(bytes_starts(text_bytes(&stage.log), BYTES("head 200\nbody ok\nidle ")));
		CHECK(bytes_ends(text_bytes(&stage.log),
				 ending == FIN ? BYTES("idle spent\n") : BYTES("idle reusable\n")));
		client_stage_close(&stage);
	}
}

TEST(a_paused_answer_holds_its_target_back)
{
	struct fake_options options = { .window_bytes = 20000 };
	static char block[1000];
	struct client_stage stage;

	client_stage_open(&stage, &options);
	client_stage_connect(&stage);
	stage.pause_at_head = true;
	ask(&stage, "GET");
	fake_run_ms(stage.net, 1);
	fake_send(target_peer(&stage), "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
	memset(block, 'x', sizeof block);
	for (unsigned i = 0; i < 1000; i++)
		fake_send_bytes(target_peer(&stage), bytes_make(block, sizeof block));
	fake_run_ms(stage.net, 100);
	CHECK(exchange_received_bytes(stage.x) < 1000);
	exchange_resume(stage.x);
	fake_run_ms(stage.net, 100);
	CHECK_EQ(stage.received_bytes, 1000000 + 44);
	client_stage_close(&stage);
}

TEST(a_target_that_does_not_read_fills_the_queue_and_drains_it_later)
{
	struct http_head head = request("POST", HTTP_BODY_CHUNKED, 0);
	struct fake_options options = { .window_bytes = 4096 };
	enum conn_room room = CONN_OK;
	struct client_stage stage;

	client_stage_open(&stage, &options);
	client_stage_connect(&stage);
	fake_stop_reading(target_peer(&stage));
	CHECK_OK(exchange_open(stage.conn, &client_stage_events, &stage, &stage.x));
	CHECK_OK(exchange_send_head(stage.x, &head));
	for (unsigned i = 0; i < 1000 && room == CONN_OK; i++)
		room = exchange_send_data(stage.x, BYTES("sixteen bytes ok"), false);
	CHECK_EQ(room, CONN_FULL);
	CHECK(exchange_queued_bytes(stage.x) > 0 && exchange_queued_bytes(stage.x) < 100);
	fake_run_ms(stage.net, 10);
	CHECK_STR(text_str(&stage.log), "");
	fake_resume_reading(target_peer(&stage));
	fake_run_ms(stage.net, 10);
	CHECK_STR(text_str(&stage.log), "drained\n");
	CHECK_EQ(exchange_queued_bytes(stage.x), 0);
	close_exchange(&stage);
	fake_run_ms(stage.net, 1);
	client_stage_close(&stage);
}

TEST(an_owner_that_ignores_full_is_stopped)
{
	struct http_head head = request("POST", HTTP_BODY_CHUNKED, 0);
	struct fake_options options = { .window_bytes = 4096 };
	struct client_stage stage;

	client_stage_open(&stage, &options);
	client_stage_connect(&stage);
	fake_stop_reading(target_peer(&stage));
	CHECK_OK(exchange_open(stage.conn, &client_stage_events, &stage, &stage.x));
	CHECK_OK(exchange_send_head(stage.x, &head));
	for (unsigned i = 0; i < 10000; i++) {
		exchange_send_data(stage.x, BYTES("sixteen bytes ok"), false);
		CHECK(exchange_queued_bytes(stage.x) <= CONN_QUEUE_MAX);
	}
	CHECK_STR(text_str(&stage.log), "", "not inside the call");
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "failed LIMIT\nidle spent\n");
	client_stage_close(&stage);
}

/* ---- What may not be sent ---- */

TEST(heads_that_would_write_lines_of_their_own_are_refused)
{
	static const struct http_field bad[] = {
		{ { "A", 1 }, { "b\r\nC: d", 7 } }, { { "A\r\n", 3 }, { "b", 1 } },
		{ { "A: b", 4 }, { "c", 1 } },	    { { "", 0 }, { "b", 1 } },
		{ { "A", 1 }, { "b\0c", 3 } },	    { { "A", 1 }, { "b\nc", 3 } },
	};
	struct http_head head;
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	client_stage_connect(&stage);
	CHECK_OK(exchange_open(stage.conn, &client_stage_events, &stage, &stage.x));
	for (size_t i = 0; i < COUNT(bad); i++) {
		head = request("GET", HTTP_BODY_NONE, 0);
		head.fields = &bad[i];
		CHECK_ERR(exchange_send_head(stage.x, &head), ERR_INVALID, "field %zu", i);
	}
	head = request("GET", HTTP_BODY_NONE, 0);
	head.target = BYTES("/a b");
	CHECK_ERR(exchange_send_head(stage.x, &head), ERR_INVALID);
	head = request("G T", HTTP_BODY_NONE, 0);
	CHECK_ERR(exchange_send_head(stage.x, &head), ERR_INVALID);
	head = request("GET", HTTP_BODY_CLOSE, 0);
	CHECK_ERR(exchange_send_head(stage.x, &head), ERR_INVALID);
	head = request("GET", HTTP_BODY_NONE, 0);
	CHECK_OK(exchange_send_head(stage.x, &head), "a good one may follow");
	fake_run_ms(stage.net, 1);
	CHECK_BYTES(fake_received(target_peer(&stage)), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	close_exchange(&stage);
	fake_run_ms(stage.net, 1);
	client_stage_close(&stage);
}
