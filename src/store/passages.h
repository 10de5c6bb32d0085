/*
 * passages: texts that can be searched by their words, in generations. One SQLite file with a
 * full-text index (FTS5: Porter stems, accents folded, BM25).
 *
 *   passages_begin(g) ──► passages_add, _remove … ──► _commit ──► passages_publish(g)  readers see
 * g
 *
 * All that is searched at one time is one generation: readers see the old one until the new one
 * is published, and what was not committed is gone after a crash. Writes from one thread at a
 * time; searches from any thread, PASSAGES_READERS of them at once, others wait their turn. All
 * calls block on the disk: never on a loop.
 */
#ifndef STORE_PASSAGES_H
#define STORE_PASSAGES_H

#include "base/text.h"
#include "store/passage.h"

enum {
	PASSAGES_READERS = 4,
	PASSAGES_WORDS_MAX = 64, /* of one search */
};

struct passages;

struct passages_state {
	uint64_t generation; /* 0: nothing was ever published */
	uint64_t change;     /* as last given to passages_commit or _publish */
	uint64_t documents, passages;
};

/*
 * Opens or creates the file (mode 0600; its directory must exist). ERR_STORE with a sentence for
 * the user in *ret_why, to be freed, if that is wanted.
 */
err_t passages_open(const char *path, struct passages **ret_passages, char **ret_why);
void passages_close(struct passages *passages); /* NULL is welcome; no call may be running */

err_t passages_state(struct passages *passages, struct passages_state *ret_state);

/*
 * An empty generation beside the one that is read (generation > 0). What was there of that number
 * is deleted.
 */
err_t passages_begin(struct passages *passages, uint64_t generation);

/* ERR_EXISTS for an id that the generation has. Any generation that was begun and not dropped. */
err_t passages_add(struct passages *passages, uint64_t generation, const struct passage *passage);
err_t passages_remove(struct passages *passages, uint64_t generation,
		      struct bytes id); /* ERR_NOT_FOUND */
/* All passages of a document; there may be none. */
err_t passages_forget(struct passages *passages, uint64_t generation, struct bytes document);

/* What was written since the last commit comes into being; until then readers see none of it. */
err_t passages_commit(struct passages *passages, uint64_t generation, uint64_t change);
/* Commits, and makes this the generation that is read. */
err_t passages_publish(struct passages *passages, uint64_t generation, uint64_t change);
void passages_rollback(struct passages *passages); /* forgets what was not committed */

/* Deletes a generation's passages, and commits that. */
void passages_drop(struct passages *passages, uint64_t generation);

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
