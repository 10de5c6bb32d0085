/*
 * type_s3: buckets and their policies; parameters and secrets.
 */
#include <stdlib.h>

#include "services/cloudformation/type_hooks.h"

/* What the template names; what it no longer names goes back to how it was. */
static err_t set_access(struct resource_step *step, const char *name, const char *put,
			const char *drop)
{
	json_t *value = property(step, name);

	if (!property_changed(step, name))
		return ERR_OK;
	return call_api(step, "s3", value ? put : drop,
			json_pack("{s:s, s:O*}", "Bucket", physical_id(step), name, value), NULL);
}

HOOK(bucket_created)
{
	json_t *versioning = property(step, "VersioningConfiguration");

	if (versioning && (!step->before || property_changed(step, "VersioningConfiguration")))
		TRY(call_api(step, "s3", "PutBucketVersioning",
			     json_pack("{s:s, s:O}", "Bucket", physical_id(step),
				       "VersioningConfiguration", versioning),
			     NULL));
	TRY(set_access(step, "PublicAccessBlockConfiguration", "PutPublicAccessBlock",
		       "DeletePublicAccessBlock"));
	return set_access(step, "OwnershipControls", "PutBucketOwnershipControls",
			  "DeleteBucketOwnershipControls");
}

HOOK(bucket_settled)
{
	const char *name = physical_id(step), *region = step->stack->cfn->options.region;

	put_new(step->record, "Attributes",
		json_pack("{s:s+, s:s+, s:s+++}", "Arn", "arn:aws:s3:::", name, "DomainName", name,
			  ".s3.amazonaws.com", "RegionalDomainName", name, ".s3.", region,
			  ".amazonaws.com"));
	return ERR_OK;
}

HOOK(bucket_policy_make)
{
	const char *bucket = text_at(step->properties, "Bucket");
	json_t *document = property(step, "PolicyDocument"), *input;
	char *text = json_is_object(document) ? json_dumps(document, JSON_COMPACT) : NULL;

	input = json_pack("{s:s, s:s}", "Bucket", bucket, "Policy",
			  text ? text : text_at(step->properties, "PolicyDocument"));
	free(text);
	TRY(call_api(step, "s3", "PutBucketPolicy", input, NULL));
	set_physical_id(step, bucket);
	return ERR_OK;
}

HOOK(bucket_policy_remove)
{
	return call_api(step, "s3", "DeleteBucketPolicy",
			json_pack("{s:s}", "Bucket", physical_id(step)), NULL);
}

HOOK(parameter_updated)
{
	json_t *input = json_deep_copy(step->properties);

	put_text(input, "Name", physical_id(step));
	put_new(input, "Overwrite", json_true());
	json_object_del(input, "Tags");
	return call_api(step, "ssm", "PutParameter", input, NULL);
}

/* The password in place of `key` in a JSON object, or alone. */
static json_t *secret_text(const json_t *how, const json_t *password)
{
	const char *template = json_string_value(json_object_get(how, "SecretStringTemplate"));
	json_t *object = template ? json_loads(template, 0, NULL) : NULL, *made;
	char *text;

	if (!json_is_object(object)) {
		json_decref(object);
		return template ? NULL : json_incref((json_t *)password);
	}
	json_object_set(object, text_at(how, "GenerateStringKey"), (json_t *)password);
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	made = text ? json_string(text) : NULL;
	free(text);
	return made;
}

HOOK_WITH_INPUT(secret_complete)
{
	json_t *how = property(step, "GenerateSecretString"), *wanted, *answer, *text;

	if (!how)
		return ERR_OK;
	wanted = json_copy(how);
	json_object_del(wanted, "SecretStringTemplate");
	json_object_del(wanted, "GenerateStringKey");
	TRY(call_api(step, "secretsmanager", "GetRandomPassword", wanted, &answer));
	text = secret_text(how, json_object_get(answer, "RandomPassword"));
	json_decref(answer);
	if (!text) {
		text_add_str(step->why, "SecretStringTemplate is not a JSON object");
		return ERR_INVALID;
	}
	put_new(input, "SecretString", text);
	return ERR_OK;
}

/* A stack's secret goes at once: its name may come back with the next stack. */
HOOK(secret_remove)
{
	return call_api(step, "secretsmanager", "DeleteSecret",
			json_pack("{s:s, s:b}", "SecretId", physical_id(step),
				  "ForceDeleteWithoutRecovery", 1),
			NULL);
}
