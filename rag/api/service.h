/*
 * service: what all routes share. One per process, on the loop's thread; only what the blocking
 * jobs get handed is seen by other threads.
 */
#ifndef RAG_API_SERVICE_H
#define RAG_API_SERVICE_H

#include "net/blocking.h"
#include "rag/model/client.h"
#include "rag/retrieve/corpus.h"
#include "rag/settings.h"
#include "store/passages.h"

#define RAG_VERSION "0.1.0"

struct jobs;

struct service {
	struct loop *loop;
	struct blocking_pool *pool;
	struct passages *passages;
	struct corpus *corpus; /* what is searched */
	struct model *model;   /* NULL: answers are extractive */
	const struct settings *settings;
	struct jobs *jobs;
	struct list_node chats; /* every chat in progress */
	unsigned chat_count;
	struct passages_state index; /* as of the last job's end; generation 0: none yet */
	uint64_t started_ms;	     /* monotonic */
	bool draining;
	struct {
		uint64_t requests, chats, stopped, no_context, cancelled, left, failed, heartbeats,
			model_failures;
	} counted;
};

#endif
