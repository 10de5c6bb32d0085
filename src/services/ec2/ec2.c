/*
 * ec2: the service's life, and the transaction around each call.
 */
#include "services/ec2/ec2_internal.h"

#include <stdlib.h>

#include "base/log.h"

enum { EC2_ARENA_MAX_BYTES = 4096 };

static err_t begin(struct api_call *call)
{
	struct store_txn *txn;
	bool wrote = false;
	err_t err;

	TRY(store_begin(ec2_of(call)->options.store, &txn));
	err = ec2_seed(ec2_of(call), txn, &wrote);
	if (!err && wrote) {
		TRY(store_commit(txn));
		return store_begin(ec2_of(call)->options.store,
				   (struct store_txn **)&call->transaction);
	}
	if (err) {
		store_rollback(txn);
		return err;
	}
	call->transaction = txn;
	return ERR_OK;
}

/* Nothing here writes yet. */
static err_t end(struct api_call *call, err_t verdict)
{
	store_rollback(call->transaction);
	call->transaction = NULL;
	if (verdict && !call->fault.code[0]) {
		log_error("ec2", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "InternalError", "An internal error has occurred: %s",
			  err_words(verdict));
		call->fault.status = 500;
	}
	return verdict;
}

err_t ec2_create(const struct ec2_options *options, struct ec2 **ret_ec2)
{
	static const char *const aliases[] = { NULL };
	struct ec2 *ec2 = calloc(1, sizeof *ec2);
	err_t err = ERR_OK;

	if (!ec2)
		return ERR_NOMEM;
	arena_init(&ec2->arena, EC2_ARENA_MAX_BYTES);
	ec2->options = *options;
	ec2->options.account = arena_string(&ec2->arena, bytes_of(options->account));
	ec2->options.region = arena_string(&ec2->arena, bytes_of(options->region));
	ec2->service = (struct api_service){
		.name = "ec2",
		.aliases = aliases,
		.protocol = API_EC2,
		.version = "2016-11-15",
		.xml_namespace = "http://ec2.amazonaws.com/doc/2016-11-15/",
		.operations = ec2_operations,
		.operation_count = ec2_operation_count,
		.begin = begin,
		.end = end,
		.state = ec2,
	};
	if (!ec2->options.account || !ec2->options.region)
		err = ERR_NOMEM;
	if (!err)
		err = api_register(options->api, &ec2->service);
	if (err) {
		ec2_destroy(ec2);
		return err;
	}
	*ret_ec2 = ec2;
	return ERR_OK;
}

void ec2_destroy(struct ec2 *ec2)
{
	if (!ec2)
		return;
	arena_fini(&ec2->arena);
	free(ec2);
}
