/*
 * secretsmanager: the service's life and the transaction around each call.
 */
#include "services/secretsmanager/secretsmanager_internal.h"

#include <stdlib.h>

#include "services/transaction.h"

enum { ARENA_BYTES = 4096 };

static err_t begin(struct api_call *call)
{
	return transaction_begin(call, secrets_of(call)->options.store);
}

static err_t end(struct api_call *call, err_t verdict)
{
	return transaction_end(call, verdict, "InternalServiceError", 500);
}

err_t secretsmanager_create(const struct secretsmanager_options *options,
			    struct secretsmanager **ret_secretsmanager)
{
	static const char *const aliases[] = { NULL };
	struct secretsmanager *secrets = calloc(1, sizeof *secrets);
	err_t err = ERR_OK;

	if (!secrets)
		return ERR_NOMEM;
	arena_init(&secrets->arena, ARENA_BYTES);
	secrets->options = *options;
	secrets->options.account = arena_string(&secrets->arena, bytes_of(options->account));
	secrets->options.region = arena_string(&secrets->arena, bytes_of(options->region));
	if (!secrets->options.account || !secrets->options.region)
		err = ERR_NOMEM;
	secrets->service = (struct api_service){
		.name = "secretsmanager",
		.aliases = aliases,
		.protocol = API_JSON_1_1,
		.version = "2017-10-17",
		.target_prefix = "secretsmanager",
		.operations = secrets_operations,
		.operation_count = secrets_operation_count,
		.begin = begin,
		.end = end,
		.state = secrets,
	};
	if (!err)
		err = api_register(options->api, &secrets->service);
	if (err) {
		secretsmanager_destroy(secrets);
		return err;
	}
	*ret_secretsmanager = secrets;
	return ERR_OK;
}

void secretsmanager_destroy(struct secretsmanager *secrets)
{
	if (!secrets)
		return;
	arena_fini(&secrets->arena);
	explicit_bzero(secrets->options.seal_key, sizeof secrets->options.seal_key);
	free(secrets);
}
