/*
 * schedule: when a scheduled action is due: "at(2026-10-02T10:00:00)", "rate(5 minutes)",
 * "cron(0 9 ? * MON-FRI *)". Pure; times are UTC.
 *
 * Of cron there are lists, ranges, steps and names; not L, W and #. One of day-of-month and
 * day-of-week is '?' or '*', as AWS wants it.
 */
#ifndef SERVICES_AUTOSCALING_SCHEDULE_H
#define SERVICES_AUTOSCALING_SCHEDULE_H

#include "base/bytes.h"

enum schedule_kind { SCHEDULE_AT, SCHEDULE_RATE, SCHEDULE_CRON };

struct schedule {
	enum schedule_kind kind;
	uint64_t at_s;					 /* Unix */
	uint64_t every_s;				 /* rate */
	uint64_t minutes, hours, days, months, weekdays; /* cron: a bit for each; Sunday is bit 1 */
	uint16_t year_first, year_last, year_step;
};

err_t schedule_parse(struct bytes text, struct schedule *ret_schedule); /* ERR_SYNTAX */

/*
 * The first time after `after_s`; 0: never again. Rates count from `since_s`. Cron looks four years
 * ahead.
 */
uint64_t schedule_next(const struct schedule *schedule, uint64_t since_s, uint64_t after_s);

#endif
