/*
 * launch: from a container's definition to a program with its arguments, environment and limits.
 */
#include "services/ecs/launch_internal.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "engine/kept.h"
#include "engine/program.h"

enum {
	LAUNCH_BYTES = 2 * 1024 * 1024,
	STOP_MS = 30 * 1000, /* stopTimeout's default */
};

/* A program of this machine. */
struct local {
	struct launch *launch;
	struct program program;
	char **arguments;
	struct kept_options options;
};

static json_t *override_of(const json_t *task, const char *name)
{
	return find_in(json_object_get(json_object_get(task, "overrides"), "containerOverrides"),
		       "name", name);
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

const char *launch_api_url(const struct launch *launch)
{
	const struct ecs *ecs = launch->run->ecs;

	/* Who shares a node's network is on this machine only where there is no other. */
	if (is_remote(launch->task))
		return ecs->container_url;
	return is_boxed(launch->container) && !is_text(launch->task, "_mode", "host")
		       ? ecs->container_url
		       : ecs->api_url;
}

/* What a container finds itself in, whatever runs it; the user's own words win over all of it. */
err_t launch_common(struct launch *launch)
{
	const struct ecs *ecs = launch->run->ecs;
	json_t *environment = launch->environment;
	bool fargate = is_text(launch->task, "launchType", "FARGATE");
	const char *url = launch_api_url(launch);
	char text[4200];

	TRY(put_text(environment, "AWS_REGION", ecs->options.region));
	TRY(put_text(environment, "AWS_DEFAULT_REGION", ecs->options.region));
	TRY(put_text(environment, "AWS_EXECUTION_ENV",
		     fargate ? "AWS_ECS_FARGATE" : "AWS_ECS_EC2"));
	if (!url)
		return ERR_OK;
	TRY(put_text(environment, "AWS_ENDPOINT_URL", url));
	if (credentials_role(launch->task, launch->run->definition)) {
		snprintf(text, sizeof text, "%.200s/_weir/credentials/%s",
			 url == ecs->container_url && ecs->keys_url ? ecs->keys_url : url,
			 launch->run->id);
		TRY(put_text(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI", text));
		TRY(put_text(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN",
			     text_of(launch->task, "_keys_token")));
	}
	snprintf(
		text, sizeof text, "%.200s/_weir/tasks/%s-%u", url, text_of(launch->task, "_token"),
		(unsigned)(json_array_size(json_object_get(launch->task, "containers")) > 1
				   ? strtoul(strrchr(text_of(launch->container, "runtimeId"), '-') +
						     1,
					     NULL, 10)
				   : 0));
	return put_text(environment, "ECS_CONTAINER_METADATA_URI_V4", text);
}

/* Of a program of this machine: it shares the machine's addresses, so it is told which is its. */
static err_t add_local(struct launch *launch)
{
	json_t *environment = launch->environment;
	json_t *binding = json_array_get(place_ports_of(launch->container), 0);
	char text[16];

	if (!launch->image) {
		TRY(put_text(environment, "PATH",
			     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
		TRY(put_text(environment, "HOME", launch->folder));
	}
	TRY(put_text(environment, "HOST", text_of(launch->task, "_address")));
	if (!binding)
		return ERR_OK;
	snprintf(text, sizeof text, "%lld", (long long)number_of(binding, "hostPort", 0));
	return put_text(environment, "PORT", text);
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

err_t launch_environment(struct launch *launch, err_t (*add_ours)(struct launch *launch))
{
	if (launch->image)
		TRY(launch_oci_environment(launch));
	TRY(launch_common(launch));
	TRY(add_ours(launch));
	TRY(add_given(launch, json_object_get(launch->defined, "environment")));
	TRY(add_given(launch, json_object_get(launch->override, "environment")));
	TRY(launch_secrets(launch));
	return make_variables(launch);
}

/* ---- The program and its words ---- */

err_t launch_words(struct launch *launch, const json_t *list, char ***ret_words)
{
	size_t count = json_array_size(list);
	char **words = arena_array(&launch->arena, count + 1, sizeof(char *));

	if (!words)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		words[i] = arena_string(&launch->arena,
					bytes_of(json_string_value(json_array_get(list, i))));
		if (!words[i])
			return ERR_NOMEM;
	}
	*ret_words = words;
	return ERR_OK;
}

const json_t *launch_command(const struct launch *launch)
{
	const json_t *command = json_object_get(launch->override, "command");

	return json_array_size(command) ? command : json_object_get(launch->defined, "command");
}

static err_t find_program(struct local *local, json_t *words)
{
	struct launch *launch = local->launch;
	struct text why = TEXT_INIT(8192);
	const char *first = json_string_value(json_array_get(words, 0));
	err_t err;

	local->program.takes_first = true;
	if (launch->image)
		return launch_oci_program(launch, first, local->program.path);
	err = program_find(launch->run->ecs->options.programs, text_of(launch->defined, "image"),
			   first, &local->program, &why);

	if (err)
		text_printf(launch->why, "CannotPullContainerError: %s", text_str(&why));
	text_fini(&why);
	return err ? ERR_INVALID : ERR_OK;
}

/* argv: the program's path, then the words that did not name it. */
static err_t copy_words(struct local *local, json_t *words)
{
	TRY(find_program(local, words));
	if (!local->program.takes_first && json_array_insert_new(words, 0, json_string("")))
		return ERR_NOMEM;
	TRY(launch_words(local->launch, words, &local->arguments));
	local->arguments[0] = local->program.path;
	return ERR_OK;
}

static err_t add_defined_words(struct launch *launch, json_t *words)
{
	const json_t *command = launch_command(launch);

	json_array_extend(words, json_object_get(launch->defined, "entryPoint"));
	return command && json_array_extend(words, (json_t *)command) ? ERR_NOMEM : ERR_OK;
}

static err_t make_arguments(struct local *local)
{
	json_t *words = json_array();
	err_t err = words ? ERR_OK : ERR_NOMEM;

	if (!err && local->launch->image)
		err = launch_oci_words(local->launch, words);
	else if (!err)
		err = add_defined_words(local->launch, words);
	if (!err)
		err = copy_words(local, words);
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
	json_t *limit;
	size_t i;

	json_array_foreach (json_object_get(launch->defined, "ulimits"), i, limit)
		for (size_t k = 0; k < COUNT(known) && launch->limit_count < LAUNCH_LIMITS_MAX; k++)
			if (is_text(limit, "name", known[k].name))
				launch->limits[launch->limit_count++] = (struct workload_limit){
					known[k].resource, number_of(limit, "softLimit", -1),
					number_of(limit, "hardLimit", -1)
				};
}

static uint64_t amount(const json_t *object, const char *member)
{
	uint64_t value = 0;

	if (json_is_integer(json_object_get(object, member)))
		return (uint64_t)number_of(object, member, 0);
	return bytes_to_u64(bytes_of(text_of(object, member)), INT32_MAX, &value) ? 0 : value;
}

void launch_sizes(struct launch *launch)
{
	uint64_t memory = amount(launch->container, "memory");
	uint64_t cpu = amount(launch->container, "cpu");

	if (!memory)
		memory = amount(launch->task, "memory");
	if (!cpu)
		cpu = amount(launch->task, "cpu");
	launch->memory_bytes = memory * LAUNCH_MIB;
	launch->cpu_units = (uint32_t)cpu;
	launch->stop_ms = json_object_get(launch->defined, "stopTimeout")
				  ? (uint32_t)number_of(launch->defined, "stopTimeout", 0) * 1000
				  : STOP_MS;
	add_limits(launch);
}

/* "1000", "1000:1000" or a name of this machine. */
static err_t add_user(struct local *local)
{
	const char *user = text_of(local->launch->defined, "user");
	struct kept_options *options = &local->options;
	const struct passwd *entry;
	char name[64];

	if (!user[0] && local->launch->image && geteuid() == 0)
		user = text_of(local->launch->image_config, "User");
	if (!user[0])
		return ERR_OK;
	options->has_user = true;
	if (local->launch->image)
		return launch_oci_user(local->launch, user, &options->uid, &options->gid);
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
		text_printf(local->launch->why,
			    "CannotStartContainerError: unable to find user %s on this machine",
			    name);
		return ERR_INVALID;
	}
	options->uid = entry->pw_uid;
	options->gid = entry->pw_gid;
	return ERR_OK;
}

/* ---- All of it ---- */

static err_t prepare(struct local *local)
{
	struct launch *launch = local->launch;
	const char *directory = text_of(launch->defined, "workingDirectory");

	TRY(launch_environment(launch, add_local));
	TRY(make_arguments(local));
	TRY(add_user(local));
	launch_sizes(launch);
	local->options.loop = launch->run->ecs->options.loop;
	local->options.keeper = launch->run->ecs->keeper;
	local->options.folder = launch->folder;
	local->options.program = local->program.path;
	local->options.arguments = local->arguments;
	local->options.environment = launch->variables;
	if (launch->image) {
		local->options.root = launch->image->files.root;
		if (!directory[0])
			directory = text_of(launch->image_config, "WorkingDir");
		if (!directory[0])
			directory = "/";
	}
	local->options.directory = directory[0]			 ? directory
				   : local->program.directory[0] ? local->program.directory
								 : launch->folder;
	local->options.memory_bytes = launch->memory_bytes;
	local->options.cpu_units = launch->cpu_units;
	local->options.processes_max = LAUNCH_PROCESSES_MAX;
	local->options.limits = launch->limits;
	local->options.limit_count = launch->limit_count;
	local->options.stop_ms = launch->stop_ms;
	return ERR_OK;
}

static err_t start(struct local *local, struct run_container *container)
{
	struct launch *launch = local->launch;
	err_t err = kept_start(&local->options, &launch_events, container, &container->workload);

	/* It runs already: we were killed between its start and the note of it. */
	if (err == ERR_EXISTS)
		err = kept_adopt(local->options.loop, launch->folder, &launch_events, container,
				 &container->workload);
	if (err && err != ERR_NOMEM) {
		text_printf(launch->why, "CannotStartContainerError: %s cannot be started: %s",
			    local->program.path, err_words(err));
		err = ERR_INVALID;
	}
	return err;
}

static err_t launch_locally(struct launch *launch, struct run_container *container)
{
	struct local local = { .launch = launch };

	TRY(launch_oci_begin(launch, container));
	TRY(prepare(&local));
	return start(&local, container);
}

void launch_init(struct launch *launch, struct run *run, const json_t *task,
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

void launch_fini(struct launch *launch)
{
	json_decref(launch->environment);
	json_decref(launch->image_config);
	arena_fini(&launch->arena);
}

bool is_boxed(const json_t *container)
{
	return is_text(container, "_engine", "docker") || is_text(container, "_engine", "swarm");
}

bool launch_is_ready(struct run *run, const json_t *task, unsigned index)
{
	const json_t *container = json_array_get(json_object_get(task, "containers"), index);

	if (!images_is_ready(run, index, text_of(container, "image")))
		return false;

	if (!run->ecs->docker || run->ecs->network_known || !is_boxed(container) ||
	    (!is_remote(task) &&
	     (is_text(task, "_mode", "host") || is_text(task, "_mode", "none"))))
		return true;
	docker_open_network(run->ecs->docker);
	return false;
}

err_t launch_container(struct run *run, const json_t *task, const json_t *definition,
		       unsigned index, struct text *why)
{
	struct run_container *container = &run->containers[index];
	struct launch launch;
	err_t err;

	launch_init(&launch, run, task, definition, index, why);
	err = launch.environment ? credentials_begin(run, task, definition, why) : ERR_NOMEM;
	if (!err)
		err = is_boxed(launch.container) ? launch_in_docker(&launch, container)
						 : launch_locally(&launch, container);
	launch_fini(&launch);
	return err;
}

static err_t adopt_in_docker(struct run *run, unsigned index, const json_t *record,
			     uint32_t stop_ms, const char *folder)
{
	struct run_container *container = &run->containers[index];
	char id[DOCKER_NAME_BYTES];
	err_t err;

	if (!run->ecs->docker || is_text(record, "_engine", "swarm") !=
					 (strcmp(run->ecs->options.engine, "swarm") == 0)) {
		log_warn("ecs", "task %s: container %s runs with %s, which --engine excludes",
			 run->id, text_of(record, "name"), text_of(record, "_engine"));
		return ERR_NOT_FOUND;
	}
	docker_name(run, record, id);
	docker_open_network(run->ecs->docker); /* through which it asks us, as it was told */
	err = docker_adopt(run->ecs->docker, id, folder, stop_ms, &launch_events, container,
			   &container->workload);
	container->starting = !err;
	return err;
}

err_t launch_adopt(struct run *run, const json_t *task, const json_t *definition, unsigned index)
{
	struct run_container *container = &run->containers[index];
	struct text why = TEXT_INIT(64);
	struct launch launch;
	err_t err;

	launch_init(&launch, run, task, definition, index, &why);
	launch_sizes(&launch);
	if (is_boxed(launch.container))
		err = adopt_in_docker(run, index, launch.container, launch.stop_ms, launch.folder);
	else
		err = kept_adopt(run->ecs->options.loop, launch.folder, &launch_events, container,
				 &container->workload);
	launch_fini(&launch);
	text_fini(&why);
	return err;
}

/* A health check is one more program in the container's surroundings: CMD words, CMD-SHELL line. */
static err_t start_check(struct launch *launch, struct run_container *container,
			 const struct workload_events *on, struct workload **ret_workload)
{
	static char shell[] = "/bin/sh", flag[] = "-c";
	const json_t *command = json_object_get(json_object_get(launch->defined, "healthCheck"),
						"command");
	struct local local = { .launch = launch };
	char *arguments[66] = { NULL }, program[PATH_MAX], **words;
	size_t count = 0, len = strlen(launch->folder);

	TRY(launch_oci_begin(launch, container));
	TRY(prepare(&local));
	TRY(launch_words(launch, command, &words));
	if (is_shell_check(command)) {
		arguments[count++] = shell;
		arguments[count++] = flag;
	} else if (launch->image) {
		TRY(launch_oci_program(launch, words[1], program));
		words[1] = program;
	}
	for (size_t i = 1; words[i] && count < COUNT(arguments) - 1; i++)
		arguments[count++] = words[i];
	snprintf(launch->folder + len, sizeof launch->folder - len, ".check");
	local.options.program = arguments[0];
	local.options.arguments = arguments;
	local.options.memory_bytes = 0;
	return kept_start(&local.options, on, container, ret_workload);
}

err_t launch_check(struct run *run, const json_t *task, const json_t *definition, unsigned index,
		   const struct workload_events *on, struct workload **ret_workload)
{
	struct text why = TEXT_INIT(4096);
	struct launch launch;
	err_t err;

	launch_init(&launch, run, task, definition, index, &why);
	err = launch.environment ? start_check(&launch, &run->containers[index], on, ret_workload)
				 : ERR_NOMEM;
	launch_fini(&launch);
	text_fini(&why);
	return err;
}
