#include "tests/unit/services/house.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"

struct house house;

static uint64_t now(void *owner)
{
	(void)owner;
	return house.now_ms;
}

static const struct api_caller caller = {
	.account = "000000000000",
	.region = "us-east-1",
	.access_key = "AKIATEST",
	.arn = "arn:aws:iam::000000000000:root",
	.is_root = true,
};

static void move_in(void)
{
	static const struct elbv2_instance instances[] = {
		{ .id = "i-0123456789abcdef0", .address = { .ip = { 127, 0, 0, 7 }, .family = 4 } },
	};
	static const struct ec2_instance mapped[] = {
		{ .id = "i-0123456789abcdef0", .address = "127.0.0.7" },
	};
	struct ec2_options ec2 = { .account = "000000000000",
				   .region = "us-east-1",
				   .api_address = "127.0.0.1",
				   .balancer_address = "127.0.0.1",
				   .internal_address = "127.0.0.2",
				   .instances = mapped,
				   .instance_count = 1 };
	struct elbv2_options elbv2 = { .account = "000000000000",
				       .region = "us-east-1",
				       .instances = instances,
				       .instance_count = house.no_instances ? 0 : 1,
				       .unix_ms = now };
	char *why = NULL;

	CHECK_OK(loop_create(&house.loop));
	CHECK_OK(store_open(house.directory, &house.store, &why), "%s", why ? why : "");
	free(why);
	CHECK_OK(api_create(&house.api));
	house.lb = fake_lb_create();
	ec2.api = elbv2.api = house.api;
	ec2.store = elbv2.store = house.store;
	CHECK_OK(ec2_create(&ec2, &house.ec2));
	CHECK_OK(iam_create(&(struct iam_options){ .api = house.api,
						   .store = house.store,
						   .loop = house.loop,
						   .account = "000000000000",
						   .region = "us-east-1" },
			    &house.iam));
	api_set_authorizer(house.api, iam_authorize, house.iam);
	CHECK_OK(sts_create(house.api,
			    &(struct sts_sessions){ iam_assume_role, iam_session_token, house.iam },
			    &house.sts));
	elbv2.lb = house.lb;
	elbv2.loop = house.loop;
	CHECK_OK(address_parse_ip(BYTES("127.0.0.1"), 0, &elbv2.bind));
	CHECK_OK(address_parse_ip(BYTES("127.0.0.2"), 0, &elbv2.bind_internal));
	elbv2.port_offset = 8000;
	CHECK_OK(elbv2_create(&elbv2, &house.elbv2));
	CHECK_OK(elbv2_restore(house.elbv2, &why), "%s", why ? why : "");
	free(why);
}

static void move_out(void)
{
	elbv2_destroy(house.elbv2);
	ec2_destroy(house.ec2);
	sts_destroy(house.sts);
	iam_destroy(house.iam);
	api_destroy(house.api);
	store_close(house.store);
	fake_lb_destroy(house.lb);
	loop_destroy(house.loop);
}

void house_open(void)
{
	snprintf(house.directory, sizeof house.directory, "/tmp/weir-services-XXXXXX");
	assert_non_null(mkdtemp(house.directory));
	house.now_ms = 1790000000000;
	house.no_instances = false;
	log_to(-1);
	house.answers = json_array();
	move_in();
}

void house_restart(void)
{
	move_out();
	move_in();
}

void house_close(void)
{
	char command[96];

	move_out();
	json_decref(house.answers);
	snprintf(command, sizeof command, "rm -rf %s", house.directory);
	CHECK_EQ(system(command), 0, "%s", command);
}

json_t *house_try(const char *service, const char *operation, json_t *input)
{
	json_t *output = NULL;
	err_t err;

	assert_non_null(input);
	house.fault = (struct api_fault){ .code = "" };
	err = api_call(house.api, &caller, service, operation, input, &output, &house.fault);
	json_decref(input);
	if (err)
		return NULL;
	json_array_append_new(house.answers, output);
	return output;
}

json_t *house_call(const char *operation, const char *format, ...)
{
	json_error_t error;
	json_t *output, *input;
	va_list args;

	va_start(args, format);
	input = json_vpack_ex(&error, 0, format, args);
	va_end(args);
	if (!input)
		check_failed(__FILE__, __LINE__, "%s: %s", operation, error.text);
	output = house_try("elbv2", operation, input);
	if (!output)
		check_failed(__FILE__, __LINE__, "%s: %s: %s", operation, house.fault.code,
			     house.fault.message);
	return output;
}

void house_fault(const char *file, int line, const char *operation, const char *code,
		 const char *message, json_t *input)
{
	json_t *output = house_try("elbv2", operation, input);

	if (output)
		check_failed(file, line, "%s was let through, not refused with %s: %s", operation,
			     code, message ? message : "");
	if (strcmp(house.fault.code, code) != 0)
		check_failed(file, line, "%s gives %s: %s, not %s", operation, house.fault.code,
			     house.fault.message, code);
	if (message && strcmp(house.fault.message, message) != 0)
		check_failed(file, line, "%s says \"%s\", not \"%s\"", operation,
			     house.fault.message, message);
}

json_t *node(const json_t *json, const char *path)
{
	struct bytes rest = bytes_of(path), part;
	uint64_t index;
	char key[128];

	while (json && bytes_cut(&rest, '.', &part)) {
		if (json_is_array(json) && !bytes_to_u64(part, 10000, &index)) {
			json = json_array_get(json, index);
			continue;
		}
		snprintf(key, sizeof key, "%.*s", BYTES_ARG(part));
		json = json_object_get(json, key);
	}
	return (json_t *)json;
}

const char *at(const json_t *json, const char *path)
{
	const json_t *found = node(json, path);
	json_t *text = NULL;

	if (json_is_string(found))
		return json_string_value(found);
	if (json_is_integer(found))
		text = json_sprintf("%lld", (long long)json_integer_value(found));
	if (json_is_boolean(found))
		text = json_string(json_is_true(found) ? "true" : "false");
	if (!text)
		return "";
	json_array_append_new(house.answers, text);
	return json_string_value(text);
}

const char *house_subnet(unsigned index)
{
	json_t *out = house_try("ec2", "DescribeSubnets", json_object());

	return json_string_value(json_object_get(
		json_array_get(json_object_get(out, "Subnets"), index), "SubnetId"));
}

const char *house_vpc(void)
{
	return at(house_try("ec2", "DescribeVpcs", json_object()), "Vpcs.0.VpcId");
}

const char *house_load_balancer(const char *name)
{
	return at(house_call("CreateLoadBalancer", "{s:s, s:[s, s]}", "Name", name, "Subnets",
			     house_subnet(0), house_subnet(1)),
		  "LoadBalancers.0.LoadBalancerArn");
}

const char *house_target_group(const char *name)
{
	return at(house_call("CreateTargetGroup", "{s:s, s:s, s:i, s:s, s:s}", "Name", name,
			     "Protocol", "HTTP", "Port", 8000, "VpcId", house_vpc(), "TargetType",
			     "ip"),
		  "TargetGroups.0.TargetGroupArn");
}

const char *house_listener(const char *load_balancer, unsigned port, const char *group)
{
	return at(house_call("CreateListener", "{s:s, s:s, s:i, s:[{s:s, s:s}]}", "LoadBalancerArn",
			     load_balancer, "Protocol", "HTTP", "Port", (int)port, "DefaultActions",
			     "Type", "forward", "TargetGroupArn", group),
		  "Listeners.0.ListenerArn");
}

const char *house_rule(const char *listener, unsigned priority, const char *path, const char *group)
{
	return at(house_call("CreateRule", "{s:s, s:i, s:[{s:s, s:[s]}], s:[{s:s, s:s}]}",
			     "ListenerArn", listener, "Priority", (int)priority, "Conditions",
			     "Field", "path-pattern", "Values", path, "Actions", "Type", "forward",
			     "TargetGroupArn", group),
		  "Rules.0.RuleArn");
}

const char *house_set(const char *kind, const char *arn, const char *key, const char *value)
{
	char operation[64], member[40];

	snprintf(operation, sizeof operation, "Modify%sAttributes", kind);
	snprintf(member, sizeof member, "%sArn", kind);
	if (house_try("elbv2", operation,
		      json_pack("{s:s, s:[{s:s, s:s}]}", member, arn, "Attributes", "Key", key,
				"Value", value)))
		return "";
	return house.fault.code;
}

const char *house_get(const char *kind, const char *arn, const char *key)
{
	char operation[64], member[40];
	json_t *out, *item;
	size_t index;

	snprintf(operation, sizeof operation, "Describe%sAttributes", kind);
	snprintf(member, sizeof member, "%sArn", kind);
	out = house_call(operation, "{s:s}", member, arn);
	json_array_foreach (json_object_get(out, "Attributes"), index, item)
		if (strcmp(at(item, "Key"), key) == 0)
			return at(item, "Value");
	return "";
}
