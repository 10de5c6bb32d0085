/*
 * alarms_put: PutMetricAlarm and PutCompositeAlarm: what cannot be watched is refused.
 */
#include <stdio.h>

#include "services/cloudwatch/cloudwatch_internal.h"

enum {
	HOUR_SECONDS = 3600,
	DAY_SECONDS = 86400,
	WEEK_SECONDS = 7 * DAY_SECONDS,
	ALARMS_MAX = 5000,
};

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_in(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static err_t check_window(struct api_call *call, json_int_t period_s)
{
	json_int_t periods = integer_of(call->input, "EvaluationPeriods");
	json_int_t to_alarm = integer_of(call->input, "DatapointsToAlarm");
	const char *missing = cw_text(call->input, "TreatMissingData");

	int max_s = period_s < HOUR_SECONDS ? DAY_SECONDS : WEEK_SECONDS;

	if (!cw_period_valid(period_s) || period_s < 10)
		return api_fault(call, "ValidationError",
				 "Period must be 10, 20, 30 or a multiple of 60");
	if (!periods)
		return api_fault(call, "ValidationError",
				 "The parameter EvaluationPeriods is required");
	if (to_alarm > periods)
		return api_fault(call, "ValidationError",
				 "DatapointsToAlarm must not be greater than EvaluationPeriods");
	if (periods * period_s > max_s)
		return api_fault(call, "ValidationError",
				 "Metrics cannot be checked across more than %s (EvaluationPeriods "
				 "* Period must be <= %d)",
				 max_s == DAY_SECONDS ? "a day" : "seven days", max_s);
	if (missing[0] && !is_in(alarm_missing_names, missing))
		return api_fault(
			call, "ValidationError",
			"The value '%.100s' for TreatMissingData is none of missing, ignore, "
			"breaching, notBreaching",
			missing);
	return ERR_OK;
}

static err_t check_threshold(struct api_call *call)
{
	const char *comparison = cw_text(call->input, "ComparisonOperator");
	const char *low = cw_text(call->input, "EvaluateLowSampleCountPercentile");

	if (json_object_get(call->input, "ThresholdMetricId") ||
	    (comparison[0] && !is_in(alarm_comparison_names, comparison)))
		return api_fault(call, "ValidationError",
				 "Alarms on anomaly detection bands are not supported here");
	if (!comparison[0])
		return api_fault(call, "ValidationError",
				 "The parameter ComparisonOperator is required");
	if (!json_object_get(call->input, "Threshold"))
		return api_fault(call, "ValidationError", "The parameter Threshold is required");
	if (low[0] && strcmp(low, "evaluate") != 0 && strcmp(low, "ignore") != 0)
		return api_fault(call, "ValidationError",
				 "EvaluateLowSampleCountPercentile must be evaluate or ignore");
	return ERR_OK;
}

static err_t check_metric(struct api_call *call)
{
	const char *stat = cw_text(call->input, "Statistic");
	const char *extended = cw_text(call->input, "ExtendedStatistic");
	struct metric_name name;
	struct stat_kind kind;

	if (!cw_text(call->input, "MetricName")[0] || !cw_text(call->input, "Namespace")[0])
		return api_fault(call, "ValidationError",
				 "An alarm needs a MetricName and a Namespace, or Metrics");
	if (!stat[0] == !extended[0])
		return api_fault(
			call, "ValidationError",
			"Exactly one of Statistic and ExtendedStatistic must be specified");
	if (extended[0] && (!stat_parse(extended, &kind) || !stat_is_extended(&kind)))
		return api_fault(
			call, "ValidationError",
			"ExtendedStatistic '%.100s' is none: there are " STAT_EXTENDED_WORDS,
			extended);
	TRY(cw_metric_name(call, cw_text(call->input, "Namespace"), call->input, &name));
	if (!integer_of(call->input, "Period"))
		return api_fault(call, "ValidationError", "The parameter Period is required");
	return check_window(call, integer_of(call->input, "Period"));
}

static err_t check_metrics(struct api_call *call, const json_t *queries)
{
	const json_t *query;
	json_int_t period_s = 0;
	unsigned shown = 0;
	size_t i;

	if (json_object_get(call->input, "MetricName") ||
	    json_object_get(call->input, "Statistic") || json_object_get(call->input, "Period"))
		return api_fault(call, "ValidationError",
				 "MetricName, Statistic and Period must not be given with Metrics");
	TRY(cw_queries_check(call, queries, QUERIES_WATCHED));
	json_array_foreach (queries, i, query) {
		shown += !json_is_false(json_object_get(query, "ReturnData"));
		if (!period_s)
			period_s = integer_of(json_object_get(query, "MetricStat"), "Period");
	}
	if (shown != 1)
		return api_fault(call, "ValidationError",
				 "Exactly one element of the metrics list should return data.");
	return check_window(call, period_s ? period_s : 60);
}

static err_t put_tags(struct api_call *call, const char *arn)
{
	json_t *tags = json_object_get(call->input, "Tags");
	struct store_resource resource = { .kind = CW_TAGS, .id = arn, .parent = "" };
	struct store_txn *txn;
	err_t err;

	if (!json_array_size(tags))
		return ERR_OK;
	TRY(cw_check_tags(call));
	TRY(cw_txn(call, &txn));
	resource.body = json_pack("{s:O}", "Tags", tags);
	err = resource.body ? store_insert(txn, &resource) : ERR_NOMEM;
	json_decref(resource.body);
	return err;
}

/* What the new body does not say and the old one knew: the state goes on. */
static err_t keep_state(struct api_call *call, const json_t *old, json_t *alarm)
{
	static const char *const kept[] = {
		"StateValue",
		"StateReason",
		"StateReasonData",
		"StateUpdatedTimestamp",
		"StateTransitionedTimestamp",
		"ActionsSuppressedBy",
		"ActionsSuppressedReason",
	};
	static const char *const suppressed[] = { "ActionsSuppressedBy",
						  "ActionsSuppressedReason" };
	json_int_t now_ms = (json_int_t)cw_now_ms(cloudwatch_of(call));

	for (size_t i = 0; old && i < COUNT(kept); i++)
		if (json_object_get(old, kept[i]) &&
		    json_object_set(alarm, kept[i], json_object_get(old, kept[i])))
			return ERR_NOMEM;
	if (!json_object_get(alarm, "ActionsSuppressor"))
		for (size_t i = 0; i < COUNT(suppressed); i++)
			json_object_del(alarm, suppressed[i]);
	TRY(cw_set(alarm, "AlarmConfigurationUpdatedTimestamp", json_integer(now_ms)));
	if (old)
		return ERR_OK;
	TRY(cw_set(alarm, "StateValue", json_string("INSUFFICIENT_DATA")));
	TRY(cw_set(alarm, "StateReason", json_string("Unchecked: Initial alarm creation")));
	TRY(cw_set(alarm, "StateTransitionedTimestamp", json_integer(now_ms)));
	return cw_set(alarm, "StateUpdatedTimestamp", json_integer(now_ms));
}

static err_t fill_alarm(struct api_call *call, const char *arn, const json_t *old, json_t *alarm)
{
	static const char *const lists[] = { "OKActions", "AlarmActions",
					     "InsufficientDataActions" };

	json_object_del(alarm, "Tags");
	TRY(cw_set(alarm, "AlarmArn", json_string(arn)));
	for (size_t i = 0; i < COUNT(lists); i++)
		if (!json_object_get(alarm, lists[i]))
			TRY(cw_set(alarm, lists[i], json_array()));
	if (!json_object_get(alarm, "ActionsEnabled"))
		TRY(cw_set(alarm, "ActionsEnabled", json_true()));
	if (!json_object_get(alarm, "AlarmRule") && !json_object_get(alarm, "Metrics") &&
	    !json_object_get(alarm, "Dimensions"))
		TRY(cw_set(alarm, "Dimensions", json_array()));
	return keep_state(call, old, alarm);
}

static err_t save(struct api_call *call, const char *arn, const json_t *old, json_t *alarm)
{
	struct cloudwatch *cw = cloudwatch_of(call);
	const char *name = cw_text(alarm, "AlarmName");
	struct store_resource resource = {
		.kind = CW_ALARM, .id = name, .parent = "", .body = alarm
	};
	struct store_txn *txn;
	char summary[320];
	uint64_t count;

	TRY(cw_txn(call, &txn));
	TRY(fill_alarm(call, arn, old, alarm));
	TRY(store_count(txn, CW_ALARM, NULL, &count));
	if (!old && count >= ALARMS_MAX)
		return api_fault(call, "LimitExceeded", "This Weir keeps at most %d alarms",
				 ALARMS_MAX);
	TRY(old ? store_update(txn, &resource) : store_insert(txn, &resource));
	json_object_del(cw->due, name); /* what is new is evaluated at once */
	if (!old)
		TRY(put_tags(call, arn));
	snprintf(summary, sizeof summary, "Alarm \"%.255s\" %s", name, old ? "updated" : "created");
	return cw_history(
		cw, txn, alarm, "ConfigurationUpdate", summary,
		json_pack("{s:s, s:s}", "version", "1.0", "type", old ? "Update" : "Create"));
}

/* What else an action may be, evaluation finds out: an ARN of AWS's fails, and history says so. */
static err_t check_actions(struct api_call *call)
{
	static const char *const lists[] = { "OKActions", "AlarmActions",
					     "InsufficientDataActions" };
	static const char *const starts[] = { "arn:", "http://", "https://" };
	const json_t *item;
	size_t j;

	for (size_t i = 0; i < COUNT(lists); i++)
		json_array_foreach (json_object_get(call->input, lists[i]), j, item) {
			bool good = false;

			for (size_t k = 0; k < COUNT(starts); k++)
				good = good || strncmp(json_string_value(item), starts[k],
						       strlen(starts[k])) == 0;
			if (!good)
				return api_fault(call, "ValidationError",
						 "Invalid arn syntax: %.200s (an action is an ARN, "
						 "or a URL: http://… or https://…)",
						 json_string_value(item));
		}
	return ERR_OK;
}

static err_t put_alarm(struct api_call *call)
{
	const char *name = cw_text(call->input, "AlarmName");
	json_t *old, *alarm;
	char arn[512];
	err_t err;

	TRY(check_actions(call));
	TRY(cw_get_alarm(call, name, &old));
	cw_alarm_arn(cloudwatch_of(call), name, arn);
	alarm = json_deep_copy(call->input);
	if (old && cw_is_composite(old) != cw_is_composite(alarm))
		err = api_fault(call, "ValidationError",
				"An alarm named %.255s of another type exists already", name);
	else
		err = alarm ? save(call, arn, old, alarm) : ERR_NOMEM;
	json_decref(old);
	json_decref(alarm);
	return err;
}

err_t cw_put_metric_alarm(struct api_call *call)
{
	const json_t *queries = json_object_get(call->input, "Metrics");

	TRY(check_threshold(call));
	TRY(queries ? check_metrics(call, queries) : check_metric(call));
	return put_alarm(call);
}

static err_t check_suppressor(struct api_call *call)
{
	static const char *const periods[] = { "ActionsSuppressorWaitPeriod",
					       "ActionsSuppressorExtensionPeriod" };
	const char *suppressor = cw_suppressor_of(call->input);

	for (size_t i = 0; i < COUNT(periods); i++)
		if (!json_object_get(call->input, periods[i]) != !suppressor[0])
			return api_fault(call, "ValidationError",
					 "ActionsSuppressor and %s have to be given together",
					 periods[i]);
	if (!suppressor[0])
		return ERR_OK;
	if (strcmp(suppressor, cw_text(call->input, "AlarmName")) == 0)
		return api_fault(call, "ValidationError",
				 "ActionsSuppressor must not be the alarm itself");
	if (!json_object_get(cloudwatch_of(call)->alarms, suppressor))
		return api_fault(call, "ValidationError",
				 "ActionsSuppressor: the alarm '%.255s' does not exist",
				 suppressor);
	return ERR_OK;
}

err_t cw_put_composite_alarm(struct api_call *call)
{
	struct cloudwatch *cw = cloudwatch_of(call);
	const char *rule = cw_text(call->input, "AlarmRule");
	struct text why = TEXT_INIT(512);
	bool truth;
	err_t err = ERR_OK;

	if (cw->alarms_stale)
		TRY(cw_alarms_load(cw));
	TRY(check_suppressor(call));
	if (composite_evaluate(rule, cw->alarms, &truth, &why))
		err = api_fault(call, "ValidationError", "AlarmRule: %s", text_str(&why));
	else if (composite_names(rule, cw_text(call->input, "AlarmName")))
		err = api_fault(call, "ValidationError",
				"AlarmRule must not name the alarm itself");
	text_fini(&why);
	return err ? err : put_alarm(call);
}
