/* The alarm machine, as tables. X breaches, 0 does not, - is missing; oldest first. */
#include "services/cloudwatch/alarm.h"
#include "tests/check.h"

static enum alarm_state decide(const char *points, unsigned n, unsigned m,
			       enum alarm_missing missing, enum alarm_state was)
{
	struct alarm_rule rule = { .comparison = ALARM_GREATER,
				   .missing = missing,
				   .threshold = 10,
				   .periods = n,
				   .to_alarm = m };
	struct alarm_point at[16] = { 0 };
	struct text reason = TEXT_INIT(1024);
	enum alarm_state state;

	CHECK_EQ(strlen(points), n + ALARM_EXTRA_PERIODS);
	for (size_t i = 0; points[i]; i++)
		at[i] = (struct alarm_point){ .present = points[i] != '-',
					      .value = points[i] == 'X' ? 11 : 10,
					      .at_s = 60 * (int64_t)i };
	state = alarm_decide(&rule, at, was, &reason);
	CHECK((state != was) == (reason.len > 0), "%s", points);
	text_fini(&reason);
	return state;
}

enum { KEEP = -1, NONE = ALARM_INSUFFICIENT_DATA, OK = ALARM_OK, ALRM = ALARM_ALARM };

static const struct {
	const char *points;
	unsigned n, m;
	int missing, ignore, breaching, not_breaching;
} rows[] = {
	/* three of three */
	{ "0-X-X", 3, 3, OK, OK, OK, OK },
	{ "----0", 3, 3, OK, OK, OK, OK },
	{ "-----", 3, 3, NONE, KEEP, ALRM, OK },
	{ "0XX-X", 3, 3, ALRM, ALRM, ALRM, ALRM },
	{ "--X--", 3, 3, ALRM, KEEP, ALRM, OK },
	{ "----X", 3, 3, KEEP, KEEP, ALRM, OK },
	{ "00000", 3, 3, OK, OK, OK, OK },
	{ "XXXXX", 3, 3, ALRM, ALRM, ALRM, ALRM },
	{ "XX0XX", 3, 3, OK, OK, OK, OK },
	{ "XX---", 3, 3, ALRM, KEEP, ALRM, OK },
	/* two of three */
	{ "0-X-X", 3, 2, ALRM, ALRM, ALRM, ALRM },
	{ "00X0X", 3, 2, ALRM, ALRM, ALRM, ALRM },
	{ "0-X--", 3, 2, OK, OK, ALRM, OK },
	{ "----0", 3, 2, OK, OK, ALRM, OK },
	{ "---X-", 3, 2, ALRM, KEEP, ALRM, OK },
	{ "-----", 3, 2, NONE, KEEP, ALRM, OK },
	{ "00X00", 3, 2, OK, OK, OK, OK },
	/* one of one: a late point still counts */
	{ "--X", 1, 1, ALRM, ALRM, ALRM, ALRM },
	{ "--0", 1, 1, OK, OK, OK, OK },
	{ "---", 1, 1, NONE, KEEP, ALRM, OK },
	{ "0X-", 1, 1, ALRM, ALRM, ALRM, ALRM },
	{ "X0-", 1, 1, OK, OK, OK, OK },
};

TEST(states_follow_the_points_for_every_way_to_treat_what_is_missing)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const int want[ALARM_MISSINGS] = { rows[i].missing, rows[i].ignore,
						   rows[i].breaching, rows[i].not_breaching };

		for (enum alarm_missing missing = 0; missing < ALARM_MISSINGS; missing++)
			for (enum alarm_state was = 0; was <= ALARM_ALARM; was++)
				CHECK_EQ(decide(rows[i].points, rows[i].n, rows[i].m, missing, was),
					 want[missing] == KEEP ? (int)was : want[missing],
					 "%s, %u of %u, %s, was %s", rows[i].points, rows[i].m,
					 rows[i].n, alarm_missing_names[missing],
					 alarm_state_names[was]);
	}
}

TEST(every_comparison_looks_at_both_sides_and_at_the_threshold_itself)
{
	static const struct {
		enum alarm_comparison comparison;
		bool below, at, above;
	} cases[] = {
		{ ALARM_GREATER_OR_EQUAL, false, true, true },
		{ ALARM_GREATER, false, false, true },
		{ ALARM_LESS, true, false, false },
		{ ALARM_LESS_OR_EQUAL, true, true, false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct alarm_rule rule = { .comparison = cases[i].comparison, .threshold = 5 };

		CHECK_EQ(alarm_breaches(&rule, 4.9), cases[i].below, "%zu", i);
		CHECK_EQ(alarm_breaches(&rule, 5), cases[i].at, "%zu", i);
		CHECK_EQ(alarm_breaches(&rule, 5.1), cases[i].above, "%zu", i);
	}
}

TEST(a_percentile_of_too_few_samples_changes_nothing_when_told_so)
{
	struct alarm_point points[3] = {
		[2] = { .present = true, .value = 11, .low_samples = true }
	};
	struct alarm_rule rule = {
		.comparison = ALARM_GREATER, .threshold = 10, .periods = 1, .to_alarm = 1
	};
	struct text reason = TEXT_INIT(1024);

	CHECK_EQ(alarm_decide(&rule, points, ALARM_OK, &reason), ALARM_ALARM);
	rule.ignore_low_samples = true;
	CHECK_EQ(alarm_decide(&rule, points, ALARM_OK, &reason), ALARM_OK);
	text_fini(&reason);
}

TEST(the_reason_is_in_awss_words)
{
	struct alarm_point points[3] = {
		[2] = { .present = true, .value = 35.5, .at_s = 1790935200 } /* 2026-10-02 10:00 */
	};
	struct alarm_rule rule = {
		.comparison = ALARM_GREATER, .threshold = 30, .periods = 1, .to_alarm = 1
	};
	struct text reason = TEXT_INIT(1024);

	alarm_decide(&rule, points, ALARM_OK, &reason);
	CHECK_STR(
		text_str(&reason),
		"Threshold Crossed: 1 out of the last 1 datapoints [35.5 (02/10/26 10:00:00)] was greater "
		"than the threshold (30) (minimum 1 datapoint for OK -> ALARM transition).");
	text_fini(&reason);
}
