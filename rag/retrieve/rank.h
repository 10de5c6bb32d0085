/*
 * rank: passages found, put in the order in which they answer. Pure.
 *
 * Each list's scores are stretched to 0 … 1 and added by shares. The best of the sum are ranked
 * again by features a list does not see: how much of the question a passage covers, how close the
 * question's words stand, whether its title names what is asked about, and whether its heading is
 * of the kind that answers such a question. Text that gives orders sinks.
 */
#ifndef RAG_RETRIEVE_RANK_H
#define RAG_RETRIEVE_RANK_H

#include "rag/retrieve/retrieve.h"

struct candidate_passage {
	struct corpus_entry *entry;
	struct evidence_scores scores; /* raw at first; rank_fuse puts them on one scale */
	double coverage;
	bool off_name; /* says nothing of any medicine that the question names */
	bool by_words, by_vector, by_graph; /* which lists proposed it */
};

/* Sets scores.final and sorts by it, best first. Shares are for bm25, vector and graph. */
void rank_fuse(struct candidate_passage *at, unsigned count, const double shares[3]);

/* Reciprocal ranks instead, for a vector of a model that knows meaning: k 60, weights 1, 1, 0.5. */
void rank_reciprocal(struct candidate_passage *at, unsigned count);

/* Sets coverage, scores.rerank and scores.final of all and sorts them. ERR_NOMEM. */
err_t rank_again(const struct question *question, struct candidate_passage *at, unsigned count);

/* Coverage alone, when nothing is to be ranked again. */
err_t rank_cover(const struct question *question, struct candidate_passage *at, unsigned count);

/*
 * Drops what says the same as one before it (four-word shingles, Jaccard above 0.8), newer labels
 * taking the place of older ones, until `top` are kept. Returns how many. ERR_NOMEM.
 */
err_t rank_without_repeats(struct candidate_passage *at, unsigned count, unsigned top,
			   unsigned *ret_kept);

#endif
