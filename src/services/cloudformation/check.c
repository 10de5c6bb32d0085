/*
 * check: everything that is wrong with a template, each with its line, before anything is touched.
 */
#include "services/cloudformation/check_internal.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/distance.h"

void check_problem(struct checking *c, const json_t *where, const char *format, ...)
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

const json_t *check_part(const struct checking *c, const char *section, const char *name)
{
	return json_object_get(json_object_get(c->root, section), name);
}

bool check_is_among(const char *word, const char *const words[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
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

const char *check_hint(const char *nearest, char room[300])
{
	if (!nearest)
		return "";
	snprintf(room, 300, "; did you mean '%.200s'?", nearest);
	return room;
}

/* ---- Sections ---- */

#define NO_TRANSFORM                                                                         \
	"Template format error: this Weir knows the transforms AWS::LanguageExtensions and " \
	"AWS::Include alone"

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
		check_problem(c, value, "Invalid template property or properties [%.200s]%s", name,
			      check_hint(nearest_section(name), room));
	else if (strcmp(name, "Hooks") == 0)
		check_problem(c, value, "Template format error: %s are not supported by this Weir",
			      name);
	else if (section->type != JSON_NULL && json_typeof(value) != section->type)
		check_problem(c, value, "Template format error: %s must be %s", name,
			      section->type == JSON_OBJECT ? "an object" : "a text");
	else if (section->max && json_object_size(value) > section->max)
		check_problem(c, value,
			      "Template format error: Number of %s, %zu, is greater than "
			      "maximum allowed, %zu",
			      name, json_object_size(value), section->max);
	if (strcmp(name, "AWSTemplateFormatVersion") == 0 && json_is_string(value) &&
	    strcmp(json_string_value(value), "2010-09-09") != 0)
		check_problem(c, value,
			      "Template format error: unsupported value for "
			      "AWSTemplateFormatVersion; it is 2010-09-09");
}

/* What is included is asked for where a template comes in. */
static bool is_known_transform(const json_t *transform)
{
	const char *name = json_string_value(
		json_is_object(transform) ? json_object_get(transform, "Name") : transform);

	return name &&
	       (strcmp(name, "AWS::LanguageExtensions") == 0 || strcmp(name, "AWS::Include") == 0);
}

static void check_transforms(struct checking *c)
{
	const json_t *given = json_object_get(c->root, "Transform"), *one;
	size_t i;

	json_array_foreach ((json_t *)given, i, one)
		if (!is_known_transform(one))
			check_problem(c, one, "%s", NO_TRANSFORM);
	if (given && !json_is_array(given) && !is_known_transform(given))
		check_problem(c, given, "%s", NO_TRANSFORM);
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
			check_problem(c, value,
				      "Template format error: Fn::ForEach needs Transform: "
				      "AWS::LanguageExtensions");
		else if (strcmp(name, "Fn::Transform") != 0 && !is_name(name))
			check_problem(c, value,
				      "Template format error: %s name %.200s is non alphanumeric.",
				      what, name);
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
			check_problem(c, value, "[%s] 'null' values are not allowed in templates",
				      room);
		else
			check_nulls(c, item, room);
	}
	json_array_foreach ((json_t *)value, i, item) {
		snprintf(room, sizeof room, "%.700s/%zu", path, i);
		if (json_is_null(item))
			check_problem(c, value, "[%s] 'null' values are not allowed in templates",
				      room);
		else
			check_nulls(c, item, room);
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
	check_transforms(&c);
	check_parameters(&c);
	check_mappings(&c);
	check_rules(&c);
	check_conditions(&c);
	check_resources(&c);
	check_outputs(&c);
	return c.problems ? ERR_INVALID : ERR_OK;
}
