#include "api/coerce.h"

#include <math.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/when.h"

static json_t *to_string(json_t *value)
{
	char *dump;
	json_t *string;

	if (json_is_string(value))
		return json_incref(value);
	if (!json_is_number(value) && !json_is_boolean(value))
		return NULL;
	dump = json_dumps(value, JSON_ENCODE_ANY);
	string = dump ? json_string(dump) : NULL;
	free(dump);
	return string;
}

static json_t *to_integer(json_t *value)
{
	struct bytes text = bytes_make(json_string_value(value), json_string_length(value));
	bool negative = text.len > 1 && text.at[0] == '-';
	double real = json_real_value(value);
	uint64_t number;

	if (json_is_integer(value))
		return json_incref(value);
	if (json_is_real(value)) {
		if (real != floor(real) || fabs(real) > 9e15)
			return NULL;
		return json_integer((json_int_t)real);
	}
	if (!json_is_string(value) || bytes_to_u64(bytes_from(text, negative), INT64_MAX, &number))
		return NULL;
	return json_integer(negative ? -(json_int_t)number : (json_int_t)number);
}

static json_t *to_double(json_t *value)
{
	const char *text = json_string_value(value);
	char *end;
	double number;

	if (json_is_number(value))
		return json_incref(value);
	/* strtod also knows blanks, "inf" and "nan"; JSON knows none of them. */
	if (!text || !text[0] || strspn(text, "0123456789+-.eE") != json_string_length(value))
		return NULL;
	number = strtod(text, &end);
	return *end || !isfinite(number) ? NULL : json_real(number);
}

static json_t *to_boolean(json_t *value)
{
	struct bytes text = bytes_make(json_string_value(value), json_string_length(value));

	if (json_is_boolean(value))
		return json_incref(value);
	if (!json_is_string(value))
		return NULL;
	if (bytes_eq_nocase(text, BYTES("true")) || bytes_eq_str(text, "1"))
		return json_true();
	if (bytes_eq_nocase(text, BYTES("false")) || bytes_eq_str(text, "0"))
		return json_false();
	return NULL;
}

static json_t *to_timestamp(json_t *value)
{
	uint64_t unix_ms;

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		return json_incref(value);
	if (json_is_real(value) && json_real_value(value) >= 0 && json_real_value(value) < 9e15)
		return json_integer((json_int_t)json_real_value(value));
	if (!json_is_string(value) ||
	    coerce_time(bytes_make(json_string_value(value), json_string_length(value)), &unix_ms))
		return NULL;
	return json_integer((json_int_t)unix_ms);
}

static json_t *to_blob(json_t *value)
{
	struct text plain = TEXT_INIT(64 * 1024 * 1024);
	bool good = json_is_string(value) &&
		    decode_base64(&plain, bytes_make(json_string_value(value),
						     json_string_length(value))) == ERR_OK;

	text_fini(&plain);
	return good ? json_incref(value) : NULL;
}

/* Digits at `at`, exactly `count`, copied to where the basic form wants them. */
static bool take_digits(struct bytes *text, unsigned count, char **to)
{
	for (unsigned i = 0; i < count; i++) {
		if (i >= text->len || text->at[i] < '0' || text->at[i] > '9')
			return false;
		*(*to)++ = text->at[i];
	}
	*text = bytes_from(*text, count);
	return true;
}

static bool take_char(struct bytes *text, char c)
{
	if (!text->len || text->at[0] != c)
		return false;
	*text = bytes_from(*text, 1);
	return true;
}

/* What follows the seconds: a fraction and a zone. */
static bool parse_tail(struct bytes text, uint64_t *ret_ms, int64_t *ret_offset_min)
{
	char digits[4], *to = digits;
	uint64_t ms = 0, unit = 100;
	bool east;

	if (take_char(&text, '.')) {
		if (!text.len || text.at[0] < '0' || text.at[0] > '9')
			return false;
		for (; text.len && text.at[0] >= '0' && text.at[0] <= '9'; unit /= 10) {
			ms += unit * (uint64_t)(text.at[0] - '0');
			text = bytes_from(text, 1);
		}
	}
	*ret_ms = ms;
	*ret_offset_min = 0;
	if (take_char(&text, 'Z'))
		return text.len == 0;
	east = take_char(&text, '+');
	if (!east && !take_char(&text, '-'))
		return text.len == 0; /* no zone: UTC */
	if (!take_digits(&text, 2, &to))
		return false;
	take_char(&text, ':');
	if (!take_digits(&text, 2, &to) || text.len)
		return false;
	*ret_offset_min = (digits[0] - '0') * 600 + (digits[1] - '0') * 60 +
			  (digits[2] - '0') * 10 + (digits[3] - '0');
	if (!east)
		*ret_offset_min = -*ret_offset_min;
	return true;
}

err_t coerce_time(struct bytes text, uint64_t *ret_unix_ms)
{
	char basic[16], *to = basic;
	uint64_t seconds, ms;
	int64_t unix_ms, offset_min;

	if (bytes_to_u64(text, UINT32_MAX, &seconds) == ERR_OK) {
		*ret_unix_ms = seconds * 1000;
		return ERR_OK;
	}
	if (!take_digits(&text, 4, &to) || !take_char(&text, '-') || !take_digits(&text, 2, &to) ||
	    !take_char(&text, '-') || !take_digits(&text, 2, &to) ||
	    (!take_char(&text, 'T') && !take_char(&text, ' ')))
		return ERR_SYNTAX;
	*to++ = 'T';
	if (!take_digits(&text, 2, &to) || !take_char(&text, ':') || !take_digits(&text, 2, &to) ||
	    !take_char(&text, ':') || !take_digits(&text, 2, &to))
		return ERR_SYNTAX;
	*to++ = 'Z';
	if (!parse_tail(text, &ms, &offset_min) ||
	    when_parse_basic(bytes_make(basic, sizeof basic), ret_unix_ms))
		return ERR_SYNTAX;
	unix_ms = (int64_t)(*ret_unix_ms + ms) - offset_min * 60000;
	if (unix_ms < 0)
		return ERR_SYNTAX;
	*ret_unix_ms = (uint64_t)unix_ms;
	return ERR_OK;
}

json_t *coerce_leaf(const struct api_shape *shape, json_t *value)
{
	switch (shape->kind) {
	case API_STRING: return to_string(value);
	case API_INTEGER: return to_integer(value);
	case API_DOUBLE: return to_double(value);
	case API_BOOLEAN: return to_boolean(value);
	case API_TIMESTAMP: return to_timestamp(value);
	case API_BLOB: return to_blob(value);
	default: return NULL;
	}
}
