/*
 * rng: fast pseudo-random numbers for spreading load. Never for secrets: those come from
 * crypto/random.h. xoshiro256** (Blackman and Vigna, 2018), seeded with splitmix64.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include "base/base.h"

struct rng {
	uint64_t state[4];
};

void rng_seed(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t limit); /* 0 … limit-1; limit > 0 */

#endif
