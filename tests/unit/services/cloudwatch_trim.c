/* Statistics of a part of the samples: of 1, 2 … 100, and of one value alone. */
#include "services/cloudwatch/trim.h"
#include "tests/check.h"

#include <math.h>

TEST(a_part_of_the_samples_is_what_the_bounds_say)
{
	static const struct {
		const char *stat;
		double want;
	} cases[] = {
		{ "tm90", 45.5 },
		{ "TM(10%:90%)", 50.5 },
		{ "TM(:90%)", 45.5 },
		{ "TM(90%:)", 95.5 },
		{ "TM(50.5:60.5)", 55.5 },
		{ "TM(97.5:)", 99 },
		{ "IQM", 50.5 },
		{ "wm90", 49.95 },
		{ "WM(10%:90%)", 50.5 },
		{ "WM(:50)", 37.75 },
		{ "tc90", 90 },
		{ "TC(10.5:20.5)", 10 },
		{ "ts10", 55 },
		{ "TS(:10.5)", 55 },
		{ "PR(:50.5)", 50 },
		{ "PR(20.5:50.5)", 30 },
		{ "tm100", 50.5 },
		{ "TM( 10% : 90% )", 50.5 },
		{ "PR(-5:1000)", 100 },
	};
	struct point point = { .count = 0 };

	for (int i = 1; i <= 100; i++)
		CHECK_OK(point_merge(&point,
				     &(struct point){ .count = 1, .sum = i, .min = i, .max = i }));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct trim trim;
		double got;

		CHECK(trim_parse(cases[i].stat, &trim), "%s", cases[i].stat);
		got = trim_value(&point, &trim);
		CHECK(fabs(got - cases[i].want) <= 0.011 * cases[i].want + 1e-9, "%s is %g, not %g",
		      cases[i].stat, got, cases[i].want);
	}
	point_fini(&point);
}

TEST(one_value_is_in_or_out)
{
	const struct point point = { .count = 4, .sum = 20, .min = 5, .max = 5 };
	struct trim trim;

	CHECK(trim_parse("tm50", &trim) && fabs(trim_value(&point, &trim) - 5) < 1e-9);
	CHECK(trim_parse("TC(:5)", &trim) && fabs(trim_value(&point, &trim) - 4) < 1e-9);
	CHECK(trim_parse("PR(5:)", &trim) && fabs(trim_value(&point, &trim)) < 1e-9);
	CHECK(trim_parse("TM(5:9)", &trim) && isnan(trim_value(&point, &trim)));
	CHECK(trim_parse("WM(:3)", &trim) && fabs(trim_value(&point, &trim) - 3) < 1e-9);
}

TEST(what_is_no_such_statistic_is_refused)
{
	static const char *const bad[] = { "",		"tm",	   "tm0",     "tm101",
					   "tm-1",	"TM()",	   "TM(:)",   "TM(5)",
					   "TM(5%:60)", "TM(9:5)", "TM(5:5)", "TM(a:b)",
					   "PR(5%:9%)", "pr90",	   "xm90",    "TM(1:2",
					   "TM(:101%)", "p90",	   "IQM2",    "tm9x" };
	struct trim trim;

	for (size_t i = 0; i < COUNT(bad); i++)
		CHECK(!trim_parse(bad[i], &trim), "%s", bad[i]);
}
