/*
 * operations: CloudWatch's operations, and what they take and give, in rows (api/shape.h).
 */
#include "services/cloudwatch/cloudwatch_internal.h"

#define NEEDS(name_, shape_)                                         \
	{                                                            \
		.name = (name_), .shape = (shape_), .required = true \
	}
#define MAY(name_, shape_)                         \
	{                                          \
		.name = (name_), .shape = (shape_) \
	}
#define STRUCTURE(id, ...)                                                                        \
	static const struct api_shape id = { .kind = API_STRUCTURE,                               \
					     .members = (const struct api_member[]){ __VA_ARGS__, \
										     API_END } }
#define LIST(id, item_, min_, max_)                                             \
	static const struct api_shape id = {                                    \
		.kind = API_LIST, .item = (item_), .min = (min_), .max = (max_) \
	}
#define STRING(id, min_, max_) \
	static const struct api_shape id = { .kind = API_STRING, .min = (min_), .max = (max_) }
#define INTEGER(id, min_, max_) \
	static const struct api_shape id = { .kind = API_INTEGER, .min = (min_), .max = (max_) }
#define ENUM(id, ...)                                                                    \
	static const struct api_shape id = {                                             \
		.kind = API_STRING, .values = (const char *const[]){ __VA_ARGS__, NULL } \
	}

/* ---- Words ---- */

STRING(string_255, 1, 255);
STRING(string_1024, 1, 1024);
STRING(string_0_1024, 0, 1024);
STRING(tag_key, 1, 128);
STRING(tag_value, 0, 256);
STRING(expression, 1, 2048);
STRING(alarm_rule, 1, 10240);
STRING(state_reason, 0, 1023);
STRING(state_reason_data, 0, 4000);
static const struct api_shape name_space = {
	.kind = API_STRING, .min = 1, .max = 255, .pattern = "^[^:].*$"
};
static const struct api_shape unit = { .kind = API_STRING, .values = cw_units };
static const struct api_shape comparison = {
	.kind = API_STRING,
	.values = (const char *const[]){ "GreaterThanOrEqualToThreshold", "GreaterThanThreshold",
					 "LessThanThreshold", "LessThanOrEqualToThreshold",
					 "LessThanLowerOrGreaterThanUpperThreshold",
					 "LessThanLowerThreshold", "GreaterThanUpperThreshold",
					 NULL }
};
ENUM(statistic, "SampleCount", "Average", "Sum", "Minimum", "Maximum");
ENUM(state_value, "OK", "ALARM", "INSUFFICIENT_DATA");
ENUM(alarm_type, "CompositeAlarm", "MetricAlarm");
ENUM(history_type, "ConfigurationUpdate", "StateUpdate", "Action", "AlarmContributorStateUpdate",
     "AlarmContributorAction");
ENUM(scan_by, "TimestampDescending", "TimestampAscending");
ENUM(recently_active, "PT3H");
INTEGER(positive, 1, INT32_MAX);
INTEGER(max_records, 1, 100);
LIST(strings, &api_string, 0, 0);
LIST(doubles, &api_double, 0, 0);
LIST(times, &api_timestamp, 0, 0);
LIST(actions, &string_1024, 0, 5);
LIST(alarm_names, &string_255, 0, 100);

/* ---- Metrics ---- */

STRUCTURE(dimension, NEEDS("Name", &string_255), NEEDS("Value", &string_1024));
LIST(dimensions, &dimension, 0, 30);
STRUCTURE(dimension_filter, NEEDS("Name", &string_255), MAY("Value", &string_1024));
LIST(dimension_filters, &dimension_filter, 0, 10);
STRUCTURE(metric, MAY("Namespace", &name_space), MAY("MetricName", &string_255),
	  MAY("Dimensions", &dimensions));
LIST(metrics, &metric, 0, 0);
STRUCTURE(metric_stat, NEEDS("Metric", &metric), NEEDS("Period", &positive),
	  NEEDS("Stat", &api_string), MAY("Unit", &unit));
STRUCTURE(metric_data_query, NEEDS("Id", &string_255), MAY("MetricStat", &metric_stat),
	  MAY("Expression", &expression), MAY("Label", &api_string),
	  MAY("ReturnData", &api_boolean), MAY("Period", &positive), MAY("AccountId", &string_255));
LIST(metric_data_queries, &metric_data_query, 0, 500);
STRUCTURE(statistic_set, NEEDS("SampleCount", &api_double), NEEDS("Sum", &api_double),
	  NEEDS("Minimum", &api_double), NEEDS("Maximum", &api_double));
STRUCTURE(metric_datum, NEEDS("MetricName", &string_255), MAY("Dimensions", &dimensions),
	  MAY("Timestamp", &api_timestamp), MAY("Value", &api_double),
	  MAY("StatisticValues", &statistic_set), MAY("Values", &doubles), MAY("Counts", &doubles),
	  MAY("Unit", &unit), MAY("StorageResolution", &positive));
LIST(metric_data, &metric_datum, 0, 0);
STRUCTURE(put_metric_data_input, NEEDS("Namespace", &name_space), MAY("MetricData", &metric_data),
	  MAY("EntityMetricData", &strings));
LIST(statistics, &statistic, 1, 5);
LIST(extended_statistics, &api_string, 1, 10);
STRUCTURE(get_metric_statistics_input, NEEDS("Namespace", &name_space),
	  NEEDS("MetricName", &string_255), MAY("Dimensions", &dimensions),
	  NEEDS("StartTime", &api_timestamp), NEEDS("EndTime", &api_timestamp),
	  NEEDS("Period", &positive), MAY("Statistics", &statistics),
	  MAY("ExtendedStatistics", &extended_statistics), MAY("Unit", &unit));
static const struct api_shape double_map = { .kind = API_MAP, .item = &api_double };
STRUCTURE(datapoint, MAY("Timestamp", &api_timestamp), MAY("SampleCount", &api_double),
	  MAY("Average", &api_double), MAY("Sum", &api_double), MAY("Minimum", &api_double),
	  MAY("Maximum", &api_double), MAY("Unit", &unit), MAY("ExtendedStatistics", &double_map));
LIST(datapoints, &datapoint, 0, 0);
STRUCTURE(get_metric_statistics_output, MAY("Label", &api_string), MAY("Datapoints", &datapoints));
STRUCTURE(label_options, MAY("Timezone", &api_string));
STRUCTURE(get_metric_data_input, NEEDS("MetricDataQueries", &metric_data_queries),
	  NEEDS("StartTime", &api_timestamp), NEEDS("EndTime", &api_timestamp),
	  MAY("NextToken", &api_string), MAY("ScanBy", &scan_by), MAY("MaxDatapoints", &positive),
	  MAY("LabelOptions", &label_options));
STRUCTURE(message, MAY("Code", &api_string), MAY("Value", &api_string));
LIST(messages, &message, 0, 0);
STRUCTURE(metric_data_result, MAY("Id", &api_string), MAY("Label", &api_string),
	  MAY("Timestamps", &times), MAY("Values", &doubles), MAY("StatusCode", &api_string),
	  MAY("Messages", &messages));
LIST(metric_data_results, &metric_data_result, 0, 0);
STRUCTURE(get_metric_data_output, MAY("MetricDataResults", &metric_data_results),
	  MAY("NextToken", &api_string), MAY("Messages", &messages));
STRUCTURE(list_metrics_input, MAY("Namespace", &name_space), MAY("MetricName", &string_255),
	  MAY("Dimensions", &dimension_filters), MAY("NextToken", &api_string),
	  MAY("RecentlyActive", &recently_active), MAY("IncludeLinkedAccounts", &api_boolean),
	  MAY("OwningAccount", &string_255));
STRUCTURE(list_metrics_output, MAY("Metrics", &metrics), MAY("NextToken", &api_string));

/* ---- Alarms ---- */

STRUCTURE(tag, NEEDS("Key", &tag_key), NEEDS("Value", &tag_value));
LIST(tags, &tag, 0, 50);
#define ALARM_MEMBERS                                                                 \
	MAY("AlarmDescription", &string_0_1024), MAY("ActionsEnabled", &api_boolean), \
		MAY("OKActions", &actions), MAY("AlarmActions", &actions),            \
		MAY("InsufficientDataActions", &actions)
#define METRIC_ALARM_MEMBERS                                                                  \
	MAY("MetricName", &string_255), MAY("Namespace", &name_space),                        \
		MAY("Statistic", &statistic), MAY("ExtendedStatistic", &api_string),          \
		MAY("Dimensions", &dimensions), MAY("Period", &positive), MAY("Unit", &unit), \
		MAY("EvaluationPeriods", &positive), MAY("DatapointsToAlarm", &positive),     \
		MAY("Threshold", &api_double), MAY("ComparisonOperator", &comparison),        \
		MAY("TreatMissingData", &string_255),                                         \
		MAY("EvaluateLowSampleCountPercentile", &string_255),                         \
		MAY("Metrics", &metric_data_queries), MAY("ThresholdMetricId", &string_255)
#define STATE_MEMBERS                                                                              \
	MAY("AlarmName", &api_string), MAY("AlarmArn", &api_string),                               \
		MAY("AlarmConfigurationUpdatedTimestamp", &api_timestamp),                         \
		MAY("StateValue", &api_string), MAY("StateReason", &api_string),                   \
		MAY("StateReasonData", &api_string), MAY("StateUpdatedTimestamp", &api_timestamp), \
		MAY("StateTransitionedTimestamp", &api_timestamp)

STRUCTURE(put_metric_alarm_input, NEEDS("AlarmName", &string_255), ALARM_MEMBERS,
	  METRIC_ALARM_MEMBERS, MAY("Tags", &tags));
STRUCTURE(put_composite_alarm_input, NEEDS("AlarmName", &string_255), ALARM_MEMBERS,
	  NEEDS("AlarmRule", &alarm_rule), MAY("ActionsSuppressor", &api_string),
	  MAY("ActionsSuppressorWaitPeriod", &api_integer),
	  MAY("ActionsSuppressorExtensionPeriod", &api_integer), MAY("Tags", &tags));
STRUCTURE(metric_alarm, STATE_MEMBERS, ALARM_MEMBERS, METRIC_ALARM_MEMBERS);
LIST(metric_alarms, &metric_alarm, 0, 0);
STRUCTURE(composite_alarm, STATE_MEMBERS, ALARM_MEMBERS, MAY("AlarmRule", &alarm_rule));
LIST(composite_alarms, &composite_alarm, 0, 0);
LIST(alarm_types, &alarm_type, 0, 0);
STRUCTURE(describe_alarms_input, MAY("AlarmNames", &alarm_names),
	  MAY("AlarmNamePrefix", &string_255), MAY("AlarmTypes", &alarm_types),
	  MAY("ChildrenOfAlarmName", &string_255), MAY("ParentsOfAlarmName", &string_255),
	  MAY("StateValue", &state_value), MAY("ActionPrefix", &string_1024),
	  MAY("MaxRecords", &max_records), MAY("NextToken", &api_string));
STRUCTURE(describe_alarms_output, MAY("CompositeAlarms", &composite_alarms),
	  MAY("MetricAlarms", &metric_alarms), MAY("NextToken", &api_string));
STRUCTURE(describe_alarms_for_metric_input, NEEDS("MetricName", &string_255),
	  NEEDS("Namespace", &name_space), MAY("Statistic", &statistic),
	  MAY("ExtendedStatistic", &api_string), MAY("Dimensions", &dimensions),
	  MAY("Period", &positive), MAY("Unit", &unit));
STRUCTURE(describe_alarms_for_metric_output, MAY("MetricAlarms", &metric_alarms));
STRUCTURE(alarm_names_input, NEEDS("AlarmNames", &alarm_names));
STRUCTURE(set_alarm_state_input, NEEDS("AlarmName", &string_255), NEEDS("StateValue", &state_value),
	  NEEDS("StateReason", &state_reason), MAY("StateReasonData", &state_reason_data));
STRUCTURE(describe_alarm_history_input, MAY("AlarmName", &string_255),
	  MAY("AlarmTypes", &alarm_types), MAY("HistoryItemType", &history_type),
	  MAY("StartDate", &api_timestamp), MAY("EndDate", &api_timestamp),
	  MAY("MaxRecords", &max_records), MAY("NextToken", &api_string), MAY("ScanBy", &scan_by));
STRUCTURE(history_item, MAY("AlarmName", &api_string), MAY("AlarmType", &api_string),
	  MAY("Timestamp", &api_timestamp), MAY("HistoryItemType", &api_string),
	  MAY("HistorySummary", &api_string), MAY("HistoryData", &api_string));
LIST(history_items, &history_item, 0, 0);
STRUCTURE(describe_alarm_history_output, MAY("AlarmHistoryItems", &history_items),
	  MAY("NextToken", &api_string));

/* ---- Dashboards, tags ---- */

STRUCTURE(put_dashboard_input, NEEDS("DashboardName", &api_string),
	  NEEDS("DashboardBody", &api_string), MAY("Tags", &tags));
STRUCTURE(validation_message, MAY("DataPath", &api_string), MAY("Message", &api_string));
LIST(validation_messages, &validation_message, 0, 0);
STRUCTURE(put_dashboard_output, MAY("DashboardValidationMessages", &validation_messages));
STRUCTURE(get_dashboard_input, NEEDS("DashboardName", &api_string));
STRUCTURE(get_dashboard_output, MAY("DashboardArn", &api_string), MAY("DashboardBody", &api_string),
	  MAY("DashboardName", &api_string));
STRUCTURE(delete_dashboards_input, NEEDS("DashboardNames", &strings));
STRUCTURE(list_dashboards_input, MAY("DashboardNamePrefix", &api_string),
	  MAY("NextToken", &api_string));
STRUCTURE(dashboard_entry, MAY("DashboardName", &api_string), MAY("DashboardArn", &api_string),
	  MAY("LastModified", &api_timestamp), MAY("Size", &api_integer));
LIST(dashboard_entries, &dashboard_entry, 0, 0);
STRUCTURE(list_dashboards_output, MAY("DashboardEntries", &dashboard_entries),
	  MAY("NextToken", &api_string));
LIST(tag_keys, &tag_key, 0, 0);
STRUCTURE(tag_resource_input, NEEDS("ResourceARN", &string_1024), NEEDS("Tags", &tags));
STRUCTURE(untag_resource_input, NEEDS("ResourceARN", &string_1024), NEEDS("TagKeys", &tag_keys));
STRUCTURE(list_tags_input, NEEDS("ResourceARN", &string_1024));
STRUCTURE(list_tags_output, MAY("Tags", &tags));

#define OPERATION_ACTS(note_) NULL

const struct api_operation cloudwatch_operations[] = {
#define OPERATION(name_, effect_, input_, output_, handler_, acts_, note_) \
	{                                                                  \
		.name = #name_,                                            \
		.permission = "cloudwatch:" #name_,                        \
		.effect = effect_,                                         \
		.input = &input_,                                          \
		.output = &output_,                                        \
		.refusal = OPERATION_##acts_(note_),                       \
		.handle = cw_##handler_,                                   \
	},
#include "services/cloudwatch/operations.def"
#undef OPERATION
};

const size_t cloudwatch_operation_count = COUNT(cloudwatch_operations);
