#include "base/like.h"

#include <stddef.h>

/* Goes back to the last star only: a pattern with an earlier one that fits, fits by the last. */
static bool fits(const char *pattern, const char *text, bool escapes)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		bool literal = escapes && *pattern == '\\' && pattern[1];

		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (literal ? pattern[1] == *text : *pattern == '?' || *pattern == *text) {
			pattern += literal ? 2 : 1;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

bool is_like(const char *pattern, const char *text)
{
	return fits(pattern, text, false);
}

bool is_like_escaped(const char *pattern, const char *text)
{
	return fits(pattern, text, true);
}
