/*
 * fault: why a request got no answer, in the one form that all routes use. Before the 200 it is
 * the response; after it, the last event of the stream.
 */
#ifndef RAG_API_FAULT_H
#define RAG_API_FAULT_H

#include "base/text.h"

enum fault_kind {
	FAULT_NONE,
#define FAULT(name, status, code) FAULT_##name,
#include "rag/api/fault.def"
#undef FAULT
	FAULT_COUNT,
};

struct fault {
	enum fault_kind kind;
	char message[240]; /* a sentence for a person */
	char field[80];	   /* JSON pointer of the offending member, or "" */
	uint32_t retry_after_ms;
};

void fault_set(struct fault *fault, enum fault_kind kind, const char *field, const char *format,
	       ...) PRINTF_LIKE(4, 5);

uint16_t fault_status(enum fault_kind kind);
const char *fault_code(enum fault_kind kind);

/* Appends the members `"code":…,"message":…` of the error object, without its braces. */
void fault_members(struct text *out, const struct fault *fault, struct bytes request_id);

/* The whole body, with "detail" beside it for clients of the service that stood here before. */
void fault_body(struct text *out, const struct fault *fault, struct bytes request_id);

#endif
