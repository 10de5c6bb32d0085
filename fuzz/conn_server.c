/*
 * A server conn on the fake network against a client that does anything: sends bytes in any cut,
 * stops reading, half-closes, resets, waits. The owner does anything too, as the request's target
 * says. Whatever happens: each request is begun once and ended once, a request is not begun before
 * the one before has ended, and in the end nothing is left.
 *
 * The input is a script: a byte that says what is done, and for sending one that says how much.
 */
#include <stdlib.h>

#include "conn/conn.h"
#include "tests/scenario/fake_net.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

struct house {
	struct fake_net *net;
	struct loop *loop;
	struct conn *conn;
	struct exchange *x;
	struct timer timer;
	bool stopped; /* the client reads what it is told to only */
	char manner;  /* of the running exchange */
	bool ended;   /* its request's last piece came */
};

static void finish(struct house *house)
{
	struct exchange *x = house->x;

	house->x = NULL;
	if (house->manner == 'c')
		exchange_close_conn(x);
	else
		exchange_close(x);
}

static void answer(struct house *house, enum http_framing framing)
{
	struct http_head head = {
		.is_response = true,
		.status = 200,
		.reason = BYTES("OK"),
		.framing = framing,
		.length = 5,
	};

	REQUIRE(exchange_send_head(house->x, &head) == ERR_OK);
}

static void answer_whole(struct house *house, enum http_framing framing)
{
	answer(house, framing);
	exchange_send_data(house->x, BYTES("hello"), true);
	finish(house);
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct house *house = owner;

	REQUIRE(x == house->x && !house->ended);
	house->ended = body->end;
	switch (house->manner) {
	case 'm': /* mirror */
		exchange_send_body(x, body);
		if (body->end)
			finish(house);
		break;
	case 't': /* tunnel */
		exchange_send_data(x, body->wire, body->end);
		if (body->end)
			finish(house);
		break;
	case 'd':
		conn_destroy(house->conn);
		house->conn = NULL;
		break;
	case 'p': exchange_pause(x); break;
	case 'e': /* answers when all was heard */
	case 'c':
		if (body->end)
			answer_whole(house, HTTP_BODY_LENGTH);
		break;
	default: break;
	}
}

static void on_drained(struct exchange *x, void *owner)
{
	struct house *house = owner;

	REQUIRE(x == house->x && exchange_queued_bytes(x) == 0);
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct house *house = owner;

	REQUIRE(x == house->x && why != ERR_OK);
	house->x = NULL;
}

static const struct exchange_events exchange_events = {
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static void switch_protocols(struct house *house)
{
	struct http_head head = {
		.is_response = true,
		.status = 101,
		.flags = HTTP_FLAG_UPGRADE,
	};

	if (exchange_send_head(house->x, &head) == ERR_OK)
		exchange_tunnel(house->x);
	else
		finish(house);
}

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct house *house = owner;

	REQUIRE(!house->x && head->method.len && finding);
	house->x = x;
	house->ended = false;
	house->manner = head->target.len > 1 ? head->target.at[1] : 'n';
	exchange_accept(x, &exchange_events, house);
	switch (house->manner) {
	case 'n': answer_whole(house, HTTP_BODY_LENGTH); break;
	case 'k': answer_whole(house, HTTP_BODY_CHUNKED); break;
	case 'm': answer(house, HTTP_BODY_CHUNKED); break;
	case 'p': exchange_pause(x); break;
	case 's': finish(house); break;
	case 'x':
		answer(house, HTTP_BODY_CLOSE);
		finish(house);
		break;
	case 't': switch_protocols(house); break;
	default: break;
	}
	if (house->x)
		timer_set(house->loop, &house->timer, loop_now_ms(house->loop) + 7);
}

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	struct house *house = owner;

	REQUIRE(!house->x && head && finding && why != ERR_OK);
	house->x = x;
	house->manner = 'n';
	exchange_accept(x, &exchange_events, house);
	answer_whole(house, HTTP_BODY_LENGTH);
}

static void on_closed(void *owner, struct conn *conn)
{
	struct house *house = owner;

	REQUIRE(conn == house->conn && !house->x);
	house->conn = NULL;
}

static const struct conn_server_events server_events = {
	.on_exchange = on_exchange,
	.on_rejected = on_rejected,
	.on_closed = on_closed,
};

/* Later, the owner does what it does on its own account. */
static void on_timer(struct timer *timer)
{
	struct house *house = container_of(timer, struct house, timer);

	if (!house->x)
		return;
	if (house->manner == 'p')
		exchange_resume(house->x);
	if (house->manner == 'l')
		answer_whole(house, HTTP_BODY_CHUNKED);
	else if (house->manner == 'q')
		finish(house);
	else
		timer_set(house->loop, &house->timer, loop_now_ms(house->loop) + 7);
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
	};

	(void)peer;
	REQUIRE(conn_serve(socket, &options, &house->conn) == ERR_OK);
}

static const struct acceptor_events acceptor_events = { on_accepted };

/* One step of the script; the rest of it stays in *in. */
static void play(struct house *house, struct fake_peer *client, struct bytes *in)
{
	unsigned char what = (unsigned char)in->at[0];
	struct bytes piece;

	*in = bytes_from(*in, 1);
	switch (what & 15) {
	case 0: fake_finish(client); break;
	case 1: fake_reset(client); break;
	case 2:
	case 3:
		house->stopped = (what & 1) == 0;
		(house->stopped ? fake_stop_reading : fake_resume_reading)(client);
		break;
	case 4: fake_run_ms(house->net, what); break;
	case 5: fake_run_ms(house->net, 0); break;
	case 6:
		if (house->conn)
			conn_drain(house->conn);
		break;
	case 7:
		if (house->stopped)
			fake_read(client, what);
		break;
	default:
		piece = bytes_upto(*in, 1u << (what >> 4));
		fake_send_bytes(client, piece);
		*in = bytes_from(*in, piece.len);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_options options = { .cut_bytes = size ? data[0] % 32 : 0, .window_bytes = 512 };
	struct house house = { .timer.on_expired = on_timer };
	struct bytes in = bytes_make(data, size);
	struct acceptor *acceptor;
	struct fake_peer *client;
	struct address at;
	int fd;

	house.net = fake_net_create(&options);
	REQUIRE(loop_create(&house.loop) == ERR_OK);
	REQUIRE(address_parse(BYTES("10.0.0.1:80"), &at) == ERR_OK);
	REQUIRE(acceptor_bind(&at, 1, &fd, NULL) == ERR_OK);
	REQUIRE(acceptor_open(house.loop, fd, &acceptor_events, &house, &acceptor) == ERR_OK);
	client = fake_connect(house.net, "192.0.2.1:5000", "10.0.0.1:80");
	fake_run_ms(house.net, 1);

	while (in.len)
		play(&house, client, &in);
	fake_run_ms(house.net, 100);
	if (fake_is_open(client))
		fake_reset(client);
	fake_run_ms(house.net, 1);
	REQUIRE(!house.x && !house.conn);

	timer_cancel(&house.timer);
	acceptor_close(acceptor);
	REQUIRE(fake_open_count(house.net) == 0);
	loop_destroy(house.loop);
	fake_net_destroy(house.net);
	return 0;
}
