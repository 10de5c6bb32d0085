#include "services/cloudwatch/math_internal.h"

#include <math.h>

/* ---- Functions ---- */

static err_t compute_fold(struct math_computing *, const struct math_node *, struct math_value *);
static err_t compute_each(struct math_computing *, const struct math_node *, struct math_value *);
static err_t compute_if(struct math_computing *, const struct math_node *, struct math_value *);
static err_t compute_fill(struct math_computing *, const struct math_node *, struct math_value *);
static err_t compute_metrics(struct math_computing *, const struct math_node *,
			     struct math_value *);
static err_t compute_period(struct math_computing *, const struct math_node *, struct math_value *);

static const struct math_function functions[] = {
	{ "SUM", 1, 1, compute_fold },
	{ "AVG", 1, 1, compute_fold },
	{ "MIN", 1, 1, compute_fold },
	{ "MAX", 1, 1, compute_fold },
	{ "DATAPOINT_COUNT", 1, 1, compute_fold },
	{ "STDDEV", 1, 1, compute_fold },
	{ "ABS", 1, 1, compute_each },
	{ "CEIL", 1, 1, compute_each },
	{ "FLOOR", 1, 1, compute_each },
	{ "LOG", 1, 1, compute_each },
	{ "LOG10", 1, 1, compute_each },
	{ "RATE", 1, 1, compute_each },
	{ "DIFF", 1, 1, compute_each },
	{ "RUNNING_SUM", 1, 1, compute_each },
	{ "IF", 2, 3, compute_if },
	{ "FILL", 2, 2, compute_fill },
	{ "METRICS", 0, 1, compute_metrics },
	{ "PERIOD", 1, 1, compute_period },
};

const struct math_function *math_function(struct bytes name)
{
	for (size_t i = 0; i < COUNT(functions); i++)
		if (bytes_eq_str(name, functions[i].name))
			return &functions[i];
	return NULL;
}

bool math_uses_all(const struct math_node *root)
{
	if (root->kind == NODE_CALL && root->function->compute == compute_metrics)
		return true;
	for (size_t i = 0; i < root->count; i++)
		if (math_uses_all(root->arguments[i]))
			return true;
	return false;
}

/* ---- Computing ---- */

static err_t refuse(struct math_computing *c, const char *what)
{
	text_clear(c->why);
	text_add_str(c->why, what);
	return ERR_INVALID;
}

static double *new_slots(struct math_computing *c)
{
	return arena_array(c->arena, c->grid->count, sizeof(double));
}

static err_t compute(struct math_computing *c, const struct math_node *node,
		     struct math_value *ret_value);

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

/* A slot exists only where both sides have one, and the result is a number. */
static double combine_slots(enum math_operator operator, double a, double b)
{
	double result;

	if (isnan(a) || isnan(b))
		return (double)NAN;
	result = combine(operator, a, b);
	return isfinite(result) ? result : (double)NAN;
}

static double slot(const struct math_value *value, size_t list, size_t i)
{
	return value->scalar ? value->number : value->lists[value->count == 1 ? 0 : list][i];
}

static err_t make_lists(struct math_computing *c, size_t count, struct math_value *value)
{
	*value = (struct math_value){ .count = count };
	value->lists = arena_array(c->arena, count ? count : 1, sizeof *value->lists);
	if (!value->lists)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		value->lists[i] = new_slots(c);
		if (!value->lists[i])
			return ERR_NOMEM;
	}
	return ERR_OK;
}

static err_t compute_binary(struct math_computing *c, const struct math_node *node,
			    struct math_value *ret_value)
{
	struct math_value a, b;
	size_t count;

	TRY(compute(c, node->arguments[0], &a));
	TRY(compute(c, node->arguments[1], &b));
	if (a.scalar && b.scalar) {
		*ret_value = (struct math_value){
			.scalar = true,
			.number = combine_slots(node->operator, a.number, b.number),
		};
		return ERR_OK;
	}
	count = size_max(a.scalar ? 1 : a.count, b.scalar ? 1 : b.count);
	if ((!a.scalar && a.count != 1 && a.count != count) ||
	    (!b.scalar && b.count != 1 && b.count != count))
		return refuse(c, "two lists of different lengths cannot be combined");
	TRY(make_lists(c, count, ret_value));
	ret_value->is_list = (!a.scalar && a.is_list) || (!b.scalar && b.is_list);
	for (size_t l = 0; l < count; l++)
		for (size_t i = 0; i < c->grid->count; i++)
			ret_value->lists[l][i] = combine_slots(node->operator, slot(&a, l, i),
							       slot(&b, l, i));
	return ERR_OK;
}

static err_t compute_negative(struct math_computing *c, const struct math_node *node,
			      struct math_value *ret_value)
{
	struct math_value a;

	TRY(compute(c, node->arguments[0], &a));
	if (a.scalar) {
		a.number = -a.number;
		*ret_value = a;
		return ERR_OK;
	}
	TRY(make_lists(c, a.count, ret_value));
	ret_value->is_list = a.is_list;
	for (size_t l = 0; l < a.count; l++)
		for (size_t i = 0; i < c->grid->count; i++)
			ret_value->lists[l][i] = -a.lists[l][i];
	return ERR_OK;
}

static err_t compute_id(struct math_computing *c, struct bytes id, struct math_value *ret_value)
{
	for (size_t i = 0; i < c->grid->series_count; i++) {
		const struct math_series *series = &c->grid->series[i];

		if (!bytes_eq(series->id, id))
			continue;
		TRY(make_lists(c, 1, ret_value));
		memcpy(ret_value->lists[0], series->slots, c->grid->count * sizeof(double));
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
		if (items[i].scalar)
			return refuse(c, "a list holds series, not numbers");
		count += items[i].count;
	}
	if (count > MATH_ARGUMENTS_MAX)
		return refuse(c, "a list has too many series");
	*ret_value = (struct math_value){ .count = count, .is_list = true };
	ret_value->lists = arena_array(c->arena, count ? count : 1, sizeof *ret_value->lists);
	if (!ret_value->lists)
		return ERR_NOMEM;
	for (size_t i = 0; i < node->count; i++)
		for (size_t l = 0; l < items[i].count; l++)
			ret_value->lists[at++] = items[i].lists[l];
	return ERR_OK;
}

/* What a fold has seen. */
struct fold {
	double sum, squares, min, max;
	size_t count;
};

static void fold_add(struct fold *fold, double value)
{
	if (isnan(value))
		return;
	fold->min = fold->count ? fmin(fold->min, value) : value;
	fold->max = fold->count ? fmax(fold->max, value) : value;
	fold->sum += value;
	fold->squares += value * value;
	fold->count++;
}

static double fold_end(const struct fold *fold, const char *name)
{
	double n = (double)fold->count, mean = fold->sum / n;

	if (strcmp(name, "DATAPOINT_COUNT") == 0)
		return n;
	if (!fold->count)
		return (double)NAN;
	if (strcmp(name, "SUM") == 0)
		return fold->sum;
	if (strcmp(name, "AVG") == 0)
		return mean;
	if (strcmp(name, "MIN") == 0)
		return fold->min;
	if (strcmp(name, "MAX") == 0)
		return fold->max;
	return sqrt(fmax(0, fold->squares / n - mean * mean));
}

/* Of one series: a number. Of several: a series, slot by slot. */
static err_t compute_fold(struct math_computing *c, const struct math_node *node,
			  struct math_value *ret_value)
{
	const char *name = node->function->name;
	struct math_value a;

	TRY(compute(c, node->arguments[0], &a));
	if (a.scalar)
		return refuse(c, "this function needs a series");
	if (!a.is_list) {
		struct fold fold = { 0 };

		for (size_t i = 0; i < c->grid->count; i++)
			fold_add(&fold, a.lists[0][i]);
		*ret_value = (struct math_value){ .scalar = true, .number = fold_end(&fold, name) };
		return ERR_OK;
	}
	TRY(make_lists(c, 1, ret_value));
	for (size_t i = 0; i < c->grid->count; i++) {
		struct fold fold = { 0 };

		for (size_t l = 0; l < a.count; l++)
			fold_add(&fold, a.lists[l][i]);
		ret_value->lists[0][i] = fold_end(&fold, name);
	}
	return ERR_OK;
}

/* RATE, DIFF and RUNNING_SUM look back; the others look at one slot. */
static void map_slots(const char *name, const double *in, double *out, size_t count,
		      int64_t period_s)
{
	bool rate = strcmp(name, "RATE") == 0, diff = strcmp(name, "DIFF") == 0;
	size_t last = SIZE_MAX;
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		out[i] = (double)NAN;
		if (isnan(in[i]))
			continue;
		sum += in[i];
		if ((rate || diff) && last != SIZE_MAX)
			out[i] = (in[i] - in[last]) /
				 (rate ? (double)((int64_t)(i - last) * period_s) : 1);
		else if (strcmp(name, "RUNNING_SUM") == 0)
			out[i] = sum;
		else if (strcmp(name, "ABS") == 0)
			out[i] = fabs(in[i]);
		else if (strcmp(name, "CEIL") == 0)
			out[i] = ceil(in[i]);
		else if (strcmp(name, "FLOOR") == 0)
			out[i] = floor(in[i]);
		else if (strcmp(name, "LOG") == 0)
			out[i] = in[i] > 0 ? log(in[i]) : (double)NAN;
		else if (strcmp(name, "LOG10") == 0)
			out[i] = in[i] > 0 ? log10(in[i]) : (double)NAN;
		last = i;
	}
}

static err_t compute_each(struct math_computing *c, const struct math_node *node,
			  struct math_value *ret_value)
{
	struct math_value a;

	TRY(compute(c, node->arguments[0], &a));
	if (a.scalar) {
		*ret_value = a;
		map_slots(node->function->name, &a.number, &ret_value->number, 1,
			  c->grid->period_s);
		return ERR_OK;
	}
	TRY(make_lists(c, a.count, ret_value));
	ret_value->is_list = a.is_list;
	for (size_t l = 0; l < a.count; l++)
		map_slots(node->function->name, a.lists[l], ret_value->lists[l], c->grid->count,
			  c->grid->period_s);
	return ERR_OK;
}

static err_t compute_if(struct math_computing *c, const struct math_node *node,
			struct math_value *ret_value)
{
	struct math_value condition, yes, no = { .scalar = true, .number = (double)NAN };

	TRY(compute(c, node->arguments[0], &condition));
	TRY(compute(c, node->arguments[1], &yes));
	if (node->count == 3)
		TRY(compute(c, node->arguments[2], &no));
	if ((!condition.scalar && condition.count != 1) || (!yes.scalar && yes.count != 1) ||
	    (!no.scalar && no.count != 1))
		return refuse(c, "IF takes numbers and single series");
	if (condition.scalar && yes.scalar && no.scalar) {
		*ret_value = condition.number != 0 ? yes : no;
		return ERR_OK;
	}
	TRY(make_lists(c, 1, ret_value));
	for (size_t i = 0; i < c->grid->count; i++) {
		double truth = slot(&condition, 0, i);

		ret_value->lists[0][i] = isnan(truth) ? (node->count == 3 ? slot(&no, 0, i)
									  : (double)NAN)
					 : truth != 0 ? slot(&yes, 0, i)
						      : slot(&no, 0, i);
	}
	return ERR_OK;
}

static size_t next_present(const double *slots, size_t from, size_t count)
{
	while (from < count && isnan(slots[from]))
		from++;
	return from;
}

static void fill_linear(double *slots, size_t count)
{
	size_t last = next_present(slots, 0, count);

	while (last < count) {
		size_t next = next_present(slots, last + 1, count);

		for (size_t i = last + 1; next < count && i < next; i++)
			slots[i] = slots[last] + (slots[next] - slots[last]) * (double)(i - last) /
							 (double)(next - last);
		last = next;
	}
}

static err_t compute_fill(struct math_computing *c, const struct math_node *node,
			  struct math_value *ret_value)
{
	const struct math_node *how = node->arguments[1];
	struct math_value filler = { .scalar = true };

	TRY(compute(c, node->arguments[0], ret_value));
	if (ret_value->scalar)
		return refuse(c, "FILL needs a series");
	if (how->kind != NODE_WORD)
		TRY(compute(c, how, &filler));
	if (!filler.scalar && filler.count != 1)
		return refuse(c, "FILL fills with a number or one series");
	for (size_t l = 0; l < ret_value->count; l++) {
		double *slots = ret_value->lists[l];

		if (how->kind == NODE_WORD && bytes_eq_str(how->text, "LINEAR")) {
			fill_linear(slots, c->grid->count);
			continue;
		}
		for (size_t i = 0; i < c->grid->count; i++)
			if (isnan(slots[i]))
				slots[i] = how->kind != NODE_WORD ? slot(&filler, 0, i)
					   : i			  ? slots[i - 1]
								  : slots[i];
	}
	return ERR_OK;
}

static err_t compute_metrics(struct math_computing *c, const struct math_node *node,
			     struct math_value *ret_value)
{
	struct bytes part = node->count ? node->arguments[0]->text : BYTES_NONE;
	size_t count = 0;

	if (node->count && node->arguments[0]->kind != NODE_WORD)
		return refuse(c, "METRICS takes a part of an id, in quotes");
	ret_value->lists = arena_array(c->arena, c->grid->series_count + 1,
				       sizeof *ret_value->lists);
	if (!ret_value->lists)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->grid->series_count; i++) {
		const struct math_series *series = &c->grid->series[i];
		double *slots;

		if (!series->is_metric || (part.len && bytes_find(series->id, part) == SIZE_MAX))
			continue;
		slots = new_slots(c);
		if (!slots)
			return ERR_NOMEM;
		memcpy(slots, series->slots, c->grid->count * sizeof(double));
		ret_value->lists[count++] = slots;
	}
	ret_value->scalar = false;
	ret_value->is_list = true;
	ret_value->count = count;
	return ERR_OK;
}

static err_t compute_period(struct math_computing *c, const struct math_node *node,
			    struct math_value *ret_value)
{
	struct math_value a;

	TRY(compute(c, node->arguments[0], &a));
	*ret_value = (struct math_value){ .scalar = true, .number = (double)c->grid->period_s };
	return ERR_OK;
}

static err_t compute(struct math_computing *c, const struct math_node *node,
		     struct math_value *ret_value)
{
	switch (node->kind) {
	case NODE_NUMBER:
		*ret_value = (struct math_value){ .scalar = true, .number = node->number };
		return ERR_OK;
	case NODE_ID: return compute_id(c, node->text, ret_value);
	case NODE_UNARY: return compute_negative(c, node, ret_value);
	case NODE_BINARY: return compute_binary(c, node, ret_value);
	case NODE_LIST: return compute_list(c, node, ret_value);
	case NODE_CALL: return node->function->compute(c, node, ret_value);
	case NODE_WORD: break;
	}
	return refuse(c, "a word stands where a value belongs");
}

err_t math_compute(struct arena *arena, const struct math_node *root, const struct math_grid *grid,
		   struct math_value *ret_value, struct text *why)
{
	struct math_computing c = { arena, grid, why };

	return compute(&c, root, ret_value);
}
