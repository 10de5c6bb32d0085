/* Names with wildcards. */
#include "base/like.h"

#include "tests/check.h"

static const struct {
	const char *pattern, *text;
	bool plain, escaped;
} cases[] = {
	{ "", "", true, true },
	{ "", "a", false, false },
	{ "*", "", true, true },
	{ "?", "", false, false },
	{ "a*c", "abbbc", true, true },
	{ "a*c", "abbb", false, false },
	{ "a*b*c", "abxbxc", true, true },
	{ "*ab", "aab", true, true },
	{ "a?c", "abc", true, true },
	{ "a**", "a", true, true },
	{ "a\\*c", "a*c", false, true },
	{ "a\\*c", "abc", false, false },
	{ "a\\*c", "a\\xc", true, false },
	{ "\\?", "?", false, true },
	{ "\\?", "x", false, false },
	{ "\\\\", "\\", false, true },
	{ "*\\**", "a*b", false, true },
	{ "a\\", "a\\", true, true },
	{ "\\a", "a", false, true },
};

TEST(wildcards_stand_for_what_they_say_and_escaped_ones_for_themselves)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_EQ(is_like(cases[i].pattern, cases[i].text), cases[i].plain, "%s: %s",
			 cases[i].pattern, cases[i].text);
		CHECK_EQ(is_like_escaped(cases[i].pattern, cases[i].text), cases[i].escaped,
			 "%s: %s, escaped", cases[i].pattern, cases[i].text);
	}
}
