/*
 * One end of an HTTP/2 connection against bytes of any kind, in any cut, with an owner that
 * answers, echoes, pauses, leaves and breaks off. Whatever comes: a stream is told once and ended
 * once, its body has one end, what is kept for it is one window at most, and nothing is left.
 *
 * The first byte says which end, the rest is a script: a byte that says what is done, and for bytes
 * of the peer how many follow.
 */
#include <stdlib.h>

#include "http/h2.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

enum { STREAMS_MAX = 256 };

struct house {
	struct h2 *h2;
	bool server, blocked, destroyed;
	struct visit *visits[STREAMS_MAX];
	unsigned count, over;
	uint64_t now_ms;
};

struct visit {
	struct h2_stream s;
	struct house *house;
	unsigned slot;
	bool ended, headed;
};

static void forget(struct visit *v)
{
	REQUIRE(v->house->visits[v->slot] == v);
	v->house->visits[v->slot] = NULL;
	v->house->over++;
}

static void keep(struct house *house, struct visit *v)
{
	v->house = house;
	v->slot = house->count++ % STREAMS_MAX;
	REQUIRE(!house->visits[v->slot]);
	house->visits[v->slot] = v;
}

static void leave(struct visit *v)
{
	forget(v);
	h2_leave(&v->s, v->slot & 1);
}

static void answer(struct visit *v, bool end)
{
	struct http_field field = { BYTES("x-y"), BYTES("z") };
	struct http_head head = {
		.is_response = v->house->server,
		.status = 200,
		.method = BYTES("POST"),
		.target = BYTES("/"),
		.authority = BYTES("a"),
		.fields = &field,
		.field_count = 1,
	};

	if (!v->headed)
		REQUIRE(h2_send_head(&v->s, &head, end) == ERR_OK);
	v->headed = true;
}

static void on_head(void *owner, struct h2_stream *s, const struct http_head *head, err_t rejected)
{
	struct house *house = owner;
	struct visit *v = container_of(s, struct visit, s);

	REQUIRE(head->field_count <= HTTP_FIELDS_MAX + 1);
	for (unsigned i = 0; i < head->field_count; i++)
		REQUIRE(head->fields[i].name.len > 0 &&
			!memchr(head->fields[i].name.at, '\n', head->fields[i].name.len));
	if (!house->server)
		return;
	keep(house, v);
	switch (rejected ? 'r' : head->target.len > 1 ? head->target.at[1] : 0) {
	case 'r':
	case 'a':
		answer(v, true);
		leave(v);
		break;
	case 'p': h2_pause(s, true); break;
	case 'l': leave(v); break;
	default: break;
	}
}

static void on_body(void *owner, struct h2_stream *s, const struct http_body *body)
{
	struct visit *v = container_of(s, struct visit, s);
	struct house *house = owner;

	REQUIRE(!v->ended && !s->paused && house->visits[v->slot] == v);
	v->ended = body->end;
	if (house->server && body->wire.len && body->wire.at[0] == 'D') {
		h2_destroy(house->h2);
		house->destroyed = true;
		return;
	}
	if (body->wire.len && body->wire.at[0] == 'P')
		h2_pause(s, true);
	if (house->server && !s->end_wanted && s->queue == NULL) {
		answer(v, false);
		h2_send_data(s, body->data, body->data_count, body->end, body->trailers,
			     body->trailer_count);
	}
	if (body->end && (!house->server || s->end_wanted))
		leave(v);
}

static void on_drained(void *owner, struct h2_stream *s)
{
	(void)owner;
	REQUIRE(!s->queue);
}

static void on_failed(void *owner, struct h2_stream *s, err_t why)
{
	(void)owner;
	REQUIRE(why != ERR_OK);
	forget(container_of(s, struct visit, s));
}

static void emit(void *owner, const struct bytes *slices, unsigned count, bool soon)
{
	struct house *house = owner;

	(void)soon;
	REQUIRE(!house->blocked);
	for (unsigned i = 0; i < count; i++)
		REQUIRE(slices[i].len == 0 || slices[i].at != NULL);
}

static bool is_blocked(void *owner)
{
	return ((struct house *)owner)->blocked;
}

static const struct h2_events events = {
	.emit = emit,
	.blocked = is_blocked,
	.on_head = on_head,
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static void settle(struct house *house)
{
	while (!house->destroyed && h2_has_news(house->h2))
		h2_tell(house->h2);
	if (!house->destroyed)
		h2_pump(house->h2);
}

static void act(struct house *house, unsigned char what)
{
	struct visit *v = house->visits[what / 8 % STREAMS_MAX];

	if (!v) {
		struct h2_stream *s;

		if (!house->server && h2_live(house->h2) < 100 &&
		    h2_open(house->h2, &s) == ERR_OK) {
			keep(house, container_of(s, struct visit, s));
			answer(container_of(s, struct visit, s), what & 1);
		}
		return;
	}
	if (what & 1)
		leave(v);
	else if (what & 2)
		h2_pause(&v->s, false);
	else if (v->headed && !v->s.end_wanted && backlog_bytes(v->s.queue) < 4096)
		h2_send_data(&v->s, &BYTES("piece"), 1, what & 4, NULL, 0);
}

static void check(const struct house *house)
{
	for (unsigned i = 0; i < STREAMS_MAX && !house->destroyed; i++)
		if (house->visits[i])
			REQUIRE(backlog_bytes(house->visits[i]->s.kept) <= H2_STREAM_WINDOW);
}

static void play(struct house *house, struct bytes *in)
{
	unsigned char what = (unsigned char)in->at[0];
	struct bytes piece;

	*in = bytes_from(*in, 1);
	switch (what & 7) {
	case 0: act(house, what); break;
	case 1:
		if (in->len) {
			act(house, (unsigned char)in->at[0]);
			*in = bytes_from(*in, 1);
		}
		break;
	case 2:
		house->blocked = !house->blocked;
		if (!house->blocked)
			h2_unblocked(house->h2);
		break;
	case 3: house->now_ms += what; break;
	default:
		piece = bytes_upto(*in, (size_t)what * 4);
		*in = bytes_from(*in, piece.len);
		if (h2_feed(house->h2, piece, house->now_ms) && !house->destroyed)
			h2_fail_all(house->h2, ERR_BAD_MESSAGE, false);
		break;
	}
	settle(house);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	struct house house = { .server = size && data[0] & 1 };
	struct h2_options options = {
		.server = house.server,
		.stream_bytes = sizeof(struct visit),
		.events = &events,
		.owner = &house,
	};
	struct bytes in = bytes_from(bytes_make(data, size), size > 0);

	REQUIRE(h2_create(&options, &house.h2) == ERR_OK);
	h2_pump(house.h2);
	if (house.server)
		REQUIRE(h2_feed(house.h2, bytes_make(preface, sizeof preface - 1), 0) == ERR_OK);
	while (in.len && !house.destroyed && !h2_broken(house.h2)) {
		play(&house, &in);
		check(&house);
	}
	if (!house.destroyed) {
		h2_fail_all(house.h2, ERR_CLOSED, false);
		REQUIRE(h2_live(house.h2) == 0);
		h2_destroy(house.h2);
		REQUIRE(house.over == house.count);
	}
	return 0;
}
