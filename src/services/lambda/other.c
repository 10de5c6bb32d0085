/*
 * other: tags, the account, and what is asked of functions that have none of it.
 */
#include "services/lambda/lambda_internal.h"

enum { TAGS_MAX = 50 };

/* ---- Tags ---- */

static err_t find_tagged(struct api_call *call, struct lambda_target *target)
{
	const struct lambda *lambda = lambda_of(call);
	const char *arn = lambda_text(call->input, "Resource");
	err_t err = lambda_name_parse(bytes_of(arn), lambda->options.account,
				      lambda->options.region, &target->name);

	if (err || strncmp(arn, "arn:", 4) != 0 || target->name.qualifier[0])
		return api_fault(call, "InvalidParameterValueException",
				 "%s is not a valid function ARN", arn);
	err = lambda_get(call, LAMBDA_FUNCTION, target->name.name, &target->function);
	return err == ERR_NOT_FOUND ? lambda_missing(call, arn) : err;
}

static err_t check_key(struct api_call *call, const char *key)
{
	if (api_tag_is_reserved(call, key))
		return api_fault(call, "InvalidParameterValueException",
				 "Tag keys that begin with 'aws:' are reserved for internal use: "
				 "'%.200s'",
				 key);
	return ERR_OK;
}

err_t lambda_check_tags(struct api_call *call, const json_t *tags)
{
	const char *key;
	json_t *value;

	if (api_tags_count(tags) > TAGS_MAX)
		return api_fault(call, "InvalidParameterValueException",
				 "A function can have %d tags at most", TAGS_MAX);
	json_object_foreach ((json_t *)tags, key, value)
		TRY(check_key(call, key));
	return ERR_OK;
}

err_t lambda_tag_resource(struct api_call *call)
{
	struct lambda_target target;
	json_t *tags;

	TRY(lambda_check_tags(call, json_object_get(call->input, "Tags")));
	TRY(find_tagged(call, &target));
	tags = json_object_get(target.function, "Tags");
	if (!tags) {
		tags = json_object();
		TRY(lambda_set(target.function, "Tags", tags));
	}
	if (json_object_update(tags, json_object_get(call->input, "Tags")))
		return ERR_NOMEM;
	if (api_tags_count(tags) > TAGS_MAX)
		return api_fault(call, "InvalidParameterValueException",
				 "A function can have %d tags at most", TAGS_MAX);
	return lambda_update(call, LAMBDA_FUNCTION, target.name.name, "", target.function);
}

err_t lambda_untag_resource(struct api_call *call)
{
	struct lambda_target target;
	json_t *key;
	size_t i;

	TRY(find_tagged(call, &target));
	json_array_foreach (json_object_get(call->input, "TagKeys"), i, key) {
		TRY(check_key(call, json_string_value(key)));
		json_object_del(json_object_get(target.function, "Tags"), json_string_value(key));
	}
	return lambda_update(call, LAMBDA_FUNCTION, target.name.name, "", target.function);
}

err_t lambda_list_tags(struct api_call *call)
{
	struct lambda_target target;
	const json_t *tags;

	TRY(find_tagged(call, &target));
	tags = json_object_get(target.function, "Tags");
	return lambda_set(call->output, "Tags", tags ? json_deep_copy(tags) : json_object());
}

/* ---- The account ---- */

static err_t sum(struct api_call *call, const char *kind, json_int_t *code, json_int_t *count,
		 json_int_t *reserved)
{
	json_t *list, *item;
	size_t i;

	TRY(lambda_list(call, kind, NULL, &list));
	json_array_foreach (list, i, item) {
		const json_t *body = json_object_get(item, "body");
		const json_t *configuration = json_object_get(body, "Configuration");

		*code += json_integer_value(json_object_get(configuration, "CodeSize"));
		*reserved += json_integer_value(json_object_get(body, "Reserved"));
		++*count;
	}
	return ERR_OK;
}

err_t lambda_get_account_settings(struct api_call *call)
{
	json_int_t code = 0, functions = 0, versions = 0, reserved = 0;

	TRY(sum(call, LAMBDA_FUNCTION, &code, &functions, &reserved));
	TRY(sum(call, LAMBDA_VERSION, &code, &versions, &reserved));
	TRY(lambda_set(call->output, "AccountLimit",
		       json_pack("{s:I, s:I, s:I, s:i, s:I}", "TotalCodeSize",
				 (json_int_t)80530636800, "CodeSizeUnzipped", (json_int_t)262144000,
				 "CodeSizeZipped", (json_int_t)52428800, "ConcurrentExecutions",
				 LAMBDA_CONCURRENCY_MAX, "UnreservedConcurrentExecutions",
				 LAMBDA_CONCURRENCY_MAX - reserved)));
	return lambda_set(
		call->output, "AccountUsage",
		json_pack("{s:I, s:I}", "TotalCodeSize", code, "FunctionCount", functions));
}

/* ---- What there is none of ---- */

static err_t empty(struct api_call *call, const char *list)
{
	return lambda_set(call->output, list, json_array());
}

err_t lambda_list_layers(struct api_call *call)
{
	return empty(call, "Layers");
}

err_t lambda_list_event_source_mappings(struct api_call *call)
{
	return empty(call, "EventSourceMappings");
}

err_t lambda_create_event_source_mapping(struct api_call *call)
{
	return api_fault(call, "InvalidParameterValueException",
			 "Weir has none of the queues and streams that event source mappings read; "
			 "invoke the function, or let a bucket's notification do it");
}

err_t lambda_publish_layer_version(struct api_call *call)
{
	return api_fault(call, "InvalidParameterValueException",
			 "Weir has no layers: put what the function needs into its package");
}

/* Tools ask this of every function: an answer without the member means "none". */
err_t lambda_get_function_code_signing_config(struct api_call *call)
{
	struct lambda_target target;

	TRY(lambda_find_function(call, &target));
	return lambda_set(call->output, "FunctionName", json_string(target.name.name));
}

err_t lambda_get_runtime_management_config(struct api_call *call)
{
	struct lambda_target target;

	TRY(lambda_find(call, &target));
	TRY(lambda_set(call->output, "FunctionArn", json_string(target.arn)));
	return lambda_set(call->output, "UpdateRuntimeOn", json_string("Auto"));
}

err_t lambda_get_function_recursion_config(struct api_call *call)
{
	struct lambda_target target;

	TRY(lambda_find_function(call, &target));
	return lambda_set(call->output, "RecursiveLoop", json_string("Allow"));
}
