/*
 * sketch: how values are distributed, in little memory, mergeable in any order. Logarithmic
 * buckets: a quantile is within 1 % of a value that was really there (SKETCH_ERROR), as long as
 * the values span less than a factor of 10^17; beyond that the smallest share one bucket.
 *
 * Pure; the caller's memory.
 */
#ifndef SERVICES_CLOUDWATCH_SKETCH_H
#define SERVICES_CLOUDWATCH_SKETCH_H

#include "base/bytes.h"

#define SKETCH_ERROR 0.01
enum { SKETCH_BUCKETS_MAX = 2000 };

struct sketch_bucket {
	int32_t index; /* 0 is zero; positive values have positive indices, negative ones negative
			*/
	float weight;
};

/* All zero is empty. */
struct sketch {
	struct sketch_bucket *at; /* rising by index */
	uint32_t count, cap;
};

void sketch_fini(struct sketch *sketch);
/* Weights may be fractions and are positive. ERR_NOMEM leaves it as it was. */
err_t sketch_add(struct sketch *sketch, double value, double weight);
err_t sketch_add_bucket(struct sketch *sketch, int32_t index, double weight); /* ERR_RANGE too */
err_t sketch_merge(struct sketch *into, const struct sketch *from);
double sketch_value(const struct sketch_bucket *bucket); /* what its samples count as */
/* 0 ≤ q ≤ 1; 0 when empty. */
double sketch_quantile(const struct sketch *sketch, double q);

#endif
