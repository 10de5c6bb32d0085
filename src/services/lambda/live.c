/*
 * live: what runs. A function has a fleet of environments for each version that was invoked; a
 * fleet is as its version was when it was made. Changed functions get a new fleet, and the old one
 * ends with its last environment.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "services/lambda/environment.h"
#include "services/lambda/lambda_internal.h"

enum { PATIENCE_MS = 10 };
enum { FLEET_ARENA_BYTES = 256 * 1024, VARIABLES_MAX = 200, KEY_SECONDS = 3600 };

struct lambda_function {
	struct lambda *lambda;
	char *name;
	unsigned busy; /* environments that work, all versions */
	struct list_node fleets;
};

struct fleet {
	struct lambda_function *function;
	struct list_node link;
	struct arena arena;
	const char *version, *revision, *role;
	struct environment_program program;
	char *variables[VARIABLES_MAX + 1];
	size_t variable_count;
	char *arguments[4];
	struct list_node environments;
	/*
	 * Invocations that came while an environment had answered and not asked for more yet: that
	 * takes a moment, a new environment takes longer.
	 */
	struct list_node waiting;
	struct timer patience;
	bool retired; /* gone with its last environment */
};

/* ---- Runtimes ---- */

static bool find_program(const char *name, char path[4096])
{
	const char *folders = getenv("PATH");
	struct bytes rest = bytes_of(folders ? folders : "/usr/local/bin:/usr/bin:/bin"), folder;

	while (bytes_cut(&rest, ':', &folder)) {
		snprintf(path, 4096, "%.*s/%s", BYTES_ARG(folder), name);
		if (folder.len && access(path, X_OK) == 0)
			return true;
	}
	return false;
}

bool live_runtime(const char *runtime, char path[4096])
{
	path[0] = 0;
	if (strcmp(runtime, "provided.al2") == 0 || strcmp(runtime, "provided.al2023") == 0)
		return true;
	if (strncmp(runtime, "python3.", 8) == 0)
		return find_program(runtime, path);
	if (strncmp(runtime, "nodejs", 6) == 0)
		return find_program("node", path);
	return false;
}

/* ---- A fleet ---- */

static void on_patience(struct timer *timer);

static err_t add_variable(struct fleet *fleet, const char *name, const char *value)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < fleet->variable_count; i++)
		if (strncmp(fleet->variables[i], name, len) == 0 && fleet->variables[i][len] == '=')
			return ERR_OK; /* the function's own word */
	if (fleet->variable_count == VARIABLES_MAX)
		return ERR_LIMIT;
	fleet->variables[fleet->variable_count] = arena_printf(&fleet->arena, "%s=%s", name, value);
	return fleet->variables[fleet->variable_count++] ? ERR_OK : ERR_NOMEM;
}

static err_t add_own_variables(struct fleet *fleet, const json_t *configuration)
{
	json_t *given = json_object_get(json_object_get(configuration, "Environment"), "Variables");
	const char *name;
	json_t *value;

	json_object_foreach (given, name, value)
		TRY(add_variable(fleet, name, json_string_value(value)));
	return ERR_OK;
}

/* What AWS gives: docs.aws.amazon.com/lambda, "Using environment variables". */
static err_t add_variables(struct fleet *fleet, const struct lambda_run *run, const char *code)
{
	const struct lambda *lambda = fleet->function->lambda;
	const char *handler = lambda_text(run->configuration, "Handler"), *region;
	const char *runtime = lambda_text(run->configuration, "Runtime");
	char memory[16], folder[4096], libraries[3 * 4096];

	TRY(add_own_variables(fleet, run->configuration));
	region = lambda->options.region;
	snprintf(memory, sizeof memory, "%u", fleet->program.memory_mib);
	snprintf(folder, sizeof folder, "%s/runtime", lambda->options.folder);
	snprintf(libraries, sizeof libraries, "/lib64:/usr/lib64:%s:%s/lib:/opt/lib", code, code);
	TRY(add_variable(fleet, "_HANDLER", handler ? handler : ""));
	TRY(add_variable(fleet, "AWS_REGION", region));
	TRY(add_variable(fleet, "AWS_DEFAULT_REGION", region));
	TRY(add_variable(fleet, "AWS_ENDPOINT_URL", lambda->endpoint));
	TRY(add_variable(fleet, "AWS_LAMBDA_FUNCTION_NAME", run->name));
	TRY(add_variable(fleet, "AWS_LAMBDA_FUNCTION_VERSION", run->version));
	TRY(add_variable(fleet, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory));
	TRY(add_variable(fleet, "AWS_LAMBDA_LOG_GROUP_NAME", fleet->program.log_group));
	TRY(add_variable(fleet, "AWS_LAMBDA_INITIALIZATION_TYPE",
			 run->provisioned ? "provisioned-concurrency" : "on-demand"));
	TRY(add_variable(fleet, "LAMBDA_TASK_ROOT", code));
	TRY(add_variable(fleet, "LAMBDA_RUNTIME_DIR", folder));
	TRY(add_variable(fleet, "LD_LIBRARY_PATH", libraries));
	TRY(add_variable(fleet, "LANG", "en_US.UTF-8"));
	TRY(add_variable(fleet, "TZ", ":UTC"));
	TRY(add_variable(fleet, "PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"));
	if (strncmp(runtime, "provided", 8) != 0) {
		const char *name = arena_printf(&fleet->arena, "AWS_Lambda_%s", runtime);

		TRY(name ? add_variable(fleet, "AWS_EXECUTION_ENV", name) : ERR_NOMEM);
	}
	return ERR_OK;
}

/* Managed runtimes are our own client in the language's interpreter. */
static err_t choose_program(struct fleet *fleet, const char *runtime, const char *code)
{
	const char *folder = fleet->function->lambda->options.folder;
	bool python = strncmp(runtime, "python", 6) == 0;
	char path[4096];

	if (!live_runtime(runtime, path))
		return ERR_NOT_FOUND;
	if (path[0]) {
		fleet->arguments[0] = arena_string(&fleet->arena, bytes_of(path));
		fleet->arguments[1] = arena_printf(&fleet->arena, "%s/runtime/bootstrap.%s", folder,
						   python ? "py" : "mjs");
		if (!fleet->arguments[1])
			return ERR_NOMEM;
	} else {
		fleet->arguments[0] = arena_printf(&fleet->arena, "%s/bootstrap", code);
	}
	fleet->program.path = fleet->arguments[0];
	fleet->program.arguments = fleet->arguments;
	return fleet->arguments[0] ? ERR_OK : ERR_NOMEM;
}

static const char *keep(struct fleet *fleet, const char *text)
{
	return arena_string(&fleet->arena, bytes_of(text ? text : ""));
}

static err_t fill_fleet(struct fleet *fleet, const struct lambda_run *run)
{
	const json_t *configuration = run->configuration;
	const json_t *logging = json_object_get(configuration, "LoggingConfig");
	char code[4096];

	lambda_code_path(fleet->function->lambda, run->code, code);
	fleet->version = keep(fleet, run->version);
	fleet->revision = keep(fleet, lambda_text(configuration, "RevisionId"));
	fleet->role = keep(fleet, lambda_text(configuration, "Role"));
	fleet->program = (struct environment_program){
		.function_name = fleet->function->name,
		.version = fleet->version,
		.variables = fleet->variables,
		.directory = keep(fleet, code),
		.log_group = keep(fleet, lambda_text(logging, "LogGroup")),
		.memory_mib = (uint32_t)json_integer_value(
			json_object_get(configuration, "MemorySize")),
		.timeout_ms = (uint32_t)json_integer_value(
				      json_object_get(configuration, "Timeout")) *
			      1000,
	};
	if (!fleet->version || !fleet->revision || !fleet->role || !fleet->program.directory ||
	    !fleet->program.log_group)
		return ERR_NOMEM;
	TRY(choose_program(fleet, lambda_text(configuration, "Runtime"), code));
	return add_variables(fleet, run, code);
}

static void free_fleet(struct fleet *fleet)
{
	timer_cancel(&fleet->patience);
	list_for_each_safe (&fleet->environments, node)
		environment_destroy(environment_of_link(node));
	list_remove(&fleet->link);
	arena_fini(&fleet->arena);
	free(fleet);
}

static void retire_fleet(struct fleet *fleet)
{
	fleet->retired = true;
	list_for_each (&fleet->environments, node)
		environment_retire(environment_of_link(node));
	if (list_empty(&fleet->environments) && list_empty(&fleet->waiting))
		free_fleet(fleet);
}

static err_t make_fleet(struct lambda_function *function, const struct lambda_run *run,
			struct fleet **ret_fleet)
{
	struct fleet *fleet = calloc(1, sizeof *fleet);
	err_t err;

	if (!fleet)
		return ERR_NOMEM;
	fleet->function = function;
	arena_init(&fleet->arena, FLEET_ARENA_BYTES);
	list_init(&fleet->environments);
	list_init(&fleet->waiting);
	fleet->patience.on_expired = on_patience;
	list_append(&function->fleets, &fleet->link);
	err = fill_fleet(fleet, run);
	if (err) {
		free_fleet(fleet);
		return err;
	}
	*ret_fleet = fleet;
	return ERR_OK;
}

static struct lambda_function *function_of(struct lambda *lambda, const char *name)
{
	struct lambda_function *function = map_get(&lambda->functions, bytes_of(name));

	if (function)
		return function;
	function = calloc(1, sizeof *function);
	if (!function)
		return NULL;
	function->lambda = lambda;
	list_init(&function->fleets);
	function->name = bytes_dup(bytes_of(name));
	if (!function->name || map_put(&lambda->functions, bytes_of(name), function, NULL)) {
		free(function->name);
		free(function);
		return NULL;
	}
	return function;
}

/* The one of this version as it is now; an older one of the same version retires. */
static err_t fleet_of(struct lambda_function *function, const struct lambda_run *run,
		      struct fleet **ret_fleet)
{
	const char *revision = lambda_text(run->configuration, "RevisionId");
	struct fleet *found = NULL;

	list_for_each_safe (&function->fleets, node) {
		struct fleet *fleet = container_of(node, struct fleet, link);

		if (fleet->retired || strcmp(fleet->version, run->version) != 0)
			continue;
		if (strcmp(fleet->revision, revision) == 0)
			found = fleet;
		else
			retire_fleet(fleet);
	}
	if (!found)
		TRY(make_fleet(function, run, &found));
	found->program.keep = run->provisioned > 0;
	*ret_fleet = found;
	return ERR_OK;
}

/* ---- Environments ---- */

static void on_free(void *owner, struct environment *environment)
{
	struct fleet *fleet = owner;
	struct list_node *node = list_pop(&fleet->waiting);

	if (node)
		environment_invoke(environment, container_of(node, struct invocation, link));
}

static void on_ended(void *owner, struct environment *environment)
{
	struct fleet *fleet = owner;

	environment_destroy(environment);
	if (fleet->retired && list_empty(&fleet->environments) && list_empty(&fleet->waiting))
		free_fleet(fleet);
}

static void on_released(void *owner, struct environment *environment)
{
	struct fleet *fleet = owner;

	(void)environment;
	fleet->function->busy--;
	fleet->function->lambda->busy--;
}

static void on_result(void *owner, const struct invocation_result *result)
{
	const struct lambda_function *function = ((struct fleet *)owner)->function;

	metrics_add(function->lambda, function->name, METRIC_DURATION,
		    (double)result->duration_us / 1000.0);
	metrics_add(function->lambda, function->name, METRIC_ERRORS, result->outcome != LAMBDA_OK);
}

static void on_write(void *owner, const char *group, const char *stream,
		     const struct output_line *lines, size_t count)
{
	const struct lambda *lambda = ((struct fleet *)owner)->function->lambda;

	lambda->options.write(lambda->options.owner, group, stream, lines, count);
}

err_t lambda_assume(const struct lambda *lambda, const char *role, const char *session,
		    json_t **ret_keys, struct api_fault *fault)
{
	const struct api_caller service = {
		.account = lambda->options.account,
		.region = lambda->options.region,
		.arn = "lambda.amazonaws.com",
	};
	json_t *input = json_pack("{s:s, s:s, s:i}", "RoleArn", role, "RoleSessionName", session,
				  "DurationSeconds", KEY_SECONDS);
	json_t *output = NULL;
	err_t err;

	/* STS wants two letters at least. */
	if (input && !session[1])
		json_object_set_new(input, "RoleSessionName", json_sprintf("%s_", session));
	err = input ? api_call(lambda->options.api, &service, "sts", "AssumeRole", input, &output,
			       fault)
		    : ERR_NOMEM;

	json_decref(input);
	if (err)
		return err;
	*ret_keys = json_incref(json_object_get(output, "Credentials"));
	json_decref(output);
	return *ret_keys ? ERR_OK : ERR_SYSTEM;
}

static err_t start_with(struct fleet *fleet, const json_t *keys, struct environment **ret_made)
{
	static const struct environment_events events = {
		.on_free = on_free,
		.on_ended = on_ended,
		.on_released = on_released,
		.on_result = on_result,
		.write = on_write,
	};
	struct text lines[ENVIRONMENT_KEYS] = { TEXT_INIT(256), TEXT_INIT(256), TEXT_INIT(4096) };
	const char *strings[ENVIRONMENT_KEYS];
	err_t err;

	text_printf(&lines[0], "AWS_ACCESS_KEY_ID=%s", lambda_text(keys, "AccessKeyId"));
	text_printf(&lines[1], "AWS_SECRET_ACCESS_KEY=%s", lambda_text(keys, "SecretAccessKey"));
	text_printf(&lines[2], "AWS_SESSION_TOKEN=%s", lambda_text(keys, "SessionToken"));
	for (size_t i = 0; i < ENVIRONMENT_KEYS; i++)
		strings[i] = text_str(&lines[i]);
	err = environment_start(fleet->function->lambda->options.loop, &fleet->program, strings,
				&events, fleet, ret_made);
	for (size_t i = 0; i < ENVIRONMENT_KEYS; i++)
		text_fini(&lines[i]);
	return err;
}

static err_t start_environment(struct fleet *fleet, struct environment **ret_made,
			       struct api_fault *fault)
{
	json_t *keys = NULL;
	err_t err;

	TRY(lambda_assume(fleet->function->lambda, fleet->role, fleet->function->name, &keys,
			  fault));
	err = start_with(fleet, keys, ret_made);
	json_decref(keys);
	if (!err)
		list_append(&fleet->environments, environment_link(*ret_made));
	return err;
}

/* One that waits for work before one that still starts. */
static struct environment *find_free(const struct fleet *fleet)
{
	struct environment *starting = NULL;

	list_for_each (&fleet->environments, node) {
		struct environment *one = environment_of_link(node);
		const struct sandbox *sandbox = environment_sandbox(one);

		if (!sandbox_is_free(sandbox))
			continue;
		if (sandbox->state != SANDBOX_INIT)
			return one;
		starting = one;
	}
	return starting;
}

static bool is_about_to_ask(const struct fleet *fleet)
{
	list_for_each (&fleet->environments, node)
		if (environment_sandbox(environment_of_link(node))->state == SANDBOX_ANSWERED)
			return true;
	return false;
}

/* No environment could be had for one that waited. */
static void give_up(struct fleet *fleet, struct invocation *invocation)
{
	const struct invocation_result result = {
		.outcome = LAMBDA_ERROR,
		.version = fleet->version,
		.payload = BYTES("{\"errorType\":\"Runtime.Unknown\",\"errorMessage\":\"No "
				 "environment could be started\"}"),
	};

	fleet->function->busy--;
	fleet->function->lambda->busy--;
	on_result(fleet, &result);
	invocation->on_done(invocation, &result);
}

static void on_patience(struct timer *timer)
{
	struct fleet *fleet = container_of(timer, struct fleet, patience);
	struct api_fault fault = { .code = "" };
	struct environment *made;
	struct list_node *node;

	while ((node = list_pop(&fleet->waiting))) {
		struct invocation *invocation = container_of(node, struct invocation, link);

		if (start_environment(fleet, &made, &fault))
			give_up(fleet, invocation);
		else
			environment_invoke(made, invocation);
	}
}

static const char *throttle_reason(const struct lambda_function *function,
				   const struct lambda_run *run)
{
	if (run->reserved >= 0 && function->busy >= (uint64_t)run->reserved)
		return "ReservedFunctionConcurrentInvocationLimitExceeded";
	return function->lambda->busy >= LAMBDA_CONCURRENCY_MAX
		       ? "ConcurrentInvocationLimitExceeded"
		       : NULL;
}

err_t live_invoke(struct lambda *lambda, const struct lambda_run *run,
		  struct invocation *invocation, const char **ret_reason, struct api_fault *fault)
{
	struct lambda_function *function = function_of(lambda, run->name);
	struct environment *environment;
	struct fleet *fleet;
	bool wait;

	if (!function || lambda->ending)
		return function ? ERR_CANCELLED : ERR_NOMEM;
	*ret_reason = throttle_reason(function, run);
	if (*ret_reason) {
		metrics_add(lambda, run->name, METRIC_THROTTLES, 1);
		return ERR_LIMIT;
	}
	TRY(fleet_of(function, run, &fleet));
	environment = find_free(fleet);
	wait = !environment && list_empty(&fleet->waiting) && is_about_to_ask(fleet);
	if (!environment && !wait)
		TRY(start_environment(fleet, &environment, fault));
	function->busy++;
	lambda->busy++;
	metrics_add(lambda, run->name, METRIC_INVOCATIONS, 1);
	metrics_add(lambda, run->name, METRIC_CONCURRENCY, function->busy);
	if (!wait) {
		environment_invoke(environment, invocation);
		return ERR_OK;
	}
	list_append(&fleet->waiting, &invocation->link);
	timer_set(lambda->options.loop, &fleet->patience,
		  loop_now_ms(lambda->options.loop) + PATIENCE_MS);
	return ERR_OK;
}

/* ---- Provisioned ones, and the end ---- */

void live_warm(struct lambda *lambda, const struct lambda_run *run)
{
	struct lambda_function *function = function_of(lambda, run->name);
	struct api_fault fault = { .code = "" };
	struct environment *made;
	struct fleet *fleet;
	int64_t count = 0;

	if (!function || lambda->ending || fleet_of(function, run, &fleet))
		return;
	list_for_each (&fleet->environments, node)
		count += environment_sandbox(environment_of_link(node))->state != SANDBOX_ENDED;
	for (; count < run->provisioned; count++)
		if (start_environment(fleet, &made, &fault)) {
			log_warn("lambda", "%s has no environment ready: %s", run->name,
				 fault.message);
			return;
		}
}

unsigned live_ready(const struct lambda *lambda, const char *name, const char *version)
{
	const struct lambda_function *function = map_get(&lambda->functions, bytes_of(name));
	unsigned ready = 0;

	if (!function)
		return 0;
	list_for_each (&function->fleets, node) {
		const struct fleet *fleet = container_of(node, struct fleet, link);

		if (fleet->retired || strcmp(fleet->version, version) != 0)
			continue;
		list_for_each (&fleet->environments, one) {
			const struct sandbox *sandbox = environment_sandbox(
				environment_of_link(one));

			ready += sandbox->state > SANDBOX_WANTED && sandbox->state < SANDBOX_ENDED;
		}
	}
	return ready;
}

unsigned live_busy(const struct lambda *lambda, const char *name)
{
	const struct lambda_function *function = map_get(&lambda->functions, bytes_of(name));

	return function ? function->busy : 0;
}

void live_forget(struct lambda *lambda, const char *name)
{
	struct lambda_function *function = map_get(&lambda->functions, bytes_of(name));

	if (!function)
		return;
	list_for_each_safe (&function->fleets, node)
		retire_fleet(container_of(node, struct fleet, link));
}

void live_fini(struct lambda *lambda)
{
	map_for_each (&lambda->functions, slot) {
		struct lambda_function *function = slot->value;

		list_for_each_safe (&function->fleets, node)
			free_fleet(container_of(node, struct fleet, link));
		free(function->name);
		free(function);
	}
	map_fini(&lambda->functions);
}
