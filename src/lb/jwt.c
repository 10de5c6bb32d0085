#include "lb/jwt.h"

#define NOT_PRESENT   "JWTHeaderNotPresent"
#define BAD_FORMAT    "JWTRequestFormatInvalid"
#define BAD_SIGNATURE "JWTSignatureValidationError"
#define NO_CLAIM      "JWTClaimNotPresent"
#define CLAIM_FORMAT  "JWTClaimFormatInvalid"
#define CLAIM_VALUE   "JWTClaimValueInvalid"

static unsigned count_fields(const struct http_head *head, struct bytes name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < head->field_count; i++)
		count += bytes_eq_nocase(head->fields[i].name, name);
	return count;
}

const char *jwt_read(const struct http_head *head, struct jose *ret_token)
{
	struct bytes value = http_value(head, BYTES("Authorization"));
	unsigned count = count_fields(head, BYTES("Authorization"));

	*ret_token = (struct jose){ 0 };
	if (!count)
		return NOT_PRESENT;
	/* Two are read by one server as the first and by another as the last. */
	if (count > 1 || !bytes_starts_nocase(value, BYTES("Bearer ")))
		return BAD_FORMAT;
	if (jose_parse(bytes_trim(bytes_from(value, 7)), ret_token))
		return BAD_FORMAT;
	/*
	 * The algorithm is ours to choose, not the token's: "none" and HS256 with the public key as
	 * its secret end here. An extension that must be understood is not.
	 */
	if (!bytes_eq(jose_text(ret_token->header, "alg"), BYTES("RS256")) ||
	    json_object_get(ret_token->header, "crit"))
		return BAD_SIGNATURE;
	return NULL;
}

static const char *check_times(const json_t *claims, uint64_t unix_s)
{
	static const char *const not_before[] = { "nbf", "iat" };
	uint64_t seconds;

	if (!json_object_get(claims, "exp"))
		return NO_CLAIM;
	if (!jose_time(claims, "exp", &seconds))
		return CLAIM_FORMAT;
	if (unix_s >= seconds)
		return CLAIM_VALUE;
	for (size_t i = 0; i < COUNT(not_before); i++) {
		if (!json_object_get(claims, not_before[i]))
			continue;
		if (!jose_time(claims, not_before[i], &seconds))
			return CLAIM_FORMAT;
		if (seconds > unix_s + JWT_SKEW_S)
			return CLAIM_VALUE;
	}
	return NULL;
}

static bool is_wanted(const struct claim_config *claim, struct bytes value)
{
	for (unsigned i = 0; i < claim->value_count; i++)
		if (bytes_eq(claim->values[i], value))
			return true;
	return false;
}

static bool any_word_wanted(const struct claim_config *claim, struct bytes words)
{
	struct bytes word;

	while (bytes_cut(&words, ' ', &word))
		if (word.len && is_wanted(claim, word))
			return true;
	return false;
}

static const char *check_array(const struct claim_config *claim, const json_t *list)
{
	const json_t *item;
	size_t index;

	if (!json_is_array(list))
		return CLAIM_FORMAT;
	json_array_foreach (list, index, item)
		if (json_is_string(item) &&
		    is_wanted(claim, bytes_make(json_string_value(item), json_string_length(item))))
			return NULL;
	return CLAIM_VALUE;
}

static const char *check_claim(const struct claim_config *claim, const json_t *claims)
{
	const json_t *value = json_object_getn(claims, claim->name.at, claim->name.len);
	struct bytes text;
	bool wanted;

	if (!value)
		return NO_CLAIM;
	if (claim->format == CLAIM_STRING_ARRAY)
		return check_array(claim, value);
	if (!json_is_string(value))
		return CLAIM_FORMAT;
	text = bytes_make(json_string_value(value), json_string_length(value));
	wanted = claim->format == CLAIM_SPACE_SEPARATED ? any_word_wanted(claim, text)
							: is_wanted(claim, text);
	return wanted ? NULL : CLAIM_VALUE;
}

const char *jwt_check_claims(const struct jwt_config *jwt, const json_t *claims, uint64_t unix_s)
{
	const json_t *issuer = json_object_get(claims, "iss");
	const char *reason = NULL;

	if (!issuer)
		return NO_CLAIM;
	if (!json_is_string(issuer))
		return CLAIM_FORMAT;
	if (!bytes_eq(jose_text(claims, "iss"), jwt->issuer))
		return CLAIM_VALUE;
	reason = check_times(claims, unix_s);
	for (unsigned i = 0; !reason && i < jwt->claim_count; i++)
		reason = check_claim(&jwt->claims[i], claims);
	return reason;
}
