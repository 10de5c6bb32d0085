/*
 * json: the JSON forms: AWS JSON 1.0 and 1.1, and the house's own at /_weir/call. They differ in
 * how a point in time is written: seconds since 1970 there, ISO 8601 here. Pure.
 */
#ifndef API_JSON_H
#define API_JSON_H

#include "api/wire.h"

/* An empty body is an empty object. ERR_SYNTAX with *fault filled. */
err_t wire_json_decode(struct bytes body, json_t **ret_input, struct api_fault *fault);

/* Seconds since 1970 where the shape has points in time, to what check.c expects. In place. */
void wire_json_times_in(const struct api_shape *shape, json_t *input);

/* ERR_NOMEM, ERR_TOO_LARGE. `iso`: the house's form. */
err_t wire_json_encode(const struct api_shape *shape, json_t *output, bool iso, struct text *out);

/* {"__type": code, "message": …}, or {"code": …, "message": …} in the house's form. */
void wire_json_fault(const struct api_fault *fault, bool house, struct text *out);

#endif
