#include "rag/retrieve/rank.h"

#include <math.h>
#include <stdlib.h>

/* The parts of the final score; together 1. */
#define FUSED_SHARE    0.50
#define COVERAGE_SHARE 0.22
#define TITLE_SHARE    0.10
#define INTENT_SHARE   0.12
#define NEARNESS_SHARE 0.06
#define COMMAND_FACTOR 0.5  /* of a passage that tells its reader what to do */
#define OTHER_FACTOR   0.75 /* of one about something else than the question names */
#define REPEAT_JACCARD 0.8
#define RECIPROCAL_K   60.0

enum {
	SHINGLE_WORDS = 4,
	SHINGLES_MAX = 512,
	WINDOW_WORDS = 12, /* terms so near to each other speak of one thing */
};

/* ---- One score of several lists ---- */

static double *list_score(struct candidate_passage *c, unsigned list)
{
	double *const scores[] = { &c->scores.bm25, &c->scores.vector, &c->scores.graph };

	return scores[list];
}

static bool in_list(const struct candidate_passage *c, unsigned list)
{
	return list == 0 ? c->by_words : list == 1 ? c->by_vector : c->by_graph;
}

/* What a list did not propose has nothing of it; its worst still has a little more than that. */
static void stretch(struct candidate_passage *at, unsigned count, unsigned list)
{
	double low = INFINITY, high = -INFINITY;

	for (unsigned i = 0; i < count; i++)
		if (in_list(&at[i], list)) {
			low = fmin(low, *list_score(&at[i], list));
			high = fmax(high, *list_score(&at[i], list));
		}
	for (unsigned i = 0; i < count; i++) {
		double *score = list_score(&at[i], list);

		if (!in_list(&at[i], list))
			*score = 0;
		else
			*score = high > low ? (*score - low) / (high - low) : 1;
	}
}

/* The same order on every machine: equal scores by the passage's id. */
static int by_final(const void *a, const void *b)
{
	const struct candidate_passage *x = a, *y = b;

	if (x->scores.final != y->scores.final)
		return x->scores.final > y->scores.final ? -1 : 1;
	return bytes_cmp(x->entry->passage.id, y->entry->passage.id);
}

static void sort(struct candidate_passage *at, unsigned count)
{
	if (count > 1)
		qsort(at, count, sizeof *at, by_final);
}

void rank_fuse(struct candidate_passage *at, unsigned count, const double shares[3])
{
	for (unsigned list = 0; list < 3; list++)
		stretch(at, count, list);
	for (unsigned i = 0; i < count; i++)
		at[i].scores.final = shares[0] * at[i].scores.bm25 +
				     shares[1] * at[i].scores.vector +
				     shares[2] * at[i].scores.graph;
	sort(at, count);
}

static void add_ranks(struct candidate_passage *at, unsigned count, unsigned list, double weight)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned rank = 1;

		if (!in_list(&at[i], list))
			continue;
		for (unsigned k = 0; k < count; k++)
			rank += in_list(&at[k], list) &&
				*list_score(&at[k], list) > *list_score(&at[i], list);
		at[i].scores.final += weight / (RECIPROCAL_K + rank);
	}
}

void rank_reciprocal(struct candidate_passage *at, unsigned count)
{
	static const double weights[3] = { 1, 1, 0.5 };
	double most = 0;

	for (unsigned i = 0; i < count; i++)
		at[i].scores.final = 0;
	for (unsigned list = 0; list < 3; list++)
		add_ranks(at, count, list, weights[list]);
	for (unsigned list = 0; list < 3; list++)
		stretch(at, count, list);
	for (unsigned i = 0; i < count; i++)
		most = fmax(most, at[i].scores.final);
	for (unsigned i = 0; i < count; i++)
		at[i].scores.final = most > 0 ? at[i].scores.final / most : 0;
	sort(at, count);
}

/* ---- What the lists do not see ---- */

enum { FORMS_CAP = 512 }; /* places for the forms of a question: a power of two */

/* Which term a stem's hash fulfils, plus 1. */
struct term_table {
	const struct question *question;
	uint32_t hash[FORMS_CAP];
	uint8_t term[FORMS_CAP];
};

_Static_assert(QUESTION_TERMS_MAX *QUESTION_FORMS_MAX < FORMS_CAP / 2, "the table has room");
_Static_assert(QUESTION_TERMS_MAX <= 32, "the terms of a question fit a bit set");

static void table_fill(struct term_table *table, const struct question *question)
{
	memset(table, 0, sizeof *table);
	table->question = question;
	for (unsigned i = 0; i < question->term_count; i++)
		for (unsigned f = 0; f < question->terms[i].form_count; f++) {
			uint32_t hash = stem_hash(bytes_of(question->terms[i].forms[f].stem));
			uint32_t at = hash & (FORMS_CAP - 1);

			while (table->term[at] && table->hash[at] != hash)
				at = (at + 1) & (FORMS_CAP - 1);
			if (!table->term[at])
				table->term[at] = (uint8_t)(i + 1);
			table->hash[at] = hash;
		}
}

/* The bit of the term that a word with this hash fulfils, or 0. */
static inline uint32_t term_bit(const struct term_table *table, uint32_t hash)
{
	uint32_t at = hash & (FORMS_CAP - 1);

	while (table->term[at]) {
		if (table->hash[at] == hash)
			return 1u << (table->term[at] - 1);
		at = (at + 1) & (FORMS_CAP - 1);
	}
	return 0;
}

static uint32_t terms_in(const struct term_table *table, struct bytes text)
{
	uint32_t set = 0;
	struct word word;

	for (size_t at = 0; words_next(text, &at, &word);)
		if (word.stem_len)
			set |= term_bit(table, stem_hash(word_stem(&word)));
	return set;
}

static double weight_of(const struct question *question, uint32_t set)
{
	double met = 0;

	for (; set; set &= set - 1)
		met += question->terms[__builtin_ctz(set)].weight;
	return met;
}

/* The weight of the terms that stand within one window of words, at its best place. */
static double nearness(const struct term_table *table, const struct corpus_words *words,
		       uint32_t *ret_all)
{
	uint32_t ring[WINDOW_WORDS] = { 0 }, all = 0, best_set = 0;
	double best = 0;

	for (uint32_t i = 0; i < words->count; i++) {
		uint32_t bit = term_bit(table, words->at[i]), set = 0;

		ring[i % WINDOW_WORDS] = bit;
		if (!bit)
			continue;
		all |= bit;
		for (unsigned k = 0; k < WINDOW_WORDS; k++)
			set |= ring[k];
		if (set != best_set) {
			double weight = weight_of(table->question, set);

			best_set = weight > best ? set : best_set;
			best = fmax(best, weight);
		}
	}
	*ret_all = all;
	return best;
}

struct features {
	double coverage, title, nearness;
	bool off_name;
};

/* The medicines among the terms. */
static uint32_t names_of(const struct question *question)
{
	uint32_t names = 0;

	for (unsigned i = 0; i < question->term_count; i++)
		names |= question->terms[i].is_name ? 1u << i : 0;
	return names;
}

static err_t features_of(const struct term_table *table, struct corpus_entry *entry,
			 struct features *ret_features)
{
	const struct question *question = table->question;
	const struct passage *passage = &entry->passage;
	const struct corpus_words *words = entry_words(entry);
	uint32_t body, title = terms_in(table, passage->title) | terms_in(table, passage->subject);
	double all = 0;
	uint32_t all_met;

	if (!words)
		return ERR_NOMEM;
	*ret_features = (struct features){ .coverage = 0 };
	for (unsigned i = 0; i < question->term_count; i++)
		all += question->terms[i].weight;
	if (all <= 0)
		return ERR_OK;
	ret_features->nearness = nearness(table, words, &body) / all;
	ret_features->title = weight_of(question, title);
	all_met = title | body | terms_in(table, passage->section);
	ret_features->coverage = weight_of(question, all_met) / all;
	ret_features->off_name = names_of(question) && !(names_of(question) & all_met);
	return ERR_OK;
}

err_t rank_cover(const struct question *question, struct candidate_passage *at, unsigned count)
{
	struct term_table table;
	struct features features;

	table_fill(&table, question);
	for (unsigned i = 0; i < count; i++) {
		TRY(features_of(&table, at[i].entry, &features));
		at[i].coverage = features.coverage;
		at[i].off_name = features.off_name;
	}
	return ERR_OK;
}

/* Of a label, the sections for professionals say it best; its pictured packages say little. */
static double section_factor(struct bytes code)
{
	static const struct {
		const char *code;
		double factor;
	} rows[] = {
		{ "51945-4", 0.80 }, /* package label */
		{ "42231-1", 0.93 }, /* medication guide */
		{ "42230-3", 0.93 }, /* patient information */
		{ "59845-8", 0.93 }, /* instructions for use */
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (bytes_eq_str(code, rows[i].code))
			return rows[i].factor;
	return 1;
}

err_t rank_again(const struct question *question, struct candidate_passage *at, unsigned count)
{
	struct features features[RETRIEVE_RERANKED];
	struct term_table table;
	double title_max = 0;

	assert(count <= RETRIEVE_RERANKED);
	table_fill(&table, question);
	for (unsigned i = 0; i < count; i++) {
		TRY(features_of(&table, at[i].entry, &features[i]));
		title_max = fmax(title_max, features[i].title);
	}
	for (unsigned i = 0; i < count; i++) {
		const struct passage *p = &at[i].entry->passage;
		double title = title_max > 0 ? features[i].title / title_max : 1;
		bool fits = question->intent != INTENT_GENERAL &&
			    intent_fits(question->intent, p->section, p->code);

		at[i].coverage = features[i].coverage;
		at[i].off_name = features[i].off_name;
		at[i].scores.rerank = COVERAGE_SHARE * features[i].coverage + TITLE_SHARE * title +
				      NEARNESS_SHARE * features[i].nearness +
				      (fits ? INTENT_SHARE : 0);
		at[i].scores.final = FUSED_SHARE * at[i].scores.final + at[i].scores.rerank;
		if (at[i].entry->commands)
			at[i].scores.final *= COMMAND_FACTOR;
		if (title_max > 0 && features[i].title <= 0)
			at[i].scores.final *= OTHER_FACTOR;
		at[i].scores.final *= section_factor(p->code);
	}
	sort(at, count);
	return ERR_OK;
}

/* ---- Repeats ---- */

struct shingles {
	uint32_t at[SHINGLES_MAX];
	unsigned count;
};

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void shingles_of(const struct corpus_words *words, struct shingles *s)
{
	unsigned kept = 0;

	s->count = 0;
	for (uint32_t i = 0; i + SHINGLE_WORDS <= words->count && s->count < SHINGLES_MAX; i++) {
		uint64_t hash = 0;

		for (unsigned k = 0; k < SHINGLE_WORDS; k++)
			hash = (hash ^ words->at[i + k]) * 0x9E3779B97F4A7C15u;
		s->at[s->count++] = (uint32_t)(hash >> 32);
	}
	qsort(s->at, s->count, sizeof s->at[0], by_number);
	for (unsigned i = 0; i < s->count; i++)
		if (i == 0 || s->at[i] != s->at[i - 1])
			s->at[kept++] = s->at[i];
	s->count = kept;
}

static bool repeats(const struct shingles *a, const struct shingles *b)
{
	unsigned i = 0, k = 0, both = 0;

	if (a->count == 0 || b->count == 0)
		return false;
	while (i < a->count && k < b->count) {
		both += a->at[i] == b->at[k];
		if (a->at[i] < b->at[k])
			i++;
		else if (a->at[i] > b->at[k])
			k++;
		else
			i++, k++;
	}
	return both > REPEAT_JACCARD * (a->count + b->count - both);
}

/* "20240131" or "2024-01-31" of the document's metadata: the same form within one format. */
static struct bytes effective_of(const struct corpus_entry *entry)
{
	const json_t *date = json_object_get(json_object_get(entry_about(entry), "metadata"),
					     "effective");

	return bytes_make(json_string_value(date), json_string_length(date));
}

err_t rank_without_repeats(struct candidate_passage *at, unsigned count, unsigned top,
			   unsigned *ret_kept)
{
	struct shingles *shingles = malloc((top ? top : 1) * sizeof *shingles), *s;
	unsigned kept = 0;

	if (!shingles)
		return ERR_NOMEM;
	for (unsigned i = 0; i < count && kept < top; i++) {
		const struct corpus_words *words = entry_words(at[i].entry);
		unsigned same = 0;

		if (!words) {
			free(shingles);
			return ERR_NOMEM;
		}
		s = &shingles[kept];
		shingles_of(words, s);
		while (same < kept && !repeats(&shingles[same], s))
			same++;
		if (same == kept)
			at[kept++] = at[i];
		else if (bytes_cmp(effective_of(at[i].entry), effective_of(at[same].entry)) > 0)
			at[same].entry = at[i].entry;
	}
	free(shingles);
	*ret_kept = kept;
	return ERR_OK;
}
