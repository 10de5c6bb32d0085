/*
 * check_sections: what is wrong with the sections besides resources.
 */
#include "services/cloudformation/check_internal.h"
#include "services/cloudformation/rules.h"

#include <string.h>

/* ---- Parameters ---- */

static void check_parameter(struct checking *c, const char *name, const json_t *declaration)
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
	struct text why = TEXT_INIT(WORDS_MAX);
	const char *member;
	json_t *value;

	c->around = declaration;
	json_object_foreach ((json_t *)declaration, member, value)
		if (!check_is_among(member, members, COUNT(members)))
			check_problem(c, value,
				      "Invalid template parameter property '%.200s' of %.200s",
				      member, name);
	if (!json_is_string(json_object_get(declaration, "Type")))
		check_problem(c, declaration,
			      "Template format error: Every Parameters object must contain a Type "
			      "member (%.200s).",
			      name);
	else if (parameter_check(name, declaration, c->check->strict, &why))
		check_problem(c, declaration, "%s", text_str(&why));
	text_fini(&why);
}

void check_parameters(struct checking *c)
{
	const char *name;
	json_t *declaration;

	json_object_foreach (json_object_get(c->root, "Parameters"), name, declaration)
		check_parameter(c, name, declaration);
}

/* ---- Mappings ---- */

static void check_mapping_value(struct checking *c, const json_t *value, const char *map,
				const char *key)
{
	bool good = json_is_string(value) || json_is_number(value) || json_is_boolean(value) ||
		    json_is_array(value);

	if (!good)
		check_problem(
			c, value,
			"Template format error: Every Mappings attribute must be a String or a "
			"List (%.200s::%.200s).",
			map, key);
}

void check_mappings(struct checking *c)
{
	const char *name, *key, *attribute;
	json_t *map, *row, *value;

	json_object_foreach (json_object_get(c->root, "Mappings"), name, map) {
		c->around = map;
		if (strncmp(name, "Fn::", 4) == 0)
			continue;
		if (!json_is_object(map))
			check_problem(c, map,
				      "Template format error: Every Mappings member must be a map "
				      "(%.200s).",
				      name);
		json_object_foreach (map, key, row) {
			if (!json_is_object(row) && strncmp(key, "Fn::", 4) != 0)
				check_problem(c, row,
					      "Template format error: Every Mappings member %.200s "
					      "must be a map of maps.",
					      name);
			json_object_foreach (row, attribute, value)
				if (strncmp(attribute, "Fn::", 4) != 0 &&
				    strncmp(key, "Fn::", 4) != 0)
					check_mapping_value(c, value, name, key);
		}
	}
}

/* ---- Outputs ---- */

static void check_output(struct checking *c, const char *name, const json_t *output)
{
	static const char *const members[] = { "Value", "Description", "Export", "Condition" };
	const json_t *export = json_object_get(output, "Export");
	const char *member;
	json_t *value;

	c->around = output;
	if (!json_is_object(output) || !json_object_get(output, "Value"))
		check_problem(c, output,
			      "Template format error: Every Outputs member must contain a Value "
			      "object (%.200s)",
			      name);
	json_object_foreach ((json_t *)output, member, value)
		if (!check_is_among(member, members, COUNT(members)))
			check_problem(c, value,
				      "Invalid template output property '%.200s' of %.200s", member,
				      name);
	if (export && !json_object_get(export, "Name"))
		check_problem(c, export,
			      "Template format error: the Export of output %.200s must have a Name",
			      name);
	check_condition_name(c, output, name);
	check_value(c, json_object_get(output, "Value"));
	check_value(c, export);
}

void check_outputs(struct checking *c)
{
	const char *name;
	json_t *output;

	json_object_foreach (json_object_get(c->root, "Outputs"), name, output)
		if (strncmp(name, "Fn::", 4) != 0)
			check_output(c, name, output);
}

/* ---- Conditions and rules ---- */

void check_conditions(struct checking *c)
{
	const char *name, *function;
	const json_t *argument;
	json_t *condition;

	json_object_foreach (json_object_get(c->root, "Conditions"), name, condition) {
		if (strncmp(name, "Fn::", 4) != 0 && !is_function(condition, &function, &argument))
			check_problem(c, condition,
				      "Template format error: Every Conditions member must be a "
				      "function (%.200s)",
				      name);
		check_value_of_condition(c, condition);
	}
}

void check_rules(struct checking *c)
{
	const json_t *where;
	const char *name, *words;
	json_t *rule;

	json_object_foreach (json_object_get(c->root, "Rules"), name, rule) {
		words = rule_problem(rule, &where);
		if (words)
			check_problem(c, where, "Template format error: Rule %s: %s", name, words);
		references_each(rule, check_in_condition, c);
	}
}
