/*
 * math_internal: the tree between parsing (math.c) and computing (math_compute.c).
 */
#ifndef SERVICES_CLOUDWATCH_MATH_INTERNAL_H
#define SERVICES_CLOUDWATCH_MATH_INTERNAL_H

#include "services/cloudwatch/math.h"

enum { MATH_ARGUMENTS_MAX = 100, MATH_NAME_SHOWN_MAX = 100 };

/* What a sentence shows of a name: a whole one could be longer than the sentence may be. */
#define MATH_NAME_ARG(name) BYTES_ARG(bytes_upto(name, MATH_NAME_SHOWN_MAX))

enum node_kind { NODE_NUMBER, NODE_ID, NODE_WORD, NODE_UNARY, NODE_BINARY, NODE_LIST, NODE_CALL };

enum math_operator {
	OP_OR,
	OP_AND,
	OP_EQUAL,
	OP_UNEQUAL,
	OP_LESS_EQUAL,
	OP_GREATER_EQUAL,
	OP_LESS,
	OP_GREATER,
	OP_ADD,
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_MODULO,
	OP_POWER,
	OPERATORS,
};

struct math_function;

struct math_node {
	enum node_kind kind;
	double number;
	struct bytes text; /* id, or the word in quotes */
	enum math_operator operator;
	const struct math_function *function;
	const struct math_node **arguments;
	size_t count;
};

struct math_computing {
	struct arena *arena;
	const struct math_grid *grid;
	struct text *why;
};

typedef err_t (*math_compute_fn)(struct math_computing *c, const struct math_node *node,
				 struct math_value *ret_value);

struct math_function {
	const char *name;
	unsigned arguments_min, arguments_max;
	math_compute_fn compute;
};

const struct math_function *math_function(struct bytes name); /* NULL: there is none */

#endif
