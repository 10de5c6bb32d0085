/*
 * What only the loop on a kernel has: descriptors that run out, ports held by strangers, and the
 * number of system calls that an event costs. Threads: epoll_threads.c.
 */
#include "tests/unit/net/epoll_house.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

/* ---- What an event costs ---- */

static unsigned rounds;

static void send_next(void *owner, struct bytes data)
{
	size_t taken;

	(void)owner;
	receives++;
	if (--rounds == 0)
		loop_stop(loop);
	else
		CHECK_OK(socket_send(near, (struct slices){ &data, 1 }, false, &taken));
}

TEST(an_event_costs_one_recv_and_one_send_and_nothing_else)
{
	static const struct socket_events bouncing = { NULL, send_next, on_writable, on_ended };
	struct bytes first = BYTES("data: token\n\n");
	size_t taken;

	open_loop();
	connect_near();
	socket_set_owner(near, &bouncing, NULL);
	socket_receive(near);
	socket_receive(far);
	run_at_most(20);
	memset(&calls, 0, sizeof calls);
	receives = 0;
	rounds = 1000;
	CHECK_OK(socket_send(near, (struct slices){ &first, 1 }, false, &taken));
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_EQ(receives, 2000);
	CHECK_EQ(calls.recvs, 2000);
	CHECK_EQ(calls.sends, 2000);
	CHECK_EQ(calls.failed_recvs, 0);
	CHECK_EQ(calls.epoll_ctls, 0);
	close_loop();
}

static char block[64 * 1024];

TEST(a_paused_socket_with_bytes_waiting_lets_the_loop_sleep)
{
	struct bytes data = bytes_make(block, sizeof block);
	size_t taken;

	open_loop();
	connect_near();
	CHECK_OK(socket_send(near, (struct slices){ &data, 1 }, false, &taken));
	socket_pause(far, true);
	check_sleeps("bytes unread");
	socket_shutdown_write(near);
	check_sleeps("a hang-up heard, bytes unread");
	CHECK_EQ(ends, 1);
	close_loop();
}

TEST(a_blocked_sender_lets_the_loop_sleep)
{
	struct bytes data = bytes_make(block, sizeof block);
	size_t taken = sizeof block;

	open_loop();
	connect_near();
	while (taken == sizeof block)
		CHECK_OK(socket_send(near, (struct slices){ &data, 1 }, false, &taken));
	check_sleeps("window full");
	socket_shutdown_write(far); /* half closed toward us, and still blocked */
	check_sleeps("window full, half closed");
	close_loop();
}

/* ---- Two things in one turn ---- */

static unsigned writables;

static void count_writable(void *owner)
{
	(void)owner;
	writables++;
}

static void resume_the_other(void *owner, struct bytes data)
{
	(void)data;
	receives++;
	socket_receive(owner);
}

/* All of it: the kernels may need a while to hand on what the sender's holds. */
static void drain_plainly(int fd, size_t len)
{
	static char sink[256 * 1024];
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };

	CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
	while (len > 0) {
		ssize_t got = read(fd, sink, size_min(len, sizeof sink));

		CHECK(got > 0);
		len -= (size_t)got;
	}
}

TEST(room_that_is_told_in_the_turn_of_a_resume_is_not_lost)
{
	static const struct socket_events blocked = { NULL, ignore_bytes, count_writable,
						      on_ended };
	static const struct socket_events first = { NULL, resume_the_other, on_writable, on_ended };
	struct bytes data = bytes_make(block, sizeof block);
	size_t taken = sizeof block, sent = 0;
	int a, b;

	open_loop();
	a = connect_plainly();
	run_at_most(20);
	b = connect_plainly();
	run_at_most(20);
	CHECK_EQ(accepts, 2);
	socket_set_owner(kept[0], &blocked, NULL);
	socket_set_owner(kept[1], &first, kept[0]);
	socket_receive(kept[1]);
	run_at_most(20);
	writables = 0;
	while (taken == sizeof block) {
		CHECK_OK(socket_send(kept[0], (struct slices){ &data, 1 }, false, &taken));
		sent += taken;
	}
	run_at_most(20);
	/* Now both are ready for one turn, and the first resumes the second. */
	CHECK(write(b, "x", 1) == 1);
	drain_plainly(a, sent);
	run_at_most(100);
	CHECK_EQ(receives, 1);
	CHECK_EQ(writables, 1);
	close(a);
	close(b);
	close_loop();
}

static unsigned bulk_receives, bulk_receives_before;

static void count_bulk(void *owner, struct bytes data)
{
	(void)owner;
	(void)data;
	bulk_receives++;
}

static void note_bulk(void *owner, struct bytes data)
{
	(void)owner;
	(void)data;
	bulk_receives_before = bulk_receives;
	loop_stop(loop);
}

TEST(a_bulk_download_lets_the_others_have_their_turn)
{
	static const struct socket_events bulk = { NULL, count_bulk, on_writable, on_ended };
	static const struct socket_events token = { NULL, note_bulk, on_writable, on_ended };
	int a, b;

	open_loop();
	a = connect_plainly();
	run_at_most(20);
	b = connect_plainly();
	run_at_most(20);
	CHECK_EQ(accepts, 2);
	socket_set_owner(kept[0], &bulk, NULL);
	socket_set_owner(kept[1], &token, NULL);
	socket_receive(kept[0]);
	socket_receive(kept[1]);
	run_at_most(20);
	bulk_receives = 0;
	CHECK(fcntl(a, F_SETFL, O_NONBLOCK) == 0);
	while (write(a, block, sizeof block) == sizeof block)
		;
	CHECK(write(b, "x", 1) == 1);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK(bulk_receives_before <= 4, "%u receives came first", bulk_receives_before);
	run_at_most(100);
	CHECK(bulk_receives > 8, "the rest came later: %u", bulk_receives);
	close(a);
	close(b);
	close_loop();
}

/* ---- Descriptors run out ---- */

TEST(without_descriptors_the_acceptor_rests_and_accepts_later)
{
	struct rlimit limit, tight;
	int clients[3], spare, lowest;

	log_to(-1);
	open_loop();
	for (unsigned i = 0; i < 3; i++)
		clients[i] = connect_plainly();
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	lowest = dup(0);
	tight = limit;
	tight.rlim_cur = (rlim_t)lowest; /* no number below this one is free */
	close(lowest);
	CHECK(setrlimit(RLIMIT_NOFILE, &tight) == 0);
	check_sleeps("no descriptors");
	CHECK_EQ(accepts, 0);
	spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(spare < 0 && errno == EMFILE);
	CHECK_ERR(socket_connect(loop, &at, NULL, &near_events, NULL, &near), ERR_LIMIT);
	near = NULL;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	run_at_most(300);
	CHECK_EQ(accepts, 3);
	for (unsigned i = 0; i < 3; i++)
		close(clients[i]);
	close_loop();
	log_to(2);
}

TEST(an_acceptor_closed_while_it_rests_stays_closed)
{
	struct rlimit limit, tight;
	int client, lowest;

	log_to(-1);
	open_loop();
	client = connect_plainly();
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	lowest = dup(0);
	tight = limit;
	tight.rlim_cur = (rlim_t)lowest;
	close(lowest);
	CHECK(setrlimit(RLIMIT_NOFILE, &tight) == 0);
	run_at_most(20);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	acceptor_close(acceptor);
	acceptor = NULL;
	run_at_most(100);
	CHECK_EQ(accepts, 0);
	close(client);
	close_loop();
	log_to(2);
}

/* ---- Ports ---- */

static int listen_plainly(bool share, const struct address *where)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(where->port) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(&name.sin_addr, where->ip, sizeof name.sin_addr);
	CHECK(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (share)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	CHECK(bind(fd, (struct sockaddr *)&name, sizeof name) == 0, "%s", strerror(errno));
	CHECK(listen(fd, 1) == 0);
	return fd;
}

TEST(a_port_that_a_stranger_holds_is_in_use_even_one_that_shares)
{
	struct address any;
	int fd, stranger;

	open_loop();
	acceptor_close(acceptor);
	acceptor = NULL;
	run_at_most(10);
	CHECK_OK(address_parse(BYTES("0.0.0.0:0"), &any));
	any.port = at.port;
	for (unsigned share = 0; share < 2; share++) {
		for (unsigned wide = 0; wide < 2; wide++) {
			stranger = listen_plainly(share, wide ? &any : &at);
			CHECK_ERR(acceptor_bind(&at, 2, (int[2]){ 0 }, NULL), ERR_IN_USE,
				  "share %u wide %u", share, wide);
			close(stranger);
		}
	}
	CHECK_OK(acceptor_bind(&at, 1, &fd, NULL));
	acceptor_discard(fd);
	close_loop();
}

TEST(connections_of_an_earlier_run_in_time_wait_do_not_hold_the_port)
{
	int fds[2], client;

	open_loop();
	client = connect_plainly();
	run_at_most(20);
	CHECK_EQ(accepts, 1);
	socket_close(kept[0]); /* our end closes first: it is the one in TIME_WAIT */
	accepts = 0;
	close(client);
	acceptor_close(acceptor);
	acceptor = NULL;
	run_at_most(20);
	CHECK_OK(acceptor_bind(&at, 2, fds, NULL));
	acceptor_discard(fds[0]);
	acceptor_discard(fds[1]);
	close_loop();
}

TEST(an_address_that_is_not_ours_cannot_be_bound)
{
	struct address foreign;
	int fd;

	CHECK_OK(address_parse(BYTES("198.51.100.7:21200"), &foreign));
	CHECK_ERR(acceptor_bind(&foreign, 1, &fd, NULL), ERR_UNREACHABLE);
}

TEST(ipv6_and_ipv4_on_the_same_port_do_not_meet)
{
	struct address six, four;
	int fds[2];

	CHECK_OK(address_parse(BYTES("[::]:0"), &six));
	if (acceptor_bind(&six, 1, &fds[0], &six))
		SKIP("no IPv6 here");
	CHECK_OK(address_parse(BYTES("0.0.0.0:0"), &four));
	four.port = six.port;
	CHECK_OK(acceptor_bind(&four, 1, &fds[1], NULL));
	acceptor_discard(fds[0]);
	acceptor_discard(fds[1]);
}

TEST(what_the_kernel_refuses_at_once_is_told_on_a_later_turn)
{
	struct address source;

	open_loop();
	CHECK_OK(address_parse(BYTES("198.51.100.7:0"), &source)); /* not ours */
	CHECK_OK(socket_connect(loop, &at, &source, &near_events, NULL, &near));
	CHECK_EQ(connects, 0);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_ERR(connect_err, ERR_UNREACHABLE);
	close_loop();
}

TEST(ipv6_connects_as_ipv4_does)
{
	struct address seen, own;
	int fd;

	open_loop();
	acceptor_close(acceptor);
	acceptor = NULL;
	CHECK_OK(address_parse(BYTES("[::1]:0"), &at));
	if (acceptor_bind(&at, 1, &fd, &at)) {
		close_loop();
		SKIP("no IPv6 here");
	}
	CHECK_OK(acceptor_open(loop, fd, &count_accepted, NULL, &acceptor));
	connect_near();
	socket_peer(far, &seen);
	socket_local(near, &own);
	CHECK(seen.family == 6 && address_is_loopback(&seen) && address_eq(&seen, &own));
	close_loop();
}

TEST(descriptors_stay_out_of_children_and_small_pieces_are_sent_at_once)
{
	bool inherited[256];
	unsigned connections = 0;

	for (int fd = 0; fd < 256; fd++)
		inherited[fd] = fcntl(fd, F_GETFD) >= 0;
	open_loop();
	connect_near();
	for (int fd = 0; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFD), nodelay = 0;
		socklen_t len = sizeof nodelay;
		struct sockaddr_storage peer;
		socklen_t peer_len = sizeof peer;

		if (flags < 0 || inherited[fd])
			continue;
		CHECK(flags & FD_CLOEXEC, "descriptor %d", fd);
		if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0)
			continue;
		connections++;
		CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len) == 0 && nodelay);
	}
	CHECK_EQ(connections, 2);
	close_loop();
}

TEST(a_source_address_is_used)
{
	struct address source, seen;

	open_loop();
	CHECK_OK(address_parse(BYTES("127.0.0.77:0"), &source));
	CHECK_OK(socket_connect(loop, &at, &source, &near_events, NULL, &near));
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_OK(connect_err);
	run_at_most(20);
	socket_peer(far, &seen);
	CHECK(address_eq_ip(&source, &seen));
	close_loop();
}
