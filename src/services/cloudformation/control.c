/*
 * control: what is said to a stack beside what it shall be: that an update is given up, that going
 * back goes on.
 */
#include <string.h>

#include "services/cloudformation/stacks.h"

static err_t wrong_status(struct api_call *call, const char *operation, const struct stack *stack)
{
	return api_fault(call, "ValidationError",
			 "%s cannot be called from current stack status: %s is in %s", operation,
			 text_at(stack->body, "StackName"), text_at(stack->body, "StackStatus"));
}

CFN_OPERATION(cancel_update_stack)
{
	const char *name = text_at(call->input, "StackName");
	struct stack *stack, *working;
	err_t err = stack_load(cfn_of(call), name, &stack);

	if (err == ERR_NOT_FOUND)
		return no_stack(call, name);
	TRY(err);
	working = engine_stack(cfn_of(call), stack->id);
	if (!working || strcmp(text_at(working->body, "StackStatus"), "UPDATE_IN_PROGRESS") != 0)
		err = wrong_status(call, "CancelUpdateStack", working ? working : stack);
	else
		engine_cancel(working);
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
	const char *name = text_at(call->input, "StackName");
	struct stack *stack;
	err_t err = stack_load(cfn_of(call), name, &stack);

	if (err == ERR_NOT_FOUND)
		return no_stack(call, name);
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
