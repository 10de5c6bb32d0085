#include "lb/target.h"

#include <stdlib.h>

enum {
	KEY_BYTES_MAX = 1024,
	SLOTS_MAX = 1 << 20, /* far above any quota */
};

/* A growing array of pointers, NULL where free. */
struct slots {
	void **at;
	uint32_t count;
};

struct registry {
	struct map targets; /* key → struct target, the newest of that key */
	struct map meters;  /* id → struct meter */
	struct slots target_slots, meter_slots;
	uint64_t next_serial;
};

err_t registry_create(struct registry **ret_registry)
{
	struct registry *registry = calloc(1, sizeof *registry);

	if (!registry)
		return ERR_NOMEM;
	registry->next_serial = 1;
	*ret_registry = registry;
	return ERR_OK;
}

/* ---- Slots ---- */

/* Finds a free slot, growing the array when there is none. Slots stay few, so a scan will do. */
static err_t slots_take(struct slots *slots, uint32_t *ret_slot)
{
	uint32_t grown;
	void **larger;

	for (uint32_t i = 0; i < slots->count; i++)
		if (!slots->at[i]) {
			*ret_slot = i;
			return ERR_OK;
		}
	if (slots->count >= SLOTS_MAX)
		return ERR_NOMEM;
	grown = slots->count ? slots->count * 2 : 16;
	larger = realloc(slots->at, grown * sizeof *larger);
	if (!larger)
		return ERR_NOMEM;
	memset(larger + slots->count, 0, (grown - slots->count) * sizeof *larger);
	*ret_slot = slots->count;
	slots->at = larger;
	slots->count = grown;
	return ERR_OK;
}

static uint32_t slots_used(const struct slots *slots)
{
	uint32_t used = slots->count;

	while (used > 0 && !slots->at[used - 1])
		used--;
	return used;
}

uint32_t registry_target_slots(const struct registry *registry)
{
	return slots_used(&registry->target_slots);
}

uint32_t registry_meter_slots(const struct registry *registry)
{
	return slots_used(&registry->meter_slots);
}

uint64_t registry_next_serial(struct registry *registry)
{
	return registry->next_serial++;
}

/* ---- Targets ---- */

/* "ARN NUL ID NUL PORT" in `out`; empty when it cannot be the key of any target. */
static struct bytes key_bytes(const struct target_key *key, char out[KEY_BYTES_MAX])
{
	size_t len = 0;

	if (key->group_arn.len + key->id.len + 4 > KEY_BYTES_MAX)
		return BYTES_NONE;
	memcpy(out, key->group_arn.at, key->group_arn.len);
	len += key->group_arn.len;
	out[len++] = 0;
	memcpy(out + len, key->id.at, key->id.len);
	len += key->id.len;
	out[len++] = 0;
	out[len++] = (char)(key->port >> 8);
	out[len++] = (char)(key->port & 0xff);
	return bytes_make(out, len);
}

static void target_free(struct target *target)
{
	free((void *)target->group_arn.at);
	free((void *)target->id.at);
	free(target);
}

static struct target *target_make(const struct target_key *key, const struct address *address)
{
	struct target *target = aligned_alloc(_Alignof(struct target), sizeof *target);

	if (!target)
		return NULL;
	memset(target, 0, sizeof *target);
	target->group_arn = bytes_make(bytes_dup(key->group_arn), key->group_arn.len);
	target->id = bytes_make(bytes_dup(key->id), key->id.len);
	if (!target->group_arn.at || !target->id.at) {
		target_free(target);
		return NULL;
	}
	target->port = key->port;
	target->address = *address;
	target->key_hash = bytes_hash(key->id, key->port);
	atomic_init(&target->refs, 1);
	atomic_init(&target->shared.weight, WEIGHT_FULL);
	health_init(&target->control.health, false);
	target_publish_health(target);
	return target;
}

err_t registry_target(struct registry *registry, const struct target_key *key,
		      const struct address *address, struct target **ret_target)
{
	char room[KEY_BYTES_MAX];
	struct bytes name = key_bytes(key, room);
	struct target *target = map_get(&registry->targets, name);
	err_t err;

	assert(name.len > 0);
	if (target && address_eq(&target->address, address)) {
		*ret_target = target_ref(target);
		return ERR_OK;
	}
	target = target_make(key, address);
	if (!target)
		return ERR_NOMEM;
	err = slots_take(&registry->target_slots, &target->slot);
	if (!err)
		err = map_put(&registry->targets, name, target, NULL);
	if (err) {
		target_free(target);
		return err;
	}
	/* One that had this key and another address stays in its slot until nobody has it. */
	target->serial = registry_next_serial(registry);
	registry->target_slots.at[target->slot] = target;
	*ret_target = target_ref(target);
	return ERR_OK;
}

struct target *registry_find(const struct registry *registry, const struct target_key *key)
{
	char room[KEY_BYTES_MAX];
	struct bytes name = key_bytes(key, room);

	return name.len ? map_get(&registry->targets, name) : NULL;
}

void registry_each_target(struct registry *registry,
			  void (*row)(void *owner, struct target *target), void *owner)
{
	for (uint32_t i = 0; i < registry->target_slots.count; i++)
		if (registry->target_slots.at[i])
			row(owner, registry->target_slots.at[i]);
}

struct target *target_ref(struct target *target)
{
	atomic_fetch_add_explicit(&target->refs, 1, memory_order_relaxed);
	return target;
}

/* Never frees: the registry's own reference is the last one, and only registry_sweep takes it. */
void target_unref(struct target *target)
{
	if (target) {
		uint32_t before = atomic_fetch_sub_explicit(&target->refs, 1, memory_order_release);

		assert(before > 1);
		(void)before;
	}
}

void target_publish_health(struct target *target)
{
	atomic_store_explicit(&target->shared.health, (uint8_t)target->control.health.state,
			      memory_order_relaxed);
}

bool target_begin(struct target *target)
{
	atomic_fetch_add(&target->shared.in_flight, 1);
	if (!atomic_load(&target->shared.draining))
		return true;
	atomic_fetch_sub(&target->shared.in_flight, 1);
	return false;
}

bool target_end(struct target *target)
{
	uint32_t before = atomic_fetch_sub(&target->shared.in_flight, 1);

	assert(before > 0);
	return before == 1 && atomic_load(&target->shared.draining);
}

/* ---- Meters ---- */

static void meter_free(struct meter *meter)
{
	free((void *)meter->id.at);
	free(meter);
}

err_t registry_meter(struct registry *registry, struct bytes id, struct meter **ret_meter)
{
	struct meter *meter = map_get(&registry->meters, id);
	err_t err;

	if (meter) {
		*ret_meter = meter_ref(meter);
		return ERR_OK;
	}
	meter = calloc(1, sizeof *meter);
	if (!meter)
		return ERR_NOMEM;
	atomic_init(&meter->refs, 1);
	meter->id = bytes_make(bytes_dup(id), id.len);
	err = meter->id.at ? ERR_OK : ERR_NOMEM;
	if (!err)
		err = slots_take(&registry->meter_slots, &meter->slot);
	if (!err)
		err = map_put(&registry->meters, id, meter, NULL);
	if (err) {
		meter_free(meter);
		return err;
	}
	meter->serial = registry_next_serial(registry);
	registry->meter_slots.at[meter->slot] = meter;
	*ret_meter = meter_ref(meter);
	return ERR_OK;
}

struct meter *meter_ref(struct meter *meter)
{
	atomic_fetch_add_explicit(&meter->refs, 1, memory_order_relaxed);
	return meter;
}

void meter_unref(struct meter *meter)
{
	if (meter) {
		uint32_t before = atomic_fetch_sub_explicit(&meter->refs, 1, memory_order_release);

		assert(before > 1);
		(void)before;
	}
}

/* ---- Sweeping ---- */

/* With a count of one nobody but the registry has it, and only this thread could hand it out. */
static bool only_ours(_Atomic uint32_t *refs)
{
	return atomic_load_explicit(refs, memory_order_acquire) == 1;
}

static void drop_target(struct registry *registry, struct target *target)
{
	struct target_key key = { target->group_arn, target->id, target->port };
	char room[KEY_BYTES_MAX];
	struct bytes name = key_bytes(&key, room);

	if (map_get(&registry->targets, name) == target)
		map_remove(&registry->targets, name);
	registry->target_slots.at[target->slot] = NULL;
	target_free(target);
}

static void drop_meter(struct registry *registry, struct meter *meter)
{
	map_remove(&registry->meters, meter->id);
	registry->meter_slots.at[meter->slot] = NULL;
	meter_free(meter);
}

void registry_sweep(struct registry *registry)
{
	for (uint32_t i = 0; i < registry->target_slots.count; i++) {
		struct target *target = registry->target_slots.at[i];

		/* A probe that is under way stands on its target. */
		if (target && only_ours(&target->refs) && !target->control.probe)
			drop_target(registry, target);
	}
	for (uint32_t i = 0; i < registry->meter_slots.count; i++) {
		struct meter *meter = registry->meter_slots.at[i];

		if (meter && only_ours(&meter->refs))
			drop_meter(registry, meter);
	}
}

void registry_destroy(struct registry *registry)
{
	if (!registry)
		return;
	registry_sweep(registry);
	assert(registry_target_slots(registry) == 0 && registry_meter_slots(registry) == 0);
	map_fini(&registry->targets);
	map_fini(&registry->meters);
	free(registry->target_slots.at);
	free(registry->meter_slots.at);
	free(registry);
}
