/*
 * elbv2: Elastic Load Balancing v2 (API 2015-12-01) over the store and the balancer.
 *
 *   api_call ─► handler, one transaction ─► commit ─► plan: the store as an lb_config ─► lb_apply
 *
 * The store is the truth: what the balancer shall do is read from it after every commit that
 * changed something of ours, and once at start. The control loop's thread only.
 */
#ifndef SERVICES_ELBV2_ELBV2_H
#define SERVICES_ELBV2_ELBV2_H

#include "api/api.h"
#include "base/text.h"
#include "lb/lb.h"
#include "store/store.h"

struct elbv2;

/* A target of type `instance`: which address an i-… id stands for, until tasks bring their own. */
struct elbv2_instance {
	const char *id;		/* "i-0123456789abcdef0" */
	struct address address; /* the port is the target's */
	const char *zone;	/* "us-east-1a"; NULL: any */
};

struct elbv2_options {
	struct api *api; /* the service registers itself here; zones and subnets are asked here */
	struct store *store;
	struct lb *lb;
	struct loop *loop; /* the control loop */
	const char *account, *region;
	struct address bind;	      /* where internet-facing load balancers listen; port 0 */
	struct address bind_internal; /* the same for internal ones */
	uint16_t port_offset;	      /* port 80 really is 80 + this */
	uint32_t load_balancers_max;  /* the account's quota; 0: AWS's 50 */
	/* What client secrets of identity providers are sealed with (crypto/seal.h). */
	uint8_t seal_key[32];
	/* Instead of Cognito's own endpoints: http://127.0.0.1:9229; NULL or "": none. Copied */
	const char *cognito_endpoint;
	/* A Cognito client's secret, at == NULL: it has none. May be NULL. `owner` below. */
	struct bytes (*cognito_secret)(void *owner, struct bytes client_id);
	const struct elbv2_instance *instances; /* copied */
	size_t instance_count;
	/* The identity that a certificate's ARN stands for, asked when no transaction is open: the
	 * caller unrefs it. ERR_NOT_FOUND, ERR_AGAIN: not issued yet. NULL: there are none. */
	err_t (*identity)(void *owner, const char *arn, struct identity **ret_identity);
	/*
	 * Reads an object of S3 for the caller, likewise; ERR_NOT_FOUND, ERR_DENIED, ERR_TOO_LARGE
	 * (past the text's maximum). NULL: there is no S3.
	 */
	err_t (*object)(void *owner, const struct api_caller *caller, const char *bucket,
			const char *key, const char *version, struct text *out);
	/*
	 * Whether Elastic Load Balancing may invoke a function for a target group, likewise:
	 * ERR_NOT_FOUND, ERR_DENIED by the function's policy. NULL: there are no functions.
	 */
	err_t (*may_invoke)(void *owner, const char *group_arn, const char *function_arn);
	const char *endpoint;		  /* where those find us: "http://127.0.0.1:4566"; copied */
	uint64_t (*unix_ms)(void *owner); /* NULL: the loop's clock */
	void *owner;
};

/* Everything in `options` is copied or borrowed for the service's life (api, store, lb, loop). */
err_t elbv2_create(const struct elbv2_options *options, struct elbv2 **ret_elbv2);

/* After the last API call and before store, lb and api go. NULL is welcome. */
void elbv2_destroy(struct elbv2 *elbv2);

/*
 * At start, before the API answers: binds the listeners of the store, applies the first plan,
 * takes up draining where it was. On failure *ret_why is a sentence for the user (a port that
 * somebody else holds; free it), and what was bound is unbound.
 */
err_t elbv2_restore(struct elbv2 *elbv2, char **ret_why);

/*
 * A reset of the store is followed by a plan of nothing on the loop's next turn. The addresses that
 * listeners held are the resetter's to give back (lb_forget_all).
 */

/* For struct lb_events, wired by the app. */
void elbv2_on_health(struct elbv2 *elbv2, struct bytes group_arn, struct bytes target_id,
		     uint16_t port);
void elbv2_on_drained(struct elbv2 *elbv2, struct bytes group_arn, struct bytes target_id,
		      uint16_t port);

/* Load balancers that use a certificate: an array of ARNs, a new reference; NULL on no memory. */
json_t *elbv2_certificate_users(const struct elbv2 *elbv2, const char *certificate_arn);

/*
 * What a Location of GetTrustStore… leads to: the last part of its path. ERR_NOT_FOUND: not one of
 * ours, too old, or its subject is gone.
 */
err_t elbv2_trust_store_content(struct elbv2 *elbv2, struct bytes token, struct text *out);

enum elbv2_log { ELBV2_ACCESS_LOG, ELBV2_CONNECTION_LOG, ELBV2_HEALTH_CHECK_LOG, ELBV2_LOGS };

/*
 * Where logs go, of all load balancers that deliver any; told as "app/NAME/ID". Borrowed for the
 * call. No transaction may be open.
 */
struct elbv2_log_target {
	enum elbv2_log log;
	const char *load_balancer_id, *bucket, *prefix;
};
err_t elbv2_each_log_target(struct elbv2 *elbv2,
			    void (*each)(void *owner, const struct elbv2_log_target *target),
			    void *owner);

/* What `weir status` says first. */
struct elbv2_summary {
	unsigned load_balancers, listeners, rules, target_groups, targets, draining;
};
err_t elbv2_summary(struct elbv2 *elbv2, struct elbv2_summary *ret_summary);

#endif
