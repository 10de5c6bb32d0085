#include "rag/retrieve/retrieve.h"

#include <math.h>
#include <stdlib.h>

#include "rag/retrieve/filter.h"
#include "rag/retrieve/links.h"
#include "rag/retrieve/rank.h"
#include "base/distance.h"
#include "rag/text/whole.h"

/* A passage must cover so much of the question by itself, and so much of what the best one does. */
#define COVERAGE_FLOOR	 0.56
#define COVERAGE_LOOSE	 0.25
#define COVERAGE_OF_BEST 0.55
#define CARRIED_WEIGHT	 0.8f /* a word of the question before counts a little less */
#define SYNONYM_WEIGHT	 0.8f
#define WHOLE_WEIGHT	 0.7f
#define KNOWN_WEIGHT_MIN 0.1
#define KNOWN_WEIGHT_MAX 4.5
#define UNKNOWN_WEIGHT	 6.0   /* of a word that no document has */
#define NAME_WEIGHT_MIN	 3.0   /* of a medicine, however often the documents name it */
#define VECTOR_FLOOR	 0.05f /* likeness below this is chance */

enum {
	REPAIR_LETTERS_MIN = 5, /* shorter words are near to too many others */
	REPAIR_LETTERS_TWO = 8, /* from here on two slips are forgiven */
	FEW_BY_WORDS = 50,	/* so few found by words: likeness looks at all */
	BY_VECTOR_MAX = 200,
	BY_GRAPH_MAX = 200,
	CANDIDATES_MAX = RETRIEVE_LEXICAL_MAX + BY_VECTOR_MAX + BY_GRAPH_MAX,
	WHOLES_MAX = 8,
};

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

struct search {
	const struct generation *generation;
	struct question *question;
	const struct retrieve_options *options;
	struct arena *arena;
	uint64_t *allowed; /* bit set of slots; NULL: all */
	struct candidate_passage *at;
	unsigned count;
	uint16_t *place; /* of a slot among the candidates, plus 1; 0: none */
};

/* ---- Words nobody has written ---- */

struct repair {
	struct bytes stem; /* as typed */
	unsigned limit, best;
	uint32_t texts;
	char taken[WORD_STEM_MAX + 1];
};

static bool on_stem(void *owner, struct bytes stem, uint32_t texts)
{
	struct repair *r = owner;
	unsigned distance;

	if (stem.len > WORD_STEM_MAX)
		return true;
	distance = distance_between(r->stem, stem, r->limit);
	if (distance > r->limit)
		return true;
	if (distance < r->best || (distance == r->best && texts > r->texts) ||
	    (distance == r->best && texts == r->texts && bytes_cmp(stem, bytes_of(r->taken)) < 0)) {
		r->best = distance;
		r->texts = texts;
		memcpy(r->taken, stem.at, stem.len);
		r->taken[stem.len] = '\0';
	}
	return true;
}

/* Gives a term that nothing fulfils the nearest stem as one more form. */
static err_t repair_term(const struct search *s, struct question_term *term, bool *ret_repaired)
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
	postings_stems(generation_postings(s->generation), r.stem.at[0], on_stem, &r);
	if (r.best > r.limit)
		return ERR_OK;
	TRY(arena_copy(s->arena, bytes_of(r.taken), &copy));
	memcpy(form->stem, r.taken, sizeof form->stem);
	form->word = copy;
	term->form_count++;
	*ret_repaired = true;
	return ERR_OK;
}

/* Rare words weigh more; one that no document has weighs most: it is what we know nothing about. */
static uint32_t frequency_of(const struct search *s, const struct question_term *term)
{
	uint32_t most = 0;

	for (unsigned f = 0; f < term->form_count; f++) {
		uint32_t n = postings_frequency(generation_postings(s->generation),
						bytes_of(term->forms[f].stem));

		most = n > most ? n : most;
	}
	return most;
}

/* What the question is about counts, though a label names its medicine in every passage. */
static bool is_medicine(const struct search *s, const struct question_term *term)
{
	struct entity entity;

	for (unsigned f = 0; f < term->form_count; f++)
		if (graph_find(generation_graph(s->generation), term->forms[f].word, &entity) &&
		    (entity.kind == ENTITY_DRUG || entity.kind == ENTITY_INGREDIENT))
			return true;
	return false;
}

static err_t weigh_terms(const struct search *s, struct evidence *evidence)
{
	double total = postings_live(generation_postings(s->generation));

	for (unsigned i = 0; i < s->question->term_count; i++) {
		struct question_term *term = &s->question->terms[i];
		double n = frequency_of(s, term);
		bool repaired = false;

		if (n == 0 && evidence->repair_count < RETRIEVE_REPAIRS_MAX)
			TRY(repair_term(s, term, &repaired));
		if (repaired) {
			evidence->repairs[evidence->repair_count++] = (struct evidence_repair){
				term->forms[0].word,
				bytes_of(term->forms[term->form_count - 1].stem),
			};
			n = frequency_of(s, term);
		}
		term->weight = log(1 + (total - n + 0.5) / (n + 0.5));
		term->weight = fmin(fmax(term->weight, KNOWN_WEIGHT_MIN),
				    n > 0 ? KNOWN_WEIGHT_MAX : UNKNOWN_WEIGHT);
		term->is_name = n > 0 && is_medicine(s, term);
		if (term->is_name)
			term->weight = fmax(term->weight, NAME_WEIGHT_MIN);
		if (term->carried)
			term->weight *= (double)CARRIED_WEIGHT;
	}
	return ERR_OK;
}

/* ---- Who proposes ---- */

static struct candidate_passage *candidate_get(struct search *s, uint32_t slot)
{
	struct candidate_passage *c;

	if (s->place[slot])
		return &s->at[s->place[slot] - 1];
	if (s->count == CANDIDATES_MAX)
		return NULL;
	c = &s->at[s->count++];
	*c = (struct candidate_passage){ .entry = generation_at(s->generation, slot) };
	s->place[slot] = (uint16_t)s->count;
	return c;
}

static bool is_allowed(const struct search *s, uint32_t slot)
{
	return postings_is_live(generation_postings(s->generation), slot) &&
	       (!s->allowed || bit_is_set(s->allowed, slot));
}

struct wishes {
	struct postings_form forms[QUESTION_TERMS_MAX + WHOLES_MAX][QUESTION_FORMS_MAX];
	struct postings_wish at[QUESTION_TERMS_MAX + WHOLES_MAX];
	struct whole wholes[WHOLES_MAX];
	unsigned count;
};

static void wishes_of(const struct search *s, struct wishes *w)
{
	const struct question *q = s->question;
	unsigned wholes = 0;

	w->count = 0;
	for (unsigned i = 0; i < q->term_count; i++) {
		struct postings_form *forms = w->forms[w->count];

		for (unsigned f = 0; f < q->terms[i].form_count; f++)
			forms[f] = (struct postings_form){
				bytes_of(q->terms[i].forms[f].stem),
				f ? SYNONYM_WEIGHT : 1,
			};
		w->at[w->count++] = (struct postings_wish){
			forms,
			q->terms[i].form_count,
			q->terms[i].carried ? CARRIED_WEIGHT : 1,
		};
	}
	for (size_t at = 0;
	     wholes < WHOLES_MAX && whole_next(s->options->text, &at, &w->wholes[wholes]);
	     wholes++) {
		w->forms[w->count][0] = (struct postings_form){ bytes_of(w->wholes[wholes].text),
								1 };
		w->at[w->count] = (struct postings_wish){ w->forms[w->count], 1, WHOLE_WEIGHT };
		w->count++;
	}
}

static err_t propose_by_words(struct search *s)
{
	struct postings_hit *hits = arena_array(s->arena, RETRIEVE_LEXICAL_MAX, sizeof *hits);
	struct wishes *wishes = arena_new(s->arena, struct wishes);
	unsigned count;

	if (!hits || !wishes)
		return ERR_NOMEM;
	wishes_of(s, wishes);
	TRY(postings_search(generation_postings(s->generation), wishes->at, wishes->count,
			    s->allowed, hits, RETRIEVE_LEXICAL_MAX, &count));
	for (unsigned i = 0; i < count; i++) {
		struct candidate_passage *c = candidate_get(s, hits[i].slot);

		if (!c)
			break;
		c->by_words = true;
		c->scores.bm25 = (double)hits[i].score;
	}
	return ERR_OK;
}

static err_t score_likeness(struct search *s, const struct vector *query,
			    struct candidate_passage *c)
{
	const struct vector *vector = generation_vector(s->generation, c->entry);

	if (!vector)
		return ERR_NOMEM;
	c->by_vector = true;
	c->scores.vector = (double)vector_cosine(query, vector);
	return ERR_OK;
}

/* Everything is looked at only when words found next to nothing. */
static err_t scan_likeness(struct search *s, const struct vector *query)
{
	uint32_t slots = postings_slots(generation_postings(s->generation));
	unsigned added = 0;

	for (uint32_t slot = 0; slot < slots && added < BY_VECTOR_MAX; slot++) {
		struct candidate_passage *c;
		const struct vector *vector;
		float cosine;

		if (!is_allowed(s, slot) || s->place[slot])
			continue;
		vector = generation_vector(s->generation, generation_at(s->generation, slot));
		if (!vector)
			return ERR_NOMEM;
		cosine = vector_cosine(query, vector);
		if (cosine < VECTOR_FLOOR)
			continue;
		c = candidate_get(s, slot);
		if (!c)
			break;
		c->by_vector = true;
		c->scores.vector = (double)cosine;
		added++;
	}
	return ERR_OK;
}

/* The weakest of the best BY_GRAPH_MAX scores: what is below is not proposed. */
static float threshold_of(const float *scores, uint32_t slots)
{
	uint32_t above;
	float low = 0, high = 0;

	for (uint32_t i = 0; i < slots; i++)
		high = fmaxf(high, scores[i]);
	for (unsigned step = 0; step < 24; step++) {
		float middle = (low + high) / 2;

		above = 0;
		for (uint32_t i = 0; i < slots; i++)
			above += scores[i] > middle;
		if (above > BY_GRAPH_MAX)
			low = middle;
		else
			high = middle;
	}
	above = 0;
	for (uint32_t i = 0; i < slots; i++)
		above += scores[i] > 0;
	return above > BY_GRAPH_MAX ? high : 0;
}

/* Every passage that has a vector of the engine is looked at: exact, and quick enough. */
static void compare_all(const struct search *s, uint32_t slots, float *scores)
{
	for (uint32_t slot = 0; slot < slots; slot++) {
		const struct dense *dense = is_allowed(s, slot) ? entry_dense(generation_at(
									  s->generation, slot))
								: NULL;

		scores[slot] = dense ? dense_cosine(s->options->dense, dense) : 0;
	}
}

static void take_near(const struct search *s, float *scores)
{
	for (unsigned i = 0; i < s->options->near_count; i++) {
		const struct retrieve_hint *hint = &s->options->near[i];
		const struct corpus_entry *entry = generation_find(s->generation, hint->id);

		if (entry && is_allowed(s, entry->slot))
			scores[entry->slot] = hint->score;
	}
	/* What words proposed is compared here, however far from the nearest it is. */
	for (unsigned i = 0; i < s->count; i++) {
		const struct dense *dense = entry_dense(s->at[i].entry);
		uint32_t slot = s->at[i].entry->slot;

		if (dense && scores[slot] == 0)
			scores[slot] = dense_cosine(s->options->dense, dense);
	}
}

static err_t propose_by_meaning(struct search *s)
{
	uint32_t slots = postings_slots(generation_postings(s->generation));
	float *scores = arena_array(s->arena, slots + 1, sizeof *scores), threshold;

	if (!scores)
		return ERR_NOMEM;
	if (s->options->near)
		take_near(s, scores);
	else
		compare_all(s, slots, scores);
	threshold = threshold_of(scores, slots);
	for (uint32_t slot = 0; slot < slots; slot++) {
		struct candidate_passage *c = s->place[slot] ? &s->at[s->place[slot] - 1]
					      : scores[slot] > threshold ? candidate_get(s, slot)
									 : NULL;

		if (!c || scores[slot] <= 0)
			continue;
		c->by_vector = true;
		c->scores.vector = (double)scores[slot];
	}
	return ERR_OK;
}

static err_t propose_by_likeness(struct search *s)
{
	struct vector *query = arena_new(s->arena, struct vector);
	unsigned by_words = s->count;

	if (!query)
		return ERR_NOMEM;
	TRY(generation_vector_of(s->generation, s->options->text, query));
	if (query->scale == 0)
		return ERR_OK;
	for (unsigned i = 0; i < by_words; i++)
		TRY(score_likeness(s, query, &s->at[i]));
	return by_words < FEW_BY_WORDS ? scan_likeness(s, query) : ERR_OK;
}

/* ---- The graph ---- */

static struct bytes first_passage(const struct search *s, const uint32_t *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (is_allowed(s, slots[i]))
			return generation_at(s->generation, slots[i])->passage.id;
	return BYTES_NONE;
}

static err_t copy_entities(const struct search *s, const struct links *links,
			   struct evidence *evidence)
{
	evidence->entities = arena_array(s->arena, links->entity_count + 1u,
					 sizeof *evidence->entities);
	if (!evidence->entities)
		return ERR_NOMEM;
	for (unsigned i = 0; i < links->entity_count; i++) {
		struct evidence_entity *out = &evidence->entities[evidence->entity_count];
		struct entity e;
		struct bytes id;

		if (!graph_entity(generation_graph(s->generation), links->entities[i], &e))
			continue;
		id = first_passage(s, e.slots, e.mentions);
		if (!id.len)
			continue;
		*out = (struct evidence_entity){ .kind = e.kind, .mentions = e.mentions };
		TRY(arena_copy(s->arena, e.name, &out->name));
		TRY(arena_copy(s->arena, id, &out->passage_id));
		evidence->entity_count++;
	}
	return ERR_OK;
}

static err_t copy_relations(const struct search *s, const struct links *links,
			    struct evidence *evidence)
{
	const struct graph *graph = generation_graph(s->generation);

	evidence->relations = arena_array(s->arena, links->relation_count + 1u,
					  sizeof *evidence->relations);
	if (!evidence->relations)
		return ERR_NOMEM;
	for (unsigned i = 0; i < links->relation_count; i++) {
		struct evidence_relation *out = &evidence->relations[evidence->relation_count];
		struct entity from, to;
		struct relation r;
		struct bytes id;

		if (!graph_relation(graph, links->relations[i], &r) ||
		    !graph_entity(graph, r.from, &from) || !graph_entity(graph, r.to, &to))
			continue;
		id = first_passage(s, r.slots, r.evidence);
		*out = (struct evidence_relation){ .kind = r.kind,
						   .evidence = r.evidence,
						   .weight = r.weight };
		TRY(arena_copy(s->arena, from.name, &out->from));
		TRY(arena_copy(s->arena, to.name, &out->to));
		TRY(arena_copy(s->arena, id, &out->passage_id));
		evidence->relation_count++;
	}
	return ERR_OK;
}

/* What a graph elsewhere says, in our numbers; what we have nothing of is left out. */
static err_t read_told(const struct search *s, struct links_told **ret_told, unsigned *ret_count)
{
	const struct graph *graph = generation_graph(s->generation);
	unsigned count = s->options->told_count, kept = 0;
	struct links_told *told = arena_array(s->arena, count + 1u, sizeof *told);

	for (unsigned i = 0; told && i < count; i++) {
		const struct retrieve_told *t = &s->options->told[i];
		uint32_t *slots = arena_array(s->arena, t->passage_count + 1u, sizeof *slots);
		struct entity from, to;
		uint32_t evidence = 0;

		if (!slots)
			return ERR_NOMEM;
		for (unsigned k = 0; k < t->passage_count; k++) {
			const struct corpus_entry *e = generation_find(s->generation,
								       t->passages[k]);

			if (e)
				slots[evidence++] = e->slot;
		}
		if (evidence && graph_with_key(graph, t->from, &from) &&
		    graph_with_key(graph, t->to, &to))
			told[kept++] = (struct links_told){ from.id,   to.id, t->kind,
							    t->weight, slots, evidence };
	}
	*ret_told = told;
	*ret_count = kept;
	return told ? ERR_OK : ERR_NOMEM;
}

static err_t propose_by_graph(struct search *s, bool local, bool global, struct evidence *evidence)
{
	uint32_t slots = postings_slots(generation_postings(s->generation));
	float *scores = arena_array(s->arena, slots + 1, sizeof *scores), threshold;
	struct links_options options = {
		.graph = generation_graph(s->generation),
		.question = s->question,
		.text = s->options->text,
		.previous = s->options->previous,
		.local = local,
		.global = global,
		.allowed = s->allowed,
		.scores = scores,
	};
	struct links_told *told;
	struct links links;

	if (!scores)
		return ERR_NOMEM;
	if (s->options->told) {
		TRY(read_told(s, &told, &options.told_count));
		options.told = told;
	}
	links_find(&options, &links);
	TRY(copy_entities(s, &links, evidence));
	TRY(copy_relations(s, &links, evidence));
	threshold = threshold_of(scores, slots);
	for (uint32_t slot = 0; slot < slots; slot++) {
		struct candidate_passage *c;

		if (scores[slot] <= 0 || !is_allowed(s, slot))
			continue;
		/* What others proposed keeps what the graph says of it, however little. */
		c = s->place[slot]	       ? &s->at[s->place[slot] - 1]
		    : scores[slot] > threshold ? candidate_get(s, slot)
					       : NULL;
		if (!c)
			continue;
		c->by_graph = true;
		c->scores.graph = (double)scores[slot];
	}
	return ERR_OK;
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
