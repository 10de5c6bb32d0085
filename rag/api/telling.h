/*
 * telling: an answer as it was told, in no client's form yet, so that whoever asks the same hears
 * it too: while it is being told, and for a while after. In memory alone, and bounded: questions
 * about health are written nowhere, and are known here by their digest. Pure: it is told the time.
 *
 *   telling_new ──► _refer, _say … ──► over ──► tellings_put    the chat that makes the answer
 *   telling_hold ──► telling_next … ──► telling_release         any chat that hears it
 *
 * What an engine is called and how a model is asked are the process's, as long as these are.
 */
#ifndef RAG_API_TELLING_H
#define RAG_API_TELLING_H

#include "base/list.h"
#include "rag/api/events.h"

enum {
	TELLING_MAX_BYTES = 1024 * 1024, /* of what is said */
	TELLINGS_MAX = 1024,
	TELLINGS_MAX_BYTES = 32 * 1024 * 1024,
};

struct telling_name {
	uint8_t at[32];
};

/* What an answer follows from. Another state of the documents makes another name. */
struct telling_question {
	const struct chat_request *request;
	uint64_t generation, changes; /* of the documents: the number, and what grows with each */
	unsigned role;		      /* of the key that asks */
	const char *model;
};

/* Whether others may hear the answer: no history, nothing beside the question, no emergency. */
bool telling_fits(const struct chat_request *request);
/* The same for questions that differ in case and white space alone. False on no memory. */
bool telling_name(const struct telling_question *question, struct telling_name *ret_name);

/* ---- One ---- */

enum said_kind { SAID_REFERENCES, SAID_NOTICE, SAID_GENERATING, SAID_WORDS, SAID_VERDICT };

struct said {
	enum said_kind kind;
	struct bytes words;
	uint32_t cites; /* WORDS: the reference's number, or 0; VERDICT: a bit each */
	bool weak;
	struct event_notice notice;
};

struct telling {
	struct list_node link; /* tellings.all, while kept */
	unsigned holders;
	struct telling_name name;
	uint64_t at_ms;	    /* since when it is kept */
	struct text said;   /* its error: what is here is not all */
	struct arena arena; /* what `answer` points to */
	struct answer answer;
	uint64_t generation;
	bool by_model;		/* wrote its words */
	bool over;		/* nothing more comes; then: */
	struct event_done done; /* its times are the first one's */
	enum fault_kind failed; /* FAULT_NONE: it did not */
	const char *why;	/* it did */
};

struct telling *telling_new(const struct telling_name *name); /* held once; NULL on no memory */
struct telling *telling_hold(struct telling *telling);
void telling_release(struct telling *telling); /* NULL is welcome */

/* Copies the references, whose place among what is said is here. ERR_NOMEM. */
err_t telling_refer(struct telling *telling, const struct answer *answer, uint64_t generation);
void telling_say(struct telling *telling, const struct said *said);
/* The next after *at (0 at first); slices are valid until more is said. False: none yet. */
bool telling_next(const struct telling *telling, size_t *at, struct said *ret_said);

/* ---- Those that are kept ---- */

struct tellings {
	struct list_node all; /* last heard first */
	size_t count, bytes;
	uint64_t kept_ms; /* 0: none are */
};

void tellings_init(struct tellings *tellings, uint64_t kept_ms);
void tellings_fini(struct tellings *tellings);

/* Borrowed until the next put or find; NULL: there is none, or it is too old. */
struct telling *tellings_find(struct tellings *tellings, const struct telling_name *name,
			      uint64_t now_ms);
/* Holds one that is over and whole, in place of one of that name. */
void tellings_put(struct tellings *tellings, struct telling *telling, uint64_t now_ms);

#endif
