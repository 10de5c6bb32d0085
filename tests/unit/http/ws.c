#include "http/ws.h"

#include "tests/check.h"

static const struct {
	const char *name;
	struct bytes stream;
	bool boundary;
} cases[] = {
	{ "nothing", { "", 0 }, true },
	{ "an empty text", { "\x81\0", 2 }, true },
	{ "half a head", { "\x81", 1 }, false },
	{ "a text", { "\x81\5hello", 7 }, true },
	{ "a text begun", { "\x81\5hell", 6 }, false },
	{ "a masked text", { "\x81\x82mask??", 8 }, true },
	{ "a mask begun", { "\x81\x82mas", 5 }, false },
	{ "a masked empty one", { "\x89\x80mask", 6 }, true },
	{ "a length of two bytes", { "\x82\x7e\0\4four", 8 }, true },
	{ "a length of eight bytes", { "\x82\x7f\0\0\0\0\0\0\0\4four", 14 }, true },
	{ "the same begun", { "\x82\x7f\0\0\0\0\0\0\0\4fou", 13 }, false },
	{ "between fragments", { "\1\1a", 3 }, true },
	{ "a ping between fragments", { "\1\1a\x89\0\x80\1b", 8 }, true },
	{ "after a close", { "\x88\2\3\xe9", 4 }, false },
};

TEST(frames_end_where_they_end_however_the_bytes_come)
{
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t cut = 0; cut <= cases[i].stream.len; cut++) {
			struct ws_meter meter = { 0 };

			ws_meter_feed(&meter, bytes_upto(cases[i].stream, cut));
			ws_meter_feed(&meter, bytes_from(cases[i].stream, cut));
			CHECK_EQ(ws_meter_at_boundary(&meter), cases[i].boundary, "%s, cut at %zu",
				 cases[i].name, cut);
		}
}

TEST(a_close_frame_says_its_code)
{
	const uint8_t mask[4] = { 1, 2, 3, 4 };
	char frame[WS_CLOSE_BYTES];

	CHECK_EQ(ws_close_frame(frame, WS_GOING_AWAY, NULL), 4);
	CHECK(memcmp(frame, "\x88\2\3\xe9", 4) == 0);
	CHECK_EQ(ws_close_frame(frame, WS_SERVICE_RESTART, mask), 8);
	CHECK(memcmp(frame, "\x88\x82\1\2\3\4\2\xf6", 8) == 0);
}
