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

/* ---- What a role has ---- */

static err_t attach(struct resource_step *step, const char *operation, const json_t *arns,
		    const json_t *but)
{
	json_t *arn;
	size_t i;

	json_array_foreach ((json_t *)arns, i, arn)
		if (!among(but, arn))
			TRY(call_api(step, "iam", operation,
				     json_pack("{s:s, s:O}", "RoleName", physical_id(step),
					       "PolicyArn", arn),
				     NULL));
	return ERR_OK;
}

static err_t put_policies(struct resource_step *step, const json_t *policies)
{
	json_t *policy;
	size_t i;

	json_array_foreach ((json_t *)policies, i, policy)
		TRY(call_api(step, "iam", "PutRolePolicy",
			     json_pack("{s:s, s:s, s:o?}", "RoleName", physical_id(step),
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

static err_t drop_policies(struct resource_step *step, const json_t *policies, const json_t *but)
{
	const json_t *policy;
	size_t i;

	json_array_foreach ((json_t *)policies, i, policy)
		if (!has_policy(but, text_at(policy, "PolicyName")))
			TRY(call_api(step, "iam", "DeleteRolePolicy",
				     json_pack("{s:s, s:s}", "RoleName", physical_id(step),
					       "PolicyName", text_at(policy, "PolicyName")),
				     NULL));
	return ERR_OK;
}

HOOK(role_make)
{
	const char *name = json_string_value(property(step, "RoleName"));
	json_t *input = json_pack(
		"{s:o?, s:O*, s:O*, s:O*, s:O*}", "AssumeRolePolicyDocument",
		as_text(property(step, "AssumeRolePolicyDocument")), "Path", property(step, "Path"),
		"Description", property(step, "Description"), "MaxSessionDuration",
		property(step, "MaxSessionDuration"), "Tags", property(step, "Tags"));

	if (!name)
		name = arena_printf(
			step->arena, "%.24s-%.24s-%s", text_at(step->stack->body, "StackName"),
			text_at(step->record, "LogicalResourceId"), text_at(step->record, "Token"));
	put_text(input, "RoleName", name);
	TRY(call_api(step, "iam", "CreateRole", input, NULL));
	set_physical_id(step, name);
	TRY(attach(step, "AttachRolePolicy", property(step, "ManagedPolicyArns"), NULL));
	return put_policies(step, property(step, "Policies"));
}

HOOK(role_updated)
{
	const json_t *arns = property(step, "ManagedPolicyArns");
	const json_t *had = json_object_get(step->before, "ManagedPolicyArns");

	if (property_changed(step, "AssumeRolePolicyDocument"))
		TRY(call_api(step, "iam", "UpdateAssumeRolePolicy",
			     json_pack("{s:s, s:o?}", "RoleName", physical_id(step),
				       "PolicyDocument",
				       as_text(property(step, "AssumeRolePolicyDocument"))),
			     NULL));
	TRY(attach(step, "AttachRolePolicy", arns, had));
	TRY(attach(step, "DetachRolePolicy", had, arns));
	if (property_changed(step, "Policies"))
		TRY(put_policies(step, property(step, "Policies")));
	return drop_policies(step, json_object_get(step->before, "Policies"),
			     property(step, "Policies"));
}

/* A role that still has policies cannot go; those of AWS::IAM::Policy have gone before it. */
HOOK(role_dropping)
{
	json_t *answer = NULL, *name, *policy;
	size_t i;
	err_t err = call_api(step, "iam", "ListRolePolicies",
			     json_pack("{s:s}", "RoleName", physical_id(step)), &answer);

	json_array_foreach (json_object_get(answer, "PolicyNames"), i, name)
		err = err ? err
			  : call_api(step, "iam", "DeleteRolePolicy",
				     json_pack("{s:s, s:O}", "RoleName", physical_id(step),
					       "PolicyName", name),
				     NULL);
	json_decref(answer);
	answer = NULL;
	if (!err)
		err = call_api(step, "iam", "ListAttachedRolePolicies",
			       json_pack("{s:s}", "RoleName", physical_id(step)), &answer);
	json_array_foreach (json_object_get(answer, "AttachedPolicies"), i, policy)
		err = err ? err
			  : call_api(step, "iam", "DetachRolePolicy",
				     json_pack("{s:s, s:s}", "RoleName", physical_id(step),
					       "PolicyArn", text_at(policy, "PolicyArn")),
				     NULL);
	json_decref(answer);
	/* One that is gone has nothing left to take; the deletion itself says so. */
	return err == ERR_INVALID ? ERR_OK : err;
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
