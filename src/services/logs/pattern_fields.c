/*
 * pattern_fields: [a, b >= 30, ..., c = "x*"]: messages of fields between blanks. In a message,
 * "…" and […] are one field each.
 */
#include <stdio.h>

#include "services/logs/pattern_internal.h"

/* ---- Parsing ---- */

static bool is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '-' || c == '$' || c == '.';
}

static err_t read_name(struct parser *parser, struct bytes *ret_name)
{
	size_t len = 0;

	parser_blanks(parser);
	while (len < parser->rest.len && is_name_char(parser->rest.at[len]))
		len++;
	if (!len)
		return parser_wrong(parser, "a field's name is missing");
	*ret_name = bytes_upto(parser->rest, len);
	parser->rest = bytes_from(parser->rest, len);
	return ERR_OK;
}

/* The field of that name; the first name in a slot is the slot's own. */
static err_t find_field(struct parser *parser, struct bytes name, unsigned *ret_field)
{
	struct fields *fields = parser->fields;
	struct field *last = &fields->fields[fields->count - 1];

	if (!last->name.len)
		last->name = name;
	for (unsigned i = fields->count; i > 0; i--)
		if (bytes_eq(fields->fields[i - 1].name, name)) {
			*ret_field = i - 1;
			return ERR_OK;
		}
	return parser_wrong(parser, "the field '%.*s' is not named before it is compared",
			    (int)size_min(name.len, 40), name.at);
}

/* Without its surrounding quotes, which a field of the message loses as well. */
static struct bytes unquoted(struct bytes text)
{
	if (text.len >= 2 && text.at[0] == '"' && text.at[text.len - 1] == '"')
		return bytes_make(text.at + 1, text.len - 2);
	return text;
}

static err_t read_test(struct parser *parser, struct test *ret_test)
{
	struct bytes name;

	TRY(read_name(parser, &name));
	TRY(find_field(parser, name, &ret_test->field));
	TRY(parser_comparison(parser, &ret_test->comparison));
	TRY(parser_literal(parser, ret_test->comparison, ",])", &ret_test->literal));
	ret_test->literal.text = unquoted(ret_test->literal.text);
	return ERR_OK;
}

/* A value alone, "\"GET / HTTP/1.1\"" or %regex%: a field without a name that must be that. */
static err_t read_bare_value(struct parser *parser, const struct expression **ret_expression)
{
	struct expression *made = arena_new(parser->arena, struct expression);

	if (!made)
		return ERR_NOMEM;
	made->kind = TEST;
	made->test.field = parser->fields->count - 1;
	made->test.comparison = IS_EQUAL;
	TRY(parser_literal(parser, IS_EQUAL, ",]", &made->test.literal));
	made->test.literal.text = unquoted(made->test.literal.text);
	*ret_expression = made;
	return ERR_OK;
}

static err_t read_field(struct parser *parser)
{
	struct fields *fields = parser->fields;
	struct field *field = &fields->fields[fields->count];
	struct bytes start;

	if (fields->count == FIELDS_MAX)
		return parser_wrong(parser, "a pattern has at most %d fields", FIELDS_MAX);
	fields->count++;
	if (parser_next_is(parser, "\"") || parser_next_is(parser, "%"))
		return read_bare_value(parser, &field->condition);
	if (parser_next_is(parser, "("))
		return parser_expression(parser, &field->condition);
	start = parser->rest;
	TRY(read_name(parser, &field->name));
	if (parser_next_is(parser, ",") || parser_next_is(parser, "]"))
		return ERR_OK;
	parser->rest = start; /* the name begins a condition */
	return parser_expression(parser, &field->condition);
}

static err_t read_ellipsis(struct parser *parser)
{
	if (parser->fields->ellipsis)
		return parser_wrong(parser, "a pattern has one '...' at most");
	parser->fields->ellipsis = true;
	parser->fields->before = parser->fields->count;
	return ERR_OK;
}

err_t pattern_fields_parse(struct parser *parser, struct pattern *pattern)
{
	pattern->form = FORM_FIELDS;
	pattern->fields = arena_new(&pattern->arena, struct fields);
	if (!pattern->fields)
		return ERR_NOMEM;
	parser->fields = pattern->fields;
	parser->read_test = read_test;
	do {
		if (parser_takes(parser, "..."))
			TRY(read_ellipsis(parser));
		else
			TRY(read_field(parser));
	} while (parser_takes(parser, ","));
	if (!parser_takes(parser, "]"))
		return parser_wrong(parser, "a ',' or ']' is missing");
	return ERR_OK;
}

/* ---- Matching ---- */

enum { WORDS_MAX = 512 };

struct split {
	struct bytes words[WORDS_MAX];
	unsigned count;
	bool too_many;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where a quoted or bracketed field ends: at `close`, not after a backslash; or SIZE_MAX. */
static size_t closing(struct bytes text, size_t from, char close)
{
	for (size_t i = from; i < text.len; i++) {
		if (text.at[i] == '\\')
			i++;
		else if (text.at[i] == close)
			return i;
	}
	return SIZE_MAX;
}

/* `words_max`: more than these need not be looked at. */
static void split_message(struct bytes text, struct split *split)
{
	size_t i = 0;

	split->count = 0;
	split->too_many = false;
	for (;;) {
		size_t start, end = SIZE_MAX;

		while (i < text.len && is_blank(text.at[i]))
			i++;
		if (i == text.len)
			return;
		if (split->count == WORDS_MAX) {
			split->too_many = true;
			return;
		}
		if (text.at[i] == '"' || text.at[i] == '[')
			end = closing(text, i + 1, text.at[i] == '"' ? '"' : ']');
		if (end != SIZE_MAX) {
			split->words[split->count++] = bytes_make(text.at + i + 1, end - i - 1);
			i = end + 1;
			continue;
		}
		for (start = i; i < text.len && !is_blank(text.at[i]);)
			i++;
		split->words[split->count++] = bytes_make(text.at + start, i - start);
	}
}

static struct bytes word_of(const struct fields *fields, const struct split *split, unsigned field)
{
	if (fields->ellipsis && field >= fields->before)
		field += split->count - fields->count;
	return split->words[field];
}

struct matching {
	const struct fields *fields;
	const struct split *split;
};

static bool test_holds(void *owner, const struct test *test)
{
	const struct matching *matching = owner;

	return literal_fits(&test->literal, test->comparison,
			    word_of(matching->fields, matching->split, test->field));
}

static bool split_fits(const struct fields *fields, const struct split *split)
{
	if (split->too_many || split->count < fields->count)
		return false;
	return fields->ellipsis || split->count == fields->count;
}

bool pattern_fields_match(const struct pattern *pattern, struct bytes message)
{
	const struct fields *fields = pattern->fields;
	struct split split;
	struct matching matching = { fields, &split };

	split_message(message, &split);
	if (!split_fits(fields, &split))
		return false;
	for (unsigned i = 0; i < fields->count; i++)
		if (fields->fields[i].condition &&
		    !expression_holds(fields->fields[i].condition, test_holds, &matching))
			return false;
	return true;
}

void pattern_fields_extract(const struct pattern *pattern, struct bytes message,
			    pattern_each_fn each, void *owner)
{
	const struct fields *fields = pattern->fields;
	struct split split;

	split_message(message, &split);
	if (!split_fits(fields, &split))
		return;
	for (unsigned i = 0; i < fields->count; i++) {
		char name[PATTERN_BYTES_MAX + 2];
		const struct field *field = &fields->fields[i];
		int len = field->name.len
				  ? snprintf(name, sizeof name, "$%.*s", BYTES_ARG(field->name))
				  : snprintf(name, sizeof name, "$%u", i + 1);

		each(owner, bytes_make(name, (size_t)len), word_of(fields, &split, i));
	}
}
