/*
 * cache: groups and streams that calls asked for lately, so that writing and filtering events need
 * not ask the store. The store's change feed empties it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "services/logs/logs_internal.h"

enum { GROUPS_KEPT = 1000 };

static void stream_free(struct log_stream *stream)
{
	free(stream->name);
	free(stream);
}

static void group_free(struct log_group *group)
{
	map_for_each (&group->by_number, slot)
		stream_free(slot->value);
	map_fini(&group->by_number);
	map_fini(&group->by_name);
	filters_free(group->filters);
	filters_free(group->subscriptions);
	free(group->name);
	free(group);
}

void cache_fini(struct logs *logs)
{
	map_for_each (&logs->groups, slot)
		group_free(slot->value);
	map_fini(&logs->groups);
}

static struct log_group *group_of_id(struct logs *logs, const char *id)
{
	map_for_each (&logs->groups, slot) {
		struct log_group *group = slot->value;

		if (strcmp(group->id, id) == 0)
			return group;
	}
	return NULL;
}

void cache_forget(struct logs *logs, const char *group_id)
{
	struct log_group *group = group_of_id(logs, group_id);

	if (!group)
		return;
	map_remove(&logs->groups, bytes_of(group->name));
	group_free(group);
}

static err_t group_of_body(const char *id, const json_t *body, struct log_group **ret_group)
{
	struct log_group *group = calloc(1, sizeof *group);
	err_t err;

	if (!group)
		return ERR_NOMEM;
	snprintf(group->id, sizeof group->id, "%s", id);
	group->name = bytes_dup(bytes_of(json_string_value(json_object_get(body, "logGroupName"))));
	group->retention_days = (uint32_t)json_integer_value(
		json_object_get(body, "retentionInDays"));
	err = group->name
		      ? filters_load(json_object_get(body, LOGS_METRIC_FILTERS), &group->filters)
		      : ERR_NOMEM;
	if (!err)
		err = filters_load(json_object_get(body, LOGS_SUBSCRIPTIONS),
				   &group->subscriptions);
	if (err) {
		group_free(group);
		return err;
	}
	*ret_group = group;
	return ERR_OK;
}

err_t cache_group(struct logs *logs, struct store_txn *txn, const char *name,
		  struct log_group **ret_group)
{
	struct log_group *group = map_get(&logs->groups, bytes_of(name));
	json_t *body;
	char *id;
	err_t err;

	if (group) {
		*ret_group = group;
		return ERR_OK;
	}
	TRY(store_name_get(txn, KIND_GROUP, name, &id));
	err = store_get(txn, KIND_GROUP, id, &body, NULL);
	if (!err) {
		err = group_of_body(id, body, &group);
		json_decref(body);
	}
	free(id);
	if (err)
		return err == ERR_NOT_FOUND ? ERR_STORE : err;
	if (logs->groups.count >= GROUPS_KEPT)
		cache_fini(logs);
	err = map_put(&logs->groups, bytes_of(group->name), group, NULL);
	if (err)
		group_free(group);
	else
		*ret_group = group;
	return err;
}

/* ---- Streams ---- */

static struct bytes number_key(const uint32_t *number)
{
	return bytes_make(number, sizeof *number);
}

/* `name` may be NULL: it was deleted. */
static err_t keep_stream(struct log_group *group, uint32_t number, const char *name,
			 struct log_stream **ret_stream)
{
	struct log_stream *stream = calloc(1, sizeof *stream);

	if (!stream)
		return ERR_NOMEM;
	stream->number = number;
	stream->name = name ? bytes_dup(bytes_of(name)) : NULL;
	if ((name && !stream->name) ||
	    map_put(&group->by_number, number_key(&number), stream, NULL)) {
		stream_free(stream);
		return ERR_NOMEM;
	}
	*ret_stream = stream;
	return name ? map_put(&group->by_name, bytes_of(name), stream, NULL) : ERR_OK;
}

err_t cache_number(struct logs *logs, struct store_txn *txn, struct log_group *group,
		   uint32_t number, struct log_stream **ret_stream)
{
	struct log_stream *stream = map_get(&group->by_number, number_key(&number));
	json_t *body = NULL;
	char id[64];
	err_t err;

	(void)logs;
	if (stream) {
		*ret_stream = stream;
		return ERR_OK;
	}
	snprintf(id, sizeof id, "%s/%u", group->id, number);
	err = store_get(txn, KIND_STREAM, id, &body, NULL);
	if (err && err != ERR_NOT_FOUND)
		return err;
	err = keep_stream(group, number, json_string_value(json_object_get(body, "logStreamName")),
			  ret_stream);
	json_decref(body);
	return err;
}

err_t cache_stream(struct logs *logs, struct store_txn *txn, struct log_group *group,
		   const char *name, struct log_stream **ret_stream)
{
	struct log_stream *stream = map_get(&group->by_name, bytes_of(name));
	char key[GROUP_ID_BYTES + 1 + 4096], *id;
	uint64_t number;
	err_t err;

	if (stream) {
		*ret_stream = stream;
		return ERR_OK;
	}
	snprintf(key, sizeof key, "%s/%s", group->id, name);
	TRY(store_name_get(txn, KIND_STREAM, key, &id));
	err = bytes_to_u64(bytes_from(bytes_of(id), GROUP_ID_BYTES + 1), UINT32_MAX, &number);
	free(id);
	if (err)
		return ERR_STORE;
	return cache_number(logs, txn, group, (uint32_t)number, ret_stream);
}

/* ---- Changes ---- */

static void on_change(struct logs *logs, const struct store_change *change)
{
	char group_id[GROUP_ID_BYTES + 1];

	if (strcmp(change->kind, KIND_GROUP) == 0) {
		cache_forget(logs, change->id);
		if (change->what == STORE_DELETED)
			events_drop(logs->events, change->id);
	} else if (strcmp(change->kind, KIND_STREAM) == 0 && change->what == STORE_DELETED) {
		snprintf(group_id, sizeof group_id, "%.*s", GROUP_ID_BYTES, change->id);
		cache_forget(logs, group_id);
	}
}

void cache_on_changes(struct store_listener *listener, const struct store_change *changes,
		      size_t count)
{
	struct logs *logs = container_of(listener, struct logs, listener);

	for (size_t i = 0; i < count; i++)
		on_change(logs, &changes[i]);
}
