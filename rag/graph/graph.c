#include "rag/graph/graph.h"

#include <stdlib.h>

#include "rag/graph/graph_internal.h"
#include "rag/text/words.h"

const char *const entity_kind_names[ENTITY_KINDS] = {
	[ENTITY_DRUG] = "Drug",
	[ENTITY_INGREDIENT] = "Ingredient",
	[ENTITY_CLASS] = "DrugClass",
	[ENTITY_CONDITION] = "Condition",
	[ENTITY_EFFECT] = "AdverseEvent",
	[ENTITY_ENZYME] = "Enzyme",
	[ENTITY_POPULATION] = "Population",
	[ENTITY_FORM] = "DoseForm",
	[ENTITY_ROUTE] = "Route",
	[ENTITY_ORGANIZATION] = "Organization",
	[ENTITY_DOSE] = "Dose",
	[ENTITY_TABLE] = "Table",
	[ENTITY_FIGURE] = "Figure",
	[ENTITY_EQUATION] = "Equation",
	[ENTITY_CONCEPT] = "Concept",
};

const char *const relation_kind_names[RELATION_KINDS] = {
	[RELATION_TREATS] = "treats",
	[RELATION_CONTRAINDICATED] = "contraindicated_in",
	[RELATION_CAUSES] = "causes",
	[RELATION_INTERACTS] = "interacts_with",
	[RELATION_INHIBITS] = "inhibits",
	[RELATION_INDUCES] = "induces",
	[RELATION_METABOLISED] = "metabolised_by",
	[RELATION_DOSE] = "dose_of",
	[RELATION_PART_OF] = "part_of",
	[RELATION_MEMBER_OF] = "member_of",
	[RELATION_BELONGS] = "belongs_to",
	[RELATION_RELATED] = "related_to",
};

enum {
	LINK_WORDS_MAX = 400,  /* of a text whose names are looked for */
	LINK_PHRASE_WORDS = 5, /* of one name */
};

/* Room for one more of what lies in `at`; what lies in an image (cap 0) moves out of it. */
static err_t grow(void **at, uint32_t count, uint32_t cap, uint32_t more, size_t size)
{
	void *moved = realloc(cap ? *at : NULL, more * size);

	if (!moved)
		return ERR_NOMEM;
	if (!cap && count)
		memcpy(moved, *at, count * size);
	*at = moved;
	return ERR_OK;
}

err_t numbers_push(struct numbers *n, uint32_t value)
{
	if (n->count >= n->cap) {
		uint32_t cap = n->count < 4 ? 4 : n->count * 2;
		void *at = n->at;

		TRY(grow(&at, n->count, n->cap, cap, sizeof *n->at));
		n->at = at;
		n->cap = cap;
	}
	n->at[n->count++] = value;
	return ERR_OK;
}

static void numbers_free(struct numbers *n)
{
	if (n->cap)
		free(n->at);
	*n = (struct numbers){ .at = NULL };
}

/* Keeps the order; returns where it was, or UINT32_MAX. */
static uint32_t take_out(struct numbers *n, uint32_t value)
{
	for (uint32_t i = 0; i < n->count; i++)
		if (n->at[i] == value) {
			memmove(n->at + i, n->at + i + 1, (n->count - i - 1) * sizeof *n->at);
			n->count--;
			return i;
		}
	return UINT32_MAX;
}

err_t graph_create(struct graph **ret_graph)
{
	struct graph *g = calloc(1, sizeof *g);

	if (!g)
		return ERR_NOMEM;
	*ret_graph = g;
	return ERR_OK;
}

static void node_clear(const struct graph *g, struct node *n)
{
	if (!image_has(g->image, n->key)) {
		free(n->key);
		free(n->name);
	}
	numbers_free(&n->slots);
	numbers_free(&n->relations);
	*n = (struct node){ .key = NULL };
}

static void edge_clear(struct edge *e)
{
	if (e->weights_cap)
		free(e->weights);
	numbers_free(&e->slots);
	*e = (struct edge){ .weight = 0 };
}

void graph_destroy(struct graph *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; i < g->node_count; i++)
		node_clear(g, &g->nodes[i]);
	for (uint32_t i = 0; i < g->edge_count; i++)
		edge_clear(&g->edges[i]);
	for (uint32_t i = 0; i < g->rows_cap; i++) {
		numbers_free(&g->rows[i].nodes);
		numbers_free(&g->rows[i].edges);
	}
	free(g->nodes);
	free(g->edges);
	free(g->rows);
	numbers_free(&g->free_nodes);
	numbers_free(&g->free_edges);
	map_for_each (&g->by_stem, slot) {
		free(((struct numbers *)slot->value)->at);
		free(slot->value);
	}
	map_fini(&g->by_stem);
	map_fini(&g->by_key);
	map_fini(&g->by_ends);
	free(g);
}

/* ---- Adding ---- */

static void *id_value(uint32_t id)
{
	return (void *)(uintptr_t)(id + 1);
}

static bool id_of(const void *value, uint32_t *ret_id)
{
	*ret_id = (uint32_t)(uintptr_t)value - 1;
	return value != NULL;
}

/* A place for one more of a kind of thing: one given up before, or the next. */
static err_t place(void **at, uint32_t *count, uint32_t *cap, size_t size, struct numbers *free_ids,
		   uint32_t *ret_id)
{
	if (free_ids->count) {
		*ret_id = free_ids->at[--free_ids->count];
		return ERR_OK;
	}
	if (*count == *cap) {
		uint32_t more = *cap ? *cap * 2 : 64;
		void *moved = realloc(*at, more * size);

		if (!moved)
			return ERR_NOMEM;
		*at = moved;
		*cap = more;
	}
	*ret_id = (*count)++;
	memset((char *)*at + *ret_id * size, 0, size);
	return ERR_OK;
}

/* Every word of the key leads to the node. */
static err_t stems_note(struct graph *g, struct bytes key, uint32_t id)
{
	struct bytes stem;

	while (bytes_cut(&key, ' ', &stem)) {
		struct numbers *ids = stem.len ? map_get(&g->by_stem, stem) : NULL;

		if (stem.len == 0)
			continue;
		if (!ids) {
			ids = calloc(1, sizeof *ids);
			if (!ids || map_put(&g->by_stem, stem, ids, NULL)) {
				free(ids);
				return ERR_NOMEM;
			}
		}
		TRY(numbers_push(ids, id));
	}
	return ERR_OK;
}

static void stems_forget(struct graph *g, struct bytes key, uint32_t id)
{
	struct bytes stem;

	while (bytes_cut(&key, ' ', &stem)) {
		struct numbers *ids = stem.len ? map_get(&g->by_stem, stem) : NULL;

		if (!ids)
			continue;
		take_out(ids, id);
		if (ids->count == 0) {
			map_remove(&g->by_stem, stem);
			free(ids->at);
			free(ids);
		}
	}
}

err_t graph_index_node(struct graph *g, uint32_t id)
{
	struct bytes key = bytes_of(g->nodes[id].key);

	TRY(map_put(&g->by_key, key, id_value(id), NULL));
	return stems_note(g, key, id);
}

err_t graph_index_edge(struct graph *g, uint32_t id)
{
	const struct edge *e = &g->edges[id];
	const struct ends_key ends = { e->from, e->to, e->kind };

	return map_put(&g->by_ends, bytes_make(&ends, sizeof ends), id_value(id), NULL);
}

static err_t node_get(struct graph *g, const struct extract_mention *m, uint32_t *ret_id)
{
	struct node *node;
	void *nodes = g->nodes;
	err_t err;

	if (id_of(map_get(&g->by_key, bytes_of(m->key)), ret_id))
		return ERR_OK;
	err = place(&nodes, &g->node_count, &g->node_cap, sizeof *g->nodes, &g->free_nodes, ret_id);
	g->nodes = nodes;
	if (err)
		return err;
	node = &g->nodes[*ret_id];
	node->key = bytes_dup(bytes_of(m->key));
	node->name = bytes_dup(m->name);
	node->kind = m->kind;
	if (!node->key || !node->name || graph_index_node(g, *ret_id)) {
		stems_forget(g, bytes_of(m->key), *ret_id);
		map_remove(&g->by_key, bytes_of(m->key));
		node_clear(g, node);
		return numbers_push(&g->free_nodes, *ret_id) ? ERR_NOMEM : ERR_NOMEM;
	}
	g->live_nodes++;
	return ERR_OK;
}

static err_t edge_get(struct graph *g, uint32_t from, uint32_t to, enum relation_kind kind,
		      uint32_t *ret_id)
{
	const struct ends_key ends = { from, to, kind };
	struct bytes key = bytes_make(&ends, sizeof ends);
	void *edges = g->edges;
	struct edge *edge;
	err_t err;

	if (id_of(map_get(&g->by_ends, key), ret_id))
		return ERR_OK;
	err = place(&edges, &g->edge_count, &g->edge_cap, sizeof *g->edges, &g->free_edges, ret_id);
	g->edges = edges;
	if (err)
		return err;
	edge = &g->edges[*ret_id];
	edge->from = from;
	edge->to = to;
	edge->kind = kind;
	TRY(graph_index_edge(g, *ret_id));
	TRY(numbers_push(&g->nodes[from].relations, *ret_id));
	TRY(numbers_push(&g->nodes[to].relations, *ret_id));
	g->live_edges++;
	return ERR_OK;
}

static err_t edge_evidence(struct edge *e, uint32_t slot, float weight)
{
	if (e->slots.count && e->slots.at[e->slots.count - 1] == slot) {
		e->weights[e->slots.count - 1] += weight;
		e->weight += weight;
		return ERR_OK;
	}
	if (e->slots.count >= e->weights_cap) {
		uint32_t cap = e->slots.count < 4 ? 4 : e->slots.count * 2;
		void *weights = e->weights;

		TRY(grow(&weights, e->slots.count, e->weights_cap, cap, sizeof *e->weights));
		e->weights = weights;
		e->weights_cap = cap;
	}
	TRY(numbers_push(&e->slots, slot));
	e->weights[e->slots.count - 1] = weight;
	e->weight += weight;
	return ERR_OK;
}

static err_t rows_reserve(struct graph *g, uint32_t slot)
{
	uint32_t cap = g->rows_cap ? g->rows_cap : 256;
	struct rows *more;

	while (cap <= slot)
		cap *= 2;
	if (cap == g->rows_cap)
		return ERR_OK;
	more = realloc(g->rows, cap * sizeof *more);
	if (!more)
		return ERR_NOMEM;
	memset(more + g->rows_cap, 0, (cap - g->rows_cap) * sizeof *more);
	g->rows = more;
	g->rows_cap = cap;
	return ERR_OK;
}

static err_t add_mentions(struct graph *g, const struct extract *x, uint32_t slot, uint32_t ids[])
{
	for (unsigned i = 0; i < x->mention_count; i++) {
		TRY(node_get(g, &x->mentions[i], &ids[i]));
		TRY(numbers_push(&g->nodes[ids[i]].slots, slot));
		TRY(numbers_push(&g->rows[slot].nodes, ids[i]));
	}
	return ERR_OK;
}

static err_t add_relations(struct graph *g, const struct extract *x, uint32_t slot,
			   const uint32_t ids[])
{
	for (unsigned i = 0; i < x->relation_count; i++) {
		const struct extract_relation *r = &x->relations[i];
		uint32_t id;

		TRY(edge_get(g, ids[r->from], ids[r->to], r->kind, &id));
		TRY(edge_evidence(&g->edges[id], slot, r->weight));
		TRY(numbers_push(&g->rows[slot].edges, id));
	}
	return ERR_OK;
}

err_t graph_add(struct graph *g, const struct extract *x, uint32_t slot)
{
	uint32_t ids[EXTRACT_MENTIONS_MAX];
	err_t err;

	TRY(rows_reserve(g, slot));
	assert(g->rows[slot].nodes.count == 0 && x->mention_count <= COUNT(ids));
	err = add_mentions(g, x, slot, ids);
	if (!err)
		err = add_relations(g, x, slot, ids);
	if (err)
		graph_remove(g, slot);
	return err;
}

/* ---- Removing ---- */

static void edge_drop(struct graph *g, uint32_t id)
{
	struct edge *e = &g->edges[id];
	const struct ends_key ends = { e->from, e->to, e->kind };

	map_remove(&g->by_ends, bytes_make(&ends, sizeof ends));
	take_out(&g->nodes[e->from].relations, id);
	take_out(&g->nodes[e->to].relations, id);
	edge_clear(e);
	g->live_edges--;
	/* A place that cannot be noted as free is lost, not wrong. */
	(void)numbers_push(&g->free_edges, id);
}

static void node_drop(struct graph *g, uint32_t id)
{
	struct node *n = &g->nodes[id];

	assert(n->relations.count == 0); /* an edge has no evidence beyond that of its ends */
	map_remove(&g->by_key, bytes_of(n->key));
	stems_forget(g, bytes_of(n->key), id);
	node_clear(g, n);
	g->live_nodes--;
	(void)numbers_push(&g->free_nodes, id);
}

void graph_remove(struct graph *g, uint32_t slot)
{
	struct rows *rows = slot < g->rows_cap ? &g->rows[slot] : NULL;

	if (!rows)
		return;
	for (uint32_t i = 0; i < rows->edges.count; i++) {
		struct edge *e = &g->edges[rows->edges.at[i]];
		uint32_t at = take_out(&e->slots, slot);

		if (at == UINT32_MAX)
			continue;
		e->weight -= e->weights[at];
		memmove(e->weights + at, e->weights + at + 1,
			(e->slots.count - at) * sizeof *e->weights);
		if (e->slots.count == 0)
			edge_drop(g, rows->edges.at[i]);
	}
	for (uint32_t i = 0; i < rows->nodes.count; i++) {
		struct node *n = &g->nodes[rows->nodes.at[i]];

		take_out(&n->slots, slot);
		if (n->slots.count == 0 && n->key)
			node_drop(g, rows->nodes.at[i]);
	}
	numbers_free(&rows->edges);
	numbers_free(&rows->nodes);
}

/* ---- Reading ---- */

uint32_t graph_entities(const struct graph *g)
{
	return g->live_nodes;
}

uint32_t graph_relations(const struct graph *g)
{
	return g->live_edges;
}

uint32_t graph_entities_max(const struct graph *g)
{
	return g->node_count;
}

uint32_t graph_relations_max(const struct graph *g)
{
	return g->edge_count;
}

bool graph_entity(const struct graph *g, uint32_t id, struct entity *ret_entity)
{
	const struct node *n = &g->nodes[id];

	if (id >= g->node_count || !n->key)
		return false;
	*ret_entity = (struct entity){
		.key = bytes_of(n->key),
		.name = bytes_of(n->name),
		.kind = n->kind,
		.id = id,
		.mentions = n->slots.count,
		.slots = n->slots.at,
		.relations = n->relations.at,
		.relation_count = n->relations.count,
	};
	return true;
}

bool graph_relation(const struct graph *g, uint32_t id, struct relation *ret_relation)
{
	const struct edge *e = &g->edges[id];

	if (id >= g->edge_count || e->slots.count == 0)
		return false;
	*ret_relation = (struct relation){
		.id = id,
		.from = e->from,
		.to = e->to,
		.kind = e->kind,
		.evidence = e->slots.count,
		.slots = e->slots.at,
		.weight = e->weight,
	};
	return true;
}

bool graph_with_key(const struct graph *g, struct bytes key, struct entity *ret_entity)
{
	uint32_t id;

	return id_of(map_get(&g->by_key, key), &id) && graph_entity(g, id, ret_entity);
}

bool graph_find(const struct graph *g, struct bytes name, struct entity *ret_entity)
{
	char key[NAME_KEY_MAX];
	uint32_t id;

	return name_key(name, key) && id_of(map_get(&g->by_key, bytes_of(key)), &id) &&
	       graph_entity(g, id, ret_entity);
}

void graph_with_stem(const struct graph *g, struct bytes stem, graph_each_fn each, void *owner)
{
	const struct numbers *ids = stem.len ? map_get(&g->by_stem, stem) : NULL;

	for (uint32_t i = 0; ids && i < ids->count; i++) {
		struct entity entity;

		if (graph_entity(g, ids->at[i], &entity) && !each(owner, &entity))
			return;
	}
}

static bool add_once(uint32_t ids[], unsigned *count, unsigned max, uint32_t id)
{
	for (unsigned i = 0; i < *count; i++)
		if (ids[i] == id)
			return true;
	if (*count == max)
		return false;
	ids[(*count)++] = id;
	return true;
}

unsigned graph_link(const struct graph *g, struct bytes text, uint32_t *ret_ids, unsigned max)
{
	struct word words[LINK_PHRASE_WORDS], next;
	unsigned count = 0, seen = 0, held = 0;
	size_t at = 0;

	/* A window of words slides over the text; the longest name at its front is taken. */
	while (seen < LINK_WORDS_MAX) {
		unsigned taken = 1;
		struct entity entity;

		while (held < LINK_PHRASE_WORDS && words_next(text, &at, &next)) {
			words[held++] = next;
			seen++;
		}
		if (held == 0)
			return count;
		for (unsigned n = held; n > 0 && !words[0].is_stop; n--) {
			struct bytes name = bytes_make(text.at + words[0].from,
						       words[n - 1].to - words[0].from);

			if (words[n - 1].is_stop || !graph_find(g, name, &entity))
				continue;
			if (!add_once(ret_ids, &count, max, entity.id))
				return count;
			taken = n;
			break;
		}
		memmove(words, words + taken, (held - taken) * sizeof *words);
		held -= taken;
	}
	return count;
}
