/*
 * load: puts one kind of load on a proxy and checks every byte of what comes back.
 *
 *     load --mode streams --port P --connections 1000 --events 500 --interval_ms 20
 *     load --mode small   --port P --connections 32 --requests 100000
 *     load --mode large   --port P --connections 4 --bytes 1073741824
 *     load --mode idle    --port P --connections 1000 --seconds 5     holds streams open
 *     load --mode stuck   --port P --connections 100 --seconds 5      asks, and never reads
 *
 * With --tls 1 over TLS: all hands are shaken first, then it prints "ready", waits 300 ms and asks,
 * so that who reads the proxy's clocks then has tokens alone. --handshakes N: nothing but
 * handshakes.
 *
 * Prints one JSON object. `idle` and `stuck` print "ready" when all is open, then wait. Exit 1
 * when an event was missing, doubled, out of order or cut. One thread.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "bench/bench.h"

enum { BUFFER_BYTES = 256 * 1024, LINE_MAX_BYTES = 512, DELAY_BUCKETS = 200000 };

enum mode { MODE_STREAMS, MODE_SMALL, MODE_LARGE, MODE_IDLE, MODE_STUCK };

/* Reads one response after another: head, then a body by length, chunks or close. */
struct peer {
	int fd;
	SSL *ssl; /* NULL: plain */
	bool in_head, chunked, done;
	uint64_t left_bytes, body_bytes, requests_left;
	size_t head_len, line_len;
	uint32_t next_sequence;
	bool in_chunk_line;
	char head[4096];
	char line[LINE_MAX_BYTES];
	char chunk_line[32];
	size_t chunk_line_len;
};

static struct {
	enum mode mode;
	uint16_t port;
	SSL_CTX *tls;
	uint64_t connections, events, interval_ms, requests, bytes, seconds;
	uint64_t open, events_seen, responses, bytes_seen, faults;
	uint32_t delays[DELAY_BUCKETS]; /* microseconds, the last one for all above */
	uint64_t delay_count;
} run;

static int poller;

static void fault(struct peer *p, const char *what)
{
	if (run.faults++ < 5)
		fprintf(stderr, "connection %d: %s after %u events\n", p->fd, what,
			p->next_sequence);
}

static void ask(struct peer *p)
{
	char request[512];
	const char *path = run.mode == MODE_SMALL  ? "/small"
			   : run.mode == MODE_IDLE ? "/idle"
						   : "/stream";
	int len;

	if (run.mode == MODE_LARGE || run.mode == MODE_STUCK)
		len = snprintf(request, sizeof request,
			       "GET /large?bytes=%llu HTTP/1.1\r\nHost: bench\r\n",
			       (unsigned long long)run.bytes);
	else
		len = snprintf(request, sizeof request,
			       "GET %s?events=%llu&interval_ms=%llu HTTP/1.1\r\nHost: bench\r\n",
			       path, (unsigned long long)run.events,
			       (unsigned long long)run.interval_ms);
	len += snprintf(request + len, sizeof request - (size_t)len,
			"User-Agent: bench\r\nAccept: text/event-stream\r\n\r\n");
	p->in_head = true;
	p->head_len = 0;
	if (p->ssl ? SSL_write(p->ssl, request, len) != len
		   : send(p->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		bench_die("send");
}

static void finish(struct peer *p)
{
	if (p->done)
		return;
	p->done = true;
	run.open--;
	epoll_ctl(poller, EPOLL_CTL_DEL, p->fd, NULL);
	SSL_free(p->ssl);
	p->ssl = NULL;
	close(p->fd);
}

static void response_over(struct peer *p)
{
	run.responses++;
	if (run.mode == MODE_STREAMS && p->next_sequence != run.events)
		fault(p, "stream ended early");
	if (run.mode == MODE_LARGE && p->body_bytes != run.bytes)
		fault(p, "body has another length");
	if (--p->requests_left == 0) {
		finish(p);
		return;
	}
	p->body_bytes = 0;
	ask(p);
}

static void saw_line(struct peer *p)
{
	uint64_t sent_ns, us;

	if (p->line_len < EVENT_CLOCK_AT + EVENT_CLOCK_DIGITS || memcmp(p->line, "data: ", 6) != 0)
		return;
	p->line[p->line_len] = '\0';
	if (strtoul(p->line + EVENT_SEQUENCE_AT, NULL, 10) != p->next_sequence)
		fault(p, "event missing, doubled or out of order");
	p->next_sequence++;
	run.events_seen++;
	sent_ns = strtoull(p->line + EVENT_CLOCK_AT, NULL, 10);
	us = (bench_now_ns() - sent_ns) / 1000;
	run.delays[us < DELAY_BUCKETS ? us : DELAY_BUCKETS - 1]++;
	run.delay_count++;
}

static void payload(struct peer *p, const char *at, size_t len)
{
	p->body_bytes += len;
	run.bytes_seen += len;
	if (run.mode != MODE_STREAMS)
		return;
	for (size_t i = 0; i < len; i++) {
		if (at[i] == '\n') {
			saw_line(p);
			p->line_len = 0;
		} else if (p->line_len < LINE_MAX_BYTES - 1) {
			p->line[p->line_len++] = at[i];
		}
	}
}

static bool read_head(struct peer *p)
{
	const char *length;

	if (memcmp(p->head, "HTTP/1.1 200", 12) != 0) {
		fault(p, p->head);
		finish(p);
		return false;
	}
	p->in_head = false;
	p->next_sequence = 0;
	p->chunked = strcasestr(p->head, "transfer-encoding: chunked") != NULL;
	length = strcasestr(p->head, "content-length:");
	p->left_bytes = p->chunked ? 0 : length ? strtoull(length + 15, NULL, 10) : UINT64_MAX;
	p->in_chunk_line = p->chunked;
	p->chunk_line_len = 0;
	return true;
}

/* One step of the chunked coding; returns how many bytes it took. */
static size_t chunked_step(struct peer *p, const char *at, size_t len)
{
	size_t take;

	if (p->left_bytes) {
		take = len < p->left_bytes ? len : (size_t)p->left_bytes;
		payload(p, at, take);
		p->left_bytes -= take;
		return take;
	}
	if (at[0] != '\n') {
		if (p->chunk_line_len < sizeof p->chunk_line - 1)
			p->chunk_line[p->chunk_line_len++] = at[0];
		return 1;
	}
	p->chunk_line[p->chunk_line_len] = '\0';
	if (p->chunk_line_len > 1) { /* not the CRLF after a chunk's data */
		p->left_bytes = strtoull(p->chunk_line, NULL, 16);
		if (p->left_bytes == 0)
			p->in_chunk_line = false; /* the last chunk: only its empty line is left */
	} else if (!p->in_chunk_line) {
		response_over(p);
	}
	p->chunk_line_len = 0;
	return 1;
}

static void feed(struct peer *p, const char *at, size_t len)
{
	while (len && !p->done) {
		size_t took = 1;

		if (p->in_head) {
			if (p->head_len < sizeof p->head - 1)
				p->head[p->head_len++] = at[0];
			p->head[p->head_len] = '\0';
			if (p->head_len >= 4 &&
			    memcmp(p->head + p->head_len - 4, "\r\n\r\n", 4) == 0 && !read_head(p))
				return;
		} else if (p->chunked) {
			took = chunked_step(p, at, len);
		} else {
			took = len < p->left_bytes ? len : (size_t)p->left_bytes;
			payload(p, at, took);
			p->left_bytes -= took;
			if (p->left_bytes == 0)
				response_over(p);
		}
		at += took;
		len -= took;
	}
}

/* What recv would say. */
static ssize_t receive(struct peer *p, char *out, size_t room)
{
	int got;

	if (!p->ssl)
		return recv(p->fd, out, room, MSG_DONTWAIT);
	got = SSL_read(p->ssl, out, (int)room);
	if (got > 0)
		return got;
	errno = SSL_get_error(p->ssl, got) == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
	return errno == EAGAIN ? -1 : 0;
}

static bool read_once(struct peer *p)
{
	static char buffer[BUFFER_BYTES];
	ssize_t got = receive(p, buffer, sizeof buffer);

	if (got > 0) {
		feed(p, buffer, (size_t)got);
		return true;
	}
	if (got < 0 && errno == EAGAIN)
		return false;
	if (run.mode == MODE_STREAMS || run.mode == MODE_SMALL || run.mode == MODE_LARGE)
		fault(p, "connection lost");
	finish(p);
	return false;
}

/* A record may hold more than one read takes, and the socket does not say so. */
static void on_readable(struct peer *p)
{
	while (read_once(p) && !p->done && p->ssl && SSL_pending(p->ssl))
		;
}

/* ---- TLS ---- */

static void shake_hands(struct peer *p)
{
	int blocking = 0, result;

	p->ssl = SSL_new(run.tls);
	if (!p->ssl)
		bench_die("TLS");
	ioctl(p->fd, FIONBIO, &blocking);
	SSL_set_fd(p->ssl, p->fd);
	SSL_set_tlsext_host_name(p->ssl, "bench.example");
	result = SSL_connect(p->ssl);
	if (result != 1)
		bench_die("TLS handshake");
	blocking = 1;
	ioctl(p->fd, FIONBIO, &blocking);
}

/* One after another; what is measured is the proxy. */
static int only_handshakes(uint64_t count)
{
	uint64_t started = bench_now_ns();

	for (uint64_t i = 0; i < count; i++) {
		struct peer peer = { .fd = bench_connect(run.port) };

		shake_hands(&peer);
		SSL_shutdown(peer.ssl);
		SSL_free(peer.ssl);
		close(peer.fd);
	}
	printf("{\"events\": 0, \"responses\": %llu, \"bytes\": 0, \"faults\": 0, \"seconds\": %.3f, "
	       "\"p50_us\": 0, \"p99_us\": 0}\n",
	       (unsigned long long)count, (double)(bench_now_ns() - started) / 1e9);
	return 0;
}

static void start_tls(void)
{
	run.tls = SSL_CTX_new(TLS_client_method());
	if (!run.tls)
		bench_die("TLS");
	SSL_CTX_set_ciphersuites(run.tls, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set_mode(run.tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(run.tls, SSL_SESS_CACHE_OFF);
}

static void open_all(struct peer *peers)
{
	for (uint64_t i = 0; i < run.connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &peers[i] };
		int small = 4096;

		peers[i].fd = bench_connect(run.port);
		peers[i].requests_left = run.mode == MODE_SMALL ? run.requests / run.connections
								: 1;
		if (run.mode == MODE_STUCK)
			setsockopt(peers[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
		run.open++;
		if (run.tls)
			shake_hands(&peers[i]);
		if (run.mode != MODE_STUCK)
			epoll_ctl(poller, EPOLL_CTL_ADD, peers[i].fd, &event);
		if (!run.tls)
			ask(&peers[i]);
	}
	if (!run.tls)
		return;
	printf("ready\n");
	fflush(stdout);
	usleep(300 * 1000);
	for (uint64_t i = 0; i < run.connections; i++)
		ask(&peers[i]);
}

static void serve(uint64_t until_ns)
{
	struct epoll_event events[512];

	while (run.open && bench_now_ns() < until_ns) {
		int count = epoll_wait(poller, events, COUNT(events), 100);

		for (int i = 0; i < count; i++)
			on_readable(events[i].data.ptr);
	}
}

static uint64_t quantile(double q)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < DELAY_BUCKETS; i++) {
		seen += run.delays[i];
		if ((double)seen >= q * (double)run.delay_count)
			return i;
	}
	return DELAY_BUCKETS;
}

static enum mode mode_of(const char *name)
{
	static const char *const names[] = { "streams", "small", "large", "idle", "stuck" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum mode)i;
	fprintf(stderr, "--mode is one of streams, small, large, idle, stuck\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct peer *peers;
	uint64_t started;

	bench_files_limit();
	run.mode = mode_of(bench_option(argc, argv, "--mode", ""));
	run.port = (uint16_t)bench_number(argc, argv, "--port", 0);
	run.connections = bench_number(argc, argv, "--connections", 1);
	run.events = bench_number(argc, argv, "--events", 100);
	run.interval_ms = bench_number(argc, argv, "--interval_ms", 20);
	run.requests = bench_number(argc, argv, "--requests", run.connections);
	run.bytes = bench_number(argc, argv, "--bytes", 1 << 30);
	run.seconds = bench_number(argc, argv, "--seconds", 120);
	if (bench_number(argc, argv, "--tls", 0))
		start_tls();
	if (bench_number(argc, argv, "--handshakes", 0))
		return only_handshakes(bench_number(argc, argv, "--handshakes", 0));
	peers = calloc(run.connections, sizeof *peers);
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (!peers || poller < 0)
		bench_die("start");
	started = bench_now_ns();
	open_all(peers);
	if (run.mode == MODE_IDLE || run.mode == MODE_STUCK) { /* with TLS "ready" comes twice */
		serve(bench_now_ns() + 1000000000u);
		printf("ready\n");
		fflush(stdout);
	}
	serve(bench_now_ns() + run.seconds * 1000000000u);
	if (run.mode == MODE_STUCK)
		sleep((unsigned)run.seconds);
	if (run.mode <= MODE_LARGE && run.open) {
		fprintf(stderr, "%llu connections unfinished\n", (unsigned long long)run.open);
		run.faults += run.open;
	}
	printf("{\"events\": %llu, \"responses\": %llu, \"bytes\": %llu, \"faults\": %llu, "
	       "\"seconds\": %.3f, \"p50_us\": %llu, \"p99_us\": %llu}\n",
	       (unsigned long long)run.events_seen, (unsigned long long)run.responses,
	       (unsigned long long)run.bytes_seen, (unsigned long long)run.faults,
	       (double)(bench_now_ns() - started) / 1e9, (unsigned long long)quantile(0.5),
	       (unsigned long long)quantile(0.99));
	free(peers);
	return run.faults ? 1 : 0;
}
