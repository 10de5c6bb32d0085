#include "base/distance.h"

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned distance_between(struct bytes a, struct bytes b, unsigned limit)
{
	/* Row i: the first i bytes of `a` against each beginning of `b`; three rows are enough. */
	unsigned rows[3][DISTANCE_WORD_MAX + 1];
	size_t gap = a.len > b.len ? a.len - b.len : b.len - a.len;

	if (a.len > DISTANCE_WORD_MAX || b.len > DISTANCE_WORD_MAX || gap > limit)
		return limit + 1;
	for (size_t k = 0; k <= b.len; k++)
		rows[0][k] = (unsigned)k;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3],
			 *before = rows[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (size_t k = 1; k <= b.len; k++) {
			bool same = a.at[i - 1] == b.at[k - 1];

			row[k] = least(least(above[k] + 1, row[k - 1] + 1), above[k - 1] + !same);
			if (i > 1 && k > 1 && a.at[i - 1] == b.at[k - 2] &&
			    a.at[i - 2] == b.at[k - 1])
				row[k] = least(row[k], before[k - 2] + 1);
		}
	}
	return least(rows[a.len % 3][b.len], limit + 1);
}
