/*
 * Listening. Level-triggered, since a connection left in the backlog must be heard of again.
 */
#include "net/socket_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "net/sockaddr.h"

enum {
	BACKLOG = 4096,
	ACCEPTS_MAX = 64, /* in one turn; then the connections have theirs */
	STARVED_MS = 50,  /* how long to rest when there are no descriptors or no memory */
	WARN_EVERY_MS = 10 * 1000,
};

struct acceptor {
	struct polled polled;
	int fd;
	bool closed;
	unsigned batch; /* accepts to try in this turn: grows while all succeed */
	struct loop *loop;
	const struct acceptor_events *events;
	void *owner;
	struct timer rest;
	uint64_t warned_ms;
};

/* ---- Binding ---- */

enum bound { BOUND_ALONE, BOUND_SHARED, BOUND_EARLY };

static err_t open_bound(const struct address *at, enum bound how, int *ret_fd)
{
	int on = 1, family = at->family == 6 ? AF_INET6 : AF_INET;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_storage address;
	socklen_t len = address_to_kernel(at, &address);
	int failure = 0;

	if (fd < 0)
		return err_from_errno(errno);
	/* REUSEADDR: connections of an earlier run in TIME_WAIT do not hold the port. NODELAY is
	 * inherited by what is accepted, which spares a call each. "::" means IPv6 alone. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    (how == BOUND_SHARED && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) ||
	    (how == BOUND_EARLY && setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) < 0) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
	    (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
	    bind(fd, (struct sockaddr *)&address, len) < 0)
		failure = errno;
	if (failure) {
		close(fd);
		return err_from_errno(failure);
	}
	*ret_fd = fd;
	return ERR_OK;
}

static void bound_address(int fd, struct address *ret_address)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof address;

	getsockname(fd, (struct sockaddr *)&address, &len);
	address_from_kernel(&address, ret_address);
}

static err_t open_listening(const struct address *at, enum bound how, int *ret_fd)
{
	int fd;

	TRY(open_bound(at, how, &fd));
	if (listen(fd, BACKLOG) < 0) {
		err_t err = err_from_errno(errno);

		close(fd);
		return err;
	}
	*ret_fd = fd;
	return ERR_OK;
}

err_t acceptor_bind(const struct address *at, unsigned count, int ret_fds[],
		    struct address *ret_bound)
{
	struct address bound;
	err_t err = ERR_OK;
	unsigned opened;
	int probe;

	assert(count > 0);
	/*
	 * The probe does not share, so it fails where anybody listens, even another process of our
	 * user with SO_REUSEPORT. It never listens itself, and keeps the port meanwhile.
	 */
	TRY(open_bound(at, BOUND_ALONE, &probe));
	bound_address(probe, &bound);
	for (opened = 0; opened < count; opened++) {
		err = open_listening(&bound, BOUND_SHARED, &ret_fds[opened]);
		if (err)
			break;
	}
	close(probe);
	if (err) {
		while (opened > 0)
			close(ret_fds[--opened]);
		return err;
	}
	if (ret_bound)
		*ret_bound = bound;
	return ERR_OK;
}

err_t acceptor_bind_early(const struct address *at, int *ret_fd, struct address *ret_bound)
{
	TRY(open_listening(at, BOUND_EARLY, ret_fd));
	bound_address(*ret_fd, ret_bound);
	return ERR_OK;
}

void acceptor_discard(int fd)
{
	close(fd);
}

/* ---- Accepting ---- */

static void listen_to(struct acceptor *acceptor, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = &acceptor->polled };

	epoll_ctl(acceptor->loop->epoll_fd, EPOLL_CTL_MOD, acceptor->fd, &event);
}

static void on_rested(struct timer *timer)
{
	listen_to(container_of(timer, struct acceptor, rest), EPOLLIN);
}

/*
 * No descriptors or no memory: clients wait in the backlog while we rest. Trying on would spin,
 * for the level stays up.
 */
static void rest(struct acceptor *acceptor, int failure)
{
	uint64_t now_ms = loop_now_ms(acceptor->loop);

	listen_to(acceptor, 0);
	timer_set(acceptor->loop, &acceptor->rest, now_ms + STARVED_MS);
	if (acceptor->warned_ms && now_ms - acceptor->warned_ms < WARN_EVERY_MS)
		return;
	acceptor->warned_ms = now_ms;
	log_warn("net", "cannot accept connections: %s", strerror(failure));
}

static bool starved(int failure)
{
	return failure == EMFILE || failure == ENFILE || failure == ENOMEM || failure == ENOBUFS;
}

/* False when this turn has seen the last one. */
static bool accept_once(struct acceptor *acceptor)
{
	struct sockaddr_storage from = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof from;
	int fd = accept4(acceptor->fd, (struct sockaddr *)&from, &len,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct socket *socket;
	struct address peer;

	if (fd < 0) {
		if (starved(errno))
			rest(acceptor, errno);
		/* Any other failure is that one connection's: it left while it waited. */
		return !starved(errno) && errno != EAGAIN;
	}
	if (socket_adopt(acceptor->loop, fd, &socket)) {
		close(fd);
		rest(acceptor, ENOMEM);
		return false;
	}
	address_from_kernel(&from, &peer);
	acceptor->events->on_accepted(acceptor->owner, socket, &peer);
	return true;
}

static void on_event(struct polled *polled, uint32_t events)
{
	struct acceptor *acceptor = container_of(polled, struct acceptor, polled);
	unsigned tries = acceptor->batch;

	(void)events;
	/* With one connection at a time there is no second accept that fails; in a rush, many. */
	while (tries > 0 && !acceptor->closed && accept_once(acceptor))
		tries--;
	acceptor->batch = tries == 0 ? acceptor->batch * 2 : acceptor->batch - tries;
	acceptor->batch = (unsigned)size_min(size_max(acceptor->batch, 1), ACCEPTS_MAX);
}

err_t acceptor_open(struct loop *loop, int fd, const struct acceptor_events *events, void *owner,
		    struct acceptor **ret_acceptor)
{
	struct acceptor *acceptor = calloc(1, sizeof *acceptor);
	err_t err;

	if (!acceptor)
		return ERR_NOMEM;
	*acceptor = (struct acceptor){
		.polled.on_event = on_event,
		.fd = fd,
		.batch = 1,
		.loop = loop,
		.events = events,
		.owner = owner,
		.rest.on_expired = on_rested,
	};
	list_init(&acceptor->polled.link);
	err = loop_poll(loop, fd, EPOLLIN, &acceptor->polled);
	if (err) {
		free(acceptor);
		return err;
	}
	loop->open_count++;
	*ret_acceptor = acceptor;
	return ERR_OK;
}

void acceptor_close(struct acceptor *acceptor)
{
	if (!acceptor)
		return;
	assert(!acceptor->closed);
	acceptor->closed = true;
	timer_cancel(&acceptor->rest);
	/* By hand: an inherited descriptor may be held by another process too, and then closing
	 * ours would not take it out of our epoll. */
	epoll_ctl(acceptor->loop->epoll_fd, EPOLL_CTL_DEL, acceptor->fd, NULL);
	close(acceptor->fd);
	acceptor->loop->open_count--;
	loop_bury(acceptor->loop, &acceptor->polled);
}
