/*
 * front_internal: what the front's files share: who asks (front_caller.c), what (front_question.c),
 * in which form (front_reply.c), of whole requests (front.c) and of bodies that come in pieces
 * (front_upload.c).
 */
#ifndef API_FRONT_INTERNAL_H
#define API_FRONT_INTERNAL_H

#include "api/api_internal.h"
#include "api/front.h"
#include "api/rest.h"
#include "api/sigv4.h"

/* What a request asks, found out before anything is decoded. */
struct question {
	const struct api_service *service;
	const struct api_operation *operation;
	enum api_protocol protocol;
	struct bytes form; /* of the query forms */
	struct text action, version;
	struct rest_match rest; /* of the REST forms */
};

/* ---- front_question.c ---- */

struct rest_request front_rest_request(const struct front_request *request);

/* Whether it is of a REST form; *ret_service as far as its signature names one. */
bool front_ask_rest(const struct front *front, const struct rest_request *request,
		    const struct api_service **ret_service);
err_t front_find_rest(const struct front *front, const struct rest_request *request,
		      const struct api_service *service, struct question *q,
		      struct api_fault *fault);

/* Which form the sender reads, before anything else is known. */
enum api_protocol front_form_of(const struct http_head *head);
/* Fills *q but for `protocol`, which it changes; the texts of *q are the caller's. */
err_t front_ask(const struct front *front, const struct front_request *request, struct question *q,
		struct api_fault *fault);
/* A service of the query form that has grown the newer ones. */
bool front_speaks_all(const struct api_service *service);

/* ---- front_reply.c ---- */

bool front_is_json(enum api_protocol protocol);
err_t front_decode(const struct question *q, const struct front_request *request,
		   json_t **ret_input, struct api_fault *fault);
err_t front_encode(const struct question *q, const struct front_request *request, json_t *output,
		   struct front_reply *reply);
/* The words of a failure that left none. */
void front_internal(struct api_fault *fault, err_t err);
void front_write_fault_as(enum api_protocol protocol, const struct api_service *service,
			  const struct front_request *request, const struct api_fault *fault,
			  struct front_reply *reply);

/* ---- front_caller.c ---- */

/* The caller of a request whose body is not there yet, and what vouches for that body. */
err_t front_head_caller(const struct front *front, const struct front_request *request,
			struct api_caller *ret_caller, struct sigv4_seed *ret_seed,
			struct api_fault *fault);

/* ---- front.c ---- */

/* The answer of a call that began: handler, encoding, or its fault. `err`: what went wrong. */
void front_finish(const struct question *q, const struct front_request *request,
		  struct api_work *work, struct front_reply *reply);
void front_write_fault(const struct question *q, const struct front_request *request,
		       const struct api_fault *fault, struct front_reply *reply);
/* What the output holds for an answer's fields goes with a fault as well. */
void front_fault_fields(const struct question *q, const struct front_request *request,
			json_t *output, struct front_reply *reply);

#endif
