/*
 * ssm: the service's life and the transaction around each call.
 */
#include "services/ssm/ssm_internal.h"

#include <stdlib.h>

#include "services/transaction.h"

enum { ARENA_BYTES = 4096 };

static err_t begin(struct api_call *call)
{
	return transaction_begin(call, ssm_of(call)->options.store);
}

static err_t end(struct api_call *call, err_t verdict)
{
	return transaction_end(call, verdict, "InternalServerError", 500);
}

err_t ssm_create(const struct ssm_options *options, struct ssm **ret_ssm)
{
	static const char *const aliases[] = { NULL };
	struct ssm *ssm = calloc(1, sizeof *ssm);
	err_t err = ERR_OK;

	if (!ssm)
		return ERR_NOMEM;
	arena_init(&ssm->arena, ARENA_BYTES);
	ssm->options = *options;
	ssm->options.account = arena_string(&ssm->arena, bytes_of(options->account));
	ssm->options.region = arena_string(&ssm->arena, bytes_of(options->region));
	if (!ssm->options.account || !ssm->options.region)
		err = ERR_NOMEM;
	ssm->service = (struct api_service){
		.name = "ssm",
		.aliases = aliases,
		.protocol = API_JSON_1_1,
		.version = "2014-11-06",
		.target_prefix = "AmazonSSM",
		.operations = ssm_operations,
		.operation_count = ssm_operation_count,
		.begin = begin,
		.end = end,
		.state = ssm,
	};
	if (!err)
		err = api_register(options->api, &ssm->service);
	if (err) {
		ssm_destroy(ssm);
		return err;
	}
	*ret_ssm = ssm;
	return ERR_OK;
}

void ssm_destroy(struct ssm *ssm)
{
	if (!ssm)
		return;
	arena_fini(&ssm->arena);
	explicit_bzero(ssm->options.seal_key, sizeof ssm->options.seal_key);
	free(ssm);
}
