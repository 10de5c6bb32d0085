/*
 * sse: where events end in a text/event-stream (WHATWG HTML §9.2.6). Pure, no memory of its own.
 *
 * The meter counts events, and knows whether the stream stands at an event boundary: right after
 * an empty line, or at the very start. Only there may a comment line be put in.
 */
#ifndef HTTP_SSE_H
#define HTTP_SSE_H

#include "base/bytes.h"

struct sse_meter {
	uint32_t events; /* finished events that carried data; wraps */
	uint8_t state;	 /* sse's own */
	bool has_data;	 /* of the event being read */
	bool any_bytes;
};

#define SSE_METER_INIT      \
	{                   \
		.events = 0 \
	}

void sse_meter_feed(struct sse_meter *meter, const char *at, size_t len);
bool sse_meter_at_boundary(const struct sse_meter *meter);

#endif
