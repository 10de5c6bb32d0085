#include "api/sigv4.h"

#include <stdlib.h>

#include "api/canonical.h"
#include "api/sigv2.h"
#include "base/encode.h"
#include "base/when.h"
#include "crypto/digest.h"
#include "http/uri.h"

enum {
	SKEW_MS_MAX = 15 * 60 * 1000,
	EXPIRES_S_MAX = 7 * 24 * 3600,
	REQUEST_BYTES_MAX = 512 * 1024, /* canonical: fields of 64 KiB and a query, encoded */
};

static const struct bytes algorithm = { "AWS4-HMAC-SHA256", 16 };
static const struct bytes unsigned_payload = { "UNSIGNED-PAYLOAD", 16 };
static const struct bytes empty_sha256 = {
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 64
};

/* All that the request says about its signature, wherever it says it. Slices of the head. */
struct parts {
	struct sigv4_identity identity;
	struct bytes stamp, signature, expires;
	struct bytes
		signed_fields; /* "host;x-amz-date", as on the wire: maybe "host%3Bx-amz-date" */
	struct uri uri;
};

/* ---- Reading the claim ---- */

/* "/" separates, in a query "%2F" does. Nothing else may be encoded. */
static bool cut_slash(struct bytes *rest, struct bytes *ret_part)
{
	for (size_t i = 0; i < rest->len; i++) {
		struct bytes here = bytes_from(*rest, i);
		size_t width = here.at[0] == '/'			 ? 1
			       : bytes_starts_nocase(here, BYTES("%2f")) ? 3
									 : 0;

		if (width) {
			*ret_part = bytes_upto(*rest, i);
			*rest = bytes_from(here, width);
			return true;
		}
	}
	return false;
}

static bool is_plain(struct bytes part)
{
	return part.len > 0 && bytes_index(part, '%') == SIZE_MAX;
}

/* KEY/20261002/us-east-1/elasticloadbalancing/aws4_request */
static bool read_credential(struct bytes credential, struct sigv4_identity *identity)
{
	struct bytes rest = credential;

	return cut_slash(&rest, &identity->access_key) && cut_slash(&rest, &identity->date) &&
	       cut_slash(&rest, &identity->region) && cut_slash(&rest, &identity->service) &&
	       bytes_eq_str(rest, "aws4_request") && is_plain(identity->access_key) &&
	       is_plain(identity->date) && is_plain(identity->region) &&
	       is_plain(identity->service) && identity->date.len == 8;
}

static unsigned count_fields(const struct http_head *head, struct bytes name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < head->field_count; i++)
		count += bytes_eq_nocase(head->fields[i].name, name);
	return count;
}

/* AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=… */
static enum sigv4_verdict read_header(const struct http_head *head, struct parts *parts)
{
	struct bytes rest = http_value(head, BYTES("Authorization")), item, credential = BYTES_NONE;

	if (count_fields(head, BYTES("Authorization")) != 1 ||
	    !bytes_starts(rest, BYTES("AWS4-HMAC-SHA256 ")))
		return SIGV4_INCOMPLETE;
	rest = bytes_from(rest, algorithm.len + 1);
	while (bytes_cut(&rest, ',', &item)) {
		size_t equals = bytes_index(item, '=');
		struct bytes name = bytes_trim(bytes_upto(item, equals));
		struct bytes value = equals == SIZE_MAX ? BYTES_NONE
							: bytes_trim(bytes_from(item, equals + 1));

		if (bytes_eq_str(name, "Credential"))
			credential = value;
		else if (bytes_eq_str(name, "SignedHeaders"))
			parts->signed_fields = value;
		else if (bytes_eq_str(name, "Signature"))
			parts->signature = value;
	}
	parts->stamp = http_value(head, BYTES("X-Amz-Date"));
	parts->identity.token = http_value(head, BYTES("X-Amz-Security-Token"));
	if (!read_credential(credential, &parts->identity) || !parts->signed_fields.len ||
	    !parts->signature.len || !parts->stamp.len)
		return SIGV4_INCOMPLETE;
	return SIGV4_OK;
}

/* The value of a query parameter; false when it is there twice. */
static bool find_param(struct bytes query, const char *wanted, struct bytes *ret_value)
{
	struct bytes rest = query, name, value;
	unsigned count = 0;

	while (uri_query_cut(&rest, &name, &value)) {
		if (bytes_eq_str(name, wanted)) {
			*ret_value = value;
			count++;
		}
	}
	return count <= 1;
}

static enum sigv4_verdict read_query(struct parts *parts)
{
	struct bytes query = parts->uri.query, credential = BYTES_NONE, method = BYTES_NONE;
	bool once = find_param(query, "X-Amz-Algorithm", &method) &&
		    find_param(query, "X-Amz-Credential", &credential) &&
		    find_param(query, "X-Amz-Date", &parts->stamp) &&
		    find_param(query, "X-Amz-Expires", &parts->expires) &&
		    find_param(query, "X-Amz-SignedHeaders", &parts->signed_fields) &&
		    find_param(query, "X-Amz-Signature", &parts->signature) &&
		    find_param(query, "X-Amz-Security-Token", &parts->identity.token);

	parts->identity.presigned = true;
	if (!once || !bytes_eq(method, algorithm) ||
	    !read_credential(credential, &parts->identity) || !parts->signed_fields.len ||
	    !parts->signature.len || !parts->stamp.len || !parts->expires.len)
		return SIGV4_INCOMPLETE;
	return SIGV4_OK;
}

static enum sigv4_verdict read_parts(const struct http_head *head, struct parts *parts)
{
	bool in_header = http_find(head, BYTES("Authorization")) != NULL, in_query;
	struct bytes value = BYTES_NONE;

	*parts = (struct parts){ .stamp = BYTES_NONE };
	if (uri_parse_target(head->target, &parts->uri))
		return SIGV4_INCOMPLETE;
	in_query = !find_param(parts->uri.query, "X-Amz-Signature", &value) || value.len > 0;
	if (!in_query)
		in_query = !find_param(parts->uri.query, "X-Amz-Credential", &value) ||
			   value.len > 0;
	if (in_header && in_query)
		return SIGV4_INCOMPLETE; /* which of the two would count? */
	if (in_header)
		return read_header(head, parts);
	return in_query ? read_query(parts) : SIGV4_MISSING;
}

enum sigv4_verdict sigv4_claim(const struct http_head *head, struct sigv4_identity *ret_claim)
{
	struct parts parts;
	enum sigv4_verdict verdict = read_parts(head, &parts);

	if (verdict == SIGV4_MISSING)
		return sigv2_claim(head, ret_claim);
	if (verdict == SIGV4_OK)
		*ret_claim = parts.identity;
	return verdict;
}

/* ---- Signed fields ---- */

/* The next name of "host;x-amz-date" or "host%3Bx-amz-date". */
static bool cut_name(struct bytes *rest, struct bytes *ret_name)
{
	size_t i = 0;

	if (!rest->at)
		return false;
	while (i < rest->len && rest->at[i] != ';' &&
	       !bytes_starts_nocase(bytes_from(*rest, i), BYTES("%3b")))
		i++;
	*ret_name = bytes_upto(*rest, i);
	*rest = i == rest->len ? BYTES_NONE : bytes_from(*rest, i + (rest->at[i] == ';' ? 1 : 3));
	return true;
}

static bool is_signed(struct bytes signed_fields, struct bytes field_name)
{
	struct bytes rest = signed_fields, name;

	while (cut_name(&rest, &name))
		if (bytes_eq_nocase(name, field_name))
			return true;
	return false;
}

/*
 * A field that is not signed may be anybody's. The time and the payload's hash are signed
 * otherwise; of the rest X-Amz-Target would be the worst, for it names the operation.
 */
static bool signs_enough(const struct http_head *head, struct bytes signed_fields)
{
	if (!is_signed(signed_fields, BYTES("host")))
		return false;
	for (unsigned i = 0; i < head->field_count; i++) {
		struct bytes name = head->fields[i].name;

		if (!bytes_starts_nocase(name, BYTES("x-amz-")) ||
		    bytes_eq_nocase(name, BYTES("x-amz-date")) ||
		    bytes_eq_nocase(name, BYTES("x-amz-content-sha256")))
			continue;
		if (!is_signed(signed_fields, name))
			return false;
	}
	return true;
}

static void add_field(struct text *out, const struct http_head *head, struct bytes name)
{
	bool host = bytes_eq_nocase(name, BYTES("host")), any = false;

	for (size_t i = 0; i < name.len; i++)
		text_add_char(out, ascii_lower(name.at[i]));
	text_add_char(out, ':');
	for (unsigned i = 0; i < head->field_count; i++) {
		if (!bytes_eq_nocase(head->fields[i].name, name))
			continue;
		if (any)
			text_add_char(out, ',');
		canonical_value(out, head->fields[i].value);
		any = true;
	}
	if (host && !any)
		canonical_value(out, head->authority); /* HTTP/2 has no Host field */
	text_add_char(out, '\n');
}

static void add_signed_fields(struct text *out, const struct http_head *head, struct bytes fields)
{
	struct bytes rest = fields, name;

	while (cut_name(&rest, &name))
		add_field(out, head, name);
	text_add_char(out, '\n');
	for (rest = fields; cut_name(&rest, &name);) {
		text_add(out, name);
		text_add_char(out, rest.at ? ';' : '\n');
	}
}

/* ---- Verifying ---- */

/* The canonical request with this payload hash, signed; compared with what the request says. */
static enum sigv4_verdict compare(const struct http_head *head, const struct parts *parts,
				  struct bytes secret, struct bytes payload, struct arena *arena)
{
	const struct sigv4_identity *id = &parts->identity;
	struct text request = TEXT_INIT(REQUEST_BYTES_MAX), scope = TEXT_INIT(1024);
	char signature[65] = "";
	err_t err;

	text_add(&request, head->method);
	text_add_char(&request, '\n');
	canonical_path(&request, parts->uri.path, bytes_eq_str(id->service, "s3"));
	text_add_char(&request, '\n');
	err = canonical_query(&request, parts->uri.query, arena);
	text_add_char(&request, '\n');
	add_signed_fields(&request, head, parts->signed_fields);
	text_add(&request, payload);
	canonical_scope(&scope, id->date, id->region, id->service);
	if (!err)
		err = text_err(&request) ? text_err(&request) : text_err(&scope);
	if (!err)
		err = canonical_sign(text_bytes(&request), parts->stamp, text_bytes(&scope), secret,
				     id->date, id->region, id->service, signature);
	text_fini(&request);
	text_fini(&scope);
	if (err || !bytes_eq_secret(bytes_make(signature, 64), parts->signature))
		return SIGV4_MISMATCH;
	return SIGV4_OK;
}

static enum sigv4_verdict check_time(const struct parts *parts, uint64_t now_ms)
{
	uint64_t then_ms, expires_s;

	if (when_parse_basic(parts->stamp, &then_ms))
		return SIGV4_INCOMPLETE;
	if (!bytes_eq(bytes_upto(parts->stamp, 8), parts->identity.date))
		return SIGV4_MISMATCH; /* the key was made for another day */
	if (then_ms > now_ms + SKEW_MS_MAX)
		return SIGV4_SKEWED;
	if (!parts->identity.presigned)
		return now_ms > then_ms + SKEW_MS_MAX ? SIGV4_SKEWED : SIGV4_OK;
	if (bytes_to_u64(parts->expires, EXPIRES_S_MAX, &expires_s) || expires_s == 0)
		return SIGV4_INCOMPLETE;
	return now_ms > then_ms + expires_s * 1000 ? SIGV4_EXPIRED : SIGV4_OK;
}

enum sigv4_verdict sigv4_verify(const struct http_head *head, const struct sigv4_identity *claim,
				struct bytes secret, struct bytes body_sha256_hex,
				uint64_t now_unix_ms, struct arena *arena)
{
	struct bytes stated = http_value(head, BYTES("X-Amz-Content-Sha256"));
	bool s3 = bytes_eq_str(claim->service, "s3"), may_be_unsigned;
	struct parts parts;
	enum sigv4_verdict verdict = read_parts(head, &parts);

	if (verdict == SIGV4_OK)
		verdict = check_time(&parts, now_unix_ms);
	if (verdict == SIGV4_OK && !signs_enough(head, parts.signed_fields))
		verdict = SIGV4_MISMATCH;
	if (verdict != SIGV4_OK)
		return verdict;

	may_be_unsigned = s3 || (claim->presigned && bytes_eq(body_sha256_hex, empty_sha256));
	if (stated.len && !bytes_eq(stated, body_sha256_hex) &&
	    !(may_be_unsigned && bytes_eq(stated, unsigned_payload)))
		return SIGV4_BAD_PAYLOAD;
	if (stated.len)
		return compare(head, &parts, secret, stated, arena);
	verdict = compare(head, &parts, secret, body_sha256_hex, arena);
	/* A presigned request does not say which of the two its maker meant. */
	if (verdict == SIGV4_MISMATCH && claim->presigned && may_be_unsigned)
		verdict = compare(head, &parts, secret, unsigned_payload, arena);
	return verdict;
}

/* ---- Bodies that come later ---- */

static const struct {
	const char *word;
	enum sigv4_payload kind;
} payloads[] = {
	{ "UNSIGNED-PAYLOAD", SIGV4_UNSIGNED },
	{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SIGV4_CHUNKS },
	{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", SIGV4_CHUNKS_TRAILER },
	{ "STREAMING-UNSIGNED-PAYLOAD-TRAILER", SIGV4_CHUNKS_UNSIGNED },
};

static bool is_hash(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!(text.at[i] >= '0' && text.at[i] <= '9') &&
		    !(text.at[i] >= 'a' && text.at[i] <= 'f'))
			return false;
	return text.len == SHA256_HEX_BYTES;
}

err_t sigv4_payload_of(const struct http_head *head, struct sigv4_seed *ret_seed)
{
	struct bytes stated = http_value(head, BYTES("X-Amz-Content-Sha256"));

	*ret_seed = (struct sigv4_seed){ .kind = SIGV4_UNSIGNED };
	if (!stated.len)
		return ERR_OK;
	if (is_hash(stated)) {
		ret_seed->kind = SIGV4_HASH;
		memcpy(ret_seed->hash, stated.at, stated.len);
		return ERR_OK;
	}
	for (size_t i = 0; i < COUNT(payloads); i++) {
		if (!bytes_eq_str(stated, payloads[i].word))
			continue;
		ret_seed->kind = payloads[i].kind;
		return ERR_OK;
	}
	return ERR_SYNTAX;
}

enum sigv4_verdict sigv4_verify_head(const struct http_head *head,
				     const struct sigv4_identity *claim, struct bytes secret,
				     uint64_t now_unix_ms, struct arena *arena,
				     struct sigv4_seed *ret_seed)
{
	struct bytes stated = http_value(head, BYTES("X-Amz-Content-Sha256"));
	struct text scope = TEXT_INIT(SIGV4_SCOPE_BYTES - 1);
	struct parts parts;
	enum sigv4_verdict verdict = read_parts(head, &parts);

	if (verdict == SIGV4_OK)
		verdict = check_time(&parts, now_unix_ms);
	if (verdict == SIGV4_OK && !signs_enough(head, parts.signed_fields))
		verdict = SIGV4_MISMATCH;
	if (verdict == SIGV4_OK &&
	    (sigv4_payload_of(head, ret_seed) || (!stated.len && !claim->presigned)))
		verdict = SIGV4_BAD_PAYLOAD;
	if (verdict == SIGV4_OK)
		verdict = compare(head, &parts, secret, stated.len ? stated : unsigned_payload,
				  arena);
	if (verdict != SIGV4_OK)
		return verdict;
	canonical_scope(&scope, claim->date, claim->region, claim->service);
	if (text_err(&scope) || parts.stamp.len >= sizeof ret_seed->stamp ||
	    canonical_key(secret, claim->date, claim->region, claim->service, ret_seed->key))
		verdict = SIGV4_INCOMPLETE;
	else
		memcpy(ret_seed->scope, text_str(&scope), scope.len + 1);
	text_fini(&scope);
	if (verdict != SIGV4_OK)
		return verdict;
	memcpy(ret_seed->stamp, parts.stamp.at, parts.stamp.len);
	memcpy(ret_seed->signature, parts.signature.at, SHA256_HEX_BYTES); /* as compared */
	ret_seed->verify = true;
	return SIGV4_OK;
}

/* ---- Signing ---- */

/* What is signed of the head, sorted by name. */
struct signing {
	struct http_field fields[SIGV4_EXTRA_MAX + 4];
	unsigned count;
};

static int by_field_name(const void *left, const void *right)
{
	const struct http_field *a = left, *b = right;

	return bytes_cmp(a->name, b->name);
}

static err_t add_lowered(struct signing *signing, struct bytes name, struct bytes value,
			 struct arena *arena)
{
	char *lower = arena_alloc(arena, name.len + 1);

	if (!lower)
		return ERR_NOMEM;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = ascii_lower(name.at[i]);
	signing->fields[signing->count++] = (struct http_field){ bytes_make(lower, name.len),
								 value };
	return ERR_OK;
}

static err_t collect(const struct sigv4_request *r, struct bytes stamp, struct bytes payload,
		     struct arena *arena, struct signing *signing)
{
	assert(r->extra_count <= SIGV4_EXTRA_MAX);
	TRY(add_lowered(signing, BYTES("host"), r->host, arena));
	TRY(add_lowered(signing, BYTES("x-amz-content-sha256"), payload, arena));
	TRY(add_lowered(signing, BYTES("x-amz-date"), stamp, arena));
	if (r->token.len)
		TRY(add_lowered(signing, BYTES("x-amz-security-token"), r->token, arena));
	for (unsigned i = 0; i < r->extra_count; i++)
		TRY(add_lowered(signing, r->extra[i].name, r->extra[i].value, arena));
	qsort(signing->fields, signing->count, sizeof signing->fields[0], by_field_name);
	return ERR_OK;
}

static void write_names(struct text *out, const struct signing *signing)
{
	for (unsigned i = 0; i < signing->count; i++) {
		if (i)
			text_add_char(out, ';');
		text_add(out, signing->fields[i].name);
	}
}

static err_t write_request(const struct sigv4_request *r, const struct signing *signing,
			   struct bytes payload, struct arena *arena, struct text *out)
{
	text_add(out, r->method);
	text_add_char(out, '\n');
	canonical_path(out, r->path, bytes_eq_str(r->service, "s3"));
	text_add_char(out, '\n');
	TRY(canonical_query(out, r->query, arena));
	text_add_char(out, '\n');
	for (unsigned i = 0; i < signing->count; i++) {
		text_printf(out, "%.*s:", BYTES_ARG(signing->fields[i].name));
		canonical_value(out, signing->fields[i].value);
		text_add_char(out, '\n');
	}
	text_add_char(out, '\n');
	write_names(out, signing);
	text_printf(out, "\n%.*s", BYTES_ARG(payload));
	return text_err(out);
}

static err_t write_authorization(const struct sigv4_request *r, const struct signing *signing,
				 const char *scope, const char *signature, struct arena *arena,
				 struct bytes *ret_value)
{
	struct text value = TEXT_INIT(REQUEST_BYTES_MAX);
	err_t err;

	text_printf(&value,
		    "AWS4-HMAC-SHA256 Credential=%.*s/%s, SignedHeaders=", BYTES_ARG(r->access_key),
		    scope);
	write_names(&value, signing);
	text_printf(&value, ", Signature=%s", signature);
	err = text_err(&value) ? text_err(&value)
			       : arena_copy(arena, text_bytes(&value), ret_value);
	text_fini(&value);
	return err;
}

err_t sigv4_sign(const struct sigv4_request *r, struct arena *arena,
		 struct bytes *ret_authorization, struct bytes *ret_date,
		 struct bytes *ret_payload_hash)
{
	struct text request = TEXT_INIT(REQUEST_BYTES_MAX), scope = TEXT_INIT(1024);
	char hash[SHA256_HEX_BYTES + 1], stamp[WHEN_ISO_BYTES + 1], signature[65];
	struct signing signing = { .count = 0 };
	struct bytes payload = r->payload, date;
	err_t err;

	if (!payload.len) {
		sha256_hex(r->body, hash);
		payload = bytes_of(hash);
	}
	when_basic(r->now_unix_ms, stamp);
	date = bytes_make(stamp, 8);
	canonical_scope(&scope, date, r->region, r->service);
	err = collect(r, bytes_of(stamp), payload, arena, &signing);
	if (!err)
		err = write_request(r, &signing, payload, arena, &request);
	if (!err)
		err = text_err(&scope);
	if (!err)
		err = canonical_sign(text_bytes(&request), bytes_of(stamp), text_bytes(&scope),
				     r->secret, date, r->region, r->service, signature);
	if (!err)
		err = write_authorization(r, &signing, text_str(&scope), signature, arena,
					  ret_authorization);
	text_fini(&request);
	text_fini(&scope);
	TRY(err);
	TRY(arena_copy(arena, bytes_of(stamp), ret_date));
	return arena_copy(arena, payload, ret_payload_hash);
}
