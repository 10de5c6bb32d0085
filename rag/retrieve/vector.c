#include "rag/retrieve/vector.h"

#include <math.h>
#include <stdlib.h>

#include "rag/text/words.h"

enum {
	GRAM_MIN = 3,
	GRAM_MAX = 5,
	GRAM_SEED = 3,
	SET_CAP_MIN = 1 << 10, /* places for the distinct features of one text: a power of two */
	SET_CAP_MAX = 1 << 15,
	FEATURES_A_BYTE =
		4, /* of text, at most: three runs, and the stems and pairs of short words */
};

#define WEIGHT_STEM 1.0f
#define WEIGHT_PAIR 0.5f
#define WEIGHT_GRAM 0.35f

struct feature {
	uint64_t hash; /* 0: free */
	float weight;  /* of its kind */
	uint32_t count;
};

/* The features of one text, each once. */
struct feature_set {
	uint32_t cap, used_count;
	uint32_t *used; /* behind the features; three quarters of the places at most */
	struct feature at[];
};

static void note(struct feature_set *set, uint64_t hash, float weight)
{
	uint32_t i = (uint32_t)hash & (set->cap - 1);

	hash |= 1; /* never the mark of a free place */
	while (set->at[i].hash && set->at[i].hash != hash)
		i = (i + 1) & (set->cap - 1);
	if (!set->at[i].hash) {
		if (set->used_count == set->cap / 4 * 3)
			return;
		set->used[set->used_count++] = i;
		set->at[i] = (struct feature){ hash, weight, 0 };
	}
	set->at[i].count++;
}

/* Runs of letters of "^word$"; bytes, so that every script has them. */
static void note_grams(struct feature_set *set, struct bytes word)
{
	uint64_t hashes[GRAM_MAX - GRAM_MIN + 1][WORD_STEM_MAX + 3];
	char marked[WORD_STEM_MAX + 3] = "^";
	size_t len = size_min(word.len, WORD_STEM_MAX);

	for (size_t i = 0; i < len; i++)
		marked[1 + i] = ascii_lower(word.at[i]);
	marked[1 + len] = '$';
	len += 2;
	/* Runs that begin at one letter share their beginning, and so its hash. */
	for (size_t i = 0; i + GRAM_MIN <= len; i++) {
		size_t longest = size_min(GRAM_MAX, len - i);
		uint64_t hash = bytes_hash_begin(GRAM_SEED);

		for (size_t n = 0; n < longest; n++) {
			hash = bytes_hash_byte(hash, marked[i + n]);
			if (n + 1 >= GRAM_MIN)
				hashes[n + 1 - GRAM_MIN][i] = bytes_hash_end(hash);
		}
	}
	for (size_t n = GRAM_MIN; n <= GRAM_MAX; n++)
		for (size_t i = 0; i + n <= len; i++)
			note(set, hashes[n - GRAM_MIN][i], WEIGHT_GRAM);
}

static void note_text(struct feature_set *set, struct bytes text)
{
	unsigned words = 0;
	uint64_t before = 0;
	struct word word;

	for (size_t at = 0; words < VECTOR_WORDS_MAX && words_next(text, &at, &word); words++) {
		uint64_t hash;

		if (word.is_stop || word.stem_len == 0) {
			before = 0;
			continue;
		}
		hash = bytes_hash(word_stem(&word), 1);
		note(set, hash, WEIGHT_STEM);
		if (before)
			note(set, before * 0x9E3779B97F4A7C15u ^ hash, WEIGHT_PAIR);
		note_grams(set, bytes_make(text.at + word.from, word.to - word.from));
		before = hash;
	}
}

static struct feature_set *set_of(struct bytes text)
{
	uint32_t cap = SET_CAP_MIN;
	struct feature_set *set;

	while (cap < SET_CAP_MAX && cap / 4 * 3 < text.len * FEATURES_A_BYTE)
		cap *= 2;
	set = calloc(1, sizeof *set + cap * sizeof set->at[0] + cap / 4 * 3 * sizeof *set->used);
	if (!set)
		return NULL;
	set->cap = cap;
	set->used = (uint32_t *)(set->at + cap);
	note_text(set, text);
	return set;
}

static uint32_t *counter_of(const struct vector_table *table, uint64_t hash)
{
	return (uint32_t *)&table->seen[(hash >> 20) & (VECTOR_TABLE_SIZE - 1)];
}

err_t vector_count(struct vector_table *table, struct bytes text)
{
	struct feature_set *set = set_of(text);

	if (!set)
		return ERR_NOMEM;
	table->texts++;
	for (uint32_t i = 0; i < set->used_count; i++)
		(*counter_of(table, set->at[set->used[i]].hash))++;
	free(set);
	return ERR_OK;
}

static float idf_of(const struct vector_table *table, uint32_t seen)
{
	return logf(1 + (float)table->texts / (1 + (float)seen));
}

void vector_table_ready(struct vector_table *table)
{
	for (uint32_t seen = 0; seen < VECTOR_IDF_KNOWN; seen++)
		table->idf[seen] = idf_of(table, seen);
}

static void add_up(const struct vector_table *table, const struct feature_set *set,
		   float sums[VECTOR_DIMENSIONS])
{
	for (uint32_t i = 0; i < set->used_count; i++) {
		const struct feature *f = &set->at[set->used[i]];
		uint32_t seen = *counter_of(table, f->hash);
		float idf = seen < VECTOR_IDF_KNOWN ? table->idf[seen] : idf_of(table, seen);
		float often = f->count > 1 ? 1 + logf((float)f->count) : 1;
		float value = f->weight * often * idf;

		sums[f->hash >> 40 & (VECTOR_DIMENSIONS - 1)] += f->hash >> 63 ? -value : value;
	}
}

/* To the nearest, ties to even, as lrintf, but many at a time: beyond 2^23 floats are whole. */
static int rounded(float x)
{
	const float whole = 0x1.8p23f;

	return (int)(x + whole - whole);
}

err_t vector_make(const struct vector_table *table, struct bytes text, struct vector *ret_vector)
{
	struct feature_set *set = set_of(text);
	float sums[VECTOR_DIMENSIONS] = { 0 }, length = 0, most = 0;

	if (!set)
		return ERR_NOMEM;
	add_up(table, set, sums);
	free(set);
	for (unsigned i = 0; i < VECTOR_DIMENSIONS; i++) {
		float size = fabsf(sums[i]);

		length += sums[i] * sums[i];
		most = size > most ? size : most;
	}
	ret_vector->scale = length > 0 ? most / 127 / sqrtf(length) : 0;
	for (unsigned i = 0; i < VECTOR_DIMENSIONS; i++)
		ret_vector->at[i] = (int8_t)rounded(most > 0 ? sums[i] / most * 127 : 0);
	return ERR_OK;
}

float vector_cosine(const struct vector *a, const struct vector *b)
{
	int32_t dot = 0; /* 2,048 products of at most 16,129 */

	for (unsigned i = 0; i < VECTOR_DIMENSIONS; i++)
		dot += (int32_t)a->at[i] * b->at[i];
	return (float)dot * a->scale * b->scale;
}
