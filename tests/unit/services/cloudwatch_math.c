/* Metric math over two series with a gap each. */
#include "services/cloudwatch/math.h"
#include "tests/check.h"

#include <math.h>
#include <stdio.h>

static double m1[] = { 1, 2, NAN, 4 }, m2[] = { 10, NAN, 30, 40 };
static const struct math_series series[] = {
	{ BYTES("m1"), m1, true },
	{ BYTES("m2"), m2, true },
};

/* "1 2 - 4", or "=3" for a number; a sentence after "!" on failure. */
static const char *compute(const char *expression)
{
	static char out[512];
	const struct math_grid grid = {
		.period_s = 60, .count = 4, .series = series, .series_count = 2
	};
	const struct math_node *root;
	struct math_value value = { 0 };
	struct text why = TEXT_INIT(256);
	struct arena arena;
	size_t len = 0;
	err_t err;

	arena_init(&arena, 1 << 20);
	err = math_parse(&arena, bytes_of(expression), &root, &why);
	if (!err)
		err = math_compute(&arena, root, &grid, &value, &why);
	if (err)
		snprintf(out, sizeof out, "!%s", text_str(&why));
	else if (value.scalar)
		snprintf(out, sizeof out, "=%g", value.number);
	for (size_t i = 0; !err && !value.scalar && i < 4; i++)
		len += (size_t)(isnan(value.lists[0][i])
					? snprintf(out + len, sizeof out - len, "%s-", i ? " " : "")
					: snprintf(out + len, sizeof out - len, "%s%g",
						   i ? " " : "", value.lists[0][i]));
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
		{ "m1 + m2", "11 - - 44" },
		{ "m1 / 0", "- - - -" },
		{ "-m1", "-1 -2 - -4" },
		{ "m1 >= 2", "0 1 - 1" },
		{ "m1 > 1 AND m1 < 4", "0 1 - 0" },
		{ "m1 == 1 || m1 == 4", "1 0 - 1" },
		{ "IF(m1 > 1, m1, 0)", "0 2 0 4" },
		{ "IF(m1 > 1, m1)", "- 2 - 4" },
		{ "IF(1, 5, 6)", "=5" },
		{ "SUM(m1)", "=7" },
		{ "AVG(m2)", "=26.6667" },
		{ "MIN(m1)", "=1" },
		{ "MAX(m1)", "=4" },
		{ "MAX(m1 * 2)", "=8" },
		{ "DATAPOINT_COUNT(m1)", "=3" },
		{ "SUM(METRICS())", "11 2 30 44" },
		{ "SUM(METRICS('m1'))", "1 2 - 4" },
		{ "MIN([m1, m2])", "1 2 30 4" },
		{ "AVG([m1, m2])", "5.5 2 30 22" },
		{ "SUM(METRICS() * 2)", "22 4 60 88" },
		{ "RATE(m1)", "- 0.0166667 - 0.0166667" },
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
		{ "SUM(3)", "!this function needs a series" },
		{ "IF(1)", "!a function has a wrong number of arguments at position 5" },
		{ "SEARCH('x')", "!the function SEARCH is not available" },
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
