/*
 * parameters: put, get, describe, delete. A name is a path ("/prod/db/url") or a plain word.
 */
#include "services/ssm/ssm_internal.h"

#include <stdio.h>

#include "base/encode.h"

enum {
	NAME_MAX_BYTES = 1011,
	VALUE_MAX = 4096,	   /* of the tier Standard */
	VALUE_MAX_ADVANCED = 8192, /* of the tier Advanced */
	LEVELS_MAX = 15,
	SEALED_MAX = 16384,
	PAGE_MAX = 50,
	PAGE_PATH_MAX = 10,
	TAGS_MAX = 50,
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static err_t put(json_t *object, const char *key, json_t *value)
{
	return !value || json_object_set_new(object, key, value) ? ERR_NOMEM : ERR_OK;
}

static err_t add(json_t *array, json_t *value)
{
	return !value || json_array_append_new(array, value) ? ERR_NOMEM : ERR_OK;
}

/* "arn:aws:ssm:…:parameter/a/b" names what "/a/b" names; "…:parameter/a" what "a" does. */
static const char *plain_name(const char *name)
{
	const char *mark = strncmp(name, "arn:", 4) == 0 ? strstr(name, ":parameter/") : NULL;

	if (!mark)
		return name;
	name = mark + strlen(":parameter");
	return strchr(name + 1, '/') ? name : name + 1;
}

static const char *arn_of(struct api_call *call, const char *name)
{
	return arena_printf(call->arena, "arn:aws:ssm:%s:%s:parameter%s%s",
			    ssm_of(call)->options.region, ssm_of(call)->options.account,
			    name[0] == '/' ? "" : "/", name);
}

static err_t check_name(struct api_call *call, const char *name)
{
	unsigned levels = 0;

	if (!name[0] || strlen(name) > NAME_MAX_BYTES)
		return api_fault(call, "ValidationException",
				 "Parameter name must have 1 to %d characters.", NAME_MAX_BYTES);
	for (const char *c = name; *c; c++) {
		levels += *c == '/';
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= '0' && *c <= '9') || strchr("_.-/", *c)))
			return api_fault(
				call, "ValidationException",
				"Parameter name: can't be prefixed with \"ssm\" "
				"(case-insensitive). If formed as a path, it can consist of "
				"sub-paths divided by slash symbol; each sub-path can be formed as "
				"a mix of letters, numbers and the following 3 symbols .-_");
	}
	if (levels && name[0] != '/')
		return api_fault(call, "ValidationException",
				 "Parameter name must be a fully qualified name.");
	if (levels > LEVELS_MAX)
		return api_fault(call, "HierarchyLevelLimitExceededException",
				 "A hierarchy can have a maximum of %d levels.", LEVELS_MAX);
	if (strncasecmp(name[0] == '/' ? name + 1 : name, "aws", 3) == 0 ||
	    strncasecmp(name[0] == '/' ? name + 1 : name, "ssm", 3) == 0)
		return api_fault(call, "AccessDeniedException",
				 "No access to reserved parameter name: %.300s.", name);
	return ERR_OK;
}

/* ---- Values ---- */

static err_t seal_value(struct api_call *call, json_t *body, const char *value)
{
	struct text sealed = TEXT_INIT(SEALED_MAX), coded = TEXT_INIT(2 * SEALED_MAX);
	err_t err = seal(ssm_of(call)->options.seal_key, bytes_of(value),
			 bytes_of(text_of(body, "Name")), &sealed);

	if (!err) {
		encode_base64(&coded, text_bytes(&sealed));
		err = text_err(&coded);
	}
	if (!err)
		err = put(body, "_sealed", json_string(text_str(&coded)));
	text_fini(&sealed);
	text_fini(&coded);
	return err;
}

static err_t open_value(struct api_call *call, const json_t *body, json_t **ret_value)
{
	struct text sealed = TEXT_INIT(SEALED_MAX), plain = TEXT_INIT(SEALED_MAX);
	err_t err = decode_base64(&sealed, bytes_of(text_of(body, "_sealed")));

	if (!err)
		err = seal_open(ssm_of(call)->options.seal_key, text_bytes(&sealed),
				bytes_of(text_of(body, "Name")), &plain);
	if (!err) {
		*ret_value = json_stringn(plain.at ? plain.at : "", plain.len);
		explicit_bzero(plain.at, plain.len);
		err = *ret_value ? ERR_OK : ERR_NOMEM;
	}
	text_fini(&sealed);
	text_fini(&plain);
	return err;
}

/* As GetParameter answers it. Without decryption a SecureString is what lies in the store. */
static err_t show_value(struct api_call *call, const json_t *body, json_t **ret_shown)
{
	bool secure = strcmp(text_of(body, "Type"), "SecureString") == 0;
	bool decrypt = json_is_true(json_object_get(call->input, "WithDecryption"));
	const char *name = text_of(body, "Name"), *arn = arn_of(call, name);
	json_t *value = NULL;

	if (secure && !decrypt)
		value = json_string(text_of(body, "_sealed"));
	else
		TRY(open_value(call, body, &value));
	*ret_shown = json_pack("{s:s, s:s, s:o, s:O, s:O, s:s, s:s}", "Name", name, "Type",
			       text_of(body, "Type"), "Value", value, "Version",
			       json_object_get(body, "Version"), "LastModifiedDate",
			       json_object_get(body, "LastModifiedDate"), "ARN", arn ? arn : "",
			       "DataType", "text");
	return *ret_shown ? ERR_OK : ERR_NOMEM;
}

static err_t find(struct api_call *call, const char *name, json_t **ret_body)
{
	return store_get(call->transaction, KIND_PARAMETER, plain_name(name), ret_body, NULL);
}

static err_t not_found(struct api_call *call, const char *name)
{
	return api_fault(call, "ParameterNotFound", "Parameter %.900s not found.", name);
}

/* ---- Put ---- */

static err_t check_value(struct api_call *call, const char *type, const char *tier)
{
	const char *value = text_of(call->input, "Value");
	bool advanced = strcmp(tier, "Advanced") == 0;
	size_t max = advanced ? VALUE_MAX_ADVANCED : VALUE_MAX;

	if (strcmp(type, "String") != 0 && strcmp(type, "StringList") != 0 &&
	    strcmp(type, "SecureString") != 0)
		return api_fault(call, "UnsupportedParameterType",
				 "The parameter type '%.100s' is not supported.", type);
	if (!value[0])
		return api_fault(call, "ValidationException", "Parameter value can't be empty.");
	if (strlen(value) > max)
		return api_fault(call, "ValidationException",
				 "%s tier parameters support a maximum parameter value of %zu "
				 "characters.",
				 advanced ? "Advanced" : "Standard", max);
	if (json_object_get(call->input, "Policies") && text_of(call->input, "Policies")[0])
		return api_fault(call, "InvalidPolicyTypeException",
				 "Parameter policies are not supported here.");
	return ERR_OK;
}

static err_t fill(struct api_call *call, json_t *body, const char *type, const char *tier,
		  json_int_t version)
{
	static const char *const kept[] = { "Description", "AllowedPattern", "KeyId" };
	const char *arn = call->caller ? call->caller->arn : NULL;

	TRY(put(body, "Type", json_string(type)));
	TRY(put(body, "Tier", json_string(tier)));
	TRY(put(body, "DataType", json_string("text")));
	TRY(put(body, "Version", json_integer(version)));
	TRY(put(body, "LastModifiedDate",
		json_integer((json_int_t)(loop_unix_us(ssm_of(call)->options.loop) / 1000))));
	TRY(put(body, "LastModifiedUser", json_string(arn ? arn : "")));
	for (size_t i = 0; i < COUNT(kept); i++)
		if (json_object_get(call->input, kept[i]))
			TRY(put(body, kept[i], json_incref(json_object_get(call->input, kept[i]))));
	return seal_value(call, body, text_of(call->input, "Value"));
}

static err_t check_tag_key(struct api_call *call, const char *key)
{
	if (api_tag_is_reserved(call, key))
		return api_fault(call, "ValidationException",
				 "aws: prefixed tag key names are not allowed for external use: "
				 "'%.200s'",
				 key);
	return ERR_OK;
}

/* Those of the input. */
static err_t check_tags(struct api_call *call)
{
	const json_t *tag;
	size_t i;

	json_array_foreach (json_object_get(call->input, "Tags"), i, tag)
		TRY(check_tag_key(call, text_of(tag, "Key")));
	return ERR_OK;
}

static err_t check_tag_count(struct api_call *call, const json_t *tags)
{
	if (api_tags_count(tags) > TAGS_MAX)
		return api_fault(call, "TooManyTagsError", "A parameter can have at most %d tags.",
				 TAGS_MAX);
	return ERR_OK;
}

static err_t new_tags(struct api_call *call, json_t *body)
{
	json_t *tags = json_object(), *tag;
	size_t i;

	TRY(put(body, "_tags", tags));
	TRY(check_tags(call));
	json_array_foreach (json_object_get(call->input, "Tags"), i, tag)
		TRY(put(tags, text_of(tag, "Key"), json_string(text_of(tag, "Value"))));
	return check_tag_count(call, tags);
}

static err_t write_parameter(struct api_call *call, json_t *body, bool known, const char *type,
			     json_int_t version)
{
	const char *tier = text_of(call->input, "Tier");
	const char *name = text_of(body, "Name");
	struct store_resource resource = {
		.kind = KIND_PARAMETER, .id = name, .parent = "", .body = body
	};

	tier = strcmp(tier, "Advanced") == 0 ? "Advanced" : "Standard";
	TRY(check_value(call, type, tier));
	TRY(fill(call, body, type, tier, version));
	if (!known)
		TRY(new_tags(call, body));
	TRY(known ? store_update(call->transaction, &resource)
		  : store_insert(call->transaction, &resource));
	TRY(put(call->output, "Version", json_integer(version)));
	return put(call->output, "Tier", json_string(tier));
}

err_t ssm_put_parameter(struct api_call *call)
{
	const char *name = plain_name(text_of(call->input, "Name"));
	const char *type = text_of(call->input, "Type");
	json_t *body = NULL;
	json_int_t version = 1;
	err_t err;

	TRY(check_name(call, name));
	err = find(call, name, &body);
	if (err && err != ERR_NOT_FOUND)
		return err;
	if (!err && !json_is_true(json_object_get(call->input, "Overwrite"))) {
		json_decref(body);
		return api_fault(call, "ParameterAlreadyExists",
				 "The parameter already exists. To overwrite this value, set the "
				 "overwrite option in the request to true.");
	}
	if (err) {
		body = json_pack("{s:s}", "Name", name);
		if (!type[0])
			type = "String";
	} else {
		version = json_integer_value(json_object_get(body, "Version")) + 1;
		if (!type[0])
			type = text_of(body, "Type");
	}
	if (!body)
		return ERR_NOMEM;
	type = arena_string(call->arena, bytes_of(type));
	err = type ? write_parameter(call, body, !err, type, version) : ERR_NOMEM;
	json_decref(body);
	return err;
}

/* ---- Get ---- */

err_t ssm_get_parameter(struct api_call *call)
{
	const char *name = text_of(call->input, "Name");
	json_t *body, *shown = NULL;
	err_t err = find(call, name, &body);

	if (err)
		return err == ERR_NOT_FOUND ? not_found(call, name) : err;
	err = show_value(call, body, &shown);
	json_decref(body);
	if (err)
		return err;
	return put(call->output, "Parameter", shown);
}

err_t ssm_get_parameters(struct api_call *call)
{
	json_t *found = json_array(), *invalid = json_array(), *name, *body, *shown = NULL;
	size_t i;
	err_t err;

	TRY(put(call->output, "Parameters", found));
	TRY(put(call->output, "InvalidParameters", invalid));
	json_array_foreach (json_object_get(call->input, "Names"), i, name) {
		err = find(call, json_string_value(name), &body);
		if (err == ERR_NOT_FOUND) {
			TRY(add(invalid, json_incref(name)));
			continue;
		}
		TRY(err);
		err = show_value(call, body, &shown);
		json_decref(body);
		TRY(err);
		TRY(add(found, shown));
	}
	return ERR_OK;
}

/* ---- Lists ---- */

struct listing {
	struct api_call *call;
	json_t *list; /* bodies */
	struct bytes path;
	bool recursive;
};

static bool take_body(void *owner, const struct store_resource *resource)
{
	struct listing *listing = owner;
	struct bytes name = bytes_of(resource->id), rest;

	if (listing->path.len) {
		if (!bytes_starts(name, listing->path))
			return true;
		rest = bytes_from(name, listing->path.len);
		if (!listing->recursive && bytes_index(rest, '/') != SIZE_MAX)
			return true;
	}
	return json_array_append(listing->list, resource->body) == 0;
}

/* One page of bodies, shown by `show`, into output[name]; the token counts. */
static err_t answer_page(struct listing *listing, const char *name, uint64_t max,
			 err_t (*show)(struct api_call *call, const json_t *body, json_t **ret))
{
	struct api_call *call = listing->call;
	const char *token = text_of(call->input, "NextToken");
	json_t *page = json_array(), *shown = NULL;
	uint64_t from = 0, wanted = max;
	char next[24];

	TRY(put(call->output, name, page));
	if (json_object_get(call->input, "MaxResults"))
		wanted = (uint64_t)json_integer_value(json_object_get(call->input, "MaxResults"));
	if (wanted < 1 || wanted > max)
		return api_fault(call, "ValidationException",
				 "MaxResults must be between 1 and %llu.", (unsigned long long)max);
	if (token[0] && bytes_to_u64(bytes_of(token), UINT32_MAX, &from))
		return api_fault(call, "InvalidNextToken", "The specified token is not valid.");
	for (size_t i = from; i < json_array_size(listing->list) && i < from + wanted; i++) {
		TRY(show(call, json_array_get(listing->list, i), &shown));
		TRY(add(page, shown));
	}
	if (from + wanted >= json_array_size(listing->list))
		return ERR_OK;
	snprintf(next, sizeof next, "%llu", (unsigned long long)(from + wanted));
	return put(call->output, "NextToken", json_string(next));
}

err_t ssm_get_parameters_by_path(struct api_call *call)
{
	struct listing listing = { .call = call, .list = json_array() };
	const char *path = text_of(call->input, "Path");
	err_t err;

	if (!listing.list)
		return ERR_NOMEM;
	listing.path = bytes_of(arena_printf(call->arena, "%s%s", path,
					     bytes_ends(bytes_of(path), BYTES("/")) ? "" : "/"));
	listing.recursive = json_is_true(json_object_get(call->input, "Recursive"));
	if (path[0] != '/')
		err = api_fault(call, "ValidationException",
				"The parameter path must begin with '/'.");
	else
		err = store_each(call->transaction, KIND_PARAMETER, NULL, NULL, take_body,
				 &listing);
	if (!err)
		err = answer_page(&listing, "Parameters", PAGE_PATH_MAX, show_value);
	json_decref(listing.list);
	return err;
}

static err_t show_description(struct api_call *call, const json_t *body, json_t **ret_shown)
{
	json_t *shown = json_deep_copy(body);
	const char *arn = arn_of(call, text_of(body, "Name"));
	err_t err = shown ? put(shown, "ARN", json_string(arn)) : ERR_NOMEM;

	if (!err)
		err = put(shown, "Policies", json_array());
	if (err) {
		json_decref(shown);
		return err;
	}
	json_object_del(shown, "_sealed");
	json_object_del(shown, "_tags");
	*ret_shown = shown;
	return ERR_OK;
}

/* Name (Equals, BeginsWith, Contains) and Type; the old Filters mean the same with Equals. */
static bool passes(const json_t *body, const json_t *filter)
{
	const char *key = text_of(filter, "Key"), *option = text_of(filter, "Option");
	const json_t *values = json_object_get(filter, "Values");
	const char *have = text_of(body, strcmp(key, "Type") == 0 ? "Type" : "Name");
	json_t *value;
	size_t i;

	json_array_foreach ((json_t *)values, i, value) {
		struct bytes want = bytes_of(json_string_value(value));

		if (strcmp(option, "BeginsWith") == 0 ? bytes_starts(bytes_of(have), want)
		    : strcmp(option, "Contains") == 0 ? bytes_find(bytes_of(have), want) != SIZE_MAX
						      : bytes_eq_str(want, have))
			return true;
	}
	return false;
}

static err_t filter_list(struct api_call *call, json_t *list)
{
	json_t *filter;
	size_t k;

	json_array_foreach (json_object_get(call->input, "ParameterFilters"), k, filter) {
		const char *key = text_of(filter, "Key");

		if (strcmp(key, "Name") != 0 && strcmp(key, "Type") != 0)
			return api_fault(call, "InvalidFilterKey",
					 "The filter key '%.100s' is not supported here; Name and "
					 "Type are.",
					 key);
		for (size_t i = json_array_size(list); i-- > 0;)
			if (!passes(json_array_get(list, i), filter))
				json_array_remove(list, i);
	}
	return ERR_OK;
}

err_t ssm_describe_parameters(struct api_call *call)
{
	struct listing listing = { .call = call, .list = json_array() };
	err_t err;

	if (!listing.list)
		return ERR_NOMEM;
	err = store_each(call->transaction, KIND_PARAMETER, NULL, NULL, take_body, &listing);
	if (!err)
		err = filter_list(call, listing.list);
	if (!err)
		err = answer_page(&listing, "Parameters", PAGE_MAX, show_description);
	json_decref(listing.list);
	return err;
}

/* ---- Delete ---- */

err_t ssm_delete_parameter(struct api_call *call)
{
	const char *name = text_of(call->input, "Name");
	err_t err = store_delete(call->transaction, KIND_PARAMETER, plain_name(name));

	return err == ERR_NOT_FOUND ? not_found(call, name) : err;
}

err_t ssm_delete_parameters(struct api_call *call)
{
	json_t *deleted = json_array(), *invalid = json_array(), *name;
	size_t i;
	err_t err;

	TRY(put(call->output, "DeletedParameters", deleted));
	TRY(put(call->output, "InvalidParameters", invalid));
	json_array_foreach (json_object_get(call->input, "Names"), i, name) {
		err = store_delete(call->transaction, KIND_PARAMETER,
				   plain_name(json_string_value(name)));
		if (err && err != ERR_NOT_FOUND)
			return err;
		TRY(add(err ? invalid : deleted, json_incref(name)));
	}
	return ERR_OK;
}

/* ---- Tags ---- */

static err_t find_tagged(struct api_call *call, json_t **ret_body)
{
	const char *id = text_of(call->input, "ResourceId");
	err_t err;

	if (strcmp(text_of(call->input, "ResourceType"), "Parameter") != 0)
		return api_fault(call, "InvalidResourceType",
				 "The resource type is not valid; 'Parameter' is.");
	err = find(call, id, ret_body);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "InvalidResourceId", "The resource ID %.300s is not valid.",
				 id);
	return err;
}

static err_t save_tagged(struct api_call *call, json_t *body, err_t err)
{
	if (!err)
		err = store_update(call->transaction,
				   &(struct store_resource){ .kind = KIND_PARAMETER,
							     .id = text_of(body, "Name"),
							     .parent = "",
							     .body = body });
	json_decref(body);
	return err;
}

err_t ssm_add_tags_to_resource(struct api_call *call)
{
	json_t *body, *tag;
	err_t err = ERR_OK;
	size_t i;

	TRY(check_tags(call));
	TRY(find_tagged(call, &body));
	json_array_foreach (json_object_get(call->input, "Tags"), i, tag)
		if (!err)
			err = put(json_object_get(body, "_tags"), text_of(tag, "Key"),
				  json_string(text_of(tag, "Value")));
	if (!err)
		err = check_tag_count(call, json_object_get(body, "_tags"));
	return save_tagged(call, body, err);
}

err_t ssm_remove_tags_from_resource(struct api_call *call)
{
	json_t *body, *key;
	size_t i;

	json_array_foreach (json_object_get(call->input, "TagKeys"), i, key)
		TRY(check_tag_key(call, json_string_value(key)));
	TRY(find_tagged(call, &body));
	json_array_foreach (json_object_get(call->input, "TagKeys"), i, key)
		json_object_del(json_object_get(body, "_tags"), json_string_value(key));
	return save_tagged(call, body, ERR_OK);
}

err_t ssm_list_tags_for_resource(struct api_call *call)
{
	json_t *body, *value, *list = json_array();
	const char *key;
	err_t err = ERR_OK;

	TRY(put(call->output, "TagList", list));
	TRY(find_tagged(call, &body));
	json_object_foreach (json_object_get(body, "_tags"), key, value)
		if (!err)
			err = add(list, json_pack("{s:s, s:O}", "Key", key, "Value", value));
	json_decref(body);
	return err;
}
