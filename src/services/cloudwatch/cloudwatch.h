/*
 * cloudwatch: CloudWatch (API 2010-08-01): metrics of the balancer and of callers, alarms that
 * watch them, dashboards.
 *
 *   lb_each_metrics, every second ─► series ◄─ PutMetricData        series ─► journal, on disk
 *   series ─► GetMetricData …      series ─► alarms, every second ─► history, webhooks
 *
 * Alarms and dashboards are resources of the store. The control loop's thread, but for webhooks,
 * which a thread of their own sends.
 */
#ifndef SERVICES_CLOUDWATCH_CLOUDWATCH_H
#define SERVICES_CLOUDWATCH_CLOUDWATCH_H

#include "api/api.h"
#include "lb/lb.h"
#include "store/store.h"

struct cloudwatch;

/* All is borrowed for the service's life; strings are copied. */
struct cloudwatch_options {
	struct api *api; /* registers itself here; asks for target groups and their targets here */
	struct store *store;
	struct lb *lb;	   /* NULL: nothing is sampled */
	struct loop *loop; /* the control loop */
	const char *data;  /* the data directory; metrics are kept in its folder `metrics` */
	const char *account, *region;
};

/* Reads the metrics kept; sampling and alarms begin with the loop's next second. */
err_t cloudwatch_create(const struct cloudwatch_options *options,
			struct cloudwatch **ret_cloudwatch);
struct cloudwatch_dimension {
	const char *name, *value;
};

/* One sample that a part of the house took; all borrowed for the call. */
struct cloudwatch_datum {
	const char *name_space, *name, *unit; /* "AWS/Lambda", "Duration", "Milliseconds" */
	double value;
	uint64_t time_ms; /* Unix */
	const struct cloudwatch_dimension *dimensions;
	size_t dimension_count; /* at most 30 */
};

/*
 * Keeps it by the minute, as PutMetricData does, but in any namespace; on disk with the next
 * second. ERR_INVALID: a time out of the last two weeks, a number out of range, no names;
 * ERR_LIMIT: too many metrics; ERR_NOMEM.
 */
err_t cloudwatch_put(struct cloudwatch *cloudwatch, const struct cloudwatch_datum *datum);

/* Before store, lb, api and loop go. Waits for the webhook under way (5 s at most). NULL is
 * welcome.
 */
void cloudwatch_destroy(struct cloudwatch *cloudwatch);

#endif
