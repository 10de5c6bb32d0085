#include "tests/unit/net/contract.h"

#ifdef CONTRACT_FAKE
#include "tests/scenario/fake_net.h"
#endif

struct loop *loop;
struct acceptor *acceptor;
struct side near, far; /* far: accepted */
struct address at;
unsigned accepts;
void (*then_accepted)(void);
static int calling; /* depth of our callbacks: they never nest */

static void enter(void)
{
	CHECK_EQ(calling, 0, "a callback inside a callback");
	calling++;
}

static void leave(struct side *side)
{
	if (side && side->then)
		side->then(side);
	calling--;
}

static void on_connected(void *owner, err_t err)
{
	struct side *side = owner;

	enter();
	side->connects++;
	side->connect_err = err;
	leave(side);
}

static void on_received(void *owner, struct bytes data)
{
	struct side *side = owner;

	enter();
	CHECK(data.len > 0);
	CHECK_EQ(side->ends, 0, "bytes after the end");
	text_add(&side->received, data);
	memset((char *)(uintptr_t)data.at, 'x', data.len); /* the owner may write there */
	side->receives++;
	side->largest = size_max(side->largest, data.len);
	leave(side);
}

static void on_writable(void *owner)
{
	struct side *side = owner;

	enter();
	side->writables++;
	leave(side);
}

static void on_ended(void *owner, err_t why)
{
	struct side *side = owner;

	enter();
	side->ends++;
	side->why = why;
	leave(side);
}

const struct socket_events side_events = { on_connected, on_received, on_writable, on_ended };

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct address asked;

	(void)owner;
	enter();
	accepts++;
	socket_peer(socket, &asked);
	CHECK(address_eq(&asked, peer));
	if (far.socket) {
		socket_close(socket); /* one is all a test here wants to keep */
	} else {
		far.socket = socket;
		socket_set_owner(socket, &side_events, &far);
	}
	if (then_accepted)
		then_accepted();
	leave(NULL);
}

const struct acceptor_events world_acceptor_events = { on_accepted };

void listen_somewhere(void)
{
	int fd;

	CHECK_OK(address_parse_ip(BYTES("127.0.0.1"), 0, &at));
	CHECK_OK(acceptor_bind(&at, 1, &fd, &at));
	CHECK_OK(acceptor_open(loop, fd, &world_acceptor_events, NULL, &acceptor));
}

void open_world(void)
{
	near = far = (struct side){ .received = TEXT_INIT(SIDE_MAX_BYTES) };
	accepts = 0;
	calling = 0;
	then_accepted = NULL;
#ifdef CONTRACT_FAKE
	fake_net_create(NULL);
#endif
	CHECK_OK(loop_create(&loop));
	listen_somewhere();
}

void close_world(void)
{
	socket_close(near.socket);
	socket_close(far.socket);
	acceptor_close(acceptor);
	near.socket = far.socket = NULL;
	acceptor = NULL;
	text_fini(&near.received);
	text_fini(&far.received);
	loop_destroy(loop);
#ifdef CONTRACT_FAKE
	fake_net_destroy(fake_current());
#endif
}

/* ---- Time ---- */

struct patience {
	struct timer timer;
	uint64_t end_ms;
	unsigned turns_left; /* at least: on a busy machine one turn may take all the time */
	bool (*done)(void);
	bool is_done;
};

static void on_tick(struct timer *timer)
{
	struct patience *patience = container_of(timer, struct patience, timer);

	patience->is_done = patience->done && patience->done();
	if (patience->turns_left > 0)
		patience->turns_left--;
	if (patience->is_done ||
	    (loop_now_ms(loop) >= patience->end_ms && patience->turns_left == 0))
		loop_stop(loop);
	else
		timer_set(loop, timer, loop_now_ms(loop) + 1);
}

bool run_for(uint64_t ms, bool (*done)(void))
{
	struct patience patience = { .timer.on_expired = on_tick, .turns_left = 20, .done = done };

	patience.end_ms = loop_now_ms(loop) + ms;
	timer_set(loop, &patience.timer, loop_now_ms(loop) + 1);
	loop_run(loop);
	return patience.is_done;
}

void settle(void)
{
	run_for(30, NULL);
}

bool both_open(void)
{
	return near.connects == 1 && far.socket;
}

bool far_ended(void)
{
	return far.ends > 0;
}

bool near_ended(void)
{
	return near.ends > 0;
}

bool near_connected(void)
{
	return near.connects > 0;
}

bool near_writable(void)
{
	return near.writables > 0;
}

bool far_received(void)
{
	return far.received.len > 0;
}

size_t wanted_bytes;

bool far_received_wanted(void)
{
	return far.received.len >= wanted_bytes;
}

void connect_pair(void)
{
	CHECK_OK(socket_connect(loop, &at, NULL, &side_events, &near, &near.socket));
	CHECK_EQ(near.connects, 0, "it comes on a later turn");
	UNTIL(both_open);
	CHECK_OK(near.connect_err);
}

void open_pair(void)
{
	open_world();
	connect_pair();
}

size_t send_text(struct side *side, const char *text)
{
	struct bytes data = bytes_of(text);
	size_t taken = 0;

	CHECK_OK(socket_send(side->socket, (struct slices){ &data, 1 }, false, &taken));
	return taken;
}

void close_side(struct side *side)
{
	socket_close(side->socket);
	side->socket = NULL;
}

void stop_all(struct side *side)
{
	(void)side;
	loop_stop(loop);
}
