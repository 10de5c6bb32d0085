#include "services/sts/sts.h"

#include <stdlib.h>

#include "api/rows.h"

struct sts {
	struct sts_sessions sessions;
	struct api_service service;
};

static const struct api_shape arn = { .kind = API_STRING, .min = 20, .max = 2048 };
static const struct api_shape session_name = {
	.kind = API_STRING, .min = 2, .max = 64, .pattern = "^[\\w+=,.@-]*$"
};
static const struct api_shape external_id = {
	.kind = API_STRING, .min = 2, .max = 1224, .pattern = "^[\\w+=,.@:/-]*$"
};
static const struct api_shape policy = { .kind = API_STRING, .min = 1, .max = 2048 };
static const struct api_shape role_seconds = { .kind = API_INTEGER, .min = 900, .max = 43200 };
static const struct api_shape token_seconds = { .kind = API_INTEGER, .min = 900, .max = 129600 };

STRUCTURE(identity, M("UserId", &api_string), M("Account", &api_string), M("Arn", &api_string));
STRUCTURE(policy_arn, R("arn", &arn));
static const struct api_shape policy_arns = { .kind = API_LIST, .item = &policy_arn, .max = 10 };
STRUCTURE(tag, R("Key", &api_string), R("Value", &api_string));
LIST(tags, &tag);
STRUCTURE(assume_role_in, R("RoleArn", &arn), R("RoleSessionName", &session_name),
	  M("PolicyArns", &policy_arns), M("Policy", &policy), M("DurationSeconds", &role_seconds),
	  M("Tags", &tags), M("ExternalId", &external_id));
STRUCTURE(credentials, M("AccessKeyId", &api_string), M("SecretAccessKey", &api_string),
	  M("SessionToken", &api_string), M("Expiration", &api_timestamp));
STRUCTURE(assumed, M("AssumedRoleId", &api_string), M("Arn", &api_string));
STRUCTURE(assume_role_out, M("Credentials", &credentials), M("AssumedRoleUser", &assumed));
STRUCTURE(session_token_in, M("DurationSeconds", &token_seconds));
STRUCTURE(session_token_out, M("Credentials", &credentials));

/*
 * The root's user id is the account. Without verification nobody has said who calls: then it is
 * the root of the account, as whom the call is let through.
 */
static err_t get_caller_identity(struct api_call *call)
{
	const struct api_caller *caller = call->caller;
	bool root = caller->is_root || !caller->user_id;
	const char *caller_arn = caller->arn;
	json_t *answer;
	int failed;

	if (!caller_arn)
		caller_arn = arena_printf(call->arena, "arn:aws:iam::%s:root", caller->account);
	if (!caller_arn)
		return ERR_NOMEM;
	answer = json_pack("{s:s, s:s, s:s}", "UserId", root ? caller->account : caller->user_id,
			   "Account", caller->account, "Arn", caller_arn);
	failed = answer ? json_object_update(call->output, answer) : -1;
	json_decref(answer);
	return failed ? ERR_NOMEM : ERR_OK;
}

static err_t assume_role(struct api_call *call)
{
	const struct sts *sts = call->service->state;

	return sts->sessions.assume_role(sts->sessions.owner, call);
}

static err_t get_session_token(struct api_call *call)
{
	const struct sts *sts = call->service->state;

	return sts->sessions.session_token(sts->sessions.owner, call);
}

#define OPERATION(name_, effect_, input_, output_, handle_)                                \
	{                                                                                  \
		ROW_OPERATION("sts", name_, API_##effect_, &(input_), &(output_), handle_) \
	}

static const struct api_operation operations[] = {
	OPERATION("GetCallerIdentity", READS, api_shape_none, identity, get_caller_identity),
	OPERATION("AssumeRole", WRITES, assume_role_in, assume_role_out, assume_role),
	OPERATION("GetSessionToken", WRITES, session_token_in, session_token_out,
		  get_session_token),
};

err_t sts_create(struct api *api, const struct sts_sessions *sessions, struct sts **ret_sts)
{
	static const char *const aliases[] = { NULL };
	struct sts *sts = calloc(1, sizeof *sts);
	err_t err;

	if (!sts)
		return ERR_NOMEM;
	sts->sessions = *sessions;
	sts->service = (struct api_service){
		.name = "sts",
		.aliases = aliases,
		.protocol = API_QUERY,
		.version = "2011-06-15",
		.xml_namespace = "https://sts.amazonaws.com/doc/2011-06-15/",
		.operations = operations,
		.operation_count = COUNT(operations),
		.state = sts,
	};
	err = api_register(api, &sts->service);
	if (err)
		free(sts);
	else
		*ret_sts = sts;
	return err;
}

void sts_destroy(struct sts *sts)
{
	free(sts);
}
