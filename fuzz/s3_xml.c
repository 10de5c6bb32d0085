/*
 * XML documents against a shape that has everything. What is read is a value that can be written
 * again, in valid UTF-8.
 */
#include <stdlib.h>

#include "api/xml.h"
#include "api/xml_body.h"
#include "base/encode.h"

static const struct api_shape all;
static const struct api_shape wrapped = { .kind = API_LIST, .item = &all, .item_name = "Tag" };
static const struct api_shape flat = { .kind = API_LIST, .item = &api_string, .flattened = true };
static const struct api_shape all = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "S", .shape = &api_string },
						{ .name = "W", .shape = &wrapped },
						{ .name = "F", .shape = &flat, .wire = "Flat" },
						{ .name = "A", .shape = &all },
						API_END },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct api_fault fault = { .status = 0 };
	struct text out = TEXT_INIT(1 << 26);
	json_t *value = NULL;
	err_t err = xml_decode(&all, bytes_make(data, size), &value, &fault);

	if (err && err != ERR_NOMEM && fault.status != 400)
		abort();
	if (!err && (xml_encode_rest("Op", "Root", "n", &all, value, &out) ||
		     !utf8_valid(text_bytes(&out))))
		abort();
	json_decref(value);
	text_fini(&out);
	return 0;
}
