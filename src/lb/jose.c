#include "lb/jose.h"

#include <stdlib.h>

#include "base/encode.h"

enum { PARSE_FLAGS = JSON_REJECT_DUPLICATES };

static err_t parse_part(struct bytes part, json_t **ret_object)
{
	struct text plain = TEXT_INIT(JOSE_TOKEN_MAX);
	json_t *value = NULL;
	err_t err = part.len ? decode_base64url(&plain, part) : ERR_SYNTAX;

	if (!err)
		value = json_loadb(text_str(&plain), plain.len, PARSE_FLAGS, NULL);
	text_fini(&plain);
	if (!json_is_object(value)) {
		json_decref(value);
		return err == ERR_NOMEM ? err : ERR_SYNTAX;
	}
	*ret_object = value;
	return ERR_OK;
}

err_t jose_parse(struct bytes token, struct jose *ret_jose)
{
	size_t first = bytes_index(token, '.'), second;
	struct bytes rest;

	*ret_jose = (struct jose){ .signature = TEXT_INIT(JOSE_TOKEN_MAX) };
	if (first == SIZE_MAX || token.len > JOSE_TOKEN_MAX)
		return ERR_SYNTAX;
	rest = bytes_from(token, first + 1);
	second = bytes_index(rest, '.');
	if (second == SIZE_MAX)
		return ERR_SYNTAX;
	ret_jose->signed_part = bytes_upto(token, first + 1 + second);
	TRY(parse_part(bytes_upto(token, first), &ret_jose->header));
	TRY(parse_part(bytes_upto(rest, second), &ret_jose->claims));
	return decode_base64url(&ret_jose->signature, bytes_from(rest, second + 1));
}

void jose_fini(struct jose *jose)
{
	json_decref(jose->header);
	json_decref(jose->claims);
	text_fini(&jose->signature);
	*jose = (struct jose){ 0 };
}

struct bytes jose_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? bytes_make(json_string_value(value), json_string_length(value))
		       : BYTES_NONE;
}

bool jose_time(const json_t *claims, const char *name, uint64_t *ret_seconds)
{
	const json_t *value = json_object_get(claims, name);
	double seconds = json_number_value(value);

	if (!json_is_number(value) || !(seconds >= 0 && seconds < (double)JOSE_CLAIM_TIME_MAX))
		return false;
	*ret_seconds = (uint64_t)seconds;
	return true;
}

/* ---- Making ---- */

static void add_part(struct text *out, struct bytes plain, bool padded)
{
	encode_base64url(out, plain);
	for (size_t rest = plain.len % 3; padded && rest && rest < 3; rest++)
		text_add_char(out, '=');
}

static err_t add_object(struct text *out, const json_t *object, bool padded)
{
	char *plain = json_dumps(object, JSON_COMPACT);

	if (!plain)
		return ERR_NOMEM;
	add_part(out, bytes_of(plain), padded);
	free(plain);
	return text_err(out);
}

err_t jose_sign(const struct sign_key *key, const json_t *header, const json_t *claims, bool padded,
		struct text *out)
{
	uint8_t signature[SIGN_ES256_BYTES];
	size_t start = out->len;

	TRY(add_object(out, header, padded));
	text_add_char(out, '.');
	TRY(add_object(out, claims, padded));
	TRY(sign_es256(key, bytes_from(text_bytes(out), start), signature));
	text_add_char(out, '.');
	add_part(out, bytes_make(signature, sizeof signature), padded);
	return text_err(out);
}

/* ---- Key sets ---- */

/* A number of a JWK: base64url of its bytes, in `out`. */
static err_t number_of(const json_t *jwk, const char *name, struct text *out)
{
	struct bytes text = jose_text(jwk, name);

	return text.len ? decode_base64url(out, text) : ERR_SYNTAX;
}

/* What RFC 7517 §4 lets a key say of its use, and ours is RS256. */
static bool is_for_us(const json_t *jwk)
{
	struct bytes use = jose_text(jwk, "use"), alg = jose_text(jwk, "alg");

	return bytes_eq(jose_text(jwk, "kty"), BYTES("RSA")) &&
	       (!use.at || bytes_eq(use, BYTES("sig"))) &&
	       (!alg.at || bytes_eq(alg, BYTES("RS256")));
}

static err_t take_key(const json_t *jwk, struct jose_keys *keys)
{
	struct jose_key *to = &keys->at[keys->count];
	struct text n = TEXT_INIT(2048), e = TEXT_INIT(64);
	struct bytes kid = jose_text(jwk, "kid");
	err_t err = number_of(jwk, "n", &n);

	if (!err)
		err = number_of(jwk, "e", &e);
	if (!err)
		err = verify_key_rsa(text_bytes(&n), text_bytes(&e), &to->key);
	text_fini(&n);
	text_fini(&e);
	if (err)
		return err == ERR_NOMEM ? err : ERR_OK; /* a key nobody can use is passed over */
	keys->count++;
	to->kid = kid.at ? bytes_dup(kid) : NULL;
	return kid.at && !to->kid ? ERR_NOMEM : ERR_OK;
}

static err_t take_keys(const json_t *list, struct jose_keys *keys)
{
	const json_t *jwk;
	size_t index;

	if (!json_is_array(list))
		return ERR_SYNTAX;
	if (json_array_size(list) > JOSE_KEYS_MAX)
		return ERR_LIMIT;
	json_array_foreach (list, index, jwk)
		if (is_for_us(jwk))
			TRY(take_key(jwk, keys));
	return keys->count ? ERR_OK : ERR_NOT_FOUND;
}

err_t jose_keys_parse(struct bytes document, struct jose_keys *ret_keys)
{
	struct jose_keys keys = { .count = 0 };
	json_t *set = NULL;
	err_t err;

	if (document.len && document.len <= JOSE_KEY_SET_BYTES)
		set = json_loadb(document.at, document.len, PARSE_FLAGS, NULL);
	err = take_keys(json_object_get(set, "keys"), &keys);
	json_decref(set);
	if (err) {
		jose_keys_fini(&keys);
		return err;
	}
	*ret_keys = keys;
	return ERR_OK;
}

void jose_keys_fini(struct jose_keys *keys)
{
	for (unsigned i = 0; i < keys->count; i++) {
		free(keys->at[i].kid);
		verify_key_destroy(keys->at[i].key);
	}
	keys->count = 0;
}

bool jose_keys_verify(const struct jose_keys *keys, const struct jose *token, bool *ret_known)
{
	struct bytes kid = jose_text(token->header, "kid");

	*ret_known = false;
	for (unsigned i = 0; i < keys->count; i++) {
		const struct jose_key *key = &keys->at[i];

		if (kid.at && !(key->kid && bytes_eq(kid, bytes_of(key->kid))))
			continue;
		*ret_known = true;
		if (verify_rs256(key->key, token->signed_part, text_bytes(&token->signature)))
			return true;
	}
	return false;
}
