/* HTTP/2, server side: how exchanges end, and their connection. */
#include "tests/unit/conn/h2_house.h"

/* ---- Ends ---- */

TEST(a_client_that_resets_its_stream_is_heard_at_once_and_alone)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "GET", "/a", "", true);
	h2_peer_request(&house->client, "GET", "/b", "", true);
	fake_run_ms(house->net, 1);
	visit_answer_head(&house->visits[0], HTTP_BODY_CHUNKED, 0);
	h2_peer_reset(&house->client, 1, NGHTTP2_CANCEL);
	fake_run_ms(house->net, 0);
	CHECK_EQ(house->visits[0].failed, ERR_RESET);
	CHECK(house->visits[1].x != NULL);
	visit_answer(&house->visits[1], "fine");
	fake_run_ms(house->net, 1);
	CHECK(strstr(h2_peer_log(&house->client), "data 3 fine\nend 3\n"));
	house_close(house);
}

TEST(an_answer_that_ends_early_is_reset)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 1);
	visit_answer_head(&house->visits[0], HTTP_BODY_CHUNKED, 0);
	visit_answer_data(&house->visits[0], "half", false);
	visit_leave(&house->visits[0]);
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client), "head 1 200\ndata 1 half\nreset 1 2\n");
	CHECK(house->conn != NULL, "the connection lives");
	house_close(house);
}

TEST(an_answer_before_the_request_is_over_refuses_the_rest_of_it)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "POST", "/", "", false);
	h2_peer_data(&house->client, 1, "some", false);
	fake_run_ms(house->net, 1);
	visit_answer(&house->visits[0], "enough");
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client), "head 1 200\ndata 1 enough\nend 1\nreset 1 0\n");
	house_close(house);
}

TEST(too_few_or_too_many_bytes_fail_the_exchange)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "GET", "/", "", true);
	h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 1);
	visit_answer_head(&house->visits[0], HTTP_BODY_LENGTH, 3);
	visit_answer_data(&house->visits[0], "four", true);
	visit_answer_head(&house->visits[1], HTTP_BODY_LENGTH, 3);
	visit_answer_data(&house->visits[1], "2", true);
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->visits[0].failed, ERR_INVALID);
	CHECK_EQ(house->visits[1].failed, ERR_INVALID);
	CHECK_STR(h2_peer_log(&house->client), "head 1 200\nhead 3 200\nreset 1 2\nreset 3 2\n");
	house_close(house);
}

TEST(a_client_that_leaves_fails_all_its_exchanges)
{
	struct house *house = house_with_client();

	for (int i = 0; i < 5; i++)
		h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->count, 5);
	fake_close(house->client.peer);
	fake_run_ms(house->net, 1);
	for (int i = 0; i < 5; i++)
		CHECK(house->visits[i].failed != ERR_OK);
	CHECK_EQ(house->closed, 1);
	house_close(house);
}

TEST(a_connection_may_be_destroyed_in_the_middle_of_a_frame)
{
	struct house *house = house_with_client();

	house->destroy_in_callback = true;
	h2_peer_request(&house->client, "POST", "/", "", false);
	h2_peer_request(&house->client, "POST", "/", "", false);
	h2_peer_data(&house->client, 1, "bang", false);
	h2_peer_data(&house->client, 3, "bang", false);
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->visits[0].failed, ERR_CANCELLED);
	CHECK_EQ(house->visits[1].failed, ERR_CANCELLED);
	house_close(house);
}

/* ---- The end of the connection ---- */

TEST(a_draining_connection_finishes_what_runs)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 1);
	conn_drain(house->conn);
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client), "goaway 2147483647 0\ngoaway 1 0\n");
	CHECK(house->conn != NULL);
	visit_answer(&house->visits[0], "done");
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client), "head 1 200\ndata 1 done\nend 1\nended CLOSED\n");
	CHECK_EQ(house->closed, 1);
	house_close(house);
}

TEST(a_request_that_crossed_the_notice_is_answered)
{
	struct fake_options options = { .latency_ms = 20 };
	struct house *house = house_open(&options, 0);

	h2_peer_connect(&house->client, house->net, "192.0.2.1:5000", "10.0.0.1:80");
	h2_peer_request(&house->client, "GET", "/one", "", true);
	fake_run_ms(house->net, 100);
	conn_drain(house->conn);
	h2_peer_request(&house->client, "GET", "/two", "", true);
	fake_run_ms(house->net, 100);
	CHECK_EQ(house->count, 2);
	visit_answer(&house->visits[0], "1");
	visit_answer(&house->visits[1], "2");
	fake_run_ms(house->net, 100);
	CHECK(strstr(h2_peer_log(&house->client), "data 3 2\nend 3\nended CLOSED\n"));
	house_close(house);
}

TEST(an_idle_connection_that_drains_says_goodbye_and_goes)
{
	struct house *house = house_with_client();

	conn_drain(house->conn);
	fake_run_ms(house->net, 1);
	CHECK_STR(h2_peer_log(&house->client), "goaway 0 0\nended CLOSED\n");
	CHECK_EQ(house->closed, 1);
	house_close(house);
}

TEST(an_old_connection_takes_one_more_request)
{
	struct house *house = house_open(NULL, 20000);

	house->answer_at_once = true;
	house_connect(house);
	h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 19000);
	CHECK_STR(h2_peer_log(&house->client), "head 1 200\ndata 1 ok\nend 1\n");
	fake_run_ms(house->net, 2000);
	h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 1);
	CHECK(strstr(h2_peer_log(&house->client), "data 3 ok\nend 3\n"));
	CHECK_EQ(house->closed, 1);
	house_close(house);
}

TEST(pings_are_answered_and_keep_no_connection)
{
	struct house *house = house_with_client();

	for (int i = 0; i < 6; i++) {
		h2_peer_ping(&house->client);
		fake_run_ms(house->net, 9000);
	}
	CHECK_STR(h2_peer_log(&house->client), "ping\nping\nping\nping\nping\nping\n");
	h2_peer_ping(&house->client);
	fake_run_ms(house->net, 7000);
	CHECK_STR(h2_peer_log(&house->client), "ping\ngoaway 0 0\nended CLOSED\n");
	house_close(house);
}

TEST(an_answer_that_takes_hours_is_not_idle)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 7200000);
	CHECK(house->visits[0].x != NULL);
	visit_answer(&house->visits[0], "late");
	fake_run_ms(house->net, 59000);
	CHECK(house->conn != NULL, "idle begins with the end of the last exchange");
	fake_run_ms(house->net, 2000);
	CHECK_EQ(house->closed, 1);
	house_close(house);
}
