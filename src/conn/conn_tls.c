/*
 * TLS between the socket and the codec. Wire bytes leave as OpenSSL emits them; plain ones are
 * handed up in pieces of a record's size at most. One receive is 16 KiB of wire and may complete a
 * record of as much, so it gives two pieces at most: what the first leaves at the sink and the
 * second keeps here is within the 32 KiB of both ends.
 */
#include "conn/conn_internal.h"

static void emit(void *owner, struct bytes wire)
{
	conn_write_wire(owner, &wire, 1);
}

err_t conn_tls_init(struct conn *conn, struct tls_context *context)
{
	return tls_create(context, emit, conn, &conn->tls[0]);
}

static void shake_hands(struct conn *conn)
{
	err_t err = tls_handshake(conn->tls[0]);

	if (err != ERR_AGAIN)
		conn_connect_ended(conn, err);
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
		err = tls_read(conn->tls[0], plain, sizeof plain, &len);
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
	tls_give(conn->tls[0], wire);
	if (conn->state == CONN_CONNECTING)
		shake_hands(conn);
	if (conn_is_open(conn))
		read_records(conn);
	tls_give(conn->tls[0], BYTES_NONE); /* the loop's memory is gone after this */
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
			err = tls_write(conn->tls[0], bytes_make(record, len));
			len = 0;
		}
	}
	if (!err)
		err = tls_write(conn->tls[0], bytes_make(record, len));
	if (err)
		conn_spoil(conn, err);
}

err_t conn_tls_hold(struct conn *conn, struct bytes b)
{
	bool blocked = conn->blocked;
	err_t err;

	conn->blocked = true; /* so that what is emitted is kept */
	err = tls_write(conn->tls[0], b);
	conn->blocked = blocked;
	return err;
}

void conn_tls_goodbye(struct conn *conn)
{
	if (conn->blocked || conn->queue || conn->send_err)
		return;
	tls_close(conn->tls[0]);
	backlog_clear(&conn->queue);
	conn->blocked = false;
}
