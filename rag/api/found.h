/*
 * found: what a search found, as JSON: the answer of POST /query/data, in LightRAG's form with
 * each passage's scores beside it. Pure.
 */
#ifndef RAG_API_FOUND_H
#define RAG_API_FOUND_H

#include "rag/retrieve/retrieve.h"

struct found {
	const struct question *question;
	const struct evidence *evidence;
	const char *mode;
	uint64_t took_us;
};

enum { FOUND_MAX_BYTES = 8 * 1024 * 1024 };

void found_write(struct text *out, const struct found *found);

/* The members of a passage that all its forms share: ids, title, file, section, page, span. */
void found_place(struct text *out, const struct passage *passage);

#endif
