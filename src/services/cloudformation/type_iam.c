/*
 * type_iam: roles and policies, whose parts are set one by one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cloudformation/type_hooks.h"

static json_t *as_text(json_t *value)
{
	char *text;
	json_t *made;

	if (!value || json_is_string(value))
		return value ? json_incref(value) : NULL;
	text = json_dumps(value, JSON_COMPACT);
	made = text ? json_string(text) : NULL;
	free(text);
	return made;
}

static bool among(const json_t *list, const json_t *item)
{
	const json_t *one;
	size_t i;

	json_array_foreach ((json_t *)list, i, one) {
		if (json_equal(one, (json_t *)item))
			return true;
	}
	return false;
}

/* ---- What a role or a user has ---- */

/* How operations call the one or the other. */
struct holder {
	const char *by, *attach, *detach, *put, *drop, *list, *list_attached;
};
static const struct holder for_role = {
	"RoleName",	    "AttachRolePolicy", "DetachRolePolicy",	   "PutRolePolicy",
	"DeleteRolePolicy", "ListRolePolicies", "ListAttachedRolePolicies"
};
static const struct holder for_user = {
	"UserName",	    "AttachUserPolicy", "DetachUserPolicy",	   "PutUserPolicy",
	"DeleteUserPolicy", "ListUserPolicies", "ListAttachedUserPolicies"
};

static err_t attach(struct resource_step *step, const struct holder *holder, const char *operation,
		    const json_t *arns, const json_t *but)
{
	json_t *arn;
	size_t i;

	json_array_foreach ((json_t *)arns, i, arn)
		if (!among(but, arn))
			TRY(call_api(step, "iam", operation,
				     json_pack("{s:s, s:O}", holder->by, physical_id(step),
					       "PolicyArn", arn),
				     NULL));
	return ERR_OK;
}

static err_t put_policies(struct resource_step *step, const struct holder *holder)
{
	json_t *policy;
	size_t i;

	json_array_foreach (property(step, "Policies"), i, policy)
		TRY(call_api(step, "iam", holder->put,
			     json_pack("{s:s, s:s, s:o?}", holder->by, physical_id(step),
				       "PolicyName", text_at(policy, "PolicyName"),
				       "PolicyDocument",
				       as_text(json_object_get(policy, "PolicyDocument"))),
			     NULL));
	return ERR_OK;
}

static bool has_policy(const json_t *policies, const char *name)
{
	const json_t *policy;
	size_t i;

	json_array_foreach ((json_t *)policies, i, policy) {
		if (strcmp(text_at(policy, "PolicyName"), name) == 0)
			return true;
	}
	return false;
}

static err_t drop_policies(struct resource_step *step, const struct holder *holder)
{
	const json_t *policy;
	size_t i;

	json_array_foreach (json_object_get(step->before, "Policies"), i, policy)
		if (!has_policy(property(step, "Policies"), text_at(policy, "PolicyName")))
			TRY(call_api(step, "iam", holder->drop,
				     json_pack("{s:s, s:s}", holder->by, physical_id(step),
					       "PolicyName", text_at(policy, "PolicyName")),
				     NULL));
	return ERR_OK;
}

/* From what it had to what it shall have. */
static err_t change_policies(struct resource_step *step, const struct holder *holder)
{
	const json_t *arns = property(step, "ManagedPolicyArns");
	const json_t *had = json_object_get(step->before, "ManagedPolicyArns");

	TRY(attach(step, holder, holder->attach, arns, had));
	TRY(attach(step, holder, holder->detach, had, arns));
	if (property_changed(step, "Policies"))
		TRY(put_policies(step, holder));
	return drop_policies(step, holder);
}

/* One that still has policies cannot go; those of AWS::IAM::Policy have gone before it. */
static err_t take_policies(struct resource_step *step, const struct holder *holder)
{
	json_t *answer = NULL, *name, *policy;
	size_t i;
	err_t err = call_api(step, "iam", holder->list,
			     json_pack("{s:s}", holder->by, physical_id(step)), &answer);

	json_array_foreach (json_object_get(answer, "PolicyNames"), i, name)
		err = err ? err
			  : call_api(step, "iam", holder->drop,
				     json_pack("{s:s, s:O}", holder->by, physical_id(step),
					       "PolicyName", name),
				     NULL);
	json_decref(answer);
	answer = NULL;
	if (!err)
		err = call_api(step, "iam", holder->list_attached,
			       json_pack("{s:s}", holder->by, physical_id(step)), &answer);
	json_array_foreach (json_object_get(answer, "AttachedPolicies"), i, policy)
		err = err ? err
			  : call_api(step, "iam", holder->detach,
				     json_pack("{s:s, s:s}", holder->by, physical_id(step),
					       "PolicyArn", text_at(policy, "PolicyArn")),
				     NULL);
	json_decref(answer);
	/* One that is gone has nothing left to take; the deletion itself says so. */
	return err == ERR_INVALID ? ERR_OK : err;
}

HOOK(role_make)
{
	const char *name = json_string_value(property(step, "RoleName"));
	json_t *input = json_pack("{s:o?, s:O*, s:O*, s:O*}", "AssumeRolePolicyDocument",
				  as_text(property(step, "AssumeRolePolicyDocument")), "Path",
				  property(step, "Path"), "Description",
				  property(step, "Description"), "MaxSessionDuration",
				  property(step, "MaxSessionDuration"));

	if (!name)
		name = arena_printf(
			step->arena, "%.24s-%.24s-%s", text_at(step->stack->body, "StackName"),
			text_at(step->record, "LogicalResourceId"), text_at(step->record, "Token"));
	put_text(input, "RoleName", name);
	add_tags(step, input);
	TRY(call_api(step, "iam", "CreateRole", input, NULL));
	set_physical_id(step, name);
	return change_policies(step, &for_role);
}

HOOK(role_updated)
{
	if (property_changed(step, "AssumeRolePolicyDocument"))
		TRY(call_api(step, "iam", "UpdateAssumeRolePolicy",
			     json_pack("{s:s, s:o?}", "RoleName", physical_id(step),
				       "PolicyDocument",
				       as_text(property(step, "AssumeRolePolicyDocument"))),
			     NULL));
	return change_policies(step, &for_role);
}

HOOK(role_dropping)
{
	return take_policies(step, &for_role);
}

HOOK(user_created)
{
	if (step->before && property_changed(step, "Path"))
		TRY(call_api(
			step, "iam", "UpdateUser",
			json_pack("{s:s, s:s}", "UserName", physical_id(step), "NewPath",
				  property(step, "Path") ? text_at(step->properties, "Path") : "/"),
			NULL));
	return change_policies(step, &for_user);
}

HOOK(user_dropping)
{
	return take_policies(step, &for_user);
}

/* ---- Access keys: GetAtt gives the secret, which no later answer of IAM does ---- */

static err_t set_key_status(struct resource_step *step)
{
	const char *status = json_string_value(property(step, "Status"));

	return call_api(step, "iam", "UpdateAccessKey",
			json_pack("{s:s, s:s, s:s}", "UserName",
				  text_at(step->properties, "UserName"), "AccessKeyId",
				  physical_id(step), "Status", status ? status : "Active"),
			NULL);
}

HOOK(access_key_make)
{
	json_t *answer;

	TRY(call_api(step, "iam", "CreateAccessKey",
		     json_pack("{s:s}", "UserName", text_at(step->properties, "UserName")),
		     &answer));
	set_physical_id(step, text_at(json_object_get(answer, "AccessKey"), "AccessKeyId"));
	put_new(step->record, "Attributes",
		json_pack("{s:O?}", "SecretAccessKey",
			  json_at(answer, "AccessKey.SecretAccessKey")));
	json_decref(answer);
	return property(step, "Status") ? set_key_status(step) : ERR_OK;
}

HOOK(access_key_updated)
{
	return set_key_status(step);
}

HOOK(access_key_remove)
{
	return call_api(step, "iam", "DeleteAccessKey",
			json_pack("{s:s, s:s}", "UserName", text_at(step->properties, "UserName"),
				  "AccessKeyId", physical_id(step)),
			NULL);
}

/* ---- A policy in roles and users ---- */

static err_t each_holder(struct resource_step *step, const json_t *properties, const char *list,
			 const char *operation, const char *by, bool put)
{
	json_t *holder;
	size_t i;

	json_array_foreach (json_object_get(properties, list), i, holder)
		TRY(call_api(step, "iam", operation,
			     json_pack("{s:O, s:s, s:o*}", by, holder, "PolicyName",
				       text_at(properties, "PolicyName"), "PolicyDocument",
				       put ? as_text(json_object_get(properties, "PolicyDocument"))
					   : NULL),
			     NULL));
	return ERR_OK;
}

HOOK(policy_make)
{
	TRY(each_holder(step, step->properties, "Roles", "PutRolePolicy", "RoleName", true));
	TRY(each_holder(step, step->properties, "Users", "PutUserPolicy", "UserName", true));
	set_physical_id(step, text_at(step->properties, "PolicyName"));
	return ERR_OK;
}

HOOK(policy_remove)
{
	TRY(each_holder(step, step->properties, "Roles", "DeleteRolePolicy", "RoleName", false));
	return each_holder(step, step->properties, "Users", "DeleteUserPolicy", "UserName", false);
}

HOOK(policy_updated)
{
	TRY(each_holder(step, step->before, "Roles", "DeleteRolePolicy", "RoleName", false));
	TRY(each_holder(step, step->before, "Users", "DeleteUserPolicy", "UserName", false));
	return policy_make(step);
}

/* ---- Managed policies and profiles ---- */

static err_t hand_out(struct resource_step *step, const json_t *properties, const char *list,
		      const char *operation, const char *by)
{
	json_t *holder;
	size_t i;

	json_array_foreach (json_object_get(properties, list), i, holder)
		TRY(call_api(step, "iam", operation,
			     json_pack("{s:O, s:s}", by, holder, "PolicyArn", physical_id(step)),
			     NULL));
	return ERR_OK;
}

HOOK(managed_policy_created)
{
	TRY(hand_out(step, step->before, "Roles", "DetachRolePolicy", "RoleName"));
	TRY(hand_out(step, step->before, "Users", "DetachUserPolicy", "UserName"));
	TRY(hand_out(step, step->properties, "Roles", "AttachRolePolicy", "RoleName"));
	return hand_out(step, step->properties, "Users", "AttachUserPolicy", "UserName");
}

HOOK(managed_policy_dropping)
{
	err_t err = hand_out(step, step->properties, "Roles", "DetachRolePolicy", "RoleName");

	if (!err)
		err = hand_out(step, step->properties, "Users", "DetachUserPolicy", "UserName");
	return err == ERR_INVALID ? ERR_OK : err; /* the holder went before */
}

static err_t each_role(struct resource_step *step, const json_t *properties, const char *operation)
{
	json_t *role;
	size_t i;

	json_array_foreach (json_object_get(properties, "Roles"), i, role)
		TRY(call_api(step, "iam", operation,
			     json_pack("{s:s, s:O}", "InstanceProfileName", physical_id(step),
				       "RoleName", role),
			     NULL));
	return ERR_OK;
}

HOOK(profile_created)
{
	TRY(each_role(step, step->before, "RemoveRoleFromInstanceProfile"));
	return each_role(step, step->properties, "AddRoleToInstanceProfile");
}

HOOK(profile_dropping)
{
	err_t err = each_role(step, step->properties, "RemoveRoleFromInstanceProfile");

	return err == ERR_INVALID ? ERR_OK : err;
}
