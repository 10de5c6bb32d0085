#include "base/when.h"

#include <stdio.h>
#include <time.h>

#include "tests/check.h"

/* The C library is the twin: every 11th hour over two centuries. */
TEST(dates_agree_with_the_c_library)
{
	for (uint64_t s = 0; s < 200ull * 366 * 86400; s += 39611) {
		char got[WHEN_ISO_BYTES + 1], http[WHEN_HTTP_BYTES + 1], want[64];
		time_t t = (time_t)s;
		struct tm tm;
		uint64_t back;

		gmtime_r(&t, &tm);
		strftime(want, sizeof want, "%Y%m%dT%H%M%SZ", &tm);
		when_basic(s * 1000, got);
		CHECK_STR(got, want);
		CHECK_OK(when_parse_basic(bytes_of(got), &back));
		CHECK_EQ(back, s * 1000);
		strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		when_http(s * 1000, http);
		CHECK_STR(http, want);
		CHECK_OK(when_parse_http(bytes_of(http), &back));
		CHECK_EQ(back, s * 1000);
	}
}

TEST(fractions_keep_their_zeros)
{
	char out[WHEN_ISO_BYTES + 1];

	when_iso_ms(1790935200005u, out);
	CHECK_STR(out, "2026-10-02T10:00:00.005Z");
	when_iso_us(1790935200000042u, out);
	CHECK_STR(out, "2026-10-02T10:00:00.000042Z");
}

TEST(impossible_dates_are_refused)
{
	static const char *const bad[] = {
		"20260231T000000Z", "20261301T000000Z",
		"20260100T000000Z", "20260101T240000Z",
		"20260101T006000Z", "20260101T000060Z",
		"20260101 000000Z", "2026-01-01T00:00:00Z",
		"20260101T000000",  "",
		"20250229T000000Z",
	};
	uint64_t ms;

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_ERR(when_parse_basic(bytes_of(bad[i]), &ms), ERR_SYNTAX, "%s", bad[i]);
	CHECK_OK(when_parse_basic(BYTES("20240229T000000Z"), &ms));
}
