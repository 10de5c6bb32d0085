/*
 * jose: JSON Web Tokens and key sets as text (RFC 7515, 7517, 7519): taken apart, and put together.
 * Pure: no clock, no socket. What a token's claims must be is jwt.h's and oidc.h's to say.
 */
#ifndef LB_JOSE_H
#define LB_JOSE_H

#include <jansson.h>

#include "crypto/sign.h"

enum {
	JOSE_TOKEN_MAX = 64 * 1024,
	JOSE_KEYS_MAX = 10,		 /* reference/alb.md §3.7 */
	JOSE_KEY_SET_BYTES = 150 * 1024, /* likewise */
	JOSE_CLAIM_TIME_MAX = 1LL << 53, /* what a JSON number holds exactly */
};

/* A compact JWS, taken apart; nothing of it is verified. */
struct jose {
	struct bytes signed_part; /* borrowed from the token: "header.claims" */
	struct text signature;
	json_t *header, *claims; /* objects */
};

/* ERR_SYNTAX: not three parts of base64url around two JSON objects; ERR_NOMEM. Either way
 * jose_fini is harmless after it. */
err_t jose_parse(struct bytes token, struct jose *ret_jose);
void jose_fini(struct jose *jose);

/* A string member of header or claims; at == NULL: absent, or no string. */
struct bytes jose_text(const json_t *object, const char *name);
/* A NumericDate (RFC 7519 §2) in whole seconds; false: absent, no number, or beyond any time. */
bool jose_time(const json_t *claims, const char *name, uint64_t *ret_seconds);

/*
 * Signs `header` and `claims` (objects) with ES256. With `padded` the parts end in "=" as ALB's do
 * (reference/alb.md §3.6). Appended to `out`; ERR_NOMEM, ERR_TOO_LARGE.
 */
err_t jose_sign(const struct sign_key *key, const json_t *header, const json_t *claims, bool padded,
		struct text *out);

/* ---- Key sets ---- */

struct jose_key {
	char *kid; /* NULL: has none */
	struct verify_key *key;
};

struct jose_keys {
	struct jose_key at[JOSE_KEYS_MAX];
	unsigned count;
};

/*
 * The RSA signature keys of a JWK set; others in it are passed over. ERR_SYNTAX: no key set;
 * ERR_LIMIT: more than JOSE_KEYS_MAX keys; ERR_NOT_FOUND: none that we can use; ERR_NOMEM.
 */
err_t jose_keys_parse(struct bytes document, struct jose_keys *ret_keys);
void jose_keys_fini(struct jose_keys *keys);

/* Whether one of them made the token's RS256 signature: the one the token names, or, when it names
 * none, any. *ret_known: there was such a key to try. */
bool jose_keys_verify(const struct jose_keys *keys, const struct jose *token, bool *ret_known);

#endif
