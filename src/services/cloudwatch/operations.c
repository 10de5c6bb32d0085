/*
 * operations: CloudWatch's operations, and what they take and give, in rows (api/shape.h).
 */
#include "api/rows.h"
#include "services/cloudwatch/cloudwatch_internal.h"

/* ---- Words ---- */

STRING(string_255, 1, 255, NULL);
STRING(string_1024, 1, 1024, NULL);
STRING(string_0_1024, 0, 1024, NULL);
STRING(string_1600, 1, 1600, NULL);
STRING(tag_key, 1, 128, NULL);
STRING(tag_value, 0, 256, NULL);
STRING(expression, 1, 2048, NULL);
STRING(alarm_rule, 1, 10240, NULL);
STRING(state_reason, 0, 1023, NULL);
STRING(state_reason_data, 0, 4000, NULL);
static const struct api_shape name_space = {
	.kind = API_STRING, .min = 1, .max = 255, .pattern = "^[^:].*$"
};
static const struct api_shape unit = { .kind = API_STRING, .values = metric_units };
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
INTEGER(suppressor_seconds, 0, 7 * 86400);
LIST(strings, &api_string);
LIST(doubles, &api_double);
LIST(times, &api_timestamp);
LIST_BETWEEN(actions, &string_1024, 0, 5);
LIST_BETWEEN(alarm_names, &string_255, 0, 100);

/* ---- Metrics ---- */

STRUCTURE(dimension, R("Name", &string_255), R("Value", &string_1024));
LIST_BETWEEN(dimensions, &dimension, 0, 30);
STRUCTURE(dimension_filter, R("Name", &string_255), M("Value", &string_1024));
LIST_BETWEEN(dimension_filters, &dimension_filter, 0, 10);
STRUCTURE(metric, M("Namespace", &name_space), M("MetricName", &string_255),
	  M("Dimensions", &dimensions));
LIST(metrics, &metric);
STRUCTURE(metric_stat, R("Metric", &metric), R("Period", &positive), R("Stat", &api_string),
	  M("Unit", &unit));
STRUCTURE(metric_data_query, R("Id", &string_255), M("MetricStat", &metric_stat),
	  M("Expression", &expression), M("Label", &api_string), M("ReturnData", &api_boolean),
	  M("Period", &positive), M("AccountId", &string_255));
LIST_BETWEEN(metric_data_queries, &metric_data_query, 0, 500);
STRUCTURE(statistic_set, R("SampleCount", &api_double), R("Sum", &api_double),
	  R("Minimum", &api_double), R("Maximum", &api_double));
STRUCTURE(metric_datum, R("MetricName", &string_255), M("Dimensions", &dimensions),
	  M("Timestamp", &api_timestamp), M("Value", &api_double),
	  M("StatisticValues", &statistic_set), M("Values", &doubles), M("Counts", &doubles),
	  M("Unit", &unit), M("StorageResolution", &positive));
LIST(metric_data, &metric_datum);
STRUCTURE(put_metric_data_input, R("Namespace", &name_space), M("MetricData", &metric_data),
	  M("EntityMetricData", &strings));
LIST_BETWEEN(statistics, &statistic, 1, 5);
LIST_BETWEEN(extended_statistics, &api_string, 1, 10);
STRUCTURE(get_metric_statistics_input, R("Namespace", &name_space), R("MetricName", &string_255),
	  M("Dimensions", &dimensions), R("StartTime", &api_timestamp),
	  R("EndTime", &api_timestamp), R("Period", &positive), M("Statistics", &statistics),
	  M("ExtendedStatistics", &extended_statistics), M("Unit", &unit));
static const struct api_shape double_map = { .kind = API_MAP, .item = &api_double };
STRUCTURE(datapoint, M("Timestamp", &api_timestamp), M("SampleCount", &api_double),
	  M("Average", &api_double), M("Sum", &api_double), M("Minimum", &api_double),
	  M("Maximum", &api_double), M("Unit", &unit), M("ExtendedStatistics", &double_map));
LIST(datapoints, &datapoint);
STRUCTURE(get_metric_statistics_output, M("Label", &api_string), M("Datapoints", &datapoints));
STRUCTURE(label_options, M("Timezone", &api_string));
STRUCTURE(get_metric_data_input, R("MetricDataQueries", &metric_data_queries),
	  R("StartTime", &api_timestamp), R("EndTime", &api_timestamp), M("NextToken", &api_string),
	  M("ScanBy", &scan_by), M("MaxDatapoints", &positive), M("LabelOptions", &label_options));
STRUCTURE(message, M("Code", &api_string), M("Value", &api_string));
LIST(messages, &message);
STRUCTURE(metric_data_result, M("Id", &api_string), M("Label", &api_string),
	  M("Timestamps", &times), M("Values", &doubles), M("StatusCode", &api_string),
	  M("Messages", &messages));
LIST(metric_data_results, &metric_data_result);
STRUCTURE(get_metric_data_output, M("MetricDataResults", &metric_data_results),
	  M("NextToken", &api_string), M("Messages", &messages));
STRUCTURE(list_metrics_input, M("Namespace", &name_space), M("MetricName", &string_255),
	  M("Dimensions", &dimension_filters), M("NextToken", &api_string),
	  M("RecentlyActive", &recently_active), M("IncludeLinkedAccounts", &api_boolean),
	  M("OwningAccount", &string_255));
STRUCTURE(list_metrics_output, M("Metrics", &metrics), M("NextToken", &api_string),
	  M("OwningAccounts", &strings));

/* ---- Alarms ---- */

STRUCTURE(tag, R("Key", &tag_key), R("Value", &tag_value));
LIST_BETWEEN(tags, &tag, 0, 53); /* three of them may be AWS's own */
#define ALARM_MEMBERS                                                             \
	M("AlarmDescription", &string_0_1024), M("ActionsEnabled", &api_boolean), \
		M("OKActions", &actions), M("AlarmActions", &actions),            \
		M("InsufficientDataActions", &actions)
#define METRIC_ALARM_MEMBERS                                                                   \
	M("MetricName", &string_255), M("Namespace", &name_space), M("Statistic", &statistic), \
		M("ExtendedStatistic", &api_string), M("Dimensions", &dimensions),             \
		M("Period", &positive), M("Unit", &unit), M("EvaluationPeriods", &positive),   \
		M("DatapointsToAlarm", &positive), M("Threshold", &api_double),                \
		M("ComparisonOperator", &comparison), M("TreatMissingData", &string_255),      \
		M("EvaluateLowSampleCountPercentile", &string_255),                            \
		M("Metrics", &metric_data_queries), M("ThresholdMetricId", &string_255)
#define STATE_MEMBERS                                                                          \
	M("AlarmName", &api_string), M("AlarmArn", &api_string),                               \
		M("AlarmConfigurationUpdatedTimestamp", &api_timestamp),                       \
		M("StateValue", &api_string), M("StateReason", &api_string),                   \
		M("StateReasonData", &api_string), M("StateUpdatedTimestamp", &api_timestamp), \
		M("StateTransitionedTimestamp", &api_timestamp)

STRUCTURE(put_metric_alarm_input, R("AlarmName", &string_255), ALARM_MEMBERS, METRIC_ALARM_MEMBERS,
	  M("Tags", &tags));
#define SUPPRESSOR_MEMBERS                                             \
	M("ActionsSuppressor", &string_1600),                          \
		M("ActionsSuppressorWaitPeriod", &suppressor_seconds), \
		M("ActionsSuppressorExtensionPeriod", &suppressor_seconds)
STRUCTURE(put_composite_alarm_input, R("AlarmName", &string_255), ALARM_MEMBERS,
	  R("AlarmRule", &alarm_rule), SUPPRESSOR_MEMBERS, M("Tags", &tags));
STRUCTURE(metric_alarm, STATE_MEMBERS, ALARM_MEMBERS, METRIC_ALARM_MEMBERS);
LIST(metric_alarms, &metric_alarm);
STRUCTURE(composite_alarm, STATE_MEMBERS, ALARM_MEMBERS, M("AlarmRule", &alarm_rule),
	  SUPPRESSOR_MEMBERS, S("ActionsSuppressedBy"), S("ActionsSuppressedReason"));
LIST(composite_alarms, &composite_alarm);
LIST(alarm_types, &alarm_type);
STRUCTURE(describe_alarms_input, M("AlarmNames", &alarm_names), M("AlarmNamePrefix", &string_255),
	  M("AlarmTypes", &alarm_types), M("ChildrenOfAlarmName", &string_255),
	  M("ParentsOfAlarmName", &string_255), M("StateValue", &state_value),
	  M("ActionPrefix", &string_1024), M("MaxRecords", &max_records),
	  M("NextToken", &api_string));
STRUCTURE(describe_alarms_output, M("CompositeAlarms", &composite_alarms),
	  M("MetricAlarms", &metric_alarms), M("NextToken", &api_string));
STRUCTURE(describe_alarms_for_metric_input, R("MetricName", &string_255),
	  R("Namespace", &name_space), M("Statistic", &statistic),
	  M("ExtendedStatistic", &api_string), M("Dimensions", &dimensions), M("Period", &positive),
	  M("Unit", &unit));
STRUCTURE(describe_alarms_for_metric_output, M("MetricAlarms", &metric_alarms));
STRUCTURE(alarm_names_input, R("AlarmNames", &alarm_names));
STRUCTURE(set_alarm_state_input, R("AlarmName", &string_255), R("StateValue", &state_value),
	  R("StateReason", &state_reason), M("StateReasonData", &state_reason_data));
STRUCTURE(describe_alarm_history_input, M("AlarmName", &string_255), M("AlarmTypes", &alarm_types),
	  M("HistoryItemType", &history_type), M("StartDate", &api_timestamp),
	  M("EndDate", &api_timestamp), M("MaxRecords", &max_records), M("NextToken", &api_string),
	  M("ScanBy", &scan_by));
STRUCTURE(history_item, M("AlarmName", &api_string), M("AlarmType", &api_string),
	  M("Timestamp", &api_timestamp), M("HistoryItemType", &api_string),
	  M("HistorySummary", &api_string), M("HistoryData", &api_string));
LIST(history_items, &history_item);
STRUCTURE(describe_alarm_history_output, M("AlarmHistoryItems", &history_items),
	  M("NextToken", &api_string));

/* ---- Dashboards, tags ---- */

STRUCTURE(put_dashboard_input, R("DashboardName", &api_string), R("DashboardBody", &api_string),
	  M("Tags", &tags));
STRUCTURE(validation_message, M("DataPath", &api_string), M("Message", &api_string));
LIST(validation_messages, &validation_message);
STRUCTURE(put_dashboard_output, M("DashboardValidationMessages", &validation_messages));
STRUCTURE(get_dashboard_input, R("DashboardName", &api_string));
STRUCTURE(get_dashboard_output, M("DashboardArn", &api_string), M("DashboardBody", &api_string),
	  M("DashboardName", &api_string));
STRUCTURE(delete_dashboards_input, R("DashboardNames", &strings));
STRUCTURE(list_dashboards_input, M("DashboardNamePrefix", &api_string),
	  M("NextToken", &api_string));
STRUCTURE(dashboard_entry, M("DashboardName", &api_string), M("DashboardArn", &api_string),
	  M("LastModified", &api_timestamp), M("Size", &api_integer));
LIST(dashboard_entries, &dashboard_entry);
STRUCTURE(list_dashboards_output, M("DashboardEntries", &dashboard_entries),
	  M("NextToken", &api_string));
LIST(tag_keys, &tag_key);
STRUCTURE(tag_resource_input, R("ResourceARN", &string_1024), R("Tags", &tags));
STRUCTURE(untag_resource_input, R("ResourceARN", &string_1024), R("TagKeys", &tag_keys));
STRUCTURE(list_tags_input, R("ResourceARN", &string_1024));
STRUCTURE(list_tags_output, M("Tags", &tags));

#define OPERATION_ACTS(note_) NULL

const struct api_operation cloudwatch_operations[] = {
#define OPERATION(name_, effect_, input_, output_, handler_, acts_, note_)                \
	{ ROW_OPERATION("cloudwatch", #name_, effect_, &input_, &output_, cw_##handler_), \
	  .refusal = OPERATION_##acts_(note_) },
#include "services/cloudwatch/operations.def"
#undef OPERATION
};

const size_t cloudwatch_operation_count = COUNT(cloudwatch_operations);
