/*
 * check_resources: what is wrong with resources, but for what their services say of them.
 */
#include "services/cloudformation/check_internal.h"

#include <string.h>

static void check_depends(struct checking *c, const json_t *where, const char *self,
			  const json_t *name)
{
	char room[300];

	if (!json_is_string(name))
		check_problem(c, where,
			      "Template format error: every value for DependsOn must be a string");
	else if (!check_part(c, "Resources", json_string_value(name)))
		check_problem(
			c, where,
			"Template format error: Unresolved resource dependencies [%.200s] in the "
			"Resources block of the template%s",
			json_string_value(name),
			check_hint(nearest_key(json_string_value(name),
					       json_object_get(c->root, "Resources")),
				   room));
	else if (strcmp(json_string_value(name), self) == 0)
		check_problem(c, where, "Circular dependency between resources: [%.200s]", self);
}

static bool waits_for_signals(const json_t *resource)
{
	const char *type = json_string_value(json_object_get(resource, "Type"));

	return type && strcmp(type, "AWS::CloudFormation::WaitCondition") == 0;
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

	json_object_foreach ((json_t *)resource, name, value) {
		if (strcmp(name, "UpdatePolicy") == 0 ||
		    (strcmp(name, "CreationPolicy") == 0 && !waits_for_signals(resource)))
			check_problem(
				c, value,
				"Template format error: %s (of %.200s) is not supported by this Weir",
				name, self);
		if (!check_is_among(name, members, COUNT(members)))
			check_problem(c, value,
				      "Invalid template resource property '%.200s' of %.200s", name,
				      self);
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
		check_problem(c, value,
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
		check_problem(c, json_object_get(resource, "Type"),
			      "Template format error: Unrecognized resource types: [%.200s]%s",
			      type, check_hint(nearest, room));
		return;
	}
	if (properties && !json_is_object(properties))
		check_problem(c, properties,
			      "Template format error: Properties of %.200s must be an object",
			      self);
	json_object_foreach ((json_t *)properties, name, value)
		if (c->check->property &&
		    !c->check->property(c->check->owner, type, name, &nearest))
			check_problem(
				c, value,
				"Encountered unsupported property %.200s of %.200s (%.200s)%s",
				name, self, type, check_hint(nearest, room));
}

static void check_resource(struct checking *c, const char *self, const json_t *resource)
{
	const json_t *depends = json_object_get(resource, "DependsOn"), *one;
	const char *type = json_string_value(json_object_get(resource, "Type"));
	size_t i;

	if (!json_is_object(resource)) {
		check_problem(c, resource,
			      "Template format error: resource %.200s must be an object", self);
		return;
	}
	c->around = resource;
	check_members(c, self, resource);
	if (!type)
		check_problem(
			c, resource,
			"Template format error: [/Resources/%.200s] Every Resources object must "
			"contain a Type member.",
			self);
	else
		check_type(c, self, resource, type);
	if (json_object_get(resource, "Metadata") &&
	    !json_is_object(json_object_get(resource, "Metadata")))
		check_problem(c, json_object_get(resource, "Metadata"),
			      "Template format error: Metadata of %.200s must be an object", self);
	if (depends && !json_is_array(depends))
		check_depends(c, depends, self, depends);
	else
		json_array_foreach ((json_t *)depends, i, one)
			check_depends(c, depends, self, one);
	check_condition_name(c, resource, self);
	check_policy(c, resource, "DeletionPolicy", true);
	check_policy(c, resource, "UpdateReplacePolicy", true);
	check_value(c, json_object_get(resource, "Properties"));
	check_value(c, json_object_get(resource, "CreationPolicy"));
}

void check_resources(struct checking *c)
{
	json_t *resources = json_object_get(c->root, "Resources"), *resource, *names, *needs;
	struct text why = TEXT_INIT(WORDS_MAX);
	const char *name;

	if (!json_object_size(resources)) {
		check_problem(
			c, c->root,
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
		check_problem(c, resources, "%s", text_str(&why));
	else
		json_decref(needs);
	json_decref(names);
	text_fini(&why);
}
