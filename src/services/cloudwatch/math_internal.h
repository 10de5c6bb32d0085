/*
 * math_internal: the tree between parsing (math.c), checking (math_types.c) and computing
 * (math_compute.c, math_functions.c).
 */
#ifndef SERVICES_CLOUDWATCH_MATH_INTERNAL_H
#define SERVICES_CLOUDWATCH_MATH_INTERNAL_H

#include "services/cloudwatch/math.h"

enum {
	MATH_ARGUMENTS_MAX = 100, /* of a list */
	MATH_TAKES_MAX = 4,	  /* of a function */
	MATH_LINES_MAX = 500,	  /* of a list, as a graph of CloudWatch */
	MATH_NAME_SHOWN_MAX = 100,
};

/* What a sentence shows of a name: a whole one could be longer than the sentence may be. */
#define MATH_NAME_ARG(name) BYTES_ARG(bytes_upto(name, MATH_NAME_SHOWN_MAX))

enum node_kind {
	NODE_NUMBER,
	NODE_ID,
	NODE_WORD, /* REPEAT, DESC, AVG */
	NODE_TEXT, /* in quotes */
	NODE_UNARY,
	NODE_BINARY,
	NODE_LIST,
	NODE_CALL,
};

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
	struct bytes text; /* id, word, or what is in quotes */
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

/* `arguments` are computed; those that are words or texts are left zero and stand in the node. */
typedef err_t (*math_compute_fn)(struct math_computing *c, const struct math_node *node,
				 const struct math_value *arguments, struct math_value *ret_value);

enum math_gives {
	GIVES_NUMBER,
	GIVES_SERIES,
	GIVES_LIST,
	GIVES_SAME, /* what the first argument is */
	GIVES_FOLD, /* a number of a series, a series of a list */
	GIVES_MIX,  /* IF: a series as soon as one argument is one */
};

/*
 * `takes` has a letter for each argument: n a number, s a series, v one of these, l a list, a a
 * series or a list, x any of these; f what FILL fills with; w a word; t a text in quotes.
 */
struct math_function {
	const char *name;
	const char *takes;
	unsigned arguments_min;
	enum math_gives gives;
	math_compute_fn compute; /* NULL: not offered */
	const char *refusal;	 /* then: why */
};

const struct math_function *math_function(struct bytes name); /* NULL: there is none */

/* Types alone, for math_check and before each computation. `types` of words are not looked at. */
err_t math_type_call(const struct math_node *node, const enum math_type *types,
		     enum math_type *ret_type, struct text *why);
bool math_is_value(const struct math_node *node); /* neither word nor text */
err_t math_refuse(struct text *why, const char *what);
struct math_search math_search_of(const struct math_node *call);

/* ---- For the functions ---- */

double *math_new_slots(struct math_computing *c);
err_t math_make_lines(struct math_computing *c, size_t count, enum math_type type,
		      struct math_value *value);
double math_slot(const struct math_value *value, size_t line, size_t i);
/* One number of a series: "AVG", "SUM"…; NaN when it is empty. */
double math_fold(const char *name, const double *slots, size_t count);

err_t math_if(struct math_computing *, const struct math_node *, const struct math_value *,
	      struct math_value *);
err_t math_fill(struct math_computing *, const struct math_node *, const struct math_value *,
		struct math_value *);
err_t math_fold_value(struct math_computing *, const struct math_node *, const struct math_value *,
		      struct math_value *);
err_t math_map(struct math_computing *, const struct math_node *, const struct math_value *,
	       struct math_value *);

#endif
