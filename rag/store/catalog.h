/*
 * catalog: the library and the indexes that listen to it, kept in step. Whoever changes which
 * passages there are does it here.
 *
 * A change is told to the listeners, committed to the library, and then by the listeners, before
 * anybody reads it there; a crash in between is found at the next start by their positions. Any
 * thread; one change at a time.
 */
#ifndef RAG_STORE_CATALOG_H
#define RAG_STORE_CATALOG_H

#include "rag/store/feed.h"
#include "store/library.h"

enum { CATALOG_LISTENERS_MAX = 8 };

struct catalog;

struct catalog_state {
	uint64_t generation, building; /* building: 0 when none is */
	uint64_t change, documents, passages;
};

/*
 * `library` and the listeners are borrowed. Tells the listeners what they lack: the documents that
 * changed since they were last kept on disk, or the whole library.
 */
err_t catalog_open(struct library *library, const struct feed_listener *listeners, unsigned count,
		   struct catalog **ret_catalog);
void catalog_close(struct catalog *catalog);

/* Never waits: from any thread, the loop's too. */
void catalog_state(struct catalog *catalog, struct catalog_state *ret_state);

/* ---- Changing ---- */

enum catalog_side {
	CATALOG_BOTH,	       /* the generation that is read, and the one being built, if any */
	CATALOG_BUILDING_ONLY, /* a reindex' */
};

/*
 * Begins a change: the library's transaction, and the listeners' turn. Between it and
 * catalog_commit (or _rollback) the caller may use the library's functions for writing.
 */
err_t catalog_begin(struct catalog *catalog);

/*
 * The passages that a document has from here on; count 0 with version 0 takes it out. They and
 * what they point to must live until catalog_commit.
 */
err_t catalog_shelve(struct catalog *catalog, enum catalog_side side,
		     const struct library_document *document, uint64_t version,
		     const struct passage *passages, size_t count);

/*
 * When it fails with the connection it may have happened all the same: the next catalog_begin asks
 * the library, and tells the listeners what they lack.
 */
err_t catalog_commit(struct catalog *catalog);
void catalog_rollback(struct catalog *catalog);

/* Asks now whether such a commit happened; nothing to do when there is none. Blocks. */
void catalog_catch_up(struct catalog *catalog);

/* ---- Generations ---- */

/* The next generation, empty, beside the one that is read; or the one a crash left half-built. */
err_t catalog_build_begin(struct catalog *catalog, uint64_t *ret_generation);

/*
 * Readers go over to it. `with` is done in the same transaction: who finds one of the two after a
 * crash finds both. ERR_OK also when an earlier try had been committed after all, `with` included.
 */
err_t catalog_build_publish(struct catalog *catalog, err_t (*with)(void *owner), void *owner);
void catalog_build_drop(struct catalog *catalog); /* as if it had never begun */

/* Deletes some of what older generations left; *ret_more until nothing is. */
err_t catalog_prune(struct catalog *catalog, bool *ret_more);

#endif
