#include "rag/api/reply.h"

#include <stdio.h>

enum { FIELDS_MAX = 8 };

struct reply {
	struct http_head head;
	struct http_field fields[FIELDS_MAX];
};

static void field_add(struct reply *reply, struct bytes name, struct bytes value)
{
	assert(reply->head.field_count < FIELDS_MAX);
	reply->fields[reply->head.field_count++] = (struct http_field){ name, value };
	reply->head.fields = reply->fields;
}

static void begin(struct reply *reply, uint16_t status, const char *request_id,
		  const char *content_type)
{
	memset(reply, 0, sizeof *reply);
	reply->head.is_response = true;
	reply->head.version = HTTP_1_1;
	reply->head.status = status;
	reply->head.reason = bytes_of(http_reason(status));
	field_add(reply, BYTES("Content-Type"), bytes_of(content_type));
	field_add(reply, BYTES("Cache-Control"), BYTES("no-store"));
	field_add(reply, BYTES("X-Content-Type-Options"), BYTES("nosniff"));
	field_add(reply, BYTES("X-Request-Id"), bytes_of(request_id));
}

static void send_whole(struct exchange *x, struct reply *reply, struct bytes body)
{
	reply->head.framing = HTTP_BODY_LENGTH;
	reply->head.length = body.len;
	if (exchange_send_head(x, &reply->head) == ERR_OK)
		(void)exchange_send_data(x, body, true);
}

void reply_json(struct exchange *x, uint16_t status, const char *request_id, struct bytes body)
{
	struct reply reply;

	begin(&reply, status, request_id, "application/json");
	send_whole(x, &reply, body);
}

void reply_typed(struct exchange *x, uint16_t status, const char *request_id,
		 const char *content_type, struct bytes body)
{
	struct reply reply;

	begin(&reply, status, request_id, content_type);
	send_whole(x, &reply, body);
}

void reply_asset(struct exchange *x, const char *request_id, const char *content_type,
		 struct bytes body)
{
	struct reply reply;

	begin(&reply, 200, request_id, content_type);
	field_add(&reply, BYTES("Content-Security-Policy"), BYTES("default-src 'none'; sandbox"));
	field_add(&reply, BYTES("Cross-Origin-Resource-Policy"), BYTES("same-origin"));
	send_whole(x, &reply, body);
}

void reply_text(struct exchange *x, uint16_t status, const char *request_id, struct bytes body)
{
	struct reply reply;

	begin(&reply, status, request_id, "text/plain; charset=utf-8");
	send_whole(x, &reply, body);
}

static void send_fault(struct exchange *x, struct reply *reply, const struct fault *fault,
		       const char *request_id)
{
	struct text body = TEXT_INIT(8192);
	char seconds[16];

	if (fault->retry_after_ms) {
		snprintf(seconds, sizeof seconds, "%u", (fault->retry_after_ms + 999) / 1000);
		field_add(reply, BYTES("Retry-After"), bytes_of(seconds));
	}
	fault_body(&body, fault, bytes_of(request_id));
	send_whole(x, reply, text_bytes(&body));
	text_fini(&body);
}

void reply_fault(struct exchange *x, const struct fault *fault, const char *request_id)
{
	struct reply reply;

	begin(&reply, fault_status(fault->kind), request_id, "application/json");
	send_fault(x, &reply, fault, request_id);
}

void reply_not_allowed(struct exchange *x, const char *allowed, const char *request_id)
{
	struct fault fault;
	struct reply reply;

	fault_set(&fault, FAULT_METHOD, "", "This path takes %s.", allowed);
	begin(&reply, fault_status(fault.kind), request_id, "application/json");
	field_add(&reply, BYTES("Allow"), bytes_of(allowed));
	send_fault(x, &reply, &fault, request_id);
}

err_t reply_stream_head(struct exchange *x, const char *request_id, const char *content_type)
{
	struct reply reply;

	begin(&reply, 200, request_id, content_type);
	field_add(&reply, BYTES("X-Accel-Buffering"), BYTES("no"));
	reply.head.framing = HTTP_BODY_CHUNKED;
	return exchange_send_head(x, &reply.head);
}
