#include "rag/retrieve/retrieve.h"

#include <math.h>
#include <stdlib.h>

#include "rag/text/distance.h"

/* A passage must cover so much of the question by itself, and so much of what the best one does. */
#define COVERAGE_FLOOR	 0.56
#define COVERAGE_OF_BEST 0.55
#define BM25_SHARE	 0.35
#define COVERAGE_SHARE	 0.30
#define TITLE_SHARE	 0.20 /* for being about what the question is about */
#define INTENT_SHARE	 0.15
#define CARRIED_WEIGHT	 0.8 /* a word of the question before counts a little less */
#define KNOWN_WEIGHT_MIN 0.1
#define KNOWN_WEIGHT_MAX 6.0

enum {
	REPAIR_LETTERS_MIN = 5, /* shorter words are near to too many others */
	REPAIR_LETTERS_TWO = 8, /* from here on two slips are forgiven */
};

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

/* ---- Words nobody has written ---- */

struct repair {
	struct bytes stem; /* as typed */
	unsigned limit, best;
	uint64_t passages;
	char taken[WORD_STEM_MAX + 1];
};

static bool on_stem(void *owner, struct bytes stem, uint64_t passages)
{
	struct repair *r = owner;
	unsigned distance;

	if (stem.len > WORD_STEM_MAX)
		return true;
	distance = distance_between(r->stem, stem, r->limit);
	if (distance < r->best || (distance == r->best && passages > r->passages)) {
		r->best = distance;
		r->passages = passages;
		memcpy(r->taken, stem.at, stem.len);
		r->taken[stem.len] = '\0';
	}
	return true;
}

/* The stem's first word in a passage, as written there; the stem itself when there is none. */
static struct bytes surface_of(const struct gathering *g, const char *stem)
{
	for (unsigned i = 0; i < g->count; i++) {
		const struct bytes texts[] = { g->at[i].passage.title, g->at[i].passage.body };

		for (size_t t = 0; t < COUNT(texts); t++) {
			struct word word;

			for (size_t at = 0; words_next(texts[t], &at, &word);)
				if (bytes_eq_str(word_stem(&word), stem))
					return bytes_make(texts[t].at + word.from,
							  word.to - word.from);
		}
	}
	return bytes_of(stem);
}

/* Gives a term that nothing fulfils the nearest stem as one more form. */
static err_t repair_term(struct passages *passages, struct question_term *term, struct arena *arena,
			 bool *ret_repaired)
{
	struct question_form *form = &term->forms[term->form_count];
	struct repair r = { .stem = bytes_of(term->forms[0].stem) };
	struct bytes copy;

	*ret_repaired = false;
	if (r.stem.len < REPAIR_LETTERS_MIN || term->form_count == QUESTION_FORMS_MAX)
		return ERR_OK;
	r.limit = r.stem.len >= REPAIR_LETTERS_TWO ? 2 : 1;
	r.best = r.limit + 1;
	/* The first letter is hardly ever the wrong one, and it makes the search short. */
	TRY(passages_stems(passages, bytes_upto(r.stem, 1), on_stem, &r));
	if (r.best > r.limit)
		return ERR_OK;
	TRY(arena_copy(arena, bytes_of(r.taken), &copy));
	memcpy(form->stem, r.taken, sizeof form->stem);
	form->word = copy;
	term->form_count++;
	*ret_repaired = true;
	return ERR_OK;
}

/* Rare words weigh more; one that no document has weighs most: it is what we know nothing about. */
static err_t frequency_of(struct passages *passages, const struct question_term *term,
			  uint64_t *ret_count)
{
	uint64_t most = 0, count;

	for (unsigned f = 0; f < term->form_count; f++) {
		TRY(passages_frequency(passages, term->forms[f].word, &count));
		most = count > most ? count : most;
	}
	*ret_count = most;
	return ERR_OK;
}

static err_t weigh_terms(struct passages *passages, struct question *question, uint64_t total,
			 struct arena *arena, struct evidence *evidence)
{
	for (unsigned i = 0; i < question->term_count; i++) {
		struct question_term *term = &question->terms[i];
		bool repaired = false;
		uint64_t count;

		TRY(frequency_of(passages, term, &count));
		if (count == 0 && evidence->repair_count < RETRIEVE_REPAIRS_MAX)
			TRY(repair_term(passages, term, arena, &repaired));
		if (repaired) {
			evidence->repairs[evidence->repair_count++] = (struct evidence_repair){
				term->forms[0].word,
				bytes_of(term->forms[term->form_count - 1].stem),
			};
			TRY(frequency_of(passages, term, &count));
		}
		term->weight = log(1 +
				   ((double)total - (double)count + 0.5) / ((double)count + 0.5));
		term->weight = fmin(fmax(term->weight, KNOWN_WEIGHT_MIN), KNOWN_WEIGHT_MAX);
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
	TRY(weigh_terms(passages, question, state.passages, arena, &evidence));
	TRY(search(passages, question, &g));
	rank(&g);
	if (g.count > 1)
		qsort(g.at, g.count, sizeof *g.at, by_score);
	nearest_titles(&g, &evidence);
	for (unsigned i = 0; i < evidence.repair_count; i++)
		evidence.repairs[i].taken = surface_of(&g, evidence.repairs[i].taken.at);
	evidence.passages = g.at;
	evidence.count = keep_good(g.at, g.count, top);
	*ret_evidence = evidence;
	return ERR_OK;
}
