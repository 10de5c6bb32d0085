/*
 * labels: dynamic labels of GetMetricData: "max ${MAX} of ${PROP('Dim.LoadBalancer')}". Pure.
 */
#ifndef SERVICES_CLOUDWATCH_LABELS_H
#define SERVICES_CLOUDWATCH_LABELS_H

#include "base/text.h"
#include "services/cloudwatch/series.h"

/* The metric that a line of values is of; slices and arrays are the caller's. */
struct metric_origin {
	struct bytes label; /* what it is called when nobody says otherwise: ${LABEL} */
	struct bytes name_space, name;
	const struct dimension *dimensions;
	unsigned dimension_count;
	const char *stat, *account, *region;
	int64_t period_s;
};

struct label_line {
	struct bytes label;		    /* ${LABEL} */
	const struct metric_origin *origin; /* NULL: of no single metric; PROP is empty then */
	const double *slots;		    /* NaN: no point */
	size_t count;
	int64_t start_s, period_s, now_s;
	int zone_s; /* east of UTC: how times are told */
};

/* ERR_INVALID with a sentence in `why`: a variable that there is none of, more than five. */
err_t label_check(struct bytes label, struct text *why);
/* A checked label with its variables written out. */
void label_write(struct bytes label, const struct label_line *line, struct text *out);
/* "+0130" to seconds; ERR_SYNTAX. */
err_t label_zone(struct bytes text, int *ret_seconds);

#endif
