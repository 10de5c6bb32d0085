#include "lb/target.h"

#include "tests/check.h"

static struct registry *registry_new(void)
{
	struct registry *registry;

	CHECK_OK(registry_create(&registry));
	return registry;
}

static struct address at(uint8_t last, uint16_t port)
{
	return (struct address){ .family = 4, .ip = { 10, 0, 0, last }, .port = port };
}

static struct target *get(struct registry *registry, const char *group, const char *id,
			  uint16_t port)
{
	struct target_key key = { bytes_of(group), bytes_of(id), port };
	struct address address = at(1, port);
	struct target *target;

	CHECK_OK(registry_target(registry, &key, &address, &target));
	return target;
}

TEST(a_target_is_the_same_for_the_same_group_id_and_port)
{
	struct registry *registry = registry_new();
	struct target *a = get(registry, "g1", "10.0.0.1", 80);
	struct target *same = get(registry, "g1", "10.0.0.1", 80);
	struct target *port = get(registry, "g1", "10.0.0.1", 81);
	struct target *group = get(registry, "g2", "10.0.0.1", 80);
	struct target *shifted = get(registry, "g11", "0.0.0.1", 80);

	CHECK(a == same);
	CHECK(a != port && a != group && a != shifted);
	CHECK(a->slot != port->slot && a->slot != group->slot && port->slot != group->slot);
	CHECK_EQ(registry_target_slots(registry), 4);
	CHECK_EQ(target_health(a), HEALTH_UNUSED);
	target_unref(a);
	target_unref(same);
	target_unref(port);
	target_unref(group);
	target_unref(shifted);
	registry_destroy(registry);
}

TEST(a_target_goes_when_nobody_has_it_and_its_slot_is_used_again)
{
	struct registry *registry = registry_new();
	struct target_key key = { BYTES("g"), BYTES("a"), 1 };
	struct target *a = get(registry, "g", "a", 1);
	struct target *b = get(registry, "g", "b", 1);
	uint32_t slot = a->slot;
	uint64_t serial = a->serial;

	target_ref(a);
	target_unref(a);
	registry_sweep(registry);
	CHECK(registry_find(registry, &key) == a, "one reference is left");
	target_unref(a);
	CHECK(registry_find(registry, &key) == a, "only a sweep frees");
	registry_sweep(registry);
	CHECK(registry_find(registry, &key) == NULL);

	a = get(registry, "g", "c", 1);
	CHECK_EQ(a->slot, slot);
	CHECK(a->serial != serial);
	target_unref(a);
	target_unref(b);
	registry_destroy(registry);
}

TEST(a_new_address_makes_a_new_target_and_the_old_one_lives_on_with_who_has_it)
{
	struct registry *registry = registry_new();
	struct target_key key = { BYTES("g"), BYTES("i-1"), 80 };
	struct address first = at(1, 80), second = at(2, 80);
	struct target *old, *new;

	CHECK_OK(registry_target(registry, &key, &first, &old));
	CHECK_OK(registry_target(registry, &key, &second, &new));
	CHECK(old != new && old->slot != new->slot);
	registry_sweep(registry);
	CHECK(registry_find(registry, &key) == new);
	CHECK(address_eq(&old->address, &first));
	target_unref(old);
	registry_sweep(registry);
	CHECK(registry_find(registry, &key) == new);
	target_unref(new);
	registry_destroy(registry);
}

TEST(a_probe_under_way_keeps_its_target)
{
	struct registry *registry = registry_new();
	struct target_key key = { BYTES("g"), BYTES("a"), 1 };
	struct target *a = get(registry, "g", "a", 1);

	a->control.probe = (struct probe *)a;
	target_unref(a);
	registry_sweep(registry);
	CHECK(registry_find(registry, &key) == a);
	a->control.probe = NULL;
	registry_destroy(registry);
}

TEST(the_last_request_of_a_draining_target_is_told)
{
	struct registry *registry = registry_new();
	struct target *a = get(registry, "g", "a", 1);

	CHECK(target_begin(a) && target_begin(a));
	CHECK_EQ(target_in_flight(a), 2);
	CHECK(!target_end(a));
	CHECK(target_begin(a));
	atomic_store(&a->shared.draining, true);
	CHECK(!target_begin(a), "nothing begins on a draining target");
	CHECK_EQ(target_in_flight(a), 2);
	CHECK(!target_end(a), "one is left");
	CHECK(target_end(a));
	CHECK_EQ(target_in_flight(a), 0);
	target_unref(a);
	registry_destroy(registry);
}

TEST(meters_keep_their_slot_by_id_and_change_serial_when_reused)
{
	struct registry *registry = registry_new();
	struct meter *lb, *same, *group, *other;
	uint32_t slot;
	uint64_t serial;

	CHECK_OK(registry_meter(registry, BYTES("app/a/1"), &lb));
	CHECK_OK(registry_meter(registry, BYTES("targetgroup/a/1"), &group));
	CHECK_OK(registry_meter(registry, BYTES("app/a/1"), &same));
	CHECK(lb == same);
	CHECK(lb->slot != group->slot);
	CHECK_EQ(registry_meter_slots(registry), 2);
	slot = lb->slot;
	serial = lb->serial;
	meter_unref(lb);
	registry_sweep(registry);
	CHECK_EQ(same->slot, slot, "still held");
	meter_unref(same);
	registry_sweep(registry);
	CHECK_OK(registry_meter(registry, BYTES("app/b/2"), &other));
	CHECK_EQ(other->slot, slot);
	CHECK(other->serial != serial);
	meter_unref(other);
	meter_unref(group);
	registry_destroy(registry);
}

TEST(a_key_too_long_to_be_one_finds_nothing)
{
	struct registry *registry = registry_new();
	static char long_id[4096];
	struct target_key key = { BYTES("g"), bytes_make(long_id, sizeof long_id), 1 };

	CHECK(registry_find(registry, &key) == NULL);
	registry_destroy(registry);
}

static void count_row(void *owner, struct target *target)
{
	unsigned *count = owner;

	CHECK(target != NULL);
	++*count;
}

TEST(many_targets_are_all_told_and_all_go)
{
	struct registry *registry = registry_new();
	unsigned count = 0;

	for (uint16_t port = 1; port <= 500; port++)
		target_unref(get(registry, "g", "a", port));
	CHECK_EQ(registry_target_slots(registry), 500);
	registry_each_target(registry, count_row, &count);
	CHECK_EQ(count, 500);
	registry_sweep(registry);
	CHECK_EQ(registry_target_slots(registry), 0);
	registry_destroy(registry);
}
