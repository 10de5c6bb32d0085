/*
 * records: the transaction around each call, and resources of the store.
 */
#include "services/lambda/lambda_internal.h"

#include <stdio.h>

#include "base/log.h"

/* The operation of calls that the house makes for itself. */
static const struct api_operation inside = { .name = "inside" };

err_t lambda_begin(struct api_call *call)
{
	struct lambda_call *self = arena_new(call->arena, struct lambda_call);
	err_t err;

	if (!self)
		return ERR_NOMEM;
	self->held = json_array();
	if (!self->held)
		return ERR_NOMEM;
	err = store_begin(lambda_of(call)->options.store, &self->txn);
	if (err) {
		json_decref(self->held);
		return err;
	}
	call->transaction = self;
	return ERR_OK;
}

err_t lambda_end(struct api_call *call, err_t verdict)
{
	struct lambda_call *self = call->transaction;
	struct lambda *lambda = lambda_of(call);

	if (!verdict && self->wrote)
		verdict = store_commit(self->txn);
	else
		store_rollback(self->txn);
	json_decref(self->held);
	call->transaction = NULL;
	if (!verdict && self->forget[0])
		live_forget(lambda, self->forget);
	if (!verdict && self->unpack[0])
		lambda_unpack(lambda, self->unpack);
	if (!verdict && self->event[0])
		async_add(lambda, self->event);
	/* What the house asks of itself, it judges itself. */
	if (verdict && !call->fault.code[0] && call->operation != &inside) {
		log_error("lambda", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "ServiceException", "An internal error has occurred: %s",
			  err_words(verdict));
	}
	return verdict;
}

err_t lambda_inside(struct lambda *lambda, json_t *input,
		    err_t (*work)(struct api_call *call, void *owner), void *owner,
		    struct api_fault *ret_fault)
{
	struct arena arena;
	struct api_call call = {
		.api = lambda->options.api,
		.service = &lambda->service,
		.operation = &inside,
		.caller = lambda->options.root,
		.arena = &arena,
		.input = input,
	};
	err_t err;

	arena_init(&arena, 16 * 1024 * 1024);
	call.output = json_object();
	err = input && call.output ? lambda_begin(&call) : ERR_NOMEM;
	if (!err)
		err = lambda_end(&call, work(&call, owner));
	if (err && ret_fault)
		*ret_fault = call.fault;
	json_decref(call.output);
	json_decref(input);
	arena_fini(&arena);
	return err;
}

json_t *lambda_hold(struct api_call *call, json_t *value)
{
	return value && !json_array_append_new(lambda_call_of(call)->held, value) ? value : NULL;
}

err_t lambda_set(json_t *object, const char *key, json_t *value)
{
	return value && !json_object_set_new(object, key, value) ? ERR_OK : ERR_NOMEM;
}

err_t lambda_get(struct api_call *call, const char *kind, const char *id, json_t **ret_body)
{
	json_t *body;

	TRY(store_get(lambda_call_of(call)->txn, kind, id, &body, NULL));
	*ret_body = lambda_hold(call, body);
	return *ret_body ? ERR_OK : ERR_NOMEM;
}

err_t lambda_insert(struct api_call *call, const char *kind, const char *id, const char *parent,
		    json_t *body)
{
	const struct store_resource resource = { kind, id, parent, body, 0 };

	lambda_call_of(call)->wrote = true;
	return store_insert(lambda_call_of(call)->txn, &resource);
}

err_t lambda_update(struct api_call *call, const char *kind, const char *id, const char *parent,
		    json_t *body)
{
	const struct store_resource resource = { kind, id, parent, body, 0 };

	lambda_call_of(call)->wrote = true;
	return store_update(lambda_call_of(call)->txn, &resource);
}

err_t lambda_delete(struct api_call *call, const char *kind, const char *id)
{
	err_t err = store_delete(lambda_call_of(call)->txn, kind, id);

	lambda_call_of(call)->wrote = true;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static bool append(void *owner, const struct store_resource *resource)
{
	json_t *one = json_pack("{s:s, s:O}", "id", resource->id, "body", resource->body);

	return one && json_array_append_new(owner, one) == 0;
}

err_t lambda_list(struct api_call *call, const char *kind, const char *parent, json_t **ret_list)
{
	json_t *list = lambda_hold(call, json_array());

	if (!list)
		return ERR_NOMEM;
	TRY(store_each(lambda_call_of(call)->txn, kind, parent, NULL, append, list));
	*ret_list = list;
	return ERR_OK;
}

/* The marker is the number of items before the page: lists are ordered by creation. */
err_t lambda_page(struct api_call *call, const char *list_name, json_t *items, size_t page_max)
{
	const char *marker = lambda_text(call->input, "Marker");
	const json_t *wanted = json_object_get(call->input, "MaxItems");
	size_t count = json_array_size(items), size = page_max;
	uint64_t start = 0;
	json_t *page = json_array();
	char next[24];

	TRY(lambda_set(call->output, list_name, page));
	if (marker && bytes_to_u64(bytes_of(marker), count, &start))
		return api_fault(call, "InvalidParameterValueException", "Invalid Marker");
	if (wanted)
		size = size_min(size, (size_t)json_integer_value(wanted));
	for (size_t i = (size_t)start; i < count && i - start < size; i++)
		if (json_array_append(page, json_array_get(items, i)))
			return ERR_NOMEM;
	if (start + size >= count)
		return ERR_OK;
	snprintf(next, sizeof next, "%llu", (unsigned long long)(start + size));
	return lambda_set(call->output, "NextMarker", json_string(next));
}
