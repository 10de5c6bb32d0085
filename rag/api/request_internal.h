/*
 * What the readers of requests share. Each refusal sets the fault and returns ERR_INVALID.
 */
#ifndef RAG_API_REQUEST_INTERNAL_H
#define RAG_API_REQUEST_INTERNAL_H

#include "rag/api/request.h"

typedef err_t (*members_fn)(const struct chat_request_parts *parts, struct chat_request *request,
			    struct fault *fault);
/* Reads the body as a JSON object and lets `members` look at it. */
err_t request_read(const struct chat_request_parts *parts, members_fn members,
		   struct chat_request *ret_request, struct fault *ret_fault);

/* Message, history, mode, filter, top_k, include_references. */
err_t request_read_common(struct chat_request *request, const char *message, const char *history,
			  struct fault *fault);
err_t request_read_bool(const json_t *root, const char *name, bool *value, struct fault *fault);

err_t request_refuse(struct fault *fault, const char *field, const char *words);
struct bytes request_bytes(const json_t *string);

#endif
