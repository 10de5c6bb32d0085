/*
 * names: what a name is known by, and what kind of thing some are: words of a small list of ours,
 * endings that tell a kind ("-statin", "-itis"), enzymes by their pattern ("CYP3A4"). Pure; any
 * thread.
 */
#ifndef RAG_GRAPH_NAMES_H
#define RAG_GRAPH_NAMES_H

#include "rag/graph/graph.h"
#include "rag/text/words.h"

enum { NAME_KEY_MAX = 96 };

/* The key of a name: its stems joined by blanks, function words left out. False for none. */
bool name_key(struct bytes name, char ret_key[NAME_KEY_MAX]);

/* One more word of a key of *len bytes; false when it is full. */
bool name_key_add(char key[NAME_KEY_MAX], size_t *len, const struct word *word);

/* The kind of a name that is in the list, by its key. */
bool name_is_listed(const char *key, enum entity_kind *ret_kind);

/* Whether a listed name of several words may begin with this stem; seldom true of one that none
 * does. */
bool name_may_begin(struct bytes stem);

/* The kind of a single word, if its pattern, its ending or the list tells one; `key` is its key. */
bool name_kind(struct bytes word, const char *key, enum entity_kind *ret_kind);

#endif
