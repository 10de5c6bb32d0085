/*
 * answered: answers to questions by their Idempotency-Key, so that the same question with the
 * same key gets the first answer again. In memory alone, and bounded: questions about health are
 * written nowhere. Pure: it is told the time.
 *
 * A key counts for one route and one client (its API key, else its address).
 */
#ifndef RAG_API_ANSWERED_H
#define RAG_API_ANSWERED_H

#include "base/list.h"
#include "base/text.h"

enum {
	ANSWERED_KEY_MAX_BYTES = 128,
	ANSWERED_MAX = 256,
	ANSWERED_MAX_BYTES = 8 * 1024 * 1024,
	ANSWERED_KEPT_MS = 24 * 3600 * 1000,
};

/* Whether a header's value may be a key: 1 to 128 characters of visible ASCII. */
bool answered_key_fits(struct bytes key);

struct answered {
	struct list_node all; /* newest first */
	size_t count, bytes;
};

void answered_init(struct answered *answered);
void answered_fini(struct answered *answered);

/* Digests: of route, client and key; and of all that says what is asked. */
struct answered_name {
	uint8_t key[32], request[32];
};

struct answered_parts {
	struct bytes path, client, key;
	struct bytes query, accept, body;
};
void answered_name(const struct answered_parts *parts, struct answered_name *ret_name);

/* ERR_OK: *ret_body is valid until the next put; ERR_NOT_FOUND; ERR_CONFLICT: asked otherwise. */
err_t answered_find(struct answered *answered, const struct answered_name *name, uint64_t now_ms,
		    struct bytes *ret_body);
/* Copies the body; without memory or room nothing is kept. */
void answered_put(struct answered *answered, const struct answered_name *name, struct bytes body,
		  uint64_t now_ms);

#endif
