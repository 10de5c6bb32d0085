/*
 * operations: the table of operations that exist here, and their shapes.
 */
#include "api/rows.h"
#include "services/autoscaling/autoscaling_internal.h"

STRUCTURE(suspended_state, B("DynamicScalingInSuspended"), B("DynamicScalingOutSuspended"),
	  B("ScheduledScalingSuspended"));
MAP(string_map, &api_string);
STRUCTURE(register_scalable_target_request, S("ServiceNamespace"), S("ResourceId"),
	  S("ScalableDimension"), I("MinCapacity"), I("MaxCapacity"), S("RoleARN"),
	  M("SuspendedState", &suspended_state), M("Tags", &string_map));
STRUCTURE(register_scalable_target_response, S("ScalableTargetARN"));
LIST(strings, &api_string);
STRUCTURE(describe_scalable_targets_request, S("ServiceNamespace"), M("ResourceIds", &strings),
	  S("ScalableDimension"), I("MaxResults"), S("NextToken"));
STRUCTURE(scalable_target, S("ServiceNamespace"), S("ResourceId"), S("ScalableDimension"),
	  I("MinCapacity"), I("MaxCapacity"), I("PredictedCapacity"), S("RoleARN"),
	  T("CreationTime"), M("SuspendedState", &suspended_state), S("ScalableTargetARN"));
LIST(scalable_targets, &scalable_target);
STRUCTURE(describe_scalable_targets_response, M("ScalableTargets", &scalable_targets),
	  S("NextToken"));
STRUCTURE(deregister_scalable_target_request, S("ServiceNamespace"), S("ResourceId"),
	  S("ScalableDimension"));
STRUCTURE(step_adjustment, D("MetricIntervalLowerBound"), D("MetricIntervalUpperBound"),
	  I("ScalingAdjustment"));
LIST(step_adjustments, &step_adjustment);
STRUCTURE(step_scaling_policy_configuration, S("AdjustmentType"),
	  M("StepAdjustments", &step_adjustments), I("MinAdjustmentMagnitude"), I("Cooldown"),
	  S("MetricAggregationType"));
STRUCTURE(predefined_metric_specification, S("PredefinedMetricType"), S("ResourceLabel"));
STRUCTURE(metric_dimension, S("Name"), S("Value"));
LIST(metric_dimensions, &metric_dimension);
STRUCTURE(target_tracking_metric_dimension, S("Name"), S("Value"));
LIST(target_tracking_metric_dimensions, &target_tracking_metric_dimension);
STRUCTURE(target_tracking_metric, M("Dimensions", &target_tracking_metric_dimensions),
	  S("MetricName"), S("Namespace"));
STRUCTURE(target_tracking_metric_stat, M("Metric", &target_tracking_metric), S("Stat"), S("Unit"));
STRUCTURE(target_tracking_metric_data_query, S("Expression"), S("Id"), S("Label"),
	  M("MetricStat", &target_tracking_metric_stat), B("ReturnData"));
LIST(target_tracking_metric_data_queries, &target_tracking_metric_data_query);
STRUCTURE(customized_metric_specification, S("MetricName"), S("Namespace"),
	  M("Dimensions", &metric_dimensions), S("Statistic"), S("Unit"),
	  M("Metrics", &target_tracking_metric_data_queries));
STRUCTURE(target_tracking_scaling_policy_configuration, D("TargetValue"),
	  M("PredefinedMetricSpecification", &predefined_metric_specification),
	  M("CustomizedMetricSpecification", &customized_metric_specification),
	  I("ScaleOutCooldown"), I("ScaleInCooldown"), B("DisableScaleIn"));
STRUCTURE(predictive_scaling_predefined_metric_pair_specification, S("PredefinedMetricType"),
	  S("ResourceLabel"));
STRUCTURE(predictive_scaling_predefined_scaling_metric_specification, S("PredefinedMetricType"),
	  S("ResourceLabel"));
STRUCTURE(predictive_scaling_predefined_load_metric_specification, S("PredefinedMetricType"),
	  S("ResourceLabel"));
STRUCTURE(predictive_scaling_metric_dimension, S("Name"), S("Value"));
LIST(predictive_scaling_metric_dimensions, &predictive_scaling_metric_dimension);
STRUCTURE(predictive_scaling_metric, M("Dimensions", &predictive_scaling_metric_dimensions),
	  S("MetricName"), S("Namespace"));
STRUCTURE(predictive_scaling_metric_stat, M("Metric", &predictive_scaling_metric), S("Stat"),
	  S("Unit"));
STRUCTURE(predictive_scaling_metric_data_query, S("Id"), S("Expression"),
	  M("MetricStat", &predictive_scaling_metric_stat), S("Label"), B("ReturnData"));
LIST(predictive_scaling_metric_data_queries, &predictive_scaling_metric_data_query);
STRUCTURE(predictive_scaling_customized_metric_specification,
	  M("MetricDataQueries", &predictive_scaling_metric_data_queries));
STRUCTURE(predictive_scaling_metric_specification, D("TargetValue"),
	  M("PredefinedMetricPairSpecification",
	    &predictive_scaling_predefined_metric_pair_specification),
	  M("PredefinedScalingMetricSpecification",
	    &predictive_scaling_predefined_scaling_metric_specification),
	  M("PredefinedLoadMetricSpecification",
	    &predictive_scaling_predefined_load_metric_specification),
	  M("CustomizedScalingMetricSpecification",
	    &predictive_scaling_customized_metric_specification),
	  M("CustomizedLoadMetricSpecification",
	    &predictive_scaling_customized_metric_specification),
	  M("CustomizedCapacityMetricSpecification",
	    &predictive_scaling_customized_metric_specification));
LIST(predictive_scaling_metric_specifications, &predictive_scaling_metric_specification);
STRUCTURE(predictive_scaling_policy_configuration,
	  M("MetricSpecifications", &predictive_scaling_metric_specifications), S("Mode"),
	  I("SchedulingBufferTime"), S("MaxCapacityBreachBehavior"), I("MaxCapacityBuffer"));
STRUCTURE(put_scaling_policy_request, S("PolicyName"), S("ServiceNamespace"), S("ResourceId"),
	  S("ScalableDimension"), S("PolicyType"),
	  M("StepScalingPolicyConfiguration", &step_scaling_policy_configuration),
	  M("TargetTrackingScalingPolicyConfiguration",
	    &target_tracking_scaling_policy_configuration),
	  M("PredictiveScalingPolicyConfiguration", &predictive_scaling_policy_configuration));
STRUCTURE(alarm, S("AlarmName"), S("AlarmARN"));
LIST(alarms, &alarm);
STRUCTURE(put_scaling_policy_response, S("PolicyARN"), M("Alarms", &alarms));
STRUCTURE(describe_scaling_policies_request, M("PolicyNames", &strings), S("ServiceNamespace"),
	  S("ResourceId"), S("ScalableDimension"), I("MaxResults"), S("NextToken"));
STRUCTURE(scaling_policy, S("PolicyARN"), S("PolicyName"), S("ServiceNamespace"), S("ResourceId"),
	  S("ScalableDimension"), S("PolicyType"),
	  M("StepScalingPolicyConfiguration", &step_scaling_policy_configuration),
	  M("TargetTrackingScalingPolicyConfiguration",
	    &target_tracking_scaling_policy_configuration),
	  M("PredictiveScalingPolicyConfiguration", &predictive_scaling_policy_configuration),
	  M("Alarms", &alarms), T("CreationTime"));
LIST(scaling_policies, &scaling_policy);
STRUCTURE(describe_scaling_policies_response, M("ScalingPolicies", &scaling_policies),
	  S("NextToken"));
STRUCTURE(delete_scaling_policy_request, S("PolicyName"), S("ServiceNamespace"), S("ResourceId"),
	  S("ScalableDimension"));
STRUCTURE(scalable_target_action, I("MinCapacity"), I("MaxCapacity"));
STRUCTURE(put_scheduled_action_request, S("ServiceNamespace"), S("Schedule"), S("Timezone"),
	  S("ScheduledActionName"), S("ResourceId"), S("ScalableDimension"), T("StartTime"),
	  T("EndTime"), M("ScalableTargetAction", &scalable_target_action));
STRUCTURE(describe_scheduled_actions_request, M("ScheduledActionNames", &strings),
	  S("ServiceNamespace"), S("ResourceId"), S("ScalableDimension"), I("MaxResults"),
	  S("NextToken"));
STRUCTURE(scheduled_action, S("ScheduledActionName"), S("ScheduledActionARN"),
	  S("ServiceNamespace"), S("Schedule"), S("Timezone"), S("ResourceId"),
	  S("ScalableDimension"), T("StartTime"), T("EndTime"),
	  M("ScalableTargetAction", &scalable_target_action), T("CreationTime"));
LIST(scheduled_actions, &scheduled_action);
STRUCTURE(describe_scheduled_actions_response, M("ScheduledActions", &scheduled_actions),
	  S("NextToken"));
STRUCTURE(delete_scheduled_action_request, S("ServiceNamespace"), S("ScheduledActionName"),
	  S("ResourceId"), S("ScalableDimension"));
STRUCTURE(describe_scaling_activities_request, S("ServiceNamespace"), S("ResourceId"),
	  S("ScalableDimension"), I("MaxResults"), S("NextToken"), B("IncludeNotScaledActivities"));
STRUCTURE(not_scaled_reason, S("Code"), I("MaxCapacity"), I("MinCapacity"), I("CurrentCapacity"));
LIST(not_scaled_reasons, &not_scaled_reason);
STRUCTURE(scaling_activity, S("ActivityId"), S("ServiceNamespace"), S("ResourceId"),
	  S("ScalableDimension"), S("Description"), S("Cause"), T("StartTime"), T("EndTime"),
	  S("StatusCode"), S("StatusMessage"), S("Details"),
	  M("NotScaledReasons", &not_scaled_reasons));
LIST(scaling_activities, &scaling_activity);
STRUCTURE(describe_scaling_activities_response, M("ScalingActivities", &scaling_activities),
	  S("NextToken"));
STRUCTURE(tag_resource_request, S("ResourceARN"), M("Tags", &string_map));
STRUCTURE(untag_resource_request, S("ResourceARN"), M("TagKeys", &strings));
STRUCTURE(list_tags_for_resource_request, S("ResourceARN"));
STRUCTURE(list_tags_for_resource_response, M("Tags", &string_map));

#define OPERATION(name_, effect_, input_, output_, handle_)                                        \
	{                                                                                          \
		ROW_OPERATION("application-autoscaling", name_, effect_, input_, output_, handle_) \
	}

const struct api_operation autoscaling_operations[] = {
	OPERATION("RegisterScalableTarget", API_WRITES, &register_scalable_target_request,
		  &register_scalable_target_response, autoscaling_register_scalable_target),
	OPERATION("DescribeScalableTargets", API_READS, &describe_scalable_targets_request,
		  &describe_scalable_targets_response, autoscaling_describe_scalable_targets),
	OPERATION("DeregisterScalableTarget", API_WRITES, &deregister_scalable_target_request,
		  &api_shape_none, autoscaling_deregister_scalable_target),
	OPERATION("PutScalingPolicy", API_WRITES, &put_scaling_policy_request,
		  &put_scaling_policy_response, autoscaling_put_scaling_policy),
	OPERATION("DescribeScalingPolicies", API_READS, &describe_scaling_policies_request,
		  &describe_scaling_policies_response, autoscaling_describe_scaling_policies),
	OPERATION("DeleteScalingPolicy", API_WRITES, &delete_scaling_policy_request,
		  &api_shape_none, autoscaling_delete_scaling_policy),
	OPERATION("PutScheduledAction", API_WRITES, &put_scheduled_action_request, &api_shape_none,
		  autoscaling_put_scheduled_action),
	OPERATION("DescribeScheduledActions", API_READS, &describe_scheduled_actions_request,
		  &describe_scheduled_actions_response, autoscaling_describe_scheduled_actions),
	OPERATION("DeleteScheduledAction", API_WRITES, &delete_scheduled_action_request,
		  &api_shape_none, autoscaling_delete_scheduled_action),
	OPERATION("DescribeScalingActivities", API_READS, &describe_scaling_activities_request,
		  &describe_scaling_activities_response, autoscaling_describe_scaling_activities),
	OPERATION("TagResource", API_WRITES, &tag_resource_request, &api_shape_none,
		  autoscaling_tag_resource),
	OPERATION("UntagResource", API_WRITES, &untag_resource_request, &api_shape_none,
		  autoscaling_untag_resource),
	OPERATION("ListTagsForResource", API_READS, &list_tags_for_resource_request,
		  &list_tags_for_resource_response, autoscaling_list_tags_for_resource),
};
const size_t autoscaling_operation_count = COUNT(autoscaling_operations);
