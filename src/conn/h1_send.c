#include "conn/h1_internal.h"

#include "conn/h1_head.h"

enum {
	HEAD_WIRE_MAX = 160 * 1024, /* above any head that was received, and what owners add */
};

/* ---- Heads ---- */

void h1_send_continue(struct conn *conn)
{
	struct bytes line = BYTES("HTTP/1.1 100 Continue\r\n\r\n");

	conn_write(conn, &line, 1);
}

/*
 * Whether this exchange is the connection's last. A request too long to be thrown away is known
 * here, so the client hears it; what is found out later ends the connection all the same.
 */
static bool closes_after(const struct conn *conn)
{
	const struct h1_conn *h1 = &conn->h1;
	uint64_t unread = h1_unread_bytes(conn);

	if (!h1->keep || h1->must_close || conn->draining)
		return true;
	if (conn->keep_alive_until_ms && loop_now_ms(conn->loop) >= conn->keep_alive_until_ms)
		return true;
	return unread != UINT64_MAX && unread > CONN_DRAIN_MAX;
}

/* Sends a head now if nothing follows it, else together with what follows. */
static err_t put_head(struct exchange *x, const struct text *wire, bool more_follows)
{
	struct bytes bytes = text_bytes(wire);

	TRY(text_err(wire));
	if (more_follows)
		TRY(conn_hold(x->conn, bytes));
	else
		conn_write(x->conn, &bytes, 1);
	x->sent_bytes += bytes.len;
	return ERR_OK;
}

static err_t write_head(struct exchange *x, const struct h1_out *out, bool more_follows)
{
	struct text wire = TEXT_INIT(HEAD_WIRE_MAX);
	err_t err;

	if (out->head.is_response)
		h1_write_response(&wire, &out->head);
	else
		h1_write_request(&wire, &out->head);
	err = put_head(x, &wire, more_follows);
	text_fini(&wire);
	return err;
}

static err_t send_informational(struct exchange *x, struct h1_out *out, uint16_t status)
{
	/* 100 was ours to say, and an HTTP/1.0 client knows none of them (RFC 9110 §15.2). */
	if (status == 100 || h1_of(x)->http10)
		return ERR_OK;
	return write_head(x, out, false);
}

static void begin_message(struct h1_conn *h1, const struct h1_out *out)
{
	h1->send_begun = true;
	h1->send_framing = (uint8_t)out->framing;
	h1->left_bytes = out->length;
	h1->bodyless = out->framing == HTTP_BODY_NONE;
	h1->at_boundary = true;
	h1->send_end = h1->bodyless || (out->framing == HTTP_BODY_LENGTH && out->length == 0);
}

static bool has_body(const struct h1_out *out)
{
	return out->framing != HTTP_BODY_NONE &&
	       !(out->framing == HTTP_BODY_LENGTH && out->length == 0);
}

static err_t send_response(struct exchange *x, const struct http_head *head)
{
	struct h1_conn *h1 = h1_of(x);
	struct h1_client client = { h1->http10, h1->head_request, closes_after(x->conn) };
	struct h1_out out;

	TRY(h1_out_response(&out, head, client));
	if (head->status < 200 && head->status != 101)
		return send_informational(x, &out, head->status);
	if (head->status == 101) {
		if (!h1->upgrade || h1->http10)
			return ERR_INVALID;
		out.framing = HTTP_BODY_CLOSE; /* the tunnel's */
	}
	if (!h1->http09)
		TRY(write_head(x, &out, has_body(&out)));
	h1->must_close |= out.close;
	begin_message(h1, &out);
	return ERR_OK;
}

static err_t send_request(struct exchange *x, const struct http_head *head)
{
	struct h1_conn *h1 = h1_of(x);
	struct h1_out out;

	TRY(h1_out_request(&out, head));
	TRY(write_head(x, &out, has_body(&out)));
	h1->upgrade = head->flags & HTTP_FLAG_UPGRADE;
	h1->must_close |= out.close;
	h1->head_request = bytes_eq(head->method, BYTES("HEAD"));
	h1_parser_expect(&h1->parser, h1->head_request, bytes_eq(head->method, BYTES("CONNECT")));
	begin_message(h1, &out);
	return ERR_OK;
}

err_t h1_send_head(struct exchange *x, const struct http_head *head)
{
	assert(h1_of(x)->live && !h1_of(x)->send_begun);
	assert(head->is_response == x->conn->server);
	return head->is_response ? send_response(x, head) : send_request(x, head);
}

/* ---- Bodies ---- */

/* One payload, or one piece of wire, on its way out. */
struct parts {
	struct bytes at[CONN_WRITE_MAX];
	unsigned count;
	size_t payload_bytes;
	char chunk_head[H1_CHUNK_HEAD_BYTES];
};

/* Its slices are left as they are: clearing them would cost more than a piece of a stream does. */
static void begin_parts(struct parts *parts)
{
	parts->count = 0;
	parts->payload_bytes = 0;
}

static void add_part(struct parts *parts, struct bytes part)
{
	if (part.len)
		parts->at[parts->count++] = part;
}

static void add_payload(struct parts *parts, const struct bytes *slices, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		add_part(parts, slices[i]);
		parts->payload_bytes += slices[i].len;
	}
}

static void add_chunk(struct parts *parts, const struct bytes *slices, unsigned count)
{
	size_t payload = 0;

	for (unsigned i = 0; i < count; i++)
		payload += slices[i].len;
	if (payload) {
		size_t len = h1_chunk_head(parts->chunk_head, payload);

		add_part(parts, bytes_make(parts->chunk_head, len));
		add_payload(parts, slices, count);
		add_part(parts, H1_CHUNK_TAIL);
	}
}

static enum conn_room put(struct exchange *x, const struct parts *parts)
{
	struct h1_conn *h1 = h1_of(x);

	for (unsigned i = 0; i < parts->count; i++)
		x->sent_bytes += parts->at[i].len;
	if (parts->count)
		conn_write(x->conn, parts->at, parts->count);
	if (h1->send_end)
		conn_touch(x->conn); /* a tunnel's FIN; what was held */
	/* After an error there is no room, so that nobody goes on until on_failed. */
	if (!x->conn->blocked && !x->conn->send_err)
		return CONN_OK;
	h1->told_full = true;
	return CONN_FULL;
}

static enum conn_room spoil(struct exchange *x)
{
	conn_spoil(x->conn, ERR_INVALID);
	return CONN_FULL;
}

/* The last chunk, with trailers that came in another protocol's way. */
static enum conn_room put_trailers(struct exchange *x, struct parts *parts,
				   const struct http_body *body)
{
	struct text last = TEXT_INIT(2 * H1_TRAILERS_MAX);
	enum conn_room room;

	h1_write_last_chunk(&last, body->trailers, body->trailer_count);
	add_part(parts, text_err(&last) ? H1_LAST_CHUNK : text_bytes(&last));
	room = put(x, parts);
	text_fini(&last);
	return room;
}

/* Payload in whatever framing this message has. `body` may have trailers; NULL: none. */
static enum conn_room send_payload(struct exchange *x, const struct bytes *slices, unsigned count,
				   bool end, const struct http_body *body)
{
	struct h1_conn *h1 = h1_of(x);
	struct parts parts;

	begin_parts(&parts);
	if (h1->send_framing == HTTP_BODY_CHUNKED) {
		if (!h1->at_boundary)
			return spoil(x);
		add_chunk(&parts, slices, count);
		h1->send_end = end;
		if (end && body && body->trailer_count)
			return put_trailers(x, &parts, body);
		if (end)
			add_part(&parts, H1_LAST_CHUNK);
		return put(x, &parts);
	}
	add_payload(&parts, slices, count);
	if (h1->send_framing == HTTP_BODY_LENGTH) {
		if (parts.payload_bytes > h1->left_bytes ||
		    (end && parts.payload_bytes < h1->left_bytes))
			return spoil(x);
		h1->left_bytes -= parts.payload_bytes;
		end = h1->left_bytes == 0;
	}
	h1->send_end = end;
	return put(x, &parts);
}

/* Chunks as they came: extensions, sizes and trailers untouched. */
static enum conn_room pass_chunks(struct exchange *x, const struct http_body *body)
{
	struct h1_conn *h1 = h1_of(x);
	struct parts parts;

	begin_parts(&parts);
	add_part(&parts, body->wire);
	h1->at_boundary = body->boundary;
	h1->send_end = body->end;
	return put(x, &parts);
}

enum conn_room h1_send_body(struct exchange *x, const struct http_body *body)
{
	struct h1_conn *h1 = h1_of(x);

	assert(h1->live && h1->send_begun);
	if (h1->send_end) {
		assert(h1->bodyless || body->data_count == 0 || body->wire.len == 0);
		return CONN_OK;
	}
	if (body->framing != HTTP_BODY_CHUNKED)
		return send_payload(x, &body->wire, 1, body->end, body);
	if (h1->send_framing == HTTP_BODY_CHUNKED)
		return pass_chunks(x, body);
	return send_payload(x, body->data, body->data_count, body->end, body);
}

enum conn_room h1_send_data(struct exchange *x, struct bytes data, bool end)
{
	struct h1_conn *h1 = h1_of(x);

	assert(h1->live && h1->send_begun);
	if (h1->send_end) {
		assert(h1->bodyless || data.len == 0);
		return CONN_OK;
	}
	return send_payload(x, &data, 1, end, NULL);
}

bool h1_can_insert(const struct exchange *x)
{
	const struct h1_conn *h1 = h1_of(x);

	if (!h1->send_begun || h1->send_end)
		return false;
	return h1->send_framing == HTTP_BODY_CHUNKED ? h1->at_boundary
						     : h1->send_framing == HTTP_BODY_CLOSE;
}
