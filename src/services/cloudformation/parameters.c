/*
 * parameters: types, defaults and constraints, in AWS's words.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cloudformation/check.h"

enum { PATTERN_STEPS_MAX = 1000000 };

/* Every type there is: a list, a number, a thing of AWS whose id it is. */
static const struct parameter_type {
	const char *name;
	const char *prefix; /* what an id begins with; NULL: anything */
	bool list, number;
} types[] = {
	{ "String", NULL, false, false },
	{ "Number", NULL, false, true },
	{ "List<Number>", NULL, true, true },
	{ "List<String>", NULL, true, false },
	{ "CommaDelimitedList", NULL, true, false },
	{ "AWS::EC2::AvailabilityZone::Name", NULL, false, false },
	{ "AWS::EC2::Image::Id", "ami-", false, false },
	{ "AWS::EC2::Instance::Id", "i-", false, false },
	{ "AWS::EC2::KeyPair::KeyName", NULL, false, false },
	{ "AWS::EC2::SecurityGroup::GroupName", NULL, false, false },
	{ "AWS::EC2::SecurityGroup::Id", "sg-", false, false },
	{ "AWS::EC2::Subnet::Id", "subnet-", false, false },
	{ "AWS::EC2::VPC::Id", "vpc-", false, false },
	{ "AWS::EC2::Volume::Id", "vol-", false, false },
	{ "AWS::Route53::HostedZone::Id", NULL, false, false },
	{ "AWS::SSM::Parameter::Name", NULL, false, false },
};

static const struct parameter_type list_of_things = { .list = true };

/* "List<AWS::EC2::Subnet::Id>" is a list of what it holds. */
static const struct parameter_type *type_named(struct bytes name)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (bytes_eq_str(name, types[i].name))
			return &types[i];
	if (bytes_starts(name, BYTES("List<AWS::")) && bytes_ends(name, BYTES(">")) &&
	    type_named(bytes_make(name.at + 5, name.len - 6)))
		return &list_of_things;
	return NULL;
}

/* "AWS::SSM::Parameter::Value<T>": true and T. */
static bool is_ssm(struct bytes *name)
{
	static const struct bytes prefix = { "AWS::SSM::Parameter::Value<", 27 };

	if (!bytes_starts(*name, prefix) || !bytes_ends(*name, BYTES(">")))
		return false;
	*name = bytes_make(name->at + prefix.len, name->len - prefix.len - 1);
	return true;
}

static const char *text_in(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

bool parameter_is_secret(const json_t *declaration)
{
	const json_t *flag = json_object_get(declaration, "NoEcho");

	return json_is_true(flag) ||
	       (json_is_string(flag) && strcasecmp(json_string_value(flag), "true") == 0);
}

/* ---- One value ---- */

struct value_check {
	const char *name;
	const json_t *declaration;
	const struct parameter_type *type;
	struct text *why;
};

static err_t refuse(const struct value_check *check, const char *format, ...) PRINTF_LIKE(2, 3);

static err_t refuse(const struct value_check *check, const char *format, ...)
{
	const char *own = text_in(check->declaration, "ConstraintDescription");
	char words[512];
	va_list list;

	va_start(list, format);
	vsnprintf(words, sizeof words, format, list);
	va_end(list);
	if (own)
		text_printf(check->why, "Parameter %s failed to satisfy constraint: %s",
			    check->name, own);
	else
		text_printf(check->why, "Parameter '%s' %s", check->name, words);
	return ERR_INVALID;
}

/* Numbers of a declaration may be written as texts. */
static bool bound_of(const json_t *declaration, const char *key, double *ret_bound)
{
	const json_t *value = json_object_get(declaration, key);

	if (json_is_number(value))
		*ret_bound = json_number_value(value);
	else if (json_is_string(value))
		*ret_bound = strtod(json_string_value(value), NULL);
	return value != NULL;
}

/* 0: does not match; 1: does; -1: the pattern is none. */
static int matches(const char *pattern, const char *text)
{
	int code, found;
	PCRE2_SIZE at;
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
					     PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF, &code,
					     &at, NULL);
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_match_data *data = compiled ? pcre2_match_data_create_from_pattern(compiled, NULL)
					  : NULL;

	found = -1;
	if (data && context) {
		pcre2_set_match_limit(context, PATTERN_STEPS_MAX);
		found = pcre2_match(compiled, (PCRE2_SPTR)text, strlen(text), 0, 0, data,
				    context) >= 0;
	}
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	pcre2_code_free(compiled);
	return found;
}

static err_t check_allowed(const struct value_check *check, const char *text)
{
	const json_t *allowed = json_object_get(check->declaration, "AllowedValues"), *one;
	size_t i;

	if (!allowed)
		return ERR_OK;
	json_array_foreach ((json_t *)allowed, i, one) {
		struct text word = TEXT_INIT(PARAMETER_BYTES_MAX);
		bool same = !scalar_text(one, &word) && strcmp(text_str(&word), text) == 0;

		text_fini(&word);
		if (same)
			return ERR_OK;
	}
	return refuse(check, "must be one of AllowedValues");
}

static err_t check_number(const struct value_check *check, const char *text)
{
	double bound = 0, number;
	char *end;

	number = strtod(text, &end);
	if (end == text || *end || !isfinite(number))
		return refuse(check, "must be a number");
	if (bound_of(check->declaration, "MinValue", &bound) && number < bound)
		return refuse(check, "must be a number not less than %g", bound);
	if (bound_of(check->declaration, "MaxValue", &bound) && number > bound)
		return refuse(check, "must be a number not greater than %g", bound);
	return ERR_OK;
}

static size_t characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

static err_t check_text(const struct value_check *check, const char *text)
{
	const char *pattern = text_in(check->declaration, "AllowedPattern");
	double bound = 0;

	if (bound_of(check->declaration, "MinLength", &bound) && (double)characters(text) < bound)
		return refuse(check, "must contain at least %g characters", bound);
	if (bound_of(check->declaration, "MaxLength", &bound) && (double)characters(text) > bound)
		return refuse(check, "must contain at most %g characters", bound);
	if (pattern && matches(pattern, text) < 0)
		return refuse(check, "has an AllowedPattern that is no regular expression: %.200s",
			      pattern);
	if (pattern && !matches(pattern, text))
		return refuse(check, "must match pattern %.200s", pattern);
	if (check->type->prefix && !bytes_starts(bytes_of(text), bytes_of(check->type->prefix)))
		return refuse(check, "must be an id that begins with '%s'", check->type->prefix);
	return ERR_OK;
}

static err_t check_item(const struct value_check *check, const char *text)
{
	TRY(check_allowed(check, text));
	return check->type->number ? check_number(check, text) : check_text(check, text);
}

/* "a, b" → ["a", "b"] */
static err_t make_list(const struct value_check *check, const char *text, json_t **ret_list)
{
	struct bytes rest = bytes_of(text), part;
	json_t *list = json_array();
	err_t err = list ? ERR_OK : ERR_NOMEM;

	while (!err && text[0] && bytes_cut(&rest, ',', &part)) {
		json_t *item;

		part = bytes_trim(part);
		item = json_stringn(part.len ? part.at : "", part.len);
		if (json_array_append_new(list, item))
			err = ERR_NOMEM;
		else
			err = check_item(check, json_string_value(item));
	}
	if (err)
		json_decref(list);
	else
		*ret_list = list;
	return err;
}

static err_t make_value(const struct value_check *check, const char *text, json_t **ret_value)
{
	if (strlen(text) > PARAMETER_BYTES_MAX)
		return refuse(check, "must contain at most %d bytes", PARAMETER_BYTES_MAX);
	if (check->type->list)
		return make_list(check, text, ret_value);
	TRY(check_item(check, text));
	*ret_value = json_string(text);
	return *ret_value ? ERR_OK : ERR_NOMEM;
}

/* ---- All of them ---- */

static err_t find_unknown(const json_t *declared, const json_t *given, struct text *why)
{
	const char *name;
	json_t *value;
	bool any = false;

	json_object_foreach ((json_t *)given, name, value) {
		if (json_object_get(declared, name))
			continue;
		text_printf(why, "%s%s", any ? ", " : "Parameters: [", name);
		any = true;
	}
	if (any)
		text_add_str(why, "] do not exist in the template");
	return any ? ERR_INVALID : ERR_OK;
}

static err_t find_missing(const json_t *declared, const json_t *given, struct text *why)
{
	const char *name;
	json_t *declaration;
	bool any = false;

	json_object_foreach ((json_t *)declared, name, declaration) {
		if (json_object_get(given, name) || json_object_get(declaration, "Default"))
			continue;
		text_printf(why, "%s%s", any ? ", " : "Parameters: [", name);
		any = true;
	}
	if (any)
		text_add_str(why, "] must have values");
	return any ? ERR_INVALID : ERR_OK;
}

static err_t resolve_ssm(const struct value_check *check, const struct eval_source *source,
			 void *owner, const char *name, json_t **ret_value)
{
	json_t *got = NULL;
	err_t err = source && source->resolve ? source->resolve(owner, "ssm", name, &got)
					      : ERR_NOT_FOUND;

	if (err == ERR_NOT_FOUND) {
		text_printf(
			check->why,
			"Unable to fetch parameters [%s] from parameter store for this account.",
			name);
		return ERR_INVALID;
	}
	TRY(err);
	if (check->type->list)
		err = make_list(check, json_string_value(got), ret_value);
	else
		*ret_value = json_incref(got);
	json_decref(got);
	return err;
}

static err_t resolve_one(const char *name, const json_t *declaration, const json_t *given,
			 const struct eval_source *source, void *owner, json_t *values,
			 struct text *why)
{
	struct value_check check = { .name = name, .declaration = declaration, .why = why };
	struct bytes type = bytes_of(text_in(declaration, "Type"));
	struct text text = TEXT_INIT(64 * 1024);
	json_t *value = NULL;
	bool ssm = is_ssm(&type);
	err_t err;

	check.type = type_named(type);
	if (!check.type) {
		text_printf(why, "Template format error: Unrecognized parameter type: %.*s",
			    BYTES_ARG(type));
		return ERR_INVALID;
	}
	err = scalar_text(given ? given : json_object_get(declaration, "Default"), &text);
	if (err == ERR_INVALID)
		err = refuse(&check, "must be a text");
	if (!err)
		err = ssm ? resolve_ssm(&check, source, owner, text_str(&text), &value)
			  : make_value(&check, text_str(&text), &value);
	text_fini(&text);
	if (!err && json_object_set_new(values, name, value))
		err = ERR_NOMEM;
	return err;
}

err_t parameter_check(const char *name, const json_t *declaration, bool strict, struct text *why)
{
	struct bytes type = bytes_of(text_in(declaration, "Type"));
	const json_t *allowed = json_object_get(declaration, "AllowedValues");
	const char *pattern = text_in(declaration, "AllowedPattern");
	json_t *ignored = NULL;
	bool ssm = is_ssm(&type);
	err_t err = ERR_OK;

	if (!type_named(type))
		text_printf(why, "Template format error: Unrecognized parameter type: %.*s",
			    BYTES_ARG(type));
	else if (allowed && !json_is_array(allowed))
		text_printf(why, "Template format error: AllowedValues of %s must be a list", name);
	else if (pattern && matches(pattern, "") < 0)
		text_printf(
			why,
			"Template format error: AllowedPattern of %s is no regular expression: %.200s",
			name, pattern);
	if (why->len)
		return ERR_INVALID;
	if (!strict || ssm || !json_object_get(declaration, "Default"))
		return ERR_OK;
	ignored = json_object();
	err = resolve_one(name, declaration, NULL, NULL, NULL, ignored, why);
	if (err == ERR_INVALID)
		text_add_str(why, ": its Default does not");
	json_decref(ignored);
	return err;
}

err_t parameters_resolve(const struct template *template, const json_t *given,
			 const struct eval_source *source, void *owner, json_t **ret_values,
			 struct text *why)
{
	json_t *declared = json_object_get(template->root, "Parameters"), *declaration, *values;
	const char *name;
	err_t err = ERR_OK;

	TRY(find_unknown(declared, given, why));
	TRY(find_missing(declared, given, why));
	values = json_object();
	if (!values)
		return ERR_NOMEM;
	json_object_foreach (declared, name, declaration)
		err = err ? err
			  : resolve_one(name, declaration, json_object_get(given, name), source,
					owner, values, why);
	if (err)
		json_decref(values);
	else
		*ret_values = values;
	return err;
}
