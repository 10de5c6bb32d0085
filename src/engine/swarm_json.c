#include "engine/swarm_json.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/docker_json_internal.h"

/* No node has this id: what must be on it is on none. */
#define NOWHERE "node.id==stopped"

/* ---- Asking ---- */

static json_t *container_of_options(const struct container_options *options,
				    const char *installation)
{
	json_t *out = json_pack("{s:s, s:o, s:o, s:I, s:o}", "Image", options->image, "Env",
				docker_words(options->environment), "Labels",
				docker_labels(options, installation), "StopGracePeriod",
				(json_int_t)options->stop_ms * DOCKER_MS_NANO, "Ulimits",
				docker_limits(options));

	/* A service's "Command" is a container's entry point. */
	if (options->entrypoint)
		json_object_set_new(out, "Command", docker_words(options->entrypoint));
	if (options->command)
		json_object_set_new(out, "Args", docker_words(options->command));
	docker_put_text(out, "User", options->user);
	docker_put_text(out, "Dir", options->directory);
	docker_put_text(out, "Hostname", options->hostname);
	if (options->check.test)
		json_object_set_new(out, "Healthcheck", docker_check(&options->check));
	if (options->init)
		json_object_set_new(out, "Init", json_true());
	if (options->read_only)
		json_object_set_new(out, "ReadOnly", json_true());
	return out;
}

/* What is reserved is where a node must have room; as ECS counts it on its instances. */
static json_t *resources_of(const struct container_options *options)
{
	json_t *limits = json_object(), *reserved = json_object();
	uint64_t memory = options->memory_reserved_bytes ? options->memory_reserved_bytes
							 : options->memory_bytes;

	docker_put_number(limits, "MemoryBytes", options->memory_bytes);
	docker_put_number(limits, "NanoCPUs",
			  (uint64_t)options->cpu_limit * DOCKER_NANO / DOCKER_CPU_UNITS);
	docker_put_number(limits, "Pids", options->processes_max);
	docker_put_number(reserved, "MemoryBytes", memory);
	docker_put_number(reserved, "NanoCPUs",
			  (uint64_t)options->cpu_units * DOCKER_NANO / DOCKER_CPU_UNITS);
	return json_pack("{s:o, s:o}", "Limits", limits, "Reservations", reserved);
}

/* In host mode: at the node itself. By way of the ingress network a target would be every node. */
static json_t *ports_of(const struct container_options *options)
{
	json_t *list = json_array();

	for (size_t i = 0; i < options->port_count; i++) {
		json_t *port = json_pack("{s:s, s:i, s:s}", "Protocol", "tcp", "TargetPort",
					 (int)options->ports[i].inside, "PublishMode", "host");

		docker_put_number(port, "PublishedPort", options->ports[i].outside);
		json_array_append_new(list, port);
	}
	return list;
}

err_t swarm_service_body(const struct container_options *options, const char *installation,
			 struct text *out)
{
	bool shared = strcmp(options->network, "host") == 0;
	json_t *body = json_pack(
		"{s:s, s:{s:s}, s:{s:o, s:o, s:{s:s, s:i}, s:{s:o}, s:{s:s, s:{s:s, s:s}}}, "
		"s:{s:{s:i}}, s:{s:o}}",
		"Name", options->name, "Labels", DOCKER_LABEL, installation, "TaskTemplate",
		"ContainerSpec", container_of_options(options, installation), "Resources",
		resources_of(options), "RestartPolicy", "Condition", "none", "MaxAttempts", 0,
		"Placement", "Constraints", docker_words(options->constraints), "LogDriver", "Name",
		"json-file", "Options", "max-size", "16m", "max-file", "2", "Mode", "Replicated",
		"Replicas", 1, "EndpointSpec", "Ports", ports_of(options));

	if (shared)
		json_object_set_new(json_object_get(body, "TaskTemplate"), "Networks",
				    json_pack("[{s:s}]", "Target", "host"));
	return docker_write_json(body, out);
}

err_t swarm_self_read(struct bytes json, struct swarm_self *ret_self)
{
	json_t *body = docker_load(json);
	const json_t *swarm = json_object_get(body, "Swarm");

	if (!json_is_object(swarm)) {
		json_decref(body);
		return ERR_SYNTAX;
	}
	ret_self->manager = json_is_true(json_object_get(swarm, "ControlAvailable"));
	snprintf(ret_self->node, sizeof ret_self->node, "%s", docker_text_in(swarm, "NodeID"));
	snprintf(ret_self->address, sizeof ret_self->address, "%s",
		 docker_text_in(swarm, "NodeAddr"));
	json_decref(body);
	return ERR_OK;
}

/* ---- A round ---- */

struct swarm_lists {
	json_t *by[SWARM_LISTS]; /* services by name, tasks by their service's id, nodes by id */
};

struct swarm_lists *swarm_lists_new(void)
{
	struct swarm_lists *lists = calloc(1, sizeof *lists);

	for (unsigned i = 0; lists && i < SWARM_LISTS; i++) {
		lists->by[i] = json_object();
		if (!lists->by[i]) {
			swarm_lists_free(lists);
			return NULL;
		}
	}
	return lists;
}

void swarm_lists_free(struct swarm_lists *lists)
{
	if (!lists)
		return;
	for (unsigned i = 0; i < SWARM_LISTS; i++)
		json_decref(lists->by[i]);
	free(lists);
}

static const char *key_of(enum swarm_list which, const json_t *item)
{
	switch (which) {
	case SWARM_SERVICES: return docker_text_in(json_object_get(item, "Spec"), "Name");
	case SWARM_TASKS: return docker_text_in(item, "ServiceID");
	default: return docker_text_in(item, "ID");
	}
}

/* Of a service's tasks the first one is it: what the Swarm may put in its place shall not run. */
static bool is_earlier(const json_t *a, const json_t *b)
{
	return strcmp(docker_text_in(a, "CreatedAt"), docker_text_in(b, "CreatedAt")) < 0;
}

err_t swarm_lists_read(struct swarm_lists *lists, enum swarm_list which, struct bytes json)
{
	json_t *list = docker_load(json), *by = json_object(), *item;
	err_t err = !json_is_array(list) ? ERR_SYNTAX : !by ? ERR_NOMEM : ERR_OK;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *key = key_of(which, item);
		const json_t *known = json_object_get(by, key);

		if (!err && key[0] && (!known || is_earlier(item, known)) &&
		    json_object_set(by, key, item))
			err = ERR_NOMEM;
	}
	json_decref(list);
	if (err) {
		json_decref(by);
		return err;
	}
	json_decref(lists->by[which]);
	lists->by[which] = by;
	return ERR_OK;
}

/* ---- One service, of all three lists ---- */

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void end_as(struct swarm_view *view, enum workload_how how, int code, const char *why)
{
	view->state = SWARM_ENDED;
	view->end = (struct workload_end){ .how = how, .code = code };
	snprintf(view->end.why, sizeof view->end.why, "%s", why);
}

static void read_end(struct swarm_view *view, const char *state, int code)
{
	bool ran = view->container[0] && !starts(view->error, "starting container failed");

	if (strcmp(state, "orphaned") == 0 || strcmp(state, "remove") == 0)
		end_as(view, WORKLOAD_LOST, 137, "");
	else if (starts(view->error, "No such image"))
		end_as(view, WORKLOAD_NO_IMAGE, 0, view->error);
	else if (strcmp(state, "rejected") == 0)
		end_as(view, WORKLOAD_NOT_CREATED, 0, view->error);
	else if (!ran)
		end_as(view, WORKLOAD_NOT_STARTED, 0,
		       view->error[0] ? view->error : "it was stopped before it ran");
	else
		end_as(view, WORKLOAD_EXITED, code, "");
}

static void read_state(struct swarm_view *view, const json_t *task)
{
	static const char *const ends[] = { "complete", "shutdown", "failed",
					    "rejected", "remove",   "orphaned" };
	const json_t *status = json_object_get(task, "Status");
	const json_t *container = json_object_get(status, "ContainerStatus");
	const char *state = docker_text_in(status, "State");
	bool wanted = strcmp(docker_text_in(task, "DesiredState"), "running") == 0;

	snprintf(view->error, sizeof view->error, "%s", docker_text_in(status, "Err"));
	snprintf(view->container, sizeof view->container, "%s",
		 docker_text_in(container, "ContainerID"));
	snprintf(view->node, sizeof view->node, "%s", docker_text_in(task, "NodeID"));
	view->state = strcmp(state, "running") == 0 ? SWARM_RUNNING
		      : view->node[0]		    ? SWARM_COMING
						    : SWARM_PENDING;
	for (size_t i = 0; i < COUNT(ends); i++)
		if (strcmp(state, ends[i]) == 0)
			read_end(view, state,
				 (int)json_integer_value(json_object_get(container, "ExitCode")));
	if (view->state == SWARM_PENDING && !wanted)
		end_as(view, WORKLOAD_NOT_STARTED, 0, "it was stopped before it ran");
}

/* A manager may know itself as "0.0.0.0" or by loopback, and by its own address elsewhere. */
static void read_address(const json_t *node, char out[WORKLOAD_ADDRESS_BYTES])
{
	const char *at = docker_text_in(json_object_get(node, "Status"), "Addr");
	const char *manager = docker_text_in(json_object_get(node, "ManagerStatus"), "Addr");
	const char *colon = strrchr(manager, ':');

	snprintf(out, WORKLOAD_ADDRESS_BYTES, "%s", at);
	if (colon && (!at[0] || strcmp(at, "0.0.0.0") == 0 || starts(at, "127.")))
		snprintf(out, WORKLOAD_ADDRESS_BYTES, "%.*s", (int)(colon - manager), manager);
}

static void read_node(struct swarm_view *view, const json_t *node)
{
	char why[200];

	if (node && strcmp(docker_text_in(json_object_get(node, "Status"), "State"), "down") != 0) {
		read_address(node, view->place.address);
		return;
	}
	snprintf(why, sizeof why, "Host (node %.100s of the Swarm) %s",
		 node ? docker_text_in(json_object_get(node, "Description"), "Hostname")
		      : view->node,
		 node ? "is down" : "has left");
	end_as(view, WORKLOAD_HOST_LOST, 137, why);
}

static void add_port(struct workload_place *place, const json_t *port)
{
	json_int_t inside = json_integer_value(json_object_get(port, "TargetPort"));
	json_int_t outside = json_integer_value(json_object_get(port, "PublishedPort"));

	if (inside < 1 || inside > UINT16_MAX || outside < 1 || outside > UINT16_MAX ||
	    place->port_count == WORKLOAD_PORTS_MAX)
		return;
	/* Each is told for IPv4 and for IPv6. */
	for (size_t i = 0; i < place->port_count; i++)
		if (place->ports[i].inside == inside && place->ports[i].outside == outside)
			return;
	place->ports[place->port_count++] = (struct workload_port){ (uint16_t)inside,
								    (uint16_t)outside };
}

static void read_ports(struct swarm_view *view, const json_t *task)
{
	const json_t *status = json_object_get(json_object_get(task, "Status"), "PortStatus");
	json_t *port;
	size_t i;

	json_array_foreach (json_object_get(status, "Ports"), i, port)
		add_port(&view->place, port);
}

static json_t *template_of(const json_t *service)
{
	return json_object_get(json_object_get(service, "Spec"), "TaskTemplate");
}

static bool is_stopped(const json_t *service)
{
	const json_t *list = json_object_get(json_object_get(template_of(service), "Placement"),
					     "Constraints");
	const json_t *one;
	size_t i;

	json_array_foreach ((json_t *)list, i, one)
		if (json_is_string(one) && strcmp(json_string_value(one), NOWHERE) == 0)
			return true;
	return false;
}

bool swarm_view_of(const struct swarm_lists *lists, const char *name, struct swarm_view *ret_view)
{
	const json_t *service = json_object_get(lists->by[SWARM_SERVICES], name);
	const json_t *task = json_object_get(lists->by[SWARM_TASKS], docker_text_in(service, "ID"));

	if (!service)
		return false;
	*ret_view = (struct swarm_view){ .state = SWARM_PENDING, .stopped = is_stopped(service) };
	ret_view->checked = json_is_object(json_object_get(
		json_object_get(template_of(service), "ContainerSpec"), "Healthcheck"));
	if (!task)
		return true;
	read_state(ret_view, task);
	read_ports(ret_view, task);
	if (ret_view->node[0] && ret_view->state != SWARM_ENDED)
		read_node(ret_view, json_object_get(lists->by[SWARM_NODES], ret_view->node));
	return true;
}

err_t swarm_stop_body(const struct swarm_lists *lists, const char *name, struct text *path,
		      struct text *body)
{
	const json_t *service = json_object_get(lists->by[SWARM_SERVICES], name);
	json_int_t version = json_integer_value(
		json_object_get(json_object_get(service, "Version"), "Index"));
	json_t *spec;

	if (!service)
		return ERR_NOT_FOUND;
	if (is_stopped(service))
		return ERR_EXISTS;
	spec = json_deep_copy(json_object_get(service, "Spec"));
	if (json_object_set_new(json_object_get(spec, "TaskTemplate"), "Placement",
				json_pack("{s:[s]}", "Constraints", NOWHERE))) {
		json_decref(spec);
		return ERR_SYNTAX;
	}
	text_printf(path, "/services/%s/update?version=%lld", docker_text_in(service, "ID"),
		    (long long)version);
	TRY(docker_write_json(spec, body));
	return text_err(path);
}

void swarm_names_read(struct bytes json, void (*each)(void *owner, const char *name), void *owner)
{
	json_t *list = docker_load(json), *item;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *name = key_of(SWARM_SERVICES, item);

		if (name[0])
			each(owner, name);
	}
	json_decref(list);
}
