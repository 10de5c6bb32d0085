/* Expressions of metric math: parsed in bounds, refused in words, computed without harm. */
#include <math.h>
#include <stdlib.h>

#include "services/cloudwatch/math.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static double slots[2][5] = { { 1, NAN, 3, 0, -5 }, { NAN, 2, 2, 1e300, 0 } };
	const struct math_series series[] = { { BYTES("m1"), slots[0], true },
					      { BYTES("a"), slots[1], false } };
	const struct math_grid grid = {
		.period_s = 60, .count = 5, .series = series, .series_count = 2
	};
	const struct math_node *root;
	struct math_value value;
	struct text why = TEXT_INIT(512);
	struct arena arena;
	err_t err;

	arena_init(&arena, 1 << 22);
	err = math_parse(&arena, bytes_make(data, size_min(size, 2048)), &root, &why);
	if (!err) {
		math_uses_all(root);
		err = math_compute(&arena, root, &grid, &value, &why);
	}
	if (err && err != ERR_NOMEM && !why.len)
		abort();
	text_fini(&why);
	arena_fini(&arena);
	return 0;
}
