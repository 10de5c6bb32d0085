/*
 * runtime: a client of the Lambda Runtime API: asks for work, lets a handler do it, answers.
 */
#ifndef FUNCTIONS_RUNTIME_H
#define FUNCTIONS_RUNTIME_H

#include <jansson.h>

#include "base/text.h"

struct invocation {
	const char *request_id;
	uint64_t deadline_ms; /* Unix */
	const json_t *event;
};

/*
 * Returns the answer (a new reference), or NULL with *ret_type and `why` set: then Lambda counts
 * the invocation as failed, and one that nobody waits for is tried again.
 */
typedef json_t *(*runtime_handler)(const struct invocation *invocation, const char **ret_type,
				   struct text *why);

/* Serves until Lambda ends the program; returns an exit code when the API cannot be reached. */
int runtime_serve(runtime_handler handler);

#endif
