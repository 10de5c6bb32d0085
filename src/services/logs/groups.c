/*
 * groups: log groups, their retention and their tags.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "services/logs/logs_internal.h"

/* ---- Records ---- */

const char *group_arn(struct api_call *call, const char *name, bool star)
{
	const struct logs_options *options = &logs_of(call)->options;

	return arena_printf(call->arena, "arn:aws:logs:%s:%s:log-group:%s%s", options->region,
			    options->account, name, star ? ":*" : "");
}

err_t group_body(struct api_call *call, const struct log_group *group, json_t **ret_body)
{
	return store_get(txn_of(call), KIND_GROUP, group->id, ret_body, NULL);
}

err_t group_put(struct api_call *call, const struct log_group *group, json_t *body)
{
	return store_update(txn_of(call), &(struct store_resource){ .kind = KIND_GROUP,
								    .id = group->id,
								    .parent = "",
								    .body = body });
}

uint64_t group_horizon(const struct logs *logs, const struct log_group *group)
{
	uint64_t now = now_ms_of(logs), kept = (uint64_t)group->retention_days * LOGS_DAY_MS;

	return kept && kept < now ? now - kept : 0;
}

err_t group_make(struct logs *logs, struct store_txn *txn, const char *name, json_t *tags)
{
	struct store_resource resource = { .kind = KIND_GROUP, .parent = "" };
	char uuid[37], id[GROUP_ID_BYTES + 1];
	size_t len = 0;
	err_t err;

	random_uuid(uuid);
	for (const char *c = uuid; len < GROUP_ID_BYTES; c++)
		if (*c != '-')
			id[len++] = *c;
	id[len] = '\0';
	TRY(store_name_put(txn, KIND_GROUP, name, id));
	resource.id = id;
	resource.body = json_pack("{s:s, s:I, s:O*, s:[]}", "logGroupName", name, "creationTime",
				  (json_int_t)now_ms_of(logs), "tags", tags, "metricFilters");
	if (!resource.body)
		return ERR_NOMEM;
	err = store_insert(txn, &resource);
	json_decref(resource.body);
	return err;
}

/* ---- Tags ---- */

static err_t check_key(struct api_call *call, const char *key)
{
	if (api_tag_is_reserved(call, key))
		return api_fault(call, "InvalidParameterException",
				 "aws: prefixed tag key names are not allowed for "
				 "external use.");
	return ERR_OK;
}

static err_t check_tags(struct api_call *call, const json_t *tags)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)tags, key, value) {
		if (!key[0] || strlen(key) > 128 * 4 || json_string_length(value) > 256 * 4)
			return input_wrong(call, "tags", key,
					   "have length within 1-128, values "
					   "within 0-256");
		TRY(check_key(call, key));
	}
	return ERR_OK;
}

static err_t check_count(struct api_call *call, const json_t *tags)
{
	if (api_tags_count(tags) > LOGS_TAGS_MAX)
		return api_fault(call, "TooManyTagsException",
				 "A resource can have no more than %d tags.", LOGS_TAGS_MAX);
	return ERR_OK;
}

static err_t change_tags(struct api_call *call, json_t *add, const json_t *remove)
{
	struct log_group *group;
	json_t *body, *tags, *key;
	size_t i;
	err_t err;

	TRY(check_tags(call, add));
	json_array_foreach ((json_t *)remove, i, key)
		TRY(check_key(call, json_string_value(key)));
	TRY(input_group(call, &group));
	TRY(group_body(call, group, &body));
	tags = json_object_get(body, "tags");
	if (!tags)
		json_object_set_new(body, "tags", tags = json_object());
	json_object_update(tags, add);
	json_array_foreach ((json_t *)remove, i, key)
		json_object_del(tags, json_string_value(key));
	err = check_count(call, tags);
	if (!err)
		err = group_put(call, group, body);
	json_decref(body);
	return err;
}

err_t logs_tag_resource(struct api_call *call)
{
	json_t *tags = json_object_get(call->input, "tags");

	if (!tags)
		return input_missing(call, "tags");
	return change_tags(call, tags, NULL);
}

/* tagKeys, or tags in the older UntagLogGroup. */
err_t logs_untag_resource(struct api_call *call)
{
	const json_t *keys = json_object_get(call->input, "tagKeys");

	if (!keys)
		keys = json_object_get(call->input, "tags");
	if (!keys)
		return input_missing(call, "tagKeys");
	return change_tags(call, NULL, keys);
}

err_t logs_list_tags_for_resource(struct api_call *call)
{
	struct log_group *group;
	json_t *body, *tags;
	int failed;

	TRY(input_group(call, &group));
	TRY(group_body(call, group, &body));
	tags = json_object_get(body, "tags");
	failed = json_object_set_new(call->output, "tags",
				     json_is_object(tags) ? json_incref(tags) : json_object());
	json_decref(body);
	return failed ? ERR_NOMEM : ERR_OK;
}

/* ---- Groups ---- */

/* What is accepted must act. */
static err_t refuse_what_does_not_act(struct api_call *call)
{
	const char *class = input_string(call, "logGroupClass");

	if (input_string(call, "kmsKeyId"))
		return api_fault(call, "InvalidParameterException",
				 "The specified KMS key does not exist: log groups are not "
				 "encrypted with keys of KMS here.");
	if (class && strcmp(class, "STANDARD") != 0)
		return api_fault(call, "InvalidParameterException",
				 "The log group class %.40s is not supported.", class);
	if (json_is_true(json_object_get(call->input, "deletionProtectionEnabled")))
		return api_fault(call, "InvalidParameterException",
				 "Deletion protection is not supported.");
	return ERR_OK;
}

err_t logs_create_log_group(struct api_call *call)
{
	json_t *tags = json_object_get(call->input, "tags");
	const char *name;
	err_t err;

	TRY(input_group_name(call, "logGroupName", &name));
	TRY(refuse_what_does_not_act(call));
	TRY(check_tags(call, tags));
	TRY(check_count(call, tags));
	err = group_make(logs_of(call), txn_of(call), name, tags);
	if (err == ERR_EXISTS)
		return api_fault(call, "ResourceAlreadyExistsException",
				 "The specified log group already exists");
	return err;
}

static bool append_stream(void *owner, const struct store_resource *resource)
{
	json_t *row = json_pack("{s:s, s:O}", "id", resource->id, "name",
				json_object_get(resource->body, "logStreamName"));

	return row && json_array_append_new(owner, row) == 0;
}

static err_t delete_stream(struct store_txn *txn, const char *group_id, const json_t *row)
{
	char key[GROUP_ID_BYTES + 1 + 4096];

	snprintf(key, sizeof key, "%s/%s", group_id,
		 json_string_value(json_object_get(row, "name")));
	TRY(store_name_delete(txn, KIND_STREAM, key));
	return store_delete(txn, KIND_STREAM, json_string_value(json_object_get(row, "id")));
}

err_t logs_delete_log_group(struct api_call *call)
{
	struct store_txn *txn = txn_of(call);
	struct log_group *group;
	json_t *streams, *row;
	size_t i;
	err_t err;

	TRY(input_group(call, &group));
	streams = json_array();
	if (!streams)
		return ERR_NOMEM;
	err = store_each(txn, KIND_STREAM, group->id, NULL, append_stream, streams);
	json_array_foreach (streams, i, row) {
		if (!err)
			err = delete_stream(txn, group->id, row);
	}
	json_decref(streams);
	if (!err)
		err = store_name_delete(txn, KIND_GROUP, group->name);
	return err ? err : store_delete(txn, KIND_GROUP, group->id);
}

/* ---- Describing ---- */

struct listing {
	struct api_call *call;
	const char *prefix, *pattern, *after;
	json_t *list; /* of {id, body} */
};

static bool keep_group(void *owner, const struct store_resource *resource)
{
	struct listing *listing = owner;
	const char *name = json_string_value(json_object_get(resource->body, "logGroupName"));

	if (listing->prefix && !bytes_starts(bytes_of(name), bytes_of(listing->prefix)))
		return true;
	if (listing->pattern && !strstr(name, listing->pattern))
		return true;
	if (listing->after && strcmp(name, listing->after) <= 0)
		return true;
	return json_array_append_new(listing->list, json_pack("{s:s, s:O}", "id", resource->id,
							      "body", resource->body)) == 0;
}

static const char *row_name(const json_t *row)
{
	return json_string_value(json_object_get(json_object_get(row, "body"), "logGroupName"));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(row_name(*(json_t *const *)a), row_name(*(json_t *const *)b));
}

static json_t *describe_group(struct api_call *call, const json_t *row)
{
	const json_t *body = json_object_get(row, "body");
	const char *name = row_name(row), *id = json_string_value(json_object_get(row, "id"));
	const char *arn = group_arn(call, name, true), *bare = group_arn(call, name, false);
	size_t filters = json_array_size(json_object_get(body, "metricFilters"));

	if (!arn || !bare)
		return NULL;
	return json_pack("{s:s, s:O, s:O*, s:I, s:s, s:s, s:I, s:s}", "logGroupName", name,
			 "creationTime", json_object_get(body, "creationTime"), "retentionInDays",
			 json_object_get(body, "retentionInDays"), "metricFilterCount",
			 (json_int_t)filters, "arn", arn, "logGroupArn", bare, "storedBytes",
			 (json_int_t)events_bytes(logs_of(call)->events, id), "logGroupClass",
			 "STANDARD");
}

static err_t write_page(struct api_call *call, json_t **rows, size_t count, size_t limit)
{
	json_t *page = json_array();
	const char *token;

	if (!page || json_object_set_new(call->output, "logGroups", page))
		return ERR_NOMEM;
	for (size_t i = 0; i < count && i < limit; i++)
		if (json_array_append_new(page, describe_group(call, rows[i])))
			return ERR_NOMEM;
	if (count <= limit)
		return ERR_OK;
	TRY(token_write(call, "groups", row_name(rows[limit - 1]), &token));
	return json_object_set_new(call->output, "nextToken", json_string(token)) ? ERR_NOMEM
										  : ERR_OK;
}

static err_t sort_and_write(struct listing *listing, size_t limit)
{
	size_t count = json_array_size(listing->list), i;
	json_t **rows = calloc(count + 1, sizeof *rows), *row;
	err_t err;

	if (!rows)
		return ERR_NOMEM;
	json_array_foreach (listing->list, i, row)
		rows[i] = row;
	qsort(rows, count, sizeof(*rows), by_name);
	err = write_page(listing->call, rows, count, limit);
	free(rows);
	return err;
}

err_t logs_describe_log_groups(struct api_call *call)
{
	struct listing listing = {
		.call = call,
		.prefix = input_string(call, "logGroupNamePrefix"),
		.pattern = input_string(call, "logGroupNamePattern"),
	};
	const char *token = input_string(call, "nextToken");
	int64_t limit;
	err_t err;

	TRY(input_number(call, "limit", 1, LOGS_GROUPS_LIMIT, LOGS_GROUPS_LIMIT, &limit));
	if (listing.prefix && listing.pattern)
		return api_fault(call, "InvalidParameterException",
				 "LogGroup name prefix and LogGroup name pattern are mutually "
				 "exclusive parameters.");
	if (token)
		TRY(token_read(call, "groups", token, &listing.after));
	listing.list = json_array();
	if (!listing.list)
		return ERR_NOMEM;
	err = store_each(txn_of(call), KIND_GROUP, NULL, NULL, keep_group, &listing);
	if (!err)
		err = sort_and_write(&listing, (size_t)limit);
	json_decref(listing.list);
	return err;
}

/* ---- Retention ---- */

static bool is_retention(int64_t days)
{
	static const int16_t allowed[] = { 1,	 3,    5,    7,	   14,	 30,  60,  90,
					   120,	 150,  180,  365,  400,	 545, 731, 1096,
					   1827, 2192, 2557, 2922, 3288, 3653 };

	for (size_t i = 0; i < COUNT(allowed); i++)
		if (allowed[i] == days)
			return true;
	return false;
}

static err_t set_retention(struct api_call *call, json_t *days)
{
	struct log_group *group;
	json_t *body;
	err_t err;

	TRY(input_group(call, &group));
	TRY(group_body(call, group, &body));
	if (days)
		json_object_set(body, "retentionInDays", days);
	else
		json_object_del(body, "retentionInDays");
	err = group_put(call, group, body);
	json_decref(body);
	return err;
}

/* Events older than that do not show from now on; whole segments of them go at the next sweep. */
err_t logs_put_retention_policy(struct api_call *call)
{
	json_t *days = json_object_get(call->input, "retentionInDays");
	char text[32];

	if (!days)
		return input_missing(call, "retentionInDays");
	if (!is_retention(json_integer_value(days))) {
		snprintf(text, sizeof text, "%lld", (long long)json_integer_value(days));
		return input_wrong(call, "retentionInDays", text,
				   "satisfy enum value set: [1, 3, 5, 7, 14, 30, 60, 90, 120, "
				   "150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, "
				   "3288, 3653]");
	}
	return set_retention(call, days);
}

err_t logs_delete_retention_policy(struct api_call *call)
{
	return set_retention(call, NULL);
}
