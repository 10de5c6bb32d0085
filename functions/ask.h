/*
 * ask: what rag_query and rag_query_multimodal have in common: a question for the server.
 */
#ifndef FUNCTIONS_ASK_H
#define FUNCTIONS_ASK_H

#include "functions/runtime.h"

/* Members the request must have beside "query"; NULL-terminated. */
json_t *ask_server(const struct invocation *invocation, const char *path,
		   const char *const *wanted);

#endif
