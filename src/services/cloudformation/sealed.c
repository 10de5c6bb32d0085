/*
 * sealed: what of a stack lies in the store sealed with the installation's key, for it may be a
 * secret: the parameters it was given, and all of a resource but what Describe shows: properties
 * worked out, attributes, answers of services.
 *
 *   {Given, Cleanup, Before {Given}, …} ◄─► {Sealed [text, …], Before {}, …}
 *
 * Sealed is the JSON of the members it stands for, in pieces that a seal takes. A record without it
 * (of a Weir that did not seal yet) is read as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/seal.h"
#include "services/cloudformation/cloudformation_internal.h"

enum { PIECE_BYTES = 48 * 1024, PIECE_SEALED_BYTES = 96 * 1024, OPEN_BYTES_MAX = 8 * 1024 * 1024 };

/* A piece opens only in its place in its own record. */
static void context_of(const json_t *body, size_t index, struct text *out)
{
	text_printf(out, "%s|%s|%zu", text_at(body, "StackId"), text_at(body, "LogicalResourceId"),
		    index);
}

/* ---- Sealing ---- */

static err_t seal_piece(const struct cloudformation *cfn, const json_t *body, struct bytes piece,
			json_t *list)
{
	struct text context = TEXT_INIT(4096), sealed = TEXT_INIT(PIECE_SEALED_BYTES);
	err_t err;

	context_of(body, json_array_size(list), &context);
	err = seal_text(cfn->options.seal_key, piece, text_bytes(&context), &sealed);
	if (!err && json_array_append_new(list, json_string(text_str(&sealed))))
		err = ERR_NOMEM;
	text_fini(&context);
	text_fini(&sealed);
	return err;
}

/* `secret` (taken over) into `body`. */
static err_t seal_into(const struct cloudformation *cfn, json_t *secret, json_t *body)
{
	char *plain = json_dumps(secret, JSON_COMPACT);
	struct bytes rest = bytes_of(plain);
	json_t *list = json_array();
	err_t err = plain && list ? ERR_OK : ERR_NOMEM;

	while (!err && rest.len) {
		struct bytes piece = bytes_upto(rest, size_min(rest.len, PIECE_BYTES));

		err = seal_piece(cfn, body, piece, list);
		rest = bytes_from(rest, piece.len);
	}
	if (plain)
		explicit_bzero(plain, strlen(plain));
	free(plain);
	json_decref(secret);
	if (!err && json_object_set(body, "Sealed", list))
		err = ERR_NOMEM;
	json_decref(list);
	return err;
}

static void move(json_t *from, const char *key, json_t *into, const char *as)
{
	json_t *value = json_object_get(from, key);

	if (!value)
		return;
	json_object_set(into, as, value);
	json_object_del(from, key);
}

static err_t finish(const struct cloudformation *cfn, json_t *secret, json_t *copy, json_t **ret)
{
	err_t err = secret && copy ? ERR_OK : ERR_NOMEM;

	if (!err && json_object_size(secret))
		err = seal_into(cfn, json_incref(secret), copy);
	json_decref(secret);
	if (err)
		json_decref(copy);
	else
		*ret = copy;
	return err;
}

err_t sealed_stack(const struct cloudformation *cfn, const json_t *body, json_t **ret_copy)
{
	json_t *copy = json_copy((json_t *)body), *secret = json_object();
	json_t *before = json_copy(json_object_get(body, "Before"));

	move(copy, "Given", secret, "Given");
	move(copy, "Cleanup", secret, "Cleanup");
	move(copy, "Resolved", secret, "Resolved");
	move(before, "Given", secret, "GivenBefore");
	move(before, "Resolved", secret, "ResolvedBefore");
	if (before)
		json_object_set_new(copy, "Before", before);
	return finish(cfn, secret, copy, ret_copy);
}

err_t sealed_resource(const struct cloudformation *cfn, const json_t *record, json_t **ret_copy)
{
	json_t *copy = json_copy((json_t *)record), *secret = json_copy((json_t *)record), *value;
	const char *key;

	record_strip(copy);
	json_object_foreach (copy, key, value)
		json_object_del(secret, key);
	return finish(cfn, secret, copy, ret_copy);
}

/* ---- Opening ---- */

static err_t open_pieces(const struct cloudformation *cfn, const json_t *body, struct text *out)
{
	const json_t *piece;
	size_t i;

	json_array_foreach (json_object_get(body, "Sealed"), i, piece) {
		struct text context = TEXT_INIT(4096);
		err_t err;

		context_of(body, i, &context);
		err = seal_text_open(cfn->options.seal_key, bytes_of(json_string_value(piece)),
				     text_bytes(&context), out);
		text_fini(&context);
		TRY(err);
	}
	return ERR_OK;
}

err_t sealed_open(const struct cloudformation *cfn, json_t *body)
{
	struct text plain = TEXT_INIT(OPEN_BYTES_MAX);
	json_t *secret = NULL;
	err_t err;

	if (!json_object_get(body, "Sealed"))
		return ERR_OK;
	err = open_pieces(cfn, body, &plain);
	if (!err) {
		secret = json_loadb(text_str(&plain), plain.len, 0, NULL);
		err = secret ? ERR_OK : ERR_STORE;
	}
	if (plain.len)
		explicit_bzero(plain.at, plain.len);
	text_fini(&plain);
	if (err) {
		log_error("cloudformation", "what is sealed of %s cannot be read: %s",
			  text_at(body, "StackId"), err_words(err));
		return err == ERR_NOMEM ? err : ERR_STORE;
	}
	json_object_del(body, "Sealed");
	move(secret, "GivenBefore", json_object_get(body, "Before"), "Given");
	move(secret, "ResolvedBefore", json_object_get(body, "Before"), "Resolved");
	err = json_object_update(body, secret) ? ERR_NOMEM : ERR_OK;
	json_decref(secret);
	return err;
}

/* ---- Words ---- */

enum { MASKED_CHARS_MIN = 4 }; /* shorter ones are no secrets, and part of other words */

static void mask(struct text *words, struct bytes secret)
{
	struct text masked = TEXT_INIT(64 * 1024);
	struct bytes rest = text_bytes(words);
	size_t at;

	while ((at = bytes_find(rest, secret)) != SIZE_MAX) {
		text_add(&masked, bytes_upto(rest, at));
		text_add_str(&masked, "****");
		rest = bytes_from(rest, at + secret.len);
	}
	text_add(&masked, rest);
	text_clear(words);
	text_add(words, text_bytes(&masked));
	text_fini(&masked);
}

void sealed_mask(struct stack *stack)
{
	const json_t *declared = json_object_get(stack->template.root, "Parameters");
	const char *name;
	json_t *value;

	json_object_foreach (stack->values, name, value) {
		struct bytes secret = bytes_make(json_string_value(value),
						 json_string_length(value));

		if (parameter_is_secret(json_object_get(declared, name)) &&
		    secret.len >= MASKED_CHARS_MIN &&
		    bytes_find(text_bytes(&stack->why), secret) != SIZE_MAX)
			mask(&stack->why, secret);
	}
}
