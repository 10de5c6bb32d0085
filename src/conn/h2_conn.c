/*
 * The HTTP/2 codec: many exchanges on one connection. What they are, and whose turn it is, knows
 * http/h2.h; this brings it bytes and time, and hands on what it says.
 *
 * Settling: h2_tell tells owners what is due, h2_pump takes out the frames that may go, and both
 * again while one makes work for the other. Owners' calls only leave news (h2_conn_touch).
 *
 * Server: the connection ends when it drains and no stream is left: first a notice, then GOAWAY
 * with the last stream's number, then FIN. Client: it can carry another exchange until its peer
 * says goodbye.
 */
#include "conn/h2_internal.h"

#include <stdlib.h>

enum {
	REQUESTS_MAX = 10000, /* of one connection (reference/alb.md §5.1) */
	CONTROL_FRAMES_MAX =
		200, /* answers waiting for a peer that does not read: then nor do we */
};

static const struct desync_finding no_finding; /* HTTP/2 is not classified (reference §10) */

void h2_conn_touch(struct conn *conn)
{
	if (h2_has_news(conn->h2->h2) || conn->h2->out)
		conn_touch(conn);
}

/* ---- What the streams say ---- */

static void count_bytes(struct h2_exchange *hx)
{
	hx->x.received_bytes = hx->s.received_bytes;
}

static void begin_request(struct conn *conn, struct h2_exchange *hx, const struct http_head *head,
			  err_t rejected)
{
	const struct conn_server_events *events = conn->events.server;

	hx->x.conn = conn;
	count_bytes(hx);
	if (++conn->h2->exchanges >= REQUESTS_MAX ||
	    (conn->keep_alive_until_ms && loop_now_ms(conn->loop) >= conn->keep_alive_until_ms))
		conn->draining = true; /* with this one */
	if (rejected)
		events->on_rejected(conn->owner, &hx->x, head, &no_finding, rejected);
	else
		events->on_exchange(conn->owner, &hx->x, head, &no_finding);
	assert(conn->destroyed || hx->s.left || hx->x.events);
}

static void on_head(void *owner, struct h2_stream *s, const struct http_head *head, err_t rejected)
{
	struct h2_exchange *hx = h2_of_stream(s);
	struct conn *conn = owner;

	if (conn->server) {
		begin_request(conn, hx, head, rejected);
		return;
	}
	count_bytes(hx);
	if (head->status >= 200 || head->status == 100 || head->status == 103)
		hx->x.events->on_head(&hx->x, hx->x.owner, head);
}

static void on_body(void *owner, struct h2_stream *s, const struct http_body *body)
{
	struct h2_exchange *hx = h2_of_stream(s);

	(void)owner;
	hx->x.received_bytes = s->received_bytes;
	hx->x.events->on_body(&hx->x, hx->x.owner, body);
}

static void on_drained(void *owner, struct h2_stream *s)
{
	struct h2_exchange *hx = h2_of_stream(s);

	(void)owner;
	hx->x.events->on_drained(&hx->x, hx->x.owner);
}

static void on_failed(void *owner, struct h2_stream *s, err_t why)
{
	struct h2_exchange *hx = h2_of_stream(s);
	struct conn *conn = owner;

	conn->h2->ended = true;
	count_bytes(hx);
	if (hx->x.events)
		hx->x.events->on_failed(&hx->x, hx->x.owner, why);
}

static const struct h2_events stream_events = {
	.emit = h2_emit,
	.blocked = h2_is_blocked,
	.on_head = on_head,
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

/* ---- Beginning ---- */

err_t h2_conn_begin(struct conn *conn)
{
	struct h2_conn *hc = calloc(1, sizeof *hc);
	struct h2_options options = {
		.server = conn->server,
		.secure = conn->secure,
		.stream_bytes = sizeof(struct h2_exchange),
		.events = &stream_events,
		.owner = conn,
	};
	err_t err = hc ? h2_create(&options, &hc->h2) : ERR_NOMEM;

	if (err) {
		free(hc);
		return err;
	}
	conn->h2 = hc;
	conn->codec = &h2_codec;
	conn_touch(conn);
	return ERR_OK;
}

static void fini(struct conn *conn)
{
	struct h2_conn *hc = conn->h2;

	if (!hc)
		return;
	conn->h2 = NULL;
	h2_destroy(hc->h2);
	backlog_clear(&hc->out);
	free(hc);
}

/* ---- Reading ---- */

/* Everything fails, and what can be said about it (GOAWAY) is. */
static void give_up(struct conn *conn, err_t why)
{
	h2_fail_all(conn->h2->h2, why, false);
	if (conn->destroyed || conn->state != CONN_OPEN)
		return;
	h2_pump(conn->h2->h2);
	h2_flush_out(conn);
	conn_flush_and_close(conn, conn->server);
}

static void receive(struct conn *conn, struct bytes *in)
{
	struct bytes bytes = *in;
	uint64_t activity;
	err_t err;

	*in = bytes_from(*in, in->len);
	if (bytes.len == 0 || !conn_is_open(conn))
		return;
	err = h2_feed(conn->h2->h2, bytes, loop_now_ms(conn->loop));
	if (conn->destroyed || conn->state != CONN_OPEN)
		return;
	activity = h2_activity(conn->h2->h2);
	if (conn->h2->activity != activity)
		conn_mark(conn); /* a PING keeps no connection (reference/alb.md §5.1) */
	conn->h2->activity = activity;
	if (err)
		give_up(conn, err);
}

static bool is_paused(const struct conn *conn)
{
	return conn->blocked && h2_backlog(conn->h2->h2) > CONTROL_FRAMES_MAX;
}

static bool watches(const struct conn *conn)
{
	return conn->server;
}

/* ---- The peer ends ---- */

static void ended(struct conn *conn, err_t why)
{
	struct h2 *h2 = conn->h2->h2;

	h2_fail_all(h2, why, !conn->server);
	if (conn->destroyed || !conn->socket)
		return;
	/* A target's answer that is complete may still be on its way to a slow client. */
	if (h2_live(h2))
		conn->h2->peer_gone = true;
	else
		conn_close(conn, CONN_FIN);
}

static bool is_idle(const struct conn *conn)
{
	return h2_live(conn->h2->h2) == 0;
}

static void expired(struct conn *conn)
{
	struct h2 *h2 = conn->h2->h2;

	h2_goodbye(h2);
	h2_pump(h2);
	h2_flush_out(conn);
	conn_close(conn, CONN_FIN);
}

/* ---- Settling ---- */

static void drain(struct conn *conn)
{
	if (h2_is_empty(conn->h2->h2))
		h2_goodbye(conn->h2->h2);
	else
		h2_shut_down(conn->h2->h2);
}

/* False when the connection is no longer there to go on with. */
static bool tell_and_pump(struct conn *conn)
{
	err_t err;

	do {
		h2_tell(conn->h2->h2);
		if (conn->destroyed || conn->state != CONN_OPEN)
			return false;
		err = h2_pump(conn->h2->h2);
		if (err) {
			give_up(conn, ERR_BAD_MESSAGE);
			return false;
		}
	} while (h2_has_news(conn->h2->h2));
	return true;
}

static bool is_over(const struct conn *conn)
{
	const struct h2_conn *hc = conn->h2;
	bool leaving = conn->draining || hc->must_close || hc->peer_gone;

	return h2_over(hc->h2) || (leaving && h2_is_empty(hc->h2));
}

static bool advance(struct conn *conn)
{
	struct h2_conn *hc = conn->h2;

	if (conn->draining)
		drain(conn);
	if (!tell_and_pump(conn))
		return false;
	if (h2_broken(hc->h2)) {
		give_up(conn, ERR_BAD_MESSAGE);
		return false;
	}
	if (hc->ended && h2_live(hc->h2) == 0)
		conn_mark(conn);
	h2_flush_out(conn);
	if (is_over(conn) && !conn->blocked) {
		h2_goodbye(hc->h2);
		h2_pump(hc->h2);
		h2_flush_out(conn);
		conn_flush_and_close(conn, conn->server);
		return false;
	}
	if (hc->ended && !conn->server)
		conn_tell_idle(conn);
	hc->ended = false;
	return false;
}

/* ---- The rest of the table ---- */

static void fail(struct conn *conn, err_t why)
{
	if (conn->h2)
		h2_fail_all(conn->h2->h2, why, false);
}

static bool mid_message(const struct conn *conn)
{
	(void)conn; /* a stream without its end looks cut, whatever becomes of the connection */
	return false;
}

static void drained(struct conn *conn)
{
	h2_unblocked(conn->h2->h2);
}

static bool can_open(const struct conn *conn)
{
	const struct h2_conn *hc = conn->h2;

	return !hc->must_close && !hc->peer_gone && h2_can_open(hc->h2);
}

static err_t open_request(struct conn *conn, struct exchange **ret_exchange)
{
	struct h2_conn *hc = conn->h2;
	struct h2_stream *s;
	struct h2_exchange *hx;

	if (hc->must_close || hc->peer_gone)
		return ERR_CLOSED;
	TRY(h2_open(hc->h2, &s));
	hx = h2_of_stream(s);
	hx->x.conn = conn;
	hc->exchanges++;
	*ret_exchange = &hx->x;
	return ERR_OK;
}

static bool was_used(const struct conn *conn)
{
	return conn->h2->exchanges > 1;
}

static void forget_head(struct exchange *x)
{
	h2_forget_head(&h2_exchange_of(x)->s);
}

static void pause(struct exchange *x, bool paused)
{
	h2_pause(&h2_exchange_of(x)->s, paused);
	h2_conn_touch(x->conn);
}

static uint32_t receive_most(const struct exchange *x, uint32_t bytes)
{
	(void)x, (void)bytes; /* the socket is not this exchange's alone */
	return 0;
}

static size_t queued_bytes(const struct exchange *x)
{
	return backlog_bytes(h2_exchange_of(x)->s.queue) + backlog_bytes(x->conn->queue);
}

static void tunnel(struct exchange *x)
{
	(void)x;
	assert(false && "HTTP/2 has no 101");
}

/*
 * On the server side the stream is all that ends, now if the owner wants no more of the connection:
 * others share it.
 */
static void close_exchange(struct exchange *x, bool conn_too)
{
	struct conn *conn = x->conn;

	conn->h2->must_close |= conn_too && !conn->server;
	conn->h2->ended = true;
	x->events = NULL;
	h2_leave(&h2_exchange_of(x)->s, conn_too);
	conn_touch(conn);
}

const struct conn_codec h2_codec = {
	.many = true,
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
	.send_head = h2_conn_send_head,
	.send_body = h2_conn_send_body,
	.send_data = h2_conn_send_data,
	.can_insert = h2_conn_can_insert,
	.send_room = h2_conn_send_room,
	.queued_bytes = queued_bytes,
	.forget_head = forget_head,
	.pause = pause,
	.receive_most = receive_most,
	.tunnel = tunnel,
	.close = close_exchange,
};
