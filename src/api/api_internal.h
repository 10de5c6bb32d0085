/*
 * api_internal: the door of api.c towards the front, which also wants a request's id.
 */
#ifndef API_API_INTERNAL_H
#define API_API_INTERNAL_H

#include "api/api.h"
#include "api/check.h"

enum {
	API_SERVICES_MAX = 32,
	CALL_ARENA_BYTES_MAX = 32 * 1024 * 1024,
};

struct api {
	const struct api_service *services[API_SERVICES_MAX];
	size_t service_count;
	struct patterns patterns;
	api_authorize_fn authorize; /* NULL: all may do all */
	void *authorize_owner;
	unsigned depth; /* calls that run now, one inside the other */
};

/*
 * Checks `input` and runs the operation. The same promises as api_call; `request_id` is what the
 * handler sees as call->request_id.
 */
err_t api_run(struct api *api, const struct api_caller *caller, const struct api_service *service,
	      const struct api_operation *operation, const char *request_id, json_t *input,
	      json_t **ret_output, struct api_fault *ret_fault);

/* The faults of a name that nobody answers to. */
void api_fault_service(const struct api *api, struct bytes name, struct api_fault *fault);
void api_fault_operation(const struct api_service *service, struct bytes name,
			 struct api_fault *fault);

#endif
