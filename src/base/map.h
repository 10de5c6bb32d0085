/*
 * map: byte-string keys to pointers, open addressing. Keys are copied, values are the
 * caller's. Not thread-safe. Iteration order is unspecified.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/bytes.h"

struct map_slot {
	char *key; /* NULL: free; owned by the map */
	size_t key_len;
	void *value;
};

struct map {
	struct map_slot *slots;
	size_t count, cap; /* cap is 0 or a power of two */
};

#define MAP_INIT              \
	{                     \
		.slots = NULL \
	}

void map_fini(struct map *map); /* values are not touched */

void *map_get(const struct map *map, struct bytes key); /* NULL when absent */

/* Adds or replaces; *ret_old (if wanted) gets the value replaced, or NULL. */
err_t map_put(struct map *map, struct bytes key, void *value, void **ret_old);

/* The value that was there, or NULL. */
void *map_remove(struct map *map, struct bytes key);

/* for each slot in use; do not add or remove inside. */
#define map_for_each(map, slot)                                                                    \
	for (struct map_slot *slot = (map)->slots, *slot##_end_ = slot ? slot + (map)->cap : slot; \
	     slot < slot##_end_; slot++)                                                           \
		if (slot->key)

#endif
