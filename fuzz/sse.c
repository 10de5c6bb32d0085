/*
 * Event streams. The first byte chooses the cut: neither it, nor comments put in wherever the meter
 * sees a boundary, may change what a client dispatches, which a slow reader here tells.
 */
#include <stdlib.h>

#include "base/text.h"
#include "http/sse.h"

/* The algorithm of WHATWG HTML §9.2.6, word by word. */
static uint32_t count_dispatched(struct bytes in)
{
	uint32_t events = 0;
	bool has_data = false;

	if (bytes_starts(in, BYTES("\xef\xbb\xbf")))
		in = bytes_from(in, 3);
	for (;;) {
		size_t end = 0, colon;
		struct bytes line;

		while (end < in.len && in.at[end] != '\r' && in.at[end] != '\n')
			end++;
		if (end == in.len)
			return events;
		line = bytes_upto(in, end);
		in = bytes_from(in,
				end + (bytes_starts(bytes_from(in, end), BYTES("\r\n")) ? 2 : 1));
		colon = bytes_index(line, ':');
		if (bytes_eq_str(bytes_upto(line, colon), "data"))
			has_data = true;
		if (line.len)
			continue;
		events += has_data;
		has_data = false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sse_meter whole = SSE_METER_INIT, cut = SSE_METER_INIT;
	struct text beaten = TEXT_INIT(1 << 24);
	struct bytes in;
	size_t step;

	if (size < 2)
		return 0;
	step = 1 + data[0] % 63;
	in = bytes_make(data + 1, size - 1);
	sse_meter_feed(&whole, in.at, in.len);
	for (size_t at = 0; at < in.len; at += step) {
		struct bytes piece = bytes_upto(bytes_from(in, at), step);

		sse_meter_feed(&cut, piece.at, piece.len);
		text_add(&beaten, piece);
		if (sse_meter_at_boundary(&cut))
			text_add_str(&beaten, ": ping\n");
	}
	if (whole.events != cut.events || whole.events != count_dispatched(in) ||
	    whole.events != count_dispatched(text_bytes(&beaten)) ||
	    sse_meter_at_boundary(&whole) != sse_meter_at_boundary(&cut))
		abort();
	text_fini(&beaten);
	return 0;
}
