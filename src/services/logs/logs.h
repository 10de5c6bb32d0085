/*
 * logs: CloudWatch Logs: groups and streams in the store, events in files (events.h), filter
 * patterns (pattern.h), retention, metric filters. The control thread.
 */
#ifndef SERVICES_LOGS_LOGS_H
#define SERVICES_LOGS_LOGS_H

#include "api/api.h"
#include "base/text.h"
#include "store/store.h"

struct logs;

enum { LOGS_DIMENSIONS_MAX = 3 }; /* of one metric filter, as AWS has it */

struct logs_dimension {
	const char *name, *value;
};

/* One data point of a metric filter; all borrowed for the call. */
struct logs_metric {
	const char *name_space, *name, *unit;
	double value;
	uint64_t time_ms; /* Unix: of the event */
	const struct logs_dimension *dimensions;
	size_t dimension_count;
};

struct logs_options {
	struct api *api; /* the service registers itself here; borrowed, as store and loop */
	struct store *store;
	struct loop *loop;
	const char *folder; /* DATA/events; copied, as account and Region */
	uint64_t bytes_max; /* of all events together; the oldest go first */
	const char *account, *region;
	/* Where metric filters report to; NULL: PutMetricFilter is refused. */
	void (*on_metric)(void *owner, const struct logs_metric *metric);
	/*
	 * Where subscriptions go: a function's event, as JSON, on behalf of a group's ARN. ERR_OK:
	 * it is kept there. Both NULL: PutSubscriptionFilter is refused.
	 */
	err_t (*deliver)(void *owner, const char *group_arn, const char *function_arn,
			 const char *event);
	err_t (*may_deliver)(void *owner, const char *group_arn, const char *function_arn);
	void *owner;
};

/* Opens the events; `why` gets a sentence on failure. */
err_t logs_create(const struct logs_options *options, struct logs **ret_logs, struct text *why);
/* After the store closed, which may still tell it of changes; before the loop. NULL is welcome. */
void logs_destroy(struct logs *logs);

/* Makes the group unless it is there, as a service of AWS does for its vended logs. */
err_t logs_make_group(struct logs *logs, const char *group);

struct logs_line {
	uint64_t time_ms; /* Unix */
	struct bytes text;
};
/* Writes into a stream, and makes group and stream where they are missing. Not in a transaction. */
err_t logs_write(struct logs *logs, const char *group, const char *stream,
		 const struct logs_line *lines, size_t count);

#endif
