/*
 * records: the store between calls, and other services as the house asks them.
 */
#include "services/ecs/ecs_internal.h"

err_t record_read(struct ecs *ecs, const char *kind, const char *id, json_t **ret_body)
{
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(ecs->options.store, &txn));
	err = store_get(txn, kind, id, ret_body, NULL);
	store_rollback(txn);
	return err;
}

static bool append_body(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

err_t record_read_all(struct ecs *ecs, const char *kind, const char *parent, json_t **ret_list)
{
	struct store_txn *txn;
	json_t *list = json_array();
	err_t err;

	if (!list)
		return ERR_NOMEM;
	err = store_begin(ecs->options.store, &txn);
	if (!err) {
		err = store_each(txn, kind, parent, NULL, append_body, list);
		store_rollback(txn);
	}
	if (err) {
		json_decref(list);
		return err;
	}
	*ret_list = list;
	return ERR_OK;
}

err_t record_write(struct ecs *ecs, const char *kind, const char *id, const char *parent,
		   json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };
	struct store_txn *txn;
	err_t err;

	TRY(store_begin(ecs->options.store, &txn));
	err = store_update(txn, &resource);
	if (!err)
		return store_commit(txn);
	store_rollback(txn);
	return err;
}

err_t ecs_house_ask(struct ecs *ecs, const char *service, const char *operation, json_t *input,
		    json_t **ret_output, struct api_fault *ret_fault)
{
	err_t err;

	*ret_fault = (struct api_fault){ .code = "" };
	if (!input)
		return ERR_NOMEM;
	err = api_call(ecs->options.api, ecs->options.caller, service, operation, input, ret_output,
		       ret_fault);
	json_decref(input);
	return err;
}
