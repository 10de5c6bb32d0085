#include "http/sse.h"

#include "tests/check.h"
#include "tests/unit/http/guard.h"

static const struct {
	const char *name, *stream;
	unsigned events;
	bool boundary; /* at the end */
} cases[] = {
	{ "nothing", "", 0, true },
	{ "one event", "data: hi\n\n", 1, true },
	{ "CRLF endings", "data: hi\r\n\r\n", 1, true },
	{ "CR endings", "data: hi\r\r", 1, false },
	{ "CR endings, and on", "data: hi\r\rdata: x\r\r", 2, false },
	{ "mixed endings", "data: a\n\r\ndata: b\r\n\ndata: c\r\n\r\n", 3, true },
	{ "LF CR is two endings", "data: a\n\rdata: b\n\n", 2, true },
	{ "a comment is no event", ": keep-alive\n\n", 0, true },
	{ "a comment alone moves no boundary", "data: a\n\n: keep-alive\n", 1, true },
	{ "a comment within an event", "data: a\n: keep-alive\n", 0, false },
	{ "a comment begun", "data: a\n\n: keep", 1, false },
	{ "unfinished is no event", "data: hi\n", 0, false },
	{ "unfinished line", "data: hi\n\ndata", 1, false },
	{ "no data is no event", "event: ping\nid: 4\n\n", 0, true },
	{ "an id begins an event", "id: 4\n", 0, false },
	{ "data without colon", "data\n\n", 1, true },
	{ "data without blank", "data:x\n\n", 1, true },
	{ "empty data", "data:\n\n", 1, true },
	{ "several data lines", "data: a\ndata: b\n\n", 1, true },
	{ "data after other fields", "event: x\nid: 1\ndata: y\n\n", 1, true },
	{ "not data", "datax: a\n\ndat: b\n\n data: c\n\nDATA: d\n\n", 0, true },
	{ "many empty lines", "\n\n\ndata: a\n\n\n\n", 1, true },
	{ "a byte order mark",
	  "\xef\xbb\xbf"
	  "data: a\n\n",
	  1, true },
	{ "a mark alone", "\xef\xbb\xbf", 0, true },
	{ "a mark begun", "\xef\xbb", 0, false },
	{ "half a mark is a name",
	  "\xef\xbb"
	  "data: a\n\n",
	  0, true },
	{ "a second mark is a name",
	  "data: a\n\n\xef\xbb\xbf"
	  "data: b\n\n",
	  1, true },
	{ "a long line", "data: 0123456789012345678901234567890123456789\n\ndata: b\n\n", 2, true },
};

TEST(sse_meter_counts_events_however_the_bytes_arrive)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t len = strlen(cases[i].stream);

		for (size_t cut = 0; cut <= len; cut++) {
			struct sse_meter meter = SSE_METER_INIT;
			struct bytes first = guard_put(bytes_make(cases[i].stream, cut)), second;

			sse_meter_feed(&meter, first.at, first.len);
			second = guard_put(bytes_make(cases[i].stream + cut, len - cut));
			sse_meter_feed(&meter, second.at, second.len);
			CHECK_EQ(meter.events, cases[i].events, "%s, cut at %zu", cases[i].name,
				 cut);
			CHECK_EQ(sse_meter_at_boundary(&meter), cases[i].boundary, "%s, cut at %zu",
				 cases[i].name, cut);
		}
	}
}

TEST(a_boundary_is_never_within_an_event_or_a_line_end)
{
	static const char stream[] = "data: a\r\n\r\n: c\r\nid: 1\ndata: b\n\n";
	struct sse_meter meter = SSE_METER_INIT;

	CHECK(sse_meter_at_boundary(&meter));
	for (size_t i = 0; i < sizeof stream - 1; i++) {
		bool want = i == 10 || i == 15 || i == sizeof stream - 2;

		sse_meter_feed(&meter, stream + i, 1);
		CHECK_EQ(sse_meter_at_boundary(&meter), want, "after byte %zu", i);
	}
}

TEST(the_meter_is_small)
{
	CHECK(sizeof(struct sse_meter) <= 8);
}
