/*
 * Client side: what targets answer, and what their owner hears, however the bytes are cut.
 * One exchange after another, ends and backpressure: client_reuse.c.
 */
#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/conn/client_stage.h"

/* ---- Responses ---- */

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

TEST(responses_are_heard_as_the_table_says_wherever_they_are_cut)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].response);

		for (size_t cut = 0; cut <= len; cut++) {
			struct client_stage stage;

			client_stage_open(&stage, NULL);
			stage.tunnel_at_head = true;
			client_stage_connect(&stage);
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
			client_stage_close(&stage);
		}
	}
}

TEST(responses_are_heard_alike_however_few_bytes_a_receive_takes)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (uint32_t bytes = 1; bytes < 20; bytes++) {
			struct fake_options options = { .cut_bytes = bytes };
			struct client_stage stage;

			client_stage_open(&stage, &options);
			stage.tunnel_at_head = true;
			client_stage_connect(&stage);
			ask(&stage, cases[i].method);
			fake_run_ms(stage.net, 1);
			fake_send(target_peer(&stage), cases[i].response);
			fake_run_ms(stage.net, 5);
			end_target(&stage, cases[i].ending);
			fake_run_ms(stage.net, 5);
			CHECK_STR(text_str(&stage.log), cases[i].log, "%s, %u at once",
				  cases[i].name, bytes);
			client_stage_close(&stage);
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
		struct client_stage stage;

		client_stage_open(&stage, NULL);
		client_stage_connect(&stage);
		CHECK_OK(exchange_open(stage.conn, &client_stage_events, &stage, &stage.x));
		CHECK_OK(exchange_send_head(stage.x, &head));
		CHECK_EQ(exchange_send_data(stage.x, bytes_of(requests[i].body), true), CONN_OK);
		CHECK_EQ(exchange_sent_bytes(stage.x), strlen(requests[i].wire));
		fake_run_ms(stage.net, 1);
		CHECK_BYTES(fake_received(target_peer(&stage)), requests[i].wire, "%s",
			    requests[i].name);
		exchange_close(stage.x);
		stage.x = NULL;
		fake_run_ms(stage.net, 1);
		client_stage_close(&stage);
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
		struct client_stage stage;

		client_stage_open(&stage, NULL);
		fake_set_mode(stage.target, modes[i].mode);
		client_stage_start(&stage, 1000);
		fake_run_ms(stage.net, 999);
		CHECK(modes[i].mode != FAKE_HANG || stage.log.len == 0);
		fake_run_ms(stage.net, 1000);
		CHECK_STR(text_str(&stage.log), modes[i].log);
		client_stage_close(&stage);
	}
}

TEST(a_connect_may_be_given_up)
{
	struct client_stage stage;

	client_stage_open(&stage, NULL);
	fake_set_mode(stage.target, FAKE_HANG);
	client_stage_start(&stage, 1000);
	fake_run_ms(stage.net, 10);
	conn_destroy(stage.conn);
	stage.conn = NULL;
	fake_run_ms(stage.net, 2000);
	CHECK_STR(text_str(&stage.log), "");
	client_stage_close(&stage);
}
