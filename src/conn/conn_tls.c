/*
 * TLS between the socket and the codec. Wire bytes leave as OpenSSL emits them; plain ones are
 * handed up in pieces of a record's size at most. One receive is 16 KiB of wire and may complete a
 * record of as much, so it gives two pieces at most: what the first leaves at the sink and the
 * second keeps here is within the 32 KiB of both ends.
 */
#include <stdio.h>

#include "conn/conn_internal.h"

static void emit(void *owner, struct bytes wire)
{
	conn_write_wire(owner, &wire, 1);
}

static struct tls_context *choose(void *owner, struct bytes host)
{
	struct conn *conn = owner;

	return conn->events.server->on_hello(conn->owner, conn, host);
}

static const struct tls_server_events choosing = { .emit = emit, .choose = choose };
static const struct tls_server_events not_choosing = { .emit = emit };

err_t conn_tls_init(struct conn *conn, struct tls_context *context)
{
	const struct tls_server_events *events = &not_choosing;

	if (!conn->server)
		return tls_create(context, emit, conn, &conn->tls[0].tls);
	if (conn->events.server->on_hello)
		events = &choosing;
	return tls_create_server(context, events, conn, &conn->tls[0].tls);
}

/* ---- The handshake ---- */

bool conn_tls_agreed_h2(const struct conn *conn)
{
	return bytes_eq_str(tls_application(conn->tls[0].tls), "h2");
}

/* A plain request on a port for TLS gets a plain answer, so that its sender can see why. */
static void answer_plainly(struct conn *conn)
{
	static const char body[] = "The plain HTTP request was sent to HTTPS port\n";
	char answer[256];
	int len = snprintf(answer, sizeof answer,
			   "HTTP/1.1 400 Bad Request\r\nServer: awselb/2.0\r\n"
			   "Content-Type: text/plain\r\nContent-Length: %zu\r\n"
			   "Connection: close\r\n\r\n%s",
			   sizeof body - 1, body);

	backlog_clear(&conn->queue);
	conn_write_wire(conn, &(struct bytes){ answer, (size_t)len }, 1);
}

/*
 * What failed ends by halves, after an alert that says why: a close with bytes unread would be a
 * RST, which overtakes it.
 */
void conn_tls_shaken(struct conn *conn, err_t err)
{
	assert(conn->state == CONN_SHAKING);
	conn->limit_ms = conn->tls[0].idle_ms;
	if (!err) {
		conn->state = CONN_OPEN;
		if (conn_tls_agreed_h2(conn) && h2_conn_begin(conn))
			conn_spoil(conn, ERR_NOMEM);
	} else if (err == ERR_TLS_HANDSHAKE) {
		conn->state = CONN_FLUSHING;
		conn->linger = true;
	} else {
		conn_close(conn, CONN_FIN);
	}
	conn_mark(conn);
	if (conn->events.server->on_secured)
		conn->events.server->on_secured(conn->owner, conn, err);
}

static void shake_hands(struct conn *conn)
{
	err_t err = tls_handshake(conn->tls[0].tls);

	if (err == ERR_AGAIN)
		return;
	if (!conn->server) {
		conn_connect_ended(conn, err);
		return;
	}
	if (err && tls_peer_spoke_http(conn->tls[0].tls))
		answer_plainly(conn);
	conn_tls_shaken(conn, err);
}

void conn_tls_begin(struct conn *conn)
{
	socket_receive(conn->socket);
	conn->receiving = true;
	shake_hands(conn);
}

/* Several small records that came together go up as one piece. */
static void read_records(struct conn *conn)
{
	char plain[TLS_RECORD_PLAIN_MAX];
	size_t len;
	err_t err;

	do {
		err = tls_read(conn->tls[0].tls, plain, sizeof plain, &len);
		if (len)
			conn_take(conn, bytes_make(plain, len));
	} while (!err && conn_is_open(conn));
	if (err == ERR_CLOSED)
		conn_take_end(conn);
	else if (err && err != ERR_AGAIN && conn_is_open(conn))
		conn_spoil(conn, err);
}

void conn_tls_received(struct conn *conn, struct bytes wire)
{
	tls_give(conn->tls[0].tls, wire);
	if (conn->state == CONN_CONNECTING || conn->state == CONN_SHAKING)
		shake_hands(conn);
	if (conn_is_open(conn))
		read_records(conn);
	tls_give(conn->tls[0].tls, BYTES_NONE); /* the loop's memory is gone after this */
}

/* Small slices become one record: a chunk's head, its payload and its tail. */
void conn_tls_write(struct conn *conn, const struct bytes *slices, unsigned count)
{
	char record[TLS_RECORD_PLAIN_MAX];
	size_t len = 0;
	err_t err = ERR_OK;

	if (!conn->socket || conn->send_err)
		return;
	for (unsigned i = 0; i < count && !err; i++) {
		struct bytes rest = slices[i];

		while (rest.len && !err) {
			size_t part = size_min(rest.len, sizeof record - len);

			memcpy(record + len, rest.at, part);
			len += part;
			rest = bytes_from(rest, part);
			if (len < sizeof record)
				break;
			err = tls_write(conn->tls[0].tls, bytes_make(record, len));
			len = 0;
		}
	}
	if (!err)
		err = tls_write(conn->tls[0].tls, bytes_make(record, len));
	if (err)
		conn_spoil(conn, err);
}

err_t conn_tls_hold(struct conn *conn, struct bytes b)
{
	bool blocked = conn->blocked;
	err_t err;

	conn->blocked = true; /* so that what is emitted is kept */
	err = tls_write(conn->tls[0].tls, b);
	conn->blocked = blocked;
	return err;
}

void conn_tls_goodbye(struct conn *conn)
{
	if (conn->blocked || conn->queue || conn->send_err)
		return;
	tls_close(conn->tls[0].tls);
	backlog_clear(&conn->queue);
	conn->blocked = false;
}
