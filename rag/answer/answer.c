#include "rag/answer/answer.h"

#include <stdlib.h>

#include "rag/text/sentence.h"

enum {
	CANDIDATES_MAX = 240,
	PASSAGES_READ_MAX = 16,
	SENTENCE_WORDS_MAX = 110, /* longer ones are no sentences but unpunctuated matter */
	SENTENCE_WORDS_MIN = 3,
	SHOWN_MAX_BYTES = 8 * 1024,
	STEMS_MAX = 64, /* of a sentence, for telling repetitions */
};

/* What a candidate gains for … */
#define GAIN_TERM	  1.0  /* a term that nothing chosen has said yet */
#define GAIN_TERM_AGAIN	  0.40 /* one that something has */
#define GAIN_ABOVE	  0.55 /* a term in its heading or title only, not yet said */
#define GAIN_ABOVE_AGAIN  0.30
#define GAIN_PASSAGE	  0.8  /* times the passage's score */
#define GAIN_INTENT	  0.35 /* standing under a heading of the kind asked for */
#define GAIN_NUMBER	  0.4  /* having a number in it, when the question is how much */
#define GAIN_WORDING	  0.3  /* the small words of the question: "give" in "give me flu" */
#define GAIN_FIRST	  0.18 /* opening its passage; a half for the second sentence, … */
#define GAIN_GOES_ON	  0.12 /* following a sentence that is chosen */
#define LOSS_POINTS_BACK  0.35 /* "It also …", when what it points to is not chosen */
#define LOSS_SAME_PASSAGE 0.10 /* for each sentence chosen from there already */
#define LOSS_OTHER_DOC	  0.35 /* for not being from the first document */
#define LOSS_OTHER_KIND                                                          \
	0.6 /* for another kind of section, when the first is the kind asked for \
	     */
#define GAIN_SHARE_TO_STAY 0.55 /* of the first choice's gain; less adds length, not an answer */
#define COVER_OF_FIRST	   0.9	/* what another document's sentence must cover, of the first's */
#define ALIKE_MAX	   0.6	/* Jaccard of stems beyond which two sentences say the same */

struct candidate {
	const struct evidence_passage *from;
	struct span span; /* in the passage's body */
	unsigned passage, position, words;
	uint32_t says, above;	   /* bit sets of the question's terms */
	uint32_t stems[STEMS_MAX]; /* hashes */
	unsigned stem_count;
	double wording; /* share of the question's small words */
	bool has_number, points_back, chosen;
};

_Static_assert(QUESTION_TERMS_MAX <= 32, "the terms of a question fit a bit set");

static uint32_t terms_in(const struct question *question, struct bytes text)
{
	uint32_t set = 0;
	struct word word;

	for (size_t at = 0; words_next(text, &at, &word);) {
		size_t term = question_find(question, word_stem(&word));

		if (term != SIZE_MAX)
			set |= 1u << term;
	}
	return set;
}

/* "400", "4g", "six" */
static bool is_number(struct bytes word)
{
	static const char *const names[] = { "two",   "three", "four", "five",	"six",	  "seven",
					     "eight", "nine",  "ten",  "twelv", "twenti", "half" };

	if (word.len && word.at[0] >= '0' && word.at[0] <= '9')
		return true;
	for (size_t i = 0; i < COUNT(names); i++)
		if (bytes_eq_str(word, names[i]))
			return true;
	return false;
}

static bool points_back(struct bytes stem)
{
	static const char *const words[] = { "it",    "its",  "thei",  "thi",
					     "these", "them", "those", "such" };

	for (size_t i = 0; i < COUNT(words); i++)
		if (bytes_eq_str(stem, words[i]))
			return true;
	return false;
}

static void take_stems(const struct question *question, struct candidate *c, struct bytes text)
{
	unsigned small = 0;
	struct word word;

	for (size_t at = 0; words_next(text, &at, &word);) {
		if (c->words++ == 0)
			c->points_back = c->position > 0 && points_back(word_stem(&word));
		if (word.is_stop)
			small |= question_small_word(question, word_stem(&word));
		c->has_number |= is_number(word_stem(&word));
		if (!word.is_stop && c->stem_count < STEMS_MAX)
			c->stems[c->stem_count++] = (uint32_t)bytes_hash(word_stem(&word), 0);
	}
	if (question->small_count)
		c->wording = (double)__builtin_popcount(small) / question->small_count;
}

static double alike(const struct candidate *a, const struct candidate *b)
{
	unsigned both = 0;

	for (unsigned i = 0; i < a->stem_count; i++)
		for (unsigned k = 0; k < b->stem_count; k++)
			if (a->stems[i] == b->stems[k]) {
				both++;
				break;
			}
	return a->stem_count + b->stem_count > both
		       ? (double)both / (double)(a->stem_count + b->stem_count - both)
		       : 0;
}

static unsigned gather(const struct question *question, const struct evidence_passage *from,
		       unsigned passage, struct candidate *out, unsigned room)
{
	struct bytes body = from->passage.body;
	uint32_t above = terms_in(question, from->passage.title) |
			 terms_in(question, from->passage.section);
	unsigned count = 0, position = 0;
	struct span span;

	for (size_t at = 0; count < room && sentence_next(body, &at, &span); position++) {
		struct candidate *c = &out[count];
		struct bytes text;

		if (body.at[span.to - 1] == ':') /* "These may help:" is nothing without its list */
			at = span.to = sentence_list_end(body, span.to);
		text = bytes_make(body.at + span.from, span.to - span.from);
		*c = (struct candidate){ .from = from,
					 .span = span,
					 .passage = passage,
					 .position = position,
					 .says = terms_in(question, text),
					 .above = above };
		take_stems(question, c, text);
		if (c->words >= SENTENCE_WORDS_MIN && c->words <= SENTENCE_WORDS_MAX)
			count++;
	}
	return count;
}

/* The weight of the terms in a set, as a share of the whole question's. */
static double weight_of(const struct question *question, uint32_t set)
{
	double all = 0, some = 0;

	for (unsigned i = 0; i < question->term_count; i++) {
		all += question->terms[i].weight;
		some += set & (1u << i) ? question->terms[i].weight : 0;
	}
	return all > 0 ? some / all : 0;
}

struct choice {
	const struct question *question;
	struct candidate *candidates;
	unsigned count;
	uint32_t said; /* by what is chosen */
	unsigned from_passage[PASSAGES_READ_MAX];
	const struct candidate *first;
};

/* The sentence before this one in the same passage was chosen. */
static bool goes_on(const struct choice *choice, const struct candidate *c)
{
	const struct candidate *before = c - 1;

	return c > choice->candidates && before->chosen && before->passage == c->passage &&
	       before->position + 1 == c->position;
}

static double gain_of(const struct choice *choice, const struct candidate *c)
{
	const struct question *q = choice->question;
	uint32_t said = choice->said, above = c->above & ~c->says;
	double gain = GAIN_TERM * weight_of(q, c->says & ~said) +
		      GAIN_TERM_AGAIN * weight_of(q, c->says & said) +
		      GAIN_ABOVE * weight_of(q, above & ~said) +
		      GAIN_ABOVE_AGAIN * weight_of(q, above & said) +
		      GAIN_PASSAGE * c->from->passage.score + GAIN_WORDING * c->wording +
		      GAIN_FIRST / (1 + (double)c->position) -
		      LOSS_SAME_PASSAGE * choice->from_passage[c->passage];

	if (intent_fits(q->intent, c->from->passage.section, c->from->passage.code))
		gain += GAIN_INTENT;
	else if (choice->first && intent_fits(q->intent, choice->first->from->passage.section,
					      choice->first->from->passage.code))
		gain -= LOSS_OTHER_KIND;
	if (q->intent == INTENT_DOSE && c->has_number)
		gain += GAIN_NUMBER;
	if (goes_on(choice, c))
		gain += GAIN_GOES_ON;
	else if (c->points_back)
		gain -= LOSS_POINTS_BACK;
	if (choice->first &&
	    !bytes_eq(choice->first->from->passage.document, c->from->passage.document))
		gain -= LOSS_OTHER_DOC;
	return gain;
}

/* Another document has a word to say only when it speaks of the same as the first. */
static bool off_topic(const struct choice *choice, const struct candidate *c)
{
	const struct candidate *first = choice->first;

	if (!first || bytes_eq(first->from->passage.document, c->from->passage.document))
		return false;
	return weight_of(choice->question, c->says | c->above) <
	       COVER_OF_FIRST * weight_of(choice->question, first->says | first->above);
}

static bool repeats(const struct choice *choice, const struct candidate *c)
{
	for (unsigned i = 0; i < choice->count; i++)
		if (choice->candidates[i].chosen && alike(&choice->candidates[i], c) > ALIKE_MAX)
			return true;
	return false;
}

static struct candidate *best_of(const struct choice *choice, double *ret_gain)
{
	struct candidate *best = NULL;
	double best_gain = 0;

	for (unsigned i = 0; i < choice->count; i++) {
		struct candidate *c = &choice->candidates[i];
		double gain = c->chosen ? 0 : gain_of(choice, c);

		if (c->chosen || (best && gain <= best_gain) || off_topic(choice, c) ||
		    repeats(choice, c))
			continue;
		best = c;
		best_gain = gain;
	}
	*ret_gain = best_gain;
	return best;
}

static unsigned choose(struct choice *choice, struct candidate *chosen[])
{
	double first_gain = 0, gain;
	unsigned count = 0;

	while (count < ANSWER_SENTENCES_MAX) {
		struct candidate *c = best_of(choice, &gain);

		if (!c || (count > 0 && gain < GAIN_SHARE_TO_STAY * first_gain))
			break;
		if (count == 0) {
			first_gain = gain;
			choice->first = c;
		}
		c->chosen = true;
		choice->said |= c->says;
		choice->from_passage[c->passage]++;
		chosen[count++] = c;
	}
	return count;
}

/* The order of reading: documents as they were first chosen, inside one as it runs. */
static void put_in_order(struct candidate *chosen[], unsigned count)
{
	unsigned rank[ANSWER_SENTENCES_MAX];

	for (unsigned i = 0; i < count; i++) {
		rank[i] = i;
		for (unsigned k = 0; k < i; k++)
			if (bytes_eq(chosen[k]->from->passage.document,
				     chosen[i]->from->passage.document)) {
				rank[i] = rank[k];
				break;
			}
	}
	for (unsigned i = 1; i < count; i++)
		for (unsigned k = i; k > 0; k--) {
			const struct candidate *a = chosen[k - 1], *b = chosen[k];
			uint64_t at_a = a->from->passage.char_from + a->span.from;
			uint64_t at_b = b->from->passage.char_from + b->span.from;

			if (rank[k - 1] < rank[k] || (rank[k - 1] == rank[k] && at_a <= at_b))
				break;
			unsigned r = rank[k];

			rank[k] = rank[k - 1];
			rank[k - 1] = r;
			chosen[k] = chosen[k - 1];
			chosen[k - 1] = (struct candidate *)b;
		}
}

static err_t show(struct arena *arena, struct bytes raw, struct bytes *ret_shown)
{
	struct text shown = TEXT_INIT(SHOWN_MAX_BYTES);
	err_t err;

	sentence_show(&shown, raw);
	err = text_err(&shown);
	if (!err)
		err = arena_copy(arena, text_bytes(&shown), ret_shown);
	text_fini(&shown);
	return err;
}

/* What is left out between two sentences of a quote shows as an ellipsis. */
static err_t quote_extend(struct arena *arena, struct answer_reference *reference,
			  struct bytes shown, bool follows)
{
	char *joined = arena_printf(arena, "%.*s%s%.*s", BYTES_ARG(reference->quote),
				    follows ? " " : " \xE2\x80\xA6 ", BYTES_ARG(shown));

	if (!joined)
		return ERR_NOMEM;
	reference->quote = bytes_of(joined);
	return ERR_OK;
}

static err_t cite(struct answer *answer, struct arena *arena, const struct candidate *c,
		  struct bytes shown, unsigned *ret_number)
{
	const struct passage *passage = &c->from->passage;
	uint64_t from = passage->char_from + characters_before(passage->body, c->span.from);
	uint64_t to = passage->char_from + characters_before(passage->body, c->span.to);
	struct answer_reference *r;
	bool follows;

	for (unsigned i = 0; i < answer->reference_count; i++) {
		r = &answer->references[i];
		if (r->passage != passage)
			continue;
		follows = from >= r->char_to && from - r->char_to <= 2; /* white space at most */
		r->char_from = from < r->char_from ? from : r->char_from;
		r->char_to = to > r->char_to ? to : r->char_to;
		*ret_number = i + 1;
		return quote_extend(arena, r, shown, follows);
	}
	assert(answer->reference_count < ANSWER_REFERENCES_MAX);
	r = &answer->references[answer->reference_count++];
	*r = (struct answer_reference){ passage, shown, from, to };
	*ret_number = answer->reference_count;
	return ERR_OK;
}

static err_t say_nothing_fits(const struct evidence *evidence, struct arena *arena,
			      struct answer *answer)
{
	struct text words = TEXT_INIT(SHOWN_MAX_BYTES);
	err_t err;

	text_add_str(&words, "I found nothing in my documents that answers this.");
	for (unsigned i = 0; i < evidence->title_count; i++) {
		text_add_str(&words, i ? "; " : " The nearest I have: ");
		text_add(&words, evidence->titles[i]);
	}
	if (evidence->title_count)
		text_add_char(&words, '.');
	err = text_err(&words);
	if (!err)
		err = arena_copy(arena, text_bytes(&words), &answer->sentences[0].text);
	text_fini(&words);
	answer->no_context = true;
	answer->sentence_count = 1;
	return err;
}

static unsigned gather_all(const struct question *question, const struct evidence *evidence,
			   struct candidate *candidates)
{
	unsigned count = 0;

	for (unsigned i = 0; i < evidence->count && i < PASSAGES_READ_MAX; i++)
		count += gather(question, &evidence->passages[i], i, candidates + count,
				CANDIDATES_MAX - count);
	return count;
}

err_t answer_extract(const struct question *question, const struct evidence *evidence,
		     struct arena *arena, struct answer *ret_answer)
{
	struct candidate *chosen[ANSWER_SENTENCES_MAX];
	struct choice choice = { .question = question };
	struct answer answer = { .no_context = false };
	unsigned count;

	choice.candidates = arena_array(arena, CANDIDATES_MAX, sizeof *choice.candidates);
	if (!choice.candidates)
		return ERR_NOMEM;
	choice.count = gather_all(question, evidence, choice.candidates);
	count = choose(&choice, chosen);
	put_in_order(chosen, count);
	if (count == 0)
		TRY(say_nothing_fits(evidence, arena, &answer));
	for (unsigned i = 0; i < count; i++) {
		struct answer_sentence *s = &answer.sentences[answer.sentence_count++];
		const struct candidate *c = chosen[i];

		TRY(show(arena,
			 bytes_make(c->from->passage.body.at + c->span.from,
				    c->span.to - c->span.from),
			 &s->text));
		TRY(cite(&answer, arena, c, s->text, &s->reference));
		s->new_paragraph = i > 0 && !bytes_eq(chosen[i - 1]->from->passage.document,
						      c->from->passage.document);
	}
	*ret_answer = answer;
	return ERR_OK;
}

static bool is_cited(const struct answer *answer, const struct passage *passage)
{
	for (unsigned i = 0; i < answer->reference_count; i++)
		if (answer->references[i].passage == passage)
			return true;
	return false;
}

err_t answer_add_context(const struct question *question, const struct evidence *evidence,
			 struct arena *arena, struct answer *answer)
{
	struct candidate *candidates = arena_array(arena, CANDIDATES_MAX, sizeof *candidates);

	if (!candidates)
		return ERR_NOMEM;
	for (unsigned i = 0; i < evidence->count; i++) {
		const struct evidence_passage *from = &evidence->passages[i];
		struct choice choice = { .question = question, .candidates = candidates };
		struct candidate *best;
		struct bytes shown;
		unsigned number;
		double gain;

		if (answer->reference_count == ANSWER_REFERENCES_MAX)
			break;
		choice.count = gather(question, from, 0, candidates, CANDIDATES_MAX);
		best = best_of(&choice, &gain);
		if (!best || is_cited(answer, &from->passage))
			continue;
		TRY(show(arena,
			 bytes_make(from->passage.body.at + best->span.from,
				    best->span.to - best->span.from),
			 &shown));
		TRY(cite(answer, arena, best, shown, &number));
	}
	return ERR_OK;
}

void answer_write(struct text *out, const struct answer *answer)
{
	for (unsigned i = 0; i < answer->sentence_count; i++) {
		const struct answer_sentence *s = &answer->sentences[i];

		text_add_str(out, i == 0 ? "" : s->new_paragraph ? "\n\n" : " ");
		text_add(out, s->text);
		if (s->reference)
			text_printf(out, " [%u]", s->reference);
	}
}
