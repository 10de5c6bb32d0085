/*
 * settings: what a bucket is set to: versioning, tags, policy; and the many configurations that
 * Weir has not, answered as AWS does for a bucket that has none.
 */
#include "services/s3/s3_internal.h"

/* ---- Versioning ---- */

err_t s3_get_bucket_versioning(struct api_call *call)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	if (!s3_text(bucket, "Versioning")[0])
		return ERR_OK;
	return s3_set_text(call->output, "Status", s3_text(bucket, "Versioning"));
}

err_t s3_put_bucket_versioning(struct api_call *call)
{
	const json_t *wanted = json_object_get(call->input, "VersioningConfiguration");
	const char *status = s3_text(wanted, "Status"), *mfa = s3_text(wanted, "MFADelete");
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	if (strcmp(status, "Enabled") != 0 && strcmp(status, "Suspended") != 0)
		return api_fault(call, "IllegalVersioningConfigurationException",
				 "The Versioning element must be specified");
	if (mfa[0] && strcmp(mfa, "Disabled") != 0)
		return s3_not_implemented(call, "MfaDelete");
	TRY(s3_set_text(bucket, "Versioning", status));
	return s3_bucket_put(call, s3_input(call, "Bucket"), bucket);
}

/* ---- Tags ---- */

err_t s3_get_bucket_tagging(struct api_call *call)
{
	json_t *bucket, *tags;

	TRY(s3_bucket(call, &bucket));
	tags = json_object_get(bucket, "Tags");
	if (!json_object_size(tags))
		return api_fault(call, "NoSuchTagSet", "The TagSet does not exist");
	return s3_set(call->output, "TagSet", s3_tags_show(tags));
}

/* AWS's own stay, whoever puts the others; a client may say them again as they are. */
static err_t read_tags(struct api_call *call, const json_t *old, const json_t *set,
		       json_t **ret_tags)
{
	json_t *others = s3_hold(call, json_array()), *tag, *value;
	const char *key;
	size_t i;

	if (!others)
		return ERR_NOMEM;
	json_array_foreach ((json_t *)set, i, tag) {
		value = json_object_get(old, s3_text(tag, "Key"));
		if (api_tag_is_reserved(call, s3_text(tag, "Key")) && value &&
		    json_equal(value, json_object_get(tag, "Value")))
			continue;
		if (json_array_append(others, tag))
			return ERR_NOMEM;
	}
	TRY(s3_tags_read(call, others, S3_BUCKET_TAGS_MAX, ret_tags));
	json_object_foreach ((json_t *)old, key, value)
		if (api_tag_is_reserved(call, key) && json_object_set(*ret_tags, key, value))
			return ERR_NOMEM;
	return ERR_OK;
}

static err_t put_tags(struct api_call *call, const json_t *set)
{
	json_t *bucket, *tags;

	TRY(s3_bucket(call, &bucket));
	TRY(read_tags(call, json_object_get(bucket, "Tags"), set, &tags));
	TRY(s3_set(bucket, "Tags", json_incref(tags)));
	return s3_bucket_put(call, s3_input(call, "Bucket"), bucket);
}

err_t s3_put_bucket_tagging(struct api_call *call)
{
	const json_t *given = json_object_get(call->input, "Tagging");

	return put_tags(call, json_object_get(given, "TagSet"));
}

static err_t forget(struct api_call *call, const char *member)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	json_object_del(bucket, member);
	return s3_bucket_put(call, s3_input(call, "Bucket"), bucket);
}

err_t s3_delete_bucket_tagging(struct api_call *call)
{
	return put_tags(call, NULL);
}

/* ---- Policy: kept as it came; the authorizer reads it with GetBucketPolicy ---- */

static err_t bucket_policy(struct api_call *call, const char **ret_policy)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	*ret_policy = s3_text(bucket, "Policy");
	if (!(*ret_policy)[0])
		return api_fault(call, "NoSuchBucketPolicy", "The bucket policy does not exist");
	return ERR_OK;
}

err_t s3_get_bucket_policy(struct api_call *call)
{
	const char *policy;

	TRY(bucket_policy(call, &policy));
	TRY(s3_set_text(call->output, "Type", "application/json"));
	return s3_set_text(call->output, "Policy", policy);
}

err_t s3_put_bucket_policy(struct api_call *call)
{
	const char *policy = s3_input(call, "Policy"), *why = NULL;
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	if (strlen(policy) > 20 * 1024)
		return api_fault(call, "PolicyTooLarge", "Policy exceeds the maximum allowed size");
	TRY(s3_policy_check(call, policy, s3_input(call, "Bucket"), &why));
	if (why)
		return api_fault(call, "MalformedPolicy", "%s", why);
	TRY(s3_set_text(bucket, "Policy", policy));
	return s3_bucket_put(call, s3_input(call, "Bucket"), bucket);
}

err_t s3_delete_bucket_policy(struct api_call *call)
{
	return forget(call, "Policy");
}

/* Nobody is let in without a signature, whatever a policy says. */
err_t s3_get_bucket_policy_status(struct api_call *call)
{
	const char *policy;

	TRY(bucket_policy(call, &policy));
	return s3_set(call->output, "PolicyStatus", json_pack("{s:b}", "IsPublic", 0));
}

/* ---- Who owns ---- */

static err_t show_acl(struct api_call *call)
{
	json_t *owner = s3_hold(call, s3_owner(call));
	json_t *grant;

	if (!owner)
		return ERR_NOMEM;
	grant = json_pack("{s:{s:s,s:O,s:O},s:s}", "Grantee", "Type", "CanonicalUser", "ID",
			  json_object_get(owner, "ID"), "DisplayName",
			  json_object_get(owner, "DisplayName"), "Permission", "FULL_CONTROL");
	TRY(s3_set(call->output, "Owner", json_incref(owner)));
	return s3_append(call->output, "Grants", grant);
}

err_t s3_get_bucket_acl(struct api_call *call)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	return show_acl(call);
}

err_t s3_get_object_acl(struct api_call *call)
{
	json_t *bucket, *object;

	TRY(s3_bucket(call, &bucket));
	TRY(s3_object(call, s3_input(call, "Bucket"), s3_input(call, "Key"),
		      s3_input(call, "VersionId"), &object));
	json_object_clear(call->output);
	return show_acl(call);
}

/* Of buckets and objects: "private" is how they are; owners are enforced. */
err_t s3_put_bucket_acl(struct api_call *call)
{
	const char *acl = s3_input(call, "ACL");
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	if (acl && (strcmp(acl, "private") == 0 || strcmp(acl, "bucket-owner-full-control") == 0))
		return ERR_OK;
	return api_fault(call, "AccessControlListNotSupported", "The bucket does not allow ACLs");
}

/*
 * Everything is the bucket owner's, whether that was said or not. What was said may be taken back,
 * and Terraform waits until it is gone: `Unruled` remembers that.
 */
static err_t say_ruled(struct api_call *call, bool ruled)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	if (ruled == !s3_true(bucket, "Unruled"))
		return ERR_OK;
	if (ruled)
		json_object_del(bucket, "Unruled");
	else
		TRY(s3_set(bucket, "Unruled", json_true()));
	return s3_bucket_put(call, s3_input(call, "Bucket"), bucket);
}

err_t s3_get_ownership_controls(struct api_call *call)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	if (s3_true(bucket, "Unruled"))
		return api_fault(call, "OwnershipControlsNotFoundError",
				 "The bucket ownership controls were not found");
	return s3_set(call->output, "OwnershipControls",
		      json_pack("{s:[{s:s}]}", "Rules", "ObjectOwnership", "BucketOwnerEnforced"));
}

err_t s3_put_ownership_controls(struct api_call *call)
{
	const json_t *rules = json_object_get(json_object_get(call->input, "OwnershipControls"),
					      "Rules");
	const char *wanted = s3_text(json_array_get(rules, 0), "ObjectOwnership");

	if (strcmp(wanted, "BucketOwnerEnforced") != 0)
		return s3_not_implemented(call, wanted);
	return say_ruled(call, true);
}

err_t s3_delete_ownership_controls(struct api_call *call)
{
	return say_ruled(call, false);
}

/* ---- Public access: there is none, so that blocking it holds at all times ---- */

err_t s3_get_public_access_block(struct api_call *call)
{
	json_t *bucket, *block;

	TRY(s3_bucket(call, &bucket));
	block = json_object_get(bucket, "PublicAccessBlock");
	if (!block)
		return api_fault(call, "NoSuchPublicAccessBlockConfiguration",
				 "The public access block configuration was not found");
	return s3_set(call->output, "PublicAccessBlockConfiguration", json_incref(block));
}

err_t s3_put_public_access_block(struct api_call *call)
{
	static const char *const members[] = { "BlockPublicAcls", "IgnorePublicAcls",
					       "BlockPublicPolicy", "RestrictPublicBuckets" };
	const json_t *given = json_object_get(call->input, "PublicAccessBlockConfiguration");
	json_t *bucket, *block = s3_hold(call, json_object());

	TRY(s3_bucket(call, &bucket));
	if (!block)
		return ERR_NOMEM;
	for (size_t i = 0; i < COUNT(members); i++)
		TRY(s3_set(block, members[i], json_boolean(s3_true(given, members[i]))));
	TRY(s3_set(bucket, "PublicAccessBlock", json_incref(block)));
	return s3_bucket_put(call, s3_input(call, "Bucket"), bucket);
}

err_t s3_delete_public_access_block(struct api_call *call)
{
	return forget(call, "PublicAccessBlock");
}

/* ---- What Weir has not ---- */

static const struct absence {
	const char *operation, *code, *message;
} absences[] = {
	{ "GetBucketCors", "NoSuchCORSConfiguration", "The CORS configuration does not exist" },
	{ "GetBucketWebsite", "NoSuchWebsiteConfiguration",
	  "The specified bucket does not have a website configuration" },
	{ "GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration",
	  "The lifecycle configuration does not exist" },
	{ "GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError",
	  "The server side encryption configuration was not found" },
	{ "GetBucketReplication", "ReplicationConfigurationNotFoundError",
	  "The replication configuration was not found" },
	{ "GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError",
	  "Object Lock configuration does not exist for this bucket" },
	{ "GetObjectRetention", "NoSuchObjectLockConfiguration",
	  "The specified object does not have a ObjectLock configuration" },
	{ "GetObjectLegalHold", "NoSuchObjectLockConfiguration",
	  "The specified object does not have a ObjectLock configuration" },
};

err_t s3_not_configured(struct api_call *call)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	for (size_t i = 0; i < COUNT(absences); i++)
		if (strcmp(absences[i].operation, call->operation->name) == 0)
			return api_fault(call, absences[i].code, "%s", absences[i].message);
	assert(false);
	return ERR_INVALID;
}

err_t s3_get_empty(struct api_call *call)
{
	json_t *bucket;

	return s3_bucket(call, &bucket);
}

err_t s3_delete_nothing(struct api_call *call)
{
	json_t *bucket;

	return s3_bucket(call, &bucket);
}

err_t s3_get_request_payment(struct api_call *call)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	return s3_set_text(call->output, "Payer", "BucketOwner");
}

err_t s3_refused(struct api_call *call)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	return api_fault(call, "NotImplemented",
			 "%s asks for functionality that Weir does not have; nothing was stored",
			 call->operation->name);
}
