/*
 * evaluate: alarms against the series and against each other, on the loop.
 */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/when.h"
#include "services/cloudwatch/cloudwatch_internal.h"

enum {
	EVALUATION_ARENA_BYTES = 16 * 1024 * 1024,
	LATE_S = 1, /* a second is complete when the next has begun */
	REASON_BYTES_MAX = 1023,
};

/* A new state, on disk, then its actions. `name` is looked up: the mirror changes below. */
static void change(struct cloudwatch *cw, const char *name, enum alarm_state state,
		   const char *reason, const char *reason_data)
{
	json_t *alarm = json_deep_copy(json_object_get(cw->alarms, name));
	struct store_txn *txn;
	err_t err = alarm ? store_begin(cw->options.store, &txn) : ERR_NOMEM;

	if (!err) {
		err = cw_set_state(cw, txn, alarm, state, reason, reason_data);
		if (err)
			store_rollback(txn);
		else
			err = store_commit(txn);
	}
	if (!err)
		err = cw_alarms_load(cw);
	if (err)
		log_error("cloudwatch", "alarm %s: %s", name, err_words(err));
	else
		cw_act(cw, name, true);
	json_decref(alarm);
}

/* ---- Metric alarms ---- */

static unsigned index_in(const char *const *names, const char *name)
{
	for (unsigned i = 0; names[i]; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return 0;
}

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const json_t *shown_query(const json_t *queries)
{
	const json_t *query;
	size_t i;

	json_array_foreach (queries, i, query)
		if (!json_is_false(json_object_get(query, "ReturnData")))
			return query;
	return NULL;
}

/* One metric is one query of it. */
static json_t *queries_of(const json_t *alarm)
{
	json_t *queries = json_object_get(alarm, "Metrics");
	const char *stat = cw_text(alarm, "Statistic");

	if (queries)
		return json_incref(queries);
	return json_pack("[{s:s, s:{s:{s:s, s:s, s:O?}, s:I, s:s, s:O*}}]", "Id", "m1",
			 "MetricStat", "Metric", "Namespace", cw_text(alarm, "Namespace"),
			 "MetricName", cw_text(alarm, "MetricName"), "Dimensions",
			 json_object_get(alarm, "Dimensions"), "Period",
			 integer_of(alarm, "Period"), "Stat",
			 stat[0] ? stat : cw_text(alarm, "ExtendedStatistic"), "Unit",
			 json_object_get(alarm, "Unit"));
}

/* The period that its points have: that of a metric in it, if its query says none. */
static int64_t period_of(const json_t *alarm, const json_t *queries)
{
	const json_t *query = shown_query(queries);
	json_int_t period_s = integer_of(alarm, "Period");
	size_t i;

	if (!period_s)
		period_s = integer_of(json_object_get(query, "MetricStat"), "Period");
	for (i = 0; !period_s && i < json_array_size(queries); i++)
		period_s = integer_of(json_object_get(json_array_get(queries, i), "MetricStat"),
				      "Period");
	if (!period_s)
		period_s = integer_of(query, "Period");
	return period_s ? period_s : 60;
}

/* AWS's rule for too few samples: fewer than 10/(1-percentile), or 10/percentile below a half. */
static bool too_few(const json_t *alarm, double samples)
{
	double q = atof(cw_text(alarm, "ExtendedStatistic") +
			(cw_text(alarm, "ExtendedStatistic")[0] == 'p')) /
		   100;

	if (strcmp(cw_text(alarm, "EvaluateLowSampleCountPercentile"), "ignore") != 0 || q <= 0 ||
	    q >= 1)
		return false;
	return samples < 10 / (q >= 0.5 ? 1 - q : q);
}

/* Windows end at `end_s`, not at whole periods: an alarm of five minutes moves each minute. */
static err_t fetch(struct cloudwatch *cw, struct arena *arena, const json_t *alarm,
		   const json_t *queries, int64_t end_s, int64_t period_s,
		   struct alarm_point *points, unsigned count, struct text *why)
{
	struct query_range range = { end_s - (int64_t)count * period_s, end_s, true };
	struct query_result *results = arena_array(arena, json_array_size(queries) + 1,
						   sizeof *results);

	if (!results)
		return ERR_NOMEM;
	TRY(cw_queries_run(cw, arena, queries, &range, results, why));
	for (size_t i = 0; i < json_array_size(queries); i++) {
		const struct query_result *result = &results[i];

		if (result->query != shown_query(queries))
			continue;
		if (result->period_s != period_s) {
			text_add_str(why, "its expression has another period than its metrics");
			return ERR_INVALID;
		}
		for (unsigned p = 0; p < count; p++) {
			double value = result->count ? result->lines[0].slots[p] : (double)NAN;

			points[p].at_s = range.from_s + (int64_t)p * period_s;
			points[p].present = !isnan(value);
			points[p].value = points[p].present ? value : 0;
			points[p].low_samples = result->samples &&
						too_few(alarm, result->samples[p]);
		}
	}
	return ERR_OK;
}

static struct alarm_rule rule_of(const json_t *alarm)
{
	json_int_t to_alarm = integer_of(alarm, "DatapointsToAlarm");
	struct alarm_rule rule = {
		.comparison = index_in(alarm_comparison_names,
				       cw_text(alarm, "ComparisonOperator")),
		.missing = index_in(alarm_missing_names, cw_text(alarm, "TreatMissingData")),
		.threshold = json_number_value(json_object_get(alarm, "Threshold")),
		.periods = (unsigned)integer_of(alarm, "EvaluationPeriods"),
	};

	rule.to_alarm = to_alarm ? (unsigned)to_alarm : rule.periods;
	rule.ignore_low_samples = strcmp(cw_text(alarm, "EvaluateLowSampleCountPercentile"),
					 "ignore") == 0;
	return rule;
}

static char *data_text(const json_t *alarm, const struct alarm_rule *rule,
		       const struct alarm_point *points)
{
	json_t *recent = json_array(), *data;
	char iso[WHEN_ISO_BYTES + 1], *dump;

	for (unsigned i = ALARM_EXTRA_PERIODS; recent && i < rule->periods + ALARM_EXTRA_PERIODS;
	     i++)
		if (points[i].present && json_array_size(recent) < 50)
			json_array_append_new(recent, json_real(points[i].value));
	when_iso_ms((uint64_t)points[rule->periods + ALARM_EXTRA_PERIODS - 1].at_s * 1000, iso);
	data = json_pack("{s:s, s:s, s:o, s:f, s:O?}", "version", "1.0", "queryDate", iso,
			 "recentDatapoints", recent, "threshold", rule->threshold, "statistic",
			 json_object_get(alarm, "Statistic"));
	dump = data ? json_dumps(data, JSON_COMPACT) : NULL;
	json_decref(data);
	return dump;
}

static err_t evaluate_metric(struct cloudwatch *cw, struct arena *arena, const char *name,
			     const json_t *alarm, const json_t *queries, int64_t end_s,
			     int64_t period_s)
{
	struct alarm_rule rule = rule_of(alarm);
	unsigned count = rule.periods + ALARM_EXTRA_PERIODS;
	struct alarm_point *points = arena_array(arena, count, sizeof *points);
	struct text why = TEXT_INIT(REASON_BYTES_MAX);
	enum alarm_state was = cw_state_of(alarm), state = was;
	char *data;
	err_t err;

	if (!points)
		return ERR_NOMEM;
	err = fetch(cw, arena, alarm, queries, end_s, period_s, points, count, &why);
	if (!err) {
		state = alarm_decide(&rule, points, was, &why);
	} else if (why.len) { /* its expression cannot be computed, and says why */
		state = ALARM_INSUFFICIENT_DATA;
		err = ERR_OK;
	}
	if (!err && state != was) {
		data = data_text(alarm, &rule, points);
		change(cw, name, state, text_str(&why), data);
		free(data);
	}
	text_fini(&why);
	return err;
}

static int64_t step_of(int64_t period_s)
{
	return period_s < 60 ? period_s : 60;
}

/* Not before its time: each period, and each minute of longer ones. */
static bool is_due(struct cloudwatch *cw, const char *name, int64_t step_s, int64_t now_s,
		   int64_t *ret_end_s)
{
	int64_t end_s = (now_s - LATE_S) - (now_s - LATE_S) % step_s;

	if (json_integer_value(json_object_get(cw->due, name)) >= end_s)
		return false;
	json_object_set_new(cw->due, name, json_integer(end_s));
	*ret_end_s = end_s;
	return true;
}

static void evaluate_one(struct cloudwatch *cw, const char *name, const json_t *alarm,
			 int64_t now_s)
{
	json_t *queries = queries_of(alarm);
	int64_t period_s = queries ? period_of(alarm, queries) : 0, end_s;
	struct arena arena;
	err_t err = ERR_OK;

	arena_init(&arena, EVALUATION_ARENA_BYTES);
	if (queries && is_due(cw, name, step_of(period_s), now_s, &end_s))
		err = evaluate_metric(cw, &arena, name, alarm, queries, end_s, period_s);
	if (err || !queries)
		log_error("cloudwatch", "alarm %s cannot be evaluated: %s", name,
			  err_words(err ? err : ERR_NOMEM));
	arena_fini(&arena);
	json_decref(queries);
}

static void apply_rule(struct cloudwatch *cw, const char *name, const json_t *alarm)
{
	struct text why = TEXT_INIT(REASON_BYTES_MAX);
	bool truth = false;
	err_t err = composite_evaluate(cw_text(alarm, "AlarmRule"), cw->alarms, &truth, &why);
	enum alarm_state state = err ? ALARM_INSUFFICIENT_DATA : truth ? ALARM_ALARM : ALARM_OK;

	if (!err)
		text_printf(&why, "The rule is %s: %.800s", truth ? "true" : "false",
			    cw_text(alarm, "AlarmRule"));
	if (state != cw_state_of(alarm))
		change(cw, name, state, text_str(&why), NULL);
	text_fini(&why);
}

/*
 * What a composite alarm's rule stands on: the rule as it was put, and since when its alarms are
 * in their states.
 */
static json_int_t basis_of(const struct cloudwatch *cw, const json_t *alarm)
{
	json_int_t basis = integer_of(alarm, "AlarmConfigurationUpdatedTimestamp");
	const char *name;
	json_t *child;

	json_object_foreach (cw->alarms, name, child)
		if (composite_names(cw_text(alarm, "AlarmRule"), name) &&
		    integer_of(child, "StateTransitionedTimestamp") > basis)
			basis = integer_of(child, "StateTransitionedTimestamp");
	return basis;
}

/* As AWS says: a state that was set lasts until an alarm that the rule names changes its own. */
static bool is_held(struct cloudwatch *cw, const char *name, const json_t *alarm)
{
	const json_t *held = json_object_get(cw->due, name);

	if (!held)
		return false;
	if (json_integer_value(held) == basis_of(cw, alarm))
		return true;
	json_object_del(cw->due, name);
	return false;
}

err_t cw_hold(struct cloudwatch *cw, const json_t *alarm)
{
	const char *name = cw_text(alarm, "AlarmName");
	int64_t now_s = (int64_t)(cw_now_ms(cw) / 1000);
	json_t *queries;
	int64_t step_s;

	if (cw_is_composite(alarm))
		return cw_set(cw->due, name, json_integer(basis_of(cw, alarm)));
	queries = queries_of(alarm);
	if (!queries)
		return ERR_NOMEM;
	step_s = step_of(period_of(alarm, queries));
	json_decref(queries);
	return cw_set(cw->due, name, json_integer(now_s + step_s - 1));
}

/* Over a list of our own, since a change makes the mirror anew. */
void cw_evaluate(struct cloudwatch *cw, int64_t now_s)
{
	json_t *alarms;
	const char *name;
	json_t *alarm;

	if (cw->alarms_stale && cw_alarms_load(cw))
		return;
	alarms = json_incref(cw->alarms);
	json_object_foreach (alarms, name, alarm)
		if (!cw_is_composite(alarm))
			evaluate_one(cw, name, alarm, now_s);
	json_decref(alarms);
	alarms = json_incref(cw->alarms);
	json_object_foreach (alarms, name, alarm)
		if (cw_is_composite(alarm)) {
			if (!is_held(cw, name, alarm))
				apply_rule(cw, name, alarm);
			cw_act(cw, name, false);
		}
	json_decref(alarms);
}
