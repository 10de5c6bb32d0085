/*
 * Foreign descriptors (libcurl's, sd_notify's) and signals, level-triggered: their owners read at
 * their own pace.
 */
#include "net/loop_internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct watch {
	struct polled polled;
	int fd;
	bool closed, readable, writable; /* the last two: wanted */
	struct loop *loop;
	const struct watch_events *events;
	void *owner;
};

static uint32_t wanted(const struct watch *watch)
{
	return (watch->readable ? EPOLLIN : 0u) | (watch->writable ? EPOLLOUT : 0u);
}

static void on_event(struct polled *polled, uint32_t events)
{
	struct watch *watch = container_of(polled, struct watch, polled);
	bool failed = events & (EPOLLERR | EPOLLHUP);
	bool readable = watch->readable && (events & EPOLLIN || failed);
	bool writable = watch->writable && (events & EPOLLOUT || failed);

	if (!watch->closed && (readable || writable))
		watch->events->on_ready(watch->owner, readable, writable);
}

err_t watch_open(struct loop *loop, int fd, bool readable, bool writable,
		 const struct watch_events *events, void *owner, struct watch **ret_watch)
{
	struct watch *watch = malloc(sizeof *watch);
	err_t err;

	if (!watch)
		return ERR_NOMEM;
	*watch = (struct watch){
		.polled.on_event = on_event,
		.fd = fd,
		.readable = readable,
		.writable = writable,
		.loop = loop,
		.events = events,
		.owner = owner,
	};
	list_init(&watch->polled.link);
	err = loop_poll(loop, fd, wanted(watch), &watch->polled);
	if (err) {
		free(watch);
		return err;
	}
	loop->open_count++;
	*ret_watch = watch;
	return ERR_OK;
}

void watch_change(struct watch *watch, bool readable, bool writable)
{
	struct epoll_event event = { .data.ptr = &watch->polled };

	assert(!watch->closed);
	watch->readable = readable;
	watch->writable = writable;
	event.events = wanted(watch);
	epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	assert(!watch->closed);
	watch->closed = true;
	/* Fails when the owner closed the descriptor first; then epoll has forgotten it. */
	epoll_ctl(watch->loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->loop->open_count--;
	loop_bury(watch->loop, &watch->polled);
}

/* ---- Signals ---- */

struct signals {
	int fd; /* a signalfd for all of `mask` */
	struct watch *watch;
	sigset_t mask;
	struct {
		void (*run)(void *owner, int number);
		void *owner;
	} handlers[NSIG];
};

static void on_signals(void *owner, bool readable, bool writable)
{
	struct signals *signals = owner;
	struct signalfd_siginfo info;

	(void)readable;
	(void)writable;
	/* One a turn: the level brings us back for the next. */
	if (read(signals->fd, &info, sizeof info) != sizeof info || info.ssi_signo >= NSIG)
		return;
	if (signals->handlers[info.ssi_signo].run)
		signals->handlers[info.ssi_signo].run(signals->handlers[info.ssi_signo].owner,
						      (int)info.ssi_signo);
}

static const struct watch_events signal_events = { .on_ready = on_signals };

static err_t signals_open(struct loop *loop)
{
	struct signals *signals = calloc(1, sizeof *signals);
	err_t err;

	if (!signals)
		return ERR_NOMEM;
	sigemptyset(&signals->mask);
	signals->fd = signalfd(-1, &signals->mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals->fd < 0) {
		free(signals);
		return ERR_SYSTEM;
	}
	err = watch_open(loop, signals->fd, true, false, &signal_events, signals, &signals->watch);
	if (err) {
		close(signals->fd);
		free(signals);
		return err;
	}
	loop->signals = signals;
	return ERR_OK;
}

void signals_close(struct signals *signals)
{
	if (!signals)
		return;
	signals->watch->loop->open_count--;
	free(signals->watch);
	close(signals->fd);
	free(signals);
}

err_t loop_on_signal(struct loop *loop, int signal_number,
		     void (*on_signal)(void *owner, int number), void *owner)
{
	struct signals *signals;
	sigset_t one;

	assert(signal_number > 0 && signal_number < NSIG && on_signal);
	if (!loop->signals)
		TRY(signals_open(loop));
	signals = loop->signals;
	sigemptyset(&one);
	sigaddset(&one, signal_number);
	if (pthread_sigmask(SIG_BLOCK, &one, NULL) != 0)
		return ERR_SYSTEM;
	sigaddset(&signals->mask, signal_number);
	if (signalfd(signals->fd, &signals->mask, SFD_NONBLOCK | SFD_CLOEXEC) < 0)
		return ERR_SYSTEM;
	signals->handlers[signal_number].owner = owner;
	signals->handlers[signal_number].run = on_signal;
	return ERR_OK;
}
