/*
 * answer: sentences of the documents, word for word, each with the passage it is from. Pure.
 *
 * Nothing is written here that a document does not say: an answer is a choice of sentences, the
 * fewest that cover the question. When retrieval found nothing that fits, the answer says that.
 */
#ifndef RAG_ANSWER_ANSWER_H
#define RAG_ANSWER_ANSWER_H

#include "base/arena.h"
#include "rag/retrieve/retrieve.h"

enum {
	ANSWER_SENTENCES_MAX = 6,
	ANSWER_REFERENCES_MAX = 8,
};

struct answer_sentence {
	struct bytes text;  /* as shown, without its citation */
	unsigned reference; /* 1 …; 0: no document says it */
	bool new_paragraph;
};

struct answer_reference {
	const struct passage *passage; /* in the evidence's arena; score 0 … 1 */
	struct bytes quote;	       /* what is cited of it, as shown */
	uint64_t char_from, char_to;   /* where that lies in the document, in characters */
};

struct answer {
	bool no_context;
	struct answer_sentence sentences[ANSWER_SENTENCES_MAX];
	unsigned sentence_count;
	struct answer_reference references[ANSWER_REFERENCES_MAX];
	unsigned reference_count;
};

/* Everything the answer points to lies in `arena`, or in the evidence. ERR_NOMEM. */
err_t answer_extract(const struct question *question, const struct evidence *evidence,
		     struct arena *arena, struct answer *ret_answer);

/*
 * Adds the best passages that the answer does not cite yet to its references, each with its best
 * sentence as the quote: the context of a model that writes sentences of its own. The numbers
 * that the answer's sentences cite stay good. ERR_NOMEM.
 */
err_t answer_add_context(const struct question *question, const struct evidence *evidence,
			 struct arena *arena, struct answer *answer);

/* Appends the whole answer as plain text with [n] after each sentence. */
void answer_write(struct text *out, const struct answer *answer);

#endif
