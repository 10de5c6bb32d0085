/*
 * Documents of strangers: every parser that runs in ragd itself, and what cuts their blocks into
 * passages. The first byte, a letter, chooses the parser; the children's outputs (pdftotext's
 * layout, tesseract's table, catdoc's lines) are read as if they had run.
 *
 * A small letter gives the parser the bytes as they are. A capital one first packs them: see zip.h.
 * The checksums and the packing of a real archive let hardly a change through.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/encode.h"
#include "fuzz/zip.h"
#include "rag/api/multipart.h"
#include "rag/chunk/chunk.h"
#include "rag/doc/archive.h"
#include "rag/doc/legacy.h"
#include "rag/doc/ocr.h"
#include "rag/doc/parse.h"
#include "rag/doc/pdf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t on_chunk(void *owner, const struct passage *chunk)
{
	const struct document *document = owner;

	if (!utf8_valid(chunk->body) || !utf8_valid(chunk->section) || chunk->words == 0 ||
	    chunk->char_from > chunk->char_to || chunk->char_to > document->text.len)
		abort();
	return ERR_OK;
}

static void check(const struct document *document)
{
	struct text facts = TEXT_INIT(1 << 20);

	if (!document->blocks || !document->title.at)
		abort();
	for (const struct block *b = document->blocks; b; b = b->next)
		if (b->text.len == 0 || b->from + b->text.len > document->text.len ||
		    b->text.at != document->text.at + b->from)
			abort();
	document_facts_json(&facts, document);
	text_fini(&facts);
	(void)chunk_document(document, CHUNK_SECTIONS, on_chunk, (void *)(uintptr_t)document);
	(void)chunk_document(document, CHUNK_FIXED, on_chunk, (void *)(uintptr_t)document);
}

static void parser(parse_fn parse, const char *file, struct bytes in)
{
	const struct parse_input input = { .file = bytes_of(file), .data = in };
	struct parse_why why = { .code = "" };
	struct document document = { .file = input.file };
	struct arena arena;

	arena_init(&arena, 64 << 20);
	(void)format_sniff(&input);
	if (parse(&input, &arena, &document, &why) == ERR_OK)
		check(&document);
	arena_fini(&arena);
}

/* A child's output: what `read` makes blocks of. */
static void output(void (*read)(struct builder *b, struct bytes words), struct bytes in)
{
	struct document document;
	struct builder *b;
	struct arena arena;

	arena_init(&arena, 64 << 20);
	b = arena_new(&arena, struct builder);
	builder_init(b, &arena, BYTES("a.pdf"));
	read(b, in);
	if (builder_finish(b, &document) == ERR_OK)
		check(&document);
	builder_fini(b);
	arena_fini(&arena);
}

static void layout_read(struct builder *b, struct bytes layout)
{
	unsigned pages = 0, empty = 0;

	(void)pdf_layout_read(b, layout, &pages, &empty);
	if (empty > pages)
		abort();
}

static void form(struct bytes in)
{
	struct multipart m;
	struct multipart_part part;

	if (multipart_begin(&m, bytes_upto(in, 80), in) &&
	    multipart_begin(&m, BYTES("multipart/form-data; boundary=x"), in))
		abort();
	while (multipart_next(&m, &part) == ERR_OK)
		if (part.data.len > in.len)
			abort();
}

static void names(struct bytes in)
{
	struct arena arena;
	char *name;

	arena_init(&arena, 1 << 20);
	name = archive_resolve(&arena, "ppt/slides/slide1.xml", in);
	if (name && (strncmp(name, "../", 3) == 0 || strstr(name, "/../")))
		abort();
	arena_fini(&arena);
}

static const struct way {
	char letter;
	parse_fn parse;
	const char *file;
	void (*output)(struct builder *b, struct bytes words);
	void (*other)(struct bytes in);
} ways[] = {
	{ 'm', .parse = text_read, .file = "a.md" },
	{ 'c', .parse = csv_read, .file = "a.csv" },
	{ 'j', .parse = json_read, .file = "a.json" },
	{ 'l', .parse = json_read, .file = "a.jsonl" },
	{ 'h', .parse = html_read, .file = "a.html" },
	{ 's', .parse = spl_read, .file = "a.xml" },
	{ 'x', .parse = xml_read, .file = "a.xml" },
	{ 'd', .parse = docx_read, .file = "a.docx" },
	{ 'p', .parse = pptx_read, .file = "a.pptx" },
	{ 'w', .parse = xlsx_read, .file = "a.xlsx" },
	{ 'o', .parse = odt_read, .file = "a.odt" },
	{ 'e', .parse = epub_read, .file = "a.epub" },
	{ 'k', .parse = content_list_read, .file = "a" },
	{ 'f', .other = form },
	{ 'n', .other = names },
	{ 'b', .output = layout_read },
	{ 't', .output = ocr_tsv_add },
	{ 'i', .output = legacy_lines_read },
	{ 'v', .output = legacy_sheets_read },
};

static void go(const struct way *way, struct bytes in)
{
	if (way->parse)
		parser(way->parse, way->file, in);
	else if (way->output)
		output(way->output, in);
	else
		way->other(in);
}

static const struct way *way_of(uint8_t letter)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		if (ways[i].letter == ascii_lower((char)letter))
			return &ways[i];
	return &ways[letter % COUNT(ways)];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text packed = TEXT_INIT(ZIP_MAX_BYTES);
	struct bytes in;

	if (size == 0)
		return 0;
	in = bytes_make(data + 1, size - 1);
	if (data[0] >= 'A' && data[0] <= 'Z') {
		zip_pack(&packed, in);
		in = text_bytes(&packed);
	}
	go(way_of(data[0]), in);
	text_fini(&packed);
	return 0;
}
