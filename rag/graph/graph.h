/*
 * graph: the things passages speak of, and what they say of two of them, each with the passages
 * that say so. Built by rules (graph/extract), without a model. Memory only; not thread-safe: the
 * corpus above has the lock.
 *
 * Nothing is here without evidence: a removed passage takes its rows along, counters follow, and
 * what is left without any is gone. So deleting a document is exact and costs no rebuild.
 */
#ifndef RAG_GRAPH_GRAPH_H
#define RAG_GRAPH_GRAPH_H

#include "base/text.h"
#include "rag/store/image.h"
#include "store/passage.h"

enum entity_kind {
	ENTITY_DRUG,
	ENTITY_INGREDIENT,
	ENTITY_CLASS,
	ENTITY_CONDITION,
	ENTITY_EFFECT, /* symptom or adverse event */
	ENTITY_ENZYME, /* and transporters */
	ENTITY_POPULATION,
	ENTITY_FORM, /* of a dose */
	ENTITY_ROUTE,
	ENTITY_ORGANIZATION,
	ENTITY_DOSE,
	ENTITY_TABLE,
	ENTITY_FIGURE,
	ENTITY_EQUATION,
	ENTITY_CONCEPT, /* a name of no known kind */
	ENTITY_KINDS,
};
extern const char *const entity_kind_names[ENTITY_KINDS];

enum relation_kind {
	RELATION_TREATS,
	RELATION_CONTRAINDICATED,
	RELATION_CAUSES,
	RELATION_INTERACTS,
	RELATION_INHIBITS,
	RELATION_INDUCES,
	RELATION_METABOLISED,
	RELATION_DOSE,
	RELATION_PART_OF, /* an ingredient of a drug */
	RELATION_MEMBER_OF,
	RELATION_BELONGS, /* a table, figure or equation to what it shows */
	RELATION_RELATED, /* named together */
	RELATION_KINDS,
};
extern const char *const relation_kind_names[RELATION_KINDS];

struct graph;

err_t graph_create(struct graph **ret_graph);
void graph_destroy(struct graph *graph); /* NULL is welcome */

void graph_put(const struct graph *graph, struct image_writer *writer);
/* What graph_put put, over `slots` passages; the image outlives it. ERR_SYNTAX: it cannot be. */
err_t graph_take(struct image_cursor *cursor, uint32_t slots, struct graph **ret_graph);

/* What a passage says becomes rows of evidence under its slot, which has none yet. ERR_NOMEM. */
struct extract;
err_t graph_add(struct graph *graph, const struct extract *extract, uint32_t slot);
void graph_remove(struct graph *graph, uint32_t slot);

/* ---- Reading; pointers hold until the next change ---- */

struct entity {
	struct bytes key;  /* folded and stemmed: the same for "Tablets" and "tablet" */
	struct bytes name; /* as first written */
	enum entity_kind kind;
	uint32_t id;
	uint32_t mentions;	   /* passages that name it */
	const uint32_t *slots;	   /* those, ascending */
	const uint32_t *relations; /* ids */
	uint32_t relation_count;
};

struct relation {
	uint32_t id, from, to; /* entities */
	enum relation_kind kind;
	uint32_t evidence;     /* passages that say so */
	const uint32_t *slots; /* those, ascending */
	float weight;	       /* summed over the evidence */
};

uint32_t graph_entities(const struct graph *graph);
uint32_t graph_relations(const struct graph *graph);
/* Ids run below these; dead ones give false. */
uint32_t graph_entities_max(const struct graph *graph);
uint32_t graph_relations_max(const struct graph *graph);
bool graph_entity(const struct graph *graph, uint32_t id, struct entity *ret_entity);
bool graph_relation(const struct graph *graph, uint32_t id, struct relation *ret_relation);

/* By its key, as an entity has it. */
bool graph_with_key(const struct graph *graph, struct bytes key, struct entity *ret_entity);

/* By name, however it is cased and inflected. */
bool graph_find(const struct graph *graph, struct bytes name, struct entity *ret_entity);

/*
 * Calls `each` for the entities whose name has a word of this stem; false ends it.
 */
typedef bool (*graph_each_fn)(void *owner, const struct entity *entity);
void graph_with_stem(const struct graph *graph, struct bytes stem, graph_each_fn each, void *owner);

/* The entities a text names, longest names first taken, each once. Returns how many. */
unsigned graph_link(const struct graph *graph, struct bytes text, uint32_t *ret_ids, unsigned max);

#endif
