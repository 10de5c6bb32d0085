/*
 * The boundaries of WebSocket frames do not depend on how the bytes come, and a Close frame of
 * ours, put where one may stand, leaves the meter after a Close frame.
 */
#include <stdlib.h>

#include "http/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ws_meter whole = { 0 }, cut = { 0 };
	struct bytes in = bytes_make(data, size);
	char frame[WS_CLOSE_BYTES];
	size_t step = size ? 1 + data[0] % 63 : 1;

	ws_meter_feed(&whole, in);
	while (in.len) {
		struct bytes piece = bytes_upto(in, step);

		ws_meter_feed(&cut, piece);
		in = bytes_from(in, piece.len);
	}
	if (ws_meter_at_boundary(&whole) != ws_meter_at_boundary(&cut) ||
	    whole.left_bytes != cut.left_bytes || whole.closed != cut.closed)
		abort();
	if (!ws_meter_at_boundary(&whole))
		return 0;
	ws_meter_feed(&whole, bytes_make(frame, ws_close_frame(frame, WS_GOING_AWAY, NULL)));
	if (ws_meter_at_boundary(&whole) || !whole.closed || whole.left_bytes)
		abort();
	return 0;
}
