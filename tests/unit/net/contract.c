/*
 * What net/loop.h promises, told to both who implement it: built once over epoll and once over
 * the fake network of the scenario tests (CONTRACT_FAKE). Both ends of each connection belong to
 * the loop.
 */
#include "net/loop.h"

#include "base/text.h"
#include "tests/check.h"

#ifdef CONTRACT_FAKE
#include "tests/scenario/fake_net.h"
#endif

enum {
	PATIENCE_MS = 5000, /* a test that waits longer has failed */
	SIDE_MAX_BYTES = 64 * 1024 * 1024,
};

/* ---- The world of one test ---- */

struct side {
	struct socket *socket;
	struct text received;
	unsigned connects, receives, writables, ends;
	size_t largest; /* piece received */
	err_t connect_err, why;
	void (*then)(struct side *side); /* after each callback was noted; may close */
};

static struct loop *loop;
static struct acceptor *acceptor;
static struct side near, far; /* far: accepted */
static struct address at;
static unsigned accepts;
static void (*then_accepted)(void);
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

static const struct socket_events events = { on_connected, on_received, on_writable, on_ended };

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
		socket_set_owner(socket, &events, &far);
	}
	if (then_accepted)
		then_accepted();
	leave(NULL);
}

static const struct acceptor_events acceptor_events = { on_accepted };

static void listen_somewhere(void)
{
	int fd;

	CHECK_OK(address_parse_ip(BYTES("127.0.0.1"), 0, &at));
	CHECK_OK(acceptor_bind(&at, 1, &fd, &at));
	CHECK_OK(acceptor_open(loop, fd, &acceptor_events, NULL, &acceptor));
}

static void open_world(void)
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

static void close_world(void)
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

static bool run_for(uint64_t ms, bool (*done)(void))
{
	struct patience patience = { .timer.on_expired = on_tick, .turns_left = 20, .done = done };

	patience.end_ms = loop_now_ms(loop) + ms;
	timer_set(loop, &patience.timer, loop_now_ms(loop) + 1);
	loop_run(loop);
	return patience.is_done;
}

#define UNTIL(condition) CHECK(run_for(PATIENCE_MS, condition), "waited for " #condition)

static void settle(void)
{
	run_for(30, NULL);
}

static bool both_open(void)
{
	return near.connects == 1 && far.socket;
}

static bool far_ended(void)
{
	return far.ends > 0;
}

static bool near_ended(void)
{
	return near.ends > 0;
}

static bool near_connected(void)
{
	return near.connects > 0;
}

static bool near_writable(void)
{
	return near.writables > 0;
}

static bool far_received(void)
{
	return far.received.len > 0;
}

static size_t wanted_bytes;

static bool far_received_wanted(void)
{
	return far.received.len >= wanted_bytes;
}

static void connect_pair(void)
{
	CHECK_OK(socket_connect(loop, &at, NULL, &events, &near, &near.socket));
	CHECK_EQ(near.connects, 0, "it comes on a later turn");
	UNTIL(both_open);
	CHECK_OK(near.connect_err);
}

static void open_pair(void)
{
	open_world();
	connect_pair();
}

static size_t send_text(struct side *side, const char *text)
{
	struct bytes data = bytes_of(text);
	size_t taken = 0;

	CHECK_OK(socket_send(side->socket, (struct slices){ &data, 1 }, false, &taken));
	return taken;
}

static void close_side(struct side *side)
{
	socket_close(side->socket);
	side->socket = NULL;
}

static void stop_all(struct side *side)
{
	(void)side;
	loop_stop(loop);
}

/* ---- Connecting ---- */

TEST(two_ends_connect_and_know_each_others_addresses)
{
	struct address a, b;

	open_pair();
	socket_local(near.socket, &a);
	socket_peer(far.socket, &b);
	CHECK(address_eq(&a, &b));
	CHECK(a.port != 0);
	socket_peer(near.socket, &a);
	CHECK(address_eq(&a, &at));
	socket_local(far.socket, &b);
	CHECK(address_eq(&b, &at));
	close_world();
}

TEST(bytes_travel_both_ways)
{
	open_pair();
	socket_receive(near.socket);
	socket_receive(far.socket);
	CHECK_EQ(send_text(&near, "ping"), 4);
	CHECK_EQ(send_text(&far, "pong"), 4);
	settle();
	CHECK_STR(text_str(&far.received), "ping");
	CHECK_STR(text_str(&near.received), "pong");
	CHECK_EQ(near.ends + far.ends, 0);
	close_world();
}

TEST(a_connect_where_nobody_listens_is_refused_once_and_nothing_else_comes)
{
	open_world();
	acceptor_close(acceptor);
	acceptor = NULL;
	CHECK_OK(socket_connect(loop, &at, NULL, &events, &near, &near.socket));
	socket_receive(near.socket);
	CHECK_EQ(near.connects, 0, "not within the call");
	UNTIL(near_connected);
	CHECK_ERR(near.connect_err, ERR_REFUSED);
	settle();
	CHECK_EQ(near.connects, 1);
	CHECK_EQ(near.ends, 0);
	close_world();
}

TEST(a_connect_that_was_closed_says_nothing)
{
	open_world();
	CHECK_OK(socket_connect(loop, &at, NULL, &events, &near, &near.socket));
	close_side(&near);
	settle();
	CHECK_EQ(near.connects + near.ends, 0);
	close_world();
}

TEST(closing_within_on_connected_is_safe)
{
	open_world();
	near.then = close_side;
	CHECK_OK(socket_connect(loop, &at, NULL, &events, &near, &near.socket));
	settle();
	CHECK_EQ(near.connects, 1);
	close_world();
}

TEST(what_is_sent_too_early_waits_for_the_connection)
{
	open_world();
	CHECK_OK(socket_connect(loop, &at, NULL, &events, &near, &near.socket));
	CHECK_EQ(send_text(&near, "too early"), 0);
	CHECK_EQ(socket_send_room(near.socket), 0);
	UNTIL(near_writable);
	CHECK_EQ(near.connects, 1);
	CHECK_EQ(send_text(&near, "now"), 3);
	close_world();
}

/* ---- The end ---- */

TEST(a_fin_comes_after_all_bytes_and_sending_still_works)
{
	open_pair();
	socket_receive(far.socket);
	socket_receive(near.socket);
	send_text(&near, "last words");
	socket_shutdown_write(near.socket);
	UNTIL(far_ended);
	CHECK_STR(text_str(&far.received), "last words");
	CHECK_ERR(far.why, ERR_CLOSED);
	CHECK_EQ(near.ends, 0);

	CHECK_EQ(send_text(&far, "an answer"), 9);
	close_side(&far);
	UNTIL(near_ended);
	CHECK_STR(text_str(&near.received), "an answer");
	CHECK_ERR(near.why, ERR_CLOSED);
	settle();
	CHECK_EQ(near.ends, 1);
	close_world();
}

TEST(a_close_is_heard_as_fin)
{
	open_pair();
	socket_receive(far.socket);
	close_side(&near);
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_CLOSED);
	close_world();
}

TEST(a_reset_comes_after_the_bytes_before_it)
{
	open_pair();
	socket_receive(far.socket);
	send_text(&near, "half a");
	socket_reset(near.socket);
	near.socket = NULL;
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_RESET);
	CHECK_STR(text_str(&far.received), "half a");
	close_world();
}

TEST(closing_with_bytes_unread_resets)
{
	open_pair();
	send_text(&near, "never read");
	settle();
	socket_receive(near.socket);
	close_side(&far);
	UNTIL(near_ended);
	CHECK_ERR(near.why, ERR_RESET);
	close_world();
}

TEST(sending_on_a_dead_connection_says_so_and_on_ended_tells_once)
{
	struct bytes data = BYTES("hello?");
	size_t taken;

	open_pair();
	socket_reset(near.socket);
	near.socket = NULL;
	settle();
	CHECK_EQ(far.ends, 1);
	CHECK_ERR(socket_send(far.socket, (struct slices){ &data, 1 }, false, &taken), ERR_RESET);
	settle();
	CHECK_EQ(far.ends, 1);
	close_world();
}

TEST(a_failed_send_is_followed_by_on_ended)
{
	struct bytes data = BYTES("hello?");
	size_t taken;
	err_t err = ERR_OK;

	open_pair();
	socket_receive(far.socket);
	close_side(&near); /* FIN: far may go on sending, but nobody is there any more */
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_CLOSED);
	for (unsigned i = 0; i < 3 && !err; i++) {
		err = socket_send(far.socket, (struct slices){ &data, 1 }, false, &taken);
		settle();
	}
	CHECK_ERR(err, ERR_RESET);
	CHECK_EQ(far.ends, 1, "once");
	close_world();
}

/* ---- Pausing ---- */

TEST(nothing_is_received_until_asked_for)
{
	open_pair();
	send_text(&near, "waiting");
	settle();
	CHECK_EQ(far.receives, 0);
	socket_receive(far.socket);
	CHECK_EQ(far.receives, 0, "not within the call");
	settle();
	CHECK_STR(text_str(&far.received), "waiting");
	close_world();
}

static void pause_side(struct side *side)
{
	if (side->receives)
		socket_pause(side->socket, false);
}

TEST(a_pause_holds_within_the_callback_and_resuming_loses_nothing)
{
	open_pair();
	socket_receive_size(far.socket, 4);
	far.then = pause_side;
	send_text(&near, "abcdefghij");
	for (unsigned i = 1; i <= 3; i++) {
		socket_receive(far.socket);
		settle();
		CHECK_EQ(far.receives, i);
		CHECK_EQ(far.received.len, i < 3 ? 4 * i : 10);
	}
	CHECK_STR(text_str(&far.received), "abcdefghij");
	close_world();
}

TEST(paused_without_watch_a_fin_waits)
{
	open_pair();
	send_text(&near, "first");
	close_side(&near);
	settle();
	CHECK_EQ(far.ends, 0);
	socket_receive(far.socket);
	UNTIL(far_ended);
	CHECK_STR(text_str(&far.received), "first");
	CHECK_ERR(far.why, ERR_CLOSED);
	close_world();
}

TEST(paused_with_watch_a_fin_is_heard_though_bytes_are_unread)
{
	open_pair();
	socket_pause(far.socket, true);
	send_text(&near, "unread");
	settle();
	CHECK_EQ(far.ends, 0);
	socket_shutdown_write(near.socket);
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_CLOSED);
	CHECK_EQ(far.receives, 0);
	socket_receive(far.socket); /* what is unread is given up */
	settle();
	CHECK_EQ(far.receives, 0);
	CHECK_EQ(far.ends, 1);
	close_world();
}

TEST(a_watch_set_after_the_fin_hears_it_too)
{
	open_pair();
	socket_shutdown_write(near.socket);
	settle();
	CHECK_EQ(far.ends, 0);
	socket_pause(far.socket, true);
	CHECK_EQ(far.ends, 0, "not within the call");
	UNTIL(far_ended);
	CHECK_ERR(far.why, ERR_CLOSED);
	close_world();
}

TEST(paused_a_reset_is_heard_with_watch_or_without)
{
	for (unsigned watch = 0; watch < 2; watch++) {
		open_pair();
		socket_pause(far.socket, watch);
		send_text(&near, "unread");
		settle();
		socket_reset(near.socket);
		near.socket = NULL;
		UNTIL(far_ended);
		CHECK_ERR(far.why, ERR_RESET);
		settle();
		CHECK_EQ(far.ends, 1);
		CHECK_EQ(far.receives, 0);
		close_world();
	}
}

/* ---- Backpressure ---- */

static char block[64 * 1024];

/* Until the other side's window is full. Returns the bytes taken. */
static size_t fill(struct side *side, size_t max_bytes)
{
	size_t sum = 0, taken = sizeof block;

	while (taken == sizeof block && sum < max_bytes) {
		struct bytes data = bytes_make(block, sizeof block);

		CHECK_OK(socket_send(side->socket, (struct slices){ &data, 1 }, false, &taken));
		sum += taken;
	}
	return sum;
}

TEST(a_reader_that_pauses_stops_the_sender_who_hears_of_room_later)
{
	size_t sent;

	open_pair();
	sent = fill(&near, SIDE_MAX_BYTES);
	CHECK(sent < SIDE_MAX_BYTES / 2, "%zu bytes and no end", sent);
	settle();
	/* The kernel's own buffers may move a little, but not for long. */
	for (unsigned last = near.writables + 1; last != near.writables;) {
		last = near.writables;
		sent += fill(&near, SIDE_MAX_BYTES);
		settle();
	}
	near.writables = 0;
	socket_receive(far.socket);
	UNTIL(near_writable);
	wanted_bytes = sent;
	UNTIL(far_received_wanted);
	settle();
	CHECK_EQ(near.writables, 1, "told once for each short send");
	CHECK_EQ(far.received.len, sent);
	close_world();
}

TEST(room_is_told_only_where_a_send_was_short)
{
	open_pair();
	socket_receive(far.socket);
	CHECK_EQ(send_text(&near, "all of it"), 9);
	settle();
	CHECK_EQ(near.writables, 0);
	close_world();
}

static size_t left_bytes;

static void go_on_sending(struct side *side)
{
	while (left_bytes > 0 && side->writables + side->connects > 0) {
		size_t len = size_min(left_bytes, 10007), taken;
		size_t phase = (4 * 1024 * 1024 - left_bytes) % 251;
		char piece[10007];
		struct bytes data = bytes_make(piece, len);

		for (size_t i = 0; i < len; i++)
			piece[i] = (char)((phase + i) % 251);
		CHECK_OK(socket_send(side->socket, (struct slices){ &data, 1 }, false, &taken));
		left_bytes -= taken;
		if (taken < len)
			return;
	}
}

TEST(four_megabytes_arrive_whole_and_in_order)
{
	open_pair();
	left_bytes = wanted_bytes = 4 * 1024 * 1024;
	socket_receive(far.socket);
	near.then = go_on_sending;
	go_on_sending(&near);
	UNTIL(far_received_wanted);
	CHECK_EQ(far.received.len, wanted_bytes);
	for (size_t i = 0; i < wanted_bytes; i++)
		if ((unsigned char)far.received.at[i] != i % 251)
			check_failed(__FILE__, __LINE__, "byte %zu is wrong", i);
	CHECK(far.largest <= 16 * 1024, "the default size of a receive");
	close_world();
}

TEST(a_send_gathers_its_slices)
{
	struct bytes parts[16];
	size_t taken;

	open_pair();
	for (size_t i = 0; i < COUNT(parts); i++)
		parts[i] = bytes_make(&"0123456789abcdef"[i], i % 2);
	socket_receive(far.socket);
	CHECK_OK(socket_send(near.socket, (struct slices){ parts, 16 }, false, &taken));
	CHECK_EQ(taken, 8);
	settle();
	CHECK_STR(text_str(&far.received), "13579bdf");
	parts[0] = BYTES_NONE;
	CHECK_OK(socket_send(near.socket, (struct slices){ parts, 1 }, false, &taken));
	CHECK_EQ(taken, 0);
	CHECK_OK(socket_send(near.socket, (struct slices){ parts, 0 }, false, &taken));
	settle();
	CHECK_EQ(near.writables, 0, "nothing was short");
	close_world();
}

TEST(more_does_not_keep_the_end_from_arriving)
{
	struct bytes head = BYTES("head "), body = BYTES("body");
	size_t taken;

	open_pair();
	socket_receive(far.socket);
	CHECK_OK(socket_send(near.socket, (struct slices){ &head, 1 }, true, &taken));
	CHECK_OK(socket_send(near.socket, (struct slices){ &body, 1 }, false, &taken));
	settle();
	CHECK_STR(text_str(&far.received), "head body");
	close_world();
}

TEST(the_room_promised_is_taken)
{
	open_pair();
	for (unsigned i = 0; i < 1000; i++) {
		size_t room = socket_send_room(near.socket), taken;
		struct bytes data = bytes_make(block, size_min(room, sizeof block));

		if (room == 0)
			break;
		CHECK_OK(socket_send(near.socket, (struct slices){ &data, 1 }, false, &taken));
		CHECK_EQ(taken, data.len, "in round %u", i);
	}
	close_world();
}

TEST(a_low_water_mark_gathers_and_an_end_brings_the_rest)
{
	open_pair();
	socket_low_water(far.socket, 10);
	socket_receive(far.socket);
	send_text(&near, "12345");
	settle();
	CHECK_EQ(far.receives, 0);
	send_text(&near, "67890");
	UNTIL(far_received);
	CHECK_STR(text_str(&far.received), "1234567890");
	CHECK_EQ(far.receives, 1);
	send_text(&near, "rest");
	settle();
	CHECK_EQ(far.receives, 1);
	close_side(&near);
	UNTIL(far_ended);
	CHECK_STR(text_str(&far.received), "1234567890rest");
	close_world();
}

TEST(lowering_the_mark_brings_what_lay_below_it)
{
	open_pair();
	socket_low_water(far.socket, 100);
	socket_receive(far.socket);
	send_text(&near, "below");
	settle();
	CHECK_EQ(far.receives, 0);
	socket_low_water(far.socket, 1);
	UNTIL(far_received);
	close_world();
}

TEST(thin_acks_change_nothing_that_one_sees)
{
	open_pair();
	socket_thin_acks(far.socket, true);
	socket_receive(far.socket);
	for (unsigned i = 0; i < 50; i++) {
		wanted_bytes = far.received.len + 1;
		send_text(&near, "t");
		UNTIL(far_received_wanted);
	}
	CHECK_EQ(far.receives, 50);
	close_world();
}

/* ---- Who hears ---- */

TEST(another_owner_hears_from_then_on)
{
	struct side other = { .received = TEXT_INIT(100) };

	open_pair();
	socket_receive(far.socket);
	send_text(&near, "one");
	UNTIL(far_received);
	socket_set_owner(far.socket, &events, &other);
	send_text(&near, "two");
	settle();
	CHECK_STR(text_str(&far.received), "one");
	CHECK_STR(text_str(&other.received), "two");
	text_fini(&other.received);
	close_world();
}

TEST(closing_within_on_received_is_safe_and_silences)
{
	open_pair();
	socket_receive_size(far.socket, 1);
	socket_receive(far.socket);
	far.then = close_side;
	send_text(&near, "several pieces");
	settle();
	CHECK_EQ(far.receives, 1);
	CHECK_EQ(far.ends, 0);
	close_world();
}

TEST(closing_within_on_ended_is_safe)
{
	open_pair();
	socket_receive(far.socket);
	far.then = close_side;
	close_side(&near);
	UNTIL(far_ended);
	close_world();
}

static void close_writable(struct side *side)
{
	if (side->writables)
		close_side(side);
}

TEST(closing_within_on_writable_is_safe)
{
	open_pair();
	fill(&near, SIDE_MAX_BYTES);
	near.then = close_writable;
	socket_receive(far.socket);
	UNTIL(far_ended);
	CHECK_EQ(near.writables, 1);
	close_world();
}

static struct side *victim;

static void close_victim(struct side *side)
{
	(void)side;
	if (victim->socket)
		close_side(victim);
}

TEST(of_two_ready_sockets_the_first_may_close_the_other)
{
	open_pair();
	socket_receive(near.socket);
	socket_receive(far.socket);
	/* Each hears the other in the same turn; whoever is first closes both. */
	near.then = far.then = close_victim;
	victim = &far;
	send_text(&near, "to far");
	send_text(&far, "to near");
	settle();
	CHECK(near.receives <= 1 && far.receives <= 1);
	CHECK(!far.socket);
	close_world();
}

/* ---- Listening ---- */

TEST(an_address_in_use_is_refused_and_free_again_after_closing)
{
	struct address any, same;
	int fds[3];

	open_world();
	CHECK_ERR(acceptor_bind(&at, 1, fds, NULL), ERR_IN_USE);
	CHECK_OK(address_parse_ip(BYTES("0.0.0.0"), at.port, &any));
	CHECK_ERR(acceptor_bind(&any, 2, fds, NULL), ERR_IN_USE);
	acceptor_close(acceptor);
	acceptor = NULL;
	CHECK_OK(acceptor_bind(&at, 3, fds, &same));
	CHECK(address_eq(&at, &same));
	CHECK_ERR(acceptor_bind(&at, 1, fds + 2, NULL), ERR_IN_USE);
	acceptor_discard(fds[0]);
	acceptor_discard(fds[1]);
	acceptor_discard(fds[2]);
	CHECK_OK(acceptor_bind(&any, 1, fds, NULL));
	acceptor_discard(fds[0]);
	close_world();
}

TEST(port_0_is_given_a_number)
{
	struct address first, second;
	int fds[2];

	open_world();
	CHECK_OK(address_parse_ip(BYTES("127.0.0.1"), 0, &first));
	CHECK_OK(acceptor_bind(&first, 2, fds, &second));
	CHECK(second.port != 0 && second.port != at.port);
	CHECK(address_eq_ip(&first, &second));
	acceptor_discard(fds[0]);
	acceptor_discard(fds[1]);
	close_world();
}

static bool ten_accepted(void)
{
	return accepts == 10;
}

static void connect_ten(struct side sides[10])
{
	for (unsigned i = 0; i < 10; i++) {
		sides[i] = (struct side){ .received = TEXT_INIT(100) };
		CHECK_OK(socket_connect(loop, &at, NULL, &events, &sides[i], &sides[i].socket));
	}
}

TEST(handles_that_share_a_port_accept_every_connection_between_them)
{
	struct acceptor *acceptors[3];
	struct side sides[10];
	int fds[3];

	open_world();
	acceptor_close(acceptor);
	acceptor = NULL;
	CHECK_OK(acceptor_bind(&at, 3, fds, NULL));
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(acceptor_open(loop, fds[i], &acceptor_events, NULL, &acceptors[i]));
	connect_ten(sides);
	UNTIL(ten_accepted);
	for (unsigned i = 0; i < 10; i++)
		socket_close(sides[i].socket);
	for (unsigned i = 0; i < 3; i++)
		acceptor_close(acceptors[i]);
	close_world();
}

static void close_acceptor(void)
{
	acceptor_close(acceptor);
	acceptor = NULL;
}

TEST(closing_the_acceptor_within_on_accepted_is_safe_and_ends_it)
{
	struct side sides[10];

	open_world();
	then_accepted = close_acceptor;
	connect_ten(sides);
	settle();
	CHECK_EQ(accepts, 1);
	for (unsigned i = 0; i < 10; i++)
		socket_close(sides[i].socket);
	close_world();
}

TEST(a_client_that_left_the_backlog_is_accepted_and_then_heard_to_leave)
{
	int fd;

	open_world();
	close_acceptor();
	CHECK_OK(acceptor_bind(&at, 1, &fd, NULL));
	CHECK_OK(socket_connect(loop, &at, NULL, &events, &near, &near.socket));
	UNTIL(near_connected);
	send_text(&near, "hello");
	close_side(&near);
	settle();
	CHECK_OK(acceptor_open(loop, fd, &acceptor_events, NULL, &acceptor));
	settle();
	CHECK_EQ(accepts, 1);
	socket_receive(far.socket);
	UNTIL(far_ended);
	CHECK_STR(text_str(&far.received), "hello");
	close_world();
}

/* ---- Timers, posts, deferred jobs ---- */

static struct timer timers[4];
static char order[64];

static void note(char what)
{
	size_t len = strlen(order);

	CHECK(len + 1 < sizeof order);
	order[len] = what;
	order[len + 1] = '\0';
}

static void note_timer(struct timer *timer)
{
	note((char)('0' + (timer - timers)));
	CHECK(!timer_armed(timer));
}

static void prepare_timers(void)
{
	memset(timers, 0, sizeof timers);
	memset(order, 0, sizeof order);
	for (size_t i = 0; i < COUNT(timers); i++)
		timers[i].on_expired = note_timer;
}

TEST(timers_run_in_order_and_not_early)
{
	uint64_t start_ms;

	open_world();
	prepare_timers();
	start_ms = loop_now_ms(loop);
	timer_set(loop, &timers[0], start_ms + 60);
	timer_set(loop, &timers[1], start_ms + 40);
	timer_set(loop, &timers[2], start_ms + 20);
	timer_set(loop, &timers[3], 1); /* long ago */
	CHECK_STR(order, "");
	timer_cancel(&timers[1]);
	run_for(45, NULL);
	CHECK(loop_now_ms(loop) >= start_ms + 45);
	if (loop_now_ms(loop) < start_ms + 60)
		CHECK_STR(order, "32");
	run_for(60, NULL);
	CHECK_STR(order, "320");
	close_world();
}

TEST(both_clocks_go_forward_together)
{
	uint64_t start_ms, start_us;

	open_world();
	start_ms = loop_now_ms(loop);
	start_us = loop_unix_us(loop);
	CHECK(start_us > UINT64_C(1700000000) * 1000000);
	run_for(50, NULL);
	CHECK(loop_now_ms(loop) - start_ms >= 50);
	CHECK((loop_unix_us(loop) - start_us) / 1000 + 2 >= loop_now_ms(loop) - start_ms);
	close_world();
}

static struct loop_job jobs[4];
static unsigned reposts;

static void note_job(struct loop_job *job)
{
	note((char)('a' + (job - jobs)));
}

static void note_and_post_again(struct loop_job *job)
{
	note_job(job);
	if (reposts-- > 0)
		loop_post(loop, job);
}

static void note_and_defer_next(struct loop_job *job)
{
	note_job(job);
	loop_defer(loop, job + 1);
	note('.');
}

TEST(posts_run_in_order_and_a_job_may_post_itself_again)
{
	open_world();
	prepare_timers();
	for (size_t i = 0; i < COUNT(jobs); i++)
		jobs[i].run = note_job;
	jobs[1].run = note_and_post_again;
	reposts = 2;
	for (size_t i = 0; i < 3; i++)
		loop_post(loop, &jobs[i]);
	CHECK_STR(order, "", "not within the call");
	settle();
	CHECK_STR(order, "abcbb");
	close_world();
}

TEST(deferred_jobs_run_at_the_end_of_the_turn_that_deferred_them)
{
	open_world();
	prepare_timers();
	for (size_t i = 0; i < COUNT(jobs); i++)
		jobs[i].run = note_job;
	jobs[0].run = note_and_defer_next; /* a, and b at the end of the turn */
	timer_set(loop, &timers[0], 1);	   /* the turn's timers come before */
	loop_post(loop, &jobs[0]);
	loop_post(loop, &jobs[2]);
	settle();
	CHECK_STR(order, "a.c0b");
	close_world();
}

TEST(a_stop_finishes_the_turn_and_the_loop_may_run_again)
{
	open_world();
	prepare_timers();
	jobs[0].run = note_job;
	loop_stop(loop);
	loop_run(loop); /* stopped before it began */
	connect_pair();
	near.then = stop_all;
	socket_receive(near.socket);
	send_text(&far, "stop");
	loop_post(loop, &jobs[0]);
	loop_run(loop);
	CHECK_EQ(near.receives, 1);
	CHECK_STR(order, "a");
	close_world();
}
