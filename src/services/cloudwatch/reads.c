/*
 * reads: GetMetricStatistics, GetMetricData, ListMetrics.
 */
#include <math.h>

#include "services/cloudwatch/cloudwatch_internal.h"

enum {
	STATISTICS_POINTS_MAX = 1440,
	DATA_POINTS_MAX = 100800,
	METRICS_PAGE = 500,
	GRID_SLOTS_MAX = 200000, /* of one query, present or not */
	RECENT_SECONDS = 3 * 3600,
	VIEWS = 4,
};

static int64_t seconds_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key)) / 1000;
}

/* End is exclusive; a fraction of a second at the end still counts. */
static int64_t seconds_up(const json_t *object, const char *key)
{
	return (json_integer_value(json_object_get(object, key)) + 999) / 1000;
}

/* ---- GetMetricStatistics ---- */

static err_t check_range(struct api_call *call, int64_t from_s, int64_t to_s)
{
	if (from_s < to_s)
		return ERR_OK;
	return api_fault(call,
			 strcmp(call->operation->name, "GetMetricData")
				 ? "InvalidParameterCombination"
				 : "ValidationError",
			 "The parameter StartTime must be less than the parameter EndTime.");
}

static err_t check_statistics(struct api_call *call, int64_t from_s, int64_t to_s, int64_t period_s)
{
	const json_t *wanted = json_object_get(call->input, "Statistics"), *item;
	const json_t *extended = json_object_get(call->input, "ExtendedStatistics");
	struct stat_kind kind;
	size_t i;

	if (!wanted == !extended)
		return api_fault(
			call, wanted ? "InvalidParameterCombination" : "MissingParameter", "%s",
			wanted ? "Statistics and ExtendedStatistics cannot be asked together."
			       : "The parameter Statistics or ExtendedStatistics is required.");
	json_array_foreach (extended, i, item)
		if (!stat_parse(json_string_value(item), &kind) || kind.kind != STAT_QUANTILE)
			return api_fault(call, "InvalidParameterValue",
					 "The value %.100s for parameter ExtendedStatistics is not "
					 "supported: percentiles between p0.0 and p100 are.",
					 json_string_value(item));
	if (!cw_period_valid(period_s))
		return api_fault(
			call, "InvalidParameterValue",
			"The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.");
	TRY(check_range(call, from_s, to_s));
	if ((to_s - from_s) / period_s > STATISTICS_POINTS_MAX)
		return api_fault(
			call, "InvalidParameterCombination",
			"You have requested up to %lld datapoints, which exceeds the limit of "
			"1,440. You may reduce the datapoints requested by increasing Period, "
			"or decreasing the time range.",
			(long long)((to_s - from_s) / period_s));
	return ERR_OK;
}

static err_t add_stat(json_t *object, const char *name, const struct point *point)
{
	struct stat_kind kind;
	double value;

	if (!stat_parse(name, &kind))
		return ERR_INVALID;
	value = stat_value(point, &kind);
	return isnan(value) ? ERR_OK : cw_set(object, name, json_real(value));
}

static err_t fill_datapoint(struct api_call *call, json_t *datapoint, const struct point *point)
{
	const json_t *list = json_object_get(call->input, "Statistics"), *item;
	json_t *extended = NULL;
	size_t i;

	json_array_foreach (list, i, item)
		TRY(add_stat(datapoint, json_string_value(item), point));
	list = json_object_get(call->input, "ExtendedStatistics");
	if (!list)
		return ERR_OK;
	extended = json_object();
	TRY(cw_set(datapoint, "ExtendedStatistics", extended));
	json_array_foreach (list, i, item)
		TRY(add_stat(extended, json_string_value(item), point));
	return ERR_OK;
}

static err_t add_datapoint(struct api_call *call, const struct metric_ref *ref, int64_t at_s,
			   int64_t period_s)
{
	struct point point;
	json_t *datapoint;
	bool present;
	err_t err;

	TRY(cw_collect(ref, at_s, period_s, &point, &present));
	if (!present)
		return ERR_OK;
	datapoint = json_pack("{s:I, s:s%}", "Timestamp", (json_int_t)at_s * 1000, "Unit",
			      ref->series[0]->unit.at, ref->series[0]->unit.len);
	err = datapoint ? fill_datapoint(call, datapoint, &point) : ERR_NOMEM;
	point_fini(&point);
	if (err)
		json_decref(datapoint);
	return err ? err : cw_append(call->output, "Datapoints", datapoint);
}

err_t cw_get_metric_statistics(struct api_call *call)
{
	int64_t from_s = seconds_of(call->input, "StartTime");
	int64_t to_s = seconds_up(call->input, "EndTime");
	int64_t period_s = json_integer_value(json_object_get(call->input, "Period"));
	const char *unit = cw_text(call->input, "Unit");
	struct metric_ref all;

	TRY(check_statistics(call, from_s, to_s, period_s));
	TRY(cw_set(call->output, "Label", json_string(cw_text(call->input, "MetricName"))));
	TRY(cw_set(call->output, "Datapoints", json_array()));
	TRY(cw_find(cloudwatch_of(call), call->input, unit[0] ? unit : NULL, &all));
	/* Points of different units stand side by side, as AWS shows them. */
	for (unsigned i = 0; i < all.count; i++) {
		struct metric_ref one = { .series = { all.series[i] }, .count = 1 };

		for (int64_t at = from_s - from_s % period_s; at < to_s; at += period_s)
			TRY(add_datapoint(call, &one, at, period_s));
	}
	return ERR_OK;
}

/* ---- GetMetricData ---- */

static const char *label_of(const json_t *query)
{
	const char *label = cw_text(query, "Label");
	const json_t *metric = json_object_get(json_object_get(query, "MetricStat"), "Metric");

	if (label[0])
		return label;
	return metric ? cw_text(metric, "MetricName") : cw_text(query, "Id");
}

static bool is_shown(const json_t *query)
{
	return !json_is_false(json_object_get(query, "ReturnData"));
}

/* Slots of one result, in the order asked for; `skip` of them were told on earlier pages. */
static err_t add_slots(const struct query_result *result, int64_t from_s, int64_t to_s,
		       bool ascending, uint64_t skip, uint64_t take, bool *more, json_t *shown)
{
	int64_t start = from_s - from_s % result->period_s;
	size_t count = to_s > start
			       ? (size_t)((to_s - start + result->period_s - 1) / result->period_s)
			       : 0;
	uint64_t seen = 0;

	for (size_t i = 0; i < count; i++) {
		size_t slot = ascending ? i : count - 1 - i;

		if (isnan(result->slots[slot]) || seen++ < skip)
			continue;
		if (seen > skip + take) {
			*more = true;
			break;
		}
		TRY(cw_append(shown, "Timestamps",
			      json_integer((start + (int64_t)slot * result->period_s) * 1000)));
		TRY(cw_append(shown, "Values", json_real(result->slots[slot])));
	}
	return ERR_OK;
}

static err_t show(struct api_call *call, const struct query_result *results, size_t count,
		  int64_t from_s, int64_t to_s)
{
	bool ascending = strcmp(cw_text(call->input, "ScanBy"), "TimestampAscending") == 0,
	     more = false;
	int64_t max = json_integer_value(json_object_get(call->input, "MaxDatapoints"));
	uint64_t skip, take, shown_count = 0;

	for (size_t i = 0; i < count; i++)
		shown_count += is_shown(results[i].query);
	take = (uint64_t)(max > 0 && max < DATA_POINTS_MAX ? max : DATA_POINTS_MAX) /
	       (shown_count ? shown_count : 1);
	take = take ? take : 1;
	TRY(cw_token_in(call, &skip));
	TRY(cw_set(call->output, "MetricDataResults", json_array()));
	for (size_t i = 0; i < count; i++) {
		bool rest = false;
		json_t *shown;

		if (!is_shown(results[i].query))
			continue;
		shown = json_pack("{s:s, s:s, s:[], s:[]}", "Id", cw_text(results[i].query, "Id"),
				  "Label", label_of(results[i].query), "Timestamps", "Values");
		TRY(cw_append(call->output, "MetricDataResults", shown));
		TRY(add_slots(&results[i], from_s, to_s, ascending, skip, take, &rest, shown));
		TRY(cw_set(shown, "StatusCode", json_string(rest ? "PartialData" : "Complete")));
		more = more || rest;
	}
	TRY(cw_set(call->output, "Messages", json_array()));
	return more ? cw_token_out(call, skip + take) : ERR_OK;
}

static err_t check_slots(struct api_call *call, const json_t *queries, int64_t from_s, int64_t to_s)
{
	const json_t *query;
	size_t i;

	json_array_foreach (queries, i, query) {
		const json_t *stat = json_object_get(query, "MetricStat");
		int64_t period_s = json_integer_value(
			json_object_get(stat ? stat : query, "Period"));

		/* An expression without a period takes a metric's, or five minutes. */
		if (period_s && (to_s - from_s) / period_s > GRID_SLOTS_MAX)
			return api_fault(
				call, "ValidationError",
				"The time range has too many periods of %lld seconds: at most "
				"%d",
				(long long)period_s, GRID_SLOTS_MAX);
	}
	return ERR_OK;
}

err_t cw_get_metric_data(struct api_call *call)
{
	const json_t *queries = json_object_get(call->input, "MetricDataQueries");
	int64_t from_s = seconds_of(call->input, "StartTime");
	int64_t to_s = seconds_up(call->input, "EndTime");
	size_t count = json_array_size(queries);
	struct query_result *results = arena_array(call->arena, count + 1, sizeof *results);
	struct text why = TEXT_INIT(512);
	err_t err;

	if (!results)
		return ERR_NOMEM;
	TRY(check_range(call, from_s, to_s));
	TRY(cw_queries_check(call, queries));
	TRY(check_slots(call, queries, from_s, to_s));
	err = cw_queries_run(cloudwatch_of(call), call->arena, queries,
			     &(struct query_range){ from_s, to_s, false }, results, &why);
	if (why.len)
		err = api_fault(call, "ValidationError", "Error in expression: %s", text_str(&why));
	else if (err == ERR_NOMEM)
		err = api_fault(call, "ValidationError",
				"The request needs more data than one call may: ask for fewer "
				"metrics, a shorter time or a longer period");
	text_fini(&why);
	return err ? err : show(call, results, count, from_s, to_s);
}

/* ---- ListMetrics ---- */

static bool passes(const json_t *metric, const json_t *filters)
{
	const json_t *filter, *dimension;
	size_t i, j;

	json_array_foreach (filters, i, filter) {
		const char *value = cw_text(filter, "Value");
		bool found = false;

		json_array_foreach (json_object_get(metric, "Dimensions"), j, dimension)
			found = found ||
				(strcmp(cw_text(dimension, "Name"), cw_text(filter, "Name")) == 0 &&
				 (!value[0] || strcmp(cw_text(dimension, "Value"), value) == 0));
		if (!found)
			return false;
	}
	return true;
}

static bool is_wanted(struct api_call *call, const struct series *series)
{
	const char *name_space = cw_text(call->input, "Namespace");
	const char *name = cw_text(call->input, "MetricName");
	int64_t now_s = (int64_t)(cw_now_ms(cloudwatch_of(call)) / 1000);

	return (!name_space[0] || bytes_eq_str(series->name_space, name_space)) &&
	       (!name[0] || bytes_eq_str(series->name, name)) &&
	       (!cw_text(call->input, "RecentlyActive")[0] ||
		series->latest_s > now_s - RECENT_SECONDS);
}

static err_t list_series(struct api_call *call, const struct series *series, uint64_t after,
			 unsigned *taken)
{
	for (unsigned view = 0; view < VIEWS; view++) {
		uint64_t position = series->ordinal * VIEWS + view;
		json_t *metric;

		if (position <= after || !cw_has_view(series, view))
			continue;
		metric = cw_metric_json(cloudwatch_of(call), series, view);
		if (metric && !passes(metric, json_object_get(call->input, "Dimensions"))) {
			json_decref(metric);
			continue;
		}
		if (*taken == METRICS_PAGE) {
			json_decref(metric);
			return cw_token_out(call, position - 1);
		}
		TRY(cw_append(call->output, "Metrics", metric));
		++*taken;
	}
	return ERR_OK;
}

err_t cw_list_metrics(struct api_call *call)
{
	unsigned taken = 0;
	uint64_t after;

	TRY(cw_token_in(call, &after));
	TRY(cw_set(call->output, "Metrics", json_array()));
	list_for_each (&cloudwatch_of(call)->series.all, node) {
		const struct series *series = container_of(node, struct series, link);

		if (is_wanted(call, series))
			TRY(list_series(call, series, after, &taken));
		if (json_object_get(call->output, "NextToken"))
			break;
	}
	return ERR_OK;
}
