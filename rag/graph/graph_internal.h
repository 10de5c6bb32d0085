/*
 * graph_internal: what the files of the graph share.
 */
#ifndef RAG_GRAPH_GRAPH_INTERNAL_H
#define RAG_GRAPH_GRAPH_INTERNAL_H

#include "base/map.h"
#include "rag/graph/extract.h"

/* Rows of numbers; those with cap 0 lie in an image, if there are any. */
struct numbers {
	uint32_t *at;
	uint32_t count, cap;
};

/* `rows.count` 0: dead, and on the list of ids that can be used again. */
struct node {
	char *key, *name;
	enum entity_kind kind;
	struct numbers slots, relations;
};

struct edge {
	uint32_t from, to;
	enum relation_kind kind;
	struct numbers slots;
	float *weights;	      /* beside slots */
	uint32_t weights_cap; /* 0: they lie in an image */
	float weight;
};

/* What one passage brought: the ids of the nodes and edges that have its slot. */
struct rows {
	struct numbers nodes, edges;
};

struct graph {
	const struct image *image; /* what it was taken from, or NULL */
	struct node *nodes;
	struct edge *edges;
	uint32_t node_count, node_cap, edge_count, edge_cap;
	uint32_t live_nodes, live_edges;
	struct numbers free_nodes, free_edges;
	struct map by_key;  /* node id + 1 */
	struct map by_stem; /* struct numbers of node ids; owned */
	struct map by_ends; /* edge id + 1, under "from/to/kind" */
	struct rows *rows;  /* by slot */
	uint32_t rows_cap;
};

struct ends_key {
	uint32_t from, to, kind;
};

err_t numbers_push(struct numbers *numbers, uint32_t value);

/* Makes the ways to a node and an edge that are filled in otherwise. */
err_t graph_index_node(struct graph *graph, uint32_t id);
err_t graph_index_edge(struct graph *graph, uint32_t id);

#endif
