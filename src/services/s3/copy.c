/*
 * copy: objects and parts made of objects that are there. A whole copy is a second name for the
 * same files; only what has to be hashed anew is read, on a thread.
 */
#include "base/encode.h"
#include "http/uri.h"
#include "services/s3/s3_internal.h"

struct source {
	const char *bucket, *key, *version;
	json_t *object;
};

/* "/bucket/key?versionId=…", percent-encoded. */
static err_t parse(struct api_call *call, struct source *ret_source)
{
	struct bytes text = bytes_of(s3_input(call, "CopySource")), rest, path, bucket, name, value;
	struct text plain = TEXT_INIT(4096);
	bool good;

	rest = text;
	bytes_cut(&rest, '?', &path);
	*ret_source = (struct source){ .bucket = NULL };
	while (uri_query_cut(&rest, &name, &value))
		if (bytes_eq_str(name, "versionId"))
			ret_source->version = arena_string(call->arena, value);
	good = decode_percent(&plain, path, false) == ERR_OK && !text_err(&plain) &&
	       bytes_index(text_bytes(&plain), '\0') == SIZE_MAX && utf8_valid(text_bytes(&plain));
	path = text_bytes(&plain);
	if (good && bytes_starts(path, BYTES("/")))
		path = bytes_from(path, 1);
	good = good && bytes_cut(&path, '/', &bucket) && bucket.len && path.len;
	if (good) {
		ret_source->bucket = arena_string(call->arena, bucket);
		ret_source->key = arena_string(call->arena, path);
	}
	text_fini(&plain);
	if (!good)
		return api_fault(call, "InvalidArgument",
				 "Copy Source must mention the source bucket and key: "
				 "sourcebucket/sourcekey");
	return ret_source->bucket && ret_source->key ? ERR_OK : ERR_NOMEM;
}

static int64_t time_of(const struct api_call *call, const char *name)
{
	json_t *time = json_object_get(call->input, name);

	return json_is_integer(time) ? json_integer_value(time) : -1;
}

static err_t check_conditions(struct api_call *call, const json_t *object)
{
	struct s3_conditions conditions = {
		.if_match = s3_input(call, "CopySourceIfMatch"),
		.if_none_match = s3_input(call, "CopySourceIfNoneMatch"),
		.modified_since_ms = time_of(call, "CopySourceIfModifiedSince"),
		.unmodified_since_ms = time_of(call, "CopySourceIfUnmodifiedSince"),
	};

	if (s3_conditions_hold(&conditions, s3_text(object, "ETag"),
			       (uint64_t)s3_number(object, "Modified")) == S3_GO_ON)
		return ERR_OK;
	return api_fault(call, "PreconditionFailed",
			 "At least one of the pre-conditions you specified did not hold");
}

static err_t find_source(struct api_call *call, struct source *ret_source)
{
	json_t *bucket;

	TRY(parse(call, ret_source));
	TRY(s3_bucket_named(call, ret_source->bucket, &bucket));
	TRY(s3_object(call, ret_source->bucket, ret_source->key, ret_source->version,
		      &ret_source->object));
	return check_conditions(call, ret_source->object);
}

/* ---- Objects ---- */

static bool replaces(const struct api_call *call, const char *directive)
{
	const char *value = s3_input(call, directive);

	return value && strcmp(value, "REPLACE") == 0;
}

static err_t check_self(struct api_call *call, const struct source *source)
{
	bool same = strcmp(source->bucket, s3_input(call, "Bucket")) == 0 &&
		    strcmp(source->key, s3_input(call, "Key")) == 0;

	if (same && !source->version && !replaces(call, "MetadataDirective") &&
	    !s3_input(call, "StorageClass") && !s3_input(call, "ChecksumAlgorithm"))
		return api_fault(call, "InvalidRequest",
				 "This copy request is illegal because it is trying to copy an "
				 "object to itself without changing the object's metadata, storage "
				 "class, website redirect location or encryption attributes.");
	return ERR_OK;
}

err_t s3_copy_object_take(struct api_call *call)
{
	const char *algorithm = s3_input(call, "ChecksumAlgorithm");
	enum checksum_kind kind = checksum_kind_of(bytes_of(algorithm));
	json_t *bucket, *pieces, *object = s3_hold(call, json_object());
	struct source source;
	uint64_t size;

	if (!object)
		return ERR_NOMEM;
	if (algorithm && kind == CHECKSUM_NONE)
		return api_fault(call, "InvalidRequest",
				 "Checksum algorithm provided is unsupported.");
	TRY(s3_bucket(call, &bucket));
	TRY(s3_describe(call, object));
	TRY(s3_write_conditions(call, s3_input(call, "Bucket"), s3_input(call, "Key")));
	TRY(find_source(call, &source));
	TRY(check_self(call, &source));
	size = (uint64_t)s3_number(source.object, "Size");
	TRY(s3_pieces(call, source.object, &pieces));
	if (size == 0 ||
	    (algorithm && strcmp(s3_text(source.object, "ChecksumKind"), algorithm) != 0))
		return s3_intake_copy(call, pieces, 0, size,
				      kind == CHECKSUM_NONE ? CHECKSUM_CRC64NVME : kind);
	return s3_intake_link(call, pieces, size);
}

/* Metadata and tags come from the request or from the source, each for itself. */
static err_t inherit(struct api_call *call, const struct source *source, json_t *object)
{
	static const char *const metadata[] = {
		"ContentType",	   "CacheControl",    "ContentDisposition",
		"ContentEncoding", "ContentLanguage", "Expires",
		"Metadata"
	};
	json_t *tags = json_object_get(source->object, "Tags"), *value;

	for (size_t i = 0; i < COUNT(metadata) && !replaces(call, "MetadataDirective"); i++) {
		value = json_object_get(source->object, metadata[i]);
		json_object_del(object, metadata[i]);
		if (value)
			TRY(s3_set(object, metadata[i], json_incref(value)));
	}
	if (replaces(call, "TaggingDirective"))
		return ERR_OK;
	json_object_del(object, "Tags");
	return tags ? s3_set(object, "Tags", json_incref(tags)) : ERR_OK;
}

static err_t copy_facts(struct api_call *call, const struct source *source, json_t *object)
{
	const struct s3_intake *intake = s3_intake_of(call);

	if (!intake->links) {
		TRY(s3_object_facts(call, object, intake->bytes, intake->etag));
		return s3_object_checksum(object, intake->sum.kind, intake->sum_text,
					  "FULL_OBJECT");
	}
	TRY(s3_object_facts(call, object, intake->bytes, s3_text(source->object, "ETag")));
	return s3_object_checksum(
		object, checksum_kind_of(bytes_of(s3_text(source->object, "ChecksumKind"))),
		s3_text(source->object, "Checksum"), s3_text(source->object, "ChecksumType"));
}

static err_t answer_copy(struct api_call *call, const struct source *source, const json_t *object)
{
	json_t *result = s3_hold(call, json_object());

	if (!result)
		return ERR_NOMEM;
	TRY(s3_set(result, "ETag", json_sprintf("\"%s\"", s3_text(object, "ETag"))));
	TRY(s3_set(result, "LastModified", json_incref(json_object_get(object, "Modified"))));
	TRY(s3_show_checksum(call, object, result));
	TRY(s3_set(call->output, "CopyObjectResult", json_incref(result)));
	if (strcmp(s3_text(source->object, "VersionId"), "null") != 0)
		TRY(s3_set_text(call->output, "CopySourceVersionId",
				s3_text(source->object, "VersionId")));
	if (strcmp(s3_text(object, "VersionId"), "null") == 0)
		return ERR_OK;
	return s3_set_text(call->output, "VersionId", s3_text(object, "VersionId"));
}

err_t s3_copy_object(struct api_call *call)
{
	const char *bucket_name = s3_input(call, "Bucket"), *key = s3_input(call, "Key");
	json_t *bucket, *pieces, *object = s3_hold(call, json_object());
	struct source source;

	if (!object)
		return ERR_NOMEM;
	TRY(s3_bucket(call, &bucket));
	TRY(s3_describe(call, object));
	TRY(find_source(call, &source));
	TRY(s3_write_conditions(call, bucket_name, key));
	TRY(inherit(call, &source, object));
	TRY(copy_facts(call, &source, object));
	TRY(s3_intake_keep(call, &pieces));
	TRY(s3_pieces_set(call, object, pieces));
	TRY(s3_object_put(call, bucket, bucket_name, key, object));
	TRY(s3_tell(call, bucket, bucket_name, key, object, "ObjectCreated:Copy"));
	return answer_copy(call, &source, object);
}

/* ---- Parts ---- */

err_t s3_upload_part_copy_take(struct api_call *call)
{
	const char *range = s3_input(call, "CopySourceRange");
	json_t *upload, *pieces;
	struct source source;
	uint64_t size, first = 0, last;
	enum checksum_kind kind;

	TRY(s3_upload_find(call, &upload));
	TRY(find_source(call, &source));
	kind = checksum_kind_of(bytes_of(s3_text(upload, "ChecksumKind")));
	size = (uint64_t)s3_number(source.object, "Size");
	last = size - 1;
	if (range && (s3_range(bytes_of(range), size, &first, &last) != S3_PART_OF_IT ||
		      bytes_starts(bytes_of(range), BYTES("bytes=-"))))
		return api_fault(call, "InvalidArgument",
				 "The x-amz-copy-source-range value must be of the form "
				 "bytes=first-last where first and last are the zero-based offsets "
				 "of the first and last bytes to copy");
	TRY(s3_pieces(call, source.object, &pieces));
	return s3_intake_copy(call, pieces, first, size ? last - first + 1 : 0,
			      kind == CHECKSUM_NONE ? CHECKSUM_CRC64NVME : kind);
}

err_t s3_upload_part_copy(struct api_call *call)
{
	json_t *part, *result = s3_hold(call, json_object());
	struct source source;

	if (!result)
		return ERR_NOMEM;
	TRY(find_source(call, &source));
	TRY(s3_part_put(call, &part));
	TRY(s3_set(result, "ETag", json_sprintf("\"%s\"", s3_text(part, "ETag"))));
	TRY(s3_set(result, "LastModified", json_incref(json_object_get(part, "Modified"))));
	TRY(s3_set(call->output, "CopyPartResult", json_incref(result)));
	if (strcmp(s3_text(source.object, "VersionId"), "null") == 0)
		return ERR_OK;
	return s3_set_text(call->output, "CopySourceVersionId",
			   s3_text(source.object, "VersionId"));
}
