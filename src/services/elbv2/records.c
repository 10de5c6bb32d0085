/*
 * records: the store as the handlers see it. Bodies that were read belong to the call.
 */
#include "services/elbv2/elbv2_internal.h"

err_t record_txn(struct api_call *call, struct store_txn **ret_txn)
{
	struct elbv2_call *self = call_of(call);

	if (!self->txn)
		TRY(store_begin(self->elbv2->options.store, &self->txn));
	*ret_txn = self->txn;
	return ERR_OK;
}

err_t record_get(struct api_call *call, const char *kind, const char *id, json_t **ret_body)
{
	struct store_txn *txn;
	json_t *body;

	TRY(record_txn(call, &txn));
	TRY(store_get(txn, kind, id, &body, NULL));
	TRY(call_hold(call, body));
	*ret_body = body;
	return ERR_OK;
}

static bool append_body(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

err_t record_list(struct api_call *call, const char *kind, const char *parent, json_t **ret_list)
{
	struct store_txn *txn;
	json_t *list = json_array();

	TRY(call_hold(call, list));
	TRY(record_txn(call, &txn));
	TRY(store_each(txn, kind, parent, NULL, append_body, list));
	*ret_list = list;
	return ERR_OK;
}

struct page_reading {
	struct page *page;
	json_t *list;
	bool failed;
};

static bool append_of_page(void *owner, const struct store_resource *resource)
{
	struct page_reading *reading = owner;

	if (page_take(reading->page,
		      (uint64_t)json_integer_value(json_object_get(resource->body, "seq"))))
		reading->failed = json_array_append(reading->list, resource->body) != 0;
	return !reading->failed && !reading->page->more;
}

err_t record_page(struct api_call *call, const char *kind, struct page *page, json_t **ret_list)
{
	struct page_reading reading = { .page = page, .list = json_array() };
	struct store_txn *txn;

	TRY(call_hold(call, reading.list));
	TRY(record_txn(call, &txn));
	TRY(store_each(txn, kind, NULL, NULL, append_of_page, &reading));
	*ret_list = reading.list;
	return reading.failed ? ERR_NOMEM : ERR_OK;
}

err_t record_count(struct api_call *call, const char *kind, const char *parent, uint64_t *ret_count)
{
	struct store_txn *txn;

	TRY(record_txn(call, &txn));
	return store_count(txn, kind, parent, ret_count);
}

/* The transaction, for writing. */
static err_t writing(struct api_call *call, struct store_txn **ret_txn)
{
	TRY(record_txn(call, ret_txn));
	call_of(call)->wrote = true;
	return ERR_OK;
}

err_t record_add(struct api_call *call, const char *kind, const char *id, const char *parent,
		 json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };
	struct store_txn *txn;

	TRY(writing(call, &txn));
	return store_insert(txn, &resource);
}

err_t record_put(struct api_call *call, const char *kind, const char *id, const char *parent,
		 json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };
	struct store_txn *txn;

	TRY(writing(call, &txn));
	return store_update(txn, &resource);
}

err_t record_drop(struct api_call *call, const char *kind, const char *id)
{
	struct store_txn *txn;

	TRY(writing(call, &txn));
	return store_delete(txn, kind, id);
}

err_t record_named(struct api_call *call, const char *kind, const char *name, char **ret_id)
{
	struct store_txn *txn;
	char *id;

	TRY(record_txn(call, &txn));
	TRY(store_name_get(txn, kind, name, &id));
	*ret_id = arena_string(call->arena, bytes_of(id));
	free(id);
	return *ret_id ? ERR_OK : ERR_NOMEM;
}

err_t record_name(struct api_call *call, const char *kind, const char *name, const char *id)
{
	struct store_txn *txn;

	TRY(writing(call, &txn));
	return store_name_put(txn, kind, name, id);
}

err_t record_unname(struct api_call *call, const char *kind, const char *name)
{
	struct store_txn *txn;

	TRY(writing(call, &txn));
	return store_name_delete(txn, kind, name);
}

/* Creation order as a number: what page markers count by. */
err_t record_sequence(struct api_call *call, uint64_t *ret_next)
{
	static const char setting[] = "elbv2.sequence";
	struct store_txn *txn;
	uint64_t last = 0;
	char *text = NULL, next[24];
	err_t err;

	TRY(writing(call, &txn));
	err = store_setting_get(txn, setting, &text);
	if (err && err != ERR_NOT_FOUND)
		return err;
	if (text && bytes_to_u64(bytes_of(text), INT64_MAX - 1, &last))
		err = ERR_STORE;
	free(text);
	if (err && err != ERR_NOT_FOUND)
		return err;

	snprintf(next, sizeof next, "%llu", (unsigned long long)(last + 1));
	TRY(store_setting_put(txn, setting, next));
	*ret_next = last + 1;
	return ERR_OK;
}

/* ---- JSON ---- */

err_t set_new(json_t *object, const char *key, json_t *value)
{
	if (!value || json_object_set_new(object, key, value))
		return ERR_NOMEM;
	return ERR_OK;
}

err_t set_string(json_t *object, const char *key, const char *value)
{
	return set_new(object, key, json_string(value));
}

err_t output_append(json_t *output, const char *list, json_t *value)
{
	json_t *array = json_object_get(output, list);

	if (!array) {
		array = json_array();
		if (!array || json_object_set_new(output, list, array)) {
			json_decref(value);
			return ERR_NOMEM;
		}
	}
	if (!value || json_array_append_new(array, value))
		return ERR_NOMEM;
	return ERR_OK;
}
