/*
 * corpus: the passages of the library in memory, ready to be searched by word, by likeness and by
 * what they are about. A listener of the feed (rag/store/feed.h).
 *
 * Each generation is kept in a file, DIRECTORY/generation-N, which the next start maps instead of
 * reading the library; what changed since is told then. corpus_warm writes it once enough changed.
 *
 *   corpus_feed ──► add … commit ─► publish        whoever changes the library
 *   corpus_read ──► search … ──► corpus_read_end   any thread; changes wait meanwhile
 *
 * A reader sees one generation as of one commit. Vectors are made when first needed and kept;
 * corpus_warm makes those that are missing, so that the first searches need not.
 */
#ifndef RAG_RETRIEVE_CORPUS_H
#define RAG_RETRIEVE_CORPUS_H

#include <jansson.h>

#include "rag/graph/graph.h"
#include "rag/retrieve/postings.h"
#include "rag/retrieve/vector.h"
#include "rag/store/feed.h"

struct corpus;
struct generation;

/* What passages of one document share. */
struct corpus_document {
	struct bytes id, title, file;
	_Atomic(json_t *) about; /* see entry_about */
	uint64_t about_hash;	 /* of its text */
	uint32_t number;	 /* below generation_documents_max; not reused in a generation */
	uint32_t passages;	 /* live ones */
};

/* The words of a passage's body, as hashes of their stems (stem_hash). */
struct corpus_words {
	uint32_t count;
	uint32_t at[];
};

/* A vector of an embeddings engine: components of length 1 together, as signed bytes. */
struct dense {
	uint32_t dimensions;
	float scale;
	int8_t at[];
};

struct corpus_entry {
	struct passage passage;
	struct corpus_document *document;
	uint32_t slot;
	bool commands; /* tells whoever reads it what to do: see text/command */
	_Atomic(struct vector *) vector;
	_Atomic(struct corpus_words *) words;
	_Atomic(struct dense *) dense; /* NULL: none yet */
};

/*
 * `directory` is made if it is missing; NULL (or library 0): nothing is kept. What is kept there of
 * another library than the one of that identity (library_identity) is not taken.
 */
err_t corpus_create(const char *directory, uint64_t library, struct corpus **ret_corpus);
void corpus_destroy(struct corpus *corpus); /* no reader is left; NULL is welcome */

struct feed_listener corpus_feed(struct corpus *corpus);

/* NULL before the first generation was published. Each one read is given back. */
struct generation *corpus_read(struct corpus *corpus);
void corpus_read_end(struct corpus *corpus, struct generation *generation);

/* Grows with every commit and publication. Any thread. */
uint64_t corpus_changes(const struct corpus *corpus);

/* Of the generation that is read, as of its last commit. Any thread; never waits. */
void corpus_graph_counts(const struct corpus *corpus, uint64_t *ret_entities,
			 uint64_t *ret_relations);

/* The size of the file that the published generation is kept in; 0 while it is in none. Blocks. */
uint64_t corpus_kept_bytes(struct corpus *corpus);

/*
 * Makes the vectors and words that are missing, and keeps on disk what changed much, until *stop; a
 * good while for a large library. One thread at a time.
 */
void corpus_warm(struct corpus *corpus, const _Atomic bool *stop);

/* ---- Of a generation that is being read ---- */

uint64_t generation_number(const struct generation *generation);
const struct postings *generation_postings(const struct generation *generation);
const struct graph *generation_graph(const struct generation *generation);
uint32_t generation_documents(const struct generation *generation);
uint32_t generation_documents_max(const struct generation *generation);

struct corpus_entry *generation_at(const struct generation *generation, uint32_t slot);
struct corpus_entry *generation_find(const struct generation *generation, struct bytes passage_id);

/* Calls `each` for every live passage, in the order of slots; false ends it. */
typedef bool (*corpus_each_fn)(void *owner, struct corpus_entry *entry);
void generation_each(const struct generation *generation, corpus_each_fn each, void *owner);

/* The passages before and after it in its document, or NULL. */
struct corpus_entry *generation_neighbour(const struct generation *generation,
					  const struct corpus_entry *entry, int step);

/* {"tags":[…],"metadata":{…}} of its document; NULL when there is none. */
const json_t *entry_about(const struct corpus_entry *entry);

/* NULL on no memory. */
const struct corpus_words *entry_words(struct corpus_entry *entry);
const struct vector *generation_vector(const struct generation *generation,
				       struct corpus_entry *entry);
static inline uint32_t stem_hash(struct bytes stem) /* never 0 */
{
	return (uint32_t)bytes_hash(stem, 0) | 1;
}

const struct dense *entry_dense(struct corpus_entry *entry);
/* Takes `dense` over; an entry that has one keeps the first. */
void entry_set_dense(struct corpus_entry *entry, struct dense *dense);
/* 0 for vectors of different numbers of dimensions: they say nothing to each other. */
float dense_cosine(const struct dense *a, const struct dense *b);

err_t generation_vector_of(const struct generation *generation, struct bytes text,
			   struct vector *ret_vector);

#endif
