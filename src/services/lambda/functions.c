/*
 * functions: making, telling, changing and deleting them, and which one a call is about.
 */
#include <stdio.h>

#include "base/when.h"
#include "crypto/random.h"
#include "services/lambda/lambda_internal.h"

enum { PAGE_MAX = 50 };

/* ---- Which one ---- */

void lambda_arn(const struct lambda *lambda, const char *name, const char *qualifier,
		char out[LAMBDA_ARN_BYTES])
{
	bool qualified = qualifier && qualifier[0];

	snprintf(out, LAMBDA_ARN_BYTES, "arn:aws:lambda:%s:%s:function:%s%s%s",
		 lambda->options.region, lambda->options.account, name, qualified ? ":" : "",
		 qualified ? qualifier : "");
}

err_t lambda_missing(struct api_call *call, const char *arn)
{
	return api_fault(call, "ResourceNotFoundException", "Function not found: %s", arn);
}

err_t lambda_find_name(struct api_call *call, struct lambda_name *ret_name)
{
	const struct lambda *lambda = lambda_of(call);
	const char *given = lambda_text(call->input, "FunctionName");
	const char *qualifier = lambda_text(call->input, "Qualifier");
	err_t err = lambda_name_parse(bytes_of(given), lambda->options.account,
				      lambda->options.region, ret_name);

	if (err == ERR_NOT_FOUND)
		return lambda_missing(call, given);
	if (err)
		return api_fault(call, "ValidationException",
				 "1 validation error detected: Value '%s' at 'functionName' failed "
				 "to satisfy constraint: Member must name a function",
				 given);
	if (!qualifier)
		return ERR_OK;
	if (ret_name->qualifier[0] && strcmp(ret_name->qualifier, qualifier) != 0)
		return api_fault(call, "InvalidParameterValueException",
				 "The derived qualifier from the function name does not match the "
				 "specified qualifier.");
	snprintf(ret_name->qualifier, sizeof ret_name->qualifier, "%s", qualifier);
	return ERR_OK;
}

err_t lambda_find_function(struct api_call *call, struct lambda_target *ret_target)
{
	err_t err;

	TRY(lambda_find_name(call, &ret_target->name));
	lambda_arn(lambda_of(call), ret_target->name.name, ret_target->name.qualifier,
		   ret_target->arn);
	err = lambda_get(call, LAMBDA_FUNCTION, ret_target->name.name, &ret_target->function);
	if (err == ERR_NOT_FOUND)
		return lambda_missing(call, ret_target->arn);
	ret_target->version = ret_target->function;
	ret_target->version_name = "$LATEST";
	return err;
}

/* An alias may send a part of its traffic to a second version. */
static const char *aliased_version(const json_t *alias)
{
	const json_t *routing = json_object_get(alias, "RoutingConfig");
	json_t *weights = json_object_get(routing, "AdditionalVersionWeights"), *weight;
	double dice = (double)(random_u64() >> 11) / (double)(1ull << 53);
	const char *version;

	json_object_foreach (weights, version, weight)
		if (dice < json_number_value(weight))
			return version;
	return lambda_text(alias, "FunctionVersion");
}

err_t lambda_resolve(struct api_call *call, struct lambda_target *target)
{
	const char *version = target->name.qualifier;
	char id[LAMBDA_ID_BYTES];
	json_t *alias;
	err_t err;

	if (!version[0] || strcmp(version, "$LATEST") == 0)
		return ERR_OK;
	snprintf(id, sizeof id, "%s:%s", target->name.name, version);
	if (!lambda_is_version(version)) {
		err = lambda_get(call, LAMBDA_ALIAS, id, &alias);
		if (err)
			return err == ERR_NOT_FOUND ? lambda_missing(call, target->arn) : err;
		version = aliased_version(alias);
		if (strcmp(version, "$LATEST") == 0)
			return ERR_OK;
		snprintf(id, sizeof id, "%s:%s", target->name.name, version);
	}
	err = lambda_get(call, LAMBDA_VERSION, id, &target->version);
	if (err)
		return err == ERR_NOT_FOUND ? lambda_missing(call, target->arn) : err;
	target->version_name = lambda_text(json_object_get(target->version, "Configuration"),
					   "Version");
	return ERR_OK;
}

err_t lambda_find(struct api_call *call, struct lambda_target *ret_target)
{
	TRY(lambda_find_function(call, ret_target));
	return lambda_resolve(call, ret_target);
}

/* ---- Configurations ---- */

void lambda_iso(uint64_t unix_ms, char out[40])
{
	char iso[WHEN_ISO_BYTES + 1];

	when_iso_ms(unix_ms, iso);
	snprintf(out, 40, "%.23s+0000", iso);
}

err_t lambda_touch(struct api_call *call, json_t *configuration)
{
	char time[40], revision[37];

	lambda_iso(lambda_now_ms(lambda_of(call)), time);
	random_uuid(revision);
	TRY(lambda_set(configuration, "LastModified", json_string(time)));
	return lambda_set(configuration, "RevisionId", json_string(revision));
}

err_t lambda_answer(struct api_call *call, const json_t *configuration)
{
	json_t *copy = json_deep_copy(configuration);
	int failed = copy ? json_object_update(call->output, copy) : -1;

	json_decref(copy);
	return failed ? ERR_NOMEM : ERR_OK;
}

err_t lambda_check_revision(struct api_call *call, const json_t *body, const char *arn)
{
	const char *wanted = lambda_text(call->input, "RevisionId");

	if (!wanted || strcmp(wanted, lambda_text(body, "RevisionId")) == 0)
		return ERR_OK;
	return api_fault(call, "PreconditionFailedException",
			 "The Revision Id provided does not match the latest Revision Id. Call the "
			 "GetFunction/GetAlias API to retrieve the latest Revision Id of %s",
			 arn);
}

static err_t refuse(struct api_call *call, const char *what)
{
	return api_fault(call, "InvalidParameterValueException", "%s", what);
}

static err_t check_runtime(struct api_call *call, const char *runtime)
{
	char path[4096];

	if (live_runtime(runtime, path))
		return ERR_OK;
	if (strncmp(runtime, "python", 6) == 0 || strncmp(runtime, "nodejs", 6) == 0)
		return api_fault(call, "InvalidParameterValueException",
				 "The runtime %s needs an interpreter that is not installed here "
				 "(%s, looked for in PATH)",
				 runtime, strncmp(runtime, "nodejs", 6) ? runtime : "node");
	return api_fault(call, "InvalidParameterValueException",
			 "The runtime parameter of %s is not supported here: provided.al2023, "
			 "provided.al2, python3.* and nodejs* are",
			 runtime);
}

/* What is described by AWS and would have no effect here. */
static err_t refuse_idle_settings(struct api_call *call)
{
	const json_t *in = call->input;
	const json_t *storage = json_object_get(in, "EphemeralStorage");
	const json_t *vpc = json_object_get(in, "VpcConfig");
	const json_t *architectures = json_object_get(in, "Architectures");
	const char *tracing = lambda_text(json_object_get(in, "TracingConfig"), "Mode");
	const char *snap = lambda_text(json_object_get(in, "SnapStart"), "ApplyOn");
	const char *format = lambda_text(json_object_get(in, "LoggingConfig"), "LogFormat");
	const char *letters = lambda_text(json_object_get(in, "DeadLetterConfig"), "TargetArn");
	const char *kind = lambda_text(in, "PackageType"), *key = lambda_text(in, "KMSKeyArn");

	if (kind && strcmp(kind, "Zip") != 0)
		return refuse(call, "Weir runs functions from Zip packages; container images are "
				    "for ECS tasks");
	if (json_array_size(json_object_get(in, "Layers")))
		return refuse(call, "Weir has no layers: put what the function needs into its "
				    "package");
	if (json_array_size(json_object_get(vpc, "SubnetIds")) ||
	    json_array_size(json_object_get(vpc, "SecurityGroupIds")))
		return refuse(call, "Weir puts no functions into a VPC: they reach what this "
				    "machine reaches");
	if (json_array_size(json_object_get(in, "FileSystemConfigs")))
		return refuse(call, "Weir mounts no file systems into functions");
	if (json_object_size(json_object_get(in, "ImageConfig")))
		return refuse(call, "ImageConfig is for container images");
	if (lambda_text(in, "CodeSigningConfigArn") && lambda_text(in, "CodeSigningConfigArn")[0])
		return refuse(call, "Weir has no code signing");
	if (key && key[0])
		return refuse(call,
			      "Weir has no KMS keys; its store is readable by its user alone");
	if (tracing && strcmp(tracing, "PassThrough") != 0)
		return refuse(call, "Weir has no X-Ray: TracingConfig stays PassThrough");
	if (snap && strcmp(snap, "None") != 0)
		return refuse(call, "Weir has no SnapStart; provisioned concurrency keeps "
				    "environments ready");
	if (format && strcmp(format, "Text") != 0)
		return refuse(call,
			      "Weir writes function logs as text: LogFormat JSON is not there");
	if (letters && letters[0])
		return refuse(call, "Dead-letter queues are SQS queues or SNS topics, which Weir "
				    "does not have; an OnFailure destination can be a function or "
				    "a bucket");
	if (storage && json_integer_value(json_object_get(storage, "Size")) != 512)
		return refuse(call, "Functions share this machine's /tmp: EphemeralStorage stays "
				    "512");
	if (architectures &&
	    strcmp(json_string_value(json_array_get(architectures, 0)), LAMBDA_ARCHITECTURE) != 0)
		return refuse(call, "This machine runs " LAMBDA_ARCHITECTURE " programs only");
	return ERR_OK;
}

static const char *const reserved_variables[] = {
	"_HANDLER",
	"_X_AMZN_TRACE_ID",
	"AWS_DEFAULT_REGION",
	"AWS_REGION",
	"AWS_EXECUTION_ENV",
	"AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
	"AWS_LAMBDA_FUNCTION_VERSION",
	"AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME",
	"AWS_ACCESS_KEY",
	"AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API",
	"LAMBDA_TASK_ROOT",
	"LAMBDA_RUNTIME_DIR",
};

static bool is_variable_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') && *c != '_' &&
		    !(c != name && *c >= '0' && *c <= '9'))
			return false;
	return name[0] != 0;
}

static err_t check_variables(struct api_call *call, json_t *variables)
{
	enum { VARIABLES_BYTES_MAX = 4096, VARIABLES_COUNT_MAX = 150 };
	size_t bytes = 0;
	const char *name;
	json_t *value;

	json_object_foreach (variables, name, value) {
		for (size_t i = 0; i < COUNT(reserved_variables); i++)
			if (strcmp(name, reserved_variables[i]) == 0)
				return api_fault(
					call, "InvalidParameterValueException",
					"Lambda was unable to configure your environment variables "
					"because the environment variables you have provided "
					"contains reserved keys that are currently not supported "
					"for modification. Reserved keys used in this request: %s",
					name);
		if (!is_variable_name(name))
			return api_fault(
				call, "InvalidParameterValueException",
				"Environment variable names begin with a letter or an "
				"underscore and hold letters, digits and underscores: '%s'",
				name);
		bytes += strlen(name) + json_string_length(value) + 6;
	}
	if (bytes > VARIABLES_BYTES_MAX || json_object_size(variables) > VARIABLES_COUNT_MAX)
		return refuse(call, "Lambda was unable to configure your environment variables "
				    "because the environment variables you have provided exceeded "
				    "the 4KB limit.");
	return ERR_OK;
}

static err_t copy_members(struct api_call *call, json_t *configuration)
{
	static const char *const members[] = { "Runtime",     "Role",	 "Handler",
					       "Description", "Timeout", "MemorySize" };

	for (size_t i = 0; i < COUNT(members); i++) {
		json_t *value = json_object_get(call->input, members[i]);

		if (value && json_object_set(configuration, members[i], value))
			return ERR_NOMEM;
	}
	return ERR_OK;
}

/* What both CreateFunction and UpdateFunctionConfiguration may say. */
static err_t apply_settings(struct api_call *call, json_t *configuration)
{
	json_t *environment = json_object_get(call->input, "Environment");
	const char *group = lambda_text(json_object_get(call->input, "LoggingConfig"), "LogGroup");

	TRY(refuse_idle_settings(call));
	if (lambda_text(call->input, "Runtime"))
		TRY(check_runtime(call, lambda_text(call->input, "Runtime")));
	TRY(check_variables(call, json_object_get(environment, "Variables")));
	TRY(copy_members(call, configuration));
	if (environment && json_object_size(json_object_get(environment, "Variables")))
		TRY(lambda_set(configuration, "Environment", json_deep_copy(environment)));
	else if (environment)
		json_object_del(configuration, "Environment");
	if (group)
		TRY(lambda_set(configuration, "LoggingConfig",
			       json_pack("{s:s, s:s}", "LogFormat", "Text", "LogGroup", group)));
	return ERR_OK;
}

static json_t *default_configuration(const char *name, const char *arn)
{
	char group[LAMBDA_NAME_BYTES_MAX + 16];

	snprintf(group, sizeof group, "/aws/lambda/%s", name);
	return json_pack(
		"{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:{s:s}, s:[s], s:{s:i}, s:{s:s, s:s}, "
		"s:{s:s, s:s}, s:s, s:s, s:s}",
		"FunctionName", name, "FunctionArn", arn, "Description", "", "Timeout", 3,
		"MemorySize", 128, "Version", "$LATEST", "PackageType", "Zip", "TracingConfig",
		"Mode", "PassThrough", "Architectures", LAMBDA_ARCHITECTURE, "EphemeralStorage",
		"Size", 512, "SnapStart", "ApplyOn", "None", "OptimizationStatus", "Off",
		"LoggingConfig", "LogFormat", "Text", "LogGroup", group, "State", "Pending",
		"StateReason", "The function is being created.", "StateReasonCode", "Creating");
}

/* ---- Operations ---- */

/* Tried, not guessed. The transaction is left meanwhile: nothing was written in it yet. */
static err_t check_role(struct api_call *call, const char *role, const char *name)
{
	struct lambda_call *self = call->transaction;
	struct api_fault fault;
	json_t *keys = NULL;
	err_t err;

	assert(!self->wrote);
	store_rollback(self->txn);
	self->txn = NULL;
	err = lambda_assume(lambda_of(call), role, name, &keys, &fault);
	json_decref(keys);
	TRY(store_begin(lambda_of(call)->options.store, &self->txn));
	return err ? refuse(call, "The role defined for the function cannot be assumed by Lambda.")
		   : ERR_OK;
}

static err_t create(struct api_call *call)
{
	const char *handler = lambda_text(call->input, "Handler");
	const char *runtime = lambda_text(call->input, "Runtime");
	json_t *configuration, *function, *tags = json_object_get(call->input, "Tags");
	struct lambda_target target = { .version_name = "$LATEST" };
	err_t err;

	TRY(lambda_find_name(call, &target.name));
	lambda_arn(lambda_of(call), target.name.name, NULL, target.arn);
	TRY(refuse_idle_settings(call));
	TRY(lambda_check_tags(call, tags));
	if (!handler || !runtime)
		return refuse(call, "Runtime and Handler are mandatory parameters for functions "
				    "created with deployment packages.");
	TRY(check_role(call, lambda_text(call->input, "Role"), target.name.name));
	configuration = default_configuration(target.name.name, target.arn);
	function = lambda_hold(call, json_pack("{s:o, s:i, s:O*}", "Configuration", configuration,
					       "NextVersion", 1, "Tags", tags));
	if (!function)
		return ERR_NOMEM;
	TRY(apply_settings(call, configuration));
	TRY(lambda_take_code(call, json_object_get(call->input, "Code"), function));
	TRY(lambda_touch(call, configuration));
	err = lambda_insert(call, LAMBDA_FUNCTION, target.name.name, "", function);
	if (err == ERR_EXISTS)
		return api_fault(call, "ResourceConflictException", "Function already exist: %s",
				 target.name.name);
	TRY(err);
	memcpy(lambda_call_of(call)->unpack, target.name.name, sizeof target.name.name);
	target.function = target.version = function;
	if (json_is_true(json_object_get(call->input, "Publish")))
		TRY(lambda_publish(call, &target, NULL, &target.version));
	return lambda_answer(call, json_object_get(target.version, "Configuration"));
}

err_t lambda_create_function(struct api_call *call)
{
	return lambda_or_later(call, create(call));
}

err_t lambda_get_function(struct api_call *call)
{
	struct lambda_target target;
	const json_t *tags, *reserved;
	char *url;

	TRY(lambda_find(call, &target));
	url = lambda_code_url(call, lambda_text(target.version, "Code")
					    ? lambda_text(target.version, "Code")
					    : lambda_text(target.version, "NextCode"));
	if (!url)
		return ERR_NOMEM;
	TRY(lambda_set(call->output, "Configuration",
		       json_deep_copy(json_object_get(target.version, "Configuration"))));
	TRY(lambda_set(call->output, "Code",
		       json_pack("{s:s, s:s}", "RepositoryType", "S3", "Location", url)));
	tags = json_object_get(target.function, "Tags");
	if (json_object_size(tags) && !target.name.qualifier[0])
		TRY(lambda_set(call->output, "Tags", json_deep_copy(tags)));
	reserved = json_object_get(target.function, "Reserved");
	if (!reserved)
		return ERR_OK;
	return lambda_set(
		call->output, "Concurrency",
		json_pack("{s:I}", "ReservedConcurrentExecutions", json_integer_value(reserved)));
}

err_t lambda_get_function_configuration(struct api_call *call)
{
	struct lambda_target target;

	TRY(lambda_find(call, &target));
	return lambda_answer(call, json_object_get(target.version, "Configuration"));
}

err_t lambda_list_functions(struct api_call *call)
{
	bool all = lambda_text(call->input, "FunctionVersion") != NULL;
	json_t *list, *versions, *item, *one, *out = lambda_hold(call, json_array());
	size_t i, j;

	if (!out)
		return ERR_NOMEM;
	TRY(lambda_list(call, LAMBDA_FUNCTION, NULL, &list));
	json_array_foreach (list, i, item) {
		json_array_append(out,
				  json_object_get(json_object_get(item, "body"), "Configuration"));
		if (!all)
			continue;
		TRY(lambda_list(call, LAMBDA_VERSION, lambda_text(item, "id"), &versions));
		json_array_foreach (versions, j, one)
			json_array_append(out, json_object_get(json_object_get(one, "body"),
							       "Configuration"));
	}
	return lambda_page(call, "Functions", out, PAGE_MAX);
}

static err_t check_idle(struct api_call *call, const struct lambda_target *target)
{
	const json_t *configuration = json_object_get(target->function, "Configuration");
	const char *update = lambda_text(configuration, "LastUpdateStatus");

	if (strcmp(lambda_text(configuration, "State"), "Pending") == 0)
		return api_fault(call, "ResourceConflictException",
				 "The operation cannot be performed at this time. The function is "
				 "currently in the following state: Pending");
	if (update && strcmp(update, "InProgress") == 0)
		return api_fault(call, "ResourceConflictException",
				 "The operation cannot be performed at this time. An update is in "
				 "progress for resource: %s",
				 target->arn);
	return ERR_OK;
}

static err_t update_code(struct api_call *call)
{
	struct lambda_target target;
	json_t *configuration;

	TRY(lambda_find_function(call, &target));
	configuration = json_object_get(target.function, "Configuration");
	TRY(lambda_check_revision(call, configuration, target.arn));
	TRY(check_idle(call, &target));
	TRY(refuse_idle_settings(call));
	TRY(lambda_take_code(call, call->input, target.function));
	if (json_is_true(json_object_get(call->input, "DryRun")))
		return lambda_answer(call, configuration);
	TRY(lambda_touch(call, configuration));
	TRY(lambda_set(configuration, "LastUpdateStatus", json_string("InProgress")));
	TRY(lambda_set(configuration, "LastUpdateStatusReason",
		       json_string("The function is being created.")));
	TRY(lambda_set(configuration, "LastUpdateStatusReasonCode", json_string("Creating")));
	TRY(lambda_update(call, LAMBDA_FUNCTION, target.name.name, "", target.function));
	memcpy(lambda_call_of(call)->unpack, target.name.name, sizeof target.name.name);
	if (json_is_true(json_object_get(call->input, "Publish")))
		TRY(lambda_publish(call, &target, NULL, &target.version));
	return lambda_answer(call, json_object_get(target.version, "Configuration"));
}

err_t lambda_update_function_code(struct api_call *call)
{
	return lambda_or_later(call, update_code(call));
}

err_t lambda_update_function_configuration(struct api_call *call)
{
	struct lambda_target target;
	json_t *configuration;

	TRY(lambda_find_function(call, &target));
	configuration = json_object_get(target.function, "Configuration");
	TRY(lambda_check_revision(call, configuration, target.arn));
	TRY(check_idle(call, &target));
	if (lambda_text(call->input, "Role"))
		TRY(check_role(call, lambda_text(call->input, "Role"), target.name.name));
	TRY(apply_settings(call, configuration));
	TRY(lambda_touch(call, configuration));
	TRY(lambda_set(configuration, "LastUpdateStatus", json_string("Successful")));
	TRY(lambda_update(call, LAMBDA_FUNCTION, target.name.name, "", target.function));
	memcpy(lambda_call_of(call)->forget, target.name.name, sizeof target.name.name);
	return lambda_answer(call, configuration);
}

/* ---- Deleting ---- */

static err_t delete_children(struct api_call *call, const char *kind, const char *name)
{
	json_t *list, *item;
	size_t i;

	TRY(lambda_list(call, kind, name, &list));
	json_array_foreach (list, i, item)
		TRY(lambda_delete(call, kind, lambda_text(item, "id")));
	return ERR_OK;
}

static err_t delete_version(struct api_call *call, const struct lambda_target *target)
{
	const char *version = target->name.qualifier;
	json_t *aliases, *item;
	char id[LAMBDA_ID_BYTES];
	size_t i;

	if (strcmp(version, "$LATEST") == 0 || !lambda_is_version(version))
		return refuse(call, "$LATEST version cannot be deleted without deleting the "
				    "function.");
	TRY(lambda_list(call, LAMBDA_ALIAS, target->name.name, &aliases));
	json_array_foreach (aliases, i, item) {
		const json_t *alias = json_object_get(item, "body");

		if (strcmp(lambda_text(alias, "FunctionVersion"), version) == 0)
			return api_fault(call, "ResourceConflictException",
					 "Version %s is referenced by the alias %s", version,
					 lambda_text(alias, "Name"));
	}
	snprintf(id, sizeof id, "%s:%s", target->name.name, version);
	TRY(lambda_delete(call, LAMBDA_WARM, id));
	return lambda_delete(call, LAMBDA_VERSION, id);
}

err_t lambda_delete_function(struct api_call *call)
{
	static const char *const kinds[] = { LAMBDA_VERSION, LAMBDA_ALIAS, LAMBDA_POLICY,
					     LAMBDA_URL,     LAMBDA_WARM,  LAMBDA_CONFIG,
					     LAMBDA_EVENT };
	struct lambda_target target;

	TRY(lambda_find_function(call, &target));
	if (target.name.qualifier[0])
		return delete_version(call, &target);
	for (size_t i = 0; i < COUNT(kinds); i++)
		TRY(delete_children(call, kinds[i], target.name.name));
	TRY(lambda_delete(call, LAMBDA_FUNCTION, target.name.name));
	memcpy(lambda_call_of(call)->forget, target.name.name, sizeof target.name.name);
	return ERR_OK;
}
