/*
 * metric_filters: patterns that turn events into data points, reported to logs_options.on_metric.
 * filters.c keeps them.
 */
#include <stdlib.h>

#include "base/log.h"
#include "services/logs/logs_internal.h"
#include "services/units.h"

enum { VALUE_BYTES_MAX = 1024, TEST_MESSAGES_MAX = 50, METRIC_NAME_MAX = 255 };

/* ---- Running ---- */

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* "$.latency", "$size" or a number. */
static bool value_of(const struct pattern *pattern, const char *text, struct bytes message,
		     double *ret_value)
{
	struct text found = TEXT_INIT(VALUE_BYTES_MAX);
	char *end = NULL;
	bool good;

	if (text[0] != '$')
		text_add_str(&found, text);
	else if (!pattern_value(pattern, bytes_of(text), message, &found))
		return false;
	*ret_value = strtod(text_str(&found), &end);
	good = found.len && !text_err(&found) && end == found.at + found.len;
	text_fini(&found);
	return good;
}

/* All or none: a data point without one of its dimensions would be another metric. */
static bool dimensions_of(const struct log_filter *filter, const json_t *transformation,
			  struct bytes message, struct text values[LOGS_DIMENSIONS_MAX],
			  struct logs_dimension dimensions[LOGS_DIMENSIONS_MAX], size_t *ret_count)
{
	const char *key;
	json_t *name;
	size_t count = 0;

	json_object_foreach (json_object_get(transformation, "dimensions"), key, name) {
		text_init(&values[count], VALUE_BYTES_MAX);
		if (!pattern_value(filter->pattern, bytes_of(json_string_value(name)), message,
				   &values[count]) ||
		    text_err(&values[count])) {
			*ret_count = count + 1;
			return false;
		}
		dimensions[count] = (struct logs_dimension){ key, text_str(&values[count]) };
		count++;
	}
	*ret_count = count;
	return true;
}

static void report(struct logs *logs, const struct log_filter *filter, const json_t *transformation,
		   const struct logs_line *line)
{
	struct logs_dimension dimensions[LOGS_DIMENSIONS_MAX];
	struct text values[LOGS_DIMENSIONS_MAX];
	struct logs_metric metric = {
		.name_space = member(transformation, "metricNamespace"),
		.name = member(transformation, "metricName"),
		.unit = member(transformation, "unit"),
		.time_ms = line->time_ms,
		.dimensions = dimensions,
	};
	bool good = dimensions_of(filter, transformation, line->text, values, dimensions,
				  &metric.dimension_count);

	if (!metric.unit)
		metric.unit = "None";
	if (good && value_of(filter->pattern, member(transformation, "metricValue"), line->text,
			     &metric.value))
		logs->options.on_metric(logs->options.owner, &metric);
	for (size_t i = 0; i < metric.dimension_count; i++)
		text_fini(&values[i]);
}

/* A batch in which nothing matched reports the default value, where there is one. */
static void report_default(struct logs *logs, const json_t *transformation, uint64_t time_ms)
{
	const json_t *value = json_object_get(transformation, "defaultValue");
	struct logs_metric metric = {
		.name_space = member(transformation, "metricNamespace"),
		.name = member(transformation, "metricName"),
		.unit = member(transformation, "unit"),
		.value = json_number_value(value),
		.time_ms = time_ms,
	};

	if (!metric.unit)
		metric.unit = "None";
	if (json_is_number(value))
		logs->options.on_metric(logs->options.owner, &metric);
}

void filters_run(struct logs *logs, const struct log_group *group, const struct logs_line *lines,
		 size_t count)
{
	if (!logs->options.on_metric || !count)
		return;
	for (const struct log_filter *f = group->filters; f; f = f->next) {
		const json_t *transformation = json_array_get(
			json_object_get(f->body, "metricTransformations"), 0);
		bool any = false;

		for (size_t i = 0; i < count; i++) {
			if (!pattern_matches(f->pattern, lines[i].text))
				continue;
			any = true;
			report(logs, f, transformation, &lines[i]);
		}
		if (!any)
			report_default(logs, transformation, lines[count - 1].time_ms);
	}
}

/* ---- Operations ---- */

static err_t check_dimensions(struct api_call *call, const struct pattern *pattern,
			      const json_t *transformation)
{
	const json_t *dimensions = json_object_get(transformation, "dimensions");
	const char *key;
	json_t *value;

	if (json_object_size(dimensions) > LOGS_DIMENSIONS_MAX)
		return api_fault(call, "InvalidParameterException",
				 "A metric filter has at most %d dimensions.", LOGS_DIMENSIONS_MAX);
	if (json_object_size(dimensions) && json_object_get(transformation, "defaultValue"))
		return api_fault(call, "InvalidParameterException",
				 "Invalid metric transformation: dimensions and default value are "
				 "mutually exclusive properties.");
	json_object_foreach ((json_t *)dimensions, key, value) {
		if (!pattern_knows(pattern, bytes_of(json_string_value(value))))
			return api_fault(
				call, "InvalidParameterException",
				"Invalid metric transformation: dimension %.100s: '%.100s' "
				"is not in the filter pattern.",
				key, json_string_value(value));
	}
	return ERR_OK;
}

/* What CloudWatch would not take has to be refused here: nobody hears of it later. */
static err_t check_names(struct api_call *call, const json_t *transformation)
{
	static const char *const names[] = { "metricName", "metricNamespace" };
	const char *unit = member(transformation, "unit");

	for (size_t i = 0; i < COUNT(names); i++) {
		const char *value = member(transformation, names[i]);

		if (!value[0] || strlen(value) > METRIC_NAME_MAX)
			return input_wrong(call, names[i], value, "have length between 1 and 255");
		if (strpbrk(value, ":*$"))
			return input_wrong(call, names[i], value,
					   "satisfy regular expression pattern: [^:*$]*");
	}
	if (strncmp(member(transformation, "metricNamespace"), "AWS/", 4) == 0)
		return api_fault(call, "InvalidParameterException",
				 "Invalid metric transformation: namespaces that begin with AWS/ "
				 "are reserved.");
	if (unit && !metric_unit_known(unit))
		return input_wrong(call, "unit", unit,
				   "satisfy enum value set: a unit of CloudWatch, such as Count, "
				   "Seconds or None");
	return ERR_OK;
}

static err_t check_transformation(struct api_call *call, const struct pattern *pattern,
				  const json_t *transformation)
{
	static const char *const required[] = { "metricName", "metricNamespace", "metricValue" };
	const char *value;
	double number;

	for (size_t i = 0; i < COUNT(required); i++)
		if (!member(transformation, required[i]))
			return input_missing(call, required[i]);
	TRY(check_names(call, transformation));
	value = member(transformation, "metricValue");
	if (value[0] == '$' ? !pattern_knows(pattern, bytes_of(value))
			    : !value_of(pattern, value, BYTES_NONE, &number))
		return api_fault(
			call, "InvalidParameterException",
			"Invalid metric transformation: metric value '%.100s' is neither a "
			"number nor in the filter pattern.",
			value);
	return check_dimensions(call, pattern, transformation);
}

static err_t check_filter(struct api_call *call)
{
	const json_t *list = json_object_get(call->input, "metricTransformations");
	struct pattern *pattern;
	err_t err;

	if (!input_string(call, "filterPattern"))
		return input_missing(call, "filterPattern");
	if (json_array_size(list) != 1)
		return input_wrong(call, "metricTransformations", "", "have length equal to 1");
	TRY(input_pattern(call, "filterPattern", &pattern));
	err = check_transformation(call, pattern, json_array_get(list, 0));
	pattern_free(pattern);
	return err;
}

err_t logs_put_metric_filter(struct api_call *call)
{
	struct log_group *group;
	const char *name;

	TRY(input_stream_name(call, "filterName", &name));
	TRY(input_group(call, &group));
	TRY(check_filter(call));
	if (!logs_of(call)->options.on_metric)
		return api_fault(call, "InvalidOperationException",
				 "The operation is not valid: there is no CloudWatch that could "
				 "take the metrics.");
	return filters_keep(
		call, group, LOGS_METRIC_FILTERS, LOGS_FILTERS_MAX,
		json_pack("{s:s, s:O, s:O, s:s, s:I}", "filterName", name, "filterPattern",
			  json_object_get(call->input, "filterPattern"), "metricTransformations",
			  json_object_get(call->input, "metricTransformations"), "logGroupName",
			  group->name, "creationTime", (json_int_t)now_ms_of(logs_of(call))));
}

err_t logs_delete_metric_filter(struct api_call *call)
{
	return filters_drop(call, LOGS_METRIC_FILTERS,
			    "The specified metric filter does not exist.");
}

/* ---- DescribeMetricFilters ---- */

struct wanted_metric {
	const char *metric, *name_space;
};

static bool is_wanted(void *owner, const json_t *filter)
{
	const struct wanted_metric *wanted = owner;
	const json_t *transformation = json_array_get(
		json_object_get(filter, "metricTransformations"), 0);

	return !wanted->metric ||
	       (strcmp(member(transformation, "metricName"), wanted->metric) == 0 &&
		strcmp(member(transformation, "metricNamespace"), wanted->name_space) == 0);
}

err_t logs_describe_metric_filters(struct api_call *call)
{
	struct wanted_metric wanted = {
		.metric = input_string(call, "metricName"),
		.name_space = input_string(call, "metricNamespace"),
	};

	if (!wanted.metric != !wanted.name_space)
		return api_fault(
			call, "InvalidParameterException",
			"metricName and metricNamespace are given together or not at all.");
	return filters_describe(call, LOGS_METRIC_FILTERS, is_wanted, &wanted);
}

/* ---- TestMetricFilter ---- */

static void add_value(void *owner, struct bytes name, struct bytes value)
{
	char key[PATTERN_BYTES_MAX + 2];

	if (name.len >= sizeof key)
		return;
	memcpy(key, name.at, name.len);
	key[name.len] = '\0';
	json_object_set_new(owner, key, json_stringn(value.at, value.len));
}

static err_t test_messages(const struct pattern *pattern, const json_t *messages, json_t *matches)
{
	json_t *message;
	size_t i;

	json_array_foreach ((json_t *)messages, i, message) {
		struct bytes text = bytes_make(json_string_value(message),
					       json_string_length(message));
		json_t *values;

		if (!pattern_matches(pattern, text))
			continue;
		values = json_object();
		pattern_extract(pattern, text, add_value, values);
		if (json_array_append_new(matches, json_pack("{s:I, s:O, s:o}", "eventNumber",
							     (json_int_t)i + 1, "eventMessage",
							     message, "extractedValues", values)))
			return ERR_NOMEM;
	}
	return ERR_OK;
}

err_t logs_test_metric_filter(struct api_call *call)
{
	const json_t *messages = json_object_get(call->input, "logEventMessages");
	struct pattern *pattern;
	json_t *matches;
	err_t err;

	if (!input_string(call, "filterPattern"))
		return input_missing(call, "filterPattern");
	if (!json_array_size(messages) || json_array_size(messages) > TEST_MESSAGES_MAX)
		return input_wrong(call, "logEventMessages", "", "have length within 1-50");
	TRY(input_pattern(call, "filterPattern", &pattern));
	matches = json_array();
	err = json_object_set_new(call->output, "matches", matches) ? ERR_NOMEM : ERR_OK;
	if (!err)
		err = test_messages(pattern, messages, matches);
	pattern_free(pattern);
	return err;
}
