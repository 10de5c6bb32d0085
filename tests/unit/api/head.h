/*
 * head: a request head out of lines, as lenient as a test wants it: "GET /a b HTTP/1.1\nHost: h\n".
 */
#ifndef TESTS_UNIT_API_HEAD_H
#define TESTS_UNIT_API_HEAD_H

#include "base/bytes.h"
#include "http/message.h"

enum { HEAD_FIELDS_MAX = 64 };

struct head {
	struct http_head head;
	struct http_field fields[HEAD_FIELDS_MAX];
};

/* Slices of `lines`. The target is all between the first and the last space of the first line. */
static inline void head_read(struct head *head, struct bytes lines)
{
	struct bytes rest = lines, line, first = BYTES_NONE;
	size_t space, last;

	*head = (struct head){ .head.version = HTTP_1_1 };
	bytes_cut(&rest, '\n', &first);
	space = bytes_index(first, ' ');
	head->head.method = bytes_upto(first, space);
	first = space == SIZE_MAX ? BYTES_NONE : bytes_from(first, space + 1);
	for (last = first.len; last && first.at[last - 1] != ' '; last--)
		;
	head->head.target = bytes_upto(first, last ? last - 1 : first.len);
	while (bytes_cut(&rest, '\n', &line) && line.len) {
		size_t colon = bytes_index(line, ':');
		struct http_field field = { bytes_upto(line, colon), BYTES_NONE };

		if (colon == SIZE_MAX || head->head.field_count == HEAD_FIELDS_MAX)
			break;
		field.value = bytes_trim(bytes_from(line, colon + 1));
		if (bytes_eq_nocase(field.name, BYTES("host")))
			head->head.authority = field.value;
		head->fields[head->head.field_count++] = field;
	}
	head->head.fields = head->fields;
}

#endif
