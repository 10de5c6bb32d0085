/*
 * generation: what the corpus holds of one generation. For the files of the corpus alone
 * (corpus.c, generation.c, generation_keep.c, likeness.c); others read one through corpus.h.
 *
 * Entries come and go under the lock for writing; whoever searches holds it for reading. While
 * `changing` is held nothing comes or goes, and searches go on: so a generation is put on disk.
 */
#ifndef RAG_RETRIEVE_GENERATION_H
#define RAG_RETRIEVE_GENERATION_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "base/map.h"
#include "rag/retrieve/corpus.h"

struct generation {
	struct list_node link;	  /* corpus.generations */
	uint64_t library, number; /* the library's identity, and its number of the generation */
	unsigned readers;	  /* under corpus.lock */
	bool dropped, published;
	struct list_node told; /* the feeding thread's: what is not committed yet */
	pthread_mutex_t changing;
	uint64_t change;     /* under `changing`: what was committed last */
	uint32_t unkept;     /* the same: passages that came and went since it was put on disk */
	struct image *image; /* what it was taken from; what that lent lives as long */
	struct corpus_entry *taken; /* entries that came from it, in one piece */
	uint32_t taken_count;
	struct { /* under the lock: read by searches, written by commits */
		pthread_rwlock_t lock;
		struct postings *postings;
		struct corpus_entry **entries; /* by slot; NULL: dead */
		uint32_t cap;
		struct map ids, documents, places;
		uint32_t documents_max;
		struct vector_table *table;
		struct graph *graph;
	} locked;
};

err_t generation_new(uint64_t library, uint64_t number, struct generation **ret_generation);
void generation_free(struct generation *generation); /* not in a list; NULL is welcome */

/* A copy of the passage that nobody sees yet; NULL on no memory. */
struct corpus_entry *entry_new(const struct passage *passage);
void entry_free(const struct generation *generation, struct corpus_entry *entry);

/*
 * What the indexes keep of an entry. Reading a passage takes most of the time that adding it
 * takes, and nobody need wait for that: it is done before the lock is taken.
 */
struct entry_reading {
	struct postings_words *words;
	struct extract *extract; /* NULL: it is to be removed */
};
err_t entry_read(const struct corpus_entry *entry, bool comes, struct entry_reading *ret_reading);
void entry_reading_free(struct entry_reading *reading);

/*
 * Under `changing`; each takes the lock for writing itself, once what it puts there is made.
 */

/* Builds anew what has become mostly dead. Slots change. */
err_t generation_tidy(struct generation *generation);
/* Counts the idf table anew when the texts became so many more that it tells too little. */
err_t likeness_refresh(struct generation *generation);

/* The rest under the lock for writing. */

/* Takes the entry, which is freed on any error. `reading` is its, or NULL: it is read here. */
err_t generation_add(struct generation *generation, struct corpus_entry *entry,
		     const struct entry_reading *reading);
/* `reading` is of the entry that goes, or NULL. */
void generation_remove(struct generation *generation, struct bytes passage_id,
		       const struct entry_reading *reading);
void generation_forget(struct generation *generation, struct bytes document_id);

err_t generation_reserve(struct generation *generation, uint32_t slots); /* places of entries */
/* Gives an entry its document and the ways to it by id and place; its slot is set. */
err_t generation_index(struct generation *generation, struct corpus_entry *entry);

/* ---- On disk (generation_keep.c) ---- */

/*
 * Under `changing`. To be ended with image_finish, which waits for the disk, without it. On
 * ERR_STORE, ERR_TOO_LARGE and ERR_NOMEM what was there before is still there.
 */
err_t generation_put(struct generation *generation, const char *path,
		     struct image_writer **ret_writer, struct image_name *ret_name);
/* ERR_NOT_FOUND: there is nothing that can be used. */
err_t generation_take(const char *path, uint64_t library, uint64_t number,
		      struct generation **ret_generation);

#endif
