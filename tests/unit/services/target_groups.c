/* Target groups: creation, health checks, and their life beside listeners. */
#include "tests/unit/services/house.h"

/* A full input for CreateTargetGroup with one member replaced or, with NULL, left out. */
static json_t *with(const char *key, json_t *value)
{
	json_t *input = json_pack("{s:s, s:s, s:i, s:s}", "Name", "g", "Protocol", "HTTP", "Port",
				  80, "VpcId", house_vpc());

	if (value)
		json_object_set_new(input, key, value);
	else
		json_object_del(input, key);
	return input;
}

TEST(a_new_target_group_is_described_with_the_defaults_of_aws)
{
	json_t *group;
	const char *arn;

	house_open();
	group = node(house_try("elbv2", "CreateTargetGroup", with("Port", json_integer(8000))),
		     "TargetGroups.0");
	arn = at(group, "TargetGroupArn");
	CHECK(strncmp(arn, "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/g/",
		      66) == 0 &&
		      strlen(arn) == 66 + 16,
	      "%s", arn);
	CHECK_STR(at(group, "TargetType"), "instance");
	CHECK_STR(at(group, "Protocol"), "HTTP");
	CHECK_STR(at(group, "ProtocolVersion"), "HTTP1");
	CHECK_STR(at(group, "IpAddressType"), "ipv4");
	CHECK_STR(at(group, "HealthCheckEnabled"), "true");
	CHECK_STR(at(group, "HealthCheckProtocol"), "HTTP");
	CHECK_STR(at(group, "HealthCheckPort"), "traffic-port");
	CHECK_STR(at(group, "HealthCheckPath"), "/");
	CHECK_STR(at(group, "HealthCheckIntervalSeconds"), "30");
	CHECK_STR(at(group, "HealthCheckTimeoutSeconds"), "5");
	CHECK_STR(at(group, "HealthyThresholdCount"), "5");
	CHECK_STR(at(group, "UnhealthyThresholdCount"), "2");
	CHECK_STR(at(group, "Matcher.HttpCode"), "200");
	CHECK_EQ(json_array_size(node(group, "LoadBalancerArns")), 0);
	CHECK(json_equal(group, node(house_call("DescribeTargetGroups", "{s:[s]}", "Names", "g"),
				     "TargetGroups.0")),
	      "Describe says the same");
	house_close();
}

TEST(what_a_target_group_needs_is_asked_for_in_the_words_of_aws)
{
	house_open();
	house_fault(__FILE__, __LINE__, "CreateTargetGroup", "ValidationError",
		    "A protocol must be specified", with("Protocol", NULL));
	house_fault(__FILE__, __LINE__, "CreateTargetGroup", "ValidationError",
		    "A port must be specified", with("Port", NULL));
	house_fault(__FILE__, __LINE__, "CreateTargetGroup", "ValidationError",
		    "A VPC ID must be specified", with("VpcId", NULL));
	house_fault(__FILE__, __LINE__, "CreateTargetGroup", "ValidationError",
		    "The VPC ID 'vpc-00000000' is not found",
		    with("VpcId", json_string("vpc-00000000")));
	house_fault(
		__FILE__, __LINE__, "CreateTargetGroup", "ValidationError",
		"Target group name 'a_b' can only contain characters that are alphanumeric characters "
		"or hyphens(-)",
		with("Name", json_string("a_b")));
	house_fault(__FILE__, __LINE__, "CreateTargetGroup", "ValidationError", NULL,
		    with("Port", json_integer(0)));
	house_fault(__FILE__, __LINE__, "CreateTargetGroup", "ValidationError", NULL,
		    with("Port", json_integer(65536)));
	house_close();
}

TEST(a_protocol_version_that_was_not_set_may_come_as_empty_text)
{
	house_open();
	CHECK_STR(at(house_try("elbv2", "CreateTargetGroup",
			       with("ProtocolVersion", json_string(""))),
		     "TargetGroups.0.ProtocolVersion"),
		  "HTTP1", "%s", house.fault.message);
	house_close();
}

TEST(an_https_group_keeps_its_protocol_and_may_be_checked_either_way)
{
	json_t *group;
	const char *arn;

	house_open();
	group = node(
		house_try("elbv2", "CreateTargetGroup", with("Protocol", json_string("HTTPS"))),
		"TargetGroups.0");
	arn = at(group, "TargetGroupArn");
	CHECK_STR(at(group, "Protocol"), "HTTPS");
	CHECK_STR(at(group, "ProtocolVersion"), "HTTP1");
	CHECK_STR(at(group, "HealthCheckProtocol"), "HTTP", "AWS's default, whatever it speaks");
	group = node(house_call("ModifyTargetGroup", "{s:s, s:s}", "TargetGroupArn", arn,
				"HealthCheckProtocol", "HTTPS"),
		     "TargetGroups.0");
	CHECK_STR(at(group, "HealthCheckProtocol"), "HTTPS");
	CHECK_STR(at(group, "Protocol"), "HTTPS");
	house_close();
}

TEST(kinds_of_groups_that_do_not_exist_yet_are_refused)
{
	static const struct {
		const char *key, *value, *code;
	} cases[] = {
		{ "TargetType", "lambda", "ValidationError" }, /* with a protocol */
		{ "TargetType", "alb", "InvalidConfigurationRequest" },
		{ "TargetType", "pigeon", "ValidationError" },
		{ "Protocol", "TCP", "ValidationError" },
		{ "Protocol", "GOPHER", "ValidationError" },
		{ "ProtocolVersion", "HTTP9", "ValidationError" },
		{ "TargetControlPort", "3000", "InvalidConfigurationRequest" },
		{ "HealthCheckProtocol", "TCP", "ValidationError" },
		{ "HealthCheckEnabled", "false", "InvalidConfigurationRequest" },
	};

	house_open();
	for (size_t i = 0; i < COUNT(cases); i++)
		house_fault(__FILE__, __LINE__, "CreateTargetGroup", cases[i].code, NULL,
			    with(cases[i].key, json_string(cases[i].value)));
	house_close();
}

TEST(health_check_numbers_end_where_aws_ends_them)
{
	static const struct {
		const char *key;
		int min, max;
	} cases[] = {
		{ "HealthCheckIntervalSeconds", 6, 300 }, /* 5 is too near to the timeout */
		{ "HealthCheckTimeoutSeconds", 2, 29 },	  /* 30 is the interval */
		{ "HealthyThresholdCount", 2, 10 },
		{ "UnhealthyThresholdCount", 2, 10 },
	};
	const char *arn;

	house_open();
	arn = house_target_group("g");
	for (size_t i = 0; i < COUNT(cases); i++) {
		const int values[] = { cases[i].min, cases[i].max };

		for (size_t k = 0; k < COUNT(values); k++) {
			json_t *out = house_call("ModifyTargetGroup", "{s:s, s:i}",
						 "TargetGroupArn", arn, cases[i].key, values[k]);
			char path[64];

			snprintf(path, sizeof path, "TargetGroups.0.%s", cases[i].key);
			CHECK_EQ(json_integer_value(node(out, path)), values[k], "%s",
				 cases[i].key);
		}
		CHECK_FAULT("ModifyTargetGroup", "ValidationError", NULL, "{s:s, s:i}",
			    "TargetGroupArn", arn, cases[i].key, cases[i].min - 1);
		CHECK_FAULT("ModifyTargetGroup", "ValidationError", NULL, "{s:s, s:i}",
			    "TargetGroupArn", arn, cases[i].key, cases[i].max + 1);
		house_call("ModifyTargetGroup", "{s:s, s:i, s:i}", "TargetGroupArn", arn,
			   "HealthCheckIntervalSeconds", 30, "HealthCheckTimeoutSeconds", 5);
	}
	CHECK_FAULT("ModifyTargetGroup", "ValidationError",
		    "Health check timeout '30' must be smaller than the interval '30'",
		    "{s:s, s:i}", "TargetGroupArn", arn, "HealthCheckTimeoutSeconds", 30);
	house_close();
}

TEST(health_check_texts_are_checked_and_completed)
{
	static const struct {
		const char *key, *given, *want; /* want NULL: refused */
	} cases[] = {
		{ "HealthCheckPath", "/health?deep=1", "/health?deep=1" },
		{ "HealthCheckPath", "health", "/health" },
		{ "HealthCheckPath", "/he alth", NULL },
		{ "HealthCheckPort", "8081", "8081" },
		{ "HealthCheckPort", "traffic-port", "traffic-port" },
		{ "HealthCheckPort", "0", NULL },
		{ "HealthCheckPort", "65536", NULL },
		{ "HealthCheckPort", "http", NULL },
		{ "Matcher", "200", "200" },
		{ "Matcher", "200,404", "200,404" },
		{ "Matcher", "200-299,301", "200-299,301" },
		{ "Matcher", "2xx", "200-299" },
		{ "Matcher", "199", NULL },
		{ "Matcher", "500", NULL },
		{ "Matcher", "200, 404", NULL },
		{ "Matcher", "", NULL },
	};
	const char *arn;

	house_open();
	arn = house_target_group("g");
	for (size_t i = 0; i < COUNT(cases); i++) {
		bool matcher = strcmp(cases[i].key, "Matcher") == 0;
		json_t *value = matcher ? json_pack("{s:s}", "HttpCode", cases[i].given)
					: json_string(cases[i].given);
		json_t *out = house_try(
			"elbv2", "ModifyTargetGroup",
			json_pack("{s:s, s:o}", "TargetGroupArn", arn, cases[i].key, value));
		char path[64];

		snprintf(path, sizeof path, "TargetGroups.0.%s%s", cases[i].key,
			 matcher ? ".HttpCode" : "");
		if (cases[i].want)
			CHECK_STR(at(out, path), cases[i].want, "%s %s: %s", cases[i].key,
				  cases[i].given, house.fault.message);
		else
			CHECK_STR(house.fault.code, "ValidationError", "%s %s", cases[i].key,
				  cases[i].given);
	}
	CHECK_FAULT("ModifyTargetGroup", "ValidationError", NULL, "{s:s, s:{s:s}}",
		    "TargetGroupArn", arn, "Matcher", "GrpcCode", "12");
	house_close();
}

TEST(health_checks_reach_the_balancer_as_they_were_set)
{
	json_t *health;
	const char *arn;

	house_open();
	arn = house_target_group("g");
	house_call("ModifyTargetGroup", "{s:s, s:i, s:i, s:i, s:i, s:s, s:s, s:{s:s}}",
		   "TargetGroupArn", arn, "HealthCheckIntervalSeconds", 10,
		   "HealthCheckTimeoutSeconds", 4, "HealthyThresholdCount", 3,
		   "UnhealthyThresholdCount", 4, "HealthCheckPath", "/health", "HealthCheckPort",
		   "9090", "Matcher", "HttpCode", "200,404");
	health = node(house.lb->plan, "groups.0.health");
	CHECK_STR(at(health, "interval_ms"), "10000");
	CHECK_STR(at(health, "timeout_ms"), "4000");
	CHECK_STR(at(health, "healthy"), "3");
	CHECK_STR(at(health, "unhealthy"), "4");
	CHECK_STR(at(health, "path"), "/health");
	CHECK_STR(at(health, "port"), "9090");
	CHECK_STR(at(health, "matcher"), "200,404");
	house_close();
}

TEST(creating_the_same_again_gives_the_same_and_another_is_refused)
{
	const char *arn;

	house_open();
	arn = house_target_group("g");
	CHECK_STR(house_target_group("g"), arn);
	house_fault(__FILE__, __LINE__, "CreateTargetGroup", "DuplicateTargetGroupName",
		    "A target group with the same name 'g' exists, but with different settings",
		    with("Port", json_integer(81)));
	house_close();
}

TEST(describe_finds_by_arn_name_and_load_balancer_one_way_at_a_time)
{
	const char *lb, *used, *unused;
	json_t *out;

	house_open();
	lb = house_load_balancer("lb");
	used = house_target_group("used");
	unused = house_target_group("unused");
	house_listener(lb, 80, used);
	out = house_call("DescribeTargetGroups", "{s:s}", "LoadBalancerArn", lb);
	CHECK_EQ(json_array_size(node(out, "TargetGroups")), 1);
	CHECK_STR(at(out, "TargetGroups.0.TargetGroupArn"), used);
	CHECK_STR(at(out, "TargetGroups.0.LoadBalancerArns.0"), lb);
	out = house_call("DescribeTargetGroups", "{s:[s]}", "TargetGroupArns", unused);
	CHECK_EQ(json_array_size(node(out, "TargetGroups.0.LoadBalancerArns")), 0);
	CHECK_FAULT("DescribeTargetGroups", "TargetGroupNotFound",
		    "One or more target groups not found", "{s:[s]}", "Names", "nope");
	CHECK_FAULT(
		"DescribeTargetGroups", "ValidationError",
		"Target group names, target group ARNs, and a load balancer ARN cannot be specified at "
		"the same time",
		"{s:[s], s:s}", "Names", "used", "LoadBalancerArn", lb);
	house_close();
}

TEST(a_group_in_use_cannot_be_deleted_and_a_deleted_one_may_be_deleted_again)
{
	const char *lb, *group, *listener;
	char words[256];

	house_open();
	lb = house_load_balancer("lb");
	group = house_target_group("g");
	listener = house_listener(lb, 80, group);
	snprintf(words, sizeof words,
		 "Target group '%s' is currently in use by a listener or a rule", group);
	CHECK_FAULT("DeleteTargetGroup", "ResourceInUse", words, "{s:s}", "TargetGroupArn", group);
	house_call("DeleteListener", "{s:s}", "ListenerArn", listener);
	house_call("RegisterTargets", "{s:s, s:[{s:s}]}", "TargetGroupArn", group, "Targets", "Id",
		   "10.0.0.1");
	house_call("DeleteTargetGroup", "{s:s}", "TargetGroupArn", group);
	house_call("DeleteTargetGroup", "{s:s}", "TargetGroupArn", group);
	CHECK_FAULT("DescribeTargetGroups", "TargetGroupNotFound", NULL, "{s:[s]}",
		    "TargetGroupArns", group);
	house_target_group("g");
	house_close();
}

TEST(a_group_serves_one_load_balancer_only)
{
	const char *one, *two, *group;
	char words[320];

	house_open();
	one = house_load_balancer("one");
	two = house_load_balancer("two");
	group = house_target_group("g");
	house_listener(one, 80, group);
	snprintf(
		words, sizeof words,
		"The following target groups cannot be associated with more than one load balancer: %s",
		group);
	CHECK_FAULT("CreateListener", "TargetGroupAssociationLimit", words,
		    "{s:s, s:s, s:i, s:[{s:s, s:s}]}", "LoadBalancerArn", two, "Protocol", "HTTP",
		    "Port", 81, "DefaultActions", "Type", "forward", "TargetGroupArn", group);
	CHECK_EQ(json_object_size(house.lb->bound), 1, "the refused listener is bound no more");
	house_call("DeleteLoadBalancer", "{s:s}", "LoadBalancerArn", one);
	house_listener(two, 81, group);
	house_close();
}

TEST(a_load_balancer_uses_a_hundred_groups_and_a_thousand_targets_at_most)
{
	const char *lb, *listener, *group = NULL, *big;
	char name[16];
	json_t *forward, *list;

	house_open();
	lb = house_load_balancer("lb");
	big = house_target_group("big");
	listener = house_listener(lb, 80, big);
	for (int rule = 0; rule < 20; rule++) {
		forward = json_array();
		for (int i = 0; i < 5; i++) {
			snprintf(name, sizeof name, "g%d", rule * 5 + i);
			group = house_target_group(name);
			if (rule < 19 || i < 4)
				json_array_append_new(forward,
						      json_pack("{s:s}", "TargetGroupArn", group));
		}
		house_call("CreateRule", "{s:s, s:i, s:[{s:s, s:[s]}], s:[{s:s, s:{s:o}}]}",
			   "ListenerArn", listener, "Priority", rule + 1, "Conditions", "Field",
			   "path-pattern", "Values", "/a", "Actions", "Type", "forward",
			   "ForwardConfig", "TargetGroups", forward);
	}
	CHECK_FAULT("CreateRule", "TooManyUniqueTargetGroupsPerLoadBalancer", NULL,
		    "{s:s, s:i, s:[{s:s, s:[s]}], s:[{s:s, s:s}]}", "ListenerArn", listener,
		    "Priority", 50, "Conditions", "Field", "path-pattern", "Values", "/a",
		    "Actions", "Type", "forward", "TargetGroupArn", group);

	house_call("DeleteListener", "{s:s}", "ListenerArn", listener);
	for (int which = 0; which < 2; which++) {
		list = json_array();
		for (int i = 0; i < 501; i++)
			json_array_append_new(
				list, json_pack("{s:s, s:i}", "Id", "10.0.0.1", "Port", 1 + i));
		house_call("RegisterTargets", "{s:s, s:o}", "TargetGroupArn", which ? big : group,
			   "Targets", list);
	}
	listener = house_listener(lb, 80, big);
	CHECK_FAULT("CreateRule", "TooManyTargets", NULL,
		    "{s:s, s:i, s:[{s:s, s:[s]}], s:[{s:s, s:s}]}", "ListenerArn", listener,
		    "Priority", 50, "Conditions", "Field", "path-pattern", "Values", "/a",
		    "Actions", "Type", "forward", "TargetGroupArn", group);
	house_close();
}

TEST(groups_of_http2_and_grpc_have_their_own_defaults)
{
	const json_t *group;

	house_open();
	group = node(house_try("elbv2", "CreateTargetGroup",
			       with("ProtocolVersion", json_string("GRPC"))),
		     "TargetGroups.0");
	CHECK_STR(at(group, "ProtocolVersion"), "GRPC");
	CHECK_STR(at(group, "HealthCheckPath"), "/AWS.ALB/healthcheck");
	CHECK_STR(at(group, "Matcher.GrpcCode"), "12");
	CHECK(node(group, "Matcher.HttpCode") == NULL);
	CHECK_FAULT("ModifyTargetGroup", "ValidationError", NULL, "{s:s, s:{s:s}}",
		    "TargetGroupArn", at(group, "TargetGroupArn"), "Matcher", "HttpCode", "200");
	CHECK_FAULT("ModifyTargetGroup", "ValidationError", NULL, "{s:s, s:{s:s}}",
		    "TargetGroupArn", at(group, "TargetGroupArn"), "Matcher", "GrpcCode", "100");
	house_call("ModifyTargetGroup", "{s:s, s:{s:s}}", "TargetGroupArn",
		   at(group, "TargetGroupArn"), "Matcher", "GrpcCode", "0,12,20-99");
	house_close();
}

TEST(groups_of_http2_are_for_https_listeners)
{
	const json_t *group;
	const char *lb;

	house_open();
	group = node(house_try("elbv2", "CreateTargetGroup",
			       with("ProtocolVersion", json_string("HTTP2"))),
		     "TargetGroups.0");
	CHECK_STR(at(group, "HealthCheckPath"), "/");
	CHECK_STR(at(group, "Matcher.HttpCode"), "200");
	lb = house_load_balancer("lb");
	CHECK_FAULT("CreateListener", "InvalidConfigurationRequest", NULL,
		    "{s:s, s:s, s:i, s:[{s:s, s:s}]}", "LoadBalancerArn", lb, "Protocol", "HTTP",
		    "Port", 80, "DefaultActions", "Type", "forward", "TargetGroupArn",
		    at(group, "TargetGroupArn"));
	house_close();
}
