/*
 * templates: what there is to know of a template: of a stack, or before there is one.
 */
#include <stdlib.h>
#include <string.h>

#include "services/cloudformation/expand.h"
#include "services/cloudformation/stacks.h"

/* ---- Of a stack ---- */

/* With what it includes, and what its loops make. */
static void put_processed(struct api_call *call, struct stack *stack)
{
	bool loops = !stack_open(stack) &&
		     template_transforms(&stack->template, "AWS::LanguageExtensions");
	const char *made = text_at(stack->body, "Processed");
	char *text = loops ? json_dumps(stack->template.root, JSON_INDENT(1)) : NULL;

	put_text(call->output, "TemplateBody",
		 text	   ? text
		 : made[0] ? made
			   : text_at(stack->body, "Template"));
	free(text);
}

CFN_OPERATION(get_template)
{
	struct stack *stack;
	err_t err = stack_of_call(call, &stack);

	TRY(err);
	if (text_at(call->input, "ChangeSetName")[0]) {
		stack_free(stack);
		return api_fault(call, "ValidationError",
				 "The template of a change set is not shown by this Weir");
	}
	if (strcmp(text_at(call->input, "TemplateStage"), "Processed") == 0)
		put_processed(call, stack);
	else
		put_text(call->output, "TemplateBody", text_at(stack->body, "Template"));
	put_new(call->output, "StagesAvailable", json_pack("[s, s]", "Original", "Processed"));
	stack_free(stack);
	return ERR_OK;
}

/* ---- Summaries ---- */

static json_t *summary_of_parameter(const char *name, const json_t *declaration, bool long_form)
{
	json_t *row = json_pack("{s:s, s:b}", "ParameterKey", name, "NoEcho",
				(int)parameter_is_secret(declaration));
	const json_t *fallback = json_object_get(declaration, "Default");
	struct text text = TEXT_INIT(64 * 1024);

	if (fallback && !scalar_text(fallback, &text))
		put_text(row, "DefaultValue", text_str(&text));
	text_fini(&text);
	if (json_object_get(declaration, "Description"))
		json_object_set(row, "Description", json_object_get(declaration, "Description"));
	if (long_form) {
		json_t *allowed = json_object_get(declaration, "AllowedValues");

		put_text(row, "ParameterType", text_at(declaration, "Type"));
		put_new(row, "ParameterConstraints", json_pack("{s:O*}", "AllowedValues", allowed));
	}
	return row;
}

/* What must be acknowledged, and for which types. */
static void summarize_capabilities(struct api_call *call, const struct template *template,
				   const json_t *types, bool includes)
{
	const char *needed = capability_needed(template), *type;
	struct text reason = TEXT_INIT(4096);
	json_t *capabilities = needed[0] ? json_pack("[s]", needed) : json_array(), *value;

	json_object_foreach ((json_t *)types, type, value)
		if (is_iam_type(type))
			text_printf(&reason, "%s%s", reason.len ? ", " : "", type);
	if (needed[0])
		put_new(call->output, "CapabilitiesReason",
			json_sprintf("The following resource(s) require capabilities: [%s]",
				     text_str(&reason)));
	if (has_macros(template, includes))
		json_array_append_new(capabilities, json_string("CAPABILITY_AUTO_EXPAND"));
	put_new(call->output, "Capabilities", capabilities);
	text_fini(&reason);
}

static json_t *declared_transforms(const struct template *template, bool includes)
{
	json_t *given = json_object_get(template->root, "Transform"), *names = json_array(), *one;
	size_t i;

	if (json_is_string(given))
		json_array_append(names, given);
	json_array_foreach (given, i, one)
		if (json_is_string(one))
			json_array_append(names, one);
	if (includes)
		json_array_append_new(names, json_string("AWS::Include"));
	return names;
}

/* `includes`: there is, or was, something to include. */
static void summarize(struct api_call *call, const struct template *template, bool includes,
		      bool long_form)
{
	const char *name;
	json_t *parameters = json_array(), *value, *types = json_object(), *list = json_array();

	json_object_foreach (json_object_get(template->root, "Parameters"), name, value)
		json_array_append_new(parameters, summary_of_parameter(name, value, long_form));
	put_new(call->output, "Parameters", parameters);
	if (text_at(template->root, "Description")[0])
		put_text(call->output, "Description", text_at(template->root, "Description"));
	json_object_foreach (json_object_get(template->root, "Resources"), name, value)
		if (text_at(value, "Type")[0])
			put_new(types, text_at(value, "Type"), json_true());
	summarize_capabilities(call, template, types, includes);
	put_new(call->output, "DeclaredTransforms", declared_transforms(template, includes));
	json_object_foreach (types, name, value)
		json_array_append_new(list, json_string(name));
	if (long_form) {
		put_new(call->output, "ResourceTypes", json_incref(list));
		put_text(call->output, "Version", "2010-09-09");
	}
	json_decref(list);
	json_decref(types);
}

static err_t text_of_input(struct api_call *call, json_t **ret_text)
{
	const char *name = text_at(call->input, "StackName");
	struct stack *stack;
	err_t err;

	if (!name[0])
		return template_of_input(call, NULL, ret_text);
	err = stack_load(cfn_of(call), name, &stack);
	if (err == ERR_NOT_FOUND)
		return no_stack(call, name);
	TRY(err);
	*ret_text = json_incref(json_object_get(stack->body, "Template"));
	stack_free(stack);
	return ERR_OK;
}

/* What it includes in its place. */
static err_t include_into(struct api_call *call, json_t **text, bool *ret_included)
{
	json_t *given = json_object(), *processed = NULL;
	err_t err = template_include(call, *text, given, &processed);

	json_decref(given);
	*ret_included = processed != NULL;
	if (processed) {
		json_decref(*text);
		*text = processed;
	}
	return err;
}

static err_t look_at(struct api_call *call, struct template *template, bool included,
		     bool long_form)
{
	struct text why = TEXT_INIT(2048);
	json_t *sample = parameters_sample(template);
	err_t err = template_expand(template, sample, &why);

	err = err == ERR_NOMEM ? err : err ? fault_of(call, &why) : check_template(call, template);
	json_decref(sample);
	if (!err)
		summarize(call, template, included || template_includes(template), long_form);
	text_fini(&why);
	return err;
}

static err_t look_into(struct api_call *call, bool long_form)
{
	struct text why = TEXT_INIT(2048);
	struct template template;
	json_t *text = NULL;
	bool included = false;
	err_t err = text_of_input(call, &text);

	if (!err && long_form)
		err = include_into(call, &text, &included);
	if (!err && template_parse(bytes_of(json_string_value(text)), &template, &why)) {
		err = api_fault(call, "ValidationError", "Template format error: %s",
				text_str(&why));
	} else if (!err) {
		if (included)
			template_forget_lines(&template);
		err = look_at(call, &template, included, long_form);
		template_fini(&template);
	}
	json_decref(text);
	text_fini(&why);
	return err;
}

CFN_OPERATION(validate_template)
{
	return look_into(call, false);
}

CFN_OPERATION(get_template_summary)
{
	return look_into(call, true);
}
