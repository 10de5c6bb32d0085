/*
 * decide: what a service's scheduler does now. Pure: desired state, actual state and time in;
 * orders out. Carried out and looked at again, they lead to a steady state or a failed deployment.
 *
 * The rules are AWS's for rolling deployments (minimum and maximum percent, circuit breaker, grace
 * period), and where AWS is vague:
 *
 *   - healthy is who runs, has no failed container check, and is healthy in all its target groups;
 *     a task that drains counts for nothing;
 *   - a task that ends by itself before it was ever healthy is a failure of its deployment; the
 *     next one waits longer each time (1 s, 2 s, 4 s … 5 min); one that becomes healthy ends that;
 *   - the breaker opens at half the desired count of failures in a row, 3 at least and 200 at most;
 *   - who goes first: tasks that do not run yet, then unhealthy ones, then those with the fewest
 *     requests in flight, then the youngest.
 */
#ifndef SERVICES_ECS_DECIDE_H
#define SERVICES_ECS_DECIDE_H

#include "base/bytes.h"

enum {
	DECIDE_DEPLOYMENTS_MAX = 16,
	DECIDE_ORDERS_MAX = 64,
	DECIDE_BREAKER_MIN = 3,
	DECIDE_BREAKER_MAX = 200,
	DECIDE_BACKOFF_MS = 1000,
	DECIDE_BACKOFF_MAX_MS = 300 * 1000,
};

enum decide_stage { DECIDE_PENDING, DECIDE_RUNNING, DECIDE_LEAVING };

struct decide_task {
	unsigned deployment; /* index into deployments */
	enum decide_stage stage;
	bool healthy;
	const char *sick;    /* why it has to go, in AWS's words; NULL: nothing is wrong */
	uint64_t started_ms; /* when it became RUNNING, or was made */
	uint32_t in_flight;
};

enum decide_rollout { DECIDE_IN_PROGRESS, DECIDE_COMPLETED, DECIDE_FAILED };

struct decide_deployment {
	bool primary;
	enum decide_rollout rollout;
	unsigned failures;  /* in a row */
	uint64_t failed_ms; /* when the last one was */
	bool was_completed; /* it was in force once: what a rollback goes back to */
};

struct decide_service {
	unsigned desired;
	unsigned min_percent, max_percent;
	bool breaker, rollback;
	bool steady;  /* the last event said so */
	bool deleted; /* DeleteService: nothing shall be left */
	const struct decide_deployment *deployments;
	unsigned deployment_count; /* one is primary */
	const struct decide_task *tasks;
	unsigned task_count;
	uint64_t now_ms;
};

enum decide_what {
	DECIDE_START,	  /* `count` tasks of deployment `index` */
	DECIDE_STOP,	  /* task `index`; `why` */
	DECIDE_COMPLETE,  /* deployment `index` has what it wants */
	DECIDE_FAIL,	  /* deployment `index`: the breaker is open */
	DECIDE_ROLL_BACK, /* to deployment `index`, which becomes primary */
	DECIDE_FORGET,	  /* deployment `index`: replaced, and nothing of it is left */
	DECIDE_STEADY,	  /* say that a steady state is reached */
	DECIDE_GONE,	  /* the service was deleted and nothing is left */
};

struct decide_order {
	enum decide_what what;
	unsigned index, count;
	const char *why;
};

struct decide_orders {
	struct decide_order at[DECIDE_ORDERS_MAX];
	unsigned count;
	uint64_t look_ms; /* look again then, whatever happens; 0: only when something changed */
};

void decide_service(const struct decide_service *service, struct decide_orders *ret_orders);

/* How long after its last failure a deployment may start the next task. */
uint64_t decide_backoff_ms(unsigned failures);
unsigned decide_breaker_threshold(unsigned desired);

#endif
