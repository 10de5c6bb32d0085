/* HTTP/2 in front, behind, and through: who can be sent what, windows, resets, GOAWAY, trailers. */
#include "tests/scenario/balancer/world.h"
#include "tests/unit/conn/h2_peer.h"

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void clear_http2(struct world *w)
{
	w->listeners[0].http2_clear = true;
	w->groups[0].config.health.interval_ms = 300 * 1000;
}

static struct world *front(void)
{
	return world_open(clear_http2);
}

static void connect_to(struct world *w, struct h2_peer *client)
{
	h2_peer_connect(client, w->net, "192.0.2.77:5000", "127.0.0.1:80");
	fake_run_ms(w->net, 1);
	h2_peer_log(client);
}

static void finish(struct world *w, struct h2_peer *client)
{
	if (fake_is_open(client->peer))
		fake_close(client->peer);
	fake_run_ms(w->net, 5);
	h2_peer_fini(client);
	world_close(w);
}

/* ---- HTTP/2 in front of HTTP/1.1 ---- */

TEST(a_stream_becomes_a_request_of_http1)
{
	struct world *w = front();
	struct h2_peer client = { .fields = true };
	struct fake_peer *served;

	connect_to(w, &client);
	h2_peer_request(&client, "GET", "/a?b", "x-mixed: Case\ncookie: a=1\ncookie: b=2\n", true);
	fake_run_ms(w->net, 1);
	served = world_served(w, 0, 0);
	CHECK(bytes_starts(fake_received(served), BYTES("GET /a?b HTTP/1.1\r\n")));
	CHECK(world_has(fake_received(served), "\r\nHost: a.example\r\n"));
	CHECK(world_has(fake_received(served), "\r\nx-mixed: Case\r\n"), "names stay as they came");
	CHECK(world_has(fake_received(served), "\r\ncookie: a=1; b=2\r\n"));
	fake_send(served, "HTTP/1.1 200 OK\r\nServer: s\r\nConnection: keep-alive\r\n"
			  "Content-Length: 2\r\n\r\nok");
	fake_run_ms(w->net, 1);
	CHECK_STR(h2_peer_log(&client),
		  "head 1 200\nfield 1 server: s\nfield 1 content-length: 2\ndata 1 ok\nend 1\n");
	CHECK(bytes_starts(bytes_of(world_ended(w, 0)->line), BYTES("h2 ")));
	CHECK(world_has(bytes_of(world_ended(w, 0)->line), "HTTP/2.0\" "));
	finish(w, &client);
}

static void clear_http2_to_a_function(struct world *w)
{
	clear_http2(w);
	w->groups[0].config.function = true;
	w->groups[0].config.health.disabled = true;
}

TEST(a_function_answers_each_stream)
{
	struct world *w = world_open(clear_http2_to_a_function);
	struct h2_peer client = { 0 };

	connect_to(w, &client);
	h2_peer_request(&client, "GET", "/f?x=1", "", true);
	h2_peer_request(&client, "GET", "/g", "", true);
	fake_run_ms(w->net, 1);
	CHECK(world_has(bytes_of(world_call(w, 0)->event), "\"path\":\"/f\""));
	CHECK(world_has(bytes_of(world_call(w, 0)->event), "\"host\":\"a.example\""));
	world_answer(w, world_call(w, 1), FUNCTION_ANSWERED,
		     "{\"statusCode\":200,\"headers\":{},\"body\":\"second\"}");
	CHECK_STR(h2_peer_log(&client), "head 3 200\ndata 3 second\nend 3\n");
	world_answer(w, world_call(w, 0), FUNCTION_UNHANDLED, "{}");
	CHECK(world_has(bytes_of(h2_peer_log(&client)), "head 1 502\n"));
	CHECK(bytes_starts(bytes_of(world_ended(w, 0)->line), BYTES("h2 ")));
	finish(w, &client);
}

TEST(each_token_reaches_its_own_stream_in_the_turn_it_came)
{
	struct world *w = front();
	struct h2_peer client = { 0 };
	struct fake_peer *served[3];

	connect_to(w, &client);
	for (unsigned i = 0; i < 3; i++)
		h2_peer_request(&client, "GET", "/", "", true);
	fake_run_ms(w->net, 1);
	for (unsigned i = 0; i < 3; i++) {
		served[i] = world_served(w, 0, i);
		fake_send(served[i], CHUNKED "5\r\nfirst\r\n");
	}
	fake_run_ms(w->net, 0);
	h2_peer_log(&client);
	fake_send(served[1], "3\r\ntwo\r\n");
	fake_run_ms(w->net, 0);
	CHECK_STR(h2_peer_log(&client), "data 3 two\n");
	fake_send(served[0], "3\r\none\r\n");
	fake_send(served[2], "0\r\n\r\n");
	fake_run_ms(w->net, 0);
	CHECK_STR(h2_peer_log(&client), "data 1 one\nend 5\n");
	finish(w, &client);
}

TEST(a_slow_stream_pauses_its_target_and_no_other)
{
	struct fake_options options = { .window_bytes = 128 * 1024 };
	struct world *w = world_open_with(&options, clear_http2);
	struct h2_peer client = { .keep_windows = true };
	struct fake_peer *slow, *quick;
	static char block[256 * 1024];
	size_t unread;

	connect_to(w, &client);
	h2_peer_open_window(&client, 0, 1 << 24);
	h2_peer_request(&client, "GET", "/slow", "", true);
	h2_peer_request(&client, "GET", "/quick", "", true);
	fake_run_ms(w->net, 1);
	slow = world_served(w, 0, 0);
	quick = world_served(w, 0, 1);
	fake_send(slow, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
	for (int i = 0; i < 4; i++)
		fake_send_bytes(slow, bytes_make(block, sizeof block));
	fake_run_ms(w->net, 1000);
	CHECK_EQ(client.data_bytes, 65535, "the stream's window");
	unread = client.data_bytes;
	fake_send(quick, CHUNKED "3\r\ntok\r\n");
	fake_run_ms(w->net, 0);
	CHECK_EQ(client.data_bytes, unread + 3);
	h2_peer_open_window(&client, 1, 1 << 21);
	fake_run_ms(w->net, 100);
	CHECK_EQ(client.data_bytes, 1048576 + 3);
	CHECK_EQ(world_ended(w, 0)->reason, END_COMPLETE);
	finish(w, &client);
}

TEST(a_client_that_opens_no_window_is_given_up_after_the_idle_timeout)
{
	struct world *w = front();
	struct h2_peer client = { .keep_windows = true };

	connect_to(w, &client);
	h2_peer_set_window(&client, 0);
	h2_peer_request(&client, "GET", "/", "", true);
	fake_run_ms(w->net, 1);
	fake_send(world_served(w, 0, 0), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	fake_run_ms(w->net, 59 * 1000);
	CHECK_STR(h2_peer_log(&client), "head 1 200\n");
	CHECK_EQ(w->end_count, 0);
	fake_run_ms(w->net, 2 * 1000);
	CHECK_EQ(world_ended(w, 0)->reason, END_CLIENT_IDLE_TIMEOUT);
	CHECK_STR(h2_peer_log(&client), "reset 1 2\n");
	finish(w, &client);
}

TEST(a_reset_ends_the_request_at_its_target_at_once)
{
	struct world *w = front();
	struct h2_peer client = { 0 };
	struct fake_peer *served[2];

	connect_to(w, &client);
	h2_peer_request(&client, "GET", "/", "", true);
	h2_peer_request(&client, "GET", "/", "", true);
	fake_run_ms(w->net, 1);
	for (unsigned i = 0; i < 2; i++) {
		served[i] = world_served(w, 0, i);
		fake_send(served[i], CHUNKED "1\r\nx\r\n");
	}
	fake_run_ms(w->net, 1);
	h2_peer_reset(&client, 1, NGHTTP2_CANCEL);
	fake_run_ms(w->net, 0);
	CHECK_EQ(fake_ended(served[0]), ERR_RESET);
	CHECK(fake_is_open(served[1]));
	CHECK_EQ(world_ended(w, 0)->reason, END_CLIENT_ABORT);
	finish(w, &client);
}

TEST(an_answer_that_a_target_breaks_off_looks_broken)
{
	struct world *w = front();
	struct h2_peer client = { 0 };

	connect_to(w, &client);
	h2_peer_request(&client, "GET", "/", "", true);
	fake_run_ms(w->net, 1);
	fake_send(world_served(w, 0, 0), CHUNKED "4\r\nhalf\r\n");
	fake_run_ms(w->net, 1);
	fake_close(world_served(w, 0, 0));
	fake_run_ms(w->net, 1);
	CHECK_STR(h2_peer_log(&client), "head 1 200\ndata 1 half\nreset 1 2\n");
	CHECK(fake_is_open(client.peer), "other streams would go on");
	finish(w, &client);
}

TEST(a_page_of_400_ends_its_stream_alone)
{
	struct world *w = front();
	struct h2_peer client = { 0 };

	connect_to(w, &client);
	h2_peer_request(&client, "GET", "nonsense", "", true);
	fake_run_ms(w->net, 1);
	h2_peer_request(&client, "TRACE", "/", "", true);
	fake_run_ms(w->net, 1);
	CHECK(strstr(h2_peer_log(&client), "head 3 405\n"));
	CHECK(fake_is_open(client.peer));
	finish(w, &client);
}

TEST(an_upload_waits_for_the_target_and_comes_complete)
{
	struct fake_options options = { .window_bytes = 8192 };
	struct world *w = world_open_with(&options, clear_http2);
	struct h2_peer client = { 0 };
	struct fake_peer *served;
	static char block[60000];

	connect_to(w, &client);
	h2_peer_request(&client, "POST", "/", "", false);
	fake_run_ms(w->net, 1);
	served = world_served(w, 0, 0);
	CHECK(world_has(fake_received(served), "Transfer-Encoding: chunked\r\n"));
	fake_stop_reading(served);
	h2_peer_data_bytes(&client, 1, bytes_make(block, sizeof block), false);
	fake_run_ms(w->net, 100);
	CHECK_EQ(nghttp2_session_get_stream_remote_window_size(client.session, 1), 65535,
		 "no window is given while the target does not read");
	fake_resume_reading(served);
	fake_run_ms(w->net, 100);
	CHECK(nghttp2_session_get_stream_remote_window_size(client.session, 1) > 65535);
	h2_peer_trailers(&client, 1, "x-sum: 7\n");
	fake_run_ms(w->net, 10);
	CHECK(bytes_ends(fake_received(served), BYTES("\r\n0\r\nx-sum: 7\r\n\r\n")),
	      "trailers pass from HTTP/2 to HTTP/1.1");
	fake_send(served, CHUNKED "2\r\nok\r\n0\r\nx-check: 9\r\n\r\n");
	fake_run_ms(w->net, 1);
	CHECK_STR(h2_peer_log(&client), "head 1 200\ndata 1 ok\ntrailer 1 x-check: 9\n");
	finish(w, &client);
}

TEST(a_listener_that_goes_lets_running_streams_finish)
{
	struct world *w = front();
	struct h2_peer client = { 0 };
	struct fake_peer *served;

	connect_to(w, &client);
	h2_peer_request(&client, "GET", "/", "", true);
	fake_run_ms(w->net, 1);
	served = world_served(w, 0, 0);
	fake_send(served, CHUNKED "1\r\nx\r\n");
	fake_run_ms(w->net, 1);
	h2_peer_log(&client);
	w->balancers[0].listener_count = 0;
	world_apply(w);
	fake_run_ms(w->net, 5);
	CHECK_STR(h2_peer_log(&client), "goaway 2147483647 0\ngoaway 1 0\n");
	fake_send(served, "3\r\nyet\r\n0\r\n\r\n");
	fake_run_ms(w->net, 5);
	CHECK_STR(h2_peer_log(&client), "data 1 yet\nend 1\nended CLOSED\n");
	finish(w, &client);
}

/* ---- HTTP/2 behind ---- */

/* Targets that speak HTTP/2: world.c's own speak HTTP/1.1 alone. */
struct side {
	struct world *w;
	struct h2_peer client;
	struct h2_peer target[8];
	unsigned target_count;
};

static struct side *current;
static const struct fake_script target_script;

static void http2_targets(struct world *w)
{
	clear_http2(w);
	w->target_script = &target_script;
	w->target_owner = current;
	w->groups[0].config.protocol_version = PROTOCOL_HTTP2;
}

static void grpc_targets(struct world *w)
{
	http2_targets(w);
	w->groups[0].config.protocol_version = PROTOCOL_GRPC;
	w->groups[0].config.health.path = BYTES("/AWS.ALB/healthcheck");
	w->groups[0].config.health.matcher = BYTES("12");
}

/* What the probe is answered; NULL: as one wants it. */
static const char *probed_fields;

static void on_open(struct fake_peer *peer, void *owner)
{
	struct side *side = owner;
	struct h2_peer *target = &side->target[side->target_count++];

	CHECK(side->target_count <= COUNT(side->target));
	if (side->target_count == 1) { /* the probe's */
		target->answer_status = "200";
		target->answer_fields = probed_fields ? probed_fields : "grpc-status: 12\n";
	}
	h2_peer_serve(target, peer);
}

static const struct fake_script target_script = { .on_open = on_open };

static void begin(struct side *side, void (*change)(struct world *w))
{
	*side = (struct side){ 0 };
	current = side;
	side->w = world_open(change);
	connect_to(side->w, &side->client);
}

static void end(struct side *side)
{
	if (fake_is_open(side->client.peer))
		fake_close(side->client.peer);
	fake_run_ms(side->w->net, 5);
	world_close(side->w);
	h2_peer_fini(&side->client);
	for (unsigned i = 0; i < side->target_count; i++)
		h2_peer_fini(&side->target[i]);
}

/* The connection that requests come on: the first was the probe's. */
static struct h2_peer *served(struct side *side)
{
	CHECK_EQ(side->target_count, 2, "one probe, and one connection for all streams");
	return &side->target[1];
}

TEST(streams_share_a_connection_to_their_target)
{
	struct side side;
	struct h2_peer *target;

	begin(&side, http2_targets);
	for (int i = 0; i < 3; i++)
		h2_peer_request(&side.client, "GET", i == 1 ? "/one" : "/", "te: trailers\n", true);
	fake_run_ms(side.w->net, 1);
	target = served(&side);
	CHECK_STR(h2_peer_log(target), "request 1 / end\nrequest 3 /one end\nrequest 5 / end\n");
	h2_peer_respond(target, 3, "200", "x: y\n", false);
	h2_peer_data(target, 3, "token", false);
	fake_run_ms(side.w->net, 0);
	CHECK_STR(h2_peer_log(&side.client), "head 3 200\ndata 3 token\n");
	h2_peer_trailers(target, 3, "grpc-status: 0\n");
	fake_run_ms(side.w->net, 0);
	CHECK_STR(h2_peer_log(&side.client), "trailer 3 grpc-status: 0\n");
	CHECK_EQ(side.w->end_count, 1);
	end(&side);
}

TEST(a_client_that_resets_resets_the_stream_at_the_target_and_no_other)
{
	struct side side;

	begin(&side, http2_targets);
	h2_peer_request(&side.client, "GET", "/", "", true);
	h2_peer_request(&side.client, "GET", "/", "", true);
	fake_run_ms(side.w->net, 1);
	h2_peer_log(served(&side));
	h2_peer_reset(&side.client, 1, NGHTTP2_CANCEL);
	fake_run_ms(side.w->net, 0);
	CHECK_STR(h2_peer_log(served(&side)), "reset 1 8\n");
	CHECK_EQ(side.w->end_count, 1);
	end(&side);
}

TEST(a_target_that_resets_is_a_bad_gateway_or_a_cut)
{
	struct side side;

	begin(&side, http2_targets);
	h2_peer_request(&side.client, "GET", "/", "", true);
	h2_peer_request(&side.client, "GET", "/", "", true);
	fake_run_ms(side.w->net, 1);
	h2_peer_respond(served(&side), 3, "200", "", false);
	h2_peer_data(served(&side), 3, "x", false);
	fake_run_ms(side.w->net, 1);
	h2_peer_log(&side.client);
	h2_peer_reset(served(&side), 1, NGHTTP2_INTERNAL_ERROR);
	h2_peer_reset(served(&side), 3, NGHTTP2_INTERNAL_ERROR);
	fake_run_ms(side.w->net, 1);
	CHECK(strstr(h2_peer_log(&side.client), "head 1 502\n"));
	CHECK_EQ(world_ended(side.w, 0)->reason, END_TARGET_RESET);
	CHECK_EQ(world_ended(side.w, 1)->reason, END_TARGET_TRUNCATED);
	end(&side);
}

TEST(a_request_that_a_target_did_not_look_at_is_sent_again)
{
	struct side side;

	begin(&side, http2_targets);
	h2_peer_request(&side.client, "POST", "/", "", true);
	fake_run_ms(side.w->net, 1);
	h2_peer_goaway(served(&side), 0, NGHTTP2_NO_ERROR);
	fake_run_ms(side.w->net, 1);
	CHECK_EQ(side.target_count, 3, "on a fresh connection");
	CHECK_STR(h2_peer_log(&side.target[2]), "request 1 / end\n");
	h2_peer_respond(&side.target[2], 1, "200", "", true);
	fake_run_ms(side.w->net, 1);
	CHECK_STR(h2_peer_log(&side.client), "head 1 200 end\n");
	CHECK_EQ(world_ended(side.w, 0)->attempt, 2);
	end(&side);
}

TEST(a_target_connection_is_closed_when_it_lies_idle)
{
	struct side side;

	begin(&side, http2_targets);
	h2_peer_request(&side.client, "GET", "/", "", true);
	fake_run_ms(side.w->net, 1);
	h2_peer_respond(served(&side), 1, "204", "", true);
	fake_run_ms(side.w->net, 50 * 1000);
	CHECK(fake_is_open(side.target[1].peer));
	fake_run_ms(side.w->net, 80 * 1000);
	CHECK(!fake_is_open(side.target[1].peer));
	end(&side);
}

TEST(a_complete_answer_outlives_its_target)
{
	static char block[50000];
	struct side side;

	begin(&side, http2_targets);
	h2_peer_fini(&side.client);
	fake_close(side.client.peer);
	side.client = (struct h2_peer){ .keep_windows = true };
	connect_to(side.w, &side.client);
	h2_peer_set_window(&side.client, 1000);
	h2_peer_request(&side.client, "GET", "/", "", true);
	fake_run_ms(side.w->net, 1);
	h2_peer_respond(served(&side), 1, "200", "", false);
	for (int i = 0; i < 5; i++) { /* in pieces, since the first that does not go pauses it */
		h2_peer_data_bytes(served(&side), 1, bytes_make(block, 10000), i == 4);
		fake_run_ms(side.w->net, 1);
	}
	fake_close(side.target[1].peer);
	fake_run_ms(side.w->net, 10);
	CHECK_EQ(side.client.data_bytes, 1000);
	CHECK_EQ(side.w->end_count, 0);
	h2_peer_open_window(&side.client, 1, 100000);
	fake_run_ms(side.w->net, 10);
	CHECK_EQ(side.client.data_bytes, sizeof block);
	CHECK_EQ(world_ended(side.w, 0)->reason, END_COMPLETE);
	end(&side);
}

TEST(an_answer_that_its_target_leaves_unfinished_is_cut)
{
	struct side side;

	begin(&side, http2_targets);
	h2_peer_request(&side.client, "GET", "/", "", true);
	fake_run_ms(side.w->net, 1);
	h2_peer_respond(served(&side), 1, "200", "", false);
	h2_peer_data(served(&side), 1, "half", false);
	fake_run_ms(side.w->net, 1);
	fake_close(side.target[1].peer);
	fake_run_ms(side.w->net, 1);
	CHECK_STR(h2_peer_log(&side.client), "head 1 200\ndata 1 half\nreset 1 2\n");
	CHECK_EQ(world_ended(side.w, 0)->reason, END_TARGET_TRUNCATED);
	end(&side);
}

TEST(a_target_that_is_slow_to_read_pauses_its_client_alone)
{
	static char block[60000];
	struct side side;
	struct h2_peer *target;

	begin(&side, http2_targets);
	h2_peer_request(&side.client, "POST", "/", "", false);
	h2_peer_request(&side.client, "POST", "/", "", false);
	fake_run_ms(side.w->net, 1);
	target = served(&side);
	target->deaf = true; /* its windows stay as they are: 64 KiB for each stream, and for all */
	h2_peer_data_bytes(&side.client, 1, bytes_make(block, sizeof block), false);
	fake_run_ms(side.w->net, 1);
	h2_peer_data_bytes(&side.client, 3, bytes_make(block, sizeof block), false);
	fake_run_ms(side.w->net, 1);
	CHECK(nghttp2_session_get_stream_remote_window_size(side.client.session, 1) > 65535,
	      "the first went through");
	CHECK(nghttp2_session_get_stream_remote_window_size(side.client.session, 3) < 65535 + 32768,
	      "the second waits");
	end(&side);
}

TEST(more_streams_than_one_connection_takes_go_on_another)
{
	struct side side;

	begin(&side, http2_targets);
	for (int i = 0; i < 120; i++)
		h2_peer_request(&side.client, "GET", "/", "", true);
	fake_run_ms(side.w->net, 5);
	CHECK_EQ(side.target_count, 3, "a probe, and two connections");
	end(&side);
}

TEST(a_body_streams_both_ways_at_the_same_time)
{
	struct side side;

	begin(&side, grpc_targets);
	h2_peer_request(&side.client, "POST", "/pkg.S/Chat", "content-type: application/grpc\n",
			false);
	fake_run_ms(side.w->net, 1);
	h2_peer_respond(served(&side), 1, "200", "content-type: application/grpc\n", false);
	for (int i = 0; i < 3; i++) {
		fake_run_ms(side.w->net, 50 * 1000);
		h2_peer_data(&side.client, 1, "ask", false);
		fake_run_ms(side.w->net, 0);
		CHECK(strstr(h2_peer_log(served(&side)), "data 1 ask\n"));
		h2_peer_log(&side.client);
		h2_peer_data(served(&side), 1, "tell", false);
		fake_run_ms(side.w->net, 0);
		CHECK_STR(h2_peer_log(&side.client), "data 1 tell\n");
	}
	h2_peer_trailers(served(&side), 1, "grpc-status: 0\n");
	fake_run_ms(side.w->net, 1);
	CHECK_EQ(world_ended(side.w, 0)->reason, END_COMPLETE);
	CHECK(bytes_starts(bytes_of(world_ended(side.w, 0)->line), BYTES("grpcs ")));
	CHECK_EQ(world_counter(side.w, COUNTER_GRPC_REQUESTS), 1);
	end(&side);
}

TEST(what_a_grpc_health_check_heard_is_logged)
{
	static const struct {
		const char *fields, *logged;
	} cases[] = {
		{ "grpc-status: 12\n", " group PASS 12 - app/first/1 node\n" },
		{ "grpc-status: 14\n", " group FAIL 14 GRPCUnexpectedStatus app/first/1 node\n" },
		{ "", " group FAIL - GRPCStatusHeaderEmpty app/first/1 node\n" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct side side;

		probed_fields = cases[i].fields;
		begin(&side, grpc_targets);
		CHECK(bytes_starts(bytes_of(side.w->probed), BYTES("grpc ")), "%s", side.w->probed);
		CHECK(bytes_ends(bytes_of(side.w->probed), bytes_of(cases[i].logged)), "%s",
		      side.w->probed);
		end(&side);
	}
	probed_fields = NULL;
}

TEST(an_error_for_a_grpc_client_is_a_grpc_status)
{
	struct side side;

	begin(&side, grpc_targets);
	side.client.fields = true;
	h2_peer_request(&side.client, "POST", "/pkg.S/M", "content-type: application/grpc\n", true);
	fake_run_ms(side.w->net, 1);
	h2_peer_reset(served(&side), 1, NGHTTP2_INTERNAL_ERROR);
	fake_run_ms(side.w->net, 1);
	{
		const char *log = h2_peer_log(&side.client);

		CHECK(strstr(log, "head 1 502 end\n"), "%s", log);
		CHECK(strstr(log, "field 1 grpc-status: 14\nfield 1 grpc-message: unavailable\n"));
	}
	end(&side);
}

/* ---- Who can be sent what ---- */

static void check_protocol(void (*change)(struct world *w), const char *method, const char *fields,
			   bool taken)
{
	struct side side;
	unsigned before;

	begin(&side, change);
	before = side.target_count;
	h2_peer_request(&side.client, method, "/", fields, true);
	fake_run_ms(side.w->net, 5);
	if (taken)
		CHECK(side.target_count > before || side.w->end_count == 0, "%s", fields);
	else
		CHECK_EQ(world_ended(side.w, 0)->elb_status, 464, "%s %s", method, fields);
	end(&side);
}

TEST(a_group_takes_what_its_protocol_version_allows)
{
	const char *grpc = "content-type: application/grpc+proto\n";

	check_protocol(http2_targets, "GET", "", true);
	check_protocol(http2_targets, "POST", grpc, true);
	check_protocol(grpc_targets, "POST", "", true);
	check_protocol(grpc_targets, "GET", "", false);
	check_protocol(grpc_targets, "POST", grpc, true);
}

TEST(http1_groups_take_no_grpc)
{
	struct world *w = front();
	struct h2_peer client = { .fields = true };
	const char *log;

	connect_to(w, &client);
	h2_peer_request(&client, "POST", "/", "content-type: application/grpc\n", true);
	fake_run_ms(w->net, 1);
	log = h2_peer_log(&client);
	CHECK(strstr(log, "head 1 464 end\n"), "%s", log);
	CHECK(strstr(log, "grpc-status: 2\n"));
	finish(w, &client);
}

static void http2_behind_http1(struct world *w)
{
	http2_targets(w);
	w->listeners[0].http2_clear = false;
}

TEST(http1_clients_are_not_for_http2_groups)
{
	struct side side = { 0 };
	struct fake_peer *client;

	current = &side;
	side.w = world_open(http2_behind_http1);
	client = world_ask(side.w, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 464 \r\n")));
	CHECK_EQ(world_ended(side.w, 0)->reason, END_PROTOCOL_MISMATCH);
	fake_close(client);
	world_close(side.w);
	for (unsigned i = 0; i < side.target_count; i++)
		h2_peer_fini(&side.target[i]);
}

TEST(a_clear_listener_refuses_http2)
{
	struct world *w = world_open(NULL);
	struct fake_peer *client = world_ask(w, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

	CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 ")));
	CHECK(!fake_is_open(client));
	world_close(w);
}
