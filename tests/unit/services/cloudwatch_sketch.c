/* The sketch's stated error, merging, points, and what the journal keeps of them. */
#include "services/cloudwatch/journal.h"
#include "services/cloudwatch/series.h"
#include "tests/check.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static int by_value(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static uint64_t seed = 1;

static double random_unit(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(seed >> 11) / (double)(1ull << 53);
}

TEST(a_quantile_is_within_one_percent_of_a_real_value)
{
	enum { N = 5000 };
	static double values[N];

	for (int kind = 0; kind < 3; kind++) {
		struct sketch sketch = { 0 };

		for (size_t i = 0; i < N; i++) {
			double u = random_unit();

			values[i] = kind == 0	? u * 1000
				    : kind == 1 ? pow(10, u * 12 - 6)
						: u - 0.5;
			CHECK_OK(sketch_add(&sketch, values[i], 1));
		}
		qsort(values, N, sizeof values[0], by_value);
		for (int percent = 1; percent < 100; percent++) {
			double got = sketch_quantile(&sketch, percent / 100.0);
			double want = values[(size_t)ceil(N * percent / 100.0) - 1];

			CHECK(fabs(got - want) <= SKETCH_ERROR * 1.001 * fabs(want),
			      "kind %d, p%d: %g, not %g", kind, percent, got, want);
		}
		sketch_fini(&sketch);
	}
}

TEST(merged_sketches_say_what_one_of_all_would)
{
	struct sketch parts[2] = { { 0 } }, whole = { 0 };

	for (int i = 1; i <= 1000; i++) {
		CHECK_OK(sketch_add(&parts[i % 2], i, 1));
		CHECK_OK(sketch_add(&whole, i, 1));
	}
	CHECK_OK(sketch_merge(&parts[0], &parts[1]));
	for (int percent = 0; percent <= 100; percent++)
		CHECK(sketch_quantile(&parts[0], percent / 100.0) ==
		      sketch_quantile(&whole, percent / 100.0));
	sketch_fini(&parts[0]);
	sketch_fini(&parts[1]);
	sketch_fini(&whole);
}

TEST(a_sketch_stays_small_whatever_comes)
{
	struct sketch sketch = { 0 };

	for (int i = 0; i < 20000; i++)
		CHECK_OK(sketch_add(&sketch, pow(10, random_unit() * 100 - 50), 1));
	CHECK(sketch.count <= SKETCH_BUCKETS_MAX);
	CHECK_ERR(sketch_add_bucket(&sketch, 1 << 30, 1), ERR_RANGE);
	sketch_fini(&sketch);
}

static struct metric_name name_of(const char *name)
{
	return (struct metric_name){ .unit = BYTES("Count"),
				     .name_space = BYTES("Test"),
				     .name = bytes_of(name),
				     .dimensions = { { BYTES("b"), BYTES("2") },
						     { BYTES("a"), BYTES("1") } },
				     .dimension_count = 2 };
}

static void add(struct series_set *set, const char *name, int64_t at_s, double value)
{
	struct metric_name metric = name_of(name);
	struct point point = { .at_s = at_s, .count = 1, .sum = value, .min = value, .max = value };

	metric_sort(&metric);
	CHECK_OK(series_add(set, &metric, &point, SERIES_FINE | SERIES_COARSE));
}

static struct point collect(const struct series_set *set, const char *name, int64_t from_s,
			    int64_t to_s, bool fine)
{
	struct metric_name metric = name_of(name);
	struct point point = { .at_s = -1 };
	struct series *series;

	metric_sort(&metric);
	series = series_find(set, &metric);
	CHECK(series != NULL);
	CHECK_OK(series_collect(series, from_s, to_s, fine, &point));
	return point;
}

TEST(points_are_kept_by_the_second_and_by_the_minute_in_any_order)
{
	static const int times[] = { 125, 60, 119, 61, 120, 59, 60 };
	struct series_set set;
	struct point point;

	series_set_init(&set);
	for (size_t i = 0; i < COUNT(times); i++)
		add(&set, "m", times[i], times[i]);
	CHECK_EQ(set.points, 6 + 3);
	point = collect(&set, "m", 60, 62, true);
	CHECK_EQ(point.count, 3);
	CHECK_EQ(point.max, 61);
	point_fini(&point);
	point = collect(&set, "m", 60, 120, false);
	CHECK_EQ(point.sum, 60 + 119 + 61 + 60);
	CHECK_EQ(point.min, 60);
	point_fini(&point);
	point = collect(&set, "m", 300, 360, false);
	CHECK_EQ(point.at_s, -1, "nothing there");
	series_set_fini(&set);
}

TEST(what_is_old_goes_and_a_series_with_its_last_point)
{
	struct series_set set;
	struct point point;

	series_set_init(&set);
	add(&set, "m", 1000, 1);
	series_trim(&set, 1000 + FINE_SECONDS + 1);
	point = collect(&set, "m", 1000, 1001, true);
	CHECK_EQ(point.at_s, -1, "the second is gone");
	point = collect(&set, "m", 960, 1020, false);
	CHECK_EQ(point.count, 1, "the minute is not");
	point_fini(&point);
	series_trim(&set, 1000 + COARSE_SECONDS + 60);
	CHECK_EQ(set.count, 0);
	CHECK_EQ(set.points, 0);
	series_set_fini(&set);
}

static void write_line(struct journal *journal, struct series_set *set, double value)
{
	struct metric_name metric = name_of("kept");
	struct point point = { .at_s = 600, .count = 1, .sum = value, .min = value, .max = value };
	struct text key = TEXT_INIT(KEY_BYTES_MAX);

	metric_sort(&metric);
	metric_key(&metric, &key);
	CHECK_OK(series_add_by_key(set, text_bytes(&key), &point, SERIES_FINE | SERIES_COARSE));
	journal_note(journal, text_bytes(&key), &point, SERIES_FINE | SERIES_COARSE);
	CHECK_OK(journal_write(journal));
	text_fini(&key);
}

/* What a restart reads; the torn end of a log is left out. */
static double read_back(const char *folder)
{
	struct series_set set;
	struct journal *journal;
	struct point point;
	double sum;

	series_set_init(&set);
	CHECK_OK(journal_open(folder, &set, 700, &journal));
	point = collect(&set, "kept", 600, 660, false);
	sum = point.sum;
	CHECK(fabs(point.count - 2) < 1e-9 && point.min == 1 && point.max == 41);
	point_fini(&point);
	journal_close(journal);
	series_set_fini(&set);
	return sum;
}

TEST(the_journal_survives_a_torn_end_and_restarts)
{
	char folder[] = "/tmp/weir-journal-XXXXXX", path[64];
	struct series_set set;
	struct journal *journal;
	FILE *file;

	CHECK(mkdtemp(folder) != NULL);
	series_set_init(&set);
	CHECK_OK(journal_open(folder, &set, 700, &journal));
	write_line(journal, &set, 1);
	write_line(journal, &set, 41);
	journal_close(journal);
	series_set_fini(&set);
	snprintf(path, sizeof path, "%s/samples-1.log", folder);
	file = fopen(path, "a");
	CHECK(file != NULL);
	fputs("3 600 1 1 1 1\tCount\x1f"
	      "damaged\n3 600 1 5",
	      file);
	fclose(file);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(read_back(folder), 42, "restart %d", i);
	snprintf(path, sizeof path, "rm -r %s", folder);
	CHECK_EQ(system(path), 0);
}

TEST(a_line_with_a_changed_byte_is_no_line)
{
	static const char line[] = "3 600 1 2 2 2\tCount\x1fTest\x1fm\x1f\t0000000000000000";
	struct bytes key;
	struct point point;
	unsigned rings;

	CHECK_ERR(journal_parse(BYTES_NONE, &key, &point, &rings), ERR_SYNTAX);
	CHECK_ERR(journal_parse(bytes_of(line), &key, &point, &rings), ERR_SYNTAX);
}
