/*
 * markdown: a text or Markdown file as blocks under headings. Pure: bytes in, slices of the same
 * bytes out, so that citations count characters of the file as it is.
 *
 * A document may say who it is, in lines "Name: value" between its title and its first
 * paragraph, or in a block between two lines "---" at its very top:
 *
 *     # Sleep hygiene
 *     Source: Example Health Service, "How to sleep better"
 *     Category: lifestyle
 *
 * Title, Source (may be repeated), Category and Subject are known; others are kept out of the text.
 * Headings are those of "#" and, in Markdown, lines underlined with "===" or "---"; tables are
 * GitHub's, with their row of dashes.
 */
#ifndef RAG_DOC_MARKDOWN_H
#define RAG_DOC_MARKDOWN_H

#include "rag/doc/document.h"

/*
 * `file` and `text` are borrowed for the document's life. ERR_TOO_LARGE; ERR_SYNTAX for what is
 * no UTF-8 text, or holds nothing but white space; ERR_NOMEM.
 */
err_t markdown_parse(struct arena *arena, struct bytes file, struct bytes text,
		     struct document *ret_document);

#endif
