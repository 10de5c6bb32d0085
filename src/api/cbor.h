/*
 * cbor: the body of Smithy's RPC v2: CBOR (RFC 8949) to the same JSON value as every other form,
 * and back. Blobs are base64 in JSON and byte strings here; times are tag 1, seconds. Pure.
 */
#ifndef API_CBOR_H
#define API_CBOR_H

#include "api/wire.h"

/*
 * One map; an empty body counts as one without members. Times come out as seconds, as in the JSON
 * forms. ERR_SYNTAX with a fault, or ERR_NOMEM. *ret_input is a new reference.
 */
err_t wire_cbor_decode(struct bytes body, json_t **ret_input, struct api_fault *fault);

/* Members that the shape does not know are left out. ERR_INVALID when a value is of another type.
 */
err_t wire_cbor_encode(const struct api_shape *shape, json_t *output, struct text *out);

/* {"__type": name, "message": …} */
void wire_cbor_fault(const struct api_fault *fault, const char *name, struct text *out);

#endif
