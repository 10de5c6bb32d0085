#include "base/backlog.h"

#include <stdlib.h>

struct backlog {
	uint32_t start, end, cap; /* within `at` */
	char at[];
};

enum { BACKLOG_STEP = 1024 }; /* sizes are multiples of this, its header included */

struct bytes backlog_view(const struct backlog *backlog)
{
	if (!backlog)
		return BYTES_NONE;
	return bytes_make(backlog->at + backlog->start, backlog->end - backlog->start);
}

/* Room for `more` bytes behind the end, moving to larger memory only when sliding is not enough. */
static err_t make_room(struct backlog **backlog, size_t more)
{
	struct backlog *old = *backlog, *grown;
	struct bytes held = backlog_view(old);
	size_t size;

	if (old && held.len + more <= old->cap) {
		memmove(old->at, held.at, held.len);
		old->start = 0;
		old->end = (uint32_t)held.len;
		return ERR_OK;
	}
	size = sizeof *grown + held.len + more + BACKLOG_STEP - 1;
	size -= size % BACKLOG_STEP;
	if (size > UINT32_MAX)
		return ERR_NOMEM;
	grown = malloc(size);
	if (!grown)
		return ERR_NOMEM;
	if (held.len)
		memcpy(grown->at, held.at, held.len);
	grown->start = 0;
	grown->end = (uint32_t)held.len;
	grown->cap = (uint32_t)(size - sizeof *grown);
	free(old);
	*backlog = grown;
	return ERR_OK;
}

err_t backlog_reserve(struct backlog **backlog, size_t bytes)
{
	if (*backlog && bytes <= (*backlog)->cap - (*backlog)->end)
		return ERR_OK;
	return make_room(backlog, bytes);
}

err_t backlog_add(struct backlog **backlog, struct bytes b)
{
	if (b.len == 0)
		return ERR_OK;
	if (!*backlog || b.len > (*backlog)->cap - (*backlog)->end)
		TRY(make_room(backlog, b.len));
	memcpy((*backlog)->at + (*backlog)->end, b.at, b.len);
	(*backlog)->end += (uint32_t)b.len;
	return ERR_OK;
}

void backlog_drop(struct backlog **backlog, size_t len)
{
	assert(len <= backlog_bytes(*backlog));
	if (len == 0)
		return;
	(*backlog)->start += (uint32_t)len;
	if ((*backlog)->start == (*backlog)->end)
		backlog_clear(backlog);
}

void backlog_clear(struct backlog **backlog)
{
	free(*backlog);
	*backlog = NULL;
}
