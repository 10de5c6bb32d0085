#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void text_init(struct text *text, size_t max_bytes)
{
	*text = (struct text)TEXT_INIT(max_bytes);
}

void text_fini(struct text *text)
{
	free(text->at);
	*text = (struct text)TEXT_INIT(text->max);
}

void text_clear(struct text *text)
{
	text->len = 0;
	text->err = ERR_OK;
	if (text->at)
		text->at[0] = '\0';
}

/* Room for `more` bytes and a NUL. */
static bool make_room(struct text *text, size_t more)
{
	size_t cap;
	char *at;

	if (text->err)
		return false;
	if (more > text->max - text->len) {
		text->err = ERR_TOO_LARGE;
		return false;
	}
	if (text->len + more + 1 <= text->cap)
		return true;
	cap = size_max(64, text->cap * 2);
	while (cap < text->len + more + 1)
		cap *= 2;
	at = realloc(text->at, cap);
	if (!at) {
		text->err = ERR_NOMEM;
		return false;
	}
	text->at = at;
	text->cap = cap;
	return true;
}

void text_reserve(struct text *text, size_t more)
{
	size_t cap = text->len + more + 1;
	char *at;

	assert(more <= text->max - text->len);
	if (text->err || cap <= text->cap)
		return;
	at = realloc(text->at, cap);
	if (!at) {
		text->err = ERR_NOMEM;
		return;
	}
	text->at = at;
	text->cap = cap;
	at[text->len] = '\0';
}

void text_add(struct text *text, struct bytes b)
{
	if (!make_room(text, b.len))
		return;
	if (b.len)
		memcpy(text->at + text->len, b.at, b.len);
	text->len += b.len;
	text->at[text->len] = '\0';
}

void text_add_str(struct text *text, const char *string)
{
	text_add(text, bytes_of(string));
}

void text_add_char(struct text *text, char c)
{
	text_add(text, bytes_make(&c, 1));
}

void text_add_u64(struct text *text, uint64_t value)
{
	char digits[20];
	size_t start = sizeof digits;

	do {
		digits[--start] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	text_add(text, bytes_make(digits + start, sizeof digits - start));
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args, again;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len >= 0 && make_room(text, (size_t)len)) {
		vsnprintf(text->at + text->len, (size_t)len + 1, format, again);
		text->len += (size_t)len;
	}
	va_end(again);
}

char *text_take(struct text *text)
{
	char *at;

	if (!make_room(text, 0)) {
		text_fini(text);
		return NULL;
	}
	at = text->at;
	at[text->len] = '\0';
	*text = (struct text)TEXT_INIT(text->max);
	return at;
}
