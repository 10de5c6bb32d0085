#include "lb/oidc_internal.h"

#include "base/encode.h"
#include "crypto/random.h"
#include "http/cookie.h"

/*
 * `state` is version (1) ‖ made at, Unix seconds (8) ‖ SHA-256 of the nonce (32) ‖ where to go back
 * to; sealed, in base64url.
 */
enum {
	STATE_VERSION = 1,
	STATE_HEAD_BYTES = 1 + 8 + SHA256_BYTES,
	STATE_TEXT_MAX = 4 * 1024,
};

static struct bytes state_context(const struct oidc *o, char out[SESSION_CONTEXT_MAX + 6])
{
	memcpy(out, "state ", 6);
	memcpy(out + 6, o->seal.context.at, o->seal.context.len);
	return bytes_make(out, 6 + o->seal.context.len);
}

static bool is_nonce(struct bytes value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!(value.at[i] >= '0' && value.at[i] <= '9') &&
		    !(value.at[i] >= 'a' && value.at[i] <= 'f'))
			return false;
	return value.len == OIDC_NONCE_DIGITS;
}

/*
 * A browser that signs in by two tabs at once keeps the nonce of the first: both callbacks are
 * good then.
 */
struct bytes oidc_nonce(const struct oidc_request *request, char made[OIDC_NONCE_DIGITS + 1])
{
	struct bytes brought = cookie_find(request->head, NONCE_COOKIE);

	if (is_nonce(brought))
		return brought;
	random_hex(made, OIDC_NONCE_DIGITS);
	return bytes_make(made, OIDC_NONCE_DIGITS);
}

static void add_back(struct text *out, const struct route_facts *facts)
{
	bool whole = facts->path.len + facts->query.len < OIDC_URI_MAX;

	if (!bytes_starts(facts->path, BYTES("/")) || facts->path.len > OIDC_URI_MAX) {
		text_add_char(out, '/');
		return;
	}
	text_add(out, facts->path);
	if (whole && facts->query.at) {
		text_add_char(out, '?');
		text_add(out, facts->query);
	}
}

err_t oidc_make_state(struct oidc *o, const struct oidc_request *request,
		      const uint8_t digest[SHA256_BYTES], struct bytes *ret_state)
{
	struct text plain = TEXT_INIT(STATE_TEXT_MAX), sealed = TEXT_INIT(STATE_TEXT_MAX);
	struct text state = TEXT_INIT(2 * STATE_TEXT_MAX);
	char context[SESSION_CONTEXT_MAX + 6];
	err_t err;

	text_add_char(&plain, STATE_VERSION);
	for (int shift = 56; shift >= 0; shift -= 8)
		text_add_char(&plain, (char)(request->unix_s >> shift & 0xff));
	text_add(&plain, bytes_make(digest, SHA256_BYTES));
	add_back(&plain, request->facts);
	err = text_err(&plain);
	if (!err)
		err = seal(o->seal.key, text_bytes(&plain), state_context(o, context), &sealed);
	if (!err)
		encode_base64url(&state, text_bytes(&sealed));
	text_fini(&plain);
	text_fini(&sealed);
	if (err) {
		text_fini(&state);
		return err;
	}
	return oidc_keep(o, &state, ret_state);
}

bool oidc_open_state(const struct oidc *o, struct arena *arena, struct bytes value,
		     struct oidc_state *ret_state)
{
	struct text sealed = TEXT_INIT(STATE_TEXT_MAX), plain = TEXT_INIT(STATE_TEXT_MAX);
	char context[SESSION_CONTEXT_MAX + 6];
	struct bytes copy;
	bool good = !decode_base64url(&sealed, value) &&
		    !seal_open(o->seal.key, text_bytes(&sealed), state_context(o, context),
			       &plain) &&
		    plain.len > STATE_HEAD_BYTES && plain.at[0] == STATE_VERSION &&
		    !arena_copy(arena, text_bytes(&plain), &copy);

	text_fini(&sealed);
	text_fini(&plain);
	if (!good)
		return false;
	*ret_state = (struct oidc_state){ .digest = (const uint8_t *)copy.at + 9,
					  .back = bytes_from(copy, STATE_HEAD_BYTES) };
	for (int i = 1; i < 9; i++)
		ret_state->made_s = ret_state->made_s << 8 | (uint8_t)copy.at[i];
	return true;
}

bool oidc_knows_state(const struct oidc *o, const struct oidc_request *request)
{
	struct arena arena;
	struct oidc_state state;
	struct bytes value;
	bool known;

	arena_init(&arena, 64 * 1024);
	value = oidc_parameter(&arena, request->facts->query, "state");
	known = value.len && oidc_open_state(o, &arena, value, &state);
	arena_fini(&arena);
	return known;
}
