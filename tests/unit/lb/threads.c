/* Workers carry requests while the control thread changes plans, drains and probes. Under TSan this
 * shows that what they share is shared as it says. */
#include <pthread.h>
#include <stdatomic.h>

#include "lb/balance.h"
#include "tests/check.h"
#include "tests/unit/lb/fixture.h"

enum { WORKERS = 3, PLANS = 300 };

static _Atomic(const struct plan *) newest; /* with a reference, which a worker takes over */
static _Atomic bool over;

struct worker {
	pthread_t thread;
	unsigned picks, empty;
};

/* The mailbox in small: takes what is new, gives what was old back. */
static const struct plan *swap(const struct plan *held)
{
	const struct plan *taken = atomic_exchange(&newest, NULL);

	if (!taken)
		return held;
	plan_unref(held);
	return taken;
}

static void *carry(void *owner)
{
	struct worker *worker = owner;
	const struct plan *plan = NULL;
	struct balance_state rotation = { 0 };
	struct balance_request request = { .state = &rotation, .now_ms = 1 };
	struct rng rng;

	rng_seed(&rng, (uint64_t)(uintptr_t)worker);
	request.rng = &rng;
	while (!atomic_load(&over)) {
		struct balance_pick pick;

		plan = swap(plan);
		if (!plan)
			continue;
		request.group = &plan->groups[0];
		pick = balance_pick(&request);
		if (pick.outcome == BALANCE_EMPTY) {
			worker->empty++;
			continue;
		}
		worker->picks++;
		target_count(pick.target, true);
		target_end(pick.target);
	}
	plan_unref(plan);
	return NULL;
}

static void publish(struct fixture *f)
{
	const struct plan *old;

	fixture_compile(f);
	old = atomic_exchange(&newest, plan_ref(f->plan));
	plan_unref(old);
}

TEST(requests_go_on_while_plans_change_and_all_of_them_end)
{
	struct worker workers[WORKERS] = { 0 };
	unsigned picks = 0;
	struct fixture f;

	fixture_init(&f);
	fixture_add_targets(&f, 0, 6);
	f.groups[0].algorithm = LEAST_OUTSTANDING_REQUESTS;
	publish(&f);
	for (unsigned i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_create(&workers[i].thread, NULL, carry, &workers[i]), 0);
	for (unsigned i = 0; i < PLANS; i++) {
		f.targets[0][i % 6].draining_until_unix_ms = i % 4 ? 0 : 1;
		f.groups[0].target_count = 3 + i % 4;
		publish(&f);
		fixture_set_health(fixture_group(&f, 0)->targets[i % 3],
				   i % 2 ? HEALTH_UNHEALTHY : HEALTH_HEALTHY);
		anomaly_step(fixture_group(&f, 0));
	}
	atomic_store(&over, true);
	for (unsigned i = 0; i < WORKERS; i++) {
		CHECK_EQ(pthread_join(workers[i].thread, NULL), 0);
		picks += workers[i].picks;
	}
	plan_unref(atomic_exchange(&newest, NULL));
	for (unsigned i = 0; i < fixture_group(&f, 0)->target_count; i++)
		CHECK_EQ(target_in_flight(fixture_group(&f, 0)->targets[i]), 0, "target %u", i);
	CHECK(picks > 0);
	fixture_fini(&f);
}
