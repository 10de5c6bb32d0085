/*
 * ws: where WebSocket frames end (RFC 6455 §5.2), in bytes that pass through; and the one frame a
 * balancer says itself: Close. Pure.
 *
 * A control frame may stand between any two frames, also in the middle of a fragmented message.
 */
#ifndef HTTP_WS_H
#define HTTP_WS_H

#include "base/bytes.h"

struct ws_meter {
	uint64_t left_bytes; /* of the payload */
	uint8_t head[14];
	uint8_t have; /* of the head */
	bool closed;  /* a Close frame has passed: nothing follows it */
};

/* Zeroed is the beginning, which is a boundary. */
void ws_meter_feed(struct ws_meter *meter, struct bytes data);
/* The next byte begins a frame, and one may still come. */
bool ws_meter_at_boundary(const struct ws_meter *meter);

enum {
	WS_GOING_AWAY = 1001,
	WS_SERVICE_RESTART = 1012,
	WS_CLOSE_BYTES = 8,
};
/* A Close frame; masked as a client's must be when `mask` is not NULL. Returns its length. */
size_t ws_close_frame(char out[WS_CLOSE_BYTES], uint16_t code, const uint8_t mask[4]);

#endif
