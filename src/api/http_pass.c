/*
 * Requests about what lies at another endpoint (elsewhere.h), between an exchange and a transfer:
 *
 *   exchange ──► [chunks unpacked] ──► transfer ──► endpoint
 *   exchange ◄────────────────────── transfer ◄── endpoint
 *
 * Either side holds the other back when it is slow. Of a body whose chunks are signed the last
 * piece stays here until all of it is as signed: what is short is not kept there.
 */
#include <stdlib.h>

#include "api/elsewhere.h"
#include "api/http_internal.h"
#include "api/payload.h"
#include "base/log.h"
#include "net/transfer.h"

enum { TAKE_BYTES = 32 * 1024, STALLED_MS = 60 * 1000 };

struct passage {
	struct request *request;
	struct front_request whole; /* for faults */
	struct elsewhere_request there;
	struct transfer *transfer;
	struct payload *payload; /* of chunks that are unpacked here */
	struct text held;	 /* their last piece */
	uint64_t left;		 /* of the answer; UINT64_MAX: it does not say */
	bool paused, all_read, headed, full;
};

static void pass_free(struct request *request)
{
	struct passage *passage = request->passage;

	if (passage->headed && passage->left == 0)
		transfer_finish(passage->transfer);
	else
		transfer_close(passage->transfer);
	payload_destroy(passage->payload);
	text_fini(&passage->held);
	free(passage);
	request->passage = NULL;
}

void pass_on_gone(struct request *request)
{
	pass_free(request);
	http_free_request(request);
}

/* The answer is over; `cut` when it must not look whole. */
static void pass_end(struct request *request, bool cut)
{
	struct exchange *x = request->seen.exchange;
	bool unread = !request->passage->all_read;

	request->seen.exchange = NULL;
	pass_free(request);
	if (cut || unread)
		exchange_close_conn(x);
	else
		exchange_close(x);
	http_free_request(request);
}

static void pass_refuse(struct request *request, const struct api_fault *fault)
{
	struct passage *passage = request->passage;
	bool unread = !passage->all_read;
	struct front_reply reply;

	front_reply_init(&reply);
	elsewhere_refuse(&passage->there, &passage->whole, fault, &reply);
	pass_free(request);
	http_answer_reply(request, &reply, unread);
}

static void no_way(struct request *request, err_t err, const char *why)
{
	const char *endpoint = request->passage->there.place->endpoint;
	struct api_fault fault;

	log_warn("s3", "%s: %s", endpoint, why);
	fault_set(&fault, "ServiceUnavailable",
		  "The bucket lies at %s, which did not answer (%s): %s", endpoint, err_words(err),
		  why);
	fault.status = 503;
	pass_refuse(request, &fault);
}

/* ---- The answer ---- */

static void begin_answer(struct request *request)
{
	struct passage *passage = request->passage;
	struct front_reply reply;
	struct bytes lines;
	unsigned status;
	uint64_t length = 0;
	bool none;
	err_t err;

	if (!transfer_head(passage->transfer, &status, &lines))
		return;
	front_reply_init(&reply);
	err = elsewhere_head(status, lines, &request->arena, &reply, &length);
	if (err) {
		no_way(request, err, "the head of its answer cannot be passed on");
		return;
	}
	passage->headed = true;
	none = status == 204 || status == 304 || bytes_eq_str(request->head_copy.method, "HEAD");
	passage->left = none ? 0 : length;
	err = http_send_passed_head(request, &reply,
				    status == 204 || status == 304  ? HTTP_BODY_NONE
				    : length == UINT64_MAX && !none ? HTTP_BODY_CHUNKED
								    : HTTP_BODY_LENGTH,
				    length == UINT64_MAX ? 0 : length);
	text_fini(&reply.body);
	if (err)
		pass_end(request, true);
}

/* False: the answer is over, and the request gone. */
static bool send_some(struct request *request, char *piece)
{
	struct passage *passage = request->passage;
	size_t room = passage->left < TAKE_BYTES ? (size_t)passage->left : TAKE_BYTES;
	size_t len = transfer_take(passage->transfer, piece, room);
	const char *why;
	bool over;
	err_t err;

	if (len) {
		if (passage->left != UINT64_MAX)
			passage->left -= len;
		passage->full = exchange_send_data(request->seen.exchange, bytes_make(piece, len),
						   passage->left == 0) == CONN_FULL;
	}
	if (passage->left == 0) {
		pass_end(request, false);
		return false;
	}
	if (len)
		return !passage->full;
	over = transfer_is_over(passage->transfer, &err, &why);
	if (!over)
		return false;
	if (!err && passage->left == UINT64_MAX) {
		exchange_send_data(request->seen.exchange, BYTES_NONE, true);
	} else {
		log_warn("s3", "%s: an answer ended early: %s", passage->there.place->endpoint,
			 err ? why : "it is too short");
		err = ERR_TRUNCATED;
	}
	pass_end(request, err != ERR_OK);
	return false;
}

static void on_progress(void *owner)
{
	struct request *request = owner;
	struct passage *passage = request->passage;
	char piece[TAKE_BYTES];
	const char *why;
	err_t err;

	if (passage->paused && transfer_has_room(passage->transfer)) {
		passage->paused = false;
		exchange_resume(request->seen.exchange);
		http_watch_stall(request);
	}
	if (!passage->headed)
		begin_answer(request);
	if (!request->passage)
		return;
	if (!passage->headed) {
		if (transfer_is_over(passage->transfer, &err, &why))
			no_way(request, err, why);
		return;
	}
	timer_cancel(&request->stalled); /* what else comes is not waited for */
	while (!passage->full && send_some(request, piece))
		;
}

void pass_on_drained(struct request *request)
{
	request->passage->full = false;
	if (request->passage->headed)
		on_progress(request);
}

/* ---- The body ---- */

static err_t hold(void *owner, struct bytes piece)
{
	struct passage *passage = owner;

	if (passage->held.len)
		transfer_send(passage->transfer, text_bytes(&passage->held));
	text_clear(&passage->held);
	text_add(&passage->held, piece);
	return text_err(&passage->held);
}

static err_t unpack(struct passage *passage, const struct http_body *body, struct api_fault *fault)
{
	for (unsigned i = 0; i < body->data_count; i++)
		TRY(payload_feed(passage->payload, body->data[i], hold, passage, fault));
	if (!body->end)
		return ERR_OK;
	TRY(payload_finish(passage->payload, fault));
	transfer_send(passage->transfer, text_bytes(&passage->held));
	return ERR_OK;
}

void pass_on_body(struct request *request, const struct http_body *body)
{
	struct passage *passage = request->passage;
	struct api_fault fault = { .status = 0 };
	err_t err = ERR_OK;

	passage->all_read = body->end;
	if (body->end)
		timer_cancel(&request->stalled);
	else if (!passage->headed)
		http_watch_stall(request);
	if (passage->payload)
		err = unpack(passage, body, &fault);
	for (unsigned i = 0; !passage->payload && i < body->data_count; i++)
		transfer_send(passage->transfer, body->data[i]);
	if (err && passage->headed) {
		pass_end(request, true);
	} else if (err) {
		if (!fault.code[0])
			fault_set(&fault, "InternalError", "%s", err_words(err));
		pass_refuse(request, &fault);
	} else if (!body->end && !transfer_has_room(passage->transfer)) {
		passage->paused = true;
		timer_cancel(&request->stalled);
		exchange_pause(request->seen.exchange);
	}
}

/* ---- The door ---- */

static err_t start(struct request *request, struct passage *passage)
{
	struct api_http *http = request->http;
	const struct elsewhere_request *there = &passage->there;
	struct transfer_request asked = {
		.url = there->url,
		.fields = there->fields,
		.body_bytes = there->body_bytes,
		.ca_file = there->place->ca_file,
		.stalled_ms = STALLED_MS,
	};

	asked.method = arena_string(&request->arena, request->head_copy.method);
	if (!asked.method)
		return ERR_NOMEM;
	if (there->body == ELSEWHERE_UNPACKED)
		TRY(payload_create(&there->seed, there->body_bytes, &passage->payload));
	if (!http->transfers)
		TRY(transfers_create(http->options.loop, &http->transfers));
	return transfer_start(http->transfers, &asked, on_progress, request, &passage->transfer);
}

static void pass_open(struct request *request, const struct front_request *whole,
		      const struct elsewhere_request *there)
{
	struct passage *passage = calloc(1, sizeof *passage);
	bool has_body = request->head_copy.framing != HTTP_BODY_NONE;
	struct api_fault fault;
	struct front_reply reply;
	err_t err = ERR_NOMEM;

	if (passage) {
		passage->request = request;
		passage->whole = *whole;
		passage->there = *there;
		passage->all_read = !has_body;
		text_init(&passage->held, TRANSFER_BUFFER_BYTES);
		request->passage = passage;
		err = start(request, passage);
	}
	if (!err) {
		request->phase = PASSING;
		if (has_body)
			http_watch_stall(request);
		return;
	}
	if (passage)
		pass_free(request);
	fault_set(&fault, err == ERR_LIMIT ? "SlowDown" : "InternalError",
		  err == ERR_LIMIT ? "Please reduce your request rate."
				   : "The request could not be passed on: %s",
		  err_words(err));
	fault.status = err == ERR_LIMIT ? 503 : 500;
	front_reply_init(&reply);
	elsewhere_refuse(there, whole, &fault, &reply);
	request->phase = HANDED;
	http_answer_reply(request, &reply, has_body);
}

bool pass_begin(struct request *request)
{
	struct api_http *http = request->http;
	struct front_request whole = http_front_request(request);
	struct elsewhere_request there;
	struct front_reply reply;
	err_t err;

	front_reply_init(&reply);
	err = elsewhere_ask(&http->front, &whole, &request->caller, &there, &reply);
	if (err == ERR_NOT_FOUND) {
		text_fini(&reply.body);
		return false;
	}
	if (!err) {
		text_fini(&reply.body);
		pass_open(request, &whole, &there);
		return true;
	}
	request->phase = HANDED;
	http_answer_reply(request, &reply, request->head_copy.framing != HTTP_BODY_NONE);
	return true;
}
