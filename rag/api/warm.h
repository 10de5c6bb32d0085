/*
 * warm: makes what the first searches of a generation would wait for, on a thread of the pool.
 * On the loop's thread.
 */
#ifndef RAG_API_WARM_H
#define RAG_API_WARM_H

#include <stdatomic.h>

#include "net/blocking.h"
#include "rag/retrieve/corpus.h"

struct warmer {
	struct corpus *corpus; /* borrowed */
	struct blocking_job job;
	_Atomic bool stop;
	bool running;
};

/* Zeroed but for `corpus`. Nothing happens while one runs. */
void warm_start(struct warmer *warmer, struct loop *loop, struct blocking_pool *pool);
void warm_stop(struct warmer *warmer); /* soon; the pool's end waits for it */

#endif
