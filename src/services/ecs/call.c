/*
 * call: around every handler. The transaction opens at the first look into the store, so that a
 * handler may ask another service before; it commits when the handler succeeded.
 */
#include "services/ecs/ecs_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

err_t ecs_begin(struct api_call *call)
{
	struct ecs_call *self = arena_new(call->arena, struct ecs_call);

	if (!self)
		return ERR_NOMEM;
	self->held = json_array();
	if (!self->held)
		return ERR_NOMEM;
	call->transaction = self;
	return ERR_OK;
}

err_t ecs_end(struct api_call *call, err_t verdict)
{
	struct ecs_call *self = call->transaction;

	if (!self)
		return verdict;
	if (!verdict && self->wrote)
		verdict = store_commit(self->txn);
	else
		store_rollback(self->txn);
	json_decref(self->held);
	call->transaction = NULL;
	if (verdict && !call->fault.code[0]) {
		log_error("ecs", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "ServerException", "The request processing has failed: %s",
			  err_words(verdict));
		call->fault.status = 500;
	}
	return verdict;
}

err_t ecs_txn(struct api_call *call, struct store_txn **ret_txn)
{
	struct ecs_call *self = call->transaction;

	if (!self->txn)
		TRY(store_begin(ecs_of(call)->options.store, &self->txn));
	*ret_txn = self->txn;
	return ERR_OK;
}

err_t ecs_hold(struct api_call *call, json_t *json)
{
	struct ecs_call *self = call->transaction;

	return add(self->held, json);
}

err_t ecs_get(struct api_call *call, const char *kind, const char *id, json_t **ret_body)
{
	struct store_txn *txn;
	json_t *body;

	TRY(ecs_txn(call, &txn));
	TRY(store_get(txn, kind, id, &body, NULL));
	TRY(ecs_hold(call, body));
	*ret_body = body;
	return ERR_OK;
}

static bool append_body(void *owner, const struct store_resource *resource)
{
	return json_array_append(owner, resource->body) == 0;
}

err_t ecs_list(struct api_call *call, const char *kind, const char *parent, json_t **ret_list)
{
	struct store_txn *txn;
	json_t *list = json_array();

	TRY(ecs_hold(call, list));
	TRY(ecs_txn(call, &txn));
	TRY(store_each(txn, kind, parent, NULL, append_body, list));
	*ret_list = list;
	return ERR_OK;
}

static err_t writing(struct api_call *call, struct store_txn **ret_txn)
{
	struct ecs_call *self = call->transaction;

	TRY(ecs_txn(call, ret_txn));
	self->wrote = true;
	return ERR_OK;
}

err_t ecs_add(struct api_call *call, const char *kind, const char *id, const char *parent,
	      json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };
	struct store_txn *txn;

	TRY(writing(call, &txn));
	return store_insert(txn, &resource);
}

err_t ecs_save(struct api_call *call, const char *kind, const char *id, const char *parent,
	       json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };
	struct store_txn *txn;

	TRY(writing(call, &txn));
	return store_update(txn, &resource);
}

err_t ecs_drop(struct api_call *call, const char *kind, const char *id)
{
	struct store_txn *txn;

	TRY(writing(call, &txn));
	return store_delete(txn, kind, id);
}

err_t ecs_ask(struct api_call *call, const char *service, const char *operation, json_t *input,
	      json_t **ret_output, struct api_fault *ret_fault)
{
	struct ecs_call *self = call->transaction;
	json_t *output;

	assert(!self->wrote);
	store_rollback(self->txn);
	self->txn = NULL;
	TRY(ecs_house_ask(ecs_of(call), service, operation, input, &output, ret_fault));
	TRY(ecs_hold(call, output));
	*ret_output = output;
	return ERR_OK;
}

/* ---- Words ---- */

static err_t fault_of(struct api_call *call, const char *code, const char *format, va_list args)
{
	char words[900];

	vsnprintf(words, sizeof words, format, args);
	return api_fault(call, code, "%s", words);
}

err_t ecs_wrong(struct api_call *call, const char *format, ...)
{
	va_list args;
	err_t err;

	va_start(args, format);
	err = fault_of(call, "InvalidParameterException", format, args);
	va_end(args);
	return err;
}

err_t ecs_client(struct api_call *call, const char *format, ...)
{
	va_list args;
	err_t err;

	va_start(args, format);
	err = fault_of(call, "ClientException", format, args);
	va_end(args);
	return err;
}

err_t ecs_failure(json_t *failures, const char *arn, const char *reason)
{
	return add(failures, json_pack("{s:s, s:s}", "arn", arn, "reason", reason));
}

bool ecs_wants(const struct api_call *call, const char *word)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(call->input, "include"), i, item)
		if (strcmp(json_string_value(item), word) == 0)
			return true;
	return false;
}

/* ---- Pages ---- */

/* The token is the place in the list: lists are short, and what comes is appended. */
err_t ecs_page(struct api_call *call, const char *name, json_t *list)
{
	const char *token = input_text(call, "nextToken");
	int64_t max = number_of(call->input, "maxResults", ECS_PAGE_MAX);
	json_t *page = json_array(), *item;
	uint64_t from = 0;
	char next[24];

	TRY(put(call->output, name, page));
	if (max < 1 || max > ECS_PAGE_MAX)
		return ecs_wrong(call, "maxResults must be between 1 and %d.", ECS_PAGE_MAX);
	if (token && token[0] && bytes_to_u64(bytes_of(token), UINT32_MAX, &from))
		return ecs_wrong(call, "Invalid token");
	for (size_t i = from; i < json_array_size(list) && json_array_size(page) < (size_t)max;
	     i++) {
		item = json_array_get(list, i);
		TRY(add(page, json_incref(item)));
	}
	if (from + json_array_size(page) >= json_array_size(list))
		return ERR_OK;
	snprintf(next, sizeof next, "%zu", (size_t)from + json_array_size(page));
	return put_text(call->output, "nextToken", next);
}
