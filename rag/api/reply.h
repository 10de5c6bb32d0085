/*
 * reply: responses as all routes send them. Heads carry X-Request-Id and are never cached.
 */
#ifndef RAG_API_REPLY_H
#define RAG_API_REPLY_H

#include "conn/conn.h"
#include "rag/api/counts.h"
#include "rag/api/fault.h"

/* Whom an answer goes to, and where it is counted. */
struct reply_to {
	struct exchange *x;
	const char *request_id; /* borrowed */
	struct counts *counts;
	unsigned route;	 /* as counts_request has it */
	uint16_t status; /* of the answer that was sent; 0: none yet */
};

/* Whole responses; the exchange is the caller's to close. */
void reply_json(struct reply_to *to, uint16_t status, struct bytes body);
void reply_typed(struct reply_to *to, uint16_t status, const char *content_type, struct bytes body);
/* Bytes of strangers: shown by a browser, and never run. May be cached: an id names its bytes. */
void reply_asset(struct reply_to *to, const char *content_type, struct bytes body);
void reply_text(struct reply_to *to, uint16_t status, struct bytes body);
void reply_fault(struct reply_to *to, const struct fault *fault);
/* The same with Allow, for 405. */
void reply_not_allowed(struct reply_to *to, const char *allowed);

/* The head of an answer that streams. ERR_NOMEM. */
err_t reply_stream_head(struct reply_to *to, const char *content_type);

#endif
