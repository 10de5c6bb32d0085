/*
 * type_stack: stacks in stacks. They are made, changed and deleted by the operations that users
 * call; what only a parent may do (nested.h) lies beside these.
 */
#include <stdio.h>
#include <string.h>

#include "services/cloudformation/nested.h"
#include "services/cloudformation/plan.h"
#include "services/cloudformation/stacks.h"
#include "services/cloudformation/type_hooks.h"

/* What the record remembers of a call to the nested stack whose outcome is waited for. */
#define AWAITED "Awaited"

static HOOK(make);
static HOOK(updated);
static HOOK(settled);
static HOOK(remove_it);

static const struct resource_type rows[] = {
	{ .name = "AWS::CloudFormation::Stack",
	  .service = "cloudformation",
	  .properties = "TemplateURL Parameters Tags",
	  .attributes = "Outputs.*",
	  .name_max = 128,
	  .always = true, /* what lies at the URL may be another template now */
	  .make = make,
	  .updated = updated,
	  .settled = settled,
	  .remove = remove_it },
};
const struct type_table stack_types = { rows, COUNT(rows) };

/* ---- Calls ---- */

/* {name: scalar} → [{ParameterKey, ParameterValue}] */
static err_t parameters_for(struct resource_step *step, json_t **ret_list)
{
	json_t *list = json_array(), *value;
	const char *name;
	err_t err = list ? ERR_OK : ERR_NOMEM;

	json_object_foreach (property(step, "Parameters"), name, value) {
		struct text text = TEXT_INIT(PARAMETER_BYTES_MAX);

		if (!err)
			err = scalar_text(value, &text);
		if (err == ERR_INVALID && !step->why->len)
			text_add_str(step->why,
				     "Value of property Parameters must be an object with String "
				     "(or simple type) properties");
		if (!err)
			json_array_append_new(list, json_pack("{s:s, s:s}", "ParameterKey", name,
							      "ParameterValue", text_str(&text)));
		text_fini(&text);
	}
	if (err)
		json_decref(list);
	else
		*ret_list = list;
	return err;
}

/* CreateStack and UpdateStack for this step's stack, as whose part the nested one is known. */
static err_t call_stack(struct resource_step *step, const char *operation, json_t *input,
			json_t **ret_output)
{
	struct cloudformation *cfn = step->stack->cfn;
	json_t *parameters = NULL, *tags = own_tags(step);
	err_t err = parameters_for(step, &parameters);

	if (err) {
		json_decref(input);
		json_decref(tags);
		return err;
	}
	json_object_set(input, "TemplateURL", property(step, "TemplateURL"));
	put_new(input, "Parameters", parameters);
	put_new(input, "Tags", tags);
	if (json_object_get(step->stack->body, "Capabilities"))
		json_object_set(input, "Capabilities",
				json_object_get(step->stack->body, "Capabilities"));
	cfn->parent = step->stack;
	err = call_api(step, "cloudformation", operation, input, ret_output);
	cfn->parent = NULL;
	return err;
}

/* ---- Making ---- */

/* After a kill: the stack of this name may be there, and then it is ours. */
static bool adopt(struct resource_step *step, const char *name)
{
	struct stack *stack;
	bool ours;

	if (!step->again || stack_load(step->stack->cfn, name, &stack))
		return false;
	ours = strcmp(text_at(stack->body, "ParentId"), step->stack->id) == 0;
	if (ours)
		set_physical_id(step, stack->id);
	stack_free(stack);
	return ours;
}

static HOOK(make)
{
	const char *name = made_name(step);
	json_t *answer;

	if (!name)
		return ERR_NOMEM;
	if (adopt(step, name))
		return ERR_OK;
	/* One that fails stays for its parent to delete. */
	TRY(call_stack(step, "CreateStack",
		       json_pack("{s:s, s:s}", "StackName", name, "OnFailure", "DO_NOTHING"),
		       &answer));
	set_physical_id(step, text_at(answer, "StackId"));
	json_decref(answer);
	return ERR_OK;
}

/* ---- Changing ---- */

static HOOK(updated)
{
	struct stack *child = engine_stack(step->stack->cfn, physical_id(step));
	err_t err;

	if (engine_goes_back(step->stack)) {
		if (child && nested_is_held(child))
			plan_roll_back(child, "The parent stack goes back");
		return ERR_OK;
	}
	if (child) { /* begun before a kill */
		put_text(step->record, AWAITED, "UPDATE");
		return ERR_OK;
	}
	err = call_stack(step, "UpdateStack", json_pack("{s:s}", "StackName", physical_id(step)),
			 NULL);
	if (err == ERR_INVALID && strstr(text_str(step->why), NO_UPDATES)) {
		json_object_del(step->record, AWAITED);
		return ERR_OK;
	}
	if (!err)
		put_text(step->record, AWAITED, "UPDATE");
	return err;
}

/* ---- What became of it ---- */

static void take_outputs(struct resource_step *step, const json_t *body)
{
	json_t *attributes = json_object(), *output;
	size_t i;

	json_array_foreach (json_object_get(body, "Outputs"), i, output) {
		char name[300];

		snprintf(name, sizeof name, "Outputs.%s", text_at(output, "OutputKey"));
		json_object_set(attributes, name, json_object_get(output, "OutputValue"));
	}
	put_new(step->record, "Attributes", attributes);
}

static bool is_well(const struct resource_step *step, const char *status)
{
	bool awaited = text_at(step->record, AWAITED)[0] != '\0';

	if (strcmp(status, "UPDATE_ROLLBACK_COMPLETE") == 0)
		return !awaited || engine_goes_back(step->stack);
	return ends_in(status, "_COMPLETE") ? strstr(status, "DELETE") == NULL
					    : ends_in(status, "_CLEANUP_IN_PROGRESS");
}

static err_t judge(struct resource_step *step, const json_t *body)
{
	const char *status = text_at(body, "StackStatus");

	if (is_well(step, status)) {
		take_outputs(step, body);
		return ERR_OK;
	}
	text_clear(step->why);
	text_printf(step->why, "Embedded stack %s was not successfully %s: %s", physical_id(step),
		    text_at(step->record, AWAITED)[0] ? "updated" : "created",
		    text_at(body, "StackStatusReason")[0] ? text_at(body, "StackStatusReason")
							  : status);
	return ERR_INVALID;
}

static HOOK(settled)
{
	struct stack *stack = engine_stack(step->stack->cfn, physical_id(step));
	err_t err;

	if (stack)
		return nested_is_held(stack) ? judge(step, stack->body) : ERR_AGAIN;
	err = stack_load(step->stack->cfn, physical_id(step), &stack);
	if (err == ERR_NOT_FOUND) {
		text_printf(step->why, "Stack %s does not exist", physical_id(step));
		return ERR_INVALID;
	}
	TRY(err);
	err = judge(step, stack->body);
	json_object_del(step->record, AWAITED);
	stack_free(stack);
	return err;
}

/* ---- Deleting ---- */

static err_t after_deletion(struct resource_step *step, const struct stack *stack)
{
	bool asked = strcmp(text_at(step->record, AWAITED), "DELETE") == 0, forced;

	if (strcmp(text_at(stack->body, "StackStatus"), "DELETE_COMPLETE") == 0)
		return ERR_OK;
	if (asked) {
		json_object_del(step->record, AWAITED);
		text_printf(step->why, "Embedded stack %s was not successfully deleted: %s",
			    stack->id, text_at(stack->body, "StackStatusReason"));
		return ERR_INVALID;
	}
	forced = strcmp(text_at(step->stack->body, "DeletionMode"), DELETION_FORCED) == 0 &&
		 strcmp(text_at(stack->body, "StackStatus"), "DELETE_FAILED") == 0;
	TRY(call_api(step, "cloudformation", "DeleteStack",
		     json_pack("{s:s, s:s}", "StackName", stack->id, "DeletionMode",
			       forced ? DELETION_FORCED : "STANDARD"),
		     NULL));
	put_text(step->record, AWAITED, "DELETE");
	return ERR_AGAIN;
}

static HOOK(remove_it)
{
	struct stack *stack = engine_stack(step->stack->cfn, physical_id(step));
	err_t err;

	if (stack && strcmp(text_at(stack->body, "StackStatus"), "DELETE_IN_PROGRESS") == 0) {
		put_text(step->record, AWAITED, "DELETE");
		return ERR_AGAIN;
	}
	err = stack_load(step->stack->cfn, physical_id(step), &stack);
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	err = after_deletion(step, stack);
	stack_free(stack);
	return err;
}
