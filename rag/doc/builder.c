#include "rag/doc/builder.h"

#include "base/encode.h"
#include "crypto/digest.h"

void builder_init(struct builder *b, struct arena *arena, struct bytes file)
{
	*b = (struct builder){ .arena = arena, .document.file = file, .path_stale = true };
	text_init(&b->text, DOCUMENT_MAX_BYTES);
	b->tail = &b->document.blocks;
}

void builder_fini(struct builder *b)
{
	text_fini(&b->text);
}

/* ---- Text made fit ---- */

/* Marks that show nothing, or turn the direction of what follows: of no use to a reader here. */
static bool is_invisible(uint32_t c)
{
	return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7F && c < 0xA0) ||
	       c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
	       (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF0 && c <= 0xFFFB) ||
	       (c >= 0xE0000 && c <= 0xE0FFF);
}

static bool is_blank(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0xA0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
	       c == 0x205F || c == 0x3000;
}

/* The character at `at` and its length in bytes; 0 for a byte that begins none. */
static size_t character(struct bytes in, size_t at, uint32_t *ret_c)
{
	unsigned char first = (unsigned char)in.at[at];
	size_t n = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
	uint32_t c = first < 0x80 ? first : first & (0x7FU >> n);

	if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || n > in.len - at ||
	    (n > 1 && !utf8_valid(bytes_make(in.at + at, n))))
		return 0;
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)in.at[at + i] & 0x3FU);
	*ret_c = c;
	return n;
}

void clean_text(struct text *out, struct bytes in, bool keep_lines)
{
	size_t began = out->len;
	bool space = false, line = false;

	for (size_t at = 0; at < in.len;) {
		uint32_t c = 0;
		size_t n = character(in, at, &c);

		if (n == 0 || is_invisible(c)) {
			at += n ? n : 1;
			continue;
		}
		if (is_blank(c)) {
			space = true;
			line |= c == '\n' && keep_lines;
		} else {
			if (space && out->len > began)
				text_add_char(out, line ? '\n' : ' ');
			space = line = false;
			text_add(out, bytes_make(in.at + at, n));
		}
		at += n;
	}
}

/* A clean copy in the arena. */
static struct bytes clean_copy(struct builder *b, struct bytes in)
{
	struct text text = TEXT_INIT(DOCUMENT_MAX_BYTES);
	struct bytes copy = BYTES_NONE;

	clean_text(&text, in, false);
	if (!b->err)
		b->err = text_err(&text);
	if (!b->err)
		b->err = arena_copy(b->arena, text_bytes(&text), &copy);
	text_fini(&text);
	return copy;
}

/* ---- Headings ---- */

void builder_title(struct builder *b, struct bytes words)
{
	if (!b->document.title.len)
		b->document.title = clean_copy(b, words);
}

void builder_page(struct builder *b, uint32_t page)
{
	b->page = page;
	if (page > b->document.pages)
		b->document.pages = page;
}

void builder_heading(struct builder *b, unsigned level, struct bytes words, struct bytes code)
{
	struct builder_heading heading = { clean_copy(b, words), level, BYTES_NONE };

	assert(level >= 1 && level <= DOCUMENT_SECTION_DEPTH);
	if (b->err)
		return;
	b->err = arena_copy(b->arena, code, &heading.code);
	while (b->depth > 0 && b->stack[b->depth - 1].level >= level)
		b->depth--;
	b->stack[b->depth++] = heading;
	b->path_stale = true;
	if (heading.words.len) {
		text_add_str(&b->text, b->text.len ? "\n\n" : "");
		text_add(&b->text, heading.words);
	}
}

static struct bytes path_now(struct builder *b)
{
	struct text path = TEXT_INIT(16 * 1024);

	if (!b->path_stale)
		return b->path;
	for (unsigned i = 0; i < b->depth; i++) {
		if (!b->stack[i].words.len)
			continue;
		text_add_str(&path, path.len ? " \xE2\x80\xBA " : "");
		text_add(&path, utf8_clip(b->stack[i].words, DOCUMENT_HEADING_IN_PATH_BYTES));
	}
	if (!b->err)
		b->err = text_err(&path);
	if (!b->err)
		b->err = arena_copy(b->arena, text_bytes(&path), &b->path);
	b->path_stale = false;
	text_fini(&path);
	return b->path;
}

static struct bytes code_now(const struct builder *b)
{
	for (unsigned i = b->depth; i > 0; i--)
		if (b->stack[i - 1].code.len)
			return b->stack[i - 1].code;
	return BYTES_NONE;
}

/* ---- Blocks ---- */

/*
 * A block of the words that were appended to the text since `from`.
 */
static struct block *block_add(struct builder *b, enum block_kind kind, size_t from)
{
	struct block *block;

	if (!b->err && text_err(&b->text))
		b->err = ERR_TOO_LARGE;
	if (!b->err && b->block_count++ == DOCUMENT_BLOCKS_MAX)
		b->err = ERR_TOO_LARGE;
	if (b->err || b->text.len == from)
		return NULL;
	block = arena_new(b->arena, struct block);
	if (!block) {
		b->err = ERR_NOMEM;
		return NULL;
	}
	block->kind = kind;
	block->page = b->page;
	block->depth = b->depth;
	block->path = path_now(b);
	block->code = code_now(b);
	block->from = from;
	block->text.len = b->text.len - from; /* `at` is set when the text moves no more */
	*b->tail = block;
	b->tail = &block->next;
	return block;
}

static size_t gap(struct builder *b)
{
	if (b->text.len)
		text_add_str(&b->text, "\n\n");
	return b->text.len;
}

/* Takes the blank lines back when nothing followed them. */
static void ungap(struct builder *b, size_t before, size_t from)
{
	if (b->text.at && b->text.len == from) {
		b->text.len = before;
		b->text.at[before] = '\0';
	}
}

void builder_text(struct builder *b, enum block_kind kind, struct bytes words)
{
	size_t before = b->text.len, from;

	if (b->err)
		return;
	from = gap(b);
	clean_text(&b->text, words, kind == BLOCK_CODE);
	if (kind == BLOCK_TEXT && b->boxed)
		kind = BLOCK_BOXED;
	if (!block_add(b, kind, from))
		ungap(b, before, from);
}

void builder_table_begin(struct builder *b)
{
	b->rows = NULL;
	b->rows_tail = &b->rows;
	b->cell_count = b->table_cells = 0;
}

void builder_cell(struct builder *b, struct bytes words)
{
	if (b->err || b->cell_count == BUILDER_CELLS_MAX)
		return;
	if (b->table_cells++ == BUILDER_TABLE_CELLS_MAX) {
		b->err = ERR_TOO_LARGE;
		return;
	}
	b->cells[b->cell_count++] = clean_copy(b, words);
}

void builder_row_end(struct builder *b)
{
	struct table_row *row;
	bool any = false;

	for (unsigned i = 0; i < b->cell_count; i++)
		any |= b->cells[i].len > 0;
	if (any && !b->err) {
		row = arena_new(b->arena, struct table_row);
		if (row)
			row->cells = arena_array(b->arena, b->cell_count, sizeof *row->cells);
		if (!row || !row->cells) {
			b->err = ERR_NOMEM;
			return;
		}
		memcpy(row->cells, b->cells, b->cell_count * sizeof *row->cells);
		row->count = b->cell_count;
		*b->rows_tail = row;
		b->rows_tail = &row->next;
	}
	b->cell_count = 0;
}

void builder_table_end(struct builder *b, struct bytes caption, struct bytes footnote)
{
	size_t before = b->text.len, from;
	struct block *block;

	if (b->cell_count)
		builder_row_end(b);
	if (b->err || !b->rows)
		return;
	from = gap(b);
	if (caption.len) {
		clean_text(&b->text, caption, false);
		text_add_char(&b->text, '\n');
	}
	for (const struct table_row *row = b->rows; row; row = row->next) {
		for (unsigned i = 0; i < row->count; i++) {
			text_add_str(&b->text, i ? " | " : "");
			text_add(&b->text, row->cells[i]);
		}
		text_add_str(&b->text, row->next ? "\n" : "");
	}
	if (footnote.len) {
		text_add_char(&b->text, '\n');
		clean_text(&b->text, footnote, false);
	}
	block = block_add(b, BLOCK_TABLE, from);
	if (!block) {
		ungap(b, before, from);
		return;
	}
	block->rows = b->rows;
	block->caption = clean_copy(b, caption);
	block->footnote = clean_copy(b, footnote);
	b->rows = NULL;
}

static void line(struct builder *b, size_t from, struct bytes words)
{
	if (words.len == 0)
		return;
	if (b->text.len > from)
		text_add_char(&b->text, '\n');
	clean_text(&b->text, words, false);
}

void builder_equation(struct builder *b, struct bytes latex, struct bytes words,
		      struct bytes caption)
{
	size_t before = b->text.len, from;
	struct block *block;

	if (b->err)
		return;
	from = gap(b);
	line(b, from, caption);
	line(b, from, words);
	line(b, from, latex);
	block = block_add(b, BLOCK_EQUATION, from);
	if (!block) {
		ungap(b, before, from);
		return;
	}
	block->latex = clean_copy(b, latex);
	block->caption = clean_copy(b, caption);
}

void builder_image(struct builder *b, struct document_asset *asset, struct bytes words,
		   struct bytes caption, struct bytes footnote)
{
	size_t before = b->text.len, from;
	struct block *block;

	if (b->err)
		return;
	from = gap(b);
	line(b, from, caption);
	line(b, from, words);
	line(b, from, footnote);
	block = block_add(b, BLOCK_IMAGE, from);
	if (!block) {
		ungap(b, before, from);
		return;
	}
	block->asset = asset;
	block->caption = clean_copy(b, caption);
	block->footnote = clean_copy(b, footnote);
	if (asset) {
		asset->caption = block->caption;
		asset->page = b->page;
	}
}

static struct bytes asset_id(struct builder *b, struct bytes data)
{
	char hex[SHA256_HEX_BYTES + 1], both[2 * SHA256_HEX_BYTES + 1];
	char *id;

	sha256_hex(data, hex);
	memcpy(both, hex, SHA256_HEX_BYTES);
	sha256_hex(b->document.file, both + SHA256_HEX_BYTES);
	sha256_hex(bytes_make(both, 2 * SHA256_HEX_BYTES), hex);
	id = arena_printf(b->arena, "ast_%.20s", hex);
	if (!id)
		b->err = ERR_NOMEM;
	return bytes_of(id);
}

struct document_asset *builder_asset(struct builder *b, struct bytes data, const char *media_type)
{
	struct document_asset *asset;

	if (b->err || data.len == 0 || b->document.asset_count == DOCUMENT_ASSETS_MAX)
		return NULL;
	asset = arena_new(b->arena, struct document_asset);
	if (!asset) {
		b->err = ERR_NOMEM;
		return NULL;
	}
	asset->data = data;
	asset->id = asset_id(b, data);
	asset->media_type = media_type;
	asset->next = b->document.assets;
	b->document.assets = asset;
	b->document.asset_count++;
	return asset;
}

err_t builder_finish(struct builder *b, struct document *ret_document)
{
	if (!b->err && text_err(&b->text))
		b->err = ERR_TOO_LARGE;
	if (b->err)
		return b->err;
	if (!b->document.blocks)
		return ERR_SYNTAX;
	TRY(arena_copy(b->arena, text_bytes(&b->text), &b->document.text));
	for (struct block *block = b->document.blocks; block; block = block->next)
		block->text.at = b->document.text.at + block->from;
	if (!b->document.title.len)
		TRY(document_title_of_file(b->arena, b->document.file, &b->document.title));
	*ret_document = b->document;
	return ERR_OK;
}
