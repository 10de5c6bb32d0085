#include "services/sts/sts.h"

static const struct api_shape identity = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "UserId", .shape = &api_string },
						{ .name = "Account", .shape = &api_string },
						{ .name = "Arn", .shape = &api_string },
						API_END },
};

/*
 * The root's user id is the account; a key's own is the key. Without verification nobody has
 * said who calls: then it is the root of the account, as whom the call is let through.
 */
static err_t get_caller_identity(struct api_call *call)
{
	const struct api_caller *caller = call->caller;
	bool root = caller->is_root || !caller->access_key;
	const char *arn = caller->arn;
	json_t *answer;
	int failed;

	if (!arn)
		arn = arena_printf(call->arena, "arn:aws:iam::%s:root", caller->account);
	if (!arn)
		return ERR_NOMEM;
	answer = json_pack("{s:s, s:s, s:s}", "UserId", root ? caller->account : caller->access_key,
			   "Account", caller->account, "Arn", arn);
	failed = answer ? json_object_update(call->output, answer) : -1;
	json_decref(answer);
	return failed ? ERR_NOMEM : ERR_OK;
}

static const struct api_operation operations[] = {
	{
		.name = "GetCallerIdentity",
		.permission = "sts:GetCallerIdentity",
		.effect = API_READS,
		.input = &api_shape_none,
		.output = &identity,
		.handle = get_caller_identity,
	},
};

static const char *const aliases[] = { NULL };

static const struct api_service service = {
	.name = "sts",
	.aliases = aliases,
	.protocol = API_QUERY,
	.version = "2011-06-15",
	.xml_namespace = "https://sts.amazonaws.com/doc/2011-06-15/",
	.operations = operations,
	.operation_count = COUNT(operations),
};

err_t sts_register(struct api *api)
{
	return api_register(api, &service);
}
