#include "tests/scenario/fake_internal.h"

#include <stdlib.h>

enum segment_kind { DATA, FIN, RST };

struct segment {
	struct list_node link; /* in end->inbound */
	struct timer arrival;
	struct fake_end *to;
	enum segment_kind kind;
	bool arrived;
	size_t start, len; /* unread: data[start … len-1] */
	char data[];
};

static void change(struct fake_end *end)
{
	end->on_change(end);
}

static void free_segment(struct segment *segment)
{
	timer_cancel(&segment->arrival);
	list_remove(&segment->link);
	free(segment);
}

static void on_arrival(struct timer *timer)
{
	struct segment *segment = container_of(timer, struct segment, arrival);
	struct fake_end *end = segment->to;

	segment->arrived = true;
	if (segment->kind == DATA) {
		end->arrived_bytes += segment->len;
	} else {
		end->fin_arrived |= segment->kind == FIN;
		end->rst_arrived |= segment->kind == RST;
		free_segment(segment);
	}
	change(end);
}

static void transmit(struct fake_end *to, enum segment_kind kind, struct bytes data)
{
	struct segment *segment = calloc(1, sizeof *segment + data.len);

	assert(segment);
	segment->to = to;
	segment->kind = kind;
	segment->len = data.len;
	if (data.len)
		memcpy(segment->data, data.at, data.len);
	segment->arrival.on_expired = on_arrival;
	list_append(&to->inbound, &segment->link);
	to->inbound_bytes += data.len;
	timers_set(&to->net->events, &segment->arrival,
		   to->net->now_ms + to->net->options.latency_ms);
}

static void on_rejected(struct timer *timer)
{
	struct fake_end *end = container_of(timer, struct fake_end, rejection);

	end->rst_arrived = true;
	change(end);
}

void end_init(struct fake_end *end, struct fake_net *net, void (*on_change)(struct fake_end *))
{
	*end = (struct fake_end){ .net = net, .on_change = on_change };
	list_init(&end->inbound);
	end->rejection.on_expired = on_rejected;
}

/* ---- The handshake ---- */

static void on_answer(struct timer *timer)
{
	struct fake_end *end = container_of(timer, struct fake_end, handshake);

	end->answered = true;
	change(end);
}

static void on_syn(struct timer *timer)
{
	struct fake_end *end = container_of(timer, struct fake_end, handshake);
	bool known = false;
	enum fake_mode mode = sockets_syn(end->net, end, &known);

	if (!known)
		mode = targets_syn(end->net, end, &known);
	if (!known)
		mode = FAKE_REFUSE;
	if (mode == FAKE_HANG)
		return;
	end->answer = mode == FAKE_REFUSE	 ? ERR_REFUSED
		      : mode == FAKE_UNREACHABLE ? ERR_UNREACHABLE
						 : ERR_OK;
	end->handshake.on_expired = on_answer;
	timers_set(&end->net->events, &end->handshake,
		   end->net->now_ms + end->net->options.latency_ms);
}

void end_connect(struct fake_end *end, const struct address *to)
{
	end->remote = *to;
	end->handshake.on_expired = on_syn;
	timers_set(&end->net->events, &end->handshake,
		   end->net->now_ms + end->net->options.latency_ms);
}

void end_pair(struct fake_end *client, struct fake_end *server)
{
	client->other = server;
	server->other = client;
	server->local = client->remote;
	server->remote = client->local;
	server->answered = true;
}

/* ---- Bytes ---- */

size_t end_room(const struct fake_end *end)
{
	size_t window = end->net->options.window_bytes;

	if (!end->answered || end->answer)
		return 0;
	if (!end->other)
		return window;
	return end->other->inbound_bytes < window ? window - end->other->inbound_bytes : 0;
}

size_t end_send(struct fake_end *end, struct bytes data)
{
	size_t taken = size_min(data.len, end_room(end));

	assert(!end->fin_sent);
	if (taken == 0)
		return 0;
	if (end->other) {
		transmit(end->other, DATA, bytes_upto(data, taken));
	} else if (!end->rst_arrived && !timer_armed(&end->rejection)) {
		timers_set(&end->net->events, &end->rejection,
			   end->net->now_ms + 2 * (uint64_t)end->net->options.latency_ms);
	}
	return taken;
}

size_t end_read(struct fake_end *end, char *out, size_t max_bytes)
{
	size_t got = 0;

	max_bytes = size_min(max_bytes, end->arrived_bytes);
	while (got < max_bytes) {
		struct segment *segment = container_of(list_first(&end->inbound), struct segment,
						       link);
		size_t part = size_min(segment->len - segment->start, max_bytes - got);

		assert(segment->arrived);
		memcpy(out + got, segment->data + segment->start, part);
		got += part;
		segment->start += part;
		if (segment->start == segment->len)
			free_segment(segment);
	}
	end->arrived_bytes -= got;
	end->inbound_bytes -= got;
	if (got && end->other)
		change(end->other);
	return got;
}

void end_fin(struct fake_end *end)
{
	if (end->fin_sent)
		return;
	end->fin_sent = true;
	if (end->other)
		transmit(end->other, FIN, BYTES_NONE);
}

void end_rst(struct fake_end *end)
{
	if (end->other)
		transmit(end->other, RST, BYTES_NONE);
	end_let_go(end);
}

void end_let_go(struct fake_end *end)
{
	struct list_node *node;

	timer_cancel(&end->handshake);
	timer_cancel(&end->rejection);
	while ((node = list_first(&end->inbound)))
		free_segment(container_of(node, struct segment, link));
	end->inbound_bytes = end->arrived_bytes = 0;
	if (end->other)
		end->other->other = NULL;
	end->other = NULL;
}
