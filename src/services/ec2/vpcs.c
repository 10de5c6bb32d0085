/*
 * vpcs: VPCs and subnets, made, changed and deleted.
 */
#include "services/ec2/ec2_internal.h"

#include "net/address.h"

enum { VPCS_MAX = 5, SUBNETS_MAX = 200, RESERVED_ADDRESSES = 5 };

/* ---- VPCs ---- */

static err_t refuse_given(struct api_call *call, const char *const *members)
{
	for (; *members; members++) {
		const json_t *value = json_object_get(call->input, *members);

		if (value && !json_is_false(value))
			return api_fault(call, "UnsupportedOperation",
					 "The parameter %s is not supported here", *members);
	}
	return ERR_OK;
}

/* Everything in front of a new one: main table, default group. The default ACL is derived. */
static err_t furnish(struct api_call *call, const char *vpc, const char *cidr)
{
	const struct ec2 *ec2 = ec2_of(call);
	char id[EC2_ID_BYTES], association[EC2_ID_BYTES];
	json_t *table, *group;

	ec2_random_id("rtb-", id);
	ec2_random_id("rtbassoc-", association);
	table = ec2_new_table(ec2, id, vpc, cidr);
	TRY(ec2_hold(call, table));
	TRY(ec2_append(json_object_get(table, "Associations"),
		       ec2_new_association(association, id, NULL)));
	TRY(ec2_add(call, &ec2_tables, json_incref(table)));

	ec2_random_id("sg-", id);
	group = ec2_new_group(ec2, id, "default", "default VPC security group", vpc);
	TRY(ec2_hold(call, group));
	TRY(ec2_append(json_object_get(group, "Rules"),
		       ec2_new_rule(false, "-1", -1, -1, "ReferencedGroupInfo",
				    json_pack("{s:s, s:s}", "GroupId", id, "UserId",
					      ec2->options.account))));
	return ec2_add(call, &ec2_groups, json_incref(group));
}

err_t ec2_create_vpc(struct api_call *call)
{
	static const char *const refused[] = { "AmazonProvidedIpv6CidrBlock", "Ipv6CidrBlock",
					       "Ipv4IpamPoolId", "Ipv6IpamPoolId", NULL };
	const char *given = ec2_text(call->input, "CidrBlock");
	char cidr_text[EC2_CIDR_BYTES], id[EC2_ID_BYTES];
	json_t *vpc, *tags, *list;
	struct cidr cidr;

	TRY(refuse_given(call, refused));
	if (!given)
		return api_fault(call, "MissingParameter",
				 "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
	TRY(ec2_cidr(call, given, 4, &cidr, cidr_text));
	if (cidr.bits < 16 || cidr.bits > 28)
		return api_fault(call, "InvalidVpc.Range", "The CIDR '%s' is invalid.", cidr_text);
	TRY(ec2_tags_of_input(call, "vpc", &tags));
	TRY(ec2_list(call, &ec2_vpcs, &list));
	if (json_array_size(list) >= VPCS_MAX)
		return api_fault(call, "VpcLimitExceeded",
				 "The maximum number of VPCs has been reached.");
	ec2_random_id("vpc-", id);
	vpc = ec2_new_vpc(ec2_of(call), id, cidr_text, false);
	TRY(ec2_hold(call, vpc));
	if (ec2_text(call->input, "InstanceTenancy"))
		TRY(ec2_set(vpc, "InstanceTenancy",
			    json_incref(json_object_get(call->input, "InstanceTenancy"))));
	TRY(ec2_set(vpc, "Tags", json_incref(tags)));
	TRY(ec2_add(call, &ec2_vpcs, json_incref(vpc)));
	TRY(furnish(call, id, cidr_text));
	return ec2_set(call->output, "Vpc", json_incref(vpc));
}

static err_t drop_parts(struct api_call *call, const struct ec2_kind *kind, const char *vpc)
{
	json_t *list, *body;
	size_t index;

	TRY(ec2_list(call, kind, &list));
	json_array_foreach (list, index, body)
		if (ec2_is(body, "VpcId", vpc))
			TRY(ec2_drop(call, kind, ec2_text(body, kind->id)));
	return ERR_OK;
}

/* Whether anything is in the VPC beside what came with it. */
static err_t vpc_in_use(struct api_call *call, const char *vpc, bool *ret_used)
{
	json_t *list, *body;
	size_t index;
	bool used;

	TRY(ec2_any(call, &ec2_subnets, "VpcId", vpc, ret_used));
	TRY(ec2_any(call, &ec2_gateways, "Attachments.VpcId", vpc, &used));
	*ret_used |= used;
	TRY(ec2_list(call, &ec2_groups, &list));
	json_array_foreach (list, index, body)
		*ret_used |= ec2_is(body, "VpcId", vpc) && !ec2_is(body, "GroupName", "default");
	TRY(ec2_list(call, &ec2_tables, &list));
	json_array_foreach (list, index, body)
		*ret_used |= ec2_is(body, "VpcId", vpc) &&
			     !json_is_true(json_object_get(
				     json_array_get(json_object_get(body, "Associations"), 0),
				     "Main"));
	return ERR_OK;
}

err_t ec2_delete_vpc(struct api_call *call)
{
	const char *id = ec2_text(call->input, "VpcId");
	json_t *vpc;
	bool used;

	TRY(ec2_find_input(call, &ec2_vpcs, &vpc));
	TRY(vpc_in_use(call, id, &used));
	if (used)
		return api_fault(call, "DependencyViolation",
				 "The vpc '%s' has dependencies and cannot be deleted.", id);
	TRY(drop_parts(call, &ec2_tables, id));
	TRY(drop_parts(call, &ec2_groups, id));
	TRY(ec2_drop(call, &ec2_vpcs, id));
	return ec2_answer_true(call);
}

err_t ec2_modify_vpc_attribute(struct api_call *call)
{
	static const char *const names[] = { "EnableDnsHostnames", "EnableDnsSupport",
					     "EnableNetworkAddressUsageMetrics" };
	json_t *vpc, *attributes;
	unsigned given = 0;

	TRY(ec2_find_input(call, &ec2_vpcs, &vpc));
	if (!json_object_get(vpc, "Attributes"))
		TRY(ec2_set(vpc, "Attributes", json_object()));
	attributes = json_object_get(vpc, "Attributes");
	for (size_t i = 0; i < COUNT(names); i++) {
		json_t *value = json_object_get(json_object_get(call->input, names[i]), "Value");

		if (!value)
			continue;
		given++;
		TRY(ec2_set(attributes, names[i], json_incref(value)));
	}
	if (given != 1)
		return api_fault(call, "InvalidParameterCombination",
				 "Exactly one attribute can be modified at a time");
	TRY(ec2_save(call, &ec2_vpcs, vpc));
	return ec2_answer_true(call);
}

/* ---- Subnets ---- */

static err_t zone_of_input(struct api_call *call, unsigned *ret_zone)
{
	const char *name = ec2_text(call->input, "AvailabilityZone");
	const char *id = ec2_text(call->input, "AvailabilityZoneId");
	char text[32];

	*ret_zone = 0;
	if (!name && !id)
		return ERR_OK;
	for (; *ret_zone < EC2_ZONES; ++*ret_zone) {
		if (name)
			ec2_zone_name(ec2_of(call), *ret_zone, text);
		else
			ec2_zone_id(ec2_of(call), *ret_zone, text);
		if (strcmp(text, name ? name : id) == 0)
			return ERR_OK;
	}
	return api_fault(call, "InvalidParameterValue",
			 "Value (%s) for parameter %s is invalid. Subnets can currently only be "
			 "created in the Availability Zones of this Region.",
			 name ? name : id, name ? "availabilityZone" : "availabilityZoneId");
}

static bool overlap(const struct cidr *a, const struct cidr *b)
{
	return cidr_contains(a, &b->base) || cidr_contains(b, &a->base);
}

static err_t check_subnet(struct api_call *call, const json_t *vpc, const struct cidr *cidr,
			  const char *text)
{
	json_t *list, *other;
	struct cidr outer;
	size_t index;

	if (cidr_parse(bytes_of(ec2_text(vpc, "CidrBlock")), &outer))
		return ERR_STORE;
	if (cidr->bits < 16 || cidr->bits > 28 || cidr->bits < outer.bits ||
	    !cidr_contains(&outer, &cidr->base))
		return api_fault(call, "InvalidSubnet.Range", "The CIDR '%s' is invalid.", text);
	TRY(ec2_list(call, &ec2_subnets, &list));
	if (json_array_size(list) >= SUBNETS_MAX)
		return api_fault(call, "SubnetLimitExceeded",
				 "The maximum number of subnets has been reached.");
	json_array_foreach (list, index, other) {
		if (!ec2_is(other, "VpcId", ec2_text(vpc, "VpcId")))
			continue;
		if (cidr_parse(bytes_of(ec2_text(other, "CidrBlock")), &outer))
			return ERR_STORE;
		if (overlap(&outer, cidr))
			return api_fault(call, "InvalidSubnet.Conflict",
					 "The CIDR '%s' conflicts with another subnet", text);
	}
	return ERR_OK;
}

err_t ec2_create_subnet(struct api_call *call)
{
	static const char *const refused[] = { "Ipv6CidrBlock",	 "Ipv6Native",	   "OutpostArn",
					       "Ipv4IpamPoolId", "Ipv6IpamPoolId", NULL };
	const char *given = ec2_text(call->input, "CidrBlock");
	char text[EC2_CIDR_BYTES], id[EC2_ID_BYTES];
	struct ec2_new_subnet made = { .id = id, .cidr = text };
	json_t *vpc, *subnet, *tags;
	struct cidr cidr;

	TRY(refuse_given(call, refused));
	TRY(ec2_find_input(call, &ec2_vpcs, &vpc));
	if (!given)
		return api_fault(call, "MissingParameter",
				 "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
	TRY(ec2_cidr(call, given, 4, &cidr, text));
	TRY(check_subnet(call, vpc, &cidr, text));
	TRY(zone_of_input(call, &made.zone));
	TRY(ec2_tags_of_input(call, "subnet", &tags));
	ec2_random_id("subnet-", id);
	made.vpc = ec2_text(vpc, "VpcId");
	made.addresses = (1U << (32 - cidr.bits)) - RESERVED_ADDRESSES;
	subnet = ec2_new_subnet(ec2_of(call), &made);
	TRY(ec2_hold(call, subnet));
	TRY(ec2_set(subnet, "Tags", json_incref(tags)));
	TRY(ec2_add(call, &ec2_subnets, json_incref(subnet)));
	return ec2_set(call->output, "Subnet", json_incref(subnet));
}

/* Its association with a route table goes with it. */
static err_t leave_tables(struct api_call *call, const char *subnet)
{
	json_t *list, *table, *association;
	size_t index, at;

	TRY(ec2_list(call, &ec2_tables, &list));
	json_array_foreach (list, index, table) {
		json_t *associations = json_object_get(table, "Associations");

		json_array_foreach (associations, at, association) {
			if (!ec2_is(association, "SubnetId", subnet))
				continue;
			json_array_remove(associations, at);
			TRY(ec2_save(call, &ec2_tables, table));
			break;
		}
	}
	return ERR_OK;
}

err_t ec2_delete_subnet(struct api_call *call)
{
	const char *id = ec2_text(call->input, "SubnetId");
	json_t *subnet, *interfaces;

	TRY(ec2_all_interfaces(call, &interfaces));
	TRY(ec2_find_input(call, &ec2_subnets, &subnet));
	if (ec2_path_has(interfaces, "SubnetId", id))
		return api_fault(call, "DependencyViolation",
				 "The subnet '%s' has dependencies and cannot be deleted.", id);
	TRY(leave_tables(call, id));
	TRY(ec2_drop(call, &ec2_subnets, id));
	return ec2_answer_true(call);
}

err_t ec2_modify_subnet_attribute(struct api_call *call)
{
	static const char *const kept[] = { "MapPublicIpOnLaunch", "EnableDns64" };
	static const char *const refused[] = { "AssignIpv6AddressOnCreation",
					       "MapCustomerOwnedIpOnLaunch" };
	json_t *subnet, *value;

	TRY(ec2_find_input(call, &ec2_subnets, &subnet));
	for (size_t i = 0; i < COUNT(refused); i++)
		if (json_is_true(
			    json_object_get(json_object_get(call->input, refused[i]), "Value")))
			return api_fault(call, "InvalidParameterValue",
					 "Invalid value 'true' for %s: the subnet has no such "
					 "addresses",
					 refused[i]);
	for (size_t i = 0; i < COUNT(kept); i++) {
		value = json_object_get(json_object_get(call->input, kept[i]), "Value");
		if (value)
			TRY(ec2_set(subnet, kept[i], json_incref(value)));
	}
	TRY(ec2_save(call, &ec2_subnets, subnet));
	return ec2_answer_true(call);
}
