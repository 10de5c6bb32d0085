/*
 * segment: one file of a group's events, and walking through it in order of time.
 *
 *   NUMBER.open      appended to; events lie as they came, an index in memory has them by time
 *   NUMBER-FIRST-LAST-SEQUENCE-COUNT.sealed      never written again; events lie by time
 *
 * The name of a sealed one says what opening it would: nothing of it is read before it is asked
 * for. Files are mapped while somebody walks, so walking costs page cache, not memory. A record is
 * a head (its length, a check, times, sequence, stream), the message, and the length again, so that
 * it can be walked both ways. The control thread.
 */
#ifndef SERVICES_LOGS_SEGMENT_H
#define SERVICES_LOGS_SEGMENT_H

#include "base/text.h"

enum {
	SEGMENT_BYTES = 4 * 1024 * 1024, /* sealed when it is so long */
	SEGMENT_RECORD_BYTES_MAX = 2 * 1024 * 1024,
	SEGMENT_MESSAGE_BYTES_MAX = 1024 * 1024,
	SEGMENT_PATH_BYTES = 4096,
};

struct event {
	uint64_t time_ms, ingested_ms; /* Unix */
	uint64_t sequence;	       /* rises within a group */
	uint32_t stream;
	struct bytes message; /* good while the segment is mapped */
};

/* The order of events: by time, then as they came. */
struct event_key {
	uint64_t time_ms, sequence;
};

static inline int event_key_cmp(struct event_key a, struct event_key b)
{
	if (a.time_ms != b.time_ms)
		return a.time_ms < b.time_ms ? -1 : 1;
	return a.sequence == b.sequence ? 0 : a.sequence < b.sequence ? -1 : 1;
}

struct mark {
	struct event_key key;
	uint32_t offset;
};

struct segment {
	uint64_t number;
	uint64_t first_ms, last_ms, last_sequence;
	uint32_t count, bytes;
	bool sealed;
	/* Open: every record, by key. Sealed: one every 64 KiB, made at the first walk. */
	struct mark *marks;
	uint32_t mark_count, mark_cap;
	bool in_order; /* open: the file lies by key already */

	const char *map; /* NULL: not mapped */
	size_t map_bytes;
	unsigned walkers;
};

/*
 * From a file name of `folder`; false when it is no segment's. An open one is scanned, each record
 * checked, and what is torn at its end is cut off; `each` hears of every event.
 */
bool segment_of_name(const char *name, struct segment *ret_segment);
err_t segment_scan(struct segment *segment, const char *folder,
		   void (*each)(void *owner, const struct event *event), void *owner);
void segment_fini(struct segment *segment); /* memory only */

/* Appends one record's bytes to `out`. */
void segment_encode(struct text *out, const struct event *event);
/* Writes them to the open segment's file (0600), all or nothing; ERR_SYSTEM. Then tell each. */
err_t segment_write(struct segment *segment, const char *folder, struct bytes records);
err_t segment_note(struct segment *segment, const struct event *event, uint32_t offset);

/* Sorts if need be, renames; the segment is sealed afterwards. */
err_t segment_seal(struct segment *segment, const char *folder);
void segment_unlink(const struct segment *segment, const char *folder);

/* ---- Walking ---- */

err_t segment_enter(struct segment *segment, const char *folder); /* maps */
void segment_leave(struct segment *segment);

/*
 * A place: an index into the marks of an open one, an offset into a sealed one. seek gives the
 * first event not before `key`, or (back) the last one before it; false when there is none.
 */
bool segment_seek(struct segment *segment, struct event_key key, bool back, uint32_t *ret_place);
bool segment_move(const struct segment *segment, bool back, uint32_t *place);
/* False when the record is damaged. */
bool segment_event(const struct segment *segment, uint32_t place, struct event *ret_event);

#endif
