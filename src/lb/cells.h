/*
 * cells: the numbers of load balancers and target groups, a cell for each worker, the same from
 * plan to plan. The control thread makes and frees them and sums; workers write what holds hand
 * them.
 */
#ifndef LB_CELLS_H
#define LB_CELLS_H

#include "lb/worker.h"

struct meter_cells;

struct cells {			/* zeroed but for worker_count */
	struct meter_cells *at; /* by meter slot */
	uint32_t count;
	unsigned worker_count;
};

/* All that the plan names; what is there stays. ERR_NOMEM. */
err_t cells_for_plan(struct cells *cells, const struct plan *plan);
/* Which load balancer a group's numbers are told with: as the plan's config says. */
void cells_note_owners(struct cells *cells, const struct plan *plan,
		       const struct lb_config *config);
struct cell *cells_of(const struct cells *cells, const struct meter *meter, unsigned worker);
/* Summed over the workers, as lb_each_metrics. */
void cells_each(const struct cells *cells,
		void (*row)(void *owner, struct bytes load_balancer_id,
			    struct bytes target_group_id, const struct metrics *sum),
		void *owner);
void cells_sweep(struct cells *cells); /* frees those that nobody else knows of any more */
void cells_fini(struct cells *cells);

#endif
