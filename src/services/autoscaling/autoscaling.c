/*
 * autoscaling: the service's life and the transaction around each call.
 */
#include "services/autoscaling/autoscaling_internal.h"

#include <stdlib.h>

#include "base/log.h"

enum { ARENA_BYTES = 4096, LOOK_MS = 5000 };

err_t autoscaling_ask(struct autoscaling *self, const char *service, const char *operation,
		      json_t *input, json_t **ret_output, struct api_fault *ret_fault)
{
	err_t err;

	*ret_fault = (struct api_fault){ .code = "" };
	if (!input)
		return ERR_NOMEM;
	err = api_call(self->options.api, self->options.caller, service, operation, input,
		       ret_output, ret_fault);
	json_decref(input);
	return err;
}

/* The transaction is opened by the first look into the store: a handler may ask ecs before. */
static err_t begin(struct api_call *call)
{
	call->transaction = NULL;
	return ERR_OK;
}

static err_t end(struct api_call *call, err_t verdict)
{
	struct store_txn *txn = call->transaction;

	call->transaction = NULL;
	if (txn && !verdict && call->operation->effect == API_WRITES)
		verdict = store_commit(txn);
	else
		store_rollback(txn);
	if (verdict && !call->fault.code[0]) {
		log_error("autoscaling", "%s: %s", call->operation->name, err_words(verdict));
		api_fault(call, "InternalServiceException", "The request processing has failed: %s",
			  err_words(verdict));
		call->fault.status = 500;
	}
	return verdict;
}

static void on_timer(struct timer *timer)
{
	struct autoscaling *self = container_of(timer, struct autoscaling, timer);

	autoscaling_look(self);
	timer_set(self->options.loop, timer, loop_now_ms(self->options.loop) + LOOK_MS);
}

err_t autoscaling_create(const struct autoscaling_options *options,
			 struct autoscaling **ret_autoscaling)
{
	static const char *const aliases[] = { "application-autoscaling", "autoscaling", NULL };
	struct autoscaling *self = calloc(1, sizeof *self);
	err_t err = ERR_OK;

	if (!self)
		return ERR_NOMEM;
	arena_init(&self->arena, ARENA_BYTES);
	self->options = *options;
	self->options.account = arena_string(&self->arena, bytes_of(options->account));
	self->options.region = arena_string(&self->arena, bytes_of(options->region));
	if (!self->options.account || !self->options.region)
		err = ERR_NOMEM;
	self->timer.on_expired = on_timer;
	self->service = (struct api_service){
		.name = "application-autoscaling",
		.aliases = aliases,
		.protocol = API_JSON_1_1,
		.version = "2016-02-06",
		.target_prefix = "AnyScaleFrontendService",
		.operations = autoscaling_operations,
		.operation_count = autoscaling_operation_count,
		.begin = begin,
		.end = end,
		.state = self,
	};
	if (!err)
		err = api_register(options->api, &self->service);
	if (err) {
		autoscaling_destroy(self);
		return err;
	}
	timer_set(options->loop, &self->timer, loop_now_ms(options->loop) + LOOK_MS);
	*ret_autoscaling = self;
	return ERR_OK;
}

void autoscaling_destroy(struct autoscaling *self)
{
	if (!self)
		return;
	timer_cancel(&self->timer);
	arena_fini(&self->arena);
	free(self);
}
