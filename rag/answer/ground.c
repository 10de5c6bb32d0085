#include "rag/answer/ground.h"

#include "rag/text/whole.h"
#include "rag/text/words.h"

enum {
	WORDS_MAX = 128,
	CLAIM_WORDS_MIN = 3, /* content words; fewer claim nothing */
};

#define OVERLAP_MIN 0.5

void ground_init(struct ground *g, const struct answer *answer)
{
	*g = (struct ground){ .answer = answer };
	text_init(&g->sentence, GROUND_SENTENCE_MAX);
}

void ground_fini(struct ground *g)
{
	text_fini(&g->sentence);
}

/* The numbers in brackets, as a bit set of references. */
static uint32_t cites_of(struct bytes sentence, unsigned references)
{
	uint32_t cites = 0;

	for (size_t i = 0; i < sentence.len; i++) {
		uint64_t number;
		size_t end;

		if (sentence.at[i] != '[')
			continue;
		end = bytes_index(bytes_from(sentence, i), ']');
		if (end == SIZE_MAX ||
		    bytes_to_u64(bytes_make(sentence.at + i + 1, end - 1), references, &number))
			continue;
		if (number >= 1)
			cites |= 1u << (number - 1);
	}
	return cites;
}

static bool has_stem(struct bytes text, const struct word *wanted)
{
	struct word word;

	for (size_t at = 0; words_next(text, &at, &word);)
		if (bytes_eq(word_stem(&word), word_stem(wanted)))
			return true;
	return false;
}

static bool cited_has_stem(const struct answer *answer, uint32_t cites, const struct word *word)
{
	for (unsigned i = 0; i < answer->reference_count; i++) {
		const struct passage *p = answer->references[i].passage;

		if ((cites & 1u << i) && (has_stem(p->body, word) || has_stem(p->title, word) ||
					  has_stem(p->section, word)))
			return true;
	}
	return false;
}

static bool cited_has_quantity(const struct answer *answer, uint32_t cites,
			       const struct whole *wanted)
{
	for (unsigned i = 0; i < answer->reference_count; i++) {
		struct bytes body = answer->references[i].passage->body;
		struct whole whole;

		if (!(cites & 1u << i))
			continue;
		for (size_t at = 0; whole_next(body, &at, &whole);)
			if (strcmp(whole.text, wanted->text) == 0)
				return true;
	}
	return false;
}

static void check_words(const struct ground *g, struct bytes sentence,
			struct ground_verdict *verdict)
{
	unsigned content = 0, met = 0;
	struct word word;

	for (size_t at = 0; content < WORDS_MAX && words_next(sentence, &at, &word);) {
		if (word.is_stop || word.stem_len < 3)
			continue;
		content++;
		met += cited_has_stem(g->answer, verdict->cites, &word);
	}
	verdict->is_chatter = content < CLAIM_WORDS_MIN;
	verdict->weak = !verdict->is_chatter && met < OVERLAP_MIN * content;
}

static void check_numbers(const struct ground *g, struct bytes sentence,
			  struct ground_verdict *verdict)
{
	struct whole whole;

	for (size_t at = 0; whole_next(sentence, &at, &whole);) {
		size_t len = size_min(whole.to - whole.from, sizeof verdict->wrong_number - 1);

		if (!whole.is_quantity || cited_has_quantity(g->answer, verdict->cites, &whole))
			continue;
		memcpy(verdict->wrong_number, sentence.at + whole.from, len);
		verdict->wrong_number[len] = '\0';
		return;
	}
}

static void close_sentence(struct ground *g, ground_fn each, void *owner)
{
	struct ground_verdict verdict = { .cites = 0 };
	struct bytes sentence = text_bytes(&g->sentence);

	g->ended = g->in_brackets = false;
	if (bytes_trim(sentence).len) {
		verdict.cites = cites_of(sentence, g->answer->reference_count);
		check_words(g, sentence, &verdict);
		check_numbers(g, sentence, &verdict);
		g->sentences += !verdict.is_chatter;
		g->weak += verdict.weak;
		g->wrong_numbers += verdict.wrong_number[0] != '\0';
		each(owner, &verdict);
	}
	text_clear(&g->sentence);
}

/* Behind a full stop: blanks and [n] are still of the sentence; anything else opens the next. */
static bool opens_next(struct ground *g, char c)
{
	if (!g->ended)
		return false;
	if (c == '[') {
		g->in_brackets = true;
		return false;
	}
	if (c == ']') {
		g->in_brackets = false;
		return false;
	}
	if (g->in_brackets || strchr(" \t.!?\"')", c))
		return false;
	if (c >= 'a' && c <= 'z') { /* "e.g. with" goes on */
		g->ended = false;
		return false;
	}
	return true;
}

void ground_feed(struct ground *g, struct bytes words, ground_fn each, void *owner)
{
	for (size_t i = 0; i < words.len; i++) {
		char c = words.at[i];
		char before = g->sentence.len ? g->sentence.at[g->sentence.len - 1] : '\0';
		/* "0.5" and "e.g" go on: a stop ends only before a blank. */
		bool goes_on = g->ended && (before == '.' || before == '!' || before == '?') &&
			       c != ' ' && c != '\n' && c != '[';

		if (goes_on)
			g->ended = false;
		if (c == '\n' && g->sentence.len) {
			close_sentence(g, each, owner);
			continue;
		}
		if (opens_next(g, c) || g->sentence.len + 1 >= GROUND_SENTENCE_MAX)
			close_sentence(g, each, owner);
		text_add_char(&g->sentence, c);
		if (c == '.' || c == '!' || c == '?')
			g->ended = true;
	}
}

void ground_end(struct ground *g, ground_fn each, void *owner)
{
	close_sentence(g, each, owner);
}
