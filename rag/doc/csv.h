/*
 * csv: rows of separated values as tables of a document that is being put together. Pure.
 */
#ifndef RAG_DOC_CSV_H
#define RAG_DOC_CSV_H

#include "rag/doc/builder.h"

/* The first row is the header; many rows are several tables, each with it. Errors: the builder's.
 */
void csv_table(struct builder *b, struct bytes text, char separator);

#endif
