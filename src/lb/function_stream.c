/*
 * A stream whose target is a function: its request is gathered whole and sent as an event, its
 * answer comes whole, or in pieces when the group passes on what functions stream.
 *
 *   function_begin ─► function_body … ─► send ─► on_done             ─► respond
 *                                              └► on_piece … ─► prelude ─► pieces ─► on_done
 */
#include <stdlib.h>

#include "base/when.h"
#include "lb/function_call.h"
#include "lb/function_event.h"
#include "lb/held.h"

static const char prelude_end[8]; /* eight NULs */

/* A piece that the client has no room for. */
struct kept_piece {
	struct list_node link;
	size_t len;
	char data[];
};

struct function_exchange {
	struct text body;	    /* the request's, until it is sent */
	size_t room;		    /* taken for it, and for the event made of it */
	struct function_call *call; /* NULL before */
	struct text prelude;	    /* of a streamed answer, until it is whole */
	bool streamed;		    /* pieces came */
	bool answering;		    /* the head went out */
	bool done;		    /* the function has said all */
	enum function_outcome outcome;
	struct list_node kept; /* pieces, oldest first */
};

/* ---- Failures ---- */

static void fail(struct stream *s, enum function_outcome outcome)
{
	const struct function_outcome_row *row = function_outcome_row(outcome);

	s->error_reason = row->error_reason;
	stream_count(s, row->service ? COUNTER_LAMBDA_INTERNAL_ERRORS : COUNTER_LAMBDA_USER_ERRORS,
		     1);
	stream_stop(s, row->end);
}

static enum function_outcome outcome_of(err_t err)
{
	switch (err) {
	case ERR_NOMEM: return FUNCTION_SERVICE_FAILED;
	case ERR_TOO_LARGE:
	case ERR_LIMIT: return FUNCTION_REQUEST_TOO_LARGE;
	default: return FUNCTION_BAD_REQUEST;
	}
}

/* ---- The answer ---- */

static void add(struct function_answer *answer, const char *name, const char *value)
{
	if (answer->field_count < FUNCTION_FIELDS_MAX &&
	    !function_answer_has(answer, bytes_of(name)))
		answer->fields[answer->field_count++] = (struct http_field){ bytes_of(name),
									     bytes_of(value) };
}

/* What a server says of itself, said by the balancer for the function. */
static err_t send_head(struct stream *s, struct function_answer *answer, enum http_framing framing)
{
	char date[WHEN_HTTP_BYTES + 1];
	struct http_head head = {
		.is_response = true,
		.version = HTTP_1_1,
		.status = answer->status,
		.reason = answer->reason.len ? answer->reason
					     : bytes_of(http_reason(answer->status)),
		.framing = framing,
		.length = answer->body.len,
		.fields = answer->fields,
	};

	when_http(loop_unix_us(s->worker->loop) / 1000, date);
	if (s->listener->server_header)
		add(answer, "Server", "awselb/2.0");
	add(answer, "Date", date);
	if (answer->body.len || framing != HTTP_BODY_LENGTH)
		add(answer, "Content-Type", "application/octet-stream");
	head.field_count = answer->field_count;
	s->function->answering = true;
	return relay_answer_head(s, &head);
}

/* Whole answers. */
static void respond(struct stream *s, struct bytes json)
{
	struct function_answer answer;
	struct arena arena;
	err_t err;

	if (json.len > FUNCTION_ANSWER_BYTES_MAX) {
		fail(s, FUNCTION_ANSWER_TOO_LARGE);
		return;
	}
	arena_init(&arena, FUNCTION_ARENA_BYTES);
	err = function_answer_read(json, s->group->multi_value_headers, &arena, &answer);
	if (!err)
		err = send_head(s, &answer, HTTP_BODY_LENGTH);
	if (!err)
		relay_answer_data(s, answer.body, true);
	else
		fail(s, err == ERR_NOMEM ? FUNCTION_SERVICE_FAILED : FUNCTION_INVALID_ANSWER);
	arena_fini(&arena);
}

/* ---- Streamed answers ---- */

static bool keep_piece(struct function_exchange *f, struct bytes data)
{
	struct kept_piece *piece = malloc(sizeof *piece + data.len);

	if (!piece)
		return false;
	piece->len = data.len;
	memcpy(piece->data, data.at, data.len);
	list_append(&f->kept, &piece->link);
	return true;
}

/* A piece of the answer's body, or one that waits with those before it. */
static void pass(struct stream *s, struct bytes data)
{
	struct function_exchange *f = s->function;

	if (s->decide.client_full || !list_empty(&f->kept)) {
		if (!keep_piece(f, data))
			fail(s, FUNCTION_SERVICE_FAILED);
		return;
	}
	if (data.len) {
		relay_answer_data(s, data, false);
		function_call_read(f->call, data.len);
	}
}

/* False: it could not, and the stream is gone. */
static bool begin_answer(struct stream *s, struct bytes json)
{
	struct function_answer answer;
	struct arena arena;
	err_t err;

	arena_init(&arena, FUNCTION_ARENA_BYTES);
	err = function_prelude_read(json, &arena, &answer);
	if (!err)
		err = send_head(s, &answer, HTTP_BODY_CHUNKED);
	arena_fini(&arena);
	if (err)
		fail(s, err == ERR_NOMEM ? FUNCTION_SERVICE_FAILED : FUNCTION_INVALID_ANSWER);
	return !err;
}

/* The prelude may end anywhere in a piece, and begin in the one before. */
static void on_piece(void *owner, struct bytes data)
{
	struct stream *s = owner;
	struct function_exchange *f = s->function;
	size_t had = f->prelude.len, from, len;
	const char *end;

	f->streamed = true;
	stream_count(s, COUNTER_LAMBDA_BYTES, data.len);
	if (f->answering) {
		pass(s, data);
		return;
	}
	text_add(&f->prelude, data);
	from = had < sizeof prelude_end ? 0 : had - sizeof prelude_end;
	end = text_err(&f->prelude) ? NULL
				    : memmem(f->prelude.at + from, f->prelude.len - from,
					     prelude_end, sizeof prelude_end);
	if (!end) {
		function_call_read(f->call, data.len);
		if (text_err(&f->prelude))
			fail(s, FUNCTION_INVALID_ANSWER);
		return;
	}
	len = (size_t)(end - f->prelude.at);
	data = bytes_from(data, len + sizeof prelude_end - had);
	function_call_read(f->call, len + sizeof prelude_end - had);
	if (begin_answer(s, bytes_make(f->prelude.at, len)) && data.len)
		pass(s, data);
}

/* ---- The end of the call ---- */

/* All that the function said has gone on. */
static void conclude(struct stream *s, struct bytes answer)
{
	const struct function_exchange *f = s->function;

	if (f->outcome != FUNCTION_ANSWERED)
		fail(s, f->outcome);
	else if (!f->streamed)
		respond(s, answer);
	else if (!f->answering)
		fail(s, FUNCTION_INVALID_ANSWER);
	else
		relay_answer_data(s, BYTES_NONE, true);
}

static void on_done(void *owner, enum function_outcome outcome, struct bytes answer)
{
	struct stream *s = owner;
	struct function_exchange *f = s->function;

	f->done = true;
	f->outcome = outcome;
	stream_count(s, COUNTER_LAMBDA_BYTES, answer.len);
	if (list_empty(&f->kept))
		conclude(s, answer);
}

void function_drained(struct stream *s)
{
	struct function_exchange *f = s->function;

	while (!s->decide.client_full && !list_empty(&f->kept)) {
		struct kept_piece *piece = container_of(list_pop(&f->kept), struct kept_piece,
							link);

		relay_answer_data(s, bytes_make(piece->data, piece->len), false);
		function_call_read(f->call, piece->len);
		free(piece);
	}
	if (f->done && list_empty(&f->kept))
		conclude(s, BYTES_NONE);
}

void function_end(struct stream *s)
{
	struct function_exchange *f = s->function;
	struct list_node *node;

	s->function = NULL;
	if (!f)
		return;
	function_call_end(f->call);
	held_room_give(s->worker, f->room);
	while ((node = list_pop(&f->kept)))
		free(container_of(node, struct kept_piece, link));
	text_fini(&f->body);
	text_fini(&f->prelude);
	free(f);
}

/* ---- The request ---- */

static err_t make_event(struct stream *s, struct text *event)
{
	const struct pending *pending = s->pending;
	const struct function_request request = {
		.head = &pending->forwarded,
		.connection = http_value(pending->head, BYTES("Connection")),
		.body = text_bytes(&s->function->body),
		.group_arn = s->group->arn,
		.multi_value = s->group->multi_value_headers,
	};

	return function_event_write(&request, event);
}

/* More of the request is in memory. False: the stream is gone, there is no room. */
static bool make_room(struct stream *s, size_t bytes)
{
	if (!held_room_take(s->worker, bytes)) {
		stream_count(s, COUNTER_BODIES_REFUSED, 1);
		fail(s, FUNCTION_CROWDED);
		return false;
	}
	s->function->room += bytes;
	return true;
}

static void send(struct stream *s)
{
	static const struct function_call_events events = { on_piece, on_done };
	struct function_exchange *f = s->function;
	struct text event = TEXT_INIT(FUNCTION_EVENT_BYTES_MAX);
	const struct function_call_options options = {
		.worker = s->worker,
		.events = &events,
		.owner = s,
		.function_arn = s->picked->id,
		.group_arn = s->group->arn,
		.trace_id = s->pending->trace_id,
		.streams = s->group->function_streams,
	};
	size_t len;
	err_t err = stream_remake_head(s);

	if (!err)
		err = make_event(s, &event);
	text_fini(&f->body);
	held_end(s);
	len = event.len;
	/* The event, for the body that it was made of. */
	held_room_give(s->worker, f->room);
	f->room = 0;
	if (!err && !make_room(s, len)) {
		text_fini(&event);
		return;
	}
	if (!err)
		err = function_call_begin(&options, &event, &f->call);
	text_fini(&event);
	if (err) {
		fail(s, outcome_of(err));
		return;
	}
	stream_count(s, COUNTER_LAMBDA_BYTES, len);
	s->sent_us = record_now_us(s);
	relay_forget_request(s);
	stream_rearm(s);
}

static void take(struct stream *s, const struct bytes *data, unsigned count, bool end)
{
	struct function_exchange *f = s->function;
	size_t had = f->body.len;

	for (unsigned i = 0; i < count; i++)
		text_add(&f->body, data[i]);
	if (text_err(&f->body)) {
		fail(s, outcome_of(text_err(&f->body)));
		return;
	}
	if (!make_room(s, f->body.len - had))
		return;
	relay_note(s, end ? DECIDE_REQUEST_END : DECIDE_REQUEST_PIECE);
	if (end)
		send(s);
}

void function_body(struct stream *s, const struct http_body *body)
{
	take(s, body->data, body->data_count, body->end);
}

void function_begin(struct stream *s)
{
	const struct http_head *head = s->pending->head;
	struct function_exchange *f = calloc(1, sizeof *f);
	struct bytes kept;
	bool whole;

	if (!f) {
		stream_stop(s, END_INTERNAL);
		return;
	}
	text_init(&f->body, FUNCTION_BODY_BYTES_MAX);
	text_init(&f->prelude, FUNCTION_PRELUDE_BYTES_MAX);
	list_init(&f->kept);
	s->function = f;
	if (s->flags & STREAM_UPGRADE) {
		fail(s, FUNCTION_WEBSOCKET);
		return;
	}
	if (head->framing == HTTP_BODY_LENGTH && head->length > FUNCTION_BODY_BYTES_MAX) {
		fail(s, FUNCTION_REQUEST_TOO_LARGE);
		return;
	}
	relay_note(s, DECIDE_CONNECTED);
	if (s->flags & STREAM_NO_BODY) {
		relay_note(s, DECIDE_REQUEST_END);
		send(s);
		return;
	}
	if (s->flags & STREAM_CLIENT_PAUSED) {
		s->flags &= ~(uint32_t)STREAM_CLIENT_PAUSED;
		exchange_resume(s->client);
	}
	stream_rearm(s);
	if (held_kept(s, &kept, &whole)) {
		s->flags |= STREAM_BODY_SENT;
		take(s, &kept, 1, whole);
	}
}
