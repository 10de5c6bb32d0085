#include "api/sigv2.h"

#include <stdlib.h>

#include "api/canonical.h"
#include "base/encode.h"
#include "crypto/digest.h"
#include "http/uri.h"

enum { STRING_BYTES_MAX = 256 * 1024 };

/* Parameters that are part of the resource; all others may be changed by whoever has the URL. */
static const char *const signed_params[] = {
	"accelerate",
	"acl",
	"analytics",
	"cors",
	"defaultObjectAcl",
	"delete",
	"inventory",
	"lifecycle",
	"location",
	"logging",
	"metrics",
	"notification",
	"object-lock",
	"partNumber",
	"policy",
	"replication",
	"requestPayment",
	"response-cache-control",
	"response-content-disposition",
	"response-content-encoding",
	"response-content-language",
	"response-content-type",
	"response-expires",
	"restore",
	"select",
	"select-type",
	"storageClass",
	"tagging",
	"torrent",
	"uploadId",
	"uploads",
	"versionId",
	"versioning",
	"versions",
	"website",
};

struct parts {
	struct bytes access_key, signature, expires, token;
	bool twice; /* one of them is there more than once */
	bool other; /* it is version 2 of the query form: no S3 request */
};

static void note(struct parts *parts, struct bytes *slot, struct bytes value)
{
	parts->twice = parts->twice || slot->at;
	*slot = value.at ? value : BYTES("");
}

static struct bytes query_of(const struct http_head *head)
{
	struct uri uri;

	return uri_parse_target(head->target, &uri) ? BYTES_NONE : uri.query;
}

static struct parts read_parts(const struct http_head *head)
{
	struct parts parts = { .twice = false };
	struct bytes rest = query_of(head), name, value;

	while (uri_query_cut(&rest, &name, &value)) {
		if (bytes_eq_str(name, "AWSAccessKeyId"))
			note(&parts, &parts.access_key, value);
		else if (bytes_eq_str(name, "Signature"))
			note(&parts, &parts.signature, value);
		else if (bytes_eq_str(name, "Expires"))
			note(&parts, &parts.expires, value);
		else if (bytes_eq_nocase(name, BYTES("x-amz-security-token")))
			note(&parts, &parts.token, value);
		else if (bytes_eq_str(name, "SignatureVersion"))
			parts.other = true;
	}
	return parts;
}

enum sigv4_verdict sigv2_claim(const struct http_head *head, struct sigv4_identity *ret_claim)
{
	struct parts parts = read_parts(head);

	if (!parts.access_key.at || parts.other || http_find(head, BYTES("Authorization")))
		return SIGV4_MISSING;
	if (parts.twice || !parts.access_key.len || !parts.signature.len || !parts.expires.len ||
	    bytes_index(parts.access_key, '%') != SIZE_MAX)
		return SIGV4_INCOMPLETE;
	*ret_claim = (struct sigv4_identity){
		.access_key = parts.access_key,
		.service = BYTES("s3"),
		.token = parts.token,
		.presigned = true,
		.version_2 = true,
	};
	return SIGV4_OK;
}

/* ---- The string that is signed ---- */

struct pair {
	struct bytes name, value; /* value.at == NULL: no "=" */
};

struct pairs {
	struct pair *at;
	size_t count;
};

static int by_name(const void *left, const void *right)
{
	const struct pair *a = left, *b = right;
	int order = bytes_cmp(a->name, b->name);

	return order ? order : bytes_cmp(a->value, b->value);
}

static err_t decoded(struct bytes in, struct arena *arena, struct bytes *ret_out)
{
	struct text plain = TEXT_INIT(STRING_BYTES_MAX);
	err_t err = in.at ? decode_percent(&plain, in, false) : ERR_OK;

	if (!err && in.at)
		err = arena_copy(arena, text_bytes(&plain), ret_out);
	else
		*ret_out = BYTES_NONE;
	text_fini(&plain);
	return err;
}

static err_t lowered(struct bytes in, struct arena *arena, struct bytes *ret_out)
{
	char *copy = arena_alloc(arena, in.len + 1);

	if (!copy)
		return ERR_NOMEM;
	for (size_t i = 0; i < in.len; i++)
		copy[i] = ascii_lower(in.at[i]);
	*ret_out = bytes_make(copy, in.len);
	return ERR_OK;
}

static err_t pairs_make(const struct http_head *head, struct arena *arena, struct pairs *pairs)
{
	struct bytes query = query_of(head);
	size_t room = head->field_count + 1;

	for (size_t i = 0; i < query.len; i++)
		room += query.at[i] == '&';
	*pairs = (struct pairs){ .at = arena_array(arena, room, sizeof *pairs->at) };
	return pairs->at ? ERR_OK : ERR_NOMEM;
}

/* What a URL's maker had as X-Amz- fields stands in its parameters. */
static err_t amz_fields(const struct http_head *head, struct arena *arena, struct pairs *pairs)
{
	struct bytes rest = query_of(head), name, value;

	for (unsigned i = 0; i < head->field_count; i++) {
		if (!bytes_starts_nocase(head->fields[i].name, BYTES("x-amz-")))
			continue;
		TRY(lowered(head->fields[i].name, arena, &pairs->at[pairs->count].name));
		pairs->at[pairs->count++].value = head->fields[i].value;
	}
	while (uri_query_cut(&rest, &name, &value)) {
		if (!bytes_starts_nocase(name, BYTES("x-amz-")))
			continue;
		TRY(lowered(name, arena, &pairs->at[pairs->count].name));
		TRY(decoded(value, arena, &pairs->at[pairs->count++].value));
	}
	qsort(pairs->at, pairs->count, sizeof *pairs->at, by_name);
	return ERR_OK;
}

static err_t add_amz_fields(struct text *out, const struct http_head *head, struct arena *arena)
{
	struct pairs pairs;

	TRY(pairs_make(head, arena, &pairs));
	TRY(amz_fields(head, arena, &pairs));
	for (size_t i = 0; i < pairs.count; i++) {
		bool same = i && bytes_eq(pairs.at[i - 1].name, pairs.at[i].name);
		bool last = i + 1 == pairs.count ||
			    !bytes_eq(pairs.at[i + 1].name, pairs.at[i].name);

		if (same)
			text_add_char(out, ',');
		else
			text_printf(out, "%.*s:", BYTES_ARG(pairs.at[i].name));
		canonical_value(out, pairs.at[i].value);
		if (last)
			text_add_char(out, '\n');
	}
	return text_err(out);
}

static bool is_signed_param(struct bytes name)
{
	for (size_t i = 0; i < COUNT(signed_params); i++)
		if (bytes_eq_str(name, signed_params[i]))
			return true;
	return false;
}

static err_t add_resource(struct text *out, const struct http_head *head, struct bytes path,
			  struct arena *arena)
{
	struct bytes rest = query_of(head), name, value;
	struct pairs pairs;

	text_add(out, path);
	TRY(pairs_make(head, arena, &pairs));
	while (uri_query_cut(&rest, &name, &value)) {
		if (!is_signed_param(name))
			continue;
		pairs.at[pairs.count].name = name;
		TRY(decoded(value, arena, &pairs.at[pairs.count++].value));
	}
	qsort(pairs.at, pairs.count, sizeof *pairs.at, by_name);
	for (size_t i = 0; i < pairs.count; i++) {
		text_add_char(out, i ? '&' : '?');
		text_add(out, pairs.at[i].name);
		if (pairs.at[i].value.at)
			text_printf(out, "=%.*s", BYTES_ARG(pairs.at[i].value));
	}
	return text_err(out);
}

/* Of a field, or of the parameter that stands for it. */
static err_t add_field(struct text *out, const struct http_head *head, struct bytes wanted,
		       struct arena *arena)
{
	struct bytes rest = query_of(head), name, value, plain = http_value(head, wanted);

	while (!plain.len && uri_query_cut(&rest, &name, &value))
		if (bytes_eq_nocase(name, wanted))
			TRY(decoded(value, arena, &plain));
	text_add(out, plain);
	text_add_char(out, '\n');
	return ERR_OK;
}

static err_t sign(const struct http_head *head, const struct parts *parts, struct bytes path,
		  struct bytes secret, struct arena *arena, struct text *ret_signature)
{
	struct text string = TEXT_INIT(STRING_BYTES_MAX);
	uint8_t raw[SHA1_BYTES];
	err_t err;

	text_printf(&string, "%.*s\n", BYTES_ARG(head->method));
	err = add_field(&string, head, BYTES("Content-MD5"), arena);
	if (!err)
		err = add_field(&string, head, BYTES("Content-Type"), arena);
	text_printf(&string, "%.*s\n", BYTES_ARG(parts->expires));
	if (!err)
		err = add_amz_fields(&string, head, arena);
	if (!err)
		err = add_resource(&string, head, path, arena);
	if (!err)
		err = text_err(&string);
	if (!err) {
		hmac_sha1(secret, text_bytes(&string), raw);
		encode_base64(ret_signature, bytes_make(raw, sizeof raw));
		err = text_err(ret_signature);
	}
	text_fini(&string);
	return err;
}

enum sigv4_verdict sigv2_verify(const struct http_head *head, struct bytes path,
				struct bytes secret, uint64_t now_unix_ms, struct arena *arena)
{
	struct parts parts = read_parts(head);
	struct text signature = TEXT_INIT(64);
	struct bytes given = BYTES_NONE;
	uint64_t expires_s;
	bool equal;

	if (bytes_to_u64(parts.expires, UINT64_MAX / 1000, &expires_s))
		return SIGV4_INCOMPLETE;
	equal = !decoded(parts.signature, arena, &given) &&
		!sign(head, &parts, path, secret, arena, &signature) &&
		bytes_eq_secret(text_bytes(&signature), given);
	text_fini(&signature);
	if (!equal)
		return SIGV4_MISMATCH;
	return now_unix_ms >= expires_s * 1000 ? SIGV4_EXPIRED : SIGV4_OK;
}
