/* Load balancers: what Create takes and refuses, and that Describe says what was set. */
#include "tests/unit/services/house.h"

TEST(a_new_load_balancer_is_described_as_aws_describes_it)
{
	json_t *lb;
	const char *arn, *dns;

	house_open();
	lb = node(house_call("CreateLoadBalancer", "{s:s, s:[s, s, s], s:[{s:s, s:s}]}", "Name",
			     "mindr-alb", "Subnets", house_subnet(2), house_subnet(0),
			     house_subnet(1), "Tags", "Key", "Name", "Value", "mindr-alb"),
		  "LoadBalancers.0");
	arn = at(lb, "LoadBalancerArn");
	dns = at(lb, "DNSName");
	CHECK(strncmp(arn,
		      "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/mindr-alb/",
		      79) == 0 &&
		      strlen(arn) == 79 + 16,
	      "%s", arn);
	CHECK(strncmp(dns, "mindr-alb-", 10) == 0 && strstr(dns, ".us-east-1.elb.localhost"), "%s",
	      dns);
	CHECK_STR(at(lb, "CanonicalHostedZoneId"), "Z35SXDOTRQ7X7K");
	CHECK_STR(at(lb, "State.Code"), "active");
	CHECK_STR(at(lb, "Type"), "application");
	CHECK_STR(at(lb, "Scheme"), "internet-facing");
	CHECK_STR(at(lb, "IpAddressType"), "ipv4");
	CHECK_STR(at(lb, "EnablePrefixForIpv6SourceNat"), "off");
	CHECK_STR(at(lb, "VpcId"), house_vpc());
	CHECK_STR(at(lb, "CreatedTime"), "1790000000000");
	CHECK_STR(at(lb, "AvailabilityZones.0.ZoneName"), "us-east-1a", "zones are in order");
	CHECK_STR(at(lb, "AvailabilityZones.2.SubnetId"), house_subnet(2));
	CHECK(strncmp(at(lb, "SecurityGroups.0"), "sg-", 3) == 0, "the default group of the VPC");
	CHECK(json_equal(lb,
			 node(house_call("DescribeLoadBalancers", "{s:[s]}", "Names", "mindr-alb"),
			      "LoadBalancers.0")),
	      "Describe says the same");
	house_close();
}

TEST(an_internal_load_balancer_says_so_in_its_name_and_listens_elsewhere)
{
	json_t *lb;
	const char *group;

	house_open();
	lb = node(house_call("CreateLoadBalancer", "{s:s, s:[s, s], s:s}", "Name", "inside",
			     "Subnets", house_subnet(0), house_subnet(1), "Scheme", "internal"),
		  "LoadBalancers.0");
	CHECK(strncmp(at(lb, "DNSName"), "internal-inside-", 16) == 0, "%s", at(lb, "DNSName"));
	CHECK_STR(house_get("LoadBalancer", at(lb, "LoadBalancerArn"), "ipv6.deny_all_igw_traffic"),
		  "true");
	group = house_target_group("g");
	house_listener(at(lb, "LoadBalancerArn"), 80, group);
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.bound"), "127.0.0.2:8080");
	house_close();
}

TEST(creating_the_same_again_gives_the_same_and_another_is_refused)
{
	const char *arn;

	house_open();
	arn = house_load_balancer("twice");
	CHECK_STR(house_load_balancer("twice"), arn);
	CHECK_FAULT(
		"CreateLoadBalancer", "DuplicateLoadBalancerName",
		"A load balancer with the same name 'twice' exists, but with different settings",
		"{s:s, s:[s, s]}", "Name", "twice", "Subnets", house_subnet(0), house_subnet(2));
	CHECK_FAULT("CreateLoadBalancer", "DuplicateLoadBalancerName", NULL, "{s:s, s:[s, s], s:s}",
		    "Name", "twice", "Subnets", house_subnet(0), house_subnet(1), "Scheme",
		    "internal");
	house_close();
}

TEST(names_are_held_to_the_rules_of_aws)
{
	static const struct {
		const char *name, *message;
	} cases[] = {
		{ "a23456789-123456789-123456789-123",
		  "Load balancer name 'a23456789-123456789-123456789-123' cannot be longer than '32' "
		  "characters" },
		{ "-begins", "Load balancer name '-begins' cannot begin or end with '-'" },
		{ "ends-", "Load balancer name 'ends-' cannot begin or end with '-'" },
		{ "internal-x", "Load balancer name 'internal-x' cannot begin with 'internal-'" },
		{ "under_score",
		  "Load balancer name 'under_score' can only contain characters that are "
		  "alphanumeric characters or hyphens(-)" },
		{ "", "Load balancer name cannot be empty" },
	};

	house_open();
	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_FAULT("CreateLoadBalancer", "ValidationError", cases[i].message,
			    "{s:s, s:[s, s]}", "Name", cases[i].name, "Subnets", house_subnet(0),
			    house_subnet(1));
	house_load_balancer("a23456789-123456789-123456789-12");
	house_close();
}

TEST(subnets_must_exist_and_be_in_two_zones)
{
	static const char two[] =
		"At least two subnets in two different Availability Zones must be specified";

	house_open();
	CHECK_FAULT("CreateLoadBalancer", "ValidationError", two, "{s:s}", "Name", "x");
	CHECK_FAULT("CreateLoadBalancer", "ValidationError", two, "{s:s, s:[s]}", "Name", "x",
		    "Subnets", house_subnet(0));
	CHECK_FAULT("CreateLoadBalancer", "SubnetNotFound",
		    "The subnet ID 'subnet-00000000000000000' is not valid", "{s:s, s:[s, s]}",
		    "Name", "x", "Subnets", house_subnet(0), "subnet-00000000000000000");
	CHECK_FAULT("CreateLoadBalancer", "InvalidSubnet", "The subnet ID 'vpc-1' is not valid",
		    "{s:s, s:[s, s]}", "Name", "x", "Subnets", house_subnet(0), "vpc-1");
	CHECK_FAULT("CreateLoadBalancer", "ValidationError",
		    "You can specify either subnets or subnet mappings, but not both",
		    "{s:s, s:[s, s], s:[{s:s}]}", "Name", "x", "Subnets", house_subnet(0),
		    house_subnet(1), "SubnetMappings", "SubnetId", house_subnet(1));
	CHECK_FAULT("CreateLoadBalancer", "InvalidConfigurationRequest", NULL,
		    "{s:s, s:[{s:s, s:s}, {s:s}]}", "Name", "x", "SubnetMappings", "SubnetId",
		    house_subnet(0), "AllocationId", "eipalloc-1", "SubnetId", house_subnet(1));
	house_call("CreateLoadBalancer", "{s:s, s:[{s:s}, {s:s}]}", "Name", "mapped",
		   "SubnetMappings", "SubnetId", house_subnet(0), "SubnetId", house_subnet(1));
	house_close();
}

TEST(what_is_no_application_load_balancer_is_refused)
{
	house_open();
	CHECK_FAULT("CreateLoadBalancer", "InvalidConfigurationRequest", NULL,
		    "{s:s, s:[s, s], s:s}", "Name", "x", "Subnets", house_subnet(0),
		    house_subnet(1), "Type", "network");
	CHECK_FAULT("CreateLoadBalancer", "ValidationError", NULL, "{s:s, s:[s, s], s:s}", "Name",
		    "x", "Subnets", house_subnet(0), house_subnet(1), "Type", "quantum");
	CHECK_FAULT("CreateLoadBalancer", "InvalidSubnet", NULL, "{s:s, s:[s, s], s:s}", "Name",
		    "x", "Subnets", house_subnet(0), house_subnet(1), "IpAddressType", "dualstack");
	CHECK_FAULT("CreateLoadBalancer", "InvalidConfigurationRequest", NULL,
		    "{s:s, s:[s, s], s:{s:s}}", "Name", "x", "Subnets", house_subnet(0),
		    house_subnet(1), "IpamPools", "Ipv4IpamPoolId", "ipam-pool-1");
	CHECK_FAULT("CreateLoadBalancer", "InvalidConfigurationRequest", NULL,
		    "{s:s, s:[s, s], s:s}", "Name", "x", "Subnets", house_subnet(0),
		    house_subnet(1), "EnablePrefixForIpv6SourceNat", "on");
	CHECK_FAULT("CreateLoadBalancer", "InvalidSecurityGroup", NULL, "{s:s, s:[s, s], s:[s]}",
		    "Name", "x", "Subnets", house_subnet(0), house_subnet(1), "SecurityGroups",
		    "sg-0000000000000000a");
	house_close();
}

TEST(describe_finds_by_arn_and_name_and_says_what_is_missing)
{
	const char *a, *b;
	json_t *out;

	house_open();
	CHECK_EQ(json_array_size(node(house_call("DescribeLoadBalancers", "{}"), "LoadBalancers")),
		 0, "an empty list, not none");
	a = house_load_balancer("a");
	b = house_load_balancer("b");
	out = house_call("DescribeLoadBalancers", "{s:[s, s]}", "LoadBalancerArns", b, a);
	CHECK_STR(at(out, "LoadBalancers.0.LoadBalancerName"), "b");
	CHECK_EQ(json_array_size(node(house_call("DescribeLoadBalancers", "{}"), "LoadBalancers")),
		 2);
	CHECK_FAULT("DescribeLoadBalancers", "LoadBalancerNotFound",
		    "Load balancers '[x, y]' not found", "{s:[s, s, s]}", "Names", "a", "x", "y");
	CHECK_FAULT("DescribeLoadBalancers", "ValidationError", NULL, "{s:[s], s:[s]}", "Names",
		    "a", "LoadBalancerArns", a);
	CHECK_FAULT("DescribeLoadBalancers", "ValidationError", NULL, "{s:[s]}", "LoadBalancerArns",
		    "nonsense");
	CHECK_FAULT("DescribeLoadBalancers", "LoadBalancerNotFound", NULL, "{s:[s]}",
		    "LoadBalancerArns",
		    "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/a/"
		    "0000000000000000");
	house_close();
}

TEST(an_arn_without_its_random_part_is_taken_by_name_and_a_name_gets_a_hint)
{
	const char *arn;
	char hint[256];

	house_open();
	arn = house_load_balancer("mindr-alb");
	CHECK_STR(at(house_call(
			     "DescribeLoadBalancers", "{s:[s]}", "LoadBalancerArns",
			     "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/"
			     "mindr-alb"),
		     "LoadBalancers.0.LoadBalancerArn"),
		  arn);
	snprintf(hint, sizeof hint,
		 "'mindr-alb' is not a valid load balancer ARN; did you mean '%s'?", arn);
	CHECK_FAULT("DescribeLoadBalancerAttributes", "ValidationError", hint, "{s:s}",
		    "LoadBalancerArn", "mindr-alb");
	CHECK_FAULT("DescribeLoadBalancerAttributes", "ValidationError",
		    "'nobody' is not a valid load balancer ARN", "{s:s}", "LoadBalancerArn",
		    "nobody");
	house_close();
}

TEST(deleting_takes_listeners_along_cuts_and_may_be_repeated)
{
	const char *lb, *group, *listener;

	house_open();
	lb = house_load_balancer("gone");
	group = house_target_group("stays");
	listener = house_listener(lb, 80, group);
	house_rule(listener, 1, "/a", group);
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	house_call("DeleteLoadBalancer", "{s:s}", "LoadBalancerArn", lb);
	CHECK_STR(at(house.lb->cuts, "0") + strlen("load balancer "), lb);
	CHECK_FAULT("DescribeListeners", "ListenerNotFound", "One or more listeners not found",
		    "{s:[s]}", "ListenerArns", listener);
	CHECK_FAULT("DescribeLoadBalancers", "LoadBalancerNotFound", NULL, "{s:[s]}", "Names",
		    "gone");
	house_call("DeleteLoadBalancer", "{s:s}", "LoadBalancerArn", lb);
	CHECK_STR(at(house.lb->plan, "groups.0.balancer"), "");
	CHECK_STR(at(house.lb->plan, "groups.0.targets.0.id"), "10.0.0.1",
		  "targets stay in their group");
	CHECK_STR(at(house_call("DescribeTargetHealth", "{s:s}", "TargetGroupArn", group),
		     "TargetHealthDescriptions.0.TargetHealth.Reason"),
		  "Target.NotInUse");
	house_load_balancer("gone");
	house_close();
}

TEST(deletion_protection_holds_until_it_is_turned_off)
{
	const char *lb;
	char words[256];

	house_open();
	lb = house_load_balancer("kept");
	CHECK_STR(house_set("LoadBalancer", lb, "deletion_protection.enabled", "true"), "");
	snprintf(words, sizeof words,
		 "Load balancer '%s' cannot be deleted because deletion protection is enabled", lb);
	CHECK_FAULT("DeleteLoadBalancer", "OperationNotPermitted", words, "{s:s}",
		    "LoadBalancerArn", lb);
	CHECK_STR(house_set("LoadBalancer", lb, "deletion_protection.enabled", "false"), "");
	house_call("DeleteLoadBalancer", "{s:s}", "LoadBalancerArn", lb);
	house_close();
}

TEST(what_set_operations_set_is_described)
{
	const char *lb, *sg;
	json_t *out;

	house_open();
	lb = house_load_balancer("set");
	out = house_call("SetSubnets", "{s:s, s:[s, s]}", "LoadBalancerArn", lb, "Subnets",
			 house_subnet(1), house_subnet(2));
	CHECK_STR(at(out, "AvailabilityZones.0.ZoneName"), "us-east-1b");
	CHECK_FAULT("SetSubnets", "ValidationError", NULL, "{s:s, s:[s]}", "LoadBalancerArn", lb,
		    "Subnets", house_subnet(1));
	sg = at(house_try("ec2", "DescribeSecurityGroups", json_object()),
		"SecurityGroups.0.GroupId");
	out = house_call("SetSecurityGroups", "{s:s, s:[s]}", "LoadBalancerArn", lb,
			 "SecurityGroups", sg);
	CHECK_STR(at(out, "SecurityGroupIds.0"), sg);
	CHECK_FAULT("SetSecurityGroups", "InvalidSecurityGroup", NULL, "{s:s, s:[s]}",
		    "LoadBalancerArn", lb, "SecurityGroups", "sg-1");
	CHECK_FAULT("SetSecurityGroups", "ValidationError", NULL, "{s:s, s:[]}", "LoadBalancerArn",
		    lb, "SecurityGroups");
	CHECK_STR(at(house_call("SetIpAddressType", "{s:s, s:s}", "LoadBalancerArn", lb,
				"IpAddressType", "ipv4"),
		     "IpAddressType"),
		  "ipv4");
	CHECK_FAULT("SetIpAddressType", "InvalidSubnet", NULL, "{s:s, s:s}", "LoadBalancerArn", lb,
		    "IpAddressType", "dualstack");
	out = house_call("DescribeLoadBalancers", "{s:[s]}", "Names", "set");
	CHECK_STR(at(out, "LoadBalancers.0.AvailabilityZones.1.SubnetId"), house_subnet(2));
	CHECK_STR(at(out, "LoadBalancers.0.SecurityGroups.0"), sg);
	house_close();
}

TEST(fifty_load_balancers_are_the_limit)
{
	char name[16];

	house_open();
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "lb%d", i);
		house_load_balancer(name);
	}
	CHECK_FAULT("CreateLoadBalancer", "TooManyLoadBalancers", NULL, "{s:s, s:[s, s]}", "Name",
		    "more", "Subnets", house_subnet(0), house_subnet(1));
	house_close();
}

TEST(capacity_is_reserved_within_its_limits_and_given_back)
{
	const char *lb;
	json_t *answer;

	house_open();
	lb = house_load_balancer("plain");
	CHECK_EQ(json_array_size(node(
			 house_call("DescribeCapacityReservation", "{s:s}", "LoadBalancerArn", lb),
			 "CapacityReservationState")),
		 0);
	answer = house_call("ModifyCapacityReservation", "{s:s, s:{s:i}}", "LoadBalancerArn", lb,
			    "MinimumLoadBalancerCapacity", "CapacityUnits", 1000);
	CHECK_EQ(json_array_size(node(answer, "CapacityReservationState")), 2);
	answer = house_call("DescribeCapacityReservation", "{s:s}", "LoadBalancerArn", lb);
	CHECK_EQ(json_integer_value(json_object_get(node(answer, "MinimumLoadBalancerCapacity"),
						    "CapacityUnits")),
		 1000);
	for (int units = 900; units >= 800; units -= 100)
		house_call("ModifyCapacityReservation", "{s:s, s:{s:i}}", "LoadBalancerArn", lb,
			   "MinimumLoadBalancerCapacity", "CapacityUnits", units);
	CHECK_FAULT("ModifyCapacityReservation", "CapacityDecreaseRequestsLimitExceeded", NULL,
		    "{s:s, s:{s:i}}", "LoadBalancerArn", lb, "MinimumLoadBalancerCapacity",
		    "CapacityUnits", 700);
	CHECK_FAULT("ModifyCapacityReservation", "InvalidConfigurationRequest", NULL,
		    "{s:s, s:{s:i}}", "LoadBalancerArn", lb, "MinimumLoadBalancerCapacity",
		    "CapacityUnits", 99);
	CHECK_FAULT("ModifyCapacityReservation", "CapacityUnitsLimitExceeded", NULL,
		    "{s:s, s:{s:i}}", "LoadBalancerArn", lb, "MinimumLoadBalancerCapacity",
		    "CapacityUnits", 15001);
	CHECK_FAULT("ModifyCapacityReservation", "ValidationError", NULL, "{s:s}",
		    "LoadBalancerArn", lb);
	answer = house_call("ModifyCapacityReservation", "{s:s, s:b}", "LoadBalancerArn", lb,
			    "ResetCapacityReservation", 1);
	CHECK(!json_object_get(answer, "MinimumLoadBalancerCapacity"));
	house_close();
}
