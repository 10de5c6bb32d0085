#include "services/cloudwatch/math_internal.h"

#include <math.h>

double *math_new_slots(struct math_computing *c)
{
	return arena_array(c->arena, c->grid->count + 1, sizeof(double));
}

err_t math_make_lines(struct math_computing *c, size_t count, enum math_type type,
		      struct math_value *value)
{
	*value = (struct math_value){ .type = type, .count = count };
	value->lines = arena_array(c->arena, count + 1, sizeof *value->lines);
	if (!value->lines)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		value->lines[i].slots = math_new_slots(c);
		if (!value->lines[i].slots)
			return ERR_NOMEM;
	}
	return ERR_OK;
}

/* One line stands for as many as there are. */
double math_slot(const struct math_value *value, size_t line, size_t i)
{
	if (value->type == MATH_NUMBER)
		return value->number;
	return value->lines[value->count == 1 ? 0 : line].slots[i];
}

/* ---- Operators ---- */

static double combine(enum math_operator operator, double a, double b)
{
	switch (operator) {
	case OP_OR: return a != 0 || b != 0;
	case OP_AND: return a != 0 && b != 0;
	case OP_EQUAL: return a == b;
	case OP_UNEQUAL: return a != b;
	case OP_LESS_EQUAL: return a <= b;
	case OP_GREATER_EQUAL: return a >= b;
	case OP_LESS: return a < b;
	case OP_GREATER: return a > b;
	case OP_ADD: return a + b;
	case OP_SUBTRACT: return a - b;
	case OP_MULTIPLY: return a * b;
	case OP_DIVIDE: return b == 0 ? (double)NAN : a / b;
	case OP_MODULO: return b == 0 ? (double)NAN : fmod(a, b);
	case OP_POWER: return pow(a, b);
	default: assert(false); return 0;
	}
}

/* What is missing in one of two series counts as 0; what is in neither, or no number, is none. */
static double combine_slots(enum math_operator operator, double a, double b, bool both_series)
{
	double result;

	if (isnan(a) && isnan(b))
		return (double)NAN;
	if (both_series && isnan(a))
		a = 0;
	if (both_series && isnan(b))
		b = 0;
	if (isnan(a) || isnan(b))
		return (double)NAN;
	result = combine(operator, a, b);
	return isfinite(result) ? result : (double)NAN;
}

static err_t compute(struct math_computing *c, const struct math_node *node,
		     struct math_value *ret_value);

static const void *origin_of(const struct math_value *value, size_t line)
{
	return value->type == MATH_NUMBER ? NULL
					  : value->lines[value->count == 1 ? 0 : line].origin;
}

/* A line that meets a number or a line of its own metric, or one of a list that meets a series. */
static const void *common_origin(const struct math_value *a, const struct math_value *b,
				 size_t line)
{
	if (a->type == MATH_LIST && b->type != MATH_LIST)
		return origin_of(a, line);
	if (b->type == MATH_LIST && a->type != MATH_LIST)
		return origin_of(b, line);
	if (a->type == MATH_NUMBER || b->type == MATH_NUMBER)
		return origin_of(a->type == MATH_NUMBER ? b : a, line);
	return origin_of(a, line) == origin_of(b, line) ? origin_of(a, line) : NULL;
}

static size_t width(const struct math_value *value)
{
	return value->type == MATH_NUMBER ? 1 : value->count;
}

static err_t compute_binary(struct math_computing *c, const struct math_node *node,
			    struct math_value *ret_value)
{
	struct math_value a, b;
	bool both_series;
	size_t count;

	TRY(compute(c, node->arguments[0], &a));
	TRY(compute(c, node->arguments[1], &b));
	if (a.type == MATH_NUMBER && b.type == MATH_NUMBER) {
		*ret_value = (struct math_value){
			.number = combine_slots(node->operator, a.number, b.number, false),
		};
		return ERR_OK;
	}
	/* A list that nothing was found for stays empty. */
	count = width(&a) && width(&b) ? size_max(width(&a), width(&b)) : 0;
	if (count &&
	    ((width(&a) != 1 && width(&a) != count) || (width(&b) != 1 && width(&b) != count)))
		return math_refuse(c->why, "two lists of different lengths cannot be combined");
	both_series = a.type != MATH_NUMBER && b.type != MATH_NUMBER;
	TRY(math_make_lines(c, count, a.type > b.type ? a.type : b.type, ret_value));
	for (size_t l = 0; l < count; l++) {
		ret_value->lines[l].origin = common_origin(&a, &b, l);
		for (size_t i = 0; i < c->grid->count; i++)
			ret_value->lines[l].slots[i] = combine_slots(
				node->operator, math_slot(&a, l, i), math_slot(&b, l, i),
				both_series);
	}
	return ERR_OK;
}

static err_t compute_negative(struct math_computing *c, const struct math_node *node,
			      struct math_value *ret_value)
{
	struct math_value a;

	TRY(compute(c, node->arguments[0], &a));
	if (a.type == MATH_NUMBER) {
		a.number = -a.number;
		*ret_value = a;
		return ERR_OK;
	}
	TRY(math_make_lines(c, a.count, a.type, ret_value));
	for (size_t l = 0; l < a.count; l++) {
		ret_value->lines[l].origin = a.lines[l].origin;
		for (size_t i = 0; i < c->grid->count; i++)
			ret_value->lines[l].slots[i] = -a.lines[l].slots[i];
	}
	return ERR_OK;
}

/* ---- Ids and lists ---- */

static err_t compute_id(struct math_computing *c, struct bytes id, struct math_value *ret_value)
{
	for (size_t i = 0; i < c->grid->series_count; i++) {
		const struct math_series *series = &c->grid->series[i];

		if (!bytes_eq(series->id, id))
			continue;
		TRY(math_make_lines(c, series->count, series->type, ret_value));
		for (size_t l = 0; l < series->count; l++) {
			ret_value->lines[l].origin = series->lines[l].origin;
			memcpy(ret_value->lines[l].slots, series->lines[l].slots,
			       c->grid->count * sizeof(double));
		}
		return ERR_OK;
	}
	text_clear(c->why);
	text_printf(c->why, "the id %.*s is unknown", MATH_NAME_ARG(id));
	return ERR_INVALID;
}

static err_t compute_list(struct math_computing *c, const struct math_node *node,
			  struct math_value *ret_value)
{
	struct math_value items[MATH_ARGUMENTS_MAX];
	size_t count = 0, at = 0;

	for (size_t i = 0; i < node->count; i++) {
		TRY(compute(c, node->arguments[i], &items[i]));
		if (items[i].type == MATH_NUMBER)
			return math_refuse(c->why, "a list holds series, not numbers");
		count += items[i].count;
	}
	if (count > MATH_LINES_MAX)
		return math_refuse(c->why, "a list has too many series: 500 at most");
	*ret_value = (struct math_value){ .type = MATH_LIST, .count = count };
	ret_value->lines = arena_array(c->arena, count + 1, sizeof *ret_value->lines);
	if (!ret_value->lines)
		return ERR_NOMEM;
	for (size_t i = 0; i < node->count; i++)
		for (size_t l = 0; l < items[i].count; l++)
			ret_value->lines[at++] = items[i].lines[l];
	return ERR_OK;
}

/* ---- Calls ---- */

static err_t compute_call(struct math_computing *c, const struct math_node *node,
			  struct math_value *ret_value)
{
	struct math_value arguments[MATH_TAKES_MAX] = { { .type = MATH_NUMBER } };
	enum math_type types[MATH_TAKES_MAX] = { MATH_NUMBER }, type;

	for (size_t i = 0; i < node->count; i++) {
		if (!math_is_value(node->arguments[i]))
			continue;
		TRY(compute(c, node->arguments[i], &arguments[i]));
		types[i] = arguments[i].type;
	}
	TRY(math_type_call(node, types, &type, c->why));
	return node->function->compute(c, node, arguments, ret_value);
}

static err_t compute(struct math_computing *c, const struct math_node *node,
		     struct math_value *ret_value)
{
	switch (node->kind) {
	case NODE_NUMBER: *ret_value = (struct math_value){ .number = node->number }; return ERR_OK;
	case NODE_ID: return compute_id(c, node->text, ret_value);
	case NODE_UNARY: return compute_negative(c, node, ret_value);
	case NODE_BINARY: return compute_binary(c, node, ret_value);
	case NODE_LIST: return compute_list(c, node, ret_value);
	case NODE_CALL: return compute_call(c, node, ret_value);
	case NODE_WORD:
	case NODE_TEXT: break;
	}
	return math_refuse(c->why, "a word stands where a value belongs");
}

err_t math_compute(struct arena *arena, const struct math_node *root, const struct math_grid *grid,
		   struct math_value *ret_value, struct text *why)
{
	struct math_computing c = { arena, grid, why };

	return compute(&c, root, ret_value);
}
