/*
 * triggers: what ends a creation or an update from outside: its time, and alarms that watch over it
 * (rollback triggers), also for a while after all is done.
 *
 *   steps ─► done ─► MonitoringTimeInMinutes without an ALARM ─► …_COMPLETE
 *     └────────┴───► an ALARM, or time is over ─► given up: it goes back
 */
#include <stdio.h>
#include <string.h>

#include "services/cloudformation/steps.h"
#include "services/cloudformation/triggers.h"

enum { TRIGGERS_MAX = 5, MONITORING_MINUTES_MAX = 180, LOOK_MS = 1000, MINUTE_MS = 60 * 1000 };

/* ---- What a call asks for ---- */

static err_t check_trigger(struct api_call *call, const json_t *trigger)
{
	const char *type = text_at(trigger, "Type"), *arn = text_at(trigger, "Arn");

	if (strcmp(type, "AWS::CloudWatch::Alarm") != 0 &&
	    strcmp(type, "AWS::CloudWatch::CompositeAlarm") != 0)
		return api_fault(call, "ValidationError",
				 "Rollback trigger type %.100s is not supported: "
				 "AWS::CloudWatch::Alarm or AWS::CloudWatch::CompositeAlarm",
				 type);
	if (strncmp(arn, "arn:", 4) != 0 || !strstr(arn, ":alarm:"))
		return api_fault(call, "ValidationError",
				 "Rollback trigger %.300s is not the ARN of an alarm", arn);
	return ERR_OK;
}

err_t triggers_of_input(struct api_call *call, json_t *body)
{
	json_t *given = json_object_get(call->input, "RollbackConfiguration"), *trigger;
	const json_t *triggers = json_object_get(given, "RollbackTriggers");
	json_int_t minutes = json_integer_value(json_object_get(given, "MonitoringTimeInMinutes"));
	size_t i;

	if (!given)
		return ERR_OK; /* of an update: as it was */
	if (json_array_size(triggers) > TRIGGERS_MAX)
		return api_fault(call, "ValidationError",
				 "A stack has at most %d rollback triggers", TRIGGERS_MAX);
	if (minutes < 0 || minutes > MONITORING_MINUTES_MAX)
		return api_fault(call, "ValidationError",
				 "MonitoringTimeInMinutes is a number from 0 to %d",
				 MONITORING_MINUTES_MAX);
	json_array_foreach ((json_t *)triggers, i, trigger)
		TRY(check_trigger(call, trigger));
	return json_object_set(body, "RollbackConfiguration", given) ? ERR_NOMEM : ERR_OK;
}

/* ---- Alarms ---- */

/* Its state; "" when there is no such alarm. */
static void state_of(struct stack *stack, const char *arn, char ret_state[32])
{
	const struct cloudformation_options *options = &stack->cfn->options;
	json_t *input = json_pack("{s:[s], s:[s, s]}", "AlarmNames", strstr(arn, ":alarm:") + 7,
				  "AlarmTypes", "MetricAlarm", "CompositeAlarm");
	static const char *const lists[] = { "MetricAlarms", "CompositeAlarms" };
	json_t *output = NULL, *alarm;
	struct api_fault fault;
	size_t i;

	ret_state[0] = '\0';
	if (input && !api_call(options->api, options->root, "cloudwatch", "DescribeAlarms", input,
			       &output, &fault))
		for (size_t k = 0; k < COUNT(lists); k++)
			json_array_foreach (json_object_get(output, lists[k]), i, alarm)
				if (strcmp(text_at(alarm, "AlarmArn"), arn) == 0)
					snprintf(ret_state, 32, "%s", text_at(alarm, "StateValue"));
	json_decref(input);
	json_decref(output);
}

/* Whether one of them says to go back; then stack->why says which. */
static bool is_triggered(struct stack *stack, const json_t *triggers)
{
	const json_t *trigger;
	char state[32];
	size_t i;

	json_array_foreach ((json_t *)triggers, i, trigger) {
		const char *arn = text_at(trigger, "Arn");

		state_of(stack, arn, state);
		if (state[0] && strcmp(state, "ALARM") != 0)
			continue;
		text_clear(&stack->why);
		text_printf(&stack->why, "Rollback trigger %s %s.", arn,
			    state[0] ? "is in ALARM state" : "does not exist");
		return true;
	}
	return false;
}

/* ---- Watching ---- */

static const json_t *triggers_of(const struct stack *stack)
{
	return json_object_get(json_object_get(stack->body, "RollbackConfiguration"),
			       "RollbackTriggers");
}

static bool is_late(const struct stack *stack)
{
	const json_t *deadline = json_object_get(stack->body, "Deadline");

	return deadline && strcmp(work_kind(stack), "CREATE") == 0 &&
	       now_ms(stack->cfn) >= (uint64_t)json_integer_value(deadline);
}

static json_int_t monitoring_minutes(const struct stack *stack)
{
	return json_integer_value(json_object_get(
		json_object_get(stack->body, "RollbackConfiguration"), "MonitoringTimeInMinutes"));
}

/* All is done: how long is it still watched? Without alarms as well: by people, who may cancel. */
static bool is_watched(struct stack *stack)
{
	json_t *work = json_object_get(stack->body, "Work");
	const json_t *until = json_object_get(work, "WatchUntil");
	json_int_t minutes = monitoring_minutes(stack);

	if (!until) {
		put_new(work, "WatchUntil",
			json_integer((json_int_t)now_ms(stack->cfn) + minutes * MINUTE_MS));
		if (minutes)
			stack_save(stack, NULL);
		until = json_object_get(work, "WatchUntil");
	}
	return now_ms(stack->cfn) < (uint64_t)json_integer_value(until);
}

bool triggers_hold(struct stack *stack, bool busy)
{
	const char *kind = work_kind(stack);
	const json_t *triggers = triggers_of(stack);
	bool done;

	if ((strcmp(kind, "CREATE") != 0 && strcmp(kind, "UPDATE") != 0) ||
	    json_object_get(json_object_get(stack->body, "Work"), "Failed"))
		return false;
	if (busy && is_late(stack)) {
		engine_give_up(stack,
			       "Stack creation time exceeded the specified timeout. Rollback "
			       "requested by user.");
		return true;
	}
	if (!json_array_size(triggers) && !monitoring_minutes(stack))
		return false;
	done = !busy && !json_object_get(json_object_get(stack->body, "Work"), "WatchUntil");
	if (done || now_ms(stack->cfn) >= stack->look_ms) {
		stack->look_ms = now_ms(stack->cfn) + LOOK_MS;
		if (is_triggered(stack, triggers)) {
			engine_give_up(stack, text_str(&stack->why));
			return true;
		}
	}
	return !busy && is_watched(stack);
}
