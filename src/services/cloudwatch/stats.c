/*
 * stats: statistics of points.
 */
#include <math.h>
#include <stdlib.h>

#include "services/cloudwatch/cloudwatch_internal.h"

static const char *const stat_names[] = {
	[STAT_COUNT] = "SampleCount", [STAT_AVERAGE] = "Average", [STAT_SUM] = "Sum",
	[STAT_MINIMUM] = "Minimum",   [STAT_MAXIMUM] = "Maximum",
};

bool stat_parse(const char *text, struct stat_kind *ret_kind)
{
	double percent;
	char *end;

	for (enum stat_name i = 0; i < COUNT(stat_names); i++) {
		if (strcmp(text, stat_names[i]) != 0)
			continue;
		ret_kind->kind = i;
		return true;
	}
	ret_kind->kind = STAT_TRIMMED;
	if (trim_parse(text, &ret_kind->trim))
		return true;
	/* p99, p99.9, p0.01: up to ten decimals, no sign and no exponent */
	if (text[0] != 'p' || !text[1] || strspn(text + 1, "0123456789.") != strlen(text + 1) ||
	    strlen(text) > 15)
		return false;
	percent = strtod(text + 1, &end);
	if (*end || !(percent >= 0 && percent <= 100))
		return false;
	*ret_kind = (struct stat_kind){ .kind = STAT_QUANTILE, .quantile = percent / 100 };
	return true;
}

bool stat_is_extended(const struct stat_kind *kind)
{
	return kind->kind == STAT_QUANTILE || kind->kind == STAT_TRIMMED;
}

double stat_value(const struct point *point, const struct stat_kind *kind)
{
	double value;

	if (kind->kind == STAT_COUNT)
		return point->count;
	if (kind->kind == STAT_SUM)
		return point->sum;
	if (point->count <= 0)
		return (double)NAN;
	switch (kind->kind) {
	case STAT_AVERAGE: return point->sum / point->count;
	case STAT_MINIMUM: return point->min;
	case STAT_MAXIMUM: return point->max;
	case STAT_TRIMMED: return trim_value(point, &kind->trim);
	default: break;
	}
	if (!point->sketch.count)
		return point->min;
	value = sketch_quantile(&point->sketch, kind->quantile);
	return fmin(fmax(value, point->min), point->max);
}

bool cw_period_valid(int64_t period_s)
{
	return period_s == 1 || period_s == 5 || period_s == 10 || period_s == 20 ||
	       period_s == 30 || (period_s > 0 && period_s % 60 == 0);
}

err_t cw_collect(const struct metric_ref *ref, int64_t from_s, int64_t period_s,
		 struct point *ret_point, bool *ret_present)
{
	struct point point = { .at_s = -1 };

	for (unsigned i = 0; i < ref->count; i++) {
		err_t err = series_collect(ref->series[i], from_s, from_s + period_s,
					   period_s % 60 != 0, &point);

		if (err) {
			point_fini(&point);
			return err;
		}
	}
	*ret_present = point.at_s >= 0;
	*ret_point = point;
	return ERR_OK;
}
