#include "lb/worker.h"

#include <stdlib.h>

#include "lb/lb_internal.h"
#include "lb/listener.h"
#include "lb/queue.h"
#include "lb/stream.h"

enum { WARM_MAX = 256 }; /* idle connections kept to one target by one worker */

/* ---- Holds ---- */

err_t hold_create(struct worker *worker, const struct plan *plan, unsigned sockets_max,
		  struct hold **ret_hold)
{
	struct hold *hold = calloc(1, sizeof *hold);

	if (!hold)
		return ERR_NOMEM;
	hold->balancer_cells = calloc(plan->load_balancer_count + 1u, sizeof(struct cell *));
	hold->group_cells = calloc(plan->group_count + 1u, sizeof(struct cell *));
	hold->sockets = calloc(sockets_max + 1u, sizeof *hold->sockets);
	hold->worker = worker;
	hold->users = 1;
	if (!hold->balancer_cells || !hold->group_cells || !hold->sockets) {
		hold_unref(hold);
		return ERR_NOMEM;
	}
	hold->plan = plan_ref(plan);
	*ret_hold = hold;
	return ERR_OK;
}

void hold_unref(struct hold *hold)
{
	if (!hold || --hold->users)
		return;
	plan_unref(hold->plan);
	free(hold->balancer_cells);
	free(hold->group_cells);
	free(hold->sockets);
	free(hold);
}

/* ---- Life ---- */

enum { HELD_BYTES_MAX = 256 * 1024 * 1024 };

err_t worker_init(struct worker *worker, struct lb *lb, const struct lb_options *options,
		  const struct lb_auth *auth, unsigned index)
{
	*worker = (struct worker){
		.lb = lb,
		.loop = options->workers[index],
		.control = options->control,
		.events = options->events,
		.events_owner = options->owner,
		.invoker = options->invoker,
		.cookie_key = options->cookie_key,
		.index = index,
		.count = options->worker_count,
	};
	worker->held_max = (options->held_bytes_max ? options->held_bytes_max : HELD_BYTES_MAX) /
			   options->worker_count;
	list_init(&worker->listeners);
	list_init(&worker->streams);
	worker->auth = auth;
	TRY(jwks_create(auth->fetcher, worker->loop, &worker->jwks));
	rng_seed(&worker->rng, loop_unix_us(options->control) * 64 + index);
	worker->trace_seed = rng_next(&worker->rng);
	return route_scratch_create(&worker->scratch);
}

void worker_fini(struct worker *worker)
{
	assert(list_empty(&worker->listeners) && list_empty(&worker->streams));
	assert(worker->pools_open == 0);
	hold_unref(worker->hold);
	jwks_destroy(worker->jwks);
	route_scratch_destroy(worker->scratch);
	free(worker->pools);
}

/* ---- Pools ---- */

static void on_pool_count(void *owner, int change)
{
	struct pool *pool = owner;

	if (change > 0)
		metrics_add(&pool->cell->metrics, COUNTER_NEW_CONNECTIONS, 1);
	metrics_gauge(&pool->cell->metrics, GAUGE_ACTIVE_CONNECTIONS, change);
}

static void on_pool_freed(void *owner)
{
	struct pool *pool = owner;
	struct worker *worker = pool->worker;

	target_unref(pool->target);
	meter_unref(pool->meter);
	free(pool);
	if (--worker->pools_open == 0)
		worker_check_stopped(worker);
}

static void drop_pool(struct worker *worker, uint32_t slot)
{
	struct pool *pool = worker->pools[slot];

	worker->pools[slot] = NULL;
	if (pool)
		upstream_destroy(pool->upstream);
}

static err_t make_room(struct worker *worker, uint32_t slot)
{
	uint32_t count = worker->hold->plan->target_slots;
	struct pool **grown;

	if (slot < worker->pool_slots)
		return ERR_OK;
	if (count <= slot)
		count = slot + 1;
	grown = realloc(worker->pools, count * sizeof(struct pool *));
	if (!grown)
		return ERR_NOMEM;
	memset(grown + worker->pool_slots, 0, (count - worker->pool_slots) * sizeof(struct pool *));
	worker->pools = grown;
	worker->pool_slots = count;
	return ERR_OK;
}

static err_t open_pool(const struct hold *hold, const struct plan_group *group,
		       struct target *target, const struct plan_load_balancer *balancer,
		       struct pool **ret_pool)
{
	struct worker *worker = hold->worker;
	struct cell *cell = hold_balancer_cell(hold, balancer);
	struct pool *pool = calloc(1, sizeof *pool);
	bool http2 = group->protocol_version != PROTOCOL_HTTP1;
	struct upstream_options options = {
		.loop = worker->loop,
		.to = target->address,
		.tls = group->https ? plan_group_tls(group, worker->tls) : NULL,
		.http2 = http2,
		.idle_max = WARM_MAX,
		.idle_ms = cell->idle_ms,
		.on_count = on_pool_count,
		.on_freed = on_pool_freed,
		.owner = pool,
	};
	err_t err = pool ? upstream_create(&options, &pool->upstream) : ERR_NOMEM;

	if (err) {
		free(pool);
		return err;
	}
	pool->worker = worker;
	pool->target = target_ref(target);
	/* The number is the plan's, which is const to us; its reference count is not. */
	pool->meter = meter_ref((struct meter *)balancer->meter);
	pool->cell = cell;
	pool->plan_serial = worker->hold->plan->serial;
	worker->pools_open++;
	*ret_pool = pool;
	return ERR_OK;
}

err_t worker_pool(const struct hold *hold, const struct plan_group *group, struct target *target,
		  const struct plan_load_balancer *balancer, struct pool **ret_pool)
{
	struct worker *worker = hold->worker;

	TRY(make_room(worker, target->slot));
	/* A slot is given to another target when its own is gone for good. */
	if (worker->pools[target->slot] && worker->pools[target->slot]->target != target)
		drop_pool(worker, target->slot);
	if (!worker->pools[target->slot])
		TRY(open_pool(hold, group, target, balancer, &worker->pools[target->slot]));
	*ret_pool = worker->pools[target->slot];
	return ERR_OK;
}

/* ---- Swapping plans ---- */

/* One worker says for all what is reserved. */
static void take_reservations(struct hold *hold)
{
	const struct plan *plan = hold->plan;

	for (unsigned i = 0; hold->worker->index == 0 && i < plan->load_balancer_count; i++) {
		struct metrics *metrics = &hold->balancer_cells[i]->metrics;
		int64_t change = (int64_t)plan->load_balancers[i].reserved_units -
				 metrics->gauges[GAUGE_RESERVED_UNITS];

		if (change)
			metrics_gauge(metrics, GAUGE_RESERVED_UNITS, change);
	}
}

static bool take_idle_times(struct hold *hold)
{
	const struct plan *plan = hold->plan;
	bool changed = false;

	for (unsigned i = 0; i < plan->load_balancer_count; i++) {
		struct cell *cell = hold->balancer_cells[i];

		cell->idle_changed = cell->idle_ms != plan->load_balancers[i].idle_ms;
		cell->idle_ms = plan->load_balancers[i].idle_ms;
		changed = changed || cell->idle_changed;
	}
	return changed;
}

/* Existing connections follow too (reference/alb.md §5.7). */
static void apply_idle_times(struct worker *worker)
{
	list_for_each (&worker->listeners, node) {
		struct listener *listener = container_of(node, struct listener, link);

		list_for_each (&listener->clients, at) {
			struct client *client = container_of(at, struct client, link);

			if (client->cell->idle_changed)
				conn_set_idle_ms(client->conn, client->cell->idle_ms);
		}
	}
	list_for_each (&worker->streams, node)
		stream_rearm(stream_from_link(node));
}

static void swap_listeners(struct worker *worker)
{
	struct hold *hold = worker->hold;

	for (unsigned i = 0; i < hold->socket_count; i++) {
		struct listener *listener;
		err_t err = listener_open(worker, &hold->sockets[i].at, hold->sockets[i].fd,
					  &listener);

		if (err)
			lb_note_socket_closed(worker->lb, &hold->sockets[i].at);
	}
	hold->socket_count = 0;
	list_for_each_safe (&worker->listeners, node) {
		struct listener *listener = container_of(node, struct listener, link);

		listener->address = plan_address_at(hold->plan, &listener->bound);
		if (!listener->address)
			listener_close(listener);
	}
}

static void swap_pools(struct worker *worker)
{
	const struct plan *plan = worker->hold->plan;

	for (unsigned g = 0; g < plan->group_count; g++)
		for (unsigned t = 0; t < plan->groups[g].target_count; t++) {
			struct target *target = plan->groups[g].targets[t];
			struct pool *pool = target->slot < worker->pool_slots
						    ? worker->pools[target->slot]
						    : NULL;

			if (!pool || pool->target != target)
				continue;
			pool->plan_serial = plan->serial;
			if (plan->groups[g].https)
				upstream_set_tls(pool->upstream,
						 plan_group_tls(&plan->groups[g], worker->tls));
			upstream_set_idle_max(pool->upstream,
					      target_is_draining(target) ? 0 : WARM_MAX);
			if (pool->cell->idle_changed)
				upstream_set_idle_ms(pool->upstream, pool->cell->idle_ms);
		}
	for (uint32_t slot = 0; slot < worker->pool_slots; slot++)
		if (worker->pools[slot] && worker->pools[slot]->plan_serial != plan->serial)
			drop_pool(worker, slot);
}

void worker_swap(struct worker *worker, struct hold *hold)
{
	struct hold *old = worker->hold;
	bool idle_changed;

	worker->hold = hold;
	take_reservations(hold);
	idle_changed = take_idle_times(hold);
	swap_listeners(worker);
	swap_pools(worker);
	if (idle_changed)
		apply_idle_times(worker);
	queue_wake(worker);
	hold_unref(old);
}

/* ---- Cutting ---- */

/* Streams free themselves as they end, each only itself. */
#define each_stream(worker, stream)                                                    \
	list_for_each_safe (&(worker)->streams, stream##_node_)                        \
		for (struct stream *stream = stream_from_link(stream##_node_); stream; \
		     stream = NULL)

void worker_cut_target(struct worker *worker, const struct target *target)
{
	each_stream(worker, stream) if (stream_is_on(stream, target))
		stream_stop(stream, END_DRAIN_DEADLINE);
}

void worker_cut_load_balancer(struct worker *worker, struct bytes arn)
{
	size_t at = bytes_find(arn, BYTES(":loadbalancer/"));
	struct bytes id = at == SIZE_MAX ? BYTES_NONE
					 : bytes_from(arn, at + sizeof ":loadbalancer/" - 1);

	each_stream(worker, stream) if (stream_is_of(stream, arn)) stream_stop(stream, END_DELETED);
	list_for_each (&worker->listeners, node) {
		struct listener *listener = container_of(node, struct listener, link);

		list_for_each (&listener->clients, at_client) {
			struct client *client = container_of(at_client, struct client, link);

			if (bytes_eq(client->meter->id, id))
				conn_drain(client->conn);
		}
	}
}

/* ---- Stopping ---- */

static void on_stop_deadline(struct timer *timer)
{
	struct worker *worker = container_of(timer, struct worker, stop_timer);

	each_stream(worker, stream) stream_stop(stream, END_SHUTDOWN);
	list_for_each_safe (&worker->listeners, node)
		listener_cut(container_of(node, struct listener, link));
	worker_check_stopped(worker);
}

void worker_stop(struct worker *worker, uint64_t deadline_ms)
{
	if (worker->stopped)
		return;
	worker->stopping = true;
	worker->stop_timer.on_expired = on_stop_deadline;
	timer_set(worker->loop, &worker->stop_timer, deadline_ms);
	list_for_each_safe (&worker->listeners, node)
		listener_close(container_of(node, struct listener, link));
	for (uint32_t slot = 0; slot < worker->pool_slots; slot++)
		if (worker->pools[slot])
			upstream_set_idle_max(worker->pools[slot]->upstream, 0);
	worker_check_stopped(worker);
}

void worker_check_stopped(struct worker *worker)
{
	if (!worker->stopping || !list_empty(&worker->streams) || worker->clients_open)
		return;
	/* Freeing the last pool comes back here, and that inner call may say it first. */
	for (uint32_t slot = 0; slot < worker->pool_slots; slot++)
		drop_pool(worker, slot);
	if (!worker->stopping || worker->pools_open)
		return;
	worker->stopping = false;
	worker->stopped = true;
	timer_cancel(&worker->stop_timer);
	lb_note_stopped(worker->lb);
}
