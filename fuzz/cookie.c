/* Cookie fields split anywhere at LF: what is found is there, and what was put first is found. */
#include <stdlib.h>

#include "http/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_field fields[17] = { { BYTES("Cookie"), BYTES("x") } };
	struct http_head head = { .fields = fields, .field_count = 1 };
	struct bytes in = bytes_make(data, size), rest = in, line, name, value, found;

	while (head.field_count < 16 && bytes_cut(&rest, '\n', &line))
		fields[head.field_count++] = (struct http_field){ BYTES("cookie"), line };
	found = cookie_find(&head, BYTES("AWSALB"));
	if (found.len && (found.at < in.at || found.at + found.len > in.at + in.len))
		abort();
	if (found.at && bytes_find(in, BYTES("AWSALB")) == SIZE_MAX)
		abort();
	fields[0].value = BYTES("a=b; AWSALB=here");
	if (!bytes_eq_str(cookie_find(&head, BYTES("AWSALB")), "here"))
		abort();
	if (cookie_parse_set(in, &name, &value) == ERR_OK) {
		if (!name.len || bytes_index(name, ';') != SIZE_MAX ||
		    bytes_index(value, ';') != SIZE_MAX)
			abort();
		fields[0].value = bytes_upto(in, bytes_index(in, ';'));
		if (!bytes_eq(cookie_find(&head, name), value))
			abort();
	}
	return 0;
}
