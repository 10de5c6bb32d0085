/* Security groups: their rules by the API, and what becomes of them in the balancer's plan. */
#include "tests/unit/services/house.h"

/* Its members are let in by a rule of their own: the instance that is mapped. */
#define EVERYBODY "0.0.0.0/0 0-65535, ::/0 0-65535, 127.0.0.7/32 0-65535"

static json_t *ec2(const char *operation, json_t *input)
{
	json_t *output = house_try("ec2", operation, input);

	if (!output)
		check_failed(__FILE__, __LINE__, "%s: %s: %s", operation, house.fault.code,
			     house.fault.message);
	return output;
}

static const char *ec2_code(const char *operation, json_t *input)
{
	return house_try("ec2", operation, input) ? "" : house.fault.code;
}

static const char *make_group(const char *name)
{
	return at(ec2("CreateSecurityGroup",
		      json_pack("{s:s, s:s}", "GroupName", name, "Description", "d")),
		  "GroupId");
}

static const char *default_group(void)
{
	return at(ec2("DescribeSecurityGroups", json_pack("{s:[s]}", "GroupNames", "default")),
		  "SecurityGroups.0.GroupId");
}

/* {GroupId, IpPermissions: [one]}; `source` is stolen. */
static json_t *rule(const char *group, const char *protocol, int from, int to, const char *kind,
		    json_t *source)
{
	return json_pack("{s:s, s:[{s:s, s:i, s:i, s:[o]}]}", "GroupId", group, "IpPermissions",
			 "IpProtocol", protocol, "FromPort", from, "ToPort", to, kind, source);
}

static json_t *cidr(const char *text)
{
	return json_pack("{s:s}", "CidrIp", text);
}

static json_t *pair(const char *group)
{
	return json_pack("{s:s}", "GroupId", group);
}

/* What the loop's next turn would bring: the plan after a change of groups. */
static json_t *plan(void)
{
	if (house.elbv2->dirty)
		elbv2_reconcile(house.elbv2);
	return house.lb->plan;
}

/* "a b": a list of texts in one. */
static const char *joined(const json_t *list)
{
	struct text out = TEXT_INIT(4096);
	const json_t *item;
	size_t index;
	const char *text;

	if (!json_is_array(list))
		return "everything";
	json_array_foreach (list, index, item)
		text_printf(&out, "%s%s", index ? ", " : "", json_string_value(item));
	json_array_append_new(house.answers, json_string(text_str(&out)));
	text = json_string_value(json_array_get(house.answers, json_array_size(house.answers) - 1));
	text_fini(&out);
	return text;
}

static void balancer_with(const char *group)
{
	const char *arn = house_load_balancer("one");

	house_call("SetSecurityGroups", "{s:s, s:[s]}", "LoadBalancerArn", arn, "SecurityGroups",
		   group);
}

TEST(a_balancer_without_groups_gets_the_default_one_which_admits_everybody)
{
	house_open();
	house_load_balancer("one");
	CHECK_STR(joined(node(plan(), "balancers.0.ingress")), EVERYBODY);
	CHECK_STR(joined(node(plan(), "balancers.0.egress")), "0.0.0.0/0 0-65535");
	house_close();
}

TEST(rules_reach_the_plan_when_they_change_and_survive_a_restart)
{
	const char *group;

	house_open();
	group = make_group("web");
	balancer_with(group);
	CHECK_STR(joined(node(plan(), "balancers.0.ingress")), "", "nobody at first");
	CHECK_STR(joined(node(plan(), "balancers.0.egress")), "0.0.0.0/0 0-65535");
	ec2("AuthorizeSecurityGroupIngress",
	    rule(group, "tcp", 80, 81, "IpRanges", cidr("10.1.2.3/8")));
	CHECK_STR(joined(node(plan(), "balancers.0.ingress")), "10.0.0.0/8 80-81");
	house_restart();
	CHECK_STR(joined(node(house.lb->plan, "balancers.0.ingress")), "10.0.0.0/8 80-81");
	ec2("RevokeSecurityGroupIngress",
	    rule(group, "tcp", 80, 81, "IpRanges", cidr("10.0.0.0/8")));
	CHECK_STR(joined(node(plan(), "balancers.0.ingress")), "");
	house_close();
}

TEST(rules_that_are_not_about_tcp_admit_nobody)
{
	static const struct {
		const char *protocol, *want;
	} cases[] = {
		{ "udp", "" },
		{ "icmp", "" },
		{ "17", "" },
		{ "47", "" },
		{ "6", "10.0.0.0/8 80-90" },
		{ "TCP", "10.0.0.0/8 80-90" },
		{ "-1", "10.0.0.0/8 0-65535" },
		{ "all", "10.0.0.0/8 0-65535" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *group;

		house_open();
		group = make_group("web");
		balancer_with(group);
		ec2("AuthorizeSecurityGroupIngress",
		    rule(group, cases[i].protocol, 80, 90, "IpRanges", cidr("10.0.0.0/8")));
		CHECK_STR(joined(node(plan(), "balancers.0.ingress")), cases[i].want, "%s",
			  cases[i].protocol);
		house_close();
	}
}

TEST(a_group_as_source_stands_for_the_instances_in_it)
{
	const char *web, *inner;

	house_open();
	web = make_group("web");
	inner = make_group("inner");
	balancer_with(web);
	ec2("AuthorizeSecurityGroupIngress",
	    rule(web, "tcp", 80, 80, "UserIdGroupPairs", pair(inner)));
	CHECK_STR(joined(node(plan(), "balancers.0.ingress")), "", "nobody is in it");
	ec2("ModifyInstanceAttribute",
	    json_pack("{s:s, s:[s]}", "InstanceId", "i-0123456789abcdef0", "Groups", inner));
	CHECK_STR(joined(node(plan(), "balancers.0.ingress")), "127.0.0.7/32 80-80");
	CHECK_STR(ec2_code("DeleteSecurityGroup", json_pack("{s:s}", "GroupId", inner)),
		  "DependencyViolation");
	house_close();
}

TEST(the_group_of_an_instance_says_which_balancers_reach_it)
{
	const char *web, *back, *group;

	house_open();
	web = make_group("web");
	back = make_group("back");
	balancer_with(web);
	group = house_target_group("tg");
	house_listener(
		at(house_call("DescribeLoadBalancers", "{}"), "LoadBalancers.0.LoadBalancerArn"),
		80, group);
	house_call("RegisterTargets", "{s:s, s:[{s:s}, {s:s}]}", "TargetGroupArn", group, "Targets",
		   "Id", "127.0.0.7", "Id", "127.0.0.8");
	CHECK_STR(joined(node(plan(), "groups.0.targets.0.ingress")), "127.0.0.7/32 0-65535",
		  "of the default group");
	CHECK_STR(joined(node(plan(), "groups.0.targets.1.ingress")), "everything",
		  "nothing is known of who is no instance");
	ec2("ModifyInstanceAttribute",
	    json_pack("{s:s, s:[s]}", "InstanceId", "i-0123456789abcdef0", "Groups", back));
	CHECK_STR(joined(node(plan(), "groups.0.targets.0.ingress")), "");
	ec2("AuthorizeSecurityGroupIngress",
	    rule(back, "tcp", 8000, 8000, "UserIdGroupPairs", pair(web)));
	CHECK_STR(joined(node(plan(), "groups.0.targets.0.ingress")), "127.0.0.7/32 8000-8000");
	ec2("AuthorizeSecurityGroupIngress",
	    rule(back, "tcp", 1, 2, "IpRanges", cidr("127.0.0.1/32")));
	ec2("AuthorizeSecurityGroupIngress",
	    rule(back, "tcp", 3, 4, "IpRanges", cidr("127.0.0.2/32")));
	CHECK_STR(joined(node(plan(), "groups.0.targets.0.ingress")),
		  "127.0.0.7/32 8000-8000, 127.0.0.7/32 1-2", "balancers come from 127.0.0.1");
	house_close();
}

TEST(a_reset_brings_the_default_group_back_as_it_was_made)
{
	struct store_txn *txn;
	const char *group;
	json_t *body;

	house_open();
	group = default_group();
	body = node(ec2("DescribeSecurityGroups", json_pack("{s:[s]}", "GroupIds", group)),
		    "SecurityGroups.0.IpPermissions");
	ec2("RevokeSecurityGroupIngress",
	    json_pack("{s:s, s:O}", "GroupId", group, "IpPermissions", body));
	house_load_balancer("one");
	CHECK_STR(joined(node(plan(), "balancers.0.ingress")), "");
	CHECK_OK(store_begin(house.store, &txn));
	CHECK_OK(store_reset(txn));
	CHECK_OK(store_commit(txn));
	CHECK_STR(default_group(), group, "the same id");
	house_load_balancer("one");
	CHECK_STR(joined(node(plan(), "balancers.0.ingress")), EVERYBODY);
	house_close();
}

TEST(a_failed_call_leaves_no_half_of_its_rules)
{
	const char *group;
	json_t *input;

	house_open();
	group = make_group("web");
	ec2("AuthorizeSecurityGroupIngress",
	    rule(group, "tcp", 80, 80, "IpRanges", cidr("10.0.0.0/8")));
	input = rule(group, "tcp", 80, 80, "IpRanges", cidr("11.0.0.0/8"));
	json_array_append_new(node(input, "IpPermissions.0.IpRanges"), cidr("10.0.0.0/8"));
	CHECK_STR(ec2_code("AuthorizeSecurityGroupIngress", input), "InvalidPermission.Duplicate");
	CHECK_STR(house.fault.message,
		  "the specified rule \"peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW\" "
		  "already exists");
	CHECK_EQ(json_array_size(node(
			 ec2("DescribeSecurityGroups", json_pack("{s:[s]}", "GroupIds", group)),
			 "SecurityGroups.0.IpPermissions.0.IpRanges")),
		 1);
	house_close();
}

TEST(a_rule_that_a_call_names_twice_is_refused)
{
	const char *group;
	json_t *input;

	house_open();
	group = make_group("web");
	input = rule(group, "tcp", 80, 80, "IpRanges", cidr("10.0.0.0/8"));
	json_array_append_new(node(input, "IpPermissions"),
			      json_deep_copy(node(input, "IpPermissions.0")));
	CHECK_STR(ec2_code("AuthorizeSecurityGroupIngress", input), "InvalidParameterValue");
	CHECK_STR(house.fault.message, "The same permission must not appear multiple times");
	house_close();
}

TEST(sixty_rules_each_way_are_the_limit)
{
	const char *group;
	char text[24];

	house_open();
	group = make_group("web");
	for (int i = 0; i < 60; i++) {
		snprintf(text, sizeof text, "10.0.%d.0/24", i);
		ec2("AuthorizeSecurityGroupIngress",
		    rule(group, "tcp", 80, 80, "IpRanges", cidr(text)));
	}
	CHECK_STR(ec2_code("AuthorizeSecurityGroupIngress",
			   rule(group, "tcp", 80, 80, "IpRanges", cidr("10.0.60.0/24"))),
		  "RulesPerSecurityGroupLimitExceeded");
	ec2("AuthorizeSecurityGroupEgress",
	    rule(group, "tcp", 80, 80, "IpRanges", cidr("10.0.0.0/24")));
	house_close();
}
