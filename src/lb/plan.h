/*
 * plan: what lb_config asks for, compiled once and immutable after. Every worker holds a
 * reference to the newest; a request keeps the one it began with, so nothing under a running
 * stream ever changes.
 *
 *   plan_compile (control thread) ─► plan_publish ─► mailboxes ─► plan_unref with the last stream
 *
 * All memory is the plan's own: the config may go after plan_compile.
 */
#ifndef LB_PLAN_H
#define LB_PLAN_H

#include "lb/config.h"
#include "lb/target.h"

struct plan;
struct plan_group;
struct plan_condition; /* route's */
struct plan_regex;     /* a compiled regular expression, shared by all threads */

/* ---- Target groups ---- */

/* Targets of one zone. With cross-zone on a group has one zone with all of them. */
struct plan_zone {
	struct bytes name; /* "" when cross-zone is on */
	struct target *const *targets;
	unsigned target_count;
	unsigned healthy_min; /* fewer healthy ones: fail open. From the count and the percentage */
	unsigned dns_healthy_min; /* fewer: the zone would leave DNS; 0: off */
};

struct plan_group {
	struct bytes arn, id, name, load_balancer_id;
	uint64_t arn_hash;	   /* what AWSALBTG cookies carry */
	const struct meter *meter; /* this group's number in arrays of struct metrics */
	unsigned index;		   /* in plan->groups; dense, for this plan only */
	bool in_use;		   /* some load balancer has it: its targets are probed */
	bool function, multi_value_headers, function_streams; /* as in config.h */
	bool https;					      /* its targets speak TLS */
	bool tls13;					      /* up to 1.3 toward them */
	enum protocol_version protocol_version;
	enum algorithm algorithm;
	bool anomaly_mitigation;
	uint32_t slow_start_ms;
	enum stickiness stickiness;
	uint32_t stickiness_seconds;
	struct bytes app_cookie_name;
	uint32_t deregistration_delay_ms;
	struct health_config health;
	struct stream_config stream;
	const struct plan_zone *zones; /* those with targets; none when there is no target */
	unsigned zone_count;
	struct target *const *targets; /* all, in the order registered */
	unsigned target_count;
};

/* Contexts toward targets, by what they are to be offered: [TLS 1.3][HTTP/2]. */
struct target_tls {
	struct tls_context *at[2][2];
};

static inline struct tls_context *plan_group_tls(const struct plan_group *group,
						 const struct target_tls *tls)
{
	return tls->at[group->tls13][group->protocol_version != PROTOCOL_HTTP1];
}

/* ---- Rules ---- */

struct plan_forward {
	const struct plan_group *group;
	uint16_t weight;
};

struct plan_action {
	enum action_kind kind;
	const struct plan_forward *forwards; /* forward; groups that exist no more are left out */
	unsigned forward_count;
	uint32_t weight_sum;
	bool group_stickiness;
	uint32_t group_stickiness_seconds;
	struct bytes protocol, host, port, path, query; /* redirect */
	uint16_t status;				/* redirect, fixed response */
	struct bytes content_type, body;		/* fixed response */
};

struct plan_rewrite {
	const struct plan_regex *regex; /* NULL: none */
	struct bytes replace;
};

struct plan_rule {
	struct bytes arn;
	uint32_t priority; /* 0: the default rule */
	const struct plan_condition *conditions;
	unsigned condition_count;
	const struct gate_config *gates; /* in order; all of it the plan's own */
	unsigned gate_count;
	struct plan_action action;
	struct plan_rewrite host_rewrite, url_rewrite;
};

/* ---- Load balancers ---- */

struct plan_listener {
	struct bytes arn;
	uint16_t port;
	struct bytes port_text; /* the same in digits, for requests that carry it */
	const struct plan_load_balancer *load_balancer;
	const struct plan_rule *rules; /* by priority, the default rule last */
	unsigned rule_count;	       /* at least 1 */
	bool http2_clear;
	bool https;
	struct tls_context *tls; /* a reference; NULL without, or while there is none */
	enum tls_client_auth client_auth;
	struct bytes tls_fields[TLS_FIELDS];
	bool authenticates; /* some rule has a GATE_AUTHENTICATE: the callback path is ours */
	bool server_header;
	const struct response_header_config *response_headers; /* only those with a value */
	unsigned response_header_count;
};

struct plan_load_balancer {
	struct bytes arn, id, dns_name;
	const struct meter *meter; /* this load balancer's number in arrays of struct metrics */
	unsigned index;		   /* in plan->load_balancers */
	uint32_t reserved_units;
	uint32_t idle_ms;
	uint64_t client_keep_alive_ms;
	enum desync_mode desync_mode;
	bool drop_invalid_fields;
	bool preserve_host;
	bool xff_client_port;
	enum xff_mode xff_mode;
	const struct plan_listener *listeners;
	unsigned listener_count;
	const struct admit_list *ingress; /* NULL: anyone */
};

/* All listeners that share one bound address; the load balancers are told apart by Host. */
struct plan_address {
	struct address bound;
	const struct plan_listener *const *listeners; /* config order: the oldest first */
	unsigned listener_count;
	struct map by_label; /* first label of the DNS name → listener; empty with one listener */
};

struct plan {
	const struct plan_load_balancer *load_balancers;
	unsigned load_balancer_count;
	const struct plan_group *groups;
	unsigned group_count;
	const struct plan_address *addresses;
	unsigned address_count;
	uint32_t target_slots, meter_slots; /* arrays by slot need this length under this plan */
	uint64_t serial;		    /* counts up with each plan */
};

/*
 * Compiles. ERR_NOMEM; ERR_INVALID for a regular expression that PCRE2 refuses: then `ret_why`,
 * if not NULL, says which rule's and why (at most PLAN_WHY_BYTES with the NUL). Nothing outside
 * the new plan changes but new entries in the registry. The caller owns the one reference.
 */
enum { PLAN_WHY_BYTES = 512 };
err_t plan_compile(const struct lb_config *config, struct registry *registry,
		   const struct plan **ret_plan, char ret_why[PLAN_WHY_BYTES]);

/* Whether plan_compile would take an expression, for whoever must answer a user before there is a
 * plan: ERR_NOMEM, or ERR_INVALID with PCRE2's words. Any thread. */
err_t plan_check_regex(struct bytes pattern, char ret_why[PLAN_WHY_BYTES]);

const struct plan *plan_ref(const struct plan *plan);
void plan_unref(const struct plan *plan); /* NULL is welcome; any thread */

/*
 * Tells the targets what `config` says of them: draining or not, in use or not (their health word
 * follows). From here on no worker picks a draining target, whatever plan it holds.
 * Control thread; the config is the one `plan` was compiled from.
 */
void plan_publish(const struct plan *plan, const struct lb_config *config);

/* What was bound at `bound`; NULL when this plan has nothing there. Look it up once a connection
 * and plan, or per request: it is a short loop over distinct addresses. */
const struct plan_address *plan_address_at(const struct plan *plan, const struct address *bound);

/*
 * The listener a request meant by its Host: the load balancer whose DNS name it is, whose DNS name
 * it ends in (www.NAME-1.us-east-1.elb.localhost), or whose DNS name begins with it (NAME-1); else
 * the oldest. Ports in Host are ignored. One hash look-up for each label of the host.
 */
const struct plan_listener *plan_listener_for(const struct plan_address *address,
					      struct bytes host);
/* The same, and NULL where that would be the oldest for want of a name. */
const struct plan_listener *plan_listener_named(const struct plan_address *address,
						struct bytes host);
/*
 * The listener that a TLS client meant by SNI: as by Host, else the oldest with a certificate for
 * that name, else the oldest of all. NULL when there is none with TLS.
 */
const struct plan_listener *plan_listener_for_sni(const struct plan_address *address,
						  struct bytes host);

/* By arn; NULL. For the control thread. */
const struct plan_group *plan_group_find(const struct plan *plan, struct bytes arn);

#endif
