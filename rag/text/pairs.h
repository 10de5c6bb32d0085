/*
 * pairs: whether any of some needles may begin at a place of a text, by its first two letters.
 * Pure.
 *
 * A bit for each pair that a needle begins with, whatever its case: one look passes over nearly
 * every place of a text, however many needles there are.
 */
#ifndef RAG_TEXT_PAIRS_H
#define RAG_TEXT_PAIRS_H

#include "base/bytes.h"

struct pairs {
	uint64_t bits[64];
};

static inline unsigned pairs_hash(char a, char b)
{
	return ((unsigned)(unsigned char)ascii_lower(a) * 31 + (unsigned char)ascii_lower(b)) %
	       (64 * 64);
}

/* Of two letters at least. */
static inline void pairs_add(struct pairs *pairs, const char *needle)
{
	unsigned at = pairs_hash(needle[0], needle[1]);

	pairs->bits[at / 64] |= UINT64_C(1) << at % 64;
}

/* `at` + 1 is in the text. False: none begins there. */
static inline bool pairs_may(const struct pairs *pairs, struct bytes text, size_t at)
{
	unsigned hash = pairs_hash(text.at[at], text.at[at + 1]);

	return pairs->bits[hash / 64] >> hash % 64 & 1;
}

#endif
