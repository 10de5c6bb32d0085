/*
 * canonical: the one spelling of a request that both ends hash. Pure.
 */
#ifndef API_CANONICAL_H
#define API_CANONICAL_H

#include "base/arena.h"
#include "base/text.h"

/*
 * The path: S3 takes it as it is; everybody else removes dot segments and doubled slashes and
 * encodes once more what the wire already encoded.
 */
void canonical_path(struct text *out, struct bytes path, bool s3);

/*
 * Parameters sorted by name, then value, in the one encoding, without X-Amz-Signature.
 * ERR_NOMEM; ERR_SYNTAX for a broken escape.
 */
err_t canonical_query(struct text *out, struct bytes query, struct arena *arena);

/* A field's value: blanks at the ends gone, runs of them inside one space. */
void canonical_value(struct text *out, struct bytes value);

/* date, region, service → "20261002/us-east-1/s3/aws4_request" */
void canonical_scope(struct text *out, struct bytes date, struct bytes region,
		     struct bytes service);

/* The key that signs for a day, region and service. ERR_TOO_LARGE. */
err_t canonical_key(struct bytes secret, struct bytes date, struct bytes region,
		    struct bytes service, uint8_t out[32]);

/*
 * The signature of a canonical request: 64 hexadecimal digits in `out`. `stamp` is the time as
 * "20261002T100000Z". ERR_NOMEM.
 */
err_t canonical_sign(struct bytes request, struct bytes stamp, struct bytes scope,
		     struct bytes secret, struct bytes date, struct bytes region,
		     struct bytes service, char out[65]);

#endif
