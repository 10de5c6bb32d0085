/*
 * A server conn that speaks HTTP/2 on the fake network, against a client that sends frames of any
 * kind in any order and cut, whole ones and pieces, stops reading, half-closes, resets, waits; with
 * owners that answer, mirror, pause, leave, break off, drain and destroy. Whatever comes: a request
 * is told once and ended once, its body has one end, what waits toward the client is bounded, and
 * in the end nothing is left.
 *
 * The input is a script: a byte that says what is done, and for frames what they are made of.
 */
#include <stdlib.h>

#include "conn/conn.h"
#include "tests/scenario/fake_net.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

enum {
	VISITS_MAX = 512, /* of one input */
	QUEUED_MAX = 1024 * 1024,
	FRAME_HEAD_BYTES = 9,
};

enum frame { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE };

struct visit {
	struct house *house;
	struct exchange *x; /* NULL once over */
	char manner;
	bool ended; /* its request's last piece came */
};

struct house {
	struct fake_net *net;
	struct loop *loop;
	struct conn *conn;
	struct timer timer;
	struct visit visits[VISITS_MAX];
	unsigned count;
	uint32_t last_id; /* of the client's streams */
	bool stopped;	  /* the client reads what it is told to only */
};

/* ---- Owners ---- */

static void finish(struct visit *v)
{
	struct exchange *x = v->x;

	v->x = NULL;
	if (v->manner == 'c')
		exchange_close_conn(x);
	else
		exchange_close(x);
}

static void answer(struct visit *v, enum http_framing framing)
{
	struct http_field field = { BYTES("X-A"), BYTES("b") };
	struct http_head head = {
		.is_response = true,
		.status = 200,
		.framing = framing,
		.length = 5,
		.fields = &field,
		.field_count = 1,
	};

	REQUIRE(exchange_send_head(v->x, &head) == ERR_OK);
}

static void answer_whole(struct visit *v, enum http_framing framing)
{
	answer(v, framing);
	exchange_send_data(v->x, BYTES("hello"), true);
	finish(v);
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct visit *v = owner;

	REQUIRE(x == v->x && !v->ended);
	v->ended = body->end;
	switch (v->manner) {
	case 'm': /* mirror; one who is told to wait, waits */
		if (exchange_send_body(x, body) == CONN_FULL && !body->end)
			exchange_pause(x);
		if (body->end)
			finish(v);
		break;
	case 'd':
		conn_destroy(v->house->conn);
		v->house->conn = NULL;
		break;
	case 'p': exchange_pause(x); break;
	case 'e': /* answers when all was heard */
	case 'c':
		if (body->end)
			answer_whole(v, HTTP_BODY_LENGTH);
		break;
	default: break;
	}
}

static void on_drained(struct exchange *x, void *owner)
{
	struct visit *v = owner;

	REQUIRE(x == v->x && exchange_queued_bytes(x) == 0);
	if (v->manner == 'm')
		exchange_resume(x);
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct visit *v = owner;

	REQUIRE(x == v->x && why != ERR_OK);
	v->x = NULL;
}

static const struct exchange_events exchange_events = {
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static struct visit *begin(struct house *house, struct exchange *x, char manner)
{
	struct visit *v = &house->visits[house->count++];

	REQUIRE(house->count <= VISITS_MAX);
	*v = (struct visit){ .house = house, .x = x, .manner = manner };
	exchange_accept(x, &exchange_events, v);
	return v;
}

/* As the request's target says: "/m". */
static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct house *house = owner;
	struct visit *v;

	REQUIRE(head->method.len && head->version == HTTP_2 && finding);
	v = begin(house, x, head->target.len > 1 ? head->target.at[1] : 'n');
	switch (v->manner) {
	case 'n': answer_whole(v, HTTP_BODY_LENGTH); break;
	case 'k': answer_whole(v, HTTP_BODY_CHUNKED); break;
	case 'm': answer(v, HTTP_BODY_CHUNKED); break;
	case 'p': exchange_pause(x); break;
	case 's': finish(v); break;
	case 'x':
		answer(v, HTTP_BODY_CLOSE);
		finish(v);
		break;
	default: break;
	}
}

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	REQUIRE(head && finding && why != ERR_OK);
	answer_whole(begin(owner, x, 'n'), HTTP_BODY_LENGTH);
}

static void on_closed(void *owner, struct conn *conn)
{
	struct house *house = owner;

	REQUIRE(conn == house->conn);
	for (unsigned i = 0; i < house->count; i++)
		REQUIRE(!house->visits[i].x);
	house->conn = NULL;
}

static const struct conn_server_events server_events = {
	.on_exchange = on_exchange,
	.on_rejected = on_rejected,
	.on_closed = on_closed,
};

/* What an owner does on its own account. */
static void act(struct visit *v)
{
	switch (v->manner) {
	case 'p': exchange_resume(v->x); break;
	case 'l': answer_whole(v, HTTP_BODY_CHUNKED); break;
	case 'q': finish(v); break;
	default: break;
	}
}

static void on_timer(struct timer *timer)
{
	struct house *house = container_of(timer, struct house, timer);

	for (unsigned i = 0; i < house->count; i++) {
		if (house->visits[i].x)
			REQUIRE(exchange_queued_bytes(house->visits[i].x) <= QUEUED_MAX);
		if (house->visits[i].x)
			act(&house->visits[i]);
	}
	timer_set(house->loop, timer, loop_now_ms(house->loop) + 7);
}

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct house *house = owner;
	struct conn_server_options options = {
		.loop = house->loop,
		.events = &server_events,
		.owner = house,
		.idle_ms = 50,
		.keep_alive_ms = 200,
		.http2 = true,
	};

	(void)peer;
	REQUIRE(conn_serve(socket, &options, &house->conn) == ERR_OK);
}

static const struct acceptor_events acceptor_events = { on_accepted };

/* ---- The client ---- */

static void send_frame(struct fake_peer *client, unsigned kind, unsigned flags, uint32_t id,
		       struct bytes payload)
{
	char head[FRAME_HEAD_BYTES] = {
		(char)(payload.len >> 16),
		(char)(payload.len >> 8),
		(char)payload.len,
		(char)kind,
		(char)flags,
		(char)(id >> 24),
		(char)(id >> 16),
		(char)(id >> 8),
		(char)id,
	};

	fake_send_bytes(client, bytes_make(head, sizeof head));
	fake_send_bytes(client, payload);
}

/* A whole request: POST /MANNER of https, :authority a. */
static void send_request(struct house *house, struct fake_peer *client, char manner, unsigned flags)
{
	char block[] = { (char)0x83, (char)0x87, 0x04, 2, '/', manner, 0x01, 1, 'a' };

	house->last_id += house->last_id ? 2 : 1;
	send_frame(client, HEADERS, 4 | (flags & 1), house->last_id,
		   bytes_make(block, sizeof block));
}

static unsigned char take(struct bytes *in)
{
	unsigned char byte;

	if (!in->len)
		return 0;
	byte = (unsigned char)in->at[0];
	*in = bytes_from(*in, 1);
	return byte;
}

/* What a client in its right mind sends. */
static void send_sane(struct house *house, struct fake_peer *client, unsigned kind,
		      struct bytes *in)
{
	static const char zeros[1024];
	unsigned char how = take(in), which = take(in);
	char window[4] = { 0, 0, (char)how, 1 }, cancel[4] = { 0, 0, 0, 8 };
	uint32_t id = house->last_id - 2 * (which & 7);

	if (house->last_id < 2 * (which & 7))
		return;
	if (kind == DATA)
		send_frame(client, DATA, which >> 7, id, bytes_make(zeros, 4u * how));
	else if (kind == RST_STREAM)
		send_frame(client, RST_STREAM, 0, id, bytes_make(cancel, sizeof cancel));
	else if (kind == WINDOW_UPDATE)
		send_frame(client, WINDOW_UPDATE, 0, which & 128 ? 0 : id,
			   bytes_make(window, sizeof window));
	else
		send_frame(client, PING, 0, 0, bytes_make(zeros, 8));
}

/* The rest of the script lends the payload. */
static void send_any(struct house *house, struct fake_peer *client, unsigned kind, struct bytes *in)
{
	unsigned char flags = take(in), which = take(in), size = take(in);
	uint32_t id = which & 128 ? which & 3 : house->last_id - 2 * (which & 7);
	struct bytes payload = bytes_upto(*in, size);

	send_frame(client, kind, flags, id, payload);
	*in = bytes_from(*in, payload.len);
}

static void play_net(struct house *house, struct fake_peer *client, unsigned what, unsigned more)
{
	switch (what) {
	case 0: fake_finish(client); break;
	case 1: fake_reset(client); break;
	case 2:
	case 3:
		house->stopped = what == 2;
		(house->stopped ? fake_stop_reading : fake_resume_reading)(client);
		break;
	case 4:
		if (house->conn && more < 16)
			conn_drain(house->conn);
		break;
	case 5: fake_run_ms(house->net, more); break;
	default: fake_run_ms(house->net, 0); break;
	}
}

/* One step of the script; the rest of it stays in *in. */
static void play(struct house *house, struct fake_peer *client, struct bytes *in)
{
	static const char manners[] = "nkmpsxedclqw";
	unsigned char what = take(in), more;
	struct bytes piece;

	switch (what >> 4) {
	case 0:
		more = take(in);
		play_net(house, client, what & 7, more);
		break;
	case 1:
	case 2:
	case 3:
	case 4:
		if (house->count < VISITS_MAX / 2)
			send_request(house, client, manners[(what & 15) % 12], what >> 4);
		break;
	case 5:
		if (house->stopped)
			fake_read(client, 16 * what);
		break;
	case 6: fake_run_ms(house->net, what & 15); break;
	case 7:
	case 8:
	case 9: send_sane(house, client, DATA, in); break;
	case 10: send_sane(house, client, RST_STREAM, in); break;
	case 11:
	case 12: send_sane(house, client, WINDOW_UPDATE, in); break;
	case 13: send_sane(house, client, PING, in); break;
	case 14:
		if (what & 15)
			send_any(house, client, (what & 15) - 1, in);
		break;
	default:
		piece = bytes_upto(*in, what & 7);
		fake_send_bytes(client, piece);
		*in = bytes_from(*in, piece.len);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_options options = { .cut_bytes = size ? data[0] % 32 : 0, .window_bytes = 512 };
	struct house *house = calloc(1, sizeof *house);
	struct bytes in = bytes_upto(bytes_make(data, size), 4096);
	struct acceptor *acceptor;
	struct fake_peer *client;
	struct address at;
	int fd;

	REQUIRE(house != NULL);
	house->timer.on_expired = on_timer;
	house->net = fake_net_create(&options);
	REQUIRE(loop_create(&house->loop) == ERR_OK);
	REQUIRE(address_parse(BYTES("10.0.0.1:80"), &at) == ERR_OK);
	REQUIRE(acceptor_bind(&at, 1, &fd, NULL) == ERR_OK);
	REQUIRE(acceptor_open(house->loop, fd, &acceptor_events, house, &acceptor) == ERR_OK);
	timer_set(house->loop, &house->timer, loop_now_ms(house->loop) + 7);
	client = fake_connect(house->net, "192.0.2.1:5000", "10.0.0.1:80");
	fake_send(client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	send_frame(client, SETTINGS, 0, 0, BYTES_NONE);
	fake_run_ms(house->net, 1);

	while (in.len)
		play(house, client, &in);
	fake_run_ms(house->net, 100);
	if (fake_is_open(client))
		fake_reset(client);
	fake_run_ms(house->net, 1);
	REQUIRE(!house->conn);
	for (unsigned i = 0; i < house->count; i++)
		REQUIRE(!house->visits[i].x);

	timer_cancel(&house->timer);
	acceptor_close(acceptor);
	REQUIRE(fake_open_count(house->net) == 0);
	loop_destroy(house->loop);
	fake_net_destroy(house->net);
	free(house);
	return 0;
}
