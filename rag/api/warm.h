/*
 * warm: makes what the first searches of a generation would wait for, on a thread of the pool.
 * On the loop's thread.
 */
#ifndef RAG_API_WARM_H
#define RAG_API_WARM_H

#include <stdatomic.h>

#include "net/blocking.h"
#include "rag/engines/embedder.h"
#include "rag/engines/neo4j.h"
#include "rag/retrieve/corpus.h"

struct warmer {
	struct corpus *corpus;	   /* borrowed */
	struct embedder *embedder; /* borrowed; NULL: none */
	struct neo4j *neo4j;	   /* the same */
	struct timer watch;
	uint64_t seen;	      /* of the corpus' changes, when the last run began */
	uint64_t retry_at_ms; /* for engines that are behind */
	struct loop *loop;
	struct blocking_pool *pool;
	struct blocking_job job;
	_Atomic bool stop;
	bool running, again;
};

/* Zeroed but for `corpus`. One that runs does it once more at its end. */
void warm_start(struct warmer *warmer, struct loop *loop, struct blocking_pool *pool);
/* From here on looks for changes of the corpus, and for engines to try again. */
void warm_watch(struct warmer *warmer, struct loop *loop, struct blocking_pool *pool);
void warm_stop(struct warmer *warmer); /* soon; the pool's end waits for it */

#endif
