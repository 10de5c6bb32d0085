#include "base/when.h"

#include <stdio.h>

struct date {
	unsigned year, month, day, hour, minute, second, weekday; /* month 1-12, Sunday 0 */
};

/* Days to a civil date and back: the proleptic Gregorian calendar in 400-year eras. */
static struct date date_of(uint64_t unix_s)
{
	uint64_t days = unix_s / 86400 + 719468, rest = unix_s % 86400;
	uint64_t era = days / 146097, of_era = days % 146097;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153; /* March is 0 */

	return (struct date){
		.year = (unsigned)(year + era * 400 + (month >= 10)),
		.month = (unsigned)(month < 10 ? month + 3 : month - 9),
		.day = (unsigned)(of_year - (153 * month + 2) / 5 + 1),
		.hour = (unsigned)(rest / 3600),
		.minute = (unsigned)(rest / 60 % 60),
		.second = (unsigned)(rest % 60),
		.weekday = (unsigned)((unix_s / 86400 + 4) % 7),
	};
}

static uint64_t unix_s_of(const struct date *d)
{
	uint64_t year = d->year - (d->month <= 2), era = year / 400, of_era = year % 400;
	uint64_t month = d->month > 2 ? d->month - 3 : d->month + 9;
	uint64_t of_year = (153 * month + 2) / 5 + d->day - 1;
	uint64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;

	return (days - 719468) * 86400 + d->hour * 3600 + d->minute * 60 + d->second;
}

static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
				  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

void when_http(uint64_t unix_ms, char out[WHEN_HTTP_BYTES + 1])
{
	struct date d = date_of(unix_ms / 1000);

	snprintf(out, WHEN_HTTP_BYTES + 1, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[d.weekday],
		 d.day % 100, months[d.month - 1], d.year % 10000, d.hour % 100, d.minute % 100,
		 d.second % 100);
}

/* `digits` of value at `at`, leading zeros kept; snprintf would cost more than a small request. */
static char *put_number(char *at, unsigned value, int digits)
{
	for (int i = digits; i > 0; i--, value /= 10)
		at[i - 1] = (char)('0' + value % 10);
	return at + digits;
}

static char *put_parts(char *at, const struct date *d, const char separators[6])
{
	const unsigned parts[] = { d->year, d->month, d->day, d->hour, d->minute, d->second };

	for (size_t i = 0; i < COUNT(parts); i++) {
		at = put_number(at, parts[i], i == 0 ? 4 : 2);
		if (separators[i] != ' ')
			*at++ = separators[i];
	}
	return at;
}

static void iso(const struct date *d, uint64_t fraction, int digits, char *out)
{
	char *at = put_number(put_parts(out, d, "--T::."), (unsigned)fraction, digits);

	memcpy(at, "Z", 2);
}

void when_iso_ms(uint64_t unix_ms, char out[WHEN_ISO_BYTES + 1])
{
	struct date d = date_of(unix_ms / 1000);

	iso(&d, unix_ms % 1000, 3, out);
}

void when_iso_us(uint64_t unix_us, char out[WHEN_ISO_BYTES + 1])
{
	struct date d = date_of(unix_us / 1000000);

	iso(&d, unix_us % 1000000, 6, out);
}

void when_basic(uint64_t unix_ms, char out[WHEN_ISO_BYTES + 1])
{
	struct date d = date_of(unix_ms / 1000);

	memcpy(put_parts(out, &d, "  T  Z"), "", 1);
}

static bool number(struct bytes in, size_t start, size_t len, unsigned min, unsigned max,
		   unsigned *ret)
{
	uint64_t value;

	if (bytes_to_u64(bytes_upto(bytes_from(in, start), len), max, &value) || value < min)
		return false;
	*ret = (unsigned)value;
	return true;
}

static err_t finish(const struct date *d, uint64_t *ret_unix_ms)
{
	struct date again = date_of(unix_s_of(d));

	if (again.day != d->day || again.month != d->month)
		return ERR_SYNTAX; /* 31 February */
	*ret_unix_ms = unix_s_of(d) * 1000;
	return ERR_OK;
}

err_t when_parse_basic(struct bytes in, uint64_t *ret_unix_ms)
{
	struct date d = { 0 };

	if (in.len != 16 || in.at[8] != 'T' || in.at[15] != 'Z')
		return ERR_SYNTAX;
	if (!number(in, 0, 4, 1970, 9999, &d.year) || !number(in, 4, 2, 1, 12, &d.month) ||
	    !number(in, 6, 2, 1, 31, &d.day) || !number(in, 9, 2, 0, 23, &d.hour) ||
	    !number(in, 11, 2, 0, 59, &d.minute) || !number(in, 13, 2, 0, 59, &d.second))
		return ERR_SYNTAX;
	return finish(&d, ret_unix_ms);
}

err_t when_parse_http(struct bytes in, uint64_t *ret_unix_ms)
{
	struct date d = { 0 };
	bool known = false;

	if (in.len != WHEN_HTTP_BYTES || !bytes_eq_str(bytes_from(in, 25), " GMT"))
		return ERR_SYNTAX;
	for (size_t i = 0; i < COUNT(days); i++)
		known = known || bytes_eq_str(bytes_upto(in, 3), days[i]);
	for (unsigned i = 0; i < COUNT(months); i++)
		if (bytes_eq_str(bytes_upto(bytes_from(in, 8), 3), months[i]))
			d.month = i + 1;
	if (!known || !d.month || in.at[3] != ',' || in.at[19] != ':' || in.at[22] != ':' ||
	    !number(in, 5, 2, 1, 31, &d.day) || !number(in, 12, 4, 1970, 9999, &d.year) ||
	    !number(in, 17, 2, 0, 23, &d.hour) || !number(in, 20, 2, 0, 59, &d.minute) ||
	    !number(in, 23, 2, 0, 59, &d.second))
		return ERR_SYNTAX;
	return finish(&d, ret_unix_ms);
}
