/*
 * What a passage is like: its words and vectors, made when first needed, and the idf table that the
 * hashed ones are of.
 */
#include <stdlib.h>

#include "rag/retrieve/generation.h"
#include "rag/text/words.h"

enum {
	TABLE_GROWTH = 2, /* the idf table is counted anew when the texts became so many more */
	VECTOR_TEXT_MAX = 64 << 20,
};

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

/* Vectors of an older table compare with none of the new one. */
static void forget_vectors(struct generation *g)
{
	for (uint32_t i = 0; i < postings_slots(g->locked.postings); i++) {
		struct corpus_entry *entry = g->locked.entries[i];
		struct vector *vector = entry ? atomic_exchange(&entry->vector, NULL) : NULL;

		if (!image_has(g->image, vector))
			free(vector);
	}
}

err_t likeness_refresh(struct generation *g)
{
	uint32_t live = postings_live(g->locked.postings);
	struct text buffer = TEXT_INIT(VECTOR_TEXT_MAX);
	struct vector_table *table, *old;
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
	vector_table_ready(table);
	if (err) {
		free(table);
		return err;
	}
	pthread_rwlock_wrlock(&g->locked.lock);
	old = g->locked.table;
	g->locked.table = table;
	forget_vectors(g);
	pthread_rwlock_unlock(&g->locked.lock);
	if (!image_has(g->image, old))
		free(old);
	return ERR_OK;
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
	struct text buffer = TEXT_INIT(VECTOR_TEXT_MAX);
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
