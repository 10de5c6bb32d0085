/*
 * retrieve: from a question to the passages that may answer it. Blocks on the store: never on
 * a loop.
 *
 * Full-text search proposes; the passages are then ranked by BM25 and by how much of the
 * question they cover, rare words counting more. What covers too little is dropped: a
 * question about something else finds nothing, and the answer says so.
 */
#ifndef RAG_RETRIEVE_RETRIEVE_H
#define RAG_RETRIEVE_RETRIEVE_H

#include "base/arena.h"
#include "rag/retrieve/question.h"
#include "store/passages.h"

enum {
	RETRIEVE_CANDIDATES = 60,
	RETRIEVE_TOP_MAX = 50,
	RETRIEVE_TITLES_MAX = 3,
};

struct evidence_passage {
	struct passage passage; /* copied into the arena; score is the rank's, 0 … 1 */
	double coverage;	/* of the question's weight, 0 … 1 */
};

struct evidence {
	struct evidence_passage *passages; /* best first */
	unsigned count;
	struct bytes titles[RETRIEVE_TITLES_MAX]; /* of the nearest documents, when count is 0 */
	unsigned title_count;
	uint64_t generation;
};

/*
 * Sets the weights of the question's terms on the way. Finding nothing is ERR_OK with count 0;
 * ERR_STORE, ERR_NOMEM.
 */
err_t retrieve(struct passages *passages, struct question *question, unsigned top,
	       struct arena *arena, struct evidence *ret_evidence);

#endif
