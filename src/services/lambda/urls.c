/*
 * urls: function URLs: a host name of its own for a function or an alias, on the API's port.
 */
#include <stdio.h>

#include "crypto/digest.h"
#include "services/lambda/lambda_internal.h"
#include "services/lambda/url_cors.h"

enum { PAGE_MAX = 50, URL_ID_LETTERS = 32 };

/* The same for a function or alias that is made again, as no one else can have had it. */
static void url_id(const struct lambda *lambda, const char *id, char out[URL_ID_LETTERS + 1])
{
	char text[LAMBDA_ID_BYTES + 64], hex[SHA256_HEX_BYTES + 1];
	int len = snprintf(text, sizeof text, "%s/%s/%s", lambda->options.account,
			   lambda->options.region, id);

	sha256_hex(bytes_make(text, (size_t)len), hex);
	snprintf(out, URL_ID_LETTERS + 1, "%.*s", (int)URL_ID_LETTERS, hex);
}

static err_t find_url(struct api_call *call, struct lambda_target *target, char id[LAMBDA_ID_BYTES],
		      json_t **ret_url)
{
	const char *qualifier;
	err_t err;

	TRY(lambda_find(call, target));
	qualifier = target->name.qualifier;
	if (qualifier[0] && lambda_is_version(qualifier))
		return api_fault(call, "ValidationException",
				 "A function URL belongs to a function or an alias, not to a "
				 "version");
	snprintf(id, LAMBDA_ID_BYTES, "%s%s%s", target->name.name, qualifier[0] ? ":" : "",
		 qualifier);
	if (!ret_url)
		return ERR_OK;
	err = lambda_get(call, LAMBDA_URL, id, ret_url);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException",
				 "The resource you requested does not exist.");
	return err;
}

/* One that is empty takes away what was there. */
static err_t apply_cors(struct api_call *call, json_t *url)
{
	json_t *cors = json_object_get(call->input, "Cors");
	struct url_cors_finding finding;

	if (!cors)
		return ERR_OK;
	if (url_cors_check(cors, &finding))
		return api_fault(call, "InvalidParameterValueException",
				 "Value '%s' in %s of Cors is not %s", finding.value,
				 finding.member, finding.wanted);
	if (json_object_size(cors))
		return json_object_set(url, "Cors", cors) ? ERR_NOMEM : ERR_OK;
	json_object_del(url, "Cors");
	return ERR_OK;
}

static err_t apply(struct api_call *call, json_t *url)
{
	static const char *const members[] = { "AuthType", "InvokeMode" };
	char time[40];

	TRY(apply_cors(call, url));
	for (size_t i = 0; i < COUNT(members); i++) {
		json_t *value = json_object_get(call->input, members[i]);

		if (value && json_object_set(url, members[i], value))
			return ERR_NOMEM;
	}
	lambda_iso(lambda_now_ms(lambda_of(call)), time);
	return lambda_set(url, "LastModifiedTime", json_string(time));
}

/* "http://127.0.0.1:4566" → ":4566" */
static const char *port_of(const struct lambda *lambda)
{
	const char *colon = strrchr(lambda->endpoint, ':');

	return colon ? colon : "";
}

err_t lambda_create_function_url_config(struct api_call *call)
{
	const struct lambda *lambda = lambda_of(call);
	char id[LAMBDA_ID_BYTES], name[URL_ID_LETTERS + 1], time[40], *address;
	struct lambda_target target;
	json_t *url;
	err_t err;

	TRY(find_url(call, &target, id, NULL));
	url_id(lambda, id, name);
	lambda_iso(lambda_now_ms(lambda), time);
	address = arena_printf(call->arena, "http://%s.lambda-url.%s.localhost%s/", name,
			       lambda->options.region, port_of(lambda));
	url = lambda_hold(call, json_pack("{s:s, s:s, s:s, s:s, s:s}", "FunctionArn", target.arn,
					  "FunctionUrl", address ? address : "", "CreationTime",
					  time, "InvokeMode", "BUFFERED", "UrlId", name));
	if (!url || !address)
		return ERR_NOMEM;
	TRY(apply(call, url));
	err = lambda_insert(call, LAMBDA_URL, id, target.name.name, url);
	if (err == ERR_EXISTS)
		return api_fault(
			call, "ResourceConflictException",
			"Failed to create function url config for [functionArn = %s]. "
			"Error message:  FunctionUrlConfig exists for this Lambda function",
			target.arn);
	TRY(err);
	TRY(lambda_answer(call, url));
	return json_object_del(call->output, "UrlId") ? ERR_NOMEM : ERR_OK;
}

static err_t answer(struct api_call *call, const json_t *url)
{
	TRY(lambda_answer(call, url));
	json_object_del(call->output, "UrlId");
	return ERR_OK;
}

err_t lambda_get_function_url_config(struct api_call *call)
{
	char id[LAMBDA_ID_BYTES];
	struct lambda_target target;
	json_t *url;

	TRY(find_url(call, &target, id, &url));
	return answer(call, url);
}

err_t lambda_update_function_url_config(struct api_call *call)
{
	char id[LAMBDA_ID_BYTES];
	struct lambda_target target;
	json_t *url;

	TRY(find_url(call, &target, id, &url));
	TRY(apply(call, url));
	TRY(lambda_update(call, LAMBDA_URL, id, target.name.name, url));
	return answer(call, url);
}

err_t lambda_delete_function_url_config(struct api_call *call)
{
	char id[LAMBDA_ID_BYTES];
	struct lambda_target target;
	json_t *url;

	TRY(find_url(call, &target, id, &url));
	return lambda_delete(call, LAMBDA_URL, id);
}

err_t lambda_list_function_url_configs(struct api_call *call)
{
	json_t *out = lambda_hold(call, json_array()), *list, *item;
	struct lambda_target target;
	size_t i;

	if (!out)
		return ERR_NOMEM;
	TRY(lambda_find_function(call, &target));
	TRY(lambda_list(call, LAMBDA_URL, target.name.name, &list));
	json_array_foreach (list, i, item) {
		json_t *url = json_object_get(item, "body");

		json_object_del(url, "UrlId");
		json_array_append(out, url);
	}
	return lambda_page(call, "FunctionUrlConfigs", out, PAGE_MAX);
}
