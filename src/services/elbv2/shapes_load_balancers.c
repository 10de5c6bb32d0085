/* Shapes of load balancers, their attributes, subnets, capacity. */
#include "services/elbv2/shapes.h"

static LIST(subnets, &api_string);

static STRUCTURE(subnet_mapping, M("SubnetId", &api_string), M("AllocationId", &api_string),
		 M("PrivateIPv4Address", &api_string), M("IPv6Address", &api_string),
		 M("SourceNatIpv6Prefix", &api_string));

static LIST(subnet_mappings, &subnet_mapping);

static LIST(security_groups, &api_string);

static ENUM(load_balancer_scheme_enum, "internet-facing", "internal");

ENUM(elbv2_load_balancer_type_enum, "application", "network", "gateway");

static STRING(customer_owned_ipv4_pool, 0, 256, "^(ipv4pool-coip-)[a-zA-Z0-9]+$");

static ENUM(enable_prefix_for_ipv6_source_nat_enum, "on", "off");

static STRING(ipam_pool_id, 0, 1000, "^(ipam-pool-)[a-zA-Z0-9]+$");

static STRUCTURE(ipam_pools, M("Ipv4IpamPoolId", &ipam_pool_id));

STRUCTURE(elbv2_create_load_balancer_input, R("Name", &api_string), M("Subnets", &subnets),
	  M("SubnetMappings", &subnet_mappings), M("SecurityGroups", &security_groups),
	  M("Scheme", &load_balancer_scheme_enum), M("Tags", &elbv2_tag_list),
	  M("Type", &elbv2_load_balancer_type_enum), M("IpAddressType", &elbv2_ip_address_type),
	  M("CustomerOwnedIpv4Pool", &customer_owned_ipv4_pool),
	  M("EnablePrefixForIpv6SourceNat", &enable_prefix_for_ipv6_source_nat_enum),
	  M("IpamPools", &ipam_pools));

static ENUM(load_balancer_state_enum, "active", "provisioning", "active_impaired", "failed");

static STRUCTURE(load_balancer_state, M("Code", &load_balancer_state_enum),
		 M("Reason", &api_string));

static STRUCTURE(load_balancer_address, M("IpAddress", &api_string), M("AllocationId", &api_string),
		 M("PrivateIPv4Address", &api_string), M("IPv6Address", &api_string));

static LIST(load_balancer_addresses, &load_balancer_address);

static LIST(source_nat_ipv6_prefixes, &api_string);

static STRUCTURE(availability_zone, M("ZoneName", &api_string), M("SubnetId", &api_string),
		 M("OutpostId", &api_string), M("LoadBalancerAddresses", &load_balancer_addresses),
		 M("SourceNatIpv6Prefixes", &source_nat_ipv6_prefixes));

static LIST(availability_zones, &availability_zone);

static STRUCTURE(load_balancer, M("LoadBalancerArn", &api_string), M("DNSName", &api_string),
		 M("CanonicalHostedZoneId", &api_string), M("CreatedTime", &api_timestamp),
		 M("LoadBalancerName", &api_string), M("Scheme", &load_balancer_scheme_enum),
		 M("VpcId", &api_string), M("State", &load_balancer_state),
		 M("Type", &elbv2_load_balancer_type_enum),
		 M("AvailabilityZones", &availability_zones), M("SecurityGroups", &security_groups),
		 M("IpAddressType", &elbv2_ip_address_type),
		 M("CustomerOwnedIpv4Pool", &customer_owned_ipv4_pool),
		 M("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", &api_string),
		 M("EnablePrefixForIpv6SourceNat", &enable_prefix_for_ipv6_source_nat_enum),
		 M("IpamPools", &ipam_pools));

static LIST(load_balancers, &load_balancer);

STRUCTURE(elbv2_create_load_balancer_output, M("LoadBalancers", &load_balancers));

STRUCTURE(elbv2_delete_load_balancer_input, R("LoadBalancerArn", &api_string));

STRUCTURE(elbv2_describe_capacity_reservation_input, R("LoadBalancerArn", &api_string));

static STRUCTURE(minimum_load_balancer_capacity, M("CapacityUnits", &api_integer));

static ENUM(capacity_reservation_state_enum, "provisioned", "pending", "rebalancing", "failed");

static STRUCTURE(capacity_reservation_status, M("Code", &capacity_reservation_state_enum),
		 M("Reason", &api_string));

static STRUCTURE(zonal_capacity_reservation_state, M("State", &capacity_reservation_status),
		 M("AvailabilityZone", &api_string), M("EffectiveCapacityUnits", &api_double));

static LIST(zonal_capacity_reservation_states, &zonal_capacity_reservation_state);

STRUCTURE(elbv2_describe_capacity_reservation_output, M("LastModifiedTime", &api_timestamp),
	  M("DecreaseRequestsRemaining", &api_integer),
	  M("MinimumLoadBalancerCapacity", &minimum_load_balancer_capacity),
	  M("CapacityReservationState", &zonal_capacity_reservation_states));

STRUCTURE(elbv2_describe_load_balancer_attributes_input, R("LoadBalancerArn", &api_string));

STRUCTURE(elbv2_describe_load_balancer_attributes_output,
	  M("Attributes", &elbv2_load_balancer_attributes));

static LIST(load_balancer_names, &api_string);

STRUCTURE(elbv2_describe_load_balancers_input, M("LoadBalancerArns", &elbv2_load_balancer_arns),
	  M("Names", &load_balancer_names), M("Marker", &api_string),
	  M("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_load_balancers_output, M("LoadBalancers", &load_balancers),
	  M("NextMarker", &api_string));

STRUCTURE(elbv2_modify_capacity_reservation_input, R("LoadBalancerArn", &api_string),
	  M("MinimumLoadBalancerCapacity", &minimum_load_balancer_capacity),
	  M("ResetCapacityReservation", &api_boolean));

STRUCTURE(elbv2_modify_capacity_reservation_output, M("LastModifiedTime", &api_timestamp),
	  M("DecreaseRequestsRemaining", &api_integer),
	  M("MinimumLoadBalancerCapacity", &minimum_load_balancer_capacity),
	  M("CapacityReservationState", &zonal_capacity_reservation_states));

static ENUM(remove_ipam_pool_enum, "ipv4");

static LIST(remove_ipam_pools, &remove_ipam_pool_enum);

STRUCTURE(elbv2_modify_ip_pools_input, R("LoadBalancerArn", &api_string),
	  M("IpamPools", &ipam_pools), M("RemoveIpamPools", &remove_ipam_pools));

STRUCTURE(elbv2_modify_ip_pools_output, M("IpamPools", &ipam_pools));

STRUCTURE(elbv2_modify_load_balancer_attributes_input, R("LoadBalancerArn", &api_string),
	  R("Attributes", &elbv2_load_balancer_attributes));

STRUCTURE(elbv2_modify_load_balancer_attributes_output,
	  M("Attributes", &elbv2_load_balancer_attributes));

STRUCTURE(elbv2_set_ip_address_type_input, R("LoadBalancerArn", &api_string),
	  R("IpAddressType", &elbv2_ip_address_type));

STRUCTURE(elbv2_set_ip_address_type_output, M("IpAddressType", &elbv2_ip_address_type));

static ENUM(enforce_security_group_inbound_rules_on_private_link_traffic_enum, "on", "off");

STRUCTURE(elbv2_set_security_groups_input, R("LoadBalancerArn", &api_string),
	  R("SecurityGroups", &security_groups),
	  M("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
	    &enforce_security_group_inbound_rules_on_private_link_traffic_enum));

STRUCTURE(elbv2_set_security_groups_output, M("SecurityGroupIds", &security_groups),
	  M("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
	    &enforce_security_group_inbound_rules_on_private_link_traffic_enum));

STRUCTURE(elbv2_set_subnets_input, R("LoadBalancerArn", &api_string), M("Subnets", &subnets),
	  M("SubnetMappings", &subnet_mappings), M("IpAddressType", &elbv2_ip_address_type),
	  M("EnablePrefixForIpv6SourceNat", &enable_prefix_for_ipv6_source_nat_enum));

STRUCTURE(elbv2_set_subnets_output, M("AvailabilityZones", &availability_zones),
	  M("IpAddressType", &elbv2_ip_address_type),
	  M("EnablePrefixForIpv6SourceNat", &enable_prefix_for_ipv6_source_nat_enum));
