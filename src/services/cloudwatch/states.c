/*
 * states: the alarms as of the last commit, their states and history, and the actions they run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/when.h"
#include "services/cloudwatch/cloudwatch_internal.h"

enum { HISTORY_MAX = 100 }; /* items of one alarm */

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
