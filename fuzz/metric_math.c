/* Expressions of metric math: parsed in bounds, refused in words, computed without harm. */
#include <math.h>
#include <stdlib.h>

#include "services/cloudwatch/labels.h"
#include "services/cloudwatch/math.h"
#include "services/cloudwatch/search.h"

static double slots[2][5] = { { 1, NAN, 3, 0, -5 }, { NAN, 2, 2, 1e300, 0 } };
static struct math_line lines[] = { { slots[0], "m1" }, { slots[1], "a" } };
static const struct math_series series[] = {
	{ BYTES("m1"), &lines[0], 1, MATH_SERIES, true },
	{ BYTES("a"), &lines[1], 1, MATH_SERIES, false },
	{ BYTES("l"), lines, 2, MATH_LIST, false },
};
static const struct dimension dimensions[] = { { BYTES("LoadBalancer"), BYTES("app/x-y/1") } };

static err_t find(void *owner, const struct math_search *asked, struct math_line **ret_lines,
		  size_t *ret_count, struct text *why)
{
	const struct search_subject subject = { BYTES("AWS/ApplicationELB"), BYTES("RequestCount"),
						dimensions, 1 };
	const struct search *search;
	err_t err = search_parse(owner, asked->query, &search, why);

	if (err)
		return err;
	*ret_lines = arena_array(owner, 2, sizeof lines[0]);
	if (!*ret_lines)
		return ERR_NOMEM;
	(*ret_lines)[0] = lines[0];
	*ret_count = search_fits(search, &subject);
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

static void try_label(struct bytes label)
{
	const struct label_line line = { .label = BYTES("x"), .slots = slots[0], .count = 5 };
	struct text out = TEXT_INIT(65536), why = TEXT_INIT(512);
	err_t err = label_check(label, &why);

	if (!err)
		label_write(label, &line, &out);
	else if (!why.len)
		abort();
	text_fini(&out);
	text_fini(&why);
}

/* What is said of an expression before there are data holds once they are there. */
static err_t try_expression(struct arena *arena, struct bytes text, struct text *why)
{
	const struct math_grid grid = { .start_s = 1790985480,
					.period_s = 60,
					.count = 5,
					.series = series,
					.series_count = COUNT(series),
					.search = find,
					.owner = arena };
	const struct math_node *root;
	enum math_type type = MATH_NUMBER;
	struct math_value value;
	err_t err = math_parse(arena, text, &root, why), checked;

	if (err)
		return err;
	math_uses_all(root);
	checked = math_check(root, type_of, NULL, &type, why);
	if (checked && !why->len)
		abort();
	err = math_compute(arena, root, &grid, &value, why);
	if (!err && (checked || value.type != type))
		abort();
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_make(data, size_min(size, 2048));
	struct text why = TEXT_INIT(512);
	struct arena arena;
	err_t err;

	arena_init(&arena, 1 << 22);
	err = try_expression(&arena, text, &why);
	if (err && err != ERR_NOMEM && !why.len)
		abort();
	try_label(text);
	text_fini(&why);
	arena_fini(&arena);
	return 0;
}
