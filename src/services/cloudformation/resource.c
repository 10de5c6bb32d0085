/*
 * resource: the general ways to make, change, describe and delete what a row of types says.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/cloudformation/cloudformation_internal.h"

/* ---- Paths and properties ---- */

const char *physical_id(const struct resource_step *step)
{
	return text_at(step->record, "PhysicalResourceId");
}

void set_physical_id(struct resource_step *step, const char *id)
{
	put_text(step->record, "PhysicalResourceId", id);
}

json_t *property(const struct resource_step *step, const char *name)
{
	return json_object_get(step->properties, name);
}

static bool same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

bool property_changed(const struct resource_step *step, const char *name)
{
	return !same(property(step, name), json_object_get(step->before, name));
}

err_t number_property(struct resource_step *step, const char *name, uint64_t most,
		      uint64_t otherwise, uint64_t *ret_number)
{
	struct text text = TEXT_INIT(64);
	const json_t *value = property(step, name);
	err_t err = ERR_OK;

	*ret_number = otherwise;
	if (value)
		err = scalar_text(value, &text);
	if (value && !err)
		err = bytes_to_u64(text_bytes(&text), most, ret_number);
	text_fini(&text);
	if (!err)
		return ERR_OK;
	text_printf(step->why, "%s must be a whole number from 0 to %llu", name,
		    (unsigned long long)most);
	return ERR_INVALID;
}

bool next_property(const char **words, struct property_row *row)
{
	const char *at = *words;
	char *into = row->name;

	*row = (struct property_row){ .replaces = false };
	while (*at == ' ')
		at++;
	if (!*at)
		return false;
	for (; *at && *at != ' '; at++) {
		if (*at == '!')
			row->replaces = true;
		else if (*at == '#')
			row->json_text = true;
		else if (*at == '-')
			row->special = true;
		else if (*at == '=')
			into = row->member;
		else
			*into++ = *at;
	}
	if (!row->member[0])
		memcpy(row->member, row->name, sizeof row->member);
	*words = at;
	return true;
}

static bool find_property(const struct resource_type *type, const char *name,
			  struct property_row *ret_row)
{
	const char *words = type->properties;

	while (next_property(&words, ret_row))
		if (strcmp(ret_row->name, name) == 0)
			return true;
	return false;
}

bool resource_replaces(const struct resource_type *type, const json_t *before, const json_t *after,
		       bool *ret_changed)
{
	const char *words = type->properties;
	struct property_row row;
	bool replaces = false;

	*ret_changed = strcmp(words, "*") == 0 && !same(before, after);
	while (next_property(&words, &row)) {
		if (same(json_object_get(before, row.name), json_object_get(after, row.name)))
			continue;
		*ret_changed = true;
		replaces = replaces || row.replaces;
	}
	return replaces;
}

/* ---- Names ---- */

const char *made_name(struct resource_step *step)
{
	const char *stack = text_at(step->stack->body, "StackName");
	const char *logical = text_at(step->record, "LogicalResourceId");
	const char *token = text_at(step->record, "Token");
	unsigned max = step->type->name_max;
	int most = max > TOKEN_CHARS + 4 ? (int)(max - TOKEN_CHARS - 2) / 2 : 2;
	int for_logical = (int)strlen(logical) < most ? (int)strlen(logical) : most;
	char *name = arena_printf(step->arena, "%.*s-%.*s-%s", 2 * most - for_logical, stack,
				  for_logical, logical, token);

	if (name && strcmp(step->type->service, "s3") == 0)
		for (char *c = name; *c; c++)
			*c = (char)tolower((unsigned char)*c);
	return name;
}

static const char *name_of(struct resource_step *step)
{
	const char *given = json_string_value(property(step, step->type->named));

	return given ? given : made_name(step);
}

/* ---- Inputs ---- */

static json_t *value_for(const struct property_row *row, json_t *value)
{
	char *text;
	json_t *made;

	if (!row->json_text || json_is_string(value))
		return json_incref(value);
	text = json_dumps(value, JSON_COMPACT);
	made = text ? json_string(text) : NULL;
	free(text);
	return made;
}

/* Members whose keys are the user's own. */
static bool is_map(const char *name)
{
	static const char *const maps[] = { "Options", "DockerLabels", "DriverOpts", "Labels" };

	for (size_t i = 0; i < COUNT(maps); i++)
		if (strcmp(maps[i], name) == 0)
			return true;
	return false;
}

json_t *with_small_letters(const json_t *value)
{
	json_t *made, *item;
	const char *key;
	size_t i;

	if (json_is_array(value)) {
		made = json_array();
		json_array_foreach ((json_t *)value, i, item)
			json_array_append_new(made, with_small_letters(item));
		return made;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)value);
	made = json_object();
	json_object_foreach ((json_t *)value, key, item) {
		char name[128];

		snprintf(name, sizeof name, "%s", key);
		name[0] = (char)tolower((unsigned char)name[0]);
		put_new(made, name, is_map(key) ? json_incref(item) : with_small_letters(item));
	}
	return made;
}

static void put_member(struct resource_step *step, json_t *input, const struct property_row *row,
		       json_t *value)
{
	char member[96];

	if (!step->type->small) {
		put_new(input, row->member, value_for(row, value));
		return;
	}
	snprintf(member, sizeof member, "%s", row->member);
	member[0] = (char)tolower((unsigned char)member[0]);
	put_new(input, member, with_small_letters(value));
}

/* What a property is where a template no longer names it; NULL: it stays as it is. */
static json_t *without(const struct resource_type *type, const char *name)
{
	json_t *all = type->without ? json_loads(type->without, 0, NULL) : NULL;
	json_t *value = json_incref(json_object_get(all, name));

	assert(!type->without || all);
	json_decref(all);
	return value;
}

static json_t *input_of(struct resource_step *step, bool changed_only)
{
	const char *words = step->type->properties;
	struct property_row row;
	json_t *input = json_object();

	while (next_property(&words, &row)) {
		json_t *value = json_incref(property(step, row.name));

		if (changed_only && !value && property_changed(step, row.name))
			value = without(step->type, row.name);
		if (value && !row.special && strcmp(row.name, "Tags") != 0 &&
		    (!changed_only || (!row.replaces && property_changed(step, row.name))))
			put_member(step, input, &row, value);
		json_decref(value);
	}
	return input;
}

/* "VpcIds[]" takes a list of one. */
static void add_id(json_t *input, const char *member, const char *id)
{
	char name[96];

	snprintf(name, sizeof name, "%s", member);
	if (ends_in(name, "[]")) {
		name[strlen(name) - 2] = '\0';
		put_new(input, name, json_pack("[s]", id));
	} else {
		put_text(input, name, id);
	}
}

/* ---- Description ---- */

static void take_attributes(struct resource_step *step, const json_t *description)
{
	json_t *attributes = json_object();
	struct bytes rest = bytes_of(step->type->attributes), word;

	while (step->type->attributes && bytes_cut(&rest, ' ', &word)) {
		char name[96], path[160];
		size_t equals = bytes_index(word, '=');
		struct bytes from = equals == SIZE_MAX ? word : bytes_from(word, equals + 1);

		snprintf(name, sizeof name, "%.*s", BYTES_ARG(bytes_upto(word, equals)));
		snprintf(path, sizeof path, "%.*s", BYTES_ARG(from));
		put_new(attributes, name, json_incref((json_t *)json_at(description, path)));
	}
	put_new(step->record, "Attributes", attributes);
	if (step->type->ref && json_object_get(attributes, step->type->ref))
		json_object_set(step->record, "Ref", json_object_get(attributes, step->type->ref));
}

err_t resource_read(struct resource_step *step, json_t **ret_answer)
{
	json_t *input = json_object();

	add_id(input, step->type->read_by, physical_id(step));
	return call_api(step, step->type->service, step->type->read, input, ret_answer);
}

err_t resource_describe(struct resource_step *step)
{
	json_t *answer;

	if (!step->type->read)
		return ERR_OK;
	TRY(resource_read(step, &answer));
	take_attributes(step, json_at(answer, step->type->found));
	json_decref(answer);
	return ERR_OK;
}

/* ---- The three ways ---- */

static err_t make(struct resource_step *step)
{
	const struct resource_type *type = step->type;
	json_t *input = input_of(step, false), *answer;
	const char *name = type->named ? name_of(step) : NULL;
	struct property_row row;
	err_t err;

	if (type->named && !name) {
		json_decref(input);
		return ERR_NOMEM;
	}
	if (type->named && find_property(type, type->named, &row)) {
		json_t *text = json_string(name);

		put_member(step, input, &row, text);
		json_decref(text);
	}
	add_tags(step, input);
	err = type->complete ? type->complete(step, input) : ERR_OK;
	if (err) {
		json_decref(input);
		return err;
	}
	TRY(call_api(step, type->service, type->create, input, &answer));
	err = type->id && !json_is_string(json_at(answer, type->id)) ? ERR_STORE : ERR_OK;
	if (!err)
		set_physical_id(step,
				type->id ? json_string_value(json_at(answer, type->id)) : name);
	json_decref(answer);
	return err;
}

err_t resource_create(struct resource_step *step)
{
	TRY(tags_check(step));
	TRY(step->type->make ? step->type->make(step) : make(step));
	if (step->type->created)
		TRY(step->type->created(step));
	TRY(tags_apply(step));
	TRY(resource_describe(step));
	return step->type->settled ? step->type->settled(step) : ERR_OK;
}

err_t resource_update(struct resource_step *step)
{
	const struct resource_type *type = step->type;
	json_t *input;

	TRY(tags_check(step));
	if (type->update) {
		input = input_of(step, !type->update_by || strcmp(type->update, type->create) != 0);
		if (type->update_by)
			add_id(input, type->update_by, physical_id(step));
		if (json_object_size(input) > (type->update_by ? 1u : 0u))
			TRY(call_api(step, type->service, type->update, input, NULL));
		else
			json_decref(input);
	}
	if (type->updated)
		TRY(type->updated(step));
	TRY(tags_apply(step));
	TRY(resource_describe(step));
	return type->settled ? type->settled(step) : ERR_OK;
}

err_t resource_delete(struct resource_step *step)
{
	const struct resource_type *type = step->type;
	json_t *input;
	err_t err;

	if (!physical_id(step)[0])
		return ERR_OK;
	if (type->dropping)
		TRY(type->dropping(step));
	if (type->remove)
		err = type->remove(step);
	else if (!type->drop)
		return ERR_OK;
	else {
		input = json_object();
		add_id(input, type->drop_by, physical_id(step));
		err = call_api(step, type->service, type->drop, input, NULL);
	}
	if (err == ERR_INVALID && failed_with(step->why, type->gone))
		return ERR_OK;
	return err;
}

/* ---- What is known ---- */

const struct resource_type *type_named(const char *name)
{
	if (strncmp(name, "Custom::", 8) == 0 && name[8])
		name = "AWS::CloudFormation::CustomResource";
	for (size_t t = 0; type_tables[t]; t++)
		for (size_t i = 0; i < type_tables[t]->count; i++)
			if (strcmp(type_tables[t]->rows[i].name, name) == 0)
				return &type_tables[t]->rows[i];
	return NULL;
}

bool type_known(void *owner, const char *type, const char **ret_nearest)
{
	json_t *names;
	const char *nearest;

	(void)owner;
	*ret_nearest = NULL;
	if (type_named(type))
		return true;
	names = json_object();
	for (size_t t = 0; type_tables[t]; t++)
		for (size_t i = 0; i < type_tables[t]->count; i++)
			put_new(names, type_tables[t]->rows[i].name, json_true());
	nearest = nearest_key(type, names);
	if (nearest)
		*ret_nearest = type_named(nearest)->name;
	json_decref(names);
	return false;
}

bool type_property_known(void *owner, const char *type, const char *name, const char **ret_nearest)
{
	static char nearest[96];
	const struct resource_type *row = type_named(type);
	const char *words = row ? row->properties : "", *found;
	struct property_row property_row;
	json_t *names;

	(void)owner;
	*ret_nearest = NULL;
	if (!row || strcmp(words, "*") == 0 || find_property(row, name, &property_row))
		return true;
	names = json_object();
	while (next_property(&words, &property_row))
		put_new(names, property_row.name, json_true());
	found = nearest_key(name, names);
	if (found) {
		snprintf(nearest, sizeof nearest, "%s", found);
		*ret_nearest = nearest;
	}
	json_decref(names);
	return false;
}

bool type_attribute_known(void *owner, const char *type, const char *name, const char **ret_nearest)
{
	static char nearest[96];
	const struct resource_type *row = type_named(type);
	struct bytes rest = bytes_of(row ? row->attributes : NULL), word;
	json_t *names;
	const char *found;
	bool known = false;

	(void)owner;
	*ret_nearest = NULL;
	if (!row)
		return true;
	names = json_object();
	while (rest.at && bytes_cut(&rest, ' ', &word)) {
		char text[96];

		known = known || (bytes_ends(word, BYTES("*")) &&
				  bytes_starts(bytes_of(name), bytes_upto(word, word.len - 1)));

		snprintf(text, sizeof text, "%.*s",
			 BYTES_ARG(bytes_upto(word, bytes_index(word, '='))));
		put_new(names, text, json_true());
	}
	known = known || json_object_get(names, name) != NULL;
	found = known ? NULL : nearest_key(name, names);
	if (found) {
		snprintf(nearest, sizeof nearest, "%s", found);
		*ret_nearest = nearest;
	}
	json_decref(names);
	return known;
}
