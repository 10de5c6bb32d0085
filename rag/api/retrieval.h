/*
 * retrieval: question to evidence to answer, on a thread of the blocking pool.
 *
 * The job owns all it works on, so that the chat which asked may go away meanwhile.
 */
#ifndef RAG_API_RETRIEVAL_H
#define RAG_API_RETRIEVAL_H

#include "net/blocking.h"
#include "rag/answer/answer.h"

struct retrieval;

struct retrieval_options {
	struct loop *loop;
	struct blocking_pool *pool;
	struct passages *passages;
	struct bytes message, previous; /* copied */
	unsigned top;
	bool for_model; /* with more references than the extractive answer cites */
	void (*on_done)(void *owner, struct retrieval *done);
	void *owner;
};

/* What on_done finds; it lives until retrieval_end. */
struct retrieval {
	err_t err;
	struct answer answer;
	uint64_t generation;
	bool cites_medicine;
	char spelling[300]; /* what to tell the reader about words taken for others, or "" */
};

/* On ERR_OK on_done comes once, unless retrieval_end came first. ERR_NOMEM. */
err_t retrieval_start(const struct retrieval_options *options, struct retrieval **ret_retrieval);

/* Frees it, or lets a running one free itself unheard. NULL is welcome. */
void retrieval_end(struct retrieval *retrieval);

#endif
