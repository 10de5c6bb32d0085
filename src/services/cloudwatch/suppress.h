/*
 * suppress: whether a composite alarm acts while another alarm, its suppressor, says that everybody
 * knows already (a deployment, a failure upstream). Pure.
 *
 *   goes into ALARM --> WAIT (for the suppressor) --time--> acts
 *                         \--suppressor in ALARM--> ALARM --suppressor leaves it--> EXTENSION
 *                                                     ^------------suppressor---------/ \--time-->
 * acts
 *
 * What leaves ALARM while it is suppressed does so in silence: nobody heard of it.
 */
#ifndef SERVICES_CLOUDWATCH_SUPPRESS_H
#define SERVICES_CLOUDWATCH_SUPPRESS_H

#include "base/bytes.h"

enum suppressed_by {
	SUPPRESSED_NOT,
	SUPPRESSED_BY_WAIT,
	SUPPRESSED_BY_ALARM,
	SUPPRESSED_BY_EXTENSION,
};

struct suppression {
	enum suppressed_by by;
	int64_t since_ms; /* of waiting, of the extension */
};

struct suppress_now {
	bool changed;	 /* the composite alarm's state did, just now */
	bool in_alarm;	 /* the composite alarm is */
	bool suppressor; /* the other one is */
	int64_t now_ms, wait_ms, extension_ms;
};

/* Whether the actions of the alarm's state run now. */
bool suppress_step(struct suppression *suppression, const struct suppress_now *now);

extern const char *const suppressed_names[]; /* "", "WaitPeriod"…; NULL at the end */

#endif
