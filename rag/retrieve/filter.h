/*
 * filter: which documents a question may be answered from, as the client's JSON says. Pure.
 *
 *     {"document_ids": ["doc_…"],
 *      "tags": {"any": ["label"], "all": [], "none": []},
 *      "metadata": {"and": [{"key": "subject", "op": "eq", "value": "warfarin"}],
 *                   "or": […]}}
 *
 * All parts given must hold. `op` is eq, ne, in, contains, gte, lte or exists; strings compare
 * without regard to ASCII case, numbers as numbers, an array holds when one of its members does.
 * The keys title, file, source, category, subject and id are of every document; others are looked
 * up in its metadata. Filters work before ranking: what they leave out costs nobody a place.
 */
#ifndef RAG_RETRIEVE_FILTER_H
#define RAG_RETRIEVE_FILTER_H

#include <jansson.h>

#include "base/text.h"
#include "store/passage.h"

enum {
	FILTER_VALUES_MAX = 1000, /* in any one list */
	FILTER_RULES_MAX = 50,
};

/*
 * Whether `filter` (an object; borrowed) can be used. ERR_INVALID: *ret_field is the JSON pointer
 * of what is wrong below "/filter", and *why a sentence about it.
 */
err_t filter_check(const json_t *filter, char ret_field[80], struct text *why);

/* Of a filter that was checked; NULL lets everything pass. `about` is the document's, or NULL. */
bool filter_passes(const json_t *filter, const struct passage *passage, const json_t *about);

#endif
