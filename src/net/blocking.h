/*
 * blocking: a few threads for work that would block a loop: name look-ups, files, SQL.
 *
 *   blocking_submit ──► work() on one of the pool's threads ──► done() on the loop
 */
#ifndef NET_BLOCKING_H
#define NET_BLOCKING_H

#include "net/loop.h"

struct blocking_pool;

err_t blocking_pool_create(unsigned threads, struct blocking_pool **ret_pool);
void blocking_pool_destroy(struct blocking_pool *pool); /* waits for running work */

/* Embedded by the caller; untouched until done() ran. */
struct blocking_job {
	void (*work)(struct blocking_job *job); /* any thread */
	void (*done)(struct blocking_job *job); /* the submitting loop's thread */
	struct loop *loop;
	struct loop_job post;  /* the pool's */
	struct list_node link; /* the pool's */
};

void blocking_submit(struct blocking_pool *pool, struct blocking_job *job);

/* getaddrinfo on the pool. The answer holds at most 8 addresses, in the resolver's order. */
struct resolve_job {
	struct blocking_job job;
	char name[256];
	uint16_t port;
	void (*on_resolved)(struct resolve_job *resolve); /* on the loop */
	err_t err;					  /* ERR_NOT_FOUND, ERR_AGAIN, ERR_SYSTEM */
	unsigned count;
	struct address addresses[8];
};
void resolve(struct blocking_pool *pool, struct loop *loop, struct resolve_job *resolve);

#endif
