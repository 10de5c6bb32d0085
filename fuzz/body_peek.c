/*
 * Bodies that may ask for a stream. The first byte chooses the cut, which must change nothing; what
 * is JSON says the same to a parser.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lb/body_peek.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct body_peek whole = BODY_PEEK_INIT, cut = BODY_PEEK_INIT;
	enum body_says says, said = BODY_UNSURE;
	struct bytes in;
	json_t *json;
	size_t step;

	if (size < 2)
		return 0;
	step = 1 + data[0] % 63;
	in = bytes_make(data + 1, size - 1);
	says = body_peek_feed(&whole, in);
	for (size_t at = 0; at < in.len; at += step)
		said = body_peek_feed(&cut, bytes_upto(bytes_from(in, at), step));
	if (says != said)
		abort();
	/* Of names that are there twice the first counts here; escapes are not looked into. */
	json = memchr(in.at, '\\', in.len)
		       ? NULL
		       : json_loadb(in.at, in.len, JSON_REJECT_DUPLICATES, NULL);
	if (json && (says == BODY_STREAMS) != json_is_true(json_object_get(json, "stream")))
		abort();
	json_decref(json);
	return 0;
}
