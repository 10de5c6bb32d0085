/*
 * metrics: AWS/Lambda: each data point for the function, and for all of them together.
 */
#include "services/lambda/lambda_internal.h"

static const struct metric_row {
	const char *name, *unit;
} rows[METRICS_MAX] = {
	[METRIC_INVOCATIONS] = { "Invocations", "Count" },
	[METRIC_ERRORS] = { "Errors", "Count" },
	[METRIC_THROTTLES] = { "Throttles", "Count" },
	[METRIC_DURATION] = { "Duration", "Milliseconds" },
	[METRIC_CONCURRENCY] = { "ConcurrentExecutions", "Count" },
	[METRIC_ASYNC_RECEIVED] = { "AsyncEventsReceived", "Count" },
	[METRIC_ASYNC_DROPPED] = { "AsyncEventsDropped", "Count" },
	[METRIC_DESTINATION_FAILURES] = { "DestinationDeliveryFailures", "Count" },
};

void metrics_add(struct lambda *lambda, const char *function, enum lambda_metric metric,
		 double value)
{
	const struct lambda_options *options = &lambda->options;
	const struct metric_row *row = &rows[metric];

	options->measure(options->owner, row->name, row->unit, function, value);
	options->measure(options->owner, row->name, row->unit, NULL, value);
}
