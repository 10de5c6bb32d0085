/*
 * task: a request that is answered on a thread of the blocking pool, as it waits for the disk.
 *
 *   task_start ─► work() on a thread fills the answer ─► it is sent on the loop
 *                         └─ the client left meanwhile: the work ends unheard
 *
 * The task owns all that work() touches.
 */
#ifndef RAG_API_TASK_H
#define RAG_API_TASK_H

#include "net/blocking.h"
#include "rag/api/call.h"

enum { TASK_REPLY_MAX_BYTES = 64 * 1024 * 1024 };

struct task {
	struct blocking_job job;
	struct call *call; /* NULL once the client left; the loop's alone */
	struct service *service;
	void (*work)(struct task *task);
	struct arena arena;
	struct bytes method, path, query, content_type, last_event_id;
	struct bytes idempotency_key; /* of a request that changes something, else empty */
	struct bytes client;	      /* whose key that is: a digest */
	struct text body;
	/* The answer: a fault, or a status with a body. */
	struct fault fault; /* kind FAULT_NONE: there is none */
	uint16_t status;
	struct text out;
	const char *media_type; /* "application/json" unless work() says otherwise */
	bool is_asset;		/* sent with the headers that make strangers' files harmless */
};

/*
 * Takes the call's body over. With a `client`, one who changes something, the call's
 * Idempotency-Key counts. ERR_NOMEM: the caller answers.
 */
err_t task_start(struct call *call, void (*work)(struct task *task), struct bytes client);

/* For work(): the one-line ways to answer. */
void task_refuse(struct task *task, enum fault_kind kind, const char *field, const char *format,
		 ...) PRINTF_LIKE(4, 5);
void task_failed(struct task *task, err_t err); /* what went wrong was ours, or the disk's */

#endif
