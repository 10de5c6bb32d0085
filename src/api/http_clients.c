/*
 * The front's life, and its connections: how many there may be, and which one goes for a new one.
 */
#include <stdlib.h>

#include "api/http_internal.h"
#include "net/transfer.h"

enum {
	CLIENTS_MAX = 512,
	CLIENTS_OF_ADDRESS_MAX = 256,
	IDLE_MS = 65 * 1000, /* longer than SDKs keep a connection for reuse */
};

static void free_client(struct client *client)
{
	list_remove(&client->link);
	client->http->client_count--;
	free(client);
}

void http_on_closed(void *owner, struct conn *conn)
{
	(void)conn;
	free_client(owner);
}

/* ---- Places ---- */

static bool same_host(const struct address *a, const struct address *b)
{
	return address_eq_ip(a, b);
}

/*
 * The one that has been there longest and has no request running, of `peer` alone if that is not
 * NULL: resting between two requests, or slow with its head.
 */
static struct client *oldest_idle(struct api_http *http, const struct address *peer)
{
	list_for_each (&http->clients, node) {
		struct client *client = container_of(node, struct client, link);

		if (!conn_is_busy(client->conn) &&
		    (!peer || same_host(conn_peer(client->conn), peer)))
			return client;
	}
	return NULL;
}

static unsigned clients_of(const struct api_http *http, const struct address *peer)
{
	unsigned count = 0;

	list_for_each (&http->clients, node)
		count += same_host(conn_peer(container_of(node, struct client, link)->conn), peer);
	return count;
}

/* Who comes takes the place of who does nothing: so nobody can hold all of them by being slow. */
static bool make_room(struct api_http *http, const struct address *peer)
{
	struct client *idle;

	if (clients_of(http, peer) >= CLIENTS_OF_ADDRESS_MAX)
		idle = oldest_idle(http, peer);
	else if (http->client_count >= CLIENTS_MAX)
		idle = oldest_idle(http, NULL);
	else
		return true;
	if (!idle)
		return false;
	conn_destroy(idle->conn);
	free_client(idle);
	return true;
}

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct api_http *http = owner;
	struct client *client = make_room(http, peer) ? calloc(1, sizeof *client) : NULL;
	struct conn_server_options options = {
		.loop = http->options.loop,
		.events = &http_server_events,
		.owner = client,
		.idle_ms = IDLE_MS,
	};

	if (!client) {
		socket_close(socket);
		return;
	}
	client->http = http;
	if (conn_serve(socket, &options, &client->conn)) {
		free(client);
		return;
	}
	list_append(&http->clients, &client->link);
	http->client_count++;
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
