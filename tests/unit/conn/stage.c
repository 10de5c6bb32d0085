#include "tests/unit/conn/stage.h"

#include "tests/check.h"

/* ---- Paths ---- */

struct path {
	const char *name;
	void (*begin)(struct stage *stage, const struct http_head *head); /* in on_exchange */
	void (*piece)(struct stage *stage, const struct http_body *body);
	void (*end)(struct stage *stage);     /* the request is complete */
	void (*expired)(struct stage *stage); /* stage->timer */
	void (*drained)(struct stage *stage);
};

static struct http_head response(uint16_t status, enum http_framing framing, uint64_t length)
{
	return (struct http_head){
		.is_response = true,
		.version = HTTP_1_1,
		.status = status,
		.reason = bytes_of(http_reason(status)),
		.framing = framing,
		.length = length,
	};
}

static void send_head(struct stage *stage, struct http_head head)
{
	CHECK_OK(exchange_send_head(stage->x, &head));
}

static void close_exchange(struct stage *stage)
{
	struct exchange *x = stage->x;

	stage->x = NULL;
	exchange_close(x);
}

static void after_ms(struct stage *stage, uint64_t ms)
{
	timer_set(stage->loop, &stage->timer, loop_now_ms(stage->loop) + ms);
}

static void answer(struct stage *stage, uint16_t status, const char *body)
{
	struct bytes b = bytes_of(body);

	send_head(stage, response(status, HTTP_BODY_LENGTH, b.len));
	exchange_send_data(stage->x, b, true);
	close_exchange(stage);
}

static void answer_ok(struct stage *stage)
{
	answer(stage, 200, "ok");
}

static void begin_now(struct stage *stage, const struct http_head *head)
{
	(void)head;
	answer_ok(stage);
}

static void end_echo(struct stage *stage)
{
	send_head(stage, response(200, HTTP_BODY_LENGTH, stage->body.len));
	exchange_send_data(stage->x, text_bytes(&stage->body), true);
	close_exchange(stage);
}

static void end_empty(struct stage *stage)
{
	send_head(stage, response(200, HTTP_BODY_NONE, 0));
	exchange_send_data(stage->x, BYTES_NONE, true);
	close_exchange(stage);
}

static void end_bye(struct stage *stage)
{
	struct exchange *x = stage->x;

	send_head(stage, response(200, HTTP_BODY_LENGTH, 2));
	exchange_send_data(x, BYTES("ok"), true);
	stage->x = NULL;
	exchange_close_conn(x);
}

static void end_304(struct stage *stage)
{
	struct http_head head = response(304, HTTP_BODY_NONE, 0);

	head.fields = (struct http_field[]){ { BYTES("Content-Length"), BYTES("77") } };
	head.field_count = 1;
	send_head(stage, head);
	close_exchange(stage);
}

static void end_204(struct stage *stage)
{
	send_head(stage, response(204, HTTP_BODY_LENGTH, 0));
	close_exchange(stage);
}

/* A target's answer that ends with its connection. */
static void end_close_delimited(struct stage *stage)
{
	send_head(stage, response(200, HTTP_BODY_CLOSE, 0));
	exchange_send_data(stage->x, BYTES("one"), false);
	exchange_send_data(stage->x, BYTES("two"), true);
	close_exchange(stage);
}

static void expired_stream(struct stage *stage)
{
	if (stage->sent_bytes++ == 0) {
		exchange_send_data(stage->x, BYTES("tick"), false);
		after_ms(stage, 10);
		return;
	}
	exchange_send_data(stage->x, BYTES("tock"), true);
	close_exchange(stage);
}

static void end_stream(struct stage *stage)
{
	stage->sent_bytes = 0;
	send_head(stage, response(200, HTTP_BODY_CHUNKED, 0));
	exchange_forget_head(stage->x);
	after_ms(stage, 10);
}

/* The request's chunks as the answer's. */
static void begin_mirror(struct stage *stage, const struct http_head *head)
{
	send_head(stage, response(200, head->framing, head->length));
}

static void piece_mirror(struct stage *stage, const struct http_body *body)
{
	exchange_send_body(stage->x, body);
}

/* Too long for a small window, and complete before the request is. */
static void begin_early(struct stage *stage, const struct http_head *head)
{
	static const char block[8000];

	(void)head;
	send_head(stage, response(200, HTTP_BODY_LENGTH, sizeof block));
	exchange_send_data(stage->x, bytes_make(block, sizeof block), true);
	close_exchange(stage);
}

static void begin_cut_length(struct stage *stage, const struct http_head *head)
{
	(void)head;
	send_head(stage, response(200, HTTP_BODY_LENGTH, 10));
	exchange_send_data(stage->x, BYTES("short"), false);
	close_exchange(stage);
}

static void begin_cut_chunked(struct stage *stage, const struct http_head *head)
{
	(void)head;
	send_head(stage, response(200, HTTP_BODY_CHUNKED, 0));
	exchange_send_data(stage->x, BYTES("short"), false);
	close_exchange(stage);
}

static void begin_silent(struct stage *stage, const struct http_head *head)
{
	(void)head;
	close_exchange(stage);
}

static void begin_too_much(struct stage *stage, const struct http_head *head)
{
	(void)head;
	send_head(stage, response(200, HTTP_BODY_LENGTH, 3));
	exchange_send_data(stage->x, BYTES("four"), true);
}

static void begin_pause(struct stage *stage, const struct http_head *head)
{
	(void)head;
	exchange_pause(stage->x);
	after_ms(stage, 20);
}

static void expired_pause(struct stage *stage)
{
	CHECK_BYTES(stage->head->target, "/pause", "a head outlives the callback that brought it");
	CHECK_BYTES(http_value(stage->head, BYTES("Host")), "a");
	CHECK_EQ(stage->body.len, 0, "nothing came while paused");
	exchange_resume(stage->x);
}

static void begin_hints(struct stage *stage, const struct http_head *head)
{
	struct http_head early = response(103, HTTP_BODY_NONE, 0);

	(void)head;
	early.fields = (struct http_field[]){ { BYTES("Link"), BYTES("</a>") } };
	early.field_count = 1;
	send_head(stage, early);
	answer_ok(stage);
}

static void begin_tunnel(struct stage *stage, const struct http_head *head)
{
	struct http_head switching = response(101, HTTP_BODY_NONE, 0);

	CHECK(head->flags & HTTP_FLAG_UPGRADE);
	switching.flags = HTTP_FLAG_UPGRADE;
	switching.fields = (struct http_field[]){ { BYTES("Upgrade"), BYTES("websocket") } };
	switching.field_count = 1;
	send_head(stage, switching);
	exchange_tunnel(stage->x);
}

static void piece_tunnel(struct stage *stage, const struct http_body *body)
{
	exchange_send_data(stage->x, body->wire, false);
}

static void end_tunnel(struct stage *stage)
{
	exchange_send_data(stage->x, BYTES("bye"), true);
	close_exchange(stage);
}

static void push_large(struct stage *stage)
{
	static const char block[16 * 1024];

	while (stage->sent_bytes < LARGE_BYTES) {
		enum conn_room room;

		stage->sent_bytes += sizeof block;
		room = exchange_send_data(stage->x, bytes_make(block, sizeof block),
					  stage->sent_bytes == LARGE_BYTES);
		stage->queued_most = size_max(stage->queued_most, exchange_queued_bytes(stage->x));
		if (room == CONN_FULL)
			return;
	}
	if (exchange_queued_bytes(stage->x) == 0)
		close_exchange(stage);
}

static void end_large(struct stage *stage)
{
	stage->sent_bytes = 0;
	send_head(stage, response(200, HTTP_BODY_CHUNKED, 0));
	push_large(stage);
}

static const struct path paths[] = {
	{ .name = "/now", .begin = begin_now },
	{ .name = "/echo", .end = end_echo },
	{ .name = "/early", .begin = begin_early },
	{ .name = "/empty", .end = end_empty },
	{ .name = "/bye", .end = end_bye },
	{ .name = "/204", .end = end_204 },
	{ .name = "/304", .end = end_304 },
	{ .name = "/eof", .end = end_close_delimited },
	{ .name = "/stream", .end = end_stream, .expired = expired_stream },
	{ .name = "/mirror", .begin = begin_mirror, .piece = piece_mirror, .end = close_exchange },
	{ .name = "/cut-length", .begin = begin_cut_length },
	{ .name = "/cut-chunked", .begin = begin_cut_chunked },
	{ .name = "/too-much", .begin = begin_too_much },
	{ .name = "/silent", .begin = begin_silent },
	{ .name = "/pause", .begin = begin_pause, .end = end_echo, .expired = expired_pause },
	{ .name = "/hints", .begin = begin_hints },
	{ .name = "/tunnel", .begin = begin_tunnel, .piece = piece_tunnel, .end = end_tunnel },
	{ .name = "/large", .end = end_large, .drained = push_large },
	{ .name = "/never" },
};

/* ---- What is heard ---- */

static void flush_body(struct stage *stage, const char *ending)
{
	if (stage->body.len || !*ending)
		text_printf(&stage->log, "body %s%s\n", text_str(&stage->body), ending);
	text_clear(&stage->body);
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct stage *stage = owner;
	const struct path *path = stage->path;

	CHECK(x == stage->x);
	stage->piece_most = size_max(stage->piece_most, body->wire.len);
	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&stage->body, body->data[i]);
	if (stage->destroy_in_callback) {
		conn_destroy(stage->conn);
		stage->conn = NULL;
		return;
	}
	if (path->piece)
		path->piece(stage, body);
	if (!body->end)
		return;
	if (path->end)
		path->end(stage);
	flush_body(stage, "");
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct stage *stage = owner;

	CHECK(x == stage->x);
	stage->x = NULL;
	timer_cancel(&stage->timer);
	flush_body(stage, "~");
	text_printf(&stage->log, "failed %s\n", err_name(why));
}

static void on_drained(struct exchange *x, void *owner)
{
	struct stage *stage = owner;

	CHECK(x == stage->x);
	CHECK_EQ(exchange_queued_bytes(x), 0);
	if (stage->path->drained)
		stage->path->drained(stage);
	else
		text_add_str(&stage->log, "drained\n");
}

static const struct exchange_events exchange_events = {
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static const char *framing_name(enum http_framing framing)
{
	static const char *const names[] = { "NONE", "LENGTH", "CHUNKED", "CLOSE", "FRAMES" };

	return names[framing];
}

static const struct path *find_path(struct bytes target)
{
	for (size_t i = 0; i < COUNT(paths); i++)
		if (bytes_eq_str(target, paths[i].name))
			return &paths[i];
	return &paths[COUNT(paths) - 1];
}

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct stage *stage = owner;

	CHECK(!stage->x, "one at a time");
	CHECK(finding != NULL);
	text_printf(&stage->log, "exchange %.*s %.*s %s\n", BYTES_ARG(head->method),
		    BYTES_ARG(head->target), framing_name(head->framing));
	stage->x = x;
	stage->head = head;
	stage->path = find_path(head->target);
	text_clear(&stage->body);
	exchange_accept(x, &exchange_events, stage);
	if (stage->path->begin)
		stage->path->begin(stage, head);
}

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	struct stage *stage = owner;

	CHECK(!stage->x && head && finding);
	text_printf(&stage->log, "rejected %s\n", err_name(why));
	stage->x = x;
	exchange_accept(x, &exchange_events, stage);
	answer(stage, why == ERR_EXPIRED ? 408 : 400, "");
}

static void on_closed(void *owner, struct conn *conn)
{
	struct stage *stage = owner;

	(void)conn;
	CHECK(!stage->x, "every exchange has ended before");
	text_add_str(&stage->log, "closed\n");
	stage->conn = NULL;
}

static const struct conn_server_events server_events = {
	.on_exchange = on_exchange,
	.on_rejected = on_rejected,
	.on_closed = on_closed,
};

static void on_timer(struct timer *timer)
{
	struct stage *stage = container_of(timer, struct stage, timer);

	if (stage->x)
		stage->path->expired(stage);
}

/* ---- The house ---- */

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct stage *stage = owner;
	struct conn_server_options options = {
		.loop = stage->loop,
		.events = &server_events,
		.owner = stage,
		.idle_ms = stage->idle_ms,
		.keep_alive_ms = stage->keep_alive_ms,
	};

	(void)peer;
	CHECK(!stage->conn, "one at a time");
	CHECK_OK(conn_serve(socket, &options, &stage->conn));
}

static const struct acceptor_events acceptor_events = { on_accepted };

void stage_open(struct stage *stage, const struct fake_options *options)
{
	struct address at;
	int fd;

	*stage = (struct stage){
		.idle_ms = 60000,
		.log = TEXT_INIT(1 << 20),
		.body = TEXT_INIT(16 << 20),
		.timer.on_expired = on_timer,
	};
	stage->net = fake_net_create(options);
	CHECK_OK(loop_create(&stage->loop));
	CHECK_OK(address_parse(BYTES("10.0.0.1:80"), &at));
	CHECK_OK(acceptor_bind(&at, 1, &fd, NULL));
	CHECK_OK(acceptor_open(stage->loop, fd, &acceptor_events, stage, &stage->acceptor));
	stage_connect(stage);
}

void stage_connect(struct stage *stage)
{
	stage->client = fake_connect(stage->net, "192.0.2.1:5000", "10.0.0.1:80");
}

void stage_close(struct stage *stage)
{
	if (fake_is_open(stage->client))
		fake_close(stage->client);
	fake_run_ms(stage->net, 10);
	conn_destroy(stage->conn);
	CHECK(!stage->x);
	timer_cancel(&stage->timer);
	acceptor_close(stage->acceptor);
	fake_run_ms(stage->net, 10000); /* lingering ends by itself */
	CHECK_EQ(fake_open_count(stage->net), 0, "after: %s", stage_log(stage));
	loop_destroy(stage->loop);
	fake_net_destroy(stage->net);
	text_fini(&stage->log);
	text_fini(&stage->body);
}

const char *stage_log(const struct stage *stage)
{
	return text_str(&stage->log);
}
