/*
 * question: what a person asked, as terms to look for. Pure.
 *
 * A term is one wish of the question, with the words that can fulfil it: "Tylenol" is fulfilled
 * by paracetamol as well. A question that leans on what was said before ("and how much of it?")
 * takes its topic from the last question of the history.
 */
#ifndef RAG_RETRIEVE_QUESTION_H
#define RAG_RETRIEVE_QUESTION_H

#include "rag/text/words.h"

enum {
	QUESTION_TERMS_MAX = 24,
	QUESTION_SMALL_MAX = 8,
	QUESTION_FORMS_MAX = 5, /* the asker's own word and its synonyms */
};

/* What kind of section answers best. */
enum question_intent {
	INTENT_GENERAL,
	INTENT_DOSE,
	INTENT_SIDE_EFFECTS,
	INTENT_INTERACTIONS,
	INTENT_WARNINGS,
	INTENT_OVERDOSE,
	INTENT_MISSED,
	INTENT_PREGNANCY,
	INTENT_STORAGE,
	INTENT_HOW_IT_WORKS,
	INTENT_USES,
	INTENT_STUDIES,
	INTENT_COUNT,
};
extern const char *const question_intent_names[INTENT_COUNT];

struct question_form {
	struct bytes word; /* as typed, or a synonym: goes to full-text search */
	char stem[WORD_STEM_MAX + 1];
};

struct question_term {
	struct question_form forms[QUESTION_FORMS_MAX];
	unsigned form_count;
	bool carried;  /* from the history */
	bool is_name;  /* of a medicine the documents know; set by retrieval */
	double weight; /* how rare it is in the documents; set by retrieval, 1 before */
};

struct question {
	struct question_term terms[QUESTION_TERMS_MAX];
	unsigned term_count;
	/* Stems of words too common to look for, that still tell one sentence from another. */
	char small[QUESTION_SMALL_MAX][WORD_STEM_MAX + 1];
	unsigned small_count;
	enum question_intent intent;
};

/* `message` and `previous` (the last question before, or empty) are borrowed by the terms. */
void question_read(struct bytes message, struct bytes previous, struct question *ret_question);

/*
 * Whether the heading of a section promises to answer that kind of question; `code` is the LOINC
 * code of a drug label's section, or empty.
 */
bool intent_fits(enum question_intent intent, struct bytes section, struct bytes code);

/* The number of the term that a word with this stem fulfils, or SIZE_MAX. */
size_t question_find(const struct question *question, struct bytes stem);

/* The bit of the small word with this stem, or 0. */
unsigned question_small_word(const struct question *question, struct bytes stem);

#endif
