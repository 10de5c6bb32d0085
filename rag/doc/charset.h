/*
 * charset: text files to UTF-8. Pure. A byte order mark decides; else what is valid UTF-8 is that,
 * and the rest Windows-1252, which any bytes are.
 */
#ifndef RAG_DOC_CHARSET_H
#define RAG_DOC_CHARSET_H

#include "base/arena.h"
#include "base/text.h"

/*
 * *ret_text is a slice of `data`, or in the arena. ERR_SYNTAX for what is no text at all (a NUL
 * byte, half a character of UTF-16); ERR_NOMEM.
 */
err_t charset_decode(struct arena *arena, struct bytes data, struct bytes *ret_text);

void utf8_add(struct text *out, uint32_t c); /* U+FFFD for what is no character */

#endif
