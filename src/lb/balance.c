#include "lb/balance.h"

#include <string.h>

/* ---- Groups ---- */

const struct plan_group *balance_choose_group(const struct plan_action *action, struct rng *rng)
{
	uint64_t draw;

	assert(action->kind == ACTION_FORWARD);
	if (action->weight_sum == 0)
		return NULL;
	if (action->forward_count == 1)
		return action->forwards[0].group;
	draw = rng_below(rng, action->weight_sum);
	for (unsigned i = 0; i < action->forward_count; i++) {
		if (draw < action->forwards[i].weight)
			return action->forwards[i].group;
		draw -= action->forwards[i].weight;
	}
	assert(0 && "weights sum up to more than weight_sum");
	return NULL;
}

/* ---- Who may take a request ---- */

/* An unavailable target is one whose checks are off: it counts as well. */
static bool is_healthy(const struct target *target)
{
	enum health_state health = target_health(target);

	return (health == HEALTH_HEALTHY || health == HEALTH_UNAVAILABLE) &&
	       !target_is_draining(target);
}

static bool may_take(const struct target *target, bool fail_open)
{
	enum health_state health = target_health(target);

	if (!fail_open)
		return is_healthy(target);
	return health != HEALTH_DRAINING && health != HEALTH_UNUSED && !target_is_draining(target);
}

/* Stops counting at what is asked for: with the default of one, at the first healthy target. */
static bool healthy_reach(const struct plan_zone *zone, unsigned wanted)
{
	unsigned healthy = 0;

	for (unsigned i = 0; i < zone->target_count && healthy < wanted; i++)
		healthy += is_healthy(zone->targets[i]);
	return healthy >= wanted;
}

static bool fails_open(const struct plan_zone *zone)
{
	return !healthy_reach(zone, zone->healthy_min);
}

/* ---- Algorithms: each returns a target that may take the request, or NULL ---- */

struct choice {
	const struct balance_request *request;
	const struct plan_zone *zone;
	const struct target *avoid;
	bool fail_open;
};

static bool candidate(const struct choice *choice, const struct target *target)
{
	return target != choice->avoid && may_take(target, choice->fail_open);
}

/* Thousandths of a full share: linear over the ramp, never below a twentieth (our choice, §4.4). */
static unsigned ramp_share(const struct choice *choice, const struct target *target)
{
	uint64_t began = atomic_load_explicit(&target->shared.slow_start_ms, memory_order_relaxed);
	uint64_t length = choice->request->group->slow_start_ms;
	uint64_t now = choice->request->now_ms;
	uint64_t age = now > began ? now - began : 0;

	if (began == 0 || age >= length)
		return WEIGHT_FULL;
	return (unsigned)size_max(WEIGHT_FULL / 20, age * WEIGHT_FULL / length);
}

/*
 * In turn. A target that is ramping up is passed over when the die says so; should all be passed
 * over, the first of them takes it.
 */
static struct target *round_robin(const struct choice *choice)
{
	const struct plan_zone *zone = choice->zone;
	uint32_t *turn = &choice->request->state->turn;
	struct target *passed_over = NULL;
	uint32_t passed_turn = 0;

	for (unsigned i = 0; i < zone->target_count; i++) {
		uint32_t at = (*turn + i) % zone->target_count;
		struct target *target = zone->targets[at];
		unsigned share;

		if (!candidate(choice, target))
			continue;
		share = ramp_share(choice, target);
		if (share == WEIGHT_FULL || rng_below(choice->request->rng, WEIGHT_FULL) < share) {
			*turn = at + 1;
			return target;
		}
		if (!passed_over) {
			passed_over = target;
			passed_turn = at + 1;
		}
	}
	if (passed_over)
		*turn = passed_turn;
	return passed_over;
}

/* The scan begins one further each time, so that ties go round. */
static struct target *least_outstanding(const struct choice *choice)
{
	const struct plan_zone *zone = choice->zone;
	uint32_t start = choice->request->state->turn;
	struct target *least = NULL;
	uint32_t least_in_flight = 0;

	for (unsigned i = 0; i < zone->target_count; i++) {
		struct target *target = zone->targets[(start + i) % zone->target_count];
		uint32_t in_flight = target_in_flight(target);

		if (!candidate(choice, target) || (least && in_flight >= least_in_flight))
			continue;
		least = target;
		least_in_flight = in_flight;
	}
	choice->request->state->turn = (start + 1) % zone->target_count;
	return least;
}

static unsigned weight_of(const struct choice *choice, const struct target *target)
{
	if (!choice->request->group->anomaly_mitigation)
		return WEIGHT_FULL;
	return atomic_load_explicit(&target->shared.weight, memory_order_relaxed);
}

/*
 * Weights and health may change between the two passes; then the draw may run past the end, and
 * the last candidate met takes it.
 */
static struct target *weighted_random(const struct choice *choice)
{
	const struct plan_zone *zone = choice->zone;
	struct target *last = NULL;
	uint64_t sum = 0, draw;

	for (unsigned i = 0; i < zone->target_count; i++)
		if (candidate(choice, zone->targets[i]))
			sum += weight_of(choice, zone->targets[i]);
	if (sum == 0)
		return NULL;
	draw = rng_below(choice->request->rng, sum);
	for (unsigned i = 0; i < zone->target_count; i++) {
		unsigned weight;

		if (!candidate(choice, zone->targets[i]))
			continue;
		last = zone->targets[i];
		weight = weight_of(choice, last);
		if (draw < weight)
			return last;
		draw -= weight;
	}
	return last;
}

static struct target *by_algorithm(const struct choice *choice)
{
	switch (choice->request->group->algorithm) {
	case ROUND_ROBIN: return round_robin(choice);
	case LEAST_OUTSTANDING_REQUESTS: return least_outstanding(choice);
	case WEIGHTED_RANDOM: return weighted_random(choice);
	}
	assert(0 && "an algorithm without a function");
	return NULL;
}

/* ---- Picking ---- */

static struct target *pick_in_zone(const struct balance_request *request,
				   const struct plan_zone *zone, bool *ret_fail_open)
{
	struct choice choice = { request, zone, request->avoid, fails_open(zone) };
	struct target *target = by_algorithm(&choice);

	if (!target && choice.avoid) {
		choice.avoid = NULL;
		target = by_algorithm(&choice);
	}
	*ret_fail_open = choice.fail_open;
	return target;
}

static bool in_dns(const struct plan_zone *zone)
{
	return healthy_reach(zone, zone->dns_healthy_min);
}

/* Zones in turn, as name look-ups would; with `all`, also those that left DNS. */
static struct target *pick_by_zone(const struct balance_request *request, bool all,
				   bool *ret_fail_open)
{
	const struct plan_group *group = request->group;
	uint32_t start = request->state->zone_turn;

	for (unsigned i = 0; i < group->zone_count; i++) {
		uint32_t at = (start + i) % group->zone_count;
		struct target *target;

		if (!all && !in_dns(&group->zones[at]))
			continue;
		target = pick_in_zone(request, &group->zones[at], ret_fail_open);
		if (target) {
			request->state->zone_turn = at + 1;
			return target;
		}
	}
	return NULL;
}

static struct target *choose(const struct balance_request *request, bool *ret_fail_open)
{
	struct target *target;

	if (request->group->zone_count == 0)
		return NULL;
	if (request->group->zone_count == 1)
		return pick_in_zone(request, &request->group->zones[0], ret_fail_open);
	target = pick_by_zone(request, false, ret_fail_open);
	return target ? target : pick_by_zone(request, true, ret_fail_open);
}

/* A target that began to drain since it was chosen is not chosen again, so the loop ends. */
struct balance_pick balance_pick(const struct balance_request *request)
{
	struct balance_pick pick = { .outcome = BALANCE_EMPTY };

	for (unsigned i = 0; i <= request->group->target_count; i++) {
		struct target *target = choose(request, &pick.fail_open);

		if (!target)
			break;
		if (target_begin(target)) {
			pick.outcome = BALANCE_PICKED;
			pick.target = target;
			return pick;
		}
	}
	pick.fail_open = false;
	return pick;
}

static const struct plan_zone *zone_of(const struct plan_group *group, const struct target *target)
{
	for (unsigned z = 0; z < group->zone_count; z++)
		for (unsigned i = 0; i < group->zones[z].target_count; i++)
			if (group->zones[z].targets[i] == target)
				return &group->zones[z];
	return NULL;
}

bool balance_take(const struct plan_group *group, struct target *target, bool *ret_fail_open)
{
	const struct plan_zone *zone = zone_of(group, target);
	bool open;

	if (!zone)
		return false;
	open = fails_open(zone);
	if (!may_take(target, open) || !target_begin(target))
		return false;
	*ret_fail_open = open;
	return true;
}

/* ---- Slow start ---- */

static bool is_ramping(const struct plan_group *group, const struct target *target, uint64_t now_ms)
{
	uint64_t began = atomic_load_explicit(&target->shared.slow_start_ms, memory_order_relaxed);

	return began != 0 && now_ms < began + group->slow_start_ms;
}

/* Into a group where nobody carries a full share yet, all come with a full one. */
void slow_start_begin(const struct plan_group *group, struct target *target, uint64_t now_ms)
{
	bool carried = false;

	if (group->slow_start_ms == 0 || group->algorithm != ROUND_ROBIN)
		return;
	for (unsigned i = 0; i < group->target_count && !carried; i++) {
		const struct target *other = group->targets[i];

		carried = other != target && is_healthy(other) && !is_ramping(group, other, now_ms);
	}
	if (carried)
		atomic_store_explicit(&target->shared.slow_start_ms, now_ms ? now_ms : 1,
				      memory_order_relaxed);
}

void slow_start_end(struct target *target)
{
	atomic_store_explicit(&target->shared.slow_start_ms, 0, memory_order_relaxed);
}

/* ---- Anomalies ---- */

enum {
	ANOMALY_REQUESTS_MIN = 10,   /* fewer in a window prove nothing */
	ANOMALY_TARGETS_MIN = 3,     /* AWS's */
	ANOMALY_EXCESS_PERCENT = 10, /* own share must pass twice the peers' by so much */
	ANOMALY_CALM_STEPS = 3,	     /* windows without a finding until it is normal again */
	WEIGHT_MIN = WEIGHT_FULL / 20,
	WEIGHT_BACK = WEIGHT_FULL / 20, /* given back with each calm window */
};

static uint64_t error_percent(struct anomaly_window window)
{
	return window.requests ? (uint64_t)window.errors * 100 / window.requests : 0;
}

bool anomaly_found(struct anomaly_window own, struct anomaly_window peers)
{
	if (own.requests < ANOMALY_REQUESTS_MIN)
		return false;
	return error_percent(own) >= 2 * error_percent(peers) + ANOMALY_EXCESS_PERCENT;
}

static struct anomaly_window take_window(struct target *target)
{
	uint32_t good = atomic_exchange_explicit(&target->shared.successes, 0,
						 memory_order_relaxed);
	uint32_t bad = atomic_exchange_explicit(&target->shared.errors, 0, memory_order_relaxed);

	return (struct anomaly_window){ .requests = good + bad, .errors = bad };
}

static void set_verdict(struct target *target, bool found, bool mitigates)
{
	unsigned weight = atomic_load_explicit(&target->shared.weight, memory_order_relaxed);
	bool anomalous = atomic_load_explicit(&target->shared.anomalous, memory_order_relaxed);

	if (found) {
		target->control.calm_steps = 0;
		anomalous = true;
		weight = weight / 2 > WEIGHT_MIN ? weight / 2 : WEIGHT_MIN;
	} else {
		if (++target->control.calm_steps >= ANOMALY_CALM_STEPS) {
			target->control.calm_steps = ANOMALY_CALM_STEPS;
			anomalous = false;
		}
		weight = weight + WEIGHT_BACK < WEIGHT_FULL ? weight + WEIGHT_BACK : WEIGHT_FULL;
	}
	if (!mitigates)
		weight = WEIGHT_FULL;
	atomic_store_explicit(&target->shared.weight, (uint16_t)weight, memory_order_relaxed);
	atomic_store_explicit(&target->shared.anomalous, anomalous, memory_order_relaxed);
	atomic_store_explicit(&target->shared.mitigated, weight < WEIGHT_FULL,
			      memory_order_relaxed);
}

/* Two passes over fixed arrays: a window is taken once, so it waits in the target in between. */
void anomaly_step(const struct plan_group *group)
{
	bool mitigates = group->anomaly_mitigation && group->algorithm == WEIGHTED_RANDOM;
	struct anomaly_window all = { 0, 0 };
	unsigned healthy = 0;

	for (unsigned i = 0; i < group->target_count; i++) {
		struct target *target = group->targets[i];

		target->control.window = take_window(target);
		if (is_healthy(target)) {
			healthy++;
			all.requests += target->control.window.requests;
			all.errors += target->control.window.errors;
		}
	}
	for (unsigned i = 0; i < group->target_count; i++) {
		struct target *target = group->targets[i];
		struct anomaly_window own = target->control.window;
		bool judged = healthy >= ANOMALY_TARGETS_MIN && is_healthy(target);
		struct anomaly_window peers = { all.requests - own.requests,
						all.errors - own.errors };

		set_verdict(target, judged && anomaly_found(own, peers), mitigates);
	}
}
