/*
 * regex: the regular expressions of filter patterns (%…%). What AWS allows there: literals,
 * classes, . ^ $ ? * + {n,m} | and \d \D \s \S \w \W \xhh; no groups, no back references. Pure.
 *
 * Without groups an expression is a row of positions, so it runs as a set of positions: the time
 * is the length of the text times the length of the expression, whatever they hold.
 */
#ifndef SERVICES_LOGS_REGEX_H
#define SERVICES_LOGS_REGEX_H

#include "base/arena.h"

enum { REGEX_POSITIONS_MAX = 255, REGEX_REPEAT_MAX = 100 };

struct regex;

/* In `arena`. ERR_NOMEM; ERR_SYNTAX and *ret_why is a sentence (static). */
err_t regex_parse(struct arena *arena, struct bytes text, const struct regex **ret_regex,
		  const char **ret_why);

bool regex_finds(const struct regex *regex,
		 struct bytes text); /* anywhere, unless it says ^ or $ */

#endif
