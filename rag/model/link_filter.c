#include "rag/model/link_filter.h"

static void close_address(struct link_filter *f, struct text *out)
{
	struct bytes held = bytes_make(f->held, f->held_len);

	if (!f->dropping && bytes_starts(held, BYTES("/assets/"))) {
		text_add_char(out, '(');
		text_add(out, held);
		text_add_char(out, ')');
	}
	f->inside = f->dropping = false;
	f->held_len = 0;
}

static void hold(struct link_filter *f, char c)
{
	/* A line's end inside an address: Markdown would not read a link either. */
	if (f->held_len == LINK_HELD_MAX)
		f->dropping = true;
	if (!f->dropping)
		f->held[f->held_len++] = c;
}

void link_filter_feed(struct link_filter *f, struct bytes in, struct text *out)
{
	for (size_t i = 0; i < in.len; i++) {
		char c = in.at[i];

		if (f->inside) {
			if (c == ')' || c == '\n')
				close_address(f, out);
			else
				hold(f, c);
			continue;
		}
		if (f->bang) {
			f->bang = false;
			if (c != '[')
				text_add_char(out, '!');
		}
		if (f->bracket && c == '(') {
			f->inside = true;
		} else if (c == '!') {
			f->bang = true;
		} else {
			text_add_char(out, c);
		}
		f->bracket = c == ']';
	}
}

void link_filter_end(struct link_filter *f, struct text *out)
{
	if (f->bang)
		text_add_char(out, '!');
	*f = (struct link_filter){ .bang = false };
}
