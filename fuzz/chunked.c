/*
 * Chunked bodies. The first byte chooses the cut, which must not change the answer; and a chunk
 * of one's own put in wherever a piece says `boundary` adds just its data to what a reader gets.
 */
#include <stdlib.h>

#include "http/h1.h"

struct reading {
	struct text payload, wire, fed; /* `fed`: wire with "!" chunks put in at boundaries */
	unsigned boundaries;
	bool failed, ended;
};

static void begin(struct h1_parser *parser, struct reading *reading)
{
	struct bytes head = BYTES("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");

	*reading = (struct reading){ .payload = TEXT_INIT(1 << 24),
				     .wire = TEXT_INIT(1 << 24),
				     .fed = TEXT_INIT(1 << 24) };
	h1_parser_init(parser, false);
	if (h1_parser_feed(parser, &head) != H1_HEAD || head.len)
		abort();
}

static void take_piece(struct reading *reading, const struct http_body *body)
{
	const char *at = body->wire.at, *end = at + body->wire.len;

	for (unsigned i = 0; i < body->data_count; i++) {
		if (body->data[i].at < at || body->data[i].at + body->data[i].len > end)
			abort();
		at = body->data[i].at + body->data[i].len;
		text_add(&reading->payload, body->data[i]);
	}
	text_add(&reading->wire, body->wire);
	text_add(&reading->fed, body->wire);
	if (body->boundary) {
		text_add_str(&reading->fed, "1\r\n!\r\n");
		reading->boundaries++;
	}
	if (body->end && body->boundary)
		abort();
	reading->ended = reading->ended || body->end;
}

static struct reading read_in_steps(struct bytes in, size_t step)
{
	struct h1_parser parser;
	struct reading reading;

	begin(&parser, &reading);
	for (size_t at = 0; at < in.len && !reading.failed && !reading.ended; at += step) {
		struct bytes piece = bytes_upto(bytes_from(in, at), step);
		enum h1_result result;

		while ((result = h1_parser_feed(&parser, &piece)) == H1_BODY)
			take_piece(&reading, h1_parser_body(&parser));
		reading.failed = result == H1_FAILED;
	}
	h1_parser_fini(&parser);
	return reading;
}

static void reading_fini(struct reading *reading)
{
	text_fini(&reading->payload);
	text_fini(&reading->wire);
	text_fini(&reading->fed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole, cut, fed;

	if (size < 2)
		return 0;
	whole = read_in_steps(bytes_make(data + 1, size - 1), size - 1);
	cut = read_in_steps(bytes_make(data + 1, size - 1), 1 + data[0] % 63);
	if (whole.failed != cut.failed || whole.ended != cut.ended ||
	    !bytes_eq(text_bytes(&whole.payload), text_bytes(&cut.payload)) ||
	    !bytes_eq(text_bytes(&whole.wire), text_bytes(&cut.wire)))
		abort();
	if (cut.fed.len) {
		fed = read_in_steps(text_bytes(&cut.fed), cut.fed.len);
		if (fed.failed || fed.ended != cut.ended ||
		    fed.payload.len != cut.payload.len + cut.boundaries)
			abort();
		reading_fini(&fed);
	}
	reading_fini(&whole);
	reading_fini(&cut);
	return 0;
}
