#include "tests/check.h"

#include <stdio.h>

#include "base/encode.h"
#include "crypto/digest.h"

static const char *hex_of(const uint8_t raw[SHA256_BYTES])
{
	static char hex[SHA256_HEX_BYTES + 1];

	for (size_t i = 0; i < SHA256_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	return hex;
}

/* FIPS 180-4's examples, as NIST publishes them. */
static const struct {
	const char *in, *digest;
} sha256_cases[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

TEST(sha256_gives_the_published_digests)
{
	for (size_t i = 0; i < COUNT(sha256_cases); i++) {
		char hex[SHA256_HEX_BYTES + 1];

		sha256_hex(bytes_of(sha256_cases[i].in), hex);
		CHECK_STR(hex, sha256_cases[i].digest, "of \"%s\"", sha256_cases[i].in);
	}
}

TEST(sha256_of_nothing_needs_no_address)
{
	uint8_t out[SHA256_BYTES];

	sha256(BYTES_NONE, out);
	CHECK_STR(hex_of(out), sha256_cases[0].digest);
}

TEST(a_digest_in_pieces_is_the_same_wherever_it_is_cut)
{
	const char *in = sha256_cases[2].in;
	size_t len = strlen(in);

	for (size_t cut = 0; cut <= len; cut++) {
		struct sha256_stream *stream;
		uint8_t out[SHA256_BYTES];

		CHECK_OK(sha256_stream_create(&stream));
		sha256_stream_add(stream, bytes_make(in, cut));
		sha256_stream_add(stream, BYTES_NONE);
		sha256_stream_add(stream, bytes_make(in + cut, len - cut));
		sha256_stream_finish(stream, out);
		CHECK_STR(hex_of(out), sha256_cases[2].digest, "cut at %zu", cut);
	}
}

TEST(a_million_letters_in_pieces_give_the_published_digest)
{
	struct sha256_stream *stream;
	uint8_t out[SHA256_BYTES];
	char piece[1000];

	memset(piece, 'a', sizeof piece);
	CHECK_OK(sha256_stream_create(&stream));
	for (int i = 0; i < 1000; i++)
		sha256_stream_add(stream, bytes_make(piece, sizeof piece));
	sha256_stream_finish(stream, out);
	CHECK_STR(hex_of(out), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(a_digest_that_is_not_wanted_any_more_is_just_freed)
{
	struct sha256_stream *stream;

	CHECK_OK(sha256_stream_create(&stream));
	sha256_stream_add(stream, BYTES("half a body"));
	sha256_stream_finish(stream, NULL); /* the leak checker is the judge */
}

/* RFC 4231 §4; keys and long data are given as hexadecimal. Case 5 truncates and is left out. */
static const struct {
	const char *key, *data, *mac;
} hmac_cases[] = {
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	  "dddddddddddd",
	  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "0102030405060708090a0b0c0d0e0f10111213141516171819",
	  "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
	  "cdcdcdcdcdcd",
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
};

TEST(hmac_gives_the_macs_of_rfc_4231)
{
	for (size_t i = 0; i < COUNT(hmac_cases); i++) {
		struct text key = TEXT_INIT(256), data = TEXT_INIT(256);
		uint8_t out[SHA256_BYTES];

		CHECK_OK(decode_hex(&key, bytes_of(hmac_cases[i].key)));
		CHECK_OK(decode_hex(&data, bytes_of(hmac_cases[i].data)));
		hmac_sha256(text_bytes(&key), text_bytes(&data), out);
		CHECK_STR(hex_of(out), hmac_cases[i].mac, "case %zu", i + 1);
		text_fini(&key);
		text_fini(&data);
	}
}

TEST(hmac_takes_a_key_longer_than_a_block)
{
	uint8_t out[SHA256_BYTES];
	char key[131];

	memset(key, 0xaa, sizeof key); /* RFC 4231 §4.7 */
	hmac_sha256(bytes_make(key, sizeof key),
		    BYTES("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	CHECK_STR(hex_of(out), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(hmac_takes_an_empty_key_and_empty_data)
{
	uint8_t out[SHA256_BYTES];

	hmac_sha256(BYTES("leaves its key behind?"), BYTES("x"), out);
	hmac_sha256(BYTES_NONE, BYTES_NONE, out);
	CHECK_STR(hex_of(out), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}
