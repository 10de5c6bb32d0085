/*
 * objects: put, get, head, and what else one asks of a single object.
 */
#include "services/s3/s3_internal.h"

/* ---- Put ---- */

err_t s3_put_object_take(struct api_call *call)
{
	const char *bucket_name = s3_input(call, "Bucket"), *key = s3_input(call, "Key");
	json_t *bucket, *object = s3_hold(call, json_object());

	if (!object)
		return ERR_NOMEM;
	TRY(s3_bucket(call, &bucket));
	TRY(s3_describe(call, object));
	TRY(s3_write_conditions(call, bucket_name, key));
	return s3_intake_make(call, CHECKSUM_CRC64NVME);
}

err_t s3_object_facts(struct api_call *call, json_t *object, uint64_t bytes, const char *etag)
{
	TRY(s3_set(object, "Size", json_integer((json_int_t)bytes)));
	TRY(s3_set_text(object, "ETag", etag));
	return s3_set(object, "Modified", json_integer((json_int_t)s3_now_ms(s3_of(call))));
}

err_t s3_object_checksum(json_t *object, enum checksum_kind kind, const char *value,
			 const char *type)
{
	TRY(s3_set_text(object, "ChecksumKind", checksum_name(kind)));
	TRY(s3_set_text(object, "Checksum", value));
	return s3_set_text(object, "ChecksumType", type);
}

static err_t answer_put(struct api_call *call, const json_t *object)
{
	TRY(s3_set(call->output, "ETag", json_sprintf("\"%s\"", s3_text(object, "ETag"))));
	if (strcmp(s3_text(object, "VersionId"), "null") != 0)
		TRY(s3_set_text(call->output, "VersionId", s3_text(object, "VersionId")));
	return s3_show_checksum(call, object, call->output);
}

err_t s3_put_object(struct api_call *call)
{
	const char *bucket_name = s3_input(call, "Bucket"), *key = s3_input(call, "Key");
	const struct s3_intake *intake = s3_intake_of(call);
	json_t *bucket, *pieces, *object = s3_hold(call, json_object());

	if (!object)
		return ERR_NOMEM;
	TRY(s3_bucket(call, &bucket)); /* much may have happened since the body began */
	TRY(s3_describe(call, object));
	TRY(s3_write_conditions(call, bucket_name, key));
	TRY(s3_object_facts(call, object, intake->bytes, intake->etag));
	TRY(s3_object_checksum(object, intake->sum.kind, intake->sum_text, "FULL_OBJECT"));
	TRY(s3_intake_keep(call, &pieces));
	TRY(s3_pieces_set(call, object, pieces));
	TRY(s3_object_put(call, bucket, bucket_name, key, object));
	TRY(s3_tell(call, bucket, bucket_name, key, object, "ObjectCreated:Put"));
	return answer_put(call, object);
}

/* ---- Get and head ---- */

static int64_t time_of(const struct api_call *call, const char *name)
{
	json_t *time = json_object_get(call->input, name);

	return json_is_integer(time) ? json_integer_value(time) : -1;
}

static err_t check_conditions(struct api_call *call, const json_t *object)
{
	struct s3_conditions conditions = {
		.if_match = s3_input(call, "IfMatch"),
		.if_none_match = s3_input(call, "IfNoneMatch"),
		.modified_since_ms = time_of(call, "IfModifiedSince"),
		.unmodified_since_ms = time_of(call, "IfUnmodifiedSince"),
	};

	switch (s3_conditions_hold(&conditions, s3_text(object, "ETag"),
				   (uint64_t)s3_number(object, "Modified"))) {
	case S3_NOT_MODIFIED: return api_fault(call, "NotModified", "Not Modified");
	case S3_FAILED:
		return api_fault(call, "PreconditionFailed",
				 "At least one of the pre-conditions you specified did not hold");
	case S3_GO_ON: break;
	}
	return ERR_OK;
}

struct window {
	uint64_t first, length;
	bool partial;
};

static err_t invalid_range(struct api_call *call)
{
	json_object_clear(call->output);
	return api_fault(call, "InvalidRange", "The requested range is not satisfiable");
}

/* ?partNumber=N: the bytes that came as that part. */
static err_t part_window(struct api_call *call, const json_t *pieces, int64_t number,
			 struct window *window)
{
	uint64_t first = 0;

	if (s3_input(call, "Range"))
		return api_fault(call, "InvalidRequest",
				 "Cannot specify both Range header and partNumber query parameter");
	if ((uint64_t)number > size_max(json_array_size(pieces), 1)) {
		json_object_clear(call->output);
		return api_fault(call, "InvalidPartNumber",
				 "The requested partnumber is not satisfiable");
	}
	if (json_array_size(pieces) > 1)
		TRY(s3_set(call->output, "PartsCount",
			   json_integer((json_int_t)json_array_size(pieces))));
	for (int64_t i = 0; i < number - 1; i++)
		first += (uint64_t)json_integer_value(
			json_array_get(json_array_get(pieces, (size_t)i), 1));
	window->first = first;
	window->length = (uint64_t)json_integer_value(
		json_array_get(json_array_get(pieces, (size_t)number - 1), 1));
	window->partial = window->length > 0;
	return ERR_OK;
}

static err_t find_window(struct api_call *call, const json_t *pieces, uint64_t size,
			 struct window *ret_window)
{
	int64_t part = s3_number(call->input, "PartNumber");
	struct window window = { .length = size };
	uint64_t first, last;

	if (part) {
		TRY(part_window(call, pieces, part, &window));
	} else if (s3_input(call, "Range")) {
		switch (s3_range(bytes_of(s3_input(call, "Range")), size, &first, &last)) {
		case S3_UNSATISFIABLE: return invalid_range(call);
		case S3_PART_OF_IT:
			window = (struct window){ first, last - first + 1, true };
			break;
		case S3_WHOLE: break;
		}
	}
	*ret_window = window;
	return ERR_OK;
}

static err_t show_window(struct api_call *call, const struct window *window, uint64_t size)
{
	TRY(s3_set(call->output, "ContentLength", json_integer((json_int_t)window->length)));
	if (!window->partial)
		return ERR_OK;
	TRY(s3_set(call->output, "Status", json_integer(206)));
	return s3_set(call->output, "ContentRange",
		      json_sprintf("bytes %llu-%llu/%llu", (unsigned long long)window->first,
				   (unsigned long long)(window->first + window->length - 1),
				   (unsigned long long)size));
}

err_t s3_get_object(struct api_call *call)
{
	const char *mode = s3_input(call, "ChecksumMode");
	json_t *bucket, *object, *pieces;
	struct window window;
	uint64_t size;

	TRY(s3_bucket(call, &bucket));
	TRY(s3_object(call, s3_input(call, "Bucket"), s3_input(call, "Key"),
		      s3_input(call, "VersionId"), &object));
	size = (uint64_t)s3_number(object, "Size");
	TRY(s3_show(call, object));
	TRY(check_conditions(call, object));
	TRY(s3_pieces(call, object, &pieces));
	TRY(find_window(call, pieces, size, &window));
	TRY(show_window(call, &window, size));
	/* Of a part of the bytes it would be the wrong one. */
	if (mode && strcasecmp(mode, "ENABLED") == 0 && !window.partial)
		TRY(s3_show_checksum(call, object, call->output));
	return s3_outlet_create(s3_of(call), pieces, window.first, window.length, &call->outlet);
}

/* The same head; the front sends no body. */
err_t s3_head_object(struct api_call *call)
{
	return s3_get_object(call);
}

/* ---- Attributes ---- */

static bool asks(const struct api_call *call, const char *name)
{
	json_t *list = json_object_get(call->input, "ObjectAttributes"), *one;
	size_t i;

	json_array_foreach (list, i, one) {
		if (strcmp(json_string_value(one), name) == 0)
			return true;
	}
	return false;
}

err_t s3_get_object_attributes(struct api_call *call)
{
	json_t *bucket, *object, *pieces, *sum = s3_hold(call, json_object()), *out = call->output;

	if (!sum)
		return ERR_NOMEM;
	TRY(s3_bucket(call, &bucket));
	TRY(s3_object(call, s3_input(call, "Bucket"), s3_input(call, "Key"),
		      s3_input(call, "VersionId"), &object));
	TRY(s3_set(out, "LastModified", json_incref(json_object_get(object, "Modified"))));
	if (strcmp(s3_text(object, "VersionId"), "null") != 0)
		TRY(s3_set_text(out, "VersionId", s3_text(object, "VersionId")));
	if (asks(call, "ETag"))
		TRY(s3_set_text(out, "ETag", s3_text(object, "ETag")));
	if (asks(call, "ObjectSize"))
		TRY(s3_set(out, "ObjectSize", json_incref(json_object_get(object, "Size"))));
	if (asks(call, "StorageClass"))
		TRY(s3_set_text(out, "StorageClass", "STANDARD"));
	TRY(s3_show_checksum(call, object, sum));
	if (asks(call, "Checksum") && json_object_size(sum))
		TRY(s3_set(out, "Checksum", json_incref(sum)));
	if (!asks(call, "ObjectParts"))
		return ERR_OK;
	TRY(s3_pieces(call, object, &pieces));
	if (json_array_size(pieces) < 2)
		return ERR_OK;
	return s3_set(out, "ObjectParts",
		      json_pack("{s:I}", "TotalPartsCount", (json_int_t)json_array_size(pieces)));
}

/* ---- Tags ---- */

static err_t tagged(struct api_call *call, json_t **ret_object)
{
	json_t *bucket;

	TRY(s3_bucket(call, &bucket));
	TRY(s3_object(call, s3_input(call, "Bucket"), s3_input(call, "Key"),
		      s3_input(call, "VersionId"), ret_object));
	if (strcmp(s3_text(*ret_object, "VersionId"), "null") == 0)
		return ERR_OK;
	return s3_set_text(call->output, "VersionId", s3_text(*ret_object, "VersionId"));
}

err_t s3_get_object_tagging(struct api_call *call)
{
	json_t *object;

	TRY(tagged(call, &object));
	return s3_set(call->output, "TagSet", s3_tags_show(json_object_get(object, "Tags")));
}

err_t s3_put_object_tagging(struct api_call *call)
{
	const json_t *given = json_object_get(call->input, "Tagging");
	json_t *object, *tags;

	TRY(tagged(call, &object));
	TRY(s3_tags_read(call, json_object_get(given, "TagSet"), S3_TAGS_MAX, &tags));
	TRY(s3_set(object, "Tags", json_incref(tags)));
	return s3_object_update(call, s3_input(call, "Bucket"), s3_input(call, "Key"), object);
}

err_t s3_delete_object_tagging(struct api_call *call)
{
	json_t *object;

	TRY(tagged(call, &object));
	json_object_del(object, "Tags");
	return s3_object_update(call, s3_input(call, "Bucket"), s3_input(call, "Key"), object);
}

/* ---- From inside the house ---- */

static err_t put_body(struct api_call *call, const char *bucket_name, const char *key,
		      const char *content_type)
{
	const struct s3_intake *intake = s3_intake_of(call);
	json_t *bucket, *pieces, *object = s3_hold(call, json_object());

	if (!object)
		return ERR_NOMEM;
	TRY(s3_bucket_named(call, bucket_name, &bucket));
	TRY(s3_set_text(object, "ContentType", content_type));
	TRY(s3_object_facts(call, object, intake->bytes, intake->etag));
	TRY(s3_object_checksum(object, intake->sum.kind, intake->sum_text, "FULL_OBJECT"));
	TRY(s3_intake_keep(call, &pieces));
	TRY(s3_pieces_set(call, object, pieces));
	TRY(s3_object_put(call, bucket, bucket_name, key, object));
	return s3_tell(call, bucket, bucket_name, key, object, "ObjectCreated:Put");
}

err_t s3_put(struct s3 *s3, const char *bucket, const char *key, const char *content_type,
	     struct bytes body)
{
	static const struct api_operation operation = { .name = "PutObject", .effect = API_WRITES };
	struct arena arena;
	struct api_call call = {
		.api = s3->options.api,
		.service = &s3->service,
		.operation = &operation,
		.arena = &arena,
	};
	err_t err;

	arena_init(&arena, 64 * 1024);
	err = s3_intake_make(&call, CHECKSUM_CRC64NVME);
	if (!err) {
		call.intake->fault = &call.fault;
		err = call.intake->ops->write(call.intake, body);
	}
	if (!err)
		err = call.intake->ops->finish(call.intake);
	if (!err)
		err = s3_begin(&call);
	if (!err)
		err = s3_end(&call, put_body(&call, bucket, key, content_type));
	if (call.intake)
		call.intake->ops->discard(call.intake);
	arena_fini(&arena);
	return strcmp(call.fault.code, "NoSuchBucket") == 0 ? ERR_NOT_FOUND : err;
}

static err_t find_source(struct api_call *call, const char *bucket_name, const char *key,
			 const char *version, size_t room, struct s3_source *ret_source)
{
	json_t *bucket, *object, *pieces;
	uint64_t size;

	TRY(s3_bucket_named(call, bucket_name, &bucket));
	TRY(s3_object(call, bucket_name, key, version, &object));
	size = (uint64_t)s3_number(object, "Size");
	if (size > room)
		return ERR_TOO_LARGE;
	TRY(s3_pieces(call, object, &pieces));
	return s3_source_open(s3_of(call), pieces, 0, size, ret_source);
}

static err_t read_source(struct s3_source *source, struct text *out)
{
	char piece[16 * 1024];
	err_t err = ERR_OK;

	while (source->left && !err) {
		size_t len;

		err = s3_source_read(source, piece, sizeof piece, &len);
		if (!err)
			text_add(out, bytes_make(piece, len));
	}
	return err ? err : text_err(out);
}

err_t s3_get(struct s3 *s3, const char *bucket, const char *key, const char *version,
	     struct text *out)
{
	static const struct api_operation operation = { .name = "GetObject", .effect = API_READS };
	struct s3_source source = { .fd = -1 };
	struct arena arena;
	struct api_call call = {
		.api = s3->options.api,
		.service = &s3->service,
		.operation = &operation,
		.arena = &arena,
		.output = json_object(),
	};
	err_t err = call.output ? ERR_OK : ERR_NOMEM;

	arena_init(&arena, 64 * 1024);
	if (!err)
		err = s3_begin(&call);
	if (!err)
		err = s3_end(&call, find_source(&call, bucket, key, version, out->max, &source));
	if (!err) {
		err = read_source(&source, out);
		s3_source_close(&source);
	}
	json_decref(call.output);
	arena_fini(&arena);
	return strncmp(call.fault.code, "NoSuch", 6) == 0 ? ERR_NOT_FOUND : err;
}
