#include "telemetry/end_reason.h"
#include "telemetry/metrics.h"
#include "tests/check.h"

TEST(every_value_falls_into_the_bucket_that_holds_it)
{
	for (uint64_t us = 0; us < 200000; us++) {
		unsigned bucket = histogram_bucket(us);

		CHECK(us <= histogram_bucket_limit(bucket), "%llu us", (unsigned long long)us);
		CHECK(bucket == 0 || us > histogram_bucket_limit(bucket - 1), "%llu us",
		      (unsigned long long)us);
	}
	CHECK_EQ(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	CHECK(histogram_bucket_limit(HISTOGRAM_BUCKETS - 1) >= 4ull * 3600 * 1000000,
	      "four hours fit");
}

TEST(a_quantile_is_within_a_quarter_of_the_value)
{
	struct metrics m = { 0 };

	for (uint64_t i = 1; i <= 1000; i++)
		metrics_observe(&m, HISTOGRAM_FIRST_BYTE, i * 1000);
	uint64_t p50 = histogram_quantile(&m.histograms[HISTOGRAM_FIRST_BYTE], 0.5);
	uint64_t p99 = histogram_quantile(&m.histograms[HISTOGRAM_FIRST_BYTE], 0.99);

	CHECK(p50 >= 500000 && p50 <= 625000, "p50 is %llu", (unsigned long long)p50);
	CHECK(p99 >= 990000 && p99 <= 1237500, "p99 is %llu", (unsigned long long)p99);
}

TEST(sums_add_up)
{
	struct metrics a = { 0 }, b = { 0 };

	metrics_add(&a, COUNTER_REQUESTS, 3);
	metrics_add(&b, COUNTER_REQUESTS, 4);
	metrics_gauge(&b, GAUGE_STREAMS_ACTIVE, -1);
	metrics_observe(&b, HISTOGRAM_FIRST_EVENT, 100);
	metrics_sum(&a, &b);
	CHECK_EQ(a.counters[COUNTER_REQUESTS], 7);
	CHECK_EQ(a.gauges[GAUGE_STREAMS_ACTIVE], -1);
	CHECK_EQ(a.histograms[HISTOGRAM_FIRST_EVENT].count, 1);
}

TEST(prometheus_text_names_each_family_once_and_only_the_levels_that_apply)
{
	struct metrics lb = { 0 }, group = { 0 };
	struct text out = TEXT_INIT(1 << 20);
	const struct metrics_labelled sets[] = {
		{ BYTES("load_balancer=\"app/a/1\""), &lb, 'L' },
		{ BYTES("target_group=\"targetgroup/b/2\""), &group, 'T' },
	};
	const char *help;

	metrics_add(&lb, COUNTER_REDIRECTS, 5);
	metrics_prometheus(&out, sets, COUNT(sets));
	CHECK_OK(text_err(&out));
	CHECK(strstr(text_str(&out), "weir_redirects_total{load_balancer=\"app/a/1\"} 5\n"));
	CHECK(!strstr(text_str(&out), "weir_redirects_total{target_group"));
	help = strstr(text_str(&out), "# HELP weir_requests_total ");
	CHECK(help && !strstr(help + 1, "# HELP weir_requests_total "));
	text_fini(&out);
}

TEST(every_end_reason_has_a_row)
{
	for (int i = 0; i < END_REASON_COUNT; i++) {
		const struct end_reason_row *row = end_reason_row((enum end_reason)i);

		CHECK(row->name[0] && row->words[0], "reason %d", i);
		CHECK(row->status == 0 || (row->status >= 400 && row->status < 600), "%s",
		      row->name);
	}
}
