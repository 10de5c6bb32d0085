#include "rag/retrieve/filter.h"

#include <stdio.h>
#include <stdlib.h>

enum op {
	OP_EQ,
	OP_NE,
	OP_IN,
	OP_CONTAINS,
	OP_GTE,
	OP_LTE,
	OP_EXISTS,
	OP_COUNT,
};

static const char *const op_names[OP_COUNT] = {
	"eq", "ne", "in", "contains", "gte", "lte", "exists"
};
static const char *const tag_rules[] = { "any", "all", "none" };
static const char *const groups[] = { "and", "or" };

static err_t refuse(char ret_field[80], struct text *why, const char *field, const char *words)
{
	snprintf(ret_field, 80, "/filter%s", field);
	text_add_str(why, words);
	return ERR_INVALID;
}

static bool is_strings(const json_t *list)
{
	const json_t *value;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > FILTER_VALUES_MAX)
		return false;
	json_array_foreach (list, i, value)
		if (!json_is_string(value))
			return false;
	return true;
}

static bool op_of(const json_t *rule, enum op *ret_op)
{
	const char *name = json_string_value(json_object_get(rule, "op"));

	if (!json_object_get(rule, "op")) {
		*ret_op = OP_EQ;
		return true;
	}
	for (unsigned i = 0; name && i < OP_COUNT; i++)
		if (strcmp(name, op_names[i]) == 0) {
			*ret_op = (enum op)i;
			return true;
		}
	return false;
}

static bool is_scalar(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

static err_t check_rule(const json_t *rule, const char *field, char ret_field[80], struct text *why)
{
	const json_t *value = json_object_get(rule, "value");
	enum op op;

	if (!json_is_object(rule) || !json_is_string(json_object_get(rule, "key")))
		return refuse(ret_field, why, field, "A rule is an object with key, op and value.");
	if (!op_of(rule, &op))
		return refuse(ret_field, why, field,
			      "op must be eq, ne, in, contains, gte, lte or exists.");
	if (op == OP_IN && (!json_is_array(value) || json_array_size(value) > FILTER_VALUES_MAX))
		return refuse(ret_field, why, field,
			      "The value of \"in\" is a list of at most 1000 values.");
	if (op == OP_EXISTS && value && !json_is_boolean(value))
		return refuse(ret_field, why, field, "The value of \"exists\" is true or false.");
	if (op != OP_IN && op != OP_EXISTS && !is_scalar(value))
		return refuse(ret_field, why, field,
			      "The value must be a string, a number, true or false.");
	return ERR_OK;
}

static err_t check_metadata(const json_t *metadata, char ret_field[80], struct text *why)
{
	const char *key;
	json_t *value;

	if (!json_is_object(metadata))
		return refuse(ret_field, why, "/metadata",
			      "metadata must be an object with \"and\" or \"or\".");
	json_object_foreach ((json_t *)metadata, key, value) {
		json_t *rule;
		size_t i;

		if (strcmp(key, groups[0]) != 0 && strcmp(key, groups[1]) != 0)
			return refuse(ret_field, why, "/metadata",
				      "metadata holds \"and\" and \"or\", each a list of rules.");
		if (!json_is_array(value) || json_array_size(value) > FILTER_RULES_MAX)
			return refuse(ret_field, why, "/metadata",
				      "\"and\" and \"or\" are lists of at most 50 rules.");
		json_array_foreach (value, i, rule) {
			char field[60];

			snprintf(field, sizeof field, "/metadata/%s/%zu", key, i);
			TRY(check_rule(rule, field, ret_field, why));
		}
	}
	return ERR_OK;
}

static err_t check_tags(const json_t *tags, char ret_field[80], struct text *why)
{
	const char *key;
	json_t *value;

	if (!json_is_object(tags))
		return refuse(ret_field, why, "/tags",
			      "tags must be an object with \"any\", \"all\" or \"none\".");
	json_object_foreach ((json_t *)tags, key, value) {
		bool known = false;

		for (size_t i = 0; i < COUNT(tag_rules); i++)
			known |= strcmp(key, tag_rules[i]) == 0;
		if (!known || !is_strings(value))
			return refuse(ret_field, why, "/tags",
				      "\"any\", \"all\" and \"none\" are lists of strings.");
	}
	return ERR_OK;
}

err_t filter_check(const json_t *filter, char ret_field[80], struct text *why)
{
	const char *key;
	json_t *value;

	if (!json_is_object(filter))
		return refuse(ret_field, why, "", "filter must be an object.");
	json_object_foreach ((json_t *)filter, key, value) {
		if (strcmp(key, "document_ids") == 0) {
			if (!is_strings(value))
				return refuse(ret_field, why, "/document_ids",
					      "document_ids must be a list of at most 1000 "
					      "strings.");
		} else if (strcmp(key, "tags") == 0) {
			TRY(check_tags(value, ret_field, why));
		} else if (strcmp(key, "metadata") == 0) {
			TRY(check_metadata(value, ret_field, why));
		} else {
			/* A filter that does nothing would let through what it was to keep out. */
			return refuse(ret_field, why, "",
				      "filter knows document_ids, tags and metadata.");
		}
	}
	return ERR_OK;
}

/* ---- Passing ---- */

static bool holds_string(const json_t *list, struct bytes value)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (bytes_eq_nocase(bytes_make(json_string_value(one), json_string_length(one)),
				    value))
			return true;
	return false;
}

static bool number_of(const json_t *value, double *ret_number)
{
	char *end;

	if (json_is_number(value)) {
		*ret_number = json_number_value(value);
		return true;
	}
	if (!json_is_string(value) || json_string_length(value) == 0)
		return false;
	*ret_number = strtod(json_string_value(value), &end);
	return *end == '\0';
}

static struct bytes string_of(const json_t *value)
{
	return bytes_make(json_string_value(value), json_string_length(value));
}

/* Below, equal, above: -1, 0, 1; 2 when the two cannot be compared. */
static int compare(const json_t *have, const json_t *want)
{
	double a, b;

	if (json_is_boolean(have) || json_is_boolean(want))
		return json_is_true(have) == json_is_true(want) && json_is_boolean(have) &&
				       json_is_boolean(want)
			       ? 0
			       : 2;
	if (number_of(have, &a) && number_of(want, &b))
		return a < b ? -1 : a > b;
	if (!json_is_string(have) || !json_is_string(want))
		return 2;
	if (bytes_eq_nocase(string_of(have), string_of(want)))
		return 0;
	return bytes_cmp(string_of(have), string_of(want)) < 0 ? -1 : 1;
}

static bool contains(const json_t *have, const json_t *want)
{
	struct bytes text = string_of(have), part = string_of(want);

	if (!json_is_string(have) || !json_is_string(want))
		return compare(have, want) == 0;
	for (size_t i = 0; i + part.len <= text.len; i++)
		if (bytes_eq_nocase(bytes_make(text.at + i, part.len), part))
			return true;
	return false;
}

static bool value_fits(const json_t *have, enum op op, const json_t *want)
{
	int order;

	if (json_is_array(have)) {
		const json_t *one;
		size_t i;

		json_array_foreach (have, i, one)
			if (value_fits(one, op, want))
				return true;
		return false;
	}
	if (op == OP_CONTAINS)
		return contains(have, want);
	if (op == OP_IN) {
		const json_t *one;
		size_t i;

		json_array_foreach (want, i, one)
			if (compare(have, one) == 0)
				return true;
		return false;
	}
	order = compare(have, want);
	return op == OP_EQ ? order == 0 : op == OP_GTE ? order == 0 || order == 1 : order <= 0;
}

/* What every document has, by name; the slice is empty for other names. */
static bool own_value(const struct passage *passage, const char *key, struct bytes *ret_value)
{
	const struct {
		const char *name;
		struct bytes value;
	} own[] = {
		{ "id", passage->document },	   { "title", passage->title },
		{ "file", passage->file },	   { "source", passage->source },
		{ "category", passage->category }, { "subject", passage->subject },
	};

	for (size_t i = 0; i < COUNT(own); i++)
		if (strcmp(own[i].name, key) == 0 && own[i].value.len) {
			*ret_value = own[i].value;
			return true;
		}
	return false;
}

static bool rule_passes(const json_t *rule, const struct passage *passage, const json_t *about)
{
	const char *key = json_string_value(json_object_get(rule, "key"));
	const json_t *want = json_object_get(rule, "value");
	json_t *have = json_object_get(json_object_get(about, "metadata"), key), *own = NULL;
	struct bytes value;
	enum op op = OP_EQ;
	bool fits;

	op_of(rule, &op);
	if (!have && own_value(passage, key, &value))
		have = own = json_stringn(value.at, value.len);
	if (op == OP_EXISTS)
		fits = (have != NULL) == !json_is_false(want);
	else if (op == OP_NE)
		fits = !have || !value_fits(have, OP_EQ, want);
	else
		fits = have && value_fits(have, op, want);
	json_decref(own);
	return fits;
}

static bool tags_pass(const json_t *tags, const json_t *about)
{
	const json_t *have = json_object_get(about, "tags"), *tag;
	const json_t *any = json_object_get(tags, "any");
	bool one = !any;
	size_t i;

	json_array_foreach (any, i, tag)
		one |= holds_string(have, string_of(tag));
	json_array_foreach (json_object_get(tags, "all"), i, tag)
		one &= holds_string(have, string_of(tag));
	json_array_foreach (json_object_get(tags, "none"), i, tag)
		one &= !holds_string(have, string_of(tag));
	return one;
}

bool filter_passes(const json_t *filter, const struct passage *passage, const json_t *about)
{
	const json_t *ids = json_object_get(filter, "document_ids");
	const json_t *tags = json_object_get(filter, "tags");
	const json_t *metadata = json_object_get(filter, "metadata"), *rule;
	const json_t *or_rules = json_object_get(metadata, "or");
	bool one = json_array_size(or_rules) == 0;
	size_t i;

	if (ids && !holds_string(ids, passage->document))
		return false;
	if (tags && !tags_pass(tags, about))
		return false;
	json_array_foreach (json_object_get(metadata, "and"), i, rule)
		if (!rule_passes(rule, passage, about))
			return false;
	json_array_foreach (or_rules, i, rule)
		one |= rule_passes(rule, passage, about);
	return one;
}
