/*
 * places: which address and ports a task gets. A task of network mode awsvpc has a loopback
 * address of its own (127.64.0.0/10), so that each may use the port it likes; of mode bridge or
 * host it shares 127.0.0.1, on a free port where the task definition leaves it open.
 *
 * What is given out is remembered until the task has ended (ecs->taken: addresses and ports).
 */
#include "services/ecs/ecs_internal.h"

#include <stdio.h>

#include "crypto/random.h"

enum { TRIES = 64, KEY_BYTES = 64, GROUPS_MAX_BYTES = 64 * 1024 };

static const char shared_address[] = "127.0.0.1";

static bool take(struct ecs *ecs, const char *key)
{
	static char anything;

	return !map_get(&ecs->taken, bytes_of(key)) &&
	       !map_put(&ecs->taken, bytes_of(key), &anything, NULL);
}

static bool own_address(struct ecs *ecs, char out[KEY_BYTES])
{
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t random = random_u64();

		snprintf(out, KEY_BYTES, "127.%u.%u.%u", 64 + (unsigned)(random & 63),
			 (unsigned)(random >> 8 & 255), 1 + (unsigned)(random >> 16) % 254);
		if (take(ecs, out))
			return true;
	}
	return false;
}

/* `port` 0: a free one. False when it is somebody's. */
static bool shared_port(struct ecs *ecs, uint16_t *port)
{
	struct address at, bound;
	char key[KEY_BYTES];
	bool fixed = *port != 0;
	int fd;

	for (unsigned i = 0; i < (fixed ? 1 : TRIES); i++) {
		if (address_parse_ip(bytes_of(shared_address), *port, &at) ||
		    acceptor_bind(&at, 1, &fd, &bound))
			return false;
		acceptor_discard(fd);
		snprintf(key, sizeof key, "%s:%u", shared_address, bound.port);
		if (!take(ecs, key))
			continue;
		*port = bound.port;
		return true;
	}
	return false;
}

/* `address` NULL: on a machine that is not known yet, whose ports are not ours to give. */
static err_t place_ports(struct ecs *ecs, json_t *container, const json_t *defined, bool own,
			 const char *address, const char **ret_reason)
{
	json_t *bindings = json_array(), *mapping;
	size_t i;

	TRY(put(container, own ? "_ports" : "networkBindings", bindings));
	json_array_foreach (json_object_get(defined, "portMappings"), i, mapping) {
		int64_t inside = number_of(mapping, "containerPort", 0);
		uint16_t port = (uint16_t)(own && address ? inside
					   : own	  ? 0
							  : number_of(mapping, "hostPort", 0));

		*ret_reason = "RESOURCE:PORTS";
		if (!own && address && !shared_port(ecs, &port))
			return ERR_AGAIN;
		TRY(add(bindings,
			json_pack("{s:s, s:I, s:I, s:s}", "bindIP", address ? address : "",
				  "containerPort", (json_int_t)inside, "hostPort", (json_int_t)port,
				  "protocol", "tcp")));
	}
	return ERR_OK;
}

/* Not among AWS's details: DescribeNetworkInterfaces has no other way to know them. */
static err_t add_groups(json_t *attachments, const json_t *groups)
{
	json_t *details = json_object_get(json_array_get(attachments, 0), "details");
	struct text ids = TEXT_INIT(GROUPS_MAX_BYTES);
	const json_t *id;
	err_t err;
	size_t i;

	if (!json_array_size(groups))
		return ERR_OK;
	json_array_foreach (groups, i, id) {
		text_add_str(&ids, i ? "," : "");
		text_add_str(&ids, json_string_value(id));
	}
	err = text_err(&ids);
	if (!err)
		err = add(details, json_pack("{s:s, s:s%}", "name", "securityGroups", "value",
					     text_bytes(&ids).at, text_bytes(&ids).len));
	text_fini(&ids);
	return err;
}

/* `address` NULL: it is known later (remote.c). */
static err_t attach(json_t *task, const char *address)
{
	const json_t *network = json_object_get(json_object_get(task, "_network"),
						"awsvpcConfiguration");
	const char *subnet = json_string_value(
		json_array_get(json_object_get(network, "subnets"), 0));
	char id[37], interface[32], mac[24];
	uint64_t random = random_u64();

	random_uuid(id);
	snprintf(interface, sizeof interface, "eni-0%016llx", (unsigned long long)random_u64());
	snprintf(mac, sizeof mac, "0a:%02x:%02x:%02x:%02x:%02x", (unsigned)(random & 255),
		 (unsigned)(random >> 8 & 255), (unsigned)(random >> 16 & 255),
		 (unsigned)(random >> 24 & 255), (unsigned)(random >> 32 & 255));
	TRY(put(task, "attachments",
		json_pack("[{s:s, s:s, s:s, s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}]}]", "id", id,
			  "type", "ElasticNetworkInterface", "status",
			  address ? "ATTACHED" : "ATTACHING", "details", "name", "subnetId",
			  "value", subnet ? subnet : "", "name", "networkInterfaceId", "value",
			  interface, "name", "macAddress", "value", mac)));
	if (address)
		TRY(add(json_object_get(json_array_get(json_object_get(task, "attachments"), 0),
					"details"),
			json_pack("{s:s, s:s}", "name", "privateIPv4Address", "value", address)));
	return add_groups(json_object_get(task, "attachments"),
			  json_object_get(network, "securityGroups"));
}

err_t place_task(struct ecs *ecs, json_t *task, const json_t *definition, const char **ret_reason)
{
	bool own = is_text(definition, "networkMode", "awsvpc"), remote = is_remote(task);
	json_t *containers = json_object_get(task, "containers"), *container, *interfaces;
	char address[KEY_BYTES];
	const char *at = shared_address;
	size_t i;
	err_t err;

	*ret_reason = "RESOURCE:ENI";
	if (remote)
		at = NULL;
	else if (own && !own_address(ecs, address))
		return ERR_AGAIN;
	else if (own)
		at = address;
	if (own)
		TRY(attach(task, at));
	TRY(put_text(task, "_address", at ? at : ""));
	json_array_foreach (containers, i, container) {
		interfaces =
			own && at ? json_pack("[{s:s, s:s}]", "attachmentId",
					      text_of(json_array_get(
							      json_object_get(task, "attachments"),
							      0),
						      "id"),
					      "privateIpv4Address", at)
				  : json_array();
		TRY(put(container, "networkInterfaces", interfaces));
		TRY(put(container, "networkBindings", json_array()));
		err = place_ports(ecs, container,
				  find_in(json_object_get(definition, "containerDefinitions"),
					  "name", text_of(container, "name")),
				  own, at, ret_reason);
		if (err) {
			places_free(ecs, task);
			return err;
		}
	}
	return ERR_OK;
}

/* Each address, and each port of the shared one, that the task has. */
static void each_place(struct ecs *ecs, const json_t *task, bool taken)
{
	json_t *container, *binding;
	const char *address = text_of(task, "_address");
	bool own = strcmp(address, shared_address) != 0;
	char key[KEY_BYTES];
	size_t i, k;

	if (is_remote(task))
		return;
	if (own && taken)
		take(ecs, address);
	else if (own)
		map_remove(&ecs->taken, bytes_of(address));
	json_array_foreach (json_object_get(task, "containers"), i, container)
		json_array_foreach (json_object_get(container, "networkBindings"), k, binding) {
			snprintf(key, sizeof key, "%s:%lld", shared_address,
				 (long long)number_of(binding, "hostPort", 0));
			if (taken)
				take(ecs, key);
			else
				map_remove(&ecs->taken, bytes_of(key));
		}
}

void places_take(struct ecs *ecs, const json_t *task)
{
	each_place(ecs, task, true);
}

void places_free(struct ecs *ecs, const json_t *task)
{
	each_place(ecs, task, false);
}

json_t *place_ports_of(const json_t *container)
{
	json_t *own = json_object_get(container, "_ports");

	return own ? own : json_object_get(container, "networkBindings");
}
