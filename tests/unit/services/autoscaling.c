/* How many there should be, and when: the arithmetic of policies and schedules. */
#include "services/autoscaling/scale.h"
#include "services/autoscaling/schedule.h"

#include "base/when.h"
#include "tests/check.h"

static uint32_t tracked(uint32_t current, double target, double newest, size_t minutes)
{
	double points[SCALE_LOW_POINTS];

	for (size_t i = 0; i < COUNT(points); i++)
		points[i] = newest;
	return scale_track(current, target, points, minutes);
}

TEST(target_tracking_grows_after_three_minutes_and_shrinks_after_fifteen)
{
	CHECK_EQ(tracked(2, 50, 80, 2), 2);
	CHECK_EQ(tracked(2, 50, 80, 3), 4); /* 3.2 */
	CHECK_EQ(tracked(2, 50, 50, 15), 2);
	CHECK_EQ(tracked(2, 50, 46, 15), 2); /* not below nine tenths */
	CHECK_EQ(tracked(4, 50, 20, 14), 4);
	CHECK_EQ(tracked(4, 50, 20, 15), 2); /* 1.6 */
	CHECK_EQ(tracked(4, 50, 0, 15), 0);  /* the minimum is the caller's */
	CHECK_EQ(tracked(0, 50, 1000, 15), 0);
	CHECK_EQ(tracked(3, 50, 80, 0), 3);
	CHECK_EQ(tracked(3, 1, 1e300, 15), 3, "nonsense moves nothing");
}

TEST(one_quiet_minute_keeps_it_from_growing)
{
	const double points[] = { 80, 10, 80, 80 };

	CHECK_EQ(scale_track(2, 50, points, 4), 2);
}

/* The guide's example: 10 %, 30 % above the threshold; 10 %, 30 % below. */
static const struct scale_step out_steps[] = {
	{ .has_lower = true, .lower = 0, .has_upper = true, .upper = 10, .adjustment = 0 },
	{ .has_lower = true, .lower = 10, .has_upper = true, .upper = 20, .adjustment = 10 },
	{ .has_lower = true, .lower = 20, .adjustment = 30 },
};
static const struct scale_step in_steps[] = {
	{ .has_lower = true, .lower = -10, .has_upper = true, .upper = 0, .adjustment = 0 },
	{ .has_lower = true, .lower = -20, .has_upper = true, .upper = -10, .adjustment = -10 },
	{ .has_upper = true, .upper = -20, .adjustment = -30 },
};

TEST(steps_adjust_by_how_far_the_alarm_is_breached)
{
	CHECK_EQ(scale_step(10, 0, SCALE_PERCENT, 0, out_steps, 3), 10);
	CHECK_EQ(scale_step(10, 10, SCALE_PERCENT, 0, out_steps, 3), 11);
	CHECK_EQ(scale_step(10, 19.9, SCALE_PERCENT, 0, out_steps, 3), 11);
	CHECK_EQ(scale_step(10, 20, SCALE_PERCENT, 0, out_steps, 3), 13);
	CHECK_EQ(scale_step(10, -10, SCALE_PERCENT, 0, in_steps, 3), 9);
	CHECK_EQ(scale_step(10, -20, SCALE_PERCENT, 0, in_steps, 3), 7);
	CHECK_EQ(scale_step(10, 500, SCALE_CHANGE, 0, out_steps, 3), 40);
	CHECK_EQ(scale_step(10, 500, SCALE_EXACT, 0, out_steps, 3), 30);
	CHECK_EQ(scale_step(10, -5, SCALE_CHANGE, 0, out_steps, 3), 10, "no step fits");
}

TEST(percents_round_toward_nothing_but_never_to_nothing)
{
	const struct scale_step grow = { .adjustment = 25 }, shrink = { .adjustment = -25 };

	CHECK_EQ(scale_step(2, 1, SCALE_PERCENT, 0, &grow, 1), 3); /* 0.5 is 1 */
	CHECK_EQ(scale_step(7, 1, SCALE_PERCENT, 0, &grow, 1), 8); /* 1.75 is 1 */
	CHECK_EQ(scale_step(2, 1, SCALE_PERCENT, 0, &shrink, 1), 1);
	CHECK_EQ(scale_step(7, 1, SCALE_PERCENT, 3, &grow, 1), 10);
	CHECK_EQ(scale_clamp(-3, 1, 4), 1);
	CHECK_EQ(scale_clamp(9, 1, 4), 4);
}

/* The next time after 2026-10-02T10:00:00Z, a Friday; "" never, "?" when it does not parse. */
static const char *next(const char *text)
{
	static char iso[WHEN_ISO_BYTES + 1];
	const uint64_t now_s = 1790935200;
	struct schedule schedule;
	uint64_t at;

	if (schedule_parse(bytes_of(text), &schedule))
		return "?";
	at = schedule_next(&schedule, now_s - 60, now_s);
	if (!at)
		return "";
	when_iso_ms(at * 1000, iso);
	iso[16] = '\0';
	return iso;
}

TEST(schedules_say_when_they_are_due_next)
{
	static const struct {
		const char *text, *next;
	} rows[] = {
		{ "at(2026-10-02T10:00:01)", "2026-10-02T10:00" },
		{ "at(2026-10-02T10:00:00)", "" },
		{ "rate(5 minutes)", "2026-10-02T10:04" },
		{ "rate(1 day)", "2026-10-03T09:59" },
		{ "cron(0 9 * * ? *)", "2026-10-03T09:00" },
		{ "cron(30 10 * * ? *)", "2026-10-02T10:30" },
		{ "cron(0 9 ? * MON-FRI *)", "2026-10-05T09:00" },
		{ "cron(0/15 * * * ? *)", "2026-10-02T10:15" },
		{ "cron(0 0 1 JAN,JUL ? *)", "2027-01-01T00:00" },
		{ "cron(0 0 29 2 ? *)", "2028-02-29T00:00" },
		{ "cron(0 0 31 2 ? *)", "" },
		{ "cron(0 0 1 1 ? 2030)", "2030-01-01T00:00" },
		{ "cron(0 12 ? * 1 *)", "2026-10-04T12:00" }, /* Sunday */
		{ "cron(0 9 * * * *)", "?" },
		{ "cron(60 9 * * ? *)", "?" },
		{ "cron(0 9 * * ?)", "?" },
		{ "cron(0 9 L * ? *)", "?" },
		{ "rate(0 minutes)", "?" },
		{ "rate(5 parsecs)", "?" },
		{ "at(2026-13-02T10:00:00)", "?" },
		{ "", "?" },
		{ "cron()", "?" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		CHECK_STR(next(rows[i].text), rows[i].next, "%s", rows[i].text);
}
