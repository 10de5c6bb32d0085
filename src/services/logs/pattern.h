/*
 * pattern: the filter-pattern language of CloudWatch Logs: parsed once, matched often. Pure.
 *
 *   ERROR -"not this" | ?A ?B                   terms, found anywhere in the message
 *   { $.a.b[0] >= 3 && $.c = "x*" }             messages that are JSON
 *   [ip, user, ..., status = 4*, bytes > 100]   messages of fields between blanks
 *
 * In all three a value may be a regular expression, %…% (regex.h).
 */
#ifndef SERVICES_LOGS_PATTERN_H
#define SERVICES_LOGS_PATTERN_H

#include "base/text.h"

enum { PATTERN_BYTES_MAX = 1024, PATTERN_WHY_BYTES = 160 };

struct pattern;

/* ERR_NOMEM; ERR_SYNTAX and `why` has a sentence. The text is copied. */
err_t pattern_parse(struct bytes text, struct pattern **ret_pattern, char why[PATTERN_WHY_BYTES]);
void pattern_free(struct pattern *pattern); /* NULL is welcome */

bool pattern_matches(const struct pattern *pattern, struct bytes message);

/*
 * What the pattern's names stand for in a message that it matches: "$ip", "$.a.b". `each` gets
 * slices that are good for the call.
 */
typedef void (*pattern_each_fn)(void *owner, struct bytes name, struct bytes value);
void pattern_extract(const struct pattern *pattern, struct bytes message, pattern_each_fn each,
		     void *owner);

/* One value by its name, appended to `out`; false when there is none, or it is no leaf. */
bool pattern_value(const struct pattern *pattern, struct bytes name, struct bytes message,
		   struct text *out);
/* Whether `name` can stand for something under this pattern ("$.x" under JSON, "$ip" in a field).
 */
bool pattern_knows(const struct pattern *pattern, struct bytes name);

#endif
