/*
 * evaluate: the functions as rows, and values without them; each function is in functions_*.c.
 */
#include "services/cloudformation/evaluate_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Words ---- */

err_t eval_refuse(struct eval *eval, const json_t *where, const char *format, ...)
{
	unsigned line = template_line(eval->template, where);
	char words[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(words, sizeof words, format, list);
	va_end(list);
	text_printf(eval->why, "Template error: %s", words);
	if (line)
		text_printf(eval->why, " (line %u)", line);
	return ERR_INVALID;
}

bool is_function(const json_t *value, const char **ret_name, const json_t **ret_argument)
{
	const char *name;
	json_t *argument;

	if (json_object_size(value) != 1)
		return false;
	json_object_foreach ((json_t *)value, name, argument) {
		*ret_name = name;
		*ret_argument = argument;
		if (strcmp(name, "Condition") == 0)
			return json_is_string(argument); /* a policy's Condition is an object */
		return strcmp(name, "Ref") == 0 || strncmp(name, "Fn::", 4) == 0;
	}
	return false;
}

/* ---- What functions take ---- */

err_t eval_as_text(struct eval *eval, const json_t *where, const json_t *value, const char *who,
		   struct text *out)
{
	json_t *got;
	err_t err;

	TRY(evaluate(eval, value, &got));
	err = scalar_text(got, out);
	json_decref(got);
	if (err == ERR_INVALID)
		return eval_refuse(eval, where, "%s needs a text where there is none", who);
	return err;
}

/* A list, also one that came as a text with commas, which is how parameters hold lists. */
err_t eval_as_list(struct eval *eval, const json_t *where, const json_t *value, const char *who,
		   json_t **ret_list)
{
	TRY(evaluate(eval, value, ret_list));
	if (json_is_array(*ret_list))
		return ERR_OK;
	json_decref(*ret_list);
	return eval_refuse(eval, where, "%s needs a list where there is none", who);
}

static json_t *text_json(const struct text *text)
{
	return text_err(text) ? NULL : json_stringn(text_str(text), text->len);
}

err_t eval_take_text(struct text *text, err_t err, json_t **ret_value)
{
	if (!err) {
		*ret_value = text_json(text);
		err = *ret_value ? ERR_OK : text_err(text) ? text_err(text) : ERR_NOMEM;
	}
	text_fini(text);
	return err;
}

/* ---- The table ---- */

static const struct function {
	const char *name;
	err_t (*run)(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret);
} functions[] = {
	{ "Ref", fn_ref },
	{ "Condition", fn_condition },
	{ "Fn::GetAtt", fn_get_att },
	{ "Fn::Sub", fn_sub },
	{ "Fn::Join", fn_join },
	{ "Fn::Split", fn_split },
	{ "Fn::Select", fn_select },
	{ "Fn::If", fn_if },
	{ "Fn::Equals", fn_equals },
	{ "Fn::And", fn_and },
	{ "Fn::Or", fn_or },
	{ "Fn::Not", fn_not },
	{ "Fn::FindInMap", fn_find_in_map },
	{ "Fn::GetAZs", fn_zones },
	{ "Fn::ImportValue", fn_import },
	{ "Fn::Base64", fn_base64 },
	{ "Fn::Cidr", fn_cidr },
	{ "Fn::Length", fn_length },
	{ "Fn::ToJsonString", fn_to_json },
};

static err_t call_function(struct eval *eval, const json_t *where, const char *name,
			   const json_t *argument, json_t **ret)
{
	const char *wrong = function_problem(name, argument);

	if (!wrong && strcmp(name, "Fn::Sub") == 0)
		wrong = sub_problem(argument);
	if (wrong)
		return eval_refuse(eval, where, "%s", wrong);
	for (size_t i = 0; i < COUNT(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return functions[i].run(eval, where, argument, ret);
	return eval_refuse(eval, where, "there is no function '%s'", name);
}

/* ---- Dynamic references ---- */

/* {{resolve:ssm:/a/b}} and its like, anywhere in a text. */
static err_t resolve_text(struct eval *eval, const json_t *where, struct bytes text, json_t **ret)
{
	struct text out = TEXT_INIT(EVAL_TEXT_BYTES_MAX);
	static const struct bytes mark = { "{{resolve:", 10 };
	size_t at, end;
	err_t err = ERR_OK;

	while (!err && (at = bytes_find(text, mark)) != SIZE_MAX) {
		struct bytes inner = bytes_from(text, at + mark.len), service;
		char name[64], reference[1024];
		json_t *value = NULL;

		text_add(&out, bytes_upto(text, at));
		end = bytes_find(inner, BYTES("}}"));
		text = end == SIZE_MAX ? text : bytes_from(inner, end + 2);
		inner = bytes_upto(inner, end);
		if (end == SIZE_MAX || !bytes_cut(&inner, ':', &service) || !inner.at ||
		    service.len >= sizeof name || inner.len >= sizeof reference) {
			err = eval_refuse(eval, where, "a {{resolve:…}} is not SERVICE:REFERENCE");
			break;
		}
		snprintf(name, sizeof name, "%.*s", BYTES_ARG(service));
		snprintf(reference, sizeof reference, "%.*s", BYTES_ARG(inner));
		err = eval->source && eval->source->resolve
			      ? eval->source->resolve(eval->owner, name, reference, &value)
			      : ERR_AGAIN;
		if (err == ERR_NOT_FOUND)
			err = eval_refuse(eval, where, "{{resolve:%s:%s}} is not there", name,
					  reference);
		if (!err)
			err = scalar_text(value, &out);
		json_decref(value);
	}
	text_add(&out, text);
	return eval_take_text(&out, err, ret);
}

/* ---- Values ---- */

static err_t evaluate_list(struct eval *eval, const json_t *value, json_t **ret)
{
	json_t *list = json_array(), *item, *got;
	err_t err = list ? ERR_OK : ERR_NOMEM;
	size_t i;

	json_array_foreach ((json_t *)value, i, item) {
		err = err ? err : evaluate(eval, item, &got);
		if (err)
			break;
		if (json_is_null(got)) /* AWS::NoValue */
			json_decref(got);
		else if (json_array_append_new(list, got))
			err = ERR_NOMEM;
	}
	if (err)
		json_decref(list);
	else
		*ret = list;
	return err;
}

static err_t evaluate_object(struct eval *eval, const json_t *value, json_t **ret)
{
	json_t *object = json_object(), *member, *got;
	err_t err = object ? ERR_OK : ERR_NOMEM;
	const char *key;

	json_object_foreach ((json_t *)value, key, member) {
		err = err ? err : evaluate(eval, member, &got);
		if (err)
			break;
		if (json_is_null(got))
			json_decref(got);
		else if (json_object_set_new(object, key, got))
			err = ERR_NOMEM;
	}
	if (err)
		json_decref(object);
	else
		*ret = object;
	return err;
}

static err_t evaluate_whole(struct eval *eval, const json_t *value, json_t **ret_value)
{
	const char *name;
	const json_t *argument;
	struct bytes text;

	if (is_function(value, &name, &argument))
		return call_function(eval, value, name, argument, ret_value);
	if (json_is_object(value))
		return evaluate_object(eval, value, ret_value);
	if (json_is_array(value))
		return evaluate_list(eval, value, ret_value);
	text = bytes_make(json_string_value(value), json_string_length(value));
	if (json_is_string(value) && bytes_find(text, BYTES("{{resolve:")) != SIZE_MAX)
		return resolve_text(eval, value, text, ret_value);
	*ret_value = json_incref((json_t *)value);
	return ERR_OK;
}

err_t evaluate(struct eval *eval, const json_t *value, json_t **ret_value)
{
	err_t err;

	*ret_value = NULL;
	if (eval->depth == EVAL_DEPTH_MAX)
		return eval_refuse(eval, value, "functions are nested too deep");
	eval->depth++;
	err = evaluate_whole(eval, value, ret_value);
	eval->depth--;
	return err;
}
