/*
 * forms: what each function takes, as far as it stands in the template: told before anything is
 * touched, and again where a value is worked out. Words as AWS has them, where it has any.
 */
#include <ctype.h>
#include <string.h>

#include "services/cloudformation/evaluate_internal.h"

/* ---- Kinds of arguments ---- */

static bool is_call(const json_t *value)
{
	const json_t *argument;
	const char *name;

	return is_function(value, &name, &argument);
}

static bool is_text(const json_t *value)
{
	return (json_is_string(value) && json_string_length(value)) || is_call(value);
}

static bool is_scalar(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value) ||
	       is_call(value);
}

static bool is_list(const json_t *value)
{
	return json_is_array(value) || is_call(value);
}

static bool is_index(const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text || !text[0])
		return (json_is_integer(value) && json_integer_value(value) >= 0) || is_call(value);
	for (; *text; text++)
		if (!isdigit((unsigned char)*text))
			return false;
	return true;
}

/* ---- Functions with forms of their own ---- */

static bool takes_attribute(const json_t *argument)
{
	const char *text = json_string_value(argument), *dot = text ? strchr(text, '.') : NULL;

	if (text)
		return dot && dot != text && dot[1];
	return json_array_size(argument) == 2 && json_is_string(json_array_get(argument, 0)) &&
	       json_string_length(json_array_get(argument, 0)) &&
	       is_text(json_array_get(argument, 1));
}

static bool takes_sub(const json_t *argument)
{
	return json_is_string(argument) ||
	       (json_array_size(argument) == 2 && json_is_string(json_array_get(argument, 0)) &&
		json_is_object(json_array_get(argument, 1)));
}

static bool takes_name(const json_t *argument)
{
	return json_is_string(argument) && json_string_length(argument);
}

static bool takes_join(const json_t *argument)
{
	return is_scalar(json_array_get(argument, 0)) && is_list(json_array_get(argument, 1));
}

static bool takes_split(const json_t *argument)
{
	return is_text(json_array_get(argument, 0)) && is_scalar(json_array_get(argument, 1));
}

static bool takes_select(const json_t *argument)
{
	return is_index(json_array_get(argument, 0)) && is_list(json_array_get(argument, 1));
}

static bool takes_if(const json_t *argument)
{
	return takes_name(json_array_get(argument, 0));
}

static bool takes_map(const json_t *argument)
{
	for (size_t i = 0; i < 3; i++)
		if (!is_scalar(json_array_get(argument, i)))
			return false;
	return json_array_size(argument) == 3 ||
	       json_object_get(json_array_get(argument, 3), "DefaultValue");
}

static bool takes_blocks(const json_t *argument)
{
	return is_text(json_array_get(argument, 0)) && is_index(json_array_get(argument, 1)) &&
	       (json_array_size(argument) == 2 || is_index(json_array_get(argument, 2)));
}

static bool takes_transform(const json_t *argument)
{
	return json_is_string(json_object_get(argument, "Name"));
}

/* ---- The table ---- */

/* `most` 0: any argument that `takes` takes; else a list of so many, and `takes` may be NULL. */
static const struct form {
	const char *name;
	unsigned least, most;
	bool (*takes)(const json_t *argument);
	const char *words;
} forms[] = {
	{ "Ref", 0, 0, takes_name, "a Ref takes the name of a parameter or resource" },
	{ "Condition", 0, 0, takes_name, "Condition takes the name of a condition" },
	{ "Fn::GetAtt", 0, 0, takes_attribute,
	  "every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
	  "resource attribute" },
	{ "Fn::Sub", 0, 0, takes_sub,
	  "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string "
	  "as first argument, and an optional second argument to specify a mapping of values to replace "
	  "in the string" },
	{ "Fn::Join", 2, 2, takes_join,
	  "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
	  "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to "
	  "be joined." },
	{ "Fn::Split", 2, 2, takes_split,
	  "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to "
	  "be split or a function that returns a string to be split." },
	{ "Fn::Select", 2, 2, takes_select,
	  "Fn::Select requires a list argument with two elements: an integer index and a list" },
	{ "Fn::If", 3, 3, takes_if,
	  "Fn::If requires a list argument with 3 elements, the first of them the name of a "
	  "condition" },
	{ "Fn::Equals", 2, 2, NULL,
	  "every Fn::Equals object requires a list of 2 string parameters." },
	{ "Fn::And", 2, 10, NULL,
	  "every Fn::And object requires a list of at least 2 and at most 10 boolean parameters." },
	{ "Fn::Or", 2, 10, NULL,
	  "every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters." },
	{ "Fn::Not", 1, 1, NULL, "every Fn::Not object requires one boolean parameter." },
	{ "Fn::FindInMap", 3, 4, takes_map,
	  "every Fn::FindInMap object requires three parameters, the map name, map key and the "
	  "attribute for return value" },
	{ "Fn::GetAZs", 0, 0, is_scalar, "Fn::GetAZs takes the name of a region" },
	{ "Fn::ImportValue", 0, 0, is_text, "Fn::ImportValue takes the name of an export" },
	{ "Fn::Base64", 0, 0, is_scalar,
	  "every Fn::Base64 object must have a String-typed value." },
	{ "Fn::Cidr", 2, 3, takes_blocks,
	  "every Fn::Cidr object requires two or three parameters, (1) an ipblock, (2) a count and "
	  "(3) cidrBits" },
	{ "Fn::Length", 0, 0, is_list,
	  "Fn::Length expects a list, or a function that returns one" },
	{ "Fn::ToJsonString", 0, 0, NULL, NULL },
	{ "Fn::Transform", 0, 0, takes_transform, "Fn::Transform takes a Name and Parameters" },
};

bool function_known(const char *name)
{
	for (size_t i = 0; i < COUNT(forms); i++)
		if (strcmp(forms[i].name, name) == 0)
			return true;
	return false;
}

const char *function_problem(const char *name, const json_t *argument)
{
	const struct form *form = forms;
	size_t count = json_array_size(argument);

	while (form < forms + COUNT(forms) && strcmp(form->name, name) != 0)
		form++;
	if (form == forms + COUNT(forms))
		return NULL;
	if (form->most && (!json_is_array(argument) || count < form->least || count > form->most))
		return form->words;
	return form->takes && !form->takes(argument) ? form->words : NULL;
}

/* ---- Names in texts ---- */

static err_t pass_plain(void *owner, struct bytes text)
{
	(void)owner;
	(void)text;
	return ERR_OK;
}

static err_t look_at_name(void *owner, struct bytes name)
{
	(void)owner;
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.at[i]) && !strchr("_.:", name.at[i]))
			return ERR_INVALID;
	return name.len ? ERR_OK : ERR_INVALID;
}

const char *sub_problem(const json_t *argument)
{
	const json_t *text = json_is_array(argument) ? json_array_get(argument, 0) : argument;
	struct bytes bytes = bytes_make(json_string_value(text), json_string_length(text));
	err_t err = json_is_string(text) ? sub_each(bytes, pass_plain, look_at_name, NULL) : ERR_OK;

	if (err == ERR_SYNTAX)
		return "Fn::Sub has a ${ that does not end";
	return err ? "variable names in Fn::Sub syntax must contain only alphanumeric characters, "
		     "underscores, periods, and colons"
		   : NULL;
}
