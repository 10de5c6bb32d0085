/*
 * pattern_json: { $.a.b[0] >= 3 && $.c = "x*" }: messages that are JSON. A path that meets several
 * values, through [*], holds when it holds for one of them; a comparison with what is not there
 * does not hold.
 */
#include <stdio.h>

#include "services/logs/pattern_internal.h"

enum { MESSAGE_BYTES_MAX = 1024 * 1024 };

/* ---- Parsing ---- */

static bool is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == '-';
}

static err_t read_name(struct parser *parser, struct step *step)
{
	size_t len = 0;

	if (bytes_starts(parser->rest, BYTES("*"))) {
		step->kind = STEP_ANY;
		parser->rest = bytes_from(parser->rest, 1);
		return ERR_OK;
	}
	while (len < parser->rest.len && is_name_char(parser->rest.at[len]))
		len++;
	if (!len)
		return parser_wrong(parser, "a property's name is missing after '.'");
	step->name = bytes_upto(parser->rest, len);
	parser->rest = bytes_from(parser->rest, len);
	return ERR_OK;
}

/* 'name' or "name" in brackets: a name that holds dots and the like. */
static err_t read_bracketed_name(struct parser *parser, struct step *step)
{
	char quote = parser->rest.at[0];
	struct bytes rest = bytes_from(parser->rest, 1);
	size_t len = bytes_index(rest, quote);

	if (len == SIZE_MAX)
		return parser_wrong(parser, "a name in brackets is not closed");
	step->name = bytes_upto(rest, len);
	parser->rest = bytes_from(rest, len + 1);
	return ERR_OK;
}

static err_t read_bracket(struct parser *parser, struct step *step)
{
	size_t len = 0;
	uint64_t index;

	if (parser_next_is(parser, "'") || parser_next_is(parser, "\"")) {
		TRY(read_bracketed_name(parser, step));
	} else if (parser_takes(parser, "*")) {
		step->kind = STEP_ANY;
	} else {
		while (len < parser->rest.len && parser->rest.at[len] >= '0' &&
		       parser->rest.at[len] <= '9')
			len++;
		if (bytes_to_u64(bytes_upto(parser->rest, len), UINT32_MAX, &index))
			return parser_wrong(parser, "an index is missing in brackets");
		step->kind = STEP_INDEX;
		step->index = (size_t)index;
		parser->rest = bytes_from(parser->rest, len);
	}
	if (!parser_takes(parser, "]"))
		return parser_wrong(parser, "a '[' is not closed");
	return ERR_OK;
}

/* "$" and its steps. */
static err_t read_path(struct parser *parser, struct test *test)
{
	const struct step **tail = &test->path;
	struct bytes start;

	parser_blanks(parser);
	start = parser->rest;
	if (!parser_takes(parser, "$"))
		return parser_wrong(parser, "a property begins with '$.'");
	while (parser->rest.len && (parser->rest.at[0] == '.' || parser->rest.at[0] == '[')) {
		bool dot = parser->rest.at[0] == '.';
		struct step *step = arena_new(parser->arena, struct step);

		if (!step)
			return ERR_NOMEM;
		parser->rest = bytes_from(parser->rest, 1);
		if (dot && bytes_starts(parser->rest, BYTES("["))) {
			parser->rest = bytes_from(parser->rest, 1);
			dot = false;
		}
		TRY(dot ? read_name(parser, step) : read_bracket(parser, step));
		*tail = step;
		tail = &step->next;
	}
	if (!test->path)
		return parser_wrong(parser, "a property begins with '$.'");
	test->path_text = bytes_upto(start, start.len - parser->rest.len);
	return ERR_OK;
}

/* EXISTS, NOT EXISTS, IS NULL, IS TRUE, IS FALSE, in any case. */
static bool read_words(struct parser *parser, enum comparison *ret_comparison)
{
	static const struct {
		const char *first, *second;
		enum comparison comparison;
	} rows[] = {
		{ "NOT", "EXISTS", NOT_EXISTS }, { "EXISTS", "", EXISTS },
		{ "IS", "NULL", IS_NULL },	 { "IS", "TRUE", IS_TRUE },
		{ "IS", "FALSE", IS_FALSE },
	};
	struct bytes start;

	parser_blanks(parser);
	start = parser->rest;
	for (size_t i = 0; i < COUNT(rows); i++) {
		parser->rest = start;
		if (!bytes_starts_nocase(start, bytes_of(rows[i].first)))
			continue;
		parser->rest = bytes_from(start, strlen(rows[i].first));
		parser_blanks(parser);
		if (!bytes_starts_nocase(parser->rest, bytes_of(rows[i].second)))
			continue;
		parser->rest = bytes_from(parser->rest, strlen(rows[i].second));
		*ret_comparison = rows[i].comparison;
		return true;
	}
	parser->rest = start;
	return false;
}

static err_t read_test(struct parser *parser, struct test *ret_test)
{
	TRY(read_path(parser, ret_test));
	if (read_words(parser, &ret_test->comparison))
		return ERR_OK;
	TRY(parser_comparison(parser, &ret_test->comparison));
	return parser_literal(parser, ret_test->comparison, ")}", &ret_test->literal);
}

err_t pattern_json_parse(struct parser *parser, struct pattern *pattern)
{
	pattern->form = FORM_JSON;
	parser->read_test = read_test;
	TRY(parser_expression(parser, &pattern->expression));
	if (!parser_takes(parser, "}"))
		return parser_wrong(parser, "'&&', '||' or '}' is missing");
	return ERR_OK;
}

/* ---- Matching ---- */

static bool leaf_text(const json_t *value, char room[64], struct bytes *ret_text)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		*ret_text = bytes_make(json_string_value(value), json_string_length(value));
		return true;
	case JSON_INTEGER: snprintf(room, 64, "%lld", (long long)json_integer_value(value)); break;
	case JSON_REAL: snprintf(room, 64, "%.15g", json_real_value(value)); break;
	case JSON_TRUE: snprintf(room, 64, "true"); break;
	case JSON_FALSE: snprintf(room, 64, "false"); break;
	case JSON_NULL: snprintf(room, 64, "null"); break;
	default: return false;
	}
	*ret_text = bytes_of(room);
	return true;
}

static bool value_fits(const struct test *test, const json_t *value)
{
	char room[64];
	struct bytes text;

	switch (test->comparison) {
	case EXISTS: return true;
	case IS_NULL: return json_is_null(value);
	case IS_TRUE: return json_is_true(value);
	case IS_FALSE: return json_is_false(value);
	default: break;
	}
	if (test->literal.is_number && json_is_number(value))
		return numbers_fit(test->comparison, json_number_value(value),
				   test->literal.number);
	return leaf_text(value, room, &text) &&
	       literal_fits(&test->literal, test->comparison, text);
}

typedef bool (*visit_fn)(void *owner, const json_t *value);

/* Whether `visit` says yes to one of the values that the path leads to. */
static bool walk(const struct step *step, const json_t *value, visit_fn visit, void *owner)
{
	const char *key;
	json_t *item;
	size_t i;

	if (!step)
		return visit(owner, value);
	if (step->kind == STEP_NAME) {
		item = json_object_getn(value, step->name.at, step->name.len);
		return item && walk(step->next, item, visit, owner);
	}
	if (step->kind == STEP_INDEX) {
		item = json_array_get(value, step->index);
		return item && walk(step->next, item, visit, owner);
	}
	if (json_is_array(value)) {
		json_array_foreach (value, i, item) {
			if (walk(step->next, item, visit, owner))
				return true;
		}
		return false;
	}
	json_object_foreach ((json_t *)value, key, item) {
		if (walk(step->next, item, visit, owner))
			return true;
	}
	return false;
}

static bool visit_test(void *owner, const json_t *value)
{
	return value_fits(owner, value);
}

static bool visit_any(void *owner, const json_t *value)
{
	(void)owner;
	(void)value;
	return true;
}

static bool test_holds(void *owner, const struct test *test)
{
	struct test copy = *test;

	if (test->comparison == NOT_EXISTS)
		return !walk(test->path, owner, visit_any, NULL);
	return walk(test->path, owner, visit_test, &copy);
}

static json_t *read_message(struct bytes message)
{
	message = bytes_trim(message);
	if (!message.len || (message.at[0] != '{' && message.at[0] != '[') ||
	    message.len > MESSAGE_BYTES_MAX)
		return NULL;
	return json_loadb(message.at, message.len, 0, NULL);
}

bool pattern_json_matches(const struct pattern *pattern, struct bytes message)
{
	json_t *value = read_message(message);
	bool matches = value && expression_holds(pattern->expression, test_holds, value);

	json_decref(value);
	return matches;
}

/* ---- Values ---- */

static bool visit_text(void *owner, const json_t *value)
{
	char room[64];
	struct bytes text;

	if (!leaf_text(value, room, &text))
		return false;
	text_add(owner, text);
	return true;
}

static void extract_from(const struct expression *expression, const json_t *value,
			 pattern_each_fn each, void *owner)
{
	struct text text = TEXT_INIT(MESSAGE_BYTES_MAX);

	if (expression->kind != TEST) {
		extract_from(expression->left, value, each, owner);
		extract_from(expression->right, value, each, owner);
		return;
	}
	if (walk(expression->test.path, value, visit_text, &text))
		each(owner, expression->test.path_text, text_bytes(&text));
	text_fini(&text);
}

void pattern_json_extract(const struct pattern *pattern, struct bytes message, pattern_each_fn each,
			  void *owner)
{
	json_t *value = read_message(message);

	if (value)
		extract_from(pattern->expression, value, each, owner);
	json_decref(value);
}

static err_t parse_path(struct bytes path, struct arena *arena, struct test *ret_test)
{
	char why[PATTERN_WHY_BYTES];
	struct parser parser = { .rest = path, .arena = arena, .why = why };

	TRY(read_path(&parser, ret_test));
	return parser.rest.len ? ERR_SYNTAX : ERR_OK;
}

enum { PATH_ARENA_BYTES = 64 * 1024 };

bool pattern_json_path_valid(struct bytes path)
{
	struct test test = { .path = NULL };
	struct arena arena;
	bool valid;

	arena_init(&arena, PATH_ARENA_BYTES);
	valid = parse_path(path, &arena, &test) == ERR_OK;
	arena_fini(&arena);
	return valid;
}

bool pattern_json_value(struct bytes path, struct bytes message, struct text *out)
{
	json_t *value = read_message(message);
	struct test test = { .path = NULL };
	struct arena arena;
	bool found;

	arena_init(&arena, PATH_ARENA_BYTES);
	found = value && !parse_path(path, &arena, &test) &&
		walk(test.path, value, visit_text, out);
	arena_fini(&arena);
	json_decref(value);
	return found;
}
