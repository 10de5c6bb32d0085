/*
 * logs_internal: what the files of this folder share.
 *
 * In the store: "logs.group" (id: 16 hexadecimal digits, also the folder of its events; named by
 * the group's name), "logs.stream" (id GROUP/NUMBER, parent GROUP, named GROUP/NAME),
 * "logs.delivery" (outbox.h). What calls ask again and again is kept in memory, filled on demand,
 * and forgotten when the store changes.
 */
#ifndef SERVICES_LOGS_LOGS_INTERNAL_H
#define SERVICES_LOGS_LOGS_INTERNAL_H

#include "base/map.h"
#include "net/loop.h"
#include "services/logs/events.h"
#include "services/logs/logs.h"
#include "services/logs/pattern.h"
#include "services/outbox.h"

#define KIND_GROUP    "logs.group"
#define KIND_STREAM   "logs.stream"
#define KIND_DELIVERY "logs.delivery"

enum {
	LOGS_DAY_MS = 24 * 3600 * 1000,
	LOGS_GROUPS_LIMIT = 50,	       /* a page of groups, and of streams */
	LOGS_EVENTS_LIMIT = 10000,     /* a page of events */
	LOGS_PAGE_BYTES = 1024 * 1024, /* of messages in a page */
	LOGS_TAGS_MAX = 50,
	LOGS_FILTERS_MAX = 100, /* metric filters of a group */
	LOGS_SUBSCRIPTIONS_MAX = 2,
	GROUP_ID_BYTES = 16,
	EVENT_ID_BYTES = 56, /* as AWS's have */
};

struct log_stream {
	uint32_t number;
	char *name; /* NULL: deleted; its events are not shown any more */
	/* Whether the read numbered `asked` wants it. */
	uint64_t asked;
	bool wanted;
};

struct log_filter {
	struct log_filter *next;
	struct pattern *pattern;
	json_t *body; /* as DescribeMetricFilters or DescribeSubscriptionFilters answers it */
};

struct log_group {
	char id[GROUP_ID_BYTES + 1];
	char *name;
	uint32_t retention_days;       /* 0: for ever */
	struct map by_name, by_number; /* of struct log_stream, which by_number owns */
	struct log_filter *filters, *subscriptions;
};

struct logs {
	struct logs_options options;
	struct arena arena;
	struct api_service service;
	struct store_listener listener;
	struct timer sweep;
	struct outbox outbox; /* what subscriptions are sent */
	struct events *events;
	struct map groups; /* by name: what was asked for lately */
	uint64_t reads;	   /* numbers the reads, for log_stream.asked */
};

static inline struct logs *logs_of(const struct api_call *call)
{
	return call->service->state;
}

static inline struct store_txn *txn_of(const struct api_call *call)
{
	return call->transaction;
}

static inline uint64_t now_ms_of(const struct logs *logs)
{
	return loop_unix_us(logs->options.loop) / 1000;
}

extern const struct api_operation logs_operations[];
extern const size_t logs_operation_count;

/* ---- cache.c ---- */

/* ERR_NOT_FOUND. Good until the store changes. */
err_t cache_group(struct logs *logs, struct store_txn *txn, const char *name,
		  struct log_group **ret_group);
err_t cache_stream(struct logs *logs, struct store_txn *txn, struct log_group *group,
		   const char *name, struct log_stream **ret_stream);
/* Also for a stream that was deleted: its name is NULL then. */
err_t cache_number(struct logs *logs, struct store_txn *txn, struct log_group *group,
		   uint32_t number, struct log_stream **ret_stream);
void cache_forget(struct logs *logs, const char *group_id);
void cache_fini(struct logs *logs);
void cache_on_changes(struct store_listener *listener, const struct store_change *changes,
		      size_t count);

/* ---- input.c: what handlers ask of their input ---- */

const char *input_string(const struct api_call *call, const char *name); /* NULL when absent */
/* `fallback` when absent; a fault outside of min..max. */
err_t input_number(struct api_call *call, const char *name, int64_t min, int64_t max,
		   int64_t fallback, int64_t *ret_number);
err_t input_missing(struct api_call *call, const char *name); /* the fault for a required one */
err_t input_wrong(struct api_call *call, const char *name, const char *value,
		  const char *constraint);
err_t input_group_name(struct api_call *call, const char *name, const char **ret_value);
err_t input_stream_name(struct api_call *call, const char *name, const char **ret_value);
/* logGroupName, or logGroupIdentifier, which may be an ARN; the group must be there. */
err_t input_group(struct api_call *call, struct log_group **ret_group);
err_t input_pattern(struct api_call *call, const char *name, struct pattern **ret_pattern);
err_t no_group(struct api_call *call);
/* Tokens: base64url of `kind`, a slash and words; a fault when it is another's. */
err_t token_write(struct api_call *call, const char *kind, const char *words,
		  const char **ret_token);
err_t token_read(struct api_call *call, const char *kind, const char *token,
		 const char **ret_words);

/* ---- groups.c, streams.c: what logs_write needs of them too ---- */

err_t group_make(struct logs *logs, struct store_txn *txn, const char *name, json_t *tags);
err_t stream_make(struct logs *logs, struct store_txn *txn, const struct log_group *group,
		  const char *name);
const char *group_arn(struct api_call *call, const char *name, bool star);
err_t group_body(struct api_call *call, const struct log_group *group, json_t **ret_body);
err_t group_put(struct api_call *call, const struct log_group *group, json_t *body);

/* The oldest time that still shows: retention, in ms since 1970. */
uint64_t group_horizon(const struct logs *logs, const struct log_group *group);

/* ---- put.c ---- */
/* `txn` NULL: none is open. */
err_t logs_append(struct logs *logs, struct store_txn *txn, struct log_group *group,
		  const struct log_stream *stream, const struct logs_line *lines, size_t count);

/* ---- read.c ---- */
void event_id(const struct event *event, char out[EVENT_ID_BYTES + 1]);
json_t *message_json(struct bytes text);

/* ---- filters.c ---- */
/* The lists of a group's record, and of answers. */
#define LOGS_METRIC_FILTERS "metricFilters"
#define LOGS_SUBSCRIPTIONS  "subscriptionFilters"
void filters_free(struct log_filter *filters);
err_t filters_load(const json_t *bodies, struct log_filter **ret_filters);
/* Replaces the one of that name. Takes `filter` over. */
err_t filters_keep(struct api_call *call, const struct log_group *group, const char *list,
		   size_t max, json_t *filter);
err_t filters_drop(struct api_call *call, const char *list, const char *not_there);
/* `fits` NULL: all. */
err_t filters_describe(struct api_call *call, const char *list,
		       bool (*fits)(void *owner, const json_t *filter), void *owner);

/* ---- metric_filters.c ---- */
void filters_run(struct logs *logs, const struct log_group *group, const struct logs_line *lines,
		 size_t count);

/* ---- subscriptions.c ---- */
/* What subscriptions want of events just appended. `txn` NULL: none is open. */
err_t subscriptions_run(struct logs *logs, struct store_txn *txn, const struct log_group *group,
			const char *stream, const struct event *events, size_t count);
err_t logs_put_subscription_filter(struct api_call *call);
err_t logs_delete_subscription_filter(struct api_call *call);
err_t logs_describe_subscription_filters(struct api_call *call);
err_t logs_refuse(struct api_call *call);

err_t logs_create_log_group(struct api_call *call);
err_t logs_delete_log_group(struct api_call *call);
err_t logs_describe_log_groups(struct api_call *call);
err_t logs_put_retention_policy(struct api_call *call);
err_t logs_delete_retention_policy(struct api_call *call);
err_t logs_tag_resource(struct api_call *call);
err_t logs_untag_resource(struct api_call *call);
err_t logs_list_tags_for_resource(struct api_call *call);
err_t logs_create_log_stream(struct api_call *call);
err_t logs_delete_log_stream(struct api_call *call);
err_t logs_describe_log_streams(struct api_call *call);
err_t logs_put_log_events(struct api_call *call);
err_t logs_get_log_events(struct api_call *call);
err_t logs_filter_log_events(struct api_call *call);
err_t logs_put_metric_filter(struct api_call *call);
err_t logs_delete_metric_filter(struct api_call *call);
err_t logs_describe_metric_filters(struct api_call *call);
err_t logs_test_metric_filter(struct api_call *call);

#endif
