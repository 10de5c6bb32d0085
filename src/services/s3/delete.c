/*
 * delete: one object or many; a delete marker where the bucket keeps versions.
 */
#include "services/s3/s3_internal.h"

struct deletion {
	const char *bucket_name, *key, *version; /* NULL: the current one */
	const char *if_match;
	/* What became of it: */
	const char *version_id; /* deleted, or the marker's; NULL */
	bool marker;		/* a marker was made, or deleted */
};

static err_t delete_version(struct api_call *call, const json_t *bucket, struct deletion *d)
{
	json_t *object;

	TRY(s3_look(call, d->bucket_name, d->key, d->version, &object));
	d->version_id = d->version;
	if (!object)
		return ERR_OK; /* deleting what is not there is no error */
	d->marker = s3_true(object, "Marker");
	TRY(s3_tell(call, bucket, d->bucket_name, d->key, object, "ObjectRemoved:Delete"));
	return s3_version_delete(call, d->bucket_name, d->key, object);
}

static err_t put_marker(struct api_call *call, const json_t *bucket, struct deletion *d)
{
	json_t *marker = s3_hold(call, json_pack("{s:b,s:I}", "Marker", 1, "Modified",
						 (json_int_t)s3_now_ms(s3_of(call))));

	if (!marker)
		return ERR_NOMEM;
	TRY(s3_object_put(call, bucket, d->bucket_name, d->key, marker));
	d->marker = true;
	d->version_id = s3_text(marker, "VersionId");
	return s3_tell(call, bucket, d->bucket_name, d->key, marker,
		       "ObjectRemoved:DeleteMarkerCreated");
}

static err_t delete_one(struct api_call *call, const json_t *bucket, struct deletion *d)
{
	json_t *object;

	if (d->if_match) {
		TRY(s3_look(call, d->bucket_name, d->key, d->version, &object));
		if (!object || !s3_etag_listed(bytes_of(d->if_match), s3_text(object, "ETag")))
			return api_fault(
				call, "PreconditionFailed",
				"At least one of the pre-conditions you specified did not hold");
	}
	if (d->version)
		return delete_version(call, bucket, d);
	if (s3_text(bucket, "Versioning")[0])
		return put_marker(call, bucket, d);
	TRY(s3_look(call, d->bucket_name, d->key, NULL, &object));
	if (!object)
		return ERR_OK;
	TRY(s3_tell(call, bucket, d->bucket_name, d->key, object, "ObjectRemoved:Delete"));
	return s3_version_delete(call, d->bucket_name, d->key, object);
}

err_t s3_delete_object(struct api_call *call)
{
	struct deletion d = {
		.bucket_name = s3_input(call, "Bucket"),
		.key = s3_input(call, "Key"),
		.version = s3_input(call, "VersionId"),
		.if_match = s3_input(call, "IfMatch"),
	};
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	TRY(delete_one(call, bucket, &d));
	if (d.marker)
		TRY(s3_set(call->output, "DeleteMarker", json_true()));
	return d.version_id ? s3_set_text(call->output, "VersionId", d.version_id) : ERR_OK;
}

/* ---- Many ---- */

static err_t tell_error(struct api_call *call, const struct deletion *d)
{
	json_t *one = json_pack("{s:s,s:s,s:s}", "Key", d->key, "Code", call->fault.code, "Message",
				call->fault.message);

	call->fault = (struct api_fault){ .code = "" };
	if (one && d->version)
		json_object_set_new(one, "VersionId", json_string(d->version));
	return s3_append(call->output, "Errors", one);
}

static err_t tell_deleted(struct api_call *call, const struct deletion *d)
{
	json_t *one = json_pack("{s:s}", "Key", d->key);

	if (one && d->version)
		json_object_set_new(one, "VersionId", json_string(d->version));
	if (one && d->marker) {
		json_object_set_new(one, "DeleteMarker", json_true());
		json_object_set_new(one, "DeleteMarkerVersionId", json_string(d->version_id));
	}
	return s3_append(call->output, "Deleted", one);
}

err_t s3_delete_objects(struct api_call *call)
{
	const json_t *order = json_object_get(call->input, "Delete");
	json_t *bucket, *one;
	size_t i;

	TRY(s3_bucket(call, &bucket));
	json_array_foreach (json_object_get(order, "Objects"), i, one) {
		struct deletion d = {
			.bucket_name = s3_input(call, "Bucket"),
			.key = s3_text(one, "Key"),
			.version = json_string_value(json_object_get(one, "VersionId")),
			.if_match = json_string_value(json_object_get(one, "ETag")),
		};
		err_t err = delete_one(call, bucket, &d);

		if (err == ERR_INVALID)
			TRY(tell_error(call, &d));
		else if (err)
			return err;
		else if (!s3_true(order, "Quiet"))
			TRY(tell_deleted(call, &d));
	}
	return ERR_OK;
}
