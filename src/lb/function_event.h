/*
 * function_event: what a function gets for a request, and what its answer means (reference/alb.md
 * §9.2, §9.3). Pure.
 */
#ifndef LB_FUNCTION_EVENT_H
#define LB_FUNCTION_EVENT_H

#include "base/text.h"
#include "http/message.h"

enum {
	FUNCTION_BODY_BYTES_MAX = 1024 * 1024,	    /* of a request, as it came */
	FUNCTION_ANSWER_BYTES_MAX = 1024 * 1024,    /* the whole JSON */
	FUNCTION_PRELUDE_BYTES_MAX = 64 * 1024,	    /* of a streamed answer */
	FUNCTION_EVENT_BYTES_MAX = 6 * 1024 * 1024, /* what an invocation may carry */
	/* What an answer takes beside its own bytes: its fields, and the arena's blocks. */
	FUNCTION_ARENA_BYTES = 2 * FUNCTION_ANSWER_BYTES_MAX,
};

struct function_request {
	const struct http_head *head; /* as a target would get it: forward_request's */
	struct bytes connection;      /* the client's own word in Connection, which AWS tells on */
	struct bytes body, group_arn;
	bool multi_value; /* lambda.multi_value_headers.enabled */
};

/* The event's JSON. ERR_INVALID: what is no text is not UTF-8 (LambdaBadRequest). ERR_NOMEM,
 * ERR_TOO_LARGE by the text's own maximum. */
err_t function_event_write(const struct function_request *request, struct text *out);
/* A health check's. `path` may have a query. */
err_t function_event_check(struct bytes group_arn, struct bytes path, bool multi_value,
			   struct text *out);

enum { FUNCTION_FIELDS_MAX = HTTP_FIELDS_MAX };

struct function_answer {
	uint16_t status;
	struct bytes reason; /* of statusDescription, without the number; may be empty */
	struct http_field fields[FUNCTION_FIELDS_MAX];
	unsigned field_count;
	struct bytes body;
};

/* Everything in *ret_answer lives in `arena`. ERR_INVALID: LambdaInvalidResponse. ERR_NOMEM. */
err_t function_answer_read(struct bytes json, bool multi_value, struct arena *arena,
			   struct function_answer *ret_answer);
/* The prelude of a streamed answer: statusCode, headers, cookies; all may be missing. No body. */
err_t function_prelude_read(struct bytes json, struct arena *arena,
			    struct function_answer *ret_answer);

bool function_answer_has(const struct function_answer *answer, struct bytes name);

#endif
