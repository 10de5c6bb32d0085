/*
 * What goes toward the peer: tried at once, kept when the kernel does not take it.
 */
#include "conn/conn_internal.h"

enum { SLICES_MAX = 16 }; /* of one socket_send */

_Static_assert(ERR_COUNT <= UINT8_MAX, "an err_t fits struct conn.send_err");

static size_t slices_bytes(const struct bytes *slices, unsigned count)
{
	size_t total = 0;

	for (unsigned i = 0; i < count; i++)
		total += slices[i].len;
	return total;
}

static void sending_failed(struct conn *conn, err_t why)
{
	backlog_clear(&conn->queue);
	conn->blocked = false;
	/*
	 * A target may have answered before it closed its ears: what it said is read first, and
	 * on_ended ends it. A client that is gone is gone.
	 */
	if (!conn->server && why != ERR_NOMEM)
		return;
	conn_spoil(conn, why);
}

void conn_spoil(struct conn *conn, err_t why)
{
	if (!conn->send_err)
		conn->send_err = (uint8_t)why;
	conn_touch(conn);
}

/* Keeps what follows the first `skip` bytes of the slices. */
static void keep_rest(struct conn *conn, const struct bytes *slices, unsigned count, size_t skip)
{
	for (unsigned i = 0; i < count; i++) {
		size_t gone = size_min(skip, slices[i].len);

		skip -= gone;
		if (backlog_add(&conn->queue, bytes_from(slices[i], gone))) {
			sending_failed(conn, ERR_NOMEM);
			return;
		}
	}
}

/* One send of everything; false when it failed. */
static bool send_all(struct conn *conn, const struct bytes *slices, unsigned count,
		     size_t *ret_taken)
{
	size_t sum = 0;

	while (count > 0) {
		unsigned batch = count < SLICES_MAX ? count : SLICES_MAX;
		size_t taken = 0, wanted = slices_bytes(slices, batch);
		err_t err = socket_send(conn->socket, (struct slices){ slices, batch },
					batch < count, &taken);

		if (err) {
			sending_failed(conn, err);
			return false;
		}
		sum += taken;
		if (taken < wanted)
			break;
		slices += batch;
		count -= batch;
	}
	*ret_taken = sum;
	return true;
}

void conn_write_wire(struct conn *conn, const struct bytes *slices, unsigned count)
{
	size_t queued = backlog_bytes(conn->queue), total = queued + slices_bytes(slices, count);
	struct bytes parts[CONN_WRITE_MAX + 1];
	size_t taken;

	if (!conn->socket || conn->send_err || total == 0)
		return;
	if (conn->blocked) {
		keep_rest(conn, slices, count, 0);
		return;
	}
	if (queued) { /* a head that was held */
		assert(count <= CONN_WRITE_MAX);
		parts[0] = backlog_view(conn->queue);
		if (count)
			memcpy(parts + 1, slices, count * sizeof *slices);
	}
	if (!send_all(conn, queued ? parts : slices, queued ? count + 1 : count, &taken))
		return;
	backlog_drop(&conn->queue, size_min(taken, queued));
	conn->blocked = taken < total;
	if (conn->blocked)
		keep_rest(conn, slices, count, taken - size_min(taken, queued));
}

void conn_write(struct conn *conn, const struct bytes *slices, unsigned count)
{
	if (conn->blocked &&
	    backlog_bytes(conn->queue) + slices_bytes(slices, count) > CONN_QUEUE_MAX)
		conn_spoil(conn, ERR_LIMIT);
	else if (conn->secure && count)
		conn_tls_write(conn, slices, count);
	else
		conn_write_wire(conn, slices, count);
}

err_t conn_hold(struct conn *conn, struct bytes b)
{
	TRY(conn->secure ? conn_tls_hold(conn, b) : backlog_add(&conn->queue, b));
	if (!conn->blocked)
		conn_touch(conn);
	return ERR_OK;
}
