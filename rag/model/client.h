/*
 * client: streaming chat completions from an OpenAI-compatible endpoint, by libcurl's multi
 * interface on our loop. All on the loop's thread; nothing here blocks it.
 *
 *   model_start ──► on_piece … ──► on_ended      once, whatever happens
 *              └──► model_cancel                 no more callbacks; the connection closes at once
 *
 * The key goes into one header of the request and nowhere else: not into logs, not into errors.
 */
#ifndef RAG_MODEL_CLIENT_H
#define RAG_MODEL_CLIENT_H

#include "net/loop.h"
#include "rag/model/completion.h"

struct model;
struct model_run;

struct model_options {
	struct loop *loop;
	const char *base_url; /* "https://host/v1"; copied */
	const char *key;      /* copied; "" sends none */
	uint32_t connect_ms;
	uint32_t first_ms; /* from the request to the first piece: thinking takes long */
	uint32_t stall_ms; /* between two pieces */
};

/* ERR_INVALID when the URL is none of http or https. */
err_t model_create(const struct model_options *options, struct model **ret_model);
void model_destroy(struct model *model); /* runs are over or cancelled; NULL is welcome */

enum model_end {
	MODEL_STOP,	 /* complete */
	MODEL_LENGTH,	 /* complete as far as the endpoint lets it */
	MODEL_REFUSED,	 /* no connection, or a status other than 200 */
	MODEL_STALLED,	 /* nothing came in time */
	MODEL_TRUNCATED, /* it broke off, or was no stream of completions */
};

struct model_events {
	/* Words of the answer. The owner may call model_cancel in here. */
	void (*on_words)(void *owner, struct bytes words);
	/* The run is freed after this returns. `status` is HTTP's, 0 when there was none. */
	void (*on_ended)(void *owner, enum model_end end, unsigned status);
};

struct model_question {
	struct bytes body;	 /* the request's JSON */
	const char *request_id;	 /* sent as X-Request-Id */
	const char *traceparent; /* the client's, of W3C's form; "" sends none */
};

/* The question is copied. On ERR_OK callbacks come on later turns; ERR_NOMEM. */
err_t model_start(struct model *model, const struct model_question *question,
		  const struct model_events *events, void *owner, struct model_run **ret_run);
void model_cancel(struct model_run *run);

/* A paused run reads nothing more, so TCP holds the endpoint back; its clocks stand still. */
void model_pause(struct model_run *run, bool paused);

/* What the endpoint says it counted, so far. */
void model_usage(const struct model_run *run, uint64_t *ret_prompt, uint64_t *ret_completion);

#endif
