/*
 * Answers: heads with what the house and the services say in them, whole ones, and those that a
 * route sends in pieces.
 */
#include <stdlib.h>

#include "api/http_internal.h"
#include "api/rest.h"
#include "base/log.h"
#include "base/when.h"
#include "crypto/random.h"

enum { OWN_FIELDS_MAX = 7, FIELDS_MAX = OWN_FIELDS_MAX + REST_FIELDS_MAX };

/* What an answer's head says beside what all say. */
struct answer_head {
	unsigned status;
	const char *content_type, *query_error; /* NULL, or "": none */
	const struct http_field *fields;	/* further ones */
	unsigned field_count;
	bool bare; /* nothing of the house's in it */
	bool own;  /* the same, but for the request's id */
};

/* S3's own names for a request; who asks for help there tells them. */
static unsigned add_bare_fields(struct request *request, struct http_field *fields)
{
	fields[0] = (struct http_field){ BYTES("x-amz-request-id"), bytes_of(request->request_id) };
	fields[1] = (struct http_field){ BYTES("x-amz-id-2"), bytes_of(request->request_id) };
	return 2;
}

static unsigned add_house_fields(struct request *request, struct http_field *fields, bool own)
{
	fields[0] = (struct http_field){ BYTES("x-amzn-RequestId"), bytes_of(request->request_id) };
	if (own)
		return 1;
	fields[1] = (struct http_field){ BYTES("Cache-Control"), BYTES("no-store") };
	fields[2] = (struct http_field){ BYTES("X-Content-Type-Options"), BYTES("nosniff") };
	return 3;
}

static err_t send_head(struct request *request, const struct answer_head *answer,
		       enum http_framing framing, uint64_t length)
{
	const char *content_type = answer->content_type, *query_error = answer->query_error;
	struct http_field fields[FIELDS_MAX];
	struct http_head head = { .is_response = true, .version = HTTP_1_1, .fields = fields };
	char date[WHEN_HTTP_BYTES + 1];
	unsigned n = 0;

	when_http(loop_unix_us(request->http->options.loop) / 1000, date);
	n = answer->bare ? add_bare_fields(request, fields)
			 : add_house_fields(request, fields, answer->own);
	/* SDKs whose clock is off learn the time from here. */
	fields[n++] = (struct http_field){ BYTES("Date"), bytes_of(date) };
	if (content_type)
		fields[n++] = (struct http_field){ BYTES("Content-Type"), bytes_of(content_type) };
	if (content_type && strcmp(content_type, "application/cbor") == 0)
		fields[n++] = (struct http_field){ BYTES("Smithy-Protocol"), BYTES("rpc-v2-cbor") };
	if (query_error && query_error[0])
		fields[n++] = (struct http_field){ BYTES("x-amzn-query-error"),
						   bytes_of(query_error) };
	assert(n <= OWN_FIELDS_MAX && answer->field_count <= REST_FIELDS_MAX);
	for (unsigned i = 0; i < answer->field_count; i++)
		fields[n++] = answer->fields[i];
	head.status = (uint16_t)answer->status;
	head.reason = bytes_of(http_reason(head.status));
	head.field_count = n;
	head.framing = framing;
	head.length = length;
	return exchange_send_head(request->seen.exchange, &head);
}

void http_free_request(struct request *request)
{
	if (request->http) {
		request->http->bodies_bytes -= request->body.len;
		list_remove(&request->link);
	}
	timer_cancel(&request->stalled);
	text_fini(&request->body);
	text_fini(&request->behind);
	arena_fini(&request->arena);
	free(request);
}

/* The whole answer, the end of the exchange, and of the request. */
static void answer(struct request *request, const struct answer_head *head, struct bytes body,
		   bool close_conn)
{
	struct exchange *x = request->seen.exchange;

	if (x) {
		err_t err = send_head(request, head, HTTP_BODY_LENGTH, body.len);

		if (!err && body.len)
			exchange_send_data(x, body, true);
		if (err)
			log_warn("api", "no answer could be sent: %s", err_words(err));
		request->seen.exchange = NULL;
		if (err || close_conn)
			exchange_close_conn(x);
		else
			exchange_close(x);
	}
	http_free_request(request);
}

static struct answer_head head_of(const struct front_reply *reply)
{
	return (struct answer_head){
		.status = reply->status,
		.content_type = reply->content_type,
		.query_error = reply->query_error,
		.fields = reply->fields,
		.field_count = reply->field_count,
		.bare = reply->bare,
	};
}

err_t http_send_reply_head(struct request *request, const struct front_reply *reply,
			   uint64_t length)
{
	struct answer_head head = head_of(reply);

	return send_head(request, &head, HTTP_BODY_LENGTH, length);
}

err_t http_send_passed_head(struct request *request, const struct front_reply *reply,
			    enum http_framing framing, uint64_t length)
{
	struct answer_head head = head_of(reply);

	random_uuid(request->request_id);
	return send_head(request, &head, framing, length);
}

void http_answer_reply(struct request *request, struct front_reply *reply, bool close_conn)
{
	struct answer_head head = head_of(reply);

	memcpy(request->request_id, reply->request_id, sizeof request->request_id);
	if (reply->outlet)
		download_begin(request, reply);
	else
		answer(request, &head, text_bytes(&reply->body), close_conn);
	text_fini(&reply->body);
}

void http_answer_fault(struct request *request, unsigned status, const char *code,
		       const char *message, bool close_conn)
{
	struct answer_head head = { .status = status };
	struct api_fault fault;
	struct front_reply reply;

	front_reply_init(&reply);
	fault_set(&fault, code, "%s", message);
	front_fault(&fault, &reply);
	memcpy(request->request_id, reply.request_id, sizeof request->request_id);
	head.content_type = reply.content_type;
	answer(request, &head, text_bytes(&reply.body), close_conn);
	text_fini(&reply.body);
}

/* The last pieces, the end of the exchange, and of the request. */
void http_finish_stream(struct request *request)
{
	struct exchange *x = request->seen.exchange;

	request->seen.exchange = NULL;
	exchange_send_data(x, text_bytes(&request->behind), true);
	exchange_close(x);
	http_free_request(request);
}

/* ---- Routes ---- */

static struct request *request_of(struct api_http_request *seen)
{
	return container_of(seen, struct request, seen);
}

void api_http_reply(struct api_http_request *seen, unsigned status, const char *content_type,
		    struct bytes body)
{
	struct answer_head head = { .status = status, .content_type = content_type };
	struct request *request = request_of(seen);

	assert(request->phase == HANDED);
	if (!request->request_id[0])
		random_uuid(request->request_id);
	answer(request, &head, body, false);
}

void api_http_reply_fields(struct api_http_request *seen, unsigned status,
			   const struct http_field *fields, unsigned field_count, struct bytes body)
{
	struct answer_head head = {
		.status = status, .fields = fields, .field_count = field_count, .own = true
	};
	struct request *request = request_of(seen);

	assert(request->phase == HANDED);
	if (!request->request_id[0])
		random_uuid(request->request_id);
	answer(request, &head, body, false);
}

static err_t begin_stream(struct api_http_request *seen, const struct answer_head *head,
			  enum http_framing framing, const struct api_http_stream_events *events)
{
	struct request *request = request_of(seen);
	err_t err;

	assert(request->phase == HANDED);
	request->phase = STREAMING;
	if (!seen->exchange)
		return ERR_CLOSED;
	random_uuid(request->request_id);
	err = send_head(request, head, framing, 0);
	if (err) {
		exchange_close_conn(seen->exchange);
		seen->exchange = NULL;
		return err;
	}
	request->on_gone = events->on_gone;
	request->on_room = events->on_room;
	return ERR_OK;
}

err_t api_http_begin(struct api_http_request *seen, unsigned status, const char *content_type,
		     void (*on_gone)(struct api_http_request *request))
{
	const struct answer_head head = { .status = status, .content_type = content_type };

	return begin_stream(seen, &head, HTTP_BODY_CLOSE,
			    &(struct api_http_stream_events){ .on_gone = on_gone });
}

err_t api_http_begin_fields(struct api_http_request *seen, unsigned status,
			    const struct http_field *fields, unsigned field_count,
			    const struct api_http_stream_events *events)
{
	const struct answer_head head = {
		.status = status, .fields = fields, .field_count = field_count, .own = true
	};

	return begin_stream(seen, &head, HTTP_BODY_CHUNKED, events);
}

bool api_http_is_full(const struct api_http_request *seen)
{
	const struct request *request = container_of(seen, struct request, seen);

	return request->full && seen->exchange;
}

void http_stream_drained(struct request *request)
{
	if (request->behind.len) {
		request->full = exchange_send_data(request->seen.exchange,
						   text_bytes(&request->behind),
						   false) == CONN_FULL;
		text_clear(&request->behind);
	}
	if (!request->full && request->on_room)
		request->on_room(&request->seen);
}

bool api_http_push(struct api_http_request *seen, struct bytes data)
{
	struct request *request = request_of(seen);

	assert(request->phase == STREAMING);
	if (!seen->exchange || request->overrun)
		return false;
	if (!request->full) {
		request->full = exchange_send_data(seen->exchange, data, false) == CONN_FULL;
		return true;
	}
	text_add(&request->behind, data);
	request->overrun = text_err(&request->behind) != ERR_OK;
	return !request->overrun;
}

void api_http_cut(struct api_http_request *seen)
{
	struct request *request = request_of(seen);

	assert(request->phase == STREAMING);
	if (seen->exchange)
		exchange_close(seen->exchange);
	http_free_request(request);
}

void api_http_end(struct api_http_request *seen)
{
	struct request *request = request_of(seen);

	assert(request->phase == STREAMING);
	if (!seen->exchange || request->overrun) {
		/* An answer with a hole in it must not look whole. */
		api_http_cut(seen);
	} else if (request->full) {
		request->phase = ENDING;
	} else {
		http_finish_stream(request);
	}
}
