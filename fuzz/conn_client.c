/*
 * A client conn on the fake network against a target that says anything, in any cut, stops reading,
 * ends or resets. Its owner asks again whenever it may. Whatever happens: each exchange ends once,
 * by its last piece or by on_failed; on_idle follows once; a connection that is not reusable is not
 * heard of again; nothing is left in the end.
 *
 * The input is a script: a byte that says what is done, and for sending also how much.
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
	struct loop *loop;
	struct conn *conn;
	struct exchange *x;
	unsigned asked;
	uint8_t manner;
	bool headed, idle; /* idle: on_idle(reusable) was the last word */
};

static void on_head(struct exchange *x, void *owner, const struct http_head *head)
{
	struct house *house = owner;

	REQUIRE(x == house->x && !house->headed && head->is_response);
	REQUIRE(head->status == 100 || head->status == 103 || head->status == 101 ||
		head->status >= 200);
	house->headed = head->status == 101 || head->status >= 200;
	if (head->status == 101)
		exchange_tunnel(x);
	if (house->manner & 1)
		exchange_forget_head(x);
	if (house->manner & 2)
		exchange_pause(x);
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct house *house = owner;

	REQUIRE(x == house->x && house->headed);
	if (!body->end && !(house->manner & 4))
		return;
	house->x = NULL;
	exchange_close(x);
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
	/* A head that was heard makes it a truncation, or the target broke the protocol. */
	REQUIRE(!house->headed || why != ERR_CLOSED);
	house->x = NULL;
}

static const struct exchange_events exchange_events = { on_head, on_body, on_drained, on_failed };

static void ask(struct house *house)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT" };
	struct http_head head = {
		.method = bytes_of(methods[house->manner >> 4 & 3]),
		.target = BYTES("/"),
		.framing = house->manner & 8 ? HTTP_BODY_CHUNKED : HTTP_BODY_NONE,
		.flags = house->manner & 128 ? HTTP_FLAG_UPGRADE : 0,
	};

	REQUIRE(exchange_open(house->conn, &exchange_events, house, &house->x) == ERR_OK);
	REQUIRE(exchange_send_head(house->x, &head) == ERR_OK);
	house->headed = house->idle = false;
	house->asked++;
	if (house->manner & 8)
		exchange_send_data(house->x, BYTES("hello"), house->manner & 64);
}

static void on_connected(void *owner, struct conn *conn, err_t err)
{
	struct house *house = owner;

	REQUIRE(conn == house->conn && err == ERR_OK);
	ask(house);
}

static void on_idle(void *owner, struct conn *conn, bool reusable)
{
	struct house *house = owner;

	REQUIRE(conn == house->conn && !house->x);
	REQUIRE(!reusable || !house->idle);
	house->idle = reusable;
	if (reusable)
		return;
	conn_destroy(conn);
	house->conn = NULL;
}

static const struct conn_client_events client_events = { on_connected, on_idle };

/* One step of the script; the rest of it stays in *in. */
static void play(struct house *house, struct fake_net *net, struct fake_peer *target,
		 struct bytes *in)
{
	unsigned char what = (unsigned char)in->at[0];
	struct bytes piece;

	*in = bytes_from(*in, 1);
	switch (what & 15) {
	case 0: fake_finish(target); break;
	case 1: fake_reset(target); break;
	case 2: fake_stop_reading(target); break;
	case 3: fake_resume_reading(target); break;
	case 4: fake_run_ms(net, 1); break;
	case 5:
		house->manner = what;
		if (house->idle && house->conn)
			ask(house);
		break;
	case 6:
		if (house->x)
			exchange_resume(house->x);
		break;
	default:
		piece = bytes_upto(*in, 1u << (what >> 4));
		fake_send_bytes(target, piece);
		*in = bytes_from(*in, piece.len);
		fake_run_ms(net, 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_options fake = { .cut_bytes = size ? data[0] % 32 : 0, .window_bytes = 4096 };
	struct fake_net *net = fake_net_create(&fake);
	struct fake_target *target = fake_listen(net, "10.0.0.5:80", NULL, NULL);
	struct house house = { .manner = size > 1 ? data[1] : 0 };
	struct conn_client_options options = { .events = &client_events, .owner = &house };
	struct bytes in = bytes_make(data, size);

	REQUIRE(loop_create(&house.loop) == ERR_OK);
	options.loop = house.loop;
	REQUIRE(address_parse(BYTES("10.0.0.5:80"), &options.to) == ERR_OK);
	REQUIRE(conn_connect(&options, &house.conn) == ERR_OK);
	fake_run_ms(net, 1);
	REQUIRE(house.asked == 1 && fake_last_accepted(target));

	in = bytes_from(in, size_min(2, size));
	while (in.len)
		play(&house, net, fake_last_accepted(target), &in);
	if (house.x)
		exchange_resume(house.x);
	fake_run_ms(net, 1);
	if (fake_is_open(fake_last_accepted(target)))
		fake_reset(fake_last_accepted(target));
	fake_run_ms(net, 1);
	REQUIRE(!house.x && !house.conn && fake_open_count(net) == 0);
	loop_destroy(house.loop);
	fake_net_destroy(net);
	return 0;
}
