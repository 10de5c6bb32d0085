/* HTTP/2, server side: messages and windows. */
#include "tests/unit/conn/h2_house.h"

/* ---- Messages ---- */

TEST(a_request_and_its_answer_pass)
{
	struct house *house = house_with_client();

	house->client.fields = true;
	h2_peer_request(&house->client, "GET", "/a?b", "cookie: one=1\nx: y\ncookie: two=2\n",
			true);
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->count, 1);
	CHECK_STR(house->visits[0].line, "GET /a?b a.example NONE");
	CHECK(house->visits[0].end, "a message without a body ends with an empty piece");
	visit_answer(&house->visits[0], "hello");
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client),
		  "head 1 200\nfield 1 content-type: text/event-stream\n"
		  "field 1 content-length: 5\ndata 1 hello\nend 1\n");
	house_close(house);
}

TEST(cookies_that_came_in_crumbs_are_one_line_and_host_is_the_authority)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "POST", "/", "cookie: one=1\nhost: evil\ncookie: two=2\n",
			false);
	fake_run_ms(house->net, 1);
	CHECK_STR(house->visits[0].line, "POST / a.example FRAMES");
	CHECK_STR(house->visits[0].cookie, "one=1; two=2");
	house_close(house);
}

TEST(a_body_comes_in_pieces_and_goes_back_with_trailers)
{
	struct house *house = house_with_client();
	struct http_field trailer = { BYTES("grpc-status"), BYTES("0") };
	struct http_body last = { .framing = HTTP_BODY_FRAMES,
				  .wire = BYTES("bye"),
				  .data = { BYTES("bye") },
				  .data_count = 1,
				  .end = true,
				  .trailers = &trailer,
				  .trailer_count = 1 };
	struct visit *v = &house->visits[0];

	h2_peer_request(&house->client, "POST", "/up", "", false);
	h2_peer_data(&house->client, 1, "one ", false);
	fake_run_ms(house->net, 1);
	CHECK_STR(text_str(&v->body), "one ");
	h2_peer_data(&house->client, 1, "two", false);
	h2_peer_trailers(&house->client, 1, "x-sum: 7\n");
	fake_run_ms(house->net, 1);
	CHECK_STR(text_str(&v->body), "one two");
	CHECK(v->end);
	CHECK_STR(v->trailers, "x-sum=7");
	visit_answer_head(v, HTTP_BODY_FRAMES, 0);
	exchange_send_body(v->x, &last);
	visit_leave(v);
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client),
		  "head 1 200\ndata 1 bye\ntrailer 1 grpc-status: 0\n");
	house_close(house);
}

TEST(an_answer_without_a_body_is_one_frame)
{
	struct house *house = house_with_client();
	struct http_head head = { .is_response = true, .status = 204 };

	h2_peer_request(&house->client, "GET", "/", "", true);
	h2_peer_request(&house->client, "HEAD", "/", "", true);
	fake_run_ms(house->net, 1);
	CHECK_OK(exchange_send_head(house->visits[0].x, &head));
	visit_leave(&house->visits[0]);
	visit_answer(&house->visits[1], "hello");
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client), "head 1 204 end\nhead 3 200 end\n");
	house_close(house);
}

TEST(hints_go_before_the_answer)
{
	struct house *house = house_with_client();
	struct http_head head = { .is_response = true, .status = 103 };

	h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 1);
	CHECK_OK(exchange_send_head(house->visits[0].x, &head));
	visit_answer(&house->visits[0], "x");
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client), "head 1 103\nhead 1 200\ndata 1 x\nend 1\n");
	house_close(house);
}

TEST(the_cut_of_the_bytes_does_not_matter)
{
	for (uint32_t cut = 1; cut < 40; cut += 3) {
		struct fake_options options = { .cut_bytes = cut };
		struct house *house = house_open(&options, 0);

		house_connect(house);
		h2_peer_request(&house->client, "POST", "/cut", "x: y\n", false);
		h2_peer_data(&house->client, 1, "hello world", true);
		fake_run_ms(house->net, 1);
		CHECK_STR(house->visits[0].line, "POST /cut a.example FRAMES");
		CHECK_STR(text_str(&house->visits[0].body), "hello world", "cut at %u", cut);
		CHECK(house->visits[0].end);
		visit_answer(&house->visits[0], "ok");
		house_close(house);
	}
}

/* ---- At once, and together ---- */

TEST(a_token_goes_out_in_the_turn_it_is_given)
{
	struct house *house = house_with_client();
	struct visit *v = &house->visits[0];

	h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 1);
	visit_answer_head(v, HTTP_BODY_CHUNKED, 0);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(visit_answer_data(v, "tok", false), CONN_OK);
		fake_run_ms(house->net, 0);
		CHECK_STR(h2_peer_log(&house->client),
			  i ? "data 1 tok\n" : "head 1 200\ndata 1 tok\n");
	}
	visit_answer_data(v, "", true);
	visit_leave(v);
	house_close(house);
}

TEST(one_who_does_not_read_his_stream_holds_up_no_other)
{
	struct fake_options options = { .window_bytes = 256 * 1024 };
	struct house *house = house_open(&options, 0);
	static char block[70000];
	struct visit *slow = &house->visits[0], *quick = &house->visits[1];

	memset(block, 'x', sizeof block - 1);
	house->client.keep_windows = true;
	house_connect(house);
	h2_peer_open_window(&house->client, 0, 1 << 20);
	h2_peer_request(&house->client, "GET", "/slow", "", true);
	h2_peer_request(&house->client, "GET", "/quick", "", true);
	fake_run_ms(house->net, 1);
	visit_answer_head(slow, HTTP_BODY_CHUNKED, 0);
	visit_answer_head(quick, HTTP_BODY_CHUNKED, 0);
	CHECK_EQ(visit_answer_data(slow, block, false), CONN_FULL, "its window is 64 KiB");
	CHECK_EQ(exchange_queued_bytes(slow->x), sizeof block - 1 - 65535);
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->client.data_bytes, 65535);
	h2_peer_log(&house->client);
	CHECK_EQ(visit_answer_data(quick, "tok", false), CONN_OK);
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client), "data 3 tok\n");
	CHECK_EQ(slow->drained, 0);
	h2_peer_open_window(&house->client, 1, 100000);
	fake_run_ms(house->net, 1);
	CHECK_EQ(slow->drained, 1);
	CHECK_EQ(house->client.data_bytes, sizeof block - 1 + 3);
	house_close(house);
}

TEST(one_who_reads_nothing_at_all_is_bounded)
{
	struct fake_options options = { .window_bytes = 4096 };
	struct house *house = house_open(&options, 0);
	static char block[15001];
	struct visit *v = &house->visits[0];

	memset(block, 'x', sizeof block - 1);
	house_connect(house);
	h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 1);
	fake_stop_reading(house->client.peer);
	visit_answer_head(v, HTTP_BODY_CHUNKED, 0);
	CHECK_EQ(visit_answer_data(v, block, false), CONN_FULL);
	fake_run_ms(house->net, 1);
	CHECK_EQ(visit_answer_data(v, block, false), CONN_FULL);
	CHECK_EQ(visit_answer_data(v, block, false), CONN_FULL);
	CHECK(exchange_queued_bytes(v->x) <= CONN_QUEUE_MAX + 16 * 1024, "and a frame below");
	visit_answer_data(v, block, false);
	fake_run_ms(house->net, 1);
	CHECK_EQ(v->failed, ERR_LIMIT, "who goes on after CONN_FULL ends it");
	fake_resume_reading(house->client.peer);
	house_close(house);
}

TEST(window_is_given_as_the_owner_reads)
{
	struct house *house = house_open(NULL, 0);
	static char block[65536];
	struct visit *v = &house->visits[0], *other = &house->visits[1];

	memset(block, 'x', sizeof block - 1);
	house->pause_at_once = true;
	house_connect(house);
	h2_peer_request(&house->client, "POST", "/slow", "", false);
	fake_run_ms(house->net, 1);
	house->pause_at_once = false;
	h2_peer_data_bytes(&house->client, 1, bytes_make(block, 65535), false);
	h2_peer_request(&house->client, "POST", "/other", "", false);
	fake_run_ms(house->net, 1);
	CHECK_EQ(v->body.len, 0);
	CHECK_EQ(nghttp2_session_get_stream_remote_window_size(house->client.session, 1), 65535,
		 "nghttp2 did not see what was sent behind its back, and no more was granted");
	h2_peer_data_bytes(&house->client, 3, bytes_make(block, 60000), false);
	fake_run_ms(house->net, 1);
	CHECK_EQ(other->body.len, 60000, "the connection's window is not the slow one's");
	exchange_resume(v->x);
	fake_run_ms(house->net, 1);
	CHECK_EQ(v->body.len, 65535);
	CHECK_EQ(nghttp2_session_get_stream_remote_window_size(house->client.session, 1),
		 65535 + 65535, "what was read was granted again");
	h2_peer_data_bytes(&house->client, 1, bytes_make(block, 10), true);
	fake_run_ms(house->net, 1);
	CHECK(v->end);
	CHECK_EQ(v->body.len, 65545);
	house_close(house);
}

TEST(who_sends_more_than_his_window_is_cut)
{
	struct house *house = house_open(NULL, 0);
	static char block[65536];

	house->pause_at_once = true;
	house_connect(house);
	h2_peer_request(&house->client, "POST", "/", "", false);
	fake_run_ms(house->net, 1);
	h2_peer_data_bytes(&house->client, 1, bytes_make(block, sizeof block), false);
	fake_run_ms(house->net, 1);
	CHECK(strstr(h2_peer_log(&house->client), "reset 1 3\n"), "FLOW_CONTROL_ERROR");
	CHECK_EQ(house->visits[0].failed, ERR_BAD_MESSAGE);
	house_close(house);
}
