#include "services/s3/checksum.h"
#include "services/s3/s3_internal.h"

#include "tests/check.h"

/* ---- Checksums: the check values of their definitions ---- */

static void sum_of(enum checksum_kind kind, struct bytes in, char out[CHECKSUM_TEXT_BYTES])
{
	struct checksum sum;

	CHECK_OK(checksum_init(&sum, kind));
	checksum_add(&sum, in);
	checksum_finish(&sum, out);
}

TEST(crcs_have_their_check_values)
{
	char out[CHECKSUM_TEXT_BYTES];

	sum_of(CHECKSUM_CRC64NVME, BYTES("123456789"), out);
	CHECK_STR(out, "rosUhgp5mIg="); /* ae8b14860a799888 */
	sum_of(CHECKSUM_CRC32, BYTES("123456789"), out);
	CHECK_STR(out, "y/Q5Jg=="); /* cbf43926 */
	sum_of(CHECKSUM_CRC32C, BYTES("123456789"), out);
	CHECK_STR(out, "4waSgw=="); /* e3069283 */
}

TEST(checksums_do_not_mind_how_the_bytes_come_and_join_like_their_parts)
{
	static char data[1000];

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (char)(i * 7 + i / 13);
	for (int kind = 1; kind < CHECKSUM_KINDS; kind++) {
		char whole[CHECKSUM_TEXT_BYTES], first[CHECKSUM_TEXT_BYTES],
			second[CHECKSUM_TEXT_BYTES];

		sum_of(kind, bytes_make(data, sizeof data), whole);
		CHECK(checksum_is_text(kind, bytes_of(whole)));
		for (size_t cut = 0; cut <= sizeof data; cut += 37) {
			struct checksum sum;
			char joined[CHECKSUM_TEXT_BYTES] = "";

			CHECK_OK(checksum_init(&sum, kind));
			checksum_add(&sum, bytes_make(data, cut));
			checksum_add(&sum, bytes_make(data + cut, sizeof data - cut));
			checksum_finish(&sum, first);
			CHECK_STR(first, whole, "%s cut at %zu", checksum_name(kind), cut);
			if (!checksum_can_join(kind))
				continue;
			sum_of(kind, bytes_make(data, cut), first);
			sum_of(kind, bytes_make(data + cut, sizeof data - cut), second);
			CHECK_OK(checksum_join(kind, joined, bytes_of(first), cut));
			CHECK_OK(checksum_join(kind, joined, bytes_of(second), sizeof data - cut));
			CHECK_STR(joined, whole, "%s joined at %zu", checksum_name(kind), cut);
		}
	}
}

TEST(checksums_have_names_and_fields)
{
	CHECK_EQ(checksum_kind_of(BYTES("crc32c")), CHECKSUM_CRC32C);
	CHECK_EQ(checksum_kind_of(BYTES("md5")), CHECKSUM_NONE);
	CHECK_EQ(checksum_kind_of_field(BYTES("X-Amz-Checksum-SHA256")), CHECKSUM_SHA256);
	CHECK(!checksum_is_text(CHECKSUM_CRC32, BYTES("y/Q5Jg")));
	CHECK(!checksum_is_text(CHECKSUM_SHA1, BYTES("y/Q5Jg==")));
}

/* ---- Conditions ---- */

static const struct {
	const char *if_match, *if_none_match;
	int64_t modified_since_s, unmodified_since_s;
	enum s3_condition want;
} conditions[] = {
	{ NULL, NULL, -1, -1, S3_GO_ON },
	{ "\"e\"", NULL, -1, -1, S3_GO_ON },
	{ "\"a\", \"e\"", NULL, -1, -1, S3_GO_ON },
	{ "*", NULL, -1, -1, S3_GO_ON },
	{ "\"a\"", NULL, -1, -1, S3_FAILED },
	{ "e", NULL, -1, -1, S3_GO_ON },
	{ NULL, "\"e\"", -1, -1, S3_NOT_MODIFIED },
	{ NULL, "W/\"e\"", -1, -1, S3_NOT_MODIFIED },
	{ NULL, "\"a\"", -1, -1, S3_GO_ON },
	{ NULL, NULL, 100, -1, S3_NOT_MODIFIED },
	{ NULL, NULL, 99, -1, S3_GO_ON },
	{ NULL, NULL, -1, 100, S3_GO_ON },
	{ NULL, NULL, -1, 99, S3_FAILED },
	/* RFC 9110 §13.2.2: entity tags come before times. */
	{ "\"e\"", NULL, -1, 99, S3_GO_ON },
	{ NULL, "\"a\"", 100, -1, S3_GO_ON },
};

TEST(conditions_follow_the_rfc)
{
	for (size_t i = 0; i < COUNT(conditions); i++) {
		int64_t since = conditions[i].modified_since_s,
			until = conditions[i].unmodified_since_s;
		struct s3_conditions c = {
			.if_match = conditions[i].if_match,
			.if_none_match = conditions[i].if_none_match,
			.modified_since_ms = since < 0 ? -1 : since * 1000,
			.unmodified_since_ms = until < 0 ? -1 : until * 1000,
		};

		CHECK_EQ(s3_conditions_hold(&c, "e", 100500), conditions[i].want, "row %zu", i);
	}
}

static const struct {
	const char *text;
	uint64_t size;
	enum s3_range want;
	uint64_t first, last;
} ranges[] = {
	{ "bytes=0-0", 10, S3_PART_OF_IT, 0, 0 },
	{ "bytes=3-", 10, S3_PART_OF_IT, 3, 9 },
	{ "bytes=-3", 10, S3_PART_OF_IT, 7, 9 },
	{ "bytes=-30", 10, S3_PART_OF_IT, 0, 9 },
	{ "bytes=3-99999999999999999", 10, S3_PART_OF_IT, 3, 9 },
	{ "bytes=10-", 10, S3_UNSATISFIABLE, 0, 0 },
	{ "bytes=-0", 10, S3_UNSATISFIABLE, 0, 0 },
	{ "bytes=0-", 0, S3_UNSATISFIABLE, 0, 0 },
	{ "bytes=-1", 0, S3_UNSATISFIABLE, 0, 0 },
	{ "bytes=5-3", 10, S3_WHOLE, 0, 0 },
	{ "bytes=0-1,3-4", 10, S3_WHOLE, 0, 0 },
	{ "bytes=", 10, S3_WHOLE, 0, 0 },
	{ "bytes=-", 10, S3_WHOLE, 0, 0 },
	{ "items=0-1", 10, S3_WHOLE, 0, 0 },
	{ "bytes=99999999999999999999-", 10, S3_WHOLE, 0, 0 },
};

TEST(ranges_are_clipped_and_what_is_none_is_ignored)
{
	for (size_t i = 0; i < COUNT(ranges); i++) {
		uint64_t first = 0, last = 0;

		CHECK_EQ(s3_range(bytes_of(ranges[i].text), ranges[i].size, &first, &last),
			 ranges[i].want, "%s", ranges[i].text);
		CHECK_EQ(first, ranges[i].first, "%s", ranges[i].text);
		CHECK_EQ(last, ranges[i].last, "%s", ranges[i].text);
	}
}

TEST(bucket_names_are_awss)
{
	static const char *const good[] = { "abc", "a-b.c", "123", "1.2.3" };
	static const char *const bad[] = { "",	  "ab",	 "Abc",	   "a_b",	 "-ab",
					   "ab-", ".ab", "a..b",   "1.2.3.4",	 "xn--a",
					   "a/b", "a b", "../etc", "abc-s3alias" };

	for (size_t i = 0; i < COUNT(good); i++)
		CHECK(s3_bucket_name_valid(bytes_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK(!s3_bucket_name_valid(bytes_of(bad[i])), "%s", bad[i]);
}
