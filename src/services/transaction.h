/*
 * transaction: around each call of a service that keeps nothing of a call but its transaction. For
 * a service's `begin` and `end` (api.h); call->transaction is the store's.
 */
#ifndef SERVICES_TRANSACTION_H
#define SERVICES_TRANSACTION_H

#include "api/api.h"
#include "base/log.h"
#include "store/store.h"

static inline err_t transaction_begin(struct api_call *call, struct store *store)
{
	return store_begin(store, (struct store_txn **)&call->transaction);
}

/* Commits what a good call wrote. `code`: what the service calls a fault that has no words. */
static inline err_t transaction_end(struct api_call *call, err_t verdict, const char *code,
				    uint16_t status)
{
	struct store_txn *txn = call->transaction;

	call->transaction = NULL;
	if (!verdict && call->operation->effect == API_WRITES)
		verdict = store_commit(txn);
	else
		store_rollback(txn);
	if (verdict && !call->fault.code[0]) {
		log_error(call->service->name, "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, code, "The request processing has failed: %s", err_words(verdict));
		call->fault.status = status;
	}
	return verdict;
}

#endif
