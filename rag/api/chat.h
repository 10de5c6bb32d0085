/*
 * chat: one question and its answer as it streams. On the loop's thread.
 *
 *   chat_start ─► head, start ─► retrieving ─┬─► speaking (extractive, word by word) ─┬─► done
 *                                (a thread)  └─► generating (the model) ─► done       │
 *                                                   └─ fails ─► notice, speaking ─────┘
 *
 *   told before, or being told to another: hearing (chat_told.c) ─► done
 *
 *   at any time: the client leaves (everything stops at once), chat_cancel (done: cancelled),
 *   the deadline (error). Heartbeats go out whenever nothing else did for heartbeat_ms.
 *
 * A client that asked for one JSON object gets its head at the end, with the true status.
 */
#ifndef RAG_API_CHAT_H
#define RAG_API_CHAT_H

#include "conn/conn.h"
#include "rag/api/reply.h"
#include "rag/api/request.h"
#include "rag/api/service.h"

enum {
	CHAT_ID_BYTES = 29, /* "msg_", 24 digits and a NUL */
	REQUEST_ID_BYTES = 129,
	TRACEPARENT_BYTES = 56, /* W3C's 55 characters and a NUL */
};

struct chat;

struct chat_options {
	struct service *service;
	struct reply_to
		*to; /* the caller's, as long as the chat; so are the exchange's callbacks */
	const char *traceparent;	     /* the client's, or ""; copied */
	const struct answered_name *kept_as; /* what one object is kept as; NULL: nothing; copied */
	unsigned role; /* of the key that asks: what others were told is for keys of the same */
	/* The answer is over and the exchange closed: the caller forgets both. Never in chat_start.
	 */
	void (*on_over)(void *owner);
	void *owner;
};

/*
 * Takes *request over, whatever it returns. After ERR_NOMEM nothing was sent, and the caller
 * answers.
 */
err_t chat_start(const struct chat_options *options, struct chat_request *request,
		 struct chat **ret_chat);

void chat_client_left(struct chat *chat); /* the exchange failed: stop all work, free, no on_over */
void chat_drained(struct chat *chat);	  /* the client reads again */
void chat_cancel(struct chat *chat);	  /* ends it, on_over included, before this returns */

struct chat *chat_find(const struct service *service, struct bytes id); /* NULL */

#endif
