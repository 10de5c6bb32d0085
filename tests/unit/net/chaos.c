/*
 * Many connections on one loop whose owners do anything, anywhere: send, pause, resume, half-close,
 * close and reset themselves and each other, from within every callback. Nothing may be heard of
 * what was closed, every byte arrives in order, and nothing leaks. Built over epoll and over the
 * fake network, as contract.c is.
 */
#include "net/loop.h"

#include "base/rng.h"
#include "tests/check.h"

#ifdef CONTRACT_FAKE
#include "tests/scenario/fake_net.h"
#endif

enum {
	ENDS = 64,
	CALLBACKS_MAX = 20000,
	PATIENCE_MS = 20 * 1000,
	PIECE_BYTES = 70 * 1000,
	PERIOD = 251, /* byte i of every stream is i % PERIOD */
};

struct end {
	struct socket *socket; /* NULL: free */
	bool connecting, ended, finished, blocked;
	size_t sent, received;
	unsigned generation; /* an end that was closed and used again is another one */
};

static struct loop *loop;
static struct acceptor *acceptor;
static struct address at;
static struct end ends[ENDS];
static struct timer ticker;
static struct rng rng;
static unsigned callbacks, accepted, byte_pieces, resets, closes, blocks;
static uint64_t give_up_ms;
static char pattern[PIECE_BYTES + PERIOD];

static void act(struct end *end);

/* Every callback comes through here first. */
static struct end *hear(void *owner)
{
	struct end *end = owner;

	CHECK(end->socket, "heard of a closed socket");
	callbacks++;
	return end;
}

static void forget(struct end *end)
{
	*end = (struct end){ .generation = end->generation + 1 };
}

static void on_connected(void *owner, err_t err)
{
	struct end *end = hear(owner);

	CHECK(end->connecting);
	end->connecting = false;
	if (err) {
		socket_close(end->socket);
		forget(end);
		return;
	}
	socket_receive(end->socket);
	act(end);
}

static void on_received(void *owner, struct bytes data)
{
	struct end *end = hear(owner);

	CHECK(data.len > 0 && !end->ended && !end->connecting);
	CHECK(memcmp(data.at, pattern + end->received % PERIOD, data.len) == 0, "at %zu",
	      end->received);
	end->received += data.len;
	byte_pieces++;
	act(end);
}

static void on_writable(void *owner)
{
	struct end *end = hear(owner);

	CHECK(end->blocked && !end->connecting);
	end->blocked = false;
	act(end);
}

static void on_ended(void *owner, err_t why)
{
	struct end *end = hear(owner);

	CHECK(!end->ended && !end->connecting);
	CHECK(why == ERR_CLOSED || why == ERR_RESET, "%s", err_name(why));
	end->ended = true;
	resets += why == ERR_RESET;
	if (why == ERR_RESET || rng_below(&rng, 2)) {
		socket_close(end->socket);
		forget(end);
	}
	act(&ends[rng_below(&rng, ENDS)]);
}

static const struct socket_events events = { on_connected, on_received, on_writable, on_ended };

static struct end *free_end(void)
{
	for (size_t i = 0; i < ENDS; i++)
		if (!ends[i].socket)
			return &ends[i];
	return NULL;
}

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct end *end = free_end();

	(void)owner;
	CHECK(peer->family == 4);
	accepted++;
	if (!end || rng_below(&rng, 20) == 0) {
		socket_close(socket);
		return;
	}
	end->socket = socket;
	socket_set_owner(socket, &events, end);
	if (rng_below(&rng, 4))
		socket_receive(socket);
	act(end);
}

static const struct acceptor_events acceptor_events = { on_accepted };

static void open_one(void)
{
	struct end *end = free_end();

	if (!end)
		return;
	end->connecting = true;
	CHECK_OK(socket_connect(loop, &at, NULL, &events, end, &end->socket));
}

static void send_some(struct end *end)
{
	size_t len = 1 + rng_below(&rng, rng_below(&rng, 8) ? 200 : PIECE_BYTES - 1), taken = 0;
	struct bytes data = bytes_make(pattern + end->sent % PERIOD, len);

	if (end->finished || end->connecting || end->blocked)
		return;
	/* A dead connection may say so here; on_ended follows, unless it ran. */
	if (socket_send(end->socket, (struct slices){ &data, 1 }, rng_below(&rng, 2), &taken))
		return;
	end->sent += taken;
	end->blocked = taken < len;
	blocks += end->blocked;
}

static void close_one(struct end *end, bool reset)
{
	if (reset)
		socket_reset(end->socket);
	else
		socket_close(end->socket);
	closes++;
	forget(end);
}

static void act(struct end *end)
{
	unsigned generation = end->generation;

	for (unsigned i = 0; i < 3 && end->socket && end->generation == generation; i++) {
		switch (rng_below(&rng, 40)) {
		case 0: close_one(end, false); break;
		case 1: close_one(end, true); break;
		case 2:
			if (!end->connecting && !end->finished)
				socket_shutdown_write(end->socket);
			end->finished |= !end->connecting;
			break;
		case 3: socket_pause(end->socket, true); break;
		case 4: socket_pause(end->socket, false); break;
		case 5: socket_receive_size(end->socket, (uint32_t)rng_below(&rng, 5000)); break;
		case 6: socket_thin_acks(end->socket, rng_below(&rng, 2)); break;
		case 7:
			if (!end->connecting)
				socket_low_water(end->socket, (uint32_t)rng_below(&rng, 100));
			break;
		case 8: open_one(); break;
		case 9: act(&ends[rng_below(&rng, ENDS)]); break;
		case 10:
		case 11:
		case 12:
		case 13:
		case 14: socket_receive(end->socket); break;
		default: send_some(end); break;
		}
	}
}

/* Stirs what has come to rest. */
static void on_tick(struct timer *timer)
{
	if (callbacks >= CALLBACKS_MAX || loop_now_ms(loop) >= give_up_ms) {
		loop_stop(loop);
		return;
	}
	for (unsigned i = 0; i < 8; i++)
		open_one();
	for (unsigned i = 0; i < 8; i++)
		act(&ends[rng_below(&rng, ENDS)]);
	timer_set(loop, timer, loop_now_ms(loop) + rng_below(&rng, 2));
}

static void run_chaos(uint64_t seed)
{
	int fd;

	rng_seed(&rng, seed);
	memset(ends, 0, sizeof ends);
	callbacks = accepted = byte_pieces = resets = closes = blocks = 0;
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (char)(i % PERIOD);
	CHECK_OK(loop_create(&loop));
	CHECK_OK(address_parse(BYTES("127.0.0.1:0"), &at));
	CHECK_OK(acceptor_bind(&at, 1, &fd, &at));
	CHECK_OK(acceptor_open(loop, fd, &acceptor_events, NULL, &acceptor));
	ticker = (struct timer){ .on_expired = on_tick };
	give_up_ms = loop_now_ms(loop) + PATIENCE_MS;
	timer_set(loop, &ticker, 1);
	loop_run(loop);

	for (size_t i = 0; i < ENDS; i++)
		socket_close(ends[i].socket);
	acceptor_close(acceptor);
	timer_cancel(&ticker);
	loop_destroy(loop);
	CHECK(callbacks >= CALLBACKS_MAX, "%u callbacks: it came to rest", callbacks);
	CHECK(accepted > 100 && byte_pieces > 1000 && resets > 10 && closes > 100,
	      "%u accepted, %u pieces, %u resets, %u closes, %u blocked", accepted, byte_pieces,
	      resets, closes, blocks);
}

TEST(whatever_owners_do_within_callbacks_nothing_closed_is_heard_and_no_byte_is_lost)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
#ifdef CONTRACT_FAKE
		struct fake_net *net = fake_net_create(
			&(struct fake_options){ .seed = seed, .latency_ms = seed % 2 });

		run_chaos(seed);
		fake_net_destroy(net);
#else
		run_chaos(seed);
#endif
	}
}
