#include "rag/retrieve/corpus.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "rag/text/command.h"
#include "rag/text/words.h"

enum {
	DEAD_MIN = 512, /* dead slots below this are not worth a rebuild of the postings */
	TABLE_GROWTH =
		2, /* the idf table is counted anew when the texts became so many times more */
	ORDINAL_KEY_BYTES = 96,
};

/* A change that was told and not committed yet. */
struct change {
	struct list_node link;
	struct corpus_entry *entry; /* to be added; NULL: a removal */
	char *id;		    /* of the passage or document to be removed */
	bool whole_document;
};

struct generation {
	struct list_node link; /* corpus.generations */
	uint64_t number;
	unsigned readers; /* under corpus.lock */
	bool dropped, published;
	struct list_node changes; /* the feeding thread's */
	struct {		  /* under the lock: read by searches, written by commits */
		pthread_rwlock_t lock;
		struct postings *postings;
		struct corpus_entry **entries; /* by slot; NULL: dead */
		uint32_t cap;
		struct map ids, documents, places;
		uint32_t documents_max;
		struct vector_table *table;
		struct graph *graph;
	} locked;
};

struct corpus {
	pthread_mutex_t lock;
	struct list_node generations;
	struct generation *read; /* the published one */
	_Atomic uint64_t changes;
};

/* ---- Entries ---- */

static size_t strings_of(struct passage *passage, struct bytes *ret_strings[12])
{
	struct bytes *const strings[] = {
		&passage->id,	   &passage->document, &passage->title,	 &passage->file,
		&passage->section, &passage->code,     &passage->source, &passage->category,
		&passage->subject, &passage->metadata, &passage->item,	 &passage->body,
	};

	_Static_assert(COUNT(strings) == 12, "every string of a passage is copied");
	memcpy(ret_strings, strings, sizeof strings);
	return COUNT(strings);
}

/* One allocation: the entry, and its strings behind it. */
static struct corpus_entry *entry_new(const struct passage *passage)
{
	struct passage copy = *passage;
	struct bytes *strings[12];
	size_t count = strings_of(&copy, strings), total = sizeof(struct corpus_entry);
	struct corpus_entry *entry;
	char *at;

	for (size_t i = 0; i < count; i++)
		total += strings[i]->len;
	entry = calloc(1, total);
	if (!entry)
		return NULL;
	at = (char *)(entry + 1);
	for (size_t i = 0; i < count; i++) {
		if (strings[i]->len)
			memcpy(at, strings[i]->at, strings[i]->len);
		strings[i]->at = at;
		at += strings[i]->len;
	}
	entry->passage = copy;
	entry->passage.score = 0;
	entry->commands = command_in(copy.body);
	return entry;
}

static void entry_free(struct corpus_entry *entry)
{
	if (!entry)
		return;
	free(atomic_load(&entry->vector));
	free(atomic_load(&entry->words));
	free(atomic_load(&entry->dense));
	free(entry);
}

/* What is searched of a passage, field by field. A label's path is its context too. */
static struct postings_text text_of(const struct corpus_entry *entry)
{
	return (struct postings_text){
		.field = {
			[FIELD_TITLE] = entry->passage.title,
			[FIELD_SECTION] = entry->passage.section,
			[FIELD_CONTEXT] = entry->passage.subject,
			[FIELD_BODY] = entry->passage.body,
		},
	};
}

static struct bytes place_key(const struct corpus_document *document, uint32_t ordinal,
			      char key[ORDINAL_KEY_BYTES])
{
	int n = snprintf(key, ORDINAL_KEY_BYTES, "%u/%u", document->number, ordinal);

	return bytes_make(key, (size_t)n);
}

/* ---- Generations ---- */

static void change_free(struct change *change)
{
	list_remove(&change->link);
	entry_free(change->entry);
	free(change->id);
	free(change);
}

static void document_free(struct corpus_document *document)
{
	json_decref(document->about);
	free(document);
}

static void generation_free(struct generation *g)
{
	if (!g)
		return;
	list_for_each_safe (&g->changes, node)
		change_free(container_of(node, struct change, link));
	for (uint32_t i = 0; g->locked.postings && i < postings_slots(g->locked.postings); i++)
		entry_free(g->locked.entries[i]);
	free(g->locked.entries);
	map_for_each (&g->locked.documents, slot)
		document_free(slot->value);
	map_fini(&g->locked.ids);
	map_fini(&g->locked.documents);
	map_fini(&g->locked.places);
	postings_destroy(g->locked.postings);
	graph_destroy(g->locked.graph);
	free(g->locked.table);
	pthread_rwlock_destroy(&g->locked.lock);
	list_remove(&g->link);
	free(g);
}

/* A commit waits for the searches that run, never for those that come after it. */
static void lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
}

static err_t generation_new(uint64_t number, struct generation **ret_generation)
{
	struct generation *g = calloc(1, sizeof *g);
	err_t err;

	if (!g)
		return ERR_NOMEM;
	g->number = number;
	list_init(&g->link);
	list_init(&g->changes);
	lock_init(&g->locked.lock);
	g->locked.table = calloc(1, sizeof *g->locked.table);
	err = g->locked.table ? graph_create(&g->locked.graph) : ERR_NOMEM;
	if (!err)
		err = postings_create(&postings_tuning_default, &g->locked.postings);
	if (err) {
		generation_free(g);
		return err;
	}
	*ret_generation = g;
	return ERR_OK;
}

/* A document whose metadata changed tells so with any passage of it that is added. */
static void about_renew(struct corpus_document *document, const struct passage *passage)
{
	uint64_t hash = bytes_hash(passage->metadata, 0);

	if (hash == document->about_hash)
		return;
	json_decref(document->about);
	document->about = json_loadb(passage->metadata.at ? passage->metadata.at : "",
				     passage->metadata.len, 0, NULL);
	document->about_hash = hash;
}

static err_t document_get(struct generation *g, const struct passage *passage,
			  struct corpus_document **ret_document)
{
	struct corpus_document *document = map_get(&g->locked.documents, passage->document);
	const struct bytes strings[] = { passage->document, passage->title, passage->file };
	char *at;

	if (document) {
		about_renew(document, passage);
		*ret_document = document;
		return ERR_OK;
	}
	document = calloc(1, sizeof *document + strings[0].len + strings[1].len + strings[2].len);
	if (!document)
		return ERR_NOMEM;
	at = (char *)(document + 1);
	for (size_t i = 0; i < COUNT(strings); i++) {
		struct bytes *const to[] = { &document->id, &document->title, &document->file };

		if (strings[i].len)
			memcpy(at, strings[i].at, strings[i].len);
		*to[i] = bytes_make(at, strings[i].len);
		at += strings[i].len;
	}
	about_renew(document, passage);
	document->number = g->locked.documents_max;
	if (map_put(&g->locked.documents, document->id, document, NULL)) {
		document_free(document);
		return ERR_NOMEM;
	}
	g->locked.documents_max++;
	*ret_document = document;
	return ERR_OK;
}

static err_t entries_reserve(struct generation *g, uint32_t slots)
{
	struct corpus_entry **more;
	uint32_t cap = g->locked.cap ? g->locked.cap * 2 : 256;

	if (slots < g->locked.cap)
		return ERR_OK;
	more = realloc(g->locked.entries, cap * sizeof(struct corpus_entry *));
	if (!more)
		return ERR_NOMEM;
	memset(more + g->locked.cap, 0, (cap - g->locked.cap) * sizeof(struct corpus_entry *));
	g->locked.entries = more;
	g->locked.cap = cap;
	return ERR_OK;
}

/* Takes the entry, which is freed on any error. */
static err_t entry_add(struct generation *g, struct corpus_entry *entry)
{
	struct postings_text text = text_of(entry);
	char key[ORDINAL_KEY_BYTES];
	err_t err = entries_reserve(g, postings_slots(g->locked.postings) + 1);

	if (!err)
		err = document_get(g, &entry->passage, &entry->document);
	if (!err)
		err = postings_add(g->locked.postings, &text, &entry->slot);
	if (err) {
		entry_free(entry);
		return err;
	}
	g->locked.entries[entry->slot] = entry;
	entry->document->passages++;
	TRY(map_put(&g->locked.ids, entry->passage.id, entry, NULL));
	TRY(map_put(&g->locked.places, place_key(entry->document, entry->passage.ordinal, key),
		    entry, NULL));
	return graph_add(g->locked.graph, &entry->passage, entry->slot);
}

static void entry_remove(struct generation *g, struct bytes id)
{
	struct corpus_entry *entry = map_remove(&g->locked.ids, id);
	char key[ORDINAL_KEY_BYTES];
	struct postings_text text;
	struct bytes place;

	if (!entry)
		return;
	text = text_of(entry);
	place = place_key(entry->document, entry->passage.ordinal, key);
	postings_remove(g->locked.postings, entry->slot, &text);
	graph_remove(g->locked.graph, entry->slot);
	/* A successor may have its place already. */
	if (map_get(&g->locked.places, place) == entry)
		map_remove(&g->locked.places, place);
	g->locked.entries[entry->slot] = NULL;
	if (--entry->document->passages == 0) {
		map_remove(&g->locked.documents, entry->document->id);
		document_free(entry->document);
	}
	entry_free(entry);
}

static void document_remove(struct generation *g, struct bytes id)
{
	const struct corpus_document *document = map_get(&g->locked.documents, id);
	uint32_t slots = postings_slots(g->locked.postings);

	for (uint32_t i = 0; document && i < slots; i++) {
		struct corpus_entry *entry = g->locked.entries[i];
		bool last = document->passages == 1;

		if (!entry || entry->document != document)
			continue;
		entry_remove(g, entry->passage.id);
		if (last)
			return;
	}
}

/* Builds postings and graph anew, without the dead. Slots change; nobody reads meanwhile. */
static err_t compact(struct generation *g)
{
	uint32_t slots = postings_slots(g->locked.postings), kept = 0;
	struct postings *postings;
	struct graph *graph;
	err_t err;

	TRY(postings_create(&postings_tuning_default, &postings));
	err = graph_create(&graph);
	for (uint32_t i = 0; !err && i < slots; i++) {
		struct corpus_entry *entry = g->locked.entries[i];
		struct postings_text text;
		uint32_t slot;

		if (!entry)
			continue;
		text = text_of(entry);
		err = postings_add(postings, &text, &slot);
		if (!err)
			err = graph_add(graph, &entry->passage, slot);
	}
	if (err) { /* the old ones are still good, only large */
		postings_destroy(postings);
		graph_destroy(graph);
		return err;
	}
	for (uint32_t i = 0; i < slots; i++) {
		struct corpus_entry *entry = g->locked.entries[i];

		g->locked.entries[i] = NULL;
		if (!entry)
			continue;
		entry->slot = kept;
		g->locked.entries[kept++] = entry;
	}
	postings_destroy(g->locked.postings);
	graph_destroy(g->locked.graph);
	g->locked.postings = postings;
	g->locked.graph = graph;
	return ERR_OK;
}

/* ---- The idf table of the vectors ---- */

static struct bytes vector_text(const struct corpus_entry *entry, struct text *buffer)
{
	text_clear(buffer);
	text_add(buffer, entry->passage.title);
	text_add_char(buffer, '\n');
	text_add(buffer, entry->passage.section);
	text_add_char(buffer, '\n');
	text_add(buffer, entry->passage.body);
	return text_bytes(buffer);
}

/* Counted over all texts when they have doubled since: inserts in between need no new vectors. */
static err_t table_refresh(struct generation *g)
{
	uint32_t live = postings_live(g->locked.postings);
	struct text buffer = TEXT_INIT(64 << 20);
	struct vector_table *table;
	err_t err = ERR_OK;

	if (live == 0 || live < g->locked.table->texts * TABLE_GROWTH)
		return ERR_OK;
	table = calloc(1, sizeof *table);
	if (!table)
		return ERR_NOMEM;
	for (uint32_t i = 0; !err && i < postings_slots(g->locked.postings); i++)
		if (g->locked.entries[i])
			err = vector_count(table, vector_text(g->locked.entries[i], &buffer));
	text_fini(&buffer);
	if (err) {
		free(table);
		return err;
	}
	free(g->locked.table);
	g->locked.table = table;
	for (uint32_t i = 0; i < postings_slots(g->locked.postings); i++)
		if (g->locked.entries[i])
			free(atomic_exchange(&g->locked.entries[i]->vector, NULL));
	return ERR_OK;
}

/* ---- The feed ---- */

static struct generation *generation_get(struct corpus *corpus, uint64_t number)
{
	list_for_each (&corpus->generations, node) {
		struct generation *g = container_of(node, struct generation, link);

		if (g->number == number && !g->dropped)
			return g;
	}
	return NULL;
}

static struct generation *find(struct corpus *corpus, uint64_t number)
{
	struct generation *g;

	pthread_mutex_lock(&corpus->lock);
	g = generation_get(corpus, number);
	pthread_mutex_unlock(&corpus->lock);
	return g;
}

static uint64_t position(void *owner, uint64_t number)
{
	(void)owner;
	(void)number;
	return 0; /* fed at each start */
}

static void drop(void *owner, uint64_t number)
{
	struct corpus *corpus = owner;
	struct generation *g;

	pthread_mutex_lock(&corpus->lock);
	g = generation_get(corpus, number);
	if (g) {
		g->dropped = true;
		if (corpus->read == g)
			corpus->read = NULL;
		if (g->readers == 0)
			generation_free(g);
	}
	pthread_mutex_unlock(&corpus->lock);
}

static err_t begin(void *owner, uint64_t number)
{
	struct corpus *corpus = owner;
	struct generation *g;

	drop(corpus, number);
	TRY(generation_new(number, &g));
	pthread_mutex_lock(&corpus->lock);
	list_append(&corpus->generations, &g->link);
	pthread_mutex_unlock(&corpus->lock);
	return ERR_OK;
}

static err_t add(void *owner, uint64_t number, const struct passage *passage)
{
	struct generation *g = find(owner, number);
	struct change *change = calloc(1, sizeof *change);

	assert(g);
	if (change)
		change->entry = entry_new(passage);
	if (!change || !change->entry) {
		free(change);
		return ERR_NOMEM;
	}
	list_append(&g->changes, &change->link);
	return ERR_OK;
}

static err_t to_go(struct generation *g, struct bytes id, bool whole_document)
{
	struct change *change = calloc(1, sizeof *change);

	assert(g);
	if (change)
		change->id = bytes_dup(id);
	if (!change || !change->id) {
		free(change);
		return ERR_NOMEM;
	}
	change->whole_document = whole_document;
	list_append(&g->changes, &change->link);
	return ERR_OK;
}

static err_t take_out(void *owner, uint64_t number, struct bytes id)
{
	return to_go(find(owner, number), id, false);
}

static err_t forget(void *owner, uint64_t number, struct bytes document_id)
{
	return to_go(find(owner, number), document_id, true);
}

static void discard(void *owner, uint64_t number)
{
	struct generation *g = find(owner, number);

	list_for_each_safe (&g->changes, node)
		change_free(container_of(node, struct change, link));
}

static err_t apply(struct generation *g)
{
	err_t err = ERR_OK;

	list_for_each_safe (&g->changes, node) {
		struct change *change = container_of(node, struct change, link);

		if (change->entry) {
			struct corpus_entry *entry = change->entry;

			change->entry = NULL;
			if (!err)
				err = entry_add(g, entry);
			else
				entry_free(entry);
		} else if (!err && change->whole_document) {
			document_remove(g, bytes_of(change->id));
		} else if (!err) {
			entry_remove(g, bytes_of(change->id));
		}
		change_free(change);
	}
	return err;
}

static err_t commit(void *owner, uint64_t number, uint64_t count)
{
	struct corpus *corpus = owner;
	struct generation *g = find(corpus, number);
	uint32_t slots, live;
	err_t err;

	(void)count;
	assert(g);
	pthread_rwlock_wrlock(&g->locked.lock);
	err = apply(g);
	slots = postings_slots(g->locked.postings);
	live = postings_live(g->locked.postings);
	if (!err && slots - live > DEAD_MIN && slots - live > live)
		err = compact(g);
	if (!err && g->published)
		err = table_refresh(g);
	pthread_rwlock_unlock(&g->locked.lock);
	atomic_fetch_add(&corpus->changes, 1);
	return err;
}

static err_t publish(void *owner, uint64_t number, uint64_t count)
{
	struct corpus *corpus = owner;
	struct generation *g = find(corpus, number);
	err_t err;

	TRY(commit(owner, number, count));
	pthread_rwlock_wrlock(&g->locked.lock);
	err = table_refresh(g);
	g->published = true;
	pthread_rwlock_unlock(&g->locked.lock);
	if (err)
		return err;
	pthread_mutex_lock(&corpus->lock);
	corpus->read = g;
	pthread_mutex_unlock(&corpus->lock);
	atomic_fetch_add(&corpus->changes, 1);
	return ERR_OK;
}

struct feed_listener corpus_feed(struct corpus *corpus)
{
	return (struct feed_listener){
		.name = "corpus",
		.owner = corpus,
		.position = position,
		.begin = begin,
		.add = add,
		.remove = take_out,
		.forget = forget,
		.commit = commit,
		.discard = discard,
		.publish = publish,
		.drop = drop,
	};
}

/* ---- The process's one ---- */

err_t corpus_create(struct corpus **ret_corpus)
{
	struct corpus *corpus = calloc(1, sizeof *corpus);

	if (!corpus)
		return ERR_NOMEM;
	pthread_mutex_init(&corpus->lock, NULL);
	list_init(&corpus->generations);
	*ret_corpus = corpus;
	return ERR_OK;
}

void corpus_destroy(struct corpus *corpus)
{
	if (!corpus)
		return;
	list_for_each_safe (&corpus->generations, node) {
		struct generation *g = container_of(node, struct generation, link);

		assert(g->readers == 0);
		generation_free(g);
	}
	pthread_mutex_destroy(&corpus->lock);
	free(corpus);
}

struct generation *corpus_read(struct corpus *corpus)
{
	struct generation *g;

	pthread_mutex_lock(&corpus->lock);
	g = corpus->read;
	if (g)
		g->readers++;
	pthread_mutex_unlock(&corpus->lock);
	if (g)
		pthread_rwlock_rdlock(&g->locked.lock);
	return g;
}

void corpus_read_end(struct corpus *corpus, struct generation *g)
{
	pthread_rwlock_unlock(&g->locked.lock);
	pthread_mutex_lock(&corpus->lock);
	if (--g->readers == 0 && g->dropped)
		generation_free(g);
	pthread_mutex_unlock(&corpus->lock);
}

uint64_t corpus_changes(const struct corpus *corpus)
{
	return atomic_load(&corpus->changes);
}

void corpus_warm(struct corpus *corpus, const _Atomic bool *stop)
{
	for (uint32_t slot = 0; !atomic_load(stop); slot++) {
		struct generation *g = corpus_read(corpus);
		bool more;

		if (!g)
			return;
		more = slot < postings_slots(g->locked.postings);
		if (more && g->locked.entries[slot]) {
			(void)generation_vector(g, g->locked.entries[slot]);
			(void)entry_words(g->locked.entries[slot]);
		}
		corpus_read_end(corpus, g);
		if (!more)
			return;
	}
}

/* ---- Reading ---- */

uint64_t generation_number(const struct generation *g)
{
	return g->number;
}

const struct postings *generation_postings(const struct generation *g)
{
	return g->locked.postings;
}

const struct graph *generation_graph(const struct generation *g)
{
	return g->locked.graph;
}

uint32_t generation_documents(const struct generation *g)
{
	return (uint32_t)g->locked.documents.count;
}

uint32_t generation_documents_max(const struct generation *g)
{
	return g->locked.documents_max;
}

struct corpus_entry *generation_at(const struct generation *g, uint32_t slot)
{
	assert(slot < postings_slots(g->locked.postings));
	return g->locked.entries[slot];
}

struct corpus_entry *generation_find(const struct generation *g, struct bytes passage_id)
{
	return map_get(&g->locked.ids, passage_id);
}

void generation_each(const struct generation *g, corpus_each_fn each, void *owner)
{
	for (uint32_t i = 0; i < postings_slots(g->locked.postings); i++)
		if (g->locked.entries[i] && !each(owner, g->locked.entries[i]))
			return;
}

struct corpus_entry *generation_neighbour(const struct generation *g,
					  const struct corpus_entry *entry, int step)
{
	char key[ORDINAL_KEY_BYTES];
	int64_t ordinal = (int64_t)entry->passage.ordinal + step;

	if (ordinal < 0)
		return NULL;
	return map_get(&g->locked.places, place_key(entry->document, (uint32_t)ordinal, key));
}

static struct corpus_words *words_of(struct bytes body)
{
	struct corpus_words *words;
	uint32_t count = 0;
	struct word word;

	/* A word and what parts it from the next take two bytes at least. */
	words = malloc(sizeof *words + (body.len / 2 + 1) * sizeof words->at[0]);
	if (!words)
		return NULL;
	for (size_t at = 0; words_next(body, &at, &word);)
		words->at[count++] = stem_hash(word_stem(&word));
	words->count = count;
	return words;
}

const struct corpus_words *entry_words(struct corpus_entry *entry)
{
	struct corpus_words *words = atomic_load(&entry->words), *none = NULL, *fitting;

	if (words)
		return words;
	words = words_of(entry->passage.body);
	if (!words)
		return NULL;
	fitting = realloc(words, sizeof *words + words->count * sizeof words->at[0]);
	words = fitting ? fitting : words;
	if (!atomic_compare_exchange_strong(&entry->words, &none, words)) {
		free(words);
		return none;
	}
	return words;
}

err_t generation_vector_of(const struct generation *g, struct bytes text, struct vector *ret_vector)
{
	return vector_make(g->locked.table, text, ret_vector);
}

const struct vector *generation_vector(const struct generation *g, struct corpus_entry *entry)
{
	struct vector *vector = atomic_load(&entry->vector), *none = NULL;
	struct text buffer = TEXT_INIT(64 << 20);
	err_t err;

	if (vector)
		return vector;
	vector = malloc(sizeof *vector);
	err = vector ? vector_make(g->locked.table, vector_text(entry, &buffer), vector)
		     : ERR_NOMEM;
	text_fini(&buffer);
	if (err) {
		free(vector);
		return NULL;
	}
	/* Another reader may have been faster: then its vector is the one. */
	if (!atomic_compare_exchange_strong(&entry->vector, &none, vector)) {
		free(vector);
		return none;
	}
	return vector;
}

const struct dense *entry_dense(struct corpus_entry *entry)
{
	return atomic_load(&entry->dense);
}

void entry_set_dense(struct corpus_entry *entry, struct dense *dense)
{
	struct dense *none = NULL;

	if (!atomic_compare_exchange_strong(&entry->dense, &none, dense))
		free(dense);
}

float dense_cosine(const struct dense *a, const struct dense *b)
{
	int32_t dot = 0;

	if (a->dimensions != b->dimensions)
		return 0;
	for (uint32_t i = 0; i < a->dimensions; i++)
		dot += (int32_t)a->at[i] * b->at[i];
	return (float)dot * a->scale * b->scale;
}
