/*
 * query_search: the metrics that a SEARCH of metric math finds, as lines. The forms in which the
 * balancer's metrics are also told (by zone, by target group alone) are found as well.
 */
#include "services/cloudwatch/cloudwatch_internal.h"
#include "services/cloudwatch/search.h"

struct finding {
	const struct cloudwatch *cw;
	struct arena *arena;
	const struct search *search;
	struct stat_kind kind;
	const char *stat;
	const struct query_range *range;
	int64_t period_s;
	struct math_line *lines;
	struct metric_origin **origins; /* of the lines, while they get their labels */
	size_t count;
	bool cut;
};

static err_t parse(struct arena *arena, const struct math_search *search,
		   const struct search **ret_search, const char **ret_stat,
		   struct stat_kind *ret_kind, struct text *why)
{
	*ret_stat = arena_string(arena, search->stat);
	if (!*ret_stat)
		return ERR_NOMEM;
	if (!stat_parse(*ret_stat, ret_kind)) {
		text_clear(why);
		text_printf(why, "SEARCH: the statistic '%.100s' is not supported", *ret_stat);
		return ERR_INVALID;
	}
	return search_parse(arena, search->query, ret_search, why);
}

err_t cw_search_check(struct arena *arena, const struct math_search *search, struct text *why)
{
	const struct search *parsed;
	struct stat_kind kind;
	const char *stat;

	TRY(parse(arena, search, &parsed, &stat, &kind, why));
	if (!search->period_s || cw_period_valid(search->period_s))
		return ERR_OK;
	text_clear(why);
	text_add_str(why, "SEARCH: the period has to be 1, 5, 10, 20, 30 or a multiple of 60");
	return ERR_INVALID;
}

static err_t add_line(struct finding *f, const struct metric_ref *ref,
		      const struct search_subject *subject)
{
	struct metric_origin *origin = arena_new(f->arena, struct metric_origin);
	struct dimension *dimensions = arena_array(f->arena, subject->dimension_count + 1,
						   sizeof *dimensions);
	double *slots = arena_array(f->arena, cw_range_slots(f->range, f->period_s) + 1,
				    sizeof *slots);

	if (!origin || !dimensions || !slots)
		return ERR_NOMEM;
	memcpy(dimensions, subject->dimensions, subject->dimension_count * sizeof *dimensions);
	*origin = (struct metric_origin){ .name_space = subject->name_space,
					  .name = subject->name,
					  .dimensions = dimensions,
					  .dimension_count = subject->dimension_count,
					  .stat = f->stat,
					  .account = f->cw->options.account,
					  .region = f->cw->options.region,
					  .period_s = f->period_s };
	f->lines[f->count] = (struct math_line){ slots, origin };
	f->origins[f->count++] = origin;
	return cw_line(ref, &f->kind, f->range, f->period_s, slots, NULL);
}

static err_t look_at(struct finding *f, const struct series *series)
{
	struct dimension dimensions[DIMENSIONS_MAX + 1];
	struct metric_ref ref = { .count = 0 };

	for (unsigned view = 0; view < CW_VIEWS; view++) {
		struct search_subject subject = { .name_space = series->name_space,
						  .name = series->name,
						  .dimensions = dimensions };

		if (!cw_has_view(series, view))
			continue;
		subject.dimension_count = cw_view_dimensions(f->cw, series, view, dimensions);
		if (!search_fits(f->search, &subject))
			continue;
		if (!ref.count)
			cw_same_metric(f->cw, series, &ref);
		/* Once for all its units. */
		if (ref.count && ref.series[0] != series)
			return ERR_OK;
		f->cut = f->count == SEARCH_LINES_MAX;
		if (f->cut)
			return ERR_OK;
		TRY(add_line(f, &ref, &subject));
	}
	return ERR_OK;
}

/* What tells the lines apart: the dimensions' values; the metric's name where there are several. */
static err_t set_labels(struct finding *f)
{
	bool one_name = true;

	for (size_t i = 1; i < f->count; i++)
		one_name = one_name && bytes_eq(f->origins[i]->name, f->origins[0]->name);
	for (size_t i = 0; i < f->count; i++) {
		struct metric_origin *origin = f->origins[i];
		struct text label = TEXT_INIT(KEY_BYTES_MAX);
		err_t err;

		if (!one_name || !origin->dimension_count)
			text_add(&label, origin->name);
		for (unsigned d = 0; d < origin->dimension_count; d++) {
			if (label.len)
				text_add_char(&label, ' ');
			text_add(&label, origin->dimensions[d].value);
		}
		err = arena_copy(f->arena, text_bytes(&label), &origin->label);
		text_fini(&label);
		TRY(err);
	}
	return ERR_OK;
}

err_t cw_search(const struct cloudwatch *cw, struct arena *arena, const struct math_search *search,
		const struct query_range *range, int64_t period_s, struct query_result *result,
		struct math_line **ret_lines, size_t *ret_count, struct text *why)
{
	struct finding f = { .cw = cw, .arena = arena, .range = range, .period_s = period_s };

	TRY(parse(arena, search, &f.search, &f.stat, &f.kind, why));
	f.lines = arena_array(arena, SEARCH_LINES_MAX, sizeof *f.lines);
	f.origins = arena_array(arena, SEARCH_LINES_MAX, sizeof *f.origins);
	if (!f.lines || !f.origins)
		return ERR_NOMEM;
	list_for_each (&cw->series.all, node) {
		if (f.cut)
			break;
		TRY(look_at(&f, container_of(node, struct series, link)));
	}
	TRY(set_labels(&f));
	result->cut = result->cut || f.cut;
	*ret_lines = f.lines;
	*ret_count = f.count;
	return ERR_OK;
}
