#include "services/cloudwatch/alarm.h"

#include "base/when.h"

const char *const alarm_state_names[] = { "INSUFFICIENT_DATA", "OK", "ALARM", NULL };
const char *const alarm_comparison_names[] = {
	[ALARM_GREATER_OR_EQUAL] = "GreaterThanOrEqualToThreshold",
	[ALARM_GREATER] = "GreaterThanThreshold",
	[ALARM_LESS] = "LessThanThreshold",
	[ALARM_LESS_OR_EQUAL] = "LessThanOrEqualToThreshold",
	[ALARM_COMPARISONS] = NULL,
};
const char *const alarm_missing_names[] = {
	[ALARM_MISSING_IS_MISSING] = "missing",
	[ALARM_MISSING_IS_IGNORED] = "ignore",
	[ALARM_MISSING_IS_BREACHING] = "breaching",
	[ALARM_MISSING_IS_NOT_BREACHING] = "notBreaching",
	[ALARM_MISSINGS] = NULL,
};

static const char *const comparison_words[] = {
	[ALARM_GREATER_OR_EQUAL] = "greater than or equal to",
	[ALARM_GREATER] = "greater than",
	[ALARM_LESS] = "less than",
	[ALARM_LESS_OR_EQUAL] = "less than or equal to",
};

bool alarm_breaches(const struct alarm_rule *rule, double value)
{
	switch (rule->comparison) {
	case ALARM_GREATER_OR_EQUAL: return value >= rule->threshold;
	case ALARM_GREATER: return value > rule->threshold;
	case ALARM_LESS: return value < rule->threshold;
	case ALARM_LESS_OR_EQUAL: return value <= rule->threshold;
	default: assert(false); return false;
	}
}

/* What the points come to, newest first. */
struct tally {
	unsigned present, breaching, low;
	unsigned oldest_breach; /* its age in periods, 1 for the newest; 0: none */
};

static struct tally count(const struct alarm_rule *rule, const struct alarm_point *points)
{
	unsigned range = rule->periods + ALARM_EXTRA_PERIODS;
	struct tally tally = { 0 };

	for (unsigned age = 1; age <= range && tally.present < rule->periods; age++) {
		const struct alarm_point *point = &points[range - age];

		if (!point->present)
			continue;
		tally.present++;
		tally.low += point->low_samples;
		if (!alarm_breaches(rule, point->value))
			continue;
		tally.breaching++;
		tally.oldest_breach = age;
	}
	return tally;
}

/* Some of the periods have no point. */
static enum alarm_state with_gaps(const struct alarm_rule *rule, const struct tally *tally,
				  enum alarm_state was)
{
	unsigned gaps = rule->periods - tally->present;
	bool all_breach = tally->breaching == tally->present;

	if (tally->breaching >= rule->to_alarm)
		return ALARM_ALARM;
	switch (rule->missing) {
	case ALARM_MISSING_IS_BREACHING:
		return tally->breaching + gaps >= rule->to_alarm ? ALARM_ALARM : ALARM_OK;
	case ALARM_MISSING_IS_NOT_BREACHING: return ALARM_OK;
	case ALARM_MISSING_IS_IGNORED: return tally->present && !all_breach ? ALARM_OK : was;
	default: break;
	}
	if (!tally->present)
		return ALARM_INSUFFICIENT_DATA;
	if (!all_breach)
		return ALARM_OK;
	/* All that is known breaches: an alarm, once that has been so for long enough. */
	return tally->oldest_breach >= rule->to_alarm ? ALARM_ALARM : was;
}

/* ---- Words ---- */

static void add_point(struct text *out, const struct alarm_point *point)
{
	char iso[WHEN_ISO_BYTES + 1];

	when_iso_ms((uint64_t)point->at_s * 1000, iso);
	/* 2026-10-02T10:00:00 is told as (02/10/26 10:00:00) */
	text_printf(out, "%.15g (%.2s/%.2s/%.2s %.8s)", point->value, iso + 8, iso + 5, iso + 2,
		    iso + 11);
}

static void add_points(struct text *out, const struct alarm_rule *rule,
		       const struct alarm_point *points, bool breaching)
{
	unsigned range = rule->periods + ALARM_EXTRA_PERIODS, seen = 0, told = 0;

	text_add_char(out, '[');
	for (unsigned age = 1; age <= range && seen < rule->periods && told < 5; age++) {
		const struct alarm_point *point = &points[range - age];

		if (!point->present)
			continue;
		seen++;
		if (alarm_breaches(rule, point->value) != breaching)
			continue;
		if (told++)
			text_add_str(out, ", ");
		add_point(out, point);
	}
	text_add_char(out, ']');
}

static void explain(const struct alarm_rule *rule, const struct alarm_point *points,
		    const struct tally *tally, enum alarm_state state, struct text *out)
{
	bool alarm = state == ALARM_ALARM;
	unsigned some = alarm ? tally->breaching : tally->present - tally->breaching;

	if (state == ALARM_INSUFFICIENT_DATA || !tally->present || !some) {
		text_printf(out,
			    "%s: no datapoints were received for %u period%s and %u missing "
			    "datapoint%s treated as [%s].",
			    state == ALARM_INSUFFICIENT_DATA ? "Insufficient Data"
							     : "Threshold Crossed",
			    rule->periods - tally->present,
			    rule->periods - tally->present == 1 ? "" : "s",
			    rule->periods - tally->present,
			    rule->periods - tally->present == 1 ? " was" : "s were",
			    alarm_missing_names[rule->missing]);
		return;
	}
	text_printf(out, "Threshold Crossed: %u out of the last %u datapoints ", some,
		    rule->periods);
	add_points(out, rule, points, alarm);
	text_printf(
		out, " %s %s%s the threshold (%.15g) (minimum %u datapoint%s for %s transition).",
		some == 1 ? "was" : "were", alarm ? "" : "not ", comparison_words[rule->comparison],
		rule->threshold, alarm ? rule->to_alarm : rule->periods - rule->to_alarm + 1,
		(alarm ? rule->to_alarm : rule->periods - rule->to_alarm + 1) == 1 ? "" : "s",
		alarm ? "OK -> ALARM" : "ALARM -> OK");
}

enum alarm_state alarm_decide(const struct alarm_rule *rule, const struct alarm_point *points,
			      enum alarm_state was, struct text *reason)
{
	struct tally tally = count(rule, points);
	enum alarm_state state;

	assert(rule->periods >= 1 && rule->to_alarm >= 1 && rule->to_alarm <= rule->periods);
	text_clear(reason);
	if (rule->ignore_low_samples && tally.low)
		return was;
	if (tally.present == rule->periods)
		state = tally.breaching >= rule->to_alarm ? ALARM_ALARM : ALARM_OK;
	else
		state = with_gaps(rule, &tally, was);
	if (state != was)
		explain(rule, points, &tally, state, reason);
	return state;
}
