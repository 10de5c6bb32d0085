/*
 * end_reason: why a request or stream ended: one closed list (end_reason.def).
 */
#ifndef TELEMETRY_END_REASON_H
#define TELEMETRY_END_REASON_H

#include "base/base.h"

enum end_reason {
#define END(id, name, whose, status, words) END_##id,
#include "telemetry/end_reason.def"
#undef END
	END_REASON_COUNT,
};

struct end_reason_row {
	const char *name; /* "client_abort": logs, metrics */
	enum err_whose whose;
	uint16_t status; /* what the balancer answers when no head was sent yet; 0: nothing */
	const char *words;
};

const struct end_reason_row *end_reason_row(enum end_reason reason);

#endif
