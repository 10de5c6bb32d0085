/*
 * links: what the graph proposes for a question. Pure.
 *
 * Local: the things the question names, the passages that name them (a thing named everywhere
 * proposes little), and what is said of two of them. Global: relations of the kind the question
 * asks about ("side effects": causes) whose ends the question's words touch.
 *
 * A graph elsewhere may say what is said in place of ours, of either.
 */
#ifndef RAG_RETRIEVE_LINKS_H
#define RAG_RETRIEVE_LINKS_H

#include "rag/graph/graph.h"
#include "rag/retrieve/question.h"

enum {
	LINKS_ENTITIES_MAX = 24,
	LINKS_RELATIONS_MAX = 40,
};

struct links {
	uint32_t entities[LINKS_ENTITIES_MAX]; /* named by the question, in its order */
	unsigned entity_count;
	uint32_t relations[LINKS_RELATIONS_MAX]; /* strongest first */
	float strengths[LINKS_RELATIONS_MAX];
	unsigned relation_count;
};

/* A relation as a graph elsewhere tells it: the entities are of ours. */
struct links_saying {
	uint32_t from, to;
	enum relation_kind kind;
	float weight;
	const uint32_t *slots; /* that say so */
	uint32_t evidence;
};
struct links_told {
	const struct links_saying *at;
	unsigned count;
};

struct links_options {
	const struct graph *graph;
	const struct question *question;
	struct bytes text, previous; /* the question, and the one before when it leans on it */
	bool local, global;
	const uint64_t *allowed; /* bit set of slots; NULL: all */
	/* In place of the graph's own relations; NULL: those. */
	const struct links_told *told_named, *told_touched;
	float *scores; /* by slot, zeroed: what is proposed is added here */
};

void links_find(const struct links_options *options, struct links *ret_links);

/* The kinds of relation that answer questions of that intent, as bits 1 << RELATION_…; or none. */
unsigned links_kinds(enum question_intent intent);

#endif
