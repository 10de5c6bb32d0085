/*
 * remote: tasks that a Swarm runs, on whichever of its machines. They have no address and no ports
 * of theirs before they run; then both are their node's. Placement constraints say on which nodes
 * that may be.
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

bool is_remote(const json_t *task)
{
	return is_text(json_array_get(json_object_get(task, "containers"), 0), "_engine", "swarm");
}

/* ---- Where it may run: the cluster query language, as far as a Swarm can follow ---- */

static const char *node_value(const char *name, struct bytes value, char out[PLACEMENT_BYTES])
{
	if (strcmp(name, "ecs.cpu-architecture") == 0 && bytes_eq(value, BYTES("arm64")))
		return "aarch64"; /* as a Swarm's nodes call themselves */
	snprintf(out, PLACEMENT_BYTES, "%.*s", BYTES_ARG(value));
	return out;
}

/* "attribute:NAME == VALUE": what ECS knows of every instance, a Swarm does of its nodes. */
static bool write_term(const char *subject, const char *op, struct bytes value, json_t *list)
{
	static const char prefix[] = "attribute:";
	char room[PLACEMENT_BYTES];
	const char *name = subject + strlen(prefix), *at;
	bool equal = strcmp(op, "==") == 0 || strcmp(op, "equals") == 0;

	if (!bytes_starts(bytes_of(subject), BYTES("attribute:")) || !name[0] ||
	    (!equal && strcmp(op, "!=") != 0 && strcmp(op, "not_equals") != 0))
		return false;
	at = strcmp(name, "ecs.os-type") == 0		 ? "platform.os"
	     : strcmp(name, "ecs.cpu-architecture") == 0 ? "platform.arch"
							 : NULL;
	return !add(list, json_sprintf("node.%s%s%s%s", at ? at : "labels.", at ? "" : name,
				       equal ? "==" : "!=", node_value(name, value, room)));
}

static bool next_word(struct bytes *rest, char out[PLACEMENT_BYTES])
{
	struct bytes word;

	do {
		if (!bytes_cut(rest, ' ', &word))
			return false;
	} while (!word.len);
	snprintf(out, PLACEMENT_BYTES, "%.*s", BYTES_ARG(word));
	return word.len < PLACEMENT_BYTES;
}

static bool is_plain(const char *word)
{
	return word[0] && !strpbrk(word, "()[]{},'\"*\\");
}

static bool write_expression(const char *expression, json_t *list)
{
	struct bytes rest = bytes_of(expression);
	char subject[PLACEMENT_BYTES], op[PLACEMENT_BYTES], value[PLACEMENT_BYTES];
	char and[PLACEMENT_BYTES];

	do {
		if (!next_word(&rest, subject) || !next_word(&rest, op) ||
		    !next_word(&rest, value) || !is_plain(subject) || !is_plain(value) ||
		    !write_term(subject, op, bytes_of(value), list))
			return false;
		if (!next_word(&rest, and))
			return true;
	} while (strcmp(and, "and") == 0 || strcmp(and, "&&") == 0);
	return false;
}

static bool write_constraint(const json_t *constraint, json_t *list)
{
	return is_text(constraint, "type", "memberOf") &&
	       write_expression(text_of(constraint, "expression"), list);
}

err_t remote_constraints(const json_t *settings, json_t *list)
{
	json_t *constraint;
	size_t i;

	json_array_foreach (json_object_get(settings, "placementConstraints"), i, constraint)
		if (!write_constraint(constraint, list))
			return ERR_INVALID;
	return ERR_OK;
}

err_t remote_check_placement(struct api_call *call, const json_t *settings)
{
	json_t *list = json_array();

	TRY(ecs_hold(call, list));
	if (strcmp(ecs_of(call)->options.engine, "swarm") != 0 ||
	    !remote_constraints(settings, list))
		return ERR_OK;
	return ecs_wrong(
		call, "Placement constraints that a Docker Swarm can follow are of type memberOf "
		      "and read 'attribute:NAME == VALUE' or '!=', joined by 'and'.");
}

/* ---- Where it runs ---- */

static uint16_t port_of(const struct workload_place *place, int64_t inside, bool shared)
{
	for (size_t i = 0; !shared && i < place->port_count; i++)
		if (place->ports[i].inside == inside)
			return place->ports[i].outside;
	return (uint16_t)inside; /* it has the node's own ports */
}

static err_t place_bindings(json_t *container, const struct workload_place *place, bool shared)
{
	json_t *binding;
	size_t i;

	json_array_foreach (place_ports_of(container), i, binding) {
		TRY(put_text(binding, "bindIP", place->address));
		TRY(put_number(binding, "hostPort",
			       port_of(place, number_of(binding, "containerPort", 0), shared)));
	}
	return ERR_OK;
}

/* Its network interface has the node's address. */
static err_t place_interface(json_t *task, json_t *container, const char *address)
{
	json_t *attachment = json_array_get(json_object_get(task, "attachments"), 0);
	json_t *details = json_object_get(attachment, "details");
	json_t *known = find_in(details, "name", "privateIPv4Address");

	if (!attachment)
		return ERR_OK;
	TRY(put_text(attachment, "status", "ATTACHED"));
	TRY(known ? put_text(known, "value", address)
		  : add(details,
			json_pack("{s:s, s:s}", "name", "privateIPv4Address", "value", address)));
	return put(container, "networkInterfaces",
		   json_pack("[{s:s, s:s}]", "attachmentId", text_of(attachment, "id"),
			     "privateIpv4Address", address));
}

/* Addresses are targets by themselves, instances by the id of the machine. */
static err_t place_targets(json_t *task, const struct workload_place *place, const char *id,
			   bool shared)
{
	json_t *target;
	size_t i;

	json_array_foreach (json_object_get(task, "_targets"), i, target) {
		int64_t inside = number_of(target, "container_port", 0);

		TRY(put_text(target, "id", id));
		TRY(put_number(target, "port", port_of(place, inside, shared)));
	}
	return ERR_OK;
}

static const char *target_id(const struct ecs *ecs, const json_t *task,
			     const struct workload_place *place)
{
	const struct ecs_options *options = &ecs->options;

	if (is_text(task, "_mode", "awsvpc"))
		return place->address;
	if (place->here)
		return options->instance;
	return options->instance_at ? options->instance_at(options->owner, place->address) : NULL;
}

err_t remote_place(struct ecs *ecs, json_t *task, unsigned index,
		   const struct workload_place *place, struct text *why)
{
	json_t *container = json_array_get(json_object_get(task, "containers"), index);
	const char *id = target_id(ecs, task, place);
	bool shared = is_text(task, "_mode", "host");

	if (!id && json_array_size(json_object_get(task, "_targets"))) {
		text_printf(
			why,
			"the task runs on the node %s, which no target group of type instance "
			"can have: name it (instance.i-… = %s in the settings file), or use network "
			"mode awsvpc and target type ip",
			place->address, place->address);
		return ERR_INVALID;
	}
	TRY(put_text(task, "_address", place->address));
	TRY(place_bindings(container, place, shared));
	TRY(place_interface(task, container, place->address));
	return place_targets(task, place, id ? id : "", shared);
}
