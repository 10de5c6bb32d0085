/*
 * Both sides of conn over real sockets on the real loop: a client conn and a server conn in one
 * process. What each byte does is tested on the fake network; here it is that the kernel agrees.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "conn/conn.h"
#include "tests/check.h"

struct world {
	struct loop *loop;
	struct acceptor *acceptor;
	struct address at;
	struct conn *server, *client;
	struct exchange *served, *asked;
	struct text heard, answered; /* bodies: the request's, the response's */
	struct timer alarm;
	struct loop_job job;
	unsigned requests, answers_wanted, answers, closed, failed, drained;
	size_t to_send, sent; /* bulk answer */
	err_t why;
	bool idle, reusable, slow;
	bool early; /* answers as soon as the head is there */
};

static void stop(struct world *world)
{
	loop_stop(world->loop);
}

static void on_alarm(struct timer *timer)
{
	struct world *world = container_of(timer, struct world, alarm);

	check_failed(__FILE__, __LINE__, "nothing happened for too long");
	stop(world);
}

/* ---- The server: answers with the request's body, or with to_send bytes ---- */

static const char pattern[16 * 1024];

static void push_bulk(struct world *world)
{
	while (world->sent < world->to_send) {
		size_t len = size_min(sizeof pattern, world->to_send - world->sent);

		world->sent += len;
		if (exchange_send_data(world->served, bytes_make(pattern, len),
				       world->sent == world->to_send) == CONN_FULL) {
			CHECK(exchange_queued_bytes(world->served) <= CONN_QUEUE_MAX);
			return;
		}
	}
}

static void answer(struct world *world)
{
	struct http_head head = {
		.is_response = true,
		.status = 200,
		.reason = BYTES("OK"),
		.framing = HTTP_BODY_LENGTH,
		.length = world->to_send ? world->to_send : world->heard.len,
	};

	CHECK_OK(exchange_send_head(world->served, &head));
	if (world->to_send)
		push_bulk(world);
	else
		exchange_send_data(world->served, text_bytes(&world->heard), true);
}

static void on_request_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct world *world = owner;

	text_add(&world->heard, body->wire);
	if (!body->end)
		return;
	answer(world);
	if (!world->to_send || world->sent == world->to_send)
		exchange_close(x);
}

static void on_request_drained(struct exchange *x, void *owner)
{
	struct world *world = owner;

	world->drained++;
	push_bulk(world);
	if (world->sent == world->to_send && exchange_queued_bytes(x) == 0)
		exchange_close(x);
}

static void on_request_failed(struct exchange *x, void *owner, err_t why)
{
	struct world *world = owner;

	(void)x;
	world->failed++;
	world->why = why;
	stop(world);
}

static const struct exchange_events request_events = {
	.on_body = on_request_body,
	.on_drained = on_request_drained,
	.on_failed = on_request_failed,
};

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct world *world = owner;

	(void)finding;
	CHECK_BYTES(head->target, "/echo");
	text_clear(&world->heard);
	world->requests++;
	world->served = x;
	exchange_accept(x, &request_events, world);
	if (world->early) {
		answer(world);
		exchange_close(x);
	}
}

static void on_closed(void *owner, struct conn *conn)
{
	struct world *world = owner;

	(void)conn;
	world->server = NULL;
	world->closed++;
	stop(world);
}

static const struct conn_server_events server_events = {
	.on_exchange = on_exchange,
	.on_closed = on_closed,
};

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct world *world = owner;
	struct conn_server_options options = {
		.loop = world->loop,
		.events = &server_events,
		.owner = world,
		.idle_ms = 5000,
	};

	(void)peer;
	CHECK_OK(conn_serve(socket, &options, &world->server));
	CHECK(address_eq(conn_local(world->server), &world->at));
}

static const struct acceptor_events acceptor_events = { .on_accepted = on_accepted };

/* ---- The client ---- */

static void on_response_head(struct exchange *x, void *owner, const struct http_head *head)
{
	(void)x;
	(void)owner;
	CHECK_EQ(head->status, 200);
	CHECK_BYTES(http_value(head, BYTES("Connection")), "keep-alive");
}

static void on_response_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct world *world = owner;

	text_add(&world->answered, body->wire);
	if (!body->end)
		return;
	world->answers++;
	exchange_close(x);
}

static void on_response_failed(struct exchange *x, void *owner, err_t why)
{
	struct world *world = owner;

	(void)x;
	world->why = why;
	world->failed++;
	stop(world);
}

static const struct exchange_events response_events = {
	.on_head = on_response_head,
	.on_body = on_response_body,
	.on_failed = on_response_failed,
};

static void ask(struct world *world)
{
	struct http_head head = {
		.method = BYTES("POST"),
		.target = BYTES("/echo"),
		.framing = HTTP_BODY_LENGTH,
		.length = 5,
		.fields = (struct http_field[]){ { BYTES("Host"), BYTES("here") } },
		.field_count = 1,
	};

	CHECK_OK(exchange_open(world->client, &response_events, world, &world->asked));
	CHECK_OK(exchange_send_head(world->asked, &head));
	exchange_send_data(world->asked, BYTES("hello"), true);
	if (world->slow)
		exchange_pause(world->asked);
}

static void on_connected(void *owner, struct conn *conn, err_t err)
{
	struct world *world = owner;

	world->why = err;
	if (err) {
		stop(world);
		return;
	}
	CHECK(address_eq(conn_peer(conn), &world->at));
	ask(world);
}

static void on_idle(void *owner, struct conn *conn, bool reusable)
{
	struct world *world = owner;

	CHECK(conn_was_used(conn));
	world->idle = true;
	world->reusable = reusable;
	if (reusable && world->answers < world->answers_wanted)
		ask(world);
	else
		stop(world);
}

static const struct conn_client_events client_events = { on_connected, on_idle };

/* ---- Running ---- */

static void open_world(struct world *world)
{
	int fd;

	*world = (struct world){ .heard = TEXT_INIT(1 << 20), .answered = TEXT_INIT(64 << 20) };
	CHECK_OK(address_parse(BYTES("127.0.0.1:0"), &world->at));
	CHECK_OK(loop_create(&world->loop));
	CHECK_OK(acceptor_bind(&world->at, 1, &fd, &world->at));
	CHECK_OK(acceptor_open(world->loop, fd, &acceptor_events, world, &world->acceptor));
	world->alarm.on_expired = on_alarm;
	timer_set(world->loop, &world->alarm, loop_now_ms(world->loop) + 10000);
}

static void connect_client(struct world *world)
{
	struct conn_client_options options = {
		.loop = world->loop,
		.to = world->at,
		.events = &client_events,
		.owner = world,
		.connect_ms = 2000,
	};

	CHECK_OK(conn_connect(&options, &world->client));
}

static void close_world(struct world *world)
{
	conn_destroy(world->client);
	conn_destroy(world->server);
	acceptor_close(world->acceptor);
	timer_cancel(&world->alarm);
	loop_destroy(world->loop);
	text_fini(&world->heard);
	text_fini(&world->answered);
}

TEST(many_requests_travel_over_one_connection)
{
	struct world world;

	open_world(&world);
	world.answers_wanted = 50;
	connect_client(&world);
	loop_run(world.loop);
	CHECK_EQ(world.answers, 50);
	CHECK_EQ(world.requests, 50);
	CHECK_EQ(world.answered.len, 250);
	CHECK(world.reusable);
	close_world(&world);
}

TEST(a_server_that_drains_closes_its_idle_connection_and_the_client_hears_it)
{
	struct world world;

	open_world(&world);
	world.answers_wanted = 1;
	connect_client(&world);
	loop_run(world.loop);
	CHECK(world.reusable);
	conn_drain(world.server);
	loop_run(world.loop);
	if (!world.closed || world.reusable)
		loop_run(world.loop);
	CHECK_EQ(world.closed, 1);
	CHECK(!world.reusable, "the client was told");
	CHECK_ERR(exchange_open(world.client, &response_events, &world, &world.asked), ERR_CLOSED);
	close_world(&world);
}

static void leave_now(struct timer *timer)
{
	struct world *world = container_of(timer, struct world, alarm);

	conn_destroy(world->client);
	world->client = NULL;
}

TEST(a_client_that_leaves_is_heard_while_its_answer_waits)
{
	struct world world;

	open_world(&world);
	world.to_send = 1 << 30; /* never finished: the client does not read */
	world.slow = true;
	connect_client(&world);
	world.alarm.on_expired = leave_now;
	timer_set(world.loop, &world.alarm, loop_now_ms(world.loop) + 100);
	loop_run(world.loop);
	CHECK_EQ(world.failed, 1, "the client's own exchange ended inside conn_destroy");
	CHECK_EQ(world.why, ERR_CANCELLED);
	loop_run(world.loop);
	CHECK_EQ(world.failed, 2);
	CHECK_EQ(world.why, ERR_RESET);
	close_world(&world);
}

TEST(a_slow_reader_holds_its_sender_back)
{
	struct world world;

	open_world(&world);
	world.to_send = 48 << 20;
	world.answers_wanted = 1;
	connect_client(&world);
	loop_run(world.loop);
	CHECK_EQ(world.answers, 1);
	CHECK_EQ(world.answered.len, 48 << 20);
	CHECK(world.drained > 0);
	close_world(&world);
}

/* ---- A client of plain system calls, in a thread of its own ---- */

struct plain_client {
	uint16_t port;
	size_t upload_bytes;
	char answer[4096];
	size_t answer_bytes;
	int end_errno; /* 0: the server's FIN */
};

static void *run_plain_client(void *arg)
{
	struct plain_client *client = arg;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(client->port) };
	static const char block[4096];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t got;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		client->end_errno = errno;
		return NULL;
	}
	dprintf(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
	/* Goes on sending while the answer is there already, as most clients do. */
	for (size_t sent = 0; sent < client->upload_bytes; sent += sizeof block)
		if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0)
			break;
	usleep(50000);
	while ((got = recv(fd, client->answer + client->answer_bytes,
			   sizeof client->answer - client->answer_bytes, 0)) > 0)
		client->answer_bytes += (size_t)got;
	client->end_errno = got < 0 ? errno : 0;
	close(fd);
	return NULL;
}

TEST(a_client_still_sending_can_read_its_early_answer)
{
	struct plain_client client = { .upload_bytes = 1 << 20 };
	struct world world;
	pthread_t thread;

	open_world(&world);
	world.early = true;
	client.port = world.at.port;
	CHECK_EQ(pthread_create(&thread, NULL, run_plain_client, &client), 0);
	loop_run(world.loop);
	pthread_join(thread, NULL);
	CHECK_EQ(client.end_errno, 0, "%s", strerror(client.end_errno));
	CHECK(bytes_starts(bytes_make(client.answer, client.answer_bytes), BYTES("HTTP/1.1 200 ")));
	CHECK_EQ(world.closed, 1);
	close_world(&world);
}

/* Answers one request as if it kept the connection, and closes. */
static void *run_hasty_server(void *arg)
{
	int listening = *(int *)arg, fd = accept(listening, NULL, NULL);
	char request[1000];

	if (fd >= 0 && recv(fd, request, sizeof request, 0) > 0)
		dprintf(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
			    "Connection: keep-alive\r\n\r\nok");
	close(fd);
	return NULL;
}

static void stop_when_asked(struct loop_job *job)
{
	struct world *world = container_of(job, struct world, job);

	if (world->asked)
		stop(world);
	else
		loop_post(world->loop, job);
}

TEST(a_fin_that_came_with_the_answer_is_heard_before_the_connection_is_lent_again)
{
	struct world world;
	pthread_t thread;
	int fd;

	open_world(&world);
	CHECK_OK(address_parse(BYTES("127.0.0.1:0"), &world.at));
	CHECK_OK(acceptor_bind(&world.at, 1, &fd, &world.at));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	CHECK_EQ(pthread_create(&thread, NULL, run_hasty_server, &fd), 0);
	world.answers_wanted = 2; /* it would ask again if it could */
	connect_client(&world);
	world.job.run = stop_when_asked;
	loop_post(world.loop, &world.job);
	loop_run(world.loop);
	pthread_join(thread, NULL); /* all it said lies in the kernel now */
	loop_run(world.loop);
	CHECK_EQ(world.answers, 1);
	CHECK_EQ(world.failed, 0);
	CHECK(world.idle && !world.reusable);
	acceptor_discard(fd);
	close_world(&world);
}

TEST(a_refused_connect_is_told)
{
	struct world world;

	open_world(&world);
	acceptor_close(world.acceptor);
	world.acceptor = NULL;
	connect_client(&world);
	loop_run(world.loop);
	CHECK_EQ(world.why, ERR_REFUSED);
	close_world(&world);
}
