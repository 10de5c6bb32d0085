/*
 * prober: health checks (reference/alb.md §2.2, §4.2), on the control loop.
 *
 * Every target of a group in use is asked at once when it appears, then from start to start of
 * the interval. What a probe found goes to the target's health machine; its word to the workers.
 */
#ifndef LB_PROBER_H
#define LB_PROBER_H

#include "lb/function.h"
#include "lb/plan.h"
#include "lb/probe_record.h"
#include "net/loop.h"

struct prober;

struct prober_options {
	struct loop *loop;
	const struct target_tls *tls;	  /* for HTTPS health checks; outlives the prober */
	const struct lb_invoker *invoker; /* asks functions; NULL: they fail */
	void *invoker_owner;
	/* A target's health word changed. Not inside prober_sync. */
	void (*on_health)(void *owner, const struct target *target);
	/* A probe is over; valid during the call. May be NULL. */
	void (*on_probe)(void *owner, const struct probe_record *record);
	void *owner;
};

err_t prober_create(const struct prober_options *options, struct prober **ret_prober);
void prober_destroy(struct prober *prober); /* NULL is welcome */

/*
 * Probes what `plan` wants probed from now on, by its settings; after plan_publish. The plan stays
 * until the next call. On ERR_NOMEM some targets are not probed: call again.
 */
err_t prober_sync(struct prober *prober, const struct plan *plan);

/* ---- One probe as a machine: no clock, no socket ---- */

enum probe_state { PROBE_RESTING, PROBE_CONNECTING, PROBE_ASKING, PROBE_STATES };
enum probe_event {
	PROBE_DUE,
	PROBE_CONNECTED,
	PROBE_BROKEN,
	PROBE_MATCHED,
	PROBE_MISMATCHED,
	PROBE_EXPIRED,
	PROBE_EVENTS
};
enum probe_order {
	PROBE_NEVER, /* cannot happen: asserted */
	PROBE_CONNECT,
	PROBE_SEND,
	PROBE_RECORD_PASS,
	PROBE_RECORD_MISMATCH,
	PROBE_RECORD_TIMEOUT,
	PROBE_RECORD_FAILURE,
};

struct probe_clock {
	enum probe_state state;
	uint64_t due_ms; /* RESTING: the next start; else: when it has lasted too long */
	uint64_t started_ms;
};

enum probe_order probe_step(struct probe_clock *clock, const struct health_config *config,
			    enum probe_event event, uint64_t now_ms);

#endif
