/*
 * The front on its connections. A request goes READING → HANDED → (STREAMING → ENDING →) gone, or
 * takes a side way:
 *
 *   READING    its body comes in; nobody else knows of it, and the peer's leaving frees it
 *   PASSING    it and its answer are passed on, to and from another endpoint (http_pass.c)
 *   RECEIVING  its body comes in and goes to its operation, piece by piece (http_body.c)
 *   HANDED     complete; the answer is being made, mostly in the same turn
 *   SENDING    an operation's body goes out, piece by piece (http_body.c)
 *   STREAMING  a route sends its answer in pieces
 *   ENDING     the route is through, the last pieces wait for a slow reader
 *
 * HANDED and STREAMING requests belong to whoever answers, and outlive their exchange if need be.
 */
#include "api/http.h"

#include <stdlib.h>

#include "api/http_internal.h"
#include "api/rest.h"
#include "api/sigv4.h"
#include "base/log.h"
#include "base/when.h"
#include "crypto/random.h"
#include "http/uri.h"
#include "net/transfer.h"

enum {
	CLIENTS_MAX = 512,
	BODIES_BYTES_MAX = 256 * 1024 * 1024,	    /* of all requests being read, together */
	REQUEST_ARENA_BYTES_MAX = 20 * 1024 * 1024, /* a body once more, and a head */
	IDLE_MS = 65 * 1000,	/* longer than SDKs keep a connection for reuse */
	STALLED_MS = 30 * 1000, /* no byte of a body for so long */
};

struct client {
	struct api_http *http;
	struct conn *conn;
	struct list_node link;
};

static struct request *request_of(struct api_http_request *seen)
{
	return container_of(seen, struct request, seen);
}

/* ---- Answers ---- */

enum { OWN_FIELDS_MAX = 7, FIELDS_MAX = OWN_FIELDS_MAX + REST_FIELDS_MAX };

/* What an answer's head says beside what all say. */
struct answer_head {
	unsigned status;
	const char *content_type, *query_error; /* NULL, or "": none */
	const struct http_field *fields;	/* further ones */
	unsigned field_count;
	bool bare; /* nothing of the house's in it */
	bool own;  /* the same, but for the request's id */
};

/* S3's own names for a request; who asks for help there tells them. */
static unsigned add_bare_fields(struct request *request, struct http_field *fields)
{
	fields[0] = (struct http_field){ BYTES("x-amz-request-id"), bytes_of(request->request_id) };
	fields[1] = (struct http_field){ BYTES("x-amz-id-2"), bytes_of(request->request_id) };
	return 2;
}

static unsigned add_house_fields(struct request *request, struct http_field *fields, bool own)
{
	fields[0] = (struct http_field){ BYTES("x-amzn-RequestId"), bytes_of(request->request_id) };
	if (own)
		return 1;
	fields[1] = (struct http_field){ BYTES("Cache-Control"), BYTES("no-store") };
	fields[2] = (struct http_field){ BYTES("X-Content-Type-Options"), BYTES("nosniff") };
	return 3;
}

static err_t send_head(struct request *request, const struct answer_head *answer,
		       enum http_framing framing, uint64_t length)
{
	const char *content_type = answer->content_type, *query_error = answer->query_error;
	struct http_field fields[FIELDS_MAX];
	struct http_head head = { .is_response = true, .version = HTTP_1_1, .fields = fields };
	char date[WHEN_HTTP_BYTES + 1];
	unsigned n = 0;

	when_http(loop_unix_us(request->http->options.loop) / 1000, date);
	n = answer->bare ? add_bare_fields(request, fields)
			 : add_house_fields(request, fields, answer->own);
	/* SDKs whose clock is off learn the time from here. */
	fields[n++] = (struct http_field){ BYTES("Date"), bytes_of(date) };
	if (content_type)
		fields[n++] = (struct http_field){ BYTES("Content-Type"), bytes_of(content_type) };
	if (content_type && strcmp(content_type, "application/cbor") == 0)
		fields[n++] = (struct http_field){ BYTES("Smithy-Protocol"), BYTES("rpc-v2-cbor") };
	if (query_error && query_error[0])
		fields[n++] = (struct http_field){ BYTES("x-amzn-query-error"),
						   bytes_of(query_error) };
	assert(n <= OWN_FIELDS_MAX && answer->field_count <= REST_FIELDS_MAX);
	for (unsigned i = 0; i < answer->field_count; i++)
		fields[n++] = answer->fields[i];
	head.status = (uint16_t)answer->status;
	head.reason = bytes_of(http_reason(head.status));
	head.field_count = n;
	head.framing = framing;
	head.length = length;
	return exchange_send_head(request->seen.exchange, &head);
}

void http_free_request(struct request *request)
{
	if (request->http) {
		request->http->bodies_bytes -= request->body.len;
		list_remove(&request->link);
	}
	timer_cancel(&request->stalled);
	text_fini(&request->body);
	text_fini(&request->behind);
	arena_fini(&request->arena);
	free(request);
}

/* The whole answer, the end of the exchange, and of the request. */
static void answer(struct request *request, const struct answer_head *head, struct bytes body,
		   bool close_conn)
{
	struct exchange *x = request->seen.exchange;

	if (x) {
		err_t err = send_head(request, head, HTTP_BODY_LENGTH, body.len);

		if (!err && body.len)
			exchange_send_data(x, body, true);
		if (err)
			log_warn("api", "no answer could be sent: %s", err_words(err));
		request->seen.exchange = NULL;
		if (err || close_conn)
			exchange_close_conn(x);
		else
			exchange_close(x);
	}
	http_free_request(request);
}

static struct answer_head head_of(const struct front_reply *reply)
{
	return (struct answer_head){
		.status = reply->status,
		.content_type = reply->content_type,
		.query_error = reply->query_error,
		.fields = reply->fields,
		.field_count = reply->field_count,
		.bare = reply->bare,
	};
}

err_t http_send_reply_head(struct request *request, const struct front_reply *reply,
			   uint64_t length)
{
	struct answer_head head = head_of(reply);

	return send_head(request, &head, HTTP_BODY_LENGTH, length);
}

err_t http_send_passed_head(struct request *request, const struct front_reply *reply,
			    enum http_framing framing, uint64_t length)
{
	struct answer_head head = head_of(reply);

	random_uuid(request->request_id);
	return send_head(request, &head, framing, length);
}

void http_answer_reply(struct request *request, struct front_reply *reply, bool close_conn)
{
	struct answer_head head = head_of(reply);

	memcpy(request->request_id, reply->request_id, sizeof request->request_id);
	if (reply->outlet)
		download_begin(request, reply);
	else
		answer(request, &head, text_bytes(&reply->body), close_conn);
	text_fini(&reply->body);
}

static void answer_reply(struct request *request, struct front_reply *reply)
{
	http_answer_reply(request, reply, false);
}

/* The house's own refusals: JSON, and when the request was not read to its end, no further ones. */
static void answer_fault(struct request *request, unsigned status, const char *code,
			 const char *message, bool close_conn)
{
	struct answer_head head = { .status = status };
	struct api_fault fault;
	struct front_reply reply;

	front_reply_init(&reply);
	fault_set(&fault, code, "%s", message);
	front_fault(&fault, &reply);
	memcpy(request->request_id, reply.request_id, sizeof request->request_id);
	head.content_type = reply.content_type;
	answer(request, &head, text_bytes(&reply.body), close_conn);
	text_fini(&reply.body);
}

/* ---- Dispatch ---- */

static bool path_fits(const struct api_route *route, struct bytes path)
{
	struct bytes wanted = bytes_of(route->path);

	if (wanted.len && wanted.at[wanted.len - 1] == '*')
		return bytes_starts(path, bytes_upto(wanted, wanted.len - 1));
	return bytes_eq(path, wanted);
}

/* *ret_other: the path is there, but not for this method. */
static const struct api_route *find_route(const struct api_http *http, struct bytes host,
					  struct bytes method, struct bytes path, bool *ret_other)
{
	struct bytes wanted = bytes_eq_str(method, "HEAD") ? BYTES("GET") : method;

	*ret_other = false;
	for (size_t i = 0; i < http->options.route_count; i++) {
		const struct api_route *route = &http->options.routes[i];

		if (route->host && bytes_find(host, bytes_of(route->host)) != SIZE_MAX)
			return route;
	}
	for (size_t i = 0; i < http->options.route_count; i++) {
		const struct api_route *route = &http->options.routes[i];

		if (route->host || !path_fits(route, path))
			continue;
		if (bytes_eq_str(wanted, route->method))
			return route;
		*ret_other = true;
	}
	return NULL;
}

/* Is it for an AWS service? A person's GET of "/" is not, and deserves a plain answer. */
static bool is_for_aws(const struct request *request)
{
	const struct http_head *head = request->seen.head;
	struct sigv4_identity claim;
	bool root = bytes_eq_str(request->seen.path, "/");

	if (bytes_starts(request->seen.path, BYTES("/_")))
		return false;
	if (sigv4_claim(head, &claim) != SIGV4_MISSING || http_find(head, BYTES("X-Amz-Target")) ||
	    http_find(head, BYTES("Smithy-Protocol")))
		return true;
	if (root)
		return bytes_eq_str(head->method, "POST") ||
		       (bytes_eq_str(head->method, "GET") && request->seen.query.len);
	return front_is_rest(&request->http->front, head, request->seen.path, request->seen.query);
}

static const struct bytes call_prefix = { "/_weir/call/", 12 };

static void dispatch_route(struct request *request, const struct api_route *route,
			   const struct front_request *whole)
{
	bool open = route->open;
	struct sigv4_identity claim;
	struct api_fault fault;
	struct front_reply reply;

	/* Hosts of their own are open, and still believe nobody who signs falsely. */
	if (route->host && sigv4_claim(whole->head, &claim) != SIGV4_MISSING)
		open = false;
	if (front_caller(&request->http->front, whole, open, &request->caller, &fault)) {
		front_reply_init(&reply);
		front_fault(&fault, &reply);
		answer_reply(request, &reply);
		return;
	}
	/* The house's own paths are no operations a policy could name: the root's alone. */
	if (!route->open && !request->caller.is_root) {
		fault_set(&fault, "AccessDenied", "%.*s is for the root of the account alone",
			  BYTES_ARG(whole->path));
		front_reply_init(&reply);
		front_fault(&fault, &reply);
		answer_reply(request, &reply);
		return;
	}
	request->seen.caller = &request->caller;
	route->handle(route->owner, &request->seen);
}

/* ---- Answers that come later ---- */

struct waiting {
	struct request *request;
	struct front_waiting *front;
	char request_id[37];
};

static void on_later_done(struct api_later *later, json_t *output, const struct api_fault *fault)
{
	struct waiting *waiting = later->asker;
	struct request *request = waiting->request;
	const struct front_request whole = {
		.head = request->seen.head,
		.path = request->seen.path,
		.query = request->seen.query,
		.arena = &request->arena,
	};
	struct front_reply reply;

	front_reply_init(&reply);
	memcpy(reply.request_id, waiting->request_id, sizeof reply.request_id);
	front_later(waiting->front, &whole, output, fault, &reply);
	http_answer_reply(request, &reply, false);
}

/* The request stays HANDED until the answer comes; its caller may leave meanwhile. */
static void await(struct request *request, struct front_reply *reply)
{
	struct waiting *waiting = arena_new(&request->arena, struct waiting);
	struct api_later *later = reply->later;

	if (!waiting) {
		later->drop(later);
		answer_fault(request, 500, "InternalFailure", err_words(ERR_NOMEM), false);
		return;
	}
	*waiting = (struct waiting){ request, reply->waiting, "" };
	memcpy(waiting->request_id, reply->request_id, sizeof waiting->request_id);
	memcpy(request->request_id, reply->request_id, sizeof request->request_id);
	request->seen.caller = &request->caller;
	later->done = on_later_done;
	later->asker = waiting;
	later->request = &request->seen;
	text_fini(&reply->body);
	later->begin(later);
}

static void dispatch_operation(struct request *request, bool house,
			       const struct front_request *whole)
{
	const struct front *front = &request->http->front;
	struct api_fault fault;
	struct front_reply reply;
	err_t err;

	front_reply_init(&reply);
	err = front_caller(front, whole, false, &request->caller, &fault);
	if (err && house)
		front_fault(&fault, &reply);
	else if (err)
		front_refuse(front, whole, &fault, &reply);
	else if (house)
		front_call(front, whole, bytes_from(whole->path, call_prefix.len), &request->caller,
			   &reply);
	else
		front_answer(front, whole, &request->caller, &reply);
	if (reply.later)
		await(request, &reply);
	else
		answer_reply(request, &reply);
}

static void dispatch(struct request *request)
{
	struct api_http *http = request->http;
	struct bytes path = request->seen.path, method = request->seen.head->method;
	struct front_request whole = {
		.head = request->seen.head,
		.path = path,
		.query = request->seen.query,
		.body = request->seen.body,
		.peer = request->peer,
		.now_unix_ms = loop_unix_us(http->options.loop) / 1000,
		.arena = &request->arena,
	};
	bool other_method, house = bytes_starts(path, call_prefix);
	const struct api_route *route = find_route(http, request->seen.head->authority, method,
						   path, &other_method);

	if (route)
		dispatch_route(request, route, &whole);
	else if (other_method || (house && !bytes_eq_str(method, "POST")))
		answer_fault(request, 405, "MethodNotAllowed",
			     "This path does not take that method", false);
	else if (house || is_for_aws(request))
		dispatch_operation(request, house, &whole);
	else
		answer_fault(request, 404, "NotFound",
			     "Nothing is here. AWS requests go to /, and /_weir/health tells "
			     "whether Weir is well",
			     false);
}

/*
 * The head becomes the request's own: handlers keep it past the exchange, and its bytes move when
 * the callback that brought it returns. False: it was answered instead.
 */
static bool keep_head(struct request *request)
{
	struct uri uri;
	err_t err;

	if (!request->head)
		return true;
	err = http_head_copy(request->head, &request->arena, &request->head_copy);
	request->head = NULL;
	exchange_forget_head(request->seen.exchange);
	if (!err && uri_parse_target(request->head_copy.target, &uri)) {
		answer_fault(request, 400, "BadRequest", "The request target is malformed", true);
		return false;
	}
	if (!err)
		err = front_path(&request->http->front, &request->head_copy, &request->arena,
				 uri.path, &request->seen.path);
	if (err) {
		answer_fault(request, 500, "InternalFailure", err_words(err), true);
		return false;
	}
	request->seen.head = &request->head_copy;
	request->seen.query = uri.query;
	return true;
}

/* The request is complete. */
static void hand_over(struct request *request)
{
	timer_cancel(&request->stalled);
	request->phase = HANDED;
	if (!keep_head(request))
		return;
	request->seen.body = text_bytes(&request->body);
	dispatch(request);
}

/* ---- Exchanges ---- */

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct request *request = owner;
	struct api_http *http = request->http;
	size_t before = request->body.len;

	(void)x;
	if (request->phase == PASSING) {
		pass_on_body(request, body); /* maybe its end */
		return;
	}
	if (request->phase == RECEIVING)
		upload_on_body(request, body);
	if (request->phase != READING)
		return;
	for (unsigned i = 0; i < body->data_count; i++)
		text_add(&request->body, body->data[i]);
	http->bodies_bytes += request->body.len - before;
	if (text_err(&request->body) == ERR_TOO_LARGE) {
		answer_fault(request, 413, "RequestEntityTooLarge",
			     "A request can have at most 16 MiB", true);
	} else if (text_err(&request->body) || http->bodies_bytes > BODIES_BYTES_MAX) {
		answer_fault(request, 503, "ServiceUnavailable",
			     "Too many large requests are being read at once", true);
	} else if (body->end) {
		hand_over(request);
	} else {
		http_watch_stall(request);
	}
}

void http_watch_stall(struct request *request)
{
	struct loop *loop = request->http->options.loop;

	timer_set(loop, &request->stalled, loop_now_ms(loop) + STALLED_MS);
}

static void on_stalled(struct timer *timer)
{
	struct request *request = container_of(timer, struct request, stalled);

	if (request->phase == RECEIVING) {
		exchange_close_conn(request->seen.exchange);
		request->seen.exchange = NULL;
		upload_on_gone(request);
		return;
	}
	if (request->phase == PASSING) {
		exchange_close_conn(request->seen.exchange);
		request->seen.exchange = NULL;
		pass_on_gone(request);
		return;
	}
	answer_fault(request, 408, "RequestTimeout", "The rest of the request did not come", true);
}

/* The last pieces, the end of the exchange, and of the request. */
static void finish_stream(struct request *request)
{
	struct exchange *x = request->seen.exchange;

	request->seen.exchange = NULL;
	exchange_send_data(x, text_bytes(&request->behind), true);
	exchange_close(x);
	http_free_request(request);
}

static void on_drained(struct exchange *x, void *owner)
{
	struct request *request = owner;

	request->full = false;
	if (request->phase == SENDING) {
		download_on_drained(request);
	} else if (request->phase == PASSING) {
		pass_on_drained(request);
	} else if (request->phase == ENDING) {
		finish_stream(request);
	} else if (request->behind.len) {
		request->full = exchange_send_data(x, text_bytes(&request->behind), false) ==
				CONN_FULL;
		text_clear(&request->behind);
	}
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct request *request = owner;

	(void)x;
	(void)why;
	request->seen.exchange = NULL;
	if (request->phase == READING || request->phase == ENDING)
		http_free_request(request);
	else if (request->phase == RECEIVING)
		upload_on_gone(request);
	else if (request->phase == PASSING)
		pass_on_gone(request);
	else if (request->phase == SENDING)
		download_on_gone(request);
	else if (request->phase == STREAMING && request->on_gone)
		request->on_gone(&request->seen);
}

static const struct exchange_events exchange_events = {
	.on_body = on_body,
	.on_drained = on_drained,
	.on_failed = on_failed,
};

static struct request *new_request(struct api_http *http, struct exchange *x,
				   const struct http_head *head)
{
	struct request *request = calloc(1, sizeof *request);

	if (!request)
		return NULL;
	request->http = http;
	request->head = head;
	request->seen.exchange = x;
	request->seen.arena = &request->arena;
	request->stalled.on_expired = on_stalled;
	text_init(&request->body, WIRE_BODY_BYTES_MAX);
	text_init(&request->behind, API_HTTP_BEHIND_BYTES_MAX);
	arena_init(&request->arena, REQUEST_ARENA_BYTES_MAX);
	list_append(&http->requests, &request->link);
	return request;
}

/* Those of the REST forms may be an operation's to receive; the others are collected first. */
static void begin_request(struct request *request)
{
	uint64_t length = request->head->framing == HTTP_BODY_LENGTH ? request->head->length : 0;

	if (!keep_head(request) || pass_begin(request) || upload_begin(request))
		return;
	if (length > WIRE_BODY_BYTES_MAX)
		answer_fault(request, 413, "RequestEntityTooLarge",
			     "A request can have at most 16 MiB", true);
	else
		http_watch_stall(request);
}

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct client *client = owner;
	struct api_http *http = client->http;
	struct request *request = new_request(http, x, head);

	if (request)
		address_format_ip(conn_peer(client->conn), request->peer);
	(void)finding; /* nothing behind us could read the request differently */
	exchange_accept(x, &exchange_events, request);
	if (!request)
		exchange_close_conn(x);
	else
		begin_request(request);
}

/* What the codec would not take. */
static const struct {
	err_t err;
	unsigned status;
	const char *code;
} rejections[] = {
	{ ERR_URI_TOO_LARGE, 414, "RequestURITooLong" },
	{ ERR_FIELDS_TOO_LARGE, 431, "RequestHeaderSectionTooLarge" },
	{ ERR_BAD_VERSION, 505, "HTTPVersionNotSupported" },
	{ ERR_BAD_CODING, 501, "NotImplemented" },
	{ ERR_EXPIRED, 408, "RequestTimeout" },
	{ ERR_BAD_MESSAGE, 400, "BadRequest" },
};

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	struct client *client = owner;
	struct request *request = new_request(client->http, x, head);
	size_t i = 0;

	(void)finding;
	exchange_accept(x, &exchange_events, request);
	if (!request) {
		exchange_close_conn(x);
		return;
	}
	while (i + 1 < COUNT(rejections) && rejections[i].err != why)
		i++;
	answer_fault(request, rejections[i].status, rejections[i].code, err_words(why), true);
}

/* ---- Connections ---- */

static void free_client(struct client *client)
{
	list_remove(&client->link);
	client->http->client_count--;
	free(client);
}

static void on_closed(void *owner, struct conn *conn)
{
	(void)conn;
	free_client(owner);
}

static const struct conn_server_events server_events = {
	.on_exchange = on_exchange,
	.on_rejected = on_rejected,
	.on_closed = on_closed,
};

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct api_http *http = owner;
	struct client *client = http->client_count < CLIENTS_MAX ? calloc(1, sizeof *client) : NULL;
	struct conn_server_options options = {
		.loop = http->options.loop,
		.events = &server_events,
		.owner = client,
		.idle_ms = IDLE_MS,
	};

	(void)peer;
	if (!client) {
		socket_close(socket);
		return;
	}
	client->http = http;
	list_append(&http->clients, &client->link);
	http->client_count++;
	if (conn_serve(socket, &options, &client->conn))
		free_client(client);
}

static const struct acceptor_events acceptor_events = { .on_accepted = on_accepted };

err_t api_http_create(const struct api_http_options *options, struct api_http **ret_http)
{
	struct api_http *http = calloc(1, sizeof *http);

	if (!http)
		return ERR_NOMEM;
	assert(options->loop && options->api && options->account && options->region);
	http->options = *options;
	http->front = (struct front){
		.api = options->api,
		.keys = options->keys,
		.verify = options->verify,
		.account = options->account,
		.region = options->region,
	};
	list_init(&http->clients);
	list_init(&http->requests);
	*ret_http = http;
	return ERR_OK;
}

err_t api_http_listen(struct api_http *http, int listening_fd)
{
	struct acceptor *acceptor;
	err_t err;

	if (http->acceptor_count == COUNT(http->acceptors)) {
		acceptor_discard(listening_fd);
		return ERR_LIMIT;
	}
	err = acceptor_open(http->options.loop, listening_fd, &acceptor_events, http, &acceptor);
	if (err)
		acceptor_discard(listening_fd);
	else
		http->acceptors[http->acceptor_count++] = acceptor;
	return err;
}

void api_http_destroy(struct api_http *http)
{
	if (!http)
		return;
	for (unsigned i = 0; i < http->acceptor_count; i++)
		acceptor_close(http->acceptors[i]);
	list_for_each_safe (&http->clients, node) {
		struct client *client = container_of(node, struct client, link);

		conn_destroy(client->conn);
		free_client(client);
	}
	/* Threads end with what they are at, and what they did is told while its requests live. */
	if (http->pool) {
		blocking_pool_destroy(http->pool);
		loop_settle(http->options.loop);
	}
	transfers_destroy(http->transfers);
	/* What is left is in the hands of routes, which end it when they hear or find out. */
	list_for_each_safe (&http->requests, node) {
		container_of(node, struct request, link)->http = NULL;
		list_remove(node);
	}
	free(http);
}

/* ---- Routes ---- */

void api_http_reply(struct api_http_request *seen, unsigned status, const char *content_type,
		    struct bytes body)
{
	struct answer_head head = { .status = status, .content_type = content_type };
	struct request *request = request_of(seen);

	assert(request->phase == HANDED);
	if (!request->request_id[0])
		random_uuid(request->request_id);
	answer(request, &head, body, false);
}

void api_http_reply_fields(struct api_http_request *seen, unsigned status,
			   const struct http_field *fields, unsigned field_count, struct bytes body)
{
	struct answer_head head = {
		.status = status, .fields = fields, .field_count = field_count, .own = true
	};
	struct request *request = request_of(seen);

	assert(request->phase == HANDED);
	if (!request->request_id[0])
		random_uuid(request->request_id);
	answer(request, &head, body, false);
}

err_t api_http_begin(struct api_http_request *seen, unsigned status, const char *content_type,
		     void (*on_gone)(struct api_http_request *request))
{
	struct answer_head head = { .status = status, .content_type = content_type };
	struct request *request = request_of(seen);
	err_t err;

	assert(request->phase == HANDED);
	request->phase = STREAMING;
	if (!seen->exchange)
		return ERR_CLOSED;
	random_uuid(request->request_id);
	err = send_head(request, &head, HTTP_BODY_CLOSE, 0);
	if (err) {
		exchange_close_conn(seen->exchange);
		seen->exchange = NULL;
		return err;
	}
	request->on_gone = on_gone;
	return ERR_OK;
}

bool api_http_push(struct api_http_request *seen, struct bytes data)
{
	struct request *request = request_of(seen);

	assert(request->phase == STREAMING);
	if (!seen->exchange || request->overrun)
		return false;
	if (!request->full) {
		request->full = exchange_send_data(seen->exchange, data, false) == CONN_FULL;
		return true;
	}
	text_add(&request->behind, data);
	request->overrun = text_err(&request->behind) != ERR_OK;
	return !request->overrun;
}

void api_http_end(struct api_http_request *seen)
{
	struct request *request = request_of(seen);

	assert(request->phase == STREAMING);
	if (!seen->exchange) {
		http_free_request(request);
	} else if (request->overrun) {
		/* An answer with a hole in it must not look whole. */
		exchange_close(seen->exchange);
		http_free_request(request);
	} else if (request->full) {
		request->phase = ENDING;
	} else {
		finish_stream(request);
	}
}
