/*
 * rest: operations that have a method and a path of their own, as Lambda and S3 do. Pure.
 *
 * Templates are those of AWS's models: "/functions/{FunctionName}/code", a label takes one
 * segment; "/{Bucket}/{Key+}", a greedy one all that is left; "?uploads" and "?list-type=2" ask for
 * parameters. Where several fit, the one that asks for most wins. Members say by `location` where
 * they travel:
 *
 *     uri             the label of the member's name
 *     query:NAME      a parameter; a list: each of that name
 *     header:NAME     a field; a list: separated by commas; a point in time: as HTTP writes it
 *     headers:PREFIX  a map of all fields whose names begin so
 *     payload         the whole body: a structure in the protocol's form, a blob or text as it is
 *     status          of an answer: its status code
 *
 * The members without one are the document that the body is.
 */
#ifndef API_REST_H
#define API_REST_H

#include "api/wire.h"
#include "base/arena.h"
#include "http/message.h"

enum { REST_LABELS_MAX = 8, REST_FIELDS_MAX = 200 };

struct rest_label {
	struct bytes name, value; /* the value as on the wire */
};

struct rest_match {
	const struct api_service *service;
	const struct api_operation *operation;
	struct rest_label labels[REST_LABELS_MAX];
	unsigned label_count;
};

/* What a request shows before its body is looked at. */
struct rest_request {
	const struct http_head *head;
	struct bytes path, query;
};

bool rest_is(enum api_protocol protocol);

/* Whether the row's template fits, and how closely: more is closer. */
bool rest_fits(const struct api_rest *row, const struct rest_request *request,
	       struct rest_match *ret_match, unsigned *ret_closeness);

/*
 * The operation of `service`, or of any service when that is NULL; those of REST-JSON come first,
 * for S3's paths fit everything. ERR_NOT_FOUND.
 */
err_t rest_find(const struct api *api, const struct api_service *service,
		const struct rest_request *request, struct rest_match *ret_match);

/* ERR_SYNTAX with *fault filled; ERR_NOMEM. A new reference. */
err_t rest_decode(const struct rest_match *match, const struct rest_request *request,
		  struct bytes body, json_t **ret_input, struct api_fault *fault);

/* An answer's head beside its length, and its body. */
struct rest_answer {
	uint16_t status;
	const char *content_type; /* NULL where there is no body */
	struct http_field *fields;
	unsigned field_count;
};

/*
 * ERR_INVALID when the output does not fit the shape, ERR_LIMIT when it has too many fields,
 * ERR_NOMEM. Fields live in `arena`.
 */
err_t rest_encode(const struct api_service *service, const struct api_operation *operation,
		  json_t *output, struct arena *arena, struct rest_answer *ret_answer,
		  struct text *body);

#endif
