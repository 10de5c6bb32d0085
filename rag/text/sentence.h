/*
 * sentence: where sentences begin and end in a passage of plain text or Markdown, and how one
 * is shown to a reader. Pure.
 */
#ifndef RAG_TEXT_SENTENCE_H
#define RAG_TEXT_SENTENCE_H

#include "base/text.h"

struct span {
	size_t from, to; /* bytes of the text; never empty */
};

/*
 * The sentence at or after *at, which moves behind it; false at the end. A blank line, a list
 * item and a table row end a sentence as a full stop does; the marks of lists ("- ", "2. ") and
 * whole heading lines belong to none. "e.g.", "Dr.", "0.5 mg" and "U.S." end nothing.
 */
bool sentence_next(struct bytes text, size_t *at, struct span *ret_span);

/* Behind the items of a list that begin on the line after `at`; `at` itself when there are none. */
size_t sentence_list_end(struct bytes text, size_t at);

/*
 * Appends the sentence as a reader sees it: white space made single blanks, Markdown emphasis
 * marks gone, links reduced to their words, list items parted by bullets. Not a letter or digit of
 * it changes.
 */
void sentence_show(struct text *out, struct bytes sentence);

#endif
