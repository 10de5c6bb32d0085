/*
 * distance: how many slips of the finger part two words. Pure.
 */
#ifndef BASE_DISTANCE_H
#define BASE_DISTANCE_H

#include "base/bytes.h"

enum { DISTANCE_WORD_MAX = 255 };

/*
 * Letters left out, put in, replaced, or swapped with a neighbour, as the fewest of them that turn
 * `a` into `b` (optimal string alignment, on bytes). More than `limit` gives limit + 1, and so do
 * words longer than DISTANCE_WORD_MAX.
 */
unsigned distance_between(struct bytes a, struct bytes b, unsigned limit);

#endif
