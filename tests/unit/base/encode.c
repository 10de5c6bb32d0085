#include "base/encode.h"
#include "base/rng.h"
#include "tests/check.h"

TEST(base64_agrees_with_rfc_4648)
{
	static const struct {
		const char *plain, *encoded;
	} cases[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct text out = TEXT_INIT(64);

		encode_base64(&out, bytes_of(cases[i].plain));
		CHECK_STR(text_str(&out), cases[i].encoded);
		text_clear(&out);
		CHECK_OK(decode_base64(&out, bytes_of(cases[i].encoded)));
		CHECK_STR(text_str(&out), cases[i].plain);
		text_fini(&out);
	}
}

TEST(base64_has_one_spelling_a_value)
{
	static const char *const bad[] = { "Zg=",  "Zg",   "Zh==",   "Zm9=",
					   "Z===", "====", "Zm9v\n", "Zm-v" };
	struct text out = TEXT_INIT(64);

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK_ERR(decode_base64(&out, bytes_of(bad[i])), ERR_SYNTAX, "\"%s\"", bad[i]);
	text_fini(&out);
}

/* Longer than any piece that is worked on at a time, and each remainder. */
TEST(base64_of_much_comes_back)
{
	struct text plain = TEXT_INIT(8192), there = TEXT_INIT(16384), back = TEXT_INIT(8192);

	for (unsigned i = 0; i < 4100; i++) {
		text_add_char(&plain, (char)(i * 7 + i / 256));
		if (i < 3 * 256 - 3 || (i > 3 * 256 + 3 && i < 4094))
			continue;
		text_clear(&there), text_clear(&back);
		encode_base64(&there, text_bytes(&plain));
		CHECK_EQ(there.len, (plain.len + 2) / 3 * 4);
		CHECK_OK(decode_base64(&back, text_bytes(&there)));
		CHECK(bytes_eq(text_bytes(&back), text_bytes(&plain)));
	}
	text_fini(&plain), text_fini(&there), text_fini(&back);
}

static void round_trip(struct bytes in)
{
	struct text there = TEXT_INIT(1024), back = TEXT_INIT(1024);

	encode_hex(&there, in);
	CHECK_OK(decode_hex(&back, text_bytes(&there)));
	CHECK(bytes_eq(text_bytes(&back), in));
	text_clear(&there), text_clear(&back);
	encode_base64url(&there, in);
	CHECK_OK(decode_base64url(&back, text_bytes(&there)));
	CHECK(bytes_eq(text_bytes(&back), in));
	text_clear(&there), text_clear(&back);
	encode_percent(&there, in, false);
	CHECK_OK(decode_percent(&back, text_bytes(&there), false));
	CHECK(bytes_eq(text_bytes(&back), in));
	text_fini(&there), text_fini(&back);
}

TEST(what_was_encoded_comes_back)
{
	struct rng rng;
	char noise[100];

	rng_seed(&rng, 7);
	for (size_t len = 0; len < sizeof noise; len++) {
		for (size_t i = 0; i < len; i++)
			noise[i] = (char)rng_next(&rng);
		round_trip(bytes_make(noise, len));
	}
}

TEST(percent_signs_must_be_followed_by_two_digits)
{
	struct text out = TEXT_INIT(64);

	CHECK_ERR(decode_percent(&out, BYTES("%"), false), ERR_SYNTAX);
	CHECK_ERR(decode_percent(&out, BYTES("%4"), false), ERR_SYNTAX);
	CHECK_ERR(decode_percent(&out, BYTES("%4g"), false), ERR_SYNTAX);
	text_clear(&out);
	CHECK_OK(decode_percent(&out, BYTES("a%2Fb+c"), true));
	CHECK_STR(text_str(&out), "a/b c");
	text_fini(&out);
}

TEST(xml_and_json_text_is_escaped)
{
	struct text out = TEXT_INIT(256);

	encode_xml(&out, BYTES("a<b>&\"'\x01\n"));
	CHECK_STR(text_str(&out), "a&lt;b&gt;&amp;&quot;&#39;?\n");
	text_clear(&out);
	encode_json(&out, BYTES("\"\\\n\x01 \xc3\xa9 \xff"));
	CHECK_STR(text_str(&out), "\\\"\\\\\\n\\u0001 \xc3\xa9 \xef\xbf\xbd");
	text_fini(&out);
}

TEST(a_text_is_clipped_between_characters)
{
	struct bytes text = BYTES("a\xc3\xa9\xf0\x9f\x98\x80z");
	static const size_t kept[] = { 0, 1, 1, 3, 3, 3, 3, 7, 8, 8 };

	for (size_t max = 0; max < COUNT(kept); max++)
		CHECK_EQ(utf8_clip(text, max).len, kept[max], "at most %zu", max);
	CHECK_EQ(utf8_clip(BYTES("\x80\x80\x80"), 2).len, 0);
}

TEST(utf8_is_what_rfc_3629_says)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{ "plain", true },
		{ "\xc3\xa9", true },
		{ "\xe2\x82\xac", true },
		{ "\xf0\x9f\x8c\xbf", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xf4\x90\x80\x80", false },
		{ "\xc0\x80", false },
		{ "\xc1\xbf", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xed\xa0\x80", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\x80", false },
		{ "\xe2\x82", false },
		{ "\xff", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(utf8_valid(bytes_of(cases[i].text)), cases[i].valid, "case %zu", i);
}
