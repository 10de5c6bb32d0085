/*
 * acm: the service's life, the transaction around each call, and the door for who serves with a
 * certificate.
 */
#include "services/acm/acm_internal.h"

#include <stdlib.h>

#include "base/log.h"

enum { ARENA_BYTES = 16 * 1024 };

static err_t begin(struct api_call *call)
{
	struct acm *acm = call->service->state;
	struct acm_call *self = arena_new(call->arena, struct acm_call);

	if (!self)
		return ERR_NOMEM;
	self->acm = acm;
	TRY(store_begin(acm->options.store, &self->txn));
	self->held = json_array();
	call->transaction = self;
	if (self->held)
		return ERR_OK;
	store_rollback(self->txn);
	return ERR_NOMEM;
}

static err_t end(struct api_call *call, err_t verdict)
{
	struct acm_call *self = acm_of(call);

	if (!verdict && self->wrote)
		verdict = store_commit(self->txn);
	else
		store_rollback(self->txn);
	json_decref(self->held);
	call->transaction = NULL;
	if (!verdict && self->issue)
		issue_next(self->acm);
	if (verdict && !call->fault.code[0]) {
		log_error("acm", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "InternalFailure", "The request processing has failed: %s",
			  err_words(verdict));
		call->fault.status = 500;
	}
	return verdict;
}

static err_t copy_options(struct acm *acm, const struct acm_options *options)
{
	acm->options = *options;
	acm->options.data = arena_string(&acm->arena, bytes_of(options->data));
	acm->options.account = arena_string(&acm->arena, bytes_of(options->account));
	acm->options.region = arena_string(&acm->arena, bytes_of(options->region));
	if (!acm->options.data || !acm->options.account || !acm->options.region)
		return ERR_NOMEM;
	return ERR_OK;
}

static void on_timer(struct timer *timer)
{
	struct acm *acm = container_of(timer, struct acm, timer);

	issue_next(acm);
	timer_set(acm->options.loop, timer, loop_now_ms(acm->options.loop) + ACM_DAY_MS / 24);
}

err_t acm_create(const struct acm_options *options, struct acm **ret_acm, struct text *why)
{
	static const char *const aliases[] = { NULL };
	struct acm *acm = calloc(1, sizeof *acm);
	err_t err;

	if (!acm)
		return ERR_NOMEM;
	arena_init(&acm->arena, ARENA_BYTES);
	acm->timer.on_expired = on_timer;
	acm->service = (struct api_service){
		.name = "acm",
		.aliases = aliases,
		.protocol = API_JSON_1_1,
		.version = "2015-12-08",
		.target_prefix = "CertificateManager",
		.operations = acm_operations,
		.operation_count = acm_operation_count,
		.begin = begin,
		.end = end,
		.state = acm,
	};
	err = copy_options(acm, options);
	if (!err)
		err = authority_open(acm, why);
	if (!err)
		err = blocking_pool_create(1, &acm->pool);
	if (!err)
		err = api_register(options->api, &acm->service);
	if (err) {
		acm_destroy(acm);
		return err;
	}
	*ret_acm = acm;
	return ERR_OK;
}

void acm_resume(struct acm *acm)
{
	on_timer(&acm->timer);
}

void acm_destroy(struct acm *acm)
{
	if (!acm)
		return;
	timer_cancel(&acm->timer);
	issue_stop(acm);
	free(acm->authority_certificate);
	free(acm->authority_sealed_key);
	explicit_bzero(acm->options.seal_key, sizeof acm->options.seal_key);
	arena_fini(&acm->arena);
	free(acm);
}

err_t acm_identity(struct acm *acm, const char *arn, struct identity **ret_identity)
{
	struct identity_pems pems;
	struct store_txn *txn;
	json_t *body;
	err_t err;

	TRY(store_begin(acm->options.store, &txn));
	err = store_get(txn, KIND_CERTIFICATE, arn, &body, NULL);
	store_rollback(txn);
	TRY(err);
	pems.certificate = bytes_of(acm_text(body, "certificate"));
	pems.chain = bytes_of(acm_text(body, "chain"));
	pems.key = bytes_of(acm_text(body, "key"));
	if (!pems.key.len)
		err = ERR_AGAIN;
	else
		err = identity_read_sealed(acm->options.seal_key, &pems, bytes_of(arn),
					   bytes_of(arn), ret_identity);
	json_decref(body);
	return err;
}
