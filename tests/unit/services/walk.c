/* The walk that every user takes: a load balancer, a group, a listener, rules, targets, and back.
 */
#include "tests/unit/services/house.h"

TEST(a_load_balancer_with_a_rule_and_a_target_reaches_the_balancer)
{
	const char *lb, *group, *listener, *rule;
	json_t *out;

	house_open();
	lb = house_load_balancer("mindr-alb");
	group = house_target_group("mindr-backend-tg");
	listener = house_listener(lb, 80, group);
	rule = house_rule(listener, 100, "/chat", group);
	house_call("RegisterTargets", "{s:s, s:[{s:s, s:i}]}", "TargetGroupArn", group, "Targets",
		   "Id", "127.0.0.1", "Port", 9000);

	CHECK_STR(at(house.lb->plan, "balancers.0.arn"), lb);
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.bound"), "127.0.0.1:8080");
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.port"), "80");
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.rules.1.arn"), rule);
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.rules.1.conditions.0.values.0.value"),
		  "/chat");
	CHECK_STR(at(house.lb->plan, "groups.0.targets.0.address"), "127.0.0.1:9000");
	CHECK_STR(at(house.lb->plan, "groups.0.balancer"), at(house.lb->plan, "balancers.0.id"));
	CHECK_STR(at(house.lb->bound, "127.0.0.1:8080"), "");
	CHECK_EQ(json_integer_value(json_object_get(house.lb->bound, "127.0.0.1:8080")), 1);

	out = house_call("DescribeTargetHealth", "{s:s}", "TargetGroupArn", group);
	CHECK_STR(at(out, "TargetHealthDescriptions.0.TargetHealth.State"), "initial");
	house_call("DeleteLoadBalancer", "{s:s}", "LoadBalancerArn", lb);
	CHECK_EQ(json_object_size(house.lb->bound), 0);
	CHECK_EQ(json_array_size(node(house.lb->plan, "balancers")), 0);
	house_call("DeleteTargetGroup", "{s:s}", "TargetGroupArn", group);
	CHECK_EQ(json_array_size(node(house.lb->plan, "groups")), 0);
	house_close();
}
