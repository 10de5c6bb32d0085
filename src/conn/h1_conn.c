/*
 * The HTTP/1 codec: reading, and how exchanges begin and end.
 *
 *   between ──head──► live ──exchange_close──► winding up ──advance──► between, or closed
 *      ▲               │                            │
 *      └─ on_idle      └──fail: on_failed──► closed  └ flushes, throws away what was not read
 *
 * between     !open. Server: reads the next head. Client: hears the peer leave
 * live        open, live: the owner hears and sends
 * winding up  open, not live: both messages are brought to an end that the peer can read, or the
 *             connection is
 *
 * parser_done says that the peer's message is over for the parser; it stays on that message (its
 * head lives) until the exchange ends.
 */
#include "conn/h1_internal.h"

static const struct http_body no_more = {
	.framing = HTTP_BODY_NONE,
	.end = true,
	.boundary = true,
};

/* ---- Failing ---- */

static bool mid_message(const struct conn *conn)
{
	const struct h1_conn *h1 = &conn->h1;

	if (!h1->open || h1->tunnel)
		return false;
	if (conn->server)
		return h1->send_begun && !h1->send_end;
	return !h1->send_end || !h1->received_end;
}

static void fail(struct conn *conn, err_t why)
{
	struct h1_conn *h1 = &conn->h1;
	const struct exchange_events *events = h1->x.events;

	if (!h1->live)
		return;
	h1->live = false;
	h1->x.events = NULL;
	if (events)
		events->on_failed(&h1->x, h1->x.owner, why);
}

/*
 * A body that is none, before any answer: the owner may still say so. Nothing more is read of it.
 */
static bool fail_answerably(struct conn *conn, err_t why)
{
	struct h1_conn *h1 = &conn->h1;
	const struct exchange_events *events = h1->x.events;

	if (!conn->server || !h1->live || h1->send_begun || !events)
		return false;
	h1->must_close = h1->parser_done = true;
	events->on_failed(&h1->x, h1->x.owner, why);
	if (conn->destroyed || !h1->live) /* answered and closed: wound up like any other */
		return true;
	h1->live = false;
	h1->x.events = NULL;
	conn_close(conn, CONN_FIN);
	return true;
}

/* The exchange cannot go on, and with HTTP/1 the connection cannot either. */
static void fail_and_close(struct conn *conn, err_t why)
{
	fail(conn, why);
	if (conn->socket)
		conn_close(conn, mid_message(conn) ? CONN_RST : CONN_FIN);
}

/* ---- Beginning ---- */

static void open_exchange(struct conn *conn)
{
	struct h1_conn *h1 = &conn->h1;

	assert(!h1->open);
	h1->open = h1->live = true;
	h1->used = h1->begun;
	h1->begun = true;
	h1->x.conn = conn;
	h1->x.events = NULL;
}

static void begin_request(struct conn *conn)
{
	const struct http_head *head = h1_parser_head(&conn->h1.parser);
	struct h1_conn *h1 = &conn->h1;

	open_exchange(conn);
	h1->received_head = true;
	h1->http10 = head->version < HTTP_1_1;
	h1->http09 = head->version < HTTP_1_0;
	h1->head_request = bytes_eq(head->method, BYTES("HEAD"));
	h1->keep = head->flags & HTTP_FLAG_KEEP_ALIVE;
	h1->upgrade = head->flags & HTTP_FLAG_UPGRADE;
	if (head->flags & HTTP_FLAG_EXPECT_CONTINUE && head->framing != HTTP_BODY_NONE)
		h1_send_continue(conn);
	conn->events.server->on_exchange(conn->owner, &h1->x, head, h1_parser_finding(&h1->parser));
	assert(!h1->live || h1->x.events); /* exchange_accept belongs into on_exchange */
}

/* Gives the owner what could be read of a request that cannot be one; nothing more is read. */
static void reject(struct conn *conn, err_t why)
{
	struct h1_conn *h1 = &conn->h1;
	const struct http_head *head = h1_parser_head(&h1->parser);

	open_exchange(conn);
	h1->must_close = true;
	h1->parser_done = true;
	h1->http10 = head->version == HTTP_1_0;
	h1->head_request = bytes_eq(head->method, BYTES("HEAD"));
	conn->events.server->on_rejected(conn->owner, &h1->x, head, h1_parser_finding(&h1->parser),
					 why);
	assert(!h1->live || h1->x.events);
}

static void take_response_head(struct conn *conn)
{
	const struct http_head *head = h1_parser_head(&conn->h1.parser);
	struct h1_conn *h1 = &conn->h1;

	if (head->status == 101) {
		if (!h1->upgrade) {
			fail_and_close(conn, ERR_BAD_MESSAGE);
			return;
		}
		h1->switching = true;
	} else if (head->status < 200) {
		if (head->status == 100 || head->status == 103)
			h1->x.events->on_head(&h1->x, h1->x.owner, head);
		return;
	}
	h1->received_head = true;
	h1->keep = head->flags & HTTP_FLAG_KEEP_ALIVE;
	h1->x.events->on_head(&h1->x, h1->x.owner, head);
}

/* ---- Reading ---- */

static void give_body(struct conn *conn, const struct http_body *body)
{
	struct h1_conn *h1 = &conn->h1;

	if (body->end)
		h1->received_end = true;
	if (h1->live)
		h1->x.events->on_body(&h1->x, h1->x.owner, body);
}

/* The parser has come to the end of a message. */
static void take_end(struct conn *conn)
{
	struct h1_conn *h1 = &conn->h1;

	if (!h1->received_head) { /* of an interim response: the real one follows */
		h1_parser_next(&h1->parser);
		return;
	}
	h1->parser_done = true;
	if (!h1->received_end)
		give_body(conn, &no_more);
}

/* What is thrown away of a request nobody reads is bounded. */
static void count_unread(struct h1_conn *h1, size_t taken)
{
	h1->left_bytes -= size_min(taken, (size_t)h1->left_bytes);
}

/* One step of the parser; false when it wants bytes that are not there. */
static bool feed(struct conn *conn, struct bytes *in)
{
	struct h1_conn *h1 = &conn->h1;
	size_t before = in->len;
	enum h1_result result;

	h1->owes = false;
	result = h1_parser_feed(&h1->parser, in);
	h1->x.received_bytes += before - in->len;
	if (h1->open && !h1->live)
		count_unread(h1, before - in->len);
	switch (result) {
	case H1_MORE: return false;
	case H1_HEAD:
		h1->owes = true;
		if (conn->server)
			begin_request(conn);
		else
			take_response_head(conn);
		return true;
	case H1_BODY:
		h1->owes = h1_parser_body(&h1->parser)->end;
		give_body(conn, h1_parser_body(&h1->parser));
		return true;
	case H1_DONE: take_end(conn); return true;
	case H1_FAILED: break;
	}
	if (conn->server && !h1->open)
		reject(conn, h1->parser.err);
	else if (!fail_answerably(conn, h1->parser.err))
		fail_and_close(conn, h1->parser.err);
	return true;
}

static void give_raw(struct conn *conn, struct bytes *in)
{
	struct http_body body = {
		.framing = HTTP_BODY_CLOSE,
		.wire = *in,
		.data = { *in },
		.data_count = 1,
		.boundary = true,
	};

	conn->h1.x.received_bytes += in->len;
	*in = bytes_from(*in, in->len);
	give_body(conn, &body);
}

static bool may_take(const struct conn *conn)
{
	const struct h1_conn *h1 = &conn->h1;

	if (!h1->open) /* the answer before has left, so that answers never pile up */
		return conn->server && !conn->queue &&
		       !(conn->draining && h1_parser_idle(&h1->parser));
	if (h1->parser_done || h1->switching)
		return false;
	if (h1->received_end)
		return !h1->tunnel; /* only the parser's last word is missing */
	if (!h1->live)		    /* throws away */
		return conn->server && h1->send_end && !h1->must_close && h1->left_bytes > 0;
	return !h1->paused && (conn->server || h1->send_begun);
}

/* Bytes from a target that has nothing to say: it is out of step, whatever it means. */
static void take_unsolicited(struct conn *conn, struct bytes *in)
{
	struct h1_conn *h1 = &conn->h1;

	*in = bytes_from(*in, in->len);
	if (!h1->open)
		conn_close(conn, CONN_RST);
	else if (!h1->send_begun)
		fail_and_close(conn, ERR_BAD_MESSAGE);
	else
		h1->must_close = true;
}

static void receive(struct conn *conn, struct bytes *in)
{
	struct h1_conn *h1 = &conn->h1;

	while (conn_is_open(conn) && (in->len || h1->owes) && may_take(conn)) {
		if (h1->tunnel)
			give_raw(conn, in);
		else if (!feed(conn, in))
			break;
	}
	if (!conn->server && in->len && conn_is_open(conn) &&
	    (!h1->open || !h1->send_begun || h1->parser_done))
		take_unsolicited(conn, in);
	/* A head may lie in bytes that are gone after this. */
	if (h1->live && h1_parser_keep_head(&h1->parser))
		conn_spoil(conn, ERR_NOMEM);
}

static bool is_paused(const struct conn *conn)
{
	return conn->h1.live && conn->h1.paused && !conn->h1.received_end;
}

/* A tunnel's FIN is data like any other: it stays behind what was not yet read. */
static bool watches(const struct conn *conn)
{
	return conn->server && !conn->h1.tunnel;
}

uint64_t h1_unread_bytes(const struct conn *conn)
{
	const struct h1_conn *h1 = &conn->h1;

	if (!h1->received_head || h1->received_end)
		return 0;
	return h1->parser.framing == HTTP_BODY_LENGTH ? h1->parser.left_bytes : UINT64_MAX;
}

static uint32_t receive_most(const struct exchange *x, uint32_t bytes)
{
	uint64_t most;

	if (!x->conn->server || h1_of(x)->tunnel)
		return bytes;
	most = h1_unread_bytes(x->conn);
	if (most == UINT64_MAX)
		most = CONN_REQUEST_RECEIVE_MAX;
	return bytes < most ? bytes : (uint32_t)most;
}

/* ---- The peer ends ---- */

static void end_tunnel(struct conn *conn, err_t why)
{
	if (why != ERR_CLOSED)
		fail_and_close(conn, why);
	else if (!conn->h1.received_end)
		give_body(conn, &no_more);
}

static void client_left(struct conn *conn, err_t why)
{
	struct h1_conn *h1 = &conn->h1;

	if (!h1->open || (!h1->live && why != ERR_CLOSED)) {
		conn_close(conn, CONN_FIN);
		return;
	}
	/* Answered: what is still queued may be read by one who closed only his sending side. */
	if (h1->send_end && (why == ERR_CLOSED || !conn->queue)) {
		h1->peer_gone = h1->must_close = true;
		return;
	}
	if (h1->live)
		fail_and_close(conn, why);
	else
		conn_close(conn, CONN_FIN);
}

/* A FIN may be the end of the body; anything else while one is awaited is a failure. */
static void target_left(struct conn *conn, err_t why)
{
	struct h1_conn *h1 = &conn->h1;

	if (!h1->open) {
		conn_close(conn, CONN_FIN);
		return;
	}
	h1->peer_gone = true;
	if (h1->received_end)
		return;
	if (why == ERR_CLOSED && h1->received_head && !h1->switching &&
	    h1_parser_eof(&h1->parser) == H1_DONE) {
		take_end(conn);
		return;
	}
	fail_and_close(conn, h1->received_head || (h1->x.received_bytes && why == ERR_CLOSED)
				     ? ERR_TRUNCATED
				     : why);
}

static void ended(struct conn *conn, err_t why)
{
	if (conn->h1.tunnel && conn->h1.live)
		end_tunnel(conn, why);
	else if (conn->server)
		client_left(conn, why);
	else
		target_left(conn, why);
}

static bool is_idle(const struct conn *conn)
{
	return !conn->h1.live;
}

static void expired(struct conn *conn)
{
	if (conn->h1.open) /* what was left is not being read */
		conn_close(conn, CONN_RST);
	else if (conn->server && !h1_parser_idle(&conn->h1.parser))
		reject(conn, ERR_EXPIRED);
	else
		conn_close(conn, CONN_FIN);
}

/* ---- Winding up ---- */

/* Ready for another exchange. */
static void next(struct conn *conn)
{
	struct h1_conn *h1 = &conn->h1;
	struct h1_conn fresh = { .begun = true };

	h1_parser_next(&h1->parser);
	fresh.parser = h1->parser;
	*h1 = fresh;
	socket_receive_size(conn->socket, 0);
	socket_thin_acks(conn->socket, false);
	conn_mark(conn);
}

static bool wind_up_request(struct conn *conn)
{
	struct h1_conn *h1 = &conn->h1;

	if (h1->tunnel) {
		conn_flush_and_close(conn, false);
		return false;
	}
	if (!h1->send_end) {
		/* Chunks or a length show that something is missing; else only RST does. */
		if (!h1->send_begun || h1->send_framing == HTTP_BODY_CLOSE)
			conn_close(conn, h1->send_begun ? CONN_RST : CONN_FIN);
		else
			conn_flush_and_close(conn, false);
		return false;
	}
	if (conn->queue)
		return false;
	if (h1->keep && !h1->must_close) {
		if (h1->parser_done) {
			next(conn);
			return true;
		}
		if (h1->left_bytes > 0)
			return false; /* throwing away */
	}
	/* Unread bytes would make Linux send RST, and the client lose the end of the answer. */
	conn_flush_and_close(conn, !h1->peer_gone && (!h1->received_end || conn->kept));
	return false;
}

static bool wind_up_response(struct conn *conn)
{
	struct h1_conn *h1 = &conn->h1;
	bool complete = h1->send_end && h1->parser_done && !h1->tunnel;

	if (complete && h1->keep && !h1->must_close && !h1->peer_gone && !conn->queue) {
		next(conn);
		conn_tell_idle(conn);
		return true;
	}
	if (h1->tunnel)
		conn_flush_and_close(conn, false);
	else
		conn_close(conn, complete ? CONN_FIN : CONN_RST);
	return false;
}

static bool advance(struct conn *conn)
{
	struct h1_conn *h1 = &conn->h1;

	if (h1->open && !h1->live)
		return conn->server ? wind_up_request(conn) : wind_up_response(conn);
	if (!h1->open && conn->draining && h1_parser_idle(&h1->parser))
		conn_flush_and_close(conn, conn->kept != NULL);
	if (h1->tunnel && h1->send_end && !conn->queue && !h1->fin_sent) {
		h1->fin_sent = true;
		conn_shutdown_write(conn);
	}
	return false;
}

static void close_exchange(struct exchange *x, bool conn_too)
{
	struct h1_conn *h1 = h1_of(x);

	assert(h1->live);
	h1->live = false;
	h1->x.events = NULL;
	h1->must_close |= conn_too;
	if (h1->send_end)
		h1->left_bytes = CONN_DRAIN_MAX;
	conn_touch(x->conn);
}

/* ---- The rest of the table ---- */

static bool can_open(const struct conn *conn)
{
	return !conn->h1.open;
}

static err_t open_request(struct conn *conn, struct exchange **ret_exchange)
{
	if (conn->h1.open)
		return ERR_AGAIN;
	open_exchange(conn);
	*ret_exchange = &conn->h1.x;
	return ERR_OK;
}

static bool was_used(const struct conn *conn)
{
	return conn->h1.live ? conn->h1.used : conn->h1.begun;
}

static void drained(struct conn *conn)
{
	struct h1_conn *h1 = &conn->h1;

	if (!h1->live || !h1->told_full)
		return;
	h1->told_full = false;
	h1->x.events->on_drained(&h1->x, h1->x.owner);
}

static void forget_head(struct exchange *x)
{
	if (h1_of(x)->received_head)
		h1_parser_forget_head(&h1_of(x)->parser);
}

static void pause(struct exchange *x, bool paused)
{
	assert(h1_of(x)->live);
	if (h1_of(x)->paused == paused)
		return;
	h1_of(x)->paused = paused;
	conn_touch(x->conn);
}

static size_t send_room(const struct exchange *x, size_t room)
{
	(void)x;
	return room;
}

static size_t queued_bytes(const struct exchange *x)
{
	return backlog_bytes(x->conn->queue);
}

static void tunnel(struct exchange *x)
{
	struct h1_conn *h1 = h1_of(x);

	assert(h1->live && h1->send_begun);
	h1->tunnel = true;
	h1->switching = h1->owes = false;
	h1->parser_done = h1->received_end = false;
	h1->send_end = h1->bodyless = false;
	h1->send_framing = HTTP_BODY_CLOSE;
	h1->must_close = true;
	conn_touch(x->conn);
}

static void fini(struct conn *conn)
{
	h1_parser_fini(&conn->h1.parser);
}

const struct conn_codec h1_codec = {
	.receive = receive,
	.paused = is_paused,
	.watches = watches,
	.ended = ended,
	.advance = advance,
	.idle = is_idle,
	.expired = expired,
	.drained = drained,
	.fail = fail,
	.mid_message = mid_message,
	.fini = fini,
	.can_open = can_open,
	.open = open_request,
	.was_used = was_used,
	.send_head = h1_send_head,
	.send_body = h1_send_body,
	.send_data = h1_send_data,
	.can_insert = h1_can_insert,
	.send_room = send_room,
	.queued_bytes = queued_bytes,
	.forget_head = forget_head,
	.pause = pause,
	.receive_most = receive_most,
	.tunnel = tunnel,
	.close = close_exchange,
};
