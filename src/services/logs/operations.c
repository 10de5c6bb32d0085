/*
 * operations: the table of CloudWatch Logs' operations that exist here, and their shapes. Limits
 * are checked by the handlers, since this service has its own code for what breaks them.
 */
#include "api/rows.h"
#include "services/logs/logs_internal.h"

LIST(strings, &api_string);
static const struct api_shape string_map = { .kind = API_MAP, .item = &api_string };

/* ---- Groups ---- */
STRUCTURE(create_group_input, S("logGroupName"), S("kmsKeyId"), S("logGroupClass"),
	  B("deletionProtectionEnabled"), M("tags", &string_map));
STRUCTURE(group_input, S("logGroupName"));
STRUCTURE(describe_groups_input, S("logGroupNamePrefix"), S("logGroupNamePattern"), S("nextToken"),
	  I("limit"));
STRUCTURE(group, S("logGroupName"), I("creationTime"), I("retentionInDays"), I("metricFilterCount"),
	  S("arn"), S("logGroupArn"), I("storedBytes"), S("logGroupClass"));
LIST(groups, &group);
STRUCTURE(describe_groups_output, M("logGroups", &groups), S("nextToken"));
STRUCTURE(retention_input, S("logGroupName"), I("retentionInDays"));

/* ---- Tags ---- */
STRUCTURE(tag_resource_input, S("resourceArn"), M("tags", &string_map));
STRUCTURE(untag_resource_input, S("resourceArn"), M("tagKeys", &strings));
STRUCTURE(resource_input, S("resourceArn"));
STRUCTURE(tag_group_input, S("logGroupName"), M("tags", &string_map));
STRUCTURE(untag_group_input, S("logGroupName"), M("tags", &strings));
STRUCTURE(tags_output, M("tags", &string_map));

/* ---- Streams ---- */
STRUCTURE(stream_input, S("logGroupName"), S("logStreamName"));
STRUCTURE(describe_streams_input, S("logGroupName"), S("logGroupIdentifier"),
	  S("logStreamNamePrefix"), S("orderBy"), B("descending"), S("nextToken"), I("limit"));
STRUCTURE(stream, S("logStreamName"), I("creationTime"), I("firstEventTimestamp"),
	  I("lastEventTimestamp"), I("lastIngestionTime"), S("uploadSequenceToken"), S("arn"),
	  I("storedBytes"));
LIST(streams, &stream);
STRUCTURE(describe_streams_output, M("logStreams", &streams), S("nextToken"));

/* ---- Events ---- */
STRUCTURE(input_event, I("timestamp"), S("message"));
LIST(input_events, &input_event);
STRUCTURE(put_input, S("logGroupName"), S("logStreamName"), M("logEvents", &input_events),
	  S("sequenceToken"));
STRUCTURE(rejected, I("tooNewLogEventStartIndex"), I("tooOldLogEventEndIndex"),
	  I("expiredLogEventEndIndex"));
STRUCTURE(put_output, S("nextSequenceToken"), M("rejectedLogEventsInfo", &rejected));
STRUCTURE(get_input, S("logGroupName"), S("logGroupIdentifier"), S("logStreamName"), I("startTime"),
	  I("endTime"), S("nextToken"), I("limit"), B("startFromHead"));
STRUCTURE(output_event, I("timestamp"), S("message"), I("ingestionTime"));
LIST(output_events, &output_event);
STRUCTURE(get_output, M("events", &output_events), S("nextForwardToken"), S("nextBackwardToken"));
STRUCTURE(filter_input, S("logGroupName"), S("logGroupIdentifier"), M("logStreamNames", &strings),
	  S("logStreamNamePrefix"), I("startTime"), I("endTime"), S("filterPattern"),
	  S("nextToken"), I("limit"), B("interleaved"));
STRUCTURE(filtered_event, S("logStreamName"), I("timestamp"), S("message"), I("ingestionTime"),
	  S("eventId"));
LIST(filtered_events, &filtered_event);
STRUCTURE(searched, S("logStreamName"), B("searchedCompletely"));
LIST(searched_list, &searched);
STRUCTURE(filter_output, M("events", &filtered_events), M("searchedLogStreams", &searched_list),
	  S("nextToken"));

/* ---- Metric filters ---- */
STRUCTURE(transformation, S("metricName"), S("metricNamespace"), S("metricValue"),
	  M("defaultValue", &api_double), M("dimensions", &string_map), S("unit"));
LIST(transformations, &transformation);
STRUCTURE(put_filter_input, S("logGroupName"), S("filterName"), S("filterPattern"),
	  M("metricTransformations", &transformations));
STRUCTURE(delete_filter_input, S("logGroupName"), S("filterName"));
STRUCTURE(describe_filters_input, S("logGroupName"), S("filterNamePrefix"), S("metricName"),
	  S("metricNamespace"), S("nextToken"), I("limit"));
STRUCTURE(metric_filter, S("filterName"), S("filterPattern"),
	  M("metricTransformations", &transformations), I("creationTime"), S("logGroupName"));
LIST(metric_filters, &metric_filter);
STRUCTURE(describe_filters_output, M("metricFilters", &metric_filters), S("nextToken"));
STRUCTURE(test_filter_input, S("filterPattern"), M("logEventMessages", &strings));
STRUCTURE(match, I("eventNumber"), S("eventMessage"), M("extractedValues", &string_map));
LIST(matches, &match);
STRUCTURE(test_filter_output, M("matches", &matches));

/* ---- Subscriptions ---- */
STRUCTURE(put_subscription_input, S("logGroupName"), S("filterName"), S("filterPattern"),
	  S("destinationArn"), S("roleArn"), S("distribution"), B("applyOnTransformedLogs"),
	  S("fieldSelectionCriteria"), M("emitSystemFields", &strings));
STRUCTURE(describe_subscriptions_input, S("logGroupName"), S("filterNamePrefix"), S("nextToken"),
	  I("limit"));
STRUCTURE(subscription, S("filterName"), S("logGroupName"), S("filterPattern"), S("destinationArn"),
	  S("distribution"), I("creationTime"));
LIST(subscriptions, &subscription);
STRUCTURE(describe_subscriptions_output, M("subscriptionFilters", &subscriptions), S("nextToken"));

/* What is refused takes anything. */
#define REFUSED(name_, effect_, why_)                                                   \
	{                                                                               \
		ROW_OPERATION("logs", name_, effect_, &api_shape_none, &api_shape_none, \
			      logs_refuse),                                             \
			.refusal = (why_)                                               \
	}
#define OPERATION(name_, effect_, input_, output_, handle_)                     \
	{                                                                       \
		ROW_OPERATION("logs", name_, effect_, input_, output_, handle_) \
	}

const struct api_operation logs_operations[] = {
	OPERATION("CreateLogGroup", API_WRITES, &create_group_input, &api_shape_none,
		  logs_create_log_group),
	OPERATION("DeleteLogGroup", API_WRITES, &group_input, &api_shape_none,
		  logs_delete_log_group),
	OPERATION("DescribeLogGroups", API_READS, &describe_groups_input, &describe_groups_output,
		  logs_describe_log_groups),
	OPERATION("PutRetentionPolicy", API_WRITES, &retention_input, &api_shape_none,
		  logs_put_retention_policy),
	OPERATION("DeleteRetentionPolicy", API_WRITES, &group_input, &api_shape_none,
		  logs_delete_retention_policy),
	OPERATION("TagResource", API_WRITES, &tag_resource_input, &api_shape_none,
		  logs_tag_resource),
	OPERATION("UntagResource", API_WRITES, &untag_resource_input, &api_shape_none,
		  logs_untag_resource),
	OPERATION("ListTagsForResource", API_READS, &resource_input, &tags_output,
		  logs_list_tags_for_resource),
	OPERATION("TagLogGroup", API_WRITES, &tag_group_input, &api_shape_none, logs_tag_resource),
	OPERATION("UntagLogGroup", API_WRITES, &untag_group_input, &api_shape_none,
		  logs_untag_resource),
	OPERATION("ListTagsLogGroup", API_READS, &group_input, &tags_output,
		  logs_list_tags_for_resource),
	OPERATION("CreateLogStream", API_WRITES, &stream_input, &api_shape_none,
		  logs_create_log_stream),
	OPERATION("DeleteLogStream", API_WRITES, &stream_input, &api_shape_none,
		  logs_delete_log_stream),
	OPERATION("DescribeLogStreams", API_READS, &describe_streams_input,
		  &describe_streams_output, logs_describe_log_streams),
	OPERATION("PutLogEvents", API_WRITES, &put_input, &put_output, logs_put_log_events),
	OPERATION("GetLogEvents", API_READS, &get_input, &get_output, logs_get_log_events),
	OPERATION("FilterLogEvents", API_READS, &filter_input, &filter_output,
		  logs_filter_log_events),
	OPERATION("PutMetricFilter", API_WRITES, &put_filter_input, &api_shape_none,
		  logs_put_metric_filter),
	OPERATION("DeleteMetricFilter", API_WRITES, &delete_filter_input, &api_shape_none,
		  logs_delete_metric_filter),
	OPERATION("DescribeMetricFilters", API_READS, &describe_filters_input,
		  &describe_filters_output, logs_describe_metric_filters),
	OPERATION("TestMetricFilter", API_READS, &test_filter_input, &test_filter_output,
		  logs_test_metric_filter),
	OPERATION("PutSubscriptionFilter", API_WRITES, &put_subscription_input, &api_shape_none,
		  logs_put_subscription_filter),
	OPERATION("DeleteSubscriptionFilter", API_WRITES, &delete_filter_input, &api_shape_none,
		  logs_delete_subscription_filter),
	OPERATION("DescribeSubscriptionFilters", API_READS, &describe_subscriptions_input,
		  &describe_subscriptions_output, logs_describe_subscription_filters),
	REFUSED("StartQuery", API_READS,
		"Insights is not there: FilterLogEvents takes the whole filter-pattern language"),
	REFUSED("StartLiveTail", API_READS,
		"events are not pushed: weir logs -f and aws logs tail ask for them"),
	REFUSED("CreateExportTask", API_WRITES,
		"groups are not exported: FilterLogEvents reads them, and the balancer's logs go "
		"to buckets"),
	REFUSED("AssociateKmsKey", API_WRITES, "there are no KMS keys"),
	REFUSED("PutDestination", API_WRITES,
		"subscriptions go to Lambda functions of this account only"),
};
const size_t logs_operation_count = COUNT(logs_operations);
