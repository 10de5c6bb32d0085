/*
 * targets: register, deregister, and how they are.
 */
#include "services/elbv2/elbv2_internal.h"

#include <stdio.h>

enum { TARGETS_PER_GROUP = 1000, TARGETS_PER_LOAD_BALANCER = 1000 };

char *target_key(struct api_call *call, const char *group_arn, const char *id, unsigned port)
{
	return arena_printf(call->arena, "%s %s %u", group_arn, id, port);
}

/* A target as it was given, read: "10.0.0.5:8080" is split, the port defaults to the group's. */
struct given {
	const char *id, *zone;
	uint16_t port;
	struct address address; /* ip targets */
};

static err_t read_id(struct api_call *call, const json_t *group, const json_t *target,
		     struct given *ret_given)
{
	const char *id = get_string(target, "Id");
	struct address address;
	char text[ADDRESS_TEXT_BYTES];

	ret_given->id = id;
	ret_given->port = (uint16_t)get_int(target, "Port", get_int(group, "Port", 0));
	ret_given->zone = get_filled(target, "AvailabilityZone");
	if (group_is_function(group) && !ret_given->zone)
		ret_given->zone = "all";
	if (strcmp(get_string(group, "TargetType"), "ip") != 0)
		return ERR_OK;
	if (!address_parse_ip(bytes_of(id), ret_given->port, &address)) {
		ret_given->address = address;
	} else if (!address_parse(bytes_of(id), &address) && address.port &&
		   (!json_object_get(target, "Port") || ret_given->port == address.port)) {
		ret_given->address = address;
		ret_given->port = address.port;
	} else {
		return ERR_OK;
	}
	address_format_ip(&ret_given->address, text);
	ret_given->id = arena_string(call->arena, bytes_of(text));
	return ret_given->id ? ERR_OK : ERR_NOMEM;
}

static bool is_loopback_or_private(const struct address *address)
{
	return address_is_loopback(address) || address_is_private(address);
}

static err_t check_ip(struct api_call *call, const json_t *group, const struct given *given)
{
	bool wants_v6 = strcmp(get_string(group, "IpAddressType"), "ipv6") == 0;

	if (!given->address.family)
		return api_fault(call, "ValidationError", "The IP address '%s' is not valid",
				 given->id);
	if ((given->address.family == 6) != wants_v6)
		return api_fault(
			call, "InvalidTarget",
			"The IP address '%s' does not match the IP address type '%s' of the target "
			"group",
			given->id, wants_v6 ? "ipv6" : "ipv4");
	if (!is_loopback_or_private(&given->address))
		return api_fault(
			call, "InvalidTarget",
			"The IP address '%s' is not within the VPC, and not a private address: "
			"public addresses cannot be targets",
			given->id);
	return ERR_OK;
}

const struct elbv2_instance *instance_find(const struct elbv2 *elbv2, const char *id)
{
	for (size_t i = 0; i < elbv2->options.instance_count; i++)
		if (strcmp(elbv2->options.instances[i].id, id) == 0)
			return &elbv2->options.instances[i];
	return NULL;
}

static err_t check_instance(struct api_call *call, const struct given *given)
{
	if (given->zone)
		return api_fault(
			call, "ValidationError",
			"An Availability Zone cannot be specified for targets of target groups "
			"with target type 'instance'");
	if (!instance_find(elbv2_of(call), given->id))
		return api_fault(call, "InvalidTarget",
				 "The following targets are not in a running state and cannot be "
				 "registered: '%s'",
				 given->id);
	return ERR_OK;
}

/* ---- Zones of ip targets ---- */

/* As given, if the zone exists; else that of the subnet the address lies in. */
static err_t zone_of(struct api_call *call, const json_t *subnets, struct given *given)
{
	const json_t *subnet;
	struct cidr cidr;
	size_t index;
	bool known = given->zone && strcmp(given->zone, "all") == 0;

	json_array_foreach (subnets, index, subnet) {
		const char *zone = get_string(subnet, "AvailabilityZone");

		if (given->zone)
			known = known || strcmp(given->zone, zone) == 0;
		else if (!cidr_parse(bytes_of(get_string(subnet, "CidrBlock")), &cidr) &&
			 cidr_contains(&cidr, &given->address)) {
			given->zone = zone;
			return ERR_OK;
		}
	}
	if (!given->zone)
		given->zone = "all"; /* outside of the VPC: no zone is nearer than another */
	else if (!known)
		return api_fault(call, "ValidationError", "The Availability Zone '%s' is not valid",
				 given->zone);
	return ERR_OK;
}

/* ---- Register ---- */

static err_t check_target(struct api_call *call, const json_t *body, const json_t *subnets,
			  struct given *given)
{
	const json_t *group = api_part(body);

	if (group_is_function(group))
		return ERR_OK; /* function_target_check looked at it */
	if (strcmp(get_string(group, "TargetType"), "instance") == 0)
		return check_instance(call, given);
	TRY(check_ip(call, group, given));
	TRY(zone_of(call, subnets, given));
	if (strcmp(given->zone, "all") == 0 &&
	    strcmp(attribute_value(RESOURCE_TARGET_GROUP, body,
				   "load_balancing.cross_zone.enabled"),
		   "false") == 0)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"Target '%s' cannot be registered with the Availability Zone 'all' while "
			"cross-zone load balancing is turned off for the target group",
			given->id);
	return ERR_OK;
}

/*
 * An instance that drains comes back at once. An address first finishes its deregistration, as
 * AWS's guide has it; the wish is kept and the sweep fulfils it, so that who replaces a target by
 * itself (a deployment, Terraform) need not wait and ask again.
 */
static err_t register_draining(struct api_call *call, const json_t *group, json_t *target)
{
	if (strcmp(get_string(group, "TargetType"), "ip") == 0)
		return set_new(target, "again", json_true());
	TRY(set_new(target, "draining_until_ms", json_integer(0)));
	return set_new(target, "registered_ms",
		       json_integer((json_int_t)elbv2_now_ms(elbv2_of(call))));
}

static err_t register_again(struct api_call *call, const json_t *group, const char *key,
			    const char *group_arn, json_t *target, const struct given *given)
{
	bool draining = get_int(target, "draining_until_ms", 0) != 0;

	if (!draining &&
	    (!given->zone || strcmp(given->zone, get_string(target, "AvailabilityZone")) == 0))
		return ERR_OK;
	if (draining)
		TRY(register_draining(call, group, target));
	if (given->zone)
		TRY(set_string(target, "AvailabilityZone", given->zone));
	return record_put(call, KIND_TARGET, key, group_arn, target);
}

static err_t register_one(struct api_call *call, const json_t *body, const struct given *given,
			  uint64_t *added)
{
	const char *group_arn = resource_arn(RESOURCE_TARGET_GROUP, body);
	char *key = target_key(call, group_arn, given->id, given->port);
	json_t *target;
	err_t err;

	if (!key)
		return ERR_NOMEM;
	err = record_get(call, KIND_TARGET, key, &target);
	if (!err)
		return register_again(call, api_part(body), key, group_arn, target, given);
	if (err != ERR_NOT_FOUND)
		return err;
	target = json_pack("{s:s, s:s, s:i, s:I, s:i}", "group", group_arn, "Id", given->id, "Port",
			   (int)given->port, "registered_ms",
			   (json_int_t)elbv2_now_ms(elbv2_of(call)), "draining_until_ms", 0);
	TRY(call_hold(call, target));
	if (given->zone)
		TRY(set_string(target, "AvailabilityZone", given->zone));
	(*added)++;
	return record_add(call, KIND_TARGET, key, group_arn, target);
}

static err_t check_counts(struct api_call *call, const char *group_arn)
{
	uint64_t count;
	json_t *load_balancers;

	TRY(record_count(call, KIND_TARGET, group_arn, &count));
	if (count > TARGETS_PER_GROUP)
		return api_fault(call, "TooManyTargets",
				 "A target group can have at most '%d' registered targets",
				 TARGETS_PER_GROUP);
	TRY(uses_load_balancers(call, group_arn, &load_balancers));
	if (!json_array_size(load_balancers))
		return ERR_OK;
	TRY(uses_count_targets(call, json_string_value(json_array_get(load_balancers, 0)), &count));
	if (count > TARGETS_PER_LOAD_BALANCER)
		return api_fault(call, "TooManyTargets",
				 "A load balancer can have at most '%d' registered targets",
				 TARGETS_PER_LOAD_BALANCER);
	return ERR_OK;
}

err_t elbv2_register_targets(struct api_call *call)
{
	json_t *targets = json_object_get(call->input, "Targets"), *target, *body, *answer;
	struct api_fault fault = { .code = "" };
	uint64_t added = 0;
	size_t index;
	err_t err;

	if (!json_array_size(targets))
		return api_fault(call, "ValidationError", "At least one target must be specified");
	TRY(resource_get(call, RESOURCE_TARGET_GROUP, get_string(call->input, "TargetGroupArn"),
			 &body));
	if (group_is_function(api_part(body)))
		TRY(function_target_check(call, body, targets));
	err = call_ec2(call, "DescribeSubnets", json_object(), &answer, &fault);
	if (err)
		return fault.code[0] ? api_fault(call, "InternalFailure", "%s", fault.message)
				     : err;

	json_array_foreach (targets, index, target) {
		struct given given = { .id = NULL };

		TRY(read_id(call, api_part(body), target, &given));
		TRY(check_target(call, body, json_object_get(answer, "Subnets"), &given));
		TRY(register_one(call, body, &given, &added));
	}
	return added ? check_counts(call, resource_arn(RESOURCE_TARGET_GROUP, body)) : ERR_OK;
}

/* ---- Deregister ---- */

/* Requests of a rule that is gone may still run on a target of a group that nobody uses now. */
static bool is_busy(struct api_call *call, const char *group_arn, const struct given *given)
{
	struct target_status status;

	return lb_target_status(elbv2_of(call)->options.lb, bytes_of(group_arn),
				bytes_of(given->id), (uint16_t)given->port, &status) == ERR_OK &&
	       status.requests_in_flight > 0;
}

static err_t deregister_one(struct api_call *call, const json_t *body, const struct given *given,
			    bool in_use)
{
	const char *group_arn = resource_arn(RESOURCE_TARGET_GROUP, body);
	char *key = target_key(call, group_arn, given->id, given->port);
	json_t *target;
	uint64_t now = elbv2_now_ms(elbv2_of(call)), delay;
	err_t err;

	if (!key)
		return ERR_NOMEM;
	err = record_get(call, KIND_TARGET, key, &target);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	if (get_int(target, "draining_until_ms", 0)) {
		if (json_object_del(target, "again"))
			return ERR_OK; /* on its way already */
		return record_put(call, KIND_TARGET, key, group_arn, target);
	}
	/* A function has no connections to drain: what it runs, it finishes. */
	if (group_is_function(api_part(body)) || (!in_use && !is_busy(call, group_arn, given)))
		return record_drop(call, KIND_TARGET, key);

	delay = 1000ULL *
		attribute_int(RESOURCE_TARGET_GROUP, body, "deregistration_delay.timeout_seconds");
	TRY(set_new(target, "draining_since_ms", json_integer((json_int_t)now)));
	TRY(set_new(target, "draining_until_ms", json_integer((json_int_t)(now + delay))));
	return record_put(call, KIND_TARGET, key, group_arn, target);
}

err_t elbv2_deregister_targets(struct api_call *call)
{
	json_t *targets = json_object_get(call->input, "Targets"), *target, *body;
	uint64_t uses;
	size_t index;

	if (!json_array_size(targets))
		return api_fault(call, "ValidationError", "At least one target must be specified");
	TRY(resource_get(call, RESOURCE_TARGET_GROUP, get_string(call->input, "TargetGroupArn"),
			 &body));
	TRY(record_count(call, KIND_USE, resource_arn(RESOURCE_TARGET_GROUP, body), &uses));
	json_array_foreach (targets, index, target) {
		struct given given = { .id = NULL };

		TRY(read_id(call, api_part(body), target, &given));
		TRY(deregister_one(call, body, &given, uses > 0));
	}
	return call_after(call, AFTER_SWEEP, NULL, NULL);
}

err_t targets_drop(struct api_call *call, const char *group_arn)
{
	json_t *targets, *target;
	size_t index;

	TRY(record_list(call, KIND_TARGET, group_arn, &targets));
	json_array_foreach (targets, index, target) {
		char *key = target_key(call, group_arn, get_string(target, "Id"),
				       (unsigned)get_int(target, "Port", 0));

		if (!key)
			return ERR_NOMEM;
		TRY(record_drop(call, KIND_TARGET, key));
	}
	return ERR_OK;
}
