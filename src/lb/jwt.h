/*
 * jwt: what a jwt-validation action asks of a request's token (reference/alb.md §3.7). Pure.
 *
 *   jwt_read ─► (the key set, jwks.h) ─► jwt_check
 *
 * Failures are the access log's error reasons; NULL is none.
 */
#ifndef LB_JWT_H
#define LB_JWT_H

#include "http/message.h"
#include "lb/jose.h"
#include "lb/config.h"

enum { JWT_SKEW_S = 60 }; /* how far the issuer's clock may be ahead of ours, for nbf and iat */

/* The bearer token of `Authorization`, taken apart. *ret_token is jose_fini's in every case. */
const char *jwt_read(const struct http_head *head, struct jose *ret_token);

/* Its claims: iss and exp must be there, nbf and iat hold when they are, and what else is asked. */
const char *jwt_check_claims(const struct jwt_config *jwt, const json_t *claims, uint64_t unix_s);

#endif
