/*
 * What only the loop on a kernel has: threads, descriptors that run out, ports held by strangers,
 * and the number of system calls that an event costs.
 */
#include "net/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "net/blocking.h"
#include "net/clock.h"
#include "tests/check.h"

enum { PATIENCE_MS = 5000 };

/* ---- Counted system calls: these stand before libc's at the link ---- */

static struct {
	unsigned recvs, sends, epoll_ctls, failed_recvs;
} calls;

ssize_t recv(int fd, void *into, size_t len, int flags)
{
	ssize_t got = syscall(SYS_recvfrom, fd, into, len, flags, NULL, NULL);

	calls.recvs++;
	calls.failed_recvs += got < 0;
	return got;
}

ssize_t send(int fd, const void *from, size_t len, int flags)
{
	calls.sends++;
	return syscall(SYS_sendto, fd, from, len, flags, NULL, 0);
}

int epoll_ctl(int epoll_fd, int what, int fd, struct epoll_event *event)
{
	calls.epoll_ctls++;
	return (int)syscall(SYS_epoll_ctl, epoll_fd, what, fd, event);
}

/* ---- One loop, one pair of ends ---- */

static struct loop *loop;
static struct acceptor *acceptor;
static struct address at;
static struct socket *near, *far, *kept[64];
static unsigned accepts, receives, ends, connects;
static err_t connect_err;
static struct timer alarm_timer;
static bool rang;

static void on_alarm(struct timer *timer)
{
	(void)timer;
	rang = true;
	loop_stop(loop);
}

/* Runs until loop_stop; false when it took longer. */
static bool run_at_most(uint64_t ms)
{
	rang = false;
	alarm_timer.on_expired = on_alarm;
	timer_set(loop, &alarm_timer, loop_now_ms(loop) + ms);
	loop_run(loop);
	timer_cancel(&alarm_timer);
	return !rang;
}

static void ignore_bytes(void *owner, struct bytes data)
{
	(void)owner;
	(void)data;
	receives++;
}

static void echo_bytes(void *owner, struct bytes data)
{
	size_t taken;

	(void)owner;
	receives++;
	CHECK_OK(socket_send(far, (struct slices){ &data, 1 }, false, &taken));
	CHECK_EQ(taken, data.len);
}

static void on_connected(void *owner, err_t err)
{
	(void)owner;
	connects++;
	connect_err = err;
	loop_stop(loop);
}

static void on_ended(void *owner, err_t why)
{
	(void)owner;
	(void)why;
	ends++;
}

static void on_writable(void *owner)
{
	(void)owner;
}

static const struct socket_events near_events = { on_connected, ignore_bytes, on_writable,
						  on_ended };
static const struct socket_events far_events = { NULL, echo_bytes, on_writable, on_ended };

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	(void)owner;
	(void)peer;
	CHECK(accepts < COUNT(kept));
	kept[accepts++] = far = socket;
	socket_set_owner(socket, &far_events, NULL);
}

static const struct acceptor_events acceptor_events = { on_accepted };

static void open_loop(void)
{
	int fd;

	accepts = receives = ends = connects = 0;
	near = far = NULL;
	CHECK_OK(loop_create(&loop));
	CHECK_OK(address_parse(BYTES("127.0.0.1:0"), &at));
	CHECK_OK(acceptor_bind(&at, 1, &fd, &at));
	CHECK_OK(acceptor_open(loop, fd, &acceptor_events, NULL, &acceptor));
}

static void close_loop(void)
{
	for (unsigned i = 0; i < accepts; i++)
		socket_close(kept[i]);
	socket_close(near);
	acceptor_close(acceptor);
	loop_destroy(loop);
}

static void connect_near(void)
{
	CHECK_OK(socket_connect(loop, &at, NULL, &near_events, NULL, &near));
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_OK(connect_err);
	run_at_most(20);
	CHECK_EQ(accepts, 1);
}

static uint64_t cpu_us(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

/* A loop that sleeps uses next to nothing; one that spins, all it can. */
static void check_sleeps(const char *when)
{
	uint64_t before_us = cpu_us();

	CHECK(!run_at_most(300));
	CHECK(cpu_us() - before_us < 100 * 1000, "%s: %d us of CPU in 300 ms", when,
	      (int)(cpu_us() - before_us));
}

static int connect_plainly(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(at.port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0);
	CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
	return fd;
}

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
	CHECK_OK(acceptor_open(loop, fd, &acceptor_events, NULL, &acceptor));
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

/* ---- Threads ---- */

enum { SENDERS = 4, POSTS_EACH = 5000 };

struct numbered {
	struct loop_job job;
	unsigned sender, number;
};

static unsigned next_number[SENDERS], posts_run;

static void on_numbered(struct loop_job *job)
{
	struct numbered *numbered = container_of(job, struct numbered, job);

	CHECK_EQ(numbered->number, next_number[numbered->sender], "sender %u", numbered->sender);
	next_number[numbered->sender]++;
	free(numbered);
	if (++posts_run == SENDERS * POSTS_EACH)
		loop_stop(loop);
}

static void *post_many(void *arg)
{
	for (unsigned i = 0; i < POSTS_EACH; i++) {
		struct numbered *numbered = malloc(sizeof *numbered);

		*numbered =
			(struct numbered){ { .run = on_numbered }, (unsigned)(uintptr_t)arg, i };
		loop_post(loop, &numbered->job);
	}
	return NULL;
}

TEST(posts_of_several_threads_all_run_each_senders_in_order)
{
	pthread_t threads[SENDERS];

	open_loop();
	memset(next_number, 0, sizeof next_number);
	posts_run = 0;
	for (uintptr_t i = 0; i < SENDERS; i++)
		CHECK(pthread_create(&threads[i], NULL, post_many, (void *)i) == 0);
	CHECK(run_at_most(20 * 1000));
	for (unsigned i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(posts_run, SENDERS * POSTS_EACH);
	close_loop();
}

static atomic_uint late_posts;

static void on_late_post(struct loop_job *job)
{
	(void)job;
	if (atomic_fetch_add(&late_posts, 1) == 99)
		loop_stop(loop);
}

/* Each post finds the loop asleep, so each must wake it. */
static void *post_slowly(void *arg)
{
	static struct loop_job job = { .run = on_late_post };
	struct timespec pause = { .tv_nsec = 500 * 1000 };

	(void)arg;
	for (unsigned i = 0; i < 100; i++) {
		loop_post(loop, &job);
		while (atomic_load(&late_posts) == i)
			nanosleep(&pause, NULL);
	}
	return NULL;
}

TEST(a_post_wakes_a_sleeping_loop_every_time)
{
	pthread_t thread;

	open_loop();
	atomic_store(&late_posts, 0);
	CHECK(pthread_create(&thread, NULL, post_slowly, NULL) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	pthread_join(thread, NULL);
	close_loop();
}

static void *stop_soon(void *arg)
{
	struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };

	(void)arg;
	nanosleep(&pause, NULL);
	loop_stop(loop);
	return NULL;
}

TEST(another_thread_stops_the_loop)
{
	pthread_t thread;

	open_loop();
	CHECK(pthread_create(&thread, NULL, stop_soon, NULL) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	pthread_join(thread, NULL);
	close_loop();
}

/* ---- Two loops that pass work to and fro, as workers and the control loop do ---- */

static struct loop *other_loop;
static struct loop_job shuttle;
static unsigned crossings;

static void cross_back(struct loop_job *job);

static void cross_over(struct loop_job *job)
{
	job->run = cross_back;
	loop_post(loop, job);
}

static void cross_back(struct loop_job *job)
{
	if (++crossings == 2000) {
		loop_stop(other_loop);
		loop_stop(loop);
		return;
	}
	job->run = cross_over;
	loop_post(other_loop, job);
}

static void *run_other(void *arg)
{
	(void)arg;
	loop_run(other_loop);
	return NULL;
}

TEST(a_job_shuttles_between_two_loops)
{
	pthread_t thread;

	open_loop();
	CHECK_OK(loop_create(&other_loop));
	crossings = 0;
	shuttle.run = cross_back;
	loop_post(loop, &shuttle);
	CHECK(pthread_create(&thread, NULL, run_other, NULL) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	pthread_join(thread, NULL);
	CHECK_EQ(crossings, 2000);
	loop_destroy(other_loop);
	close_loop();
}

/* ---- Blocking work ---- */

enum { WORKS = 50 };

struct work {
	struct blocking_job job;
	uint64_t in, out;
	pthread_t thread;
};

static unsigned works_done;

static void square(struct blocking_job *job)
{
	struct work *work = container_of(job, struct work, job);

	work->out = work->in * work->in;
	work->thread = pthread_self();
}

static void on_squared(struct blocking_job *job)
{
	struct work *work = container_of(job, struct work, job);

	CHECK_EQ(work->out, work->in * work->in);
	CHECK(!pthread_equal(work->thread, pthread_self()));
	if (++works_done == WORKS)
		loop_stop(loop);
}

TEST(blocking_work_runs_on_other_threads_and_is_done_on_the_loop)
{
	struct work works[WORKS];
	struct blocking_pool *pool;

	open_loop();
	works_done = 0;
	CHECK_OK(blocking_pool_create(3, &pool));
	for (unsigned i = 0; i < WORKS; i++) {
		works[i] = (struct work){
			.job = { .work = square, .done = on_squared, .loop = loop }, .in = i
		};
		blocking_submit(pool, &works[i].job);
	}
	CHECK(run_at_most(PATIENCE_MS));
	blocking_pool_destroy(pool);
	close_loop();
}

TEST(a_pool_that_ends_finishes_what_it_was_given)
{
	struct work works[WORKS];
	struct blocking_pool *pool;

	open_loop();
	works_done = 0;
	CHECK_OK(blocking_pool_create(1, &pool));
	for (unsigned i = 0; i < WORKS; i++) {
		works[i] = (struct work){
			.job = { .work = square, .done = on_squared, .loop = loop }, .in = i
		};
		blocking_submit(pool, &works[i].job);
	}
	blocking_pool_destroy(pool);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_EQ(works_done, WORKS);
	close_loop();
}

static void on_resolved(struct resolve_job *resolve)
{
	(void)resolve;
	loop_stop(loop);
}

TEST(names_resolve_off_the_loop)
{
	static const struct {
		const char *name;
		err_t err;
	} cases[] = {
		{ "localhost", ERR_OK },
		{ "127.0.0.9", ERR_OK },
		{ "::1", ERR_OK },
		{ "no spaces in names", ERR_NOT_FOUND },
	};
	struct blocking_pool *pool;

	open_loop();
	CHECK_OK(blocking_pool_create(1, &pool));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct resolve_job job = { .port = 80, .on_resolved = on_resolved };

		strcpy(job.name, cases[i].name);
		resolve(pool, loop, &job);
		CHECK(run_at_most(20 * 1000), "%s", cases[i].name);
		CHECK_EQ(job.err, cases[i].err, "%s", cases[i].name);
		for (unsigned k = 0; k < job.count; k++) {
			CHECK(address_is_loopback(&job.addresses[k]));
			CHECK_EQ(job.addresses[k].port, 80);
		}
		CHECK_EQ(job.count > 0, cases[i].err == ERR_OK);
	}
	blocking_pool_destroy(pool);
	close_loop();
}

/* ---- Foreign descriptors and signals ---- */

static unsigned ready_count;
static bool was_readable, was_writable;
static struct watch *watched;

static void on_ready(void *owner, bool readable, bool writable)
{
	char byte;

	ready_count++;
	was_readable = readable;
	was_writable = writable;
	if (readable)
		CHECK(read(*(int *)owner, &byte, 1) >= 0);
	loop_stop(loop);
}

static const struct watch_events watch_events = { on_ready };

TEST(a_watch_tells_what_was_asked_of_a_foreign_descriptor)
{
	int ends_of_pipe[2];

	open_loop();
	ready_count = 0;
	CHECK(pipe(ends_of_pipe) == 0);
	CHECK_OK(watch_open(loop, ends_of_pipe[0], true, false, &watch_events, &ends_of_pipe[0],
			    &watched));
	check_sleeps("nothing to read");
	CHECK_EQ(ready_count, 0);
	CHECK(write(ends_of_pipe[1], "ab", 2) == 2);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK(was_readable && !was_writable);
	CHECK(run_at_most(PATIENCE_MS), "a level: the second byte is told too");
	CHECK_EQ(ready_count, 2);
	CHECK(write(ends_of_pipe[1], "c", 1) == 1);
	watch_change(watched, false, false);
	check_sleeps("nothing asked for");
	CHECK_EQ(ready_count, 2);
	watch_close(watched);
	close(ends_of_pipe[0]);
	close(ends_of_pipe[1]);
	close_loop();
}

static int signal_seen;

static void on_signal(void *owner, int number)
{
	(void)owner;
	signal_seen = number;
	loop_stop(loop);
}

TEST(a_signal_is_a_callback)
{
	open_loop();
	CHECK_OK(loop_on_signal(loop, SIGUSR1, on_signal, NULL));
	CHECK_OK(loop_on_signal(loop, SIGUSR2, on_signal, NULL));
	CHECK(kill(getpid(), SIGUSR2) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_EQ(signal_seen, SIGUSR2);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(run_at_most(PATIENCE_MS));
	CHECK_EQ(signal_seen, SIGUSR1);
	close_loop();
}
