#include "services/ecs/decide.h"

#include <stdlib.h>

struct tally {
	unsigned active[DECIDE_DEPLOYMENTS_MAX]; /* pending or running */
	unsigned healthy[DECIDE_DEPLOYMENTS_MAX];
	unsigned left[DECIDE_DEPLOYMENTS_MAX]; /* with those that leave */
	unsigned active_all, healthy_all, left_all;
};

uint64_t decide_backoff_ms(unsigned failures)
{
	uint64_t ms = DECIDE_BACKOFF_MS;

	if (failures < 2)
		return failures ? DECIDE_BACKOFF_MS : 0;
	for (unsigned i = 1; i < failures && ms < DECIDE_BACKOFF_MAX_MS; i++)
		ms *= 2;
	return ms < DECIDE_BACKOFF_MAX_MS ? ms : DECIDE_BACKOFF_MAX_MS;
}

unsigned decide_breaker_threshold(unsigned desired)
{
	unsigned half = (desired + 1) / 2;

	return half < DECIDE_BREAKER_MIN   ? DECIDE_BREAKER_MIN
	       : half > DECIDE_BREAKER_MAX ? DECIDE_BREAKER_MAX
					   : half;
}

static void give(struct decide_orders *orders, enum decide_what what, unsigned index,
		 unsigned count, const char *why)
{
	/* What does not fit is found again at the next look. */
	if (orders->count < DECIDE_ORDERS_MAX)
		orders->at[orders->count++] = (struct decide_order){ what, index, count, why };
	else
		orders->look_ms = 1;
}

static void tally_up(const struct decide_service *service, struct tally *tally)
{
	*tally = (struct tally){ .active_all = 0 };
	for (unsigned i = 0; i < service->task_count; i++) {
		const struct decide_task *task = &service->tasks[i];

		tally->left[task->deployment]++;
		tally->left_all++;
		if (task->stage == DECIDE_LEAVING || task->sick)
			continue;
		tally->active[task->deployment]++;
		tally->active_all++;
		if (task->stage == DECIDE_RUNNING && task->healthy) {
			tally->healthy[task->deployment]++;
			tally->healthy_all++;
		}
	}
}

static unsigned primary_of(const struct decide_service *service)
{
	for (unsigned i = 0; i < service->deployment_count; i++)
		if (service->deployments[i].primary)
			return i;
	assert(false && "a service without a primary deployment");
	return 0;
}

/* ---- Who goes ---- */

static const struct decide_service *sorted; /* qsort has no owner; one thread */

static int rank(const struct decide_task *task)
{
	return task->stage == DECIDE_PENDING ? 0 : task->healthy ? 2 : 1;
}

static int earlier_out(const void *left, const void *right)
{
	const struct decide_task *a = &sorted->tasks[*(const unsigned *)left];
	const struct decide_task *b = &sorted->tasks[*(const unsigned *)right];

	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	if (a->in_flight != b->in_flight)
		return a->in_flight < b->in_flight ? -1 : 1;
	if (a->started_ms != b->started_ms)
		return a->started_ms > b->started_ms ? -1 : 1;
	return *(const unsigned *)left < *(const unsigned *)right ? -1 : 1;
}

enum { SORT_MAX = 1024 };

/* Those of the primary deployment, or of all others, in the order in which they would go. */
static unsigned candidates(const struct decide_service *service, unsigned primary, bool of_primary,
			   unsigned out[SORT_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < service->task_count && count < SORT_MAX; i++) {
		const struct decide_task *task = &service->tasks[i];

		if (task->stage != DECIDE_LEAVING && !task->sick &&
		    (task->deployment == primary) == of_primary)
			out[count++] = i;
	}
	sorted = service;
	qsort(out, count, sizeof *out, earlier_out);
	return count;
}

/* ---- The rules ---- */

static void stop_sick(const struct decide_service *service, struct decide_orders *orders)
{
	for (unsigned i = 0; i < service->task_count; i++)
		if (service->tasks[i].sick && service->tasks[i].stage != DECIDE_LEAVING)
			give(orders, DECIDE_STOP, i, 1, service->tasks[i].sick);
}

static void stop_surplus(const struct decide_service *service, unsigned primary,
			 const struct tally *tally, struct decide_orders *orders)
{
	unsigned list[SORT_MAX], count = candidates(service, primary, true, list);

	for (unsigned i = 0; i < count && tally->active[primary] - i > service->desired; i++)
		give(orders, DECIDE_STOP, list[i], 1, "Scaling activity initiated by deployment");
}

/* Old ones go as fast as the minimum of healthy ones allows; those that are not healthy at once. */
static void stop_old(const struct decide_service *service, unsigned primary,
		     const struct tally *tally, struct decide_orders *orders)
{
	unsigned least = (service->desired * service->min_percent + 99) / 100;
	unsigned list[SORT_MAX], count = candidates(service, primary, false, list);
	unsigned healthy = tally->healthy_all;
	/* The new ones' failure must not cost the old ones that still answer. */
	bool failing = service->deployments[primary].failures > 0 && tally->healthy[primary] == 0 &&
		       service->desired > 0;

	for (unsigned i = 0; i < count; i++) {
		const struct decide_task *task = &service->tasks[list[i]];
		bool counts = task->stage == DECIDE_RUNNING && task->healthy;

		if (counts && healthy <= least)
			return;
		if (counts && failing)
			return;
		give(orders, DECIDE_STOP, list[i], 1, "Scaling activity initiated by deployment");
		if (counts)
			healthy--;
	}
}

static void start_missing(const struct decide_service *service, unsigned primary,
			  const struct tally *tally, struct decide_orders *orders)
{
	const struct decide_deployment *deployment = &service->deployments[primary];
	unsigned most = service->desired * service->max_percent / 100;
	unsigned wanted, room;
	uint64_t due_ms = deployment->failed_ms + decide_backoff_ms(deployment->failures);

	if (deployment->rollout == DECIDE_FAILED || tally->active[primary] >= service->desired)
		return;
	wanted = service->desired - tally->active[primary];
	/* Rounding down may leave no room at all, for ever: one task over is the way out. */
	if (most < service->desired)
		most = service->desired;
	room = most > tally->active_all ? most - tally->active_all : 0;
	if (wanted > room)
		wanted = room;
	if (!wanted)
		return;
	if (deployment->failures && service->now_ms < due_ms) {
		orders->look_ms = due_ms;
		return;
	}
	/* While it fails it tries with one, not with all it would like to have. */
	give(orders, DECIDE_START, primary, deployment->failures ? 1 : wanted, NULL);
}

static bool breaker_opens(const struct decide_service *service, unsigned primary)
{
	const struct decide_deployment *deployment = &service->deployments[primary];

	return service->breaker && deployment->rollout == DECIDE_IN_PROGRESS &&
	       deployment->failures >= decide_breaker_threshold(service->desired);
}

static void open_breaker(const struct decide_service *service, unsigned primary,
			 struct decide_orders *orders)
{
	give(orders, DECIDE_FAIL, primary, 0, NULL);
	if (!service->rollback)
		return;
	for (unsigned i = service->deployment_count; i-- > 0;)
		if (i != primary && service->deployments[i].was_completed) {
			give(orders, DECIDE_ROLL_BACK, i, 0, NULL);
			return;
		}
}

static void finish(const struct decide_service *service, unsigned primary,
		   const struct tally *tally, struct decide_orders *orders)
{
	const struct decide_deployment *deployment = &service->deployments[primary];
	bool settled = tally->active[primary] == service->desired &&
		       tally->healthy[primary] == service->desired &&
		       tally->active_all == tally->active[primary];

	for (unsigned i = 0; i < service->deployment_count; i++)
		if (i != primary && !tally->left[i])
			give(orders, DECIDE_FORGET, i, 0, NULL);
	if (!settled || service->deleted || deployment->rollout == DECIDE_FAILED)
		return;
	if (deployment->rollout == DECIDE_IN_PROGRESS)
		give(orders, DECIDE_COMPLETE, primary, 0, NULL);
	if (!service->steady && tally->left_all == service->desired)
		give(orders, DECIDE_STEADY, primary, 0, NULL);
}

void decide_service(const struct decide_service *service, struct decide_orders *ret_orders)
{
	unsigned primary = primary_of(service);
	struct tally tally;

	assert(service->deployment_count <= DECIDE_DEPLOYMENTS_MAX);
	*ret_orders = (struct decide_orders){ .count = 0 };
	tally_up(service, &tally);
	stop_sick(service, ret_orders);
	if (service->deleted && !tally.left_all) {
		give(ret_orders, DECIDE_GONE, primary, 0, NULL);
		return;
	}
	if (breaker_opens(service, primary)) {
		open_breaker(service, primary, ret_orders);
		return;
	}
	stop_surplus(service, primary, &tally, ret_orders);
	stop_old(service, primary, &tally, ret_orders);
	start_missing(service, primary, &tally, ret_orders);
	finish(service, primary, &tally, ret_orders);
}
