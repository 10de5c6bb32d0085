/*
 * The sockets, acceptors and watches of net/loop.h over the fake wire. The promises are those of
 * src/net/socket.c, and tests/unit/net/contract.c holds both to them.
 */
#include "tests/scenario/fake_internal.h"

#include <stdlib.h>

enum { RECEIVE_BYTES = 16 * 1024, RECEIVE_MAX_BYTES = 256 * 1024 };

struct socket {
	struct fake_item item;
	struct fake_end end;
	struct loop *loop; /* NULL while it waits in a backlog */
	struct list_node backlog;
	const struct socket_events *events;
	void *owner;
	bool connecting, receiving, watched, want_room, ended, broken;
	uint32_t asked_turn, receive_bytes, low_water;
};

struct handle {
	int fd;
	bool closed;
	struct acceptor *acceptor; /* NULL: nobody accepts yet */
	struct list_node backlog;
};

/* What one acceptor_bind made. */
struct bound {
	struct list_node link;
	struct address at;
	unsigned count, open_count, next;
	struct handle handles[];
};

struct acceptor {
	struct fake_item item;
	struct loop *loop;
	struct bound *bound;
	struct handle *handle;
	const struct acceptor_events *events;
	void *owner;
};

struct watch {
	struct fake_item item;
	struct list_node link; /* in net->watches */
	struct loop *loop;
	int fd;
	bool readable, writable, is_readable, is_writable;
	const struct watch_events *events;
	void *owner;
};

struct refusal {
	struct list_node link;
	struct address at;
	err_t err;
};

/* ---- What happened to a socket ---- */

static void queue(struct socket *socket)
{
	if (socket->loop && !socket->item.closed)
		fake_queue(socket->loop, &socket->item);
}

static void on_change(struct fake_end *end)
{
	queue(container_of(end, struct socket, end));
}

static void asked(struct socket *socket)
{
	socket->asked_turn = socket->loop->turn;
}

static void end(struct socket *socket, err_t why)
{
	socket->ended = true;
	if (socket->events->on_ended)
		socket->events->on_ended(socket->owner, why);
}

static void finish_connect(struct socket *socket)
{
	socket->connecting = false;
	socket->ended = socket->end.answer != ERR_OK;
	if (socket->events->on_connected)
		socket->events->on_connected(socket->owner, socket->end.answer);
}

/* A quarter of the window, since nobody is woken for a byte. */
static bool has_room(const struct socket *socket)
{
	return socket->end.rst_arrived ||
	       end_room(&socket->end) >= size_max(1, socket->end.net->options.window_bytes / 4);
}

static size_t piece_bytes(struct socket *socket)
{
	struct fake_net *net = socket->end.net;
	size_t most = size_min(socket->receive_bytes, socket->end.arrived_bytes);

	if (net->options.cut_bytes)
		most = size_min(most, net->options.cut_bytes);
	if (net->options.cut_bytes && net->options.seed)
		most = 1 + rng_below(&net->rng, most);
	return most;
}

/* In memory of its own that is gone afterwards: a sanitizer sees who keeps or oversteps it. */
static void deliver(struct socket *socket)
{
	size_t len = piece_bytes(socket);
	char *piece = malloc(len);

	assert(piece);
	end_read(&socket->end, piece, len);
	socket->events->on_received(socket->owner, bytes_make(piece, len));
	free(piece);
	if (!socket->item.closed)
		queue(socket); /* to look whether there is more */
}

static void receive(struct socket *socket)
{
	const struct fake_end *wire = &socket->end;
	bool over = wire->fin_arrived || wire->rst_arrived;

	if (wire->arrived_bytes >= socket->low_water || (wire->arrived_bytes && over))
		deliver(socket);
	else if (wire->rst_arrived || wire->fin_arrived)
		end(socket, wire->rst_arrived ? ERR_RESET : ERR_CLOSED);
}

static void act(struct fake_item *item)
{
	struct socket *socket = container_of(item, struct socket, item);
	const struct fake_end *wire = &socket->end;

	if (socket->connecting) {
		if (!wire->answered)
			return;
		finish_connect(socket);
		if (item->closed)
			return;
	}
	if (socket->asked_turn == socket->loop->turn) {
		queue(socket);
		return;
	}
	if (socket->want_room && has_room(socket)) {
		socket->want_room = false;
		socket->events->on_writable(socket->owner);
		if (item->closed)
			return;
		if (socket->asked_turn == socket->loop->turn) {
			queue(socket);
			return;
		}
	}
	if (socket->ended)
		return;
	if (socket->receiving)
		receive(socket);
	else if (wire->rst_arrived)
		end(socket, ERR_RESET);
	else if (wire->fin_arrived && socket->watched)
		end(socket, ERR_CLOSED);
}

/* ---- Opening and closing ---- */

static struct socket *create(struct fake_net *net)
{
	struct socket *socket = calloc(1, sizeof *socket);

	assert(socket);
	socket->item.act = act;
	list_init(&socket->item.ready);
	list_init(&socket->backlog);
	end_init(&socket->end, net, on_change);
	socket->receive_bytes = RECEIVE_BYTES;
	socket->low_water = 1;
	return socket;
}

/* Where a connection of ours comes from when nobody says. */
static struct address own_address(struct fake_net *net, const struct address *to)
{
	struct address own = fake_address(to->family == 6 ? "[fd00::1]:0" : "10.255.255.1:0");

	if (address_is_loopback(to))
		memcpy(own.ip, to->ip, sizeof own.ip);
	own.port = fake_new_port(net);
	return own;
}

err_t socket_connect(struct loop *loop, const struct address *to, const struct address *source,
		     const struct socket_events *events, void *owner, struct socket **ret_socket)
{
	struct socket *socket = create(loop->net);

	socket->loop = loop;
	loop->open_count++;
	socket->connecting = true;
	socket_set_owner(socket, events, owner);
	socket->end.local = own_address(loop->net, to);
	if (source)
		memcpy(socket->end.local.ip, source->ip, sizeof source->ip);
	if (source && source->port)
		socket->end.local.port = source->port;
	end_connect(&socket->end, to);
	*ret_socket = socket;
	return ERR_OK;
}

void socket_set_owner(struct socket *socket, const struct socket_events *events, void *owner)
{
	socket->events = events;
	socket->owner = owner;
}

static void bury(struct socket *socket)
{
	socket->loop->open_count--;
	fake_bury(socket->loop, &socket->item);
}

void socket_close(struct socket *socket)
{
	if (!socket)
		return;
	assert(!socket->item.closed);
	if (socket->end.arrived_bytes) { /* unread: the kernel resets then */
		end_rst(&socket->end);
	} else {
		end_fin(&socket->end);
		end_let_go(&socket->end);
	}
	bury(socket);
}

void socket_reset(struct socket *socket)
{
	assert(!socket->item.closed);
	end_rst(&socket->end);
	bury(socket);
}

void socket_shutdown_write(struct socket *socket)
{
	assert(!socket->item.closed);
	end_fin(&socket->end);
}

/* ---- Receiving and sending ---- */

void socket_receive(struct socket *socket)
{
	assert(!socket->item.closed);
	if (socket->receiving)
		return;
	socket->receiving = true;
	asked(socket);
	queue(socket);
}

void socket_pause(struct socket *socket, bool watch)
{
	assert(!socket->item.closed);
	socket->receiving = false;
	socket->watched = watch;
	asked(socket);
	queue(socket);
}

void socket_receive_size(struct socket *socket, uint32_t max_bytes)
{
	socket->receive_bytes = max_bytes ? (uint32_t)size_min(max_bytes, RECEIVE_MAX_BYTES)
					  : RECEIVE_BYTES;
}

void socket_thin_acks(struct socket *socket, bool on)
{
	(void)socket;
	(void)on;
}

void socket_low_water(struct socket *socket, uint32_t bytes)
{
	socket->low_water = bytes ? bytes : 1;
	asked(socket);
	queue(socket);
}

err_t socket_send(struct socket *socket, struct slices slices, bool more, size_t *ret_taken)
{
	bool stuck = false;
	size_t taken = 0;

	(void)more;
	assert(!socket->item.closed && slices.count <= 16);
	if (socket->end.rst_arrived || socket->end.answer)
		return socket->end.answer ? socket->end.answer : ERR_RESET;
	for (unsigned i = 0; i < slices.count && !stuck; i++) {
		size_t part = end_send(&socket->end, slices.at[i]);

		taken += part;
		stuck = part < slices.at[i].len;
	}
	if (stuck) {
		socket->want_room = true;
		asked(socket);
		queue(socket);
	}
	*ret_taken = taken;
	return ERR_OK;
}

size_t socket_send_room(struct socket *socket)
{
	return socket->end.rst_arrived ? 0 : end_room(&socket->end);
}

void socket_peer(const struct socket *socket, struct address *ret_address)
{
	*ret_address = socket->end.remote;
}

void socket_local(const struct socket *socket, struct address *ret_address)
{
	*ret_address = socket->end.local;
}

/* ---- Listening ---- */

static bool is_any(const struct address *address)
{
	static const uint8_t zero[16];

	return memcmp(address->ip, zero, sizeof zero) == 0;
}

static bool overlap(const struct address *a, const struct address *b)
{
	return a->family == b->family && a->port == b->port &&
	       (is_any(a) || is_any(b) || address_eq_ip(a, b));
}

static struct bound *find_bound(const struct fake_net *net, const struct address *at)
{
	list_for_each (&net->bounds, node) {
		struct bound *bound = container_of(node, struct bound, link);

		if (overlap(&bound->at, at))
			return bound;
	}
	return NULL;
}

static struct refusal *find_refusal(const struct fake_net *net, const struct address *at)
{
	list_for_each (&net->refusals, node) {
		struct refusal *refusal = container_of(node, struct refusal, link);

		if (address_eq(&refusal->at, at))
			return refusal;
	}
	return NULL;
}

void fake_fail_bind(struct fake_net *net, const char *at, err_t err)
{
	struct address address = fake_address(at);
	struct refusal *refusal = find_refusal(net, &address);

	if (!refusal) {
		refusal = calloc(1, sizeof *refusal);
		assert(refusal);
		refusal->at = address;
		list_append(&net->refusals, &refusal->link);
	}
	refusal->err = err;
}

bool fake_is_bound(const struct fake_net *net, const char *at)
{
	struct address address = fake_address(at);

	return find_bound(net, &address) != NULL;
}

err_t acceptor_bind(const struct address *at, unsigned count, int ret_fds[],
		    struct address *ret_bound)
{
	struct fake_net *net = fake_current();
	struct refusal *refusal = find_refusal(net, at);
	struct address address = *at;
	struct bound *bound;

	assert(count > 0);
	if (refusal && refusal->err)
		return refusal->err;
	if (address.port == 0)
		address.port = fake_new_port(net);
	if (find_bound(net, &address) || targets_listen(net, &address))
		return ERR_IN_USE;
	bound = calloc(1, sizeof *bound + count * sizeof bound->handles[0]);
	assert(bound);
	bound->at = address;
	bound->count = bound->open_count = count;
	for (unsigned i = 0; i < count; i++) {
		bound->handles[i].fd = ret_fds[i] = net->next_fd++;
		list_init(&bound->handles[i].backlog);
	}
	list_append(&net->bounds, &bound->link);
	if (ret_bound)
		*ret_bound = address;
	return ERR_OK;
}

static struct handle *find_handle(int fd, struct bound **ret_bound)
{
	list_for_each (&fake_current()->bounds, node) {
		struct bound *bound = container_of(node, struct bound, link);

		for (unsigned i = 0; i < bound->count; i++) {
			if (bound->handles[i].fd == fd && !bound->handles[i].closed) {
				*ret_bound = bound;
				return &bound->handles[i];
			}
		}
	}
	return NULL;
}

static void close_handle(struct bound *bound, struct handle *handle)
{
	struct list_node *node;

	while ((node = list_pop(&handle->backlog))) {
		struct socket *socket = container_of(node, struct socket, backlog);

		end_rst(&socket->end);
		free(socket);
	}
	handle->closed = true;
	if (--bound->open_count > 0)
		return;
	list_remove(&bound->link);
	free(bound);
}

void acceptor_discard(int fd)
{
	struct bound *bound;
	struct handle *handle = find_handle(fd, &bound);

	assert(handle && !handle->acceptor);
	close_handle(bound, handle);
}

/* One connection a turn, so that the others have theirs. */
static void accept_one(struct fake_item *item)
{
	struct acceptor *acceptor = container_of(item, struct acceptor, item);
	struct list_node *node = list_pop(&acceptor->handle->backlog);
	struct socket *socket;

	if (!node)
		return;
	socket = container_of(node, struct socket, backlog);
	socket->loop = acceptor->loop;
	socket->loop->open_count++;
	queue(socket);
	fake_queue(acceptor->loop, item);
	acceptor->events->on_accepted(acceptor->owner, socket, &socket->end.remote);
}

err_t acceptor_open(struct loop *loop, int fd, const struct acceptor_events *events, void *owner,
		    struct acceptor **ret_acceptor)
{
	struct acceptor *acceptor = calloc(1, sizeof *acceptor);

	assert(acceptor);
	acceptor->handle = find_handle(fd, &acceptor->bound);
	assert(acceptor->handle && !acceptor->handle->acceptor);
	acceptor->handle->acceptor = acceptor;
	acceptor->item.act = accept_one;
	list_init(&acceptor->item.ready);
	acceptor->loop = loop;
	acceptor->events = events;
	acceptor->owner = owner;
	loop->open_count++;
	fake_queue(loop, &acceptor->item);
	*ret_acceptor = acceptor;
	return ERR_OK;
}

void acceptor_close(struct acceptor *acceptor)
{
	if (!acceptor)
		return;
	assert(!acceptor->item.closed);
	close_handle(acceptor->bound, acceptor->handle);
	acceptor->loop->open_count--;
	fake_bury(acceptor->loop, &acceptor->item);
}

/* In turn, over those that accept; over all when none does yet. */
static struct handle *choose_handle(struct bound *bound)
{
	struct handle *waiting = NULL;

	for (unsigned i = 0; i < bound->count; i++) {
		struct handle *handle = &bound->handles[bound->next++ % bound->count];

		if (handle->acceptor && !handle->closed)
			return handle;
		if (!handle->closed)
			waiting = handle;
	}
	return waiting;
}

enum fake_mode sockets_syn(struct fake_net *net, struct fake_end *client, bool *ret_known)
{
	struct bound *bound = find_bound(net, &client->remote);
	struct handle *handle = bound ? choose_handle(bound) : NULL;
	struct socket *socket;

	*ret_known = handle != NULL;
	if (!handle)
		return FAKE_REFUSE;
	socket = create(net);
	end_pair(client, &socket->end);
	list_append(&handle->backlog, &socket->backlog);
	if (handle->acceptor)
		fake_queue(handle->acceptor->loop, &handle->acceptor->item);
	return FAKE_ACCEPT;
}

/* ---- Watches ---- */

static void watch_act(struct fake_item *item)
{
	struct watch *watch = container_of(item, struct watch, item);
	bool readable = watch->readable && watch->is_readable;
	bool writable = watch->writable && watch->is_writable;

	watch->is_readable = watch->is_writable = false;
	if (readable || writable)
		watch->events->on_ready(watch->owner, readable, writable);
}

err_t watch_open(struct loop *loop, int fd, bool readable, bool writable,
		 const struct watch_events *events, void *owner, struct watch **ret_watch)
{
	struct watch *watch = calloc(1, sizeof *watch);

	assert(watch);
	watch->item.act = watch_act;
	list_init(&watch->item.ready);
	watch->loop = loop;
	watch->fd = fd;
	watch->events = events;
	watch->owner = owner;
	watch_change(watch, readable, writable);
	loop->open_count++;
	list_append(&loop->net->watches, &watch->link);
	*ret_watch = watch;
	return ERR_OK;
}

void watch_change(struct watch *watch, bool readable, bool writable)
{
	watch->readable = readable;
	watch->writable = writable;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	list_remove(&watch->link);
	watch->loop->open_count--;
	fake_bury(watch->loop, &watch->item);
}

void fake_fd_ready(struct fake_net *net, int fd, bool readable, bool writable)
{
	list_for_each (&net->watches, node) {
		struct watch *watch = container_of(node, struct watch, link);

		if (watch->fd != fd)
			continue;
		watch->is_readable |= readable;
		watch->is_writable |= writable;
		fake_queue(watch->loop, &watch->item);
	}
}

void sockets_fini(struct fake_net *net)
{
	struct list_node *node;

	while ((node = list_first(&net->bounds))) {
		struct bound *bound = container_of(node, struct bound, link);
		unsigned left = bound->open_count;

		for (unsigned i = 0; left > 0; i++)
			if (!bound->handles[i].closed && left-- > 0)
				close_handle(bound, &bound->handles[i]);
	}
	while ((node = list_pop(&net->refusals)))
		free(container_of(node, struct refusal, link));
}
