/*
 * The epoll loop: one turn after the other. Sockets live in socket.c, listening in acceptor.c,
 * foreign descriptors in watch.c; here is what they share.
 *
 *   turn:  sleep (epoll_wait) ─► the clock ─► posts ─► events ─► sockets queued in an earlier
 *          turn ─► due timers ─► deferred jobs ─► the graves are freed
 */
#include "net/loop_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/socket_internal.h"

enum {
	EVENTS_MAX = 256,	    /* taken from the kernel in one turn */
	SLEEP_MAX_MS = 3600 * 1000, /* so that an int of milliseconds always suffices */
	UNIX_OFFSET_US = 1000000,   /* how long a reading of the wall clock is good for */
};

static void read_clock(struct loop *loop)
{
	loop->now_us = clock_mono_us();
	if (loop->now_us >= loop->offset_until_us) {
		loop->unix_offset_us = (int64_t)clock_unix_us() - (int64_t)loop->now_us;
		loop->offset_until_us = loop->now_us + UNIX_OFFSET_US;
	}
}

err_t loop_poll(struct loop *loop, int fd, uint32_t events, struct polled *polled)
{
	struct epoll_event event = { .events = events, .data.ptr = polled };

	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return errno == ENOMEM || errno == ENOSPC ? ERR_NOMEM : ERR_SYSTEM;
	return ERR_OK;
}

err_t loop_create(struct loop **ret_loop)
{
	struct loop *loop = malloc(sizeof *loop);
	err_t err;

	if (!loop)
		return ERR_NOMEM;
	/* The scratch memory is left alone: a page that is never received into costs nothing. */
	memset(loop, 0, offsetof(struct loop, scratch));
	list_init(&loop->ready);
	list_init(&loop->graves);
	loop->deferred_end = &loop->deferred;
	read_clock(loop);
	timers_init(&loop->timers, loop->now_us / 1000);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = loop->epoll_fd < 0 || loop->wake_fd < 0
		      ? ERR_SYSTEM
		      : loop_poll(loop, loop->wake_fd, EPOLLIN | EPOLLET, NULL);
	if (err) {
		if (loop->epoll_fd >= 0)
			close(loop->epoll_fd);
		if (loop->wake_fd >= 0)
			close(loop->wake_fd);
		free(loop);
		return err;
	}
	*ret_loop = loop;
	return ERR_OK;
}

static void run_posts(struct loop *loop)
{
	struct loop_job *job = mailbox_take(&loop->mailbox);

	while (job) {
		struct loop_job *next = job->next; /* `run` may free or post the job */

		job->run(job);
		job = next;
	}
}

static void run_deferred(struct loop *loop)
{
	while (loop->deferred) {
		struct loop_job *job = loop->deferred;

		loop->deferred = job->next;
		if (!loop->deferred)
			loop->deferred_end = &loop->deferred;
		job->run(job);
	}
}

static void free_graves(struct loop *loop)
{
	struct list_node *node;

	while ((node = list_pop(&loop->graves)))
		free(container_of(node, struct polled, link));
}

void loop_settle(struct loop *loop)
{
	assert(!loop->running);
	run_posts(loop);
	run_deferred(loop);
	free_graves(loop);
}

void loop_destroy(struct loop *loop)
{
	loop_settle(loop);
	signals_close(loop->signals);
	assert(loop->open_count == 0);
	assert(timers_next(&loop->timers) == TIMERS_NEVER);
	close(loop->epoll_fd);
	close(loop->wake_fd);
	free(loop);
}

void loop_bury(struct loop *loop, struct polled *polled)
{
	list_remove(&polled->link);
	list_append(&loop->graves, &polled->link);
}

static int sleep_ms(struct loop *loop)
{
	uint64_t next_ms, now_ms = loop->now_us / 1000;

	if (!list_empty(&loop->ready) || loop->deferred)
		return 0;
	next_ms = timers_next(&loop->timers);
	if (next_ms == TIMERS_NEVER)
		return -1;
	if (next_ms <= now_ms)
		return 0;
	return next_ms - now_ms > SLEEP_MAX_MS ? SLEEP_MAX_MS : (int)(next_ms - now_ms);
}

/* Sockets that were queued before this turn began; what they queue now waits for the next. */
static void run_ready(struct list_node *batch)
{
	struct list_node *node;

	while ((node = list_pop(batch)))
		socket_on_queued(container_of(node, struct polled, link));
}

static void turn(struct loop *loop)
{
	struct epoll_event events[EVENTS_MAX];
	struct list_node batch, *node;
	int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, sleep_ms(loop));

	assert(count >= 0 || errno == EINTR);
	loop->turn++;
	read_clock(loop);
	list_init(&batch);
	while ((node = list_pop(&loop->ready)))
		list_append(&batch, node);

	run_posts(loop);
	for (int i = 0; i < count; i++) {
		struct polled *polled = events[i].data.ptr;

		if (polled) /* NULL: the eventfd, which has done its work by waking us */
			polled->on_event(polled, events[i].events);
	}
	run_ready(&batch);
	timers_advance(&loop->timers, loop->now_us / 1000);
	run_deferred(loop);
	free_graves(loop);
}

void loop_run(struct loop *loop)
{
	assert(!loop->running);
	loop->running = true;
	while (!atomic_load_explicit(&loop->stopping, memory_order_acquire))
		turn(loop);
	atomic_store_explicit(&loop->stopping, false, memory_order_relaxed);
	loop->running = false;
}

static void wake(struct loop *loop)
{
	/* Fails only when the counter is full, and then the loop is awake as it is. */
	if (eventfd_write(loop->wake_fd, 1) < 0)
		return;
}

void loop_stop(struct loop *loop)
{
	atomic_store_explicit(&loop->stopping, true, memory_order_release);
	wake(loop);
}

uint64_t loop_now_ms(const struct loop *loop)
{
	return loop->now_us / 1000;
}

uint64_t loop_unix_us(const struct loop *loop)
{
	return (uint64_t)((int64_t)loop->now_us + loop->unix_offset_us);
}

void loop_post(struct loop *loop, struct loop_job *job)
{
	assert(job->run);
	if (mailbox_put(&loop->mailbox, job))
		wake(loop);
}

void loop_defer(struct loop *loop, struct loop_job *job)
{
	assert(job->run);
	job->next = NULL;
	*loop->deferred_end = job;
	loop->deferred_end = &job->next;
}

void timer_set(struct loop *loop, struct timer *timer, uint64_t due_ms)
{
	timers_set(&loop->timers, timer, due_ms);
}
