#include "rag/retrieve/told.h"

#include "rag/retrieve/retrieve_internal.h"

struct keys_search {
	struct told_keys *keys;
	struct arena *arena;
	bool *met; /* by entity */
	err_t err;
};

static err_t find_named(struct keys_search *k, const struct graph *graph,
			const struct retrieve_options *options)
{
	uint32_t ids[LINKS_ENTITIES_MAX];
	unsigned linked = graph_link(graph, options->text, ids, LINKS_ENTITIES_MAX);

	if (linked == 0 && options->previous.len)
		linked = graph_link(graph, options->previous, ids, LINKS_ENTITIES_MAX);
	for (unsigned i = 0; i < linked; i++) {
		struct entity e;

		if (graph_entity(graph, ids[i], &e))
			TRY(arena_copy(k->arena, e.key, &k->keys->named[k->keys->named_count++]));
	}
	return ERR_OK;
}

static bool on_touched(void *owner, const struct entity *e)
{
	struct keys_search *k = owner;

	if (k->met[e->id])
		return true;
	if (k->keys->touched_count == TOLD_TOUCHED_MAX)
		return false;
	k->met[e->id] = true;
	k->err = arena_copy(k->arena, e->key, &k->keys->touched[k->keys->touched_count++]);
	return !k->err;
}

/* Of words as the search will have them: a slip of the finger touches what was meant. */
static err_t find_touched(struct keys_search *k, const struct generation *g,
			  const struct question *as_read)
{
	struct question *question = arena_new(k->arena, struct question);
	struct search mending = { .generation = g, .question = question, .arena = k->arena };
	struct evidence unused = { .count = 0 };

	k->met = arena_array(k->arena, graph_entities_max(generation_graph(g)) + 1u,
			     sizeof *k->met);
	if (!question || !k->met)
		return ERR_NOMEM;
	*question = *as_read;
	TRY(weigh_terms(&mending, &unused));
	for (unsigned i = 0; i < question->term_count; i++)
		for (unsigned f = 0; !k->err && f < question->terms[i].form_count; f++)
			graph_with_stem(generation_graph(g),
					bytes_of(question->terms[i].forms[f].stem), on_touched, k);
	return k->err;
}

err_t told_keys_find(struct corpus *corpus, const struct question *question,
		     const struct retrieve_options *options, struct arena *arena,
		     struct told_keys *ret_keys)
{
	struct keys_search k = { .keys = ret_keys, .arena = arena };
	struct generation *g = corpus_read(corpus);
	bool local, global;
	err_t err = ERR_OK;

	ret_keys->named_count = ret_keys->touched_count = 0;
	if (!g)
		return ERR_OK;
	retrieve_reads_graph(options->mode, &local, &global);
	if (local)
		err = find_named(&k, generation_graph(g), options);
	if (!err && global)
		err = find_touched(&k, g, question);
	corpus_read_end(corpus, g);
	return err;
}

/* ---- What was told, in our numbers ---- */

static err_t slots_of(const struct search *s, const struct retrieve_saying *saying,
		      uint32_t **ret_slots, uint32_t *ret_count)
{
	uint32_t *slots = arena_array(s->arena, saying->passage_count + 1u, sizeof *slots);

	if (!slots)
		return ERR_NOMEM;
	*ret_slots = slots;
	*ret_count = 0;
	for (unsigned i = 0; i < saying->passage_count; i++) {
		const struct corpus_entry *e = generation_find(s->generation, saying->passages[i]);

		if (e)
			slots[(*ret_count)++] = e->slot;
	}
	return ERR_OK;
}

err_t told_read(const struct search *s, const struct retrieve_told *told,
		const struct links_told **ret_told)
{
	const struct graph *graph = generation_graph(s->generation);
	struct links_saying *at;
	struct links_told *out;

	*ret_told = NULL;
	if (!told)
		return ERR_OK;
	at = arena_array(s->arena, told->count + 1u, sizeof *at);
	out = arena_new(s->arena, struct links_told);
	if (!at || !out)
		return ERR_NOMEM;
	*out = (struct links_told){ at, 0 };
	for (unsigned i = 0; i < told->count; i++) {
		const struct retrieve_saying *t = &told->at[i];
		struct entity from, to;
		uint32_t *slots, evidence;

		TRY(slots_of(s, t, &slots, &evidence));
		if (evidence && graph_with_key(graph, t->from, &from) &&
		    graph_with_key(graph, t->to, &to))
			at[out->count++] = (struct links_saying){ from.id,   to.id, t->kind,
								  t->weight, slots, evidence };
	}
	*ret_told = out;
	return ERR_OK;
}
