/*
 * The front over real loopback sockets: the loop runs in a thread of its own, the test speaks raw
 * bytes to it.
 */
#include "tests/unit/api/house.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "api/http.h"
#include "base/log.h"
#include "base/text.h"

struct server {
	struct loop *loop;
	struct api *api;
	struct api_http *http;
	uint16_t port;
	pthread_t thread;
};

/* ---- Routes ---- */

static void handle_health(void *owner, struct api_http_request *request)
{
	(void)owner;
	api_http_reply(request, 200, "text/plain", BYTES("well\n"));
}

static void handle_who(void *owner, struct api_http_request *request)
{
	char *text = arena_printf(request->arena, "%s %.*s?%.*s [%.*s] as %s", owner ? "?" : "",
				  BYTES_ARG(request->path), BYTES_ARG(request->query),
				  BYTES_ARG(request->body), request->caller->account);

	api_http_reply(request, 200, "text/plain", bytes_of(text));
}

static void handle_stream(void *owner, struct api_http_request *request)
{
	(void)owner;
	if (api_http_begin(request, 200, "text/plain", NULL) == ERR_OK) {
		api_http_push(request, BYTES("one\n"));
		api_http_push(request, BYTES("two\n"));
	}
	api_http_end(request);
}

/* Sends as much as it may, at once: what a slow reader does not take waits for it. */
static void handle_flood(void *owner, struct api_http_request *request)
{
	static char piece[16 * 1024];
	unsigned *pushed = owner;

	memset(piece, 'x', sizeof piece);
	if (api_http_begin(request, 200, "text/plain", NULL) == ERR_OK)
		while (*pushed < 4096 && api_http_push(request, bytes_make(piece, sizeof piece)))
			++*pushed;
	api_http_end(request);
}

struct patient {
	struct api_http_request *held;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned begun, gone;
};

static struct patient patient = { .lock = PTHREAD_MUTEX_INITIALIZER,
				  .changed = PTHREAD_COND_INITIALIZER };

static void count(unsigned *counter)
{
	pthread_mutex_lock(&patient.lock);
	++*counter;
	pthread_cond_broadcast(&patient.changed);
	pthread_mutex_unlock(&patient.lock);
}

static bool wait_for(const unsigned *counter, unsigned at_least)
{
	struct timespec deadline;
	int timed_out = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 10;
	pthread_mutex_lock(&patient.lock);
	while (*counter < at_least && !timed_out)
		timed_out = pthread_cond_timedwait(&patient.changed, &patient.lock, &deadline);
	pthread_mutex_unlock(&patient.lock);
	return !timed_out;
}

static void on_gone(struct api_http_request *request)
{
	CHECK(request->exchange == NULL);
	CHECK(!api_http_push(request, BYTES("to nobody")));
	api_http_end(request);
	patient.held = NULL;
	count(&patient.gone);
}

static void handle_patient(void *owner, struct api_http_request *request)
{
	(void)owner;
	CHECK_OK(api_http_begin(request, 200, "text/plain", on_gone));
	CHECK(api_http_push(request, BYTES("hello\n")));
	patient.held = request;
	count(&patient.begun);
}

static unsigned flood_pushed;
static const struct api_route routes[] = {
	{ .method = "GET",
	  .path = "/_weir/health",
	  .open = true,
	  .handle = handle_health,
	  .owner = NULL },
	{ .method = "GET",
	  .path = "/_weir/who/*",
	  .open = false,
	  .handle = handle_who,
	  .owner = NULL },
	{ .method = "POST",
	  .path = "/_weir/who/*",
	  .open = false,
	  .handle = handle_who,
	  .owner = NULL },
	{ .method = "GET",
	  .path = "/_weir/stream",
	  .open = false,
	  .handle = handle_stream,
	  .owner = NULL },
	{ .method = "GET",
	  .path = "/_weir/flood",
	  .open = false,
	  .handle = handle_flood,
	  .owner = &flood_pushed },
	{ .method = "GET",
	  .path = "/_weir/patient",
	  .open = false,
	  .handle = handle_patient,
	  .owner = NULL },
};

/* ---- Server ---- */

static void *run(void *arg)
{
	struct server *server = arg;

	loop_run(server->loop);
	return NULL;
}

static void start(struct server *server, bool verify)
{
	struct api_http_options options = {
		.keys.find = house_find_key,
		.verify = verify,
		.account = "000000000000",
		.region = "us-east-1",
		.routes = routes,
		.route_count = COUNT(routes),
	};
	struct address at, bound;
	int fd;

	log_to(-1);
	CHECK_OK(address_parse(BYTES("127.0.0.1:0"), &at));
	CHECK_OK(acceptor_bind(&at, 1, &fd, &bound));
	CHECK_OK(loop_create(&server->loop));
	server->port = bound.port;
	server->api = options.api = house_make();
	options.loop = server->loop;
	CHECK_OK(api_http_create(&options, &server->http));
	CHECK_OK(api_http_listen(server->http, fd));
	CHECK_EQ(pthread_create(&server->thread, NULL, run, server), 0);
}

static void stop(struct server *server)
{
	loop_stop(server->loop);
	pthread_join(server->thread, NULL);
	api_http_destroy(server->http);
	loop_destroy(server->loop);
	api_destroy(server->api);
}

/* ---- Client ---- */

static int dial(const struct server *server)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(server->port) };
	struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	CHECK_EQ(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void say(int fd, struct bytes bytes)
{
	while (bytes.len) {
		ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* it closed on us: the answer tells why */
		bytes = bytes_from(bytes, (size_t)n);
	}
}

/* All that comes until the server closes. */
static void hear(int fd, struct text *out)
{
	char buffer[65536];
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
		text_add(out, bytes_make(buffer, (size_t)n));
}

/* One exchange on a connection of its own; the answer with its head. */
static const char *ask(const struct server *server, const char *request)
{
	static char answer[16384];
	struct text heard = TEXT_INIT(sizeof answer - 1);
	int fd = dial(server);

	say(fd, bytes_of(request));
	hear(fd, &heard);
	close(fd);
	strcpy(answer, text_str(&heard));
	text_fini(&heard);
	return answer;
}

static void check_has(const char *answer, const char *part)
{
	CHECK(strstr(answer, part) != NULL, "\"%s\" has no \"%s\"", answer, part);
}

#define CLOSE "Host: localhost\r\nConnection: close\r\n"

/* ---- Tests ---- */

TEST(an_operation_is_called_over_a_socket)
{
	struct server server;
	const char *answer;

	start(&server, false);
	answer = ask(&server, "POST / HTTP/1.1\r\n" CLOSE "Content-Length: 41\r\n\r\n"
			      "Action=Echo&Version=2015-12-01&Port=80%30");
	check_has(answer, "HTTP/1.1 200 OK\r\n");
	check_has(answer, "x-amzn-RequestId: ");
	check_has(answer, "Content-Type: text/xml\r\n");
	check_has(answer, "Date: ");
	check_has(answer, "<Port>800</Port>");
	answer = ask(&server, "POST / HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n"
			      "5\r\nActio\r\n19\r\nn=Echo&Version=2015-12-01\r\n0\r\n\r\n");
	check_has(answer, "HTTP/1.1 200 OK\r\n");
	answer = ask(&server, "POST / HTTP/1.1\r\n" CLOSE "Content-Length: 30\r\n\r\n"
			      "Action=Fail&Version=2015-12-01");
	check_has(answer, "HTTP/1.1 400 Bad Request\r\n");
	check_has(answer, "<Code>RuleNotFound</Code>");
	stop(&server);
}

TEST(one_connection_carries_many_requests)
{
	struct server server;
	struct text heard = TEXT_INIT(1 << 20);
	int fd;

	start(&server, false);
	fd = dial(&server);
	for (int i = 0; i < 20; i++)
		say(fd, BYTES("POST /_weir/call/elbv2/Echo HTTP/1.1\r\nHost: localhost\r\n"
			      "Content-Length: 12\r\n\r\n{\"Port\":\"7\"}"));
	say(fd, BYTES("GET /_weir/health HTTP/1.1\r\n" CLOSE "\r\n"));
	hear(fd, &heard);
	close(fd);
	for (int i = 0; i < 20; i++) {
		size_t at = bytes_find(text_bytes(&heard), BYTES("\"Port\":7"));

		CHECK(at != SIZE_MAX, "answer %d", i);
		heard.at[at] = '#';
	}
	check_has(text_str(&heard), "well\n");
	text_fini(&heard);
	stop(&server);
}

static const struct {
	const char *name, *request, *first, *second;
} cases[] = {
	{ "an open route",
	  "GET /_weir/health HTTP/1.1\r\nHost: evil.com\r\nConnection: close\r\n\r\n",
	  "HTTP/1.1 200 OK", "\r\n\r\nwell\n" },
	{ "HEAD of a route", "HEAD /_weir/health HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200 OK",
	  "Content-Length: 5\r\n" },
	{ "a route with a rest", "GET /_weir/who/a/b?c=d HTTP/1.1\r\n" CLOSE "\r\n", "200 OK",
	  " /_weir/who/a/b?c=d [] as 000000000000" },
	{ "a route with a body",
	  "POST /_weir/who/x HTTP/1.1\r\n" CLOSE "Content-Length: 2\r\n\r\nhi", "200 OK",
	  " /_weir/who/x? [hi] as 000000000000" },
	{ "another method", "DELETE /_weir/health HTTP/1.1\r\n" CLOSE "\r\n", "405 ",
	  "{\"code\":\"MethodNotAllowed\"" },
	{ "GET of a call", "GET /_weir/call/elbv2/Echo HTTP/1.1\r\n" CLOSE "\r\n", "405 ",
	  "{\"code\":\"MethodNotAllowed\"" },
	{ "nothing there", "GET /favicon.ico HTTP/1.1\r\n" CLOSE "\r\n",
	  "HTTP/1.1 404 Not Found\r\n", "Content-Type: application/json\r\n" },
	{ "HEAD of nothing", "HEAD /nothing HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 404 Not Found",
	  "" },
	{ "nothing of ours", "POST /_weir/moon HTTP/1.1\r\n" CLOSE "Content-Length: 0\r\n\r\n",
	  "404 ", "{\"code\":\"NotFound\"" },
	{ "a person at the door", "GET / HTTP/1.1\r\n" CLOSE "\r\n", "404 ",
	  "AWS requests go to /" },
	{ "a page of elsewhere",
	  "POST / HTTP/1.1\r\n" CLOSE "Origin: https://evil.com\r\nContent-Length: 0\r\n\r\n",
	  "HTTP/1.1 403 Forbidden", "<Code>AccessDenied</Code>" },
	{ "a page of elsewhere at a route",
	  "POST /_weir/who/x HTTP/1.1\r\n" CLOSE
	  "Origin: https://evil.com\r\nContent-Length: 0\r\n\r\n",
	  "HTTP/1.1 403 Forbidden", "{\"code\":\"AccessDenied\"" },
	{ "a browser that asks first",
	  "OPTIONS /_weir/call/elbv2/Echo HTTP/1.1\r\n" CLOSE "Origin: https://evil.com\r\n\r\n",
	  "405 ", "{\"code\":\"MethodNotAllowed\"" },
	{ "a stream", "GET /_weir/stream HTTP/1.1\r\n" CLOSE "\r\n", "200 OK", "two\n" },
	{ "no HTTP", "hello\r\n\r\n", "HTTP/1.1 400 Bad Request", "{\"code\":\"BadRequest\"" },
	{ "too large", "POST / HTTP/1.1\r\n" CLOSE "Content-Length: 16777217\r\n\r\n", "413 ",
	  "{\"code\":\"RequestEntityTooLarge\"" },
};

TEST(each_request_gets_the_answer_it_deserves)
{
	struct server server;

	start(&server, false);
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *answer = ask(&server, cases[i].request);

		CHECK(strstr(answer, cases[i].first) && strstr(answer, cases[i].second), "%s: %s",
		      cases[i].name, answer);
	}
	stop(&server);
}

TEST(with_signatures_asked_for_only_open_routes_are_open)
{
	struct server server;

	start(&server, true);
	check_has(ask(&server, "GET /_weir/health HTTP/1.1\r\n" CLOSE "\r\n"), "well\n");
	check_has(ask(&server, "GET /_weir/who/x HTTP/1.1\r\n" CLOSE "\r\n"),
		  "{\"code\":\"MissingAuthenticationToken\"");
	check_has(ask(&server, "POST /_weir/call/elbv2/Echo HTTP/1.1\r\n" CLOSE
			       "Content-Length: 2\r\n\r\n{}"),
		  "{\"code\":\"MissingAuthenticationToken\"");
	check_has(ask(&server, "POST / HTTP/1.1\r\n" CLOSE "Content-Length: 30\r\n\r\n"
			       "Action=Echo&Version=2015-12-01"),
		  "<Code>MissingAuthenticationToken</Code>");
	stop(&server);
}

TEST(a_request_cut_anywhere_is_answered_the_same)
{
	static const char request[] = "POST /_weir/call/elbv2/Echo HTTP/1.1\r\n" CLOSE
				      "Content-Length: 12\r\n\r\n{\"Port\":\"7\"}";
	struct server server;

	start(&server, false);
	for (size_t cut = 1; cut < sizeof request - 1; cut += 7) {
		struct text heard = TEXT_INIT(1 << 16);
		int fd = dial(&server);

		say(fd, bytes_make(request, cut));
		usleep(1000);
		say(fd, bytes_make(request + cut, sizeof request - 1 - cut));
		hear(fd, &heard);
		close(fd);
		CHECK(bytes_find(text_bytes(&heard), BYTES("\"Port\":7")) != SIZE_MAX,
		      "cut at %zu: %s", cut, text_str(&heard));
		text_fini(&heard);
	}
	stop(&server);
}

TEST(a_large_body_is_taken_and_a_larger_one_is_not)
{
	struct server server;
	size_t size = 16 * 1024 * 1024;
	char *body = malloc(size + 1);
	struct text heard = TEXT_INIT(1 << 16);
	char chunk[32];
	int fd;

	CHECK(body != NULL);
	memset(body, ' ', size);
	memcpy(body, "{}", 2);
	start(&server, false);
	fd = dial(&server);
	say(fd, BYTES("POST /_weir/call/elbv2/Echo HTTP/1.1\r\n" CLOSE
		      "Content-Length: 16777216\r\n\r\n"));
	say(fd, bytes_make(body, size));
	hear(fd, &heard);
	close(fd);
	check_has(text_str(&heard), "HTTP/1.1 200 OK");

	text_clear(&heard);
	fd = dial(&server);
	say(fd, BYTES("POST /_weir/call/elbv2/Echo HTTP/1.1\r\n" CLOSE
		      "Transfer-Encoding: chunked\r\n\r\n"));
	snprintf(chunk, sizeof chunk, "%zx\r\n", size + 1);
	say(fd, bytes_of(chunk));
	say(fd, bytes_make(body, size));
	say(fd, BYTES("x\r\n0\r\n\r\n"));
	hear(fd, &heard);
	close(fd);
	check_has(text_str(&heard), "HTTP/1.1 413 ");
	free(body);
	text_fini(&heard);
	stop(&server);
}

TEST(a_caller_that_leaves_is_noticed)
{
	struct server server;
	char buffer[4096];
	int fd;

	patient.begun = patient.gone = 0;
	start(&server, false);
	fd = dial(&server);
	say(fd, BYTES("GET /_weir/patient HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	CHECK(wait_for(&patient.begun, 1));
	CHECK(recv(fd, buffer, sizeof buffer, 0) > 0);
	close(fd);
	CHECK(wait_for(&patient.gone, 1), "nobody noticed");
	stop(&server);
}

TEST(a_front_that_goes_tells_those_who_stream)
{
	struct server server;
	int fd;

	patient.begun = patient.gone = 0;
	start(&server, false);
	fd = dial(&server);
	say(fd, BYTES("GET /_weir/patient HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	CHECK(wait_for(&patient.begun, 1));
	stop(&server);
	CHECK_EQ(patient.gone, 1);
	close(fd);
}

TEST(half_a_request_is_forgotten_with_its_sender)
{
	struct server server;

	start(&server, false);
	for (int i = 0; i < 10; i++) {
		int fd = dial(&server);

		say(fd,
		    BYTES("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc"));
		close(fd); /* the leak checker is the judge */
	}
	check_has(ask(&server, "GET /_weir/health HTTP/1.1\r\n" CLOSE "\r\n"), "well\n");
	stop(&server);
}

TEST(a_reader_that_is_too_slow_is_cut_and_sees_it)
{
	struct server server;
	struct text heard = TEXT_INIT(128 * 1024 * 1024);
	int fd;

	flood_pushed = 0;
	start(&server, false);
	fd = dial(&server);
	say(fd, BYTES("GET /_weir/flood HTTP/1.1\r\n" CLOSE "\r\n"));
	usleep(200 * 1000);
	hear(fd, &heard);
	close(fd);
	CHECK(flood_pushed < 4096, "64 MiB were taken for a reader that does not read");
	CHECK(!bytes_ends(text_bytes(&heard), BYTES("\r\n0\r\n\r\n")), "the answer looks whole");
	text_fini(&heard);
	stop(&server);
}

TEST(who_is_slow_with_a_head_loses_the_place_to_who_comes)
{
	enum { SLOW = 300 };
	struct server server;
	char byte;
	int slow[SLOW], working;

	patient.begun = patient.gone = 0;
	start(&server, false);
	working = dial(&server);
	say(working, BYTES("GET /_weir/patient HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	CHECK(wait_for(&patient.begun, 1));
	for (int i = 0; i < SLOW; i++) {
		slow[i] = dial(&server);
		say(slow[i], BYTES("GET /_weir/health HTTP/1.1\r\nHo"));
	}
	check_has(ask(&server, "GET /_weir/health HTTP/1.1\r\n" CLOSE "\r\n"), "well\n");
	CHECK_EQ(recv(slow[0], &byte, 1, 0), 0, "the oldest of them went first");
	say(slow[SLOW - 1], BYTES("st: localhost\r\n\r\n"));
	CHECK_EQ(recv(slow[SLOW - 1], &byte, 1, 0), 1, "the last one may end its head");
	CHECK_EQ(patient.gone, 0, "a request that runs is nobody's place");
	for (int i = 0; i < SLOW; i++)
		close(slow[i]);
	close(working);
	CHECK(wait_for(&patient.gone, 1));
	stop(&server);
}
