/*
 * api_internal: the door of api.c towards the front, which also wants a request's id.
 */
#ifndef API_API_INTERNAL_H
#define API_API_INTERNAL_H

#include "api/answers.h"
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
	struct answers answers;
	unsigned depth; /* calls that run now, one inside the other */
};

/*
 * One call from its beginning to its end, which may be far apart. `caller` is borrowed till then.
 * A failure left its words in call.fault.
 */
struct api_work {
	struct api_call call;
	struct arena arena;
};
/* Authorises, checks, and makes the intake. `work` needs its fini also after a failure. */
err_t api_work_begin(struct api_work *work, struct api *api, const struct api_caller *caller,
		     const struct api_service *service, const struct api_operation *operation,
		     const char *request_id, json_t *input);
err_t api_work_handle(struct api_work *work);
void api_work_fini(struct api_work *work);

bool api_is_lasting(const struct api_service *service, const struct api_operation *operation);

/* The member that is the whole body of a REST form; NULL. */
const struct api_member *api_payload_member(const struct api_shape *shape);

/*
 * Checks `input` and runs the operation. The same promises as api_call; `request_id` is what the
 * handler sees as call->request_id.
 */
err_t api_run(struct api *api, const struct api_caller *caller, const struct api_service *service,
	      const struct api_operation *operation, const char *request_id, json_t *input,
	      json_t **ret_output, struct api_fault *ret_fault);
/* The same for who can wait: with *ret_later set there is no output yet. */
err_t api_run_later(struct api *api, const struct api_caller *caller,
		    const struct api_service *service, const struct api_operation *operation,
		    const char *request_id, json_t *input, json_t **ret_output,
		    struct api_later **ret_later, struct api_fault *ret_fault);

/* The faults of a name that nobody answers to. */
void api_fault_service(const struct api *api, struct bytes name, struct api_fault *fault);
void api_fault_operation(const struct api_service *service, struct bytes name,
			 struct api_fault *fault);

#endif
