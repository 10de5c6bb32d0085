/*
 * Streams: what their owners hear, what they send, how they end.
 *
 *   told ──► h2_leave ─► left ──┐
 *     └────► on_failed ─► left ─┴─► closed (nghttp2 has no more of it) ─► freed by h2_tell
 *
 * Whatever happens inside nghttp2 makes a stream due; h2_tell tells it, and frees what is over.
 */
#include "http/h2_internal.h"

#include <stdlib.h>

/* ---- Life ---- */

struct h2_stream *h2_stream_create(struct h2 *h2, int32_t id)
{
	struct h2_stream *s = calloc(1, h2->options.stream_bytes);

	if (!s)
		return NULL;
	s->h2 = h2;
	s->id = id;
	list_init(&s->due_link);
	list_append(&h2->streams, &s->link);
	h2->open++;
	return s;
}

void h2_stream_free(struct h2_stream *s)
{
	list_remove(&s->link);
	list_remove(&s->due_link);
	backlog_clear(&s->queue);
	backlog_clear(&s->kept);
	h2_head_free(s->head);
	h2_head_free(s->trailers);
	h2_head_free(s->own_trailers);
	free(s);
}

void h2_stream_due(struct h2_stream *s)
{
	if (list_empty(&s->due_link))
		list_append(&s->h2->due, &s->due_link);
}

/* Nobody hears of it any more. */
static void let_go(struct h2_stream *s)
{
	assert(!s->left);
	s->left = true;
	s->full = false;
	if (s->told)
		s->h2->live--;
	backlog_clear(&s->kept);
	h2_stream_due(s);
}

/* ---- Receiving ---- */

void h2_forget_head(struct h2_stream *s)
{
	h2_head_free(s->head);
	s->head = NULL;
}

static void give(struct h2_stream *s, struct bytes data, bool end)
{
	struct http_body body = {
		.framing = HTTP_BODY_FRAMES,
		.wire = data,
		.data = { data },
		.data_count = data.len > 0,
		.end = end,
		.boundary = true,
	};

	s->end_told = end;
	if (end)
		s->peer_ended = true;
	if (end && s->trailers)
		body.trailers = h2_head_fields(s->trailers, &body.trailer_count);
	s->h2->options.events->on_body(s->h2->options.owner, s, &body);
}

/* The window goes back when what was handed up did not make the owner pause. */
static void credit(struct h2_stream *s)
{
	if (s->paused || s->closed || s->credit_bytes == 0)
		return;
	nghttp2_session_consume_stream(s->h2->session, s->id, s->credit_bytes);
	s->credit_bytes = 0;
}

void h2_stream_data(struct h2_stream *s, struct bytes data, bool end)
{
	if (!s->told || s->end_told)
		return;
	s->credit_bytes += (uint32_t)data.len;
	if (s->paused || s->kept) {
		if (backlog_add(&s->kept, data))
			h2_fail(s, ERR_NOMEM);
		return;
	}
	/* Its end comes with it, but where nghttp2 has yet to count the bytes. */
	give(s, data, end && !s->has_length);
	if (!s->h2->dead)
		credit(s);
}

void h2_stream_ended(struct h2_stream *s)
{
	s->peer_ended = true;
	if (!s->told || s->end_told)
		return;
	if (s->paused || s->kept)
		h2_stream_due(s);
	else
		give(s, BYTES_NONE, true);
}

static void take_request(struct h2_stream *s, bool end)
{
	struct h2_head_kind kind = { .end = end };
	err_t rejected = h2_head_finish(s->head, kind);
	const struct http_head *head = h2_head_of(s->head);

	s->received_head = s->told = true;
	s->has_length = head->framing == HTTP_BODY_LENGTH;
	s->h2->live++;
	s->head_request = bytes_eq(head->method, BYTES("HEAD"));
	if (rejected) /* its body is nobody's */
		s->end_told = true;
	s->h2->options.events->on_head(s->h2->options.owner, s, head, rejected);
}

static void take_response(struct h2_stream *s, bool end)
{
	struct h2_head_kind kind = { true, s->head_request, end };
	err_t err = h2_head_finish(s->head, kind);
	const struct http_head *head = h2_head_of(s->head);

	if (err || head->status == 101) {
		h2_fail(s, err ? err : ERR_BAD_MESSAGE);
		return;
	}
	s->received_head = head->status >= 200;
	s->has_length = head->framing == HTTP_BODY_LENGTH;
	s->h2->options.events->on_head(s->h2->options.owner, s, head, ERR_OK);
}

void h2_stream_head(struct h2_stream *s, bool end)
{
	struct h2 *h2 = s->h2;

	s->peer_ended |= end;
	if (s->received_head) { /* trailers, which end the stream: nghttp2 sees to it */
		if (s->trailers && h2_head_error(s->trailers))
			h2_fail(s, h2_head_error(s->trailers));
	} else if (h2->options.server) {
		take_request(s, end);
	} else {
		take_response(s, end);
	}
	if (!h2->dead && end && !s->left)
		h2_stream_ended(s);
}

void h2_pause(struct h2_stream *s, bool paused)
{
	s->paused = paused;
	if (!paused)
		h2_stream_due(s);
}

/* ---- Sending ---- */

static size_t available(const struct h2_stream *s)
{
	const struct h2 *h2 = s->h2;

	return backlog_bytes(s->queue) + (h2->offer.s == s ? h2->offer.bytes : 0);
}

static void send_trailers(struct h2_stream *s)
{
	nghttp2_nv nva[H2_NV_MAX];
	unsigned count;
	const struct http_field *fields = h2_head_fields(s->own_trailers, &count);

	nghttp2_submit_trailer(s->h2->session, s->id, nva, h2_nv_of_trailers(fields, count, nva));
}

ssize_t h2_read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t length,
		     uint32_t *flags, nghttp2_data_source *source, void *owner)
{
	struct h2_stream *s = source->ptr;
	size_t most = available(s), len = size_min(most, length);

	(void)session, (void)id, (void)buf, (void)owner;
	if (len == 0 && !s->end_wanted)
		return NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_NO_COPY;
	if (len == most && s->end_wanted) {
		*flags |= NGHTTP2_DATA_FLAG_EOF;
		if (s->own_trailers) {
			*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
			send_trailers(s);
		}
	}
	return (ssize_t)len;
}

/* Takes `len` bytes off the offer, as slices. */
static unsigned take_offer(struct h2 *h2, size_t len, struct bytes *slices)
{
	unsigned count = 0;

	h2->offer.bytes -= len;
	while (len) {
		struct bytes slice = bytes_from(h2->offer.slices[0], h2->offer.skip);

		slices[count] = bytes_upto(slice, len);
		len -= slices[count].len;
		if (slices[count].len < slice.len) {
			h2->offer.skip += slices[count].len;
			return count + 1;
		}
		count++;
		h2->offer.slices++;
		h2->offer.count--;
		h2->offer.skip = 0;
	}
	return count;
}

void h2_emit_data(struct h2_stream *s, struct bytes frame_head, size_t len)
{
	const struct h2_options *o = &s->h2->options;
	struct bytes slices[HTTP_SLICES_MAX + 2];
	size_t queued = size_min(backlog_bytes(s->queue), len);
	unsigned count = 0;

	slices[count++] = frame_head;
	if (queued)
		slices[count++] = bytes_upto(backlog_view(s->queue), queued);
	if (len > queued)
		count += take_offer(s->h2, len - queued, slices + count);
	o->events->emit(o->owner, slices, count, true);
	backlog_drop(&s->queue, queued);
	if (s->full && !s->queue)
		h2_stream_due(s);
}

err_t h2_send_head(struct h2_stream *s, const struct http_head *head, bool end)
{
	struct h2 *h2 = s->h2;
	nghttp2_data_provider body = { .source.ptr = s, .read_callback = h2_read_data };
	nghttp2_nv nva[H2_NV_MAX];
	char digits[4];
	size_t count;
	int result;

	assert(!s->head_sent);
	TRY(h2_nv_of(head, h2->options.secure, digits, nva, &count));
	if (s->closed)
		return ERR_OK;
	if (!h2->options.server) {
		s->head_request = bytes_eq(head->method, BYTES("HEAD"));
		result = nghttp2_submit_request(h2->session, NULL, nva, count, end ? NULL : &body,
						s);
		if (result > 0)
			s->id = result;
	} else if (head->status < 200) {
		result = nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, s->id, NULL, nva,
						count, NULL);
		return result < 0 ? ERR_NOMEM : ERR_OK;
	} else {
		result = nghttp2_submit_response(h2->session, s->id, nva, count,
						 end ? NULL : &body);
	}
	if (result < 0)
		return ERR_NOMEM;
	s->head_sent = true;
	s->end_wanted = end;
	return ERR_OK;
}

static void keep_offer(struct h2_stream *s)
{
	struct h2 *h2 = s->h2;
	err_t err = ERR_OK;

	for (unsigned i = 0; i < h2->offer.count && !err; i++)
		err = backlog_add(&s->queue,
				  bytes_from(h2->offer.slices[i], i ? 0 : h2->offer.skip));
	if (err)
		h2_fail(s, err);
}

bool h2_send_data(struct h2_stream *s, const struct bytes *slices, unsigned count, bool end,
		  const struct http_field *trailers, unsigned trailer_count)
{
	struct h2 *h2 = s->h2;
	size_t bytes = 0;

	assert(s->head_sent && !s->end_wanted);
	if (s->closed)
		return s->full = s->why && !end;
	s->end_wanted = end;
	if (end && trailer_count)
		s->own_trailers = h2_head_of_fields(trailers, trailer_count);
	for (unsigned i = 0; i < count; i++)
		bytes += slices[i].len;
	h2->offer.s = s;
	h2->offer.slices = slices;
	h2->offer.count = count;
	h2->offer.skip = 0;
	h2->offer.bytes = bytes;
	nghttp2_session_resume_data(h2->session, s->id);
	if (h2_pump(h2))
		h2_fail(s, ERR_NOMEM);
	keep_offer(s);
	h2->offer.s = NULL;
	h2->offer.bytes = 0;
	s->full = h2->options.events->blocked(h2->options.owner) ||
		  backlog_bytes(s->queue) > (h2->busy ? H2_BUSY_QUEUE_MAX : 0);
	return s->full;
}

size_t h2_send_window(const struct h2_stream *s)
{
	nghttp2_session *session = s->h2->session;
	int32_t whole = nghttp2_session_get_remote_window_size(session);
	int32_t own = s->closed ? 0 : nghttp2_session_get_stream_remote_window_size(session, s->id);
	size_t queued = backlog_bytes(s->queue);
	size_t window = (size_t)(own < whole ? (own > 0 ? own : 0) : (whole > 0 ? whole : 0));

	return window > queued ? window - queued : 0;
}

/* ---- Ending ---- */

static void reset(struct h2_stream *s, uint32_t code)
{
	if (s->closed)
		return;
	if (s->id == 0) { /* its request was never sent */
		h2_stream_closed(s, code);
		return;
	}
	h2_pump(s->h2); /* what was said before goes out before; its error comes again */
	nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, code);
}

/* A request that nobody reads is refused when its answer is out (RFC 9113 §8.1). */
void h2_stream_end_sent(struct h2_stream *s)
{
	s->end_sent = true;
	if (s->left && s->h2->options.server && !s->peer_ended)
		reset(s, NGHTTP2_NO_ERROR);
}

void h2_leave(struct h2_stream *s, bool cut)
{
	bool server = s->h2->options.server;
	bool answered = server && s->end_wanted && !(cut && s->queue);

	let_go(s);
	if (answered && s->end_sent && !s->peer_ended)
		reset(s, NGHTTP2_NO_ERROR);
	else if (!answered && (s->queue || !(s->end_wanted && s->peer_ended)))
		reset(s, server ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
}

void h2_fail(struct h2_stream *s, err_t why)
{
	if (!s->why)
		s->why = (uint8_t)why;
	h2_stream_due(s);
}

void h2_stream_closed(struct h2_stream *s, uint32_t code)
{
	bool complete = s->peer_ended && (s->end_wanted || !s->h2->options.server) &&
			code == NGHTTP2_NO_ERROR;

	if (s->closed)
		return;
	s->closed = true;
	s->h2->open--;
	h2_stream_due(s);
	if (complete || s->why)
		return;
	if (code == NGHTTP2_REFUSED_STREAM && !s->received_head && !s->h2->options.server)
		s->why = ERR_REFUSED;
	else if (s->peer_reset)
		s->why = s->received_head && !s->h2->options.server ? ERR_TRUNCATED : ERR_RESET;
	else
		s->why = ERR_BAD_MESSAGE;
}

static void fail_now(struct h2_stream *s, err_t why)
{
	const struct h2_options *o = &s->h2->options;
	bool told = s->told;

	let_go(s);
	if (told)
		o->events->on_failed(o->owner, s, why);
}

static void tell_rest(struct h2_stream *s)
{
	const struct h2_options *o = &s->h2->options;

	if (s->full && !s->queue && !o->events->blocked(o->owner)) {
		s->full = false;
		o->events->on_drained(o->owner, s);
	}
}

/* What was kept while it was paused, in one piece; the owner may pause in the middle. */
static void tell_kept(struct h2_stream *s)
{
	struct backlog *kept = s->kept;

	if (s->paused || s->end_told || (!kept && !s->peer_ended))
		return;
	s->kept = NULL;
	give(s, backlog_view(kept), s->peer_ended);
	backlog_clear(&kept);
	if (!s->h2->dead)
		credit(s);
}

static void tell(struct h2_stream *s)
{
	struct h2 *h2 = s->h2;

	list_remove(&s->due_link);
	if (!s->left && s->why) {
		if (!s->closed)
			reset(s, h2->options.server ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_CANCEL);
		fail_now(s, (err_t)s->why);
	}
	if (!s->left && !h2->dead)
		credit(s);
	if (!s->left && s->told && !h2->dead)
		tell_kept(s);
	if (!h2->dead && !s->left)
		tell_rest(s);
	if (!h2->dead && s->closed && (s->left || !s->told))
		h2_stream_free(s);
}

void h2_tell(struct h2 *h2)
{
	struct list_node *link;

	if (h2->busy)
		return;
	h2_enter(h2);
	while (!h2->dead && (link = list_first(&h2->due)))
		tell(container_of(link, struct h2_stream, due_link));
	h2_exit(h2);
}

void h2_fail_all(struct h2 *h2, err_t why, bool spare_complete)
{
	struct list_node *node;

	h2_enter(h2);
	node = h2->streams.next;
	while (!h2->dead && node != &h2->streams) {
		struct h2_stream *s = h2_stream_at(node);
		bool cut = !h2->options.server && s->received_head && why != ERR_CANCELLED;

		node = node->next; /* nothing is freed but by h2_tell */
		if (s->left || !s->told || (spare_complete && s->peer_ended))
			continue;
		fail_now(s, s->why ? (err_t)s->why : cut ? ERR_TRUNCATED : why);
	}
	h2_exit(h2);
}

void h2_unblocked(struct h2 *h2)
{
	list_for_each (&h2->streams, node)
		if (h2_stream_at(node)->full && !h2_stream_at(node)->queue)
			h2_stream_due(h2_stream_at(node));
}

bool h2_has_news(const struct h2 *h2)
{
	return !list_empty(&h2->due);
}
