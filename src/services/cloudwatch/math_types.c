/*
 * math_types: what an expression comes to, number, series or list, before there are data. An alarm
 * needs one series, and hears so when it is put.
 */
#include "services/cloudwatch/math_internal.h"

err_t math_refuse(struct text *why, const char *what)
{
	text_clear(why);
	text_add_str(why, what);
	return ERR_INVALID;
}

bool math_is_value(const struct math_node *node)
{
	return node->kind != NODE_WORD && node->kind != NODE_TEXT;
}

static bool fits(char takes, const struct math_node *node, enum math_type type)
{
	if (takes == 'w' || takes == 't')
		return node->kind == (takes == 'w' ? NODE_WORD : NODE_TEXT);
	if (takes == 'f' && node->kind == NODE_WORD)
		return bytes_eq_str(node->text, "REPEAT") || bytes_eq_str(node->text, "LINEAR");
	if (!math_is_value(node))
		return false;
	switch (takes) {
	case 'n': return type == MATH_NUMBER;
	case 's': return type == MATH_SERIES;
	case 'l': return type == MATH_LIST;
	case 'a': return type != MATH_NUMBER;
	case 'v':
	case 'f': return type != MATH_LIST;
	default: return true;
	}
}

static const char *words_for(char takes)
{
	switch (takes) {
	case 'n': return "a number";
	case 's': return "one series";
	case 'l': return "a list of series, such as METRICS() or [m1, m2]";
	case 'a': return "a series or a list of them";
	case 'v': return "a number or one series";
	case 'f': return "a number, one series, REPEAT or LINEAR";
	case 'w': return "a word: AVG, SUM, MIN or MAX, then ASC or DESC";
	case 't': return "a text in quotes";
	default: return "a number, a series or a list of series";
	}
}

err_t math_type_call(const struct math_node *node, const enum math_type *types,
		     enum math_type *ret_type, struct text *why)
{
	const struct math_function *function = node->function;
	enum math_type first = node->count ? types[0] : MATH_LIST;

	for (size_t i = 0; i < node->count; i++) {
		if (fits(function->takes[i], node->arguments[i], types[i]))
			continue;
		text_clear(why);
		text_printf(why, "argument %zu of %s has to be %s", i + 1, function->name,
			    words_for(function->takes[i]));
		return ERR_INVALID;
	}
	switch (function->gives) {
	case GIVES_NUMBER: *ret_type = MATH_NUMBER; break;
	case GIVES_SERIES: *ret_type = MATH_SERIES; break;
	case GIVES_LIST: *ret_type = MATH_LIST; break;
	case GIVES_SAME: *ret_type = first; break;
	case GIVES_FOLD: *ret_type = first == MATH_LIST ? MATH_SERIES : MATH_NUMBER; break;
	case GIVES_MIX:
		*ret_type = MATH_NUMBER;
		for (size_t i = 0; i < node->count; i++)
			if (types[i] == MATH_SERIES)
				*ret_type = MATH_SERIES;
		break;
	}
	return ERR_OK;
}

struct checking {
	err_t (*type_of)(void *owner, struct bytes id, enum math_type *ret_type);
	void *owner;
	struct text *why;
};

static err_t check(const struct checking *c, const struct math_node *node,
		   enum math_type *ret_type);

static err_t check_id(const struct checking *c, struct bytes id, enum math_type *ret_type)
{
	err_t err = c->type_of(c->owner, id, ret_type);

	if (err != ERR_NOT_FOUND)
		return err;
	text_clear(c->why);
	text_printf(c->why, "the id %.*s is unknown", MATH_NAME_ARG(id));
	return ERR_INVALID;
}

static err_t check_call(const struct checking *c, const struct math_node *node,
			enum math_type *ret_type)
{
	enum math_type types[MATH_TAKES_MAX] = { MATH_NUMBER };

	for (size_t i = 0; i < node->count; i++)
		if (math_is_value(node->arguments[i]))
			TRY(check(c, node->arguments[i], &types[i]));
	return math_type_call(node, types, ret_type, c->why);
}

static err_t check_list(const struct checking *c, const struct math_node *node)
{
	for (size_t i = 0; i < node->count; i++) {
		enum math_type type;

		TRY(check(c, node->arguments[i], &type));
		if (type == MATH_NUMBER)
			return math_refuse(c->why, "a list holds series, not numbers");
	}
	return ERR_OK;
}

static err_t check_binary(const struct checking *c, const struct math_node *node,
			  enum math_type *ret_type)
{
	enum math_type left, right;

	TRY(check(c, node->arguments[0], &left));
	TRY(check(c, node->arguments[1], &right));
	*ret_type = left > right ? left : right;
	return ERR_OK;
}

static err_t check(const struct checking *c, const struct math_node *node, enum math_type *ret_type)
{
	switch (node->kind) {
	case NODE_NUMBER: *ret_type = MATH_NUMBER; return ERR_OK;
	case NODE_ID: return check_id(c, node->text, ret_type);
	case NODE_UNARY: return check(c, node->arguments[0], ret_type);
	case NODE_BINARY: return check_binary(c, node, ret_type);
	case NODE_LIST: *ret_type = MATH_LIST; return check_list(c, node);
	case NODE_CALL: return check_call(c, node, ret_type);
	case NODE_WORD:
	case NODE_TEXT: break;
	}
	return math_refuse(c->why, "a word stands where a value belongs");
}

err_t math_check(const struct math_node *root,
		 err_t (*type_of)(void *owner, struct bytes id, enum math_type *ret_type),
		 void *owner, enum math_type *ret_type, struct text *why)
{
	struct checking c = { type_of, owner, why };

	return check(&c, root, ret_type);
}
