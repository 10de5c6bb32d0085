#include "engine/docker_json_internal.h"

#include <stdio.h>
#include <sys/resource.h>

enum { CPU_SHARES_MIN = 2 }; /* the kernel's; and what ECS gives who names less */

/* ---- Asking ---- */

json_t *docker_words(char *const *words)
{
	json_t *list = json_array();

	for (; words && *words; words++)
		json_array_append_new(list, json_string(*words));
	return list;
}

static const char *limit_name(int resource)
{
	static const struct {
		int resource;
		const char *name;
	} names[] = {
		{ RLIMIT_CORE, "core" },	 { RLIMIT_CPU, "cpu" },
		{ RLIMIT_DATA, "data" },	 { RLIMIT_FSIZE, "fsize" },
		{ RLIMIT_LOCKS, "locks" },	 { RLIMIT_MEMLOCK, "memlock" },
		{ RLIMIT_MSGQUEUE, "msgqueue" }, { RLIMIT_NICE, "nice" },
		{ RLIMIT_NOFILE, "nofile" },	 { RLIMIT_NPROC, "nproc" },
		{ RLIMIT_RSS, "rss" },		 { RLIMIT_RTPRIO, "rtprio" },
		{ RLIMIT_RTTIME, "rttime" },	 { RLIMIT_SIGPENDING, "sigpending" },
		{ RLIMIT_STACK, "stack" },
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (names[i].resource == resource)
			return names[i].name;
	return NULL;
}

json_t *docker_limits(const struct container_options *options)
{
	json_t *list = json_array();

	for (size_t i = 0; i < options->limit_count; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "Name",
						      limit_name(options->limits[i].resource),
						      "Soft", (json_int_t)options->limits[i].soft,
						      "Hard", (json_int_t)options->limits[i].hard));
	return list;
}

static void add_ports(const struct container_options *options, json_t *body, json_t *host)
{
	json_t *exposed = json_object(), *bound = json_object();
	char key[16], port[8];

	for (size_t i = 0; i < options->port_count; i++) {
		json_t *binding;

		snprintf(key, sizeof key, "%u/tcp", options->ports[i].inside);
		snprintf(port, sizeof port, "%u", options->ports[i].outside);
		binding = json_pack("{s:s, s:s}", "HostIp", options->address, "HostPort", port);
		json_object_set_new(exposed, key, json_object());
		/* A port of the container may stand at several of ours. */
		if (json_object_get(bound, key))
			json_array_append_new(json_object_get(bound, key), binding);
		else
			json_object_set_new(bound, key, json_pack("[o]", binding));
	}
	json_object_set_new(body, "ExposedPorts", exposed);
	json_object_set_new(host, "PortBindings", bound);
}

void docker_put_number(json_t *object, const char *key, uint64_t number)
{
	if (number)
		json_object_set_new(object, key, json_integer((json_int_t)number));
}

void docker_put_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

static const char *network_of(const struct container_options *options, char room[128])
{
	if (!options->sharing)
		return strcmp(options->network, "bridge") == 0 ? DOCKER_NETWORK : options->network;
	snprintf(room, 128, "container:%.100s", options->sharing);
	return room;
}

static json_t *host_of(const struct container_options *options, json_t *body)
{
	char room[128];
	const char *network = network_of(options, room);
	json_t *host = json_pack("{s:s, s:{s:s}, s:{s:s, s:{s:s, s:s}}, s:o}", "NetworkMode",
				 network, "RestartPolicy", "Name", "no", "LogConfig", "Type",
				 "json-file", "Config", "max-size", "16m", "max-file", "2",
				 "Ulimits", docker_limits(options));

	docker_put_number(host, "Memory", options->memory_bytes);
	docker_put_number(host, "MemorySwap", options->memory_bytes); /* both together: no swap */
	docker_put_number(host, "MemoryReservation", options->memory_reserved_bytes);
	docker_put_number(host, "PidsLimit", options->processes_max);
	if (options->cpu_units)
		docker_put_number(host, "CpuShares",
				  options->cpu_units < CPU_SHARES_MIN ? CPU_SHARES_MIN
								      : options->cpu_units);
	docker_put_number(host, "NanoCpus",
			  (uint64_t)options->cpu_limit * DOCKER_NANO / DOCKER_CPU_UNITS);
	if (options->init)
		json_object_set_new(host, "Init", json_true());
	if (options->read_only)
		json_object_set_new(host, "ReadonlyRootfs", json_true());
	if (options->privileged)
		json_object_set_new(host, "Privileged", json_true());
	if (!options->sharing)
		add_ports(options, body, host);
	return host;
}

json_t *docker_check(const struct container_check *check)
{
	json_t *out;

	if (!check->test)
		return NULL;
	out = json_pack("{s:o, s:I, s:I}", "Test", docker_words(check->test), "Interval",
			(json_int_t)check->interval_ms * DOCKER_MS_NANO, "Timeout",
			(json_int_t)check->timeout_ms * DOCKER_MS_NANO);
	docker_put_number(out, "Retries", check->retries);
	docker_put_number(out, "StartPeriod", (uint64_t)check->start_period_ms * DOCKER_MS_NANO);
	return out;
}

json_t *docker_labels(const struct container_options *options, const char *installation)
{
	json_t *labels = json_object();

	for (size_t i = 0; i < options->label_count; i++)
		docker_put_text(labels, options->labels[i].name, options->labels[i].value);
	docker_put_text(labels, DOCKER_LABEL, installation);
	return labels;
}

err_t docker_write_json(json_t *body, struct text *out)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	json_decref(body);
	if (!text)
		return ERR_NOMEM;
	text_add_str(out, text);
	explicit_bzero(text, strlen(text));
	free(text);
	return text_err(out);
}

err_t docker_create_body(const struct container_options *options, const char *installation,
			 struct text *out)
{
	json_t *body = json_pack("{s:s, s:o, s:I}", "Image", options->image, "Env",
				 docker_words(options->environment), "StopTimeout",
				 (json_int_t)options->stop_ms / 1000);

	if (!body)
		return ERR_NOMEM;
	if (options->entrypoint)
		json_object_set_new(body, "Entrypoint", docker_words(options->entrypoint));
	if (options->command)
		json_object_set_new(body, "Cmd", docker_words(options->command));
	docker_put_text(body, "User", options->user);
	docker_put_text(body, "WorkingDir", options->directory);
	docker_put_text(body, "Hostname", options->hostname);
	if (options->check.test)
		json_object_set_new(body, "Healthcheck", docker_check(&options->check));
	json_object_set_new(body, "Labels", docker_labels(options, installation));
	json_object_set_new(body, "HostConfig", host_of(options, body));
	return docker_write_json(body, out);
}

err_t docker_network_body(struct text *out)
{
	return docker_write_json(json_pack("{s:s, s:b, s:s, s:{s:[{s:s, s:s}]}, s:{s:s}}", "Name",
					   DOCKER_NETWORK, "CheckDuplicate", 1, "Driver", "bridge",
					   "IPAM", "Config", "Subnet", DOCKER_SUBNET, "Gateway",
					   DOCKER_GATEWAY, "Labels", "weir.network", "tasks"),
				 out);
}

/* ---- Hearing ---- */

json_t *docker_load(struct bytes json)
{
	return json_loadb(json.at ? json.at : "", json.len, 0, NULL);
}

const char *docker_text_in(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void read_health(const json_t *state, struct docker_state *out)
{
	const json_t *health = json_object_get(state, "Health");
	const char *status;

	if (!health) /* Podman's older name */
		health = json_object_get(state, "Healthcheck");
	status = docker_text_in(health, "Status");
	out->checked = status[0] && strcmp(status, "none") != 0;
	out->healthy = strcmp(status, "healthy") == 0;
	out->unhealthy = strcmp(status, "unhealthy") == 0;
}

err_t docker_state_read(struct bytes json, struct docker_state *ret_state)
{
	json_t *body = docker_load(json);
	const json_t *state = json_object_get(body, "State");
	const char *status = docker_text_in(state, "Status"),
		   *started = docker_text_in(state, "StartedAt");

	if (!status[0]) {
		json_decref(body);
		return ERR_SYNTAX;
	}
	*ret_state = (struct docker_state){
		/* Made only: "created" or, with Podman, "configured" and "initialized". */
		.status = json_is_true(json_object_get(state, "Running")) ? DOCKER_RUNNING
			  : strcmp(status, "exited") == 0 || strcmp(status, "dead") == 0 ||
					  strcmp(status, "stopped") == 0 ||
					  strcmp(status, "removing") == 0
				  ? DOCKER_ENDED
				  : DOCKER_MADE,
		.started_once = started[0] && strncmp(started, "0001-", 5) != 0,
		.out_of_memory = json_is_true(json_object_get(state, "OOMKilled")),
		.code = (int)json_integer_value(json_object_get(state, "ExitCode")),
	};
	snprintf(ret_state->id, sizeof ret_state->id, "%s", docker_text_in(body, "Id"));
	snprintf(ret_state->error, sizeof ret_state->error, "%s", docker_text_in(state, "Error"));
	read_health(state, ret_state);
	json_decref(body);
	return ERR_OK;
}

void docker_message(unsigned status, struct bytes json, char out[384])
{
	json_t *body = docker_load(json);
	const char *message = docker_text_in(body, "message");

	if (message[0])
		snprintf(out, 384, "%s", message);
	else
		snprintf(out, 384, "status %u, without a word", status);
	json_decref(body);
}

bool docker_usage_read(struct bytes json, struct workload_usage *ret_usage)
{
	json_t *body = docker_load(json);
	const json_t *cpu = json_object_get(
		json_object_get(json_object_get(body, "cpu_stats"), "cpu_usage"), "total_usage");
	const json_t *memory = json_object_get(body, "memory_stats");
	const json_t *parts = json_object_get(memory, "stats");
	/* What files are cached is not the program's: version 2 and version 1 of control groups. */
	json_int_t cached = json_integer_value(json_object_get(parts, "inactive_file")) +
			    json_integer_value(json_object_get(parts, "total_inactive_file"));
	json_int_t used = json_integer_value(json_object_get(memory, "usage"));
	bool good = json_is_integer(cpu) && used > 0;

	if (json_object_get(parts, "total_inactive_file"))
		cached = json_integer_value(json_object_get(parts, "total_inactive_file"));
	if (good)
		*ret_usage = (struct workload_usage){
			.cpu_us = (uint64_t)json_integer_value(cpu) / 1000,
			.memory_bytes = (uint64_t)(used > cached ? used - cached : used)
		};
	json_decref(body);
	return good;
}

void docker_names_read(struct bytes json, void (*each)(void *owner, const char *name), void *owner)
{
	json_t *body = docker_load(json), *item;
	size_t i;

	json_array_foreach (body, i, item) {
		const char *name = json_string_value(
			json_array_get(json_object_get(item, "Names"), 0));

		if (name)
			each(owner, name[0] == '/' ? name + 1 : name);
	}
	json_decref(body);
}
