/*
 * math_values: the functions that look at values: folds, maps, IF and FILL.
 */
#include <math.h>

#include "services/cloudwatch/math_internal.h"

/* ---- Folds ---- */

/* What a fold has seen. */
struct fold {
	double sum, squares, min, max;
	size_t count, missing;
};

static void fold_add(struct fold *fold, double value)
{
	if (isnan(value)) {
		fold->missing++;
		return;
	}
	fold->min = fold->count ? fmin(fold->min, value) : value;
	fold->max = fold->count ? fmax(fold->max, value) : value;
	fold->sum += value;
	fold->squares += value * value;
	fold->count++;
}

/* AVG counts what is missing as 0, as CloudWatch says: SUM / DATAPOINT_COUNT does not. */
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
		return fold->sum / (double)(fold->count + fold->missing);
	if (strcmp(name, "MIN") == 0)
		return fold->min;
	if (strcmp(name, "MAX") == 0)
		return fold->max;
	return sqrt(fmax(0, fold->squares / n - mean * mean));
}

double math_fold(const char *name, const double *slots, size_t count)
{
	struct fold fold = { 0 };

	for (size_t i = 0; i < count; i++)
		fold_add(&fold, slots[i]);
	return fold_end(&fold, name);
}

/* Of one series: a number. Of several: a series, slot by slot. */
err_t math_fold_value(struct math_computing *c, const struct math_node *node,
		      const struct math_value *arguments, struct math_value *ret_value)
{
	const struct math_value *a = &arguments[0];
	const char *name = node->function->name;

	if (a->type == MATH_SERIES) {
		*ret_value = (struct math_value){
			.number = math_fold(name, a->lines[0].slots, c->grid->count),
		};
		return ERR_OK;
	}
	TRY(math_make_lines(c, 1, MATH_SERIES, ret_value));
	for (size_t i = 0; i < c->grid->count; i++) {
		struct fold fold = { 0 };

		for (size_t l = 0; l < a->count; l++)
			fold_add(&fold, a->lines[l].slots[i]);
		ret_value->lines[0].slots[i] = fold_end(&fold, name);
	}
	return ERR_OK;
}

/* ---- Maps ---- */

/* Those that look at one slot; false for the others. */
static bool map_one(const char *name, double in, double *out)
{
	if (strcmp(name, "ABS") == 0)
		*out = fabs(in);
	else if (strcmp(name, "CEIL") == 0)
		*out = ceil(in);
	else if (strcmp(name, "FLOOR") == 0)
		*out = floor(in);
	else if (strcmp(name, "LOG") == 0)
		*out = in > 0 ? log(in) : (double)NAN;
	else if (strcmp(name, "LOG10") == 0)
		*out = in > 0 ? log10(in) : (double)NAN;
	else
		return false;
	return true;
}

/* RATE, DIFF, DIFF_TIME and RUNNING_SUM look back. */
static void map_slots(const char *name, const double *in, double *out, size_t count,
		      int64_t period_s)
{
	bool running = strcmp(name, "RUNNING_SUM") == 0;
	bool rate = strcmp(name, "RATE") == 0, diff = strcmp(name, "DIFF") == 0;
	size_t last = SIZE_MAX;
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		double passed_s = last == SIZE_MAX ? 0 : (double)((int64_t)(i - last) * period_s);

		out[i] = (double)NAN;
		if (isnan(in[i]))
			continue;
		sum += in[i];
		if (running)
			out[i] = sum;
		else if (!map_one(name, in[i], &out[i]) && last != SIZE_MAX)
			out[i] = diff	? in[i] - in[last]
				 : rate ? (in[i] - in[last]) / passed_s
					: passed_s;
		last = i;
	}
}

err_t math_map(struct math_computing *c, const struct math_node *node,
	       const struct math_value *arguments, struct math_value *ret_value)
{
	const struct math_value *a = &arguments[0];

	if (a->type == MATH_NUMBER) {
		*ret_value = *a;
		map_slots(node->function->name, &a->number, &ret_value->number, 1,
			  c->grid->period_s);
		return ERR_OK;
	}
	TRY(math_make_lines(c, a->count, a->type, ret_value));
	for (size_t l = 0; l < a->count; l++) {
		ret_value->lines[l].origin = a->lines[l].origin;
		map_slots(node->function->name, a->lines[l].slots, ret_value->lines[l].slots,
			  c->grid->count, c->grid->period_s);
	}
	return ERR_OK;
}

/* ---- IF ---- */

/* A point that the condition wants and that is not there is 0; one it does not want is none. */
static double choose(const struct math_value *condition, const struct math_value *yes,
		     const struct math_value *no, size_t i)
{
	double truth = math_slot(condition, 0, i), value;

	if (isnan(truth))
		return (double)NAN;
	value = math_slot(truth != 0 ? yes : no, 0, i);
	if (isnan(value) && truth != 0 && yes->type == MATH_SERIES &&
	    condition->type == MATH_SERIES)
		return 0;
	return value;
}

err_t math_if(struct math_computing *c, const struct math_node *node,
	      const struct math_value *arguments, struct math_value *ret_value)
{
	const struct math_value *condition = &arguments[0], *yes = &arguments[1];
	struct math_value no = { .number = (double)NAN };

	if (node->count == 3)
		no = arguments[2];
	if (condition->type == MATH_NUMBER && yes->type == MATH_NUMBER && no.type == MATH_NUMBER) {
		*ret_value = (struct math_value){ .number = choose(condition, yes, &no, 0) };
		return ERR_OK;
	}
	TRY(math_make_lines(c, 1, MATH_SERIES, ret_value));
	for (size_t i = 0; i < c->grid->count; i++)
		ret_value->lines[0].slots[i] = choose(condition, yes, &no, i);
	return ERR_OK;
}

/* ---- FILL ---- */

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

err_t math_fill(struct math_computing *c, const struct math_node *node,
		const struct math_value *arguments, struct math_value *ret_value)
{
	const struct math_node *how = node->arguments[1];
	bool word = how->kind == NODE_WORD;

	*ret_value = arguments[0];
	for (size_t l = 0; l < ret_value->count; l++) {
		double *slots = ret_value->lines[l].slots;

		if (word && bytes_eq_str(how->text, "LINEAR")) {
			fill_linear(slots, c->grid->count);
			continue;
		}
		for (size_t i = 0; i < c->grid->count; i++)
			if (isnan(slots[i]))
				slots[i] = !word ? math_slot(&arguments[1], 0, i)
					   : i	 ? slots[i - 1]
						 : slots[i];
	}
	return ERR_OK;
}
