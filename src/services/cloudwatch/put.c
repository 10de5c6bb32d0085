/*
 * put: PutMetricData. All data of a call are checked before the first is kept.
 */
#include <math.h>

#include "services/cloudwatch/cloudwatch_internal.h"

enum {
	DATA_MAX = 1000,
	VALUES_MAX = 150,
	PAST_MS = 14 * 86400 * 1000,
	FUTURE_MS = 2 * 3600 * 1000,
};

static err_t bad(struct api_call *call, size_t index, const char *words)
{
	return api_fault(call, "InvalidParameterValue", "MetricData.member.%zu: %s", index + 1,
			 words);
}

/* What CloudWatch keeps: -2^360 to 2^360. */
static bool is_storable(double value)
{
	return isfinite(value) && fabs(value) <= ldexp(1, 360);
}

static err_t add_weighed(struct point *point, double value, double weight)
{
	struct point one = { .count = weight, .sum = value * weight, .min = value, .max = value };

	return point_merge(point, &one);
}

static err_t read_values(struct api_call *call, const json_t *datum, size_t index,
			 struct point *point)
{
	const json_t *values = json_object_get(datum, "Values");
	const json_t *counts = json_object_get(datum, "Counts");
	size_t count = json_array_size(values);

	if (!count || count > VALUES_MAX)
		return bad(call, index, "Values must have between 1 and 150 members.");
	if (counts && json_array_size(counts) != count)
		return bad(call, index, "Values and Counts must have the same number of members.");
	for (size_t i = 0; i < count; i++) {
		double value = json_number_value(json_array_get(values, i));
		double weight = counts ? json_number_value(json_array_get(counts, i)) : 1;

		if (!is_storable(value) || !is_storable(weight) || weight <= 0)
			return bad(call, index, "Values must be in range, Counts positive.");
		TRY(add_weighed(point, value, weight));
	}
	return ERR_OK;
}

/* Of a statistic set nobody knows the distribution: it is thought even between its ends. */
static err_t read_set(struct api_call *call, const json_t *set, size_t index, struct point *point)
{
	double count = json_number_value(json_object_get(set, "SampleCount"));
	double sum = json_number_value(json_object_get(set, "Sum"));
	double min = json_number_value(json_object_get(set, "Minimum"));
	double max = json_number_value(json_object_get(set, "Maximum"));

	if (!is_storable(count) || !is_storable(sum) || !is_storable(min) || !is_storable(max) ||
	    count <= 0 || min > max)
		return bad(call, index,
			   "StatisticValues must be in range, with a positive "
			   "SampleCount and Minimum not above Maximum.");
	*point = (struct point){ .count = count, .sum = sum, .min = min, .max = max };
	for (unsigned i = 0; min < max && i <= 10; i++)
		TRY(sketch_add(&point->sketch, min + (max - min) * i / 10, count / 11));
	return ERR_OK;
}

static err_t read_datum(struct api_call *call, const json_t *datum, size_t index,
			struct point *point)
{
	const json_t *value = json_object_get(datum, "Value");
	const json_t *values = json_object_get(datum, "Values");
	const json_t *set = json_object_get(datum, "StatisticValues");

	if (!value && !values && !set)
		return api_fault(call, "MissingParameter",
				 "The parameter MetricData.member.%zu.Value is required.",
				 index + 1);
	if ((value != NULL) + (values != NULL) + (set != NULL) > 1)
		return api_fault(
			call, "InvalidParameterCombination",
			"The parameters MetricData.member.%zu.Value, Values and "
			"StatisticValues are mutually exclusive and you have specified more "
			"than one.",
			index + 1);
	if (set)
		return read_set(call, set, index, point);
	if (values)
		return read_values(call, datum, index, point);
	if (!is_storable(json_number_value(value)))
		return bad(call, index, "Value is out of range.");
	return add_weighed(point, json_number_value(value), 1);
}

static err_t read_time(struct api_call *call, const json_t *datum, size_t index, int64_t *ret_s)
{
	int64_t now_ms = (int64_t)cw_now_ms(cloudwatch_of(call)), at_ms = now_ms;
	const json_t *given = json_object_get(datum, "Timestamp");

	if (given)
		at_ms = json_integer_value(given);
	if (at_ms < now_ms - PAST_MS || at_ms > now_ms + FUTURE_MS)
		return bad(call, index,
			   "The Timestamp must be within the last two weeks and not more "
			   "than two hours in the future.");
	*ret_s = at_ms / 1000;
	return ERR_OK;
}

struct entry {
	struct metric_name name;
	struct point point;
	unsigned rings;
};

static err_t read_entry(struct api_call *call, const json_t *datum, size_t index,
			struct entry *entry)
{
	const json_t *resolution = json_object_get(datum, "StorageResolution");
	json_int_t seconds = resolution ? json_integer_value(resolution) : 60;

	if (seconds != 1 && seconds != 60)
		return bad(call, index, "StorageResolution must be 1 or 60.");
	entry->rings = SERIES_COARSE | (seconds == 1 ? SERIES_FINE : 0);
	TRY(cw_metric_name(call, cw_text(call->input, "Namespace"), datum, &entry->name));
	TRY(read_datum(call, datum, index, &entry->point));
	return read_time(call, datum, index, &entry->point.at_s);
}

err_t cloudwatch_put(struct cloudwatch *cw, const struct cloudwatch_datum *datum)
{
	struct metric_name name = { .unit = bytes_of(datum->unit),
				    .name_space = bytes_of(datum->name_space),
				    .name = bytes_of(datum->name) };
	struct point point = { .at_s = (int64_t)datum->time_ms / 1000 };
	uint64_t now_ms = cw_now_ms(cw);
	err_t err;

	if (!name.name.len || !name.name_space.len || datum->dimension_count > DIMENSIONS_MAX ||
	    !is_storable(datum->value) || datum->time_ms + PAST_MS < now_ms ||
	    datum->time_ms > now_ms + FUTURE_MS)
		return ERR_INVALID;
	for (size_t i = 0; i < datum->dimension_count; i++)
		name.dimensions[name.dimension_count++] =
			(struct dimension){ .name = bytes_of(datum->dimensions[i].name),
					    .value = bytes_of(datum->dimensions[i].value) };
	metric_sort(&name);
	err = add_weighed(&point, datum->value, 1);
	if (!err)
		err = cw_record(cw, &name, &point, SERIES_COARSE);
	point_fini(&point);
	return err;
}

static err_t keep(struct cloudwatch *cw, const struct entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		TRY(cw_record(cw, &entries[i].name, &entries[i].point, entries[i].rings));
	return journal_write(cw->journal);
}

err_t cw_put_metric_data(struct api_call *call)
{
	const json_t *data = json_object_get(call->input, "MetricData");
	size_t count = json_array_size(data), read = 0;
	struct entry *entries;
	err_t err = ERR_OK;

	if (json_object_get(call->input, "EntityMetricData"))
		return api_fault(call, "InvalidParameterValue",
				 "EntityMetricData is not supported.");
	if (!count)
		return api_fault(call, "MissingParameter", "The parameter MetricData is required.");
	if (count > DATA_MAX)
		return api_fault(call, "InvalidParameterValue",
				 "The collection MetricData must not have a size greater than %d.",
				 DATA_MAX);
	if (strncmp(cw_text(call->input, "Namespace"), "AWS/", 4) == 0)
		return api_fault(
			call, "InvalidParameterValue",
			"The value AWS/ for parameter Namespace is invalid: it is reserved.");
	entries = arena_array(call->arena, count, sizeof *entries);
	if (!entries)
		return ERR_NOMEM;
	while (read < count && !err) {
		err = read_entry(call, json_array_get(data, read), read, &entries[read]);
		read++;
	}
	if (!err)
		err = keep(cloudwatch_of(call), entries, count);
	if (err == ERR_LIMIT)
		err = api_fault(call, "LimitExceeded", "This Weir keeps at most %d metrics",
				SERIES_MAX);
	for (size_t i = 0; i < read; i++)
		point_fini(&entries[i].point);
	return err;
}
