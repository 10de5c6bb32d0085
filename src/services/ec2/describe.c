/*
 * describe: the Describe operations on records, and the attributes of VPC and account.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

static err_t describe_list(struct api_call *call, const struct ec2_kind *kind, json_t *list)
{
	TRY(ec2_choose(call, kind, list));
	TRY(ec2_filter_list(call, kind->filters, list));
	return ec2_page(call, kind->list, list);
}

static err_t describe(struct api_call *call, const struct ec2_kind *kind)
{
	json_t *list;

	TRY(ec2_list(call, kind, &list));
	return describe_list(call, kind, list);
}

err_t ec2_describe_vpcs(struct api_call *call)
{
	return describe(call, &ec2_vpcs);
}

/* Interfaces take addresses: one each. */
err_t ec2_describe_subnets(struct api_call *call)
{
	json_t *interfaces, *interface, *list, *subnet;
	size_t at, index;

	TRY(ec2_all_interfaces(call, &interfaces));
	TRY(ec2_list(call, &ec2_subnets, &list));
	json_array_foreach (list, index, subnet) {
		json_int_t free_count = json_integer_value(
			json_object_get(subnet, "AvailableIpAddressCount"));

		json_array_foreach (interfaces, at, interface)
			free_count -= ec2_is(interface, "SubnetId", ec2_text(subnet, "SubnetId"));
		if (free_count < 0)
			free_count = 0; /* here more fit in than addresses would allow */
		TRY(ec2_set(subnet, "AvailableIpAddressCount", json_integer(free_count)));
	}
	return describe_list(call, &ec2_subnets, list);
}

static bool is_named(const json_t *names, const json_t *group)
{
	const json_t *name;
	size_t index;

	json_array_foreach (names, index, name)
		if (json_equal(name, json_object_get(group, "GroupName")))
			return true;
	return false;
}

/* By name, too: names are those of the default VPC. */
static err_t choose_names(struct api_call *call, json_t *list)
{
	json_t *names = json_object_get(call->input, "GroupNames"), *name, *group;
	char vpc[EC2_ID_BYTES];
	size_t index, at;

	if (!json_array_size(names))
		return ERR_OK;
	ec2_id(ec2_of(call), "vpc-", "default", vpc);
	for (at = 0; (group = json_array_get(list, at)) != NULL;) {
		if (ec2_is(group, "VpcId", vpc) && is_named(names, group))
			at++;
		else
			json_array_remove(list, at);
	}
	json_array_foreach (names, index, name) {
		bool found = false;

		json_array_foreach (list, at, group)
			found |= json_equal(name, json_object_get(group, "GroupName"));
		if (!found)
			return api_fault(call, "InvalidGroup.NotFound",
					 "The security group '%s' does not exist in default VPC",
					 json_string_value(name));
	}
	return ERR_OK;
}

err_t ec2_describe_security_groups(struct api_call *call)
{
	json_t *list, *presented = json_array(), *group, *body;
	size_t index;

	TRY(ec2_hold(call, presented));
	TRY(ec2_list(call, &ec2_groups, &list));
	TRY(ec2_choose(call, &ec2_groups, list));
	TRY(choose_names(call, list));
	json_array_foreach (list, index, body) {
		TRY(ec2_group_present(call, body, &group));
		TRY(ec2_append(presented, json_incref(group)));
	}
	TRY(ec2_filter_list(call, ec2_groups.filters, presented));
	return ec2_page(call, "SecurityGroups", presented);
}

err_t ec2_describe_route_tables(struct api_call *call)
{
	return describe(call, &ec2_tables);
}

err_t ec2_describe_internet_gateways(struct api_call *call)
{
	return describe(call, &ec2_gateways);
}

/* ---- Attributes ---- */

err_t ec2_describe_vpc_attribute(struct api_call *call)
{
	static const char *const known[][2] = {
		{ "enableDnsSupport", "EnableDnsSupport" },
		{ "enableDnsHostnames", "EnableDnsHostnames" },
		{ "enableNetworkAddressUsageMetrics", "EnableNetworkAddressUsageMetrics" },
	};
	const char *attribute = ec2_text(call->input, "Attribute");
	json_t *vpc;

	TRY(ec2_find_input(call, &ec2_vpcs, &vpc));
	for (size_t i = 0; i < COUNT(known); i++) {
		const json_t *set = json_object_get(json_object_get(vpc, "Attributes"),
						    known[i][1]);
		bool value = set      ? json_is_true(set)
			     : i == 1 ? json_is_true(json_object_get(vpc, "IsDefault"))
				      : i == 0;

		if (strcmp(known[i][0], attribute) != 0)
			continue;
		TRY(ec2_set(call->output, "VpcId", json_string(ec2_text(vpc, "VpcId"))));
		return ec2_set(call->output, known[i][1], json_pack("{s:b}", "Value", (int)value));
	}
	return api_fault(call, "InvalidParameterValue",
			 "Value (%s) for parameter attribute is invalid", attribute);
}

static bool attribute_wanted(const struct api_call *call, const char *name)
{
	const json_t *names = json_object_get(call->input, "AttributeNames"), *asked;
	size_t index;

	json_array_foreach (names, index, asked)
		if (strcmp(json_string_value(asked), name) == 0)
			return true;
	return json_array_size(names) == 0;
}

err_t ec2_describe_account_attributes(struct api_call *call)
{
	char vpc[40];
	const char *rows[][2] = {
		{ "supported-platforms", "VPC" },
		{ "default-vpc", vpc },
		{ "max-instances", "0" }, /* there are none to be had */
		{ "vpc-max-security-groups-per-interface", "5" },
		{ "max-elastic-ips", "0" },
		{ "vpc-max-elastic-ips", "0" },
	};
	json_t *list = json_array();

	ec2_id(ec2_of(call), "vpc-", "default", vpc);
	if (!list || json_object_set_new(call->output, "AccountAttributes", list))
		return ERR_NOMEM;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (attribute_wanted(call, rows[i][0]) &&
		    json_array_append_new(list, json_pack("{s:s, s:[{s:s}]}", "AttributeName",
							  rows[i][0], "AttributeValues",
							  "AttributeValue", rows[i][1])))
			return ERR_NOMEM;
	return ERR_OK;
}

err_t ec2_describe_regions(struct api_call *call)
{
	static const struct ec2_filter filters[] = {
		{ "region-name", "RegionName" },
		{ "endpoint", "Endpoint" },
		{ "opt-in-status", "OptInStatus" },
		{ NULL, NULL },
	};
	const char *region = ec2_of(call)->options.region;
	const json_t *names = json_object_get(call->input, "RegionNames"), *name;
	json_t *list = json_array();
	char endpoint[96];
	size_t index;

	TRY(ec2_hold(call, list));
	json_array_foreach (names, index, name)
		if (strcmp(json_string_value(name), region) != 0)
			return api_fault(call, "InvalidParameterValue", "Invalid region: %s",
					 json_string_value(name));
	snprintf(endpoint, sizeof endpoint, "ec2.%.60s.amazonaws.com", region);
	TRY(ec2_append(list, json_pack("{s:s, s:s, s:s}", "RegionName", region, "Endpoint",
				       endpoint, "OptInStatus", "opt-in-not-required")));
	TRY(ec2_filter_list(call, filters, list));
	return ec2_set(call->output, "Regions", json_incref(list));
}
