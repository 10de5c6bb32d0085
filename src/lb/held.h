/*
 * held: bodies of requests that are kept in memory before anybody takes them: those of functions,
 * which get them whole, and the beginnings of those that wait for a target, for what they say
 * (body_peek.h). What a worker keeps of them together is bounded.
 *
 *   held_begin ─► held_take … ─► held_send: from there on held_pass
 *
 * All calls come from the stream's worker.
 */
#ifndef LB_HELD_H
#define LB_HELD_H

#include "lb/stream_internal.h"

enum { HELD_BYTES = 64 * 1024 }; /* of one body; then its client waits */

/* Room in the worker's share for bytes to keep; what was taken is given back. */
bool held_room_take(struct worker *worker, size_t bytes);
void held_room_give(struct worker *worker, size_t bytes);

/*
 * Makes s->held for a request whose body may ask for a stream; nothing where there is no room or no
 * memory for it. `greets`: its answer may begin early then.
 */
void held_begin(struct stream *s, bool greets);
void held_end(struct stream *s); /* harmless without one */

/* Whether it is known that the body asks for a stream. */
bool held_streams(const struct stream *s);
/* Whether more of the body is to be read while nobody takes it. */
bool held_wants(const struct stream *s);

/* A piece came: looks at it. */
void held_look(struct stream *s, const struct http_body *body);
/* Keeps a piece, which was looked at. ERR_NOMEM. */
err_t held_take(struct stream *s, const struct http_body *body);

/* What is kept, and whether it is the whole body; false: nothing was kept. */
bool held_kept(const struct stream *s, struct bytes *ret_kept, bool *ret_whole);
/* It was sent; the pieces after it are to be framed anew. */
void held_sent(struct stream *s);
/* Sends a piece on: framed anew where something was kept before it. */
enum conn_room held_pass(struct stream *s, const struct http_body *body);

#endif
