/*
 * h2_guard: how often a peer may do what costs it little and us more. Pure: buckets that fill with
 * time.
 */
#ifndef HTTP_H2_GUARD_H
#define HTTP_H2_GUARD_H

#include "base/base.h"

#define H2_GUARDS(X)                                                                         \
	/* id, burst, per second */                                                          \
	X(RESET, 1000, 100)	  /* requests given up or broken: rapid reset, both kinds */ \
	X(PING, 500, 50)	  /* each wants an answer */                                 \
	X(SETTINGS, 100, 5)	  /* likewise */                                             \
	X(EMPTY_DATA, 500, 50)	  /* DATA with nothing in it, and no end */                  \
	X(PRIORITY, 1000, 100)	  /* which mean nothing to us */                             \
	X(TINY_WINDOW, 5000, 500) /* WINDOW_UPDATE of a few bytes: tokens in crumbs */

enum h2_guard_kind {
#define H2_GUARD_ID(id, burst, per_second) H2_GUARD_##id,
	H2_GUARDS(H2_GUARD_ID)
#undef H2_GUARD_ID
		H2_GUARD_COUNT,
};

enum { H2_TINY_WINDOW_BYTES = 16 };

struct h2_guard {
	uint64_t now_ms;
	struct {
		uint32_t used; /* thousandths */
		uint64_t since_ms;
	} buckets[H2_GUARD_COUNT];
};

/* One more; false when it was one too many. */
bool h2_guard_take(struct h2_guard *guard, enum h2_guard_kind kind);

#endif
