/*
 * records: buckets, objects and their versions in the store.
 */
#include <stdio.h>

#include "crypto/random.h"
#include "services/s3/s3_internal.h"

static err_t get(struct api_call *call, const char *kind, const char *id, json_t **ret_body)
{
	json_t *body = NULL;
	err_t err = id ? store_get(s3_call_of(call)->txn, kind, id, &body, NULL) : ERR_NOMEM;

	*ret_body = NULL;
	if (err == ERR_NOT_FOUND)
		return ERR_OK;
	TRY(err);
	*ret_body = s3_hold(call, body);
	return *ret_body ? ERR_OK : ERR_NOMEM;
}

static err_t insert(struct api_call *call, const char *kind, const char *id, const char *parent,
		    json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };

	return id ? store_insert(s3_call_of(call)->txn, &resource) : ERR_NOMEM;
}

static err_t update(struct api_call *call, const char *kind, const char *id, const char *parent,
		    json_t *body)
{
	struct store_resource resource = { .kind = kind, .id = id, .parent = parent, .body = body };

	return id ? store_update(s3_call_of(call)->txn, &resource) : ERR_NOMEM;
}

/* ---- Buckets ---- */

err_t s3_bucket_named(struct api_call *call, const char *name, json_t **ret_bucket)
{
	if (s3_place_of(s3_of(call), bytes_of(name)))
		return api_fault(call, "NotImplemented",
				 "The bucket %s lies at another endpoint: only requests to the "
				 "bucket itself are passed on",
				 name);
	TRY(get(call, S3_BUCKET, name, ret_bucket));
	if (*ret_bucket)
		return s3_check_owner(call);
	return api_fault(call, "NoSuchBucket", "The specified bucket does not exist");
}

err_t s3_bucket(struct api_call *call, json_t **ret_bucket)
{
	return s3_bucket_named(call, s3_input(call, "Bucket"), ret_bucket);
}

err_t s3_bucket_put(struct api_call *call, const char *name, json_t *bucket)
{
	return update(call, S3_BUCKET, name, "", bucket);
}

/* ---- Files ---- */

err_t s3_files_keep(struct api_call *call, const char *file)
{
	return store_name_put(s3_call_of(call)->txn, S3_FILE, file, "");
}

err_t s3_files_drop(struct api_call *call, const char *file)
{
	TRY(store_name_delete(s3_call_of(call)->txn, S3_FILE, file));
	text_add(&s3_call_of(call)->doomed, bytes_of(file));
	return ERR_OK;
}

err_t s3_pieces(struct api_call *call, const json_t *object, json_t **ret_pieces)
{
	const char *file = s3_text(object, "File"), *id = s3_text(object, "Pieces");
	json_t *body;

	if (file[0] || !id[0]) {
		*ret_pieces = s3_hold(
			call,
			file[0] ? json_pack("[[s,I]]", file, (json_int_t)s3_number(object, "Size"))
				: json_array());
		return *ret_pieces ? ERR_OK : ERR_NOMEM;
	}
	TRY(get(call, S3_PIECES, id, &body));
	*ret_pieces = json_object_get(body, "Pieces");
	return *ret_pieces ? ERR_OK : ERR_STORE;
}

err_t s3_pieces_set(struct api_call *call, json_t *object, json_t *pieces)
{
	char id[FILE_ID_BYTES + 1];
	json_t *body;

	if (json_array_size(pieces) == 1)
		return s3_set(object, "File",
			      json_incref(json_array_get(json_array_get(pieces, 0), 0)));
	files_new_id(id);
	body = s3_hold(call, json_pack("{s:O}", "Pieces", pieces));
	if (!body)
		return ERR_NOMEM;
	TRY(insert(call, S3_PIECES, id, "", body));
	return s3_set_text(object, "Pieces", id);
}

err_t s3_object_drop(struct api_call *call, const json_t *object)
{
	const char *id = s3_text(object, "Pieces");
	json_t *pieces, *piece;
	size_t i;

	TRY(s3_pieces(call, object, &pieces));
	json_array_foreach (pieces, i, piece) {
		TRY(s3_files_drop(call, json_string_value(json_array_get(piece, 0))));
	}
	return id[0] ? store_delete(s3_call_of(call)->txn, S3_PIECES, id) : ERR_OK;
}

/* ---- Objects ---- */

const char *s3_key_id(struct api_call *call, const char *bucket, const char *key)
{
	return arena_printf(call->arena, "%s/%s", bucket, key);
}

/* Later ones first: the order counts down. */
static const char *version_id(struct api_call *call, const char *bucket, const char *key,
			      const json_t *object)
{
	return arena_printf(
		call->arena, "%s/%s\1%016llx", bucket, key,
		(unsigned long long)(UINT64_MAX - (uint64_t)s3_number(object, "Order")));
}

struct gathering {
	struct bytes prefix;
	json_t *into;
	err_t err;
};

static bool gather(void *owner, const struct store_resource *resource)
{
	struct gathering *g = owner;
	struct bytes id = bytes_of(resource->id);

	if (!bytes_starts(id, g->prefix))
		return false;
	/* A key that goes on after our \1 is another one. */
	if (id.len == g->prefix.len + 16 && json_array_append(g->into, resource->body))
		g->err = ERR_NOMEM;
	return !g->err;
}

err_t s3_versions(struct api_call *call, const char *bucket, const char *key, json_t *into)
{
	char *prefix = arena_printf(call->arena, "%s/%s\1", bucket, key);
	struct gathering g = { .prefix = bytes_of(prefix), .into = into };

	if (!prefix)
		return ERR_NOMEM;
	TRY(store_scan(s3_call_of(call)->txn, S3_VERSION, prefix, gather, &g));
	return g.err;
}

static bool is_version(const json_t *object, const char *version)
{
	return object && strcmp(s3_text(object, "VersionId"), version) == 0;
}

err_t s3_look(struct api_call *call, const char *bucket, const char *key, const char *version,
	      json_t **ret_object)
{
	json_t *older, *one;
	size_t i;

	TRY(get(call, S3_OBJECT, s3_key_id(call, bucket, key), ret_object));
	if (!version || !*ret_object || is_version(*ret_object, version))
		return ERR_OK;
	older = s3_hold(call, json_array());
	if (!older)
		return ERR_NOMEM;
	TRY(s3_versions(call, bucket, key, older));
	json_array_foreach (older, i, one) {
		if (is_version(one, version)) {
			*ret_object = one;
			return ERR_OK;
		}
	}
	*ret_object = NULL;
	return ERR_OK;
}

err_t s3_object(struct api_call *call, const char *bucket, const char *key, const char *version,
		json_t **ret_object)
{
	TRY(s3_look(call, bucket, key, version, ret_object));
	if (!*ret_object && version)
		return api_fault(call, "NoSuchVersion", "The specified version does not exist.");
	if (!*ret_object)
		return api_fault(call, "NoSuchKey", "The specified key does not exist.");
	if (!s3_true(*ret_object, "Marker"))
		return ERR_OK;
	TRY(s3_set(call->output, "DeleteMarker", json_true()));
	TRY(s3_set_text(call->output, "VersionId", s3_text(*ret_object, "VersionId")));
	if (version)
		return api_fault(call, "MethodNotAllowed",
				 "The specified method is not allowed against this resource.");
	return api_fault(call, "NoSuchKey", "The specified key does not exist.");
}

err_t s3_object_update(struct api_call *call, const char *bucket, const char *key, json_t *object)
{
	json_t *current;

	TRY(get(call, S3_OBJECT, s3_key_id(call, bucket, key), &current));
	if (is_version(current, s3_text(object, "VersionId")))
		return update(call, S3_OBJECT, s3_key_id(call, bucket, key), bucket, object);
	return update(call, S3_VERSION, version_id(call, bucket, key, object), bucket, object);
}

/* The version "null" that a put without versioning replaces, if it is an older one. */
static err_t drop_older_null(struct api_call *call, const char *bucket, const char *key)
{
	json_t *older = s3_hold(call, json_array()), *one;
	size_t i;

	if (!older)
		return ERR_NOMEM;
	TRY(s3_versions(call, bucket, key, older));
	json_array_foreach (older, i, one) {
		if (!is_version(one, "null"))
			continue;
		TRY(s3_object_drop(call, one));
		TRY(store_delete(s3_call_of(call)->txn, S3_VERSION,
				 version_id(call, bucket, key, one)));
	}
	return ERR_OK;
}

err_t s3_object_put(struct api_call *call, const json_t *bucket, const char *bucket_name,
		    const char *key, json_t *object)
{
	bool versioned = strcmp(s3_text(bucket, "Versioning"), "Enabled") == 0;
	bool ever = s3_text(bucket, "Versioning")[0];
	const char *id = s3_key_id(call, bucket_name, key);
	uint64_t order = loop_unix_us(s3_of(call)->options.loop);
	char version[S3_VERSION_ID_BYTES + 1] = "null";
	json_t *current;

	TRY(get(call, S3_OBJECT, id, &current));
	if (current && (uint64_t)s3_number(current, "Order") >= order)
		order = (uint64_t)s3_number(current, "Order") + 1;
	if (versioned)
		random_hex(version, S3_VERSION_ID_BYTES);
	TRY(s3_set_text(object, "VersionId", version));
	TRY(s3_set_text(object, "Key", key));
	TRY(s3_set(object, "Order", json_integer((json_int_t)order)));
	if (ever && !versioned)
		TRY(drop_older_null(call, bucket_name, key));
	if (!current)
		return insert(call, S3_OBJECT, id, bucket_name, object);
	if (!versioned && is_version(current, "null"))
		TRY(s3_object_drop(call, current));
	else
		TRY(insert(call, S3_VERSION, version_id(call, bucket_name, key, current),
			   bucket_name, current));
	return update(call, S3_OBJECT, id, bucket_name, object);
}

static err_t promote(struct api_call *call, const char *bucket, const char *key)
{
	const char *id = s3_key_id(call, bucket, key);
	json_t *older = s3_hold(call, json_array()), *newest;

	if (!older)
		return ERR_NOMEM;
	TRY(s3_versions(call, bucket, key, older));
	newest = json_array_get(older, 0);
	if (!newest)
		return store_delete(s3_call_of(call)->txn, S3_OBJECT, id);
	TRY(store_delete(s3_call_of(call)->txn, S3_VERSION, version_id(call, bucket, key, newest)));
	return update(call, S3_OBJECT, id, bucket, newest);
}

err_t s3_version_delete(struct api_call *call, const char *bucket, const char *key,
			const json_t *object)
{
	json_t *current;

	TRY(s3_object_drop(call, object));
	TRY(get(call, S3_OBJECT, s3_key_id(call, bucket, key), &current));
	if (is_version(current, s3_text(object, "VersionId")))
		return promote(call, bucket, key);
	return store_delete(s3_call_of(call)->txn, S3_VERSION,
			    version_id(call, bucket, key, object));
}
