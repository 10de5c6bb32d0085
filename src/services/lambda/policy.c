/*
 * policy: who else may invoke a function: statements that AddPermission makes, for a principal of
 * AWS's services, an account, or anybody.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/like.h"
#include "crypto/random.h"
#include "services/lambda/lambda_internal.h"

/* ---- What they allow ---- */

static bool principal_fits(const json_t *statement, const char *principal)
{
	const json_t *given = json_object_get(statement, "Principal");
	const char *service = lambda_text(given, "Service"), *aws = lambda_text(given, "AWS");

	if (json_is_string(given))
		return strcmp(json_string_value(given), "*") == 0;
	return (service && strcmp(service, principal) == 0) ||
	       (aws && (strcmp(aws, "*") == 0 || strcmp(aws, principal) == 0));
}

/* Each condition must hold; one that is not known here does not. */
static bool conditions_hold(const json_t *statement, const struct lambda_asker *asker)
{
	const char *source_arn = asker->source_arn, *url_auth = asker->url_auth;
	const char *operator, * key;
	json_t *keys, *value;

	json_object_foreach (json_object_get(statement, "Condition"), operator, keys) {
		json_object_foreach (keys, key, value) {
			const char *wanted = json_string_value(value);
			bool arn = strcmp(key, "AWS:SourceArn") == 0;
			bool auth = strcmp(key, "lambda:FunctionUrlAuthType") == 0;

			if (strcmp(key, "AWS:SourceAccount") == 0) {
				if (!asker->source_account ||
				    strcmp(asker->source_account, wanted) != 0)
					return false;
			} else if (arn && (!source_arn || !is_like(wanted, source_arn))) {
				return false;
			} else if (auth && (!url_auth || strcmp(wanted, url_auth) != 0)) {
				return false;
			} else if (!arn && !auth) {
				return false;
			}
		}
	}
	return true;
}

bool lambda_policy_allows(const json_t *policy, const struct lambda_asker *asker)
{
	json_t *statement;
	size_t i;

	json_array_foreach (json_object_get(policy, "Statement"), i, statement)
		if (is_like(lambda_text(statement, "Action"), asker->action) &&
		    principal_fits(statement, asker->principal) &&
		    conditions_hold(statement, asker))
			return true;
	return false;
}

/* ---- Operations ---- */

static void policy_id(const struct lambda_target *target, char out[LAMBDA_ID_BYTES])
{
	bool qualified = target->name.qualifier[0] != 0;

	snprintf(out, LAMBDA_ID_BYTES, "%s%s%s", target->name.name, qualified ? ":" : "",
		 target->name.qualifier);
}

static json_t *principal_of(struct api_call *call, const char *given)
{
	uint64_t account;

	if (strcmp(given, "*") == 0)
		return json_string("*");
	if (bytes_to_u64(bytes_of(given), UINT64_MAX, &account) == ERR_OK)
		return json_pack(
			"{s:o}", "AWS",
			json_string(arena_printf(call->arena, "arn:aws:iam::%s:root", given)));
	if (strncmp(given, "arn:", 4) == 0)
		return json_pack("{s:s}", "AWS", given);
	return strchr(given, '.') ? json_pack("{s:s}", "Service", given) : NULL;
}

static err_t add_condition(json_t *statement, const char *operator, const char * key,
			   const char *value)
{
	json_t *condition = json_object_get(statement, "Condition"), *keys;

	if (!value)
		return ERR_OK;
	if (!condition) {
		TRY(lambda_set(statement, "Condition", json_object()));
		condition = json_object_get(statement, "Condition");
	}
	if (!json_object_get(condition, operator))
		TRY(lambda_set(condition, operator, json_object()));
	keys = json_object_get(condition, operator);
	return lambda_set(keys, key, json_string(value));
}

static err_t make_statement(struct api_call *call, const struct lambda_target *target,
			    json_t **ret_statement)
{
	const json_t *in = call->input;
	json_t *principal = principal_of(call, lambda_text(in, "Principal")), *statement;

	if (!principal)
		return api_fault(call, "InvalidParameterValueException",
				 "The provided principal was invalid. Please check the principal "
				 "and try again.");
	statement = lambda_hold(
		call, json_pack("{s:s, s:s, s:o, s:s, s:s}", "Sid", lambda_text(in, "StatementId"),
				"Effect", "Allow", "Principal", principal, "Action",
				lambda_text(in, "Action"), "Resource", target->arn));
	if (!statement)
		return ERR_NOMEM;
	TRY(add_condition(statement, "StringEquals", "AWS:SourceAccount",
			  lambda_text(in, "SourceAccount")));
	TRY(add_condition(statement, "ArnLike", "AWS:SourceArn", lambda_text(in, "SourceArn")));
	TRY(add_condition(statement, "StringEquals", "lambda:FunctionUrlAuthType",
			  lambda_text(in, "FunctionUrlAuthType")));
	*ret_statement = statement;
	return ERR_OK;
}

static err_t load_policy(struct api_call *call, const char *id, json_t **ret_policy)
{
	err_t err = lambda_get(call, LAMBDA_POLICY, id, ret_policy);

	if (err != ERR_NOT_FOUND)
		return err;
	*ret_policy = lambda_hold(call, json_pack("{s:s, s:s, s:[]}", "Version", "2012-10-17", "Id",
						  "default", "Statement"));
	return *ret_policy ? ERR_OK : ERR_NOMEM;
}

static err_t save_policy(struct api_call *call, const struct lambda_target *target, const char *id,
			 json_t *policy)
{
	char revision[37];

	random_uuid(revision);
	TRY(lambda_set(policy, "RevisionId", json_string(revision)));
	TRY(lambda_delete(call, LAMBDA_POLICY, id));
	if (json_array_size(json_object_get(policy, "Statement")) == 0)
		return ERR_OK;
	return lambda_insert(call, LAMBDA_POLICY, id, target->name.name, policy);
}

static err_t check_policy_revision(struct api_call *call, const json_t *policy)
{
	const char *wanted = lambda_text(call->input, "RevisionId");
	const char *is = lambda_text(policy, "RevisionId");

	if (!wanted || (is && strcmp(wanted, is) == 0))
		return ERR_OK;
	return api_fault(call, "PreconditionFailedException",
			 "The RevisionId provided does not match the latest RevisionId. Call the "
			 "GetPolicy API to retrieve the latest RevisionId.");
}

static size_t find_statement(const json_t *policy, const char *sid)
{
	json_t *statement;
	size_t i;

	json_array_foreach (json_object_get(policy, "Statement"), i, statement)
		if (strcmp(lambda_text(statement, "Sid"), sid) == 0)
			return i;
	return SIZE_MAX;
}

err_t lambda_add_permission(struct api_call *call)
{
	const char *sid = lambda_text(call->input, "StatementId");
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES], *dumped;
	json_t *policy, *statement;

	TRY(lambda_find(call, &target));
	policy_id(&target, id);
	TRY(load_policy(call, id, &policy));
	TRY(check_policy_revision(call, policy));
	if (find_statement(policy, sid) != SIZE_MAX)
		return api_fault(call, "ResourceConflictException",
				 "The statement id (%s) provided already exists. Please provide a "
				 "new statement id, or remove the existing statement.",
				 sid);
	TRY(make_statement(call, &target, &statement));
	if (json_array_append(json_object_get(policy, "Statement"), statement))
		return ERR_NOMEM;
	TRY(save_policy(call, &target, id, policy));
	dumped = json_dumps(statement, JSON_COMPACT);
	if (!dumped)
		return ERR_NOMEM;
	json_object_set_new(call->output, "Statement", json_string(dumped));
	free(dumped);
	return ERR_OK;
}

err_t lambda_remove_permission(struct api_call *call)
{
	const char *sid = lambda_text(call->input, "StatementId");
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES];
	json_t *policy;
	size_t index;

	TRY(lambda_find(call, &target));
	policy_id(&target, id);
	TRY(load_policy(call, id, &policy));
	TRY(check_policy_revision(call, policy));
	index = find_statement(policy, sid);
	if (index == SIZE_MAX)
		return api_fault(call, "ResourceNotFoundException",
				 "Statement %s is not found in resource policy.", sid);
	json_array_remove(json_object_get(policy, "Statement"), index);
	return save_policy(call, &target, id, policy);
}

err_t lambda_get_policy(struct api_call *call)
{
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES], *dumped;
	json_t *policy;
	err_t err;

	TRY(lambda_find(call, &target));
	policy_id(&target, id);
	err = lambda_get(call, LAMBDA_POLICY, id, &policy);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException",
				 "The resource you requested does not exist.");
	TRY(err);
	TRY(lambda_set(call->output, "RevisionId", json_string(lambda_text(policy, "RevisionId"))));
	json_object_del(policy, "RevisionId");
	dumped = json_dumps(policy, JSON_COMPACT);
	if (!dumped)
		return ERR_NOMEM;
	json_object_set_new(call->output, "Policy", json_string(dumped));
	free(dumped);
	return ERR_OK;
}
