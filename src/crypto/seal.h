/*
 * seal: AES-256-GCM on small values that leave the house and come back: stickiness cookies.
 * A sealed value is nonce (12) ‖ ciphertext ‖ tag (16).
 */
#ifndef CRYPTO_SEAL_H
#define CRYPTO_SEAL_H

#include "base/text.h"

enum { SEAL_KEY_BYTES = 32, SEAL_OVERHEAD_BYTES = 28 };

err_t seal(const uint8_t key[SEAL_KEY_BYTES], struct bytes plain, struct bytes context, struct text *out);
err_t seal_open(const uint8_t key[SEAL_KEY_BYTES], struct bytes sealed, struct bytes context,
		struct text *out); /* ERR_DENIED when it is not ours */

#endif
