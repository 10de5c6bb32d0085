#include "tests/unit/conn/client_stage.h"

#include "tests/check.h"

static void flush_body(struct client_stage *stage, const char *ending)
{
	if (stage->body.len || !*ending)
		text_printf(&stage->log, "body %s%s\n", text_str(&stage->body), ending);
	text_clear(&stage->body);
}

void close_exchange(struct client_stage *stage)
{
	struct exchange *x = stage->x;

	stage->received_bytes = exchange_received_bytes(x);
	stage->x = NULL;
	exchange_close(x);
}

static void on_head(struct exchange *x, void *owner, const struct http_head *head)
{
	struct client_stage *stage = owner;

	CHECK(x == stage->x && head->is_response);
	text_printf(&stage->log, "%s %u\n", head->status < 200 ? "interim" : "head", head->status);
	if (head->status == 101 && stage->tunnel_at_head)
		exchange_tunnel(x);
	if (stage->pause_at_head)
		exchange_pause(x);
	if (stage->close_at_head)
		close_exchange(stage);
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct client_stage *stage = owner;

	CHECK(x == stage->x);
	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&stage->body, body->data[i]);
	if (!body->end)
		return;
	flush_body(stage, "");
	if (!stage->keep_at_end)
		close_exchange(stage);
}

static void on_drained(struct exchange *x, void *owner)
{
	struct client_stage *stage = owner;

	CHECK(x == stage->x);
	text_add_str(&stage->log, "drained\n");
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct client_stage *stage = owner;

	CHECK(x == stage->x);
	stage->x = NULL;
	flush_body(stage, "~");
	text_printf(&stage->log, "failed %s\n", err_name(why));
}

const struct exchange_events client_stage_events = { on_head, on_body, on_drained, on_failed };

static void on_connected(void *owner, struct conn *conn, err_t err)
{
	struct client_stage *stage = owner;

	CHECK(conn == stage->conn);
	text_printf(&stage->log, "connected%s%s\n", err ? " " : "", err ? err_name(err) : "");
}

static void on_idle(void *owner, struct conn *conn, bool reusable)
{
	struct client_stage *stage = owner;

	CHECK(conn == stage->conn);
	CHECK(!stage->x);
	text_printf(&stage->log, "idle %s\n", reusable ? "reusable" : "spent");
	if (reusable)
		return;
	conn_destroy(conn);
	stage->conn = NULL;
}

static const struct conn_client_events client_events = { on_connected, on_idle };

void client_stage_start(struct client_stage *stage, uint32_t connect_ms)
{
	struct conn_client_options options = {
		.loop = stage->loop,
		.events = &client_events,
		.owner = stage,
		.connect_ms = connect_ms,
	};

	CHECK_OK(address_parse(BYTES("10.0.0.5:8000"), &options.to));
	CHECK_OK(conn_connect(&options, &stage->conn));
}

void client_stage_open(struct client_stage *stage, const struct fake_options *options)
{
	*stage = (struct client_stage){ .log = TEXT_INIT(1 << 20), .body = TEXT_INIT(1 << 24) };
	stage->net = fake_net_create(options);
	CHECK_OK(loop_create(&stage->loop));
	stage->target = fake_listen(stage->net, "10.0.0.5:8000", NULL, NULL);
}

void client_stage_connect(struct client_stage *stage)
{
	client_stage_start(stage, 1000);
	fake_run_ms(stage->net, 1);
	CHECK_STR(text_str(&stage->log), "connected\n");
	text_clear(&stage->log);
}

void client_stage_close(struct client_stage *stage)
{
	conn_destroy(stage->conn);
	CHECK(!stage->x);
	fake_run_ms(stage->net, 10);
	CHECK_EQ(fake_open_count(stage->net), 0);
	loop_destroy(stage->loop);
	fake_net_destroy(stage->net);
	text_fini(&stage->log);
	text_fini(&stage->body);
}

struct fake_peer *target_peer(struct client_stage *stage)
{
	return fake_last_accepted(stage->target);
}

static struct http_field host_field[] = { { { "Host", 4 }, { "a", 1 } } };

struct http_head request(const char *method, enum http_framing framing, uint64_t length)
{
	return (struct http_head){
		.method = bytes_of(method),
		.target = BYTES("/"),
		.framing = framing,
		.length = length,
		.fields = host_field,
		.field_count = 1,
	};
}

void ask(struct client_stage *stage, const char *method)
{
	struct http_head head = request(method, HTTP_BODY_NONE, 0);

	if (strcmp(method, "UPGRADE") == 0) {
		head.method = BYTES("GET");
		head.flags = HTTP_FLAG_UPGRADE;
	}
	CHECK_OK(exchange_open(stage->conn, &client_stage_events, stage, &stage->x));
	CHECK_OK(exchange_send_head(stage->x, &head));
}

void end_target(struct client_stage *stage, enum ending ending)
{
	if (ending == FIN)
		fake_finish(target_peer(stage));
	if (ending == RST)
		fake_reset(target_peer(stage));
}
