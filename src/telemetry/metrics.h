/*
 * metrics: counters, gauges and histograms as arrays, by the rows of metrics.def.
 *
 * A struct metrics belongs to one worker and one thing (a load balancer, a target group); only
 * that worker adds, anyone may read and sum: relaxed atomics, no lock, no allocation.
 */
#ifndef TELEMETRY_METRICS_H
#define TELEMETRY_METRICS_H

#include <stdatomic.h>

#include "base/text.h"

enum metric_counter {
#define COUNTER(id, aws, level, prometheus, help) COUNTER_##id,
#define GAUGE(id, aws, level, prometheus, help)
#define HISTOGRAM(id, aws, level, prometheus, help)
#include "telemetry/metrics.def"
#undef COUNTER
#undef GAUGE
	COUNTER_COUNT,
};

enum metric_gauge {
#define COUNTER(id, aws, level, prometheus, help)
#define GAUGE(id, aws, level, prometheus, help) GAUGE_##id,
#include "telemetry/metrics.def"
#undef GAUGE
#undef HISTOGRAM
	GAUGE_COUNT,
};

enum metric_histogram {
#define GAUGE(id, aws, level, prometheus, help)
#define HISTOGRAM(id, aws, level, prometheus, help) HISTOGRAM_##id,
#include "telemetry/metrics.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
	HISTOGRAM_COUNT,
};

/*
 * Log-linear buckets: four to each doubling from 64 us to over 4 hours, so a value read back is
 * within 12.5 % of the one observed.
 */
enum { HISTOGRAM_BUCKETS = 113 };

struct histogram {
	_Atomic uint64_t count, sum_us;
	_Atomic uint32_t buckets[HISTOGRAM_BUCKETS];
};

struct metrics {
	_Atomic uint64_t counters[COUNTER_COUNT];
	_Atomic int64_t gauges[GAUGE_COUNT];
	struct histogram histograms[HISTOGRAM_COUNT];
};

static inline void metrics_add(struct metrics *m, enum metric_counter id, uint64_t n)
{
	/* One writer: a load and a store are enough, and cheaper than a locked add. */
	atomic_store_explicit(&m->counters[id],
			      atomic_load_explicit(&m->counters[id], memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void metrics_gauge(struct metrics *m, enum metric_gauge id, int64_t delta)
{
	atomic_store_explicit(&m->gauges[id],
			      atomic_load_explicit(&m->gauges[id], memory_order_relaxed) + delta,
			      memory_order_relaxed);
}

void metrics_observe(struct metrics *m, enum metric_histogram id, uint64_t us);

void metrics_sum(struct metrics *into, const struct metrics *from); /* adds `from` */

/* From any thread: for a histogram that many write to. */
void histogram_observe(struct histogram *h, uint64_t us);

/* Its lines in Prometheus' text form; the labels as in metrics_labelled, or none. */
void histogram_prometheus(struct text *out, const char *name, struct bytes labels,
			  const struct histogram *h);

unsigned histogram_bucket(uint64_t us);		 /* the index a value falls into */
uint64_t histogram_bucket_limit(unsigned index); /* its inclusive upper bound, us */
uint64_t histogram_quantile(const struct histogram *h, double q); /* us; 0 when empty */

struct metric_row {
	const char *aws, *prometheus, *help;
	char level; /* 'L', 'T', 'B' */
};
extern const struct metric_row counter_rows[COUNTER_COUNT];
extern const struct metric_row gauge_rows[GAUGE_COUNT];
extern const struct metric_row histogram_rows[HISTOGRAM_COUNT];

/*
 * Prometheus text format 0.0.4 for many labelled sets at once: begin, then each set by its
 * labels (already `a="b",c="d"`), grouped by metric as the format wants.
 */
struct metrics_labelled {
	struct bytes labels;
	const struct metrics *metrics;
	char level; /* 'L' or 'T': which rows apply */
};
void metrics_prometheus(struct text *out, const struct metrics_labelled *sets, size_t count);

#endif
