/*
 * breaker: keeps callers from an engine that keeps failing. Pure.
 *
 * Five failures within thirty seconds open it; after thirty seconds one caller may try, and its
 * success closes it again.
 */
#ifndef RAG_ENGINES_BREAKER_H
#define RAG_ENGINES_BREAKER_H

#include "base/base.h"

enum {
	BREAKER_FAILURES = 5,
	BREAKER_WINDOW_MS = 30000,
	BREAKER_OPEN_MS = 30000,
};

struct breaker {
	uint64_t first_ms; /* of the failures counted */
	uint64_t open_until_ms;
	unsigned failures;
	bool trying; /* the one that may find out */
};

/* Whether a call may be made now; after true, breaker_tell follows. */
bool breaker_allows(struct breaker *breaker, uint64_t now_ms);
void breaker_tell(struct breaker *breaker, bool succeeded, uint64_t now_ms);
bool breaker_is_open(const struct breaker *breaker, uint64_t now_ms);

#endif
