/*
 * alarms: the operations on alarms that are there. alarms_put.c has those that make them.
 */
#include "services/cloudwatch/cloudwatch_internal.h"

enum { RECORDS_DEFAULT = 50, HISTORY_DEFAULT = 100 };

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

err_t cw_get_alarm(struct api_call *call, const char *name, json_t **ret_alarm)
{
	struct store_txn *txn;
	err_t err;

	*ret_alarm = NULL;
	TRY(cw_txn(call, &txn));
	err = store_get(txn, CW_ALARM, name, ret_alarm, NULL);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* ---- Describing ---- */

static bool is_named(const json_t *names, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach (names, i, item)
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	return false;
}

static bool has_action(const json_t *alarm, const char *prefix)
{
	static const char *const lists[] = { "OKActions", "AlarmActions",
					     "InsufficientDataActions" };
	const json_t *item;
	size_t j;

	for (size_t i = 0; i < COUNT(lists); i++)
		json_array_foreach (json_object_get(alarm, lists[i]), j, item)
			if (strncmp(json_string_value(item), prefix, strlen(prefix)) == 0)
				return true;
	return false;
}

struct describing {
	struct api_call *call;
	const char *children_rule; /* of the parent asked for; NULL: not asked */
	uint64_t after, seen;
	json_int_t max, taken;
	err_t err;
};

static bool is_asked(const struct describing *d, const json_t *alarm)
{
	const json_t *input = d->call->input, *names = json_object_get(input, "AlarmNames");
	const json_t *types = json_object_get(input, "AlarmTypes");
	const char *name = cw_text(alarm, "AlarmName"), *prefix = cw_text(input, "AlarmNamePrefix");
	const char *state = cw_text(input, "StateValue"), *action = cw_text(input, "ActionPrefix");
	const char *child = cw_text(input, "ParentsOfAlarmName");
	bool composite = cw_is_composite(alarm);

	if (json_array_size(names) && !is_named(names, name))
		return false;
	/* Whoever does not ask for composite alarms gets metric alarms only, as on AWS. */
	if (json_array_size(types) ? !is_named(types, composite ? "CompositeAlarm" : "MetricAlarm")
				   : composite && !d->children_rule && !child[0])
		return false;
	if (d->children_rule && !composite_names(d->children_rule, name))
		return false;
	if (child[0] && (!composite || !composite_names(cw_text(alarm, "AlarmRule"), child)))
		return false;
	return strncmp(name, prefix, strlen(prefix)) == 0 &&
	       (!state[0] || strcmp(cw_text(alarm, "StateValue"), state) == 0) &&
	       (!action[0] || has_action(alarm, action));
}

static bool describe(void *owner, const struct store_resource *resource)
{
	struct describing *d = owner;

	if (++d->seen <= d->after || !is_asked(d, resource->body))
		return true;
	if (d->taken == d->max) {
		d->err = cw_token_out(d->call, d->seen - 1);
		return false;
	}
	d->taken++;
	d->err = cw_append(d->call->output,
			   cw_is_composite(resource->body) ? "CompositeAlarms" : "MetricAlarms",
			   json_incref(resource->body));
	return !d->err;
}

err_t cw_describe_alarms(struct api_call *call)
{
	const char *parent = cw_text(call->input, "ChildrenOfAlarmName");
	struct describing d = { .call = call, .max = integer_of(call->input, "MaxRecords") };
	json_t *alarm = NULL;
	struct store_txn *txn;
	err_t err;

	d.max = d.max ? d.max : RECORDS_DEFAULT;
	if (json_object_get(call->input, "AlarmNames") &&
	    cw_text(call->input, "AlarmNamePrefix")[0])
		return api_fault(call, "ValidationError",
				 "AlarmNames and AlarmNamePrefix cannot be given together");
	TRY(cw_token_in(call, &d.after));
	TRY(cw_set(call->output, "MetricAlarms", json_array()));
	TRY(cw_set(call->output, "CompositeAlarms", json_array()));
	TRY(cw_txn(call, &txn));
	if (parent[0]) {
		TRY(cw_get_alarm(call, parent, &alarm));
		d.children_rule = cw_text(alarm, "AlarmRule");
	}
	err = store_each(txn, CW_ALARM, NULL, NULL, describe, &d);
	json_decref(alarm);
	return err ? err : d.err;
}

static bool same_dimensions(const json_t *left, const json_t *right)
{
	const json_t *a, *b;
	size_t i, j;

	if (json_array_size(left) != json_array_size(right))
		return false;
	json_array_foreach (left, i, a) {
		bool found = false;

		json_array_foreach (right, j, b)
			found = found || json_equal(a, b);
		if (!found)
			return false;
	}
	return true;
}

static bool same_or_unasked(const json_t *input, const json_t *alarm, const char *key)
{
	const json_t *asked = json_object_get(input, key);

	return !asked || json_equal(asked, json_object_get(alarm, key));
}

static bool describe_for_metric(void *owner, const struct store_resource *resource)
{
	static const char *const keys[] = { "MetricName",	 "Namespace", "Statistic",
					    "ExtendedStatistic", "Period",    "Unit" };
	struct describing *d = owner;
	const json_t *input = d->call->input;

	for (size_t i = 0; i < COUNT(keys); i++)
		if (!same_or_unasked(input, resource->body, keys[i]))
			return true;
	if (same_dimensions(json_object_get(input, "Dimensions"),
			    json_object_get(resource->body, "Dimensions")))
		d->err = cw_append(d->call->output, "MetricAlarms", json_incref(resource->body));
	return !d->err;
}

err_t cw_describe_alarms_for_metric(struct api_call *call)
{
	struct describing d = { .call = call };
	struct store_txn *txn;

	TRY(cw_set(call->output, "MetricAlarms", json_array()));
	TRY(cw_txn(call, &txn));
	TRY(store_each(txn, CW_ALARM, NULL, NULL, describe_for_metric, &d));
	return d.err;
}

/* ---- History ---- */

static bool is_told(const json_t *input, const json_t *item)
{
	const json_t *types = json_object_get(input, "AlarmTypes");
	const char *type = cw_text(input, "HistoryItemType");
	const json_t *from = json_object_get(input, "StartDate"),
		     *to = json_object_get(input, "EndDate");
	json_int_t at = integer_of(item, "Timestamp");

	return (!json_array_size(types) || is_named(types, cw_text(item, "AlarmType"))) &&
	       (!type[0] || strcmp(cw_text(item, "HistoryItemType"), type) == 0) &&
	       (!from || at >= json_integer_value(from)) && (!to || at <= json_integer_value(to));
}

static bool collect(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

static err_t tell(struct api_call *call, const json_t *items, uint64_t after, json_int_t max)
{
	bool ascending = strcmp(cw_text(call->input, "ScanBy"), "TimestampAscending") == 0;
	size_t count = json_array_size(items);
	json_int_t taken = 0;
	uint64_t last = after;

	for (size_t i = 0; i < count; i++) {
		json_t *item = json_array_get(items, ascending ? i : count - 1 - i), *shown;
		uint64_t sequence = (uint64_t)integer_of(item, "Sequence");

		if ((after && (ascending ? sequence <= after : sequence >= after)) ||
		    !is_told(call->input, item))
			continue;
		if (taken++ == max)
			return cw_token_out(call, last);
		last = sequence;
		shown = json_copy(item);
		json_object_del(shown, "Sequence");
		TRY(cw_append(call->output, "AlarmHistoryItems", shown));
	}
	return ERR_OK;
}

err_t cw_describe_alarm_history(struct api_call *call)
{
	const char *name = cw_text(call->input, "AlarmName");
	json_int_t max = integer_of(call->input, "MaxRecords");
	json_t *items = json_array();
	struct store_txn *txn;
	uint64_t after = 0;
	err_t err = items ? cw_token_in(call, &after) : ERR_NOMEM;

	if (!err)
		err = cw_set(call->output, "AlarmHistoryItems", json_array());
	if (!err)
		err = cw_txn(call, &txn);
	if (!err)
		err = store_each(txn, CW_HISTORY, name[0] ? name : NULL, NULL, collect, items);
	if (!err)
		err = tell(call, items, after, max ? max : HISTORY_DEFAULT);
	json_decref(items);
	return err;
}

/* ---- The rest ---- */

static err_t delete_alarm(struct api_call *call, const char *name)
{
	struct store_txn *txn;
	char arn[512];
	err_t err;

	TRY(cw_txn(call, &txn));
	TRY(store_delete(txn, CW_ALARM, name));
	json_object_del(cloudwatch_of(call)->due, name);
	cw_alarm_arn(cloudwatch_of(call), name, arn);
	err = store_delete(txn, CW_TAGS, arn);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* All or none, as on AWS: one that is not there keeps the others. */
err_t cw_delete_alarms(struct api_call *call)
{
	const json_t *name;
	size_t i;

	json_array_foreach (json_object_get(call->input, "AlarmNames"), i, name) {
		err_t err = delete_alarm(call, json_string_value(name));

		if (err == ERR_NOT_FOUND)
			return cw_not_found(call, "ResourceNotFound",
					    "Alarm does not exist, nothing was deleted");
		TRY(err);
	}
	return ERR_OK;
}

static err_t set_enabled(struct api_call *call, bool enabled)
{
	const json_t *name;
	size_t i;

	json_array_foreach (json_object_get(call->input, "AlarmNames"), i, name) {
		struct store_resource resource = { .kind = CW_ALARM,
						   .id = json_string_value(name),
						   .parent = "" };
		struct store_txn *txn;
		err_t err;

		TRY(cw_txn(call, &txn));
		TRY(cw_get_alarm(call, resource.id, &resource.body));
		if (!resource.body)
			continue; /* AWS says nothing of names it does not know */
		err = cw_set(resource.body, "ActionsEnabled", json_boolean(enabled));
		if (!err)
			err = store_update(txn, &resource);
		json_decref(resource.body);
		TRY(err);
	}
	return ERR_OK;
}

err_t cw_enable_alarm_actions(struct api_call *call)
{
	return set_enabled(call, true);
}

err_t cw_disable_alarm_actions(struct api_call *call)
{
	return set_enabled(call, false);
}

static enum alarm_state asked_state(struct api_call *call)
{
	return cw_state_of(call->input);
}

/* The actions run in the service's next second, when the state is on disk. */
err_t cw_set_alarm_state(struct api_call *call)
{
	struct cloudwatch *cw = cloudwatch_of(call);
	const char *data = cw_text(call->input, "StateReasonData");
	json_t *alarm, *parsed;
	struct store_txn *txn;
	bool changed;
	err_t err;

	if (cw->alarms_stale) /* before the call's transaction: it has one of its own */
		TRY(cw_alarms_load(cw));
	TRY(cw_txn(call, &txn));
	TRY(cw_get_alarm(call, cw_text(call->input, "AlarmName"), &alarm));
	if (!alarm)
		return cw_not_found(call, "ResourceNotFound", "The alarm does not exist");
	parsed = data[0] ? json_loads(data, 0, NULL) : json_object();
	changed = cw_state_of(alarm) != asked_state(call);
	if (!parsed)
		err = api_fault(call, "InvalidFormat", "StateReasonData is not valid JSON");
	else
		err = cw_set_state(cw, txn, alarm, asked_state(call),
				   cw_text(call->input, "StateReason"), data[0] ? data : NULL);
	if (!err)
		err = cw_hold(cw, alarm);
	if (!err && changed)
		err = cw_append(cw->pending, "alarms", json_incref(alarm));
	json_decref(parsed);
	json_decref(alarm);
	return err;
}
