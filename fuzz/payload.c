/*
 * aws-chunked bodies, with and without trailers: however they are cut, they say the same.
 */
#include <stdlib.h>

#include "api/payload.h"

struct outcome {
	err_t err;
	size_t bytes;
	unsigned trailers;
};

static err_t count(void *owner, struct bytes piece)
{
	*(size_t *)owner += piece.len;
	return ERR_OK;
}

static struct outcome feed(const struct sigv4_seed *seed, struct bytes body, size_t step)
{
	struct api_fault fault = { .status = 0 };
	struct outcome outcome = { .err = ERR_OK };
	struct bytes rest = body, name, value;
	struct payload *payload;

	if (payload_create(seed, UINT64_MAX, &payload))
		abort();
	while (rest.len && !outcome.err) {
		struct bytes piece = bytes_upto(rest, step);

		outcome.err = payload_feed(payload, piece, count, &outcome.bytes, &fault);
		rest = bytes_from(rest, piece.len);
	}
	if (!outcome.err)
		outcome.err = payload_finish(payload, &fault);
	if (outcome.err && outcome.err != ERR_NOMEM && !fault.code[0])
		abort();
	while (payload_trailer(payload, outcome.trailers, &name, &value))
		outcome.trailers++;
	payload_destroy(payload);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sigv4_seed seed = { .stamp = "20261002T100000Z", .scope = "scope" };
	struct outcome whole, cut;
	struct bytes body;

	if (size < 2)
		return 0;
	seed.kind = SIGV4_CHUNKS + data[0] % 3;
	seed.verify = data[0] & 0x80;
	body = bytes_make(data + 2, size - 2);
	whole = feed(&seed, body, body.len);
	cut = feed(&seed, body, 1 + data[1] % 63);
	if (whole.err != cut.err ||
	    (!whole.err && (whole.bytes != cut.bytes || whole.trailers != cut.trailers)))
		abort();
	return 0;
}
