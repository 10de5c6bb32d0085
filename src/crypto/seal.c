#include "crypto/seal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/encode.h"
#include "crypto/random.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16 };

_Static_assert(NONCE_BYTES + TAG_BYTES == SEAL_OVERHEAD_BYTES,
	       "a sealed value is nonce, text, tag");

/* Fetched once: workers seal a cookie a request, and a fetch takes a lock that they would share. */
static EVP_CIPHER *aes;
static pthread_once_t aes_once = PTHREAD_ONCE_INIT;

static void fetch_aes(void)
{
	aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (!aes)
		abort();
}

/* A context with key, nonce and the context bytes taken in. NULL on no memory. */
static EVP_CIPHER_CTX *begin(const uint8_t *key, const uint8_t *nonce, struct bytes context,
			     bool encrypt)
{
	EVP_CIPHER_CTX *gcm;
	int len;

	pthread_once(&aes_once, fetch_aes);
	gcm = EVP_CIPHER_CTX_new();
	if (!gcm)
		return NULL;
	if (EVP_CipherInit_ex2(gcm, aes, key, nonce, encrypt, NULL) == 1 &&
	    (!context.len ||
	     EVP_CipherUpdate(gcm, NULL, &len, (const uint8_t *)context.at, (int)context.len) == 1))
		return gcm;
	EVP_CIPHER_CTX_free(gcm);
	return NULL;
}

static bool run(EVP_CIPHER_CTX *gcm, struct bytes in, uint8_t *out)
{
	int len = 0;

	return !in.len ||
	       (EVP_CipherUpdate(gcm, out, &len, (const uint8_t *)in.at, (int)in.len) == 1 &&
		(size_t)len == in.len);
}

err_t seal(const uint8_t key[SEAL_KEY_BYTES], struct bytes plain, struct bytes context,
	   struct text *out)
{
	size_t len = plain.len + SEAL_OVERHEAD_BYTES;
	uint8_t *sealed;
	EVP_CIPHER_CTX *gcm;
	int none = 0;
	err_t err = ERR_NOMEM;

	if (plain.len > SEAL_PLAIN_MAX || context.len > SEAL_PLAIN_MAX)
		return ERR_TOO_LARGE;
	sealed = malloc(len);
	if (!sealed)
		return ERR_NOMEM;
	random_bytes(sealed, NONCE_BYTES);
	gcm = begin(key, sealed, context, true);
	if (gcm && run(gcm, plain, sealed + NONCE_BYTES) &&
	    EVP_CipherFinal_ex(gcm, sealed + len, &none) == 1 &&
	    EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
				sealed + NONCE_BYTES + plain.len) == 1) {
		text_add(out, bytes_make(sealed, len));
		err = text_err(out);
	}
	EVP_CIPHER_CTX_free(gcm);
	free(sealed);
	return err;
}

err_t seal_open(const uint8_t key[SEAL_KEY_BYTES], struct bytes sealed, struct bytes context,
		struct text *out)
{
	size_t len = sealed.len - SEAL_OVERHEAD_BYTES;
	uint8_t tag[TAG_BYTES], *plain;
	EVP_CIPHER_CTX *gcm;
	int none = 0;
	err_t err = ERR_DENIED;

	if (sealed.len < SEAL_OVERHEAD_BYTES || len > SEAL_PLAIN_MAX ||
	    context.len > SEAL_PLAIN_MAX)
		return ERR_DENIED;
	plain = malloc(len + 1);
	if (!plain)
		return ERR_NOMEM;
	memcpy(tag, sealed.at + NONCE_BYTES + len, TAG_BYTES);
	gcm = begin(key, (const uint8_t *)sealed.at, context, false);
	/* The text comes out before the tag is checked; it reaches the caller only after. */
	if (gcm && run(gcm, bytes_upto(bytes_from(sealed, NONCE_BYTES), len), plain) &&
	    EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
	    EVP_CipherFinal_ex(gcm, plain + len, &none) == 1) {
		text_add(out, bytes_make(plain, len));
		err = text_err(out);
	} else if (!gcm) {
		err = ERR_NOMEM;
	}
	EVP_CIPHER_CTX_free(gcm);
	OPENSSL_cleanse(plain, len);
	free(plain);
	return err;
}

err_t seal_text(const uint8_t key[SEAL_KEY_BYTES], struct bytes plain, struct bytes context,
		struct text *out)
{
	struct text sealed = TEXT_INIT(SEAL_PLAIN_MAX + SEAL_OVERHEAD_BYTES);
	err_t err = seal(key, plain, context, &sealed);

	if (!err)
		encode_base64(out, text_bytes(&sealed));
	text_fini(&sealed);
	return err ? err : text_err(out);
}

err_t seal_text_open(const uint8_t key[SEAL_KEY_BYTES], struct bytes sealed, struct bytes context,
		     struct text *out)
{
	struct text raw = TEXT_INIT(SEAL_PLAIN_MAX + SEAL_OVERHEAD_BYTES);
	err_t err = decode_base64(&raw, sealed);

	err = err == ERR_NOMEM ? err
	      : err	       ? ERR_DENIED
			       : seal_open(key, text_bytes(&raw), context, out);
	text_fini(&raw);
	return err;
}
