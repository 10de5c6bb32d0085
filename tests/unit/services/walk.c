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

#define SEED_ARN "arn:aws:elasticloadbalancing:us-east-1:000000000000:"

/* As the two documents write them: ARNs of their names, health checks as attributes, one rule of
 * several paths. The command line splits the paths, or does not; both mean the same. */
TEST(the_commands_of_the_seeds_work_as_written)
{
	static const char *const paths[][3] = { { "/chat,/health,/reindex", NULL, NULL },
						{ "/chat", "/health", "/reindex" } };
	const char *lb, *back, *front, *listener, *short_listener;
	char text[160];

	house_open();
	lb = house_load_balancer("mindr-alb");
	back = house_target_group("mindr-backend-tg");
	front = house_target_group("mindr-frontend-tg");
	listener = house_listener(lb, 80, front);
	house_call("ModifyTargetGroupAttributes", "{s:s, s:[{s:s, s:s}]}", "TargetGroupArn",
		   SEED_ARN "targetgroup/mindr-backend-tg", "Attributes", "Key",
		   "deregistration_delay.timeout_seconds", "Value", "180");
	house_call("ModifyTargetGroupAttributes",
		   "{s:s, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}", "TargetGroupArn",
		   SEED_ARN "targetgroup/mindr-backend-tg", "Attributes", "Key",
		   "health_check.interval_seconds", "Value", "30", "Key",
		   "health_check.timeout_seconds", "Value", "5", "Key",
		   "health_check.healthy_threshold_count", "Value", "2", "Key",
		   "health_check.unhealthy_threshold_count", "Value", "2");
	house_call("ModifyLoadBalancerAttributes", "{s:s, s:[{s:s, s:s}]}", "LoadBalancerArn",
		   SEED_ARN "loadbalancer/app/mindr-alb", "Attributes", "Key",
		   "idle_timeout.timeout_seconds", "Value", "180");
	CHECK_STR(at(house.lb->plan, "balancers.0.idle_ms"), "180000");
	CHECK_STR(at(house.lb->plan, "groups.0.delay_ms"), "180000");
	CHECK_STR(at(house.lb->plan, "groups.0.health.healthy"), "2");

	snprintf(text, sizeof text, SEED_ARN "listener/app/mindr-alb%s", strrchr(listener, '/'));
	short_listener = text;
	for (int way = 0; way < 2; way++) {
		json_t *values = json_array();
		char path[80];

		for (int i = 0; i < 3 && paths[way][i]; i++)
			json_array_append_new(values, json_string(paths[way][i]));
		house_call("CreateRule", "{s:s, s:i, s:[{s:s, s:o}], s:[{s:s, s:s}]}",
			   "ListenerArn", short_listener, "Priority", 100 + way, "Conditions",
			   "Field", "path-pattern", "Values", values, "Actions", "Type", "forward",
			   "TargetGroupArn", SEED_ARN "targetgroup/mindr-backend-tg");
		for (int i = 0; i < 3; i++) {
			snprintf(path, sizeof path,
				 "balancers.0.listeners.0.rules.%d.conditions.0.values.%d.value",
				 1 + way, i);
			CHECK_STR(at(house.lb->plan, path), paths[1][i]);
		}
	}
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.rules.1.action.groups.0.arn"), back,
		  "the whole ARN");
	house_close();
}
