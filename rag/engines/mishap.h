/*
 * mishap: how a call to an engine may fail, as /metrics counts it. Pure.
 */
#ifndef RAG_ENGINES_MISHAP_H
#define RAG_ENGINES_MISHAP_H

#include <stdatomic.h>

#include "base/base.h"
#include "base/err.h"

/* MISHAP(name): also the label `code`. */
#define MISHAP_LIST(MISHAP)                                                   \
	MISHAP(unreachable) /* no connection, or it broke before an answer */ \
	MISHAP(timeout)                                                       \
	MISHAP(unauthorized) /* 401, 403 */                                   \
	MISHAP(rate_limited) /* 429 */                                        \
	MISHAP(refused)	     /* another status below 500 */                   \
	MISHAP(failed)	     /* one from 500 on */                            \
	MISHAP(invalid)	     /* an answer that is none */                     \
	MISHAP(cut)	     /* it broke off in the middle */

enum mishap {
#define MISHAP(name) MISHAP_##name,
	MISHAP_LIST(MISHAP)
#undef MISHAP
		MISHAPS
};
extern const char *const mishap_names[MISHAPS];

/* Any thread adds, any reads. */
struct mishaps {
	_Atomic uint64_t at[MISHAPS];
};

/* Of a call that failed: its error, or the status it got (0: none). */
enum mishap mishap_of(err_t err, long status);

static inline void mishap_count(struct mishaps *mishaps, enum mishap mishap)
{
	atomic_fetch_add_explicit(&mishaps->at[mishap], 1, memory_order_relaxed);
}

#endif
