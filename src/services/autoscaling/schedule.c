#include "services/autoscaling/schedule.h"

#include <stdio.h>
#include <time.h>

enum { DAY_S = 24 * 3600, DAYS_AHEAD = 4 * 366 };

static const char *const month_names[] = { "JAN", "FEB", "MAR", "APR", "MAY", "JUN",
					   "JUL", "AUG", "SEP", "OCT", "NOV", "DEC" };
static const char *const day_names[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT" };

/* What stands between "name(" and ")". */
static bool inside(struct bytes text, struct bytes name, struct bytes *ret_inner)
{
	if (!bytes_starts(text, name) || !bytes_ends(text, BYTES(")")) || text.len < name.len + 1)
		return false;
	*ret_inner = bytes_trim(bytes_upto(bytes_from(text, name.len), text.len - name.len - 1));
	return true;
}

/* ---- Cron ---- */

struct range {
	unsigned first, last; /* what may stand in the field */
	const char *const *names;
	unsigned name_count;
};

static err_t read_value(struct bytes text, const struct range *range, unsigned *ret_value)
{
	uint64_t value;

	for (unsigned i = 0; i < range->name_count; i++)
		if (bytes_eq_nocase(text, bytes_of(range->names[i]))) {
			*ret_value = range->first + i;
			return ERR_OK;
		}
	if (bytes_to_u64(text, range->last, &value) || value < range->first)
		return ERR_SYNTAX;
	*ret_value = (unsigned)value;
	return ERR_OK;
}

/* "*", "5", "1-5", "1/15", "1-30/2": from, to, step. */
static err_t read_part(struct bytes part, const struct range *range, unsigned out[3])
{
	struct bytes rest = part, base, first;
	uint64_t step = 1;
	bool stepped;

	if (!bytes_cut(&rest, '/', &base) || !base.len)
		return ERR_SYNTAX;
	stepped = rest.at != NULL;
	if (stepped && (bytes_to_u64(rest, range->last, &step) || !step))
		return ERR_SYNTAX;
	out[2] = (unsigned)step;
	if (bytes_eq(base, BYTES("*"))) {
		out[0] = range->first;
		out[1] = range->last;
		return ERR_OK;
	}
	bytes_cut(&base, '-', &first);
	TRY(read_value(first, range, &out[0]));
	out[1] = stepped ? range->last : out[0];
	if (base.at)
		TRY(read_value(base, range, &out[1]));
	return out[0] <= out[1] ? ERR_OK : ERR_SYNTAX;
}

static err_t read_field(struct bytes field, const struct range *range, uint64_t *ret_bits)
{
	struct bytes rest = field, part;
	unsigned span[3];

	*ret_bits = 0;
	while (bytes_cut(&rest, ',', &part)) {
		TRY(read_part(part, range, span));
		for (unsigned i = span[0]; i <= span[1]; i += span[2])
			*ret_bits |= 1ull << i;
	}
	return *ret_bits ? ERR_OK : ERR_SYNTAX;
}

static err_t read_year(struct bytes field, struct schedule *schedule)
{
	static const struct range years = { 1970, 2199, NULL, 0 };
	unsigned span[3];

	TRY(read_part(field, &years, span));
	schedule->year_first = (uint16_t)span[0];
	schedule->year_last = (uint16_t)span[1];
	schedule->year_step = (uint16_t)span[2];
	return ERR_OK;
}

static err_t read_cron(struct bytes text, struct schedule *schedule)
{
	static const struct range ranges[] = { { 0, 59, NULL, 0 },
					       { 0, 23, NULL, 0 },
					       { 1, 31, NULL, 0 },
					       { 1, 12, month_names, 12 },
					       { 1, 7, day_names, 7 } };
	uint64_t *const outs[] = { &schedule->minutes, &schedule->hours, &schedule->days,
				   &schedule->months, &schedule->weekdays };
	struct bytes fields[6], part;
	size_t count = 0;

	while (bytes_cut(&text, ' ', &part)) {
		if (!part.len)
			continue;
		if (count == COUNT(fields))
			return ERR_SYNTAX;
		fields[count++] = part;
	}
	if (count != COUNT(fields))
		return ERR_SYNTAX;
	if (bytes_eq(fields[2], BYTES("?")) == bytes_eq(fields[4], BYTES("?")))
		return ERR_SYNTAX;
	for (size_t i = 0; i < COUNT(ranges); i++)
		TRY(read_field(bytes_eq(fields[i], BYTES("?")) ? BYTES("*") : fields[i], &ranges[i],
			       outs[i]));
	return read_year(fields[5], schedule);
}

static bool fits_day(const struct schedule *schedule, const struct tm *day)
{
	unsigned year = (unsigned)day->tm_year + 1900;

	return year >= schedule->year_first && year <= schedule->year_last &&
	       (year - schedule->year_first) % schedule->year_step == 0 &&
	       schedule->months & 1ull << (day->tm_mon + 1) &&
	       schedule->days & 1ull << day->tm_mday &&
	       schedule->weekdays & 1ull << (day->tm_wday + 1);
}

static uint64_t next_in_day(const struct schedule *schedule, uint64_t midnight_s, uint64_t after_s)
{
	for (unsigned hour = 0; hour < 24; hour++) {
		if (!(schedule->hours & 1ull << hour))
			continue;
		for (unsigned minute = 0; minute < 60; minute++) {
			uint64_t at = midnight_s + hour * 3600 + minute * 60;

			if (schedule->minutes & 1ull << minute && at > after_s)
				return at;
		}
	}
	return 0;
}

static uint64_t next_cron(const struct schedule *schedule, uint64_t after_s)
{
	uint64_t midnight = after_s / DAY_S * DAY_S;

	for (unsigned i = 0; i < DAYS_AHEAD; i++, midnight += DAY_S) {
		time_t time = (time_t)midnight;
		uint64_t found;
		struct tm day;

		if (!gmtime_r(&time, &day) || !fits_day(schedule, &day))
			continue;
		found = next_in_day(schedule, midnight, after_s);
		if (found)
			return found;
	}
	return 0;
}

/* ---- At, rate ---- */

static err_t read_at(struct bytes text, struct schedule *schedule)
{
	unsigned year, month, day, hour, minute, second;
	char copy[20], rest;
	struct tm tm;

	if (text.len != 19)
		return ERR_SYNTAX;
	memcpy(copy, text.at, 19);
	copy[19] = '\0';
	if (sscanf(copy, "%4u-%2u-%2uT%2u:%2u:%2u%c", &year, &month, &day, &hour, &minute, &second,
		   &rest) != 6 ||
	    year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
	    minute > 59 || second > 59)
		return ERR_SYNTAX;
	tm = (struct tm){ .tm_year = (int)year - 1900,
			  .tm_mon = (int)month - 1,
			  .tm_mday = (int)day,
			  .tm_hour = (int)hour,
			  .tm_min = (int)minute,
			  .tm_sec = (int)second };
	schedule->at_s = (uint64_t)timegm(&tm);
	return ERR_OK;
}

static err_t read_rate(struct bytes text, struct schedule *schedule)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = { { "minute", 60 },	 { "minutes", 60 }, { "hour", 3600 },
		      { "hours", 3600 }, { "day", DAY_S },  { "days", DAY_S } };
	struct bytes number;
	uint64_t count;

	if (!bytes_cut(&text, ' ', &number) || bytes_to_u64(number, 100000, &count) || !count)
		return ERR_SYNTAX;
	text = bytes_trim(text);
	for (size_t i = 0; i < COUNT(units); i++)
		if (bytes_eq_str(text, units[i].unit)) {
			schedule->every_s = count * units[i].seconds;
			return ERR_OK;
		}
	return ERR_SYNTAX;
}

err_t schedule_parse(struct bytes text, struct schedule *ret_schedule)
{
	struct schedule schedule = { .kind = SCHEDULE_AT };
	struct bytes inner;
	err_t err = ERR_SYNTAX;

	text = bytes_trim(text);
	if (inside(text, BYTES("at("), &inner)) {
		err = read_at(inner, &schedule);
	} else if (inside(text, BYTES("rate("), &inner)) {
		schedule.kind = SCHEDULE_RATE;
		err = read_rate(inner, &schedule);
	} else if (inside(text, BYTES("cron("), &inner)) {
		schedule.kind = SCHEDULE_CRON;
		err = read_cron(inner, &schedule);
	}
	if (!err)
		*ret_schedule = schedule;
	return err;
}

uint64_t schedule_next(const struct schedule *schedule, uint64_t since_s, uint64_t after_s)
{
	switch (schedule->kind) {
	case SCHEDULE_AT: return schedule->at_s > after_s ? schedule->at_s : 0;
	case SCHEDULE_RATE:
		if (after_s < since_s)
			return since_s + schedule->every_s;
		return since_s + ((after_s - since_s) / schedule->every_s + 1) * schedule->every_s;
	case SCHEDULE_CRON: return next_cron(schedule, after_s);
	}
	return 0;
}
