/*
 * speech: an answer word by word, as it is sent. Pure.
 */
#ifndef RAG_ANSWER_SPEECH_H
#define RAG_ANSWER_SPEECH_H

#include "base/text.h"
#include "rag/answer/answer.h"

struct speech {
	const struct answer *answer; /* borrowed */
	unsigned sentence;
	size_t at; /* in the sentence; one past its end once its words are out */
};

/*
 * Replaces *out by the next piece: a word with the blank before it, or the " [n]" that closes a
 * sentence; then *ret_cite is n, else 0. The pieces together are what answer_write gives.
 * False when all is said.
 */
bool speech_next(struct speech *speech, struct text *out, unsigned *ret_cite);

#endif
