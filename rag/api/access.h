/*
 * access: who may do what, and how often. Pure but for the clock it is handed.
 *
 * Keys come as "role:key" or "key" (then: admin), parted by commas: read may ask, write may add
 * and delete documents, admin may all. Only digests are kept; every one is compared with, in
 * constant time. Without keys everybody may all, and ragd listens on loopback alone.
 */
#ifndef RAG_API_ACCESS_H
#define RAG_API_ACCESS_H

#include "base/bytes.h"
#include "base/text.h"

enum access_role { ACCESS_NOBODY, ACCESS_READ, ACCESS_WRITE, ACCESS_ADMIN };

enum { ACCESS_KEYS_MAX = 64, ACCESS_KEY_BYTES_MIN = 16, ACCESS_BUCKETS = 4096 };

struct access {
	struct {
		uint8_t digest[32];
		enum access_role role;
	} keys[ACCESS_KEYS_MAX];
	unsigned count;
	uint32_t rate_per_minute; /* requests of one client; 0: as many as it likes */
	struct {
		uint64_t at_ms;
		uint32_t milli_tokens;
	} buckets[ACCESS_BUCKETS]; /* clients share one when their hashes do */
};

/* ERR_INVALID with a sentence. */
err_t access_init(struct access *access, const char *keys, uint32_t rate_per_minute,
		  struct text *why);

/* `x_api_key` and `authorization` as the request has them; absent ones empty. */
enum access_role access_role(const struct access *access, struct bytes x_api_key,
			     struct bytes authorization);

/*
 * Whether this client (its key, or its address) may ask once more at this time; if not,
 * *ret_wait_ms says when.
 */
bool access_take(struct access *access, struct bytes client, uint64_t now_ms,
		 uint32_t *ret_wait_ms);

const char *access_role_name(enum access_role role);

#endif
