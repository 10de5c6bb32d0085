/* Addresses of a plan, and which load balancer on one of them a Host means. */
#include "lb/plan_internal.h"
#include "lb/route.h"

enum { LABEL_BYTES_MAX = 63 }; /* RFC 1035 §2.3.4 */

/* The first label of a DNS name in lower case; empty when it is too long to be one. */
static struct bytes label_of(struct bytes name, char out[LABEL_BYTES_MAX])
{
	size_t len = size_min(bytes_index(name, '.'), name.len);

	if (len > LABEL_BYTES_MAX)
		return BYTES_NONE;
	for (size_t i = 0; i < len; i++)
		out[i] = ascii_lower(name.at[i]);
	return bytes_make(out, len);
}

/* ---- Compiling ---- */

static struct plan_address *entry_for(struct plan_addresses *addresses, const struct address *bound)
{
	for (unsigned i = 0; i < addresses->count; i++)
		if (address_eq(&addresses->at[i].bound, bound))
			return &addresses->at[i];
	addresses->at[addresses->count].bound = *bound;
	return &addresses->at[addresses->count++];
}

static err_t add(struct plan_address *address, const struct plan_listener *listener,
		 unsigned listeners_max, struct arena *arena)
{
	const struct plan_listener **listeners = (const struct plan_listener **)address->listeners;
	char room[LABEL_BYTES_MAX];
	struct bytes label = label_of(listener->load_balancer->dns_name, room);

	if (!listeners) {
		listeners = arena_array(arena, listeners_max, sizeof *listeners);
		if (!listeners)
			return ERR_NOMEM;
		address->listeners = listeners;
	}
	assert(address->listener_count < listeners_max); /* a port is unique in its balancer */
	listeners[address->listener_count++] = listener;
	if (label.len == 0 || map_get(&address->by_label, label))
		return ERR_OK;
	return map_put(&address->by_label, label, (void *)listener, NULL);
}

err_t plan_addresses_compile(const struct lb_config *config,
			     const struct plan_load_balancer *load_balancers, struct arena *arena,
			     struct plan_addresses *addresses)
{
	unsigned most = 0;

	for (unsigned i = 0; i < config->load_balancer_count; i++)
		most += config->load_balancers[i].listener_count;
	addresses->at = arena_array(arena, most ? most : 1, sizeof *addresses->at);
	if (!addresses->at)
		return ERR_NOMEM;
	for (unsigned i = 0; i < config->load_balancer_count; i++)
		for (unsigned l = 0; l < config->load_balancers[i].listener_count; l++)
			TRY(add(entry_for(addresses, &config->load_balancers[i].listeners[l].bound),
				&load_balancers[i].listeners[l], config->load_balancer_count,
				arena));
	return ERR_OK;
}

void plan_addresses_fini(struct plan_addresses *addresses)
{
	for (unsigned i = 0; i < addresses->count; i++)
		map_fini(&addresses->at[i].by_label);
}

/* ---- Looking up ---- */

const struct plan_address *plan_address_at(const struct plan *plan, const struct address *bound)
{
	for (unsigned i = 0; i < plan->address_count; i++)
		if (address_eq(&plan->addresses[i].bound, bound))
			return &plan->addresses[i];
	return NULL;
}

/* "NAME-1" or "NAME-1.us-east-1.elb.localhost", whatever the case. */
static bool names(struct bytes host, struct bytes dns_name)
{
	return bytes_starts_nocase(dns_name, host) &&
	       (host.len == dns_name.len || dns_name.at[host.len] == '.');
}

const struct plan_listener *plan_listener_named(const struct plan_address *address,
						struct bytes host)
{
	struct bytes rest = host_without_port(host);

	assert(address->listener_count > 0);
	while (address->listener_count > 1 && rest.len > 0) {
		char room[LABEL_BYTES_MAX];
		const struct plan_listener *listener = map_get(&address->by_label,
							       label_of(rest, room));
		size_t dot = bytes_index(rest, '.');

		if (listener && names(rest, listener->load_balancer->dns_name))
			return listener;
		if (dot == SIZE_MAX)
			break;
		rest = bytes_from(rest, dot + 1);
	}
	return NULL;
}

const struct plan_listener *plan_listener_for(const struct plan_address *address, struct bytes host)
{
	const struct plan_listener *named = plan_listener_named(address, host);

	return named ? named : address->listeners[0];
}

const struct plan_listener *plan_listener_for_sni(const struct plan_address *address,
						  struct bytes host)
{
	const struct plan_listener *listener = plan_listener_named(address, host);

	if (listener && listener->tls)
		return listener;
	for (unsigned i = 0; address->listener_count > 1 && i < address->listener_count; i++) {
		listener = address->listeners[i];
		if (listener->tls && tls_context_covers(listener->tls, host))
			return listener;
	}
	for (unsigned i = 0; i < address->listener_count; i++)
		if (address->listeners[i]->tls)
			return address->listeners[i];
	return NULL;
}
