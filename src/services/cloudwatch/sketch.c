#include "services/cloudwatch/sketch.h"

#include <math.h>
#include <stdlib.h>

/*
 * Bucket i holds (g^(i-1), g^i]·smallest with g = (1+e)/(1-e); its middle, 2g^i/(g+1), is within e
 * of every value in it. Indices are moved up by OFFSET, so that small values have positive ones.
 */
enum { OFFSET = 3000, INDEX_MAX = 40000 };

static double growth(void)
{
	return log((1 + SKETCH_ERROR) / (1 - SKETCH_ERROR));
}

static int32_t index_of(double value)
{
	double magnitude = fabs(value);
	double i;

	if (magnitude == 0)
		return 0;
	i = ceil(log(magnitude) / growth()) + OFFSET;
	i = fmin(fmax(i, 1), INDEX_MAX);
	return value < 0 ? -(int32_t)i : (int32_t)i;
}

static double value_of(int32_t index)
{
	double magnitude;

	if (index == 0)
		return 0;
	magnitude = exp((abs(index) - OFFSET) * growth()) * (1 - SKETCH_ERROR);
	return index < 0 ? -magnitude : magnitude;
}

void sketch_fini(struct sketch *sketch)
{
	free(sketch->at);
	*sketch = (struct sketch){ 0 };
}

static err_t grow(struct sketch *sketch)
{
	uint32_t cap = sketch->cap ? sketch->cap * 2 : 4;
	struct sketch_bucket *more;

	if (sketch->count < sketch->cap)
		return ERR_OK;
	more = realloc(sketch->at, cap * sizeof *more);
	if (!more)
		return ERR_NOMEM;
	sketch->at = more;
	sketch->cap = cap;
	return ERR_OK;
}

/* The two buckets nearest to zero become one: the large values keep their precision. */
static void collapse(struct sketch *sketch)
{
	uint32_t at = 0;

	for (uint32_t i = 1; i + 1 < sketch->count; i++)
		if (abs(sketch->at[i].index) < abs(sketch->at[at].index))
			at = i;
	sketch->at[at + 1].weight += sketch->at[at].weight;
	memmove(&sketch->at[at], &sketch->at[at + 1],
		(sketch->count - at - 1) * sizeof *sketch->at);
	sketch->count--;
}

err_t sketch_add_bucket(struct sketch *sketch, int32_t index, double weight)
{
	uint32_t low = 0, high = sketch->count;

	if (index < -INDEX_MAX || index > INDEX_MAX || !isfinite(weight) || weight < 0)
		return ERR_RANGE;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (sketch->at[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < sketch->count && sketch->at[low].index == index) {
		sketch->at[low].weight += (float)weight;
		return ERR_OK;
	}
	TRY(grow(sketch));
	memmove(&sketch->at[low + 1], &sketch->at[low], (sketch->count - low) * sizeof *sketch->at);
	sketch->at[low] = (struct sketch_bucket){ index, (float)weight };
	sketch->count++;
	if (sketch->count > SKETCH_BUCKETS_MAX)
		collapse(sketch);
	return ERR_OK;
}

err_t sketch_add(struct sketch *sketch, double value, double weight)
{
	return sketch_add_bucket(sketch, index_of(value), weight);
}

err_t sketch_merge(struct sketch *into, const struct sketch *from)
{
	for (uint32_t i = 0; i < from->count; i++)
		TRY(sketch_add_bucket(into, from->at[i].index, (double)from->at[i].weight));
	return ERR_OK;
}

double sketch_value(const struct sketch_bucket *bucket)
{
	return value_of(bucket->index);
}

double sketch_quantile(const struct sketch *sketch, double q)
{
	double total = 0, seen = 0;

	for (uint32_t i = 0; i < sketch->count; i++)
		total += (double)sketch->at[i].weight;
	for (uint32_t i = 0; i < sketch->count; i++) {
		seen += (double)sketch->at[i].weight;
		/* A float's own rounding must not push a rank into the next bucket. */
		if (seen >= q * total * (1 - 1e-6) && sketch->at[i].weight > 0)
			return value_of(sketch->at[i].index);
	}
	return sketch->count ? value_of(sketch->at[sketch->count - 1].index) : 0;
}
