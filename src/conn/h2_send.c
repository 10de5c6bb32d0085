#include "conn/h1_head.h"
#include "conn/h2_internal.h"

/* ---- Frames ---- */

bool h2_is_blocked(void *owner)
{
	const struct conn *conn = owner;

	return conn->blocked || conn->send_err || !conn->socket;
}

void h2_flush_out(struct conn *conn)
{
	struct h2_conn *hc = conn->h2;
	struct backlog *out = hc->out;
	struct bytes bytes = backlog_view(out);

	if (!out || h2_is_blocked(conn))
		return;
	hc->out = NULL;
	conn_write(conn, &bytes, 1);
	backlog_clear(&out);
}

/*
 * A lone stream's token leaves at once. Where several share the connection their frames of one turn
 * leave in one send, and one TLS record, at its end.
 */
void h2_emit(void *owner, const struct bytes *slices, unsigned count, bool soon)
{
	struct conn *conn = owner;
	struct h2_conn *hc = conn->h2;
	struct bytes parts[CONN_WRITE_MAX];
	struct backlog *out = hc->out;
	size_t total = 0;

	for (unsigned i = 0; i < count; i++)
		total += slices[i].len;
	if (total < H2_GATHER_MAX && !(soon && h2_live(hc->h2) <= 1)) {
		if (!out && backlog_reserve(&hc->out, H2_OUT_MAX))
			conn_spoil(conn, ERR_NOMEM);
		for (unsigned i = 0; i < count; i++)
			if (backlog_add(&hc->out, slices[i]))
				conn_spoil(conn, ERR_NOMEM);
		if (backlog_bytes(hc->out) > H2_OUT_MAX)
			h2_flush_out(conn);
		else if (!out)
			conn_touch(conn);
		return;
	}
	assert(count < CONN_WRITE_MAX);
	hc->out = NULL;
	parts[0] = backlog_view(out);
	memcpy(parts + 1, slices, count * sizeof *slices);
	conn_write(conn, out ? parts : parts + 1, out ? count + 1 : count);
	backlog_clear(&out);
}

/* ---- Heads ---- */

static err_t send_response(struct h2_exchange *hx, const struct http_head *head)
{
	struct h1_client client = { .head_request = hx->s.head_request };
	struct h1_out out;
	bool empty;

	if (head->status == 101)
		return ERR_INVALID;
	if (head->status == 100) /* nobody asked: Expect is not for HTTP/2 (reference §5.6) */
		return ERR_OK;
	TRY(h1_out_response(&out, head, client));
	if (head->status < 200)
		return h2_send_head(&hx->s, &out.head, false);
	hx->send_framing = (uint8_t)out.framing;
	hx->left_bytes = out.length;
	empty = out.framing == HTTP_BODY_NONE ||
		(out.framing == HTTP_BODY_LENGTH && out.length == 0);
	hx->bodyless = empty;
	return h2_send_head(&hx->s, &out.head, empty);
}

static err_t send_request(struct h2_exchange *hx, const struct http_head *head)
{
	struct h1_out out;
	bool empty;

	TRY(h1_out_request(&out, head));
	hx->send_framing = (uint8_t)out.framing;
	hx->left_bytes = out.length;
	empty = out.framing == HTTP_BODY_NONE ||
		(out.framing == HTTP_BODY_LENGTH && out.length == 0);
	hx->bodyless = empty;
	return h2_send_head(&hx->s, &out.head, empty);
}

/* As the log counts them: what was said, not what HPACK made of it. */
static size_t head_bytes(const struct http_head *head)
{
	size_t bytes = head->method.len + head->target.len;

	for (unsigned i = 0; i < head->field_count; i++)
		bytes += head->fields[i].name.len + head->fields[i].value.len;
	return bytes;
}

err_t h2_conn_send_head(struct exchange *x, const struct http_head *head)
{
	struct h2_exchange *hx = h2_exchange_of(x);
	err_t err;

	assert(!hx->s.left && !hx->s.head_sent);
	assert(head->is_response == x->conn->server);
	err = head->is_response ? send_response(hx, head) : send_request(hx, head);
	if (err)
		return err;
	x->sent_bytes += head_bytes(head);
	conn_touch(x->conn); /* it waits for the first of its body until then */
	return ERR_OK;
}

/* ---- Bodies ---- */

static enum conn_room spoil(struct h2_exchange *hx, err_t why)
{
	h2_fail(&hx->s, why);
	h2_conn_touch(hx->x.conn);
	return CONN_FULL;
}

static size_t bytes_in(const struct bytes *slices, unsigned count)
{
	size_t total = 0;

	for (unsigned i = 0; i < count; i++)
		total += slices[i].len;
	return total;
}

struct payload {
	const struct bytes *slices;
	unsigned count;
	bool end;
	const struct http_field *trailers;
	unsigned trailer_count;
};

static enum conn_room send(struct h2_exchange *hx, const struct payload *p)
{
	size_t bytes = bytes_in(p->slices, p->count), queued = backlog_bytes(hx->s.queue);
	bool end = p->end, full;

	if (hx->s.end_wanted) {
		assert(hx->bodyless || bytes == 0);
		return CONN_OK;
	}
	if (hx->s.why)
		return CONN_FULL; /* on_failed follows */
	if (hx->send_framing == HTTP_BODY_LENGTH) {
		if (bytes > hx->left_bytes || (end && bytes < hx->left_bytes))
			return spoil(hx, ERR_INVALID);
		hx->left_bytes -= bytes;
		end = hx->left_bytes == 0;
	}
	if (queued && queued + bytes > CONN_QUEUE_MAX)
		return spoil(hx, ERR_LIMIT);
	hx->x.sent_bytes += bytes;
	full = h2_send_data(&hx->s, p->slices, p->count, end, p->trailers, p->trailer_count);
	h2_conn_touch(hx->x.conn);
	return full ? CONN_FULL : CONN_OK;
}

enum conn_room h2_conn_send_body(struct exchange *x, const struct http_body *body)
{
	bool chunks = body->framing == HTTP_BODY_CHUNKED;
	struct payload p = {
		.slices = chunks ? body->data : &body->wire,
		.count = chunks ? body->data_count : 1,
		.end = body->end,
		.trailers = body->trailers,
		.trailer_count = body->trailer_count,
	};

	return send(h2_exchange_of(x), &p);
}

enum conn_room h2_conn_send_data(struct exchange *x, struct bytes data, bool end)
{
	struct payload p = { .slices = &data, .count = 1, .end = end };

	return send(h2_exchange_of(x), &p);
}

bool h2_conn_can_insert(const struct exchange *x)
{
	const struct h2_exchange *hx = h2_exchange_of(x);

	return hx->s.head_sent && !hx->s.end_wanted && hx->send_framing != HTTP_BODY_LENGTH;
}

size_t h2_conn_send_room(const struct exchange *x, size_t room)
{
	return size_min(room, h2_send_window(&h2_exchange_of(x)->s));
}
