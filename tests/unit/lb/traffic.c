/*
 * Real loops, real sockets, two workers and a control thread that changes its mind all the time:
 * for ThreadSanitizer, and for what only a kernel shows. Bounded to a few seconds.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lb/access.h"
#include "lb/lb.h"
#include "net/loop.h"
#include "tests/check.h"

enum { WORKERS = 2, CLIENTS = 4, REQUESTS = 60, EVENTS = 10, TARGETS = 2 };

static struct loop *control, *workers[WORKERS];
static struct lb *lb;
static uint16_t port;
static _Atomic unsigned ended, complete, aborted, clients_left, wrong, drained;
static int target_fds[TARGETS];
static uint16_t target_ports[TARGETS];

/* ---- A target: threads that block ---- */

static void write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void answer(int fd, const char *request)
{
	struct timespec pause = { .tv_nsec = 500 * 1000 };

	if (strstr(request, "GET /health")) {
		write_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	write_all(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n");
	for (unsigned i = 0; i < EVENTS; i++) {
		write_all(fd, "9\r\ndata: x\n\n\r\n");
		nanosleep(&pause, NULL);
	}
	write_all(fd, "0\r\n\r\n");
}

static void *serve_one(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char in[4096];
	size_t len = 0;

	for (;;) {
		ssize_t n = recv(fd, in + len, sizeof in - 1 - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
		in[len] = '\0';
		if (!strstr(in, "\r\n\r\n"))
			continue;
		answer(fd, in);
		len = 0;
	}
	close(fd);
	return NULL;
}

static void *serve(void *arg)
{
	int listening = *(int *)arg, fd;

	while ((fd = accept(listening, NULL, NULL)) >= 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd))
			close(fd);
		else
			pthread_detach(thread);
	}
	return NULL;
}

static void listen_somewhere(unsigned t)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;

	target_fds[t] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(target_fds[t], (struct sockaddr *)&at, sizeof at) == 0);
	CHECK(listen(target_fds[t], 64) == 0);
	CHECK(getsockname(target_fds[t], (struct sockaddr *)&at, &len) == 0);
	target_ports[t] = ntohs(at.sin_port);
}

/* ---- Clients ---- */

/* One request on a connection of its own; some leave in the middle. */
static void ask(bool leaves)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char in[8192];
	size_t len = 0;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&to, sizeof to)) {
		wrong++;
		close(fd);
		return;
	}
	write_all(fd, "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	while (len < sizeof in - 1 && (n = recv(fd, in + len, sizeof in - 1 - len, 0)) > 0) {
		len += (size_t)n;
		if (leaves && len > 0)
			break;
	}
	in[len] = '\0';
	if (!leaves && (!strstr(in, " 200 OK") || !strstr(in, "0\r\n\r\n")))
		wrong++;
	close(fd);
}

static void *run_client(void *arg)
{
	unsigned seed = (unsigned)(intptr_t)arg;

	for (unsigned i = 0; i < REQUESTS; i++)
		ask((i + seed) % 7 == 0);
	clients_left--;
	return NULL;
}

/* ---- The control thread ---- */

static struct timer tick;
static unsigned ticks;
static bool stopping;

static void on_access(void *owner, const struct access_record *record)
{
	(void)owner;
	if (record->phase != ACCESS_END)
		return;
	ended++;
	complete += record->end_reason == END_COMPLETE;
	aborted += record->end_reason == END_CLIENT_ABORT;
}

static void on_drained(void *owner, struct bytes group_arn, struct bytes id, uint16_t at)
{
	(void)owner, (void)group_arn, (void)id, (void)at;
	drained++;
}

static const struct lb_events events = { .on_access = on_access, .on_drained = on_drained };

static void apply(unsigned n)
{
	struct target_config targets[TARGETS] = { { .id = BYTES("127.0.0.1") },
						  { .id = BYTES("127.0.0.1") } };
	struct target_group_config group = {
		.arn = BYTES("arn:group"),
		.id = BYTES("targetgroup/one/1"),
		.load_balancer_id = BYTES("app/first/1"),
		.algorithm = n % 2 ? ROUND_ROBIN : LEAST_OUTSTANDING_REQUESTS,
		.cross_zone = true,
		.min_healthy_count = 1,
		.health = { .path = BYTES("/health"),
			    .interval_ms = 5000,
			    .timeout_ms = 2000,
			    .healthy_threshold = 2,
			    .unhealthy_threshold = 2,
			    .matcher = BYTES("200") },
		.stream = { .connect_ms = 5000, .heartbeat_ms = n % 3 ? 0 : 1000 },
		.targets = targets,
		.target_count = TARGETS,
	};
	struct forward_group forward = { group.arn, 1 };
	struct rule_config rule = {
		.action = { .kind = ACTION_FORWARD, .groups = &forward, .group_count = 1 }
	};
	struct listener_config listener = { .port = 80, .rules = &rule, .rule_count = 1 };
	struct load_balancer_config balancer = {
		.arn = BYTES("arn:loadbalancer/app/first/1"),
		.id = BYTES("app/first/1"),
		.dns_name = BYTES("first-1.us-east-1.elb.localhost"),
		.listeners = &listener,
		.listener_count = 1,
		.idle_ms = 60000 + n % 5,
		.client_keep_alive_ms = 3600000,
	};
	struct lb_config config = { &balancer, 1, &group, 1 };

	CHECK_OK(address_parse_ip(BYTES("127.0.0.1"), port, &listener.bound));
	for (unsigned t = 0; t < TARGETS; t++)
		CHECK_OK(address_parse_ip(targets[t].id, target_ports[t], &targets[t].address));
	/* One of the two drains now and then, and comes back. */
	if (n % 10 > 5)
		targets[n / 10 % TARGETS].draining_until_unix_ms = 1;
	CHECK_OK(lb_apply(lb, &config));
}

static void on_row(void *owner, struct bytes load_balancer_id, struct bytes target_group_id,
		   const struct metrics *sum)
{
	(void)owner, (void)load_balancer_id, (void)target_group_id, (void)sum;
}

static void on_rows(void *owner, const struct stream_row *rows, unsigned count)
{
	(void)owner;
	for (unsigned i = 0; i < count; i++)
		CHECK(rows[i].stage != NULL);
}

static void on_done(void *owner)
{
	(void)owner;
	for (unsigned i = 0; i < WORKERS; i++)
		loop_stop(workers[i]);
	loop_stop(control);
}

static void on_tick(struct timer *timer)
{
	apply(++ticks);
	lb_each_metrics(lb, on_row, NULL);
	lb_streams(lb, 10, on_rows, NULL);
	if (clients_left == 0 && !stopping) {
		stopping = true;
		lb_shutdown(lb, 2000, on_done, NULL);
		return;
	}
	timer_set(control, timer, loop_now_ms(control) + 10);
}

static void *run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

TEST(plans_change_under_load_and_nothing_is_lost)
{
	pthread_t threads[WORKERS], clients[CLIENTS], targets[TARGETS];
	struct lb_options options = { .workers = workers,
				      .worker_count = WORKERS,
				      .events = &events };
	struct address at;
	err_t err = ERR_IN_USE;

	CHECK_OK(loop_create(&control));
	for (unsigned i = 0; i < WORKERS; i++)
		CHECK_OK(loop_create(&workers[i]));
	options.control = control;
	CHECK_OK(lb_create(&options, &lb));
	for (port = 23100; port < 23900 && err; port++) {
		CHECK_OK(address_parse_ip(BYTES("127.0.0.1"), port, &at));
		err = lb_bind(lb, &at);
	}
	port--;
	CHECK_OK(err);
	for (unsigned t = 0; t < TARGETS; t++) {
		listen_somewhere(t);
		CHECK(!pthread_create(&targets[t], NULL, serve, &target_fds[t]));
	}
	apply(0);
	for (unsigned i = 0; i < WORKERS; i++)
		CHECK(!pthread_create(&threads[i], NULL, run_loop, workers[i]));
	clients_left = CLIENTS;
	for (unsigned i = 0; i < CLIENTS; i++)
		CHECK(!pthread_create(&clients[i], NULL, run_client, (void *)(intptr_t)i));
	tick.on_expired = on_tick;
	timer_set(control, &tick, loop_now_ms(control) + 10);
	loop_run(control);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);

	CHECK_EQ(wrong, 0, "answers that were refused or cut");
	CHECK_EQ(ended, CLIENTS * REQUESTS);
	CHECK_EQ(complete + aborted, CLIENTS * REQUESTS);
	CHECK(drained > 0);
	CHECK_EQ(lb_open_streams(lb), 0);
	lb_destroy(lb);
	for (unsigned i = 0; i < WORKERS; i++)
		loop_destroy(workers[i]);
	loop_destroy(control);
	for (unsigned t = 0; t < TARGETS; t++) {
		shutdown(target_fds[t], SHUT_RDWR);
		pthread_join(targets[t], NULL);
		close(target_fds[t]);
	}
}
