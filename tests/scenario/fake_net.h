/*
 * fake_net: a network and a clock in one process, for scenario tests. It implements net/loop.h,
 * net/clock.h and net/blocking.h, so a test links it instead of `net` and runs the real balancer
 * against scripted clients and targets: two hours in milliseconds, the same each run.
 *
 *     struct fake_net *net = fake_net_create(NULL);
 *     loop_create(&loop); ... start what is tested on it, listening on 127.0.0.1:80 ...
 *     struct fake_target *target = fake_listen(net, "10.0.0.5:8000", NULL, NULL);
 *     struct fake_peer *client = fake_connect(net, "192.0.2.9:5555", "127.0.0.1:80");
 *     fake_send(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
 *     fake_run_ms(net, 5);
 *     struct fake_peer *served = fake_accepted(target, 0);
 *     CHECK(bytes_starts(fake_received(served), BYTES("GET / ")));
 *     fake_send(served, "HTTP/1.1 204 No Content\r\n\r\n");
 *     fake_run_ms(net, 5);
 *     CHECK(bytes_starts(fake_received(client), BYTES("HTTP/1.1 204")));
 *     ... stop what is tested, fake_run_ms(net, 0), loop_destroy(loop) ...
 *     fake_net_destroy(net);
 *
 * Nothing happens but in the fake_run functions; they run all loops, in turns, by one thread. Time
 * stands still while anything is left to do at an instant, then jumps to the next event. Callbacks
 * of scripts run between turns, and may call everything here but fake_run and fake_net_destroy.
 *
 * Addresses are text ("10.0.0.5:8000", "[::1]:80"); a wrong one is an assertion. One fake_net
 * exists at a time. Peers and targets live until fake_net_destroy, so a pointer kept never dangles.
 */
#ifndef TESTS_SCENARIO_FAKE_NET_H
#define TESTS_SCENARIO_FAKE_NET_H

#include "net/loop.h"

struct fake_net;
struct fake_peer;   /* one end of a TCP connection, played by the test */
struct fake_target; /* a listening address, played by the test */

/* ---- The world ---- */

struct fake_options {
	uint32_t latency_ms;   /* one way; 0 arrives at the same millisecond, one turn later */
	uint32_t window_bytes; /* a connection holds this much unread each way; 0: 64 KiB */
	/*
	 * The loops' sockets receive at most so many bytes in a turn (1: byte by byte); 0: whatever
	 * has arrived. With a seed, anything from 1 byte to this.
	 */
	uint32_t cut_bytes;
	uint64_t seed;	  /* not 0: sockets ready in the same turn, and loops, go in random order */
	uint64_t unix_ms; /* the wall clock at the start; 0: 2026-01-01T00:00:00Z */
};

struct fake_net *fake_net_create(const struct fake_options *options); /* NULL: all zero */
struct fake_net *fake_current(void);				      /* the one that exists */
void fake_net_destroy(struct fake_net *net); /* after loop_destroy of every loop */

/* ---- Time ---- */

/* Lets `ms` pass and does all that happens until then, the last millisecond included. */
void fake_run_ms(struct fake_net *net, uint64_t ms);

/* Runs until done(arg) is true, at most `max_ms`. Returns whether it became true. */
bool fake_run_until(struct fake_net *net, bool (*done)(void *arg), void *arg, uint64_t max_ms);

uint64_t fake_now_ms(const struct fake_net *net); /* since fake_net_create */

/* Runs action(arg) at a later time: the script's own timers. */
void fake_after_ms(struct fake_net *net, uint64_t ms, void (*action)(void *arg), void *arg);

/* ---- Peers ---- */

/* What a peer does by itself. Any member may be NULL. */
struct fake_script {
	void (*on_open)(struct fake_peer *peer, void *owner); /* connected or accepted */
	void (*on_received)(struct fake_peer *peer, void *owner, struct bytes data);
	void (*on_ended)(struct fake_peer *peer, void *owner, err_t why); /* as fake_ended */
};

/* A client. Connecting takes place in the next run; what is sent before waits for it. */
struct fake_peer *fake_connect(struct fake_net *net, const char *from, const char *to);
void fake_set_script(struct fake_peer *peer, const struct fake_script *script, void *owner);

/* Bytes go out at once, however full the window is; what does not fit is sent when it does. */
void fake_send(struct fake_peer *peer, const char *text);
void fake_send_bytes(struct fake_peer *peer, struct bytes data);
void fake_send_after(struct fake_peer *peer, uint64_t ms, const char *text); /* copied */

void fake_finish(struct fake_peer *peer); /* half-close: FIN after what was sent */
void fake_close(struct fake_peer *peer);  /* like a process that exits: RST if bytes are unread */
void fake_reset(struct fake_peer *peer);  /* RST, now */
/* Gone without a word (cable pulled): nothing is sent, received or acknowledged any more. */
void fake_vanish(struct fake_peer *peer);

/* A peer reads all that comes, unless told to stop; then the window fills. */
void fake_stop_reading(struct fake_peer *peer);
void fake_resume_reading(struct fake_peer *peer);
void fake_read(struct fake_peer *peer, size_t max_bytes); /* that much, while stopped */

/* A peer that hears FIN closes too, as most programs do; not after this. */
void fake_stay_open(struct fake_peer *peer);

/* What it has read so far; valid until the next run. */
struct bytes fake_received(const struct fake_peer *peer);
/* What it has read since the last fake_take; valid until the next run. */
struct bytes fake_take(struct fake_peer *peer);
/* When the byte at this offset of fake_received was read, in fake_now_ms. */
uint64_t fake_received_ms(const struct fake_peer *peer, size_t offset);
size_t fake_unread_bytes(const struct fake_peer *peer); /* arrived, and not read: see stop */

bool fake_is_open(const struct fake_peer *peer); /* connected, and neither side's end heard */
/*
 * ERR_OK while it goes on; ERR_CLOSED after the other side's FIN, ERR_RESET; for a client also
 * ERR_REFUSED; ERR_CANCELLED when this side closed, reset or vanished first.
 */
err_t fake_ended(const struct fake_peer *peer);
uint64_t fake_ended_ms(const struct fake_peer *peer); /* when; 0 while it goes on */
const struct address *fake_peer_address(const struct fake_peer *peer);	/* its own */
const struct address *fake_other_address(const struct fake_peer *peer); /* the balancer's end */

/* ---- Targets ---- */

enum fake_mode {
	FAKE_ACCEPT,
	FAKE_REFUSE,	  /* RST to SYN, as where nobody listens */
	FAKE_HANG,	  /* no answer to SYN: connects hang for ever */
	FAKE_UNREACHABLE, /* ICMP says so */
};

/* Its accepted peers get this script (may be NULL) and owner. */
struct fake_target *fake_listen(struct fake_net *net, const char *at,
				const struct fake_script *script, void *owner);
void fake_set_mode(struct fake_target *target, enum fake_mode mode); /* for later connects */
unsigned fake_connects(const struct fake_target *target);	     /* tried, in any mode */
unsigned fake_accepted_count(const struct fake_target *target);
struct fake_peer *fake_accepted(const struct fake_target *target, unsigned index); /* or NULL */
struct fake_peer *fake_last_accepted(const struct fake_target *target);		   /* or NULL */

/* ---- Servers elsewhere: net/fetch.h ---- */

struct fetch_request;

struct fake_answer {
	err_t err; /* instead of an answer */
	unsigned status;
	const char *body;  /* copied */
	uint32_t after_ms; /* longer than the request's timeout: ERR_EXPIRED then */
};

/* Says what each question is answered; NULL, as at first: ERR_UNREACHABLE. Runs inside fetch_start.
 */
void fake_on_fetch(void (*answer)(void *owner, const struct fetch_request *request,
				  struct fake_answer *ret_answer),
		   void *owner);
unsigned fake_fetches(void); /* asked since fake_on_fetch */

/* ---- The system around ---- */

/* acceptor_bind of this address fails so (ERR_DENIED, ERR_UNREACHABLE…); ERR_OK: no more. */
void fake_fail_bind(struct fake_net *net, const char *at, err_t err);
bool fake_is_bound(const struct fake_net *net, const char *at); /* by acceptor_bind */
/* resolve() of this name gives this address (or, with NULL, ERR_NOT_FOUND, as any other does). */
void fake_name(struct fake_net *net, const char *name, const char *ip);
void fake_signal(struct fake_net *net, int number);
/* A watched descriptor is ready now, once. */
void fake_fd_ready(struct fake_net *net, int fd, bool readable, bool writable);
/* Sockets, acceptors and watches that the code under test holds, on all loops. */
size_t fake_open_count(const struct fake_net *net);

#endif
