/* Dynamic labels over four minutes: 3, none, 1, 2. */
#include "services/cloudwatch/labels.h"
#include "tests/check.h"

#include <math.h>

static const double slots[] = { 3, NAN, 1, 2.5 }, none[] = { NAN, NAN, NAN, NAN };
static const struct dimension dimensions[] = { { BYTES("LoadBalancer"), BYTES("app/x/1") } };
static const struct metric_origin origin = { .label = BYTES("RequestCount"),
					     .name_space = BYTES("AWS/ApplicationELB"),
					     .name = BYTES("RequestCount"),
					     .dimensions = dimensions,
					     .dimension_count = 1,
					     .stat = "Sum",
					     .account = "000000000000",
					     .region = "us-east-1",
					     .period_s = 60 };

static void check(const char *label, const double *values, int zone_s, const char *want)
{
	const struct label_line line = { .label = BYTES("requests"),
					 .origin = &origin,
					 .slots = values,
					 .count = 4,
					 .start_s = 1790985480, /* 2026-10-02T23:58:00Z */
					 .period_s = 60,
					 .now_s = 1790985480 + 3900,
					 .zone_s = zone_s };
	struct text out = TEXT_INIT(1024), why = TEXT_INIT(512);

	CHECK_OK(label_check(bytes_of(label), &why), "%s: %s", label, text_str(&why));
	label_write(bytes_of(label), &line, &out);
	CHECK_STR(text_str(&out), want, "%s", label);
	text_fini(&out);
	text_fini(&why);
}

TEST(variables_of_a_label_are_written_out)
{
	static const struct {
		const char *label, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "$ {x} $", "$ {x} $" },
		{ "${MAX", "${MAX" },
		{ "max ${MAX}, min ${ MIN }", "max 3, min 1" },
		{ "${AVG}|${SUM}|${DATAPOINT_COUNT}", "2.16667|6.5|3" },
		{ "${FIRST} to ${LAST}", "3 to 2.5" },
		{ "${FIRST_LAST_RANGE} ${MIN_MAX_RANGE}", "0.5 2" },
		{ "${FIRST_LAST_TIME_RANGE} ${MIN_MAX_TIME_RANGE}", "3m 2m" },
		{ "${MIN_TIME} ${MAX_TIME}", "2026-10-03T00:00:00Z 2026-10-02T23:58:00Z" },
		{ "${FIRST_TIME_RELATIVE}, ${LAST_TIME_RELATIVE}", "1h 5m, 1h 2m" },
		{ "[${LABEL}]", "[requests]" },
		{ "${PROP('Namespace')} ${PROP('MetricName')}", "AWS/ApplicationELB RequestCount" },
		{ "${PROP('Dim.LoadBalancer')}/${PROP('Dim.x')}", "app/x/1/" },
		{ "${PROP('Stat')} ${PROP('Period')} ${PROP(\"Region\")} ${PROP('AccountId')}",
		  "Sum 60 us-east-1 000000000000" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		check(cases[i].label, slots, 0, cases[i].want);
	check("${LAST}, ${DATAPOINT_COUNT}, ${MAX_TIME}", none, 0, "--, 0, --");
	check("${MAX_TIME}", slots, 5400, "2026-10-03T01:28:00+01:30");
	check("${MAX_TIME}", slots, -3600, "2026-10-02T22:58:00-01:00");
}

TEST(labels_that_cannot_be_are_refused_in_words)
{
	static const char *const bad[] = { "${X}",
					   "${}",
					   "${PROP('Dim.')}",
					   "${PROP('x')}",
					   "${PROP(Stat)}",
					   "${LABEL}${LABEL}",
					   "${MIN}${MIN}${MIN}${MIN}${MIN}${MIN}" };

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct text why = TEXT_INIT(512);

		CHECK_ERR(label_check(bytes_of(bad[i]), &why), ERR_INVALID, "%s", bad[i]);
		CHECK(why.len, "%s says nothing", bad[i]);
		text_fini(&why);
	}
}

TEST(time_zones_are_four_digits_and_a_sign)
{
	static const struct {
		const char *text;
		err_t err;
		int seconds;
	} cases[] = {
		{ "+0130", ERR_OK, 5400 },   { "-0800", ERR_OK, -28800 },
		{ "+0000", ERR_OK, 0 },	     { "0130", ERR_SYNTAX, 0 },
		{ "+0160", ERR_SYNTAX, 0 },  { "+9999", ERR_SYNTAX, 0 },
		{ "+01:30", ERR_SYNTAX, 0 }, { "+1", ERR_SYNTAX, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int seconds = 0;

		CHECK_ERR(label_zone(bytes_of(cases[i].text), &seconds), cases[i].err, "%s",
			  cases[i].text);
		CHECK_EQ(seconds, cases[i].seconds);
	}
}
