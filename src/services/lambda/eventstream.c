#include "services/lambda/eventstream.h"

enum { PRELUDE_BYTES = 12, CHECK_BYTES = 4, KIND_STRING = 7 };

static void add_number(struct text *out, uint32_t value)
{
	const char wire[4] = { (char)(value >> 24), (char)(value >> 16), (char)(value >> 8),
			       (char)value };

	text_add(out, bytes_make(wire, sizeof wire));
}

static void add_header(struct text *out, const char *name, const char *value)
{
	size_t len = strlen(value);

	text_add_char(out, (char)strlen(name));
	text_add_str(out, name);
	text_add_char(out, KIND_STRING);
	text_add_char(out, (char)(len >> 8));
	text_add_char(out, (char)len);
	text_add_str(out, value);
}

/* CRC-32 of IEEE 802.3, reflected; bit by bit, since messages are few. */
static uint32_t check_of(const char *at, size_t len)
{
	uint32_t check = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		check ^= (uint8_t)at[i];
		for (int bit = 0; bit < 8; bit++)
			check = (check >> 1) ^ (check & 1 ? 0xedb88320u : 0);
	}
	return ~check;
}

void eventstream_encode(struct text *out, const char *event_type, struct bytes payload)
{
	bool bytes = strcmp(event_type, "PayloadChunk") == 0;
	struct text headers = TEXT_INIT(512);
	size_t start = out->len;

	add_header(&headers, ":event-type", event_type);
	add_header(&headers, ":content-type",
		   bytes ? "application/octet-stream" : "application/json");
	add_header(&headers, ":message-type", "event");
	add_number(out, (uint32_t)(PRELUDE_BYTES + headers.len + payload.len + CHECK_BYTES));
	add_number(out, (uint32_t)headers.len);
	if (!text_err(out))
		add_number(out, check_of(out->at + start, 8));
	text_add(out, text_bytes(&headers));
	text_add(out, payload);
	if (!text_err(out))
		add_number(out, check_of(out->at + start, out->len - start));
	text_fini(&headers);
}
