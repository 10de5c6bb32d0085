/*
 * target_health: DescribeTargetHealth, as the balancer knows it now.
 */
#include "services/elbv2/elbv2_internal.h"

#include <stdio.h>

static bool wants_anomalies(const struct api_call *call)
{
	json_t *include = json_object_get(call->input, "Include");

	return json_array_size(include) > 0; /* AnomalyDetection, or All */
}

/* An instance that the settings no longer have: the balancer knows nothing of it. */
static bool has_no_address(const struct api_call *call, const char *id)
{
	struct address address;

	return address_parse_ip(bytes_of(id), 0, &address) &&
	       !instance_find(call->service->state, id);
}

/* One of our own listeners: a request to it would come back to us. */
static bool is_ours(struct api_call *call, const char *id, uint16_t port)
{
	struct address address;

	return !address_parse_ip(bytes_of(id), port, &address) &&
	       lb_is_bound(elbv2_of(call)->options.lb, &address);
}

/* What the balancer says; before its first plan with this target, what follows from the store. */
static void status_of(struct api_call *call, const json_t *body, const json_t *target, bool in_use,
		      struct target_status *ret_status)
{
	const char *group_arn = resource_arn(RESOURCE_TARGET_GROUP, body);
	bool is_function = group_is_function(api_part(body));
	const char *id = get_string(target, "Id");
	uint16_t port = (uint16_t)get_int(target, "Port", 0);
	struct target_status status = { .state = HEALTH_INITIAL,
					.reason = HEALTH_REGISTRATION_IN_PROGRESS };

	if (!is_function && has_no_address(call, id)) {
		status.state = HEALTH_UNUSED;
		status.reason = HEALTH_INVALID_STATE;
	} else if (is_ours(call, id, port)) {
		status.state = HEALTH_UNUSED;
		status.reason = HEALTH_IP_UNUSABLE;
	} else if (lb_target_status(elbv2_of(call)->options.lb, bytes_of(group_arn), bytes_of(id),
				    port, ret_status) == ERR_OK) {
		return;
	} else if (get_int(target, "draining_until_ms", 0)) {
		status.state = HEALTH_DRAINING;
		status.reason = HEALTH_DEREGISTRATION_IN_PROGRESS;
	} else if (!in_use) {
		status.state = HEALTH_UNUSED;
		status.reason = HEALTH_NOT_IN_USE;
	}
	*ret_status = status;
}

static json_t *health_json(const struct target_status *status)
{
	json_t *health = json_pack("{s:s}", "State", health_state_name(status->state));
	const char *reason = health_reason_name(status->reason);
	const char *words = status->description[0] ? status->description
						   : health_reason_words(status->reason);

	if (health && reason && set_string(health, "Reason", reason)) {
		json_decref(health);
		return NULL;
	}
	if (health && words && set_string(health, "Description", words)) {
		json_decref(health);
		return NULL;
	}
	return health;
}

static err_t add_description(struct api_call *call, const json_t *group, const json_t *target,
			     const struct target_status *status)
{
	const char *zone = get_string(target, "AvailabilityZone");
	const char *configured = get_string(group, "HealthCheckPort");
	char port[8] = "";
	json_t *row;

	if (!configured)
		; /* a function's */
	else if (strcmp(configured, "traffic-port") == 0)
		snprintf(port, sizeof port, "%u", (unsigned)get_int(target, "Port", 0));
	else
		snprintf(port, sizeof port, "%s", configured);
	row = json_pack("{s:{s:s, s:I}, s:s, s:o, s:{s:s, s:s, s:s}}", "Target", "Id",
			get_string(target, "Id"), "Port", (json_int_t)get_int(target, "Port", 0),
			"HealthCheckPort", port, "TargetHealth", health_json(status),
			"AdministrativeOverride", "State", "no_override", "Reason",
			"AdministrativeOverride.NoOverride", "Description",
			"No override is currently active on target");
	TRY(call_hold(call, row));
	if (!configured) {
		json_object_del(row, "HealthCheckPort");
		json_object_del(json_object_get(row, "Target"), "Port");
	}
	if (zone)
		TRY(set_string(json_object_get(row, "Target"), "AvailabilityZone", zone));
	if (wants_anomalies(call))
		TRY(set_new(row, "AnomalyDetection",
			    json_pack("{s:s, s:s}", "Result",
				      status->anomalous ? "anomalous" : "normal",
				      "MitigationInEffect", status->mitigated ? "yes" : "no")));
	return output_append(call->output, "TargetHealthDescriptions", json_incref(row));
}

static err_t describe_registered(struct api_call *call, const json_t *body, const json_t *target,
				 bool in_use)
{
	struct target_status status;

	status_of(call, body, target, in_use, &status);
	return add_description(call, api_part(body), target, &status);
}

/* A target that was asked for by name and is not there is "unused", not an error. */
static err_t describe_named(struct api_call *call, const json_t *body, const json_t *asked,
			    bool in_use)
{
	const json_t *group = api_part(body);
	unsigned port = (unsigned)get_int(asked, "Port", get_int(group, "Port", 0));
	char *key = target_key(call, resource_arn(RESOURCE_TARGET_GROUP, body),
			       get_string(asked, "Id"), port);
	struct target_status status = { .state = HEALTH_UNUSED, .reason = HEALTH_NOT_REGISTERED };
	json_t *target;
	err_t err;

	if (!key)
		return ERR_NOMEM;
	err = record_get(call, KIND_TARGET, key, &target);
	if (!err)
		return describe_registered(call, body, target, in_use);
	if (err != ERR_NOT_FOUND)
		return err;
	target = json_pack("{s:s, s:I}", "Id", get_string(asked, "Id"), "Port", (json_int_t)port);
	TRY(call_hold(call, target));
	return add_description(call, group, target, &status);
}

err_t elbv2_describe_target_health(struct api_call *call)
{
	json_t *asked = json_object_get(call->input, "Targets"), *body, *targets, *target;
	uint64_t uses;
	size_t index;

	TRY(resource_get(call, RESOURCE_TARGET_GROUP, get_string(call->input, "TargetGroupArn"),
			 &body));
	TRY(record_count(call, KIND_USE, resource_arn(RESOURCE_TARGET_GROUP, body), &uses));
	TRY(set_new(call->output, "TargetHealthDescriptions", json_array()));
	if (json_array_size(asked)) {
		json_array_foreach (asked, index, target)
			TRY(describe_named(call, body, target, uses > 0));
		return ERR_OK;
	}
	TRY(record_list(call, KIND_TARGET, resource_arn(RESOURCE_TARGET_GROUP, body), &targets));
	json_array_foreach (targets, index, target)
		TRY(describe_registered(call, body, target, uses > 0));
	return ERR_OK;
}
