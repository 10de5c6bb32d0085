/*
 * launch_docker: from a container's definition to a container of the Docker engine.
 */
#include <stdio.h>

#include "services/ecs/launch_internal.h"

enum { PORTS_MAX = 100, LABELS_MAX = 64 };

struct boxed {
	struct launch *launch;
	struct container_port ports[PORTS_MAX];
	struct container_label labels[LABELS_MAX];
	struct container_options options;
	char sharing[DOCKER_NAME_BYTES];
};

/* A Swarm's names are short, and end in a letter or digit. */
void docker_name(const struct run *run, const json_t *container, char out[DOCKER_NAME_BYTES])
{
	if (is_text(container, "_engine", "swarm"))
		snprintf(out, DOCKER_NAME_BYTES, "weir-%s-%s", run->id,
			 strrchr(text_of(container, "runtimeId"), '-') + 1);
	else
		snprintf(out, DOCKER_NAME_BYTES, "weir-%s-%.255s", run->id,
			 text_of(container, "name"));
}

/* As on AWS: in mode awsvpc a task has one network, and its containers meet on 127.0.0.1. */
bool docker_sharing(const json_t *task, char out[DOCKER_NAME_BYTES])
{
	json_t *containers = json_object_get(task, "containers"), *container;
	size_t i, count = 0;

	json_array_foreach (containers, i, container)
		count += is_text(container, "_engine", "docker");
	snprintf(out, DOCKER_NAME_BYTES, "weir-%s.net", task_id(task));
	return count > 1 && is_text(task, "_mode", "awsvpc");
}

/* In a network of its own it listens everywhere: nobody else is there. */
static err_t add_boxed(struct launch *launch)
{
	json_t *environment = launch->environment;
	json_t *binding = json_array_get(place_ports_of(launch->container), 0);
	bool shared = is_text(launch->task, "_mode", "host");
	char text[16];

	TRY(put_text(environment, "HOST",
		     shared && !is_remote(launch->task) ? text_of(launch->task, "_address")
							: "0.0.0.0"));
	if (!binding)
		return ERR_OK;
	snprintf(text, sizeof text, "%lld",
		 (long long)number_of(binding, shared ? "hostPort" : "containerPort", 0));
	return put_text(environment, "PORT", text);
}

static void add_port(struct boxed *boxed, struct container_port port)
{
	for (size_t i = 0; i < boxed->options.port_count; i++)
		if (boxed->ports[i].inside == port.inside &&
		    boxed->ports[i].outside == port.outside)
			return;
	if (boxed->options.port_count < PORTS_MAX)
		boxed->ports[boxed->options.port_count++] = port;
}

static void add_ports_of(struct boxed *boxed, const json_t *container)
{
	json_t *binding;
	size_t i;

	json_array_foreach (place_ports_of(container), i, binding)
		add_port(boxed,
			 (struct container_port){ (uint16_t)number_of(binding, "containerPort", 0),
						  (uint16_t)number_of(binding, "hostPort", 0) });
}

/* Who shares a network has all of the task's ports: the first that comes publishes them. */
static void add_ports(struct boxed *boxed)
{
	const json_t *task = boxed->launch->task;
	json_t *container;
	size_t i;

	boxed->options.ports = boxed->ports;
	if (is_text(task, "_mode", "host"))
		return;
	if (!docker_sharing(task, boxed->sharing)) {
		add_ports_of(boxed, boxed->launch->container);
		return;
	}
	boxed->options.sharing = boxed->sharing;
	json_array_foreach (json_object_get(task, "containers"), i, container)
		if (is_text(container, "_engine", "docker"))
			add_ports_of(boxed, container);
}

static void add_label(struct boxed *boxed, const char *name, const char *value)
{
	if (boxed->options.label_count < LABELS_MAX)
		boxed->labels[boxed->options.label_count++] = (struct container_label){ name,
											value };
}

/* The names that ECS gives them, and the user's own. */
static err_t add_labels(struct boxed *boxed)
{
	struct launch *launch = boxed->launch;
	const char *arn = name_in_arn(text_of(launch->task, "taskDefinitionArn")), *name;
	const char *colon = strchr(arn, ':');
	char *family = arena_string(&launch->arena,
				    bytes_make(arn, colon ? (size_t)(colon - arn) : strlen(arn)));
	json_t *value;

	if (!family)
		return ERR_NOMEM;
	add_label(boxed, "com.amazonaws.ecs.cluster",
		  name_in_arn(text_of(launch->task, "clusterArn")));
	add_label(boxed, "com.amazonaws.ecs.container-name", text_of(launch->container, "name"));
	add_label(boxed, "com.amazonaws.ecs.task-arn", text_of(launch->task, "taskArn"));
	add_label(boxed, "com.amazonaws.ecs.task-definition-family", family);
	add_label(boxed, "com.amazonaws.ecs.task-definition-version", colon ? colon + 1 : "");
	json_object_foreach (json_object_get(launch->defined, "dockerLabels"), name, value)
		add_label(boxed, name, json_string_value(value));
	boxed->options.labels = boxed->labels;
	return ERR_OK;
}

static err_t add_check(struct boxed *boxed)
{
	const json_t *check = json_object_get(boxed->launch->defined, "healthCheck");
	struct container_check *out = &boxed->options.check;
	char **test;

	if (!check)
		return ERR_OK;
	TRY(launch_words(boxed->launch, json_object_get(check, "command"), &test));
	*out = (struct container_check){
		.test = test,
		.interval_ms = (uint32_t)number_of(check, "interval", 30) * 1000,
		.timeout_ms = (uint32_t)number_of(check, "timeout", 5) * 1000,
		.start_period_ms = (uint32_t)number_of(check, "startPeriod", 0) * 1000,
		.retries = (uint32_t)number_of(check, "retries", 3),
	};
	return ERR_OK;
}

static const char *text_or_null(const json_t *object, const char *key)
{
	const char *text = text_of(object, key);

	return text[0] ? text : NULL;
}

static err_t add_words(struct boxed *boxed)
{
	struct launch *launch = boxed->launch;
	const json_t *entry = json_object_get(launch->defined, "entryPoint");
	const json_t *command = launch_command(launch);
	char **words;

	if (json_array_size(entry)) {
		TRY(launch_words(launch, entry, &words));
		boxed->options.entrypoint = words;
	}
	if (json_array_size(command)) {
		TRY(launch_words(launch, command, &words));
		boxed->options.command = words;
	}
	return ERR_OK;
}

/* A task's size is a limit on Fargate; a container's cpu is a weight, as with EC2. */
static void add_sizes(struct boxed *boxed)
{
	struct launch *launch = boxed->launch;
	uint64_t cpu = 0;

	launch_sizes(launch);
	boxed->options.memory_bytes = launch->memory_bytes;
	boxed->options.memory_reserved_bytes =
		(uint64_t)number_of(launch->defined, "memoryReservation", 0) * LAUNCH_MIB;
	boxed->options.cpu_units = launch->cpu_units;
	if (!bytes_to_u64(bytes_of(text_of(launch->task, "cpu")), INT32_MAX, &cpu))
		boxed->options.cpu_limit = (uint32_t)cpu;
	boxed->options.processes_max = LAUNCH_PROCESSES_MAX;
	boxed->options.limits = launch->limits;
	boxed->options.limit_count = launch->limit_count;
	boxed->options.stop_ms = launch->stop_ms;
}

static err_t fill(struct boxed *boxed)
{
	struct launch *launch = boxed->launch;
	const json_t *defined = launch->defined;
	const char *mode = text_of(launch->task, "_mode");
	char **words;

	TRY(launch_environment(launch, add_boxed));
	TRY(add_words(boxed));
	TRY(add_labels(boxed));
	TRY(add_check(boxed));
	add_ports(boxed);
	add_sizes(boxed);
	TRY(launch_words(launch, json_object_get(launch->task, "_constraints"), &words));
	boxed->options.constraints = words;
	boxed->options.image = text_of(defined, "image");
	boxed->options.folder = launch->folder;
	boxed->options.environment = launch->variables;
	boxed->options.user = text_or_null(defined, "user");
	boxed->options.directory = text_or_null(defined, "workingDirectory");
	boxed->options.network = strcmp(mode, "host") == 0 || strcmp(mode, "none") == 0 ? mode
											: "bridge";
	boxed->options.address = text_of(launch->task, "_address");
	boxed->options.hostname = text_or_null(defined, "hostname");
	boxed->options.read_only = is_true(defined, "readonlyRootFilesystem");
	boxed->options.privileged = is_true(defined, "privileged");
	boxed->options.init = is_true(json_object_get(defined, "linuxParameters"),
				      "initProcessEnabled");
	return ERR_OK;
}

err_t launch_in_docker(struct launch *launch, struct run_container *container)
{
	struct ecs *ecs = launch->run->ecs;
	struct boxed boxed = { .launch = launch };
	char name[DOCKER_NAME_BYTES];
	err_t err;

	if (!ecs->docker) {
		text_printf(launch->why,
			    "CannotPullContainerError: '%.200s' is a container image, and Weir "
			    "was started with --engine process",
			    text_of(launch->defined, "image"));
		return ERR_INVALID;
	}
	TRY(fill(&boxed));
	if (is_remote(launch->task) && launch->run->container_count > 1) {
		text_printf(
			launch->why,
			"CannotCreateContainerError: a task's containers share a network, which "
			"services of a Docker Swarm cannot: one container a task, there");
		return ERR_INVALID;
	}
	docker_name(launch->run, launch->container, name);
	boxed.options.name = name;
	err = docker_start(ecs->docker, &boxed.options, &launch_events, container,
			   &container->workload);
	container->starting = !err;
	return err;
}
