/* Conditions, actions and transforms: every kind, said well and said badly. */
#include "tests/unit/services/house.h"

static const char *group, *other, *listener;
static unsigned priority;

static void furnish(void)
{
	const char *lb;

	house_open();
	lb = house_load_balancer("lb");
	group = house_target_group("g");
	other = house_target_group("other");
	listener = house_listener(lb, 80, group);
	priority = 0;
}

/* Tries a rule; NULL and house.fault, or the rule. Steals both. */
static json_t *try_rule(json_t *conditions, json_t *actions)
{
	json_t *out;

	assert_non_null(conditions);
	assert_non_null(actions);
	out = house_try("elbv2", "CreateRule",
			json_pack("{s:s, s:i, s:o, s:o}", "ListenerArn", listener, "Priority",
				  (int)++priority, "Conditions", conditions, "Actions", actions));
	return node(out, "Rules.0");
}

static json_t *forward(void)
{
	return json_pack("[{s:s, s:s}]", "Type", "forward", "TargetGroupArn", group);
}

static json_t *anywhere(void)
{
	return json_pack("[{s:s, s:[s]}]", "Field", "path-pattern", "Values", "/*");
}

static json_t *planned(void) /* the rule made last */
{
	json_t *rules = node(house.lb->plan, "balancers.0.listeners.0.rules");

	return json_array_get(rules, json_array_size(rules) - 1);
}

/* ---- Conditions ---- */

#define A128                                                               \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *field, *config, *value;
	const char *message; /* NULL: fine; "": refused with any words */
} values[] = {
	{ "path-pattern", "PathPatternConfig", "/img/*", NULL },
	{ "path-pattern", "PathPatternConfig", "/a-b_c.d$e/~\"'@:+&?", NULL },
	{ "path-pattern", "PathPatternConfig", A128, NULL },
	{ "path-pattern", "PathPatternConfig", A128 "a",
	  "The 'path-pattern' value is too long; the limit is '128'" },
	{ "path-pattern", "PathPatternConfig", "/a?b=c", "" },
	{ "path-pattern", "PathPatternConfig", "/a b", "" },
	{ "path-pattern", "PathPatternConfig", "", "A condition value must be specified" },
	{ "host-header", "HostHeaderConfig", "*.example.com", NULL },
	{ "host-header", "HostHeaderConfig", "EXAMPLE.COM", NULL },
	{ "host-header", "HostHeaderConfig", "localhost", "" },
	{ "host-header", "HostHeaderConfig", "example.c0m", "" },
	{ "host-header", "HostHeaderConfig", "ex_ample.com", "" },
	{ "host-header", "HostHeaderConfig", A128 ".com",
	  "The 'host-header' value is too long; the limit is '128'" },
	{ "http-request-method", "HttpRequestMethodConfig", "GET", NULL },
	{ "http-request-method", "HttpRequestMethodConfig", "M-SEARCH_X", NULL },
	{ "http-request-method", "HttpRequestMethodConfig", "get", "" },
	{ "http-request-method", "HttpRequestMethodConfig", "G*", "" },
	{ "http-request-method", "HttpRequestMethodConfig",
	  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	  "The 'http-request-method' value is too long; the limit is '40'" },
	{ "source-ip", "SourceIpConfig", "10.0.0.0/8", NULL },
	{ "source-ip", "SourceIpConfig", "2001:db8::/32", NULL },
	{ "source-ip", "SourceIpConfig", "10.0.0.1",
	  "The 'source-ip' value '10.0.0.1' must be in CIDR format" },
	{ "source-ip", "SourceIpConfig", "255.255.255.255/32", "" },
	{ "source-ip", "SourceIpConfig", "10.0.0.0/33", "" },
	{ "cookie", "PathPatternConfig", "x",
	  "Condition field 'cookie' must be one of '[path-pattern,host-header,http-header,"
	  "http-request-method,query-string,source-ip]'" },
};

TEST(condition_values_are_held_to_their_alphabets_and_lengths)
{
	furnish();
	for (size_t i = 0; i < COUNT(values); i++) {
		json_t *rule = try_rule(json_pack("[{s:s, s:{s:[s]}}]", "Field", values[i].field,
						  values[i].config, "Values", values[i].value),
					forward());
		char path[80];

		if (values[i].message) {
			CHECK_STR(house.fault.code, "ValidationError", "%s %s", values[i].field,
				  values[i].value);
			if (values[i].message[0])
				CHECK_STR(house.fault.message, values[i].message);
			continue;
		}
		snprintf(path, sizeof path, "Conditions.0.%s.Values.0", values[i].config);
		CHECK_STR(at(rule, path), values[i].value, "%s: %s", values[i].field,
			  house.fault.message);
		CHECK_STR(at(planned(), "conditions.0.values.0.value"), values[i].value);
	}
	house_close();
}

TEST(only_hosts_and_paths_are_echoed_in_the_old_form)
{
	json_t *rule;

	furnish();
	rule = try_rule(json_pack("[{s:s, s:{s:[s]}}, {s:s, s:{s:[s]}}]", "Field", "host-header",
				  "HostHeaderConfig", "Values", "a.example.com", "Field",
				  "http-request-method", "HttpRequestMethodConfig", "Values",
				  "PUT"),
			forward());
	CHECK_STR(at(rule, "Conditions.0.Values.0"), "a.example.com");
	CHECK(!node(rule, "Conditions.1.Values"), "a method has its config alone");
	house_close();
}

TEST(what_is_meant_by_a_host_or_a_list_of_paths_is_understood)
{
	json_t *rule;

	furnish();
	rule = try_rule(json_pack("[{s:s, s:[s]}]", "Field", "host-header", "Values",
				  "https://app.example.com:8443/"),
			forward());
	CHECK_STR(at(rule, "Conditions.0.Values.0"), "app.example.com");
	rule = try_rule(json_pack("[{s:s, s:[s]}]", "Field", "path-pattern", "Values",
				  "/chat,/health, /reindex"),
			forward());
	CHECK_STR(at(rule, "Conditions.0.PathPatternConfig.Values.0"), "/chat");
	CHECK_STR(at(rule, "Conditions.0.PathPatternConfig.Values.2"), "/reindex");
	CHECK_EQ(json_array_size(node(planned(), "conditions.0.values")), 3);
	house_close();
}

TEST(headers_and_query_strings_are_checked)
{
	json_t *rule;

	furnish();
	rule = try_rule(json_pack("[{s:s, s:{s:s, s:[s, s]}}]", "Field", "http-header",
				  "HttpHeaderConfig", "HttpHeaderName", "X-Model", "Values", "gpt*",
				  "llama?"),
			forward());
	CHECK_STR(at(rule, "Conditions.0.HttpHeaderConfig.HttpHeaderName"), "X-Model");
	CHECK_STR(at(planned(), "conditions.0.name"), "X-Model");
	try_rule(json_pack("[{s:s, s:{s:s, s:[s]}}]", "Field", "http-header", "HttpHeaderConfig",
			   "HttpHeaderName", "host", "Values", "a"),
		 forward());
	CHECK_STR(house.fault.code, "ValidationError", "Host has a condition of its own");
	try_rule(json_pack("[{s:s, s:{s:s, s:[s]}}]", "Field", "http-header", "HttpHeaderConfig",
			   "HttpHeaderName", "X Y", "Values", "a"),
		 forward());
	CHECK_STR(house.fault.code, "ValidationError");
	try_rule(json_pack("[{s:s, s:{s:[s]}}]", "Field", "http-header", "HttpHeaderConfig",
			   "Values", "a"),
		 forward());
	CHECK_STR(house.fault.message, "An HTTP header name must be specified");

	rule = try_rule(json_pack("[{s:s, s:{s:[{s:s, s:s}, {s:s}]}}]", "Field", "query-string",
				  "QueryStringConfig", "Values", "Key", "v", "Value", "1\\*",
				  "Value", "x*"),
			forward());
	CHECK_STR(at(rule, "Conditions.0.QueryStringConfig.Values.0.Key"), "v");
	CHECK_STR(at(planned(), "conditions.0.values.0.key"), "v");
	CHECK(json_is_null(node(planned(), "conditions.0.values.1.key")), "any key");
	try_rule(json_pack("[{s:s, s:{s:[{s:s}]}}]", "Field", "query-string", "QueryStringConfig",
			   "Values", "Key", "v"),
		 forward());
	CHECK_STR(house.fault.message, "A condition value must be specified");
	house_close();
}

TEST(regular_expressions_are_tried_before_they_are_taken)
{
	json_t *rule;

	furnish();
	rule = try_rule(json_pack("[{s:s, s:{s:[s]}}]", "Field", "path-pattern",
				  "PathPatternConfig", "RegexValues", "^/v[0-9]+/"),
			forward());
	CHECK_STR(at(rule, "Conditions.0.PathPatternConfig.RegexValues.0"), "^/v[0-9]+/");
	CHECK(!node(rule, "Conditions.0.Values"), "no plain values");
	CHECK_STR(at(planned(), "conditions.0.values.0.regex"), "true");
	try_rule(json_pack("[{s:s, s:{s:[s]}}]", "Field", "path-pattern", "PathPatternConfig",
			   "RegexValues", "^/v[0-9"),
		 forward());
	CHECK_STR(house.fault.code, "ValidationError");
	CHECK(strstr(house.fault.message, "is not a valid regular expression"), "%s",
	      house.fault.message);
	house_close();
}

TEST(a_rule_has_five_values_six_wildcards_and_one_condition_of_most_kinds)
{
	furnish();
	CHECK(try_rule(json_pack("[{s:s, s:[s, s, s, s, s]}]", "Field", "path-pattern", "Values",
				 "/a", "/b", "/c", "/d", "/e"),
		       forward()),
	      "five");
	try_rule(json_pack("[{s:s, s:[s, s, s, s, s]}, {s:s, s:[s]}]", "Field", "path-pattern",
			   "Values", "/a", "/b", "/c", "/d", "/e", "Field", "host-header", "Values",
			   "a.b"),
		 forward());
	CHECK_STR(house.fault.message, "A rule can only have '5' condition values");
	CHECK(try_rule(json_pack("[{s:s, s:[s]}]", "Field", "path-pattern", "Values",
				 "/*/?/*/?/*/?"),
		       forward()),
	      "six wildcards");
	try_rule(json_pack("[{s:s, s:[s]}]", "Field", "path-pattern", "Values", "/*/?/*/?/*/?*"),
		 forward());
	CHECK_STR(house.fault.message, "A rule can only have '6' condition wildcards");
	try_rule(json_pack("[{s:s, s:[s]}, {s:s, s:[s]}]", "Field", "path-pattern", "Values", "/a",
			   "Field", "path-pattern", "Values", "/b"),
		 forward());
	CHECK_STR(house.fault.message, "A rule can only have one 'path-pattern' condition");
	CHECK(try_rule(json_pack("[{s:s, s:{s:s, s:[s]}}, {s:s, s:{s:s, s:[s]}}]", "Field",
				 "http-header", "HttpHeaderConfig", "HttpHeaderName", "A", "Values",
				 "1", "Field", "http-header", "HttpHeaderConfig", "HttpHeaderName",
				 "B", "Values", "2"),
		       forward()),
	      "several headers");
	try_rule(json_array(), forward());
	CHECK_STR(house.fault.message, "A condition must be specified");
	house_close();
}

TEST(a_condition_is_said_one_way_only)
{
	furnish();
	try_rule(json_pack("[{s:s, s:[s], s:{s:[s]}}]", "Field", "path-pattern", "Values", "/a",
			   "PathPatternConfig", "Values", "/a"),
		 forward());
	CHECK_STR(house.fault.message, "You cannot specify both 'Values' and 'PathPatternConfig'");
	try_rule(json_pack("[{s:s, s:[s]}]", "Field", "source-ip", "Values", "10.0.0.0/8"),
		 forward());
	CHECK_STR(house.fault.code, "ValidationError");
	try_rule(json_pack("[{s:s, s:{s:[s]}}]", "Field", "path-pattern", "HostHeaderConfig",
			   "Values", "a.b"),
		 forward());
	CHECK_STR(house.fault.code, "ValidationError");
	try_rule(json_pack("[{s:[s]}]", "Values", "/a"), forward());
	CHECK_STR(house.fault.message, "A condition field must be specified");
	house_close();
}

/* ---- Actions ---- */

static void refuse(const char *code, const char *message, json_t *actions)
{
	CHECK(!try_rule(anywhere(), actions), "%s: %s", code, message ? message : "");
	CHECK_STR(house.fault.code, code, "%s", house.fault.message);
	if (message)
		CHECK_STR(house.fault.message, message);
}

TEST(a_forward_may_name_one_group_either_way_or_up_to_five_with_weights)
{
	json_t *rule;
	char words[160];

	furnish();
	rule = try_rule(anywhere(),
			json_pack("[{s:s, s:{s:[{s:s, s:i}, {s:s, s:i}], s:{s:b, s:i}}, s:i}]",
				  "Type", "forward", "ForwardConfig", "TargetGroups",
				  "TargetGroupArn", group, "Weight", 0, "TargetGroupArn", other,
				  "Weight", 999, "TargetGroupStickinessConfig", "Enabled", 1,
				  "DurationSeconds", 60, "Order", 1));
	CHECK(!node(rule, "Actions.0.TargetGroupArn"), "there are two");
	CHECK_STR(at(rule, "Actions.0.ForwardConfig.TargetGroups.0.Weight"), "0");
	CHECK_STR(at(rule, "Actions.0.Order"), "1");
	CHECK_STR(at(planned(), "action.groups.1.weight"), "999");
	CHECK_STR(at(planned(), "action.sticky"), "true");
	CHECK_STR(at(planned(), "action.seconds"), "60");
	rule = try_rule(anywhere(), json_pack("[{s:s, s:s, s:{s:[{s:s}]}}]", "Type", "forward",
					      "TargetGroupArn", group, "ForwardConfig",
					      "TargetGroups", "TargetGroupArn", group));
	CHECK_STR(at(rule, "Actions.0.ForwardConfig.TargetGroups.0.Weight"), "1");

	refuse("ValidationError", "A target group ARN must be specified",
	       json_pack("[{s:s}]", "Type", "forward"));
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:s, s:{s:[{s:s}]}}]", "Type", "forward", "TargetGroupArn", group,
			 "ForwardConfig", "TargetGroups", "TargetGroupArn", other));
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:{s:[{s:s, s:i}]}}]", "Type", "forward", "ForwardConfig",
			 "TargetGroups", "TargetGroupArn", group, "Weight", 1000));
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:{s:[{s:s, s:i}]}}]", "Type", "forward", "ForwardConfig",
			 "TargetGroups", "TargetGroupArn", group, "Weight", -1));
	refuse("InvalidLoadBalancerAction", NULL,
	       json_pack("[{s:s, s:{s:[{s:s}, {s:s}]}}]", "Type", "forward", "ForwardConfig",
			 "TargetGroups", "TargetGroupArn", group, "TargetGroupArn", group));
	refuse("TooManyTargetGroups", NULL,
	       json_pack("[{s:s, s:{s:[{s:s}, {s:s}, {s:s}, {s:s}, {s:s}, {s:s}]}}]", "Type",
			 "forward", "ForwardConfig", "TargetGroups", "TargetGroupArn", group,
			 "TargetGroupArn", group, "TargetGroupArn", group, "TargetGroupArn", group,
			 "TargetGroupArn", group, "TargetGroupArn", group));
	snprintf(words, sizeof words, "Target group '%s' not found",
		 "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/1");
	refuse("TargetGroupNotFound", words,
	       json_pack("[{s:s, s:s}]", "Type", "forward", "TargetGroupArn",
			 "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/1"));
	house_close();
}

TEST(the_stickiness_of_several_groups_fits_together)
{
	static const char app_cookie[] =
		"When configuring a rule with multiple target groups, none of them can have stickiness of "
		"type 'app_cookie' enabled";
	furnish();
	for (int seconds = 0; seconds <= 604801; seconds += 604801)
		refuse("InvalidLoadBalancerAction", NULL,
		       json_pack("[{s:s, s:{s:[{s:s}], s:{s:b, s:i}}}]", "Type", "forward",
				 "ForwardConfig", "TargetGroups", "TargetGroupArn", group,
				 "TargetGroupStickinessConfig", "Enabled", 1, "DurationSeconds",
				 seconds));
	CHECK_STR(house_set("TargetGroup", other, "stickiness.enabled", "true"), "");
	refuse("InvalidLoadBalancerAction",
	       "You must enable group stickiness on a rule if you enabled target stickiness on one of its "
	       "target groups",
	       json_pack("[{s:s, s:{s:[{s:s}, {s:s}]}}]", "Type", "forward", "ForwardConfig",
			 "TargetGroups", "TargetGroupArn", group, "TargetGroupArn", other));
	CHECK_STR(house_set("TargetGroup", other, "stickiness.app_cookie.cookie_name", "sid"), "");
	CHECK_STR(house_set("TargetGroup", other, "stickiness.type", "app_cookie"), "");
	refuse("InvalidLoadBalancerAction", app_cookie,
	       json_pack("[{s:s, s:{s:[{s:s}, {s:s}], s:{s:b, s:i}}}]", "Type", "forward",
			 "ForwardConfig", "TargetGroups", "TargetGroupArn", group, "TargetGroupArn",
			 other, "TargetGroupStickinessConfig", "Enabled", 1, "DurationSeconds",
			 60));
	CHECK_STR(house_set("TargetGroup", other, "stickiness.enabled", "false"), "");
	CHECK(try_rule(anywhere(), json_pack("[{s:s, s:{s:[{s:s}, {s:s}]}}]", "Type", "forward",
					     "ForwardConfig", "TargetGroups", "TargetGroupArn",
					     group, "TargetGroupArn", other)),
	      "%s", house.fault.message);
	CHECK_STR(house_set("TargetGroup", other, "stickiness.enabled", "true"),
		  "InvalidConfigurationRequest", "the reverse order");
	CHECK_STR(house.fault.message, app_cookie);
	house_close();
}

TEST(a_redirect_is_completed_and_must_lead_elsewhere)
{
	json_t *rule;

	furnish();
	rule = try_rule(anywhere(), json_pack("[{s:s, s:{s:s, s:s, s:s}}]", "Type", "redirect",
					      "RedirectConfig", "Protocol", "https", "Port", "443",
					      "StatusCode", "301"));
	CHECK_STR(at(rule, "Actions.0.RedirectConfig.Protocol"), "HTTPS");
	CHECK_STR(at(rule, "Actions.0.RedirectConfig.Host"), "#{host}");
	CHECK_STR(at(rule, "Actions.0.RedirectConfig.Path"), "/#{path}");
	CHECK_STR(at(rule, "Actions.0.RedirectConfig.Query"), "#{query}");
	CHECK_STR(at(rule, "Actions.0.RedirectConfig.StatusCode"), "HTTP_301");
	CHECK_STR(at(planned(), "action.status"), "301");
	CHECK_STR(at(planned(), "action.port"), "443");
	rule = try_rule(anywhere(), json_pack("[{s:s, s:{s:s, s:s, s:s}}]", "Type", "redirect",
					      "RedirectConfig", "Path", "new/#{path}", "Query",
					      "?a=1", "StatusCode", "HTTP_302"));
	CHECK_STR(at(rule, "Actions.0.RedirectConfig.Path"), "/new/#{path}");
	CHECK_STR(at(rule, "Actions.0.RedirectConfig.Query"), "a=1");

	refuse("InvalidLoadBalancerAction",
	       "The redirect configuration is not valid because it creates a loop",
	       json_pack("[{s:s, s:{s:s}}]", "Type", "redirect", "RedirectConfig", "StatusCode",
			 "HTTP_301"));
	refuse("InvalidLoadBalancerAction", NULL,
	       json_pack("[{s:s, s:{s:s, s:s}}]", "Type", "redirect", "RedirectConfig", "Query",
			 "x", "StatusCode", "HTTP_301"));
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:{s:s, s:s}}]", "Type", "redirect", "RedirectConfig", "Port",
			 "65536", "StatusCode", "HTTP_301"));
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:{s:s, s:s}}]", "Type", "redirect", "RedirectConfig", "Protocol",
			 "FTP", "StatusCode", "HTTP_301"));
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:{s:s, s:s}}]", "Type", "redirect", "RedirectConfig", "Port",
			 "81", "StatusCode", "307"));
	refuse("InvalidLoadBalancerAction", NULL,
	       json_pack("[{s:s, s:{s:s, s:s}}]", "Type", "redirect", "RedirectConfig", "Host",
			 "x.#{path}", "StatusCode", "HTTP_301"));
	refuse("ValidationError", NULL, json_pack("[{s:s}]", "Type", "redirect"));
	house_close();
}

TEST(a_fixed_response_says_a_status_of_2_4_or_5_and_a_known_type)
{
	json_t *rule;

	furnish();
	rule = try_rule(anywhere(), json_pack("[{s:s, s:{s:s}}]", "Type", "fixed-response",
					      "FixedResponseConfig", "StatusCode", "204"));
	CHECK(!node(rule, "Actions.0.FixedResponseConfig.MessageBody"), "not given, not said");
	CHECK_STR(at(planned(), "action.type"), "text/plain");
	rule = try_rule(anywhere(),
			json_pack("[{s:s, s:{s:s, s:s, s:s}}]", "Type", "fixed-response",
				  "FixedResponseConfig", "StatusCode", "503", "ContentType",
				  "application/json", "MessageBody", "{}"));
	CHECK_STR(at(planned(), "action.body"), "{}");
	CHECK_STR(at(planned(), "action.status"), "503");
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:{s:s}}]", "Type", "fixed-response", "FixedResponseConfig",
			 "StatusCode", "301"));
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:{s:s}}]", "Type", "fixed-response", "FixedResponseConfig",
			 "StatusCode", "20"));
	refuse("ValidationError",
	       "The ContentType must be one of:'text/html', 'application/json', 'application/javascript', "
	       "'text/css', 'text/plain'",
	       json_pack("[{s:s, s:{s:s, s:s}}]", "Type", "fixed-response", "FixedResponseConfig",
			 "StatusCode", "200", "ContentType", "image/png"));
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:{s:s, s:o}}]", "Type", "fixed-response", "FixedResponseConfig",
			 "StatusCode", "200", "MessageBody", json_sprintf("%1025s", "too long")));
	house_close();
}

TEST(actions_of_https_listeners_are_refused_and_one_action_ends_a_rule)
{
	furnish();
	refuse("InvalidLoadBalancerAction",
	       "Actions of type 'authenticate-cognito' are supported only on HTTPS listeners",
	       json_pack("[{s:s, s:i, s:{s:s, s:s, s:s}}, {s:s, s:i, s:s}]", "Type",
			 "authenticate-cognito", "Order", 1, "AuthenticateCognitoConfig",
			 "UserPoolArn", "a", "UserPoolClientId", "b", "UserPoolDomain", "c", "Type",
			 "forward", "Order", 2, "TargetGroupArn", group));
	refuse("InvalidLoadBalancerAction",
	       "Actions of type 'jwt-validation' are supported only on HTTPS listeners",
	       json_pack("[{s:s, s:{s:s, s:s}}]", "Type", "jwt-validation", "JwtValidationConfig",
			 "JwksEndpoint", "https://a", "Issuer", "b"));
	refuse("InvalidLoadBalancerAction", NULL,
	       json_pack("[{s:s, s:s}, {s:s, s:s}]", "Type", "forward", "TargetGroupArn", group,
			 "Type", "forward", "TargetGroupArn", other));
	refuse("ValidationError", NULL, json_pack("[{s:s}]", "Type", "levitate"));
	refuse("ValidationError", NULL,
	       json_pack("[{s:s, s:s, s:{s:s}}]", "Type", "forward", "TargetGroupArn", group,
			 "FixedResponseConfig", "StatusCode", "200"));
	refuse("ValidationError", "An action must be specified", json_array());
	house_close();
}

/* ---- Transforms ---- */

static json_t *try_transforms(json_t *transforms)
{
	return node(house_try("elbv2", "CreateRule",
			      json_pack("{s:s, s:i, s:o, s:o, s:o}", "ListenerArn", listener,
					"Priority", (int)++priority, "Conditions", anywhere(),
					"Actions", forward(), "Transforms", transforms)),
		    "Rules.0");
}

TEST(a_rule_rewrites_host_and_url_once_each)
{
	json_t *rule;

	furnish();
	rule = try_transforms(json_pack("[{s:s, s:{s:[{s:s, s:s}]}}, {s:s, s:{s:[{s:s, s:s}]}}]",
					"Type", "host-header-rewrite", "HostHeaderRewriteConfig",
					"Rewrites", "Regex", "^(.*)\\.old$", "Replace", "$1.new",
					"Type", "url-rewrite", "UrlRewriteConfig", "Rewrites",
					"Regex", "^/api", "Replace", ""));
	CHECK_STR(at(rule, "Transforms.0.Type"), "host-header-rewrite");
	CHECK_STR(at(planned(), "host_replace"), "$1.new");
	CHECK_STR(at(planned(), "url_regex"), "^/api");
	CHECK(!try_transforms(json_pack("[{s:s, s:{s:[{s:s, s:s}]}}, {s:s, s:{s:[{s:s, s:s}]}}]",
					"Type", "url-rewrite", "UrlRewriteConfig", "Rewrites",
					"Regex", "a", "Replace", "b", "Type", "url-rewrite",
					"UrlRewriteConfig", "Rewrites", "Regex", "a", "Replace",
					"b")),
	      "twice");
	CHECK(!try_transforms(json_pack("[{s:s, s:{s:[{s:s, s:s}]}}]", "Type", "url-rewrite",
					"UrlRewriteConfig", "Rewrites", "Regex", "(", "Replace",
					"b")),
	      "no regular expression");
	CHECK(!try_transforms(json_pack("[{s:s, s:{s:[]}}]", "Type", "url-rewrite",
					"UrlRewriteConfig", "Rewrites")),
	      "no rewrite");
	CHECK(!try_transforms(json_pack("[{s:s, s:{s:[{s:s, s:s}]}}]", "Type", "url-rewrite",
					"HostHeaderRewriteConfig", "Rewrites", "Regex", "a",
					"Replace", "b")),
	      "the other's config");
	CHECK_STR(house.fault.code, "ValidationError");
	house_close();
}
