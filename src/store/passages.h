/*
 * passages: texts that can be searched by their words, in generations. One SQLite file with a
 * full-text index (FTS5: Porter stems, accents folded, BM25).
 *
 *   passages_rebuild ──► passages_add … ──► passages_publish   readers see the new generation
 *                                      └──► passages_abandon   as if nothing had happened
 *
 * All that is searched at one time is one generation: readers see the old one until the new one
 * is published, and a crash in between leaves the old one. One rebuild at a time (asserted);
 * searches from any thread, PASSAGES_READERS of them at once, others wait their turn. All calls
 * block on the disk: never on a loop.
 */
#ifndef STORE_PASSAGES_H
#define STORE_PASSAGES_H

#include "base/text.h"

enum {
	PASSAGES_READERS = 4,
	PASSAGES_WORDS_MAX = 64, /* of one search */
};

struct passages;
struct passages_rebuild;

struct passage {
	struct bytes id;       /* the caller's, unique in a generation */
	struct bytes document; /* id of the document it is from */
	struct bytes title, file, section, source, category;
	struct bytes body;
	uint64_t char_from; /* where body begins in the document, in characters */
	double score; /* of a search: BM25, higher is better; above 0 but for very common words */
};

struct passages_state {
	uint64_t generation; /* 0: nothing was ever published */
	uint64_t documents, passages;
};

/*
 * Opens or creates the file (mode 0600; its directory must exist). ERR_STORE with a sentence for
 * the user in *ret_why, to be freed, if that is wanted.
 */
err_t passages_open(const char *path, struct passages **ret_passages, char **ret_why);
void passages_close(struct passages *passages); /* NULL is welcome; no call may be running */

err_t passages_state(struct passages *passages, struct passages_state *ret_state);

/* Begins an empty new generation. On ERR_OK one of publish and abandon must follow. */
err_t passages_rebuild(struct passages *passages, struct passages_rebuild **ret_rebuild);
err_t passages_add(struct passages_rebuild *rebuild, const struct passage *passage);
/* Ends the rebuild whatever it returns; after an error the old generation stays. */
err_t passages_publish(struct passages_rebuild *rebuild, uint64_t *ret_generation);
void passages_abandon(struct passages_rebuild *rebuild); /* NULL is welcome */

/*
 * Calls `each` for the passages that hold any of the words, best first, `limit` at most. Words
 * are plain text: nothing in them is read as search syntax. Slices are valid inside `each` only,
 * which returns false to stop. No words, or none that could be searched for: ERR_OK, no calls.
 */
typedef bool (*passages_each_fn)(void *owner, const struct passage *passage);
err_t passages_search(struct passages *passages, const struct bytes *words, size_t count,
		      unsigned limit, passages_each_fn each, void *owner);

/* In how many passages the word (or its stem) occurs. */
err_t passages_frequency(struct passages *passages, struct bytes word, uint64_t *ret_count);

/*
 * The stems that occur and begin with `prefix` (not empty), in how many passages each; `each`
 * returns false to stop.
 */
typedef bool (*passages_stem_fn)(void *owner, struct bytes stem, uint64_t passages);
err_t passages_stems(struct passages *passages, struct bytes prefix, passages_stem_fn each,
		     void *owner);

/*
 * The search as SQLite's FTS5 gets it: `"word" OR "word"`, each in quotes, with quotes doubled,
 * so that operators, columns and stars are words like others. Pure; here for its tests.
 */
void passages_match(struct text *out, const struct bytes *words, size_t count);

#endif
