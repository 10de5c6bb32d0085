/*
 * call: around every handler. The transaction opens at the first look into the store, so that a
 * handler may ask another service before; it commits when the handler succeeded, and the plan
 * follows at once.
 */
#include "services/elbv2/elbv2_internal.h"

#include "base/log.h"

err_t elbv2_begin(struct api_call *call)
{
	struct elbv2_call *self = arena_new(call->arena, struct elbv2_call);

	if (!self)
		return ERR_NOMEM;
	self->elbv2 = elbv2_of(call);
	self->held = json_array();
	if (!self->held)
		return ERR_NOMEM;
	call->transaction = self;
	return ERR_OK;
}

static void do_after(struct elbv2_call *self, bool committed)
{
	struct elbv2 *elbv2 = self->elbv2;

	for (struct after *after = self->after; after; after = after->next) {
		switch (after->kind) {
		case AFTER_UNBIND_ON_FAILURE:
			if (!committed)
				lb_unbind(elbv2->options.lb, &after->address);
			break;
		case AFTER_UNBIND:
			if (committed)
				lb_unbind(elbv2->options.lb, &after->address);
			break;
		case AFTER_CUT_LOAD_BALANCER:
			if (committed)
				lb_cut_load_balancer(elbv2->options.lb, after->arn);
			break;
		case AFTER_SWEEP:
			if (committed)
				elbv2_drain_sweep(elbv2);
			break;
		}
	}
}

err_t elbv2_end(struct api_call *call, err_t verdict)
{
	struct elbv2_call *self = call_of(call);

	if (!self)
		return verdict;
	if (!verdict && self->wrote) {
		self->elbv2->committing = true;
		verdict = store_commit(self->txn);
		self->elbv2->committing = false;
	} else {
		store_rollback(self->txn);
	}
	self->txn = NULL;

	if (!verdict && self->elbv2->dirty && !self->elbv2->reconciling)
		elbv2_reconcile(self->elbv2);
	do_after(self, !verdict);
	json_decref(self->held);
	call->transaction = NULL;

	if (verdict && !call->fault.code[0]) {
		log_error("elbv2", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "InternalFailure", "The request processing has failed: %s",
			  err_words(verdict));
		call->fault.status = 500;
	}
	return verdict;
}

err_t call_after(struct api_call *call, enum after_kind kind, const struct address *address,
		 const char *arn)
{
	struct elbv2_call *self = call_of(call);
	struct after *after = arena_new(call->arena, struct after);

	if (!after)
		return ERR_NOMEM;
	after->kind = kind;
	if (address)
		after->address = *address;
	if (arn)
		TRY(arena_copy(call->arena, bytes_of(arn), &after->arn));
	after->next = self->after;
	self->after = after;
	return ERR_OK;
}

err_t call_hold(struct api_call *call, json_t *json)
{
	if (!json || json_array_append_new(call_of(call)->held, json))
		return ERR_NOMEM;
	return ERR_OK;
}

err_t copy_held(struct api_call *call, const json_t *json, json_t **ret_copy)
{
	json_t *copy = json_deep_copy(json);

	TRY(call_hold(call, copy));
	*ret_copy = copy;
	return ERR_OK;
}

void call_leave_store(struct api_call *call)
{
	struct elbv2_call *self = call_of(call);

	assert(!self->wrote);
	store_rollback(self->txn);
	self->txn = NULL;
}

err_t call_ec2(struct api_call *call, const char *operation, json_t *input, json_t **ret_output,
	       struct api_fault *ret_fault)
{
	json_t *output = NULL;
	err_t err;

	if (!input)
		return ERR_NOMEM;
	call_leave_store(call);
	err = api_call(call->api, call->caller, "ec2", operation, input, &output, ret_fault);
	json_decref(input);
	if (err)
		return err;
	TRY(call_hold(call, output));
	*ret_output = output;
	return ERR_OK;
}
