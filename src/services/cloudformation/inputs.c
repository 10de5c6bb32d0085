/*
 * inputs: what a call says of a stack becomes its record: template, parameters, settings, checked.
 */
#include <stdlib.h>
#include <string.h>

#include "services/cloudformation/rules.h"
#include "services/cloudformation/stacks.h"
#include "services/cloudformation/triggers.h"

enum { TEMPLATE_BODY_BYTES_MAX = 51200 };

/* ---- Templates ---- */

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

/* ---- Parameters ---- */

/*
 * The value that a parameter had, be it given or the default of its time, which a new template may
 * have changed; NULL: there was no such parameter. A new reference.
 */
static json_t *previous_value(const json_t *old, const char *key)
{
	json_t *value = json_incref(json_object_get(json_object_get(old, "Given"), key));
	struct text ignored = TEXT_INIT(1024);
	struct template template;

	if (!old || value)
		return value;
	if (!template_parse(bytes_of(text_at(old, "Template")), &template, &ignored)) {
		const json_t *declared = json_object_get(template.root, "Parameters");

		value = json_incref(json_object_get(json_object_get(declared, key), "Default"));
		template_fini(&template);
	}
	text_fini(&ignored);
	return value;
}

/* [{ParameterKey, ParameterValue | UsePreviousValue}] → {name: text} */
static err_t given_of_input(struct api_call *call, const json_t *old, json_t **ret_given)
{
	json_t *given = json_object(), *row;
	size_t i;

	json_array_foreach (json_object_get(call->input, "Parameters"), i, row) {
		const char *key = text_at(row, "ParameterKey");
		bool previous = json_is_true(json_object_get(row, "UsePreviousValue"));
		json_t *value = previous ? previous_value(old, key)
					 : json_incref(json_object_get(row, "ParameterValue"));

		if (previous && !value) {
			json_decref(given);
			return api_fault(
				call, "ValidationError",
				"Invalid input for parameter key %s. Cannot specify "
				"usePreviousValue as true for a parameter key not in the previous "
				"template",
				key);
		}
		put_new(given, key, value);
	}
	*ret_given = given;
	return ERR_OK;
}

/* ---- All of it ---- */

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
	static const char *const members[] = { "RoleARN", "NotificationARNs" };

	for (size_t i = 0; i < COUNT(members); i++) {
		const json_t *value = json_object_get(call->input, members[i]);

		if (json_is_integer(value) || json_array_size(value) || json_string_length(value))
			return api_fault(call, "ValidationError",
					 "%s is not supported by this Weir: stacks are made by the "
					 "root, and tell nobody",
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
	json_object_del(body, "Resolved");
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
	if (!err)
		err = triggers_of_input(call, body);
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
		if (json_object_size(stack->resolved))
			json_object_set(body, "Resolved", stack->resolved);
	}
	stack_free(stack);
	if (err)
		json_decref(body);
	else
		*ret_body = body;
	return err;
}

/* ---- Differences ---- */

static bool is_same_value(const json_t *a, const json_t *b)
{
	struct text x = TEXT_INIT(64 * 1024), y = TEXT_INIT(64 * 1024);
	bool same = !scalar_text(a, &x) && !scalar_text(b, &y) &&
		    bytes_eq(text_bytes(&x), text_bytes(&y));

	text_fini(&x);
	text_fini(&y);
	return same;
}

/* Of the same template: what is not given is the default. */
static bool gives_the_same(const json_t *old, const json_t *body)
{
	json_t *both = json_copy(json_object_get(old, "Given")), *value;
	bool same = both && !json_object_update(both, json_object_get(body, "Given"));
	const char *key;

	json_object_foreach (both, key, value) {
		json_t *was = previous_value(old, key), *is = previous_value(body, key);

		same = same && was && is && is_same_value(was, is);
		json_decref(was);
		json_decref(is);
	}
	json_decref(both);
	return same;
}

/* Whether a new body would change anything. */
bool changes_anything(const json_t *old, const json_t *body)
{
	static const char *const members[] = { "Template", "Processed", "Resolved", "Tags" };

	for (size_t i = 0; i < COUNT(members); i++) {
		json_t *a = json_object_get(old, members[i]),
		       *b = json_object_get(body, members[i]);

		if (a != b && !(a && b && json_equal(a, b)))
			return true;
	}
	return !gives_the_same(old, body);
}
