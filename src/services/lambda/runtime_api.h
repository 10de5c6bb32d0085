/*
 * runtime_api: the Lambda Runtime API (2018-06-01) of one environment: HTTP in, events out.
 *
 *   GET  /2018-06-01/runtime/invocation/next               on_next: kept, answered with give
 *   POST /2018-06-01/runtime/invocation/ID/response        on_response (each piece, when streamed)
 *   POST /2018-06-01/runtime/invocation/ID/error           on_error
 *   POST /2018-06-01/runtime/init/error                    on_init_error
 *
 * Each environment has a listener of its own, on a random address of 127.0.0.0/8 and a port the
 * kernel picks: 40 bits that only its environment is told, and a request must name them as its
 * Host. The control thread. What is answered here is what AWS's service answers.
 */
#ifndef SERVICES_LAMBDA_RUNTIME_API_H
#define SERVICES_LAMBDA_RUNTIME_API_H

#include "conn/conn.h"

enum {
	RUNTIME_PAYLOAD_BYTES_MAX = 6 * 1024 * 1024 + 100, /* AWS: 6291556 */
	RUNTIME_STREAM_BYTES_MAX = 200 * 1024 * 1024,	   /* of a streamed answer */
	RUNTIME_ERROR_BYTES_MAX = 256 * 1024,
};

struct runtime_api;
struct runtime_request;

/* All slices are gone when the callback returns. */
struct runtime_api_events {
	/* Ends with give, refuse or on_lost. */
	void (*on_next)(void *owner, struct runtime_request *next);
	void (*on_lost)(void *owner, struct runtime_request *next);
	/*
	 * Whether the answer of this invocation is taken now: ERR_OK; ERR_NOT_FOUND for another id,
	 * ERR_CONFLICT at another time. Asked before anything is read of it.
	 */
	err_t (*on_answer)(void *owner, struct bytes request_id);
	/*
	 * A piece of a streamed answer, in the turn it came. False: no room, on_answer's exchange
	 * is paused until runtime_api_resume.
	 */
	bool (*on_piece)(void *owner, struct bytes content_type, struct bytes data);
	/* The whole answer (what was not told as pieces); ERR_TOO_LARGE when it passed the bound.
	 */
	void (*on_response)(void *owner, err_t err, struct bytes content_type, struct bytes body);
	/* How the function failed: its JSON, or, of a streamed answer, the trailers' in JSON. */
	void (*on_error)(void *owner, struct bytes body);
	void (*on_init_error)(void *owner, struct bytes body);
};

/* Listens. The caller owns it until runtime_api_destroy. ERR_NOMEM, ERR_LIMIT, ERR_SYSTEM. */
err_t runtime_api_create(struct loop *loop, const struct runtime_api_events *events, void *owner,
			 struct runtime_api **ret_api);
void runtime_api_destroy(struct runtime_api *api); /* NULL is welcome */

/* "127.83.20.7:41231": AWS_LAMBDA_RUNTIME_API. */
const char *runtime_api_address(const struct runtime_api *api);

struct runtime_work {
	struct bytes request_id, function_arn, trace_id,
		client_context; /* the last two may be "" */
	uint64_t deadline_unix_ms;
	struct bytes payload;
};
/* Answers on_next's request with an invocation. An error is told by on_lost, later. */
void runtime_api_give(struct runtime_request *next, const struct runtime_work *work);
void runtime_api_refuse(struct runtime_request *next); /* 403 InvalidStateTransition */

void runtime_api_resume(struct runtime_api *api);
/* Ends the connection that a streamed answer comes on. */
void runtime_api_cut(struct runtime_api *api);

#endif
