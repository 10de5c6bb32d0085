#include <math.h>

#include "base/distance.h"
#include "rag/retrieve/retrieve_internal.h"

#define KNOWN_WEIGHT_MIN 0.1
#define KNOWN_WEIGHT_MAX 4.5
#define UNKNOWN_WEIGHT	 6.0 /* of a word that no document has */
#define NAME_WEIGHT_MIN	 3.0 /* of a medicine, however often the documents name it */

enum {
	REPAIR_LETTERS_MIN = 5, /* shorter words are near to too many others */
	REPAIR_LETTERS_TWO = 8, /* from here on two slips are forgiven */
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

err_t weigh_terms(const struct search *s, struct evidence *evidence)
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
