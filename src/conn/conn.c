/*
 * The connection under its codec: socket, timers, and the order in which owners hear of things.
 * conn_internal.h has the picture.
 */
#include "conn/conn_internal.h"

#include <stdlib.h>

/* ---- Frames of ours on the stack, and the memory's end ---- */

static void enter(struct conn *conn)
{
	assert(conn->holds < UINT8_MAX);
	conn->holds++;
}

static void release(struct conn *conn)
{
	if (conn->secure)
		tls_destroy(conn->tls[0].tls);
	free(conn);
}

static void leave(struct conn *conn)
{
	assert(conn->holds > 0);
	if (--conn->holds > 0 || !conn->destroyed || conn->job_queued)
		return;
	assert(!conn->socket && !timer_armed(&conn->timer));
	release(conn);
}

static void queue_job(struct conn *conn)
{
	if (conn->job_queued)
		return;
	conn->job_queued = true;
	loop_defer(conn->loop, &conn->job);
}

void conn_touch(struct conn *conn)
{
	if (conn->holds == 0) /* else the frame below settles when it ends */
		queue_job(conn);
}

/*
 * At the end of the turn, since a target's FIN often comes with its last bytes: then what would be
 * told is that it is not reusable.
 */
void conn_tell_idle(struct conn *conn)
{
	conn->idle_due = true;
	queue_job(conn);
}

/* ---- Ending ---- */

void conn_close(struct conn *conn, enum conn_cut cut)
{
	assert(conn->socket);
	if (conn->secure && cut == CONN_FIN)
		conn_tls_goodbye(conn);
	if (cut == CONN_RST)
		socket_reset(conn->socket);
	else
		socket_close(conn->socket);
	conn->socket = NULL;
	conn->state = CONN_CLOSED;
	conn->blocked = false;
	timer_cancel(&conn->timer);
	backlog_clear(&conn->queue);
	backlog_clear(&conn->kept);
	conn_touch(conn);
}

void conn_flush_and_close(struct conn *conn, bool linger)
{
	assert(conn->state == CONN_OPEN);
	conn->state = CONN_FLUSHING;
	conn->linger = linger;
	backlog_clear(&conn->kept);
	conn_mark(conn);
	conn_touch(conn);
}

void conn_shutdown_write(struct conn *conn)
{
	if (conn->secure)
		conn_tls_goodbye(conn);
	socket_shutdown_write(conn->socket);
}

static void finish_flush(struct conn *conn)
{
	if (!conn->linger) {
		conn_close(conn, CONN_FIN);
		return;
	}
	conn_shutdown_write(conn);
	conn->state = CONN_LINGERING;
	conn_mark(conn);
}

/* What failed to be sent fails the exchanges, outside of their owners' calls. */
static void give_up(struct conn *conn)
{
	conn->codec->fail(conn, (err_t)conn->send_err);
	if (conn->socket)
		conn_close(conn, CONN_RST);
}

/* ---- Idle clocks ---- */

static uint32_t limit_ms(const struct conn *conn)
{
	switch ((enum conn_state)conn->state) {
	case CONN_CONNECTING:
	case CONN_SHAKING: return conn->limit_ms;
	case CONN_OPEN: return conn->codec->idle(conn) ? conn->limit_ms : 0;
	case CONN_FLUSHING: return conn->limit_ms ? conn->limit_ms : CONN_LINGER_MS;
	case CONN_LINGERING: return CONN_LINGER_MS;
	case CONN_CLOSED:
	case CONN_TOLD: break;
	}
	return 0;
}

/* When the state it is in has lasted long enough; 0: never. */
static uint64_t due_ms(const struct conn *conn)
{
	uint64_t now = loop_now_ms(conn->loop);
	uint32_t limit = limit_ms(conn), spent = (uint32_t)now - conn->last_ms;

	if (!limit)
		return 0;
	return spent < limit ? now + (limit - spent) : now;
}

/*
 * The timer is moved when it would ring too late only: when it rings too early it asks again. So a
 * connection at work costs no timer call, and an idle one a call per idle_ms.
 */
static void settle_timer(struct conn *conn)
{
	uint64_t due = due_ms(conn);

	if (due && (!timer_armed(&conn->timer) || conn->timer.due_ms > due))
		timer_set(conn->loop, &conn->timer, due);
}

/* ---- Settling ---- */

static void settle_receiving(struct conn *conn)
{
	bool on = conn->state != CONN_OPEN || (!conn->kept && !conn->codec->paused(conn));
	bool watch = !on && conn->codec->watches(conn);

	if (conn->receiving == on && conn->watching == watch)
		return;
	conn->receiving = on;
	conn->watching = watch;
	if (on)
		socket_receive(conn->socket);
	else
		socket_pause(conn->socket, watch);
}

/* Without TLS's own end a FIN may be anybody's: what is not complete by itself is cut. */
static err_t end_of(const struct conn *conn, err_t why)
{
	return why == ERR_CLOSED && conn->secure && !tls_peer_closed(conn->tls[0].tls) ? ERR_RESET
										       : why;
}

/* Offers the codec what was kept, and what came behind it: the end. */
static void read_kept(struct conn *conn)
{
	struct bytes in = backlog_view(conn->kept);
	size_t len = in.len;

	conn->codec->receive(conn, &in);
	if (conn->kept)
		backlog_drop(&conn->kept, len - in.len);
	if (conn->ended && !conn->kept && conn_is_open(conn)) {
		conn->ended = false;
		conn->codec->ended(conn, end_of(conn, ERR_CLOSED));
	}
}

static void tell(struct conn *conn)
{
	if (conn->state == CONN_CLOSED) {
		conn->state = CONN_TOLD;
		conn->idle_due = false;
		if (!conn->server) {
			conn->events.client->on_idle(conn->owner, conn, false);
			return;
		}
		conn->codec->fini(conn);
		conn->destroyed = true;
		conn->events.server->on_closed(conn->owner, conn);
	} else if (conn->idle_due) {
		conn->idle_due = false;
		conn->events.client->on_idle(conn->owner, conn, true);
	}
}

/* True when something changed that may allow more. */
static bool step(struct conn *conn)
{
	if (conn->state == CONN_OPEN)
		read_kept(conn);
	if (conn->queue && !conn->blocked)
		conn_write(conn, NULL, 0);
	if (conn->send_err && conn->socket)
		give_up(conn);
	if (conn_is_open(conn) && conn->codec->advance(conn))
		return true;
	if (conn->state == CONN_FLUSHING && !conn->queue)
		finish_flush(conn);
	if (conn->destroyed)
		return false;
	if (conn->state != CONN_CLOSED && (!conn->idle_due || conn->job_queued))
		return false;
	tell(conn);
	return !conn->destroyed && conn->state == CONN_OPEN;
}

static void settle(struct conn *conn)
{
	while (!conn->destroyed && step(conn))
		;
	if (conn->destroyed || !conn->socket || conn->state == CONN_CONNECTING)
		return;
	settle_receiving(conn);
	settle_timer(conn);
}

static void on_job(struct loop_job *job)
{
	struct conn *conn = container_of(job, struct conn, job);

	conn->job_queued = false;
	enter(conn);
	settle(conn);
	leave(conn);
}

/* ---- What the loop says ---- */

/*
 * Under AddressSanitizer what lay in the loop's scratch memory is overwritten, so that a slice of
 * it that somebody kept shows itself.
 */
static void spoil_scratch(struct bytes data)
{
#ifdef __SANITIZE_ADDRESS__
	memset((char *)(uintptr_t)data.at, '#', data.len);
#else
	(void)data;
#endif
}

void conn_take(struct conn *conn, struct bytes data)
{
	struct bytes whole = data;

	if (conn->state == CONN_OPEN) {
		if (!conn->codec->many)
			conn_mark(conn);
		if (!conn->kept)
			conn->codec->receive(conn, &data);
		if (conn->state == CONN_OPEN && backlog_add(&conn->kept, data))
			conn_spoil(conn, ERR_NOMEM);
	}
	spoil_scratch(whole);
}

static void on_received(void *owner, struct bytes data)
{
	struct conn *conn = owner;

	enter(conn);
	if (conn->secure)
		conn_tls_received(conn, data);
	else
		conn_take(conn, data);
	settle(conn);
	leave(conn);
}

static void on_writable(void *owner)
{
	struct conn *conn = owner;

	enter(conn);
	conn->blocked = false;
	conn_mark(conn);
	conn_write(conn, NULL, 0);
	if (!conn->blocked && !conn->send_err && conn_is_open(conn))
		conn->codec->drained(conn);
	settle(conn);
	leave(conn);
}

static void take_end(struct conn *conn, err_t why)
{
	if (conn->kept && why == ERR_CLOSED && !conn->watching)
		conn->ended = true;
	else
		conn->codec->ended(conn, end_of(conn, why));
}

void conn_take_end(struct conn *conn)
{
	if (conn->state == CONN_OPEN)
		take_end(conn, ERR_CLOSED);
}

static void on_ended(void *owner, err_t why)
{
	struct conn *conn = owner;

	enter(conn);
	if (conn->state == CONN_CONNECTING)
		conn_connect_ended(conn, ERR_TLS_HANDSHAKE);
	else if (conn->state == CONN_SHAKING)
		conn_tls_shaken(conn, why);
	else if (conn->state == CONN_OPEN)
		take_end(conn, why);
	else if (conn->state == CONN_LINGERING || why != ERR_CLOSED)
		conn_close(conn, CONN_FIN);
	settle(conn);
	leave(conn);
}

void conn_connect_ended(struct conn *conn, err_t err)
{
	/* A target that shall speak HTTP/2, and did not choose it, cannot (RFC 9113 §3.2). */
	if (!err && conn->http2 && conn->secure && !conn_tls_agreed_h2(conn))
		err = ERR_TLS_HANDSHAKE;
	conn->limit_ms = 0;
	if (err) {
		conn_close(conn, CONN_FIN);
		conn->state = CONN_TOLD; /* on_connected tells */
	} else {
		conn->state = CONN_OPEN;
		socket_local(conn->socket, &conn->local);
		conn_mark(conn);
		if (conn->http2 && h2_conn_begin(conn))
			conn_spoil(conn, ERR_NOMEM);
	}
	conn->events.client->on_connected(conn->owner, conn, err);
}

static void on_connected(void *owner, err_t err)
{
	struct conn *conn = owner;

	enter(conn);
	if (!err && conn->secure)
		conn_tls_begin(conn);
	else
		conn_connect_ended(conn, err);
	settle(conn);
	leave(conn);
}

static void on_expired(struct timer *timer)
{
	struct conn *conn = container_of(timer, struct conn, timer);
	uint64_t due = due_ms(conn);

	enter(conn);
	if (due && due <= loop_now_ms(conn->loop)) {
		if (conn->state == CONN_CONNECTING)
			conn_connect_ended(conn, ERR_EXPIRED);
		else if (conn->state == CONN_SHAKING)
			conn_tls_shaken(conn, ERR_EXPIRED);
		else if (conn->state == CONN_OPEN)
			conn->codec->expired(conn);
		else
			conn_close(conn, conn->state == CONN_FLUSHING ? CONN_RST : CONN_FIN);
	}
	settle(conn);
	leave(conn);
}

static const struct socket_events socket_events = {
	.on_connected = on_connected,
	.on_received = on_received,
	.on_writable = on_writable,
	.on_ended = on_ended,
};

/* ---- The door ---- */

static struct conn *create(struct loop *loop, bool server, bool secure, void *owner)
{
	struct conn *conn = calloc(1, sizeof *conn + secure * sizeof conn->tls[0]);

	if (!conn)
		return NULL;
	conn->loop = loop;
	conn->codec = &h1_codec;
	conn->server = server;
	conn->secure = secure;
	conn->owner = owner;
	conn->timer.on_expired = on_expired;
	conn->job.run = on_job;
	h1_parser_init(&conn->h1.parser, !server);
	conn_mark(conn);
	return conn;
}

err_t conn_serve(struct socket *socket, const struct conn_server_options *options,
		 struct conn **ret_conn)
{
	struct conn *conn = create(options->loop, true, options->tls != NULL, options->owner);
	err_t err = conn ? ERR_OK : ERR_NOMEM;

	if (conn)
		conn->events.server = options->events;
	if (!err && options->tls)
		err = conn_tls_init(conn, options->tls);
	if (err) {
		free(conn);
		socket_close(socket);
		return err;
	}
	conn->socket = socket;
	conn->state = CONN_OPEN;
	conn->limit_ms = options->idle_ms;
	if (conn->secure) {
		conn->state = CONN_SHAKING;
		conn->tls[0].idle_ms = options->idle_ms;
		conn->limit_ms = options->handshake_ms;
	} else if (options->http2 && h2_conn_begin(conn)) {
		socket_close(socket);
		release(conn);
		return ERR_NOMEM;
	}
	if (options->keep_alive_ms)
		conn->keep_alive_until_ms = loop_now_ms(conn->loop) + options->keep_alive_ms;
	socket_set_owner(socket, &socket_events, conn);
	socket_peer(socket, &conn->peer);
	socket_local(socket, &conn->local);
	settle_receiving(conn);
	settle_timer(conn);
	*ret_conn = conn;
	return ERR_OK;
}

err_t conn_connect(const struct conn_client_options *options, struct conn **ret_conn)
{
	struct conn *conn = create(options->loop, false, options->tls != NULL, options->owner);
	err_t err = ERR_OK;

	if (!conn)
		return ERR_NOMEM;
	conn->state = CONN_CONNECTING;
	conn->events.client = options->events;
	conn->limit_ms = options->connect_ms;
	conn->peer = options->to;
	conn->http2 = options->http2;
	if (conn->secure)
		err = conn_tls_init(conn, options->tls);
	if (!err && conn->secure && options->memory)
		tls_remember(conn->tls[0].tls, options->memory);
	if (!err)
		err = socket_connect(conn->loop, &options->to, NULL, &socket_events, conn,
				     &conn->socket);
	if (err) {
		release(conn);
		return err;
	}
	settle_timer(conn);
	*ret_conn = conn;
	return ERR_OK;
}

void conn_set_owner(struct conn *conn, const struct conn_client_events *events, void *owner)
{
	assert(!conn->server);
	conn->events.client = events;
	conn->owner = owner;
}

void conn_destroy(struct conn *conn)
{
	if (!conn || conn->destroyed)
		return;
	enter(conn);
	conn->destroyed = true;
	conn->codec->fail(conn, ERR_CANCELLED);
	if (conn->socket)
		conn_close(conn, conn->codec->mid_message(conn) ? CONN_RST : CONN_FIN);
	conn->codec->fini(conn);
	leave(conn);
}

void conn_drain(struct conn *conn)
{
	assert(conn->server);
	conn->draining = true;
	conn_touch(conn);
}

void conn_set_idle_ms(struct conn *conn, uint32_t idle_ms)
{
	assert(conn->state != CONN_CONNECTING);
	if (conn->state == CONN_SHAKING) {
		conn->tls[0].idle_ms = idle_ms;
		return;
	}
	conn->limit_ms = idle_ms;
	if (conn->socket)
		settle_timer(conn);
}

void conn_thin_acks(struct conn *conn, bool on)
{
	if (conn->socket)
		socket_thin_acks(conn->socket, on);
}

const struct address *conn_peer(const struct conn *conn)
{
	return &conn->peer;
}

const struct address *conn_local(const struct conn *conn)
{
	return &conn->local;
}

struct loop *conn_loop(const struct conn *conn)
{
	return conn->loop;
}

const struct tls *conn_tls(const struct conn *conn)
{
	return conn->secure ? conn->tls[0].tls : NULL;
}

bool conn_can_open(const struct conn *conn)
{
	return conn->state == CONN_OPEN && (!conn->idle_due || conn->codec->many) &&
	       conn->codec->can_open(conn);
}

bool conn_is_busy(const struct conn *conn)
{
	return conn->state == CONN_OPEN && !conn->codec->idle(conn);
}

bool conn_was_used(const struct conn *conn)
{
	return conn->codec->was_used(conn);
}
