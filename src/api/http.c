/*
 * The front on its connections. A request goes READING → HANDED → (STREAMING → ENDING →) gone, or
 * takes a side way:
 *
 *   READING    its body comes in; nobody else knows of it, and the peer's leaving frees it
 *   PASSING    it and its answer are passed on, to and from another endpoint (http_pass.c)
 *   RECEIVING  its body comes in and goes to its operation, piece by piece (http_body.c)
 *   HANDED     complete; the answer is being made, mostly in the same turn
 *   SENDING    an operation's body goes out, piece by piece (http_body.c)
 *   STREAMING  a route sends its answer in pieces
 *   ENDING     the route is through, the last pieces wait for a slow reader
 *
 * HANDED and STREAMING requests belong to whoever answers, and outlive their exchange if need be.
 */
#include "api/http.h"

#include <stdlib.h>

#include "api/http_internal.h"
#include "http/uri.h"

enum {
	BODIES_BYTES_MAX = 256 * 1024 * 1024,	    /* of all requests being read, together */
	REQUEST_ARENA_BYTES_MAX = 20 * 1024 * 1024, /* a body once more, and a head */
	/* What of a body has to come in that time, unless its end does. */
	STALLED_MS = 30 * 1000,
	PROGRESS_BYTES_MIN = 16 * 1024,
};

/*
 * The head becomes the request's own: handlers keep it past the exchange, and its bytes move when
 * the callback that brought it returns. False: it was answered instead.
 */
static bool keep_head(struct request *request)
{
	struct uri uri;
	err_t err;

	if (!request->head)
		return true;
	err = http_head_copy(request->head, &request->arena, &request->head_copy);
	request->head = NULL;
	exchange_forget_head(request->seen.exchange);
	if (!err && uri_parse_target(request->head_copy.target, &uri)) {
		http_answer_fault(request, 400, "BadRequest", "The request target is malformed",
				  true);
		return false;
	}
	if (!err)
		err = front_path(&request->http->front, &request->head_copy, &request->arena,
				 uri.path, &request->seen.path);
	if (err) {
		http_answer_fault(request, 500, "InternalFailure", err_words(err), true);
		return false;
	}
	request->seen.head = &request->head_copy;
	request->seen.query = uri.query;
	return true;
}

/* The request is complete. */
static void hand_over(struct request *request)
{
	timer_cancel(&request->stalled);
	request->phase = HANDED;
	if (!keep_head(request))
		return;
	request->seen.body = text_bytes(&request->body);
	http_dispatch(request);
}

/* ---- Exchanges ---- */

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct request *request = owner;
	struct api_http *http = request->http;
	size_t before = request->body.len;

	(void)x;
	if (request->phase == PASSING) {
		pass_on_body(request, body); /* maybe its end */
		return;
	}
	if (request->phase == RECEIVING)
		upload_on_body(request, body);
	if (request->phase != READING)
		return;
	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&request->body, body->data[i]);
	http->bodies_bytes += request->body.len - before;
	if (text_err(&request->body) == ERR_TOO_LARGE) {
		http_answer_fault(request, 413, "RequestEntityTooLarge",
				  "A request can have at most 16 MiB", true);
	} else if (text_err(&request->body) || http->bodies_bytes > BODIES_BYTES_MAX) {
		http_answer_fault(request, 503, "ServiceUnavailable",
				  "Too many large requests are being read at once", true);
	} else if (body->end) {
		hand_over(request);
	} else {
		http_watch_stall(request);
	}
}

/* A byte now and then is no progress: else a few hundred such senders would hold every place. */
void http_watch_stall(struct request *request)
{
	struct loop *loop = request->http->options.loop;
	uint64_t received = exchange_received_bytes(request->seen.exchange);

	if (timer_armed(&request->stalled) &&
	    received - request->progress_bytes < PROGRESS_BYTES_MIN)
		return;
	request->progress_bytes = received;
	timer_set(loop, &request->stalled, loop_now_ms(loop) + STALLED_MS);
}

static void on_stalled(struct timer *timer)
{
	struct request *request = container_of(timer, struct request, stalled);

	if (request->phase == RECEIVING) {
		exchange_close_conn(request->seen.exchange);
		request->seen.exchange = NULL;
		upload_on_gone(request);
		return;
	}
	if (request->phase == PASSING) {
		exchange_close_conn(request->seen.exchange);
		request->seen.exchange = NULL;
		pass_on_gone(request);
		return;
	}
	http_answer_fault(request, 408, "RequestTimeout", "The rest of the request did not come",
			  true);
}

static void on_drained(struct exchange *x, void *owner)
{
	struct request *request = owner;

	(void)x;
	request->full = false;
	if (request->phase == SENDING) {
		download_on_drained(request);
	} else if (request->phase == PASSING) {
		pass_on_drained(request);
	} else if (request->phase == ENDING) {
		http_finish_stream(request);
	} else if (request->phase == STREAMING) {
		http_stream_drained(request);
	}
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct request *request = owner;

	(void)x;
	(void)why;
	request->seen.exchange = NULL;
	if (request->phase == READING || request->phase == ENDING)
		http_free_request(request);
	else if (request->phase == RECEIVING)
		upload_on_gone(request);
	else if (request->phase == PASSING)
		pass_on_gone(request);
	else if (request->phase == SENDING)
		download_on_gone(request);
	else if (request->phase == STREAMING && request->on_gone)
		request->on_gone(&request->seen);
}

static const struct exchange_events exchange_events = {
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static struct request *new_request(struct api_http *http, struct exchange *x,
				   const struct http_head *head)
{
	struct request *request = calloc(1, sizeof *request);

	if (!request)
		return NULL;
	request->http = http;
	request->head = head;
	request->seen.exchange = x;
	request->seen.arena = &request->arena;
	request->stalled.on_expired = on_stalled;
	text_init(&request->body, WIRE_BODY_BYTES_MAX);
	text_init(&request->behind, API_HTTP_BEHIND_BYTES_MAX);
	arena_init(&request->arena, REQUEST_ARENA_BYTES_MAX);
	list_append(&http->requests, &request->link);
	return request;
}

/* Those of the REST forms may be an operation's to receive; the others are collected first. */
static void begin_request(struct request *request)
{
	uint64_t length = request->head->framing == HTTP_BODY_LENGTH ? request->head->length : 0;

	if (!keep_head(request) || pass_begin(request) || upload_begin(request))
		return;
	if (length > WIRE_BODY_BYTES_MAX)
		http_answer_fault(request, 413, "RequestEntityTooLarge",
				  "A request can have at most 16 MiB", true);
	else
		http_watch_stall(request);
}

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct client *client = owner;
	struct api_http *http = client->http;
	struct request *request = new_request(http, x, head);

	if (request)
		address_format_ip(conn_peer(client->conn), request->peer);
	(void)finding; /* nothing behind us could read the request differently */
	exchange_accept(x, &exchange_events, request);
	if (!request)
		exchange_close_conn(x);
	else
		begin_request(request);
}

/* What the codec would not take. */
static const struct {
	err_t err;
	unsigned status;
	const char *code;
} rejections[] = {
	{ ERR_URI_TOO_LARGE, 414, "RequestURITooLong" },
	{ ERR_FIELDS_TOO_LARGE, 431, "RequestHeaderSectionTooLarge" },
	{ ERR_BAD_VERSION, 505, "HTTPVersionNotSupported" },
	{ ERR_BAD_CODING, 501, "NotImplemented" },
	{ ERR_EXPIRED, 408, "RequestTimeout" },
	{ ERR_BAD_MESSAGE, 400, "BadRequest" },
};

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	struct client *client = owner;
	struct request *request = new_request(client->http, x, head);
	size_t i = 0;

	(void)finding;
	exchange_accept(x, &exchange_events, request);
	if (!request) {
		exchange_close_conn(x);
		return;
	}
	while (i + 1 < COUNT(rejections) && rejections[i].err != why)
		i++;
	http_answer_fault(request, rejections[i].status, rejections[i].code, err_words(why), true);
}

const struct conn_server_events http_server_events = {
	.on_exchange = on_exchange,
	.on_rejected = on_rejected,
	.on_closed = http_on_closed,
};
