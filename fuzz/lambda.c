/*
 * What functions and their callers send: the first byte chooses which reader gets the rest. What a
 * function URL would answer must be sendable; a package that is let in must have been a zip.
 */
#include <stdlib.h>

#include "services/lambda/names.h"
#include "services/lambda/output.h"
#include "services/lambda/package.h"
#include "services/lambda/url_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_answer(const struct url_answer *answer)
{
	if (answer->status < 200 || answer->status > 599 || !answer->field_count)
		abort();
	for (unsigned i = 0; i < answer->field_count; i++)
		if (!http_is_token(answer->fields[i].name) ||
		    bytes_index(answer->fields[i].value, '\n') != SIZE_MAX ||
		    bytes_index(answer->fields[i].value, '\r') != SIZE_MAX)
			abort();
}

static void read_answer(struct bytes payload)
{
	struct url_answer answer;
	struct arena arena;

	arena_init(&arena, 32 * 1024 * 1024);
	if (url_answer_read(payload, &arena, &answer) == ERR_OK)
		check_answer(&answer);
	arena_fini(&arena);
}

static void read_prelude(struct bytes streamed)
{
	size_t end = url_prelude_end(streamed, 0);
	struct url_answer answer;
	struct arena arena;

	arena_init(&arena, 32 * 1024 * 1024);
	if (end != SIZE_MAX &&
	    url_prelude_read(bytes_upto(streamed, end), &arena, &answer) == ERR_OK)
		check_answer(&answer);
	arena_fini(&arena);
}

static void write_event(struct bytes raw)
{
	struct bytes rest = raw, path = BYTES_NONE, query = BYTES_NONE, value = BYTES_NONE;
	struct text out = TEXT_INIT(1 << 26);
	struct http_field field;
	struct http_head head = { .method = BYTES("GET"), .fields = &field, .field_count = 1 };
	struct url_request request = { .head = &head,
				       .url_id = "i",
				       .host = "h",
				       .source_ip = "s",
				       .account = "a",
				       .request_id = "r" };

	bytes_cut(&rest, '\n', &path);
	bytes_cut(&rest, '\n', &query);
	bytes_cut(&rest, '\n', &value);
	field = (struct http_field){ BYTES("Cookie"), value };
	request.path = path;
	request.query = query;
	request.body = rest;
	if (url_event_write(&request, &out) == ERR_OK) {
		json_t *event = json_loadb(out.at, out.len, JSON_ALLOW_NUL, NULL);

		if (!event)
			abort();
		json_decref(event);
	}
	text_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text why = TEXT_INIT(256);
	struct lambda_name name;
	struct bytes rest;

	if (size < 1)
		return 0;
	rest = bytes_make(data + 1, size - 1);
	switch (data[0] % 4) {
	case 0:
		read_answer(rest);
		read_prelude(rest);
		break;
	case 1: write_event(rest); break;
	case 2: lambda_name_parse(rest, "123456789012", "us-east-1", &name); break;
	default:
		if (package_check(rest, &why) == ERR_OK && rest.len < 22)
			abort();
	}
	text_fini(&why);
	return 0;
}
