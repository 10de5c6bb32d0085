#include "lb/listener.h"

#include <stdlib.h>

#include "base/log.h"
#include "lb/lb_internal.h"
#include "lb/stream.h"

enum { HANDSHAKE_MS = 10 * 1000 }; /* of a client's TLS */

static void free_when_empty(struct listener *listener)
{
	if (listener->acceptor || !list_empty(&listener->clients))
		return;
	list_remove(&listener->link);
	free(listener);
}

/* ---- Clients ---- */

void client_trace_id(const struct client *client, char out[CONN_TRACE_ID_BYTES + 1])
{
	static const char hex[] = "0123456789abcdef";
	uint64_t seed = client->listener->worker->trace_seed;
	uint64_t words[2] = { seed, client->trace_id ^ seed >> 7 };

	memcpy(out, "TID_", 4);
	for (unsigned i = 0; i < 32; i++)
		out[4 + i] = hex[words[i / 16] >> (60 - 4 * (i % 16)) & 15];
	out[CONN_TRACE_ID_BYTES] = '\0';
}

static void client_free(struct client *client)
{
	struct listener *listener = client->listener;
	struct worker *worker = listener->worker;

	metrics_gauge(&client->cell->metrics, GAUGE_ACTIVE_CONNECTIONS, -1);
	meter_unref(client->meter);
	list_remove(&client->link);
	client_certificate_free(client->certificate);
	free(client);
	worker->clients_open--;
	free_when_empty(listener);
	worker_check_stopped(worker);
}

static void on_exchange(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding)
{
	stream_begin(owner, x, head, finding, ERR_OK);
}

static void on_rejected(void *owner, struct exchange *x, const struct http_head *head,
			const struct desync_finding *finding, err_t why)
{
	stream_begin(owner, x, head, finding, why);
}

/* By the newest plan: a listener may have come or gone since the connection was accepted. */
static struct tls_context *on_hello(void *owner, struct conn *conn, struct bytes host)
{
	const struct client *client = owner;
	const struct plan_address *address = client->listener->address;
	const struct plan_listener *listener = address ? plan_listener_for_sni(address, host)
						       : NULL;

	(void)conn;
	return listener ? listener->tls : NULL;
}

/* ---- The connection log ---- */

/* What it says of the client's certificate. */
static void fill_certificate(const struct client *client, const struct tls *tls, err_t err,
			     struct text *status, struct connection_record *record)
{
	if (client->certificate) {
		record->subject = client->certificate->facts.subject;
		record->validity = client->certificate->facts.validity;
		record->serial = client->certificate->facts.serial;
	}
	if (tls_client_auth(tls) != TLS_CLIENT_VERIFIED)
		return;
	if (err)
		text_printf(status, "Failed:%s", tls_client_failure(tls));
	else
		text_add_str(status, "Success");
	record->verify_status = text_bytes(status);
}

static struct bytes balancer_id(const struct client *client, const struct tls *tls)
{
	const struct plan_address *address = client->listener->address;

	for (unsigned i = 0; tls && address && i < address->listener_count; i++)
		if (bytes_eq(address->listeners[i]->arn, tls_server_name(tls)))
			return address->listeners[i]->load_balancer->id;
	return client->meter->id;
}

static void tell(const struct client *client, err_t err)
{
	const struct worker *worker = client->listener->worker;
	const struct tls *tls = conn_tls(client->conn);
	char trace_id[CONN_TRACE_ID_BYTES + 1];
	struct text status = TEXT_INIT(128);
	struct connection_record record = {
		.time_unix_us = loop_unix_us(worker->loop),
		.client = *conn_peer(client->conn),
		.local = *conn_local(client->conn),
		.listener_port = client->listener->address
					 ? client->listener->address->listeners[0]->port
					 : 0,
		.handshake_us = -1,
		.load_balancer_id = balancer_id(client, tls),
	};

	if (!worker->events || !worker->events->on_connection)
		return;
	client_trace_id(client, trace_id);
	record.conn_trace_id = bytes_of(trace_id);
	if (tls) {
		struct tls_agreed agreed;

		tls_agreed(tls, &agreed);
		record.protocol = agreed.protocol;
		record.cipher = agreed.cipher;
		record.group = agreed.group;
		if (!err)
			record.handshake_us = (int64_t)(record.time_unix_us -
							client->accepted_unix_us);
		fill_certificate(client, tls, err, &status, &record);
	}
	worker->events->on_connection(worker->events_owner, &record);
	text_fini(&status);
}

/* ---- Handshakes ---- */

/* A certificate that cannot be kept cannot be told of: then nobody may come in by it. */
static err_t keep_certificate(struct client *client, const struct tls *tls)
{
	err_t err;

	if (tls_client_auth(tls) == TLS_CLIENT_ANONYMOUS)
		return ERR_OK;
	err = client_certificate_read(tls, &client->certificate);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Whoever connects and leaves without a word (a TCP check) failed at nothing. */
static void on_secured(void *owner, struct conn *conn, err_t err)
{
	struct client *client = owner;
	err_t kept = keep_certificate(client, conn_tls(conn));
	char text[ADDRESS_TEXT_BYTES];

	if (err != ERR_CLOSED)
		tell(client, err);
	if (!err && kept)
		conn_drain(conn);
	if (!err || err == ERR_CLOSED)
		return;
	metrics_add(&client->cell->metrics, COUNTER_CLIENT_TLS_ERRORS, 1);
	address_format(conn_peer(conn), text);
	log_debug("lb", "no TLS with %s: %s", text, tls_failure_words(conn_tls(conn)));
}

static void on_closed(void *owner, struct conn *conn)
{
	(void)conn;
	client_free(owner);
}

static const struct conn_server_events client_events = {
	.on_exchange = on_exchange,
	.on_rejected = on_rejected,
	.on_hello = on_hello,
	.on_secured = on_secured,
	.on_closed = on_closed,
};

static err_t serve(struct listener *listener, struct socket *socket)
{
	struct worker *worker = listener->worker;
	const struct plan_listener *first = listener->address->listeners[0];
	const struct plan_load_balancer *balancer = first->load_balancer;
	struct client *client = calloc(1, sizeof *client);
	struct conn_server_options options = {
		.loop = worker->loop,
		.events = &client_events,
		.owner = client,
		.idle_ms = balancer->idle_ms,
		.keep_alive_ms = balancer->client_keep_alive_ms,
		.http2 = first->http2_clear,
		.tls = first->tls,
		.handshake_ms = HANDSHAKE_MS,
	};
	err_t err;

	if (!client || (first->https && !first->tls)) {
		socket_close(socket);
		free(client);
		return first->https ? ERR_TLS_HANDSHAKE : ERR_NOMEM;
	}
	err = conn_serve(socket, &options, &client->conn); /* closes the socket on failure */
	if (err) {
		free(client);
		return err;
	}
	client->listener = listener;
	client->meter = meter_ref((struct meter *)balancer->meter);
	client->cell = hold_balancer_cell(worker->hold, balancer);
	client->trace_id = ++worker->client_count;
	client->accepted_unix_us = loop_unix_us(worker->loop);
	list_append(&listener->clients, &client->link);
	worker->clients_open++;
	metrics_add(&client->cell->metrics, COUNTER_NEW_CONNECTIONS, 1);
	metrics_gauge(&client->cell->metrics, GAUGE_ACTIVE_CONNECTIONS, 1);
	if (!conn_tls(client->conn))
		tell(client, ERR_OK);
	return ERR_OK;
}

/* ---- Security groups ---- */

static void drop(const struct listener *listener, const struct plan_listener *at,
		 const struct address *peer)
{
	char text[ADDRESS_TEXT_BYTES];

	metrics_add(&hold_balancer_cell(listener->worker->hold, at->load_balancer)->metrics,
		    COUNTER_SECURITY_GROUP_DROPS, 1);
	address_format(peer, text);
	log_debug("lb", "no inbound rule of %.*s admits %s to port %u",
		  BYTES_ARG(at->load_balancer->id), text, at->port);
}

bool listener_admits(const struct client *client, const struct plan_listener *listener)
{
	struct address peer = *conn_peer(client->conn);

	if (admit_allows(listener->load_balancer->ingress, &peer, listener->port))
		return true;
	drop(client->listener, listener, &peer);
	return false;
}

/* Who gets there is known with the request's Host: here it is enough that one would have it. */
static bool admits(const struct listener *listener, const struct address *peer)
{
	const struct plan_address *address = listener->address;

	for (unsigned i = 0; i < address->listener_count; i++) {
		const struct plan_listener *at = address->listeners[i];

		if (admit_allows(at->load_balancer->ingress, peer, at->port))
			return true;
	}
	drop(listener, address->listeners[0], peer);
	return false;
}

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct listener *listener = owner;
	err_t err;

	if (!admits(listener, peer)) {
		socket_close(socket);
		return;
	}
	err = serve(listener, socket);
	if (err) {
		const struct plan_load_balancer *balancer =
			listener->address->listeners[0]->load_balancer;

		metrics_add(&hold_balancer_cell(listener->worker->hold, balancer)->metrics,
			    COUNTER_REJECTED_CONNECTIONS, 1);
		log_warn("lb", "a connection could not be served: %s", err_words(err));
	}
}

static const struct acceptor_events acceptor_events = { .on_accepted = on_accepted };

/* ---- Listeners ---- */

err_t listener_open(struct worker *worker, const struct address *bound, int fd,
		    struct listener **ret_listener)
{
	struct listener *listener = calloc(1, sizeof *listener);
	err_t err;

	if (!listener) {
		acceptor_discard(fd);
		return ERR_NOMEM;
	}
	listener->worker = worker;
	listener->bound = *bound;
	list_init(&listener->clients);
	err = acceptor_open(worker->loop, fd, &acceptor_events, listener, &listener->acceptor);
	if (err) {
		acceptor_discard(fd); /* else it would take connections that nobody accepts */
		free(listener);
		return err;
	}
	list_append(&worker->listeners, &listener->link);
	*ret_listener = listener;
	return ERR_OK;
}

void listener_close(struct listener *listener)
{
	if (!listener->acceptor)
		return;
	acceptor_close(listener->acceptor);
	listener->acceptor = NULL;
	lb_note_socket_closed(listener->worker->lb, &listener->bound);
	list_for_each (&listener->clients, node)
		conn_drain(container_of(node, struct client, link)->conn);
	free_when_empty(listener);
}

void listener_cut(struct listener *listener)
{
	bool more = !list_empty(&listener->clients);

	while (more) {
		struct client *client = container_of(list_first(&listener->clients), struct client,
						     link);

		more = client->link.next != &listener->clients; /* else it goes with the client */
		conn_destroy(client->conn);
		client_free(client);
	}
}
