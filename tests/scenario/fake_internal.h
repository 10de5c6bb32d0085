/*
 * fake_internal: what the files of the fake network share.
 *
 *   fake_net.c      the world: time, loops, posts, timers, names, signals
 *   fake_wire.c     ends of connections and what travels between them
 *   fake_socket.c   net/loop.h's sockets, acceptors and watches: ends held by a loop
 *   fake_peer.c     scripted clients and targets: ends held by the test
 */
#ifndef TESTS_SCENARIO_FAKE_INTERNAL_H
#define TESTS_SCENARIO_FAKE_INTERNAL_H

#include "base/rng.h"
#include "base/text.h"
#include "net/mailbox.h"
#include "net/timers.h"
#include "tests/scenario/fake_net.h"

enum {
	FAKE_WINDOW_BYTES = 64 * 1024,
	FAKE_START_MS = 1000 * 1000, /* monotonic time of the first moment: never 0 */
	FAKE_FD_FIRST = 1000,
};

/* ---- The world ---- */

struct fake_net {
	struct fake_options options;
	uint64_t now_ms;
	bool running;
	struct rng rng;
	struct timers events;	/* arrivals and the script's own timers */
	struct list_node loops; /* struct loop.link */
	struct list_node peers, targets, bounds, refusals, names, watches, actions;
	int next_fd;
	uint16_t next_port;
};

uint16_t fake_new_port(struct fake_net *net);
struct address fake_address(const char *text);

/* What a script does later: run(arg), or sends `text` from `peer`. Freed once it ran. */
struct action {
	struct list_node link; /* in net->actions */
	struct timer timer;
	struct fake_net *net;
	void (*run)(void *arg);
	void *arg;
	struct fake_peer *peer;
	char text[];
};
struct action *action_new(struct fake_net *net, uint64_t after_ms, size_t text_bytes);

/* ---- Loops ---- */

/* A thing that has turns: first member of sockets, acceptors and watches, which are malloc'ed. */
struct fake_item {
	struct list_node ready; /* in loop->ready, or alone */
	void (*act)(struct fake_item *item);
	struct fake_item *next_grave;
	bool closed;
};

struct loop {
	struct fake_net *net;
	struct list_node link;
	uint32_t turn;
	bool stopping;
	struct timers timers;
	struct list_node ready;
	struct loop_job *deferred, **deferred_end;
	struct mailbox mailbox;
	struct fake_item *graves;
	size_t open_count;
	unsigned signals_pending; /* of all numbers */
	struct {
		void (*run)(void *owner, int number);
		void *owner;
		unsigned pending;
	} signals[65];
};

void fake_queue(struct loop *loop, struct fake_item *item);
void fake_bury(struct loop *loop, struct fake_item *item); /* freed at the end of the turn */

/* ---- The wire ---- */

/* One end of a connection, embedded by who holds it. */
struct fake_end {
	struct fake_net *net;
	/* Something arrived, or there is room again, or the connect has an answer. Runs anywhere:
	 * it only notes that its holder shall look. */
	void (*on_change)(struct fake_end *end);
	struct fake_end *other; /* NULL before the handshake, and when the other holder let go */
	struct address local, remote;
	struct list_node inbound; /* segments on their way here or unread */
	size_t inbound_bytes;	  /* all of them: what fills the window */
	size_t arrived_bytes;	  /* those that can be read now */
	bool answered;		  /* the handshake is over: `answer` says how */
	err_t answer;
	bool fin_sent, fin_arrived, rst_arrived;
	struct timer handshake; /* the SYN's way there, then the answer's way back */
	struct timer rejection; /* the RST that answers bytes sent to nobody */
};

void end_init(struct fake_end *end, struct fake_net *net, void (*on_change)(struct fake_end *));
void end_connect(struct fake_end *end, const struct address *to);
void end_pair(struct fake_end *client, struct fake_end *server);

size_t end_room(const struct fake_end *end); /* what end_send would take */
size_t end_send(struct fake_end *end, struct bytes data);
size_t end_read(struct fake_end *end, char *out, size_t max_bytes);
void end_fin(struct fake_end *end);
void end_rst(struct fake_end *end); /* and lets go */
void end_let_go(struct fake_end *end);

/* ---- Listening ---- */

/* A SYN came to `client`->remote: accepts with end_pair, or says why not. */
enum fake_mode sockets_syn(struct fake_net *net, struct fake_end *client, bool *ret_known);
enum fake_mode targets_syn(struct fake_net *net, struct fake_end *client, bool *ret_known);
bool targets_listen(const struct fake_net *net, const struct address *at);

void sockets_fini(struct fake_net *net);
void peers_fini(struct fake_net *net);

#endif
