#include "tests/unit/conn/h2_peer.h"

#include "tests/check.h"

enum { FIELDS_MAX = 300, LOG_DATA_MAX = 40 };

/* ---- Fields ---- */

static nghttp2_nv nv_of(struct bytes name, struct bytes value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name.at, (uint8_t *)(uintptr_t)value.at,
			     name.len, value.len, 0 };
}

static size_t add_fields(nghttp2_nv *nva, size_t count, const char *fields)
{
	struct bytes rest = bytes_of(fields), line;

	while (rest.len && bytes_cut(&rest, '\n', &line)) {
		size_t colon;

		if (!line.len)
			continue;
		colon = bytes_index(line, ':');
		CHECK(colon != SIZE_MAX && count < FIELDS_MAX);
		nva[count++] = nv_of(bytes_upto(line, colon),
				     bytes_trim(bytes_from(line, colon + 1)));
	}
	return count;
}

/* ---- What it hears ---- */

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *owner)
{
	struct h2_peer *p = owner;
	struct bytes n = bytes_make(name, name_len), v = bytes_make(value, value_len);

	(void)session, (void)flags;
	p->in_head |= n.at[0] == ':';
	if (bytes_eq_str(n, ":status"))
		text_printf(&p->log, "head %d %.*s%s\n", frame->hd.stream_id, BYTES_ARG(v),
			    frame->hd.flags & NGHTTP2_FLAG_END_STREAM ? " end" : "");
	else if (bytes_eq_str(n, ":path"))
		text_printf(&p->log, "request %d %.*s%s\n", frame->hd.stream_id, BYTES_ARG(v),
			    frame->hd.flags & NGHTTP2_FLAG_END_STREAM ? " end" : "");
	else if (!p->in_head)
		text_printf(&p->log, "trailer %d %.*s: %.*s\n", frame->hd.stream_id, BYTES_ARG(n),
			    BYTES_ARG(v));
	else if (p->fields)
		text_printf(&p->log, "field %d %.*s: %.*s\n", frame->hd.stream_id, BYTES_ARG(n),
			    BYTES_ARG(v));
	p->last_id = frame->hd.stream_id;
	return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
	(void)session, (void)frame;
	((struct h2_peer *)owner)->in_head = false;
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
		   size_t len, void *owner)
{
	struct h2_peer *p = owner;

	(void)session, (void)flags;
	p->data_bytes += len;
	p->data_ms = fake_now_ms(fake_current());
	if (len > LOG_DATA_MAX)
		text_printf(&p->log, "data %d %zu\n", id, len);
	else
		text_printf(&p->log, "data %d %.*s\n", id, (int)len, (const char *)data);
	return 0;
}

static void answer(struct h2_peer *p, int32_t id)
{
	nghttp2_nv nva[FIELDS_MAX] = { nv_of(BYTES(":status"), bytes_of(p->answer_status)) };

	nghttp2_submit_response(p->session, id, nva, add_fields(nva, 1, p->answer_fields), NULL);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
	struct h2_peer *p = owner;

	(void)session;
	if (p->answer_status && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		answer(p, frame->hd.stream_id);
	switch (frame->hd.type) {
	case NGHTTP2_DATA:
		if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
			text_printf(&p->log, "end %d\n", frame->hd.stream_id);
		break;
	case NGHTTP2_RST_STREAM:
		text_printf(&p->log, "reset %d %u\n", frame->hd.stream_id,
			    frame->rst_stream.error_code);
		break;
	case NGHTTP2_GOAWAY:
		text_printf(&p->log, "goaway %d %u\n", frame->goaway.last_stream_id,
			    frame->goaway.error_code);
		break;
	case NGHTTP2_PING:
		if (frame->hd.flags & NGHTTP2_FLAG_ACK)
			text_add_str(&p->log, "ping\n");
		break;
	default: break;
	}
	return 0;
}

static void on_received(struct fake_peer *peer, void *owner, struct bytes data)
{
	struct h2_peer *p = owner;

	(void)peer;
	if (p->deaf)
		return;
	CHECK(nghttp2_session_mem_recv(p->session, (const uint8_t *)data.at, data.len) >= 0);
	h2_peer_flush(p);
}

static void on_ended(struct fake_peer *peer, void *owner, err_t why)
{
	struct h2_peer *p = owner;

	(void)peer;
	text_printf(&p->log, "ended %s\n", err_name(why));
}

static const struct fake_script script = { .on_received = on_received, .on_ended = on_ended };

void h2_peer_flush(struct h2_peer *p)
{
	const uint8_t *data;
	ssize_t len;

	while ((len = nghttp2_session_mem_send(p->session, &data)) > 0)
		fake_send_bytes(p->peer, bytes_make(data, (size_t)len));
}

/* ---- Life ---- */

static void begin(struct h2_peer *p, bool server)
{
	nghttp2_session_callbacks *c = NULL;
	nghttp2_option *o = NULL;

	CHECK(nghttp2_session_callbacks_new(&c) == 0 && nghttp2_option_new(&o) == 0);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_option_set_no_auto_window_update(o, p->keep_windows);
	nghttp2_option_set_max_send_header_block_length(o, 1 << 20);
	if (server)
		CHECK(nghttp2_session_server_new2(&p->session, c, p, o) == 0);
	else
		CHECK(nghttp2_session_client_new2(&p->session, c, p, o) == 0);
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(c);
	p->server = server;
	p->log = (struct text)TEXT_INIT(1 << 20);
	fake_set_script(p->peer, &script, p);
	nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

void h2_peer_connect(struct h2_peer *p, struct fake_net *net, const char *from, const char *to)
{
	p->peer = fake_connect(net, from, to);
	begin(p, false);
	h2_peer_flush(p);
}

void h2_peer_serve(struct h2_peer *p, struct fake_peer *accepted)
{
	struct bytes before;

	p->peer = accepted;
	before = fake_received(accepted);
	begin(p, true);
	if (before.len)
		on_received(accepted, p, before);
	h2_peer_flush(p);
}

void h2_peer_fini(struct h2_peer *p)
{
	nghttp2_session_del(p->session);
	text_fini(&p->log);
}

void h2_peer_set_window(struct h2_peer *p, uint32_t initial_window)
{
	nghttp2_settings_entry entry = { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, initial_window };

	nghttp2_submit_settings(p->session, NGHTTP2_FLAG_NONE, &entry, 1);
	h2_peer_flush(p);
}

/* ---- What it says ---- */

/* Data goes out by h2_peer_data: the session must know that some follows. */
static ssize_t defer(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
		     uint32_t *flags, nghttp2_data_source *source, void *owner)
{
	(void)session, (void)id, (void)buf, (void)length, (void)flags, (void)source, (void)owner;
	return NGHTTP2_ERR_DEFERRED;
}

int32_t h2_peer_request(struct h2_peer *p, const char *method, const char *path, const char *fields,
			bool end)
{
	nghttp2_data_provider body = { .read_callback = defer };
	nghttp2_nv nva[FIELDS_MAX];
	size_t count = 0;
	int32_t id;

	nva[count++] = nv_of(BYTES(":method"), bytes_of(method));
	nva[count++] = nv_of(BYTES(":scheme"), BYTES("http"));
	nva[count++] = nv_of(BYTES(":path"), bytes_of(path));
	nva[count++] = nv_of(BYTES(":authority"), BYTES("a.example"));
	count = add_fields(nva, count, fields);
	id = nghttp2_submit_request(p->session, NULL, nva, count, end ? NULL : &body, NULL);
	CHECK(id > 0);
	h2_peer_flush(p);
	return id;
}

void h2_peer_respond(struct h2_peer *p, int32_t id, const char *status, const char *fields,
		     bool end)
{
	nghttp2_data_provider body = { .read_callback = defer };
	nghttp2_nv nva[FIELDS_MAX] = { nv_of(BYTES(":status"), bytes_of(status)) };
	size_t count = add_fields(nva, 1, fields);

	if (status[0] == '1')
		nghttp2_submit_headers(p->session, 0, id, NULL, nva, count, NULL);
	else
		nghttp2_submit_response(p->session, id, nva, count, end ? NULL : &body);
	h2_peer_flush(p);
}

void h2_peer_raw(struct h2_peer *p, uint8_t type, uint8_t flags, int32_t id, struct bytes payload)
{
	uint8_t head[9] = { (uint8_t)(payload.len >> 16),
			    (uint8_t)(payload.len >> 8),
			    (uint8_t)payload.len,
			    type,
			    flags,
			    (uint8_t)(id >> 24),
			    (uint8_t)(id >> 16),
			    (uint8_t)(id >> 8),
			    (uint8_t)id };

	fake_send_bytes(p->peer, bytes_make(head, sizeof head));
	fake_send_bytes(p->peer, payload);
}

/* Whatever the windows say: they are the business of whom is tested. */
void h2_peer_data_bytes(struct h2_peer *p, int32_t id, struct bytes data, bool end)
{
	do {
		struct bytes part = bytes_upto(data, 16384);

		data = bytes_from(data, part.len);
		h2_peer_raw(p, NGHTTP2_DATA, end && !data.len ? NGHTTP2_FLAG_END_STREAM : 0, id,
			    part);
	} while (data.len);
}

void h2_peer_data(struct h2_peer *p, int32_t id, const char *data, bool end)
{
	h2_peer_data_bytes(p, id, bytes_of(data), end);
}

void h2_peer_trailers(struct h2_peer *p, int32_t id, const char *fields)
{
	nghttp2_nv nva[FIELDS_MAX];
	size_t count = add_fields(nva, 0, fields);

	CHECK(nghttp2_submit_headers(p->session, NGHTTP2_FLAG_END_STREAM, id, NULL, nva, count,
				     NULL) == 0);
	h2_peer_flush(p);
}

void h2_peer_reset(struct h2_peer *p, int32_t id, uint32_t code)
{
	nghttp2_submit_rst_stream(p->session, 0, id, code);
	h2_peer_flush(p);
}

void h2_peer_ping(struct h2_peer *p)
{
	nghttp2_submit_ping(p->session, 0, NULL);
	h2_peer_flush(p);
}

void h2_peer_goaway(struct h2_peer *p, int32_t last_id, uint32_t code)
{
	nghttp2_submit_goaway(p->session, 0, last_id, code, NULL, 0);
	h2_peer_flush(p);
}

void h2_peer_open_window(struct h2_peer *p, int32_t id, int32_t bytes)
{
	nghttp2_submit_window_update(p->session, 0, id, bytes);
	h2_peer_flush(p);
}

const char *h2_peer_log(struct h2_peer *p)
{
	static struct text last;

	text_fini(&last);
	last = p->log;
	p->log = (struct text)TEXT_INIT(1 << 20);
	return text_str(&last);
}
