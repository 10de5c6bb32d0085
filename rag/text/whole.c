#include "rag/text/whole.h"

#include <stdio.h>
#include <stdlib.h>

enum { RUN_MAX = 64 };

static const struct unit {
	const char *name, *base;
	double factor;
} units[] = {
	{ "mg", "mg", 1 },
	{ "g", "mg", 1000 },
	{ "mcg", "mg", 0.001 },
	{ "\xC2\xB5g", "mg", 0.001 },
	{ "\xCE\xBCg", "mg", 0.001 },
	{ "kg", "kg", 1 },
	{ "ml", "ml", 1 },
	{ "l", "ml", 1000 },
	{ "%", "%", 1 },
	{ "h", "h", 1 },
	{ "hour", "h", 1 },
	{ "hours", "h", 1 },
	{ "days", "d", 1 },
	{ "day", "d", 1 },
	{ "weeks", "d", 7 },
	{ "week", "d", 7 },
	{ "units", "iu", 1 },
	{ "iu", "iu", 1 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

static char at_or_nul(struct bytes text, size_t at)
{
	return at < text.len ? text.at[at] : '\0';
}

/* Where the number that begins at `from` ends, with its digits (no grouping) in `digits`. */
static size_t read_number(struct bytes text, size_t from, char digits[RUN_MAX])
{
	size_t at = from, n = 0;
	bool fraction = false;

	while (at < text.len && n < RUN_MAX - 1) {
		char c = text.at[at];

		if (is_digit(c)) {
			digits[n++] = c;
			at++;
		} else if (c == ',' && !fraction && at + 3 < text.len &&
			   is_digit(text.at[at + 1]) && is_digit(text.at[at + 2]) &&
			   is_digit(text.at[at + 3]) && !is_digit(at_or_nul(text, at + 4))) {
			at++;
		} else if (c == '.' && !fraction && is_digit(at_or_nul(text, at + 1))) {
			fraction = true;
			digits[n++] = c;
			at++;
		} else {
			break;
		}
	}
	digits[n] = '\0';
	return at;
}

static const struct unit *read_unit(struct bytes text, size_t at, size_t *ret_end)
{
	size_t from = at;

	while (at_or_nul(text, from) == ' ' && from < at + 1)
		from++;
	for (size_t i = 0; i < COUNT(units); i++) {
		struct bytes name = bytes_of(units[i].name);
		struct bytes here = bytes_make(text.at + from, size_min(name.len, text.len - from));

		if (bytes_eq_nocase(here, name) && !is_alnum(at_or_nul(text, from + name.len))) {
			*ret_end = from + name.len;
			return &units[i];
		}
	}
	return NULL;
}

static bool number_at(struct bytes text, size_t from, struct whole *whole)
{
	char digits[RUN_MAX];
	size_t end = read_number(text, from, digits), unit_end;
	const struct unit *unit = read_unit(text, end, &unit_end);

	whole->from = from;
	whole->to = unit ? unit_end : end;
	whole->is_quantity = unit != NULL;
	if (unit) {
		snprintf(whole->text, sizeof whole->text, "#%.10g%s",
			 strtod(digits, NULL) * unit->factor, unit->base);
		return true;
	}
	snprintf(whole->text, sizeof whole->text, "%.*s", WHOLE_MAX, digits);
	/* A plain row of digits is a word already. */
	return end - from != strlen(digits) || strchr(digits, '.') != NULL;
}

/* "5-HT3": folded and joined; false when it is an ordinary word or two. */
static bool run_at(struct bytes text, size_t from, struct whole *whole)
{
	size_t at = from, n = 0, joints = 0;
	bool marked = false;

	while (at < text.len && n < WHOLE_MAX) {
		char c = text.at[at];

		if (is_alnum(c)) {
			marked |= is_digit(c) || (at > from && c >= 'A' && c <= 'Z');
			whole->text[n++] = ascii_lower(c);
			at++;
		} else if ((c == '-' || c == '/') && is_alnum(at_or_nul(text, at + 1))) {
			joints++;
			at++;
		} else {
			break;
		}
	}
	whole->text[n] = '\0';
	whole->from = from;
	whole->to = at;
	whole->is_quantity = false;
	return joints > 0 && marked;
}

static size_t word_end(struct bytes text, size_t at)
{
	while (at < text.len && (is_alnum(text.at[at]) || (unsigned char)text.at[at] >= 0x80))
		at++;
	return at;
}

bool whole_next(struct bytes text, size_t *at, struct whole *ret_whole)
{
	while (*at < text.len) {
		struct whole whole = { .from = *at };
		size_t end;

		if (!is_alnum(text.at[*at])) {
			*at += 1;
			continue;
		}
		if (run_at(text, *at, &whole) ||
		    (is_digit(text.at[*at]) && number_at(text, *at, &whole))) {
			*at = whole.to;
			*ret_whole = whole;
			return true;
		}
		end = word_end(text, *at);
		*at = end > *at ? end : *at + 1;
	}
	return false;
}
