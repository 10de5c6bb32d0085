/*
 * pdf: what pdftotext -bbox-layout says of a PDF, as blocks. Pure; apart from the child for its
 * tests.
 */
#ifndef RAG_DOC_PDF_H
#define RAG_DOC_PDF_H

#include "rag/doc/builder.h"

/* *ret_empty counts pages without words. ERR_SYNTAX: that is no such layout. */
err_t pdf_layout_read(struct builder *builder, struct bytes layout, unsigned *ret_pages,
		      unsigned *ret_empty);

#endif
