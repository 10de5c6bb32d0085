/*
 * front_internal: what the front's two files share: whole requests (front.c) and bodies that come
 * in pieces (front_upload.c).
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

struct rest_request front_rest_request(const struct front_request *request);

/* Whether it is of a REST form; *ret_service as far as its signature names one. */
bool front_ask_rest(const struct front *front, const struct rest_request *request,
		    const struct api_service **ret_service);
err_t front_find_rest(const struct front *front, const struct rest_request *request,
		      const struct api_service *service, struct question *q,
		      struct api_fault *fault);

/* The caller of a request whose body is not there yet, and what vouches for that body. */
err_t front_head_caller(const struct front *front, const struct front_request *request,
			struct api_caller *ret_caller, struct sigv4_seed *ret_seed,
			struct api_fault *fault);

/* The answer of a call that began: handler, encoding, or its fault. `err`: what went wrong. */
void front_finish(const struct question *q, const struct front_request *request,
		  struct api_work *work, struct front_reply *reply);
void front_write_fault(const struct question *q, const struct front_request *request,
		       const struct api_fault *fault, struct front_reply *reply);
/* What the output holds for an answer's fields goes with a fault as well. */
void front_fault_fields(const struct question *q, const struct front_request *request,
			json_t *output, struct front_reply *reply);

#endif
