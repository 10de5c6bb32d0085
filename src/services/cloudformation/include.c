/*
 * include: the transform AWS::Include: what lies in S3 takes the place of its name, once, when a
 * template comes in. What is meant by a name may be another thing tomorrow; a stack keeps what it
 * was made of.
 */
#include <stdlib.h>
#include <string.h>

#include "services/cloudformation/stacks.h"

enum { INCLUDES_MAX = 50 };

struct including {
	struct api_call *call;
	const struct template *template;
	const json_t *parameters; /* NULL: they do not resolve, which is told later */
	unsigned count;
	struct text why;
};

static err_t refuse(struct including *in, const char *words, const char *name)
{
	return api_fault(in->call, "ValidationError", "Transform AWS::Include failed with: %s%s%s",
			 words, name[0] ? ": " : "", name);
}

static err_t location_of(struct including *in, const json_t *transform, struct text *out)
{
	const json_t *given = json_object_get(json_object_get(transform, "Parameters"), "Location");
	json_t *conditions = json_object(), *value = NULL;
	struct eval eval = { .template = in->template,
			     .parameters = in->parameters,
			     .conditions = conditions,
			     .account = in->call->caller->account,
			     .region = in->call->caller->region,
			     .stack_name = "",
			     .stack_id = "",
			     .why = &in->why };
	err_t err = given ? evaluate(&eval, given, &value) : ERR_INVALID;

	if (!err)
		err = scalar_text(value, out);
	json_decref(value);
	json_decref(conditions);
	if (!err || err == ERR_NOMEM)
		return err;
	return refuse(in, "Location is the address of an object in S3, of parameters at most",
		      text_str(&in->why));
}

static bool has_transform(const json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	json_object_foreach ((json_t *)value, key, item)
		if (strcmp(key, "Fn::Transform") == 0 || has_transform(item))
			return true;
	json_array_foreach ((json_t *)value, i, item)
		if (has_transform(item))
			return true;
	return false;
}

/* Its members become those of `into`. */
static err_t take_content(struct including *in, const char *url, struct bytes content, json_t *into)
{
	struct template included;
	err_t err = template_parse(content, &included, &in->why);

	if (err)
		return refuse(in, url, text_str(&in->why));
	if (has_transform(included.root))
		err = refuse(in, "what is included includes nothing itself", url);
	else if (json_object_update(into, included.root))
		err = ERR_NOMEM;
	template_fini(&included);
	return err;
}

static err_t include(struct including *in, const json_t *transform, json_t *into)
{
	struct text url = TEXT_INIT(2048), content = TEXT_INIT(TEMPLATE_BYTES_MAX);
	const char *name = text_at(transform, "Name");
	err_t err;

	text_clear(&in->why);
	if (strcmp(name, "AWS::Include") != 0)
		return api_fault(in->call, "ValidationError", "No transform named %.200s found.",
				 name);
	if (++in->count > INCLUDES_MAX)
		return refuse(in, "there are too many of them", "");
	err = location_of(in, transform, &url);
	if (!err) {
		err = fetch_object(cfn_of(in->call), in->call->caller, text_str(&url), &content,
				   &in->why);
		if (err == ERR_INVALID)
			err = refuse(in, text_str(&in->why), "");
	}
	if (!err)
		err = take_content(in, text_str(&url), text_bytes(&content), into);
	text_fini(&url);
	text_fini(&content);
	return err;
}

static err_t walk(struct including *in, json_t *value)
{
	json_t *transform = json_incref(json_object_get(value, "Fn::Transform")), *item;
	const char *key;
	size_t i;
	err_t err = ERR_OK;

	json_object_foreach (value, key, item)
		if (!err && strcmp(key, "Fn::Transform") != 0)
			err = walk(in, item);
	json_array_foreach (value, i, item)
		err = err ? err : walk(in, item);
	if (!err && transform) {
		json_object_del(value, "Fn::Transform");
		err = include(in, transform, value);
	}
	json_decref(transform);
	return err;
}

/* {Name: AWS::Include, …} among the template's own transforms goes into its top. */
static err_t at_top(struct including *in, json_t *root)
{
	json_t *given = json_object_get(root, "Transform"), *kept = json_array(), *one;
	json_t *list = json_is_array(given) ? json_incref(given)
		       : given		    ? json_pack("[O]", given)
					    : json_array();
	size_t i;
	err_t err = ERR_OK;

	json_array_foreach (list, i, one) {
		if (json_is_object(one))
			err = err ? err : include(in, one, root);
		else
			json_array_append(kept, one);
	}
	json_decref(list);
	if (in->count && json_array_size(kept))
		json_object_set(root, "Transform", kept);
	else if (in->count)
		json_object_del(root, "Transform");
	json_decref(kept);
	return err;
}

static err_t include_all(struct including *in, json_t **ret_text)
{
	json_t *root = json_deep_copy(in->template->root);
	char *text;
	err_t err = root ? at_top(in, root) : ERR_NOMEM;

	if (!err)
		err = walk(in, root);
	if (!err && in->count) {
		text = json_dumps(root, JSON_INDENT(1));
		*ret_text = text ? json_string(text) : NULL;
		free(text);
		err = *ret_text ? ERR_OK : ERR_NOMEM;
	}
	json_decref(root);
	return err;
}

bool template_includes(const struct template *template)
{
	const json_t *given = json_object_get(template->root, "Transform"), *one;
	bool any = json_is_object(given) || has_transform(template->root);
	size_t i;

	json_array_foreach ((json_t *)given, i, one)
		any = any || json_is_object(one);
	return any;
}

err_t template_include(struct api_call *call, const json_t *text, const json_t *given,
		       json_t **ret_text)
{
	struct including in = { .call = call, .why = TEXT_INIT(4096) };
	struct template template;
	json_t *parameters = NULL;
	err_t err = ERR_OK;

	*ret_text = NULL;
	if (!strstr(json_string_value(text), "Transform") ||
	    template_parse(bytes_of(json_string_value(text)), &template, &in.why)) {
		text_fini(&in.why);
		return ERR_OK; /* what is wrong is told when it is opened */
	}
	if (parameters_resolve(&template, given, NULL, NULL, &parameters, &in.why))
		parameters = NULL;
	in.template = &template;
	in.parameters = parameters;
	err = include_all(&in, ret_text);
	json_decref(parameters);
	template_fini(&template);
	text_fini(&in.why);
	return err;
}
