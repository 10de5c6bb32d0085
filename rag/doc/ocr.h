/*
 * ocr: images to words, by tesseract as a child, where it is installed.
 */
#ifndef RAG_DOC_OCR_H
#define RAG_DOC_OCR_H

#include "rag/doc/builder.h"
#include "rag/doc/parse.h"

enum { OCR_PAGES_MAX = 100 };

/* Adds the words of one image as paragraphs. ERR_SYNTAX with the reason. */
err_t ocr_add(struct builder *builder, struct bytes image, const _Atomic bool *cancelled,
	      struct parse_why *why);

/* Adds what tesseract's TSV says, paragraph by paragraph. Pure; apart for its tests. */
void ocr_tsv_add(struct builder *builder, struct bytes tsv);

#endif
