#include "services/logs/pattern.h"

#include <stdio.h>
#include <stdlib.h>

#include "services/logs/pattern_internal.h"

enum { PATTERN_ARENA_BYTES = 1024 * 1024 };

/* ---- Terms ---- */

static bool is_term_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || (unsigned char)c >= 0x80;
}

static err_t read_bare_term(struct parser *parser, struct bytes *ret_text)
{
	size_t len = 0;

	while (len < parser->rest.len && !strchr(" \t\r\n", parser->rest.at[len])) {
		if (!is_term_char(parser->rest.at[len]))
			return parser_wrong(
				parser, "a term with other characters than letters, digits and _ "
					"must be in quotation marks");
		len++;
	}
	if (!len)
		return parser_wrong(parser, "a term is missing after '?' or '-'");
	*ret_text = bytes_upto(parser->rest, len);
	parser->rest = bytes_from(parser->rest, len);
	return ERR_OK;
}

static err_t read_term(struct parser *parser, struct term *term)
{
	if (parser_takes(parser, "?"))
		term->kind = TERM_OPTIONAL;
	else if (parser_takes(parser, "-"))
		term->kind = TERM_EXCLUDED;
	if (bytes_starts(parser->rest, BYTES("\"")))
		return parser_quoted(parser, &term->literal.text);
	if (bytes_starts(parser->rest, BYTES("%")))
		return parser_regex(parser, &term->literal);
	return read_bare_term(parser, &term->literal.text);
}

static err_t terms_parse(struct parser *parser, struct pattern *pattern)
{
	struct term **tail = &pattern->terms;

	parser_blanks(parser);
	while (parser->rest.len) {
		struct term *term = arena_new(parser->arena, struct term);

		if (!term)
			return ERR_NOMEM;
		TRY(read_term(parser, term));
		*tail = term;
		tail = &term->next;
		pattern->any_wanted |= term->kind == TERM_WANTED;
		parser_blanks(parser);
	}
	return ERR_OK;
}

static bool term_found(const struct term *term, struct bytes message)
{
	if (term->literal.regex)
		return regex_finds(term->literal.regex, message);
	if (!term->literal.text.len)
		return true;
	return message.len && memmem(message.at, message.len, term->literal.text.at,
				     term->literal.text.len) != NULL;
}

/* Beside a term that must be there, '?' terms do not count: so AWS says. */
static bool terms_match(const struct pattern *pattern, struct bytes message)
{
	bool any_optional = false, optional_found = false;

	for (const struct term *term = pattern->terms; term; term = term->next) {
		bool found = term_found(term, message);

		if (term->kind == TERM_OPTIONAL) {
			any_optional = true;
			optional_found |= found;
		} else if (found != (term->kind == TERM_WANTED)) {
			return false;
		}
	}
	return pattern->any_wanted || !any_optional || optional_found;
}

/* ---- The three forms ---- */

static err_t parse(struct parser *parser, struct pattern *pattern)
{
	if (parser_takes(parser, "{"))
		TRY(pattern_json_parse(parser, pattern));
	else if (parser_takes(parser, "["))
		TRY(pattern_fields_parse(parser, pattern));
	else
		return terms_parse(parser, pattern);
	parser_blanks(parser);
	if (parser->rest.len)
		return parser_wrong(parser, "something follows the end of the pattern");
	return ERR_OK;
}

err_t pattern_parse(struct bytes text, struct pattern **ret_pattern, char why[PATTERN_WHY_BYTES])
{
	struct pattern *pattern = calloc(1, sizeof *pattern);
	struct parser parser = { .why = why };
	err_t err;

	why[0] = '\0';
	if (!pattern)
		return ERR_NOMEM;
	arena_init(&pattern->arena, PATTERN_ARENA_BYTES);
	parser.arena = &pattern->arena;
	if (text.len > PATTERN_BYTES_MAX)
		err = parser_wrong(&parser, "a pattern has at most %d characters",
				   PATTERN_BYTES_MAX);
	else
		err = arena_copy(&pattern->arena, text, &parser.rest);
	if (!err)
		err = parse(&parser, pattern);
	if (err) {
		pattern_free(pattern);
		return err;
	}
	*ret_pattern = pattern;
	return ERR_OK;
}

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	arena_fini(&pattern->arena);
	free(pattern);
}

bool pattern_matches(const struct pattern *pattern, struct bytes message)
{
	switch (pattern->form) {
	case FORM_JSON: return pattern_json_matches(pattern, message);
	case FORM_FIELDS: return pattern_fields_match(pattern, message);
	case FORM_TERMS: break;
	}
	return terms_match(pattern, message);
}

void pattern_extract(const struct pattern *pattern, struct bytes message, pattern_each_fn each,
		     void *owner)
{
	if (pattern->form == FORM_JSON)
		pattern_json_extract(pattern, message, each, owner);
	else if (pattern->form == FORM_FIELDS)
		pattern_fields_extract(pattern, message, each, owner);
}

struct looking {
	struct bytes name;
	struct text *out;
	bool found;
};

static void look(void *owner, struct bytes name, struct bytes value)
{
	struct looking *looking = owner;

	if (looking->found || !bytes_eq(name, looking->name))
		return;
	looking->found = true;
	text_add(looking->out, value);
}

bool pattern_value(const struct pattern *pattern, struct bytes name, struct bytes message,
		   struct text *out)
{
	struct looking looking = { .name = name, .out = out };

	if (pattern->form == FORM_JSON)
		return pattern_json_value(name, message, out);
	pattern_extract(pattern, message, look, &looking);
	return looking.found;
}

bool pattern_knows(const struct pattern *pattern, struct bytes name)
{
	const struct fields *fields = pattern->fields;

	if (pattern->form == FORM_JSON)
		return pattern_json_path_valid(name);
	if (pattern->form != FORM_FIELDS || name.len < 2 || name.at[0] != '$')
		return false;
	for (unsigned i = 0; i < fields->count; i++)
		if (bytes_eq(fields->fields[i].name, bytes_from(name, 1)))
			return true;
	return false;
}
