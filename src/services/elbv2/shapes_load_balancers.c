/* Shapes of load balancers, their attributes, subnets, capacity. */
#include "services/elbv2/shapes.h"

static LIST(subnets, &api_string, 0, 0);

static STRUCTURE(subnet_mapping, MAY("SubnetId", &api_string), MAY("AllocationId", &api_string),
		 MAY("PrivateIPv4Address", &api_string), MAY("IPv6Address", &api_string),
		 MAY("SourceNatIpv6Prefix", &api_string));

static LIST(subnet_mappings, &subnet_mapping, 0, 0);

static LIST(security_groups, &api_string, 0, 0);

static ENUM(load_balancer_scheme_enum, "internet-facing", "internal");

ENUM(elbv2_load_balancer_type_enum, "application", "network", "gateway");

static STRING(customer_owned_ipv4_pool, 0, 256, "^(ipv4pool-coip-)[a-zA-Z0-9]+$");

static ENUM(enable_prefix_for_ipv6_source_nat_enum, "on", "off");

static STRING(ipam_pool_id, 0, 1000, "^(ipam-pool-)[a-zA-Z0-9]+$");

static STRUCTURE(ipam_pools, MAY("Ipv4IpamPoolId", &ipam_pool_id));

STRUCTURE(elbv2_create_load_balancer_input, NEEDS("Name", &api_string), MAY("Subnets", &subnets),
	  MAY("SubnetMappings", &subnet_mappings), MAY("SecurityGroups", &security_groups),
	  MAY("Scheme", &load_balancer_scheme_enum), MAY("Tags", &elbv2_tag_list),
	  MAY("Type", &elbv2_load_balancer_type_enum), MAY("IpAddressType", &elbv2_ip_address_type),
	  MAY("CustomerOwnedIpv4Pool", &customer_owned_ipv4_pool),
	  MAY("EnablePrefixForIpv6SourceNat", &enable_prefix_for_ipv6_source_nat_enum),
	  MAY("IpamPools", &ipam_pools));

static ENUM(load_balancer_state_enum, "active", "provisioning", "active_impaired", "failed");

static STRUCTURE(load_balancer_state, MAY("Code", &load_balancer_state_enum),
		 MAY("Reason", &api_string));

static STRUCTURE(load_balancer_address, MAY("IpAddress", &api_string),
		 MAY("AllocationId", &api_string), MAY("PrivateIPv4Address", &api_string),
		 MAY("IPv6Address", &api_string));

static LIST(load_balancer_addresses, &load_balancer_address, 0, 0);

static LIST(source_nat_ipv6_prefixes, &api_string, 0, 0);

static STRUCTURE(availability_zone, MAY("ZoneName", &api_string), MAY("SubnetId", &api_string),
		 MAY("OutpostId", &api_string),
		 MAY("LoadBalancerAddresses", &load_balancer_addresses),
		 MAY("SourceNatIpv6Prefixes", &source_nat_ipv6_prefixes));

static LIST(availability_zones, &availability_zone, 0, 0);

static STRUCTURE(load_balancer, MAY("LoadBalancerArn", &api_string), MAY("DNSName", &api_string),
		 MAY("CanonicalHostedZoneId", &api_string), MAY("CreatedTime", &api_timestamp),
		 MAY("LoadBalancerName", &api_string), MAY("Scheme", &load_balancer_scheme_enum),
		 MAY("VpcId", &api_string), MAY("State", &load_balancer_state),
		 MAY("Type", &elbv2_load_balancer_type_enum),
		 MAY("AvailabilityZones", &availability_zones),
		 MAY("SecurityGroups", &security_groups),
		 MAY("IpAddressType", &elbv2_ip_address_type),
		 MAY("CustomerOwnedIpv4Pool", &customer_owned_ipv4_pool),
		 MAY("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic", &api_string),
		 MAY("EnablePrefixForIpv6SourceNat", &enable_prefix_for_ipv6_source_nat_enum),
		 MAY("IpamPools", &ipam_pools));

static LIST(load_balancers, &load_balancer, 0, 0);

STRUCTURE(elbv2_create_load_balancer_output, MAY("LoadBalancers", &load_balancers));

STRUCTURE(elbv2_delete_load_balancer_input, NEEDS("LoadBalancerArn", &api_string));

STRUCTURE(elbv2_describe_capacity_reservation_input, NEEDS("LoadBalancerArn", &api_string));

static STRUCTURE(minimum_load_balancer_capacity, MAY("CapacityUnits", &api_integer));

static ENUM(capacity_reservation_state_enum, "provisioned", "pending", "rebalancing", "failed");

static STRUCTURE(capacity_reservation_status, MAY("Code", &capacity_reservation_state_enum),
		 MAY("Reason", &api_string));

static STRUCTURE(zonal_capacity_reservation_state, MAY("State", &capacity_reservation_status),
		 MAY("AvailabilityZone", &api_string), MAY("EffectiveCapacityUnits", &api_double));

static LIST(zonal_capacity_reservation_states, &zonal_capacity_reservation_state, 0, 0);

STRUCTURE(elbv2_describe_capacity_reservation_output, MAY("LastModifiedTime", &api_timestamp),
	  MAY("DecreaseRequestsRemaining", &api_integer),
	  MAY("MinimumLoadBalancerCapacity", &minimum_load_balancer_capacity),
	  MAY("CapacityReservationState", &zonal_capacity_reservation_states));

STRUCTURE(elbv2_describe_load_balancer_attributes_input, NEEDS("LoadBalancerArn", &api_string));

STRUCTURE(elbv2_describe_load_balancer_attributes_output,
	  MAY("Attributes", &elbv2_load_balancer_attributes));

static LIST(load_balancer_names, &api_string, 0, 0);

STRUCTURE(elbv2_describe_load_balancers_input, MAY("LoadBalancerArns", &elbv2_load_balancer_arns),
	  MAY("Names", &load_balancer_names), MAY("Marker", &api_string),
	  MAY("PageSize", &elbv2_page_size));

STRUCTURE(elbv2_describe_load_balancers_output, MAY("LoadBalancers", &load_balancers),
	  MAY("NextMarker", &api_string));

STRUCTURE(elbv2_modify_capacity_reservation_input, NEEDS("LoadBalancerArn", &api_string),
	  MAY("MinimumLoadBalancerCapacity", &minimum_load_balancer_capacity),
	  MAY("ResetCapacityReservation", &api_boolean));

STRUCTURE(elbv2_modify_capacity_reservation_output, MAY("LastModifiedTime", &api_timestamp),
	  MAY("DecreaseRequestsRemaining", &api_integer),
	  MAY("MinimumLoadBalancerCapacity", &minimum_load_balancer_capacity),
	  MAY("CapacityReservationState", &zonal_capacity_reservation_states));

static ENUM(remove_ipam_pool_enum, "ipv4");

static LIST(remove_ipam_pools, &remove_ipam_pool_enum, 0, 0);

STRUCTURE(elbv2_modify_ip_pools_input, NEEDS("LoadBalancerArn", &api_string),
	  MAY("IpamPools", &ipam_pools), MAY("RemoveIpamPools", &remove_ipam_pools));

STRUCTURE(elbv2_modify_ip_pools_output, MAY("IpamPools", &ipam_pools));

STRUCTURE(elbv2_modify_load_balancer_attributes_input, NEEDS("LoadBalancerArn", &api_string),
	  NEEDS("Attributes", &elbv2_load_balancer_attributes));

STRUCTURE(elbv2_modify_load_balancer_attributes_output,
	  MAY("Attributes", &elbv2_load_balancer_attributes));

STRUCTURE(elbv2_set_ip_address_type_input, NEEDS("LoadBalancerArn", &api_string),
	  NEEDS("IpAddressType", &elbv2_ip_address_type));

STRUCTURE(elbv2_set_ip_address_type_output, MAY("IpAddressType", &elbv2_ip_address_type));

static ENUM(enforce_security_group_inbound_rules_on_private_link_traffic_enum, "on", "off");

STRUCTURE(elbv2_set_security_groups_input, NEEDS("LoadBalancerArn", &api_string),
	  NEEDS("SecurityGroups", &security_groups),
	  MAY("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
	      &enforce_security_group_inbound_rules_on_private_link_traffic_enum));

STRUCTURE(elbv2_set_security_groups_output, MAY("SecurityGroupIds", &security_groups),
	  MAY("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
	      &enforce_security_group_inbound_rules_on_private_link_traffic_enum));

STRUCTURE(elbv2_set_subnets_input, NEEDS("LoadBalancerArn", &api_string), MAY("Subnets", &subnets),
	  MAY("SubnetMappings", &subnet_mappings), MAY("IpAddressType", &elbv2_ip_address_type),
	  MAY("EnablePrefixForIpv6SourceNat", &enable_prefix_for_ipv6_source_nat_enum));

STRUCTURE(elbv2_set_subnets_output, MAY("AvailabilityZones", &availability_zones),
	  MAY("IpAddressType", &elbv2_ip_address_type),
	  MAY("EnablePrefixForIpv6SourceNat", &enable_prefix_for_ipv6_source_nat_enum));
