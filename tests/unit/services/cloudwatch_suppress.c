/* Suppressors of composite alarms, second by second: scripts of what both alarms do. */
#include "services/cloudwatch/suppress.h"
#include "tests/check.h"

/*
 * A second a letter. `alarm`: A in ALARM, o not; `suppressor`: the same; `want`: what the alarm
 * does and is by the end of it: ! it acts, w it waits, s it is suppressed, e the extension runs, .
 * nothing.
 */
static const struct {
	const char *name, *alarm, *suppressor, *want;
	int wait_s, extension_s;
} scripts[] = {
	{ "without a suppressor's alarm it acts after the wait", "oAAAAo", "oooooo", ".ww!.!", 2,
	  3 },
	{ "nothing to wait for", "oAAo", "oooo", ".!.!", 0, 0 },
	{ "the suppressor is first", "oAAAo", "AAAAA", ".sss.", 2, 3 },
	{ "the suppressor comes in time", "oAAAAo", "oooAAA", ".wwss.", 3, 3 },
	{ "the suppressor comes too late", "oAAAAA", "ooooAA", ".ww!..", 2, 3 },
	{ "the alarm ends while it waits", "oAAooo", "oooooo", ".ww...", 5, 3 },
	{ "the suppressor goes, and the alarm is still on", "oAAAAAAo", "oAAooooo", ".ssee!.!", 2,
	  2 },
	{ "without an extension it acts at once", "oAAAo", "oAAoo", ".ss!!", 2, 0 },
	{ "the alarm ends in the extension", "oAAAAoo", "oAAoooo", ".ssee..", 2, 5 },
	{ "the suppressor returns in the extension", "oAAAAAAAA", "oAAoAAooo", ".ssessee!", 2, 2 },
	{ "it ends in silence under the suppressor", "oAAAo", "ooAAA", ".!...", 0, 2 },
};

TEST(a_suppressed_alarm_acts_when_nobody_else_told)
{
	for (size_t i = 0; i < COUNT(scripts); i++) {
		struct suppression suppression = { 0 };
		char got[32] = "", was = 'o';

		for (size_t s = 0; scripts[i].alarm[s]; s++) {
			struct suppress_now now = {
				.changed = scripts[i].alarm[s] != was,
				.in_alarm = scripts[i].alarm[s] == 'A',
				.suppressor = scripts[i].suppressor[s] == 'A',
				.now_ms = 1000 * (int64_t)(s + 1),
				.wait_ms = 1000 * scripts[i].wait_s,
				.extension_ms = 1000 * scripts[i].extension_s,
			};
			bool acts = suppress_step(&suppression, &now);

			CHECK(!acts || suppression.by == SUPPRESSED_NOT);
			got[s] = acts ? '!' : ".wse"[suppression.by];
			was = scripts[i].alarm[s];
		}
		CHECK_STR(got, scripts[i].want, "%s", scripts[i].name);
	}
}
