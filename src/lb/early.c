/*
 * An answer that begins before the target has said anything: for requests that ask for an event
 * stream, in Accept or by "stream": true in a JSON body, in groups with
 * weir.stream.early_response.enabled. While such a request waits (in the queue, for a connection,
 * for the target's head) its client gets 200 and heartbeats. The target's own head is then left
 * out, if it is an event stream's; all else ends the stream with an event:
 *
 *     event: error
 *     data: {"error":{"code":"target_reset","status":502,"message":"the target reset …"}}
 */
#include "base/when.h"
#include "lb/held.h"

static bool asks_for_stream(const struct http_head *head)
{
	for (unsigned i = 0; i < head->field_count; i++) {
		struct bytes rest = head->fields[i].value, range;

		if (!bytes_eq_nocase(head->fields[i].name, BYTES("Accept")))
			continue;
		while (bytes_cut(&rest, ',', &range))
			if (bytes_eq_nocase(bytes_trim(bytes_upto(range, bytes_index(range, ';'))),
					    BYTES("text/event-stream")))
				return true;
	}
	return false;
}

/* "application/json", "application/vnd.some+json": a body that may say "stream": true. */
static bool may_ask_in_body(const struct http_head *head)
{
	struct bytes type = http_value(head, BYTES("Content-Type"));
	struct bytes essence = bytes_trim(bytes_upto(type, bytes_index(type, ';')));

	return head->framing != HTTP_BODY_NONE && bytes_eq(head->method, BYTES("POST")) &&
	       !http_find(head, BYTES("Content-Encoding")) &&
	       (bytes_eq_nocase(essence, BYTES("application/json")) ||
		(essence.len > 5 &&
		 bytes_eq_nocase(bytes_from(essence, essence.len - 5), BYTES("+json"))));
}

void early_prepare(struct stream *s)
{
	const uint32_t never = STREAM_HEAD_REQUEST | STREAM_GRPC | STREAM_UPGRADE;
	bool able = s->group && s->group->stream.early_response && !(s->flags & never) &&
		    s->version != HTTP_1_0;

	if (s->flags & STREAM_EARLY)
		return; /* it has begun, whatever the group is now */
	s->decide.may_greet = able && (asks_for_stream(s->pending->head) || held_streams(s));
	if (s->held || (able && !s->decide.may_greet && may_ask_in_body(s->pending->head)))
		held_begin(s, able);
}

err_t early_begin(struct stream *s)
{
	char date[WHEN_HTTP_BYTES + 1];
	struct http_field fields[4] = {
		{ BYTES("Content-Type"), BYTES("text/event-stream") },
		{ BYTES("Cache-Control"), BYTES("no-cache") },
	};
	struct http_head head = {
		.is_response = true,
		.version = HTTP_1_1,
		.status = 200,
		.reason = BYTES("OK"),
		.framing = HTTP_BODY_CHUNKED,
		.fields = fields,
		.field_count = 2,
	};
	struct http_head out;
	struct arena arena;
	err_t err;

	when_http(loop_unix_us(s->worker->loop) / 1000, date);
	fields[head.field_count++] = (struct http_field){ BYTES("Date"), bytes_of(date) };
	if (s->listener->server_header)
		fields[head.field_count++] = (struct http_field){ BYTES("Server"),
								  BYTES("awselb/2.0") };
	arena_init(&arena, RESPONSE_MAX);
	err = forward_response(&head, s->listener, s->kept ? s->kept->values : NULL,
			       s->kept ? s->kept->count : 0, &arena, &out);
	if (!err && s->flags & STREAM_CLOSE_BOTH)
		conn_drain(s->from->conn);
	if (!err)
		err = exchange_send_head(s->client, &out);
	arena_fini(&arena);
	if (err)
		return err;
	s->flags |= STREAM_EARLY | STREAM_STREAMING;
	s->elb_status = 200;
	record_start(s);
	return ERR_OK;
}

bool early_joins(struct stream *s, const struct http_head *head, bool is_event_stream)
{
	if (head->status != 200 || !is_event_stream) {
		s->target_status = head->status;
		return false;
	}
	s->flags |= STREAM_SSE;
	s->decide.may_beat = true;
	return true;
}

void early_say_error(struct stream *s, enum end_reason reason, uint16_t status)
{
	const struct end_reason_row *row = end_reason_row(reason);
	struct text event = TEXT_INIT(1024);

	if (s->target_status)
		status = s->target_status;
	text_printf(&event,
		    "event: error\ndata: {\"error\":{\"code\":\"%s\",\"status\":%u,"
		    "\"message\":\"%s\"}}\n\n",
		    row->name, status, row->words);
	exchange_send_data(s->client, text_bytes(&event), true);
	text_fini(&event);
}
