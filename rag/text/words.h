/*
 * words: a text as words, folded for matching. Pure.
 *
 * A word is a run of letters and digits, as SQLite's unicode61 tokenizer sees them: hyphens,
 * apostrophes and punctuation part words. ASCII and Latin-1 letters are folded to lower case
 * without accents; other scripts stay as they are.
 */
#ifndef RAG_TEXT_WORDS_H
#define RAG_TEXT_WORDS_H

#include "base/bytes.h"

enum { WORD_STEM_MAX = 31 };

struct word {
	size_t from, to;	      /* where it lies in the text, in bytes */
	char stem[WORD_STEM_MAX + 1]; /* folded and stemmed; longer words are cut */
	uint8_t stem_len;
	bool is_stop; /* a function word ("the", "about"), or one that only asks ("tell", "what") */
};

/* The word at or after *at, which moves behind it; false at the end of the text. */
bool words_next(struct bytes text, size_t *at, struct word *ret_word);

unsigned words_count(struct bytes text);

static inline struct bytes word_stem(const struct word *word)
{
	return bytes_make(word->stem, word->stem_len);
}

/* How many characters (Unicode code points) begin in the first `len` bytes of `text`. */
size_t characters_before(struct bytes text, size_t len);

#endif
