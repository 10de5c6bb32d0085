#include "crypto/sign.h"

#include "base/encode.h"
#include "tests/check.h"

/* RFC 7515 appendix A.2 (RS256) and A.3 (ES256): the claims are the same. */
#define CLAIMS                                                                          \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc" \
	"19yb290Ijp0cnVlfQ"
#define RS256_INPUT "eyJhbGciOiJSUzI1NiJ9." CLAIMS
#define ES256_INPUT "eyJhbGciOiJFUzI1NiJ9." CLAIMS

static const char rsa_n[] =
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1P"
	"t0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX"
	"ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5I"
	"hlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
static const char rsa_signature[] =
	"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2"
	"Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjt"
	"QBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6"
	"IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char ec_x[] = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
static const char ec_y[] = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
static const char ec_signature[] = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISl"
				   "SApmWQxfKTUJqPP3-Kg6NU1Q";

struct raw {
	struct text text;
};

static struct bytes raw_of(struct raw *raw, const char *base64url)
{
	text_init(&raw->text, 4096);
	CHECK_OK(decode_base64url(&raw->text, bytes_of(base64url)));
	return text_bytes(&raw->text);
}

TEST(the_rfcs_rs256_signature_verifies_and_no_other)
{
	struct raw n, s;
	struct bytes signature = raw_of(&s, rsa_signature);
	struct verify_key *key;

	CHECK_OK(verify_key_rsa(raw_of(&n, rsa_n), BYTES("\x01\x00\x01"), &key));
	CHECK(verify_rs256(key, BYTES(RS256_INPUT), signature));
	CHECK(!verify_rs256(key, BYTES(ES256_INPUT), signature));
	CHECK(!verify_rs256(key, BYTES(RS256_INPUT), bytes_upto(signature, signature.len - 1)));
	CHECK(!verify_rs256(key, BYTES(RS256_INPUT), BYTES("")));
	CHECK(!verify_es256(key, BYTES(RS256_INPUT), signature), "an RSA key makes no ES256");
	for (size_t i = 0; i < signature.len; i += 16) {
		s.text.at[i] ^= 1;
		CHECK(!verify_rs256(key, BYTES(RS256_INPUT), signature), "byte %zu", i);
		s.text.at[i] ^= 1;
	}
	verify_key_destroy(key);
	text_fini(&n.text);
	text_fini(&s.text);
}

TEST(the_rfcs_es256_signature_verifies_and_no_other)
{
	struct raw x, y, s;
	struct bytes signature = raw_of(&s, ec_signature);
	struct verify_key *key;

	CHECK_OK(verify_key_p256(raw_of(&x, ec_x), raw_of(&y, ec_y), &key));
	CHECK(verify_es256(key, BYTES(ES256_INPUT), signature));
	CHECK(!verify_es256(key, BYTES(RS256_INPUT), signature));
	CHECK(!verify_rs256(key, BYTES(ES256_INPUT), signature), "an EC key makes no RS256");
	for (size_t i = 0; i < signature.len; i++) {
		s.text.at[i] ^= 1;
		CHECK(!verify_es256(key, BYTES(ES256_INPUT), signature), "byte %zu", i);
		s.text.at[i] ^= 1;
	}
	memset(s.text.at, 0, s.text.len);
	CHECK(!verify_es256(key, BYTES(ES256_INPUT), signature), "r = s = 0");
	verify_key_destroy(key);
	text_fini(&x.text);
	text_fini(&y.text);
	text_fini(&s.text);
}

TEST(what_a_key_of_ours_signs_its_public_half_verifies)
{
	struct text der = TEXT_INIT(SIGN_PRIVATE_MAX), pem = TEXT_INIT(1024);
	uint8_t x[SIGN_COORDINATE_BYTES], y[SIGN_COORDINATE_BYTES], signature[SIGN_ES256_BYTES];
	struct sign_key *key;
	struct verify_key *public;

	CHECK_OK(sign_key_make(&der));
	CHECK_OK(sign_key_load(text_bytes(&der), &key));
	CHECK_OK(sign_key_public_pem(key, &pem));
	CHECK(bytes_starts(text_bytes(&pem), BYTES("-----BEGIN PUBLIC KEY-----\n")));
	CHECK_OK(sign_key_public_point(key, x, y));
	CHECK_OK(verify_key_p256(bytes_make(x, sizeof x), bytes_make(y, sizeof y), &public));
	for (int i = 0; i < 40; i++) { /* numbers with leading zeros come up */
		CHECK_OK(sign_es256(key, BYTES("hello"), signature));
		CHECK(verify_es256(public, BYTES("hello"),
				   bytes_make(signature, sizeof signature)));
	}
	verify_key_destroy(public);
	sign_key_destroy(key);
	text_fini(&der);
	text_fini(&pem);
}

TEST(keys_that_are_none_are_refused)
{
	static const char small[128] = { (char)0x80, [127] = 1 };
	static char even[256] = { (char)0x80 }, huge[1100];
	struct verify_key *key;
	struct sign_key *own;
	struct raw x;
	struct bytes number = raw_of(&x, ec_x);

	memset(huge, 0xff, sizeof huge);
	CHECK_ERR(verify_key_rsa(bytes_make(small, sizeof small), BYTES("\x01\x00\x01"), &key),
		  ERR_INVALID, "1024 bits");
	CHECK_ERR(verify_key_rsa(bytes_make(even, sizeof even), BYTES("\x01\x00\x01"), &key),
		  ERR_INVALID, "an even modulus");
	CHECK_ERR(verify_key_rsa(bytes_make(huge, sizeof huge), BYTES("\x01\x00\x01"), &key),
		  ERR_INVALID, "more than 8192 bits");
	CHECK_ERR(verify_key_rsa(bytes_make(huge, 256), BYTES("\x01"), &key), ERR_INVALID,
		  "an exponent of 1: everything would be its own signature");
	CHECK_ERR(verify_key_rsa(bytes_make(huge, 256), BYTES(""), &key), ERR_INVALID);
	CHECK_ERR(verify_key_p256(number, number, &key), ERR_INVALID, "not on the curve");
	text_fini(&x.text);
	CHECK_ERR(sign_key_load(BYTES("nonsense"), &own), ERR_INVALID);
}
