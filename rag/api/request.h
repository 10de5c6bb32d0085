/*
 * request: what a client asks of POST /chat and POST /reindex, checked. Pure.
 *
 * Unknown members are ignored; wrong types, and values that would not act, are refused with the
 * JSON pointer of the member.
 */
#ifndef RAG_API_REQUEST_H
#define RAG_API_REQUEST_H

#include <jansson.h>

#include "rag/api/fault.h"
#include "rag/ingest/ingest.h"
#include "rag/retrieve/retrieve.h"

enum {
	REQUEST_MAX_BYTES = 1024 * 1024,
	REQUEST_MAX_DEPTH = 32,
	MESSAGE_MAX_CHARS = 8000,
	HISTORY_MAX_TURNS = 50,
	HISTORY_MAX_BYTES = 64 * 1024,
	SESSION_ID_MAX_CHARS = 128,
	TOP_K_DEFAULT = 12,
	QUERY_TOP_K_DEFAULT = 20,
	REINDEX_IDS_MAX = 10000,
};

enum chat_form {
	CHAT_SSE,	    /* text/event-stream */
	CHAT_NDJSON,	    /* application/x-ndjson: LightRAG's lines */
	CHAT_JSON,	    /* one object at the end */
	CHAT_LIGHTRAG,	    /* the same, as LightRAG's {"response", "references"} */
	CHAT_OPENAI,	    /* the same, as a chat completion */
	CHAT_OPENAI_STREAM, /* chat completion chunks */
};

static inline bool chat_form_streams(enum chat_form form)
{
	return form == CHAT_SSE || form == CHAT_NDJSON || form == CHAT_OPENAI_STREAM;
}

struct chat_request {
	json_t *root;	       /* owns what the members below point to */
	struct bytes message;  /* trimmed, not empty */
	struct bytes previous; /* the last thing the user said before, or empty */
	json_t *history;       /* array of {role, content}, or NULL */
	unsigned top_k;
	enum retrieve_mode mode;
	const json_t *filter; /* in root; NULL: none */
	const json_t *items;  /* in root: what came with the question; NULL: nothing */
	double score_min;
	bool no_rerank;
	bool include_content; /* of the passages, in an answer's references */
	bool usage_wanted;    /* OpenAI's include_usage */
	bool context_only;    /* no answer: what it would be made of */
	enum chat_form form;
	bool include_references;
	bool ndjson_heartbeat; /* asked for by ?heartbeat=1 */
};

struct chat_request_parts {
	struct bytes body, content_type, accept, query; /* borrowed; absent ones empty */
};

/* On ERR_OK the caller ends it with chat_request_fini. On ERR_INVALID *ret_fault says why. */
err_t chat_request_read(const struct chat_request_parts *parts, struct chat_request *ret_request,
			struct fault *ret_fault);
/* The same for POST /query, /query/stream and /query/data: LightRAG's members, and ours. */
err_t query_request_read(const struct chat_request_parts *parts, struct chat_request *ret_request,
			 struct fault *ret_fault);
/* The same with multimodal_content: POST /query/multimodal. */
err_t multimodal_request_read(const struct chat_request_parts *parts,
			      struct chat_request *ret_request, struct fault *ret_fault);
void chat_request_fini(struct chat_request *request);

/* A JSON object of bounded depth. On ERR_INVALID *ret_fault says why. */
err_t request_read_json(struct bytes body, struct bytes content_type, json_t **ret_root,
			struct fault *ret_fault);

struct reindex_request {
	json_t *root; /* NULL for an empty body; owns `ids`; the caller's to decref */
	enum ingest_scope scope;
	json_t *ids; /* array of strings, or NULL */
	bool keep_passages, dry_run;
};
/* {"scope":"all|failed|documents","document_ids":[],"stages":[],"reason":"…","dry_run":false} */
err_t reindex_request_read(struct bytes body, struct bytes content_type,
			   struct reindex_request *ret_request, struct fault *ret_fault);

#endif
