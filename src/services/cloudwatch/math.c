#include "services/cloudwatch/math_internal.h"

#include <math.h>
#include <stdlib.h>

enum { DEPTH_MAX = 64 };

/* ---- Parsing ---- */

struct parser {
	struct arena *arena;
	struct bytes all, rest;
	struct text *why;
	unsigned depth;
};

/* Weakest first; of two that begin alike, the longer is before the shorter. */
static const struct {
	const char *text;
	enum math_operator operator;
	unsigned strength;
} operators[] = {
	{ "||", OP_OR, 1 },	    { "OR", OP_OR, 1 },
	{ "&&", OP_AND, 2 },	    { "AND", OP_AND, 2 },
	{ "==", OP_EQUAL, 3 },	    { "!=", OP_UNEQUAL, 3 },
	{ "<=", OP_LESS_EQUAL, 3 }, { ">=", OP_GREATER_EQUAL, 3 },
	{ "<", OP_LESS, 3 },	    { ">", OP_GREATER, 3 },
	{ "+", OP_ADD, 4 },	    { "-", OP_SUBTRACT, 4 },
	{ "*", OP_MULTIPLY, 5 },    { "/", OP_DIVIDE, 5 },
	{ "%", OP_MODULO, 5 },	    { "^", OP_POWER, 6 },
};
enum { STRENGTH_UNARY = 6 };

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static void skip_blanks(struct parser *p)
{
	while (p->rest.len && strchr(" \t\r\n", p->rest.at[0]))
		p->rest = bytes_from(p->rest, 1);
}

static err_t wrong(struct parser *p, const char *what)
{
	text_clear(p->why);
	text_printf(p->why, "%s at position %zu", what, p->all.len - p->rest.len);
	return ERR_SYNTAX;
}

static bool take(struct parser *p, char c)
{
	skip_blanks(p);
	if (!p->rest.len || p->rest.at[0] != c)
		return false;
	p->rest = bytes_from(p->rest, 1);
	return true;
}

static struct math_node *new_node(struct parser *p, enum node_kind kind, size_t arguments)
{
	struct math_node *node = arena_new(p->arena, struct math_node);

	if (!node)
		return NULL;
	node->kind = kind;
	if (arguments) {
		node->arguments = arena_array(p->arena, arguments, sizeof *node->arguments);
		if (!node->arguments)
			return NULL;
	}
	return node;
}

static err_t parse_binary(struct parser *p, unsigned strength, const struct math_node **ret_node);

/* What stands between the brackets, up to `close`. */
static err_t parse_arguments(struct parser *p, char close, struct math_node *node)
{
	if (take(p, close))
		return ERR_OK;
	do {
		if (node->count == MATH_ARGUMENTS_MAX)
			return wrong(p, "too many arguments");
		TRY(parse_binary(p, 1, &node->arguments[node->count]));
		node->count++;
	} while (take(p, ','));
	return take(p, close) ? ERR_OK : wrong(p, "a closing bracket is missing");
}

static err_t parse_number(struct parser *p, const struct math_node **ret_node)
{
	struct math_node *node = new_node(p, NODE_NUMBER, 0);
	char digits[64];
	size_t len = 0;
	char *end;

	while (len < p->rest.len && len < sizeof digits - 1 &&
	       (strchr("0123456789.", p->rest.at[len]) ||
		((p->rest.at[len] == 'e' || p->rest.at[len] == 'E') && len) ||
		(len && strchr("+-", p->rest.at[len]) && ascii_lower(p->rest.at[len - 1]) == 'e')))
		len++;
	if (!node)
		return ERR_NOMEM;
	memcpy(digits, p->rest.at, len);
	digits[len] = '\0';
	node->number = strtod(digits, &end);
	if (*end || end == digits || !isfinite(node->number))
		return wrong(p, "a number is malformed");
	p->rest = bytes_from(p->rest, len);
	*ret_node = node;
	return ERR_OK;
}

static err_t parse_quoted(struct parser *p, char quote, const struct math_node **ret_node)
{
	struct math_node *node = new_node(p, NODE_TEXT, 0);
	size_t len = bytes_index(p->rest, quote);

	if (!node)
		return ERR_NOMEM;
	if (len == SIZE_MAX)
		return wrong(p, "a quote is not closed");
	node->text = bytes_upto(p->rest, len);
	p->rest = bytes_from(p->rest, len + 1);
	*ret_node = node;
	return ERR_OK;
}

static err_t parse_call(struct parser *p, struct bytes name, const struct math_node **ret_node)
{
	struct math_node *node = new_node(p, NODE_CALL, MATH_ARGUMENTS_MAX);

	if (!node)
		return ERR_NOMEM;
	node->function = math_function(name);
	if (!node->function) {
		text_clear(p->why);
		text_printf(p->why, "the function %.*s is not available", MATH_NAME_ARG(name));
		return ERR_SYNTAX;
	}
	if (!node->function->compute) {
		text_clear(p->why);
		text_printf(p->why, "%s is not available here: %s", node->function->name,
			    node->function->refusal);
		return ERR_SYNTAX;
	}
	TRY(parse_arguments(p, ')', node));
	if (node->count < node->function->arguments_min ||
	    node->count > strlen(node->function->takes))
		return wrong(p, "a function has a wrong number of arguments");
	*ret_node = node;
	return ERR_OK;
}

/* What SORT and FILL are told. */
static bool is_known_word(struct bytes name)
{
	static const char *const words[] = { "REPEAT", "LINEAR", "ASC", "DESC",
					     "SUM",    "AVG",	 "MIN", "MAX" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (bytes_eq_str(name, words[i]))
			return true;
	return false;
}

static err_t parse_name(struct parser *p, const struct math_node **ret_node)
{
	struct math_node *node;
	struct bytes name;
	size_t len = 0;

	while (len < p->rest.len && is_word(p->rest.at[len]))
		len++;
	name = bytes_upto(p->rest, len);
	p->rest = bytes_from(p->rest, len);
	if (take(p, '('))
		return parse_call(p, name, ret_node);
	/* Ids begin with a small letter. */
	node = new_node(p, name.at[0] >= 'a' && name.at[0] <= 'z' ? NODE_ID : NODE_WORD, 0);
	if (!node)
		return ERR_NOMEM;
	if (node->kind == NODE_WORD && !is_known_word(name))
		return wrong(p, "a word is unknown");
	node->text = name;
	*ret_node = node;
	return ERR_OK;
}

static err_t parse_primary(struct parser *p, const struct math_node **ret_node)
{
	struct math_node *node;
	char c;

	skip_blanks(p);
	if (!p->rest.len)
		return wrong(p, "a value is missing");
	c = p->rest.at[0];
	if ((c >= '0' && c <= '9') || c == '.')
		return parse_number(p, ret_node);
	if (is_word(c))
		return parse_name(p, ret_node);
	p->rest = bytes_from(p->rest, 1);
	switch (c) {
	case '(':
		TRY(parse_binary(p, 1, ret_node));
		return take(p, ')') ? ERR_OK : wrong(p, "a closing bracket is missing");
	case '[':
		node = new_node(p, NODE_LIST, MATH_ARGUMENTS_MAX);
		*ret_node = node;
		return node ? parse_arguments(p, ']', node) : ERR_NOMEM;
	case '"':
	case '\'': return parse_quoted(p, c, ret_node);
	case '-':
		node = new_node(p, NODE_UNARY, 1);
		if (!node)
			return ERR_NOMEM;
		node->count = 1;
		*ret_node = node;
		return parse_binary(p, STRENGTH_UNARY, &node->arguments[0]);
	default: return wrong(p, "an unexpected character");
	}
}

static bool take_operator(struct parser *p, unsigned strength, enum math_operator *ret_operator,
			  unsigned *ret_strength)
{
	skip_blanks(p);
	for (size_t i = 0; i < COUNT(operators); i++) {
		struct bytes text = bytes_of(operators[i].text);

		if (!bytes_starts(p->rest, text))
			continue;
		if (is_word(text.at[0]) && p->rest.len > text.len && is_word(p->rest.at[text.len]))
			continue;
		if (operators[i].strength < strength)
			return false;
		p->rest = bytes_from(p->rest, text.len);
		*ret_operator = operators[i].operator;
		*ret_strength = operators[i].strength;
		return true;
	}
	return false;
}

static err_t parse_chain(struct parser *p, unsigned strength, const struct math_node **ret_node)
{
	const struct math_node *left;
	enum math_operator operator;
	unsigned found;

	TRY(parse_primary(p, &left));
	while (take_operator(p, strength, &operator, & found)) {
		struct math_node *node = new_node(p, NODE_BINARY, 2);

		if (!node)
			return ERR_NOMEM;
		node->operator= operator;
		node->count = 2;
		node->arguments[0] = left;
		TRY(parse_binary(p, operator== OP_POWER ? found : found + 1, &node->arguments[1]));
		left = node;
	}
	*ret_node = left;
	return ERR_OK;
}

static err_t parse_binary(struct parser *p, unsigned strength, const struct math_node **ret_node)
{
	err_t err;

	if (p->depth == DEPTH_MAX)
		return wrong(p, "it is nested too deeply");
	p->depth++;
	err = parse_chain(p, strength, ret_node);
	p->depth--;
	return err;
}

err_t math_parse(struct arena *arena, struct bytes text, const struct math_node **ret_root,
		 struct text *why)
{
	struct parser p = { .arena = arena, .all = text, .rest = text, .why = why };

	TRY(parse_binary(&p, 1, ret_root));
	skip_blanks(&p);
	return p.rest.len ? wrong(&p, "something follows the expression") : ERR_OK;
}

void math_each_id(const struct math_node *root, void (*each)(void *owner, struct bytes id),
		  void *owner)
{
	if (root->kind == NODE_ID)
		each(owner, root->text);
	for (size_t i = 0; i < root->count; i++)
		math_each_id(root->arguments[i], each, owner);
}
