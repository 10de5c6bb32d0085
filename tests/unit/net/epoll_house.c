#include "tests/unit/net/epoll_house.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- Counted system calls: these stand before libc's at the link ---- */

struct counted_calls calls;

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

struct loop *loop;
struct acceptor *acceptor;
struct address at;
struct socket *near, *far, *kept[KEPT];
unsigned accepts, receives, ends, connects;
err_t connect_err;
static struct timer alarm_timer;
static bool rang;

static void on_alarm(struct timer *timer)
{
	(void)timer;
	rang = true;
	loop_stop(loop);
}

bool run_at_most(uint64_t ms)
{
	rang = false;
	alarm_timer.on_expired = on_alarm;
	timer_set(loop, &alarm_timer, loop_now_ms(loop) + ms);
	loop_run(loop);
	timer_cancel(&alarm_timer);
	return !rang;
}

void ignore_bytes(void *owner, struct bytes data)
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

void on_ended(void *owner, err_t why)
{
	(void)owner;
	(void)why;
	ends++;
}

void on_writable(void *owner)
{
	(void)owner;
}

const struct socket_events near_events = { on_connected, ignore_bytes, on_writable, on_ended };
static const struct socket_events far_events = { NULL, echo_bytes, on_writable, on_ended };

static void on_accepted(void *owner, struct socket *socket, const struct address *peer)
{
	(void)owner;
	(void)peer;
	CHECK(accepts < COUNT(kept));
	kept[accepts++] = far = socket;
	socket_set_owner(socket, &far_events, NULL);
}

const struct acceptor_events count_accepted = { on_accepted };

void open_loop(void)
{
	int fd;

	accepts = receives = ends = connects = 0;
	near = far = NULL;
	CHECK_OK(loop_create(&loop));
	CHECK_OK(address_parse(BYTES("127.0.0.1:0"), &at));
	CHECK_OK(acceptor_bind(&at, 1, &fd, &at));
	CHECK_OK(acceptor_open(loop, fd, &count_accepted, NULL, &acceptor));
}

void close_loop(void)
{
	for (unsigned i = 0; i < accepts; i++)
		socket_close(kept[i]);
	socket_close(near);
	acceptor_close(acceptor);
	loop_destroy(loop);
}

void connect_near(void)
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

void check_sleeps(const char *when)
{
	uint64_t before_us = cpu_us();

	CHECK(!run_at_most(300));
	CHECK(cpu_us() - before_us < 100 * 1000, "%s: %d us of CPU in 300 ms", when,
	      (int)(cpu_us() - before_us));
}

int connect_plainly(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(at.port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0);
	CHECK(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
	return fd;
}
