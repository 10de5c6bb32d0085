/*
 * check: everything that is wrong with a template, each with its line, before anything is touched.
 */
#include "services/cloudformation/check.h"
#include "services/cloudformation/rules.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/distance.h"

enum { NAME_CHARS_MAX = 255, WORDS_MAX = 1024 };

struct checking {
	const struct check *check;
	const json_t *root;
	const json_t *around; /* what `where` belongs to, for what has no place of its own */
	unsigned problems;
};

static void problem(struct checking *c, const json_t *where, const char *format, ...)
	PRINTF_LIKE(3, 4);

static void problem(struct checking *c, const json_t *where, const char *format, ...)
{
	unsigned line = template_line(c->check->template, where);
	char words[WORDS_MAX];
	va_list list;

	va_start(list, format);
	vsnprintf(words, sizeof words, format, list);
	va_end(list);
	c->problems++;
	c->check->problem(c->check->owner,
			  line ? line : template_line(c->check->template, c->around), words);
}

/* ---- Likeness ---- */

static void lower(const char *word, char room[NAME_CHARS_MAX + 1])
{
	snprintf(room, NAME_CHARS_MAX + 1, "%s", word);
	for (char *c = room; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

/* How far apart they are, whatever the case; more than `limit` gives limit + 1. */
static unsigned distance(const char *a, const char *b, unsigned limit)
{
	char x[NAME_CHARS_MAX + 1], y[NAME_CHARS_MAX + 1];

	lower(a, x);
	lower(b, y);
	return distance_between(bytes_of(x), bytes_of(y), limit);
}

const char *nearest_key(const char *word, const json_t *candidates)
{
	unsigned best = 2 + (unsigned)strlen(word) / 4; /* too far */
	const char *key, *nearest = NULL;
	json_t *value;

	json_object_foreach ((json_t *)candidates, key, value) {
		unsigned far = distance(word, key, best - 1);

		if (far < best) {
			best = far;
			nearest = key;
		}
	}
	return nearest;
}

/* "; did you mean 'Vpc'?" or nothing. */
static const char *hint(const char *nearest, char room[300])
{
	if (!nearest)
		return "";
	snprintf(room, 300, "; did you mean '%.200s'?", nearest);
	return room;
}

/* ---- Sections ---- */

static const struct section {
	const char *name;
	json_type type;
	size_t max; /* members; 0: any */
} sections[] = {
	{ "AWSTemplateFormatVersion", JSON_STRING, 0 },
	{ "Description", JSON_STRING, 0 },
	{ "Metadata", JSON_OBJECT, 0 },
	{ "Parameters", JSON_OBJECT, PARAMETERS_MAX },
	{ "Rules", JSON_OBJECT, 0 },
	{ "Mappings", JSON_OBJECT, MAPPINGS_MAX },
	{ "Conditions", JSON_OBJECT, 0 },
	{ "Transform", JSON_NULL, 0 }, /* a text or a list */
	{ "Resources", JSON_OBJECT, RESOURCES_MAX },
	{ "Outputs", JSON_OBJECT, OUTPUTS_MAX },
	{ "Hooks", JSON_OBJECT, 0 },
};

static const struct section *section_named(const char *name)
{
	for (size_t i = 0; i < COUNT(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

static const char *nearest_section(const char *name)
{
	const char *nearest = NULL;
	unsigned best = 4; /* too far */

	for (size_t i = 0; i < COUNT(sections); i++) {
		unsigned far = distance(name, sections[i].name, best - 1);

		if (far < best) {
			best = far;
			nearest = sections[i].name;
		}
	}
	return nearest;
}

static void check_section(struct checking *c, const char *name, const json_t *value)
{
	const struct section *section = section_named(name);
	char room[300];

	if (!section)
		problem(c, value, "Invalid template property or properties [%.200s]%s", name,
			hint(nearest_section(name), room));
	else if (strcmp(name, "Hooks") == 0)
		problem(c, value, "Template format error: %s are not supported by this Weir", name);
	else if (section->type != JSON_NULL && json_typeof(value) != section->type)
		problem(c, value, "Template format error: %s must be %s", name,
			section->type == JSON_OBJECT ? "an object" : "a text");
	else if (section->max && json_object_size(value) > section->max)
		problem(c, value,
			"Template format error: Number of %s, %zu, is greater than "
			"maximum allowed, %zu",
			name, json_object_size(value), section->max);
	if (strcmp(name, "AWSTemplateFormatVersion") == 0 && json_is_string(value) &&
	    strcmp(json_string_value(value), "2010-09-09") != 0)
		problem(c, value,
			"Template format error: unsupported value for "
			"AWSTemplateFormatVersion; it is 2010-09-09");
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]))
			return false;
	return len > 0 && len <= NAME_CHARS_MAX;
}

static void check_names(struct checking *c, const char *section, const char *what)
{
	const char *name;
	json_t *value;

	json_object_foreach (json_object_get(c->root, section), name, value)
		if (strncmp(name, "Fn::ForEach::", 13) == 0)
			problem(c, value,
				"Template format error: Fn::ForEach needs Transform: "
				"AWS::LanguageExtensions");
		else if (strcmp(name, "Fn::Transform") != 0 && !is_name(name))
			problem(c, value,
				"Template format error: %s name %.200s is non alphanumeric.", what,
				name);
}

static void check_nulls(struct checking *c, const json_t *value, const char *path)
{
	char room[WORDS_MAX];
	const char *key;
	json_t *item;
	size_t i;

	json_object_foreach ((json_t *)value, key, item) {
		snprintf(room, sizeof room, "%.700s/%.200s", path, key);
		if (json_is_null(item))
			problem(c, value, "[%s] 'null' values are not allowed in templates", room);
		else
			check_nulls(c, item, room);
	}
	json_array_foreach ((json_t *)value, i, item) {
		snprintf(room, sizeof room, "%.700s/%zu", path, i);
		if (json_is_null(item))
			problem(c, value, "[%s] 'null' values are not allowed in templates", room);
		else
			check_nulls(c, item, room);
	}
}

/* ---- References ---- */

static const json_t *part(const struct checking *c, const char *section, const char *name)
{
	return json_object_get(json_object_get(c->root, section), name);
}

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
	const json_t *resource = part(c, "Resources", reference->name);
	const char *type = json_string_value(json_object_get(resource, "Type"));
	const char *nearest = NULL;
	char room[300];

	if (!resource)
		problem(c, reference->where,
			"Template error: instance of Fn::GetAtt references undefined resource "
			"%.200s%s",
			reference->name,
			hint(nearest_key(reference->name, json_object_get(c->root, "Resources")),
			     room));
	else if (type && reference->attribute[0] && c->check->attribute &&
		 !c->check->attribute(c->check->owner, type, reference->attribute, &nearest))
		problem(c, reference->where,
			"Template error: resource %.200s does not support attribute type %.200s in "
			"Fn::GetAtt%s",
			reference->name, reference->attribute, hint(nearest, room));
}

static err_t check_reference(void *owner, const struct reference *reference)
{
	struct checking *c = owner;
	char room[300];

	switch (reference->kind) {
	case REFERENCE_ATTRIBUTE: check_attribute(c, reference); break;
	case REFERENCE_REF:
		if (!part(c, "Resources", reference->name) &&
		    !part(c, "Parameters", reference->name) && !is_pseudo(reference->name))
			problem(c, reference->where,
				"Template format error: Unresolved resource dependencies [%.200s] in "
				"the Resources block of the template%s",
				reference->name, hint(nearest_thing(c, reference->name), room));
		break;
	case REFERENCE_CONDITION:
		if (!part(c, "Conditions", reference->name))
			problem(c, reference->where,
				"Template format error: Unresolved condition dependency %.200s%s",
				reference->name,
				hint(nearest_key(reference->name,
						 json_object_get(c->root, "Conditions")),
				     room));
		break;
	case REFERENCE_MAP:
		if (!part(c, "Mappings", reference->name))
			problem(c, reference->where,
				"Template format error: there is no mapping '%.200s'%s",
				reference->name,
				hint(nearest_key(reference->name,
						 json_object_get(c->root, "Mappings")),
				     room));
		break;
	}
	return ERR_OK;
}

/* Conditions know parameters and each other, no resources. */
static err_t check_in_condition(void *owner, const struct reference *reference)
{
	struct checking *c = owner;

	if (reference->kind == REFERENCE_ATTRIBUTE ||
	    (reference->kind == REFERENCE_REF && part(c, "Resources", reference->name)))
		problem(c, reference->where,
			"Template format error: a condition cannot ask for the resource '%.200s'",
			reference->name);
	else
		return check_reference(c, reference);
	return ERR_OK;
}

/* Functions by name: one that is none would fail only when its resource is made. */
static void check_functions(struct checking *c, const json_t *value)
{
	static const char *const names[] = {
		"Fn::And",	    "Fn::Base64",    "Fn::Cidr",   "Fn::Equals",
		"Fn::FindInMap",    "Fn::GetAZs",    "Fn::GetAtt", "Fn::If",
		"Fn::ImportValue",  "Fn::Join",	     "Fn::Length", "Fn::Not",
		"Fn::Or",	    "Fn::Select",    "Fn::Split",  "Fn::Sub",
		"Fn::ToJsonString", "Fn::Transform",
	};
	const json_t *argument;
	const char *name;
	json_t *item;
	size_t i;

	if (is_function(value, &name, &argument) && strncmp(name, "Fn::", 4) == 0) {
		for (i = 0; i < COUNT(names) && strcmp(names[i], name) != 0; i++)
			;
		if (i == COUNT(names) && strncmp(name, "Fn::ForEach::", 13) != 0)
			problem(c, value, "Template error: there is no function '%.200s'", name);
	}
	json_object_foreach ((json_t *)value, name, item)
		check_functions(c, item);
	json_array_foreach ((json_t *)value, i, item)
		check_functions(c, item);
}

/* ---- Resources ---- */

static void check_depends(struct checking *c, const json_t *where, const char *self,
			  const json_t *name)
{
	char room[300];

	if (!json_is_string(name))
		problem(c, where,
			"Template format error: every value for DependsOn must be a string");
	else if (!part(c, "Resources", json_string_value(name)))
		problem(c, where,
			"Template format error: Unresolved resource dependencies [%.200s] in the "
			"Resources block of the template%s",
			json_string_value(name),
			hint(nearest_key(json_string_value(name),
					 json_object_get(c->root, "Resources")),
			     room));
	else if (strcmp(json_string_value(name), self) == 0)
		problem(c, where, "Circular dependency between resources: [%.200s]", self);
}

static void check_members(struct checking *c, const char *self, const json_t *resource)
{
	static const char *const members[] = { "Type",		 "Properties",
					       "DependsOn",	 "Condition",
					       "DeletionPolicy", "UpdateReplacePolicy",
					       "UpdatePolicy",	 "CreationPolicy",
					       "Metadata" };
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach ((json_t *)resource, name, value) {
		for (i = 0; i < COUNT(members) && strcmp(members[i], name) != 0; i++)
			;
		if (strcmp(name, "UpdatePolicy") == 0 || strcmp(name, "CreationPolicy") == 0)
			problem(c, value,
				"Template format error: %s (of %.200s) is not supported by this Weir",
				name, self);
		if (i == COUNT(members))
			problem(c, value, "Invalid template resource property '%.200s' of %.200s",
				name, self);
	}
}

static void check_policy(struct checking *c, const json_t *resource, const char *member,
			 bool may_snapshot)
{
	const json_t *value = json_object_get(resource, member);
	const char *text = json_string_value(value);

	if (!value || json_is_object(value)) /* a function: when it is made */
		return;
	if (!text || (strcmp(text, "Delete") != 0 && strcmp(text, "Retain") != 0 &&
		      strcmp(text, "RetainExceptOnCreate") != 0 &&
		      !(may_snapshot && strcmp(text, "Snapshot") == 0)))
		problem(c, value,
			"Template format error: Unrecognized %s: Delete, Retain, "
			"RetainExceptOnCreate or Snapshot",
			member);
}

static void check_type(struct checking *c, const char *self, const json_t *resource,
		       const char *type)
{
	const json_t *properties = json_object_get(resource, "Properties");
	const char *name, *nearest = NULL;
	char room[300];
	json_t *value;

	if (c->check->type && !c->check->type(c->check->owner, type, &nearest)) {
		problem(c, json_object_get(resource, "Type"),
			"Template format error: Unrecognized resource types: [%.200s]%s", type,
			hint(nearest, room));
		return;
	}
	if (properties && !json_is_object(properties))
		problem(c, properties,
			"Template format error: Properties of %.200s must be an object", self);
	json_object_foreach ((json_t *)properties, name, value)
		if (c->check->property &&
		    !c->check->property(c->check->owner, type, name, &nearest))
			problem(c, value,
				"Encountered unsupported property %.200s of %.200s (%.200s)%s",
				name, self, type, hint(nearest, room));
}

static void check_resource(struct checking *c, const char *self, const json_t *resource)
{
	const json_t *depends = json_object_get(resource, "DependsOn"), *one;
	const json_t *condition = json_object_get(resource, "Condition");
	const char *type = json_string_value(json_object_get(resource, "Type"));
	size_t i;

	if (!json_is_object(resource)) {
		problem(c, resource, "Template format error: resource %.200s must be an object",
			self);
		return;
	}
	c->around = resource;
	check_members(c, self, resource);
	if (!type)
		problem(c, resource,
			"Template format error: [/Resources/%.200s] Every Resources object must "
			"contain a Type member.",
			self);
	else
		check_type(c, self, resource, type);
	if (json_is_string(depends))
		check_depends(c, depends, self, depends);
	else
		json_array_foreach ((json_t *)depends, i, one)
			check_depends(c, depends, self, one);
	if (condition)
		check_reference(c,
				&(struct reference){ .kind = REFERENCE_CONDITION,
						     .name = json_is_string(condition)
								     ? json_string_value(condition)
								     : "",
						     .attribute = "",
						     .where = condition });
	check_policy(c, resource, "DeletionPolicy", true);
	check_policy(c, resource, "UpdateReplacePolicy", true);
	references_each(json_object_get(resource, "Properties"), check_reference, c);
	check_functions(c, json_object_get(resource, "Properties"));
}

static void check_resources(struct checking *c)
{
	json_t *resources = json_object_get(c->root, "Resources"), *resource, *names, *needs;
	struct text why = TEXT_INIT(WORDS_MAX);
	const char *name;

	if (!json_object_size(resources)) {
		problem(c, c->root,
			"Template format error: At least one Resources member must be defined.");
		return;
	}
	names = json_array();
	json_object_foreach (resources, name, resource) {
		if (strncmp(name, "Fn::", 4) == 0)
			continue; /* what it includes is looked at when it is there; loops: above */
		check_resource(c, name, resource);
		json_array_append_new(names, json_string(name));
	}
	if (resource_needs(c->check->template, names, &needs, &why))
		problem(c, resources, "%s", text_str(&why));
	else
		json_decref(needs);
	json_decref(names);
	text_fini(&why);
}

/* ---- The other sections ---- */

static void check_parameters(struct checking *c)
{
	static const char *const members[] = { "Type",
					       "Default",
					       "AllowedValues",
					       "AllowedPattern",
					       "MinLength",
					       "MaxLength",
					       "MinValue",
					       "MaxValue",
					       "NoEcho",
					       "Description",
					       "ConstraintDescription" };
	const char *name, *member;
	json_t *declaration, *value;
	size_t i;

	json_object_foreach (json_object_get(c->root, "Parameters"), name, declaration) {
		c->around = declaration;
		if (!json_is_string(json_object_get(declaration, "Type")))
			problem(c, declaration,
				"Template format error: Every Parameters object must contain a Type "
				"member (%.200s).",
				name);
		json_object_foreach (declaration, member, value) {
			for (i = 0; i < COUNT(members) && strcmp(members[i], member) != 0; i++)
				;
			if (i == COUNT(members))
				problem(c, value,
					"Invalid template parameter property '%.200s' of %.200s",
					member, name);
		}
	}
}

static void check_outputs(struct checking *c)
{
	const char *name;
	json_t *output;

	json_object_foreach (json_object_get(c->root, "Outputs"), name, output) {
		const json_t *condition = json_object_get(output, "Condition");

		c->around = output;
		if (!json_object_get(output, "Value"))
			problem(c, output,
				"Template format error: Every Outputs member must contain a Value "
				"object (%.200s)",
				name);
		if (json_is_string(condition))
			check_reference(c,
					&(struct reference){ .kind = REFERENCE_CONDITION,
							     .name = json_string_value(condition),
							     .attribute = "",
							     .where = condition });
		references_each(json_object_get(output, "Value"), check_reference, c);
		references_each(json_object_get(output, "Export"), check_reference, c);
		check_functions(c, output);
	}
}

static void check_conditions(struct checking *c)
{
	const char *name;
	json_t *condition;

	json_object_foreach (json_object_get(c->root, "Conditions"), name, condition) {
		references_each(condition, check_in_condition, c);
		check_functions(c, condition);
	}
}

static void check_rules(struct checking *c)
{
	const json_t *where;
	const char *name, *words;
	json_t *rule;

	json_object_foreach (json_object_get(c->root, "Rules"), name, rule) {
		words = rule_problem(rule, &where);
		if (words)
			problem(c, where, "Template format error: Rule %s: %s", name, words);
		references_each(rule, check_in_condition, c);
	}
}

err_t template_check(const struct check *check)
{
	struct checking c = { check, check->template->root, check->template->root, 0 };
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)c.root, name, value)
		check_section(&c, name, value);
	check_nulls(&c, c.root, "");
	if (c.problems) /* nothing below can be trusted */
		return ERR_INVALID;
	check_names(&c, "Resources", "Resource");
	check_names(&c, "Parameters", "Parameter");
	check_names(&c, "Outputs", "Output");
	check_names(&c, "Conditions", "Condition");
	check_parameters(&c);
	check_rules(&c);
	check_conditions(&c);
	check_resources(&c);
	check_outputs(&c);
	return c.problems ? ERR_INVALID : ERR_OK;
}
