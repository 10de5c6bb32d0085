/*
 * again: the same request gets the first answer again, by its Idempotency-Key: what changes
 * documents. The library keeps these answers for a day, over restarts. (Questions: answered.)
 *
 * The same key with another body is refused (idempotency_mismatch), and so is one whose first
 * request is not over yet (busy). Only answers are kept; what was refused or failed is done anew.
 * A key counts for one route and one client (its API key, else its address).
 */
#ifndef RAG_API_AGAIN_H
#define RAG_API_AGAIN_H

#include "rag/api/task.h"

/* On a thread of the pool: task->work, or what it answered before. */
void again_work(struct task *task);

#endif
