/*
 * loop: one thread's events. Completion style: sockets, timers and posts call back on a later
 * turn than the call that asked for them, once each time, or never after a cancel.
 *
 *   loop_run ──► turn: posts, then ready sockets, then due timers ──► turn … ──► loop_stop
 *
 * Everything here belongs to the thread that runs the loop, but loop_post and loop_stop, which
 * any thread may call. The door has two implementations with the same symbols: epoll
 * (loop_epoll.c), and the fake network and clock of tests/scenario, which links instead of it.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/list.h"
#include "net/address.h"

struct loop;

err_t loop_create(struct loop **ret_loop);
/* Runs what was posted or deferred and not yet run. Sockets, acceptors, watches and timers are gone
 * already, or go in these jobs; asserts it. */
void loop_destroy(struct loop *loop);

/*
 * Runs what was posted or deferred, on the calling thread, without waiting: for the end, when the
 * loop's own thread has stopped and what the jobs point at still lives.
 */
void loop_settle(struct loop *loop);

void loop_run(struct loop *loop);  /* until loop_stop; then it may run again */
void loop_stop(struct loop *loop); /* any thread; the running turn is finished */

/* The time at the start of this turn: one clock call a turn. */
uint64_t loop_now_ms(const struct loop *loop);	/* monotonic */
uint64_t loop_unix_us(const struct loop *loop); /* advances with the same reading */

/* ---- Posts: a mailbox between threads ---- */

/* Embedded by the sender, untouched until it has run; `run` may free or post it again. */
struct loop_job {
	void (*run)(struct loop_job *job);
	struct loop_job *next; /* the mailbox's */
};

/* Runs job->run on the loop's thread, in the order of posting per sender. Any thread. */
void loop_post(struct loop *loop, struct loop_job *job);

/*
 * Calls job->run once at the end of the current turn, before the loop sleeps: for freeing what
 * the running callback still stands on. Loop thread only.
 */
void loop_defer(struct loop *loop, struct loop_job *job);

/* ---- Timers: a hierarchical wheel of 1 ms ticks; setting and cancelling are O(1) ---- */

/* Embedded by the owner. Zero-initialise, set on_expired, then timer_set. */
struct timer {
	void (*on_expired)(struct timer *timer);
	struct list_node link; /* the wheel's; next == NULL when never armed */
	uint64_t due_ms;       /* monotonic; 0 when not armed */
};

/* (Re)arms; a due time in the past runs on the next turn. Never early, at most 1 ms late + load. */
void timer_set(struct loop *loop, struct timer *timer, uint64_t due_ms);
void timer_cancel(struct timer *timer); /* harmless when not armed */
static inline bool timer_armed(const struct timer *timer)
{
	return timer->due_ms != 0;
}

/* ---- Sockets: TCP streams ---- */

struct socket;

/*
 * The owner's table, shared by many sockets. `owner` is what was given with the table.
 * After socket_close no callback runs any more.
 */
struct socket_events {
	/* The connect finished: ERR_OK, or ERR_REFUSED, ERR_UNREACHABLE, ERR_EXPIRED, ERR_RESET
	 * (accepted, and reset before we looked)… After a failure nothing else comes, and the owner
	 * still closes. NULL for accepted sockets. */
	void (*on_connected)(void *owner, err_t err);
	/*
	 * Bytes arrived. They lie in the loop's scratch memory and are gone when this returns;
	 * the owner may write into them. data.len > 0.
	 */
	void (*on_received)(void *owner, struct bytes data);
	/*
	 * Room again after a short socket_send: the owner sends what it kept. Now and then there is
	 * less of it than hoped for, even none: the send is short again and this comes again. Also
	 * when the connection died meanwhile: the send then says so.
	 */
	void (*on_writable)(void *owner);
	/*
	 * The receiving side is over: ERR_CLOSED (the peer's FIN, sending still works), ERR_RESET,
	 * or another error (both directions dead). Delivered after all data, once, and also while
	 * receiving is paused if the peer reset or the watch for hang-ups is on; then data not
	 * yet received is given up by a reset.
	 */
	void (*on_ended)(void *owner, err_t why);
};

/*
 * Starts a connect; on_connected comes on a later turn, also with what the kernel refused at once
 * (no route, a source address that is not ours). `source` may be NULL. TCP_NODELAY is always on.
 * On ERR_OK the caller owns *ret_socket and ends it with socket_close; ERR_NOMEM, ERR_LIMIT (no
 * descriptors) and ERR_SYSTEM leave nothing behind.
 */
err_t socket_connect(struct loop *loop, const struct address *to, const struct address *source,
		     const struct socket_events *events, void *owner, struct socket **ret_socket);

/* The same to a stream socket in the file system; no such file: ERR_NOT_FOUND in on_connected. */
err_t socket_connect_path(struct loop *loop, const char *path, const struct socket_events *events,
			  void *owner, struct socket **ret_socket);

void socket_set_owner(struct socket *socket, const struct socket_events *events, void *owner);

/*
 * Receiving is off at first, and again after socket_pause. A paused socket reads nothing, so TCP
 * holds the peer back; with `watch` it still hears a hang-up (on_ended), data unread or not.
 */
void socket_receive(struct socket *socket);
void socket_pause(struct socket *socket, bool watch);

/* How much one receive takes at most, in bytes; 0 restores the default (16 KiB, max 256 KiB). */
void socket_receive_size(struct socket *socket, uint32_t max_bytes);

struct slices {
	const struct bytes *at;
	unsigned count; /* at most 16 */
};

/*
 * Tries at once; *ret_taken says how many bytes the kernel took. Less than all: keep the rest and
 * wait for on_writable. ERR_OK, or ERR_RESET/ERR_SYSTEM when the connection is dead (on_ended
 * tells as well, later, unless it ran already). Before on_connected it takes nothing. Not after
 * socket_shutdown_write. `more` hints that more follows in this turn (MSG_MORE).
 */
err_t socket_send(struct socket *socket, struct slices slices, bool more, size_t *ret_taken);

/* Bytes the kernel would surely take now, from SO_MEMINFO; one system call. */
size_t socket_send_room(struct socket *socket);

void socket_shutdown_write(struct socket *socket); /* FIN after what was sent */
/* Graceful: FIN after what was sent. Where bytes have arrived unread, the kernel sends RST instead,
 * and the peer may lose the end of what it was sent. NULL is welcome. */
void socket_close(struct socket *socket);
void socket_reset(struct socket *socket); /* RST at once, and closes */

/* Thin ACKs: TCP_QUICKACK off after each receive, for fast token streams (design §4). */
void socket_thin_acks(struct socket *socket, bool on);
/* SO_RCVLOWAT: on_received waits until so many bytes are there, or an end. 1 is the default. */
void socket_low_water(struct socket *socket, uint32_t bytes);

/* Family 0 when the kernel has forgotten: a reset connection has no peer. */
void socket_peer(const struct socket *socket, struct address *ret_address);
void socket_local(const struct socket *socket, struct address *ret_address);

/* ---- Listening ---- */

struct acceptor;

struct acceptor_events {
	/* A connection; *socket is now the owner's, receiving off. */
	void (*on_accepted)(void *owner, struct socket *socket, const struct address *peer);
};

/*
 * Binds and listens without a loop, on any thread, so that an API call can tell the user at
 * once: ERR_IN_USE, ERR_DENIED, ERR_UNREACHABLE (no such local address). `count` handles
 * share the port by SO_REUSEPORT, one for each worker; a port that anybody else holds is
 * ERR_IN_USE even where the kernel would let us share it. Port 0 picks one: see ret_bound (may be
 * NULL). "::" is IPv6 alone.
 */
err_t acceptor_bind(const struct address *at, unsigned count, int ret_fds[],
		    struct address *ret_bound);

/* One handle, of an address that this machine may only get later; till then nobody comes. */
err_t acceptor_bind_early(const struct address *at, int *ret_fd, struct address *ret_bound);

/* Takes over one of those handles (or an inherited one) and accepts on `loop`. */
err_t acceptor_open(struct loop *loop, int fd, const struct acceptor_events *events, void *owner,
		    struct acceptor **ret_acceptor);
void acceptor_close(struct acceptor *acceptor); /* NULL is welcome */

/* For a handle that no acceptor took. */
void acceptor_discard(int fd);

/* ---- Signals (the control loop only) and readiness of a foreign fd (libcurl, sd_notify) ---- */

struct watch;
struct watch_events {
	void (*on_ready)(void *owner, bool readable, bool writable);
};
err_t watch_open(struct loop *loop, int fd, bool readable, bool writable,
		 const struct watch_events *events, void *owner, struct watch **ret_watch);
void watch_change(struct watch *watch, bool readable, bool writable);
void watch_close(struct watch *watch); /* the fd stays the owner's */

/* Blocks the signal in the calling thread and reports it as a callback. Call before threads start.
 */
err_t loop_on_signal(struct loop *loop, int signal_number,
		     void (*on_signal)(void *owner, int number), void *owner);

#endif
