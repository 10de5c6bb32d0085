/*
 * conn_house: a server conn on the fake network with one client, for scripts that say what the
 * client does; its owner answers, mirrors, pauses, leaves, breaks off, drains and destroys, as the
 * request's target says ("/m"). Whatever comes: a request is told once and ended once, by HTTP/1
 * not before the one before has ended; its body has one end, what waits toward the client is
 * bounded, and in the end nothing is left. What does not hold aborts.
 */
#ifndef FUZZ_CONN_HOUSE_H
#define FUZZ_CONN_HOUSE_H

#include <stdlib.h>

#include "conn/conn.h"
#include "tests/scenario/fake_net.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

enum {
	SCRIPT_MAX = 4096, /* so that the shortest requests are no more than VISITS_MAX */
	VISITS_MAX = 512,
};

struct visit {
	struct house *house;
	struct exchange *x; /* NULL once over */
	char manner;
	bool ended; /* its request's last piece came */
};

struct house {
	struct fake_net *net;
	struct loop *loop;
	struct acceptor *acceptor;
	struct conn *conn; /* NULL once closed */
	struct fake_peer *client;
	struct timer timer;
	struct visit visits[VISITS_MAX];
	unsigned count;
	bool http2;
	bool stopped; /* the client reads what it is told to only */
};

/* The wire is cut to pieces of `cut_bytes`; 0: as it comes. */
struct house *house_open(unsigned cut_bytes, bool http2);
void house_close(struct house *house); /* the client leaves; what must hold in the end does */

/* What clients of both kinds do without sending; others only let what is due happen. */
enum house_deed { FINISH, RESET, STOP_READING, RESUME_READING, DRAIN, WAIT, HOUSE_DEEDS };
void house_do(struct house *house, unsigned deed, unsigned wait_ms);
void house_read(struct house *house, size_t bytes); /* by a client that stopped */

/* The script's next byte; 0 after its end. */
unsigned char script_take(struct bytes *script);

#endif
