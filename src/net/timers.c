#include "net/timers.h"

void timers_init(struct timers *timers, uint64_t now_ms)
{
	timers->now_ms = now_ms;
	list_init(&timers->due);
	for (unsigned level = 0; level < TIMERS_LEVELS; level++) {
		timers->occupied[level] = 0;
		for (unsigned slot = 0; slot < TIMERS_SLOTS; slot++)
			list_init(&timers->slots[level][slot]);
	}
}

/* The highest group of six bits in which two different times differ. */
static unsigned level_of(uint64_t a, uint64_t b)
{
	return (63 - (unsigned)__builtin_clzll(a ^ b)) / TIMERS_SLOT_BITS;
}

static void put(struct timers *timers, struct timer *timer)
{
	unsigned level, slot;

	if (timer->due_ms <= timers->now_ms) {
		list_append(&timers->due, &timer->link);
		return;
	}
	level = level_of(timer->due_ms, timers->now_ms);
	slot = timer->due_ms >> (level * TIMERS_SLOT_BITS) & (TIMERS_SLOTS - 1);
	list_append(&timers->slots[level][slot], &timer->link);
	timers->occupied[level] |= UINT64_C(1) << slot;
}

void timers_set(struct timers *timers, struct timer *timer, uint64_t due_ms)
{
	assert(timer->on_expired);
	timer_cancel(timer);
	timer->due_ms = due_ms ? due_ms : 1; /* 0 says "not armed" */
	put(timers, timer);
}

void timer_cancel(struct timer *timer)
{
	if (!timer_armed(timer))
		return;
	list_remove(&timer->link);
	timer->due_ms = 0;
}

/* The first slot with timers in it, and the time at which it begins. */
static bool first_slot(struct timers *timers, unsigned *ret_level, unsigned *ret_slot,
		       uint64_t *ret_begins_ms)
{
	for (unsigned level = 0; level < TIMERS_LEVELS; level++) {
		while (timers->occupied[level]) {
			unsigned slot = (unsigned)__builtin_ctzll(timers->occupied[level]);
			unsigned shift = level * TIMERS_SLOT_BITS;
			/* The groups of bits above this level; shifted in two steps, as one of 64 +
			 * 2 bits would be undefined. */
			uint64_t above = timers->now_ms >> shift >> TIMERS_SLOT_BITS;

			if (list_empty(&timers->slots[level][slot])) { /* cancelled meanwhile */
				timers->occupied[level] &= ~(UINT64_C(1) << slot);
				continue;
			}
			*ret_level = level;
			*ret_slot = slot;
			*ret_begins_ms = (above << TIMERS_SLOT_BITS | slot) << shift;
			return true;
		}
	}
	return false;
}

static void spread(struct timers *timers, unsigned level, unsigned slot)
{
	struct list_node *node;

	while ((node = list_pop(&timers->slots[level][slot])))
		put(timers, container_of(node, struct timer, link));
}

static void run_due(struct timers *timers)
{
	struct list_node batch, *node;

	/* Only what is due now: what a callback adds to the list waits for the next turn. */
	list_init(&batch);
	while ((node = list_pop(&timers->due)))
		list_append(&batch, node);
	while ((node = list_pop(&batch))) {
		struct timer *timer = container_of(node, struct timer, link);

		timer->due_ms = 0;
		timer->on_expired(timer);
	}
}

void timers_advance(struct timers *timers, uint64_t now_ms)
{
	unsigned level, slot;
	uint64_t begins_ms;

	assert(now_ms >= timers->now_ms);
	while (first_slot(timers, &level, &slot, &begins_ms) && begins_ms <= now_ms) {
		timers->now_ms = begins_ms;
		spread(timers, level, slot);
	}
	timers->now_ms = now_ms;
	run_due(timers);
}

uint64_t timers_next(struct timers *timers)
{
	unsigned level, slot;
	uint64_t begins_ms;

	if (!list_empty(&timers->due))
		return timers->now_ms;
	return first_slot(timers, &level, &slot, &begins_ms) ? begins_ms : TIMERS_NEVER;
}
