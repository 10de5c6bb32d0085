#include "services/cloudwatch/labels.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/when.h"

enum { VARIABLES_MAX = 5 };

/* What a line's points come to. */
struct points {
	size_t count, first, last, min, max;
	double sum;
};

enum kind {
	LABEL,
	COUNT_OF,
	SUM_OF,
	AVERAGE_OF,
	VALUE_AT,  /* of one point */
	VALUES_TO, /* from one point to another */
	TIME_AT,
	TIME_TO,
	TIME_SINCE,
};

/* Which point: an offset into struct points. */
#define AT(member_) offsetof(struct points, member_)

static const struct variable {
	const char *name;
	enum kind kind;
	size_t from, to;
} variables[] = {
	{ "LABEL", LABEL, 0, 0 },
	{ "AVG", AVERAGE_OF, 0, 0 },
	{ "DATAPOINT_COUNT", COUNT_OF, 0, 0 },
	{ "SUM", SUM_OF, 0, 0 },
	{ "FIRST", VALUE_AT, AT(first), 0 },
	{ "LAST", VALUE_AT, AT(last), 0 },
	{ "MIN", VALUE_AT, AT(min), 0 },
	{ "MAX", VALUE_AT, AT(max), 0 },
	{ "FIRST_LAST_RANGE", VALUES_TO, AT(first), AT(last) },
	{ "MIN_MAX_RANGE", VALUES_TO, AT(min), AT(max) },
	{ "FIRST_LAST_TIME_RANGE", TIME_TO, AT(first), AT(last) },
	{ "MIN_MAX_TIME_RANGE", TIME_TO, AT(min), AT(max) },
	{ "FIRST_TIME", TIME_AT, AT(first), 0 },
	{ "LAST_TIME", TIME_AT, AT(last), 0 },
	{ "MIN_TIME", TIME_AT, AT(min), 0 },
	{ "MAX_TIME", TIME_AT, AT(max), 0 },
	{ "FIRST_TIME_RELATIVE", TIME_SINCE, AT(first), 0 },
	{ "LAST_TIME_RELATIVE", TIME_SINCE, AT(last), 0 },
	{ "MIN_TIME_RELATIVE", TIME_SINCE, AT(min), 0 },
	{ "MAX_TIME_RELATIVE", TIME_SINCE, AT(max), 0 },
};

static const char *const properties[] = { "AccountId", "MetricName", "Namespace",
					  "Period",    "Region",     "Stat" };

static const struct variable *find_variable(struct bytes name)
{
	for (size_t i = 0; i < COUNT(variables); i++)
		if (bytes_eq_str(name, variables[i].name))
			return &variables[i];
	return NULL;
}

/* PROP('…') */
static bool read_property(struct bytes name, struct bytes *ret_property)
{
	char quote;

	if (!bytes_starts(name, BYTES("PROP(")) || name.len < 8 || name.at[name.len - 1] != ')')
		return false;
	*ret_property = bytes_make(name.at + 6, name.len - 8);
	quote = name.at[5];
	return (quote == '\'' || quote == '"') && name.at[name.len - 2] == quote;
}

static bool is_property(struct bytes property)
{
	for (size_t i = 0; i < COUNT(properties); i++)
		if (bytes_eq_str(property, properties[i]))
			return true;
	return property.len > 4 && bytes_starts(property, BYTES("Dim."));
}

/* Cuts what is before the next "${…}" off; false: all that is left is text. */
static bool next_variable(struct bytes *rest, struct bytes *ret_before, struct bytes *ret_name)
{
	size_t start = bytes_find(*rest, BYTES("${")), end;

	*ret_before = *rest;
	if (start == SIZE_MAX)
		return false;
	end = bytes_index(bytes_from(*rest, start), '}');
	if (end == SIZE_MAX)
		return false;
	*ret_before = bytes_upto(*rest, start);
	*ret_name = bytes_trim(bytes_make(rest->at + start + 2, end - 2));
	*rest = bytes_from(*rest, start + end + 1);
	return true;
}

err_t label_check(struct bytes label, struct text *why)
{
	struct bytes rest = label, before, name, property;
	unsigned values = 0, labels = 0;

	while (next_variable(&rest, &before, &name)) {
		const struct variable *variable = find_variable(name);
		bool known = variable || (read_property(name, &property) && is_property(property));

		if (!known) {
			text_printf(why,
				    "the label's variable '%.*s' is unknown: there are LABEL, AVG, "
				    "SUM, MIN, MAX, FIRST, LAST, DATAPOINT_COUNT and PROP('…')",
				    BYTES_ARG(bytes_upto(name, 60)));
			return ERR_INVALID;
		}
		labels += variable && variable->kind == LABEL;
		values += variable && variable->kind != LABEL;
	}
	if (labels <= 1 && values <= VARIABLES_MAX)
		return ERR_OK;
	text_printf(why, "a label has at most %d variables, and ${LABEL} once", VARIABLES_MAX);
	return ERR_INVALID;
}

err_t label_zone(struct bytes text, int *ret_seconds)
{
	uint64_t number;

	if (text.len != 5 || (text.at[0] != '+' && text.at[0] != '-') ||
	    bytes_to_u64(bytes_from(text, 1), 1400, &number) || number % 100 > 59)
		return ERR_SYNTAX;
	*ret_seconds = (int)(number / 100 * 3600 + number % 100 * 60) *
		       (text.at[0] == '-' ? -1 : 1);
	return ERR_OK;
}

/* ---- Writing ---- */

static struct points look(const struct label_line *line)
{
	struct points points = { 0 };

	for (size_t i = 0; i < line->count; i++) {
		double value = line->slots[i];

		if (isnan(value))
			continue;
		if (!points.count++)
			points.first = points.min = points.max = i;
		points.last = i;
		points.min = value < line->slots[points.min] ? i : points.min;
		points.max = value > line->slots[points.max] ? i : points.max;
		points.sum += value;
	}
	return points;
}

/* Whole numbers in full, others to six places. */
static void add_number(struct text *out, double value)
{
	bool whole = fabs(value) < 1e15 && floor(value) == value;

	text_printf(out, whole ? "%.0f" : "%.6g", value);
}

static void add_time(struct text *out, int64_t at_s, int zone_s)
{
	int64_t shown_s = at_s + zone_s > 0 ? at_s + zone_s : 0;
	int minutes = abs(zone_s) / 60;
	char iso[WHEN_ISO_BYTES + 1];

	when_iso_ms((uint64_t)shown_s * 1000, iso);
	text_printf(out, "%.19s", iso);
	if (zone_s)
		text_printf(out, "%c%02d:%02d", zone_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
	else
		text_add_char(out, 'Z');
}

/* 1d 2h 3m 4s, without the parts that are zero. */
static void add_duration(struct text *out, int64_t seconds)
{
	static const struct {
		int64_t seconds;
		char name;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	const char *gap = "";

	if (seconds < 0)
		seconds = -seconds;
	if (!seconds)
		text_add_str(out, "0s");
	for (size_t i = 0; i < COUNT(units); i++) {
		if (seconds >= units[i].seconds) {
			text_printf(out, "%s%lld%c", gap, (long long)(seconds / units[i].seconds),
				    units[i].name);
			gap = " ";
		}
		seconds %= units[i].seconds;
	}
}

static void add_variable(struct text *out, const struct variable *variable,
			 const struct label_line *line, const struct points *points)
{
	size_t from, to;
	int64_t from_s, to_s;

	memcpy(&from, (const char *)points + variable->from, sizeof from);
	memcpy(&to, (const char *)points + variable->to, sizeof to);
	from_s = line->start_s + (int64_t)from * line->period_s;
	to_s = line->start_s + (int64_t)to * line->period_s;
	if (variable->kind == LABEL) {
		text_add(out, line->label);
		return;
	}
	if (variable->kind != COUNT_OF && !points->count) {
		text_add_str(out, "--");
		return;
	}
	switch (variable->kind) {
	case COUNT_OF: add_number(out, (double)points->count); break;
	case SUM_OF: add_number(out, points->sum); break;
	case AVERAGE_OF: add_number(out, points->sum / (double)points->count); break;
	case VALUE_AT: add_number(out, line->slots[from]); break;
	case VALUES_TO: add_number(out, fabs(line->slots[to] - line->slots[from])); break;
	case TIME_AT: add_time(out, from_s, line->zone_s); break;
	case TIME_TO: add_duration(out, to_s - from_s); break;
	case TIME_SINCE: add_duration(out, line->now_s - from_s); break;
	case LABEL: break;
	}
}

static void add_property(struct text *out, struct bytes property,
			 const struct metric_origin *origin)
{
	if (!origin)
		return;
	if (bytes_eq_str(property, "AccountId"))
		text_add_str(out, origin->account);
	else if (bytes_eq_str(property, "Region"))
		text_add_str(out, origin->region);
	else if (bytes_eq_str(property, "MetricName"))
		text_add(out, origin->name);
	else if (bytes_eq_str(property, "Namespace"))
		text_add(out, origin->name_space);
	else if (bytes_eq_str(property, "Stat"))
		text_add_str(out, origin->stat);
	else if (bytes_eq_str(property, "Period"))
		text_printf(out, "%lld", (long long)origin->period_s);
	for (unsigned i = 0; i < origin->dimension_count; i++)
		if (bytes_starts(property, BYTES("Dim.")) &&
		    bytes_eq(bytes_from(property, 4), origin->dimensions[i].name))
			text_add(out, origin->dimensions[i].value);
}

void label_write(struct bytes label, const struct label_line *line, struct text *out)
{
	struct points points = look(line);
	struct bytes before, name, property;

	while (next_variable(&label, &before, &name)) {
		const struct variable *variable = find_variable(name);

		text_add(out, before);
		if (variable)
			add_variable(out, variable, line, &points);
		else if (read_property(name, &property))
			add_property(out, property, line->origin);
	}
	text_add(out, before);
}
