/*
 * What functions answer, and the events that requests become. Whatever an answer is, what is read
 * of it can be sent as a response head; whatever a request is, its event is JSON.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lb/function_event.h"

static void check_answer(const struct function_answer *answer)
{
	if (answer->status < 200 || answer->status > 599)
		abort();
	for (unsigned i = 0; i < answer->field_count; i++) {
		struct bytes value = answer->fields[i].value;

		if (!http_is_token(answer->fields[i].name))
			abort();
		for (size_t c = 0; c < value.len; c++)
			if (value.at[c] == '\r' || value.at[c] == '\n' || !value.at[c])
				abort();
	}
}

static void read_answer(struct bytes in, unsigned kind)
{
	struct function_answer answer;
	struct arena arena;
	err_t err;

	arena_init(&arena, FUNCTION_ARENA_BYTES);
	if (kind == 0)
		err = function_prelude_read(in, &arena, &answer);
	else
		err = function_answer_read(in, kind == 1, &arena, &answer);
	if (!err)
		check_answer(&answer);
	arena_fini(&arena);
}

static void write_event(struct bytes in, bool multi_value)
{
	struct text out = TEXT_INIT(1024 * 1024);
	struct bytes rest = in, target, name, value;
	struct http_field fields[2];
	struct http_head head = { .method = BYTES("GET"), .fields = fields };

	if (memchr(in.at, 0, in.len))
		return; /* no head holds one, and jansson reads no name with one */
	if (bytes_cut(&rest, '\n', &target))
		head.target = target;
	while (head.field_count < 2 && bytes_cut(&rest, ':', &name) &&
	       bytes_cut(&rest, '\n', &value))
		fields[head.field_count++] = (struct http_field){ name, value };
	if (!function_event_write(&(struct function_request){ .head = &head,
							      .body = rest,
							      .multi_value = multi_value },
				  &out)) {
		json_t *event = json_loadb(out.at, out.len, JSON_ALLOW_NUL, NULL);

		if (json_object_size(event) != 7)
			abort();
		json_decref(event);
	}
	text_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size);

	if (!size)
		return 0;
	in = bytes_from(in, 1);
	if (data[0] % 5 < 3)
		read_answer(in, data[0] % 5);
	else
		write_event(in, data[0] % 5 == 3);
	return 0;
}
