/*
 * metric_filters: patterns that turn events into data points, reported to logs_options.on_metric.
 * They stand in their group's record, and parsed in the cache.
 */
#include <stdlib.h>

#include "base/log.h"
#include "services/logs/logs_internal.h"
#include "services/units.h"

enum { VALUE_BYTES_MAX = 1024, TEST_MESSAGES_MAX = 50, METRIC_NAME_MAX = 255 };

/* ---- Running ---- */

void filters_free(struct metric_filter *filters)
{
	while (filters) {
		struct metric_filter *next = filters->next;

		pattern_free(filters->pattern);
		json_decref(filters->body);
		free(filters);
		filters = next;
	}
}

static err_t load_one(json_t *body, struct metric_filter **ret_filter)
{
	const char *text = json_string_value(json_object_get(body, "filterPattern"));
	struct metric_filter *filter = calloc(1, sizeof *filter);
	char why[PATTERN_WHY_BYTES];
	err_t err;

	if (!filter)
		return ERR_NOMEM;
	err = pattern_parse(bytes_of(text ? text : ""), &filter->pattern, why);
	if (err) {
		free(filter);
		return err;
	}
	filter->body = json_incref(body);
	*ret_filter = filter;
	return ERR_OK;
}

err_t filters_load(const json_t *bodies, struct metric_filter **ret_filters)
{
	struct metric_filter **tail = ret_filters;
	json_t *body;
	size_t i;

	json_array_foreach ((json_t *)bodies, i, body) {
		TRY(load_one(body, tail));
		tail = &(*tail)->next;
	}
	return ERR_OK;
}

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
static bool dimensions_of(const struct metric_filter *filter, const json_t *transformation,
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

static void report(struct logs *logs, const struct metric_filter *filter,
		   const json_t *transformation, const struct logs_line *line)
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
	for (const struct metric_filter *f = group->filters; f; f = f->next) {
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

static size_t filter_index(const json_t *filters, const char *name)
{
	for (size_t i = 0; i < json_array_size(filters); i++)
		if (strcmp(member(json_array_get(filters, i), "filterName"), name) == 0)
			return i;
	return SIZE_MAX;
}

/* Where a filter of that name goes: they are kept in order, as DescribeMetricFilters gives them. */
static size_t place_of(const json_t *filters, const char *name)
{
	size_t i = 0;

	while (i < json_array_size(filters) &&
	       strcmp(member(json_array_get(filters, i), "filterName"), name) < 0)
		i++;
	return i;
}

/* Replaces the one of that name. */
static err_t store_filter(struct api_call *call, const struct log_group *group, const char *name)
{
	json_t *body, *filters, *filter;
	size_t at;
	err_t err;

	TRY(group_body(call, group, &body));
	filters = json_object_get(body, "metricFilters");
	at = filter_index(filters, name);
	filter = json_pack("{s:s, s:O, s:O, s:s, s:I}", "filterName", name, "filterPattern",
			   json_object_get(call->input, "filterPattern"), "metricTransformations",
			   json_object_get(call->input, "metricTransformations"), "logGroupName",
			   group->name, "creationTime", (json_int_t)now_ms_of(logs_of(call)));
	if (at == SIZE_MAX && json_array_size(filters) >= LOGS_FILTERS_MAX) {
		json_decref(filter);
		err = api_fault(call, "LimitExceededException", "Resource limit exceeded.");
	} else {
		int failed = at == SIZE_MAX ? json_array_insert_new(filters,
								    place_of(filters, name), filter)
					    : json_array_set_new(filters, at, filter);

		err = failed ? ERR_NOMEM : group_put(call, group, body);
	}
	json_decref(body);
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
	return store_filter(call, group, name);
}

err_t logs_delete_metric_filter(struct api_call *call)
{
	struct log_group *group;
	json_t *body, *filters;
	const char *name;
	size_t at;
	err_t err;

	TRY(input_stream_name(call, "filterName", &name));
	TRY(input_group(call, &group));
	TRY(group_body(call, group, &body));
	filters = json_object_get(body, "metricFilters");
	at = filter_index(filters, name);
	if (at == SIZE_MAX) {
		json_decref(body);
		return api_fault(call, "ResourceNotFoundException",
				 "The specified metric filter does not exist.");
	}
	json_array_remove(filters, at);
	err = group_put(call, group, body);
	json_decref(body);
	return err;
}

/* ---- DescribeMetricFilters ---- */

struct listing {
	struct api_call *call;
	const char *prefix, *metric, *name_space, *group;
	json_t *list;
};

static bool filter_fits(const struct listing *listing, const json_t *filter)
{
	const json_t *transformation = json_array_get(
		json_object_get(filter, "metricTransformations"), 0);

	if (listing->prefix &&
	    !bytes_starts(bytes_of(member(filter, "filterName")), bytes_of(listing->prefix)))
		return false;
	return !listing->metric ||
	       (strcmp(member(transformation, "metricName"), listing->metric) == 0 &&
		strcmp(member(transformation, "metricNamespace"), listing->name_space) == 0);
}

static bool add_filters(void *owner, const struct store_resource *resource)
{
	struct listing *listing = owner;
	json_t *filter;
	size_t i;

	if (listing->group && strcmp(listing->group, member(resource->body, "logGroupName")) != 0)
		return true;
	json_array_foreach (json_object_get(resource->body, "metricFilters"), i, filter) {
		if (filter_fits(listing, filter) && json_array_append(listing->list, filter))
			return false;
	}
	return true;
}

/* In the order stored; the token counts them. */
static err_t write_filters(struct listing *listing, int64_t limit)
{
	struct api_call *call = listing->call;
	const char *token = input_string(call, "nextToken"), *words = "0";
	json_t *page = json_array();
	uint64_t from;
	size_t end;

	if (!page || json_object_set_new(call->output, "metricFilters", page))
		return ERR_NOMEM;
	if (token)
		TRY(token_read(call, "filters", token, &words));
	if (bytes_to_u64(bytes_of(words), UINT32_MAX, &from))
		return api_fault(call, "InvalidParameterException",
				 "The specified nextToken is invalid.");
	end = size_min(json_array_size(listing->list), (size_t)from + (size_t)limit);
	for (size_t i = (size_t)from; i < end; i++)
		if (json_array_append(page, json_array_get(listing->list, i)))
			return ERR_NOMEM;
	if (end == json_array_size(listing->list))
		return ERR_OK;
	words = arena_printf(call->arena, "%zu", end);
	if (!words)
		return ERR_NOMEM;
	TRY(token_write(call, "filters", words, &token));
	return json_object_set_new(call->output, "nextToken", json_string(token)) ? ERR_NOMEM
										  : ERR_OK;
}

err_t logs_describe_metric_filters(struct api_call *call)
{
	struct listing listing = {
		.call = call,
		.prefix = input_string(call, "filterNamePrefix"),
		.metric = input_string(call, "metricName"),
		.name_space = input_string(call, "metricNamespace"),
	};
	struct log_group *group;
	int64_t limit;
	err_t err;

	TRY(input_number(call, "limit", 1, 50, 50, &limit));
	if (!listing.metric != !listing.name_space)
		return api_fault(
			call, "InvalidParameterException",
			"metricName and metricNamespace are given together or not at all.");
	if (input_string(call, "logGroupName")) {
		TRY(input_group(call, &group));
		listing.group = group->name;
	}
	listing.list = json_array();
	if (!listing.list)
		return ERR_NOMEM;
	err = store_each(txn_of(call), KIND_GROUP, NULL, NULL, add_filters, &listing);
	if (!err)
		err = write_filters(&listing, limit);
	json_decref(listing.list);
	return err;
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
