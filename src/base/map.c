#include "base/map.h"

#include <stdlib.h>

#define MAP_SEED 0x5745495200000000u

void map_fini(struct map *map)
{
	for (size_t i = 0; i < map->cap; i++)
		free(map->slots[i].key);
	free(map->slots);
	*map = (struct map)MAP_INIT;
}

/* The slot that holds `key`, or the free slot where it belongs. The table has room. */
static struct map_slot *slot_of(const struct map *map, struct bytes key)
{
	size_t i = (size_t)bytes_hash(key, MAP_SEED) & (map->cap - 1);

	for (;;) {
		struct map_slot *slot = &map->slots[i];

		if (!slot->key || bytes_eq(bytes_make(slot->key, slot->key_len), key))
			return slot;
		i = (i + 1) & (map->cap - 1);
	}
}

static err_t grow(struct map *map)
{
	struct map bigger = { .cap = map->cap ? map->cap * 2 : 16, .count = map->count };

	bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
	if (!bigger.slots)
		return ERR_NOMEM;
	for (size_t i = 0; i < map->cap; i++) {
		struct map_slot *old = &map->slots[i];

		if (old->key)
			*slot_of(&bigger, bytes_make(old->key, old->key_len)) = *old;
	}
	free(map->slots);
	*map = bigger;
	return ERR_OK;
}

void *map_get(const struct map *map, struct bytes key)
{
	struct map_slot *slot;

	if (map->cap == 0)
		return NULL;
	slot = slot_of(map, key);
	return slot->key ? slot->value : NULL;
}

err_t map_put(struct map *map, struct bytes key, void *value, void **ret_old)
{
	struct map_slot *slot;

	if ((map->count + 1) * 4 > map->cap * 3)
		TRY(grow(map));
	slot = slot_of(map, key);
	if (slot->key) {
		if (ret_old)
			*ret_old = slot->value;
		slot->value = value;
		return ERR_OK;
	}
	slot->key = bytes_dup(key);
	if (!slot->key)
		return ERR_NOMEM;
	slot->key_len = key.len;
	slot->value = value;
	map->count++;
	if (ret_old)
		*ret_old = NULL;
	return ERR_OK;
}

/* Moves what follows in the same run up, so that no tombstones are needed. */
static void close_gap(struct map *map, struct map_slot *gap)
{
	size_t hole = (size_t)(gap - map->slots), i = hole;

	for (;;) {
		struct map_slot *slot;
		size_t home;

		i = (i + 1) & (map->cap - 1);
		slot = &map->slots[i];
		if (!slot->key)
			break;
		home = (size_t)bytes_hash(bytes_make(slot->key, slot->key_len), MAP_SEED) &
		       (map->cap - 1);
		if (((i - home) & (map->cap - 1)) < ((i - hole) & (map->cap - 1)))
			continue; /* it already lies at or after its home, behind the hole */
		map->slots[hole] = *slot;
		hole = i;
	}
	map->slots[hole] = (struct map_slot){ 0 };
}

void *map_remove(struct map *map, struct bytes key)
{
	struct map_slot *slot;
	void *value;

	if (map->cap == 0)
		return NULL;
	slot = slot_of(map, key);
	if (!slot->key)
		return NULL;
	value = slot->value;
	free(slot->key);
	map->count--;
	close_gap(map, slot);
	return value;
}
