/*
 * policy: whether a bucket policy is one. What it says is the authorizer's business.
 */
#include "services/s3/s3_internal.h"

static const char *check_resource(struct api_call *call, const json_t *resource, const char *bucket)
{
	struct bytes text = bytes_of(json_string_value(resource)), name;

	(void)call;
	if (!bytes_starts(text, BYTES("arn:aws:s3:::")))
		return "Policy has invalid resource";
	name = bytes_from(text, 13);
	name = bytes_upto(name, bytes_index(name, '/'));
	/* A pattern may fit; what it means, matching tells. */
	if (bytes_eq_str(name, bucket) || bytes_index(name, '*') != SIZE_MAX ||
	    bytes_index(name, '?') != SIZE_MAX)
		return NULL;
	return "Policy has invalid resource";
}

static const char *check_texts(struct api_call *call, const json_t *value, const char *bucket,
			       const char *(*check)(struct api_call *, const json_t *,
						    const char *))
{
	const char *why;

	if (!json_is_array(value))
		return check(call, value, bucket);
	for (size_t i = 0; i < json_array_size(value); i++) {
		why = check(call, json_array_get(value, i), bucket);
		if (why)
			return why;
	}
	return json_array_size(value) ? NULL : "Missing required field";
}

static const char *check_action(struct api_call *call, const json_t *action, const char *bucket)
{
	const char *text = json_string_value(action);

	(void)call;
	(void)bucket;
	return text && (strcmp(text, "*") == 0 || strncasecmp(text, "s3:", 3) == 0)
		       ? NULL
		       : "Policy has invalid action";
}

static const char *check_statement(struct api_call *call, const json_t *statement,
				   const char *bucket)
{
	const char *effect = s3_text(statement, "Effect"), *why;
	const json_t *action = json_object_get(statement, "Action");
	const json_t *resource = json_object_get(statement, "Resource");

	if (!json_is_object(statement))
		return "This policy contains invalid Json";
	if (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0)
		return "Invalid effect";
	if (!json_object_get(statement, "Principal") && !json_object_get(statement, "NotPrincipal"))
		return "Missing required field Principal";
	if (!action)
		action = json_object_get(statement, "NotAction");
	if (!action)
		return "Missing required field Action";
	if (!resource)
		resource = json_object_get(statement, "NotResource");
	if (!resource)
		return "Missing required field Resource";
	why = check_texts(call, action, bucket, check_action);
	return why ? why : check_texts(call, resource, bucket, check_resource);
}

err_t s3_policy_check(struct api_call *call, const char *text, const char *bucket,
		      const char **ret_why)
{
	json_t *policy = s3_hold(call, json_loads(text, JSON_REJECT_DUPLICATES, NULL));
	const json_t *statements = json_object_get(policy, "Statement");
	const char *version = s3_text(policy, "Version");

	*ret_why = NULL;
	if (!json_is_object(policy))
		*ret_why = "Policies must be valid JSON and the first byte must be '{'";
	else if (version[0] && strcmp(version, "2012-10-17") != 0 &&
		 strcmp(version, "2008-10-17") != 0)
		*ret_why = "The policy must contain a valid version string";
	else if (!statements)
		*ret_why = "Missing required field Statement";
	else if (!json_is_array(statements))
		*ret_why = check_statement(call, statements, bucket);
	for (size_t i = 0; !*ret_why && i < json_array_size(statements); i++)
		*ret_why = check_statement(call, json_array_get(statements, i), bucket);
	return ERR_OK;
}
