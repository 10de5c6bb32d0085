/*
 * iam: the service's life, and the transaction around each call.
 */
#include <stdlib.h>

#include "base/log.h"
#include "services/iam/iam_internal.h"

enum { IAM_ARENA_BYTES_MAX = 4096, LENT_BYTES_MAX = 64 * 1024 };

err_t iam_begin(struct iam *iam, struct api_call *call)
{
	struct iam_call *self = arena_new(call->arena, struct iam_call);

	if (!self)
		return ERR_NOMEM;
	self->iam = iam;
	TRY(store_begin(iam->options.store, &self->txn));
	self->held = json_array();
	call->transaction = self;
	if (self->held)
		return ERR_OK;
	store_rollback(self->txn);
	return ERR_NOMEM;
}

err_t iam_end(struct api_call *call, err_t verdict)
{
	struct iam_call *self = iam_of(call);

	if (!verdict && self->wrote)
		verdict = store_commit(self->txn);
	else
		store_rollback(self->txn);
	json_decref(self->held);
	call->transaction = NULL;
	if (verdict && !call->fault.code[0]) {
		log_error("iam", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "ServiceFailure", "The request processing has failed: %s",
			  err_words(verdict));
		call->fault.status = 500;
	}
	return verdict;
}

static err_t begin(struct api_call *call)
{
	return iam_begin(call->service->state, call);
}

err_t iam_create(const struct iam_options *options, struct iam **ret_iam)
{
	static const char *const aliases[] = { NULL };
	struct iam *iam = calloc(1, sizeof *iam);
	err_t err = ERR_OK;

	if (!iam)
		return ERR_NOMEM;
	arena_init(&iam->arena, IAM_ARENA_BYTES_MAX);
	arena_init(&iam->lent, LENT_BYTES_MAX);
	iam->options = *options;
	iam->options.account = arena_string(&iam->arena, bytes_of(options->account));
	iam->options.region = arena_string(&iam->arena, bytes_of(options->region));
	iam->service = (struct api_service){
		.name = "iam",
		.aliases = aliases,
		.protocol = API_QUERY,
		.version = "2010-05-08",
		.xml_namespace = "https://iam.amazonaws.com/doc/2010-05-08/",
		.operations = iam_operations,
		.operation_count = iam_operation_count,
		.begin = begin,
		.end = iam_end,
		.state = iam,
	};
	if (!iam->options.account || !iam->options.region)
		err = ERR_NOMEM;
	if (!err)
		err = api_register(options->api, &iam->service);
	if (!err)
		err = iam_seal_old_secrets(iam);
	if (err) {
		iam_destroy(iam);
		return err;
	}
	*ret_iam = iam;
	return ERR_OK;
}

void iam_destroy(struct iam *iam)
{
	if (!iam)
		return;
	explicit_bzero(iam->options.seal_key, sizeof iam->options.seal_key);
	arena_fini(&iam->lent);
	arena_fini(&iam->arena);
	free(iam);
}
