/*
 * retrieve_internal: what the files of one search share: retrieve.c runs it and hands out what was
 * found, terms.c weighs the question's words, propose.c brings the candidates, told.c reads what a
 * graph elsewhere says.
 */
#ifndef RAG_RETRIEVE_RETRIEVE_INTERNAL_H
#define RAG_RETRIEVE_RETRIEVE_INTERNAL_H

#include "rag/retrieve/links.h"
#include "rag/retrieve/rank.h"
#include "rag/retrieve/retrieve.h"

#define CARRIED_WEIGHT 0.8f /* a word of the question before counts a little less */

enum {
	BY_VECTOR_MAX = 200,
	BY_GRAPH_MAX = 200,
	CANDIDATES_MAX = RETRIEVE_LEXICAL_MAX + BY_VECTOR_MAX + BY_GRAPH_MAX,
};

struct search {
	const struct generation *generation;
	struct question *question;
	const struct retrieve_options *options;
	struct arena *arena;
	uint64_t *allowed; /* bit set of slots; NULL: all */
	struct candidate_passage *at;
	unsigned count;
	uint16_t *place; /* of a slot among the candidates, plus 1; 0: none */
};

/* ---- terms.c ---- */

/*
 * Rare words weigh more; one that no document has weighs most, unless it is a slip of the finger:
 * then the nearest word is looked for as well, and the evidence says so.
 */
err_t weigh_terms(const struct search *search, struct evidence *evidence);

/* ---- propose.c: each adds candidates, or its score to those there are ---- */

bool is_allowed(const struct search *search, uint32_t slot);
err_t propose_by_words(struct search *search);
err_t propose_by_likeness(struct search *search); /* the hashed vectors */
err_t propose_by_meaning(struct search *search);  /* an engine's */
err_t propose_by_graph(struct search *search, bool local, bool global, struct evidence *evidence);

/* ---- told.c ---- */

/* By the ids of ours; what we have nothing of is left out. `told` NULL gives NULL. ERR_NOMEM. */
err_t told_read(const struct search *search, const struct retrieve_told *told,
		const struct links_told **ret_told);

#endif
