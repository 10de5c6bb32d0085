/*
 * whole: what is one thing to a pharmacist though words_next sees several. Pure.
 *
 * Runs joined by a hyphen or slash, with a digit or a capital behind the first letter, give one
 * folded word: "5-HT3" is "5ht3", "HMG-CoA" is "hmgcoa". Numbers lose their grouping ("1,000" is
 * "1000"), and with a unit they become quantities in one unit of their kind: "1 g", "1,000 mg"
 * and "1000mg" are all "#1000mg". They are looked for beside the words, never instead of them.
 */
#ifndef RAG_TEXT_WHOLE_H
#define RAG_TEXT_WHOLE_H

#include "base/bytes.h"

enum { WHOLE_MAX = 31 };

struct whole {
	size_t from, to; /* where it lies in the text, in bytes */
	char text[WHOLE_MAX + 1];
	bool is_quantity; /* begins with '#' */
};

/* The one at or after *at, which moves behind it; false at the end of the text. */
bool whole_next(struct bytes text, size_t *at, struct whole *ret_whole);

#endif
