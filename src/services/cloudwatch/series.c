#include "services/cloudwatch/series.h"

#include <math.h>
#include <stdlib.h>

/* Between the parts of a key; input cannot hold control characters. */
#define PART '\x1f'

/* ---- Points ---- */

void point_fini(struct point *point)
{
	sketch_fini(&point->sketch);
}

/* What an empty sketch stands for is written out before others join it. */
static err_t spell_out(struct point *point)
{
	if (point->sketch.count || point->count <= 0)
		return ERR_OK;
	return sketch_add(&point->sketch, point->min, point->count);
}

err_t point_merge(struct point *into, const struct point *from)
{
	bool same = !into->sketch.count && !from->sketch.count && into->min == from->min;

	if (from->count <= 0) {
		into->sum += from->sum;
		return ERR_OK;
	}
	if (into->count > 0 && !same) {
		TRY(spell_out(into));
		if (from->sketch.count)
			TRY(sketch_merge(&into->sketch, &from->sketch));
		else
			TRY(sketch_add(&into->sketch, from->min, from->count));
	} else if (into->count <= 0) {
		TRY(sketch_merge(&into->sketch, &from->sketch));
	}
	into->min = into->count > 0 ? fmin(into->min, from->min) : from->min;
	into->max = into->count > 0 ? fmax(into->max, from->max) : from->max;
	into->count += from->count;
	into->sum += from->sum;
	return ERR_OK;
}

/* ---- Rings ---- */

static struct point *ring_at(const struct ring *ring, size_t i)
{
	return &ring->at[ring->start + i];
}

/* The first point not before `at_s`. New points come at the end, nearly always. */
static size_t ring_search(const struct ring *ring, int64_t at_s)
{
	size_t low = 0, high = ring->count;

	if (high && ring_at(ring, high - 1)->at_s < at_s)
		return high;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ring_at(ring, middle)->at_s < at_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static err_t ring_room(struct ring *ring)
{
	size_t cap = ring->cap ? ring->cap * 2 : 8;
	struct point *more;

	if (ring->start + ring->count < ring->cap)
		return ERR_OK;
	if (ring->start > ring->cap / 2) {
		memmove(ring->at, ring_at(ring, 0), ring->count * sizeof *ring->at);
		ring->start = 0;
		return ERR_OK;
	}
	more = realloc(ring->at, cap * sizeof *more);
	if (!more)
		return ERR_NOMEM;
	ring->at = more;
	ring->cap = cap;
	return ERR_OK;
}

/* The point of that time, made if it is missing. */
static err_t ring_point(struct ring *ring, int64_t at_s, size_t *points, struct point **ret_point)
{
	size_t i = ring_search(ring, at_s);

	if (i == ring->count || ring_at(ring, i)->at_s != at_s) {
		TRY(ring_room(ring));
		memmove(ring_at(ring, i + 1), ring_at(ring, i),
			(ring->count - i) * sizeof *ring->at);
		*ring_at(ring, i) = (struct point){ .at_s = at_s };
		ring->count++;
		++*points;
	}
	*ret_point = ring_at(ring, i);
	return ERR_OK;
}

static void ring_drop(struct ring *ring, size_t count, size_t *points)
{
	for (size_t i = 0; i < count; i++)
		point_fini(ring_at(ring, i));
	ring->start += count;
	ring->count -= count;
	*points -= count;
}

static void ring_fini(struct ring *ring, size_t *points)
{
	ring_drop(ring, ring->count, points);
	free(ring->at);
}

/* ---- Names ---- */

static int by_name(const void *left, const void *right)
{
	const struct dimension *a = left, *b = right;

	return bytes_cmp(a->name, b->name);
}

void metric_sort(struct metric_name *name)
{
	qsort(name->dimensions, name->dimension_count, sizeof name->dimensions[0], by_name);
}

static void add_part(struct text *out, struct bytes part)
{
	text_add(out, part);
	text_add_char(out, PART);
}

void metric_key(const struct metric_name *name, struct text *out)
{
	add_part(out, name->unit);
	add_part(out, name->name_space);
	add_part(out, name->name);
	for (unsigned i = 0; i < name->dimension_count; i++) {
		add_part(out, name->dimensions[i].name);
		add_part(out, name->dimensions[i].value);
	}
}

/* The slices of a series point into its key. */
static err_t parse_key(struct series *series)
{
	struct bytes rest = series->key;

	if (!bytes_cut(&rest, PART, &series->unit) ||
	    !bytes_cut(&rest, PART, &series->name_space) ||
	    !bytes_cut(&rest, PART, &series->name) || !series->name.len || !rest.at)
		return ERR_SYNTAX;
	while (rest.len) {
		struct dimension *dimension = &series->dimensions[series->dimension_count];

		if (series->dimension_count == DIMENSIONS_MAX ||
		    !bytes_cut(&rest, PART, &dimension->name) ||
		    !bytes_cut(&rest, PART, &dimension->value) || !rest.at)
			return ERR_SYNTAX;
		series->dimension_count++;
	}
	return ERR_OK;
}

/* ---- The set ---- */

void series_set_init(struct series_set *set)
{
	*set = (struct series_set){ .next_ordinal = 1 };
	list_init(&set->all);
}

static void series_free(struct series_set *set, struct series *series)
{
	map_remove(&set->by_key, series->key);
	list_remove(&series->link);
	ring_fini(&series->fine, &set->points);
	ring_fini(&series->coarse, &set->points);
	free((void *)series->key.at);
	free(series);
	set->count--;
}

void series_set_fini(struct series_set *set)
{
	list_for_each_safe (&set->all, node)
		series_free(set, container_of(node, struct series, link));
	map_fini(&set->by_key);
}

struct series *series_find(const struct series_set *set, const struct metric_name *name)
{
	struct text key = TEXT_INIT(KEY_BYTES_MAX);
	struct series *series;

	metric_key(name, &key);
	series = text_err(&key) ? NULL : map_get(&set->by_key, text_bytes(&key));
	text_fini(&key);
	return series;
}

static err_t series_make(struct series_set *set, struct bytes key, struct series **ret_series)
{
	struct series *series;
	err_t err;

	if (set->count == SERIES_MAX)
		return ERR_LIMIT;
	series = calloc(1, sizeof *series);
	if (!series)
		return ERR_NOMEM;
	series->key = bytes_make(bytes_dup(key), key.len);
	err = series->key.at ? parse_key(series) : ERR_NOMEM;
	if (!err)
		err = map_put(&set->by_key, series->key, series, NULL);
	if (err) {
		free((void *)series->key.at);
		free(series);
		return err;
	}
	series->ordinal = set->next_ordinal++;
	list_append(&set->all, &series->link);
	set->count++;
	*ret_series = series;
	return ERR_OK;
}

static err_t add_to(struct series_set *set, struct ring *ring, int64_t at_s,
		    const struct point *point)
{
	struct point *there;

	TRY(ring_point(ring, at_s, &set->points, &there));
	return point_merge(there, point);
}

err_t series_add_by_key(struct series_set *set, struct bytes key, const struct point *point,
			unsigned rings)
{
	struct series *series = map_get(&set->by_key, key);

	if (point->at_s < 0)
		return ERR_RANGE;
	if (!series)
		TRY(series_make(set, key, &series));
	if (point->at_s > series->latest_s)
		series->latest_s = point->at_s;
	if (rings & SERIES_FINE)
		TRY(add_to(set, &series->fine, point->at_s, point));
	if (rings & SERIES_COARSE)
		TRY(add_to(set, &series->coarse, point->at_s - point->at_s % 60, point));
	return ERR_OK;
}

err_t series_add(struct series_set *set, const struct metric_name *name, const struct point *point,
		 unsigned rings)
{
	struct text key = TEXT_INIT(KEY_BYTES_MAX);
	err_t err;

	metric_key(name, &key);
	err = text_err(&key);
	if (!err)
		err = series_add_by_key(set, text_bytes(&key), point, rings);
	text_fini(&key);
	return err;
}

err_t series_collect(const struct series *series, int64_t from_s, int64_t to_s, bool fine,
		     struct point *into)
{
	const struct ring *ring = fine ? &series->fine : &series->coarse;

	for (size_t i = ring_search(ring, from_s); i < ring->count; i++) {
		const struct point *point = ring_at(ring, i);

		if (point->at_s >= to_s)
			break;
		/* That there is a point shows in at_s, also where it has no samples. */
		into->at_s = from_s;
		TRY(point_merge(into, point));
	}
	return ERR_OK;
}

void series_trim(struct series_set *set, int64_t now_s)
{
	bool too_many = set->points > POINTS_MAX;

	list_for_each_safe (&set->all, node) {
		struct series *series = container_of(node, struct series, link);
		size_t old_fine = ring_search(&series->fine, now_s - FINE_SECONDS);
		size_t old_coarse = ring_search(&series->coarse, now_s - COARSE_SECONDS);

		if (too_many) {
			old_fine = size_max(old_fine, series->fine.count / 4);
			old_coarse = size_max(old_coarse, series->coarse.count / 8);
		}
		ring_drop(&series->fine, old_fine, &set->points);
		ring_drop(&series->coarse, old_coarse, &set->points);
		if (!series->fine.count && !series->coarse.count)
			series_free(set, series);
	}
}
