/*
 * event_config: what becomes of asynchronous invocations: retries, age, destinations.
 */
#include <stdio.h>

#include "services/lambda/lambda_internal.h"

enum { PAGE_MAX = 50 };

static err_t config_id(struct api_call *call, struct lambda_target *target,
		       char id[LAMBDA_ID_BYTES], char arn[LAMBDA_ARN_BYTES])
{
	const char *qualifier;

	TRY(lambda_find(call, target));
	qualifier = target->name.qualifier[0] ? target->name.qualifier : "$LATEST";
	snprintf(id, LAMBDA_ID_BYTES, "%s:%s", target->name.name, qualifier);
	lambda_arn(lambda_of(call), target->name.name, qualifier, arn);
	return ERR_OK;
}

/* Functions and, for failures, buckets: what else AWS knows, Weir does not have. */
static err_t check_destination(struct api_call *call, const char *which)
{
	const json_t *config = json_object_get(call->input, "DestinationConfig");
	const char *arn = lambda_text(json_object_get(config, which), "Destination");

	if (!arn || !arn[0] || strncmp(arn, "arn:aws:lambda:", 15) == 0)
		return ERR_OK;
	if (strncmp(arn, "arn:aws:s3:::", 13) == 0 && strcmp(which, "OnFailure") == 0)
		return ERR_OK;
	return api_fault(call, "InvalidParameterValueException",
			 "The destination ARN %s is invalid: functions are taken, and buckets for "
			 "OnFailure",
			 arn);
}

static err_t save(struct api_call *call, bool replace)
{
	static const char *const members[] = { "MaximumRetryAttempts", "MaximumEventAgeInSeconds",
					       "DestinationConfig" };
	char id[LAMBDA_ID_BYTES], arn[LAMBDA_ARN_BYTES];
	struct lambda_target target;
	json_t *config = NULL;
	err_t err;

	TRY(config_id(call, &target, id, arn));
	TRY(check_destination(call, "OnSuccess"));
	TRY(check_destination(call, "OnFailure"));
	err = replace ? ERR_NOT_FOUND : lambda_get(call, LAMBDA_CONFIG, id, &config);
	if (err == ERR_NOT_FOUND)
		config = lambda_hold(call,
				     json_pack("{s:s, s:{s:{}, s:{}}}", "FunctionArn", arn,
					       "DestinationConfig", "OnSuccess", "OnFailure"));
	else
		TRY(err);
	if (!config)
		return ERR_NOMEM;
	for (size_t i = 0; i < COUNT(members); i++)
		if (json_object_get(call->input, members[i]))
			json_object_set(config, members[i],
					json_object_get(call->input, members[i]));
	TRY(lambda_set(config, "LastModified",
		       json_integer((json_int_t)lambda_now_ms(lambda_of(call)))));
	TRY(lambda_delete(call, LAMBDA_CONFIG, id));
	TRY(lambda_insert(call, LAMBDA_CONFIG, id, target.name.name, config));
	return lambda_answer(call, config);
}

err_t lambda_put_function_event_invoke_config(struct api_call *call)
{
	return save(call, true);
}

err_t lambda_update_function_event_invoke_config(struct api_call *call)
{
	return save(call, false);
}

static err_t find_config(struct api_call *call, char id[LAMBDA_ID_BYTES], json_t **ret_config)
{
	struct lambda_target target;
	char arn[LAMBDA_ARN_BYTES];
	err_t err;

	TRY(config_id(call, &target, id, arn));
	err = lambda_get(call, LAMBDA_CONFIG, id, ret_config);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException",
				 "The function %s doesn't have an EventInvokeConfig", arn);
	return err;
}

err_t lambda_get_function_event_invoke_config(struct api_call *call)
{
	char id[LAMBDA_ID_BYTES];
	json_t *config;

	TRY(find_config(call, id, &config));
	return lambda_answer(call, config);
}

err_t lambda_delete_function_event_invoke_config(struct api_call *call)
{
	char id[LAMBDA_ID_BYTES];
	json_t *config;

	TRY(find_config(call, id, &config));
	return lambda_delete(call, LAMBDA_CONFIG, id);
}

err_t lambda_list_function_event_invoke_configs(struct api_call *call)
{
	json_t *out = lambda_hold(call, json_array()), *list, *item;
	struct lambda_target target;
	size_t i;

	if (!out)
		return ERR_NOMEM;
	TRY(lambda_find_function(call, &target));
	TRY(lambda_list(call, LAMBDA_CONFIG, target.name.name, &list));
	json_array_foreach (list, i, item)
		json_array_append(out, json_object_get(item, "body"));
	return lambda_page(call, "FunctionEventInvokeConfigs", out, PAGE_MAX);
}
