#include "lb/binding.h"

#include <stdlib.h>

#include "base/log.h"

struct binding {
	struct list_node link;
	struct address at;
	unsigned reservations; /* lb_bind minus lb_unbind */
	unsigned taken;	       /* workers that hold a socket of it */
	bool named;	       /* by the newest plan */
	bool closing;	       /* a plan without it is on its way; no socket is left to give */
	bool bound;	       /* fds holds sockets that were not taken */
	int fds[];	       /* one for each worker */
};

static struct binding *find(const struct bindings *bindings, const struct address *at)
{
	list_for_each (&bindings->all, node) {
		struct binding *binding = container_of(node, struct binding, link);

		if (address_eq(&binding->at, at))
			return binding;
	}
	return NULL;
}

static void discard(const struct bindings *bindings, struct binding *binding)
{
	if (binding->bound)
		for (unsigned i = 0; i < bindings->worker_count; i++)
			acceptor_discard(binding->fds[i]);
	list_remove(&binding->link);
	free(binding);
}

static void discard_when_unwanted(struct bindings *bindings, struct binding *binding)
{
	if (binding->reservations == 0 && binding->taken == 0)
		discard(bindings, binding);
}

void bindings_init(struct bindings *bindings, unsigned worker_count)
{
	assert(worker_count >= 1 && worker_count <= WORKERS_MAX);
	list_init(&bindings->all);
	bindings->worker_count = worker_count;
}

void bindings_fini(struct bindings *bindings)
{
	list_for_each_safe (&bindings->all, node)
		discard(bindings, container_of(node, struct binding, link));
}

unsigned bindings_count(const struct bindings *bindings)
{
	unsigned count = 0;

	list_for_each (&bindings->all, node)
		count++;
	return count;
}

static err_t bind_all(const struct bindings *bindings, struct binding *binding)
{
	struct address bound;

	TRY(acceptor_bind(&binding->at, bindings->worker_count, binding->fds, &bound));
	binding->bound = true;
	return ERR_OK;
}

err_t bindings_reserve(struct bindings *bindings, const struct address *at)
{
	struct binding *binding = find(bindings, at);
	err_t err;

	if (binding) {
		binding->reservations++;
		return ERR_OK;
	}
	binding = calloc(1, sizeof *binding + bindings->worker_count * sizeof binding->fds[0]);
	if (!binding)
		return ERR_NOMEM;
	binding->at = *at;
	binding->reservations = 1;
	err = bind_all(bindings, binding);
	if (err) {
		free(binding);
		return err;
	}
	list_append(&bindings->all, &binding->link);
	return ERR_OK;
}

/* A listener on every address of the machine takes what is sent to loopback, too. */
static bool is_any(const struct address *address)
{
	static const uint8_t zeros[sizeof address->ip];

	return memcmp(address->ip, zeros, sizeof zeros) == 0;
}

bool bindings_hold(const struct bindings *bindings, const struct address *at)
{
	list_for_each (&bindings->all, node) {
		const struct binding *binding = container_of(node, struct binding, link);

		if (binding->at.port == at->port && binding->reservations > 0 &&
		    (address_eq(&binding->at, at) ||
		     (is_any(&binding->at) && address_is_loopback(at))))
			return true;
	}
	return false;
}

void bindings_release(struct bindings *bindings, const struct address *at)
{
	struct binding *binding = find(bindings, at);

	if (!binding && bindings->ending)
		return; /* gone with the workers' sockets */
	assert(binding && binding->reservations > 0);
	binding->reservations--;
	discard_when_unwanted(bindings, binding);
}

void bindings_release_all(struct bindings *bindings)
{
	list_for_each_safe (&bindings->all, node) {
		struct binding *binding = container_of(node, struct binding, link);

		binding->reservations = 0;
		discard_when_unwanted(bindings, binding);
	}
}

static void hand_out(struct bindings *bindings, struct binding *binding, struct hold *const *holds)
{
	for (unsigned i = 0; i < bindings->worker_count; i++)
		holds[i]->sockets[holds[i]->socket_count++] =
			(struct hold_socket){ binding->at, binding->fds[i] };
	binding->taken = bindings->worker_count;
	binding->bound = false;
}

void bindings_plan(struct bindings *bindings, const struct plan *plan, struct hold *const *holds)
{
	list_for_each (&bindings->all, node) {
		struct binding *binding = container_of(node, struct binding, link);

		binding->named = plan_address_at(plan, &binding->at) != NULL;
		if (binding->named && binding->bound)
			hand_out(bindings, binding, holds);
		else if (!binding->named && binding->taken)
			binding->closing = true;
	}
	for (unsigned i = 0; i < plan->address_count; i++)
		if (!find(bindings, &plan->addresses[i].bound))
			log_error("lb", "a listener's address was never reserved: port %u",
				  plan->addresses[i].bound.port);
}

bool bindings_closed(struct bindings *bindings, const struct address *at)
{
	struct binding *binding = find(bindings, at);
	err_t err;

	assert(binding && binding->taken > 0);
	if (--binding->taken > 0)
		return false;
	binding->closing = false;
	if (binding->reservations == 0 || bindings->ending) {
		discard(bindings, binding);
		return false;
	}
	err = bind_all(bindings, binding);
	if (err)
		log_error("lb", "port %u could not be bound again: %s", at->port, err_words(err));
	return !err && binding->named;
}
