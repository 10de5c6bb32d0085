/*
 * balance: which group and which target a request goes to (reference/alb.md §2.4, §3.4, §4.3,
 * §4.4). Pure but for the atomics of targets; allocates nothing.
 *
 * Cross-zone off. On AWS a client's name look-up chooses a zone, and that zone's node spreads over
 * that zone's targets only. We have one node, which stands for the nodes of all zones: so a pick
 * goes round the zones as name look-ups would (zones below their dns_failover threshold left out,
 * unless all are), then applies algorithm and fail-open inside the zone.
 */
#ifndef LB_BALANCE_H
#define LB_BALANCE_H

#include "base/rng.h"
#include "lb/plan.h"

/* One worker's memory of one group: where its rotation stands. Zero to begin with; any plan's
 * group may use the one kept under meter->slot. A random turn to begin with keeps the workers from
 * all starting at the first target. */
struct balance_state {
	uint32_t turn, zone_turn;
};

/* Draws a group by weight; NULL when all weights are 0 (503, END_ZERO_WEIGHTS). */
const struct plan_group *balance_choose_group(const struct plan_action *action, struct rng *rng);

enum balance_outcome {
	BALANCE_PICKED,
	BALANCE_EMPTY, /* none registered, or all draining or unused: 503, END_NO_TARGETS */
};

struct balance_request {
	const struct plan_group *group;
	struct balance_state *state; /* this worker's, for this group */
	struct rng *rng;
	uint64_t now_ms;	    /* monotonic */
	const struct target *avoid; /* chosen only if nothing else is left; NULL: none */
};

struct balance_pick {
	enum balance_outcome outcome;
	struct target *target; /* begun: the caller calls target_end. The plan keeps it alive */
	bool fail_open;	       /* metric UNHEALTHY_ROUTING */
};
struct balance_pick balance_pick(const struct balance_request *request);

/*
 * Gives a request to a target that a cookie named, if it may take one now: healthy, or any when the
 * group fails open; never draining. On true it is begun, *ret_fail_open says how.
 */
bool balance_take(const struct plan_group *group, struct target *target, bool *ret_fail_open);

/* ---- For the control thread ---- */

/* Call when a target became healthy: begins its ramp where §4.4 wants one. */
void slow_start_begin(const struct plan_group *group, struct target *target, uint64_t now_ms);
/* Call when it stopped being healthy. */
void slow_start_end(struct target *target);

/*
 * Anomaly detection over the window since the last call, for one group; every ANOMALY_STEP_MS.
 * With three or more healthy targets, one whose share of errors stands out from its peers' is
 * anomalous; with mitigation on, weighted_random gives it less, and gives back gradually.
 */
enum { ANOMALY_STEP_MS = 5000 };
void anomaly_step(const struct plan_group *group);

/* The verdict on one target's window, given its peers' sum. Pure; anomaly_step's heart. */
bool anomaly_found(struct anomaly_window own, struct anomaly_window peers);

#endif
