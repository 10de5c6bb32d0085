/*
 * PDF, by poppler's pdftotext as a child: words with their places. Headings are guessed by the size
 * of their letters; what stands at the head or foot of most pages is left out; words parted at a
 * line's end are joined. Pages without text are read by tesseract, where it is installed.
 */
#include "rag/doc/pdf.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/converter.h"
#include "rag/doc/builder.h"
#include "rag/doc/ocr.h"
#include "rag/doc/parse.h"
#include "rag/doc/xml.h"

enum {
	CHILD_MS = 60 * 1000,
	OUTPUT_MAX = 64 * 1024 * 1024,
	SIZES_MAX = 512, /* of letters, in quarters of a point */
	HEADING_WORDS = 16,
	EDGES_MAX = 4096,
	EDGE_PERCENT = 9, /* of a page's height that is its head, and its foot */
	PAGES_MAX = 20000,
};

static const uint64_t child_memory = 1024ULL * 1024 * 1024;

struct line {
	struct text words;
	double size, top, bottom;
	unsigned count;
};

/* What stands at the edges of pages, with digits as '#', and on how many. */
struct edges {
	uint64_t hashes[EDGES_MAX];
	uint32_t pages[EDGES_MAX];
	unsigned count;
};

struct pdf {
	struct builder *builder;
	uint64_t sizes[SIZES_MAX]; /* letters of each size */
	unsigned body_size;
	unsigned heads[3]; /* the three largest sizes that headings have, descending */
	struct edges edges;
	unsigned pages, page;
	struct text para;
};

/* ---- A line of words ---- */

static double number(const xmlNode *node, const char *name)
{
	struct bytes value = xml_attribute(node, name);
	char copy[32];

	if (value.len == 0 || value.len >= sizeof copy)
		return 0;
	memcpy(copy, value.at, value.len);
	copy[value.len] = '\0';
	return strtod(copy, NULL);
}

static void line_read(const xmlNode *node, struct line *line)
{
	text_clear(&line->words);
	line->count = 0;
	line->size = 0;
	line->top = number(node, "yMin");
	line->bottom = number(node, "yMax");
	for (const xmlNode *w = xml_child(node, "word"); w; w = xml_next(w, "word")) {
		double size = number(w, "yMax") - number(w, "yMin");

		text_add_str(&line->words, line->words.len ? " " : "");
		xml_text(w, &line->words);
		line->size = size > line->size ? size : line->size;
		line->count++;
	}
}

static unsigned size_slot(double size)
{
	return size <= 0 ? 0 : size * 4 >= SIZES_MAX ? SIZES_MAX - 1 : (unsigned)(size * 4);
}

/* Calls `each` for every line of every page, in reading order. */
typedef void (*line_fn)(struct pdf *pdf, const xmlNode *page, struct line *line, bool new_block);

static void page_walk(struct pdf *pdf, const xmlNode *page, struct line *line, line_fn each)
{
	for (const xmlNode *f = xml_child(page, "flow"); f; f = xml_next(f, "flow")) {
		for (const xmlNode *b = xml_child(f, "block"); b; b = xml_next(b, "block")) {
			bool first = true;

			for (const xmlNode *l = xml_child(b, "line"); l; l = xml_next(l, "line")) {
				line_read(l, line);
				if (line->words.len)
					each(pdf, page, line, first);
				first = false;
			}
		}
	}
}

/* ---- What repeats at the edges ---- */

static bool at_edge(const xmlNode *page, const struct line *line)
{
	double height = number(page, "height"), edge = height * EDGE_PERCENT / 100;

	return height > 0 && (line->bottom < edge || line->top > height - edge);
}

static uint64_t edge_hash(struct bytes words)
{
	uint64_t hash = 0xCBF29CE484222325ULL;
	bool in_number = false;

	for (size_t i = 0; i < words.len; i++) {
		bool digit = words.at[i] >= '0' && words.at[i] <= '9';

		if (!digit || !in_number)
			hash = (hash ^ (digit ? '#' : (unsigned char)words.at[i])) *
			       0x100000001B3ULL;
		in_number = digit;
	}
	return hash ? hash : 1;
}

static uint32_t *edge_count(struct edges *edges, uint64_t hash)
{
	for (unsigned i = 0; i < edges->count; i++)
		if (edges->hashes[i] == hash)
			return &edges->pages[i];
	if (edges->count == EDGES_MAX)
		return NULL;
	edges->hashes[edges->count] = hash;
	return &edges->pages[edges->count++];
}

static void on_measured(struct pdf *pdf, const xmlNode *page, struct line *line, bool new_block)
{
	(void)new_block;
	pdf->sizes[size_slot(line->size)] += line->words.len;
	if (at_edge(page, line)) {
		uint32_t *count = edge_count(&pdf->edges, edge_hash(text_bytes(&line->words)));

		if (count)
			++*count;
	}
}

static bool repeats(struct pdf *pdf, const xmlNode *page, const struct line *line)
{
	uint32_t *count;

	if (pdf->pages < 3 || !at_edge(page, line))
		return false;
	count = edge_count(&pdf->edges, edge_hash(text_bytes(&line->words)));
	return count && *count >= 3 && *count * 2 >= pdf->pages;
}

/* ---- Headings and paragraphs ---- */

static void find_sizes(struct pdf *pdf)
{
	unsigned found = 0;

	for (unsigned i = 1; i < SIZES_MAX; i++)
		if (pdf->sizes[i] > pdf->sizes[pdf->body_size])
			pdf->body_size = i;
	for (unsigned i = SIZES_MAX - 1; i > 0 && i * 100 >= pdf->body_size * 115 && found < 3; i--)
		if (pdf->sizes[i])
			pdf->heads[found++] = i;
}

static unsigned heading_level(const struct pdf *pdf, const struct line *line)
{
	unsigned slot = size_slot(line->size);

	if (!pdf->body_size || slot * 100 < pdf->body_size * 115 || line->count > HEADING_WORDS)
		return 0;
	for (unsigned i = 0; i < COUNT(pdf->heads); i++)
		if (slot >= pdf->heads[i] && pdf->heads[i])
			return i + 1;
	return 3;
}

static void para_end(struct pdf *pdf)
{
	if (pdf->para.len)
		builder_text(pdf->builder, BLOCK_TEXT, text_bytes(&pdf->para));
	text_clear(&pdf->para);
}

/* "inter-" and "action" are one word; "HMG-" and "CoA" are two parts of a name. */
static void para_add(struct pdf *pdf, struct bytes words)
{
	struct text *para = &pdf->para;

	if (para->len > 1 && para->at[para->len - 1] == '-' && words.len && words.at[0] >= 'a' &&
	    words.at[0] <= 'z' && para->at[para->len - 2] >= 'a' && para->at[para->len - 2] <= 'z')
		para->at[--para->len] = '\0';
	else if (para->len)
		text_add_char(para, ' ');
	text_add(para, words);
}

static void on_line(struct pdf *pdf, const xmlNode *page, struct line *line, bool new_block)
{
	unsigned level = heading_level(pdf, line);

	if (repeats(pdf, page, line))
		return;
	if (level) {
		para_end(pdf);
		if (level == 1)
			builder_title(pdf->builder, text_bytes(&line->words));
		builder_heading(pdf->builder, level, text_bytes(&line->words), BYTES_NONE);
		return;
	}
	if (new_block)
		para_end(pdf);
	para_add(pdf, text_bytes(&line->words));
}

/* ---- The whole ---- */

err_t pdf_layout_read(struct builder *b, struct bytes layout, unsigned *ret_pages,
		      unsigned *ret_empty)
{
	static const char *const path[] = { "body", "doc", NULL };
	xmlDoc *tree = xml_open_broken(layout);
	const xmlNode *doc = tree ? xml_find(xmlDocGetRootElement(tree), path) : NULL;
	struct pdf *pdf = calloc(1, sizeof *pdf);
	struct line line = { .words = TEXT_INIT(1 << 20) };

	if (!pdf || !doc) {
		free(pdf);
		if (tree)
			xmlFreeDoc(tree);
		return pdf ? ERR_SYNTAX : ERR_NOMEM;
	}
	pdf->builder = b;
	text_init(&pdf->para, 8 << 20);
	for (const xmlNode *p = xml_child(doc, "page"); p && pdf->pages < PAGES_MAX;
	     p = xml_next(p, "page")) {
		pdf->pages++;
		page_walk(pdf, p, &line, on_measured);
	}
	find_sizes(pdf);
	*ret_pages = pdf->pages;
	for (const xmlNode *p = xml_child(doc, "page"), *next; p; p = next) {
		size_t before = b->text.len;

		next = xml_next(p, "page");
		builder_page(b, ++pdf->page);
		page_walk(pdf, p, &line, on_line);
		para_end(pdf);
		if (b->text.len == before) {
			++*ret_empty;
			if (!b->err)
				b->err = document_warn(b->arena, &b->document,
						       "page %u: no text layer", pdf->page);
		}
	}
	text_fini(&line.words);
	text_fini(&pdf->para);
	free(pdf);
	xmlFreeDoc(tree);
	return b->err;
}

static err_t run(const struct parse_input *input, char *const *arguments, struct text *output,
		 struct parse_why *why)
{
	const struct converter_options options = {
		.program = arguments[0],
		.arguments = arguments,
		.input = input->data,
		.output_max = OUTPUT_MAX,
		.time_ms = CHILD_MS,
		.memory_max = child_memory,
		.cancelled = input->cancelled,
	};
	struct text complaints = TEXT_INIT(2048);
	err_t err = converter_run(&options, output, &complaints);

	if (err == ERR_NOT_FOUND)
		err = parse_refuse(
			why, "no_parser",
			"PDF is read by pdftotext, which is not installed (poppler-utils).");
	else if (err == ERR_EXPIRED)
		err = parse_refuse(why, "deadline", "It takes longer than %d seconds to read.",
				   CHILD_MS / 1000);
	else if (err == ERR_TOO_LARGE)
		err = parse_refuse(why, "too_large",
				   "It has more text than is read of one document.");
	else if (err == ERR_INVALID &&
		 bytes_find(text_bytes(&complaints), BYTES("assword")) != SIZE_MAX)
		err = parse_refuse(why, "encrypted", "It is encrypted, and asks for a password.");
	else if (err == ERR_INVALID)
		err = parse_refuse(why, "malformed", "pdftotext cannot read it: %.120s",
				   complaints.len ? text_str(&complaints) : "it gave up.");
	text_fini(&complaints);
	return err;
}

/* Page by page to an image, and that to words. */
static err_t read_by_ocr(const struct parse_input *input, struct builder *b, unsigned pages,
			 struct parse_why *why)
{
	if (!converter_exists("tesseract") || !converter_exists("pdftoppm"))
		return parse_refuse(
			why, "needs_ocr",
			"Its pages are images: install tesseract-ocr to have them read.");
	if (pages > OCR_PAGES_MAX) {
		TRY(document_warn(b->arena, &b->document, "only the first %d pages were read",
				  OCR_PAGES_MAX));
		pages = OCR_PAGES_MAX;
	}
	for (unsigned page = 1; page <= pages; page++) {
		char number_words[16];
		char *const arguments[] = { "pdftoppm",	  "-r",		"200",	      "-gray",
					    "-png",	  "-f",		number_words, "-l",
					    number_words, "/dev/stdin", NULL };
		struct text image = TEXT_INIT(OUTPUT_MAX);
		err_t err;

		snprintf(number_words, sizeof number_words, "%u", page);
		err = run(input, arguments, &image, why);
		builder_page(b, page);
		if (!err)
			err = ocr_add(b, text_bytes(&image), input->cancelled, why);
		text_fini(&image);
		TRY(err);
	}
	return ERR_OK;
}

static err_t read_into(const struct parse_input *input, struct builder *b, struct parse_why *why)
{
	char *const arguments[] = { "pdftotext", "-bbox-layout", "-enc", "UTF-8", "/dev/stdin", "-",
				    NULL };
	struct text layout = TEXT_INIT(OUTPUT_MAX);
	unsigned pages = 0, empty = 0;
	err_t err = run(input, arguments, &layout, why);

	if (!err)
		err = pdf_layout_read(b, text_bytes(&layout), &pages, &empty);
	text_fini(&layout);
	if (!err && pages && (empty == pages || input->ocr))
		err = read_by_ocr(input, b, pages, why);
	return err;
}

err_t pdf_read(const struct parse_input *input, struct arena *arena, struct document *ret_document,
	       struct parse_why *ret_why)
{
	struct builder *b = arena_new(arena, struct builder);
	err_t err;

	if (!b)
		return ERR_NOMEM;
	builder_init(b, arena, input->file);
	err = read_into(input, b, ret_why);
	if (!err)
		err = builder_finish(b, ret_document);
	if (err == ERR_SYNTAX && !ret_why->words[0])
		(void)parse_refuse(ret_why, "empty", "There is no text in it.");
	builder_fini(b);
	return err;
}
