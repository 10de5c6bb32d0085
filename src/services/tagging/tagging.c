/*
 * tagging: the operations. A page's token is the ARN (or key) it ended with, in base64.
 */
#include "services/tagging/tagging_internal.h"

#include <stdlib.h>

#include "api/rows.h"
#include <string.h>

#include "base/encode.h"

struct tagging {
	struct api_service service;
};

/* Of the tags in a call three may be AWS's own, which do not count towards the 50. */
enum { ARNS_MAX = 20, TAGS_MAX = 53, KEYS_PER_PAGE = 100 };

/* ---- Sorted pages ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of an object in order; they are the object's. */
static err_t sorted(struct api_call *call, json_t *object, const char ***ret_keys,
		    size_t *ret_count)
{
	const char **keys = arena_array(call->arena, json_object_size(object) + 1, sizeof *keys);
	const char *key;
	json_t *value;
	size_t count = 0;

	if (!keys)
		return ERR_NOMEM;
	json_object_foreach (object, key, value)
		keys[count++] = key;
	qsort(keys, count, sizeof *keys, by_name);
	*ret_keys = keys;
	*ret_count = count;
	return ERR_OK;
}

static err_t read_token(struct api_call *call, const char **ret_after)
{
	const char *token = json_string_value(json_object_get(call->input, "PaginationToken"));
	struct text plain = TEXT_INIT(4096);
	err_t err = ERR_OK;

	*ret_after = "";
	if (token && token[0]) {
		err = decode_base64url(&plain, bytes_of(token));
		if (!err)
			*ret_after = arena_string(call->arena, text_bytes(&plain));
	}
	text_fini(&plain);
	if (err)
		return api_fault(call, "PaginationTokenExpiredException",
				 "The pagination token is not valid.");
	return *ret_after ? ERR_OK : ERR_NOMEM;
}

static err_t write_token(struct api_call *call, const char *last)
{
	struct text token = TEXT_INIT(8192);
	err_t err;

	encode_base64url(&token, bytes_of(last));
	err = text_err(&token);
	if (!err && json_object_set_new(call->output, "PaginationToken",
					json_string(last[0] ? text_str(&token) : "")))
		err = ERR_NOMEM;
	text_fini(&token);
	return err;
}

/* ---- GetResources ---- */

static bool type_fits(const json_t *filters, const char *type)
{
	const json_t *one;
	size_t i;

	json_array_foreach ((json_t *)filters, i, one) {
		struct bytes wanted = bytes_of(json_string_value(one));

		if (bytes_eq_str(wanted, type) ||
		    (bytes_starts(bytes_of(type), wanted) && type[wanted.len] == ':'))
			return true;
	}
	return json_array_size(filters) == 0;
}

static bool among(const json_t *list, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach ((json_t *)list, i, one) {
		if (strcmp(json_string_value(one), text) == 0)
			return true;
	}
	return false;
}

/* Every filter must fit; of one filter's values any will do, and none means any. */
static bool tags_fit(const json_t *filters, const json_t *tags)
{
	const json_t *filter;
	size_t i;

	json_array_foreach ((json_t *)filters, i, filter) {
		const char *key = json_string_value(json_object_get(filter, "Key"));
		const json_t *value = key ? json_object_get(tags, key) : NULL;
		const json_t *values = json_object_get(filter, "Values");

		if (!value)
			return false;
		if (json_array_size(values) && !among(values, json_string_value(value)))
			return false;
	}
	return true;
}

static err_t add_mapping(struct api_call *call, const char *arn, json_t *tags)
{
	json_t *list = json_array(), *value, *mapping;
	const char *key;

	json_object_foreach (tags, key, value)
		json_array_append_new(list, json_pack("{s:s, s:O}", "Key", key, "Value", value));
	mapping = json_pack("{s:s, s:o}", "ResourceARN", arn, "Tags", list);
	return mapping && json_array_append_new(
				  json_object_get(call->output, "ResourceTagMappingList"),
				  mapping) == 0
		       ? ERR_OK
		       : ERR_NOMEM;
}

static bool wanted(const struct api_call *call, const char *arn, const json_t *row)
{
	const json_t *arns = json_object_get(call->input, "ResourceARNList");

	/* What never had a tag is not listed, unless it is asked for by name. */
	return (json_array_size(arns) ? among(arns, arn)
				      : json_object_size(json_object_get(row, "tags")) > 0) &&
	       type_fits(json_object_get(call->input, "ResourceTypeFilters"),
			 json_string_value(json_object_get(row, "type"))) &&
	       tags_fit(json_object_get(call->input, "TagFilters"), json_object_get(row, "tags"));
}

static err_t page_of(struct api_call *call, json_t *all)
{
	const json_t *size = json_object_get(call->input, "ResourcesPerPage");
	size_t most = size ? (size_t)json_integer_value(size) : 50, count, taken = 0;
	const char **arns, *after, *last = "";

	TRY(read_token(call, &after));
	TRY(sorted(call, all, &arns, &count));
	for (size_t i = 0; i < count; i++) {
		json_t *row = json_object_get(all, arns[i]);

		if (strcmp(arns[i], after) <= 0 || !wanted(call, arns[i], row))
			continue;
		if (taken == most)
			return write_token(call, last);
		TRY(add_mapping(call, arns[i], json_object_get(row, "tags")));
		last = arns[i];
		taken++;
	}
	return write_token(call, "");
}

static err_t get_resources(struct api_call *call)
{
	json_t *all;
	err_t err;

	if (json_array_size(json_object_get(call->input, "ResourceARNList")) &&
	    (json_object_get(call->input, "TagFilters") ||
	     json_object_get(call->input, "ResourceTypeFilters")))
		return api_fault(call, "InvalidParameterException",
				 "ResourceARNList cannot be used with TagFilters or "
				 "ResourceTypeFilters.");
	if (json_object_set_new(call->output, "ResourceTagMappingList", json_array()))
		return ERR_NOMEM;
	TRY(tagged_resources(call, &all));
	err = page_of(call, all);
	json_decref(all);
	return err;
}

/* ---- GetTagKeys, GetTagValues ---- */

/* A page of an object's keys under `list`. */
static err_t page_of_keys(struct api_call *call, const char *list, json_t *keys)
{
	const char **names, *after, *last = "";
	size_t count, taken = 0;

	TRY(read_token(call, &after));
	TRY(sorted(call, keys, &names, &count));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], after) <= 0 && after[0])
			continue;
		if (taken++ == KEYS_PER_PAGE)
			return write_token(call, last);
		if (json_array_append_new(json_object_get(call->output, list),
					  json_string(names[i])))
			return ERR_NOMEM;
		last = names[i];
	}
	return write_token(call, "");
}

/* All keys, or all values of one key. */
static err_t collect(struct api_call *call, const char *list, const char *wanted_key)
{
	json_t *all, *found = json_object(), *row, *value;
	const char *arn, *key;
	err_t err;

	if (!found || json_object_set_new(call->output, list, json_array())) {
		json_decref(found);
		return ERR_NOMEM;
	}
	err = tagged_resources(call, &all);
	if (!err) {
		json_object_foreach (all, arn, row)
			json_object_foreach (json_object_get(row, "tags"), key, value)
				if (!wanted_key)
					json_object_set_new(found, key, json_null());
				else if (strcmp(key, wanted_key) == 0)
					json_object_set_new(found, json_string_value(value),
							    json_null());
		err = page_of_keys(call, list, found);
		json_decref(all);
	}
	json_decref(found);
	return err;
}

static err_t get_tag_keys(struct api_call *call)
{
	return collect(call, "TagKeys", NULL);
}

static err_t get_tag_values(struct api_call *call)
{
	return collect(call, "TagValues", json_string_value(json_object_get(call->input, "Key")));
}

/* ---- TagResources, UntagResources ---- */

static json_t *in_form(const struct tag_sink *sink, json_t *tags)
{
	const char *key;
	json_t *value, *list;

	if (sink->form == SINK_MAP)
		return json_incref(tags);
	list = json_array();
	json_object_foreach (tags, key, value)
		json_array_append_new(
			list, sink->form == SINK_LOWER
				      ? json_pack("{s:s, s:O}", "key", key, "value", value)
				      : json_pack("{s:s, s:O}", "Key", key, "Value", value));
	return list;
}

/* The same without values, for services that take tags back whole. */
static json_t *keys_in_form(const struct tag_sink *sink, json_t *keys)
{
	json_t *list, *key;
	size_t i;

	if (sink->keys)
		return json_incref(keys);
	list = json_array();
	json_array_foreach (keys, i, key)
		json_array_append_new(list, json_pack("{s:O}", "Key", key));
	return list;
}

static json_t *input_of(const struct tag_sink *sink, const char *arn, const char *member,
			json_t *value)
{
	const char *slash = strrchr(arn, '/');
	const char *name = sink->name == SINK_ID && slash ? slash + 1 : arn;
	json_t *input = sink->by_list ? json_pack("{s:[s]}", sink->by, name)
				      : json_pack("{s:s}", sink->by, name);

	json_object_set_new(input, member, value);
	return input;
}

static err_t note_failure(struct api_call *call, const char *arn, const struct api_fault *fault)
{
	json_t *row = json_pack("{s:s, s:s, s:i}", "ErrorCode",
				fault->status >= 500 ? "InternalServiceException"
						     : "InvalidParameterException",
				"ErrorMessage", fault->message, "StatusCode", (int)fault->status);

	return row && json_object_set_new(json_object_get(call->output, "FailedResourcesMap"), arn,
					  row) == 0
		       ? ERR_OK
		       : ERR_NOMEM;
}

/* One resource after the other; who fails is said, the others go on. */
static err_t change(struct api_call *call, bool adding)
{
	const json_t *arns = json_object_get(call->input, "ResourceARNList"), *one;
	json_t *tags = json_object_get(call->input, "Tags");
	json_t *keys = json_object_get(call->input, "TagKeys");
	size_t i;

	if (json_object_set_new(call->output, "FailedResourcesMap", json_object()))
		return ERR_NOMEM;
	json_array_foreach ((json_t *)arns, i, one) {
		const char *arn = json_string_value(one);
		const struct tag_sink *sink = tag_sink_of(arn);
		struct api_fault fault = { .code = "InvalidParameterException",
					   .message = "This resource takes no tags here.",
					   .status = 400 };
		json_t *input, *output = NULL;
		err_t err = ERR_INVALID;

		if (sink && api_service(call->api, bytes_of(sink->service))) {
			input = adding ? input_of(sink, arn, sink->tags, in_form(sink, tags))
				       : input_of(sink, arn, sink->keys ? sink->keys : sink->tags,
						  keys_in_form(sink, keys));
			err = api_call(call->api, call->caller, sink->service,
				       adding ? sink->add : sink->drop, input, &output, &fault);
			json_decref(input);
			json_decref(output);
		}
		if (err)
			TRY(note_failure(call, arn, &fault));
	}
	return ERR_OK;
}

static err_t tag_resources(struct api_call *call)
{
	return change(call, true);
}

static err_t untag_resources(struct api_call *call)
{
	return change(call, false);
}

/* ---- The table ---- */

static const struct api_shape arn = { .kind = API_STRING, .min = 1, .max = 1011 };
static const struct api_shape arns = { .kind = API_LIST, .item = &arn, .min = 1, .max = ARNS_MAX };
static const struct api_shape some_arns = { .kind = API_LIST, .item = &arn, .max = 100 };
static const struct api_shape key = { .kind = API_STRING, .min = 1, .max = 128 };
static const struct api_shape value = { .kind = API_STRING, .min = 0, .max = 256 };
static const struct api_shape values = { .kind = API_LIST, .item = &value, .max = 20 };
static const struct api_shape keys = { .kind = API_LIST, .item = &key, .min = 1, .max = TAGS_MAX };
static const struct api_shape names = { .kind = API_LIST, .item = &api_string };
static const struct api_shape tag_map = {
	.kind = API_MAP, .item = &value, .min = 1, .max = TAGS_MAX
};
static const struct api_shape per_page = { .kind = API_INTEGER, .min = 1, .max = 100 };
STRUCTURE(filter, R("Key", &key), M("Values", &values));
static const struct api_shape filters = { .kind = API_LIST, .item = &filter, .max = 50 };
STRUCTURE(tag, R("Key", &api_string), R("Value", &api_string));
static const struct api_shape tags = { .kind = API_LIST, .item = &tag };
STRUCTURE(mapping, M("ResourceARN", &api_string), M("Tags", &tags));
static const struct api_shape mappings = { .kind = API_LIST, .item = &mapping };
STRUCTURE(failure, M("StatusCode", &api_integer), M("ErrorCode", &api_string),
	  M("ErrorMessage", &api_string));
static const struct api_shape failures = { .kind = API_MAP, .item = &failure };

STRUCTURE(get_resources_in, M("PaginationToken", &api_string), M("TagFilters", &filters),
	  M("ResourcesPerPage", &per_page), M("ResourceTypeFilters", &names),
	  M("ResourceARNList", &some_arns));
STRUCTURE(get_resources_out, M("PaginationToken", &api_string),
	  M("ResourceTagMappingList", &mappings));
STRUCTURE(keys_in, M("PaginationToken", &api_string));
STRUCTURE(keys_out, M("PaginationToken", &api_string), M("TagKeys", &names));
STRUCTURE(values_in, M("PaginationToken", &api_string), R("Key", &key));
STRUCTURE(values_out, M("PaginationToken", &api_string), M("TagValues", &names));
STRUCTURE(tag_in, R("ResourceARNList", &arns), R("Tags", &tag_map));
STRUCTURE(untag_in, R("ResourceARNList", &arns), R("TagKeys", &keys));
STRUCTURE(failed_out, M("FailedResourcesMap", &failures));

#define OPERATION(name_, effect_, input_, output_, handle_)                                \
	{                                                                                  \
		ROW_OPERATION("tag", name_, API_##effect_, &(input_), &(output_), handle_) \
	}

static const struct api_operation operations[] = {
	OPERATION("GetResources", READS, get_resources_in, get_resources_out, get_resources),
	OPERATION("GetTagKeys", READS, keys_in, keys_out, get_tag_keys),
	OPERATION("GetTagValues", READS, values_in, values_out, get_tag_values),
	OPERATION("TagResources", WRITES, tag_in, failed_out, tag_resources),
	OPERATION("UntagResources", WRITES, untag_in, failed_out, untag_resources),
};

err_t tagging_create(struct api *api, struct tagging **ret_tagging)
{
	static const char *const aliases[] = { "resourcegroupstaggingapi", NULL };
	struct tagging *tagging = calloc(1, sizeof *tagging);
	err_t err;

	if (!tagging)
		return ERR_NOMEM;
	tagging->service = (struct api_service){
		.name = "tagging",
		.aliases = aliases,
		.protocol = API_JSON_1_1,
		.version = "2017-01-26",
		.target_prefix = "ResourceGroupsTaggingAPI_20170126",
		.operations = operations,
		.operation_count = COUNT(operations),
		.state = tagging,
	};
	err = api_register(api, &tagging->service);
	if (err)
		free(tagging);
	else
		*ret_tagging = tagging;
	return err;
}

void tagging_destroy(struct tagging *tagging)
{
	free(tagging);
}
