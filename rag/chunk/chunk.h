/*
 * chunk: a document cut into passages that retrieval ranks and answers quote. Pure.
 *
 * A passage never crosses a heading. One section is one passage up to CHUNK_WORDS_MAX words;
 * longer ones are cut between sentences near CHUNK_WORDS_TARGET, and each piece after the first
 * begins with the last sentence of the one before, if that is short.
 */
#ifndef RAG_CHUNK_CHUNK_H
#define RAG_CHUNK_CHUNK_H

#include "rag/doc/document.h"

enum {
	CHUNK_WORDS_TARGET = 260,
	CHUNK_WORDS_MAX = 450,
	CHUNK_WORDS_OVERLAP = 60,
};

struct chunk {
	const struct document_section *section;
	struct bytes body; /* a slice of the document's text */
	size_t from;	   /* of body in the document's text, in bytes */
	size_t char_from;  /* the same in characters (code points) */
	unsigned words;
};

/* An error of `each` ends the cutting and is returned. */
typedef err_t (*chunk_each_fn)(void *owner, const struct chunk *chunk);
err_t chunk_document(const struct document *document, chunk_each_fn each, void *owner);

#endif
