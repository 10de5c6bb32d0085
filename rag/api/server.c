#include "rag/api/server.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "crypto/random.h"
#include "http/uri.h"
#include "rag/api/call.h"
#include "rag/api/reply.h"

enum {
	/* Longer than a balancer keeps an idle connection, so that it is never ours to close first.
	 */
	CONN_IDLE_MS = 200 * 1000,
	BODY_STALL_MS = 30 * 1000,
	HEAD_COPY_MAX = 16 * 1024,
	LARGE_BYTES_MAX = 256 * 1024 * 1024,
	STOP_GRACE_MS = 500, /* for the last bytes of the last answers */
};

struct client {
	struct list_node link;
	struct server *server;
	struct conn *conn;
	char peer[ADDRESS_TEXT_BYTES]; /* without its port */
};

struct server {
	struct service *service;
	struct acceptor *acceptor;
	struct list_node clients, calls;
	struct timer drain; /* polls for the last chat, then ends what is left */
	uint64_t drain_until_ms;
	bool stopping, stopped;
	void (*on_stopped)(struct service *service);
};

/* ---- Calls ---- */

static void call_free(struct call *call)
{
	timer_cancel(&call->stall);
	call->service->upload_bytes -= call->large_bytes;
	list_remove(&call->link);
	text_fini(&call->body);
	arena_fini(&call->arena);
	free(call);
}

/* The request has been answered, or a chat took it over. */
static void call_settle(struct call *call)
{
	timer_cancel(&call->stall);
	if (call->chat || call->on_left)
		return;
	exchange_close(call->x);
	call_free(call);
}

static void call_refuse(struct call *call, enum fault_kind kind, const char *words)
{
	struct fault fault;

	fault_set(&fault, kind, "", "%s", words);
	reply_fault(&call->to, &fault);
	call_settle(call);
}

static void refuse_large(struct call *call)
{
	char words[80];

	snprintf(words, sizeof words, "The body is larger than %zu bytes.", call->body.max);
	call_refuse(call, FAULT_TOO_LARGE, words);
}

/* Large bodies wait in memory until they are whole: so many bytes of them, and no more. */
static bool admit_large(struct call *call, const struct http_head *head)
{
	uint64_t wanted = call->body.max;

	if (wanted <= REQUEST_MAX_BYTES)
		return true;
	if (head->framing == HTTP_BODY_LENGTH)
		wanted = head->length;
	if (wanted <= REQUEST_MAX_BYTES)
		return true;
	if (call->service->upload_bytes && call->service->upload_bytes + wanted > LARGE_BYTES_MAX)
		return false;
	call->large_bytes = wanted;
	call->service->upload_bytes += wanted;
	return true;
}

static void on_body_stall(struct timer *timer)
{
	call_refuse(container_of(timer, struct call, stall), FAULT_TIMEOUT,
		    "The body of the request stopped coming.");
}

void call_over(void *owner)
{
	call_free(owner);
}

void call_answered(struct call *call)
{
	call->on_left = NULL;
	call_settle(call);
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct call *call = owner;

	(void)x;
	if (call->chat || call->on_left)
		return;
	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&call->body, body->data[i]);
	if (text_err(&call->body)) {
		refuse_large(call);
		return;
	}
	if (!body->end) {
		timer_set(call->service->loop, &call->stall,
			  loop_now_ms(call->service->loop) + BODY_STALL_MS);
		return;
	}
	routes_handle(call);
	call_settle(call);
}

static void on_drained(struct exchange *x, void *owner)
{
	struct call *call = owner;

	(void)x;
	if (call->chat)
		chat_drained(call->chat);
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct call *call = owner;

	(void)x;
	(void)why;
	if (!call->to.status)
		counts_request(call->to.counts, call->to.route, COUNTS_LEFT);
	if (call->chat)
		chat_client_left(call->chat);
	else if (call->on_left)
		call->on_left(call);
	call_free(call);
}

static const struct exchange_events exchange_table = {
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

/* A client's own id is kept when it is fit for a header and a log line. */
static void request_id_choose(const struct http_head *head, char out[REQUEST_ID_BYTES])
{
	struct bytes given = http_value(head, BYTES("X-Request-Id"));
	bool fit = given.len > 0 && given.len < REQUEST_ID_BYTES;

	for (size_t i = 0; i < given.len && fit; i++)
		fit = given.at[i] > ' ' && given.at[i] < 0x7F;
	if (fit) {
		memcpy(out, given.at, given.len);
		out[given.len] = '\0';
	} else {
		memcpy(out, "req_", 4);
		random_hex(out + 4, 24);
	}
}

/* Passed on to a model when it is of W3C's form: two, 32, 16 and two hexadecimal digits. */
static void traceparent_take(const struct http_head *head, char out[TRACEPARENT_BYTES])
{
	static const char form[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
	struct bytes given = http_value(head, BYTES("traceparent"));

	_Static_assert(sizeof form == TRACEPARENT_BYTES, "as long as that");
	if (given.len != sizeof form - 1)
		return;
	for (size_t i = 0; i < given.len; i++)
		if (form[i] == 'x' ? !strchr("0123456789abcdef", given.at[i]) || !given.at[i]
				   : given.at[i] != form[i])
			return;
	memcpy(out, given.at, given.len);
	out[given.len] = '\0';
}

static err_t head_copy(struct call *call, const struct http_head *head)
{
	static const struct {
		const char *name;
		size_t at;
	} copied[] = {
		{ "Content-Type", offsetof(struct call, content_type) },
		{ "Accept", offsetof(struct call, accept) },
		{ "X-API-Key", offsetof(struct call, x_api_key) },
		{ "Authorization", offsetof(struct call, authorization) },
		{ "Idempotency-Key", offsetof(struct call, idempotency_key) },
		{ "Last-Event-ID", offsetof(struct call, last_event_id) },
	};
	struct uri uri = { .path = BYTES_NONE };

	request_id_choose(head, call->request_id);
	traceparent_take(head, call->traceparent);
	TRY(uri_parse_target(head->target, &uri));
	TRY(arena_copy(&call->arena, head->method, &call->method));
	TRY(arena_copy(&call->arena, uri.path, &call->path));
	TRY(arena_copy(&call->arena, uri.query, &call->query));
	for (size_t i = 0; i < COUNT(copied); i++)
		TRY(arena_copy(&call->arena, http_value(head, bytes_of(copied[i].name)),
			       (struct bytes *)((char *)call + copied[i].at)));
	return ERR_OK;
}

static struct call *call_create(struct server *server, struct exchange *x)
{
	struct call *call = calloc(1, sizeof *call);

	if (!call)
		return NULL;
	call->service = server->service;
	call->x = x;
	call->to = (struct reply_to){ .x = x,
				      .request_id = call->request_id,
				      .counts = &server->service->counts };
	call->stall.on_expired = on_body_stall;
	arena_init(&call->arena, HEAD_COPY_MAX);
	text_init(&call->body, REQUEST_MAX_BYTES);
	list_append(&server->calls, &call->link);
	exchange_accept(x, &exchange_table, call);
	return call;
}

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct client *client = owner;
	struct call *call = call_create(client->server, x);
	err_t err;

	(void)finding; /* the parser is strict already; classes are for a balancer's modes */
	if (!call) {
		exchange_close_conn(x);
		return;
	}
	call->peer = bytes_of(client->peer);
	err = head_copy(call, head);
	if (err) {
		call_refuse(call, err == ERR_SYNTAX ? FAULT_BAD_REQUEST : FAULT_FIELDS_TOO_LARGE,
			    "The head of the request cannot be read.");
		return;
	}
	call->body.max = routes_body_max(call);
	if (head->framing == HTTP_BODY_LENGTH && head->length > call->body.max) {
		refuse_large(call);
		return;
	}
	if (!admit_large(call, head)) {
		call_refuse(call, FAULT_QUEUE_FULL, "Too many large requests are being received.");
		return;
	}
	exchange_forget_head(x);
	timer_set(call->service->loop, &call->stall,
		  loop_now_ms(call->service->loop) + BODY_STALL_MS);
}

static enum fault_kind fault_of(err_t why)
{
	switch (why) {
	case ERR_URI_TOO_LARGE: return FAULT_URI_TOO_LARGE;
	case ERR_FIELDS_TOO_LARGE: return FAULT_FIELDS_TOO_LARGE;
	case ERR_BAD_VERSION: return FAULT_VERSION;
	case ERR_BAD_CODING: return FAULT_CODING;
	case ERR_EXPIRED: return FAULT_TIMEOUT;
	default: return FAULT_BAD_REQUEST;
	}
}

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	struct client *client = owner;
	struct call *call = call_create(client->server, x);

	(void)finding;
	if (!call) {
		exchange_close_conn(x);
		return;
	}
	request_id_choose(head, call->request_id);
	call_refuse(call, fault_of(why), err_words(why));
}

/* ---- Connections ---- */

static void stop_if_empty(struct server *server)
{
	if (!server->stopping || server->stopped || !list_empty(&server->clients))
		return;
	server->stopped = true;
	timer_cancel(&server->drain);
	server->on_stopped(server->service);
}

static void client_forget(struct client *client)
{
	struct server *server = client->server;

	list_remove(&client->link);
	free(client);
	stop_if_empty(server);
}

static void on_closed(void *owner, struct conn *conn)
{
	(void)conn;
	client_forget(owner);
}

static const struct conn_server_events conn_table = {
	.on_exchange = on_exchange,
	.on_rejected = on_rejected,
	.on_closed = on_closed,
};

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct server *server = owner;
	struct client *client = calloc(1, sizeof *client);
	struct conn_server_options options = {
		.loop = server->service->loop,
		.events = &conn_table,
		.owner = client,
		.idle_ms = CONN_IDLE_MS,
	};

	if (!client) {
		socket_close(socket);
		return;
	}
	client->server = server;
	address_format_ip(peer, client->peer);
	if (conn_serve(socket, &options, &client->conn)) {
		free(client);
		return;
	}
	list_append(&server->clients, &client->link);
}

static const struct acceptor_events acceptor_table = { .on_accepted = on_accepted };

/* ---- The end ---- */

void server_stop(struct server *server)
{
	server->stopping = true;
	acceptor_close(server->acceptor);
	server->acceptor = NULL;
	list_for_each_safe (&server->clients, node) {
		struct client *client = container_of(node, struct client, link);

		conn_destroy(client->conn); /* its calls hear on_failed first */
		list_remove(&client->link);
		free(client);
	}
	stop_if_empty(server);
}

static void drain_connections(struct server *server)
{
	server->stopping = true;
	acceptor_close(server->acceptor);
	server->acceptor = NULL;
	list_for_each_safe (&server->clients, node)
		conn_drain(container_of(node, struct client, link)->conn);
	timer_set(server->service->loop, &server->drain,
		  loop_now_ms(server->service->loop) + STOP_GRACE_MS);
	stop_if_empty(server);
}

static void on_drain(struct timer *timer)
{
	struct server *server = container_of(timer, struct server, drain);
	uint64_t now_ms = loop_now_ms(server->service->loop);

	if (server->stopping) {
		server_stop(server);
	} else if (server->service->chat_count == 0 || now_ms >= server->drain_until_ms) {
		if (server->service->chat_count)
			log_warn("rag", "%u answers are cut: the time to drain is over",
				 server->service->chat_count);
		drain_connections(server);
	} else {
		timer_set(server->service->loop, &server->drain, now_ms + 50);
	}
}

void server_drain(struct server *server)
{
	uint64_t now_ms = loop_now_ms(server->service->loop);

	if (server->service->draining)
		return;
	server->service->draining = true;
	server->drain_until_ms = now_ms + server->service->settings->drain_ms;
	log_info("rag", "draining: %u answers in progress", server->service->chat_count);
	timer_set(server->service->loop, &server->drain, now_ms);
}

err_t server_open(struct service *service, int listen_fd,
		  void (*on_stopped)(struct service *service), struct server **ret_server)
{
	struct server *server = calloc(1, sizeof *server);
	err_t err;

	if (!server) {
		acceptor_discard(listen_fd);
		return ERR_NOMEM;
	}
	server->service = service;
	server->on_stopped = on_stopped;
	server->drain.on_expired = on_drain;
	list_init(&server->clients);
	list_init(&server->calls);
	err = acceptor_open(service->loop, listen_fd, &acceptor_table, server, &server->acceptor);
	if (err) {
		acceptor_discard(listen_fd);
		free(server);
		return err;
	}
	*ret_server = server;
	return ERR_OK;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	assert(list_empty(&server->clients) && list_empty(&server->calls));
	acceptor_close(server->acceptor);
	timer_cancel(&server->drain);
	free(server);
}
