/*
 * Forms against a shape that has everything and contains itself. What decodes and passes the check
 * must also be writable: an answer of the same shape, in XML and in JSON, in valid UTF-8.
 */
#include <stdlib.h>

#include "api/check.h"
#include "api/json.h"
#include "api/query.h"
#include "api/xml.h"
#include "base/encode.h"

static const struct api_shape all;
static const struct api_shape name = { .kind = API_STRING, .max = 8, .pattern = "^[a-z%]*$" };
static const struct api_shape list = { .kind = API_LIST, .item = &all };
static const struct api_shape names = { .kind = API_LIST, .item = &name, .item_name = "item" };
static const struct api_shape flat = { .kind = API_LIST, .item = &api_integer, .flattened = true };
static const struct api_shape map = { .kind = API_MAP, .item = &all };
static const struct api_shape all = {
	.kind = API_STRUCTURE,
	.members = (const struct api_member[]){ { .name = "S", .shape = &name },
						{ .name = "I", .shape = &api_integer },
						{ .name = "D", .shape = &api_double },
						{ .name = "B", .shape = &api_boolean },
						{ .name = "T", .shape = &api_timestamp },
						{ .name = "L", .shape = &list, .wire = "lSet" },
						{ .name = "N", .shape = &names },
						{ .name = "F", .shape = &flat },
						{ .name = "M", .shape = &map },
						{ .name = "A", .shape = &all },
						API_END },
};
static const struct api_operation operation = { .name = "Op", .input = &all, .output = &all };

static void write_back(enum api_protocol protocol, json_t *value)
{
	const struct api_service service = { .protocol = protocol, .xml_namespace = "n" };
	struct text out = TEXT_INIT(1 << 26);

	if (xml_encode(&service, &operation, value, "id", &out) || !utf8_valid(text_bytes(&out)))
		abort();
	text_clear(&out);
	if (wire_json_encode(&all, value, true, &out) || !utf8_valid(text_bytes(&out)))
		abort();
	text_fini(&out);
}

static void check(enum api_protocol protocol, json_t *input)
{
	struct patterns patterns = { .compiled = MAP_INIT };
	struct text words = TEXT_INIT(1000);
	json_t *value = NULL;

	if (check_input(&patterns, &all, input, &value, &words) == ERR_OK) {
		write_back(protocol, value);
		json_decref(value);
	} else if (words.len == 0 || !utf8_valid(text_bytes(&words))) {
		abort();
	}
	text_fini(&words);
	patterns_fini(&patterns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum api_protocol protocol = size && data[0] % 2 ? API_EC2 : API_QUERY;
	struct api_fault fault = { .status = 0 };
	json_t *input = NULL;

	if (size == 0)
		return 0;
	if (query_decode(bytes_make(data + 1, size - 1), protocol, &all, &input, &fault)) {
		if (fault.status == 0)
			abort();
		return 0;
	}
	check(protocol, input);
	json_decref(input);
	return 0;
}
