/*
 * What the tests of the loop on a kernel share: one loop that listens, a pair of ends, and counts
 * of the system calls that are made.
 */
#ifndef TESTS_UNIT_NET_EPOLL_HOUSE_H
#define TESTS_UNIT_NET_EPOLL_HOUSE_H

#include "net/loop.h"
#include "tests/check.h"

enum { PATIENCE_MS = 5000, KEPT = 64 };

extern struct counted_calls {
	unsigned recvs, sends, epoll_ctls, failed_recvs;
} calls;

extern struct loop *loop;
extern struct acceptor *acceptor;
extern struct address at;
extern struct socket *near, *far, *kept[KEPT]; /* kept: accepted; far: the last of them */
extern unsigned accepts, receives, ends, connects;
extern err_t connect_err;

extern const struct socket_events near_events;
extern const struct acceptor_events count_accepted;
void ignore_bytes(void *owner, struct bytes data);
void on_ended(void *owner, err_t why);
void on_writable(void *owner);

void open_loop(void);
void close_loop(void);
void connect_near(void);   /* far echoes */
int connect_plainly(void); /* a descriptor */

/* Runs until loop_stop; false when it took longer. */
bool run_at_most(uint64_t ms);
/* A loop that sleeps uses next to nothing; one that spins, all it can. */
void check_sleeps(const char *when);

#endif
