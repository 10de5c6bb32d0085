/*
 * content_list: RAG-Anything's form of a parsed document: an array of items with a type.
 *
 * text{text,text_level,page_idx}, image{image_caption,image_footnote,data}, table{table_body or
 * table_data,…}, equation{latex or text,…}, any other {type,content}. Captions are strings or
 * lists, img_caption and img_footnote are understood; page_idx counts from 0. A path in img_path is
 * never opened: `data` (base64) brings an image's bytes.
 */
#ifndef RAG_DOC_CONTENT_LIST_H
#define RAG_DOC_CONTENT_LIST_H

#include <jansson.h>

#include "rag/doc/builder.h"

bool content_list_looks(const json_t *root); /* an array whose first items have such types */
void content_list_add(struct builder *builder, const json_t *items);

bool json_depth_is_fine(struct bytes text);

#endif
