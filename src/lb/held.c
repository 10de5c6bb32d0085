#include "lb/held.h"

#include <stdlib.h>

#include "lb/body_peek.h"

/* A receive that had begun when the client was paused (conn.h), and some. */
enum { SPARE_BYTES = 64 * 1024 };

struct held {
	struct body_peek peek;
	enum body_says says;
	struct text body; /* what came while nobody took it */
	size_t room;	  /* taken for it */
	bool greets;
	bool whole;   /* all of the body came so */
	bool reframe; /* some of it was kept: the wire's framing does not fit the rest */
};

/* ---- Room ---- */

bool held_room_take(struct worker *worker, size_t bytes)
{
	if (bytes > worker->held_max - worker->held_bytes)
		return false;
	worker->held_bytes += bytes;
	return true;
}

void held_room_give(struct worker *worker, size_t bytes)
{
	assert(worker->held_bytes >= bytes);
	worker->held_bytes -= bytes;
}

/* ---- One body ---- */

void held_begin(struct stream *s, bool greets)
{
	const struct http_head *head = s->pending->head;
	size_t room = HELD_BYTES + SPARE_BYTES;

	if (s->held) {
		s->held->greets = greets;
		return;
	}
	if (head->framing == HTTP_BODY_LENGTH && head->length < room)
		room = (size_t)head->length;
	if (!held_room_take(s->worker, room))
		return;
	s->held = calloc(1, sizeof *s->held);
	if (!s->held) {
		held_room_give(s->worker, room);
		return;
	}
	text_init(&s->held->body, HELD_BYTES + SPARE_BYTES);
	s->held->room = room;
	s->held->greets = greets;
}

static void drop_body(struct stream *s)
{
	text_fini(&s->held->body);
	text_init(&s->held->body, HELD_BYTES + SPARE_BYTES);
	held_room_give(s->worker, s->held->room);
	s->held->room = 0;
}

void held_end(struct stream *s)
{
	if (!s->held)
		return;
	drop_body(s);
	free(s->held);
	s->held = NULL;
}

bool held_streams(const struct stream *s)
{
	return s->held && s->held->says == BODY_STREAMS;
}

bool held_wants(const struct stream *s)
{
	return s->held && s->held->says == BODY_UNSURE && !s->held->whole &&
	       s->held->body.len < HELD_BYTES;
}

void held_look(struct stream *s, const struct http_body *body)
{
	struct held *held = s->held;

	for (unsigned i = 0; i < body->data_count && held->says == BODY_UNSURE; i++)
		held->says = body_peek_feed(&held->peek, body->data[i]);
	if (held->says == BODY_STREAMS && held->greets && !decide_answered(&s->decide))
		s->decide.may_greet = true;
}

err_t held_take(struct stream *s, const struct http_body *body)
{
	struct held *held = s->held;

	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&held->body, body->data[i]);
	held->whole = body->end;
	held->reframe = true;
	return text_err(&held->body);
}

bool held_kept(const struct stream *s, struct bytes *ret_kept, bool *ret_whole)
{
	if (!s->held || !s->held->reframe)
		return false;
	*ret_kept = text_bytes(&s->held->body);
	*ret_whole = s->held->whole;
	return true;
}

void held_sent(struct stream *s)
{
	if (s->held->whole)
		held_end(s);
	else
		drop_body(s);
}

enum conn_room held_pass(struct stream *s, const struct http_body *body)
{
	enum conn_room room = CONN_OK;

	if (!s->held || !s->held->reframe)
		return exchange_send_body(s->target, body);
	for (unsigned i = 0; i < body->data_count; i++)
		room = exchange_send_data(s->target, body->data[i],
					  body->end && i + 1 == body->data_count);
	if (body->end && !body->data_count)
		room = exchange_send_data(s->target, BYTES_NONE, true);
	return room;
}
