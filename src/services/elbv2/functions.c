/*
 * functions: target groups whose target is a Lambda function (reference §9.1): what they have
 * instead of protocol, port and VPC, which attributes mean something for them, who may be in them.
 */
#include "services/elbv2/attributes.h"

#include <stdlib.h>

bool group_is_function(const json_t *group)
{
	const char *type = get_string(group, "TargetType");

	return type && strcmp(type, "lambda") == 0;
}

/* ---- Groups ---- */

err_t function_group_check(struct api_call *call)
{
	static const char *const fields[] = {
		"Protocol",	   "ProtocolVersion",  "Port", "VpcId", "HealthCheckProtocol",
		"HealthCheckPort", "TargetControlPort"
	};

	for (size_t i = 0; i < COUNT(fields); i++) {
		const json_t *given = json_object_get(call->input, fields[i]);

		/* Terraform says "" where it says nothing. */
		if (given && !(json_is_string(given) && !json_string_length(given)))
			return api_fault(call, "ValidationError",
					 "'%s' cannot be specified for target groups with target "
					 "type 'lambda'",
					 fields[i]);
	}
	return ERR_OK;
}

json_t *function_group_make(const struct api_call *call, const char *arn)
{
	return json_pack("{s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:s, s:{s:s}, s:s, s:s}",
			 "TargetGroupArn", arn, "TargetGroupName", get_string(call->input, "Name"),
			 "HealthCheckEnabled", 0, "HealthCheckIntervalSeconds", 35,
			 "HealthCheckTimeoutSeconds", 30, "HealthyThresholdCount", 5,
			 "UnhealthyThresholdCount", 2, "HealthCheckPath", "/", "Matcher",
			 "HttpCode", "200", "TargetType", "lambda", "IpAddressType", "ipv4");
}

/* ---- Attributes ---- */

bool function_group_has(const struct attribute *row)
{
	static const char *const keys[] = { "stickiness.enabled", "stickiness.type",
					    "load_balancing.cross_zone.enabled" };

	if (row->effect == EFFECT_WEIR)
		return strcmp(row->key, "weir.timeout.connect_ms") != 0;
	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(row->key, keys[i]) == 0)
			return true;
	return row->effect == EFFECT_FUNCTION ||
	       bytes_starts(bytes_of(row->key), BYTES("target_group_health."));
}

err_t function_group_lacks(struct api_call *call, const char *type, const char *key)
{
	return api_fault(call, "InvalidConfigurationRequest",
			 "A target group with target type '%s' does not support the attribute %s",
			 type, key);
}

err_t function_group_rules(struct api_call *call, const json_t *group)
{
	static const struct {
		const char *key, *value;
	} refused[] = { { "stickiness.enabled", "true" },
			{ "stickiness.type", "app_cookie" },
			{ "load_balancing.cross_zone.enabled", "false" } };

	if (!group_is_function(api_part(group)))
		return ERR_OK;
	for (size_t i = 0; i < COUNT(refused); i++)
		if (strcmp(attribute_value(RESOURCE_TARGET_GROUP, group, refused[i].key),
			   refused[i].value) == 0)
			return api_fault(call, "InvalidConfigurationRequest",
					 "A target group with target type 'lambda' does not "
					 "support '%s' for the attribute %s",
					 refused[i].value, refused[i].key);
	return ERR_OK;
}

/* ---- The one target ---- */

static err_t check_arn(struct api_call *call, const char *id)
{
	const struct elbv2_options *options = &elbv2_of(call)->options;
	const char *start = arena_printf(
		call->arena, "arn:aws:lambda:%s:%s:function:", options->region, options->account);

	if (!start)
		return ERR_NOMEM;
	if (strlen(id) < 256 && bytes_starts(bytes_of(id), bytes_of(start)) && id[strlen(start)])
		return ERR_OK;
	return api_fault(call, "InvalidTarget",
			 "The target '%s' is not the ARN of a Lambda function of this account and "
			 "Region ('%sNAME', and a version or an alias after that)",
			 id, start);
}

static err_t check_permission(struct api_call *call, const char *group_arn, const char *id)
{
	const struct elbv2_options *options = &elbv2_of(call)->options;
	err_t err = ERR_NOT_FOUND;

	call_leave_store(call);
	if (options->may_invoke)
		err = options->may_invoke(options->owner, group_arn, id);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "InvalidTarget", "The Lambda function '%s' does not exist",
				 id);
	if (err == ERR_DENIED)
		return api_fault(call, "AccessDenied",
				 "elasticloadbalancing principal does not have permission to "
				 "invoke %s from target group %s",
				 id, group_arn);
	return err;
}

err_t function_target_check(struct api_call *call, const json_t *body, const json_t *targets)
{
	const char *group_arn = resource_arn(RESOURCE_TARGET_GROUP, body);
	const json_t *target = json_array_get(targets, 0);
	const char *id = get_string(target, "Id"), *zone = get_filled(target, "AvailabilityZone");
	json_t *registered;

	if (json_array_size(targets) > 1)
		return api_fault(call, "TooManyTargets",
				 "A target group with target type 'lambda' can have one target "
				 "only");
	if (json_object_get(target, "Port"))
		return api_fault(call, "ValidationError",
				 "A port cannot be specified for targets of target groups with "
				 "target type 'lambda'");
	if (zone && strcmp(zone, "all") != 0)
		return api_fault(call, "ValidationError",
				 "The Availability Zone of targets of target groups with target "
				 "type 'lambda' can be 'all' only");
	TRY(check_arn(call, id));
	TRY(record_list(call, KIND_TARGET, group_arn, &registered));
	if (json_array_size(registered) &&
	    strcmp(get_string(json_array_get(registered, 0), "Id"), id) != 0)
		return api_fault(call, "TooManyTargets",
				 "A target group with target type 'lambda' can have one target "
				 "only, and has '%s': deregister it first",
				 get_string(json_array_get(registered, 0), "Id"));
	return check_permission(call, group_arn, id);
}
