/*
 * stem: English words without their endings, by Porter's algorithm (Porter, 1980), the same that
 * SQLite's "porter" tokenizer applies, so that what full-text search matched can be found again
 * in a sentence.
 */
#ifndef RAG_TEXT_STEM_H
#define RAG_TEXT_STEM_H

#include "base/bytes.h"

/*
 * Shortens the lower-case word in place and returns its new length, never longer than before.
 * Words with anything but a-z in them, or of fewer than three letters, stay as they are.
 */
size_t stem_english(char *word, size_t len);

#endif
