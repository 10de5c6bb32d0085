#include "base/distance.h"
#include "base/like.h"
#include "tests/check.h"

TEST(a_pattern_is_like_what_its_wildcards_allow)
{
	CHECK(is_like("", ""));
	CHECK(is_like("*", ""));
	CHECK(is_like("a*c?", "abbbcd"));
	CHECK(is_like("*ab*ab", "abxabab"));
	CHECK(is_like("arn:aws:s3:::*", "arn:aws:s3:::bucket/a"));
	CHECK(!is_like("", "a"));
	CHECK(!is_like("?", ""));
	CHECK(!is_like("a*c", "abcd"));
	CHECK(!is_like("A", "a"));
}

TEST(slips_of_the_finger_are_counted)
{
	CHECK_EQ(distance_between(BYTES("listener"), BYTES("listener"), 3), 0);
	CHECK_EQ(distance_between(BYTES("listener"), BYTES("lisetner"), 3), 1);
	CHECK_EQ(distance_between(BYTES("listener"), BYTES("listeners"), 3), 1);
	CHECK_EQ(distance_between(BYTES("listener"), BYTES("lixtner"), 3), 2);
	CHECK_EQ(distance_between(BYTES("listener"), BYTES("rule"), 3), 4);
}
