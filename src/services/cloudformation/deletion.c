/*
 * deletion: DeleteStack: whether it may go, and what of it stays.
 */
#include <stdio.h>
#include <string.h>

#include "services/cloudformation/nested.h"
#include "services/cloudformation/stacks.h"

struct import_search {
	const json_t *outputs;
	const char *export, *user;
	char room[256];
};

static bool look_for_user(void *owner, const struct store_resource *resource)
{
	struct import_search *search = owner;
	const json_t *output;
	size_t i;

	if (strcmp(text_at(resource->body, "StackStatus"), "DELETE_COMPLETE") == 0)
		return true;
	json_array_foreach ((json_t *)search->outputs, i, output) {
		const char *name = text_at(output, "ExportName");

		if (!name[0] || !json_object_get(json_object_get(resource->body, "Imports"), name))
			continue;
		snprintf(search->room, sizeof search->room, "%s",
			 text_at(resource->body, "StackName"));
		search->export = name;
		search->user = search->room;
	}
	return !search->user;
}

static err_t check_exports(struct api_call *call, const struct stack *stack)
{
	struct import_search search = { .outputs = json_object_get(stack->body, "Outputs") };
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(stack->cfn->options.store, &txn));
	err = store_each(txn, KIND_STACK, NULL, NULL, look_for_user, &search);
	store_rollback(txn);
	if (!err && search.user)
		err = api_fault(call, "ValidationError",
				"Export %s cannot be deleted as it is in use by %s", search.export,
				search.user);
	return err;
}

/* What could not be deleted may be left: only of a stack whose deletion failed, as on AWS. */
static err_t check_retained(struct api_call *call, const struct stack *stack)
{
	const json_t *names = json_object_get(call->input, "RetainResources"), *name;
	size_t i;

	if (json_array_size(names) &&
	    strcmp(text_at(stack->body, "StackStatus"), "DELETE_FAILED") != 0)
		return api_fault(
			call, "ValidationError",
			"Invalid operation on stack [%s]. Specify resources to retain only "
			"when you delete a stack in the DELETE_FAILED state.",
			stack->id);
	json_array_foreach ((json_t *)names, i, name) {
		const char *logical = json_string_value(name);
		const json_t *record = json_object_get(stack->resources, logical);

		if (!record || is_gone(record))
			return api_fault(call, "ValidationError",
					 "Resource [%.255s] does not exist in stack [%s]", logical,
					 text_at(stack->body, "StackName"));
	}
	return ERR_OK;
}

/* As on AWS: force is for what failed without it. */
static err_t check_mode(struct api_call *call, const struct stack *stack)
{
	const char *mode = text_at(call->input, "DeletionMode");

	if (strcmp(mode, DELETION_FORCED) != 0 ||
	    strcmp(text_at(stack->body, "StackStatus"), "DELETE_FAILED") == 0)
		return ERR_OK;
	return api_fault(call, "ValidationError",
			 "Invalid operation on stack [%s]. Specify " DELETION_FORCED
			 " only when you delete a stack in the DELETE_FAILED state.",
			 stack->id);
}

static void retain(const struct api_call *call, struct stack *stack)
{
	json_t *steps = json_object_get(json_object_get(stack->body, "Work"), "Steps"), *name;
	size_t i;

	json_array_foreach (json_object_get(call->input, "RetainResources"), i, name)
		put_new(json_object_get(steps, json_string_value(name)), "Retain", json_true());
}

static err_t delete_it(struct api_call *call, struct stack *stack)
{
	const char *status = text_at(stack->body, "StackStatus");

	if (json_is_true(json_object_get(stack->body, "EnableTerminationProtection")))
		return api_fault(call, "ValidationError",
				 "Stack [%s] cannot be deleted while TerminationProtection is "
				 "enabled",
				 text_at(stack->body, "StackName"));
	if (is_at_work(stack->body) && !ends_in(status, "CREATE_IN_PROGRESS") &&
	    !nested_is_held(stack))
		return api_fault(call, "ValidationError",
				 "Stack [%s] is in %s state and cannot be deleted now",
				 text_at(stack->body, "StackName"), status);
	TRY(check_exports(call, stack));
	TRY(check_retained(call, stack));
	TRY(check_mode(call, stack));
	engine_catch_up(stack);
	stack_open(stack); /* a template that no longer opens only loses its order */
	TRY(engine_plan_delete(stack, "DELETE"));
	retain(call, stack);
	if (text_at(call->input, "DeletionMode")[0])
		put_text(stack->body, "DeletionMode", text_at(call->input, "DeletionMode"));
	else
		json_object_del(stack->body, "DeletionMode");
	return stack_status(stack, "DELETE_IN_PROGRESS", "User Initiated");
}

CFN_OPERATION(delete_stack)
{
	const char *name = text_at(call->input, "StackName");
	struct stack *stack, *working;
	err_t err = stack_load(cfn_of(call), name, &stack);

	if (err == ERR_NOT_FOUND)
		return ERR_OK; /* AWS says nothing of what is not there */
	TRY(err);
	if (strcmp(text_at(stack->body, "StackStatus"), "DELETE_COMPLETE") == 0 ||
	    strcmp(text_at(stack->body, "StackStatus"), "DELETE_IN_PROGRESS") == 0) {
		stack_free(stack);
		return ERR_OK;
	}
	working = engine_stack(cfn_of(call), stack->id);
	if (working) { /* it is being made: what there is of it goes */
		stack_free(stack);
		return delete_it(call, working);
	}
	err = delete_it(call, stack);
	if (err)
		stack_free(stack);
	else
		engine_start(stack);
	return err;
}
