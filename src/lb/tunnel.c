/*
 * WebSockets (reference/alb.md §5.8): after the target's 101 bytes pass both ways as they are.
 * Where frames end is followed only so that a Close frame can be said when the balancer ends it.
 */
#include <stdlib.h>

#include "lb/stream_internal.h"

err_t tunnel_begin(struct stream *s)
{
	s->tunnel = calloc(1, sizeof *s->tunnel);
	if (!s->tunnel)
		return ERR_NOMEM;
	exchange_tunnel(s->target);
	exchange_tunnel(s->client);
	s->flags &= ~(uint32_t)STREAM_NO_BODY;
	s->flags |= STREAM_STREAMING;
	s->decide.request_open = true; /* the client may speak at any time now */
	return ERR_OK;
}

/* 0: who ends it needs no word from us. */
static uint16_t close_code(enum end_reason reason)
{
	switch (reason) {
	case END_SHUTDOWN: return WS_SERVICE_RESTART;
	case END_DRAIN_DEADLINE:
	case END_DELETED:
	case END_ADMIN_KILL: return WS_GOING_AWAY;
	default: return 0;
	}
}

void tunnel_say_goodbye(struct stream *s, enum end_reason reason)
{
	uint16_t code = close_code(reason);
	uint64_t random = rng_next(&s->worker->rng);
	char frame[WS_CLOSE_BYTES];
	uint8_t mask[4];
	size_t len;

	if (!code)
		return;
	if (ws_meter_at_boundary(&s->tunnel->toward_client)) {
		len = ws_close_frame(frame, code, NULL);
		exchange_send_data(s->client, bytes_make(frame, len), false);
	}
	if (s->target && s->decide.request_open &&
	    ws_meter_at_boundary(&s->tunnel->toward_target)) {
		memcpy(mask, &random, sizeof mask);
		len = ws_close_frame(frame, code, mask);
		exchange_send_data(s->target, bytes_make(frame, len), false);
	}
}
