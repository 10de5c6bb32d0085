#include "http/chars.h"

#include "base/rng.h"
#include "tests/check.h"
#include "tests/unit/http/guard.h"

static const struct {
	const char *name;
	const char *(*fast)(const char *at, const char *end);
	const char *(*plain)(const char *at, const char *end);
} scans[] = {
	{ "token", scan_token, scan_token_plain },
	{ "value", scan_value, scan_value_plain },
	{ "target", scan_target, scan_target_plain },
	{ "line end", scan_line_end, scan_line_end_plain },
	{ "line break", scan_line_break, scan_line_break_plain },
};

static void compare(struct bytes b, const char *what)
{
	for (size_t i = 0; i < COUNT(scans); i++) {
		const char *fast = scans[i].fast(b.at, b.at + b.len);
		const char *plain = scans[i].plain(b.at, b.at + b.len);

		CHECK_EQ(fast - b.at, plain - b.at, "%s, %s, %zu bytes", scans[i].name, what,
			 b.len);
	}
}

TEST(every_byte_at_every_place_stops_both_twins_alike)
{
	char bytes[50];

	for (unsigned len = 1; len <= sizeof bytes; len++)
		for (unsigned at = 0; at < len; at++)
			for (unsigned byte = 0; byte < 256; byte++) {
				memset(bytes, 'a', len);
				bytes[at] = (char)byte;
				compare(guard_put(bytes_make(bytes, len)), "one odd byte");
			}
}

TEST(random_bytes_stop_both_twins_alike)
{
	struct rng rng;
	char bytes[200];

	rng_seed(&rng, 7);
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = (size_t)rng_below(&rng, sizeof bytes);

		for (size_t i = 0; i < len; i++)
			bytes[i] = rng_below(&rng, 40) ? (char)(0x21 + rng_below(&rng, 0x5e))
						       : (char)rng_next(&rng);
		compare(guard_put(bytes_make(bytes, len)), "random");
	}
}

TEST(token_bytes_are_those_of_the_rfc)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (int c = 0; c < 256; c++) {
		bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z');
		bool want = alnum || (c && c < 128 && strchr(marks, c));

		CHECK_EQ(char_is_token((char)c), want, "byte %d", c);
		CHECK_EQ(char_is_alnum((char)c), alnum, "byte %d", c);
	}
}
