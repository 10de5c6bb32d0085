/*
 * elbv2_internal: what the files of this folder share. One call, its transaction, the records.
 *
 * A record's body is one JSON object:
 *
 *   load balancer, target group, listener, rule
 *       { "seq": creation order, "api": as Describe answers it, "attributes": {key: value},
 *         "tags": {key: value} }                       attributes: only those that were set
 *       a rule with authenticate-oidc: "client_secret", sealed for the rule's ARN
 *   target   { "group", "Id", "Port", "AvailabilityZone"?, "registered_ms", "draining_until_ms",
 *              "draining_since_ms", "again": it was registered anew while it drained }
 *   trust store  like these, with "bundle": PEM, "revocations": how many there ever were
 *   revocation   { "store", "api", "content": the list in base64 }       its id: ARN/number
 *   use      { "group", "rule", "load_balancer" }      a rule forwards to a group
 *
 * The id is the ARN; names and target keys are found through it. A listener's default actions
 * live in its default rule alone, whose Priority is "default".
 */
#ifndef SERVICES_ELBV2_ELBV2_INTERNAL_H
#define SERVICES_ELBV2_ELBV2_INTERNAL_H

#include "base/list.h"
#include "crypto/seal.h"
#include "services/elbv2/elbv2.h"
#include "services/elbv2/mirror.h"
#include "services/elbv2/security.h"
#include "services/elbv2/tls.h"

/* ---- The service ---- */

struct elbv2 {
	struct elbv2_options options; /* strings and instances are copies in `arena` */
	struct arena arena;
	struct api_service service;
	struct store_listener listener;
	struct mirror mirror; /* what plans are made of */
	struct security security;
	struct tls_listeners tls;
	struct timer change_timer; /* due at once: reconciles what changed outside of a call */
	bool dirty;		   /* something of ours changed since the last plan */
	bool restored;		   /* the first plan was applied */
	bool committing;	   /* who commits reconciles: no timer is needed */
	bool reconciling;	   /* what EC2 asks us meanwhile begins none */
	struct timer drain_timer;
};

uint64_t elbv2_now_ms(const struct elbv2 *elbv2);

/* Where a listener of that load balancer really listens. */
struct address elbv2_bound(const struct elbv2 *elbv2, const char *scheme, uint16_t port);

/* plan.c: the store as a plan. Keeps the old one on failure, and logs. */
void elbv2_reconcile(struct elbv2 *elbv2);
void elbv2_note_tasks(struct elbv2 *elbv2); /* dirty, if their interfaces are others now */

/* drain.c: ends what is due, sets the timer for the rest. */
void elbv2_drain_sweep(struct elbv2 *elbv2);
void elbv2_on_drain_timer(struct timer *timer);

/* ---- One call ---- */

enum after_kind {
	AFTER_UNBIND_ON_FAILURE, /* bound in this call; given back if it does not commit */
	AFTER_UNBIND,		 /* given back once the plan without it is applied */
	AFTER_CUT_LOAD_BALANCER,
	AFTER_SWEEP, /* a target began to drain */
};

struct after {
	struct after *next;
	enum after_kind kind;
	struct address address;
	struct bytes arn;
};

struct elbv2_call {
	struct elbv2 *elbv2;
	struct store_txn *txn; /* NULL until the first look into the store */
	bool wrote;
	json_t *held; /* an array: bodies read, freed with the call */
	struct after *after;
	const char *client_secret; /* of the actions that this call sets; the input's */
	bool existing_secret;	   /* they keep the one the rule has */
};

static inline struct elbv2_call *call_of(struct api_call *call)
{
	return call->transaction;
}

static inline struct elbv2 *elbv2_of(struct api_call *call)
{
	return call->service->state;
}

err_t elbv2_begin(struct api_call *call);
err_t elbv2_end(struct api_call *call, err_t verdict);

err_t call_after(struct api_call *call, enum after_kind kind, const struct address *address,
		 const char *arn);
/* Keeps `json` until the call ends; a NULL is ERR_NOMEM. */
err_t call_hold(struct api_call *call, json_t *json);

/* Closes the open transaction, in which nothing was written, since another service opens its own.
 */
void call_leave_store(struct api_call *call);

/*
 * Asks EC2 through the API's door. The open transaction is closed first (asserted: nothing was
 * written in it), since the other service opens its own.
 */
err_t call_ec2(struct api_call *call, const char *operation, json_t *input, json_t **ret_output,
	       struct api_fault *ret_fault);

/* ---- Records ---- */

#define KIND_LOAD_BALANCER "elbv2.load_balancer"
#define KIND_LISTENER	   "elbv2.listener"
#define KIND_RULE	   "elbv2.rule"
#define KIND_TARGET_GROUP  "elbv2.target_group"
#define KIND_TARGET	   "elbv2.target"
#define KIND_USE	   "elbv2.use"
#define KIND_TRUST_STORE   "elbv2.trust_store"
#define KIND_REVOCATION	   "elbv2.revocation"

/* The transaction, opened at the first asking. */
err_t record_txn(struct api_call *call, struct store_txn **ret_txn);

/* Bodies are held by the call. ERR_NOT_FOUND comes without a fault. */
err_t record_get(struct api_call *call, const char *kind, const char *id, json_t **ret_body);
/* An array of bodies in order of creation; `parent` NULL: all of the kind. */
err_t record_list(struct api_call *call, const char *kind, const char *parent, json_t **ret_list);
/* Those of the page alone, by their "seq"; reads no further than the page goes. */
struct page;
err_t record_page(struct api_call *call, const char *kind, struct page *page, json_t **ret_list);
err_t record_count(struct api_call *call, const char *kind, const char *parent,
		   uint64_t *ret_count);
err_t record_add(struct api_call *call, const char *kind, const char *id, const char *parent,
		 json_t *body);
err_t record_put(struct api_call *call, const char *kind, const char *id, const char *parent,
		 json_t *body);
err_t record_drop(struct api_call *call, const char *kind, const char *id);
err_t record_named(struct api_call *call, const char *kind, const char *name, char **ret_id);
err_t record_name(struct api_call *call, const char *kind, const char *name, const char *id);
err_t record_unname(struct api_call *call, const char *kind, const char *name);
err_t record_sequence(struct api_call *call, uint64_t *ret_next);

/* ---- JSON ---- */

static inline const char *get_string(const json_t *object, const char *key) /* NULL: absent */
{
	return json_string_value(json_object_get(object, key));
}

/* Some clients send what was not set as "": that is absent, too. */
static inline const char *get_filled(const json_t *object, const char *key)
{
	const char *text = get_string(object, key);

	return text && text[0] ? text : NULL;
}

static inline int64_t get_int(const json_t *object, const char *key, int64_t fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}

static inline bool get_true(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static inline const json_t *api_part(const json_t *body)
{
	return json_object_get(body, "api");
}

/* Sets a new reference; a NULL value is ERR_NOMEM. */
err_t set_new(json_t *object, const char *key, json_t *value);
err_t set_string(json_t *object, const char *key, const char *value);
/* Appends a new reference to output[list], which is made when missing. */
err_t output_append(json_t *output, const char *list, json_t *value);
/* A deep copy that the call holds. */
err_t copy_held(struct api_call *call, const json_t *json, json_t **ret_copy);

/* ---- Identifiers (arn.c) ---- */

enum resource {
	RESOURCE_LOAD_BALANCER,
	RESOURCE_LISTENER,
	RESOURCE_RULE,
	RESOURCE_TARGET_GROUP,
	RESOURCE_TRUST_STORE,
	RESOURCES,
};

struct resource_row {
	const char *kind;     /* store */
	const char *noun;     /* "load balancer" */
	const char *arn_type; /* "loadbalancer/app/" */
	const char *missing;  /* error code */
};
const struct resource_row *resource_row(enum resource resource);

/* What the ARN names by its form; false when it is not one of ours. */
bool resource_of_arn(const char *arn, enum resource *ret_resource);

/*
 * The record an ARN names, or a fault: ValidationError for what is no such ARN, …NotFound.
 * An ARN that lacks its random id ("targetgroup/NAME") is taken where the name is unique.
 */
err_t resource_get(struct api_call *call, enum resource resource, const char *arn,
		   json_t **ret_body);
err_t resource_missing(struct api_call *call, enum resource resource, const char *arn);

const char *resource_arn(enum resource resource, const json_t *body);

/* "arn:aws:elasticloadbalancing:REGION:ACCOUNT:" + printf */
char *arn_make(struct api_call *call, const char *format, ...) PRINTF_LIKE(2, 3);
/* What follows "…:loadbalancer/" or, for groups, the whole "targetgroup/NAME/id". */
struct bytes arn_tail(const char *arn, const char *after);

err_t check_name(struct api_call *call, const char *what, const char *name);

/* ---- Pages (page.c) ---- */

/* Items pass in rising order of `key`; the marker is the last key given out. */
struct page {
	struct api_call *call;
	uint64_t after, last;
	unsigned size, taken;
	bool started, more;
};
err_t page_begin(struct api_call *call, unsigned default_size, struct page *ret_page);
bool page_take(struct page *page, uint64_t key); /* whether this item belongs to the page */
err_t page_end(struct page *page);		 /* NextMarker, if there is more */

/* ---- Tags (tags.c) ---- */

/* Checks input's Tags and adds them to `tags` (an object). */
err_t tags_merge(struct api_call *call, enum resource resource, json_t *list, json_t *tags);
json_t *tags_list(const json_t *tags); /* [{Key, Value}]; new reference */

/* ---- Attributes (attributes.c) ---- */

/* The value in force: as set, or the default. */
const char *attribute_value(enum resource resource, const json_t *body, const char *key);
uint32_t attribute_int(enum resource resource, const json_t *body, const char *key); /* off: 0 */
bool attribute_true(enum resource resource, const json_t *body, const char *key);

/*
 * A streaming value of design §6: attribute, else tag. `ret_set` false: neither is there.
 * `key` without its prefix: "timeout.connect_ms".
 */
bool weir_value(const json_t *body, const char *key, uint32_t *ret_value);
/* One that is on or off: the group's word, else the load balancer's (NULL: none), else off. */
bool weir_true(const json_t *group, const json_t *load_balancer, const char *key);
/* Whether a tag "weir:…" may say this; a fault else. */
err_t weir_tag_check(struct api_call *call, const char *key, const char *value);

/* ---- Target groups (target_groups.c, uses.c) ---- */

/* Checks and sets the health check fields of `fields` in `group` (the api part). */
err_t health_check_set(struct api_call *call, const json_t *fields, json_t *group);

/* functions.c: groups with target type lambda; `group` is the api part. */
bool group_is_function(const json_t *group);
err_t function_group_check(struct api_call *call); /* CreateTargetGroup's input */
json_t *function_group_make(const struct api_call *call, const char *arn); /* NULL: no memory */
/* RegisterTargets' targets, for the group of that body. Leaves the transaction. */
err_t function_target_check(struct api_call *call, const json_t *body, const json_t *targets);

/* The load balancers that use a group: an array of ARNs (at most one). */
err_t uses_load_balancers(struct api_call *call, const char *group_arn, json_t **ret_arns);
/* Makes `actions` what this rule uses; NULL: nothing any more. Checks association and limits. */
err_t uses_set(struct api_call *call, const char *rule_arn, const char *load_balancer_arn,
	       json_t *old_actions, json_t *new_actions);
/* The groups that forward actions name, each once: an array of ARNs, held. */
err_t actions_groups(struct api_call *call, const json_t *actions, json_t **ret_arns);
/* Targets of all groups that a load balancer uses. */
err_t uses_count_targets(struct api_call *call, const char *load_balancer_arn, uint64_t *ret_count);

err_t target_group_present(struct api_call *call, json_t *body);

/* ---- Rules (rules.c, actions.c, conditions.c) ---- */

/* Checked, with defaults filled in: what Describe answers. New arrays, held by the call. */
/* Groups of HTTP2 and GRPC are for HTTPS listeners alone (reference §2.6). */
err_t forward_check_protocol(struct api_call *call, const json_t *groups, const char *protocol);
err_t actions_normalise(struct api_call *call, const json_t *actions, const char *protocol,
			json_t **ret_actions);
/* auth_actions.c: one action, checked, into `out`; a secret goes into the call. */
err_t action_authenticate_oidc(struct api_call *call, const json_t *action, json_t *out);
err_t action_authenticate_cognito(struct api_call *call, const json_t *action, json_t *out);
err_t action_jwt_validation(struct api_call *call, const json_t *action, json_t *out);
/* Keeps the call's client secret, sealed, in a rule's body, beside the part Describe shows. */
err_t rule_keep_secret(struct api_call *call, json_t *rule, const json_t *actions);
/* The secret in `arena`; ERR_NOT_FOUND, ERR_DENIED (sealed with another key), ERR_NOMEM. */
err_t rule_open_secret(const uint8_t seal_key[SEAL_KEY_BYTES], const json_t *rule,
		       struct arena *arena, struct bytes *ret_secret);
err_t conditions_normalise(struct api_call *call, const json_t *conditions,
			   json_t **ret_conditions);
err_t transforms_normalise(struct api_call *call, const json_t *transforms,
			   json_t **ret_transforms);

err_t rule_add(struct api_call *call, const json_t *listener, const char *priority,
	       json_t *conditions, json_t *actions, json_t *transforms, json_t *tags,
	       json_t **ret_body);
err_t rule_set_actions(struct api_call *call, json_t *rule, json_t *actions);
err_t rules_drop(struct api_call *call, const char *listener_arn);
/* Whether a listener of that protocol may have the rules it has; a fault else. */
err_t rules_check_protocol(struct api_call *call, const char *listener_arn, const char *protocol);
err_t listener_default_rule(struct api_call *call, const char *listener_arn, json_t **ret_rule);
err_t listener_drop(struct api_call *call, json_t *listener, const char *scheme);
uint32_t rule_priority(const json_t *rule); /* the default rule: UINT32_MAX */

/* ---- Listeners (certificates.c) ---- */

/* What the input says of TLS, before anything is read for the call: it asks other services. */
err_t listener_check_tls(struct api_call *call, const char *protocol);
/* Makes the record's protocol, policy and certificates what the input says, or leaves them. */
err_t listener_set_tls(struct api_call *call, const char *protocol, json_t *listener);

/* ---- Trust stores (trust_stores.c) ---- */

/* What an HTTPS listener's input says of mutual authentication, checked and made the record's. */
err_t mutual_set(struct api_call *call, json_t *listener);
/* For contexts; no transaction may be open. ERR_NOT_FOUND: the store is gone. */
err_t trust_of_store(const struct elbv2 *elbv2, const char *arn, struct trust **ret_trust);

/* ---- Targets (targets.c) ---- */

err_t targets_drop(struct api_call *call, const char *group_arn);
/* The settings' instance of that id, or NULL. */
const struct elbv2_instance *instance_find(const struct elbv2 *elbv2, const char *id);
char *target_key(struct api_call *call, const char *group_arn, const char *id, unsigned port);

/* Every operation's handler, as operations.def names them. */
#define OPERATION(name, effect, input, output, handler, acts, note) \
	err_t elbv2_##handler(struct api_call *call);
#include "services/elbv2/operations.def"
#undef OPERATION

extern const struct api_operation elbv2_operations[];
extern const size_t elbv2_operation_count;

#endif
