/*
 * HTTP/2 as bytes: two ends that talk through two buffers, cut anywhere. What hostile bytes do is
 * in tests/unit/conn/h2_server.c, fuzz/h2.c and tests/wire.
 */
#include "http/h2.h"

#include "base/text.h"
#include "http/h2_guard.h"
#include "tests/check.h"

enum { WIRE_MAX = 1 << 22, STREAMS = 3 };

struct end {
	struct h2 *h2;
	struct text wire; /* what it said, not yet delivered */
	struct text log;  /* what it heard */
	bool server, blocked;
};

struct talk {
	struct h2_stream s;
	bool echoed;
};

static void note_head(struct end *end, const struct h2_stream *s, const struct http_head *head)
{
	text_printf(&end->log, "%d:%.*s%.*s", s->id, BYTES_ARG(head->method),
		    BYTES_ARG(head->target));
	if (head->is_response)
		text_add_u64(&end->log, head->status);
	for (unsigned i = 0; i < head->field_count; i++)
		text_printf(&end->log, " %.*s=%.*s", BYTES_ARG(head->fields[i].name),
			    BYTES_ARG(head->fields[i].value));
	text_add_char(&end->log, '\n');
}

static void on_head(void *owner, struct h2_stream *s, const struct http_head *head, err_t rejected)
{
	struct end *end = owner;
	struct http_head answer = { .is_response = true, .status = 200 };

	CHECK_OK(rejected);
	note_head(end, s, head);
	if (!end->server)
		return;
	CHECK_OK(h2_send_head(s, &answer, false));
	h2_forget_head(s);
}

static void on_body(void *owner, struct h2_stream *s, const struct http_body *body)
{
	struct end *end = owner;
	struct talk *talk = container_of(s, struct talk, s);

	text_printf(&end->log, "%d:", s->id);
	text_add(&end->log, body->wire);
	for (unsigned i = 0; i < body->trailer_count; i++)
		text_printf(&end->log, " %.*s=%.*s", BYTES_ARG(body->trailers[i].name),
			    BYTES_ARG(body->trailers[i].value));
	text_add_str(&end->log, body->end ? ".\n" : "\n");
	if (end->server)
		h2_send_data(s, body->data, body->data_count, body->end, body->trailers,
			     body->trailer_count);
	talk->echoed = body->end;
	if (body->end)
		h2_leave(s, false);
}

static void on_drained(void *owner, struct h2_stream *s)
{
	text_printf(&((struct end *)owner)->log, "%d:drained\n", s->id);
}

static void on_failed(void *owner, struct h2_stream *s, err_t why)
{
	text_printf(&((struct end *)owner)->log, "%d:%s\n", s->id, err_name(why));
}

static void emit(void *owner, const struct bytes *slices, unsigned count, bool soon)
{
	struct end *end = owner;

	(void)soon;
	CHECK(!end->blocked);
	for (unsigned i = 0; i < count; i++)
		text_add(&end->wire, slices[i]);
}

static bool is_blocked(void *owner)
{
	return ((struct end *)owner)->blocked;
}

static const struct h2_events events = {
	.emit = emit,
	.blocked = is_blocked,
	.on_head = on_head,
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static void open_end(struct end *end, bool server)
{
	struct h2_options options = {
		.server = server,
		.stream_bytes = sizeof(struct talk),
		.events = &events,
		.owner = end,
	};

	*end = (struct end){ .wire = TEXT_INIT(WIRE_MAX),
			     .log = TEXT_INIT(WIRE_MAX),
			     .server = server };
	CHECK_OK(h2_create(&options, &end->h2));
}

static void close_end(struct end *end)
{
	h2_destroy(end->h2);
	text_fini(&end->wire);
	text_fini(&end->log);
}

static void settle(struct end *end)
{
	do {
		h2_tell(end->h2);
		CHECK_OK(h2_pump(end->h2));
	} while (h2_has_news(end->h2));
}

/* Until neither has anything to say. */
static void talk(struct end *a, struct end *b, size_t cut)
{
	settle(a);
	settle(b);
	while (a->wire.len || b->wire.len)
		for (int way = 0; way < 2; way++) {
			struct end *from = way ? a : b, *to = way ? b : a;
			struct text said = from->wire;
			struct bytes rest = text_bytes(&said);

			from->wire = (struct text)TEXT_INIT(WIRE_MAX);
			while (rest.len) {
				struct bytes piece = bytes_upto(rest, cut);

				CHECK_OK(h2_feed(to->h2, piece, 0));
				rest = bytes_from(rest, piece.len);
				settle(to);
			}
			text_fini(&said);
		}
}

static struct h2_stream *ask(struct end *client, const char *target, bool end)
{
	struct http_field fields[] = { { BYTES("Host"), BYTES("a") },
				       { BYTES("X-Mixed"), BYTES("Case") },
				       { BYTES("Connection"), BYTES("x") } };
	struct http_head head = {
		.method = BYTES("POST"),
		.target = bytes_of(target),
		.fields = fields,
		.field_count = COUNT(fields),
	};
	struct h2_stream *s;

	CHECK_OK(h2_open(client->h2, &s));
	CHECK_OK(h2_send_head(s, &head, end));
	return s;
}

TEST(messages_pass_however_the_bytes_are_cut)
{
	const struct http_field trailer = { BYTES("X-Sum"), BYTES("7") };

	for (size_t cut = 1; cut < 64; cut += cut < 12 ? 1 : 13) {
		struct end client, server;
		struct h2_stream *s;

		open_end(&client, false);
		open_end(&server, true);
		talk(&client, &server, cut);
		ask(&client, "/none", true);
		s = ask(&client, "/echo", false);
		h2_send_data(s, &BYTES("hello"), 1, false, NULL, 0);
		talk(&client, &server, cut);
		h2_send_data(s, &BYTES("world"), 1, true, &trailer, 1);
		talk(&client, &server, cut);
		CHECK(strstr(text_str(&server.log), "3:POST/echo host=a x-mixed=Case\n"));
		CHECK(strstr(text_str(&server.log), "1:.\n"), "cut at %zu: %s", cut,
		      text_str(&server.log));
		CHECK(strstr(text_str(&server.log), " x-sum=7.\n"));
		CHECK(strstr(text_str(&client.log), "3:200\n"));
		CHECK(strstr(text_str(&client.log), " x-sum=7.\n"));
		CHECK(h2_is_empty(client.h2) && h2_is_empty(server.h2), "cut at %zu", cut);
		close_end(&client);
		close_end(&server);
	}
}

TEST(a_large_body_passes_through_its_window)
{
	static char block[300000];
	struct end client, server;
	struct h2_stream *s;

	memset(block, 'x', sizeof block);
	open_end(&client, false);
	open_end(&server, true);
	talk(&client, &server, 4096);
	s = ask(&client, "/", false);
	CHECK(h2_send_data(s, &(struct bytes){ block, sizeof block }, 1, true, NULL, 0));
	CHECK(client.wire.len < 70000, "one window");
	talk(&client, &server, 4096);
	CHECK(strstr(text_str(&client.log), "1:drained\n"));
	CHECK(h2_is_empty(client.h2) && h2_is_empty(server.h2));
	close_end(&client);
	close_end(&server);
}

TEST(what_cannot_go_out_below_waits_in_the_stream)
{
	struct end client, server;
	struct h2_stream *s;

	open_end(&client, false);
	open_end(&server, true);
	talk(&client, &server, 99);
	s = ask(&client, "/", false);
	client.blocked = true;
	CHECK(h2_send_data(s, &BYTES("waits"), 1, true, NULL, 0));
	CHECK_EQ(client.wire.len, 0);
	client.blocked = false;
	h2_unblocked(client.h2);
	talk(&client, &server, 99);
	CHECK(strstr(text_str(&server.log), "1:waits.\n"));
	close_end(&client);
	close_end(&server);
}

TEST(a_request_beyond_the_last_of_a_goodbye_was_surely_not_processed)
{
	struct end client, server;

	open_end(&client, false);
	open_end(&server, true);
	talk(&client, &server, 99);
	h2_goodbye(server.h2);
	ask(&client, "/", true);
	talk(&client, &server, 99);
	CHECK_STR(text_str(&client.log), "1:REFUSED\n");
	CHECK(!h2_can_open(client.h2));
	close_end(&client);
	close_end(&server);
}

TEST(a_stream_that_is_left_unfinished_is_reset_for_the_other_side)
{
	struct end client, server;
	struct h2_stream *s;

	open_end(&client, false);
	open_end(&server, true);
	talk(&client, &server, 99);
	s = ask(&client, "/", false);
	talk(&client, &server, 99);
	h2_leave(s, false);
	talk(&client, &server, 99);
	CHECK(strstr(text_str(&server.log), "1:RESET\n"));
	CHECK(h2_is_empty(client.h2) && h2_is_empty(server.h2));
	close_end(&client);
	close_end(&server);
}

TEST(a_connection_that_is_gone_fails_what_ran_on_it)
{
	struct end client, server;

	open_end(&client, false);
	open_end(&server, true);
	talk(&client, &server, 99);
	ask(&client, "/one", false);
	talk(&client, &server, 99);
	h2_fail_all(client.h2, ERR_CLOSED, false);
	h2_fail_all(server.h2, ERR_CLOSED, false);
	CHECK(strstr(text_str(&client.log), "1:TRUNCATED\n"), "its head had come");
	CHECK(strstr(text_str(&server.log), "1:CLOSED\n"));
	CHECK_EQ(h2_live(client.h2) + h2_live(server.h2), 0);
	close_end(&client);
	close_end(&server);
}

/* ---- The guard ---- */

TEST(a_bucket_takes_its_burst_and_then_its_rate)
{
	struct h2_guard guard = { .now_ms = 5000 };
	unsigned taken = 0;

	while (h2_guard_take(&guard, H2_GUARD_PING))
		taken++;
	CHECK_EQ(taken, 500);
	CHECK(h2_guard_take(&guard, H2_GUARD_SETTINGS), "each has its own");
	guard.now_ms += 20; /* 50 a second */
	CHECK(h2_guard_take(&guard, H2_GUARD_PING));
	CHECK(!h2_guard_take(&guard, H2_GUARD_PING));
	guard.now_ms += 3600 * 1000;
	for (taken = 0; h2_guard_take(&guard, H2_GUARD_PING); taken++)
		;
	CHECK_EQ(taken, 500, "an hour of rest is worth one burst");
}
