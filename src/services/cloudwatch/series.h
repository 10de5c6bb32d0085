/*
 * series: metrics as points in time, in memory, bounded by age and by count.
 *
 * A series is one namespace, name, unit and set of dimensions. It keeps its points twice: by the
 * second for three hours (what came with that resolution) and by the minute for fifteen days.
 * A point is a statistic set and a sketch, so points merge into any longer period.
 *
 * The control thread. Pure but for memory: whoever writes to disk is journal.h.
 */
#ifndef SERVICES_CLOUDWATCH_SERIES_H
#define SERVICES_CLOUDWATCH_SERIES_H

#include "base/list.h"
#include "base/map.h"
#include "base/text.h"
#include "services/cloudwatch/sketch.h"

enum {
	DIMENSIONS_MAX = 30,
	SERIES_MAX = 20000,
	POINTS_MAX = 1000000, /* over all series; then the oldest go */
	KEY_BYTES_MAX = 64 * 1024,
	FINE_SECONDS = 3 * 3600,
	COARSE_SECONDS = 15 * 86400,
};

/* A statistic set. Without samples (count 0) it says no more than "nothing happened": Sum is 0. */
struct point {
	int64_t at_s;
	double count, sum, min, max;
	struct sketch sketch; /* empty when every sample is `min` */
};

void point_fini(struct point *point);
err_t point_merge(struct point *into, const struct point *from); /* at_s stays */

struct ring { /* rising by time */
	struct point *at;
	size_t start, count, cap;
};

struct dimension {
	struct bytes name, value;
};

struct series {
	struct list_node link; /* in series_set.all, order of creation */
	uint64_t ordinal;      /* rises with it: what pages count by */
	struct bytes key;      /* the map's; the slices below point into it */
	struct bytes unit, name_space, name;
	struct dimension dimensions[DIMENSIONS_MAX]; /* sorted by name */
	unsigned dimension_count;
	struct ring fine, coarse;
	int64_t latest_s;
};

struct series_set {
	struct map by_key;
	struct list_node all;
	size_t count, points;
	uint64_t next_ordinal;
};

void series_set_init(struct series_set *set);
void series_set_fini(struct series_set *set);

struct metric_name {
	struct bytes unit, name_space, name; /* unit: "None" for none */
	struct dimension dimensions[DIMENSIONS_MAX];
	unsigned dimension_count;
};

void metric_sort(struct metric_name *name); /* dimensions into canonical order */
void metric_key(const struct metric_name *name, struct text *out);

struct series *series_find(const struct series_set *set, const struct metric_name *name);

enum series_rings { SERIES_FINE = 1, SERIES_COARSE = 2 };

/*
 * Adds to the point of that second and minute, making what is missing. The dimensions are sorted.
 * ERR_NOMEM, ERR_LIMIT (SERIES_MAX). The sketch of `point` is borrowed.
 */
err_t series_add(struct series_set *set, const struct metric_name *name, const struct point *point,
		 unsigned rings);
err_t series_add_by_key(struct series_set *set, struct bytes key, const struct point *point,
			unsigned rings);

/* Merges what lies in [from_s, to_s) into *into; by the second when `fine`. */
err_t series_collect(const struct series *series, int64_t from_s, int64_t to_s, bool fine,
		     struct point *into);

/* Drops what is too old, series without points, and what is too much. */
void series_trim(struct series_set *set, int64_t now_s);

#endif
