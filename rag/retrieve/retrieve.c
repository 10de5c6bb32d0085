#include "rag/retrieve/retrieve.h"

#include <math.h>
#include <stdlib.h>

/* A passage must cover so much of the question by itself, and so much of what the best one does. */
#define COVERAGE_FLOOR	 0.56
#define COVERAGE_OF_BEST 0.55
#define BM25_SHARE	 0.35
#define COVERAGE_SHARE	 0.30
#define TITLE_SHARE	 0.20 /* for being about what the question is about */
#define INTENT_SHARE	 0.15
#define CARRIED_WEIGHT	 0.8 /* a word of the question before counts a little less */
#define KNOWN_WEIGHT_MAX 6.0

struct gathering {
	struct arena *arena;
	const struct question *question;
	struct evidence_passage *at;
	unsigned count;
	double bm25_max, bm25_min;
	err_t err;
};

static err_t passage_copy(struct arena *arena, const struct passage *from, struct passage *ret_copy)
{
	struct passage copy = *from;

	TRY(arena_copy(arena, from->id, &copy.id));
	TRY(arena_copy(arena, from->document, &copy.document));
	TRY(arena_copy(arena, from->title, &copy.title));
	TRY(arena_copy(arena, from->file, &copy.file));
	TRY(arena_copy(arena, from->section, &copy.section));
	TRY(arena_copy(arena, from->source, &copy.source));
	TRY(arena_copy(arena, from->category, &copy.category));
	TRY(arena_copy(arena, from->body, &copy.body));
	*ret_copy = copy;
	return ERR_OK;
}

static void mark_terms(const struct question *question, struct bytes text, bool covered[])
{
	struct word word;

	for (size_t at = 0; words_next(text, &at, &word);) {
		size_t term = question_find(question, word_stem(&word));

		if (term != SIZE_MAX)
			covered[term] = true;
	}
}

/* The share of the question's weight whose words occur in title, section or body. */
static double coverage_of(const struct question *question, const struct passage *passage)
{
	bool covered[QUESTION_TERMS_MAX] = { false };
	double all = 0, met = 0;

	mark_terms(question, passage->title, covered);
	mark_terms(question, passage->section, covered);
	mark_terms(question, passage->body, covered);
	for (unsigned i = 0; i < question->term_count; i++) {
		all += question->terms[i].weight;
		met += covered[i] ? question->terms[i].weight : 0;
	}
	return all > 0 ? met / all : 0;
}

static bool on_candidate(void *owner, const struct passage *passage)
{
	struct gathering *g = owner;
	struct evidence_passage *e = &g->at[g->count];

	g->err = passage_copy(g->arena, passage, &e->passage);
	if (g->err)
		return false;
	e->coverage = coverage_of(g->question, passage);
	if (g->count == 0 || passage->score > g->bm25_max)
		g->bm25_max = passage->score;
	if (g->count == 0 || passage->score < g->bm25_min)
		g->bm25_min = passage->score;
	return ++g->count < RETRIEVE_CANDIDATES;
}

/* Rare words weigh more; one that no document has weighs most: it is what we know nothing about. */
static err_t weigh_terms(struct passages *passages, struct question *question, uint64_t total)
{
	for (unsigned i = 0; i < question->term_count; i++) {
		struct question_term *term = &question->terms[i];
		uint64_t most = 0;

		for (unsigned f = 0; f < term->form_count; f++) {
			uint64_t count;

			TRY(passages_frequency(passages, term->forms[f].word, &count));
			most = count > most ? count : most;
		}
		term->weight = log(1 + ((double)total - (double)most + 0.5) / ((double)most + 0.5));
		if (term->weight > KNOWN_WEIGHT_MAX)
			term->weight = KNOWN_WEIGHT_MAX;
		if (term->weight < 0.1)
			term->weight = 0.1;
		if (term->carried)
			term->weight *= CARRIED_WEIGHT;
	}
	return ERR_OK;
}

static double title_weight(const struct question *question, struct bytes title)
{
	bool covered[QUESTION_TERMS_MAX] = { false };
	double met = 0;

	mark_terms(question, title, covered);
	for (unsigned i = 0; i < question->term_count; i++)
		met += covered[i] ? question->terms[i].weight : 0;
	return met;
}

static void rank(struct gathering *g)
{
	double width = g->bm25_max - g->bm25_min, title_max = 0;

	for (unsigned i = 0; i < g->count; i++)
		title_max = fmax(title_max, title_weight(g->question, g->at[i].passage.title));
	for (unsigned i = 0; i < g->count; i++) {
		struct evidence_passage *e = &g->at[i];
		double bm25 = width > 0 ? (e->passage.score - g->bm25_min) / width : 1;
		double title = title_max > 0
				       ? title_weight(g->question, e->passage.title) / title_max
				       : 1;
		bool fits = intent_fits(g->question->intent, e->passage.section);

		e->passage.score = BM25_SHARE * bm25 + COVERAGE_SHARE * e->coverage +
				   TITLE_SHARE * title + (fits ? INTENT_SHARE : 0);
	}
}

static int by_score(const void *a, const void *b)
{
	const struct evidence_passage *x = a, *y = b;

	if (x->passage.score != y->passage.score)
		return x->passage.score > y->passage.score ? -1 : 1;
	return bytes_cmp(x->passage.id, y->passage.id); /* the same order on every machine */
}

static unsigned keep_good(struct evidence_passage *at, unsigned count, unsigned top)
{
	double best = 0;
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++)
		best = at[i].coverage > best ? at[i].coverage : best;
	for (unsigned i = 0; i < count && kept < top; i++)
		if (at[i].coverage >= COVERAGE_FLOOR && at[i].coverage >= best * COVERAGE_OF_BEST)
			at[kept++] = at[i];
	return kept;
}

static void nearest_titles(const struct gathering *g, struct evidence *evidence)
{
	for (unsigned i = 0; i < g->count && evidence->title_count < RETRIEVE_TITLES_MAX; i++) {
		struct bytes title = g->at[i].passage.title;
		bool known = false;

		for (unsigned k = 0; k < evidence->title_count; k++)
			known |= bytes_eq(evidence->titles[k], title);
		if (!known)
			evidence->titles[evidence->title_count++] = title;
	}
}

static err_t search(struct passages *passages, const struct question *question, struct gathering *g)
{
	struct bytes words[PASSAGES_WORDS_MAX];
	size_t count = 0;

	for (unsigned i = 0; i < question->term_count; i++)
		for (unsigned f = 0; f < question->terms[i].form_count; f++)
			if (count < PASSAGES_WORDS_MAX)
				words[count++] = question->terms[i].forms[f].word;
	TRY(passages_search(passages, words, count, RETRIEVE_CANDIDATES, on_candidate, g));
	return g->err;
}

err_t retrieve(struct passages *passages, struct question *question, unsigned top,
	       struct arena *arena, struct evidence *ret_evidence)
{
	struct gathering g = { .arena = arena, .question = question };
	struct evidence evidence = { .count = 0 };
	struct passages_state state;

	assert(top > 0 && top <= RETRIEVE_TOP_MAX);
	g.at = arena_array(arena, RETRIEVE_CANDIDATES, sizeof *g.at);
	if (!g.at)
		return ERR_NOMEM;
	TRY(passages_state(passages, &state));
	evidence.generation = state.generation;
	TRY(weigh_terms(passages, question, state.passages));
	TRY(search(passages, question, &g));
	rank(&g);
	if (g.count > 1)
		qsort(g.at, g.count, sizeof *g.at, by_score);
	nearest_titles(&g, &evidence);
	evidence.passages = g.at;
	evidence.count = keep_good(g.at, g.count, top);
	*ret_evidence = evidence;
	return ERR_OK;
}
