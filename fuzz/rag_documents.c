/*
 * Documents of strangers: every parser that runs in ragd itself, and what cuts their blocks into
 * passages. The first byte chooses the parser; the children's outputs (pdftotext's layout,
 * tesseract's table) are read as if they had run.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/encode.h"
#include "rag/api/multipart.h"
#include "rag/chunk/chunk.h"
#include "rag/doc/archive.h"
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

static void output(bool tsv, struct bytes in)
{
	struct document document;
	struct builder *b;
	struct arena arena;
	unsigned pages = 0, empty = 0;

	arena_init(&arena, 64 << 20);
	b = arena_new(&arena, struct builder);
	builder_init(b, &arena, BYTES("a.pdf"));
	if (tsv)
		ocr_tsv_add(b, in);
	else
		(void)pdf_layout_read(b, in, &pages, &empty);
	if (builder_finish(b, &document) == ERR_OK)
		check(&document);
	builder_fini(b);
	arena_fini(&arena);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		parse_fn parse;
		const char *file;
	} parsers[] = {
		{ text_read, "a.md" },	    { csv_read, "a.csv" },   { json_read, "a.json" },
		{ json_read, "a.jsonl" },   { html_read, "a.html" }, { spl_read, "a.xml" },
		{ xml_read, "a.xml" },	    { docx_read, "a.docx" }, { pptx_read, "a.pptx" },
		{ xlsx_read, "a.xlsx" },    { odt_read, "a.odt" },   { epub_read, "a.epub" },
		{ content_list_read, "a" },
	};
	struct bytes in;
	unsigned which;

	if (size == 0)
		return 0;
	in = bytes_make(data + 1, size - 1);
	which = data[0] % (COUNT(parsers) + 4);
	if (which < COUNT(parsers))
		parser(parsers[which].parse, parsers[which].file, in);
	else if (which == COUNT(parsers))
		form(in);
	else if (which == COUNT(parsers) + 1)
		names(in);
	else
		output(which == COUNT(parsers) + 2, in);
	return 0;
}
