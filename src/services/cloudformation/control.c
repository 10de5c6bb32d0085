/*
 * control: what is said to a stack beside what it shall be: that an update is given up, that going
 * back goes on, what updates may do.
 */
#include <stdio.h>
#include <string.h>

#include "services/cloudformation/answers.h"
#include "services/cloudformation/policy.h"
#include "services/cloudformation/stacks.h"

static err_t wrong_status(struct api_call *call, const char *operation, const struct stack *stack)
{
	return api_fault(call, "ValidationError",
			 "%s cannot be called from current stack status: %s is in %s", operation,
			 text_at(stack->body, "StackName"), text_at(stack->body, "StackStatus"));
}

CFN_OPERATION(cancel_update_stack)
{
	struct stack *stack, *working;
	err_t err = stack_of_call(call, &stack);

	TRY(err);
	working = engine_stack(cfn_of(call), stack->id);
	if (!working || strcmp(text_at(working->body, "StackStatus"), "UPDATE_IN_PROGRESS") != 0)
		err = wrong_status(call, "CancelUpdateStack", working ? working : stack);
	else
		engine_give_up(working, "User Initiated");
	stack_free(stack);
	return err;
}

static bool waits_for_signals(const struct stack *stack, const char *logical)
{
	const json_t *record = json_object_get(stack ? stack->resources : NULL, logical);

	return strcmp(text_at(json_object_get(record, "Asked"), "Type"), ASKED_SIGNALS) == 0;
}

CFN_OPERATION(signal_resource)
{
	const char *logical = text_at(call->input, "LogicalResourceId"), *wrong;
	struct stack *stack, *working;
	const json_t *record;
	err_t err = stack_of_call(call, &stack);

	TRY(err);
	working = engine_stack(cfn_of(call), stack->id);
	record = json_object_get(stack->resources, logical);
	if (!record) {
		err = api_fault(call, "ValidationError", "Resource %s does not exist for stack %s",
				logical, text_at(stack->body, "StackName"));
	} else if (!waits_for_signals(working, logical)) {
		err = api_fault(call, "ValidationError",
				"Resource %s is in %s state and cannot be signaled", logical,
				text_at(record, "ResourceStatus"));
	} else {
		wrong = answers_signal(working, logical, text_at(call->input, "UniqueId"),
				       text_at(call->input, "Status"));
		err = wrong ? api_fault(call, "ValidationError", "%s", wrong) : ERR_OK;
	}
	stack_free(stack);
	return err;
}

/* What stays as it is counts as being back. */
static err_t skip(struct api_call *call, struct stack *stack)
{
	json_t *steps = json_object_get(json_object_get(stack->body, "Work"), "Steps"), *name;
	json_t *names = json_object_get(call->input, "ResourcesToSkip");
	size_t i;

	json_array_foreach (names, i, name)
		if (!ends_in(text_at(json_object_get(stack->resources, json_string_value(name)),
				     "ResourceStatus"),
			     "_FAILED"))
			return api_fault(call, "ValidationError",
					 "[%s] is not in UPDATE_FAILED state and cannot be skipped",
					 json_string_value(name));
	json_array_foreach (names, i, name) {
		const char *logical = json_string_value(name);
		json_t *record = json_object_get(stack->resources, logical);

		put_text(record, "ResourceStatus", "UPDATE_COMPLETE");
		if (json_object_get(steps, logical))
			put_text(json_object_get(steps, logical), "State", "done");
		TRY(stack_save(stack, &(struct save){ .resource = logical,
						      .event = "UPDATE_COMPLETE",
						      .reason = "Resource was skipped" }));
	}
	return ERR_OK;
}

CFN_OPERATION(continue_update_rollback)
{
	struct stack *stack;
	err_t err = stack_of_call(call, &stack);

	TRY(err);
	if (strcmp(text_at(stack->body, "StackStatus"), "UPDATE_ROLLBACK_FAILED") != 0)
		err = wrong_status(call, "ContinueUpdateRollback", stack);
	if (!err)
		err = stack_open(stack);
	if (!err)
		err = engine_plan_update(stack, "UPDATE_ROLLBACK");
	if (!err)
		err = skip(call, stack);
	if (!err)
		err = stack_status(stack, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated");
	if (err) {
		stack_free(stack);
		return err == ERR_INVALID && !call->fault.code[0]
			       ? api_fault(call, "ValidationError",
					   "The stack cannot go back as it is")
			       : err;
	}
	engine_start(stack);
	return ERR_OK;
}

/* ---- Stack policies ---- */

/* Its text, from the call or from S3; *ret_text NULL: the input has none. */
static err_t policy_text(struct api_call *call, const char *member, json_t **ret_text)
{
	struct text body = TEXT_INIT(POLICY_BYTES_MAX + 1), why = TEXT_INIT(2048);
	char name[64];
	const char *url;
	err_t err;

	snprintf(name, sizeof name, "%sBody", member);
	*ret_text = json_incref(json_object_get(call->input, name));
	snprintf(name, sizeof name, "%sURL", member);
	url = text_at(call->input, name);
	if (*ret_text || !url[0])
		return ERR_OK;
	err = fetch_object(cfn_of(call), call->caller, url, &body, &why);
	if (err == ERR_INVALID)
		err = fault_of(call, &why);
	if (!err)
		*ret_text = json_string(text_str(&body));
	text_fini(&body);
	text_fini(&why);
	return err;
}

err_t policy_of_input(struct api_call *call, const char *member, const char *key, json_t *body)
{
	struct text why = TEXT_INIT(2048);
	json_t *text = NULL, *policy = NULL;
	err_t err = policy_text(call, member, &text);

	if (!err && text)
		err = policy_parse(bytes_of(json_string_value(text)), &policy, &why);
	if (err && why.len)
		err = fault_of(call, &why);
	if (!err && text)
		json_object_set(body, key, text);
	json_decref(policy);
	json_decref(text);
	text_fini(&why);
	return err;
}

CFN_OPERATION(set_stack_policy)
{
	struct stack *stack, *working, *of;
	err_t err = stack_of_call(call, &stack);

	TRY(err);
	working = engine_stack(cfn_of(call), stack->id);
	of = working ? working : stack;
	if (!json_object_get(call->input, "StackPolicyBody") &&
	    !json_object_get(call->input, "StackPolicyURL"))
		err = api_fault(call, "ValidationError",
				"Either StackPolicyBody or StackPolicyURL must be specified.");
	if (!err)
		err = policy_of_input(call, "StackPolicy", "Policy", of->body);
	if (!err)
		err = stack_save(of, NULL);
	stack_free(stack);
	return err;
}

CFN_OPERATION(get_stack_policy)
{
	struct stack *stack;
	err_t err = stack_of_call(call, &stack);

	TRY(err);
	if (text_at(stack->body, "Policy")[0])
		put_text(call->output, "StackPolicyBody", text_at(stack->body, "Policy"));
	stack_free(stack);
	return ERR_OK;
}

err_t stack_may(struct stack *stack, const char *action, const char *logical, const char *type)
{
	const struct policy_question question = { action, logical, type };
	const char *text = text_at(stack->body, "PolicyNow");
	json_t *policy;
	bool allowed;

	if (!text[0])
		text = text_at(stack->body, "Policy");
	if (!text[0] || engine_goes_back(stack))
		return ERR_OK;
	text_clear(&stack->why);
	TRY(policy_parse(bytes_of(text), &policy, &stack->why));
	allowed = policy_allows(policy, &question, &stack->why);
	json_decref(policy);
	return allowed ? ERR_OK : ERR_INVALID;
}
