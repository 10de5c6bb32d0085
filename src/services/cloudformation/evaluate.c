/*
 * evaluate: the functions as rows, each with what it makes of its argument. An argument comes as
 * it stands in the template: a function evaluates what it takes.
 */
#include "services/cloudformation/evaluate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"

enum { EVAL_DEPTH_MAX = 128, EVAL_TEXT_BYTES_MAX = 1024 * 1024 };

/* ---- Words ---- */

static err_t refuse(struct eval *eval, const json_t *where, const char *format, ...)
	PRINTF_LIKE(3, 4);

static err_t refuse(struct eval *eval, const json_t *where, const char *format, ...)
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

static err_t as_text(struct eval *eval, const json_t *where, const json_t *value, const char *who,
		     struct text *out)
{
	json_t *got;
	err_t err;

	TRY(evaluate(eval, value, &got));
	err = scalar_text(got, out);
	json_decref(got);
	if (err == ERR_INVALID)
		return refuse(eval, where, "%s needs a text where there is none", who);
	return err;
}

/* A list, also one that came as a text with commas, which is how parameters hold lists. */
static err_t as_list(struct eval *eval, const json_t *where, const json_t *value, const char *who,
		     json_t **ret_list)
{
	TRY(evaluate(eval, value, ret_list));
	if (json_is_array(*ret_list))
		return ERR_OK;
	json_decref(*ret_list);
	return refuse(eval, where, "%s needs a list where there is none", who);
}

static err_t needs(struct eval *eval, const json_t *where, const json_t *argument, size_t least,
		   size_t most, const char *words)
{
	size_t count = json_array_size(argument);

	if (json_is_array(argument) && count >= least && count <= most)
		return ERR_OK;
	return refuse(eval, where, "%s", words);
}

static json_t *text_json(const struct text *text)
{
	return text_err(text) ? NULL : json_stringn(text_str(text), text->len);
}

static err_t take_text(struct text *text, err_t err, json_t **ret_value)
{
	if (!err) {
		*ret_value = text_json(text);
		err = *ret_value ? ERR_OK : text_err(text) ? text_err(text) : ERR_NOMEM;
	}
	text_fini(text);
	return err;
}

/* ---- Names ---- */

static json_t *pseudo(const struct eval *eval, const char *name)
{
	if (strcmp(name, "AWS::NoValue") == 0)
		return json_null();
	if (strcmp(name, "AWS::AccountId") == 0)
		return json_string(eval->account);
	if (strcmp(name, "AWS::Region") == 0)
		return json_string(eval->region);
	if (strcmp(name, "AWS::Partition") == 0)
		return json_string("aws");
	if (strcmp(name, "AWS::URLSuffix") == 0)
		return json_string("amazonaws.com");
	if (strcmp(name, "AWS::StackName") == 0)
		return json_string(eval->stack_name);
	if (strcmp(name, "AWS::StackId") == 0)
		return json_string(eval->stack_id);
	if (strcmp(name, "AWS::NotificationARNs") == 0)
		return json_array(); /* stacks tell nobody */
	return NULL;
}

static err_t refer(struct eval *eval, const json_t *where, const char *name, json_t **ret_value)
{
	const json_t *parameter = json_object_get(eval->parameters, name);
	err_t err = ERR_AGAIN;

	*ret_value = parameter ? json_deep_copy(parameter) : pseudo(eval, name);
	if (*ret_value)
		return ERR_OK;
	if (eval->source && eval->source->ref)
		err = eval->source->ref(eval->owner, name, ret_value);
	if (err == ERR_NOT_FOUND)
		return refuse(eval, where,
			      "'%s' is neither a parameter nor a resource of this template", name);
	return err;
}

static err_t attribute(struct eval *eval, const json_t *where, const char *id, const char *name,
		       json_t **ret_value)
{
	err_t err = ERR_AGAIN;

	if (eval->source && eval->source->attribute)
		err = eval->source->attribute(eval->owner, id, name, ret_value);
	if (err == ERR_NOT_FOUND)
		return refuse(eval, where, "resource '%s' has no attribute '%s'", id, name);
	return err;
}

static err_t fn_ref(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	if (!json_is_string(argument))
		return refuse(eval, where, "a Ref takes the name of a parameter or resource");
	return refer(eval, where, json_string_value(argument), ret);
}

static err_t get_att_of(struct eval *eval, const json_t *where, const char *text, json_t **ret)
{
	const char *dot = strchr(text, '.');
	char id[256];

	if (!dot || dot == text || !dot[1] || (size_t)(dot - text) >= sizeof id)
		return refuse(eval, where, "Fn::GetAtt takes RESOURCE.ATTRIBUTE, not '%s'", text);
	memcpy(id, text, (size_t)(dot - text));
	id[dot - text] = '\0';
	return attribute(eval, where, id, dot + 1, ret);
}

static err_t fn_get_att(struct eval *eval, const json_t *where, const json_t *argument,
			json_t **ret)
{
	const char *id = json_string_value(json_array_get(argument, 0));
	struct text name = TEXT_INIT(1024);
	err_t err;

	if (json_is_string(argument))
		return get_att_of(eval, where, json_string_value(argument), ret);
	if (json_array_size(argument) != 2 || !id)
		return refuse(eval, where, "Fn::GetAtt needs a resource's name and an attribute's");
	err = as_text(eval, where, json_array_get(argument, 1), "Fn::GetAtt", &name);
	if (!err)
		err = attribute(eval, where, id, text_str(&name), ret);
	text_fini(&name);
	return err;
}

/* ---- Texts ---- */

struct subbing {
	struct eval *eval;
	const json_t *where, *values; /* values: of the second parameter, or NULL */
	struct text out;
};

static err_t sub_plain(void *owner, struct bytes text)
{
	struct subbing *sub = owner;

	text_add(&sub->out, text);
	return text_err(&sub->out);
}

static err_t sub_name(void *owner, struct bytes name_bytes)
{
	struct subbing *sub = owner;
	char name[512];
	json_t *value;
	err_t err;

	if (!name_bytes.len || name_bytes.len >= sizeof name)
		return refuse(sub->eval, sub->where, "Fn::Sub has a ${} without a name");
	memcpy(name, name_bytes.at, name_bytes.len);
	name[name_bytes.len] = '\0';
	if (json_object_get(sub->values, name))
		return as_text(sub->eval, sub->where, json_object_get(sub->values, name), "Fn::Sub",
			       &sub->out);
	err = strchr(name, '.') ? get_att_of(sub->eval, sub->where, name, &value)
				: refer(sub->eval, sub->where, name, &value);
	TRY(err);
	err = scalar_text(value, &sub->out);
	json_decref(value);
	if (err == ERR_INVALID)
		return refuse(sub->eval, sub->where, "in Fn::Sub, ${%s} is no text", name);
	return err;
}

static err_t fn_sub(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	const json_t *text = json_is_array(argument) ? json_array_get(argument, 0) : argument;
	struct subbing sub = { .eval = eval,
			       .where = where,
			       .values = json_array_get(argument, 1),
			       .out = TEXT_INIT(EVAL_TEXT_BYTES_MAX) };
	err_t err;

	if (!json_is_string(text) || (json_is_array(argument) && (json_array_size(argument) != 2 ||
								  !json_is_object(sub.values))))
		return refuse(
			eval, where,
			"Fn::Sub takes a text, or a list of a text and a map of names to values");
	err = sub_each(bytes_make(json_string_value(text), json_string_length(text)), sub_plain,
		       sub_name, &sub);
	if (err == ERR_SYNTAX)
		err = refuse(eval, where, "Fn::Sub has a ${ that does not end");
	return take_text(&sub.out, err, ret);
}

static err_t fn_join(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	struct text between = TEXT_INIT(4096), out = TEXT_INIT(EVAL_TEXT_BYTES_MAX);
	json_t *list = NULL, *item;
	err_t err = needs(eval, where, argument, 2, 2,
			  "every Fn::Join object requires two parameters, (1) a string delimiter "
			  "and (2) a list of strings to be joined or a function that returns a "
			  "list of strings (such as Fn::GetAZs) to be joined.");
	bool first = true;
	size_t i;

	if (!err)
		err = as_text(eval, where, json_array_get(argument, 0), "Fn::Join", &between);
	if (!err)
		err = as_list(eval, where, json_array_get(argument, 1), "Fn::Join", &list);
	json_array_foreach (list, i, item) {
		if (err || json_is_null(item))
			continue;
		if (!first)
			text_add(&out, text_bytes(&between));
		first = false;
		err = scalar_text(item, &out);
		if (err == ERR_INVALID)
			err = refuse(eval, where, "Fn::Join can join texts only");
	}
	json_decref(list);
	text_fini(&between);
	return take_text(&out, err, ret);
}

static err_t fn_split(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	struct text mark = TEXT_INIT(4096), text = TEXT_INIT(EVAL_TEXT_BYTES_MAX);
	json_t *list = json_array();
	err_t err = needs(eval, where, argument, 2, 2,
			  "every Fn::Split object requires two parameters, (1) a string delimiter "
			  "and (2) a string to be split");
	struct bytes rest;

	if (!err)
		err = as_text(eval, where, json_array_get(argument, 0), "Fn::Split", &mark);
	if (!err && !mark.len)
		err = refuse(eval, where, "Fn::Split needs a delimiter of at least one character");
	if (!err)
		err = as_text(eval, where, json_array_get(argument, 1), "Fn::Split", &text);
	for (rest = text_bytes(&text); !err;) {
		size_t at = bytes_find(rest, text_bytes(&mark));
		struct bytes part = bytes_upto(rest, at);

		if (json_array_append_new(list, json_stringn(part.len ? part.at : "", part.len)))
			err = ERR_NOMEM;
		if (at == SIZE_MAX)
			break;
		rest = bytes_from(rest, at + mark.len);
	}
	text_fini(&mark);
	text_fini(&text);
	if (err)
		json_decref(list);
	else
		*ret = list;
	return err;
}

static err_t fn_base64(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	struct text plain = TEXT_INIT(EVAL_TEXT_BYTES_MAX),
		    out = TEXT_INIT(2 * EVAL_TEXT_BYTES_MAX);
	err_t err = as_text(eval, where, argument, "Fn::Base64", &plain);

	if (!err)
		encode_base64(&out, text_bytes(&plain));
	text_fini(&plain);
	return take_text(&out, err, ret);
}

static err_t fn_to_json(struct eval *eval, const json_t *where, const json_t *argument,
			json_t **ret)
{
	json_t *value;
	char *text;

	(void)where;
	TRY(evaluate(eval, argument, &value));
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	json_decref(value);
	*ret = text ? json_string(text) : NULL;
	free(text);
	return *ret ? ERR_OK : ERR_NOMEM;
}

/* ---- Lists ---- */

static err_t as_index(struct eval *eval, const json_t *where, const json_t *value, const char *who,
		      uint64_t *ret_index)
{
	struct text text = TEXT_INIT(64);
	err_t err = as_text(eval, where, value, who, &text);

	if (!err && bytes_to_u64(text_bytes(&text), UINT32_MAX, ret_index))
		err = refuse(eval, where, "%s needs a whole number, not '%s'", who,
			     text_str(&text));
	text_fini(&text);
	return err;
}

static err_t fn_select(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	json_t *list = NULL, *item;
	uint64_t index = 0;
	err_t err;

	TRY(needs(eval, where, argument, 2, 2,
		  "every Fn::Select object requires two parameters, (1) an index and (2) a list"));
	TRY(as_index(eval, where, json_array_get(argument, 0), "Fn::Select", &index));
	TRY(as_list(eval, where, json_array_get(argument, 1), "Fn::Select", &list));
	item = json_array_get(list, (size_t)index);
	err = item && !json_is_null(item)
		      ? ERR_OK
		      : refuse(eval, where,
			       "Fn::Select cannot select nonexistent value at index %llu",
			       (unsigned long long)index);
	if (!err)
		*ret = json_incref(item);
	json_decref(list);
	return err;
}

static err_t fn_length(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	json_t *list;

	TRY(as_list(eval, where, argument, "Fn::Length", &list));
	*ret = json_integer((json_int_t)json_array_size(list));
	json_decref(list);
	return *ret ? ERR_OK : ERR_NOMEM;
}

static err_t fn_cidr(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	struct text range = TEXT_INIT(256);
	uint64_t count = 0, bits = 8;
	err_t err = needs(eval, where, argument, 2, 3,
			  "every Fn::Cidr object requires two or three parameters, (1) an ipblock, "
			  "(2) a count and (3) cidrBits");

	if (!err)
		err = as_text(eval, where, json_array_get(argument, 0), "Fn::Cidr", &range);
	if (!err)
		err = as_index(eval, where, json_array_get(argument, 1), "Fn::Cidr", &count);
	if (!err && json_array_size(argument) == 3)
		err = as_index(eval, where, json_array_get(argument, 2), "Fn::Cidr", &bits);
	if (!err) {
		err = cidr_blocks(text_bytes(&range), count, bits, ret);
		if (err && err != ERR_NOMEM)
			err = refuse(eval, where,
				     "Fn::Cidr cannot make %llu blocks of %llu bits of '%s'",
				     (unsigned long long)count, (unsigned long long)bits,
				     text_str(&range));
	}
	text_fini(&range);
	return err;
}

static err_t fn_zones(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	struct text region = TEXT_INIT(64);
	err_t err = as_text(eval, where, argument, "Fn::GetAZs", &region);

	if (!err)
		err = eval->source && eval->source->zones
			      ? eval->source->zones(eval->owner,
						    region.len ? text_str(&region) : eval->region,
						    ret)
			      : ERR_AGAIN;
	if (err == ERR_NOT_FOUND)
		err = refuse(eval, where, "Fn::GetAZs: there is no region '%s'", text_str(&region));
	text_fini(&region);
	return err;
}

static err_t fn_import(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	struct text name = TEXT_INIT(1024);
	err_t err = as_text(eval, where, argument, "Fn::ImportValue", &name);

	if (!err)
		err = eval->source && eval->source->import
			      ? eval->source->import(eval->owner, text_str(&name), ret)
			      : ERR_AGAIN;
	if (err == ERR_NOT_FOUND) {
		text_printf(eval->why, "No export named %s found.", text_str(&name));
		err = ERR_INVALID;
	}
	text_fini(&name);
	return err;
}

/* ---- Maps ---- */

static err_t fn_find_in_map(struct eval *eval, const json_t *where, const json_t *argument,
			    json_t **ret)
{
	const json_t *fallback = json_object_get(json_array_get(argument, 3), "DefaultValue");
	const json_t *found = json_object_get(eval->template->root, "Mappings");
	struct text words[3] = { TEXT_INIT(1024), TEXT_INIT(1024), TEXT_INIT(1024) };
	err_t err = needs(eval, where, argument, 3, 4,
			  "every Fn::FindInMap object requires three parameters, the map name, map "
			  "key and the attribute for return value");

	for (size_t i = 0; i < 3 && !err; i++) {
		err = as_text(eval, where, json_array_get(argument, i), "Fn::FindInMap", &words[i]);
		found = json_object_get(found, text_str(&words[i]));
	}
	if (!err && found)
		err = evaluate(eval, found, ret);
	else if (!err && fallback)
		err = evaluate(eval, fallback, ret);
	else if (!err)
		err = refuse(eval, where, "Unable to get mapping for %s::%s::%s",
			     text_str(&words[0]), text_str(&words[1]), text_str(&words[2]));
	for (size_t i = 0; i < 3; i++)
		text_fini(&words[i]);
	return err;
}

/* ---- Conditions ---- */

static err_t holds(struct eval *eval, const json_t *where, const json_t *value, bool *ret_holds)
{
	json_t *got;
	err_t err = ERR_OK;

	TRY(evaluate(eval, value, &got));
	if (json_is_boolean(got))
		*ret_holds = json_is_true(got);
	else if (json_is_string(got) && strcmp(json_string_value(got), "true") == 0)
		*ret_holds = true;
	else if (json_is_string(got) && strcmp(json_string_value(got), "false") == 0)
		*ret_holds = false;
	else
		err = refuse(eval, where, "a condition is neither true nor false");
	json_decref(got);
	return err;
}

err_t evaluate_condition(struct eval *eval, const char *name, bool *ret_holds)
{
	const json_t *known = json_object_get(eval->conditions, name);
	const json_t *given = json_object_get(json_object_get(eval->template->root, "Conditions"),
					      name);

	if (!given)
		return refuse(eval, given, "there is no condition '%s'", name);
	if (json_is_null(known))
		return refuse(eval, given, "condition '%s' asks for itself", name);
	if (!known) {
		if (json_object_set_new(eval->conditions, name, json_null()))
			return ERR_NOMEM;
		TRY(holds(eval, given, given, ret_holds));
		json_object_set_new(eval->conditions, name, json_boolean(*ret_holds));
	}
	*ret_holds = json_is_true(json_object_get(eval->conditions, name));
	return ERR_OK;
}

static err_t fn_condition(struct eval *eval, const json_t *where, const json_t *argument,
			  json_t **ret)
{
	bool is = false;

	if (!json_is_string(argument))
		return refuse(eval, where, "Condition takes the name of a condition");
	TRY(evaluate_condition(eval, json_string_value(argument), &is));
	*ret = json_boolean(is);
	return ERR_OK;
}

static err_t fn_if(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	const char *name = json_string_value(json_array_get(argument, 0));
	bool is = false;

	TRY(needs(eval, where, argument, 3, 3, "Fn::If requires a list argument with 3 elements"));
	if (!name)
		return refuse(eval, where, "the first of Fn::If is the name of a condition");
	TRY(evaluate_condition(eval, name, &is));
	return evaluate(eval, json_array_get(argument, is ? 1 : 2), ret);
}

static bool is_same(const json_t *a, const json_t *b)
{
	struct text x = TEXT_INIT(EVAL_TEXT_BYTES_MAX), y = TEXT_INIT(EVAL_TEXT_BYTES_MAX);
	bool same = !scalar_text(a, &x) && !scalar_text(b, &y)
			    ? bytes_eq(text_bytes(&x), text_bytes(&y))
			    : json_equal(a, b) != 0;

	text_fini(&x);
	text_fini(&y);
	return same;
}

static err_t fn_equals(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	json_t *a = NULL, *b = NULL;
	err_t err;

	TRY(needs(eval, where, argument, 2, 2,
		  "Fn::Equals requires a list argument with 2 elements"));
	TRY(evaluate(eval, json_array_get(argument, 0), &a));
	err = evaluate(eval, json_array_get(argument, 1), &b);
	if (!err)
		*ret = json_boolean(is_same(a, b));
	json_decref(a);
	json_decref(b);
	return err;
}

/* Of and/or: goes on while the answers are `on`. */
static err_t all_are(struct eval *eval, const json_t *where, const json_t *argument, bool on,
		     const char *words, json_t **ret)
{
	bool is = on;

	TRY(needs(eval, where, argument, 2, 10, words));
	for (size_t i = 0; i < json_array_size(argument) && is == on; i++)
		TRY(holds(eval, where, json_array_get(argument, i), &is));
	*ret = json_boolean(is);
	return ERR_OK;
}

static err_t fn_and(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	return all_are(eval, where, argument, true, "Fn::And takes 2 to 10 conditions", ret);
}

static err_t fn_or(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	return all_are(eval, where, argument, false, "Fn::Or takes 2 to 10 conditions", ret);
}

static err_t fn_not(struct eval *eval, const json_t *where, const json_t *argument, json_t **ret)
{
	bool is = false;

	TRY(needs(eval, where, argument, 1, 1, "Fn::Not takes a list of one condition"));
	TRY(holds(eval, where, json_array_get(argument, 0), &is));
	*ret = json_boolean(!is);
	return ERR_OK;
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
	for (size_t i = 0; i < COUNT(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return functions[i].run(eval, where, argument, ret);
	return refuse(eval, where, "there is no function '%s'", name);
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
			err = refuse(eval, where, "a {{resolve:…}} is not SERVICE:REFERENCE");
			break;
		}
		snprintf(name, sizeof name, "%.*s", BYTES_ARG(service));
		snprintf(reference, sizeof reference, "%.*s", BYTES_ARG(inner));
		err = eval->source && eval->source->resolve
			      ? eval->source->resolve(eval->owner, name, reference, &value)
			      : ERR_AGAIN;
		if (err == ERR_NOT_FOUND)
			err = refuse(eval, where, "{{resolve:%s:%s}} is not there", name,
				     reference);
		if (!err)
			err = scalar_text(value, &out);
		json_decref(value);
	}
	text_add(&out, text);
	return take_text(&out, err, ret);
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
		return refuse(eval, value, "functions are nested too deep");
	eval->depth++;
	err = evaluate_whole(eval, value, ret_value);
	eval->depth--;
	return err;
}
