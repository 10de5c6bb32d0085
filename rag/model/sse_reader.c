#include "rag/model/sse_reader.h"

void sse_reader_init(struct sse_reader *reader)
{
	*reader = (struct sse_reader){
		.line = TEXT_INIT(SSE_READER_EVENT_MAX),
		.data = TEXT_INIT(SSE_READER_EVENT_MAX),
	};
}

void sse_reader_fini(struct sse_reader *reader)
{
	text_fini(&reader->line);
	text_fini(&reader->data);
}

/* Fields other than data (event, id, retry) and comments say nothing that we need. */
static bool on_line(struct sse_reader *r, sse_data_fn on_data, void *owner)
{
	struct bytes line = text_bytes(&r->line);
	bool go_on = true;

	if (line.len == 0) {
		if (r->any_data)
			go_on = on_data(owner, text_bytes(&r->data));
		text_clear(&r->data);
		r->any_data = false;
	} else if (bytes_starts(line, BYTES("data:")) || bytes_eq_str(line, "data")) {
		struct bytes value = bytes_from(line, size_min(5, line.len));

		if (value.len && value.at[0] == ' ')
			value = bytes_from(value, 1);
		if (r->any_data)
			text_add_char(&r->data, '\n');
		text_add(&r->data, value);
		r->any_data = true;
	}
	text_clear(&r->line);
	return go_on;
}

err_t sse_reader_feed(struct sse_reader *r, struct bytes in, sse_data_fn on_data, void *owner)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];
		bool second_of_crlf = c == '\n' && r->after_cr;

		r->after_cr = c == '\r';
		if (second_of_crlf)
			continue;
		if (c != '\r' && c != '\n')
			text_add_char(&r->line, c);
		else if (!on_line(r, on_data, owner))
			return ERR_OK;
		if (text_err(&r->line) || text_err(&r->data))
			return text_err(&r->line) == ERR_NOMEM ? ERR_NOMEM : ERR_TOO_LARGE;
	}
	return ERR_OK;
}
