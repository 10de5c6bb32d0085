/*
 * target_groups: create, describe, modify, delete.
 */
#include "services/elbv2/elbv2_internal.h"

#include "crypto/random.h"

enum { TARGET_GROUPS_MAX = 3000, TARGET_GROUP_NAMES_PER_CALL = 100 };

/* ---- Create ---- */

static err_t check_type(struct api_call *call, const char *type)
{
	if (strcmp(type, "alb") == 0)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"Target type 'alb' is supported only with protocol 'TCP', which network "
			"load balancers use: an application load balancer forwards to targets of "
			"type 'instance', 'ip' or 'lambda'");
	return ERR_OK;
}

static err_t check_protocol(struct api_call *call)
{
	const char *protocol = get_string(call->input, "Protocol");
	const char *version = get_filled(call->input, "ProtocolVersion");

	if (!protocol)
		return api_fault(call, "ValidationError", "A protocol must be specified");
	if (strcmp(protocol, "HTTP") != 0 && strcmp(protocol, "HTTPS") != 0)
		return api_fault(call, "ValidationError",
				 "Target group protocol '%s' must be one of 'HTTP, HTTPS'",
				 protocol);
	/* Terraform says "" where it says nothing. */
	if (!version || !version[0] || strcmp(version, "HTTP1") == 0 ||
	    strcmp(version, "HTTP2") == 0 || strcmp(version, "GRPC") == 0)
		return ERR_OK;
	return api_fault(call, "ValidationError",
			 "Protocol version '%s' must be one of 'GRPC, HTTP1, HTTP2'", version);
}

static err_t check_create(struct api_call *call)
{
	const json_t *in = call->input;
	const char *type = get_string(in, "TargetType");

	TRY(check_name(call, "Target group", get_string(in, "Name")));
	if (type)
		TRY(check_type(call, type));
	if (group_is_function(in))
		return function_group_check(call);
	TRY(check_protocol(call));
	if (!json_object_get(in, "Port"))
		return api_fault(call, "ValidationError", "A port must be specified");
	if (!get_filled(in, "VpcId"))
		return api_fault(call, "ValidationError", "A VPC ID must be specified");
	if (json_object_get(in, "TargetControlPort"))
		return api_fault(call, "InvalidConfigurationRequest",
				 "A target control port is not supported yet");
	return ERR_OK;
}

static err_t check_vpc(struct api_call *call, const char *vpc)
{
	struct api_fault fault = { .code = "" };
	json_t *answer;
	err_t err;

	err = call_ec2(call, "DescribeVpcs", json_pack("{s:[s]}", "VpcIds", vpc), &answer, &fault);
	if (err && fault.code[0])
		return api_fault(call, "ValidationError", "The VPC ID '%s' is not found", vpc);
	return err;
}

static err_t make_api(struct api_call *call, json_t **ret_api)
{
	const json_t *in = call->input;
	const char *name = get_string(in, "Name"), *type = get_string(in, "TargetType");
	const char *ip_type = get_string(in, "IpAddressType");
	const char *version = get_filled(in, "ProtocolVersion");
	bool grpc = version && strcmp(version, "GRPC") == 0;
	char id[17], *arn;
	json_t *api;

	random_hex(id, 16);
	arn = arn_make(call, "targetgroup/%s/%s", name, id);
	if (!arn)
		return ERR_NOMEM;
	if (group_is_function(in)) {
		api = function_group_make(call, arn);
		TRY(call_hold(call, api));
		TRY(health_check_set(call, in, api));
		*ret_api = api;
		return ERR_OK;
	}
	api = json_pack(
		"{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:s, s:{s:s}, s:s, "
		"s:s, s:s}",
		"TargetGroupArn", arn, "TargetGroupName", name, "Protocol",
		get_string(in, "Protocol"), "Port", (json_int_t)get_int(in, "Port", 0), "VpcId",
		get_string(in, "VpcId"), "HealthCheckProtocol", "HTTP", "HealthCheckPort",
		"traffic-port", "HealthCheckEnabled", 1, "HealthCheckIntervalSeconds", 30,
		"HealthCheckTimeoutSeconds", 5, "HealthyThresholdCount", 5,
		"UnhealthyThresholdCount", 2, "HealthCheckPath",
		grpc ? "/AWS.ALB/healthcheck" : "/", "Matcher", grpc ? "GrpcCode" : "HttpCode",
		grpc ? "12" : "200", "TargetType", type ? type : "instance", "ProtocolVersion",
		version && version[0] ? version : "HTTP1", "IpAddressType",
		ip_type ? ip_type : "ipv4");
	TRY(call_hold(call, api));
	TRY(health_check_set(call, in, api));
	*ret_api = api;
	return ERR_OK;
}

static err_t answer_existing(struct api_call *call, const char *arn, json_t *wanted)
{
	json_t *body, *same;

	TRY(record_get(call, KIND_TARGET_GROUP, arn, &body));
	TRY(copy_held(call, wanted, &same));
	TRY(set_string(same, "TargetGroupArn", arn));
	if (!json_equal(same, api_part(body)))
		return api_fault(
			call, "DuplicateTargetGroupName",
			"A target group with the same name '%s' exists, but with different "
			"settings",
			get_string(wanted, "TargetGroupName"));
	return target_group_present(call, body);
}

err_t elbv2_create_target_group(struct api_call *call)
{
	const char *name = get_string(call->input, "Name"), *arn;
	uint64_t count, sequence;
	json_t *api, *body;
	char *existing;
	err_t err;

	TRY(check_create(call));
	if (!group_is_function(call->input))
		TRY(check_vpc(call, get_string(call->input, "VpcId")));
	TRY(make_api(call, &api));

	err = record_named(call, KIND_TARGET_GROUP, name, &existing);
	if (!err)
		return answer_existing(call, existing, api);
	if (err != ERR_NOT_FOUND)
		return err;
	TRY(record_count(call, KIND_TARGET_GROUP, NULL, &count));
	if (count >= TARGET_GROUPS_MAX)
		return api_fault(call, "TooManyTargetGroups",
				 "The maximum number of target groups has been reached: '%d'",
				 TARGET_GROUPS_MAX);

	TRY(record_sequence(call, &sequence));
	body = json_pack("{s:I, s:O, s:{}, s:{}}", "seq", (json_int_t)sequence, "api", api,
			 "attributes", "tags");
	TRY(call_hold(call, body));
	TRY(tags_merge(call, RESOURCE_TARGET_GROUP, json_object_get(call->input, "Tags"),
		       json_object_get(body, "tags")));
	arn = get_string(api, "TargetGroupArn");
	TRY(record_add(call, KIND_TARGET_GROUP, arn, "", body));
	TRY(record_name(call, KIND_TARGET_GROUP, name, arn));
	return target_group_present(call, body);
}

/* ---- Describe ---- */

err_t target_group_present(struct api_call *call, json_t *body)
{
	json_t *api, *arns;

	TRY(copy_held(call, api_part(body), &api));
	TRY(uses_load_balancers(call, resource_arn(RESOURCE_TARGET_GROUP, body), &arns));
	TRY(set_new(api, "LoadBalancerArns", json_incref(arns)));
	return output_append(call->output, "TargetGroups", json_incref(api));
}

static err_t describe_arns(struct api_call *call, json_t *arns)
{
	json_t *arn, *body;
	size_t index;

	json_array_foreach (arns, index, arn) {
		TRY(resource_get(call, RESOURCE_TARGET_GROUP, json_string_value(arn), &body));
		TRY(target_group_present(call, body));
	}
	return ERR_OK;
}

static err_t describe_names(struct api_call *call, json_t *names)
{
	json_t *name, *body;
	size_t index;
	char *arn;
	err_t err;

	json_array_foreach (names, index, name) {
		err = record_named(call, KIND_TARGET_GROUP, json_string_value(name), &arn);
		if (err == ERR_NOT_FOUND)
			return resource_missing(call, RESOURCE_TARGET_GROUP, NULL);
		TRY(err);
		TRY(record_get(call, KIND_TARGET_GROUP, arn, &body));
		TRY(target_group_present(call, body));
	}
	return ERR_OK;
}

/* Whether this group is one of those that the load balancer asked for uses; NULL asks for all. */
static err_t is_used_by(struct api_call *call, json_t *body, const char *load_balancer_arn,
			bool *ret_used)
{
	json_t *arns, *arn;
	size_t index;

	*ret_used = !load_balancer_arn;
	if (!load_balancer_arn)
		return ERR_OK;
	TRY(uses_load_balancers(call, resource_arn(RESOURCE_TARGET_GROUP, body), &arns));
	json_array_foreach (arns, index, arn)
		*ret_used |= strcmp(json_string_value(arn), load_balancer_arn) == 0;
	return ERR_OK;
}

err_t elbv2_describe_target_groups(struct api_call *call)
{
	json_t *arns = json_object_get(call->input, "TargetGroupArns");
	json_t *names = json_object_get(call->input, "Names"), *list, *body;
	const char *load_balancer = get_string(call->input, "LoadBalancerArn");
	struct page page;
	size_t index;

	if ((json_array_size(arns) > 0) + (json_array_size(names) > 0) + (load_balancer != NULL) >
	    1)
		return api_fault(
			call, "ValidationError",
			"Target group names, target group ARNs, and a load balancer ARN cannot be "
			"specified at the same time");
	if (json_array_size(arns) > TARGET_GROUP_NAMES_PER_CALL ||
	    json_array_size(names) > TARGET_GROUP_NAMES_PER_CALL)
		return api_fault(call, "ValidationError",
				 "At most '%d' target groups can be specified",
				 TARGET_GROUP_NAMES_PER_CALL);
	TRY(set_new(call->output, "TargetGroups", json_array()));
	if (json_array_size(arns))
		return describe_arns(call, arns);
	if (json_array_size(names))
		return describe_names(call, names);

	if (load_balancer) {
		TRY(resource_get(call, RESOURCE_LOAD_BALANCER, load_balancer, &body));
		load_balancer = resource_arn(RESOURCE_LOAD_BALANCER, body);
	}
	TRY(page_begin(call, 100, &page));
	TRY(record_list(call, KIND_TARGET_GROUP, NULL, &list));
	json_array_foreach (list, index, body) {
		bool used;

		TRY(is_used_by(call, body, load_balancer, &used));
		if (used && page_take(&page, (uint64_t)get_int(body, "seq", 0)))
			TRY(target_group_present(call, body));
	}
	return page_end(&page);
}

/* ---- Modify and delete ---- */

err_t elbv2_modify_target_group(struct api_call *call)
{
	json_t *body;

	TRY(resource_get(call, RESOURCE_TARGET_GROUP, get_string(call->input, "TargetGroupArn"),
			 &body));
	TRY(health_check_set(call, call->input, json_object_get(body, "api")));
	TRY(record_put(call, KIND_TARGET_GROUP, resource_arn(RESOURCE_TARGET_GROUP, body), "",
		       body));
	return target_group_present(call, body);
}

err_t elbv2_delete_target_group(struct api_call *call)
{
	const char *given = get_string(call->input, "TargetGroupArn"), *arn;
	json_t *body;
	uint64_t uses;
	err_t err;

	err = resource_get(call, RESOURCE_TARGET_GROUP, given, &body);
	if (err && strcmp(call->fault.code, "TargetGroupNotFound") == 0) {
		call->fault = (struct api_fault){ .code = "" };
		return ERR_OK;
	}
	TRY(err);
	arn = resource_arn(RESOURCE_TARGET_GROUP, body);
	TRY(record_count(call, KIND_USE, arn, &uses));
	if (uses)
		return api_fault(call, "ResourceInUse",
				 "Target group '%s' is currently in use by a listener or a rule",
				 arn);

	TRY(targets_drop(call, arn));
	TRY(record_unname(call, KIND_TARGET_GROUP, get_string(api_part(body), "TargetGroupName")));
	return record_drop(call, KIND_TARGET_GROUP, arn);
}
