/*
 * retrieval: question to evidence to answer, on a thread of the blocking pool.
 *
 * The job owns all it works on, so that the chat which asked may go away meanwhile.
 */
#ifndef RAG_API_RETRIEVAL_H
#define RAG_API_RETRIEVAL_H

#include "net/blocking.h"
#include "rag/answer/answer.h"
#include "rag/api/counts.h"

struct retrieval;

struct retrieval_options {
	struct loop *loop;
	struct blocking_pool *pool;
	struct corpus *corpus;
	struct bytes message, previous; /* copied */
	const json_t *filter;		/* checked; NULL: none; shared */
	/* What the service has of them; NULL: none. */
	struct embedder *embedder;
	struct neo4j *neo4j; /* to read from; NULL: our own graph alone */
	struct engine *embed_questions, *rerank, *vlm;
	const json_t *items; /* checked; what came with the question; NULL: nothing; shared */
	enum retrieve_mode mode;
	unsigned top;
	double score_min;
	bool no_rerank;
	bool for_model; /* with more references than the extractive answer cites */
	void (*on_done)(void *owner, struct retrieval *done);
	void *owner;
};

/* What on_done finds; it lives until retrieval_end. */
struct retrieval {
	err_t err;
	struct answer answer;
	const struct question *question;
	const struct evidence *evidence;
	uint64_t generation;
	uint64_t took_us;   /* the search alone */
	uint64_t rerank_us; /* of it, the reranker's; 0: there is none, or it was not asked */
	bool cites_medicine;
	bool embeddings_failed, rerank_failed, vlm_failed,
		graph_failed; /* the answer does without */
	char spelling[300];   /* what to tell the reader about words taken for others, or "" */
};

/* On ERR_OK on_done comes once, unless retrieval_end came first. ERR_NOMEM. */
err_t retrieval_start(const struct retrieval_options *options, struct retrieval **ret_retrieval);

/* Its part in what was counted; once, in on_done. */
void retrieval_count(const struct retrieval *done, struct counts *counts);

/* Frees it, or lets a running one free itself unheard. NULL is welcome. */
void retrieval_end(struct retrieval *retrieval);

#endif
