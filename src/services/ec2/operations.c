/*
 * operations: the table of EC2's operations that exist here, and their shapes. On the wire EC2
 * has names of its own; a member says its own where that is not its name with a small letter.
 */
#include "services/ec2/ec2_internal.h"

#define M(name_, shape_)                           \
	{                                          \
		.name = (name_), .shape = (shape_) \
	}
#define W(name_, shape_, wire_)                                     \
	{                                                           \
		.name = (name_), .shape = (shape_), .wire = (wire_) \
	}
#define STRUCTURE(id, ...)                                                                        \
	static const struct api_shape id = { .kind = API_STRUCTURE,                               \
					     .members = (const struct api_member[]){ __VA_ARGS__, \
										     API_END } }
#define LIST(id, item_) static const struct api_shape id = { .kind = API_LIST, .item = (item_) }

LIST(strings, &api_string);
STRUCTURE(tag, M("Key", &api_string), M("Value", &api_string));
LIST(tags, &tag);
STRUCTURE(filter, M("Name", &api_string), W("Values", &strings, "Value"));
LIST(filters, &filter);

#define DESCRIBE_INPUT(id, ids_, wire_)                                           \
	STRUCTURE(id, W("Filters", &filters, "Filter"), W(ids_, &strings, wire_), \
		  M("NextToken", &api_string), M("MaxResults", &api_integer),     \
		  M("DryRun", &api_boolean))

/* ---- VPCs ---- */
DESCRIBE_INPUT(describe_vpcs_input, "VpcIds", "VpcId");
STRUCTURE(state, M("State", &api_string));
STRUCTURE(vpc_cidr, M("AssociationId", &api_string), M("CidrBlock", &api_string),
	  M("CidrBlockState", &state));
LIST(vpc_cidrs, &vpc_cidr);
STRUCTURE(vpc, M("VpcId", &api_string), M("OwnerId", &api_string), M("CidrBlock", &api_string),
	  M("State", &api_string), M("DhcpOptionsId", &api_string),
	  M("InstanceTenancy", &api_string), M("IsDefault", &api_boolean),
	  M("CidrBlockAssociationSet", &vpc_cidrs), W("Tags", &tags, "tagSet"));
LIST(vpc_list, &vpc);
STRUCTURE(describe_vpcs_output, W("Vpcs", &vpc_list, "vpcSet"));

STRUCTURE(boolean_value, M("Value", &api_boolean));
static const struct api_shape describe_vpc_attribute_input = {
	.kind = API_STRUCTURE,
	.members =
		(const struct api_member[]){
			{ .name = "Attribute", .shape = &api_string, .required = true },
			{ .name = "VpcId", .shape = &api_string, .required = true },
			{ .name = "DryRun", .shape = &api_boolean },
			API_END,
		},
};
STRUCTURE(describe_vpc_attribute_output, M("VpcId", &api_string),
	  M("EnableDnsHostnames", &boolean_value), M("EnableDnsSupport", &boolean_value),
	  M("EnableNetworkAddressUsageMetrics", &boolean_value));

/* ---- Subnets ---- */
DESCRIBE_INPUT(describe_subnets_input, "SubnetIds", "SubnetId");
STRUCTURE(subnet_ipv6, M("AssociationId", &api_string), M("Ipv6CidrBlock", &api_string));
LIST(subnet_ipv6s, &subnet_ipv6);
STRUCTURE(subnet, M("SubnetId", &api_string), M("SubnetArn", &api_string), M("VpcId", &api_string),
	  M("OwnerId", &api_string), M("AvailabilityZone", &api_string),
	  M("AvailabilityZoneId", &api_string), M("CidrBlock", &api_string),
	  M("State", &api_string), M("DefaultForAz", &api_boolean),
	  M("MapPublicIpOnLaunch", &api_boolean), M("AssignIpv6AddressOnCreation", &api_boolean),
	  M("Ipv6Native", &api_boolean), M("EnableDns64", &api_boolean),
	  M("AvailableIpAddressCount", &api_integer),
	  M("Ipv6CidrBlockAssociationSet", &subnet_ipv6s), W("Tags", &tags, "tagSet"));
LIST(subnet_list, &subnet);
STRUCTURE(describe_subnets_output, W("Subnets", &subnet_list, "subnetSet"));

/* ---- Security groups ---- */
STRUCTURE(describe_security_groups_input, W("Filters", &filters, "Filter"),
	  W("GroupIds", &strings, "GroupId"), W("GroupNames", &strings, "GroupName"),
	  M("NextToken", &api_string), M("MaxResults", &api_integer), M("DryRun", &api_boolean));
STRUCTURE(group_pair, M("UserId", &api_string), M("GroupId", &api_string),
	  M("Description", &api_string));
LIST(group_pairs, &group_pair);
STRUCTURE(ip_range, M("CidrIp", &api_string), M("Description", &api_string));
LIST(ip_ranges, &ip_range);
STRUCTURE(ipv6_range, M("CidrIpv6", &api_string), M("Description", &api_string));
LIST(ipv6_ranges, &ipv6_range);
STRUCTURE(prefix_list, M("PrefixListId", &api_string), M("Description", &api_string));
LIST(prefix_lists, &prefix_list);
STRUCTURE(permission, M("IpProtocol", &api_string), M("FromPort", &api_integer),
	  M("ToPort", &api_integer), W("UserIdGroupPairs", &group_pairs, "groups"),
	  M("IpRanges", &ip_ranges), M("Ipv6Ranges", &ipv6_ranges),
	  M("PrefixListIds", &prefix_lists));
LIST(permissions, &permission);
STRUCTURE(security_group, M("GroupId", &api_string), M("SecurityGroupArn", &api_string),
	  M("GroupName", &api_string), W("Description", &api_string, "groupDescription"),
	  M("VpcId", &api_string), M("OwnerId", &api_string), M("IpPermissions", &permissions),
	  M("IpPermissionsEgress", &permissions), W("Tags", &tags, "tagSet"));
LIST(security_groups, &security_group);
STRUCTURE(describe_security_groups_output,
	  W("SecurityGroups", &security_groups, "securityGroupInfo"));

/* ---- Route tables ---- */
DESCRIBE_INPUT(describe_route_tables_input, "RouteTableIds", "RouteTableId");
STRUCTURE(association, M("Main", &api_boolean), M("RouteTableAssociationId", &api_string),
	  M("RouteTableId", &api_string), M("SubnetId", &api_string),
	  M("AssociationState", &state));
LIST(associations, &association);
STRUCTURE(route, M("DestinationCidrBlock", &api_string), M("GatewayId", &api_string),
	  M("Origin", &api_string), M("State", &api_string));
LIST(routes, &route);
STRUCTURE(propagating, M("GatewayId", &api_string));
LIST(propagatings, &propagating);
STRUCTURE(route_table, M("RouteTableId", &api_string), M("VpcId", &api_string),
	  M("OwnerId", &api_string), W("Associations", &associations, "associationSet"),
	  W("Routes", &routes, "routeSet"),
	  W("PropagatingVgws", &propagatings, "propagatingVgwSet"), W("Tags", &tags, "tagSet"));
LIST(route_tables, &route_table);
STRUCTURE(describe_route_tables_output, W("RouteTables", &route_tables, "routeTableSet"));

/* ---- Internet gateways ---- */
DESCRIBE_INPUT(describe_internet_gateways_input, "InternetGatewayIds", "InternetGatewayId");
STRUCTURE(attachment, M("State", &api_string), M("VpcId", &api_string));
LIST(attachments, &attachment);
STRUCTURE(gateway, M("InternetGatewayId", &api_string), M("OwnerId", &api_string),
	  W("Attachments", &attachments, "attachmentSet"), W("Tags", &tags, "tagSet"));
LIST(gateways, &gateway);
STRUCTURE(describe_internet_gateways_output,
	  W("InternetGateways", &gateways, "internetGatewaySet"));

/* ---- Zones and the account ---- */
STRUCTURE(describe_availability_zones_input, W("Filters", &filters, "Filter"),
	  W("ZoneNames", &strings, "ZoneName"), W("ZoneIds", &strings, "ZoneId"),
	  M("AllAvailabilityZones", &api_boolean), M("DryRun", &api_boolean));
STRUCTURE(message, M("Message", &api_string));
LIST(messages, &message);
STRUCTURE(zone, M("ZoneName", &api_string), M("ZoneId", &api_string),
	  W("State", &api_string, "zoneState"), M("OptInStatus", &api_string),
	  M("RegionName", &api_string), M("GroupName", &api_string),
	  M("NetworkBorderGroup", &api_string), M("ZoneType", &api_string),
	  W("Messages", &messages, "messageSet"));
LIST(zones, &zone);
STRUCTURE(describe_availability_zones_output,
	  W("AvailabilityZones", &zones, "availabilityZoneInfo"));

STRUCTURE(describe_account_attributes_input, W("AttributeNames", &strings, "attributeName"),
	  M("DryRun", &api_boolean));
STRUCTURE(attribute_value, M("AttributeValue", &api_string));
LIST(attribute_values, &attribute_value);
STRUCTURE(account_attribute, M("AttributeName", &api_string),
	  W("AttributeValues", &attribute_values, "attributeValueSet"));
LIST(account_attributes, &account_attribute);
STRUCTURE(describe_account_attributes_output,
	  W("AccountAttributes", &account_attributes, "accountAttributeSet"));

#define OPERATION(name_, handler_)                                                \
	{                                                                         \
		.name = #name_, .permission = "ec2:" #name_, .effect = API_READS, \
		.input = &handler_##_input, .output = &handler_##_output,         \
		.handle = ec2_##handler_,                                         \
	}

const struct api_operation ec2_operations[] = {
	OPERATION(DescribeAccountAttributes, describe_account_attributes),
	OPERATION(DescribeAvailabilityZones, describe_availability_zones),
	OPERATION(DescribeInternetGateways, describe_internet_gateways),
	OPERATION(DescribeRouteTables, describe_route_tables),
	OPERATION(DescribeSecurityGroups, describe_security_groups),
	OPERATION(DescribeSubnets, describe_subnets),
	OPERATION(DescribeVpcAttribute, describe_vpc_attribute),
	OPERATION(DescribeVpcs, describe_vpcs),
};
const size_t ec2_operation_count = COUNT(ec2_operations);
