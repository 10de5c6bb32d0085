/* Answers kept by their Idempotency-Key. */
#include "tests/check.h"

#include <stdio.h>

#include "rag/api/answered.h"

static struct answered_name name_of(const char *key, const char *body)
{
	const struct answered_parts parts = {
		.path = BYTES("/query"),
		.client = BYTES("127.0.0.1"),
		.key = bytes_of(key),
		.body = bytes_of(body),
	};
	struct answered_name name;

	answered_name(&parts, &name);
	return name;
}

TEST(a_key_is_one_to_128_visible_characters)
{
	char longest[130];

	memset(longest, 'k', sizeof longest);
	CHECK(answered_key_fits(BYTES("a")));
	CHECK(answered_key_fits(bytes_make(longest, 128)));
	CHECK(!answered_key_fits(bytes_make(longest, 129)));
	CHECK(!answered_key_fits(BYTES("")));
	CHECK(!answered_key_fits(BYTES("a b")));
	CHECK(!answered_key_fits(BYTES("a\x7F")));
	CHECK(!answered_key_fits(BYTES("caf\xC3\xA9")));
}

TEST(an_answer_is_found_by_its_key_until_it_is_a_day_old)
{
	struct answered_name a = name_of("1", "{}"), other = name_of("1", "{ }"),
			     b = name_of("2", "{}");
	struct answered answered;
	struct bytes body;

	answered_init(&answered);
	CHECK_EQ(answered_find(&answered, &a, 1, &body), ERR_NOT_FOUND);
	answered_put(&answered, &a, BYTES("first"), 1);
	CHECK_EQ(answered_find(&answered, &a, 2, &body), ERR_OK);
	CHECK(bytes_eq_str(body, "first"));
	CHECK_EQ(answered_find(&answered, &other, 2, &body), ERR_CONFLICT, "another body");
	CHECK_EQ(answered_find(&answered, &b, 2, &body), ERR_NOT_FOUND);
	CHECK_EQ(answered_find(&answered, &a, ANSWERED_KEPT_MS, &body), ERR_OK);
	CHECK_EQ(answered_find(&answered, &a, 1 + ANSWERED_KEPT_MS, &body), ERR_NOT_FOUND);
	CHECK_EQ(answered.count, 0);
	CHECK_EQ(answered.bytes, 0);
	answered_fini(&answered);
}

TEST(what_is_kept_is_bounded_and_the_oldest_goes_first)
{
	static char large[ANSWERED_MAX_BYTES / 4 + 1];
	struct answered answered;
	struct answered_name name;
	struct bytes body;
	char key[16];

	answered_init(&answered);
	for (unsigned i = 0; i < ANSWERED_MAX + 3; i++) {
		snprintf(key, sizeof key, "%u", i);
		name = name_of(key, "");
		answered_put(&answered, &name, BYTES("x"), i);
	}
	CHECK_EQ(answered.count, ANSWERED_MAX);
	name = name_of("2", "");
	CHECK_EQ(answered_find(&answered, &name, 300, &body), ERR_NOT_FOUND);
	name = name_of("3", "");
	CHECK_EQ(answered_find(&answered, &name, 300, &body), ERR_OK);
	answered_put(&answered, &name, bytes_make(large, sizeof large), 300);
	CHECK_EQ(answered.bytes, ANSWERED_MAX, "one that is too large is not kept");
	for (unsigned i = 0; i < 5; i++)
		answered_put(&answered, &name, bytes_make(large, sizeof large - 1), 300);
	CHECK_EQ(answered.count, 4);
	CHECK_EQ(answered.bytes, ANSWERED_MAX_BYTES);
	answered_fini(&answered);
}
