/*
 * payload: the body of an S3 request as its sender meant it, out of what came. Pure; takes any cut
 * of the bytes. Plain bodies are hashed and compared with what was signed; aws-chunked ones are
 * unpacked, their chunks' and trailers' signatures followed link by link:
 *
 *   SIZE[;chunk-signature=HEX] CRLF bytes CRLF … 0[;…] CRLF [name:value CRLF]… CRLF
 *
 * Bytes go to the sink before their chunk's signature is known: the sink keeps them apart until
 * payload_finish said ERR_OK.
 */
#ifndef API_PAYLOAD_H
#define API_PAYLOAD_H

#include "api/sigv4.h"
#include "api/wire.h"

enum { PAYLOAD_TRAILERS_MAX = 8, PAYLOAD_LINE_BYTES_MAX = 4096 };

struct payload;

typedef err_t (*payload_sink_fn)(void *owner, struct bytes piece);

/* `decoded_bytes`: of X-Amz-Decoded-Content-Length; UINT64_MAX: not stated. ERR_NOMEM. */
err_t payload_create(const struct sigv4_seed *seed, uint64_t decoded_bytes,
		     struct payload **ret_payload);
void payload_destroy(struct payload *payload); /* NULL is welcome */

/* The sink's error, or ERR_DENIED, ERR_SYNTAX with *fault filled. */
err_t payload_feed(struct payload *payload, struct bytes piece, payload_sink_fn sink, void *owner,
		   struct api_fault *fault);
/* When the body has ended: was it whole, and what was signed? */
err_t payload_finish(struct payload *payload, struct api_fault *fault);

/* After finish: the trailers, until false. Slices live as long as the payload. */
bool payload_trailer(const struct payload *payload, unsigned index, struct bytes *ret_name,
		     struct bytes *ret_value);

#endif
