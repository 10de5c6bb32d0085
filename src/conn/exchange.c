/*
 * The door's exchanges: what is common to all codecs, and the way to the one in charge.
 */
#include "conn/conn_internal.h"

struct conn *exchange_conn(const struct exchange *x)
{
	return x->conn;
}

err_t exchange_open(struct conn *conn, const struct exchange_events *events, void *owner,
		    struct exchange **ret_exchange)
{
	struct exchange *x;

	assert(!conn->server && !conn->destroyed);
	if (conn->state == CONN_CONNECTING || (conn->idle_due && !conn->codec->many))
		return ERR_AGAIN;
	if (conn->state != CONN_OPEN)
		return ERR_CLOSED;
	TRY(conn->codec->open(conn, &x));
	exchange_accept(x, events, owner);
	*ret_exchange = x;
	return ERR_OK;
}

void exchange_accept(struct exchange *x, const struct exchange_events *events, void *owner)
{
	x->events = events;
	x->owner = owner;
}

void exchange_forget_head(struct exchange *x)
{
	x->conn->codec->forget_head(x);
}

err_t exchange_send_head(struct exchange *x, const struct http_head *head)
{
	return x->conn->codec->send_head(x, head);
}

enum conn_room exchange_send_body(struct exchange *x, const struct http_body *body)
{
	return x->conn->codec->send_body(x, body);
}

enum conn_room exchange_send_data(struct exchange *x, struct bytes data, bool end)
{
	return x->conn->codec->send_data(x, data, end);
}

bool exchange_can_insert(const struct exchange *x)
{
	return x->conn->codec->can_insert(x);
}

void exchange_pause(struct exchange *x)
{
	x->conn->codec->pause(x, true);
}

void exchange_resume(struct exchange *x)
{
	x->conn->codec->pause(x, false);
}

size_t exchange_send_room(struct exchange *x)
{
	size_t queued = exchange_queued_bytes(x), room;

	if (!x->conn->socket || x->conn->blocked)
		return 0;
	room = socket_send_room(x->conn->socket);
	if (x->conn->secure) /* records have heads and tails */
		room -= size_min(room, room / 64 + 64);
	return x->conn->codec->send_room(x, room > queued ? room - queued : 0);
}

void exchange_receive_hint(struct exchange *x, uint32_t bytes)
{
	uint32_t most = bytes ? x->conn->codec->receive_most(x, bytes) : 0;

	/* What one receive holds under TLS is handed up in several pieces: never more than two. */
	if (x->conn->socket && !x->conn->secure)
		socket_receive_size(x->conn->socket, most > CONN_RECEIVE_DEFAULT ? most : 0);
}

size_t exchange_queued_bytes(const struct exchange *x)
{
	return x->conn->codec->queued_bytes(x);
}

uint64_t exchange_received_bytes(const struct exchange *x)
{
	return x->received_bytes;
}

uint64_t exchange_sent_bytes(const struct exchange *x)
{
	return x->sent_bytes;
}

void exchange_close(struct exchange *x)
{
	x->conn->codec->close(x, false);
}

void exchange_close_conn(struct exchange *x)
{
	x->conn->codec->close(x, true);
}

void exchange_tunnel(struct exchange *x)
{
	x->conn->codec->tunnel(x);
}
