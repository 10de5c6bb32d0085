#include "http/h2_guard.h"

static const struct {
	uint32_t burst, per_second;
} limits[] = {
#define H2_GUARD_ROW(id, burst, per_second) { burst, per_second },
	H2_GUARDS(H2_GUARD_ROW)
#undef H2_GUARD_ROW
};

bool h2_guard_take(struct h2_guard *guard, enum h2_guard_kind kind)
{
	uint64_t passed_ms = guard->now_ms - guard->buckets[kind].since_ms;
	uint64_t drained = passed_ms * limits[kind].per_second; /* thousandths, since ms */
	uint32_t *used = &guard->buckets[kind].used;

	*used -= drained < *used ? (uint32_t)drained : *used;
	guard->buckets[kind].since_ms = guard->now_ms;
	if (*used + 1000 > limits[kind].burst * 1000)
		return false;
	*used += 1000;
	return true;
}
