/*
 * Tokens and key sets nobody issued: an Authorization value, or a JWK set after "{". Whatever they
 * are, nothing holds that no key signed.
 */
#include <stdlib.h>

#include "lb/jwt.h"

static void check_token(struct bytes value)
{
	static const struct bytes values[] = { { "a", 1 } };
	static const struct claim_config claims[] = {
		{ CLAIM_SINGLE_STRING, { "a", 1 }, values, 1 },
		{ CLAIM_STRING_ARRAY, { "b", 1 }, values, 1 },
		{ CLAIM_SPACE_SEPARATED, { "c", 1 }, values, 1 },
	};
	static const struct jwt_config jwt = { .issuer = { "i", 1 },
					       .claims = claims,
					       .claim_count = 3 };
	static const struct jose_keys none = { .count = 0 };
	struct http_field field = { BYTES("Authorization"), value };
	struct http_head head = { .fields = &field, .field_count = 1 };
	struct jose token;
	bool known;

	if (!jwt_read(&head, &token)) {
		if (!bytes_eq(jose_text(token.header, "alg"), BYTES("RS256")))
			abort();
		jwt_check_claims(&jwt, token.claims, 1000);
		if (jose_keys_verify(&none, &token, &known))
			abort();
	}
	jose_fini(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size);
	struct jose_keys keys;
	struct jose token;

	if (size && data[0] == '{') {
		if (jose_keys_parse(in, &keys) == ERR_OK) {
			if (!keys.count || keys.count > JOSE_KEYS_MAX)
				abort();
			jose_keys_fini(&keys);
		}
		return 0;
	}
	check_token(in);
	jose_parse(in, &token);
	jose_fini(&token);
	return 0;
}
