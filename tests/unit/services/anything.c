/*
 * Requests made at random from the shapes: half sense, half nonsense. Whatever comes, there is an
 * answer or a fault of the caller's, and the plan is that of a fresh start.
 */
#include "base/rng.h"
#include "services/elbv2/attributes.h"
#include "tests/unit/services/house.h"

static struct rng rng;
static json_t *words; /* what strings are made of; grows with every ARN that was answered */

static json_t *any(const struct api_shape *shape, const char *name, unsigned depth);

static void learn(const json_t *answer)
{
	const json_t *child;
	const char *key;
	size_t index;

	if (json_is_string(answer) && strncmp(json_string_value(answer), "arn:", 4) == 0 &&
	    rng_below(&rng, 3) == 0) {
		json_array_append(words, (json_t *)answer);
		if (json_array_size(words) > 400)
			json_array_remove(words, 40); /* the oldest ARN */
	}
	json_array_foreach (answer, index, child)
		learn(child);
	json_object_foreach ((json_t *)answer, key, child)
		learn(child);
}

/* Three times in four what fits the member's name, else whatever there is. */
static const char *fitting(const char *name)
{
	static const struct {
		const char *name, *words[6];
	} pools[] = {
		{ "Field",
		  { "path-pattern", "host-header", "http-header", "http-request-method",
		    "query-string", "source-ip" } },
		{ "Protocol", { "HTTP", "HTTP", "HTTP", "HTTPS", "http", "#{protocol}" } },
		{ "HealthCheckProtocol", { "HTTP", "HTTP", "HTTP", "HTTP", "HTTPS", "TCP" } },
		{ "ProtocolVersion", { "HTTP1", "HTTP1", "HTTP1", "", "HTTP2", "GRPC" } },
		{ "TargetType", { "ip", "ip", "ip", "instance", "instance", "lambda" } },
		{ "Name", { "lb", "g", "one", "two", "three", "four" } },
		{ "Values", { "/a", "/b*", "a.example.com", "10.0.0.0/8", "GET", "/c,/d" } },
		{ "Type",
		  { "forward", "forward", "forward", "fixed-response", "redirect",
		    "application" } },
		{ "StatusCode", { "200", "503", "HTTP_301", "301", "404", "99" } },
		{ "Id",
		  { "10.0.0.1", "127.0.0.1", "10.0.0.2:81", "i-0123456789abcdef0", "8.8.8.8",
		    "172.31.0.9" } },
		{ "Value", { "true", "false", "60", "1", "off", "round_robin" } },
		{ "HttpCode", { "200", "200-299", "2xx", "200,404", "500", "404" } },
		{ "Marker", { "", "", "", "", "", "nonsense" } },
		{ "IpAddressType", { "ipv4", "ipv4", "ipv4", "ipv4", "ipv6", "dualstack" } },
	};

	if (rng_below(&rng, 4) == 0)
		return NULL;
	if (strcmp(name, "Key") == 0)
		return attributes[rng_below(&rng, attribute_count)].key;
	if (strcmp(name, "VpcId") == 0)
		return house_vpc();
	if (strncmp(name, "Subnet", 6) == 0)
		return house_subnet((unsigned)rng_below(&rng, 3));
	for (size_t i = 0; i < COUNT(pools); i++)
		if (strcmp(pools[i].name, name) == 0)
			return pools[i].words[rng_below(&rng, COUNT(pools[i].words))];
	return NULL;
}

/* The youngest-but-few ARN of a kind: "listener/app/". */
static json_t *any_arn(const char *kind)
{
	size_t count = json_array_size(words), back = rng_below(&rng, 4);
	const char *found = "none";

	for (size_t i = count; i-- > 0;) {
		const char *word = json_string_value(json_array_get(words, i)), *tail = word;

		for (int colons = 0; tail && colons < 5; colons++) {
			tail = strchr(tail, ':');
			tail = tail ? tail + 1 : NULL;
		}
		if (!tail || strncmp(tail, kind, strlen(kind)) != 0)
			continue;
		found = word;
		if (back-- == 0)
			break;
	}
	return json_string(found);
}

static json_t *any_string(const struct api_shape *shape, const char *name)
{
	const char *word = fitting(name);
	size_t count = 0, known = json_array_size(words);

	if (word)
		return json_string(word);
	if (shape->values) {
		while (shape->values[count])
			count++;
		return json_string(shape->values[rng_below(&rng, count)]);
	}
	if (strstr(name, "Arn") && rng_below(&rng, 8)) /* mostly of late */
		return json_incref(json_array_get(words, known - 1 - rng_below(&rng, known / 2)));
	return json_incref(json_array_get(words, rng_below(&rng, known)));
}

static json_t *any_list(const struct api_shape *shape, const char *name, unsigned depth)
{
	json_t *list = json_array();

	for (uint64_t i = rng_below(&rng, 3); i < 3; i++)
		json_array_append_new(list, any(shape->item, name, depth + 1));
	return list;
}

static json_t *any_structure(const struct api_shape *shape, unsigned depth)
{
	json_t *object = json_object();

	for (const struct api_member *member = shape->members; member->name; member++)
		if ((member->required && rng_below(&rng, 50)) ||
		    rng_below(&rng, depth ? 2 : 3) == 0)
			json_object_set_new(object, member->name,
					    any(member->shape, member->name, depth));
	return object;
}

static json_t *any(const struct api_shape *shape, const char *name, unsigned depth)
{
	static const int64_t numbers[] = { -1, 0,  1,	2,   5,	    6,	   10,
					   60, 80, 443, 999, 50000, 65535, 70000 };

	switch (shape->kind) {
	case API_STRUCTURE: return any_structure(shape, depth + 1);
	case API_LIST: return any_list(shape, name, depth);
	case API_INTEGER: return json_integer(numbers[rng_below(&rng, COUNT(numbers))]);
	case API_BOOLEAN: return json_boolean(rng_below(&rng, 2));
	case API_MAP: return json_object();
	case API_STRING:
	case API_DOUBLE:
	case API_TIMESTAMP:
	case API_BLOB: break;
	}
	return any_string(shape, name);
}

/* Good requests; "@…" stands for something that lives. */
static const struct {
	const char *operation, *input;
} templates[] = {
	{ "CreateLoadBalancer", "{'Name': '@name', 'Subnets': ['@subnet0', '@subnet1']}" },
	{ "CreateTargetGroup", "{'Name': '@name', 'Protocol': 'HTTP', 'Port': 80, 'VpcId': '@vpc', "
			       "'TargetType': 'ip'}" },
	{ "CreateTargetGroup",
	  "{'Name': '@name', 'Protocol': 'HTTP', 'Port': 80, 'VpcId': '@vpc'}" },
	{ "CreateListener",
	  "{'LoadBalancerArn': '@loadbalancer/', 'Protocol': 'HTTP', 'Port': '@number', "
	  "'DefaultActions': [{'Type': 'forward', 'TargetGroupArn': '@targetgroup/'}]}" },
	{ "CreateListener",
	  "{'LoadBalancerArn': '@loadbalancer/', 'Protocol': 'HTTP', 'Port': '@number', "
	  "'DefaultActions': [{'Type': 'redirect', 'RedirectConfig': {'Port': '443', "
	  "'StatusCode': 'HTTP_301'}}]}" },
	{ "CreateRule",
	  "{'ListenerArn': '@listener/', 'Priority': '@number', 'Conditions': [{'Field': "
	  "'path-pattern', 'Values': ['/a*']}], 'Actions': [{'Type': 'forward', "
	  "'TargetGroupArn': '@targetgroup/'}]}" },
	{ "CreateRule",
	  "{'ListenerArn': '@listener/', 'Priority': '@number', 'Conditions': [{'Field': "
	  "'http-header', 'HttpHeaderConfig': {'HttpHeaderName': 'X', 'Values': ['a']}}], "
	  "'Actions': [{'Type': 'forward', 'ForwardConfig': {'TargetGroups': [{'TargetGroupArn': "
	  "'@targetgroup/', 'Weight': 5}, {'TargetGroupArn': '@targetgroup/'}]}}], 'Transforms': "
	  "[{'Type': 'url-rewrite', 'UrlRewriteConfig': {'Rewrites': [{'Regex': '^/a', "
	  "'Replace': '/b'}]}}]}" },
	{ "ModifyRule", "{'RuleArn': '@listener-rule/', 'Actions': [{'Type': 'fixed-response', "
			"'FixedResponseConfig': {'StatusCode': '404'}}]}" },
	{ "ModifyRule", "{'RuleArn': '@listener-rule/', 'Conditions': [{'Field': 'query-string', "
			"'QueryStringConfig': {'Values': [{'Key': 'a', 'Value': 'b'}]}}]}" },
	{ "SetRulePriorities",
	  "{'RulePriorities': [{'RuleArn': '@listener-rule/', 'Priority': '@number'}]}" },
	{ "ModifyListener", "{'ListenerArn': '@listener/', 'Port': '@number'}" },
	{ "ModifyListener", "{'ListenerArn': '@listener/', 'DefaultActions': [{'Type': 'forward', "
			    "'TargetGroupArn': '@targetgroup/'}]}" },
	{ "RegisterTargets",
	  "{'TargetGroupArn': '@targetgroup/', 'Targets': [{'Id': '10.0.0.1', 'Port': "
	  "'@number'}]}" },
	{ "RegisterTargets", "{'TargetGroupArn': '@targetgroup/', 'Targets': [{'Id': "
			     "'i-0123456789abcdef0'}]}" },
	{ "DeregisterTargets",
	  "{'TargetGroupArn': '@targetgroup/', 'Targets': [{'Id': '10.0.0.1', 'Port': "
	  "'@number'}]}" },
	{ "DescribeTargetHealth", "{'TargetGroupArn': '@targetgroup/'}" },
	{ "ModifyTargetGroup", "{'TargetGroupArn': '@targetgroup/', 'HealthCheckPath': '/h'}" },
	{ "ModifyTargetGroupAttributes",
	  "{'TargetGroupArn': '@targetgroup/', 'Attributes': [{'Key': "
	  "'deregistration_delay.timeout_seconds', 'Value': '1'}]}" },
	{ "ModifyLoadBalancerAttributes",
	  "{'LoadBalancerArn': '@loadbalancer/', 'Attributes': [{'Key': "
	  "'idle_timeout.timeout_seconds', 'Value': '9'}]}" },
	{ "ModifyListenerAttributes",
	  "{'ListenerArn': '@listener/', 'Attributes': [{'Key': "
	  "'routing.http.response.server.enabled', 'Value': 'false'}]}" },
	{ "SetSubnets",
	  "{'LoadBalancerArn': '@loadbalancer/', 'Subnets': ['@subnet1', '@subnet2']}" },
	{ "AddTags", "{'ResourceArns': ['@targetgroup/'], 'Tags': [{'Key': "
		     "'weir:stream.heartbeat.interval_seconds', 'Value': '@number'}]}" },
	{ "DescribeRules", "{'ListenerArn': '@listener/', 'PageSize': 2}" },
	{ "DescribeListeners", "{'LoadBalancerArn': '@loadbalancer/'}" },
	{ "DescribeTags", "{'ResourceArns': ['@listener-rule/']}" },
	{ "DeleteRule", "{'RuleArn': '@listener-rule/'}" },
	{ "DeleteListener", "{'ListenerArn': '@listener/'}" },
	{ "DeleteTargetGroup", "{'TargetGroupArn': '@targetgroup/'}" },
	{ "DeleteLoadBalancer", "{'LoadBalancerArn': '@loadbalancer/'}" },
};

static json_t *filled(const char *text)
{
	static const char *const names[] = {
		"lb", "g", "one", "two", "three", "four", "five", "six"
	};

	if (text[0] != '@')
		return json_string(text);
	if (strcmp(text, "@name") == 0)
		return json_string(names[rng_below(&rng, COUNT(names))]);
	if (strcmp(text, "@number") == 0)
		return json_integer((json_int_t)(1 + rng_below(&rng, 12)));
	if (strcmp(text, "@vpc") == 0)
		return json_string(house_vpc());
	if (strncmp(text, "@subnet", 7) == 0)
		return json_string(house_subnet((unsigned)(text[7] - '0')));
	return any_arn(text + 1);
}

static json_t *fill(const json_t *template)
{
	const json_t *child;
	const char *key;
	json_t *out;
	size_t index;

	if (json_is_string(template))
		return filled(json_string_value(template));
	if (json_is_array(template)) {
		out = json_array();
		json_array_foreach (template, index, child)
			json_array_append_new(out, fill(child));
		return out;
	}
	if (!json_is_object(template))
		return json_incref((json_t *)template);
	out = json_object();
	json_object_foreach ((json_t *)template, key, child)
		json_object_set_new(out, key, fill(child));
	return out;
}

/* Half of the time something in the request is replaced or taken away. */
static void spoil(json_t *input, const struct api_shape *shape)
{
	size_t count = 0, which;

	while (shape->members[count].name)
		count++;
	if (!count || rng_below(&rng, 2))
		return;
	which = rng_below(&rng, count);
	if (rng_below(&rng, 4) == 0)
		json_object_del(input, shape->members[which].name);
	else
		json_object_set_new(
			input, shape->members[which].name,
			any(shape->members[which].shape, shape->members[which].name, 0));
}

static json_t *any_request(const struct api_operation **ret_operation)
{
	size_t which = rng_below(&rng, COUNT(templates));
	json_t *template, *input;
	char text[800];

	if (rng_below(&rng, 5) == 0) {
		*ret_operation = &elbv2_operations[rng_below(&rng, elbv2_operation_count)];
		return any_structure((*ret_operation)->input, 0);
	}
	/* Things that are deleted live a while before. */
	if (strncmp(templates[which].operation, "Delete", 6) == 0 && rng_below(&rng, 6))
		which = rng_below(&rng, 8);
	snprintf(text, sizeof text, "%s", templates[which].input);
	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	template = json_loads(text, 0, NULL);
	assert_non_null(template);
	input = fill(template);
	json_decref(template);
	*ret_operation = api_operation(api_service(house.api, BYTES("elbv2")),
				       bytes_of(templates[which].operation));
	spoil(input, (*ret_operation)->input);
	return input;
}

static void furnish(uint64_t seed)
{
	const char *lb, *group, *listener;

	rng_seed(&rng, seed);
	house_open();
	words = json_pack("[s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s]", "", "x",
			  "HTTP", "/*", "/a,/b", "a.example.com", "10.0.0.1", "10.0.0.0/8",
			  "i-0123456789abcdef0", "true", "60", "off", "200", "GET", "#{host}",
			  "#{port", "HTTP_301", "^(a|b)$", "((", "traffic-port");
	for (unsigned i = 0; i < 3; i++)
		json_array_append_new(words, json_string(house_subnet(i)));
	json_array_append_new(words, json_string(house_vpc()));
	lb = house_load_balancer("lb");
	group = house_target_group("g");
	listener = house_listener(lb, 80, group);
	json_array_append_new(words, json_string(lb));
	json_array_append_new(words, json_string(group));
	json_array_append_new(words, json_string(listener));
	json_array_append_new(words, json_string(house_rule(listener, 7, "/r", group)));
}

TEST(random_requests_are_answered_or_refused_and_leave_a_plan_that_a_restart_repeats)
{
	unsigned answered = 0, refused = 0;

	furnish(20261121);
	for (unsigned i = 0; i < 12000; i++) {
		const struct api_operation *op;
		json_t *input = any_request(&op), *out = house_try("elbv2", op->name, input);

		CHECK(out || house.fault.status != 500, "%s: %s", op->name, house.fault.message);
		out ? answered++ : refused++;
		if (out)
			learn(out);
		json_array_clear(house.answers);
		house.now_ms += 50;
	}
	CHECK(answered > 2000 && refused > 2000, "%u answered, %u refused", answered, refused);

	elbv2_drain_sweep(house.elbv2);
	json_t *before = json_incref(house.lb->plan), *bound = json_incref(house.lb->bound);

	house_restart();
	CHECK(json_equal(before, house.lb->plan), "what ran is what a fresh start makes");
	CHECK(json_equal(bound, house.lb->bound), "and the same addresses are bound");
	json_decref(before);
	json_decref(bound);
	json_decref(words);
	house_close();
}
