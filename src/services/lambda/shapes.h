/*
 * shapes: what Lambda's operations take and give, in rows (api/shape.h). For operations.c alone.
 */
#ifndef SERVICES_LAMBDA_SHAPES_H
#define SERVICES_LAMBDA_SHAPES_H

#include "api/rows.h"

static const struct api_shape function_name = { .kind = API_STRING, .min = 1, .max = 170 };
static const struct api_shape runtime = { .kind = API_STRING, .max = 32 };
static const struct api_shape role_arn = {
	.kind = API_STRING,
	.pattern = "^(?:arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+)$"
};
static const struct api_shape handler = {
	.kind = API_STRING, .min = 0, .max = 128, .pattern = "^(?:[^\\s]+)$"
};
static const struct api_shape s3_bucket = {
	.kind = API_STRING, .min = 3, .max = 63, .pattern = "^(?:[0-9A-Za-z\\.\\-_]*(?<!\\.))$"
};
static const struct api_shape s3_key = { .kind = API_STRING, .min = 1, .max = 1024 };
static const struct api_shape s3_object_version = { .kind = API_STRING, .min = 1, .max = 1024 };
static const struct api_shape kms_key_arn = { .kind = API_STRING };
STRUCTURE(function_code, M("ZipFile", &api_blob), M("S3Bucket", &s3_bucket), M("S3Key", &s3_key),
	  M("S3ObjectVersion", &s3_object_version), M("ImageUri", &api_string),
	  M("SourceKMSKeyArn", &kms_key_arn));
static const struct api_shape description = { .kind = API_STRING, .min = 0, .max = 256 };
INTEGER(timeout, 1, 900);
INTEGER(memory_size, 128, 10240);
LIST_BETWEEN(subnet_ids, &api_string, 0, 16);
LIST_BETWEEN(security_group_ids, &api_string, 0, 5);
STRUCTURE(vpc_config, M("SubnetIds", &subnet_ids), M("SecurityGroupIds", &security_group_ids),
	  M("Ipv6AllowedForDualStack", &api_boolean));
ENUM(package_type, "Zip", "Image");
static const struct api_shape resource_arn = {
	.kind = API_STRING, .pattern = "^(?:(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|())$"
};
STRUCTURE(dead_letter_config, M("TargetArn", &resource_arn));
static const struct api_shape environment_variables = { .kind = API_MAP, .item = &api_string };
STRUCTURE(environment, M("Variables", &environment_variables));
ENUM(tracing_mode, "Active", "PassThrough");
STRUCTURE(tracing_config, M("Mode", &tracing_mode));
static const struct api_shape tags = { .kind = API_MAP, .item = &api_string };
static const struct api_shape layer_version_arn = { .kind = API_STRING, .min = 1, .max = 140 };
LIST(layer_list, &layer_version_arn);
static const struct api_shape file_system_arn = { .kind = API_STRING, .min = 0, .max = 256 };
static const struct api_shape local_mount_path = {
	.kind = API_STRING, .min = 0, .max = 160, .pattern = "^(?:/mnt/[a-zA-Z0-9-_.]+)$"
};
STRUCTURE(file_system_config, R("Arn", &file_system_arn), R("LocalMountPath", &local_mount_path));
LIST_BETWEEN(file_system_config_list, &file_system_config, 0, 1);
LIST_BETWEEN(string_list, &api_string, 0, 1500);
static const struct api_shape working_directory = { .kind = API_STRING, .min = 0, .max = 1000 };
STRUCTURE(image_config, M("EntryPoint", &string_list), M("Command", &string_list),
	  M("WorkingDirectory", &working_directory));
static const struct api_shape code_signing_config_arn = { .kind = API_STRING,
							  .min = 0,
							  .max = 200 };
ENUM(architecture, "x86_64", "arm64");
LIST_BETWEEN(architectures_list, &architecture, 1, 1);
INTEGER(ephemeral_storage_size, 512, 10240);
STRUCTURE(ephemeral_storage, R("Size", &ephemeral_storage_size));
ENUM(snap_start_apply_on, "PublishedVersions", "None");
STRUCTURE(snap_start, M("ApplyOn", &snap_start_apply_on));
ENUM(log_format, "JSON", "Text");
ENUM(application_log_level, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL");
ENUM(system_log_level, "DEBUG", "INFO", "WARN");
static const struct api_shape log_group = {
	.kind = API_STRING, .min = 1, .max = 512, .pattern = "^(?:[\\.\\-_/#A-Za-z0-9]+)$"
};
STRUCTURE(logging_config, M("LogFormat", &log_format),
	  M("ApplicationLogLevel", &application_log_level), M("SystemLogLevel", &system_log_level),
	  M("LogGroup", &log_group));
STRUCTURE(create_function_request, R("FunctionName", &function_name), M("Runtime", &runtime),
	  R("Role", &role_arn), M("Handler", &handler), R("Code", &function_code),
	  M("Description", &description), M("Timeout", &timeout), M("MemorySize", &memory_size),
	  M("Publish", &api_boolean), M("VpcConfig", &vpc_config), M("PackageType", &package_type),
	  M("DeadLetterConfig", &dead_letter_config), M("Environment", &environment),
	  M("KMSKeyArn", &kms_key_arn), M("TracingConfig", &tracing_config), M("Tags", &tags),
	  M("Layers", &layer_list), M("FileSystemConfigs", &file_system_config_list),
	  M("ImageConfig", &image_config), M("CodeSigningConfigArn", &code_signing_config_arn),
	  M("Architectures", &architectures_list), M("EphemeralStorage", &ephemeral_storage),
	  M("SnapStart", &snap_start), M("LoggingConfig", &logging_config));
LIST_BETWEEN(subnet_ids_out, &api_string, 0, 16);
LIST_BETWEEN(security_group_ids_out, &api_string, 0, 5);
STRUCTURE(vpc_config_response, M("SubnetIds", &subnet_ids_out),
	  M("SecurityGroupIds", &security_group_ids_out), M("VpcId", &api_string),
	  M("Ipv6AllowedForDualStack", &api_boolean));
static const struct api_shape environment_variables_out = { .kind = API_MAP, .item = &api_string };
STRUCTURE(environment_error, M("ErrorCode", &api_string), M("Message", &api_string));
STRUCTURE(environment_response, M("Variables", &environment_variables_out),
	  M("Error", &environment_error));
STRUCTURE(tracing_config_response, M("Mode", &api_string));
LIST_BETWEEN(architectures_list_out, &api_string, 1, 1);
STRUCTURE(ephemeral_storage_out, M("Size", &api_integer));
STRUCTURE(snap_start_response, M("ApplyOn", &api_string), M("OptimizationStatus", &api_string));
STRUCTURE(logging_config_out, M("LogFormat", &api_string), M("ApplicationLogLevel", &api_string),
	  M("SystemLogLevel", &api_string), M("LogGroup", &api_string));
STRUCTURE(function_configuration, M("FunctionName", &api_string), M("FunctionArn", &api_string),
	  M("Runtime", &api_string), M("Role", &api_string), M("Handler", &api_string),
	  M("CodeSize", &api_integer), M("Description", &api_string), M("Timeout", &api_integer),
	  M("MemorySize", &api_integer), M("LastModified", &api_string),
	  M("CodeSha256", &api_string), M("Version", &api_string),
	  M("VpcConfig", &vpc_config_response), M("Environment", &environment_response),
	  M("TracingConfig", &tracing_config_response), M("RevisionId", &api_string),
	  M("State", &api_string), M("StateReason", &api_string), M("StateReasonCode", &api_string),
	  M("LastUpdateStatus", &api_string), M("LastUpdateStatusReason", &api_string),
	  M("LastUpdateStatusReasonCode", &api_string), M("PackageType", &api_string),
	  M("Architectures", &architectures_list_out),
	  M("EphemeralStorage", &ephemeral_storage_out), M("SnapStart", &snap_start_response),
	  M("LoggingConfig", &logging_config_out));
static const struct api_shape namespaced_function_name = { .kind = API_STRING,
							   .min = 1,
							   .max = 256 };
static const struct api_shape numeric_latest_published_or_alias_qualifier = {
	.kind = API_STRING,
	.min = 1,
	.max = 128,
	.pattern = "^(?:\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+)$"
};
STRUCTURE(get_function_request, R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(function_code_location, M("RepositoryType", &api_string), M("Location", &api_string),
	  M("ImageUri", &api_string), M("ResolvedImageUri", &api_string),
	  M("SourceKMSKeyArn", &api_string));
static const struct api_shape tags_out = { .kind = API_MAP, .item = &api_string };
STRUCTURE(concurrency, M("ReservedConcurrentExecutions", &api_integer));
STRUCTURE(get_function_response, M("Configuration", &function_configuration),
	  M("Code", &function_code_location), M("Tags", &tags_out), M("Concurrency", &concurrency));
STRUCTURE(get_function_configuration_request,
	  R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(update_function_code_request, R_AT("FunctionName", &function_name, "uri"),
	  M("ZipFile", &api_blob), M("S3Bucket", &s3_bucket), M("S3Key", &s3_key),
	  M("S3ObjectVersion", &s3_object_version), M("ImageUri", &api_string),
	  M("Publish", &api_boolean), M("DryRun", &api_boolean), M("RevisionId", &api_string),
	  M("Architectures", &architectures_list), M("SourceKMSKeyArn", &kms_key_arn));
STRUCTURE(update_function_configuration_request, R_AT("FunctionName", &function_name, "uri"),
	  M("Role", &role_arn), M("Handler", &handler), M("Description", &description),
	  M("Timeout", &timeout), M("MemorySize", &memory_size), M("VpcConfig", &vpc_config),
	  M("Environment", &environment), M("Runtime", &runtime),
	  M("DeadLetterConfig", &dead_letter_config), M("KMSKeyArn", &kms_key_arn),
	  M("TracingConfig", &tracing_config), M("RevisionId", &api_string),
	  M("Layers", &layer_list), M("FileSystemConfigs", &file_system_config_list),
	  M("ImageConfig", &image_config), M("EphemeralStorage", &ephemeral_storage),
	  M("SnapStart", &snap_start), M("LoggingConfig", &logging_config));
STRUCTURE(delete_function_request, R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(delete_function_response, M_AT("StatusCode", &api_integer, "status"));
static const struct api_shape master_region = {
	.kind = API_STRING, .pattern = "^(?:ALL|[a-z]{2}(-gov)?-[a-z]+-\\d{1})$"
};
ENUM(function_version, "ALL");
INTEGER(max_list_items, 1, 10000);
STRUCTURE(list_functions_request, M_AT("MasterRegion", &master_region, "query:MasterRegion"),
	  M_AT("FunctionVersion", &function_version, "query:FunctionVersion"),
	  M_AT("Marker", &api_string, "query:Marker"),
	  M_AT("MaxItems", &max_list_items, "query:MaxItems"));
LIST(function_list, &function_configuration);
STRUCTURE(list_functions_response, M("NextMarker", &api_string), M("Functions", &function_list));
STRUCTURE(publish_version_request, R_AT("FunctionName", &function_name, "uri"),
	  M("CodeSha256", &api_string), M("Description", &description),
	  M("RevisionId", &api_string));
STRUCTURE(list_versions_by_function_request, R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Marker", &api_string, "query:Marker"),
	  M_AT("MaxItems", &max_list_items, "query:MaxItems"));
STRUCTURE(list_versions_by_function_response, M("NextMarker", &api_string),
	  M("Versions", &function_list));
static const struct api_shape alias = {
	.kind = API_STRING, .min = 1, .max = 128, .pattern = "^(?:(?!^[0-9]+$)([a-zA-Z0-9-_]+))$"
};
static const struct api_shape version_with_latest_published = {
	.kind = API_STRING,
	.min = 1,
	.max = 1024,
	.pattern = "^(?:(\\$LATEST(\\.PUBLISHED)?|[0-9]+))$"
};
static const struct api_shape additional_version_weights = { .kind = API_MAP, .item = &api_double };
STRUCTURE(alias_routing_configuration, M("AdditionalVersionWeights", &additional_version_weights));
STRUCTURE(create_alias_request, R_AT("FunctionName", &function_name, "uri"), R("Name", &alias),
	  R("FunctionVersion", &version_with_latest_published), M("Description", &description),
	  M("RoutingConfig", &alias_routing_configuration));
static const struct api_shape additional_version_weights_out = { .kind = API_MAP,
								 .item = &api_double };
STRUCTURE(alias_routing_configuration_out,
	  M("AdditionalVersionWeights", &additional_version_weights_out));
STRUCTURE(alias_configuration, M("AliasArn", &api_string), M("Name", &api_string),
	  M("FunctionVersion", &api_string), M("Description", &api_string),
	  M("RoutingConfig", &alias_routing_configuration_out), M("RevisionId", &api_string));
STRUCTURE(get_alias_request, R_AT("FunctionName", &function_name, "uri"),
	  R_AT("Name", &alias, "uri"));
STRUCTURE(update_alias_request, R_AT("FunctionName", &function_name, "uri"),
	  R_AT("Name", &alias, "uri"), M("FunctionVersion", &version_with_latest_published),
	  M("Description", &description), M("RoutingConfig", &alias_routing_configuration),
	  M("RevisionId", &api_string));
STRUCTURE(delete_alias_request, R_AT("FunctionName", &function_name, "uri"),
	  R_AT("Name", &alias, "uri"));
STRUCTURE(list_aliases_request, R_AT("FunctionName", &function_name, "uri"),
	  M_AT("FunctionVersion", &version_with_latest_published, "query:FunctionVersion"),
	  M_AT("Marker", &api_string, "query:Marker"),
	  M_AT("MaxItems", &max_list_items, "query:MaxItems"));
LIST(alias_list, &alias_configuration);
STRUCTURE(list_aliases_response, M("NextMarker", &api_string), M("Aliases", &alias_list));
static const struct api_shape statement_id = {
	.kind = API_STRING, .min = 1, .max = 100, .pattern = "^(?:([a-zA-Z0-9-_]+))$"
};
static const struct api_shape action = { .kind = API_STRING,
					 .pattern = "^(?:(lambda:[*]|lambda:[a-zA-Z]+|[*]))$" };
static const struct api_shape principal = { .kind = API_STRING, .pattern = "^(?:[^\\s]+)$" };
static const struct api_shape arn = {
	.kind = API_STRING,
	.pattern =
		"^(?:arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}(-gov)?-[a-z]+-\\d{1})?:(\\d{12})?:(.*))$"
};
static const struct api_shape source_owner = {
	.kind = API_STRING, .min = 0, .max = 12, .pattern = "^(?:\\d{12})$"
};
static const struct api_shape event_source_token = {
	.kind = API_STRING, .min = 0, .max = 256, .pattern = "^(?:[a-zA-Z0-9._\\-]+)$"
};
static const struct api_shape principal_org_id = {
	.kind = API_STRING, .min = 12, .max = 34, .pattern = "^(?:o-[a-z0-9]{10,32})$"
};
ENUM(function_url_auth_type, "NONE", "AWS_IAM");
STRUCTURE(add_permission_request, R_AT("FunctionName", &namespaced_function_name, "uri"),
	  R("StatementId", &statement_id), R("Action", &action), R("Principal", &principal),
	  M("SourceArn", &arn), M("SourceAccount", &source_owner),
	  M("EventSourceToken", &event_source_token),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  M("RevisionId", &api_string), M("PrincipalOrgID", &principal_org_id),
	  M("FunctionUrlAuthType", &function_url_auth_type),
	  M("InvokedViaFunctionUrl", &api_boolean));
STRUCTURE(add_permission_response, M("Statement", &api_string));
static const struct api_shape namespaced_statement_id = {
	.kind = API_STRING, .min = 1, .max = 100, .pattern = "^(?:([a-zA-Z0-9-_.]+))$"
};
STRUCTURE(remove_permission_request, R_AT("FunctionName", &namespaced_function_name, "uri"),
	  R_AT("StatementId", &namespaced_statement_id, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  M_AT("RevisionId", &api_string, "query:RevisionId"));
STRUCTURE(get_policy_request, R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(get_policy_response, M("Policy", &api_string), M("RevisionId", &api_string));
INTEGER(reserved_concurrent_executions, 0, 2147483647);
STRUCTURE(put_function_concurrency_request, R_AT("FunctionName", &function_name, "uri"),
	  R("ReservedConcurrentExecutions", &reserved_concurrent_executions));
STRUCTURE(get_function_concurrency_request, R_AT("FunctionName", &function_name, "uri"));
STRUCTURE(get_function_concurrency_response, M("ReservedConcurrentExecutions", &api_integer));
STRUCTURE(delete_function_concurrency_request, R_AT("FunctionName", &function_name, "uri"));
static const struct api_shape qualifier = {
	.kind = API_STRING, .min = 1, .max = 128, .pattern = "^(?:(|[a-zA-Z0-9$_-]+))$"
};
INTEGER(positive_integer, 1, 2147483647);
STRUCTURE(put_provisioned_concurrency_config_request, R_AT("FunctionName", &function_name, "uri"),
	  R_AT("Qualifier", &qualifier, "query:Qualifier"),
	  R("ProvisionedConcurrentExecutions", &positive_integer));
STRUCTURE(put_provisioned_concurrency_config_response,
	  M("RequestedProvisionedConcurrentExecutions", &api_integer),
	  M("AvailableProvisionedConcurrentExecutions", &api_integer),
	  M("AllocatedProvisionedConcurrentExecutions", &api_integer), M("Status", &api_string),
	  M("StatusReason", &api_string), M("LastModified", &api_string));
STRUCTURE(get_provisioned_concurrency_config_request, R_AT("FunctionName", &function_name, "uri"),
	  R_AT("Qualifier", &qualifier, "query:Qualifier"));
STRUCTURE(get_provisioned_concurrency_config_response,
	  M("RequestedProvisionedConcurrentExecutions", &api_integer),
	  M("AvailableProvisionedConcurrentExecutions", &api_integer),
	  M("AllocatedProvisionedConcurrentExecutions", &api_integer), M("Status", &api_string),
	  M("StatusReason", &api_string), M("LastModified", &api_string));
STRUCTURE(delete_provisioned_concurrency_config_request,
	  R_AT("FunctionName", &function_name, "uri"),
	  R_AT("Qualifier", &qualifier, "query:Qualifier"));
INTEGER(max_provisioned_concurrency_config_list_items, 1, 50);
STRUCTURE(list_provisioned_concurrency_configs_request, R_AT("FunctionName", &function_name, "uri"),
	  M_AT("Marker", &api_string, "query:Marker"),
	  M_AT("MaxItems", &max_provisioned_concurrency_config_list_items, "query:MaxItems"));
STRUCTURE(provisioned_concurrency_config_list_item, M("FunctionArn", &api_string),
	  M("RequestedProvisionedConcurrentExecutions", &api_integer),
	  M("AvailableProvisionedConcurrentExecutions", &api_integer),
	  M("AllocatedProvisionedConcurrentExecutions", &api_integer), M("Status", &api_string),
	  M("StatusReason", &api_string), M("LastModified", &api_string));
LIST(provisioned_concurrency_config_list, &provisioned_concurrency_config_list_item);
STRUCTURE(list_provisioned_concurrency_configs_response,
	  M("ProvisionedConcurrencyConfigs", &provisioned_concurrency_config_list),
	  M("NextMarker", &api_string));
ENUM(invocation_type, "Event", "RequestResponse", "DryRun");
ENUM(log_type, "None", "Tail");
STRUCTURE(invocation_request, R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("InvocationType", &invocation_type, "header:X-Amz-Invocation-Type"),
	  M_AT("LogType", &log_type, "header:X-Amz-Log-Type"),
	  M_AT("ClientContext", &api_string, "header:X-Amz-Client-Context"),
	  M_AT("Payload", &api_blob, "payload"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(invocation_response, M_AT("StatusCode", &api_integer, "status"),
	  M_AT("FunctionError", &api_string, "header:X-Amz-Function-Error"),
	  M_AT("LogResult", &api_string, "header:X-Amz-Log-Result"),
	  M_AT("Payload", &api_blob, "payload"),
	  M_AT("ExecutedVersion", &api_string, "header:X-Amz-Executed-Version"));
STRUCTURE(invoke_async_request, R_AT("FunctionName", &namespaced_function_name, "uri"),
	  R_AT("InvokeArgs", &api_blob, "payload"));
STRUCTURE(invoke_async_response, M_AT("Status", &api_integer, "status"));
ENUM(response_streaming_invocation_type, "RequestResponse", "DryRun");
STRUCTURE(invoke_with_response_stream_request,
	  R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("InvocationType", &response_streaming_invocation_type,
	       "header:X-Amz-Invocation-Type"),
	  M_AT("LogType", &log_type, "header:X-Amz-Log-Type"),
	  M_AT("ClientContext", &api_string, "header:X-Amz-Client-Context"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  M_AT("Payload", &api_blob, "payload"));
STRUCTURE(invoke_with_response_stream_response, M_AT("StatusCode", &api_integer, "status"),
	  M_AT("ExecutedVersion", &api_string, "header:X-Amz-Executed-Version"),
	  M_AT("ResponseStreamContentType", &api_string, "header:Content-Type"));
INTEGER(maximum_retry_attempts, 0, 2);
INTEGER(maximum_event_age_in_seconds, 60, 21600);
static const struct api_shape destination_arn = {
	.kind = API_STRING,
	.min = 0,
	.max = 350,
	.pattern =
		"^(?:$|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*))$"
};
STRUCTURE(on_success, M("Destination", &destination_arn));
STRUCTURE(on_failure, M("Destination", &destination_arn));
STRUCTURE(destination_config, M("OnSuccess", &on_success), M("OnFailure", &on_failure));
STRUCTURE(put_function_event_invoke_config_request,
	  R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  M("MaximumRetryAttempts", &maximum_retry_attempts),
	  M("MaximumEventAgeInSeconds", &maximum_event_age_in_seconds),
	  M("DestinationConfig", &destination_config));
STRUCTURE(on_success_out, M("Destination", &api_string));
STRUCTURE(on_failure_out, M("Destination", &api_string));
STRUCTURE(destination_config_out, M("OnSuccess", &on_success_out), M("OnFailure", &on_failure_out));
STRUCTURE(function_event_invoke_config, M("LastModified", &api_timestamp),
	  M("FunctionArn", &api_string), M("MaximumRetryAttempts", &api_integer),
	  M("MaximumEventAgeInSeconds", &api_integer),
	  M("DestinationConfig", &destination_config_out));
STRUCTURE(update_function_event_invoke_config_request,
	  R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  M("MaximumRetryAttempts", &maximum_retry_attempts),
	  M("MaximumEventAgeInSeconds", &maximum_event_age_in_seconds),
	  M("DestinationConfig", &destination_config));
STRUCTURE(get_function_event_invoke_config_request,
	  R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(delete_function_event_invoke_config_request,
	  R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
INTEGER(max_function_event_invoke_config_list_items, 1, 50);
STRUCTURE(list_function_event_invoke_configs_request,
	  R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Marker", &api_string, "query:Marker"),
	  M_AT("MaxItems", &max_function_event_invoke_config_list_items, "query:MaxItems"));
LIST(function_event_invoke_config_list, &function_event_invoke_config);
STRUCTURE(list_function_event_invoke_configs_response,
	  M("FunctionEventInvokeConfigs", &function_event_invoke_config_list),
	  M("NextMarker", &api_string));
static const struct api_shape function_url_qualifier = {
	.kind = API_STRING, .min = 1, .max = 128, .pattern = "^(?:((?!^\\d+$)^[0-9a-zA-Z-_]+$))$"
};
static const struct api_shape header = { .kind = API_STRING, .min = 0, .max = 1024 };
LIST_BETWEEN(headers_list, &header, 0, 100);
static const struct api_shape method = { .kind = API_STRING, .min = 0, .max = 6 };
LIST_BETWEEN(allow_methods_list, &method, 0, 6);
static const struct api_shape origin = { .kind = API_STRING, .min = 1, .max = 253 };
LIST_BETWEEN(allow_origins_list, &origin, 0, 100);
INTEGER(max_age, 0, 86400);
STRUCTURE(cors, M("AllowCredentials", &api_boolean), M("AllowHeaders", &headers_list),
	  M("AllowMethods", &allow_methods_list), M("AllowOrigins", &allow_origins_list),
	  M("ExposeHeaders", &headers_list), M("MaxAge", &max_age));
ENUM(invoke_mode, "BUFFERED", "RESPONSE_STREAM");
STRUCTURE(create_function_url_config_request, R_AT("FunctionName", &function_name, "uri"),
	  M_AT("Qualifier", &function_url_qualifier, "query:Qualifier"),
	  R("AuthType", &function_url_auth_type), M("Cors", &cors), M("InvokeMode", &invoke_mode));
LIST_BETWEEN(headers_list_out, &api_string, 0, 100);
LIST_BETWEEN(allow_methods_list_out, &api_string, 0, 6);
LIST_BETWEEN(allow_origins_list_out, &api_string, 0, 100);
STRUCTURE(cors_out, M("AllowCredentials", &api_boolean), M("AllowHeaders", &headers_list_out),
	  M("AllowMethods", &allow_methods_list_out), M("AllowOrigins", &allow_origins_list_out),
	  M("ExposeHeaders", &headers_list_out), M("MaxAge", &api_integer));
STRUCTURE(create_function_url_config_response, M("FunctionUrl", &api_string),
	  M("FunctionArn", &api_string), M("AuthType", &api_string), M("Cors", &cors_out),
	  M("CreationTime", &api_string), M("InvokeMode", &api_string));
STRUCTURE(get_function_url_config_request, R_AT("FunctionName", &function_name, "uri"),
	  M_AT("Qualifier", &function_url_qualifier, "query:Qualifier"));
STRUCTURE(get_function_url_config_response, M("FunctionUrl", &api_string),
	  M("FunctionArn", &api_string), M("AuthType", &api_string), M("Cors", &cors_out),
	  M("CreationTime", &api_string), M("LastModifiedTime", &api_string),
	  M("InvokeMode", &api_string));
STRUCTURE(update_function_url_config_request, R_AT("FunctionName", &function_name, "uri"),
	  M_AT("Qualifier", &function_url_qualifier, "query:Qualifier"),
	  M("AuthType", &function_url_auth_type), M("Cors", &cors), M("InvokeMode", &invoke_mode));
STRUCTURE(update_function_url_config_response, M("FunctionUrl", &api_string),
	  M("FunctionArn", &api_string), M("AuthType", &api_string), M("Cors", &cors_out),
	  M("CreationTime", &api_string), M("LastModifiedTime", &api_string),
	  M("InvokeMode", &api_string));
STRUCTURE(delete_function_url_config_request, R_AT("FunctionName", &function_name, "uri"),
	  M_AT("Qualifier", &function_url_qualifier, "query:Qualifier"));
INTEGER(max_items, 1, 50);
STRUCTURE(list_function_url_configs_request, R_AT("FunctionName", &function_name, "uri"),
	  M_AT("Marker", &api_string, "query:Marker"),
	  M_AT("MaxItems", &max_items, "query:MaxItems"));
STRUCTURE(function_url_config, M("FunctionUrl", &api_string), M("FunctionArn", &api_string),
	  M("CreationTime", &api_string), M("LastModifiedTime", &api_string), M("Cors", &cors_out),
	  M("AuthType", &api_string), M("InvokeMode", &api_string));
LIST(function_url_config_list, &function_url_config);
STRUCTURE(list_function_url_configs_response, M("FunctionUrlConfigs", &function_url_config_list),
	  M("NextMarker", &api_string));
static const struct api_shape taggable_resource = {
	.kind = API_STRING,
	.min = 1,
	.max = 256,
	.pattern =
		"^(?:arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+))$"
};
STRUCTURE(tag_resource_request, R_AT("Resource", &taggable_resource, "uri"), R("Tags", &tags));
LIST(tag_key_list, &api_string);
STRUCTURE(untag_resource_request, R_AT("Resource", &taggable_resource, "uri"),
	  R_AT("TagKeys", &tag_key_list, "query:tagKeys"));
STRUCTURE(list_tags_request, R_AT("Resource", &taggable_resource, "uri"));
STRUCTURE(list_tags_response, M("Tags", &tags_out));
STRUCTURE(account_limit, M("TotalCodeSize", &api_integer), M("CodeSizeUnzipped", &api_integer),
	  M("CodeSizeZipped", &api_integer), M("ConcurrentExecutions", &api_integer),
	  M("UnreservedConcurrentExecutions", &api_integer));
STRUCTURE(account_usage, M("TotalCodeSize", &api_integer), M("FunctionCount", &api_integer));
STRUCTURE(get_account_settings_response, M("AccountLimit", &account_limit),
	  M("AccountUsage", &account_usage));
INTEGER(max_layer_list_items, 1, 50);
STRUCTURE(list_layers_request, M_AT("CompatibleRuntime", &runtime, "query:CompatibleRuntime"),
	  M_AT("Marker", &api_string, "query:Marker"),
	  M_AT("MaxItems", &max_layer_list_items, "query:MaxItems"),
	  M_AT("CompatibleArchitecture", &architecture, "query:CompatibleArchitecture"));
LIST_BETWEEN(string_list_out, &api_string, 0, 1500);
STRUCTURE(list_layers_response, M("NextMarker", &api_string), M("Layers", &string_list_out));
STRUCTURE(list_event_source_mappings_request, M_AT("EventSourceArn", &arn, "query:EventSourceArn"),
	  M_AT("FunctionName", &namespaced_function_name, "query:FunctionName"),
	  M_AT("Marker", &api_string, "query:Marker"),
	  M_AT("MaxItems", &max_list_items, "query:MaxItems"));
STRUCTURE(list_event_source_mappings_response, M("NextMarker", &api_string),
	  M("EventSourceMappings", &string_list_out));
INTEGER(batch_size, 1, 10000);
static const struct api_shape topic = {
	.kind = API_STRING, .min = 1, .max = 249, .pattern = "^(?:[^.]([a-zA-Z0-9\\-_.]+))$"
};
LIST_BETWEEN(topics, &topic, 1, 1);
static const struct api_shape queue = { .kind = API_STRING, .min = 1, .max = 1000 };
LIST_BETWEEN(queues, &queue, 1, 1);
STRUCTURE(create_event_source_mapping_request, M("EventSourceArn", &arn),
	  R("FunctionName", &namespaced_function_name), M("Enabled", &api_boolean),
	  M("BatchSize", &batch_size), M("Topics", &topics), M("Queues", &queues));
STRUCTURE(event_source_mapping_configuration, M("UUID", &api_string), M("State", &api_string));
static const struct api_shape layer_name = {
	.kind = API_STRING,
	.min = 1,
	.max = 140,
	.pattern =
		"^(?:(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+)$"
};
STRUCTURE(layer_version_content_input, M("S3Bucket", &s3_bucket), M("S3Key", &s3_key),
	  M("S3ObjectVersion", &s3_object_version), M("ZipFile", &api_blob));
LIST_BETWEEN(compatible_runtimes, &runtime, 0, 15);
static const struct api_shape license_info = { .kind = API_STRING, .min = 0, .max = 512 };
LIST_BETWEEN(compatible_architectures, &architecture, 0, 2);
STRUCTURE(publish_layer_version_request, R_AT("LayerName", &layer_name, "uri"),
	  M("Description", &description), R("Content", &layer_version_content_input),
	  M("CompatibleRuntimes", &compatible_runtimes), M("LicenseInfo", &license_info),
	  M("CompatibleArchitectures", &compatible_architectures));
STRUCTURE(publish_layer_version_response, M("LayerArn", &api_string),
	  M("LayerVersionArn", &api_string));
STRUCTURE(get_function_code_signing_config_request,
	  R_AT("FunctionName", &namespaced_function_name, "uri"));
STRUCTURE(get_function_code_signing_config_response, M("CodeSigningConfigArn", &api_string),
	  M("FunctionName", &api_string));
STRUCTURE(get_runtime_management_config_request,
	  R_AT("FunctionName", &namespaced_function_name, "uri"),
	  M_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(get_runtime_management_config_response, M("UpdateRuntimeOn", &api_string),
	  M("RuntimeVersionArn", &api_string), M("FunctionArn", &api_string));
static const struct api_shape unqualified_function_name = {
	.kind = API_STRING,
	.min = 1,
	.max = 140,
	.pattern =
		"^(?:(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+))$"
};
STRUCTURE(get_function_recursion_config_request,
	  R_AT("FunctionName", &unqualified_function_name, "uri"));
STRUCTURE(get_function_recursion_config_response, M("RecursiveLoop", &api_string));

#endif
