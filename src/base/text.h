/*
 * text: bytes that grow, up to a maximum they are born with.
 *
 * Appending never fails in the caller's face: the first failure (no memory, maximum passed)
 * sticks, later appends do nothing, and text_err tells at the end.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/bytes.h"

struct text {
	char *at; /* NUL-terminated once anything was appended; NULL before */
	size_t len, cap, max;
	err_t err;
};

#define TEXT_INIT(max_bytes)       \
	{                          \
		.max = (max_bytes) \
	}

void text_init(struct text *text, size_t max_bytes);
void text_fini(struct text *text);
void text_clear(struct text *text);		   /* empty again, memory kept, error forgotten */
void text_reserve(struct text *text, size_t more); /* so that so much is added without growing */

void text_add(struct text *text, struct bytes b);
void text_add_str(struct text *text, const char *string);
void text_add_char(struct text *text, char c);
void text_add_u64(struct text *text, uint64_t value);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static inline struct bytes text_bytes(const struct text *text)
{
	return (struct bytes){ text->at, text->len };
}

/* "" when empty; NUL-terminated. */
static inline const char *text_str(const struct text *text)
{
	return text->at ? text->at : "";
}

static inline err_t text_err(const struct text *text)
{
	return text->err;
}

/* Hands the memory over: malloc'ed and NUL-terminated, the caller frees. NULL after an error. */
char *text_take(struct text *text);

#endif
