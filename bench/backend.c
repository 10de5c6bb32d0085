/*
 * backend: answers as a model server would, at an exact pace.
 *
 *     backend --port 9000
 *
 *     GET /stream?events=500&interval_ms=20   that many events, evenly spaced, chunked
 *     GET /idle                               a head, then silence
 *     GET /small                              200 with 128 bytes
 *     GET /large?bytes=1073741824             that many bytes, with Content-Length
 *
 * Keep-alive; requests have no body. One thread.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "bench/bench.h"

enum { WHEEL_MS = 1024, REQUEST_MAX = 4096, LARGE_BYTES = 256 * 1024 };

enum work { WORK_NONE, WORK_STREAM, WORK_IDLE, WORK_LARGE };

struct client {
	struct list_node link; /* in a wheel slot while streaming */
	int fd;
	enum work work;
	uint32_t sequence, events, interval_ms;
	uint64_t due_ms, left_bytes;
	size_t len;
	char request[REQUEST_MAX];
};

static struct list_node wheel[WHEEL_MS];
static char block[LARGE_BYTES];
static int poller;
static uint64_t now_ms;

static void drop(struct client *c)
{
	list_remove(&c->link);
	close(c->fd);
	free(c);
}

/* Small writes fit the socket buffer unless the reader is gone or stuck: then it is dropped. */
static bool put(struct client *c, const char *at, size_t len)
{
	if (send(c->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len)
		return true;
	drop(c);
	return false;
}

static uint64_t query_number(const char *request, const char *key, uint64_t fallback)
{
	const char *hit = strstr(request, key);

	return hit ? strtoull(hit + strlen(key), NULL, 10) : fallback;
}

static void schedule(struct client *c)
{
	c->due_ms += c->interval_ms;
	list_append(&wheel[c->due_ms % WHEEL_MS], &c->link);
}

static void send_event(struct client *c)
{
	static const char token[] = "tokentokentokentokentokentokentokentokentokentokentokentoken";
	char chunk[EVENT_BYTES + 16];
	int len = snprintf(chunk, sizeof chunk, "%x\r\ndata: %08u %019llu %.59s\n\n\r\n",
			   EVENT_BYTES, c->sequence++, (unsigned long long)bench_now_ns(), token);

	if (!put(c, chunk, (size_t)len))
		return;
	if (c->sequence < c->events) {
		schedule(c);
		return;
	}
	c->work = WORK_NONE;
	put(c, "0\r\n\r\n", 5);
}

static void start_stream(struct client *c)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
				   "Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n";
	static uint32_t started;

	c->sequence = 0;
	c->events = (uint32_t)query_number(c->request, "events=", 100);
	c->interval_ms = (uint32_t)query_number(c->request, "interval_ms=", 20);
	if (!put(c, head, sizeof head - 1))
		return;
	c->work = c->interval_ms ? WORK_STREAM : WORK_IDLE;
	c->due_ms = now_ms + started++ % (c->interval_ms ? c->interval_ms : 1);
	if (c->work == WORK_STREAM)
		schedule(c);
}

static void continue_large(struct client *c)
{
	while (c->left_bytes) {
		size_t want = c->left_bytes < sizeof block ? (size_t)c->left_bytes : sizeof block;
		ssize_t took = send(c->fd, block, want, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (took < 0 && errno == EAGAIN)
			return;
		if (took <= 0) {
			drop(c);
			return;
		}
		c->left_bytes -= (uint64_t)took;
	}
	c->work = WORK_NONE;
}

static void answer(struct client *c)
{
	char head[256];

	if (strncmp(c->request, "GET /stream", 11) == 0) {
		start_stream(c);
	} else if (strncmp(c->request, "GET /idle", 9) == 0) {
		static const char idle[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
					   "Transfer-Encoding: chunked\r\n\r\n6\r\n: on\n\n\r\n";
		c->work = WORK_IDLE;
		put(c, idle, sizeof idle - 1);
	} else if (strncmp(c->request, "GET /large", 10) == 0) {
		c->left_bytes = query_number(c->request, "bytes=", 1 << 30);
		c->work = WORK_LARGE;
		snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
			 (unsigned long long)c->left_bytes);
		if (put(c, head, strlen(head)))
			continue_large(c);
	} else {
		snprintf(
			head, sizeof head,
			"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 128\r\n\r\n%.128s",
			block);
		put(c, head, strlen(head));
	}
}

static void on_readable(struct client *c)
{
	ssize_t got = recv(c->fd, c->request + c->len, sizeof c->request - 1 - c->len, 0);
	char *end;

	if (got <= 0) {
		if (got == 0 || errno != EAGAIN)
			drop(c);
		return;
	}
	c->len += (size_t)got;
	c->request[c->len] = '\0';
	end = strstr(c->request, "\r\n\r\n");
	if (!end)
		return;
	c->len = 0;
	answer(c);
}

static void accept_all(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *c = calloc(1, sizeof *c);
		struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
		int on = 1;

		if (!c)
			bench_die("calloc");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		c->fd = fd;
		list_init(&c->link);
		event.data.ptr = c;
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
	}
}

static void turn_wheel(void)
{
	uint64_t until = bench_now_ns() / 1000000;

	for (; now_ms <= until; now_ms++) {
		struct list_node due = LIST_INIT(due);
		struct list_node *slot = &wheel[now_ms % WHEEL_MS], *node;

		while ((node = list_pop(slot)) != NULL)
			list_append(&due, node);
		while ((node = list_pop(&due)) != NULL) {
			struct client *c = container_of(node, struct client, link);

			if (c->due_ms > now_ms)
				list_append(slot, &c->link); /* a later round of the wheel */
			else
				send_event(c);
		}
	}
}

int main(int argc, char **argv)
{
	int listener = bench_listen((uint16_t)bench_number(argc, argv, "--port", 9000));
	struct epoll_event event = { .events = EPOLLIN }, events[512];

	bench_files_limit();
	memset(block, 'x', sizeof block);
	for (size_t i = 0; i < WHEEL_MS; i++)
		list_init(&wheel[i]);
	now_ms = bench_now_ns() / 1000000;
	poller = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int count = epoll_wait(poller, events, COUNT(events), 1);

		for (int i = 0; i < count; i++) {
			struct client *c = events[i].data.ptr;

			if (!c)
				accept_all(listener);
			else if ((events[i].events & EPOLLOUT) && c->work == WORK_LARGE)
				continue_large(c);
			else if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				on_readable(c);
		}
		turn_wheel();
	}
}
