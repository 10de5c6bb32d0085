/*
 * filters: the filters of a group, metric filters and subscriptions: they stand in the group's
 * record, in the order of their names, and parsed in the cache.
 */
#include <stdlib.h>

#include "services/logs/logs_internal.h"

void filters_free(struct log_filter *filters)
{
	while (filters) {
		struct log_filter *next = filters->next;

		pattern_free(filters->pattern);
		json_decref(filters->body);
		free(filters);
		filters = next;
	}
}

static err_t load_one(json_t *body, struct log_filter **ret_filter)
{
	const char *text = json_string_value(json_object_get(body, "filterPattern"));
	struct log_filter *filter = calloc(1, sizeof *filter);
	char why[PATTERN_WHY_BYTES];
	err_t err;

	if (!filter)
		return ERR_NOMEM;
	err = pattern_parse(bytes_of(text ? text : ""), &filter->pattern, why);
	if (err) {
		free(filter);
		return err;
	}
	filter->body = json_incref(body);
	*ret_filter = filter;
	return ERR_OK;
}

err_t filters_load(const json_t *bodies, struct log_filter **ret_filters)
{
	struct log_filter **tail = ret_filters;
	json_t *body;
	size_t i;

	json_array_foreach ((json_t *)bodies, i, body) {
		TRY(load_one(body, tail));
		tail = &(*tail)->next;
	}
	return ERR_OK;
}

/* ---- Keeping ---- */

static const char *name_of(const json_t *filter)
{
	return json_string_value(json_object_get(filter, "filterName"));
}

static size_t index_of(const json_t *filters, const char *name)
{
	for (size_t i = 0; i < json_array_size(filters); i++)
		if (strcmp(name_of(json_array_get(filters, i)), name) == 0)
			return i;
	return SIZE_MAX;
}

/* Where a filter of that name goes: they are kept in order, as Describe… gives them. */
static size_t place_of(const json_t *filters, const char *name)
{
	size_t i = 0;

	while (i < json_array_size(filters) &&
	       strcmp(name_of(json_array_get(filters, i)), name) < 0)
		i++;
	return i;
}

/* Takes `filter` over. */
static int put_into(json_t *filters, json_t *filter)
{
	size_t at = index_of(filters, name_of(filter));

	return at == SIZE_MAX
		       ? json_array_insert_new(filters, place_of(filters, name_of(filter)), filter)
		       : json_array_set_new(filters, at, filter);
}

err_t filters_keep(struct api_call *call, const struct log_group *group, const char *list,
		   size_t max, json_t *filter)
{
	json_t *body = NULL, *filters;
	err_t err = filter ? group_body(call, group, &body) : ERR_NOMEM;

	filters = json_object_get(body, list);
	if (!err && !filters) { /* a group of before there was that list */
		filters = json_array();
		if (!filters || json_object_set_new(body, list, filters))
			err = ERR_NOMEM;
	}
	if (!err && index_of(filters, name_of(filter)) == SIZE_MAX &&
	    json_array_size(filters) >= max)
		err = api_fault(call, "LimitExceededException", "Resource limit exceeded.");
	if (!err)
		err = put_into(filters, json_incref(filter)) ? ERR_NOMEM
							     : group_put(call, group, body);
	json_decref(filter);
	json_decref(body);
	return err;
}

err_t filters_drop(struct api_call *call, const char *list, const char *not_there)
{
	struct log_group *group;
	json_t *body, *filters;
	const char *name;
	size_t at;
	err_t err;

	TRY(input_stream_name(call, "filterName", &name));
	TRY(input_group(call, &group));
	TRY(group_body(call, group, &body));
	filters = json_object_get(body, list);
	at = index_of(filters, name);
	if (at == SIZE_MAX) {
		json_decref(body);
		return api_fault(call, "ResourceNotFoundException", "%s", not_there);
	}
	json_array_remove(filters, at);
	err = group_put(call, group, body);
	json_decref(body);
	return err;
}

/* ---- Describing ---- */

struct listing {
	struct api_call *call;
	const char *list, *prefix, *group;
	bool (*fits)(void *owner, const json_t *filter);
	void *owner;
	json_t *found;
};

static bool add_filters(void *owner, const struct store_resource *resource)
{
	const char *name = json_string_value(json_object_get(resource->body, "logGroupName"));
	struct listing *listing = owner;
	json_t *filter;
	size_t i;

	if (listing->group && strcmp(listing->group, name) != 0)
		return true;
	json_array_foreach (json_object_get(resource->body, listing->list), i, filter) {
		if (listing->prefix &&
		    !bytes_starts(bytes_of(name_of(filter)), bytes_of(listing->prefix)))
			continue;
		if (listing->fits && !listing->fits(listing->owner, filter))
			continue;
		if (json_array_append(listing->found, filter))
			return false;
	}
	return true;
}

/* In the order stored; the token counts them. */
static err_t write_filters(struct listing *listing, int64_t limit)
{
	struct api_call *call = listing->call;
	const char *token = input_string(call, "nextToken"), *words = "0";
	json_t *page = json_array();
	uint64_t from;
	size_t end;

	if (!page || json_object_set_new(call->output, listing->list, page))
		return ERR_NOMEM;
	if (token)
		TRY(token_read(call, "filters", token, &words));
	if (bytes_to_u64(bytes_of(words), UINT32_MAX, &from))
		return api_fault(call, "InvalidParameterException",
				 "The specified nextToken is invalid.");
	end = size_min(json_array_size(listing->found), (size_t)from + (size_t)limit);
	for (size_t i = (size_t)from; i < end; i++)
		if (json_array_append(page, json_array_get(listing->found, i)))
			return ERR_NOMEM;
	if (end == json_array_size(listing->found))
		return ERR_OK;
	words = arena_printf(call->arena, "%zu", end);
	if (!words)
		return ERR_NOMEM;
	TRY(token_write(call, "filters", words, &token));
	return json_object_set_new(call->output, "nextToken", json_string(token)) ? ERR_NOMEM
										  : ERR_OK;
}

err_t filters_describe(struct api_call *call, const char *list,
		       bool (*fits)(void *owner, const json_t *filter), void *owner)
{
	struct listing listing = { .call = call,
				   .list = list,
				   .prefix = input_string(call, "filterNamePrefix"),
				   .fits = fits,
				   .owner = owner };
	struct log_group *group;
	int64_t limit;
	err_t err;

	TRY(input_number(call, "limit", 1, 50, 50, &limit));
	if (input_string(call, "logGroupName")) {
		TRY(input_group(call, &group));
		listing.group = group->name;
	}
	listing.found = json_array();
	if (!listing.found)
		return ERR_NOMEM;
	err = store_each(txn_of(call), KIND_GROUP, NULL, NULL, add_filters, &listing);
	if (!err)
		err = write_filters(&listing, limit);
	json_decref(listing.found);
	return err;
}
