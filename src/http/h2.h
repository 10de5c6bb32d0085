/*
 * h2: HTTP/2 (RFC 9113) on bytes, either side: one connection's state and its streams.
 *
 * nghttp2 knows frames, HPACK, stream states and windows. This door makes messages of them, ties
 * the windows to whoever reads, and counts what a hostile peer may do. No socket, no clock: the
 * caller brings bytes and the time.
 *
 *   h2_feed(bytes) ─► on_head, on_body…          h2_send_head, h2_send_data ─► emit(bytes)
 *   h2_tell        ─► what else is to be told: on_body of a resumed stream, on_drained, on_failed
 *   h2_pump        ─► emit(bytes) of all that may go out now
 *
 * After any call that may have changed something: h2_tell, then h2_pump, outside of any event.
 * Events run inside h2_feed and h2_tell only, emit inside h2_pump and h2_send_data only.
 * h2_destroy and all else but h2_feed may be called inside events.
 *
 * Windows. Of what came for a stream that is paused at most one window is kept; the peer gets new
 * window when the owner took the bytes and was not paused by them. The connection's window is given
 * back at once, so that a stream whose owner does not read holds up no other. What cannot go out
 * (window, or blocked() below) waits in the stream; who sends on after that bounds it.
 */
#ifndef HTTP_H2_H
#define HTTP_H2_H

#include "base/backlog.h"
#include "base/list.h"
#include "http/message.h"

struct h2;
struct h2_head; /* of the peer: fields and their memory */

enum {
	H2_STREAMS_MAX = 128, /* reference/alb.md §5.1 */
	H2_STREAM_WINDOW = 65535,
	H2_CONN_WINDOW = 1024 * 1024,
	H2_REQUEST_HEAD_MAX = 64 * 1024,
	H2_RESPONSE_HEAD_MAX = 32 * 1024,
	H2_FIELD_MAX = 16 * 1024, /* name and value of one field */
	H2_PATH_MAX = 16 * 1024,
	H2_BUSY_QUEUE_MAX = 16 * 1024, /* what an event may send before it is told to wait */
};

/* Base of the owner's own stream, which h2 allocates (options.stream_bytes) and frees. */
struct h2_stream {
	struct h2 *h2;
	struct list_node link;		 /* in h2->streams */
	struct list_node due_link;	 /* in h2->due */
	struct backlog *queue;		 /* toward the peer */
	struct backlog *kept;		 /* from the peer, while paused */
	struct h2_head *head, *trailers; /* from the peer */
	struct h2_head *own_trailers;	 /* to be sent behind the queue */
	uint64_t received_bytes;
	int32_t id;	       /* 0: the request was not sent yet */
	uint32_t credit_bytes; /* handed up, window not yet given back */
	uint8_t why;	       /* err_t: what ended it early */
	bool told : 1;	       /* it has an owner: on_head ran, or h2_open */
	bool left : 1;	       /* and has it no more */
	bool paused : 1;
	bool received_head : 1; /* not of an interim response */
	bool peer_ended : 1;	/* END_STREAM came */
	bool end_told : 1;	/* and was told */
	bool head_request : 1;
	bool has_length : 1; /* the peer's message says how long it is */
	bool head_sent : 1, end_wanted : 1, end_sent : 1;
	bool full : 1; /* the owner awaits on_drained */
	bool peer_reset : 1, closed : 1;
};

struct h2_events {
	/* Bytes for the peer, in order. `soon`: the sooner the better, a token may be in them. */
	void (*emit)(void *owner, const struct bytes *slices, unsigned count, bool soon);
	bool (*blocked)(void *owner); /* what is emitted now would have to be kept below */
	/*
	 * Server: a request; `rejected` is ERR_OK, or what is wrong with it (ERR_URI_TOO_LARGE,
	 * ERR_FIELDS_TOO_LARGE): it can be answered, and has no body. Client: a response, also 1xx.
	 * The head lives until h2_forget_head or the stream's end; one of a 1xx during the call.
	 */
	void (*on_head)(void *owner, struct h2_stream *s, const struct http_head *head,
			err_t rejected);
	/* As exchange_events.on_body says. */
	void (*on_body)(void *owner, struct h2_stream *s, const struct http_body *body);
	void (*on_drained)(void *owner, struct h2_stream *s);
	/*
	 * It ended early: ERR_RESET (the peer said so; a client: before any response),
	 * ERR_TRUNCATED (client: after a response's head), ERR_REFUSED (client: surely not
	 * processed), ERR_BAD_MESSAGE, ERR_LIMIT, ERR_NOMEM. Gone when this returns.
	 */
	void (*on_failed)(void *owner, struct h2_stream *s, err_t why);
};

struct h2_options {
	bool server;
	bool secure;	     /* what :scheme says; client */
	size_t stream_bytes; /* >= sizeof(struct h2_stream), which it begins with; zeroed */
	const struct h2_events *events;
	void *owner;
};

/* Its preface waits for the first h2_pump. ERR_NOMEM. */
err_t h2_create(const struct h2_options *options, struct h2 **ret_h2);
void h2_destroy(struct h2 *h2); /* tells nobody; NULL is welcome */

/*
 * Takes all of it. ERR_BAD_MESSAGE (out of step for good, nothing can be said about it), ERR_NOMEM;
 * what can be said was: GOAWAY goes out with h2_pump, and h2_over is true after that.
 */
err_t h2_feed(struct h2 *h2, struct bytes in, uint64_t now_ms);
void h2_tell(struct h2 *h2);
bool h2_has_news(const struct h2 *h2); /* for h2_tell */
err_t h2_pump(struct h2 *h2); /* ERR_NOMEM; ERR_BAD_MESSAGE: too many answers that nobody reads */
void h2_unblocked(struct h2 *h2);    /* blocked() is false again */
bool h2_over(const struct h2 *h2);   /* neither side has anything to say any more */
bool h2_broken(const struct h2 *h2); /* over since the peer broke the protocol or a limit */

unsigned h2_live(const struct h2 *h2);	   /* streams with an owner */
bool h2_is_empty(const struct h2 *h2);	   /* no stream at all: what was left has gone out */
uint64_t h2_activity(const struct h2 *h2); /* changes with each HEADERS and DATA frame */
size_t h2_backlog(const struct h2 *h2);	   /* frames that wait to go out */

/*
 * The end of a connection: a notice that no request will be taken soon, which becomes a promise
 * when the peer has seen it (RFC 9113 §6.8), or the promise at once.
 */
void h2_shut_down(struct h2 *h2);
void h2_goodbye(struct h2 *h2);

/* ---- Streams ---- */

/* Client: room for another one now. */
bool h2_can_open(const struct h2 *h2);
/* Client: ERR_AGAIN without room, ERR_NOMEM. */
err_t h2_open(struct h2 *h2, struct h2_stream **ret_stream);

/*
 * The head as HTTP/2 has it: names in lower case, what speaks about a connection left out, :status,
 * or :method, :path, :scheme and :authority (from Host) in front. `end`: no body follows.
 * ERR_INVALID for what would be no field, ERR_NOMEM.
 */
err_t h2_send_head(struct h2_stream *s, const struct http_head *head, bool end);

/*
 * Sends what may go now and keeps the rest: true: wait for on_drained, also after `end`, with which
 * trailers may follow.
 */
bool h2_send_data(struct h2_stream *s, const struct bytes *slices, unsigned count, bool end,
		  const struct http_field *trailers, unsigned trailer_count);

size_t h2_send_window(const struct h2_stream *s); /* bytes the peer would take now */
void h2_pause(struct h2_stream *s, bool paused);
void h2_forget_head(struct h2_stream *s);

/*
 * The owner is through with it. A server's response that is complete but for what waits goes out,
 * unless `cut`, and the rest of its request is refused then; anything else incomplete is reset now.
 */
void h2_leave(struct h2_stream *s, bool cut);
/* Resets it; on_failed(why) comes with h2_tell. */
void h2_fail(struct h2_stream *s, err_t why);
/*
 * on_failed for all, now: the connection is gone. A client's streams whose response had begun hear
 * ERR_TRUNCATED; with `spare_complete` those whose response is complete, but not yet read, go on.
 */
void h2_fail_all(struct h2 *h2, err_t why, bool spare_complete);

#endif
