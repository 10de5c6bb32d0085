/*
 * backlog: bytes that have to wait, in order: toward a peer that does not read, or from one whose
 * exchange is paused. A NULL pointer is an empty one, and an emptied one is freed at once, so a
 * connection that nothing waits on owns no memory for it. Owners bound what they add.
 */
#ifndef BASE_BACKLOG_H
#define BASE_BACKLOG_H

#include "base/bytes.h"

struct backlog;

err_t backlog_reserve(struct backlog **backlog,
		      size_t bytes);			     /* room for so many more; ERR_NOMEM */
err_t backlog_add(struct backlog **backlog, struct bytes b); /* ERR_NOMEM: nothing was added */
void backlog_drop(struct backlog **backlog, size_t len);     /* from the front; len <= bytes */
void backlog_clear(struct backlog **backlog);

/* All of it; valid until the next call that changes it. */
struct bytes backlog_view(const struct backlog *backlog);

static inline size_t backlog_bytes(const struct backlog *backlog)
{
	return backlog_view(backlog).len;
}

#endif
