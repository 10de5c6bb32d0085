/*
 * seal: AES-256-GCM on small values that leave the house and come back: stickiness cookies.
 * A sealed value is nonce (12) ‖ ciphertext ‖ tag (16). The nonce is random, so one key is good
 * for some 2^32 values (NIST SP 800-38D §8.3). Any thread.
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "base/text.h"

enum { SEAL_KEY_BYTES = 32, SEAL_OVERHEAD_BYTES = 28, SEAL_PLAIN_MAX = 64 * 1024 };

/*
 * Both append to `out`. `context` is not kept in the value but must be the same to open it, so
 * that a value made for one purpose is of no use for another. ERR_NOMEM; ERR_TOO_LARGE past
 * SEAL_PLAIN_MAX or the text's own maximum.
 */
err_t seal(const uint8_t key[SEAL_KEY_BYTES], struct bytes plain, struct bytes context,
	   struct text *out);
err_t seal_open(const uint8_t key[SEAL_KEY_BYTES], struct bytes sealed, struct bytes context,
		struct text *out); /* ERR_DENIED when it is not ours */

/* The same as base64, for values that lie in JSON. */
err_t seal_text(const uint8_t key[SEAL_KEY_BYTES], struct bytes plain, struct bytes context,
		struct text *out);
err_t seal_text_open(const uint8_t key[SEAL_KEY_BYTES], struct bytes sealed, struct bytes context,
		     struct text *out);

#endif
