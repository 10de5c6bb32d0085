/*
 * load_balancers: create, describe, delete, and what may be set on them afterwards.
 */
#include "services/elbv2/elbv2_internal.h"

#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAMES_PER_CALL = 20 };

/* Where an alias record would point; Z35SXDOTRQ7X7K for Regions that are not AWS's. */
static const char *hosted_zone(const char *region)
{
	static const struct {
		const char *region, *zone;
	} zones[] = {
		{ "us-east-1", "Z35SXDOTRQ7X7K" },	{ "us-east-2", "Z3AADJGX6KTTL2" },
		{ "us-west-1", "Z368ELLRRE2KJ0" },	{ "us-west-2", "Z1H1FL5HABSF5" },
		{ "eu-west-1", "Z32O12XQLNTSW2" },	{ "eu-west-2", "ZHURV8PSTC4K8" },
		{ "eu-west-3", "Z3Q77PNBQS71R4" },	{ "eu-central-1", "Z215JYRZR1TBD5" },
		{ "eu-north-1", "Z23TAZ6LKFMNIO" },	{ "ap-southeast-1", "Z1LMS91P8CMLE5" },
		{ "ap-southeast-2", "Z1GM3OXH4ZPM65" }, { "ap-south-1", "ZP97RAFLXTNZK" },
		{ "ap-northeast-1", "Z14GRHDCWA56QT" }, { "ap-northeast-2", "ZWKZPGTI48KDX" },
		{ "sa-east-1", "Z2P70J7HTTTPLU" },	{ "ca-central-1", "ZQSVJUPU6J1EY" },
	};

	for (size_t i = 0; i < COUNT(zones); i++)
		if (strcmp(zones[i].region, region) == 0)
			return zones[i].zone;
	return zones[0].zone;
}

/* ---- Subnets and security groups, as EC2 knows them ---- */

static int by_zone_name(const void *a, const void *b)
{
	return strcmp(get_string(*(json_t *const *)a, "ZoneName"),
		      get_string(*(json_t *const *)b, "ZoneName"));
}

static err_t add_zone(struct api_call *call, const json_t *subnet, json_t *zones)
{
	const char *zone = get_string(subnet, "AvailabilityZone");
	json_t *other;
	size_t index;

	json_array_foreach (zones, index, other)
		if (strcmp(get_string(other, "ZoneName"), zone) == 0)
			return api_fault(
				call, "InvalidConfigurationRequest",
				"A load balancer cannot be attached to multiple subnets in the "
				"same Availability Zone");
	if (json_array_append_new(zones, json_pack("{s:s, s:s, s:[]}", "ZoneName", zone, "SubnetId",
						   get_string(subnet, "SubnetId"),
						   "LoadBalancerAddresses")))
		return ERR_NOMEM;
	return ERR_OK;
}

static err_t sort_zones(struct api_call *call, json_t *zones)
{
	size_t count = json_array_size(zones), index;
	json_t **sorted = arena_array(call->arena, count + 1, sizeof *sorted), *zone;

	if (!sorted)
		return ERR_NOMEM;
	json_array_foreach (zones, index, zone)
		sorted[index] = json_incref(zone);
	qsort(sorted, count, sizeof *sorted, by_zone_name);
	for (size_t i = 0; i < count; i++)
		if (json_array_set_new(zones, i, sorted[i]))
			return ERR_NOMEM;
	return ERR_OK;
}

/* The ids of Subnets or of SubnetMappings. */
static err_t subnet_ids(struct api_call *call, json_t **ret_ids)
{
	json_t *subnets = json_object_get(call->input, "Subnets");
	json_t *mappings = json_object_get(call->input, "SubnetMappings"), *mapping;
	json_t *ids = json_array();
	size_t index;

	TRY(call_hold(call, ids));
	if (json_array_size(subnets) && json_array_size(mappings))
		return api_fault(call, "ValidationError",
				 "You can specify either subnets or subnet mappings, but not both");
	json_array_foreach (mappings, index, mapping) {
		if (json_object_size(mapping) != 1 || !get_string(mapping, "SubnetId"))
			return api_fault(
				call, "InvalidConfigurationRequest",
				"Subnet mappings of load balancers with type 'application' can "
				"name a subnet ID only");
		if (json_array_append(ids, json_object_get(mapping, "SubnetId")))
			return ERR_NOMEM;
	}
	if (!json_array_size(mappings) && subnets && json_array_extend(ids, subnets))
		return ERR_NOMEM;
	*ret_ids = ids;
	return ERR_OK;
}

/* EC2 names the first id it does not like; AWS's words here name it, too. */
static err_t subnet_fault(struct api_call *call, const struct api_fault *fault, const json_t *ids)
{
	bool missing = strcmp(fault->code, "InvalidSubnetID.NotFound") == 0;
	json_t *id;
	size_t index;

	json_array_foreach (ids, index, id)
		if (strstr(fault->message, json_string_value(id)))
			return api_fault(call, missing ? "SubnetNotFound" : "InvalidSubnet",
					 "The subnet ID '%s' is not valid", json_string_value(id));
	return api_fault(call, "InvalidSubnet", "%s", fault->message);
}

/* *ret_zones as AvailabilityZones of the answer, by zone; *ret_vpc of the call. */
static err_t zones_of_input(struct api_call *call, json_t **ret_zones, const char **ret_vpc)
{
	json_t *ids, *answer, *zones = json_array(), *subnet;
	struct api_fault fault = { .code = "" };
	const char *vpc = NULL;
	size_t index;
	err_t err;

	TRY(call_hold(call, zones));
	TRY(subnet_ids(call, &ids));
	if (json_array_size(ids) < 2)
		return api_fault(call, "ValidationError",
				 "At least two subnets in two different "
				 "Availability Zones must be specified");
	err = call_ec2(call, "DescribeSubnets", json_pack("{s:O}", "SubnetIds", ids), &answer,
		       &fault);
	if (err)
		return fault.code[0] ? subnet_fault(call, &fault, ids) : err;

	json_array_foreach (json_object_get(answer, "Subnets"), index, subnet) {
		const char *here = get_string(subnet, "VpcId");

		if (vpc && strcmp(vpc, here) != 0)
			return api_fault(call, "InvalidSubnet",
					 "All subnets must be in the same VPC");
		vpc = here;
		TRY(add_zone(call, subnet, zones));
	}
	if (json_array_size(zones) < 2)
		return api_fault(call, "ValidationError",
				 "At least two subnets in two different "
				 "Availability Zones must be specified");
	TRY(sort_zones(call, zones));
	*ret_zones = zones;
	*ret_vpc = vpc;
	return ERR_OK;
}

/* The groups of the input, or the default one of the VPC. */
static err_t groups_of_input(struct api_call *call, const char *vpc, json_t **ret_groups)
{
	json_t *given = json_object_get(call->input, "SecurityGroups"), *answer, *groups, *group,
	       *input;
	struct api_fault fault = { .code = "" };
	size_t index;
	err_t err;

	if (json_array_size(given))
		input = json_pack("{s:O}", "GroupIds", given);
	else
		input = json_pack("{s:[{s:s, s:[s]}, {s:s, s:[s]}]}", "Filters", "Name", "vpc-id",
				  "Values", vpc, "Name", "group-name", "Values", "default");
	err = call_ec2(call, "DescribeSecurityGroups", input, &answer, &fault);
	if (err)
		return fault.code[0] ? api_fault(call, "InvalidSecurityGroup",
						 "One or more security groups are invalid: %s",
						 fault.message)
				     : err;

	groups = json_array();
	TRY(call_hold(call, groups));
	if (json_array_size(given)) {
		*ret_groups = given;
		json_array_foreach (json_object_get(answer, "SecurityGroups"), index, group)
			if (vpc && strcmp(get_string(group, "VpcId"), vpc) != 0)
				return api_fault(
					call, "InvalidConfigurationRequest",
					"One or more security groups are invalid: '%s' is not in "
					"VPC '%s'",
					get_string(group, "GroupId"), vpc);
		return ERR_OK;
	}
	json_array_foreach (json_object_get(answer, "SecurityGroups"), index, group)
		if (json_array_append(groups, json_object_get(group, "GroupId")))
			return ERR_NOMEM;
	*ret_groups = groups;
	return ERR_OK;
}

/* ---- Create ---- */

static err_t check_ip_type(struct api_call *call, const char *type)
{
	if (strcmp(type, "ipv4") == 0)
		return ERR_OK;
	return api_fault(
		call, "InvalidSubnet",
		"The specified subnets do not have an associated IPv6 CIDR block, which IP "
		"address type '%s' requires",
		type);
}

static err_t check_create(struct api_call *call)
{
	const json_t *in = call->input;
	const char *name = get_string(in, "Name"), *type = get_string(in, "Type");
	const char *ip_type = get_string(in, "IpAddressType");
	const char *prefix = get_string(in, "EnablePrefixForIpv6SourceNat");

	TRY(check_name(call, "Load balancer", name));
	if (strncmp(name, "internal-", 9) == 0)
		return api_fault(call, "ValidationError",
				 "Load balancer name '%s' cannot begin with 'internal-'", name);
	if (type && strcmp(type, "application") != 0)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"Load balancers with type '%s' are not supported here: the type must be "
			"'application'",
			type);
	if (ip_type)
		TRY(check_ip_type(call, ip_type));
	if (prefix && strcmp(prefix, "off") != 0)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"EnablePrefixForIpv6SourceNat is not supported for load balancers with "
			"type 'application'");
	if (json_object_get(in, "CustomerOwnedIpv4Pool") || json_object_get(in, "IpamPools"))
		return api_fault(
			call, "InvalidConfigurationRequest",
			"Address pools are not supported: load balancers listen on addresses of "
			"this machine");
	return ERR_OK;
}

static err_t make_api(struct api_call *call, json_t *zones, json_t *groups, const char *vpc,
		      json_t **ret_api)
{
	const struct elbv2 *elbv2 = elbv2_of(call);
	const char *name = get_string(call->input, "Name"),
		   *scheme = get_string(call->input, "Scheme");
	char id[17], *arn, *dns;
	json_t *api;

	if (!scheme)
		scheme = "internet-facing";
	random_hex(id, 16);
	arn = arn_make(call, "loadbalancer/app/%s/%s", name, id);
	dns = arena_printf(call->arena, "%s%s-%u.%s.elb.localhost",
			   strcmp(scheme, "internal") == 0 ? "internal-" : "", name,
			   100000000 + (unsigned)(random_u64() % 1900000000),
			   elbv2->options.region);
	if (!arn || !dns)
		return ERR_NOMEM;
	api = json_pack("{s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:{s:s}, s:s, s:O, s:O, s:s, s:s}",
			"LoadBalancerArn", arn, "DNSName", dns, "CanonicalHostedZoneId",
			hosted_zone(elbv2->options.region), "CreatedTime",
			(json_int_t)elbv2_now_ms(elbv2), "LoadBalancerName", name, "Scheme", scheme,
			"VpcId", vpc, "State", "Code", "active", "Type", "application",
			"AvailabilityZones", zones, "SecurityGroups", groups, "IpAddressType",
			"ipv4", "EnablePrefixForIpv6SourceNat", "off");
	TRY(call_hold(call, api));
	*ret_api = api;
	return ERR_OK;
}

static bool same_set(const json_t *a, const json_t *b)
{
	size_t i, k;

	if (json_array_size(a) != json_array_size(b))
		return false;
	for (i = 0; i < json_array_size(a); i++) {
		for (k = 0; k < json_array_size(b); k++)
			if (json_equal(json_array_get(a, i), json_array_get(b, k)))
				break;
		if (k == json_array_size(b))
			return false;
	}
	return true;
}

/* Attributes and tags are not compared: they may have changed since. */
static bool same_settings(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "Scheme", "VpcId", "Type", "IpAddressType",
					    "AvailabilityZones" };

	for (size_t i = 0; i < COUNT(keys); i++)
		if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
			return false;
	return same_set(json_object_get(a, "SecurityGroups"), json_object_get(b, "SecurityGroups"));
}

static err_t answer_existing(struct api_call *call, const char *name, const char *arn,
			     const json_t *wanted)
{
	json_t *body;

	TRY(record_get(call, KIND_LOAD_BALANCER, arn, &body));
	if (!same_settings(api_part(body), wanted))
		return api_fault(
			call, "DuplicateLoadBalancerName",
			"A load balancer with the same name '%s' exists, but with different "
			"settings",
			name);
	return output_append(call->output, "LoadBalancers", json_deep_copy(api_part(body)));
}

err_t elbv2_create_load_balancer(struct api_call *call)
{
	const char *name = get_string(call->input, "Name"), *vpc, *arn;
	json_t *zones, *groups, *api, *body;
	uint64_t count, sequence;
	char *existing;
	err_t err;

	TRY(check_create(call));
	TRY(zones_of_input(call, &zones, &vpc));
	TRY(groups_of_input(call, vpc, &groups));
	TRY(make_api(call, zones, groups, vpc, &api));

	err = record_named(call, KIND_LOAD_BALANCER, name, &existing);
	if (!err)
		return answer_existing(call, name, existing, api);
	if (err != ERR_NOT_FOUND)
		return err;
	TRY(record_count(call, KIND_LOAD_BALANCER, NULL, &count));
	if (count >= elbv2_of(call)->options.load_balancers_max)
		return api_fault(call, "TooManyLoadBalancers",
				 "The maximum number of load balancers has been reached: '%u'",
				 elbv2_of(call)->options.load_balancers_max);

	TRY(record_sequence(call, &sequence));
	body = json_pack("{s:I, s:O, s:{}, s:{}}", "seq", (json_int_t)sequence, "api", api,
			 "attributes", "tags");
	TRY(call_hold(call, body));
	TRY(tags_merge(call, RESOURCE_LOAD_BALANCER, json_object_get(call->input, "Tags"),
		       json_object_get(body, "tags")));
	arn = get_string(api, "LoadBalancerArn");
	TRY(record_add(call, KIND_LOAD_BALANCER, arn, "", body));
	TRY(record_name(call, KIND_LOAD_BALANCER, name, arn));
	return output_append(call->output, "LoadBalancers", json_deep_copy(api));
}

/* ---- Describe ---- */

static err_t describe_arns(struct api_call *call, json_t *arns)
{
	json_t *arn, *body;
	size_t index;

	json_array_foreach (arns, index, arn) {
		TRY(resource_get(call, RESOURCE_LOAD_BALANCER, json_string_value(arn), &body));
		TRY(output_append(call->output, "LoadBalancers",
				  json_incref((json_t *)api_part(body))));
	}
	return ERR_OK;
}

static err_t describe_names(struct api_call *call, json_t *names)
{
	struct text missing = TEXT_INIT(2048);
	json_t *name, *body;
	size_t index;
	char *arn;
	err_t err;

	json_array_foreach (names, index, name) {
		err = record_named(call, KIND_LOAD_BALANCER, json_string_value(name), &arn);
		if (err == ERR_NOT_FOUND) {
			text_printf(&missing, "%s%s", missing.len ? ", " : "",
				    json_string_value(name));
			continue;
		}
		if (!err)
			err = record_get(call, KIND_LOAD_BALANCER, arn, &body);
		if (!err)
			err = output_append(call->output, "LoadBalancers",
					    json_incref((json_t *)api_part(body)));
		if (err) {
			text_fini(&missing);
			return err;
		}
	}
	err = ERR_OK;
	if (missing.len)
		err = api_fault(call, "LoadBalancerNotFound", "Load balancers '[%s]' not found",
				text_str(&missing));
	text_fini(&missing);
	return err;
}

err_t elbv2_describe_load_balancers(struct api_call *call)
{
	json_t *arns = json_object_get(call->input, "LoadBalancerArns");
	json_t *names = json_object_get(call->input, "Names"), *list, *body;
	struct page page;
	size_t index;

	if (json_array_size(arns) && json_array_size(names))
		return api_fault(call, "ValidationError",
				 "Load balancer names and load balancer ARNs "
				 "cannot be specified at the same time");
	if (json_array_size(arns) > NAMES_PER_CALL || json_array_size(names) > NAMES_PER_CALL)
		return api_fault(call, "ValidationError",
				 "At most '%d' load balancers can be specified", NAMES_PER_CALL);
	TRY(set_new(call->output, "LoadBalancers", json_array()));
	if (json_array_size(arns))
		return describe_arns(call, arns);
	if (json_array_size(names))
		return describe_names(call, names);

	TRY(page_begin(call, 400, &page));
	TRY(record_page(call, KIND_LOAD_BALANCER, &page, &list));
	json_array_foreach (list, index, body)
		TRY(output_append(call->output, "LoadBalancers",
				  json_incref((json_t *)api_part(body))));
	return page_end(&page);
}

/* ---- Delete ---- */

err_t elbv2_delete_load_balancer(struct api_call *call)
{
	const char *given = get_string(call->input, "LoadBalancerArn"), *arn, *scheme;
	json_t *body, *listeners, *listener;
	size_t index;
	err_t err;

	err = resource_get(call, RESOURCE_LOAD_BALANCER, given, &body);
	if (err && strcmp(call->fault.code, "LoadBalancerNotFound") == 0) {
		call->fault = (struct api_fault){ .code = "" };
		return ERR_OK; /* gone already is as good as deleted */
	}
	TRY(err);
	arn = resource_arn(RESOURCE_LOAD_BALANCER, body);
	if (attribute_true(RESOURCE_LOAD_BALANCER, body, "deletion_protection.enabled"))
		return api_fault(
			call, "OperationNotPermitted",
			"Load balancer '%s' cannot be deleted because deletion protection is "
			"enabled",
			arn);

	scheme = get_string(api_part(body), "Scheme");
	TRY(record_list(call, KIND_LISTENER, arn, &listeners));
	json_array_foreach (listeners, index, listener)
		TRY(listener_drop(call, listener, scheme));
	TRY(record_unname(call, KIND_LOAD_BALANCER,
			  get_string(api_part(body), "LoadBalancerName")));
	TRY(record_drop(call, KIND_LOAD_BALANCER, arn));
	return call_after(call, AFTER_CUT_LOAD_BALANCER, NULL, arn);
}

/* ---- Set… ---- */

static err_t load(struct api_call *call, json_t **ret_body)
{
	return resource_get(call, RESOURCE_LOAD_BALANCER,
			    get_string(call->input, "LoadBalancerArn"), ret_body);
}

static err_t save(struct api_call *call, json_t *body)
{
	return record_put(call, KIND_LOAD_BALANCER, resource_arn(RESOURCE_LOAD_BALANCER, body), "",
			  body);
}

err_t elbv2_set_security_groups(struct api_call *call)
{
	json_t *body, *groups;

	TRY(load(call, &body));
	if (json_object_get(call->input, "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"))
		return api_fault(
			call, "InvalidConfigurationRequest",
			"EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic is not supported "
			"for load balancers with type 'application'");
	if (!json_array_size(json_object_get(call->input, "SecurityGroups")))
		return api_fault(call, "ValidationError", "A security group must be specified");
	TRY(groups_of_input(call, get_string(api_part(body), "VpcId"), &groups));

	TRY(set_new(json_object_get(body, "api"), "SecurityGroups", json_incref(groups)));
	TRY(save(call, body));
	return set_new(call->output, "SecurityGroupIds", json_incref(groups));
}

err_t elbv2_set_subnets(struct api_call *call)
{
	const char *ip_type = get_string(call->input, "IpAddressType");
	const char *vpc, *prefix = get_string(call->input, "EnablePrefixForIpv6SourceNat");
	json_t *body, *zones;

	TRY(load(call, &body));
	if (ip_type)
		TRY(check_ip_type(call, ip_type));
	if (prefix && strcmp(prefix, "off") != 0)
		return api_fault(
			call, "InvalidConfigurationRequest",
			"EnablePrefixForIpv6SourceNat is not supported for load balancers with "
			"type 'application'");
	TRY(zones_of_input(call, &zones, &vpc));
	if (strcmp(vpc, get_string(api_part(body), "VpcId")) != 0)
		return api_fault(call, "InvalidSubnet",
				 "The subnets must be in the VPC '%s' of the load balancer",
				 get_string(api_part(body), "VpcId"));

	TRY(set_new(json_object_get(body, "api"), "AvailabilityZones", json_incref(zones)));
	TRY(save(call, body));
	TRY(set_new(call->output, "AvailabilityZones", json_incref(zones)));
	return set_string(call->output, "IpAddressType", "ipv4");
}

err_t elbv2_set_ip_address_type(struct api_call *call)
{
	const char *type = get_string(call->input, "IpAddressType");
	json_t *body;

	TRY(load(call, &body));
	TRY(check_ip_type(call, type));
	return set_string(call->output, "IpAddressType", type);
}
