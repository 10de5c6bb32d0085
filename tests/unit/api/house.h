/*
 * house: an API of two small services to ask things of: one of the query form, one of JSON.
 */
#ifndef TESTS_UNIT_API_HOUSE_H
#define TESTS_UNIT_API_HOUSE_H

#include "tests/check.h"

#include "api/api.h"

static const struct api_shape house_port = { .kind = API_INTEGER, .min = 1, .max = 65535 };
static const struct api_shape house_names = { .kind = API_LIST, .item = &api_string };
static const struct api_shape house_shape = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "Name", .shape = &api_string },
						{ .name = "Port", .shape = &house_port },
						{ .name = "Names", .shape = &house_names },
						{ .name = "Time", .shape = &api_timestamp },
						{ .name = "Account", .shape = &api_string },
						API_END },
};

static inline err_t house_echo(struct api_call *call)
{
	json_object_update(call->output, call->input);
	json_object_set_new(call->output, "Account",
			    json_string(call->caller ? call->caller->account : "?"));
	return ERR_OK;
}

static inline err_t house_fail(struct api_call *call)
{
	return api_fault(call, "RuleNotFound", "One or more rules not found");
}

static const struct api_operation house_operations[] = {
	{ .name = "Echo", .input = &house_shape, .output = &house_shape, .handle = house_echo },
	{ .name = "Fail",
	  .input = &api_shape_none,
	  .output = &api_shape_none,
	  .handle = house_fail },
};
static const char *const house_aliases[] = { "elbv2", NULL };
static const struct api_service house_query = {
	.name = "elasticloadbalancing",
	.aliases = house_aliases,
	.protocol = API_QUERY,
	.version = "2015-12-01",
	.xml_namespace = "http://q/",
	.operations = house_operations,
	.operation_count = COUNT(house_operations),
};
static const struct api_service house_json = {
	.name = "logs",
	.protocol = API_JSON_1_1,
	.version = "2014-03-28",
	.target_prefix = "Logs_20140328",
	.operations = house_operations,
	.operation_count = COUNT(house_operations),
};

static inline struct api *house_make(void)
{
	struct api *api;

	CHECK_OK(api_create(&api));
	CHECK_OK(api_register(api, &house_query));
	CHECK_OK(api_register(api, &house_json));
	return api;
}

/* One key: AKIDHOUSE with "secret", of account 123456789012. */
static inline bool house_find_key(void *owner, struct bytes access_key, struct bytes *ret_secret,
				  struct api_caller *ret_caller)
{
	(void)owner;
	if (!bytes_eq_str(access_key, "AKIDHOUSE"))
		return false;
	*ret_secret = BYTES("secret");
	*ret_caller = (struct api_caller){
		.account = "123456789012",
		.region = "us-east-1",
		.access_key = "AKIDHOUSE",
		.arn = "arn:aws:iam::123456789012:root",
		.is_root = true,
	};
	return true;
}

#endif
