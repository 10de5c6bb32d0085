/*
 * references: the names that a value asks of.
 */
#include <stdio.h>
#include <string.h>

#include "services/cloudformation/check.h"

struct walk {
	reference_fn found;
	void *owner;
};

static err_t tell(const struct walk *walk, int kind, const char *name, const char *attribute,
		  const json_t *where)
{
	struct reference reference = { .name = name, .attribute = attribute, .where = where };

	reference.kind = kind;
	return walk->found(walk->owner, &reference);
}

/* "Resource.Attribute" in one text. */
static err_t tell_dotted(const struct walk *walk, const char *text, const json_t *where)
{
	const char *dot = strchr(text, '.');
	char name[256];

	if (!dot || (size_t)(dot - text) >= sizeof name)
		return ERR_OK; /* its form is evaluate's to refuse */
	snprintf(name, sizeof name, "%.*s", (int)(dot - text), text);
	return tell(walk, REFERENCE_ATTRIBUTE, name, dot + 1, where);
}

struct sub_walk {
	const struct walk *walk;
	const json_t *where, *own;
};

static err_t skip_plain(void *owner, struct bytes text)
{
	(void)owner;
	(void)text;
	return ERR_OK;
}

static err_t tell_sub_name(void *owner, struct bytes name)
{
	const struct sub_walk *sub = owner;
	char text[512];

	if (!name.len || name.len >= sizeof text)
		return ERR_OK;
	snprintf(text, sizeof text, "%.*s", BYTES_ARG(name));
	if (json_object_get(sub->own, text))
		return ERR_OK;
	return strchr(text, '.') ? tell_dotted(sub->walk, text, sub->where)
				 : tell(sub->walk, REFERENCE_REF, text, "", sub->where);
}

static err_t walk_sub(const struct walk *walk, const json_t *where, const json_t *argument)
{
	const json_t *text = json_is_array(argument) ? json_array_get(argument, 0) : argument;
	struct sub_walk sub = { walk, where, json_array_get(argument, 1) };
	err_t err;

	if (!json_is_string(text))
		return ERR_OK;
	err = sub_each(bytes_of(json_string_value(text)), skip_plain, tell_sub_name, &sub);
	if (err && err != ERR_SYNTAX)
		return err;
	return references_each(sub.own, walk->found, walk->owner);
}

static err_t walk_attribute(const struct walk *walk, const json_t *where, const json_t *argument)
{
	const char *name = json_string_value(json_array_get(argument, 0));
	const json_t *attribute = json_array_get(argument, 1);

	if (json_is_string(argument))
		return tell_dotted(walk, json_string_value(argument), where);
	if (name)
		TRY(tell(walk, REFERENCE_ATTRIBUTE, name,
			 json_is_string(attribute) ? json_string_value(attribute) : "", where));
	return references_each(attribute, walk->found, walk->owner);
}

static err_t walk_function(const struct walk *walk, const json_t *where, const char *name,
			   const json_t *argument)
{
	const json_t *first = json_array_get(argument, 0);

	if (strcmp(name, "Ref") == 0 && json_is_string(argument))
		return tell(walk, REFERENCE_REF, json_string_value(argument), "", where);
	if (strcmp(name, "Condition") == 0)
		return tell(walk, REFERENCE_CONDITION, json_string_value(argument), "", where);
	if (strcmp(name, "Fn::Sub") == 0)
		return walk_sub(walk, where, argument);
	if (strcmp(name, "Fn::GetAtt") == 0)
		return walk_attribute(walk, where, argument);
	if (strcmp(name, "Fn::If") == 0 && json_is_string(first))
		TRY(tell(walk, REFERENCE_CONDITION, json_string_value(first), "", where));
	if (strcmp(name, "Fn::FindInMap") == 0 && json_is_string(first))
		TRY(tell(walk, REFERENCE_MAP, json_string_value(first), "", where));
	return references_each(argument, walk->found, walk->owner);
}

err_t references_each(const json_t *value, reference_fn found, void *owner)
{
	const struct walk walk = { found, owner };
	const json_t *argument;
	const char *name;
	json_t *item;
	size_t i;

	if (is_function(value, &name, &argument))
		return walk_function(&walk, value, name, argument);
	json_object_foreach ((json_t *)value, name, item)
		TRY(references_each(item, found, owner));
	json_array_foreach ((json_t *)value, i, item)
		TRY(references_each(item, found, owner));
	return ERR_OK;
}
