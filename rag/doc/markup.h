/*
 * markup: text with elements in it (HTML, the narrative blocks of drug labels) to blocks: what
 * paragraphs, lists, tables and images are, by the elements' names. Scripts, styles and navigation
 * are passed over; nothing is fetched.
 */
#ifndef RAG_DOC_MARKUP_H
#define RAG_DOC_MARKUP_H

#include "rag/doc/builder.h"
#include "rag/doc/xml.h"

struct markup {
	struct builder *builder;
	struct text para; /* of the paragraph being gathered */
	unsigned depth, list_depth;
	bool headings; /* h1 … h6 are; in a label's text there are none */
	/* An image's source to an asset; NULL has none. */
	struct document_asset *(*image)(void *owner, struct bytes source);
	void *owner;
};

void markup_walk(struct markup *markup, const xmlNode *node); /* the node's children */
void markup_end(struct markup *markup);			      /* the last paragraph, and frees */

#endif
