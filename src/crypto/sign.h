/*
 * sign: the two signatures of JSON Web Tokens that the house speaks (RFC 7518 §3.3, §3.4): RS256,
 * which identity providers make and we check, and ES256, which we make for targets.
 *
 * Keys are immutable once made; any thread may use one, several at once.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/text.h"

enum {
	SIGN_ES256_BYTES = 64, /* r ‖ s, as a JWS has it */
	SIGN_COORDINATE_BYTES = 32,
	SIGN_PRIVATE_MAX = 1024,    /* a P-256 key in PKCS #8 is well below */
	VERIFY_RSA_BITS_MIN = 2048, /* RFC 7518 §3.3 */
	VERIFY_RSA_BITS_MAX = 8192, /* what a check may cost us */
};

/* ---- Making ---- */

struct sign_key; /* a private key on P-256 */

/* A new key, in PKCS #8 (DER), appended to `out`: a secret. ERR_NOMEM. */
err_t sign_key_make(struct text *out);
/* ERR_INVALID for anything but a private key on P-256. */
err_t sign_key_load(struct bytes der, struct sign_key **ret_key);
void sign_key_destroy(struct sign_key *key); /* NULL is welcome */

err_t sign_es256(const struct sign_key *key, struct bytes in, uint8_t out[SIGN_ES256_BYTES]);

/* "-----BEGIN PUBLIC KEY-----…", as AWS's key endpoint answers. ERR_NOMEM. */
err_t sign_key_public_pem(const struct sign_key *key, struct text *out);
err_t sign_key_public_point(const struct sign_key *key, uint8_t x[SIGN_COORDINATE_BYTES],
			    uint8_t y[SIGN_COORDINATE_BYTES]);

/* ---- Checking ---- */

struct verify_key; /* a public key of one of the two kinds; it checks nothing of the other kind */

/* From the numbers of a JWK, big-endian. ERR_INVALID: no such key, or out of the bounds above. */
err_t verify_key_rsa(struct bytes n, struct bytes e, struct verify_key **ret_key);
err_t verify_key_p256(struct bytes x, struct bytes y, struct verify_key **ret_key);
void verify_key_destroy(struct verify_key *key); /* NULL is welcome */

bool verify_rs256(const struct verify_key *key, struct bytes in, struct bytes signature);
bool verify_es256(const struct verify_key *key, struct bytes in, struct bytes signature);

#endif
