/*
 * http_call: one JSON request to an engine and its whole answer, blocking. For threads of the
 * pool, never a loop; any thread, each call on its own.
 *
 * http and https only, no redirects, bounded in time and size. The key goes into a header and
 * nowhere else.
 */
#ifndef RAG_ENGINES_HTTP_CALL_H
#define RAG_ENGINES_HTTP_CALL_H

#include <jansson.h>

#include "base/text.h"

enum { HTTP_CALL_ANSWER_MAX = 64 * 1024 * 1024 };

struct http_call {
	const char *url;
	const char *authorization; /* the header's value, or NULL */
	struct bytes body;	   /* JSON; empty: GET */
	uint32_t timeout_ms;
	bool any_certificate; /* an engine behind a certificate of its own, by the user's word */
};

struct http_answer {
	long status;  /* 0: none came */
	json_t *json; /* NULL when the body was none; the caller's to free */
	uint32_t retry_after_s;
};

/*
 * ERR_OK with any status, once an answer came whole; ERR_UNREACHABLE, ERR_EXPIRED, ERR_TOO_LARGE,
 * ERR_NOMEM else. The reason is logged without what was sent.
 */
err_t http_call(const struct http_call *call, struct http_answer *ret_answer);

#endif
