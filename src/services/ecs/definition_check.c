/*
 * definition_check: a task definition as RegisterTaskDefinition gets it, against AWS's rules and
 * against what a program can be given: what would not act is refused, and said.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

enum { CONTAINER_NAME_MAX = 255, IMAGE_MAX = 255, STOP_TIMEOUT_MAX = 120 };

/* ---- What does not act ---- */

/* Members that only do something inside a container, by whether an empty value is harmless. */
static const char *const refused_members[] = {
	"repositoryCredentials", "links",	   "restartPolicy",	   "environmentFiles",
	"mountPoints",		 "volumesFrom",	   "disableNetworking",	   "interactive",
	"pseudoTerminal",	 "dnsServers",	   "dnsSearchDomains",	   "extraHosts",
	"dockerSecurityOptions", "systemControls", "resourceRequirements", "firelensConfiguration",
	"credentialSpecs",	 "startTimeout",
};
/* What a container has and a program of this machine has not. */
static const char *const boxed_members[] = { "hostname", "privileged", "readonlyRootFilesystem" };
static const char *const refused_settings[] = {
	"volumes", "proxyConfiguration",  "inferenceAccelerators", "pidMode",
	"ipcMode", "placementConstraints"
};

static bool says_something(const json_t *value)
{
	if (json_is_array(value) || json_is_object(value))
		return json_is_array(value) ? json_array_size(value) : json_object_size(value);
	return value && !json_is_false(value) && !json_is_null(value);
}

static err_t refuse(struct api_call *call, const json_t *object, const char *const *names,
		    size_t count, const char *where)
{
	for (size_t i = 0; i < count; i++)
		if (says_something(json_object_get(object, names[i])))
			return ecs_client(call,
					  "%s: '%s' is not supported here (docs/ecs.md says what "
					  "is).",
					  where, names[i]);
	return ERR_OK;
}

static err_t refuse_linux(struct api_call *call, const json_t *container, const char *where)
{
	static const char *const names[] = { "capabilities", "devices", "sharedMemorySize",
					     "tmpfs",	     "maxSwap", "swappiness" };

	return refuse(call, json_object_get(container, "linuxParameters"), names, COUNT(names),
		      where);
}

/* ---- Ports ---- */

static err_t check_port(struct api_call *call, json_t *mapping, const char *mode, const char *name)
{
	int64_t container = number_of(mapping, "containerPort", 0);
	int64_t host = number_of(mapping, "hostPort", 0);
	bool own_address = strcmp(mode, "awsvpc") == 0 || strcmp(mode, "host") == 0;

	if (json_object_get(mapping, "containerPortRange"))
		return ecs_client(call, "Container '%s': port ranges are not supported.", name);
	if (container < 1 || container > 65535 || host < 0 || host > 65535)
		return ecs_client(call, "Container '%s': Port numbers must be between 1 and 65535.",
				  name);
	if (is_text(mapping, "protocol", "udp"))
		return ecs_client(call, "Container '%s': only TCP ports are supported.", name);
	if (own_address && host && host != container)
		return ecs_client(call,
				  "When networkMode=%s, the host ports and container ports in "
				  "port mappings must match.",
				  mode);
	TRY(put_number(mapping, "hostPort", own_address ? (uint64_t)container : (uint64_t)host));
	return put_text(mapping, "protocol", "tcp");
}

static err_t check_ports(struct api_call *call, json_t *container, const char *mode)
{
	json_t *mapping;
	size_t i;

	json_array_foreach (json_object_get(container, "portMappings"), i, mapping)
		TRY(check_port(call, mapping, mode, text_of(container, "name")));
	return ERR_OK;
}

/* ---- Logs, health, limits, secrets ---- */

static err_t check_logs(struct api_call *call, const json_t *container)
{
	static const char *const known[] = {
		"awslogs-group",	"awslogs-region", "awslogs-stream-prefix",
		"awslogs-create-group", "mode",		  "max-buffer-size"
	};
	const json_t *logs = json_object_get(container, "logConfiguration"), *value;
	const json_t *options = json_object_get(logs, "options");
	const char *name = text_of(container, "name"), *key;

	if (!logs)
		return ERR_OK;
	if (!is_text(logs, "logDriver", "awslogs"))
		return ecs_client(call,
				  "Container '%s': the log driver '%s' is not supported; "
				  "'awslogs' is.",
				  name, text_of(logs, "logDriver"));
	if (!text_of(options, "awslogs-group")[0])
		return ecs_client(call,
				  "Log driver awslogs requires options: awslogs-group "
				  "(container '%s')",
				  name);
	json_object_foreach ((json_t *)options, key, value) {
		bool found = false;

		for (size_t i = 0; i < COUNT(known); i++)
			found |= strcmp(known[i], key) == 0;
		if (!found)
			return ecs_client(call,
					  "Container '%s': unknown option '%s' of the log driver "
					  "awslogs.",
					  name, key);
	}
	return ERR_OK;
}

struct range {
	const char *name;
	int64_t min, max, fallback;
};

static err_t check_health(struct api_call *call, json_t *container)
{
	static const struct range ranges[] = { { "interval", 5, 300, 30 },
					       { "timeout", 2, 60, 5 },
					       { "retries", 1, 10, 3 },
					       { "startPeriod", 0, 300, 0 } };
	json_t *check = json_object_get(container, "healthCheck");
	json_t *command = json_object_get(check, "command");
	const char *first = json_string_value(json_array_get(command, 0));
	const char *name = text_of(container, "name");

	if (!check)
		return ERR_OK;
	if (!first || (strcmp(first, "CMD") != 0 && strcmp(first, "CMD-SHELL") != 0 &&
		       strcmp(first, "NONE") != 0))
		return ecs_client(call,
				  "Container '%s': healthCheck.command must begin with CMD, "
				  "CMD-SHELL or NONE.",
				  name);
	if (strcmp(first, "NONE") != 0 && json_array_size(command) < 2)
		return ecs_client(call, "Container '%s': healthCheck.command has no command.",
				  name);
	for (size_t i = 0; i < COUNT(ranges); i++) {
		int64_t value = number_of(check, ranges[i].name, ranges[i].fallback);

		if (value < ranges[i].min || value > ranges[i].max)
			return ecs_client(call,
					  "Container '%s': healthCheck.%s must be between %lld and "
					  "%lld.",
					  name, ranges[i].name, (long long)ranges[i].min,
					  (long long)ranges[i].max);
		if (ranges[i].fallback)
			TRY(put_number(check, ranges[i].name, (uint64_t)value));
	}
	return ERR_OK;
}

static err_t check_secrets(struct api_call *call, const json_t *container)
{
	json_t *secret;
	size_t i;

	json_array_foreach (json_object_get(container, "secrets"), i, secret)
		if (!text_of(secret, "name")[0] || !text_of(secret, "valueFrom")[0])
			return ecs_client(call,
					  "Container '%s': a secret needs a name and valueFrom.",
					  text_of(container, "name"));
	return ERR_OK;
}

/* ---- One container ---- */

static err_t check_memory(struct api_call *call, const json_t *container, bool of_task)
{
	int64_t hard = number_of(container, "memory", 0);
	int64_t soft = number_of(container, "memoryReservation", 0);
	const char *name = text_of(container, "name");

	if (!hard && !soft && !of_task)
		return ecs_client(call,
				  "Invalid setting for container '%s'. At least one of 'memory' or "
				  "'memoryReservation' must be specified.",
				  name);
	if ((json_object_get(container, "memory") && hard < 6) ||
	    (json_object_get(container, "memoryReservation") && soft < 6))
		return ecs_client(
			call, "Invalid 'memory' setting for container '%s': 6 MiB at least.", name);
	if (hard && soft > hard)
		return ecs_client(call,
				  "Invalid 'memoryReservation' setting for container '%s': it is "
				  "more than 'memory'.",
				  name);
	return ERR_OK;
}

static err_t complete_container(json_t *container)
{
	static const char *const lists[] = { "portMappings", "environment",    "mountPoints",
					     "volumesFrom",  "systemControls", NULL };

	if (!json_object_get(container, "essential"))
		TRY(put_true(container, "essential"));
	if (!json_object_get(container, "cpu"))
		TRY(put_number(container, "cpu", 0));
	return put_empty_lists(container, lists);
}

static err_t check_container(struct api_call *call, json_t *container, const char *mode,
			     bool has_memory)
{
	const char *name = text_of(container, "name"), *image = text_of(container, "image");
	char where[320];

	if (!name[0])
		return ecs_client(call, "Container.name should not be null or empty.");
	if (!name_is_valid(name, CONTAINER_NAME_MAX))
		return ecs_client(call,
				  "Invalid container name '%.300s': 1 to 255 letters, digits, "
				  "hyphens and underscores.",
				  name);
	if (!image[0])
		return ecs_client(call, "Container.image should not be null or empty.");
	if (strlen(image) > IMAGE_MAX && strncmp(image, "file:", 5) != 0)
		return ecs_client(call, "Container.image contains invalid characters.");
	snprintf(where, sizeof where, "Container '%s'", name);
	TRY(refuse(call, container, refused_members, COUNT(refused_members), where));
	if (strcmp(ecs_engine_of(ecs_of(call), image), "process") == 0)
		TRY(refuse(call, container, boxed_members, COUNT(boxed_members), where));
	if (strcmp(mode, "awsvpc") == 0 && says_something(json_object_get(container, "hostname")))
		return ecs_client(call, "The hostname parameter is not supported when the network "
					"mode is awsvpc.");
	TRY(refuse_linux(call, container, where));
	if (number_of(container, "stopTimeout", 0) < 0 ||
	    number_of(container, "stopTimeout", 0) > STOP_TIMEOUT_MAX)
		return ecs_client(call, "%s: stopTimeout must be between 0 and %d.", where,
				  STOP_TIMEOUT_MAX);
	TRY(check_memory(call, container, has_memory));
	TRY(check_ports(call, container, mode));
	TRY(check_logs(call, container));
	TRY(check_health(call, container));
	TRY(check_secrets(call, container));
	return complete_container(container);
}

/* ---- Containers together ---- */

static err_t check_dependencies(struct api_call *call, const json_t *containers,
				const json_t *container)
{
	static const char *const conditions[] = { "START", "COMPLETE", "SUCCESS", "HEALTHY" };
	const char *name = text_of(container, "name");
	json_t *dependency, *other;
	size_t i;

	json_array_foreach (json_object_get(container, "dependsOn"), i, dependency) {
		const char *condition = text_of(dependency, "condition");
		bool known = false;

		other = find_in(containers, "name", text_of(dependency, "containerName"));
		for (size_t k = 0; k < COUNT(conditions); k++)
			known |= strcmp(conditions[k], condition) == 0;
		if (!other || other == container || !known)
			return ecs_client(call,
					  "Invalid 'dependsOn' setting for container '%s': '%s' "
					  "'%s'.",
					  name, text_of(dependency, "containerName"), condition);
		if (strcmp(condition, "HEALTHY") == 0 && !json_object_get(other, "healthCheck"))
			return ecs_client(call,
					  "Container '%s' depends on '%s' being HEALTHY, which has "
					  "no healthCheck.",
					  name, text_of(other, "name"));
	}
	return ERR_OK;
}

/* Takes away who needs nobody that is left, until nobody is; who stays waits for himself. */
static bool has_cycle(const json_t *containers)
{
	size_t count = json_array_size(containers), gone = 0, k;
	bool taken[LIFECYCLE_CONTAINERS_MAX] = { false }, moved = true;
	json_t *dependency;

	while (moved && gone < count) {
		moved = false;
		for (size_t i = 0; i < count; i++) {
			bool waits = false;

			json_array_foreach (
				json_object_get(json_array_get(containers, i), "dependsOn"), k,
				dependency)
				for (size_t n = 0; n < count; n++)
					waits |= !taken[n] &&
						 is_text(json_array_get(containers, n), "name",
							 text_of(dependency, "containerName"));
			if (taken[i] || waits)
				continue;
			taken[i] = moved = true;
			gone++;
		}
	}
	return gone < count;
}

static err_t check_containers(struct api_call *call, json_t *definition, const char *mode)
{
	json_t *containers = json_object_get(definition, "containerDefinitions"), *container;
	bool has_memory = json_object_get(definition, "memory") != NULL, essential = false;
	size_t i;

	if (!json_array_size(containers))
		return ecs_client(call, "Container list cannot be empty.");
	if (json_array_size(containers) > LIFECYCLE_CONTAINERS_MAX)
		return ecs_client(call, "Too many containers: %zu; the limit is %d.",
				  json_array_size(containers), LIFECYCLE_CONTAINERS_MAX);
	json_array_foreach (containers, i, container) {
		TRY(check_container(call, container, mode, has_memory));
		essential |= is_true(container, "essential");
		if (find_in(containers, "name", text_of(container, "name")) != container)
			return ecs_client(call,
					  "The container name '%s' is used more than once in the "
					  "task definition.",
					  text_of(container, "name"));
	}
	if (!essential)
		return ecs_client(call, "At least one container must be marked as essential.");
	json_array_foreach (containers, i, container)
		TRY(check_dependencies(call, containers, container));
	if (has_cycle(containers))
		return ecs_client(call, "Invalid 'dependsOn' setting: the containers' "
					"dependencies form a cycle.");
	return ERR_OK;
}

/* What the containers of a Swarm's services have not. */
static err_t check_swarm(struct api_call *call, const json_t *definition, const char *mode)
{
	const struct ecs *ecs = ecs_of(call);
	json_t *containers = json_object_get(definition, "containerDefinitions"), *container;
	size_t i;

	json_array_foreach (containers, i, container) {
		const char *name = text_of(container, "name");

		if (strcmp(ecs_engine_of(ecs, text_of(container, "image")), "swarm") != 0)
			continue;
		if (json_array_size(containers) > 1)
			return ecs_client(call,
					  "Container '%s': containers of one task share a network, "
					  "which services of a Docker Swarm cannot: it is one "
					  "container a task there.",
					  name);
		if (is_true(container, "privileged") || strcmp(mode, "none") == 0)
			return ecs_client(call,
					  "Container '%s': a Docker Swarm has neither privileged "
					  "containers nor networkMode none.",
					  name);
	}
	return ERR_OK;
}

/* ---- Fargate ---- */

/* cpu units, and memory in MiB from, to, in steps; 256 has three values of its own. */
static const struct {
	int64_t cpu, from, to, step;
} sizes[] = {
	{ 256, 512, 512, 1024 },      { 256, 1024, 2048, 1024 },      { 512, 1024, 4096, 1024 },
	{ 1024, 2048, 8192, 1024 },   { 2048, 4096, 16384, 1024 },    { 4096, 8192, 30720, 1024 },
	{ 8192, 16384, 61440, 4096 }, { 16384, 32768, 122880, 8192 },
};

/* "256" or ".25 vCPU", "512" or "0.5 GB"; -1 when it is neither. */
static int64_t units_of(const char *text, const char *unit, int64_t factor)
{
	double value;
	char rest[16] = "";

	if (sscanf(text, "%lf %15s", &value, rest) < 1 || !(value > 0 && value <= 1e9))
		return -1; /* "nan" is neither */
	if (!rest[0])
		return (int64_t)value;
	return bytes_eq_nocase(bytes_of(rest), bytes_of(unit)) ? (int64_t)(value * (double)factor)
							       : -1;
}

static err_t check_size(struct api_call *call, json_t *definition, const char *member,
			const char *unit, int64_t *ret_units)
{
	const char *text = text_of(definition, member);
	char plain[24];

	*ret_units = 0;
	if (!text[0])
		return ERR_OK;
	*ret_units = units_of(text, unit, 1024);
	if (*ret_units <= 0)
		return ecs_client(call, "Invalid '%s' setting for task: '%s'.", member, text);
	snprintf(plain, sizeof plain, "%lld", (long long)*ret_units);
	return put_text(definition, member, plain);
}

static bool wants_fargate(const json_t *definition)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(definition, "requiresCompatibilities"), i, item)
		if (strcmp(json_string_value(item), "FARGATE") == 0)
			return true;
	return false;
}

static err_t check_fargate(struct api_call *call, const json_t *definition, const char *mode,
			   int64_t cpu, int64_t memory)
{
	if (!wants_fargate(definition))
		return ERR_OK;
	if (strcmp(mode, "awsvpc") != 0)
		return ecs_client(call, "Fargate only supports network mode 'awsvpc'.");
	if (!cpu || !memory)
		return ecs_client(call, "Fargate requires that 'cpu' and 'memory' be defined at "
					"the task level.");
	for (size_t i = 0; i < COUNT(sizes); i++)
		if (sizes[i].cpu == cpu && memory >= sizes[i].from && memory <= sizes[i].to &&
		    (memory - sizes[i].from) % sizes[i].step == 0)
			return ERR_OK;
	return ecs_client(call,
			  "No Fargate configuration exists for given values: %lld CPU, %lld "
			  "memory. See the Amazon ECS documentation for the valid values.",
			  (long long)cpu, (long long)memory);
}

err_t definition_check(struct api_call *call, json_t *definition)
{
	static const char *const modes[] = { "bridge", "host", "awsvpc", "none" };
	static const char *const lists[] = { "volumes", "placementConstraints", NULL };
	const char *mode;
	int64_t cpu, memory;
	bool known = false;

	if (!json_object_get(definition, "networkMode"))
		TRY(put_text(definition, "networkMode",
			     wants_fargate(definition) ? "awsvpc" : "bridge"));
	mode = text_of(definition, "networkMode");
	for (size_t i = 0; i < COUNT(modes); i++)
		known |= strcmp(modes[i], mode) == 0;
	if (!known)
		return ecs_client(call, "Invalid value '%s' for networkMode.", mode);
	TRY(refuse(call, definition, refused_settings, COUNT(refused_settings), "Task definition"));
	TRY(check_size(call, definition, "cpu", "vCPU", &cpu));
	TRY(check_size(call, definition, "memory", "GB", &memory));
	TRY(check_containers(call, definition, mode));
	TRY(check_swarm(call, definition, mode));
	TRY(check_fargate(call, definition, mode, cpu, memory));
	return put_empty_lists(definition, lists);
}
