/*
 * type_autoscaling: scalable targets, whose scheduled actions are set one by one, and policies.
 */
#include <string.h>

#include "services/cloudformation/type_hooks.h"

static err_t call(struct resource_step *step, const char *operation, json_t *input,
		  json_t **ret_output)
{
	return call_api(step, "application-autoscaling", operation, input, ret_output);
}

/* What names a target in every operation, from what a template says of it. */
static json_t *target_of(const json_t *properties)
{
	return json_pack("{s:s, s:s, s:s}", "ResourceId", text_at(properties, "ResourceId"),
			 "ScalableDimension", text_at(properties, "ScalableDimension"),
			 "ServiceNamespace", text_at(properties, "ServiceNamespace"));
}

/* ---- Targets ---- */

static bool has_action(const json_t *actions, const char *name)
{
	const json_t *action;
	size_t i;

	json_array_foreach ((json_t *)actions, i, action) {
		if (strcmp(text_at(action, "ScheduledActionName"), name) == 0)
			return true;
	}
	return false;
}

static err_t set_actions(struct resource_step *step)
{
	json_t *wanted = property(step, "ScheduledActions"), *action, *input;
	json_t *had = json_object_get(step->before, "ScheduledActions");
	size_t i;

	json_array_foreach (wanted, i, action) {
		input = target_of(step->properties);
		json_object_update(input, action);
		TRY(call(step, "PutScheduledAction", input, NULL));
	}
	json_array_foreach (had, i, action) {
		if (has_action(wanted, text_at(action, "ScheduledActionName")))
			continue;
		input = target_of(step->properties);
		put_text(input, "ScheduledActionName", text_at(action, "ScheduledActionName"));
		TRY(call(step, "DeleteScheduledAction", input, NULL));
	}
	return ERR_OK;
}

static HOOK(scalable_target_make)
{
	json_t *input = json_copy((json_t *)step->properties);
	const char *id = arena_printf(step->arena, "%s|%s|%s",
				      text_at(step->properties, "ResourceId"),
				      text_at(step->properties, "ScalableDimension"),
				      text_at(step->properties, "ServiceNamespace"));

	json_object_del(input, "ScheduledActions");
	TRY(call(step, "RegisterScalableTarget", input, NULL));
	set_physical_id(step, id);
	put_new(step->record, "Attributes", json_pack("{s:s}", "Id", id));
	return set_actions(step);
}

/* Its policies and scheduled actions go with it. */
static HOOK(scalable_target_remove)
{
	return call(step, "DeregisterScalableTarget", target_of(step->properties), NULL);
}

/* ---- Policies ---- */

/* A policy names its target by parts, or by what Ref of the target gives. */
static json_t *policy_target(const json_t *properties)
{
	struct bytes rest = bytes_of(text_at(properties, "ScalingTargetId")), parts[3];
	size_t count = 0;

	while (count < COUNT(parts) && rest.len && bytes_cut(&rest, '|', &parts[count]))
		count++;
	if (count < COUNT(parts))
		return target_of(properties);
	return json_pack("{s:s%, s:s%, s:s%}", "ResourceId", parts[0].at, parts[0].len,
			 "ScalableDimension", parts[1].at, parts[1].len, "ServiceNamespace",
			 parts[2].at, parts[2].len);
}

static HOOK(scaling_policy_make)
{
	json_t *input = json_copy((json_t *)step->properties), *answer,
	       *target = policy_target(step->properties);

	json_object_del(input, "ScalingTargetId");
	json_object_update(input, target);
	json_decref(target);
	TRY(call(step, "PutScalingPolicy", input, &answer));
	set_physical_id(step, text_at(answer, "PolicyARN"));
	put_new(step->record, "Attributes",
		json_pack("{s:s}", "Arn", text_at(answer, "PolicyARN")));
	json_decref(answer);
	return ERR_OK;
}

static HOOK(scaling_policy_remove)
{
	json_t *input = policy_target(step->properties);

	put_text(input, "PolicyName", text_at(step->properties, "PolicyName"));
	return call(step, "DeleteScalingPolicy", input, NULL);
}

/* ---- Rows ---- */

static const struct resource_type rows[] = {
	{ .name = "AWS::ApplicationAutoScaling::ScalableTarget",
	  .service = "application-autoscaling",
	  .properties = "ServiceNamespace! ResourceId! ScalableDimension! MinCapacity MaxCapacity "
			"RoleARN SuspendedState ScheduledActions",
	  .make = scalable_target_make,
	  .updated = scalable_target_make,
	  .remove = scalable_target_remove,
	  .gone = "ObjectNotFoundException",
	  .attributes = "Id" },
	{ .name = "AWS::ApplicationAutoScaling::ScalingPolicy",
	  .service = "application-autoscaling",
	  .properties = "PolicyName! ScalingTargetId! ServiceNamespace! ResourceId! "
			"ScalableDimension! PolicyType StepScalingPolicyConfiguration "
			"TargetTrackingScalingPolicyConfiguration",
	  .make = scaling_policy_make,
	  .updated = scaling_policy_make,
	  .remove = scaling_policy_remove,
	  .gone = "ObjectNotFoundException",
	  .attributes = "Arn" },
};
const struct type_table autoscaling_types = { rows, COUNT(rows) };
