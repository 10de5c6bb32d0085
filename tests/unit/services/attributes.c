/*
 * Every attribute of the table: its default, the ends of its range and one beyond, and what may
 * not stand beside what.
 */
#include "services/elbv2/attributes.h"
#include "tests/unit/services/house.h"

static const char *arns[RESOURCES];
static const char *const kinds[RESOURCES] = {
	[RESOURCE_LOAD_BALANCER] = "LoadBalancer",
	[RESOURCE_LISTENER] = "Listener",
	[RESOURCE_TARGET_GROUP] = "TargetGroup",
};

static void furnish(void)
{
	house_open();
	arns[RESOURCE_LOAD_BALANCER] = house_load_balancer("lb");
	arns[RESOURCE_TARGET_GROUP] = house_target_group("g");
	arns[RESOURCE_LISTENER] = house_listener(arns[RESOURCE_LOAD_BALANCER], 80,
						 arns[RESOURCE_TARGET_GROUP]);
}

static const char *set(const struct attribute *row, const char *value)
{
	return house_set(kinds[row->owner], arns[row->owner], row->key, value);
}

static const char *get(const struct attribute *row)
{
	return house_get(kinds[row->owner], arns[row->owner], row->key);
}

static const char *number(int64_t value)
{
	static char texts[4][24];
	static unsigned next;
	char *text = texts[next++ % 4];

	snprintf(text, sizeof texts[0], "%lld", (long long)value);
	return text;
}

static size_t described(enum resource owner)
{
	char operation[64], member[40];

	snprintf(operation, sizeof operation, "Describe%sAttributes", kinds[owner]);
	snprintf(member, sizeof member, "%sArn", kinds[owner]);
	return json_array_size(
		node(house_call(operation, "{s:s}", member, arns[owner]), "Attributes"));
}

TEST(a_new_resource_has_the_attributes_of_aws_and_no_others)
{
	furnish();
	CHECK_EQ(described(RESOURCE_LOAD_BALANCER), 23);
	CHECK_EQ(described(RESOURCE_TARGET_GROUP), 14);
	CHECK_EQ(described(RESOURCE_LISTENER), 11);
	house_close();
}

TEST(every_attribute_has_its_default_and_takes_it)
{
	furnish();
	for (size_t i = 0; i < attribute_count; i++) {
		const struct attribute *row = &attributes[i];

		if (row->effect == EFFECT_FOREIGN || row->effect == EFFECT_HTTPS_ONLY ||
		    row->effect == EFFECT_WEIR || row->effect == EFFECT_FUNCTION)
			continue;
		CHECK_STR(get(row), row->fallback, "%s", row->key);
		CHECK_STR(set(row, row->fallback), "", "%s: %s", row->key, house.fault.message);
		CHECK_STR(get(row), row->fallback, "%s, set", row->key);
	}
	house_close();
}

TEST(every_number_ends_where_its_range_ends)
{
	char words[256];

	furnish();
	/* What other rows rely on: rules between attributes have tests of their own. */
	house_set("TargetGroup", arns[RESOURCE_TARGET_GROUP],
		  "target_group_health.dns_failover.minimum_healthy_targets.count", "off");
	for (size_t i = 0; i < attribute_count; i++) {
		const struct attribute *row = &attributes[i];
		bool zero = row->type == TYPE_ZERO_OR_INT, off = row->type == TYPE_OFF_OR_INT;

		if (row->type != TYPE_INT && !zero && !off)
			continue;
		CHECK_STR(set(row, number(row->min)), "", "%s: %s", row->key, house.fault.message);
		CHECK_STR(get(row), number(row->min), "%s", row->key);
		CHECK_STR(set(row, number(row->max)), "", "%s: %s", row->key, house.fault.message);
		CHECK_STR(get(row), number(row->max), "%s", row->key);
		CHECK_STR(set(row, number(row->max + 1)), "ValidationError", "%s", row->key);
		snprintf(words, sizeof words,
			 "'%s' value '%s' must be %sbetween '%lld-%lld' inclusive", row->key,
			 number(row->max + 1),
			 zero  ? "'0' or "
			 : off ? "'off' or "
			       : "",
			 (long long)row->min, (long long)row->max);
		CHECK_STR(house.fault.message, words);
		if (row->min > 0 && !(zero && row->min == 1))
			CHECK_STR(set(row, number(row->min - 1)), "ValidationError", "%s",
				  row->key);
		CHECK_STR(set(row, "-1"), "ValidationError", "%s", row->key);
		CHECK_STR(set(row, "1.5"), "ValidationError", "%s", row->key);
		CHECK_STR(set(row, "soon"), "ValidationError", "%s", row->key);
		CHECK_STR(get(row), number(row->max), "%s: a refused value changes nothing",
			  row->key);
		if (zero || off)
			CHECK_STR(set(row, zero ? "0" : "off"), "", "%s", row->key);
	}
	house_close();
}

/* Acts for groups of functions, which have a test of their own. */
static bool is_functions_own(const struct attribute *row)
{
	return row->effect == EFFECT_FUNCTION ||
	       bytes_starts(bytes_of(row->key), BYTES("weir.lambda."));
}

TEST(switches_of_functions_are_for_groups_of_functions)
{
	const json_t *made;
	const char *arn;

	furnish();
	made = house_call("CreateTargetGroup", "{s:s, s:s}", "Name", "fn", "TargetType", "lambda");
	arn = json_string_value(json_object_get(
		json_array_get(json_object_get(made, "TargetGroups"), 0), "TargetGroupArn"));
	for (size_t i = 0; i < attribute_count; i++) {
		const struct attribute *row = &attributes[i];

		if (row->owner != RESOURCE_TARGET_GROUP || !is_functions_own(row))
			continue;
		CHECK_STR(set(row, "true"), "InvalidConfigurationRequest", "%s", row->key);
		house_set("TargetGroup", arn, row->key, "true");
		CHECK_STR(house_get("TargetGroup", arn, row->key), "true");
	}
	house_close();
}

TEST(every_switch_is_true_or_false_and_what_does_not_act_stays_at_its_default)
{
	furnish();
	for (size_t i = 0; i < attribute_count; i++) {
		const struct attribute *row = &attributes[i];
		const char *other = strcmp(row->fallback, "true") == 0 ? "false" : "true";

		if (row->type != TYPE_BOOL || is_functions_own(row))
			continue;
		CHECK_STR(set(row, "maybe"), "ValidationError", "%s", row->key);
		if (bytes_ends(bytes_of(row->key), BYTES("_logs.s3.enabled")))
			continue; /* act with a bucket: below, and with S3 in tests/aws */
		if (row->effect == EFFECT_ACTS || row->effect == EFFECT_WEIR) {
			CHECK_STR(set(row, other), "", "%s: %s", row->key, house.fault.message);
			CHECK_STR(get(row), other, "%s", row->key);
			CHECK_STR(set(row, row->fallback), "", "%s", row->key);
			continue;
		}
		CHECK_STR(set(row, other), "InvalidConfigurationRequest", "%s", row->key);
		CHECK_STR(get(row), row->fallback, "%s", row->key);
	}
	house_close();
}

TEST(every_word_of_an_enumeration_is_taken_and_no_other)
{
	furnish();
	for (size_t i = 0; i < attribute_count; i++) {
		const struct attribute *row = &attributes[i];
		struct bytes rest = bytes_of(row->values), part;
		char word[64];

		if (row->type != TYPE_ENUM)
			continue;
		CHECK_STR(set(row, "sideways"), "ValidationError", "%s", row->key);
		while (bytes_cut(&rest, ',', &part)) {
			part = bytes_trim(part);
			snprintf(word, sizeof word, "%.*s", BYTES_ARG(part));
			if (strcmp(word, "app_cookie") == 0)
				house_set("TargetGroup", arns[RESOURCE_TARGET_GROUP],
					  "stickiness.app_cookie.cookie_name", "sid");
			if (strcmp(word, "on") == 0)
				house_set("TargetGroup", arns[RESOURCE_TARGET_GROUP],
					  "load_balancing.algorithm.type", "weighted_random");
			CHECK_STR(set(row, word), "", "%s %s: %s", row->key, word,
				  house.fault.message);
			CHECK_STR(get(row), word, "%s", row->key);
		}
		CHECK_STR(set(row, row->fallback), "", "%s: %s", row->key, house.fault.message);
	}
	house_close();
}

TEST(keys_of_other_kinds_of_load_balancers_are_refused_as_terraform_reads_it)
{
	char words[256];

	furnish();
	for (size_t i = 0; i < attribute_count; i++) {
		const struct attribute *row = &attributes[i];

		if (row->effect != EFFECT_FOREIGN && row->effect != EFFECT_HTTPS_ONLY)
			continue;
		CHECK_STR(set(row, "true"), "InvalidConfigurationRequest", "%s", row->key);
		if (row->owner != RESOURCE_LOAD_BALANCER)
			continue;
		snprintf(
			words, sizeof words,
			"Load balancer attribute key '%s' is not supported on load balancers with type "
			"'application'",
			row->key);
		CHECK_STR(house.fault.message, words);
	}
	house_close();
}

TEST(unknown_keys_are_not_recognized_and_near_ones_get_a_hint)
{
	static const struct {
		enum resource owner;
		const char *key, *message;
	} cases[] = {
		{ RESOURCE_LOAD_BALANCER, "no.such.key",
		  "Load balancer attribute key 'no.such.key' is not recognized" },
		{ RESOURCE_TARGET_GROUP, "no.such.key",
		  "Target group attribute key 'no.such.key' is not recognized" },
		{ RESOURCE_LISTENER, "no.such.key",
		  "Listener attribute key 'no.such.key' is not recognized" },
		{ RESOURCE_LOAD_BALANCER, "idle_timeout",
		  "Load balancer attribute key 'idle_timeout' is not recognized; did you mean "
		  "'idle_timeout.timeout_seconds'?" },
		{ RESOURCE_LOAD_BALANCER, "idle_timeout.seconds",
		  "Load balancer attribute key 'idle_timeout.seconds' is not recognized; did you mean "
		  "'idle_timeout.timeout_seconds'?" },
		{ RESOURCE_TARGET_GROUP, "deregistration_delay",
		  "Target group attribute key 'deregistration_delay' is not recognized; did you mean "
		  "'deregistration_delay.timeout_seconds'?" },
		{ RESOURCE_TARGET_GROUP, "weir.target.max_concurrency",
		  "Target group attribute key 'weir.target.max_concurrency' is not recognized" },
		{ RESOURCE_LOAD_BALANCER, "health_check.path",
		  "Load balancer attribute key 'health_check.path' is not recognized" },
	};

	furnish();
	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_STR(house_set(kinds[cases[i].owner], arns[cases[i].owner], cases[i].key, "1"),
			  "ValidationError", "%s", cases[i].key);
		CHECK_STR(house.fault.message, cases[i].message);
	}
	house_close();
}

TEST(what_people_write_for_what_they_mean_is_taken)
{
	static const struct {
		enum resource owner;
		const char *key, *given, *want;
	} cases[] = {
		{ RESOURCE_LOAD_BALANCER, "routing.http.preserve_host_header.enabled", "True",
		  "true" },
		{ RESOURCE_LOAD_BALANCER, "routing.http.preserve_host_header.enabled", "0",
		  "false" },
		{ RESOURCE_LOAD_BALANCER, "routing.http.preserve_host_header.enabled", "on",
		  "true" },
		{ RESOURCE_LOAD_BALANCER, "idle_timeout.timeout_seconds", "180, ", "180" },
		{ RESOURCE_LOAD_BALANCER, " idle_timeout.timeout_seconds", "181", "181" },
		{ RESOURCE_TARGET_GROUP, "load_balancing.algorithm.type", "leastconn",
		  "least_outstanding_requests" },
		{ RESOURCE_TARGET_GROUP, "load_balancing.algorithm.type", "least_connections",
		  "least_outstanding_requests" },
	};

	furnish();
	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_STR(house_set(kinds[cases[i].owner], arns[cases[i].owner], cases[i].key,
				    cases[i].given),
			  "", "%s: %s", cases[i].key, house.fault.message);
		CHECK_STR(house_get(kinds[cases[i].owner], arns[cases[i].owner],
				    cases[i].key + (cases[i].key[0] == ' ')),
			  cases[i].want, "%s", cases[i].given);
	}
	house_close();
}

TEST(one_bad_attribute_fails_the_whole_call)
{
	furnish();
	CHECK_FAULT(
		"ModifyLoadBalancerAttributes", "ValidationError",
		"'idle_timeout.timeout_seconds' value '4001' must be between '1-4000' inclusive",
		"{s:s, s:[{s:s, s:s}, {s:s, s:s}]}", "LoadBalancerArn",
		arns[RESOURCE_LOAD_BALANCER], "Attributes", "Key", "client_keep_alive.seconds",
		"Value", "60", "Key", "idle_timeout.timeout_seconds", "Value", "4001");
	CHECK_STR(house_get("LoadBalancer", arns[RESOURCE_LOAD_BALANCER],
			    "client_keep_alive.seconds"),
		  "3600");
	house_close();
}

TEST(logs_need_a_bucket_and_the_right_to_write_there)
{
	static const char *const logs[] = { "access_logs", "connection_logs", "health_check_logs" };
	char key[64];

	furnish();
	for (size_t i = 0; i < COUNT(logs); i++) {
		const char *lb = arns[RESOURCE_LOAD_BALANCER];

		snprintf(key, sizeof key, "%s.s3.enabled", logs[i]);
		CHECK_STR(house_set("LoadBalancer", lb, key, "true"),
			  "InvalidConfigurationRequest");
		CHECK(strstr(house.fault.message, ".s3.bucket' must be specified"), "%s",
		      house.fault.message);
		snprintf(key, sizeof key, "%s.s3.bucket", logs[i]);
		CHECK_STR(house_set("LoadBalancer", lb, key, "my-logs"), "",
			  "a bucket alone is fine");
		snprintf(key, sizeof key, "%s.s3.enabled", logs[i]);
		CHECK_STR(house_set("LoadBalancer", lb, key, "true"),
			  "InvalidConfigurationRequest");
		CHECK_STR(house.fault.message,
			  "Access Denied for bucket: my-logs. Please check S3bucket permission");
		snprintf(key, sizeof key, "%s.s3.prefix", logs[i]);
		CHECK_STR(house_set("LoadBalancer", lb, key, "x/AWSLogs"),
			  "InvalidConfigurationRequest");
	}
	house_close();
}

TEST(values_that_come_as_json_numbers_and_truths_are_taken)
{
	furnish();
	house_call("ModifyLoadBalancerAttributes", "{s:s, s:[{s:s, s:i}, {s:s, s:b}]}",
		   "LoadBalancerArn", arns[RESOURCE_LOAD_BALANCER], "Attributes", "Key",
		   "idle_timeout.timeout_seconds", "Value", 90, "Key",
		   "routing.http.preserve_host_header.enabled", "Value", 1);
	CHECK_STR(house_get("LoadBalancer", arns[RESOURCE_LOAD_BALANCER],
			    "idle_timeout.timeout_seconds"),
		  "90");
	CHECK_STR(house_get("LoadBalancer", arns[RESOURCE_LOAD_BALANCER],
			    "routing.http.preserve_host_header.enabled"),
		  "true");
	house_close();
}

/* ---- Beside each other ---- */

TEST(combinations_that_aws_refuses_are_refused)
{
#define CROSS	"load_balancing.cross_zone.enabled"
#define ROUTING "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
#define DNS	"target_group_health.dns_failover.minimum_healthy_targets"
	static const struct {
		const char *keys[3], *given[3];
		const char *message; /* NULL: any */
	} cases[] = {
		{ { "slow_start.duration_seconds", "load_balancing.algorithm.type" },
		  { "30", "least_outstanding_requests" },
		  NULL },
		{ { "slow_start.duration_seconds", "load_balancing.algorithm.type" },
		  { "30", "weighted_random" },
		  NULL },
		{ { "load_balancing.algorithm.type", "stickiness.enabled" },
		  { "weighted_random", "true" },
		  NULL },
		{ { "load_balancing.algorithm.anomaly_mitigation" }, { "on" }, NULL },
		{ { "stickiness.enabled", CROSS }, { "true", "false" }, NULL },
		{ { CROSS, "stickiness.enabled" }, { "false", "true" }, NULL },
		{ { "stickiness.type", "stickiness.enabled" },
		  { "app_cookie", "true" },
		  "You must set an application cookie name to enable stickiness of type 'app_cookie'" },
		{ { "stickiness.type" },
		  { "source_ip" },
		  "Stickiness type 'source_ip' is not supported for target groups with the HTTP protocol" },
		{ { "stickiness.app_cookie.cookie_name" }, { "AWSALB" }, NULL },
		{ { "stickiness.app_cookie.cookie_name" }, { "AWSALBTG" }, NULL },
		{ { ROUTING ".count" }, { "2" }, NULL },
		{ { DNS ".count", ROUTING ".count" }, { "2", "3" }, NULL },
		{ { DNS ".percentage", ROUTING ".percentage" }, { "10", "20" }, NULL },
	};

	furnish();
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *group = house_target_group("fresh");
		json_t *list = json_array();

		for (size_t k = 0; k < 3 && cases[i].keys[k]; k++)
			json_array_append_new(list, json_pack("{s:s, s:s}", "Key", cases[i].keys[k],
							      "Value", cases[i].given[k]));
		house_fault(__FILE__, __LINE__, "ModifyTargetGroupAttributes",
			    "InvalidConfigurationRequest", cases[i].message,
			    json_pack("{s:s, s:o}", "TargetGroupArn", group, "Attributes", list));
		house_call("DeleteTargetGroup", "{s:s}", "TargetGroupArn", group);
	}
	house_close();
}

TEST(combinations_that_fit_are_taken_and_reach_the_balancer)
{
	const char *group;
	json_t *plan;

	furnish();
	group = arns[RESOURCE_TARGET_GROUP];
	house_call(
		"ModifyTargetGroupAttributes",
		"{s:s, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, "
		"s:s}]}",
		"TargetGroupArn", group, "Attributes", "Key", "stickiness.enabled", "Value", "true",
		"Key", "stickiness.type", "Value", "app_cookie", "Key",
		"stickiness.app_cookie.cookie_name", "Value", "sid", "Key",
		"stickiness.app_cookie.duration_seconds", "Value", "77", "Key",
		"slow_start.duration_seconds", "Value", "30", "Key", DNS ".count", "Value", "3",
		"Key", ROUTING ".count", "Value", "2");
	plan = node(house.lb->plan, "groups.0");
	CHECK_EQ(json_integer_value(node(plan, "stickiness")), STICKINESS_APP_COOKIE);
	CHECK_STR(at(plan, "cookie"), "sid");
	CHECK_STR(at(plan, "sticky_seconds"), "77");
	CHECK_STR(at(plan, "slow_start_ms"), "30000");
	CHECK_STR(at(plan, "min_count"), "2");
	CHECK_STR(at(plan, "dns_count"), "3");
	CHECK_STR(at(plan, "min_percent"), "0", "off");
	house_call("ModifyTargetGroupAttributes",
		   "{s:s, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}",
		   "TargetGroupArn", group, "Attributes", "Key", "stickiness.enabled", "Value",
		   "false", "Key", "slow_start.duration_seconds", "Value", "0", "Key",
		   "load_balancing.algorithm.type", "Value", "weighted_random", "Key",
		   "load_balancing.algorithm.anomaly_mitigation", "Value", "on", "Key", CROSS,
		   "Value", "false");
	plan = node(house.lb->plan, "groups.0");
	CHECK_EQ(json_integer_value(node(plan, "algorithm")), WEIGHTED_RANDOM);
	CHECK_STR(at(plan, "mitigation"), "true");
	CHECK_STR(at(plan, "cross_zone"), "false");
	CHECK_EQ(json_integer_value(node(plan, "stickiness")), STICKINESS_OFF);
	house_close();
}

TEST(cross_zone_stays_on_while_a_target_is_of_all_zones_and_the_reverse)
{
	const char *group;

	furnish();
	group = arns[RESOURCE_TARGET_GROUP];
	house_call("RegisterTargets", "{s:s, s:[{s:s, s:s}]}", "TargetGroupArn", group, "Targets",
		   "Id", "10.0.0.1", "AvailabilityZone", "all");
	CHECK_STR(house_set("TargetGroup", group, CROSS, "false"), "InvalidConfigurationRequest");
	group = house_target_group("zonal");
	CHECK_STR(house_set("TargetGroup", group, CROSS, "false"), "");
	CHECK_FAULT("RegisterTargets", "InvalidConfigurationRequest", NULL, "{s:s, s:[{s:s}]}",
		    "TargetGroupArn", group, "Targets", "Id", "10.0.0.1");
	house_call("RegisterTargets", "{s:s, s:[{s:s, s:s}]}", "TargetGroupArn", group, "Targets",
		   "Id", "10.0.0.1", "AvailabilityZone", "us-east-1a");
	house_close();
}

TEST(load_balancer_attributes_reach_the_balancer)
{
	static const char *const values[][2] = {
		{ "idle_timeout.timeout_seconds", "180" },
		{ "client_keep_alive.seconds", "604800" },
		{ "routing.http.desync_mitigation_mode", "strictest" },
		{ "routing.http.xff_header_processing.mode", "remove" },
		{ "routing.http.drop_invalid_header_fields.enabled", "true" },
		{ "routing.http.preserve_host_header.enabled", "true" },
		{ "routing.http.xff_client_port.enabled", "true" },
	};
	json_t *plan;

	furnish();
	for (size_t i = 0; i < COUNT(values); i++)
		CHECK_STR(house_set("LoadBalancer", arns[RESOURCE_LOAD_BALANCER], values[i][0],
				    values[i][1]),
			  "");
	plan = node(house.lb->plan, "balancers.0");
	CHECK_STR(at(plan, "idle_ms"), "180000");
	CHECK_STR(at(plan, "keep_alive_ms"), "604800000");
	CHECK_EQ(json_integer_value(node(plan, "desync")), DESYNC_MODE_STRICTEST);
	CHECK_EQ(json_integer_value(node(plan, "xff")), XFF_REMOVE);
	CHECK_STR(at(plan, "drop_invalid"), "true");
	CHECK_STR(at(plan, "preserve_host"), "true");
	CHECK_STR(at(plan, "xff_port"), "true");
	house_close();
}

TEST(response_headers_of_a_listener_are_checked_and_reach_the_balancer)
{
#define RESPONSE "routing.http.response."
	static const struct {
		const char *key, *value, *code, *header;
	} cases[] = {
		{ RESPONSE "strict_transport_security.header_value",
		  "max-age=31536000; includeSubDomains", "", "Strict-Transport-Security" },
		{ RESPONSE "x_content_type_options.header_value", "nosniff", "",
		  "X-Content-Type-Options" },
		{ RESPONSE "x_content_type_options.header_value", "sniff", "ValidationError",
		  NULL },
		{ RESPONSE "x_frame_options.header_value", "SAMEORIGIN", "", "X-Frame-Options" },
		{ RESPONSE "x_frame_options.header_value", "ALLOW-FROM https://a.b", "",
		  "X-Frame-Options" },
		{ RESPONSE "x_frame_options.header_value", "MAYBE", "ValidationError", NULL },
		{ RESPONSE "access_control_allow_credentials.header_value", "true", "",
		  "Access-Control-Allow-Credentials" },
		{ RESPONSE "access_control_allow_credentials.header_value", "false",
		  "ValidationError", NULL },
		{ RESPONSE "access_control_max_age.header_value", "600", "",
		  "Access-Control-Max-Age" },
		{ RESPONSE "access_control_max_age.header_value", "long", "ValidationError", NULL },
		{ RESPONSE "access_control_allow_origin.header_value", "*", "",
		  "Access-Control-Allow-Origin" },
		{ RESPONSE "content_security_policy.header_value", "default-src 'self'", "",
		  "Content-Security-Policy" },
		{ RESPONSE "content_security_policy.header_value", "a\nb", "ValidationError",
		  NULL },
	};
	char path[128];

	furnish();
	for (size_t i = 0; i < COUNT(cases); i++) {
		CHECK_STR(house_set("Listener", arns[RESOURCE_LISTENER], cases[i].key,
				    cases[i].value),
			  cases[i].code, "%s %s: %s", cases[i].key, cases[i].value,
			  house.fault.message);
		if (!cases[i].header)
			continue;
		snprintf(path, sizeof path, "balancers.0.listeners.0.headers.%s", cases[i].header);
		CHECK_STR(at(house.lb->plan, path), cases[i].value);
		CHECK_STR(house_get("Listener", arns[RESOURCE_LISTENER], cases[i].key),
			  cases[i].value);
	}
	CHECK_STR(house_set("Listener", arns[RESOURCE_LISTENER],
			    RESPONSE "x_frame_options.header_value", ""),
		  "");
	CHECK(!node(house.lb->plan, "balancers.0.listeners.0.headers.X-Frame-Options"),
	      "taken back");
	CHECK_STR(
		house_set("Listener", arns[RESOURCE_LISTENER], RESPONSE "server.enabled", "false"),
		"");
	CHECK_STR(at(house.lb->plan, "balancers.0.listeners.0.server"), "false");
	house_close();
}

/* ---- Weir's own ---- */

TEST(streaming_values_come_from_group_then_balancer_then_default_and_attribute_before_tag)
{
	const char *group, *lb;

	furnish();
	group = arns[RESOURCE_TARGET_GROUP];
	lb = arns[RESOURCE_LOAD_BALANCER];
	CHECK_STR(at(house.lb->plan, "groups.0.stream.heartbeat"), "0");
	CHECK_STR(at(house.lb->plan, "groups.0.stream.connect"), "10000");
	house_call("AddTags", "{s:[s], s:[{s:s, s:s}]}", "ResourceArns", lb, "Tags", "Key",
		   "weir:stream.heartbeat.interval_seconds", "Value", "11");
	CHECK_STR(at(house.lb->plan, "groups.0.stream.heartbeat"), "11000", "the balancer's tag");
	CHECK_STR(house_set("LoadBalancer", lb, "weir.stream.heartbeat.interval_seconds", "12"),
		  "");
	CHECK_STR(at(house.lb->plan, "groups.0.stream.heartbeat"), "12000",
		  "the balancer's attribute");
	house_call("AddTags", "{s:[s], s:[{s:s, s:s}]}", "ResourceArns", group, "Tags", "Key",
		   "weir:stream.heartbeat.interval_seconds", "Value", "13");
	CHECK_STR(at(house.lb->plan, "groups.0.stream.heartbeat"), "13000", "the group's tag");
	CHECK_STR(house_set("TargetGroup", group, "weir.stream.heartbeat.interval_seconds", "0"),
		  "");
	CHECK_STR(at(house.lb->plan, "groups.0.stream.heartbeat"), "0", "off for this group");
	CHECK_STR(house_get("TargetGroup", group, "weir.stream.heartbeat.interval_seconds"), "0");
	CHECK_STR(house_set("TargetGroup", group, "weir.stream.heartbeat.interval_seconds", ""),
		  "");
	CHECK_STR(house_get("TargetGroup", group, "weir.stream.heartbeat.interval_seconds"), "",
		  "taken back, and not described");
	CHECK_STR(at(house.lb->plan, "groups.0.stream.heartbeat"), "13000");
	house_close();
}

TEST(every_clock_reaches_the_balancer_in_milliseconds)
{
	static const char *const clocks[][3] = {
		{ "weir.timeout.connect_ms", "250", "connect" },
		{ "weir.timeout.first_byte_seconds", "2", "first_byte" },
		{ "weir.timeout.first_event_seconds", "3", "first_event" },
		{ "weir.timeout.between_bytes_seconds", "4", "between" },
		{ "weir.timeout.total_seconds", "5", "total" },
	};
	static const char *const want[] = { "250", "2000", "3000", "4000", "5000" };
	char path[64];

	furnish();
	for (size_t i = 0; i < COUNT(clocks); i++) {
		CHECK_STR(house_set("TargetGroup", arns[RESOURCE_TARGET_GROUP], clocks[i][0],
				    clocks[i][1]),
			  "", "%s", house.fault.message);
		snprintf(path, sizeof path, "groups.0.stream.%s", clocks[i][2]);
		CHECK_STR(at(house.lb->plan, path), want[i]);
	}
	house_close();
}

/* ---- The seeds' way to say it ---- */

TEST(health_checks_said_as_attributes_act_and_are_not_described_there)
{
	const char *group;
	json_t *out;

	furnish();
	group = arns[RESOURCE_TARGET_GROUP];
	out = house_call(
		"ModifyTargetGroupAttributes",
		"{s:s, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}",
		"TargetGroupArn", group, "Attributes", "Key", "health_check.interval_seconds",
		"Value", "20", "Key", "health_check.timeout_seconds", "Value", "6", "Key",
		"health_check.healthy_threshold_count", "Value", "3", "Key",
		"health_check.unhealthy_threshold_count", "Value", "4", "Key", "health_check.path",
		"Value", "/health", "Key", "health_check.matcher", "Value", "200,404");
	CHECK_EQ(json_array_size(node(out, "Attributes")), 14);
	out = node(house_call("DescribeTargetGroups", "{s:[s]}", "TargetGroupArns", group),
		   "TargetGroups.0");
	CHECK_STR(at(out, "HealthCheckIntervalSeconds"), "20");
	CHECK_STR(at(out, "HealthCheckTimeoutSeconds"), "6");
	CHECK_STR(at(out, "HealthyThresholdCount"), "3");
	CHECK_STR(at(out, "UnhealthyThresholdCount"), "4");
	CHECK_STR(at(out, "HealthCheckPath"), "/health");
	CHECK_STR(at(out, "Matcher.HttpCode"), "200,404");
	CHECK_STR(at(house.lb->plan, "groups.0.health.interval_ms"), "20000");
	CHECK_STR(house_set("TargetGroup", group, "health_check.interval_seconds", "4"),
		  "ValidationError");
	CHECK_STR(house_set("TargetGroup", group, "health_check.interval_seconds", "6"),
		  "ValidationError", "not above the timeout");
	CHECK_STR(house_set("TargetGroup", group, "health_check.healthy_threshold", "eleven"),
		  "ValidationError");
	house_close();
}
