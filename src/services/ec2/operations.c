/*
 * operations: the table of EC2's operations that exist here, and their shapes. On the wire EC2
 * has names of its own; a member says its own where that is not its name with a small letter.
 */
#include "api/rows.h"
#include "services/ec2/ec2_internal.h"

LIST(strings, &api_string);
STRUCTURE(tag, M("Key", &api_string), M("Value", &api_string));
LIST(tags, &tag);
STRUCTURE(filter, M("Name", &api_string), W("Values", &strings, "Value"));
LIST(filters, &filter);
STRUCTURE(tag_specification, M("ResourceType", &api_string), W("Tags", &tags, "Tag"));
LIST(tag_specifications, &tag_specification);
#define TAG_SPECIFICATIONS W("TagSpecifications", &tag_specifications, "TagSpecification")
#define DRY_RUN		   M("DryRun", &api_boolean)
STRUCTURE(done, M("Return", &api_boolean));
STRUCTURE(boolean_value, M("Value", &api_boolean));

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
STRUCTURE(describe_vpcs_output, W("Vpcs", &vpc_list, "vpcSet"), M("NextToken", &api_string));

STRUCTURE(describe_vpc_attribute_input, R("Attribute", &api_string), R("VpcId", &api_string),
	  DRY_RUN);
STRUCTURE(describe_vpc_attribute_output, M("VpcId", &api_string),
	  M("EnableDnsHostnames", &boolean_value), M("EnableDnsSupport", &boolean_value),
	  M("EnableNetworkAddressUsageMetrics", &boolean_value));
STRUCTURE(create_vpc_input, M("CidrBlock", &api_string), M("InstanceTenancy", &api_string),
	  M("AmazonProvidedIpv6CidrBlock", &api_boolean), M("Ipv6CidrBlock", &api_string),
	  M("Ipv4IpamPoolId", &api_string), M("Ipv6IpamPoolId", &api_string), TAG_SPECIFICATIONS,
	  DRY_RUN);
STRUCTURE(create_vpc_output, M("Vpc", &vpc));
STRUCTURE(delete_vpc_input, R("VpcId", &api_string), DRY_RUN);
STRUCTURE(modify_vpc_attribute_input, R("VpcId", &api_string),
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
STRUCTURE(describe_subnets_output, W("Subnets", &subnet_list, "subnetSet"),
	  M("NextToken", &api_string));

STRUCTURE(create_subnet_input, R("VpcId", &api_string), M("CidrBlock", &api_string),
	  M("AvailabilityZone", &api_string), M("AvailabilityZoneId", &api_string),
	  M("Ipv6CidrBlock", &api_string), M("Ipv6Native", &api_boolean),
	  M("OutpostArn", &api_string), M("Ipv4IpamPoolId", &api_string),
	  M("Ipv6IpamPoolId", &api_string), TAG_SPECIFICATIONS, DRY_RUN);
STRUCTURE(create_subnet_output, M("Subnet", &subnet));
STRUCTURE(delete_subnet_input, R("SubnetId", &api_string), DRY_RUN);
STRUCTURE(modify_subnet_attribute_input, R("SubnetId", &api_string),
	  M("MapPublicIpOnLaunch", &boolean_value), M("EnableDns64", &boolean_value),
	  M("AssignIpv6AddressOnCreation", &boolean_value),
	  M("MapCustomerOwnedIpOnLaunch", &boolean_value));

/* ---- Security groups ---- */
STRUCTURE(describe_security_groups_input, W("Filters", &filters, "Filter"),
	  W("GroupIds", &strings, "GroupId"), W("GroupNames", &strings, "GroupName"),
	  M("NextToken", &api_string), M("MaxResults", &api_integer), M("DryRun", &api_boolean));
STRUCTURE(group_pair, M("UserId", &api_string), M("GroupId", &api_string),
	  M("GroupName", &api_string), M("VpcId", &api_string), M("Description", &api_string));
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
	  W("SecurityGroups", &security_groups, "securityGroupInfo"), M("NextToken", &api_string));

STRUCTURE(create_security_group_input, R("GroupName", &api_string),
	  { .name = "Description",
	    .shape = &api_string,
	    .required = true,
	    .wire = "GroupDescription" },
	  M("VpcId", &api_string), TAG_SPECIFICATIONS, DRY_RUN);
STRUCTURE(create_security_group_output, M("GroupId", &api_string),
	  M("SecurityGroupArn", &api_string), W("Tags", &tags, "tagSet"));
STRUCTURE(delete_security_group_input, M("GroupId", &api_string), M("GroupName", &api_string),
	  DRY_RUN);
STRUCTURE(delete_security_group_output, M("Return", &api_boolean), M("GroupId", &api_string));

STRUCTURE(referenced_group, M("GroupId", &api_string), M("UserId", &api_string));
STRUCTURE(rule, M("SecurityGroupRuleId", &api_string), M("SecurityGroupRuleArn", &api_string),
	  M("GroupId", &api_string), M("GroupOwnerId", &api_string), M("IsEgress", &api_boolean),
	  M("IpProtocol", &api_string), M("FromPort", &api_integer), M("ToPort", &api_integer),
	  M("CidrIpv4", &api_string), M("CidrIpv6", &api_string), M("PrefixListId", &api_string),
	  M("ReferencedGroupInfo", &referenced_group), M("Description", &api_string),
	  W("Tags", &tags, "tagSet"));
LIST(rules, &rule);
#define PERMISSIONS                                                                               \
	M("GroupId", &api_string), M("GroupName", &api_string), M("IpProtocol", &api_string),     \
		M("FromPort", &api_integer), M("ToPort", &api_integer), M("CidrIp", &api_string), \
		M("SourceSecurityGroupName", &api_string), M("IpPermissions", &permissions),      \
		DRY_RUN
STRUCTURE(authorize_ingress_input, PERMISSIONS, TAG_SPECIFICATIONS);
STRUCTURE(authorize_ingress_output, M("Return", &api_boolean),
	  W("SecurityGroupRules", &rules, "securityGroupRuleSet"));
STRUCTURE(revoke_ingress_input, PERMISSIONS,
	  W("SecurityGroupRuleIds", &strings, "SecurityGroupRuleId"));
STRUCTURE(revoke_ingress_output, M("Return", &api_boolean),
	  W("RevokedSecurityGroupRules", &rules, "revokedSecurityGroupRuleSet"));
#define authorize_egress_input	authorize_ingress_input
#define authorize_egress_output authorize_ingress_output
#define revoke_egress_input	revoke_ingress_input
#define revoke_egress_output	revoke_ingress_output

STRUCTURE(rule_request, M("IpProtocol", &api_string), M("FromPort", &api_integer),
	  M("ToPort", &api_integer), M("CidrIpv4", &api_string), M("CidrIpv6", &api_string),
	  M("PrefixListId", &api_string), M("ReferencedGroupId", &api_string),
	  M("Description", &api_string));
STRUCTURE(rule_update, M("SecurityGroupRuleId", &api_string),
	  M("SecurityGroupRule", &rule_request));
LIST(rule_updates, &rule_update);
STRUCTURE(modify_security_group_rules_input, R("GroupId", &api_string),
	  { .name = "SecurityGroupRules",
	    .shape = &rule_updates,
	    .required = true,
	    .wire = "SecurityGroupRule" },
	  DRY_RUN);
STRUCTURE(rule_description, M("SecurityGroupRuleId", &api_string), M("Description", &api_string));
LIST(rule_descriptions, &rule_description);
STRUCTURE(update_descriptions_ingress_input, M("GroupId", &api_string), M("GroupName", &api_string),
	  M("IpPermissions", &permissions),
	  W("SecurityGroupRuleDescriptions", &rule_descriptions, "SecurityGroupRuleDescription"),
	  DRY_RUN);
#define update_descriptions_egress_input update_descriptions_ingress_input
STRUCTURE(describe_security_group_rules_input, W("Filters", &filters, "Filter"),
	  W("SecurityGroupRuleIds", &strings, "SecurityGroupRuleId"), M("NextToken", &api_string),
	  M("MaxResults", &api_integer), DRY_RUN);
STRUCTURE(describe_security_group_rules_output,
	  W("SecurityGroupRules", &rules, "securityGroupRuleSet"), M("NextToken", &api_string));

/* ---- Route tables ---- */
DESCRIBE_INPUT(describe_route_tables_input, "RouteTableIds", "RouteTableId");
STRUCTURE(association, M("Main", &api_boolean), M("RouteTableAssociationId", &api_string),
	  M("RouteTableId", &api_string), M("SubnetId", &api_string),
	  M("AssociationState", &state));
LIST(associations, &association);
STRUCTURE(route, M("DestinationCidrBlock", &api_string), M("DestinationIpv6CidrBlock", &api_string),
	  M("GatewayId", &api_string), M("Origin", &api_string), M("State", &api_string));
LIST(routes, &route);
STRUCTURE(propagating, M("GatewayId", &api_string));
LIST(propagatings, &propagating);
STRUCTURE(route_table, M("RouteTableId", &api_string), M("VpcId", &api_string),
	  M("OwnerId", &api_string), W("Associations", &associations, "associationSet"),
	  W("Routes", &routes, "routeSet"),
	  W("PropagatingVgws", &propagatings, "propagatingVgwSet"), W("Tags", &tags, "tagSet"));
LIST(route_tables, &route_table);
STRUCTURE(describe_route_tables_output, W("RouteTables", &route_tables, "routeTableSet"),
	  M("NextToken", &api_string));

STRUCTURE(create_route_table_input, R("VpcId", &api_string), TAG_SPECIFICATIONS, DRY_RUN);
STRUCTURE(create_route_table_output, M("RouteTable", &route_table));
STRUCTURE(delete_route_table_input, R("RouteTableId", &api_string), DRY_RUN);
STRUCTURE(associate_route_table_input, R("RouteTableId", &api_string), M("SubnetId", &api_string),
	  M("GatewayId", &api_string), DRY_RUN);
STRUCTURE(associate_route_table_output, M("AssociationId", &api_string),
	  M("AssociationState", &state));
STRUCTURE(disassociate_route_table_input, R("AssociationId", &api_string), DRY_RUN);
STRUCTURE(replace_route_table_association_input, R("AssociationId", &api_string),
	  R("RouteTableId", &api_string), DRY_RUN);
STRUCTURE(replace_route_table_association_output, M("NewAssociationId", &api_string),
	  M("AssociationState", &state));
STRUCTURE(create_route_input, R("RouteTableId", &api_string),
	  M("DestinationCidrBlock", &api_string), M("DestinationIpv6CidrBlock", &api_string),
	  M("GatewayId", &api_string), DRY_RUN);
#define replace_route_input create_route_input
#define delete_route_input  create_route_input

/* ---- Internet gateways ---- */
DESCRIBE_INPUT(describe_internet_gateways_input, "InternetGatewayIds", "InternetGatewayId");
STRUCTURE(attachment, M("State", &api_string), M("VpcId", &api_string));
LIST(attachments, &attachment);
STRUCTURE(gateway, M("InternetGatewayId", &api_string), M("OwnerId", &api_string),
	  W("Attachments", &attachments, "attachmentSet"), W("Tags", &tags, "tagSet"));
LIST(gateways, &gateway);
STRUCTURE(describe_internet_gateways_output, W("InternetGateways", &gateways, "internetGatewaySet"),
	  M("NextToken", &api_string));

STRUCTURE(create_internet_gateway_input, TAG_SPECIFICATIONS, DRY_RUN);
STRUCTURE(create_internet_gateway_output, M("InternetGateway", &gateway));
STRUCTURE(attach_internet_gateway_input, R("InternetGatewayId", &api_string),
	  R("VpcId", &api_string), DRY_RUN);
#define detach_internet_gateway_input attach_internet_gateway_input
STRUCTURE(delete_internet_gateway_input, R("InternetGatewayId", &api_string), DRY_RUN);

/* ---- Prefix lists ---- */
STRUCTURE(list_entry, M("Cidr", &api_string), M("Description", &api_string));
LIST(list_entries, &list_entry);
STRUCTURE(managed_list, M("PrefixListId", &api_string), M("AddressFamily", &api_string),
	  M("State", &api_string), M("StateMessage", &api_string), M("PrefixListArn", &api_string),
	  M("PrefixListName", &api_string), M("MaxEntries", &api_integer),
	  M("Version", &api_integer), W("Tags", &tags, "tagSet"), M("OwnerId", &api_string));
LIST(managed_lists, &managed_list);
STRUCTURE(create_managed_prefix_list_input, R("PrefixListName", &api_string),
	  W("Entries", &list_entries, "Entry"), R("MaxEntries", &api_integer), TAG_SPECIFICATIONS,
	  R("AddressFamily", &api_string), M("ClientToken", &api_string), DRY_RUN);
STRUCTURE(create_managed_prefix_list_output, M("PrefixList", &managed_list));
STRUCTURE(modify_managed_prefix_list_input, R("PrefixListId", &api_string),
	  M("CurrentVersion", &api_integer), M("PrefixListName", &api_string),
	  W("AddEntries", &list_entries, "AddEntry"),
	  W("RemoveEntries", &list_entries, "RemoveEntry"), M("MaxEntries", &api_integer), DRY_RUN);
STRUCTURE(restore_managed_prefix_list_input, R("PrefixListId", &api_string),
	  R("PreviousVersion", &api_integer), R("CurrentVersion", &api_integer), DRY_RUN);
STRUCTURE(delete_managed_prefix_list_input, R("PrefixListId", &api_string), DRY_RUN);
#define modify_managed_prefix_list_output  create_managed_prefix_list_output
#define restore_managed_prefix_list_output create_managed_prefix_list_output
#define delete_managed_prefix_list_output  create_managed_prefix_list_output
DESCRIBE_INPUT(describe_managed_prefix_lists_input, "PrefixListIds", "PrefixListId");
STRUCTURE(describe_managed_prefix_lists_output, W("PrefixLists", &managed_lists, "prefixListSet"),
	  M("NextToken", &api_string));
#define describe_prefix_lists_input describe_managed_prefix_lists_input
STRUCTURE(owned_list, M("PrefixListId", &api_string), M("PrefixListName", &api_string),
	  W("Cidrs", &strings, "cidrSet"));
LIST(owned_lists, &owned_list);
STRUCTURE(describe_prefix_lists_output, W("PrefixLists", &owned_lists, "prefixListSet"),
	  M("NextToken", &api_string));
STRUCTURE(get_managed_prefix_list_entries_input, R("PrefixListId", &api_string),
	  M("TargetVersion", &api_integer), M("MaxResults", &api_integer),
	  M("NextToken", &api_string), DRY_RUN);
STRUCTURE(get_managed_prefix_list_entries_output, W("Entries", &list_entries, "entrySet"),
	  M("NextToken", &api_string));
STRUCTURE(get_managed_prefix_list_associations_input, R("PrefixListId", &api_string),
	  M("MaxResults", &api_integer), M("NextToken", &api_string), DRY_RUN);
STRUCTURE(list_association, M("ResourceId", &api_string), M("ResourceOwner", &api_string));
LIST(list_associations, &list_association);
STRUCTURE(get_managed_prefix_list_associations_output,
	  W("PrefixListAssociations", &list_associations, "prefixListAssociationSet"),
	  M("NextToken", &api_string));

/* ---- Network ACLs ---- */
DESCRIBE_INPUT(describe_network_acls_input, "NetworkAclIds", "NetworkAclId");
STRUCTURE(acl_association, M("NetworkAclAssociationId", &api_string),
	  M("NetworkAclId", &api_string), M("SubnetId", &api_string));
LIST(acl_associations, &acl_association);
STRUCTURE(acl_entry, M("CidrBlock", &api_string), M("Egress", &api_boolean),
	  M("Protocol", &api_string), M("RuleAction", &api_string), M("RuleNumber", &api_integer));
LIST(acl_entries, &acl_entry);
STRUCTURE(acl, M("NetworkAclId", &api_string), M("VpcId", &api_string), M("OwnerId", &api_string),
	  W("IsDefault", &api_boolean, "default"),
	  W("Associations", &acl_associations, "associationSet"),
	  W("Entries", &acl_entries, "entrySet"), W("Tags", &tags, "tagSet"));
LIST(acls, &acl);
STRUCTURE(describe_network_acls_output, W("NetworkAcls", &acls, "networkAclSet"),
	  M("NextToken", &api_string));

/* ---- Tags ---- */
STRUCTURE(create_tags_input,
	  { .name = "Resources", .shape = &strings, .required = true, .wire = "ResourceId" },
	  W("Tags", &tags, "Tag"), DRY_RUN);
#define delete_tags_input create_tags_input
STRUCTURE(describe_tags_input, W("Filters", &filters, "Filter"), M("NextToken", &api_string),
	  M("MaxResults", &api_integer), DRY_RUN);
STRUCTURE(tag_description, M("Key", &api_string), M("Value", &api_string),
	  M("ResourceId", &api_string), M("ResourceType", &api_string));
LIST(tag_descriptions, &tag_description);
STRUCTURE(describe_tags_output, W("Tags", &tag_descriptions, "tagSet"),
	  M("NextToken", &api_string));

/* ---- Interfaces and instances ---- */
DESCRIBE_INPUT(describe_network_interfaces_input, "NetworkInterfaceIds", "NetworkInterfaceId");
STRUCTURE(group_identifier, M("GroupId", &api_string), M("GroupName", &api_string));
LIST(group_identifiers, &group_identifier);
STRUCTURE(interface_attachment, M("AttachmentId", &api_string), M("InstanceOwnerId", &api_string),
	  M("Status", &api_string), M("DeleteOnTermination", &api_boolean),
	  M("DeviceIndex", &api_integer));
STRUCTURE(private_address, M("PrivateIpAddress", &api_string), M("Primary", &api_boolean));
LIST(private_addresses, &private_address);
STRUCTURE(interface, M("NetworkInterfaceId", &api_string), M("SubnetId", &api_string),
	  M("VpcId", &api_string), M("AvailabilityZone", &api_string),
	  M("Description", &api_string), M("OwnerId", &api_string), M("RequesterId", &api_string),
	  M("RequesterManaged", &api_boolean), M("SourceDestCheck", &api_boolean),
	  M("Status", &api_string), M("InterfaceType", &api_string), M("MacAddress", &api_string),
	  W("Groups", &group_identifiers, "groupSet"), M("PrivateIpAddress", &api_string),
	  W("PrivateIpAddresses", &private_addresses, "privateIpAddressesSet"),
	  M("Attachment", &interface_attachment), M("TagSet", &tags));
LIST(interfaces, &interface);
STRUCTURE(describe_network_interfaces_output,
	  W("NetworkInterfaces", &interfaces, "networkInterfaceSet"), M("NextToken", &api_string));

DESCRIBE_INPUT(describe_instances_input, "InstanceIds", "InstanceId");
STRUCTURE(instance_state, M("Code", &api_integer), M("Name", &api_string));
STRUCTURE(instance, M("InstanceId", &api_string), M("PrivateIpAddress", &api_string),
	  M("VpcId", &api_string), W("State", &instance_state, "instanceState"),
	  W("SecurityGroups", &group_identifiers, "groupSet"), W("Tags", &tags, "tagSet"));
LIST(instances, &instance);
STRUCTURE(reservation, M("ReservationId", &api_string), M("OwnerId", &api_string),
	  W("Groups", &group_identifiers, "groupSet"), W("Instances", &instances, "instancesSet"));
LIST(reservations, &reservation);
STRUCTURE(describe_instances_output, W("Reservations", &reservations, "reservationSet"),
	  M("NextToken", &api_string));
STRUCTURE(run_instances_input, M("ImageId", &api_string), DRY_RUN);
STRUCTURE(modify_instance_attribute_input, R("InstanceId", &api_string),
	  W("Groups", &strings, "GroupId"), DRY_RUN);

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

STRUCTURE(describe_regions_input, W("Filters", &filters, "Filter"),
	  W("RegionNames", &strings, "RegionName"), M("AllRegions", &api_boolean), DRY_RUN);
STRUCTURE(region, M("RegionName", &api_string), W("Endpoint", &api_string, "regionEndpoint"),
	  M("OptInStatus", &api_string));
LIST(regions, &region);
STRUCTURE(describe_regions_output, W("Regions", &regions, "regionInfo"));

/* ---- The table ---- */

/* Most of what writes answers that it did. */
#define attach_internet_gateway_output	   done
#define create_route_output		   done
#define create_tags_output		   done
#define delete_internet_gateway_output	   done
#define delete_route_output		   done
#define delete_route_table_output	   done
#define delete_subnet_output		   done
#define delete_tags_output		   done
#define delete_vpc_output		   done
#define detach_internet_gateway_output	   done
#define disassociate_route_table_output	   done
#define modify_instance_attribute_output   done
#define modify_security_group_rules_output done
#define modify_subnet_attribute_output	   done
#define modify_vpc_attribute_output	   done
#define replace_route_output		   done
#define run_instances_output		   done
#define update_descriptions_egress_output  done
#define update_descriptions_ingress_output done

#define SHAPE_(name) &name
#define SHAPE(name)  SHAPE_(name)
#define ROW(name_, effect_, handler_, refusal_)                                \
	{ ROW_OPERATION("ec2", #name_, API_##effect_, SHAPE(handler_##_input), \
			SHAPE(handler_##_output), ec2_##handler_),             \
	  .refusal = refusal_ },
#define OPERATION(name_, effect_, handler_)	    ROW(name_, effect_, handler_, NULL)
#define REFUSED(name_, effect_, handler_, refusal_) ROW(name_, effect_, handler_, refusal_)

const struct api_operation ec2_operations[] = {
#include "services/ec2/operations.def"
};
const size_t ec2_operation_count = COUNT(ec2_operations);
