/*
 * reads: GetMetricStatistics, GetMetricData, ListMetrics.
 */
#include <math.h>

#include "services/cloudwatch/cloudwatch_internal.h"

enum {
	STATISTICS_POINTS_MAX = 1440,
	DATA_POINTS_MAX = 100800,
	METRICS_PAGE = 500,
	LABEL_BYTES_MAX = 16 * 1024,
	RECENT_SECONDS = 3 * 3600,
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
		if (!stat_parse(json_string_value(item), &kind) || !stat_is_extended(&kind))
			return api_fault(call, "InvalidParameterValue",
					 "The value %.100s for parameter ExtendedStatistics is not "
					 "supported: there are " STAT_EXTENDED_WORDS,
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

static bool is_shown(const json_t *query)
{
	return !json_is_false(json_object_get(query, "ReturnData"));
}

/* One call's way of showing. */
struct showing {
	struct api_call *call;
	struct query_range range;
	bool ascending;
	int zone_s;
	uint64_t skip, take; /* points of each line: told on earlier pages, told on this one */
	bool more;
};

/* What a line is called before its variables are written out: "Filled: Errors". */
static void label_template(const struct query_result *result, struct bytes own, struct text *out)
{
	const json_t *label = json_object_get(result->query, "Label");
	const char *given = cw_text(result->query, "Label");

	if (!given[0] && (!label || result->type == MATH_SERIES)) {
		text_add(out, own);
		return;
	}
	text_add_str(out, given);
	if (result->type != MATH_LIST || strstr(given, "${"))
		return; /* with variables it says for itself what tells the lines apart */
	if (given[0])
		text_add_char(out, ' ');
	text_add(out, own);
}

static json_t *label_json(const struct showing *showing, const struct query_result *result,
			  const struct math_line *line)
{
	const struct metric_origin *origin = line->origin;
	bool named = origin && (result->samples || result->type == MATH_LIST);
	struct bytes own = named ? origin->label : bytes_of(cw_text(result->query, "Id"));
	struct text template = TEXT_INIT(LABEL_BYTES_MAX), label = TEXT_INIT(LABEL_BYTES_MAX);
	struct label_line values = {
		.label = own,
		.origin = origin,
		.slots = line->slots,
		.count = cw_range_slots(&showing->range, result->period_s),
		.start_s = cw_range_start(&showing->range, result->period_s),
		.period_s = result->period_s,
		.now_s = (int64_t)(cw_now_ms(cloudwatch_of(showing->call)) / 1000),
		.zone_s = showing->zone_s,
	};
	json_t *shown;

	label_template(result, own, &template);
	label_write(text_bytes(&template), &values, &label);
	shown = json_stringn(text_str(&label), label.len);
	text_fini(&template);
	text_fini(&label);
	return shown;
}

/* Slots of one line, in the order asked for; some were told on earlier pages. */
static err_t add_slots(struct showing *showing, const struct query_result *result,
		       const double *slots, json_t *shown)
{
	int64_t start = cw_range_start(&showing->range, result->period_s);
	size_t count = cw_range_slots(&showing->range, result->period_s);
	const char *status = "Complete";
	uint64_t seen = 0;

	for (size_t i = 0; i < count; i++) {
		size_t slot = showing->ascending ? i : count - 1 - i;

		if (isnan(slots[slot]) || seen++ < showing->skip)
			continue;
		if (seen > showing->skip + showing->take) {
			showing->more = true;
			status = "PartialData";
			break;
		}
		TRY(cw_append(shown, "Timestamps",
			      json_integer((start + (int64_t)slot * result->period_s) * 1000)));
		TRY(cw_append(shown, "Values", json_real(slots[slot])));
	}
	return cw_set(shown, "StatusCode", json_string(status));
}

static err_t show_result(struct showing *showing, const struct query_result *result)
{
	for (size_t l = 0; l < result->count; l++) {
		const struct math_line *line = &result->lines[l];
		json_t *shown = json_pack(
			"{s:s, s:o, s:[], s:[]}", "Id", cw_text(result->query, "Id"), "Label",
			label_json(showing, result, line), "Timestamps", "Values");

		TRY(cw_append(showing->call->output, "MetricDataResults", shown));
		TRY(add_slots(showing, result, line->slots, shown));
	}
	if (!result->cut)
		return ERR_OK;
	return cw_append(showing->call->output, "Messages",
			 json_pack("{s:s, s:o}", "Code", "MaxMetricsExceeded", "Value",
				   json_sprintf("The search of %s found more than %d metrics: "
						"these are the first",
						cw_text(result->query, "Id"), SEARCH_LINES_MAX)));
}

static err_t show(struct showing *showing, const struct query_result *results, size_t count)
{
	struct api_call *call = showing->call;
	int64_t max = json_integer_value(json_object_get(call->input, "MaxDatapoints"));
	uint64_t lines = 0;

	for (size_t i = 0; i < count; i++)
		lines += is_shown(results[i].query) ? results[i].count : 0;
	showing->take = (uint64_t)(max > 0 && max < DATA_POINTS_MAX ? max : DATA_POINTS_MAX) /
			(lines ? lines : 1);
	if (!showing->take)
		showing->take = 1;
	TRY(cw_token_in(call, &showing->skip));
	TRY(cw_set(call->output, "MetricDataResults", json_array()));
	TRY(cw_set(call->output, "Messages", json_array()));
	for (size_t i = 0; i < count; i++)
		if (is_shown(results[i].query))
			TRY(show_result(showing, &results[i]));
	return showing->more ? cw_token_out(call, showing->skip + showing->take) : ERR_OK;
}

static err_t read_zone(struct api_call *call, int *ret_seconds)
{
	const char *zone = cw_text(json_object_get(call->input, "LabelOptions"), "Timezone");

	*ret_seconds = 0;
	if (!zone[0] || !label_zone(bytes_of(zone), ret_seconds))
		return ERR_OK;
	return api_fault(call, "ValidationError",
			 "The value '%.20s' for Timezone is not an offset to UTC such as +0130",
			 zone);
}

err_t cw_get_metric_data(struct api_call *call)
{
	const json_t *queries = json_object_get(call->input, "MetricDataQueries");
	int64_t from_s = seconds_of(call->input, "StartTime");
	int64_t to_s = seconds_up(call->input, "EndTime");
	size_t count = json_array_size(queries);
	struct query_result *results = arena_array(call->arena, count + 1, sizeof *results);
	struct showing showing = {
		.call = call,
		.range = { from_s, to_s, false },
		.ascending = strcmp(cw_text(call->input, "ScanBy"), "TimestampAscending") == 0,
	};
	struct text why = TEXT_INIT(512);
	err_t err;

	if (!results)
		return ERR_NOMEM;
	TRY(check_range(call, from_s, to_s));
	TRY(read_zone(call, &showing.zone_s));
	TRY(cw_queries_check(call, queries, QUERIES_SHOWN));
	err = cw_queries_run(cloudwatch_of(call), call->arena, queries, &showing.range, results,
			     &why);
	if (why.len)
		err = api_fault(call, "ValidationError", "Error in expression: %s", text_str(&why));
	else if (err == ERR_NOMEM)
		err = api_fault(call, "ValidationError",
				"The request needs more data than one call may: ask for fewer "
				"metrics, a shorter time or a longer period");
	text_fini(&why);
	return err ? err : show(&showing, results, count);
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
	for (unsigned view = 0; view < CW_VIEWS; view++) {
		uint64_t position = series->ordinal * CW_VIEWS + view;
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

/* Who owns each of those listed: this account, the only one there is. */
static err_t add_owners(struct api_call *call, unsigned count)
{
	const char *account = cloudwatch_of(call)->options.account;

	if (!json_is_true(json_object_get(call->input, "IncludeLinkedAccounts")))
		return ERR_OK;
	for (unsigned i = 0; i < count; i++)
		TRY(cw_append(call->output, "OwningAccounts", json_string(account)));
	return ERR_OK;
}

err_t cw_list_metrics(struct api_call *call)
{
	const char *owner = cw_text(call->input, "OwningAccount");
	unsigned taken = 0;
	uint64_t after;

	TRY(cw_token_in(call, &after));
	TRY(cw_set(call->output, "Metrics", json_array()));
	if (owner[0] && strcmp(owner, cloudwatch_of(call)->options.account) != 0)
		return ERR_OK;
	list_for_each (&cloudwatch_of(call)->series.all, node) {
		const struct series *series = container_of(node, struct series, link);

		if (is_wanted(call, series))
			TRY(list_series(call, series, after, &taken));
		if (json_object_get(call->output, "NextToken"))
			break;
	}
	return add_owners(call, taken);
}
