/*
 * Methods, paths and parameters against templates and located members: a match has its labels, and
 * what decodes is what a handler can use.
 */
#include <stdlib.h>

#include "api/rest.h"

static const struct api_shape list = { .kind = API_LIST, .item = &api_string };
static const struct api_shape map = { .kind = API_MAP, .item = &api_string };
static const struct api_shape input = {
	.kind = API_STRUCTURE,
	.members =
		(const struct api_member[]){
			{ .name = "Bucket", .shape = &api_string, .location = "uri" },
			{ .name = "Key", .shape = &api_string, .location = "uri" },
			{ .name = "Max", .shape = &api_integer, .location = "query:max" },
			{ .name = "All", .shape = &list, .location = "query:all" },
			{ .name = "Some", .shape = &list, .location = "header:some" },
			{ .name = "Since", .shape = &api_timestamp, .location = "header:since" },
			{ .name = "Meta", .shape = &map, .location = "headers:x-" },
			API_END },
};
static err_t nothing(struct api_call *call)
{
	(void)call;
	return ERR_OK;
}
#define ROW(m, u)                                                                       \
	{                                                                               \
		.name = u, .permission = u, .input = &input, .output = &api_shape_none, \
		.rest = { .method = m, .uri = u }, .handle = nothing                    \
	}
static const struct api_operation operations[] = {
	ROW("GET", "/"),
	ROW("GET", "/{Bucket}"),
	ROW("GET", "/{Bucket}?all"),
	ROW("GET", "/{Bucket}/{Key+}"),
	ROW("GET", "/{Bucket}/{Key+}?max&all=2"),
	ROW("PUT", "/v1/{Bucket}/code"),
};
static const struct api_service service = {
	.name = "s3",
	.protocol = API_REST_XML,
	.version = "1",
	.operations = operations,
	.operation_count = COUNT(operations),
};

/* First byte: the method; then the path, "?" and the query, LF, and fields as "name:value" lines.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_field fields[16];
	struct http_head head = { .fields = fields };
	struct rest_request request = { .head = &head };
	struct api_fault fault = { .status = 0 };
	struct rest_match match;
	struct bytes rest, target, line;
	struct api *api;
	json_t *value;
	err_t err;

	if (size < 2)
		return 0;
	head.method = data[0] % 2 ? BYTES("GET") : BYTES("PUT");
	rest = bytes_make(data + 1, size - 1);
	bytes_cut(&rest, '\n', &target);
	while (head.field_count < COUNT(fields) && bytes_cut(&rest, '\n', &line)) {
		size_t colon = bytes_index(line, ':');

		if (colon != SIZE_MAX && colon)
			fields[head.field_count++] = (struct http_field){
				bytes_upto(line, colon), bytes_trim(bytes_from(line, colon + 1))
			};
	}
	request.query = target;
	bytes_cut(&request.query, '?', &request.path);
	if (api_create(&api) || api_register(api, &service))
		abort();
	if (rest_find(api, NULL, &request, &match) == ERR_OK) {
		err = rest_decode(&match, &request, BYTES_NONE, &value, &fault);
		if (err && err != ERR_NOMEM && fault.status != 400)
			abort();
		if (!err && !json_is_object(value))
			abort();
		if (!err)
			json_decref(value);
	}
	api_destroy(api);
	return 0;
}
