/*
 * type_lambda: functions and what hangs on them.
 *
 * A function is there when its package is unpacked: its state is asked for until it is Active and
 * its last update is done.
 */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "services/cloudformation/inline_code.h"
#include "services/cloudformation/type_hooks.h"

enum { PACKAGE_BYTES_MAX = 2 * INLINE_CODE_BYTES_MAX };

static err_t call_lambda(struct resource_step *step, const char *operation, json_t *input,
			 json_t **ret_output)
{
	return call_api(step, "lambda", operation, input, ret_output);
}

static void copy_property(const struct resource_step *step, json_t *input, const char *name)
{
	if (property(step, name))
		json_object_set(input, name, property(step, name));
}

/* ---- Code ---- */

/* Base64 of the zip that `text` makes. */
static err_t inline_package(struct resource_step *step, const char *code, json_t **ret_zip)
{
	struct text zip = TEXT_INIT(PACKAGE_BYTES_MAX), encoded = TEXT_INIT(2 * PACKAGE_BYTES_MAX);
	err_t err = inline_code_pack(text_at(step->properties, "Runtime"), bytes_of(code), &zip);

	if (err == ERR_INVALID)
		text_add_str(step->why, "ZipFile can only be used when Runtime is set to either of "
					"nodejs, python.");
	if (!err)
		encode_base64(&encoded, text_bytes(&zip));
	if (!err)
		err = text_err(&encoded);
	*ret_zip = err ? NULL : json_string(text_str(&encoded));
	text_fini(&zip);
	text_fini(&encoded);
	return err ? err : *ret_zip ? ERR_OK : ERR_NOMEM;
}

static err_t code_of(struct resource_step *step, json_t **ret_code)
{
	const json_t *given = property(step, "Code");
	const char *text = json_string_value(json_object_get(given, "ZipFile"));
	json_t *zip;

	*ret_code = json_is_object(given) ? json_copy((json_t *)given) : json_object();
	if (!text)
		return *ret_code ? ERR_OK : ERR_NOMEM;
	if (inline_package(step, text, &zip)) {
		json_decref(*ret_code);
		return step->why->len ? ERR_INVALID : ERR_NOMEM;
	}
	put_new(*ret_code, "ZipFile", zip);
	return ERR_OK;
}

static HOOK_WITH_INPUT(function_complete)
{
	json_t *code;

	TRY(code_of(step, &code));
	put_new(input, "Code", code);
	copy_property(step, input, "Architectures");
	return ERR_OK;
}

static err_t change_code(struct resource_step *step)
{
	json_t *input;

	if (!property_changed(step, "Code") && !property_changed(step, "Architectures"))
		return ERR_OK;
	TRY(code_of(step, &input));
	put_text(input, "FunctionName", physical_id(step));
	copy_property(step, input, "Architectures");
	return call_lambda(step, "UpdateFunctionCode", input, NULL);
}

/* ---- Settings ---- */

/* A setting that a template no longer names goes back to what it is without. */
static const struct setting {
	const char *name, *member, *without; /* JSON; NULL: it cannot be left out, or stays */
} settings[] = {
	{ "Runtime", "Runtime", NULL },
	{ "Role", "Role", NULL },
	{ "Handler", "Handler", NULL },
	{ "Description", "Description", "\"\"" },
	{ "Timeout", "Timeout", "3" },
	{ "MemorySize", "MemorySize", "128" },
	{ "Environment", "Environment", "{}" },
	{ "KmsKeyArn", "KMSKeyArn", "\"\"" },
	{ "VpcConfig", "VpcConfig", "{}" },
	{ "TracingConfig", "TracingConfig", "{\"Mode\": \"PassThrough\"}" },
	{ "DeadLetterConfig", "DeadLetterConfig", "{\"TargetArn\": \"\"}" },
	{ "EphemeralStorage", "EphemeralStorage", "{\"Size\": 512}" },
	{ "Layers", "Layers", "[]" },
	{ "FileSystemConfigs", "FileSystemConfigs", "[]" },
	{ "ImageConfig", "ImageConfig", "{}" },
	{ "SnapStart", "SnapStart", "{\"ApplyOn\": \"None\"}" },
};

static json_t *default_logging(const struct resource_step *step)
{
	return json_pack("{s:s, s:s+}", "LogFormat", "Text", "LogGroup", "/aws/lambda/",
			 physical_id(step));
}

static err_t change_settings(struct resource_step *step)
{
	json_t *input = json_object();

	for (size_t i = 0; i < COUNT(settings); i++) {
		const struct setting *setting = &settings[i];
		json_t *value = property(step, setting->name);

		if (!property_changed(step, setting->name))
			continue;
		if (value)
			json_object_set(input, setting->member, value);
		else if (setting->without)
			put_new(input, setting->member,
				json_loads(setting->without, JSON_DECODE_ANY, NULL));
	}
	if (property_changed(step, "LoggingConfig"))
		put_new(input, "LoggingConfig",
			property(step, "LoggingConfig")
				? json_incref(property(step, "LoggingConfig"))
				: default_logging(step));
	if (!json_object_size(input)) {
		json_decref(input);
		return ERR_OK;
	}
	put_text(input, "FunctionName", physical_id(step));
	return call_lambda(step, "UpdateFunctionConfiguration", input, NULL);
}

static HOOK(function_created)
{
	json_t *reserved = property(step, "ReservedConcurrentExecutions");

	if (step->before && !property_changed(step, "ReservedConcurrentExecutions"))
		return ERR_OK;
	if (!reserved)
		return step->before
			       ? call_lambda(step, "DeleteFunctionConcurrency",
					     json_pack("{s:s}", "FunctionName", physical_id(step)),
					     NULL)
			       : ERR_OK;
	return call_lambda(step, "PutFunctionConcurrency",
			   json_pack("{s:s, s:O}", "FunctionName", physical_id(step),
				     "ReservedConcurrentExecutions", reserved),
			   NULL);
}

static HOOK(function_updated)
{
	TRY(change_settings(step));
	TRY(change_code(step));
	return function_created(step);
}

static HOOK(function_settled)
{
	json_t *answer;
	const char *state, *update;
	err_t err = ERR_OK;

	TRY(call_lambda(step, "GetFunctionConfiguration",
			json_pack("{s:s}", "FunctionName", physical_id(step)), &answer));
	state = text_at(answer, "State");
	update = text_at(answer, "LastUpdateStatus");
	if (strcmp(state, "Pending") == 0 || strcmp(update, "InProgress") == 0) {
		err = ERR_AGAIN;
	} else if (strcmp(state, "Failed") == 0 || strcmp(update, "Failed") == 0) {
		text_printf(step->why, "%s",
			    text_at(answer, strcmp(state, "Failed") == 0
						    ? "StateReason"
						    : "LastUpdateStatusReason"));
		err = ERR_INVALID;
	}
	json_decref(answer);
	return err;
}

/* ---- Versions and aliases ---- */

static err_t provision(struct resource_step *step, const char *function, const char *qualifier)
{
	const json_t *wanted = property(step, "ProvisionedConcurrencyConfig");
	json_t *input = json_pack("{s:s, s:s}", "FunctionName", function, "Qualifier", qualifier);

	if (step->before && !property_changed(step, "ProvisionedConcurrencyConfig")) {
		json_decref(input);
		return ERR_OK;
	}
	if (wanted) {
		json_object_set(input, "ProvisionedConcurrentExecutions",
				json_object_get(wanted, "ProvisionedConcurrentExecutions"));
		return call_lambda(step, "PutProvisionedConcurrencyConfig", input, NULL);
	}
	if (step->before)
		return call_lambda(step, "DeleteProvisionedConcurrencyConfig", input, NULL);
	json_decref(input);
	return ERR_OK;
}

/* Done when the environments that were asked for are there. */
static err_t provisioned(struct resource_step *step, const char *function, const char *qualifier)
{
	json_t *answer;
	const char *status;
	err_t err;

	if (!property(step, "ProvisionedConcurrencyConfig"))
		return ERR_OK;
	TRY(call_lambda(step, "GetProvisionedConcurrencyConfig",
			json_pack("{s:s, s:s}", "FunctionName", function, "Qualifier", qualifier),
			&answer));
	status = text_at(answer, "Status");
	err = strcmp(status, "READY") == 0 ? ERR_OK
	      : strcmp(status, "FAILED")   ? ERR_AGAIN
					   : ERR_INVALID;
	if (err == ERR_INVALID)
		text_printf(step->why, "Provisioned concurrency: %s",
			    text_at(answer, "StatusReason"));
	json_decref(answer);
	return err;
}

static const char *function_of(const struct resource_step *step)
{
	return text_at(step->properties, "FunctionName");
}

static HOOK(version_make)
{
	json_t *input = json_object(), *answer;

	copy_property(step, input, "FunctionName");
	copy_property(step, input, "Description");
	copy_property(step, input, "CodeSha256");
	TRY(call_lambda(step, "PublishVersion", input, &answer));
	set_physical_id(step, text_at(answer, "FunctionArn"));
	put_new(step->record, "Attributes",
		json_pack("{s:s, s:s}", "FunctionArn", text_at(answer, "FunctionArn"), "Version",
			  text_at(answer, "Version")));
	json_decref(answer);
	return provision(step, function_of(step),
			 text_at(json_object_get(step->record, "Attributes"), "Version"));
}

static HOOK(version_settled)
{
	return provisioned(step, function_of(step),
			   text_at(json_object_get(step->record, "Attributes"), "Version"));
}

/* Templates have a list of weights, the operation a map. */
static json_t *alias_input(const struct resource_step *step)
{
	json_t *input = json_object(), *weights = json_object(), *one;
	const json_t *routing = property(step, "RoutingConfig");
	size_t i;

	copy_property(step, input, "FunctionName");
	copy_property(step, input, "Name");
	copy_property(step, input, "FunctionVersion");
	copy_property(step, input, "Description");
	json_array_foreach (json_object_get(routing, "AdditionalVersionWeights"), i, one)
		json_object_set(weights, text_at(one, "FunctionVersion"),
				json_object_get(one, "FunctionWeight"));
	put_new(input, "RoutingConfig", json_pack("{s:o}", "AdditionalVersionWeights", weights));
	return input;
}

static HOOK(alias_make)
{
	json_t *answer;

	TRY(call_lambda(step, "CreateAlias", alias_input(step), &answer));
	set_physical_id(step, text_at(answer, "AliasArn"));
	put_new(step->record, "Attributes",
		json_pack("{s:s}", "AliasArn", text_at(answer, "AliasArn")));
	json_decref(answer);
	return provision(step, function_of(step), text_at(step->properties, "Name"));
}

static HOOK(alias_updated)
{
	json_t *input = alias_input(step);

	if (!property(step, "Description"))
		put_text(input, "Description", "");
	TRY(call_lambda(step, "UpdateAlias", input, NULL));
	return provision(step, function_of(step), text_at(step->properties, "Name"));
}

static HOOK(alias_settled)
{
	return provisioned(step, function_of(step), text_at(step->properties, "Name"));
}

static HOOK(alias_remove)
{
	return call_lambda(step, "DeleteAlias",
			   json_pack("{s:s, s:s}", "FunctionName", function_of(step), "Name",
				     text_at(step->properties, "Name")),
			   NULL);
}

/* ---- Permissions ---- */

static HOOK(permission_make)
{
	const char *id = arena_printf(
		step->arena, "%.40s-%.40s-%s", text_at(step->stack->body, "StackName"),
		text_at(step->record, "LogicalResourceId"), text_at(step->record, "Token"));
	json_t *input = json_copy((json_t *)step->properties);

	put_text(input, "StatementId", id);
	TRY(call_lambda(step, "AddPermission", input, NULL));
	set_physical_id(step, id);
	put_new(step->record, "Attributes", json_pack("{s:s}", "Id", id));
	return ERR_OK;
}

static HOOK(permission_remove)
{
	return call_lambda(step, "RemovePermission",
			   json_pack("{s:s, s:s}", "FunctionName", function_of(step), "StatementId",
				     physical_id(step)),
			   NULL);
}

/* ---- URLs ---- */

static json_t *url_input(const struct resource_step *step)
{
	json_t *input = json_pack("{s:s}", "FunctionName",
				  text_at(step->properties, "TargetFunctionArn"));

	copy_property(step, input, "Qualifier");
	return input;
}

/* What a template no longer names goes back to what it is without. */
static err_t put_url(struct resource_step *step, const char *operation)
{
	json_t *input = url_input(step), *answer;

	put_new(input, "Cors", json_object());
	put_text(input, "InvokeMode", "BUFFERED");
	copy_property(step, input, "AuthType");
	copy_property(step, input, "Cors");
	copy_property(step, input, "InvokeMode");
	TRY(call_lambda(step, operation, input, &answer));
	set_physical_id(step, text_at(answer, "FunctionArn"));
	put_new(step->record, "Attributes",
		json_pack("{s:s, s:s}", "FunctionArn", text_at(answer, "FunctionArn"),
			  "FunctionUrl", text_at(answer, "FunctionUrl")));
	json_decref(answer);
	return ERR_OK;
}

static HOOK(url_make)
{
	return put_url(step, "CreateFunctionUrlConfig");
}

static HOOK(url_updated)
{
	return put_url(step, "UpdateFunctionUrlConfig");
}

static HOOK(url_remove)
{
	return call_lambda(step, "DeleteFunctionUrlConfig", url_input(step), NULL);
}

/* ---- What becomes of asynchronous invocations ---- */

static HOOK(event_config_make)
{
	TRY(call_lambda(step, "PutFunctionEventInvokeConfig", json_copy((json_t *)step->properties),
			NULL));
	set_physical_id(step, arena_printf(step->arena, "%s|%s", function_of(step),
					   text_at(step->properties, "Qualifier")));
	return ERR_OK;
}

static HOOK(event_config_remove)
{
	return call_lambda(step, "DeleteFunctionEventInvokeConfig",
			   json_pack("{s:s, s:s}", "FunctionName", function_of(step), "Qualifier",
				     text_at(step->properties, "Qualifier")),
			   NULL);
}

/* ---- Rows ---- */

static const struct resource_type rows[] = {
	{ .name = "AWS::Lambda::Function",
	  .service = "lambda",
	  .properties = "FunctionName! Runtime Role Handler Code- Description Timeout MemorySize "
			"Environment LoggingConfig KmsKeyArn=KMSKeyArn VpcConfig TracingConfig "
			"DeadLetterConfig EphemeralStorage Layers FileSystemConfigs ImageConfig "
			"SnapStart PackageType! Architectures- CodeSigningConfigArn "
			"ReservedConcurrentExecutions- Tags",
	  .create = "CreateFunction",
	  .named = "FunctionName",
	  .name_max = 64,
	  .tags = "map:Tags",
	  .complete = function_complete,
	  .created = function_created,
	  .updated = function_updated,
	  .settled = function_settled,
	  .drop = "DeleteFunction",
	  .drop_by = "FunctionName",
	  .gone = "ResourceNotFoundException",
	  .read = "GetFunction",
	  .read_by = "FunctionName",
	  .found = "Configuration",
	  .attributes = "Arn=FunctionArn" },
	{ .name = "AWS::Lambda::Version",
	  .service = "lambda",
	  .properties = "FunctionName! Description! CodeSha256! ProvisionedConcurrencyConfig!",
	  .make = version_make,
	  .settled = version_settled,
	  .drop = "DeleteFunction",
	  .drop_by = "FunctionName",
	  .gone = "ResourceNotFoundException",
	  .attributes = "Version FunctionArn" },
	{ .name = "AWS::Lambda::Alias",
	  .service = "lambda",
	  .properties = "FunctionName! Name! FunctionVersion Description RoutingConfig "
			"ProvisionedConcurrencyConfig",
	  .make = alias_make,
	  .updated = alias_updated,
	  .settled = alias_settled,
	  .remove = alias_remove,
	  .gone = "ResourceNotFoundException",
	  .attributes = "AliasArn" },
	{ .name = "AWS::Lambda::Permission",
	  .service = "lambda",
	  .properties = "FunctionName! Action! Principal! SourceArn! SourceAccount! "
			"EventSourceToken! PrincipalOrgID! FunctionUrlAuthType! "
			"InvokedViaFunctionUrl!",
	  .make = permission_make,
	  .remove = permission_remove,
	  .gone = "ResourceNotFoundException",
	  .attributes = "Id" },
	{ .name = "AWS::Lambda::Url",
	  .service = "lambda",
	  .properties = "TargetFunctionArn! Qualifier! AuthType Cors InvokeMode",
	  .make = url_make,
	  .updated = url_updated,
	  .remove = url_remove,
	  .gone = "ResourceNotFoundException",
	  .attributes = "FunctionArn FunctionUrl" },
	{ .name = "AWS::Lambda::EventInvokeConfig",
	  .service = "lambda",
	  .properties = "FunctionName! Qualifier! MaximumRetryAttempts MaximumEventAgeInSeconds "
			"DestinationConfig",
	  .make = event_config_make,
	  .updated = event_config_make,
	  .remove = event_config_remove,
	  .gone = "ResourceNotFoundException" },
};
const struct type_table lambda_types = { rows, COUNT(rows) };
