/*
 * like: names with wildcards, as policies write them. Pure.
 */
#ifndef BASE_LIKE_H
#define BASE_LIKE_H

#include <stdbool.h>

/* Whether all of `text` is what `pattern` says: "*" any bytes, "?" any one, others themselves. In
 * the worst case their lengths multiplied. */
bool is_like(const char *pattern, const char *text);

/* The same where "\\" takes the meaning of what follows away, as filters of EC2 have it. */
bool is_like_escaped(const char *pattern, const char *text);

#endif
