/*
 * sketch: a document's words as a few numbers that nearly equal documents share. Pure.
 *
 * Hashes of runs of five words, the smallest in each of 64 bins (one-permutation MinHash), four
 * bins to a band. Of two documents whose runs are the same to 90 %, about 10 of 16 bands are equal;
 * to 70 %, 4; to 40 %, none or one.
 */
#ifndef RAG_INGEST_SKETCH_H
#define RAG_INGEST_SKETCH_H

#include "store/library.h"

/* False for a text too short to tell (under 50 words): no bands then. */
bool sketch_text(struct bytes text, uint64_t ret_bands[LIBRARY_SKETCH_BANDS]);

/* How alike two documents are whose sketches share so many bands, in percent; 0: not alike. */
unsigned sketch_percent(unsigned shared);

#endif
