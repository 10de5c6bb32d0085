/* HTTP/2, server side: what a hostile client may do, and what it may not. */
#include "tests/unit/conn/h2_house.h"

/* ---- Hostile clients ---- */

TEST(who_opens_more_streams_than_he_may_loses_his_connection)
{
	struct house *house = house_with_client();

	/* nghttp2 keeps to our limit: behind its back, with a head that it encoded. */
	for (int i = 0; i < 128; i++)
		h2_peer_request(&house->client, "GET", "/", "", true);
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->count, 128);
	CHECK(house->conn != NULL);
	h2_peer_raw(&house->client, NGHTTP2_HEADERS, 5, 257, BYTES("\x82\x86\x84\x41\x01x"));
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->count, 128);
	CHECK_EQ(house->closed, 1);
	CHECK_EQ(house->visits[127].failed, ERR_BAD_MESSAGE);
	house_close(house);
}

TEST(a_head_beyond_the_limit_is_rejected_and_answered)
{
	struct house *house = house_with_client();
	struct text fields = TEXT_INIT(1 << 20);

	for (int i = 0; i < 5; i++) {
		text_printf(&fields, "x-%d: ", i);
		for (int j = 0; j < 15000; j++)
			text_add_char(&fields, 'v');
		text_add_char(&fields, '\n');
	}
	h2_peer_request(&house->client, "GET", "/", text_str(&fields), true);
	fake_run_ms(house->net, 1);
	CHECK_STR(house->visits[0].line, "rejected FIELDS_TOO_LARGE");
	CHECK(strstr(h2_peer_log(&house->client), "head 1 200\ndata 1 no\nend 1\n"));
	text_fini(&fields);
	house_close(house);
}

TEST(a_path_beyond_the_limit_is_rejected)
{
	struct house *house = house_with_client();
	static char path[17000];

	memset(path, 'p', sizeof path - 1);
	path[0] = '/';
	h2_peer_request(&house->client, "GET", path, "", true);
	fake_run_ms(house->net, 1);
	CHECK_STR(house->visits[0].line, "rejected URI_TOO_LARGE");
	house_close(house);
}

/* A field of 4 KiB in the dynamic table, named again and again by one byte. */
TEST(a_bomb_of_references_is_reset_and_costs_no_memory)
{
	struct house *house = house_with_client();
	static char bomb[16000];
	struct text head = TEXT_INIT(1 << 20);

	text_add(&head, BYTES("\x82\x86\x84\x41\x01x\x40\x01"
			      "b\x7f\xa1\x1e")); /* literal, indexed, 4000 */
	for (int i = 0; i < 4000; i++)
		text_add_char(&head, 'v');
	h2_peer_raw(&house->client, NGHTTP2_HEADERS, 5, 1, text_bytes(&head));
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->count, 1);
	memset(bomb, 0xbe, sizeof bomb);
	memcpy(bomb, "\x82\x86\x84\x01\x01x", 6);
	h2_peer_raw(&house->client, NGHTTP2_HEADERS, 5, 3, bytes_make(bomb, sizeof bomb));
	fake_run_ms(house->net, 1);
	CHECK(bytes_find(fake_take(house->client.peer), BYTES("\0\0\4\3\0\0\0\0\3\0\0\0\2")) !=
		      SIZE_MAX,
	      "RST_STREAM");
	CHECK_EQ(house->count, 1, "nobody heard of it");
	text_fini(&head);
	house_close(house);
}

static bool is_calmed(struct house *house)
{
	bool calmed = strstr(h2_peer_log(&house->client), " 11\n"); /* ENHANCE_YOUR_CALM */

	return calmed && house->closed == 1;
}

TEST(rapid_resets_end_the_connection)
{
	struct house *house = house_with_client();
	unsigned begun = 0;

	while (begun < 1100 && house->conn) {
		int32_t id = h2_peer_request(&house->client, "GET", "/", "", true);

		h2_peer_reset(&house->client, id, NGHTTP2_CANCEL);
		fake_run_ms(house->net, 0);
		begun++;
	}
	fake_run_ms(house->net, 1);
	CHECK_EQ(begun, 1001);
	CHECK(is_calmed(house));
	house_close(house);
}

TEST(resets_at_an_honest_pace_are_welcome)
{
	struct house *house = house_with_client();

	for (int i = 0; i < 1150; i++) {
		int32_t id = h2_peer_request(&house->client, "GET", "/", "", true);

		h2_peer_reset(&house->client, id, NGHTTP2_CANCEL);
		fake_run_ms(house->net, 20);
	}
	CHECK(house->conn != NULL);
	house_close(house);
}

static void flood(uint8_t type, uint8_t flags, struct bytes payload, unsigned count, bool calmed)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "POST", "/", "", false);
	for (unsigned i = 0; i < count; i++)
		h2_peer_raw(&house->client, type, flags,
			    type == NGHTTP2_DATA || type == NGHTTP2_WINDOW_UPDATE ? 1
			    : type == NGHTTP2_PRIORITY				  ? 3
										  : 0,
			    payload);
	fake_run_ms(house->net, 1);
	CHECK_EQ(is_calmed(house), calmed, "type %d", type);
	if (calmed)
		CHECK_EQ(house->visits[0].failed, ERR_BAD_MESSAGE);
	house_close(house);
}

TEST(floods_of_frames_that_mean_little_end_the_connection)
{
	flood(NGHTTP2_PING, 0, BYTES("12345678"), 490, false);
	flood(NGHTTP2_PING, 0, BYTES("12345678"), 510, true);
	flood(NGHTTP2_SETTINGS, 0, BYTES_NONE, 90, false);
	flood(NGHTTP2_SETTINGS, 0, BYTES_NONE, 110, true);
	flood(NGHTTP2_DATA, 0, BYTES_NONE, 490, false);
	flood(NGHTTP2_DATA, 0, BYTES_NONE, 510, true);
	flood(NGHTTP2_PRIORITY, 0, BYTES("\0\0\0\0\1"), 990, false);
	flood(NGHTTP2_PRIORITY, 0, BYTES("\0\0\0\0\1"), 1010, true);
	flood(NGHTTP2_WINDOW_UPDATE, 0, BYTES("\0\0\0\1"), 4990, false);
	flood(NGHTTP2_WINDOW_UPDATE, 0, BYTES("\0\0\0\1"), 5010, true);
}

TEST(a_head_without_end_is_cut_off)
{
	struct house *house = house_with_client();

	h2_peer_raw(&house->client, NGHTTP2_HEADERS, 1, 1, BYTES("\x82\x86\x84\x41\x01x"));
	for (int i = 0; i < 20; i++)
		h2_peer_raw(&house->client, NGHTTP2_CONTINUATION, 0, 1, BYTES("\x00\x01x\x01y"));
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->count, 0);
	CHECK_EQ(house->closed, 1);
	house_close(house);
}

TEST(a_window_beyond_all_bounds_is_an_error_of_its_stream)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "GET", "/", "", true);
	h2_peer_raw(&house->client, NGHTTP2_WINDOW_UPDATE, 0, 1, BYTES("\x7f\xff\xff\xff"));
	fake_run_ms(house->net, 1);
	CHECK(strstr(h2_peer_log(&house->client), "reset 1 3\n"));
	CHECK_EQ(house->visits[0].failed, ERR_BAD_MESSAGE);
	house_close(house);
}

TEST(fields_of_a_connection_reset_the_stream)
{
	static const char *const fields[] = { "connection: close\n", "transfer-encoding: chunked\n",
					      "upgrade: h2c\n", "te: gzip\n" };

	for (size_t i = 0; i < COUNT(fields); i++) {
		struct house *house = house_with_client();

		h2_peer_request(&house->client, "GET", "/", fields[i], true);
		fake_run_ms(house->net, 1);
		CHECK_EQ(house->count, 0, "%s", fields[i]);
		CHECK_STR(h2_peer_log(&house->client), "reset 1 1\n", "%s", fields[i]);
		house_close(house);
	}
}

TEST(what_would_split_a_line_elsewhere_resets_the_stream)
{
	struct house *house = house_with_client();

	house->client.deaf = true;
	/* a literal field "x" with a CR LF in its value */
	h2_peer_raw(&house->client, NGHTTP2_HEADERS, 5, 1,
		    BYTES("\x82\x86\x84\x41\x01x\x00\x01x\x05"
			  "a\r\nb:"));
	fake_run_ms(house->net, 1);
	CHECK_EQ(house->count, 0);
	CHECK(bytes_find(fake_take(house->client.peer), BYTES("\0\0\4\3\0\0\0\0\1")) != SIZE_MAX,
	      "RST_STREAM");
	house_close(house);
}

TEST(a_body_that_is_not_as_long_as_it_said_is_a_broken_request)
{
	struct house *house = house_with_client();

	h2_peer_request(&house->client, "POST", "/", "content-length: 5\n", false);
	h2_peer_data(&house->client, 1, "abc", true);
	fake_run_ms(house->net, 1);
	CHECK_STR(house->visits[0].line, "POST / a.example LENGTH");
	CHECK(!house->visits[0].end);
	CHECK_EQ(house->visits[0].failed, ERR_BAD_MESSAGE);
	house_close(house);
}

TEST(what_is_not_http2_at_all_is_closed)
{
	struct house *house = house_open(NULL, 0);

	house->client.peer = fake_connect(house->net, "192.0.2.1:5000", "10.0.0.1:80");
	fake_send(house->client.peer, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	fake_run_ms(house->net, 5000);
	CHECK_EQ(house->closed, 1);
	CHECK_EQ(house->count, 0);
	house_close(house);
}
