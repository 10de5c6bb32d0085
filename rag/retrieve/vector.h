/*
 * vector: texts as 2,048 numbers without a model, by feature hashing. Pure.
 *
 * Features are stems, pairs of neighbouring stems, and runs of three to five letters of each word
 * with marks at its edges; each falls into one bucket, with a sign. A feature weighs
 * (1 + ln tf) * idf, the whole is of length 1 and kept as signed bytes. Misspelt and inflected
 * words share most of their runs, which is what words alone lack.
 *
 * The idf is of a table counted beforehand and then frozen: vectors made with one table compare
 * with each other only.
 */
#ifndef RAG_RETRIEVE_VECTOR_H
#define RAG_RETRIEVE_VECTOR_H

#include "base/bytes.h"

#define VECTOR_NAME "hash-2048/1"

enum {
	VECTOR_DIMENSIONS = 2048,
	VECTOR_TABLE_SIZE = 1 << 18, /* counters; features that share one look a little commoner */
	VECTOR_WORDS_MAX = 1200,     /* of one text; what follows adds little */
	VECTOR_IDF_KNOWN = 1024,     /* most features are rarer: a logarithm each is saved */
};

struct vector_table {
	uint32_t texts;
	float idf[VECTOR_IDF_KNOWN];	  /* of features seen so often; see vector_table_ready */
	uint32_t seen[VECTOR_TABLE_SIZE]; /* texts each feature occurs in */
};

struct vector {
	float scale; /* times a component gives its true size; 0 for a text without words */
	int8_t at[VECTOR_DIMENSIONS];
};

/* Counts the features of one more text. */
err_t vector_count(struct vector_table *table, struct bytes text);

/* After the last text was counted, and before the first vector is made. */
void vector_table_ready(struct vector_table *table);

err_t vector_make(const struct vector_table *table, struct bytes text, struct vector *ret_vector);

/* The cosine of the angle between them, -1 … 1. */
float vector_cosine(const struct vector *a, const struct vector *b);

#endif
