#include <math.h>
#include <stdlib.h>

#include "rag/retrieve/filter.h"
#include "rag/retrieve/retrieve_internal.h"

/* A passage must cover so much of the question by itself, and so much of what the best one does. */
#define COVERAGE_FLOOR	 0.56
#define COVERAGE_LOOSE	 0.25
#define COVERAGE_OF_BEST 0.55

const char *const retrieve_mode_names[MODE_COUNT] = {
	[MODE_MIX] = "mix",	  [MODE_LEXICAL] = "lexical", [MODE_NAIVE] = "naive",
	[MODE_LOCAL] = "local",	  [MODE_GLOBAL] = "global",   [MODE_HYBRID] = "hybrid",
	[MODE_BYPASS] = "bypass",
};

/* Which lists propose, and their shares of the sum. */
static const struct mode_row {
	bool words, vector, local, global;
	double shares[3];
} modes[MODE_COUNT] = {
	[MODE_MIX] = { true, true, true, true, { 0.6, 0.4, 0.15 } },
	[MODE_LEXICAL] = { true, false, false, false, { 1, 0, 0 } },
	[MODE_NAIVE] = { true, true, false, false, { 0.6, 0.4, 0 } },
	[MODE_LOCAL] = { false, false, true, false, { 0, 0, 1 } },
	[MODE_GLOBAL] = { false, false, false, true, { 0, 0, 1 } },
	[MODE_HYBRID] = { false, false, true, true, { 0, 0, 1 } },
};

void retrieve_reads_graph(enum retrieve_mode mode, bool *ret_local, bool *ret_global)
{
	*ret_local = modes[mode].local;
	*ret_global = modes[mode].global;
}

/* ---- Filters ---- */

struct allowing {
	struct search *search;
	uint8_t *verdict; /* of a document by number: 0 unknown, 1 passes, 2 does not */
};

static bool allow(void *owner, struct corpus_entry *entry)
{
	struct allowing *a = owner;
	uint8_t *verdict = &a->verdict[entry->document->number];

	if (!*verdict)
		*verdict = filter_passes(a->search->options->filter, &entry->passage,
					 entry_about(entry))
				   ? 1
				   : 2;
	if (*verdict == 1)
		bit_set(a->search->allowed, entry->slot);
	return true;
}

static err_t apply_filter(struct search *s)
{
	uint32_t slots = postings_slots(generation_postings(s->generation));
	struct allowing allowing = { .search = s };

	if (!s->options->filter || json_object_size(s->options->filter) == 0)
		return ERR_OK;
	s->allowed = arena_array(s->arena, slots / 64 + 1, sizeof *s->allowed);
	allowing.verdict = arena_array(s->arena, generation_documents_max(s->generation) + 1, 1);
	if (!s->allowed || !allowing.verdict)
		return ERR_NOMEM;
	generation_each(s->generation, allow, &allowing);
	return ERR_OK;
}

/* ---- What is handed out ---- */

static err_t passage_copy(struct arena *arena, const struct passage *from, struct passage *ret_copy)
{
	struct passage copy = *from;
	struct bytes *const strings[] = {
		&copy.id,      &copy.document, &copy.title,  &copy.file,
		&copy.section, &copy.code,     &copy.source, &copy.category,
		&copy.subject, &copy.metadata, &copy.item,   &copy.body,
	};

	for (size_t i = 0; i < COUNT(strings); i++)
		TRY(arena_copy(arena, *strings[i], strings[i]));
	*ret_copy = copy;
	return ERR_OK;
}

static err_t copy_ranked(const struct search *s, unsigned kept, struct evidence *evidence)
{
	evidence->ranked = arena_array(s->arena, kept + 1, sizeof *evidence->ranked);
	evidence->passages = arena_array(s->arena, kept + 1, sizeof *evidence->passages);
	if (!evidence->ranked || !evidence->passages)
		return ERR_NOMEM;
	for (unsigned i = 0; i < kept; i++) {
		const struct candidate_passage *c = &s->at[i];
		struct evidence_passage *e = &evidence->ranked[evidence->ranked_count];

		if (c->scores.final < s->options->score_min)
			continue;
		*e = (struct evidence_passage){ .coverage = c->coverage,
						.scores = c->scores,
						.commands = c->entry->commands,
						.off_name = c->off_name };
		TRY(passage_copy(s->arena, &c->entry->passage, &e->passage));
		e->passage.score = fmin(c->scores.final, 1);
		evidence->ranked_count++;
	}
	return ERR_OK;
}

static void keep_good(struct evidence *evidence, bool loose)
{
	double floor = loose ? COVERAGE_LOOSE : COVERAGE_FLOOR, best = 0;

	for (unsigned i = 0; i < evidence->ranked_count; i++)
		best = fmax(best, evidence->ranked[i].coverage);
	for (unsigned i = 0; i < evidence->ranked_count; i++)
		if (!evidence->ranked[i].off_name && evidence->ranked[i].coverage >= floor &&
		    evidence->ranked[i].coverage >= best * COVERAGE_OF_BEST)
			evidence->passages[evidence->count++] = evidence->ranked[i];
}

static void nearest_titles(struct evidence *evidence)
{
	for (unsigned i = 0;
	     i < evidence->ranked_count && evidence->title_count < RETRIEVE_TITLES_MAX; i++) {
		struct bytes title = evidence->ranked[i].passage.title;
		bool known = false;

		for (unsigned k = 0; k < evidence->title_count; k++)
			known |= bytes_eq(evidence->titles[k], title);
		if (!known)
			evidence->titles[evidence->title_count++] = title;
	}
}

/* The stem's first word in a passage, as written there; the stem itself when there is none. */
static struct bytes surface_of(const struct evidence *evidence, struct bytes stem)
{
	for (unsigned i = 0; i < evidence->ranked_count; i++) {
		const struct passage *p = &evidence->ranked[i].passage;
		const struct bytes texts[] = { p->title, p->body };

		for (size_t t = 0; t < COUNT(texts); t++) {
			struct word word;

			for (size_t at = 0; words_next(texts[t], &at, &word);)
				if (bytes_eq(word_stem(&word), stem))
					return bytes_make(texts[t].at + word.from,
							  word.to - word.from);
		}
	}
	return stem;
}

static err_t rank(struct search *s, const struct mode_row *mode, struct evidence *evidence)
{
	unsigned kept, count;

	/* Of an engine's vector the rank is trusted, of the hashed one the measure. */
	if (mode->vector && s->options->dense)
		rank_reciprocal(s->at, s->count);
	else
		rank_fuse(s->at, s->count, mode->shares);
	count = s->count < RETRIEVE_RERANKED ? s->count : RETRIEVE_RERANKED;
	if (s->options->no_rerank)
		TRY(rank_cover(s->question, s->at, count));
	else
		TRY(rank_again(s->question, s->at, count));
	TRY(rank_without_repeats(s->at, count, s->options->top, &kept));
	return copy_ranked(s, kept, evidence);
}

static err_t search_run(struct search *s, struct evidence *evidence)
{
	const struct mode_row *mode = &modes[s->options->mode];
	uint32_t slots = postings_slots(generation_postings(s->generation));

	s->at = arena_array(s->arena, CANDIDATES_MAX, sizeof *s->at);
	s->place = arena_array(s->arena, slots + 1, sizeof *s->place);
	if (!s->at || !s->place)
		return ERR_NOMEM;
	TRY(weigh_terms(s, evidence));
	TRY(apply_filter(s));
	if (mode->words)
		TRY(propose_by_words(s));
	if (mode->vector && s->options->dense)
		TRY(propose_by_meaning(s));
	else if (mode->vector)
		TRY(propose_by_likeness(s));
	if (mode->local || mode->global)
		TRY(propose_by_graph(s, mode->local, mode->global, evidence));
	if (s->count == 0 && !mode->words) {
		/* The graph knows nothing of it: an exact word still finds what has it. */
		mode = &modes[MODE_LEXICAL];
		TRY(propose_by_words(s));
	}
	evidence->candidates = s->count;
	TRY(rank(s, mode, evidence));
	keep_good(evidence, s->options->loose);
	nearest_titles(evidence);
	for (unsigned i = 0; i < evidence->repair_count; i++)
		evidence->repairs[i].taken = surface_of(evidence, evidence->repairs[i].taken);
	return ERR_OK;
}

static int by_score(const void *a, const void *b)
{
	const struct evidence_passage *x = a, *y = b;

	if (x->scores.final != y->scores.final)
		return x->scores.final > y->scores.final ? -1 : 1;
	return bytes_cmp(x->passage.id, y->passage.id);
}

void evidence_reorder(struct evidence *evidence, const double *scores, bool loose)
{
	double low = INFINITY, high = -INFINITY;

	for (unsigned i = 0; i < evidence->ranked_count; i++)
		if (scores[i] >= 0) {
			low = fmin(low, scores[i]);
			high = fmax(high, scores[i]);
		}
	for (unsigned i = 0; i < evidence->ranked_count; i++) {
		struct evidence_passage *e = &evidence->ranked[i];
		double width = high > low ? high - low : 1;

		/* The engine's part is never below what it did not score. */
		if (scores[i] >= 0) {
			e->scores.rerank = scores[i];
			e->scores.final = 0.5 + 0.5 * (scores[i] - low) / width;
		} else {
			e->scores.final *= 0.49;
		}
		e->passage.score = e->scores.final;
	}
	if (evidence->ranked_count > 1)
		qsort(evidence->ranked, evidence->ranked_count, sizeof *evidence->ranked, by_score);
	evidence->count = 0;
	keep_good(evidence, loose);
}

err_t retrieve(struct corpus *corpus, struct question *question,
	       const struct retrieve_options *options, struct arena *arena,
	       struct evidence *ret_evidence)
{
	struct search s = { .question = question, .options = options, .arena = arena };
	struct evidence evidence = { .count = 0 };
	struct generation *generation;
	err_t err = ERR_OK;

	assert(options->top > 0 && options->top <= RETRIEVE_TOP_MAX);
	generation = corpus_read(corpus);
	if (generation) {
		s.generation = generation;
		evidence.generation = generation_number(generation);
		if (options->mode != MODE_BYPASS)
			err = search_run(&s, &evidence);
		corpus_read_end(corpus, generation);
	}
	if (err)
		return err;
	*ret_evidence = evidence;
	return ERR_OK;
}
