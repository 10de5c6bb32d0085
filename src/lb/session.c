#include "lb/session.h"

#include "base/encode.h"
#include "base/when.h"
#include "crypto/digest.h"
#include "http/cookie.h"
#include "lb/sticky.h"

/*
 * A value is version (1) ‖ until (8) ‖ token_until (8) ‖ four texts, each with its length (4)
 * before it; big-endian, sealed, in base64url.
 */
enum { VALUE_VERSION = 1, HEAD_BYTES = 17, TEXTS = 4, NAME_MAX = 160 };

_Static_assert(SESSION_CLAIMS_MAX < SESSION_PLAIN_MAX, "what is let through can be kept");

err_t session_seal_init(struct session_seal *seal, const uint8_t master[SEAL_KEY_BYTES],
			struct bytes scope, const struct oidc_config *oidc)
{
	static const char purpose[] = "weir session ";
	struct text text = TEXT_INIT(SESSION_CONTEXT_MAX);
	err_t err;

	_Static_assert(sizeof seal->key == SHA256_BYTES, "a digest is a key");
	text_add_str(&text, purpose);
	text_add(&text, scope);
	err = text_err(&text);
	if (!err) {
		hmac_sha256(bytes_make(master, SEAL_KEY_BYTES), text_bytes(&text), seal->key);
		text_clear(&text);
		text_add(&text, oidc->issuer);
		text_add_char(&text, ' ');
		text_add(&text, oidc->client_id);
		err = text_err(&text);
	}
	if (!err) {
		memcpy(seal->text, text.at, text.len);
		seal->context = bytes_make(seal->text, text.len);
	}
	text_fini(&text);
	return err;
}

/* ---- Values ---- */

static void put_number(struct text *out, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0)
		text_add_char(out, (char)(value >> (8 * bytes) & 0xff));
}

static uint64_t take_number(struct bytes *rest, unsigned bytes)
{
	uint64_t value = 0;

	assert(rest->len >= bytes);
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | (uint8_t)rest->at[i];
	*rest = bytes_from(*rest, bytes);
	return value;
}

static void put_text(struct text *out, struct bytes text)
{
	put_number(out, text.len, 4);
	text_add(out, text);
}

static bool take_text(struct bytes *rest, struct bytes *ret_text)
{
	uint64_t len;

	if (rest->len < 4)
		return false;
	len = take_number(rest, 4);
	if (len > rest->len)
		return false;
	*ret_text = bytes_upto(*rest, (size_t)len);
	*rest = bytes_from(*rest, (size_t)len);
	return true;
}

static bool plain_read(struct bytes plain, struct session *session)
{
	if (plain.len < HEAD_BYTES || plain.at[0] != VALUE_VERSION)
		return false;
	plain = bytes_from(plain, 1);
	session->until_s = take_number(&plain, 8);
	session->token_until_s = take_number(&plain, 8);
	return take_text(&plain, &session->access_token) &&
	       take_text(&plain, &session->refresh_token) && take_text(&plain, &session->subject) &&
	       take_text(&plain, &session->claims) && plain.len == 0;
}

/* ---- Reading ---- */

static struct bytes shard_name(struct bytes name, unsigned index, char out[NAME_MAX])
{
	size_t len = size_min(name.len, NAME_MAX - 2);

	memcpy(out, name.at, len);
	out[len] = '-';
	out[len + 1] = (char)('0' + index);
	return bytes_make(out, len + 2);
}

enum session_verdict session_read(const struct session_seal *seal, struct bytes cookie_name,
				  const struct http_head *request, struct arena *arena,
				  struct session *ret_session)
{
	struct text value = TEXT_INIT(SESSION_COOKIES_MAX * SESSION_COOKIE_BYTES);
	struct text sealed = TEXT_INIT(SESSION_COOKIES_MAX * SESSION_COOKIE_BYTES);
	struct text plain = TEXT_INIT(SEAL_PLAIN_MAX);
	enum session_verdict verdict = SESSION_INVALID;
	char name[NAME_MAX];
	unsigned found = 0;
	struct bytes copy;

	for (; found < SESSION_COOKIES_MAX; found++) {
		struct bytes shard = cookie_find(request, shard_name(cookie_name, found, name));

		if (!shard.at)
			break;
		text_add(&value, shard);
	}
	if (!found || !value.len)
		verdict = SESSION_ABSENT;
	else if (!text_err(&value) && !decode_base64url(&sealed, text_bytes(&value)) &&
		 !seal_open(seal->key, text_bytes(&sealed), seal->context, &plain) &&
		 !arena_copy(arena, text_bytes(&plain), &copy) && plain_read(copy, ret_session))
		verdict = SESSION_FOUND;
	if (plain.at)
		explicit_bzero(plain.at, plain.cap);
	text_fini(&value);
	text_fini(&sealed);
	text_fini(&plain);
	return verdict;
}

/* ---- Setting ---- */

err_t session_add_cookie(struct bytes name, struct bytes value, uint64_t expires_unix_s,
			 const struct http_head *request, struct arena *arena,
			 struct session_cookies *cookies)
{
	char date[WHEN_HTTP_BYTES + 1], *text;

	assert(cookies->count < COUNT(cookies->values));
	when_http(expires_unix_s * 1000, date);
	text = arena_printf(arena, "%.*s=%.*s; Expires=%s; Path=/;%s Secure; HttpOnly",
			    BYTES_ARG(name), BYTES_ARG(value), date,
			    sticky_cross_site(request) ? " SameSite=None;" : "");
	if (!text)
		return ERR_NOMEM;
	cookies->values[cookies->count++] = bytes_of(text);
	return ERR_OK;
}

static err_t forget_from(unsigned first, struct bytes cookie_name, const struct http_head *request,
			 struct arena *arena, struct session_cookies *cookies)
{
	char name[NAME_MAX];

	for (unsigned i = first; i < SESSION_COOKIES_MAX; i++) {
		struct bytes shard = shard_name(cookie_name, i, name);

		if (cookie_find(request, shard).at)
			TRY(session_add_cookie(shard, BYTES(""), 0, request, arena, cookies));
	}
	return ERR_OK;
}

err_t session_forget(struct bytes cookie_name, const struct http_head *request, struct arena *arena,
		     struct session_cookies *cookies)
{
	return forget_from(0, cookie_name, request, arena, cookies);
}

static err_t set_shards(struct bytes value, struct bytes cookie_name,
			const struct http_head *request, uint64_t unix_s, struct arena *arena,
			struct session_cookies *cookies)
{
	size_t shard_max = SESSION_COOKIE_BYTES - 3 - cookie_name.len; /* "NAME-0=" */
	uint64_t expires = unix_s + SESSION_CLIENT_DAYS * 24 * 3600;
	char name[NAME_MAX];
	unsigned index = 0;

	if (value.len > SESSION_COOKIES_MAX * shard_max)
		return ERR_TOO_LARGE;
	for (; value.len; index++) {
		struct bytes shard = bytes_upto(value, shard_max);

		TRY(session_add_cookie(shard_name(cookie_name, index, name), shard, expires,
				       request, arena, cookies));
		value = bytes_from(value, shard.len);
	}
	return forget_from(index, cookie_name, request, arena, cookies);
}

err_t session_set(const struct session_seal *seal_with, struct bytes cookie_name,
		  const struct session *session, const struct http_head *request, uint64_t unix_s,
		  struct arena *arena, struct session_cookies *cookies)
{
	struct text plain = TEXT_INIT(SESSION_PLAIN_MAX);
	struct text sealed = TEXT_INIT(SESSION_PLAIN_MAX + SEAL_OVERHEAD_BYTES);
	struct text value = TEXT_INIT(SESSION_COOKIES_MAX * SESSION_COOKIE_BYTES);
	err_t err;

	text_add_char(&plain, VALUE_VERSION);
	put_number(&plain, session->until_s, 8);
	put_number(&plain, session->token_until_s, 8);
	put_text(&plain, session->access_token);
	put_text(&plain, session->refresh_token);
	put_text(&plain, session->subject);
	put_text(&plain, session->claims);
	err = text_err(&plain);
	if (!err)
		err = seal(seal_with->key, text_bytes(&plain), seal_with->context, &sealed);
	if (!err) {
		encode_base64url(&value, text_bytes(&sealed));
		err = text_err(&value);
	}
	if (!err)
		err = set_shards(text_bytes(&value), cookie_name, request, unix_s, arena, cookies);
	if (plain.at)
		explicit_bzero(plain.at, plain.cap);
	text_fini(&plain);
	text_fini(&sealed);
	text_fini(&value);
	return err;
}
