#include "fuzz/conn_house.h"

enum { QUEUED_MAX = 1024 * 1024, ACT_MS = 7 };

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
		.reason = BYTES("OK"),
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

static void switch_protocols(struct visit *v)
{
	struct http_head head = {
		.is_response = true,
		.status = 101,
		.flags = HTTP_FLAG_UPGRADE,
	};

	if (!v->house->http2 && exchange_send_head(v->x, &head) == ERR_OK)
		exchange_tunnel(v->x);
	else
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
	case 't': /* tunnel */
		exchange_send_data(x, body->wire, body->end);
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
	REQUIRE(house->http2 || house->count == 1 || !v[-1].x);
	*v = (struct visit){ .house = house, .x = x, .manner = manner };
	exchange_accept(x, &exchange_events, v);
	return v;
}

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct house *house = owner;
	struct visit *v;

	REQUIRE(head->method.len && (head->version == HTTP_2) == house->http2 && finding);
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
	case 't': switch_protocols(v); break;
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
	timer_set(house->loop, timer, loop_now_ms(house->loop) + ACT_MS);
}

/* ---- The house ---- */

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct house *house = owner;
	struct conn_server_options options = {
		.loop = house->loop,
		.events = &server_events,
		.owner = house,
		.idle_ms = 50,
		.keep_alive_ms = 200,
		.http2 = house->http2,
	};

	(void)peer;
	REQUIRE(conn_serve(socket, &options, &house->conn) == ERR_OK);
}

static const struct acceptor_events acceptor_events = { on_accepted };

struct house *house_open(unsigned cut_bytes, bool http2)
{
	const struct fake_options options = { .cut_bytes = cut_bytes, .window_bytes = 512 };
	struct house *house = calloc(1, sizeof *house);
	struct address at;
	int fd;

	REQUIRE(house != NULL);
	house->http2 = http2;
	house->timer.on_expired = on_timer;
	house->net = fake_net_create(&options);
	REQUIRE(loop_create(&house->loop) == ERR_OK);
	REQUIRE(address_parse(BYTES("10.0.0.1:80"), &at) == ERR_OK);
	REQUIRE(acceptor_bind(&at, 1, &fd, NULL) == ERR_OK);
	REQUIRE(acceptor_open(house->loop, fd, &acceptor_events, house, &house->acceptor) ==
		ERR_OK);
	timer_set(house->loop, &house->timer, loop_now_ms(house->loop) + ACT_MS);
	house->client = fake_connect(house->net, "192.0.2.1:5000", "10.0.0.1:80");
	fake_run_ms(house->net, 1);
	return house;
}

void house_close(struct house *house)
{
	fake_run_ms(house->net, 100);
	if (fake_is_open(house->client))
		fake_reset(house->client);
	fake_run_ms(house->net, 1);
	REQUIRE(!house->conn);
	for (unsigned i = 0; i < house->count; i++)
		REQUIRE(!house->visits[i].x);

	timer_cancel(&house->timer);
	acceptor_close(house->acceptor);
	REQUIRE(fake_open_count(house->net) == 0);
	loop_destroy(house->loop);
	fake_net_destroy(house->net);
	free(house);
}

/* ---- The client ---- */

void house_do(struct house *house, unsigned deed, unsigned wait_ms)
{
	switch (deed) {
	case FINISH: fake_finish(house->client); break;
	case RESET: fake_reset(house->client); break;
	case STOP_READING:
	case RESUME_READING:
		house->stopped = deed == STOP_READING;
		(house->stopped ? fake_stop_reading : fake_resume_reading)(house->client);
		break;
	case DRAIN:
		if (house->conn)
			conn_drain(house->conn);
		break;
	case WAIT: fake_run_ms(house->net, wait_ms); break;
	default: fake_run_ms(house->net, 0); break;
	}
}

void house_read(struct house *house, size_t bytes)
{
	if (house->stopped)
		fake_read(house->client, bytes);
}

unsigned char script_take(struct bytes *script)
{
	unsigned char byte;

	if (!script->len)
		return 0;
	byte = (unsigned char)script->at[0];
	*script = bytes_from(*script, 1);
	return byte;
}
