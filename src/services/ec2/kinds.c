/*
 * kinds: what is recorded, and by what names it is filtered.
 */
#include "services/ec2/ec2_internal.h"

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
	{ "ip-permission.ipv6-cidr", "IpPermissions.Ipv6Ranges.CidrIpv6" },
	{ "ip-permission.prefix-list-id", "IpPermissions.PrefixListIds.PrefixListId" },
	{ "ip-permission.group-id", "IpPermissions.UserIdGroupPairs.GroupId" },
	{ "ip-permission.user-id", "IpPermissions.UserIdGroupPairs.UserId" },
	{ "ip-permission.group-name", "IpPermissions.UserIdGroupPairs.GroupName" },
	{ "egress.ip-permission.cidr", "IpPermissionsEgress.IpRanges.CidrIp" },
	{ "egress.ip-permission.ipv6-cidr", "IpPermissionsEgress.Ipv6Ranges.CidrIpv6" },
	{ "egress.ip-permission.prefix-list-id", "IpPermissionsEgress.PrefixListIds.PrefixListId" },
	{ "egress.ip-permission.protocol", "IpPermissionsEgress.IpProtocol" },
	{ "egress.ip-permission.from-port", "IpPermissionsEgress.FromPort" },
	{ "egress.ip-permission.to-port", "IpPermissionsEgress.ToPort" },
	{ "egress.ip-permission.group-id", "IpPermissionsEgress.UserIdGroupPairs.GroupId" },
	{ "egress.ip-permission.group-name", "IpPermissionsEgress.UserIdGroupPairs.GroupName" },
	{ "egress.ip-permission.user-id", "IpPermissionsEgress.UserIdGroupPairs.UserId" },
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

static const struct ec2_filter prefix_list_filters[] = {
	{ "prefix-list-id", "PrefixListId" },
	{ "prefix-list-name", "PrefixListName" },
	{ "owner-id", "OwnerId" },
	{ NULL, NULL },
};

const struct ec2_kind ec2_vpcs = {
	EC2_VPC,
	"vpc",
	"VpcIds",
	"Vpcs",
	"VpcId",
	"vpc-",
	"InvalidVpcID.Malformed",
	"InvalidVpcID.NotFound",
	"vpc ID",
	vpc_filters,
};
const struct ec2_kind ec2_subnets = {
	EC2_SUBNET,
	"subnet",
	"SubnetIds",
	"Subnets",
	"SubnetId",
	"subnet-",
	"InvalidSubnetID.Malformed",
	"InvalidSubnetID.NotFound",
	"subnet ID",
	subnet_filters,
};
const struct ec2_kind ec2_groups = {
	EC2_SECURITY_GROUP,
	"security-group",
	"GroupIds",
	"SecurityGroups",
	"GroupId",
	"sg-",
	"InvalidGroupId.Malformed",
	"InvalidGroup.NotFound",
	"security group",
	group_filters,
};
const struct ec2_kind ec2_tables = {
	EC2_ROUTE_TABLE,
	"route-table",
	"RouteTableIds",
	"RouteTables",
	"RouteTableId",
	"rtb-",
	"InvalidRouteTableId.Malformed",
	"InvalidRouteTableID.NotFound",
	"routeTable ID",
	table_filters,
};
const struct ec2_kind ec2_gateways = {
	EC2_INTERNET_GATEWAY,
	"internet-gateway",
	"InternetGatewayIds",
	"InternetGateways",
	"InternetGatewayId",
	"igw-",
	"InvalidInternetGatewayId.Malformed",
	"InvalidInternetGatewayID.NotFound",
	"internetGateway ID",
	gateway_filters,
};
const struct ec2_kind ec2_prefix_lists = {
	EC2_PREFIX_LIST,
	"prefix-list",
	"PrefixListIds",
	"PrefixLists",
	"PrefixListId",
	"pl-",
	"InvalidPrefixListId.Malformed",
	"InvalidPrefixListID.NotFound",
	"prefix list ID",
	prefix_list_filters,
};

const struct ec2_kind *const ec2_kinds[] = { &ec2_vpcs,	  &ec2_subnets,	 &ec2_groups,
					     &ec2_tables, &ec2_gateways, &ec2_prefix_lists };
const size_t ec2_kind_count = COUNT(ec2_kinds);
