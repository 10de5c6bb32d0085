#include "tests/check.h"

TEST(cutting_gives_every_part_once)
{
	static const struct {
		const char *list;
		unsigned parts;
		const char *joined;
	} cases[] = {
		{ "", 1, "" },
		{ "a", 1, "a" },
		{ "a,", 2, "a|" },
		{ ",a", 2, "|a" },
		{ "a,,b", 3, "a||b" },
		{ ",", 2, "|" },
		{ "a,b,c,d", 4, "a|b|c|d" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bytes rest = bytes_of(cases[i].list), part;
		char joined[64] = "";
		unsigned parts = 0;

		while (bytes_cut(&rest, ',', &part)) {
			if (parts++)
				strcat(joined, "|");
			strncat(joined, part.at, part.len);
		}
		CHECK_EQ(parts, cases[i].parts, "\"%s\"", cases[i].list);
		CHECK_STR(joined, cases[i].joined);
	}
}

TEST(nothing_is_cut_from_a_slice_that_points_nowhere)
{
	struct bytes rest = BYTES_NONE, part;

	CHECK(!bytes_cut(&rest, ',', &part));
}

TEST(numbers_are_digits_alone_and_in_range)
{
	static const struct {
		const char *text;
		uint64_t max;
		err_t err;
		uint64_t value;
	} cases[] = {
		{ "0", 0, ERR_OK, 0 },
		{ "65535", 65535, ERR_OK, 65535 },
		{ "65536", 65535, ERR_RANGE, 0 },
		{ "00012", 20, ERR_OK, 12 },
		{ "18446744073709551615", UINT64_MAX, ERR_OK, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, ERR_RANGE, 0 },
		{ "99999999999999999999999", UINT64_MAX, ERR_RANGE, 0 },
		{ "", 9, ERR_SYNTAX, 0 },
		{ "-1", 9, ERR_SYNTAX, 0 },
		{ "+1", 9, ERR_SYNTAX, 0 },
		{ " 1", 9, ERR_SYNTAX, 0 },
		{ "1x", 9, ERR_SYNTAX, 0 },
		{ "0x1", 9, ERR_SYNTAX, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 0;

		CHECK_ERR(bytes_to_u64(bytes_of(cases[i].text), cases[i].max, &value), cases[i].err,
			  "\"%s\"", cases[i].text);
		CHECK_EQ(value, cases[i].value, "\"%s\"", cases[i].text);
	}
}

TEST(trimming_takes_blanks_and_tabs_at_both_ends_only)
{
	CHECK_BYTES(bytes_trim(BYTES(" \t a b \t")), "a b");
	CHECK_BYTES(bytes_trim(BYTES("\n a")), "\n a");
	CHECK_EQ(bytes_trim(BYTES(" \t ")).len, 0);
}

TEST(comparisons_agree_with_their_names)
{
	CHECK(bytes_eq_nocase(BYTES("Content-Length"), BYTES("cONTENT-lENGTH")));
	CHECK(!bytes_eq_nocase(BYTES("[a]"), BYTES("{A}")), "only letters have case");
	CHECK(bytes_starts(BYTES("/chat/1"), BYTES("/chat")));
	CHECK(!bytes_starts(BYTES("/c"), BYTES("/chat")));
	CHECK(bytes_ends(BYTES("a.log"), BYTES(".log")));
	CHECK(bytes_cmp(BYTES("a"), BYTES("ab")) < 0);
	CHECK(bytes_cmp(BYTES("b"), BYTES("ab")) > 0);
	CHECK(bytes_eq(BYTES_NONE, BYTES("")));
	CHECK(bytes_eq_secret(BYTES("same"), BYTES("same")));
	CHECK(!bytes_eq_secret(BYTES("same"), BYTES("sama")));
	CHECK_EQ(bytes_find(BYTES("abcabd"), BYTES("abd")), 3);
	CHECK_EQ(bytes_find(BYTES("abc"), BYTES("x")), SIZE_MAX);
	CHECK_EQ(bytes_index(BYTES_NONE, 'a'), SIZE_MAX);
}

TEST(every_error_has_a_name_and_words)
{
	for (int err = 0; err < ERR_COUNT; err++) {
		CHECK(err_name((err_t)err)[0] != '\0', "error %d", err);
		CHECK(err_words((err_t)err)[0] != '\0', "error %d", err);
	}
}
