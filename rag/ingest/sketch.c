#include "rag/ingest/sketch.h"

#include "rag/text/words.h"

enum {
	RUN_WORDS = 5,
	BINS = 64,
	BINS_A_BAND = BINS / LIBRARY_SKETCH_BANDS,
	WORDS_MIN = 50,
	SHARED_MIN = 4,
};

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xFF51AFD7ED558CCDULL;
	x ^= x >> 33;
	x *= 0xC4CEB9FE1A85EC53ULL;
	return x ^ x >> 33;
}

/* A bin that no run fell into takes its neighbour's, so that short texts compare too. */
static void fill_empty(uint64_t bins[BINS])
{
	for (unsigned i = 0; i < BINS; i++) {
		for (unsigned step = 1; bins[i] == UINT64_MAX && step < BINS; step++) {
			uint64_t lent = bins[(i + step) % BINS];

			if (lent != UINT64_MAX)
				bins[i] = mix(lent + step);
		}
	}
}

bool sketch_text(struct bytes text, uint64_t ret_bands[LIBRARY_SKETCH_BANDS])
{
	uint64_t bins[BINS], last[RUN_WORDS] = { 0 };
	unsigned words = 0;
	struct word word;

	memset(bins, 0xFF, sizeof bins);
	for (size_t at = 0; words_next(text, &at, &word);) {
		uint64_t run = 0;

		last[words++ % RUN_WORDS] = bytes_hash(word_stem(&word), 1);
		if (words < RUN_WORDS)
			continue;
		for (unsigned i = 0; i < RUN_WORDS; i++)
			run = mix(run * 31 + last[(words + i) % RUN_WORDS]);
		if (run < bins[run % BINS])
			bins[run % BINS] = run;
	}
	if (words < WORDS_MIN)
		return false;
	fill_empty(bins);
	for (unsigned band = 0; band < LIBRARY_SKETCH_BANDS; band++) {
		uint64_t hash = band;

		for (unsigned i = 0; i < BINS_A_BAND; i++)
			hash = mix(hash * 31 + bins[band * BINS_A_BAND + i]);
		ret_bands[band] = hash >> 1; /* SQLite's numbers have a sign */
	}
	return true;
}

unsigned sketch_percent(unsigned shared)
{
	/* The fourth root of the share of equal bands, in percent. */
	static const uint8_t percent[LIBRARY_SKETCH_BANDS + 1] = { 0,  0,  0,  0,  71, 75,
								   78, 81, 84, 87, 89, 91,
								   93, 95, 97, 98, 100 };

	return shared < SHARED_MIN ? 0 : percent[size_min(shared, LIBRARY_SKETCH_BANDS)];
}
