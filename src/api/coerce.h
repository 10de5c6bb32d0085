/*
 * coerce: one plain value in the type that its shape wants, out of whatever spelling a wire form
 * or a person gave it: "80" and 80.0 are 80, "True" is true, 60 is "60" where text belongs. Pure.
 */
#ifndef API_COERCE_H
#define API_COERCE_H

#include <jansson.h>

#include "api/shape.h"

/* A new reference, or NULL when the value is no such thing. `shape` is neither structure, list nor
 * map. */
json_t *coerce_leaf(const struct api_shape *shape, json_t *value);

/* "2026-10-02T10:00:00.123Z", with an offset instead of Z, or seconds since 1970. ERR_SYNTAX. */
err_t coerce_time(struct bytes text, uint64_t *ret_unix_ms);

#endif
