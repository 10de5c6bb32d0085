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
	RETRIEVE_REPAIRS_MAX = 4,
};

/* A word that no document has, and the one like it that was looked for instead. */
struct evidence_repair {
	struct bytes typed, taken;
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
	struct evidence_repair repairs[RETRIEVE_REPAIRS_MAX];
	unsigned repair_count;
	uint64_t generation;
};

/*
 * A word of five letters or more that no document has is taken for one that is a slip or two away,
 * if there is one: drug names are misspelt often. Since they are also alike, the evidence says so,
 * and whoever shows an answer tells the reader.
 *
 * Sets the weights of the question's terms on the way. Finding nothing is ERR_OK with count 0;
 * ERR_STORE, ERR_NOMEM.
 */
err_t retrieve(struct passages *passages, struct question *question, unsigned top,
	       struct arena *arena, struct evidence *ret_evidence);

#endif
