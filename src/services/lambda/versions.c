/*
 * versions: what a function was when it was published, and the names that point there.
 */
#include <stdio.h>

#include "crypto/random.h"
#include "services/lambda/lambda_internal.h"

enum { PAGE_MAX = 50 };

static void id_of(const char *name, const char *qualifier, char out[LAMBDA_ID_BYTES])
{
	snprintf(out, LAMBDA_ID_BYTES, "%s:%s", name, qualifier);
}

/* ---- Versions ---- */

/* AWS makes no new version of what did not change since the last one. */
static err_t find_last(struct api_call *call, const struct lambda_target *target,
		       json_t **ret_version)
{
	json_int_t next = json_integer_value(json_object_get(target->function, "NextVersion"));
	const json_t *latest = json_object_get(target->function, "Configuration"), *published;
	char id[LAMBDA_ID_BYTES], number[24];
	err_t err;

	*ret_version = NULL;
	snprintf(number, sizeof number, "%lld", (long long)next - 1);
	id_of(target->name.name, number, id);
	err = lambda_get(call, LAMBDA_VERSION, id, ret_version);
	if (err) {
		*ret_version = NULL;
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	published = json_object_get(*ret_version, "PublishedFrom");
	if (strcmp(json_string_value(published), lambda_text(latest, "LastModified")) != 0)
		*ret_version = NULL;
	return ERR_OK;
}

static err_t make_version(struct api_call *call, struct lambda_target *target, const char *number,
			  const char *description, json_t **ret_version)
{
	json_t *latest = json_object_get(target->function, "Configuration");
	json_t *configuration = json_deep_copy(latest), *version;
	char arn[LAMBDA_ARN_BYTES], revision[37], id[LAMBDA_ID_BYTES];

	version = lambda_hold(call,
			      json_pack("{s:o, s:O*, s:O*, s:O}", "Configuration", configuration,
					"Code", json_object_get(target->function, "Code"),
					"NextCode", json_object_get(target->function, "NextCode"),
					"PublishedFrom", json_object_get(latest, "LastModified")));
	if (!version)
		return ERR_NOMEM;
	lambda_arn(lambda_of(call), target->name.name, number, arn);
	random_uuid(revision);
	TRY(lambda_set(configuration, "FunctionArn", json_string(arn)));
	TRY(lambda_set(configuration, "Version", json_string(number)));
	TRY(lambda_set(configuration, "RevisionId", json_string(revision)));
	if (description)
		TRY(lambda_set(configuration, "Description", json_string(description)));
	id_of(target->name.name, number, id);
	TRY(lambda_insert(call, LAMBDA_VERSION, id, target->name.name, version));
	*ret_version = version;
	return ERR_OK;
}

err_t lambda_publish(struct api_call *call, struct lambda_target *target, const char *description,
		     json_t **ret_version)
{
	json_int_t next = json_integer_value(json_object_get(target->function, "NextVersion"));
	char number[24];

	TRY(find_last(call, target, ret_version));
	if (*ret_version)
		return ERR_OK;
	snprintf(number, sizeof number, "%lld", (long long)next);
	TRY(make_version(call, target, number, description, ret_version));
	TRY(lambda_set(target->function, "NextVersion", json_integer(next + 1)));
	return lambda_update(call, LAMBDA_FUNCTION, target->name.name, "", target->function);
}

err_t lambda_publish_version(struct api_call *call)
{
	const char *wanted = lambda_text(call->input, "CodeSha256");
	struct lambda_target target;
	const json_t *configuration;
	json_t *version;

	TRY(lambda_find_function(call, &target));
	configuration = json_object_get(target.function, "Configuration");
	TRY(lambda_check_revision(call, configuration, target.arn));
	if (wanted && wanted[0] && strcmp(wanted, lambda_text(configuration, "CodeSha256")) != 0)
		return api_fault(call, "InvalidParameterValueException",
				 "CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST "
				 "(%s). Please try again with the CodeSHA256 in $LATEST.",
				 wanted, lambda_text(configuration, "CodeSha256"));
	TRY(lambda_publish(call, &target, lambda_text(call->input, "Description"), &version));
	return lambda_answer(call, json_object_get(version, "Configuration"));
}

err_t lambda_list_versions_by_function(struct api_call *call)
{
	json_t *out = lambda_hold(call, json_array()), *list, *item, *latest;
	struct lambda_target target;
	char arn[LAMBDA_ARN_BYTES];
	size_t i;

	if (!out)
		return ERR_NOMEM;
	TRY(lambda_find_function(call, &target));
	lambda_arn(lambda_of(call), target.name.name, "$LATEST", arn);
	latest = lambda_hold(call,
			     json_deep_copy(json_object_get(target.function, "Configuration")));
	TRY(lambda_set(latest, "FunctionArn", json_string(arn)));
	json_array_append(out, latest);
	TRY(lambda_list(call, LAMBDA_VERSION, target.name.name, &list));
	json_array_foreach (list, i, item)
		json_array_append(out,
				  json_object_get(json_object_get(item, "body"), "Configuration"));
	return lambda_page(call, "Versions", out, PAGE_MAX);
}

/* ---- Aliases ---- */

static err_t check_version(struct api_call *call, const struct lambda_target *target,
			   const char *version)
{
	struct lambda_target other = *target;

	if (strcmp(version, "$LATEST") == 0)
		return ERR_OK;
	snprintf(other.name.qualifier, sizeof other.name.qualifier, "%s", version);
	lambda_arn(lambda_of(call), target->name.name, version, other.arn);
	return lambda_resolve(call, &other);
}

static err_t check_routing(struct api_call *call, const struct lambda_target *target,
			   const char *version)
{
	const json_t *routing = json_object_get(call->input, "RoutingConfig");
	json_t *weights = json_object_get(routing, "AdditionalVersionWeights"), *weight;
	const char *other;

	if (json_object_size(weights) > 1)
		return api_fault(call, "InvalidParameterValueException",
				 "Number of items in AdditionalVersionWeights cannot be greater "
				 "than 1");
	json_object_foreach (weights, other, weight) {
		double share = json_number_value(weight);

		if (strcmp(version, "$LATEST") == 0 || strcmp(other, "$LATEST") == 0)
			return api_fault(call, "InvalidParameterValueException",
					 "$LATEST is not supported for an alias pointing to more "
					 "than 1 version");
		if (share < 0.0 || share > 1.0)
			return api_fault(call, "ValidationException",
					 "A weight must lie between 0.0 and 1.0");
		TRY(check_version(call, target, other));
	}
	return ERR_OK;
}

static err_t fill_alias(struct api_call *call, const struct lambda_target *target, json_t *alias)
{
	static const char *const members[] = { "FunctionVersion", "Description", "RoutingConfig" };
	char revision[37];

	for (size_t i = 0; i < COUNT(members); i++) {
		json_t *value = json_object_get(call->input, members[i]);

		if (value && json_object_set(alias, members[i], value))
			return ERR_NOMEM;
	}
	TRY(check_version(call, target, lambda_text(alias, "FunctionVersion")));
	TRY(check_routing(call, target, lambda_text(alias, "FunctionVersion")));
	if (json_object_size(json_object_get(json_object_get(alias, "RoutingConfig"),
					     "AdditionalVersionWeights")) == 0)
		json_object_del(alias, "RoutingConfig");
	random_uuid(revision);
	return lambda_set(alias, "RevisionId", json_string(revision));
}

err_t lambda_create_alias(struct api_call *call)
{
	const char *name = lambda_text(call->input, "Name");
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES], arn[LAMBDA_ARN_BYTES];
	json_t *alias;
	err_t err;

	TRY(lambda_find_function(call, &target));
	if (lambda_is_version(name))
		return api_fault(call, "ValidationException",
				 "1 validation error detected: Value '%s' at 'name' failed to "
				 "satisfy constraint: Member must not be a version",
				 name);
	lambda_arn(lambda_of(call), target.name.name, name, arn);
	alias = lambda_hold(call, json_pack("{s:s, s:s, s:s}", "AliasArn", arn, "Name", name,
					    "Description", ""));
	if (!alias)
		return ERR_NOMEM;
	TRY(fill_alias(call, &target, alias));
	id_of(target.name.name, name, id);
	err = lambda_insert(call, LAMBDA_ALIAS, id, target.name.name, alias);
	if (err == ERR_EXISTS)
		return api_fault(call, "ResourceConflictException", "Alias already exists: %s",
				 arn);
	return err ? err : lambda_answer(call, alias);
}

static err_t find_alias(struct api_call *call, struct lambda_target *target,
			char id[LAMBDA_ID_BYTES], json_t **ret_alias)
{
	char arn[LAMBDA_ARN_BYTES];
	err_t err;

	TRY(lambda_find_function(call, target));
	id_of(target->name.name, lambda_text(call->input, "Name"), id);
	lambda_arn(lambda_of(call), target->name.name, lambda_text(call->input, "Name"), arn);
	err = lambda_get(call, LAMBDA_ALIAS, id, ret_alias);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "ResourceNotFoundException", "Cannot find alias arn: %s",
				 arn);
	return err;
}

err_t lambda_get_alias(struct api_call *call)
{
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES];
	json_t *alias;

	TRY(find_alias(call, &target, id, &alias));
	return lambda_answer(call, alias);
}

err_t lambda_update_alias(struct api_call *call)
{
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES];
	json_t *alias;

	TRY(find_alias(call, &target, id, &alias));
	TRY(lambda_check_revision(call, alias, lambda_text(alias, "AliasArn")));
	TRY(fill_alias(call, &target, alias));
	TRY(lambda_update(call, LAMBDA_ALIAS, id, target.name.name, alias));
	return lambda_answer(call, alias);
}

err_t lambda_delete_alias(struct api_call *call)
{
	static const char *const kinds[] = { LAMBDA_ALIAS, LAMBDA_POLICY, LAMBDA_URL, LAMBDA_WARM,
					     LAMBDA_CONFIG };
	struct lambda_target target;
	char id[LAMBDA_ID_BYTES];

	TRY(lambda_find_function(call, &target));
	id_of(target.name.name, lambda_text(call->input, "Name"), id);
	for (size_t i = 0; i < COUNT(kinds); i++)
		TRY(lambda_delete(call, kinds[i], id));
	return ERR_OK;
}

err_t lambda_list_aliases(struct api_call *call)
{
	const char *wanted = lambda_text(call->input, "FunctionVersion");
	json_t *out = lambda_hold(call, json_array()), *list, *item;
	struct lambda_target target;
	size_t i;

	if (!out)
		return ERR_NOMEM;
	TRY(lambda_find_function(call, &target));
	TRY(lambda_list(call, LAMBDA_ALIAS, target.name.name, &list));
	json_array_foreach (list, i, item) {
		json_t *alias = json_object_get(item, "body");

		if (!wanted || strcmp(wanted, lambda_text(alias, "FunctionVersion")) == 0)
			json_array_append(out, alias);
	}
	return lambda_page(call, "Aliases", out, PAGE_MAX);
}
