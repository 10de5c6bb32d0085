/*
 * timers: a hierarchical wheel of 1 ms ticks. Pure: it is told the time, so the epoll loop and the
 * fake loop of the scenario tests share it. Setting and cancelling are O(1).
 *
 * Eleven levels of 64 slots cover every 64-bit time. A timer sits at the level of the highest
 * group of six bits in which its due time differs from now, in the slot that this group of the due
 * time names. So what is on a lower level is due earlier than what is on a higher one, within a
 * level a lower slot is due earlier, and nothing ever wraps around.
 *
 *   due = now + 3 ms                level 0: exact to the millisecond
 *   due in another block of 64 ms   level 1: spread over level 0 when its block begins; and so on
 */
#ifndef NET_TIMERS_H
#define NET_TIMERS_H

#include "net/loop.h"

enum {
	TIMERS_SLOT_BITS = 6,
	TIMERS_SLOTS = 1 << TIMERS_SLOT_BITS,
	TIMERS_LEVELS = (64 + TIMERS_SLOT_BITS - 1) / TIMERS_SLOT_BITS,
};

#define TIMERS_NEVER UINT64_MAX

struct timers {
	uint64_t now_ms;		  /* of the latest timers_advance */
	uint64_t occupied[TIMERS_LEVELS]; /* a bit a slot; set may be stale, clear is certain */
	struct list_node due;		  /* expired, in the order they will run */
	struct list_node slots[TIMERS_LEVELS][TIMERS_SLOTS];
};

void timers_init(struct timers *timers, uint64_t now_ms);

/* (Re)arms. A due time of now or earlier runs at the next timers_advance. */
void timers_set(struct timers *timers, struct timer *timer, uint64_t due_ms);

/*
 * Moves on to `now_ms` (never back) and runs what is due: by due time, and in the order of setting
 * where times are equal. A callback may set and cancel any timer; what it sets runs at a
 * later call, even when it is due already.
 */
void timers_advance(struct timers *timers, uint64_t now_ms);

/*
 * When to call timers_advance next: never later than the first due time, sometimes earlier
 * (a block begins), TIMERS_NEVER when none is armed.
 */
uint64_t timers_next(struct timers *timers);

#endif
