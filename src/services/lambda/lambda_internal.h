/*
 * lambda_internal: what the service's files share.
 *
 *   lambda.c        life, the transaction around each call
 *   records.c       resources of the store
 *   functions.c, code.c, fetch.c, versions.c, aliases.c, policy.c, concurrency.c, event_config.c,
 * urls.c, other.c         operations; operations.c has their table live.c          what runs:
 * fleets of environments, by function and version invoke.c        Invoke; async.c the queue behind
 * InvocationType=Event metrics.c       AWS/Lambda
 */
#ifndef SERVICES_LAMBDA_LAMBDA_INTERNAL_H
#define SERVICES_LAMBDA_LAMBDA_INTERNAL_H

#include "base/map.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "net/blocking.h"
#include "services/lambda/lambda.h"
#include "services/lambda/names.h"
#include "services/lambda/package.h"

#define LAMBDA_FUNCTION "lambda.function" /* id: name */
#define LAMBDA_VERSION	"lambda.version"  /* id: name:N */
#define LAMBDA_ALIAS	"lambda.alias"	  /* id: name:alias */
#define LAMBDA_POLICY	"lambda.policy"	  /* id: name or name:qualifier */
#define LAMBDA_URL	"lambda.url"	  /* id: name or name:alias */
#define LAMBDA_WARM	"lambda.warm"	  /* provisioned concurrency; id: name:qualifier */
#define LAMBDA_CONFIG	"lambda.config"	  /* of asynchronous invocations; id: name:qualifier */
#define LAMBDA_EVENT	"lambda.event"	  /* one of them; id: request id, parent: name */

#ifdef __aarch64__
#define LAMBDA_ARCHITECTURE "arm64"
#else
#define LAMBDA_ARCHITECTURE "x86_64"
#endif

enum {
	LAMBDA_ARN_BYTES = 300,
	LAMBDA_ID_BYTES = 200,
	LAMBDA_CONCURRENCY_MAX = 1000, /* of the account; AWS's default */
	LAMBDA_UNRESERVED_MIN = 100,   /* AWS: what must stay unreserved */
	LAMBDA_PAYLOAD_BYTES_MAX = 6291456,
	LAMBDA_EVENT_BYTES_MAX = 1048576,
};

struct lambda_function; /* what runs of one: live.c */

struct lambda {
	struct lambda_options options;
	struct api_service service;
	struct store_listener listener;
	struct blocking_pool *pool; /* fetching and unpacking */
	struct arena arena;
	char endpoint[128];
	uint8_t secret[32];   /* signs addresses of packages */
	struct map functions; /* of struct lambda_function, by name */
	unsigned busy;	      /* environments that work, all functions */
	struct list_node fetches, unpackings, answers, served, events;
	struct timer sweep;
	bool ending;
};

/* ---- Of one call ---- */

struct lambda_fetched {
	err_t err; /* as package_take's */
	struct package_taken package;
};

struct lambda_call {
	struct store_txn *txn;
	const struct lambda_fetched *fetched; /* the call's package; NULL: not yet, or none */
	json_t *held;			      /* what lives as long as the call */
	bool wrote;
	/* To be done once it is committed: unpack this function's code, retire what runs of it. */
	char unpack[LAMBDA_NAME_BYTES_MAX + 1], forget[LAMBDA_NAME_BYTES_MAX + 1];
	char event[37]; /* let this asynchronous invocation run */
};

static inline struct lambda *lambda_of(const struct api_call *call)
{
	return call->service->state;
}

static inline struct lambda_call *lambda_call_of(const struct api_call *call)
{
	return call->transaction;
}

static inline const char *lambda_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

uint64_t lambda_now_ms(const struct lambda *lambda); /* Unix */

/* ---- records.c ---- */

err_t lambda_begin(struct api_call *call);
err_t lambda_end(struct api_call *call, err_t verdict);
/*
 * Runs `work` as a call of the house's own, in a transaction; `input` is given over. Its error, or
 * that of the commit; with a fault, ERR_INVALID, and the fault where it is wanted.
 */
err_t lambda_inside(struct lambda *lambda, json_t *input,
		    err_t (*work)(struct api_call *call, void *owner), void *owner,
		    struct api_fault *ret_fault);
json_t *lambda_hold(struct api_call *call, json_t *value); /* NULL stays NULL; ERR_NOMEM then */
err_t lambda_set(json_t *object, const char *key, json_t *value);

/* ERR_NOT_FOUND without a fault. The body lives as long as the call. */
err_t lambda_get(struct api_call *call, const char *kind, const char *id, json_t **ret_body);
err_t lambda_insert(struct api_call *call, const char *kind, const char *id, const char *parent,
		    json_t *body);
err_t lambda_update(struct api_call *call, const char *kind, const char *id, const char *parent,
		    json_t *body);
err_t lambda_delete(struct api_call *call, const char *kind, const char *id); /* if it is there */
/* All of a parent, or all: an array of {"id", "body"}. */
err_t lambda_list(struct api_call *call, const char *kind, const char *parent, json_t **ret_list);

/* A page of `items` into the output: as AWS's Marker and MaxItems. */
err_t lambda_page(struct api_call *call, const char *list_name, json_t *items, size_t page_max);

/* ---- functions.c: which one a call is about ---- */

struct lambda_target {
	struct lambda_name name;  /* the qualifier as asked; "" when none */
	json_t *function;	  /* LAMBDA_FUNCTION's body */
	json_t *version;	  /* the same, or LAMBDA_VERSION's body: what the qualifier means */
	const char *version_name; /* "$LATEST", "3" */
	char arn[LAMBDA_ARN_BYTES]; /* with the qualifier, if one was asked for */
};

/* FunctionName (and Qualifier) of the input. ResourceNotFoundException. */
err_t lambda_find_name(struct api_call *call, struct lambda_name *ret_name);
err_t lambda_find_function(struct api_call *call, struct lambda_target *ret_target);
/* The qualifier as well: a version, or the version an alias points to now. */
err_t lambda_find(struct api_call *call, struct lambda_target *ret_target);
err_t lambda_resolve(struct api_call *call, struct lambda_target *target);
void lambda_arn(const struct lambda *lambda, const char *name, const char *qualifier,
		char out[LAMBDA_ARN_BYTES]);
err_t lambda_missing(struct api_call *call, const char *arn); /* the fault */
void lambda_iso(uint64_t unix_ms, char out[40]);	      /* "2026-11-22T01:00:00.000+0000" */
err_t lambda_answer(struct api_call *call, const json_t *configuration);
err_t lambda_check_revision(struct api_call *call, const json_t *body, const char *arn);
err_t lambda_touch(struct api_call *call, json_t *configuration); /* new RevisionId, LastModified */
err_t lambda_publish(struct api_call *call, struct lambda_target *target, const char *description,
		     json_t **ret_version);

/* ---- code.c ---- */

/*
 * The package of `code` (ZipFile, S3Bucket …): checked, and kept on disk when this returns. Its
 * digest goes to function["NextCode"], CodeSize and CodeSha256 to the configuration. ERR_AGAIN:
 * call->later is set, and the handler will run once more from its beginning.
 */
err_t lambda_take_code(struct api_call *call, const json_t *code, json_t *function);
/* Unpacks a function's NextCode on the thread for it, then tells the store. Not in a call. */
void lambda_unpack(struct lambda *lambda, const char *name);
void lambda_unpack_all(struct lambda *lambda); /* at a start */
void code_fini(struct lambda *lambda);
void lambda_code_path(const struct lambda *lambda, const char *hex, char out[4096]);
char *lambda_code_url(struct api_call *call, const char *hex);
bool lambda_code_url_opens(const struct lambda *lambda, struct bytes rest,
			   char hex[SHA256_HEX_BYTES + 1]);
void lambda_sweep_code(struct lambda *lambda);

/* ---- fetch.c ---- */

err_t lambda_fetch(struct api_call *call, const json_t *code, struct lambda_fetched *ret_fetched);
/* A handler's verdict: one that waits is no failure. */
err_t lambda_or_later(struct api_call *call, err_t err);
void fetch_fini(struct lambda *lambda);

/* ---- live.c ---- */

struct lambda_run { /* what to run, as the store has it; borrowed for the call */
	const char *name, *version;
	const json_t *configuration;
	const char *code;    /* hex */
	int64_t reserved;    /* -1: none */
	int64_t provisioned; /* of this version */
};

/*
 * ERR_LIMIT: throttled, and *ret_reason says why in AWS's word; else why no environment can be had,
 * with `fault` filled.
 */
err_t live_invoke(struct lambda *lambda, const struct lambda_run *run,
		  struct invocation *invocation, const char **ret_reason, struct api_fault *fault);
/* Its caller left: it runs on, heard by nobody. */
void live_forget(struct lambda *lambda, const char *name); /* deleted or changed: all retire */
void live_warm(struct lambda *lambda, const struct lambda_run *run);
unsigned live_ready(const struct lambda *lambda, const char *name, const char *version);
unsigned live_busy(const struct lambda *lambda, const char *name);
void live_fini(struct lambda *lambda);
/* Whether what this runtime needs is installed; `path` is its interpreter, "" where it needs none.
 */
bool live_runtime(const char *runtime, char path[4096]);

/* Keys of a role, as Lambda itself gets them: the role's trust must let it. A new reference. */
err_t lambda_assume(const struct lambda *lambda, const char *role, const char *session,
		    json_t **ret_keys, struct api_fault *fault);

/* ---- policy.c ---- */

struct lambda_asker {
	const char *principal, *action;
	const char *source_arn, *source_account, *url_auth; /* NULL: has none */
};
bool lambda_policy_allows(const json_t *policy, const struct lambda_asker *asker);
bool lambda_policy_is_known(const struct lambda *lambda, const char *principal);

/* ---- invoke.c ---- */

err_t lambda_run_of(struct api_call *call, const struct lambda_target *target,
		    struct lambda_run *ret_run);
/* A copy that outlives the call. NULL on no memory. */
struct lambda_run *lambda_keep_run(const struct lambda_run *run);
void lambda_free_run(struct lambda_run *run);

void invoke_fini(struct lambda *lambda);
void url_fini(struct lambda *lambda);

/* ---- async.c ---- */

err_t async_put(struct api_call *call, const struct lambda_target *target, const char *payload64);
void async_add(struct lambda *lambda, const char *id); /* one that was put, and committed */
void async_load(struct lambda *lambda);		       /* at a start */
void async_fini(struct lambda *lambda);

/* ---- metrics.c ---- */

enum lambda_metric {
	METRIC_INVOCATIONS,
	METRIC_ERRORS,
	METRIC_THROTTLES,
	METRIC_DURATION,
	METRIC_CONCURRENCY,
	METRIC_ASYNC_RECEIVED,
	METRIC_ASYNC_DROPPED,
	METRIC_DESTINATION_FAILURES,
	METRICS_MAX
};
void metrics_add(struct lambda *lambda, const char *function, enum lambda_metric metric,
		 double value);

/* ---- operations.c ---- */

err_t lambda_create_function(struct api_call *call);
err_t lambda_get_function(struct api_call *call);
err_t lambda_get_function_configuration(struct api_call *call);
err_t lambda_update_function_code(struct api_call *call);
err_t lambda_update_function_configuration(struct api_call *call);
err_t lambda_delete_function(struct api_call *call);
err_t lambda_list_functions(struct api_call *call);
err_t lambda_publish_version(struct api_call *call);
err_t lambda_list_versions_by_function(struct api_call *call);
err_t lambda_create_alias(struct api_call *call);
err_t lambda_get_alias(struct api_call *call);
err_t lambda_update_alias(struct api_call *call);
err_t lambda_delete_alias(struct api_call *call);
err_t lambda_list_aliases(struct api_call *call);
err_t lambda_add_permission(struct api_call *call);
err_t lambda_remove_permission(struct api_call *call);
err_t lambda_get_policy(struct api_call *call);
err_t lambda_put_function_concurrency(struct api_call *call);
err_t lambda_get_function_concurrency(struct api_call *call);
err_t lambda_delete_function_concurrency(struct api_call *call);
err_t lambda_put_provisioned_concurrency_config(struct api_call *call);
err_t lambda_get_provisioned_concurrency_config(struct api_call *call);
err_t lambda_delete_provisioned_concurrency_config(struct api_call *call);
err_t lambda_list_provisioned_concurrency_configs(struct api_call *call);
err_t lambda_invoke(struct api_call *call);
err_t lambda_invoke_async(struct api_call *call);
err_t lambda_invoke_with_response_stream(struct api_call *call);
err_t lambda_put_function_event_invoke_config(struct api_call *call);
err_t lambda_update_function_event_invoke_config(struct api_call *call);
err_t lambda_get_function_event_invoke_config(struct api_call *call);
err_t lambda_delete_function_event_invoke_config(struct api_call *call);
err_t lambda_list_function_event_invoke_configs(struct api_call *call);
err_t lambda_create_function_url_config(struct api_call *call);
err_t lambda_get_function_url_config(struct api_call *call);
err_t lambda_update_function_url_config(struct api_call *call);
err_t lambda_delete_function_url_config(struct api_call *call);
err_t lambda_list_function_url_configs(struct api_call *call);
err_t lambda_tag_resource(struct api_call *call);
/* Of a new function, or that are added; the keys and their number. */
err_t lambda_check_tags(struct api_call *call, const json_t *tags);
err_t lambda_untag_resource(struct api_call *call);
err_t lambda_list_tags(struct api_call *call);
err_t lambda_get_account_settings(struct api_call *call);
err_t lambda_list_layers(struct api_call *call);
err_t lambda_list_event_source_mappings(struct api_call *call);
err_t lambda_create_event_source_mapping(struct api_call *call);
err_t lambda_publish_layer_version(struct api_call *call);
err_t lambda_get_function_code_signing_config(struct api_call *call);
err_t lambda_get_runtime_management_config(struct api_call *call);
err_t lambda_get_function_recursion_config(struct api_call *call);

extern const struct api_operation lambda_operations[];
extern const size_t lambda_operation_count;

#endif
