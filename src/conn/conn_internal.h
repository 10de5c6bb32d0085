/*
 * conn_internal: one connection, as the files of this room see it.
 *
 *   conn.c     the socket, timers, and who is told what, when
 *   conn_send.c  what goes toward the peer, and what of it waits
 *   conn_tls.c what lies between, when there is TLS: wire bytes below, plain ones above
 *   codec      what the bytes mean: exchanges. h1_conn.c and h1_send.c are the one for HTTP/1,
 *              h2_conn.c and h2_send.c the one for HTTP/2, over http/h2.h
 *
 * The codec sees plain bytes on both sides: conn_write takes them, conn_take brings them. Under TLS
 * the queue holds wire bytes, sealed when they came, and `kept` plain ones. The codec is chosen
 * when the connection is up.
 *
 *   CONNECTING ─► OPEN ─► FLUSHING ─► LINGERING ─► CLOSED ─► TOLD
 *   (client)       │          └──────────────────────▲
 *   SHAKING ───────┴─────────────────────────────────┘
 *   (server with TLS)
 *
 * Whatever an owner or the socket does ends in conn_settle, which runs at the end of our own
 * callback, or, when the owner called us from elsewhere, at the end of the loop's turn. Only there
 * are owners told of ends, so nothing calls back into the middle of an owner's call.
 */
#ifndef CONN_CONN_INTERNAL_H
#define CONN_CONN_INTERNAL_H

#include "base/backlog.h"
#include "conn/conn.h"
#include "http/h1.h"

enum conn_state {
	CONN_CONNECTING,
	CONN_SHAKING, /* server: TLS is being agreed on */
	CONN_OPEN,
	CONN_FLUSHING,	/* no exchange any more; closes when the queue is empty */
	CONN_LINGERING, /* FIN was sent after an answer; what still comes is thrown away */
	CONN_CLOSED,	/* no socket; the owner is to be told */
	CONN_TOLD,
};

enum {
	/* How long a client may take to read the end of an answer and close (RFC 9112 §9.6). */
	CONN_LINGER_MS = 3000,
	/* How much of an unread request is read and thrown away to keep its connection. */
	CONN_DRAIN_MAX = 64 * 1024,
	/* A receive in the middle of a chunked request, whose end may be followed by another. */
	CONN_REQUEST_RECEIVE_MAX = 32 * 1024,
	CONN_RECEIVE_DEFAULT = 16 * 1024, /* socket_receive_size */
	/* Slices of one conn_write: a chunk's head and tail, its payload, the last chunk. */
	CONN_WRITE_MAX = HTTP_SLICES_MAX + 3,
};

struct exchange {
	struct conn *conn;
	const struct exchange_events *events; /* NULL: nobody listens (not yet, or no more) */
	void *owner;
	uint64_t received_bytes, sent_bytes;
};

/*
 * HTTP/1's part: one exchange at a time, embedded. `open` while one is on the wire; it is
 * `live` while it has an owner. Open but not live: what the owner left is being wound up.
 */
struct h1_conn {
	struct h1_parser parser;
	struct exchange x;
	/* LENGTH: still to be sent. Winding up an unread request: what may still be thrown away. */
	uint64_t left_bytes;
	uint8_t send_framing; /* enum http_framing, once send_begun */
	bool open : 1, live : 1;
	/* The peer's message. */
	bool received_head : 1, received_end : 1; /* told to the owner, or would have been */
	bool parser_done : 1;			  /* the parser stands between two messages */
	bool paused : 1;
	/* Ours. */
	bool send_begun : 1, send_end : 1;
	bool bodyless : 1;    /* ended with its head, whatever is said about a body */
	bool at_boundary : 1; /* CHUNKED: the last byte sent ended a chunk */
	bool told_full : 1;
	bool fin_sent : 1; /* tunnel */
	/* The exchange. */
	bool http10 : 1, http09 : 1; /* that, or less */
	bool head_request : 1;
	bool keep : 1;	     /* the peer's head allows another exchange */
	bool must_close : 1; /* something else does not */
	bool peer_gone : 1;  /* the peer closed when it was no longer needed */
	bool upgrade : 1;    /* asked for (server: by the client; client: by us) */
	bool switching : 1;  /* 101 heard, tunnel not yet opened */
	bool owes : 1;	     /* the parser has something to say even without bytes */
	bool tunnel : 1;
	bool used : 1, begun : 1; /* conn_was_used: before this exchange; ever */
};

struct h2_conn; /* h2_internal.h: many exchanges, in memory of its own */

struct conn_codec {
	bool many; /* exchanges at a time; then it marks the conn's idle clock itself, too */
	/* Takes bytes off *in as far as it may now; the rest is kept, and offered again at each
	 * settling. May be called with none. */
	void (*receive)(struct conn *conn, struct bytes *in);
	bool (*paused)(const struct conn *conn);  /* by its owner: the socket is not to receive */
	bool (*watches)(const struct conn *conn); /* a FIN matters although bytes wait unread */
	void (*ended)(struct conn *conn, err_t why); /* the receiving side is over */
	/* Ends what can be ended. True when there may be more to do with bytes that were kept. */
	bool (*advance)(struct conn *conn);
	bool (*idle)(const struct conn *conn); /* no exchange has an owner: idle_ms counts */
	void (*expired)(struct conn *conn);    /* idle for idle_ms */
	void (*drained)(struct conn *conn);    /* the queue is empty again */
	/* Every exchange with an owner fails; the caller closes the connection. */
	void (*fail)(struct conn *conn, err_t why);
	bool (*mid_message)(const struct conn *conn); /* a FIN now could look like an end */
	void (*fini)(struct conn *conn);

	bool (*can_open)(const struct conn *conn);
	err_t (*open)(struct conn *conn, struct exchange **ret_exchange);
	bool (*was_used)(const struct conn *conn);
	err_t (*send_head)(struct exchange *x, const struct http_head *head);
	enum conn_room (*send_body)(struct exchange *x, const struct http_body *body);
	enum conn_room (*send_data)(struct exchange *x, struct bytes data, bool end);
	bool (*can_insert)(const struct exchange *x);
	size_t (*send_room)(const struct exchange *x, size_t room); /* clips the socket's */
	size_t (*queued_bytes)(const struct exchange *x);
	void (*forget_head)(struct exchange *x);
	void (*pause)(struct exchange *x, bool paused);
	uint32_t (*receive_most)(const struct exchange *x, uint32_t bytes); /* clips a hint */
	void (*tunnel)(struct exchange *x);
	void (*close)(struct exchange *x, bool conn_too);
};

extern const struct conn_codec h1_codec, h2_codec;

/* What a connection with TLS has besides. */
struct conn_tls_part {
	struct tls *tls;
	uint32_t idle_ms; /* SHAKING: what becomes limit_ms */
};

struct conn {
	/* What a piece of body touches. */
	struct socket *socket; /* NULL from CLOSED on */
	struct loop *loop;
	const struct conn_codec *codec;
	struct backlog *queue; /* toward the peer, as on the wire */
	struct backlog *kept;  /* from the peer, not yet taken by the codec */
	uint32_t last_ms;  /* low half of the loop's clock: the last byte, or the state's start */
	uint32_t limit_ms; /* idle_ms; while CONNECTING or SHAKING its budget; 0: none */
	uint8_t state;	   /* enum conn_state */
	uint8_t holds;	   /* our own frames below; freed at 0 */
	uint8_t send_err;  /* err_t: sending failed, the exchange has to */
	bool server : 1, destroyed : 1, job_queued : 1;
	bool blocked : 1;		  /* the kernel is full: on_writable will come */
	bool draining : 1;		  /* conn_drain */
	bool linger : 1;		  /* FLUSHING: by halves */
	bool http2 : 1;			  /* it begins with HTTP/2, told by its owner */
	bool ended : 1;			  /* the peer's FIN came while bytes were kept */
	bool idle_due : 1;		  /* on_idle(reusable) is to be told */
	bool receiving : 1, watching : 1; /* what the socket was told */
	bool secure : 1;		  /* there is tls[0] */
	union {
		struct h1_conn h1;
		struct h2_conn *h2;
	};

	/* Cold. */
	union {
		const struct conn_server_events *server;
		const struct conn_client_events *client;
	} events;
	void *owner;
	struct timer timer;  /* lazy: due is asked for anew when it rings */
	struct loop_job job; /* settles at the end of the turn */
	struct address peer, local;
	uint64_t keep_alive_until_ms; /* server; 0: no limit */
	struct conn_tls_part tls[];   /* one if secure; plain connections have no room for it */
};

/* An open idle stream is two of these and two sockets; bench/ holds us to it. */
_Static_assert(sizeof(struct conn) <= 256, "a connection grew beyond its budget");
_Static_assert(offsetof(struct conn, events) <= 144, "its hot part, too");

/*
 * Sends plain bytes, keeping what the kernel does not take. With no slices: what was held for this
 * turn.
 */
void conn_write(struct conn *conn, const struct bytes *slices, unsigned count);
/* Keeps bytes for the next conn_write of this turn, at its end at the latest. ERR_NOMEM. */
err_t conn_hold(struct conn *conn, struct bytes b);

/* The same below TLS: bytes as they are, however many wait already. */
void conn_write_wire(struct conn *conn, const struct bytes *slices, unsigned count);
/* Plain bytes from the peer; what the codec does not take is kept. */
void conn_take(struct conn *conn, struct bytes data);
/* The peer's orderly end, behind what it sent. */
void conn_take_end(struct conn *conn);
/* Client side: there is a connection, or why not. */
void conn_connect_ended(struct conn *conn, err_t err);
/* FIN after what was sent. */
void conn_shutdown_write(struct conn *conn);

/* From here on it speaks HTTP/2; nothing was sent or taken yet. ERR_NOMEM. */
err_t h2_conn_begin(struct conn *conn);

/* ---- conn_tls.c; only when conn->secure ---- */

err_t conn_tls_init(struct conn *conn, struct tls_context *context);
void conn_tls_begin(struct conn *conn);		    /* client: the handshake: TCP stands */
void conn_tls_shaken(struct conn *conn, err_t err); /* server: the handshake is over */
bool conn_tls_agreed_h2(const struct conn *conn);   /* by ALPN */
void conn_tls_received(struct conn *conn, struct bytes wire);
void conn_tls_write(struct conn *conn, const struct bytes *slices, unsigned count);
err_t conn_tls_hold(struct conn *conn, struct bytes b);
void conn_tls_goodbye(struct conn *conn); /* close_notify, as far as the kernel takes it */

/* Sees to it that conn_settle runs, this turn. */
void conn_touch(struct conn *conn);

/* Client side: the exchange has ended, another one may follow. */
void conn_tell_idle(struct conn *conn);

enum conn_cut { CONN_FIN, CONN_RST };
void conn_close(struct conn *conn, enum conn_cut cut); /* at once, dropping what is queued */
void conn_flush_and_close(struct conn *conn, bool linger);

/* Fails the exchanges and resets the connection at the next settling. */
void conn_spoil(struct conn *conn, err_t why);

static inline bool conn_is_open(const struct conn *conn)
{
	return conn->state == CONN_OPEN && !conn->destroyed;
}

/* The conn's clock for idleness starts anew. */
static inline void conn_mark(struct conn *conn)
{
	conn->last_ms = (uint32_t)loop_now_ms(conn->loop);
}

#endif
