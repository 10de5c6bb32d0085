/* jose and jwt: tokens and key sets taken apart, and what an action asks of them. */
#include "lb/jwt.h"

#include <stdio.h>

#include "base/encode.h"
#include "tests/check.h"

enum { NOW_S = 1000000 };

static char *token_of(const char *header, const char *claims, const char *signature)
{
	struct text token = TEXT_INIT(64 * 1024);

	encode_base64url(&token, bytes_of(header));
	text_add_char(&token, '.');
	encode_base64url(&token, bytes_of(claims));
	text_add_char(&token, '.');
	encode_base64url(&token, bytes_of(signature));
	return text_take(&token);
}

TEST(a_token_is_taken_apart)
{
	char *token = token_of("{\"alg\":\"RS256\",\"kid\":\"k\"}", "{\"sub\":\"a\"}", "sig");
	struct jose jose;

	CHECK_OK(jose_parse(bytes_of(token), &jose));
	CHECK(bytes_eq(jose_text(jose.header, "kid"), BYTES("k")));
	CHECK(bytes_eq(jose_text(jose.claims, "sub"), BYTES("a")));
	CHECK(bytes_eq(text_bytes(&jose.signature), BYTES("sig")));
	CHECK_EQ(jose.signed_part.len, strrchr(token, '.') - token);
	jose_fini(&jose);
	free(token);
}

TEST(what_is_no_token_is_refused)
{
	static const char *const cases[] = {
		"",	    ".",	"..",	     "a.b.c",	    "e30",    "e30.e30",
		"W10.e30.", "e30.W10.", "e30.e30.%", "e30.e30.a.b", "!.e30.", "e30..",
	};
	struct jose jose;

	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_ERR(jose_parse(bytes_of(cases[i]), &jose), ERR_SYNTAX, "%s", cases[i]);
		jose_fini(&jose);
	}
}

TEST(a_member_twice_is_refused_since_readers_differ)
{
	char *token = token_of("{\"alg\":\"RS256\",\"alg\":\"none\"}", "{}", "");
	struct jose jose;

	CHECK_ERR(jose_parse(bytes_of(token), &jose), ERR_SYNTAX);
	jose_fini(&jose);
	free(token);
}

static struct http_head head_with(const struct http_field *fields, unsigned count)
{
	return (struct http_head){ .fields = fields, .field_count = count };
}

static const char *read_value(const char *value)
{
	struct http_field field = { BYTES("authorization"), bytes_of(value) };
	struct http_head head = head_with(&field, value ? 1 : 0);
	struct jose jose;
	const char *reason = jwt_read(&head, &jose);

	jose_fini(&jose);
	return reason;
}

static const char *read_alg(const char *header)
{
	char *token = token_of(header, "{}", "x"), value[1024];
	const char *reason;

	snprintf(value, sizeof value, "Bearer %s", token);
	reason = read_value(value);
	free(token);
	return reason;
}

TEST(only_a_bearer_token_of_rs256_is_read)
{
	struct http_field twice[2] = { { BYTES("Authorization"), BYTES("Bearer a.b.c") },
				       { BYTES("Authorization"), BYTES("Bearer d.e.f") } };
	struct http_head head = head_with(twice, 2);
	struct jose jose;

	CHECK(strcmp(read_value(NULL), "JWTHeaderNotPresent") == 0);
	CHECK(strcmp(read_value("Basic YTpi"), "JWTRequestFormatInvalid") == 0);
	CHECK(strcmp(read_value("Bearer"), "JWTRequestFormatInvalid") == 0);
	CHECK(strcmp(read_value("Bearer x"), "JWTRequestFormatInvalid") == 0);
	CHECK(strcmp(jwt_read(&head, &jose), "JWTRequestFormatInvalid") == 0, "two headers");
	jose_fini(&jose);
	CHECK(read_alg("{\"alg\":\"RS256\"}") == NULL);
	CHECK(strcmp(read_alg("{\"alg\":\"none\"}"), "JWTSignatureValidationError") == 0);
	CHECK(strcmp(read_alg("{\"alg\":\"HS256\"}"), "JWTSignatureValidationError") == 0);
	CHECK(strcmp(read_alg("{\"alg\":\"rs256\"}"), "JWTSignatureValidationError") == 0);
	CHECK(strcmp(read_alg("{\"alg\":[\"RS256\"]}"), "JWTSignatureValidationError") == 0);
	CHECK(strcmp(read_alg("{}"), "JWTSignatureValidationError") == 0);
	CHECK(strcmp(read_alg("{\"alg\":\"RS256\",\"crit\":[\"b64\"]}"),
		     "JWTSignatureValidationError") == 0);
}

/* ---- Claims ---- */

static const struct bytes two_values[] = { { "read", 4 }, { "write", 5 } };
static const struct claim_config wanted[] = {
	{ CLAIM_SINGLE_STRING, { "tenant", 6 }, two_values, 2 },
	{ CLAIM_SPACE_SEPARATED, { "scope", 5 }, two_values, 2 },
	{ CLAIM_STRING_ARRAY, { "roles", 5 }, two_values, 2 },
};

static const char *check(const char *text, unsigned claim_count)
{
	struct jwt_config jwt = { .issuer = BYTES("https://i"),
				  .claims = wanted,
				  .claim_count = claim_count };
	json_t *claims = json_loads(text, 0, NULL);
	const char *reason;

	CHECK(claims != NULL, "%s", text);
	reason = jwt_check_claims(&jwt, claims, NOW_S);
	json_decref(claims);
	return reason ? reason : "";
}

TEST(issuer_and_times_must_hold)
{
	static const struct {
		const char *claims, *reason;
	} cases[] = {
		{ "{\"iss\":\"https://i\",\"exp\":1000001}", "" },
		{ "{\"iss\":\"https://i\",\"exp\":1000000.5}", "JWTClaimValueInvalid" },
		{ "{\"iss\":\"https://i\",\"exp\":1000000}", "JWTClaimValueInvalid" },
		{ "{\"exp\":1000001}", "JWTClaimNotPresent" },
		{ "{\"iss\":\"https://i\"}", "JWTClaimNotPresent" },
		{ "{\"iss\":7,\"exp\":1000001}", "JWTClaimFormatInvalid" },
		{ "{\"iss\":\"https://i/\",\"exp\":1000001}", "JWTClaimValueInvalid" },
		{ "{\"iss\":\"https://i\",\"exp\":\"1000001\"}", "JWTClaimFormatInvalid" },
		{ "{\"iss\":\"https://i\",\"exp\":-1}", "JWTClaimFormatInvalid" },
		{ "{\"iss\":\"https://i\",\"exp\":1e300}", "JWTClaimFormatInvalid" },
		{ "{\"iss\":\"https://i\",\"exp\":1000001,\"nbf\":1000060}", "" },
		{ "{\"iss\":\"https://i\",\"exp\":1000001,\"nbf\":1000061}",
		  "JWTClaimValueInvalid" },
		{ "{\"iss\":\"https://i\",\"exp\":1000001,\"iat\":1000061}",
		  "JWTClaimValueInvalid" },
		{ "{\"iss\":\"https://i\",\"exp\":1000001,\"iat\":null}", "JWTClaimFormatInvalid" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK(strcmp(check(cases[i].claims, 0), cases[i].reason) == 0, "%s: %s",
		      cases[i].claims, check(cases[i].claims, 0));
}

#define GOOD "{\"iss\":\"https://i\",\"exp\":1000001,"

TEST(additional_claims_hold_by_their_format)
{
	static const struct {
		unsigned count;
		const char *claims, *reason;
	} cases[] = {
		{ 1, GOOD "\"tenant\":\"write\"}", "" },
		{ 1, GOOD "\"tenant\":\"writes\"}", "JWTClaimValueInvalid" },
		{ 1, GOOD "\"tenant\":\"read write\"}", "JWTClaimValueInvalid" },
		{ 1, GOOD "\"tenant\":[\"read\"]}", "JWTClaimFormatInvalid" },
		{ 1, GOOD "\"other\":\"read\"}", "JWTClaimNotPresent" },
		{ 2, GOOD "\"tenant\":\"read\",\"scope\":\"openid  write\"}", "" },
		{ 2, GOOD "\"tenant\":\"read\",\"scope\":\"openid writes\"}",
		  "JWTClaimValueInvalid" },
		{ 2, GOOD "\"tenant\":\"read\",\"scope\":\"\"}", "JWTClaimValueInvalid" },
		{ 3, GOOD "\"tenant\":\"read\",\"scope\":\"read\",\"roles\":[1,\"read\"]}", "" },
		{ 3, GOOD "\"tenant\":\"read\",\"scope\":\"read\",\"roles\":[]}",
		  "JWTClaimValueInvalid" },
		{ 3, GOOD "\"tenant\":\"read\",\"scope\":\"read\",\"roles\":\"read\"}",
		  "JWTClaimFormatInvalid" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK(strcmp(check(cases[i].claims, cases[i].count), cases[i].reason) == 0,
		      "%s: %s", cases[i].claims, check(cases[i].claims, cases[i].count));
}

/* ---- Key sets ---- */

/* RFC 7515 appendix A.2. */
#define RSA_N                                                                                    \
	"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1" \
	"Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpa" \
	"SHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4" \
	"LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define JWK(more) "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"" RSA_N "\"" more "}"
#define SET(keys) "{\"keys\":[" keys "]}"

static err_t parse(const char *set, unsigned *ret_count)
{
	struct jose_keys keys = { .count = 0 };
	err_t err = jose_keys_parse(bytes_of(set), &keys);

	*ret_count = keys.count;
	jose_keys_fini(&keys);
	return err;
}

TEST(a_key_set_gives_its_rsa_signature_keys)
{
	unsigned count;

	CHECK_OK(parse(SET(JWK(",\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"RS256\"")), &count));
	CHECK_EQ(count, 1);
	CHECK_OK(parse(SET("{\"kty\":\"EC\"}," JWK("") ",{\"kty\":\"oct\",\"k\":\"AAAA\"}"),
		       &count));
	CHECK_EQ(count, 1, "others are passed over: a secret above all");
	CHECK_ERR(parse(SET(JWK(",\"use\":\"enc\"")), &count), ERR_NOT_FOUND);
	CHECK_ERR(parse(SET(JWK(",\"alg\":\"RS512\"")), &count), ERR_NOT_FOUND);
	CHECK_ERR(parse(SET(""), &count), ERR_NOT_FOUND);
	CHECK_ERR(parse("{}", &count), ERR_SYNTAX);
	CHECK_ERR(parse("", &count), ERR_SYNTAX);
	CHECK_ERR(parse("[]", &count), ERR_SYNTAX);
	CHECK_ERR(parse("{\"keys\":{}}", &count), ERR_SYNTAX);
	CHECK_ERR(parse(SET("1,2,3,4,5,6,7,8,9,10,11"), &count), ERR_LIMIT);
}

TEST(a_tokens_kid_chooses_its_key_and_without_one_all_are_tried)
{
	static const char rs256[] =
		"eyJhbGciOiJSUzI1NiJ9."
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc"
		"19yb290Ijp0cnVlfQ."
		"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt"
		"_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArL"
		"IARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7no"
		"OPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
		"Ge77Rw";
	struct jose_keys keys;
	struct jose token;
	bool known;

	CHECK_OK(jose_keys_parse(BYTES(SET(JWK(",\"kid\":\"a\""))), &keys));
	CHECK_OK(jose_parse(bytes_of(rs256), &token));
	CHECK(jose_keys_verify(&keys, &token, &known) && known);
	json_object_set_new(token.header, "kid", json_string("a"));
	CHECK(jose_keys_verify(&keys, &token, &known) && known);
	json_object_set_new(token.header, "kid", json_string("b"));
	CHECK(!jose_keys_verify(&keys, &token, &known) && !known);
	jose_fini(&token);
	jose_keys_fini(&keys);
}

TEST(a_token_of_ours_is_padded_as_albs_are)
{
	struct text der = TEXT_INIT(1024), token = TEXT_INIT(4096);
	json_t *header = json_pack("{s:s}", "a", "b"), *claims = json_pack("{s:s}", "c", "de");
	struct sign_key *key;
	struct jose jose;

	CHECK_OK(sign_key_make(&der));
	CHECK_OK(sign_key_load(text_bytes(&der), &key));
	CHECK_OK(jose_sign(key, header, claims, true, &token));
	/* {"a":"b"} is 9 bytes, {"c":"de"} 10, the signature 64. */
	CHECK(bytes_starts(text_bytes(&token), BYTES("eyJhIjoiYiJ9.eyJjIjoiZGUifQ==.")));
	CHECK(bytes_ends(text_bytes(&token), BYTES("==")));
	CHECK_OK(jose_parse(text_bytes(&token), &jose));
	CHECK_EQ(jose.signature.len, SIGN_ES256_BYTES);
	jose_fini(&jose);
	json_decref(header);
	json_decref(claims);
	sign_key_destroy(key);
	text_fini(&der);
	text_fini(&token);
}
