#include "tests/check.h"

#include "base/encode.h"
#include "crypto/seal.h"

static const uint8_t key[SEAL_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const uint8_t other_key[SEAL_KEY_BYTES] = "another key of thirty-two bytes";

TEST(what_was_sealed_opens_again)
{
	static const char *const values[] = { "", "x", "a target and an expiry",
					      "bytes after \xff and \x01 too" };

	for (size_t i = 0; i < COUNT(values); i++) {
		struct text sealed = TEXT_INIT(1024), plain = TEXT_INIT(1024);

		CHECK_OK(seal(key, bytes_of(values[i]), BYTES("AWSALB"), &sealed));
		CHECK_EQ(sealed.len, strlen(values[i]) + SEAL_OVERHEAD_BYTES);
		CHECK_OK(seal_open(key, text_bytes(&sealed), BYTES("AWSALB"), &plain));
		CHECK_STR(text_str(&plain), values[i]);
		text_fini(&sealed);
		text_fini(&plain);
	}
}

TEST(the_same_value_never_looks_the_same_twice)
{
	struct text a = TEXT_INIT(256), b = TEXT_INIT(256);

	CHECK_OK(seal(key, BYTES("target-1"), BYTES_NONE, &a));
	CHECK_OK(seal(key, BYTES("target-1"), BYTES_NONE, &b));
	CHECK(!bytes_eq(text_bytes(&a), text_bytes(&b)));
	CHECK(bytes_find(text_bytes(&a), BYTES("target-1")) == SIZE_MAX, "readable");
	text_fini(&a);
	text_fini(&b);
}

TEST(a_value_with_any_bit_changed_is_refused)
{
	struct text sealed = TEXT_INIT(256), plain = TEXT_INIT(256);

	CHECK_OK(seal(key, BYTES("10.0.0.5:8000"), BYTES("AWSALB"), &sealed));
	for (size_t bit = 0; bit < sealed.len * 8; bit++) {
		sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ (1 << (bit % 8)));
		CHECK_ERR(seal_open(key, text_bytes(&sealed), BYTES("AWSALB"), &plain), ERR_DENIED,
			  "bit %zu", bit);
		CHECK_EQ(plain.len, 0, "text leaked out before the tag was checked");
		sealed.at[bit / 8] = (char)(sealed.at[bit / 8] ^ (1 << (bit % 8)));
	}
	CHECK_OK(seal_open(key, text_bytes(&sealed), BYTES("AWSALB"), &plain), "restored");
	text_fini(&sealed);
	text_fini(&plain);
}

TEST(a_value_cut_anywhere_or_made_longer_is_refused)
{
	struct text sealed = TEXT_INIT(256), plain = TEXT_INIT(256);

	CHECK_OK(seal(key, BYTES("10.0.0.5:8000"), BYTES("AWSALB"), &sealed));
	for (size_t len = 0; len < sealed.len; len++)
		CHECK_ERR(seal_open(key, bytes_upto(text_bytes(&sealed), len), BYTES("AWSALB"),
				    &plain),
			  ERR_DENIED, "%zu bytes", len);
	text_add_char(&sealed, 'x');
	CHECK_ERR(seal_open(key, text_bytes(&sealed), BYTES("AWSALB"), &plain), ERR_DENIED);
	CHECK_ERR(seal_open(key, BYTES_NONE, BYTES("AWSALB"), &plain), ERR_DENIED);
	text_fini(&sealed);
	text_fini(&plain);
}

TEST(another_key_or_another_purpose_is_refused)
{
	struct text sealed = TEXT_INIT(256), plain = TEXT_INIT(256);

	CHECK_OK(seal(key, BYTES("10.0.0.5:8000"), BYTES("AWSALB"), &sealed));
	CHECK_ERR(seal_open(other_key, text_bytes(&sealed), BYTES("AWSALB"), &plain), ERR_DENIED);
	CHECK_ERR(seal_open(key, text_bytes(&sealed), BYTES("AWSALBTG"), &plain), ERR_DENIED);
	CHECK_ERR(seal_open(key, text_bytes(&sealed), BYTES_NONE, &plain), ERR_DENIED);
	text_fini(&sealed);
	text_fini(&plain);
}

TEST(what_does_not_fit_is_an_error)
{
	struct text small = TEXT_INIT(SEAL_OVERHEAD_BYTES + 3), out = TEXT_INIT(256 * 1024);
	char *big = calloc(1, SEAL_PLAIN_MAX + 1);

	CHECK(big != NULL);
	CHECK_ERR(seal(key, BYTES("four"), BYTES_NONE, &small), ERR_TOO_LARGE);
	CHECK_OK(seal(key, bytes_make(big, SEAL_PLAIN_MAX), BYTES_NONE, &out));
	CHECK_ERR(seal(key, bytes_make(big, SEAL_PLAIN_MAX + 1), BYTES_NONE, &out), ERR_TOO_LARGE);
	free(big);
	text_fini(&small);
	text_fini(&out);
}

/* The GCM submission's test cases 13, 14 and 16 (AES-256), laid out as we seal. */
static const struct {
	const char *key, *context, *sealed, *plain;
} vectors[] = {
	{ "0000000000000000000000000000000000000000000000000000000000000000", "",
	  "000000000000000000000000"
	  "530f8afbc74536b9a963b4f1c4cb738b",
	  "" },
	{ "0000000000000000000000000000000000000000000000000000000000000000", "",
	  "000000000000000000000000"
	  "cea7403d4d606b6e074ec5d3baf39d18"
	  "d0d1c8a799996bf0265b98b5d48ab919",
	  "00000000000000000000000000000000" },
	{ "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
	  "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	  "cafebabefacedbaddecaf888"
	  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
	  "76fc6ece0f4e1768cddf8853bb2d551b",
	  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39" },
};

TEST(the_published_gcm_vectors_open)
{
	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct text k = TEXT_INIT(256), context = TEXT_INIT(256), sealed = TEXT_INIT(256);
		struct text want = TEXT_INIT(256), got = TEXT_INIT(256);

		CHECK_OK(decode_hex(&k, bytes_of(vectors[i].key)));
		CHECK_OK(decode_hex(&context, bytes_of(vectors[i].context)));
		CHECK_OK(decode_hex(&sealed, bytes_of(vectors[i].sealed)));
		CHECK_OK(decode_hex(&want, bytes_of(vectors[i].plain)));
		CHECK_OK(seal_open((const uint8_t *)k.at, text_bytes(&sealed), text_bytes(&context),
				   &got),
			 "vector %zu", i);
		CHECK(bytes_eq(text_bytes(&got), text_bytes(&want)), "vector %zu", i);
		text_fini(&k);
		text_fini(&context);
		text_fini(&sealed);
		text_fini(&want);
		text_fini(&got);
	}
}
