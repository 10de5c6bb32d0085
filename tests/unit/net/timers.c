#include "net/timers.h"

#include "base/rng.h"
#include "tests/check.h"

/*
 * The plain twin: an array, searched for the earliest. A timer that was late when it was set
 * counts as due at that moment.
 */
enum { TIMERS = 200 };

struct probe {
	struct timer timer;
	uint64_t key_ms;    /* when the twin says it is due */
	uint64_t sequence;  /* of setting: equal times run in this order */
	bool armed, is_new; /* new: set while timers_advance runs, so not for this call */
	unsigned runs;
};

static struct timers wheel;
static struct probe probes[TIMERS];
static uint64_t sequence;
static struct rng rng;
static bool meddle; /* callbacks set and cancel others */
static bool advancing;
static uint64_t target_ms; /* of the advance that runs */

static void expect_set(struct probe *probe, uint64_t due_ms)
{
	uint64_t now_ms = advancing ? target_ms : wheel.now_ms;

	timers_set(&wheel, &probe->timer, due_ms);
	probe->key_ms = due_ms > now_ms ? due_ms : now_ms;
	probe->sequence = sequence++;
	probe->armed = true;
	probe->is_new = advancing;
}

static void expect_cancel(struct probe *probe)
{
	timer_cancel(&probe->timer);
	probe->armed = false;
}

static struct probe *first_due(uint64_t now_ms)
{
	struct probe *first = NULL;

	for (size_t i = 0; i < TIMERS; i++) {
		struct probe *probe = &probes[i];

		if (!probe->armed || probe->is_new || probe->key_ms > now_ms)
			continue;
		if (!first || probe->key_ms < first->key_ms ||
		    (probe->key_ms == first->key_ms && probe->sequence < first->sequence))
			first = probe;
	}
	return first;
}

static uint64_t random_due(uint64_t now_ms)
{
	unsigned bits = (unsigned)rng_below(&rng, 40);

	if (rng_below(&rng, 10) == 0)
		return rng_below(&rng, now_ms + 1); /* past */
	return now_ms + rng_below(&rng, UINT64_C(1) << bits);
}

static void on_expired(struct timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	CHECK(probe == first_due(target_ms), "timer %zu ran out of order",
	      (size_t)(probe - probes));
	CHECK(!timer_armed(timer));
	probe->armed = false;
	probe->runs++;
	if (!meddle)
		return;
	if (rng_below(&rng, 2))
		expect_set(&probes[rng_below(&rng, TIMERS)], random_due(target_ms));
	if (rng_below(&rng, 4) == 0)
		expect_cancel(&probes[rng_below(&rng, TIMERS)]);
}

static void start(uint64_t now_ms)
{
	memset(probes, 0, sizeof probes);
	for (size_t i = 0; i < TIMERS; i++)
		probes[i].timer.on_expired = on_expired;
	timers_init(&wheel, now_ms);
	meddle = false;
}

static void advance(uint64_t now_ms)
{
	target_ms = now_ms;
	advancing = true;
	timers_advance(&wheel, now_ms);
	advancing = false;
	CHECK(!first_due(now_ms), "a due timer did not run by %" PRIu64, now_ms);
	for (size_t i = 0; i < TIMERS; i++)
		probes[i].is_new = false;
}

TEST(a_timer_runs_once_exactly_at_its_time_from_any_start_over_any_distance)
{
	static const uint64_t starts[] = { 0,
					   1,
					   62,
					   63,
					   64,
					   4095,
					   4096,
					   (UINT64_C(1) << 32) - 1,
					   (UINT64_C(1) << 42) - 3,
					   UINT64_C(1) << 60 };

	for (size_t s = 0; s < COUNT(starts); s++) {
		for (uint64_t distance = 1; distance < UINT64_C(1) << 50;
		     distance += 1 + distance / 7) {
			start(starts[s]);
			expect_set(&probes[0], starts[s] + distance);
			advance(starts[s] + distance - 1);
			CHECK_EQ(probes[0].runs, 0, "%" PRIu64 " early", distance);
			CHECK(timers_next(&wheel) == starts[s] + distance);
			advance(starts[s] + distance);
			CHECK_EQ(probes[0].runs, 1, "%" PRIu64, distance);
			advance(starts[s] + 2 * distance + 1);
			CHECK_EQ(probes[0].runs, 1, "again after %" PRIu64, distance);
			CHECK(timers_next(&wheel) == TIMERS_NEVER);
		}
	}
}

TEST(following_timers_next_hits_every_due_time_in_few_steps)
{
	for (uint64_t distance = 1; distance < UINT64_C(1) << 40; distance += 1 + distance / 5) {
		unsigned steps = 0;

		start(12345);
		expect_set(&probes[0], 12345 + distance);
		while (probes[0].runs == 0) {
			uint64_t next_ms = timers_next(&wheel);

			CHECK(next_ms > wheel.now_ms && next_ms <= 12345 + distance);
			advance(next_ms);
			CHECK(++steps <= TIMERS_LEVELS);
		}
		CHECK_EQ(wheel.now_ms, 12345 + distance);
	}
}

TEST(two_timers_run_in_the_order_of_their_times_and_then_of_setting)
{
	/* The twin checks the order inside on_expired. Over block ends of 64 on both levels. */
	for (uint64_t a = 0; a < 140; a++) {
		for (uint64_t b = 0; b < 140; b++) {
			start(4096 - 70);
			expect_set(&probes[0], 4096 - 70 + a);
			expect_set(&probes[1], 4096 - 70 + b);
			advance(4096 + 100);
			CHECK_EQ(probes[0].runs + probes[1].runs, 2, "%d %d", (int)a, (int)b);
		}
	}
}

TEST(a_past_time_runs_at_the_next_advance_and_zero_is_a_time)
{
	start(1000);
	expect_set(&probes[0], 0);
	CHECK(timer_armed(&probes[0].timer));
	expect_set(&probes[1], 999);
	expect_set(&probes[2], 1000);
	CHECK_EQ(timers_next(&wheel), 1000);
	advance(1000);
	CHECK_EQ(probes[0].runs + probes[1].runs + probes[2].runs, 3);
}

TEST(setting_again_moves_and_cancelling_twice_is_harmless)
{
	start(0);
	expect_set(&probes[0], 10);
	expect_set(&probes[0], 100);
	advance(50);
	CHECK_EQ(probes[0].runs, 0);
	expect_cancel(&probes[0]);
	expect_cancel(&probes[0]);
	expect_cancel(&probes[1]); /* never armed */
	advance(1000);
	CHECK_EQ(probes[0].runs, 0);
	CHECK(timers_next(&wheel) == TIMERS_NEVER);
}

static unsigned again_runs;

static void set_again(struct timer *timer)
{
	again_runs++;
	timers_set(&wheel, timer, wheel.now_ms); /* due already: for the next turn */
}

TEST(what_a_callback_sets_waits_for_the_next_advance_even_when_due)
{
	struct timer timer = { .on_expired = set_again };

	timers_init(&wheel, 5);
	timers_set(&wheel, &timer, 5);
	for (unsigned i = 1; i <= 3; i++) {
		timers_advance(&wheel, 5);
		CHECK_EQ(again_runs, i);
		CHECK_EQ(timers_next(&wheel), 5);
	}
	timer_cancel(&timer);
	CHECK(timers_next(&wheel) == TIMERS_NEVER);
}

static struct timer pair[2];

static void cancel_the_other(struct timer *timer)
{
	timer_cancel(&pair[timer == &pair[0]]);
	again_runs++;
}

TEST(of_two_that_cancel_each_other_in_the_same_millisecond_one_runs)
{
	again_runs = 0;
	pair[0].on_expired = pair[1].on_expired = cancel_the_other;
	timers_init(&wheel, 0);
	timers_set(&wheel, &pair[0], 7);
	timers_set(&wheel, &pair[1], 7);
	timers_advance(&wheel, 7);
	CHECK_EQ(again_runs, 1);
}

TEST(never_is_far_away_and_can_be_cancelled)
{
	start(UINT64_C(1) << 40);
	expect_set(&probes[0], UINT64_MAX);
	expect_set(&probes[1], UINT64_MAX - 1);
	advance(UINT64_C(1) << 62);
	CHECK_EQ(probes[0].runs + probes[1].runs, 0);
	expect_cancel(&probes[0]);
	advance(UINT64_MAX - 1);
	CHECK_EQ(probes[1].runs, 1);
}

TEST(whatever_is_set_and_cancelled_the_wheel_does_as_the_twin)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		uint64_t now_ms = seed * 1234567;

		rng_seed(&rng, seed);
		start(now_ms);
		meddle = seed % 2;
		for (unsigned step = 0; step < 1500; step++) {
			struct probe *probe = &probes[rng_below(&rng, TIMERS)];

			if (rng_below(&rng, 5) == 0)
				expect_cancel(probe);
			else
				expect_set(probe, random_due(now_ms));
			if (rng_below(&rng, 3) == 0) {
				now_ms += rng_below(&rng, UINT64_C(1) << rng_below(&rng, 20));
				advance(now_ms);
			}
		}
	}
}
