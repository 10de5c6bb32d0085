/*
 * A generation in a file: passages (a text that several share lies there once), the postings, the
 * graph, and what passages are like. The ways to them by id and place are made again.
 */
#include <stdlib.h>

#include "rag/retrieve/generation.h"

enum { TEXTS = 11 }; /* of a passage: all but its body, which comes first */

struct kept_head {
	uint32_t slots, live;
	uint64_t texts; /* bytes of all texts */
	uint64_t words; /* numbers of all lists of words, with their counts */
	uint32_t vectors, zero;
};

struct kept_text {
	uint64_t at;
	uint32_t len, zero;
};

struct kept_entry {
	struct kept_text texts[TEXTS + 1];
	uint64_t char_from, char_to;
	uint32_t slot, kind, ordinal, words, page_from, page_to;
	uint32_t has_words, has_vector, commands, zero;
};

static void texts_of(struct passage *p, struct bytes *ret_texts[TEXTS + 1])
{
	struct bytes *const texts[TEXTS + 1] = {
		&p->body, &p->id,     &p->document, &p->title,	 &p->file,     &p->section,
		&p->code, &p->source, &p->category, &p->subject, &p->metadata, &p->item,
	};

	memcpy(ret_texts, texts, sizeof texts);
}

/* ---- Putting ---- */

/* The entries in the order of their slots; what they are like as it is just now. */
struct putting {
	struct corpus_entry **entries;
	const struct corpus_words **words;
	const struct vector **vectors;
	struct kept_entry *kept;
	uint32_t count;
	struct kept_head head;
};

static err_t putting_init(struct putting *p, const struct generation *g)
{
	uint32_t live = postings_live(g->locked.postings), cap = live + 1;

	*p = (struct putting){ .head.slots = postings_slots(g->locked.postings) };
	p->entries = calloc(cap, sizeof(struct corpus_entry *));
	p->words = calloc(cap, sizeof(struct corpus_words *));
	p->vectors = calloc(cap, sizeof(struct vector *));
	p->kept = calloc(cap, sizeof *p->kept);
	return p->entries && p->words && p->vectors && p->kept ? ERR_OK : ERR_NOMEM;
}

static void putting_fini(struct putting *p)
{
	free(p->entries);
	free(p->words);
	free(p->vectors);
	free(p->kept);
}

/* Passages of one document stand together, and share most texts with the one before. */
static err_t place_texts(struct putting *p, uint32_t i)
{
	struct bytes *now[TEXTS + 1], *before[TEXTS + 1];

	texts_of(&p->entries[i]->passage, now);
	if (i)
		texts_of(&p->entries[i - 1]->passage, before);
	for (unsigned t = 0; t <= TEXTS; t++) {
		struct kept_text *kept = &p->kept[i].texts[t];

		if (now[t]->len > UINT32_MAX)
			return ERR_TOO_LARGE;
		if (i && t && bytes_eq(*now[t], *before[t])) {
			*kept = p->kept[i - 1].texts[t];
			continue;
		}
		*kept = (struct kept_text){ p->head.texts, (uint32_t)now[t]->len, 0 };
		p->head.texts += now[t]->len;
	}
	return ERR_OK;
}

static err_t place_entry(struct putting *p, struct corpus_entry *entry)
{
	uint32_t i = p->count++;
	const struct passage *passage = &entry->passage;

	p->entries[i] = entry;
	p->words[i] = atomic_load(&entry->words);
	p->vectors[i] = atomic_load(&entry->vector);
	p->kept[i] = (struct kept_entry){
		.char_from = passage->char_from,
		.char_to = passage->char_to,
		.slot = entry->slot,
		.kind = passage->kind,
		.ordinal = passage->ordinal,
		.words = passage->words,
		.page_from = passage->page_from,
		.page_to = passage->page_to,
		.has_words = p->words[i] != NULL,
		.has_vector = p->vectors[i] != NULL,
		.commands = entry->commands,
	};
	p->head.words += p->words[i] ? p->words[i]->count + UINT64_C(1) : 0;
	p->head.vectors += p->vectors[i] != NULL;
	return place_texts(p, i);
}

static void put_texts(const struct putting *p, struct image_writer *w)
{
	image_put(w, NULL, 1, 0);
	for (uint32_t i = 0; i < p->count; i++) {
		struct bytes *texts[TEXTS + 1];

		texts_of(&p->entries[i]->passage, texts);
		for (unsigned t = 0; t <= TEXTS; t++)
			if (!i || !t || p->kept[i].texts[t].at != p->kept[i - 1].texts[t].at ||
			    p->kept[i].texts[t].len != p->kept[i - 1].texts[t].len)
				image_put_more(w, texts[t]->at, texts[t]->len);
	}
}

static void put_likeness(const struct putting *p, const struct vector_table *table,
			 struct image_writer *w)
{
	image_put(w, NULL, sizeof(uint32_t), 0);
	for (uint32_t i = 0; i < p->count; i++)
		if (p->words[i])
			image_put_more(w, p->words[i],
				       sizeof *p->words[i] + p->words[i]->count * sizeof(uint32_t));
	image_put(w, NULL, sizeof(struct vector), 0);
	for (uint32_t i = 0; i < p->count; i++)
		if (p->vectors[i])
			image_put_more(w, p->vectors[i], sizeof *p->vectors[i]);
	image_put(w, table, sizeof *table, 1);
}

static err_t put_all(const struct generation *g, struct putting *p, const char *path,
		     struct image_writer **ret_writer)
{
	struct image_writer *w;

	for (uint32_t i = 0; i < p->head.slots; i++)
		if (g->locked.entries[i])
			TRY(place_entry(p, g->locked.entries[i]));
	p->head.live = p->count;
	TRY(image_create(path, &w));
	image_put(w, &p->head, sizeof p->head, 1);
	image_put(w, p->kept, sizeof *p->kept, p->count);
	put_texts(p, w);
	put_likeness(p, g->locked.table, w);
	postings_put(g->locked.postings, w);
	graph_put(g->locked.graph, w);
	*ret_writer = w;
	return ERR_OK;
}

err_t generation_put(struct generation *g, const char *path, struct image_writer **ret_writer,
		     struct image_name *ret_name)
{
	struct putting putting;
	err_t err = putting_init(&putting, g);

	if (!err)
		err = put_all(g, &putting, path, ret_writer);
	if (!err)
		g->unkept = 0;
	*ret_name = (struct image_name){ g->library, g->number, g->change };
	putting_fini(&putting);
	return err;
}

/* ---- Taking ---- */

/* Where the next words and vectors lie. */
struct taking {
	struct image_cursor cursor;
	const struct kept_head *head;
	const struct kept_entry *kept;
	struct bytes texts;
	uint32_t *words;
	struct vector *vectors;
	uint64_t words_at;
	uint32_t vectors_at;
};

static err_t take_words(struct taking *t, struct corpus_entry *entry)
{
	uint32_t *at = t->words + t->words_at;

	if (t->words_at >= t->head->words || *at >= t->head->words - t->words_at)
		return ERR_SYNTAX;
	t->words_at += *at + UINT64_C(1);
	atomic_store(&entry->words, (struct corpus_words *)(void *)at);
	return ERR_OK;
}

static err_t take_entry(struct taking *t, const struct kept_entry *kept, struct corpus_entry *entry)
{
	struct passage *p = &entry->passage;
	struct bytes *texts[TEXTS + 1];

	if (kept->kind >= PASSAGE_KINDS)
		return ERR_SYNTAX;
	texts_of(p, texts);
	for (unsigned i = 0; i <= TEXTS; i++)
		*texts[i] = image_range(&t->cursor, t->texts, kept->texts[i].at,
					kept->texts[i].len);
	p->char_from = kept->char_from;
	p->char_to = kept->char_to;
	p->kind = kept->kind;
	p->ordinal = kept->ordinal;
	p->words = kept->words;
	p->page_from = kept->page_from;
	p->page_to = kept->page_to;
	entry->slot = kept->slot;
	entry->commands = kept->commands != 0;
	if (kept->has_words)
		TRY(take_words(t, entry));
	if (kept->has_vector && t->vectors_at == t->head->vectors)
		return ERR_SYNTAX;
	if (kept->has_vector)
		atomic_store(&entry->vector, &t->vectors[t->vectors_at++]);
	return t->cursor.bad ? ERR_SYNTAX : ERR_OK;
}

/* Live slots and entries are the same ones, each once. */
static err_t take_entries(struct generation *g, struct taking *t)
{
	uint32_t live = t->head->live, next = 0;

	g->taken = calloc(live + 1u, sizeof *g->taken);
	if (!g->taken)
		return ERR_NOMEM;
	g->taken_count = live;
	for (uint32_t i = 0; i < live; i++) {
		struct corpus_entry *entry = &g->taken[i];

		TRY(take_entry(t, &t->kept[i], entry));
		if (entry->slot < next || !postings_is_live(g->locked.postings, entry->slot) ||
		    entry->passage.id.len == 0 || map_get(&g->locked.ids, entry->passage.id))
			return ERR_SYNTAX;
		next = entry->slot + 1;
		TRY(generation_index(g, entry));
	}
	return postings_live(g->locked.postings) == live ? ERR_OK : ERR_SYNTAX;
}

static err_t take_all(struct generation *g)
{
	struct taking t = { .cursor = { .image = g->image } };
	struct image_cursor *c = &t.cursor;
	struct vector_table *table;
	struct postings *postings;
	struct graph *graph;

	t.head = image_take(c, sizeof *t.head, 1);
	if (!t.head)
		return ERR_SYNTAX;
	t.kept = image_take(c, sizeof *t.kept, t.head->live);
	t.texts = bytes_make(image_take(c, 1, t.head->texts), t.head->texts);
	t.words = image_take(c, sizeof *t.words, t.head->words);
	t.vectors = image_take(c, sizeof *t.vectors, t.head->vectors);
	table = image_take(c, sizeof *table, 1);
	if (c->bad)
		return ERR_SYNTAX;
	free(g->locked.table);
	g->locked.table = table;
	TRY(postings_take(&postings_tuning_default, c, &postings));
	postings_destroy(g->locked.postings);
	g->locked.postings = postings;
	if (postings_slots(postings) != t.head->slots)
		return ERR_SYNTAX;
	TRY(generation_reserve(g, t.head->slots));
	TRY(graph_take(c, t.head->slots, &graph));
	graph_destroy(g->locked.graph);
	g->locked.graph = graph;
	return take_entries(g, &t);
}

err_t generation_take(const char *path, uint64_t library, uint64_t number,
		      struct generation **ret_generation)
{
	struct image_name name;
	struct generation *g;
	struct image *image;
	err_t err;

	TRY(image_open(path, &image, &name));
	err = name.generation == number && name.library == library
		      ? generation_new(library, number, &g)
		      : ERR_NOT_FOUND;
	if (err) {
		image_close(image);
		return ERR_NOT_FOUND;
	}
	g->image = image;
	g->change = name.change;
	err = take_all(g);
	if (err) {
		generation_free(g);
		return ERR_NOT_FOUND;
	}
	*ret_generation = g;
	return ERR_OK;
}
