/*
 * counts: what ragd counts of its requests and answers, for /metrics. Any thread adds, any reads:
 * relaxed atomics, no lock. What ingestion and the engines count is theirs.
 */
#ifndef RAG_API_COUNTS_H
#define RAG_API_COUNTS_H

#include "rag/engines/mishap.h"
#include "telemetry/metrics.h"

/* How answers end: also the label `reason`. */
#define STREAM_ENDS(X) \
	X(stop)        \
	X(length)      \
	X(no_context)  \
	X(cancelled)   \
	X(error)       \
	X(client_left) \
	X(client_too_slow)
enum stream_end {
#define STREAM_END(name) STREAM_END_##name,
	STREAM_ENDS(STREAM_END)
#undef STREAM_END
		STREAM_END_COUNT
};
extern const char *const stream_end_names[STREAM_END_COUNT];

/* The stages of a question; those of a document are ingestion's. */
#define ASK_STAGES(X) X(retrieving) X(reranking) X(generating)
enum ask_stage {
#define ASK_STAGE(name) ASK_STAGE_##name,
	ASK_STAGES(ASK_STAGE)
#undef ASK_STAGE
		ASK_STAGE_COUNT
};
extern const char *const ask_stage_names[ASK_STAGE_COUNT];

/* Who wrote an answer's first words. */
enum answerer { ANSWERER_EXTRACTIVE, ANSWERER_MODEL, ANSWERERS };
extern const char *const answerer_names[ANSWERERS];

enum {
	COUNTS_ROUTES_MAX = 48, /* 0: a request that came to no route */
	COUNTS_CODES = 22,
	COUNTS_LEFT = 499, /* the code of a request whose client left before an answer */
};
extern const uint16_t counts_codes[COUNTS_CODES]; /* the last, 0, is for all others */

struct counts {
	_Atomic uint64_t requests[COUNTS_ROUTES_MAX][COUNTS_CODES];
	_Atomic uint64_t ends[STREAM_END_COUNT];
	_Atomic uint64_t heartbeats, no_context, ungrounded;
	struct {
		_Atomic uint64_t hits, misses;
	} idempotency, answers;
	struct histogram stages[ASK_STAGE_COUNT], first_token[ANSWERERS];
	struct mishaps model, store;
};

void counts_request(struct counts *counts, unsigned route, uint16_t code);
/* By the name an answer tells its end by; one that is not in the list is our mistake. */
void counts_end(struct counts *counts, const char *reason);

static inline void counts_one(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

#endif
