/*
 * queries: MetricDataQueries: metrics and expressions over them, computed in the order that they
 * need each other. GetMetricData shows the results, alarms watch them.
 */
#include <math.h>

#include "services/cloudwatch/cloudwatch_internal.h"

enum {
	DEFAULT_PERIOD_S = 300,
	GRID_SLOTS_MAX = 200000, /* of one query, present or not */
};

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
			"The value '%.100s' for Stat is not supported: there are SampleCount, "
			"Average, Sum, Minimum, Maximum, " STAT_EXTENDED_WORDS,
			cw_text(stat, "Stat"));
	if (!cw_period_valid(integer_of(stat, "Period")))
		return api_fault(call, "ValidationError",
				 "Period must be 1, 5, 10, 20, 30 or a multiple of 60");
	return ERR_OK;
}

struct search_checking {
	struct arena *arena;
	struct text *why;
	unsigned count;
	err_t err;
};

static void check_search(void *owner, const struct math_search *search)
{
	struct search_checking *checking = owner;

	checking->count++;
	if (!checking->err)
		checking->err = cw_search_check(checking->arena, search, checking->why);
}

static err_t bad_expression(struct api_call *call, const char *expression, const char *what)
{
	return api_fault(call, "ValidationError", "Error in expression '%.200s': %s", expression,
			 what);
}

static err_t check_expression(struct api_call *call, const char *expression, enum query_use use,
			      const struct math_node **ret_root)
{
	struct text why = TEXT_INIT(512);
	struct search_checking checking = { .arena = call->arena, .why = &why };
	err_t err;

	if (strncmp(expression, "SELECT", 6) == 0)
		return api_fault(call, "ValidationError",
				 "Error in expression: Metrics Insights queries (SELECT) are not "
				 "supported here; SEARCH is");
	err = math_parse(call->arena, bytes_of(expression), ret_root, &why);
	if (!err) {
		math_each_search(*ret_root, check_search, &checking);
		err = checking.err;
	}
	if (!err && checking.count && use == QUERIES_WATCHED)
		err = api_fault(call, "ValidationError",
				"SEARCH is not supported on Metric Alarms.");
	else if (err == ERR_SYNTAX || err == ERR_INVALID)
		err = bad_expression(call, expression, text_str(&why));
	text_fini(&why);
	return err;
}

static err_t check_label(struct api_call *call, const json_t *query)
{
	struct text why = TEXT_INIT(512);
	err_t err = label_check(bytes_of(cw_text(query, "Label")), &why);

	if (err)
		err = api_fault(call, "ValidationError", "%s", text_str(&why));
	text_fini(&why);
	return err;
}

static err_t check_query(struct api_call *call, const json_t *query, enum query_use use,
			 const struct math_node **ret_root)
{
	const char *id = cw_text(query, "Id"), *expression = cw_text(query, "Expression");
	const char *account = cw_text(query, "AccountId");
	const json_t *stat = json_object_get(query, "MetricStat");

	if (!is_id(id))
		return api_fault(call, "ValidationError",
				 "The value '%.100s' for Id is not matching the expected pattern "
				 "^[a-z][a-zA-Z0-9_]*$",
				 id);
	if (!stat == !expression[0])
		return api_fault(call, "ValidationError",
				 "A query needs either a MetricStat or an Expression");
	if (integer_of(query, "Period") && !cw_period_valid(integer_of(query, "Period")))
		return api_fault(call, "ValidationError",
				 "Period must be 1, 5, 10, 20, 30 or a multiple of 60");
	if (account[0] && strcmp(account, cloudwatch_of(call)->options.account) != 0)
		return api_fault(call, "ValidationError",
				 "The account %.20s is not linked: this Weir has the metrics of "
				 "%.20s only",
				 account, cloudwatch_of(call)->options.account);
	TRY(check_label(call, query));
	return stat ? check_stat(call, stat) : check_expression(call, expression, use, ret_root);
}

/* ---- What the expressions come to ---- */

struct typing {
	const json_t *queries;
	const struct math_node **roots; /* NULL: a metric */
	enum math_type *types;
	bool *known;
};

static err_t type_of(void *owner, struct bytes id, enum math_type *ret_type)
{
	const struct typing *typing = owner;
	const json_t *query;
	size_t i;

	json_array_foreach (typing->queries, i, query) {
		if (!bytes_eq_str(id, cw_text(query, "Id")))
			continue;
		*ret_type = typing->types[i];
		return typing->known[i] ? ERR_OK : ERR_AGAIN;
	}
	return ERR_NOT_FOUND;
}

static err_t check_type(struct api_call *call, struct typing *typing, size_t i, enum query_use use)
{
	const json_t *query = json_array_get(typing->queries, i);
	const char *expression = cw_text(query, "Expression");
	bool shown = !json_is_false(json_object_get(query, "ReturnData"));
	struct text why = TEXT_INIT(512);
	err_t err = math_check(typing->roots[i], type_of, typing, &typing->types[i], &why);

	if (err == ERR_INVALID)
		err = bad_expression(call, expression, text_str(&why));
	else if (!err && typing->types[i] == MATH_NUMBER)
		err = bad_expression(call, expression,
				     "it comes to a number, not to a series; TIME_SERIES() makes "
				     "a series of a number");
	else if (!err && shown && use == QUERIES_WATCHED && typing->types[i] == MATH_LIST)
		err = bad_expression(call, expression,
				     "an alarm needs one series and this is a list; SUM, MAX, "
				     "FIRST and their like make one of it");
	text_fini(&why);
	typing->known[i] = !err;
	return err;
}

/* Expressions may name each other; a round that types none has found a circle. */
static err_t check_types(struct api_call *call, struct typing *typing, enum query_use use)
{
	size_t count = json_array_size(typing->queries), left = 0, before;

	for (size_t i = 0; i < count; i++) {
		typing->types[i] = MATH_SERIES;
		typing->known[i] = !typing->roots[i];
		left += !typing->known[i];
	}
	do {
		before = left;
		for (size_t i = 0; i < count; i++) {
			err_t err = typing->known[i] ? ERR_AGAIN : check_type(call, typing, i, use);

			if (err && err != ERR_AGAIN)
				return err;
			left -= !err;
		}
	} while (left && left < before);
	if (!left)
		return ERR_OK;
	return api_fault(call, "ValidationError",
			 "Error in expression: the expressions refer to each other in a circle");
}

err_t cw_queries_check(struct api_call *call, const json_t *queries, enum query_use use)
{
	size_t count = json_array_size(queries);
	struct typing typing = {
		.queries = queries,
		.roots = arena_array(call->arena, count + 1, sizeof *typing.roots),
		.types = arena_array(call->arena, count + 1, sizeof *typing.types),
		.known = arena_array(call->arena, count + 1, sizeof *typing.known),
	};
	const json_t *query;
	size_t i;

	if (!typing.roots || !typing.types || !typing.known)
		return ERR_NOMEM;
	json_array_foreach (queries, i, query) {
		for (size_t j = 0; j < i; j++)
			if (strcmp(cw_text(json_array_get(queries, j), "Id"),
				   cw_text(query, "Id")) == 0)
				return api_fault(call, "ValidationError",
						 "The values for parameter id in MetricDataQueries "
						 "are not unique.");
		TRY(check_query(call, query, use, &typing.roots[i]));
	}
	return check_types(call, &typing, use);
}

/* ---- Metrics ---- */

int64_t cw_range_start(const struct query_range *range, int64_t period_s)
{
	return range->exact ? range->from_s : range->from_s - range->from_s % period_s;
}

size_t cw_range_slots(const struct query_range *range, int64_t period_s)
{
	int64_t start = cw_range_start(range, period_s);

	return range->to_s > start ? (size_t)((range->to_s - start + period_s - 1) / period_s) : 0;
}

static err_t check_slots(const struct query_range *range, int64_t period_s, struct text *why)
{
	if (cw_range_slots(range, period_s) <= GRID_SLOTS_MAX)
		return ERR_OK;
	text_clear(why);
	text_printf(why, "the time range has too many periods of %lld seconds: at most %d",
		    (long long)period_s, GRID_SLOTS_MAX);
	return ERR_INVALID;
}

err_t cw_line(const struct metric_ref *ref, const struct stat_kind *kind,
	      const struct query_range *range, int64_t period_s, double *slots, double *samples)
{
	int64_t start = cw_range_start(range, period_s);
	size_t count = cw_range_slots(range, period_s);

	for (size_t i = 0; i < count; i++) {
		struct point point;
		bool present;

		TRY(cw_collect(ref, start + (int64_t)i * period_s, period_s, &point, &present));
		slots[i] = present ? stat_value(&point, kind) : (double)NAN;
		if (samples)
			samples[i] = point.count;
		point_fini(&point);
	}
	return ERR_OK;
}

static struct bytes text_of(const json_t *object, const char *key)
{
	return bytes_of(cw_text(object, key));
}

/* For labels: what the query says of its metric, as it says it. */
static err_t make_origin(const struct cloudwatch *cw, struct arena *arena,
			 const struct query_result *result, struct metric_origin **ret_origin)
{
	const json_t *stat = json_object_get(result->query, "MetricStat");
	const json_t *metric = json_object_get(stat, "Metric"), *dimension;
	const json_t *dimensions = json_object_get(metric, "Dimensions");
	const char *label = cw_text(result->query, "Label");
	struct metric_origin *origin = arena_new(arena, struct metric_origin);
	struct dimension *list = arena_array(arena, json_array_size(dimensions) + 1, sizeof *list);
	size_t i;

	if (!origin || !list)
		return ERR_NOMEM;
	json_array_foreach (dimensions, i, dimension)
		list[i] = (struct dimension){ text_of(dimension, "Name"),
					      text_of(dimension, "Value") };
	*origin = (struct metric_origin){
		.label = label[0] && !strstr(label, "${") ? bytes_of(label)
							  : text_of(metric, "MetricName"),
		.name_space = text_of(metric, "Namespace"),
		.name = text_of(metric, "MetricName"),
		.dimensions = list,
		.dimension_count = (unsigned)json_array_size(dimensions),
		.stat = cw_text(stat, "Stat"),
		.account = cw->options.account,
		.region = cw->options.region,
		.period_s = result->period_s,
	};
	*ret_origin = origin;
	return ERR_OK;
}

static err_t run_metric(const struct cloudwatch *cw, struct arena *arena,
			const struct query_range *range, struct query_result *result,
			struct text *why)
{
	const json_t *stat = json_object_get(result->query, "MetricStat");
	const char *unit = cw_text(stat, "Unit");
	size_t count = cw_range_slots(range, result->period_s);
	struct metric_origin *origin;
	struct metric_ref ref;
	struct stat_kind kind;

	TRY(check_slots(range, result->period_s, why));
	TRY(make_origin(cw, arena, result, &origin));
	result->lines = arena_new(arena, struct math_line);
	result->samples = arena_array(arena, count + 1, sizeof *result->samples);
	if (!result->lines || !result->samples || !stat_parse(cw_text(stat, "Stat"), &kind))
		return ERR_NOMEM;
	result->lines->origin = origin;
	result->lines->slots = arena_array(arena, count + 1, sizeof(double));
	if (!result->lines->slots)
		return ERR_NOMEM;
	TRY(cw_find(cw, json_object_get(stat, "Metric"), unit[0] ? unit : NULL, &ref));
	result->type = MATH_SERIES;
	result->count = 1;
	result->computed = true;
	return cw_line(&ref, &kind, range, result->period_s, result->lines->slots, result->samples);
}

/* ---- Expressions ---- */

struct needing {
	const struct cloudwatch *cw;
	struct arena *arena;
	const struct query_range *range;
	struct query_result *results, *result; /* all of them; the one that is computed */
	size_t count;
	bool all_there;
	int64_t period_s; /* of those it names; 0: none yet */
	bool mixed;
};

static void need_period(struct needing *needing, int64_t period_s)
{
	needing->mixed = needing->mixed || (needing->period_s && needing->period_s != period_s);
	needing->period_s = period_s;
}

static void need(struct needing *needing, const struct query_result *result)
{
	if (result->computed)
		need_period(needing, result->period_s);
	else
		needing->all_there = false;
}

static void need_id(void *owner, struct bytes id)
{
	struct needing *needing = owner;

	for (size_t i = 0; i < needing->count; i++)
		if (bytes_eq_str(id, cw_text(needing->results[i].query, "Id")))
			need(needing, &needing->results[i]);
}

static void need_search(void *owner, const struct math_search *search)
{
	if (search->period_s)
		need_period(owner, search->period_s);
}

static err_t run_search(void *owner, const struct math_search *search, struct math_line **ret_lines,
			size_t *ret_count, struct text *why)
{
	struct needing *needing = owner;

	return cw_search(needing->cw, needing->arena, search, needing->range,
			 needing->result->period_s, needing->result, ret_lines, ret_count, why);
}

static err_t compute(struct needing *needing, const struct math_node *root, struct text *why)
{
	struct query_result *result = needing->result;
	struct math_series *series = arena_array(needing->arena, needing->count + 1,
						 sizeof *series);
	struct math_grid grid = {
		.start_s = cw_range_start(needing->range, result->period_s),
		.period_s = result->period_s,
		.count = cw_range_slots(needing->range, result->period_s),
		.series = series,
		.search = run_search,
		.owner = needing,
	};
	struct math_value value;

	if (!series)
		return ERR_NOMEM;
	for (size_t i = 0; i < needing->count; i++) {
		const struct query_result *other = &needing->results[i];

		if (other->computed && other->period_s == result->period_s)
			series[grid.series_count++] = (struct math_series){
				.id = text_of(other->query, "Id"),
				.lines = other->lines,
				.count = other->count,
				.type = other->type,
				.is_metric = other->samples != NULL,
			};
	}
	TRY(math_compute(needing->arena, root, &grid, &value, why));
	if (value.type == MATH_NUMBER) {
		text_add_str(why, "the expression comes to a number, not to a series");
		return ERR_INVALID;
	}
	result->type = value.type;
	result->lines = value.lines;
	result->count = value.count;
	result->computed = true;
	return ERR_OK;
}

/* ERR_AGAIN: what it names is not computed yet. */
static err_t run_expression(struct needing *needing, struct text *why)
{
	struct query_result *result = needing->result;
	const struct math_node *root;

	TRY(math_parse(needing->arena, text_of(result->query, "Expression"), &root, why));
	math_each_id(root, need_id, needing);
	math_each_search(root, need_search, needing);
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
	TRY(check_slots(needing->range, result->period_s, why));
	return compute(needing, root, why);
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
			TRY(run_metric(cw, arena, range, &results[i], why));
		else
			left++;
	}
	/* Expressions may name each other; a round that computes none has found a circle. */
	do {
		before = left;
		for (size_t i = 0; i < count; i++) {
			struct needing needing = {
				.cw = cw,
				.arena = arena,
				.range = range,
				.results = results,
				.result = &results[i],
				.count = count,
				.all_there = true,
			};
			err_t err;

			if (results[i].computed)
				continue;
			err = run_expression(&needing, why);
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
