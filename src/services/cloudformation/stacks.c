/*
 * stacks: CreateStack, UpdateStack, DeleteStack: what comes in becomes a record and a plan.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "services/cloudformation/nested.h"
#include "services/cloudformation/rules.h"
#include "services/cloudformation/stacks.h"

enum { TEMPLATE_BODY_BYTES_MAX = 51200 };

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

/* ---- Input ---- */

/* A template that lies in S3, for TemplateURL. */
static err_t fetch_template(struct api_call *call, const char *url, json_t **ret_text)
{
	struct text body = TEXT_INIT(TEMPLATE_BYTES_MAX), why = TEXT_INIT(2048);
	err_t err = fetch_object(cfn_of(call), call->caller, url, &body, &why);

	if (err == ERR_INVALID)
		err = fault_of(call, &why);
	if (!err) {
		*ret_text = json_stringn(text_str(&body), body.len);
		if (!*ret_text)
			err = api_fault(call, "ValidationError",
					"Template format error: the object at TemplateURL is not "
					"UTF-8");
	}
	text_fini(&why);
	text_fini(&body);
	return err;
}

err_t template_of_input(struct api_call *call, const json_t *old, json_t **ret_text)
{
	json_t *body = json_object_get(call->input, "TemplateBody");
	const char *url = text_at(call->input, "TemplateURL");

	if (body && url[0])
		return api_fault(
			call, "ValidationError",
			"Either Template URL or Template Body must be specified, not both.");
	if (body && json_string_length(body) > TEMPLATE_BODY_BYTES_MAX)
		return api_fault(
			call, "ValidationError",
			"1 validation error detected: Value at 'templateBody' failed to "
			"satisfy constraint: Member must have length less than or equal to "
			"%d",
			TEMPLATE_BODY_BYTES_MAX);
	if (url[0])
		return fetch_template(call, url, ret_text);
	if (!body && json_is_true(json_object_get(call->input, "UsePreviousTemplate")) && old)
		body = json_object_get(old, "Template");
	if (!body)
		return api_fault(call, "ValidationError",
				 "Either Template URL or Template Body must be specified.");
	*ret_text = json_incref(body);
	return ERR_OK;
}

/* [{ParameterKey, ParameterValue | UsePreviousValue}] → {name: text} */
static err_t given_of_input(struct api_call *call, const json_t *old, json_t **ret_given)
{
	const json_t *was = json_object_get(old, "Given"), *row;
	json_t *given = json_object();
	size_t i;

	json_array_foreach (json_object_get(call->input, "Parameters"), i, row) {
		const char *key = text_at(row, "ParameterKey");
		json_t *value = json_object_get(row, "ParameterValue");

		if (json_is_true(json_object_get(row, "UsePreviousValue"))) {
			value = json_object_get(was, key);
			if (!value && !old) {
				json_decref(given);
				return api_fault(
					call, "ValidationError",
					"Invalid input for parameter key %s. Cannot specify "
					"usePreviousValue as true for a parameter key not in "
					"the previous template",
					key);
			}
		}
		if (value)
			json_object_set(given, key, value);
	}
	*ret_given = given;
	return ERR_OK;
}

static void first_problem(void *owner, unsigned line, const char *words)
{
	struct text *why = owner;

	if (why->len)
		return;
	text_add_str(why, words);
	if (line)
		text_printf(why, " (line %u)", line);
}

err_t check_template(struct api_call *call, const struct template *template)
{
	struct text why = TEXT_INIT(4096);
	struct check check = {
		.template = template,
		.problem = first_problem,
		.type = type_known,
		.property = type_property_known,
		.attribute = type_attribute_known,
		.owner = &why,
	};
	err_t err = template_check(&check) ? fault_of(call, &why) : ERR_OK;

	text_fini(&why);
	return err;
}

static err_t check_all(struct api_call *call, struct stack *stack)
{
	json_t *names = NULL, *needs = NULL;
	err_t err = stack_open(stack);
	struct eval eval;

	if (!err && !stack->template.root)
		err = ERR_INVALID;
	if (err && !stack->template.root)
		return fault_of(call, &stack->why);
	/* Problems of the template come before those of its parameters. */
	TRY(check_template(call, &stack->template));
	if (err)
		return fault_of(call, &stack->why);
	stack_eval(stack, &eval);
	err = rules_hold(&eval);
	if (!err)
		err = stack_wanted(stack, &names);
	if (!err)
		err = resource_needs(&stack->template, names, &needs, &stack->why);
	json_decref(names);
	json_decref(needs);
	if (err)
		return fault_of(call, &stack->why);
	return check_capabilities(call, stack);
}

/* What would not act. */
static err_t refuse_idle(struct api_call *call)
{
	static const char *const members[] = { "RoleARN", "NotificationARNs", "TimeoutInMinutes" };

	for (size_t i = 0; i < COUNT(members); i++) {
		const json_t *value = json_object_get(call->input, members[i]);

		if (json_is_integer(value) || json_array_size(value) || json_string_length(value))
			return api_fault(call, "ValidationError",
					 "%s is not supported by this Weir: stacks are made by the "
					 "root, tell nobody, and take the time they need",
					 members[i]);
	}
	return ERR_OK;
}

static err_t check_stack_tags(struct api_call *call)
{
	const json_t *tag;
	size_t i;

	json_array_foreach (json_object_get(call->input, "Tags"), i, tag)
		if (api_tag_is_reserved(call, text_at(tag, "Key")))
			return api_fault(call, "ValidationError",
					 "aws: prefixed tag key names are not allowed for "
					 "external use.");
	return ERR_OK;
}

err_t body_of_input(struct api_call *call, const char *name, const json_t *old, json_t **ret_body)
{
	static const char *const copied[] = { "Capabilities", "Tags", "OnFailure" };
	json_t *text = NULL, *given = NULL, *processed = NULL, *body;
	struct stack *stack;
	err_t err = refuse_idle(call);

	if (!err)
		err = check_stack_tags(call);
	if (!err)
		err = template_of_input(call, old, &text);
	if (!err)
		err = given_of_input(call, old, &given);
	if (!err)
		err = template_include(call, text, given, &processed);
	if (err) {
		json_decref(text);
		json_decref(given);
		return err;
	}
	body = old ? json_deep_copy(old) : json_pack("{s:s}", "StackName", name);
	json_object_del(body, "OnFailure"); /* each call says it anew */
	put_new(body, "Template", text);
	put_new(body, "Given", given);
	json_object_del(body, "Processed");
	put_new(body, "Processed", processed);
	for (size_t i = 0; i < COUNT(copied); i++)
		if (json_object_get(call->input, copied[i]))
			json_object_set(body, copied[i], json_object_get(call->input, copied[i]));
	if (json_is_true(json_object_get(call->input, "DisableRollback")))
		put_text(body, "OnFailure", "DO_NOTHING");
	json_object_del(body, "PolicyNow");
	err = policy_of_input(call, "StackPolicy", "Policy", body);
	if (!err)
		err = policy_of_input(call, "StackPolicyDuringUpdate", "PolicyNow", body);
	if (err) {
		json_decref(body);
		return err;
	}
	if (!old)
		put_text(body, "StackId", "arn:aws:cloudformation:pending");
	TRY(stack_make(cfn_of(call), json_incref(body), &stack));
	err = check_all(call, stack);
	if (!err) {
		const json_t *words = json_object_get(stack->template.root, "Description");

		json_object_del(body, "Description");
		if (words)
			json_object_set(body, "Description", (json_t *)words);
	}
	stack_free(stack);
	if (err)
		json_decref(body);
	else
		*ret_body = body;
	return err;
}

/* ---- Create ---- */

static err_t check_name(struct api_call *call, const char *name)
{
	size_t len = strlen(name);
	bool good = len > 0 && len <= 128 && isalpha((unsigned char)name[0]);

	for (size_t i = 0; good && i < len; i++)
		good = isalnum((unsigned char)name[i]) || name[i] == '-';
	if (good)
		return ERR_OK;
	return api_fault(call, "ValidationError",
			 "1 validation error detected: Value '%.200s' at 'stackName' failed to "
			 "satisfy constraint: Member must satisfy regular expression pattern: "
			 "[a-zA-Z][-a-zA-Z0-9]*",
			 name);
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

CFN_OPERATION(create_stack)
{
	const char *name = text_at(call->input, "StackName");
	struct stack *stack;
	json_t *body;

	TRY(check_name(call, name));
	TRY(body_of_input(call, name, NULL, &body));
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

/* Whether a new body would change anything. */
bool changes_anything(const json_t *old, const json_t *body)
{
	static const char *const members[] = { "Template", "Processed", "Given", "Tags" };

	for (size_t i = 0; i < COUNT(members); i++) {
		json_t *a = json_object_get(old, members[i]),
		       *b = json_object_get(body, members[i]);

		if (a != b && !(a && b && json_equal(a, b)))
			return true;
	}
	return false;
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
	static const char *const kept[] = { "Template", "Processed", "Given", "Tags",
					    "Description" };
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

/* ---- Delete ---- */

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
