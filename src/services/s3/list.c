/*
 * list: keys in the order of their bytes, by prefix, folded at a delimiter, a page at a time. One
 * walk serves objects, versions and uploads.
 */
#include "base/encode.h"
#include "services/s3/s3_internal.h"

/*
 * A walk over the ids "BUCKET/KEY…" of a kind. `add` takes an entry and says by `counted` how much
 * of the page it took; a common prefix takes one.
 */
struct walk {
	struct api_call *call;
	const char *kind, *bucket;
	struct bytes prefix, delimiter, after; /* after: keys, or a common prefix, already told */
	bool after_is_prefix;
	size_t most, told;
	bool url; /* encoding-type */
	bool hides_markers;
	err_t (*add)(struct walk *walk, struct bytes key, json_t *body);
	const char *version_after; /* of the key `after` itself: what follows this one; NULL */
	/* What came of it: */
	const char *last; /* the last one told, in the arena; a key or a common prefix */
	const char *last_version;
	bool more;
	const char *jump; /* go on from here: behind a common prefix */
	err_t err;
};

/* In the spelling that was asked for. */
static json_t *spelled(const struct walk *walk, struct bytes key)
{
	struct text out = TEXT_INIT(4 * S3_ID_BYTES);
	json_t *text;

	if (walk->url)
		encode_percent(&out, key, true);
	else
		text_add(&out, key);
	text = json_string(text_str(&out));
	text_fini(&out);
	return text;
}

static err_t add_prefix(struct walk *walk, struct bytes common)
{
	walk->last = arena_string(walk->call->arena, common);
	walk->last_version = NULL;
	/* No byte of UTF-8 is so great. */
	walk->jump = arena_printf(walk->call->arena, "%s/%.*s\xff", walk->bucket,
				  BYTES_ARG(common));
	if (!walk->last || !walk->jump)
		return ERR_NOMEM;
	walk->told++;
	return s3_append(walk->call->output, "CommonPrefixes",
			 json_pack("{s:o}", "Prefix", spelled(walk, common)));
}

/* The key folded at the delimiter; false when it is not. */
static bool fold(const struct walk *walk, struct bytes key, struct bytes *ret_common)
{
	size_t at;

	if (!walk->delimiter.len)
		return false;
	at = bytes_find(bytes_from(key, walk->prefix.len), walk->delimiter);
	if (at == SIZE_MAX)
		return false;
	*ret_common = bytes_upto(key, walk->prefix.len + at + walk->delimiter.len);
	return true;
}

static bool on_row(void *owner, const struct store_resource *resource)
{
	struct walk *walk = owner;
	struct bytes id = bytes_of(resource->id), key, common;

	if (id.len <= strlen(walk->bucket) + 1)
		return true;
	key = bytes_from(id, strlen(walk->bucket) + 1);
	if (resource->parent[0] && strcmp(resource->parent, walk->bucket) != 0)
		return false;
	if (strcmp(walk->kind, S3_UPLOAD) == 0)
		key = bytes_of(s3_text(resource->body, "Key"));
	if (!bytes_starts(key, walk->prefix))
		return false;
	if (walk->hides_markers && s3_true(resource->body, "Marker"))
		return true;
	if (walk->told >= walk->most) {
		walk->more = true;
		return false;
	}
	if (fold(walk, key, &common)) {
		walk->err = add_prefix(walk, common);
		return false; /* goes on behind it */
	}
	walk->err = walk->add(walk, key, resource->body);
	return !walk->err && !walk->more;
}

/* Where to begin: the prefix, or what follows `after`, whichever is later. */
static const char *begin(const struct walk *walk)
{
	struct arena *arena = walk->call->arena;

	if (walk->after.len && bytes_cmp(walk->after, walk->prefix) >= 0)
		return arena_printf(arena, "%s/%.*s%s", walk->bucket, BYTES_ARG(walk->after),
				    walk->after_is_prefix		 ? "\xff"
				    : walk->version_after		 ? ""
				    : strcmp(walk->kind, S3_UPLOAD) == 0 ? "\2"
									 : "\1");
	return arena_printf(arena, "%s/%.*s", walk->bucket, BYTES_ARG(walk->prefix));
}

static err_t walk_all(struct walk *walk)
{
	const char *from = begin(walk);

	if (!from)
		return ERR_NOMEM;
	if (walk->most == 0)
		return ERR_OK;
	do {
		walk->jump = NULL;
		TRY(store_scan(s3_call_of(walk->call)->txn, walk->kind, from, on_row, walk));
		TRY(walk->err);
		from = walk->jump;
	} while (walk->jump && !walk->more);
	return ERR_OK;
}

/* ---- What all lists say ---- */

static err_t set_spelled(const struct walk *walk, const char *member, const char *text)
{
	return text ? s3_set(walk->call->output, member, spelled(walk, bytes_of(text))) : ERR_OK;
}

static err_t walk_init(struct api_call *call, const char *kind, const char *page, struct walk *walk)
{
	const char *encoding = s3_input(call, "EncodingType");
	json_t *most = json_object_get(call->input, page), *bucket;
	int64_t wanted = most ? json_integer_value(most) : S3_PAGE_MAX;

	TRY(s3_bucket(call, &bucket));
	if (encoding && strcmp(encoding, "url") != 0)
		return api_fault(call, "InvalidArgument",
				 "Invalid Encoding Method specified in Request");
	*walk = (struct walk){
		.call = call,
		.kind = kind,
		.bucket = s3_input(call, "Bucket"),
		.prefix = bytes_of(s3_input(call, "Prefix")),
		.delimiter = bytes_of(s3_input(call, "Delimiter")),
		.most = (size_t)(wanted < S3_PAGE_MAX ? wanted : S3_PAGE_MAX),
		.url = encoding != NULL,
	};
	TRY(s3_set_text(call->output, strcmp(kind, S3_UPLOAD) == 0 ? "Bucket" : "Name",
			walk->bucket));
	TRY(s3_set(call->output, page, json_integer(wanted)));
	TRY(set_spelled(walk, "Prefix", s3_input(call, "Prefix") ? s3_input(call, "Prefix") : ""));
	TRY(set_spelled(walk, "Delimiter", s3_input(call, "Delimiter")));
	return encoding ? s3_set_text(call->output, "EncodingType", encoding) : ERR_OK;
}

static void set_after(struct walk *walk, const char *after)
{
	walk->after = bytes_of(after);
	walk->after_is_prefix = after && walk->delimiter.len &&
				bytes_ends(walk->after, walk->delimiter) &&
				walk->after.len > walk->prefix.len;
}

static err_t add_facts(struct walk *walk, json_t *entry, struct bytes key, const json_t *body)
{
	const char *kind = s3_text(body, "ChecksumKind");

	TRY(s3_set(entry, "Key", spelled(walk, key)));
	TRY(s3_set(entry, "LastModified", json_incref(json_object_get(body, "Modified"))));
	if (s3_true(body, "Marker"))
		return ERR_OK;
	if (kind[0]) {
		TRY(s3_set(entry, "ChecksumAlgorithm", json_pack("[s]", kind)));
		TRY(s3_set_text(entry, "ChecksumType", s3_text(body, "ChecksumType")));
	}
	TRY(s3_set(entry, "ETag", json_sprintf("\"%s\"", s3_text(body, "ETag"))));
	TRY(s3_set(entry, "Size", json_incref(json_object_get(body, "Size"))));
	return s3_set_text(entry, "StorageClass", "STANDARD");
}

/* ---- Objects ---- */

static err_t add_object(struct walk *walk, struct bytes key, json_t *body)
{
	json_t *entry = s3_hold(walk->call, json_object());

	walk->last = arena_string(walk->call->arena, key);
	if (!entry || !walk->last)
		return ERR_NOMEM;
	walk->told++;
	TRY(add_facts(walk, entry, key, body));
	if (strcmp(walk->call->operation->name, "ListObjects") == 0 ||
	    s3_true(walk->call->input, "FetchOwner"))
		TRY(s3_set(entry, "Owner", s3_owner(walk->call)));
	return s3_append(walk->call->output, "Contents", json_incref(entry));
}

err_t s3_list_objects(struct api_call *call)
{
	const char *marker = s3_input(call, "Marker");
	struct walk walk;

	TRY(walk_init(call, S3_OBJECT, "MaxKeys", &walk));
	walk.add = add_object;
	walk.hides_markers = true;
	set_after(&walk, marker);
	TRY(walk_all(&walk));
	TRY(set_spelled(&walk, "Marker", marker ? marker : ""));
	TRY(s3_set(call->output, "IsTruncated", json_boolean(walk.more)));
	return walk.more && walk.delimiter.len ? set_spelled(&walk, "NextMarker", walk.last)
					       : ERR_OK;
}

/* The token is where the page ended, "P" or "K" before it, so that nobody builds on it. */
static err_t read_token(struct api_call *call, struct walk *walk)
{
	const char *token = s3_input(call, "ContinuationToken"), *plain;
	struct text text = TEXT_INIT(S3_ID_BYTES);
	bool good = decode_base64url(&text, bytes_of(token)) == ERR_OK && text.len > 1 &&
		    strlen(text_str(&text)) == text.len && strchr("PK", text.at[0]);

	plain = good ? arena_string(call->arena, text_bytes(&text)) : NULL;
	text_fini(&text);
	if (!good)
		return api_fault(call, "InvalidArgument",
				 "The continuation token provided is incorrect");
	if (!plain)
		return ERR_NOMEM;
	walk->after = bytes_of(plain + 1);
	walk->after_is_prefix = plain[0] == 'P';
	return s3_set_text(call->output, "ContinuationToken", token);
}

static err_t write_token(struct walk *walk)
{
	struct text plain = TEXT_INIT(S3_ID_BYTES), token = TEXT_INIT(2 * S3_ID_BYTES);
	bool prefix = walk->delimiter.len && bytes_ends(bytes_of(walk->last), walk->delimiter) &&
		      json_array_size(json_object_get(walk->call->output, "CommonPrefixes"));
	err_t err;

	text_add_char(&plain, prefix ? 'P' : 'K');
	text_add_str(&plain, walk->last);
	encode_base64url(&token, text_bytes(&plain));
	err = s3_set_text(walk->call->output, "NextContinuationToken", text_str(&token));
	text_fini(&plain);
	text_fini(&token);
	return err;
}

err_t s3_list_objects_v2(struct api_call *call)
{
	const char *start = s3_input(call, "StartAfter");
	struct walk walk;

	TRY(walk_init(call, S3_OBJECT, "MaxKeys", &walk));
	walk.add = add_object;
	walk.hides_markers = true;
	walk.after = bytes_of(start);
	TRY(set_spelled(&walk, "StartAfter", start));
	if (s3_input(call, "ContinuationToken"))
		TRY(read_token(call, &walk));
	TRY(walk_all(&walk));
	TRY(s3_set(call->output, "KeyCount", json_integer((json_int_t)walk.told)));
	TRY(s3_set(call->output, "IsTruncated", json_boolean(walk.more)));
	return walk.more ? write_token(&walk) : ERR_OK;
}

/* ---- Versions ---- */

static err_t add_version(struct walk *walk, struct bytes key, const json_t *body, bool latest)
{
	const char *version = s3_text(body, "VersionId");
	json_t *entry = s3_hold(walk->call, json_object());

	if (walk->told == walk->most) {
		walk->more = true;
		return ERR_OK;
	}
	walk->last = arena_string(walk->call->arena, key);
	walk->last_version = arena_string(walk->call->arena, bytes_of(version));
	if (!entry || !walk->last || !walk->last_version)
		return ERR_NOMEM;
	walk->told++;
	TRY(add_facts(walk, entry, key, body));
	TRY(s3_set_text(entry, "VersionId", version));
	TRY(s3_set(entry, "IsLatest", json_boolean(latest)));
	TRY(s3_set(entry, "Owner", s3_owner(walk->call)));
	return s3_append(walk->call->output, s3_true(body, "Marker") ? "DeleteMarkers" : "Versions",
			 json_incref(entry));
}

/* All versions of a key, or those behind the one at which the page before ended. */
static err_t add_versions(struct walk *walk, struct bytes key, json_t *body)
{
	const char *name = arena_string(walk->call->arena, key);
	json_t *all = s3_hold(walk->call, json_array());
	bool skips = walk->version_after && bytes_eq(key, walk->after);

	if (!all || !name || json_array_append(all, body))
		return ERR_NOMEM;
	TRY(s3_versions(walk->call, walk->bucket, name, all));
	for (size_t i = 0; i < json_array_size(all) && !walk->more; i++) {
		const json_t *one = json_array_get(all, i);

		if (!skips)
			TRY(add_version(walk, key, one, i == 0));
		else if (strcmp(s3_text(one, "VersionId"), walk->version_after) == 0)
			skips = false;
	}
	return ERR_OK;
}

err_t s3_list_object_versions(struct api_call *call)
{
	const char *marker = s3_input(call, "KeyMarker");
	const char *version = s3_input(call, "VersionIdMarker");
	struct walk walk;

	TRY(walk_init(call, S3_OBJECT, "MaxKeys", &walk));
	if (version && version[0] && !(marker && marker[0]))
		return api_fault(call, "InvalidArgument",
				 "A version-id marker cannot be specified without a key marker.");
	walk.add = add_versions;
	walk.version_after = version && version[0] ? version : NULL;
	set_after(&walk, marker);
	TRY(walk_all(&walk));
	TRY(set_spelled(&walk, "KeyMarker", marker ? marker : ""));
	TRY(s3_set_text(call->output, "VersionIdMarker", version ? version : ""));
	TRY(s3_set(call->output, "IsTruncated", json_boolean(walk.more)));
	if (!walk.more)
		return ERR_OK;
	TRY(set_spelled(&walk, "NextKeyMarker", walk.last));
	return walk.last_version
		       ? s3_set_text(call->output, "NextVersionIdMarker", walk.last_version)
		       : ERR_OK;
}

/* ---- Uploads ---- */

static err_t add_upload(struct walk *walk, struct bytes key, json_t *body)
{
	const char *id = s3_text(body, "UploadId");
	json_t *entry = s3_hold(walk->call, json_object());

	if (walk->version_after && bytes_eq(key, walk->after) &&
	    strcmp(id, walk->version_after) <= 0)
		return ERR_OK;
	walk->last = arena_string(walk->call->arena, key);
	walk->last_version = arena_string(walk->call->arena, bytes_of(id));
	if (!entry || !walk->last || !walk->last_version)
		return ERR_NOMEM;
	walk->told++;
	TRY(s3_set(entry, "Key", spelled(walk, key)));
	TRY(s3_set_text(entry, "UploadId", id));
	TRY(s3_set(entry, "Initiated", json_incref(json_object_get(body, "Created"))));
	TRY(s3_set_text(entry, "StorageClass", "STANDARD"));
	TRY(s3_set(entry, "Owner", s3_owner(walk->call)));
	TRY(s3_set(entry, "Initiator", s3_owner(walk->call)));
	TRY(s3_set_text(entry, "ChecksumAlgorithm", s3_text(body, "ChecksumKind")));
	TRY(s3_set_text(entry, "ChecksumType", s3_text(body, "ChecksumType")));
	return s3_append(walk->call->output, "Uploads", json_incref(entry));
}

err_t s3_list_multipart_uploads(struct api_call *call)
{
	const char *marker = s3_input(call, "KeyMarker"), *id = s3_input(call, "UploadIdMarker");
	struct walk walk;

	TRY(walk_init(call, S3_UPLOAD, "MaxUploads", &walk));
	walk.add = add_upload;
	walk.version_after = marker && marker[0] && id && id[0] ? id : NULL;
	set_after(&walk, marker);
	TRY(walk_all(&walk));
	TRY(set_spelled(&walk, "KeyMarker", marker ? marker : ""));
	TRY(s3_set_text(call->output, "UploadIdMarker", id ? id : ""));
	TRY(s3_set(call->output, "IsTruncated", json_boolean(walk.more)));
	if (!walk.more)
		return ERR_OK;
	TRY(set_spelled(&walk, "NextKeyMarker", walk.last));
	return walk.last_version
		       ? s3_set_text(call->output, "NextUploadIdMarker", walk.last_version)
		       : ERR_OK;
}
