/*
 * docker_ask: one question to the Docker Engine API over its socket in the file system (Docker's,
 * or Podman's): HTTP/1.1 on the control loop, a connection each, never blocking.
 *
 *   docker_ask ──► on_piece … (a 2xx that streams) ──► on_answer, once, and the question is gone
 */
#ifndef ENGINE_DOCKER_ASK_H
#define ENGINE_DOCKER_ASK_H

#include "net/loop.h"

struct docker_ask;

enum { DOCKER_ANSWER_MAX = 32 * 1024 * 1024 }; /* a Swarm's list has all of every task */

struct docker_answer {
	err_t err; /* ERR_OK: it answered, whatever it said */
	unsigned status;
	struct bytes body; /* empty where on_piece took it; gone when on_answer returns */
};

struct docker_ask_events {
	void (*on_piece)(void *owner, struct bytes data); /* NULL: the body is kept for on_answer */
	void (*on_answer)(void *owner, const struct docker_answer *answer); /* NULL: nobody cares */
};

/* All borrowed for the call. */
struct docker_question {
	struct loop *loop;
	const char *socket; /* a path */
	const char *method;
	const char *path;  /* encoded, with its query */
	struct bytes body; /* JSON, or with `archive` a tar; empty: none */
	bool archive;
	uint32_t silent_ms;   /* gives up after so long without a byte; 0: never */
	struct list_node *in; /* the list that holds it while it is under way */
};

/* `events` NULL: asked, and forgotten. */
err_t docker_ask(const struct docker_question *question, const struct docker_ask_events *events,
		 void *owner, struct docker_ask **ret_ask);
/* No callback runs any more, also from within one. NULL is welcome. */
void docker_ask_cancel(struct docker_ask *ask);
void docker_ask_cancel_all(struct list_node *asks);

#endif
