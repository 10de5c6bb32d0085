#include "rag/doc/markdown.h"

#include "base/encode.h"
#include "base/text.h"

struct heading {
	struct bytes words;
	unsigned level;
};

struct parser {
	struct arena *arena;
	struct document *document;
	struct block **tail;
	struct heading stack[DOCUMENT_SECTION_DEPTH];
	unsigned depth;
	bool saw_title; /* the first heading, which names the document and no section of it */
	bool in_front;	/* still among the lines that say who the document is */
	bool in_fence;	/* between ``` and ```: a # is no heading there */
	bool in_yaml;
	bool after_blank; /* the line before had no words */
	bool underlined;  /* the next line is the underline of the heading before */
	unsigned block_count;
	size_t body_from, body_to; /* of the section being read; empty when equal */
};

static struct bytes trim_all(struct bytes b)
{
	while (b.len && strchr(" \t\r\n", b.at[0]))
		b = bytes_from(b, 1);
	while (b.len && strchr(" \t\r\n", b.at[b.len - 1]))
		b.len--;
	return b;
}

static err_t section_path(struct parser *p, struct bytes *ret_path)
{
	struct text path = TEXT_INIT(16 * 1024);
	err_t err;

	for (unsigned i = 0; i < p->depth; i++) {
		if (i > 0)
			text_add_str(&path, " \xE2\x80\xBA ");
		text_add(&path, utf8_clip(p->stack[i].words, DOCUMENT_HEADING_IN_PATH_BYTES));
	}
	err = text_err(&path);
	if (!err)
		err = arena_copy(p->arena, text_bytes(&path), ret_path);
	text_fini(&path);
	return err;
}

static struct bytes line_at(struct bytes text, size_t at)
{
	return bytes_upto(bytes_from(text, at), bytes_index(bytes_from(text, at), '\n'));
}

/* "| --- | :-: |": what makes the line above it a table's header. */
static bool is_delimiter(struct bytes line)
{
	bool dash = false, pipe = false;

	for (size_t i = 0; i < line.len; i++) {
		if (!strchr("|-: \t\r", line.at[i]))
			return false;
		dash |= line.at[i] == '-';
		pipe |= line.at[i] == '|';
	}
	return dash && pipe;
}

static err_t block_add(struct parser *p, struct bytes text, struct block **ret_block)
{
	struct block *block;

	text = trim_all(text);
	*ret_block = NULL;
	if (text.len == 0)
		return ERR_OK;
	if (p->block_count++ == DOCUMENT_BLOCKS_MAX)
		return ERR_TOO_LARGE;
	block = arena_new(p->arena, struct block);
	if (!block)
		return ERR_NOMEM;
	block->text = text;
	block->from = (size_t)(text.at - p->document->text.at);
	block->depth = p->depth;
	TRY(section_path(p, &block->path));
	*p->tail = block;
	p->tail = &block->next;
	*ret_block = block;
	return ERR_OK;
}

/* The cells of "| a | b \| c |", borrowed from the line. */
static err_t row_add(struct parser *p, struct bytes line, struct table_row ***tail)
{
	struct table_row *row = arena_new(p->arena, struct table_row);
	size_t from, cells = 1;

	line = trim_all(line);
	if (line.len && line.at[0] == '|')
		line = bytes_from(line, 1);
	if (line.len && line.at[line.len - 1] == '|')
		line.len--;
	for (size_t i = 0; i < line.len; i++)
		cells += line.at[i] == '|' && (i == 0 || line.at[i - 1] != '\\');
	if (!row)
		return ERR_NOMEM;
	row->cells = arena_array(p->arena, cells, sizeof *row->cells);
	if (!row->cells)
		return ERR_NOMEM;
	from = 0;
	for (size_t i = 0; i <= line.len; i++) {
		if (i < line.len && (line.at[i] != '|' || (i > 0 && line.at[i - 1] == '\\')))
			continue;
		row->cells[row->count++] = trim_all(bytes_make(line.at + from, i - from));
		from = i + 1;
	}
	**tail = row;
	*tail = &row->next;
	return ERR_OK;
}

/* Where the table whose header begins at `at` ends; 0 when there is none. */
static size_t table_end(struct bytes body, size_t at)
{
	struct bytes header = line_at(body, at);
	size_t next = at + header.len + 1;

	if (bytes_index(header, '|') == SIZE_MAX || next >= body.len ||
	    !is_delimiter(line_at(body, next)))
		return 0;
	while (next < body.len && bytes_index(line_at(body, next), '|') != SIZE_MAX)
		next += line_at(body, next).len + 1;
	return size_min(next, body.len);
}

static err_t table_add(struct parser *p, struct bytes text)
{
	struct table_row **tail;
	struct block *block;
	unsigned number = 0;

	TRY(block_add(p, text, &block));
	if (!block)
		return ERR_OK;
	block->kind = BLOCK_TABLE;
	tail = &block->rows;
	for (size_t at = 0; at < text.len; number++) {
		struct bytes line = line_at(text, at);

		if (number != 1 && trim_all(line).len)
			TRY(row_add(p, line, &tail));
		at += line.len + 1;
	}
	return ERR_OK;
}

/* Ends the section being read; one without text leaves no trace. Its tables are blocks apart. */
static err_t section_close(struct parser *p)
{
	struct bytes body = bytes_make(p->document->text.at + p->body_from,
				       p->body_to - p->body_from);
	size_t from = 0, at = 0;
	bool in_fence = false;
	struct block *block;

	p->body_from = p->body_to;
	while (at < body.len) {
		struct bytes line = line_at(body, at);
		size_t end;

		in_fence ^= bytes_starts(trim_all(line), BYTES("```"));
		end = in_fence ? 0 : table_end(body, at);
		if (end) {
			TRY(block_add(p, bytes_make(body.at + from, at - from), &block));
			TRY(table_add(p, bytes_make(body.at + at, end - at)));
			from = end;
		}
		at = end ? end : at + line.len + 1;
	}
	return block_add(p, bytes_from(body, size_min(from, body.len)), &block);
}

/* "## Dose ##" gives level 2 and "Dose"; level 0 is no heading. */
static struct heading heading_of(struct bytes line)
{
	struct heading heading = { BYTES_NONE, 0 };

	while (heading.level < line.len && line.at[heading.level] == '#')
		heading.level++;
	if (heading.level == 0 || heading.level > 6 || heading.level == line.len ||
	    (line.at[heading.level] != ' ' && line.at[heading.level] != '\t'))
		return (struct heading){ BYTES_NONE, 0 };
	heading.words = bytes_trim(bytes_from(line, heading.level));
	while (heading.words.len && heading.words.at[heading.words.len - 1] == '#')
		heading.words.len--;
	heading.words = bytes_trim(heading.words);
	return heading;
}

static err_t on_heading(struct parser *p, struct heading heading)
{
	TRY(section_close(p));
	if (!p->saw_title && heading.level == 1) {
		p->saw_title = true;
		p->in_front = true;
		if (!p->document->title.len)
			p->document->title = heading.words;
		return ERR_OK;
	}
	p->in_front = false;
	while (p->depth > 0 && p->stack[p->depth - 1].level >= heading.level)
		p->depth--;
	assert(p->depth < DOCUMENT_SECTION_DEPTH);
	p->stack[p->depth++] = heading;
	return ERR_OK;
}

/* "Name: value" where the name is one word that begins with a capital or, in YAML, any letter. */
static bool on_front_line(struct parser *p, struct bytes line)
{
	size_t colon = bytes_index(line, ':');
	struct bytes name, value;

	if (colon == SIZE_MAX || colon == 0 || colon > 24)
		return false;
	name = bytes_upto(line, colon);
	for (size_t i = 0; i < name.len; i++)
		if (ascii_lower(name.at[i]) < 'a' || ascii_lower(name.at[i]) > 'z')
			return false;
	value = bytes_trim(bytes_from(line, colon + 1));
	if (value.len == 0)
		return p->in_yaml;
	if (bytes_eq_nocase(name, BYTES("Title")))
		p->document->title = value;
	else if (bytes_eq_nocase(name, BYTES("Category")))
		p->document->category = value;
	else if (bytes_eq_nocase(name, BYTES("Subject")))
		p->document->subject = value;
	else if (bytes_eq_nocase(name, BYTES("Source")) &&
		 p->document->source_count < DOCUMENT_SOURCES_MAX)
		p->document->sources[p->document->source_count++] = value;
	return true;
}

static bool is_underline(struct bytes line)
{
	if (line.len < 3 || (line.at[0] != '=' && line.at[0] != '-'))
		return false;
	for (size_t i = 1; i < line.len; i++)
		if (line.at[i] != line.at[0])
			return false;
	return true;
}

/* "Dose" above "====" or "----"; a paragraph's last line above a rule is none. */
static struct heading underlined_heading(struct parser *p, struct bytes words, size_t to)
{
	struct bytes text = p->document->text, below;

	if (words.len == 0 || words.len > 200 || to >= text.len || is_underline(words) ||
	    !p->after_blank || strchr("|->*+", words.at[0]))
		return (struct heading){ BYTES_NONE, 0 };
	below = trim_all(line_at(text, to));
	if (!is_underline(below))
		return (struct heading){ BYTES_NONE, 0 };
	p->underlined = true;
	return (struct heading){ words, below.at[0] == '=' ? 1 : 2 };
}

static err_t on_line(struct parser *p, struct bytes line, size_t from, size_t to)
{
	struct bytes words = trim_all(line);
	struct heading heading;

	if (p->in_yaml || (from == 0 && bytes_eq_str(words, "---"))) {
		if (from > 0 && bytes_eq_str(words, "---"))
			p->in_yaml = false;
		else
			p->in_yaml = from == 0 || on_front_line(p, words) || words.len > 0;
		p->body_from = p->body_to = to;
		return ERR_OK;
	}
	if (bytes_starts(words, BYTES("```")))
		p->in_fence = !p->in_fence;
	if (!p->in_fence && p->underlined && is_underline(words)) {
		p->underlined = false; /* the heading it belongs to was taken with the line above */
		p->body_from = p->body_to = to;
		return ERR_OK;
	}
	heading = p->in_fence ? (struct heading){ BYTES_NONE, 0 } : heading_of(words);
	if (!p->in_fence && !heading.level)
		heading = underlined_heading(p, words, to);
	if (heading.level && heading.words.len) {
		TRY(on_heading(p, heading));
		p->body_from = p->body_to = to;
		return ERR_OK;
	}
	if (p->in_front && (words.len == 0 || on_front_line(p, words))) {
		p->body_from = p->body_to = to;
		return ERR_OK;
	}
	if (words.len)
		p->in_front = false;
	p->body_to = to;
	return ERR_OK;
}

err_t markdown_parse(struct arena *arena, struct bytes file, struct bytes text,
		     struct document *ret_document)
{
	struct document document = { .file = file, .text = text };
	struct parser p = {
		.arena = arena, .document = &document, .in_front = true, .after_blank = true
	};
	size_t at = 0;

	if (text.len > DOCUMENT_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (!utf8_valid(text) || (text.len && memchr(text.at, '\0', text.len)))
		return ERR_SYNTAX;
	if (text.len >= 3 && memcmp(text.at, "\xEF\xBB\xBF", 3) == 0)
		at = 3; /* the byte order mark of old editors */
	p.tail = &document.blocks;
	p.body_from = p.body_to = at;
	while (at < text.len) {
		size_t end = bytes_index(bytes_from(text, at), '\n');
		size_t next = end == SIZE_MAX ? text.len : at + end + 1;

		TRY(on_line(&p, bytes_make(text.at + at, next - at), at, next));
		p.after_blank = trim_all(bytes_make(text.at + at, next - at)).len == 0;
		at = next;
	}
	TRY(section_close(&p));
	if (!document.blocks)
		return ERR_SYNTAX;
	if (!document.title.len)
		TRY(document_title_of_file(arena, file, &document.title));
	*ret_document = document;
	return ERR_OK;
}
