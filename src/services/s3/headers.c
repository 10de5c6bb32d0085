/*
 * headers: what a request says of an object beside its bytes, kept in its record and said again by
 * GET and HEAD. What Weir does not do is refused, not kept.
 */
#include "base/encode.h"
#include "http/uri.h"
#include "services/s3/s3_internal.h"

static const char *const kept[] = { "ContentType",     "CacheControl",	  "ContentDisposition",
				    "ContentEncoding", "ContentLanguage", "Expires" };

/* ---- What is refused ---- */

static const struct refusal {
	const char *member, *allowed, *field;
} refusals[] = {
	/* `aws cloudformation package` always asks for it; that it is not done is in docs/s3.md. */
	{ "ServerSideEncryption", "AES256", "x-amz-server-side-encryption" },
	{ "SSECustomerAlgorithm", "", "x-amz-server-side-encryption-customer-algorithm" },
	{ "WebsiteRedirectLocation", "", "x-amz-website-redirect-location" },
	{ "ObjectLockMode", "", "x-amz-object-lock-mode" },
	{ "ObjectLockLegalHoldStatus", "OFF", "x-amz-object-lock-legal-hold" },
};

static err_t refuse(struct api_call *call)
{
	const char *acl = s3_input(call, "ACL"), *class = s3_input(call, "StorageClass");

	for (size_t i = 0; i < COUNT(refusals); i++) {
		const char *value = s3_input(call, refusals[i].member);

		if (value && strcmp(value, refusals[i].allowed) != 0)
			return s3_not_implemented(call, refusals[i].field);
	}
	if (acl && strcmp(acl, "private") != 0 && strcmp(acl, "bucket-owner-full-control") != 0)
		return api_fault(call, "AccessControlListNotSupported",
				 "The bucket does not allow ACLs");
	if (class && strcmp(class, "STANDARD") != 0)
		return api_fault(call, "InvalidStorageClass",
				 "The storage class you specified is not valid; Weir has STANDARD");
	return ERR_OK;
}

err_t s3_check_owner(struct api_call *call)
{
	const char *owner = s3_input(call, "ExpectedBucketOwner");

	if (owner && strcmp(owner, s3_of(call)->options.account) != 0)
		return api_fault(call, "AccessDenied", "Access Denied");
	return ERR_OK;
}

/* ---- Tags ---- */

static err_t add_tag(struct api_call *call, json_t *tags, const char *key, const char *value,
		     size_t most)
{
	if (api_tag_is_reserved(call, key))
		return api_fault(call, "InvalidTag",
				 "System tags cannot be added/updated by requester");
	if (!key[0] || strlen(key) > 512 || strlen(value) > 1024)
		return api_fault(call, "InvalidTag",
				 "The TagKey or TagValue you have provided is invalid");
	if (json_object_get(tags, key))
		return api_fault(call, "InvalidTag",
				 "Cannot provide multiple Tags with the same key");
	if (api_tags_count(tags) == most && !bytes_starts_nocase(bytes_of(key), BYTES("aws:")))
		return api_fault(call, "BadRequest",
				 most == S3_TAGS_MAX
					 ? "Object tags cannot be greater than 10"
					 : "Bucket tag count cannot be greater than 50");
	return s3_set_text(tags, key, value);
}

err_t s3_tags_read(struct api_call *call, const json_t *set, size_t most, json_t **ret_tags)
{
	json_t *tags = s3_hold(call, json_object()), *tag;
	size_t i;

	if (!tags)
		return ERR_NOMEM;
	json_array_foreach (set, i, tag) {
		TRY(add_tag(call, tags, s3_text(tag, "Key"), s3_text(tag, "Value"), most));
	}
	*ret_tags = tags;
	return ERR_OK;
}

static err_t decoded(struct api_call *call, struct bytes in, const char **ret_text)
{
	struct text plain = TEXT_INIT(2048);
	bool good = decode_percent(&plain, in, true) == ERR_OK && !text_err(&plain) &&
		    bytes_index(text_bytes(&plain), '\0') == SIZE_MAX &&
		    utf8_valid(text_bytes(&plain));

	*ret_text = good ? arena_string(call->arena, text_bytes(&plain)) : "";
	text_fini(&plain);
	if (!good)
		return api_fault(call, "InvalidArgument",
				 "The header 'x-amz-tagging' shall be encoded as UTF-8 then "
				 "URLEncoded URL query parameters without tag name duplicates.");
	return *ret_text ? ERR_OK : ERR_NOMEM;
}

err_t s3_tags_of_header(struct api_call *call, const char *text, json_t **ret_tags)
{
	struct bytes rest = bytes_of(text), name, value;
	json_t *tags = s3_hold(call, json_object());
	const char *key, *said;

	if (!tags)
		return ERR_NOMEM;
	while (uri_query_cut(&rest, &name, &value)) {
		TRY(decoded(call, name, &key));
		TRY(decoded(call, value, &said));
		TRY(add_tag(call, tags, key, said, S3_TAGS_MAX));
	}
	*ret_tags = tags;
	return ERR_OK;
}

json_t *s3_tags_show(const json_t *tags)
{
	json_t *set = json_array(), *value;
	const char *key;

	json_object_foreach ((json_t *)tags, key, value) {
		if (json_array_append_new(set,
					  json_pack("{s:s,s:O}", "Key", key, "Value", value))) {
			json_decref(set);
			return NULL;
		}
	}
	return set;
}

/* ---- Objects ---- */

static err_t copy_metadata(struct api_call *call, json_t *object)
{
	json_t *metadata = json_object_get(call->input, "Metadata"), *value;
	size_t bytes = 0;
	const char *key;

	if (!json_object_size(metadata))
		return ERR_OK;
	json_object_foreach (metadata, key, value) {
		bytes += strlen(key) + json_string_length(value);
	}
	if (bytes > S3_METADATA_BYTES_MAX)
		return api_fault(call, "MetadataTooLarge",
				 "Your metadata headers exceed the maximum allowed metadata size");
	return s3_set(object, "Metadata", json_incref(metadata));
}

err_t s3_describe(struct api_call *call, json_t *object)
{
	const char *tagging = s3_input(call, "Tagging"), *key = s3_input(call, "Key");
	json_t *tags;

	TRY(refuse(call));
	if (strlen(key) > S3_KEY_BYTES_MAX)
		return api_fault(call, "KeyTooLongError", "Your key is too long");
	for (size_t i = 0; i < COUNT(kept); i++)
		if (s3_input(call, kept[i]))
			TRY(s3_set_text(object, kept[i], s3_input(call, kept[i])));
	TRY(copy_metadata(call, object));
	if (!tagging)
		return ERR_OK;
	TRY(s3_tags_of_header(call, tagging, &tags));
	return json_object_size(tags) ? s3_set(object, "Tags", json_incref(tags)) : ERR_OK;
}

err_t s3_show_checksum(struct api_call *call, const json_t *object, json_t *into)
{
	const char *name = s3_text(object, "ChecksumKind");
	const char *member = arena_printf(call->arena, "Checksum%s", name);

	if (!name[0])
		return ERR_OK;
	if (!member)
		return ERR_NOMEM;
	TRY(s3_set_text(into, member, s3_text(object, "Checksum")));
	return s3_set_text(into, "ChecksumType", s3_text(object, "ChecksumType"));
}

err_t s3_show(struct api_call *call, const json_t *object)
{
	json_t *out = call->output, *value;

	for (size_t i = 0; i < COUNT(kept); i++) {
		const char *asked = s3_input(call,
					     arena_printf(call->arena, "Response%s", kept[i]));

		value = json_object_get(object, kept[i]);
		if (asked)
			TRY(s3_set_text(out, kept[i], asked));
		else if (value)
			TRY(s3_set(out, kept[i], json_incref(value)));
	}
	if (!json_object_get(out, "ContentType"))
		TRY(s3_set_text(out, "ContentType", "binary/octet-stream"));
	TRY(s3_set_text(out, "AcceptRanges", "bytes"));
	TRY(s3_set(out, "LastModified", json_incref(json_object_get(object, "Modified"))));
	TRY(s3_set(out, "ETag", json_sprintf("\"%s\"", s3_text(object, "ETag"))));
	if (strcmp(s3_text(object, "VersionId"), "null") != 0)
		TRY(s3_set_text(out, "VersionId", s3_text(object, "VersionId")));
	value = json_object_get(object, "Metadata");
	if (value)
		TRY(s3_set(out, "Metadata", json_incref(value)));
	value = json_object_get(object, "Tags");
	if (json_object_size(value))
		TRY(s3_set(out, "TagCount", json_integer((json_int_t)json_object_size(value))));
	return ERR_OK;
}

/* ---- Conditions of a write ---- */

err_t s3_write_conditions(struct api_call *call, const char *bucket, const char *key)
{
	const char *match = s3_input(call, "IfMatch"), *none = s3_input(call, "IfNoneMatch");
	json_t *current;
	bool there;

	if (!match && !none)
		return ERR_OK;
	TRY(s3_look(call, bucket, key, NULL, &current));
	there = current && !s3_true(current, "Marker");
	if (match && !there)
		return api_fault(call, "NoSuchKey", "The specified key does not exist.");
	if (none && strcmp(none, "*") != 0)
		return s3_not_implemented(call, "If-None-Match");
	if ((none && there) ||
	    (match && !s3_etag_listed(bytes_of(match), s3_text(current, "ETag"))))
		return api_fault(call, "PreconditionFailed",
				 "At least one of the pre-conditions you specified did not hold");
	return ERR_OK;
}
