/*
 * targets: a task's places in its service's target groups. elbv2 is asked as any client would
 * ask; how a target is, the balancer says itself.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

#include "base/log.h"

static json_t *input_for(const json_t *target)
{
	return json_pack("{s:s, s:[{s:s, s:O}]}", "TargetGroupArn", text_of(target, "group"),
			 "Targets", "Id", text_of(target, "id"), "Port",
			 json_object_get(target, "port"));
}

static err_t ask(struct ecs *ecs, const char *operation, const json_t *target,
		 struct api_fault *ret_fault)
{
	json_t *output = NULL;
	err_t err = ecs_house_ask(ecs, "elasticloadbalancing", operation, input_for(target),
				  &output, ret_fault);

	if (!err)
		json_decref(output);
	return err;
}

err_t targets_register(struct ecs *ecs, json_t *task, char why[TARGETS_WHY_BYTES])
{
	struct api_fault fault;
	json_t *target;
	size_t i;

	json_array_foreach (json_object_get(task, "_targets"), i, target) {
		err_t err = ask(ecs, "RegisterTargets", target, &fault);

		if (!err)
			continue;
		snprintf(why, TARGETS_WHY_BYTES,
			 "Unable to register in (target-group %.300s): %.150s",
			 text_of(target, "group"), fault.code[0] ? fault.message : err_words(err));
		return err;
	}
	return ERR_OK;
}

/* A group that was deleted meanwhile has no targets any more: that is as good. */
void targets_deregister(struct ecs *ecs, const json_t *task)
{
	struct api_fault fault;
	json_t *target;
	size_t i;

	json_array_foreach (json_object_get(task, "_targets"), i, target)
		if (ask(ecs, "DeregisterTargets", target, &fault) &&
		    strcmp(fault.code, "TargetGroupNotFound") != 0)
			log_warn("ecs", "%s cannot be deregistered: %s", text_of(target, "id"),
				 fault.message);
}

static bool is_gone(struct ecs *ecs, const json_t *target)
{
	struct api_fault fault;
	json_t *output = NULL;
	const char *state;
	bool gone;

	if (ecs_house_ask(ecs, "elasticloadbalancing", "DescribeTargetHealth", input_for(target),
			  &output, &fault))
		return true;
	state = text_of(
		json_object_get(
			json_array_get(json_object_get(output, "TargetHealthDescriptions"), 0),
			"TargetHealth"),
		"State");
	gone = strcmp(state, "draining") != 0;
	json_decref(output);
	return gone;
}

bool targets_gone(struct ecs *ecs, const json_t *task)
{
	json_t *target;
	size_t i;

	json_array_foreach (json_object_get(task, "_targets"), i, target)
		if (!is_gone(ecs, target))
			return false;
	return true;
}

static bool status_of(struct ecs *ecs, const json_t *target, struct target_status *ret_status)
{
	return !lb_target_status(ecs->options.lb, bytes_of(text_of(target, "group")),
				 bytes_of(text_of(target, "id")),
				 (uint16_t)number_of(target, "port", 0), ret_status);
}

/* Not asked by any load balancer any more counts as healthy: there is nothing to be sick of. */
bool targets_healthy(struct ecs *ecs, const json_t *task, char why[TARGETS_WHY_BYTES])
{
	struct target_status status;
	json_t *target;
	bool all = true;
	size_t i;

	why[0] = '\0';
	json_array_foreach (json_object_get(task, "_targets"), i, target) {
		if (!status_of(ecs, target, &status)) {
			all = false;
			continue;
		}
		all &= status.state == HEALTH_HEALTHY || status.state == HEALTH_UNUSED;
		if (status.state == HEALTH_UNHEALTHY)
			snprintf(why, TARGETS_WHY_BYTES,
				 "(port %lld) is unhealthy in (target-group %.300s) due to "
				 "(reason %.100s)",
				 (long long)number_of(target, "port", 0), text_of(target, "group"),
				 status.description);
	}
	return all;
}

uint32_t targets_in_flight(struct ecs *ecs, const json_t *task)
{
	struct target_status status;
	uint32_t sum = 0;
	json_t *target;
	size_t i;

	json_array_foreach (json_object_get(task, "_targets"), i, target)
		if (status_of(ecs, target, &status))
			sum += status.requests_in_flight;
	return sum;
}
