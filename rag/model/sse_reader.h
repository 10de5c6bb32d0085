/*
 * sse_reader: the data of a text/event-stream, event by event. Pure; any cut of the bytes.
 */
#ifndef RAG_MODEL_SSE_READER_H
#define RAG_MODEL_SSE_READER_H

#include "base/text.h"

enum { SSE_READER_EVENT_MAX = 256 * 1024 };

struct sse_reader {
	struct text line, data;
	bool any_data, after_cr;
};

void sse_reader_init(struct sse_reader *reader);
void sse_reader_fini(struct sse_reader *reader);

/* Calls `on_data` for each event that carries data; false from it ends the feeding. ERR_TOO_LARGE.
 */
typedef bool (*sse_data_fn)(void *owner, struct bytes data);
err_t sse_reader_feed(struct sse_reader *reader, struct bytes in, sse_data_fn on_data, void *owner);

#endif
