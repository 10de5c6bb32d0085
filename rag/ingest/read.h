/*
 * read: one accepted document from bytes to passages: parse, chunk, ids, what it says of itself.
 * Touches no store; any thread.
 */
#ifndef RAG_INGEST_READ_H
#define RAG_INGEST_READ_H

#include "rag/doc/parse.h"
#include "store/library.h"

enum { READ_PASSAGES_MAX = 100000 };

struct read_result {
	struct library_document document; /* with what was found; state INDEXED or FAILED */
	struct passage *passages;
	size_t count;
	struct library_asset *assets;
	struct bytes *asset_data;
	size_t asset_count;
	uint64_t bands[LIBRARY_SKETCH_BANDS];
	bool has_bands;
	uint64_t parse_us, chunk_us;
};

/*
 * `document` as the library has it; `data` are its bytes. All results lie in the arena or in
 * these. A document that cannot be read is ERR_OK, with state FAILED and its error. ERR_NOMEM,
 * ERR_CANCELLED.
 */
err_t read_document(const struct library_document *document, struct bytes data,
		    const _Atomic bool *cancelled, struct arena *arena,
		    struct read_result *ret_result);

#endif
