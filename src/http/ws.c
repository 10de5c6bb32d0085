#include "http/ws.h"

enum { OPCODE_CLOSE = 8, FIN = 0x80, MASKED = 0x80 };

/* How long the head is, as far as its first two bytes tell. */
static unsigned head_bytes(const struct ws_meter *meter)
{
	unsigned len = 2;

	if (meter->have < 2)
		return 2;
	if ((meter->head[1] & 0x7f) == 126)
		len += 2;
	else if ((meter->head[1] & 0x7f) == 127)
		len += 8;
	return len + (meter->head[1] & MASKED ? 4 : 0);
}

static uint64_t payload_bytes(const struct ws_meter *meter)
{
	unsigned len = meter->head[1] & 0x7f, wide = len == 126 ? 2 : len == 127 ? 8 : 0;
	uint64_t value = wide ? 0 : len;

	for (unsigned i = 0; i < wide; i++)
		value = value << 8 | meter->head[2 + i];
	return value;
}

static void take_head(struct ws_meter *meter, struct bytes *data)
{
	while (data->len && meter->have < head_bytes(meter)) {
		meter->head[meter->have++] = (uint8_t)data->at[0];
		*data = bytes_from(*data, 1);
	}
	if (meter->have < 2 || meter->have < head_bytes(meter))
		return;
	meter->left_bytes = payload_bytes(meter);
	meter->closed = meter->closed || (meter->head[0] & 0x0f) == OPCODE_CLOSE;
	if (meter->left_bytes == 0)
		meter->have = 0;
}

void ws_meter_feed(struct ws_meter *meter, struct bytes data)
{
	while (data.len) {
		size_t part;

		if (meter->left_bytes == 0) {
			take_head(meter, &data);
			continue;
		}
		part = meter->left_bytes < data.len ? (size_t)meter->left_bytes : data.len;
		data = bytes_from(data, part);
		meter->left_bytes -= part;
		if (meter->left_bytes == 0)
			meter->have = 0;
	}
}

bool ws_meter_at_boundary(const struct ws_meter *meter)
{
	return meter->have == 0 && meter->left_bytes == 0 && !meter->closed;
}

size_t ws_close_frame(char out[WS_CLOSE_BYTES], uint16_t code, const uint8_t mask[4])
{
	const uint8_t payload[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	size_t len = 0;

	out[len++] = (char)(FIN | OPCODE_CLOSE);
	out[len++] = (char)((mask ? MASKED : 0) | sizeof payload);
	for (unsigned i = 0; mask && i < 4; i++)
		out[len++] = (char)mask[i];
	for (unsigned i = 0; i < sizeof payload; i++)
		out[len++] = (char)(mask ? payload[i] ^ mask[i] : payload[i]);
	return len;
}
