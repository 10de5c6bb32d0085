#include "services/cloudwatch/suppress.h"

const char *const suppressed_names[] = {
	[SUPPRESSED_NOT] = "",
	[SUPPRESSED_BY_WAIT] = "WaitPeriod",
	[SUPPRESSED_BY_ALARM] = "Alarm",
	[SUPPRESSED_BY_EXTENSION] = "ExtensionPeriod",
	NULL,
};

static bool become(struct suppression *suppression, enum suppressed_by by,
		   const struct suppress_now *now)
{
	suppression->by = by;
	suppression->since_ms = by == SUPPRESSED_NOT ? 0 : now->now_ms;
	return by == SUPPRESSED_NOT;
}

/* Nothing is suppressed yet: only a change asks for actions. */
static bool on_change(struct suppression *suppression, const struct suppress_now *now)
{
	if (!now->changed)
		return false;
	if (!now->in_alarm)
		return !now->suppressor;
	if (now->suppressor)
		return become(suppression, SUPPRESSED_BY_ALARM, now);
	return become(suppression, now->wait_ms > 0 ? SUPPRESSED_BY_WAIT : SUPPRESSED_NOT, now);
}

bool suppress_step(struct suppression *suppression, const struct suppress_now *now)
{
	int64_t passed_ms = now->now_ms - suppression->since_ms;

	if (suppression->by == SUPPRESSED_NOT)
		return on_change(suppression, now);
	if (!now->in_alarm) {
		become(suppression, SUPPRESSED_NOT, now);
		return false;
	}
	switch (suppression->by) {
	case SUPPRESSED_BY_ALARM:
		if (now->suppressor)
			return false;
		return become(suppression,
			      now->extension_ms > 0 ? SUPPRESSED_BY_EXTENSION : SUPPRESSED_NOT,
			      now);
	case SUPPRESSED_BY_WAIT:
		if (now->suppressor)
			return become(suppression, SUPPRESSED_BY_ALARM, now);
		return passed_ms >= now->wait_ms && become(suppression, SUPPRESSED_NOT, now);
	default:
		if (now->suppressor)
			return become(suppression, SUPPRESSED_BY_ALARM, now);
		return passed_ms >= now->extension_ms && become(suppression, SUPPRESSED_NOT, now);
	}
}
