#include <math.h>

#include "rag/retrieve/retrieve_internal.h"
#include "rag/text/whole.h"

#define SYNONYM_WEIGHT 0.8f
#define WHOLE_WEIGHT   0.7f
#define VECTOR_FLOOR   0.05f /* likeness below this is chance */

enum {
	FEW_BY_WORDS = 50, /* so few found by words: likeness looks at all */
	WHOLES_MAX = 8,
};

/* ---- Candidates ---- */

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

bool is_allowed(const struct search *s, uint32_t slot)
{
	return postings_is_live(generation_postings(s->generation), slot) &&
	       (!s->allowed || bit_is_set(s->allowed, slot));
}

/* ---- By words ---- */

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

err_t propose_by_words(struct search *s)
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

/* ---- By likeness ---- */

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

err_t propose_by_meaning(struct search *s)
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

err_t propose_by_likeness(struct search *s)
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

/* ---- By the graph ---- */

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

err_t propose_by_graph(struct search *s, bool local, bool global, struct evidence *evidence)
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
	struct links links;

	if (!scores)
		return ERR_NOMEM;
	TRY(told_read(s, s->options->told_named, &options.told_named));
	TRY(told_read(s, s->options->told_touched, &options.told_touched));
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
