#include "tests/check.h"

#include "crypto/random.h"

TEST(random_bytes_fill_exactly_what_was_asked)
{
	uint8_t memory[64 + 2];

	for (size_t len = 0; len <= 64; len++) {
		bool all_zero = len >= 16;

		memset(memory, 0, sizeof memory);
		memory[len + 1] = 0x5a;
		random_bytes(memory + 1, len);
		CHECK_EQ(memory[0], 0, "before, at length %zu", len);
		CHECK_EQ(memory[len + 1], 0x5a, "after, at length %zu", len);
		for (size_t i = 1; i <= len; i++)
			all_zero = all_zero && memory[i] == 0;
		CHECK(!all_zero, "nothing was written at length %zu", len);
	}
}

TEST(random_numbers_do_not_repeat)
{
	uint64_t seen[256];

	for (size_t i = 0; i < COUNT(seen); i++) {
		seen[i] = random_u64();
		for (size_t k = 0; k < i; k++)
			CHECK(seen[i] != seen[k], "number %zu is number %zu again", i, k);
	}
}

TEST(random_hex_is_lower_case_and_uses_every_digit)
{
	unsigned counts[128] = { 0 };
	char hex[1025];

	random_hex(hex, 1024);
	CHECK_EQ(strlen(hex), 1024);
	CHECK_EQ(strspn(hex, "0123456789abcdef"), 1024);
	for (size_t i = 0; i < 1024; i++)
		counts[(unsigned char)hex[i]]++;
	/* 64 of each expected; a count below 16 or above 160 has odds of less than 1 in 10^10. */
	for (const char *c = "0123456789abcdef"; *c; c++)
		CHECK(counts[(unsigned char)*c] > 16 && counts[(unsigned char)*c] < 160,
		      "digit %c came %u times", *c, counts[(unsigned char)*c]);
}

TEST(a_uuid_has_the_form_of_rfc_9562_version_4)
{
	for (int i = 0; i < 100; i++) {
		char uuid[37];

		random_uuid(uuid);
		CHECK_EQ(strlen(uuid), 36);
		CHECK_EQ(strspn(uuid, "0123456789abcdef-"), 36, "%s", uuid);
		CHECK(uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-', "%s",
		      uuid);
		CHECK_EQ(uuid[14], '4', "%s", uuid);
		CHECK(strchr("89ab", uuid[19]) != NULL, "%s", uuid);
	}
}
