/*
 * loop_internal: what the files of the epoll loop share. Not for other rooms.
 */
#ifndef NET_LOOP_INTERNAL_H
#define NET_LOOP_INTERNAL_H

#include <sys/epoll.h>

#include "net/loop.h"
#include "net/mailbox.h"
#include "net/timers.h"

enum {
	SCRATCH_BYTES = 256 * 1024,
	RECEIVE_BYTES = 16 * 1024, /* one receive, unless socket_receive_size says otherwise */
};

/*
 * What epoll points at: the first member of each kind. A polled thing that was closed keeps its
 * memory to the end of the turn, since events for it may wait in this turn's batch.
 */
struct polled {
	void (*on_event)(struct polled *polled, uint32_t events);
	struct list_node link; /* in loop->ready, or this turn's batch, or loop->graves */
};

struct signals;

struct loop {
	int epoll_fd;
	int wake_fd;   /* an eventfd, edge-triggered: written to, never read */
	uint32_t turn; /* counts turns; 0 never runs */
	bool running;
	uint64_t now_us;	/* monotonic, at the start of this turn */
	int64_t unix_offset_us; /* Unix time minus monotonic time */
	uint64_t offset_until_us;
	struct timers timers;
	struct list_node ready; /* sockets with something to do in the next turn */
	struct loop_job *deferred, **deferred_end;
	struct list_node graves; /* closed in this turn */
	size_t open_count;	 /* sockets, acceptors and watches */
	struct signals *signals;
	atomic_bool stopping;
	struct mailbox mailbox;
	char scratch[SCRATCH_BYTES];
};

/* Adds `fd` to the loop's epoll; ERR_SYSTEM when the kernel refuses. */
err_t loop_poll(struct loop *loop, int fd, uint32_t events, struct polled *polled);

/* Frees `polled` (the start of a malloc'ed block) when no event can name it any more. Its link is
 * alone or in loop->ready. */
void loop_bury(struct loop *loop, struct polled *polled);

/* Closes the signal descriptor; the handlers are forgotten. NULL is welcome. */
void signals_close(struct signals *signals);

#endif
