/*
 * conn: a connection that speaks HTTP, as exchanges of messages. Both sides use it.
 *
 *   conn      one TCP connection, with TLS under it or not, and the codec on it
 *   exchange  one request and its response on a conn. HTTP/1 has one at a time, HTTP/2 many;
 *             nobody above this door sees the difference.
 *
 * Server side: the conn makes an exchange for each request and calls on_exchange.
 * Client side: the owner opens one with exchange_open.
 * From then on both sides look the same: what the peer sends arrives as on_head, on_body… (the
 * last piece says end), and the owner sends exchange_send_head, exchange_send_body….
 *
 * Bytes pass at once: a body piece is handed up in the turn it came, and sent in the turn it is
 * given. What the kernel does not take is kept; the sender is told CONN_FULL as soon as anything
 * is, pauses its source, and hears on_drained when nothing is kept any more. A paused exchange
 * hands up no body: what was received before the pause is kept (one receive at most), then TCP
 * holds the peer back. So memory per exchange is bounded both ways: one receive at the source,
 * one at the sink, 32 KiB together unless exchange_receive_hint asked for larger ones.
 *
 * A head handed up stays valid until exchange_forget_head or the end of the exchange, but its
 * bytes move once, when the callback that brought it returns: they lay in the loop's scratch
 * memory. So keep the `head` pointer, not slices of it, or copy them.
 *
 * A head waits for the first piece of its body until the end of the turn at the latest, so that
 * both leave in one send. An exchange has no copy of what it sent or received.
 *
 * Everything runs on the loop's thread. Callbacks never run inside the owner's own calls, except
 * as said. An exchange is over after exchange_close, or after on_failed returned; every one must
 * be brought there, also when both messages are complete. exchange_close, conn_destroy and all
 * else may be called inside any callback.
 */
#ifndef CONN_CONN_H
#define CONN_CONN_H

#include "crypto/tls.h"
#include "http/desync.h"
#include "http/message.h"
#include "net/loop.h"

struct conn;
struct exchange;

enum {
	/*
	 * Bytes kept toward a peer that does not read, when a sender goes on after CONN_FULL: the
	 * piece that would pass it ends the exchange (on_failed, ERR_LIMIT). One piece given while
	 * nothing was kept may be larger: an API answer is taken whole.
	 */
	CONN_QUEUE_MAX = 32 * 1024,
};

enum conn_room { CONN_OK, CONN_FULL }; /* FULL: pause your source until on_drained */

struct exchange_events {
	/*
	 * Client side only: a head from the peer. 100 and 103 may come first, any number of times,
	 * valid during the call alone and with no body; other 1xx are swallowed, but for the 101
	 * that answers an upgrade: exchange_tunnel or exchange_close follows. Then the response's:
	 * valid as said above.
	 */
	void (*on_head)(struct exchange *x, void *owner, const struct http_head *head);
	/*
	 * A piece of the peer's body; body->end is true exactly once, on the last one. So each
	 * complete message ends with such a piece, an empty one where there is no body (framing
	 * NONE, or HEAD). A rejected request has no body pieces.
	 */
	void (*on_body)(struct exchange *x, void *owner, const struct http_body *body);
	/* The queue toward the peer is empty again after CONN_FULL. */
	void (*on_drained)(struct exchange *x, void *owner);
	/*
	 * The exchange cannot go on: the peer left (ERR_CLOSED, ERR_RESET), broke the protocol
	 * (ERR_BAD_MESSAGE, ERR_FIELDS_TOO_LARGE…), or its response ended early (ERR_TRUNCATED).
	 * A server-side exchange hears its client leave at any time until its response was sent,
	 * also while paused or when nothing is being sent; a client that closes its sending side
	 * only has left too, as with ALB. On the client side ERR_CLOSED and ERR_RESET mean that no
	 * response head had come: with conn_was_used a fresh connection may do better. The owner
	 * forgets `x`: it must not be used after this returns. The conn ends by itself. One case
	 * may be answered in here, with exchange_close at the end: a request that broke the
	 * protocol in its body (ERR_BAD_MESSAGE, ERR_FIELDS_TOO_LARGE) before any head was sent.
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
	 * stalled for idle_ms: 408). `head` is what could be read, with unset parts empty. The
	 * owner calls exchange_accept and answers; the conn closes after that.
	 */
	void (*on_rejected)(void *owner, struct exchange *x, const struct http_head *head,
			    const struct desync_finding *finding, err_t why);
	/*
	 * With TLS only; both may be NULL without it. on_hello: whose context serves a client that
	 * asked for this host ("": none); NULL turns it away. on_secured: once, before any
	 * exchange: the handshake is done (conn_tls tells what was agreed on), or why not:
	 * ERR_TLS_HANDSHAKE, ERR_CLOSED, ERR_RESET, ERR_EXPIRED; on_closed follows then.
	 */
	struct tls_context *(*on_hello)(void *owner, struct conn *conn, struct bytes host);
	void (*on_secured)(void *owner, struct conn *conn, err_t err);
	/*
	 * The connection is gone, every exchange has ended before, and `conn` is freed after this
	 * returns. Comes once, but not after conn_destroy. Frees nothing of the owner's.
	 */
	void (*on_closed)(void *owner, struct conn *conn);
};

struct conn_server_options {
	struct loop *loop;
	const struct conn_server_events *events;
	void *owner;
	uint32_t idle_ms;	/* between requests, and while a head is being read; 0: no limit */
	bool http2;		/* prior knowledge: the client begins with HTTP/2 */
	uint64_t keep_alive_ms; /* age after which the next response says Connection: close; 0: none
				 */
	struct tls_context *tls; /* of the server's kind; NULL: plain */
	uint32_t handshake_ms;	 /* budget for TLS; 0: no limit */
};

/* Takes over an accepted socket. On failure the socket is closed. */
err_t conn_serve(struct socket *socket, const struct conn_server_options *options,
		 struct conn **ret_conn);

/* ---- Client side ---- */

struct conn_client_events {
	/* Once: ERR_OK, or why not (ERR_REFUSED, ERR_EXPIRED, ERR_TLS_HANDSHAKE, …); after a
	 * failure call conn_destroy. */
	void (*on_connected)(void *owner, struct conn *conn, err_t err);
	/*
	 * Once after each exchange that ended, by whatever way: the conn can carry another one
	 * (reusable), or it cannot. And once when an idle one is no longer usable: its peer closed
	 * it or spoke unasked, or its idle_ms ran out. After `false` the owner calls conn_destroy.
	 */
	void (*on_idle)(void *owner, struct conn *conn, bool reusable);
};

struct conn_client_options {
	struct loop *loop;
	struct address to;
	const struct conn_client_events *events;
	void *owner;
	uint32_t connect_ms;	   /* budget for TCP and TLS together; 0: the kernel's */
	bool http2;		   /* prior knowledge: it speaks HTTP/2 from its first byte */
	struct tls_context *tls;   /* NULL: plain. Outlives the conn */
	struct tls_memory *memory; /* what is kept of that server; NULL: nothing. Likewise */
};

err_t conn_connect(const struct conn_client_options *options, struct conn **ret_conn);
void conn_set_owner(struct conn *conn, const struct conn_client_events *events, void *owner);

/*
 * Starts an exchange on an idle client conn; the request is sent with exchange_send_head next.
 * ERR_AGAIN when the conn has no room for one (HTTP/1: one is running, or its end was not yet
 * told by on_idle); ERR_CLOSED when the peer has left (on_idle says so too, if it has not yet).
 */
err_t exchange_open(struct conn *conn, const struct exchange_events *events, void *owner,
		    struct exchange **ret_exchange);

/* ---- Either side ---- */

/* Closes at once; exchanges fail with ERR_CANCELLED first, inside this call. NULL is welcome. */
void conn_destroy(struct conn *conn);
/* Server: no further request; idle ones close now, running ones say Connection: close. */
void conn_drain(struct conn *conn);
/* Acts at once. Client side: how long it may lie idle between exchanges; no limit at first. */
void conn_set_idle_ms(struct conn *conn, uint32_t idle_ms);
/* Thin ACKs toward this peer (socket_thin_acks), until the running exchange ends. */
void conn_thin_acks(struct conn *conn, bool on);

const struct address *conn_peer(const struct conn *conn);
const struct address *conn_local(const struct conn *conn);
struct loop *conn_loop(const struct conn *conn);
struct conn *exchange_conn(const struct exchange *x);
const struct tls *conn_tls(const struct conn *conn); /* NULL: plain */
bool conn_can_open(const struct conn *conn);	     /* client: room for another exchange now */
bool conn_is_busy(const struct conn *conn);	     /* an exchange has an owner */
bool conn_was_used(const struct conn *conn);	     /* carried an exchange before this one */

/* Server side, inside on_exchange/on_rejected: who hears the rest of the request. */
void exchange_accept(struct exchange *x, const struct exchange_events *events, void *owner);

/* Lets the memory of the peer's head go, for a long answer. */
void exchange_forget_head(struct exchange *x);

/*
 * Sends a head. Server side: a response; the codec chooses a framing the client can read
 * (CLOSE becomes chunked for HTTP/1.1, chunked becomes close-delimited for HTTP/1.0, NONE says
 * Content-Length: 0 where a body could be), adds Connection, and for HEAD or 204/304 sends no
 * body. 103 may precede (100 is the conn's own doing: Expect was answered with it already).
 * Client side: a request; NONE says Content-Length: 0 for POST, PUT and PATCH.
 *
 * Fields Connection, Keep-Alive, Proxy-Connection, TE, Upgrade, Transfer-Encoding and
 * Content-Length are the codec's: it ignores them here and writes its own, from head->framing and
 * head->length, where the first of Transfer-Encoding and Content-Length stood, else at the
 * end. What Connection lists besides is the owner's to leave out. An upgrade
 * (head->flags & HTTP_FLAG_UPGRADE with status 101, or in a request) keeps Upgrade.
 *
 * A message without a body (NONE, LENGTH 0, HEAD, 204, 304) is complete with its head; an empty
 * last piece is welcome and does nothing.
 *
 * ERR_INVALID for a method, target, name or value that would not be one on the wire (CR, LF, NUL,
 * blanks in a name), and for a request framed by CLOSE; ERR_FIELDS_TOO_LARGE; ERR_NOMEM.
 * After an error nothing was sent, and another head may be.
 */
err_t exchange_send_head(struct exchange *x, const struct http_head *head);

/*
 * Sends a piece of body. When framings agree the wire bytes pass untouched; else the payload is
 * framed anew. body->end finishes the message; one of LENGTH is also finished by its last byte.
 * Too many or too few bytes for LENGTH, or an end in the middle of a chunk: the exchange fails
 * (on_failed, ERR_INVALID, later) and the connection is reset, so that it looks truncated.
 * Pieces of a HEAD request's answer are swallowed, and those to a target that no longer listens
 * (its answer may be on the way). To a client that has left there is no room: on_failed follows.
 */
enum conn_room exchange_send_body(struct exchange *x, const struct http_body *body);

/* The same for bytes of one's own: error pages, heartbeats, API answers. */
enum conn_room exchange_send_data(struct exchange *x, struct bytes data, bool end);

/* Whether a payload of one's own may be put between two pieces: true but in the middle of a chunk
 * that passes through, and for LENGTH never. */
bool exchange_can_insert(const struct exchange *x);

void exchange_pause(
	struct exchange *x); /* no more on_body until resume; hang-ups are still heard */
void exchange_resume(struct exchange *x);

/*
 * For bulk: bytes that would pass toward the peer now without being kept (one system call), and
 * how much one receive from this peer may take from here on (0: the default, 16 KiB). A relay
 * that receives full pieces asks its sink for room and its source to receive as much; then it
 * keeps nothing of them. Server side, a receive never asks for more than the body's known rest,
 * or 32 KiB. The hint ends with the exchange; under TLS it does nothing.
 */
size_t exchange_send_room(struct exchange *x);
void exchange_receive_hint(struct exchange *x, uint32_t bytes);

size_t exchange_queued_bytes(const struct exchange *x); /* kept toward the peer */
uint64_t exchange_received_bytes(
	const struct exchange *x);			/* of the peer's message, head included */
uint64_t exchange_sent_bytes(const struct exchange *x); /* handed to the kernel or queued */

/*
 * The owner is through with `x` and hears no more of it.
 *  - both messages complete: the conn lives on if it may, once what is queued was sent;
 *  - response complete, request body unread: server side drains a little or closes by halves, so
 *    that the client can read the answer (RFC 9112 §9.6);
 *  - response begun, not ended: the connection is cut so that it looks cut (no last chunk, or
 *    RST where the end of the connection is the end of the body);
 *  - client side, anything incomplete: the connection is reset, so that the target learns.
 */
void exchange_close(struct exchange *x);
/*
 * The same, but the conn ends too, once what is queued was sent. Server side with HTTP/2 the stream
 * alone ends, at once if its client does not take the rest: others share the conn (conn_drain).
 */
void exchange_close_conn(struct exchange *x);

/*
 * After a 101 on both sides (sent with exchange_send_head, or heard in on_head): from here on bytes
 * pass untouched through exchange_send_data and on_body (framing CLOSE). The peer's FIN is an empty
 * piece with `end`; an `end` sent is a FIN; RST is on_failed. exchange_close sends what is queued,
 * then closes.
 */
void exchange_tunnel(struct exchange *x);

#endif
