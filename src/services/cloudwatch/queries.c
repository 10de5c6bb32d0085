/*
 * queries: MetricDataQueries: metrics and expressions over them, computed in the order that they
 * need each other. GetMetricData shows the results, alarms watch them.
 */
#include <math.h>

#include "services/cloudwatch/cloudwatch_internal.h"
#include "services/cloudwatch/math.h"

enum { DEFAULT_PERIOD_S = 300 };

static bool is_id(const char *id)
{
	return id[0] >= 'a' && id[0] <= 'z' &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
		       strlen(id);
}

static int64_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* ---- Checks that need no data ---- */

static err_t check_stat(struct api_call *call, const json_t *stat)
{
	const json_t *metric = json_object_get(stat, "Metric");
	struct stat_kind kind;

	if (!cw_text(metric, "MetricName")[0] || !cw_text(metric, "Namespace")[0])
		return api_fault(call, "ValidationError",
				 "A metric needs a Namespace and a MetricName");
	if (!stat_parse(cw_text(stat, "Stat"), &kind))
		return api_fault(
			call, "ValidationError",
			"The value '%.100s' for Stat is not supported: SampleCount, Average, "
			"Sum, Minimum, Maximum and percentiles (p99.9) are",
			cw_text(stat, "Stat"));
	if (!cw_period_valid(integer_of(stat, "Period")))
		return api_fault(call, "ValidationError",
				 "Period must be 1, 5, 10, 20, 30 or a multiple of 60");
	return ERR_OK;
}

static err_t check_expression(struct api_call *call, const char *expression)
{
	const struct math_node *root;
	struct text why = TEXT_INIT(512);
	err_t err;

	if (strncmp(expression, "SELECT", 6) == 0 || strstr(expression, "SEARCH("))
		return api_fault(call, "ValidationError",
				 "Error in expression: SEARCH and SELECT are not supported here");
	err = math_parse(call->arena, bytes_of(expression), &root, &why);
	if (err == ERR_SYNTAX)
		err = api_fault(call, "ValidationError", "Error in expression '%.200s': %s",
				expression, text_str(&why));
	text_fini(&why);
	return err;
}

err_t cw_queries_check(struct api_call *call, const json_t *queries)
{
	const json_t *query, *earlier;
	size_t i, j;

	json_array_foreach (queries, i, query) {
		const char *id = cw_text(query, "Id"), *expression = cw_text(query, "Expression");
		const json_t *stat = json_object_get(query, "MetricStat");

		if (!is_id(id))
			return api_fault(call, "ValidationError",
					 "The value '%.100s' for Id is not matching the expected "
					 "pattern ^[a-z][a-zA-Z0-9_]*$",
					 id);
		for (j = 0; j < i; j++) {
			earlier = json_array_get(queries, j);
			if (strcmp(cw_text(earlier, "Id"), id) == 0)
				return api_fault(call, "ValidationError",
						 "The values for parameter id in MetricDataQueries "
						 "are not unique.");
		}
		if (!stat == !expression[0])
			return api_fault(call, "ValidationError",
					 "A query needs either a MetricStat or an Expression");
		if (integer_of(query, "Period") && !cw_period_valid(integer_of(query, "Period")))
			return api_fault(call, "ValidationError",
					 "Period must be 1, 5, 10, 20, 30 or a multiple of 60");
		TRY(stat ? check_stat(call, stat) : check_expression(call, expression));
	}
	return ERR_OK;
}

/* ---- Metrics ---- */

static size_t slots_of(const struct query_range *range, int64_t period_s)
{
	int64_t start = range->exact ? range->from_s : range->from_s - range->from_s % period_s;

	return range->to_s > start ? (size_t)((range->to_s - start + period_s - 1) / period_s) : 0;
}

static err_t run_metric(const struct cloudwatch *cw, struct arena *arena,
			const struct query_range *range, struct query_result *result)
{
	const json_t *stat = json_object_get(result->query, "MetricStat");
	const char *unit = cw_text(stat, "Unit");
	int64_t start = range->from_s - (range->exact ? 0 : range->from_s % result->period_s);
	size_t count = slots_of(range, result->period_s);
	struct metric_ref ref;
	struct stat_kind kind;

	result->slots = arena_array(arena, count + 1, sizeof *result->slots);
	result->samples = arena_array(arena, count + 1, sizeof *result->samples);
	if (!result->slots || !result->samples || !stat_parse(cw_text(stat, "Stat"), &kind))
		return ERR_NOMEM;
	TRY(cw_find(cw, json_object_get(stat, "Metric"), unit[0] ? unit : NULL, &ref));
	for (size_t i = 0; i < count; i++) {
		struct point point;
		bool present;

		TRY(cw_collect(&ref, start + (int64_t)i * result->period_s, result->period_s,
			       &point, &present));
		result->slots[i] = present ? stat_value(&point, &kind) : (double)NAN;
		result->samples[i] = point.count;
		point_fini(&point);
	}
	result->computed = true;
	return ERR_OK;
}

/* ---- Expressions ---- */

struct needing {
	struct query_result *results;
	size_t count;
	bool all_there;
	int64_t period_s; /* the longest of those it names; 0: none yet */
	bool mixed;
};

static void need(struct needing *needing, const struct query_result *result)
{
	if (!result->computed) {
		needing->all_there = false;
		return;
	}
	needing->mixed = needing->mixed ||
			 (needing->period_s && needing->period_s != result->period_s);
	needing->period_s = result->period_s;
}

static void need_id(void *owner, struct bytes id)
{
	struct needing *needing = owner;

	for (size_t i = 0; i < needing->count; i++)
		if (bytes_eq_str(id, cw_text(needing->results[i].query, "Id")))
			need(needing, &needing->results[i]);
}

static err_t spread(struct arena *arena, const struct math_value *value, size_t count,
		    double **ret_slots)
{
	double *slots;

	if (!value->scalar) {
		*ret_slots = value->lists[0];
		return ERR_OK;
	}
	slots = arena_array(arena, count + 1, sizeof *slots);
	if (!slots)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++)
		slots[i] = value->number;
	*ret_slots = slots;
	return ERR_OK;
}

static err_t compute(struct arena *arena, const struct math_node *root, struct needing *needing,
		     size_t slots, struct query_result *result, struct text *why)
{
	struct math_series *series = arena_array(arena, needing->count + 1, sizeof *series);
	struct math_grid grid = { .period_s = result->period_s, .count = slots, .series = series };
	struct math_value value;

	if (!series)
		return ERR_NOMEM;
	for (size_t i = 0; i < needing->count; i++) {
		const struct query_result *other = &needing->results[i];

		if (other->computed && other->period_s == result->period_s)
			series[grid.series_count++] =
				(struct math_series){ bytes_of(cw_text(other->query, "Id")),
						      other->slots, other->samples != NULL };
	}
	TRY(math_compute(arena, root, &grid, &value, why));
	if (!value.scalar && value.count != 1) {
		text_add_str(why,
			     "the expression gives several series; fold them with SUM, AVG, MIN "
			     "or MAX");
		return ERR_INVALID;
	}
	TRY(spread(arena, &value, slots, &result->slots));
	result->computed = true;
	return ERR_OK;
}

/* ERR_AGAIN: what it names is not computed yet. */
static err_t run_expression(struct arena *arena, struct needing *needing,
			    const struct query_range *range, struct query_result *result,
			    struct text *why)
{
	const struct math_node *root;

	TRY(math_parse(arena, bytes_of(cw_text(result->query, "Expression")), &root, why));
	math_each_id(root, need_id, needing);
	for (size_t i = 0; math_uses_all(root) && i < needing->count; i++)
		if (json_object_get(needing->results[i].query, "MetricStat"))
			need(needing, &needing->results[i]);
	if (!needing->all_there)
		return ERR_AGAIN;
	if (needing->mixed) {
		text_add_str(why, "the metrics of one expression need the same period");
		return ERR_INVALID;
	}
	result->period_s = integer_of(result->query, "Period");
	if (needing->period_s)
		result->period_s = needing->period_s;
	else if (!result->period_s)
		result->period_s = DEFAULT_PERIOD_S;
	return compute(arena, root, needing, slots_of(range, result->period_s), result, why);
}

err_t cw_queries_run(const struct cloudwatch *cw, struct arena *arena, const json_t *queries,
		     const struct query_range *range, struct query_result *results,
		     struct text *why)
{
	size_t count = json_array_size(queries), left = 0, before;

	for (size_t i = 0; i < count; i++) {
		const json_t *stat;

		results[i] = (struct query_result){ .query = json_array_get(queries, i) };
		stat = json_object_get(results[i].query, "MetricStat");
		results[i].period_s = integer_of(stat, "Period");
		if (stat)
			TRY(run_metric(cw, arena, range, &results[i]));
		else
			left++;
	}
	/* Expressions may name each other; a round that computes none has found a circle. */
	do {
		before = left;
		for (size_t i = 0; i < count; i++) {
			struct needing needing = { results, count, true, 0, false };
			err_t err;

			if (results[i].computed)
				continue;
			err = run_expression(arena, &needing, range, &results[i], why);
			if (err && err != ERR_AGAIN)
				return err;
			left -= !err;
		}
	} while (left && left < before);
	if (left) {
		text_add_str(why, "the expressions refer to each other in a circle");
		return ERR_INVALID;
	}
	return ERR_OK;
}
