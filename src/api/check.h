/*
 * check: an input against its shape. Makes the JSON value that a handler gets: members the shape
 * does not know are gone, strings stand where strings belong, numbers where numbers do ("80" is as
 * good as 80, since half of the wire forms know nothing but strings).
 *
 * Pure but for the cache of compiled patterns. One thread.
 */
#ifndef API_CHECK_H
#define API_CHECK_H

#include <jansson.h>

#include "api/shape.h"
#include "base/map.h"
#include "base/text.h"

struct patterns {
	struct map compiled; /* pattern text → pcre2_code */
};
void patterns_fini(struct patterns *patterns);

/*
 * ERR_OK and *ret_value (a new reference), ERR_NOMEM, or ERR_INVALID and AWS's words in `words`:
 * "2 validation errors detected: Value 'x' at 'protocol' failed to satisfy constraint: …; …".
 * `input` is borrowed; NULL counts as empty.
 */
err_t check_input(struct patterns *patterns, const struct api_shape *shape, json_t *input,
		  json_t **ret_value, struct text *words);

#endif
