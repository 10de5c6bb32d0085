/*
 * sigv2: URLs presigned with AWS Signature Version 2, which S3 alone takes: older CLIs and SDKs
 * still make them (`aws s3 presign` of Debian 12). HMAC-SHA-1 of method, type, expiry, X-Amz-
 * fields, path and the parameters that name a resource. Nothing vouches for a body. Pure.
 */
#ifndef API_SIGV2_H
#define API_SIGV2_H

#include "api/sigv4.h"

/*
 * Reads the claim without believing it: SIGV4_MISSING when there is none. Called by sigv4_claim,
 * which is what everybody else asks.
 */
enum sigv4_verdict sigv2_claim(const struct http_head *head, struct sigv4_identity *ret_claim);

/* Believes it or not. `path` as operations see it: the bucket comes first, also of BUCKET.host. */
enum sigv4_verdict sigv2_verify(const struct http_head *head, struct bytes path,
				struct bytes secret, uint64_t now_unix_ms, struct arena *arena);

#endif
