/*
 * target: one registered target of one group, the same object from plan to plan; and the
 * registry, which keeps what has an identity across plans.
 *
 * The registry belongs to the control thread: it makes targets, finds them by (group arn, id,
 * port), and frees them in registry_sweep when nobody else holds them. Workers reach a target
 * through a plan they hold, or through a reference of their own (a pool of connections takes one).
 *
 * What several threads must agree on is an atomic in `shared`, read relaxed: a worker that reads a
 * health word one turn late picks as it would have picked one turn earlier.
 */
#ifndef LB_TARGET_H
#define LB_TARGET_H

#include <stdatomic.h>

#include "base/map.h"
#include "lb/health.h"
#include "net/address.h"

enum { WEIGHT_FULL = 1000 }; /* a target's share in thousandths of its peers' */

struct probe; /* the prober's */

struct target {
	/* Fixed at birth; any thread reads. */
	uint32_t slot; /* dense and small: an index for arrays, reused after the target is freed */
	uint64_t serial;   /* never reused: tells two targets of one slot apart */
	uint64_t key_hash; /* of id and port; what stickiness cookies carry */
	struct bytes group_arn, id;
	uint16_t port;		/* as registered */
	struct address address; /* where connections go; a new address makes a new target */

	_Atomic uint32_t refs;

	/* On a cache line of its own: it moves with every request, what is above never does. */
	_Alignas(64) struct {
		_Atomic uint32_t in_flight; /* requests given to it and not ended, all workers */
		_Atomic uint8_t health;	    /* enum health_state */
		_Atomic bool draining;	    /* takes no new request from this instant */
		_Atomic uint64_t slow_start_ms; /* monotonic start of the ramp; 0: none */
		_Atomic uint32_t successes;	/* since the last anomaly_step */
		_Atomic uint32_t errors;	/* 5xx and connection errors, likewise */
		_Atomic uint16_t weight;	/* 1-WEIGHT_FULL, by anomaly mitigation */
		_Atomic bool anomalous, mitigated;
		_Atomic uint8_t drops; /* ADMIT_DROPS_…: what security groups keep from it */
	} shared;

	struct {
		struct health health; /* the machine behind shared.health */
		struct probe *probe;  /* NULL while not probed */
		struct anomaly_window {
			uint32_t requests, errors;
		} window;	    /* the last one, of ANOMALY_STEP_MS */
		uint8_t calm_steps; /* anomaly_step's: windows without a finding, in a row */
	} control;		    /* control thread only */
};

/* Makes control.health's state the shared word. Control thread, after each change of the machine.
 */
void target_publish_health(struct target *target);

struct target *target_ref(struct target *target);
void target_unref(struct target *target); /* NULL is welcome; any thread */

/*
 * A request begins and ends on a target. balance_pick and balance_take begin; who got it ends it.
 * false: the target began to drain meanwhile, and nothing was begun. (Sequentially consistent with
 * draining: whoever saw "draining, none in flight" will see no request begin after that.)
 */
bool target_begin(struct target *target);
/* true when it was the last one of a draining target: deregistration may finish early. A hint:
 * it can be missed when a target_begin fails in the same instant. */
bool target_end(struct target *target);

/* What anomaly detection counts: a response of a target, or a connection that failed. */
static inline void target_count(struct target *target, bool good)
{
	atomic_fetch_add_explicit(good ? &target->shared.successes : &target->shared.errors, 1,
				  memory_order_relaxed);
}

static inline enum health_state target_health(const struct target *target)
{
	return (enum health_state)atomic_load_explicit(&target->shared.health,
						       memory_order_relaxed);
}

static inline uint8_t target_drops(const struct target *target)
{
	return atomic_load_explicit(&target->shared.drops, memory_order_relaxed);
}

static inline uint32_t target_in_flight(const struct target *target)
{
	return atomic_load_explicit(&target->shared.in_flight, memory_order_relaxed);
}

static inline bool target_is_draining(const struct target *target)
{
	return atomic_load_explicit(&target->shared.draining, memory_order_relaxed);
}

/* ---- The registry; control thread only ---- */

/*
 * A number for something that is counted (a load balancer, a target group), the same from plan to
 * plan. `slot` is dense; when the thing is gone its slot is given to another with a new `serial`,
 * so an owner of an array clears the entry whose serial differs.
 */
struct meter {
	uint32_t slot;
	uint64_t serial;
	struct bytes id; /* "app/NAME/16hex" or "targetgroup/NAME/16hex" */
	_Atomic uint32_t refs;
};
struct meter *meter_ref(struct meter *meter);
void meter_unref(struct meter *meter); /* NULL is welcome; any thread */

struct registry;

err_t registry_create(struct registry **ret_registry);
/* Plans and references are gone already; asserts it. NULL is welcome. */
void registry_destroy(struct registry *registry);

struct target_key {
	struct bytes group_arn, id;
	uint16_t port;
};
/*
 * The target of that key and address, made when there is none: health as health_init(in use),
 * full weight. The caller owns a reference. ERR_NOMEM.
 */
err_t registry_target(struct registry *registry, const struct target_key *key,
		      const struct address *address, struct target **ret_target);
/* Borrowed until the next sweep; NULL when there is none. */
struct target *registry_find(const struct registry *registry, const struct target_key *key);

err_t registry_meter(struct registry *registry, struct bytes id, struct meter **ret_meter);

/* Frees what only the registry still holds. After each plan change, and now and then. */
void registry_sweep(struct registry *registry);

/* One more than the largest slot in use: how long an array by slot must be. */
uint32_t registry_target_slots(const struct registry *registry);
uint32_t registry_meter_slots(const struct registry *registry);

/* A number that was never given before: plans count with it too. */
uint64_t registry_next_serial(struct registry *registry);

void registry_each_target(struct registry *registry,
			  void (*row)(void *owner, struct target *target), void *owner);

#endif
