/*
 * call: around every handler. The transaction commits when a handler that writes succeeded.
 */
#include "services/ec2/ec2_internal.h"

#include "base/log.h"

static err_t open_txn(struct api_call *call, struct store_txn **ret_txn)
{
	struct store_txn *txn;
	bool wrote = false;
	err_t err;

	TRY(store_begin(ec2_of(call)->options.store, &txn));
	err = ec2_seed(ec2_of(call), txn, &wrote);
	if (!err && wrote) {
		TRY(store_commit(txn));
		return store_begin(ec2_of(call)->options.store, ret_txn);
	}
	if (err) {
		store_rollback(txn);
		return err;
	}
	*ret_txn = txn;
	return ERR_OK;
}

err_t ec2_begin(struct api_call *call)
{
	struct ec2_call *self;
	err_t err;

	if (json_is_true(json_object_get(call->input, "DryRun"))) {
		api_fault(call, "DryRunOperation",
			  "Request would have succeeded, but DryRun flag is set.");
		call->fault.status = 412;
		return ERR_INVALID;
	}
	self = arena_new(call->arena, struct ec2_call);
	if (!self)
		return ERR_NOMEM;
	*self = (struct ec2_call){ .held = json_array() };
	if (!self->held)
		return ERR_NOMEM;
	err = open_txn(call, &self->txn);
	if (err) {
		json_decref(self->held);
		return err;
	}
	call->transaction = self;
	return ERR_OK;
}

err_t ec2_end(struct api_call *call, err_t verdict)
{
	struct ec2_call *self = call->transaction;

	if (!verdict && self->wrote)
		verdict = store_commit(self->txn);
	else
		store_rollback(self->txn);
	json_decref(self->held);
	call->transaction = NULL;
	if (verdict && !call->fault.code[0]) {
		log_error("ec2", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "InternalError", "An internal error has occurred: %s",
			  err_words(verdict));
		call->fault.status = 500;
	}
	return verdict;
}

err_t ec2_hold(struct api_call *call, json_t *json)
{
	struct ec2_call *self = call->transaction;

	return json && !json_array_append_new(self->held, json) ? ERR_OK : ERR_NOMEM;
}

err_t ec2_ask(struct api_call *call, const char *service, const char *operation, json_t *input,
	      json_t **ret_output)
{
	struct ec2_call *self = call->transaction;
	struct api_fault fault = { .code = "" };
	json_t *output = NULL;
	err_t err;

	*ret_output = NULL;
	if (!input)
		return ERR_NOMEM;
	if (!api_service(call->api, bytes_of(service))) {
		json_decref(input);
		return ERR_OK;
	}
	assert(!self->wrote);
	store_rollback(self->txn);
	self->txn = NULL;
	err = api_call(call->api, call->caller, service, operation, input, &output, &fault);
	json_decref(input);
	if (err && fault.code[0])
		log_error("ec2", "%s: %s: %s", operation, fault.code, fault.message);
	TRY(err);
	TRY(ec2_hold(call, output));
	*ret_output = output;
	return open_txn(call, &self->txn);
}
