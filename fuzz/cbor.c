/* CBOR bodies: what decodes must be writable and read back as the same. */
#include <stdlib.h>

#include "api/cbor.h"

static const struct api_shape all;
static const struct api_shape list = { .kind = API_LIST, .item = &all };
static const struct api_shape map = { .kind = API_MAP, .item = &api_string };
static const struct api_shape all = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "S", .shape = &api_string },
						{ .name = "I", .shape = &api_integer },
						{ .name = "D", .shape = &api_double },
						{ .name = "B", .shape = &api_boolean },
						{ .name = "X", .shape = &api_blob },
						{ .name = "L", .shape = &list },
						{ .name = "M", .shape = &map },
						API_END },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct api_fault fault = { .status = 0 };
	struct text out = TEXT_INIT(1 << 26);
	json_t *input = NULL, *again = NULL;

	if (wire_cbor_decode(bytes_make(data, size), &input, &fault)) {
		if (fault.status == 0)
			abort();
	} else if (wire_cbor_encode(&all, input, &out) == ERR_OK) {
		if (wire_cbor_decode(text_bytes(&out), &again, &fault))
			abort();
	}
	json_decref(input);
	json_decref(again);
	text_fini(&out);
	return 0;
}
