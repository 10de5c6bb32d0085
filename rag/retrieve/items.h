/*
 * items: tables, pictures, equations and texts that come with a question, as words to look for.
 * Pure but for what the caller's function says of a picture.
 *
 *     {"type": "table", "table_data": "CSV, Markdown or rows", "table_caption": "…"}
 *     {"type": "image", "asset_id": "ast_…"} or {"data": "<base64>", "media_type": "image/png",
 *      "image_caption": ["…"], "ocr_text": "…"}
 *     {"type": "equation", "latex": "…", "equation_caption": "…"}
 *     {"type": "text", "text": "…"}
 *
 * Of a table its header and the first cell of each row are words; of an equation what stands in it
 * but for the names of commands. A path of a file ("img_path") is refused: no word from outside
 * decides which file is opened.
 */
#ifndef RAG_RETRIEVE_ITEMS_H
#define RAG_RETRIEVE_ITEMS_H

#include <jansson.h>

#include "base/text.h"

enum {
	ITEMS_MAX = 20,
	ITEMS_WORDS_MAX_BYTES = 6000,
	ITEM_ROWS_MAX = 60,
};

/* ERR_INVALID: *ret_field is the JSON pointer of what is wrong, *why a sentence about it. */
err_t items_check(const json_t *items, char ret_field[80], struct text *why);

/* Appends what can be said of a picture: its data, or the asset of that id. May append nothing. */
typedef void (*item_picture_fn)(void *owner, const json_t *item, struct text *out);

/* Of items that were checked. Stops at ITEMS_WORDS_MAX_BYTES. */
void items_words(const json_t *items, item_picture_fn picture, void *owner, struct text *out);

#endif
