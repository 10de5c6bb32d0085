#include "telemetry/metrics.h"

#define STRING_CHAR(level) (#level[0])

const struct metric_row counter_rows[COUNTER_COUNT] = {
#define COUNTER(id, aws, level, prometheus, help) \
	[COUNTER_##id] = { aws, prometheus, help, STRING_CHAR(level) },
#define GAUGE(id, aws, level, prometheus, help)
#define HISTOGRAM(id, aws, level, prometheus, help)
#include "telemetry/metrics.def"
#undef COUNTER
#undef GAUGE
};

const struct metric_row gauge_rows[GAUGE_COUNT] = {
#define COUNTER(id, aws, level, prometheus, help)
#define GAUGE(id, aws, level, prometheus, help) \
	[GAUGE_##id] = { aws, prometheus, help, STRING_CHAR(level) },
#include "telemetry/metrics.def"
#undef GAUGE
#undef HISTOGRAM
};

const struct metric_row histogram_rows[HISTOGRAM_COUNT] = {
#define GAUGE(id, aws, level, prometheus, help)
#define HISTOGRAM(id, aws, level, prometheus, help) \
	[HISTOGRAM_##id] = { aws, prometheus, help, STRING_CHAR(level) },
#include "telemetry/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
};

/* Bucket 0 holds up to 64 us; bucket 4k+j (j 1-4) ends at 64·2^k·(1 + j/4). */
unsigned histogram_bucket(uint64_t us)
{
	unsigned doubling, quarter, index;

	if (us <= 64)
		return 0;
	us--; /* limits are inclusive */
	doubling = 63u - (unsigned)__builtin_clzll(us) - 6u;
	quarter = (unsigned)(us >> (doubling + 4)) & 3u;
	index = doubling * 4 + quarter + 1;
	return index < HISTOGRAM_BUCKETS ? index : HISTOGRAM_BUCKETS - 1;
}

uint64_t histogram_bucket_limit(unsigned index)
{
	unsigned doubling, quarter;

	assert(index < HISTOGRAM_BUCKETS);
	if (index == 0)
		return 64;
	doubling = (index - 1) / 4;
	quarter = (index - 1) % 4 + 1;
	return ((uint64_t)64 << doubling) + ((uint64_t)quarter << doubling) * 16;
}

void metrics_observe(struct metrics *m, enum metric_histogram id, uint64_t us)
{
	struct histogram *h = &m->histograms[id];
	_Atomic uint32_t *bucket = &h->buckets[histogram_bucket(us)];

	atomic_store_explicit(&h->count, atomic_load_explicit(&h->count, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	atomic_store_explicit(&h->sum_us,
			      atomic_load_explicit(&h->sum_us, memory_order_relaxed) + us,
			      memory_order_relaxed);
	atomic_store_explicit(bucket, atomic_load_explicit(bucket, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

void histogram_observe(struct histogram *h, uint64_t us)
{
	atomic_fetch_add_explicit(&h->buckets[histogram_bucket(us)], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
}

void metrics_sum(struct metrics *into, const struct metrics *from)
{
	for (size_t i = 0; i < COUNTER_COUNT; i++)
		into->counters[i] += from->counters[i];
	for (size_t i = 0; i < GAUGE_COUNT; i++)
		into->gauges[i] += from->gauges[i];
	for (size_t i = 0; i < HISTOGRAM_COUNT; i++) {
		into->histograms[i].count += from->histograms[i].count;
		into->histograms[i].sum_us += from->histograms[i].sum_us;
		for (size_t b = 0; b < HISTOGRAM_BUCKETS; b++)
			into->histograms[i].buckets[b] += from->histograms[i].buckets[b];
	}
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t seen = 0, rank = (uint64_t)(q * (double)h->count);

	if (h->count == 0)
		return 0;
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		seen += h->buckets[b];
		if (seen > rank || seen == h->count)
			return histogram_bucket_limit(b);
	}
	return histogram_bucket_limit(HISTOGRAM_BUCKETS - 1);
}

static bool applies(const struct metric_row *row, char level)
{
	return row->level == 'B' || row->level == level;
}

static void family(struct text *out, const struct metric_row *row, const char *type)
{
	text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->prometheus, row->help,
		    row->prometheus, type);
}

void histogram_prometheus(struct text *out, const char *name, struct bytes labels,
			  const struct histogram *h)
{
	const char *comma = labels.len ? "," : "", *open = labels.len ? "{" : "",
		   *close = labels.len ? "}" : "";
	uint64_t seen = 0;

	/* Every other doubling is enough for a scrape: 1 ms … 2 h. */
	for (unsigned b = 0; b < HISTOGRAM_BUCKETS; b++) {
		seen += h->buckets[b];
		if (b % 4 == 0 && b >= 16)
			text_printf(out, "%s_bucket{%.*s%sle=\"%g\"} %llu\n", name,
				    BYTES_ARG(labels), comma,
				    (double)histogram_bucket_limit(b) / 1e6,
				    (unsigned long long)seen);
	}
	text_printf(out, "%s_bucket{%.*s%sle=\"+Inf\"} %llu\n", name, BYTES_ARG(labels), comma,
		    (unsigned long long)h->count);
	text_printf(out, "%s_sum%s%.*s%s %.6f\n%s_count%s%.*s%s %llu\n", name, open,
		    BYTES_ARG(labels), close, (double)h->sum_us / 1e6, name, open,
		    BYTES_ARG(labels), close, (unsigned long long)h->count);
}

void metrics_prometheus(struct text *out, const struct metrics_labelled *sets, size_t count)
{
	for (size_t i = 0; i < COUNTER_COUNT; i++) {
		family(out, &counter_rows[i], "counter");
		for (size_t s = 0; s < count; s++)
			if (applies(&counter_rows[i], sets[s].level))
				text_printf(out, "%s{%.*s} %llu\n", counter_rows[i].prometheus,
					    BYTES_ARG(sets[s].labels),
					    (unsigned long long)sets[s].metrics->counters[i]);
	}
	for (size_t i = 0; i < GAUGE_COUNT; i++) {
		family(out, &gauge_rows[i], "gauge");
		for (size_t s = 0; s < count; s++)
			if (applies(&gauge_rows[i], sets[s].level))
				text_printf(out, "%s{%.*s} %lld\n", gauge_rows[i].prometheus,
					    BYTES_ARG(sets[s].labels),
					    (long long)sets[s].metrics->gauges[i]);
	}
	for (size_t i = 0; i < HISTOGRAM_COUNT; i++) {
		family(out, &histogram_rows[i], "histogram");
		for (size_t s = 0; s < count; s++)
			if (applies(&histogram_rows[i], sets[s].level))
				histogram_prometheus(out, histogram_rows[i].prometheus,
						     sets[s].labels,
						     &sets[s].metrics->histograms[i]);
	}
}
