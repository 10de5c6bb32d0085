/*
 * describe: the Describe operations on records, one row each.
 */
#include "services/ec2/ec2_internal.h"

struct described {
	const char *kind;
	const char *ids;		 /* input: "VpcIds" */
	const char *list;		 /* output: "Vpcs" */
	const char *id;			 /* of a record: "VpcId" */
	const char *prefix;		 /* what its ids begin with */
	const char *malformed, *missing; /* error codes */
	const char *noun;		 /* "vpc ID" */
	const struct ec2_filter *filters;
};

static const struct ec2_filter vpc_filters[] = {
	{ "vpc-id", "VpcId" },
	{ "cidr", "CidrBlock" },
	{ "cidr-block", "CidrBlock" },
	{ "isDefault", "IsDefault" },
	{ "is-default", "IsDefault" },
	{ "state", "State" },
	{ "owner-id", "OwnerId" },
	{ "dhcp-options-id", "DhcpOptionsId" },
	{ "cidr-block-association.cidr-block", "CidrBlockAssociationSet.CidrBlock" },
	{ "cidr-block-association.association-id", "CidrBlockAssociationSet.AssociationId" },
	{ "cidr-block-association.state", "CidrBlockAssociationSet.CidrBlockState.State" },
	{ NULL, NULL },
};

static const struct ec2_filter subnet_filters[] = {
	{ "subnet-id", "SubnetId" },
	{ "vpc-id", "VpcId" },
	{ "availability-zone", "AvailabilityZone" },
	{ "availabilityZone", "AvailabilityZone" },
	{ "availability-zone-id", "AvailabilityZoneId" },
	{ "availabilityZoneId", "AvailabilityZoneId" },
	{ "cidr", "CidrBlock" },
	{ "cidr-block", "CidrBlock" },
	{ "cidrBlock", "CidrBlock" },
	{ "default-for-az", "DefaultForAz" },
	{ "defaultForAz", "DefaultForAz" },
	{ "map-public-ip-on-launch", "MapPublicIpOnLaunch" },
	{ "state", "State" },
	{ "owner-id", "OwnerId" },
	{ "subnet-arn", "SubnetArn" },
	{ "available-ip-address-count", "AvailableIpAddressCount" },
	{ "ipv6-native", "Ipv6Native" },
	{ NULL, NULL },
};

static const struct ec2_filter group_filters[] = {
	{ "group-id", "GroupId" },
	{ "group-name", "GroupName" },
	{ "description", "Description" },
	{ "vpc-id", "VpcId" },
	{ "owner-id", "OwnerId" },
	{ "ip-permission.cidr", "IpPermissions.IpRanges.CidrIp" },
	{ "ip-permission.protocol", "IpPermissions.IpProtocol" },
	{ "ip-permission.from-port", "IpPermissions.FromPort" },
	{ "ip-permission.to-port", "IpPermissions.ToPort" },
	{ "ip-permission.group-id", "IpPermissions.UserIdGroupPairs.GroupId" },
	{ "egress.ip-permission.cidr", "IpPermissionsEgress.IpRanges.CidrIp" },
	{ "egress.ip-permission.protocol", "IpPermissionsEgress.IpProtocol" },
	{ NULL, NULL },
};

static const struct ec2_filter table_filters[] = {
	{ "route-table-id", "RouteTableId" },
	{ "vpc-id", "VpcId" },
	{ "owner-id", "OwnerId" },
	{ "association.main", "Associations.Main" },
	{ "association.route-table-association-id", "Associations.RouteTableAssociationId" },
	{ "association.route-table-id", "Associations.RouteTableId" },
	{ "association.subnet-id", "Associations.SubnetId" },
	{ "association.gateway-id", "Associations.GatewayId" },
	{ "route.destination-cidr-block", "Routes.DestinationCidrBlock" },
	{ "route.gateway-id", "Routes.GatewayId" },
	{ "route.nat-gateway-id", "Routes.NatGatewayId" },
	{ "route.origin", "Routes.Origin" },
	{ "route.state", "Routes.State" },
	{ NULL, NULL },
};

static const struct ec2_filter gateway_filters[] = {
	{ "internet-gateway-id", "InternetGatewayId" },
	{ "attachment.vpc-id", "Attachments.VpcId" },
	{ "attachment.state", "Attachments.State" },
	{ "owner-id", "OwnerId" },
	{ NULL, NULL },
};

static const struct described vpcs = {
	EC2_VPC,
	"VpcIds",
	"Vpcs",
	"VpcId",
	"vpc-",
	"InvalidVpcID.Malformed",
	"InvalidVpcID.NotFound",
	"vpc ID",
	vpc_filters,
};
static const struct described subnets = {
	EC2_SUBNET,
	"SubnetIds",
	"Subnets",
	"SubnetId",
	"subnet-",
	"InvalidSubnetID.Malformed",
	"InvalidSubnetID.NotFound",
	"subnet ID",
	subnet_filters,
};
static const struct described groups = {
	EC2_SECURITY_GROUP,
	"GroupIds",
	"SecurityGroups",
	"GroupId",
	"sg-",
	"InvalidGroupId.Malformed",
	"InvalidGroup.NotFound",
	"security group",
	group_filters,
};
static const struct described tables = {
	EC2_ROUTE_TABLE,
	"RouteTableIds",
	"RouteTables",
	"RouteTableId",
	"rtb-",
	"InvalidRouteTableId.Malformed",
	"InvalidRouteTableID.NotFound",
	"routeTable ID",
	table_filters,
};
static const struct described gateways = {
	EC2_INTERNET_GATEWAY,
	"InternetGatewayIds",
	"InternetGateways",
	"InternetGatewayId",
	"igw-",
	"InvalidInternetGatewayId.Malformed",
	"InvalidInternetGatewayID.NotFound",
	"internetGateway ID",
	gateway_filters,
};

static err_t check_dry_run(struct api_call *call)
{
	if (!json_is_true(json_object_get(call->input, "DryRun")))
		return ERR_OK;
	api_fault(call, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.");
	call->fault.status = 412;
	return ERR_INVALID;
}

static err_t check_ids(struct api_call *call, const struct described *row)
{
	json_t *ids = json_object_get(call->input, row->ids), *id, *body;
	size_t index;
	err_t err;

	json_array_foreach(ids, index, id)
	{
		const char *text = json_string_value(id);

		if (strncmp(text, row->prefix, strlen(row->prefix)) != 0)
			return api_fault(call, row->malformed,
					 "Invalid id: \"%s\" (expecting \"%s...\")", text,
					 row->prefix);
		err = store_get(call->transaction, row->kind, text, &body, NULL);
		if (err == ERR_NOT_FOUND)
			return api_fault(call, row->missing, "The %s '%s' does not exist",
					 row->noun, text);
		TRY(err);
		json_decref(body);
	}
	return ERR_OK;
}

static bool append_body(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

static bool is_asked_for(const struct api_call *call, const struct described *row,
			 const json_t *body)
{
	const json_t *ids = json_object_get(call->input, row->ids), *id;
	size_t index;

	json_array_foreach(ids, index,
			   id) if (json_equal(id, json_object_get(body, row->id))) return true;
	return json_array_size(ids) == 0;
}

static err_t describe(struct api_call *call, const struct described *row)
{
	json_t *list = json_array(), *body;
	bool match;

	if (!list || json_object_set_new(call->output, row->list, list))
		return ERR_NOMEM;
	TRY(check_dry_run(call));
	TRY(check_ids(call, row));
	TRY(store_each(call->transaction, row->kind, NULL, NULL, append_body, list));
	for (size_t i = 0; (body = json_array_get(list, i)) != NULL;) {
		TRY(ec2_filters_match(call, row->filters, body, &match));
		if (match && is_asked_for(call, row, body))
			i++;
		else
			json_array_remove(list, i);
	}
	return ERR_OK;
}

err_t ec2_describe_vpcs(struct api_call *call)
{
	return describe(call, &vpcs);
}

err_t ec2_describe_subnets(struct api_call *call)
{
	return describe(call, &subnets);
}

/* By name, too: names are those of the default VPC. */
err_t ec2_describe_security_groups(struct api_call *call)
{
	json_t *names = json_object_get(call->input, "GroupNames"), *name, *list, *body;
	size_t index, at;

	TRY(describe(call, &groups));
	list = json_object_get(call->output, "SecurityGroups");
	json_array_foreach(names, index, name)
	{
		bool found = false;

		json_array_foreach(list, at, body)
			found |= json_equal(name, json_object_get(body, "GroupName"));
		if (!found)
			return api_fault(call, "InvalidGroup.NotFound",
					 "The security group '%s' does not exist in default VPC",
					 json_string_value(name));
	}
	for (at = 0; json_array_size(names) && at < json_array_size(list);) {
		bool wanted = false;

		json_array_foreach(names, index, name) wanted |= json_equal(
			name, json_object_get(json_array_get(list, at), "GroupName"));
		if (wanted)
			at++;
		else
			json_array_remove(list, at);
	}
	return ERR_OK;
}

err_t ec2_describe_route_tables(struct api_call *call)
{
	return describe(call, &tables);
}

err_t ec2_describe_internet_gateways(struct api_call *call)
{
	return describe(call, &gateways);
}

/* ---- Attributes ---- */

err_t ec2_describe_vpc_attribute(struct api_call *call)
{
	static const struct {
		const char *asked, *member;
		bool value;
	} known[] = {
		{ "enableDnsSupport", "EnableDnsSupport", true },
		{ "enableDnsHostnames", "EnableDnsHostnames", true },
		{ "enableNetworkAddressUsageMetrics", "EnableNetworkAddressUsageMetrics", false },
	};
	const char *vpc = json_string_value(json_object_get(call->input, "VpcId"));
	const char *attribute = json_string_value(json_object_get(call->input, "Attribute"));
	json_t *body;
	err_t err;

	err = store_get(call->transaction, EC2_VPC, vpc, &body, NULL);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist",
				 vpc);
	TRY(err);
	json_decref(body);
	for (size_t i = 0; i < COUNT(known); i++) {
		if (strcmp(known[i].asked, attribute) != 0)
			continue;
		if (json_object_set_new(call->output, "VpcId", json_string(vpc)) ||
		    json_object_set_new(call->output, known[i].member,
					json_pack("{s:b}", "Value", (int)known[i].value)))
			return ERR_NOMEM;
		return ERR_OK;
	}
	return api_fault(call, "InvalidParameterValue",
			 "Value (%s) for parameter attribute is invalid", attribute);
}

static bool attribute_wanted(const struct api_call *call, const char *name)
{
	const json_t *names = json_object_get(call->input, "AttributeNames"), *asked;
	size_t index;

	json_array_foreach(names, index,
			   asked) if (strcmp(json_string_value(asked), name) == 0) return true;
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
