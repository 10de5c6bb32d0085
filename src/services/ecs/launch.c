/*
 * launch: from a container's definition to a program with its arguments, environment and limits.
 */
#include "services/ecs/ecs_internal.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "engine/program.h"

enum {
	LAUNCH_BYTES = 2 * 1024 * 1024,
	STOP_MS = 30 * 1000, /* stopTimeout's default */
	MIB = 1024 * 1024,
	PROCESSES_MAX = 4096, /* of one container, unless it names its own limit */
	LIMITS_MAX = 16,
};

struct launch {
	struct run *run;
	const json_t *task, *container, *defined, *override;
	struct arena arena;
	json_t *environment; /* name → value */
	struct program program;
	char **arguments, **variables;
	struct workload_limit limits[LIMITS_MAX];
	struct workload_options options;
	char folder[4096];
	struct text *why;
};

static json_t *override_of(const json_t *task, const char *name)
{
	return find_in(json_object_get(json_object_get(task, "overrides"), "containerOverrides"),
		       "name", name);
}

/* ---- Secrets ---- */

/* ":json-key:stage:version" after a secret's ARN, each may be empty. */
static err_t json_key_of(struct launch *launch, const char *text, const char *key, json_t **ret)
{
	json_t *object = json_loads(text, 0, NULL), *value = json_object_get(object, key);

	*ret = json_is_string(value) ? json_incref(value) : NULL;
	json_decref(object);
	if (*ret)
		return ERR_OK;
	text_printf(launch->why, "retrieved secret did not contain json key %s", key);
	return ERR_INVALID;
}

static err_t from_secrets_manager(struct launch *launch, const char *from, json_t **ret_value)
{
	struct bytes rest = bytes_of(from), part;
	struct text arn = TEXT_INIT(2048);
	const char *extra[3] = { "", "", "" };
	json_t *input, *output = NULL;
	struct api_fault fault;
	err_t err;

	for (unsigned i = 0; bytes_cut(&rest, ':', &part); i++) {
		if (i < 7)
			text_printf(&arn, "%s%.*s", i ? ":" : "", BYTES_ARG(part));
		else if (i < 10)
			extra[i - 7] = arena_string(&launch->arena, part);
	}
	input = json_pack("{s:s}", "SecretId", text_str(&arn));
	text_fini(&arn);
	if (extra[1][0])
		TRY(put_text(input, "VersionStage", extra[1]));
	if (extra[2][0])
		TRY(put_text(input, "VersionId", extra[2]));
	err = ecs_house_ask(launch->run->ecs, "secretsmanager", "GetSecretValue", input, &output,
			    &fault);
	if (err) {
		text_printf(launch->why, "unable to retrieve secret from asm: %s: %s", fault.code,
			    fault.message);
		return ERR_INVALID;
	}
	if (extra[0][0])
		err = json_key_of(launch, text_of(output, "SecretString"), extra[0], ret_value);
	else
		*ret_value = json_string(text_of(output, "SecretString"));
	json_decref(output);
	return err;
}

static err_t from_parameters(struct launch *launch, const char *from, json_t **ret_value)
{
	const char *mark = strstr(from, ":parameter/");
	/* The ARN of "/a/b" ends in "parameter/a/b", and that of "a" in "parameter/a". */
	const char *name = mark ? mark + strlen(":parameter/") : from;
	json_t *output = NULL;
	struct api_fault fault;
	char path[1100];
	err_t err;

	snprintf(path, sizeof path, "%s%.1024s", mark && strchr(name, '/') ? "/" : "", name);
	err = ecs_house_ask(launch->run->ecs, "ssm", "GetParameter",
			    json_pack("{s:s, s:b}", "Name", path, "WithDecryption", 1), &output,
			    &fault);
	if (err) {
		text_printf(launch->why, "unable to retrieve secrets from ssm: %s: %s", fault.code,
			    fault.message[0] ? fault.message : path);
		return ERR_INVALID;
	}
	*ret_value = json_incref(json_object_get(json_object_get(output, "Parameter"), "Value"));
	json_decref(output);
	return *ret_value ? ERR_OK : ERR_NOMEM;
}

static err_t add_secrets(struct launch *launch)
{
	json_t *secret, *value = NULL;
	size_t i;
	err_t err;

	json_array_foreach (json_object_get(launch->defined, "secrets"), i, secret) {
		const char *from = text_of(secret, "valueFrom");

		err = strstr(from, ":secretsmanager:") ? from_secrets_manager(launch, from, &value)
						       : from_parameters(launch, from, &value);
		if (err == ERR_INVALID) {
			struct text words = TEXT_INIT(2048);

			text_add(&words, text_bytes(launch->why));
			text_clear(launch->why);
			text_printf(launch->why,
				    "ResourceInitializationError: unable to pull secrets or "
				    "registry auth: execution resource retrieval failed: %s",
				    text_str(&words));
			text_fini(&words);
		}
		if (err)
			return err;
		TRY(put(launch->environment, text_of(secret, "name"), value));
	}
	return ERR_OK;
}

/* ---- Environment ---- */

static err_t add_given(struct launch *launch, const json_t *list)
{
	json_t *pair;
	size_t i;

	json_array_foreach ((json_t *)list, i, pair)
		if (text_of(pair, "name")[0] && !strchr(text_of(pair, "name"), '='))
			TRY(put_text(launch->environment, text_of(pair, "name"),
				     text_of(pair, "value")));
	return ERR_OK;
}

/* What a container finds itself in; the user's own words win over all of it. */
static err_t add_ours(struct launch *launch)
{
	const struct ecs *ecs = launch->run->ecs;
	json_t *environment = launch->environment;
	json_t *binding = json_array_get(place_ports_of(launch->container), 0);
	bool fargate = is_text(launch->task, "launchType", "FARGATE");
	char text[4200];

	TRY(put_text(environment, "PATH",
		     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	TRY(put_text(environment, "HOME", launch->folder));
	TRY(put_text(environment, "HOST", text_of(launch->task, "_address")));
	if (binding) {
		snprintf(text, sizeof text, "%lld", (long long)number_of(binding, "hostPort", 0));
		TRY(put_text(environment, "PORT", text));
	}
	TRY(put_text(environment, "AWS_REGION", ecs->options.region));
	TRY(put_text(environment, "AWS_DEFAULT_REGION", ecs->options.region));
	TRY(put_text(environment, "AWS_EXECUTION_ENV",
		     fargate ? "AWS_ECS_FARGATE" : "AWS_ECS_EC2"));
	if (!ecs->api_url)
		return ERR_OK;
	TRY(put_text(environment, "AWS_ENDPOINT_URL", ecs->api_url));
	snprintf(
		text, sizeof text, "%.200s/_weir/tasks/%s-%u", ecs->api_url,
		text_of(launch->task, "_token"),
		(unsigned)(json_array_size(json_object_get(launch->task, "containers")) > 1
				   ? strtoul(strrchr(text_of(launch->container, "runtimeId"), '-') +
						     1,
					     NULL, 10)
				   : 0));
	return put_text(environment, "ECS_CONTAINER_METADATA_URI_V4", text);
}

static err_t make_variables(struct launch *launch)
{
	size_t count = json_object_size(launch->environment), i = 0;
	const char *name;
	json_t *value;

	launch->variables = arena_array(&launch->arena, count + 1, sizeof(char *));
	if (!launch->variables)
		return ERR_NOMEM;
	json_object_foreach (launch->environment, name, value) {
		launch->variables[i] = arena_printf(&launch->arena, "%s=%s", name,
						    json_string_value(value));
		if (!launch->variables[i++])
			return ERR_NOMEM;
	}
	return ERR_OK;
}

/* ---- The program and its words ---- */

static err_t find_program(struct launch *launch, json_t *words)
{
	struct text why = TEXT_INIT(8192);
	const char *first = json_string_value(json_array_get(words, 0));
	err_t err = program_find(launch->run->ecs->options.programs,
				 text_of(launch->defined, "image"), first, &launch->program, &why);

	if (err)
		text_printf(launch->why, "CannotPullContainerError: %s", text_str(&why));
	text_fini(&why);
	return err ? ERR_INVALID : ERR_OK;
}

static err_t copy_words(struct launch *launch, json_t *words)
{
	size_t count = json_array_size(words), skip;

	TRY(find_program(launch, words));
	skip = launch->program.takes_first ? 1 : 0;
	launch->arguments = arena_array(&launch->arena, count + 2, sizeof(char *));
	if (!launch->arguments)
		return ERR_NOMEM;
	launch->arguments[0] = launch->program.path;
	for (size_t i = skip; i < count; i++) {
		char *word = arena_string(&launch->arena,
					  bytes_of(json_string_value(json_array_get(words, i))));

		if (!word)
			return ERR_NOMEM;
		launch->arguments[i + 1 - skip] = word;
	}
	return ERR_OK;
}

static err_t make_arguments(struct launch *launch)
{
	json_t *words = json_array(), *command = json_object_get(launch->override, "command");
	err_t err = words ? ERR_OK : ERR_NOMEM;

	if (!json_array_size(command))
		command = json_object_get(launch->defined, "command");
	if (!err)
		json_array_extend(words, json_object_get(launch->defined, "entryPoint"));
	if (!err && command && json_array_extend(words, command))
		err = ERR_NOMEM;
	if (!err)
		err = copy_words(launch, words);
	json_decref(words);
	return err;
}

/* ---- Limits ---- */

static void add_limits(struct launch *launch)
{
	static const struct {
		const char *name;
		int resource;
	} known[] = {
		{ "core", RLIMIT_CORE },	 { "cpu", RLIMIT_CPU },
		{ "data", RLIMIT_DATA },	 { "fsize", RLIMIT_FSIZE },
		{ "locks", RLIMIT_LOCKS },	 { "memlock", RLIMIT_MEMLOCK },
		{ "msgqueue", RLIMIT_MSGQUEUE }, { "nice", RLIMIT_NICE },
		{ "nofile", RLIMIT_NOFILE },	 { "nproc", RLIMIT_NPROC },
		{ "rss", RLIMIT_RSS },		 { "rtprio", RLIMIT_RTPRIO },
		{ "rttime", RLIMIT_RTTIME },	 { "sigpending", RLIMIT_SIGPENDING },
		{ "stack", RLIMIT_STACK },
	};
	struct workload_options *options = &launch->options;
	json_t *limit;
	size_t i;

	json_array_foreach (json_object_get(launch->defined, "ulimits"), i, limit)
		for (size_t k = 0; k < COUNT(known) && options->limit_count < LIMITS_MAX; k++)
			if (is_text(limit, "name", known[k].name))
				launch->limits[options->limit_count++] = (struct workload_limit){
					known[k].resource, number_of(limit, "softLimit", -1),
					number_of(limit, "hardLimit", -1)
				};
	options->limits = launch->limits;
}

static uint64_t amount(const json_t *object, const char *member)
{
	uint64_t value = 0;

	if (json_is_integer(json_object_get(object, member)))
		return (uint64_t)number_of(object, member, 0);
	return bytes_to_u64(bytes_of(text_of(object, member)), INT32_MAX, &value) ? 0 : value;
}

static void add_sizes(struct launch *launch)
{
	struct workload_options *options = &launch->options;
	uint64_t memory = amount(launch->container, "memory");
	uint64_t cpu = amount(launch->container, "cpu");

	if (!memory)
		memory = amount(launch->task, "memory");
	if (!cpu)
		cpu = amount(launch->task, "cpu");
	options->memory_bytes = memory * MIB;
	options->cpu_units = (uint32_t)cpu;
	options->processes_max = PROCESSES_MAX;
	options->stop_ms = json_object_get(launch->defined, "stopTimeout")
				   ? (uint32_t)number_of(launch->defined, "stopTimeout", 0) * 1000
				   : STOP_MS;
}

/* "1000", "1000:1000" or a name of this machine. */
static err_t add_user(struct launch *launch)
{
	const char *user = text_of(launch->defined, "user");
	struct workload_options *options = &launch->options;
	const struct passwd *entry;
	char name[64];

	if (!user[0])
		return ERR_OK;
	options->has_user = true;
	if (sscanf(user, "%u:%u", &options->uid, &options->gid) == 2)
		return ERR_OK;
	snprintf(name, sizeof name, "%.63s", user);
	name[strcspn(name, ":")] = '\0';
	if (sscanf(user, "%u", &options->uid) == 1) {
		options->gid = options->uid;
		return ERR_OK;
	}
	entry = getpwnam(name);
	if (!entry) {
		text_printf(launch->why,
			    "CannotStartContainerError: unable to find user %s on this machine",
			    name);
		return ERR_INVALID;
	}
	options->uid = entry->pw_uid;
	options->gid = entry->pw_gid;
	return ERR_OK;
}

/* ---- All of it ---- */

static err_t prepare(struct launch *launch)
{
	const char *directory = text_of(launch->defined, "workingDirectory");

	TRY(add_ours(launch));
	TRY(add_given(launch, json_object_get(launch->defined, "environment")));
	TRY(add_given(launch, json_object_get(launch->override, "environment")));
	TRY(add_secrets(launch));
	TRY(make_arguments(launch));
	TRY(make_variables(launch));
	TRY(add_user(launch));
	add_limits(launch);
	add_sizes(launch);
	launch->options.loop = launch->run->ecs->options.loop;
	launch->options.keeper = launch->run->ecs->keeper;
	launch->options.folder = launch->folder;
	launch->options.program = launch->program.path;
	launch->options.arguments = launch->arguments;
	launch->options.environment = launch->variables;
	launch->options.directory = directory[0]		   ? directory
				    : launch->program.directory[0] ? launch->program.directory
								   : launch->folder;
	return ERR_OK;
}

static const struct workload_events events = { launch_on_ended };

static err_t start(struct launch *launch, struct run_container *container)
{
	err_t err = workload_start(&launch->options, &events, container, &container->workload);

	/* It runs already: we were killed between its start and the note of it. */
	if (err == ERR_EXISTS)
		err = workload_adopt(launch->options.loop, launch->folder, &events, container,
				     &container->workload);
	if (err && err != ERR_NOMEM) {
		text_printf(launch->why, "CannotStartContainerError: %s cannot be started: %s",
			    launch->program.path, err_words(err));
		err = ERR_INVALID;
	}
	return err;
}

static void launch_init(struct launch *launch, struct run *run, const json_t *task,
			const json_t *definition, unsigned index, struct text *why)
{
	*launch = (struct launch){ .run = run, .task = task, .why = why };
	launch->container = json_array_get(json_object_get(task, "containers"), index);
	launch->defined = json_array_get(json_object_get(definition, "containerDefinitions"),
					 index);
	launch->override = override_of(task, text_of(launch->container, "name"));
	launch->environment = json_object();
	arena_init(&launch->arena, LAUNCH_BYTES);
	run_folder(run->ecs, run->id, text_of(launch->container, "name"), launch->folder);
}

static void launch_fini(struct launch *launch)
{
	json_decref(launch->environment);
	arena_fini(&launch->arena);
}

err_t launch_container(struct run *run, const json_t *task, const json_t *definition,
		       unsigned index, struct text *why)
{
	struct launch launch;
	err_t err;

	launch_init(&launch, run, task, definition, index, why);
	err = launch.environment ? prepare(&launch) : ERR_NOMEM;
	if (!err)
		err = start(&launch, &run->containers[index]);
	launch_fini(&launch);
	return err;
}

/* A health check is one more program in the container's surroundings: CMD words, CMD-SHELL line. */
err_t launch_check(struct run *run, const json_t *task, const json_t *definition, unsigned index,
		   const struct workload_events *on, struct workload **ret_workload)
{
	static char shell[] = "/bin/sh", flag[] = "-c";
	struct text why = TEXT_INIT(4096);
	struct launch launch;
	const json_t *command;
	char *arguments[66] = { NULL };
	size_t count, words = 0;
	err_t err;

	launch_init(&launch, run, task, definition, index, &why);
	command = json_object_get(json_object_get(launch.defined, "healthCheck"), "command");
	count = json_array_size(command);
	err = launch.environment ? prepare(&launch) : ERR_NOMEM;
	if (!err && is_shell_check(command)) {
		arguments[words++] = shell;
		arguments[words++] = flag;
	}
	for (size_t i = 1; !err && i < count && words < COUNT(arguments) - 1; i++)
		arguments[words++] = arena_string(
			&launch.arena, bytes_of(json_string_value(json_array_get(command, i))));
	if (!err) {
		size_t len = strlen(launch.folder);

		snprintf(launch.folder + len, sizeof launch.folder - len, ".check");
		launch.options.program = arguments[0];
		launch.options.arguments = arguments;
		launch.options.memory_bytes = 0;
		err = workload_start(&launch.options, on, &run->containers[index], ret_workload);
	}
	launch_fini(&launch);
	text_fini(&why);
	return err;
}
