/*
 * aws: calls of AWS's APIs with Signature Version 4: the JSON 1.1 form and the query form, which
 * are all that ECS and Elastic Load Balancing need. Keys, Region and endpoint come from the
 * environment, as Lambda gives them; AWS_ENDPOINT_URL goes before AWS's own addresses.
 */
#ifndef FUNCTIONS_AWS_H
#define FUNCTIONS_AWS_H

#include <jansson.h>

#include "functions/http.h"

/*
 * "ecs", "AmazonEC2ContainerServiceV20141113.RunTask": `input` is borrowed, *ret_output a new
 * reference. ERR_INVALID when the service refuses: `why` says how; else as http_ask.
 */
err_t aws_json(const char *service, const char *target, const json_t *input, uint64_t deadline_ms,
	       json_t **ret_output, struct text *why);

/* "elasticloadbalancing", a form ("Action=…&Version=…"); the answer's XML is added to `xml`. */
err_t aws_form(const char *service, struct bytes form, uint64_t deadline_ms, struct text *xml,
	       struct text *why);

/* What is signed, for tests: a POST of "/" with these fields. Appends the Authorization value. */
struct aws_signing {
	const char *host, *region, *service, *access_key, *secret, *token; /* token: "" for none */
	const char *content_type, *target;				   /* target: "" for none */
	struct bytes body;
	uint64_t now_ms;
};
void aws_sign(const struct aws_signing *signing, struct text *authorization);

#endif
