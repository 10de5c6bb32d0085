/*
 * stream_internal: one request as stream.c, relay.c and record.c see it.
 *
 * Who has the word:
 *
 *   stream.c   judges, routes, dispatches; ends. Every end goes through stream_end
 *   action.c   does what the rule says: chooses group and target, or answers
 *   relay.c    events of the two exchanges and of the timer; asks decide, tells stream.c
 *   record.c   what is kept for the access log, and the numbers
 *   function_stream.c   in relay.c's place where the target is a function
 *
 * An open idle stream is this struct with its facts behind it, two conns and a client: what is
 * needed only until the response head (struct pending) is given back by then.
 */
#ifndef LB_STREAM_INTERNAL_H
#define LB_STREAM_INTERNAL_H

#include "http/sse.h"
#include "http/ws.h"
#include "lb/access.h"
#include "lb/decide.h"
#include "lb/forward.h"
#include "lb/page.h"
#include "lb/session.h"
#include "lb/sticky.h"
#include "lb/stream.h"

enum {
	PENDING_MAX = 512 * 1024,  /* a head of 64 KiB, rewritten, with its field table, twice */
	RESPONSE_MAX = 256 * 1024, /* a head of 32 KiB likewise */
	USER_AGENT_MAX = 8 * 1024, /* reference/alb.md §7.1 */
	STREAM_PROGRESS_MS = 10 * 1000,
	STREAM_LINE = 64, /* a cache line: streams begin with one */
};

enum {
	STREAM_NO_BODY = 1 << 0,     /* the request ends with its head */
	STREAM_REUSED = 1 << 1,	     /* the target's connection carried others before */
	STREAM_CLOSE_BOTH = 1 << 2,  /* desync: neither connection lives on */
	STREAM_SSE = 1 << 3,	     /* a readable event stream: events are counted */
	STREAM_STREAMING = 1 << 4,   /* SSE, or of unknown length */
	STREAM_STARTED = 1 << 5,     /* its START record is out */
	STREAM_FIRST_PIECE = 1 << 6, /* of the answer's body */
	STREAM_APP_BOUND = 1 << 7,   /* sticky_app_bound */
	STREAM_APP_CROSS_SITE = 1 << 8,
	STREAM_CLIENT_PAUSED = 1 << 9, /* its request body waits for the target */
	STREAM_RETRIED = 1 << 10,
	STREAM_UPGRADE = 1 << 11, /* a WebSocket was asked for */
	STREAM_COUNTED = 1 << 12, /* in target->shared.in_flight */
	STREAM_HEAD_REQUEST = 1 << 13,
	STREAM_BULK = 1 << 14,	     /* a receive hint is set */
	STREAM_THIN_ACKS = 1 << 15,  /* conn_thin_acks is on */
	STREAM_WANTS_ACKS = 1 << 16, /* the target waits for ACKs: never again */
	STREAM_GRPC = 1 << 17,	     /* a gRPC request */
	STREAM_BODY_SENT = 1 << 18,  /* some of the request's body: it cannot be sent again */
	STREAM_TO_HTTP2 = 1 << 19,   /* the target's connection carries others too */
	STREAM_QUEUED = 1 << 20,     /* waits for a target (queue.h) */
	STREAM_EARLY = 1 << 21,	     /* the answer began before the target's head (early.c) */
	STREAM_BLOCKED = 1 << 22,    /* no connection: security groups are in the way */
};

/* What stood before the action and was looked at: for the log. */
enum {
	GATES_AUTHENTICATED = 1 << 0,
	GATES_TOKEN = 1 << 1,
	GATES_TOKEN_FIRST = 1 << 2,
	GATES_PERFORMED = 1 << 3, /* the action was begun */
};

struct gate;
struct function_exchange;
struct held;

/* Needed until the response head was relayed. */
struct pending {
	struct stream *stream;
	struct arena arena;
	const struct http_head *head; /* the client's; conn keeps it until exchange_forget_head */
	struct route_facts facts;     /* borrows from head: good in the callback that made it */
	struct http_head forwarded;   /* likewise */
	struct bytes trace_id;	      /* in the arena */
	uint64_t queued_ms;	      /* since when it waits for a target; 0: it never did */
	struct upstream_waiter waiter;
	struct gate *gate; /* NULL: the rule has none */
};

/* What few requests have; in memory of its own. */
struct rare {
	struct bytes redirect_url, transformed_host, transformed_uri; /* in `text` */
	enum transform_status transform;
	char text[];
};

/* Set-Cookie values that wait for the answer's head; malloc'ed. */
struct kept_cookies {
	unsigned count;
	struct bytes values[SESSION_COOKIES_MAX + 1]; /* in `text` */
	char text[];
};

/* A WebSocket that passes through (tunnel.c). */
struct tunnel {
	struct ws_meter toward_client, toward_target;
};

/* The lengths of the facts, which lie one after the other in stream->facts. */
struct facts {
	uint16_t method, host, uri, user_agent, trace_id;
};

struct stream {
	/* What a piece of the answer touches: two cache lines. */
	struct exchange *client;
	struct exchange *target; /* NULL before the connection and after the answer */
	struct worker *worker;
	struct decide decide;
	struct sse_meter meter;
	uint32_t flags;
	uint32_t heartbeats;
	uint32_t pace_since_ms; /* low half of the loop's clock */
	uint32_t pace_pieces;	/* since then */
	struct hold *hold;
	struct target *picked; /* NULL: none */

	/* Cold. */
	const struct plan_listener *listener;
	const struct plan_rule *rule;	/* NULL before one matched */
	const struct plan_group *group; /* NULL before one was chosen */
	struct client *from;
	struct pending *pending;	    /* NULL from the response head on */
	struct rare *rare;		    /* NULL mostly */
	struct kept_cookies *kept;	    /* for the answer, from a gate; NULL mostly */
	struct tunnel *tunnel;		    /* NULL but for WebSockets */
	struct function_exchange *function; /* NULL but for a target that is a function */
	struct held *held;		    /* NULL but where the body is looked into (held.h) */
	const char *error_reason;	    /* reference/alb.md §7.2; static; NULL: none */
	struct timer timer;
	struct list_node link; /* in worker->streams */
	uint64_t created_unix_us;
	uint64_t counted_bytes; /* in PROCESSED_BYTES already */
	uint64_t progress_ms;	/* the next PROGRESS record */
	/* Microseconds after created; UINT64_MAX: did not happen. */
	uint64_t sent_us, head_us, piece_us;
	uint16_t elb_status, target_status; /* 0: none */
	int32_t rule_priority;
	struct facts lengths;
	uint8_t finding_tier, finding_reason, version;
	uint8_t gates; /* GATES_… */
	char facts[];
};

_Static_assert(offsetof(struct stream, listener) <= 128, "the hot part is two cache lines");
_Static_assert(sizeof(struct stream) <= 320, "a stream grew beyond its budget");

/* ---- record.c ---- */

/* How many bytes of facts a stream for this request needs behind it. */
size_t record_measure(const struct route_facts *facts, const struct http_head *head,
		      struct bytes trace_id);
void record_keep(struct stream *s, const struct route_facts *facts, const struct http_head *head,
		 struct bytes trace_id);
err_t record_keep_rare(struct stream *s, struct bytes redirect_url,
		       const struct forwarded *forwarded);

struct bytes record_method(const struct stream *s);
struct bytes record_uri(const struct stream *s);

/* Adds to the load balancer's numbers, and to the group's when there is one. */
void stream_count(struct stream *s, enum metric_counter counter, uint64_t n);
void record_count_balancer(struct stream *s, enum metric_counter counter, uint64_t n);
void record_observe(struct stream *s, enum metric_histogram histogram, uint64_t us);
void record_gauge(struct stream *s, enum metric_gauge gauge, int64_t change);

/* The target's head came: its status, how long it took, whether the answer streams. */
void record_head(struct stream *s, uint16_t status);
void record_first_piece(struct stream *s);
void record_start(struct stream *s);
void record_progress(struct stream *s);
void record_end(struct stream *s, enum end_reason reason);

uint64_t record_now_us(const struct stream *s); /* since the request came */

/* ---- stream.c ---- */

struct decide_limits stream_limits(const struct stream *s);

/* Begins anew under the worker's newest plan: for a request that no target has seen. */
void stream_again(struct stream *s);

/* Does as told; on anything but GO_ON and BEAT `s` is gone or began anew. */
void stream_obey(struct stream *s, struct decision decision);

/* The client's exchange failed: the target learns in this turn. */
void stream_lost(struct stream *s, enum end_reason reason);

/* The target needs it no more: counts, pools and deregistration follow. */
void stream_release_target(struct stream *s);
void stream_forget_pending(struct stream *s);

/* Nobody takes its request's body yet: the client waits with it, but for what is to be held. */
void stream_hold_body(struct stream *s);

/* The head the target gets, in pending->forwarded; good in this callback only. */
err_t stream_make_head(struct stream *s, struct forwarded *ret_forwarded);
/* Gets a connection, warm unless `fresh` is wanted, and sends the request on it. */
void stream_dispatch(struct stream *s, bool fresh);

/* For gate.c: the rule's gates let it pass (action.c); an answer of a gate's own; the facts, read
 * again from a head whose bytes have moved; cookies that the answer is to set. */
void stream_perform(struct stream *s);
void stream_answer(struct stream *s, const struct page *page, enum end_reason reason);
err_t stream_read_facts(struct stream *s);
err_t stream_keep_cookies(struct stream *s, const struct bytes *values, unsigned count);

/* The bytes of the client's head have moved since it came (see conn.h), and with them all that
 * borrows from it: made again from what it is now. */
err_t stream_remake_head(struct stream *s);

/* ---- function_stream.c ---- */

/* The request begins to go to s->picked, a function. */
void function_begin(struct stream *s);
void function_body(struct stream *s, const struct http_body *body);
void function_drained(struct stream *s); /* the client has room again */
void function_end(struct stream *s); /* nobody wants its answer any more; harmless without one */

/* ---- early.c ---- */

/* Whether its answer may begin before the target says anything; s->group was chosen. */
void early_prepare(struct stream *s);
/* Sends 200 and the head of an event stream. */
err_t early_begin(struct stream *s);
/* The target's head came after that. False: it is none that goes with it. */
bool early_joins(struct stream *s, const struct http_head *head, bool is_event_stream);
/* The end of such a stream that failed: an event says so, in the place of a page. */
void early_say_error(struct stream *s, enum end_reason reason, uint16_t status);

/* ---- tunnel.c ---- */

/* The target switched protocols: both connections carry bytes from here on. ERR_NOMEM. */
err_t tunnel_begin(struct stream *s);
/* Close frames to both, where a frame may stand, when it is us who end it. */
void tunnel_say_goodbye(struct stream *s, enum end_reason reason);

/* ---- relay.c ---- */

extern const struct exchange_events relay_client_events, relay_target_events;

/* The connection to the target is there: sends the request on it. */
void relay_begin(struct stream *s);
/* An answer's head, whoever made it, goes to the client. ERR_INVALID: it cannot be sent;
 * ERR_CONFLICT: it is not what an early response began. */
err_t relay_answer_head(struct stream *s, const struct http_head *head);
/* Bytes of its body that no exchange brought; `s` may be gone after the last. */
void relay_answer_data(struct stream *s, struct bytes data, bool end);
/* Tells the decider something that never ends a stream. */
void relay_note(struct stream *s, enum decide_event event);
/* The request cannot be sent again from here on, so it is not kept. */
void relay_forget_request(struct stream *s);
void relay_on_timer(struct timer *timer);

#endif
