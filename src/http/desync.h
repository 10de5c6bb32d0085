/*
 * desync: how far a request head strays from RFC 7230, and why, as ALB's desync mitigation
 * classifies it (reference/alb.md §10). Pure; works on the raw head, before leniency.
 */
#ifndef HTTP_DESYNC_H
#define HTTP_DESYNC_H

#include "base/bytes.h"

enum desync_tier { DESYNC_COMPLIANT, DESYNC_ACCEPTABLE, DESYNC_AMBIGUOUS, DESYNC_SEVERE };

enum desync_reason {
	DESYNC_NONE,
#define DESYNC(name, tier) DESYNC_##name,
#include "http/desync.def"
#undef DESYNC
	DESYNC_REASON_COUNT,
};

enum desync_mode { DESYNC_MODE_MONITOR, DESYNC_MODE_DEFENSIVE, DESYNC_MODE_STRICTEST };

struct desync_finding {
	enum desync_tier tier;
	enum desync_reason reason; /* the first finding of the highest tier */
};

/* Classifies a raw head: request line and field lines, up to and with the empty line. */
struct desync_finding desync_classify(struct bytes raw_head);

const char *desync_tier_name(enum desync_tier tier);	   /* "Ambiguous"; NULL when compliant */
const char *desync_reason_name(enum desync_reason reason); /* "BothTeClPresent"; NULL for none */

enum desync_verdict { DESYNC_FORWARD, DESYNC_FORWARD_AND_CLOSE, DESYNC_BLOCK };
enum desync_verdict desync_judge(enum desync_mode mode, enum desync_tier tier);

#endif
