/*
 * conn: a connection that speaks HTTP, as exchanges of messages. Both sides use it.
 *
 *   conn      one TCP connection (later with TLS under it) and the codec on it
 *   exchange  one request and its response on a conn. HTTP/1 has one at a time, HTTP/2 many;
 *             nobody above this door sees the difference.
 *
 * Server side: the conn makes an exchange for each request and calls on_exchange.
 * Client side: the owner opens one with exchange_open.
 * From then on both sides look the same: what the peer sends arrives as on_head, on_body… (the
 * last piece says end), and the owner sends exchange_send_head, exchange_send_body….
 *
 * Bytes pass at once: a body piece is handed up in the turn it came, and sent in the turn it is
 * given. What the kernel does not take is kept, at most CONN_QUEUE_MAX; a sender is told
 * (CONN_FULL) and hears on_drained when the queue is empty again. A paused exchange
 * reads no body, and TCP holds the peer back. So memory per exchange is bounded both ways.
 *
 * Everything runs on the loop's thread. Callbacks never run inside the owner's own calls, except
 * as said. An exchange is over after exchange_close, or after on_failed returned.
 */
#ifndef CONN_CONN_H
#define CONN_CONN_H

#include "http/desync.h"
#include "http/message.h"
#include "net/loop.h"

struct conn;
struct exchange;

enum {
	CONN_QUEUE_MAX = 32 * 1024, /* bytes kept toward a peer that does not read */
};

enum conn_room { CONN_OK, CONN_FULL }; /* FULL: pause your source until on_drained */

struct exchange_events {
	/*
	 * A head from the peer: the response (client side; 1xx ones come first, also through here,
	 * but for 100 and 103 nothing else does). `head` is valid until exchange_forget_head or
	 * the end of the exchange.
	 */
	void (*on_head)(struct exchange *x, void *owner, const struct http_head *head);
	/* A piece of the peer's body; body->end is true exactly once, on the last one. */
	void (*on_body)(struct exchange *x, void *owner, const struct http_body *body);
	/* The queue toward the peer is empty again after CONN_FULL. */
	void (*on_drained)(struct exchange *x, void *owner);
	/*
	 * The exchange cannot go on: the peer left (ERR_CLOSED, ERR_RESET), broke the protocol
	 * (ERR_BAD_MESSAGE, ERR_FIELDS_TOO_LARGE…), or ended early (ERR_TRUNCATED). A server-side
	 * exchange hears its client leave at any time, also while paused or when nothing is being sent.
	 * The owner forgets `x`: it must not be used after this returns.
	 */
	void (*on_failed)(struct exchange *x, void *owner, err_t why);
};

/* ---- Server side ---- */

struct conn_server_events {
	/*
	 * A request. The owner calls exchange_accept in here, and may answer in here. `finding`
	 * is the desync classification of its head.
	 */
	void (*on_exchange)(void *owner, struct exchange *x, const struct http_head *head,
			    const struct desync_finding *finding);
	/*
	 * Not a request one could answer normally: ERR_BAD_MESSAGE, ERR_URI_TOO_LARGE,
	 * ERR_FIELDS_TOO_LARGE, ERR_BAD_VERSION, ERR_BAD_CODING, or ERR_EXPIRED (a begun request
	 * stalled for idle_ms: 408). `head` is what could be read, with unset parts empty. The owner
	 * calls exchange_accept and answers; the conn closes after that.
	 */
	void (*on_rejected)(void *owner, struct exchange *x, const struct http_head *head,
			    const struct desync_finding *finding, err_t why);
	/* The connection is gone; every exchange has ended before. Frees nothing of the owner's. */
	void (*on_closed)(void *owner, struct conn *conn);
};

struct conn_server_options {
	struct loop *loop;
	const struct conn_server_events *events;
	void *owner;
	uint32_t idle_ms;         /* between requests, and while one is being read */
	uint64_t keep_alive_ms;   /* age after which the next response says Connection: close */
};

/* Takes over an accepted socket. On failure the socket is closed. */
err_t conn_serve(struct socket *socket, const struct conn_server_options *options,
		 struct conn **ret_conn);

/* ---- Client side ---- */

struct conn_client_events {
	/* Once: ERR_OK, or why not (ERR_REFUSED, ERR_EXPIRED, …); after a failure call conn_destroy. */
	void (*on_connected)(void *owner, struct conn *conn, err_t err);
	/*
	 * The last exchange ended and the conn can carry another one (reusable), or the peer closed
	 * an idle one / it may not be reused (then the owner calls conn_destroy).
	 */
	void (*on_idle)(void *owner, struct conn *conn, bool reusable);
};

struct conn_client_options {
	struct loop *loop;
	struct address to;
	const struct conn_client_events *events;
	void *owner;
	uint32_t connect_ms; /* budget for TCP (and TLS) together */
};

err_t conn_connect(const struct conn_client_options *options, struct conn **ret_conn);
void conn_set_owner(struct conn *conn, const struct conn_client_events *events, void *owner);

/*
 * Starts an exchange on an idle client conn; the request is sent with exchange_send_head next.
 * ERR_AGAIN when the conn has no room for one (HTTP/1: one is running).
 */
err_t exchange_open(struct conn *conn, const struct exchange_events *events, void *owner,
		    struct exchange **ret_exchange);

/* ---- Either side ---- */

void conn_destroy(struct conn *conn); /* closes at once; exchanges fail with ERR_CANCELLED first */
/* Server: no further request; idle ones close now, running ones say Connection: close. */
void conn_drain(struct conn *conn);
void conn_set_idle_ms(struct conn *conn, uint32_t idle_ms); /* acts at once */

const struct address *conn_peer(const struct conn *conn);
const struct address *conn_local(const struct conn *conn);
struct loop *conn_loop(const struct conn *conn);
struct conn *exchange_conn(const struct exchange *x);
bool conn_was_used(const struct conn *conn); /* carried an exchange before this one */

/* Server side, inside on_exchange/on_rejected: who hears the rest of the request. */
void exchange_accept(struct exchange *x, const struct exchange_events *events, void *owner);

/* Lets the memory of the peer's head go, for a long answer. */
void exchange_forget_head(struct exchange *x);

/*
 * Sends a head. Server side: a response; the codec chooses a framing the client can read
 * (chunked becomes close-delimited for HTTP/1.0), adds Connection as needed, and for HEAD or
 * 204/304 sends no body. 1xx heads may precede. Client side: a request. Fields Connection,
 * Keep-Alive, Transfer-Encoding and Content-Length are the codec's: it ignores them here and
 * writes its own from head->framing and head->length. ERR_INVALID for a field with CR, LF or NUL.
 * An upgrade (head->flags & HTTP_FLAG_UPGRADE with status 101, or in a request) keeps Upgrade.
 */
err_t exchange_send_head(struct exchange *x, const struct http_head *head);

/*
 * Sends a piece of body. When framings agree the wire bytes pass untouched; else the payload is
 * framed anew. body->end finishes the message (with LENGTH: asserts the length was met, else
 * the exchange is reset so that it looks truncated).
 */
enum conn_room exchange_send_body(struct exchange *x, const struct http_body *body);

/* The same for bytes of one's own: error pages, heartbeats, API answers. */
enum conn_room exchange_send_data(struct exchange *x, struct bytes data, bool end);

/* Whether a payload of one's own may be put between two pieces: true but in the middle of a chunk
 * that passes through, and for LENGTH never. */
bool exchange_can_insert(const struct exchange *x);

void exchange_pause(struct exchange *x);  /* no more on_body until resume; hang-ups are still heard */
void exchange_resume(struct exchange *x);

size_t exchange_queued_bytes(const struct exchange *x); /* kept toward the peer */
uint64_t exchange_received_bytes(const struct exchange *x); /* of the peer's message, head included */
uint64_t exchange_sent_bytes(const struct exchange *x);     /* handed to the kernel or queued */

/*
 * The owner is through with `x` and hears no more of it.
 *  - both messages complete: the conn lives on if it may;
 *  - response complete, request body unread: server side drains or closes, so that the client
 *    can read the answer (RFC 9112 §9.6);
 *  - response begun, not ended: the connection is cut so that it looks cut (no last chunk).
 */
void exchange_close(struct exchange *x);
/* The same, but the conn ends too, once what is queued was sent. */
void exchange_close_conn(struct exchange *x);

/* After a 101 on both sides: from here on bytes pass untouched through exchange_send_data and
 * on_body (framing CLOSE), until either side ends. */
void exchange_tunnel(struct exchange *x);

#endif
