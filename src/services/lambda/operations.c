/*
 * operations: Lambda's operations, and what they take and give, in rows (api/shape.h, api/rest.h).
 */
#include "services/lambda/lambda_internal.h"

#define NEEDS(name_, shape_)                                         \
	{                                                            \
		.name = (name_), .shape = (shape_), .required = true \
	}
#define MAY(name_, shape_)                         \
	{                                          \
		.name = (name_), .shape = (shape_) \
	}
#define NEEDS_AT(name_, shape_, at_)                                                    \
	{                                                                               \
		.name = (name_), .shape = (shape_), .required = true, .location = (at_) \
	}
#define MAY_AT(name_, shape_, at_)                                    \
	{                                                             \
		.name = (name_), .shape = (shape_), .location = (at_) \
	}
#define STRUCTURE(id, ...)                                                                        \
	static const struct api_shape id = { .kind = API_STRUCTURE,                               \
					     .members = (const struct api_member[]){ __VA_ARGS__, \
										     API_END } }
#define LIST(id, item_, min_, max_)                                             \
	static const struct api_shape id = {                                    \
		.kind = API_LIST, .item = (item_), .min = (min_), .max = (max_) \
	}
#define INTEGER(id, min_, max_) \
	static const struct api_shape id = { .kind = API_INTEGER, .min = (min_), .max = (max_) }
#define ENUM(id, ...)                                                                    \
	static const struct api_shape id = {                                             \
		.kind = API_STRING, .values = (const char *const[]){ __VA_ARGS__, NULL } \
	}

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
STRUCTURE(function_code, MAY("ZipFile", &api_blob), MAY("S3Bucket", &s3_bucket),
	  MAY("S3Key", &s3_key), MAY("S3ObjectVersion", &s3_object_version),
	  MAY("ImageUri", &api_string), MAY("SourceKMSKeyArn", &kms_key_arn));
static const struct api_shape description = { .kind = API_STRING, .min = 0, .max = 256 };
INTEGER(timeout, 1, 900);
INTEGER(memory_size, 128, 10240);
LIST(subnet_ids, &api_string, 0, 16);
LIST(security_group_ids, &api_string, 0, 5);
STRUCTURE(vpc_config, MAY("SubnetIds", &subnet_ids), MAY("SecurityGroupIds", &security_group_ids),
	  MAY("Ipv6AllowedForDualStack", &api_boolean));
ENUM(package_type, "Zip", "Image");
static const struct api_shape resource_arn = {
	.kind = API_STRING, .pattern = "^(?:(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|())$"
};
STRUCTURE(dead_letter_config, MAY("TargetArn", &resource_arn));
static const struct api_shape environment_variables = { .kind = API_MAP, .item = &api_string };
STRUCTURE(environment, MAY("Variables", &environment_variables));
ENUM(tracing_mode, "Active", "PassThrough");
STRUCTURE(tracing_config, MAY("Mode", &tracing_mode));
static const struct api_shape tags = { .kind = API_MAP, .item = &api_string };
static const struct api_shape layer_version_arn = { .kind = API_STRING, .min = 1, .max = 140 };
LIST(layer_list, &layer_version_arn, 0, 0);
static const struct api_shape file_system_arn = { .kind = API_STRING, .min = 0, .max = 256 };
static const struct api_shape local_mount_path = {
	.kind = API_STRING, .min = 0, .max = 160, .pattern = "^(?:/mnt/[a-zA-Z0-9-_.]+)$"
};
STRUCTURE(file_system_config, NEEDS("Arn", &file_system_arn),
	  NEEDS("LocalMountPath", &local_mount_path));
LIST(file_system_config_list, &file_system_config, 0, 1);
LIST(string_list, &api_string, 0, 1500);
static const struct api_shape working_directory = { .kind = API_STRING, .min = 0, .max = 1000 };
STRUCTURE(image_config, MAY("EntryPoint", &string_list), MAY("Command", &string_list),
	  MAY("WorkingDirectory", &working_directory));
static const struct api_shape code_signing_config_arn = { .kind = API_STRING,
							  .min = 0,
							  .max = 200 };
ENUM(architecture, "x86_64", "arm64");
LIST(architectures_list, &architecture, 1, 1);
INTEGER(ephemeral_storage_size, 512, 10240);
STRUCTURE(ephemeral_storage, NEEDS("Size", &ephemeral_storage_size));
ENUM(snap_start_apply_on, "PublishedVersions", "None");
STRUCTURE(snap_start, MAY("ApplyOn", &snap_start_apply_on));
ENUM(log_format, "JSON", "Text");
ENUM(application_log_level, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL");
ENUM(system_log_level, "DEBUG", "INFO", "WARN");
static const struct api_shape log_group = {
	.kind = API_STRING, .min = 1, .max = 512, .pattern = "^(?:[\\.\\-_/#A-Za-z0-9]+)$"
};
STRUCTURE(logging_config, MAY("LogFormat", &log_format),
	  MAY("ApplicationLogLevel", &application_log_level),
	  MAY("SystemLogLevel", &system_log_level), MAY("LogGroup", &log_group));
STRUCTURE(create_function_request, NEEDS("FunctionName", &function_name), MAY("Runtime", &runtime),
	  NEEDS("Role", &role_arn), MAY("Handler", &handler), NEEDS("Code", &function_code),
	  MAY("Description", &description), MAY("Timeout", &timeout),
	  MAY("MemorySize", &memory_size), MAY("Publish", &api_boolean),
	  MAY("VpcConfig", &vpc_config), MAY("PackageType", &package_type),
	  MAY("DeadLetterConfig", &dead_letter_config), MAY("Environment", &environment),
	  MAY("KMSKeyArn", &kms_key_arn), MAY("TracingConfig", &tracing_config), MAY("Tags", &tags),
	  MAY("Layers", &layer_list), MAY("FileSystemConfigs", &file_system_config_list),
	  MAY("ImageConfig", &image_config), MAY("CodeSigningConfigArn", &code_signing_config_arn),
	  MAY("Architectures", &architectures_list), MAY("EphemeralStorage", &ephemeral_storage),
	  MAY("SnapStart", &snap_start), MAY("LoggingConfig", &logging_config));
LIST(subnet_ids_out, &api_string, 0, 16);
LIST(security_group_ids_out, &api_string, 0, 5);
STRUCTURE(vpc_config_response, MAY("SubnetIds", &subnet_ids_out),
	  MAY("SecurityGroupIds", &security_group_ids_out), MAY("VpcId", &api_string),
	  MAY("Ipv6AllowedForDualStack", &api_boolean));
static const struct api_shape environment_variables_out = { .kind = API_MAP, .item = &api_string };
STRUCTURE(environment_error, MAY("ErrorCode", &api_string), MAY("Message", &api_string));
STRUCTURE(environment_response, MAY("Variables", &environment_variables_out),
	  MAY("Error", &environment_error));
STRUCTURE(tracing_config_response, MAY("Mode", &api_string));
LIST(architectures_list_out, &api_string, 1, 1);
STRUCTURE(ephemeral_storage_out, MAY("Size", &api_integer));
STRUCTURE(snap_start_response, MAY("ApplyOn", &api_string), MAY("OptimizationStatus", &api_string));
STRUCTURE(logging_config_out, MAY("LogFormat", &api_string),
	  MAY("ApplicationLogLevel", &api_string), MAY("SystemLogLevel", &api_string),
	  MAY("LogGroup", &api_string));
STRUCTURE(function_configuration, MAY("FunctionName", &api_string), MAY("FunctionArn", &api_string),
	  MAY("Runtime", &api_string), MAY("Role", &api_string), MAY("Handler", &api_string),
	  MAY("CodeSize", &api_integer), MAY("Description", &api_string),
	  MAY("Timeout", &api_integer), MAY("MemorySize", &api_integer),
	  MAY("LastModified", &api_string), MAY("CodeSha256", &api_string),
	  MAY("Version", &api_string), MAY("VpcConfig", &vpc_config_response),
	  MAY("Environment", &environment_response), MAY("TracingConfig", &tracing_config_response),
	  MAY("RevisionId", &api_string), MAY("State", &api_string),
	  MAY("StateReason", &api_string), MAY("StateReasonCode", &api_string),
	  MAY("LastUpdateStatus", &api_string), MAY("LastUpdateStatusReason", &api_string),
	  MAY("LastUpdateStatusReasonCode", &api_string), MAY("PackageType", &api_string),
	  MAY("Architectures", &architectures_list_out),
	  MAY("EphemeralStorage", &ephemeral_storage_out), MAY("SnapStart", &snap_start_response),
	  MAY("LoggingConfig", &logging_config_out));
static const struct api_shape namespaced_function_name = { .kind = API_STRING,
							   .min = 1,
							   .max = 256 };
static const struct api_shape numeric_latest_published_or_alias_qualifier = {
	.kind = API_STRING,
	.min = 1,
	.max = 128,
	.pattern = "^(?:\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+)$"
};
STRUCTURE(get_function_request, NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(function_code_location, MAY("RepositoryType", &api_string), MAY("Location", &api_string),
	  MAY("ImageUri", &api_string), MAY("ResolvedImageUri", &api_string),
	  MAY("SourceKMSKeyArn", &api_string));
static const struct api_shape tags_out = { .kind = API_MAP, .item = &api_string };
STRUCTURE(concurrency, MAY("ReservedConcurrentExecutions", &api_integer));
STRUCTURE(get_function_response, MAY("Configuration", &function_configuration),
	  MAY("Code", &function_code_location), MAY("Tags", &tags_out),
	  MAY("Concurrency", &concurrency));
STRUCTURE(get_function_configuration_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(update_function_code_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY("ZipFile", &api_blob), MAY("S3Bucket", &s3_bucket), MAY("S3Key", &s3_key),
	  MAY("S3ObjectVersion", &s3_object_version), MAY("ImageUri", &api_string),
	  MAY("Publish", &api_boolean), MAY("DryRun", &api_boolean), MAY("RevisionId", &api_string),
	  MAY("Architectures", &architectures_list), MAY("SourceKMSKeyArn", &kms_key_arn));
STRUCTURE(update_function_configuration_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY("Role", &role_arn), MAY("Handler", &handler), MAY("Description", &description),
	  MAY("Timeout", &timeout), MAY("MemorySize", &memory_size), MAY("VpcConfig", &vpc_config),
	  MAY("Environment", &environment), MAY("Runtime", &runtime),
	  MAY("DeadLetterConfig", &dead_letter_config), MAY("KMSKeyArn", &kms_key_arn),
	  MAY("TracingConfig", &tracing_config), MAY("RevisionId", &api_string),
	  MAY("Layers", &layer_list), MAY("FileSystemConfigs", &file_system_config_list),
	  MAY("ImageConfig", &image_config), MAY("EphemeralStorage", &ephemeral_storage),
	  MAY("SnapStart", &snap_start), MAY("LoggingConfig", &logging_config));
STRUCTURE(delete_function_request, NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(delete_function_response, MAY_AT("StatusCode", &api_integer, "status"));
static const struct api_shape master_region = {
	.kind = API_STRING, .pattern = "^(?:ALL|[a-z]{2}(-gov)?-[a-z]+-\\d{1})$"
};
ENUM(function_version, "ALL");
INTEGER(max_list_items, 1, 10000);
STRUCTURE(list_functions_request, MAY_AT("MasterRegion", &master_region, "query:MasterRegion"),
	  MAY_AT("FunctionVersion", &function_version, "query:FunctionVersion"),
	  MAY_AT("Marker", &api_string, "query:Marker"),
	  MAY_AT("MaxItems", &max_list_items, "query:MaxItems"));
LIST(function_list, &function_configuration, 0, 0);
STRUCTURE(list_functions_response, MAY("NextMarker", &api_string),
	  MAY("Functions", &function_list));
STRUCTURE(publish_version_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY("CodeSha256", &api_string), MAY("Description", &description),
	  MAY("RevisionId", &api_string));
STRUCTURE(list_versions_by_function_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Marker", &api_string, "query:Marker"),
	  MAY_AT("MaxItems", &max_list_items, "query:MaxItems"));
STRUCTURE(list_versions_by_function_response, MAY("NextMarker", &api_string),
	  MAY("Versions", &function_list));
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
STRUCTURE(alias_routing_configuration,
	  MAY("AdditionalVersionWeights", &additional_version_weights));
STRUCTURE(create_alias_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  NEEDS("Name", &alias), NEEDS("FunctionVersion", &version_with_latest_published),
	  MAY("Description", &description), MAY("RoutingConfig", &alias_routing_configuration));
static const struct api_shape additional_version_weights_out = { .kind = API_MAP,
								 .item = &api_double };
STRUCTURE(alias_routing_configuration_out,
	  MAY("AdditionalVersionWeights", &additional_version_weights_out));
STRUCTURE(alias_configuration, MAY("AliasArn", &api_string), MAY("Name", &api_string),
	  MAY("FunctionVersion", &api_string), MAY("Description", &api_string),
	  MAY("RoutingConfig", &alias_routing_configuration_out), MAY("RevisionId", &api_string));
STRUCTURE(get_alias_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  NEEDS_AT("Name", &alias, "uri"));
STRUCTURE(update_alias_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  NEEDS_AT("Name", &alias, "uri"), MAY("FunctionVersion", &version_with_latest_published),
	  MAY("Description", &description), MAY("RoutingConfig", &alias_routing_configuration),
	  MAY("RevisionId", &api_string));
STRUCTURE(delete_alias_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  NEEDS_AT("Name", &alias, "uri"));
STRUCTURE(list_aliases_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY_AT("FunctionVersion", &version_with_latest_published, "query:FunctionVersion"),
	  MAY_AT("Marker", &api_string, "query:Marker"),
	  MAY_AT("MaxItems", &max_list_items, "query:MaxItems"));
LIST(alias_list, &alias_configuration, 0, 0);
STRUCTURE(list_aliases_response, MAY("NextMarker", &api_string), MAY("Aliases", &alias_list));
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
STRUCTURE(add_permission_request, NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  NEEDS("StatementId", &statement_id), NEEDS("Action", &action),
	  NEEDS("Principal", &principal), MAY("SourceArn", &arn),
	  MAY("SourceAccount", &source_owner), MAY("EventSourceToken", &event_source_token),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  MAY("RevisionId", &api_string), MAY("PrincipalOrgID", &principal_org_id),
	  MAY("FunctionUrlAuthType", &function_url_auth_type),
	  MAY("InvokedViaFunctionUrl", &api_boolean));
STRUCTURE(add_permission_response, MAY("Statement", &api_string));
static const struct api_shape namespaced_statement_id = {
	.kind = API_STRING, .min = 1, .max = 100, .pattern = "^(?:([a-zA-Z0-9-_.]+))$"
};
STRUCTURE(remove_permission_request, NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  NEEDS_AT("StatementId", &namespaced_statement_id, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  MAY_AT("RevisionId", &api_string, "query:RevisionId"));
STRUCTURE(get_policy_request, NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(get_policy_response, MAY("Policy", &api_string), MAY("RevisionId", &api_string));
INTEGER(reserved_concurrent_executions, 0, 2147483647);
STRUCTURE(put_function_concurrency_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  NEEDS("ReservedConcurrentExecutions", &reserved_concurrent_executions));
STRUCTURE(get_function_concurrency_request, NEEDS_AT("FunctionName", &function_name, "uri"));
STRUCTURE(get_function_concurrency_response, MAY("ReservedConcurrentExecutions", &api_integer));
STRUCTURE(delete_function_concurrency_request, NEEDS_AT("FunctionName", &function_name, "uri"));
static const struct api_shape qualifier = {
	.kind = API_STRING, .min = 1, .max = 128, .pattern = "^(?:(|[a-zA-Z0-9$_-]+))$"
};
INTEGER(positive_integer, 1, 2147483647);
STRUCTURE(put_provisioned_concurrency_config_request,
	  NEEDS_AT("FunctionName", &function_name, "uri"),
	  NEEDS_AT("Qualifier", &qualifier, "query:Qualifier"),
	  NEEDS("ProvisionedConcurrentExecutions", &positive_integer));
STRUCTURE(put_provisioned_concurrency_config_response,
	  MAY("RequestedProvisionedConcurrentExecutions", &api_integer),
	  MAY("AvailableProvisionedConcurrentExecutions", &api_integer),
	  MAY("AllocatedProvisionedConcurrentExecutions", &api_integer), MAY("Status", &api_string),
	  MAY("StatusReason", &api_string), MAY("LastModified", &api_string));
STRUCTURE(get_provisioned_concurrency_config_request,
	  NEEDS_AT("FunctionName", &function_name, "uri"),
	  NEEDS_AT("Qualifier", &qualifier, "query:Qualifier"));
STRUCTURE(get_provisioned_concurrency_config_response,
	  MAY("RequestedProvisionedConcurrentExecutions", &api_integer),
	  MAY("AvailableProvisionedConcurrentExecutions", &api_integer),
	  MAY("AllocatedProvisionedConcurrentExecutions", &api_integer), MAY("Status", &api_string),
	  MAY("StatusReason", &api_string), MAY("LastModified", &api_string));
STRUCTURE(delete_provisioned_concurrency_config_request,
	  NEEDS_AT("FunctionName", &function_name, "uri"),
	  NEEDS_AT("Qualifier", &qualifier, "query:Qualifier"));
INTEGER(max_provisioned_concurrency_config_list_items, 1, 50);
STRUCTURE(list_provisioned_concurrency_configs_request,
	  NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY_AT("Marker", &api_string, "query:Marker"),
	  MAY_AT("MaxItems", &max_provisioned_concurrency_config_list_items, "query:MaxItems"));
STRUCTURE(provisioned_concurrency_config_list_item, MAY("FunctionArn", &api_string),
	  MAY("RequestedProvisionedConcurrentExecutions", &api_integer),
	  MAY("AvailableProvisionedConcurrentExecutions", &api_integer),
	  MAY("AllocatedProvisionedConcurrentExecutions", &api_integer), MAY("Status", &api_string),
	  MAY("StatusReason", &api_string), MAY("LastModified", &api_string));
LIST(provisioned_concurrency_config_list, &provisioned_concurrency_config_list_item, 0, 0);
STRUCTURE(list_provisioned_concurrency_configs_response,
	  MAY("ProvisionedConcurrencyConfigs", &provisioned_concurrency_config_list),
	  MAY("NextMarker", &api_string));
ENUM(invocation_type, "Event", "RequestResponse", "DryRun");
ENUM(log_type, "None", "Tail");
STRUCTURE(invocation_request, NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("InvocationType", &invocation_type, "header:X-Amz-Invocation-Type"),
	  MAY_AT("LogType", &log_type, "header:X-Amz-Log-Type"),
	  MAY_AT("ClientContext", &api_string, "header:X-Amz-Client-Context"),
	  MAY_AT("Payload", &api_blob, "payload"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(invocation_response, MAY_AT("StatusCode", &api_integer, "status"),
	  MAY_AT("FunctionError", &api_string, "header:X-Amz-Function-Error"),
	  MAY_AT("LogResult", &api_string, "header:X-Amz-Log-Result"),
	  MAY_AT("Payload", &api_blob, "payload"),
	  MAY_AT("ExecutedVersion", &api_string, "header:X-Amz-Executed-Version"));
STRUCTURE(invoke_async_request, NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  NEEDS_AT("InvokeArgs", &api_blob, "payload"));
STRUCTURE(invoke_async_response, MAY_AT("Status", &api_integer, "status"));
ENUM(response_streaming_invocation_type, "RequestResponse", "DryRun");
STRUCTURE(invoke_with_response_stream_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("InvocationType", &response_streaming_invocation_type,
		 "header:X-Amz-Invocation-Type"),
	  MAY_AT("LogType", &log_type, "header:X-Amz-Log-Type"),
	  MAY_AT("ClientContext", &api_string, "header:X-Amz-Client-Context"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  MAY_AT("Payload", &api_blob, "payload"));
STRUCTURE(invoke_with_response_stream_response, MAY_AT("StatusCode", &api_integer, "status"),
	  MAY_AT("ExecutedVersion", &api_string, "header:X-Amz-Executed-Version"),
	  MAY_AT("ResponseStreamContentType", &api_string, "header:Content-Type"));
INTEGER(maximum_retry_attempts, 0, 2);
INTEGER(maximum_event_age_in_seconds, 60, 21600);
static const struct api_shape destination_arn = {
	.kind = API_STRING,
	.min = 0,
	.max = 350,
	.pattern =
		"^(?:$|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*))$"
};
STRUCTURE(on_success, MAY("Destination", &destination_arn));
STRUCTURE(on_failure, MAY("Destination", &destination_arn));
STRUCTURE(destination_config, MAY("OnSuccess", &on_success), MAY("OnFailure", &on_failure));
STRUCTURE(put_function_event_invoke_config_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  MAY("MaximumRetryAttempts", &maximum_retry_attempts),
	  MAY("MaximumEventAgeInSeconds", &maximum_event_age_in_seconds),
	  MAY("DestinationConfig", &destination_config));
STRUCTURE(on_success_out, MAY("Destination", &api_string));
STRUCTURE(on_failure_out, MAY("Destination", &api_string));
STRUCTURE(destination_config_out, MAY("OnSuccess", &on_success_out),
	  MAY("OnFailure", &on_failure_out));
STRUCTURE(function_event_invoke_config, MAY("LastModified", &api_timestamp),
	  MAY("FunctionArn", &api_string), MAY("MaximumRetryAttempts", &api_integer),
	  MAY("MaximumEventAgeInSeconds", &api_integer),
	  MAY("DestinationConfig", &destination_config_out));
STRUCTURE(update_function_event_invoke_config_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"),
	  MAY("MaximumRetryAttempts", &maximum_retry_attempts),
	  MAY("MaximumEventAgeInSeconds", &maximum_event_age_in_seconds),
	  MAY("DestinationConfig", &destination_config));
STRUCTURE(get_function_event_invoke_config_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(delete_function_event_invoke_config_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
INTEGER(max_function_event_invoke_config_list_items, 1, 50);
STRUCTURE(list_function_event_invoke_configs_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Marker", &api_string, "query:Marker"),
	  MAY_AT("MaxItems", &max_function_event_invoke_config_list_items, "query:MaxItems"));
LIST(function_event_invoke_config_list, &function_event_invoke_config, 0, 0);
STRUCTURE(list_function_event_invoke_configs_response,
	  MAY("FunctionEventInvokeConfigs", &function_event_invoke_config_list),
	  MAY("NextMarker", &api_string));
static const struct api_shape function_url_qualifier = {
	.kind = API_STRING, .min = 1, .max = 128, .pattern = "^(?:((?!^\\d+$)^[0-9a-zA-Z-_]+$))$"
};
static const struct api_shape header = { .kind = API_STRING, .min = 0, .max = 1024 };
LIST(headers_list, &header, 0, 100);
static const struct api_shape method = { .kind = API_STRING, .min = 0, .max = 6 };
LIST(allow_methods_list, &method, 0, 6);
static const struct api_shape origin = { .kind = API_STRING, .min = 1, .max = 253 };
LIST(allow_origins_list, &origin, 0, 100);
INTEGER(max_age, 0, 86400);
STRUCTURE(cors, MAY("AllowCredentials", &api_boolean), MAY("AllowHeaders", &headers_list),
	  MAY("AllowMethods", &allow_methods_list), MAY("AllowOrigins", &allow_origins_list),
	  MAY("ExposeHeaders", &headers_list), MAY("MaxAge", &max_age));
ENUM(invoke_mode, "BUFFERED", "RESPONSE_STREAM");
STRUCTURE(create_function_url_config_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY_AT("Qualifier", &function_url_qualifier, "query:Qualifier"),
	  NEEDS("AuthType", &function_url_auth_type), MAY("Cors", &cors),
	  MAY("InvokeMode", &invoke_mode));
LIST(headers_list_out, &api_string, 0, 100);
LIST(allow_methods_list_out, &api_string, 0, 6);
LIST(allow_origins_list_out, &api_string, 0, 100);
STRUCTURE(cors_out, MAY("AllowCredentials", &api_boolean), MAY("AllowHeaders", &headers_list_out),
	  MAY("AllowMethods", &allow_methods_list_out),
	  MAY("AllowOrigins", &allow_origins_list_out), MAY("ExposeHeaders", &headers_list_out),
	  MAY("MaxAge", &api_integer));
STRUCTURE(create_function_url_config_response, MAY("FunctionUrl", &api_string),
	  MAY("FunctionArn", &api_string), MAY("AuthType", &api_string), MAY("Cors", &cors_out),
	  MAY("CreationTime", &api_string), MAY("InvokeMode", &api_string));
STRUCTURE(get_function_url_config_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY_AT("Qualifier", &function_url_qualifier, "query:Qualifier"));
STRUCTURE(get_function_url_config_response, MAY("FunctionUrl", &api_string),
	  MAY("FunctionArn", &api_string), MAY("AuthType", &api_string), MAY("Cors", &cors_out),
	  MAY("CreationTime", &api_string), MAY("LastModifiedTime", &api_string),
	  MAY("InvokeMode", &api_string));
STRUCTURE(update_function_url_config_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY_AT("Qualifier", &function_url_qualifier, "query:Qualifier"),
	  MAY("AuthType", &function_url_auth_type), MAY("Cors", &cors),
	  MAY("InvokeMode", &invoke_mode));
STRUCTURE(update_function_url_config_response, MAY("FunctionUrl", &api_string),
	  MAY("FunctionArn", &api_string), MAY("AuthType", &api_string), MAY("Cors", &cors_out),
	  MAY("CreationTime", &api_string), MAY("LastModifiedTime", &api_string),
	  MAY("InvokeMode", &api_string));
STRUCTURE(delete_function_url_config_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY_AT("Qualifier", &function_url_qualifier, "query:Qualifier"));
INTEGER(max_items, 1, 50);
STRUCTURE(list_function_url_configs_request, NEEDS_AT("FunctionName", &function_name, "uri"),
	  MAY_AT("Marker", &api_string, "query:Marker"),
	  MAY_AT("MaxItems", &max_items, "query:MaxItems"));
STRUCTURE(function_url_config, MAY("FunctionUrl", &api_string), MAY("FunctionArn", &api_string),
	  MAY("CreationTime", &api_string), MAY("LastModifiedTime", &api_string),
	  MAY("Cors", &cors_out), MAY("AuthType", &api_string), MAY("InvokeMode", &api_string));
LIST(function_url_config_list, &function_url_config, 0, 0);
STRUCTURE(list_function_url_configs_response, MAY("FunctionUrlConfigs", &function_url_config_list),
	  MAY("NextMarker", &api_string));
static const struct api_shape taggable_resource = {
	.kind = API_STRING,
	.min = 1,
	.max = 256,
	.pattern =
		"^(?:arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+))$"
};
STRUCTURE(tag_resource_request, NEEDS_AT("Resource", &taggable_resource, "uri"),
	  NEEDS("Tags", &tags));
LIST(tag_key_list, &api_string, 0, 0);
STRUCTURE(untag_resource_request, NEEDS_AT("Resource", &taggable_resource, "uri"),
	  NEEDS_AT("TagKeys", &tag_key_list, "query:tagKeys"));
STRUCTURE(list_tags_request, NEEDS_AT("Resource", &taggable_resource, "uri"));
STRUCTURE(list_tags_response, MAY("Tags", &tags_out));
STRUCTURE(account_limit, MAY("TotalCodeSize", &api_integer), MAY("CodeSizeUnzipped", &api_integer),
	  MAY("CodeSizeZipped", &api_integer), MAY("ConcurrentExecutions", &api_integer),
	  MAY("UnreservedConcurrentExecutions", &api_integer));
STRUCTURE(account_usage, MAY("TotalCodeSize", &api_integer), MAY("FunctionCount", &api_integer));
STRUCTURE(get_account_settings_response, MAY("AccountLimit", &account_limit),
	  MAY("AccountUsage", &account_usage));
INTEGER(max_layer_list_items, 1, 50);
STRUCTURE(list_layers_request, MAY_AT("CompatibleRuntime", &runtime, "query:CompatibleRuntime"),
	  MAY_AT("Marker", &api_string, "query:Marker"),
	  MAY_AT("MaxItems", &max_layer_list_items, "query:MaxItems"),
	  MAY_AT("CompatibleArchitecture", &architecture, "query:CompatibleArchitecture"));
LIST(string_list_out, &api_string, 0, 1500);
STRUCTURE(list_layers_response, MAY("NextMarker", &api_string), MAY("Layers", &string_list_out));
STRUCTURE(list_event_source_mappings_request,
	  MAY_AT("EventSourceArn", &arn, "query:EventSourceArn"),
	  MAY_AT("FunctionName", &namespaced_function_name, "query:FunctionName"),
	  MAY_AT("Marker", &api_string, "query:Marker"),
	  MAY_AT("MaxItems", &max_list_items, "query:MaxItems"));
STRUCTURE(list_event_source_mappings_response, MAY("NextMarker", &api_string),
	  MAY("EventSourceMappings", &string_list_out));
INTEGER(batch_size, 1, 10000);
static const struct api_shape topic = {
	.kind = API_STRING, .min = 1, .max = 249, .pattern = "^(?:[^.]([a-zA-Z0-9\\-_.]+))$"
};
LIST(topics, &topic, 1, 1);
static const struct api_shape queue = { .kind = API_STRING, .min = 1, .max = 1000 };
LIST(queues, &queue, 1, 1);
STRUCTURE(create_event_source_mapping_request, MAY("EventSourceArn", &arn),
	  NEEDS("FunctionName", &namespaced_function_name), MAY("Enabled", &api_boolean),
	  MAY("BatchSize", &batch_size), MAY("Topics", &topics), MAY("Queues", &queues));
STRUCTURE(event_source_mapping_configuration, MAY("UUID", &api_string), MAY("State", &api_string));
static const struct api_shape layer_name = {
	.kind = API_STRING,
	.min = 1,
	.max = 140,
	.pattern =
		"^(?:(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+)$"
};
STRUCTURE(layer_version_content_input, MAY("S3Bucket", &s3_bucket), MAY("S3Key", &s3_key),
	  MAY("S3ObjectVersion", &s3_object_version), MAY("ZipFile", &api_blob));
LIST(compatible_runtimes, &runtime, 0, 15);
static const struct api_shape license_info = { .kind = API_STRING, .min = 0, .max = 512 };
LIST(compatible_architectures, &architecture, 0, 2);
STRUCTURE(publish_layer_version_request, NEEDS_AT("LayerName", &layer_name, "uri"),
	  MAY("Description", &description), NEEDS("Content", &layer_version_content_input),
	  MAY("CompatibleRuntimes", &compatible_runtimes), MAY("LicenseInfo", &license_info),
	  MAY("CompatibleArchitectures", &compatible_architectures));
STRUCTURE(publish_layer_version_response, MAY("LayerArn", &api_string),
	  MAY("LayerVersionArn", &api_string));
STRUCTURE(get_function_code_signing_config_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"));
STRUCTURE(get_function_code_signing_config_response, MAY("CodeSigningConfigArn", &api_string),
	  MAY("FunctionName", &api_string));
STRUCTURE(get_runtime_management_config_request,
	  NEEDS_AT("FunctionName", &namespaced_function_name, "uri"),
	  MAY_AT("Qualifier", &numeric_latest_published_or_alias_qualifier, "query:Qualifier"));
STRUCTURE(get_runtime_management_config_response, MAY("UpdateRuntimeOn", &api_string),
	  MAY("RuntimeVersionArn", &api_string), MAY("FunctionArn", &api_string));
static const struct api_shape unqualified_function_name = {
	.kind = API_STRING,
	.min = 1,
	.max = 140,
	.pattern =
		"^(?:(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+))$"
};
STRUCTURE(get_function_recursion_config_request,
	  NEEDS_AT("FunctionName", &unqualified_function_name, "uri"));
STRUCTURE(get_function_recursion_config_response, MAY("RecursiveLoop", &api_string));

#define OPERATION(name_, effect_, method_, uri_, status_, input_, output_, handle_)  \
	{                                                                            \
		.name = (name_), .permission = "lambda:" name_, .effect = (effect_), \
		.input = &(input_), .output = &(output_), .handle = (handle_),       \
		.rest = { .method = (method_), .uri = (uri_), .status = (status_) }, \
	}

/* Of another name than the operation. */
#define INVOCATION(name_, effect_, method_, uri_, status_, input_, output_, handle_)         \
	{                                                                                    \
		.name = (name_), .permission = "lambda:InvokeFunction", .effect = (effect_), \
		.input = &(input_), .output = &(output_), .handle = (handle_),               \
		.rest = { .method = (method_), .uri = (uri_), .status = (status_) },         \
	}

const struct api_operation lambda_operations[] = {
	OPERATION("CreateFunction", API_WRITES, "POST", "/2015-03-31/functions", 201,
		  create_function_request, function_configuration, lambda_create_function),
	OPERATION("GetFunction", API_READS, "GET", "/2015-03-31/functions/{FunctionName}", 0,
		  get_function_request, get_function_response, lambda_get_function),
	OPERATION("GetFunctionConfiguration", API_READS, "GET",
		  "/2015-03-31/functions/{FunctionName}/configuration", 0,
		  get_function_configuration_request, function_configuration,
		  lambda_get_function_configuration),
	OPERATION("UpdateFunctionCode", API_WRITES, "PUT",
		  "/2015-03-31/functions/{FunctionName}/code", 0, update_function_code_request,
		  function_configuration, lambda_update_function_code),
	OPERATION("UpdateFunctionConfiguration", API_WRITES, "PUT",
		  "/2015-03-31/functions/{FunctionName}/configuration", 0,
		  update_function_configuration_request, function_configuration,
		  lambda_update_function_configuration),
	OPERATION("DeleteFunction", API_WRITES, "DELETE", "/2015-03-31/functions/{FunctionName}", 0,
		  delete_function_request, delete_function_response, lambda_delete_function),
	OPERATION("ListFunctions", API_READS, "GET", "/2015-03-31/functions", 0,
		  list_functions_request, list_functions_response, lambda_list_functions),
	OPERATION("PublishVersion", API_WRITES, "POST",
		  "/2015-03-31/functions/{FunctionName}/versions", 201, publish_version_request,
		  function_configuration, lambda_publish_version),
	OPERATION("ListVersionsByFunction", API_READS, "GET",
		  "/2015-03-31/functions/{FunctionName}/versions", 0,
		  list_versions_by_function_request, list_versions_by_function_response,
		  lambda_list_versions_by_function),
	OPERATION("CreateAlias", API_WRITES, "POST", "/2015-03-31/functions/{FunctionName}/aliases",
		  201, create_alias_request, alias_configuration, lambda_create_alias),
	OPERATION("GetAlias", API_READS, "GET",
		  "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 0, get_alias_request,
		  alias_configuration, lambda_get_alias),
	OPERATION("UpdateAlias", API_WRITES, "PUT",
		  "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 0, update_alias_request,
		  alias_configuration, lambda_update_alias),
	OPERATION("DeleteAlias", API_WRITES, "DELETE",
		  "/2015-03-31/functions/{FunctionName}/aliases/{Name}", 204, delete_alias_request,
		  api_shape_none, lambda_delete_alias),
	OPERATION("ListAliases", API_READS, "GET", "/2015-03-31/functions/{FunctionName}/aliases",
		  0, list_aliases_request, list_aliases_response, lambda_list_aliases),
	OPERATION("AddPermission", API_WRITES, "POST",
		  "/2015-03-31/functions/{FunctionName}/policy", 201, add_permission_request,
		  add_permission_response, lambda_add_permission),
	OPERATION("RemovePermission", API_WRITES, "DELETE",
		  "/2015-03-31/functions/{FunctionName}/policy/{StatementId}", 204,
		  remove_permission_request, api_shape_none, lambda_remove_permission),
	OPERATION("GetPolicy", API_READS, "GET", "/2015-03-31/functions/{FunctionName}/policy", 0,
		  get_policy_request, get_policy_response, lambda_get_policy),
	OPERATION("PutFunctionConcurrency", API_WRITES, "PUT",
		  "/2017-10-31/functions/{FunctionName}/concurrency", 0,
		  put_function_concurrency_request, concurrency, lambda_put_function_concurrency),
	OPERATION("GetFunctionConcurrency", API_READS, "GET",
		  "/2019-09-30/functions/{FunctionName}/concurrency", 0,
		  get_function_concurrency_request, get_function_concurrency_response,
		  lambda_get_function_concurrency),
	OPERATION("DeleteFunctionConcurrency", API_WRITES, "DELETE",
		  "/2017-10-31/functions/{FunctionName}/concurrency", 204,
		  delete_function_concurrency_request, api_shape_none,
		  lambda_delete_function_concurrency),
	OPERATION("PutProvisionedConcurrencyConfig", API_WRITES, "PUT",
		  "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 202,
		  put_provisioned_concurrency_config_request,
		  put_provisioned_concurrency_config_response,
		  lambda_put_provisioned_concurrency_config),
	OPERATION("GetProvisionedConcurrencyConfig", API_READS, "GET",
		  "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 0,
		  get_provisioned_concurrency_config_request,
		  get_provisioned_concurrency_config_response,
		  lambda_get_provisioned_concurrency_config),
	OPERATION("DeleteProvisionedConcurrencyConfig", API_WRITES, "DELETE",
		  "/2019-09-30/functions/{FunctionName}/provisioned-concurrency", 204,
		  delete_provisioned_concurrency_config_request, api_shape_none,
		  lambda_delete_provisioned_concurrency_config),
	OPERATION("ListProvisionedConcurrencyConfigs", API_READS, "GET",
		  "/2019-09-30/functions/{FunctionName}/provisioned-concurrency?List=ALL", 0,
		  list_provisioned_concurrency_configs_request,
		  list_provisioned_concurrency_configs_response,
		  lambda_list_provisioned_concurrency_configs),
	INVOCATION("Invoke", API_WRITES, "POST", "/2015-03-31/functions/{FunctionName}/invocations",
		   0, invocation_request, invocation_response, lambda_invoke),
	OPERATION("InvokeAsync", API_WRITES, "POST",
		  "/2014-11-13/functions/{FunctionName}/invoke-async", 202, invoke_async_request,
		  invoke_async_response, lambda_invoke_async),
	INVOCATION("InvokeWithResponseStream", API_WRITES, "POST",
		   "/2021-11-15/functions/{FunctionName}/response-streaming-invocations", 0,
		   invoke_with_response_stream_request, invoke_with_response_stream_response,
		   lambda_invoke_with_response_stream),
	OPERATION("PutFunctionEventInvokeConfig", API_WRITES, "PUT",
		  "/2019-09-25/functions/{FunctionName}/event-invoke-config", 0,
		  put_function_event_invoke_config_request, function_event_invoke_config,
		  lambda_put_function_event_invoke_config),
	OPERATION("UpdateFunctionEventInvokeConfig", API_WRITES, "POST",
		  "/2019-09-25/functions/{FunctionName}/event-invoke-config", 0,
		  update_function_event_invoke_config_request, function_event_invoke_config,
		  lambda_update_function_event_invoke_config),
	OPERATION("GetFunctionEventInvokeConfig", API_READS, "GET",
		  "/2019-09-25/functions/{FunctionName}/event-invoke-config", 0,
		  get_function_event_invoke_config_request, function_event_invoke_config,
		  lambda_get_function_event_invoke_config),
	OPERATION("DeleteFunctionEventInvokeConfig", API_WRITES, "DELETE",
		  "/2019-09-25/functions/{FunctionName}/event-invoke-config", 204,
		  delete_function_event_invoke_config_request, api_shape_none,
		  lambda_delete_function_event_invoke_config),
	OPERATION("ListFunctionEventInvokeConfigs", API_READS, "GET",
		  "/2019-09-25/functions/{FunctionName}/event-invoke-config/list", 0,
		  list_function_event_invoke_configs_request,
		  list_function_event_invoke_configs_response,
		  lambda_list_function_event_invoke_configs),
	OPERATION("CreateFunctionUrlConfig", API_WRITES, "POST",
		  "/2021-10-31/functions/{FunctionName}/url", 201,
		  create_function_url_config_request, create_function_url_config_response,
		  lambda_create_function_url_config),
	OPERATION("GetFunctionUrlConfig", API_READS, "GET",
		  "/2021-10-31/functions/{FunctionName}/url", 0, get_function_url_config_request,
		  get_function_url_config_response, lambda_get_function_url_config),
	OPERATION("UpdateFunctionUrlConfig", API_WRITES, "PUT",
		  "/2021-10-31/functions/{FunctionName}/url", 0, update_function_url_config_request,
		  update_function_url_config_response, lambda_update_function_url_config),
	OPERATION("DeleteFunctionUrlConfig", API_WRITES, "DELETE",
		  "/2021-10-31/functions/{FunctionName}/url", 204,
		  delete_function_url_config_request, api_shape_none,
		  lambda_delete_function_url_config),
	OPERATION("ListFunctionUrlConfigs", API_READS, "GET",
		  "/2021-10-31/functions/{FunctionName}/urls", 0, list_function_url_configs_request,
		  list_function_url_configs_response, lambda_list_function_url_configs),
	OPERATION("TagResource", API_WRITES, "POST", "/2017-03-31/tags/{Resource}", 204,
		  tag_resource_request, api_shape_none, lambda_tag_resource),
	OPERATION("UntagResource", API_WRITES, "DELETE", "/2017-03-31/tags/{Resource}", 204,
		  untag_resource_request, api_shape_none, lambda_untag_resource),
	OPERATION("ListTags", API_READS, "GET", "/2017-03-31/tags/{Resource}", 0, list_tags_request,
		  list_tags_response, lambda_list_tags),
	OPERATION("GetAccountSettings", API_READS, "GET", "/2016-08-19/account-settings", 0,
		  api_shape_none, get_account_settings_response, lambda_get_account_settings),
	OPERATION("ListLayers", API_READS, "GET", "/2018-10-31/layers", 0, list_layers_request,
		  list_layers_response, lambda_list_layers),
	OPERATION("ListEventSourceMappings", API_READS, "GET", "/2015-03-31/event-source-mappings",
		  0, list_event_source_mappings_request, list_event_source_mappings_response,
		  lambda_list_event_source_mappings),
	OPERATION("CreateEventSourceMapping", API_WRITES, "POST",
		  "/2015-03-31/event-source-mappings", 202, create_event_source_mapping_request,
		  event_source_mapping_configuration, lambda_create_event_source_mapping),
	OPERATION("PublishLayerVersion", API_WRITES, "POST",
		  "/2018-10-31/layers/{LayerName}/versions", 201, publish_layer_version_request,
		  publish_layer_version_response, lambda_publish_layer_version),
	OPERATION("GetFunctionCodeSigningConfig", API_READS, "GET",
		  "/2020-06-30/functions/{FunctionName}/code-signing-config", 0,
		  get_function_code_signing_config_request,
		  get_function_code_signing_config_response,
		  lambda_get_function_code_signing_config),
	OPERATION("GetRuntimeManagementConfig", API_READS, "GET",
		  "/2021-07-20/functions/{FunctionName}/runtime-management-config", 0,
		  get_runtime_management_config_request, get_runtime_management_config_response,
		  lambda_get_runtime_management_config),
	OPERATION("GetFunctionRecursionConfig", API_READS, "GET",
		  "/2024-08-31/functions/{FunctionName}/recursion-config", 0,
		  get_function_recursion_config_request, get_function_recursion_config_response,
		  lambda_get_function_recursion_config),
};

const size_t lambda_operation_count = COUNT(lambda_operations);
