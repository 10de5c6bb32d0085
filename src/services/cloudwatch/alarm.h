/*
 * alarm: what an alarm makes of its data points. Pure: no clock, no store; the tables of AWS's
 * documentation are its tests.
 *
 * Evaluated are the latest `evaluation_periods` points; a few more are looked at, so that one
 * which comes late does not look like one which is missing.
 */
#ifndef SERVICES_CLOUDWATCH_ALARM_H
#define SERVICES_CLOUDWATCH_ALARM_H

#include "base/text.h"

enum alarm_state { ALARM_INSUFFICIENT_DATA, ALARM_OK, ALARM_ALARM };
enum alarm_comparison {
	ALARM_GREATER_OR_EQUAL,
	ALARM_GREATER,
	ALARM_LESS,
	ALARM_LESS_OR_EQUAL,
	ALARM_COMPARISONS,
};
enum alarm_missing {
	ALARM_MISSING_IS_MISSING,
	ALARM_MISSING_IS_IGNORED,
	ALARM_MISSING_IS_BREACHING,
	ALARM_MISSING_IS_NOT_BREACHING,
	ALARM_MISSINGS,
};

enum { ALARM_EXTRA_PERIODS = 2 };

struct alarm_rule {
	enum alarm_comparison comparison;
	enum alarm_missing missing;
	double threshold;
	unsigned periods;	 /* N: evaluation_periods */
	unsigned to_alarm;	 /* M: datapoints_to_alarm, 1-N */
	bool ignore_low_samples; /* percentiles: too few samples keep the state */
};

struct alarm_point {
	bool present;
	bool low_samples; /* too few for its percentile to mean anything */
	double value;
	int64_t at_s; /* begin of its period */
};

/*
 * The state that follows `was`, from periods + ALARM_EXTRA_PERIODS points, oldest first. `reason`
 * (cleared before) says why, in AWS's words, when the state is not the old one kept.
 */
enum alarm_state alarm_decide(const struct alarm_rule *rule, const struct alarm_point *points,
			      enum alarm_state was, struct text *reason);

bool alarm_breaches(const struct alarm_rule *rule, double value);

extern const char *const alarm_state_names[];	   /* "OK"… */
extern const char *const alarm_comparison_names[]; /* "GreaterThanThreshold"…; NULL at the end */
extern const char *const alarm_missing_names[];	   /* "notBreaching"…; NULL at the end */

#endif
