/*
 * filters: Filters of the Describe operations. Values of one filter are alternatives, filters all
 * have to match; "*" and "?" are wildcards, "\" takes their meaning away.
 */
#include "services/ec2/ec2_internal.h"

#include <stdio.h>

#include "base/like.h"

static bool leaf_matches(const json_t *leaf, const char *pattern)
{
	char number[24];

	switch (json_typeof(leaf)) {
	case JSON_STRING: return is_like_escaped(pattern, json_string_value(leaf));
	case JSON_TRUE: return is_like_escaped(pattern, "true");
	case JSON_FALSE: return is_like_escaped(pattern, "false");
	case JSON_INTEGER:
		snprintf(number, sizeof number, "%lld", (long long)json_integer_value(leaf));
		return is_like_escaped(pattern, number);
	case JSON_OBJECT:
	case JSON_ARRAY:
	case JSON_REAL:
	case JSON_NULL: break;
	}
	return false;
}

/* Follows "Routes.GatewayId" through objects and every item of lists. */
static bool path_matches(const json_t *node, struct bytes path, const char *pattern)
{
	struct bytes name;
	const json_t *item;
	size_t index;
	char key[64];

	if (!node)
		return false;
	if (json_is_array(node)) {
		json_array_foreach (node, index, item)
			if (path_matches(item, path, pattern))
				return true;
		return false;
	}
	if (!bytes_cut(&path, '.', &name))
		return leaf_matches(node, pattern);
	snprintf(key, sizeof key, "%.*s", BYTES_ARG(name));
	return path_matches(json_object_get(node, key), path, pattern);
}

static bool tag_matches(const json_t *body, const char *key, const char *pattern)
{
	const json_t *tag;
	size_t index;

	json_array_foreach (json_object_get(body, "Tags"), index, tag)
		if (strcmp(json_string_value(json_object_get(tag, "Key")), key) == 0 &&
		    is_like_escaped(pattern, json_string_value(json_object_get(tag, "Value"))))
			return true;
	return false;
}

static const char *path_of(const struct ec2_filter *filters, const char *name)
{
	if (strcmp(name, "tag-key") == 0)
		return "Tags.Key";
	for (; filters->name; filters++)
		if (strcmp(filters->name, name) == 0)
			return filters->path;
	return NULL;
}

static err_t one_matches(struct api_call *call, const struct ec2_filter *filters,
			 const json_t *filter, const json_t *body, bool *ret_match)
{
	const char *name = json_string_value(json_object_get(filter, "Name")), *path;
	const json_t *value;
	size_t index;

	*ret_match = false;
	if (!name)
		return api_fault(call, "MissingParameter",
				 "The request must contain the parameter Filter.Name");
	path = path_of(filters, name);
	if (!path && strncmp(name, "tag:", 4) != 0)
		return api_fault(call, "InvalidParameterValue", "The filter '%s' is invalid", name);
	json_array_foreach (json_object_get(filter, "Values"), index, value) {
		const char *pattern = json_string_value(value);

		if (path ? path_matches(body, bytes_of(path), pattern)
			 : tag_matches(body, name + 4, pattern))
			*ret_match = true;
	}
	return ERR_OK;
}

err_t ec2_filters_match(struct api_call *call, const struct ec2_filter *filters, const json_t *body,
			bool *ret_match)
{
	const json_t *filter;
	size_t index;
	bool all = true, match;

	json_array_foreach (json_object_get(call->input, "Filters"), index, filter) {
		TRY(one_matches(call, filters, filter, body, &match));
		all &= match;
	}
	*ret_match = all;
	return ERR_OK;
}

err_t ec2_filters_may_match(struct api_call *call, const struct ec2_filter *filters,
			    const char *name, const char *value, bool *ret_may)
{
	json_t *body = json_pack("{s:s}", path_of(filters, name), value);
	const json_t *filter;
	size_t index;
	bool match;

	*ret_may = true;
	TRY(ec2_hold(call, body));
	json_array_foreach (json_object_get(call->input, "Filters"), index, filter) {
		if (!ec2_is(filter, "Name", name))
			continue;
		TRY(one_matches(call, filters, filter, body, &match));
		*ret_may &= match;
	}
	return ERR_OK;
}

err_t ec2_filter_list(struct api_call *call, const struct ec2_filter *filters, json_t *list)
{
	json_t *body;
	bool match;

	for (size_t i = 0; (body = json_array_get(list, i)) != NULL;) {
		TRY(ec2_filters_match(call, filters, body, &match));
		if (match)
			i++;
		else
			json_array_remove(list, i);
	}
	/* An unknown filter is refused even where there is nothing to filter. */
	if (json_array_size(list) == 0)
		TRY(ec2_filters_match(call, filters, call->output, &match));
	return ERR_OK;
}

static bool path_is(const json_t *node, struct bytes path, const char *value)
{
	struct bytes name;
	const json_t *item;
	size_t index;
	char key[64];

	if (json_is_array(node)) {
		json_array_foreach (node, index, item)
			if (path_is(item, path, value))
				return true;
		return false;
	}
	if (!bytes_cut(&path, '.', &name))
		return json_is_string(node) && strcmp(json_string_value(node), value) == 0;
	snprintf(key, sizeof key, "%.*s", BYTES_ARG(name));
	return path_is(json_object_get(node, key), path, value);
}

bool ec2_path_has(const json_t *body, const char *path, const char *value)
{
	return path_is(body, bytes_of(path), value);
}

/* ---- Choosing by id, and pages ---- */

static bool json_has_text(const json_t *list, const char *text)
{
	const json_t *item;
	size_t index;

	json_array_foreach (list, index, item)
		if (strcmp(json_string_value(item), text) == 0)
			return true;
	return false;
}

const char *ec2_leave(const json_t *ids, json_t *list, const char *key)
{
	const char *missing = NULL;

	for (size_t i = json_array_size(ids); i-- > 0;) {
		const char *id = json_string_value(json_array_get(ids, i));

		if (!ec2_path_has(list, key, id))
			missing = id;
	}
	for (size_t i = 0; i < json_array_size(list);) {
		const char *own = ec2_text(json_array_get(list, i), key);

		if (own && json_has_text(ids, own))
			i++;
		else
			json_array_remove(list, i);
	}
	return missing;
}

err_t ec2_choose(struct api_call *call, const struct ec2_kind *kind, json_t *list)
{
	json_t *ids = json_object_get(call->input, kind->ids), *id, *body;
	size_t index;

	if (!json_array_size(ids))
		return ERR_OK;
	json_array_foreach (ids, index, id)
		TRY(ec2_find(call, kind, json_string_value(id), &body));
	ec2_leave(ids, list, kind->id);
	return ERR_OK;
}

enum { PAGE_MIN = 5, PAGE_MAX = 1000 };

/* The token is how many were given out: an order that only grows at its end. */
err_t ec2_page(struct api_call *call, const char *name, json_t *list)
{
	const json_t *asked = json_object_get(call->input, "MaxResults");
	const char *token = json_string_value(json_object_get(call->input, "NextToken"));
	size_t total = json_array_size(list), size = total;
	json_t *page = json_array();
	uint64_t first = 0;

	if (!page || json_object_set_new(call->output, name, page))
		return ERR_NOMEM;
	if (asked && (json_integer_value(asked) < PAGE_MIN || json_integer_value(asked) > PAGE_MAX))
		return api_fault(call, "InvalidParameterValue",
				 "Value ( %lld ) for parameter maxResults is invalid. Expecting a "
				 "value between %d and %d.",
				 (long long)json_integer_value(asked), PAGE_MIN, PAGE_MAX);
	if (token && token[0] && bytes_to_u64(bytes_of(token), UINT32_MAX, &first))
		return api_fault(call, "InvalidParameterValue", "Unable to parse pagination token");
	if (asked)
		size = (size_t)json_integer_value(asked);
	for (size_t i = first; i < total && i - first < size; i++)
		if (json_array_append(page, json_array_get(list, i)))
			return ERR_NOMEM;
	if (first < total && total - first > size &&
	    json_object_set_new(call->output, "NextToken",
				json_sprintf("%zu", (size_t)first + size)))
		return ERR_NOMEM;
	return ERR_OK;
}
