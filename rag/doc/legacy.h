/*
 * legacy: what catdoc's programs write of a document, as blocks. Pure; apart from the children for
 * their tests.
 */
#ifndef RAG_DOC_LEGACY_H
#define RAG_DOC_LEGACY_H

#include "rag/doc/builder.h"

void legacy_lines_read(struct builder *builder, struct bytes words);  /* a paragraph a line */
void legacy_sheets_read(struct builder *builder, struct bytes words); /* CSV, \f between sheets */

#endif
