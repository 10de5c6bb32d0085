/*
 * check_values: what a value asks of: names that must be there, functions that must be asked right.
 */
#include "services/cloudformation/check_internal.h"
#include "services/cloudformation/expand.h"

#include <string.h>

/* ---- References ---- */

static bool is_pseudo(const char *name)
{
	static const char *const names[] = { "AWS::AccountId",	      "AWS::NoValue",
					     "AWS::NotificationARNs", "AWS::Partition",
					     "AWS::Region",	      "AWS::StackId",
					     "AWS::StackName",	      "AWS::URLSuffix" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static const char *nearest_thing(const struct checking *c, const char *name)
{
	const char *nearest = nearest_key(name, json_object_get(c->root, "Resources"));

	return nearest ? nearest : nearest_key(name, json_object_get(c->root, "Parameters"));
}

static void check_attribute(struct checking *c, const struct reference *reference)
{
	const json_t *resource = check_part(c, "Resources", reference->name);
	const char *type = json_string_value(json_object_get(resource, "Type"));
	const char *nearest = NULL;
	char room[300];

	if (!resource)
		check_problem(
			c, reference->where,
			"Template error: instance of Fn::GetAtt references undefined resource "
			"%.200s%s",
			reference->name,
			check_hint(
				nearest_key(reference->name, json_object_get(c->root, "Resources")),
				room));
	else if (type && reference->attribute[0] && c->check->attribute &&
		 !c->check->attribute(c->check->owner, type, reference->attribute, &nearest))
		check_problem(
			c, reference->where,
			"Template error: resource %.200s does not support attribute type %.200s in "
			"Fn::GetAtt%s",
			reference->name, reference->attribute, check_hint(nearest, room));
}

err_t check_reference(void *owner, const struct reference *reference)
{
	struct checking *c = owner;
	char room[300];

	switch (reference->kind) {
	case REFERENCE_ATTRIBUTE: check_attribute(c, reference); break;
	case REFERENCE_REF:
		if (!check_part(c, "Resources", reference->name) &&
		    !check_part(c, "Parameters", reference->name) && !is_pseudo(reference->name))
			check_problem(
				c, reference->where,
				"Template format error: Unresolved resource dependencies [%.200s] in "
				"the Resources block of the template%s",
				reference->name,
				check_hint(nearest_thing(c, reference->name), room));
		break;
	case REFERENCE_CONDITION:
		if (!check_part(c, "Conditions", reference->name))
			check_problem(
				c, reference->where,
				"Template format error: Unresolved condition dependency %.200s%s",
				reference->name,
				check_hint(nearest_key(reference->name,
						       json_object_get(c->root, "Conditions")),
					   room));
		break;
	case REFERENCE_MAP:
		if (!check_part(c, "Mappings", reference->name))
			check_problem(c, reference->where,
				      "Template format error: there is no mapping '%.200s'%s",
				      reference->name,
				      check_hint(nearest_key(reference->name,
							     json_object_get(c->root, "Mappings")),
						 room));
		break;
	}
	return ERR_OK;
}

/* Conditions know parameters and each other, no resources. */
err_t check_in_condition(void *owner, const struct reference *reference)
{
	struct checking *c = owner;

	if (reference->kind == REFERENCE_ATTRIBUTE ||
	    (reference->kind == REFERENCE_REF && check_part(c, "Resources", reference->name)))
		check_problem(
			c, reference->where,
			"Template format error: a condition cannot ask for the resource '%.200s'",
			reference->name);
	else
		return check_reference(c, reference);
	return ERR_OK;
}

/* ---- Functions ---- */

static bool is_extended(const struct checking *c)
{
	return template_transforms(c->check->template, "AWS::LanguageExtensions");
}

/* Where all is said in the template, a value that is not there is known now. */
static void check_lookup(struct checking *c, const json_t *where, const json_t *argument)
{
	const char *words[3];
	const json_t *found = json_object_get(c->root, "Mappings");

	if (json_array_size(argument) == 4 && !is_extended(c))
		check_problem(c, where,
			      "Template error: a DefaultValue of Fn::FindInMap needs Transform: "
			      "AWS::LanguageExtensions");
	for (size_t i = 0; i < 3; i++) {
		words[i] = json_string_value(json_array_get(argument, i));
		if (!words[i] || (i == 0 && !json_object_get(found, words[0])))
			return; /* a mapping that is none is told as a reference */
		found = json_object_get(found, words[i]);
	}
	if (!found && json_array_size(argument) == 3)
		check_problem(c, where,
			      "Template error: Unable to get mapping for %.80s::%.80s::%.80s",
			      words[0], words[1], words[2]);
}

static void check_function(struct checking *c, const json_t *where, const char *name,
			   const json_t *argument)
{
	const char *wrong = function_problem(name, argument);

	if (strncmp(name, "Fn::ForEach::", 13) == 0)
		return; /* told with the names */
	if (strncmp(name, "Fn::", 4) == 0 && !function_known(name))
		check_problem(c, where, "Template error: there is no function '%.200s'", name);
	else if (wrong)
		check_problem(c, where, "Template error: %s", wrong);
	else if (strcmp(name, "Fn::Sub") == 0 && (wrong = sub_problem(argument)))
		check_problem(c, where, "Template error: %s", wrong);
	else if (strcmp(name, "Fn::FindInMap") == 0)
		check_lookup(c, where, argument);
	else if ((strcmp(name, "Fn::Length") == 0 || strcmp(name, "Fn::ToJsonString") == 0) &&
		 !is_extended(c))
		check_problem(c, where,
			      "Template error: %s needs Transform: AWS::LanguageExtensions", name);
}

/* One that is none, or is asked wrongly, would fail only when its resource is made. */
static void check_functions(struct checking *c, const json_t *value)
{
	const json_t *argument;
	const char *name;
	json_t *item;
	size_t i;

	if (is_function(value, &name, &argument))
		check_function(c, value, name, argument);
	json_object_foreach ((json_t *)value, name, item)
		check_functions(c, item);
	json_array_foreach ((json_t *)value, i, item)
		check_functions(c, item);
}

void check_value(struct checking *c, const json_t *value)
{
	references_each(value, check_reference, c);
	check_functions(c, value);
}

void check_value_of_condition(struct checking *c, const json_t *value)
{
	references_each(value, check_in_condition, c);
	check_functions(c, value);
}

void check_condition_name(struct checking *c, const json_t *holder, const char *whose)
{
	const json_t *condition = json_object_get(holder, "Condition");
	const struct reference reference = { .kind = REFERENCE_CONDITION,
					     .name = json_string_value(condition),
					     .attribute = "",
					     .where = condition };

	if (reference.name)
		check_reference(c, &reference);
	else if (condition)
		check_problem(
			c, condition,
			"Template format error: the Condition of %.200s must be the name of a "
			"condition",
			whose);
}
