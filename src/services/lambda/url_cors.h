/*
 * url_cors: what a function URL's Cors setting (AWS's members, as JSON) makes of requests from
 * pages of other origins: its own answer to their preflights, and fields of all answers. Pure.
 *
 * Which methods and header fields a page may use is for its browser to compare; whether its origin
 * is allowed is decided here.
 */
#ifndef SERVICES_LAMBDA_URL_CORS_H
#define SERVICES_LAMBDA_URL_CORS_H

#include "services/lambda/url_event.h"

struct url_cors_finding {
	const char *member, *value; /* of the setting; borrowed */
	const char *wanted;
};
/* ERR_INVALID: a value that could not act, with *ret_finding set. */
err_t url_cors_check(const json_t *cors, struct url_cors_finding *ret_finding);

bool url_cors_is_preflight(const struct http_head *request);

/*
 * Takes the function's own Access-Control-… out of the answer and puts those of the setting in.
 * Values live in `arena` or are the request's. No setting (NULL) changes nothing. ERR_NOMEM.
 */
err_t url_cors_apply(const json_t *cors, const struct http_head *request, struct arena *arena,
		     struct url_answer *answer);

#endif
