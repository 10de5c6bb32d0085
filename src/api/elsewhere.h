/*
 * elsewhere: a request of a REST service whose resource lies at another endpoint (api_elsewhere):
 * who asks and whether they may is found out here, then it is spelled and signed anew for there,
 * and the answer's head read. Pure; http_pass.c carries the bytes.
 */
#ifndef API_ELSEWHERE_H
#define API_ELSEWHERE_H

#include "api/front_internal.h"

/* How the body goes on. */
enum elsewhere_body {
	ELSEWHERE_AS_IS,    /* as it came: there they check what vouches for it */
	ELSEWHERE_UNPACKED, /* out of chunks signed with the caller's key, which is unknown there */
};

struct elsewhere_request {
	const struct api_elsewhere *place;
	struct question q;   /* for faults */
	const char *url;     /* strings are in the request's arena */
	const char **fields; /* "Name: value", NULL-terminated; secrets among them */
	uint64_t body_bytes; /* UINT64_MAX: none */
	enum elsewhere_body body;
	struct sigv4_seed seed; /* of an unpacked body */
};

/*
 * ERR_NOT_FOUND: it is for here. ERR_OK: fills *ret_request and *caller. Otherwise `reply` is
 * filled.
 */
err_t elsewhere_ask(const struct front *front, const struct front_request *request,
		    struct api_caller *caller, struct elsewhere_request *ret_request,
		    struct front_reply *reply);

/* A fault of the way there, in S3's form. */
void elsewhere_refuse(const struct elsewhere_request *there, const struct front_request *request,
		      const struct api_fault *fault, struct front_reply *reply);

/*
 * The answer's head from its lines: status, fields (in `arena`), content type, and how long it
 * is: UINT64_MAX when it does not say. ERR_LIMIT, ERR_NOMEM.
 */
err_t elsewhere_head(unsigned status, struct bytes lines, struct arena *arena,
		     struct front_reply *reply, uint64_t *ret_length);

#endif
