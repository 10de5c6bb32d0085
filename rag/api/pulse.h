/*
 * pulse: whether the database that keeps the library answers, asked every other second on a
 * thread of the pool. On the loop's thread. A library in files needs none.
 */
#ifndef RAG_API_PULSE_H
#define RAG_API_PULSE_H

#include <stdatomic.h>

#include "net/blocking.h"
#include "rag/engines/mishap.h"
#include "rag/ingest/ingest.h"

struct pulse {
	struct library *library; /* borrowed; NULL: nothing to ask */
	struct mishaps *mishaps; /* borrowed; where it counts that the database went away */
	struct catalog *catalog; /* borrowed; told when the database answers */
	struct ingest *ingest;	 /* borrowed; woken when the database is back */
	struct blocking_pool *pool;
	struct loop *loop;
	struct timer timer;
	struct blocking_job job;
	bool running;
	_Atomic bool down; /* anyone may look */
	err_t err;	   /* of the last time; the thread's while it runs */
};

/* Zeroed but for what is borrowed. */
void pulse_start(struct pulse *pulse);
void pulse_stop(struct pulse *pulse); /* the pool's end waits for one that runs */

#endif
