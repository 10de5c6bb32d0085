/*
 * streams: log streams of a group.
 */
#include <stdio.h>
#include <stdlib.h>

#include "services/logs/logs_internal.h"

/* Numbers are never given twice, so that events of a deleted stream stay nobody's. */
static err_t next_number(struct store_txn *txn, uint32_t *ret_number)
{
	static const char setting[] = "logs.sequence";
	uint64_t number = 0;
	char *value, text[24];
	err_t err = store_setting_get(txn, setting, &value);

	if (!err) {
		err = bytes_to_u64(bytes_of(value), UINT32_MAX - 1, &number);
		free(value);
	}
	if (err && err != ERR_NOT_FOUND)
		return err;
	snprintf(text, sizeof text, "%llu", (unsigned long long)++number);
	*ret_number = (uint32_t)number;
	return store_setting_put(txn, setting, text);
}

err_t stream_make(struct logs *logs, struct store_txn *txn, const struct log_group *group,
		  const char *name)
{
	struct store_resource resource = { .kind = KIND_STREAM, .parent = group->id };
	char id[64], key[GROUP_ID_BYTES + 1 + 4096];
	uint32_t number;
	err_t err;

	snprintf(key, sizeof key, "%s/%s", group->id, name);
	TRY(next_number(txn, &number));
	snprintf(id, sizeof id, "%s/%u", group->id, number);
	TRY(store_name_put(txn, KIND_STREAM, key, id));
	resource.id = id;
	resource.body = json_pack("{s:s, s:I}", "logStreamName", name, "creationTime",
				  (json_int_t)now_ms_of(logs));
	if (!resource.body)
		return ERR_NOMEM;
	err = store_insert(txn, &resource);
	json_decref(resource.body);
	return err;
}

err_t logs_create_log_stream(struct api_call *call)
{
	struct log_group *group;
	const char *name;
	err_t err;

	TRY(input_stream_name(call, "logStreamName", &name));
	TRY(input_group(call, &group));
	err = stream_make(logs_of(call), txn_of(call), group, name);
	if (err == ERR_EXISTS)
		return api_fault(call, "ResourceAlreadyExistsException",
				 "The specified log stream already exists");
	return err;
}

err_t logs_delete_log_stream(struct api_call *call)
{
	char id[64], key[GROUP_ID_BYTES + 1 + 4096];
	struct log_stream *stream;
	struct log_group *group;
	const char *name;
	err_t err;

	TRY(input_stream_name(call, "logStreamName", &name));
	TRY(input_group(call, &group));
	err = cache_stream(logs_of(call), txn_of(call), group, name, &stream);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException",
				 "The specified log stream does not exist.");
	TRY(err);
	snprintf(key, sizeof key, "%s/%s", group->id, name);
	snprintf(id, sizeof id, "%s/%u", group->id, stream->number);
	TRY(store_name_delete(txn_of(call), KIND_STREAM, key));
	return store_delete(txn_of(call), KIND_STREAM, id);
}

/* ---- Describing ---- */

struct row {
	const char *name;
	uint64_t last_ms; /* of its newest event; 0: none */
	json_t *body;	  /* as it is answered */
};

struct listing {
	struct api_call *call;
	const struct log_group *group;
	const char *prefix;
	struct row *rows;
	size_t count, cap;
	err_t err;
};

static json_t *describe(struct listing *listing, const struct store_resource *resource,
			const struct stream_times *times)
{
	const char *name = json_string_value(json_object_get(resource->body, "logStreamName"));
	const char *group_name = group_arn(listing->call, listing->group->name, false);
	const char *arn = arena_printf(listing->call->arena, "%s:log-stream:%s", group_name, name);
	json_t *body;

	if (!group_name || !arn)
		return NULL;
	body = json_pack("{s:s, s:O, s:s, s:i}", "logStreamName", name, "creationTime",
			 json_object_get(resource->body, "creationTime"), "arn", arn, "storedBytes",
			 0);
	if (!body || !times)
		return body;
	json_object_set_new(body, "firstEventTimestamp", json_integer((json_int_t)times->first_ms));
	json_object_set_new(body, "lastEventTimestamp", json_integer((json_int_t)times->last_ms));
	json_object_set_new(body, "lastIngestionTime",
			    json_integer((json_int_t)times->last_ingested_ms));
	json_object_set_new(body, "uploadSequenceToken",
			    json_sprintf("%056llu", (unsigned long long)times->last_ingested_ms));
	return body;
}

static bool keep_stream(void *owner, const struct store_resource *resource)
{
	struct listing *listing = owner;
	const char *name = json_string_value(json_object_get(resource->body, "logStreamName"));
	const struct stream_times *times;
	uint64_t number;
	struct row *row;

	if (listing->prefix && !bytes_starts(bytes_of(name), bytes_of(listing->prefix)))
		return true;
	if (listing->count == listing->cap) {
		size_t cap = listing->cap ? listing->cap * 2 : 64;
		struct row *more = realloc(listing->rows, cap * sizeof *more);

		if (!more)
			return listing->err = ERR_NOMEM, false;
		listing->rows = more;
		listing->cap = cap;
	}
	if (bytes_to_u64(bytes_from(bytes_of(resource->id), GROUP_ID_BYTES + 1), UINT32_MAX,
			 &number))
		return listing->err = ERR_STORE, false;
	times = events_stream_times(logs_of(listing->call)->events, listing->group->id,
				    (uint32_t)number);
	row = &listing->rows[listing->count];
	row->last_ms = times ? times->last_ms : 0;
	row->body = describe(listing, resource, times);
	if (!row->body)
		return listing->err = ERR_NOMEM, false;
	row->name = json_string_value(json_object_get(row->body, "logStreamName"));
	listing->count++;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

static int by_time(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->last_ms != right->last_ms)
		return left->last_ms < right->last_ms ? -1 : 1;
	return by_name(a, b);
}

struct order {
	bool by_time, descending;
	const char *kind; /* of the token */
};

/* A page goes on after the row that the last one ended with, wherever it stands now. */
static int compare(const struct order *order, const struct row *a, const struct row *b)
{
	int sign = order->by_time ? by_time(a, b) : by_name(a, b);

	return order->descending ? -sign : sign;
}

static err_t read_place(struct api_call *call, const struct order *order, struct row *ret_row)
{
	const char *token = input_string(call, "nextToken"), *words;
	struct bytes rest, part;

	ret_row->name = NULL;
	if (!token)
		return ERR_OK;
	TRY(token_read(call, order->kind, token, &words));
	rest = bytes_of(words);
	if (!bytes_cut(&rest, '/', &part) || !rest.at ||
	    bytes_to_u64(part, UINT64_MAX, &ret_row->last_ms))
		return api_fault(call, "InvalidParameterException",
				 "The specified nextToken is invalid.");
	ret_row->name = rest.at;
	return ERR_OK;
}

static err_t write_page(struct listing *listing, const struct order *order, int64_t limit)
{
	struct api_call *call = listing->call;
	const char *token, *words;
	struct row after = { .name = NULL };
	json_t *page = json_array();
	size_t from = 0, end;

	if (!page || json_object_set_new(call->output, "logStreams", page))
		return ERR_NOMEM;
	TRY(read_place(call, order, &after));
	while (after.name && from < listing->count &&
	       compare(order, &listing->rows[from], &after) <= 0)
		from++;
	end = size_min(listing->count, from + (size_t)limit);
	for (size_t i = from; i < end; i++)
		if (json_array_append(page, listing->rows[i].body))
			return ERR_NOMEM;
	if (end == listing->count)
		return ERR_OK;
	words = arena_printf(call->arena, "%llu/%s",
			     (unsigned long long)listing->rows[end - 1].last_ms,
			     listing->rows[end - 1].name);
	if (!words)
		return ERR_NOMEM;
	TRY(token_write(call, order->kind, words, &token));
	return json_object_set_new(call->output, "nextToken", json_string(token)) ? ERR_NOMEM
										  : ERR_OK;
}

static err_t list_streams(struct listing *listing, const struct order *order, int64_t limit)
{
	TRY(store_each(txn_of(listing->call), KIND_STREAM, listing->group->id, NULL, keep_stream,
		       listing));
	TRY(listing->err);
	if (!listing->count)
		return write_page(listing, order, limit);
	qsort(listing->rows, listing->count, sizeof *listing->rows,
	      order->by_time ? by_time : by_name);
	for (size_t i = 0; order->descending && i < listing->count / 2; i++) {
		struct row swap = listing->rows[i];

		listing->rows[i] = listing->rows[listing->count - 1 - i];
		listing->rows[listing->count - 1 - i] = swap;
	}
	return write_page(listing, order, limit);
}

err_t logs_describe_log_streams(struct api_call *call)
{
	struct listing listing = { .call = call,
				   .prefix = input_string(call, "logStreamNamePrefix") };
	const char *order_by = input_string(call, "orderBy");
	struct order order = { .descending = json_is_true(
				       json_object_get(call->input, "descending")) };
	struct log_group *group;
	int64_t limit;
	err_t err;

	TRY(input_number(call, "limit", 1, LOGS_GROUPS_LIMIT, LOGS_GROUPS_LIMIT, &limit));
	order.by_time = order_by && strcmp(order_by, "LastEventTime") == 0;
	order.kind = order.by_time ? "streams-by-time" : "streams-by-name";
	if (order_by && !order.by_time && strcmp(order_by, "LogStreamName") != 0)
		return input_wrong(call, "orderBy", order_by,
				   "satisfy enum value set: [LogStreamName, LastEventTime]");
	if (order.by_time && listing.prefix)
		return api_fault(call, "InvalidParameterException",
				 "Cannot order by LastEventTime with a logStreamNamePrefix.");
	TRY(input_group(call, &group));
	listing.group = group;
	err = list_streams(&listing, &order, limit);
	for (size_t i = 0; i < listing.count; i++)
		json_decref(listing.rows[i].body);
	free(listing.rows);
	return err;
}
