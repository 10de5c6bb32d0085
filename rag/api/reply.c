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

static err_t send_head(struct reply_to *to, const struct reply *reply)
{
	TRY(exchange_send_head(to->x, &reply->head));
	to->status = reply->head.status;
	counts_request(to->counts, to->route, to->status);
	return ERR_OK;
}

static void send_whole(struct reply_to *to, struct reply *reply, struct bytes body)
{
	reply->head.framing = HTTP_BODY_LENGTH;
	reply->head.length = body.len;
	if (send_head(to, reply) == ERR_OK)
		(void)exchange_send_data(to->x, body, true);
}

void reply_json(struct reply_to *to, uint16_t status, struct bytes body)
{
	struct reply reply;

	begin(&reply, status, to->request_id, "application/json");
	send_whole(to, &reply, body);
}

void reply_typed(struct reply_to *to, uint16_t status, const char *content_type, struct bytes body)
{
	struct reply reply;

	begin(&reply, status, to->request_id, content_type);
	send_whole(to, &reply, body);
}

void reply_asset(struct reply_to *to, const char *content_type, struct bytes body)
{
	struct reply reply;

	begin(&reply, 200, to->request_id, content_type);
	field_add(&reply, BYTES("Content-Security-Policy"), BYTES("default-src 'none'; sandbox"));
	field_add(&reply, BYTES("Cross-Origin-Resource-Policy"), BYTES("same-origin"));
	send_whole(to, &reply, body);
}

void reply_text(struct reply_to *to, uint16_t status, struct bytes body)
{
	struct reply reply;

	begin(&reply, status, to->request_id, "text/plain; charset=utf-8");
	send_whole(to, &reply, body);
}

static void send_fault(struct reply_to *to, struct reply *reply, const struct fault *fault)
{
	struct text body = TEXT_INIT(8192);
	char seconds[16];

	if (fault->retry_after_ms) {
		snprintf(seconds, sizeof seconds, "%u", (fault->retry_after_ms + 999) / 1000);
		field_add(reply, BYTES("Retry-After"), bytes_of(seconds));
	}
	fault_body(&body, fault, bytes_of(to->request_id));
	send_whole(to, reply, text_bytes(&body));
	text_fini(&body);
}

void reply_fault(struct reply_to *to, const struct fault *fault)
{
	struct reply reply;

	begin(&reply, fault_status(fault->kind), to->request_id, "application/json");
	send_fault(to, &reply, fault);
}

void reply_not_allowed(struct reply_to *to, const char *allowed)
{
	struct fault fault;
	struct reply reply;

	fault_set(&fault, FAULT_METHOD, "", "This path takes %s.", allowed);
	begin(&reply, fault_status(fault.kind), to->request_id, "application/json");
	field_add(&reply, BYTES("Allow"), bytes_of(allowed));
	send_fault(to, &reply, &fault);
}

err_t reply_stream_head(struct reply_to *to, const char *content_type)
{
	struct reply reply;

	begin(&reply, 200, to->request_id, content_type);
	field_add(&reply, BYTES("X-Accel-Buffering"), BYTES("no"));
	reply.head.framing = HTTP_BODY_CHUNKED;
	return send_head(to, &reply);
}
