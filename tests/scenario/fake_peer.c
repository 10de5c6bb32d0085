/*
 * Scripted clients and targets: ends of connections that the test holds. All that a peer does by
 * itself it does in act(), between turns of the loops.
 */
#include "tests/scenario/fake_internal.h"

#include <stdlib.h>

enum {
	OUTBOX_MAX_BYTES = 1 << 30,
	RECEIVED_MAX_BYTES = 1 << 30,
	READ_BYTES = 64 * 1024,
};

struct mark {
	size_t offset; /* of the first byte read at `ms` */
	uint64_t ms;
};

struct fake_peer {
	struct fake_end end;
	struct list_node link; /* in net->peers */
	struct timer wake;     /* act() at the next pass */
	const struct fake_script *script;
	void *owner;
	struct text outbox, received;
	size_t outbox_sent, taken;
	struct mark *marks;
	size_t mark_count, mark_cap;
	bool opened, stopped, stays_open;
	bool finishing; /* FIN once the outbox is empty */
	bool closed;	/* the program is gone: what arrives is answered with RST */
	bool vanished;
	err_t ended;
	uint64_t ended_ms;
};

struct fake_target {
	struct list_node link; /* in net->targets */
	struct address at;
	enum fake_mode mode;
	const struct fake_script *script;
	void *owner;
	struct fake_peer **accepted;
	unsigned connects, accepted_count, accepted_cap;
};

static const struct fake_script no_script;

/* ---- What a peer does by itself ---- */

static void wake(struct fake_peer *peer)
{
	if (!timer_armed(&peer->wake))
		timers_set(&peer->end.net->events, &peer->wake, peer->end.net->now_ms);
}

static void on_change(struct fake_end *end)
{
	wake(container_of(end, struct fake_peer, end));
}

static void ended(struct fake_peer *peer, err_t why)
{
	if (peer->ended)
		return;
	peer->ended = why;
	peer->ended_ms = fake_now_ms(peer->end.net);
	if (peer->script->on_ended)
		peer->script->on_ended(peer, peer->owner, why);
}

static void open_up(struct fake_peer *peer)
{
	if (peer->end.answer) {
		ended(peer, peer->end.answer);
		return;
	}
	peer->opened = true;
	if (peer->script->on_open)
		peer->script->on_open(peer, peer->owner);
}

static void mark(struct fake_peer *peer)
{
	uint64_t now_ms = fake_now_ms(peer->end.net);

	if (peer->mark_count && peer->marks[peer->mark_count - 1].ms == now_ms)
		return;
	if (peer->mark_count == peer->mark_cap) {
		peer->mark_cap = size_max(16, peer->mark_cap * 2);
		peer->marks = realloc(peer->marks, peer->mark_cap * sizeof peer->marks[0]);
		assert(peer->marks);
	}
	peer->marks[peer->mark_count++] = (struct mark){ peer->received.len, now_ms };
}

static void read_some(struct fake_peer *peer, size_t max_bytes)
{
	size_t len = size_min(max_bytes, peer->end.arrived_bytes);
	char *piece;

	if (len == 0)
		return;
	piece = malloc(len);
	assert(piece);
	end_read(&peer->end, piece, len);
	mark(peer);
	text_add(&peer->received, bytes_make(piece, len));
	assert(!text_err(&peer->received));
	if (peer->script->on_received)
		peer->script->on_received(peer, peer->owner, bytes_make(piece, len));
	free(piece);
}

static void flush(struct fake_peer *peer)
{
	struct bytes rest = bytes_from(text_bytes(&peer->outbox), peer->outbox_sent);

	if (peer->end.fin_sent || peer->end.rst_arrived)
		return;
	peer->outbox_sent += end_send(&peer->end, rest);
	if (peer->outbox_sent < peer->outbox.len)
		return;
	text_clear(&peer->outbox);
	peer->outbox_sent = 0;
	if (peer->finishing && peer->end.answered)
		end_fin(&peer->end);
}

static void hear_end(struct fake_peer *peer)
{
	if (peer->end.rst_arrived) {
		ended(peer, ERR_RESET);
	} else if (peer->end.fin_arrived && peer->end.arrived_bytes == 0 && !peer->ended) {
		ended(peer, ERR_CLOSED);
		if (!peer->stays_open && !peer->closed) {
			peer->finishing = true;
			flush(peer);
		}
	}
}

static void act(struct timer *timer)
{
	struct fake_peer *peer = container_of(timer, struct fake_peer, wake);

	if (peer->vanished)
		return;
	if (peer->end.answered && !peer->opened && !peer->ended)
		open_up(peer);
	if (!peer->opened)
		return;
	if (peer->closed && peer->end.arrived_bytes) {
		end_rst(&peer->end);
		return;
	}
	flush(peer);
	if (!peer->stopped && !peer->closed)
		read_some(peer, peer->end.arrived_bytes);
	hear_end(peer);
}

/* ---- Peers ---- */

static struct fake_peer *create(struct fake_net *net, const struct fake_script *script, void *owner)
{
	struct fake_peer *peer = calloc(1, sizeof *peer);

	assert(peer);
	end_init(&peer->end, net, on_change);
	peer->wake.on_expired = act;
	text_init(&peer->outbox, OUTBOX_MAX_BYTES);
	text_init(&peer->received, RECEIVED_MAX_BYTES);
	fake_set_script(peer, script, owner);
	list_append(&net->peers, &peer->link);
	return peer;
}

struct fake_peer *fake_connect(struct fake_net *net, const char *from, const char *to)
{
	struct fake_peer *peer = create(net, NULL, NULL);
	struct address address = fake_address(to);

	peer->end.local = fake_address(from);
	end_connect(&peer->end, &address);
	return peer;
}

void fake_set_script(struct fake_peer *peer, const struct fake_script *script, void *owner)
{
	peer->script = script ? script : &no_script;
	peer->owner = owner;
}

static bool may_send(const struct fake_peer *peer)
{
	return !peer->closed && !peer->finishing && !peer->vanished && !peer->end.rst_arrived &&
	       (!peer->ended || peer->ended == ERR_CLOSED);
}

void fake_send_bytes(struct fake_peer *peer, struct bytes data)
{
	if (!may_send(peer))
		return;
	text_add(&peer->outbox, data);
	assert(!text_err(&peer->outbox));
	if (peer->end.answered)
		flush(peer);
}

void fake_send(struct fake_peer *peer, const char *text)
{
	fake_send_bytes(peer, bytes_of(text));
}

void fake_send_after(struct fake_peer *peer, uint64_t ms, const char *text)
{
	struct bytes data = bytes_of(text);
	struct action *action = action_new(peer->end.net, ms, data.len + 1);

	action->peer = peer;
	memcpy(action->text, text, data.len + 1);
}

void fake_finish(struct fake_peer *peer)
{
	if (!may_send(peer))
		return;
	peer->finishing = true;
	if (peer->end.answered)
		flush(peer);
}

void fake_close(struct fake_peer *peer)
{
	if (peer->closed || peer->vanished)
		return;
	peer->closed = true;
	if (!peer->ended) {
		peer->ended = ERR_CANCELLED;
		peer->ended_ms = fake_now_ms(peer->end.net);
	}
	if (!peer->end.answered) {
		end_rst(&peer->end); /* while it connects: as a process that is killed */
		return;
	}
	if (peer->end.arrived_bytes) {
		end_rst(&peer->end);
		return;
	}
	peer->finishing = true;
	flush(peer);
}

void fake_reset(struct fake_peer *peer)
{
	if (peer->vanished)
		return;
	peer->closed = true;
	if (!peer->ended) {
		peer->ended = ERR_CANCELLED;
		peer->ended_ms = fake_now_ms(peer->end.net);
	}
	end_rst(&peer->end);
}

void fake_vanish(struct fake_peer *peer)
{
	peer->vanished = true;
	timer_cancel(&peer->end.handshake);
	if (!peer->ended) {
		peer->ended = ERR_CANCELLED;
		peer->ended_ms = fake_now_ms(peer->end.net);
	}
}

void fake_stop_reading(struct fake_peer *peer)
{
	peer->stopped = true;
}

void fake_resume_reading(struct fake_peer *peer)
{
	peer->stopped = false;
	wake(peer);
}

void fake_read(struct fake_peer *peer, size_t max_bytes)
{
	assert(peer->stopped);
	if (peer->closed || peer->vanished)
		return;
	read_some(peer, max_bytes);
	wake(peer);
}

void fake_stay_open(struct fake_peer *peer)
{
	peer->stays_open = true;
}

struct bytes fake_received(const struct fake_peer *peer)
{
	return text_bytes(&peer->received);
}

struct bytes fake_take(struct fake_peer *peer)
{
	struct bytes fresh = bytes_from(text_bytes(&peer->received), peer->taken);

	peer->taken = peer->received.len;
	return fresh;
}

uint64_t fake_received_ms(const struct fake_peer *peer, size_t offset)
{
	size_t low = 0, high = peer->mark_count;

	assert(offset < peer->received.len);
	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (peer->marks[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return peer->marks[low].ms;
}

size_t fake_unread_bytes(const struct fake_peer *peer)
{
	return peer->end.arrived_bytes;
}

bool fake_is_open(const struct fake_peer *peer)
{
	return peer->opened && !peer->ended;
}

err_t fake_ended(const struct fake_peer *peer)
{
	return peer->ended;
}

uint64_t fake_ended_ms(const struct fake_peer *peer)
{
	return peer->ended_ms;
}

const struct address *fake_peer_address(const struct fake_peer *peer)
{
	return &peer->end.local;
}

const struct address *fake_other_address(const struct fake_peer *peer)
{
	return &peer->end.remote;
}

/* ---- Targets ---- */

static struct fake_target *find_target(const struct fake_net *net, const struct address *at)
{
	list_for_each (&net->targets, node) {
		struct fake_target *target = container_of(node, struct fake_target, link);

		if (address_eq(&target->at, at))
			return target;
	}
	return NULL;
}

bool targets_listen(const struct fake_net *net, const struct address *at)
{
	return find_target(net, at) != NULL;
}

struct fake_target *fake_listen(struct fake_net *net, const char *at,
				const struct fake_script *script, void *owner)
{
	struct fake_target *target = calloc(1, sizeof *target);

	assert(target);
	target->at = fake_address(at);
	assert(!find_target(net, &target->at) && !fake_is_bound(net, at));
	target->script = script;
	target->owner = owner;
	list_append(&net->targets, &target->link);
	return target;
}

static void accept(struct fake_target *target, struct fake_end *client)
{
	struct fake_peer *peer = create(client->net, target->script, target->owner);

	if (target->accepted_count == target->accepted_cap) {
		target->accepted_cap = target->accepted_cap ? target->accepted_cap * 2 : 16;
		target->accepted = realloc(target->accepted,
					   target->accepted_cap * sizeof target->accepted[0]);
		assert(target->accepted);
	}
	target->accepted[target->accepted_count++] = peer;
	end_pair(client, &peer->end);
	wake(peer);
}

enum fake_mode targets_syn(struct fake_net *net, struct fake_end *client, bool *ret_known)
{
	struct fake_target *target = find_target(net, &client->remote);

	*ret_known = target != NULL;
	if (!target)
		return FAKE_REFUSE;
	target->connects++;
	if (target->mode == FAKE_ACCEPT)
		accept(target, client);
	return target->mode;
}

void fake_set_mode(struct fake_target *target, enum fake_mode mode)
{
	target->mode = mode;
}

unsigned fake_connects(const struct fake_target *target)
{
	return target->connects;
}

unsigned fake_accepted_count(const struct fake_target *target)
{
	return target->accepted_count;
}

struct fake_peer *fake_accepted(const struct fake_target *target, unsigned index)
{
	return index < target->accepted_count ? target->accepted[index] : NULL;
}

struct fake_peer *fake_last_accepted(const struct fake_target *target)
{
	return target->accepted_count ? target->accepted[target->accepted_count - 1] : NULL;
}

void peers_fini(struct fake_net *net)
{
	struct list_node *node;

	while ((node = list_pop(&net->peers))) {
		struct fake_peer *peer = container_of(node, struct fake_peer, link);

		timer_cancel(&peer->wake);
		end_let_go(&peer->end);
		text_fini(&peer->outbox);
		text_fini(&peer->received);
		free(peer->marks);
		free(peer);
	}
	while ((node = list_pop(&net->targets))) {
		struct fake_target *target = container_of(node, struct fake_target, link);

		free(target->accepted);
		free(target);
	}
}
