/*
 * chunk: a document cut into passages that retrieval ranks and answers quote. Pure.
 *
 * A passage never crosses a heading of the first two levels; sections below them are put together
 * while they fit. One section is one passage up to CHUNK_WORDS_MAX words; longer ones are cut
 * between sentences near CHUNK_WORDS_TARGET, and each piece after the first begins with the last
 * sentence of the one before, if that is short. A list stays with the sentence that leads to it.
 * A boxed warning is one passage up to CHUNK_BOXED_WORDS. Tables come in slices of CHUNK_TABLE_ROWS
 * rows, each with the caption, and with "header: value" in every row. Images and equations are
 * passages of their own, with the words around them.
 */
#ifndef RAG_CHUNK_CHUNK_H
#define RAG_CHUNK_CHUNK_H

#include "rag/doc/document.h"
#include "store/passage.h"

enum {
	CHUNK_WORDS_TARGET = 260,
	CHUNK_WORDS_MAX = 450,
	CHUNK_WORDS_OVERLAP = 60,
	CHUNK_BOXED_WORDS = 1200,
	CHUNK_TABLE_ROWS = 40,
	CHUNK_CONTEXT_WORDS = 120, /* on each side of an image or equation */
	/* 1 200 and 100 tokens, at 1.35 tokens a word: as LightRAG cuts */
	CHUNK_FIXED_WORDS = 888,
	CHUNK_FIXED_OVERLAP = 74,
};

enum chunk_strategy {
	CHUNK_SECTIONS, /* the above */
	CHUNK_FIXED,	/* windows of CHUNK_FIXED_WORDS, whatever the headings: for comparison */
};

/*
 * `each` hears of the passages in order: all members but id, document, title, file, source,
 * category, subject and metadata. Slices live until it returns. Its error ends the cutting and
 * is returned; else ERR_NOMEM.
 */
typedef err_t (*chunk_each_fn)(void *owner, const struct passage *chunk);
err_t chunk_document(const struct document *document, enum chunk_strategy strategy,
		     chunk_each_fn each, void *owner);

#endif
