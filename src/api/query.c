/*
 * Two steps. First the names grow a tree, whatever they say: "A.member.1.B=x" is
 * { A: { member: { 1: { B: { "": x } } } } }, where the member "" holds a node's own value. Then
 * the shape is walked, and takes out of the tree what it knows.
 */
#include "api/query.h"

#include <stdlib.h>

#include "base/encode.h"

/* ---- The tree ---- */

/* An empty name would be the place of a node's value. */
static json_t *child_of(json_t *node, struct bytes name)
{
	json_t *child = json_object_getn(node, name.at, name.len);

	if (child)
		return child;
	child = json_object();
	if (!child || json_object_setn_new(node, name.at, name.len, child))
		return NULL;
	return child;
}

static err_t plant(json_t *tree, struct bytes name, struct bytes value, struct api_fault *fault)
{
	struct bytes rest = name, part;
	json_t *node = tree;
	unsigned depth = 0;

	while (name.len && bytes_cut(&rest, '.', &part)) {
		if (part.len == 0 || ++depth > WIRE_DEPTH_MAX) {
			node = tree;
			break;
		}
		node = child_of(node, part);
		if (!node)
			return ERR_NOMEM;
	}
	if (node == tree) {
		fault_set(fault, "MalformedQueryString",
			  "The query string contains a malformed parameter name");
		return ERR_SYNTAX;
	}
	if (json_object_set_new(node, "", json_stringn(value.at ? value.at : "", value.len)))
		return ERR_NOMEM;
	return ERR_OK;
}

/* C strings further in would end at a NUL, and JSON has to be UTF-8. */
static bool is_text(struct bytes b)
{
	return utf8_valid(b) && bytes_index(b, '\0') == SIZE_MAX;
}

static err_t plant_pair(json_t *tree, struct bytes pair, struct text *name, struct text *value,
			struct api_fault *fault)
{
	size_t equals = bytes_index(pair, '=');
	struct bytes name_part = bytes_upto(pair, equals);
	struct bytes value_part = equals == SIZE_MAX ? BYTES_NONE : bytes_from(pair, equals + 1);

	text_clear(name);
	text_clear(value);
	if (decode_percent(name, name_part, true) || decode_percent(value, value_part, true) ||
	    !is_text(text_bytes(name)) || !is_text(text_bytes(value))) {
		if (text_err(name) == ERR_NOMEM || text_err(value) == ERR_NOMEM)
			return ERR_NOMEM;
		fault_set(fault, "MalformedQueryString",
			  "The query string contains a syntax error");
		return ERR_SYNTAX;
	}
	return plant(tree, text_bytes(name), text_bytes(value), fault);
}

static err_t plant_all(json_t *tree, struct bytes form, struct api_fault *fault)
{
	struct text name = TEXT_INIT(4096), value = TEXT_INIT(WIRE_BODY_BYTES_MAX);
	struct bytes rest = form, pair;
	unsigned count = 0;
	err_t err = ERR_OK;

	while (!err && bytes_cut(&rest, '&', &pair)) {
		if (pair.len == 0)
			continue;
		if (++count > WIRE_PARAMS_MAX) {
			fault_set(fault, "ValidationError",
				  "A request can have at most %d parameters", WIRE_PARAMS_MAX);
			err = ERR_LIMIT;
		} else {
			err = plant_pair(tree, pair, &name, &value, fault);
		}
	}
	text_fini(&name);
	text_fini(&value);
	return err;
}

/* ---- The walk ---- */

struct walk {
	bool ec2;
	struct api_fault *fault;
};

static err_t take(struct walk *walk, const struct api_shape *shape, json_t *node, unsigned depth,
		  json_t **ret_value);

struct numbered {
	uint64_t number;
	json_t *node;
};

static int by_number(const void *left, const void *right)
{
	const struct numbered *a = left, *b = right;

	return (a->number > b->number) - (a->number < b->number);
}

/* The children whose names are numbers, in their order; gaps do not matter. */
static err_t number_children(struct walk *walk, json_t *node, struct numbered **ret_items,
			     size_t *ret_count)
{
	struct numbered *items = calloc(WIRE_LIST_MAX, sizeof *items);
	const char *key;
	json_t *child;
	size_t count = 0;

	if (!items)
		return ERR_NOMEM;
	json_object_foreach (node, key, child) {
		uint64_t number;

		if (bytes_to_u64(bytes_of(key), UINT32_MAX, &number))
			continue;
		if (count == WIRE_LIST_MAX) {
			fault_set(walk->fault, "ValidationError",
				  "A list can have at most %d members", WIRE_LIST_MAX);
			free(items);
			return ERR_LIMIT;
		}
		items[count++] = (struct numbered){ number, child };
	}
	qsort(items, count, sizeof *items, by_number);
	*ret_items = items;
	*ret_count = count;
	return ERR_OK;
}

/* "Names=" is an empty list; "Names=x" is no list, and the check will say so. */
static json_t *bare_value(json_t *node)
{
	json_t *value = json_object_get(node, "");

	if (json_object_size(node) != 1 || !value || json_string_length(value) == 0)
		return NULL;
	return json_incref(value);
}

static err_t take_list(struct walk *walk, const struct api_shape *shape, json_t *node,
		       unsigned depth, json_t **ret_value)
{
	const char *item_name = shape->item_name ? shape->item_name : "member";
	json_t *inner = json_object_get(node, item_name), *list;
	struct numbered *items = NULL;
	size_t count = 0;
	err_t err = ERR_OK;

	*ret_value = bare_value(node);
	if (*ret_value)
		return ERR_OK;
	list = json_array();
	if (!list)
		return ERR_NOMEM;
	/* EC2 and flattened lists number the name itself; be as patient with the others. */
	err = number_children(walk, inner ? inner : node, &items, &count);
	for (size_t i = 0; i < count && !err; i++) {
		json_t *item;

		err = take(walk, shape->item, items[i].node, depth + 1, &item);
		if (!err && json_array_append_new(list, item))
			err = ERR_NOMEM;
	}
	free(items);
	if (err)
		json_decref(list);
	else
		*ret_value = list;
	return err;
}

static err_t take_entry(struct walk *walk, const struct api_shape *shape, json_t *entry,
			unsigned depth, json_t *map)
{
	json_t *key = json_object_get(json_object_get(entry, "key"), "");
	json_t *node = json_object_get(entry, "value"), *value;

	if (!key || !node)
		return ERR_OK; /* half an entry says nothing */
	TRY(take(walk, shape->item, node, depth + 1, &value));
	return json_object_set_new(map, json_string_value(key), value) ? ERR_NOMEM : ERR_OK;
}

static err_t take_map(struct walk *walk, const struct api_shape *shape, json_t *node,
		      unsigned depth, json_t **ret_value)
{
	json_t *inner = json_object_get(node, "entry"), *map;
	struct numbered *items = NULL;
	size_t count = 0;
	err_t err;

	*ret_value = bare_value(node);
	if (*ret_value)
		return ERR_OK;
	map = json_object();
	if (!map)
		return ERR_NOMEM;
	err = number_children(walk, inner ? inner : node, &items, &count);
	for (size_t i = 0; i < count && !err; i++)
		err = take_entry(walk, shape, items[i].node, depth, map);
	free(items);
	if (err)
		json_decref(map);
	else
		*ret_value = map;
	return err;
}

static json_t *find_member(struct walk *walk, const struct api_member *member, json_t *node)
{
	const struct api_shape *shape = member->shape;
	char name[WIRE_NAME_BYTES];

	if (walk->ec2) {
		wire_ec2_name(member, true, name);
		return json_object_get(node, name);
	}
	/* A flattened list goes by the name of its items. */
	if (shape->kind == API_LIST && shape->flattened && shape->item_name)
		return json_object_get(node, shape->item_name);
	return json_object_get(node, member->name);
}

static err_t take_structure(struct walk *walk, const struct api_shape *shape, json_t *node,
			    unsigned depth, json_t **ret_value)
{
	json_t *made;

	*ret_value = bare_value(node);
	if (*ret_value)
		return ERR_OK;
	made = json_object();
	if (!made)
		return ERR_NOMEM;
	for (const struct api_member *m = shape->members; m->name; m++) {
		json_t *child = find_member(walk, m, node), *value = NULL;
		err_t err = child ? take(walk, m->shape, child, depth + 1, &value) : ERR_OK;

		if (!err && value && json_object_set_new(made, m->name, value))
			err = ERR_NOMEM;
		if (err) {
			json_decref(made);
			return err;
		}
	}
	*ret_value = made;
	return ERR_OK;
}

static err_t take(struct walk *walk, const struct api_shape *shape, json_t *node, unsigned depth,
		  json_t **ret_value)
{
	json_t *value;

	/* The tree is no deeper than its names, so even a shape that contains itself ends. */
	assert(depth <= WIRE_DEPTH_MAX);
	switch (shape->kind) {
	case API_STRUCTURE: return take_structure(walk, shape, node, depth, ret_value);
	case API_LIST: return take_list(walk, shape, node, depth, ret_value);
	case API_MAP: return take_map(walk, shape, node, depth, ret_value);
	default: break;
	}
	/* "Port.x=1" where a number belongs: hand it on as it is, and the check will complain. */
	value = json_object_get(node, "");
	*ret_value = json_incref(value ? value : node);
	return ERR_OK;
}

bool query_param(struct bytes form, const char *name, struct text *ret_value)
{
	struct bytes rest = form, pair;

	while (bytes_cut(&rest, '&', &pair)) {
		size_t equals = bytes_index(pair, '=');

		if (equals == SIZE_MAX || !bytes_eq_str(bytes_upto(pair, equals), name))
			continue;
		text_clear(ret_value);
		return decode_percent(ret_value, bytes_from(pair, equals + 1), true) == ERR_OK &&
		       is_text(text_bytes(ret_value));
	}
	return false;
}

err_t query_decode(struct bytes form, enum api_protocol protocol, const struct api_shape *shape,
		   json_t **ret_input, struct api_fault *fault)
{
	struct walk walk = { .ec2 = protocol == API_EC2, .fault = fault };
	json_t *tree = json_object();
	err_t err;

	if (!tree)
		return ERR_NOMEM;
	err = plant_all(tree, form, fault);
	if (!err)
		err = take(&walk, shape, tree, 0, ret_input);
	json_decref(tree);
	return err;
}
