/*
 * told: what a graph elsewhere is asked about a question. It knows entities by the keys of ours;
 * whoever asks it waits, and nobody waits with the corpus in hand: so the keys are read first,
 * copied, and what is told is given to retrieve().
 */
#ifndef RAG_RETRIEVE_TOLD_H
#define RAG_RETRIEVE_TOLD_H

#include "rag/retrieve/links.h"
#include "rag/retrieve/retrieve.h"

enum { TOLD_TOUCHED_MAX = 500 };

struct told_keys {
	/* Of what the question names, and of what has one of its words in its name. */
	struct bytes named[LINKS_ENTITIES_MAX], touched[TOLD_TOUCHED_MAX];
	unsigned named_count, touched_count;
};

/*
 * The keys that a search in that mode looks at; none before there is anything to search. The
 * question is as question_read left it: misspelt words are mended for this. ERR_NOMEM.
 */
err_t told_keys_find(struct corpus *corpus, const struct question *question,
		     const struct retrieve_options *options, struct arena *arena,
		     struct told_keys *ret_keys);

#endif
