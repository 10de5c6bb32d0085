#include "lb/balance.h"

#include "tests/check.h"
#include "tests/unit/lb/fixture.h"

/* A worker that picks: its rotation, its die, its clock. */
struct worker {
	struct balance_state state;
	struct rng rng;
	uint64_t now_ms;
};

static struct worker worker_new(uint64_t seed)
{
	struct worker worker = { .now_ms = 1000 };

	rng_seed(&worker.rng, seed);
	return worker;
}

static struct balance_pick pick(struct worker *worker, const struct plan_group *group,
				const struct target *avoid)
{
	struct balance_request request = {
		.group = group,
		.state = &worker->state,
		.rng = &worker->rng,
		.now_ms = worker->now_ms,
		.avoid = avoid,
	};

	return balance_pick(&request);
}

/* The index of the target picked, which ends at once; -1 for none. */
static int pick_index(struct worker *worker, const struct plan_group *group)
{
	struct balance_pick got = pick(worker, group, NULL);

	if (got.outcome == BALANCE_EMPTY)
		return -1;
	target_end(got.target);
	for (unsigned i = 0; i < group->target_count; i++)
		if (group->targets[i] == got.target)
			return (int)i;
	return -1;
}

static void tally(struct worker *worker, const struct plan_group *group, unsigned picks,
		  unsigned counts[FIXTURE_TARGETS])
{
	memset(counts, 0, FIXTURE_TARGETS * sizeof *counts);
	for (unsigned i = 0; i < picks; i++) {
		int index = pick_index(worker, group);

		CHECK(index >= 0);
		counts[index]++;
	}
}

static const struct plan_group *group_of(struct fixture *f, unsigned targets,
					 enum algorithm algorithm)
{
	fixture_init(f);
	fixture_add_targets(f, 0, targets);
	f->groups[0].algorithm = algorithm;
	fixture_compile(f);
	return fixture_group(f, 0);
}

#define CHECK_NEAR(got, want, tolerance)                                  \
	CHECK((double)(got) > (double)(want) * (1 - (tolerance)) &&       \
		      (double)(got) < (double)(want) * (1 + (tolerance)), \
	      "%s is %f, not about %f", #got, (double)(got), (double)(want))

/* ---- Round robin ---- */

TEST(round_robin_goes_in_sequence_and_is_even)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 5, ROUND_ROBIN);
	struct worker worker = worker_new(1);

	for (int i = 0; i < 50; i++)
		CHECK_EQ(pick_index(&worker, group), i % 5);
	fixture_fini(&f);
}

TEST(round_robin_steps_over_the_unhealthy_and_stays_even)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 4, ROUND_ROBIN);
	struct worker worker = worker_new(1);
	static const int want[] = { 0, 1, 3 };

	fixture_set_health(group->targets[2], HEALTH_UNHEALTHY);
	for (int i = 0; i < 30; i++)
		CHECK_EQ(pick_index(&worker, group), want[i % 3]);
	fixture_fini(&f);
}

TEST(round_robin_survives_a_rotation_beyond_the_group)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 3, ROUND_ROBIN);
	struct worker worker = worker_new(1);

	worker.state.turn = UINT32_MAX - 1;
	for (int i = 0; i < 20; i++)
		CHECK(pick_index(&worker, group) >= 0);
	fixture_fini(&f);
}

/* ---- Least outstanding requests ---- */

TEST(least_outstanding_takes_the_idlest)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 3, LEAST_OUTSTANDING_REQUESTS);
	struct worker worker = worker_new(1);

	CHECK(target_begin(group->targets[0]) && target_begin(group->targets[0]));
	CHECK(target_begin(group->targets[1]));
	for (int i = 0; i < 9; i++)
		CHECK_EQ(pick_index(&worker, group), 2);
	CHECK(pick(&worker, group, NULL).target == group->targets[2]);
	CHECK(target_begin(group->targets[2]));
	CHECK_EQ(pick_index(&worker, group), 1);
	fixture_fini(&f);
}

TEST(least_outstanding_goes_round_where_all_are_equal)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 4, LEAST_OUTSTANDING_REQUESTS);
	struct worker worker = worker_new(1);
	unsigned counts[FIXTURE_TARGETS];

	tally(&worker, group, 400, counts);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(counts[i], 100, "target %u", i);
	fixture_fini(&f);
}

TEST(least_outstanding_fills_all_alike)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 4, LEAST_OUTSTANDING_REQUESTS);
	struct worker worker = worker_new(1);

	for (int i = 0; i < 42; i++)
		CHECK_EQ(pick(&worker, group, NULL).outcome, BALANCE_PICKED);
	for (unsigned i = 0; i < 4; i++)
		CHECK(target_in_flight(group->targets[i]) >= 10 &&
		      target_in_flight(group->targets[i]) <= 11);
	fixture_fini(&f);
}

/* ---- Weighted random ---- */

TEST(weighted_random_is_even_within_bounds)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 4, WEIGHTED_RANDOM);
	struct worker worker = worker_new(7);
	unsigned counts[FIXTURE_TARGETS];
	int in_sequence = 0, last = -1;

	tally(&worker, group, 40000, counts);
	for (unsigned i = 0; i < 4; i++)
		CHECK_NEAR(counts[i], 10000, 0.05);
	for (int i = 0; i < 1000; i++) {
		int next = pick_index(&worker, group);

		in_sequence += next == (last + 1) % 4;
		last = next;
	}
	CHECK(in_sequence < 400, "%d of 1000 came in sequence", in_sequence);
	fixture_fini(&f);
}

TEST(weights_count_only_with_mitigation_on)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 3, WEIGHTED_RANDOM);
	struct worker worker = worker_new(7);
	unsigned counts[FIXTURE_TARGETS];

	atomic_store(&group->targets[0]->shared.weight, 100);
	tally(&worker, group, 30000, counts);
	CHECK_NEAR(counts[0], 10000, 0.05);
	f.groups[0].anomaly_mitigation = true;
	fixture_compile(&f);
	group = fixture_group(&f, 0);
	tally(&worker, group, 42000, counts);
	CHECK_NEAR(counts[0], 2000, 0.1);
	CHECK_NEAR(counts[1], 20000, 0.05);
	fixture_fini(&f);
}

/* ---- Who takes requests ---- */

static const struct {
	enum health_state state;
	bool beside_healthy, failing_open;
} takers[] = {
	{ HEALTH_INITIAL, false, true },   { HEALTH_HEALTHY, true, true },
	{ HEALTH_UNHEALTHY, false, true }, { HEALTH_UNUSED, false, false },
	{ HEALTH_DRAINING, false, false }, { HEALTH_UNAVAILABLE, true, true },
};

TEST(who_takes_requests_follows_from_health_and_fail_open)
{
	static const enum algorithm algorithms[] = { ROUND_ROBIN, LEAST_OUTSTANDING_REQUESTS,
						     WEIGHTED_RANDOM };

	for (size_t a = 0; a < COUNT(algorithms); a++)
		for (size_t i = 0; i < COUNT(takers); i++) {
			struct fixture f;
			const struct plan_group *group = group_of(&f, 2, algorithms[a]);
			struct worker worker = worker_new(3);
			unsigned counts[FIXTURE_TARGETS];
			bool fail_open;

			fixture_set_health(group->targets[1], takers[i].state);
			tally(&worker, group, 100, counts);
			CHECK_EQ(counts[1] > 0, takers[i].beside_healthy, "state %d",
				 takers[i].state);
			CHECK_EQ(balance_take(group, group->targets[1], &fail_open),
				 takers[i].beside_healthy, "state %d", takers[i].state);

			fixture_set_health(group->targets[0], HEALTH_UNHEALTHY);
			if (!takers[i].beside_healthy) {
				tally(&worker, group, 100, counts);
				CHECK_EQ(counts[1] > 0, takers[i].failing_open, "state %d, open",
					 takers[i].state);
				CHECK(pick(&worker, group, NULL).fail_open);
			}
			fixture_fini(&f);
		}
}

TEST(a_group_with_nobody_to_ask_is_empty)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 2, ROUND_ROBIN);
	struct worker worker = worker_new(3);

	CHECK_EQ(pick_index(&worker, fixture_group(&f, 1)), -1, "no target registered");
	fixture_set_health(group->targets[0], HEALTH_UNUSED);
	atomic_store(&group->targets[1]->shared.draining, true);
	CHECK_EQ(pick_index(&worker, group), -1);
	CHECK(!pick(&worker, group, NULL).fail_open);
	CHECK_EQ(target_in_flight(group->targets[0]) + target_in_flight(group->targets[1]), 0);
	fixture_fini(&f);
}

static const struct {
	uint32_t count, percent;
	unsigned healthy; /* of 4 */
	bool open;
} openings[] = {
	{ 1, 0, 1, false }, { 1, 0, 0, true },	 { 2, 0, 1, true },   { 2, 0, 2, false },
	{ 1, 50, 1, true }, { 1, 50, 2, false }, { 1, 100, 3, true }, { 1, 100, 4, false },
};

TEST(a_group_fails_open_below_its_minimum)
{
	for (size_t i = 0; i < COUNT(openings); i++) {
		struct fixture f;
		struct worker worker = worker_new(3);
		const struct plan_group *group;
		unsigned counts[FIXTURE_TARGETS];

		fixture_init(&f);
		fixture_add_targets(&f, 0, 4);
		f.groups[0].min_healthy_count = openings[i].count;
		f.groups[0].min_healthy_percent = openings[i].percent;
		fixture_compile(&f);
		group = fixture_group(&f, 0);
		for (unsigned t = openings[i].healthy; t < 4; t++)
			fixture_set_health(group->targets[t], HEALTH_UNHEALTHY);
		CHECK_EQ(pick(&worker, group, NULL).fail_open, openings[i].open, "case %zu", i);
		tally(&worker, group, 40, counts);
		for (unsigned t = 0; t < 4; t++)
			CHECK_EQ(counts[t] > 0, openings[i].open || t < openings[i].healthy,
				 "case %zu, target %u", i, t);
		fixture_fini(&f);
	}
}

TEST(a_target_to_avoid_is_chosen_only_when_nothing_else_is_left)
{
	static const enum algorithm algorithms[] = { ROUND_ROBIN, LEAST_OUTSTANDING_REQUESTS,
						     WEIGHTED_RANDOM };

	for (size_t a = 0; a < COUNT(algorithms); a++) {
		struct fixture f;
		const struct plan_group *group = group_of(&f, 2, algorithms[a]);
		struct worker worker = worker_new(3);

		for (int i = 0; i < 20; i++)
			CHECK(pick(&worker, group, group->targets[0]).target == group->targets[1]);
		fixture_set_health(group->targets[1], HEALTH_UNHEALTHY);
		CHECK(pick(&worker, group, group->targets[0]).target == group->targets[0]);
		fixture_fini(&f);
	}
}

TEST(a_pick_begins_a_request)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 1, ROUND_ROBIN);
	struct worker worker = worker_new(3);
	bool fail_open = true;

	CHECK_EQ(pick(&worker, group, NULL).outcome, BALANCE_PICKED);
	CHECK_EQ(target_in_flight(group->targets[0]), 1);
	CHECK(balance_take(group, group->targets[0], &fail_open));
	CHECK(!fail_open);
	CHECK_EQ(target_in_flight(group->targets[0]), 2);
	fixture_fini(&f);
}

TEST(a_target_of_another_group_is_not_taken)
{
	struct fixture f;
	bool fail_open;

	fixture_init(&f);
	fixture_add_targets(&f, 0, 1);
	fixture_add_targets(&f, 1, 1);
	fixture_compile(&f);
	CHECK(!balance_take(fixture_group(&f, 0), fixture_group(&f, 1)->targets[0], &fail_open));
	fixture_fini(&f);
}

/* ---- Zones ---- */

static void three_zones(struct fixture *f)
{
	static const char *const zones[] = { "a", "a", "a", "b", "c", "c" };

	fixture_init(f);
	fixture_add_targets(f, 0, COUNT(zones));
	for (unsigned i = 0; i < COUNT(zones); i++)
		f->targets[0][i].zone = bytes_of(zones[i]);
	f->groups[0].cross_zone = false;
	fixture_compile(f);
}

TEST(without_cross_zone_each_zone_gets_a_like_share)
{
	struct fixture f;
	struct worker worker = worker_new(3);
	unsigned counts[FIXTURE_TARGETS];

	three_zones(&f);
	tally(&worker, fixture_group(&f, 0), 900, counts);
	CHECK_EQ(counts[0] + counts[1] + counts[2], 300);
	CHECK_EQ(counts[3], 300);
	CHECK_EQ(counts[4] + counts[5], 300);
	fixture_fini(&f);
}

TEST(a_zone_below_its_dns_threshold_is_left_out_unless_all_are)
{
	struct fixture f;
	struct worker worker = worker_new(3);
	unsigned counts[FIXTURE_TARGETS];
	const struct plan_group *group;

	three_zones(&f);
	group = fixture_group(&f, 0);
	fixture_set_health(group->targets[3], HEALTH_UNHEALTHY);
	tally(&worker, group, 300, counts);
	CHECK_EQ(counts[3], 0);
	for (unsigned i = 0; i < 6; i++)
		fixture_set_health(group->targets[i], HEALTH_UNHEALTHY);
	tally(&worker, group, 300, counts);
	CHECK_EQ(counts[3], 100, "all fail, all are open");
	CHECK(pick(&worker, group, NULL).fail_open);
	fixture_fini(&f);
}

/* ---- Groups ---- */

TEST(groups_are_drawn_by_weight)
{
	struct fixture f;
	struct rng rng;
	unsigned counts[FIXTURE_GROUPS] = { 0 };
	const struct plan_action *action;

	rng_seed(&rng, 5);
	fixture_init(&f);
	f.rules[0].action.group_count = 3;
	f.forwards[0].weight = 10;
	f.forwards[1].weight = 0;
	f.forwards[2].weight = 30;
	fixture_compile(&f);
	action = &fixture_listener(&f)->rules[0].action;
	for (int i = 0; i < 40000; i++)
		counts[balance_choose_group(action, &rng)->index]++;
	CHECK_NEAR(counts[0], 10000, 0.05);
	CHECK_EQ(counts[1], 0);
	CHECK_NEAR(counts[2], 30000, 0.05);
	fixture_fini(&f);
}

TEST(weights_of_zero_choose_nobody)
{
	struct fixture f;
	struct rng rng;

	rng_seed(&rng, 5);
	fixture_init(&f);
	f.forwards[0].weight = f.forwards[1].weight = 0;
	for (unsigned count = 1; count <= 2; count++) {
		f.rules[0].action.group_count = count;
		fixture_compile(&f);
		CHECK(!balance_choose_group(&fixture_listener(&f)->rules[0].action, &rng));
	}
	fixture_fini(&f);
}

/* ---- Slow start ---- */

static const struct plan_group *ramping_group(struct fixture *f)
{
	fixture_init(f);
	fixture_add_targets(f, 0, 3);
	f->groups[0].slow_start_ms = 100000;
	fixture_compile(f);
	return fixture_group(f, 0);
}

TEST(slow_start_ramps_a_share_up)
{
	static const struct {
		uint64_t age_ms;
		double share;
	} steps[] = { { 0, 0.05 },    { 1000, 0.05 }, { 10000, 0.1 },
		      { 50000, 0.5 }, { 90000, 0.9 }, { 100000, 1 } };

	for (size_t i = 0; i < COUNT(steps); i++) {
		struct fixture f;
		const struct plan_group *group = ramping_group(&f);
		struct worker worker = worker_new(i);
		unsigned counts[FIXTURE_TARGETS];

		slow_start_begin(group, group->targets[1], 1000);
		worker.now_ms = 1000 + steps[i].age_ms;
		tally(&worker, group, 60000, counts);
		CHECK_NEAR((double)counts[1] / counts[0], steps[i].share, 0.1);
		CHECK_NEAR(counts[0], counts[2], 0.03);
		fixture_fini(&f);
	}
}

TEST(a_ramp_ends_with_health)
{
	struct fixture f;
	const struct plan_group *group = ramping_group(&f);

	slow_start_begin(group, group->targets[1], 0);
	CHECK(atomic_load(&group->targets[1]->shared.slow_start_ms) != 0);
	slow_start_end(group->targets[1]);
	CHECK_EQ(atomic_load(&group->targets[1]->shared.slow_start_ms), 0);
	fixture_fini(&f);
}

TEST(the_first_batch_of_a_group_does_not_ramp)
{
	struct fixture f;
	const struct plan_group *group = ramping_group(&f);

	for (unsigned i = 0; i < 3; i++)
		fixture_set_health(group->targets[i], HEALTH_INITIAL);
	fixture_set_health(group->targets[0], HEALTH_HEALTHY);
	slow_start_begin(group, group->targets[0], 1000);
	CHECK_EQ(atomic_load(&group->targets[0]->shared.slow_start_ms), 0, "it is alone");
	fixture_set_health(group->targets[1], HEALTH_HEALTHY);
	slow_start_begin(group, group->targets[1], 2000);
	CHECK_EQ(atomic_load(&group->targets[1]->shared.slow_start_ms), 2000);
	/* When only a ramping one is there, the next does not ramp either. */
	fixture_set_health(group->targets[0], HEALTH_UNHEALTHY);
	fixture_set_health(group->targets[2], HEALTH_HEALTHY);
	slow_start_begin(group, group->targets[2], 3000);
	CHECK_EQ(atomic_load(&group->targets[2]->shared.slow_start_ms), 0);
	fixture_fini(&f);
}

TEST(slow_start_is_for_round_robin_and_only_when_on)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 2, ROUND_ROBIN);

	slow_start_begin(group, group->targets[0], 1000);
	CHECK_EQ(atomic_load(&group->targets[0]->shared.slow_start_ms), 0);
	f.groups[0].slow_start_ms = 30000;
	f.groups[0].algorithm = LEAST_OUTSTANDING_REQUESTS;
	fixture_compile(&f);
	group = fixture_group(&f, 0);
	slow_start_begin(group, group->targets[0], 1000);
	CHECK_EQ(atomic_load(&group->targets[0]->shared.slow_start_ms), 0);
	fixture_fini(&f);
}

TEST(targets_that_all_ramp_still_take_every_request)
{
	struct fixture f;
	const struct plan_group *group = ramping_group(&f);
	struct worker worker = worker_new(1);
	unsigned counts[FIXTURE_TARGETS];

	for (unsigned i = 0; i < 3; i++)
		atomic_store(&group->targets[i]->shared.slow_start_ms, 1000);
	tally(&worker, group, 3000, counts);
	for (unsigned i = 0; i < 3; i++)
		CHECK_NEAR(counts[i], 1000, 0.1);
	fixture_fini(&f);
}

/* ---- Anomalies ---- */

static const struct {
	struct anomaly_window own, peers;
	bool found;
} windows[] = {
	{ { 100, 50 }, { 200, 0 }, true },
	{ { 100, 10 }, { 200, 0 }, true },
	{ { 100, 9 }, { 200, 0 }, false },
	{ { 100, 50 }, { 200, 100 }, false }, /* all are ill alike: not this one's doing */
	{ { 100, 40 }, { 200, 30 }, true },
	{ { 100, 39 }, { 200, 30 }, false },
	{ { 9, 9 }, { 200, 0 }, false }, /* too few to say */
	{ { 10, 10 }, { 0, 0 }, true },
	{ { 0, 0 }, { 0, 0 }, false },
	{ { UINT32_MAX, UINT32_MAX }, { UINT32_MAX, 0 }, true },
};

TEST(an_anomaly_is_a_share_of_errors_that_stands_out)
{
	for (size_t i = 0; i < COUNT(windows); i++)
		CHECK_EQ(anomaly_found(windows[i].own, windows[i].peers), windows[i].found,
			 "case %zu", i);
}

static void serve(struct target *target, unsigned good, unsigned bad)
{
	for (unsigned i = 0; i < good; i++)
		target_count(target, true);
	for (unsigned i = 0; i < bad; i++)
		target_count(target, false);
}

/* One window in which target 0 fails `bad` of 100. */
static void window(const struct plan_group *group, unsigned bad)
{
	serve(group->targets[0], 100 - bad, bad);
	for (unsigned i = 1; i < group->target_count; i++)
		serve(group->targets[i], 100, 0);
	anomaly_step(group);
}

TEST(mitigation_takes_weight_away_and_gives_it_back_gradually)
{
	struct fixture f;
	const struct plan_group *group;
	struct target *ill;
	unsigned steps = 0;
	uint16_t before;

	fixture_init(&f);
	fixture_add_targets(&f, 0, 3);
	f.groups[0].algorithm = WEIGHTED_RANDOM;
	f.groups[0].anomaly_mitigation = true;
	fixture_compile(&f);
	group = fixture_group(&f, 0);
	ill = group->targets[0];
	window(group, 50);
	CHECK(atomic_load(&ill->shared.anomalous) && atomic_load(&ill->shared.mitigated));
	CHECK_EQ(atomic_load(&ill->shared.weight), 500);
	for (int i = 0; i < 20; i++)
		window(group, 50);
	CHECK_EQ(atomic_load(&ill->shared.weight), 50, "never nothing");
	CHECK(!atomic_load(&group->targets[1]->shared.anomalous));
	CHECK_EQ(atomic_load(&group->targets[1]->shared.weight), WEIGHT_FULL);
	while (atomic_load(&ill->shared.weight) < WEIGHT_FULL) {
		before = atomic_load(&ill->shared.weight);
		window(group, 0);
		CHECK(atomic_load(&ill->shared.weight) > before);
		CHECK_EQ(atomic_load(&ill->shared.anomalous), ++steps < 3, "step %u", steps);
	}
	CHECK(steps > 10, "back after %u steps", steps);
	CHECK(!atomic_load(&ill->shared.mitigated));
	fixture_fini(&f);
}

TEST(detection_alone_changes_no_weight)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 3, ROUND_ROBIN);

	window(group, 80);
	CHECK(atomic_load(&group->targets[0]->shared.anomalous));
	CHECK(!atomic_load(&group->targets[0]->shared.mitigated));
	CHECK_EQ(atomic_load(&group->targets[0]->shared.weight), WEIGHT_FULL);
	fixture_fini(&f);
}

TEST(detection_wants_three_healthy_targets)
{
	struct fixture f;
	const struct plan_group *group = group_of(&f, 3, WEIGHTED_RANDOM);

	fixture_set_health(group->targets[2], HEALTH_UNHEALTHY);
	window(group, 80);
	CHECK(!atomic_load(&group->targets[0]->shared.anomalous));
	fixture_set_health(group->targets[2], HEALTH_HEALTHY);
	anomaly_step(group);
	CHECK(!atomic_load(&group->targets[0]->shared.anomalous), "a window counts once");
	window(group, 80);
	CHECK(atomic_load(&group->targets[0]->shared.anomalous));
	fixture_fini(&f);
}
