/*
 * suppressor: composite alarms whose actions another alarm may suppress (suppress.h), as the store
 * has them. Since when one waits is when an alarm changed its state, so a restart goes on waiting.
 */
#include <stdio.h>

#include "base/log.h"
#include "services/cloudwatch/cloudwatch_internal.h"
#include "services/cloudwatch/suppress.h"

const char *cw_suppressor_of(const json_t *alarm)
{
	const char *name = cw_text(alarm, "ActionsSuppressor"), *mark = strstr(name, ":alarm:");

	return strncmp(name, "arn:", 4) == 0 && mark ? mark + strlen(":alarm:") : name;
}

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static struct suppression suppression_of(const json_t *alarm, const json_t *suppressor)
{
	const char *by = cw_text(alarm, "ActionsSuppressedBy");
	struct suppression suppression = { .by = SUPPRESSED_NOT };

	for (enum suppressed_by i = SUPPRESSED_NOT; suppressed_names[i]; i++)
		if (strcmp(by, suppressed_names[i]) == 0)
			suppression.by = i;
	suppression.since_ms = integer_of(suppression.by == SUPPRESSED_BY_EXTENSION ? suppressor
										    : alarm,
					  "StateTransitionedTimestamp");
	return suppression;
}

static err_t note(struct cloudwatch *cw, json_t *alarm, enum suppressed_by by)
{
	static const char *const words[] = {
		[SUPPRESSED_NOT] = "not suppressed any more",
		[SUPPRESSED_BY_WAIT] = "held back for ActionsSuppressorWaitPeriod, since the "
				       "suppressor alarm may follow",
		[SUPPRESSED_BY_ALARM] = "suppressed: the suppressor alarm is in ALARM",
		[SUPPRESSED_BY_EXTENSION] = "suppressed for ActionsSuppressorExtensionPeriod after "
					    "the suppressor alarm",
	};
	struct store_resource resource = {
		.kind = CW_ALARM, .id = cw_text(alarm, "AlarmName"), .parent = "", .body = alarm
	};
	struct store_txn *txn;
	char summary[160];
	err_t err;

	json_object_del(alarm, "ActionsSuppressedBy");
	json_object_del(alarm, "ActionsSuppressedReason");
	if (by != SUPPRESSED_NOT) {
		TRY(cw_set(alarm, "ActionsSuppressedBy", json_string(suppressed_names[by])));
		TRY(cw_set(alarm, "ActionsSuppressedReason",
			   json_sprintf("Actions are %s", words[by])));
	}
	snprintf(summary, sizeof summary, "Actions are %s", words[by]);
	TRY(store_begin(cw->options.store, &txn));
	err = store_update(txn, &resource);
	if (!err)
		err = cw_history(cw, txn, alarm, "Action", summary,
				 json_pack("{s:s, s:s}", "actionsSuppressedBy",
					   suppressed_names[by], "actionsSuppressor",
					   cw_suppressor_of(alarm)));
	if (err) {
		store_rollback(txn);
		return err;
	}
	TRY(store_commit(txn));
	return cw_alarms_load(cw);
}

/* `alarm` is the caller's own: what the store has of it is read anew below. */
static void step(struct cloudwatch *cw, json_t *alarm, bool changed)
{
	const json_t *other = json_object_get(cw->alarms, cw_suppressor_of(alarm));
	struct suppression suppression = suppression_of(alarm, other);
	enum suppressed_by was = suppression.by;
	struct suppress_now now = {
		.changed = changed,
		.in_alarm = cw_state_of(alarm) == ALARM_ALARM,
		.suppressor = other && cw_state_of(other) == ALARM_ALARM,
		.now_ms = (int64_t)cw_now_ms(cw),
		.wait_ms = integer_of(alarm, "ActionsSuppressorWaitPeriod") * 1000,
		.extension_ms = integer_of(alarm, "ActionsSuppressorExtensionPeriod") * 1000,
	};
	bool acts = suppress_step(&suppression, &now);
	err_t err = suppression.by == was ? ERR_OK : note(cw, alarm, suppression.by);

	if (err)
		log_error("cloudwatch", "alarm %s: %s", cw_text(alarm, "AlarmName"),
			  err_words(err));
	else if (acts)
		cw_actions_run(cw, alarm, cw_text(alarm, "StateReason"));
}

void cw_act(struct cloudwatch *cw, const char *name, bool changed)
{
	json_t *alarm = json_deep_copy(json_object_get(cw->alarms, name));
	bool suppressed = cw_text(alarm, "ActionsSuppressedBy")[0] != '\0';

	if (cw_suppressor_of(alarm)[0] && (changed || suppressed))
		step(cw, alarm, changed);
	else if (alarm && changed)
		cw_actions_run(cw, alarm, cw_text(alarm, "StateReason"));
	json_decref(alarm);
}
