/*
 * xml: trees of libxml2, opened with everything off that reaches out of the document: no DTD is
 * read, no entity expanded, nothing fetched. Depth is bounded by the library (256).
 */
#ifndef RAG_DOC_XML_H
#define RAG_DOC_XML_H

#include <libxml/tree.h>

#include "base/text.h"

enum { XML_MAX_BYTES = 64 * 1024 * 1024, XML_DEPTH_MAX = 300 };

/* NULL: not well-formed, too large, or with declarations of its own (a DTD's internal part). */
xmlDoc *xml_open(struct bytes data);
xmlDoc *xml_open_broken(struct bytes data); /* goes on after faults: a converter's output */
xmlDoc *xml_open_html(struct bytes data);   /* forgiving; NULL only for what has no element */

bool xml_is(const xmlNode *node, const char *name);		 /* an element of that local name */
xmlNode *xml_child(const xmlNode *node, const char *name);	 /* the first, or NULL */
xmlNode *xml_next(const xmlNode *node, const char *name);	 /* sibling, or NULL */
xmlNode *xml_find(const xmlNode *node, const char *const *path); /* down the names; NULL ends it */
struct bytes xml_attribute(const xmlNode *node, const char *name); /* "" when there is none */

/* Appends all text below the node. */
void xml_text(const xmlNode *node, struct text *out);

#endif
