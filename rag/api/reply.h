/*
 * reply: responses as all routes send them. Heads carry X-Request-Id and are never cached.
 */
#ifndef RAG_API_REPLY_H
#define RAG_API_REPLY_H

#include "conn/conn.h"
#include "rag/api/fault.h"

/* Whole responses; the exchange is the caller's to close. */
void reply_json(struct exchange *x, uint16_t status, const char *request_id, struct bytes body);
void reply_typed(struct exchange *x, uint16_t status, const char *request_id,
		 const char *content_type, struct bytes body);
/* Bytes of strangers: shown by a browser, and never run. May be cached: an id names its bytes. */
void reply_asset(struct exchange *x, const char *request_id, const char *content_type,
		 struct bytes body);
void reply_text(struct exchange *x, uint16_t status, const char *request_id, struct bytes body);
void reply_fault(struct exchange *x, const struct fault *fault, const char *request_id);
/* The same with Allow, for 405. */
void reply_not_allowed(struct exchange *x, const char *allowed, const char *request_id);

/* The head of an answer that streams. ERR_NOMEM. */
err_t reply_stream_head(struct exchange *x, const char *request_id, const char *content_type);

#endif
