#include "services/cloudwatch/search.h"

enum { DEPTH_MAX = 32, PIECES_MAX = 64 };

/*
 * A part of a name that matches by itself. In a word of several pieces ("CustomCount") capitals
 * count, or it would not have been cut there; a word that is one piece is found in any case.
 */
struct piece {
	struct bytes text;
	bool strict;
};

struct pieces {
	struct piece at[PIECES_MAX];
	unsigned count;
};

struct term {
	enum { ALL_OF, ANY_OF, NOT, WORD } kind;
	const struct term *left, *right;
	struct bytes property; /* "": any */
	struct bytes text;
	bool exact;
};

struct search {
	struct bytes name_space; /* "": no schema */
	struct bytes dimensions[DIMENSIONS_MAX];
	unsigned dimension_count;
	const struct term *term; /* NULL: the schema alone */
};

/* ---- Tokens ---- */

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_token_char(char c)
{
	return is_upper(c) || is_digit(c) || (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

/* Does a piece begin at `i`, inside a word? "SDBFailure" is SDB and Failure. */
static bool begins(struct bytes text, size_t i)
{
	char before = text.at[i - 1], c = text.at[i];

	if (is_digit(c) != is_digit(before))
		return true;
	if (!is_upper(c))
		return false;
	return !is_upper(before) || (i + 1 < text.len && is_token_char(text.at[i + 1]) &&
				     !is_upper(text.at[i + 1]) && !is_digit(text.at[i + 1]));
}

static void cut(struct bytes text, struct pieces *pieces)
{
	size_t i = 0;

	pieces->count = 0;
	while (i < text.len) {
		unsigned word = pieces->count;
		size_t start = i;

		for (; i < text.len && is_token_char(text.at[i]); i++) {
			if (i == start || !begins(text, i) || pieces->count == PIECES_MAX)
				continue;
			pieces->at[pieces->count++].text = bytes_make(text.at + start, i - start);
			start = i;
		}
		if (i > start && pieces->count < PIECES_MAX)
			pieces->at[pieces->count++].text = bytes_make(text.at + start, i - start);
		for (unsigned p = word; p < pieces->count; p++)
			pieces->at[p].strict = pieces->count - word > 1;
		if (i < text.len)
			i++;
	}
}

static size_t next_token_char(struct bytes text, size_t from)
{
	while (from < text.len && !is_token_char(text.at[from]))
		from++;
	return from;
}

/* All of it is one token too: "Project2-trial333" is project2trial333. */
static bool same_whole(struct bytes a, struct bytes b)
{
	size_t i = next_token_char(a, 0), j = next_token_char(b, 0);

	while (i < a.len && j < b.len) {
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[j]))
			return false;
		i = next_token_char(a, i + 1);
		j = next_token_char(b, j + 1);
	}
	return i >= a.len && j >= b.len;
}

static bool pieces_at(const struct pieces *wanted, const struct pieces *there, unsigned from)
{
	for (unsigned i = 0; i < wanted->count; i++) {
		const struct piece *piece = &wanted->at[i];
		struct bytes other = there->at[from + i].text;

		if (piece->strict ? !bytes_eq(piece->text, other)
				  : !bytes_eq_nocase(piece->text, other))
			return false;
	}
	return true;
}

static bool text_fits(const struct term *term, struct bytes text)
{
	struct pieces wanted, there;

	if (term->exact)
		return bytes_eq(term->text, text);
	if (same_whole(term->text, text))
		return true;
	cut(term->text, &wanted);
	cut(text, &there);
	for (unsigned from = 0; wanted.count && from + wanted.count <= there.count; from++)
		if (pieces_at(&wanted, &there, from))
			return true;
	return false;
}

/* ---- Matching ---- */

static bool word_fits(const struct term *term, const struct search_subject *subject)
{
	bool any = !term->property.len;

	if ((any || bytes_eq_str(term->property, "Namespace")) &&
	    text_fits(term, subject->name_space))
		return true;
	if ((any || bytes_eq_str(term->property, "MetricName")) && text_fits(term, subject->name))
		return true;
	for (unsigned i = 0; i < subject->dimension_count; i++) {
		const struct dimension *dimension = &subject->dimensions[i];

		if (any && text_fits(term, dimension->name))
			return true;
		if ((any || bytes_eq(term->property, dimension->name)) &&
		    text_fits(term, dimension->value))
			return true;
	}
	return false;
}

static bool term_fits(const struct term *term, const struct search_subject *subject)
{
	switch (term->kind) {
	case ALL_OF: return term_fits(term->left, subject) && term_fits(term->right, subject);
	case ANY_OF: return term_fits(term->left, subject) || term_fits(term->right, subject);
	case NOT: return !term_fits(term->left, subject);
	case WORD: break;
	}
	return word_fits(term, subject);
}

static bool has_dimension(const struct search_subject *subject, struct bytes name)
{
	for (unsigned i = 0; i < subject->dimension_count; i++)
		if (bytes_eq(subject->dimensions[i].name, name))
			return true;
	return false;
}

bool search_fits(const struct search *search, const struct search_subject *subject)
{
	if (search->name_space.len && !bytes_eq(search->name_space, subject->name_space))
		return false;
	if (search->dimension_count && search->dimension_count != subject->dimension_count)
		return false;
	for (unsigned i = 0; i < search->dimension_count; i++)
		if (!has_dimension(subject, search->dimensions[i]))
			return false;
	return !search->term || term_fits(search->term, subject);
}

/* ---- Parsing ---- */

struct parser {
	struct arena *arena;
	struct bytes rest;
	struct text *why;
	unsigned depth;
};

static err_t wrong(struct parser *p, const char *what)
{
	text_clear(p->why);
	text_printf(p->why, "SEARCH: %s before '%.*s'", what, (int)size_min(p->rest.len, 40),
		    p->rest.len ? p->rest.at : "");
	return ERR_INVALID;
}

static void skip_blanks(struct parser *p)
{
	while (p->rest.len && (p->rest.at[0] == ' ' || p->rest.at[0] == '\t' ||
			       p->rest.at[0] == '\n' || p->rest.at[0] == '\r'))
		p->rest = bytes_from(p->rest, 1);
}

static bool take(struct parser *p, char c)
{
	skip_blanks(p);
	if (!p->rest.len || p->rest.at[0] != c)
		return false;
	p->rest = bytes_from(p->rest, 1);
	return true;
}

/* "…", the quote taken already; a backslash keeps the next character from meaning anything. */
static err_t read_quoted(struct parser *p, struct bytes *ret_text)
{
	char *copy = arena_alloc(p->arena, p->rest.len + 1);
	size_t len = 0, i = 0;

	if (!copy)
		return ERR_NOMEM;
	for (; i < p->rest.len && p->rest.at[i] != '"'; i++) {
		if (p->rest.at[i] == '\\' && i + 1 < p->rest.len)
			i++;
		copy[len++] = p->rest.at[i];
	}
	if (i == p->rest.len)
		return wrong(p, "a quotation mark is not closed");
	p->rest = bytes_from(p->rest, i + 1);
	*ret_text = bytes_make(copy, len);
	return ERR_OK;
}

static err_t read_bare(struct parser *p, const char *ends, struct bytes *ret_text)
{
	size_t len = 0;

	while (len < p->rest.len && p->rest.at[len] && !strchr(ends, p->rest.at[len]))
		len++;
	*ret_text = bytes_trim(bytes_upto(p->rest, len));
	if (!ret_text->len)
		return wrong(p, "a word is missing");
	p->rest = bytes_from(p->rest, len);
	return ERR_OK;
}

static err_t read_name(struct parser *p, struct bytes *ret_name)
{
	if (!take(p, '"'))
		return read_bare(p, ",}\"", ret_name);
	TRY(read_quoted(p, ret_name));
	return ret_name->len ? ERR_OK : wrong(p, "a name in the schema is empty");
}

/* {Namespace, Dimension, …}, the brace taken already. */
static err_t read_schema(struct parser *p, struct search *search)
{
	TRY(read_name(p, &search->name_space));
	while (take(p, ',')) {
		if (search->dimension_count == DIMENSIONS_MAX)
			return wrong(p, "a schema has too many dimensions");
		TRY(read_name(p, &search->dimensions[search->dimension_count]));
		search->dimension_count++;
	}
	return take(p, '}') ? ERR_OK : wrong(p, "the schema's closing brace is missing");
}

static bool take_word(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(p);
	if (!bytes_starts(p->rest, bytes_of(word)) ||
	    (p->rest.len > len && !strchr(" \t\r\n(\"", p->rest.at[len])))
		return false;
	p->rest = bytes_from(p->rest, len);
	return true;
}

/* text, "text", Property=text, "a property"="text" */
static err_t read_word(struct parser *p, struct term *term)
{
	static const char ends[] = " \t\r\n(){}\"=";

	skip_blanks(p);
	term->kind = WORD;
	term->exact = take(p, '"');
	TRY(term->exact ? read_quoted(p, &term->text) : read_bare(p, ends, &term->text));
	if (!p->rest.len || p->rest.at[0] != '=')
		return ERR_OK;
	p->rest = bytes_from(p->rest, 1);
	term->property = term->text;
	term->exact = take(p, '"');
	return term->exact ? read_quoted(p, &term->text) : read_bare(p, ends, &term->text);
}

static err_t read_any_of(struct parser *p, const struct term **ret_term);

static err_t read_one(struct parser *p, const struct term **ret_term)
{
	struct term *term = arena_new(p->arena, struct term);
	err_t err = ERR_OK;

	if (!term)
		return ERR_NOMEM;
	if (++p->depth > DEPTH_MAX)
		return wrong(p, "it is nested too deeply");
	if (take_word(p, "NOT")) {
		term->kind = NOT;
		err = read_one(p, &term->left);
		*ret_term = term;
	} else if (take(p, '(')) {
		err = read_any_of(p, ret_term);
		if (!err && !take(p, ')'))
			err = wrong(p, "a closing bracket is missing");
	} else {
		err = read_word(p, term);
		*ret_term = term;
	}
	p->depth--;
	return err;
}

static err_t join(struct parser *p, int kind, const struct term *left, const struct term *right,
		  const struct term **ret_term)
{
	struct term *both = arena_new(p->arena, struct term);

	if (!both)
		return ERR_NOMEM;
	both->kind = kind == ALL_OF ? ALL_OF : ANY_OF;
	both->left = left;
	both->right = right;
	*ret_term = both;
	return ERR_OK;
}

/* Terms side by side have to fit together: AND may be left out. */
static err_t read_all_of(struct parser *p, const struct term **ret_term)
{
	const struct term *right;

	TRY(read_one(p, ret_term));
	for (;;) {
		struct bytes before = p->rest;
		bool said = take_word(p, "AND");

		skip_blanks(p);
		if (!said && (!p->rest.len || p->rest.at[0] == ')' || take_word(p, "OR"))) {
			p->rest = before;
			return ERR_OK;
		}
		TRY(read_one(p, &right));
		TRY(join(p, ALL_OF, *ret_term, right, ret_term));
	}
}

static err_t read_any_of(struct parser *p, const struct term **ret_term)
{
	const struct term *right;

	TRY(read_all_of(p, ret_term));
	while (take_word(p, "OR")) {
		TRY(read_all_of(p, &right));
		TRY(join(p, ANY_OF, *ret_term, right, ret_term));
	}
	return ERR_OK;
}

err_t search_parse(struct arena *arena, struct bytes text, const struct search **ret_search,
		   struct text *why)
{
	struct parser p = { .arena = arena, .rest = text, .why = why };
	struct search *search = arena_new(arena, struct search);

	if (!search)
		return ERR_NOMEM;
	if (text.len > SEARCH_BYTES_MAX)
		return wrong(&p, "a search has at most 1024 characters: it ends too late");
	if (take(&p, '{')) {
		TRY(read_schema(&p, search));
		take(&p, ',');
	}
	skip_blanks(&p);
	if (p.rest.len)
		TRY(read_any_of(&p, &search->term));
	skip_blanks(&p);
	if (p.rest.len)
		return wrong(&p, "something follows the end");
	if (!search->name_space.len && !search->term)
		return wrong(&p, "it has neither a schema nor a term: something is missing");
	*ret_search = search;
	return ERR_OK;
}
