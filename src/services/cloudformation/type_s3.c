/*
 * type_s3: buckets and their policies; parameters and secrets.
 */
#include <stdlib.h>

#include "services/cloudformation/type_hooks.h"

HOOK(bucket_created)
{
	json_t *versioning = property(step, "VersioningConfiguration"),
	       *tags = property(step, "Tags");

	if (versioning && (!step->before || property_changed(step, "VersioningConfiguration")))
		TRY(call_api(step, "s3", "PutBucketVersioning",
			     json_pack("{s:s, s:O}", "Bucket", physical_id(step),
				       "VersioningConfiguration", versioning),
			     NULL));
	if (!json_array_size(tags) || (step->before && !property_changed(step, "Tags")))
		return ERR_OK;
	return call_api(
		step, "s3", "PutBucketTagging",
		json_pack("{s:s, s:{s:O}}", "Bucket", physical_id(step), "Tagging", "TagSet", tags),
		NULL);
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
	return call_api(step, "ssm", "PutParameter", input, NULL);
}

/* A stack's secret goes at once: its name may come back with the next stack. */
HOOK(secret_remove)
{
	return call_api(step, "secretsmanager", "DeleteSecret",
			json_pack("{s:s, s:b}", "SecretId", physical_id(step),
				  "ForceDeleteWithoutRecovery", 1),
			NULL);
}
