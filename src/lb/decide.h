/*
 * decide: what to do with a stream now. Pure: no clock, no socket, no memory of its own.
 *
 *   CONNECTING ─► UPLOADING ─► WAITING ─► THINKING ─► STREAMING ─► FLUSHING
 *    to the        the request   for the    head is     body         all given, the
 *    target        goes out      head       relayed     pieces       client still reads
 *
 * The glue (stream.c) says what happened and when; the answer is an order. Five clocks watch the
 * target, one the client (reference/alb.md §5.7, design §6); which of them runs depends on the
 * stage and on who holds up whom:
 *
 *   - heartbeats and a slow client never feed a target's clock; while the client holds the target
 *     up the target's clock stands still and starts anew when the client has caught up;
 *   - a client that stalls in its request body gets 408, unless it is the target that does not
 *     read: then the target is late.
 *
 * A piece of an answer only notes the time (decide_piece); clocks are looked at when the stream's
 * one timer runs, which then is set again for decide_due.
 */
#ifndef LB_DECIDE_H
#define LB_DECIDE_H

#include "lb/config.h"
#include "telemetry/end_reason.h"

enum decide_stage {
	DECIDE_CONNECTING,
	DECIDE_UPLOADING,
	DECIDE_WAITING,
	DECIDE_THINKING,
	DECIDE_STREAMING,
	DECIDE_FLUSHING,
	DECIDE_STAGES,
};

enum decide_event {
	DECIDE_CONNECTED,      /* the request head went to the target */
	DECIDE_REQUEST_PIECE,  /* the client sent some of its body */
	DECIDE_REQUEST_END,    /* the request went out completely */
	DECIDE_TARGET_FULL,    /* the target does not read the request: the client is paused */
	DECIDE_TARGET_DRAINED, /* it does again */
	DECIDE_HEAD,	       /* the response head was relayed */
	DECIDE_PIECE,	       /* body bytes were relayed; see decide_piece */
	DECIDE_ANSWER_END,     /* the last of the answer was given to the client's connection */
	DECIDE_CLIENT_FULL,    /* the client does not read: the target is paused */
	DECIDE_CLIENT_DRAINED, /* it does again */
	DECIDE_TICK,	       /* the timer ran */
	DECIDE_CLIENT_LEFT,
	DECIDE_TARGET_REFUSED,	  /* no connection */
	DECIDE_TARGET_LATE,	  /* no connection in time, or no TLS on it */
	DECIDE_TARGET_NO_TLS,	  /* the handshake failed */
	DECIDE_TARGET_CLOSED,	  /* FIN before the answer was complete */
	DECIDE_TARGET_RESET,	  /* RST, or the network lost it */
	DECIDE_TARGET_MALFORMED,  /* not HTTP */
	DECIDE_TARGET_HEAD_LARGE, /* more than 32 KiB of head */
	DECIDE_EVENTS,
};

enum decide_order {
	DECIDE_NEVER,  /* an event that this stage cannot see: asserted */
	DECIDE_GO_ON,  /* forward, keep listening */
	DECIDE_BEAT,   /* put a heartbeat in now */
	DECIDE_RETRY,  /* the same request once more, on a fresh connection */
	DECIDE_ANSWER, /* no head was sent: answer with the reason's own status */
	DECIDE_CUT,    /* a head was sent: end the client's connection so that it looks cut */
	DECIDE_FINISH, /* complete */
	DECIDE_LEAVE,  /* the client is gone: let the target go in this turn */
};

struct decision {
	enum decide_order order;
	enum end_reason reason; /* for ANSWER, CUT, FINISH, LEAVE */
};

/* Milliseconds, ready to use; only total and heartbeat may be 0: off. */
struct decide_limits {
	uint32_t idle_ms; /* the client's clock */
	uint32_t connect_ms, first_byte_ms, first_event_ms, between_ms;
	uint32_t total_ms, heartbeat_ms;
};

/* The idle timeout stands in for each clock that is not set. */
struct decide_limits decide_limits(const struct stream_config *config, uint32_t idle_ms);

struct decide {
	uint64_t began_ms;	 /* the request's head arrived */
	uint64_t target_ms;	 /* since when the target is silent, or the stage began */
	uint64_t client_ms;	 /* when the client last moved: sent, or took bytes */
	uint64_t beat_ms;	 /* the last heartbeat, sent or skipped */
	uint32_t queued_bytes;	 /* toward the client, when last looked */
	uint32_t longest_gap_ms; /* between two pieces of the answer */
	uint8_t stage;		 /* enum decide_stage */
	bool client_full;	 /* the client holds the target up */
	bool target_full;	 /* the target holds the client's upload up */
	bool request_open;	 /* some of the request is still to come */
	bool may_retry;		 /* the next failure before any answer may be tried again */
	bool may_beat;		 /* the answer can carry heartbeats */
	bool may_greet;		 /* heartbeats may begin the answer before its head came */
	bool at_boundary;	 /* the glue sets it before a TICK: a comment may go in now */
};

/* A stream whose request head arrived at `now_ms`. */
void decide_init(struct decide *decide, uint64_t now_ms);

struct decision decide(struct decide *d, const struct decide_limits *limits,
		       enum decide_event event, uint64_t now_ms);

/* DECIDE_PIECE, for the hot path: only notes the time. */
static inline void decide_piece(struct decide *decide, uint64_t now_ms)
{
	uint64_t gap_ms = now_ms - decide->target_ms;

	if (decide->stage == DECIDE_STREAMING && gap_ms > decide->longest_gap_ms)
		decide->longest_gap_ms = gap_ms < UINT32_MAX ? (uint32_t)gap_ms : UINT32_MAX;
	decide->stage = DECIDE_STREAMING;
	decide->target_ms = now_ms;
}

/* How much waits for a client that is full: before a TICK, since fewer bytes mean it moves. */
void decide_queued(struct decide *decide, size_t queued_bytes, uint64_t now_ms);

/* An end from outside: drain deadline, deletion, shutdown, the operator. */
struct decision decide_stop(const struct decide *decide, enum end_reason reason);

/* When the next TICK is due; UINT64_MAX: never, by the clocks as they stand. */
uint64_t decide_due(const struct decide *decide, const struct decide_limits *limits);

bool decide_answered(const struct decide *decide); /* a response head was relayed */

#endif
