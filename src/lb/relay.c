/*
 * What the two exchanges of a stream and its timer say, put before the decider.
 *
 * A piece of the answer is touched once: it goes out first, then its event boundaries are looked
 * for, then the time is noted. No clock is read, no timer moved and nothing allocated for it.
 */
#include "lb/held.h"

#define HEARTBEAT BYTES(": ping\n")

static uint64_t now_ms(const struct stream *s)
{
	return loop_now_ms(s->worker->loop);
}

static void happen(struct stream *s, enum decide_event event)
{
	struct decide_limits limits = stream_limits(s);

	stream_obey(s, decide(&s->decide, &limits, event, now_ms(s)));
}

void relay_note(struct stream *s, enum decide_event event)
{
	struct decide_limits limits = stream_limits(s);
	struct decision decision = decide(&s->decide, &limits, event, now_ms(s));

	assert(decision.order == DECIDE_GO_ON);
}

/* ---- How bytes are taken from whom ---- */

enum {
	FULL_RECEIVE = 16 * 1024, /* what one receive takes by default */
	RECEIVE_MAX = 256 * 1024,
	PACE_PIECES = 32, /* how many pieces of an answer make a measurement of its pace */
	PACE_FAST_MS = PACE_PIECES * 30,
};

/*
 * After a piece of `len` bytes from `source`. One that filled its receive has more behind it: the
 * next may be as large as what `sink` takes without keeping any, so that bulk costs few calls and
 * still no memory.
 */
static void size_next_receive(struct stream *s, struct exchange *source, struct exchange *sink,
			      size_t len)
{
	size_t room;

	if (len < FULL_RECEIVE && !(s->flags & STREAM_BULK))
		return;
	room = len < FULL_RECEIVE ? 0 : exchange_send_room(sink);
	if (room > FULL_RECEIVE)
		s->flags |= STREAM_BULK;
	else
		s->flags &= ~(uint32_t)STREAM_BULK;
	exchange_receive_hint(source,
			      room > FULL_RECEIVE ? (uint32_t)size_min(room, RECEIVE_MAX) : 0);
}

/*
 * A stream of tokens that come faster than ACKs are delayed needs no ACK for each (design §4). A
 * target that waits for them, for want of TCP_NODELAY, is slowed down by that, shows it in the
 * next measurement, and gets them back for good.
 */
static void measure_pace(struct stream *s, struct exchange *target, uint64_t now)
{
	uint32_t took_ms = (uint32_t)now - s->pace_since_ms;

	s->pace_pieces = 0;
	s->pace_since_ms = (uint32_t)now;
	if (took_ms < PACE_FAST_MS && !(s->flags & (STREAM_THIN_ACKS | STREAM_WANTS_ACKS))) {
		s->flags |= STREAM_THIN_ACKS;
		conn_thin_acks(exchange_conn(target), true);
	} else if (took_ms >= PACE_FAST_MS && s->flags & STREAM_THIN_ACKS) {
		s->flags = (s->flags & ~(uint32_t)STREAM_THIN_ACKS) | STREAM_WANTS_ACKS;
		conn_thin_acks(exchange_conn(target), false);
	}
}

/* ---- The request, toward the target ---- */

void relay_forget_request(struct stream *s)
{
	if (!s->pending)
		return;
	stream_forget_pending(s);
	exchange_forget_head(s->client);
}

/* What was kept of the body goes first. True: the target has no room for more yet. */
static bool send_held(struct stream *s)
{
	enum conn_room room;
	struct bytes kept;
	bool whole;

	if (!held_kept(s, &kept, &whole))
		return false;
	s->decide.may_retry = false;
	s->flags |= STREAM_BODY_SENT;
	room = exchange_send_data(s->target, kept, whole);
	held_sent(s);
	relay_note(s, whole ? DECIDE_REQUEST_END : DECIDE_REQUEST_PIECE);
	if (whole || room != CONN_FULL)
		return false;
	relay_note(s, DECIDE_TARGET_FULL);
	return true;
}

void relay_begin(struct stream *s)
{
	bool full;

	if (exchange_send_head(s->target, &s->pending->forwarded)) {
		/* A field that conn does not write: forward_request let it pass. */
		stream_stop(s, END_INTERNAL);
		return;
	}
	s->sent_us = record_now_us(s);
	relay_note(s, DECIDE_CONNECTED);
	if (s->flags & STREAM_NO_BODY)
		relay_note(s, DECIDE_REQUEST_END);
	full = send_held(s);
	if (full && !(s->flags & STREAM_CLIENT_PAUSED))
		exchange_pause(s->client);
	else if (!full && s->flags & STREAM_CLIENT_PAUSED)
		exchange_resume(s->client);
	s->flags &= ~(uint32_t)STREAM_CLIENT_PAUSED;
	/*
	 * A model may think for minutes: what cannot be sent again need not be kept meanwhile. Over
	 * HTTP/2 the target may say that it did not even look at it.
	 */
	if (!s->decide.may_retry && !(s->flags & STREAM_TO_HTTP2))
		relay_forget_request(s);
	stream_rearm(s);
}

/* Nobody is there yet to take it: it was let in for what it may say. */
static void hold(struct stream *s, const struct http_body *body)
{
	if (held_take(s, body)) {
		stream_stop(s, END_INTERNAL);
		return;
	}
	stream_hold_body(s);
	stream_rearm(s);
}

static void on_request_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct stream *s = owner;
	enum conn_room room;

	if (s->flags & STREAM_NO_BODY || !s->decide.request_open)
		return;
	if (s->held)
		held_look(s, body);
	if (s->held && s->decide.stage == DECIDE_CONNECTING) {
		hold(s, body);
		return;
	}
	s->decide.may_retry = false; /* what was sent once is not kept */
	s->flags |= STREAM_BODY_SENT;
	if (s->function) {
		function_body(s, body);
		return;
	}
	if (!s->target) {
		/* The answer is complete already; what is left of the request is not wanted. */
		assert(s->decide.stage == DECIDE_FLUSHING);
		return;
	}
	if (s->tunnel)
		ws_meter_feed(&s->tunnel->toward_target, body->wire);
	room = held_pass(s, body);
	if (body->end) {
		held_end(s);
		happen(s, DECIDE_REQUEST_END);
		return;
	}
	relay_note(s, DECIDE_REQUEST_PIECE);
	size_next_receive(s, x, s->target, body->wire.len);
	if (room == CONN_FULL && !s->decide.target_full) {
		exchange_pause(x);
		happen(s, DECIDE_TARGET_FULL);
	}
}

static void on_target_drained(struct exchange *x, void *owner)
{
	struct stream *s = owner;

	(void)x;
	if (!s->decide.target_full)
		return;
	exchange_resume(s->client);
	happen(s, DECIDE_TARGET_DRAINED);
}

/* ---- The answer, toward the client ---- */

static bool is_event_stream(const struct http_head *head)
{
	struct bytes type = http_value(head, BYTES("Content-Type"));
	struct bytes essence = bytes_trim(bytes_upto(type, bytes_index(type, ';')));

	return bytes_eq_nocase(essence, BYTES("text/event-stream")) &&
	       !http_find(head, BYTES("Content-Encoding"));
}

static void note_kind(struct stream *s, const struct http_head *head)
{
	bool has_body = !(s->flags & STREAM_HEAD_REQUEST) && head->framing != HTTP_BODY_NONE;
	bool endless = has_body && head->framing != HTTP_BODY_LENGTH;

	if (has_body && is_event_stream(head))
		s->flags |= STREAM_SSE;
	if (endless || s->flags & STREAM_SSE)
		s->flags |= STREAM_STREAMING;
	s->decide.may_beat = endless && s->flags & STREAM_SSE && head->status == 200;
}

static err_t send_head(struct stream *s, const struct http_head *head)
{
	struct sticky sticky = { .key = s->worker->cookie_key,
				 .unix_ms = loop_unix_us(s->worker->loop) / 1000 };
	struct sticky_answer answer = {
		.action = &s->rule->action,
		.group = s->group,
		.target = s->picked,
		.response = head,
		.app_bound = s->flags & STREAM_APP_BOUND,
		.app_cross_site = s->flags & STREAM_APP_CROSS_SITE,
	};
	struct bytes cookies[STICKY_COOKIES_MAX + COUNT(s->kept->values)];
	unsigned cookie_count = 0;
	struct http_head out;
	struct arena arena;
	err_t err;

	arena_init(&arena, RESPONSE_MAX);
	err = sticky_set(&sticky, &answer, &arena, cookies, &cookie_count);
	for (unsigned i = 0; s->kept && i < s->kept->count; i++)
		cookies[cookie_count++] = s->kept->values[i];
	if (!err)
		err = forward_response(head, s->listener, cookies, cookie_count, &arena, &out);
	if (!err) {
		if (s->flags & STREAM_CLOSE_BOTH)
			conn_drain(s->from->conn); /* the head says Connection: close */
		if (head->status == 101)
			out.flags |= HTTP_FLAG_UPGRADE;
		err = exchange_send_head(s->client, &out);
	}
	arena_fini(&arena);
	return err;
}

err_t relay_answer_head(struct stream *s, const struct http_head *head)
{
	if (!(s->flags & STREAM_EARLY)) {
		note_kind(s, head);
		TRY(send_head(s, head));
	} else if (!early_joins(s, head, is_event_stream(head))) {
		return ERR_CONFLICT;
	}
	if (head->status == 101)
		TRY(tunnel_begin(s));
	relay_note(s, DECIDE_HEAD);
	record_head(s, head->status);
	if (s->flags & STREAM_STREAMING)
		record_start(s);
	relay_forget_request(s);
	stream_rearm(s);
	return ERR_OK;
}

static void on_answer_head(struct exchange *x, void *owner, const struct http_head *head)
{
	struct stream *s = owner;
	err_t err;

	bool switching = head->status == 101;

	if (switching && !(s->flags & STREAM_UPGRADE)) {
		happen(s, DECIDE_TARGET_MALFORMED); /* nobody asked to switch */
		return;
	}
	if (head->status < 200 && !switching)
		return;
	err = relay_answer_head(s, head);
	if (err)
		stream_stop(s, err == ERR_INVALID    ? END_TARGET_MALFORMED
			       : err == ERR_CONFLICT ? END_EARLY_MISMATCH
						     : END_INTERNAL);
	else
		exchange_forget_head(x);
}

/* The last of the answer is with the client's connection: the target is free for others. */
static void end_answer(struct stream *s)
{
	if (s->flags & STREAM_THIN_ACKS)
		conn_thin_acks(exchange_conn(s->target), false); /* for whoever comes next */
	stream_release_target(s);
	happen(s, DECIDE_ANSWER_END);
}

/* What passed, counted and timed. */
static void note_pieces(struct stream *s, const struct bytes *data, unsigned count)
{
	if (s->flags & STREAM_SSE)
		for (unsigned i = 0; i < count; i++)
			sse_meter_feed(&s->meter, data[i].at, data[i].len);
	if (!(s->flags & STREAM_FIRST_PIECE))
		record_first_piece(s);
	decide_piece(&s->decide, now_ms(s));
}

/* The client does not take more: its source waits. What comes from a function waits there. */
static void hold_up(struct stream *s, bool at_end)
{
	if (!at_end && s->target)
		exchange_pause(s->target);
	relay_note(s, DECIDE_CLIENT_FULL);
	s->decide.queued_bytes = (uint32_t)exchange_queued_bytes(s->client);
	if (!at_end)
		stream_rearm(s);
}

void relay_answer_data(struct stream *s, struct bytes data, bool end)
{
	enum conn_room room = exchange_send_data(s->client, data, end);

	if (data.len)
		note_pieces(s, &data, 1);
	if (room == CONN_FULL && !s->decide.client_full)
		hold_up(s, end);
	if (end)
		end_answer(s);
}

static void on_answer_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct stream *s = owner;
	enum conn_room room;

	if (!decide_answered(&s->decide))
		return; /* the empty body of a 1xx */
	if (s->tunnel)
		ws_meter_feed(&s->tunnel->toward_client, body->wire);
	room = exchange_send_body(s->client, body);
	if (body->data_count) {
		note_pieces(s, body->data, body->data_count);
		if (++s->pace_pieces == PACE_PIECES)
			measure_pace(s, x, now_ms(s));
	}
	size_next_receive(s, x, s->client, body->wire.len);
	if (room == CONN_FULL && !s->decide.client_full)
		hold_up(s, body->end);
	if (body->end)
		end_answer(s);
}

static void on_client_drained(struct exchange *x, void *owner)
{
	struct stream *s = owner;

	(void)x;
	if (!s->decide.client_full)
		return;
	if (s->target)
		exchange_resume(s->target);
	if (s->function) {
		relay_note(s, DECIDE_CLIENT_DRAINED); /* its answer is not all there yet */
		function_drained(s);
	} else {
		happen(s, DECIDE_CLIENT_DRAINED);
	}
}

/* ---- Failures ---- */

static void on_client_failed(struct exchange *x, void *owner, err_t why)
{
	struct stream *s = owner;

	(void)x;
	if (why == ERR_BAD_MESSAGE || why == ERR_FIELDS_TOO_LARGE || why == ERR_TOO_LARGE) {
		/* Its body broke off in the middle of the protocol; after a head nothing can be
		 * said (conn.h). */
		if (s->version != HTTP_2 && !decide_answered(&s->decide) &&
		    !(s->flags & STREAM_EARLY))
			stream_stop(s, END_BAD_REQUEST);
		else
			stream_lost(s, END_BAD_REQUEST);
		return;
	}
	happen(s, DECIDE_CLIENT_LEFT);
}

static enum decide_event event_of(const struct stream *s, err_t why)
{
	switch (why) {
	case ERR_CLOSED:
	case ERR_REFUSED:
	case ERR_TRUNCATED: return DECIDE_TARGET_CLOSED;
	case ERR_FIELDS_TOO_LARGE:
	case ERR_TOO_LARGE:
		return decide_answered(&s->decide) ? DECIDE_TARGET_MALFORMED
						   : DECIDE_TARGET_HEAD_LARGE;
	case ERR_BAD_MESSAGE:
	case ERR_BAD_VERSION:
	case ERR_BAD_CODING: return DECIDE_TARGET_MALFORMED;
	default: return DECIDE_TARGET_RESET;
	}
}

static void on_target_failed(struct exchange *x, void *owner, err_t why)
{
	struct stream *s = owner;
	enum decide_event event = event_of(s, why);

	s->target = NULL; /* conn takes it back when this returns */
	/* Refused, or beyond the last that the target looked at: it may go elsewhere, once. */
	if (why == ERR_REFUSED && s->pending && !(s->flags & (STREAM_BODY_SENT | STREAM_RETRIED)))
		s->decide.may_retry = true;
	if (exchange_received_bytes(x))
		s->decide.may_retry = false; /* it did begin to answer */
	if (!decide_answered(&s->decide) && !(s->flags & STREAM_REUSED))
		target_count(s->picked, false);
	happen(s, event);
}

static void on_no_head(struct exchange *x, void *owner, const struct http_head *head)
{
	(void)x, (void)owner, (void)head;
	assert(false && "a server's exchange hears its one head as on_exchange");
}

const struct exchange_events relay_client_events = {
	.on_head = on_no_head,
	.on_body = on_request_body,
	.on_drained = on_client_drained,
	.on_failed = on_client_failed,
};

const struct exchange_events relay_target_events = {
	.on_head = on_answer_head,
	.on_body = on_answer_body,
	.on_drained = on_target_drained,
	.on_failed = on_target_failed,
};

/* ---- Time ---- */

/* An error: it was to begin the answer, and could not. */
static err_t beat(struct stream *s)
{
	enum conn_room room;

	if (!decide_answered(&s->decide) && !(s->flags & STREAM_EARLY))
		TRY(early_begin(s));
	room = exchange_send_data(s->client, HEARTBEAT, false);
	s->heartbeats++;
	stream_count(s, COUNTER_HEARTBEATS, 1);
	if (room == CONN_FULL && decide_answered(&s->decide))
		hold_up(s, false);
	return ERR_OK;
}

/* Before the answer nothing holds a client up that does not read: it gets no more until it does. */
static bool may_insert(const struct stream *s)
{
	if (!decide_answered(&s->decide))
		return exchange_queued_bytes(s->client) == 0;
	return s->flags & STREAM_SSE && sse_meter_at_boundary(&s->meter) &&
	       exchange_can_insert(s->client);
}

void relay_on_timer(struct timer *timer)
{
	struct stream *s = container_of(timer, struct stream, timer);
	struct decide_limits limits = stream_limits(s);
	struct decision decision;

	decide_queued(&s->decide, exchange_queued_bytes(s->client), now_ms(s));
	s->decide.at_boundary = may_insert(s);
	decision = decide(&s->decide, &limits, DECIDE_TICK, now_ms(s));
	if (s->flags & STREAM_QUEUED && decision.reason == END_CONNECT_TIMEOUT)
		decision.reason = END_QUEUE_TIMEOUT; /* no target was ever connected to */
	else if (s->flags & STREAM_BLOCKED && decision.reason == END_CONNECT_TIMEOUT)
		decision.reason = END_TARGET_BLOCKED;
	if (decision.order != DECIDE_GO_ON && decision.order != DECIDE_BEAT) {
		stream_obey(s, decision);
		return;
	}
	if (decision.order == DECIDE_BEAT && beat(s)) {
		stream_stop(s, END_INTERNAL);
		return;
	}
	if (now_ms(s) >= s->progress_ms) {
		record_progress(s);
		s->progress_ms = now_ms(s) + STREAM_PROGRESS_MS;
	}
	stream_rearm(s);
}
