/*
 * operations: the table of CloudFormation's operations that are here, and their shapes.
 */
#include "api/rows.h"
#include "services/cloudformation/cloudformation_internal.h"

/* ---- Shared ---- */
static const struct api_shape name = { .kind = API_STRING, .min = 1, .max = 2048 };
static const struct api_shape text = { .kind = API_STRING, .min = 1 };
LIST(strings, &api_string);
STRUCTURE(parameter, S("ParameterKey"), S("ParameterValue"), M("UsePreviousValue", &api_boolean),
	  S("ResolvedValue"));
LIST(parameters, &parameter);
STRUCTURE(tag, R("Key", &api_string), R("Value", &api_string));
static const struct api_shape tags = { .kind = API_LIST, .item = &tag, .max = 50 };
static const struct api_shape capability = {
	.kind = API_STRING,
	.values = (const char *const[]){ "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM",
					 "CAPABILITY_AUTO_EXPAND", NULL },
};
LIST(capabilities, &capability);
static const struct api_shape on_failure = {
	.kind = API_STRING,
	.values = (const char *const[]){ "DO_NOTHING", "ROLLBACK", "DELETE", NULL },
};
STRUCTURE(drift, S("StackDriftStatus"), S("StackResourceDriftStatus"),
	  M("LastCheckTimestamp", &api_timestamp));
STRUCTURE(trigger, R("Arn", &api_string), R("Type", &api_string));
LIST(triggers, &trigger);
STRUCTURE(rollback, M("RollbackTriggers", &triggers), M("MonitoringTimeInMinutes", &api_integer));
static const struct api_shape minutes = { .kind = API_INTEGER, .min = 1 };
#define SETTINGS                                                                                 \
	M("TemplateBody", &text), S("TemplateURL"), M("Parameters", &parameters),                \
		M("Capabilities", &capabilities), S("RoleARN"), M("NotificationARNs", &strings), \
		M("Tags", &tags), M("DisableRollback", &api_boolean),                            \
		M("RollbackConfiguration", &rollback)

/* ---- Stacks ---- */
STRUCTURE(create_input, R("StackName", &name), SETTINGS, M("TimeoutInMinutes", &minutes),
	  M("OnFailure", &on_failure), M("EnableTerminationProtection", &api_boolean),
	  S("StackPolicyBody"), S("StackPolicyURL"), S("ClientRequestToken"));
STRUCTURE(update_input, R("StackName", &name), SETTINGS, M("UsePreviousTemplate", &api_boolean),
	  S("StackPolicyBody"), S("StackPolicyURL"), S("StackPolicyDuringUpdateBody"),
	  S("StackPolicyDuringUpdateURL"), S("ClientRequestToken"));
STRUCTURE(stack_id_output, S("StackId"));
STRUCTURE(stack_input, R("StackName", &name));
static const struct api_shape deletion_mode = {
	.kind = API_STRING,
	.values = (const char *const[]){ "STANDARD", DELETION_FORCED, NULL },
};
STRUCTURE(delete_input, R("StackName", &name), M("RetainResources", &strings),
	  M("DeletionMode", &deletion_mode), S("ClientRequestToken"));
STRUCTURE(token_input, R("StackName", &name), S("ClientRequestToken"));
static const struct api_shape signal_status = {
	.kind = API_STRING,
	.values = (const char *const[]){ "SUCCESS", "FAILURE", NULL },
};
static const struct api_shape signal_id = { .kind = API_STRING, .min = 1, .max = 64 };
STRUCTURE(signal_input, R("StackName", &name), R("LogicalResourceId", &api_string),
	  R("UniqueId", &signal_id), R("Status", &signal_status));
STRUCTURE(continue_input, R("StackName", &name), M("ResourcesToSkip", &strings),
	  S("ClientRequestToken"));
static const struct api_shape empty_output = { .kind = API_STRUCTURE,
					       .members = (const struct api_member[]){ API_END } };
STRUCTURE(protection_input, R("StackName", &name), R("EnableTerminationProtection", &api_boolean));
STRUCTURE(stack_page_input, R("StackName", &name), S("NextToken"));
STRUCTURE(maybe_stack_input, S("StackName"), S("NextToken"));
STRUCTURE(page_input, S("NextToken"));
STRUCTURE(output, S("OutputKey"), S("OutputValue"), S("Description"), S("ExportName"));
LIST(outputs, &output);
STRUCTURE(stack, S("StackId"), S("StackName"), S("ChangeSetId"), S("Description"),
	  M("Parameters", &parameters), M("CreationTime", &api_timestamp),
	  M("DeletionTime", &api_timestamp), M("LastUpdatedTime", &api_timestamp), S("StackStatus"),
	  S("StackStatusReason"), M("DisableRollback", &api_boolean),
	  M("NotificationARNs", &strings), M("TimeoutInMinutes", &api_integer),
	  M("Capabilities", &strings), M("Outputs", &outputs), S("RoleARN"), M("Tags", &tags),
	  M("EnableTerminationProtection", &api_boolean), S("DeletionMode"), S("ParentId"),
	  S("RootId"), M("RollbackConfiguration", &rollback), M("DriftInformation", &drift));
LIST(stacks, &stack);
STRUCTURE(describe_stacks_output, M("Stacks", &stacks), S("NextToken"));
STRUCTURE(list_stacks_input, S("NextToken"), M("StackStatusFilter", &strings));
STRUCTURE(summary, S("StackId"), S("StackName"), S("TemplateDescription"),
	  M("CreationTime", &api_timestamp), M("LastUpdatedTime", &api_timestamp),
	  M("DeletionTime", &api_timestamp), S("StackStatus"), S("StackStatusReason"),
	  S("ParentId"), S("RootId"), M("DriftInformation", &drift));
LIST(summaries, &summary);
STRUCTURE(list_stacks_output, M("StackSummaries", &summaries), S("NextToken"));

/* ---- Events and resources ---- */
STRUCTURE(event, S("StackId"), S("EventId"), S("StackName"), S("LogicalResourceId"),
	  S("PhysicalResourceId"), S("ResourceType"), M("Timestamp", &api_timestamp),
	  S("ResourceStatus"), S("ResourceStatusReason"));
LIST(events, &event);
STRUCTURE(events_output, M("StackEvents", &events), S("NextToken"));
#define RESOURCE(time_)                                                                \
	S("StackName"), S("StackId"), S("LogicalResourceId"), S("PhysicalResourceId"), \
		S("ResourceType"), M(time_, &api_timestamp), S("ResourceStatus"),      \
		S("ResourceStatusReason"), M("DriftInformation", &drift)
STRUCTURE(resource, RESOURCE("Timestamp"));
LIST(resources, &resource);
STRUCTURE(detail, RESOURCE("LastUpdatedTimestamp"));
LIST(details, &detail);
STRUCTURE(resource_input, R("StackName", &name), R("LogicalResourceId", &api_string));
STRUCTURE(resource_output, M("StackResourceDetail", &detail));
STRUCTURE(resources_input, S("StackName"), S("LogicalResourceId"), S("PhysicalResourceId"));
STRUCTURE(resources_output, M("StackResources", &resources));
STRUCTURE(list_resources_output, M("StackResourceSummaries", &details), S("NextToken"));

/* ---- Drift ---- */
STRUCTURE(detect_input, R("StackName", &name), M("LogicalResourceIds", &strings));
STRUCTURE(detect_output, S("StackDriftDetectionId"));
STRUCTURE(detection_input, R("StackDriftDetectionId", &api_string));
STRUCTURE(detection_output, S("StackId"), S("StackDriftDetectionId"), S("StackDriftStatus"),
	  S("DetectionStatus"), S("DetectionStatusReason"),
	  M("DriftedStackResourceCount", &api_integer), M("Timestamp", &api_timestamp));
STRUCTURE(difference, S("PropertyPath"), S("ExpectedValue"), S("ActualValue"), S("DifferenceType"));
LIST(differences, &difference);
STRUCTURE(resource_drift, S("StackId"), S("LogicalResourceId"), S("PhysicalResourceId"),
	  S("ResourceType"), S("ExpectedProperties"), S("ActualProperties"),
	  M("PropertyDifferences", &differences), S("StackResourceDriftStatus"),
	  M("Timestamp", &api_timestamp));
LIST(resource_drifts, &resource_drift);
STRUCTURE(drifts_input, R("StackName", &name), M("StackResourceDriftStatusFilters", &strings),
	  S("NextToken"), M("MaxResults", &api_integer));
STRUCTURE(drifts_output, M("StackResourceDrifts", &resource_drifts), S("NextToken"));
STRUCTURE(resource_drift_output, M("StackResourceDrift", &resource_drift));

/* ---- Stack policies ---- */
STRUCTURE(set_policy_input, R("StackName", &name), S("StackPolicyBody"), S("StackPolicyURL"));
STRUCTURE(get_policy_output, S("StackPolicyBody"));

/* ---- Templates ---- */
STRUCTURE(get_template_input, S("StackName"), S("ChangeSetName"), S("TemplateStage"));
STRUCTURE(get_template_output, S("TemplateBody"), M("StagesAvailable", &strings));
STRUCTURE(template_input, M("TemplateBody", &text), S("TemplateURL"));
STRUCTURE(summary_input, M("TemplateBody", &text), S("TemplateURL"), S("StackName"));
STRUCTURE(constraints, M("AllowedValues", &strings));
STRUCTURE(declared, S("ParameterKey"), S("DefaultValue"), S("ParameterType"),
	  M("NoEcho", &api_boolean), S("Description"), M("ParameterConstraints", &constraints));
LIST(all_declared, &declared);
STRUCTURE(validate_output, M("Parameters", &all_declared), S("Description"),
	  M("Capabilities", &strings), S("CapabilitiesReason"), M("DeclaredTransforms", &strings));
STRUCTURE(summary_output, M("Parameters", &all_declared), S("Description"),
	  M("Capabilities", &strings), S("CapabilitiesReason"), M("DeclaredTransforms", &strings),
	  M("ResourceTypes", &strings), S("Version"));

/* ---- Exports ---- */
STRUCTURE(export, S("ExportingStackId"), S("Name"), S("Value"));
LIST(exports, &export);
STRUCTURE(exports_output, M("Exports", &exports), S("NextToken"));
STRUCTURE(imports_input, R("ExportName", &api_string), S("NextToken"));
STRUCTURE(imports_output, M("Imports", &strings), S("NextToken"));

/* ---- Change sets ---- */
static const struct api_shape set_type = {
	.kind = API_STRING,
	.values = (const char *const[]){ "CREATE", "UPDATE", NULL },
};
static const struct api_shape set_name = { .kind = API_STRING, .min = 1, .max = 1600 };
STRUCTURE(create_set_input, R("StackName", &name), R("ChangeSetName", &set_name), SETTINGS,
	  M("UsePreviousTemplate", &api_boolean), M("ChangeSetType", &set_type), S("Description"),
	  S("ClientToken"));
STRUCTURE(create_set_output, S("Id"), S("StackId"));
STRUCTURE(set_input, R("ChangeSetName", &set_name), S("StackName"), S("NextToken"),
	  M("DisableRollback", &api_boolean), S("ClientRequestToken"));
STRUCTURE(change_target, S("Attribute"), S("Name"), S("RequiresRecreation"));
STRUCTURE(change_detail, M("Target", &change_target), S("Evaluation"), S("ChangeSource"),
	  S("CausingEntity"));
LIST(change_details, &change_detail);
STRUCTURE(resource_change, S("Action"), S("LogicalResourceId"), S("PhysicalResourceId"),
	  S("ResourceType"), S("Replacement"), M("Scope", &strings), M("Details", &change_details));
STRUCTURE(change, S("Type"), M("ResourceChange", &resource_change));
LIST(changes, &change);
#define SET                                                                                   \
	S("ChangeSetName"), S("ChangeSetId"), S("StackId"), S("StackName"), S("Description"), \
		M("CreationTime", &api_timestamp), S("ExecutionStatus"), S("Status"),         \
		S("StatusReason")
STRUCTURE(set_output, SET, M("RollbackConfiguration", &rollback), M("Parameters", &parameters),
	  M("Capabilities", &strings), M("Tags", &tags), M("Changes", &changes), S("NextToken"));
STRUCTURE(set_summary, SET);
LIST(set_summaries, &set_summary);
STRUCTURE(list_sets_output, M("Summaries", &set_summaries), S("NextToken"));

#define OPERATION(name_, effect_, input_, output_, handle_)                                  \
	{                                                                                    \
		ROW_OPERATION("cloudformation", name_, API_##effect_, &(input_), &(output_), \
			      cfn_##handle_)                                                 \
	}

const struct api_operation cloudformation_operations[] = {
	OPERATION("CreateStack", WRITES, create_input, stack_id_output, create_stack),
	OPERATION("UpdateStack", WRITES, update_input, stack_id_output, update_stack),
	OPERATION("DeleteStack", WRITES, delete_input, api_shape_none, delete_stack),
	OPERATION("DescribeStacks", READS, maybe_stack_input, describe_stacks_output,
		  describe_stacks),
	OPERATION("ListStacks", READS, list_stacks_input, list_stacks_output, list_stacks),
	OPERATION("DescribeStackEvents", READS, stack_page_input, events_output,
		  describe_stack_events),
	OPERATION("DescribeStackResource", READS, resource_input, resource_output,
		  describe_stack_resource),
	OPERATION("DescribeStackResources", READS, resources_input, resources_output,
		  describe_stack_resources),
	OPERATION("ListStackResources", READS, stack_page_input, list_resources_output,
		  list_stack_resources),
	OPERATION("GetTemplate", READS, get_template_input, get_template_output, get_template),
	OPERATION("GetTemplateSummary", READS, summary_input, summary_output, get_template_summary),
	OPERATION("ValidateTemplate", READS, template_input, validate_output, validate_template),
	OPERATION("ListExports", READS, page_input, exports_output, list_exports),
	OPERATION("ListImports", READS, imports_input, imports_output, list_imports),
	OPERATION("UpdateTerminationProtection", WRITES, protection_input, stack_id_output,
		  update_termination_protection),
	OPERATION("DetectStackDrift", WRITES, detect_input, detect_output, detect_stack_drift),
	OPERATION("DetectStackResourceDrift", WRITES, resource_input, resource_drift_output,
		  detect_stack_resource_drift),
	OPERATION("DescribeStackDriftDetectionStatus", READS, detection_input, detection_output,
		  describe_stack_drift_detection_status),
	OPERATION("DescribeStackResourceDrifts", READS, drifts_input, drifts_output,
		  describe_stack_resource_drifts),
	OPERATION("SetStackPolicy", WRITES, set_policy_input, api_shape_none, set_stack_policy),
	OPERATION("GetStackPolicy", READS, stack_input, get_policy_output, get_stack_policy),
	OPERATION("CancelUpdateStack", WRITES, token_input, api_shape_none, cancel_update_stack),
	OPERATION("SignalResource", WRITES, signal_input, api_shape_none, signal_resource),
	OPERATION("ContinueUpdateRollback", WRITES, continue_input, empty_output,
		  continue_update_rollback),
	OPERATION("CreateChangeSet", WRITES, create_set_input, create_set_output,
		  create_change_set),
	OPERATION("DescribeChangeSet", READS, set_input, set_output, describe_change_set),
	OPERATION("ExecuteChangeSet", WRITES, set_input, api_shape_none, execute_change_set),
	OPERATION("DeleteChangeSet", WRITES, set_input, api_shape_none, delete_change_set),
	OPERATION("ListChangeSets", READS, stack_page_input, list_sets_output, list_change_sets),
};
const size_t cloudformation_operation_count = COUNT(cloudformation_operations);
