/*
 * lb: the balancer. Workers carry traffic by an immutable plan; one control thread applies plans,
 * probes targets and answers questions about both.
 *
 *   lb_create ─► lb_bind (an API call) ─► lb_apply(config) ─► plan ─► each worker's mailbox
 *
 * All calls belong to the control loop's thread, callbacks come on it.
 */
#ifndef LB_LB_H
#define LB_LB_H

#include "lb/config.h"
#include "lb/function.h"
#include "lb/health.h"
#include "net/loop.h"
#include "telemetry/metrics.h"

struct lb;
struct access_record;
struct connection_record;
struct probe_record;

struct lb_events {
	/* A target's health word changed (DescribeTargetHealth reads it; this is for logs). May be
	 * NULL. */
	void (*on_health)(void *owner, struct bytes group_arn, struct bytes target_id,
			  uint16_t port);
	/* A health check is over; the record is valid during the call. See lb/probe_record.h. May
	 * be NULL. */
	void (*on_probe)(void *owner, const struct probe_record *record);
	/* The last request of a draining target ended: deregistration may finish early. */
	void (*on_drained)(void *owner, struct bytes group_arn, struct bytes target_id,
			   uint16_t port);
	/*
	 * A request waits because its group has no target (weir.queue.*): whoever can start one
	 * should. Again a second later at the soonest, while others come. May be NULL.
	 */
	void (*on_wanted)(void *owner, struct bytes group_arn);
	/*
	 * A request or stream began, goes on (every 10 s) or ended. The only callback that runs on
	 * WORKER threads; the record is valid during the call. See lb/access.h.
	 */
	void (*on_access)(void *owner, const struct access_record *record);
	/* A client's connection was accepted, with TLS: once its handshake ended. Likewise on the
	 * WORKER threads; see lb/connection.h. May be NULL. */
	void (*on_connection)(void *owner, const struct connection_record *record);
};

struct lb_options {
	struct loop *control;
	struct loop *const
		*workers;      /* each run by a thread of the app's; the scenario tests give one */
	unsigned worker_count; /* 1-64 */
	const struct lb_events *events;
	const struct lb_invoker *invoker; /* runs functions; NULL: their groups answer 502 */
	void *owner;			  /* both callbacks' */
	uint8_t cookie_key[32];		  /* for stickiness cookies; kept in the data directory */
	/* For authenticate and jwt-validation actions: what sessions are sealed with, and a private
	 * key on P-256 in PKCS #8 (sign.h) with its name, which signs x-amzn-oidc-data. Without a
	 * key one is made that nobody knows. */
	uint8_t session_key[32];
	struct bytes signing_key, signing_kid;
	const char *idp_ca_file; /* authorities of identity providers; NULL or "": the system's */
	struct bytes account, region;
	size_t held_bytes_max; /* of bodies kept in memory (held.h), all workers; 0: 256 MiB */
};

err_t lb_create(const struct lb_options *options, struct lb **ret_lb);

/*
 * Ends all: listeners close, streams are cut after `drain_ms` at the latest; on_done then. With the
 * workers' loops still running. A second call only moves the deadline: the first on_done holds.
 */
void lb_shutdown(struct lb *lb, uint32_t drain_ms, void (*on_done)(void *owner), void *owner);
void lb_destroy(struct lb *lb); /* after on_done, when the workers' loops have stopped */

/*
 * Reserves an address for a listener before its creation is acknowledged; the same address again
 * only counts. ERR_IN_USE, ERR_DENIED, ERR_UNREACHABLE. lb_unbind gives it back; traffic begins
 * with the plan that names it.
 */
err_t lb_bind(struct lb *lb, const struct address *at);
void lb_unbind(struct lb *lb, const struct address *at);

/*
 * Whether a connection to this address would come back to a listener of ours: as a target it would
 * turn one request into as many as there are descriptors.
 */
bool lb_is_bound(const struct lb *lb, const struct address *at);

/*
 * Compiles and posts a plan. Targets keep health, counts and connections by (group arn, id,
 * port). On failure (ERR_NOMEM) the old plan stays. Streams that run are not touched by
 * anything that a plan changes.
 */
err_t lb_apply(struct lb *lb, const struct lb_config *config);

/* Cuts what still runs on a target, at the end of its deregistration delay (end reason
 * DRAIN_DEADLINE), as reference/alb.md §4.5 says. */
void lb_cut_target(struct lb *lb, struct bytes group_arn, struct bytes target_id, uint16_t port);
/* Cuts all connections of a load balancer that was deleted. */
void lb_cut_load_balancer(struct lb *lb, struct bytes arn);
/* Everything was deleted at once (a reset): gives back every reservation, cuts all connections. */
void lb_forget_all(struct lb *lb);

struct target_status {
	enum health_state state;
	enum health_reason reason;
	char description[160]; /* "" where AWS gives none */
	uint16_t health_port;
	uint32_t requests_in_flight;
	bool anomalous, mitigated;
};
/* ERR_NOT_FOUND when no plan has had it. */
err_t lb_target_status(const struct lb *lb, struct bytes group_arn, struct bytes target_id,
		       uint16_t port, struct target_status *ret_status);

/* One row of the live table (`weir streams`, /_weir/streams). */
struct stream_row {
	char trace_id[80], load_balancer[80], target_group[80], target[64], client[64];
	char request[160]; /* "POST /chat" */
	const char *stage; /* "connecting", "waiting", "streaming" */
	uint16_t status;   /* 0 before the head */
	uint64_t age_ms, idle_ms, first_byte_ms, received_bytes, sent_bytes, events, heartbeats;
};
/* Asks every worker; on_rows comes once with all that ran then (at most `max` of them). */
void lb_streams(struct lb *lb, unsigned max,
		void (*on_rows)(void *owner, const struct stream_row *rows, unsigned count),
		void *owner);

/* Numbers of one load balancer / target group since start, summed over the workers. */
void lb_each_metrics(struct lb *lb,
		     void (*row)(void *owner, struct bytes load_balancer_id,
				 struct bytes target_group_id, const struct metrics *sum),
		     void *owner);
/* Whether a listener's security groups let new connections of `client` in, one row a listener. */
struct admission_row {
	struct bytes load_balancer_id; /* borrowed for the call */
	uint16_t listener_port;
	bool admits;
};
void lb_each_admission(const struct lb *lb, const struct address *client,
		       void (*row)(void *owner, const struct admission_row *row), void *owner);
/* Whether a load balancer reaches the targets that are at `address`, whatever their ports. */
struct reach_row {
	struct bytes load_balancer_id, target_group_id; /* borrowed for the call */
	uint16_t port;
	uint8_t drops; /* ADMIT_…; 0: no security group is in the way */
};
void lb_each_reach(const struct lb *lb, const struct address *address,
		   void (*row)(void *owner, const struct reach_row *row), void *owner);
unsigned lb_open_streams(const struct lb *lb); /* requests in progress, all workers */

#endif
