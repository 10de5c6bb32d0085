/*
 * pattern_internal: what the three forms share: literals, comparisons, expressions of && and ||.
 */
#ifndef SERVICES_LOGS_PATTERN_INTERNAL_H
#define SERVICES_LOGS_PATTERN_INTERNAL_H

#include <jansson.h>

#include "base/arena.h"
#include "services/logs/pattern.h"
#include "services/logs/regex.h"

enum comparison {
	IS_EQUAL,
	IS_NOT_EQUAL,
	IS_LESS,
	IS_GREATER,
	IS_AT_MOST,
	IS_AT_LEAST,
	EXISTS,
	NOT_EXISTS,
	IS_NULL,
	IS_TRUE,
	IS_FALSE,
};

/* What stands on the right of a comparison. */
struct literal {
	struct bytes text; /* '*' stands for anything */
	bool wild, quoted;
	const struct regex *regex; /* or NULL */
	bool is_number;
	double number;
};

struct step { /* of a path into JSON */
	enum { STEP_NAME, STEP_INDEX, STEP_ANY } kind;
	struct bytes name;
	size_t index;
	const struct step *next;
};

struct test {
	const struct step *path; /* JSON; NULL is the whole message */
	struct bytes path_text;	 /* "$.a.b" as written */
	unsigned field;		 /* of fields between blanks */
	enum comparison comparison;
	struct literal literal;
};

struct expression {
	enum { ALL_OF, ANY_OF, TEST } kind;
	const struct expression *left, *right;
	struct test test;
};

struct parser {
	struct bytes rest;
	struct arena *arena;
	char *why;
	unsigned depth;
	/* Reads one test; the form's own. */
	err_t (*read_test)(struct parser *parser, struct test *ret_test);
	struct fields *fields; /* where read_test of fields looks names up */
};

struct term {
	struct literal literal;
	enum { TERM_WANTED, TERM_OPTIONAL, TERM_EXCLUDED } kind;
	struct term *next;
};

struct field {
	struct bytes name;		    /* "" for one without a name */
	const struct expression *condition; /* or NULL */
};

enum { FIELDS_MAX = 128, PARSER_DEPTH_MAX = 32 };

struct fields {
	struct field fields[FIELDS_MAX];
	unsigned count;
	unsigned before; /* fields before the ellipsis */
	bool ellipsis;
};

struct pattern {
	enum { FORM_TERMS, FORM_JSON, FORM_FIELDS } form;
	struct arena arena;
	struct term *terms;
	bool any_wanted;
	const struct expression *expression;
	struct fields *fields;
};

/* ---- pattern_value.c ---- */

err_t parser_wrong(struct parser *parser, const char *format, ...) PRINTF_LIKE(2, 3);
void parser_blanks(struct parser *parser);
bool parser_next_is(struct parser *parser, const char *word); /* after blanks; takes nothing */
bool parser_takes(struct parser *parser, const char *word);   /* after blanks */
/* "…" with its escapes undone; the quote is next. */
err_t parser_quoted(struct parser *parser, struct bytes *ret_text);
err_t parser_regex(struct parser *parser, struct literal *ret_literal); /* "%" is next */
err_t parser_comparison(struct parser *parser, enum comparison *ret_comparison);
/* The right side of it; `ends` are the characters that close a bare word, beside blanks. */
err_t parser_literal(struct parser *parser, enum comparison comparison, const char *ends,
		     struct literal *ret_literal);
/* Tests with &&, || and parentheses. */
err_t parser_expression(struct parser *parser, const struct expression **ret_expression);

/* Whether `expression` holds, asking `holds` for each test. */
bool expression_holds(const struct expression *expression,
		      bool (*holds)(void *owner, const struct test *test), void *owner);

bool number_of(struct bytes text, double *ret_number);
bool literal_fits(const struct literal *literal, enum comparison comparison, struct bytes text);
bool numbers_fit(enum comparison comparison, double left, double right);

/* ---- pattern_json.c, pattern_fields.c ---- */

err_t pattern_json_parse(struct parser *parser, struct pattern *pattern);
bool pattern_json_matches(const struct pattern *pattern, struct bytes message);
void pattern_json_extract(const struct pattern *pattern, struct bytes message, pattern_each_fn each,
			  void *owner);
bool pattern_json_path_valid(struct bytes path);
bool pattern_json_value(struct bytes path, struct bytes message, struct text *out);

err_t pattern_fields_parse(struct parser *parser, struct pattern *pattern);
bool pattern_fields_match(const struct pattern *pattern, struct bytes message);
void pattern_fields_extract(const struct pattern *pattern, struct bytes message,
			    pattern_each_fn each, void *owner);

#endif
