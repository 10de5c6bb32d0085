#include "services/cloudwatch/trim.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

enum { TEXT_BYTES_MAX = 64 };

/* ---- Words ---- */

/* "", "5", "5%": *ret_value stays when there is none. */
static bool read_bound(struct bytes text, double *ret_value, bool *ret_some, bool *ret_percent)
{
	char copy[TEXT_BYTES_MAX], *end;
	double value;

	text = bytes_trim(text);
	*ret_some = text.len > 0;
	if (!text.len)
		return true;
	*ret_percent = text.at[text.len - 1] == '%';
	if (*ret_percent)
		text.len--;
	if (!text.len || text.len >= sizeof copy)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	if (strspn(copy, "0123456789.-") != text.len)
		return false;
	value = strtod(copy, &end);
	if (*end || !isfinite(value) || (*ret_percent && !(value >= 0 && value <= 100)))
		return false;
	*ret_value = *ret_percent ? value / 100 : value;
	return true;
}

/* "(5%:95%)", "(:0.5)", "(10:)" */
static bool read_bounds(struct bytes text, struct trim *trim)
{
	bool some_low, some_high, percent_low = false, percent_high = false;
	struct bytes low;

	if (text.len < 3 || text.at[0] != '(' || text.at[text.len - 1] != ')')
		return false;
	text = bytes_make(text.at + 1, text.len - 2);
	if (bytes_index(text, ':') == SIZE_MAX || !bytes_cut(&text, ':', &low))
		return false;
	trim->low = -(double)INFINITY;
	trim->high = (double)INFINITY;
	if (!read_bound(low, &trim->low, &some_low, &percent_low) ||
	    !read_bound(text, &trim->high, &some_high, &percent_high))
		return false;
	trim->percent = percent_low || percent_high;
	return (some_low || some_high) && (!some_low || percent_low == trim->percent) &&
	       (!some_high || percent_high == trim->percent) && trim->low < trim->high;
}

/* "99" and "99.9", of tm99: all up to that percentile. */
static bool read_percentile(struct bytes text, struct trim *trim)
{
	bool some, percent;

	trim->percent = true;
	trim->low = 0;
	if (!text.len || text.at[0] < '0' || text.at[0] > '9' ||
	    !read_bound(text, &trim->high, &some, &percent) || percent)
		return false;
	trim->high /= 100;
	return trim->high > 0 && trim->high <= 1;
}

bool trim_parse(const char *text, struct trim *ret_trim)
{
	static const char names[][3] = {
		[TRIM_MEAN] = "TM", [TRIM_WINSORIZED] = "WM", [TRIM_COUNT] = "TC",
		[TRIM_SUM] = "TS",  [TRIM_RANK] = "PR",
	};
	struct bytes rest = bytes_of(text);
	struct trim trim = { .kind = TRIM_MEAN, .percent = true, .low = 0.25, .high = 0.75 };
	size_t kind = 0;

	if (strcasecmp(text, "IQM") == 0) {
		*ret_trim = trim;
		return true;
	}
	if (rest.len < 3 || rest.len > TEXT_BYTES_MAX)
		return false;
	while (kind < COUNT(names) && strncasecmp(text, names[kind], 2) != 0)
		kind++;
	if (kind == COUNT(names))
		return false;
	trim.kind = (int)kind;
	rest = bytes_from(rest, 2);
	if (rest.at[0] == '(' ? !read_bounds(rest, &trim) : !read_percentile(rest, &trim))
		return false;
	if (trim.kind == TRIM_RANK && trim.percent)
		return false;
	*ret_trim = trim;
	return true;
}

/* ---- Values ---- */

struct part {
	double count, sum;   /* between the bounds */
	double below, above; /* how many are outside */
	double first, last;  /* the values at the bounds */
};

static void add(struct part *part, double value, double weight)
{
	if (weight <= 0)
		return;
	if (part->count <= 0)
		part->first = value;
	part->last = value;
	part->count += weight;
	part->sum += value * weight;
}

/* `seen`: how many samples are before these. */
static void add_samples(struct part *part, const struct trim *trim, double value, double weight,
			double seen, double total)
{
	double from = fmax(seen, trim->low * total), to = fmin(seen + weight, trim->high * total);
	double inside = fmax(0, to - from);

	if (!trim->percent)
		inside = value > trim->low && value <= trim->high ? weight : 0;
	add(part, value, inside);
	if (trim->percent ? seen < trim->low * total : value <= trim->low)
		part->below += trim->percent ? fmin(weight, trim->low * total - seen) : weight;
	if (trim->percent ? seen + weight > trim->high * total : value > trim->high)
		part->above += trim->percent ? fmin(weight, seen + weight - trim->high * total)
					     : weight;
}

static struct part part_of(const struct point *point, const struct trim *trim, double *ret_total)
{
	struct part part = { 0 };
	double total = 0, seen = 0;

	for (uint32_t i = 0; i < point->sketch.count; i++)
		total += (double)point->sketch.at[i].weight;
	*ret_total = total > 0 ? total : point->count;
	if (total <= 0)
		add_samples(&part, trim, point->min, point->count, 0, point->count);
	for (uint32_t i = 0; i < point->sketch.count && total > 0; i++) {
		double value = fmin(fmax(sketch_value(&point->sketch.at[i]), point->min),
				    point->max);
		double weight = (double)point->sketch.at[i].weight;

		add_samples(&part, trim, value, weight, seen, total);
		seen += weight;
	}
	return part;
}

double trim_value(const struct point *point, const struct trim *trim)
{
	double total, low, high;
	struct part part = part_of(point, trim, &total);

	switch (trim->kind) {
	case TRIM_COUNT: return part.count / total * point->count;
	case TRIM_SUM: return part.sum / total * point->count;
	case TRIM_RANK: return part.count / total * 100;
	case TRIM_MEAN: return part.count > 0 ? part.sum / part.count : (double)NAN;
	default: break;
	}
	if (trim->percent && part.count <= 0)
		return (double)NAN;
	low = trim->percent ? part.first : trim->low;
	high = trim->percent ? part.last : trim->high;
	return (part.sum + (part.below > 0 ? part.below * low : 0) +
		(part.above > 0 ? part.above * high : 0)) /
	       total;
}
