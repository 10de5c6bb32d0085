/*
 * stacks: CreateStack and UpdateStack: what came in (inputs.c) becomes a record and a plan.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "services/cloudformation/nested.h"
#include "services/cloudformation/stacks.h"

err_t fault_of(struct api_call *call, const struct text *why)
{
	return api_fault(call, "ValidationError", "%s", text_str(why));
}

err_t no_stack(struct api_call *call, const char *name)
{
	return api_fault(call, "ValidationError", "Stack with id %s does not exist", name);
}

err_t stack_named(struct api_call *call, const char *name, struct stack **ret_stack)
{
	err_t err = stack_load(cfn_of(call), name, ret_stack);

	return err == ERR_NOT_FOUND ? no_stack(call, name) : err;
}

err_t stack_of_call(struct api_call *call, struct stack **ret_stack)
{
	return stack_named(call, text_at(call->input, "StackName"), ret_stack);
}

bool is_listed(const json_t *names, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach ((json_t *)names, i, one) {
		if (strcmp(json_string_value(one), name) == 0)
			return true;
	}
	return json_array_size(names) == 0;
}

/* ---- Create ---- */

err_t cfn_check_name(struct api_call *call, const char *name, const char *member)
{
	size_t len = strlen(name);
	bool good = len > 0 && len <= 128 && isalpha((unsigned char)name[0]);

	for (size_t i = 0; good && i < len; i++)
		good = isalnum((unsigned char)name[i]) || name[i] == '-';
	if (good)
		return ERR_OK;
	return api_fault(call, "ValidationError",
			 "1 validation error detected: Value '%.200s' at '%s' failed to "
			 "satisfy constraint: Member must satisfy regular expression pattern: "
			 "[a-zA-Z][-a-zA-Z0-9]*",
			 name, member);
}

static void join_parent(const struct stack *parent, json_t *body)
{
	const char *root = parent ? text_at(parent->body, "RootId") : "";

	if (!parent)
		return;
	put_text(body, "ParentId", parent->id);
	put_text(body, "RootId", root[0] ? root : parent->id);
}

/* A new stack's record, in the store. `status` is what it begins with. */
err_t new_stack(struct api_call *call, json_t *body, const char *status, struct stack **ret_stack)
{
	const struct cloudformation_options *options = &cfn_of(call)->options;
	char id[512], uuid[37];
	struct stack *stack;
	err_t err;

	random_uuid(uuid);
	snprintf(id, sizeof id, "arn:aws:cloudformation:%s:%s:stack/%s/%s", options->region,
		 options->account, text_at(body, "StackName"), uuid);
	put_text(body, "StackId", id);
	put_new(body, "CreationTime", json_integer((json_int_t)now_ms(cfn_of(call))));
	put_text(body, "StackStatus", status);
	put_new(body, "EnableTerminationProtection",
		json_boolean(
			json_is_true(json_object_get(call->input, "EnableTerminationProtection"))));
	join_parent(cfn_of(call)->parent, body);
	TRY(stack_make(cfn_of(call), body, &stack));
	err = stack_insert(stack);
	if (err == ERR_EXISTS)
		err = api_fault(call, "AlreadyExistsException", "Stack [%s] already exists",
				text_at(body, "StackName"));
	if (err)
		stack_free(stack);
	else
		*ret_stack = stack;
	return err;
}

/* Begins to make what is in the store; takes the stack over. */
err_t begin_create_stack(struct stack *stack)
{
	err_t err = stack_open(stack);

	if (!err)
		err = engine_plan_create(stack);
	if (!err)
		err = stack_status(stack, "CREATE_IN_PROGRESS", "User Initiated");
	if (err)
		stack_free(stack);
	else
		engine_start(stack);
	return err;
}

static void set_deadline(struct api_call *call, json_t *body)
{
	json_t *minutes = json_object_get(call->input, "TimeoutInMinutes");
	json_int_t now = (json_int_t)now_ms(cfn_of(call));

	if (!minutes)
		return;
	json_object_set(body, "TimeoutInMinutes", minutes);
	put_new(body, "Deadline", json_integer(now + json_integer_value(minutes) * 60 * 1000));
}

CFN_OPERATION(create_stack)
{
	const char *name = text_at(call->input, "StackName");
	struct stack *stack;
	json_t *body;

	TRY(cfn_check_name(call, name, "stackName"));
	TRY(body_of_input(call, name, NULL, &body));
	set_deadline(call, body);
	TRY(new_stack(call, body, "CREATE_IN_PROGRESS", &stack));
	put_text(call->output, "StackId", stack->id);
	return begin_create_stack(stack);
}

/* ---- Update ---- */

static bool may_update(const char *status)
{
	return strcmp(status, "CREATE_COMPLETE") == 0 || strcmp(status, "UPDATE_COMPLETE") == 0 ||
	       strcmp(status, "UPDATE_ROLLBACK_COMPLETE") == 0 ||
	       strcmp(status, "CREATE_FAILED") == 0 || strcmp(status, "UPDATE_FAILED") == 0;
}

/* Loads a stack that can be updated. */
err_t load_updatable(struct api_call *call, const char *name, struct stack **ret_stack)
{
	struct stack *stack;
	err_t err = stack_named(call, name, &stack);

	TRY(err);
	if (!may_update(text_at(stack->body, "StackStatus"))) {
		err = api_fault(call, "ValidationError",
				"Stack:%s is in %s state and can not be updated.", stack->id,
				text_at(stack->body, "StackStatus"));
		stack_free(stack);
		return err;
	}
	*ret_stack = stack;
	return ERR_OK;
}

/* Whether it has resources that look for themselves whether there is something new. */
static bool has_always(const json_t *body)
{
	struct text why = TEXT_INIT(1024);
	struct template template;
	const char *name;
	json_t *resource;
	bool any = false;

	const char *text = text_at(body, text_at(body, "Processed")[0] ? "Processed" : "Template");

	if (!template_parse(bytes_of(text), &template, &why)) {
		json_object_foreach (json_object_get(template.root, "Resources"), name, resource) {
			const struct resource_type *type = type_named(text_at(resource, "Type"));

			any = any || (type && type->always);
		}
		template_fini(&template);
	}
	text_fini(&why);
	return any;
}

/* Makes `body` (taken over) what the stack shall be, and begins; takes the stack over. */
err_t begin_update_stack(struct stack *stack, json_t *body)
{
	static const char *const kept[] = { "Template", "Processed", "Given",
					    "Resolved", "Tags",	     "Description" };
	json_t *before = json_object();
	err_t err;

	for (size_t i = 0; i < COUNT(kept); i++)
		if (json_object_get(stack->body, kept[i]))
			json_object_set(before, kept[i], json_object_get(stack->body, kept[i]));
	put_new(body, "Before", before);
	if (stack->cfn->parent)
		put_new(body, "Held", json_true());
	put_new(body, "LastUpdatedTime", json_integer((json_int_t)now_ms(stack->cfn)));
	json_decref(stack->body);
	stack->body = body;
	err = stack_open(stack);
	if (!err)
		err = engine_plan_update(stack, "UPDATE");
	if (!err)
		err = stack_status(stack, "UPDATE_IN_PROGRESS", "User Initiated");
	if (err)
		stack_free(stack);
	else
		engine_start(stack);
	return err;
}

CFN_OPERATION(update_stack)
{
	struct stack *stack;
	json_t *body;
	err_t err;

	TRY(load_updatable(call, text_at(call->input, "StackName"), &stack));
	err = body_of_input(call, text_at(stack->body, "StackName"), stack->body, &body);
	if (!err && !changes_anything(stack->body, body) && !has_always(body)) {
		json_decref(body);
		err = api_fault(call, "ValidationError", NO_UPDATES);
	}
	if (err) {
		stack_free(stack);
		return err;
	}
	put_text(call->output, "StackId", stack->id);
	return begin_update_stack(stack, body);
}

/* ---- Protection ---- */

CFN_OPERATION(update_termination_protection)
{
	struct stack *stack, *working;
	json_t *flag = json_object_get(call->input, "EnableTerminationProtection");
	err_t err = stack_of_call(call, &stack);

	TRY(err);
	working = engine_stack(cfn_of(call), stack->id);
	json_object_set(working ? working->body : stack->body, "EnableTerminationProtection", flag);
	put_text(call->output, "StackId", stack->id);
	err = stack_save(working ? working : stack, NULL);
	stack_free(stack);
	return err;
}
