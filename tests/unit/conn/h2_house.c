#include "tests/unit/conn/h2_house.h"

#include <stdio.h>

void visit_answer_head(struct visit *v, enum http_framing framing, uint64_t length)
{
	struct http_field fields[] = { { BYTES("Content-Type"), BYTES("text/event-stream") },
				       { BYTES("Connection"), BYTES("keep-alive") } };
	struct http_head head = {
		.is_response = true,
		.status = 200,
		.reason = BYTES("OK"),
		.framing = framing,
		.length = length,
		.fields = fields,
		.field_count = COUNT(fields),
	};

	CHECK_OK(exchange_send_head(v->x, &head));
}

enum conn_room visit_answer_data(struct visit *v, const char *data, bool end)
{
	return exchange_send_data(v->x, bytes_of(data), end);
}

void visit_leave(struct visit *v)
{
	struct exchange *x = v->x;

	v->x = NULL;
	exchange_close(x);
}

void visit_answer(struct visit *v, const char *body)
{
	visit_answer_head(v, HTTP_BODY_LENGTH, strlen(body));
	visit_answer_data(v, body, true);
	visit_leave(v);
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct visit *v = owner;

	CHECK(x == v->x && !v->end);
	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&v->body, body->data[i]);
	v->end = body->end;
	for (unsigned i = 0; i < body->trailer_count; i++)
		snprintf(v->trailers, sizeof v->trailers, "%.*s=%.*s",
			 BYTES_ARG(body->trailers[i].name), BYTES_ARG(body->trailers[i].value));
	if (v->house->destroy_in_callback) {
		conn_destroy(v->house->conn);
		v->house->conn = NULL;
	}
}

static void on_drained(struct exchange *x, void *owner)
{
	struct visit *v = owner;

	CHECK(x == v->x);
	CHECK_EQ(exchange_queued_bytes(x), 0);
	v->drained++;
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct visit *v = owner;

	CHECK(x == v->x);
	v->x = NULL;
	v->failed = why;
}

static const struct exchange_events exchange_events = {
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static struct visit *begin(struct house *house, struct exchange *x)
{
	struct visit *v = &house->visits[house->count++];

	CHECK(house->count <= EXCHANGES_MAX);
	*v = (struct visit){ .house = house, .x = x, .body = TEXT_INIT(8 << 20) };
	exchange_accept(x, &exchange_events, v);
	return v;
}

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	static const char *const framings[] = { "NONE", "LENGTH", "CHUNKED", "CLOSE", "FRAMES" };
	struct house *house = owner;
	struct visit *v = begin(house, x);

	CHECK_EQ(finding->tier, DESYNC_COMPLIANT);
	CHECK_EQ(head->version, HTTP_2);
	snprintf(v->line, sizeof v->line, "%.*s %.*s %.*s %s", BYTES_ARG(head->method),
		 BYTES_ARG(head->target), BYTES_ARG(http_value(head, BYTES("Host"))),
		 framings[head->framing]);
	snprintf(v->cookie, sizeof v->cookie, "%.*s", BYTES_ARG(http_value(head, BYTES("cookie"))));
	if (house->answer_at_once)
		visit_answer(v, "ok");
	else if (house->pause_at_once)
		exchange_pause(x);
}

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	struct visit *v = begin(owner, x);

	CHECK(head && finding);
	snprintf(v->line, sizeof v->line, "rejected %s", err_name(why));
	visit_answer(v, "no");
}

static void on_closed(void *owner, struct conn *conn)
{
	struct house *house = owner;

	CHECK(conn == house->conn);
	for (unsigned i = 0; i < house->count; i++)
		CHECK(!house->visits[i].x, "every exchange has ended before");
	house->conn = NULL;
	house->closed++;
}

static const struct conn_server_events server_events = {
	.on_exchange = on_exchange,
	.on_rejected = on_rejected,
	.on_closed = on_closed,
};

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct house *house = owner;
	struct conn_server_options options = {
		.loop = house->loop,
		.events = &server_events,
		.owner = house,
		.idle_ms = 60000,
		.keep_alive_ms = house->keep_alive_ms,
		.http2 = true,
	};

	(void)peer;
	CHECK_OK(conn_serve(socket, &options, &house->conn));
}

static const struct acceptor_events acceptor_events = { on_accepted };

struct house *house_open(const struct fake_options *options, uint64_t keep_alive_ms)
{
	struct house *house = calloc(1, sizeof *house);
	struct address at;
	int fd;

	house->keep_alive_ms = keep_alive_ms;
	house->net = fake_net_create(options);
	CHECK_OK(loop_create(&house->loop));
	CHECK_OK(address_parse(BYTES("10.0.0.1:80"), &at));
	CHECK_OK(acceptor_bind(&at, 1, &fd, NULL));
	CHECK_OK(acceptor_open(house->loop, fd, &acceptor_events, house, &house->acceptor));
	return house;
}

void house_connect(struct house *house)
{
	h2_peer_connect(&house->client, house->net, "192.0.2.1:5000", "10.0.0.1:80");
	fake_run_ms(house->net, 1);
	h2_peer_log(&house->client);
}

struct house *house_with_client(void)
{
	struct house *house = house_open(NULL, 0);

	house_connect(house);
	return house;
}

void house_close(struct house *house)
{
	if (fake_is_open(house->client.peer))
		fake_close(house->client.peer);
	fake_run_ms(house->net, 10);
	conn_destroy(house->conn);
	acceptor_close(house->acceptor);
	fake_run_ms(house->net, 10000);
	CHECK_EQ(fake_open_count(house->net), 0);
	for (unsigned i = 0; i < house->count; i++) {
		CHECK(!house->visits[i].x);
		text_fini(&house->visits[i].body);
	}
	h2_peer_fini(&house->client);
	loop_destroy(house->loop);
	fake_net_destroy(house->net);
	free(house);
}
