/*
 * keys: the secrets of an installation, made at first start and kept in the data directory.
 *
 * DATA/credentials is AWS's shared credentials file, mode 0600; the stickiness key is a setting
 * of the store. Nothing of them is ever logged.
 */
#ifndef APP_KEYS_H
#define APP_KEYS_H

#include "base/text.h"
#include "store/store.h"

struct keys {
	char *access_key, *secret;
	uint8_t cookie_key[32];
};

/* Reads what is there, makes what is missing. On failure `why` gets a sentence. */
err_t keys_load(struct keys *keys, const char *data, struct store *store, struct text *why);
void keys_fini(struct keys *keys);

#endif
