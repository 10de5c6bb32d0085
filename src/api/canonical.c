#include "api/canonical.h"

#include <stdlib.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "http/uri.h"

enum { STRING_TO_SIGN_BYTES_MAX = 4096, SECRET_BYTES_MAX = 256 };

/* ---- Path ---- */

/* Cuts the last segment and the slash before it. */
static void drop_segment(struct text *out, size_t start)
{
	size_t len = out->len;

	while (len > start && out->at[len - 1] != '/')
		len--;
	if (len > start)
		len--;
	out->len = len;
}

void canonical_path(struct text *out, struct bytes path, bool s3)
{
	struct bytes rest = path, segment;
	struct text plain = TEXT_INIT(64 * 1024);
	size_t start = out->len;

	if (s3) {
		/* However a client encoded it, S3 signs what encoding once gives. */
		bool good = decode_percent(&plain, path, false) == ERR_OK;

		encode_percent(out, good ? text_bytes(&plain) : path, true);
		text_fini(&plain);
		if (out->len == start)
			text_add_char(out, '/');
		return;
	}
	while (rest.at && bytes_cut(&rest, '/', &segment)) {
		if (segment.len == 0 || bytes_eq_str(segment, "."))
			continue;
		if (bytes_eq_str(segment, "..")) {
			drop_segment(out, start);
			continue;
		}
		text_add_char(out, '/');
		encode_percent(out, segment, false);
	}
	if (out->len == start || (path.len && path.at[path.len - 1] == '/'))
		text_add_char(out, '/');
}

/* ---- Query ---- */

struct param {
	struct bytes name, value;
};

static int by_name_then_value(const void *left, const void *right)
{
	const struct param *a = left, *b = right;
	int order = bytes_cmp(a->name, b->name);

	return order ? order : bytes_cmp(a->value, b->value);
}

/* Decoded and encoded again, so that "%7e" and "~" are the same. A plus is a plus here. */
static err_t respell(struct bytes in, struct arena *arena, struct bytes *ret_out)
{
	struct text plain = TEXT_INIT(64 * 1024), again = TEXT_INIT(192 * 1024);
	err_t err = decode_percent(&plain, in, false);

	if (!err) {
		encode_percent(&again, text_bytes(&plain), false);
		err = text_err(&again);
	}
	if (!err)
		err = arena_copy(arena, text_bytes(&again), ret_out);
	text_fini(&plain);
	text_fini(&again);
	return err;
}

err_t canonical_query(struct text *out, struct bytes query, struct arena *arena)
{
	struct bytes rest = query, name, value;
	struct param *params;
	size_t count = 0, room = 1;

	for (size_t i = 0; i < query.len; i++)
		room += query.at[i] == '&';
	params = arena_array(arena, room, sizeof *params);
	if (!params)
		return ERR_NOMEM;
	while (uri_query_cut(&rest, &name, &value)) {
		struct param *param = &params[count];

		assert(count < room);
		TRY(respell(name, arena, &param->name));
		TRY(respell(value, arena, &param->value));
		if (!bytes_eq_str(param->name, "X-Amz-Signature"))
			count++;
	}
	qsort(params, count, sizeof *params, by_name_then_value);
	for (size_t i = 0; i < count; i++) {
		if (i)
			text_add_char(out, '&');
		text_add(out, params[i].name);
		text_add_char(out, '=');
		text_add(out, params[i].value);
	}
	return text_err(out);
}

/* ---- Fields ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

void canonical_value(struct text *out, struct bytes value)
{
	value = bytes_trim(value);
	for (size_t i = 0; i < value.len; i++) {
		if (!is_blank(value.at[i]))
			text_add_char(out, value.at[i]);
		else if (!is_blank(value.at[i - 1]))
			text_add_char(out, ' ');
	}
}

/* ---- Signature ---- */

void canonical_scope(struct text *out, struct bytes date, struct bytes region, struct bytes service)
{
	text_add(out, date);
	text_add_char(out, '/');
	text_add(out, region);
	text_add_char(out, '/');
	text_add(out, service);
	text_add_str(out, "/aws4_request");
}

/* secret → date → region → service → "aws4_request" → the string to sign. */
static void sign_through(struct bytes first_key, const struct bytes *steps, size_t count,
			 uint8_t mac[SHA256_BYTES])
{
	uint8_t next[SHA256_BYTES];
	struct bytes key = first_key;

	for (size_t i = 0; i < count; i++) {
		hmac_sha256(key, steps[i], next);
		memcpy(mac, next, SHA256_BYTES);
		key = bytes_make(mac, SHA256_BYTES);
	}
}

err_t canonical_key(struct bytes secret, struct bytes date, struct bytes region,
		    struct bytes service, uint8_t out[SHA256_BYTES])
{
	struct bytes steps[] = { date, region, service, BYTES("aws4_request") };
	struct text key = TEXT_INIT(SECRET_BYTES_MAX);
	err_t err;

	text_add_str(&key, "AWS4");
	text_add(&key, secret);
	err = text_err(&key);
	if (!err)
		sign_through(text_bytes(&key), steps, COUNT(steps), out);
	text_fini(&key);
	return err;
}

err_t canonical_sign(struct bytes request, struct bytes stamp, struct bytes scope,
		     struct bytes secret, struct bytes date, struct bytes region,
		     struct bytes service, char out[65])
{
	struct text to_sign = TEXT_INIT(STRING_TO_SIGN_BYTES_MAX);
	char hash[SHA256_HEX_BYTES + 1];
	uint8_t key[SHA256_BYTES], mac[SHA256_BYTES];
	err_t err = canonical_key(secret, date, region, service, key);

	sha256_hex(request, hash);
	text_printf(&to_sign, "AWS4-HMAC-SHA256\n%.*s\n%.*s\n%s", BYTES_ARG(stamp),
		    BYTES_ARG(scope), hash);
	if (!err)
		err = text_err(&to_sign);
	if (!err) {
		hmac_sha256(bytes_make(key, sizeof key), text_bytes(&to_sign), mac);
		sha256_to_hex(mac, out);
	}
	text_fini(&to_sign);
	return err;
}
