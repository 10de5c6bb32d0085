/*
 * The connection: nghttp2's session, and what it says put into our words.
 *
 * Nothing calls nghttp2's receiving or sending while it runs (busy): what an event of ours asks for
 * then is noted in the session and goes out with the next h2_pump.
 */
#include "http/h2_internal.h"

#include <stdlib.h>

enum {
	PEER_STREAMS_MAX = 100, /* until the peer's SETTINGS say, and at most */
	DEFLATE_TABLE_MAX = 4096,
	SEND_HEAD_MAX = 256 * 1024,
	PADDED = UINT32_MAX,
};

/* ---- Life ---- */

void h2_enter(struct h2 *h2)
{
	assert(h2->frames < UINT8_MAX);
	h2->frames++;
}

static void release(struct h2 *h2)
{
	list_for_each_safe (&h2->streams, node)
		h2_stream_free(h2_stream_at(node));
	nghttp2_session_del(h2->session);
	free(h2);
}

void h2_exit(struct h2 *h2)
{
	assert(h2->frames > 0);
	if (--h2->frames == 0 && h2->dead)
		release(h2);
}

void h2_destroy(struct h2 *h2)
{
	if (!h2)
		return;
	assert(!h2->dead);
	h2->dead = true;
	if (h2->frames == 0)
		release(h2);
}

void h2_overrun(struct h2 *h2)
{
	if (h2->broken)
		return;
	h2->broken = true;
	nghttp2_session_terminate_session(h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
}

void h2_charge(struct h2 *h2, enum h2_guard_kind kind)
{
	if (!h2_guard_take(&h2->guard, kind))
		h2_overrun(h2);
}

/* ---- What nghttp2 says ---- */

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
	return nghttp2_session_get_stream_user_data(session, id);
}

/* What a frame costs us is known by its head, whatever nghttp2 makes of it. */
static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *owner)
{
	struct h2 *h2 = owner;
	struct h2_stream *s = stream_of(session, hd->stream_id);

	if (s)
		s->received_bytes += hd->length + 9;
	switch (hd->type) {
	case NGHTTP2_DATA:
		h2->activity++;
		h2->chunk_left = hd->flags & NGHTTP2_FLAG_PADDED ? PADDED : (uint32_t)hd->length;
		if (hd->length == 0 && !(hd->flags & NGHTTP2_FLAG_END_STREAM))
			h2_charge(h2, H2_GUARD_EMPTY_DATA);
		break;
	case NGHTTP2_HEADERS: h2->activity++; break;
	case NGHTTP2_PING: h2_charge(h2, H2_GUARD_PING); break;
	case NGHTTP2_SETTINGS: h2_charge(h2, H2_GUARD_SETTINGS); break;
	case NGHTTP2_CONTINUATION:
	case NGHTTP2_WINDOW_UPDATE:
	case NGHTTP2_RST_STREAM: break; /* bounded by the session, counted where they act */
	default: h2_charge(h2, H2_GUARD_PRIORITY); break;
	}
	return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
	struct h2 *h2 = owner;
	struct h2_stream *s = stream_of(session, frame->hd.stream_id);
	bool server = h2->options.server;
	struct h2_head **into;

	if (!s && server && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		s = h2_stream_create(h2, frame->hd.stream_id);
		if (!s)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		s->received_bytes = frame->hd.length + 9;
		nghttp2_session_set_stream_user_data(session, s->id, s);
	}
	if (!s || s->left)
		return 0;
	into = s->received_head ? &s->trailers : &s->head;
	h2_head_free(*into);
	*into = h2_head_create(server ? H2_REQUEST_HEAD_MAX : H2_RESPONSE_HEAD_MAX);
	return *into ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static struct bytes rcbuf_bytes(nghttp2_rcbuf *rcbuf)
{
	nghttp2_vec vec = nghttp2_rcbuf_get_buf(rcbuf);

	return bytes_make(vec.base, vec.len);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, nghttp2_rcbuf *name,
		     nghttp2_rcbuf *value, uint8_t flags, void *owner)
{
	struct h2_stream *s = stream_of(session, frame->hd.stream_id);
	struct h2_head *head;

	(void)flags, (void)owner;
	if (!s || s->left)
		return 0;
	head = s->received_head ? s->trailers : s->head;
	if (head && h2_head_add(head, rcbuf_bytes(name), rcbuf_bytes(value)))
		return 0;
	s->why = ERR_FIELDS_TOO_LARGE;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* nghttp2 would leave the field out; who reads it otherwise is not to be fooled. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
			     nghttp2_rcbuf *name, nghttp2_rcbuf *value, uint8_t flags, void *owner)
{
	(void)session, (void)frame, (void)name, (void)value, (void)flags, (void)owner;
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
		   size_t len, void *owner)
{
	struct h2 *h2 = owner;
	struct h2_stream *s = stream_of(session, id);
	bool end = false;

	nghttp2_session_consume_connection(session, len);
	if (h2->chunk_left != PADDED) {
		h2->chunk_left -= (uint32_t)len;
		end = h2->chunk_left == 0 && flags & NGHTTP2_FLAG_END_STREAM;
	}
	if (s && !s->left)
		h2_stream_data(s, bytes_make(data, len), end);
	return h2->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static void on_window_update(struct h2 *h2, const nghttp2_frame *frame)
{
	if (frame->window_update.window_size_increment < H2_TINY_WINDOW_BYTES)
		h2_charge(h2, H2_GUARD_TINY_WINDOW);
}

/* The peer has seen the notice: what it sent since will be answered, and nothing after that. */
static void on_pong(struct h2 *h2)
{
	if (h2->shutting)
		h2_goodbye(h2);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
	struct h2 *h2 = owner;
	struct h2_stream *s = stream_of(session, frame->hd.stream_id);
	bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		if (s && !s->left)
			h2_stream_head(s, end);
		break;
	case NGHTTP2_DATA:
		if (s && end && !s->left)
			h2_stream_ended(s);
		break;
	case NGHTTP2_RST_STREAM:
		if (s)
			s->peer_reset = true;
		break;
	case NGHTTP2_WINDOW_UPDATE: on_window_update(h2, frame); break;
	case NGHTTP2_PING:
		if (frame->hd.flags & NGHTTP2_FLAG_ACK)
			on_pong(h2);
		break;
	case NGHTTP2_GOAWAY: h2->peer_goodbye = true; break;
	default: break;
	}
	return h2->dead ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *owner)
{
	struct h2 *h2 = owner;
	struct h2_stream *s = stream_of(session, id);

	if (!s)
		return 0;
	/* Given up or broken by the client; what we reset ourselves was left before. */
	if (h2->options.server && (s->peer_reset || code != NGHTTP2_NO_ERROR) && !s->left)
		h2_charge(h2, H2_GUARD_RESET);
	h2_stream_closed(s, code);
	return 0;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
	struct h2_stream *s;

	(void)owner;
	if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
	    !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
		return 0;
	s = stream_of(session, frame->hd.stream_id);
	if (s)
		h2_stream_end_sent(s);
	return 0;
}

/* A request that the session could not begin any more: the peer said goodbye meanwhile. */
static int on_frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int error,
			     void *owner)
{
	struct h2 *h2 = owner;

	(void)session, (void)error;
	if (h2->options.server || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	list_for_each (&h2->streams, node) {
		struct h2_stream *s = h2_stream_at(node);

		if (s->id == frame->hd.stream_id && !s->received_head && !s->closed)
			h2_stream_closed(s, NGHTTP2_REFUSED_STREAM);
	}
	return 0;
}

static int on_send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
			size_t len, nghttp2_data_source *source, void *owner)
{
	struct h2 *h2 = owner;
	struct h2_stream *s = source->ptr;

	(void)session, (void)frame;
	if (h2->options.events->blocked(h2->options.owner))
		return NGHTTP2_ERR_WOULDBLOCK;
	h2_emit_data(s, bytes_make(frame_head, 9), len);
	return 0;
}

static nghttp2_session_callbacks *make_callbacks(void)
{
	nghttp2_session_callbacks *c;

	if (nghttp2_session_callbacks_new(&c))
		return NULL;
	nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback2(c, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback2(c, on_invalid_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_sent);
	nghttp2_session_callbacks_set_send_data_callback(c, on_send_data);
	return c;
}

/* ---- Making one ---- */

static nghttp2_option *make_options(void)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o))
		return NULL;
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_peer_max_concurrent_streams(o, PEER_STREAMS_MAX);
	/* Ours is counted by the loop's clock. */
	nghttp2_option_set_stream_reset_rate_limit(o, UINT32_MAX, UINT32_MAX);
	nghttp2_option_set_max_send_header_block_length(o, SEND_HEAD_MAX);
	nghttp2_option_set_max_deflate_dynamic_table_size(o, DEFLATE_TABLE_MAX);
	return o;
}

static err_t make_session(struct h2 *h2)
{
	nghttp2_session_callbacks *callbacks = make_callbacks();
	nghttp2_option *options = make_options();
	int failed = NGHTTP2_ERR_NOMEM;

	if (callbacks && options)
		failed = h2->options.server
				 ? nghttp2_session_server_new2(&h2->session, callbacks, h2, options)
				 : nghttp2_session_client_new2(&h2->session, callbacks, h2,
							       options);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(options);
	return failed ? ERR_NOMEM : ERR_OK;
}

static err_t say_settings(struct h2 *h2)
{
	const nghttp2_settings_entry server[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS_MAX },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_REQUEST_HEAD_MAX },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};
	const nghttp2_settings_entry client[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_RESPONSE_HEAD_MAX },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};
	bool is_server = h2->options.server;

	if (nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, is_server ? server : client,
				    is_server ? COUNT(server) : COUNT(client)) ||
	    nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
						  H2_CONN_WINDOW))
		return ERR_NOMEM;
	return ERR_OK;
}

err_t h2_create(const struct h2_options *options, struct h2 **ret_h2)
{
	struct h2 *h2 = calloc(1, sizeof *h2);
	err_t err;

	assert(options->stream_bytes >= sizeof(struct h2_stream));
	if (!h2)
		return ERR_NOMEM;
	h2->options = *options;
	list_init(&h2->streams);
	list_init(&h2->due);
	err = make_session(h2);
	if (!err)
		err = say_settings(h2);
	if (err) {
		release(h2);
		return err;
	}
	*ret_h2 = h2;
	return ERR_OK;
}

/* ---- Bytes ---- */

err_t h2_feed(struct h2 *h2, struct bytes in, uint64_t now_ms)
{
	ssize_t taken;

	assert(!h2->busy);
	h2->guard.now_ms = now_ms;
	h2_enter(h2);
	h2->busy++;
	taken = nghttp2_session_mem_recv(h2->session, (const uint8_t *)in.at, in.len);
	h2->busy--;
	if (taken < 0 && !h2->dead)
		h2->broken = true;
	h2_exit(h2);
	if (taken >= 0)
		return ERR_OK;
	return taken == NGHTTP2_ERR_NOMEM ? ERR_NOMEM : ERR_BAD_MESSAGE;
}

err_t h2_pump(struct h2 *h2)
{
	const struct h2_options *o = &h2->options;
	const uint8_t *data;
	ssize_t len = 0;

	if (h2->busy)
		return ERR_OK;
	h2->busy++;
	while (!o->events->blocked(o->owner)) {
		len = nghttp2_session_mem_send(h2->session, &data);
		if (len <= 0)
			break;
		o->events->emit(o->owner, &(struct bytes){ (const char *)data, (size_t)len }, 1,
				false);
	}
	h2->busy--;
	if (len >= 0)
		return ERR_OK;
	h2->broken = true;
	return len == NGHTTP2_ERR_NOMEM ? ERR_NOMEM : ERR_BAD_MESSAGE;
}

bool h2_over(const struct h2 *h2)
{
	return !nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session);
}

bool h2_broken(const struct h2 *h2)
{
	/* nghttp2 ends a connection by itself for what breaks the protocol. */
	return h2->broken || (h2->open && !nghttp2_session_want_read(h2->session));
}

unsigned h2_live(const struct h2 *h2)
{
	return h2->live;
}

bool h2_is_empty(const struct h2 *h2)
{
	return list_empty(&h2->streams);
}

uint64_t h2_activity(const struct h2 *h2)
{
	return h2->activity;
}

size_t h2_backlog(const struct h2 *h2)
{
	return nghttp2_session_get_outbound_queue_size(h2->session);
}

/* ---- The end ---- */

void h2_shut_down(struct h2 *h2)
{
	if (h2->shutting || h2->said_goodbye)
		return;
	h2->shutting = true;
	nghttp2_submit_shutdown_notice(h2->session);
	nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, NULL);
}

void h2_goodbye(struct h2 *h2)
{
	if (h2->said_goodbye)
		return;
	h2->said_goodbye = true;
	h2->shutting = false;
	nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
			      nghttp2_session_get_last_proc_stream_id(h2->session),
			      NGHTTP2_NO_ERROR, NULL, 0);
}

/* ---- Opening ---- */

bool h2_can_open(const struct h2 *h2)
{
	uint32_t most = nghttp2_session_get_remote_settings(
		h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	if (most > PEER_STREAMS_MAX)
		most = PEER_STREAMS_MAX;
	return !h2->broken && !h2->peer_goodbye && !h2->said_goodbye && h2->open < most &&
	       nghttp2_session_check_request_allowed(h2->session);
}

err_t h2_open(struct h2 *h2, struct h2_stream **ret_stream)
{
	assert(!h2->options.server);
	if (!h2_can_open(h2))
		return ERR_AGAIN;
	*ret_stream = h2_stream_create(h2, 0);
	if (!*ret_stream)
		return ERR_NOMEM;
	(*ret_stream)->told = true;
	h2->live++;
	return ERR_OK;
}
