/*
 * The fake network's own promises to the tests that use it. What it owes to net/loop.h is in
 * tests/unit/net/contract.c.
 */
#include "tests/scenario/fake_net.h"

#include "base/text.h"
#include "net/blocking.h"
#include "net/clock.h"
#include "tests/check.h"

/* ---- An echo server, in place of a balancer ---- */

struct echo {
	struct socket *socket;
	struct list_node link;
	unsigned pieces;
	size_t largest;
	struct text unsent;
};

static struct fake_net *net;
static struct loop *loop;
static struct acceptor *acceptor;
static struct list_node echoes;
static char heard[256]; /* the first byte of each piece, in order over all connections */
static size_t heard_len;

static void echo_close(struct echo *echo)
{
	socket_close(echo->socket);
	list_remove(&echo->link);
	text_fini(&echo->unsent);
	free(echo);
}

static void echo_flush(struct echo *echo)
{
	struct bytes rest = text_bytes(&echo->unsent);
	struct text kept = TEXT_INIT(1 << 24);
	size_t taken = 0;

	if (socket_send(echo->socket, (struct slices){ &rest, 1 }, false, &taken))
		return;
	text_add(&kept, bytes_from(rest, taken));
	text_fini(&echo->unsent);
	echo->unsent = kept;
}

static void echo_received(void *owner, struct bytes data)
{
	struct echo *echo = owner;

	echo->pieces++;
	echo->largest = size_max(echo->largest, data.len);
	if (heard_len < sizeof heard)
		heard[heard_len++] = data.at[0];
	text_add(&echo->unsent, data);
	echo_flush(echo);
}

static void echo_writable(void *owner)
{
	echo_flush(owner);
}

static void echo_ended(void *owner, err_t why)
{
	(void)why;
	echo_close(owner);
}

static const struct socket_events echo_events = { NULL, echo_received, echo_writable, echo_ended };

static void echo_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	struct echo *echo = calloc(1, sizeof *echo);

	(void)owner;
	(void)peer;
	echo->socket = socket;
	text_init(&echo->unsent, 1 << 24);
	list_append(&echoes, &echo->link);
	socket_set_owner(socket, &echo_events, echo);
	socket_receive(socket);
}

static const struct acceptor_events acceptor_events = { echo_accepted };

static void open_world(const struct fake_options *options)
{
	struct address at;
	int fd;

	net = fake_net_create(options);
	list_init(&echoes);
	heard_len = 0;
	CHECK_OK(loop_create(&loop));
	CHECK_OK(address_parse(BYTES("127.0.0.1:80"), &at));
	CHECK_OK(acceptor_bind(&at, 1, &fd, NULL));
	CHECK_OK(acceptor_open(loop, fd, &acceptor_events, NULL, &acceptor));
}

static void close_world(void)
{
	struct list_node *node;

	while ((node = list_first(&echoes)))
		echo_close(container_of(node, struct echo, link));
	acceptor_close(acceptor);
	CHECK_EQ(fake_open_count(net), 0);
	loop_destroy(loop);
	fake_net_destroy(net);
}

static struct fake_peer *connect_client(void)
{
	return fake_connect(net, "192.0.2.9:5555", "127.0.0.1:80");
}

static struct echo *only_echo(void)
{
	CHECK(!list_empty(&echoes));
	return container_of(list_first(&echoes), struct echo, link);
}

/* ---- Time ---- */

TEST(latency_delays_each_way_and_arrival_times_are_kept)
{
	struct fake_peer *client;

	open_world(&(struct fake_options){ .latency_ms = 20 });
	client = connect_client();
	fake_send(client, "a");
	fake_send_after(client, 1000, "b");
	fake_run_ms(net, 39);
	CHECK(!fake_is_open(client));
	fake_run_ms(net, 1);
	CHECK(fake_is_open(client), "SYN and its answer");
	fake_run_ms(net, 2000);
	CHECK_BYTES(fake_received(client), "ab");
	CHECK_EQ(fake_received_ms(client, 0), 80);
	CHECK_EQ(fake_received_ms(client, 1), 1040);
	CHECK_EQ(fake_now_ms(net), 2040);
	close_world();
}

static unsigned beats;

static void on_beat(struct timer *timer)
{
	beats++;
	timer_set(loop, timer, loop_now_ms(loop) + 15 * 1000);
}

TEST(two_hours_pass_with_all_their_timers)
{
	struct timer beat = { .on_expired = on_beat };
	uint64_t unix_ms;

	open_world(NULL);
	unix_ms = clock_unix_ms();
	beats = 0;
	timer_set(loop, &beat, loop_now_ms(loop) + 15 * 1000);
	fake_run_ms(net, 2 * 3600 * 1000);
	CHECK_EQ(beats, 480);
	CHECK_EQ(clock_unix_ms() - unix_ms, 2 * 3600 * 1000);
	CHECK_EQ(loop_unix_us(loop), clock_unix_us());
	CHECK_EQ(loop_now_ms(loop), clock_mono_us() / 1000);
	timer_cancel(&beat);
	close_world();
}

static bool got_three(void *arg)
{
	return fake_received(arg).len >= 3;
}

TEST(running_until_something_stops_the_clock_there)
{
	struct fake_peer *client;

	open_world(NULL);
	client = connect_client();
	fake_send_after(client, 500, "abc");
	fake_send_after(client, 700, "def");
	CHECK(fake_run_until(net, got_three, client, 10000));
	CHECK_EQ(fake_now_ms(net), 500);
	CHECK_BYTES(fake_take(client), "abc");
	fake_run_ms(net, 1000);
	CHECK_BYTES(fake_take(client), "def");
	CHECK_BYTES(fake_take(client), "");
	CHECK(!fake_run_until(net, got_three, connect_client(), 100));
	close_world();
}

/* ---- How bytes arrive ---- */

TEST(what_arrives_together_is_received_together)
{
	struct fake_peer *client;

	open_world(NULL);
	client = connect_client();
	fake_send(client, "one ");
	fake_send(client, "two");
	fake_run_ms(net, 1);
	CHECK_EQ(only_echo()->pieces, 1);
	CHECK_BYTES(fake_received(client), "one two");
	close_world();
}

TEST(cutting_delivers_pieces_of_the_size_asked_for)
{
	struct fake_peer *client;

	open_world(&(struct fake_options){ .cut_bytes = 3 });
	client = connect_client();
	fake_send(client, "0123456789");
	fake_run_ms(net, 0);
	CHECK_EQ(only_echo()->pieces, 4);
	CHECK_EQ(only_echo()->largest, 3);
	CHECK_BYTES(fake_received(client), "0123456789");
	close_world();
}

/* Ten clients say a digit each, in the same millisecond. */
static void ten_digits(uint64_t seed, char out[10])
{
	struct fake_peer *clients[10];

	open_world(&(struct fake_options){ .seed = seed });
	for (unsigned i = 0; i < 10; i++)
		clients[i] = connect_client();
	fake_run_ms(net, 0);
	for (unsigned i = 0; i < 10; i++)
		fake_send_bytes(clients[i], bytes_make(&"0123456789"[i], 1));
	fake_run_ms(net, 0);
	CHECK_EQ(heard_len, 10);
	memcpy(out, heard, 10);
	close_world();
}

TEST(a_seed_permutes_who_is_first_and_the_same_seed_does_so_again)
{
	char plain[10], first[10], again[10], other[10];

	ten_digits(0, plain);
	CHECK_BYTES(bytes_make(plain, 10), "0123456789");
	ten_digits(7, first);
	ten_digits(7, again);
	ten_digits(8, other);
	CHECK(memcmp(first, again, 10) == 0);
	CHECK(memcmp(first, other, 10) != 0 && memcmp(first, plain, 10) != 0);
}

TEST(a_client_that_stops_reading_holds_one_window_and_no_more)
{
	static char much[200 * 1000];
	struct fake_peer *client;

	open_world(&(struct fake_options){ .window_bytes = 1000 });
	memset(much, 'm', sizeof much);
	client = connect_client();
	fake_stop_reading(client);
	fake_send_bytes(client, bytes_make(much, sizeof much));
	fake_run_ms(net, 60 * 1000);
	CHECK_EQ(fake_unread_bytes(client), 1000);
	CHECK_EQ(only_echo()->unsent.len, sizeof much - 1000);
	fake_read(client, 100);
	CHECK_EQ(fake_received(client).len, 100);
	fake_run_ms(net, 1);
	CHECK_EQ(fake_unread_bytes(client), 900, "nobody is woken for a little room");
	fake_read(client, 900);
	fake_run_ms(net, 1);
	CHECK_EQ(fake_unread_bytes(client), 1000);
	fake_resume_reading(client);
	fake_run_ms(net, 1);
	CHECK_EQ(fake_received(client).len, sizeof much);
	close_world();
}

/* ---- How connections end ---- */

TEST(a_peer_tells_how_and_when_its_connection_ended)
{
	struct fake_peer *refused, *finished, *closed;

	open_world(NULL);
	refused = fake_connect(net, "192.0.2.9:1", "127.0.0.1:81");
	finished = connect_client();
	closed = connect_client();
	fake_run_ms(net, 100);
	CHECK_ERR(fake_ended(refused), ERR_REFUSED);
	CHECK_OK(fake_ended(finished));
	fake_finish(finished); /* the echo closes on FIN */
	fake_close(closed);
	fake_run_ms(net, 100);
	CHECK_ERR(fake_ended(finished), ERR_CLOSED);
	CHECK_EQ(fake_ended_ms(finished), 100);
	CHECK_ERR(fake_ended(closed), ERR_CANCELLED);
	CHECK(list_empty(&echoes));
	close_world();
}

TEST(closing_with_bytes_unread_and_writing_to_the_closed_both_reset)
{
	struct fake_peer *unread, *deaf;

	open_world(NULL);
	unread = connect_client();
	deaf = connect_client();
	fake_stop_reading(unread);
	fake_send(unread, "x");
	fake_run_ms(net, 1);
	CHECK_EQ(fake_unread_bytes(unread), 1);
	fake_close(unread);
	fake_send(deaf, "echo this");
	fake_close(deaf); /* the echo comes to nobody */
	fake_run_ms(net, 1);
	CHECK(list_empty(&echoes));
	close_world();
}

TEST(a_peer_that_vanished_answers_nothing_and_ends_nothing)
{
	struct fake_peer *client;

	open_world(&(struct fake_options){ .window_bytes = 100 });
	client = connect_client();
	fake_send(client, "before");
	fake_run_ms(net, 1);
	fake_vanish(client);
	fake_send(client, "after");
	fake_run_ms(net, 3600 * 1000);
	CHECK_EQ(only_echo()->pieces, 1);
	CHECK_BYTES(fake_received(client), "before");
	close_world();
}

/* ---- Targets, as a balancer's socket meets them ---- */

struct call {
	struct socket *socket;
	err_t err, why;
	unsigned connects;
	uint64_t connected_ms;
	struct text received;
};

static void call_connected(void *owner, err_t err)
{
	struct call *call = owner;
	struct bytes hello = BYTES("hello");
	size_t taken;

	call->connects++;
	call->err = err;
	call->connected_ms = fake_now_ms(net);
	if (err)
		return;
	socket_receive(call->socket);
	CHECK_OK(socket_send(call->socket, (struct slices){ &hello, 1 }, false, &taken));
}

static void call_received(void *owner, struct bytes data)
{
	text_add(&((struct call *)owner)->received, data);
}

static void call_ended(void *owner, err_t why)
{
	((struct call *)owner)->why = why;
}

static const struct socket_events call_events = { call_connected, call_received, NULL, call_ended };

static void call_up(struct call *call, const char *to)
{
	struct address address;

	*call = (struct call){ .received = TEXT_INIT(1000) };
	CHECK_OK(address_parse(bytes_of(to), &address));
	CHECK_OK(socket_connect(loop, &address, NULL, &call_events, call, &call->socket));
}

static void hang_up(struct call *call)
{
	socket_close(call->socket);
	text_fini(&call->received);
}

static void greet(struct fake_peer *peer, void *owner)
{
	fake_send(peer, owner);
}

static void answer(struct fake_peer *peer, void *owner, struct bytes data)
{
	(void)owner;
	fake_send_bytes(peer, data);
	fake_send(peer, "!");
	fake_close(peer);
}

TEST(a_scripted_target_greets_answers_and_closes)
{
	static const struct fake_script script = { .on_open = greet, .on_received = answer };
	struct fake_target *target;
	struct call call;

	open_world(NULL);
	target = fake_listen(net, "10.0.0.5:8000", &script, "welcome, ");
	call_up(&call, "10.0.0.5:8000");
	CHECK(!fake_accepted(target, 0) && !fake_last_accepted(target));
	fake_run_ms(net, 0);
	CHECK_STR(text_str(&call.received), "welcome, hello!");
	CHECK_ERR(call.why, ERR_CLOSED);
	CHECK_EQ(fake_accepted_count(target), 1);
	CHECK(fake_last_accepted(target) == fake_accepted(target, 0));
	CHECK_BYTES(fake_received(fake_accepted(target, 0)), "hello");
	hang_up(&call);
	close_world();
}

TEST(a_target_refuses_hangs_or_cannot_be_reached)
{
	static const struct {
		enum fake_mode mode;
		unsigned connects;
		err_t err;
	} cases[] = {
		{ FAKE_ACCEPT, 1, ERR_OK },
		{ FAKE_REFUSE, 1, ERR_REFUSED },
		{ FAKE_HANG, 0, ERR_OK },
		{ FAKE_UNREACHABLE, 1, ERR_UNREACHABLE },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake_target *target;
		struct call call;

		open_world(&(struct fake_options){ .latency_ms = 5 });
		target = fake_listen(net, "[fd00::5]:8000", NULL, NULL);
		fake_set_mode(target, cases[i].mode);
		call_up(&call, "[fd00::5]:8000");
		fake_run_ms(net, 3600 * 1000);
		CHECK_EQ(call.connects, cases[i].connects, "mode %zu", i);
		CHECK_ERR(call.err, cases[i].err, "mode %zu", i);
		if (call.connects)
			CHECK_EQ(call.connected_ms, 10);
		CHECK_EQ(fake_connects(target), 1);
		hang_up(&call);
		close_world();
	}
}

TEST(an_address_cannot_be_bound_where_a_target_listens_or_the_script_forbids)
{
	struct address at;
	int fd;

	open_world(NULL);
	fake_listen(net, "127.0.0.1:8000", NULL, NULL);
	CHECK_OK(address_parse(BYTES("127.0.0.1:8000"), &at));
	CHECK_ERR(acceptor_bind(&at, 1, &fd, NULL), ERR_IN_USE);
	CHECK_OK(address_parse(BYTES("127.0.0.1:443"), &at));
	fake_fail_bind(net, "127.0.0.1:443", ERR_DENIED);
	CHECK_ERR(acceptor_bind(&at, 1, &fd, NULL), ERR_DENIED);
	fake_fail_bind(net, "127.0.0.1:443", ERR_OK);
	CHECK(!fake_is_bound(net, "127.0.0.1:443"));
	CHECK_OK(acceptor_bind(&at, 1, &fd, NULL));
	CHECK(fake_is_bound(net, "127.0.0.1:443"));
	acceptor_discard(fd);
	CHECK(!fake_is_bound(net, "127.0.0.1:443"));
	close_world();
}

/* ---- The system around ---- */

static err_t resolved_err;
static struct address resolved;

static void on_resolved(struct resolve_job *job)
{
	resolved_err = job->err;
	resolved = job->addresses[0];
}

static err_t resolve_name(struct blocking_pool *pool, const char *name)
{
	struct resolve_job job = { .port = 8000, .on_resolved = on_resolved };

	strcpy(job.name, name);
	resolved_err = ERR_AGAIN;
	resolve(pool, loop, &job);
	CHECK_ERR(resolved_err, ERR_AGAIN, "not within the call");
	fake_run_ms(net, 0);
	return resolved_err;
}

TEST(names_resolve_as_the_script_says)
{
	struct blocking_pool *pool;
	struct address want;

	open_world(NULL);
	CHECK_OK(blocking_pool_create(1, &pool));
	CHECK_ERR(resolve_name(pool, "target.local"), ERR_NOT_FOUND);
	fake_name(net, "target.local", "10.0.0.5");
	CHECK_OK(resolve_name(pool, "target.local"));
	CHECK_OK(address_parse(BYTES("10.0.0.5:8000"), &want));
	CHECK(address_eq(&resolved, &want));
	fake_name(net, "target.local", NULL);
	CHECK_ERR(resolve_name(pool, "target.local"), ERR_NOT_FOUND);
	CHECK_OK(resolve_name(pool, "::1"));
	blocking_pool_destroy(pool);
	close_world();
}

static int last_signal;
static unsigned signals, readies;

static void on_signal(void *owner, int number)
{
	(void)owner;
	signals++;
	last_signal = number;
}

static void on_ready(void *owner, bool readable, bool writable)
{
	(void)owner;
	CHECK(readable && !writable);
	readies++;
}

TEST(signals_and_foreign_descriptors_are_scripted_too)
{
	static const struct watch_events watch_events = { on_ready };
	struct watch *watch;

	open_world(NULL);
	signals = readies = 0;
	CHECK_OK(loop_on_signal(loop, 15, on_signal, NULL));
	fake_signal(net, 15);
	fake_signal(net, 1); /* nobody asked for it */
	CHECK_EQ(signals, 0);
	CHECK_OK(watch_open(loop, 77, true, false, &watch_events, NULL, &watch));
	fake_fd_ready(net, 77, true, true);
	fake_fd_ready(net, 78, true, true);
	fake_run_ms(net, 0);
	CHECK_EQ(signals, 1);
	CHECK_EQ(last_signal, 15);
	CHECK_EQ(readies, 1);
	watch_close(watch);
	close_world();
}

static struct loop *worker;
static unsigned posts;

static void on_worker(struct loop_job *job)
{
	if (++posts < 10)
		loop_post(posts % 2 ? loop : worker, job);
}

TEST(several_loops_run_in_one_world_and_post_to_each_other)
{
	struct loop_job job = { .run = on_worker };

	open_world(&(struct fake_options){ .seed = 3 });
	CHECK_OK(loop_create(&worker));
	posts = 0;
	loop_post(worker, &job);
	fake_run_ms(net, 0);
	CHECK_EQ(posts, 10);
	loop_destroy(worker);
	close_world();
}
