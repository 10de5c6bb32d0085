/*
 * The graph in a file: nodes, edges and the rows of each passage as they are; the ways to them (by
 * key, by stem, by ends) are made again.
 */
#include <stdlib.h>

#include "rag/graph/graph_internal.h"

struct kept_graph {
	uint32_t nodes, edges, rows, free_nodes, free_edges, live_nodes, live_edges, zero;
	uint64_t texts, numbers;
};

struct kept_node {
	uint32_t key_len, name_len; /* 0, 0: given up */
	uint32_t kind, slots, relations;
};

struct kept_edge {
	uint32_t from, to, kind, slots; /* slots 0: given up */
	float weight;
};

struct kept_rows {
	uint32_t nodes, edges;
};

/* ---- Putting ---- */

static uint32_t rows_used(const struct graph *g)
{
	uint32_t used = g->rows_cap;

	while (used && !g->rows[used - 1].nodes.count && !g->rows[used - 1].edges.count)
		used--;
	return used;
}

static struct kept_graph head_of(const struct graph *g)
{
	struct kept_graph head = { .nodes = g->node_count,
				   .edges = g->edge_count,
				   .rows = rows_used(g),
				   .free_nodes = g->free_nodes.count,
				   .free_edges = g->free_edges.count,
				   .live_nodes = g->live_nodes,
				   .live_edges = g->live_edges };

	head.numbers = (uint64_t)head.free_nodes + head.free_edges;
	for (uint32_t i = 0; i < g->node_count; i++) {
		const struct node *n = &g->nodes[i];

		head.texts += n->key ? strlen(n->key) + strlen(n->name) + 2 : 0;
		head.numbers += n->slots.count + n->relations.count;
	}
	for (uint32_t i = 0; i < g->edge_count; i++)
		head.numbers += 2 * (uint64_t)g->edges[i].slots.count;
	for (uint32_t i = 0; i < head.rows; i++)
		head.numbers += g->rows[i].nodes.count + g->rows[i].edges.count;
	return head;
}

static void put_nodes(const struct graph *g, struct image_writer *w)
{
	image_put(w, NULL, sizeof(struct kept_node), 0);
	for (uint32_t i = 0; i < g->node_count; i++) {
		const struct node *n = &g->nodes[i];
		struct kept_node kept = { .kind = n->kind,
					  .slots = n->slots.count,
					  .relations = n->relations.count };

		kept.key_len = n->key ? (uint32_t)strlen(n->key) : 0;
		kept.name_len = n->key ? (uint32_t)strlen(n->name) : 0;
		image_put_more(w, &kept, sizeof kept);
	}
}

static void put_edges(const struct graph *g, struct image_writer *w)
{
	image_put(w, NULL, sizeof(struct kept_edge), 0);
	for (uint32_t i = 0; i < g->edge_count; i++) {
		const struct edge *e = &g->edges[i];
		struct kept_edge kept = { e->from, e->to, e->kind, e->slots.count, e->weight };

		image_put_more(w, &kept, sizeof kept);
	}
}

static void put_rows(const struct graph *g, uint32_t rows, struct image_writer *w)
{
	image_put(w, NULL, sizeof(struct kept_rows), 0);
	for (uint32_t i = 0; i < rows; i++) {
		struct kept_rows kept = { g->rows[i].nodes.count, g->rows[i].edges.count };

		image_put_more(w, &kept, sizeof kept);
	}
}

static void put_numbers(struct image_writer *w, const struct numbers *n)
{
	image_put_more(w, n->at, n->count * sizeof *n->at);
}

void graph_put(const struct graph *g, struct image_writer *w)
{
	const struct kept_graph head = head_of(g);

	image_put(w, &head, sizeof head, 1);
	put_nodes(g, w);
	put_edges(g, w);
	put_rows(g, head.rows, w);
	image_put(w, NULL, 1, 0);
	for (uint32_t i = 0; i < g->node_count; i++) {
		if (!g->nodes[i].key)
			continue;
		image_put_more(w, g->nodes[i].key, strlen(g->nodes[i].key) + 1);
		image_put_more(w, g->nodes[i].name, strlen(g->nodes[i].name) + 1);
	}
	image_put(w, NULL, sizeof(uint32_t), 0);
	for (uint32_t i = 0; i < g->node_count; i++) {
		put_numbers(w, &g->nodes[i].slots);
		put_numbers(w, &g->nodes[i].relations);
	}
	for (uint32_t i = 0; i < g->edge_count; i++) {
		put_numbers(w, &g->edges[i].slots);
		image_put_more(w, g->edges[i].weights,
			       g->edges[i].slots.count * sizeof *g->edges[i].weights);
	}
	for (uint32_t i = 0; i < head.rows; i++) {
		put_numbers(w, &g->rows[i].nodes);
		put_numbers(w, &g->rows[i].edges);
	}
	put_numbers(w, &g->free_nodes);
	put_numbers(w, &g->free_edges);
}

/* ---- Taking ---- */

/* Where the next rows of numbers, and the next texts, lie. */
struct taking {
	struct image_cursor *cursor;
	struct bytes texts;
	uint64_t text_at;
	uint32_t *numbers;
	uint64_t number_count, number_at;
};

/* The next `count` numbers, all below `bound`. */
static err_t take_numbers(struct taking *t, uint32_t count, uint32_t bound, struct numbers *ret)
{
	uint32_t *at = t->numbers + t->number_at;

	if (count > t->number_count - t->number_at)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < count; i++)
		if (at[i] >= bound)
			return ERR_SYNTAX;
	*ret = (struct numbers){ at, count, 0 };
	t->number_at += count;
	return ERR_OK;
}

/* The next text, which ends in NUL and has none inside. */
static err_t take_text(struct taking *t, uint32_t len, char **ret)
{
	struct bytes text = image_range(t->cursor, t->texts, t->text_at, (uint64_t)len + 1);

	if (!text.at || memchr(text.at, 0, text.len) != text.at + len)
		return ERR_SYNTAX;
	*ret = (char *)text.at;
	t->text_at += text.len;
	return ERR_OK;
}

static err_t take_nodes(struct graph *g, struct taking *t, const struct kept_graph *head,
			const struct kept_node *kept, uint32_t slots)
{
	for (uint32_t i = 0; i < head->nodes; i++) {
		struct node *n = &g->nodes[i];

		if (kept[i].kind >= ENTITY_KINDS || !kept[i].key_len != !kept[i].slots)
			return ERR_SYNTAX;
		n->kind = kept[i].kind;
		TRY(take_numbers(t, kept[i].slots, slots, &n->slots));
		TRY(take_numbers(t, kept[i].relations, head->edges, &n->relations));
		if (!kept[i].key_len)
			continue;
		TRY(take_text(t, kept[i].key_len, &n->key));
		TRY(take_text(t, kept[i].name_len, &n->name));
		TRY(graph_index_node(g, i));
	}
	return ERR_OK;
}

static err_t take_edges(struct graph *g, struct taking *t, const struct kept_graph *head,
			const struct kept_edge *kept, uint32_t slots)
{
	for (uint32_t i = 0; i < head->edges; i++) {
		struct edge *e = &g->edges[i];
		struct numbers weights;

		if (kept[i].from >= head->nodes || kept[i].to >= head->nodes ||
		    kept[i].kind >= RELATION_KINDS)
			return ERR_SYNTAX;
		*e = (struct edge){ .from = kept[i].from,
				    .to = kept[i].to,
				    .kind = kept[i].kind,
				    .weight = kept[i].weight };
		TRY(take_numbers(t, kept[i].slots, slots, &e->slots));
		TRY(take_numbers(t, kept[i].slots, UINT32_MAX, &weights)); /* floats */
		e->weights = (float *)(void *)weights.at;
		if (kept[i].slots && (!g->nodes[e->from].key || !g->nodes[e->to].key))
			return ERR_SYNTAX;
		if (kept[i].slots)
			TRY(graph_index_edge(g, i));
	}
	return ERR_OK;
}

static err_t take_rows(struct graph *g, struct taking *t, const struct kept_graph *head,
		       const struct kept_rows *kept)
{
	for (uint32_t i = 0; i < head->rows; i++) {
		TRY(take_numbers(t, kept[i].nodes, head->nodes, &g->rows[i].nodes));
		TRY(take_numbers(t, kept[i].edges, head->edges, &g->rows[i].edges));
	}
	TRY(take_numbers(t, head->free_nodes, head->nodes, &g->free_nodes));
	TRY(take_numbers(t, head->free_edges, head->edges, &g->free_edges));
	for (uint32_t i = 0; i < g->free_nodes.count; i++)
		if (g->nodes[g->free_nodes.at[i]].key)
			return ERR_SYNTAX;
	for (uint32_t i = 0; i < g->free_edges.count; i++)
		if (g->edges[g->free_edges.at[i]].slots.count)
			return ERR_SYNTAX;
	return ERR_OK;
}

static err_t take_all(struct graph *g, struct image_cursor *c, const struct kept_graph *head,
		      uint32_t slots)
{
	const struct kept_node *nodes = image_take(c, sizeof *nodes, head->nodes);
	const struct kept_edge *edges = image_take(c, sizeof *edges, head->edges);
	const struct kept_rows *rows = image_take(c, sizeof *rows, head->rows);
	struct taking t = { .cursor = c };

	t.texts = bytes_make(image_take(c, 1, head->texts), head->texts);
	t.numbers = image_take(c, sizeof *t.numbers, head->numbers);
	t.number_count = head->numbers;
	if (c->bad || head->rows > slots || head->live_nodes > head->nodes ||
	    head->live_edges > head->edges)
		return ERR_SYNTAX;
	g->nodes = calloc(head->nodes + 1u, sizeof *g->nodes);
	g->edges = calloc(head->edges + 1u, sizeof *g->edges);
	g->rows = calloc(head->rows + 1u, sizeof *g->rows);
	if (!g->nodes || !g->edges || !g->rows)
		return ERR_NOMEM;
	g->node_count = head->nodes;
	g->node_cap = head->nodes + 1;
	g->edge_count = head->edges;
	g->edge_cap = head->edges + 1;
	g->rows_cap = head->rows + 1;
	g->live_nodes = head->live_nodes;
	g->live_edges = head->live_edges;
	TRY(take_nodes(g, &t, head, nodes, slots));
	TRY(take_edges(g, &t, head, edges, slots));
	return take_rows(g, &t, head, rows);
}

err_t graph_take(struct image_cursor *c, uint32_t slots, struct graph **ret_graph)
{
	const struct kept_graph *head = image_take(c, sizeof *head, 1);
	struct graph *g;
	err_t err;

	if (!head)
		return ERR_SYNTAX;
	TRY(graph_create(&g));
	g->image = c->image;
	err = take_all(g, c, head, slots);
	if (err) {
		graph_destroy(g);
		return err;
	}
	*ret_graph = g;
	return ERR_OK;
}
