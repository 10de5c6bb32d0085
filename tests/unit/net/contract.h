/*
 * What the tests of net/loop.h's promises share: one loop, one acceptor and both ends of a
 * connection, on the real network or the fake one (CONTRACT_FAKE). One world at a time.
 */
#ifndef TESTS_UNIT_NET_CONTRACT_H
#define TESTS_UNIT_NET_CONTRACT_H

#include "base/text.h"
#include "net/loop.h"
#include "tests/check.h"

enum {
	PATIENCE_MS = 5000, /* a test that waits longer has failed */
	SIDE_MAX_BYTES = 64 * 1024 * 1024,
};

struct side {
	struct socket *socket;
	struct text received;
	unsigned connects, receives, writables, ends;
	size_t largest; /* piece received */
	err_t connect_err, why;
	void (*then)(struct side *side); /* after each callback was noted; may close */
};

extern struct loop *loop;
extern struct acceptor *acceptor;
extern struct side near, far; /* far: accepted */
extern struct address at;
extern unsigned accepts;
extern void (*then_accepted)(void);
extern const struct socket_events side_events;
extern const struct acceptor_events world_acceptor_events;

void open_world(void); /* a loop that listens */
void close_world(void);
void listen_somewhere(void);
void connect_pair(void);
void open_pair(void); /* a world with both ends connected */

/* Runs for so long, at most until `done`; whether it came to that. */
bool run_for(uint64_t ms, bool (*done)(void));
void settle(void);
#define UNTIL(condition) CHECK(run_for(PATIENCE_MS, condition), "waited for " #condition)

bool both_open(void);
bool far_ended(void);
bool near_ended(void);
bool near_connected(void);
bool near_writable(void);
bool far_received(void);
bool far_received_wanted(void); /* so many: */
extern size_t wanted_bytes;

size_t send_text(struct side *side, const char *text);

/* For side.then. */
void close_side(struct side *side);
void stop_all(struct side *side);

#endif
