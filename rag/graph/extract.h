/*
 * extract: what a passage speaks of and what it says, by rules. Pure.
 *
 * In order of trust: what the document says of itself (subject, ingredients, maker, class), the
 * kind of section (what stands under "Adverse reactions" is caused), words of a small list and
 * endings that tell a kind ("-statin", "-itis"), enzymes by their pattern ("CYP3A4"), runs of
 * capitalised words, and quantities beside a word for dosing. Between two things of one sentence
 * a cue decides the relation ("contraindicated in", "metabolized by"), unless the sentence denies
 * it; without one they are only related.
 */
#ifndef RAG_GRAPH_EXTRACT_H
#define RAG_GRAPH_EXTRACT_H

#include "rag/graph/names.h"

enum {
	EXTRACT_MENTIONS_MAX = 96, /* of one passage */
	EXTRACT_RELATIONS_MAX = 160,
	EXTRACT_WORDS_MAX = 5, /* of one name */
};

struct extract_mention {
	const char *key;
	struct bytes name; /* in the passage */
	enum entity_kind kind;
};

struct extract_relation {
	uint16_t from, to; /* mentions */
	enum relation_kind kind;
	float weight;
};

struct extract {
	const struct extract_mention *mentions;
	const struct extract_relation *relations;
	unsigned mention_count, relation_count;
};

/* In one piece, malloc'ed; names borrow from the passage. ERR_NOMEM. */
err_t extract_passage(const struct passage *passage, struct extract **ret_extract);

#endif
