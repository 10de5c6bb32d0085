#include "api/check.h"

#include "api/coerce.h"
#include "api/wire.h"
#include "base/encode.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	DEPTH_MAX = 32, /* of nested values; shapes may be recursive */
	PATH_BYTES_MAX = 1024,
	VALUE_BYTES_MAX = 256, /* of an offending value, in the words */
	WORDS_BYTES_MAX = 16 * 1024,
	MATCH_LIMIT = 100000, /* steps of one pattern on one value */
};

struct check {
	struct patterns *patterns;
	struct text path;   /* "actions.1.member.type" */
	struct text *words; /* what is wrong so far, without the count */
	unsigned errors;
	bool no_memory; /* something may be missing: no verdict counts */
};

/* ---- Patterns ---- */

void patterns_fini(struct patterns *patterns)
{
	map_for_each (&patterns->compiled, slot)
		pcre2_code_free(slot->value);
	map_fini(&patterns->compiled);
}

static pcre2_code *pattern_of(struct patterns *patterns, const char *pattern)
{
	/* A "$" that also matched before a last newline would let "name\n" pass. */
	const uint32_t flags = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY;
	pcre2_code *code = map_get(&patterns->compiled, bytes_of(pattern));
	size_t offset;
	int error;

	if (code)
		return code;
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, flags, &error, &offset,
			     NULL);
	assert(code || error == PCRE2_ERROR_HEAP_FAILED); /* shapes are ours */
	if (code && map_put(&patterns->compiled, bytes_of(pattern), code, NULL)) {
		pcre2_code_free(code);
		return NULL;
	}
	return code;
}

static bool matches(struct patterns *patterns, const char *pattern, struct bytes value)
{
	pcre2_code *code = pattern_of(patterns, pattern);
	pcre2_match_data *data = code ? pcre2_match_data_create(1, NULL) : NULL;
	pcre2_match_context *context = data ? pcre2_match_context_create(NULL) : NULL;
	int count = PCRE2_ERROR_NOMEMORY;

	if (context) {
		pcre2_set_match_limit(context, MATCH_LIMIT);
		count = pcre2_match(code, (PCRE2_SPTR)(value.len ? value.at : ""), value.len, 0, 0,
				    data, context);
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	return count >= 0;
}

/* ---- Words ---- */

/* As AWS prints it: strings bare, lists as [a, b]. */
static void add_value(struct text *out, json_t *value)
{
	char *dump;

	if (json_is_string(value)) {
		text_add(out, bytes_make(json_string_value(value), json_string_length(value)));
	} else if (json_is_array(value)) {
		text_add_char(out, '[');
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (i)
				text_add_str(out, ", ");
			add_value(out, json_array_get(value, i));
		}
		text_add_char(out, ']');
	} else {
		dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		text_add_str(out, dump ? dump : "");
		free(dump);
	}
}

static json_t *need(struct check *check, json_t *made)
{
	check->no_memory = check->no_memory || !made;
	return made;
}

/* Both take over `item`; NULL was complained of already. */
static void put_member(struct check *check, json_t *object, const char *name, json_t *item)
{
	if (item && json_object_set_new(object, name, item))
		check->no_memory = true;
}

static void put_item(struct check *check, json_t *list, json_t *item)
{
	if (item && json_array_append_new(list, item))
		check->no_memory = true;
}

static void complain(struct check *check, json_t *value, const char *constraint)
{
	struct text shown = TEXT_INIT(64 * 1024);
	struct bytes clipped;

	if (check->errors++)
		text_add_str(check->words, "; ");
	if (!value) {
		text_add_str(check->words, "Value null");
	} else {
		add_value(&shown, value);
		clipped = utf8_clip(text_bytes(&shown), VALUE_BYTES_MAX);
		text_printf(check->words, "Value '%.*s%s'", BYTES_ARG(clipped),
			    clipped.len < shown.len || text_err(&shown) ? "..." : "");
	}
	text_printf(check->words, " at '%s' failed to satisfy constraint: %s",
		    text_str(&check->path), constraint);
	text_fini(&shown);
}

/* ---- Constraints of one value: bits, since one value may break several ---- */

enum {
	TOO_LARGE = 1 << 0,
	TOO_SMALL = 1 << 1,
	NO_MATCH = 1 << 2,
	NOT_LISTED = 1 << 3,
	CONSTRAINTS_END = 1 << 4,
};

static unsigned constraints_of(const struct api_shape *shape)
{
	bool number = shape->kind == API_INTEGER || shape->kind == API_DOUBLE;
	unsigned bits = 0;

	if (shape->max)
		bits |= TOO_LARGE;
	if (shape->min > 0 || (number && (shape->min || shape->max)))
		bits |= TOO_SMALL;
	if (shape->pattern)
		bits |= NO_MATCH;
	if (shape->values)
		bits |= NOT_LISTED;
	return bits;
}

static void add_constraint(struct text *out, const struct api_shape *shape, unsigned bit)
{
	bool number = shape->kind == API_INTEGER || shape->kind == API_DOUBLE;
	const char *measure = number ? "value" : "length";

	switch (bit) {
	case TOO_LARGE:
		text_printf(out, "Member must have %s less than or equal to %lld", measure,
			    (long long)shape->max);
		break;
	case TOO_SMALL:
		text_printf(out, "Member must have %s greater than or equal to %lld", measure,
			    (long long)shape->min);
		break;
	case NO_MATCH:
		text_printf(out, "Member must satisfy regular expression pattern: %s",
			    shape->pattern);
		break;
	case NOT_LISTED:
		text_add_str(out, "Member must satisfy enum value set: [");
		for (size_t i = 0; shape->values[i]; i++)
			text_printf(out, "%s%s", i ? ", " : "", shape->values[i]);
		text_add_char(out, ']');
		break;
	default: assert(false);
	}
}

static int64_t characters(struct bytes text)
{
	int64_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
	return count;
}

static bool is_listed(const char *const *values, struct bytes text)
{
	for (size_t i = 0; values[i]; i++)
		if (bytes_eq_str(text, values[i]))
			return true;
	return false;
}

/* No bound is as large as what a real is clipped to, but some reals are larger than int64_t. */
static int64_t whole_part(double number)
{
	return (int64_t)fmax(-9e15, fmin(9e15, number));
}

/* Of a value that has the right type already. */
static unsigned broken_by(struct check *check, const struct api_shape *shape, json_t *value)
{
	struct bytes text = bytes_make(json_string_value(value), json_string_length(value));
	unsigned broken = 0, asked = constraints_of(shape);
	int64_t size = json_is_string(value)	? characters(text)
		       : json_is_array(value)	? (int64_t)json_array_size(value)
		       : json_is_object(value)	? (int64_t)json_object_size(value)
		       : json_is_integer(value) ? json_integer_value(value)
						: whole_part(json_real_value(value));

	if ((asked & TOO_LARGE) && size > shape->max)
		broken |= TOO_LARGE;
	if ((asked & TOO_SMALL) && size < shape->min)
		broken |= TOO_SMALL;
	if ((asked & NO_MATCH) && !matches(check->patterns, shape->pattern, text))
		broken |= NO_MATCH;
	if ((asked & NOT_LISTED) && !is_listed(shape->values, text))
		broken |= NOT_LISTED;
	return broken;
}

static void complain_of_all(struct check *check, const struct api_shape *shape, json_t *value,
			    unsigned broken)
{
	for (unsigned bit = 1; bit < CONSTRAINTS_END; bit <<= 1) {
		struct text words = TEXT_INIT(4096);

		if (!(broken & bit))
			continue;
		add_constraint(&words, shape, bit);
		complain(check, value, text_str(&words));
		text_fini(&words);
	}
}

/* AWS speaks of a list of plain values as a whole, and names all that its items must meet. */
static void complain_of_items(struct check *check, const struct api_shape *item, json_t *list)
{
	struct text words = TEXT_INIT(4096);
	unsigned asked = constraints_of(item);

	text_add_str(&words, "Member must satisfy constraint: [");
	for (unsigned bit = 1, n = 0; bit < CONSTRAINTS_END; bit <<= 1) {
		if (!(asked & bit))
			continue;
		if (n++)
			text_add_str(&words, ", ");
		add_constraint(&words, item, bit);
	}
	text_add_char(&words, ']');
	complain(check, list, text_str(&words));
	text_fini(&words);
}

/* ---- Types ---- */

static const char *const type_words[] = {
	[API_STRUCTURE] = "Member must be a structure",
	[API_LIST] = "Member must be a list",
	[API_MAP] = "Member must be a map",
	[API_STRING] = "Member must be a string",
	[API_INTEGER] = "Member must be an integer",
	[API_DOUBLE] = "Member must be a number",
	[API_BOOLEAN] = "Member must be true or false",
	[API_TIMESTAMP] = "Member must be a point in time",
	[API_BLOB] = "Member must be base64",
};

/* ---- The walk ---- */

static json_t *check_value(struct check *check, const struct api_shape *shape, json_t *value,
			   unsigned depth);

static bool is_leaf(const struct api_shape *shape)
{
	return shape->kind != API_STRUCTURE && shape->kind != API_LIST && shape->kind != API_MAP;
}

/* Names in AWS's words begin small: TargetGroupArn is 'targetGroupArn'. */
static size_t enter(struct check *check, const char *name, bool item)
{
	size_t len = check->path.len;

	if (len)
		text_add_char(&check->path, '.');
	if (item) {
		text_printf(&check->path, "%s.member", name);
	} else {
		char first = ascii_lower(name[0]);

		text_add(&check->path, bytes_make(&first, name[0] ? 1 : 0));
		text_add_str(&check->path, name[0] ? name + 1 : "");
	}
	return len;
}

static void leave(struct check *check, size_t len)
{
	check->path.len = len;
	check->path.err = ERR_OK;
	if (check->path.at)
		check->path.at[len] = '\0';
}

static json_t *check_structure(struct check *check, const struct api_shape *shape, json_t *value,
			       unsigned depth)
{
	json_t *made = need(check, json_object());

	for (const struct api_member *m = shape->members; m->name; m++) {
		json_t *given = json_object_get(value, m->name);
		size_t outer = enter(check, m->name, false);

		if (given && !json_is_null(given)) {
			put_member(check, made, m->name,
				   check_value(check, m->shape, given, depth + 1));
		} else if (m->required) {
			complain(check, NULL, "Member must not be null");
		}
		leave(check, outer);
	}
	return made;
}

static json_t *check_leaves(struct check *check, const struct api_shape *item, json_t *value)
{
	json_t *made = need(check, json_array());
	bool broken = false;

	for (size_t i = 0; i < json_array_size(value); i++) {
		json_t *leaf = coerce_leaf(item, json_array_get(value, i));

		if (!leaf) {
			complain(check, value, type_words[item->kind]);
			break;
		}
		broken = broken || broken_by(check, item, leaf);
		put_item(check, made, leaf);
	}
	if (broken)
		complain_of_items(check, item, value);
	return made;
}

static json_t *check_list(struct check *check, const struct api_shape *shape, json_t *value,
			  unsigned depth)
{
	json_t *made;

	complain_of_all(check, shape, value, broken_by(check, shape, value));
	if (is_leaf(shape->item))
		return check_leaves(check, shape->item, value);
	made = need(check, json_array());
	for (size_t i = 0; i < json_array_size(value); i++) {
		char number[24];
		size_t outer;

		snprintf(number, sizeof number, "%zu", i + 1);
		outer = enter(check, number, true);
		put_item(check, made,
			 check_value(check, shape->item, json_array_get(value, i), depth + 1));
		leave(check, outer);
	}
	return made;
}

static json_t *check_map(struct check *check, const struct api_shape *shape, json_t *value,
			 unsigned depth)
{
	json_t *made = need(check, json_object()), *given;
	const char *key;

	complain_of_all(check, shape, value, broken_by(check, shape, value));
	json_object_foreach (value, key, given) {
		size_t outer = enter(check, key, true);

		put_member(check, made, key, check_value(check, shape->item, given, depth + 1));
		leave(check, outer);
	}
	return made;
}

/* A new reference to the value as the shape wants it, or NULL after a complaint. */
static json_t *check_value(struct check *check, const struct api_shape *shape, json_t *value,
			   unsigned depth)
{
	bool list = shape->kind == API_LIST;
	json_t *leaf;

	if (depth > DEPTH_MAX) {
		complain(check, NULL, "Member must not be nested so deeply");
		return NULL;
	}
	if (is_leaf(shape)) {
		leaf = coerce_leaf(shape, value);
		if (leaf)
			complain_of_all(check, shape, leaf, broken_by(check, shape, leaf));
		else
			complain(check, value, type_words[shape->kind]);
		return leaf;
	}
	if (list ? !json_is_array(value) : !json_is_object(value)) {
		complain(check, value, type_words[shape->kind]);
		return NULL;
	}
	if (list)
		return check_list(check, shape, value, depth);
	if (shape->kind == API_MAP)
		return check_map(check, shape, value, depth);
	return check_structure(check, shape, value, depth);
}

err_t check_input(struct patterns *patterns, const struct api_shape *shape, json_t *input,
		  json_t **ret_value, struct text *words)
{
	struct text found = TEXT_INIT(WORDS_BYTES_MAX);
	struct check check = { .patterns = patterns, .words = &found };
	json_t *empty = json_object(), *value;

	if (!empty)
		return ERR_NOMEM;
	text_init(&check.path, PATH_BYTES_MAX);
	value = check_value(&check, shape, input && !json_is_null(input) ? input : empty, 0);
	json_decref(empty);
	text_fini(&check.path);
	if (value && !check.errors && !check.no_memory) {
		text_fini(&found);
		*ret_value = value;
		return ERR_OK;
	}
	json_decref(value);
	if (check.no_memory) {
		text_fini(&found);
		return ERR_NOMEM;
	}
	text_printf(words, "%u validation error%s detected: ", check.errors,
		    check.errors == 1 ? "" : "s");
	text_add(words, utf8_clip(text_bytes(&found), words->max - words->len));
	text_fini(&found);
	return ERR_INVALID;
}
