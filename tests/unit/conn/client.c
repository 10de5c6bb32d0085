/*
 * Client side: what targets answer, and what their owner hears, however the bytes are cut.
 */
#include <stdio.h>

#include "base/text.h"
#include "conn/conn.h"
#include "tests/check.h"
#include "tests/scenario/fake_net.h"

/*
 * One target at 10.0.0.5:8000 and one conn to it. The log has a line per callback; pieces of a
 * body are joined:
 *
 *     connected [REFUSED]     interim 103     head 200     body hello     body hel~
 *     failed TRUNCATED        drained         idle reusable              idle spent
 */
struct stage {
	struct fake_net *net;
	struct loop *loop;
	struct fake_target *target;
	struct conn *conn;
	struct exchange *x;
	struct text log, body;
	bool close_at_head, pause_at_head, tunnel_at_head, keep_at_end;
	size_t received_bytes;
};

static void flush_body(struct stage *stage, const char *ending)
{
	if (stage->body.len || !*ending)
		text_printf(&stage->log, "body %s%s\n", text_str(&stage->body), ending);
	text_clear(&stage->body);
}

static void close_exchange(struct stage *stage)
{
	struct exchange *x = stage->x;

	stage->received_bytes = exchange_received_bytes(x);
	stage->x = NULL;
	exchange_close(x);
}

static void on_head(struct exchange *x, void *owner, const struct http_head *head)
{
	struct stage *stage = owner;

	CHECK(x == stage->x && head->is_response);
	text_printf(&stage->log, "%s %u\n", head->status < 200 ? "interim" : "head", head->status);
	if (head->status == 101 && stage->tunnel_at_head)
		exchange_tunnel(x);
	if (stage->pause_at_head)
		exchange_pause(x);
	if (stage->close_at_head)
		close_exchange(stage);
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct stage *stage = owner;

	CHECK(x == stage->x);
	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&stage->body, body->data[i]);
	if (!body->end)
		return;
	flush_body(stage, "");
	if (!stage->keep_at_end)
		close_exchange(stage);
}

static void on_drained(struct exchange *x, void *owner)
{
	struct stage *stage = owner;

	CHECK(x == stage->x);
	text_add_str(&stage->log, "drained\n");
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct stage *stage = owner;

	CHECK(x == stage->x);
	stage->x = NULL;
	flush_body(stage, "~");
	text_printf(&stage->log, "failed %s\n", err_name(why));
}

static const struct exchange_events exchange_events = { on_head, on_body, on_drained, on_failed };

static void on_connected(void *owner, struct conn *conn, err_t err)
{
	struct stage *stage = owner;

	CHECK(conn == stage->conn);
	text_printf(&stage->log, "connected%s%s\n", err ? " " : "", err ? err_name(err) : "");
}

static void on_idle(void *owner, struct conn *conn, bool reusable)
{
	struct stage *stage = owner;

	CHECK(conn == stage->conn);
	CHECK(!stage->x);
	text_printf(&stage->log, "idle %s\n", reusable ? "reusable" : "spent");
	if (reusable)
		return;
	conn_destroy(conn);
	stage->conn = NULL;
}

static const struct conn_client_events client_events = { on_connected, on_idle };

static void start_connect(struct stage *stage, uint32_t connect_ms)
{
	struct conn_client_options options = {
		.loop = stage->loop,
		.events = &client_events,
		.owner = stage,
		.connect_ms = connect_ms,
	};

	CHECK_OK(address_parse(BYTES("10.0.0.5:8000"), &options.to));
	CHECK_OK(conn_connect(&options, &stage->conn));
}

static void stage_open(struct stage *stage, const struct fake_options *options)
{
	*stage = (struct stage){ .log = TEXT_INIT(1 << 20), .body = TEXT_INIT(1 << 24) };
	stage->net = fake_net_create(options);
	CHECK_OK(loop_create(&stage->loop));
	stage->target = fake_listen(stage->net, "10.0.0.5:8000", NULL, NULL);
}

static void stage_connect(struct stage *stage)
{
	start_connect(stage, 1000);
	fake_run_ms(stage->net, 1);
	CHECK_STR(text_str(&stage->log), "connected\n");
	text_clear(&stage->log);
}

static void stage_close(struct stage *stage)
{
	conn_destroy(stage->conn);
	CHECK(!stage->x);
	fake_run_ms(stage->net, 10);
	CHECK_EQ(fake_open_count(stage->net), 0);
	loop_destroy(stage->loop);
	fake_net_destroy(stage->net);
	text_fini(&stage->log);
	text_fini(&stage->body);
}

static struct fake_peer *target_peer(struct stage *stage)
{
	return fake_last_accepted(stage->target);
}

/* ---- Requests ---- */

static struct http_field host_field[] = { { { "Host", 4 }, { "a", 1 } } };

static struct http_head request(const char *method, enum http_framing framing, uint64_t length)
{
	return (struct http_head){
		.method = bytes_of(method),
		.target = BYTES("/"),
		.framing = framing,
		.length = length,
		.fields = host_field,
		.field_count = 1,
	};
}

static void ask(struct stage *stage, const char *method)
{
	struct http_head head = request(method, HTTP_BODY_NONE, 0);

	if (strcmp(method, "UPGRADE") == 0) {
		head.method = BYTES("GET");
		head.flags = HTTP_FLAG_UPGRADE;
	}
	CHECK_OK(exchange_open(stage->conn, &exchange_events, stage, &stage->x));
	CHECK_OK(exchange_send_head(stage->x, &head));
}

/* ---- Responses ---- */

enum ending { STAYS, FIN, RST };

static const struct {
	const char *name, *method, *response;
	enum ending ending; /* what the target does after the bytes */
	const char *log;
} cases[] = {
	{ "a length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", STAYS,
	  "head 200\nbody hello\nidle reusable\n" },
	{ "chunks", "GET",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
	  STAYS, "head 200\nbody hello\nidle reusable\n" },
	{ "trailers", "GET",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\nA: b\r\n\r\n",
	  STAYS, "head 200\nbody he\nidle reusable\n" },
	{ "nothing", "GET", "HTTP/1.1 204 No Content\r\n\r\n", STAYS,
	  "head 204\nbody \nidle reusable\n" },
	{ "a length of nothing", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", STAYS,
	  "head 200\nbody \nidle reusable\n" },
	{ "to HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", STAYS,
	  "head 200\nbody \nidle reusable\n" },
	{ "until the end", "GET", "HTTP/1.1 200 OK\r\n\r\nhello", FIN,
	  "head 200\nbody hello\nidle spent\n" },
	{ "a reset is no end", "GET", "HTTP/1.1 200 OK\r\n\r\nhello", RST,
	  "head 200\nbody hello~\nfailed TRUNCATED\nidle spent\n" },
	{ "Connection: close", "GET",
	  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", FIN,
	  "head 200\nbody hello\nidle spent\n" },
	{ "Connection: close, and the target lingers", "GET",
	  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", STAYS,
	  "head 200\nbody hello\nidle spent\n" },
	{ "HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", STAYS,
	  "head 200\nbody hello\nidle spent\n" },
	{ "interim ones first", "GET",
	  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
	  "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	  STAYS, "interim 100\ninterim 103\nhead 200\nbody hello\nidle reusable\n" },
	{ "101 that nobody asked for", "GET",
	  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", STAYS,
	  "failed BAD_MESSAGE\nidle spent\n" },
	{ "101", "UPGRADE",
	  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw\r\n",
	  FIN, "interim 101\nbody raw\r\n\nidle spent\n" },
	{ "an upgrade refused", "UPGRADE", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	  STAYS, "head 200\nbody hello\nidle reusable\n" },
	{ "a FIN instead of an answer", "GET", "", FIN, "failed CLOSED\nidle spent\n" },
	{ "a reset instead of an answer", "GET", "", RST, "failed RESET\nidle spent\n" },
	{ "half a head", "GET", "HTTP/1.1 200 OK\r\nConte", FIN, "failed TRUNCATED\nidle spent\n" },
	{ "half a length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", FIN,
	  "head 200\nbody hel~\nfailed TRUNCATED\nidle spent\n" },
	{ "half a length, reset", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", RST,
	  "head 200\nbody hel~\nfailed TRUNCATED\nidle spent\n" },
	{ "chunks without the last", "GET",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", FIN,
	  "head 200\nbody he~\nfailed TRUNCATED\nidle spent\n" },
	{ "a bad chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nheX",
	  STAYS, "head 200\nbody he~\nfailed BAD_MESSAGE\nidle spent\n" },
	{ "no HTTP", "GET", "SSH-2.0-OpenSSH\r\n", STAYS, "failed BAD_MESSAGE\nidle spent\n" },
};

static void end_target(struct stage *stage, enum ending ending)
{
	if (ending == FIN)
		fake_finish(target_peer(stage));
	if (ending == RST)
		fake_reset(target_peer(stage));
}

TEST(responses_are_heard_as_the_table_says_wherever_they_are_cut)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].response);

		for (size_t cut = 0; cut <= len; cut++) {
			struct stage stage;

			stage_open(&stage, NULL);
			stage.tunnel_at_head = true;
			stage_connect(&stage);
			ask(&stage, cases[i].method);
			fake_run_ms(stage.net, 1);
			fake_send_bytes(target_peer(&stage), bytes_make(cases[i].response, cut));
			fake_run_ms(stage.net, 1);
			fake_send_bytes(target_peer(&stage),
					bytes_make(cases[i].response + cut, len - cut));
			/* A reset may overtake what was not yet read; here it was. */
			fake_run_ms(stage.net, cases[i].ending == RST ? 1 : 0);
			end_target(&stage, cases[i].ending);
			fake_run_ms(stage.net, 5);
			CHECK_STR(text_str(&stage.log), cases[i].log, "%s, cut at %zu",
				  cases[i].name, cut);
			stage_close(&stage);
		}
	}
}

TEST(responses_are_heard_alike_however_few_bytes_a_receive_takes)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (uint32_t bytes = 1; bytes < 20; bytes++) {
			struct fake_options options = { .cut_bytes = bytes };
			struct stage stage;

			stage_open(&stage, &options);
			stage.tunnel_at_head = true;
			stage_connect(&stage);
			ask(&stage, cases[i].method);
			fake_run_ms(stage.net, 1);
			fake_send(target_peer(&stage), cases[i].response);
			fake_run_ms(stage.net, 5);
			end_target(&stage, cases[i].ending);
			fake_run_ms(stage.net, 5);
			CHECK_STR(text_str(&stage.log), cases[i].log, "%s, %u at once",
				  cases[i].name, bytes);
			stage_close(&stage);
		}
	}
}

/* ---- Requests on the wire ---- */

static const struct {
	const char *name, *method;
	enum http_framing framing;
	uint64_t length;
	const char *body, *wire;
} requests[] = {
	{ "none", "GET", HTTP_BODY_NONE, 0, "", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" },
	{ "none where one is usual", "POST", HTTP_BODY_NONE, 0, "",
	  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" },
	{ "a length", "PUT", HTTP_BODY_LENGTH, 5, "hello",
	  "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" },
	{ "chunks", "POST", HTTP_BODY_CHUNKED, 0, "hello",
	  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "5\r\nhello\r\n0\r\n\r\n" },
	{ "frames", "POST", HTTP_BODY_FRAMES, 0, "hello",
	  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "5\r\nhello\r\n0\r\n\r\n" },
};

TEST(requests_go_out_framed_as_they_say)
{
	for (size_t i = 0; i < COUNT(requests); i++) {
		struct http_head head = request(requests[i].method, requests[i].framing,
						requests[i].length);
		struct stage stage;

		stage_open(&stage, NULL);
		stage_connect(&stage);
		CHECK_OK(exchange_open(stage.conn, &exchange_events, &stage, &stage.x));
		CHECK_OK(exchange_send_head(stage.x, &head));
		CHECK_EQ(exchange_send_data(stage.x, bytes_of(requests[i].body), true), CONN_OK);
		CHECK_EQ(exchange_sent_bytes(stage.x), strlen(requests[i].wire));
		fake_run_ms(stage.net, 1);
		CHECK_BYTES(fake_received(target_peer(&stage)), requests[i].wire, "%s",
			    requests[i].name);
		exchange_close(stage.x);
		stage.x = NULL;
		fake_run_ms(stage.net, 1);
		stage_close(&stage);
	}
}

/* ---- Connecting ---- */

TEST(failures_to_connect_are_told_once)
{
	static const struct {
		enum fake_mode mode;
		const char *log;
	} modes[] = {
		{ FAKE_REFUSE, "connected REFUSED\n" },
		{ FAKE_UNREACHABLE, "connected UNREACHABLE\n" },
		{ FAKE_HANG, "connected EXPIRED\n" },
	};

	for (size_t i = 0; i < COUNT(modes); i++) {
		struct stage stage;

		stage_open(&stage, NULL);
		fake_set_mode(stage.target, modes[i].mode);
		start_connect(&stage, 1000);
		fake_run_ms(stage.net, 999);
		CHECK(modes[i].mode != FAKE_HANG || stage.log.len == 0);
		fake_run_ms(stage.net, 1000);
		CHECK_STR(text_str(&stage.log), modes[i].log);
		stage_close(&stage);
	}
}

TEST(a_connect_may_be_given_up)
{
	struct stage stage;

	stage_open(&stage, NULL);
	fake_set_mode(stage.target, FAKE_HANG);
	start_connect(&stage, 1000);
	fake_run_ms(stage.net, 10);
	conn_destroy(stage.conn);
	stage.conn = NULL;
	fake_run_ms(stage.net, 2000);
	CHECK_STR(text_str(&stage.log), "");
	stage_close(&stage);
}

/* ---- Between exchanges ---- */

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void ask_and_hear(struct stage *stage)
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
	struct stage stage;

	stage_open(&stage, NULL);
	stage_connect(&stage);
	CHECK(!conn_was_used(stage.conn));
	ask_and_hear(&stage);
	CHECK_EQ(stage.received_bytes, sizeof ok - 1);
	CHECK(conn_was_used(stage.conn));
	for (unsigned i = 0; i < 10; i++)
		ask_and_hear(&stage);
	CHECK_EQ(fake_connects(stage.target), 1);
	stage_close(&stage);
}

TEST(one_exchange_at_a_time)
{
	struct exchange *other;
	struct stage stage;

	stage_open(&stage, NULL);
	stage_connect(&stage);
	ask(&stage, "GET");
	CHECK(!conn_was_used(stage.conn));
	CHECK_ERR(exchange_open(stage.conn, &exchange_events, &stage, &other), ERR_AGAIN);
	close_exchange(&stage);
	CHECK_ERR(exchange_open(stage.conn, &exchange_events, &stage, &other), ERR_AGAIN);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "idle spent\n");
	stage_close(&stage);
}

TEST(an_idle_connection_that_its_target_leaves_is_told)
{
	for (enum ending ending = FIN; ending <= RST; ending++) {
		struct stage stage;

		stage_open(&stage, NULL);
		stage_connect(&stage);
		ask_and_hear(&stage);
		end_target(&stage, ending);
		fake_run_ms(stage.net, 0);
		CHECK_STR(text_str(&stage.log), "idle spent\n");
		CHECK(!stage.conn);
		stage_close(&stage);
	}
}

TEST(an_idle_connection_whose_target_speaks_unasked_is_spent)
{
	struct stage stage;

	stage_open(&stage, NULL);
	stage_connect(&stage);
	ask_and_hear(&stage);
	fake_send(target_peer(&stage), ok);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "idle spent\n");
	stage_close(&stage);
}

TEST(bytes_behind_an_answer_spoil_the_connection_not_the_answer)
{
	struct stage stage;

	stage_open(&stage, NULL);
	stage_connect(&stage);
	ask(&stage, "GET");
	fake_run_ms(stage.net, 1);
	fake_send(target_peer(&stage), ok);
	fake_send(target_peer(&stage), ok);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "head 200\nbody ok\nidle spent\n");
	stage_close(&stage);
}

TEST(a_target_that_left_while_idle_fails_the_next_request_as_used)
{
	struct stage stage;

	stage_open(&stage, NULL);
	stage_connect(&stage);
	ask_and_hear(&stage);
	fake_finish(target_peer(&stage));
	ask(&stage, "GET"); /* before the FIN is heard */
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "failed CLOSED\nidle spent\n");
	stage_close(&stage);
}

TEST(an_idle_time_ends_an_unused_connection)
{
	struct stage stage;

	stage_open(&stage, NULL);
	stage_connect(&stage);
	ask_and_hear(&stage);
	conn_set_idle_ms(stage.conn, 5000);
	fake_run_ms(stage.net, 4990);
	CHECK_STR(text_str(&stage.log), "");
	fake_run_ms(stage.net, 20);
	CHECK_STR(text_str(&stage.log), "idle spent\n");
	CHECK_EQ(fake_ended(target_peer(&stage)), ERR_CLOSED);
	stage_close(&stage);
}

/* ---- Ending early ---- */

TEST(closing_before_the_answer_is_complete_resets_the_target)
{
	static const char *const heard[] = { "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
					     "HTTP/1.1 200 OK\r\n\r\nhalf" };

	for (size_t i = 0; i < COUNT(heard); i++) {
		struct stage stage;

		stage_open(&stage, NULL);
		stage_connect(&stage);
		ask(&stage, "GET");
		fake_run_ms(stage.net, 1);
		fake_send(target_peer(&stage), heard[i]);
		fake_run_ms(stage.net, 1);
		close_exchange(&stage);
		fake_run_ms(stage.net, 0);
		CHECK_EQ(fake_ended(target_peer(&stage)), ERR_RESET);
		CHECK(bytes_ends(text_bytes(&stage.log), BYTES("idle spent\n")));
		stage_close(&stage);
	}
}

TEST(an_early_answer_ends_the_exchange_and_the_connection)
{
	struct http_head head = request("POST", HTTP_BODY_LENGTH, 100);
	struct stage stage;

	stage_open(&stage, NULL);
	stage_connect(&stage);
	CHECK_OK(exchange_open(stage.conn, &exchange_events, &stage, &stage.x));
	CHECK_OK(exchange_send_head(stage.x, &head));
	exchange_send_data(stage.x, BYTES("some"), false);
	fake_run_ms(stage.net, 1);
	fake_send(target_peer(&stage), ok);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "head 200\nbody ok\nidle spent\n");
	stage_close(&stage);
}

TEST(closing_inside_on_head_is_heard_by_nobody_else)
{
	struct stage stage;

	stage_open(&stage, NULL);
	stage_connect(&stage);
	stage.close_at_head = true;
	ask(&stage, "GET");
	fake_run_ms(stage.net, 1);
	fake_send(target_peer(&stage), ok);
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "head 200\nidle spent\n");
	stage_close(&stage);
}

/* ---- Holding back ---- */

TEST(a_paused_answer_waits_with_its_end)
{
	for (enum ending ending = STAYS; ending <= FIN; ending++) {
		struct stage stage;

		stage_open(&stage, NULL);
		stage_connect(&stage);
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
		stage_close(&stage);
	}
}

TEST(a_paused_answer_holds_its_target_back)
{
	struct fake_options options = { .window_bytes = 20000 };
	static char block[1000];
	struct stage stage;

	stage_open(&stage, &options);
	stage_connect(&stage);
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
	stage_close(&stage);
}

TEST(a_target_that_does_not_read_fills_the_queue_and_drains_it_later)
{
	struct http_head head = request("POST", HTTP_BODY_CHUNKED, 0);
	struct fake_options options = { .window_bytes = 4096 };
	enum conn_room room = CONN_OK;
	struct stage stage;

	stage_open(&stage, &options);
	stage_connect(&stage);
	fake_stop_reading(target_peer(&stage));
	CHECK_OK(exchange_open(stage.conn, &exchange_events, &stage, &stage.x));
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
	stage_close(&stage);
}

TEST(an_owner_that_ignores_full_is_stopped)
{
	struct http_head head = request("POST", HTTP_BODY_CHUNKED, 0);
	struct fake_options options = { .window_bytes = 4096 };
	struct stage stage;

	stage_open(&stage, &options);
	stage_connect(&stage);
	fake_stop_reading(target_peer(&stage));
	CHECK_OK(exchange_open(stage.conn, &exchange_events, &stage, &stage.x));
	CHECK_OK(exchange_send_head(stage.x, &head));
	for (unsigned i = 0; i < 10000; i++) {
		exchange_send_data(stage.x, BYTES("sixteen bytes ok"), false);
		CHECK(exchange_queued_bytes(stage.x) <= CONN_QUEUE_MAX);
	}
	CHECK_STR(text_str(&stage.log), "", "not inside the call");
	fake_run_ms(stage.net, 1);
	CHECK_STR(text_str(&stage.log), "failed LIMIT\nidle spent\n");
	stage_close(&stage);
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
	struct stage stage;

	stage_open(&stage, NULL);
	stage_connect(&stage);
	CHECK_OK(exchange_open(stage.conn, &exchange_events, &stage, &stage.x));
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
	stage_close(&stage);
}
