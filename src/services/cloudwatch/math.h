/*
 * math: metric math: an expression over queries, parsed once, computed over a grid of times.
 *
 *   m1 + m2 * 100     IF(m1 > 10, m1, 0)     SUM(METRICS())     SLICE(SORT(METRICS(), AVG, DESC),
 * 3)
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

struct math_search {
	struct bytes query, stat; /* SEARCH's words: search.h, a statistic */
	int64_t period_s;	  /* 0: it says none */
};
/* Calls `each` for every SEARCH in it. */
void math_each_search(const struct math_node *root,
		      void (*each)(void *owner, const struct math_search *search), void *owner);

enum math_type { MATH_NUMBER, MATH_SERIES, MATH_LIST };

/*
 * What the expression comes to, before there are data. `type_of` tells the type of an id, ERR_AGAIN
 * when it is not known yet (passed on), ERR_NOT_FOUND when there is none. ERR_INVALID with a
 * sentence in `why`: a list where a series belongs.
 */
err_t math_check(const struct math_node *root,
		 err_t (*type_of)(void *owner, struct bytes id, enum math_type *ret_type),
		 void *owner, enum math_type *ret_type, struct text *why);

struct math_line {
	double *slots; /* grid.count of them */
	const void
		*origin; /* the caller's, of the metric it is made of; NULL: of several, or none */
};

struct math_series { /* what an id stands for */
	struct bytes id;
	struct math_line *lines;
	size_t count;
	enum math_type type; /* MATH_SERIES (one line) or MATH_LIST */
	bool is_metric;	     /* counts for METRICS() */
};

struct math_grid {
	int64_t start_s, period_s; /* Unix time of the first slot */
	size_t count;
	const struct math_series *series;
	size_t series_count;
	/* The lines that SEARCH finds; NULL: it is refused. Errors other than ERR_NOMEM have words.
	 */
	err_t (*search)(void *owner, const struct math_search *search, struct math_line **ret_lines,
			size_t *ret_count, struct text *why);
	void *owner;
};

struct math_value {
	enum math_type type;
	double number;
	struct math_line *lines; /* `count` of them; one of a series */
	size_t count;
};

/* ERR_INVALID with a sentence in `why`: an unknown id, a list where a series belongs. */
err_t math_compute(struct arena *arena, const struct math_node *root, const struct math_grid *grid,
		   struct math_value *ret_value, struct text *why);

#endif
