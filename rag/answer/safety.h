/*
 * safety: what must be said beside an answer about health, whatever the answer is. Pure, and
 * outside every model: the words are fixed, the choice follows from the question's own.
 */
#ifndef RAG_ANSWER_SAFETY_H
#define RAG_ANSWER_SAFETY_H

#include "base/bytes.h"

enum safety_kind {
	SAFETY_NONE,
	SAFETY_MEDICAL,	  /* general information, no substitute for a clinician */
	SAFETY_EMERGENCY, /* may not wait: call for help now */
	SAFETY_CRISIS,	  /* thoughts of suicide or self-harm: people to talk to now */
};

/* `cites_medicine`: the answer quotes a document of the category "medicine". */
enum safety_kind safety_of(struct bytes question, bool cites_medicine);

const char *safety_words(enum safety_kind kind); /* a sentence or two; "" for NONE */

#endif
