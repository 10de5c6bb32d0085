/*
 * pattern_value: reading and comparing what stands on the right of a comparison.
 */
#include <stdio.h>

#include "services/logs/pattern_internal.h"

err_t parser_wrong(struct parser *parser, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(parser->why, PATTERN_WHY_BYTES, format, args);
	va_end(args);
	return ERR_SYNTAX;
}

void parser_blanks(struct parser *parser)
{
	while (parser->rest.len && strchr(" \t\r\n", parser->rest.at[0]) && parser->rest.at[0])
		parser->rest = bytes_from(parser->rest, 1);
}

bool parser_next_is(struct parser *parser, const char *word)
{
	parser_blanks(parser);
	return bytes_starts(parser->rest, bytes_of(word));
}

bool parser_takes(struct parser *parser, const char *word)
{
	if (!parser_next_is(parser, word))
		return false;
	parser->rest = bytes_from(parser->rest, strlen(word));
	return true;
}

err_t parser_quoted(struct parser *parser, struct bytes *ret_text)
{
	struct bytes rest = bytes_from(parser->rest, 1);
	char *copy = arena_alloc(parser->arena, rest.len + 1);
	size_t len = 0;

	if (!copy)
		return ERR_NOMEM;
	while (rest.len && rest.at[0] != '"') {
		if (rest.at[0] == '\\' && rest.len > 1 && (rest.at[1] == '"' || rest.at[1] == '\\'))
			rest = bytes_from(rest, 1);
		copy[len++] = rest.at[0];
		rest = bytes_from(rest, 1);
	}
	if (!rest.len)
		return parser_wrong(parser, "a quotation mark is not closed");
	parser->rest = bytes_from(rest, 1);
	*ret_text = bytes_make(copy, len);
	return ERR_OK;
}

err_t parser_regex(struct parser *parser, struct literal *ret_literal)
{
	struct bytes rest = bytes_from(parser->rest, 1);
	const char *why = NULL;
	size_t len = 0;
	err_t err;

	while (len < rest.len && rest.at[len] != '%')
		len += rest.at[len] == '\\' ? 2 : 1;
	if (len >= rest.len)
		return parser_wrong(parser, "a regular expression is not closed by %%");
	err = regex_parse(parser->arena, bytes_upto(rest, len), &ret_literal->regex, &why);
	if (err == ERR_SYNTAX)
		return parser_wrong(parser, "%s", why);
	parser->rest = bytes_from(rest, len + 1);
	return err;
}

err_t parser_comparison(struct parser *parser, enum comparison *ret_comparison)
{
	static const struct {
		const char *word;
		enum comparison comparison;
	} words[] = {
		{ "!=", IS_NOT_EQUAL }, { "<=", IS_AT_MOST }, { ">=", IS_AT_LEAST },
		{ "=", IS_EQUAL },	{ "<", IS_LESS },     { ">", IS_GREATER },
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (parser_takes(parser, words[i].word)) {
			*ret_comparison = words[i].comparison;
			return ERR_OK;
		}
	return parser_wrong(parser, "a comparison (=, !=, <, >, <=, >=) is missing");
}

bool number_of(struct bytes text, double *ret_number)
{
	char copy[64], *end;

	if (!text.len || text.len >= sizeof copy)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	if (strspn(copy, "0123456789+-.eE") != text.len)
		return false;
	*ret_number = strtod(copy, &end);
	return end == copy + text.len;
}

static bool is_ordered(enum comparison comparison)
{
	return comparison != IS_EQUAL && comparison != IS_NOT_EQUAL;
}

/* A bare word ends at a blank, at one of `ends`, at && or ||. */
static size_t bare_word(struct bytes rest, const char *ends)
{
	size_t len = 0;

	for (; len < rest.len; len++) {
		char c = rest.at[len];

		if (!c || strchr(" \t\r\n\"", c) || strchr(ends, c))
			break;
		if ((c == '&' || c == '|') && len + 1 < rest.len && rest.at[len + 1] == c)
			break;
	}
	return len;
}

static err_t read_word(struct parser *parser, const char *ends, struct literal *literal)
{
	size_t len = bare_word(parser->rest, ends);

	if (!len)
		return parser_wrong(parser, "a value is missing after a comparison");
	literal->text = bytes_upto(parser->rest, len);
	parser->rest = bytes_from(parser->rest, len);
	literal->is_number = number_of(literal->text, &literal->number);
	return ERR_OK;
}

err_t parser_literal(struct parser *parser, enum comparison comparison, const char *ends,
		     struct literal *ret_literal)
{
	struct literal literal = { .quoted = parser_next_is(parser, "\"") };

	if (literal.quoted)
		TRY(parser_quoted(parser, &literal.text));
	else if (parser_next_is(parser, "%"))
		TRY(parser_regex(parser, &literal));
	else
		TRY(read_word(parser, ends, &literal));
	if (is_ordered(comparison) && !literal.is_number)
		return parser_wrong(parser, "<, >, <= and >= compare with numbers only");
	literal.wild = !literal.regex && bytes_index(literal.text, '*') != SIZE_MAX;
	*ret_literal = literal;
	return ERR_OK;
}

/* ---- Expressions ---- */

static err_t read_any_of(struct parser *parser, const struct expression **ret_expression);

static err_t new_expression(struct parser *parser, struct expression like,
			    const struct expression **ret_expression)
{
	struct expression *made = arena_new(parser->arena, struct expression);

	if (!made)
		return ERR_NOMEM;
	*made = like;
	*ret_expression = made;
	return ERR_OK;
}

static err_t read_one(struct parser *parser, const struct expression **ret_expression)
{
	struct expression test = { .kind = TEST };

	if (!parser_takes(parser, "(")) {
		TRY(parser->read_test(parser, &test.test));
		return new_expression(parser, test, ret_expression);
	}
	if (++parser->depth > PARSER_DEPTH_MAX)
		return parser_wrong(parser, "parentheses are nested too deeply");
	TRY(read_any_of(parser, ret_expression));
	parser->depth--;
	if (!parser_takes(parser, ")"))
		return parser_wrong(parser, "a parenthesis is not closed");
	return ERR_OK;
}

static err_t read_all_of(struct parser *parser, const struct expression **ret_expression)
{
	struct expression both = { .kind = ALL_OF };

	TRY(read_one(parser, ret_expression));
	while (parser_takes(parser, "&&")) {
		both.left = *ret_expression;
		TRY(read_one(parser, &both.right));
		TRY(new_expression(parser, both, ret_expression));
	}
	return ERR_OK;
}

static err_t read_any_of(struct parser *parser, const struct expression **ret_expression)
{
	struct expression either = { .kind = ANY_OF };

	TRY(read_all_of(parser, ret_expression));
	while (parser_takes(parser, "||")) {
		either.left = *ret_expression;
		TRY(read_all_of(parser, &either.right));
		TRY(new_expression(parser, either, ret_expression));
	}
	return ERR_OK;
}

err_t parser_expression(struct parser *parser, const struct expression **ret_expression)
{
	return read_any_of(parser, ret_expression);
}

bool expression_holds(const struct expression *expression,
		      bool (*holds)(void *owner, const struct test *test), void *owner)
{
	switch (expression->kind) {
	case ALL_OF:
		return expression_holds(expression->left, holds, owner) &&
		       expression_holds(expression->right, holds, owner);
	case ANY_OF:
		return expression_holds(expression->left, holds, owner) ||
		       expression_holds(expression->right, holds, owner);
	case TEST: break;
	}
	return holds(owner, &expression->test);
}

/* ---- Comparing ---- */

/* '*' stands for anything, also nothing. Linear but for the last star, to which it returns. */
static bool wild_fits(struct bytes wild, struct bytes text)
{
	size_t w = 0, t = 0, star = SIZE_MAX, star_text = 0;

	while (t < text.len) {
		if (w < wild.len && wild.at[w] == '*') {
			star = w++;
			star_text = t;
		} else if (w < wild.len && wild.at[w] == text.at[t]) {
			w++;
			t++;
		} else if (star != SIZE_MAX) {
			w = star + 1;
			t = ++star_text;
		} else {
			return false;
		}
	}
	while (w < wild.len && wild.at[w] == '*')
		w++;
	return w == wild.len;
}

bool numbers_fit(enum comparison comparison, double left, double right)
{
	switch (comparison) {
	case IS_EQUAL: return left >= right && left <= right;
	case IS_NOT_EQUAL: return left < right || left > right;
	case IS_LESS: return left < right;
	case IS_GREATER: return left > right;
	case IS_AT_MOST: return left <= right;
	case IS_AT_LEAST: return left >= right;
	default: return false;
	}
}

static bool equals(const struct literal *literal, struct bytes text)
{
	double number;

	if (literal->regex)
		return regex_finds(literal->regex, text);
	if (literal->wild)
		return wild_fits(literal->text, text);
	if (bytes_eq(literal->text, text))
		return true;
	return literal->is_number && number_of(text, &number) &&
	       numbers_fit(IS_EQUAL, number, literal->number);
}

bool literal_fits(const struct literal *literal, enum comparison comparison, struct bytes text)
{
	double number;

	if (!is_ordered(comparison))
		return equals(literal, text) == (comparison == IS_EQUAL);
	return number_of(text, &number) && numbers_fit(comparison, number, literal->number);
}
