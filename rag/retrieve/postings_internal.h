/*
 * postings_internal: what the files of the postings share: postings.c has them in memory,
 * postings_keep.c puts them in a file and takes them from it.
 */
#ifndef RAG_RETRIEVE_POSTINGS_INTERNAL_H
#define RAG_RETRIEVE_POSTINGS_INTERNAL_H

#include "base/map.h"
#include "rag/retrieve/postings.h"

struct posting {
	uint32_t slot;
	uint8_t tf[FIELD_COUNT];
};

struct stem {
	struct posting *at;
	uint32_t count, cap; /* cap 0: they lie in an image */
	uint32_t live;	     /* texts that hold it and are not removed */
};

struct lengths {
	uint16_t of[FIELD_COUNT];
};

struct postings {
	struct postings_tuning tuning;
	struct map stems;
	struct stem *taken; /* those that came from an image, in one piece */
	uint32_t taken_count;
	struct lengths *lengths; /* per slot */
	uint64_t *live;
	uint32_t slots, cap, live_count;
	uint64_t total[FIELD_COUNT]; /* words of live texts */
};

/* Room for one more slot. ERR_NOMEM. */
err_t postings_grow(struct postings *postings);

#endif
