#include "services/lambda/runtime_api.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/encode.h"
#include "base/log.h"
#include "base/text.h"
#include "crypto/random.h"
#include "http/uri.h"

enum { CLIENTS_MAX = 16, BIND_TRIES = 8 };

#define API_PREFIX "/2018-06-01/runtime/"

enum runtime_path { PATH_NONE, PATH_NEXT, PATH_RESPONSE, PATH_ERROR, PATH_INIT_ERROR };

struct runtime_api {
	struct loop *loop;
	const struct runtime_api_events *events;
	void *owner;
	struct acceptor *acceptor;
	struct list_node clients, requests;
	unsigned client_count;
	struct runtime_request *paused; /* its on_piece had no room */
	char address[ADDRESS_TEXT_BYTES];
};

struct client {
	struct runtime_api *api;
	struct conn *conn;
	struct list_node link;
};

struct runtime_request {
	struct runtime_api *api;
	struct exchange *exchange;
	struct list_node link;
	enum runtime_path path;
	bool streaming, too_large, asked; /* asked: on_next had it */
	char *content_type;
	uint64_t streamed_bytes;
	struct text body;
};

/* ---- Answers ---- */

static void free_request(struct runtime_request *request)
{
	if (request->api->paused == request)
		request->api->paused = NULL;
	list_remove(&request->link);
	text_fini(&request->body);
	free(request->content_type);
	free(request);
}

static void answer(struct runtime_request *request, uint16_t status,
		   const struct http_field *fields, unsigned count, struct bytes body)
{
	struct exchange *x = request->exchange;
	const struct http_head head = {
		.is_response = true,
		.version = HTTP_1_1,
		.status = status,
		.reason = bytes_of(http_reason(status)),
		.framing = HTTP_BODY_LENGTH,
		.length = body.len,
		.fields = fields,
		.field_count = count,
	};
	err_t err = exchange_send_head(x, &head);

	if (err)
		log_warn("lambda", "a runtime could not be answered: %s", err_words(err));
	else if (body.len)
		exchange_send_data(x, body, true);
	free_request(request);
	if (err)
		exchange_close_conn(x);
	else
		exchange_close(x);
}

static void answer_json(struct runtime_request *request, uint16_t status, const char *json)
{
	const struct http_field type = { BYTES("Content-Type"), BYTES("application/json") };

	answer(request, status, &type, 1, bytes_of(json));
}

static void answer_error(struct runtime_request *request, uint16_t status, const char *type,
			 const char *words)
{
	char json[256];

	snprintf(json, sizeof json, "{\"errorMessage\":\"%s\",\"errorType\":\"%s\"}", words, type);
	answer_json(request, status, json);
}

void runtime_api_give(struct runtime_request *next, const struct runtime_work *work)
{
	struct http_field fields[6];
	char deadline[24];
	unsigned n = 0;

	snprintf(deadline, sizeof deadline, "%llu", (unsigned long long)work->deadline_unix_ms);
	fields[n++] = (struct http_field){ BYTES("Content-Type"), BYTES("application/json") };
	fields[n++] = (struct http_field){ BYTES("Lambda-Runtime-Aws-Request-Id"),
					   work->request_id };
	fields[n++] = (struct http_field){ BYTES("Lambda-Runtime-Deadline-Ms"),
					   bytes_of(deadline) };
	fields[n++] = (struct http_field){ BYTES("Lambda-Runtime-Invoked-Function-Arn"),
					   work->function_arn };
	if (work->trace_id.len)
		fields[n++] = (struct http_field){ BYTES("Lambda-Runtime-Trace-Id"),
						   work->trace_id };
	if (work->client_context.len)
		fields[n++] = (struct http_field){ BYTES("Lambda-Runtime-Client-Context"),
						   work->client_context };
	answer(next, 200, fields, n, work->payload);
}

void runtime_api_refuse(struct runtime_request *next)
{
	answer_error(next, 403, "InvalidStateTransition",
		     "The invocation before was not answered yet");
}

void runtime_api_resume(struct runtime_api *api)
{
	struct runtime_request *paused = api->paused;

	api->paused = NULL;
	if (paused)
		exchange_resume(paused->exchange);
}

void runtime_api_cut(struct runtime_api *api)
{
	list_for_each_safe (&api->requests, node) {
		struct runtime_request *request = container_of(node, struct runtime_request, link);
		struct exchange *x = request->exchange;

		if (request->path != PATH_RESPONSE || !request->streaming)
			continue;
		free_request(request);
		exchange_close_conn(x);
	}
}

/* ---- What was asked ---- */

/* Sets *ret_id to the request id of a path that has one. */
static enum runtime_path path_of(struct bytes method, struct bytes target, struct bytes *ret_id)
{
	struct bytes rest = target, word;
	bool post = bytes_eq_str(method, "POST");

	*ret_id = BYTES_NONE;
	if (!bytes_starts(rest, BYTES(API_PREFIX)))
		return PATH_NONE;
	rest = bytes_from(rest, sizeof API_PREFIX - 1);
	if (bytes_eq_str(rest, "invocation/next"))
		return bytes_eq_str(method, "GET") ? PATH_NEXT : PATH_NONE;
	if (bytes_eq_str(rest, "init/error"))
		return post ? PATH_INIT_ERROR : PATH_NONE;
	if (!post || !bytes_cut(&rest, '/', &word) || !bytes_eq_str(word, "invocation") ||
	    !bytes_cut(&rest, '/', ret_id))
		return PATH_NONE;
	if (bytes_eq_str(rest, "response"))
		return PATH_RESPONSE;
	return bytes_eq_str(rest, "error") ? PATH_ERROR : PATH_NONE;
}

/* A refusal is sent in here, and the request is gone then. */
static void check_taken(struct runtime_request *request, struct bytes id)
{
	const struct runtime_api *api = request->api;
	err_t err = api->events->on_answer(api->owner, id);

	if (err == ERR_NOT_FOUND)
		answer_error(request, 400, "InvalidRequestID", "Invalid request ID");
	else if (err)
		answer_error(request, 403, "InvalidStateTransition",
			     "This invocation was answered already");
}

static void finish_response(struct runtime_request *request)
{
	struct runtime_api *api = request->api;
	char *content_type = request->content_type;
	struct text body = request->body;
	err_t err = request->too_large ? ERR_TOO_LARGE : ERR_OK;

	/* The answer to the runtime goes first: the callbacks may end this environment. */
	request->content_type = NULL;
	text_init(&request->body, 0);
	if (err)
		answer_error(request, 413, "RequestEntityTooLarge",
			     "Response payload size exceeded maximum allowed payload size "
			     "(6291556 bytes).");
	else
		answer_json(request, 202, "{\"status\":\"OK\"}");
	api->events->on_response(api->owner, err, bytes_of(content_type), text_bytes(&body));
	text_fini(&body);
	free(content_type);
}

static void finish_error(struct runtime_request *request)
{
	struct runtime_api *api = request->api;
	struct text body = request->body;
	bool init = request->path == PATH_INIT_ERROR;

	text_init(&request->body, 0);
	answer_json(request, 202, "{\"status\":\"OK\"}");
	if (init)
		api->events->on_init_error(api->owner, text_bytes(&body));
	else
		api->events->on_error(api->owner, text_bytes(&body));
	text_fini(&body);
}

/* A function that fails in the middle of a streamed answer says so in trailers. */
static bool trailer_error(const struct http_body *body, struct text *out)
{
	struct bytes type = BYTES_NONE, encoded = BYTES_NONE;

	for (unsigned i = 0; i < body->trailer_count; i++) {
		const struct http_field *field = &body->trailers[i];

		if (bytes_eq_nocase(field->name, BYTES("Lambda-Runtime-Function-Error-Type")))
			type = field->value;
		else if (bytes_eq_nocase(field->name, BYTES("Lambda-Runtime-Function-Error-Body")))
			encoded = field->value;
	}
	if (!type.len)
		return false;
	text_clear(out);
	if (!encoded.len || decode_base64(out, encoded)) {
		text_clear(out);
		text_add_str(out, "{\"errorType\":\"");
		encode_json(out, type);
		text_add_str(out, "\"}");
	}
	return true;
}

static void stream_piece(struct runtime_request *request, struct bytes data)
{
	struct runtime_api *api = request->api;

	if (!data.len || request->too_large)
		return;
	request->streamed_bytes += data.len;
	if (request->streamed_bytes > RUNTIME_STREAM_BYTES_MAX) {
		request->too_large = true;
		return;
	}
	if (!api->events->on_piece(api->owner, bytes_of(request->content_type), data) &&
	    !api->paused) {
		api->paused = request;
		exchange_pause(request->exchange);
	}
}

static void take_piece(struct runtime_request *request, struct bytes data)
{
	if (request->path == PATH_RESPONSE && request->streaming) {
		stream_piece(request, data);
		return;
	}
	text_add(&request->body, data);
	if (text_err(&request->body))
		request->too_large = true;
}

static void finish(struct runtime_request *request, const struct http_body *body)
{
	switch (request->path) {
	case PATH_RESPONSE:
		if (!request->streaming || !trailer_error(body, &request->body)) {
			finish_response(request);
			return;
		}
		request->path = PATH_ERROR;
		finish_error(request);
		return;
	case PATH_ERROR:
	case PATH_INIT_ERROR: finish_error(request); return;
	case PATH_NEXT:
		request->asked = true;
		request->api->events->on_next(request->api->owner, request);
		return;
	case PATH_NONE: return; /* answered at the head */
	}
}

static void on_body(struct exchange *x, void *owner, const struct http_body *body)
{
	struct runtime_request *request = owner;

	(void)x;
	for (unsigned i = 0; i < body->data_count && request->path != PATH_NEXT; i++)
		take_piece(request, body->data[i]);
	if (body->end)
		finish(request, body);
}

static void on_failed(struct exchange *x, void *owner, err_t why)
{
	struct runtime_request *request = owner;
	struct runtime_api *api = request->api;

	(void)x;
	(void)why;
	if (request->asked)
		api->events->on_lost(api->owner, request);
	/* Half an answer: the invocation goes on until the program ends or its time is over, as it
	 * does when none comes. */
	free_request(request);
}

static const struct exchange_events exchange_events = {
	.on_body = on_body,
	.on_failed = on_failed,
};

/* ---- Requests ---- */

static struct runtime_request *new_request(struct runtime_api *api, struct exchange *x,
					   const struct http_head *head, enum runtime_path path)
{
	struct runtime_request *request = calloc(1, sizeof *request);
	struct bytes type = http_value(head, BYTES("Content-Type"));

	if (!request)
		return NULL;
	request->api = api;
	request->exchange = x;
	request->path = path;
	request->streaming = bytes_eq_nocase(
		http_value(head, BYTES("Lambda-Runtime-Function-Response-Mode")),
		BYTES("streaming"));
	request->content_type = type.len && type.len < 256 ? bytes_dup(type) : NULL;
	text_init(&request->body,
		  path == PATH_RESPONSE ? RUNTIME_PAYLOAD_BYTES_MAX : RUNTIME_ERROR_BYTES_MAX);
	list_append(&api->requests, &request->link);
	return request;
}

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	struct client *client = owner;
	struct runtime_api *api = client->api;
	struct bytes id;
	enum runtime_path path = path_of(head->method, head->target, &id);
	struct runtime_request *request = new_request(api, x, head, path);

	(void)finding;
	exchange_accept(x, &exchange_events, request);
	if (!request) {
		exchange_close_conn(x);
	} else if (!bytes_eq_str(http_value(head, BYTES("Host")), api->address)) {
		request->path = PATH_NONE;
		answer_error(request, 403, "Forbidden", "This is another environment's");
	} else if (path == PATH_NONE) {
		answer_error(request, 404, "NotFound", "The Runtime API has no such path");
	} else if (path == PATH_RESPONSE || path == PATH_ERROR) {
		check_taken(request, id);
	}
}

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	struct client *client = owner;
	struct runtime_request *request = new_request(client->api, x, head, PATH_NONE);

	(void)finding;
	exchange_accept(x, &exchange_events, request);
	if (request)
		answer_error(request, 400, "BadRequest", err_words(why));
	else
		exchange_close_conn(x);
}

/* ---- Connections ---- */

static void free_client(struct client *client)
{
	list_remove(&client->link);
	client->api->client_count--;
	free(client);
}

static void on_closed(void *owner, struct conn *conn)
{
	(void)conn;
	free_client(owner);
}

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	static const struct conn_server_events events = { .on_exchange = on_exchange,
							  .on_rejected = on_rejected,
							  .on_closed = on_closed };
	struct runtime_api *api = owner;
	struct conn_server_options options = { .loop = api->loop, .events = &events };
	struct client *client = NULL;

	(void)peer;
	if (api->client_count < CLIENTS_MAX)
		client = calloc(1, sizeof *client);
	if (!client) {
		socket_close(socket);
		return;
	}
	client->api = api;
	list_append(&api->clients, &client->link);
	api->client_count++;
	options.owner = client;
	if (conn_serve(socket, &options, &client->conn))
		free_client(client);
}

/* ---- Life ---- */

/* 127.0.0.1 and its like are spared: other programs listen there. */
static struct address random_loopback(void)
{
	struct address address = { .family = 4, .ip = { 127 } };

	do
		random_bytes(address.ip + 1, 3);
	while (address.ip[1] == 0 || address.ip[3] == 0 || address.ip[3] == 255);
	return address;
}

static err_t listen_somewhere(struct runtime_api *api)
{
	static const struct acceptor_events events = { on_accepted };
	err_t err = ERR_SYSTEM;

	for (unsigned i = 0; err && i < BIND_TRIES; i++) {
		struct address at = random_loopback(), bound;
		int fd;

		err = acceptor_bind(&at, 1, &fd, &bound);
		if (!err) {
			address_format(&bound, api->address);
			err = acceptor_open(api->loop, fd, &events, api, &api->acceptor);
		}
	}
	return err;
}

err_t runtime_api_create(struct loop *loop, const struct runtime_api_events *events, void *owner,
			 struct runtime_api **ret_api)
{
	struct runtime_api *api = calloc(1, sizeof *api);
	err_t err;

	if (!api)
		return ERR_NOMEM;
	api->loop = loop;
	api->events = events;
	api->owner = owner;
	list_init(&api->clients);
	list_init(&api->requests);
	err = listen_somewhere(api);
	if (err) {
		free(api);
		return err;
	}
	*ret_api = api;
	return ERR_OK;
}

void runtime_api_destroy(struct runtime_api *api)
{
	if (!api)
		return;
	acceptor_close(api->acceptor);
	list_for_each_safe (&api->clients, node) {
		struct client *client = container_of(node, struct client, link);

		conn_destroy(client->conn); /* its exchanges fail first, and free their requests */
		free_client(client);
	}
	assert(list_empty(&api->requests));
	free(api);
}

const char *runtime_api_address(const struct runtime_api *api)
{
	return api->address;
}
