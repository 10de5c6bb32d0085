/*
 * concurrency: how many environments a function may have, and how many are kept ready.
 */
#include <stdio.h>

#include "services/lambda/lambda_internal.h"

enum { PAGE_MAX = 50 };

/* ---- Reserved ---- */

static err_t sum_reserved(struct api_call *call, const char *but, json_int_t *ret_sum)
{
	json_t *list, *item;
	size_t i;

	*ret_sum = 0;
	TRY(lambda_list(call, LAMBDA_FUNCTION, NULL, &list));
	json_array_foreach (list, i, item)
		if (strcmp(lambda_text(item, "id"), but) != 0)
			*ret_sum += json_integer_value(
				json_object_get(json_object_get(item, "body"), "Reserved"));
	return ERR_OK;
}

err_t lambda_put_function_concurrency(struct api_call *call)
{
	json_t *wanted = json_object_get(call->input, "ReservedConcurrentExecutions");
	struct lambda_target target;
	json_int_t others;

	TRY(lambda_find_function(call, &target));
	TRY(sum_reserved(call, target.name.name, &others));
	if (others + json_integer_value(wanted) > LAMBDA_CONCURRENCY_MAX - LAMBDA_UNRESERVED_MIN)
		return api_fault(call, "InvalidParameterValueException",
				 "Specified ReservedConcurrentExecutions for function decreases "
				 "account's UnreservedConcurrentExecution below its minimum value "
				 "of [%d].",
				 LAMBDA_UNRESERVED_MIN);
	if (json_object_set(target.function, "Reserved", wanted))
		return ERR_NOMEM;
	TRY(lambda_update(call, LAMBDA_FUNCTION, target.name.name, "", target.function));
	return json_object_set(call->output, "ReservedConcurrentExecutions", wanted) ? ERR_NOMEM
										     : ERR_OK;
}

err_t lambda_get_function_concurrency(struct api_call *call)
{
	struct lambda_target target;
	json_t *reserved;

	TRY(lambda_find_function(call, &target));
	reserved = json_object_get(target.function, "Reserved");
	if (reserved && json_object_set(call->output, "ReservedConcurrentExecutions", reserved))
		return ERR_NOMEM;
	return ERR_OK;
}

err_t lambda_delete_function_concurrency(struct api_call *call)
{
	struct lambda_target target;

	TRY(lambda_find_function(call, &target));
	json_object_del(target.function, "Reserved");
	return lambda_update(call, LAMBDA_FUNCTION, target.name.name, "", target.function);
}

/* ---- Provisioned ---- */

static err_t find_version(struct api_call *call, struct lambda_target *target,
			  char id[LAMBDA_ID_BYTES])
{
	TRY(lambda_find(call, target));
	if (strcmp(target->version_name, "$LATEST") == 0)
		return api_fault(call, "InvalidParameterValueException",
				 "Provisioned Concurrency Configs cannot be applied to unpublished "
				 "function versions.");
	snprintf(id, LAMBDA_ID_BYTES, "%s:%s", target->name.name, target->version_name);
	return ERR_OK;
}

static err_t describe(struct api_call *call, const json_t *warm, json_t *out)
{
	json_int_t requested = json_integer_value(json_object_get(warm, "Requested"));
	json_int_t ready = live_ready(lambda_of(call), lambda_text(warm, "Name"),
				      lambda_text(warm, "Version"));
	bool is_ready = ready >= requested;

	if (ready > requested)
		ready = requested;
	TRY(lambda_set(out, "RequestedProvisionedConcurrentExecutions", json_integer(requested)));
	TRY(lambda_set(out, "AvailableProvisionedConcurrentExecutions", json_integer(ready)));
	TRY(lambda_set(out, "AllocatedProvisionedConcurrentExecutions", json_integer(ready)));
	TRY(lambda_set(out, "Status", json_string(is_ready ? "READY" : "IN_PROGRESS")));
	return lambda_set(out, "LastModified", json_string(lambda_text(warm, "LastModified")));
}

err_t lambda_put_provisioned_concurrency_config(struct api_call *call)
{
	json_t *wanted = json_object_get(call->input, "ProvisionedConcurrentExecutions"), *warm;
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES], time[40];
	const json_t *reserved;

	TRY(find_version(call, &target, id));
	reserved = json_object_get(target.function, "Reserved");
	if (reserved && json_integer_value(wanted) > json_integer_value(reserved))
		return api_fault(call, "InvalidParameterValueException",
				 "Requested Provisioned Concurrency should not be greater than the "
				 "reservedConcurrentExecution for function");
	lambda_iso(lambda_now_ms(lambda_of(call)), time);
	warm = lambda_hold(call, json_pack("{s:s, s:s, s:s, s:O, s:s}", "Name", target.name.name,
					   "Version", target.version_name, "Qualifier",
					   target.name.qualifier, "Requested", wanted,
					   "LastModified", time));
	if (!warm)
		return ERR_NOMEM;
	TRY(lambda_delete(call, LAMBDA_WARM, id));
	TRY(lambda_insert(call, LAMBDA_WARM, id, target.name.name, warm));
	return describe(call, warm, call->output);
}

static err_t no_config(struct api_call *call)
{
	return api_fault(call, "ProvisionedConcurrencyConfigNotFoundException",
			 "No Provisioned Concurrency Config found for this function");
}

err_t lambda_get_provisioned_concurrency_config(struct api_call *call)
{
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES];
	json_t *warm;
	err_t err;

	TRY(find_version(call, &target, id));
	err = lambda_get(call, LAMBDA_WARM, id, &warm);
	if (err)
		return err == ERR_NOT_FOUND ? no_config(call) : err;
	return describe(call, warm, call->output);
}

err_t lambda_delete_provisioned_concurrency_config(struct api_call *call)
{
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES];

	TRY(find_version(call, &target, id));
	memcpy(lambda_call_of(call)->forget, target.name.name, sizeof target.name.name);
	return lambda_delete(call, LAMBDA_WARM, id);
}

err_t lambda_list_provisioned_concurrency_configs(struct api_call *call)
{
	json_t *out = lambda_hold(call, json_array()), *list, *item, *row;
	struct lambda_target target;
	char arn[LAMBDA_ARN_BYTES];
	size_t i;

	if (!out)
		return ERR_NOMEM;
	TRY(lambda_find_function(call, &target));
	TRY(lambda_list(call, LAMBDA_WARM, target.name.name, &list));
	json_array_foreach (list, i, item) {
		const json_t *warm = json_object_get(item, "body");

		lambda_arn(lambda_of(call), target.name.name, lambda_text(warm, "Version"), arn);
		row = json_pack("{s:s}", "FunctionArn", arn);
		if (!row || json_array_append_new(out, row))
			return ERR_NOMEM;
		TRY(describe(call, warm, row));
	}
	return lambda_page(call, "ProvisionedConcurrencyConfigs", out, PAGE_MAX);
}
