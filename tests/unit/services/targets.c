/* Targets: who may register, how they are described, how they leave. */
#include "tests/unit/services/house.h"

static json_t *health(const char *group, unsigned index)
{
	char path[64];

	snprintf(path, sizeof path, "TargetHealthDescriptions.%u", index);
	return node(house_call("DescribeTargetHealth", "{s:s}", "TargetGroupArn", group), path);
}

static size_t count(const char *group)
{
	return json_array_size(
		node(house_call("DescribeTargetHealth", "{s:s}", "TargetGroupArn", group),
		     "TargetHealthDescriptions"));
}

static const char *instance_group(const char *name)
{
	return at(house_call("CreateTargetGroup", "{s:s, s:s, s:i, s:s}", "Name", name, "Protocol",
			     "HTTP", "Port", 8000, "VpcId", house_vpc()),
		  "TargetGroups.0.TargetGroupArn");
}

TEST(private_and_loopback_addresses_are_targets_and_others_are_not)
{
	static const struct {
		const char *id, *code;
	} cases[] = {
		{ "127.0.0.1", "" },
		{ "10.1.2.3", "" },
		{ "172.16.0.1", "" },
		{ "172.31.255.254", "" },
		{ "192.168.1.1", "" },
		{ "100.64.0.1", "" },
		{ "8.8.8.8", "InvalidTarget" },
		{ "172.32.0.1", "InvalidTarget" },
		{ "169.254.169.254", "InvalidTarget" },
		{ "0.0.0.0", "InvalidTarget" },
		{ "::1", "InvalidTarget" },
		{ "localhost", "ValidationError" },
		{ "10.0.0", "ValidationError" },
		{ "i-0123456789abcdef0", "ValidationError" },
	};
	const char *group;

	house_open();
	group = house_target_group("g");
	for (size_t i = 0; i < COUNT(cases); i++) {
		house_try("elbv2", "RegisterTargets",
			  json_pack("{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
				    cases[i].id));
		CHECK_STR(house.fault.code, cases[i].code, "%s: %s", cases[i].id,
			  house.fault.message);
	}
	CHECK_EQ(count(group), 6);
	house_close();
}

TEST(groups_of_ipv6_have_ipv6_targets)
{
	static const struct {
		const char *id, *code;
	} cases[] = {
		{ "::1", "" },
		{ "fd00::1", "" },
		{ "2001:db8::1", "InvalidTarget" },
		{ "10.0.0.1", "InvalidTarget" },
	};
	const char *group;

	house_open();
	group = at(house_call("CreateTargetGroup", "{s:s, s:s, s:i, s:s, s:s, s:s}", "Name", "six",
			      "Protocol", "HTTP", "Port", 8000, "VpcId", house_vpc(), "TargetType",
			      "ip", "IpAddressType", "ipv6"),
		   "TargetGroups.0.TargetGroupArn");
	for (size_t i = 0; i < COUNT(cases); i++) {
		house_try("elbv2", "RegisterTargets",
			  json_pack("{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
				    cases[i].id));
		CHECK_STR(house.fault.code, cases[i].code, "%s: %s", cases[i].id,
			  house.fault.message);
	}
	CHECK_STR(at(house.lb->plan, "groups.0.targets.0.address"), "[::1]:8000");
	house_close();
}

TEST(ports_and_zones_default_to_what_the_group_and_the_subnets_say)
{
	const char *group;

	house_open();
	group = house_target_group("g");
	house_call("RegisterTargets", "{s:s, s:[{s:s}, {s:s, s:i}, {s:s, s:s}, {s:s}, {s:s, s:s}]}",
		   "TargetGroupArn", group, "Targets", "Id", "172.31.17.1", "Id", "127.0.0.1",
		   "Port", 9000, "Id", "10.0.0.5", "AvailabilityZone", "us-east-1c", "Id",
		   "10.0.0.6:8080", "Id", "10.0.0.7", "AvailabilityZone", "all");
	CHECK_STR(at(health(group, 0), "Target.Port"), "8000");
	CHECK_STR(at(health(group, 0), "Target.AvailabilityZone"), "us-east-1b", "by its subnet");
	CHECK_STR(at(health(group, 1), "Target.Port"), "9000");
	CHECK_STR(at(health(group, 1), "Target.AvailabilityZone"), "all");
	CHECK_STR(at(health(group, 2), "Target.AvailabilityZone"), "us-east-1c");
	CHECK_STR(at(health(group, 3), "Target.Id"), "10.0.0.6", "an address with a port is split");
	CHECK_STR(at(health(group, 3), "Target.Port"), "8080");
	CHECK_STR(at(house.lb->plan, "groups.0.targets.0.zone"), "us-east-1b");
	CHECK_STR(at(house.lb->plan, "groups.0.targets.3.address"), "10.0.0.6:8080");
	CHECK_FAULT("RegisterTargets", "ValidationError",
		    "The Availability Zone 'us-east-1z' is not valid", "{s:s, s:[{s:s, s:s}]}",
		    "TargetGroupArn", group, "Targets", "Id", "10.0.0.8", "AvailabilityZone",
		    "us-east-1z");
	house_close();
}

TEST(a_refused_target_registers_none_of_its_call)
{
	const char *group;

	house_open();
	group = house_target_group("g");
	CHECK_FAULT("RegisterTargets", "InvalidTarget", NULL, "{s:s, s:[{s:s}, {s:s}]}",
		    "TargetGroupArn", group, "Targets", "Id", "10.0.0.1", "Id", "8.8.8.8");
	CHECK_EQ(count(group), 0);
	CHECK_FAULT("RegisterTargets", "ValidationError", NULL, "{s:s, s:[]}", "TargetGroupArn",
		    group, "Targets");
	CHECK_FAULT("RegisterTargets", "TargetGroupNotFound", NULL, "{s:s, s:[{s:s}]}",
		    "TargetGroupArn",
		    "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/0",
		    "Targets", "Id", "10.0.0.1");
	house_close();
}

TEST(instances_are_those_of_the_settings)
{
	const char *group;

	house_open();
	group = instance_group("g");
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "i-0123456789abcdef0");
	CHECK_STR(at(house.lb->plan, "groups.0.targets.0.address"), "127.0.0.7:8000");
	CHECK_STR(at(house.lb->plan, "groups.0.targets.0.id"), "i-0123456789abcdef0");
	CHECK_STR(at(health(group, 0), "Target.AvailabilityZone"), "");
	CHECK_FAULT(
		"RegisterTargets", "InvalidTarget",
		"The following targets are not in a running state and cannot be registered: 'i-1'",
		"{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id", "i-1");
	CHECK_FAULT("RegisterTargets", "ValidationError", NULL, "{s:s, s:[{s:s, s:s}]}",
		    "TargetGroupArn", group, "Targets", "Id", "i-0123456789abcdef0",
		    "AvailabilityZone", "us-east-1a");
	house_close();
}

TEST(an_instance_that_the_settings_lost_is_in_no_state_to_be_used)
{
	const char *group;

	house_open();
	group = instance_group("g");
	house_listener(house_load_balancer("lb"), 80, group);
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "i-0123456789abcdef0");
	house.no_instances = true;
	house_restart();
	CHECK_EQ(json_array_size(node(house.lb->plan, "groups.0.targets")), 0);
	CHECK_STR(at(health(group, 0), "TargetHealth.State"), "unused");
	CHECK_STR(at(health(group, 0), "TargetHealth.Reason"), "Target.InvalidState");
	house_call("DeregisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets",
		   "Id", "i-0123456789abcdef0");
	house.now_ms += 1000;
	elbv2_drain_sweep(house.elbv2);
	CHECK_EQ(count(group), 0);
	house_close();
}

TEST(registering_again_changes_nothing_and_another_port_is_another_target)
{
	const char *group;

	house_open();
	group = house_target_group("g");
	for (int i = 0; i < 3; i++)
		house_call("RegisterTargets", "{s:s, s:[{s:s, s:i}]}", "TargetGroupArn", group,
			   "Targets", "Id", "10.0.0.1", "Port", 80 + (i & 1));
	CHECK_EQ(count(group), 2);
	house_close();
}

TEST(health_is_what_the_balancer_says_in_the_form_of_aws)
{
	const char *lb, *group;
	json_t *row;

	house_open();
	lb = house_load_balancer("lb");
	group = house_target_group("g");
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	row = health(group, 0);
	CHECK_STR(at(row, "TargetHealth.State"), "unused");
	CHECK_STR(at(row, "TargetHealth.Reason"), "Target.NotInUse");
	house_listener(lb, 80, group);
	row = health(group, 0);
	CHECK_STR(at(row, "TargetHealth.State"), "initial");
	CHECK_STR(at(row, "TargetHealth.Reason"), "Elb.RegistrationInProgress");
	CHECK_STR(at(row, "TargetHealth.Description"), "Target registration is in progress");
	CHECK_STR(at(row, "HealthCheckPort"), "8000");
	CHECK_STR(at(row, "AdministrativeOverride.State"), "no_override");
	CHECK_STR(at(row, "AdministrativeOverride.Reason"), "AdministrativeOverride.NoOverride");
	CHECK_STR(at(row, "AdministrativeOverride.Description"),
		  "No override is currently active on target");

	house.lb->knows = true;
	house.lb->status.state = HEALTH_HEALTHY;
	row = health(group, 0);
	CHECK_STR(at(row, "TargetHealth.State"), "healthy");
	CHECK(!node(row, "TargetHealth.Reason") && !node(row, "TargetHealth.Description"),
	      "nothing to add");
	CHECK(!node(row, "AnomalyDetection"), "only when asked for");

	house.lb->status =
		(struct target_status){ .state = HEALTH_UNHEALTHY,
					.reason = HEALTH_RESPONSE_CODE_MISMATCH,
					.description = "Health checks failed with these codes: "
						       "[404]",
					.anomalous = true };
	row = node(house_call("DescribeTargetHealth", "{s:s, s:[s]}", "TargetGroupArn", group,
			      "Include", "AnomalyDetection"),
		   "TargetHealthDescriptions.0");
	CHECK_STR(at(row, "TargetHealth.Reason"), "Target.ResponseCodeMismatch");
	CHECK_STR(at(row, "TargetHealth.Description"),
		  "Health checks failed with these codes: [404]");
	CHECK_STR(at(row, "AnomalyDetection.Result"), "anomalous");
	CHECK_STR(at(row, "AnomalyDetection.MitigationInEffect"), "no");
	house_close();
}

TEST(a_target_asked_for_that_is_not_there_is_unused)
{
	const char *group;
	json_t *out;

	house_open();
	group = house_target_group("g");
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	out = house_call("DescribeTargetHealth", "{s:s, s:[{s:s}, {s:s, s:i}]}", "TargetGroupArn",
			 group, "Targets", "Id", "10.0.0.1", "Id", "10.0.0.1", "Port", 1);
	CHECK_STR(at(out, "TargetHealthDescriptions.0.TargetHealth.Reason"), "Target.NotInUse");
	CHECK_STR(at(out, "TargetHealthDescriptions.1.TargetHealth.Reason"),
		  "Target.NotRegistered");
	CHECK_STR(at(out, "TargetHealthDescriptions.1.TargetHealth.Description"),
		  "Target is not registered to the target group");
	house_close();
}

/* ---- Leaving ---- */

static const char *draining_target(const char **ret_lb)
{
	const char *group;

	*ret_lb = house_load_balancer("lb");
	group = house_target_group("g");
	house_listener(*ret_lb, 80, group);
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	CHECK_STR(house_set("TargetGroup", group, "deregistration_delay.timeout_seconds", "60"),
		  "");
	house.lb->knows = true;
	house.lb->status.state = HEALTH_DRAINING;
	house.lb->status.reason = HEALTH_DEREGISTRATION_IN_PROGRESS;
	house.lb->status.requests_in_flight = 1;
	house_call("DeregisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets",
		   "Id", "10.0.0.1");
	return group;
}

TEST(a_target_drains_until_its_delay_ends_and_is_then_cut)
{
	const char *lb, *group;
	char words[256];

	house_open();
	group = draining_target(&lb);
	CHECK_EQ(json_integer_value(node(house.lb->plan, "groups.0.targets.0.draining")),
		 (long long)house.now_ms + 60000);
	CHECK_STR(at(health(group, 0), "TargetHealth.State"), "draining");
	house.now_ms += 59999;
	elbv2_drain_sweep(house.elbv2);
	CHECK_EQ(count(group), 1, "a millisecond early");
	CHECK_EQ(json_array_size(house.lb->cuts), 0);
	house.now_ms += 1;
	elbv2_drain_sweep(house.elbv2);
	CHECK_EQ(count(group), 0);
	CHECK_EQ(json_array_size(node(house.lb->plan, "groups.0.targets")), 0);
	snprintf(words, sizeof words, "target %s 10.0.0.1 8000", group);
	CHECK_STR(at(house.lb->cuts, "0"), words);
	house_close();
}

TEST(a_target_without_requests_leaves_early_and_is_not_cut)
{
	const char *lb, *group;

	house_open();
	group = draining_target(&lb);
	house.lb->status.requests_in_flight = 0;
	house.now_ms += 999;
	elbv2_drain_sweep(house.elbv2);
	CHECK_EQ(count(group), 1, "a worker may still hold the old plan");
	house.now_ms += 1;
	elbv2_drain_sweep(house.elbv2);
	CHECK_EQ(count(group), 0);
	CHECK_EQ(json_array_size(house.lb->cuts), 0);
	CHECK(!timer_armed(&house.elbv2->drain_timer), "nothing is left to wait for");
	house_close();
}

TEST(the_end_of_the_last_request_is_looked_at_in_the_next_turn)
{
	const char *lb, *group;

	house_open();
	group = draining_target(&lb);
	elbv2_on_drained(house.elbv2, bytes_of(group), BYTES("10.0.0.1"), 8000);
	CHECK_EQ(count(group), 1, "not inside of the balancer's callback");
	CHECK(house.elbv2->drain_timer.due_ms <= loop_now_ms(house.loop), "due at once");
	house_close();
}

TEST(draining_goes_on_after_a_restart)
{
	const char *lb, *group;

	house_open();
	group = draining_target(&lb);
	house_restart();
	house.lb->knows = true;
	house.lb->status.requests_in_flight = 1;
	CHECK_EQ(json_integer_value(node(house.lb->plan, "groups.0.targets.0.draining")),
		 (long long)house.now_ms + 60000);
	CHECK(timer_armed(&house.elbv2->drain_timer), "the deadline is watched again");
	house.now_ms += 60000;
	house_restart();
	CHECK_EQ(count(group), 0, "a deadline that passed meanwhile is kept");
	house_close();
}

TEST(a_delay_of_zero_cuts_at_once)
{
	const char *lb, *group;

	house_open();
	lb = house_load_balancer("lb");
	group = house_target_group("g");
	house_listener(lb, 80, group);
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	CHECK_STR(house_set("TargetGroup", group, "deregistration_delay.timeout_seconds", "0"), "");
	house_call("DeregisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets",
		   "Id", "10.0.0.1");
	CHECK_EQ(count(group), 0);
	CHECK_EQ(json_array_size(house.lb->cuts), 1);
	house_close();
}

TEST(an_address_that_is_registered_while_it_drains_comes_back_when_it_has_left)
{
	const char *lb, *group;

	house_open();
	group = draining_target(&lb);
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	CHECK_STR(at(health(group, 0), "TargetHealth.State"), "draining", "first things first");
	house_restart();
	house.now_ms += 60000;
	elbv2_drain_sweep(house.elbv2);
	CHECK_EQ(count(group), 1);
	CHECK_STR(at(house.lb->plan, "groups.0.targets.0.draining"), "0");
	CHECK_EQ(json_integer_value(node(house.lb->plan, "groups.0.targets.0.registered")),
		 (long long)house.now_ms);
	CHECK_EQ(json_array_size(house.lb->cuts), 1, "what ran until then was cut");
	house_close();
}

TEST(who_takes_the_wish_to_come_back_back_is_gone)
{
	const char *lb, *group;

	house_open();
	group = draining_target(&lb);
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	for (int i = 0; i < 2; i++)
		house_call("DeregisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group,
			   "Targets", "Id", "10.0.0.1");
	house.now_ms += 60000;
	elbv2_drain_sweep(house.elbv2);
	CHECK_EQ(count(group), 0);
	house_close();
}

TEST(a_target_out_of_use_leaves_at_once_and_one_that_is_not_there_has_left)
{
	const char *group;

	house_open();
	group = house_target_group("g");
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	house_call("DeregisterTargets", "{s:s, s:[{s:s}, {s:s}]}", "TargetGroupArn", group,
		   "Targets", "Id", "10.0.0.1", "Id", "10.0.0.9");
	CHECK_EQ(count(group), 0);
	house_close();
}

TEST(a_target_out_of_use_that_still_serves_drains_and_is_cut)
{
	const char *group;
	char words[256];

	house_open();
	group = house_target_group("g");
	CHECK_STR(house_set("TargetGroup", group, "deregistration_delay.timeout_seconds", "60"),
		  "");
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	house.lb->knows = true;
	house.lb->status.requests_in_flight = 1; /* begun under a rule that is gone */
	house_call("DeregisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets",
		   "Id", "10.0.0.1");
	CHECK_EQ(json_integer_value(node(house.lb->plan, "groups.0.targets.0.draining")),
		 (long long)house.now_ms + 60000);
	house.now_ms += 60000;
	elbv2_drain_sweep(house.elbv2);
	CHECK_EQ(count(group), 0);
	snprintf(words, sizeof words, "target %s 10.0.0.1 8000", group);
	CHECK_STR(at(house.lb->cuts, "0"), words);
	house_close();
}

TEST(an_instance_that_drains_comes_back_at_once)
{
	const char *lb, *group;

	house_open();
	lb = house_load_balancer("lb");
	group = instance_group("g");
	house_listener(lb, 80, group);
	for (int i = 0; i < 2; i++) {
		house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group,
			   "Targets", "Id", "i-0123456789abcdef0");
		CHECK_STR(at(house.lb->plan, "groups.0.targets.0.draining"), "0");
		house.now_ms += 1000;
		house_call("DeregisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group,
			   "Targets", "Id", "i-0123456789abcdef0");
		CHECK(strcmp(at(house.lb->plan, "groups.0.targets.0.draining"), "0") != 0,
		      "round %d", i);
	}
	house_close();
}

TEST(a_thousand_targets_are_the_limit_of_a_group)
{
	const char *group;
	json_t *list;

	house_open();
	group = house_target_group("g");
	for (int block = 0; block < 4; block++) {
		list = json_array();
		for (int i = 0; i < 250; i++)
			json_array_append_new(list, json_pack("{s:s, s:i}", "Id", "10.0.0.1",
							      "Port", 1 + block * 250 + i));
		house_call("RegisterTargets", "{s:s, s:o}", "TargetGroupArn", group, "Targets",
			   list);
	}
	CHECK_FAULT("RegisterTargets", "TooManyTargets", NULL, "{s:s, s:[{s:s}]}", "TargetGroupArn",
		    group, "Targets", "Id", "10.0.0.2");
	CHECK_EQ(count(group), 1000);
	house_close();
}
