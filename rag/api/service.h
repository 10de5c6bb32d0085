/*
 * service: what all routes share. One per process, on the loop's thread; only what the blocking
 * jobs get handed is seen by other threads.
 */
#ifndef RAG_API_SERVICE_H
#define RAG_API_SERVICE_H

#include "net/blocking.h"
#include "rag/engines/breaker.h"
#include "rag/engines/embedder.h"
#include "rag/engines/neo4j.h"
#include "rag/model/client.h"
#include "rag/api/access.h"
#include "rag/api/answered.h"
#include "rag/api/counts.h"
#include "rag/api/pulse.h"
#include "rag/api/telling.h"
#include "rag/ingest/ingest.h"
#include "rag/retrieve/corpus.h"
#include "rag/settings.h"
#include "store/passages.h"

#define RAG_VERSION "0.1.0"

struct service {
	struct loop *loop;
	struct blocking_pool *pool;
	struct corpus *corpus; /* what is searched */
	struct model *model;   /* NULL: answers are extractive */
	struct breaker model_breaker;
	_Atomic bool model_down; /* as of this request; anyone may look */
	/* NULL: not configured. */
	struct engine *embeddings, *rerank, *vlm;
	struct engine *embed_questions; /* the same engine as embeddings, with less patience */
	struct embedder *embedder;
	struct neo4j *neo4j;
	const struct settings *settings;
	struct library *library;
	struct catalog *catalog;
	struct ingest *ingest;
	struct pulse pulse; /* of the database that keeps the library, if one does */
	struct access access;
	struct answered answers;  /* by Idempotency-Key */
	struct tellings tellings; /* answers that others may hear */
	uint64_t upload_bytes;	  /* of large bodies being received */
	struct list_node chats;	  /* every chat in progress */
	_Atomic unsigned chat_count;
	struct passages_state index; /* as of this request; generation 0: not ready yet */
	uint64_t building;	     /* the generation a reindex makes, or 0 */
	uint64_t started_ms;	     /* monotonic */
	bool draining;
	struct counts counts;
};

#endif
