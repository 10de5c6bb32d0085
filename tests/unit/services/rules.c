/* Listeners and rules: their order, their limits, and what of them reaches the balancer. */
#include "tests/unit/services/house.h"

static const char *lb, *group, *listener;

static void furnish(void)
{
	house_open();
	lb = house_load_balancer("lb");
	group = house_target_group("g");
	listener = house_listener(lb, 80, group);
}

static const char *rule_bound(unsigned index)
{
	char path[64];

	snprintf(path, sizeof path, "balancers.0.listeners.0.rules.%u.priority", index);
	return at(house.lb->plan, path);
}

/* ---- Listeners ---- */

static json_t *listener_input(const char *key, json_t *value)
{
	json_t *input = json_pack("{s:s, s:s, s:i, s:[{s:s, s:s}]}", "LoadBalancerArn", lb,
				  "Protocol", "HTTP", "Port", 81, "DefaultActions", "Type",
				  "forward", "TargetGroupArn", group);

	if (value)
		json_object_set_new(input, key, value);
	else
		json_object_del(input, key);
	return input;
}

TEST(a_new_listener_is_described_with_its_default_action_filled_in)
{
	json_t *row;
	size_t stem;

	furnish();
	row = node(house_call("DescribeListeners", "{s:s}", "LoadBalancerArn", lb), "Listeners.0");
	CHECK_STR(at(row, "ListenerArn"), listener);
	stem = strlen("arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/lb/");
	CHECK_EQ(strlen(listener), stem + 16 + 1 + 16, "%s", listener);
	CHECK(strncmp(listener + stem, lb + strlen(lb) - 16, 16) == 0,
	      "the id of the load balancer");
	CHECK_STR(at(row, "Port"), "80");
	CHECK_STR(at(row, "Protocol"), "HTTP");
	CHECK_STR(at(row, "DefaultActions.0.TargetGroupArn"), group);
	CHECK_STR(at(row, "DefaultActions.0.ForwardConfig.TargetGroups.0.Weight"), "1");
	CHECK_STR(at(row, "DefaultActions.0.ForwardConfig.TargetGroupStickinessConfig.Enabled"),
		  "false");
	CHECK(!node(row, "Certificates") && !node(row, "SslPolicy") &&
		      !node(row, "MutualAuthentication"),
	      "an HTTP listener has none of these");
	house_close();
}

TEST(what_a_listener_needs_is_asked_for_in_the_words_of_aws)
{
	furnish();
	house_fault(__FILE__, __LINE__, "CreateListener", "ValidationError",
		    "A listener protocol must be specified", listener_input("Protocol", NULL));
	house_fault(__FILE__, __LINE__, "CreateListener", "ValidationError",
		    "A listener port must be specified", listener_input("Port", NULL));
	house_fault(__FILE__, __LINE__, "CreateListener", "ValidationError",
		    "Listener protocol 'TCP' must be one of 'HTTP, HTTPS'",
		    listener_input("Protocol", json_string("TCP")));
	house_fault(__FILE__, __LINE__, "CreateListener", "ValidationError",
		    "A certificate must be specified for HTTPS listeners",
		    listener_input("Protocol", json_string("HTTPS")));
	house_fault(__FILE__, __LINE__, "CreateListener", "ValidationError",
		    "An SSL policy cannot be specified for HTTP listeners",
		    listener_input("SslPolicy", json_string("ELBSecurityPolicy-2016-08")));
	house_fault(
		__FILE__, __LINE__, "CreateListener", "ValidationError", NULL,
		listener_input("Certificates", json_pack("[{s:s}]", "CertificateArn", "arn:x")));
	house_fault(__FILE__, __LINE__, "CreateListener", "ValidationError", NULL,
		    listener_input("MutualAuthentication", json_pack("{s:s}", "Mode", "verify")));
	house_fault(__FILE__, __LINE__, "CreateListener", "ValidationError", NULL,
		    listener_input("Port", json_integer(0)));
	house_fault(__FILE__, __LINE__, "CreateListener", "ValidationError", NULL,
		    listener_input("DefaultActions", json_array()));
	house_fault(__FILE__, __LINE__, "CreateListener", "LoadBalancerNotFound", NULL,
		    listener_input("LoadBalancerArn",
				   json_string("arn:aws:elasticloadbalancing:us-east-1:"
					       "000000000000:loadbalancer/app/x/1")));
	house_close();
}

TEST(the_same_listener_again_is_the_same_and_another_on_its_port_is_refused)
{
	char words[256];

	furnish();
	CHECK_STR(house_listener(lb, 80, group), listener);
	CHECK_EQ(json_integer_value(json_object_get(house.lb->bound, "127.0.0.1:8080")), 1,
		 "bound once");
	snprintf(words, sizeof words,
		 "A listener already exists on this port for this load balancer '%s'", lb);
	CHECK_FAULT("CreateListener", "DuplicateListener", words,
		    "{s:s, s:s, s:i, s:[{s:s, s:{s:s}}]}", "LoadBalancerArn", lb, "Protocol",
		    "HTTP", "Port", 80, "DefaultActions", "Type", "fixed-response",
		    "FixedResponseConfig", "StatusCode", "200");
	house_close();
}

TEST(a_port_that_cannot_be_bound_is_an_error_of_the_call_and_leaves_nothing)
{
	furnish();
	house.lb->refused = "127.0.0.1:8081";
	house.lb->refused_err = ERR_IN_USE;
	house_fault(__FILE__, __LINE__, "CreateListener", "InvalidConfigurationRequest",
		    "Listener port '81' cannot be bound at 127.0.0.1:8081: another program uses it",
		    listener_input("Port", json_integer(81)));
	house_fault(
		__FILE__, __LINE__, "CreateListener", "InvalidConfigurationRequest",
		"Listener port '60000' cannot be bound: with the port offset 8000 it is outside of "
		"1-65535",
		listener_input("Port", json_integer(60000)));
	CHECK_EQ(json_array_size(
			 node(house_call("DescribeListeners", "{s:s}", "LoadBalancerArn", lb),
			      "Listeners")),
		 1);
	CHECK_FAULT("ModifyListener", "InvalidConfigurationRequest", NULL, "{s:s, s:i}",
		    "ListenerArn", listener, "Port", 81);
	CHECK_EQ(json_integer_value(json_object_get(house.lb->bound, "127.0.0.1:8080")), 1);
	house_close();
}

TEST(a_modified_listener_moves_its_port_after_the_new_one_is_bound)
{
	json_t *row;

	furnish();
	row = node(house_call("ModifyListener", "{s:s, s:i, s:[{s:s, s:{s:s, s:s}}]}",
			      "ListenerArn", listener, "Port", 90, "DefaultActions", "Type",
			      "fixed-response", "FixedResponseConfig", "StatusCode", "404",
			      "MessageBody", "nothing"),
		   "Listeners.0");
	CHECK_STR(at(row, "Port"), "90");
	CHECK_STR(at(row, "DefaultActions.0.FixedResponseConfig.MessageBody"), "nothing");
	CHECK(!node(house.lb->bound, "127.0.0.1:8080"), "the old port is free");
	CHECK_EQ(json_integer_value(json_object_get(house.lb->bound, "127.0.0.1:8090")), 1);
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.bound"), "127.0.0.1:8090");
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.rules.0.action.body"), "nothing");
	CHECK_STR(at(house.lb->plan, "groups.0.balancer"), "", "the group is out of use");
	house_listener(lb, 80, group);
	CHECK_FAULT("ModifyListener", "ValidationError", "Listener port '80' is already in use",
		    "{s:s, s:i}", "ListenerArn", listener, "Port", 80);
	CHECK_FAULT("ModifyListener", "ValidationError",
		    "A certificate must be specified for HTTPS listeners", "{s:s, s:s}",
		    "ListenerArn", listener, "Protocol", "HTTPS");
	house_close();
}

TEST(listeners_are_described_by_arn_or_load_balancer_and_not_both)
{
	static const char words[] = "You must specify either listener ARNs or a load balancer ARN";

	furnish();
	CHECK_FAULT("DescribeListeners", "ValidationError", words, "{}");
	CHECK_FAULT("DescribeListeners", "ValidationError", words, "{s:s, s:[s]}",
		    "LoadBalancerArn", lb, "ListenerArns", listener);
	CHECK_FAULT("DeleteListener", "ListenerNotFound", "One or more listeners not found",
		    "{s:s}", "ListenerArn",
		    "arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/lb/1/2");
	CHECK_EQ(json_array_size(node(house_call("DescribeListenerCertificates", "{s:s}",
						 "ListenerArn", listener),
				      "Certificates")),
		 0);
	house_close();
}

TEST(fifty_listeners_are_the_limit_of_a_load_balancer)
{
	furnish();
	for (unsigned i = 1; i < 50; i++)
		house_listener(lb, 1000 + i, group);
	house_fault(__FILE__, __LINE__, "CreateListener", "TooManyListeners", NULL,
		    listener_input("Port", json_integer(2000)));
	house_close();
}

/* ---- Rules ---- */

TEST(rules_are_described_by_priority_with_the_default_last)
{
	json_t *out;
	const char *second, *first;

	furnish();
	second = house_rule(listener, 200, "/b", group);
	first = house_rule(listener, 100, "/a", group);
	out = house_call("DescribeRules", "{s:s}", "ListenerArn", listener);
	CHECK_STR(at(out, "Rules.0.RuleArn"), first);
	CHECK_STR(at(out, "Rules.0.Priority"), "100", "a string");
	CHECK_STR(at(out, "Rules.0.IsDefault"), "false");
	CHECK_STR(at(out, "Rules.0.Conditions.0.Values.0"), "/a");
	CHECK_STR(at(out, "Rules.0.Conditions.0.PathPatternConfig.Values.0"), "/a");
	CHECK(json_is_array(node(out, "Rules.0.Transforms")), "always there");
	CHECK_STR(at(out, "Rules.1.RuleArn"), second);
	CHECK_STR(at(out, "Rules.2.Priority"), "default");
	CHECK_STR(at(out, "Rules.2.IsDefault"), "true");
	CHECK_EQ(json_array_size(node(out, "Rules.2.Conditions")), 0);
	out = house_call("DescribeRules", "{s:[s]}", "RuleArns", second);
	CHECK_EQ(json_array_size(node(out, "Rules")), 1);
	CHECK_FAULT("DescribeRules", "ValidationError",
		    "You must specify either listener rule ARNs or a listener ARN", "{}");
	CHECK_FAULT(
		"DescribeRules", "RuleNotFound", "One or more rules not found", "{s:[s]}",
		"RuleArns",
		"arn:aws:elasticloadbalancing:us-east-1:000000000000:listener-rule/app/lb/1/2/3");
	house_close();
}

TEST(a_priority_is_taken_once_and_lies_between_1_and_50000)
{
	furnish();
	house_rule(listener, 1, "/a", group);
	house_rule(listener, 50000, "/b", group);
	CHECK_FAULT("CreateRule", "PriorityInUse", "Priority '1' is currently in use",
		    "{s:s, s:i, s:[{s:s, s:[s]}], s:[{s:s, s:s}]}", "ListenerArn", listener,
		    "Priority", 1, "Conditions", "Field", "path-pattern", "Values", "/c", "Actions",
		    "Type", "forward", "TargetGroupArn", group);
	for (int priority = 0; priority <= 50001; priority += 50001)
		CHECK_FAULT("CreateRule", "ValidationError", NULL,
			    "{s:s, s:i, s:[{s:s, s:[s]}], s:[{s:s, s:s}]}", "ListenerArn", listener,
			    "Priority", priority, "Conditions", "Field", "path-pattern", "Values",
			    "/c", "Actions", "Type", "forward", "TargetGroupArn", group);
	house_close();
}

TEST(priorities_are_set_all_or_none_and_may_swap)
{
	const char *a, *b, *c, *default_rule;
	json_t *out;

	furnish();
	a = house_rule(listener, 1, "/a", group);
	b = house_rule(listener, 2, "/b", group);
	c = house_rule(listener, 3, "/c", group);
	out = house_call("SetRulePriorities", "{s:[{s:s, s:i}, {s:s, s:i}]}", "RulePriorities",
			 "RuleArn", a, "Priority", 2, "RuleArn", b, "Priority", 1);
	CHECK_STR(at(out, "Rules.0.Priority"), "2");
	CHECK_STR(at(house_call("DescribeRules", "{s:s}", "ListenerArn", listener),
		     "Rules.0.RuleArn"),
		  b);

	CHECK_FAULT("SetRulePriorities", "PriorityInUse", "Priority '3' is currently in use",
		    "{s:[{s:s, s:i}, {s:s, s:i}]}", "RulePriorities", "RuleArn", a, "Priority", 9,
		    "RuleArn", b, "Priority", 3);
	CHECK_STR(at(house_call("DescribeRules", "{s:[s]}", "RuleArns", a), "Rules.0.Priority"),
		  "2", "none was moved");
	CHECK_FAULT("SetRulePriorities", "ValidationError",
		    "Priority '7' was provided multiple times", "{s:[{s:s, s:i}, {s:s, s:i}]}",
		    "RulePriorities", "RuleArn", a, "Priority", 7, "RuleArn", b, "Priority", 7);
	CHECK_FAULT(
		"SetRulePriorities", "RuleNotFound", NULL, "{s:[{s:s, s:i}]}", "RulePriorities",
		"RuleArn",
		"arn:aws:elasticloadbalancing:us-east-1:000000000000:listener-rule/app/lb/1/2/3",
		"Priority", 7);
	default_rule = at(house_call("DescribeRules", "{s:s}", "ListenerArn", listener),
			  "Rules.3.RuleArn");
	CHECK_FAULT("SetRulePriorities", "OperationNotPermitted", NULL, "{s:[{s:s, s:i}]}",
		    "RulePriorities", "RuleArn", default_rule, "Priority", 7);
	CHECK_STR(rule_bound(1), "2", "the plan: %s", a);
	CHECK_STR(rule_bound(2), "1", "the plan: %s", b);
	CHECK_STR(rule_bound(3), "3", "the plan: %s", c);
	house_close();
}

TEST(the_default_rule_cannot_be_deleted_or_modified)
{
	const char *arn;
	char words[256];

	furnish();
	arn = at(house_call("DescribeRules", "{s:s}", "ListenerArn", listener), "Rules.0.RuleArn");
	snprintf(words, sizeof words, "Default rule '%s' cannot be deleted", arn);
	CHECK_FAULT("DeleteRule", "OperationNotPermitted", words, "{s:s}", "RuleArn", arn);
	CHECK_FAULT("ModifyRule", "OperationNotPermitted", NULL, "{s:s, s:b}", "RuleArn", arn,
		    "ResetTransforms", 1);
	house_close();
}

TEST(a_modified_rule_replaces_whole_lists_and_keeps_the_others)
{
	const char *rule, *other;
	json_t *row;

	furnish();
	other = house_target_group("other");
	rule = house_rule(listener, 1, "/a", group);
	CHECK_FAULT("ModifyRule", "ValidationError",
		    "Either conditions or actions must be specified", "{s:s}", "RuleArn", rule);
	row = node(house_call("ModifyRule", "{s:s, s:[{s:s, s:[s]}]}", "RuleArn", rule,
			      "Conditions", "Field", "host-header", "Values", "a.example.com"),
		   "Rules.0");
	CHECK_STR(at(row, "Conditions.0.HostHeaderConfig.Values.0"), "a.example.com");
	CHECK_STR(at(row, "Actions.0.TargetGroupArn"), group, "kept");
	row = node(house_call("ModifyRule", "{s:s, s:[{s:s, s:s}]}", "RuleArn", rule, "Actions",
			      "Type", "forward", "TargetGroupArn", other),
		   "Rules.0");
	CHECK_STR(at(row, "Actions.0.TargetGroupArn"), other);
	CHECK_STR(at(row, "Conditions.0.Field"), "host-header", "kept");
	CHECK_STR(at(house.lb->plan, "groups.1.balancer"), at(house.lb->plan, "balancers.0.id"));
	row = node(house_call("ModifyRule", "{s:s, s:[{s:s, s:{s:[{s:s, s:s}]}}]}", "RuleArn", rule,
			      "Transforms", "Type", "url-rewrite", "UrlRewriteConfig", "Rewrites",
			      "Regex", "^/a/(.*)$", "Replace", "/$1"),
		   "Rules.0");
	CHECK_STR(at(row, "Transforms.0.UrlRewriteConfig.Rewrites.0.Regex"), "^/a/(.*)$");
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.rules.1.url_regex"), "^/a/(.*)$");
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.rules.1.url_replace"), "/$1");
	row = node(house_call("ModifyRule", "{s:s, s:b}", "RuleArn", rule, "ResetTransforms", 1),
		   "Rules.0");
	CHECK_EQ(json_array_size(node(row, "Transforms")), 0);
	house_call("DeleteRule", "{s:s}", "RuleArn", rule);
	CHECK_FAULT("DeleteRule", "RuleNotFound", NULL, "{s:s}", "RuleArn", rule);
	house_call("DeleteTargetGroup", "{s:s}", "TargetGroupArn", other);
	house_close();
}

TEST(a_hundred_rules_are_the_limit_of_a_load_balancer_over_all_its_listeners)
{
	const char *second;
	char path[16];

	furnish();
	second = house_listener(lb, 81, group);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "/%u", i);
		house_rule(i & 1 ? listener : second, i + 1, path, group);
	}
	CHECK_FAULT("CreateRule", "TooManyRules", NULL,
		    "{s:s, s:i, s:[{s:s, s:[s]}], s:[{s:s, s:s}]}", "ListenerArn", listener,
		    "Priority", 1000, "Conditions", "Field", "path-pattern", "Values", "/c",
		    "Actions", "Type", "forward", "TargetGroupArn", group);
	house_close();
}

TEST(a_restart_brings_listeners_rules_and_targets_back)
{
	json_t *before;

	furnish();
	house_rule(listener, 5, "/x", group);
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	before = json_incref(house.lb->plan);
	house_restart();
	CHECK(json_equal(before, house.lb->plan), "the plan is the same");
	CHECK_EQ(json_integer_value(json_object_get(house.lb->bound, "127.0.0.1:8080")), 1);
	json_decref(before);
	house_close();
}

TEST(a_start_whose_port_is_taken_says_which_and_binds_nothing)
{
	char *why = NULL;

	furnish();
	house_listener(lb, 81, group);
	json_object_clear(house.lb->bound);
	house.lb->refused = "127.0.0.1:8081";
	house.lb->refused_err = ERR_IN_USE;
	CHECK_ERR(elbv2_restore(house.elbv2, &why), ERR_IN_USE);
	CHECK(why && strstr(why, "cannot be bound at 127.0.0.1:8081: another program uses it"),
	      "%s", why ? why : "");
	CHECK_EQ(json_object_size(house.lb->bound), 0);
	free(why);
	house_close();
}

TEST(the_summary_counts_what_there_is)
{
	struct elbv2_summary sum;

	furnish();
	house_rule(listener, 5, "/x", group);
	house_call("RegisterTargets", "{s:s, s:[{s:s}, {s:s}]}", "TargetGroupArn", group, "Targets",
		   "Id", "10.0.0.1", "Id", "10.0.0.2");
	house_call("DeregisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets",
		   "Id", "10.0.0.2");
	CHECK_OK(elbv2_summary(house.elbv2, &sum));
	CHECK_EQ(sum.load_balancers, 1);
	CHECK_EQ(sum.listeners, 1);
	CHECK_EQ(sum.rules, 2, "the default rule is one");
	CHECK_EQ(sum.target_groups, 1);
	CHECK_EQ(sum.targets, 2);
	CHECK_EQ(sum.draining, 1);
	house_close();
}
