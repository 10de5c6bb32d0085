/*
 * trim: statistics of a part of the samples: "tm99" and "TM(5%:95%)", the mean without the rest;
 * "WM(…)", the mean with the rest moved to the bounds; "TC(…)" and "TS(…)", count and sum;
 * "PR(:2)", how many of a hundred are at most 2; "IQM", the mean of the middle half. Bounds are
 * percentiles or values: of values the upper one is in, the lower one is not. Pure; as exact as the
 * sketch.
 */
#ifndef SERVICES_CLOUDWATCH_TRIM_H
#define SERVICES_CLOUDWATCH_TRIM_H

#include "services/cloudwatch/series.h"

struct trim {
	enum { TRIM_MEAN, TRIM_WINSORIZED, TRIM_COUNT, TRIM_SUM, TRIM_RANK } kind;
	bool percent;	  /* the bounds are parts of 1 */
	double low, high; /* infinite for none */
};

bool trim_parse(const char *text, struct trim *ret_trim);
/* Of a point with samples; NaN: there is none between the bounds. */
double trim_value(const struct point *point, const struct trim *trim);

#endif
