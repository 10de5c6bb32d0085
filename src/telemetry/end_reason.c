#include "telemetry/end_reason.h"

static const struct end_reason_row rows[] = {
#define END(id, name, whose, status, words) [END_##id] = { name, ERR_WHOSE_##whose, status, words },
#include "telemetry/end_reason.def"
#undef END
};

const struct end_reason_row *end_reason_row(enum end_reason reason)
{
	assert((unsigned)reason < COUNT(rows));
	return &rows[reason];
}
