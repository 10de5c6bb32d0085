/*
 * call: one HTTP exchange with ragd, from its head to its answer; the routes' view of it.
 */
#ifndef RAG_API_CALL_H
#define RAG_API_CALL_H

#include "rag/api/chat.h"
#include "rag/api/reply.h"

struct call {
	struct list_node link; /* the server's */
	struct service *service;
	struct exchange *x;
	struct reply_to to;
	struct chat *chat; /* once the call became one */
	/* Set while something else answers later: told when the client leaves before. */
	void (*on_left)(struct call *call);
	void *work;	    /* its own */
	struct arena arena; /* what follows of the request's head */
	struct bytes method, path, query, content_type, accept;
	struct bytes x_api_key, authorization, idempotency_key, last_event_id;
	struct bytes peer; /* the client's address, as text */
	char request_id[REQUEST_ID_BYTES], traceparent[TRACEPARENT_BYTES];
	struct text body;
	uint64_t large_bytes; /* of the server's memory for large bodies that this one has */
	struct timer stall;   /* a body that stops coming */
};

/* How large the body of a request to this method and path may be. */
size_t routes_body_max(struct call *call);

/* Answers the request, now or later; a call that has no chat and no task after it is through. */
void routes_handle(struct call *call);

/* What counts call the route: "POST /chat"; "none": it came to none. */
enum { ROUTES_LABEL_BYTES = 48 };
void routes_label(unsigned route, char ret_label[ROUTES_LABEL_BYTES]);

/* Tells a chat's end. */
void call_over(void *owner);

/* Ends a call that was answered later: closes the exchange and frees the call. */
void call_answered(struct call *call);

#endif
