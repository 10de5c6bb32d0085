/*
 * events_internal: what events.c and events_read.c share.
 */
#ifndef SERVICES_LOGS_EVENTS_INTERNAL_H
#define SERVICES_LOGS_EVENTS_INTERNAL_H

#include "base/map.h"
#include "services/logs/events.h"

struct event_group {
	char *name, *folder;
	struct segment *segments; /* by number; the last one may be open */
	unsigned segment_count, segment_cap;
	uint64_t sequence; /* of the newest event */
	bool loaded;	   /* the open segment was scanned, the streams' times were read */
	struct stream_times *streams; /* by stream */
	unsigned stream_count, stream_cap;
};

struct events {
	char *folder;
	uint64_t bytes, bytes_max;
	struct map groups; /* of struct event_group */
};

/* Loaded; NULL when it has no events (or cannot be read: logged). */
struct event_group *events_group(struct events *events, const char *name);

#endif
