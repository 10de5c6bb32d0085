/*
 * functions_text: what names stand for, and what makes texts of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "services/cloudformation/evaluate_internal.h"

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
		return eval_refuse(eval, where,
				   "'%s' is neither a parameter nor a resource of this template",
				   name);
	return err;
}

static err_t attribute(struct eval *eval, const json_t *where, const char *id, const char *name,
		       json_t **ret_value)
{
	err_t err = ERR_AGAIN;

	if (eval->source && eval->source->attribute)
		err = eval->source->attribute(eval->owner, id, name, ret_value);
	if (err == ERR_NOT_FOUND)
		return eval_refuse(eval, where, "resource '%s' has no attribute '%s'", id, name);
	return err;
}

FUNCTION(ref)
{
	return refer(eval, where, json_string_value(argument), ret);
}

static err_t get_att_of(struct eval *eval, const json_t *where, const char *text, json_t **ret)
{
	const char *dot = strchr(text, '.');
	char id[256];

	if (!dot || dot == text || !dot[1] || (size_t)(dot - text) >= sizeof id)
		return eval_refuse(eval, where, "Fn::GetAtt takes RESOURCE.ATTRIBUTE, not '%s'",
				   text);
	memcpy(id, text, (size_t)(dot - text));
	id[dot - text] = '\0';
	return attribute(eval, where, id, dot + 1, ret);
}

FUNCTION(get_att)
{
	const char *id = json_string_value(json_array_get(argument, 0));
	struct text name = TEXT_INIT(1024);
	err_t err;

	if (json_is_string(argument))
		return get_att_of(eval, where, json_string_value(argument), ret);
	err = eval_as_text(eval, where, json_array_get(argument, 1), "Fn::GetAtt", &name);
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
		return eval_refuse(sub->eval, sub->where, "Fn::Sub has a ${} without a name");
	memcpy(name, name_bytes.at, name_bytes.len);
	name[name_bytes.len] = '\0';
	if (json_object_get(sub->values, name))
		return eval_as_text(sub->eval, sub->where, json_object_get(sub->values, name),
				    "Fn::Sub", &sub->out);
	err = strchr(name, '.') ? get_att_of(sub->eval, sub->where, name, &value)
				: refer(sub->eval, sub->where, name, &value);
	TRY(err);
	err = scalar_text(value, &sub->out);
	json_decref(value);
	if (err == ERR_INVALID)
		return eval_refuse(sub->eval, sub->where, "in Fn::Sub, ${%s} is no text", name);
	return err;
}

FUNCTION(sub)
{
	const json_t *text = json_is_array(argument) ? json_array_get(argument, 0) : argument;
	struct subbing sub = { .eval = eval,
			       .where = where,
			       .values = json_array_get(argument, 1),
			       .out = TEXT_INIT(EVAL_TEXT_BYTES_MAX) };
	err_t err;

	err = sub_each(bytes_make(json_string_value(text), json_string_length(text)), sub_plain,
		       sub_name, &sub);
	return eval_take_text(&sub.out, err, ret);
}

FUNCTION(join)
{
	struct text between = TEXT_INIT(4096), out = TEXT_INIT(EVAL_TEXT_BYTES_MAX);
	json_t *list = NULL, *item;
	err_t err = eval_as_text(eval, where, json_array_get(argument, 0), "Fn::Join", &between);
	bool first = true;
	size_t i;

	if (!err)
		err = eval_as_list(eval, where, json_array_get(argument, 1), "Fn::Join", &list);
	json_array_foreach (list, i, item) {
		if (err || json_is_null(item))
			continue;
		if (!first)
			text_add(&out, text_bytes(&between));
		first = false;
		err = scalar_text(item, &out);
		if (err == ERR_INVALID)
			err = eval_refuse(eval, where, "Fn::Join can join texts only");
	}
	json_decref(list);
	text_fini(&between);
	return eval_take_text(&out, err, ret);
}

FUNCTION(split)
{
	struct text mark = TEXT_INIT(4096), text = TEXT_INIT(EVAL_TEXT_BYTES_MAX);
	json_t *list = json_array();
	err_t err = eval_as_text(eval, where, json_array_get(argument, 0), "Fn::Split", &mark);
	struct bytes rest;

	if (!err && !mark.len)
		err = eval_refuse(eval, where,
				  "Fn::Split needs a delimiter of at least one character");
	if (!err)
		err = eval_as_text(eval, where, json_array_get(argument, 1), "Fn::Split", &text);
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

FUNCTION(base64)
{
	struct text plain = TEXT_INIT(EVAL_TEXT_BYTES_MAX),
		    out = TEXT_INIT(2 * EVAL_TEXT_BYTES_MAX);
	err_t err = eval_as_text(eval, where, argument, "Fn::Base64", &plain);

	if (!err)
		encode_base64(&out, text_bytes(&plain));
	text_fini(&plain);
	return eval_take_text(&out, err, ret);
}

FUNCTION(to_json)
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
