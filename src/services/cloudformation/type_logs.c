/*
 * type_logs: what is particular about log groups, their streams and filters.
 */
#include <stdio.h>
#include <string.h>

#include "services/cloudformation/type_hooks.h"

HOOK(log_group_created)
{
	json_t *days = property(step, "RetentionInDays");

	if (step->before && !property_changed(step, "RetentionInDays"))
		return ERR_OK;
	if (days)
		return call_api(step, "logs", "PutRetentionPolicy",
				json_pack("{s:s, s:O}", "logGroupName", physical_id(step),
					  "retentionInDays", days),
				NULL);
	return step->before ? call_api(step, "logs", "DeleteRetentionPolicy",
				       json_pack("{s:s}", "logGroupName", physical_id(step)), NULL)
			    : ERR_OK;
}

HOOK(log_stream_remove)
{
	return call_api(step, "logs", "DeleteLogStream",
			json_pack("{s:O?, s:s}", "logGroupName", property(step, "LogGroupName"),
				  "logStreamName", physical_id(step)),
			NULL);
}

/* [{Key, Value}] → {key: value} */
static json_t *dimensions_of(const json_t *list)
{
	json_t *made = json_object(), *one;
	size_t i;

	json_array_foreach ((json_t *)list, i, one)
		json_object_set(made, text_at(one, "Key"), json_object_get(one, "Value"));
	return made;
}

HOOK(metric_filter_make)
{
	const char *given = json_string_value(property(step, "FilterName"));
	json_t *transformations = json_array(), *one;
	size_t i;

	if (!physical_id(step)[0])
		set_physical_id(step,
				given ? given
				      : arena_printf(step->arena, "%.200s-%.200s-%s",
						     text_at(step->stack->body, "StackName"),
						     text_at(step->record, "LogicalResourceId"),
						     text_at(step->record, "Token")));
	json_array_foreach (property(step, "MetricTransformations"), i, one) {
		json_t *made = with_small_letters(one);

		if (json_object_get(made, "dimensions"))
			put_new(made, "dimensions",
				dimensions_of(json_object_get(one, "Dimensions")));
		json_array_append_new(transformations, made);
	}
	return call_api(step, "logs", "PutMetricFilter",
			json_pack("{s:s, s:O?, s:O?, s:o}", "filterName", physical_id(step),
				  "logGroupName", property(step, "LogGroupName"), "filterPattern",
				  property(step, "FilterPattern"), "metricTransformations",
				  transformations),
			NULL);
}

HOOK(metric_filter_remove)
{
	return call_api(step, "logs", "DeleteMetricFilter",
			json_pack("{s:O?, s:s}", "logGroupName", property(step, "LogGroupName"),
				  "filterName", physical_id(step)),
			NULL);
}
