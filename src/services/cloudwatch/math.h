/*
 * math: metric math: an expression over queries, parsed once, computed over a grid of times.
 *
 *   m1 + m2 * 100     IF(m1 > 10, m1, 0)     SUM(METRICS())     RATE(FILL(m1, 0))
 *
 * A value is a number, a series (one slot per time of the grid, NaN where there is no point) or a
 * list of series. Pure; everything lives in the caller's arena.
 */
#ifndef SERVICES_CLOUDWATCH_MATH_H
#define SERVICES_CLOUDWATCH_MATH_H

#include "base/arena.h"
#include "base/text.h"

struct math_node;

/* ERR_SYNTAX with a sentence in `why`, ERR_NOMEM. `text` is borrowed as long as the tree. */
err_t math_parse(struct arena *arena, struct bytes text, const struct math_node **ret_root,
		 struct text *why);

/* Calls `each` for every id that the expression names. */
void math_each_id(const struct math_node *root, void (*each)(void *owner, struct bytes id),
		  void *owner);
bool math_uses_all(const struct math_node *root); /* METRICS() */

struct math_series {
	struct bytes id;
	double *slots;	/* grid.count of them */
	bool is_metric; /* counts for METRICS() */
};

struct math_grid {
	int64_t period_s;
	size_t count;
	const struct math_series *series;
	size_t series_count;
};

struct math_value {
	bool scalar;
	bool is_list; /* made by [ ] or METRICS(): folds go across it, not along it */
	double number;
	double **lists; /* `count` arrays of grid.count slots */
	size_t count;
};

/* ERR_INVALID with a sentence in `why`: an unknown id, a list where a series belongs. */
err_t math_compute(struct arena *arena, const struct math_node *root, const struct math_grid *grid,
		   struct math_value *ret_value, struct text *why);

#endif
