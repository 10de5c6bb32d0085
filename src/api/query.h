/*
 * query: form bodies of the query and ec2 protocols to JSON, led by the operation's shape.
 *
 *     Action=CreateRule&Actions.member.1.Type=forward&Tags=
 *     → { "Actions": [ { "Type": "forward" } ], "Tags": [] }
 *
 * Leaves stay strings: check.c gives them their type. Pure; input is bounded by wire.h.
 */
#ifndef API_QUERY_H
#define API_QUERY_H

#include "api/wire.h"

/* The decoded value of a top-level name; false when it is not there or cannot be decoded. */
bool query_param(struct bytes form, const char *name, struct text *ret_value);

/* ERR_OK and *ret_input (a new reference), or an error with *fault filled. */
err_t query_decode(struct bytes form, enum api_protocol protocol, const struct api_shape *shape,
		   json_t **ret_input, struct api_fault *fault);

#endif
