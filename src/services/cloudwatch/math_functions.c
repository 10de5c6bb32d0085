/*
 * math_functions: the table of functions, and those that look at lists and times.
 */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "services/cloudwatch/math_internal.h"

static err_t compute_metrics(struct math_computing *, const struct math_node *,
			     const struct math_value *, struct math_value *);
static err_t compute_search(struct math_computing *, const struct math_node *,
			    const struct math_value *, struct math_value *);
static err_t compute_pick(struct math_computing *, const struct math_node *,
			  const struct math_value *, struct math_value *);
static err_t compute_slice(struct math_computing *, const struct math_node *,
			   const struct math_value *, struct math_value *);
static err_t compute_sort(struct math_computing *, const struct math_node *,
			  const struct math_value *, struct math_value *);
static err_t compute_remove_empty(struct math_computing *, const struct math_node *,
				  const struct math_value *, struct math_value *);
static err_t compute_count(struct math_computing *, const struct math_node *,
			   const struct math_value *, struct math_value *);
static err_t compute_period(struct math_computing *, const struct math_node *,
			    const struct math_value *, struct math_value *);
static err_t compute_constant(struct math_computing *, const struct math_node *,
			      const struct math_value *, struct math_value *);
static err_t compute_time(struct math_computing *, const struct math_node *,
			  const struct math_value *, struct math_value *);

static const struct math_function functions[] = {
	{ "SUM", "a", 1, GIVES_FOLD, math_fold_value, NULL },
	{ "AVG", "a", 1, GIVES_FOLD, math_fold_value, NULL },
	{ "MIN", "a", 1, GIVES_FOLD, math_fold_value, NULL },
	{ "MAX", "a", 1, GIVES_FOLD, math_fold_value, NULL },
	{ "DATAPOINT_COUNT", "a", 1, GIVES_FOLD, math_fold_value, NULL },
	{ "STDDEV", "a", 1, GIVES_FOLD, math_fold_value, NULL },
	{ "ABS", "x", 1, GIVES_SAME, math_map, NULL },
	{ "CEIL", "x", 1, GIVES_SAME, math_map, NULL },
	{ "FLOOR", "x", 1, GIVES_SAME, math_map, NULL },
	{ "LOG", "x", 1, GIVES_SAME, math_map, NULL },
	{ "LOG10", "x", 1, GIVES_SAME, math_map, NULL },
	{ "RATE", "a", 1, GIVES_SAME, math_map, NULL },
	{ "DIFF", "a", 1, GIVES_SAME, math_map, NULL },
	{ "DIFF_TIME", "a", 1, GIVES_SAME, math_map, NULL },
	{ "RUNNING_SUM", "a", 1, GIVES_SAME, math_map, NULL },
	{ "IF", "vvv", 2, GIVES_MIX, math_if, NULL },
	{ "FILL", "af", 2, GIVES_SAME, math_fill, NULL },
	{ "METRICS", "t", 0, GIVES_LIST, compute_metrics, NULL },
	{ "SEARCH", "ttn", 2, GIVES_LIST, compute_search, NULL },
	{ "METRIC_COUNT", "l", 1, GIVES_NUMBER, compute_count, NULL },
	{ "FIRST", "l", 1, GIVES_SERIES, compute_pick, NULL },
	{ "LAST", "l", 1, GIVES_SERIES, compute_pick, NULL },
	{ "REMOVE_EMPTY", "l", 1, GIVES_LIST, compute_remove_empty, NULL },
	{ "SLICE", "lnn", 2, GIVES_LIST, compute_slice, NULL },
	{ "SORT", "lwwn", 3, GIVES_LIST, compute_sort, NULL },
	{ "PERIOD", "s", 1, GIVES_NUMBER, compute_period, NULL },
	{ "TIME_SERIES", "n", 1, GIVES_SERIES, compute_constant, NULL },
	{ "MINUTE", "s", 1, GIVES_SERIES, compute_time, NULL },
	{ "HOUR", "s", 1, GIVES_SERIES, compute_time, NULL },
	{ "DAY", "s", 1, GIVES_SERIES, compute_time, NULL },
	{ "DATE", "s", 1, GIVES_SERIES, compute_time, NULL },
	{ "MONTH", "s", 1, GIVES_SERIES, compute_time, NULL },
	{ "YEAR", "s", 1, GIVES_SERIES, compute_time, NULL },
	{ "EPOCH", "s", 1, GIVES_SERIES, compute_time, NULL },
	{ .name = "ANOMALY_DETECTION_BAND",
	  .takes = "",
	  .refusal = "nothing learns what is normal; compare with a threshold" },
	{ .name = "SERVICE_QUOTA", .takes = "", .refusal = "there are no usage metrics" },
	{ .name = "INSIGHT_RULE_METRIC", .takes = "", .refusal = "there are no insight rules" },
	{ .name = "DB_PERF_INSIGHTS", .takes = "", .refusal = "there are no databases to ask" },
	{ .name = "LAMBDA", .takes = "", .refusal = "there are no data sources beside metrics" },
};

const struct math_function *math_function(struct bytes name)
{
	for (size_t i = 0; i < COUNT(functions); i++)
		if (bytes_eq_str(name, functions[i].name))
			return &functions[i];
	return NULL;
}

static bool calls(const struct math_node *node, math_compute_fn compute)
{
	return node->kind == NODE_CALL && node->function->compute == compute;
}

bool math_uses_all(const struct math_node *root)
{
	if (calls(root, compute_metrics))
		return true;
	for (size_t i = 0; i < root->count; i++)
		if (math_uses_all(root->arguments[i]))
			return true;
	return false;
}

/* ---- Where lists come from ---- */

static err_t compute_metrics(struct math_computing *c, const struct math_node *node,
			     const struct math_value *arguments, struct math_value *ret_value)
{
	struct bytes part = node->count ? node->arguments[0]->text : BYTES_NONE;
	size_t count = 0;

	(void)arguments;
	TRY(math_make_lines(c, 0, MATH_LIST, ret_value));
	ret_value->lines = arena_array(c->arena, c->grid->series_count + 1,
				       sizeof *ret_value->lines);
	if (!ret_value->lines)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->grid->series_count; i++) {
		const struct math_series *series = &c->grid->series[i];
		struct math_line *line = &ret_value->lines[count];

		if (!series->is_metric || (part.len && bytes_find(series->id, part) == SIZE_MAX))
			continue;
		line->slots = math_new_slots(c);
		if (!line->slots)
			return ERR_NOMEM;
		memcpy(line->slots, series->lines[0].slots, c->grid->count * sizeof(double));
		line->origin = series->lines[0].origin;
		count++;
	}
	ret_value->count = count;
	return ERR_OK;
}

/* A period is written as a number; anything else has none, and is refused when it is computed. */
struct math_search math_search_of(const struct math_node *call)
{
	struct math_search search = { .query = call->arguments[0]->text,
				      .stat = call->arguments[1]->text };
	double period_s = call->count > 2 && call->arguments[2]->kind == NODE_NUMBER
				  ? call->arguments[2]->number
				  : 0;

	if (period_s >= 1 && period_s <= INT32_MAX)
		search.period_s = (int64_t)period_s;
	return search;
}

void math_each_search(const struct math_node *root,
		      void (*each)(void *owner, const struct math_search *search), void *owner)
{
	if (calls(root, compute_search)) {
		struct math_search search = math_search_of(root);

		each(owner, &search);
	}
	for (size_t i = 0; i < root->count; i++)
		math_each_search(root->arguments[i], each, owner);
}

static err_t compute_search(struct math_computing *c, const struct math_node *node,
			    const struct math_value *arguments, struct math_value *ret_value)
{
	struct math_search search = math_search_of(node);

	(void)arguments;
	if (!c->grid->search)
		return math_refuse(c->why, "SEARCH is not supported here");
	if (node->count > 2 && search.period_s != c->grid->period_s)
		return math_refuse(c->why,
				   "the period of SEARCH has to be a number of seconds, the "
				   "same in all of the expression");
	*ret_value = (struct math_value){ .type = MATH_LIST };
	return c->grid->search(c->grid->owner, &search, &ret_value->lines, &ret_value->count,
			       c->why);
}

/* ---- What becomes of lists ---- */

static err_t compute_pick(struct math_computing *c, const struct math_node *node,
			  const struct math_value *arguments, struct math_value *ret_value)
{
	const struct math_value *list = &arguments[0];
	bool first = strcmp(node->function->name, "FIRST") == 0;

	if (list->count) {
		*ret_value = (struct math_value){
			.type = MATH_SERIES,
			.lines = first ? list->lines : &list->lines[list->count - 1],
			.count = 1,
		};
		return ERR_OK;
	}
	TRY(math_make_lines(c, 1, MATH_SERIES, ret_value));
	for (size_t i = 0; i < c->grid->count; i++)
		ret_value->lines[0].slots[i] = (double)NAN;
	return ERR_OK;
}

/* A place in a list: cut to where the list ends. NaN, of an empty series, is the start. */
static size_t place(double number, size_t count)
{
	if (!(number > 0))
		return 0;
	return number < (double)count ? (size_t)number : count;
}

static err_t compute_slice(struct math_computing *c, const struct math_node *node,
			   const struct math_value *arguments, struct math_value *ret_value)
{
	const struct math_value *list = &arguments[0];
	size_t from = place(arguments[1].number, list->count);
	size_t to = node->count > 2 ? place(arguments[2].number, list->count) : list->count;

	(void)c;
	*ret_value = (struct math_value){
		.type = MATH_LIST,
		.lines = list->lines + from,
		.count = to > from ? to - from : 0,
	};
	return ERR_OK;
}

static err_t compute_remove_empty(struct math_computing *c, const struct math_node *node,
				  const struct math_value *arguments, struct math_value *ret_value)
{
	(void)node;
	*ret_value = arguments[0];
	ret_value->count = 0;
	for (size_t l = 0; l < arguments[0].count; l++)
		if (math_fold("DATAPOINT_COUNT", arguments[0].lines[l].slots, c->grid->count) > 0)
			ret_value->lines[ret_value->count++] = arguments[0].lines[l];
	return ERR_OK;
}

struct ranked {
	struct math_line line;
	double value; /* NaN: it has no points, and comes last either way */
	size_t place; /* before; equals stay in order */
	bool down;
};

static int by_rank(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	bool no_a = isnan(a->value), no_b = isnan(b->value);

	if (no_a != no_b)
		return no_a ? 1 : -1;
	if (!no_a && a->value != b->value)
		return (a->value < b->value) != a->down ? -1 : 1;
	return a->place < b->place ? -1 : 1;
}

static err_t sort_words(struct math_computing *c, const struct math_node *node,
			const char **ret_fold, bool *ret_down)
{
	static const char *const folds[] = { "AVG", "MIN", "MAX", "SUM" };
	struct bytes fold = node->arguments[1]->text, order = node->arguments[2]->text;

	*ret_fold = NULL;
	for (size_t i = 0; i < COUNT(folds); i++)
		if (bytes_eq_str(fold, folds[i]))
			*ret_fold = folds[i];
	*ret_down = bytes_eq_str(order, "DESC");
	if (!*ret_fold || (!*ret_down && !bytes_eq_str(order, "ASC")))
		return math_refuse(c->why, "SORT takes a list, one of AVG, MIN, MAX and SUM, and "
					   "ASC or DESC");
	return ERR_OK;
}

static err_t compute_sort(struct math_computing *c, const struct math_node *node,
			  const struct math_value *arguments, struct math_value *ret_value)
{
	const struct math_value *list = &arguments[0];
	struct ranked *ranked = arena_array(c->arena, list->count + 1, sizeof *ranked);
	const char *fold;
	bool down;

	if (!ranked)
		return ERR_NOMEM;
	TRY(sort_words(c, node, &fold, &down));
	for (size_t l = 0; l < list->count; l++)
		ranked[l] = (struct ranked){
			.line = list->lines[l],
			.value = math_fold(fold, list->lines[l].slots, c->grid->count),
			.place = l,
			.down = down,
		};
	qsort(ranked, list->count, sizeof *ranked, by_rank);
	*ret_value = *list;
	for (size_t l = 0; l < list->count; l++)
		ret_value->lines[l] = ranked[l].line;
	if (node->count > 3)
		ret_value->count = place(arguments[3].number, list->count);
	return ERR_OK;
}

/* ---- Numbers, constants, times ---- */

static err_t compute_count(struct math_computing *c, const struct math_node *node,
			   const struct math_value *arguments, struct math_value *ret_value)
{
	(void)c;
	(void)node;
	*ret_value = (struct math_value){ .number = (double)arguments[0].count };
	return ERR_OK;
}

static err_t compute_period(struct math_computing *c, const struct math_node *node,
			    const struct math_value *arguments, struct math_value *ret_value)
{
	(void)node;
	(void)arguments;
	*ret_value = (struct math_value){ .number = (double)c->grid->period_s };
	return ERR_OK;
}

static err_t compute_constant(struct math_computing *c, const struct math_node *node,
			      const struct math_value *arguments, struct math_value *ret_value)
{
	(void)node;
	TRY(math_make_lines(c, 1, MATH_SERIES, ret_value));
	for (size_t i = 0; i < c->grid->count; i++)
		ret_value->lines[0].slots[i] = arguments[0].number;
	return ERR_OK;
}

/* In UTC; Monday is 1 and Sunday 7. */
static double part_of(const char *name, int64_t at_s)
{
	time_t time = (time_t)at_s;
	struct tm parts;

	if (strcmp(name, "EPOCH") == 0 || !gmtime_r(&time, &parts))
		return (double)at_s;
	if (strcmp(name, "MINUTE") == 0)
		return parts.tm_min;
	if (strcmp(name, "HOUR") == 0)
		return parts.tm_hour;
	if (strcmp(name, "DAY") == 0)
		return parts.tm_wday ? parts.tm_wday : 7;
	if (strcmp(name, "DATE") == 0)
		return parts.tm_mday;
	return strcmp(name, "MONTH") == 0 ? parts.tm_mon + 1 : parts.tm_year + 1900;
}

/* Of each slot's begin, also of those without a point. */
static err_t compute_time(struct math_computing *c, const struct math_node *node,
			  const struct math_value *arguments, struct math_value *ret_value)
{
	(void)arguments;
	TRY(math_make_lines(c, 1, MATH_SERIES, ret_value));
	for (size_t i = 0; i < c->grid->count; i++)
		ret_value->lines[0].slots[i] = part_of(
			node->function->name, c->grid->start_s + (int64_t)i * c->grid->period_s);
	return ERR_OK;
}
