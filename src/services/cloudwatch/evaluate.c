/*
 * evaluate: alarms against the series, on the loop; states, their history and their actions.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/when.h"
#include "services/cloudwatch/cloudwatch_internal.h"

enum {
	EVALUATION_ARENA_BYTES = 16 * 1024 * 1024,
	HISTORY_MAX = 100, /* items of one alarm */
	LATE_S = 1,	   /* a second is complete when the next has begun */
	REASON_BYTES_MAX = 1023,
};

bool cw_is_composite(const json_t *alarm)
{
	return json_object_get(alarm, "AlarmRule") != NULL;
}

enum alarm_state cw_state_of(const json_t *alarm)
{
	const char *name = cw_text(alarm, "StateValue");

	for (enum alarm_state state = 0; alarm_state_names[state]; state++)
		if (strcmp(name, alarm_state_names[state]) == 0)
			return state;
	return ALARM_INSUFFICIENT_DATA;
}

static bool add_alarm(void *owner, const struct store_resource *resource)
{
	return json_object_set(owner, resource->id, resource->body) == 0;
}

err_t cw_alarms_load(struct cloudwatch *cw)
{
	json_t *alarms = json_object();
	struct store_txn *txn;
	err_t err = alarms ? store_begin(cw->options.store, &txn) : ERR_NOMEM;

	if (!err) {
		err = store_each(txn, CW_ALARM, NULL, NULL, add_alarm, alarms);
		store_rollback(txn);
	}
	if (err) {
		json_decref(alarms);
		return err;
	}
	json_decref(cw->alarms);
	cw->alarms = alarms;
	cw->alarms_stale = false;
	return ERR_OK;
}

/* ---- History ---- */

struct oldest {
	char id[64];
};

static bool note_oldest(void *owner, const struct store_resource *resource)
{
	snprintf(((struct oldest *)owner)->id, sizeof((struct oldest *)owner)->id, "%s",
		 resource->id);
	return false;
}

static err_t shorten_history(struct store_txn *txn, const char *alarm)
{
	struct oldest oldest = { .id = "" };
	uint64_t count;

	TRY(store_count(txn, CW_HISTORY, alarm, &count));
	if (count < HISTORY_MAX)
		return ERR_OK;
	TRY(store_each(txn, CW_HISTORY, alarm, NULL, note_oldest, &oldest));
	return store_delete(txn, CW_HISTORY, oldest.id);
}

/* A number that rises over restarts: what pages of history count by. */
static err_t next_sequence(struct store_txn *txn, uint64_t *ret_next)
{
	static const char setting[] = "cloudwatch.sequence";
	char *text = NULL, next[24];
	uint64_t last = 0;
	err_t err = store_setting_get(txn, setting, &text);

	if (!err && bytes_to_u64(bytes_of(text), INT64_MAX - 1, &last))
		err = ERR_STORE;
	free(text);
	if (err && err != ERR_NOT_FOUND)
		return err;
	snprintf(next, sizeof next, "%llu", (unsigned long long)(last + 1));
	*ret_next = last + 1;
	return store_setting_put(txn, setting, next);
}

err_t cw_history(struct cloudwatch *cw, struct store_txn *txn, const json_t *alarm,
		 const char *type, const char *summary, json_t *data)
{
	const char *name = cw_text(alarm, "AlarmName");
	char id[24], *dump = data ? json_dumps(data, JSON_COMPACT) : NULL;
	struct store_resource item = { .kind = CW_HISTORY, .id = id, .parent = name };
	uint64_t sequence;
	err_t err;

	json_decref(data);
	if (!dump)
		return ERR_NOMEM;
	err = next_sequence(txn, &sequence);
	snprintf(id, sizeof id, "%016llx", (unsigned long long)sequence);
	if (!err)
		err = shorten_history(txn, name);
	if (!err) {
		item.body = json_pack(
			"{s:s, s:s, s:I, s:s, s:s, s:s, s:I}", "AlarmName", name, "AlarmType",
			cw_is_composite(alarm) ? "CompositeAlarm" : "MetricAlarm", "Timestamp",
			(json_int_t)cw_now_ms(cw), "HistoryItemType", type, "HistorySummary",
			summary, "HistoryData", dump, "Sequence", (json_int_t)sequence);
		err = item.body ? store_insert(txn, &item) : ERR_NOMEM;
		json_decref(item.body);
	}
	free(dump);
	return err;
}

/* ---- States ---- */

err_t cw_set_state(struct cloudwatch *cw, struct store_txn *txn, json_t *alarm,
		   enum alarm_state state, const char *reason, const char *reason_data)
{
	const char *name = cw_text(alarm, "AlarmName");
	struct store_resource resource = {
		.kind = CW_ALARM, .id = name, .parent = "", .body = alarm
	};
	json_int_t now_ms = (json_int_t)cw_now_ms(cw);
	enum alarm_state was = cw_state_of(alarm);
	char summary[128];
	json_t *data;

	data = json_pack("{s:s, s:{s:s, s:s}, s:{s:s, s:s}}", "version", "1.0", "oldState",
			 "stateValue", alarm_state_names[was], "stateReason",
			 cw_text(alarm, "StateReason"), "newState", "stateValue",
			 alarm_state_names[state], "stateReason", reason);
	TRY(cw_set(alarm, "StateValue", json_string(alarm_state_names[state])));
	TRY(cw_set(alarm, "StateReason", json_string(reason)));
	TRY(cw_set(alarm, "StateReasonData", json_string(reason_data ? reason_data : "{}")));
	TRY(cw_set(alarm, "StateUpdatedTimestamp", json_integer(now_ms)));
	if (state != was)
		TRY(cw_set(alarm, "StateTransitionedTimestamp", json_integer(now_ms)));
	TRY(store_update(txn, &resource));
	if (state == was) {
		json_decref(data);
		return ERR_OK;
	}
	log_info("cloudwatch", "alarm %s is %s: %s", name, alarm_state_names[state], reason);
	snprintf(summary, sizeof summary, "Alarm updated from %s to %s", alarm_state_names[was],
		 alarm_state_names[state]);
	return cw_history(cw, txn, alarm, "StateUpdate", summary, data);
}

/* ---- Actions ---- */

/* "http://…", or an ARN for tools that insist on one: "arn:aws:weir:…:webhook:http://…" */
static const char *webhook_url(const char *action)
{
	const char *mark = strstr(action, ":webhook:");
	const char *url = strncmp(action, "arn:", 4) == 0 && mark ? mark + strlen(":webhook:")
								  : action;

	return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0 ? url : NULL;
}

static void note_action(struct cloudwatch *cw, const char *alarm_name, const char *action,
			bool done, const char *words)
{
	const json_t *alarm = json_object_get(cw->alarms, alarm_name);
	struct store_txn *txn;
	char summary[256];
	err_t err;

	if (!alarm)
		return; /* deleted meanwhile */
	snprintf(summary, sizeof summary, "%s action %.180s",
		 done ? "Successfully executed" : "Failed to execute", action);
	if (!done)
		log_warn("cloudwatch", "alarm %s: %s: %s", alarm_name, summary, words);
	err = store_begin(cw->options.store, &txn);
	if (!err) {
		err = cw_history(cw, txn, alarm, "Action", summary,
				 json_pack("{s:s, s:s, s:s}", "actionState",
					   done ? "Succeeded" : "Failed", "notificationResource",
					   action, done ? "result" : "error", words));
		if (err)
			store_rollback(txn);
		else
			err = store_commit(txn);
	}
	if (err)
		log_error("cloudwatch", "alarm %s: its history could not be written: %s",
			  alarm_name, err_words(err));
}

void cw_on_webhook(void *owner, const struct webhook_result *result)
{
	note_action(owner, result->alarm, result->action, result->delivered, result->words);
}

/* The form of EventBridge's "CloudWatch Alarm State Change". */
static char *event_text(const struct cloudwatch *cw, const json_t *alarm, const char *reason)
{
	char iso[WHEN_ISO_BYTES + 1], *dump;
	json_t *event;

	when_iso_ms(cw_now_ms(cw), iso);
	event = json_pack("{s:s, s:s, s:s, s:s, s:s, s:[s], s:{s:s, s:{s:s, s:s, s:s}, s:O?}}",
			  "source", "aws.cloudwatch", "detail-type",
			  "CloudWatch Alarm State Change", "account", cw->options.account, "region",
			  cw->options.region, "time", iso, "resources", cw_text(alarm, "AlarmArn"),
			  "detail", "alarmName", cw_text(alarm, "AlarmName"), "state", "value",
			  cw_text(alarm, "StateValue"), "reason", reason, "timestamp", iso,
			  "configuration", json_object_get(alarm, "AlarmDescription"));
	dump = event ? json_dumps(event, JSON_COMPACT) : NULL;
	json_decref(event);
	return dump;
}

/* A scaling policy: Application Auto Scaling looks for alarms that name it, for as long as they
 * last. */
static bool is_policy(const char *action)
{
	return strncmp(action, "arn:aws:autoscaling:", 20) == 0 &&
	       strstr(action, ":scalingPolicy:") != NULL;
}

void cw_actions_run(struct cloudwatch *cw, const json_t *alarm, const char *reason)
{
	static const char *const lists[] = { [ALARM_INSUFFICIENT_DATA] = "InsufficientDataActions",
					     [ALARM_OK] = "OKActions",
					     [ALARM_ALARM] = "AlarmActions" };
	const json_t *list = json_object_get(alarm, lists[cw_state_of(alarm)]), *item;
	char *event;
	size_t i;

	if (json_is_false(json_object_get(alarm, "ActionsEnabled")) || !json_array_size(list))
		return;
	event = event_text(cw, alarm, reason);
	json_array_foreach (list, i, item) {
		const char *action = json_string_value(item), *url = webhook_url(action);
		err_t err = ERR_NOT_FOUND;

		if (is_policy(action)) {
			note_action(cw, cw_text(alarm, "AlarmName"), action, true,
				    "the scaling policy sees it");
			continue;
		}
		if (url)
			err = event ? webhook_send(cw->webhooks, cw_text(alarm, "AlarmName"),
						   action, url, event)
				    : ERR_NOMEM;
		if (err)
			note_action(cw, cw_text(alarm, "AlarmName"), action, false,
				    url ? err_words(err)
					: "Weir runs webhooks only: http://…, https://… or "
					  "arn:aws:weir:REGION:ACCOUNT:webhook:URL");
	}
	free(event);
}

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
		cw_actions_run(cw, alarm, reason);
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
			points[p].at_s = range.from_s + (int64_t)p * period_s;
			points[p].present = !isnan(result->slots[p]);
			points[p].value = points[p].present ? result->slots[p] : 0;
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
	enum alarm_state was = cw_state_of(alarm), state;
	char *data;
	err_t err;

	if (!points)
		return ERR_NOMEM;
	err = fetch(cw, arena, alarm, queries, end_s, period_s, points, count, &why);
	if (err && !why.len)
		return err;
	if (err) {
		log_warn("cloudwatch", "alarm %s: %s", name, text_str(&why));
		text_fini(&why);
		return ERR_OK;
	}
	state = alarm_decide(&rule, points, was, &why);
	if (state != was) {
		data = data_text(alarm, &rule, points);
		change(cw, name, state, text_str(&why), data);
		free(data);
	}
	text_fini(&why);
	return ERR_OK;
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
	if (queries && is_due(cw, name, period_s < 60 ? period_s : 60, now_s, &end_s))
		err = evaluate_metric(cw, &arena, name, alarm, queries, end_s, period_s);
	if (err || !queries)
		log_error("cloudwatch", "alarm %s cannot be evaluated: %s", name,
			  err_words(err ? err : ERR_NOMEM));
	arena_fini(&arena);
	json_decref(queries);
}

static void evaluate_rule(struct cloudwatch *cw, const char *name, const json_t *alarm)
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
		if (cw_is_composite(alarm))
			evaluate_rule(cw, name, alarm);
	json_decref(alarms);
}
