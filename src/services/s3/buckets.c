/*
 * buckets: made, found and deleted.
 */
#include "services/s3/s3_internal.h"

/* One person owns all; the id is made of the account. */
static json_t *owner_of(struct api_call *call)
{
	const char *account = s3_of(call)->options.account;

	return json_pack("{s:s,s:o}", "DisplayName", "weir", "ID",
			 json_sprintf("%s%s%s%s%s", account, account, account, account, account));
}

json_t *s3_owner(struct api_call *call)
{
	return owner_of(call);
}

/* ---- List ---- */

struct buckets {
	struct api_call *call;
	struct bytes prefix, after;
	size_t most, place; /* of those that lie elsewhere the next one; all are in order */
	const char *last;
	bool more;
	err_t err;
};

/* False: that is enough. */
static bool add_bucket(struct buckets *b, const char *name, uint64_t created_ms, const char *region)
{
	json_t *one;

	if (!bytes_starts(bytes_of(name), b->prefix) ||
	    (b->after.len && bytes_cmp(bytes_of(name), b->after) <= 0))
		return true;
	if (json_array_size(json_object_get(b->call->output, "Buckets")) == b->most) {
		b->more = true;
		return false;
	}
	one = json_pack("{s:s,s:I,s:s}", "Name", name, "CreationDate", (json_int_t)created_ms,
			"BucketRegion", region);
	b->last = arena_string(b->call->arena, bytes_of(name));
	b->err = b->last ? s3_append(b->call->output, "Buckets", one) : ERR_NOMEM;
	return !b->err;
}

/* Those whose names come before this one's, or all that are left; false: that is enough. */
static bool add_places(struct buckets *b, const char *before)
{
	const struct s3 *s3 = s3_of(b->call);

	for (; b->place < s3->place_count; b->place++) {
		const struct s3_place *place = &s3->places[b->place];

		if (before && strcmp(place->bucket, before) >= 0)
			return true;
		if (!add_bucket(b, place->bucket, s3->started_ms, place->there.region))
			return false;
	}
	return true;
}

static bool add_record(void *owner, const struct store_resource *resource)
{
	struct buckets *b = owner;

	if (!add_places(b, resource->id))
		return false;
	if (s3_place_of(s3_of(b->call), bytes_of(resource->id)))
		return true; /* made before the settings said otherwise */
	return add_bucket(b, resource->id, (uint64_t)s3_number(resource->body, "Created"),
			  s3_of(b->call)->options.region);
}

err_t s3_list_buckets(struct api_call *call)
{
	const char *token = s3_input(call, "ContinuationToken");
	json_t *most = json_object_get(call->input, "MaxBuckets");
	struct buckets b = {
		.call = call,
		.prefix = bytes_of(s3_input(call, "Prefix")),
		.after = bytes_of(token),
		.most = most ? (size_t)json_integer_value(most) : 10000,
	};
	/* After the name that the token is: no name has a byte so small. */
	const char *from = arena_printf(call->arena, "%s%s", token ? token : "", token ? "\1" : "");

	if (!from)
		return ERR_NOMEM;
	TRY(s3_set(call->output, "Owner", owner_of(call)));
	TRY(s3_set(call->output, "Buckets", json_array()));
	if (s3_input(call, "Prefix"))
		TRY(s3_set_text(call->output, "Prefix", s3_input(call, "Prefix")));
	TRY(store_scan(s3_call_of(call)->txn, S3_BUCKET, from, add_record, &b));
	if (!b.err && !b.more)
		add_places(&b, NULL);
	TRY(b.err);
	return b.more ? s3_set_text(call->output, "ContinuationToken", b.last) : ERR_OK;
}

/* ---- Create ---- */

static err_t check_new(struct api_call *call, const char *name, const json_t *configuration)
{
	const char *location = s3_text(configuration, "LocationConstraint");
	const char *acl = s3_input(call, "ACL"), *ownership = s3_input(call, "ObjectOwnership");
	const char *region = s3_of(call)->options.region;

	if (!s3_bucket_name_valid(bytes_of(name)))
		return api_fault(call, "InvalidBucketName", "The specified bucket is not valid.");
	if (location[0] && strcmp(location, region) != 0 &&
	    !(strcmp(location, "EU") == 0 && strcmp(region, "eu-west-1") == 0))
		return api_fault(
			call, "IllegalLocationConstraintException",
			"The %s location constraint is incompatible for the region specific "
			"endpoint this request was sent to.",
			location);
	if (ownership && strcmp(ownership, "BucketOwnerEnforced") != 0)
		return s3_not_implemented(call, "x-amz-object-ownership");
	if (acl && strcmp(acl, "private") != 0)
		return api_fault(call, "InvalidBucketAclWithObjectOwnership",
				 "Bucket cannot have ACLs set with ObjectOwnership's "
				 "BucketOwnerEnforced setting");
	if (s3_input(call, "ObjectLockEnabledForBucket") &&
	    strcasecmp(s3_input(call, "ObjectLockEnabledForBucket"), "true") == 0)
		return s3_not_implemented(call, "x-amz-bucket-object-lock-enabled");
	return ERR_OK;
}

/* In us-east-1 making one's own bucket again is no error, and never was. */
static err_t already(struct api_call *call)
{
	if (strcmp(s3_of(call)->options.region, "us-east-1") == 0)
		return ERR_OK;
	return api_fault(call, "BucketAlreadyOwnedByYou",
			 "Your previous request to create the named bucket succeeded and you "
			 "already own it.");
}

err_t s3_create_bucket(struct api_call *call)
{
	const char *name = s3_input(call, "Bucket");
	json_t *configuration = json_object_get(call->input, "CreateBucketConfiguration");
	json_t *body = s3_hold(call,
			       json_pack("{s:I,s:s}", "Created", (json_int_t)s3_now_ms(s3_of(call)),
					 "Versioning", "")),
	       *tags;
	struct store_resource resource = {
		.kind = S3_BUCKET, .id = name, .parent = "", .body = body
	};
	uint64_t count;
	err_t err;

	if (!body)
		return ERR_NOMEM;
	TRY(check_new(call, name, configuration));
	TRY(s3_tags_read(call, json_object_get(configuration, "Tags"), S3_BUCKET_TAGS_MAX, &tags));
	if (json_object_size(tags))
		TRY(s3_set(body, "Tags", json_incref(tags)));
	TRY(store_count(s3_call_of(call)->txn, S3_BUCKET, NULL, &count));
	if (count >= S3_BUCKETS_MAX)
		return api_fault(call, "TooManyBuckets",
				 "You have attempted to create more buckets than allowed");
	TRY(s3_set(call->output, "Location", json_sprintf("/%s", name)));
	err = store_insert(s3_call_of(call)->txn, &resource);
	return err == ERR_EXISTS ? already(call) : err;
}

/* ---- Delete ---- */

struct finding {
	struct bytes prefix;
	bool found;
};

static bool find_one(void *owner, const struct store_resource *resource)
{
	struct finding *finding = owner;

	finding->found = bytes_starts(bytes_of(resource->id), finding->prefix);
	return false;
}

static err_t has_any(struct api_call *call, const char *kind, const char *prefix, bool *ret_any)
{
	struct finding finding = { .prefix = bytes_of(prefix) };

	TRY(store_scan(s3_call_of(call)->txn, kind, prefix, find_one, &finding));
	*ret_any = finding.found;
	return ERR_OK;
}

err_t s3_delete_bucket(struct api_call *call)
{
	const char *name = s3_input(call, "Bucket");
	char *prefix = arena_printf(call->arena, "%s/", name);
	json_t *bucket;
	bool objects, uploads;

	if (!prefix)
		return ERR_NOMEM;
	TRY(s3_bucket(call, &bucket));
	TRY(has_any(call, S3_OBJECT, prefix, &objects));
	TRY(has_any(call, S3_UPLOAD, prefix, &uploads));
	if (objects)
		return api_fault(call, "BucketNotEmpty",
				 s3_text(bucket, "Versioning")[0]
					 ? "The bucket you tried to delete is not empty. You must "
					   "delete all versions in the bucket."
					 : "The bucket you tried to delete is not empty");
	if (uploads)
		return api_fault(
			call, "BucketNotEmpty",
			"The bucket you tried to delete has multipart uploads in progress. "
			"Abort them first.");
	return store_delete(s3_call_of(call)->txn, S3_BUCKET, name);
}

/* ---- Look ---- */

err_t s3_head_bucket(struct api_call *call)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	return s3_set_text(call->output, "BucketRegion", s3_of(call)->options.region);
}

/* The oldest Region has no name here. */
err_t s3_get_bucket_location(struct api_call *call)
{
	const char *region = s3_of(call)->options.region;
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	return s3_set_text(call->output, "LocationConstraint",
			   strcmp(region, "us-east-1") == 0 ? "" : region);
}
