/* Metric math over two series with a gap each. */
#include "services/cloudwatch/math.h"
#include "tests/check.h"

#include <math.h>
#include <stdio.h>

static double m1[] = { 1, 2, NAN, 4 }, m2[] = { 10, NAN, 30, 40 }, none[] = { NAN, NAN, NAN, NAN };
static struct math_line lines[] = { { m1, "m1" }, { m2, "m2" }, { none, "none" } };
static struct math_line both[] = { { m2, "m2" }, { m1, "m1" } };
static const struct math_series series[] = {
	{ BYTES("m1"), &lines[0], 1, MATH_SERIES, true },
	{ BYTES("m2"), &lines[1], 1, MATH_SERIES, true },
	{ BYTES("none"), &lines[2], 1, MATH_SERIES, false },
	{ BYTES("both"), both, 2, MATH_LIST, false },
};

static err_t search(void *owner, const struct math_search *search, struct math_line **ret_lines,
		    size_t *ret_count, struct text *why)
{
	(void)owner;
	(void)why;
	*ret_lines = both;
	*ret_count = bytes_eq_str(search->query, "nothing") ? 0 : 2;
	return ERR_OK;
}

static err_t type_of(void *owner, struct bytes id, enum math_type *ret_type)
{
	(void)owner;
	for (size_t i = 0; i < COUNT(series); i++) {
		*ret_type = series[i].type;
		if (bytes_eq(series[i].id, id))
			return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

static size_t add_line(char *out, size_t room, const double *slots)
{
	size_t len = 0;

	for (size_t i = 0; i < 4; i++)
		len += (size_t)(isnan(slots[i])
					? snprintf(out + len, room - len, "%s-", i ? " " : "")
					: snprintf(out + len, room - len, "%s%.15g", i ? " " : "",
						   slots[i]));
	return len;
}

/*
 * "1 2 - 4", "=3" for a number, "m1:1 2 - 4|m2:…" for a list, each line with what it is made of; a
 * sentence after "!" on failure. What is said before there are data has to be what comes of them.
 */
static const char *compute(const char *expression)
{
	static char out[1024];
	/* Friday, 2026-10-02T23:58:00Z */
	const struct math_grid grid = { .start_s = 1790985480,
					.period_s = 60,
					.count = 4,
					.series = series,
					.series_count = COUNT(series),
					.search = search };
	const struct math_node *root;
	struct math_value value = { 0 };
	struct text why = TEXT_INIT(256);
	enum math_type type = MATH_NUMBER;
	struct arena arena;
	size_t len = 0;
	err_t err, checked = ERR_OK;

	out[0] = '\0';
	arena_init(&arena, 1 << 20);
	err = math_parse(&arena, bytes_of(expression), &root, &why);
	if (!err) {
		checked = math_check(root, type_of, NULL, &type, &why);
		err = math_compute(&arena, root, &grid, &value, &why);
	}
	CHECK(!checked || err, "%s is refused before, and computed", expression);
	CHECK(err || type == value.type, "%s: type %d, value %d", expression, (int)type,
	      (int)value.type);
	if (err)
		snprintf(out, sizeof out, "!%s", text_str(&why));
	else if (value.type == MATH_NUMBER)
		snprintf(out, sizeof out, "=%.6g", value.number);
	for (size_t l = 0; !err && l < value.count; l++) {
		if (value.type == MATH_LIST)
			len += (size_t)snprintf(
				out + len, sizeof out - len, "%s%s:", l ? "|" : "",
				value.lines[l].origin ? (const char *)value.lines[l].origin : "");
		len += add_line(out + len, sizeof out - len, value.lines[l].slots);
	}
	text_fini(&why);
	arena_fini(&arena);
	return out;
}

TEST(expressions_come_to_what_they_say)
{
	static const struct {
		const char *expression, *want;
	} cases[] = {
		{ "1 + 2 * 3", "=7" },
		{ "(1 + 2) * 3", "=9" },
		{ "2 ^ 3 ^ 2", "=512" },
		{ "-2 ^ 2", "=-4" },
		{ "7 - 2 - 1", "=4" },
		{ "10 % 4", "=2" },
		{ "1.5e1", "=15" },
		{ "m1", "1 2 - 4" },
		{ "m1 + m2", "11 2 30 44" },
		{ "m2 / m1", "10 0 - 10" },
		{ "m1 + none", "1 2 - 4" },
		{ "m1 < m2", "1 0 1 1" },
		{ "m1 > 1 AND m2 > 1", "0 0 0 1" },
		{ "m1 / 0", "- - - -" },
		{ "-m1", "-1 -2 - -4" },
		{ "m1 >= 2", "0 1 - 1" },
		{ "m1 > 1 AND m1 < 4", "0 1 - 0" },
		{ "m1 == 1 || m1 == 4", "1 0 - 1" },
		{ "IF(m1 > 1, m1, 0)", "0 2 - 4" },
		{ "IF(m1, m2, 7)", "10 0 - 40" },
		{ "IF(m1 > 1, 7, m2)", "10 7 - 7" },
		{ "IF(1, m1)", "1 2 - 4" },
		{ "IF(0, m1)", "- - - -" },
		{ "IF(m1 > 1, m1)", "- 2 - 4" },
		{ "IF(1, 5, 6)", "=5" },
		{ "SUM(m1)", "=7" },
		{ "AVG(m2)", "=20" },
		{ "MIN(m1)", "=1" },
		{ "MAX(m1)", "=4" },
		{ "MAX(m1 * 2)", "=8" },
		{ "DATAPOINT_COUNT(m1)", "=3" },
		{ "SUM(METRICS())", "11 2 30 44" },
		{ "SUM(METRICS('m1'))", "1 2 - 4" },
		{ "MIN([m1, m2])", "1 2 30 4" },
		{ "AVG([m1, m2])", "5.5 1 15 22" },
		{ "SUM(m2) / DATAPOINT_COUNT(m2)", "=26.6667" },
		{ "AVG(none)", "=nan" },
		{ "SUM(METRICS() * 2)", "22 4 60 88" },
		{ "RATE(m1)", "- 0.0166666666666667 - 0.0166666666666667" },
		{ "DIFF(m1)", "- 1 - 2" },
		{ "RUNNING_SUM(m1)", "1 3 - 7" },
		{ "FILL(m1, 0)", "1 2 0 4" },
		{ "FILL(m1, REPEAT)", "1 2 2 4" },
		{ "FILL(m1, LINEAR)", "1 2 3 4" },
		{ "FILL(m1, m2)", "1 2 30 4" },
		{ "CEIL(m1 / 3)", "1 1 - 2" },
		{ "FLOOR(m1 / 3)", "0 0 - 1" },
		{ "ABS(0 - m1)", "1 2 - 4" },
		{ "PERIOD(m1)", "=60" },
		{ "DIFF_TIME(m1)", "- 60 - 120" },
		{ "TIME_SERIES(MAX(m1) * 2)", "8 8 8 8" },
		{ "m1 / METRIC_COUNT(METRICS())", "0.5 1 - 2" },
		{ "MINUTE(m1)", "58 59 0 1" },
		{ "HOUR(m1)", "23 23 0 0" },
		{ "DAY(m1)", "5 5 6 6" },
		{ "DATE(m1)", "2 2 3 3" },
		{ "MONTH(none)", "10 10 10 10" },
		{ "YEAR(m1)", "2026 2026 2026 2026" },
		{ "EPOCH(m1) - 1790985480", "0 60 120 180" },
		{ "IF(DAY(m1) < 6 AND HOUR(m1) >= 9, m1)", "1 2 - -" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_STR(compute(cases[i].expression), cases[i].want, "%s", cases[i].expression);
}

#define M1 "m1:1 2 - 4"
#define M2 "m2:10 - 30 40"

TEST(lists_keep_what_they_are_made_of)
{
	static const struct {
		const char *expression, *want;
	} cases[] = {
		{ "METRICS()", M1 "|" M2 },
		{ "METRICS('2')", M2 },
		{ "METRICS('9')", "" },
		{ "both", M2 "|" M1 },
		{ "[m2, m1]", M2 "|" M1 },
		{ "[METRICS('1'), m2]", M1 "|" M2 },
		{ "METRICS() / 10", "m1:0.1 0.2 - 0.4|m2:1 - 3 4" },
		{ "-METRICS('1')", "m1:-1 -2 - -4" },
		{ "METRICS() - none", M1 "|" M2 },
		{ "[m1, m2] + [m2, m1]", ":11 2 30 44|:11 2 30 44" },
		{ "[m1 + m2]", ":11 2 30 44" },
		{ "FILL(METRICS(), 0)", "m1:1 2 0 4|m2:10 0 30 40" },
		{ "DIFF_TIME(METRICS())", "m1:- 60 - 120|m2:- - 120 60" },
		{ "SORT(METRICS(), AVG, DESC)", M2 "|" M1 },
		{ "SORT(METRICS(), MIN, ASC)", M1 "|" M2 },
		{ "SORT(METRICS(), MAX, DESC, 1)", M2 },
		{ "SORT([none, m1, m2], SUM, DESC)", M2 "|" M1 "|none:- - - -" },
		{ "SORT([none, m1, m2], SUM, ASC, 2)", M1 "|" M2 },
		{ "SORT([m2, m2 * 0, m1 * 0], SUM, ASC)", "m2:0 - 0 0|m1:0 0 - 0|" M2 },
		{ "SLICE(METRICS(), 1)", M2 },
		{ "SLICE(METRICS(), 0, 1)", M1 },
		{ "SLICE(METRICS(), 1, 9)", M2 },
		{ "SLICE(METRICS(), 5)", "" },
		{ "SLICE(METRICS(), 1, 1)", "" },
		{ "REMOVE_EMPTY([none, m2, none])", M2 },
		{ "SEARCH('{x}', 'Sum', 60)", M2 "|" M1 },
		{ "SEARCH('{x}', 'Sum')", M2 "|" M1 },
		{ "SEARCH('nothing', 'Sum', 60) * 2", "" },
		{ "FIRST(SORT(METRICS(), AVG, DESC))", "10 - 30 40" },
		{ "LAST(METRICS())", "10 - 30 40" },
		{ "LAST(METRICS('9'))", "- - - -" },
		{ "SUM(SEARCH('nothing', 'Sum', 60))", "- - - -" },
		{ "SUM(both)", "11 2 30 44" },
		{ "METRIC_COUNT(SEARCH('nothing', 'Sum', 60))", "=0" },
		{ "IF(FIRST(SORT(METRICS(), AVG, DESC)) > 10, 1, 0)", "0 - 1 1" },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_STR(compute(cases[i].expression), cases[i].want, "%s", cases[i].expression);
}

TEST(what_makes_no_sense_is_refused_in_words)
{
	static const struct {
		const char *expression, *want;
	} cases[] = {
		{ "", "!a value is missing at position 0" },
		{ "1 +", "!a value is missing at position 3" },
		{ "m1 m2", "!something follows the expression at position 3" },
		{ "(1", "!a closing bracket is missing at position 2" },
		{ "m9", "!the id m9 is unknown" },
		{ "SUM(3)", "!argument 1 of SUM has to be a series or a list of them" },
		{ "FIRST(m1)",
		  "!argument 1 of FIRST has to be a list of series, such as METRICS() or [m1, "
		  "m2]" },
		{ "TIME_SERIES(m1)", "!argument 1 of TIME_SERIES has to be a number" },
		{ "HOUR(METRICS())", "!argument 1 of HOUR has to be one series" },
		{ "IF(METRICS(), 1, 2)", "!argument 1 of IF has to be a number or one series" },
		{ "FILL(m1, DESC)",
		  "!argument 2 of FILL has to be a number, one series, REPEAT or LINEAR" },
		{ "SORT(METRICS(), LINEAR, DESC)",
		  "!SORT takes a list, one of AVG, MIN, MAX and SUM, and ASC or DESC" },
		{ "SORT(METRICS(), AVG)",
		  "!a function has a wrong number of arguments at position 20" },
		{ "[m1, 2]", "!a list holds series, not numbers" },
		{ "METRICS() + [m1]", "m1:2 4 - 8|:11 2 30 44" },
		{ "METRICS() + [m1, m1, m1]",
		  "!two lists of different lengths cannot be combined" },
		{ "SEARCH('{x}', 'Sum', 30 * 2)",
		  "!the period of SEARCH has to be a number of seconds, the same in all of the "
		  "expression" },
		{ "SUM(m1, MAX)", "!a function has a wrong number of arguments at position 12" },
		{ "SERVICE_QUOTA(m1)",
		  "!SERVICE_QUOTA is not available here: there are no usage metrics" },
		{ "IF(1)", "!a function has a wrong number of arguments at position 5" },
		{ "SEARCH('x')", "!a function has a wrong number of arguments at position 11" },
		{ "BOGUS(m1)", "!the function BOGUS is not available" },
		{ "'x", "!a quote is not closed at position 1" },
		{ "1..2", "!a number is malformed at position 0" },
		{ "REPEAT", "!a word stands where a value belongs" },
	};
	char deep[512];

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_STR(compute(cases[i].expression), cases[i].want, "%s", cases[i].expression);
	memset(deep, '(', sizeof deep);
	deep[sizeof deep - 1] = '\0';
	CHECK(strstr(compute(deep), "nested too deeply") != NULL);
	memset(deep, '-', sizeof deep - 1);
	CHECK(strstr(compute(deep), "nested too deeply") != NULL);
}

TEST(a_name_too_long_for_a_sentence_is_shown_in_part)
{
	char expression[512], want[64];

	memset(expression, 'a', sizeof expression);
	expression[sizeof expression - 1] = '\0';
	snprintf(want, sizeof want, "!the id %.*s", 40, expression);
	CHECK(strncmp(compute(expression), want, strlen(want)) == 0, "%s", compute(expression));
	memset(expression, 'A', sizeof expression - 2);
	expression[sizeof expression - 2] = '(';
	snprintf(want, sizeof want, "!the function %.*s", 40, expression);
	CHECK(strncmp(compute(expression), want, strlen(want)) == 0, "%s", compute(expression));
}
