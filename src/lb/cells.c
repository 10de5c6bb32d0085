#include "lb/cells.h"

#include <stdlib.h>

/* The numbers of one load balancer or target group, a cell for each worker. */
struct meter_cells {
	struct meter *meter;	       /* a reference; NULL: free */
	struct bytes load_balancer_id; /* a group's, as of the newest plan; malloc'ed */
	struct cell **by_worker;
};

static void free_one(const struct cells *all, struct meter_cells *cells)
{
	if (cells->by_worker)
		for (unsigned i = 0; i < all->worker_count; i++)
			free(cells->by_worker[i]);
	free(cells->by_worker);
	free((void *)cells->load_balancer_id.at);
	meter_unref(cells->meter);
	*cells = (struct meter_cells){ 0 };
}

/* Nobody counts there any more but the registry and we know of it. */
static bool is_unused(const struct meter_cells *cells)
{
	return cells->meter && atomic_load_explicit(&cells->meter->refs, memory_order_acquire) == 2;
}

void cells_sweep(struct cells *all)
{
	for (uint32_t slot = 0; slot < all->count; slot++)
		if (is_unused(&all->at[slot]))
			free_one(all, &all->at[slot]);
}

void cells_fini(struct cells *all)
{
	for (uint32_t slot = 0; slot < all->count; slot++)
		free_one(all, &all->at[slot]);
	free(all->at);
	*all = (struct cells){ .worker_count = all->worker_count };
}

static err_t grow(struct cells *all, uint32_t slots)
{
	struct meter_cells *grown;

	if (slots <= all->count)
		return ERR_OK;
	grown = realloc(all->at, slots * sizeof *grown);
	if (!grown)
		return ERR_NOMEM;
	memset(grown + all->count, 0, (slots - all->count) * sizeof *grown);
	all->at = grown;
	all->count = slots;
	return ERR_OK;
}

/* A meter keeps its slot while we hold it, so an entry in use is of the same meter. */
static err_t make_one(struct cells *all, const struct meter *meter)
{
	struct meter_cells *cells = &all->at[meter->slot];

	assert(!cells->meter || cells->meter == meter);
	if (cells->meter)
		return ERR_OK;
	cells->meter = meter_ref((struct meter *)meter);
	cells->by_worker = calloc(all->worker_count, sizeof *cells->by_worker);
	for (unsigned i = 0; cells->by_worker && i < all->worker_count; i++) {
		/* Its own cache lines: workers write here with every request. */
		cells->by_worker[i] = aligned_alloc(64, (sizeof(struct cell) + 63) / 64 * 64);
		if (cells->by_worker[i])
			memset(cells->by_worker[i], 0, sizeof(struct cell));
	}
	for (unsigned i = 0; i < all->worker_count; i++)
		if (!cells->by_worker || !cells->by_worker[i]) {
			free_one(all, cells);
			return ERR_NOMEM;
		}
	return ERR_OK;
}

err_t cells_for_plan(struct cells *all, const struct plan *plan)
{
	TRY(grow(all, plan->meter_slots));
	for (unsigned i = 0; i < plan->load_balancer_count; i++)
		TRY(make_one(all, plan->load_balancers[i].meter));
	for (unsigned i = 0; i < plan->group_count; i++)
		TRY(make_one(all, plan->groups[i].meter));
	return ERR_OK;
}

void cells_note_owners(struct cells *all, const struct plan *plan, const struct lb_config *config)
{
	for (unsigned i = 0; i < plan->group_count; i++) {
		struct meter_cells *cells = &all->at[plan->groups[i].meter->slot];
		struct bytes id = config->target_groups[i].load_balancer_id;
		char *copy;

		if (bytes_eq(cells->load_balancer_id, id))
			continue;
		copy = bytes_dup(id);
		if (!copy)
			continue; /* told with the old one until the next plan */
		free((void *)cells->load_balancer_id.at);
		cells->load_balancer_id = bytes_make(copy, id.len);
	}
}

void cells_each(const struct cells *all,
		void (*row)(void *owner, struct bytes load_balancer_id,
			    struct bytes target_group_id, const struct metrics *sum),
		void *owner)
{
	for (uint32_t slot = 0; slot < all->count; slot++) {
		const struct meter_cells *cells = &all->at[slot];
		struct metrics sum = { 0 };

		if (!cells->meter)
			continue;
		for (unsigned i = 0; i < all->worker_count; i++)
			metrics_sum(&sum, &cells->by_worker[i]->metrics);
		if (bytes_starts(cells->meter->id, BYTES("targetgroup/")))
			row(owner, cells->load_balancer_id, cells->meter->id, &sum);
		else
			row(owner, cells->meter->id, BYTES_NONE, &sum);
	}
}

struct cell *cells_of(const struct cells *all, const struct meter *meter, unsigned worker)
{
	return all->at[meter->slot].by_worker[worker];
}
