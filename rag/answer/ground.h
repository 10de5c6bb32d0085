/*
 * ground: whether what a model says rests on what it cites, sentence by sentence as it streams.
 * Pure.
 *
 * A sentence ends where the next begins, so its [n] behind the full stop still belong to it. It is
 * weak when it cites nothing, or when less than half of its content words occur in the passages
 * it cites. Numbers with a unit must occur in a cited passage, in whatever unit of their kind.
 * Nothing is ever taken back: the verdict is told beside the words.
 */
#ifndef RAG_ANSWER_GROUND_H
#define RAG_ANSWER_GROUND_H

#include "base/text.h"
#include "rag/answer/answer.h"

enum { GROUND_SENTENCE_MAX = 4096 };

struct ground {
	const struct answer *answer; /* whose references are cited; borrowed */
	struct text sentence;
	bool ended;				 /* a full stop was seen; what comes next decides */
	bool in_brackets;			 /* inside what may be a [n] behind it */
	unsigned sentences, weak, wrong_numbers; /* so far */
};

struct ground_verdict {
	uint32_t cites; /* bit n - 1 for [n] */
	bool weak;
	char wrong_number[32]; /* as written; "" when all are found */
	bool is_chatter;       /* too short to claim anything: "Yes." */
};

void ground_init(struct ground *ground, const struct answer *answer);
void ground_fini(struct ground *ground);

/* Calls `each` for every sentence that closes in these words. */
typedef void (*ground_fn)(void *owner, const struct ground_verdict *verdict);
void ground_feed(struct ground *ground, struct bytes words, ground_fn each, void *owner);
/* The last one. */
void ground_end(struct ground *ground, ground_fn each, void *owner);

#endif
