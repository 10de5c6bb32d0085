#include "rag/api/query.h"

#include <stdlib.h>

#include "rag/api/found.h"
#include "rag/api/reply.h"
#include "rag/api/retrieval.h"

/* A look-up in progress; call->work. */
struct query {
	struct chat_request request;
	struct retrieval *retrieval;
};

static void query_free(struct query *query)
{
	retrieval_end(query->retrieval);
	chat_request_fini(&query->request);
	free(query);
}

static void on_left(struct call *call)
{
	query_free(call->work);
}

static void refuse(struct call *call, enum fault_kind kind, const char *words)
{
	struct fault fault;

	fault_set(&fault, kind, "", "%s", words);
	reply_fault(&call->to, &fault);
}

static void on_retrieved(void *owner, struct retrieval *done)
{
	struct call *call = owner;
	struct query *query = call->work;
	struct text body = TEXT_INIT(FOUND_MAX_BYTES);
	const struct found found = {
		.question = done->question,
		.evidence = done->evidence,
		.mode = retrieve_mode_names[query->request.mode],
		.took_us = done->took_us,
	};

	retrieval_count(done, &call->service->counts);
	if (!done->err)
		found_write(&body, &found);
	if (done->err || text_err(&body))
		refuse(call, FAULT_INTERNAL, "The documents could not be searched.");
	else
		reply_json(&call->to, 200, text_bytes(&body));
	text_fini(&body);
	query_free(query);
	call_answered(call);
}

static err_t query_start(struct call *call, struct chat_request *request)
{
	struct query *query = calloc(1, sizeof *query);
	struct retrieval_options options = {
		.loop = call->service->loop,
		.pool = call->service->pool,
		.corpus = call->service->corpus,
		.embedder = call->service->embedder,
		.neo4j = call->service->settings->graph_from_neo4j ? call->service->neo4j : NULL,
		.embed_questions = call->service->embed_questions,
		.rerank = call->service->rerank,
		.message = request->message,
		.previous = request->previous,
		.filter = request->filter,
		.mode = request->mode,
		.top = request->top_k,
		.score_min = request->score_min,
		.no_rerank = request->no_rerank,
		.on_done = on_retrieved,
		.owner = call,
	};
	err_t err = query ? retrieval_start(&options, &query->retrieval) : ERR_NOMEM;

	if (err) {
		chat_request_fini(request);
		free(query);
		return err;
	}
	query->request = *request;
	call->work = query;
	call->on_left = on_left;
	return ERR_OK;
}

void query_data(struct call *call)
{
	const struct chat_request_parts parts = {
		.body = text_bytes(&call->body),
		.content_type = call->content_type,
		.accept = call->accept,
		.query = call->query,
	};
	struct chat_request request;
	struct fault fault;

	if (query_request_read(&parts, &request, &fault)) {
		reply_fault(&call->to, &fault);
		return;
	}
	if (!call->service->index.generation) {
		chat_request_fini(&request);
		refuse(call, FAULT_STARTING, "The documents are still being read.");
		return;
	}
	if (query_start(call, &request))
		refuse(call, FAULT_INTERNAL, "There is no memory for another search.");
}
