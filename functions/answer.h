/*
 * answer: events that HTTP brought (API Gateway, a function URL, a load balancer) and plain ones,
 * read alike; answers in the form {"statusCode", "headers", "body"} that all of them take.
 */
#ifndef FUNCTIONS_ANSWER_H
#define FUNCTIONS_ANSWER_H

#include <jansson.h>

#include "functions/http.h"

/* The request's JSON: the event's body where it has one, else the event. NULL with `why` set. */
json_t *answer_request(const json_t *event, struct text *why);

json_t *answer_error(int status, const char *code, const char *words);
json_t *answer_told(const struct http_told *told); /* the server's own answer, as it came */

#endif
