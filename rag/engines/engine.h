/*
 * engine: a service that makes answers better and may be down: embeddings, a reranker, a model
 * that sees. Blocking calls from threads of the pool; the breaker and the figures are shared.
 *
 * Nothing waits for an engine that keeps failing, and nothing fails because one does: each call
 * that returns an error leaves its caller with what there is without it.
 */
#ifndef RAG_ENGINES_ENGINE_H
#define RAG_ENGINES_ENGINE_H

#include <pthread.h>

#include "rag/engines/breaker.h"
#include "rag/engines/http_call.h"
#include "rag/engines/mishap.h"

enum { EMBED_TEXTS_MAX = 64, EMBED_DIMENSIONS_MAX = 4096 };

struct engine_options {
	const char *base_url; /* "https://host/v1"; copied */
	const char *key;      /* copied; "" sends none */
	const char *model;    /* copied */
	uint32_t timeout_ms;
};

struct engine;

/* ERR_INVALID when the URL is none of http or https. */
err_t engine_create(const struct engine_options *options, struct engine **ret_engine);
void engine_destroy(struct engine *engine); /* NULL is welcome */

/* "ok", or "down" while the breaker is open. Any thread. */
const char *engine_state(struct engine *engine);
const char *engine_model(const struct engine *engine);
const struct mishaps *engine_mishaps(const struct engine *engine);

/*
 * POST {base}/embeddings: `count` vectors of the same number of dimensions, one after the other
 * in *ret_values (malloc'ed), each of length 1. Base64 is asked for, floats are understood.
 * ERR_REFUSED (breaker, or a status), ERR_SYNTAX (no such vectors), or as http_call.
 */
err_t engine_embed(struct engine *engine, const struct bytes *texts, unsigned count,
		   float **ret_values, unsigned *ret_dimensions);

/*
 * POST {base}/rerank, as Cohere's and Jina's: how relevant each text is to the query, in
 * `ret_scores`; texts the answer leaves out get -1. Errors as above.
 */
err_t engine_rerank(struct engine *engine, struct bytes query, const struct bytes *texts,
		    unsigned count, double *ret_scores);

/*
 * POST {base}/chat/completions with one picture: what is to be seen there, in words, malloc'ed.
 * Errors as above.
 */
err_t engine_describe(struct engine *engine, struct bytes question, struct bytes media_type,
		      struct bytes base64, char **ret_words);

/* The JSON of an answer as vectors: pure, for its tests. ERR_SYNTAX. */
err_t embed_read(const json_t *answer, unsigned count, float **ret_values,
		 unsigned *ret_dimensions);
err_t rerank_read(const json_t *answer, unsigned count, double *ret_scores);

#endif
