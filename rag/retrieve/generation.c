#include "rag/retrieve/generation.h"

#include <stdlib.h>

#include "rag/graph/extract.h"
#include "rag/text/command.h"

enum { DEAD_MIN = 512 }; /* dead slots below this are not worth a rebuild of the postings */

/* Where a passage stands in its document. */
struct place {
	uint32_t document, ordinal;
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
struct corpus_entry *entry_new(const struct passage *passage)
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

/* What lies in the image is freed with it. */
static void give_back(const struct generation *g, void *at)
{
	if (!image_has(g->image, at))
		free(at);
}

void entry_free(const struct generation *g, struct corpus_entry *entry)
{
	if (!entry)
		return;
	give_back(g, atomic_load(&entry->vector));
	give_back(g, atomic_load(&entry->words));
	free(atomic_load(&entry->dense));
	if (!g->taken || entry < g->taken || entry >= g->taken + g->taken_count)
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
			      struct place *ret_place)
{
	*ret_place = (struct place){ document->number, ordinal };
	return bytes_make(ret_place, sizeof *ret_place);
}

/* ---- Generations ---- */

static void document_free(struct corpus_document *document)
{
	json_decref(atomic_load(&document->about));
	free(document);
}

void generation_free(struct generation *g)
{
	if (!g)
		return;
	for (uint32_t i = 0; g->locked.postings && i < postings_slots(g->locked.postings); i++)
		entry_free(g, i < g->locked.cap ? g->locked.entries[i] : NULL);
	free(g->locked.entries);
	map_for_each (&g->locked.documents, slot)
		document_free(slot->value);
	map_fini(&g->locked.ids);
	map_fini(&g->locked.documents);
	map_fini(&g->locked.places);
	postings_destroy(g->locked.postings);
	graph_destroy(g->locked.graph);
	give_back(g, g->locked.table);
	free(g->taken);
	image_close(g->image);
	pthread_rwlock_destroy(&g->locked.lock);
	pthread_mutex_destroy(&g->changing);
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

err_t generation_new(uint64_t library, uint64_t number, struct generation **ret_generation)
{
	struct generation *g = calloc(1, sizeof *g);
	err_t err;

	if (!g)
		return ERR_NOMEM;
	g->library = library;
	g->number = number;
	list_init(&g->link);
	list_init(&g->told);
	pthread_mutex_init(&g->changing, NULL);
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

	if (hash != document->about_hash)
		json_decref(atomic_exchange(&document->about, NULL));
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

err_t generation_reserve(struct generation *g, uint32_t slots)
{
	uint32_t cap = g->locked.cap ? g->locked.cap : 256;
	struct corpus_entry **more;

	while (cap <= slots)
		cap *= 2;
	if (cap == g->locked.cap)
		return ERR_OK;
	more = realloc(g->locked.entries, cap * sizeof(struct corpus_entry *));
	if (!more)
		return ERR_NOMEM;
	memset(more + g->locked.cap, 0, (cap - g->locked.cap) * sizeof(struct corpus_entry *));
	g->locked.entries = more;
	g->locked.cap = cap;
	return ERR_OK;
}

err_t generation_index(struct generation *g, struct corpus_entry *entry)
{
	struct place place;

	TRY(generation_reserve(g, entry->slot + 1));
	TRY(document_get(g, &entry->passage, &entry->document));
	g->locked.entries[entry->slot] = entry;
	entry->document->passages++;
	TRY(map_put(&g->locked.ids, entry->passage.id, entry, NULL));
	return map_put(&g->locked.places,
		       place_key(entry->document, entry->passage.ordinal, &place), entry, NULL);
}

err_t entry_read(const struct corpus_entry *entry, bool comes, struct entry_reading *ret_reading)
{
	const struct postings_text text = text_of(entry);
	struct entry_reading reading = { NULL, NULL };
	err_t err = postings_read(&text, &reading.words);

	if (!err && comes)
		err = extract_passage(&entry->passage, &reading.extract);
	if (err) {
		entry_reading_free(&reading);
		return err;
	}
	*ret_reading = reading;
	return ERR_OK;
}

void entry_reading_free(struct entry_reading *reading)
{
	free(reading->words);
	free(reading->extract);
	*reading = (struct entry_reading){ NULL, NULL };
}

static err_t add_read(struct generation *g, struct corpus_entry *entry,
		      const struct entry_reading *reading)
{
	err_t err = generation_reserve(g, postings_slots(g->locked.postings) + 1);

	if (!err)
		err = postings_add(g->locked.postings, reading->words, &entry->slot);
	if (err) {
		entry_free(g, entry);
		return err;
	}
	err = generation_index(g, entry);
	if (err) {
		g->locked.entries[entry->slot] = NULL;
		postings_remove(g->locked.postings, entry->slot, reading->words);
		map_remove(&g->locked.ids, entry->passage.id);
		entry_free(g, entry);
		return err;
	}
	g->unkept++;
	return graph_add(g->locked.graph, reading->extract, entry->slot);
}

err_t generation_add(struct generation *g, struct corpus_entry *entry,
		     const struct entry_reading *reading)
{
	struct entry_reading own;
	err_t err;

	if (reading)
		return add_read(g, entry, reading);
	err = entry_read(entry, true, &own);
	if (err) {
		entry_free(g, entry);
		return err;
	}
	err = add_read(g, entry, &own);
	entry_reading_free(&own);
	return err;
}

void generation_remove(struct generation *g, struct bytes id, const struct entry_reading *reading)
{
	struct corpus_entry *entry = map_remove(&g->locked.ids, id);
	struct postings_text text;
	struct bytes key;
	struct place place;

	if (!entry)
		return;
	text = text_of(entry);
	key = place_key(entry->document, entry->passage.ordinal, &place);
	if (reading)
		postings_remove(g->locked.postings, entry->slot, reading->words);
	else
		postings_remove_text(g->locked.postings, entry->slot, &text);
	graph_remove(g->locked.graph, entry->slot);
	/* A successor may have its place already. */
	if (map_get(&g->locked.places, key) == entry)
		map_remove(&g->locked.places, key);
	g->locked.entries[entry->slot] = NULL;
	if (--entry->document->passages == 0) {
		map_remove(&g->locked.documents, entry->document->id);
		document_free(entry->document);
	}
	entry_free(g, entry);
	g->unkept++;
}

void generation_forget(struct generation *g, struct bytes document_id)
{
	const struct corpus_document *document = map_get(&g->locked.documents, document_id);
	uint32_t slots = postings_slots(g->locked.postings);

	for (uint32_t i = 0; document && i < slots; i++) {
		struct corpus_entry *entry = g->locked.entries[i];
		bool last = document->passages == 1;

		if (!entry || entry->document != document)
			continue;
		generation_remove(g, entry->passage.id, NULL);
		if (last)
			return;
	}
}

/* What is searched without the dead: built while searches go on. */
static err_t build_anew(const struct generation *g, struct postings *postings, struct graph *graph)
{
	for (uint32_t i = 0; i < postings_slots(g->locked.postings); i++) {
		const struct corpus_entry *entry = g->locked.entries[i];
		struct entry_reading reading;
		uint32_t slot;
		err_t err;

		if (!entry)
			continue;
		TRY(entry_read(entry, true, &reading));
		err = postings_add(postings, reading.words, &slot);
		if (!err)
			err = graph_add(graph, reading.extract, slot);
		entry_reading_free(&reading);
		if (err)
			return err;
	}
	return ERR_OK;
}

static void take_over(struct generation *g, struct postings *postings, struct graph *graph)
{
	uint32_t slots = postings_slots(g->locked.postings), kept = 0;

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
}

static err_t compact(struct generation *g)
{
	struct postings *postings = NULL;
	struct graph *graph = NULL;
	err_t err = postings_create(&postings_tuning_default, &postings);

	if (!err)
		err = graph_create(&graph);
	if (!err)
		err = build_anew(g, postings, graph);
	if (err) { /* the old ones are still good, only large */
		postings_destroy(postings);
		graph_destroy(graph);
		return err;
	}
	pthread_rwlock_wrlock(&g->locked.lock);
	take_over(g, postings, graph);
	pthread_rwlock_unlock(&g->locked.lock);
	return ERR_OK;
}

err_t generation_tidy(struct generation *g)
{
	uint32_t slots = postings_slots(g->locked.postings);
	uint32_t live = postings_live(g->locked.postings);

	return slots - live > DEAD_MIN && slots - live > live ? compact(g) : ERR_OK;
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
	struct place place;
	int64_t ordinal = (int64_t)entry->passage.ordinal + step;

	if (ordinal < 0)
		return NULL;
	return map_get(&g->locked.places, place_key(entry->document, (uint32_t)ordinal, &place));
}

const json_t *entry_about(const struct corpus_entry *entry)
{
	struct bytes text = entry->passage.metadata;
	json_t *about = atomic_load(&entry->document->about), *none = NULL;

	if (about || text.len == 0)
		return about;
	about = json_loadb(text.at, text.len, 0, NULL);
	/* Another reader may have been faster: then its is the one. */
	if (!about || atomic_compare_exchange_strong(&entry->document->about, &none, about))
		return about;
	json_decref(about);
	return none;
}
