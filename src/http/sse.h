/*
 * sse: where events end in a text/event-stream (WHATWG HTML §9.2.6). Pure, no memory of its own.
 *
 * The meter counts events, and knows whether the stream stands at an event boundary: right after
 * an empty line, or at the very start; comment lines in between change nothing. Only there may a
 * comment line be put in. Right after a CR it says no, since an LF may belong to the same line end;
 * so a stream whose lines end in CR alone has no boundary but its start.
 */
#ifndef HTTP_SSE_H
#define HTTP_SSE_H

#include "base/bytes.h"

struct sse_meter {
	uint32_t events; /* finished events that carried data; wraps */
	uint8_t state;	 /* sse's own */
	bool has_data;	 /* of the event being read */
	bool begun;	 /* a line of an event came since the last empty one */
};

#define SSE_METER_INIT      \
	{                   \
		.events = 0 \
	}

void sse_meter_feed(struct sse_meter *meter, const char *at, size_t len);
bool sse_meter_at_boundary(const struct sse_meter *meter);

#endif
