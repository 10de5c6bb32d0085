#include "lb/oidc_internal.h"

#include <stdlib.h>

#include "base/encode.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "http/cookie.h"
#include "http/uri.h"
#include "lb/jose.h"

enum {
	FORM_MAX = 32 * 1024,
	HEADER_MAX = 64 * 1024,
	SKEW_S = 60, /* how far the provider's clock may be off ours */
};

/* ---- How it fails: reference/alb.md §7.2, and §6.2 for the status ---- */

struct failure {
	const char *reason;
	uint16_t status;
	int counter;
};

#define FAILURE(name, status, counter) \
	static const struct failure name = { #name, status, COUNTER_AUTH_##counter }

FAILURE(AuthInvalidCookie, 401, FAILURES);
FAILURE(AuthInvalidGrantError, 401, FAILURES);
FAILURE(AuthInvalidIdToken, 401, FAILURES);
FAILURE(AuthInvalidStateParam, 401, FAILURES);
FAILURE(AuthInvalidTokenResponse, 401, FAILURES);
FAILURE(AuthInvalidUserinfoResponse, 401, FAILURES);
FAILURE(AuthMissingCodeParam, 401, FAILURES);
FAILURE(AuthMissingStateParam, 401, FAILURES);
FAILURE(AuthInvalidAWSALBAuthNonce, 401, FAILURES);
FAILURE(AuthMissingAWSALBAuthNonce, 401, FAILURES);
FAILURE(AuthMissingHostHeader, 401, ERRORS);
FAILURE(AuthTokenEpRequestFailed, 561, ERRORS);
FAILURE(AuthTokenEpRequestTimeout, 500, ERRORS);
FAILURE(AuthUserinfoEpRequestFailed, 561, ERRORS);
FAILURE(AuthUserinfoEpRequestTimeout, 500, ERRORS);
FAILURE(AuthUserinfoResponseSizeExceeded, 500, CLAIMS_SIZE);

/* The provider sent the client back with an error of its own. */
static const struct failure provider_denied = { "AuthMissingCodeParam", 401,
						COUNTER_AUTH_FAILURES };
static const struct failure provider_failed = { "AuthMissingCodeParam", 561, COUNTER_AUTH_ERRORS };
/* `deny`, and nobody is signed in: nothing went wrong. */
static const struct failure denied = { NULL, 401, OIDC_NO_COUNTER };

static err_t fail(struct oidc *o, const struct failure *failure, struct oidc_step *step)
{
	o->stage = OIDC_RESTING;
	step->order = OIDC_ANSWER;
	step->status = failure->status;
	step->error_reason = failure->reason;
	step->counter = failure->counter;
	return ERR_OK;
}

static struct oidc_step empty_step(void)
{
	return (struct oidc_step){ .order = OIDC_ANSWER, .counter = OIDC_NO_COUNTER };
}

/* ---- Life ---- */

err_t oidc_init(struct oidc *o, const struct oidc_config *config, const struct oidc_house *house)
{
	*o = (struct oidc){ .config = config, .house = house };
	arena_init(&o->arena, OIDC_ARENA_MAX);
	return session_seal_init(&o->seal, house->master, house->load_balancer_id, config);
}

void oidc_fini(struct oidc *o)
{
	explicit_bzero(o->seal.key, sizeof o->seal.key);
	arena_fini(&o->arena);
}

err_t oidc_keep(struct oidc *o, struct text *text, struct bytes *ret_bytes)
{
	err_t err = text_err(text);

	if (!err)
		err = arena_copy(&o->arena, text_bytes(text), ret_bytes);
	if (text->at)
		explicit_bzero(text->at, text->cap);
	text_fini(text);
	return err;
}

/* ---- URLs and forms ---- */

static void add_parameter(struct text *out, const char *before, const char *name,
			  struct bytes value)
{
	text_add_str(out, before);
	text_add_str(out, name);
	text_add_char(out, '=');
	encode_percent(out, value, false);
}

static err_t redirect_uri(struct oidc *o, const struct oidc_request *request, struct bytes *ret_uri)
{
	struct text uri = TEXT_INIT(LOCATION_MAX);

	text_add_str(&uri, "https://");
	text_add(&uri, request->facts->host);
	text_add_str(&uri, OIDC_CALLBACK_PATH);
	return oidc_keep(o, &uri, ret_uri);
}

struct bytes oidc_parameter(struct arena *arena, struct bytes query, const char *name)
{
	struct bytes rest = query, key, value, found = BYTES_NONE;
	struct text plain = TEXT_INIT(LOCATION_MAX);

	while (uri_query_cut(&rest, &key, &value))
		if (bytes_eq_str(key, name) && value.at) {
			if (!decode_percent(&plain, value, true) &&
			    arena_copy(arena, text_bytes(&plain), &found))
				found = BYTES_NONE;
			break;
		}
	text_fini(&plain);
	return found;
}

/* ---- To the provider ---- */

static err_t locate(struct oidc *o, struct bytes uri, struct bytes state, const char *nonce,
		    struct bytes *ret_location)
{
	const struct oidc_config *config = o->config;
	struct text to = TEXT_INIT(LOCATION_MAX);
	bool has_query = bytes_index(config->authorization_endpoint, '?') != SIZE_MAX;

	text_add(&to, config->authorization_endpoint);
	add_parameter(&to, has_query ? "&" : "?", "client_id", config->client_id);
	add_parameter(&to, "&", "redirect_uri", uri);
	add_parameter(&to, "&", "response_type", BYTES("code"));
	add_parameter(&to, "&", "scope", config->scope);
	add_parameter(&to, "&", "state", state);
	add_parameter(&to, "&", "nonce", bytes_of(nonce));
	for (unsigned i = 0; i < config->extra_count; i++) {
		text_add_char(&to, '&');
		encode_percent(&to, config->extra[i].name, false);
		text_add_char(&to, '=');
		encode_percent(&to, config->extra[i].value, false);
	}
	return oidc_keep(o, &to, ret_location);
}

static err_t send_to_provider(struct oidc *o, const struct oidc_request *request,
			      struct oidc_step *step)
{
	char made[OIDC_NONCE_DIGITS + 1], hex[SHA256_HEX_BYTES + 1];
	uint8_t digest[SHA256_BYTES];
	struct bytes nonce = oidc_nonce(request, made), uri, state;

	o->stage = OIDC_RESTING;
	/* Without a Host there is no address the provider could send the client back to. */
	if (!request->head->authority.len)
		return fail(o, &AuthMissingHostHeader, step);
	sha256(nonce, digest);
	sha256_hex(nonce, hex);
	TRY(redirect_uri(o, request, &uri));
	TRY(oidc_make_state(o, request, digest, &state));
	TRY(locate(o, uri, state, hex, &step->location));
	step->order = OIDC_ANSWER;
	step->status = 302;
	return session_add_cookie(NONCE_COOKIE, nonce, request->unix_s + OIDC_LOGIN_S,
				  request->head, &o->arena, &step->cookies);
}

/* ---- Forwarding ---- */

static json_t *data_header(const struct oidc *o, uint64_t unix_s)
{
	const struct oidc_house *house = o->house;

	return json_pack("{s:s, s:s%, s:s, s:s%, s:s%, s:s%, s:I}", "typ", "JWT", "kid",
			 house->kid.at, house->kid.len, "alg", "ES256", "iss", o->config->issuer.at,
			 o->config->issuer.len, "client", o->config->client_id.at,
			 o->config->client_id.len, "signer", house->load_balancer_arn.at,
			 house->load_balancer_arn.len, "exp", (json_int_t)(unix_s + OIDC_DATA_S));
}

static err_t make_data(struct oidc *o, uint64_t unix_s, struct bytes *ret_data)
{
	json_t *header = data_header(o, unix_s);
	json_t *claims = json_loadb(o->session.claims.at, o->session.claims.len, 0, NULL);
	struct text data = TEXT_INIT(HEADER_MAX);
	err_t err = ERR_NOMEM;

	if (header && claims &&
	    !json_object_set_new(claims, "exp", json_integer((json_int_t)(unix_s + OIDC_DATA_S))) &&
	    !json_object_set_new(claims, "iss",
				 json_stringn(o->config->issuer.at, o->config->issuer.len)))
		err = jose_sign(o->house->sign, header, claims, true, &data);
	json_decref(header);
	json_decref(claims);
	if (err) {
		text_fini(&data);
		return err;
	}
	return oidc_keep(o, &data, ret_data);
}

static err_t forward_as(struct oidc *o, const struct oidc_request *request, struct oidc_step *step)
{
	o->stage = OIDC_RESTING;
	step->order = OIDC_FORWARD;
	step->access_token = o->session.access_token;
	step->identity = o->session.subject;
	return make_data(o, request->unix_s, &step->data);
}

static err_t nobody(struct oidc *o, const struct oidc_request *request,
		    const struct failure *failure, struct oidc_step *step)
{
	switch (o->config->on_unauthenticated) {
	case ON_UNAUTHENTICATED_ALLOW: step->order = OIDC_FORWARD; return ERR_OK;
	case ON_UNAUTHENTICATED_DENY: return fail(o, failure ? failure : &denied, step);
	case ON_UNAUTHENTICATED_LOGIN: break;
	}
	return failure ? fail(o, failure, step) : send_to_provider(o, request, step);
}

/* ---- Asking ---- */

/* RFC 6749 §2.3.1: both halves form-encoded, then as a user and password. */
static err_t client_authorization(struct oidc *o, struct bytes *ret_value)
{
	struct text pair = TEXT_INIT(FORM_MAX), value = TEXT_INIT(FORM_MAX);
	err_t err;

	encode_percent(&pair, o->config->client_id, false);
	text_add_char(&pair, ':');
	encode_percent(&pair, o->config->client_secret, false);
	text_add_str(&value, "Basic ");
	encode_base64(&value, text_bytes(&pair));
	err = text_err(&pair);
	if (pair.at)
		explicit_bzero(pair.at, pair.cap);
	text_fini(&pair);
	if (err) {
		text_fini(&value);
		return err;
	}
	return oidc_keep(o, &value, ret_value);
}

/* A client without a secret says who it is in the form (RFC 6749 §3.2.1). */
static err_t ask_token(struct oidc *o, struct text *form, struct oidc_step *step)
{
	step->order = OIDC_ASK;
	step->url = o->config->token_endpoint;
	if (o->config->client_secret.len) {
		err_t err = client_authorization(o, &step->authorization);

		if (err) {
			text_fini(form);
			return err;
		}
	} else {
		add_parameter(form, "&", "client_id", o->config->client_id);
	}
	return oidc_keep(o, form, &step->form);
}

static err_t ask_with_code(struct oidc *o, const struct oidc_request *request, struct bytes code,
			   struct oidc_step *step)
{
	struct text form = TEXT_INIT(FORM_MAX);
	struct bytes uri;

	TRY(redirect_uri(o, request, &uri));
	add_parameter(&form, "", "grant_type", BYTES("authorization_code"));
	add_parameter(&form, "&", "code", code);
	add_parameter(&form, "&", "redirect_uri", uri);
	o->stage = OIDC_ASKING_TOKEN;
	return ask_token(o, &form, step);
}

static err_t ask_to_refresh(struct oidc *o, struct oidc_step *step)
{
	struct text form = TEXT_INIT(FORM_MAX);

	add_parameter(&form, "", "grant_type", BYTES("refresh_token"));
	add_parameter(&form, "&", "refresh_token", o->session.refresh_token);
	o->stage = OIDC_REFRESHING;
	step->share_ms = OIDC_SHARE_MS;
	return ask_token(o, &form, step);
}

static err_t ask_user(struct oidc *o, struct oidc_step *step)
{
	struct text value = TEXT_INIT(HEADER_MAX);

	text_add_str(&value, "Bearer ");
	text_add(&value, o->session.access_token);
	step->order = OIDC_ASK;
	step->url = o->config->user_info_endpoint;
	step->share_ms = o->stage == OIDC_REFRESHING_USER ? OIDC_SHARE_MS : 0;
	return oidc_keep(o, &value, &step->authorization);
}

/* ---- Requests ---- */

err_t oidc_begin(struct oidc *o, const struct oidc_request *request, struct oidc_step *ret_step)
{
	enum session_verdict verdict = session_read(&o->seal, o->config->cookie_name, request->head,
						    &o->arena, &o->session);

	*ret_step = empty_step();
	if (verdict == SESSION_ABSENT)
		return nobody(o, request, NULL, ret_step);
	if (verdict == SESSION_INVALID) {
		/* So that the next try begins anew. */
		TRY(session_forget(o->config->cookie_name, request->head, &o->arena,
				   &ret_step->cookies));
		return nobody(o, request, &AuthInvalidCookie, ret_step);
	}
	if (request->unix_s >= o->session.until_s)
		return send_to_provider(o, request, ret_step);
	if (o->session.token_until_s && request->unix_s >= o->session.token_until_s &&
	    o->session.refresh_token.len)
		return ask_to_refresh(o, ret_step);
	return forward_as(o, request, ret_step);
}

static err_t send_back(struct oidc *o, const struct oidc_request *request, struct oidc_step *step)
{
	struct text to = TEXT_INIT(LOCATION_MAX);

	text_add_str(&to, "https://");
	text_add(&to, request->facts->host);
	text_add(&to, o->back);
	step->order = OIDC_ANSWER;
	step->status = 302;
	return oidc_keep(o, &to, &step->location);
}

/* Whether somebody is signed in already: then a callback that is repeated leads where it led. */
static bool has_session(struct oidc *o, const struct oidc_request *request)
{
	struct session session;

	return session_read(&o->seal, o->config->cookie_name, request->head, &o->arena, &session) ==
		       SESSION_FOUND &&
	       request->unix_s < session.until_s;
}

static const struct failure *check_nonce(const struct oidc_request *request,
					 const struct oidc_state *state)
{
	struct bytes nonce = cookie_find(request->head, NONCE_COOKIE);
	uint8_t digest[SHA256_BYTES];

	if (!nonce.len)
		return &AuthMissingAWSALBAuthNonce;
	sha256(nonce, digest);
	if (!bytes_eq_secret(bytes_make(digest, sizeof digest),
			     bytes_make(state->digest, sizeof digest)))
		return &AuthInvalidAWSALBAuthNonce;
	return NULL;
}

err_t oidc_callback(struct oidc *o, const struct oidc_request *request, struct oidc_step *ret_step)
{
	struct bytes query = request->facts->query, code, error;
	struct bytes value = oidc_parameter(&o->arena, query, "state");
	const struct failure *failure;
	struct oidc_state state;

	*ret_step = empty_step();
	if (!request->head->authority.len)
		return fail(o, &AuthMissingHostHeader, ret_step);
	if (!value.len)
		return fail(o, &AuthMissingStateParam, ret_step);
	if (!oidc_open_state(o, &o->arena, value, &state) ||
	    request->unix_s > state.made_s + OIDC_LOGIN_S)
		return fail(o, &AuthInvalidStateParam, ret_step);
	o->back = state.back;
	failure = check_nonce(request, &state);
	if (failure)
		return has_session(o, request) ? send_back(o, request, ret_step)
					       : fail(o, failure, ret_step);
	error = oidc_parameter(&o->arena, query, "error");
	if (error.at)
		return fail(o,
			    bytes_eq(error, BYTES("access_denied")) ? &provider_denied
								    : &provider_failed,
			    ret_step);
	code = oidc_parameter(&o->arena, query, "code");
	if (!code.len)
		return fail(o, &AuthMissingCodeParam, ret_step);
	o->nonce_sent = bytes_make(state.digest, SHA256_BYTES);
	return ask_with_code(o, request, code, ret_step);
}

/* ---- Answers of the provider ---- */

/* What may stand in a header field as it is: visible ASCII. */
static bool is_visible(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] <= ' ' || text.at[i] >= 0x7f)
			return false;
	return text.len > 0;
}

static bool has_no_control(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f)
			return false;
	return text.len > 0;
}

static bool is_audience(const json_t *aud, struct bytes client_id)
{
	const json_t *item;
	size_t index;

	if (json_is_string(aud))
		return bytes_eq(client_id, bytes_of(json_string_value(aud)));
	json_array_foreach (aud, index, item)
		if (json_is_string(item) && bytes_eq(client_id, bytes_of(json_string_value(item))))
			return true;
	return false;
}

static bool nonce_matches(const struct oidc *o, const json_t *claims)
{
	struct text hex = TEXT_INIT(SHA256_HEX_BYTES);
	bool same;

	encode_hex(&hex, o->nonce_sent);
	same = bytes_eq_secret(text_bytes(&hex), jose_text(claims, "nonce"));
	text_fini(&hex);
	return same;
}

/*
 * OpenID Connect Core §3.1.3.7. The signature is not looked at: the token came from the provider's
 * own token endpoint, whose certificate was checked (step 6 there).
 */
static bool id_token_holds(struct oidc *o, struct bytes token, uint64_t unix_s)
{
	struct bytes azp;
	struct jose jose;
	uint64_t exp, iat;
	bool good = jose_parse(token, &jose) == ERR_OK;

	azp = jose_text(jose.claims, "azp");
	good = good && bytes_eq(jose_text(jose.claims, "iss"), o->config->issuer) &&
	       is_audience(json_object_get(jose.claims, "aud"), o->config->client_id) &&
	       (!azp.at || bytes_eq(azp, o->config->client_id)) &&
	       jose_time(jose.claims, "exp", &exp) && unix_s < exp + SKEW_S &&
	       jose_time(jose.claims, "iat", &iat) && iat <= unix_s + SKEW_S &&
	       has_no_control(jose_text(jose.claims, "sub")) &&
	       (o->stage == OIDC_REFRESHING || nonce_matches(o, jose.claims));
	if (good && o->stage == OIDC_REFRESHING)
		good = bytes_eq(jose_text(jose.claims, "sub"), o->session.subject);
	else if (good)
		good = arena_copy(&o->arena, jose_text(jose.claims, "sub"), &o->session.subject) ==
		       ERR_OK;
	jose_fini(&jose);
	return good;
}

/* Some providers send the number as text. */
static uint64_t seconds_of(const json_t *value)
{
	uint64_t seconds = 0;

	if (json_is_number(value) && json_number_value(value) > 0 &&
	    json_number_value(value) < UINT32_MAX)
		return (uint64_t)json_number_value(value);
	if (json_is_string(value) &&
	    bytes_to_u64(bytes_of(json_string_value(value)), UINT32_MAX, &seconds))
		return 0;
	return seconds;
}

static bool take_tokens(struct oidc *o, const json_t *answer, uint64_t unix_s)
{
	struct bytes token = jose_text(answer, "access_token");
	struct bytes refresh = jose_text(answer, "refresh_token");
	struct bytes type = jose_text(answer, "token_type");
	uint64_t lasts_s = seconds_of(json_object_get(answer, "expires_in"));

	if (!is_visible(token) || (type.at && !bytes_eq_nocase(type, BYTES("Bearer"))))
		return false;
	o->session.token_until_s = lasts_s ? unix_s + lasts_s : 0;
	return !arena_copy(&o->arena, token, &o->session.access_token) &&
	       (!refresh.len || !arena_copy(&o->arena, refresh, &o->session.refresh_token));
}

static const struct failure *read_token(struct oidc *o, const json_t *answer, uint64_t unix_s)
{
	struct bytes id_token = jose_text(answer, "id_token");

	if (!json_is_object(answer) || !take_tokens(o, answer, unix_s))
		return &AuthInvalidTokenResponse;
	if (o->stage == OIDC_REFRESHING && !id_token.at)
		return NULL;
	if (!id_token.at)
		return &AuthInvalidTokenResponse;
	return id_token_holds(o, id_token, unix_s) ? NULL : &AuthInvalidIdToken;
}

static const struct failure *read_user(struct oidc *o, const json_t *answer)
{
	struct bytes sub = jose_text(answer, "sub");
	char *claims;
	err_t err;

	/* §5.3.2: the same person as the token's, else the answers are of two people. */
	if (!json_is_object(answer) || !bytes_eq(sub, o->session.subject))
		return &AuthInvalidUserinfoResponse;
	claims = json_dumps(answer, JSON_COMPACT);
	if (!claims)
		return &AuthInvalidUserinfoResponse;
	err = arena_copy(&o->arena, bytes_of(claims), &o->session.claims);
	free(claims);
	if (err || o->session.claims.len + o->session.access_token.len > SESSION_CLAIMS_MAX)
		return &AuthUserinfoResponseSizeExceeded;
	return NULL;
}

/* The session goes to the client; without its refresh token where that is one too many. */
static err_t set_session(struct oidc *o, const struct oidc_request *request, struct oidc_step *step)
{
	err_t err = session_set(&o->seal, o->config->cookie_name, &o->session, request->head,
				request->unix_s, &o->arena, &step->cookies);

	if (err != ERR_TOO_LARGE)
		return err;
	o->session.refresh_token = BYTES_NONE;
	return session_set(&o->seal, o->config->cookie_name, &o->session, request->head,
			   request->unix_s, &o->arena, &step->cookies);
}

/* What a refresh that failed comes to: the client signs in again, whatever the mode (§3.6). */
static err_t fail_asking(struct oidc *o, const struct oidc_request *request,
			 const struct failure *failure, struct oidc_step *step)
{
	if (o->stage != OIDC_REFRESHING && o->stage != OIDC_REFRESHING_USER)
		return fail(o, failure, step);
	step->error_reason = failure->reason;
	step->counter = failure->counter;
	return send_to_provider(o, request, step);
}

static err_t on_user(struct oidc *o, const struct oidc_request *request, struct oidc_step *step)
{
	bool refreshed = o->stage == OIDC_REFRESHING_USER;
	err_t err;

	if (!refreshed)
		o->session.until_s = request->unix_s + o->config->session_seconds;
	err = set_session(o, request, step);
	if (err == ERR_TOO_LARGE)
		return fail_asking(o, request, &AuthUserinfoResponseSizeExceeded, step);
	TRY(err);
	step->counter = refreshed ? COUNTER_AUTH_REFRESHES : COUNTER_AUTH_SUCCESSES;
	if (refreshed)
		return forward_as(o, request, step);
	o->stage = OIDC_RESTING;
	TRY(session_add_cookie(NONCE_COOKIE, BYTES(""), 0, request->head, &o->arena,
			       &step->cookies));
	return send_back(o, request, step);
}

/* An answer that says no, or none at all. */
static const struct failure *refusal(const struct oidc *o, err_t failed, unsigned status,
				     const json_t *answer)
{
	static const struct failure unreachable[] = {
		{ "AuthTokenEpRequestFailed", 500, COUNTER_AUTH_ERRORS },
		{ "AuthUserinfoEpRequestFailed", 500, COUNTER_AUTH_ERRORS },
	};
	bool user = o->stage == OIDC_ASKING_USER || o->stage == OIDC_REFRESHING_USER;

	if (failed == ERR_TOO_LARGE)
		return user ? &AuthUserinfoResponseSizeExceeded : &AuthInvalidTokenResponse;
	if (failed == ERR_EXPIRED)
		return user ? &AuthUserinfoEpRequestTimeout : &AuthTokenEpRequestTimeout;
	if (failed)
		return &unreachable[user];
	if (status >= 200 && status < 300)
		return NULL;
	if (!user && bytes_eq(jose_text(answer, "error"), BYTES("invalid_grant")))
		return &AuthInvalidGrantError;
	return user ? &AuthUserinfoEpRequestFailed : &AuthTokenEpRequestFailed;
}

err_t oidc_answered(struct oidc *o, const struct oidc_request *request, err_t failed,
		    unsigned status, struct bytes body, struct oidc_step *ret_step)
{
	bool user = o->stage == OIDC_ASKING_USER || o->stage == OIDC_REFRESHING_USER;
	json_t *answer = failed || !body.len
				 ? NULL
				 : json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, NULL);
	const struct failure *failure = refusal(o, failed, status, answer);

	assert(o->stage != OIDC_RESTING);
	*ret_step = empty_step();
	if (!failure)
		failure = user ? read_user(o, answer) : read_token(o, answer, request->unix_s);
	json_decref(answer);
	if (failure)
		return fail_asking(o, request, failure, ret_step);
	if (user)
		return on_user(o, request, ret_step);
	o->stage = o->stage == OIDC_REFRESHING ? OIDC_REFRESHING_USER : OIDC_ASKING_USER;
	return ask_user(o, ret_step);
}
