/*
 * keys: the secrets of an installation, made at first start and kept in the data directory.
 *
 * DATA/credentials is AWS's shared credentials file, mode 0600; the stickiness key is a setting
 * of the store. DATA/seal.key, mode 0600, is what secrets in the store are sealed with: clients of
 * identity providers, and the keys of sign-ins, which are a setting themselves. Nothing of them is
 * ever logged.
 */
#ifndef APP_KEYS_H
#define APP_KEYS_H

#include "base/text.h"
#include "crypto/seal.h"
#include "crypto/sign.h"
#include "store/store.h"

struct keys {
	char *access_key, *secret;
	uint8_t cookie_key[32];
	uint8_t seal_key[SEAL_KEY_BYTES];
	uint8_t session_key[SEAL_KEY_BYTES]; /* of who is signed in */
	char signing_kid[37];		     /* a UUID */
	struct text signing_key;	     /* PKCS #8: signs x-amzn-oidc-data */
	struct sign_key *signing;	     /* the same, loaded */
};

/* Reads what is there, makes what is missing. On failure `why` gets a sentence. */
err_t keys_load(struct keys *keys, const char *data, struct store *store, struct text *why);
void keys_fini(struct keys *keys);

#endif
