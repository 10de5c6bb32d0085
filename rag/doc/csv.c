/*
 * Comma-separated values (RFC 4180), and their cousins with tabs, semicolons and bars: a table,
 * whose first row is the header.
 */
#include "rag/doc/csv.h"

#include "rag/doc/charset.h"
#include "rag/doc/parse.h"

enum { ROWS_A_TABLE = 2000 };

struct csv {
	struct bytes text;
	size_t at;
	char separator;
	struct builder *builder;
	struct text cell;
	struct bytes header[BUILDER_CELLS_MAX];
	unsigned header_count, rows;
};

/* The separator that the first line has most of, outside quotes. */
static char sniff(struct bytes text)
{
	static const char candidates[] = ",;\t|";
	unsigned best = 0, counts[sizeof candidates] = { 0 };
	bool quoted = false;

	for (size_t i = 0; i < text.len && (quoted || text.at[i] != '\n'); i++) {
		const char *found = strchr(candidates, text.at[i]);

		quoted ^= text.at[i] == '"';
		if (found && *found && !quoted)
			counts[found - candidates]++;
	}
	for (unsigned i = 1; candidates[i]; i++)
		if (counts[i] > counts[best])
			best = i;
	return candidates[best];
}

/* Reads one cell; true when another follows on the row. */
static bool cell_read(struct csv *c)
{
	bool quoted = c->at < c->text.len && c->text.at[c->at] == '"';

	text_clear(&c->cell);
	c->at += quoted;
	while (c->at < c->text.len) {
		char ch = c->text.at[c->at];

		if (quoted && ch == '"') {
			c->at++;
			if (c->at < c->text.len && c->text.at[c->at] == '"')
				text_add_char(&c->cell, c->text.at[c->at++]);
			else
				quoted = false;
			continue;
		}
		if (!quoted && (ch == c->separator || ch == '\n'))
			break;
		text_add_char(&c->cell, ch);
		c->at++;
	}
	if (c->at >= c->text.len)
		return false;
	return c->text.at[c->at++] == c->separator;
}

static void keep_header(struct csv *c)
{
	if (c->header_count < BUILDER_CELLS_MAX && !c->builder->err)
		c->builder->err = arena_copy(c->builder->arena, text_bytes(&c->cell),
					     &c->header[c->header_count++]);
}

/* A long file is several tables, each with the header. */
static void table_turn(struct csv *c)
{
	builder_table_end(c->builder, BYTES_NONE, BYTES_NONE);
	builder_table_begin(c->builder);
	for (unsigned i = 0; i < c->header_count; i++)
		builder_cell(c->builder, c->header[i]);
	builder_row_end(c->builder);
}

static void rows_read(struct csv *c)
{
	builder_table_begin(c->builder);
	while (c->at < c->text.len && !c->builder->err) {
		bool more;

		do {
			more = cell_read(c);
			if (c->rows == 0)
				keep_header(c);
			builder_cell(c->builder, text_bytes(&c->cell));
		} while (more && !c->builder->err);
		builder_row_end(c->builder);
		if (++c->rows % ROWS_A_TABLE == 0)
			table_turn(c);
	}
	builder_table_end(c->builder, BYTES_NONE, BYTES_NONE);
}

void csv_table(struct builder *b, struct bytes text, char separator)
{
	struct csv *c = arena_new(b->arena, struct csv);

	if (!c) {
		b->err = b->err ? b->err : ERR_NOMEM;
		return;
	}
	*c = (struct csv){ .text = text, .separator = separator, .builder = b };
	text_init(&c->cell, DOCUMENT_MAX_BYTES);
	rows_read(c);
	if (!b->err)
		b->err = text_err(&c->cell);
	text_fini(&c->cell);
}

err_t csv_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
	       struct parse_why *ret_why)
{
	struct builder *b = arena_new(arena, struct builder);
	struct bytes text;
	err_t err;

	if (!b)
		return ERR_NOMEM;
	err = charset_decode(arena, input->data, &text);
	if (err == ERR_SYNTAX)
		return parse_refuse(ret_why, "malformed", "These bytes are no text.");
	TRY(err);
	builder_init(b, arena, input->file);
	csv_table(b, text, sniff(text));
	err = builder_finish(b, ret_document);
	builder_fini(b);
	return err;
}
