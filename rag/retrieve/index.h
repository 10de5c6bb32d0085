/*
 * index: a folder of documents becomes a generation of passages. Blocks on the disk: never on
 * a loop.
 */
#ifndef RAG_RETRIEVE_INDEX_H
#define RAG_RETRIEVE_INDEX_H

#include <stdatomic.h>

#include "base/text.h"
#include "rag/store/feed.h"

/* What an indexing does, read by other threads while it runs. */
struct index_progress {
	_Atomic uint64_t documents_done, documents_failed, passages;
	_Atomic bool
		cancelled; /* set by anybody: the run ends with ERR_CANCELLED, nothing changed */
};

/*
 * Reads every document below `directory` and tells the listeners of them as one generation, one
 * above what the first of them has. A file that cannot be read is counted as failed, logged, and
 * keeps none of the others out. On any error the generation before stays: ERR_NOT_FOUND (no such
 * folder), ERR_LIMIT, ERR_STORE, ERR_CANCELLED.
 */
err_t index_folder(const struct feed_listener *listeners, unsigned count, const char *directory,
		   struct index_progress *progress, uint64_t *ret_generation);

#endif
