/*
 * events: the log events of every group, in files: DATA/events/GROUP/….
 *
 *   append ──► the group's open segment ──(4 MiB)──► sealed: sorted by time, named after its times
 *   read ──► all segments of the time range, merged by time, in pages that are bounded
 *
 * Appending is one write(2): what it acknowledged survives a kill of the process, a power cut may
 * take the last seconds. Bounded by each group's retention and by one size for all; what is oldest
 * goes first. The control thread; a page of reading costs some ten milliseconds at most.
 */
#ifndef SERVICES_LOGS_EVENTS_H
#define SERVICES_LOGS_EVENTS_H

#include "services/logs/segment.h"

struct events;

/* Makes `folder` (0700) and finds what is there. `why` gets a sentence. */
err_t events_open(const char *folder, uint64_t bytes_max, struct events **ret_events,
		  struct text *why);
void events_close(struct events *events); /* NULL is welcome */

/* Every group that has a folder; events_drop may be called inside. */
void events_each_group(struct events *events, void (*each)(void *owner, const char *group),
		       void *owner);

/*
 * Appends; `list[i].sequence` is set here. All or nothing: ERR_SYSTEM, ERR_NOMEM. A group is a
 * word fit for a file name.
 */
err_t events_append(struct events *events, const char *group, struct event *list, size_t count);

struct stream_times {
	uint32_t stream;
	uint64_t first_ms, last_ms, last_ingested_ms;
};
/* NULL when the stream has no event. Good until the next append. */
const struct stream_times *events_stream_times(struct events *events, const char *group,
					       uint32_t stream);

uint64_t events_bytes(struct events *events, const char *group); /* on disk */
void events_drop(struct events *events, const char *group);
/* Drops whole segments that are older than this. */
void events_expire(struct events *events, const char *group, uint64_t before_ms);

struct events_range {
	uint64_t from_ms, to_ms; /* from_ms <= time < to_ms */
	bool back;		 /* latest first */
	bool has_start;
	struct event_key start; /* go on after (back: before) this event */
};

/*
 * Calls `each` in order until it returns false, or the page's work is done. The event for which it
 * returned false counts as not seen. `cost` of an event: what looking at it cost, in bytes.
 * *ret_ended: nothing is left. *ret_last: the last one seen, for the next page's start; where none
 * was seen, it is untouched.
 */
typedef bool (*events_each_fn)(void *owner, const struct event *event, size_t *cost);
enum { EVENTS_PAGE_WORK_BYTES = 16 * 1024 * 1024 };
err_t events_read(struct events *events, const char *group, const struct events_range *range,
		  events_each_fn each, void *owner, struct event_key *ret_last, bool *ret_ended);

#endif
