/*
 * worker: one loop's share of the balancer. Nothing here is touched by another thread but where it
 * says so; the control thread (lb.c) talks to a worker by jobs in its loop's mailbox.
 *
 *   lb_apply ─► hold (a plan, made ready for one worker) ─► worker_swap, between two events
 *
 * A hold is a plan with this worker's numbers beside it. Streams count on the hold they began with,
 * without an atomic; the plan's own reference goes when the hold's last stream has ended.
 */
#ifndef LB_WORKER_H
#define LB_WORKER_H

#include "base/rng.h"
#include "conn/conn.h"
#include "crypto/sign.h"
#include "lb/balance.h"
#include "lb/jwks.h"
#include "lb/lb.h"
#include "lb/plan.h"
#include "lb/route.h"
#include "lb/upstream.h"

struct worker;
struct stream;
struct listener;

/*
 * What one worker keeps of one load balancer or target group, from plan to plan. Made by the
 * control thread before the first plan that names it; the worker alone writes, `metrics` may be
 * read by anyone.
 */
struct cell {
	struct metrics metrics;
	struct balance_state balance; /* a group's */
	uint32_t queued;	      /* of a group: requests that wait for a target */
	uint64_t wanted_ms;	      /* when the control thread was last told so */
	uint32_t idle_ms;	      /* a load balancer's, as of the newest plan */
	bool idle_changed;	      /* in the swap that runs */
};

/* A listening socket that the control thread bound for this worker. */
struct hold_socket {
	struct address at;
	int fd; /* the worker's from worker_swap on */
};

struct hold {
	struct worker *worker;
	const struct plan *plan;      /* a reference */
	struct cell **balancer_cells; /* by plan_load_balancer.index */
	struct cell **group_cells;    /* by plan_group.index */
	struct hold_socket *sockets;  /* new ones; what the worker has already stays */
	unsigned socket_count;
	unsigned users; /* the worker itself and its streams */
	struct loop_job job;
};

/* Control thread. ERR_NOMEM. Cells are filled in by the caller. */
err_t hold_create(struct worker *worker, const struct plan *plan, unsigned sockets_max,
		  struct hold **ret_hold);
void hold_unref(struct hold *hold); /* NULL is welcome */

/* Connections to one target, and what they are counted as. */
struct pool {
	struct upstream *upstream;
	struct target *target; /* a reference */
	struct meter *meter;   /* a reference: keeps `cell` */
	struct cell *cell;     /* of the load balancer that opened it first */
	struct worker *worker;
	uint64_t plan_serial; /* of the newest plan that names the target */
};

/* What gates need, the lb's: the same for all workers. */
struct lb_auth {
	struct fetcher *fetcher;
	struct sign_key *sign;
	struct bytes kid;
	uint8_t session_key[32];
};

struct worker {
	struct lb *lb; /* only passed on to lb_internal.h's calls */
	struct loop *loop;
	struct loop *control;
	const struct lb_events *events;
	void *events_owner;		  /* the invoker's too */
	const struct lb_invoker *invoker; /* NULL: no function can be called */
	const uint8_t *cookie_key;
	const struct target_tls *tls; /* toward targets of HTTPS groups; the lb's */
	unsigned index, count;	      /* of the workers */
	const struct lb_auth *auth;
	struct jwks *jwks; /* this worker's key sets */

	struct hold *hold; /* the newest plan; NULL before the first */
	struct rng rng;
	struct route_scratch *scratch;
	struct list_node listeners;
	struct list_node streams;
	struct pool **pools; /* by target slot; NULL: none */
	uint32_t pool_slots;
	uint64_t client_count; /* connections accepted, ever */
	uint64_t trace_seed;
	size_t held_bytes, held_max; /* of requests' bodies that are kept in memory: held.h */

	_Atomic uint32_t stream_count; /* anyone reads */

	unsigned clients_open, pools_open;
	bool stopping, stopped;
	struct timer stop_timer;
};

/* Control thread, before anything was posted. The options outlive the worker. */
err_t worker_init(struct worker *worker, struct lb *lb, const struct lb_options *options,
		  const struct lb_auth *auth, unsigned index);
/* Control thread, after lb_note_stopped (or before anything was posted), when the loop does not run
 * any more. */
void worker_fini(struct worker *worker);

/* ---- The worker's own thread ---- */

/* Takes the hold over: listeners open and close, idle times follow, nothing that runs is touched.
 */
void worker_swap(struct worker *worker, struct hold *hold);

/*
 * The pool for a target of a group, made when there is none. `balancer` is the load balancer it is
 * counted for; `hold` is the asking stream's, of whose plan all are: a stream that tries again may
 * be older than the worker's newest. ERR_NOMEM.
 */
err_t worker_pool(const struct hold *hold, const struct plan_group *group, struct target *target,
		  const struct plan_load_balancer *balancer, struct pool **ret_pool);

void worker_cut_target(struct worker *worker, const struct target *target);
void worker_cut_load_balancer(struct worker *worker, struct bytes arn);

/* No new connection; streams may end by themselves until `deadline_ms`; then
 * lb_note_stopped. */
void worker_stop(struct worker *worker, uint64_t deadline_ms);
/* A stream or a client connection ended: perhaps the last. */
void worker_check_stopped(struct worker *worker);

/* The metrics of this load balancer under the plan the stream holds. */
static inline struct cell *hold_balancer_cell(const struct hold *hold,
					      const struct plan_load_balancer *balancer)
{
	return hold->balancer_cells[balancer->index];
}

static inline struct cell *hold_group_cell(const struct hold *hold, const struct plan_group *group)
{
	return hold->group_cells[group->index];
}

#endif
