/*
 * lambda: the service's life.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "crypto/random.h"
#include "services/lambda/lambda_internal.h"
#include "services/lambda/package.h"
#include "services/lambda/runtimes.h"

enum { ARENA_BYTES = 16 * 1024, WARM_MS = 1000, SWEEP_TICKS = 3600 };

uint64_t lambda_now_ms(const struct lambda *lambda)
{
	return loop_unix_us(lambda->options.loop) / 1000;
}

/* ---- Provisioned concurrency is looked after every second ---- */

struct warming {
	struct lambda_run **runs;
	size_t count;
};

static err_t collect_warm(struct api_call *call, void *owner)
{
	struct warming *warming = owner;
	json_t *list, *item;
	size_t i;

	TRY(lambda_list(call, LAMBDA_WARM, NULL, &list));
	warming->runs = calloc(json_array_size(list) + 1, sizeof *warming->runs);
	if (!warming->runs)
		return ERR_NOMEM;
	json_array_foreach (list, i, item) {
		const json_t *warm = json_object_get(item, "body");
		struct lambda_target target;
		struct lambda_run run;

		if (json_object_set(call->input, "FunctionName", json_object_get(item, "id")) ||
		    json_object_set(call->input, "Qualifier", json_object_get(warm, "Version")) ||
		    lambda_find(call, &target) || lambda_run_of(call, &target, &run))
			continue;
		warming->runs[warming->count] = lambda_keep_run(&run);
		warming->count += warming->runs[warming->count] != NULL;
	}
	return ERR_OK;
}

static void on_tick(struct timer *timer)
{
	struct lambda *lambda = container_of(timer, struct lambda, sweep);
	struct loop *loop = lambda->options.loop;
	struct warming warming = { .runs = NULL };

	if (lambda_inside(lambda, json_object(), collect_warm, &warming, NULL))
		log_warn("lambda", "provisioned concurrency is not looked after for now");
	for (size_t i = 0; i < warming.count; i++) {
		live_warm(lambda, warming.runs[i]);
		lambda_free_run(warming.runs[i]);
	}
	free(warming.runs);
	timer_set(loop, timer, loop_now_ms(loop) + WARM_MS);
}

/* ---- Life ---- */

static err_t write_file(const char *folder, const char *name, struct bytes content)
{
	char path[4096];
	FILE *file;
	bool wrote;

	snprintf(path, sizeof path, "%s/runtime/%s", folder, name);
	file = fopen(path, "we");
	if (!file)
		return ERR_SYSTEM;
	wrote = fwrite(content.at, 1, content.len, file) == content.len;
	return fclose(file) || !wrote ? ERR_SYSTEM : ERR_OK;
}

/* Our own clients of the Runtime API, for languages that bring an interpreter. */
static err_t write_runtimes(const char *folder)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/runtime", folder);
	mkdir(path, 0700); /* it may be there; the files tell */
	for (size_t i = 0; i < lambda_runtime_count; i++)
		TRY(write_file(folder, lambda_runtimes[i].name,
			       bytes_make(lambda_runtimes[i].at, lambda_runtimes[i].len)));
	return ERR_OK;
}

static err_t open_folder(struct lambda *lambda, struct text *why)
{
	err_t err = package_open(lambda->options.folder);

	if (!err)
		err = write_runtimes(lambda->options.folder);
	if (err)
		text_printf(why, "functions cannot be kept in %s: %s", lambda->options.folder,
			    err_words(err));
	return err;
}

static const struct api_fault_name fault_names[] = {
	{ "ValidationError", "ValidationException" },
	{ NULL, NULL },
};

static const struct api_fault_status fault_statuses[] = {
	{ "ResourceNotFoundException", 404 },
	{ "ProvisionedConcurrencyConfigNotFoundException", 404 },
	{ "ResourceConflictException", 409 },
	{ "PreconditionFailedException", 412 },
	{ "RequestTooLargeException", 413 },
	{ "RequestEntityTooLargeException", 413 },
	{ "TooManyRequestsException", 429 },
	{ "ServiceException", 500 },
	{ NULL, 0 },
};

static err_t open_service(struct lambda *lambda)
{
	static const char *const aliases[] = { NULL };

	lambda->service = (struct api_service){
		.name = "lambda",
		.aliases = aliases,
		.protocol = API_REST_JSON,
		.version = "2015-03-31",
		.fault_names = fault_names,
		.fault_statuses = fault_statuses,
		.operations = lambda_operations,
		.operation_count = lambda_operation_count,
		.begin = lambda_begin,
		.end = lambda_end,
		.state = lambda,
	};
	return api_register(lambda->options.api, &lambda->service);
}

static err_t keep_options(struct lambda *lambda, const struct lambda_options *options)
{
	arena_init(&lambda->arena, ARENA_BYTES);
	lambda->options = *options;
	lambda->options.account = arena_string(&lambda->arena, bytes_of(options->account));
	lambda->options.region = arena_string(&lambda->arena, bytes_of(options->region));
	lambda->options.folder = arena_string(&lambda->arena, bytes_of(options->folder));
	return lambda->options.account && lambda->options.region && lambda->options.folder
		       ? ERR_OK
		       : ERR_NOMEM;
}

err_t lambda_create(const struct lambda_options *options, struct lambda **ret_lambda,
		    struct text *why)
{
	struct lambda *lambda = calloc(1, sizeof *lambda);
	err_t err;

	if (!lambda)
		return ERR_NOMEM;
	list_init(&lambda->fetches);
	list_init(&lambda->unpackings);
	list_init(&lambda->answers);
	list_init(&lambda->events);
	list_init(&lambda->served);
	lambda->sweep.on_expired = on_tick;
	random_bytes(lambda->secret, sizeof lambda->secret);
	err = keep_options(lambda, options);
	if (!err)
		err = open_folder(lambda, why);
	if (!err)
		err = blocking_pool_create(2, &lambda->pool);
	if (!err)
		err = open_service(lambda);
	if (err) {
		lambda_destroy(lambda);
		return err;
	}
	*ret_lambda = lambda;
	return ERR_OK;
}

void lambda_set_endpoint(struct lambda *lambda, const char *url)
{
	struct loop *loop = lambda->options.loop;

	snprintf(lambda->endpoint, sizeof lambda->endpoint, "%s", url);
	lambda_sweep_code(lambda);
	lambda_unpack_all(lambda);
	async_load(lambda);
	timer_set(loop, &lambda->sweep, loop_now_ms(loop) + WARM_MS);
}

void lambda_destroy(struct lambda *lambda)
{
	if (!lambda)
		return;
	lambda->ending = true;
	timer_cancel(&lambda->sweep);
	live_fini(lambda);
	invoke_fini(lambda);
	url_fini(lambda);
	async_fini(lambda);
	code_fini(lambda);
	arena_fini(&lambda->arena);
	free(lambda);
}
