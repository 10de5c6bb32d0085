/*
 * multipart: uploads in parts. A part is a file; the whole is the list of its parts' files, so that
 * completing an upload moves no byte.
 */
#include <stdio.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "services/s3/s3_internal.h"

static const char *upload_id_of(struct api_call *call, const char *id)
{
	return arena_printf(call->arena, "%s/%s\1%s", s3_input(call, "Bucket"),
			    s3_input(call, "Key"), id);
}

static const char *part_id_of(struct api_call *call, const char *upload, int64_t number)
{
	return arena_printf(call->arena, "%s/%05lld", upload, (long long)number);
}

static err_t get(struct api_call *call, const char *kind, const char *id, json_t **ret_body)
{
	json_t *body = NULL;

	TRY(id ? store_get(s3_call_of(call)->txn, kind, id, &body, NULL) : ERR_NOMEM);
	*ret_body = s3_hold(call, body);
	return *ret_body ? ERR_OK : ERR_NOMEM;
}

err_t s3_upload_find(struct api_call *call, json_t **ret_upload)
{
	const char *id = s3_input(call, "UploadId");
	json_t *bucket;
	err_t err;

	TRY(s3_bucket(call, &bucket));
	err = get(call, S3_UPLOAD, upload_id_of(call, id), ret_upload);
	if (err == ERR_NOT_FOUND)
		return api_fault(call, "NoSuchUpload",
				 "The specified upload does not exist. The upload ID may be "
				 "invalid, or the upload may have been aborted or completed.");
	return err;
}

/* ---- Create ---- */

static err_t choose_checksum(struct api_call *call, json_t *upload)
{
	const char *algorithm = s3_input(call, "ChecksumAlgorithm");
	const char *type = s3_input(call, "ChecksumType");
	enum checksum_kind kind = algorithm ? checksum_kind_of(bytes_of(algorithm))
					    : CHECKSUM_CRC64NVME;

	if (kind == CHECKSUM_NONE)
		return api_fault(call, "InvalidRequest",
				 "Checksum algorithm provided is unsupported.");
	if (!type)
		type = kind == CHECKSUM_CRC64NVME ? "FULL_OBJECT" : "COMPOSITE";
	if ((strcmp(type, "FULL_OBJECT") == 0 && !checksum_can_join(kind)) ||
	    (strcmp(type, "COMPOSITE") == 0 && kind == CHECKSUM_CRC64NVME) ||
	    (strcmp(type, "FULL_OBJECT") != 0 && strcmp(type, "COMPOSITE") != 0))
		return api_fault(call, "InvalidRequest",
				 "The %s checksum type cannot be used with the %s checksum "
				 "algorithm.",
				 type, checksum_name(kind));
	TRY(s3_set_text(upload, "ChecksumKind", checksum_name(kind)));
	TRY(s3_set_text(upload, "ChecksumType", type));
	if (!algorithm)
		return ERR_OK;
	TRY(s3_set_text(call->output, "ChecksumAlgorithm", checksum_name(kind)));
	return s3_set_text(call->output, "ChecksumType", type);
}

err_t s3_create_multipart_upload(struct api_call *call)
{
	char id[65];
	json_t *bucket, *upload = s3_hold(call, json_object());
	struct store_resource resource = { .kind = S3_UPLOAD,
					   .parent = s3_input(call, "Bucket"),
					   .body = upload };

	if (!upload)
		return ERR_NOMEM;
	random_hex(id, 64);
	TRY(s3_bucket(call, &bucket));
	TRY(s3_describe(call, upload));
	TRY(choose_checksum(call, upload));
	TRY(s3_set_text(upload, "Key", s3_input(call, "Key")));
	TRY(s3_set_text(upload, "UploadId", id));
	TRY(s3_set(upload, "Created", json_integer((json_int_t)s3_now_ms(s3_of(call)))));
	TRY(s3_set_text(call->output, "Bucket", s3_input(call, "Bucket")));
	TRY(s3_set_text(call->output, "Key", s3_input(call, "Key")));
	TRY(s3_set_text(call->output, "UploadId", id));
	resource.id = upload_id_of(call, id);
	return resource.id ? store_insert(s3_call_of(call)->txn, &resource) : ERR_NOMEM;
}

/* ---- Parts ---- */

err_t s3_upload_part_take(struct api_call *call)
{
	json_t *upload;

	TRY(s3_upload_find(call, &upload));
	return s3_intake_make(call, checksum_kind_of(bytes_of(s3_text(upload, "ChecksumKind"))));
}

/* A part that came again replaces the one before. */
static err_t store_part(struct api_call *call, const char *id, json_t *part)
{
	struct store_resource resource = {
		.kind = S3_PART, .id = id, .parent = s3_input(call, "UploadId"), .body = part
	};
	json_t *before;
	err_t err = get(call, S3_PART, id, &before);

	if (err == ERR_NOT_FOUND)
		return store_insert(s3_call_of(call)->txn, &resource);
	TRY(err);
	TRY(s3_files_drop(call, s3_text(before, "File")));
	return store_update(s3_call_of(call)->txn, &resource);
}

err_t s3_part_put(struct api_call *call, json_t **ret_part)
{
	const struct s3_intake *intake = s3_intake_of(call);
	int64_t number = s3_number(call->input, "PartNumber");
	json_t *upload, *pieces, *part = s3_hold(call, json_object());
	const char *wanted;

	if (!part)
		return ERR_NOMEM;
	TRY(s3_upload_find(call, &upload));
	wanted = s3_text(upload, "ChecksumKind");
	if (strcmp(wanted, checksum_name(intake->sum.kind)) != 0)
		return api_fault(call, "InvalidRequest",
				 "Checksum Type mismatch occurred, expected checksum Type: %s, "
				 "actual checksum Type: %s",
				 wanted, checksum_name(intake->sum.kind));
	TRY(s3_object_facts(call, part, intake->bytes, intake->etag));
	TRY(s3_object_checksum(part, intake->sum.kind, intake->sum_text, ""));
	TRY(s3_set(part, "PartNumber", json_integer(number)));
	TRY(s3_intake_keep(call, &pieces));
	TRY(s3_set_text(part, "File", intake->file));
	TRY(store_part(call, part_id_of(call, s3_input(call, "UploadId"), number), part));
	*ret_part = part;
	return ERR_OK;
}

err_t s3_upload_part(struct api_call *call)
{
	json_t *part;

	TRY(s3_part_put(call, &part));
	TRY(s3_set(call->output, "ETag", json_sprintf("\"%s\"", s3_text(part, "ETag"))));
	return s3_set_text(call->output,
			   arena_printf(call->arena, "Checksum%s", s3_text(part, "ChecksumKind")),
			   s3_text(part, "Checksum"));
}

/* ---- All parts of an upload, in order ---- */

struct parts {
	struct bytes prefix;
	json_t *into;
	err_t err;
};

static bool add_part(void *owner, const struct store_resource *resource)
{
	struct parts *parts = owner;

	if (!bytes_starts(bytes_of(resource->id), parts->prefix))
		return false;
	if (json_array_append(parts->into, resource->body))
		parts->err = ERR_NOMEM;
	return !parts->err;
}

static err_t all_parts(struct api_call *call, json_t **ret_parts)
{
	char *prefix = arena_printf(call->arena, "%s/", s3_input(call, "UploadId"));
	struct parts parts = { .prefix = bytes_of(prefix), .into = s3_hold(call, json_array()) };

	if (!prefix || !parts.into)
		return ERR_NOMEM;
	TRY(store_scan(s3_call_of(call)->txn, S3_PART, prefix, add_part, &parts));
	*ret_parts = parts.into;
	return parts.err;
}

static err_t forget_upload(struct api_call *call, const json_t *parts)
{
	const char *upload = s3_input(call, "UploadId");

	for (size_t i = 0; i < json_array_size(parts); i++)
		TRY(store_delete(s3_call_of(call)->txn, S3_PART,
				 part_id_of(call, upload,
					    s3_number(json_array_get(parts, i), "PartNumber"))));
	return store_delete(s3_call_of(call)->txn, S3_UPLOAD, upload_id_of(call, upload));
}

err_t s3_abort_multipart_upload(struct api_call *call)
{
	json_t *upload, *parts;

	TRY(s3_upload_find(call, &upload));
	TRY(all_parts(call, &parts));
	for (size_t i = 0; i < json_array_size(parts); i++)
		TRY(s3_files_drop(call, s3_text(json_array_get(parts, i), "File")));
	return forget_upload(call, parts);
}

/* ---- Complete ---- */

struct completion {
	json_t *upload, *parts; /* as stored */
	json_t *chosen;		/* [part] */
	json_t *pieces;		/* [[FILE, bytes]] */
	uint64_t bytes;
	struct digest_stream *etags;
	struct checksum sums;		  /* COMPOSITE: over the parts' */
	char joined[CHECKSUM_TEXT_BYTES]; /* FULL_OBJECT */
	bool composite;
	enum checksum_kind kind;
};

static err_t invalid_part(struct api_call *call)
{
	return api_fault(call, "InvalidPart",
			 "One or more of the specified parts could not be found. The part may not "
			 "have been uploaded, or the specified entity tag may not match the part's "
			 "entity tag.");
}

static err_t add_raw(struct digest_stream *stream, struct checksum *sum, struct bytes in, bool hex)
{
	struct text raw = TEXT_INIT(64);
	err_t err = hex ? decode_hex(&raw, in) : decode_base64(&raw, in);

	if (!err && stream)
		digest_stream_add(stream, text_bytes(&raw));
	if (!err && sum)
		checksum_add(sum, text_bytes(&raw));
	text_fini(&raw);
	return err;
}

static const json_t *stored_part(const struct completion *c, int64_t number)
{
	size_t low = 0, high = json_array_size(c->parts);

	while (low < high) {
		size_t middle = (low + high) / 2;
		const json_t *part = json_array_get(c->parts, middle);

		if (s3_number(part, "PartNumber") == number)
			return part;
		if (s3_number(part, "PartNumber") < number)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static err_t check_part(struct api_call *call, const struct completion *c, const json_t *given,
			const json_t *part, bool last)
{
	const char *member = arena_printf(call->arena, "Checksum%s", checksum_name(c->kind));
	const char *sum;

	if (!member)
		return ERR_NOMEM;
	sum = s3_text(given, member);
	if (!part || (sum[0] && strcmp(sum, s3_text(part, "Checksum")) != 0) ||
	    !s3_etag_listed(bytes_of(s3_text(given, "ETag")), s3_text(part, "ETag")))
		return invalid_part(call);
	if (!last && s3_number(part, "Size") < S3_PART_BYTES_MIN)
		return api_fault(call, "EntityTooSmall",
				 "Your proposed upload is smaller than the minimum allowed size");
	return ERR_OK;
}

static err_t add_one(struct api_call *call, struct completion *c, const json_t *given, bool last)
{
	const json_t *part = stored_part(c, s3_number(given, "PartNumber"));
	uint64_t bytes;

	TRY(check_part(call, c, given, part, last));
	bytes = (uint64_t)s3_number(part, "Size");
	c->bytes += bytes;
	TRY(add_raw(c->etags, NULL, bytes_of(s3_text(part, "ETag")), true));
	if (c->composite)
		TRY(add_raw(NULL, &c->sums, bytes_of(s3_text(part, "Checksum")), false));
	else
		TRY(checksum_join(c->kind, c->joined, bytes_of(s3_text(part, "Checksum")), bytes));
	return json_array_append_new(c->pieces,
				     json_pack("[s,I]", s3_text(part, "File"), (json_int_t)bytes))
		       ? ERR_NOMEM
		       : ERR_OK;
}

static err_t add_all(struct api_call *call, struct completion *c, const json_t *given)
{
	size_t count = json_array_size(given);
	int64_t before = 0;

	if (!count)
		return api_fault(call, "MalformedXML",
				 "The XML you provided was not well-formed or did not validate "
				 "against our published schema");
	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_array_get(given, i);

		if (s3_number(one, "PartNumber") <= before)
			return api_fault(call, "InvalidPartOrder",
					 "The list of parts was not in ascending order. Parts must "
					 "be ordered by part number.");
		before = s3_number(one, "PartNumber");
	}
	for (size_t i = 0; i < count; i++)
		TRY(add_one(call, c, json_array_get(given, i), i == count - 1));
	return ERR_OK;
}

/* Parts that were uploaded and not named are gone. */
static err_t drop_others(struct api_call *call, const struct completion *c, const json_t *given)
{
	size_t at = 0;

	for (size_t i = 0; i < json_array_size(c->parts); i++) {
		const json_t *part = json_array_get(c->parts, i);

		if (at < json_array_size(given) &&
		    s3_number(json_array_get(given, at), "PartNumber") ==
			    s3_number(part, "PartNumber"))
			at++;
		else
			TRY(s3_files_drop(call, s3_text(part, "File")));
	}
	return ERR_OK;
}

static err_t write_facts(struct api_call *call, struct completion *c, json_t *object, size_t count)
{
	uint8_t raw[DIGEST_BYTES_MAX];
	char sum[CHECKSUM_TEXT_BYTES], etag[64], text[CHECKSUM_TEXT_BYTES + 8];
	struct text hex = TEXT_INIT(64);
	size_t len = digest_stream_finish(c->etags, raw);
	const char *wanted;

	c->etags = NULL;
	encode_hex(&hex, bytes_make(raw, len));
	snprintf(etag, sizeof etag, "%s-%zu", text_str(&hex), count);
	text_fini(&hex);
	checksum_finish(&c->sums, sum);
	if (c->composite)
		snprintf(text, sizeof text, "%s-%zu", sum, count);
	else
		snprintf(text, sizeof text, "%s", c->joined);
	wanted = s3_input(call, arena_printf(call->arena, "Checksum%s", checksum_name(c->kind)));
	if (wanted && strcmp(wanted, text) != 0)
		return api_fault(call, "BadDigest",
				 "The %s you specified did not match the calculated checksum.",
				 checksum_name(c->kind));
	TRY(s3_object_checksum(object, c->kind, text, c->composite ? "COMPOSITE" : "FULL_OBJECT"));
	return s3_object_facts(call, object, c->bytes, etag);
}

/* The object begins as its upload did: what CreateMultipartUpload said of it. */
static json_t *begin_object(struct api_call *call, const json_t *upload)
{
	json_t *object = s3_hold(call, json_copy((json_t *)upload));

	json_object_del(object, "UploadId");
	json_object_del(object, "Created");
	return object;
}

static err_t complete(struct api_call *call, struct completion *c, const json_t *bucket)
{
	const char *bucket_name = s3_input(call, "Bucket"), *key = s3_input(call, "Key");
	const json_t *given = json_object_get(json_object_get(call->input, "MultipartUpload"),
					      "Parts");
	json_t *object = begin_object(call, c->upload), *out = call->output;
	json_t *wanted = json_object_get(call->input, "MpuObjectSize");

	if (!object)
		return ERR_NOMEM;
	TRY(add_all(call, c, given));
	if (wanted && (uint64_t)json_integer_value(wanted) != c->bytes)
		return api_fault(call, "InvalidRequest",
				 "The provided 'x-amz-mp-object-size' header value does not match "
				 "what was computed.");
	TRY(drop_others(call, c, given));
	TRY(write_facts(call, c, object, json_array_size(given)));
	TRY(s3_pieces_set(call, object, c->pieces));
	TRY(forget_upload(call, c->parts));
	TRY(s3_object_put(call, bucket, bucket_name, key, object));
	TRY(s3_tell(call, bucket, bucket_name, key, object,
		    "ObjectCreated:CompleteMultipartUpload"));
	TRY(s3_set_text(out, "Bucket", bucket_name));
	TRY(s3_set_text(out, "Key", key));
	TRY(s3_set(out, "Location", json_sprintf("/%s/%s", bucket_name, key)));
	TRY(s3_set(out, "ETag", json_sprintf("\"%s\"", s3_text(object, "ETag"))));
	TRY(s3_show_checksum(call, object, out));
	if (strcmp(s3_text(object, "VersionId"), "null") == 0)
		return ERR_OK;
	return s3_set_text(out, "VersionId", s3_text(object, "VersionId"));
}

err_t s3_complete_multipart_upload(struct api_call *call)
{
	struct completion c = { .pieces = s3_hold(call, json_array()) };
	json_t *bucket;
	err_t err;

	if (!c.pieces)
		return ERR_NOMEM;
	TRY(s3_bucket(call, &bucket));
	TRY(s3_upload_find(call, &c.upload));
	TRY(s3_write_conditions(call, s3_input(call, "Bucket"), s3_input(call, "Key")));
	TRY(all_parts(call, &c.parts));
	c.kind = checksum_kind_of(bytes_of(s3_text(c.upload, "ChecksumKind")));
	c.composite = strcmp(s3_text(c.upload, "ChecksumType"), "COMPOSITE") == 0;
	TRY(digest_stream_create(DIGEST_MD5, &c.etags));
	err = checksum_init(&c.sums, c.composite ? c.kind : CHECKSUM_NONE);
	if (!err)
		err = complete(call, &c, bucket);
	if (c.etags)
		digest_stream_finish(c.etags, NULL);
	checksum_finish(&c.sums, NULL);
	return err;
}

/* ---- List ---- */

static err_t add_shown(struct api_call *call, const json_t *part)
{
	json_t *one = s3_hold(call, json_object());

	if (!one)
		return ERR_NOMEM;
	TRY(s3_set(one, "PartNumber", json_incref(json_object_get(part, "PartNumber"))));
	TRY(s3_set(one, "LastModified", json_incref(json_object_get(part, "Modified"))));
	TRY(s3_set(one, "Size", json_incref(json_object_get(part, "Size"))));
	TRY(s3_set(one, "ETag", json_sprintf("\"%s\"", s3_text(part, "ETag"))));
	TRY(s3_set_text(one, arena_printf(call->arena, "Checksum%s", s3_text(part, "ChecksumKind")),
			s3_text(part, "Checksum")));
	return s3_append(call->output, "Parts", json_incref(one));
}

err_t s3_list_parts(struct api_call *call)
{
	int64_t after = s3_number(call->input, "PartNumberMarker"), last = after;
	json_t *most = json_object_get(call->input, "MaxParts"), *upload, *parts,
	       *out = call->output;
	int64_t page = most ? json_integer_value(most) : S3_PAGE_MAX;
	size_t told = 0, i;
	bool more = false;
	json_t *part;

	TRY(s3_upload_find(call, &upload));
	TRY(all_parts(call, &parts));
	if (page > S3_PAGE_MAX)
		page = S3_PAGE_MAX;
	json_array_foreach (parts, i, part) {
		if (s3_number(part, "PartNumber") <= after)
			continue;
		more = told == (size_t)page;
		if (more)
			break;
		TRY(add_shown(call, part));
		last = s3_number(part, "PartNumber");
		told++;
	}
	TRY(s3_set_text(out, "Bucket", s3_input(call, "Bucket")));
	TRY(s3_set_text(out, "Key", s3_input(call, "Key")));
	TRY(s3_set_text(out, "UploadId", s3_input(call, "UploadId")));
	TRY(s3_set(out, "PartNumberMarker", json_integer(after)));
	TRY(s3_set(out, "NextPartNumberMarker", json_integer(last)));
	TRY(s3_set(out, "MaxParts", json_integer(page)));
	TRY(s3_set(out, "IsTruncated", json_boolean(more)));
	TRY(s3_set(out, "Owner", s3_owner(call)));
	TRY(s3_set(out, "Initiator", s3_owner(call)));
	TRY(s3_set_text(out, "StorageClass", "STANDARD"));
	TRY(s3_set_text(out, "ChecksumAlgorithm", s3_text(upload, "ChecksumKind")));
	return s3_set_text(out, "ChecksumType", s3_text(upload, "ChecksumType"));
}
