/*
 * capabilities: what who makes a stack must have acknowledged: that it gives rights, and that what
 * its macros make of the template has been seen by nobody.
 */
#include <string.h>

#include "services/cloudformation/cloudformation_internal.h"
#include "services/cloudformation/stacks.h"

static bool has_capability(const struct api_call *call, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(call->input, "Capabilities"), i, one) {
		if (strcmp(json_string_value(one), name) == 0)
			return true;
	}
	return false;
}

/* Whether a resource has a name of its own; an inline policy and a key name whose they are. */
static bool is_named(const json_t *resource)
{
	static const char *const names[] = { "RoleName", "UserName", "GroupName",
					     "ManagedPolicyName", "InstanceProfileName" };
	const json_t *properties = json_object_get(resource, "Properties");
	const char *type = text_at(resource, "Type");

	if (strcmp(type, "AWS::IAM::Policy") == 0 || strcmp(type, "AWS::IAM::AccessKey") == 0)
		return false;
	for (size_t i = 0; i < COUNT(names); i++)
		if (json_object_get(properties, names[i]))
			return true;
	return false;
}

/* Those of AWS's list; a server's certificate gives nobody any right. */
bool is_iam_type(const char *type)
{
	static const char *const names[] = {
		"AccessKey", "Group", "InstanceProfile",    "ManagedPolicy", "Policy",
		"Role",	     "User",  "UserToGroupAddition"
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (strncmp(type, "AWS::IAM::", 10) == 0 && strcmp(type + 10, names[i]) == 0)
			return true;
	return false;
}

bool has_macros(const struct template *template, bool included)
{
	const json_t *transform = json_object_get(template->root, "Transform");

	return included || json_array_size(transform) || json_object_size(transform) ||
	       json_string_length(transform);
}

/* What a template needs to be allowed: "" (nothing), CAPABILITY_IAM or CAPABILITY_NAMED_IAM. */
const char *capability_needed(const struct template *template)
{
	const json_t *resource;
	const char *name, *needed = "";

	json_object_foreach (json_object_get(template->root, "Resources"), name, resource) {
		if (!is_iam_type(text_at(resource, "Type")))
			continue;
		needed = needed[0] ? needed : "CAPABILITY_IAM";
		if (is_named(resource))
			needed = "CAPABILITY_NAMED_IAM";
	}
	return needed;
}

static bool is_capable(const struct api_call *call, const struct cloudformation *cfn,
		       const char *needed)
{
	if (!needed[0] || has_capability(call, "CAPABILITY_NAMED_IAM"))
		return true;
	return strcmp(needed, "CAPABILITY_IAM") == 0 &&
	       (!cfn->options.asks_for_roles || has_capability(call, "CAPABILITY_IAM"));
}

/*
 * Who makes a change set is shown what became of the macros before anything is done, so that
 * nothing need be acknowledged (AWS's CreateChangeSet: the capability "has no effect").
 */
err_t check_capabilities(struct api_call *call, const struct stack *stack)
{
	const char *iam = capability_needed(&stack->template);
	bool included = json_is_string(json_object_get(stack->body, "Processed"));
	bool expands = has_macros(&stack->template, included) &&
		       strcmp(call->operation->name, "CreateChangeSet") != 0 &&
		       !has_capability(call, "CAPABILITY_AUTO_EXPAND");

	if (is_capable(call, stack->cfn, iam))
		iam = "";
	if (!iam[0] && !expands)
		return ERR_OK;
	return api_fault(call, "InsufficientCapabilitiesException",
			 "Requires capabilities : [%s%s%s]", iam, iam[0] && expands ? ", " : "",
			 expands ? "CAPABILITY_AUTO_EXPAND" : "");
}
